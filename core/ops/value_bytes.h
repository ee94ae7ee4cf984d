/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values of any type as bytes: for accumulators that keep the values they have seen (core/ops/agg_bag.h).
 *
 *     value    | 1 |                           NULL
 *              | 0 | fixed width               as in memory; every NaN as the same one
 *              | 0 | length u32 | bytes        texts and bytes
 *              | 0 | count u32 | values ..     ARRAY, MULTISET: an element after the other; MAP: key, value, key, value ..
 *              | 0 | values ..                 ROW: its fields
 *
 * Equal values are equal bytes, but for MAP and MULTISET with their entries in another order, and -0.0 is not 0.0. The order of
 * the bytes says nothing of that of the values; it is only always the same.
 */
#ifndef TR_CORE_OPS_VALUE_BYTES_H
#define TR_CORE_OPS_VALUE_BYTES_H

#include <string.h>

#include "base/batch.h"
#include "base/bytes.h"

/** The order of bytes: < 0, 0, > 0. What begins another comes before it. */
static inline int tr_value_bytes_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/** Appends the value in row `row`. */
void tr_value_bytes_append(struct tr_bytes *bytes, const struct tr_column *column, uint32_t row);

/** Puts a value in row `at` of a buffer of its type, whose rows are filled one after the other; texts go to `heap`. Returns what
 * follows. */
const char *tr_value_bytes_take(const char *from, struct tr_column_buffer *column, uint32_t at, struct tr_heap *heap);

/** Where the value that begins at `from` ends; NULL: there is none of this type before `end`. */
const char *tr_value_bytes_end(const char *from, const char *end, const struct tr_type *type);

#endif
