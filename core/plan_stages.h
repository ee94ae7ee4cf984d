/* SPDX-License-Identifier: Apache-2.0
 *
 * Stages of a plan: where it is cut, for those who run it (core/builder.c) and those who print it (core/plan_text.c).
 *
 *     plan (nodes read nodes)                      stages
 *
 *     SINK a      SINK b                           stage 0: head EXCHANGE, steps AGG, SINK a
 *      └ AGG       │                                   ▲ edge 0
 *         └ EXCHANGE                               stage 1: head SCAN, steps FILTER, tail of edge 0, SINK b
 *            └ FILTER                                       (both behind FILTER: it has two readers)
 *               └ SCAN
 *
 * A stage is all that runs in one chain: a head (SCAN, VALUES, UNION, EXCHANGE) and the steps behind it, a tree of nodes and of tails
 * of edges, in preorder. A node with several readers has several steps behind it. Each input of a UNION is an edge of its own, and so
 * is an EXCHANGE that other nodes read.
 *
 * Stages are numbered from the sinks backwards, each behind all that read it; the edges likewise.
 */
#ifndef TR_CORE_PLAN_STAGES_H
#define TR_CORE_PLAN_STAGES_H

#include "core/plan.h"

#define TR_STAGES_MAX 4096 /* and edges */

struct tr_plan_step {
	const struct tr_node *node; /* NULL: the tail of `edge` */
	uint32_t edge;
	int32_t from;          /* the step that emits to it; -1: the head */
	uint32_t reader_count; /* steps behind it */
};

struct tr_plan_edge {
	const struct tr_node *exchange; /* NULL: subtask to subtask */
	const struct tr_schema *schema;
	uint32_t producer;
	uint32_t consumer;
	uint32_t input; /* of the consumer's */
};

struct tr_plan_stage {
	const struct tr_node *head;
	uint32_t head_readers; /* steps behind the head */
	const struct tr_plan_step *steps;
	uint32_t step_count;
	const uint32_t *inputs; /* edges */
	uint32_t input_count;
};

struct tr_plan_stages {
	struct tr_plan_stage *stages;
	uint32_t stage_count;
	struct tr_plan_edge *edges;
	uint32_t edge_count;
};

/** Cuts a checked plan; what is made is in `arena`. */
void tr_plan_stages_make(struct tr_arena *arena, const struct tr_plan *plan, struct tr_plan_stages *stages);

#endif
