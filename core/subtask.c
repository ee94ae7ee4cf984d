/* SPDX-License-Identifier: Apache-2.0
 *
 * Subtask: one chain with its head, run step by step by its worker.
 *
 *     1. a piece of a checkpoint: what is complete is published, what is being saved is written on
 *     2. blocked? resume from the tail to the head; still blocked: nothing else happens
 *     3. timers of processing time, and the sink's; what other threads have left for an operator
 *     4. the head, if no timer was due: take one packet, decode or push one batch
 *     5. if that was a barrier and it has passed the chain: the snapshot
 *
 * Counters are published after a step that did something: plain numbers of the operators become relaxed atomics that
 * the progress line reads.
 */
#include <stdio.h>

#include "core/checkpoint.h"
#include "core/graph.h"
#include "core/op_sink.h"
#include "core/ops/op_values.h"

static struct tr_op *sink_of(const struct tr_subtask *subtask, uint32_t index)
{
	return subtask->chain.ops[subtask->stage->sinks[index]];
}

static void set_counter(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

/** State has left memory for the first time in this run. */
static void tell_spill(struct tr_graph *graph, uint64_t bytes)
{
	char text[TR_STATUS_MESSAGE_MAX];

	if (graph->on_event == NULL || atomic_exchange_explicit(&graph->has_spilled, true, memory_order_relaxed))
		return;
	snprintf(text, sizeof(text),
		 "the state has outgrown 'state.memory.limit' (%.1f mb): the first %.1f mb are in %s; the job slows "
		 "down",
		 (double)graph->plan->memory_limit / (1 << 20), (double)bytes / (1 << 20), graph->scratch);
	graph->on_event(graph->event_context, text);
}

static void publish_counters(struct tr_subtask *subtask)
{
	struct tr_subtask_counters *counters = &subtask->counters;
	const uint32_t sink_count = subtask->stage->sink_count;
	uint64_t rows_late = 0, spilled_bytes = 0, rows_out = 0;
	int64_t watermark_ms = TR_WATERMARK_MAX;

	for (uint32_t i = 0; i < subtask->chain.count; i++) {
		rows_late += subtask->chain.ops[i]->metrics.rows_late;
		spilled_bytes += subtask->chain.ops[i]->metrics.spilled_bytes;
	}
	set_counter(&counters->rows_late, rows_late);
	set_counter(&counters->spilled_bytes, spilled_bytes);
	if (spilled_bytes != 0)
		tell_spill(subtask->graph, spilled_bytes);
	if (subtask->source != NULL) {
		const struct tr_source_counters *source = tr_source_task_counters(subtask->source);

		set_counter(&counters->rows_in, source->rows);
		set_counter(&counters->rows_bad, source->rows_bad);
		set_counter(&counters->fields_bad, source->fields_bad);
		set_counter(&counters->bytes_in, source->bytes);
	} else if (subtask->values != NULL) {
		set_counter(&counters->rows_in, subtask->values->metrics.rows_out);
	}
	for (uint32_t i = 0; i < sink_count; i++) {
		rows_out += sink_of(subtask, i)->metrics.rows_out;
		watermark_ms = TR_MIN(watermark_ms, sink_of(subtask, i)->metrics.watermark_ms);
	}
	if (sink_count > 0) {
		set_counter(&counters->rows_out, rows_out);
		atomic_store_explicit(&counters->watermark_ms, watermark_ms, memory_order_relaxed);
	}
}

/** The chain is not blocked, so the barrier that the head emitted last has passed all of it. */
static void publish_checkpoint(struct tr_subtask *subtask)
{
	uint64_t checkpoint = 0;

	switch (subtask->stage->head) {
	case TR_HEAD_SOURCE: checkpoint = tr_source_task_checkpoint(subtask->source); break;
	case TR_HEAD_ALIGN: checkpoint = subtask->align.head.metrics.checkpoint; break;
	case TR_HEAD_VALUES: checkpoint = subtask->values->metrics.checkpoint; break;
	}
	if (subtask->is_done)
		checkpoint = TR_CHECKPOINT_ALL;
	if (checkpoint > atomic_load_explicit(&subtask->checkpoint_done, memory_order_relaxed))
		atomic_store_explicit(&subtask->checkpoint_done, checkpoint, memory_order_release);
}

static enum tr_turn step_head(struct tr_subtask *subtask, int64_t now_ns)
{
	switch (subtask->stage->head) {
	case TR_HEAD_SOURCE: return tr_source_task_step(subtask->source, now_ns);
	case TR_HEAD_ALIGN: return tr_align_step(&subtask->align);
	case TR_HEAD_VALUES:
		if (tr_op_is_stopped(subtask->values))
			return TR_TURN_IDLE;
		switch (tr_op_values_step(subtask->values)) {
		case TR_FLOW_DONE: return TR_TURN_DONE;
		case TR_FLOW_FAILED: return TR_TURN_FAILED;
		case TR_FLOW_MORE:
		case TR_FLOW_BLOCKED: return TR_TURN_PROGRESS;
		}
	}
	TR_UNREACHABLE();
}

/** Timers of operators and sinks. */
static enum tr_turn step_timers(struct tr_subtask *subtask, int64_t now_ns, int64_t now_ms)
{
	bool fired = false;
	enum tr_flow flow = TR_FLOW_MORE;

	if (tr_chain_next_timer(&subtask->chain) <= now_ms)
		flow = tr_chain_fire_timers(&subtask->chain, now_ms, &fired);
	for (uint32_t i = 0; i < subtask->stage->sink_count && flow == TR_FLOW_MORE; i++) {
		struct tr_op *sink = sink_of(subtask, i);

		if (tr_op_sink_wake_at(sink) > now_ns)
			continue;
		fired = true;
		flow = tr_op_took(sink, sink->ops->flush(sink));
	}
	if (flow == TR_FLOW_FAILED)
		return TR_TURN_FAILED;
	return fired ? TR_TURN_PROGRESS : TR_TURN_IDLE;
}

/** After each thing that the chain was given. */
static enum tr_turn pass_barrier(struct tr_subtask *subtask)
{
	if (tr_chain_is_blocked(&subtask->chain))
		return TR_TURN_IDLE;
	publish_checkpoint(subtask);
	return subtask->snapshot.ring != NULL ? tr_snapshot_begin(subtask) : TR_TURN_IDLE;
}

/** The input has come to an end: the subtask is done, or stays for the checkpoints that are still to come. */
static enum tr_turn end(struct tr_subtask *subtask)
{
	if (subtask->snapshot.ring == NULL) {
		subtask->is_done = true;
		return TR_TURN_DONE;
	}
	/* Release pairs with the acquire of the coordinator. */
	atomic_store_explicit(&subtask->snapshot.is_ended, true, memory_order_release);
	tr_io_wake(subtask->graph->coordinator_io);
	return TR_TURN_PROGRESS;
}

/** A subtask whose input has ended: only checkpoints concern it, until the job is finished. */
static enum tr_turn step_ended(struct tr_subtask *subtask)
{
	enum tr_turn turn = tr_snapshot_step(subtask);

	if (turn == TR_TURN_IDLE && tr_chain_is_blocked(&subtask->chain)) { /* the sink publishes */
		switch (tr_chain_resume(&subtask->chain)) {
		case TR_FLOW_BLOCKED: return TR_TURN_IDLE;
		case TR_FLOW_FAILED: return TR_TURN_FAILED;
		case TR_FLOW_MORE:
		case TR_FLOW_DONE: return TR_TURN_PROGRESS; /* the other operators have to be told, too */
		}
	}
	if (turn == TR_TURN_IDLE)
		turn = tr_snapshot_begin(subtask);
	/* Acquire pairs with the release of the coordinator. */
	if (turn == TR_TURN_IDLE && atomic_load_explicit(&subtask->graph->is_finished, memory_order_acquire)) {
		subtask->is_done = true;
		publish_checkpoint(subtask);
		return TR_TURN_DONE;
	}
	return turn;
}

static bool is_ended(const struct tr_subtask *subtask)
{
	return atomic_load_explicit(&subtask->snapshot.is_ended, memory_order_relaxed);
}

/** Steps 2 to 5. */
static enum tr_turn step_chain(struct tr_subtask *subtask, int64_t now_ns, int64_t now_ms)
{
	struct tr_chain *chain = &subtask->chain;
	bool is_resumed = false, has_come = false;
	enum tr_turn step;

	if (tr_chain_is_blocked(chain)) {
		const enum tr_flow flow = tr_chain_resume(chain);

		if (flow == TR_FLOW_FAILED)
			return TR_TURN_FAILED;
		if (flow == TR_FLOW_BLOCKED) {
			if (subtask->source != NULL)
				tr_source_task_pause(subtask->source, now_ns);
			return TR_TURN_IDLE;
		}
		is_resumed = true;
		if (pass_barrier(subtask) == TR_TURN_FAILED)
			return TR_TURN_FAILED;
	}
	step = step_timers(subtask, now_ns, now_ms);
	if (step == TR_TURN_IDLE && tr_chain_take_signals(chain, now_ms, &has_come) == TR_FLOW_FAILED)
		return TR_TURN_FAILED;
	if (step == TR_TURN_IDLE && !(has_come && tr_chain_is_blocked(chain)))
		step = step_head(subtask, now_ns);
	if (step == TR_TURN_IDLE && has_come)
		step = TR_TURN_PROGRESS;
	if (step == TR_TURN_DONE)
		step = end(subtask);
	if (step != TR_TURN_IDLE || is_resumed)
		publish_counters(subtask);
	if (step != TR_TURN_FAILED && pass_barrier(subtask) == TR_TURN_FAILED)
		return TR_TURN_FAILED;
	return step == TR_TURN_IDLE && is_resumed ? TR_TURN_PROGRESS : step;
}

enum tr_turn tr_subtask_step(struct tr_subtask *subtask, int64_t now_ns, int64_t now_ms)
{
	enum tr_turn saved = TR_TURN_IDLE;
	enum tr_turn step;

	if (subtask->is_done)
		return TR_TURN_DONE;
	subtask->context.program.processing_time_ms = now_ms;
	if (is_ended(subtask))
		return step_ended(subtask);
	if (subtask->snapshot.ring != NULL)
		saved = tr_snapshot_step(subtask);
	if (saved == TR_TURN_FAILED)
		return saved;
	step = step_chain(subtask, now_ns, now_ms);
	return step == TR_TURN_IDLE ? saved : step;
}

enum tr_turn tr_subtask_flush(struct tr_subtask *subtask)
{
	if (subtask->is_done || is_ended(subtask))
		return TR_TURN_IDLE;
	return tr_chain_flush(&subtask->chain) == TR_FLOW_FAILED ? TR_TURN_FAILED : TR_TURN_IDLE;
}

int64_t tr_subtask_wake_at_ns(const struct tr_subtask *subtask)
{
	int64_t wake_ns = INT64_MAX;

	if (subtask->is_done || is_ended(subtask))
		return INT64_MAX;
	if (tr_chain_is_blocked(&subtask->chain)) /* only what it waits for can help */
		return INT64_MAX;
	if (subtask->source != NULL)
		wake_ns = tr_source_task_wake_at(subtask->source);
	for (uint32_t i = 0; i < subtask->stage->sink_count; i++)
		wake_ns = TR_MIN(wake_ns, tr_op_sink_wake_at(sink_of(subtask, i)));
	return wake_ns;
}

int64_t tr_subtask_wake_at_ms(const struct tr_subtask *subtask)
{
	if (subtask->is_done || is_ended(subtask))
		return INT64_MAX;
	return tr_chain_is_blocked(&subtask->chain) ? tr_chain_resume_at(&subtask->chain)
						    : tr_chain_next_timer(&subtask->chain);
}
