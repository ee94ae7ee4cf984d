/* SPDX-License-Identifier: Apache-2.0
 *
 * Source task, what it saves and restores. core/source_position.h says what the items are and how they are put in order;
 * this file takes them from a task at a barrier, and gives a new task what they held.
 *
 *     barrier ──▶ take_position: items in the task's memory ──snapshot──▶ records
 *     records ──load──▶ saved (subtask 0: the shared part, too) ──load_end──▶ watermark, counters; carries and hands
 *
 * Items are taken right before the barrier goes down the chain, and written when the chain is saved. After the end of the
 * input no barrier passes; then they are taken when they are wanted.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "core/source_task_inner.h"

void tr_source_task_note_carry(struct tr_source_task *t, const struct tr_source_carry *carry, bool is_finished)
{
	uint32_t at = t->carry_count;

	while (at > 0 && t->carries[at - 1].split > carry->split) /* splits are begun in order: few steps */
		at--;
	if (at > 0 && t->carries[at - 1].split == carry->split) {
		t->carries[at - 1] = *carry;
		if (is_finished) {
			memmove(&t->carries[at - 1], &t->carries[at], (t->carry_count - at) * sizeof(*t->carries));
			t->carry_count--;
		}
		return;
	}
	if (is_finished)
		return;
	if (t->carry_count == t->carry_capacity) {
		t->carry_capacity = TR_MAX(t->carry_capacity * 2, 8);
		t->carries = realloc(t->carries, t->carry_capacity * sizeof(*t->carries));
		TR_ASSERT(t->carries != NULL);
	}
	memmove(&t->carries[at + 1], &t->carries[at], (t->carry_count - at) * sizeof(*t->carries));
	t->carries[at] = *carry;
	t->carry_count++;
}

static struct tr_source_task *task_of(struct tr_position_writer *writer)
{
	return (struct tr_source_task *)((char *)writer - offsetof(struct tr_source_task, position_writer));
}

static void put_split(struct tr_position_writer *writer, const struct tr_split_position *split)
{
	tr_source_position_put_split(&task_of(writer)->items, split);
}

static void put_chunk(struct tr_position_writer *writer, const struct tr_chunk_position *chunk)
{
	struct tr_source_task *t = task_of(writer);
	const struct tr_source_hand *restored = tr_source_hand_find(t->plan->carries, chunk->split, chunk->chunk);
	const struct tr_source_hand fresh = {.position = *chunk};

	tr_source_position_put_hand(&t->items, restored != NULL ? restored : &fresh);
}

static void put_own_chunk(struct tr_source_task *t)
{
	struct tr_source_hand hand = {
		.position = {.split = t->split, .chunk = t->chunk, .start = t->start, .limit = t->limit},
	};

	if (t->state == TR_CHUNK_CONFIRMED) {
		hand.position.is_confirmed = true;
		hand.stamp = t->pushed_stamp;
		if (TR_BUG("source-watermark-forgotten"))
			hand.stamp.current_ms = hand.stamp.last_ms = TR_MIN(hand.stamp.last_ms, 0);
		hand.rows_before = t->rows_before;
		hand.rows_pushed = TR_MAX(t->rows_done, t->hand != NULL ? t->hand->rows_pushed : 0);
		if (TR_BUG("source-one-row-off"))
			hand.rows_pushed++;
		hand.counted = t->counted;
	}
	tr_source_position_put_hand(&t->items, &hand);
}

/** Notes which carries nobody will need any more: the split is finished, or its slot has gone on from there. */
static void mark_over(struct tr_source_task *t, struct tr_source_carry *carries, size_t count, bool is_restored)
{
	for (size_t i = 0; i < count; i++) {
		const struct tr_carry_slot *slot = tr_carries_slot(t->plan->carries, carries[i].split);
		const uint64_t done = atomic_load_explicit(&slot->chunks_done, memory_order_acquire);

		carries[i].is_over = atomic_load_explicit(&slot->is_finished, memory_order_acquire) ||
				     (is_restored && done > carries[i].chunks_done);
	}
}

/** Puts carries, and forgets those that were over before this barrier, unless another reader has passed a later one. */
static size_t put_carries(struct tr_source_task *t, struct tr_source_carry *carries, size_t count)
{
	const bool is_newest = tr_op_newest_barrier(&t->head) <= t->items_checkpoint;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		tr_source_position_put_carry(&t->items, &carries[i]);
		if (!is_newest || !carries[i].is_over)
			carries[kept++] = carries[i];
	}
	return kept;
}

void tr_source_task_take_position(struct tr_source_task *t, uint64_t checkpoint)
{
	struct tr_source_self self;

	if (t->plan->ops->reader_barrier == NULL)
		return;
	tr_bytes_clear(&t->items);
	t->items_checkpoint = checkpoint;
	mark_over(t, t->carries, t->carry_count, false);
	mark_over(t, t->saved.carries, t->saved.carry_count, true);
	(void)t->plan->ops->reader_barrier(t->reader, checkpoint, &t->position_writer);
	/* After that: a reader that publishes this chunk's start and comes to the end of its input before its own barrier has
	 * been seen now, and one that comes later saves its carry. */
	if (t->state == TR_CHUNK_GUESSED)
		(void)tr_source_task_confirm(t);
	if (t->state != TR_CHUNK_NONE)
		put_own_chunk(t);
	t->carry_count = (uint32_t)put_carries(t, t->carries, t->carry_count);
	t->saved.carry_count = put_carries(t, t->saved.carries, t->saved.carry_count);
	(void)tr_source_task_least_of_others(t, UINT64_MAX, false); /* brings finished_ms up to date */
	self = (struct tr_source_self){t->reached_ms, t->others.finished_ms, t->counters};
	if (t->is_reader_done && t->is_max_emitted) /* not if it was told to end though there is more */
		self.emitted_ms = TR_WATERMARK_MAX;
	tr_source_position_put_self(&t->items, &self);
}

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct tr_source_task *t = (struct tr_source_task *)op;

	if (t->items_checkpoint != order->checkpoint) { /* its input has ended: no barrier passes any more */
		TR_ASSERT(t->is_end_emitted && t->items_checkpoint < order->checkpoint);
		tr_source_task_take_position(t, order->checkpoint);
	}
	*base = tr_state_age(order->checkpoint);
	return tr_source_position_write(&t->items, writer, st);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct tr_source_task *t = (struct tr_source_task *)op;
	struct tr_source_self self = {.emitted_ms = 0};

	if (op->context->subtask == 0) /* it puts the shared part together */
		t->saved.arena = op->context->arena;
	TR_TRY(tr_source_saved_take(&t->saved, record, &self, st));
	if (origin->subtask % op->context->subtask_count == op->context->subtask) {
		t->counters.rows += self.counters.rows;
		t->counters.rows_bad += self.counters.rows_bad;
		t->counters.fields_bad += self.counters.fields_bad;
		t->counters.bytes += self.counters.bytes;
	}
	return TR_OK;
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct tr_source_task *t = (struct tr_source_task *)op;
	tr_code code = TR_OK;

	if (t->saved.self_count == 0)
		return TR_OK;
	if (TR_BUG("source-watermark-forgotten"))
		t->saved.emitted_ms = TR_WATERMARK_MIN;
	/* If all had come to the end, there is nothing to say but the end. */
	t->emitted_ms = t->saved.emitted_ms == TR_WATERMARK_MAX ? TR_WATERMARK_MIN : t->saved.emitted_ms;
	t->reached_ms = t->emitted_ms;
	t->others.finished_ms = t->saved.finished_ms;
	t->is_watermark_due = t->emitted_ms > TR_WATERMARK_MIN;
	if (op->context->subtask == 0)
		code = tr_source_saved_restore(&t->saved, t->plan, tr_environment_monotonic_ns(op->context->env), st);
	return code;
}

static const struct tr_op_ops head_ops = {
	.name = "source",
	.snapshot = snapshot,
	.load = load,
	.load_end = load_end,
};

void tr_source_task_state_init(struct tr_source_task *t)
{
	t->head.ops = &head_ops;
	t->position_writer = (struct tr_position_writer){put_split, put_chunk};
}

void tr_source_task_state_deinit(struct tr_source_task *t)
{
	tr_source_saved_deinit(&t->saved);
	tr_bytes_deinit(&t->items);
	free(t->carries);
}
