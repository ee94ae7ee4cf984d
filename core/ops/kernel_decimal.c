/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL kernels: 256-bit helpers, then + - * / %.
 *
 * The common cases stay in 64 or 128 bits: a sum or product whose exact result fits its type needs neither rounding nor
 * a check, which the types tell before the loop.
 */
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_dense.h"

#include <math.h>

#define POWER_MAX 38
#define WIDE_DIGITS 77 /* 10^77 < 2^256 */

/* ---- 256 bits ---- */

static tr_u128 magnitude(tr_i128 value) { return value < 0 ? 0 - (tr_u128)value : (tr_u128)value; }

static int compare_wide(struct tr_wide a, struct tr_wide b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low < b.low ? -1 : a.low > b.low;
}

/* a * b of magnitudes. */
static struct tr_wide multiply_magnitudes(tr_u128 a, tr_u128 b)
{
	tr_u128 a0 = (uint64_t)a, a1 = a >> 64, b0 = (uint64_t)b, b1 = b >> 64;
	tr_u128 low = a0 * b0, mid1 = a1 * b0, mid2 = a0 * b1, high = a1 * b1;
	tr_u128 mid = (low >> 64) + (uint64_t)mid1 + (uint64_t)mid2;

	return (struct tr_wide){.high = high + (mid1 >> 64) + (mid2 >> 64) + (mid >> 64),
				.low = (mid << 64) | (uint64_t)low};
}

static struct tr_wide subtract_magnitudes(struct tr_wide a, struct tr_wide b)
{
	return (struct tr_wide){.high = a.high - b.high - (a.low < b.low), .low = a.low - b.low};
}

/* Schoolbook, bit by bit, when more than 128 bits are in play: rare. */
static struct tr_wide divide_magnitudes(struct tr_wide a, struct tr_wide b, struct tr_wide *remainder)
{
	struct tr_wide quotient = {0}, rest = {0};

	if (a.high == 0 && b.high == 0) {
		*remainder = (struct tr_wide){.low = a.low % b.low};
		return (struct tr_wide){.low = a.low / b.low};
	}
	for (int i = 255; i >= 0; i--) {
		bool carry = rest.high >> 127;

		rest.high = (rest.high << 1) | (rest.low >> 127);
		rest.low = (rest.low << 1) | ((i >= 128 ? a.high >> (i - 128) : a.low >> i) & 1);
		if (carry || compare_wide(rest, b) >= 0) {
			rest = subtract_magnitudes(rest, b);
			if (i >= 128)
				quotient.high |= (tr_u128)1 << (i - 128);
			else
				quotient.low |= (tr_u128)1 << i;
		}
	}
	*remainder = rest;
	return quotient;
}

static struct tr_wide power_wide(int digits)
{
	if (digits <= POWER_MAX)
		return (struct tr_wide){.low = (tr_u128)tr_text_power_of_ten(digits)};
	return multiply_magnitudes((tr_u128)tr_text_power_of_ten(POWER_MAX),
				   (tr_u128)tr_text_power_of_ten(digits - POWER_MAX));
}

struct tr_wide tr_wide_of(tr_i128 value) { return (struct tr_wide){.is_negative = value < 0, .low = magnitude(value)}; }

struct tr_wide tr_wide_scale_up(struct tr_wide value, int digits)
{
	tr_u128 power = (tr_u128)tr_text_power_of_ten(digits);
	struct tr_wide product = multiply_magnitudes(value.low, power);

	product.high += value.high * power;
	product.is_negative = value.is_negative;
	return product;
}

struct tr_wide tr_wide_multiply(tr_i128 a, tr_i128 b)
{
	struct tr_wide product = multiply_magnitudes(magnitude(a), magnitude(b));

	product.is_negative = (a < 0) != (b < 0);
	return product;
}

struct tr_wide tr_wide_add(struct tr_wide a, struct tr_wide b)
{
	struct tr_wide sum;

	if (a.is_negative == b.is_negative) {
		sum.low = a.low + b.low;
		sum.high = a.high + b.high + (sum.low < a.low);
		sum.is_negative = a.is_negative;
		return sum;
	}
	if (compare_wide(a, b) >= 0) {
		sum = subtract_magnitudes(a, b);
		sum.is_negative = a.is_negative;
	} else {
		sum = subtract_magnitudes(b, a);
		sum.is_negative = b.is_negative;
	}
	return sum;
}

struct tr_wide tr_wide_divide(struct tr_wide a, struct tr_wide b)
{
	struct tr_wide rest, quotient = divide_magnitudes(a, b, &rest);

	/* HALF_UP: away from zero when the rest is at least half of b, that is rest >= b - rest. */
	if (compare_wide(rest, subtract_magnitudes(b, rest)) >= 0) {
		quotient.low++;
		quotient.high += quotient.low == 0;
	}
	quotient.is_negative = a.is_negative != b.is_negative;
	return quotient;
}

struct tr_wide tr_wide_remainder(struct tr_wide a, struct tr_wide b)
{
	struct tr_wide rest;

	divide_magnitudes(a, b, &rest);
	rest.is_negative = a.is_negative;
	return rest;
}

struct tr_wide tr_wide_scale_down(struct tr_wide value, int digits)
{
	struct tr_wide result;

	if (digits == 0)
		return value;
	result = tr_wide_divide(value, power_wide(digits));
	result.is_negative = value.is_negative;
	return result;
}

bool tr_wide_to_decimal(struct tr_wide value, int precision, tr_i128 *out)
{
	if (value.high != 0 || value.low >= (tr_u128)tr_text_power_of_ten(precision))
		return false;
	*out = value.is_negative ? -(tr_i128)value.low : (tr_i128)value.low;
	return true;
}

/* ---- single values ---- */

bool tr_decimal_rescale(tr_i128 value, int from, int precision, int scale, tr_i128 *out)
{
	struct tr_wide wide = tr_wide_of(value);

	if (from == scale) {
		*out = value;
		return tr_decimal_fits(value, precision);
	}
	if (value == (int64_t)value && from < scale && scale - from <= 18) {
		*out = value * tr_text_power_of_ten(scale - from);
		return tr_decimal_fits(*out, precision);
	}
	wide = from < scale ? tr_wide_scale_up(wide, scale - from) : tr_wide_scale_down(wide, from - scale);
	return tr_wide_to_decimal(wide, precision, out);
}

int tr_decimal_compare(tr_i128 a, int a_scale, tr_i128 b, int b_scale)
{
	tr_i128 power, quotient, rest;

	if (a_scale == b_scale)
		return (a > b) - (a < b);
	if (a_scale > b_scale)
		return -tr_decimal_compare(b, b_scale, a, a_scale);
	/* a * 10^d against b = quotient * 10^d + rest, where the rest has the sign of b. */
	power = tr_text_power_of_ten(b_scale - a_scale);
	quotient = b / power;
	rest = b % power;
	if (a != quotient)
		return a < quotient ? -1 : 1;
	return rest > 0 ? -1 : rest < 0;
}

double tr_decimal_to_f64(tr_i128 value, int scale)
{
	/* Both exact: the quotient is rounded once. */
	if (scale <= 22 && value < ((tr_i128)1 << 53) && value > -((tr_i128)1 << 53))
		return (double)value / (double)tr_text_power_of_ten(scale);

	char text[TR_TEXT_DECIMAL_BYTES];
	size_t length = tr_text_put_decimal(text, value, scale);
	double result = 0;

	if (tr_text_parse_f64(text, length, &result) != TR_TEXT_OK)
		TR_UNREACHABLE();
	return result;
}

/* ---- kernels ---- */

int tr_decimal_digits(const struct tr_type *type)
{
	switch (type->id) {
	case TR_TYPE_DECIMAL: return type->precision;
	case TR_TYPE_BIGINT: return 19;
	case TR_TYPE_INT: return 10;
	case TR_TYPE_SMALLINT: return 5;
	case TR_TYPE_TINYINT: return 3;
	case TR_TYPE_BOOLEAN: return 1;
	default: return TR_DECIMAL_DIGITS_NONE;
	}
}

/* Only a DECIMAL has a scale. */
static int scale_of(const struct tr_type *type) { return type->id == TR_TYPE_DECIMAL ? type->scale : 0; }

bool tr_decimal_sum_fits(const struct tr_type *result, const struct tr_type *a, const struct tr_type *b)
{
	int scale = TR_MAX(scale_of(a), scale_of(b));
	int whole = TR_MAX(tr_decimal_digits(a) - scale_of(a), tr_decimal_digits(b) - scale_of(b));

	return result->scale == scale && result->precision > whole + scale;
}

bool tr_decimal_product_fits(const struct tr_type *result, const struct tr_type *a, const struct tr_type *b)
{
	return result->scale == scale_of(a) + scale_of(b) &&
	       result->precision >= tr_decimal_digits(a) + tr_decimal_digits(b);
}

/* What fits is computed unsigned: rows that don't count may hold anything. */
static void add_exactly(struct tr_call *call, tr_i128 a_power, tr_i128 b_power)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	const bool is_narrow = a->type->phys == TR_PHYS_I64 && b->type->phys == TR_PHYS_I64;
	const int64_t *x = a->data, *y = b->data;
	uint32_t x_mask = tr_call_mask(call, 0), y_mask = tr_call_mask(call, 1);

	if (is_narrow && call->type->phys == TR_PHYS_I64) {
		uint64_t *out = call->out, p = (uint64_t)a_power, q = (uint64_t)b_power;

		if (call->rows == NULL && x_mask == y_mask) {
			TR_ISA_PICK(tr_kernel_dense)->sum_i64(call->out, x, (int64_t)p, y, (int64_t)q, call->count);
			return;
		}
		TR_CALL_ROWS(call, row)
			out[row] = (uint64_t)x[row & x_mask] * p + (uint64_t)y[row & y_mask] * q;
		return;
	}
	TR_CALL_ROWS(call, row)
		tr_decimal_put(call, row,
			       (tr_i128)((tr_u128)tr_decimal_get(a, row) * (tr_u128)a_power +
					 (tr_u128)tr_decimal_get(b, row) * (tr_u128)b_power));
}

static tr_code add_or_subtract(struct tr_call *call, bool is_subtract)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	int a_scale = scale_of(a->type), b_scale = scale_of(b->type), scale = TR_MAX(a_scale, b_scale);

	if (tr_decimal_sum_fits(call->type, a->type, b->type)) {
		add_exactly(call, tr_text_power_of_ten(scale - a_scale),
			    tr_text_power_of_ten(scale - b_scale) * (is_subtract ? -1 : 1));
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		struct tr_wide x = tr_wide_scale_up(tr_wide_of(tr_decimal_get(a, row)), scale - a_scale);
		struct tr_wide y = tr_wide_scale_up(tr_wide_of(tr_decimal_get(b, row)), scale - b_scale);
		tr_i128 result;

		y.is_negative ^= is_subtract;
		x = tr_wide_scale_down(tr_wide_add(x, y), scale - call->type->scale);
		if (tr_wide_to_decimal(x, call->type->precision, &result))
			tr_decimal_put(call, row, result);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

tr_code tr_decimal_add(struct tr_call *call) { return add_or_subtract(call, false); }

tr_code tr_decimal_subtract(struct tr_call *call) { return add_or_subtract(call, true); }

/* 64 bits by 64, with one of them constant or none. */
static void multiply_narrow(struct tr_call *call)
{
	const int64_t *x = call->args[0].data, *y = call->args[1].data;
	uint32_t x_mask = tr_call_mask(call, 0), y_mask = tr_call_mask(call, 1);
	tr_i128 *restrict out = call->out;

	if (call->type->phys == TR_PHYS_I64) {
		TR_CALL_ROWS(call, row)
			((uint64_t *)call->out)[row] = (uint64_t)x[row & x_mask] * (uint64_t)y[row & y_mask];
		return;
	}
	if (call->rows != NULL || x_mask == y_mask) {
		TR_CALL_ROWS(call, row)
			out[row] = (tr_i128)x[row & x_mask] * y[row & y_mask];
		return;
	}
	const int64_t *restrict factors = x_mask == 0 ? y : x, constant = x_mask == 0 ? x[0] : y[0];

	for (uint32_t i = 0; i < call->count; i++)
		out[i] = (tr_i128)factors[i] * constant;
}

tr_code tr_decimal_multiply(struct tr_call *call)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	int exact = scale_of(a->type) + scale_of(b->type);

	if (tr_decimal_product_fits(call->type, a->type, b->type)) {
		if (a->type->phys == TR_PHYS_I64 && b->type->phys == TR_PHYS_I64)
			multiply_narrow(call);
		else
			TR_CALL_ROWS(call, row)
				tr_decimal_put(
					call, row,
					(tr_i128)((tr_u128)tr_decimal_get(a, row) * (tr_u128)tr_decimal_get(b, row)));
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		struct tr_wide product = tr_wide_multiply(tr_decimal_get(a, row), tr_decimal_get(b, row));
		tr_i128 result;

		product = tr_wide_scale_down(product, exact - call->type->scale);
		if (tr_wide_to_decimal(product, call->type->precision, &result))
			tr_decimal_put(call, row, result);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

tr_code tr_decimal_divide(struct tr_call *call)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	/* a / 10^sa : b / 10^sb, as an integer of the result's scale: a * 10^(s + sb - sa) / b */
	int shift = call->type->scale + b->type->scale - a->type->scale;

	TR_CALL_ROWS(call, row) {
		struct tr_wide x = tr_wide_of(tr_decimal_get(a, row)), y = tr_wide_of(tr_decimal_get(b, row));
		tr_i128 result;

		if (y.low == 0)
			TR_CALL_FAIL(call, row, "division by zero");
		if (shift > POWER_MAX && compare_wide(x, power_wide(WIDE_DIGITS - shift)) >= 0) {
			tr_call_set_null(call, row); /* more than 10^77 by less than 10^38: too large */
			continue;
		}
		if (shift >= 0) {
			x = tr_wide_scale_up(x, TR_MIN(shift, POWER_MAX));
			x = tr_wide_scale_up(x, TR_MAX(shift - POWER_MAX, 0));
		} else {
			y = tr_wide_scale_up(y, -shift);
		}
		if (tr_wide_to_decimal(tr_wide_divide(x, y), call->type->precision, &result))
			tr_decimal_put(call, row, result);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

tr_code tr_decimal_modulo(struct tr_call *call)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	int scale = TR_MAX(a->type->scale, b->type->scale);

	TR_CALL_ROWS(call, row) {
		struct tr_wide x = tr_wide_of(tr_decimal_get(a, row)), y = tr_wide_of(tr_decimal_get(b, row));
		tr_i128 result;

		if (y.low == 0)
			TR_CALL_FAIL(call, row, "division by zero");
		x = tr_wide_scale_up(x, scale - a->type->scale);
		y = tr_wide_scale_up(y, scale - b->type->scale);
		x = tr_wide_scale_down(tr_wide_remainder(x, y), scale - call->type->scale);
		if (tr_wide_to_decimal(x, call->type->precision, &result))
			tr_decimal_put(call, row, result);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}
