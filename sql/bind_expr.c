/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding expressions: columns, operators, casts. See bind.h.
 *
 * A column path a.b.c is read as table.column.field when `a` names a table in scope that has a column `b`, else as
 * column.field.field. After GROUP BY, each node is first offered to tr_bind_grouped: what is a key or an aggregate as a
 * whole becomes a column of the aggregation, and only then are its parts looked at.
 */
#include <string.h>
#include <strings.h>

#include "base/type.h"
#include "sql/bind.h"
#include "sql/type_name.h"

#define LOGIC_CHAIN_MAX 256 /* terms that AND or OR keeps in one chain */

static const struct tr_expr *bind_column(struct tr_binder *binder, const struct tr_expr_scope *scope,
					 const struct tr_ast_expr *ast);
static const struct tr_expr *bind_operator(struct tr_binder *binder, const struct tr_expr_scope *scope,
					   const struct tr_ast_expr *ast);
static const struct tr_expr *bind_logic(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast);
static const struct tr_expr *bind_cast(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_expr *ast);

static const struct tr_expr *not_supported(struct tr_binder *binder, const struct tr_ast_expr *ast, const char *what)
{
	tr_diag_not_supported(binder->diags, ast->span, "%s", what);
	return NULL;
}

/* Whether the executor can do what the node says. */
static bool check(struct tr_binder *binder, const struct tr_expr *expr, struct tr_span span)
{
	bool is_nested = tr_type_is_nested(expr->type);
	bool is_value = !is_nested && (expr->kind == TR_EXPR_CALL || expr->args[0]->kind == TR_EXPR_LITERAL);
	struct tr_status st = {0};

	if (tr_expr_check(expr, binder->lazy_depth == 0, &st) == TR_OK)
		return true;
	tr_diag_error(binder->diags, is_value ? TR_E_VALUE : TR_E_TYPE, span, "%s", st.message);
	return false;
}

const struct tr_expr *tr_bind_placed(struct tr_binder *binder, const struct tr_expr *expr, struct tr_span span)
{
	struct tr_place place;
	struct tr_expr *copy;

	if (expr == NULL || expr->kind == TR_EXPR_COLUMN || expr->kind == TR_EXPR_LITERAL)
		return expr;
	if (expr->place.line != 0 && expr->kind != TR_EXPR_CAST) /* a cast is made with its argument's place */
		return expr;
	if (!check(binder, expr, span))
		return NULL;
	if (expr->place.line != 0)
		return expr;
	place = tr_script_text_place(binder->diags->text, span.start);
	copy = TR_NEW(binder->arena, struct tr_expr);
	*copy = *expr;
	copy->place = (struct tr_expr_place){.line = place.line, .column = place.column};
	return copy;
}

static const struct tr_expr *bind_plain(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast)
{
	switch (ast->kind) {
	case TR_AST_EXPR_LITERAL: return tr_bind_literal(binder, ast);
	case TR_AST_EXPR_COLUMN:
	case TR_AST_EXPR_FIELD: return bind_column(binder, scope, ast);
	case TR_AST_EXPR_UNARY:
	case TR_AST_EXPR_BINARY: return bind_operator(binder, scope, ast);
	case TR_AST_EXPR_AND:
	case TR_AST_EXPR_OR: return bind_logic(binder, scope, ast);
	case TR_AST_EXPR_BETWEEN:
	case TR_AST_EXPR_IN:
	case TR_AST_EXPR_LIKE: return tr_bind_predicate(binder, scope, ast);
	case TR_AST_EXPR_CASE: return tr_bind_case(binder, scope, ast);
	case TR_AST_EXPR_CAST: return bind_cast(binder, scope, ast);
	case TR_AST_EXPR_SPAN: return tr_bind_span(binder, scope, ast);
	case TR_AST_EXPR_CALL:
	case TR_AST_EXPR_ROW: return tr_bind_call(binder, scope, ast);
	case TR_AST_EXPR_ITEM:
	case TR_AST_EXPR_ARRAY:
	case TR_AST_EXPR_MAP:
	case TR_AST_EXPR_MULTISET: return tr_bind_nested(binder, scope, ast);
	case TR_AST_EXPR_QUANTIFIED:
	case TR_AST_EXPR_EXISTS:
	case TR_AST_EXPR_SUBQUERY: return not_supported(binder, ast, "subqueries in expressions");
	case TR_AST_EXPR_PARAMETER: return not_supported(binder, ast, "parameters ('?')");
	default: tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "this can't stand in an expression"); return NULL;
	}
}

/* What a plain name means in ORDER BY if it is one of the answer's. */
static const struct tr_expr *find_alias(const struct tr_select_list *list, const struct tr_ast_expr *ast)
{
	if (list == NULL || ast->kind != TR_AST_EXPR_COLUMN || ast->path.count != 1)
		return NULL;
	for (uint32_t i = 0; i < list->visible; i++)
		if (strcmp(list->names[i], ast->path.names[0].text) == 0)
			return list->exprs[i];
	return NULL;
}

const struct tr_expr *tr_bind_expr(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast)
{
	const struct tr_expr *alias = find_alias(scope->aliases, ast);
	bool is_reported = false;

	if (alias != NULL)
		return alias;
	if (scope->aggregation != NULL) {
		const struct tr_expr *grouped = tr_bind_grouped(binder, scope, ast, &is_reported);

		if (grouped != NULL || is_reported)
			return grouped;
	}
	return tr_bind_placed(binder, bind_plain(binder, scope, ast), ast->span);
}

const struct tr_expr *tr_bind_condition(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast)
{
	const struct tr_expr *expr = tr_bind_expr(binder, scope, ast);

	if (expr == NULL)
		return NULL;
	if (expr->type->id == TR_TYPE_NULL)
		return tr_expr_null(binder->arena, tr_type_of(TR_TYPE_BOOLEAN));
	if (expr->type->id != TR_TYPE_BOOLEAN) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "%s needs a BOOLEAN, this is %s", scope->clause,
			      tr_type_text(binder->arena, expr->type));
		return NULL;
	}
	return expr;
}

const struct tr_expr *tr_bind_common(struct tr_binder *binder, const struct tr_expr *expr, const struct tr_type *type,
				     struct tr_span span)
{
	if (expr == NULL || tr_type_equals_ignoring_null(expr->type, type))
		return expr;
	if (expr->type->id == TR_TYPE_NULL)
		return tr_expr_null(binder->arena, type);
	type = tr_type_with_nullable(binder->arena, type, expr->type->is_nullable);
	return tr_bind_placed(binder, tr_expr_cast(binder->arena, expr, type, false), span);
}

const struct tr_expr *tr_bind_coerce(struct tr_binder *binder, const struct tr_expr *expr, const struct tr_type *type,
				     struct tr_span span)
{
	if (expr != NULL && !tr_type_coerces(expr->type, type)) {
		tr_diag_error(binder->diags, TR_E_TYPE, span, "%s can't be used as %s",
			      tr_type_text(binder->arena, expr->type), tr_type_text(binder->arena, type));
		tr_diag_hint(binder->diags, "write CAST(... AS %s) if that is meant", tr_type_text(binder->arena, type));
		return NULL;
	}
	return tr_bind_common(binder, expr, type, span);
}

/* The call that was found, with its arguments cast. */
static const struct tr_expr *make_call(struct tr_binder *binder, const struct tr_func_match *match,
				       const struct tr_expr *const *args, uint32_t arg_count, struct tr_span span)
{
	const struct tr_expr **cast = TR_NEW_ARRAY(binder->arena, arg_count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < arg_count; i++) {
		const struct tr_type *want = match->arg_types[i];

		cast[i] = args[i];
		if (tr_type_equals_ignoring_null(args[i]->type, want))
			continue;
		if (args[i]->type->id == TR_TYPE_NULL) {
			cast[i] = tr_expr_null(binder->arena, want);
			continue;
		}
		want = tr_type_with_nullable(binder->arena, want, args[i]->type->is_nullable);
		cast[i] = tr_bind_placed(binder, tr_expr_cast(binder->arena, args[i], want, false), span);
		if (cast[i] == NULL)
			return NULL;
	}
	return tr_bind_placed(binder, tr_expr_call(binder->arena, match->func, match->type, cast, arg_count), span);
}

const struct tr_expr *tr_bind_user_function(struct tr_binder *binder, const struct tr_func_user *user,
					    const struct tr_expr *const *args, uint32_t arg_count, struct tr_span span)
{
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, arg_count + 1, const struct tr_type *);
	struct tr_func_match match;
	struct tr_status st = {0};

	for (uint32_t i = 0; i < arg_count; i++)
		types[i] = args[i]->type;
	if (tr_func_user_resolve(binder->arena, user, types, arg_count, &match, &st) != TR_OK) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, span, "%s", st.message);
		return NULL;
	}
	return make_call(binder, &match, args, arg_count, span);
}

const struct tr_expr *tr_bind_function(struct tr_binder *binder, const char *name, const struct tr_expr *const *args,
				       uint32_t arg_count, struct tr_span span)
{
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, arg_count + 1, const struct tr_type *);
	const struct tr_expr **literals = TR_NEW_ARRAY(binder->arena, arg_count + 1, const struct tr_expr *);
	struct tr_func_match match;
	struct tr_status st = {0};

	for (uint32_t i = 0; i < arg_count; i++) {
		if (args[i] == NULL)
			return NULL;
		types[i] = args[i]->type;
		literals[i] = args[i]->kind == TR_EXPR_LITERAL ? args[i] : NULL;
	}
	if (tr_func_resolve(binder->arena, name, types, literals, arg_count, &match, &st) != TR_OK) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, span, "%s", st.message);
		return NULL;
	}
	return make_call(binder, &match, args, arg_count, span);
}

/* ---- columns ---- */

static const char *path_text(struct tr_binder *binder, const struct tr_ast_path *path)
{
	const char *text = path->names[0].text;

	for (uint32_t i = 1; i < path->count; i++)
		text = tr_arena_printf(binder->arena, "%s.%s", text, path->names[i].text);
	return text;
}

/* The column that a name means; `matches` receives how many fit. */
static const struct tr_bound_column *find_column(const struct tr_relation *relation, const char *qualifier,
						 const char *name, uint32_t *matches)
{
	const struct tr_bound_column *found = NULL;

	*matches = 0;
	for (uint32_t i = 0; i < relation->column_count; i++) {
		const struct tr_bound_column *column = &relation->columns[i];

		if (strcmp(column->name, name) != 0)
			continue;
		if (qualifier != NULL && (column->qualifier == NULL || strcmp(column->qualifier, qualifier) != 0))
			continue;
		found = column;
		(*matches)++;
	}
	return found;
}

static void report_no_column(struct tr_binder *binder, const struct tr_relation *relation,
			     const struct tr_ast_name *name)
{
	const char **names = TR_NEW_ARRAY(binder->arena, relation->column_count + 1, const char *);

	for (uint32_t i = 0; i < relation->column_count; i++)
		names[i] = relation->columns[i].name;
	tr_diag_error(binder->diags, TR_E_NO_COLUMN, name->span, "no column '%s' here", name->text);
	tr_diag_hint_nearest(binder->diags, name->text, names, relation->column_count);
}

const struct tr_expr *tr_bind_field(struct tr_binder *binder, const struct tr_expr *base, const struct tr_ast_name *name)
{
	const struct tr_type *row = base->type;

	if (row->id != TR_TYPE_ROW) {
		tr_diag_error(binder->diags, TR_E_TYPE, name->span, "'%s' is asked of %s, which has no fields",
			      name->text, tr_type_text(binder->arena, row));
		return NULL;
	}
	for (uint32_t i = 0; i < row->child_count; i++) {
		if (strcmp(row->names[i], name->text) == 0)
			return tr_expr_field(binder->arena, base, i);
	}
	tr_diag_error(binder->diags, TR_E_NO_COLUMN, name->span, "no field '%s' in %s", name->text,
		      tr_type_text(binder->arena, row));
	tr_diag_hint_nearest(binder->diags, name->text, row->names, row->child_count);
	return NULL;
}

/* GROUP BY 1 */
static bool has_number(const struct tr_aggregation *aggregation)
{
	for (uint32_t i = 0; i < aggregation->key_count; i++)
		if (aggregation->keys[i]->kind == TR_EXPR_LITERAL && tr_type_is_numeric(aggregation->keys[i]->type))
			return true;
	return false;
}

/* How many names in front of a table's are the catalog's and the database's. */
static uint32_t skip_database(const struct tr_ast_path *path)
{
	uint32_t count = path->count >= 4 && strcmp(path->names[0].text, "default_catalog") == 0;

	if (path->count >= count + 3 && strcmp(path->names[count].text, "default_database") == 0)
		return count + 1;
	return 0;
}

static const struct tr_expr *bind_path(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_path *path)
{
	const struct tr_relation *relation = scope->relation;
	const struct tr_bound_column *column = NULL;
	const struct tr_expr *expr;
	uint32_t matches = 0, used = 1;

	if (relation == NULL) {
		tr_diag_error(binder->diags, TR_E_NO_COLUMN, path->span, "no columns can be named here: '%s'",
			      path_text(binder, path));
		return NULL;
	}
	if (path->count >= 2) {
		used = skip_database(path);
		column = find_column(relation, path->names[used].text, path->names[used + 1].text, &matches);
		used += 2;
	}
	if (column == NULL) {
		column = find_column(relation, NULL, path->names[0].text, &matches);
		used = 1;
	}
	if (column == NULL && path->count == 1 && strcasecmp(path->names[0].text, "PI") == 0)
		return tr_bind_function(binder, "PI", NULL, 0, path->span); /* a function without parentheses */
	if (column == NULL) {
		report_no_column(binder, relation, &path->names[0]);
		return NULL;
	}
	if (matches > 1) {
		tr_diag_error(binder->diags, TR_E_AMBIGUOUS, path->span, "'%s' fits several columns",
			      path_text(binder, path));
		tr_diag_hint(binder->diags, "put the table's name or alias in front");
		return NULL;
	}
	if (scope->aggregation != NULL) {
		tr_diag_error(binder->diags, TR_E_GROUPING, path->span,
			      "'%s' is neither in GROUP BY nor inside an aggregate", path_text(binder, path));
		if (has_number(scope->aggregation))
			tr_diag_hint(binder->diags,
				     "a number in GROUP BY is a constant, not a column: write out what to "
				     "group by");
		return NULL;
	}
	expr = tr_expr_column(binder->arena, column->index, column->type);
	for (; used < path->count && expr != NULL; used++)
		expr = tr_bind_field(binder, expr, &path->names[used]);
	return expr;
}

static const struct tr_expr *bind_column(struct tr_binder *binder, const struct tr_expr_scope *scope,
					 const struct tr_ast_expr *ast)
{
	const struct tr_expr *base;

	if (ast->kind == TR_AST_EXPR_COLUMN)
		return bind_path(binder, scope, &ast->path);
	base = tr_bind_expr(binder, scope, ast->field.base);
	return base != NULL ? tr_bind_field(binder, base, &ast->field.name) : NULL;
}

/* ---- operators ---- */

static const char *function_of(enum tr_ast_op op)
{
	switch (op) {
	case TR_AST_OP_NEGATE: return "-";
	default: return tr_ast_op_text(op);
	}
}

/* -5 is a literal, so that -2147483648 is an INT and DECIMAL literals keep their scale. */
static const struct tr_expr *negated_literal(struct tr_binder *binder, const struct tr_ast_expr *operand)
{
	struct tr_ast_expr negative = *operand;

	negative.literal.text = tr_arena_printf(binder->arena, "-%s", operand->literal.text);
	negative.literal.length++;
	return tr_bind_literal(binder, &negative);
}

static bool is_point(const struct tr_type *type)
{
	return type->id >= TR_TYPE_DATE && type->id <= TR_TYPE_TIMESTAMP_LTZ;
}

static const struct tr_expr *bind_operator(struct tr_binder *binder, const struct tr_expr_scope *scope,
					   const struct tr_ast_expr *ast)
{
	const struct tr_expr *args[2] = {NULL, NULL};
	const struct tr_ast_expr *first = ast->args.items[0];

	if (ast->op == TR_AST_OP_OVERLAPS)
		return tr_bind_overlaps(binder, scope, ast);

	if (ast->op == TR_AST_OP_NEGATE && first->kind == TR_AST_EXPR_LITERAL &&
	    (first->literal.kind == TR_AST_LITERAL_INTEGER || first->literal.kind == TR_AST_LITERAL_DECIMAL ||
	     first->literal.kind == TR_AST_LITERAL_APPROX) &&
	    first->literal.text[0] != '-')
		return negated_literal(binder, first);
	for (uint32_t i = 0; i < ast->args.count; i++)
		args[i] = tr_bind_expr(binder, scope, ast->args.items[i]);
	for (uint32_t i = 0; i < ast->args.count; i++) {
		if (args[i] == NULL)
			return NULL;
	}
	if (ast->op == TR_AST_OP_PLUS)
		return args[0];
	if (ast->op == TR_AST_OP_SUBTRACT && is_point(args[0]->type) && is_point(args[1]->type)) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->op_span,
			      "the time between two points needs a unit behind it");
		tr_diag_hint(binder->diags, "write (a - b) SECOND, or TIMESTAMPDIFF(SECOND, b, a)");
		return NULL;
	}
	if (ast->op == TR_AST_OP_EQUAL || ast->op == TR_AST_OP_NOT_EQUAL || ast->op == TR_AST_OP_IS_DISTINCT ||
	    ast->op == TR_AST_OP_IS_NOT_DISTINCT)
		return tr_bind_equality(binder, ast->op, args[0], args[1], ast->op_span);
	return tr_bind_function(binder, function_of(ast->op), args, ast->args.count, ast->op_span);
}

/* a AND b AND c is AND(AND(a, b), c) for the executor, which narrows the selection step by step. */
/* Terms under one AND or OR: leaning left, as written; many of them in halves, so that the tree stays low. NULL: reported. */
static const struct tr_expr *join_terms(struct tr_binder *binder, const struct tr_ast_expr *ast,
					const struct tr_expr *const *terms, uint32_t first, uint32_t count)
{
	const char *name = ast->kind == TR_AST_EXPR_AND ? "AND" : "OR";
	const struct tr_expr *pair[2] = {terms[first], NULL};

	if (count > LOGIC_CHAIN_MAX) {
		pair[0] = join_terms(binder, ast, terms, first, count / 2);
		pair[1] = join_terms(binder, ast, terms, first + count / 2, count - count / 2);
		if (pair[0] == NULL || pair[1] == NULL)
			return NULL;
		return tr_bind_function(binder, name, pair, 2, ast->span);
	}
	for (uint32_t i = first + 1; i < first + count && pair[0] != NULL; i++) {
		pair[1] = terms[i];
		pair[0] = tr_bind_function(binder, name, pair, 2, ast->args.items[i]->span);
	}
	return pair[0];
}

static const struct tr_expr *bind_logic(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast)
{
	const struct tr_expr **terms = TR_NEW_ARRAY(binder->arena, ast->args.count, const struct tr_expr *);
	bool is_good = true;

	for (uint32_t i = 0; i < ast->args.count; i++) {
		binder->lazy_depth++;
		terms[i] = tr_bind_expr(binder, scope, ast->args.items[i]);
		binder->lazy_depth--;
		is_good = is_good && terms[i] != NULL;
	}
	return is_good ? join_terms(binder, ast, terms, 0, ast->args.count) : NULL;
}

static const struct tr_expr *bind_cast(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_expr *ast)
{
	const struct tr_expr *arg = tr_bind_expr(binder, scope, ast->args.items[0]);
	const struct tr_type *type = tr_type_name_resolve(ast->cast.type, binder->arena, binder->diags);

	if (arg == NULL || type == NULL)
		return NULL;
	if (arg->type->id == TR_TYPE_NULL)
		return tr_expr_null(binder->arena, type);
	if (tr_type_is_interval(type) && tr_type_is_numeric(arg->type))
		return tr_bind_interval_cast(binder, arg, ast);
	if (!tr_type_casts(arg->type, type)) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "%s can't be cast to %s",
			      tr_type_text(binder->arena, arg->type), tr_type_text(binder->arena, type));
		return NULL;
	}
	type = tr_type_with_nullable(binder->arena, type, arg->type->is_nullable || ast->cast.is_try);
	if (tr_type_equals_ignoring_null(arg->type, type))
		return arg;
	return tr_expr_cast(binder->arena, arg, type, ast->cast.is_try);
}
