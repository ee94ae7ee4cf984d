/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of two rows comes first: ORDER BY over columns. NULL is the least value, so it comes first ascending and last
 * descending, unless the query says otherwise.
 */
#ifndef TR_CORE_OPS_ROW_ORDER_H
#define TR_CORE_OPS_ROW_ORDER_H

#include "core/ops/kernel_value.h"

/** A column to order by. */
struct tr_order_key {
	uint32_t column;
	bool is_descending;
	bool nulls_first;
};

/** Whether values of the type have an order. */
static inline bool tr_type_is_ordered(const struct tr_type *type)
{
	return type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW && type->phys != TR_PHYS_NONE;
}

/** < 0, 0, > 0: how row a_row of a[] stands to row b_row of b[]. */
static inline int tr_row_order_compare(const struct tr_order_key *keys, uint32_t key_count, const struct tr_column *a,
				       uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	for (uint32_t i = 0; i < key_count; i++) {
		const struct tr_column *left = &a[keys[i].column], *right = &b[keys[i].column];
		const bool left_null = tr_column_is_null(left, a_row), right_null = tr_column_is_null(right, b_row);
		int order;

		if (left_null || right_null) {
			if (left_null != right_null)
				return left_null == keys[i].nulls_first ? -1 : 1;
			continue;
		}
		order = tr_value_compare(left, a_row, right, b_row);
		if (order != 0)
			return keys[i].is_descending ? -order : order;
	}
	return 0;
}

#endif
