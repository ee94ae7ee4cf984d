/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality of values of any type, as the operators = and <> and the functions of arrays and maps see it.
 *
 * Numbers, times and texts are equal as with =: NaN equals nothing, 0.0 equals -0.0. ROWs are equal field by field, ARRAYs
 * element by element; a NULL inside equals nothing, not even a NULL (so says Flink's generated code). MAPs and MULTISETs are
 * equal if they have the same entries, in any order.
 */
#ifndef TR_CORE_OPS_KERNEL_NESTED_H
#define TR_CORE_OPS_KERNEL_NESTED_H

#include "core/ops/kernel_pick.h"

/** Neither is NULL; the types differ in nullability and names only, or are decimals of any scale. */
bool tr_nested_equals(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row);

/** The same where both may be NULL, and two NULLs are equal. */
static inline bool tr_nested_same(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	const bool a_null = tr_column_is_null(a, a_row), b_null = tr_column_is_null(b, b_row);

	return a_null || b_null ? a_null && b_null : tr_nested_equals(a, a_row, b, b_row);
}

/** Where a value, or a NULL, is first among rows [range) of `column`: its row, or -1. The types are the same. */
int32_t tr_nested_find(const struct tr_column *column, struct tr_list_range range, const struct tr_column *value,
		       uint32_t value_row);

/** Values of one row's lists, each once. Values are named by picks of the element columns `sources`. */
struct tr_value_set {
	struct tr_arena *heap;
	const struct tr_column *const *sources;
	struct tr_pick *items;
	uint64_t *hashes; /* of items, once there are slots */
	uint32_t *slots;  /* position in items + 1 */
	uint32_t count;
	uint32_t capacity;  /* of items and hashes */
	uint32_t slot_mask; /* slots - 1; 0: so few values that they are compared one by one */
	uint32_t slot_capacity;
};

void tr_value_set_init(struct tr_value_set *set, struct tr_arena *heap, const struct tr_column *const *sources);

/** Empties it for the next row, which has at most `expected` values. */
void tr_value_set_begin(struct tr_value_set *set, uint32_t expected);

/** The position of an equal value, or UINT32_MAX. */
uint32_t tr_value_set_find(struct tr_value_set *set, struct tr_pick pick);

/** Adds a value unless there is an equal one. Returns whether it was added; `position`: of it or of the equal one. */
bool tr_value_set_add(struct tr_value_set *set, struct tr_pick pick, uint32_t *position);

#endif
