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
 *     batch ──▶ held rows (copied), each with its watermark
 *     watermark W: no row with a watermark below W will come. Held rows below W are taken in that order;
 *                  each closes what its watermark has passed, and is joined with what is open.
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
 * A snapshot writes the sessions and the rows that wait, all at the barrier, so the pause grows with the state.
 *
 *     key slot ──▶ list of its sessions (few)        due: heap of all sessions by end, each knows its place in it
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"

struct session {
	int64_t start;
	int64_t end; /* start of the last row + gap */
	uint32_t slot;
	uint32_t heap_index;  /* where `due` has it */
	struct session *next; /* of the same key; or free */
	char *entry;
};

struct held_row {
	int64_t watermark_ms;
	int64_t time_ms; /* local */
	uint32_t block;
	uint32_t row;
};

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_END };

struct session_op {
	struct tr_window_op w;
	struct tr_window_assign assign; /* for the times */
	struct session **sessions;      /* by slot */
	uint32_t session_capacity;
	struct session **due; /* heap by end */
	uint32_t due_count;
	uint32_t due_capacity;
	struct session *free;
	struct tr_batch_buffer **blocks; /* held rows */
	uint32_t *block_left;            /* rows of the block that are still held */
	uint32_t block_count;
	uint32_t block_capacity;
	struct held_row *held;
	size_t held_count;
	size_t held_capacity;
	int64_t fire_ms;
	enum after after;
};

static bool is_event_time(const struct session_op *s) { return !s->w.plan->window.is_processing_time; }

/* -- the heap of sessions by end -- */

static void heap_put(struct session_op *s, uint32_t at, struct session *session)
{
	s->due[at] = session;
	session->heap_index = at;
}

static void heap_up(struct session_op *s, uint32_t at)
{
	struct session *session = s->due[at];

	while (at > 0 && s->due[(at - 1) / 2]->end > session->end) {
		heap_put(s, at, s->due[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(s, at, session);
}

static void heap_down(struct session_op *s, uint32_t at)
{
	struct session *session = s->due[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= s->due_count)
			break;
		if (child + 1 < s->due_count && s->due[child + 1]->end < s->due[child]->end)
			child++;
		if (s->due[child]->end >= session->end)
			break;
		heap_put(s, at, s->due[child]);
		at = child;
	}
	heap_put(s, at, session);
}

static void heap_add(struct session_op *s, struct session *session)
{
	if (s->due_count == s->due_capacity) {
		s->due_capacity = s->due_capacity == 0 ? 256 : s->due_capacity * 2;
		s->due = realloc(s->due, s->due_capacity * sizeof(*s->due));
		TR_ASSERT(s->due != NULL);
	}
	s->due[s->due_count] = session;
	heap_up(s, s->due_count++);
}

static void heap_remove(struct session_op *s, struct session *session)
{
	const uint32_t at = session->heap_index;
	struct session *last = s->due[--s->due_count];

	TR_ASSERT(at <= s->due_count);
	if (last == session)
		return;
	heap_put(s, at, last);
	heap_up(s, at);
	heap_down(s, last->heap_index);
}

/* -- sessions -- */

static struct session *session_make(struct session_op *s, uint32_t slot, int64_t start, int64_t end)
{
	struct session *session = s->free;

	if (session != NULL) {
		s->free = session->next;
	} else {
		session = malloc(sizeof(*session));
		TR_ASSERT(session != NULL);
		session->entry = malloc(s->w.layout.stride);
		TR_ASSERT(session->entry != NULL);
	}
	memset(session->entry, 0, s->w.layout.stride);
	session->start = start;
	session->end = end;
	session->slot = slot;
	session->next = NULL;
	return session;
}

/** Frees what the entry owns, and keeps the memory for the next session. */
static void session_unmake(struct session_op *s, struct session *session)
{
	tr_agg_layout_release(&s->w.layout, &session->entry, 1);
	session->next = s->free;
	s->free = session;
}

static void slots_reserve(struct session_op *s)
{
	const uint32_t limit = tr_key_table_slot_limit(s->w.keys);

	if (limit <= s->session_capacity)
		return;
	s->sessions = realloc(s->sessions, (size_t)limit * 2 * sizeof(*s->sessions));
	TR_ASSERT(s->sessions != NULL);
	memset(s->sessions + s->session_capacity, 0, ((size_t)limit * 2 - s->session_capacity) * sizeof(*s->sessions));
	s->session_capacity = limit * 2;
}

/** The session that a row at t enters, joined with all open ones it meets; NULL: it is late. */
static struct session *session_for(struct session_op *s, uint32_t slot, int64_t t, int64_t watermark_ms)
{
	int64_t start = t, end = t + s->w.clock.spec.size_ms;
	struct session **link = &s->sessions[slot];
	struct session *kept = NULL;

	while (*link != NULL) {
		struct session *other = *link;
		const bool is_closed = is_event_time(s) && tr_window_timer(&s->w.clock, other->end) <= watermark_ms;

		if (other->start > end || other->end < start || is_closed) {
			link = &other->next;
			continue;
		}
		start = TR_MIN(start, other->start);
		end = TR_MAX(end, other->end);
		if (kept == NULL) {
			kept = other;
			link = &other->next;
			continue;
		}
		tr_agg_layout_merge(&s->w.layout, &kept->entry, &other->entry, 1);
		*link = other->next;
		heap_remove(s, other);
		session_unmake(s, other);
	}
	if (kept == NULL) {
		if (is_event_time(s) && tr_window_timer(&s->w.clock, end) <= watermark_ms)
			return NULL;
		kept = session_make(s, slot, start, end);
		kept->next = s->sessions[slot];
		s->sessions[slot] = kept;
		heap_add(s, kept);
		return kept;
	}
	kept->start = start;
	if (kept->end != end) {
		kept->end = end;
		heap_down(s, kept->heap_index);
	}
	return kept;
}

/** Takes one row. */
static void take_row(struct session_op *s, const struct tr_batch *batch, uint32_t row, int64_t t, int64_t watermark_ms)
{
	struct session *session;
	uint32_t slot;

	tr_window_op_map_keys(&s->w, batch, &row, 1);
	slot = s->w.slots[0];
	slots_reserve(s);
	session = session_for(s, slot, t, watermark_ms);
	if (session == NULL) {
		s->w.op.metrics.rows_late++;
		if (s->sessions[slot] == NULL)
			tr_key_table_remove(s->w.keys, slot);
		return;
	}
	++*tr_agg_entry_rows(session->entry);
	tr_agg_layout_update(&s->w.layout, batch, &session->entry, &row, 1);
}

/* -- held rows -- */

static void block_add(struct session_op *s, struct tr_batch_buffer *block)
{
	if (s->block_count == s->block_capacity) {
		s->block_capacity = s->block_capacity == 0 ? 16 : s->block_capacity * 2;
		s->blocks = realloc(s->blocks, s->block_capacity * sizeof(*s->blocks));
		s->block_left = realloc(s->block_left, s->block_capacity * sizeof(*s->block_left));
		TR_ASSERT(s->blocks != NULL && s->block_left != NULL);
	}
	s->block_left[s->block_count] = 0;
	s->blocks[s->block_count++] = block;
}

/** `watermarks`: by row of the batch; NULL: those of its runs. */
static void hold(struct session_op *s, const struct tr_batch *batch, const int64_t *watermarks)
{
	const uint32_t n = batch->selected_count;
	uint32_t run = 0;
	struct tr_batch_buffer *block;

	if (s->held_count + n > s->held_capacity) {
		s->held_capacity = TR_MAX(s->held_capacity * 2, s->held_count + n);
		s->held = realloc(s->held, s->held_capacity * sizeof(*s->held));
		TR_ASSERT(s->held != NULL);
	}
	block = tr_batch_buffer_create(batch->schema, n);
	for (uint32_t i = 0; i < n; i++)
		s->held[s->held_count++] = (struct held_row){
			.watermark_ms = watermarks != NULL ? watermarks[tr_batch_row(batch, i)]
							   : tr_window_row_watermark(batch, tr_batch_row(batch, i),
										     &run, s->w.watermark_ms),
			.time_ms = s->assign.times[i],
			.block = s->block_count,
			.row = i,
		};
	for (uint32_t c = 0; c < batch->schema->column_count; c++)
		tr_column_buffer_gather(&block->columns[c], 0, &batch->columns[c], batch->selection, n, &block->heap);
	tr_batch_buffer_seal(block, n);
	block_add(s, block);
	s->block_left[s->block_count - 1] = n;
}

/** By watermark, then the greatest time first; rows that agree in both, in the order of arrival. */
static int compare_held(const void *a, const void *b)
{
	const struct held_row *x = a, *y = b;

	if (x->watermark_ms != y->watermark_ms)
		return x->watermark_ms < y->watermark_ms ? -1 : 1;
	if (x->time_ms != y->time_ms)
		return x->time_ms > y->time_ms ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/** Blocks without held rows go; the others get the lowest numbers, in their order. */
static void compact_blocks(struct session_op *s)
{
	uint32_t kept = 0;
	uint32_t *numbers = calloc(s->block_count + 1, sizeof(*numbers));

	TR_ASSERT(numbers != NULL);
	for (uint32_t b = 0; b < s->block_count; b++) {
		if (s->block_left[b] == 0) {
			tr_batch_buffer_destroy(&s->blocks[b]);
			continue;
		}
		numbers[b] = kept;
		s->block_left[kept] = s->block_left[b];
		s->blocks[kept++] = s->blocks[b];
	}
	s->block_count = kept;
	for (size_t i = 0; i < s->held_count; i++)
		s->held[i].block = numbers[s->held[i].block];
	free(numbers);
}

/** Takes the held rows whose watermark is below W, in their order. */
static void take_held(struct session_op *s, int64_t watermark_ms)
{
	size_t taken = 0;

	if (s->held_count > 0) /* a subtask that never saw a row has no array yet */
		qsort(s->held, s->held_count, sizeof(*s->held), compare_held);
	while (taken < s->held_count &&
	       (s->held[taken].watermark_ms < watermark_ms || watermark_ms == TR_WATERMARK_MAX)) {
		const struct held_row *held = &s->held[taken++];

		take_row(s, &s->blocks[held->block]->batch, held->row, held->time_ms, held->watermark_ms);
		s->block_left[held->block]--;
	}
	s->held_count -= taken;
	if (taken > 0)
		memmove(s->held, s->held + taken, s->held_count * sizeof(*s->held));
	compact_blocks(s);
}

/* -- firing -- */

static void set_timer(struct session_op *s)
{
	s->w.op.timer_ms =
		is_event_time(s) || s->due_count == 0 ? INT64_MAX : tr_window_timer(&s->w.clock, s->due[0]->end) + 1;
}

/** Takes the session that is due first out of its key's list. */
static void retire_first(struct session_op *s)
{
	struct session *session = s->due[0];
	struct session **link = &s->sessions[session->slot];

	heap_remove(s, session);
	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	if (s->sessions[session->slot] == NULL)
		tr_key_table_remove(s->w.keys, session->slot);
	session_unmake(s, session);
}

static enum tr_flow advance(struct session_op *s)
{
	struct tr_window_op *w = &s->w;
	const enum after after = s->after;

	for (;;) {
		uint32_t n = 0;
		enum tr_flow flow;

		tr_batch_buffer_clear(w->out);
		while (n < w->out->capacity && s->due_count > 0 &&
		       tr_window_timer(&w->clock, s->due[0]->end) <= s->fire_ms) {
			struct session *session = s->due[0];

			tr_window_op_write_at(w, n++, &session->slot, &session->entry, 1, session->start, session->end);
			retire_first(s);
		}
		if (n == 0)
			break;
		tr_window_op_seal(w, n);
		flow = tr_op_emit(&w->op, &w->out->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	set_timer(s);
	s->after = AFTER_NOTHING;
	if (after == AFTER_END)
		return tr_op_emit_end(&w->op);
	if (after == AFTER_NOTHING)
		return TR_FLOW_MORE;
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
	if (is_event_time(s)) {
		if (take_times(s, batch, &op->context->status) != TR_OK)
			return TR_FLOW_FAILED;
		hold(s, batch, NULL);
		return TR_FLOW_MORE;
	}
	for (uint32_t i = 0; i < batch->selected_count; i++) /* nothing is late: the order does not matter */
		take_row(s, batch, tr_batch_row(batch, i),
			 tr_window_local(&s->w.clock, op->context->program.processing_time_ms), TR_WATERMARK_MIN);
	set_timer(s);
	return TR_FLOW_MORE;
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct session_op *s = (struct session_op *)op;

	if (watermark_ms <= s->w.watermark_ms)
		return TR_FLOW_MORE;
	s->w.watermark_ms = watermark_ms;
	if (is_event_time(s)) {
		take_held(s, watermark_ms);
		s->fire_ms = watermark_ms;
	}
	s->after = AFTER_WATERMARK;
	return advance(s);
}

static enum tr_flow on_timer(struct tr_op *op, int64_t now_ms)
{
	struct session_op *s = (struct session_op *)op;

	TR_ASSERT(!is_event_time(s));
	s->fire_ms = TR_MAX(s->fire_ms, now_ms - 1);
	return advance(s);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct session_op *s = (struct session_op *)op;

	if (!is_event_time(s))
		s->fire_ms = INT64_MAX;
	s->after = AFTER_END;
	return advance(s);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct session_op *)op); }

/* -- saving and loading -- */

static tr_code save_sessions(struct session_op *s, struct tr_state_writer *writer, struct tr_status *st)
{
	struct tr_window_op *w = &s->w;
	const uint32_t piece = tr_window_state_piece(w);
	int64_t *times = calloc((size_t)piece * 2, sizeof(*times));
	tr_code code = TR_OK;

	TR_ASSERT(times != NULL);
	tr_window_op_reserve(w, piece);
	for (uint32_t first = 0; first < s->due_count && code == TR_OK; first += piece) {
		const uint32_t n = TR_MIN(s->due_count - first, piece);

		for (uint32_t i = 0; i < n; i++) {
			const struct session *session = s->due[first + i];

			w->slots[i] = session->slot;
			w->entries[i] = session->entry;
			times[i] = session->start;
			times[piece + i] = session->end;
		}
		code = tr_window_state_put_slots(w, writer, w->slots, w->entries, n, times, times + piece, false, 0, st);
	}
	free(times);
	return code;
}

/** The held rows, block by block. */
static tr_code save_held(struct session_op *s, struct tr_state_writer *writer, struct tr_status *st)
{
	size_t *ends = calloc(s->block_count + 1, sizeof(*ends)), at = 0;
	uint32_t *rows = calloc(s->held_count + 1, sizeof(*rows));
	int64_t *watermarks = calloc(s->held_count + 1, sizeof(*watermarks));
	tr_code code = TR_OK;

	TR_ASSERT(ends != NULL && rows != NULL && watermarks != NULL);
	for (uint32_t b = 0; b < s->block_count; b++) {
		ends[b] = at;
		at += s->block_left[b];
	}
	TR_ASSERT(at == s->held_count);
	for (size_t i = 0; i < s->held_count; i++) {
		const struct held_row *held = &s->held[i];

		rows[ends[held->block]] = held->row;
		watermarks[ends[held->block]++] = held->watermark_ms;
	}
	at = 0;
	for (uint32_t b = 0; b < s->block_count && code == TR_OK; b++) {
		code = tr_window_state_put_waiting(&s->w, writer, &s->blocks[b]->batch, rows + at, watermarks + at,
						   s->block_left[b], st);
		at += s->block_left[b];
	}
	free(ends);
	free(rows);
	free(watermarks);
	return code;
}

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct session_op *s = (struct session_op *)op;

	*base = order->checkpoint;
	TR_TRY(tr_window_state_put_mark(&s->w, writer, s->fire_ms, st));
	TR_TRY(save_sessions(s, writer, st));
	return save_held(s, writer, st);
}

static struct session *session_find(const struct session_op *s, uint32_t slot, int64_t start, int64_t end)
{
	struct session *session = s->sessions[slot];

	while (session != NULL && (session->start != start || session->end != end))
		session = session->next;
	return session;
}

/** Rows of entries or values: the sessions that they name, new ones if need be, get what the rows hold. */
static tr_code load_sessions(struct session_op *s, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_op *w = &s->w;
	struct tr_window_rows rows;

	TR_TRY(tr_window_state_read(w, record, &rows, st));
	tr_window_state_map_keys(w, &rows);
	slots_reserve(s);
	for (uint32_t i = 0; i < rows.count; i++) {
		const uint32_t row = tr_agg_row(rows.rows, i), slot = w->slots[i];
		struct session *session = session_find(s, slot, rows.starts[row], rows.ends[row]);

		if (session == NULL) {
			session = session_make(s, slot, rows.starts[row], rows.ends[row]);
			session->next = s->sessions[slot];
			s->sessions[slot] = session;
			heap_add(s, session);
		}
		w->entries[i] = session->entry;
	}
	if (record->kind != TR_WINDOW_STATE_ENTRIES)
		return tr_window_state_fill_values(w, record->kind, &rows, w->entries, st);
	(void)tr_window_state_fill(w, &rows, w->entries, w->touched);
	return TR_OK;
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
	if (record->kind != TR_WINDOW_STATE_WAITING)
		return load_sessions(s, record, st);
	TR_TRY(tr_window_state_read_waiting(&s->w, record, &rows, &batch, st));
	if (batch.selected_count == 0)
		return TR_OK;
	TR_TRY(take_times(s, &batch, st));
	hold(s, &batch, rows.starts);
	return TR_OK;
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

	return tr_window_state_bytes(&s->w, s->due_count + s->held_count);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_window_state_kinds((struct tr_window_op *)(uintptr_t)op, count);
}

static void destroy(struct tr_op *op)
{
	struct session_op *s = (struct session_op *)op;

	while (s->due_count > 0)
		retire_first(s);
	while (s->free != NULL) {
		struct session *session = s->free;

		s->free = session->next;
		free(session->entry);
		free(session);
	}
	for (uint32_t b = 0; b < s->block_count; b++)
		tr_batch_buffer_destroy(&s->blocks[b]);
	tr_window_assign_deinit(&s->assign);
	tr_window_op_deinit(&s->w);
	free(s->sessions);
	free(s->due);
	free(s->blocks);
	free(s->block_left);
	free(s->held);
	free(s);
}

static const struct tr_op_ops event_ops = {
	.name = "session window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_end = on_end,
	.resume = resume,
	.snapshot = snapshot,
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
	if (code != TR_OK) {
		destroy(&s->w.op);
		return code;
	}
	*op = &s->w.op;
	return TR_OK;
}
