/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of sorting that the plan (core/plan.h) and the operators share.
 */
#ifndef TR_CORE_OPS_SORT_H
#define TR_CORE_OPS_SORT_H

#include <stdint.h>

#include "core/ops/row_order.h"

#define TR_SORT_NO_LIMIT UINT64_MAX

/** Rows in the order of the keys, the first that differs decides: without the first `offset`, at most `limit`. No keys: in any
 * order. */
struct tr_sort_spec {
	const struct tr_order_key *keys;
	uint32_t key_count;
	uint64_t offset;
	uint64_t limit; /* or TR_SORT_NO_LIMIT */
};

/** How many of the first rows there must be for the answer. */
static inline uint64_t tr_sort_rows_needed(const struct tr_sort_spec *spec)
{
	return spec->limit > UINT64_MAX - spec->offset ? TR_SORT_NO_LIMIT : spec->offset + spec->limit;
}

#endif
