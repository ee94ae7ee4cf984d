/* SPDX-License-Identifier: Apache-2.0
 *
 * See node_equal.h. One function for each kind of node; texts that only EXPLAIN shows count too, so that what it says of a shared node
 * is true of all its readers.
 */
#include "sql/node_equal.h"

#include <string.h>

#include "sql/optimize_inner.h"

static bool texts_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool numbers_equal(const uint32_t *a, const uint32_t *b, uint32_t count)
{
	return a == b || count == 0 || memcmp(a, b, count * sizeof(*a)) == 0;
}

static bool schemas_equal(const struct tr_schema *a, const struct tr_schema *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->column_count != b->column_count)
		return false;
	for (uint32_t i = 0; i < a->column_count; i++)
		if (!texts_equal(a->names[i], b->names[i]) || !tr_type_equals(a->types[i], b->types[i]))
			return false;
	return true;
}

/** Both may be NULL. */
static bool expr_equals(const struct tr_expr *a, const struct tr_expr *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return tr_expr_equals(a, b) && !tr_optimize_is_volatile(a);
}

static bool exprs_equal(const struct tr_expr *const *a, const struct tr_expr *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!expr_equals(a[i], b[i]))
			return false;
	return true;
}

/* Tables. */

static bool options_equal(const struct tr_options *a, const struct tr_options *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!texts_equal(a->items[i].value, tr_options_get(b, a->items[i].key)))
			return false;
	return true;
}

/** All but what is needed of it. */
static bool tables_equal(const struct tr_table_spec *a, const struct tr_table_spec *b)
{
	return strcmp(a->name, b->name) == 0 && a->connector == b->connector && a->context == b->context &&
	       a->format == b->format && options_equal(&a->options, &b->options) &&
	       schemas_equal(a->schema, b->schema) && a->partition_count == b->partition_count &&
	       numbers_equal(a->partition_columns, b->partition_columns, a->partition_count) &&
	       a->metadata_count == b->metadata_count &&
	       numbers_equal(a->metadata_columns, b->metadata_columns, a->metadata_count) &&
	       numbers_equal(a->metadata_keys, b->metadata_keys, a->metadata_count) &&
	       texts_equal(a->time_zone, b->time_zone) && a->batch_rows == b->batch_rows && a->is_batch == b->is_batch;
}

/** As deep as types. */
static bool needs_equal(const struct tr_need *a, const struct tr_need *b, const struct tr_type *type)
{
	if (a == NULL || b == NULL || a->is_whole || b->is_whole)
		return (a == NULL) == (b == NULL) && (a == NULL || a->is_whole == b->is_whole);
	for (uint32_t i = 0; i < type->child_count; i++)
		if (!needs_equal(a->children != NULL ? a->children[i] : NULL,
				 b->children != NULL ? b->children[i] : NULL, type->children[i]))
			return false;
	return true;
}

bool tr_node_is_same_table(const struct tr_node *a, const struct tr_node *b)
{
	return tables_equal(a->scan.table, b->scan.table) && expr_equals(a->scan.time_expr, b->scan.time_expr) &&
	       expr_equals(a->scan.watermark_expr, b->scan.watermark_expr) &&
	       texts_equal(a->scan.time_name, b->scan.time_name) &&
	       a->scan.watermark_interval_ms == b->scan.watermark_interval_ms &&
	       a->scan.idle_timeout_ms == b->scan.idle_timeout_ms && a->scan.is_bounded == b->scan.is_bounded &&
	       texts_equal(a->scan.drift.group, b->scan.drift.group) &&
	       a->scan.drift.max_drift_ms == b->scan.drift.max_drift_ms &&
	       a->scan.drift.update_interval_ms == b->scan.drift.update_interval_ms;
}

static bool scans_equal(const struct tr_node *a, const struct tr_node *b)
{
	const struct tr_table_spec *s = a->scan.table, *t = b->scan.table;

	if (!tr_node_is_same_table(a, b))
		return false;
	/* The position of a row is volatile, but one of the row's: it is the same for all that read the table in one go. */
	for (uint32_t i = 0; i < a->output->column_count; i++)
		if (!tr_expr_equals(a->scan.exprs[i], b->scan.exprs[i]))
			return false;
	if (s->needs == NULL || t->needs == NULL)
		return s->needs == t->needs;
	for (uint32_t i = 0; i < s->schema->column_count; i++)
		if (!needs_equal(s->needs[i], t->needs[i], s->schema->types[i]))
			return false;
	return true;
}

/* Operators. */

static bool windows_equal(const struct tr_window_spec *a, const struct tr_window_spec *b)
{
	return a->kind == b->kind && a->is_whole == b->is_whole && a->size_ms == b->size_ms &&
	       a->step_ms == b->step_ms && a->offset_ms == b->offset_ms &&
	       a->is_processing_time == b->is_processing_time && a->is_local_time == b->is_local_time &&
	       a->is_attached == b->is_attached && texts_equal(a->time_zone, b->time_zone) &&
	       a->time_column == b->time_column;
}

static bool params_equal(const struct tr_agg_params *a, const struct tr_agg_params *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->scale == b->scale && a->is_distinct == b->is_distinct && a->skips_nulls == b->skips_nulls &&
	       a->is_list == b->is_list && a->separator.length == b->separator.length &&
	       memcmp(tr_view_text(&a->separator), tr_view_text(&b->separator), a->separator.length) == 0 &&
	       a->fraction_count == b->fraction_count &&
	       (a->fraction_count == 0 ||
		memcmp(a->fractions, b->fractions, a->fraction_count * sizeof(*a->fractions)) == 0);
}

static bool calls_equal(const struct tr_agg_call *a, const struct tr_agg_call *b)
{
	if (a->more_count != b->more_count)
		return false;
	for (uint32_t i = 0; i < a->more_count; i++)
		if (a->more_columns[i] != b->more_columns[i])
			return false;
	return a->agg == b->agg && tr_type_equals(a->type, b->type) && params_equal(a->params, b->params) &&
	       a->arg_column == b->arg_column && a->filter_column == b->filter_column &&
	       a->is_distinct == b->is_distinct && texts_equal(a->text, b->text);
}

static bool aggregates_equal(const struct tr_node *a, const struct tr_node *b)
{
	if (!windows_equal(&a->window.window, &b->window.window) || a->window.key_count != b->window.key_count ||
	    !numbers_equal(a->window.keys, b->window.keys, a->window.key_count) ||
	    a->window.agg_count != b->window.agg_count || a->window.phase != b->window.phase ||
	    a->window.use_general != b->window.use_general)
		return false;
	for (uint32_t i = 0; i < a->window.agg_count; i++)
		if (!calls_equal(&a->window.aggs[i], &b->window.aggs[i]))
			return false;
	return true;
}

static bool orders_equal(const struct tr_order_key *a, const struct tr_order_key *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (a[i].column != b[i].column || a[i].is_descending != b[i].is_descending ||
		    a[i].nulls_first != b[i].nulls_first)
			return false;
	return true;
}

static bool ranks_equal(const struct tr_node *a, const struct tr_node *b)
{
	return windows_equal(&a->rank.window, &b->rank.window) && a->rank.key_count == b->rank.key_count &&
	       numbers_equal(a->rank.keys, b->rank.keys, a->rank.key_count) &&
	       a->rank.order_count == b->rank.order_count &&
	       orders_equal(a->rank.order, b->rank.order, a->rank.order_count) && a->rank.from == b->rank.from &&
	       a->rank.to == b->rank.to && a->rank.has_number == b->rank.has_number &&
	       a->rank.is_latest_first == b->rank.is_latest_first;
}

static bool sorts_equal(const struct tr_node *a, const struct tr_node *b)
{
	const struct tr_sort_spec *s = &a->sort.spec, *t = &b->sort.spec;

	return a->sort.phase == b->sort.phase && s->key_count == t->key_count && s->offset == t->offset &&
	       s->limit == t->limit && orders_equal(s->keys, t->keys, s->key_count);
}

static bool unnests_equal(const struct tr_unnest *a, const struct tr_unnest *b)
{
	return a->list == b->list && a->column_count == b->column_count && a->field_count == b->field_count &&
	       numbers_equal(a->columns, b->columns, a->column_count) &&
	       numbers_equal(a->fields, b->fields, a->field_count) && a->has_ordinality == b->has_ordinality &&
	       a->is_outer == b->is_outer;
}

static bool expands_equal(const struct tr_node *a, const struct tr_node *b)
{
	if (a->expand.set_count != b->expand.set_count)
		return false;
	for (uint32_t s = 0; s < a->expand.set_count; s++) {
		const struct tr_expand_set *x = &a->expand.sets[s], *y = &b->expand.sets[s];

		if (x->id != y->id)
			return false;
		for (uint32_t i = 0; i < a->inputs[0]->output->column_count; i++)
			if (x->is_null[i] != y->is_null[i])
				return false;
	}
	return true;
}

bool tr_node_equals(const struct tr_node *a, const struct tr_node *b)
{
	if (a->kind != b->kind || a->kind == TR_NODE_SINK || a->parallelism != b->parallelism ||
	    a->input_count != b->input_count || !schemas_equal(a->output, b->output) ||
	    !texts_equal(a->name, b->name) || !texts_equal(a->given_uid, b->given_uid) ||
	    a->given_parallelism != b->given_parallelism || a->chaining != b->chaining)
		return false;
	if (a->shared != 0 || b->shared != 0)
		return a->shared == b->shared;
	switch (a->kind) {
	case TR_NODE_SCAN: return scans_equal(a, b);
	case TR_NODE_VALUES:
		return a->values.row_count == b->values.row_count &&
		       exprs_equal(a->values.exprs, b->values.exprs,
				   (size_t)a->values.row_count * a->output->column_count);
	case TR_NODE_FILTER: return expr_equals(a->filter.condition, b->filter.condition);
	case TR_NODE_PROJECT:
		return exprs_equal(a->project.exprs, b->project.exprs, a->output->column_count) &&
		       expr_equals(a->project.condition, b->project.condition);
	case TR_NODE_UNION: return true;
	case TR_NODE_UNNEST: return unnests_equal(&a->unnest, &b->unnest);
	case TR_NODE_WINDOW_TABLE: return windows_equal(&a->window.window, &b->window.window);
	case TR_NODE_EXPAND: return expands_equal(a, b);
	case TR_NODE_WINDOW_AGGREGATE: return aggregates_equal(a, b);
	case TR_NODE_WINDOW_RANK: return ranks_equal(a, b);
	case TR_NODE_SORT:
	case TR_NODE_LIMIT: return sorts_equal(a, b);
	case TR_NODE_EXCHANGE:
		return a->exchange.kind == b->exchange.kind && a->exchange.partitioner == b->exchange.partitioner &&
		       a->exchange.key_count == b->exchange.key_count &&
		       numbers_equal(a->exchange.keys, b->exchange.keys, a->exchange.key_count);
	case TR_NODE_OPERATOR: /* one that was written once, and copied on its way here */
		return a->custom.op == b->custom.op && a->custom.keys == b->custom.keys;
	case TR_NODE_SIDE_OUTPUT: return a->side.index == b->side.index;
	case TR_NODE_SINK: return false;
	}
	TR_UNREACHABLE();
}
