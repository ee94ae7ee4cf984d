/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Each attribute is begun, written piece by piece, and ended.
 */
#include "core/plan_attributes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

struct printer {
	struct tr_arena *arena;
	const struct tr_plan *plan;
	struct tr_plan_attribute *attributes;
	uint32_t count;
	struct tr_bytes value; /* of the attribute that has been begun */
	bool has_items;
};

static void begin(struct printer *p, const char *name)
{
	TR_ASSERT(p->count < TR_PLAN_ATTRIBUTES_MAX);
	p->attributes[p->count].name = name;
	tr_bytes_clear(&p->value);
	p->has_items = false;
}

static void end(struct printer *p)
{
	p->attributes[p->count++].value =
		tr_arena_strndup(p->arena, p->value.length > 0 ? p->value.data : "", p->value.length);
}

/** One more of a list. */
static void item(struct printer *p, const char *text)
{
	tr_bytes_append_str(&p->value, p->has_items ? ", " : "");
	tr_bytes_append_str(&p->value, text);
	p->has_items = true;
}

static void attribute(struct printer *p, const char *name, const char *value)
{
	begin(p, name);
	tr_bytes_append_str(&p->value, value);
	end(p);
}

static void number(struct printer *p, const char *name, uint64_t value)
{
	begin(p, name);
	tr_bytes_printf(&p->value, "%" PRIu64, value);
	end(p);
}

static const char *column_name(const struct tr_schema *schema, uint32_t column)
{
	return schema != NULL && column < schema->column_count ? schema->names[column] : "?";
}

static void fields(struct printer *p, const char *name, const struct tr_schema *schema)
{
	begin(p, name);
	for (uint32_t i = 0; i < schema->column_count; i++)
		item(p, schema->names[i]);
	end(p);
}

static void key_items(struct printer *p, const struct tr_schema *schema, const uint32_t *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		item(p, column_name(schema, keys != NULL ? keys[i] : i));
}

/** "a", or "(a + 1) AS b" when the expression is not the column itself. */
static void exprs(struct printer *p, const char *name, const struct tr_expr *const *list, const struct tr_schema *input,
		  const struct tr_schema *output)
{
	begin(p, name);
	for (uint32_t i = 0; i < output->column_count; i++) {
		const char *text = tr_expr_text_of(p->arena, list[i], input);

		item(p, text);
		if (strcmp(text, output->names[i]) != 0)
			tr_bytes_printf(&p->value, " AS %s", output->names[i]);
	}
	end(p);
}

static void condition(struct printer *p, const struct tr_expr *expr, const struct tr_schema *input)
{
	if (expr != NULL)
		attribute(p, "where", tr_expr_text_of(p->arena, expr, input));
}

static void duration(struct printer *p, const char *name, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	item(p, name);
	tr_bytes_printf(&p->value, "=[%" PRId64 " %s]", ms / units[i].ms, units[i].unit);
}

static void window(struct printer *p, const struct tr_window_spec *w)
{
	static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
	static const char *const sizes[] = {"size", "size", "max_size", "gap"};

	if (w->is_attached) {
		attribute(p, "window", "window_start, window_end");
		return;
	}
	begin(p, "window");
	tr_bytes_printf(&p->value, "%s(", names[w->kind]);
	duration(p, sizes[w->kind], w->size_ms);
	if (w->kind == TR_WINDOW_HOP || w->kind == TR_WINDOW_CUMULATE)
		duration(p, w->kind == TR_WINDOW_HOP ? "slide" : "step", w->step_ms);
	if (w->offset_ms != 0)
		duration(p, "offset", w->offset_ms);
	tr_bytes_append_str(&p->value, w->is_processing_time ? ", PROCTIME)" : ")");
	end(p);
}

static const char *phase_name(enum tr_aggregate_phase phase)
{
	static const char *const names[] = {"single", "local", "global"};

	return names[phase];
}

/* Node by node. */

static void scan(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *physical = node->scan.table->schema;

	attribute(p, "table", node->scan.table->name);
	exprs(p, "fields", node->scan.exprs, physical, node->output);
	if (node->scan.table->needs != NULL) {
		begin(p, "decoded");
		for (uint32_t i = 0; i < physical->column_count; i++)
			if (node->scan.table->needs[i] != NULL)
				item(p, physical->names[i]);
		end(p);
	}
	if (node->scan.watermark_expr != NULL) {
		begin(p, "watermark");
		tr_bytes_printf(&p->value, "%s: %s", node->scan.time_name != NULL ? node->scan.time_name : "?",
				tr_expr_text_of(p->arena, node->scan.watermark_expr, physical));
		end(p);
	}
}

static void spill(struct printer *p, const struct tr_node *node)
{
	if (p->plan == NULL || p->plan->memory_limit == 0 || !tr_plan_has_memory_share(node))
		return;
	begin(p, "spill");
	tr_bytes_printf(&p->value, "beyond %" PRIu64 " kb", (uint64_t)tr_plan_memory_share(p->plan) >> 10);
	end(p);
}

static void aggregate(struct printer *p, const struct tr_node *node)
{
	attribute(p, "phase", phase_name(node->window.phase));
	if (node->window.key_count > 0) {
		begin(p, "groupBy");
		key_items(p, node->inputs[0]->output, node->window.phase == TR_PHASE_GLOBAL ? NULL : node->window.keys,
			  node->window.key_count);
		end(p);
	}
	if (!node->window.window.is_whole)
		window(p, &node->window.window);
	begin(p, "select");
	for (uint32_t i = 0; i < node->window.agg_count; i++)
		item(p, node->window.aggs[i].text);
	end(p);
	spill(p, node);
}

static void sort(struct printer *p, const struct tr_node *node)
{
	const struct tr_sort_spec *spec = &node->sort.spec;
	const struct tr_schema *rows = node->sort.phase == TR_PHASE_GLOBAL ? node->output : node->inputs[0]->output;

	if (node->kind == TR_NODE_SORT) {
		attribute(p, "phase", phase_name(node->sort.phase));
		begin(p, "orderBy");
		for (uint32_t i = 0; i < spec->key_count; i++) {
			item(p, column_name(rows, spec->keys[i].column));
			tr_bytes_printf(&p->value, " %s NULLS %s", spec->keys[i].is_descending ? "DESC" : "ASC",
					spec->keys[i].nulls_first ? "FIRST" : "LAST");
		}
		end(p);
	}
	if (spec->offset != 0)
		number(p, "offset", spec->offset);
	if (spec->limit != TR_SORT_NO_LIMIT)
		number(p, "fetch", spec->limit);
	spill(p, node);
}

static void rank(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *input = node->inputs[0]->output;

	begin(p, "partitionBy");
	key_items(p, input, node->rank.keys, node->rank.key_count);
	end(p);
	begin(p, "orderBy");
	for (uint32_t i = 0; i < node->rank.order_count; i++) {
		const struct tr_order_key *key = &node->rank.order[i];

		item(p, column_name(input, key->column));
		tr_bytes_printf(&p->value, " %s%s", key->is_descending ? "DESC" : "ASC",
				key->nulls_first != key->is_descending ? ""
				: key->nulls_first                     ? " NULLS FIRST"
								       : " NULLS LAST");
	}
	end(p);
	begin(p, "ranks");
	tr_bytes_printf(&p->value, "%" PRIu64 "..", node->rank.from);
	if (node->rank.to != UINT64_MAX)
		tr_bytes_printf(&p->value, "%" PRIu64, node->rank.to);
	tr_bytes_printf(&p->value, "%s", node->rank.has_number ? ", with number" : "");
	end(p);
	spill(p, node);
}

static void unnest(struct printer *p, const struct tr_node *node)
{
	const struct tr_unnest *u = &node->unnest;
	const struct tr_node *input = node->inputs[0];
	const char *list = column_name(input->output, u->list);

	if (input->kind == TR_NODE_PROJECT)
		list = tr_expr_text_of(p->arena, input->project.exprs[u->list], input->inputs[0]->output);
	begin(p, "invocation");
	tr_bytes_append_str(&p->value, "UNNEST(");
	tr_bytes_append_str(&p->value, list);
	tr_bytes_append_str(&p->value, u->has_ordinality ? ") WITH ORDINALITY" : ")");
	end(p);
	attribute(p, "joinType", u->is_outer ? "LEFT" : "INNER");
	fields(p, "select", node->output);
}

/** Of each set its id, and the columns that are NULL in its rows. */
static void expand(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *input = node->inputs[0]->output;

	begin(p, "sets");
	for (uint32_t s = 0; s < node->expand.set_count; s++) {
		const struct tr_expand_set *set = &node->expand.sets[s];

		item(p, "{");
		for (uint32_t i = 0; i < input->column_count; i++)
			if (set->is_null[i])
				tr_bytes_printf(&p->value, "%s=null, ", input->names[i]);
		tr_bytes_printf(&p->value, "%s=%" PRId64 "}", node->output->names[input->column_count], set->id);
	}
	end(p);
}

static void operator(struct printer *p, const struct tr_node *node)
{
	if (node->name != NULL)
		attribute(p, "name", node->name);
	for (uint32_t i = 0; node->custom.keys != NULL && i < node->input_count; i++) {
		begin(p, i == 0 ? "keyBy" : "andBy");
		key_items(p, node->inputs[i]->output, node->custom.keys[i].columns, node->custom.keys[i].count);
		end(p);
	}
	fields(p, "fields", node->output);
}

static void side_output(struct printer *p, const struct tr_node *node)
{
	attribute(p, "tag", node->inputs[0]->custom.op->sides[node->side.index].tag);
	fields(p, "fields", node->output);
}

static void exchange(struct printer *p, const struct tr_node *node)
{
	begin(p, "distribution");
	switch (node->exchange.kind) {
	case TR_EXCHANGE_FORWARD: item(p, "forward"); break;
	case TR_EXCHANGE_REBALANCE: item(p, "rebalance"); break;
	case TR_EXCHANGE_GATHER: item(p, "single"); break;
	case TR_EXCHANGE_BROADCAST: item(p, "broadcast"); break;
	case TR_EXCHANGE_SHUFFLE: item(p, "shuffle"); break;
	case TR_EXCHANGE_RESCALE: item(p, "rescale"); break;
	case TR_EXCHANGE_CUSTOM: item(p, "custom"); break;
	case TR_EXCHANGE_HASH:
		tr_bytes_append_str(&p->value, "hash[");
		key_items(p, node->inputs[0]->output, node->exchange.keys, node->exchange.key_count);
		tr_bytes_append_str(&p->value, "]");
		break;
	}
	end(p);
}

uint32_t tr_plan_attributes(struct tr_arena *arena, const struct tr_plan *plan, const struct tr_node *node,
			    struct tr_plan_attribute attributes[TR_PLAN_ATTRIBUTES_MAX])
{
	struct printer p = {.arena = arena, .plan = plan, .attributes = attributes};
	const struct tr_schema *input = node->input_count > 0 ? node->inputs[0]->output : NULL;

	switch (node->kind) {
	case TR_NODE_SCAN: scan(&p, node); break;
	case TR_NODE_VALUES: number(&p, "rows", node->values.row_count); break;
	case TR_NODE_FILTER: condition(&p, node->filter.condition, input); break;
	case TR_NODE_PROJECT:
		exprs(&p, "select", node->project.exprs, input, node->output);
		condition(&p, node->project.condition, input);
		break;
	case TR_NODE_UNION: fields(&p, "fields", node->output); break;
	case TR_NODE_UNNEST: unnest(&p, node); break;
	case TR_NODE_EXPAND: expand(&p, node); break;
	case TR_NODE_WINDOW_TABLE: window(&p, &node->window.window); break;
	case TR_NODE_WINDOW_AGGREGATE: aggregate(&p, node); break;
	case TR_NODE_WINDOW_RANK: rank(&p, node); break;
	case TR_NODE_SORT:
	case TR_NODE_LIMIT: sort(&p, node); break;
	case TR_NODE_OPERATOR: operator(&p, node); break;
	case TR_NODE_SIDE_OUTPUT: side_output(&p, node); break;
	case TR_NODE_EXCHANGE: exchange(&p, node); break;
	case TR_NODE_SINK:
		attribute(&p, "table", node->sink.table->name);
		fields(&p, "fields", input);
		break;
	}
	if (plan != NULL && plan->shows_changes) /* all rows are inserts so far */
		attribute(&p, "changelogMode", node->kind == TR_NODE_SINK ? "NONE" : "I");
	tr_bytes_deinit(&p.value);
	return p.count;
}

const char *tr_plan_node_name(const struct tr_node *node)
{
	static const char *const names[] = {
		[TR_NODE_SCAN] = "Scan",
		[TR_NODE_VALUES] = "Values",
		[TR_NODE_FILTER] = "Filter",
		[TR_NODE_PROJECT] = "Project",
		[TR_NODE_UNION] = "Union",
		[TR_NODE_UNNEST] = "Correlate",
		[TR_NODE_EXPAND] = "Expand",
		[TR_NODE_WINDOW_TABLE] = "WindowTableFunction",
		[TR_NODE_WINDOW_AGGREGATE] = "WindowAggregate",
		[TR_NODE_WINDOW_RANK] = "WindowRank",
		[TR_NODE_SORT] = "Sort",
		[TR_NODE_LIMIT] = "Limit",
		[TR_NODE_OPERATOR] = "Operator",
		[TR_NODE_SIDE_OUTPUT] = "SideOutput",
		[TR_NODE_EXCHANGE] = "Exchange",
		[TR_NODE_SINK] = "Sink",
	};

	if (node->kind == TR_NODE_WINDOW_AGGREGATE && node->window.window.is_whole)
		return "HashAggregate";
	if (node->kind == TR_NODE_WINDOW_RANK && node->rank.window.is_whole)
		return "Rank";
	if (node->kind == TR_NODE_OPERATOR)
		return node->custom.op->title;
	if (node->kind == TR_NODE_SORT && tr_sort_rows_needed(&node->sort.spec) != TR_SORT_NO_LIMIT)
		return "SortLimit";
	return names[node->kind];
}

bool tr_plan_is_head(const struct tr_node *node)
{
	return node->kind == TR_NODE_SCAN || node->kind == TR_NODE_VALUES || node->kind == TR_NODE_UNION ||
	       node->kind == TR_NODE_EXCHANGE || (node->kind == TR_NODE_OPERATOR && node->input_count > 1);
}
