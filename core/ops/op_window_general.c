/* SPDX-License-Identifier: Apache-2.0
 *
 * The general window operator for TUMBLE, HOP and CUMULATE: (key, window) -> accumulator. It takes every aggregate
 * (DISTINCT too) and both kinds of time, and is what the slices are tested against.
 *
 * For each row: for each window that contains its time and is not late for it, the entry of its key in that window is
 * noted; the pairs (entry, row) are folded in vectors. A window is a slice of its own, kept sparse. A row counts as
 * late when there are windows for it and all of them are late.
 *
 *     event time        a window is late for a row when the row's own watermark has reached the window's timer; it
 *                       fires when the operator's watermark does
 *     processing time   the row's time is the clock of this step; windows fire by the clock, those that are open at
 *                       the end of the input fire then
 *
 * Windows fire in the order of their ends.
 *
 * A snapshot writes all entries at the barrier, so the pause grows with the state.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"

#define PAIRS_MAX 4096

struct window {
	int64_t start;
	int64_t end;
	struct tr_slice entries;
};

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_END };

struct general_op {
	struct tr_window_op w;
	struct tr_window_assign assign; /* for the times */
	struct window **windows;        /* by end, then start */
	uint32_t window_count;
	uint32_t window_capacity;
	uint32_t *refs; /* windows that have the slot's key */
	uint32_t ref_capacity;
	char *pair_entries[PAIRS_MAX];
	uint32_t pair_rows[PAIRS_MAX];
	uint32_t pair_count;
	int64_t fire_ms; /* windows whose timer is at most this fire */
	bool is_firing;  /* windows[0] is going out */
	uint32_t cursor;
	enum after after;
};

static bool is_event_time(const struct general_op *g) { return !g->w.plan->window.is_processing_time; }

/* -- windows -- */

static struct window *window_get(struct general_op *g, int64_t start, int64_t end)
{
	uint32_t low = 0, high = g->window_count;
	struct window *window;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (g->windows[middle]->end < end ||
		    (g->windows[middle]->end == end && g->windows[middle]->start < start))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < g->window_count && g->windows[low]->end == end && g->windows[low]->start == start)
		return g->windows[low];
	if (g->window_count == g->window_capacity) {
		g->window_capacity = g->window_capacity == 0 ? 16 : g->window_capacity * 2;
		g->windows = realloc(g->windows, g->window_capacity * sizeof(*g->windows));
		TR_ASSERT(g->windows != NULL);
	}
	window = malloc(sizeof(*window));
	TR_ASSERT(window != NULL);
	window->start = start;
	window->end = end;
	tr_slice_init(&window->entries, false);
	memmove(g->windows + low + 1, g->windows + low, (g->window_count - low) * sizeof(*g->windows));
	g->windows[low] = window;
	g->window_count++;
	return window;
}

/** Takes the first window out, with all that it holds. */
static void window_drop(struct general_op *g)
{
	struct window *window = g->windows[0];
	uint32_t cursor = 0, n;

	while ((n = tr_slice_scan(&g->w.pool, &window->entries, &cursor, g->w.capacity, g->w.slots, g->w.entries)) > 0) {
		tr_agg_layout_release(&g->w.layout, g->w.entries, n);
		for (uint32_t i = 0; i < n; i++)
			if (--g->refs[g->w.slots[i]] == 0)
				tr_key_table_remove(g->w.keys, g->w.slots[i]);
	}
	tr_slice_deinit(&g->w.pool, &window->entries);
	free(window);
	g->window_count--;
	memmove(g->windows, g->windows + 1, g->window_count * sizeof(*g->windows));
}

/* -- rows -- */

static void fold_pairs(struct general_op *g, const struct tr_batch *batch)
{
	tr_agg_layout_update(&g->w.layout, batch, g->pair_entries, g->pair_rows, g->pair_count);
	g->pair_count = 0;
}

static void refs_reserve(struct general_op *g)
{
	const uint32_t limit = tr_key_table_slot_limit(g->w.keys);

	if (limit <= g->ref_capacity)
		return;
	g->refs = realloc(g->refs, (size_t)limit * 2 * sizeof(*g->refs));
	TR_ASSERT(g->refs != NULL);
	memset(g->refs + g->ref_capacity, 0, ((size_t)limit * 2 - g->ref_capacity) * sizeof(*g->refs));
	g->ref_capacity = limit * 2;
}

/** A row enters a window. The key gets its slot only now, so that late rows leave none behind. */
static void enter(struct general_op *g, const struct tr_batch *batch, uint32_t row, int64_t start, int64_t end)
{
	struct window *window = window_get(g, start, end);
	uint32_t slot;
	char *entry;

	tr_window_op_map_keys(&g->w, batch, &row, 1);
	slot = g->w.slots[0];
	refs_reserve(g);
	tr_slice_resolve(&g->w.pool, &window->entries, &slot, 1, &entry);
	if ((*tr_agg_entry_rows(entry))++ == 0) {
		g->refs[slot]++;
		tr_slice_touch(&window->entries, &slot, 1);
	}
	g->pair_entries[g->pair_count] = entry;
	g->pair_rows[g->pair_count++] = row;
	if (g->pair_count == PAIRS_MAX)
		fold_pairs(g, batch);
}

static bool is_late(struct general_op *g, int64_t end, int64_t watermark_ms)
{
	return is_event_time(g) && tr_window_timer(&g->w.clock, end) <= watermark_ms;
}

/** All windows of a row with local time t. Whether it entered one, or there was none to enter. */
static bool enter_all(struct general_op *g, const struct tr_batch *batch, uint32_t row, int64_t t, int64_t watermark_ms)
{
	const struct tr_window_spec *spec = &g->w.clock.spec;
	uint32_t windows = 0, entered = 0;

	if (spec->kind == TR_WINDOW_CUMULATE) {
		const int64_t start = tr_window_floor(t, spec->offset_ms, spec->size_ms);

		for (int64_t end = start + spec->step_ms; end <= start + spec->size_ms; end += spec->step_ms) {
			if (end <= t)
				continue;
			windows++;
			if (!is_late(g, end, watermark_ms)) {
				enter(g, batch, row, start, end);
				entered++;
			}
		}
	} else {
		const int64_t last = tr_window_floor(t, spec->offset_ms, spec->step_ms);

		for (int64_t start = last; start + spec->size_ms > t; start -= spec->step_ms) {
			windows++;
			if (is_late(g, start + spec->size_ms, watermark_ms))
				break; /* earlier windows end earlier */
			enter(g, batch, row, start, start + spec->size_ms);
			entered++;
		}
	}
	return entered > 0 || windows == 0;
}

/** When the clock next has something to do: one past the first window's timer, as the clock counts whole ms. */
static void set_timer(struct general_op *g)
{
	g->w.op.timer_ms = is_event_time(g) || g->window_count == 0
				   ? INT64_MAX
				   : tr_window_timer(&g->w.clock, g->windows[0]->end) + 1;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct general_op *g = (struct general_op *)op;
	const int64_t now = tr_window_local(&g->w.clock, op->context->program.processing_time_ms);
	uint32_t run = 0;

	if (is_event_time(g) && tr_window_assign_times(&g->assign, batch, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t t = is_event_time(g) ? g->assign.times[i] : now;

		if (t < -TR_WINDOW_TIME_MAX || t > TR_WINDOW_TIME_MAX) {
			(void)tr_status_set(&op->context->status, TR_ERR_DATA, 0, TR_WHERE,
					    "the event time %lld ms is out of range", (long long)t);
			return TR_FLOW_FAILED;
		}
		if (!enter_all(g, batch, row, t, tr_window_row_watermark(batch, row, &run, g->w.watermark_ms)))
			op->metrics.rows_late++;
	}
	fold_pairs(g, batch);
	set_timer(g);
	return TR_FLOW_MORE;
}

/* -- firing -- */

static enum tr_flow advance(struct general_op *g)
{
	struct tr_window_op *w = &g->w;
	const enum after after = g->after;

	while (g->window_count > 0 && (g->is_firing || tr_window_timer(&w->clock, g->windows[0]->end) <= g->fire_ms)) {
		struct window *window = g->windows[0];
		uint32_t n;
		enum tr_flow flow;

		if (!g->is_firing)
			g->cursor = 0;
		g->is_firing = true;
		n = tr_slice_scan(&w->pool, &window->entries, &g->cursor, w->out->capacity, w->slots, w->entries);
		if (n == 0) {
			window_drop(g);
			g->is_firing = false;
			continue;
		}
		tr_window_op_write(w, w->slots, w->entries, n, window->start, window->end);
		flow = tr_op_emit(&w->op, &w->out->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	set_timer(g);
	w->op.metrics.state_bytes = w->pool.bytes + tr_key_table_bytes(w->keys);
	g->after = AFTER_NOTHING;
	if (after == AFTER_END)
		return tr_op_emit_end(&w->op);
	if (after == AFTER_NOTHING)
		return TR_FLOW_MORE;
	w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
	return tr_op_emit_watermark(&w->op, w->watermark_ms);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct general_op *g = (struct general_op *)op;

	if (watermark_ms <= g->w.watermark_ms)
		return TR_FLOW_MORE;
	g->w.watermark_ms = watermark_ms;
	if (is_event_time(g))
		g->fire_ms = watermark_ms;
	g->after = AFTER_WATERMARK;
	return advance(g);
}

static enum tr_flow on_timer(struct tr_op *op, int64_t now_ms)
{
	struct general_op *g = (struct general_op *)op;

	TR_ASSERT(!is_event_time(g));
	g->fire_ms = TR_MAX(g->fire_ms, now_ms - 1);
	return advance(g);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct general_op *g = (struct general_op *)op;

	if (!is_event_time(g))
		g->fire_ms = INT64_MAX;
	g->after = AFTER_END;
	return advance(g);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct general_op *)op); }

/* -- saving and loading -- */

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct general_op *g = (struct general_op *)op;
	struct tr_window_op *w = &g->w;
	const uint32_t piece = tr_window_state_piece(w);

	TR_ASSERT(!g->is_firing && g->pair_count == 0);
	*base = order->checkpoint;
	tr_window_op_reserve(w, piece);
	TR_TRY(tr_window_state_put_mark(w, writer, g->fire_ms, st));
	for (uint32_t i = 0; i < g->window_count; i++) {
		const struct window *window = g->windows[i];
		uint32_t cursor = 0, n;

		while ((n = tr_slice_scan(&w->pool, &window->entries, &cursor, piece, w->slots, w->entries)) > 0)
			TR_TRY(tr_window_state_put_slots(w, writer, w->slots, w->entries, n, &window->start,
							 &window->end, true, 0, st));
	}
	return TR_OK;
}

/** Entries of rows from .. to, which are of one window; new ones are counted as held by it. */
static tr_code load_window(struct general_op *g, uint16_t kind, const struct tr_window_rows *rows, struct tr_status *st)
{
	struct tr_window_op *w = &g->w;
	const uint32_t first = tr_agg_row(rows->rows, 0);
	struct window *window = window_get(g, rows->starts[first], rows->ends[first]);
	uint32_t touched;

	tr_slice_resolve(&w->pool, &window->entries, w->slots, rows->count, w->entries);
	if (kind != TR_WINDOW_STATE_ENTRIES)
		return tr_window_state_fill_values(w, kind, rows, w->entries, st);
	touched = tr_window_state_fill(w, rows, w->entries, w->touched);
	for (uint32_t i = 0; i < touched; i++) {
		g->refs[w->slots[w->touched[i]]]++;
		tr_slice_touch(&window->entries, &w->slots[w->touched[i]], 1);
	}
	return TR_OK;
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct general_op *g = (struct general_op *)op;
	struct tr_window_op *w = &g->w;
	struct tr_window_rows all;
	uint32_t *kept;
	bool is_taken;
	tr_code code = TR_OK;

	TR_TRY(tr_window_state_load(w, origin, record, &is_taken, st));
	if (is_taken)
		return TR_OK;
	TR_TRY(tr_window_state_read(w, record, &all, st));
	kept = calloc(all.count + 1, sizeof(*kept));
	TR_ASSERT(kept != NULL);
	for (uint32_t i = 0; i < all.count; i++)
		kept[i] = tr_agg_row(all.rows, i);
	for (uint32_t from = 0, to; from < all.count && code == TR_OK; from = to) {
		struct tr_window_rows rows = all;

		for (to = from + 1; to < all.count && all.starts[kept[to]] == all.starts[kept[from]] &&
				    all.ends[kept[to]] == all.ends[kept[from]];)
			to++;
		rows.rows = kept + from;
		rows.count = to - from;
		tr_window_state_map_keys(w, &rows);
		refs_reserve(g);
		code = load_window(g, record->kind, &rows, st);
	}
	free(kept);
	return code;
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct general_op *g = (struct general_op *)op;

	g->fire_ms = tr_window_state_loaded(&g->w, g->fire_ms);
	set_timer(g);
	return TR_OK;
}

static uint64_t state_bytes(const struct tr_op *op)
{
	struct general_op *g = (struct general_op *)(uintptr_t)op;
	uint64_t count = 0;

	for (uint32_t i = 0; i < g->window_count; i++)
		count += g->windows[i]->entries.count;
	return tr_window_state_bytes(&g->w, count);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_window_state_kinds((struct tr_window_op *)(uintptr_t)op, count);
}

static void destroy(struct tr_op *op)
{
	struct general_op *g = (struct general_op *)op;

	while (g->window_count > 0)
		window_drop(g);
	tr_window_assign_deinit(&g->assign);
	tr_window_op_deinit(&g->w);
	free(g->windows);
	free(g->refs);
	free(g);
}

static const struct tr_op_ops event_ops = {
	.name = "window aggregate (general)",
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
	.name = "window aggregate (processing time)",
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

tr_code tr_op_window_general_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				    struct tr_status *st)
{
	struct general_op *g = calloc(1, sizeof(*g));
	tr_code code;

	TR_ASSERT(g != NULL && plan->phase == TR_PHASE_SINGLE);
	*op = NULL;
	g->fire_ms = INT64_MIN;
	code = tr_window_op_init(&g->w, plan->window.is_processing_time ? &processing_ops : &event_ops, plan, context,
				 st);
	tr_window_assign_init(&g->assign, &g->w.clock);
	if (code != TR_OK) {
		destroy(&g->w.op);
		return code;
	}
	*op = &g->w.op;
	return TR_OK;
}
