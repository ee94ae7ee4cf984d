/* SPDX-License-Identifier: Apache-2.0
 *
 * See plan_stages.h. Who reads a node is turned round first; then stages are found by their heads, edges by who reads them, and at last
 * the stages are put in order: first those that nobody reads, then each when the last of its readers has its place.
 */
#include "core/plan_stages.h"

#include <string.h>

#include "base/check.h"
#include "core/plan_attributes.h"

#define NONE UINT32_MAX

struct reader {
	const struct tr_node *node;
	uint32_t input;
};

struct cutter {
	struct tr_arena *arena;
	const struct tr_plan *plan;
	struct reader *readers; /* of node i: readers[first_reader[i]] .. [first_reader[i + 1] - 1] */
	uint32_t *first_reader; /* by node */
	uint32_t *stage_of;     /* by node: the stage that it heads, or NONE */
	uint32_t *first_edge;   /* by node: of a UNION's inputs, or of an EXCHANGE that others read; or NONE */
	struct tr_plan_stages *made;
	struct tr_plan_step *steps; /* of the stage in hand */
	uint32_t step_count;
};

static void find_readers(struct cutter *c)
{
	const struct tr_plan *plan = c->plan;
	uint32_t *at = TR_NEW_ARRAY(c->arena, plan->node_count + 1, uint32_t);

	c->first_reader = TR_NEW_ARRAY(c->arena, plan->node_count + 2, uint32_t);
	for (uint32_t i = 0; i < plan->node_count; i++)
		for (uint32_t k = 0; k < plan->nodes[i]->input_count; k++)
			c->first_reader[plan->nodes[i]->inputs[k]->id + 1]++;
	for (uint32_t i = 0; i < plan->node_count; i++) {
		c->first_reader[i + 1] += c->first_reader[i];
		at[i] = c->first_reader[i];
	}
	c->readers = TR_NEW_ARRAY(c->arena, c->first_reader[plan->node_count] + 1, struct reader);
	for (uint32_t i = 0; i < plan->node_count; i++)
		for (uint32_t k = 0; k < plan->nodes[i]->input_count; k++)
			c->readers[at[plan->nodes[i]->inputs[k]->id]++] = (struct reader){plan->nodes[i], k};
}

/** Whether each input of a node is an edge of its own. */
static bool joins_edges(const struct tr_node *node)
{
	return node->kind == TR_NODE_UNION || (node->kind == TR_NODE_OPERATOR && node->input_count > 1);
}

/** Whether a stage begins with the node. An EXCHANGE that only unions and the like read is no more than edges of theirs. */
static bool begins_stage(const struct cutter *c, const struct tr_node *node)
{
	if (node->kind != TR_NODE_EXCHANGE)
		return tr_plan_is_head(node);
	for (uint32_t r = c->first_reader[node->id]; r < c->first_reader[node->id + 1]; r++)
		if (!joins_edges(c->readers[r].node))
			return true;
	return false;
}

/** The stage that runs a node. */
static uint32_t stage_of(const struct cutter *c, const struct tr_node *node)
{
	while (!tr_plan_is_head(node))
		node = node->inputs[0];
	TR_ASSERT(c->stage_of[node->id] != NONE);
	return c->stage_of[node->id];
}

static uint32_t edge_add(struct cutter *c, uint32_t consumer, uint32_t input, const struct tr_node *read)
{
	const bool is_exchange = read->kind == TR_NODE_EXCHANGE;

	TR_ASSERT(c->made->edge_count < TR_STAGES_MAX);
	c->made->edges[c->made->edge_count] = (struct tr_plan_edge){
		.exchange = is_exchange ? read : NULL,
		.schema = read->output,
		.producer = stage_of(c, is_exchange ? read->inputs[0] : read),
		.consumer = consumer,
		.input = input,
	};
	return c->made->edge_count++;
}

static void find_stages(struct cutter *c)
{
	struct tr_plan_stages *made = c->made;

	for (uint32_t i = 0; i < c->plan->node_count; i++) {
		c->stage_of[i] = c->first_edge[i] = NONE;
		if (!begins_stage(c, c->plan->nodes[i]))
			continue;
		TR_ASSERT(made->stage_count < TR_STAGES_MAX);
		c->stage_of[i] = made->stage_count;
		made->stages[made->stage_count++].head = c->plan->nodes[i];
	}
	for (uint32_t s = 0; s < made->stage_count; s++) {
		struct tr_plan_stage *stage = &made->stages[s];
		const struct tr_node *head = stage->head;
		const bool is_union = joins_edges(head);
		uint32_t *inputs = TR_NEW_ARRAY(c->arena, head->input_count + 1, uint32_t);

		for (uint32_t i = 0; i < head->input_count; i++) {
			inputs[i] = edge_add(c, s, i, is_union ? head->inputs[i] : head);
			if (i == 0)
				c->first_edge[head->id] = inputs[i];
		}
		stage->inputs = inputs;
		stage->input_count = head->input_count;
	}
}

static void add_readers(struct cutter *c, const struct tr_node *node, int32_t from, uint32_t *count);

static void step_add(struct cutter *c, const struct tr_node *node, uint32_t edge, int32_t from, uint32_t *count)
{
	const int32_t own = (int32_t)c->step_count;

	c->steps[c->step_count++] = (struct tr_plan_step){.node = node, .edge = edge, .from = from};
	(*count)++;
	if (node != NULL)
		add_readers(c, node, own, &c->steps[own].reader_count);
}

/** What stands behind a node in its stage, as deep as the plan. */
static void add_readers(struct cutter *c, const struct tr_node *node, int32_t from, uint32_t *count)
{
	for (uint32_t r = c->first_reader[node->id]; r < c->first_reader[node->id + 1]; r++) {
		const struct reader *reader = &c->readers[r];
		const struct tr_node *exchange = reader->node;

		if (joins_edges(exchange) && node->kind != TR_NODE_EXCHANGE) {
			step_add(c, NULL, c->first_edge[exchange->id] + reader->input, from, count);
		} else if (exchange->kind == TR_NODE_EXCHANGE) {
			if (c->first_edge[exchange->id] != NONE)
				step_add(c, NULL, c->first_edge[exchange->id], from, count);
			for (uint32_t u = c->first_reader[exchange->id]; u < c->first_reader[exchange->id + 1]; u++)
				if (joins_edges(c->readers[u].node))
					step_add(c, NULL, c->first_edge[c->readers[u].node->id] + c->readers[u].input,
						 from, count);
		} else if (!joins_edges(exchange)) {
			step_add(c, exchange, NONE, from, count);
		}
	}
}

static void find_steps(struct cutter *c)
{
	/* All nodes and edges at most, in all stages together. */
	c->steps = TR_NEW_ARRAY(c->arena, c->plan->node_count + c->made->edge_count + 1, struct tr_plan_step);
	for (uint32_t s = 0; s < c->made->stage_count; s++) {
		struct tr_plan_stage *stage = &c->made->stages[s];

		c->step_count = 0;
		if (stage->head->kind ==
		    TR_NODE_OPERATOR) /* it stands on its edges, and is the first of the chain as well */
			step_add(c, stage->head, NONE, -1, &stage->head_readers);
		else
			add_readers(c, stage->head, -1, &stage->head_readers);
		stage->steps = c->steps;
		stage->step_count = c->step_count;
		c->steps += c->step_count;
	}
}

/** Puts stages and edges in order. */
static void put_in_order(struct cutter *c)
{
	struct tr_plan_stages *made = c->made;
	struct tr_plan_stage *stages = TR_NEW_ARRAY(c->arena, made->stage_count + 1, struct tr_plan_stage);
	struct tr_plan_edge *edges = TR_NEW_ARRAY(c->arena, made->edge_count + 1, struct tr_plan_edge);
	uint32_t *waits = TR_NEW_ARRAY(c->arena, made->stage_count + 1, uint32_t); /* edges whose reader has no place */
	uint32_t *places = TR_NEW_ARRAY(c->arena, made->stage_count + 1, uint32_t);
	uint32_t *order = TR_NEW_ARRAY(c->arena, made->stage_count + 1, uint32_t);
	uint32_t *edge_places = TR_NEW_ARRAY(c->arena, made->edge_count + 1, uint32_t);
	uint32_t count = 0, edge_count = 0;

	for (uint32_t e = 0; e < made->edge_count; e++)
		waits[made->edges[e].producer]++;
	for (uint32_t i = 0; i < c->plan->sink_count; i++) {
		const uint32_t s = stage_of(c, c->plan->sinks[i]);
		bool is_new = waits[s] == 0;

		for (uint32_t k = 0; k < count; k++)
			is_new = is_new && order[k] != s;
		if (is_new)
			order[count++] = s;
	}
	for (uint32_t at = 0; at < count; at++) {
		struct tr_plan_stage *stage = &made->stages[order[at]];
		uint32_t *inputs = TR_NEW_ARRAY(c->arena, stage->input_count + 1, uint32_t);

		places[order[at]] = at;
		for (uint32_t i = 0; i < stage->input_count; i++) {
			const uint32_t producer = made->edges[stage->inputs[i]].producer;

			edge_places[stage->inputs[i]] = edge_count;
			edges[edge_count] = made->edges[stage->inputs[i]];
			inputs[i] = edge_count++;
			if (--waits[producer] == 0)
				order[count++] = producer;
		}
		stages[at] = *stage;
		stages[at].inputs = inputs;
	}
	TR_ASSERT(count == made->stage_count && edge_count == made->edge_count);
	for (uint32_t e = 0; e < edge_count; e++) {
		edges[e].producer = places[edges[e].producer];
		edges[e].consumer = places[edges[e].consumer];
	}
	for (uint32_t s = 0; s < count; s++)
		for (uint32_t i = 0; i < stages[s].step_count; i++)
			if (stages[s].steps[i].node == NULL)
				((struct tr_plan_step *)(uintptr_t)stages[s].steps)[i].edge =
					edge_places[stages[s].steps[i].edge];
	made->stages = stages;
	made->edges = edges;
}

void tr_plan_stages_make(struct tr_arena *arena, const struct tr_plan *plan, struct tr_plan_stages *stages)
{
	struct cutter c = {.arena = arena, .plan = plan, .made = stages};

	*stages = (struct tr_plan_stages){.stages = TR_NEW_ARRAY(arena, plan->node_count + 1, struct tr_plan_stage),
					  .edges = TR_NEW_ARRAY(arena, TR_STAGES_MAX, struct tr_plan_edge)};
	c.stage_of = TR_NEW_ARRAY(arena, plan->node_count + 1, uint32_t);
	c.first_edge = TR_NEW_ARRAY(arena, plan->node_count + 1, uint32_t);
	find_readers(&c);
	find_stages(&c);
	find_steps(&c);
	put_in_order(&c);
}
