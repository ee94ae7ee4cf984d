/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL arithmetic on unscaled 128-bit integers, with 256-bit intermediates where 128 are not enough.
 *
 * Results are rounded HALF_UP to their type's scale; a result with more digits than its type's precision is NULL, as in
 * Flink. Division rounds the exact quotient once (Flink rounds to 38 significant digits first; the two differ only in
 * quotients whose 38 digits end in ...5 by that first rounding).
 */
#ifndef TR_CORE_OPS_KERNEL_DECIMAL_H
#define TR_CORE_OPS_KERNEL_DECIMAL_H

#include "base/text.h"
#include "core/ops/func_table.h"

/** An unscaled value with up to 77 digits, as sign and magnitude. */
struct tr_wide {
	bool is_negative;
	tr_u128 high, low;
};

struct tr_wide tr_wide_of(tr_i128 value);
/** |value| * 10^digits, digits 0..38. The product must fit 256 bits: values of up to 38 digits do. */
struct tr_wide tr_wide_scale_up(struct tr_wide value, int digits);
struct tr_wide tr_wide_multiply(tr_i128 a, tr_i128 b);
struct tr_wide tr_wide_add(struct tr_wide a, struct tr_wide b);
/** a / b rounded HALF_UP to an integer; a % b with the sign of a. b is not 0. */
struct tr_wide tr_wide_divide(struct tr_wide a, struct tr_wide b);
struct tr_wide tr_wide_remainder(struct tr_wide a, struct tr_wide b);
/** Drops digits, rounding HALF_UP; digits 0..76. */
struct tr_wide tr_wide_scale_down(struct tr_wide value, int digits);
/** False when it has more than `precision` digits. */
bool tr_wide_to_decimal(struct tr_wide value, int precision, tr_i128 *out);

static inline bool tr_decimal_fits(tr_i128 value, int precision)
{
	tr_i128 limit = tr_text_power_of_ten(precision);

	return value < limit && value > -limit;
}

/** From scale `from` to DECIMAL(precision, scale), HALF_UP. False when it does not fit. */
bool tr_decimal_rescale(tr_i128 value, int from, int precision, int scale, tr_i128 *out);

/** < 0, 0, > 0 of values of different scales; exact. */
int tr_decimal_compare(tr_i128 a, int a_scale, tr_i128 b, int b_scale);

double tr_decimal_to_f64(tr_i128 value, int scale);

/** How many digits a DECIMAL, integer or BOOLEAN of this type has at most; other types: more than fits anywhere. */
#define TR_DECIMAL_DIGITS_NONE 256
int tr_decimal_digits(const struct tr_type *type);

/** Whether every sum or product of values of `a` and `b` is exact in `result`, so that it needs neither rounding nor a
 * check. Integers count as DECIMALs of scale 0. */
bool tr_decimal_sum_fits(const struct tr_type *result, const struct tr_type *a, const struct tr_type *b);
bool tr_decimal_product_fits(const struct tr_type *result, const struct tr_type *a, const struct tr_type *b);

/** The unscaled value of a DECIMAL or integer column. */
static inline tr_i128 tr_decimal_get(const struct tr_column *column, uint32_t row)
{
	switch (column->type->phys) {
	case TR_PHYS_I64: return tr_column_i64(column, row);
	case TR_PHYS_I128: return tr_column_i128(column, row);
	case TR_PHYS_I32: return tr_column_i32(column, row);
	case TR_PHYS_I16: return tr_column_i16(column, row);
	default: return tr_column_i8(column, row);
	}
}

static inline void tr_decimal_put(struct tr_call *call, uint32_t row, tr_i128 value)
{
	if (call->type->phys == TR_PHYS_I64)
		((int64_t *)call->out)[row] = (int64_t)value;
	else
		((tr_i128 *)call->out)[row] = value;
}

/** Kernels of + - * / % over DECIMAL arguments; those of + - * take integers too, and are harmless on any bits where
 * the result fits (above). */
tr_code tr_decimal_add(struct tr_call *call);
tr_code tr_decimal_subtract(struct tr_call *call);
tr_code tr_decimal_multiply(struct tr_call *call);
tr_code tr_decimal_divide(struct tr_call *call);
tr_code tr_decimal_modulo(struct tr_call *call);

#endif
