/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding calls, CASE, predicates and literals. See bind.h.
 *
 * What the function table knows is looked up there. Forms that are only another way of writing something are rewritten
 * here: BETWEEN is two comparisons, NULLIF and a simple CASE are searched CASEs, IF is CASE.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/check.h"
#include "sql/bind.h"
#include "sql/interval.h"
#include "sql/user_function.h"

#define CALL_ARGS_MAX TR_AST_LIST_MAX

static const struct tr_expr *make_case(struct tr_binder *binder, const struct tr_expr **args, uint32_t count,
				       struct tr_span span);

static const struct tr_type *not_null(struct tr_binder *binder, const struct tr_type *type)
{
	return tr_type_with_nullable(binder->arena, type, false);
}

/* Binds all expressions of a list; false if one failed (all are tried, so that all are reported). */
static bool bind_all(struct tr_binder *binder, const struct tr_expr_scope *scope, const struct tr_ast_exprs *asts,
		     const struct tr_expr **out)
{
	bool is_good = true;

	for (uint32_t i = 0; i < asts->count; i++) {
		const struct tr_ast_expr *ast = asts->items[i];

		if (ast->kind == TR_AST_EXPR_SYMBOL)
			out[i] = tr_expr_text(binder->arena, ast->symbol.name, strlen(ast->symbol.name));
		else
			out[i] = tr_bind_expr(binder, scope, ast);
		is_good = is_good && out[i] != NULL;
	}
	return is_good;
}

/* The arguments of a function; those of conditional ones are not evaluated for all rows. */
bool tr_bind_arguments(struct tr_binder *binder, const struct tr_expr_scope *scope, const struct tr_ast_expr *ast,
		       const struct tr_expr **out)
{
	static const char *const lazy[] = {"COALESCE", "IF", "IFNULL", "NULLIF"};
	const char *name = tr_catalog_name(&ast->call->name);
	bool is_lazy = false, is_good;

	for (size_t i = 0; i < TR_COUNT_OF(lazy); i++)
		is_lazy = is_lazy || strcasecmp(name, lazy[i]) == 0;
	binder->lazy_depth += is_lazy;
	is_good = bind_all(binder, scope, &ast->args, out);
	binder->lazy_depth -= is_lazy;
	return is_good;
}

/* TRIM(BOTH, c, s) of the tree is one of three functions. */
static const char *trim_function(const struct tr_ast_expr *ast)
{
	const char *side = ast->args.items[0]->symbol.name;

	return strcmp(side, "LEADING") == 0 ? "LTRIM" : strcmp(side, "TRAILING") == 0 ? "RTRIM" : "TRIM";
}

static const struct tr_expr *refuse(struct tr_binder *binder, const struct tr_ast_expr *ast, const char *what)
{
	tr_diag_not_supported(binder->diags, ast->span, "%s", what);
	return NULL;
}

/* What a scalar function call can't have; true when reported. */
static bool has_refused_parts(struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const struct tr_ast_call *call = ast->call;

	if (call->argument_names != NULL)
		return refuse(binder, ast, "named arguments of scalar functions") == NULL;
	if (call->is_distinct || call->filter != NULL || call->order_by.count > 0 || call->within_group.count > 0) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "'%s' is not an aggregate function",
			      tr_catalog_name(&call->name));
		return true;
	}
	return false;
}

/* CURRENT_WATERMARK's argument. */
static bool is_rowtime(struct tr_binder *binder, const struct tr_expr_scope *scope, const struct tr_expr *expr,
		       const struct tr_ast_expr *ast)
{
	enum tr_column_role role = scope->relation != NULL ? tr_bind_role(scope->relation, expr) : TR_ROLE_NONE;

	if (!binder->is_batch && (role == TR_ROLE_ROWTIME || role == TR_ROLE_ATTACHED_TIME))
		return true;
	tr_diag_error(binder->diags, TR_E_TIME, ast->span,
		      binder->is_batch ? "there are no watermarks in batch mode"
				       : "CURRENT_WATERMARK takes a column that has a watermark");
	return false;
}

static const struct tr_expr *bind_user_call(struct tr_binder *binder, const struct tr_expr_scope *scope,
					    const struct tr_ast_expr *ast, const struct tr_func_user *user,
					    const struct tr_expr **args)
{
	if (user == NULL)
		return NULL;
	if (user->kind == TR_USER_AGGREGATE) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "an aggregate can't stand in %s: '%s'",
			      scope->clause, user->name);
		return NULL;
	}
	if (user->kind == TR_USER_TABLE) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ast->span, "'%s' makes rows, not a value", user->name);
		tr_diag_hint(binder->diags, "write FROM t, LATERAL TABLE(%s(..)) AS r", user->name);
		return NULL;
	}
	if (has_refused_parts(binder, ast) || !tr_bind_arguments(binder, scope, ast, args))
		return NULL;
	return tr_bind_user_function(binder, user, args, ast->args.count, ast->span);
}

const struct tr_expr *tr_bind_call(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast)
{
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, ast->args.count + 1, const struct tr_expr *);
	const struct tr_catalog_function *function;
	const char *name;
	uint32_t count = ast->args.count;

	if (ast->kind == TR_AST_EXPR_ROW)
		return bind_all(binder, scope, &ast->args, args)
			       ? tr_bind_function(binder, "ROW", args, count, ast->span)
			       : NULL;
	name = tr_catalog_name(&ast->call->name);
	if (ast->call->over != NULL)
		return tr_bind_over(binder, scope, ast);
	function = tr_user_function_find(binder->catalog, &ast->call->name);
	if (function != NULL)
		return bind_user_call(binder, scope, ast, function->user, args);
	if (tr_agg_exists(name) && !tr_func_exists(name)) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "an aggregate can't stand in %s: '%s'",
			      scope->clause, name);
		return NULL;
	}
	if (has_refused_parts(binder, ast))
		return NULL;
	if (tr_bind_is_json(name))
		return tr_bind_json(binder, scope, ast);
	if (strcasecmp(name, "JSON") == 0) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span,
			      "JSON(...) can stand only in JSON_ARRAY and as a value of JSON_OBJECT");
		return NULL;
	}
	if (tr_bind_is_group_window(ast) || tr_bind_is_window_property(ast)) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span,
			      tr_bind_is_group_window(ast) ? "%s(..) can only stand in GROUP BY, or in FROM"
							   : "%s(..) needs its window in GROUP BY",
			      name);
		return NULL;
	}
	if (strcasecmp(name, "PARSE_JSON") == 0 || strcasecmp(name, "TRY_PARSE_JSON") == 0)
		return refuse(binder, ast, "the type VARIANT");
	if (!tr_func_exists(name) && strcasecmp(name, "NULLIF") != 0)
		return tr_bind_function(binder, name, NULL, 0, ast->span); /* says so, and names the nearest one */
	if (strcmp(name, "TRIM") == 0 && count == 3 && ast->args.items[0]->kind == TR_AST_EXPR_SYMBOL) {
		const struct tr_expr *swapped[2] = {tr_bind_expr(binder, scope, ast->args.items[2]),
						    tr_bind_expr(binder, scope, ast->args.items[1])};

		return tr_bind_function(binder, trim_function(ast), swapped, 2, ast->span);
	}
	if (!tr_bind_arguments(binder, scope, ast, args))
		return NULL;
	if (strcasecmp(name, "CURRENT_WATERMARK") == 0 && count == 1 && !is_rowtime(binder, scope, args[0], ast))
		return NULL;
	if (strcasecmp(name, "NULLIF") == 0 && count == 2) {
		const struct tr_expr *equal = tr_bind_function(binder, "=", args, 2, ast->span);
		const struct tr_expr *parts[3] = {equal, tr_expr_null(binder->arena, args[0]->type), args[0]};

		return equal != NULL ? make_case(binder, parts, 3, ast->span) : NULL;
	}
	return tr_bind_function(binder, name, args, count, ast->span);
}

/* ---- CASE ---- */

/* args: condition, result, ..., else. Results get their common type. */
static const struct tr_expr *make_case(struct tr_binder *binder, const struct tr_expr **args, uint32_t count,
				       struct tr_span span)
{
	const struct tr_type *type = args[1]->type;
	bool is_nullable = type->is_nullable || type->id == TR_TYPE_NULL;

	for (uint32_t i = 3; i <= count; i += 2) {
		const struct tr_type *result = args[i < count ? i : count - 1]->type;
		const struct tr_type *common = tr_type_common(binder->arena, type, result);

		if (common == NULL) {
			tr_diag_error(binder->diags, TR_E_TYPE, span, "results of CASE have no common type: %s and %s",
				      tr_type_text(binder->arena, type), tr_type_text(binder->arena, result));
			return NULL;
		}
		is_nullable = is_nullable || result->is_nullable || result->id == TR_TYPE_NULL;
		type = common;
	}
	if (type->id == TR_TYPE_NULL) {
		tr_diag_error(binder->diags, TR_E_TYPE, span, "one result of CASE at least must have a type");
		tr_diag_hint(binder->diags, "write CAST(NULL AS INT), or what is meant");
		return NULL;
	}
	type = tr_type_with_nullable(binder->arena, type, is_nullable);
	for (uint32_t i = 1; i <= count; i += 2) {
		uint32_t at = i < count ? i : count - 1;

		args[at] = tr_bind_common(binder, args[at], type, span);
		if (args[at] == NULL)
			return NULL;
	}
	return tr_bind_placed(binder, tr_expr_case(binder->arena, type, args, count), span);
}

static const struct tr_expr *bind_case(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_expr *ast)
{
	const struct tr_ast_case *source = &ast->case_;
	uint32_t count = source->when_count * 2 + 1;
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, count, const struct tr_expr *);
	const struct tr_expr *operand = NULL;
	struct tr_expr_scope inner = *scope;
	bool is_good = true;

	inner.clause = "WHEN";
	if (source->operand != NULL) {
		operand = tr_bind_expr(binder, scope, source->operand);
		is_good = operand != NULL;
	}
	for (uint32_t i = 0; i < source->when_count; i++) {
		const struct tr_ast_when *when = &source->whens[i];

		if (source->operand == NULL) {
			args[2 * i] = tr_bind_condition(binder, &inner, when->condition);
		} else {
			const struct tr_expr *pair[2] = {operand, tr_bind_expr(binder, scope, when->condition)};

			args[2 * i] =
				operand != NULL ? tr_bind_function(binder, "=", pair, 2, when->condition->span) : NULL;
		}
		args[2 * i + 1] = tr_bind_expr(binder, scope, when->result);
		is_good = is_good && args[2 * i] != NULL && args[2 * i + 1] != NULL;
	}
	args[count - 1] = source->otherwise != NULL ? tr_bind_expr(binder, scope, source->otherwise)
						    : tr_expr_null(binder->arena, tr_type_of(TR_TYPE_NULL));
	is_good = is_good && args[count - 1] != NULL;
	return is_good ? make_case(binder, args, count, ast->span) : NULL;
}

const struct tr_expr *tr_bind_case(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast)
{
	const struct tr_expr *expr;

	binder->lazy_depth++;
	expr = bind_case(binder, scope, ast);
	binder->lazy_depth--;
	return expr;
}

/* ---- BETWEEN, IN, LIKE ---- */

static const struct tr_expr *negate(struct tr_binder *binder, const struct tr_expr *expr, struct tr_span span)
{
	return expr != NULL ? tr_bind_function(binder, "NOT", &expr, 1, span) : NULL;
}

static const struct tr_expr *call2(struct tr_binder *binder, const char *name, const struct tr_expr *a,
				   const struct tr_expr *b, struct tr_span span)
{
	const struct tr_expr *pair[2] = {a, b};

	return a != NULL && b != NULL ? tr_bind_function(binder, name, pair, 2, span) : NULL;
}

static const struct tr_expr *bind_between(struct tr_binder *binder, const struct tr_ast_expr *ast,
					  const struct tr_expr *const *args)
{
	struct tr_span span = ast->op_span;
	const struct tr_expr *result = call2(binder, "AND", call2(binder, ">=", args[0], args[1], span),
					     call2(binder, "<=", args[0], args[2], span), span);

	if (ast->is_symmetric) {
		const struct tr_expr *swapped = call2(binder, "AND", call2(binder, ">=", args[0], args[2], span),
						      call2(binder, "<=", args[0], args[1], span), span);

		result = call2(binder, "OR", result, swapped, span);
	}
	return result;
}

/* The ends of a period (a, b), in order; b may be an interval. */
static bool bind_period(struct tr_binder *binder, const struct tr_expr_scope *scope, const struct tr_ast_expr *ast,
			const struct tr_expr **from, const struct tr_expr **to)
{
	const struct tr_expr *ends[2];

	if (ast->kind != TR_AST_EXPR_ROW || ast->args.count != 2) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span, "OVERLAPS takes two periods: (a, b) OVERLAPS (c, d)");
		return false;
	}
	if (!bind_all(binder, scope, &ast->args, ends))
		return false;
	if (ends[0]->type->id < TR_TYPE_DATE || ends[0]->type->id > TR_TYPE_TIMESTAMP_LTZ) {
		tr_diag_error(binder->diags, TR_E_TYPE, ast->span,
			      "a period of OVERLAPS begins with %s, which is no point in time",
			      tr_type_text(binder->arena, ends[0]->type));
		return false;
	}
	if (tr_type_is_interval(ends[1]->type))
		ends[1] = call2(binder, "+", ends[0], ends[1], ast->span);
	*from = call2(binder, "LEAST", ends[0], ends[1], ast->span);
	*to = call2(binder, "GREATEST", ends[0], ends[1], ast->span);
	return *from != NULL && *to != NULL;
}

const struct tr_expr *tr_bind_overlaps(struct tr_binder *binder, const struct tr_expr_scope *scope,
				       const struct tr_ast_expr *ast)
{
	const struct tr_expr *a_from, *a_to, *b_from, *b_to;
	const bool is_good = bind_period(binder, scope, ast->args.items[0], &a_from, &a_to);

	if (!bind_period(binder, scope, ast->args.items[1], &b_from, &b_to) || !is_good)
		return NULL;
	return call2(binder, "AND", call2(binder, ">=", a_to, b_from, ast->op_span),
		     call2(binder, ">=", b_to, a_from, ast->op_span), ast->op_span);
}

const struct tr_expr *tr_bind_predicate(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast)
{
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, ast->args.count + 1, const struct tr_expr *);
	const struct tr_expr *result;
	bool is_good;

	if (ast->kind == TR_AST_EXPR_IN && ast->query != NULL)
		return refuse(binder, ast, "IN with a subquery");
	binder->lazy_depth += ast->kind == TR_AST_EXPR_IN; /* what is found is not looked for any further */
	is_good = bind_all(binder, scope, &ast->args, args);
	binder->lazy_depth -= ast->kind == TR_AST_EXPR_IN;
	if (!is_good)
		return NULL;
	if (ast->kind == TR_AST_EXPR_BETWEEN)
		result = bind_between(binder, ast, args);
	else if (ast->kind == TR_AST_EXPR_IN)
		result = tr_bind_in(binder, args, ast->args.count, ast->op_span);
	else
		result = tr_bind_function(binder, ast->is_similar ? "SIMILAR TO" : "LIKE", args, ast->args.count,
					  ast->op_span);
	return ast->is_negated ? negate(binder, result, ast->op_span) : result;
}

/* ---- literals ---- */

static const struct tr_expr *malformed(struct tr_binder *binder, const struct tr_ast_expr *ast, const char *what)
{
	tr_diag_error(binder->diags, TR_E_VALUE, ast->span, "'%s' is not a %s", ast->literal.text, what);
	return NULL;
}

/* INT, BIGINT or DECIMAL(n, 0), whichever holds the digits; with digits behind a point DECIMAL(n, m) by the digits that
 * are written, 0.05 and 00.5 with three. */
static const struct tr_expr *number_literal(struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const char *text = ast->literal.text;
	size_t length = ast->literal.length;
	const char *point = memchr(text, '.', length);
	int scale = point != NULL ? (int)(text + length - point - 1) : 0;
	struct tr_value value = {0};
	const char *digits = text + (text[0] == '-');
	int precision;
	tr_i128 unscaled;

	if (point != NULL && scale == 0) {
		point = NULL;
		length--;
	}
	if (point == NULL && tr_text_parse_i64(text, length, &value.i64) == TR_TEXT_OK) {
		bool is_int = value.i64 >= INT32_MIN && value.i64 <= INT32_MAX;

		return tr_expr_literal(binder->arena,
				       not_null(binder, tr_type_of(is_int ? TR_TYPE_INT : TR_TYPE_BIGINT)), value);
	}
	while (point == NULL && digits + 1 < text + length && *digits == '0')
		digits++;
	precision = (int)(text + length - digits) - (point != NULL);
	if (precision > TR_DECIMAL_PRECISION_MAX ||
	    tr_text_parse_decimal(text, length, precision, scale, &unscaled) != TR_TEXT_OK ||
	    unscaled != (int64_t)unscaled) {
		tr_diag_error(binder->diags, TR_E_VALUE, ast->span,
			      "the number is out of range: without its point it must fit in a BIGINT");
		tr_diag_hint(binder->diags, "write CAST('%.60s' AS DECIMAL(p, s))", text);
		return NULL;
	}
	if (precision <= 18)
		value.i64 = (int64_t)unscaled;
	else
		value.i128 = unscaled;
	return tr_expr_literal(binder->arena, not_null(binder, tr_type_decimal(binder->arena, precision, scale)), value);
}

static const struct tr_expr *text_literal(struct tr_binder *binder, const struct tr_ast_literal *literal)
{
	bool is_text = literal->kind == TR_AST_LITERAL_STRING;
	enum tr_type_id id = is_text ? TR_TYPE_CHAR : TR_TYPE_BINARY;
	size_t length = is_text ? tr_text_utf16_units(literal->text, literal->length) : literal->length;
	struct tr_value value = {.view = tr_view_make(literal->text, literal->length)};

	return tr_expr_literal(binder->arena, not_null(binder, tr_type_with_precision(binder->arena, id, (int)length)),
			       value);
}

/* TIMESTAMP '2001-01-01 00:00:00.123' has as many fraction digits as are written. */
static const struct tr_expr *time_literal(struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const struct tr_ast_literal *literal = &ast->literal;
	const char *point = memchr(literal->text, '.', literal->length);
	int precision = point != NULL ? (int)(literal->text + literal->length - point - 1) : 0;
	struct tr_value value = {0};
	const struct tr_type *type;
	struct tr_text_time time;
	int32_t days;

	if (literal->kind == TR_AST_LITERAL_DATE) {
		if (tr_text_parse_date(literal->text, literal->length, TR_TIME_SHORT_FIELDS, &days) != TR_TEXT_OK)
			return malformed(binder, ast, "DATE: expected 'yyyy-mm-dd'");
		value.i64 = days;
		return tr_expr_literal(binder->arena, not_null(binder, tr_type_of(TR_TYPE_DATE)), value);
	}
	if (precision > TR_TIME_PRECISION_MAX)
		return malformed(binder, ast, "time: at most 9 fraction digits");
	if (literal->kind == TR_AST_LITERAL_TIME) {
		if (tr_text_parse_time(literal->text, literal->length, TR_TIME_SHORT_FIELDS, &value.i64) != TR_TEXT_OK)
			return malformed(binder, ast, "TIME: expected 'hh:mm:ss'");
		value.i64 /= 1000000;
		type = tr_type_with_precision(binder->arena, TR_TYPE_TIME, precision);
		return tr_expr_literal(binder->arena, not_null(binder, type), value);
	}
	type = tr_type_with_precision(binder->arena, TR_TYPE_TIMESTAMP, precision);
	if (tr_text_parse_timestamp(literal->text, literal->length,
				    TR_TIME_SHORT_FIELDS | TR_TIME_DATE_ONLY | TR_TIME_STRICT, &time) != TR_TEXT_OK ||
	    tr_text_time_to_ticks(&time, tr_type_ticks_per_second(type), &value.i64) != TR_TEXT_OK)
		return malformed(binder, ast, "TIMESTAMP: expected 'yyyy-mm-dd hh:mm:ss[.fff]'");
	return tr_expr_literal(binder->arena, not_null(binder, type), value);
}

const struct tr_expr *tr_bind_literal(struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const struct tr_ast_literal *literal = &ast->literal;
	struct tr_value value = {0};
	struct tr_interval interval;
	enum tr_type_id id;

	switch (literal->kind) {
	case TR_AST_LITERAL_NULL: return tr_expr_null(binder->arena, tr_type_of(TR_TYPE_NULL));
	case TR_AST_LITERAL_UNKNOWN: return tr_expr_null(binder->arena, tr_type_of(TR_TYPE_BOOLEAN));
	case TR_AST_LITERAL_BOOLEAN:
		value.i64 = literal->boolean;
		return tr_expr_literal(binder->arena, not_null(binder, tr_type_of(TR_TYPE_BOOLEAN)), value);
	case TR_AST_LITERAL_INTEGER:
	case TR_AST_LITERAL_DECIMAL: return number_literal(binder, ast);
	case TR_AST_LITERAL_APPROX:
		if (tr_text_parse_f64(literal->text, literal->length, &value.f64) != TR_TEXT_OK || !isfinite(value.f64))
			return malformed(binder, ast, "number in the range of DOUBLE");
		return tr_expr_literal(binder->arena, not_null(binder, tr_type_of(TR_TYPE_DOUBLE)), value);
	case TR_AST_LITERAL_STRING:
	case TR_AST_LITERAL_BINARY: return text_literal(binder, literal);
	case TR_AST_LITERAL_DATE:
	case TR_AST_LITERAL_TIME:
	case TR_AST_LITERAL_TIMESTAMP: return time_literal(binder, ast);
	case TR_AST_LITERAL_INTERVAL:
		if (!tr_interval_value(ast, binder->diags, &interval))
			return NULL;
		value.i64 = interval.value;
		id = interval.is_months ? TR_TYPE_INTERVAL_MONTH : TR_TYPE_INTERVAL_MS;
		return tr_expr_literal(binder->arena, not_null(binder, tr_type_of(id)), value);
	default: return refuse(binder, ast, "this literal");
	}
}
