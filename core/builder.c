/* SPDX-License-Identifier: Apache-2.0
 *
 * Builder: from a plan to a graph. core/graph.h has the picture.
 *
 *     1. stages      as core/plan_stages.h cuts them; a fork comes behind each node with several readers
 *     2. programs    each filter, projection and scan is compiled once; all its subtasks share the program
 *     3. workers     I/O queues, placement
 *     4. channels    one per pair of subtasks that an edge joins
 *     5. subtasks    operators, alignments, readers, sinks: from here on the outside world is touched
 */
#include <stdlib.h>
#include <string.h>

#include "base/allocator.h"
#include "base/hash.h"
#include "core/exchange.h"
#include "core/graph.h"
#include "core/op_sink.h"
#include "core/ops/op_expand.h"
#include "core/ops/op_fork.h"
#include "core/ops/op_project.h"
#include "core/ops/op_sort.h"
#include "core/ops/op_values.h"
#include "core/ops/op_unnest.h"
#include "core/ops/op_window_rank.h"
#include "core/ops/op_window_table.h"
#include "core/scratch.h"
#include "core/worker.h"

/* Rows of a packet shrink when an edge has many targets, so that its packets do not outgrow the cache and the memory. */
#define PACKET_TARGETS_FULL 4
#define PACKET_ROWS_MIN 64

/* Stages. */

/** What two readers together need: nothing more when both have enough. NULL: always rows. */
static struct tr_enough *enough_of_all(struct tr_graph *graph, struct tr_enough *const *readers, uint32_t count)
{
	struct tr_enough *all;

	for (uint32_t i = 0; i < count; i++)
		if (readers[i] == NULL)
			return NULL;
	if (count == 1)
		return readers[0];
	all = TR_NEW(&graph->arena, struct tr_enough);
	all->all = readers;
	all->all_count = count;
	return all;
}

/** What the operators behind place `from` (-1: the head) have enough by. Each limit gets what it tells the sources below it. The stages
 * that read this one have theirs already. */
static struct tr_enough *stage_enough(struct tr_graph *graph, struct tr_stage *stage, int32_t from)
{
	struct tr_enough **readers = TR_NEW_ARRAY(&graph->arena, stage->op_count + 1, struct tr_enough *);
	uint32_t count = 0;

	for (uint32_t i = (uint32_t)(from + 1); i < stage->op_count; i++) {
		struct tr_stage_op *op = &stage->ops[i];

		if (op->from != from)
			continue;
		if (op->edge != NULL) {
			readers[count++] = op->edge->consumer->head_enough;
			continue;
		}
		readers[count] = stage_enough(graph, stage, (int32_t)i);
		if (op->node != NULL && op->node->kind == TR_NODE_LIMIT) {
			op->enough = TR_NEW(&graph->arena, struct tr_enough);
			op->enough->outer = readers[count];
			readers[count] = op->enough;
		}
		count++;
	}
	return count > 0 ? enough_of_all(graph, readers, count) : NULL;
}

/** A place of the chain; a fork behind it if several read it, or a side output. Returns the place that its readers stand behind. */
static int32_t op_add(struct tr_stage *stage, struct tr_stage_op op, uint32_t reader_count)
{
	stage->ops[stage->op_count] = op;
	if (reader_count > 1 || op.sides_read != 0) {
		const int32_t own = (int32_t)stage->op_count++;

		stage->ops[stage->op_count] =
			(struct tr_stage_op){.output = op.output, .from = own, .branch_count = reader_count};
	}
	return (int32_t)stage->op_count++;
}

/** Which side outputs of a step have readers: bits. */
static uint64_t sides_read(const struct tr_plan_stage *plan, uint32_t step)
{
	uint64_t read = 0;

	if (plan->steps[step].node == NULL || plan->steps[step].node->kind != TR_NODE_OPERATOR)
		return 0;
	for (uint32_t i = step + 1; i < plan->step_count; i++)
		if (plan->steps[i].from == (int32_t)step && plan->steps[i].node != NULL &&
		    plan->steps[i].node->kind == TR_NODE_SIDE_OUTPUT)
			read |= UINT64_C(1) << plan->steps[i].node->side.index;
	return read;
}

/** The chain of a stage. */
static void stage_fill(struct tr_graph *graph, struct tr_stage *stage, const struct tr_plan_stage *plan)
{
	int32_t *places = TR_NEW_ARRAY(&graph->arena, plan->step_count + 1, int32_t); /* behind which readers stand */
	uint32_t *sinks = TR_NEW_ARRAY(&graph->arena, plan->step_count + 1, uint32_t);
	int32_t head = -1;

	stage->ops = TR_NEW_ARRAY(&graph->arena, 2 * plan->step_count + 2, struct tr_stage_op);
	if (plan->head_readers > 1) {
		stage->ops[stage->op_count++] =
			(struct tr_stage_op){.output = stage->input, .from = -1, .branch_count = plan->head_readers};
		head = 0;
	}
	for (uint32_t i = 0; i < plan->step_count; i++) {
		const struct tr_plan_step *step = &plan->steps[i];
		struct tr_stage_op op = {.node = step->node, .from = step->from < 0 ? head : places[step->from]};

		if (step->node == NULL)
			op.edge = &graph->edges[step->edge];
		else
			op.output = step->node->output;
		op.sides_read = sides_read(plan, i);
		if (step->node != NULL && step->node->kind == TR_NODE_SIDE_OUTPUT)
			op.side = step->node->side.index + 1;
		if (step->node != NULL && step->node->kind == TR_NODE_SINK)
			sinks[stage->sink_count++] = stage->op_count;
		places[i] = op_add(stage, op, step->reader_count);
	}
	stage->sinks = sinks;
}

static void stage_add(struct tr_graph *graph, uint32_t id, const struct tr_plan_stages *plan)
{
	struct tr_stage *stage = graph->stages[id];
	const struct tr_node *head = plan->stages[id].head;

	stage->id = id;
	stage->head_node = head;
	stage->input = head->kind == TR_NODE_OPERATOR ? head->inputs[0]->output : head->output;
	stage->parallelism = TR_MAX(head->parallelism, 1);
	stage->head = head->kind == TR_NODE_SCAN     ? TR_HEAD_SOURCE
		      : head->kind == TR_NODE_VALUES ? TR_HEAD_VALUES
						     : TR_HEAD_ALIGN;
	stage->input_count = plan->stages[id].input_count;
	stage->inputs = TR_NEW_ARRAY(&graph->arena, stage->input_count + 1, struct tr_edge *);
	for (uint32_t i = 0; i < stage->input_count; i++)
		stage->inputs[i] = &graph->edges[plan->stages[id].inputs[i]];
	stage_fill(graph, stage, &plan->stages[id]);
	stage->head_enough = stage_enough(graph, stage, -1);
}

static void edge_set(struct tr_graph *graph, struct tr_edge *edge, const struct tr_plan_edge *plan)
{
	edge->id = plan->input;
	edge->schema = plan->schema;
	edge->producer = graph->stages[plan->producer];
	edge->consumer = graph->stages[plan->consumer];
	edge->kind = TR_EXCHANGE_FORWARD;
	if (plan->exchange != NULL) {
		edge->kind = plan->exchange->exchange.kind;
		edge->keys = plan->exchange->exchange.keys;
		edge->key_count = plan->exchange->exchange.key_count;
		edge->partitioner = plan->exchange->exchange.partitioner;
	}
}

static void state_add(struct tr_stage *stage, const struct tr_node *node, int32_t op)
{
	if (node->uid != NULL)
		stage->states[stage->state_count++] = (struct tr_stage_state){
			.node = node, .op = op, .operator_id = tr_hash_bytes(node->uid, strlen(node->uid))};
}

static void stage_states(struct tr_graph *graph, struct tr_stage *stage)
{
	stage->states = TR_NEW_ARRAY(&graph->arena, stage->op_count + 1, struct tr_stage_state);
	if (stage->head != TR_HEAD_ALIGN)
		state_add(stage, stage->head_node, -1);
	for (uint32_t i = 0; i < stage->op_count; i++)
		if (stage->ops[i].node != NULL)
			state_add(stage, stage->ops[i].node, (int32_t)i);
}

static void build_stages(struct tr_graph *graph)
{
	struct tr_plan_stages plan;

	tr_plan_stages_make(&graph->arena, graph->plan, &plan);
	graph->stages = TR_NEW_ARRAY(&graph->arena, plan.stage_count, struct tr_stage *);
	graph->edges = TR_NEW_ARRAY(&graph->arena, plan.edge_count + 1, struct tr_edge);
	graph->stage_count = plan.stage_count;
	graph->edge_count = plan.edge_count;
	for (uint32_t i = 0; i < plan.stage_count; i++)
		graph->stages[i] = TR_NEW(&graph->arena, struct tr_stage);
	for (uint32_t i = 0; i < plan.edge_count; i++)
		edge_set(graph, &graph->edges[i], &plan.edges[i]);
	for (uint32_t i = 0; i < plan.stage_count; i++) {
		stage_add(graph, i, &plan);
		stage_states(graph, graph->stages[i]);
	}
}

/* Programs. */

static tr_code compile_scan(struct tr_graph *graph, struct tr_stage *stage, struct tr_status *st)
{
	const struct tr_node *scan = stage->head_node;
	struct tr_source_plan *plan = TR_NEW(&graph->arena, struct tr_source_plan);
	const struct tr_schema *physical = scan->scan.table->schema;

	plan->ops = scan->scan.table->connector->source;
	TR_ASSERT(plan->ops != NULL);
	plan->table = scan->scan.table;
	plan->output = scan->output;
	plan->time_name = scan->scan.time_name;
	plan->watermark_interval_ms = scan->scan.watermark_interval_ms;
	plan->idle_timeout_ms = scan->scan.idle_timeout_ms;
	plan->is_bounded = scan->scan.is_bounded;
	if (scan->scan.drift.group != NULL && scan->scan.time_expr != NULL)
		plan->drift = tr_drift_join(&graph->drift_groups, &graph->arena, &scan->scan.drift, stage->parallelism);
	plan->carries = TR_NEW(&graph->arena, struct tr_carries);
	tr_carries_init(plan->carries);
	stage->source = plan;
	TR_TRY(tr_program_compile(&graph->arena, physical, scan->scan.exprs, scan->output->column_count, &plan->program,
				  st));
	if (scan->scan.time_expr != NULL) {
		const struct tr_expr *times[2] = {scan->scan.time_expr, scan->scan.watermark_expr};

		TR_TRY(tr_program_compile(&graph->arena, physical, times, 2, &plan->time_program, st));
	}
	return TR_OK;
}

static const struct tr_window_plan *window_plan(struct tr_graph *graph, const struct tr_node *node)
{
	struct tr_window_plan *plan = TR_NEW(&graph->arena, struct tr_window_plan);

	plan->window = node->window.window;
	plan->keys = node->window.keys;
	plan->key_count = node->window.key_count;
	plan->aggs = node->window.aggs;
	plan->agg_count = node->window.agg_count;
	plan->phase = node->window.phase;
	plan->use_general = node->window.use_general;
	plan->input = node->inputs[0]->output;
	plan->output = node->output;
	return plan;
}

static const struct tr_window_rank_plan *rank_plan(struct tr_graph *graph, const struct tr_node *node)
{
	struct tr_window_rank_plan *plan = TR_NEW(&graph->arena, struct tr_window_rank_plan);

	*plan = (struct tr_window_rank_plan){.window = node->rank.window,
					     .keys = node->rank.keys,
					     .key_count = node->rank.key_count,
					     .order = node->rank.order,
					     .order_count = node->rank.order_count,
					     .from = node->rank.from,
					     .to = node->rank.to,
					     .has_number = node->rank.has_number,
					     .input = node->inputs[0]->output,
					     .output = node->output};
	return plan;
}

static const struct tr_sort_plan *sort_plan(struct tr_graph *graph, const struct tr_node *node)
{
	struct tr_sort_plan *plan = TR_NEW(&graph->arena, struct tr_sort_plan);

	plan->spec = node->sort.spec;
	plan->phase = node->sort.phase;
	plan->rows = plan->phase == TR_PHASE_GLOBAL ? node->output : node->inputs[0]->output;
	plan->output = node->output;
	return plan;
}

/** A filter is a projection that passes all columns on, by reference. */
static tr_code compile_filter(struct tr_graph *graph, const struct tr_node *node, const struct tr_program **program,
			      struct tr_status *st)
{
	const struct tr_schema *schema = node->output;
	const struct tr_expr **columns = TR_NEW_ARRAY(&graph->arena, schema->column_count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < schema->column_count; i++)
		columns[i] = tr_expr_column(&graph->arena, i, schema->types[i]);
	return tr_program_compile_where(&graph->arena, node->inputs[0]->output, node->filter.condition, columns,
					schema->column_count, program, st);
}

static tr_code compile_stage(struct tr_graph *graph, struct tr_stage *stage, struct tr_status *st)
{
	if (stage->head == TR_HEAD_SOURCE)
		TR_TRY(compile_scan(graph, stage, st));
	for (uint32_t i = 0; i < stage->op_count; i++) {
		struct tr_stage_op *op = &stage->ops[i];
		const struct tr_node *node = op->node;

		if (node == NULL)
			continue;
		if (node->kind == TR_NODE_FILTER)
			TR_TRY(compile_filter(graph, node, &op->program, st));
		else if (node->kind == TR_NODE_PROJECT)
			TR_TRY(tr_program_compile_where(&graph->arena, node->inputs[0]->output, node->project.condition,
							node->project.exprs, node->output->column_count, &op->program,
							st));
		else if (node->kind == TR_NODE_WINDOW_AGGREGATE)
			op->window = window_plan(graph, node);
		else if (node->kind == TR_NODE_SORT)
			op->sort = sort_plan(graph, node);
	}
	return TR_OK;
}

/* Workers. */

static tr_code build_workers(struct tr_graph *graph, struct tr_status *st)
{
	uint32_t wanted = graph->plan->workers;
	uint32_t total = 0;

	for (uint32_t s = 0; s < graph->stage_count; s++) {
		total += graph->stages[s]->parallelism;
		if (graph->plan->workers == 0)
			wanted = TR_MAX(wanted, graph->stages[s]->parallelism);
	}
	wanted = TR_MIN(wanted, TR_WORKERS_MAX);
	graph->workers = aligned_alloc(64, wanted * sizeof(struct tr_worker));
	TR_ASSERT(graph->workers != NULL && wanted > 0);
	memset(graph->workers, 0, wanted * sizeof(struct tr_worker));
	graph->worker_count = wanted;
	for (uint32_t w = 0; w < wanted; w++) {
		TR_TRY(tr_worker_init(&graph->workers[w], graph, w, st));
		graph->workers[w].subtasks = TR_NEW_ARRAY(&graph->arena, total, struct tr_subtask *);
	}
	return TR_OK;
}

/* Channels. */

static bool edge_joins(const struct tr_edge *edge, uint32_t producer, uint32_t consumer)
{
	const uint32_t producers = edge->producer->parallelism, consumers = edge->consumer->parallelism;

	switch (edge->kind) {
	case TR_EXCHANGE_FORWARD: return producer == consumer;
	case TR_EXCHANGE_RESCALE:
		return producers < consumers ? consumer * producers / consumers == producer
					     : producer * consumers / producers == consumer;
	default: return true;
	}
}

static uint32_t count_channels(const struct tr_edge *edge)
{
	uint32_t count = 0;

	for (uint32_t p = 0; p < edge->producer->parallelism; p++)
		for (uint32_t c = 0; c < edge->consumer->parallelism; c++)
			count += edge_joins(edge, p, c);
	return count;
}

static uint32_t packet_rows(const struct tr_graph *graph, uint32_t targets)
{
	const uint32_t rows = graph->plan->batch_rows;

	if (targets <= PACKET_TARGETS_FULL)
		return rows;
	return TR_MIN(rows, TR_MAX(rows * PACKET_TARGETS_FULL / targets, PACKET_ROWS_MIN));
}

static void build_channels(struct tr_graph *graph)
{
	const uint32_t credits = graph->plan->credits > 0 ? graph->plan->credits : TR_CHANNEL_CREDITS_DEFAULT;
	size_t count = 0;

	for (uint32_t e = 0; e < graph->edge_count; e++)
		count += count_channels(&graph->edges[e]);
	graph->channels = aligned_alloc(64, TR_MAX(count, 1) * sizeof(struct tr_channel));
	TR_ASSERT(graph->channels != NULL);
	for (uint32_t e = 0; e < graph->edge_count; e++) {
		struct tr_edge *edge = &graph->edges[e];
		const uint32_t producers = edge->producer->parallelism, consumers = edge->consumer->parallelism;
		const uint32_t rows =
			edge->kind == TR_EXCHANGE_FORWARD ? graph->plan->batch_rows : packet_rows(graph, consumers);

		edge->channels = TR_NEW_ARRAY(&graph->arena, (size_t)producers * consumers, struct tr_channel *);
		for (uint32_t p = 0; p < producers; p++) {
			for (uint32_t c = 0; c < consumers; c++) {
				const uint32_t from = p % graph->worker_count, to = c % graph->worker_count;
				struct tr_channel *channel = &graph->channels[graph->channel_count];

				if (!edge_joins(edge, p, c))
					continue;
				graph->channel_count++;
				tr_channel_init(channel, edge->schema, rows, credits, from, &graph->workers[from].wakes,
						to, &graph->workers[to].wakes);
				edge->channels[(size_t)p * consumers + c] = channel;
			}
		}
	}
	TR_ASSERT(graph->channel_count == count);
}

/* Subtasks. */

/** What the memory limit gives to the operator that is made next. */
static void set_memory(struct tr_graph *graph, struct tr_subtask *subtask, const struct tr_node *node)
{
	struct tr_op_context *context = &subtask->context;

	context->memory_limit = 0;
	context->scratch_path = NULL;
	if (graph->scratch == NULL || !tr_plan_has_memory_share(node))
		return;
	context->memory_limit = tr_plan_memory_share(graph->plan);
	context->scratch_path = tr_arena_printf(&subtask->arena, "%s/%u-%u", graph->scratch, node->id, subtask->index);
}

static tr_code create_operator(const struct tr_node *node, struct tr_op_context *context, struct tr_op **op,
			       struct tr_status *st)
{
	const struct tr_schema *inputs[TR_PLAN_INPUTS_MAX];

	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = node->inputs[i]->output;
	return node->custom.op->create(node->custom.op, context, inputs, node->output, op, st);
}

/** Whether an operator at place `at` of the chain, or before it, makes the watermarks. */
static bool has_own_watermarks(const struct tr_stage *stage, int32_t at)
{
	for (; at >= 0; at = stage->ops[at].from) {
		const struct tr_node *node = stage->ops[at].node;

		if (node != NULL && node->kind == TR_NODE_OPERATOR && node->custom.op->sets_watermarks)
			return true;
	}
	return false;
}

/** Before which place of its producer's chain an edge begins. */
static int32_t edge_from(const struct tr_edge *edge)
{
	const struct tr_stage *stage = edge->producer;

	for (uint32_t i = 0; i < stage->op_count; i++)
		if (stage->ops[i].edge == edge)
			return stage->ops[i].from;
	return -1;
}

/** Whether all rows come to the operator behind place `at` one way from one subtask of what makes their watermarks. */
static bool is_in_order(const struct tr_stage *stage, int32_t at)
{
	if (stage->parallelism == 1 && has_own_watermarks(stage, at))
		return true;
	while (stage->head == TR_HEAD_ALIGN) {
		const struct tr_edge *edge = stage->inputs[0];

		if (stage->input_count != 1 || edge->producer->parallelism != 1)
			return false;
		if (has_own_watermarks(edge->producer, edge_from(edge)))
			return true;
		stage = edge->producer;
	}
	return stage->parallelism == 1;
}

static tr_code create_op(struct tr_graph *graph, struct tr_subtask *subtask, const struct tr_stage_op *place,
			 struct tr_op **created, struct tr_status *st)
{
	const struct tr_node *node = place->node;
	struct tr_op_context *context = &subtask->context;
	struct tr_op *op = NULL;

	set_memory(graph, subtask, node);
	context->sides_read = place->sides_read;
	switch (node->kind) {
	case TR_NODE_UNNEST:
		tr_op_unnest_create(&node->unnest, node->inputs[0]->output, node->output, context, &op);
		break;
	case TR_NODE_FILTER:
	case TR_NODE_PROJECT: op = tr_op_project_create(context, node->output, place->program); break;
	case TR_NODE_EXPAND:
		op = tr_op_expand_create(context, node->output, node->expand.sets, node->expand.set_count);
		break;
	case TR_NODE_WINDOW_TABLE:
		TR_TRY(tr_op_window_table_create(&node->window.window, node->inputs[0]->output, node->output, context,
						 &op, st));
		break;
	case TR_NODE_WINDOW_AGGREGATE: TR_TRY(tr_op_window_create(place->window, context, &op, st)); break;
	case TR_NODE_WINDOW_RANK: TR_TRY(tr_op_window_rank_create(rank_plan(graph, node), context, &op, st)); break;
	case TR_NODE_SORT: op = tr_op_sort_create(place->sort, context); break;
	case TR_NODE_LIMIT: op = tr_op_limit_create(&node->sort.spec, node->output, place->enough, context); break;
	case TR_NODE_OPERATOR: TR_TRY(create_operator(node, context, &op, st)); break;
	case TR_NODE_SIDE_OUTPUT: op = tr_op_fork_create(context, node->output, 1); break; /* passes on */
	case TR_NODE_SINK:
		TR_TRY(tr_op_sink_create(node->sink.table, context, graph->workers[subtask->worker].io, &op, st));
		break;
	case TR_NODE_SCAN:
	case TR_NODE_VALUES:
	case TR_NODE_UNION:
	case TR_NODE_EXCHANGE: TR_UNREACHABLE();
	}
	op->metrics.watermark_ms = TR_WATERMARK_MIN;
	op->is_in_order = is_in_order(subtask->stage, place->from);
	*created = op;
	return TR_OK;
}

static struct tr_op *create_exchange(struct tr_subtask *subtask, const struct tr_edge *edge)
{
	const uint32_t consumers = edge->consumer->parallelism;
	struct tr_channel *channels[TR_PARALLELISM_MAX];
	uint32_t count = 0;

	for (uint32_t c = 0; c < consumers; c++) {
		struct tr_channel *channel = edge->channels[(size_t)subtask->index * consumers + c];

		if (channel != NULL)
			channels[count++] = channel;
	}
	return tr_exchange_create(&subtask->context, edge->kind, edge->schema, edge->keys, edge->key_count,
				  edge->partitioner, channels, count);
}

/** Operator i of the chain is place i of the stage. */
static tr_code create_chain(struct tr_graph *graph, struct tr_subtask *subtask, struct tr_status *st)
{
	const struct tr_stage *stage = subtask->stage;
	struct tr_chain *chain = &subtask->chain;

	for (uint32_t i = 0; i < stage->op_count; i++) {
		const struct tr_stage_op *place = &stage->ops[i];
		struct tr_op *op;

		if (place->edge != NULL)
			op = create_exchange(subtask, place->edge);
		else if (place->branch_count > 0)
			op = tr_op_fork_create(&subtask->context, place->output, place->branch_count);
		else
			TR_TRY(create_op(graph, subtask, place, &op, st));
		if (place->from < 0)
			tr_chain_append(chain, op);
		else
			tr_chain_append_to(chain, chain->ops[place->from], op, place->side);
	}
	return TR_OK;
}

static void create_align(struct tr_graph *graph, struct tr_subtask *subtask)
{
	const struct tr_stage *stage = subtask->stage;
	struct tr_channel **channels;
	uint32_t *edges;
	uint32_t count = 0, room = 0;

	for (uint32_t e = 0; e < stage->input_count; e++)
		room += stage->inputs[e]->producer->parallelism;
	channels = TR_NEW_ARRAY(&graph->arena, room, struct tr_channel *);
	edges = TR_NEW_ARRAY(&graph->arena, room, uint32_t);
	for (uint32_t e = 0; e < stage->input_count; e++) {
		const struct tr_edge *edge = stage->inputs[e];

		for (uint32_t p = 0; p < edge->producer->parallelism; p++) {
			struct tr_channel *channel = edge->channels[(size_t)p * stage->parallelism + subtask->index];

			if (channel == NULL)
				continue;
			channels[count] = channel;
			edges[count++] = e;
		}
	}
	tr_align_init(&subtask->align, &subtask->context, stage->input, channels, edges, count);
	subtask->align.feeds_inputs = stage->head_node->kind == TR_NODE_OPERATOR;
	subtask->align.is_at_least_once = graph->plan->checkpoint.is_at_least_once;
	subtask->align.head.next = subtask->chain.ops[0];
}

static tr_code create_head(struct tr_graph *graph, struct tr_subtask *subtask, struct tr_status *st)
{
	struct tr_stage *stage = subtask->stage;
	struct tr_worker *worker = &graph->workers[subtask->worker];
	struct tr_op *next = subtask->chain.ops[0];

	switch (stage->head) {
	case TR_HEAD_SOURCE:
		return tr_source_task_create(stage->source, &subtask->context, worker->io, &worker->wakes, next,
					     &subtask->source, st);
	case TR_HEAD_VALUES:
		subtask->values = tr_op_values_create(&subtask->context, stage->input, stage->head_node->values.exprs,
						      stage->head_node->values.row_count);
		subtask->values->next = next;
		return TR_OK;
	case TR_HEAD_ALIGN: create_align(graph, subtask); return TR_OK;
	}
	TR_UNREACHABLE();
}

static tr_code create_subtask(struct tr_graph *graph, struct tr_stage *stage, uint32_t index, struct tr_status *st)
{
	struct tr_subtask *subtask = &stage->subtasks[index];
	struct tr_worker *worker;

	subtask->graph = graph;
	subtask->stage = stage;
	subtask->index = index;
	subtask->worker = index % graph->worker_count;
	tr_arena_init(&subtask->arena, 0);
	subtask->context = (struct tr_op_context){
		.env = graph->env,
		.checkpoint_wanted = &graph->checkpoint_wanted,
		.checkpoint_last = &graph->checkpoint_last,
		.is_draining = &graph->is_draining,
		.enough = stage->head_enough,
		.has_checkpoints = graph->coordinator_io != NULL,
		.arena = &subtask->arena,
		.program = {.env = graph->env,
			    .time_zone = graph->plan->time_zone,
			    .processing_time_ms = graph->query_start_ms,
			    .query_start_ms = graph->query_start_ms},
		.subtask = index,
		.subtask_count = stage->parallelism,
		.key_groups = graph->plan->key_groups,
		.batch_rows = graph->plan->batch_rows,
		.disk = graph->env->disk,
		.io = graph->workers[subtask->worker].io,
		.worker = &graph->workers[subtask->worker],
	};
	TR_TRY(create_chain(graph, subtask, st));
	TR_TRY(create_head(graph, subtask, st));
	if (graph->coordinator_io != NULL)
		tr_snapshot_init(subtask);
	atomic_init(&subtask->counters.watermark_ms, TR_WATERMARK_MIN);
	worker = &graph->workers[subtask->worker];
	worker->subtasks[worker->subtask_count++] = subtask;
	return TR_OK;
}

static tr_code build_subtasks(struct tr_graph *graph, struct tr_status *st)
{
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		struct tr_stage *stage = graph->stages[s];

		if (stage->source != NULL) {
			for (uint32_t i = 0; i < stage->parallelism; i++)
				stage->source->workers |= UINT64_C(1) << (i % graph->worker_count);
			TR_TRY(stage->source->ops->open(stage->source->table, graph->env, stage->parallelism,
							&stage->source->source, st));
		}
		stage->subtasks =
			tr_arena_alloc_aligned(&graph->arena, stage->parallelism * sizeof(struct tr_subtask), 64);
		memset(stage->subtasks, 0, stage->parallelism * sizeof(struct tr_subtask));
		for (uint32_t i = 0; i < stage->parallelism; i++)
			TR_TRY(create_subtask(graph, stage, i, st));
	}
	return TR_OK;
}

tr_code tr_graph_init(struct tr_graph *graph, const struct tr_plan *plan, struct tr_environment *env,
		      struct tr_io_queue *coordinator_io, struct tr_status *st)
{
	memset(graph, 0, sizeof(*graph));
	TR_ASSERT(plan->batch_rows >= 1 && plan->batch_rows <= TR_BATCH_ROWS_MAX);
	TR_ASSERT(plan->sink_count > 0 && plan->time_zone != NULL);
	graph->plan = plan;
	graph->env = env;
	graph->coordinator_io = coordinator_io;
	graph->query_start_ms = tr_environment_wall_ms(env);
	tr_arena_init(&graph->arena, 64 << 10);
	pthread_mutex_init(&graph->failure_lock, NULL);
	atomic_init(&graph->is_stopping, false);
	atomic_init(&graph->is_cancelled, false);
	build_stages(graph);
	for (uint32_t s = 0; s < graph->stage_count; s++)
		TR_TRY(compile_stage(graph, graph->stages[s], st));
	TR_TRY(build_workers(graph, st));
	if (plan->memory_limit != 0 && plan->stateful_count != 0) {
		tr_allocator_return_at_once();
		TR_TRY(tr_scratch_create(plan, env->disk, &graph->arena, &graph->scratch, st));
	}
	build_channels(graph);
	return build_subtasks(graph, st);
}

static void subtask_deinit(struct tr_subtask *subtask)
{
	if (subtask->stage == NULL) /* not reached by a creation that failed */
		return;
	tr_snapshot_deinit(subtask);
	tr_source_task_destroy(&subtask->source);
	if (subtask->values != NULL)
		subtask->values->ops->destroy(subtask->values);
	if (subtask->align.inputs != NULL)
		tr_align_deinit(&subtask->align);
	tr_chain_deinit(&subtask->chain);
	tr_arena_deinit(&subtask->arena);
}

void tr_graph_deinit(struct tr_graph *graph)
{
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		struct tr_stage *stage = graph->stages[s];

		for (uint32_t i = 0; stage->subtasks != NULL && i < stage->parallelism; i++)
			subtask_deinit(&stage->subtasks[i]);
		if (stage->source != NULL && stage->source->source != NULL)
			stage->source->ops->close(&stage->source->source);
		if (stage->source != NULL)
			tr_carries_deinit(stage->source->carries);
	}
	if (graph->scratch != NULL)
		tr_scratch_remove(graph->env->disk, graph->scratch);
	tr_drift_deinit(&graph->drift_groups);
	for (uint32_t i = 0; i < graph->channel_count; i++)
		tr_channel_deinit(&graph->channels[i]);
	for (uint32_t w = 0; w < graph->worker_count; w++)
		tr_worker_deinit(&graph->workers[w]);
	free(graph->channels);
	free(graph->workers);
	pthread_mutex_destroy(&graph->failure_lock);
	tr_arena_deinit(&graph->arena);
	memset(graph, 0, sizeof(*graph));
}

static void stop_workers(struct tr_graph *graph)
{
	/* Release pairs with the acquire in the workers' loops. */
	atomic_store_explicit(&graph->is_stopping, true, memory_order_release);
	for (uint32_t w = 0; w < graph->worker_count; w++)
		tr_io_wake(graph->workers[w].io);
}

void tr_graph_fail(struct tr_graph *graph, const struct tr_status *failure)
{
	TR_ASSERT(failure->code != TR_OK);
	pthread_mutex_lock(&graph->failure_lock);
	if (graph->failure.code == TR_OK)
		graph->failure = *failure;
	pthread_mutex_unlock(&graph->failure_lock);
	stop_workers(graph);
}

void tr_graph_cancel(struct tr_graph *graph)
{
	atomic_store_explicit(&graph->is_cancelled, true, memory_order_relaxed);
	stop_workers(graph);
}
