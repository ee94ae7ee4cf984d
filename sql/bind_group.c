/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding GROUP BY, aggregates and HAVING. See bind.h.
 *
 * The SELECT list is bound twice: the first time to meet all aggregates, the second time, when their number is known, to
 * make the expressions over the aggregation's output, whose columns are
 *
 *     keys..., aggregates..., window_start, window_end, window_time
 *
 * Below the aggregation a PROJECT computes the keys, the arguments, the filters and carries the time column. What is
 * equal to a key (as a bound expression) is that key; so `GROUP BY UPPER(a)` allows `UPPER(a)` in the list.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/type.h"
#include "sql/bind.h"
#include "sql/user_function.h"

static bool select_has_aggregate(const struct tr_binder *binder, const struct tr_ast_exprs *exprs)
{
	for (uint32_t i = 0; i < exprs->count; i++) {
		if (tr_bind_has_aggregate(binder, exprs->items[i]))
			return true;
	}
	return false;
}

static bool is_aggregate_call(const struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const struct tr_catalog_function *function;

	if (ast->kind != TR_AST_EXPR_CALL || ast->call->over != NULL)
		return false;
	function = tr_user_function_find(binder->catalog, &ast->call->name);
	if (function != NULL)
		return function->user != NULL && function->user->kind == TR_USER_AGGREGATE;
	return tr_agg_exists(tr_catalog_name(&ast->call->name));
}

bool tr_bind_has_aggregate(const struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	if (ast == NULL)
		return false;
	if (is_aggregate_call(binder, ast) || select_has_aggregate(binder, &ast->args))
		return true;
	if (ast->kind == TR_AST_EXPR_FIELD)
		return tr_bind_has_aggregate(binder, ast->field.base);
	if (ast->kind != TR_AST_EXPR_CASE)
		return false;
	for (uint32_t i = 0; i < ast->case_.when_count; i++) {
		if (tr_bind_has_aggregate(binder, ast->case_.whens[i].condition) ||
		    tr_bind_has_aggregate(binder, ast->case_.whens[i].result))
			return true;
	}
	return tr_bind_has_aggregate(binder, ast->case_.operand) || tr_bind_has_aggregate(binder, ast->case_.otherwise);
}

bool tr_bind_is_grouped(const struct tr_binder *binder, const struct tr_ast_select *select)
{
	if (select->has_group_by || select->having != NULL)
		return true;
	for (uint32_t i = 0; i < select->item_count; i++) {
		if (tr_bind_has_aggregate(binder, select->items[i].expr))
			return true;
	}
	return false;
}

/* ---- expressions after GROUP BY ---- */

/* Binds over the aggregation's input without reporting. */
static const struct tr_expr *bind_silently(struct tr_binder *binder, const struct tr_aggregation *aggregation,
					   const struct tr_ast_expr *ast)
{
	struct tr_expr_scope scope = {.relation = aggregation->input, .clause = "GROUP BY"};
	struct tr_diags *loud = binder->diags, silent;
	const struct tr_expr *expr;

	tr_diags_init(&silent, binder->arena, loud->text);
	binder->diags = &silent;
	expr = tr_bind_expr(binder, &scope, ast);
	binder->diags = loud;
	return expr;
}

const struct tr_expr *tr_bind_grouped(struct tr_binder *binder, const struct tr_expr_scope *scope,
				      const struct tr_ast_expr *ast, bool *is_reported)
{
	struct tr_aggregation *aggregation = scope->aggregation;
	const struct tr_relation *input = aggregation->input;
	uint32_t base = input->node->output->column_count;
	const struct tr_expr *expr;

	*is_reported = false;
	if (input->has_group_window && tr_bind_is_window_property(ast)) {
		expr = tr_bind_window_property(binder, aggregation, ast);
		*is_reported = expr == NULL;
		return expr;
	}
	if (tr_bind_is_grouping(ast)) {
		expr = tr_bind_grouping(binder, aggregation, ast);
		*is_reported = expr == NULL;
		return expr;
	}
	if (is_aggregate_call(binder, ast)) {
		expr = tr_bind_aggregate(binder, scope, ast);
		*is_reported = expr == NULL;
		return expr;
	}
	if (ast->kind == TR_AST_EXPR_LITERAL || tr_bind_has_aggregate(binder, ast))
		return NULL;
	expr = bind_silently(binder, aggregation, ast);
	if (expr == NULL)
		return NULL;
	if (input->has_window && expr->kind == TR_EXPR_COLUMN && expr->column >= base)
		return tr_expr_column(binder->arena,
				      tr_bind_key_columns(aggregation) + aggregation->agg_count + expr->column - base,
				      expr->type);
	for (uint32_t i = 0; i < aggregation->key_count; i++) {
		if (tr_expr_equals(aggregation->keys[i], expr))
			return tr_expr_column(binder->arena, i, tr_bind_key_type(binder, aggregation, i));
	}
	return NULL;
}

/* ---- GROUP BY ---- */

/* Whether all sets have the start and the end of the windows that are attached to the rows. */
static bool has_attached(const struct tr_aggregation *aggregation)
{
	bool has_start = false, has_end = false;

	for (uint32_t i = 0; i < aggregation->key_count; i++) {
		const enum tr_column_role role = tr_bind_role(aggregation->input, aggregation->keys[i]);

		if (!tr_bind_is_common_key(aggregation, i))
			continue;
		has_start = has_start || role == TR_ROLE_ATTACHED_START;
		has_end = has_end || role == TR_ROLE_ATTACHED_END;
	}
	return has_start && has_end;
}

/* Finds keys and sets, and by which windows the aggregation is. False: reported. */
static bool bind_keys(struct tr_binder *binder, const struct tr_ast_select *select, struct tr_aggregation *aggregation)
{
	const struct tr_relation *input = aggregation->input;
	bool has_window;

	if (!tr_bind_sets(binder, select, aggregation, &has_window))
		return false;
	aggregation->projected_count = aggregation->key_count;
	if (input->has_window && has_window)
		return input->has_group_window || binder->is_batch ||
		       tr_bind_window_check(binder, &input->window, select->group_span);
	aggregation->is_attached = !input->has_window && has_attached(aggregation);
	if (aggregation->is_attached)
		return true;
	aggregation->is_whole = binder->is_batch && !input->has_window;
	if (aggregation->is_whole)
		return true;
	if (binder->is_batch && input->window.kind != TR_WINDOW_SESSION && !input->window.is_processing_time) {
		aggregation->needs_table = true;
		return false;
	}
	if (input->has_window) {
		tr_diag_error(binder->diags, TR_E_WINDOW,
			      select->has_group_by ? select->group_span : select->from->span,
			      "a window is aggregated by GROUP BY window_start, window_end");
		return false;
	}
	tr_diag_not_supported(binder->diags, select->has_group_by ? select->group_span : select->items[0].expr->span,
			      "aggregation without a window in streaming mode");
	tr_diag_hint(binder->diags, "FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(time_column), INTERVAL '10' SECOND)) ... "
				    "GROUP BY window_start, window_end; or, if all input ends, "
				    "SET 'execution.runtime-mode' = 'batch'");
	return false;
}

/* SESSION partitions by its own keys; they must be the keys of the grouping. */
static bool check_partitions(struct tr_binder *binder, const struct tr_aggregation *aggregation, struct tr_span span)
{
	const struct tr_relation *input = aggregation->input;
	uint32_t found = 0;

	if (input->window.kind != TR_WINDOW_SESSION || input->has_group_window)
		return true;
	if (aggregation->set_count > 1) {
		tr_diag_not_supported(binder->diags, span, "GROUPING SETS, ROLLUP and CUBE over SESSION windows");
		return false;
	}
	for (uint32_t i = 0; i < input->partition_count; i++) {
		for (uint32_t k = 0; k < aggregation->key_count; k++)
			found += aggregation->keys[k]->kind == TR_EXPR_COLUMN &&
				 aggregation->keys[k]->column == input->partitions[i];
	}
	if (found == input->partition_count && found == aggregation->key_count)
		return true;
	tr_diag_not_supported(binder->diags, span,
			      "SESSION windows that are grouped by other keys than their "
			      "PARTITION BY");
	tr_diag_hint(binder->diags, "SESSION(TABLE t PARTITION BY k, ...) with GROUP BY window_start, window_end, k");
	return false;
}

const struct tr_expr *tr_bind_attached_time(struct tr_binder *binder, const struct tr_expr *end, bool is_local,
					    struct tr_span span)
{
	const struct tr_expr *args[2] = {end, tr_expr_i64(binder->arena, tr_type_of(TR_TYPE_INTERVAL_MS), 1)};
	const struct tr_expr *time = tr_bind_function(binder, "-", args, 2, span);

	TR_ASSERT(time != NULL);
	if (is_local)
		time = tr_expr_cast(binder->arena, time,
				    tr_type_with_precision(binder->arena, TR_TYPE_TIMESTAMP_LTZ, 3), false);
	return time;
}

struct tr_window_spec tr_bind_attached_window(struct tr_binder *binder, bool is_local)
{
	return (struct tr_window_spec){.kind = TR_WINDOW_TUMBLE,
				       .size_ms = 1,
				       .is_attached = true,
				       .is_local_time = is_local,
				       .time_zone = binder->time_zone};
}

/* The end of the attached window among the keys. */
static const struct tr_expr *attached_end(const struct tr_aggregation *aggregation)
{
	for (uint32_t i = 0; i < aggregation->key_count; i++) {
		if (tr_bind_role(aggregation->input, aggregation->keys[i]) == TR_ROLE_ATTACHED_END)
			return aggregation->keys[i];
	}
	TR_UNREACHABLE();
}

struct tr_window_spec tr_bind_whole_window(struct tr_binder *binder)
{
	return (struct tr_window_spec){.kind = TR_WINDOW_TUMBLE,
				       .is_whole = true,
				       .size_ms = TR_WINDOW_WHOLE_MS,
				       .time_zone = binder->time_zone,
				       .time_column = -1};
}

/* The window that the aggregation is over, and the expression of its time; NULL: processing time. */
static const struct tr_expr *window_of(struct tr_binder *binder, const struct tr_aggregation *aggregation,
				       struct tr_span span, struct tr_window_spec *window)
{
	const struct tr_relation *input = aggregation->input;

	*window = input->window;
	if (aggregation->is_whole) {
		*window = tr_bind_whole_window(binder);
		return NULL;
	}
	if (aggregation->is_attached) {
		*window = tr_bind_attached_window(binder, input->has_local_windows);
		return tr_bind_attached_time(binder, attached_end(aggregation), input->has_local_windows, span);
	}
	if (window->time_column < 0)
		return NULL;
	return tr_expr_column(binder->arena, (uint32_t)window->time_column,
			      input->node->output->types[window->time_column]);
}

/* What is known of the aggregation's columns: those of its windows have a role. */
static void note_window_columns(struct tr_binder *binder, const struct tr_aggregation *aggregation,
				struct tr_relation *result)
{
	const struct tr_relation *input = aggregation->input;
	const struct tr_schema *schema = result->node->output;
	bool is_attached = aggregation->is_attached, is_processing = !is_attached && input->window.is_processing_time;
	uint32_t first = is_attached ? 0 : schema->column_count - 3;

	if (aggregation->is_whole)
		return;
	result->has_local_windows = is_attached ? input->has_local_windows : input->window.is_local_time;
	result->column_count = is_attached ? aggregation->key_count : 3;
	result->columns = TR_NEW_ARRAY(binder->arena, result->column_count + 1, struct tr_bound_column);
	for (uint32_t i = 0; i < result->column_count; i++) {
		struct tr_bound_column *column = &result->columns[i];

		*column = (struct tr_bound_column){
			.name = schema->names[first + i], .type = schema->types[first + i], .index = first + i};
		if (is_attached)
			column->role = tr_bind_role(input, aggregation->keys[i]);
		else if (input->has_group_window)
			column->role = i < 2 ? TR_ROLE_NONE : is_processing ? TR_ROLE_PROCTIME : TR_ROLE_ROWTIME;
		else if (!is_processing)
			column->role = (enum tr_column_role)(TR_ROLE_ATTACHED_START + i);
		else if (i == 2)
			column->role = TR_ROLE_PROCTIME;
		if (is_attached && (column->role < TR_ROLE_ATTACHED_START || column->role > TR_ROLE_ATTACHED_TIME))
			column->role = TR_ROLE_NONE;
	}
}

/* A PROJECT over the aggregation with the keys as they were: those of nested types are packed into bytes below it. */
static const struct tr_node *unpack_keys(struct tr_binder *binder, const struct tr_aggregation *aggregation,
					 const struct tr_node *node)
{
	const struct tr_schema *packed = node->output;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, packed->column_count + 1, const struct tr_expr *);
	struct tr_node *result = tr_plan_node(binder->arena, TR_NODE_PROJECT, &node, 1);

	for (uint32_t i = 0; i < packed->column_count; i++) {
		exprs[i] = tr_expr_column(binder->arena, i, packed->types[i]);
		if (i < aggregation->key_count && tr_type_is_nested(aggregation->keys[i]->type))
			exprs[i] = tr_expr_unpack(binder->arena, exprs[i], tr_bind_key_type(binder, aggregation, i));
	}
	result->project.exprs = exprs;
	result->output = tr_bind_schema_new(binder, packed->column_count, exprs, packed->names);
	return result;
}

/* PROJECT [keys, arguments, filters, time] and the WINDOW_AGGREGATE over it. */
static struct tr_relation *make_aggregate(struct tr_binder *binder, const struct tr_aggregation *aggregation,
					  struct tr_span span)
{
	const struct tr_relation *input = aggregation->input;
	uint32_t count = aggregation->projected_count, keys = tr_bind_key_columns(aggregation);
	const char **names = TR_NEW_ARRAY(binder->arena, count + 2, const char *);
	const struct tr_expr **projected = TR_NEW_ARRAY(binder->arena, count + 2, const struct tr_expr *);
	uint32_t results = keys + aggregation->agg_count, width = results + (aggregation->is_whole ? 0 : 3);
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, width + 1, const struct tr_type *);
	const char **out_names = TR_NEW_ARRAY(binder->arena, width + 1, const char *);
	uint32_t *key_columns = TR_NEW_ARRAY(binder->arena, keys + 1, uint32_t);
	struct tr_relation *result = TR_NEW(binder->arena, struct tr_relation);
	const struct tr_node *below;
	struct tr_window_spec window;
	bool is_packed = false;
	const struct tr_expr *time = window_of(binder, aggregation, span, &window);
	struct tr_node *node;

	for (uint32_t i = 0; i < count; i++) {
		projected[i] = aggregation->projected[i];
		if (i < aggregation->key_count && tr_type_is_nested(projected[i]->type)) {
			is_packed = true;
			projected[i] = tr_expr_pack(binder->arena, projected[i]);
		}
		names[i] = projected[i]->kind == TR_EXPR_COLUMN ? input->node->output->names[projected[i]->column]
								: tr_arena_printf(binder->arena, "$f%u", i);
	}
	if (time != NULL) {
		window.time_column = (int32_t)count;
		projected[count] = time;
		names[count++] = time->kind == TR_EXPR_COLUMN ? input->node->output->names[time->column] : "$time";
	}
	if (count == 0) { /* COUNT(*): rows need a column */
		projected[count] = tr_expr_i64(binder->arena, tr_type_of(TR_TYPE_INT), 0);
		names[count++] = "$zero";
	}
	below = tr_bind_project(binder, input, count, projected, names)->node;
	if (aggregation->set_count > 1)
		below = tr_bind_expand(binder, aggregation, below);
	node = tr_plan_node(binder->arena, TR_NODE_WINDOW_AGGREGATE, &below, 1);
	node->window.window = window;
	node->window.keys = key_columns;
	node->window.key_count = keys;
	node->window.aggs = aggregation->aggs;
	node->window.agg_count = aggregation->agg_count;
	node->window.phase = TR_PHASE_SINGLE;
	node->window.use_general = strcasecmp(tr_config_text(binder->config, "engine.window-operator"), "general") == 0;
	for (uint32_t i = 0; i < width; i++) {
		if (i < keys) {
			key_columns[i] = i < aggregation->key_count ? i : count; /* the one that EXPAND adds */
			types[i] = below->output->types[key_columns[i]];
			out_names[i] = below->output->names[key_columns[i]];
		} else if (i < results) {
			types[i] = aggregation->aggs[i - keys].type;
			out_names[i] = aggregation->aggs[i - keys].text;
		} else {
			types[i] = tr_bind_window_column_type(binder, &window, i - results);
			out_names[i] = tr_window_column_names[i - results];
		}
	}
	*schema = (struct tr_schema){.column_count = width, .names = out_names, .types = types};
	node->output = schema;
	result->node = node;
	result->is_bounded = input->is_bounded;
	note_window_columns(binder, aggregation, result);
	if (is_packed)
		result->node = unpack_keys(binder, aggregation, node);
	return result;
}

/* ---- SELECT ---- */

static bool bind_items(struct tr_binder *binder, const struct tr_ast_select *select, const struct tr_ast_order *order,
		       struct tr_aggregation *aggregation, struct tr_overs *overs, struct tr_select_list *list,
		       const struct tr_expr **having, const struct tr_expr **qualify)
{
	struct tr_expr_scope scope = {
		.relation = aggregation->input, .aggregation = aggregation, .overs = overs, .clause = "SELECT"};
	bool is_good = true;

	list->count = select->item_count;
	for (uint32_t i = 0; i < select->item_count; i++) {
		const struct tr_ast_select_item *item = &select->items[i];

		if (item->expr->kind == TR_AST_EXPR_STAR) {
			tr_diag_error(binder->diags, TR_E_GROUPING, item->expr->span, "'*' can't be used with GROUP BY");
			is_good = false;
			continue;
		}
		list->exprs[i] = tr_bind_expr(binder, &scope, item->expr);
		list->names[i] = tr_bind_item_name(binder, item, i);
		is_good = is_good && list->exprs[i] != NULL;
	}
	if (select->qualify != NULL) {
		*qualify = tr_bind_qualify(binder, &scope, select);
		is_good = is_good && *qualify != NULL;
	}
	if (select->having != NULL) {
		scope.overs = NULL;
		scope.clause = "HAVING";
		*having = tr_bind_condition(binder, &scope, select->having);
		is_good = is_good && *having != NULL;
	}
	return is_good && tr_bind_order_items(binder, &scope, order, list);
}

const struct tr_relation *tr_bind_grouped_select(struct tr_binder *binder, const struct tr_ast_select *select,
						 const struct tr_ast_order *order, struct tr_span span,
						 const struct tr_relation *input, struct tr_select_list *list)
{
	struct tr_aggregation aggregation = {.input = input};
	struct tr_overs *overs = TR_NEW(binder->arena, struct tr_overs);
	const struct tr_expr *having = NULL, *qualify = NULL;
	const struct tr_relation *result;

	overs->select = select;
	input = tr_bind_group_window(binder, select, input);
	if (input == NULL)
		return NULL;
	aggregation.input = input;
	list->exprs = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const struct tr_expr *);
	list->names = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const char *);
	aggregation.keys = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const struct tr_expr *);
	aggregation.projected = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const struct tr_expr *);
	aggregation.aggs = TR_NEW_ARRAY(binder->arena, TR_BIND_AGGREGATES_MAX, struct tr_agg_call);
	if (!bind_keys(binder, select, &aggregation) ||
	    !check_partitions(binder, &aggregation, select->has_group_by ? select->group_span : span) ||
	    !bind_items(binder, select, order, &aggregation, overs, list, &having, &qualify) ||
	    !bind_items(binder, select, order, &aggregation, overs, list, &having, &qualify)) {
		if (!aggregation.needs_table)
			return NULL;
		input = tr_bind_window_table(binder, input, span);
		return input != NULL ? tr_bind_grouped_select(binder, select, order, span, input, list) : NULL;
	}
	result = make_aggregate(binder, &aggregation, span);
	if (having != NULL)
		result = tr_bind_filter(binder, result, having);
	result = tr_bind_overs(binder, result, overs);
	if (result != NULL && qualify != NULL)
		result = tr_bind_filter(binder, result, qualify);
	return result == NULL ? NULL : tr_bind_project(binder, result, list->count, list->exprs, list->names);
}

const struct tr_relation *tr_bind_distinct(struct tr_binder *binder, const struct tr_relation *relation,
					   struct tr_span span)
{
	struct tr_aggregation aggregation = {.is_whole = binder->is_batch};
	bool has_start = false, has_end = false;
	const struct tr_expr **columns;
	const char **names;

	relation = tr_bind_window_columns(binder, relation, span);
	if (relation == NULL)
		return NULL;
	columns = TR_NEW_ARRAY(binder->arena, relation->column_count + 1, const struct tr_expr *);
	names = TR_NEW_ARRAY(binder->arena, relation->column_count + 1, const char *);
	for (uint32_t i = 0; i < relation->column_count; i++) {
		const struct tr_bound_column *column = &relation->columns[i];

		if (column->type->phys == TR_PHYS_NONE) {
			tr_diag_not_supported(binder->diags, span, "SELECT DISTINCT of %s",
					      tr_type_text(binder->arena, column->type));
			return NULL;
		}
		columns[i] = tr_expr_column(binder->arena, column->index, column->type);
		names[i] = column->name;
		has_start = has_start || column->role == TR_ROLE_ATTACHED_START;
		has_end = has_end || column->role == TR_ROLE_ATTACHED_END;
	}
	aggregation.is_attached = !binder->is_batch && has_start && has_end;
	if (!aggregation.is_attached && !aggregation.is_whole) {
		tr_diag_not_supported(binder->diags, span,
				      "SELECT DISTINCT in streaming mode without window_start and "
				      "window_end");
		tr_diag_hint(binder->diags, "if all input ends, SET 'execution.runtime-mode' = 'batch'");
		return NULL;
	}
	aggregation.input = relation;
	aggregation.keys = aggregation.projected = columns;
	aggregation.key_count = aggregation.projected_count = relation->column_count;
	relation = make_aggregate(binder, &aggregation, span);
	for (uint32_t i = 0; i < aggregation.key_count; i++)
		columns[i] = tr_expr_column(binder->arena, i, columns[i]->type);
	return tr_bind_project(binder, relation, aggregation.key_count, columns, names);
}
