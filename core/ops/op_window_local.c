/* SPDX-License-Identifier: Apache-2.0
 *
 * The first of two phases: rows become partials per (key, slice, first window), before the exchange.
 *
 *     rows ──▶ targets ──▶ slots ──▶ entries of a table that stays in cache ──▶ partials ──▶ exchange
 *
 *     partial   keys.. | accumulators.. | slice start | end of the first window it enters | number of rows
 *
 * Lateness is decided here, row by row against the row's own run: GLOBAL could not, for it sees sums. So a late row is
 * counted here and is in no partial; a row that is late for some windows of its slice is in a partial of its own.
 *
 * The table is emptied when it has ENTRIES_MAX entries; before a watermark that fires a window its slices belong to;
 * when the subtask is about to wait, is idle, or ends; and before a barrier, so that it has no state. If emptying a full table shows that it held more than half as
 * many partials as rows, it does not pay: for BYPASS_BATCHES batches each row is turned into a partial by itself, then
 * the table is tried again. What GLOBAL computes does not depend on any of this.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"

#define ENTRIES_MAX 8192
#define BYPASS_BATCHES 256

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_STATUS, AFTER_BARRIER, AFTER_END };

struct local_op {
	struct tr_window_op w;
	struct tr_window_assign assign;
	struct tr_slice *live;
	uint32_t live_count;
	uint32_t live_capacity;
	uint32_t entry_count; /* in all slices */
	uint64_t rows_taken;  /* since the table was empty */
	uint32_t bypass_left; /* batches */
	bool is_flushing;
	int64_t flush_until_ms; /* slices whose first window fires at this watermark; INT64_MAX: all */
	uint32_t flush_slice;
	uint32_t cursor;
	enum after after; /* what to pass on when the flush is done */
	bool after_is_idle;
	uint64_t after_checkpoint;
	const struct tr_batch *bypass; /* a batch that is being passed through, at its target and row */
	uint32_t bypass_target;
	uint32_t bypass_row;
	char *bypass_entries; /* batch_rows of them */
};

/* -- partials -- */

/** The columns after the keys. */
static void write_rest(struct local_op *l, char *const *entries, uint32_t count, int64_t start, int64_t first_end)
{
	struct tr_window_op *w = &l->w;
	struct tr_column_buffer *columns = w->out->columns + w->plan->key_count;

	tr_agg_layout_write(&w->layout, entries, count, columns, 0, &w->out->heap);
	columns += w->layout.partial_count;
	for (uint32_t i = 0; i < count; i++) {
		((int64_t *)columns[0].data)[i] = start;
		((int64_t *)columns[1].data)[i] = first_end;
		((int64_t *)columns[2].data)[i] = *tr_agg_entry_rows(entries[i]);
	}
	tr_batch_buffer_seal(w->out, count);
	w->out->batch.watermark_ms = w->forwarded_ms;
}

static void empty_slice(struct local_op *l, struct tr_slice *slice)
{
	uint32_t cursor = 0, n;

	l->entry_count -= slice->count;
	while (l->w.layout.owns_memory &&
	       (n = tr_slice_scan(&l->w.pool, slice, &cursor, l->w.capacity, l->w.slots, l->w.entries)) > 0)
		tr_agg_layout_release(&l->w.layout, l->w.entries, n);
	tr_slice_deinit(&l->w.pool, slice);
}

static bool is_due(struct local_op *l, const struct tr_slice *slice)
{
	return l->flush_until_ms == INT64_MAX || tr_window_timer(&l->w.clock, slice->first_end) <= l->flush_until_ms;
}

/** Sends out the slices that are due. */
static enum tr_flow flush_step(struct local_op *l)
{
	struct tr_window_op *w = &l->w;

	while (l->flush_slice < l->live_count) {
		struct tr_slice *slice = &l->live[l->flush_slice];
		enum tr_flow flow;
		uint32_t n;

		if (!is_due(l, slice)) {
			l->flush_slice++;
			continue;
		}
		n = tr_slice_scan(&w->pool, slice, &l->cursor, w->out->capacity, w->slots, w->entries);
		if (n == 0) {
			empty_slice(l, slice);
			l->live[l->flush_slice] = l->live[--l->live_count];
			l->cursor = 0;
			continue;
		}
		tr_batch_buffer_clear(w->out);
		tr_key_table_gather(w->keys, w->slots, n, w->out->columns, 0, &w->out->heap);
		write_rest(l, w->entries, n, slice->start, slice->first_end);
		flow = tr_op_emit(&w->op, &w->out->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	l->is_flushing = false;
	if (l->live_count == 0) {
		tr_key_table_clear(w->keys);
		l->rows_taken = 0;
	}
	return TR_FLOW_MORE;
}

static void flush_begin(struct local_op *l, int64_t until_ms)
{
	l->is_flushing = true;
	l->flush_until_ms = until_ms;
	l->flush_slice = 0;
	l->cursor = 0;
}

/** Rows as partials of their own: one entry a row, without the table. */
static enum tr_flow bypass_step(struct local_op *l)
{
	struct tr_window_op *w = &l->w;
	const struct tr_batch *batch = l->bypass;
	const struct tr_window_assign *assign = &l->assign;

	for (; l->bypass_target < assign->target_count; l->bypass_target++, l->bypass_row = 0) {
		const struct tr_window_target *target = &assign->targets[l->bypass_target];

		while (l->bypass_row < target->count) {
			const uint32_t first = target->first + l->bypass_row;
			const uint32_t n = TR_MIN(target->count - l->bypass_row, w->out->capacity);
			enum tr_flow flow;

			memset(l->bypass_entries, 0, (size_t)n * w->layout.stride);
			for (uint32_t i = 0; i < n; i++) {
				w->entries[i] = l->bypass_entries + (size_t)i * w->layout.stride;
				*tr_agg_entry_rows(w->entries[i]) = 1;
				w->touched[i] = tr_agg_row(assign->rows, first + i);
			}
			tr_agg_layout_update(&w->layout, batch, w->entries, w->touched, n);
			tr_batch_buffer_clear(w->out);
			for (uint32_t k = 0; k < w->plan->key_count; k++)
				tr_column_buffer_gather(&w->out->columns[k], 0, &batch->columns[w->plan->keys[k]],
							w->touched, n, &w->out->heap);
			write_rest(l, w->entries, n, target->start, target->first_end);
			tr_agg_layout_release(&w->layout, w->entries, n);
			l->bypass_row += n;
			flow = tr_op_emit(&w->op, &w->out->batch);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
	}
	l->bypass = NULL;
	return TR_FLOW_MORE;
}

/** Goes on with whatever is under way; what was to be passed on comes last. */
static enum tr_flow advance(struct local_op *l)
{
	struct tr_window_op *w = &l->w;
	const enum after after = l->after;
	enum tr_flow flow = TR_FLOW_MORE;

	if (l->bypass != NULL)
		flow = bypass_step(l);
	if (flow == TR_FLOW_MORE && l->is_flushing)
		flow = flush_step(l);
	if (flow != TR_FLOW_MORE)
		return flow;
	l->after = AFTER_NOTHING;
	switch (after) {
	case AFTER_NOTHING: return TR_FLOW_MORE;
	case AFTER_WATERMARK:
		w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
		return tr_op_emit_watermark(&w->op, w->watermark_ms);
	case AFTER_STATUS: return tr_op_emit_status(&w->op, l->after_is_idle);
	case AFTER_BARRIER: return tr_op_emit_barrier(&w->op, l->after_checkpoint);
	case AFTER_END: return tr_op_emit_end(&w->op);
	}
	TR_UNREACHABLE();
}

/* -- rows -- */

static struct tr_slice *live_get(struct local_op *l, int64_t start, int64_t first_end)
{
	for (uint32_t i = 0; i < l->live_count; i++)
		if (l->live[i].start == start && l->live[i].first_end == first_end)
			return &l->live[i];
	if (l->live_count == l->live_capacity) {
		l->live_capacity = l->live_capacity == 0 ? 8 : l->live_capacity * 2;
		l->live = realloc(l->live, l->live_capacity * sizeof(*l->live));
		TR_ASSERT(l->live != NULL);
	}
	/* Sparse beside others, so that many slices stay small. */
	tr_slice_init(&l->live[l->live_count], l->live_count < 2);
	l->live[l->live_count].start = start;
	l->live[l->live_count].first_end = first_end;
	return &l->live[l->live_count++];
}

static void take_rows(struct local_op *l, const struct tr_batch *batch)
{
	struct tr_window_op *w = &l->w;
	const struct tr_window_assign *assign = &l->assign;

	tr_window_op_map_keys(w, batch, assign->rows, assign->count);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_slice *slice = live_get(l, target->start, target->first_end);
		const uint32_t before = slice->count;
		uint32_t n;

		tr_slice_resolve(&w->pool, slice, w->slots + target->first, target->count, w->entries + target->first);
		n = tr_agg_layout_count(w->entries + target->first, target->count, w->touched);
		for (uint32_t i = 0; i < n; i++)
			w->touched_slots[i] = w->slots[target->first + w->touched[i]];
		tr_slice_touch(slice, w->touched_slots, n);
		l->entry_count += slice->count - before;
	}
	tr_agg_layout_update(&w->layout, batch, w->entries, assign->rows, assign->count);
	l->rows_taken += assign->count;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct local_op *l = (struct local_op *)op;

	TR_ASSERT(!l->is_flushing && l->bypass == NULL);
	if (tr_window_assign_rows(&l->assign, batch, l->w.watermark_ms, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	if (l->assign.has_exceptions)
		tr_window_assign_group(&l->assign, batch);
	op->metrics.rows_late += l->assign.late_count;
	if (l->assign.count == 0)
		return TR_FLOW_MORE;
	tr_window_op_reserve(&l->w, l->assign.count);
	if (l->bypass_left > 0) {
		l->bypass_left--;
		l->bypass = batch;
		l->bypass_target = l->bypass_row = 0;
		return advance(l);
	}
	take_rows(l, batch);
	if (l->entry_count < ENTRIES_MAX && tr_key_table_count(l->w.keys) < ENTRIES_MAX)
		return TR_FLOW_MORE;
	if (l->rows_taken < 2 * (uint64_t)l->entry_count)
		l->bypass_left = BYPASS_BATCHES;
	flush_begin(l, INT64_MAX);
	return advance(l);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct local_op *l = (struct local_op *)op;

	if (watermark_ms <= l->w.watermark_ms)
		return TR_FLOW_MORE;
	l->w.watermark_ms = watermark_ms;
	flush_begin(l, watermark_ms);
	l->after = AFTER_WATERMARK;
	return advance(l);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	struct local_op *l = (struct local_op *)op;

	/* Nobody waits for an idle input: what it has given must be on its way. */
	if (is_idle)
		flush_begin(l, INT64_MAX);
	l->after = AFTER_STATUS;
	l->after_is_idle = is_idle;
	return advance(l);
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct local_op *l = (struct local_op *)op;

	flush_begin(l, INT64_MAX);
	l->after = AFTER_BARRIER;
	l->after_checkpoint = checkpoint;
	return advance(l);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct local_op *l = (struct local_op *)op;

	flush_begin(l, INT64_MAX);
	l->after = AFTER_END;
	return advance(l);
}

static enum tr_flow flush(struct tr_op *op)
{
	struct local_op *l = (struct local_op *)op;

	flush_begin(l, INT64_MAX);
	return advance(l);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct local_op *)op); }

static void destroy(struct tr_op *op)
{
	struct local_op *l = (struct local_op *)op;

	for (uint32_t i = 0; i < l->live_count; i++)
		empty_slice(l, &l->live[i]);
	tr_window_assign_deinit(&l->assign);
	tr_window_op_deinit(&l->w);
	free(l->live);
	free(l->bypass_entries);
	free(l);
}

static const struct tr_op_ops ops = {
	.name = "local window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.resume = resume,
	.flush = flush,
	.destroy = destroy,
};

tr_code tr_op_window_local_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st)
{
	struct local_op *l = calloc(1, sizeof(*l));
	tr_code code;

	TR_ASSERT(l != NULL);
	*op = NULL;
	code = tr_window_op_init(&l->w, &ops, plan, context, st);
	if (code == TR_OK && (!l->w.layout.is_mergeable || plan->window.is_processing_time))
		code = tr_status_set(st, TR_ERR_INTERNAL, 0, TR_WHERE, "window: this can't run in two phases");
	tr_window_assign_init(&l->assign, &l->w.clock);
	if (code != TR_OK) {
		destroy(&l->w.op);
		return code;
	}
	l->bypass_entries = calloc(l->w.out->capacity, l->w.layout.stride);
	TR_ASSERT(l->bypass_entries != NULL);
	*op = &l->w.op;
	return TR_OK;
}
