/* SPDX-License-Identifier: Apache-2.0
 *
 * Chain: building, resuming, flushing. core/chain.h has the idea; emitting is core/ops/op.c.
 */
#include "core/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/op_fork.h"

static void add(struct tr_chain *chain, struct tr_op *op)
{
	TR_ASSERT(chain->count < TR_CHAIN_OPS_MAX && op != NULL && op->next == NULL);
	if (chain->capacity == 0) {
		chain->ops = chain->few;
		chain->capacity = TR_CHAIN_OPS_FEW;
	}
	if (chain->count == chain->capacity) {
		struct tr_op **more = malloc(2 * chain->capacity * sizeof(*more));

		TR_ASSERT(more != NULL);
		memcpy(more, chain->ops, chain->count * sizeof(struct tr_op *));
		if (chain->ops != chain->few)
			free(chain->ops);
		chain->ops = more;
		chain->capacity *= 2;
	}
	chain->ops[chain->count++] = op;
	chain->has_signals = chain->has_signals || op->signal != NULL;
}

void tr_chain_append_to(struct tr_chain *chain, struct tr_op *from, struct tr_op *op, uint32_t output)
{
	if (tr_op_is_fork(from)) {
		tr_op_fork_add(from, op, output);
	} else {
		TR_ASSERT(from->next == NULL && output == 0);
		from->next = op;
		from->next_input = 0;
	}
	add(chain, op);
}

void tr_chain_append(struct tr_chain *chain, struct tr_op *op)
{
	if (chain->count > 0)
		tr_chain_append_to(chain, chain->ops[chain->count - 1], op, 0);
	else
		add(chain, op);
}

void tr_chain_deinit(struct tr_chain *chain)
{
	while (chain->count > 0) {
		struct tr_op *op = chain->ops[--chain->count];

		op->ops->destroy(op);
	}
	if (chain->ops != chain->few)
		free(chain->ops);
	*chain = (struct tr_chain){0};
}

bool tr_chain_is_blocked(const struct tr_chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (chain->ops[i]->is_blocked)
			return true;
	return false;
}

enum tr_flow tr_chain_resume(struct tr_chain *chain)
{
	for (uint32_t i = chain->count; i-- > 0;) {
		struct tr_op *op = chain->ops[i];
		enum tr_flow flow;

		if (!op->is_blocked)
			continue;
		flow = op->ops->resume != NULL ? op->ops->resume(op) : TR_FLOW_MORE;
		op->is_blocked = flow == TR_FLOW_BLOCKED;
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	return TR_FLOW_MORE;
}

enum tr_flow tr_chain_fire_timers(struct tr_chain *chain, int64_t now_ms, bool *fired)
{
	*fired = false;
	for (uint32_t i = chain->count; i-- > 0;) {
		struct tr_op *op = chain->ops[i];
		enum tr_flow flow;

		if (op->ops->on_timer == NULL || op->timer_ms > now_ms)
			continue;
		*fired = true;
		flow = tr_op_took(op, op->ops->on_timer(op, now_ms));
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	return TR_FLOW_MORE;
}

enum tr_flow tr_chain_take_signals(struct tr_chain *chain, int64_t now_ms, bool *called)
{
	*called = false;
	for (uint32_t i = chain->has_signals ? chain->count : 0; i-- > 0;) {
		struct tr_op *op = chain->ops[i];
		enum tr_flow flow;

		/* Acquire pairs with the release of who raised it. */
		if (op->signal == NULL || atomic_load_explicit(op->signal, memory_order_acquire) == 0)
			continue;
		*called = true;
		flow = tr_op_took(op, op->ops->on_timer(op, now_ms));
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	return TR_FLOW_MORE;
}

int64_t tr_chain_resume_at(const struct tr_chain *chain)
{
	for (uint32_t i = chain->count; i-- > 0;)
		if (chain->ops[i]->is_blocked)
			return chain->ops[i]->is_waiting ? chain->ops[i]->timer_ms : INT64_MAX;
	return INT64_MAX;
}

int64_t tr_chain_next_timer(const struct tr_chain *chain)
{
	int64_t next_ms = INT64_MAX;

	for (uint32_t i = 0; i < chain->count; i++)
		if (chain->ops[i]->ops->on_timer != NULL)
			next_ms = TR_MIN(next_ms, chain->ops[i]->timer_ms);
	return next_ms;
}

/** Behind the last operator that is blocked, if it waits. */
static uint32_t first_to_flush(const struct tr_chain *chain)
{
	for (uint32_t i = chain->count; i-- > 0;)
		if (chain->ops[i]->is_blocked)
			return chain->ops[i]->is_waiting ? i + 1 : chain->count;
	return 0;
}

enum tr_flow tr_chain_flush(struct tr_chain *chain)
{
	for (uint32_t i = first_to_flush(chain); i < chain->count; i++) {
		struct tr_op *op = chain->ops[i];
		enum tr_flow flow;

		if (op->ops->flush == NULL)
			continue;
		flow = tr_op_took(op, op->ops->flush(op));
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	return TR_FLOW_MORE;
}
