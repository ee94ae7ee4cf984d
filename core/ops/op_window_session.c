/* SPDX-License-Identifier: Apache-2.0
 *
 * SESSION windows: a session of a key is a row's [t, t + gap), joined with all others of the key that it overlaps or
 * touches.
 *
 * Whether a row is late is decided after joining, as in Flink: the row's session, joined with those that are still
 * open when the row arrives, is late if it ends at or before the row's watermark. So what a row does depends on the
 * sessions that the rows *before it* have left open, and the order of rows matters. Rows of one split that come by way of
 * several workers arrive in any order, so the order of arrival can't decide. Rows wait, and are taken by watermark, and
 * rows of equal watermark by time, the greatest first:
 *
 *     batch ──▶ held rows (copied), each with its watermark                            window_held.h
 *     watermark W: no row with a watermark below W will come. Held rows below W are taken in that order;
 *                  each closes what its watermark has passed, and is joined with what is open.      window_sessions.h
 *                  Then all sessions that end at or before W fire.
 *
 * Why the greatest time first. Between rows of equal watermark V nothing closes, and each open session ends after V. A row
 * that alone would end after V is taken in any order. Another, at t, is taken exactly if it meets an open session; since
 * that one ends after V, and so after t + gap, this means that the session starts at or before t + gap. What rows before t
 * join is no help to it: one at u < t that meets a session which starts at or before u + gap shows that t meets it
 * without u. So only rows at greater times can open the way for a row, and those have been taken: what is late in this
 * order is late in every order. The rows that join are the most that any order of arrival would let in, always the
 * same ones; Flink lets in some of them, as they happen to arrive. Rows of one time fare alike.
 *
 * A closed session (its timer is at most the greatest watermark seen for its key) is never joined again; it fires with
 * the next watermark of the operator. With processing time rows are taken at once, and sessions fire by the clock.
 *
 * Rows of equal watermark that alone would end after it may come in any order among themselves; as they all are at greater times
 * than the others, they come first, as they arrived, and only the others are sorted. And what a row does depends on rows of its
 * key alone: so rows are taken some thousand at a time, the keys of all of them looked up together.
 *
 * State lives in a table, and a snapshot is the table's: a barrier sets a mark, what has changed is written in pieces after it,
 * and with a memory limit what was not used lately is on disk. Rows that wait are written once, and with a limit they may be on
 * disk as well. Who needs what is there has to read first: then the operator answers BLOCKED, and goes on where it was when it is resumed.
 */
#include <stdlib.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_held.h"
#include "core/ops/window_output.h"
#include "core/ops/window_sessions.h"

#define HELD_SHARE \
	8 /* of the limit is for rows that wait, and as much again for those that are taken, and for buffers */

/** What is being done; each goes on to the next. */
enum doing {
	DOING_NOTHING,
	DOING_BATCH, /* rows of a batch are taken: processing time */
	DOING_ROOM,  /* held rows are on their way to the file */
	DOING_HELD,  /* held rows are taken */
	DOING_FIRE,
};

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_END };

struct session_op {
	struct tr_window_op w;
	struct tr_window_assign assign; /* for the times */
	struct tr_window_held held;
	struct tr_window_sessions *sessions;
	const struct tr_batch *batch; /* DOING_BATCH: borrowed until it is done */
	struct tr_window_row *rows;   /* of it */
	int64_t now_ms;               /* local */
	size_t taken;                 /* rows that are done */
	int64_t fire_ms;
	enum doing doing;
	enum after after;
	bool is_saving_held;
};

static bool is_event_time(const struct session_op *s) { return !s->w.plan->window.is_processing_time; }

static void share_memory(struct session_op *s)
{
	tr_window_sessions_set_other(s->sessions, tr_window_held_memory(&s->held));
	s->w.op.metrics.spilled_bytes = tr_window_sessions_spilled(s->sessions) + tr_window_held_spilled(&s->held);
}

static void set_timer(struct session_op *s)
{
	const int64_t next = tr_window_sessions_next(s->sessions);

	s->w.op.timer_ms = is_event_time(s) || next == INT64_MAX ? INT64_MAX : tr_window_timer(&s->w.clock, next) + 1;
}

/** Rows of a batch, all at the time that it is. Nothing is late: the order does not matter. */
static enum tr_flow take_batch(struct session_op *s)
{
	while (s->taken < s->batch->selected_count) {
		const uint32_t n =
			(uint32_t)TR_MIN(s->batch->selected_count - s->taken, (size_t)TR_WINDOW_SESSIONS_ROWS);
		enum tr_flow flow;

		for (uint32_t i = 0; i < n; i++)
			s->rows[i] = (struct tr_window_row){.batch = s->batch,
							    .watermark_ms = TR_WATERMARK_MIN,
							    .time_ms = s->now_ms,
							    .row = tr_batch_row(s->batch, (uint32_t)s->taken + i)};
		flow = tr_window_sessions_take(s->sessions, s->rows, n);
		if (flow != TR_FLOW_MORE)
			return flow;
		s->taken += n;
	}
	return TR_FLOW_MORE;
}

/** Takes the rows that are ready. */
static enum tr_flow take_ready(struct session_op *s)
{
	while (s->taken < s->held.ready_count) {
		const size_t n = TR_MIN(s->held.ready_count - s->taken, (size_t)TR_WINDOW_SESSIONS_ROWS);
		const enum tr_flow flow = tr_window_sessions_take(s->sessions, s->held.ready + s->taken, (uint32_t)n);

		if (flow != TR_FLOW_MORE)
			return flow;
		s->taken += n;
	}
	tr_window_held_done(&s->held);
	return TR_FLOW_MORE;
}

static enum tr_flow take_held(struct session_op *s)
{
	enum tr_flow flow = TR_FLOW_MORE;

	for (;;) {
		if (s->held.ready_count == 0) {
			flow = tr_window_held_ready(&s->held, &s->w.clock, s->w.watermark_ms, &s->w.op.context->status);
			if (flow == TR_FLOW_DONE)
				return TR_FLOW_MORE;
			s->taken = 0;
			share_memory(s);
		}
		if (flow == TR_FLOW_MORE)
			flow = take_ready(s);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
}

static enum tr_flow fire(struct session_op *s)
{
	struct tr_window_op *w = &s->w;

	for (;;) {
		enum tr_flow flow;
		uint32_t n;

		tr_batch_buffer_clear(w->out);
		flow = tr_window_sessions_fire(s->sessions, s->fire_ms, &n);
		if (flow != TR_FLOW_MORE || n == 0)
			return flow;
		tr_window_op_seal(w, n);
		flow = tr_window_op_emit(w);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
}

/** Goes on with what is being done. */
static enum tr_flow advance(struct session_op *s)
{
	struct tr_window_op *w = &s->w;
	enum tr_flow flow = TR_FLOW_MORE;

	share_memory(s);
	switch (s->doing) {
	case DOING_NOTHING: return TR_FLOW_MORE;
	case DOING_BATCH: flow = take_batch(s); break;
	case DOING_ROOM: flow = tr_window_held_poll(&s->held, &w->op.context->status); break;
	case DOING_HELD:
		flow = take_held(s);
		if (flow != TR_FLOW_MORE)
			return flow;
		s->doing = DOING_FIRE;
		/* fall through */
	case DOING_FIRE: flow = fire(s); break;
	}
	if (flow != TR_FLOW_MORE)
		return flow;
	s->doing = DOING_NOTHING;
	set_timer(s);
	switch (s->after) {
	case AFTER_NOTHING: return TR_FLOW_MORE;
	case AFTER_END: s->after = AFTER_NOTHING; return tr_op_emit_end(&w->op);
	case AFTER_WATERMARK: break;
	}
	s->after = AFTER_NOTHING;
	w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
	return tr_op_emit_watermark(&w->op, w->watermark_ms);
}

/** The local times of the rows, in s->assign. */
static tr_code take_times(struct session_op *s, const struct tr_batch *batch, struct tr_status *st)
{
	TR_TRY(tr_window_assign_times(&s->assign, batch, st));
	for (uint32_t i = 0; i < batch->selected_count; i++)
		if (s->assign.times[i] < -TR_WINDOW_TIME_MAX || s->assign.times[i] > TR_WINDOW_TIME_MAX)
			TR_FAIL(st, TR_ERR_DATA, "the event time %lld ms is out of range",
				(long long)s->assign.times[i]);
	return TR_OK;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct session_op *s = (struct session_op *)op;

	if (batch->selected_count == 0)
		return TR_FLOW_MORE;
	if (tr_window_op_check(&s->w, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	if (is_event_time(s)) {
		if (take_times(s, batch, &op->context->status) != TR_OK)
			return TR_FLOW_FAILED;
		if (tr_window_held_add(&s->held, batch, s->assign.times, NULL, s->w.watermark_ms,
				       &op->context->status) != TR_OK)
			return TR_FLOW_FAILED;
		s->doing = DOING_ROOM;
		return advance(s);
	}
	s->batch = batch;
	s->now_ms = tr_window_local(&s->w.clock, op->context->program.processing_time_ms);
	s->taken = 0;
	s->doing = DOING_BATCH;
	return advance(s);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct session_op *s = (struct session_op *)op;

	if (watermark_ms <= s->w.watermark_ms)
		return TR_FLOW_MORE;
	s->w.watermark_ms = watermark_ms;
	s->after = AFTER_WATERMARK;
	s->doing = DOING_FIRE;
	if (is_event_time(s)) {
		s->taken = 0;
		s->fire_ms = watermark_ms;
		s->doing = DOING_HELD;
	}
	return advance(s);
}

static enum tr_flow on_timer(struct tr_op *op, int64_t now_ms)
{
	struct session_op *s = (struct session_op *)op;

	TR_ASSERT(!is_event_time(s));
	s->fire_ms = TR_MAX(s->fire_ms, now_ms - 1);
	s->doing = DOING_FIRE;
	return advance(s);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct session_op *s = (struct session_op *)op;

	if (!is_event_time(s))
		s->fire_ms = INT64_MAX;
	s->after = AFTER_END;
	s->doing = DOING_FIRE;
	return advance(s);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct session_op *)op); }

/* -- saving and loading -- */

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct session_op *s = (struct session_op *)op;
	uint64_t held;

	TR_TRY(tr_window_state_put_mark(&s->w, writer, s->fire_ms, st));
	tr_window_sessions_snapshot(s->sessions, order, base);
	held = tr_window_held_snapshot(&s->held, order, s->w.watermark_ms);
	*base = TR_MIN(*base, held);
	s->is_saving_held = false;
	return TR_OK;
}

static enum tr_flow snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	struct session_op *s = (struct session_op *)op;
	enum tr_flow flow;

	if (s->is_saving_held)
		return tr_window_held_step(&s->held, &s->w, writer, budget, st);
	flow = tr_window_sessions_step(s->sessions, writer, budget, st);
	if (tr_window_op_check(&s->w, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (flow != TR_FLOW_DONE)
		return flow;
	s->is_saving_held = true;
	return TR_FLOW_MORE;
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct session_op *s = (struct session_op *)op;
	struct tr_window_rows rows;
	struct tr_batch batch;
	bool is_taken;

	TR_TRY(tr_window_state_load(&s->w, origin, record, &is_taken, st));
	if (is_taken)
		return TR_OK;
	share_memory(s);
	if (record->kind != TR_WINDOW_STATE_WAITING)
		return tr_window_sessions_load(s->sessions, record, st);
	TR_TRY(tr_window_state_read_waiting(&s->w, record, &rows, &batch, st));
	if (batch.selected_count == 0)
		return TR_OK;
	TR_TRY(take_times(s, &batch, st));
	TR_TRY(tr_window_held_add(&s->held, &batch, s->assign.times, rows.starts, TR_WATERMARK_MIN, st));
	return tr_window_held_wait(&s->held, st);
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct session_op *s = (struct session_op *)op;

	s->fire_ms = tr_window_state_loaded(&s->w, s->fire_ms);
	set_timer(s);
	return TR_OK;
}

static uint64_t state_bytes(const struct tr_op *op)
{
	struct session_op *s = (struct session_op *)(uintptr_t)op;

	return tr_window_state_bytes(&s->w, tr_window_sessions_count(s->sessions) + s->held.count);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_window_state_kinds((struct tr_window_op *)(uintptr_t)op, count);
}

static void destroy(struct tr_op *op)
{
	struct session_op *s = (struct session_op *)op;

	tr_window_sessions_destroy(&s->sessions);
	tr_window_held_deinit(&s->held);
	tr_window_assign_deinit(&s->assign);
	tr_window_op_deinit(&s->w);
	free(s->rows);
	free(s);
}

static const struct tr_op_ops event_ops = {
	.name = "session window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_end = on_end,
	.resume = resume,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

static const struct tr_op_ops processing_ops = {
	.name = "session window aggregate (processing time)",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_timer = on_timer,
	.on_end = on_end,
	.resume = resume,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

tr_code tr_op_window_session_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				    struct tr_status *st)
{
	struct session_op *s = calloc(1, sizeof(*s));
	tr_code code;

	TR_ASSERT(s != NULL && plan->phase == TR_PHASE_SINGLE);
	*op = NULL;
	s->fire_ms = INT64_MIN;
	code = tr_window_op_init(&s->w, plan->window.is_processing_time ? &processing_ops : &event_ops, plan, context,
				 st);
	tr_window_assign_init(&s->assign, &s->w.clock);
	tr_window_held_init(&s->held, TR_MAX(context->batch_rows, 1));
	if (plan->window.is_processing_time) {
		s->rows = calloc(TR_WINDOW_SESSIONS_ROWS, sizeof(*s->rows));
		TR_ASSERT(s->rows != NULL);
	}
	if (code == TR_OK && !plan->window.is_processing_time && context->memory_limit > 0)
		code = tr_window_held_set_limit(&s->held, &s->w, &s->assign, context->io, context->scratch_path,
						context->memory_limit / HELD_SHARE, st);
	if (code == TR_OK)
		code = tr_window_sessions_create(&s->w, &s->sessions, st);
	if (code != TR_OK) {
		destroy(&s->w.op);
		return code;
	}
	*op = &s->w.op;
	return TR_OK;
}
