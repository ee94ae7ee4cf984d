/* SPDX-License-Identifier: Apache-2.0
 *
 * See optimize.h. From the leaves upward: sources run with the job's parallelism (VALUES with one subtask), an operator
 * without state runs with its input's, a keyed one behind a hash exchange. One subtask needs no exchange. Aggregates
 * that can be merged are computed in two phases, unless table.optimizer.agg-phase-strategy says otherwise.
 *
 * What must not be chained has a forward exchange between. A node that was given a parallelism has it; an exchange that was asked for leads to as many subtasks as its reader has.
 */
#include <strings.h>

#include "base/check.h"
#include "sql/optimize.h"

struct pass {
	struct tr_arena *arena;
	uint32_t parallelism;
	bool allows_two_phase;
};

static const struct tr_node *exchange(const struct pass *pass, const struct tr_node *input, enum tr_exchange_kind kind,
				      uint32_t parallelism, uint32_t key_count)
{
	struct tr_node *node = tr_plan_node(pass->arena, TR_NODE_EXCHANGE, &input, 1);
	uint32_t *keys = TR_NEW_ARRAY(pass->arena, key_count + 1, uint32_t);

	for (uint32_t i = 0; i < key_count; i++)
		keys[i] = i;
	node->output = input->output;
	node->parallelism = parallelism;
	node->exchange.kind = kind;
	node->exchange.keys = keys;
	node->exchange.key_count = key_count;
	return node;
}

/* To another parallelism without regard to keys. */
static const struct tr_node *redistribute(const struct pass *pass, const struct tr_node *input, uint32_t parallelism)
{
	struct tr_node *copy;

	if (input->parallelism == parallelism)
		return input;
	if (input->kind == TR_NODE_EXCHANGE && input->exchange.kind != TR_EXCHANGE_FORWARD &&
	    input->exchange.kind != TR_EXCHANGE_GATHER) {
		copy = tr_plan_copy(pass->arena, input, input->inputs);
		copy->parallelism = parallelism;
		return copy;
	}
	return exchange(pass, input, parallelism == 1 ? TR_EXCHANGE_GATHER : TR_EXCHANGE_REBALANCE, parallelism, 0);
}

/* keys (first columns of both phases' inputs) to one subtask each. */
static const struct tr_node *by_key(const struct pass *pass, const struct tr_node *input, const uint32_t *keys,
				    uint32_t key_count)
{
	struct tr_node *node;

	if (key_count == 0)
		return exchange(pass, input, TR_EXCHANGE_GATHER, 1, 0);
	node = (struct tr_node *)(uintptr_t)exchange(pass, input, TR_EXCHANGE_HASH, pass->parallelism, key_count);
	if (keys != NULL)
		node->exchange.keys = keys;
	return node;
}

/* What `node` reads, behind an exchange if they must not be in one chain and there is none. */
static const struct tr_node *unchain(const struct pass *pass, const struct tr_node *node, const struct tr_node *input)
{
	const struct tr_node *made = input->kind == TR_NODE_SIDE_OUTPUT ? input->inputs[0] : input;

	if (node->kind == TR_NODE_EXCHANGE || node->kind == TR_NODE_SIDE_OUTPUT || input->kind == TR_NODE_EXCHANGE ||
	    (node->chaining == TR_CHAINING_ALWAYS && made->chaining != TR_CHAINING_NEVER))
		return input;
	return exchange(pass, input, TR_EXCHANGE_FORWARD, input->parallelism, 0);
}

static tr_code aggregate(const struct pass *pass, const struct tr_node *node, const struct tr_node *input,
			 const struct tr_node **result, struct tr_status *st)
{
	struct tr_node *local, *global;
	const struct tr_node *const *inputs;

	if (input->parallelism == 1)
		input = unchain(pass, node, input);
	global = tr_plan_node(pass->arena, node->kind, &input, 1);
	inputs = global->inputs;
	*global = *node;
	global->inputs = inputs;
	global->parallelism = 1;
	*result = global;
	if (input->parallelism == 1)
		return TR_OK;
	if (pass->allows_two_phase && !node->window.use_general &&
	    tr_plan_is_two_phase(&node->window.window, node->window.aggs, node->window.agg_count)) {
		input = unchain(pass, node, input);
		local = tr_plan_node(pass->arena, node->kind, &input, 1);
		inputs = local->inputs;
		*local = *node;
		local->inputs = inputs;
		local->parallelism = input->parallelism;
		local->window.phase = TR_PHASE_LOCAL;
		TR_TRY(tr_plan_local_schema(pass->arena, local, &local->output, st));
		input = by_key(pass, local, NULL, node->window.key_count);
		global->window.phase = TR_PHASE_GLOBAL;
	} else {
		input = by_key(pass, input, node->window.keys, node->window.key_count);
	}
	inputs = tr_plan_node(pass->arena, node->kind, &input, 1)->inputs;
	global->inputs = inputs;
	global->parallelism = input->parallelism;
	return TR_OK;
}

/* The inputs of an operator: by key where it is keyed; several are edges, each. Returns its parallelism. */
static uint32_t feed(const struct pass *pass, const struct tr_node *node, const struct tr_node **inputs)
{
	const struct tr_key_columns *keys = node->custom.keys;
	uint32_t parallelism = node->given_parallelism;

	if (parallelism == 0)
		parallelism = keys != NULL ? pass->parallelism : inputs[0]->parallelism;
	for (uint32_t i = 0; i < node->input_count; i++) {
		if (keys != NULL && keys[i].count > 0 && parallelism > 1) {
			struct tr_node *by = (struct tr_node *)(uintptr_t)exchange(pass, inputs[i], TR_EXCHANGE_HASH,
										   parallelism, keys[i].count);

			by->exchange.keys = keys[i].columns;
			inputs[i] = by;
		}
		inputs[i] = redistribute(pass, inputs[i], parallelism);
		if (node->input_count > 1 && inputs[i]->kind != TR_NODE_EXCHANGE)
			inputs[i] = exchange(pass, inputs[i], TR_EXCHANGE_FORWARD, parallelism, 0);
	}
	return parallelism;
}

/* Where an exchange leads that was asked for, as long as its reader says nothing else. */
static uint32_t exchange_target(const struct pass *pass, const struct tr_node *node, const struct tr_node *input)
{
	switch (node->exchange.kind) {
	case TR_EXCHANGE_GATHER: return 1;
	case TR_EXCHANGE_FORWARD: return input->parallelism;
	case TR_EXCHANGE_HASH:
	case TR_EXCHANGE_REBALANCE:
	case TR_EXCHANGE_BROADCAST:
	case TR_EXCHANGE_SHUFFLE:
	case TR_EXCHANGE_RESCALE:
	case TR_EXCHANGE_CUSTOM: break;
	}
	return node->given_parallelism != 0 ? node->given_parallelism : pass->parallelism;
}

static struct tr_node *over(const struct pass *pass, const struct tr_node *node, const struct tr_node *input)
{
	struct tr_node *copy = tr_plan_node(pass->arena, node->kind, &input, 1);
	const struct tr_node *const *inputs = copy->inputs;

	*copy = *node;
	copy->inputs = inputs;
	copy->parallelism = input->parallelism;
	return copy;
}

/* Each subtask sorts its own, or lets as many rows pass as may be needed; one makes the answer of theirs. */
static const struct tr_node *sort_or_limit(const struct pass *pass, const struct tr_node *node,
					   const struct tr_node *input)
{
	const uint64_t needed = tr_sort_rows_needed(&node->sort.spec);
	struct tr_node *part, *whole;

	if (input->parallelism == 1)
		return over(pass, node, input);
	if (node->kind == TR_NODE_SORT || needed != TR_SORT_NO_LIMIT) {
		part = over(pass, node, input);
		part->sort.spec.offset = 0;
		part->sort.spec.limit = needed;
		if (node->kind == TR_NODE_SORT) {
			part->output = tr_plan_sorted_schema();
			part->sort.phase = TR_PHASE_LOCAL;
		}
		input = part;
	}
	whole = over(pass, node, exchange(pass, input, TR_EXCHANGE_GATHER, 1, 0));
	if (node->kind == TR_NODE_SORT)
		whole->sort.phase = TR_PHASE_GLOBAL;
	return whole;
}

static tr_code visit(const struct pass *pass, const struct tr_node *node, const struct tr_node **result,
		     struct tr_status *st)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];
	const struct tr_node *const *copied;
	struct pass own = *pass;
	uint32_t parallelism = pass->parallelism;
	struct tr_node *copy;

	own.parallelism = node->given_parallelism != 0 ? node->given_parallelism : parallelism;
	TR_ASSERT(node->input_count <= TR_PLAN_INPUTS_MAX);
	for (uint32_t i = 0; i < node->input_count; i++)
		TR_TRY(visit(pass, node->inputs[i], &inputs[i], st));
	switch (node->kind) {
	case TR_NODE_WINDOW_AGGREGATE: return aggregate(&own, node, inputs[0], result, st);
	case TR_NODE_WINDOW_RANK:
		if (inputs[0]->parallelism > 1)
			inputs[0] = by_key(&own, inputs[0], node->rank.keys, node->rank.key_count);
		parallelism = inputs[0]->parallelism;
		break;
	case TR_NODE_SORT:
	case TR_NODE_LIMIT: *result = sort_or_limit(pass, node, inputs[0]); return TR_OK;
	case TR_NODE_VALUES: parallelism = 1; break;
	case TR_NODE_UNION:
		for (uint32_t i = 0; i < node->input_count; i++) {
			inputs[i] = redistribute(pass, inputs[i], parallelism);
			if (inputs[i]->kind != TR_NODE_EXCHANGE)
				inputs[i] = exchange(pass, inputs[i], TR_EXCHANGE_FORWARD, parallelism, 0);
		}
		break;
	case TR_NODE_SINK:
		parallelism = node->parallelism != 0 ? node->parallelism : inputs[0]->parallelism;
		inputs[0] = redistribute(pass, inputs[0], parallelism);
		break;
	case TR_NODE_SCAN: parallelism = node->given_parallelism != 0 ? node->given_parallelism : parallelism; break;
	case TR_NODE_OPERATOR: parallelism = feed(pass, node, inputs); break;
	case TR_NODE_EXCHANGE: parallelism = exchange_target(pass, node, inputs[0]); break;
	default:
		parallelism = node->given_parallelism != 0 ? node->given_parallelism : inputs[0]->parallelism;
		inputs[0] = redistribute(pass, inputs[0], parallelism);
		break;
	}
	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = unchain(pass, node, inputs[i]);
	copy = tr_plan_node(pass->arena, node->kind, inputs, node->input_count);
	copied = copy->inputs;
	*copy = *node;
	copy->inputs = copied;
	copy->parallelism = parallelism;
	*result = copy;
	return TR_OK;
}

tr_code tr_parallelize(struct tr_arena *arena, const struct tr_config *config, uint32_t parallelism,
		       const struct tr_node *sink, const struct tr_node **result, struct tr_status *st)
{
	struct pass pass = {.arena = arena, .parallelism = parallelism};

	TR_ASSERT(parallelism >= 1 && parallelism <= TR_PARALLELISM_MAX);
	pass.allows_two_phase =
		strcasecmp(tr_config_text(config, "table.optimizer.agg-phase-strategy"), "ONE_PHASE") != 0;
	return visit(&pass, sink, result, st);
}
