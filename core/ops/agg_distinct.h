/* SPDX-License-Identifier: Apache-2.0
 *
 * The set of values that a DISTINCT aggregate of one group has seen.
 *
 * A set keeps its values in the order of arrival, in the layout of a column, so that a range of them can be handed to
 * the aggregate's update; an index by open addressing finds them. Long strings are copied. NULL is the empty set.
 * FLOAT and DOUBLE: -0.0 is 0.0, and all NaNs are one value.
 */
#ifndef TR_CORE_OPS_AGG_DISTINCT_H
#define TR_CORE_OPS_AGG_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/column.h"

struct tr_distinct_set;

/** Adds the value at `value` (tr_phys_bytes(phys) of them). Whether it was new. */
bool tr_distinct_add(struct tr_distinct_set **set, enum tr_phys phys, const void *value);

uint32_t tr_distinct_count(const struct tr_distinct_set *set);

/** Of memory, about. */
size_t tr_distinct_bytes(const struct tr_distinct_set *set);

/** All values, in order of arrival; valid until the next add. */
const void *tr_distinct_values(const struct tr_distinct_set *set);

void tr_distinct_destroy(struct tr_distinct_set **set);

#endif
