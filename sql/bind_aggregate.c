/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding calls of aggregates: which overload, which columns of the PROJECT below it reads. See bind.h and bind_group.c.
 *
 * Arguments that must be literals (a separator, a fraction) become parameters of the call, the others columns. An aggregate
 * whose result depends on the order of rows reads the rows' position as well: that column is added by sql/order.c.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/type.h"
#include "sql/bind.h"
#include "sql/user_function.h"

/* The arguments and the filter of one call, over the input. */
struct arguments {
	uint32_t count;
	const struct tr_expr *exprs[TR_AGG_ARGS_MAX]; /* NULL: `*` */
	const struct tr_expr *filter;                 /* or NULL */
};

/* The column of the PROJECT below that holds `expr`; -1: too many. */
static int32_t projected_column(struct tr_aggregation *aggregation, const struct tr_expr *expr)
{
	/* Where there are several sets a key is NULL in some of them, but an argument is not. */
	for (uint32_t i = aggregation->set_count > 1 ? aggregation->key_count : 0; i < aggregation->projected_count;
	     i++) {
		if (i < aggregation->key_count && tr_type_is_nested(expr->type))
			continue; /* the key is packed */
		if (tr_expr_equals(aggregation->projected[i], expr))
			return (int32_t)i;
	}
	if (aggregation->projected_count == TR_BIND_COLUMNS_MAX)
		return -1;
	aggregation->projected[aggregation->projected_count] = expr;
	return (int32_t)aggregation->projected_count++;
}

static bool is_same(const struct tr_agg_call *a, const struct tr_agg_call *b)
{
	return a->agg == b->agg && a->arg_column == b->arg_column && a->filter_column == b->filter_column &&
	       a->is_distinct == b->is_distinct && a->more_count == b->more_count &&
	       memcmp(a->more_columns, b->more_columns, sizeof(a->more_columns)) == 0 && strcmp(a->text, b->text) == 0;
}

/* The number of an aggregate, new or met before; -1: too many. */
static int32_t add_aggregate(struct tr_aggregation *aggregation, const struct tr_agg_call *call)
{
	for (uint32_t i = 0; i < aggregation->agg_count; i++) {
		if (is_same(&aggregation->aggs[i], call))
			return (int32_t)i;
	}
	if (aggregation->agg_count == TR_BIND_AGGREGATES_MAX)
		return -1;
	aggregation->aggs[aggregation->agg_count] = *call;
	return (int32_t)aggregation->agg_count++;
}

static bool is_json(const struct tr_ast_expr *ast)
{
	const char *name = tr_catalog_name(&ast->call->name);

	return strncasecmp(name, "JSON_", 5) == 0 && tr_agg_exists(name);
}

/* Whether the call has a part that no aggregate takes; then it is reported. */
static bool has_refused_part(struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const struct tr_ast_call *call = ast->call;

	if (call->order_by.count > 0) {
		tr_diag_not_supported(binder->diags, ast->span, "ORDER BY in an aggregate");
		tr_diag_hint(binder->diags, "Flink accepts it and leaves the order of the rows as it is");
	} else if (call->within_group.count > 0) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "%s takes no WITHIN GROUP",
			      tr_catalog_name(&call->name));
	} else if (call->argument_names != NULL) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "the arguments of %s have no names",
			      tr_catalog_name(&call->name));
	} else if (strcasecmp(tr_catalog_name(&call->name), "COUNT") == 0 && ast->args.count > 1) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ast->span, "COUNT takes one argument, as in Flink");
		tr_diag_hint(binder->diags, "to count pairs: COUNT(DISTINCT CONCAT_WS('|', CAST(a AS STRING), ..))");
	} else if (is_json(ast) && (call->is_distinct || call->filter != NULL)) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span,
			      "%s takes neither DISTINCT nor FILTER, as in Flink", tr_catalog_name(&call->name));
	} else if (ast->args.count > TR_AGG_ARGS_MAX) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ast->span, "%s has too many arguments",
			      tr_catalog_name(&call->name));
	} else {
		return false;
	}
	return true;
}

/* An argument of an aggregate that makes JSON, as JSON. NULL: reported. */
static const struct tr_expr *bind_json_argument(struct tr_binder *binder, const struct tr_expr_scope *scope,
						const struct tr_ast_expr *ast, uint32_t number)
{
	const struct tr_ast_expr *arg = ast->args.items[number];
	const struct tr_expr *key;

	if (ast->args.count == 1 || number == 1)
		return tr_bind_json_text(binder, scope, arg);
	key = tr_bind_expr(binder, scope, arg);
	if (key == NULL)
		return NULL;
	if (!tr_type_is_text(key->type)) {
		tr_diag_error(binder->diags, TR_E_TYPE, arg->span, "a key of JSON_OBJECTAGG must be a text, it is %s",
			      tr_type_text(binder->arena, key->type));
		tr_diag_hint(binder->diags, "write CAST(... AS STRING) if that is meant");
		return NULL;
	}
	return tr_bind_json_text(binder, scope, arg);
}

/* Binds the arguments and the filter. False: reported. */
static bool bind_arguments(struct tr_binder *binder, const struct tr_relation *input, const struct tr_ast_expr *ast,
			   struct arguments *args)
{
	struct tr_expr_scope scope = {.relation = input, .clause = "an aggregate"};
	bool is_good = true;

	args->count = ast->args.count;
	for (uint32_t i = 0; i < args->count; i++) {
		if (ast->args.items[i]->kind == TR_AST_EXPR_STAR)
			continue;
		args->exprs[i] = is_json(ast) ? bind_json_argument(binder, &scope, ast, i)
					      : tr_bind_expr(binder, &scope, ast->args.items[i]);
		is_good = is_good && args->exprs[i] != NULL;
	}
	if (ast->call->filter == NULL)
		return is_good;
	scope.clause = "FILTER";
	args->filter = tr_bind_condition(binder, &scope, ast->call->filter);
	return is_good && args->filter != NULL;
}

/* Finds the overload. False: reported. */
static bool resolve(struct tr_binder *binder, const struct tr_aggregation *aggregation, const struct tr_ast_expr *ast,
		    const struct arguments *args, struct tr_agg_match *match)
{
	const struct tr_ast_call *call = ast->call;
	struct tr_agg_ask ask = {
		.name = tr_catalog_name(&call->name),
		.arg_count = args->count,
		.is_grouped = args->filter == NULL && (aggregation->key_count > 0 || !aggregation->is_whole),
		.is_distinct = call->is_distinct,
		.has_null_treatment = call->null_treatment != TR_AST_NULLS_DEFAULT,
		.skips_nulls = call->null_treatment == TR_AST_NULLS_IGNORE,
	};
	const struct tr_catalog_function *function = tr_user_function_find(binder->catalog, &call->name);
	const struct tr_place place = tr_script_text_place(binder->diags->text, ast->span.start);
	struct tr_status st = {0};
	tr_code code;

	ask.place = (struct tr_expr_place){place.line, place.column};
	if (is_json(ast)) {
		const enum tr_ast_json_null on_null =
			call->json != NULL ? call->json->on_null : TR_AST_JSON_ON_NULL_UNSAID;

		ask.skips_nulls = on_null == TR_AST_JSON_ABSENT_ON_NULL ||
				  (on_null == TR_AST_JSON_ON_NULL_UNSAID && args->count == 1);
	}
	for (uint32_t i = 0; i < args->count; i++) {
		if (args->exprs[i] == NULL)
			continue;
		ask.args[i] = tr_expr_fold(binder->arena, args->exprs[i]);
		ask.arg_types[i] = args->exprs[i]->type;
	}
	code = function != NULL ? tr_func_user_resolve_agg(binder->arena, function->user, &ask, match, &st)
				: tr_agg_resolve_call(binder->arena, &ask, match, &st);
	if (code == TR_OK)
		return true;
	tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ast->span, "%s", st.message);
	return false;
}

/* "LISTAGG(DISTINCT a, '-') FILTER (WHERE b)" */
static const char *text_of(struct tr_binder *binder, const struct tr_ast_expr *ast, const struct tr_agg_match *match,
			   const struct arguments *args, const struct tr_schema *schema)
{
	const char *text = tr_arena_printf(binder->arena, "%s(%s", tr_agg_name(match->agg),
					   ast->call->is_distinct ? "DISTINCT " : "");

	for (uint32_t i = 0; i < args->count; i++)
		text = tr_arena_printf(binder->arena, "%s%s%s", text, i > 0 ? ", " : "",
				       args->exprs[i] != NULL ? tr_expr_text_of(binder->arena, args->exprs[i], schema)
							      : "*");
	if (match->params->skips_nulls && is_json(ast))
		text = tr_arena_printf(binder->arena, "%s ABSENT ON NULL", text);
	if (ast->call->null_treatment == TR_AST_NULLS_IGNORE)
		text = tr_arena_printf(binder->arena, "%s IGNORE NULLS", text);
	if (args->filter == NULL)
		return tr_arena_printf(binder->arena, "%s)", text);
	return tr_arena_printf(binder->arena, "%s) FILTER (WHERE %s)", text,
			       tr_expr_text_of(binder->arena, args->filter, schema));
}

/* Whether the expression reads a column of a window that exists in name only: then the aggregation needs a table. */
static bool needs_table(struct tr_aggregation *aggregation, const struct tr_expr *expr)
{
	if (!tr_bind_reads_window(aggregation->input, expr))
		return false;
	aggregation->needs_table = true;
	return true;
}

/* The columns of the call. False: reported, a table is needed, or there are too many. */
static bool place_columns(struct tr_binder *binder, struct tr_aggregation *aggregation, const struct tr_ast_expr *ast,
			  const struct arguments *args, const struct tr_agg_match *match, struct tr_agg_call *call,
			  bool *is_full)
{
	for (uint32_t i = 0; i < match->arg_count; i++) {
		const struct tr_expr *arg = tr_bind_coerce(binder, args->exprs[match->args[i]], match->arg_types[i],
							   ast->args.items[match->args[i]]->span);
		int32_t column;

		if (arg == NULL || needs_table(aggregation, arg))
			return false;
		column = projected_column(aggregation, arg);
		*is_full |= column < 0;
		if (i == 0)
			call->arg_column = column;
		else
			call->more_columns[call->more_count++] = column;
	}
	if (tr_agg_is_ordered(match->agg))
		call->more_columns[call->more_count++] = -1;
	if (args->filter == NULL)
		return true;
	if (needs_table(aggregation, args->filter))
		return false;
	call->filter_column = projected_column(aggregation, args->filter);
	*is_full |= call->filter_column < 0;
	return true;
}

const struct tr_expr *tr_bind_aggregate(struct tr_binder *binder, const struct tr_expr_scope *scope,
					const struct tr_ast_expr *ast)
{
	struct tr_aggregation *aggregation = scope->aggregation;
	struct tr_agg_call call = {.arg_column = -1, .filter_column = -1, .is_distinct = ast->call->is_distinct};
	struct arguments args = {0};
	struct tr_agg_match match;
	bool is_full = false;
	int32_t number;

	if (has_refused_part(binder, ast) || !bind_arguments(binder, aggregation->input, ast, &args) ||
	    !resolve(binder, aggregation, ast, &args, &match) ||
	    !place_columns(binder, aggregation, ast, &args, &match, &call, &is_full))
		return NULL;
	call.agg = match.agg;
	call.type = match.type;
	call.params = match.params;
	call.text = text_of(binder, ast, &match, &args, aggregation->input->node->output);
	number = add_aggregate(aggregation, &call);
	if (number < 0 || is_full) {
		tr_diag_error(binder->diags, TR_E_LIMIT, ast->span, "more than %d aggregates", TR_BIND_AGGREGATES_MAX);
		return NULL;
	}
	return tr_expr_column(binder->arena, tr_bind_key_columns(aggregation) + (uint32_t)number, call.type);
}
