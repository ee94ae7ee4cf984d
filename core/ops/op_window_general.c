/* SPDX-License-Identifier: Apache-2.0
 *
 * The general window operator for TUMBLE, HOP and CUMULATE: (key, window) -> accumulator. It takes every aggregate
 * (DISTINCT too) and both kinds of time, and is what the slices are tested against.
 *
 *     batch ──▶ pairs (row, window), late ones left out ──▶ grouped by window ──▶ slots of keys ──▶ entries ──▶ kernels
 *
 * For each row: for each window that contains its time and is not late for it, the pair is noted; some thousand pairs at a
 * time enter their windows. A window is a slice of its own (core/ops/window_panes.h), whose first end is the window's end.
 * A row counts as late when there are windows for it and all of them are late.
 *
 *     event time        a window is late for a row when the row's own watermark has reached the window's timer; it
 *                       fires when the operator's watermark does
 *     processing time   the row's time is the clock of this step; windows fire by the clock, those that are open at
 *                       the end of the input fire then
 *
 * Windows fire in the order of their ends, which is that of their starts.
 *
 * State are the windows. They are saved in pieces, and only the entries that have changed; such an entry with all the values that
 * its DISTINCT aggregates have seen, so what a checkpoint writes follows the sets that grew, not what they grew by.
 */
#include <stdlib.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_spill.h"

#define PAIRS_MAX 4096
/* Windows that a row may be in, and, where it may be in many, that may be open at once: each takes up to 4,096 entries of memory,
 * however few its rows are. */
#define ROW_WINDOWS_MAX 10000
#define ROW_WINDOWS_MANY 1000
#define OPEN_WINDOWS_MAX 20000

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_END };

/** The rows of one window among the pairs. */
struct group {
	struct tr_slice *window;
	uint32_t count;
	uint32_t first; /* in the grouped order */
};

struct general_op {
	struct tr_window_op w;
	struct tr_window_assign assign; /* for the times */
	struct tr_window_panes panes;   /* the windows */
	uint32_t pair_rows[PAIRS_MAX];
	uint32_t pair_groups[PAIRS_MAX];
	uint32_t pair_count;
	uint32_t grouped[PAIRS_MAX]; /* rows of the pairs, window by window */
	struct group groups[PAIRS_MAX];
	uint32_t group_count;
	int64_t fire_ms;                /* windows whose timer is at most this fire */
	const struct tr_batch *waiting; /* a batch that is to be taken when there is room for it; NULL: none */
	bool is_firing;                 /* the first window is going out */
	bool has_fired;                 /* at least one */
	bool is_spilled;                /* in parts, from its runs */
	struct tr_slice *firing;        /* what is going out; NULL: the next part is to be made */
	uint32_t cursor;
	enum after after;
};

static bool is_event_time(const struct general_op *g) { return !g->w.plan->window.is_processing_time; }

/* -- rows -- */

/** Pairs in the order of their groups, and within a group in that of the rows. */
static const uint32_t *group_pairs(struct general_op *g)
{
	uint32_t first = 0;

	if (g->group_count == 1)
		return g->pair_rows;
	for (uint32_t i = 0; i < g->group_count; i++) {
		g->groups[i].first = first;
		first += g->groups[i].count;
		g->groups[i].count = 0;
	}
	for (uint32_t i = 0; i < g->pair_count; i++) {
		struct group *group = &g->groups[g->pair_groups[i]];

		g->grouped[group->first + group->count++] = g->pair_rows[i];
	}
	return g->grouped;
}

/** The pairs enter their windows. Keys get their slots only now, so that late rows leave none behind. */
static void enter_pairs(struct general_op *g, const struct tr_batch *batch)
{
	struct tr_window_op *w = &g->w;
	const uint32_t *rows = group_pairs(g);

	if (g->pair_count == 0)
		return;
	tr_window_op_map_keys(w, batch, rows, g->pair_count);
	tr_window_panes_reserve_refs(&g->panes);
	for (uint32_t i = 0; i < g->group_count; i++) {
		const struct group *group = &g->groups[i];
		char **entries = w->entries + group->first;

		tr_window_panes_resolve(&g->panes, group->window, w->slots + group->first, group->count, entries);
		tr_window_panes_touch(&g->panes, group->window, w->slots + group->first,
				      tr_agg_layout_count(entries, group->count, w->touched));
		group->window->group = 0;
	}
	tr_agg_layout_update(&w->layout, batch, w->entries, rows, g->pair_count);
	g->pair_count = g->group_count = 0;
}

/** Notes that a row enters a window. */
static void enter(struct general_op *g, const struct tr_batch *batch, uint32_t row, int64_t start, int64_t end)
{
	struct tr_slice *window = tr_window_panes_get(&g->panes, start, end);

	if (window->group == 0) {
		g->groups[g->group_count] = (struct group){.window = window};
		window->group = ++g->group_count;
	}
	g->groups[window->group - 1].count++;
	g->pair_groups[g->pair_count] = window->group - 1;
	g->pair_rows[g->pair_count++] = row;
	if (g->pair_count == PAIRS_MAX)
		enter_pairs(g, batch);
}

static bool is_late(struct general_op *g, int64_t end, int64_t watermark_ms)
{
	return is_event_time(g) && tr_window_timer(&g->w.clock, end) <= watermark_ms;
}

static int64_t row_windows(const struct tr_window_spec *spec)
{
	return spec->kind == TR_WINDOW_TUMBLE || spec->step_ms <= 0 ? 1 : spec->size_ms / spec->step_ms;
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
	g->w.op.timer_ms = is_event_time(g) || g->panes.live_count == 0
				   ? INT64_MAX
				   : tr_window_timer(&g->w.clock, g->panes.live[0]->first_end) + 1;
}

static enum tr_flow take_batch(struct general_op *g, const struct tr_batch *batch)
{
	struct tr_op *op = &g->w.op;
	const int64_t now = tr_window_local(&g->w.clock, op->context->program.processing_time_ms);
	uint32_t run = 0;

	if (is_event_time(g) && tr_window_assign_times(&g->assign, batch, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	tr_window_panes_densify(&g->panes);
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
		if (TR_UNLIKELY(g->panes.live_count > OPEN_WINDOWS_MAX &&
				row_windows(&g->w.clock.spec) > ROW_WINDOWS_MANY)) {
			(void)tr_status_set(
				&op->context->status, TR_ERR_NO_MEMORY, 0, TR_WHERE,
				"window: more than %d windows are open at once; each is kept by itself, as "
				"with DISTINCT, LISTAGG and the like, and in processing time: a larger slide "
				"or step has fewer",
				OPEN_WINDOWS_MAX);
			return TR_FLOW_FAILED;
		}
	}
	enter_pairs(g, batch);
	set_timer(g);
	return TR_FLOW_MORE;
}

/** Memory for the entries of a batch's rows in all the windows that they may be in. As a rule they are far fewer: so no more than
 * a part of the limit, or all would be frozen for each batch. */
static size_t entry_bytes_of(const struct general_op *g, const struct tr_batch *batch)
{
	const struct tr_window_spec *spec = &g->w.clock.spec;
	const uint64_t windows = spec->kind == TR_WINDOW_TUMBLE ? 1 : (uint64_t)(spec->size_ms / spec->step_ms + 1);

	return TR_MIN(batch->selected_count * g->w.layout.stride * windows, g->panes.spill->limit / 8);
}

/** Takes the batch when there is room for its entries. BLOCKED: state is on its way to the disk. */
static enum tr_flow take_waiting(struct general_op *g)
{
	const struct tr_batch *batch = g->waiting;
	struct tr_window_spill *spill = g->panes.spill;

	if (spill != NULL && (spill->is_freezing ||
			      tr_window_spill_is_over(&g->panes, batch->selected_count, entry_bytes_of(g, batch)))) {
		const enum tr_flow flow = tr_window_spill_freeze(&g->panes);

		if (flow != TR_FLOW_MORE)
			return flow;
	}
	g->waiting = NULL;
	return take_batch(g, batch);
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct general_op *g = (struct general_op *)op;

	if (tr_window_op_check(&g->w, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	g->waiting = batch;
	return take_waiting(g);
}

/* -- firing -- */

static void begin_fire(struct general_op *g)
{
	struct tr_slice *window = g->panes.live[0];

	g->cursor = 0;
	g->is_firing = g->has_fired = true;
	g->is_spilled = tr_window_spill_is_used(&g->panes);
	g->firing = g->is_spilled ? NULL : window;
	if (g->is_spilled)
		tr_window_spill_fire(&g->panes, window->start, window->first_end);
}

/** The next entries that go out, to w->slots and w->entries. DONE: that was all. */
static enum tr_flow next_entries(struct general_op *g, uint32_t *count)
{
	struct tr_window_op *w = &g->w;

	for (;;) {
		if (g->firing == NULL) {
			const enum tr_flow flow = tr_window_spill_next(&g->panes, &g->firing);

			g->cursor = 0;
			if (flow != TR_FLOW_MORE) {
				g->firing = NULL;
				return flow;
			}
		}
		*count = tr_slice_scan(&w->pool, g->firing, &g->cursor, w->out->capacity, w->slots, w->entries);
		if (*count > 0)
			return TR_FLOW_MORE;
		g->firing = NULL;
		if (!g->is_spilled)
			return TR_FLOW_DONE;
	}
}

static enum tr_flow advance(struct general_op *g)
{
	struct tr_window_op *w = &g->w;
	const enum after after = g->after;

	while (g->panes.live_count > 0 &&
	       (g->is_firing || tr_window_timer(&w->clock, g->panes.live[0]->first_end) <= g->fire_ms)) {
		const struct tr_slice *window = g->panes.live[0];
		uint32_t n = 0;
		enum tr_flow flow;

		if (!g->is_firing)
			begin_fire(g);
		flow = next_entries(g, &n);
		if (flow == TR_FLOW_DONE) {
			tr_window_panes_drop(&g->panes, 0);
			g->is_firing = false;
			continue;
		}
		if (flow != TR_FLOW_MORE)
			return flow;
		tr_window_op_write(w, w->slots, w->entries, n, window->start, window->first_end);
		flow = tr_window_op_emit(w);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	if (tr_window_op_owes_row(w) && !g->has_fired) {
		enum tr_flow flow;

		g->has_fired = true;
		tr_window_op_write_nothing(w);
		flow = tr_window_op_emit(w);
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

static enum tr_flow resume(struct tr_op *op)
{
	struct general_op *g = (struct general_op *)op;

	return g->waiting != NULL ? take_waiting(g) : advance(g);
}

/* -- saving and loading -- */

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct general_op *g = (struct general_op *)op;

	TR_ASSERT(!g->is_firing && g->pair_count == 0 && g->waiting == NULL);
	return tr_window_panes_snapshot(&g->panes, order, writer, g->fire_ms, base, st);
}

static enum tr_flow snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	return tr_window_panes_snapshot_step(&((struct general_op *)op)->panes, writer, budget, st);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	return tr_window_panes_load(&((struct general_op *)op)->panes, origin, record, st);
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct general_op *g = (struct general_op *)op;
	const int64_t mark = tr_window_state_loaded(&g->w, g->fire_ms);

	/* In event time the watermark says it; the mark may be one of op_window_tumble.c. */
	g->fire_ms = is_event_time(g) ? g->w.watermark_ms : mark;
	TR_TRY(tr_window_panes_load_end(&g->panes, NULL, st)); /* what has fired does not live any more */
	set_timer(g);
	return TR_OK;
}

static uint64_t state_bytes(const struct tr_op *op)
{
	return tr_window_panes_state_bytes(&((const struct general_op *)op)->panes);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_window_state_kinds((struct tr_window_op *)(uintptr_t)op, count);
}

static void destroy(struct tr_op *op)
{
	struct general_op *g = (struct general_op *)op;

	tr_window_panes_deinit(&g->panes);
	tr_window_assign_deinit(&g->assign);
	tr_window_op_deinit(&g->w);
	free(g);
}

static const struct tr_op_ops event_ops = {
	.name = "window aggregate (general)",
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
	.name = "window aggregate (processing time)",
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

tr_code tr_op_window_general_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				    struct tr_status *st)
{
	const struct tr_window_spec *spec = &plan->window;
	struct general_op *g;
	tr_code code;

	TR_ASSERT(plan->phase == TR_PHASE_SINGLE);
	*op = NULL;
	if (row_windows(spec) > ROW_WINDOWS_MAX)
		TR_FAIL(st, TR_ERR_DATA,
			"window: a row is in %lld windows; with DISTINCT, LISTAGG and the like, and in processing "
			"time, each is "
			"kept by itself, and %d are the most: a larger slide or step has fewer",
			(long long)row_windows(spec), ROW_WINDOWS_MAX);
	g = tr_checked(calloc(1, sizeof(*g)));
	g->fire_ms = INT64_MIN;
	g->w.has_slices = g->w.are_slices_windows = true;
	tr_window_panes_init(&g->panes, &g->w, false);
	code = tr_window_op_init(&g->w, plan->window.is_processing_time ? &processing_ops : &event_ops, plan, context,
				 st);
	tr_window_assign_init(&g->assign, &g->w.clock);
	if (code != TR_OK) {
		destroy(&g->w.op);
		return code;
	}
	tr_window_op_reserve(&g->w, PAIRS_MAX);
	tr_window_panes_begin_saving(&g->panes, NULL);
	tr_window_spill_create(&g->panes);
	*op = &g->w.op;
	return TR_OK;
}
