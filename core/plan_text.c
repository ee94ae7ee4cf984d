/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan: the text that EXPLAIN shows. A tree with one node a line, in Flink's manner:
 *
 *     Sink(table=[out], fields=[k, n])
 *     +- Project(select=[k, n])
 *        +- WindowAggregate(phase=[global], window=[TUMBLE(size=[10 s])], select=[COUNT(*)])
 *           +- Exchange(distribution=[hash[k]])
 *              +- Scan(table=[bids], fields=[k, ts], watermark=[ts - 5 s])
 *
 * then the stages: which nodes run in one chain, and how often.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/plan.h"

#define NODES_MAX 65536

struct printer {
	struct tr_arena *arena;
	const struct tr_plan *plan;
	FILE *out;
};

static const char *column_name(const struct tr_schema *schema, uint32_t column)
{
	return schema != NULL && column < schema->column_count ? schema->names[column] : "?";
}

static void print_fields(struct printer *p, const struct tr_schema *schema)
{
	for (uint32_t i = 0; i < schema->column_count; i++)
		fprintf(p->out, "%s%s", i > 0 ? ", " : "", schema->names[i]);
}

static void print_keys(struct printer *p, const struct tr_schema *schema, const uint32_t *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		fprintf(p->out, "%s%s", i > 0 ? ", " : "", column_name(schema, keys != NULL ? keys[i] : i));
}

/** "a", or "(a + 1) AS b" when the expression is not the column itself. */
static void print_exprs(struct printer *p, const struct tr_expr *const *exprs, const struct tr_schema *input,
			const struct tr_schema *output)
{
	for (uint32_t i = 0; i < output->column_count; i++) {
		const char *text = tr_expr_text_of(p->arena, exprs[i], input);

		fprintf(p->out, "%s%s", i > 0 ? ", " : "", text);
		if (strcmp(text, output->names[i]) != 0)
			fprintf(p->out, " AS %s", output->names[i]);
	}
}

static void print_duration(struct printer *p, const char *name, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};

	for (size_t i = 0; i < TR_COUNT_OF(units); i++) {
		if (ms % units[i].ms == 0) {
			fprintf(p->out, "%s=[%" PRId64 " %s]", name, ms / units[i].ms, units[i].unit);
			return;
		}
	}
}

static void print_window(struct printer *p, const struct tr_window_spec *w)
{
	static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
	static const char *const sizes[] = {"size", "size", "max_size", "gap"};

	if (w->is_attached) {
		fputs("window_start, window_end", p->out);
		return;
	}
	fprintf(p->out, "%s(", names[w->kind]);
	print_duration(p, sizes[w->kind], w->size_ms);
	if (w->kind == TR_WINDOW_HOP || w->kind == TR_WINDOW_CUMULATE) {
		fputs(", ", p->out);
		print_duration(p, w->kind == TR_WINDOW_HOP ? "slide" : "step", w->step_ms);
	}
	if (w->offset_ms != 0) {
		fputs(", ", p->out);
		print_duration(p, "offset", w->offset_ms);
	}
	fprintf(p->out, "%s)", w->is_processing_time ? ", PROCTIME" : "");
}

static void print_scan(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *physical = node->scan.table->schema;

	fprintf(p->out, "Scan(table=[%s], fields=[", node->scan.table->name);
	print_exprs(p, node->scan.exprs, physical, node->output);
	fputs("]", p->out);
	if (node->scan.table->needs != NULL) {
		uint32_t count = 0;

		fputs(", decoded=[", p->out);
		for (uint32_t i = 0; i < physical->column_count; i++)
			if (node->scan.table->needs[i] != NULL)
				fprintf(p->out, "%s%s", count++ > 0 ? ", " : "", physical->names[i]);
		fputs("]", p->out);
	}
	if (node->scan.watermark_expr != NULL)
		fprintf(p->out, ", watermark=[%s: %s]", node->scan.time_name != NULL ? node->scan.time_name : "?",
			tr_expr_text_of(p->arena, node->scan.watermark_expr, physical));
	fputs(")", p->out);
}

static void print_spill(struct printer *p, const struct tr_node *node)
{
	if (p->plan->memory_limit != 0 && tr_plan_has_memory_share(node))
		fprintf(p->out, ", spill=[beyond %" PRIu64 " kb]", (uint64_t)tr_plan_memory_share(p->plan) >> 10);
}

static void print_aggregate(struct printer *p, const struct tr_node *node)
{
	static const char *const phases[] = {"single", "local", "global"};
	const struct tr_schema *input = node->inputs[0]->output;
	const bool is_global = node->window.phase == TR_PHASE_GLOBAL;

	fprintf(p->out, "%s(phase=[%s]", node->window.window.is_whole ? "HashAggregate" : "WindowAggregate",
		phases[node->window.phase]);
	if (node->window.key_count > 0) {
		fputs(", groupBy=[", p->out);
		print_keys(p, input, is_global ? NULL : node->window.keys, node->window.key_count);
		fputs("]", p->out);
	}
	if (!node->window.window.is_whole) {
		fputs(", window=[", p->out);
		print_window(p, &node->window.window);
		fputs("]", p->out);
	}
	fputs(", select=[", p->out);
	for (uint32_t i = 0; i < node->window.agg_count; i++)
		fprintf(p->out, "%s%s", i > 0 ? ", " : "", node->window.aggs[i].text);
	fputs("]", p->out);
	print_spill(p, node);
	fputs(")", p->out);
}

static const char *sort_name(const struct tr_node *node)
{
	if (node->kind == TR_NODE_LIMIT)
		return "Limit";
	return tr_sort_rows_needed(&node->sort.spec) == TR_SORT_NO_LIMIT ? "Sort" : "SortLimit";
}

static void print_sort(struct printer *p, const struct tr_node *node)
{
	static const char *const phases[] = {"single", "local", "global"};
	const struct tr_sort_spec *spec = &node->sort.spec;
	const struct tr_schema *rows = node->sort.phase == TR_PHASE_GLOBAL ? node->output : node->inputs[0]->output;
	const char *comma = "";

	fprintf(p->out, "%s(", sort_name(node));
	if (node->kind == TR_NODE_SORT) {
		fprintf(p->out, "phase=[%s], orderBy=[", phases[node->sort.phase]);
		for (uint32_t i = 0; i < spec->key_count; i++)
			fprintf(p->out, "%s%s %s NULLS %s", i > 0 ? ", " : "", column_name(rows, spec->keys[i].column),
				spec->keys[i].is_descending ? "DESC" : "ASC",
				spec->keys[i].nulls_first ? "FIRST" : "LAST");
		fputs("]", p->out);
		comma = ", ";
	}
	if (spec->offset != 0) {
		fprintf(p->out, "%soffset=[%" PRIu64 "]", comma, spec->offset);
		comma = ", ";
	}
	if (spec->limit != TR_SORT_NO_LIMIT)
		fprintf(p->out, "%sfetch=[%" PRIu64 "]", comma, spec->limit);
	print_spill(p, node);
	fputs(")", p->out);
}

static void print_rank(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *input = node->inputs[0]->output;

	fputs("WindowRank(partitionBy=[", p->out);
	print_keys(p, input, node->rank.keys, node->rank.key_count);
	fputs("], orderBy=[", p->out);
	for (uint32_t i = 0; i < node->rank.order_count; i++) {
		const struct tr_order_key *key = &node->rank.order[i];

		fprintf(p->out, "%s%s %s%s", i > 0 ? ", " : "", column_name(input, key->column),
			key->is_descending ? "DESC" : "ASC",
			key->nulls_first != key->is_descending ? ""
			: key->nulls_first                     ? " NULLS FIRST"
							       : " NULLS LAST");
	}
	fprintf(p->out, "], ranks=[%" PRIu64 "..%" PRIu64 "]%s)", node->rank.from, node->rank.to,
		node->rank.has_number ? ", with number" : "");
}

static void print_unnest(struct printer *p, const struct tr_node *node)
{
	const struct tr_unnest *u = &node->unnest;
	const struct tr_node *input = node->inputs[0];
	const char *list = column_name(input->output, u->list);

	if (input->kind == TR_NODE_PROJECT)
		list = tr_expr_text_of(p->arena, input->project.exprs[u->list], input->inputs[0]->output);
	fprintf(p->out, "Correlate(invocation=[UNNEST(%s)%s], joinType=[%s], select=[", list,
		u->has_ordinality ? " WITH ORDINALITY" : "", u->is_outer ? "LEFT" : "INNER");
	print_fields(p, node->output);
	fputs("])", p->out);
}

/** Of each set its id, and the columns that are NULL in its rows. */
static void print_expand(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *input = node->inputs[0]->output;

	fputs("Expand(sets=[", p->out);
	for (uint32_t s = 0; s < node->expand.set_count; s++) {
		const struct tr_expand_set *set = &node->expand.sets[s];
		uint32_t count = 0;

		fprintf(p->out, "%s{", s > 0 ? ", " : "");
		for (uint32_t i = 0; i < input->column_count; i++)
			if (set->is_null[i])
				fprintf(p->out, "%s%s=null", count++ > 0 ? ", " : "", input->names[i]);
		fprintf(p->out, "%s%s=%" PRId64 "}", count > 0 ? ", " : "", node->output->names[input->column_count],
			set->id);
	}
	fputs("])", p->out);
}

static void print_exchange(struct printer *p, const struct tr_node *node)
{
	switch (node->exchange.kind) {
	case TR_EXCHANGE_FORWARD: fputs("Exchange(distribution=[forward])", p->out); return;
	case TR_EXCHANGE_REBALANCE: fputs("Exchange(distribution=[rebalance])", p->out); return;
	case TR_EXCHANGE_GATHER: fputs("Exchange(distribution=[single])", p->out); return;
	case TR_EXCHANGE_HASH:
		fputs("Exchange(distribution=[hash[", p->out);
		print_keys(p, node->inputs[0]->output, node->exchange.keys, node->exchange.key_count);
		fputs("]])", p->out);
		return;
	}
}

static void print_node(struct printer *p, const struct tr_node *node)
{
	const struct tr_schema *input = node->input_count > 0 ? node->inputs[0]->output : NULL;

	switch (node->kind) {
	case TR_NODE_SCAN: print_scan(p, node); return;
	case TR_NODE_VALUES: fprintf(p->out, "Values(rows=[%u])", node->values.row_count); return;
	case TR_NODE_FILTER:
		fprintf(p->out, "Filter(where=[%s])", tr_expr_text_of(p->arena, node->filter.condition, input));
		return;
	case TR_NODE_PROJECT:
		fputs("Project(select=[", p->out);
		print_exprs(p, node->project.exprs, input, node->output);
		fputs("]", p->out);
		if (node->project.condition != NULL)
			fprintf(p->out, ", where=[%s]", tr_expr_text_of(p->arena, node->project.condition, input));
		fputs(")", p->out);
		return;
	case TR_NODE_UNION:
		fputs("Union(fields=[", p->out);
		print_fields(p, node->output);
		fputs("])", p->out);
		return;
	case TR_NODE_UNNEST: print_unnest(p, node); return;
	case TR_NODE_WINDOW_TABLE:
		fputs("WindowTableFunction(window=[", p->out);
		print_window(p, &node->window.window);
		fputs("])", p->out);
		return;
	case TR_NODE_EXPAND: print_expand(p, node); return;
	case TR_NODE_WINDOW_AGGREGATE: print_aggregate(p, node); return;
	case TR_NODE_WINDOW_RANK: print_rank(p, node); return;
	case TR_NODE_SORT:
	case TR_NODE_LIMIT: print_sort(p, node); return;
	case TR_NODE_EXCHANGE: print_exchange(p, node); return;
	case TR_NODE_SINK:
		fprintf(p->out, "Sink(table=[%s], fields=[", node->sink.table->name);
		print_fields(p, input);
		fputs("])", p->out);
		return;
	}
}

struct visit {
	const struct tr_node *node;
	uint32_t depth;
};

static void print_tree(struct printer *p, const struct tr_plan *plan, struct visit *stack)
{
	uint32_t count = 0;

	for (uint32_t i = plan->sink_count; i-- > 0;)
		stack[count++] = (struct visit){plan->sinks[i], 0};
	while (count > 0) {
		const struct visit visit = stack[--count];

		if (visit.depth > 0)
			fprintf(p->out, "%*s+- ", (int)(visit.depth - 1) * 3, "");
		print_node(p, visit.node);
		fputc('\n', p->out);
		for (uint32_t i = visit.node->input_count; i-- > 0;) {
			TR_ASSERT(count < NODES_MAX);
			stack[count++] = (struct visit){visit.node->inputs[i], visit.depth + 1};
		}
	}
}

static const char *kind_name(const struct tr_node *node)
{
	static const char *const names[] = {
		[TR_NODE_SCAN] = "Scan",
		[TR_NODE_VALUES] = "Values",
		[TR_NODE_FILTER] = "Filter",
		[TR_NODE_PROJECT] = "Project",
		[TR_NODE_UNION] = "Union",
		[TR_NODE_UNNEST] = "Correlate",
		[TR_NODE_WINDOW_TABLE] = "WindowTableFunction",
		[TR_NODE_EXPAND] = "Expand",
		[TR_NODE_WINDOW_AGGREGATE] = "WindowAggregate",
		[TR_NODE_WINDOW_RANK] = "WindowRank",
		[TR_NODE_SORT] = "Sort",
		[TR_NODE_LIMIT] = "Limit",
		[TR_NODE_EXCHANGE] = "Exchange",
		[TR_NODE_SINK] = "Sink",
	};

	if (node->kind == TR_NODE_WINDOW_AGGREGATE && node->window.window.is_whole)
		return "HashAggregate";
	if (node->kind == TR_NODE_SORT)
		return sort_name(node);
	return names[node->kind];
}

/** A line per stage: its chain from head to tail. Stages are cut below exchanges and unions, as the builder does. */
static void print_stages(struct printer *p, const struct tr_plan *plan, struct visit *stack)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < plan->sink_count; i++)
		stack[count++] = (struct visit){plan->sinks[i], 0};
	for (uint32_t s = 0; s < count; s++) {
		const struct tr_node *node = stack[s].node;

		fprintf(p->out, "Stage %u (parallelism %u): ", s, node->parallelism);
		while (node->kind != TR_NODE_SCAN && node->kind != TR_NODE_VALUES && node->kind != TR_NODE_UNION &&
		       node->kind != TR_NODE_EXCHANGE) {
			fprintf(p->out, "%s <- ", kind_name(node));
			node = node->inputs[0];
		}
		if (node->kind == TR_NODE_SCAN || node->kind == TR_NODE_VALUES) {
			fprintf(p->out, "%s\n", kind_name(node));
			continue;
		}
		fputs(node->kind == TR_NODE_UNION ? "Union of" : "Exchange of", p->out);
		for (uint32_t i = 0; i < node->input_count; i++) {
			const struct tr_node *input = node->inputs[i];

			if (node->kind == TR_NODE_UNION && input->kind == TR_NODE_EXCHANGE)
				input = input->inputs[0];
			TR_ASSERT(count < NODES_MAX);
			fprintf(p->out, "%s stage %u", i > 0 ? "," : "", count);
			stack[count++] = (struct visit){input, 0};
		}
		fputc('\n', p->out);
	}
}

static const char *plan_text(struct tr_arena *arena, const struct tr_plan *plan, bool has_stages)
{
	struct visit *stack = calloc(NODES_MAX, sizeof(*stack));
	struct printer p = {.arena = arena, .plan = plan};
	char *text = NULL;
	size_t length = 0;
	const char *result;

	TR_ASSERT(stack != NULL && plan != NULL);
	p.out = open_memstream(&text, &length);
	TR_ASSERT(p.out != NULL);
	print_tree(&p, plan, stack);
	if (has_stages) {
		fputs("\n== Stages ==\n", p.out);
		print_stages(&p, plan, stack);
	}
	(void)fclose(p.out);
	result = tr_arena_strndup(arena, text, length);
	free(text);
	free(stack);
	return result;
}

const char *tr_plan_text(struct tr_arena *arena, const struct tr_plan *plan) { return plan_text(arena, plan, true); }

const char *tr_plan_tree_text(struct tr_arena *arena, const struct tr_plan *plan)
{
	return plan_text(arena, plan, false);
}
