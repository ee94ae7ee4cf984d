/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding queries: FROM, WHERE, SELECT without grouping, UNION ALL, WITH, views. See bind.h.
 */
#include <string.h>

#include "io/connector.h"
#include "io/source.h"
#include "base/check.h"
#include "sql/bind.h"

static const struct tr_relation *bind_select(struct tr_binder *binder, const struct tr_ast_query *query,
					     const struct tr_cte_scope *ctes);
static const struct tr_relation *bind_values(struct tr_binder *binder, const struct tr_ast_query *query);
static const struct tr_relation *bind_set(struct tr_binder *binder, const struct tr_ast_query *query,
					  const struct tr_cte_scope *ctes);

/* ---- relations ---- */

static struct tr_relation *relation_new(struct tr_binder *binder, const struct tr_node *node, uint32_t column_count)
{
	struct tr_relation *relation = TR_NEW(binder->arena, struct tr_relation);

	relation->node = node;
	relation->column_count = column_count;
	relation->columns = TR_NEW_ARRAY(binder->arena, column_count + 1, struct tr_bound_column);
	return relation;
}

static struct tr_schema *schema_new(struct tr_binder *binder, uint32_t count, const struct tr_expr *const *exprs,
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

static struct tr_schema *schema_new_of_types(struct tr_binder *binder, uint32_t count,
					     const struct tr_type *const *types, const char *const *names)
{
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);

	*schema = (struct tr_schema){.column_count = count, .names = names, .types = types};
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
	struct tr_relation *result = relation_new(binder, node, count);

	node->output = schema_new(binder, count, exprs, names);
	node->project.exprs = copy_exprs(binder, exprs, count);
	for (uint32_t i = 0; i < count; i++) {
		result->columns[i] = (struct tr_bound_column){.name = names[i],
							      .type = exprs[i]->type,
							      .role = tr_bind_role(relation, exprs[i]),
							      .index = i};
	}
	result->is_bounded = relation->is_bounded;
	return result;
}

/* The relation under another name, with other column names if given. */
static const struct tr_relation *rename_relation(struct tr_binder *binder, const struct tr_relation *relation,
						 const char *qualifier, const struct tr_ast_names *names,
						 struct tr_span span)
{
	struct tr_relation *copy;

	if (relation == NULL || (qualifier == NULL && names->count == 0))
		return relation;
	if (names->count > 0 && names->count != relation->column_count) {
		tr_diag_error(binder->diags, TR_E_TYPE, span, "%u column names for %u columns", names->count,
			      relation->column_count);
		return NULL;
	}
	copy = TR_NEW(binder->arena, struct tr_relation);
	*copy = *relation;
	copy->columns = TR_NEW_ARRAY(binder->arena, relation->column_count + 1, struct tr_bound_column);
	for (uint32_t i = 0; i < relation->column_count; i++) {
		copy->columns[i] = relation->columns[i];
		if (qualifier != NULL)
			copy->columns[i].qualifier = qualifier;
		if (names->count > 0)
			copy->columns[i].name = names->items[i].text;
	}
	return copy;
}

/* ---- FROM ---- */

/* SCAN of the physical columns (and the row time, when computed), PROJECT to all declared columns above it. */
static const struct tr_relation *bind_table(struct tr_binder *binder, const struct tr_table *table,
					    const struct tr_ast_hints *hints, struct tr_span span)
{
	struct tr_node *scan = tr_plan_node(binder->arena, TR_NODE_SCAN, NULL, 0);
	struct tr_table_spec *spec = tr_bind_table_spec(binder, table, hints);
	const struct tr_schema *physical = table->physical;
	uint32_t count = physical->column_count;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, count + 2, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, count + table->column_count + 2, const char *);
	const struct tr_expr **declared = TR_NEW_ARRAY(binder->arena, table->column_count + 1, const struct tr_expr *);
	struct tr_relation *base, *result;

	if (spec == NULL)
		return NULL;
	if (table->connector->source == NULL) {
		tr_diag_error(binder->diags, TR_E_TABLE, span, "table '%s' can't be read: connector '%s' is a sink only",
			      table->name, table->connector->name);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		exprs[i] = tr_expr_column(binder->arena, i, physical->types[i]);
		names[i] = physical->names[i];
	}
	scan->scan.table = spec;
	scan->scan.is_bounded = table->connector->source->is_bounded(spec);
	scan->scan.watermark_interval_ms = tr_config_integer(binder->config, "pipeline.auto-watermark-interval");
	scan->scan.idle_timeout_ms = tr_config_integer(binder->config, "table.exec.source.idle-timeout");
	if (table->rowtime >= 0) {
		const struct tr_table_column *rowtime = &table->columns[table->rowtime];

		scan->scan.time_expr = rowtime->expr;
		scan->scan.watermark_expr = table->watermark;
		scan->scan.time_name = rowtime->name;
		if (rowtime->physical < 0) {
			exprs[count] = rowtime->expr;
			names[count] = rowtime->name;
			count++;
		}
	}
	scan->scan.exprs = exprs;
	scan->output = schema_new(binder, count, exprs, names);
	base = relation_new(binder, scan, 0);
	base->is_bounded = scan->scan.is_bounded;
	for (uint32_t i = 0; i < table->column_count; i++) {
		const struct tr_table_column *column = &table->columns[i];

		declared[i] = (int32_t)i == table->rowtime && column->physical < 0
				      ? tr_expr_column(binder->arena, count - 1, column->type)
				      : column->expr;
		names[count + i] = column->name;
	}
	result = tr_bind_project(binder, base, table->column_count, declared, names + count);
	for (uint32_t i = 0; i < table->column_count; i++) {
		result->columns[i].qualifier = table->name;
		if ((int32_t)i == table->rowtime)
			result->columns[i].role = TR_ROLE_ROWTIME;
	}
	return result;
}

static const struct tr_relation *bind_view(struct tr_binder *binder, const struct tr_view_def *view, struct tr_span span)
{
	static const struct tr_ast_names no_names;
	const struct tr_relation *relation;

	if (binder->view_depth == TR_VIEW_DEPTH_MAX) {
		tr_diag_error(binder->diags, TR_E_TABLE, span, "views nest more than %d deep at '%s'", TR_VIEW_DEPTH_MAX,
			      view->name);
		return NULL;
	}
	binder->view_depth++;
	relation = tr_bind_query(binder, view->ast->query, NULL);
	binder->view_depth--;
	relation = rename_relation(binder, relation, view->name, &view->ast->columns, span);
	return rename_relation(binder, relation, view->name, &no_names, span);
}

const struct tr_relation *tr_bind_named_table(struct tr_binder *binder, const struct tr_ast_path *path,
					      const struct tr_ast_hints *hints, const struct tr_cte_scope *ctes)
{
	const struct tr_catalog_entry *entry;

	for (const struct tr_cte_scope *scope = ctes; path->count == 1 && scope != NULL; scope = scope->outer) {
		static const struct tr_ast_names no_names;
		const struct tr_relation *relation;

		if (strcmp(scope->cte->name.text, path->names[0].text) != 0)
			continue;
		relation = tr_bind_query(binder, scope->cte->query, scope->outer);
		relation = rename_relation(binder, relation, scope->cte->name.text, &scope->cte->columns, path->span);
		return rename_relation(binder, relation, scope->cte->name.text, &no_names, path->span);
	}
	entry = tr_catalog_find(binder->catalog, path);
	if (entry == NULL) {
		tr_diag_error(binder->diags, TR_E_NO_TABLE, path->span, "no table or view '%s'", tr_catalog_name(path));
		tr_diag_hint_nearest(binder->diags, tr_catalog_name(path),
				     tr_catalog_names(binder->catalog, binder->arena), binder->catalog->count);
		return NULL;
	}
	if (entry->view != NULL)
		return bind_view(binder, entry->view, path->span);
	return bind_table(binder, entry->table, hints, path->span);
}

const struct tr_relation *tr_bind_table_ref(struct tr_binder *binder, const struct tr_ast_table_ref *ref,
					    const struct tr_cte_scope *ctes)
{
	const struct tr_relation *relation = NULL;

	if (ref->system_time != NULL || ref->sample != NULL) {
		tr_diag_not_supported(binder->diags, ref->span,
				      ref->sample != NULL ? "TABLESAMPLE" : "FOR SYSTEM_TIME AS OF");
		return NULL;
	}
	switch (ref->kind) {
	case TR_AST_TABLE_NAME:
		relation = tr_bind_named_table(binder, &ref->path, &ref->hints, ctes);
		break;
	case TR_AST_TABLE_SUBQUERY:
		relation = tr_bind_query(binder, ref->query, ctes);
		break;
	case TR_AST_TABLE_FUNCTION:
		if (tr_bind_is_window_function(ref->function.call)) {
			relation = tr_bind_window_function(binder, ref, ctes);
			break;
		}
		tr_diag_not_supported(binder->diags, ref->span, "table functions other than windows");
		return NULL;
	case TR_AST_TABLE_UNNEST:
		tr_diag_not_supported(binder->diags, ref->span, "UNNEST");
		return NULL;
	case TR_AST_TABLE_JOIN:
		tr_diag_not_supported(binder->diags, ref->join.kind_span, "joins");
		return NULL;
	case TR_AST_TABLE_MATCH:
		tr_diag_not_supported(binder->diags, ref->span, "MATCH_RECOGNIZE");
		return NULL;
	}
	return rename_relation(binder, relation, ref->alias != NULL ? ref->alias->text : NULL, &ref->column_aliases,
			       ref->span);
}

/* ---- SELECT ---- */

static const struct tr_relation *bind_where(struct tr_binder *binder, const struct tr_relation *relation,
					    const struct tr_ast_expr *where)
{
	struct tr_expr_scope scope = {.relation = relation, .clause = "WHERE"};
	const struct tr_expr *condition = tr_bind_condition(binder, &scope, where);
	struct tr_relation *result;
	struct tr_node *node;

	if (condition == NULL)
		return NULL;
	if (tr_bind_reads_window(relation, condition)) {
		tr_diag_not_supported(binder->diags, where->span, "WHERE on window_start, window_end or window_time "
								  "before the windows are aggregated");
		tr_diag_hint(binder->diags, "HAVING, or WHERE around the aggregating query, does it");
		return NULL;
	}
	node = tr_plan_node(binder->arena, TR_NODE_FILTER, &relation->node, 1);
	node->filter.condition = condition;
	node->output = relation->node->output;
	result = TR_NEW(binder->arena, struct tr_relation);
	*result = *relation;
	result->node = node;
	return result;
}

/* The columns that a `*` or `t.*` stands for. Returns how many were written to `out`. */
static uint32_t expand_star(struct tr_binder *binder, const struct tr_relation *relation, const struct tr_ast_expr *star,
			    const struct tr_expr **out, const char **names, uint32_t room)
{
	const struct tr_ast_path *qualifier = star->star.qualifier;
	uint32_t count = 0;

	for (uint32_t i = 0; i < relation->column_count && count < room; i++) {
		const struct tr_bound_column *column = &relation->columns[i];

		if (qualifier != NULL && (column->qualifier == NULL ||
					  strcmp(column->qualifier, tr_catalog_name(qualifier)) != 0))
			continue;
		out[count] = tr_expr_column(binder->arena, column->index, column->type);
		names[count++] = column->name;
	}
	if (count == 0)
		tr_diag_error(binder->diags, TR_E_NO_TABLE, star->span, "no table '%s' in this FROM",
			      qualifier != NULL ? tr_catalog_name(qualifier) : "*");
	return count;
}

/* Window columns of a relation whose windows are not aggregated yet can only be passed on as they are. The rest becomes
 * a PROJECT. */
static const struct tr_relation *project_below_window(struct tr_binder *binder, const struct tr_relation *relation,
						      uint32_t count, const struct tr_expr *const *exprs,
						      const char *const *names, struct tr_span span)
{
	const struct tr_expr **kept = TR_NEW_ARRAY(binder->arena, count + relation->partition_count + 2,
						   const struct tr_expr *);
	const char **kept_names = TR_NEW_ARRAY(binder->arena, count + relation->partition_count + 2, const char *);
	uint32_t base_columns = relation->node->output->column_count, kept_count = 0;
	uint32_t *partitions = TR_NEW_ARRAY(binder->arena, relation->partition_count + 1, uint32_t);
	struct tr_relation *result, *view;

	for (uint32_t i = 0; i < count; i++) {
		if (exprs[i]->kind == TR_EXPR_COLUMN && exprs[i]->column >= base_columns)
			continue;
		if (tr_bind_reads_window(relation, exprs[i])) {
			tr_diag_not_supported(binder->diags, span, "expressions of window_start, window_end or "
								   "window_time before the windows are aggregated");
			return NULL;
		}
		kept[kept_count] = exprs[i];
		kept_names[kept_count++] = names[i];
	}
	/* The time column and the partition keys travel along, whether they are named or not. */
	if (relation->window.time_column >= 0) {
		uint32_t time_column = (uint32_t)relation->window.time_column;

		kept[kept_count] = tr_expr_column(binder->arena, time_column,
						  relation->node->output->types[time_column]);
		kept_names[kept_count++] = "$time";
	}
	for (uint32_t i = 0; i < relation->partition_count; i++) {
		partitions[i] = kept_count;
		kept[kept_count] = tr_expr_column(binder->arena, relation->partitions[i],
						  relation->node->output->types[relation->partitions[i]]);
		kept_names[kept_count++] = "$partition";
	}
	view = tr_bind_project(binder, relation, kept_count, kept, kept_names);
	result = relation_new(binder, view->node, count);
	result->is_bounded = relation->is_bounded;
	result->has_window = true;
	result->window = relation->window;
	result->partition_count = relation->partition_count;
	result->partitions = partitions;
	if (relation->window.time_column >= 0)
		result->window.time_column = (int32_t)(kept_count - relation->partition_count - 1);
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
	return result;
}

static const struct tr_relation *bind_plain_select(struct tr_binder *binder, const struct tr_ast_select *select,
						   const struct tr_relation *relation, struct tr_span span)
{
	struct tr_expr_scope scope = {.relation = relation, .clause = "SELECT"};
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const char *);
	uint32_t count = 0;
	bool is_good = true;

	for (uint32_t i = 0; i < select->item_count; i++) {
		const struct tr_ast_select_item *item = &select->items[i];
		uint32_t added = 1;

		if (count == TR_BIND_COLUMNS_MAX) {
			tr_diag_error(binder->diags, TR_E_LIMIT, item->expr->span, "more than %d columns",
				      TR_BIND_COLUMNS_MAX);
			return NULL;
		}
		if (item->expr->kind == TR_AST_EXPR_STAR) {
			added = relation->node == NULL
					? 0
					: expand_star(binder, relation, item->expr, exprs + count, names + count,
						      TR_BIND_COLUMNS_MAX - count);
			is_good = is_good && added > 0;
			count += added;
			continue;
		}
		exprs[count] = tr_bind_expr(binder, &scope, item->expr);
		names[count] = tr_bind_item_name(binder, item, i);
		is_good = is_good && exprs[count] != NULL;
		count++;
	}
	if (!is_good)
		return NULL;
	if (relation->has_window)
		return project_below_window(binder, relation, count, exprs, names, span);
	return tr_bind_project(binder, relation, count, exprs, names);
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
static const struct tr_relation *one_row(struct tr_binder *binder)
{
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_VALUES, NULL, 0);
	const struct tr_expr **zero = TR_NEW_ARRAY(binder->arena, 1, const struct tr_expr *);
	static const char *const names[] = {"$zero"};
	struct tr_relation *relation;

	zero[0] = tr_expr_i64(binder->arena, tr_type_of(TR_TYPE_INT), 0);
	node->values.exprs = zero;
	node->values.row_count = 1;
	node->output = schema_new(binder, 1, zero, names);
	relation = relation_new(binder, node, 0);
	relation->is_bounded = true;
	return relation;
}

static const struct tr_relation *bind_select(struct tr_binder *binder, const struct tr_ast_query *query,
					     const struct tr_cte_scope *ctes)
{
	const struct tr_ast_select *select = &query->select;
	const struct tr_relation *relation =
		select->from != NULL ? tr_bind_table_ref(binder, select->from, ctes) : one_row(binder);

	if (relation == NULL)
		return NULL;
	if (select->window_count > 0 || select->qualify != NULL) {
		tr_diag_not_supported(binder->diags, query->span, select->qualify != NULL ? "QUALIFY" : "WINDOW");
		return NULL;
	}
	if (select->is_distinct) {
		tr_diag_not_supported(binder->diags, query->span, "SELECT DISTINCT");
		return NULL;
	}
	if (select->where != NULL) {
		relation = bind_where(binder, relation, select->where);
		if (relation == NULL)
			return NULL;
	}
	if (tr_bind_is_grouped(select))
		return tr_bind_grouped_select(binder, select, query->span, relation);
	return bind_plain_select(binder, select, relation, query->span);
}

/* ---- VALUES and UNION ALL ---- */

static const struct tr_relation *bind_values(struct tr_binder *binder, const struct tr_ast_query *query)
{
	const struct tr_ast_values *values = &query->values;
	uint32_t width = values->width, cells = values->row_count * values->width;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, cells + 1, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, width + 1, const char *);
	struct tr_expr_scope scope = {.clause = "VALUES"};
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_VALUES, NULL, 0);
	struct tr_relation *relation;

	for (uint32_t i = 0; i < cells; i++) {
		exprs[i] = tr_bind_expr(binder, &scope, values->cells[i]);
		if (exprs[i] == NULL)
			return NULL;
	}
	for (uint32_t column = 0; column < width; column++) {
		const struct tr_type *type = exprs[column]->type;
		bool is_nullable = false;

		names[column] = tr_arena_printf(binder->arena, "EXPR$%u", column);
		for (uint32_t i = column; i < cells; i += width) {
			is_nullable = is_nullable || exprs[i]->type->is_nullable;
			type = type != NULL ? tr_type_common(binder->arena, type, exprs[i]->type) : NULL;
			if (type == NULL) {
				tr_diag_error(binder->diags, TR_E_TYPE, values->cells[i]->span,
					      "column %u of VALUES has no common type", column + 1);
				return NULL;
			}
		}
		type = tr_type_with_nullable(binder->arena, type, is_nullable);
		for (uint32_t i = column; i < cells; i += width) {
			const struct tr_expr *cell = tr_bind_coerce(binder, exprs[i], type, values->cells[i]->span);

			if (cell == NULL)
				return NULL;
			exprs[i] = tr_expr_fold(binder->arena, cell);
			if (exprs[i]->kind != TR_EXPR_LITERAL) {
				tr_diag_not_supported(binder->diags, values->cells[i]->span,
						      "VALUES with an expression that is not constant");
				return NULL;
			}
		}
	}
	node->values.exprs = exprs;
	node->values.row_count = values->row_count;
	node->output = schema_new(binder, width, exprs, names);
	relation = relation_new(binder, node, width);
	relation->is_bounded = true;
	for (uint32_t i = 0; i < width; i++)
		relation->columns[i] =
			(struct tr_bound_column){.name = names[i], .type = exprs[i]->type, .index = i};
	return relation;
}

/* One input of a UNION with its columns cast to the common types. */
static const struct tr_node *union_input(struct tr_binder *binder, const struct tr_relation *input,
					 const struct tr_type *const *types, const char *const *names, struct tr_span span)
{
	uint32_t count = input->column_count;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < count; i++) {
		const struct tr_bound_column *column = &input->columns[i];

		exprs[i] = tr_bind_coerce(binder, tr_expr_column(binder->arena, column->index, column->type), types[i],
					  span);
		if (exprs[i] == NULL)
			return NULL;
	}
	return tr_bind_project(binder, input, count, exprs, names)->node;
}

static const struct tr_relation *bind_set(struct tr_binder *binder, const struct tr_ast_query *query,
					  const struct tr_cte_scope *ctes)
{
	const struct tr_ast_set_operation *set = &query->set;
	const struct tr_relation *left, *right;
	const struct tr_type **types;
	const struct tr_node *inputs[2];
	const char **names;
	struct tr_relation *result;
	struct tr_node *node;

	if (set->op != TR_AST_SET_UNION || !set->is_all) {
		tr_diag_not_supported(binder->diags, set->op_span, "set operations other than UNION ALL");
		return NULL;
	}
	left = tr_bind_query(binder, set->left, ctes);
	right = tr_bind_query(binder, set->right, ctes);
	if (left == NULL || right == NULL)
		return NULL;
	if (left->column_count != right->column_count || left->has_window || right->has_window) {
		tr_diag_error(binder->diags, TR_E_TYPE, set->op_span,
			      left->has_window || right->has_window
				      ? "a window must be aggregated before UNION ALL"
				      : "the queries of UNION ALL have %u and %u columns",
			      left->column_count, right->column_count);
		return NULL;
	}
	types = TR_NEW_ARRAY(binder->arena, left->column_count + 1, const struct tr_type *);
	names = TR_NEW_ARRAY(binder->arena, left->column_count + 1, const char *);
	for (uint32_t i = 0; i < left->column_count; i++) {
		const struct tr_type *a = left->columns[i].type, *b = right->columns[i].type;

		types[i] = tr_type_common(binder->arena, a, b);
		names[i] = left->columns[i].name;
		if (types[i] == NULL) {
			tr_diag_error(binder->diags, TR_E_TYPE, set->op_span,
				      "column %u ('%s') of UNION ALL is %s and %s, which have no common type", i + 1,
				      names[i], tr_type_text(binder->arena, a), tr_type_text(binder->arena, b));
			return NULL;
		}
		types[i] = tr_type_with_nullable(binder->arena, types[i], a->is_nullable || b->is_nullable);
	}
	inputs[0] = union_input(binder, left, types, names, set->op_span);
	inputs[1] = union_input(binder, right, types, names, set->op_span);
	if (inputs[0] == NULL || inputs[1] == NULL)
		return NULL;
	node = tr_plan_node(binder->arena, TR_NODE_UNION, inputs, 2);
	node->output = schema_new_of_types(binder, left->column_count, types, names);
	result = relation_new(binder, node, left->column_count);
	result->is_bounded = left->is_bounded && right->is_bounded;
	for (uint32_t i = 0; i < left->column_count; i++) {
		enum tr_column_role role = left->columns[i].role;

		/* A time attribute stays one only if it is one on both sides. */
		result->columns[i] = (struct tr_bound_column){
			.name = names[i],
			.type = types[i],
			.index = i,
			.role = role == right->columns[i].role ? role : TR_ROLE_NONE};
	}
	return result;
}

/* ---- query ---- */

const struct tr_relation *tr_bind_query(struct tr_binder *binder, const struct tr_ast_query *query,
					const struct tr_cte_scope *ctes)
{
	if (query->is_recursive || query->order_by.count > 0 || query->limit != NULL || query->offset != NULL) {
		tr_diag_not_supported(binder->diags, query->span, "%s",
				      query->is_recursive ? "WITH RECURSIVE" : "ORDER BY, LIMIT and OFFSET");
		return NULL;
	}
	for (uint32_t i = 0; i < query->cte_count; i++) {
		struct tr_cte_scope *scope = TR_NEW(binder->arena, struct tr_cte_scope);

		*scope = (struct tr_cte_scope){.cte = &query->ctes[i], .outer = ctes};
		ctes = scope;
	}
	switch (query->kind) {
	case TR_AST_QUERY_SELECT:
		return bind_select(binder, query, ctes);
	case TR_AST_QUERY_VALUES:
		return bind_values(binder, query);
	case TR_AST_QUERY_SET:
		return bind_set(binder, query, ctes);
	case TR_AST_QUERY_TABLE:
		return tr_bind_named_table(binder, &query->table, NULL, ctes);
	}
	return NULL;
}
