/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding nested values: constructors, access, and comparing rows. See bind.h.
 *
 * Two row constructors are compared field by field, as if that had been written: (a, b) = (1, NULL) is a = 1 AND b = NULL. Any
 * other nested values are compared as values (core/ops/kernel_nested.h).
 */
#include <string.h>

#include "base/check.h"
#include "sql/bind.h"

/* ---- constructors and access ---- */

static const struct tr_expr *bind_constructor(struct tr_binder *binder, const struct tr_expr_scope *scope,
					      const struct tr_ast_expr *ast, const char *name)
{
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, ast->args.count + 1, const struct tr_expr *);
	bool is_good = true;

	if (ast->query != NULL) {
		tr_diag_not_supported(binder->diags, ast->span, "%s of a query", name);
		return NULL;
	}
	for (uint32_t i = 0; i < ast->args.count; i++) {
		args[i] = tr_bind_expr(binder, scope, ast->args.items[i]);
		is_good = is_good && args[i] != NULL;
	}
	if (is_good && ast->args.count == 0) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "%s[] has no type: it needs a value at least", name);
		return NULL;
	}
	return is_good ? tr_bind_function(binder, name, args, ast->args.count, ast->span) : NULL;
}

/* row[1] and row['a'] are fields; their number or name must be known now. */
static const struct tr_expr *bind_row_item(struct tr_binder *binder, const struct tr_expr *row,
					   const struct tr_expr *index, struct tr_span span)
{
	const struct tr_value *value = &index->value;
	struct tr_ast_name name = {.span = span};

	if (index->kind == TR_EXPR_LITERAL && !value->is_null && tr_type_is_text(index->type)) {
		name.text = tr_arena_strndup(binder->arena, tr_view_text(&value->view), value->view.length);
		return tr_bind_field(binder, row, &name);
	}
	if (index->kind == TR_EXPR_LITERAL && !value->is_null && tr_type_is_integer(index->type) && value->i64 >= 1 &&
	    value->i64 <= row->type->child_count)
		return tr_expr_field(binder->arena, row, (uint32_t)value->i64 - 1);
	tr_diag_error(binder->diags, TR_E_TYPE, span, "a field of %s is named, or numbered from 1 to %u",
		      tr_type_text(binder->arena, row->type), row->type->child_count);
	return NULL;
}

static const struct tr_expr *bind_item(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_expr *ast)
{
	const struct tr_expr *args[2] = {tr_bind_expr(binder, scope, ast->args.items[0]),
					 tr_bind_expr(binder, scope, ast->args.items[1])};
	const struct tr_span span = ast->args.items[1]->span;

	if (args[0] == NULL || args[1] == NULL)
		return NULL;
	if (args[0]->type->id == TR_TYPE_ROW)
		return bind_row_item(binder, args[0], args[1], span);
	if (args[0]->type->id != TR_TYPE_ARRAY && args[0]->type->id != TR_TYPE_MAP) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->args.items[0]->span,
			      "[..] is asked of %s, which has no elements", tr_type_text(binder->arena, args[0]->type));
		return NULL;
	}
	if (args[0]->type->id == TR_TYPE_ARRAY && args[1]->kind == TR_EXPR_LITERAL && !args[1]->value.is_null &&
	    tr_type_is_integer(args[1]->type) && args[1]->value.i64 < 1) {
		tr_diag_error(binder->diags, TR_E_VALUE, span, "the first element of an array has index 1, not %lld",
			      (long long)args[1]->value.i64);
		return NULL;
	}
	return tr_bind_function(binder, "ITEM", args, 2, ast->span);
}

const struct tr_expr *tr_bind_nested(struct tr_binder *binder, const struct tr_expr_scope *scope,
				     const struct tr_ast_expr *ast)
{
	switch (ast->kind) {
	case TR_AST_EXPR_ARRAY: return bind_constructor(binder, scope, ast, "ARRAY");
	case TR_AST_EXPR_MAP: return bind_constructor(binder, scope, ast, "MAP");
	case TR_AST_EXPR_ITEM: return bind_item(binder, scope, ast);
	default: tr_diag_not_supported(binder->diags, ast->span, "MULTISET[..]"); return NULL;
	}
}

/* ---- comparing ---- */

static bool is_row_constructor(const struct tr_expr *expr)
{
	return expr->kind == TR_EXPR_CALL && strcmp(tr_func_name(expr->func), "ROW") == 0;
}

static const struct tr_expr *call2(struct tr_binder *binder, const char *name, const struct tr_expr *a,
				   const struct tr_expr *b, struct tr_span span)
{
	const struct tr_expr *pair[2] = {a, b};

	return a != NULL && b != NULL ? tr_bind_function(binder, name, pair, 2, span) : NULL;
}

const struct tr_expr *tr_bind_equality(struct tr_binder *binder, enum tr_ast_op op, const struct tr_expr *a,
				       const struct tr_expr *b, struct tr_span span)
{
	static const char *const functions[] = {"=", "<>", "IS NOT DISTINCT FROM", "IS DISTINCT FROM"};
	const bool any = op == TR_AST_OP_NOT_EQUAL || op == TR_AST_OP_IS_DISTINCT;
	const bool is_plain = op == TR_AST_OP_EQUAL || op == TR_AST_OP_NOT_EQUAL;
	const struct tr_expr *all = NULL;

	if (!is_row_constructor(a) || !is_row_constructor(b) || a->arg_count != b->arg_count)
		return call2(binder, functions[(is_plain ? 0 : 2) + any], a, b, span);
	for (uint32_t i = 0; i < a->arg_count; i++) {
		const struct tr_expr *one = tr_bind_equality(binder, op, a->args[i], b->args[i], span);

		all = i == 0 ? one : call2(binder, any ? "OR" : "AND", all, one, span);
	}
	return all;
}

static bool is_plain(const struct tr_expr *expr)
{
	return expr->kind == TR_EXPR_LITERAL || expr->kind == TR_EXPR_COLUMN;
}

/* What has to be computed is compared after the others and in turn, and only where those are not equal. */
static const struct tr_expr *bind_in_values(struct tr_binder *binder, const struct tr_expr *const *args, uint32_t count,
					    struct tr_span span)
{
	const struct tr_expr **plain = TR_NEW_ARRAY(binder->arena, count, const struct tr_expr *), *any = NULL;
	uint32_t plain_count = 0;

	plain[plain_count++] = args[0];
	for (uint32_t i = 1; i < count; i++)
		if (is_plain(args[i]))
			plain[plain_count++] = args[i];
	if (plain_count > 1)
		any = tr_bind_function(binder, "IN", plain, plain_count, span);
	for (uint32_t i = 1; i < count; i++) {
		const struct tr_expr *pair[2] = {args[0], args[i]}, *one;

		if (is_plain(args[i]))
			continue;
		one = tr_bind_function(binder, "IN", pair, 2, span);
		any = any == NULL && plain_count == 1 && i == 1 ? one : call2(binder, "OR", any, one, span);
	}
	return any;
}

const struct tr_expr *tr_bind_in(struct tr_binder *binder, const struct tr_expr *const *args, uint32_t count,
				 struct tr_span span)
{
	const struct tr_expr *any = NULL;
	bool are_rows = true;

	for (uint32_t i = 0; i < count; i++)
		are_rows = are_rows && is_row_constructor(args[i]) && args[i]->arg_count == args[0]->arg_count;
	if (!are_rows)
		return bind_in_values(binder, args, count, span);
	for (uint32_t i = 1; i < count; i++) {
		const struct tr_expr *one = tr_bind_equality(binder, TR_AST_OP_EQUAL, args[0], args[i], span);

		any = i == 1 ? one : call2(binder, "OR", any, one, span);
	}
	return any;
}
