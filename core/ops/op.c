/* SPDX-License-Identifier: Apache-2.0
 *
 * Emitting control elements to the next operator of the chain. core/ops/op.h has the contract.
 *
 * An operator without a function for a control element lets it pass. The emit functions skip such operators in a loop,
 * noting the watermark that went by, so that a pass never costs a call.
 */
#include "core/ops/op.h"

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

enum tr_flow tr_op_emit_barrier(struct tr_op *op, uint64_t checkpoint)
{
	struct tr_op *next = op->next;
	uint32_t input = op->next_input;

	TR_ASSERT(next != NULL && checkpoint > op->metrics.checkpoint);
	op->metrics.checkpoint = checkpoint;
	while (next->ops->on_barrier == NULL) {
		input = next->next_input;
		next = next->next;
		TR_ASSERT(next != NULL);
	}
	TR_DASSERT(!next->is_blocked);
	return tr_op_took(next, next->ops->on_barrier(next, input, checkpoint));
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

/* As deep as limits lie in one another. Relaxed: pairs with nothing, a hint. */
bool tr_enough_is_reached(struct tr_enough *enough)
{
	bool is_reached = atomic_load_explicit(&enough->is_reached, memory_order_relaxed);

	if (!is_reached && enough->outer != NULL)
		is_reached = tr_enough_is_reached(enough->outer);
	if (!is_reached && enough->all_count > 0) {
		is_reached = true;
		for (uint32_t i = 0; i < enough->all_count && is_reached; i++)
			is_reached = tr_enough_is_reached(enough->all[i]);
	}
	if (is_reached)
		atomic_store_explicit(&enough->is_reached, true, memory_order_relaxed);
	return is_reached;
}
