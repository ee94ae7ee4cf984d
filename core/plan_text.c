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
 * A node with several readers stands below the first of them, with "(reuse_id=[1])" behind it; the others have "Reused(reference_id=[1])"
 * in its place. Then the stages: which nodes run in one chain, and how often. Where a node has several readers in its chain they stand
 * in braces, a reader in another stage as that stage:
 *
 *     Stage 2 (parallelism 4): {Sink <- Project | stage 0} <- Filter <- Scan
 *
 * As JSON the same; a branch of several is a list in a list:
 *
 *     tree    {"type": "Sink", "parallelism": 1, "attributes": {"table": "out", "fields": "k, n"}, "inputs": [..]}
 *     shared  {"type": "Scan", .., "reuse_id": 1, "readers": 2}, and for the other readers {"reference_id": 1}
 *     stage   {"stage": 0, "parallelism": 1, "operators": ["Sink", "Project"], "reads": "Exchange", "inputs": [1]}
 *             {"stage": 2, .., "operators": [[["Sink", "Project"], [0]], "Filter"], "reads": "Scan", "inputs": []}
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "core/plan_attributes.h"
#include "core/plan_stages.h"

struct printer {
	struct tr_arena *arena;
	const struct tr_plan *plan;
	struct tr_bytes out;
	uint32_t *readers;   /* by node of the plan: how many read it */
	uint32_t *reuse_ids; /* by node of the plan: 0: not printed yet, or read once */
	uint32_t reuse_count;
};

/* Trees. */

/** Numbers a shared node when it is printed first. False: it has been. `plan` NULL: nothing is shared. */
static bool is_first(struct printer *p, const struct tr_plan *plan, const struct tr_node *node, uint32_t *reuse_id)
{
	*reuse_id = 0;
	if (plan == NULL || p->readers[node->id] < 2)
		return true;
	*reuse_id = p->reuse_ids[node->id];
	if (*reuse_id != 0)
		return false;
	*reuse_id = p->reuse_ids[node->id] = ++p->reuse_count;
	return true;
}

static void tree_text(struct printer *p, const struct tr_plan *plan, const struct tr_node *node, uint32_t depth)
{
	struct tr_plan_attribute attributes[TR_PLAN_ATTRIBUTES_MAX];
	uint32_t count, reuse_id;

	if (depth > 0)
		tr_bytes_printf(&p->out, "%*s+- ", (int)(depth - 1) * 3, "");
	if (!is_first(p, plan, node, &reuse_id)) {
		tr_bytes_printf(&p->out, "Reused(reference_id=[%u])\n", reuse_id);
		return;
	}
	count = tr_plan_attributes(p->arena, plan, node, attributes);
	tr_bytes_append_str(&p->out, tr_plan_node_name(node));
	tr_bytes_append_char(&p->out, '(');
	for (uint32_t i = 0; i < count; i++) {
		tr_bytes_append_str(&p->out, i > 0 ? ", " : "");
		tr_bytes_append_str(&p->out, attributes[i].name);
		tr_bytes_append_str(&p->out, "=[");
		tr_bytes_append_str(&p->out, attributes[i].value);
		tr_bytes_append_char(&p->out, ']');
	}
	tr_bytes_append_char(&p->out, ')');
	if (reuse_id != 0)
		tr_bytes_printf(&p->out, "(reuse_id=[%u])", reuse_id);
	tr_bytes_append_char(&p->out, '\n');
	for (uint32_t i = 0; i < node->input_count; i++)
		tree_text(p, plan, node->inputs[i], depth + 1);
}

static void tree_json(struct printer *p, const struct tr_plan *plan, const struct tr_node *node)
{
	struct tr_plan_attribute attributes[TR_PLAN_ATTRIBUTES_MAX];
	uint32_t count, reuse_id;

	if (!is_first(p, plan, node, &reuse_id)) {
		tr_bytes_printf(&p->out, "{\"reference_id\":%u}", reuse_id);
		return;
	}
	count = tr_plan_attributes(p->arena, plan, node, attributes);
	tr_bytes_printf(&p->out, "{\"type\":\"%s\"", tr_plan_node_name(node));
	if (reuse_id != 0)
		tr_bytes_printf(&p->out, ",\"reuse_id\":%u,\"readers\":%u", reuse_id, p->readers[node->id]);
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

/* Stages. */

/** Whether the stage goes to several places, which are named then. */
static bool has_branches(const struct tr_plan_stage *stage)
{
	bool has = stage->head_readers > 1;

	for (uint32_t i = 0; i < stage->step_count; i++)
		has |= stage->steps[i].reader_count > 1;
	return has;
}

/** The steps behind `from` (-1: the head) and what is behind them, tails first. */
static void steps_text(struct printer *p, const struct tr_plan_stages *cut, const struct tr_plan_stage *stage,
		       int32_t from, uint32_t reader_count)
{
	uint32_t at = 0;

	tr_bytes_append_str(&p->out, reader_count > 1 ? "{" : "");
	for (uint32_t i = (uint32_t)(from + 1); i < stage->step_count; i++) {
		const struct tr_plan_step *step = &stage->steps[i];

		if (step->from != from)
			continue;
		tr_bytes_append_str(&p->out, at++ > 0 ? " | " : "");
		if (step->node == NULL && has_branches(stage))
			tr_bytes_printf(&p->out, "stage %u", cut->edges[step->edge].consumer);
		if (step->node == NULL)
			continue;
		steps_text(p, cut, stage, (int32_t)i, step->reader_count);
		tr_bytes_append_str(&p->out, tr_plan_node_name(step->node));
	}
	tr_bytes_append_str(&p->out, reader_count > 1 ? "}" : "");
	if (has_branches(stage) ? at > 0 : at > 0 && stage->steps[from + 1].node != NULL)
		tr_bytes_append_str(&p->out, " <- ");
}

static void stages_text(struct printer *p, const struct tr_plan_stages *cut)
{
	for (uint32_t s = 0; s < cut->stage_count; s++) {
		const struct tr_plan_stage *stage = &cut->stages[s];

		tr_bytes_printf(&p->out, "Stage %u (parallelism %u): ", s, stage->head->parallelism);
		steps_text(p, cut, stage, -1, stage->head_readers);
		tr_bytes_append_str(&p->out,
				    stage->head->kind == TR_NODE_OPERATOR ? "Inputs" : tr_plan_node_name(stage->head));
		for (uint32_t i = 0; i < stage->input_count; i++)
			tr_bytes_printf(&p->out, "%s stage %u", i > 0 ? "," : " of",
					cut->edges[stage->inputs[i]].producer);
		tr_bytes_append_char(&p->out, '\n');
	}
}

/** Items of a list of operators. Returns how many. */
static uint32_t steps_json(struct printer *p, const struct tr_plan_stages *cut, const struct tr_plan_stage *stage,
			   int32_t from, uint32_t reader_count)
{
	uint32_t at = 0, items = 0;

	tr_bytes_append_str(&p->out, reader_count > 1 ? "[" : "");
	for (uint32_t i = (uint32_t)(from + 1); i < stage->step_count; i++) {
		const struct tr_plan_step *step = &stage->steps[i];

		if (step->from != from)
			continue;
		tr_bytes_append_str(&p->out, at++ > 0 ? "," : "");
		tr_bytes_append_str(&p->out, reader_count > 1 ? "[" : "");
		if (step->node == NULL && has_branches(stage)) {
			tr_bytes_printf(&p->out, "%u", cut->edges[step->edge].consumer);
			items = 1;
		}
		if (step->node != NULL) {
			items = steps_json(p, cut, stage, (int32_t)i, step->reader_count);
			tr_bytes_printf(&p->out, "%s\"%s\"", items > 0 ? "," : "", tr_plan_node_name(step->node));
			items++;
		}
		tr_bytes_append_str(&p->out, reader_count > 1 ? "]" : "");
	}
	tr_bytes_append_str(&p->out, reader_count > 1 ? "]" : "");
	return reader_count > 1 ? 1 : items;
}

static void stages_json(struct printer *p, const struct tr_plan_stages *cut)
{
	for (uint32_t s = 0; s < cut->stage_count; s++) {
		const struct tr_plan_stage *stage = &cut->stages[s];

		tr_bytes_printf(&p->out, "%s{\"stage\":%u,\"parallelism\":%u,\"operators\":[", s > 0 ? "," : "", s,
				stage->head->parallelism);
		(void)steps_json(p, cut, stage, -1, stage->head_readers);
		tr_bytes_printf(&p->out, "],\"reads\":\"%s\",\"inputs\":[", tr_plan_node_name(stage->head));
		for (uint32_t i = 0; i < stage->input_count; i++)
			tr_bytes_printf(&p->out, "%s%u", i > 0 ? "," : "", cut->edges[stage->inputs[i]].producer);
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
	struct tr_plan_stages cut;

	tr_plan_stages_make(p->arena, p->plan, &cut);
	(is_json ? stages_json : stages_text)(p, &cut);
}

static void count_readers(struct printer *p)
{
	const struct tr_plan *plan = p->plan;

	p->readers = TR_NEW_ARRAY(p->arena, plan->node_count + 1, uint32_t);
	p->reuse_ids = TR_NEW_ARRAY(p->arena, plan->node_count + 1, uint32_t);
	for (uint32_t i = 0; i < plan->node_count; i++)
		for (uint32_t k = 0; k < plan->nodes[i]->input_count; k++)
			p->readers[plan->nodes[i]->inputs[k]->id]++;
}

static const char *explain(struct tr_arena *arena, const struct tr_node *const *bound, const struct tr_plan *plan,
			   bool is_json)
{
	static const char *const titles[2][4] = {
		{"== Abstract Syntax Tree ==\n", "\n== Optimized Execution Plan ==\n", "\n== Stages ==\n", ""},
		{"{\"tree\":[", "],\"plan\":[", "],\"stages\":[", "]}\n"}};
	struct printer p = {.arena = arena, .plan = plan};
	const char *text;

	count_readers(&p);
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
