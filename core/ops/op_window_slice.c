/* SPDX-License-Identifier: Apache-2.0
 *
 * Window aggregation on slices: TUMBLE, HOP and CUMULATE over event time, and the merging of partials (GLOBAL).
 *
 *     batch ──▶ targets (core/ops/window_assign.h) ──▶ slots of keys ──▶ entries ──▶ kernels, one pass an aggregate
 *
 * A slice's entries are written while its first window is open. When that window fires, every row that belongs there
 * is in, for a row that is late for it goes to a slice of its own (`first_end` later than the natural one; an
 * "overlay"). So slices that have fired are constant, and windows are made of them without ever adding a slice twice:
 *
 *     TUMBLE     the slice is the window.
 *
 *     CUMULATE   `front` is the running sum of the current cycle: a slice is added to it when it fires, and gives its
 *                memory back at once.
 *
 *     HOP        two stacks. When a window begins at or after `flip_end`, the slices of the window are summed from the
 *                newest to the oldest: each sum holds its slice and all newer ones. `flip_end` is the window's end.
 *                Later slices are added to `front`. A window is the sum at its first slice, plus front, plus overlays:
 *                four additions per slide in the mean, however many slices a window has. The slices themselves stay as
 *                they are: sums and front are computed from them, and so are not state.
 *
 *         flip_end ┐
 *       [s1..][s2..][s3..]│ s4   s5            window s2..s5 = [s2..] + front, front = s4 + s5
 *
 * Firing goes window by window in the order of their ends, a batch of results at a time; `cursor` is where to go on
 * after BLOCKED.
 *
 * State are the live slices (core/ops/window_panes.h) and, with CUMULATE, the running sum, which is saved as a slice like the
 * others: one that has fired. Loaded streams may have been at different watermarks, and windows that have fired there must not
 * fire again here: set_target.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_spill.h"

/** HOP: the sum of a slice and all newer ones before `flip_end`. */
struct slice_sum {
	int64_t start;          /* of the oldest slice in it */
	struct tr_slice *slice; /* the live slice itself for the newest; else its own */
	bool is_own;
};

struct slice_op {
	struct tr_window_op w;
	struct tr_window_assign assign;
	struct tr_window_panes panes;
	struct tr_slice front;
	struct tr_slice result;
	struct slice_sum *sums; /* HOP: by start, the newest first */
	uint32_t sum_count;
	uint32_t sum_capacity;
	int64_t flip_end;               /* HOP: slices that end here or earlier are in sums; INT64_MIN: none */
	int64_t fired_end;              /* of the window that fired last; INT64_MIN: none */
	const struct tr_batch *waiting; /* a batch that is to be taken when there is room for it; NULL: none */
	bool is_spilled;                /* the window that is firing comes in parts from its runs */
	bool has_pending;               /* a watermark is to be passed on when all that it fires is out */
	bool is_firing;                 /* results of the window [firing_start, firing_end) are going out */
	bool has_fired;                 /* at least one */
	struct tr_slice *firing;        /* those; NULL: the next part is to be made */
	int64_t firing_start, firing_end;
	uint32_t cursor;
	char *trash; /* an entry for rows that are late, or whose own entry is not known yet */
	uint32_t *other_slots;
	uint32_t other_capacity;
};

static bool is_cumulate(const struct slice_op *s) { return s->w.clock.spec.kind == TR_WINDOW_CUMULATE; }

static bool is_overlay(struct slice_op *s, const struct tr_slice *slice)
{
	return slice->first_end != tr_window_first_end(&s->w.clock, slice->start);
}

/* -- rows -- */

static void reserve_other_slots(struct slice_op *s, uint32_t count)
{
	if (count <= s->other_capacity)
		return;
	s->other_capacity = count;
	s->other_slots = realloc(s->other_slots, count * sizeof(*s->other_slots));
	TR_ASSERT(s->other_slots != NULL);
}

/** Most rows go to one slice: all are resolved and counted there, the exceptions in an entry that nobody reads; then the
 * exceptions get their own. Keys that only late rows have are forgotten again. */
static void take_with_exceptions(struct slice_op *s, const struct tr_batch *batch, struct tr_slice *slice)
{
	struct tr_window_op *w = &s->w;
	const struct tr_window_assign *assign = &s->assign;
	const uint32_t n = batch->selected_count;
	uint32_t late = 0;

	tr_window_panes_resolve(&s->panes, slice, w->slots, n, w->entries);
	*tr_agg_entry_rows(s->trash) = 1; /* not empty: it will not count as touched */
	for (uint32_t i = 0; i < assign->exception_count; i++)
		w->entries[assign->exceptions[i]] = s->trash;
	tr_window_panes_touch(&s->panes, slice, w->slots, tr_agg_layout_count(w->entries, n, w->touched));
	for (uint32_t t = 1; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		const uint32_t *positions = assign->exceptions + target->first;
		struct tr_slice *other = tr_window_panes_get(&s->panes, target->start, target->first_end);

		for (uint32_t i = 0; i < target->count; i++)
			s->other_slots[i] = w->slots[positions[i]];
		tr_window_panes_resolve(&s->panes, other, s->other_slots, target->count, w->sources);
		tr_window_panes_touch(&s->panes, other, s->other_slots,
				      tr_agg_layout_count(w->sources, target->count, w->touched));
		for (uint32_t i = 0; i < target->count; i++)
			w->entries[positions[i]] = w->sources[i];
		late = target->first + target->count;
	}
	tr_agg_layout_update(&w->layout, batch, w->entries, assign->rows, n);
	if (w->layout.owns_memory)
		tr_agg_layout_release(&w->layout, &s->trash, 1);
	memset(s->trash, 0, w->layout.stride);
	for (uint32_t i = late; i < assign->exception_count; i++) {
		const uint32_t slot = w->slots[assign->exceptions[i]];

		/* Once only: a removed key's slot is marked until the list is through. */
		if (s->panes.refs[slot] == 0) {
			s->panes.refs[slot] = UINT32_MAX;
			tr_key_table_remove(w->keys, slot);
		}
	}
	for (uint32_t i = late; i < assign->exception_count; i++) {
		const uint32_t slot = w->slots[assign->exceptions[i]];

		if (s->panes.refs[slot] == UINT32_MAX)
			s->panes.refs[slot] = 0;
	}
}

static enum tr_flow take_rows(struct slice_op *s, const struct tr_batch *batch)
{
	struct tr_window_op *w = &s->w;
	struct tr_window_assign *assign = &s->assign;

	if (tr_window_assign_rows(assign, batch, w->watermark_ms, &w->op.context->status) != TR_OK)
		return TR_FLOW_FAILED;
	w->op.metrics.rows_late += assign->late_count;
	if (assign->count == 0)
		return TR_FLOW_MORE;
	tr_window_panes_densify(&s->panes);
	tr_window_op_reserve(w, assign->count);
	if (assign->has_exceptions) {
		struct tr_slice *slice =
			tr_window_panes_get(&s->panes, assign->targets[0].start, assign->targets[0].first_end);

		if (slice->is_dense) {
			reserve_other_slots(s, assign->exception_count);
			tr_window_op_map_keys(w, batch, assign->rows, assign->count);
			tr_window_panes_reserve_refs(&s->panes);
			take_with_exceptions(s, batch, slice);
			return TR_FLOW_MORE;
		}
		tr_window_assign_group(assign, batch);
	}
	tr_window_op_map_keys(w, batch, assign->rows, assign->count);
	tr_window_panes_reserve_refs(&s->panes);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_slice *slice = tr_window_panes_get(&s->panes, target->start, target->first_end);

		tr_window_panes_resolve(&s->panes, slice, w->slots + target->first, target->count,
					w->entries + target->first);
		tr_window_panes_touch(&s->panes, slice, w->slots + target->first,
				      tr_agg_layout_count(w->entries + target->first, target->count, w->touched));
	}
	tr_agg_layout_update(&w->layout, batch, w->entries, assign->rows, assign->count);
	return TR_FLOW_MORE;
}

/** Adds the row counts of partials to the hidden counts. */
static uint32_t count_partials(struct tr_window_op *w, const struct tr_column *counts, const uint32_t *rows,
			       uint32_t first, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		int64_t *held = tr_agg_entry_rows(w->entries[first + i]);

		w->touched[n] = i;
		n += *held == 0;
		*held += tr_column_i64(counts, tr_agg_row(rows, first + i));
	}
	return n;
}

static enum tr_flow take_partials(struct slice_op *s, const struct tr_batch *batch)
{
	struct tr_window_op *w = &s->w;
	struct tr_window_assign *assign = &s->assign;
	const uint32_t start_column = w->plan->key_count + w->layout.partial_count;

	tr_window_assign_partials(assign, batch, start_column, start_column + 1, start_column + 2, w->watermark_ms);
	w->op.metrics.rows_late += assign->late_count;
	if (assign->count == 0)
		return TR_FLOW_MORE;
	tr_window_panes_densify(&s->panes);
	tr_window_op_reserve(w, assign->count);
	tr_window_op_map_keys(w, batch, assign->rows, assign->count);
	tr_window_panes_reserve_refs(&s->panes);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_slice *slice = tr_window_panes_get(&s->panes, target->start, target->first_end);

		tr_window_panes_resolve(&s->panes, slice, w->slots + target->first, target->count,
					w->entries + target->first);
		tr_window_panes_touch(&s->panes, slice, w->slots + target->first,
				      count_partials(w, &batch->columns[start_column + 2], assign->rows, target->first,
						     target->count));
	}
	tr_agg_layout_read(&w->layout, w->entries, batch->columns + w->plan->key_count, assign->rows, assign->count);
	return TR_FLOW_MORE;
}

/* -- running sums -- */

static void sums_drop(struct slice_op *s, uint32_t at)
{
	struct slice_sum *sum = &s->sums[at];

	if (sum->is_own) {
		tr_window_panes_release(&s->panes, sum->slice);
		free(sum->slice);
	}
	s->sum_count--;
	memmove(sum, sum + 1, (s->sum_count - at) * sizeof(*sum));
}

static void sums_add(struct slice_op *s, int64_t start, struct tr_slice *slice, bool is_own)
{
	if (s->sum_count == s->sum_capacity) {
		s->sum_capacity = s->sum_capacity == 0 ? 16 : s->sum_capacity * 2;
		s->sums = realloc(s->sums, s->sum_capacity * sizeof(*s->sums));
		TR_ASSERT(s->sums != NULL);
	}
	s->sums[s->sum_count++] = (struct slice_sum){.start = start, .slice = slice, .is_own = is_own};
}

/** HOP: lets go of all that was computed from the slices. */
static void forget_sums(struct slice_op *s)
{
	if (s->w.clock.spec.kind != TR_WINDOW_HOP)
		return;
	tr_window_panes_empty(&s->panes, &s->front);
	tr_window_panes_empty(&s->panes, &s->result);
	while (s->sum_count > 0)
		sums_drop(s, s->sum_count - 1);
	s->flip_end = INT64_MIN;
	for (uint32_t i = 0; i < s->panes.live_count; i++)
		s->panes.live[i]->is_merged = false;
}

/** A new slice with the sum of two. */
static struct tr_slice *sum_of(struct slice_op *s, struct tr_slice *slice, struct tr_slice *newer)
{
	struct tr_slice *sum = malloc(sizeof(*sum));

	TR_ASSERT(sum != NULL);
	tr_slice_init(sum, slice->is_dense);
	if (s->w.layout.owns_memory)
		tr_window_panes_merge(&s->panes, sum, slice);
	else
		tr_slice_copy(&s->w.pool, sum, slice);
	tr_window_panes_merge(&s->panes, sum, newer);
	return sum;
}

/** Sums the slices of the window [start, end) from the newest to the oldest. */
static void flip(struct slice_op *s, int64_t start, int64_t end)
{
	const struct tr_window_clock *clock = &s->w.clock;
	struct tr_slice *newer = NULL;

	tr_window_panes_empty(&s->panes, &s->front);
	while (s->sum_count > 0)
		sums_drop(s, s->sum_count - 1);
	s->flip_end = end;
	for (uint32_t i = s->panes.live_count; i-- > 0;) {
		struct tr_slice *slice = s->panes.live[i];

		if (slice->start < start || slice->start + clock->slice_ms > end || is_overlay(s, slice))
			continue;
		slice->is_merged = true;
		newer = newer == NULL ? slice : sum_of(s, slice, newer);
		sums_add(s, slice->start, newer, newer != slice);
	}
}

/** HOP: what the window [start, end) is made of, in at most two slices and the overlays. */
static struct tr_slice *hop_result(struct slice_op *s, int64_t start, int64_t end)
{
	const struct tr_window_clock *clock = &s->w.clock;
	struct tr_slice *back = NULL, *only;
	uint32_t parts = 0;

	if (s->flip_end == INT64_MIN || start >= s->flip_end)
		flip(s, start, end);
	for (uint32_t i = 0; i < s->panes.live_count; i++) { /* slices that have come since */
		struct tr_slice *slice = s->panes.live[i];

		if (slice->is_merged || slice->start + clock->slice_ms > end || slice->start < start ||
		    is_overlay(s, slice))
			continue;
		TR_DASSERT(slice->start >= s->flip_end);
		tr_window_panes_merge(&s->panes, &s->front, slice);
		slice->is_merged = true;
	}
	for (uint32_t i = s->sum_count; i-- > 0 && back == NULL;)
		if (s->sums[i].start >= start)
			back = s->sums[i].slice;
	only = back != NULL ? back : &s->front;
	parts = (back != NULL) + (s->front.count > 0);
	for (uint32_t i = 0; i < s->panes.live_count; i++) {
		struct tr_slice *slice = s->panes.live[i];

		if (slice->start < start || slice->first_end > end || !is_overlay(s, slice))
			continue;
		if (parts < 2) { /* now the result needs a place of its own */
			tr_window_panes_empty(&s->panes, &s->result);
			tr_window_panes_merge(&s->panes, &s->result, only);
			if (back != NULL && s->front.count > 0)
				tr_window_panes_merge(&s->panes, &s->result, &s->front);
			only = &s->result;
			parts = 3;
		} else if (parts == 2) {
			tr_window_panes_empty(&s->panes, &s->result);
			tr_window_panes_merge(&s->panes, &s->result, back);
			tr_window_panes_merge(&s->panes, &s->result, &s->front);
			only = &s->result;
			parts = 3;
		}
		tr_window_panes_merge(&s->panes, &s->result, slice);
	}
	if (parts == 2) {
		tr_window_panes_empty(&s->panes, &s->result);
		tr_window_panes_merge(&s->panes, &s->result, back);
		tr_window_panes_merge(&s->panes, &s->result, &s->front);
		only = &s->result;
	}
	return only;
}

/** CUMULATE: adds the slice that ends at `end` to the running sum of its cycle. */
static struct tr_slice *cumulate_result(struct slice_op *s, int64_t end)
{
	for (uint32_t i = 0; i < s->panes.live_count; i++) {
		struct tr_slice *slice = s->panes.live[i];

		if (slice->is_retired || slice->first_end != end)
			continue;
		tr_window_panes_merge(&s->panes, &s->front, slice);
		tr_window_panes_retire(&s->panes, slice);
	}
	return &s->front;
}

/** HOP, where memory has no room for sums: adds the slices of the window. */
static struct tr_slice *plain_result(struct slice_op *s, int64_t start, int64_t end)
{
	forget_sums(s);
	for (uint32_t i = 0; i < s->panes.live_count; i++) {
		struct tr_slice *slice = s->panes.live[i];

		if (slice->start >= start && slice->start < end && slice->first_end <= end)
			tr_window_panes_merge(&s->panes, &s->result, slice);
	}
	return &s->result;
}

/* -- memory -- */

/** About how many bytes sums of the slices of a window take, one after the other; `depth`: in how many sums the newest slice is. */
static size_t sum_bytes(const struct slice_op *s, int64_t start, int64_t end, bool is_flip)
{
	const size_t used = tr_slice_pool_used(&s->w.pool);
	uint64_t entries = 0, summed = 0, slices = 0;

	for (uint32_t i = 0; i < s->panes.live_count; i++) {
		const struct tr_slice *slice = s->panes.live[i];

		entries += slice->count;
		if (slice->is_retired || slice->start < start || slice->start >= end)
			continue;
		slices++;
		summed += slice->count * (is_flip ? slices : 1);
	}
	return entries == 0 ? 0 : (size_t)((double)used / (double)entries * (double)summed);
}

/** Makes room for the entries of so many rows. BLOCKED: state is on its way to the disk. */
static enum tr_flow make_room(struct slice_op *s, uint32_t rows)
{
	struct tr_window_panes *panes = &s->panes;

	if (panes->spill == NULL)
		return TR_FLOW_MORE;
	if (!panes->spill->is_freezing) {
		if (!tr_window_spill_is_over(panes, rows, 0))
			return TR_FLOW_MORE;
		forget_sums(s);
		if (!tr_window_spill_is_over(panes, rows, 0))
			return TR_FLOW_MORE;
	}
	return tr_window_spill_freeze(panes);
}

static enum tr_flow take_waiting(struct slice_op *s)
{
	const struct tr_batch *batch = s->waiting;
	const enum tr_flow flow = make_room(s, batch->selected_count);

	if (flow != TR_FLOW_MORE)
		return flow;
	s->waiting = NULL;
	return s->w.plan->phase == TR_PHASE_GLOBAL ? take_partials(s, batch) : take_rows(s, batch);
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct slice_op *s = (struct slice_op *)op;

	if (tr_window_op_check(&s->w, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	s->waiting = batch;
	return take_waiting(s);
}

/* -- firing -- */

/** The end of the next window that has rows; INT64_MAX: there is none. */
static int64_t next_end(const struct slice_op *s)
{
	const int64_t step = s->w.clock.spec.step_ms;
	int64_t least = INT64_MAX;

	for (uint32_t i = 0; i < s->panes.live_count; i++) {
		const struct tr_slice *slice = s->panes.live[i];
		int64_t end = slice->first_end;

		if (s->fired_end != INT64_MIN && end <= s->fired_end)
			end = s->fired_end + step;
		least = TR_MIN(least, end);
	}
	return least;
}

static bool has_room_for_sums(const struct slice_op *s)
{
	const bool is_flip = s->flip_end == INT64_MIN || s->firing_start >= s->flip_end;
	const size_t bytes = sum_bytes(s, s->firing_start, s->firing_end, is_flip) +
			     sum_bytes(s, s->firing_start, s->firing_end, false); /* the result */

	return s->panes.spill == NULL || !tr_window_spill_is_over(&s->panes, 0, bytes);
}

/** Whether the window has runs, or memory has no room for its result beside the slices. */
static bool is_better_spilled(const struct slice_op *s)
{
	const size_t bytes =
		s->w.clock.spec.kind == TR_WINDOW_TUMBLE ? 0 : sum_bytes(s, s->firing_start, s->firing_end, false);

	return tr_window_spill_is_used(&s->panes) ||
	       (s->panes.spill != NULL && bytes > 0 && tr_window_spill_is_over(&s->panes, 0, bytes));
}

static void begin_fire(struct slice_op *s, int64_t end)
{
	s->firing_end = end;
	s->firing_start = tr_window_start_of(&s->w.clock, end);
	s->cursor = 0;
	s->is_firing = s->has_fired = true;
	s->is_spilled = is_better_spilled(s);
	if (s->is_spilled) {
		forget_sums(s);
		tr_window_spill_fire(&s->panes, s->firing_start, end);
		s->firing = NULL;
		return;
	}
	switch (s->w.clock.spec.kind) {
	case TR_WINDOW_TUMBLE: s->firing = tr_window_panes_get(&s->panes, s->firing_start, end); break;
	case TR_WINDOW_HOP:
		s->firing = has_room_for_sums(s) ? hop_result(s, s->firing_start, end)
						 : plain_result(s, s->firing_start, end);
		break;
	case TR_WINDOW_CUMULATE: s->firing = cumulate_result(s, end); break;
	case TR_WINDOW_SESSION: TR_UNREACHABLE();
	}
}

/** The window is out: slices that no later window needs go. */
static void end_fire(struct slice_op *s)
{
	const int64_t end = s->firing_end;

	s->is_firing = false;
	s->firing = NULL;
	s->fired_end = end;
	if (is_cumulate(s)) {
		s->front.start = end - s->w.clock.slice_ms;
		s->front.first_end = end;
		if (end == s->firing_start + s->w.clock.spec.size_ms) {
			tr_window_panes_empty(&s->panes, &s->front); /* while the slots still name its keys */
			tr_window_spill_forget(&s->panes, &s->front);
		}
	}
	while (s->sum_count > 0 &&
	       tr_window_last_end(&s->w.clock, s->sums[s->sum_count - 1].start) <= end) /* the oldest come last */
		sums_drop(s, s->sum_count - 1);
	for (uint32_t i = s->panes.live_count; i-- > 0;)
		if (tr_window_last_end(&s->w.clock, s->panes.live[i]->start) <= end)
			tr_window_panes_drop(&s->panes, i);
	if (s->panes.live_count == 0 && s->w.clock.spec.kind == TR_WINDOW_HOP) {
		tr_window_panes_empty(&s->panes, &s->front);
		s->flip_end = INT64_MIN;
	}
	s->w.op.metrics.state_bytes = s->w.pool.bytes + tr_key_table_bytes(s->w.keys);
}

/** The next entries that go out, to w->slots and w->entries. DONE: that was all. */
static enum tr_flow next_entries(struct slice_op *s, uint32_t *count)
{
	struct tr_window_op *w = &s->w;

	for (;;) {
		if (s->firing == NULL) {
			const enum tr_flow flow = tr_window_spill_next(&s->panes, &s->firing);

			s->cursor = 0;
			if (flow != TR_FLOW_MORE) {
				s->firing = NULL;
				return flow;
			}
		}
		*count = tr_slice_scan(&w->pool, s->firing, &s->cursor, w->out->capacity, w->slots, w->entries);
		if (*count > 0)
			return TR_FLOW_MORE;
		s->firing = NULL;
		if (!s->is_spilled)
			return TR_FLOW_DONE;
	}
}

/** Sends out all that the watermark fires, then the watermark. */
static enum tr_flow advance(struct slice_op *s)
{
	struct tr_window_op *w = &s->w;

	for (;;) {
		int64_t end;

		while (s->is_firing) {
			uint32_t n = 0;
			enum tr_flow flow = next_entries(s, &n);

			if (flow == TR_FLOW_DONE) {
				end_fire(s);
				break;
			}
			if (flow != TR_FLOW_MORE)
				return flow;
			tr_window_op_write(w, w->slots, w->entries, n, s->firing_start, s->firing_end);
			flow = tr_window_op_emit(w);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
		end = next_end(s);
		if (end == INT64_MAX || tr_window_timer(&w->clock, end) > w->watermark_ms)
			break;
		begin_fire(s, end);
	}
	if (tr_window_op_owes_row(w) && !s->has_fired) {
		enum tr_flow flow;

		s->has_fired = true;
		tr_window_op_write_nothing(w);
		flow = tr_window_op_emit(w);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	if (!s->has_pending)
		return TR_FLOW_MORE;
	s->has_pending = false;
	w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
	return tr_op_emit_watermark(&w->op, w->watermark_ms);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct slice_op *s = (struct slice_op *)op;

	TR_ASSERT(!s->is_firing);
	if (watermark_ms <= s->w.watermark_ms)
		return TR_FLOW_MORE;
	s->w.watermark_ms = watermark_ms;
	s->has_pending = true;
	return advance(s);
}

static enum tr_flow resume(struct tr_op *op)
{
	struct slice_op *s = (struct slice_op *)op;

	return s->waiting != NULL ? take_waiting(s) : advance(s);
}

/* -- saving and loading -- */

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct slice_op *s = (struct slice_op *)op;

	TR_ASSERT(!s->is_firing && !s->has_pending && s->waiting == NULL);
	return tr_window_panes_snapshot(&s->panes, order, writer, s->fired_end, base, st);
}

static enum tr_flow snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	return tr_window_panes_snapshot_step(&((struct slice_op *)op)->panes, writer, budget, st);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	return tr_window_panes_load(&((struct slice_op *)op)->panes, origin, record, st);
}

/** A slice whose first window had fired at its stream's watermark, but not at the least one of all, becomes an overlay of the
 * next window that is open. With CUMULATE the running sum goes to the slice of the next window. */
static bool set_target(struct tr_window_op *w, struct tr_window_pane_loaded *loaded)
{
	const bool is_running_sum = w->clock.spec.kind == TR_WINDOW_CUMULATE;
	int64_t end;

	if (tr_window_timer(&w->clock, loaded->as.first_end) > loaded->watermark_ms)
		return true;
	if (!is_running_sum && loaded->watermark_ms == w->state.watermark_ms)
		return true; /* fired_end knows */
	end = tr_window_first_open(&w->clock, loaded->as.start, loaded->watermark_ms);
	if (end == INT64_MIN)
		return false;
	if (is_running_sum)
		loaded->as.start = end - w->clock.slice_ms;
	loaded->as.first_end = end;
	return true;
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct slice_op *s = (struct slice_op *)op;
	const struct tr_window_spec *spec = &s->w.clock.spec;
	const int64_t phase = spec->offset_ms + (spec->kind == TR_WINDOW_HOP ? spec->size_ms : 0);
	const int64_t mark = tr_window_state_loaded(&s->w, INT64_MIN);

	/* Of a tumbling window the mark says nothing that is needed here; the other operators have uses of their own for it. */
	if (spec->kind != TR_WINDOW_TUMBLE && mark != INT64_MIN &&
	    (mark < -2 * TR_WINDOW_TIME_MAX || mark > 2 * (TR_WINDOW_TIME_MAX - 1) ||
	     tr_window_floor(mark, phase, spec->step_ms) != mark))
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record is damaged: a window that ends at %lld", op->ops->name,
			(long long)mark);
	if (spec->kind != TR_WINDOW_TUMBLE)
		s->fired_end = mark;
	return tr_window_panes_load_end(&s->panes, set_target, st);
}

static uint64_t state_bytes(const struct tr_op *op)
{
	return tr_window_panes_state_bytes(&((const struct slice_op *)op)->panes);
}

static void destroy(struct tr_op *op)
{
	struct slice_op *s = (struct slice_op *)op;

	while (s->sum_count > 0)
		sums_drop(s, s->sum_count - 1);
	tr_window_panes_release(&s->panes, &s->front);
	tr_window_panes_release(&s->panes, &s->result);
	tr_window_panes_deinit(&s->panes);
	tr_window_assign_deinit(&s->assign);
	tr_window_op_deinit(&s->w);
	free(s->sums);
	free(s->trash);
	free(s->other_slots);
	free(s);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_window_state_kinds((struct tr_window_op *)(uintptr_t)op, count);
}

static const struct tr_op_ops rows_ops = {
	.name = "window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.resume = resume,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

static const struct tr_op_ops partials_ops = {
	.name = "global window aggregate",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.resume = resume,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

tr_code tr_op_window_slice_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st)
{
	struct slice_op *s = calloc(1, sizeof(*s));
	tr_code code;

	TR_ASSERT(s != NULL);
	*op = NULL;
	s->flip_end = s->fired_end = INT64_MIN;
	s->w.has_slices = true;
	tr_window_panes_init(&s->panes, &s->w, true);
	tr_slice_init(&s->front, false);
	tr_slice_init(&s->result, false);
	code = tr_window_op_init(&s->w, plan->phase == TR_PHASE_GLOBAL ? &partials_ops : &rows_ops, plan, context, st);
	if (code == TR_OK && !s->w.layout.is_mergeable)
		code = tr_status_set(st, TR_ERR_INTERNAL, 0, TR_WHERE, "window: DISTINCT can't use slices");
	tr_window_assign_init(&s->assign, &s->w.clock);
	if (code != TR_OK) {
		destroy(&s->w.op);
		return code;
	}
	tr_window_panes_begin_saving(&s->panes, is_cumulate(s) ? &s->front : NULL);
	tr_window_spill_create(&s->panes);
	s->trash = calloc(1, s->w.layout.stride);
	TR_ASSERT(s->trash != NULL);
	*op = &s->w.op;
	return TR_OK;
}
