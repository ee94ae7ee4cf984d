/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding SESSION windows that nobody aggregates directly: each row with the session that it is in, when that ends. See bind.h.
 *
 *     PROJECT [the input's columns, window_start, window_end, window_time]
 *       UNNEST [rows]
 *         WINDOW_AGGREGATE [keys, ARRAY_AGG(row) AS rows], the session
 *           PROJECT [keys, ROW(the input's columns) AS row, time]
 *
 * So sessions merge, are saved and leave memory as they do with any aggregate, and rows come out in the order in which they came, as
 * in Flink (sql/order.c). All rows of an open session have to fit in one value of its state (decision 0034).
 */
#include <string.h>

#include "base/check.h"
#include "sql/bind.h"

/* PROJECT [keys, row, time]; `window` gets the column of its time. */
static const struct tr_node *pack_rows(struct tr_binder *binder, const struct tr_relation *relation,
				       struct tr_window_spec *window, struct tr_span span)
{
	const struct tr_schema *below = relation->node->output;
	const uint32_t keys = relation->partition_count;
	const struct tr_expr **columns = TR_NEW_ARRAY(binder->arena, below->column_count + 1, const struct tr_expr *);
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, keys + 2, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, keys + 2, const char *);

	for (uint32_t i = 0; i < below->column_count; i++)
		columns[i] = tr_expr_column(binder->arena, i, below->types[i]);
	for (uint32_t i = 0; i < keys; i++) {
		const struct tr_expr *key = columns[relation->partitions[i]];

		exprs[i] = tr_type_is_nested(key->type) ? tr_expr_pack(binder->arena, key) : key;
		names[i] = below->names[relation->partitions[i]];
	}
	exprs[keys] = tr_bind_function(binder, "ROW", columns, below->column_count, span);
	names[keys] = "$row";
	exprs[keys + 1] = columns[window->time_column];
	names[keys + 1] = below->names[window->time_column];
	window->time_column = (int32_t)keys + 1;
	return exprs[keys] == NULL ? NULL : tr_bind_project(binder, relation, keys + 2, exprs, names)->node;
}

/* WINDOW_AGGREGATE [keys, rows, window_start, window_end, window_time]. */
static const struct tr_node *gather(struct tr_binder *binder, const struct tr_relation *relation,
				    const struct tr_window_spec *window, const struct tr_node *below,
				    struct tr_span span)
{
	const uint32_t keys = relation->partition_count;
	const struct tr_agg_ask ask = {
		.name = "ARRAY_AGG", .arg_count = 1, .arg_types = {below->output->types[keys]}, .is_grouped = true};
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_WINDOW_AGGREGATE, &below, 1);
	struct tr_agg_call *call = TR_NEW(binder->arena, struct tr_agg_call);
	uint32_t *columns = TR_NEW_ARRAY(binder->arena, keys + 1, uint32_t);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, keys + 4, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(binder->arena, keys + 4, const char *);
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);
	struct tr_agg_match match;
	struct tr_status st = {0};

	if (tr_agg_resolve_call(binder->arena, &ask, &match, &st) != TR_OK) {
		tr_diag_error(binder->diags, TR_E_TYPE, span, "%s", st.message);
		return NULL;
	}
	*call = (struct tr_agg_call){.agg = match.agg,
				     .type = match.type,
				     .params = match.params,
				     .arg_column = (int32_t)keys,
				     .more_count = 1,
				     .more_columns = {-1},
				     .filter_column = -1,
				     .text = "rows"};
	for (uint32_t i = 0; i < keys; i++) {
		columns[i] = i;
		types[i] = below->output->types[i];
		names[i] = below->output->names[i];
	}
	types[keys] = call->type;
	names[keys] = call->text;
	for (uint32_t i = 0; i < 3; i++) {
		types[keys + 1 + i] = tr_bind_window_column_type(binder, window, i);
		names[keys + 1 + i] = tr_window_column_names[i];
	}
	*schema = (struct tr_schema){.column_count = keys + 4, .names = names, .types = types};
	node->window.window = *window;
	node->window.keys = columns;
	node->window.key_count = keys;
	node->window.aggs = call;
	node->window.agg_count = 1;
	node->window.phase = TR_PHASE_SINGLE;
	node->output = schema;
	return node;
}

/* UNNEST [window_start, window_end, window_time, the rows' columns], and the PROJECT that puts the latter first. */
static const struct tr_node *spread(struct tr_binder *binder, const struct tr_node *sessions, uint32_t keys,
				    const struct tr_schema *schema)
{
	const uint32_t width = schema->column_count - 3;
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_UNNEST, &sessions, 1), *result;
	uint32_t *columns = TR_NEW_ARRAY(binder->arena, 3, uint32_t);
	uint32_t *fields = TR_NEW_ARRAY(binder->arena, width + 1, uint32_t);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, width + 3, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(binder->arena, width + 3, const char *);
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, width + 3, const struct tr_expr *);
	struct tr_schema *unnested = TR_NEW(binder->arena, struct tr_schema);

	for (uint32_t i = 0; i < width + 3; i++) {
		types[i] = schema->types[i < 3 ? width + i : i - 3];
		names[i] = schema->names[i < 3 ? width + i : i - 3];
		if (i < 3)
			columns[i] = keys + 1 + i;
		else
			fields[i - 3] = i - 3;
	}
	*unnested = (struct tr_schema){.column_count = width + 3, .names = names, .types = types};
	node->unnest.list = keys;
	node->unnest.columns = columns;
	node->unnest.column_count = 3;
	node->unnest.fields = fields;
	node->unnest.field_count = width;
	node->output = unnested;
	result = tr_plan_node(binder->arena, TR_NODE_PROJECT, (const struct tr_node *const[]){node}, 1);
	for (uint32_t i = 0; i < width + 3; i++)
		exprs[i] = tr_expr_column(binder->arena, i < width ? i + 3 : i - width, schema->types[i]);
	result->project.exprs = exprs;
	result->output = schema;
	return result;
}

const struct tr_node *tr_bind_session_rows(struct tr_binder *binder, const struct tr_relation *relation,
					   const struct tr_schema *schema, struct tr_span span)
{
	struct tr_window_spec window = relation->window;
	const struct tr_node *node = pack_rows(binder, relation, &window, span);

	if (node != NULL)
		node = gather(binder, relation, &window, node, span);
	return node != NULL ? spread(binder, node, relation->partition_count, schema) : NULL;
}
