/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan: what EXPLAIN shows. As text a tree with one node a line, in Flink's manner:
 *
 *     Sink(table=[out], fields=[k, n])
 *     +- Project(select=[k, n])
 *        +- WindowAggregate(phase=[global], window=[TUMBLE(size=[10 s])], select=[COUNT(*)])
 *           +- Exchange(distribution=[hash[k]])
 *              +- Scan(table=[bids], fields=[k, ts], watermark=[ts - 5 s])
 *
 * then the stages: which nodes run in one chain, and how often. As JSON the same:
 *
 *     tree    {"type": "Sink", "parallelism": 1, "attributes": {"table": "out", "fields": "k, n"}, "inputs": [..]}
 *     stage   {"stage": 0, "parallelism": 1, "operators": ["Sink", "Project"], "reads": "Exchange", "inputs": [1]}
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "core/plan_attributes.h"

#define NODES_MAX 65536

struct printer {
	struct tr_arena *arena;
	const struct tr_plan *plan;
	struct tr_bytes out;
};

/* Trees. */

static void tree_text(struct printer *p, const struct tr_plan *plan, const struct tr_node *node, uint32_t depth)
{
	struct tr_plan_attribute attributes[TR_PLAN_ATTRIBUTES_MAX];
	const uint32_t count = tr_plan_attributes(p->arena, plan, node, attributes);

	if (depth > 0)
		tr_bytes_printf(&p->out, "%*s+- ", (int)(depth - 1) * 3, "");
	tr_bytes_append_str(&p->out, tr_plan_node_name(node));
	tr_bytes_append_char(&p->out, '(');
	for (uint32_t i = 0; i < count; i++) {
		tr_bytes_append_str(&p->out, i > 0 ? ", " : "");
		tr_bytes_append_str(&p->out, attributes[i].name);
		tr_bytes_append_str(&p->out, "=[");
		tr_bytes_append_str(&p->out, attributes[i].value);
		tr_bytes_append_char(&p->out, ']');
	}
	tr_bytes_append_str(&p->out, ")\n");
	for (uint32_t i = 0; i < node->input_count; i++)
		tree_text(p, plan, node->inputs[i], depth + 1);
}

static void tree_json(struct printer *p, const struct tr_plan *plan, const struct tr_node *node)
{
	struct tr_plan_attribute attributes[TR_PLAN_ATTRIBUTES_MAX];
	const uint32_t count = tr_plan_attributes(p->arena, plan, node, attributes);

	tr_bytes_printf(&p->out, "{\"type\":\"%s\"", tr_plan_node_name(node));
	if (node->uid != NULL) {
		tr_bytes_append_str(&p->out, ",\"uid\":");
		tr_text_append_json(&p->out, node->uid);
	}
	if (node->parallelism != 0)
		tr_bytes_printf(&p->out, ",\"parallelism\":%u", node->parallelism);
	tr_bytes_append_str(&p->out, ",\"attributes\":{");
	for (uint32_t i = 0; i < count; i++) {
		tr_bytes_printf(&p->out, "%s\"%s\":", i > 0 ? "," : "", attributes[i].name);
		tr_text_append_json(&p->out, attributes[i].value);
	}
	tr_bytes_append_str(&p->out, "},\"inputs\":[");
	for (uint32_t i = 0; i < node->input_count; i++) {
		tr_bytes_append_str(&p->out, i > 0 ? "," : "");
		tree_json(p, plan, node->inputs[i]);
	}
	tr_bytes_append_str(&p->out, "]}");
}

/* Stages, cut below exchanges and unions, as the builder does. */

struct stage {
	const struct tr_node *tail; /* the sink, or what the next stage's head reads */
	const struct tr_node *head;
	uint32_t first_input; /* the stages that it reads are neighbours */
};

static uint32_t find_stages(const struct tr_plan *plan, struct stage *stages)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < plan->sink_count; i++)
		stages[count++].tail = plan->sinks[i];
	for (uint32_t s = 0; s < count; s++) {
		const struct tr_node *head = stages[s].tail;

		while (!tr_plan_is_head(head))
			head = head->inputs[0];
		stages[s].head = head;
		stages[s].first_input = count;
		for (uint32_t i = 0; i < head->input_count; i++) {
			const struct tr_node *input = head->inputs[i];

			if (head->kind == TR_NODE_UNION && input->kind == TR_NODE_EXCHANGE)
				input = input->inputs[0];
			TR_ASSERT(count < NODES_MAX);
			stages[count++].tail = input;
		}
	}
	return count;
}

static void stages_text(struct printer *p, const struct stage *stages, uint32_t count)
{
	for (uint32_t s = 0; s < count; s++) {
		const struct tr_node *node = stages[s].tail, *head = stages[s].head;

		tr_bytes_printf(&p->out, "Stage %u (parallelism %u): ", s, node->parallelism);
		for (; node != head; node = node->inputs[0])
			tr_bytes_printf(&p->out, "%s <- ", tr_plan_node_name(node));
		tr_bytes_append_str(&p->out, tr_plan_node_name(head));
		for (uint32_t i = 0; i < head->input_count; i++)
			tr_bytes_printf(&p->out, "%s stage %u", i > 0 ? "," : " of", stages[s].first_input + i);
		tr_bytes_append_char(&p->out, '\n');
	}
}

static void stages_json(struct printer *p, const struct stage *stages, uint32_t count)
{
	for (uint32_t s = 0; s < count; s++) {
		const struct tr_node *node = stages[s].tail, *head = stages[s].head;

		tr_bytes_printf(&p->out, "%s{\"stage\":%u,\"parallelism\":%u,\"operators\":[", s > 0 ? "," : "", s,
				node->parallelism);
		for (; node != head; node = node->inputs[0])
			tr_bytes_printf(&p->out, "%s\"%s\"", node != stages[s].tail ? "," : "", tr_plan_node_name(node));
		tr_bytes_printf(&p->out, "],\"reads\":\"%s\",\"inputs\":[", tr_plan_node_name(head));
		for (uint32_t i = 0; i < head->input_count; i++)
			tr_bytes_printf(&p->out, "%s%u", i > 0 ? "," : "", stages[s].first_input + i);
		tr_bytes_append_str(&p->out, "]}");
	}
}

/* Whole plans. */

/* `plan` NULL: they are bound only. */
static void trees(struct printer *p, const struct tr_plan *plan, const struct tr_node *const *sinks, bool is_json)
{
	for (uint32_t i = 0; i < p->plan->sink_count; i++) {
		if (!is_json) {
			tree_text(p, plan, sinks[i], 0);
			continue;
		}
		tr_bytes_append_str(&p->out, i > 0 ? "," : "");
		tree_json(p, plan, sinks[i]);
	}
}

static void stages(struct printer *p, bool is_json)
{
	struct stage *list = calloc(NODES_MAX, sizeof(*list));
	uint32_t count;

	TR_ASSERT(list != NULL);
	count = find_stages(p->plan, list);
	(is_json ? stages_json : stages_text)(p, list, count);
	free(list);
}

static const char *explain(struct tr_arena *arena, const struct tr_node *const *bound, const struct tr_plan *plan,
			   bool is_json)
{
	static const char *const titles[2][4] = {
		{"== Abstract Syntax Tree ==\n", "\n== Optimized Execution Plan ==\n", "\n== Stages ==\n", ""},
		{"{\"tree\":[", "],\"plan\":[", "],\"stages\":[", "]}\n"}};
	struct printer p = {.arena = arena, .plan = plan};
	const char *text;

	tr_bytes_append_str(&p.out, titles[is_json][0]);
	trees(&p, NULL, bound, is_json);
	tr_bytes_append_str(&p.out, titles[is_json][1]);
	trees(&p, plan, plan->sinks, is_json);
	tr_bytes_append_str(&p.out, titles[is_json][2]);
	stages(&p, is_json);
	tr_bytes_append_str(&p.out, titles[is_json][3]);
	text = tr_arena_strndup(arena, p.out.data, p.out.length);
	tr_bytes_deinit(&p.out);
	return text;
}

const char *tr_plan_text(struct tr_arena *arena, const struct tr_node *const *bound, const struct tr_plan *plan)
{
	return explain(arena, bound, plan, false);
}

const char *tr_plan_json(struct tr_arena *arena, const struct tr_node *const *bound, const struct tr_plan *plan)
{
	return explain(arena, bound, plan, true);
}
