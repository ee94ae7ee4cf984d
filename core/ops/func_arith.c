/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators + - * / % on numbers, and MOD.
 *
 * Integers wrap around; integer division truncates; division by zero fails the job (for FLOAT and DOUBLE it is
 * Infinity or NaN, as in Java). A DECIMAL with an integer is DECIMAL arithmetic, with FLOAT or DOUBLE it is DOUBLE.
 */
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_arith.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_dense.h"

/* ---- result types ---- */

static bool is_decimal(const struct tr_ask *ask)
{
	return ask->want[0]->id == TR_TYPE_DECIMAL && ask->want[1]->id == TR_TYPE_DECIMAL;
}

#define TYPER(name)                                                                                               \
	static const struct tr_type *type_##name(struct tr_ask *ask)                                              \
	{                                                                                                         \
		return is_decimal(ask) ? tr_decimal_##name##_type(ask->arena, ask->want[0], ask->want[1]) : NULL; \
	}
TYPER(add)
TYPER(multiply)
TYPER(divide)
TYPER(modulo)

static const struct tr_type *type_number(struct tr_ask *ask) { return is_decimal(ask) ? NULL : ask->want[0]; }

/* The result of MOD has the type of the second argument; both are computed in their common type, whole DECIMALs as BIGINT.
 * FLOAT and DOUBLE have no remainder in Flink. */
static const struct tr_type *type_mod(struct tr_ask *ask)
{
	const struct tr_type *dividend = ask->given[0];

	if (dividend->id == TR_TYPE_DECIMAL && dividend->scale == 0 && dividend->phys == TR_PHYS_I64 &&
	    tr_type_is_integer(ask->given[1])) {
		for (int i = 0; i < 2; i++)
			ask->want[i] = tr_type_with_nullable(ask->arena, tr_type_of(TR_TYPE_BIGINT),
							     ask->given[i]->is_nullable);
		return ask->given[1];
	}
	if (is_decimal(ask) || tr_type_is_float(ask->want[0]))
		return NULL;
	return ask->given[1]->id == TR_TYPE_NULL ? ask->want[1] : ask->given[1];
}

static const struct tr_type *type_negate(struct tr_ask *ask) { return ask->want[0]; }

/* ---- kernels ---- */

static tr_code vector_arith(struct tr_call *call, enum tr_arith op)
{
	const struct tr_kernel_arith *kernels = TR_ISA_PICK(tr_kernel_arith);
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	int number = tr_number_of(call->type->phys);
	enum tr_shape shape = b->is_constant ? TR_SHAPE_VC : a->is_constant ? TR_SHAPE_CV : TR_SHAPE_VV;

	TR_ASSERT(number >= 0);
	kernels->binary[op][number][shape](call->out, a->data, b->data, call->rows, call->count);
	return TR_OK;
}

static tr_code run_add(struct tr_call *call) { return vector_arith(call, TR_ARITH_ADD); }
static tr_code run_subtract(struct tr_call *call) { return vector_arith(call, TR_ARITH_SUBTRACT); }
static tr_code run_multiply(struct tr_call *call) { return vector_arith(call, TR_ARITH_MULTIPLY); }

#define DIVIDE_INTEGERS(type)                                                                                   \
	do {                                                                                                    \
		const type *x = call->args[0].data, *y = call->args[1].data;                                    \
		uint32_t x_mask = tr_call_mask(call, 0), y_mask = tr_call_mask(call, 1);                        \
		TR_CALL_ROWS(call, row) {                                                                       \
			int64_t dividend = x[row & x_mask], divisor = y[row & y_mask];                          \
			if (divisor == 0)                                                                       \
				TR_CALL_FAIL(call, row, "division by zero");                                    \
			((type *)call->out)[row] =                                                              \
				(type)(divisor == -1 ? (int64_t)(0 - (uint64_t)dividend) : dividend / divisor); \
		}                                                                                               \
		return TR_OK;                                                                                   \
	} while (0)

#define DIVIDE_FLOATS(type, expression)                                                  \
	do {                                                                             \
		const type *x = call->args[0].data, *y = call->args[1].data;             \
		uint32_t x_mask = tr_call_mask(call, 0), y_mask = tr_call_mask(call, 1); \
		TR_CALL_ROWS(call, row) {                                                \
			type dividend = x[row & x_mask], divisor = y[row & y_mask];      \
			((type *)call->out)[row] = (expression);                         \
		}                                                                        \
		return TR_OK;                                                            \
	} while (0)

static bool has_constant_divisor(const struct tr_call *call)
{
	if (call->args[0].type->phys != TR_PHYS_I64 || !call->args[1].is_constant || call->args[0].is_constant)
		return false;
	int64_t divisor = tr_column_i64(&call->args[1], 0);

	return divisor > 1 || divisor < -1;
}

static bool divide_floats_dense(struct tr_call *call)
{
	const struct tr_kernel_dense *kernels = TR_ISA_PICK(tr_kernel_dense);
	const struct tr_column *a = &call->args[0], *b = &call->args[1];

	if (call->rows != NULL || a->is_constant || b->is_constant || !tr_type_is_float(call->type))
		return false;
	if (call->type->phys == TR_PHYS_F32)
		kernels->divide_f32(call->out, a->data, b->data, call->count);
	else
		kernels->divide_f64(call->out, a->data, b->data, call->count);
	return true;
}

static tr_code run_divide(struct tr_call *call)
{
	const struct tr_kernel_arith *kernels = TR_ISA_PICK(tr_kernel_arith);

	if (divide_floats_dense(call))
		return TR_OK;

	if (has_constant_divisor(call)) {
		kernels->divide_i64(call->out, call->args[0].data, tr_column_i64(&call->args[1], 0), call->rows,
				    call->count);
		return TR_OK;
	}
	switch (call->type->phys) {
	case TR_PHYS_I8: DIVIDE_INTEGERS(int8_t);
	case TR_PHYS_I16: DIVIDE_INTEGERS(int16_t);
	case TR_PHYS_I32: DIVIDE_INTEGERS(int32_t);
	case TR_PHYS_I64: DIVIDE_INTEGERS(int64_t);
	case TR_PHYS_F32: DIVIDE_FLOATS(float, dividend / divisor);
	default: DIVIDE_FLOATS(double, dividend / divisor);
	}
}

static int64_t integer_at(const struct tr_column *column, uint32_t row) { return (int64_t)tr_decimal_get(column, row); }

/* The arguments have one type, the result that of the divisor as written, which holds every remainder. */
static tr_code run_modulo(struct tr_call *call)
{
	const struct tr_kernel_arith *kernels = TR_ISA_PICK(tr_kernel_arith);

	if (call->type->phys == TR_PHYS_I64 && has_constant_divisor(call)) {
		kernels->modulo_i64(call->out, call->args[0].data, tr_column_i64(&call->args[1], 0), call->rows,
				    call->count);
		return TR_OK;
	}
	if (call->type->phys == TR_PHYS_I32 && has_constant_divisor(call)) {
		kernels->modulo_i64_to_i32(call->out, call->args[0].data, (int32_t)tr_column_i64(&call->args[1], 0),
					   call->rows, call->count);
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		int64_t dividend = integer_at(&call->args[0], row), divisor = integer_at(&call->args[1], row), rest;

		if (divisor == 0)
			TR_CALL_FAIL(call, row, "division by zero");
		rest = divisor == -1 ? 0 : dividend % divisor;
		switch (call->type->phys) {
		case TR_PHYS_I8: ((int8_t *)call->out)[row] = (int8_t)rest; break;
		case TR_PHYS_I16: ((int16_t *)call->out)[row] = (int16_t)rest; break;
		case TR_PHYS_I32: ((int32_t *)call->out)[row] = (int32_t)rest; break;
		default: ((int64_t *)call->out)[row] = rest;
		}
	}
	return TR_OK;
}

/* Division of a BIGINT by a constant can't fail, and is cheap. */
static uint32_t flags_divide(const struct tr_expr *call)
{
	const struct tr_expr *dividend = call->args[0], *divisor = call->args[1];

	if (dividend->type->phys != TR_PHYS_I64 || tr_type_is_float(call->type) || divisor->kind != TR_EXPR_LITERAL ||
	    divisor->value.is_null || (divisor->value.i64 >= -1 && divisor->value.i64 <= 1))
		return 0;
	return TR_FUNC_TOTAL;
}

static uint32_t flags_decimal_multiply(const struct tr_expr *call)
{
	return tr_decimal_product_fits(call->type, call->args[0]->type, call->args[1]->type) ? TR_FUNC_TOTAL : 0;
}

static uint32_t flags_decimal_add(const struct tr_expr *call)
{
	return tr_decimal_sum_fits(call->type, call->args[0]->type, call->args[1]->type) ? TR_FUNC_TOTAL : 0;
}

static tr_code run_negate(struct tr_call *call)
{
	const struct tr_kernel_arith *kernels = TR_ISA_PICK(tr_kernel_arith);
	int number = tr_number_of(call->type->phys);

	if (call->type->phys == TR_PHYS_I128)
		TR_CALL_ROWS(call, row)
			((tr_i128 *)call->out)[row] = (tr_i128)(0 - (tr_u128)tr_column_i128(&call->args[0], row));
	else
		kernels->negate[number](call->out, call->args[0].data, NULL, call->rows, call->count);
	return TR_OK;
}

#define ROW(name_, params_, typer_, kernel_, null_, flags_, ...)                                                    \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = (flags_), __VA_ARGS__                                                                      \
	}

static const struct tr_func rows[] = {
	ROW("+", "ee", type_number, run_add, TR_NULL_STRICT, TR_FUNC_TOTAL | TR_FUNC_INFIX,
	    TR_FUNC_DOC("arithmetic", "numeric + numeric -> the common type",
			"Sum. Integers wrap around; DECIMAL grows by a digit.", "1 + 2 = 3")),
	ROW("+", "ee", type_add, tr_decimal_add, TR_NULL_MAKES,
	    TR_FUNC_INFIX | TR_FUNC_HIDDEN | TR_FUNC_INTEGERS | TR_FUNC_AS_ARGS, .call_flags = flags_decimal_add),
	ROW("-", "ee", type_number, run_subtract, TR_NULL_STRICT, TR_FUNC_TOTAL | TR_FUNC_INFIX,
	    TR_FUNC_DOC("arithmetic", "numeric - numeric -> the common type", "Difference.", "1 - 2 = -1")),
	ROW("-", "ee", type_add, tr_decimal_subtract, TR_NULL_MAKES,
	    TR_FUNC_INFIX | TR_FUNC_HIDDEN | TR_FUNC_INTEGERS | TR_FUNC_AS_ARGS, .call_flags = flags_decimal_add),
	ROW("*", "ee", type_number, run_multiply, TR_NULL_STRICT, TR_FUNC_TOTAL | TR_FUNC_INFIX,
	    TR_FUNC_DOC("arithmetic", "numeric * numeric -> the common type",
			"Product. DECIMAL(p1, s1) * DECIMAL(p2, s2) is DECIMAL(p1 + p2 + 1, s1 + s2).", "3 * 4 = 12")),
	ROW("*", "ee", type_multiply, tr_decimal_multiply, TR_NULL_MAKES,
	    TR_FUNC_INFIX | TR_FUNC_HIDDEN | TR_FUNC_INTEGERS | TR_FUNC_AS_ARGS, .call_flags = flags_decimal_multiply),
	ROW("/", "ee", type_number, run_divide, TR_NULL_STRICT, TR_FUNC_INFIX, .call_flags = flags_divide,
	    TR_FUNC_DOC("arithmetic", "numeric / numeric -> the common type",
			"Quotient; that of integers is cut. Division by zero fails the job; FLOAT and DOUBLE give "
			"Infinity or NaN.",
			"7 / 2 = 3")),
	ROW("/", "ee", type_divide, tr_decimal_divide, TR_NULL_MAKES, TR_FUNC_INFIX | TR_FUNC_HIDDEN | TR_FUNC_AS_ARGS,
	    .doc = {0}),
	ROW("%", "ee", type_mod, run_modulo, TR_NULL_STRICT, TR_FUNC_INFIX, .call_flags = flags_divide,
	    TR_FUNC_DOC(
		    "arithmetic", "integer or DECIMAL % integer or DECIMAL -> the second's type",
		    "Remainder, negative only if the first argument is. A DOUBLE has none: CAST(x AS DECIMAL(p, s)).",
		    "7 % 2 = 1")),
	ROW("%", "ee", type_modulo, tr_decimal_modulo, TR_NULL_MAKES, TR_FUNC_INFIX | TR_FUNC_HIDDEN | TR_FUNC_AS_ARGS,
	    .doc = {0}),
	ROW("MOD", "ee", type_mod, run_modulo, TR_NULL_STRICT, 0, .call_flags = flags_divide,
	    TR_FUNC_DOC("arithmetic", "MOD(integer or DECIMAL, integer or DECIMAL) -> the second's type",
			"The same as %.", "MOD(-7, 2) = -1")),
	ROW("MOD", "ee", type_modulo, tr_decimal_modulo, TR_NULL_MAKES, TR_FUNC_HIDDEN | TR_FUNC_AS_ARGS, .doc = {0}),
	ROW("-", "n", type_negate, run_negate, TR_NULL_STRICT, TR_FUNC_TOTAL,
	    TR_FUNC_DOC("arithmetic", "- numeric -> the same type", "The negative.", "-(3) = -3")),
};

const struct tr_func_table tr_func_arith_table = {rows, TR_COUNT_OF(rows)};
