/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding queries: relations, WHERE, SELECT without grouping, and what stands around a query. See bind.h.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "sql/bind.h"

/* ---- relations ---- */

struct tr_relation *tr_bind_relation_new(struct tr_binder *binder, const struct tr_node *node, uint32_t column_count)
{
	struct tr_relation *relation = TR_NEW(binder->arena, struct tr_relation);

	relation->node = node;
	relation->column_count = column_count;
	relation->columns = TR_NEW_ARRAY(binder->arena, column_count + 1, struct tr_bound_column);
	return relation;
}

struct tr_schema *tr_bind_schema_new(struct tr_binder *binder, uint32_t count, const struct tr_expr *const *exprs,
				     const char *const *names)
{
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_type *);
	const char **copies = TR_NEW_ARRAY(binder->arena, count + 1, const char *);

	for (uint32_t i = 0; i < count; i++) {
		types[i] = exprs[i]->type;
		copies[i] = names[i];
	}
	*schema = (struct tr_schema){.column_count = count, .names = copies, .types = types};
	return schema;
}

static const struct tr_expr *const *copy_exprs(struct tr_binder *binder, const struct tr_expr *const *exprs,
					       uint32_t count)
{
	const struct tr_expr **copy = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_expr *);

	if (count > 0)
		memcpy(copy, exprs, count * sizeof(*copy));
	return copy;
}

enum tr_column_role tr_bind_role(const struct tr_relation *relation, const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_CALL && strcmp(tr_func_name(expr->func), "PROCTIME") == 0)
		return TR_ROLE_PROCTIME;
	if (expr->kind != TR_EXPR_COLUMN || relation == NULL)
		return TR_ROLE_NONE;
	for (uint32_t i = 0; i < relation->column_count; i++) {
		if (relation->columns[i].index == expr->column)
			return relation->columns[i].role;
	}
	return TR_ROLE_NONE;
}

bool tr_bind_reads_window(const struct tr_relation *relation, const struct tr_expr *expr)
{
	if (!relation->has_window)
		return false;
	if (expr->kind == TR_EXPR_COLUMN)
		return expr->column >= relation->node->output->column_count;
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		if (tr_bind_reads_window(relation, expr->args[i]))
			return true;
	}
	return false;
}

struct tr_relation *tr_bind_project(struct tr_binder *binder, const struct tr_relation *relation, uint32_t count,
				    const struct tr_expr *const *exprs, const char *const *names)
{
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_PROJECT, &relation->node, 1);
	struct tr_relation *result = tr_bind_relation_new(binder, node, count);

	node->output = tr_bind_schema_new(binder, count, exprs, names);
	node->project.exprs = copy_exprs(binder, exprs, count);
	for (uint32_t i = 0; i < count; i++) {
		result->columns[i] = (struct tr_bound_column){
			.name = names[i], .type = exprs[i]->type, .role = tr_bind_role(relation, exprs[i]), .index = i};
	}
	result->is_bounded = relation->is_bounded;
	result->has_local_windows = relation->has_local_windows;
	return result;
}

/* ---- SELECT ---- */

const struct tr_relation *tr_bind_filter(struct tr_binder *binder, const struct tr_relation *relation,
					 const struct tr_expr *condition)
{
	struct tr_relation *result = TR_NEW(binder->arena, struct tr_relation);
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_FILTER, &relation->node, 1);

	node->filter.condition = condition;
	node->output = relation->node->output;
	*result = *relation;
	result->node = node;
	return result;
}

/* The terms of an AND that read a window column (or those that don't), as one condition; NULL: there are none. */
static const struct tr_expr *terms(struct tr_binder *binder, const struct tr_relation *relation,
				   const struct tr_expr *condition, bool reads_window, struct tr_span span)
{
	const struct tr_expr *both[2];

	if (condition->kind != TR_EXPR_CALL || strcmp(tr_func_name(condition->func), "AND") != 0)
		return tr_bind_reads_window(relation, condition) == reads_window ? condition : NULL;
	both[0] = terms(binder, relation, condition->args[0], reads_window, span);
	both[1] = terms(binder, relation, condition->args[1], reads_window, span);
	if (both[0] == NULL || both[1] == NULL)
		return both[0] != NULL ? both[0] : both[1];
	return tr_bind_function(binder, "AND", both, 2, span);
}

/* The rows before their windows are known of which a condition holds. */
static const struct tr_relation *filter_rows(struct tr_binder *binder, const struct tr_relation *relation,
					     const struct tr_expr *condition, struct tr_span span)
{
	const struct tr_expr *const both[2] = {relation->where, condition};
	struct tr_relation *result = TR_NEW(binder->arena, struct tr_relation);

	*result = *tr_bind_filter(binder, relation, condition);
	if (!relation->has_window || relation->window.kind != TR_WINDOW_SESSION)
		return result;
	if (relation->before_where == NULL)
		result->before_where = relation;
	result->where = relation->where == NULL ? condition : tr_bind_function(binder, "AND", both, 2, span);
	return result;
}

static const struct tr_relation *bind_where(struct tr_binder *binder, const struct tr_relation *relation,
					    const struct tr_ast_expr *where)
{
	struct tr_expr_scope scope = {.relation = relation, .clause = "WHERE"};
	const struct tr_expr *condition = tr_bind_condition(binder, &scope, where);
	const struct tr_expr *above;

	if (condition == NULL)
		return NULL;
	if (!tr_bind_reads_window(relation, condition))
		return filter_rows(binder, relation, condition, where->span);
	above = terms(binder, relation, condition, true, where->span);
	condition = terms(binder, relation, condition, false, where->span);
	if (condition != NULL)
		relation = filter_rows(binder, relation, condition, where->span);
	relation = tr_bind_window_table(binder, relation, where->span);
	return relation != NULL ? tr_bind_filter(binder, relation, above) : NULL;
}

/* The fields that `row.*` stands for; 0: there is no such row. */
static uint32_t expand_row(struct tr_binder *binder, const struct tr_relation *relation, const struct tr_ast_path *path,
			   const struct tr_expr **out, const char **names, uint32_t room)
{
	struct tr_expr_scope scope = {.relation = relation, .clause = "SELECT"};
	struct tr_ast_expr column = {.kind = TR_AST_EXPR_COLUMN, .span = path->span, .path = *path};
	struct tr_diags *loud = binder->diags, silent;
	const struct tr_expr *row;

	tr_diags_init(&silent, binder->arena, loud->text);
	binder->diags = &silent;
	row = tr_bind_expr(binder, &scope, &column);
	binder->diags = loud;
	if (row == NULL || row->type->id != TR_TYPE_ROW || row->type->child_count > room)
		return 0;
	for (uint32_t i = 0; i < row->type->child_count; i++) {
		out[i] = tr_expr_field(binder->arena, row, i);
		names[i] = row->type->names[i];
	}
	return row->type->child_count;
}

/* The columns that a `*` or `t.*` stands for. Returns how many were written to `out`. */
static uint32_t expand_star(struct tr_binder *binder, const struct tr_relation *relation,
			    const struct tr_ast_expr *star, const struct tr_expr **out, const char **names,
			    uint32_t room)
{
	const struct tr_ast_path *qualifier = star->star.qualifier;
	uint32_t count = 0;

	for (uint32_t i = 0; i < relation->column_count && count < room; i++) {
		const struct tr_bound_column *column = &relation->columns[i];

		if (qualifier != NULL &&
		    (column->qualifier == NULL || strcmp(column->qualifier, tr_catalog_name(qualifier)) != 0))
			continue;
		out[count] = tr_expr_column(binder->arena, column->index, column->type);
		names[count++] = column->name;
	}
	if (count == 0 && qualifier != NULL)
		count = expand_row(binder, relation, qualifier, out, names, room);
	if (count == 0)
		tr_diag_error(binder->diags, TR_E_NO_TABLE, star->span, "no table or row '%s' in this FROM",
			      qualifier != NULL ? tr_catalog_name(qualifier) : "*");
	return count;
}

/* Window columns of a relation whose windows are not aggregated yet are passed on as they are, the rest becomes a PROJECT
 * below them. An expression that reads them asks for the window table. */
static const struct tr_relation *project_below_window(struct tr_binder *binder, const struct tr_relation *relation,
						      uint32_t count, const struct tr_expr *const *exprs,
						      const char *const *names, struct tr_span span)
{
	const struct tr_expr **kept =
		TR_NEW_ARRAY(binder->arena, count + relation->partition_count + 3, const struct tr_expr *);
	const char **kept_names = TR_NEW_ARRAY(binder->arena, count + relation->partition_count + 3, const char *);
	uint32_t base_columns = relation->node->output->column_count, kept_count = 0, time_at = 0;
	uint32_t *partitions = TR_NEW_ARRAY(binder->arena, relation->partition_count + 1, uint32_t);
	const struct tr_expr *where = NULL;
	struct tr_relation *result, *view;

	for (uint32_t i = 0; i < count; i++) {
		if (exprs[i]->kind == TR_EXPR_COLUMN && exprs[i]->column >= base_columns)
			continue;
		if (tr_bind_reads_window(relation, exprs[i])) {
			relation = tr_bind_window_table(binder, relation, span);
			return relation != NULL ? tr_bind_project(binder, relation, count, exprs, names) : NULL;
		}
		kept[kept_count] = exprs[i];
		kept_names[kept_count++] = names[i];
	}
	/* The time column and the partition keys travel along, whether they are named or not. */
	if (relation->window.time_column >= 0) {
		uint32_t time_column = (uint32_t)relation->window.time_column;

		time_at = kept_count;
		kept[kept_count] =
			tr_expr_column(binder->arena, time_column, relation->node->output->types[time_column]);
		kept_names[kept_count++] = "$time";
	}
	for (uint32_t i = 0; i < relation->partition_count; i++) {
		partitions[i] = 0;
		while (partitions[i] < kept_count && !(kept[partitions[i]]->kind == TR_EXPR_COLUMN &&
						       kept[partitions[i]]->column == relation->partitions[i]))
			partitions[i]++;
		if (partitions[i] < kept_count)
			continue;
		kept[kept_count] = tr_expr_column(binder->arena, relation->partitions[i],
						  relation->node->output->types[relation->partitions[i]]);
		kept_names[kept_count++] = "$partition";
	}
	if (relation->before_where != NULL) {
		where = tr_expr_column(binder->arena, kept_count, relation->where->type);
		kept[kept_count] = relation->where;
		kept_names[kept_count++] = "$where";
		relation = relation->before_where;
	}
	view = tr_bind_project(binder, relation, kept_count, kept, kept_names);
	result = tr_bind_relation_new(binder, view->node, count);
	result->is_bounded = relation->is_bounded;
	result->has_window = true;
	result->window = relation->window;
	result->partition_count = relation->partition_count;
	result->partitions = partitions;
	if (relation->window.time_column >= 0)
		result->window.time_column = (int32_t)time_at;
	for (uint32_t i = 0, at = 0; i < count; i++) {
		struct tr_bound_column *column = &result->columns[i];

		column->name = names[i];
		column->type = exprs[i]->type;
		column->role = tr_bind_role(relation, exprs[i]);
		if (exprs[i]->kind == TR_EXPR_COLUMN && exprs[i]->column >= base_columns)
			column->index = kept_count + (exprs[i]->column - base_columns);
		else
			column->index = at++;
	}
	return where != NULL ? filter_rows(binder, result, where, span) : result;
}

static const struct tr_relation *bind_plain_select(struct tr_binder *binder, const struct tr_ast_select *select,
						   const struct tr_ast_order *order, const struct tr_relation *relation,
						   struct tr_span span, struct tr_select_list *list)
{
	struct tr_overs *overs = TR_NEW(binder->arena, struct tr_overs);
	struct tr_expr_scope scope = {.relation = relation, .overs = overs, .clause = "SELECT"};
	const struct tr_expr *qualify = NULL;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const char *);
	uint32_t count = 0;
	bool is_good = true;

	overs->select = select;
	for (uint32_t i = 0; i < select->item_count; i++) {
		const struct tr_ast_select_item *item = &select->items[i];
		uint32_t added = 1;

		if (count == TR_BIND_COLUMNS_MAX) {
			tr_diag_error(binder->diags, TR_E_LIMIT, item->expr->span, "more than %d columns",
				      TR_BIND_COLUMNS_MAX);
			return NULL;
		}
		if (item->expr->kind == TR_AST_EXPR_STAR) {
			added = relation->node == NULL ? 0
						       : expand_star(binder, relation, item->expr, exprs + count,
								     names + count, TR_BIND_COLUMNS_MAX - count);
			is_good = is_good && added > 0;
			count += added;
			continue;
		}
		exprs[count] = tr_bind_expr(binder, &scope, item->expr);
		names[count] = tr_bind_item_name(binder, item, i);
		is_good = is_good && exprs[count] != NULL;
		count++;
	}
	if (select->qualify != NULL) {
		qualify = tr_bind_qualify(binder, &scope, select);
		is_good = is_good && qualify != NULL;
	}
	*list = (struct tr_select_list){.exprs = exprs, .names = names, .count = count};
	is_good = is_good && tr_bind_order_items(binder, &scope, order, list);
	if (is_good && overs->count > 0) {
		relation = tr_bind_overs(binder, relation, overs);
		is_good = relation != NULL;
	}
	if (!is_good)
		return NULL;
	if (qualify != NULL)
		relation = tr_bind_filter(binder, relation, qualify);
	if (!relation->has_window)
		return tr_bind_project(binder, relation, list->count, exprs, names);
	relation = project_below_window(binder, relation, list->count, exprs, names, span);
	return relation != NULL && order->count > 0 ? tr_bind_window_columns(binder, relation, span) : relation;
}

const char *tr_bind_item_name(struct tr_binder *binder, const struct tr_ast_select_item *item, uint32_t index)
{
	if (item->alias != NULL)
		return item->alias->text;
	if (item->expr->kind == TR_AST_EXPR_COLUMN)
		return tr_catalog_name(&item->expr->path);
	if (item->expr->kind == TR_AST_EXPR_FIELD)
		return item->expr->field.name.text;
	return tr_arena_printf(binder->arena, "EXPR$%u", index);
}

/* SELECT without FROM: one row of nothing. */
const struct tr_relation *tr_bind_one_row(struct tr_binder *binder)
{
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_VALUES, NULL, 0);
	const struct tr_expr **zero = TR_NEW_ARRAY(binder->arena, 1, const struct tr_expr *);
	static const char *const names[] = {"$zero"};
	struct tr_relation *relation;

	zero[0] = tr_expr_i64(binder->arena, tr_type_of(TR_TYPE_INT), 0);
	node->values.exprs = zero;
	node->values.row_count = 1;
	node->output = tr_bind_schema_new(binder, 1, zero, names);
	relation = tr_bind_relation_new(binder, node, 0);
	relation->is_bounded = true;
	return relation;
}

/* Hints behind SELECT are for joins, and for state that lives long: there is neither. False: reported. */
static bool check_hints(struct tr_binder *binder, const struct tr_ast_hints *hints)
{
	for (uint32_t i = 0; i < hints->count; i++) {
		const struct tr_ast_hint *hint = &hints->items[i];

		if (strcasecmp(hint->name.text, "OPTIONS") != 0 && strcasecmp(hint->name.text, "STATE_TTL") != 0) {
			tr_diag_not_supported(binder->diags, hint->span, "the hint %s", hint->name.text);
			return false;
		}
		tr_diag_warning(binder->diags, "W0403", hint->span, "the hint %s has no effect here", hint->name.text);
	}
	return true;
}

static const struct tr_relation *bind_select(struct tr_binder *binder, const struct tr_ast_query *query,
					     const struct tr_cte_scope *ctes, struct tr_select_list *list)
{
	const struct tr_ast_select *select = &query->select;
	const struct tr_relation *relation =
		select->from != NULL ? tr_bind_table_ref(binder, select->from, ctes) : tr_bind_one_row(binder);

	if (relation == NULL || !check_hints(binder, &select->hints))
		return NULL;
	if (select->where != NULL) {
		relation = bind_where(binder, relation, select->where);
		if (relation == NULL)
			return NULL;
	}
	if (select->qualify != NULL && !tr_bind_select_has_over(select)) {
		tr_diag_error(binder->diags, TR_E_GROUPING, select->qualify->span,
			      "QUALIFY needs a call with OVER, in its condition or in the SELECT list");
		return NULL;
	}
	if (relation->has_window && !tr_bind_is_grouped(binder, select) && tr_bind_select_has_over(select)) {
		relation = tr_bind_window_table(binder, relation, query->span);
		if (relation == NULL)
			return NULL;
	}
	if (tr_bind_is_grouped(binder, select))
		relation = tr_bind_grouped_select(binder, select, &query->order_by, query->span, relation, list);
	else
		relation = bind_plain_select(binder, select, &query->order_by, relation, query->span, list);
	if (relation == NULL || !select->is_distinct)
		return relation;
	if (list->count > list->visible) {
		tr_diag_error(binder->diags, TR_E_GROUPING, query->span,
			      "with SELECT DISTINCT, ORDER BY takes only what is in the list");
		return NULL;
	}
	return tr_bind_distinct(binder, relation, query->span);
}

/* ---- query ---- */

static bool has_order_or_limit(const struct tr_ast_query *query)
{
	return query->order_by.count > 0 || query->limit != NULL || query->offset != NULL;
}

/* All but WITH. */
static const struct tr_relation *bind_body(struct tr_binder *binder, const struct tr_ast_query *query,
					   const struct tr_cte_scope *ctes)
{
	const struct tr_relation *relation = NULL;
	struct tr_select_list list;

	switch (query->kind) {
	case TR_AST_QUERY_SELECT: relation = bind_select(binder, query, ctes, &list); break;
	case TR_AST_QUERY_VALUES: relation = tr_bind_values(binder, query); break;
	case TR_AST_QUERY_SET: relation = tr_bind_union(binder, query, ctes); break;
	case TR_AST_QUERY_TABLE: relation = tr_bind_named_table(binder, &query->table, NULL, ctes); break;
	}
	if (relation == NULL || !has_order_or_limit(query))
		return relation;
	if (query->kind != TR_AST_QUERY_SELECT || relation->has_window)
		relation = tr_bind_ordered_columns(binder, relation, query, &list);
	return relation != NULL ? tr_bind_sorted(binder, relation, query, &list) : NULL;
}

const struct tr_relation *tr_bind_query(struct tr_binder *binder, const struct tr_ast_query *query,
					const struct tr_cte_scope *ctes)
{
	const struct tr_relation *relation;

	if (binder->query_count == TR_QUERIES_MAX) {
		tr_diag_error(
			binder->diags, TR_E_LIMIT, query->span,
			"the statement has more than %d queries, with each view and each query of WITH counted as "
			"often as it is read",
			TR_QUERIES_MAX);
		tr_diag_hint(binder->diags, "views that read others twice double with each level");
		return NULL;
	}
	binder->query_count++;
	if (query->is_recursive) {
		tr_diag_not_supported(binder->diags, query->span, "WITH RECURSIVE");
		return NULL;
	}
	if (has_order_or_limit(query) && !binder->is_batch) {
		tr_diag_not_supported(binder->diags, query->span, "ORDER BY, LIMIT and OFFSET in streaming mode");
		tr_diag_hint(binder->diags, "if all input ends, SET 'execution.runtime-mode' = 'batch'");
		return NULL;
	}
	for (uint32_t i = 0; i < query->cte_count; i++) {
		struct tr_cte_scope *scope = TR_NEW(binder->arena, struct tr_cte_scope);

		*scope = (struct tr_cte_scope){.cte = &query->ctes[i], .outer = ctes};
		ctes = scope;
	}
	binder->query_depth++;
	relation = bind_body(binder, query, ctes);
	binder->query_depth--;
	return relation;
}
