/* SPDX-License-Identifier: Apache-2.0
 *
 * Mathematical functions: ABS ROUND TRUNCATE FLOOR CEIL SIGN, powers, logarithms, trigonometry, RAND.
 *
 * ROUND and TRUNCATE of DOUBLE go by the shortest decimal text, as Java's BigDecimal.valueOf does: ROUND(2.675, 2) is
 * 2.68 although the double is a little less.
 */
#include <math.h>

#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_dense.h"

#define DIGITS_MAX 400 /* positions that ROUND looks at: more change nothing in a DOUBLE */

/* ---- types ---- */

static const struct tr_type *type_floor(struct tr_ask *ask)
{
	const struct tr_type *type = ask->want[0];

	return type->id == TR_TYPE_DECIMAL ? tr_type_decimal(ask->arena, type->precision, 0) : type;
}

static const struct tr_type *type_round(struct tr_ask *ask)
{
	const struct tr_type *type = ask->want[0];
	int64_t digits = tr_ask_i64(ask, 1, ask->count > 1 ? type->scale : 0);

	digits = TR_MAX(TR_MIN(digits, TR_DECIMAL_PRECISION_MAX), -TR_DECIMAL_PRECISION_MAX);
	return type->id == TR_TYPE_DECIMAL ? tr_decimal_round_type(ask->arena, type, (int)digits) : type;
}

/* ---- integers and decimals ---- */

static void put_number(struct tr_call *call, uint32_t row, tr_i128 value)
{
	switch (call->type->phys) {
	case TR_PHYS_I8: ((int8_t *)call->out)[row] = (int8_t)value; break;
	case TR_PHYS_I16: ((int16_t *)call->out)[row] = (int16_t)value; break;
	case TR_PHYS_I32: ((int32_t *)call->out)[row] = (int32_t)value; break;
	case TR_PHYS_I64: ((int64_t *)call->out)[row] = (int64_t)value; break;
	default: ((tr_i128 *)call->out)[row] = value;
	}
}

static bool is_float(const struct tr_column *column)
{
	return column->type->phys == TR_PHYS_F32 || column->type->phys == TR_PHYS_F64;
}

static double float_at(const struct tr_column *column, uint32_t row)
{
	return column->type->phys == TR_PHYS_F32 ? (double)tr_column_f32(column, row) : tr_column_f64(column, row);
}

static void put_float(struct tr_call *call, uint32_t row, double value)
{
	if (call->type->phys == TR_PHYS_F32)
		((float *)call->out)[row] = (float)value;
	else
		((double *)call->out)[row] = value;
}

static bool absolute_dense(struct tr_call *call)
{
	const struct tr_kernel_dense *kernels = TR_ISA_PICK(tr_kernel_dense);
	const struct tr_column *arg = &call->args[0];

	if (call->rows != NULL || arg->is_constant || arg->type->phys != call->type->phys)
		return false;
	switch (arg->type->phys) {
	case TR_PHYS_I32: kernels->absolute_i32(call->out, arg->data, call->count); return true;
	case TR_PHYS_I64: kernels->absolute_i64(call->out, arg->data, call->count); return true;
	case TR_PHYS_F64: kernels->absolute_f64(call->out, arg->data, call->count); return true;
	default: return false;
	}
}

static tr_code run_abs(struct tr_call *call)
{
	if (absolute_dense(call))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		if (is_float(&call->args[0])) {
			put_float(call, row, fabs(float_at(&call->args[0], row)));
		} else {
			tr_i128 value = tr_decimal_get(&call->args[0], row);

			put_number(call, row, value < 0 ? -value : value);
		}
	}
	return TR_OK;
}

static tr_code run_sign(struct tr_call *call)
{
	const struct tr_column *arg = &call->args[0];
	tr_i128 one = arg->type->id == TR_TYPE_DECIMAL ? tr_text_power_of_ten(arg->type->scale) : 1;

	TR_CALL_ROWS(call, row) {
		if (is_float(arg)) {
			double value = float_at(arg, row);

			put_float(call, row, value > 0 ? 1 : value < 0 ? -1 : value);
		} else {
			tr_i128 value = tr_decimal_get(arg, row);

			/* SIGN(0.5) of DECIMAL(1, 1) does not fit and is NULL, as in Flink. */
			value = value > 0 ? one : value < 0 ? -one : 0;
			if (arg->type->id == TR_TYPE_DECIMAL && !tr_decimal_fits(value, call->type->precision))
				tr_call_set_null(call, row);
			else
				put_number(call, row, value);
		}
	}
	return TR_OK;
}

static tr_code run_floor_or_ceil(struct tr_call *call, bool is_floor)
{
	const struct tr_column *arg = &call->args[0];
	tr_i128 power = tr_text_power_of_ten(arg->type->id == TR_TYPE_DECIMAL ? arg->type->scale : 0);

	TR_CALL_ROWS(call, row) {
		tr_i128 value, whole;

		if (is_float(arg)) {
			double x = float_at(arg, row);

			put_float(call, row, is_floor ? floor(x) : ceil(x));
			continue;
		}
		value = tr_decimal_get(arg, row);
		whole = value / power;
		whole -= is_floor && value % power < 0;
		whole += !is_floor && value % power > 0;
		put_number(call, row, whole);
	}
	return TR_OK;
}
static tr_code run_floor(struct tr_call *call) { return run_floor_or_ceil(call, true); }
static tr_code run_ceil(struct tr_call *call) { return run_floor_or_ceil(call, false); }

/* ---- ROUND, TRUNCATE ---- */

/* To `digits` digits after the point (before it, when negative). */
static tr_i128 cut_digits(tr_i128 value, int digits, bool is_round)
{
	struct tr_wide wide;
	tr_i128 result = 0;

	if (digits <= 0)
		return value;
	if (digits > TR_DECIMAL_PRECISION_MAX)
		return 0;
	if (!is_round)
		return value / tr_text_power_of_ten(digits);
	wide = tr_wide_scale_down(tr_wide_of(value), digits);
	if (!tr_wide_to_decimal(wide, TR_DECIMAL_PRECISION_MAX, &result))
		TR_UNREACHABLE();
	return result;
}

static void round_exact(struct tr_call *call, uint32_t row, int64_t digits, bool is_round)
{
	const struct tr_type *from = call->args[0].type;
	int scale = from->id == TR_TYPE_DECIMAL ? from->scale : 0;
	int drop = (int)TR_MIN(TR_MAX(scale - digits, (int64_t)0), (int64_t)DIGITS_MAX);
	tr_i128 value = cut_digits(tr_decimal_get(&call->args[0], row), drop, is_round);
	int result_scale = from->id == TR_TYPE_DECIMAL ? call->type->scale : 0;

	/* value has the scale (scale - drop), which may be below zero. */
	if (value != 0 && !tr_decimal_rescale(value, TR_MAX(scale - drop, 0), TR_DECIMAL_PRECISION_MAX,
					      TR_MAX(result_scale, scale - drop), &value)) {
		tr_call_set_null(call, row);
		return;
	}
	for (int i = scale - drop; i < 0 && value != 0; i++)
		if (__builtin_mul_overflow(value, (tr_i128)10, &value)) {
			tr_call_set_null(call, row);
			return;
		}
	if (from->id == TR_TYPE_DECIMAL && !tr_decimal_fits(value, call->type->precision))
		tr_call_set_null(call, row);
	else
		put_number(call, row, value);
}

/* The value's shortest decimal digits as an integer, and the power of ten of its last digit. */
static int64_t shortest_digits(double value, int *exponent)
{
	char text[TR_TEXT_FLOAT_BYTES];
	size_t length = tr_text_put_f64(text, fabs(value));
	int64_t digits = 0;
	bool is_fraction = false;
	int e = 0;

	*exponent = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.') {
			is_fraction = true;
		} else if (text[i] == 'E') {
			int sign = text[i + 1] == '-' ? -1 : 1;

			for (i += sign < 0 ? 2 : 1; i < length; i++)
				e = e * 10 + (text[i] - '0');
			*exponent += sign * e;
		} else {
			digits = digits * 10 + (text[i] - '0');
			*exponent -= is_fraction;
		}
	}
	return digits;
}

static double round_float(double value, int64_t places, bool is_round)
{
	char text[TR_TEXT_INTEGER_BYTES + 16];
	int exponent, drop;
	int64_t digits, power = 1;
	double result = 0;
	size_t length;

	if (!isfinite(value) || value == 0 || places >= DIGITS_MAX)
		return value;
	digits = shortest_digits(value, &exponent);
	places = TR_MAX(places, (int64_t)-DIGITS_MAX);
	drop = (int)(-places - exponent); /* digits to cut */
	if (drop <= 0)
		return value;
	if (drop > 18)
		return 0;
	for (int i = 0; i < drop; i++)
		power *= 10;
	digits = digits / power + (is_round && digits % power >= power - digits % power);
	length = tr_text_put_i64(text, digits);
	text[length++] = 'E';
	length += tr_text_put_i64(text + length, exponent + drop);
	if (tr_text_parse_f64(text, length, &result) != TR_TEXT_OK)
		TR_UNREACHABLE();
	return value < 0 && result != 0 ? -result : result; /* BigDecimal, which Flink rounds with, has no -0 */
}

static tr_code round_rows(struct tr_call *call, bool is_round)
{
	TR_CALL_ROWS(call, row) {
		int64_t digits = call->arg_count > 1 ? tr_column_i64(&call->args[1], row) : 0;

		if (is_float(&call->args[0]))
			put_float(call, row, round_float(float_at(&call->args[0], row), digits, is_round));
		else
			round_exact(call, row, digits, is_round);
	}
	return TR_OK;
}
static tr_code run_round(struct tr_call *call) { return round_rows(call, true); }
static tr_code run_truncate(struct tr_call *call) { return round_rows(call, false); }

/* ---- functions of doubles ---- */

#define DOUBLE_1(name, expression)                                     \
	static tr_code run_##name(struct tr_call *call)                \
	{                                                              \
		TR_CALL_ROWS(call, row) {                              \
			double x = tr_column_f64(&call->args[0], row); \
			((double *)call->out)[row] = (expression);     \
		}                                                      \
		return TR_OK;                                          \
	}
#define DOUBLE_2(name, expression)                                                                             \
	static tr_code run_##name(struct tr_call *call)                                                        \
	{                                                                                                      \
		TR_CALL_ROWS(call, row) {                                                                      \
			double x = tr_column_f64(&call->args[0], row), y = tr_column_f64(&call->args[1], row); \
			((double *)call->out)[row] = (expression);                                             \
		}                                                                                              \
		return TR_OK;                                                                                  \
	}
DOUBLE_1(sqrt, sqrt(x))
DOUBLE_1(exp, exp(x))
DOUBLE_1(ln, log(x))
DOUBLE_1(log10, log10(x))
DOUBLE_1(log2, log(x) / log(2.0))
DOUBLE_2(log_base, log(y) / log(x))
DOUBLE_2(power, pow(x, y))
DOUBLE_1(sin, sin(x))
DOUBLE_1(sinh, sinh(x))
DOUBLE_1(cos, cos(x))
DOUBLE_1(cosh, cosh(x))
DOUBLE_1(tan, tan(x))
DOUBLE_1(tanh, tanh(x))
DOUBLE_1(cot, 1.0 / tan(x))
DOUBLE_1(asin, asin(x))
DOUBLE_1(acos, acos(x))
DOUBLE_1(atan, atan(x))
DOUBLE_2(atan2, atan2(x, y))
DOUBLE_1(degrees, x *(180.0 / M_PI))
DOUBLE_1(radians, x *(M_PI / 180.0))

static tr_code run_pi(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		((double *)call->out)[row] = M_PI;
	return TR_OK;
}
static tr_code run_e(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		((double *)call->out)[row] = M_E;
	return TR_OK;
}

static tr_code run_rand(struct tr_call *call)
{
	if (call->context->env == NULL)
		TR_CALL_FAIL(call, 0, "no source of random numbers here");
	TR_CALL_ROWS(call, row)
		((double *)call->out)[row] = (double)(tr_environment_random(call->context->env) >> 11) * 0x1.0p-53;
	return TR_OK;
}

static tr_code run_rand_integer(struct tr_call *call)
{
	if (call->context->env == NULL)
		TR_CALL_FAIL(call, 0, "no source of random numbers here");
	TR_CALL_ROWS(call, row) {
		int64_t bound = tr_column_i64(&call->args[0], row);

		if (bound <= 0)
			TR_CALL_FAIL(call, row, "the bound of RAND_INTEGER must be positive");
		((int32_t *)call->out)[row] =
			(int32_t)(tr_environment_random(call->context->env) % (uint64_t)TR_MIN(bound, INT32_MAX));
	}
	return TR_OK;
}

#define FUNC(name_, params_, typer_, kernel_, null_, flags_, signature_, doc_, example_)                            \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = (flags_), TR_FUNC_DOC("arithmetic", signature_, doc_, example_)                            \
	}
#define OF_DOUBLE(name_, run_, doc_, example_) \
	FUNC(name_, "d", tr_typer_double, run_, TR_NULL_STRICT, 0, name_ "(numeric) -> DOUBLE", doc_, example_)

static const struct tr_func rows[] = {
	FUNC("ABS", "n", tr_typer_first, run_abs, TR_NULL_STRICT, 0, "ABS(numeric) -> the same type",
	     "The absolute value.", "ABS(-2) = 2"),
	FUNC("SIGN", "n", tr_typer_first, run_sign, TR_NULL_MAKES, TR_FUNC_AS_ARGS, "SIGN(numeric) -> the same type",
	     "-1, 0 or 1.", "SIGN(-2) = -1"),
	FUNC("FLOOR", "n", type_floor, run_floor, TR_NULL_STRICT, 0, "FLOOR(numeric) -> the same type, scale 0",
	     "The greatest whole number that is not greater.", "FLOOR(1.5) = 1"),
	FUNC("CEIL", "n", type_floor, run_ceil, TR_NULL_STRICT, 0, "CEIL(numeric) -> the same type, scale 0",
	     "The least whole number that is not less.", "CEIL(1.5) = 2"),
	FUNC("CEILING", "n", type_floor, run_ceil, TR_NULL_STRICT, 0, "CEILING(numeric) -> the same type, scale 0",
	     "The same as CEIL.", "CEILING(1.5) = 2"),
	FUNC("ROUND", "n?l", type_round, run_round, TR_NULL_MAKES, TR_FUNC_AS_ARGS,
	     "ROUND(numeric [, digits]) -> the same type",
	     "Rounded half up to so many digits after the point; negative: before it.", "ROUND(2.675, 2) = 2.68"),
	FUNC("TRUNCATE", "n?l", type_round, run_truncate, TR_NULL_MAKES, TR_FUNC_AS_ARGS,
	     "TRUNCATE(numeric [, digits]) -> the same type", "Cut to so many digits after the point.",
	     "TRUNCATE(2.678, 2) = 2.67"),
	FUNC("POWER", "dd", tr_typer_double, run_power, TR_NULL_STRICT, 0, "POWER(numeric, numeric) -> DOUBLE",
	     "The first to the power of the second.", "POWER(2, 10) = 1024"),
	OF_DOUBLE("SQRT", run_sqrt, "The square root.", "SQRT(9) = 3"),
	OF_DOUBLE("EXP", run_exp, "e to that power.", "EXP(0) = 1"),
	OF_DOUBLE("LN", run_ln, "The natural logarithm.", "LN(1) = 0"),
	OF_DOUBLE("LOG10", run_log10, "The logarithm to base 10.", "LOG10(100) = 2"),
	OF_DOUBLE("LOG2", run_log2, "The logarithm to base 2.", "LOG2(8) = 3"),
	OF_DOUBLE("LOG", run_ln, "The natural logarithm.", "LOG(1) = 0"),
	FUNC("LOG", "dd", tr_typer_double, run_log_base, TR_NULL_STRICT, 0, "LOG(base, numeric) -> DOUBLE",
	     "The logarithm to that base.", "LOG(2, 8) = 3"),
	OF_DOUBLE("SIN", run_sin, "Sine.", "SIN(0) = 0"),
	OF_DOUBLE("SINH", run_sinh, "Hyperbolic sine.", "SINH(0) = 0"),
	OF_DOUBLE("COS", run_cos, "Cosine.", "COS(0) = 1"),
	OF_DOUBLE("COSH", run_cosh, "Hyperbolic cosine.", "COSH(0) = 1"),
	OF_DOUBLE("TAN", run_tan, "Tangent.", "TAN(0) = 0"),
	OF_DOUBLE("TANH", run_tanh, "Hyperbolic tangent.", "TANH(0) = 0"),
	OF_DOUBLE("COT", run_cot, "Cotangent.", NULL),
	OF_DOUBLE("ASIN", run_asin, "Arc sine.", "ASIN(0) = 0"),
	OF_DOUBLE("ACOS", run_acos, "Arc cosine.", "ACOS(1) = 0"),
	OF_DOUBLE("ATAN", run_atan, "Arc tangent.", "ATAN(0) = 0"),
	FUNC("ATAN2", "dd", tr_typer_double, run_atan2, TR_NULL_STRICT, 0, "ATAN2(y, x) -> DOUBLE",
	     "The angle of a point.", "ATAN2(0, 1) = 0"),
	OF_DOUBLE("DEGREES", run_degrees, "Radians to degrees.", "DEGREES(0) = 0"),
	OF_DOUBLE("RADIANS", run_radians, "Degrees to radians.", "RADIANS(0) = 0"),
	FUNC("PI", "", tr_typer_double, run_pi, TR_NULL_STRICT, 0, "PI() -> DOUBLE", "3.14159...", NULL),
	FUNC("E", "", tr_typer_double, run_e, TR_NULL_STRICT, 0, "E() -> DOUBLE", "2.71828...", NULL),
	FUNC("RAND", "", tr_typer_double, run_rand, TR_NULL_STRICT, TR_FUNC_VOLATILE | TR_FUNC_PER_ROW,
	     "RAND() -> DOUBLE", "A random number in [0, 1), another for each row.", NULL),
	FUNC("RAND_INTEGER", "l", tr_typer_int, run_rand_integer, TR_NULL_STRICT, TR_FUNC_VOLATILE | TR_FUNC_PER_ROW,
	     "RAND_INTEGER(bound) -> INT", "A random number in [0, bound).", NULL),
};

const struct tr_func_table tr_func_math_table = {rows, TR_COUNT_OF(rows)};
