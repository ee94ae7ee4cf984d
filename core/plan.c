/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan: making nodes and checking a finished plan.
 *
 * The check is for mistakes of whoever makes plans, so its failures are internal errors that name the node. It walks every way from the
 * sinks down, as names and depth need; a node is numbered and checked when it is first met, which is the order in which EXPLAIN prints
 * them.
 */
#include "core/plan.h"

#include <string.h>

#include "base/check.h"
#include "core/chain.h"
#include "core/plan_attributes.h"

#define NODES_MAX 65536
#define DEPTH_MAX 512
#define NODES_NAMED_MAX 4096

struct tr_node *tr_plan_node(struct tr_arena *arena, enum tr_node_kind kind, const struct tr_node *const *inputs,
			     uint32_t input_count)
{
	struct tr_node *node = TR_NEW(arena, struct tr_node);

	TR_ASSERT(input_count <= TR_PLAN_INPUTS_MAX);
	node->kind = kind;
	node->parallelism = 1;
	node->input_count = input_count;
	if (input_count > 0) {
		const struct tr_node **copy = TR_NEW_ARRAY(arena, input_count, const struct tr_node *);

		memcpy(copy, inputs, input_count * sizeof(*copy));
		node->inputs = copy;
	}
	return node;
}

struct tr_node *tr_plan_copy(struct tr_arena *arena, const struct tr_node *node, const struct tr_node *const *inputs)
{
	struct tr_node *copy = tr_plan_node(arena, node->kind, inputs, node->input_count);
	const struct tr_node *const *copied = copy->inputs;

	*copy = *node;
	copy->inputs = copied;
	return copy;
}

#define FAIL_NODE(st, node, ...) \
	return fail_node((st), (node), tr_status_set((st), TR_ERR_INTERNAL, 0, TR_WHERE, __VA_ARGS__))

static tr_code fail_node(struct tr_status *st, const struct tr_node *node, tr_code code)
{
	return tr_status_prefix(st, code, "plan node %u (%s)", node->id, tr_plan_node_name(node));
}

static bool schemas_fit(const struct tr_schema *a, const struct tr_schema *b)
{
	if (a == NULL || b == NULL || a->column_count != b->column_count)
		return false;
	for (uint32_t i = 0; i < a->column_count; i++)
		if (!tr_type_equals_ignoring_null(a->types[i], b->types[i]))
			return false;
	return true;
}

static tr_code check_exprs(const struct tr_node *node, const struct tr_expr *const *exprs, struct tr_status *st)
{
	for (uint32_t i = 0; i < node->output->column_count; i++)
		if (exprs[i] == NULL || !tr_type_equals_ignoring_null(exprs[i]->type, node->output->types[i]))
			FAIL_NODE(st, node, "expression %u has not the type of column %s", i, node->output->names[i]);
	return TR_OK;
}

static tr_code check_scan(const struct tr_node *node, struct tr_status *st)
{
	if (node->scan.table == NULL || node->scan.table->connector == NULL ||
	    node->scan.table->connector->source == NULL)
		FAIL_NODE(st, node, "the table can't be read");
	if ((node->scan.time_expr == NULL) != (node->scan.watermark_expr == NULL))
		FAIL_NODE(st, node, "time and watermark go together");
	if (node->scan.time_expr != NULL &&
	    (node->scan.time_expr->type->phys != TR_PHYS_I64 || node->scan.watermark_expr->type->phys != TR_PHYS_I64))
		FAIL_NODE(st, node, "time and watermark must be timestamps");
	return check_exprs(node, node->scan.exprs, st);
}

static tr_code check_exchange(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;

	if (!schemas_fit(input, node->output))
		FAIL_NODE(st, node, "input and output differ");
	if (node->exchange.kind == TR_EXCHANGE_HASH && node->exchange.key_count == 0)
		FAIL_NODE(st, node, "a hash exchange needs keys");
	if ((node->exchange.kind == TR_EXCHANGE_CUSTOM) != (node->exchange.partitioner != NULL))
		FAIL_NODE(st, node, "a custom exchange, and no other, has a partitioner");
	for (uint32_t i = 0; i < node->exchange.key_count; i++)
		if (node->exchange.keys[i] >= input->column_count)
			FAIL_NODE(st, node, "key column %u does not exist", node->exchange.keys[i]);
	return TR_OK;
}

static tr_code check_window(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;

	if (node->window.phase == TR_PHASE_GLOBAL)
		return TR_OK; /* columns refer to the input of LOCAL */
	for (uint32_t i = 0; i < node->window.key_count; i++)
		if (node->window.keys[i] >= input->column_count)
			FAIL_NODE(st, node, "key column %u does not exist", node->window.keys[i]);
	for (uint32_t i = 0; i < node->window.agg_count; i++)
		if (!tr_agg_has_columns(&node->window.aggs[i], input->column_count))
			FAIL_NODE(st, node, "a column of aggregate %u does not exist", i);
	if (!node->window.window.is_processing_time && !node->window.window.is_whole &&
	    (node->window.window.time_column < 0 || node->window.window.time_column >= (int32_t)input->column_count))
		FAIL_NODE(st, node, "the time column does not exist");
	return TR_OK;
}

static tr_code check_unnest(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;
	const struct tr_unnest *u = &node->unnest;

	if (u->list >= input->column_count || input->types[u->list]->phys != TR_PHYS_LIST)
		FAIL_NODE(st, node, "column %u is no list", u->list);
	if (node->output->column_count != u->column_count + u->field_count + u->has_ordinality)
		FAIL_NODE(st, node, "the output has %u columns", node->output->column_count);
	for (uint32_t i = 0; i < u->column_count; i++)
		if (u->columns[i] >= input->column_count ||
		    !tr_type_equals_ignoring_null(input->types[u->columns[i]], node->output->types[i]))
			FAIL_NODE(st, node, "column %u is not one of the input", i);
	for (uint32_t i = 0; i < u->field_count; i++)
		if (u->fields[i] >= tr_unnest_width(input->types[u->list]))
			FAIL_NODE(st, node, "an element has no field %u", u->fields[i]);
	return TR_OK;
}

static tr_code check_window_table(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;
	const struct tr_window_spec *window = &node->window.window;

	if (window->kind == TR_WINDOW_SESSION)
		FAIL_NODE(st, node, "only TUMBLE, HOP and CUMULATE");
	if (!window->is_processing_time &&
	    (window->time_column < 0 || window->time_column >= (int32_t)input->column_count))
		FAIL_NODE(st, node, "the time column does not exist");
	if (node->output->column_count != input->column_count + 3)
		FAIL_NODE(st, node, "the output is not the input's columns and the window's");
	for (uint32_t i = 0; i < node->output->column_count; i++)
		if (i < input->column_count ? !tr_type_equals_ignoring_null(input->types[i], node->output->types[i])
					    : !tr_type_is_timestamp(node->output->types[i]))
			FAIL_NODE(st, node, "column %u has the wrong type", i);
	return TR_OK;
}

static tr_code check_rank(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;
	const struct tr_window_spec *window = &node->rank.window;

	if (!window->is_whole &&
	    (!window->is_attached || window->time_column < 0 || window->time_column >= (int32_t)input->column_count))
		FAIL_NODE(st, node, "the window is not attached, or its time column does not exist");
	if (node->output->column_count != input->column_count + node->rank.has_number)
		FAIL_NODE(st, node, "the output is not the input's columns and the rank");
	if (node->rank.key_count == 0 || node->rank.from == 0)
		FAIL_NODE(st, node, "no keys, or ranks from 0 on");
	for (uint32_t i = 0; i < node->rank.key_count; i++)
		if (node->rank.keys[i] >= input->column_count)
			FAIL_NODE(st, node, "key column %u does not exist", node->rank.keys[i]);
	for (uint32_t i = 0; i < node->rank.order_count; i++)
		if (node->rank.order[i].column >= input->column_count)
			FAIL_NODE(st, node, "column %u of the order does not exist", node->rank.order[i].column);
	return TR_OK;
}

static tr_code check_sort(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;

	if (node->kind == TR_NODE_LIMIT || node->sort.phase == TR_PHASE_SINGLE) {
		if (!schemas_fit(input, node->output))
			FAIL_NODE(st, node, "input and output differ");
	} else if (!schemas_fit(node->sort.phase == TR_PHASE_LOCAL ? node->output : input, tr_plan_sorted_schema())) {
		FAIL_NODE(st, node, "rows do not travel as they are sorted");
	}
	if (node->sort.phase == TR_PHASE_GLOBAL)
		input = node->output;
	for (uint32_t i = 0; i < node->sort.spec.key_count; i++)
		if (node->sort.spec.keys[i].column >= input->column_count)
			FAIL_NODE(st, node, "key column %u does not exist", node->sort.spec.keys[i].column);
	if ((node->kind == TR_NODE_LIMIT) != (node->sort.spec.key_count == 0))
		FAIL_NODE(st, node, "%u keys", node->sort.spec.key_count);
	return TR_OK;
}

static tr_code check_expand(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_schema *input = node->inputs[0]->output;
	const uint32_t count = input->column_count;

	if (node->expand.set_count == 0 || node->expand.set_count > TR_EXPAND_SETS_MAX)
		FAIL_NODE(st, node, "there are %u sets", node->expand.set_count);
	if (node->output->column_count != count + 1 || node->output->types[count]->id != TR_TYPE_BIGINT)
		FAIL_NODE(st, node, "the output is not the input's columns and a number");
	for (uint32_t i = 0; i < count; i++)
		if (!tr_type_equals_ignoring_null(input->types[i], node->output->types[i]))
			FAIL_NODE(st, node, "column %u has the wrong type", i);
	return TR_OK;
}

static tr_code check_operator(const struct tr_node *node, struct tr_status *st)
{
	if (node->input_count == 0)
		FAIL_NODE(st, node, "an operator needs inputs");
	if (node->custom.op == NULL || node->custom.op->create == NULL || node->custom.op->title == NULL ||
	    (node->custom.op->has_state && (node->custom.op->word == NULL || node->custom.op->fingerprint == NULL)))
		FAIL_NODE(st, node, "functions or names are missing");
	if (node->custom.op->side_count > TR_SIDE_OUTPUTS_MAX)
		FAIL_NODE(st, node, "%u side outputs", node->custom.op->side_count);
	for (uint32_t i = 0; node->custom.keys != NULL && i < node->input_count; i++)
		for (uint32_t k = 0; k < node->custom.keys[i].count; k++)
			if (node->custom.keys[i].columns[k] >= node->inputs[i]->output->column_count)
				FAIL_NODE(st, node, "key column %u does not exist", node->custom.keys[i].columns[k]);
	return TR_OK;
}

static tr_code check_side_output(const struct tr_node *node, struct tr_status *st)
{
	const struct tr_node *of = node->inputs[0];

	if (of->kind != TR_NODE_OPERATOR || node->side.index >= of->custom.op->side_count)
		FAIL_NODE(st, node, "it has no side output %u", node->side.index);
	if (!schemas_fit(of->custom.op->sides[node->side.index].schema, node->output))
		FAIL_NODE(st, node, "side output and columns differ");
	return TR_OK;
}

static tr_code check_union(const struct tr_node *node, struct tr_status *st)
{
	if (node->input_count == 0)
		FAIL_NODE(st, node, "a union needs inputs");
	for (uint32_t i = 0; i < node->input_count; i++)
		if (!schemas_fit(node->inputs[i]->output, node->output))
			FAIL_NODE(st, node, "input %u has other columns", i);
	return TR_OK;
}

static tr_code check_kind(const struct tr_node *node, struct tr_status *st)
{
	const bool is_leaf = node->kind == TR_NODE_SCAN || node->kind == TR_NODE_VALUES;

	if (node->kind != TR_NODE_UNION && node->kind != TR_NODE_OPERATOR && node->input_count != (is_leaf ? 0u : 1u))
		FAIL_NODE(st, node, "%u inputs", node->input_count);
	if ((node->output == NULL) != (node->kind == TR_NODE_SINK))
		FAIL_NODE(st, node, "all nodes but sinks have an output");
	switch (node->kind) {
	case TR_NODE_SCAN: return check_scan(node, st);
	case TR_NODE_VALUES: return TR_OK;
	case TR_NODE_FILTER:
		if (!schemas_fit(node->inputs[0]->output, node->output))
			FAIL_NODE(st, node, "input and output differ");
		if (node->filter.condition == NULL || node->filter.condition->type->id != TR_TYPE_BOOLEAN)
			FAIL_NODE(st, node, "the condition is not BOOLEAN");
		return TR_OK;
	case TR_NODE_PROJECT:
		if (node->project.condition != NULL && node->project.condition->type->id != TR_TYPE_BOOLEAN)
			FAIL_NODE(st, node, "the condition is not BOOLEAN");
		return check_exprs(node, node->project.exprs, st);
	case TR_NODE_UNION: return check_union(node, st);
	case TR_NODE_UNNEST: return check_unnest(node, st);
	case TR_NODE_WINDOW_TABLE: return check_window_table(node, st);
	case TR_NODE_EXPAND: return check_expand(node, st);
	case TR_NODE_WINDOW_AGGREGATE: return check_window(node, st);
	case TR_NODE_WINDOW_RANK: return check_rank(node, st);
	case TR_NODE_SORT:
	case TR_NODE_LIMIT: return check_sort(node, st);
	case TR_NODE_OPERATOR: return check_operator(node, st);
	case TR_NODE_SIDE_OUTPUT: return check_side_output(node, st);
	case TR_NODE_EXCHANGE: return check_exchange(node, st);
	case TR_NODE_SINK:
		if (node->sink.table == NULL || node->sink.table->connector == NULL ||
		    node->sink.table->connector->sink == NULL)
			FAIL_NODE(st, node, "the table can't be written");
		if (!schemas_fit(node->inputs[0]->output, node->sink.table->schema))
			FAIL_NODE(st, node, "input and table differ");
		return TR_OK;
	}
	FAIL_NODE(st, node, "unknown kind");
}

/** Whether the subtasks on both sides of an edge of the tree fit. */
static tr_code check_parallelism(const struct tr_node *node, const struct tr_node *input, struct tr_status *st)
{
	const struct tr_node *producer = input->kind == TR_NODE_EXCHANGE ? input->inputs[0] : input;

	if (node->kind == TR_NODE_EXCHANGE)
		return TR_OK; /* looked at from the exchange's reader */
	if (input->kind == TR_NODE_EXCHANGE && input->exchange.kind == TR_EXCHANGE_GATHER && node->parallelism != 1)
		FAIL_NODE(st, node, "parallelism %u behind a gather exchange", node->parallelism);
	if ((input->kind != TR_NODE_EXCHANGE || input->exchange.kind == TR_EXCHANGE_FORWARD) &&
	    producer->parallelism != node->parallelism)
		FAIL_NODE(st, node, "parallelism %u over an input of %u without an exchange", node->parallelism,
			  producer->parallelism);
	return TR_OK;
}

bool tr_plan_has_memory_share(const struct tr_node *node)
{
	return (node->kind == TR_NODE_WINDOW_AGGREGATE && node->window.phase != TR_PHASE_LOCAL) ||
	       node->kind == TR_NODE_SORT || node->kind == TR_NODE_WINDOW_RANK;
}

size_t tr_plan_memory_share(const struct tr_plan *plan) { return plan->memory_limit / TR_MAX(plan->stateful_count, 1); }

/** A node that has been come to, on one way. */
struct visit {
	struct tr_node *node;
	uint32_t depth;
	uint32_t chain;  /* operators of the stage above and with this node */
	const char *way; /* of nodes with state above this one */
};

struct checker {
	struct tr_plan *plan;
	struct tr_plan_ways ways;
	uint32_t visits;
	uint32_t node_room; /* of the plan's nodes */
};

static tr_code check_node(const struct tr_plan *plan, const struct tr_node *node, struct tr_status *st)
{
	if (node->parallelism == 0 || node->parallelism > TR_PARALLELISM_MAX)
		FAIL_NODE(st, node, "parallelism %u is not in 1 .. %d", node->parallelism, TR_PARALLELISM_MAX);
	TR_TRY(check_kind(node, st));
	for (uint32_t i = 0; i < node->input_count; i++)
		TR_TRY(check_parallelism(node, node->inputs[i], st));
	if ((node->kind == TR_NODE_SORT || node->kind == TR_NODE_LIMIT) && !plan->is_batch)
		FAIL_NODE(st, node, "only batch jobs can sort and limit");
	return TR_OK;
}

/** Gives a node that is met for the first time its number. False: it has one. */
static bool number(struct checker *c, struct tr_node *node)
{
	struct tr_plan *plan = c->plan;

	if (node->id < plan->node_count && plan->nodes[node->id] == node)
		return false;
	if (plan->node_count == c->node_room) {
		const struct tr_node **bigger;

		c->node_room = TR_MAX(2 * c->node_room, 16u);
		bigger = TR_NEW_ARRAY(plan->arena, c->node_room, const struct tr_node *);
		if (plan->node_count > 0)
			memcpy(bigger, plan->nodes, plan->node_count * sizeof(*bigger));
		plan->nodes = bigger;
	}
	node->uid = node->fingerprint = NULL;
	node->id = plan->node_count++;
	plan->nodes[node->id] = node;
	return true;
}

/** A node and all below it; not deeper than DEPTH_MAX. */
static tr_code check_below(struct checker *c, struct visit visit, struct tr_status *st)
{
	struct tr_node *node = visit.node;
	const bool is_new = number(c, node);
	const char *way;

	if (++c->visits > NODES_MAX)
		FAIL_NODE(st, node, "the plan has more than %d nodes, or ways to them", NODES_MAX);
	if (visit.depth > DEPTH_MAX)
		FAIL_NODE(st, node, "the plan is deeper than %d nodes", DEPTH_MAX);
	if (visit.chain >= TR_CHAIN_DEPTH_MAX - 1)
		FAIL_NODE(st, node, "a stage has more than %d operators in a row", TR_CHAIN_DEPTH_MAX);
	if (is_new)
		TR_TRY(check_node(c->plan, node, st));
	if (is_new && tr_plan_has_memory_share(node))
		c->plan->stateful_count += node->parallelism;
	if (c->ways.count == NODES_NAMED_MAX)
		FAIL_NODE(st, node, "more than %d operators have state", NODES_NAMED_MAX);
	way = tr_plan_name(c->plan->arena, node, visit.way, &c->ways);
	for (uint32_t i = 0; i < node->input_count; i++) { /* the plan's nodes are ours to number */
		const struct visit below = {(struct tr_node *)(uintptr_t)node->inputs[i], visit.depth + 1,
					    tr_plan_is_head(node) ? 0 : visit.chain + 1, way};

		TR_TRY(check_below(c, below, st));
	}
	return TR_OK;
}

tr_code tr_plan_check(struct tr_plan *plan, struct tr_status *st)
{
	struct checker c = {.plan = plan};

	if (plan->sink_count == 0)
		TR_FAIL(st, TR_ERR_INTERNAL, "plan: no sinks");
	if (plan->batch_rows == 0 || plan->batch_rows > TR_BATCH_ROWS_MAX || plan->workers > TR_PARALLELISM_MAX)
		TR_FAIL(st, TR_ERR_INTERNAL, "plan: %u rows a batch, %u workers", plan->batch_rows, plan->workers);
	plan->node_count = plan->stateful_count = 0;
	for (uint32_t i = 0; i < plan->sink_count; i++) {
		const struct visit sink = {(struct tr_node *)(uintptr_t)plan->sinks[i], 0, 0, ""};

		TR_TRY(check_below(&c, sink, st));
	}
	return TR_OK;
}
