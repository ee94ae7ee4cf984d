/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions as text, for EXPLAIN and messages, in Flink's manner: ((a + 1) > b), CAST(a AS BIGINT), a IS NOT NULL.
 */
#include "base/bytes.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_table.h"

#define TEXT_BYTES_MAX 4000 /* the rest is "..." */

static void append(struct tr_bytes *out, struct tr_arena *arena, const struct tr_expr *expr,
		   const struct tr_schema *input);

/* A column of the literal, for the printer of values. */
static void append_value(struct tr_bytes *out, const struct tr_expr *expr)
{
	const struct tr_value *value = &expr->value;
	union {
		int8_t i8;
		int16_t i16;
		int32_t i32;
		int64_t i64;
		tr_i128 i128;
		float f32;
		double f64;
		struct tr_view view;
	} data = {.i128 = 0};
	struct tr_column column = {.type = expr->type, .data = &data, .is_constant = true};

	switch (expr->type->phys) {
	case TR_PHYS_I8: data.i8 = (int8_t)value->i64; break;
	case TR_PHYS_I16: data.i16 = (int16_t)value->i64; break;
	case TR_PHYS_I32: data.i32 = (int32_t)value->i64; break;
	case TR_PHYS_I64: data.i64 = value->i64; break;
	case TR_PHYS_I128: data.i128 = value->i128; break;
	case TR_PHYS_F32: data.f32 = (float)value->f64; break;
	case TR_PHYS_F64: data.f64 = value->f64; break;
	default: data.view = value->view;
	}
	tr_text_append_value(out, &column, 0, TR_TEXT_CAST, tr_timezone_utc());
}

static void append_quoted(struct tr_bytes *out, const char *text, uint32_t length)
{
	tr_bytes_append_char(out, '\'');
	for (uint32_t i = 0; i < length; i++) {
		if (text[i] == '\'')
			tr_bytes_append_char(out, '\'');
		tr_bytes_append_char(out, text[i]);
	}
	tr_bytes_append_char(out, '\'');
}

static void append_literal(struct tr_bytes *out, struct tr_arena *arena, const struct tr_expr *expr)
{
	bool is_text = tr_type_is_text(expr->type);
	bool is_plain = tr_type_is_numeric(expr->type) || expr->type->id == TR_TYPE_BOOLEAN;

	if (expr->value.is_null) {
		tr_bytes_append_str(out, "NULL");
	} else if (is_text) {
		append_quoted(out, tr_view_text(&expr->value.view), expr->value.view.length);
	} else if (is_plain) {
		append_value(out, expr);
	} else {
		const struct tr_type *type = tr_type_with_nullable(arena, expr->type, true);

		append_value(out, expr);
		tr_bytes_printf(out, ":%s", tr_type_text(arena, type));
	}
}

static void append_args(struct tr_bytes *out, struct tr_arena *arena, const struct tr_expr *expr,
			const struct tr_schema *input, uint32_t first, const char *open, char close)
{
	tr_bytes_append_str(out, open);
	for (uint32_t i = first; i < expr->arg_count; i++) {
		if (i > first)
			tr_bytes_append_str(out, ", ");
		append(out, arena, expr->args[i], input);
	}
	tr_bytes_append_char(out, close);
}

static void append_call(struct tr_bytes *out, struct tr_arena *arena, const struct tr_expr *expr,
			const struct tr_schema *input)
{
	uint32_t flags = expr->func->flags;

	if ((flags & TR_FUNC_INFIX) && expr->arg_count == 2) {
		tr_bytes_append_char(out, '(');
		append(out, arena, expr->args[0], input);
		tr_bytes_printf(out, " %s ", expr->func->name);
		append(out, arena, expr->args[1], input);
		tr_bytes_append_char(out, ')');
	} else if ((flags & TR_FUNC_POSTFIX) && expr->arg_count == 1) {
		append(out, arena, expr->args[0], input);
		tr_bytes_printf(out, " %s", expr->func->name);
	} else if (flags & TR_FUNC_SUBSCRIPT) {
		append(out, arena, expr->args[0], input);
		append_args(out, arena, expr, input, 1, "[", ']');
	} else if (flags & TR_FUNC_BRACKETS) {
		tr_bytes_append_str(out, expr->func->name);
		append_args(out, arena, expr, input, 0, "[", ']');
	} else {
		tr_bytes_append_str(out, expr->func->name);
		append_args(out, arena, expr, input, 0, "(", ')');
	}
}

static void append(struct tr_bytes *out, struct tr_arena *arena, const struct tr_expr *expr,
		   const struct tr_schema *input)
{
	if (out->length > TEXT_BYTES_MAX)
		return;
	switch (expr->kind) {
	case TR_EXPR_COLUMN:
		if (input != NULL && expr->column < input->column_count)
			tr_bytes_append_str(out, input->names[expr->column]);
		else
			tr_bytes_printf(out, "$%u", expr->column);
		return;
	case TR_EXPR_LITERAL: append_literal(out, arena, expr); return;
	case TR_EXPR_CALL: append_call(out, arena, expr, input); return;
	case TR_EXPR_CAST:
		tr_bytes_append_str(out, expr->is_try ? "TRY_CAST(" : "CAST(");
		append(out, arena, expr->args[0], input);
		tr_bytes_printf(out, " AS %s)", tr_type_text(arena, tr_type_with_nullable(arena, expr->type, true)));
		return;
	case TR_EXPR_CASE: append_args(out, arena, expr, input, 0, "CASE(", ')'); return;
	case TR_EXPR_FIELD:
		append(out, arena, expr->args[0], input);
		tr_bytes_printf(out, ".%s", expr->args[0]->type->names[expr->column]);
		return;
	}
}

const char *tr_expr_text_of(struct tr_arena *arena, const struct tr_expr *expr, const struct tr_schema *input)
{
	struct tr_bytes out = {0};
	const char *text;

	append(&out, arena, expr, input);
	if (out.length > TEXT_BYTES_MAX) {
		out.length = TEXT_BYTES_MAX;
		tr_bytes_append_str(&out, "...");
	}
	text = tr_arena_strndup(arena, out.length > 0 ? out.data : "", out.length);
	tr_bytes_deinit(&out);
	return text;
}
