/* SPDX-License-Identifier: Apache-2.0
 *
 * Chain: emitting control elements, and resuming. core/chain.h has the idea.
 *
 * An operator without a function for a control element lets it pass. The emit functions skip such operators in a loop,
 * noting the watermark that went by, so that a pass never costs a call.
 */
#include "core/chain.h"

#include "base/check.h"

enum tr_flow tr_op_emit_watermark(struct tr_op *op, int64_t watermark_ms)
{
	struct tr_op *from = op;
	struct tr_op *next = op->next;

	TR_ASSERT(next != NULL);
	TR_ASSERT(watermark_ms >= op->metrics.watermark_ms); /* watermarks never go back */
	from->metrics.watermark_ms = watermark_ms;
	while (next->ops->on_watermark == NULL) {
		from = next;
		from->metrics.watermark_ms = watermark_ms;
		next = from->next;
		TR_ASSERT(next != NULL);
	}
	TR_DASSERT(!next->is_blocked);
	return tr_op_took(next, next->ops->on_watermark(next, from->next_input, watermark_ms));
}

enum tr_flow tr_op_emit_status(struct tr_op *op, bool is_idle)
{
	struct tr_op *next = op->next;
	uint32_t input = op->next_input;

	TR_ASSERT(next != NULL);
	while (next->ops->on_status == NULL) {
		input = next->next_input;
		next = next->next;
		TR_ASSERT(next != NULL);
	}
	TR_DASSERT(!next->is_blocked);
	return tr_op_took(next, next->ops->on_status(next, input, is_idle));
}

enum tr_flow tr_op_emit_end(struct tr_op *op)
{
	struct tr_op *next = op->next;
	uint32_t input = op->next_input;

	TR_ASSERT(next != NULL);
	while (next->ops->on_end == NULL) {
		input = next->next_input;
		next = next->next;
		TR_ASSERT(next != NULL);
	}
	TR_DASSERT(!next->is_blocked);
	return tr_op_took(next, next->ops->on_end(next, input));
}

void tr_chain_append(struct tr_chain *chain, struct tr_op *op)
{
	TR_ASSERT(chain->count < TR_CHAIN_OPS_MAX);
	TR_ASSERT(op != NULL && op->next == NULL);
	if (chain->count > 0) {
		chain->ops[chain->count - 1]->next = op;
		chain->ops[chain->count - 1]->next_input = 0;
	}
	chain->ops[chain->count++] = op;
}

void tr_chain_deinit(struct tr_chain *chain)
{
	while (chain->count > 0) {
		struct tr_op *op = chain->ops[--chain->count];

		op->ops->destroy(op);
	}
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

int64_t tr_chain_next_timer(const struct tr_chain *chain)
{
	int64_t next_ms = INT64_MAX;

	for (uint32_t i = 0; i < chain->count; i++)
		if (chain->ops[i]->ops->on_timer != NULL)
			next_ms = TR_MIN(next_ms, chain->ops[i]->timer_ms);
	return next_ms;
}

enum tr_flow tr_chain_flush(struct tr_chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++) {
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
