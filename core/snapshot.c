/* SPDX-License-Identifier: Apache-2.0
 *
 * See snapshot.h.
 */
#include "core/snapshot.h"

#include <stdlib.h>

#include "base/fault.h"
#include "core/checkpoint.h"
#include "core/graph.h"

static struct tr_op *head_of(struct tr_subtask *subtask)
{
	switch (subtask->stage->head) {
	case TR_HEAD_SOURCE: return tr_source_task_head(subtask->source);
	case TR_HEAD_VALUES: return subtask->values;
	case TR_HEAD_ALIGN: return &subtask->align.head;
	}
	TR_UNREACHABLE();
}

void tr_snapshot_init(struct tr_subtask *subtask)
{
	struct tr_snapshot *s = &subtask->snapshot;
	const struct tr_stage *stage = subtask->stage;

	s->count = stage->state_count;
	s->ops = TR_NEW_ARRAY(&subtask->arena, s->count + 1, struct tr_op *);
	s->writers = TR_NEW_ARRAY(&subtask->arena, s->count + 1, struct tr_block_writer);
	s->bases = TR_NEW_ARRAY(&subtask->arena, s->count + 1, uint64_t);
	s->ring = tr_ring_create(TR_SNAPSHOT_RING_BLOCKS);
	for (uint32_t i = 0; i < s->count; i++) {
		const int32_t op = stage->states[i].op;

		s->ops[i] = op < 0 ? head_of(subtask) : subtask->chain.ops[op];
	}
}

static void drop(struct tr_snapshot *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		tr_block_writer_deinit(&s->writers[i]);
	while (s->ready != NULL) {
		struct tr_state_block *block = s->ready;

		s->ready = block->next;
		tr_state_block_destroy(&block);
	}
	s->is_writing = false;
}

void tr_snapshot_deinit(struct tr_subtask *subtask)
{
	struct tr_snapshot *s = &subtask->snapshot;
	struct tr_state_block *block;

	if (s->ring == NULL)
		return;
	drop(s);
	while ((block = tr_ring_pop(s->ring)) != NULL)
		tr_state_block_destroy(&block);
	tr_ring_destroy(&s->ring);
}

static void wake_coordinator(struct tr_subtask *subtask) { tr_io_wake(subtask->graph->coordinator_io); }

/** Gives full blocks (or all) of one operator's writer to the ring. False: some wait. */
static bool push_blocks(struct tr_subtask *subtask, uint32_t op, bool only_full)
{
	struct tr_snapshot *s = &subtask->snapshot;
	struct tr_state_block *taken = tr_block_writer_take(&s->writers[op], only_full);
	bool has_pushed = false;

	if (taken != NULL) {
		if (s->ready == NULL)
			s->ready = taken;
		else
			s->ready_last->next = taken;
		for (s->ready_last = taken; s->ready_last->next != NULL; s->ready_last = s->ready_last->next)
			;
	}
	while (s->ready != NULL) {
		struct tr_state_block *next = s->ready->next;

		if (!tr_ring_push(s->ring, s->ready))
			break;
		has_pushed = true;
		s->ready = next;
	}
	if (has_pushed)
		wake_coordinator(subtask);
	return s->ready == NULL;
}

static enum tr_turn fail(struct tr_subtask *subtask, const struct tr_status *st)
{
	subtask->context.status = *st;
	return TR_TURN_FAILED;
}

/** What an operator is about to write goes to the log later than what is there. An age of another checkpoint is of one that was given
 * up, before or after this one. */
static void set_age(struct tr_subtask *subtask, struct tr_block_writer *writer)
{
	const uint64_t age = atomic_load_explicit(&subtask->graph->log_age, memory_order_relaxed);

	writer->writer.age =
		tr_state_age_checkpoint(age) == writer->checkpoint ? age : tr_state_age(writer->checkpoint);
}

/** The checkpoint whose barrier has passed the whole chain. */
static uint64_t passed(const struct tr_subtask *subtask)
{
	if (atomic_load_explicit(&subtask->snapshot.is_ended, memory_order_relaxed))
		return atomic_load_explicit(&subtask->graph->checkpoint_wanted, memory_order_acquire);
	return atomic_load_explicit(&subtask->checkpoint_done, memory_order_relaxed);
}

enum tr_turn tr_snapshot_begin(struct tr_subtask *subtask)
{
	struct tr_snapshot *s = &subtask->snapshot;
	const struct tr_graph *graph = subtask->graph;
	struct tr_snapshot_order order = {.checkpoint = passed(subtask)};
	struct tr_environment *env = graph->env;
	int64_t begun_ns, pause_ns;

	if (order.checkpoint <= s->checkpoint || order.checkpoint == TR_CHECKPOINT_ALL)
		return TR_TURN_IDLE;
	TR_ASSERT(s->completing == 0);
	/* Both were written before checkpoint_wanted was (release), which this subtask or one before it has acquired. */
	order.completed = atomic_load_explicit(&graph->checkpoint_completed, memory_order_relaxed);
	order.rewrite_before = atomic_load_explicit(&graph->rewrite_before, memory_order_relaxed);
	if (TR_BUG("snapshot-given-up-counts"))
		order.completed = s->checkpoint;
	TR_ASSERT(order.completed < order.checkpoint);
	TR_FAULT_POINT("snapshot-before");
	drop(s); /* of a checkpoint that was given up */
	begun_ns = tr_environment_monotonic_ns(env);
	s->checkpoint = order.checkpoint;
	s->processing_ms = subtask->context.program.processing_time_ms;
	s->state_bytes = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		struct tr_op *op = s->ops[i];
		const struct tr_state_stream stream = {.operator_id = subtask->stage->states[i].operator_id,
						       .subtask = subtask->index,
						       .subtask_count = subtask->stage->parallelism};
		struct tr_status st = {0};

		s->bases[i] = tr_state_age(order.checkpoint);
		tr_block_writer_begin(&s->writers[i], &stream, order.checkpoint);
		set_age(subtask, &s->writers[i]);
		if (op->ops->snapshot != NULL &&
		    op->ops->snapshot(op, &order, &s->writers[i].writer, &s->bases[i], &st) != TR_OK)
			return fail(subtask, &st);
		TR_ASSERT(s->bases[i] <= tr_state_age(order.checkpoint));
		if (op->ops->state_bytes != NULL)
			s->state_bytes += op->ops->state_bytes(op);
	}
	s->is_writing = true;
	s->cursor = 0;
	pause_ns = tr_environment_monotonic_ns(env) - begun_ns;
	s->pause_ns_max = TR_MAX(s->pause_ns_max, pause_ns);
	s->pauses += s->count > 0;
	s->pauses_long += pause_ns > TR_SNAPSHOT_LONG_NS;
	return TR_TURN_PROGRESS;
}

static enum tr_turn write_more(struct tr_subtask *subtask)
{
	struct tr_snapshot *s = &subtask->snapshot;
	struct tr_op *op;
	struct tr_status st = {0};

	if (s->cursor == s->count) {
		if (s->ready != NULL && !push_blocks(subtask, 0, true))
			return TR_TURN_IDLE;
		s->is_writing = false;
		TR_FAULT_POINT("snapshot-written");
		/* Release pairs with the coordinator's acquire: all blocks are in the ring, bases and sizes are set. */
		atomic_store_explicit(&s->done, s->checkpoint, memory_order_release);
		wake_coordinator(subtask);
		return TR_TURN_PROGRESS;
	}
	if (s->ready != NULL && !push_blocks(subtask, s->cursor, true))
		return TR_TURN_IDLE; /* the coordinator wakes us when it has taken some */
	op = s->ops[s->cursor];
	set_age(subtask, &s->writers[s->cursor]);
	if (op->ops->snapshot_step != NULL) {
		switch (op->ops->snapshot_step(op, &s->writers[s->cursor].writer, TR_SNAPSHOT_STEP_BYTES, &st)) {
		case TR_FLOW_MORE: (void)push_blocks(subtask, s->cursor, true); return TR_TURN_PROGRESS;
		case TR_FLOW_DONE: break;
		case TR_FLOW_BLOCKED: return TR_TURN_IDLE;
		case TR_FLOW_FAILED: return fail(subtask, &st);
		}
	}
	(void)push_blocks(subtask, s->cursor, false);
	s->cursor++;
	return TR_TURN_PROGRESS;
}

/** Tells the operators one by one; goes on where a blocked one has been resumed. */
static enum tr_turn complete_more(struct tr_subtask *subtask)
{
	struct tr_snapshot *s = &subtask->snapshot;

	while (s->complete_cursor < s->count) {
		struct tr_op *op = s->ops[s->complete_cursor++];

		if (op->ops->on_complete == NULL)
			continue;
		switch (tr_op_took(op, op->ops->on_complete(op, s->completing))) {
		case TR_FLOW_MORE: break;
		case TR_FLOW_BLOCKED: return TR_TURN_PROGRESS;
		case TR_FLOW_FAILED: return TR_TURN_FAILED;
		case TR_FLOW_DONE: TR_UNREACHABLE();
		}
	}
	TR_FAULT_POINT("commit-done");
	/* Release pairs with the coordinator's acquire: what the sink has published is there. */
	atomic_store_explicit(&s->committed, s->completing, memory_order_release);
	s->completing = 0;
	wake_coordinator(subtask);
	return TR_TURN_PROGRESS;
}

enum tr_turn tr_snapshot_step(struct tr_subtask *subtask)
{
	struct tr_snapshot *s = &subtask->snapshot;
	/* Acquire: the checkpoint is durable. */
	const uint64_t completed = atomic_load_explicit(&subtask->graph->checkpoint_completed, memory_order_acquire);

	if (!tr_chain_is_blocked(&subtask->chain)) {
		if (s->completing == 0 && completed > atomic_load_explicit(&s->committed, memory_order_relaxed)) {
			s->completing = completed;
			s->complete_cursor = 0;
		}
		if (s->completing != 0)
			return complete_more(subtask);
	}
	return s->is_writing ? write_more(subtask) : TR_TURN_IDLE;
}
