/* SPDX-License-Identifier: Apache-2.0
 *
 * Expression trees: makers, equality, substitution, folding and text.
 *
 * Trees come from the binder, which limits their depth (EXPR_DEPTH_MAX asserts it); walking them recurses.
 */
#include "core/ops/expr.h"

#include "base/check.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/program.h"

#define EXPR_DEPTH_MAX 1024

/* ---- makers ---- */

static struct tr_expr *make(struct tr_arena *arena, enum tr_expr_kind kind, const struct tr_type *type,
			    const struct tr_expr *const *args, uint32_t arg_count)
{
	struct tr_expr *expr = TR_NEW(arena, struct tr_expr);

	TR_ASSERT(type != NULL);
	expr->kind = kind;
	expr->type = type;
	expr->arg_count = arg_count;
	if (arg_count > 0) {
		const struct tr_expr **copy = TR_NEW_ARRAY(arena, arg_count, const struct tr_expr *);

		memcpy(copy, args, arg_count * sizeof(*copy));
		expr->args = copy;
	}
	return expr;
}

const struct tr_expr *tr_expr_column(struct tr_arena *arena, uint32_t column, const struct tr_type *type)
{
	struct tr_expr *expr = make(arena, TR_EXPR_COLUMN, type, NULL, 0);

	expr->column = column;
	return expr;
}

const struct tr_expr *tr_expr_literal(struct tr_arena *arena, const struct tr_type *type, struct tr_value value)
{
	struct tr_expr *expr = make(arena, TR_EXPR_LITERAL, type, NULL, 0);

	expr->value = value;
	return expr;
}

const struct tr_expr *tr_expr_null(struct tr_arena *arena, const struct tr_type *type)
{
	return tr_expr_literal(arena, tr_type_with_nullable(arena, type, true), (struct tr_value){.is_null = true});
}

const struct tr_expr *tr_expr_i64(struct tr_arena *arena, const struct tr_type *type, int64_t value)
{
	return tr_expr_literal(arena, tr_type_with_nullable(arena, type, false), (struct tr_value){.i64 = value});
}

const struct tr_expr *tr_expr_text(struct tr_arena *arena, const char *text, size_t length)
{
	const struct tr_type *type;

	TR_ASSERT(length <= TR_LENGTH_MAX);
	type = tr_type_with_precision(arena, TR_TYPE_CHAR, (int)tr_text_utf16_units(text, length));
	return tr_expr_literal(
		arena, tr_type_with_nullable(arena, type, false),
		(struct tr_value){.view = tr_view_make(tr_arena_strndup(arena, text, length), (uint32_t)length)});
}

const struct tr_expr *tr_expr_call(struct tr_arena *arena, const struct tr_func *func, const struct tr_type *type,
				   const struct tr_expr *const *args, uint32_t arg_count)
{
	struct tr_expr *expr = make(arena, TR_EXPR_CALL, type, args, arg_count);

	TR_ASSERT(func != NULL);
	expr->func = func;
	return expr;
}

const struct tr_expr *tr_expr_cast(struct tr_arena *arena, const struct tr_expr *arg, const struct tr_type *type,
				   bool is_try)
{
	struct tr_expr *expr = make(arena, TR_EXPR_CAST, type, &arg, 1);

	expr->is_try = is_try;
	expr->place = arg->place;
	return expr;
}

const struct tr_expr *tr_expr_case(struct tr_arena *arena, const struct tr_type *type,
				   const struct tr_expr *const *args, uint32_t arg_count)
{
	TR_ASSERT(arg_count % 2 == 1);
	return make(arena, TR_EXPR_CASE, type, args, arg_count);
}

const struct tr_expr *tr_expr_field(struct tr_arena *arena, const struct tr_expr *row, uint32_t field)
{
	const struct tr_type *type;
	struct tr_expr *expr;

	TR_ASSERT(row->type->id == TR_TYPE_ROW);
	TR_ASSERT(field < row->type->child_count);
	type = row->type->children[field];
	type = tr_type_with_nullable(arena, type, type->is_nullable || row->type->is_nullable);
	expr = make(arena, TR_EXPR_FIELD, type, &row, 1);
	expr->column = field;
	expr->place = row->place;
	return expr;
}

/* ---- equality ---- */

static uint64_t double_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static bool value_equals(const struct tr_type *type, const struct tr_value *a, const struct tr_value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null == b->is_null;
	switch (type->phys) {
	case TR_PHYS_I128: return a->i128 == b->i128;
	case TR_PHYS_F32:
	case TR_PHYS_F64:
		return double_bits(a->f64) == double_bits(b->f64); /* 0.0 and -0.0 differ, a NaN equals itself */
	case TR_PHYS_VIEW: return tr_view_equals(&a->view, &b->view);
	case TR_PHYS_NONE: return true;
	default: return a->i64 == b->i64;
	}
}

bool tr_expr_equals(const struct tr_expr *a, const struct tr_expr *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->is_try != b->is_try || a->column != b->column || a->func != b->func ||
	    a->arg_count != b->arg_count || !tr_type_equals(a->type, b->type))
		return false;
	if (a->kind == TR_EXPR_LITERAL)
		return value_equals(a->type, &a->value, &b->value);
	for (uint32_t i = 0; i < a->arg_count; i++)
		if (!tr_expr_equals(a->args[i], b->args[i]))
			return false;
	return true;
}

/* ---- substitution ---- */

static const struct tr_expr *with_args(struct tr_arena *arena, const struct tr_expr *expr,
				       const struct tr_expr *const *args)
{
	struct tr_expr *copy = TR_NEW(arena, struct tr_expr);

	*copy = *expr;
	copy->args = args;
	return copy;
}

const struct tr_expr *tr_expr_substitute(struct tr_arena *arena, const struct tr_expr *expr,
					 const struct tr_expr *const *replacements, uint32_t count)
{
	const struct tr_expr **args;
	bool is_changed = false;

	if (expr->kind == TR_EXPR_COLUMN) {
		TR_ASSERT(expr->column < count);
		return replacements[expr->column];
	}
	if (expr->arg_count == 0)
		return expr;
	args = TR_NEW_ARRAY(arena, expr->arg_count, const struct tr_expr *);
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		args[i] = tr_expr_substitute(arena, expr->args[i], replacements, count);
		is_changed |= args[i] != expr->args[i];
	}
	return is_changed ? with_args(arena, expr, args) : expr;
}

/* ---- folding ---- */

static bool is_scalar(const struct tr_type *type)
{
	return type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW && type->phys != TR_PHYS_NONE;
}

static bool has_zone(const struct tr_expr *expr)
{
	bool found = expr->type->id == TR_TYPE_TIMESTAMP_LTZ;

	for (uint32_t i = 0; i < expr->arg_count; i++)
		found |= expr->args[i]->type->id == TR_TYPE_TIMESTAMP_LTZ;
	return found;
}

/* Whether the node itself, its arguments being literals, may be computed now. Casts that ask the session zone may not. */
static bool is_foldable(const struct tr_expr *expr)
{
	if (!is_scalar(expr->type))
		return false;
	if (expr->kind == TR_EXPR_CALL)
		return (expr->func->flags & (TR_FUNC_VOLATILE | TR_FUNC_CONTEXT)) == 0 &&
		       ((expr->func->flags & TR_FUNC_ZONED) == 0 || !has_zone(expr));
	if (expr->kind == TR_EXPR_CAST)
		return is_scalar(expr->args[0]->type) && !has_zone(expr);
	return expr->kind == TR_EXPR_CASE;
}

static struct tr_value value_of(struct tr_arena *arena, const struct tr_column *column)
{
	struct tr_value value = {.is_null = tr_column_is_null(column, 0)};

	if (value.is_null)
		return value;
	switch (column->type->phys) {
	case TR_PHYS_I8: value.i64 = tr_column_i8(column, 0); break;
	case TR_PHYS_I16: value.i64 = tr_column_i16(column, 0); break;
	case TR_PHYS_I32: value.i64 = tr_column_i32(column, 0); break;
	case TR_PHYS_I64: value.i64 = tr_column_i64(column, 0); break;
	case TR_PHYS_I128: value.i128 = tr_column_i128(column, 0); break;
	case TR_PHYS_F32: value.f64 = tr_column_f32(column, 0); break;
	case TR_PHYS_F64: value.f64 = tr_column_f64(column, 0); break;
	default: {
		const struct tr_view *view = tr_column_view(column, 0);

		value.view = tr_view_make(tr_arena_strndup(arena, tr_view_text(view), view->length), view->length);
	}
	}
	return value;
}

/* Runs the node on one row of no columns. NULL: it fails, and shall fail at run time instead. */
static const struct tr_expr *evaluate(struct tr_arena *arena, const struct tr_expr *expr)
{
	static const struct tr_schema no_columns;
	struct tr_program_context context = {.time_zone = "UTC"};
	struct tr_batch batch = {.schema = &no_columns, .row_count = 1, .selected_count = 1};
	const struct tr_program *program;
	struct tr_program_state *state;
	struct tr_arena scratch;
	struct tr_column column;
	const struct tr_expr *folded = NULL;

	tr_arena_init(&scratch, 0);
	if (tr_program_compile(&scratch, &no_columns, &expr, 1, &program, NULL) == TR_OK) {
		state = tr_program_state_create(program, &context, 1);
		if (tr_program_run(state, &batch, &column, NULL) == TR_OK) {
			struct tr_value value = value_of(arena, &column);
			const struct tr_type *type = tr_type_with_nullable(arena, expr->type, value.is_null);

			/* A nullable type stays nullable: what was typed by it stays right. */
			type = expr->type->is_nullable ? expr->type : type;
			folded = tr_expr_literal(arena, type, value);
		}
		tr_program_state_destroy(&state);
	}
	tr_arena_deinit(&scratch);
	if (folded != NULL)
		((struct tr_expr *)(uintptr_t)folded)->place = expr->place; /* made just above */
	return folded;
}

static const struct tr_expr *fold(struct tr_arena *arena, const struct tr_expr *expr, int depth)
{
	const struct tr_expr **args;
	const struct tr_expr *folded;
	bool is_changed = false, is_constant = true;

	TR_ASSERT(depth < EXPR_DEPTH_MAX);
	if (expr->kind == TR_EXPR_COLUMN || expr->kind == TR_EXPR_LITERAL)
		return expr;
	args = TR_NEW_ARRAY(arena, TR_MAX(expr->arg_count, 1u), const struct tr_expr *);
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		args[i] = fold(arena, expr->args[i], depth + 1);
		is_changed |= args[i] != expr->args[i];
		is_constant &= args[i]->kind == TR_EXPR_LITERAL;
	}
	if (is_changed)
		expr = with_args(arena, expr, args);
	if (!is_constant || !is_foldable(expr))
		return expr;
	folded = evaluate(arena, expr);
	return folded != NULL ? folded : expr;
}

const struct tr_expr *tr_expr_fold(struct tr_arena *arena, const struct tr_expr *expr) { return fold(arena, expr, 0); }

/* ---- checking ---- */

/* Whether compiling the node can fail for a reason of its own. */
static bool has_check(const struct tr_expr *expr)
{
	switch (expr->kind) {
	case TR_EXPR_CAST: return true;
	case TR_EXPR_CASE: return !is_scalar(expr->type);
	case TR_EXPR_CALL:
		return expr->func->prepare != NULL ||
		       (expr->func->special != TR_SPECIAL_NONE && !is_scalar(expr->type));
	case TR_EXPR_COLUMN:
	case TR_EXPR_LITERAL:
	case TR_EXPR_FIELD: return false;
	}
	return false;
}

/* Compiles, and if wanted runs, a node over columns that stand for the arguments that are no literals. */
static tr_code check(struct tr_arena *scratch, const struct tr_expr *expr, bool is_run, struct tr_status *st)
{
	const struct tr_expr **args = TR_NEW_ARRAY(scratch, expr->arg_count + 1, const struct tr_expr *);
	const struct tr_type **types = TR_NEW_ARRAY(scratch, expr->arg_count + 1, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(scratch, expr->arg_count + 1, const char *);
	struct tr_schema schema = {.names = names, .types = types};
	struct tr_batch batch = {.schema = &schema, .row_count = 1, .selected_count = 1};
	struct tr_program_context context = {.time_zone = "UTC"};
	const struct tr_program *program;
	struct tr_program_state *state;
	struct tr_expr alone = *expr;
	const struct tr_expr *output = &alone;
	struct tr_column column;
	tr_code code;

	alone.place = (struct tr_expr_place){0};
	alone.args = args;
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		args[i] = expr->args[i];
		if (args[i]->kind == TR_EXPR_LITERAL)
			continue;
		names[schema.column_count] = "?";
		types[schema.column_count] = args[i]->type;
		args[i] = tr_expr_column(scratch, schema.column_count++, expr->args[i]->type);
	}
	TR_TRY(tr_program_compile(scratch, &schema, &output, 1, &program, st));
	if (!is_run || schema.column_count > 0 || expr->kind != TR_EXPR_CAST || !is_foldable(expr))
		return TR_OK;
	state = tr_program_state_create(program, &context, 1);
	code = tr_program_run(state, &batch, &column, st);
	tr_program_state_destroy(&state);
	return code;
}

tr_code tr_expr_check(const struct tr_expr *expr, bool is_run, struct tr_status *st)
{
	struct tr_arena scratch;
	tr_code code;

	if (!has_check(expr))
		return TR_OK;
	tr_arena_init(&scratch, 0);
	code = check(&scratch, expr, is_run, st);
	tr_arena_deinit(&scratch);
	return code;
}
