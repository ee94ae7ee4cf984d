/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values of columns: comparing two of any scalar types that the binder lets meet.
 */
#ifndef TR_CORE_OPS_KERNEL_VALUE_H
#define TR_CORE_OPS_KERNEL_VALUE_H

#include "core/ops/kernel_decimal.h"

/** < 0, 0, > 0; neither is NULL. Doubles as Double.compare except that 0.0 equals -0.0 (NaN is the greatest). */
static inline int tr_value_compare(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))
	switch (a->type->phys) {
	case TR_PHYS_VIEW: return tr_view_compare(tr_column_view(a, a_row), tr_column_view(b, b_row));
	case TR_PHYS_F32:
	case TR_PHYS_F64: {
		double x = a->type->phys == TR_PHYS_F32 ? tr_column_f32(a, a_row) : tr_column_f64(a, a_row);
		double y = b->type->phys == TR_PHYS_F32 ? tr_column_f32(b, b_row) : tr_column_f64(b, b_row);

		if (x != x || y != y)
			return (x != x) - (y != y);
		return ORDER(x, y);
	}
	default: {
		tr_i128 x = tr_decimal_get(a, a_row), y = tr_decimal_get(b, b_row);

		if (a->type->id == TR_TYPE_DECIMAL && b->type->id == TR_TYPE_DECIMAL)
			return tr_decimal_compare(x, a->type->scale, y, b->type->scale);
		return ORDER(x, y);
	}
	}
#undef ORDER
}

/** Copies a value of a fixed width (1, 2, 4, 8 or 16 bytes). */
static inline void tr_value_copy(void *out, uint32_t out_row, const struct tr_column *from, uint32_t row, size_t width)
{
	memcpy((char *)out + out_row * width, (const char *)from->data + tr_column_row(from, row) * width, width);
}

#endif
