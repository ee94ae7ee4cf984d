/* SPDX-License-Identifier: Apache-2.0
 *
 * Three-valued logic and conditionals: AND OR NOT, IS [NOT] NULL/TRUE/FALSE/UNKNOWN, COALESCE IF NULLIF, ROW.
 *
 * AND and OR come here only when both sides are cheap and cannot fail; else the compiler narrows the selection. Their
 * NULLs are computed on bitmaps: eight values become eight bits with one multiplication.
 */
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_dense.h"

/* ---- AND, OR, NOT ---- */

static uint64_t true_bits(const uint8_t *values, uint32_t count)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < count; i++)
		mask |= (uint64_t)(values[i] & 1) << i;
	return mask;
}

static uint64_t true_word(const uint8_t *values, uint32_t count)
{
	uint64_t mask = 0, eight;

	if (count < 64)
		return true_bits(values, count);
	for (int i = 0; i < 8; i++) {
		memcpy(&eight, values + 8 * i, 8);
		mask |= (((eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56) << (8 * i);
	}
	return mask;
}

/* Word w of a BOOLEAN column: which rows are TRUE, which are not NULL. */
static void read_word(const struct tr_column *column, uint32_t w, uint32_t count, uint64_t *is_true, uint64_t *valid)
{
	if (column->is_constant) {
		bool is_null = tr_column_is_null(column, 0);

		*valid = is_null ? 0 : ~UINT64_C(0);
		*is_true = !is_null && tr_column_i8(column, 0) ? ~UINT64_C(0) : 0;
		return;
	}
	*valid = column->validity != NULL ? column->validity[w] : ~UINT64_C(0);
	*is_true = true_word((const uint8_t *)column->data + 64 * (size_t)w, count) & *valid;
}

/* The rows that have a result: a side decides alone, or both are known. */
static void logic_validity(struct tr_call *call, bool is_and)
{
	for (uint32_t base = 0; base < call->row_count; base += 64) {
		uint32_t w = base / 64, count = TR_MIN(64u, call->row_count - base);
		uint64_t a_true, a_valid, b_true, b_valid, decided;

		read_word(&call->args[0], w, count, &a_true, &a_valid);
		read_word(&call->args[1], w, count, &b_true, &b_valid);
		decided = is_and ? (a_valid & ~a_true) | (b_valid & ~b_true) : a_true | b_true;
		call->validity[w] = decided | (a_valid & b_valid);
	}
	call->has_nulls = true;
}

/* A NULL counts as the value that does not decide: TRUE for AND, FALSE for OR. Where the result is NULL, any byte does. */
static tr_code run_logic(struct tr_call *call, bool is_and)
{
	const struct tr_column *a = &call->args[0], *b = &call->args[1];
	const uint8_t *x = a->data, *y = b->data;
	uint32_t x_mask = tr_call_mask(call, 0), y_mask = tr_call_mask(call, 1);
	uint8_t *out = call->out;

	if (a->validity == NULL && b->validity == NULL) {
		if (call->rows == NULL && x_mask == y_mask) {
			(is_and ? TR_ISA_PICK(tr_kernel_dense)->and_bytes
				: TR_ISA_PICK(tr_kernel_dense)->or_bytes)(out, x, y, call->count);
			return TR_OK;
		}
		if (is_and)
			TR_CALL_ROWS(call, row)
				out[row] = x[row & x_mask] & y[row & y_mask];
		else
			TR_CALL_ROWS(call, row)
				out[row] = x[row & x_mask] | y[row & y_mask];
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		uint8_t left = tr_column_is_null(a, row) ? is_and : x[row & x_mask];
		uint8_t right = tr_column_is_null(b, row) ? is_and : y[row & y_mask];

		out[row] = is_and ? left & right : left | right;
	}
	logic_validity(call, is_and);
	return TR_OK;
}

static tr_code run_and(struct tr_call *call) { return run_logic(call, true); }
static tr_code run_or(struct tr_call *call) { return run_logic(call, false); }
static tr_code run_not(struct tr_call *call)
{
	const uint8_t *x = call->args[0].data;
	uint32_t mask = tr_call_mask(call, 0);

	TR_CALL_ROWS(call, row)
		((uint8_t *)call->out)[row] = !x[row & mask];
	return TR_OK;
}

/* ---- IS ... ---- */

static tr_code run_is_null(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		((uint8_t *)call->out)[row] = tr_column_is_null(&call->args[0], row);
	return TR_OK;
}
static tr_code run_is_not_null(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		((uint8_t *)call->out)[row] = !tr_column_is_null(&call->args[0], row);
	return TR_OK;
}

/* Whether the value is known and equal to `value`; or the opposite of that. */
static tr_code run_is(struct tr_call *call, uint8_t value, bool negated)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_column *a = &call->args[0];
		bool is = !tr_column_is_null(a, row) && (uint8_t)tr_column_i8(a, row) == value;

		((uint8_t *)call->out)[row] = is != negated;
	}
	return TR_OK;
}
static tr_code run_is_true(struct tr_call *call) { return run_is(call, 1, false); }
static tr_code run_is_not_true(struct tr_call *call) { return run_is(call, 1, true); }
static tr_code run_is_false(struct tr_call *call) { return run_is(call, 0, false); }
static tr_code run_is_not_false(struct tr_call *call) { return run_is(call, 0, true); }

/* ---- conditionals: the compiler makes control flow of them ---- */

static tr_code never_called(struct tr_call *call) { TR_UNREACHABLE(); }

static const struct tr_type *type_common(struct tr_ask *ask) { return tr_typer_common(ask, 0); }

/* Of two points in time of one kind the first says how many digits are kept. */
static const struct tr_type *type_if(struct tr_ask *ask)
{
	const struct tr_type *first = ask->given[1], *second = ask->given[2];

	if (!tr_type_is_timestamp(first) || first->id != second->id)
		return tr_typer_common(ask, 1);
	for (uint32_t i = 1; i <= 2; i++)
		ask->want[i] = tr_type_with_nullable(ask->arena, first, ask->given[i]->is_nullable);
	return tr_type_with_nullable(ask->arena, first, first->is_nullable || second->is_nullable);
}

/* The first argument, as it was given; the two must be comparable. */
static const struct tr_type *type_nullif(struct tr_ask *ask)
{
	bool is_scalar = ask->want[0]->phys != TR_PHYS_LIST && ask->want[0]->phys != TR_PHYS_ROW;

	if (!is_scalar || tr_type_common(ask->arena, ask->want[0], ask->want[1]) == NULL)
		return NULL;
	return ask->want[0];
}

/* ---- ROW ---- */

static const struct tr_type *type_row(struct tr_ask *ask)
{
	const char **names = TR_NEW_ARRAY(ask->arena, ask->count, const char *);

	for (uint32_t i = 0; i < ask->count; i++)
		names[i] = tr_arena_printf(ask->arena, "EXPR$%u", i);
	return tr_type_row(ask->arena, names, ask->want, ask->count);
}

static tr_code run_row(struct tr_call *call)
{
	struct tr_column *children = tr_arena_alloc(call->heap, call->arg_count * sizeof(*children));

	memcpy(children, call->args, call->arg_count * sizeof(*children));
	call->result->children = children;
	return TR_OK;
}

#define IS_ROW(name_, params_, kernel_, special_, doc_, example_)                                         \
	{                                                                                                 \
		.name = (name_), .params = (params_), .typer = tr_typer_boolean, .kernel = (kernel_),     \
		.null_rule = TR_NULL_CUSTOM, .flags = TR_FUNC_TOTAL | TR_FUNC_POSTFIX | TR_FUNC_NOT_NULL, \
		.special = (special_), TR_FUNC_DOC("logic", "value " name_ " -> BOOLEAN", doc_, example_) \
	}

static const struct tr_func rows[] = {
	{.name = "AND",
	 .params = "bb",
	 .typer = tr_typer_boolean,
	 .kernel = run_and,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_TOTAL | TR_FUNC_INFIX,
	 .special = TR_SPECIAL_AND,
	 TR_FUNC_DOC("logic", "boolean AND boolean -> BOOLEAN",
		     "TRUE if both are; FALSE if one is FALSE; else NULL. The second is computed only where needed.",
		     "TRUE AND TRUE")},
	{.name = "OR",
	 .params = "bb",
	 .typer = tr_typer_boolean,
	 .kernel = run_or,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_TOTAL | TR_FUNC_INFIX,
	 .special = TR_SPECIAL_OR,
	 TR_FUNC_DOC("logic", "boolean OR boolean -> BOOLEAN", "TRUE if one is; FALSE if both are FALSE; else NULL.",
		     "TRUE OR FALSE")},
	{.name = "NOT",
	 .params = "b",
	 .typer = tr_typer_boolean,
	 .kernel = run_not,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_TOTAL,
	 TR_FUNC_DOC("logic", "NOT boolean -> BOOLEAN", "The opposite; NULL of NULL.", "NOT FALSE")},
	IS_ROW("IS NULL", "a", run_is_null, TR_SPECIAL_NONE, "Whether the value is NULL.", "(1 IS NULL) = FALSE"),
	IS_ROW("IS NOT NULL", "a", run_is_not_null, TR_SPECIAL_IS_NOT_NULL, "Whether the value is not NULL.",
	       "1 IS NOT NULL"),
	IS_ROW("IS TRUE", "b", run_is_true, TR_SPECIAL_NONE, "Whether it is TRUE; never NULL.", "TRUE IS TRUE"),
	IS_ROW("IS NOT TRUE", "b", run_is_not_true, TR_SPECIAL_NONE, "Whether it is FALSE or NULL.",
	       "FALSE IS NOT TRUE"),
	IS_ROW("IS FALSE", "b", run_is_false, TR_SPECIAL_NONE, "Whether it is FALSE; never NULL.", "FALSE IS FALSE"),
	IS_ROW("IS NOT FALSE", "b", run_is_not_false, TR_SPECIAL_NONE, "Whether it is TRUE or NULL.",
	       "TRUE IS NOT FALSE"),
	IS_ROW("IS UNKNOWN", "b", run_is_null, TR_SPECIAL_NONE, "Whether the boolean is NULL.",
	       "(TRUE IS UNKNOWN) = FALSE"),
	IS_ROW("IS NOT UNKNOWN", "b", run_is_not_null, TR_SPECIAL_IS_NOT_NULL, "Whether the boolean is not NULL.",
	       "TRUE IS NOT UNKNOWN"),
	{.name = "COALESCE",
	 .params = "C*",
	 .typer = type_common,
	 .kernel = never_called,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_NULL_IF_ALL,
	 .special = TR_SPECIAL_COALESCE,
	 TR_FUNC_DOC("conditional", "COALESCE(value, ...) -> the common type", "The first argument that is not NULL.",
		     "COALESCE(1, 2) = 1")},
	{.name = "IFNULL",
	 .params = "CC",
	 .typer = type_common,
	 .kernel = never_called,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_NULL_IF_ALL,
	 .special = TR_SPECIAL_COALESCE,
	 TR_FUNC_DOC("conditional", "IFNULL(value, value) -> the common type",
		     "The first argument, or the second if that is NULL.", "IFNULL(1, 2) = 1")},
	{.name = "IF",
	 .params = "bCC",
	 .typer = type_if,
	 .kernel = never_called,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_TYPED,
	 .special = TR_SPECIAL_IF,
	 TR_FUNC_DOC("conditional", "IF(condition, value, value) -> the common type",
		     "The second argument if the condition is TRUE, else the third.", "IF(1 < 2, 'a', 'b') = 'a'")},
	{.name = "NULLIF",
	 .params = "aa",
	 .typer = type_nullif,
	 .kernel = never_called,
	 .null_rule = TR_NULL_CUSTOM,
	 .special = TR_SPECIAL_NULLIF,
	 TR_FUNC_DOC("conditional", "NULLIF(value, value) -> the first's type",
		     "NULL if the arguments are equal, else the first.", "NULLIF(1, 2) = 1")},
	{.name = "ROW",
	 .params = "a*",
	 .typer = type_row,
	 .kernel = run_row,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_TOTAL | TR_FUNC_PASSES | TR_FUNC_NOT_NULL | TR_FUNC_TYPED,
	 TR_FUNC_DOC("value", "ROW(value, ...) -> ROW", "A row of the values.", NULL)},
};

const struct tr_func_table tr_func_logic_table = {rows, TR_COUNT_OF(rows)};
