/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons: = <> < > <= >=, IS [NOT] DISTINCT FROM, IN, GREATEST, LEAST.
 *
 * Both sides have their common type, except that decimals of different scales are compared as they are, exactly. Texts
 * and bytes are compared bytewise. NaN is unequal to everything and neither less nor greater, as in Java's operators. Nested
 * values are equal or not (core/ops/kernel_nested.h), and have no order.
 */
#include "base/hash.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_compare.h"
#include "core/ops/kernel_dense.h"
#include "core/ops/kernel_nested.h"
#include "core/ops/kernel_value.h"

#define LIST_HASH_MIN 8 /* shorter lists are searched one by one */

static bool is_comparable(const struct tr_type *type)
{
	return type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW;
}

static const struct tr_type *type_compare(struct tr_ask *ask)
{
	for (uint32_t i = 0; i < ask->count; i++)
		if (!is_comparable(ask->want[i]))
			return NULL;
	return tr_type_of(TR_TYPE_BOOLEAN);
}

static const struct tr_type *type_equal(struct tr_ask *ask) { return tr_type_of(TR_TYPE_BOOLEAN); }

static const struct tr_type *type_pick(struct tr_ask *ask)
{
	return is_comparable(ask->want[0]) && ask->want[0]->id != TR_TYPE_NULL ? tr_typer_common(ask, 0) : NULL;
}

/* ---- the six comparisons ---- */

static inline bool holds(enum tr_compare compare, int order)
{
	switch (compare) {
	case TR_COMPARE_EQ: return order == 0;
	case TR_COMPARE_NE: return order != 0;
	case TR_COMPARE_LT: return order < 0;
	case TR_COMPARE_GT: return order > 0;
	case TR_COMPARE_LE: return order <= 0;
	default: return order >= 0;
	}
}

/* The two words of a view. Those of a short text are all of it. */
struct words {
	uint64_t first, second;
};

static inline bool same_words(const struct tr_view *view, struct words want)
{
	struct words words;

	memcpy(&words, view, sizeof(words));
	return ((words.first ^ want.first) | (words.second ^ want.second)) == 0;
}

/* Whether a text equals a short constant. */
static void equal_short(struct tr_call *call, const struct tr_view *views, const struct tr_view *constant,
			uint8_t wanted)
{
	uint8_t *out = call->out;
	struct words want;

	if (call->rows == NULL) {
		TR_ISA_PICK(tr_kernel_dense)->equal_view(out, views, constant, wanted, call->count);
		return;
	}
	memcpy(&want, constant, sizeof(want));
	TR_CALL_ROWS(call, row)
		out[row] = same_words(&views[row], want) == wanted;
}

static void compare_views(struct tr_call *call, enum tr_compare compare)
{
	const struct tr_view *x = call->args[0].data, *y = call->args[1].data;
	uint32_t x_mask = tr_call_mask(call, 0), y_mask = tr_call_mask(call, 1);
	uint8_t *out = call->out;
	uint8_t wanted = compare == TR_COMPARE_EQ;

	if (compare <= TR_COMPARE_NE && x_mask != y_mask && (x_mask == 0 ? x : y)->length <= TR_VIEW_INLINE_MAX) {
		equal_short(call, x_mask == 0 ? y : x, x_mask == 0 ? x : y, wanted);
		return;
	}
	if (compare == TR_COMPARE_EQ || compare == TR_COMPARE_NE)
		TR_CALL_ROWS(call, row)
			out[row] = tr_view_equals(&x[row & x_mask], &y[row & y_mask]) == wanted;
	else
		TR_CALL_ROWS(call, row)
			out[row] = holds(compare, tr_view_compare(&x[row & x_mask], &y[row & y_mask]));
}

/* The constant's value with the scale of the column. False: it has none. */
static bool as_scale(const struct tr_column *constant, int scale, tr_i128 *value)
{
	const int from = constant->type->scale;
	const tr_i128 power = tr_text_power_of_ten(from < scale ? scale - from : from - scale);

	*value = tr_decimal_get(constant, 0);
	if (from <= scale)
		return !__builtin_mul_overflow(*value, power, value);
	if (*value % power != 0)
		return false;
	*value /= power;
	return true;
}

#define AGAINST(type, OP)                                \
	do {                                             \
		const type *values = column->data;       \
		TR_CALL_ROWS(call, row)                  \
			out[row] = values[row] OP value; \
	} while (0)
#define AGAINST_EITHER(OP)                             \
	do {                                           \
		if (column->type->phys == TR_PHYS_I64) \
			AGAINST(int64_t, OP);          \
		else                                   \
			AGAINST(tr_i128, OP);          \
	} while (0)

/* A column of DECIMALs against a constant of any scale. False: it has to be done row by row. */
static bool compare_constant(struct tr_call *call, const struct tr_column *column, const struct tr_column *constant,
			     enum tr_compare compare)
{
	uint8_t *out = call->out;
	tr_i128 value;

	if (!constant->is_constant || column->is_constant || column->type->id != TR_TYPE_DECIMAL ||
	    constant->type->id != TR_TYPE_DECIMAL || !as_scale(constant, column->type->scale, &value))
		return false;
	switch (compare) {
	case TR_COMPARE_EQ: AGAINST_EITHER(==); break;
	case TR_COMPARE_NE: AGAINST_EITHER(!=); break;
	case TR_COMPARE_LT: AGAINST_EITHER(<); break;
	case TR_COMPARE_GT: AGAINST_EITHER(>); break;
	case TR_COMPARE_LE: AGAINST_EITHER(<=); break;
	default: AGAINST_EITHER(>=); break;
	}
	return true;
}

static void compare_decimals(struct tr_call *call, enum tr_compare compare)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	uint8_t *out = call->out;

	if (compare_constant(call, a, b, compare) || compare_constant(call, b, a, tr_compare_flip(compare)))
		return;
	TR_CALL_ROWS(call, row)
		out[row] = holds(compare, tr_value_compare(&call->args[0], row, &call->args[1], row));
}

static void compare_nested(struct tr_call *call, enum tr_compare compare)
{
	uint8_t *out = call->out;

	TR_CALL_ROWS(call, row)
		out[row] = tr_nested_equals(&call->args[0], row, &call->args[1], row) == (compare == TR_COMPARE_EQ);
}

static tr_code run_compare(struct tr_call *call, enum tr_compare compare)
{
	const struct tr_kernel_compare *kernels = TR_ISA_PICK(tr_kernel_compare);
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	int number = tr_number_of(a->type->phys);

	if (a->type->phys == TR_PHYS_NONE || b->type->phys == TR_PHYS_NONE)
		return TR_OK; /* NULL against NULL: no row is computed */
	if (a->type->phys == TR_PHYS_VIEW) {
		compare_views(call, compare);
		return TR_OK;
	}
	if (!is_comparable(a->type)) {
		compare_nested(call, compare);
		return TR_OK;
	}
	if (number < 0 || b->type->phys != a->type->phys || a->type->scale != b->type->scale) {
		compare_decimals(call, compare);
		return TR_OK;
	}
	if (a->is_constant && !b->is_constant) {
		const struct tr_column *swap = a;

		a = b;
		b = swap;
		compare = tr_compare_flip(compare);
	}
	kernels->compare[compare][number][b->is_constant](call->out, a->data, b->data, call->rows, call->count);
	return TR_OK;
}

#define COMPARE(name, op) \
	static tr_code run_##name(struct tr_call *call) { return run_compare(call, op); }
COMPARE(eq, TR_COMPARE_EQ)
COMPARE(ne, TR_COMPARE_NE)
COMPARE(lt, TR_COMPARE_LT)
COMPARE(gt, TR_COMPARE_GT)
COMPARE(le, TR_COMPARE_LE)
COMPARE(ge, TR_COMPARE_GE)

/* ---- IS DISTINCT FROM ---- */

static tr_code run_distinct(struct tr_call *call, bool wanted)
{
	uint8_t *out = call->out;

	TR_CALL_ROWS(call, row) {
		bool a_null = tr_column_is_null(&call->args[0], row), b_null = tr_column_is_null(&call->args[1], row);
		bool differs = a_null != b_null;

		if (!a_null && !b_null)
			differs = is_comparable(call->args[0].type)
					  ? tr_value_compare(&call->args[0], row, &call->args[1], row) != 0
					  : !tr_nested_equals(&call->args[0], row, &call->args[1], row);
		out[row] = differs == wanted;
	}
	return TR_OK;
}
static tr_code run_is_distinct(struct tr_call *call) { return run_distinct(call, true); }
static tr_code run_is_not_distinct(struct tr_call *call) { return run_distinct(call, false); }

/* ---- IN ---- */

/* A list of literals as a constant-size open-addressing table of positions. */
struct list {
	struct tr_column values; /* one row a literal that is not NULL */
	uint32_t count;
	bool has_null;
	uint32_t mask;   /* slots - 1; 0: search one by one */
	uint32_t *slots; /* position + 1 */
	bool is_short;   /* texts that lie in their views */
};

static uint64_t hash_value(const struct tr_column *column, uint32_t row)
{
	uint64_t hash;

	row = tr_column_row(column, row);
	tr_hash_column(column, &row, 1, &hash);
	return hash;
}

static void store_literal(void *data, uint32_t at, const struct tr_expr *literal)
{
	const struct tr_value *value = &literal->value;

	switch (literal->type->phys) {
	case TR_PHYS_I8: ((int8_t *)data)[at] = (int8_t)value->i64; break;
	case TR_PHYS_I16: ((int16_t *)data)[at] = (int16_t)value->i64; break;
	case TR_PHYS_I32: ((int32_t *)data)[at] = (int32_t)value->i64; break;
	case TR_PHYS_I64: ((int64_t *)data)[at] = value->i64; break;
	case TR_PHYS_I128: ((tr_i128 *)data)[at] = value->i128; break;
	case TR_PHYS_F32: ((float *)data)[at] = (float)value->f64; break;
	case TR_PHYS_F64: ((double *)data)[at] = value->f64; break;
	default: ((struct tr_view *)data)[at] = value->view;
	}
}

/* Literals of one type become a list; other lists are compared one by one at run time. */
static tr_code prepare_in(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			  struct tr_status *st)
{
	const struct tr_type *type = call->args[0]->type;
	struct list *list = TR_NEW(arena, struct list);
	void *data = TR_NEW_ARRAY(arena, call->arg_count, tr_i128);

	list->values = (struct tr_column){.type = type, .data = data};
	for (uint32_t i = 1; i < call->arg_count; i++) {
		const struct tr_expr *arg = call->args[i];

		if (arg->kind != TR_EXPR_LITERAL)
			return TR_OK;
		if (arg->value.is_null) {
			list->has_null = true;
			continue;
		}
		if (arg->type->phys != type->phys || arg->type->scale != type->scale)
			return TR_OK;
		store_literal(data, list->count++, arg);
	}
	list->is_short = type->phys == TR_PHYS_VIEW;
	for (uint32_t i = 0; i < list->count && list->is_short; i++)
		list->is_short = ((struct tr_view *)data)[i].length <= TR_VIEW_INLINE_MAX;
	if (list->count >= LIST_HASH_MIN) {
		uint32_t size = 16;

		while (size < list->count * 2)
			size *= 2;
		list->mask = size - 1;
		list->slots = TR_NEW_ARRAY(arena, size, uint32_t);
		for (uint32_t i = 0; i < list->count; i++) {
			uint32_t slot = (uint32_t)hash_value(&list->values, i) & list->mask;

			while (list->slots[slot] != 0)
				slot = (slot + 1) & list->mask;
			list->slots[slot] = i + 1;
		}
	}
	*prepared = list;
	return TR_OK;
}

static bool is_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	if (a->type->phys == TR_PHYS_VIEW || !is_comparable(a->type))
		return tr_nested_equals(a, a_row, b, b_row);
	if (a->type->phys == TR_PHYS_F64 && tr_column_f64(a, a_row) != tr_column_f64(a, a_row))
		return false;
	return tr_value_compare(a, a_row, b, b_row) == 0;
}

/* Whether a few short texts have this one, word by word. */
static bool list_has_short(const struct list *list, const struct tr_view *view)
{
	const struct tr_view *values = list->values.data;
	struct words want;
	bool found = false;

	memcpy(&want, view, sizeof(want));
	for (uint32_t i = 0; i < list->count; i++)
		found |= same_words(&values[i], want);
	return found;
}

static bool list_has(const struct list *list, const struct tr_column *column, uint32_t row)
{
	if (list->slots == NULL) {
		for (uint32_t i = 0; i < list->count; i++)
			if (is_equal(column, row, &list->values, i))
				return true;
		return false;
	}
	for (uint32_t slot = (uint32_t)hash_value(column, row) & list->mask; list->slots[slot] != 0;
	     slot = (slot + 1) & list->mask)
		if (is_equal(column, row, &list->values, list->slots[slot] - 1))
			return true;
	return false;
}

/* A few short texts and no NULL in the list. */
static void in_short(struct tr_call *call, const struct list *list)
{
	const struct tr_column *column = &call->args[0];
	const struct tr_view *views = column->data;
	const uint32_t mask = tr_call_mask(call, 0);
	uint8_t *out = call->out;

	TR_CALL_ROWS(call, row) {
		if (tr_column_is_null(column, row))
			tr_call_set_null(call, row);
		else
			out[row] = list_has_short(list, &views[row & mask]);
	}
}

static tr_code run_in(struct tr_call *call)
{
	const struct list *list = call->prepared;
	uint8_t *out = call->out;

	if (list != NULL && list->is_short && list->slots == NULL && !list->has_null) {
		in_short(call, list);
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		bool found = false, has_null = list != NULL && list->has_null;

		if (tr_column_is_null(&call->args[0], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		if (list != NULL)
			found = list_has(list, &call->args[0], row);
		for (uint32_t i = 1; i < call->arg_count && !found; i++) {
			if (tr_column_is_null(&call->args[i], row))
				has_null = true;
			else
				found = is_equal(&call->args[0], row, &call->args[i], row);
		}
		out[row] = found;
		if (!found && has_null)
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- GREATEST, LEAST ---- */

static tr_code run_pick(struct tr_call *call, int sign)
{
	size_t width = tr_phys_bytes((enum tr_phys)call->type->phys);

	TR_CALL_ROWS(call, row) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < call->arg_count; i++)
			if (tr_value_compare(&call->args[i], row, &call->args[best], row) * sign > 0)
				best = i;
		tr_value_copy(call->out, row, &call->args[best], row, width);
	}
	return TR_OK;
}
static tr_code run_greatest(struct tr_call *call) { return run_pick(call, 1); }
static tr_code run_least(struct tr_call *call) { return run_pick(call, -1); }

#define COMPARISON(name_, kernel_, code_, typer_, doc_, example_)                                                     \
	{                                                                                                             \
		.name = (name_), .params = "cc", .typer = (typer_), .kernel = (kernel_), .null_rule = TR_NULL_STRICT, \
		.flags = TR_FUNC_INFIX | TR_FUNC_COMPARE, .code = (code_),                                            \
		TR_FUNC_DOC("comparison", "value " name_ " value -> BOOLEAN", doc_, example_)                         \
	}

static const struct tr_func rows[] = {
	COMPARISON("=", run_eq, TR_COMPARE_EQ, type_equal, "Whether the values are equal.", "1 = 1"),
	COMPARISON("<>", run_ne, TR_COMPARE_NE, type_equal, "Whether the values differ.", "1 <> 2"),
	COMPARISON("<", run_lt, TR_COMPARE_LT, type_compare, "Less than. Texts are compared bytewise.", "'a' < 'b'"),
	COMPARISON(">", run_gt, TR_COMPARE_GT, type_compare, "Greater than.", "2 > 1"),
	COMPARISON("<=", run_le, TR_COMPARE_LE, type_compare, "Less than or equal.", "1 <= 1"),
	COMPARISON(">=", run_ge, TR_COMPARE_GE, type_compare, "Greater than or equal.", "2 >= 1"),
	{.name = "IS DISTINCT FROM",
	 .params = "cc",
	 .typer = type_equal,
	 .kernel = run_is_distinct,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_INFIX | TR_FUNC_NOT_NULL,
	 TR_FUNC_DOC("comparison", "value IS DISTINCT FROM value -> BOOLEAN",
		     "Whether the values differ; NULL is a value like any other.", "1 IS DISTINCT FROM 2")},
	{.name = "IS NOT DISTINCT FROM",
	 .params = "cc",
	 .typer = type_equal,
	 .kernel = run_is_not_distinct,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_INFIX | TR_FUNC_NOT_NULL,
	 TR_FUNC_DOC("comparison", "value IS NOT DISTINCT FROM value -> BOOLEAN",
		     "Whether the values are equal, or both NULL.", "1 IS NOT DISTINCT FROM 1")},
	{.name = "IN",
	 .params = "CC*",
	 .typer = type_equal,
	 .kernel = run_in,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_FIRST_ONLY | TR_FUNC_QUICK,
	 .prepare = prepare_in,
	 TR_FUNC_DOC("comparison", "value IN (value, ...) -> BOOLEAN",
		     "Whether the value is in the list; NULL when it is not found and the list has a NULL.",
		     "2 IN (1, 2, 3)")},
	{.name = "GREATEST",
	 .params = "C*",
	 .typer = type_pick,
	 .kernel = run_greatest,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_TYPED,
	 TR_FUNC_DOC("conditional", "GREATEST(value, ...) -> the common type",
		     "The greatest argument; NULL if any is NULL.", "GREATEST(1, 3, 2) = 3")},
	{.name = "LEAST",
	 .params = "C*",
	 .typer = type_pick,
	 .kernel = run_least,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_TYPED,
	 TR_FUNC_DOC("conditional", "LEAST(value, ...) -> the common type", "The least argument; NULL if any is NULL.",
		     "LEAST(3, 1, 2) = 1")},
};

const struct tr_func_table tr_func_compare_table = {rows, TR_COUNT_OF(rows)};
