/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding FROM: tables, views, WITH queries, subqueries. See bind.h.
 *
 * A table becomes a SCAN of its physical columns and a PROJECT to the declared ones; a view or a WITH query is bound anew
 * wherever it is named, and then renamed. What Flink has in FROM and we have not is refused here.
 */
#include <string.h>
#include <strings.h>

#include "io/connector.h"
#include "io/source.h"
#include "base/check.h"
#include "sql/bind.h"
#include "sql/user_function.h"

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

/* What the table's options say of its watermarks. */
static void set_watermark_options(struct tr_node *scan, const struct tr_options *options)
{
	const char *strategy = tr_options_get(options, "scan.watermark.emit.strategy");
	const char *group = tr_options_get(options, "scan.watermark.alignment.group");

	if (strategy != NULL && strcasecmp(strategy, "on-event") == 0)
		scan->scan.watermark_interval_ms = 0;
	scan->scan.idle_timeout_ms =
		tr_options_duration_ms(options, "scan.watermark.idle-timeout", scan->scan.idle_timeout_ms);
	if (group == NULL)
		return;
	scan->scan.drift = (struct tr_drift_spec){
		.group = group,
		.max_drift_ms = tr_options_duration_ms(options, "scan.watermark.alignment.max-drift", 0),
		.update_interval_ms = tr_options_duration_ms(options, "scan.watermark.alignment.update-interval", 1000),
	};
}

/* SCAN of the physical columns (and the row time, when computed), PROJECT to all declared columns above it. */
static const struct tr_relation *bind_table(struct tr_binder *binder, const struct tr_table *table,
					    const struct tr_ast_hints *hints, struct tr_span span)
{
	struct tr_node *scan = tr_plan_node(binder->arena, TR_NODE_SCAN, NULL, 0);
	struct tr_table_spec *spec = tr_bind_table_spec(binder, table, hints);
	const struct tr_schema *physical = table->readable;
	uint32_t count = physical->column_count;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, count + 2, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, count + table->column_count + 2, const char *);
	const struct tr_expr **declared = TR_NEW_ARRAY(binder->arena, table->column_count + 1, const struct tr_expr *);
	struct tr_relation *base, *result;

	if (spec == NULL)
		return NULL;
	if (table->connector->source == NULL) {
		tr_diag_error(binder->diags, TR_E_TABLE, span,
			      "table '%s' can't be read: connector '%s' is a sink only", table->name,
			      table->connector->name);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		exprs[i] = tr_expr_column(binder->arena, i, physical->types[i]);
		names[i] = physical->names[i];
	}
	spec->schema = physical;
	spec->metadata_columns = table->metadata_columns;
	spec->metadata_keys = table->metadata_keys;
	spec->metadata_count = table->metadata_count;
	scan->scan.table = spec;
	scan->scan.is_bounded = table->connector->source->is_bounded(spec);
	scan->scan.watermark_interval_ms = tr_config_integer(binder->config, "pipeline.auto-watermark-interval");
	scan->scan.idle_timeout_ms = tr_config_integer(binder->config, "table.exec.source.idle-timeout");
	set_watermark_options(scan, &spec->options);
	if (binder->is_batch && !scan->scan.is_bounded) {
		tr_diag_error(binder->diags, TR_E_BATCH, span, "table '%s' never ends and can't be read in batch mode",
			      table->name);
		tr_diag_hint(binder->diags, "%s", table->connector->source->bounded_hint);
		return NULL;
	}
	if (table->rowtime >= 0) {
		const struct tr_table_column *rowtime = &table->columns[table->rowtime];

		/* In batch mode no row is late: there is no watermark before the end. */
		if (!binder->is_batch) {
			scan->scan.time_expr = rowtime->expr;
			scan->scan.watermark_expr = table->watermark;
			scan->scan.time_name = rowtime->name;
		}
		if (rowtime->physical < 0) {
			exprs[count] = rowtime->expr;
			names[count] = rowtime->name;
			count++;
		}
	}
	scan->scan.exprs = exprs;
	scan->output = tr_bind_schema_new(binder, count, exprs, names);
	base = tr_bind_relation_new(binder, scan, 0);
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
	const struct tr_script_text *text = binder->diags->text;
	const struct tr_relation *relation;

	if (binder->view_depth == TR_VIEW_DEPTH_MAX) {
		tr_diag_error(binder->diags, TR_E_TABLE, span, "views nest more than %d deep at '%s'",
			      TR_VIEW_DEPTH_MAX, view->name);
		return NULL;
	}
	binder->view_depth++;
	binder->diags->text = view->text;
	relation = tr_bind_query(binder, view->ast->query, NULL);
	binder->diags->text = text;
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
	if (entry->view != NULL && hints != NULL && hints->count > 0) {
		tr_diag_error(binder->diags, TR_E_OPTION, hints->items[0].span, "'%s' is a view and takes no hints",
			      entry->name);
		return NULL;
	}
	if (entry->stream != NULL) {
		static const struct tr_ast_names no_names;

		return rename_relation(binder, entry->stream, entry->name, &no_names, path->span);
	}
	if (entry->table == NULL && entry->view == NULL)
		return NULL;
	if (entry->view != NULL)
		return bind_view(binder, entry->view, path->span);
	return bind_table(binder, entry->table, hints, path->span);
}

/* LATERAL TABLE(f(x)) of a function that makes no table; true when reported. */
static bool is_no_table_function(struct tr_binder *binder, const struct tr_ast_table_ref *ref)
{
	const struct tr_catalog_function *user;
	const char *name;

	if (ref->kind != TR_AST_TABLE_FUNCTION)
		return false;
	name = tr_catalog_name(&ref->function.call->call->name);
	user = tr_user_function_find(binder->catalog, &ref->function.call->call->name);
	if (!tr_func_exists(name) && user == NULL)
		return false;
	tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ref->function.call->span, "'%s' makes a value, not a table",
		      name);
	tr_diag_hint(binder->diags, "UNNEST(array) makes rows of the elements of an array");
	return true;
}

/* A table function that is no window: one of Flink's, or of nobody. */
static void refuse_table_function(struct tr_binder *binder, const struct tr_ast_table_ref *ref)
{
	static const char *const flinks[] = {"TO_CHANGELOG", "FROM_CHANGELOG", "ML_PREDICT", "VECTOR_SEARCH",
					     "SNAPSHOT"};
	const char *name = tr_catalog_name(&ref->function.call->call->name);

	for (uint32_t i = 0; i < TR_COUNT_OF(flinks); i++) {
		if (strcasecmp(name, flinks[i]) != 0)
			continue;
		tr_diag_not_supported(binder->diags, ref->span, "the table function %s", flinks[i]);
		return;
	}
	tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ref->function.call->call->name.span,
		      "no table function is named %s", name);
	tr_diag_hint(binder->diags, "there are TUMBLE, HOP, CUMULATE, SESSION and UNNEST");
	tr_diag_hint_nearest(binder->diags, name, tr_window_function_names, tr_window_function_count);
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
	case TR_AST_TABLE_NAME: relation = tr_bind_named_table(binder, &ref->path, &ref->hints, ctes); break;
	case TR_AST_TABLE_SUBQUERY: relation = tr_bind_query(binder, ref->query, ctes); break;
	case TR_AST_TABLE_FUNCTION:
		if (tr_bind_is_window_function(ref->function.call)) {
			relation = tr_bind_window_function(binder, ref, ctes);
			break;
		}
		if (tr_bind_is_table_function(binder, ref))
			return tr_bind_unnest(binder, tr_bind_one_row(binder), ref);
		if (is_no_table_function(binder, ref))
			return NULL;
		refuse_table_function(binder, ref);
		return NULL;
	case TR_AST_TABLE_UNNEST: return tr_bind_unnest(binder, tr_bind_one_row(binder), ref);
	case TR_AST_TABLE_JOIN:
		if (ref->join.right->kind == TR_AST_TABLE_UNNEST || tr_bind_is_table_function(binder, ref->join.right))
			return tr_bind_unnest_join(binder, ref, ctes);
		if (is_no_table_function(binder, ref->join.right))
			return NULL;
		tr_diag_not_supported(binder->diags, ref->join.kind_span, "joins");
		return NULL;
	case TR_AST_TABLE_MATCH: tr_diag_not_supported(binder->diags, ref->span, "MATCH_RECOGNIZE"); return NULL;
	}
	return rename_relation(binder, relation, ref->alias != NULL ? ref->alias->text : NULL, &ref->column_aliases,
			       ref->span);
}
