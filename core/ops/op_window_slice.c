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
 * refs[slot] counts the slices that have the key: at zero the slot is given back. A slice whose entries were given back
 * keeps the list of its slots for that.
 *
 * Firing goes window by window in the order of their ends, a batch of results at a time; `cursor` is where to go on
 * after BLOCKED.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/op_window_slice.h"

#define PIECE 512

/* -- live slices -- */

static uint32_t live_position(const struct tr_slice_op *s, int64_t start, int64_t first_end)
{
	uint32_t low = 0, high = s->live_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const struct tr_slice *slice = s->live[middle];

		if (slice->start < start || (slice->start == start && slice->first_end < first_end))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool starts_dense(const struct tr_slice_op *s)
{
	return s->expects_dense || tr_key_table_slot_limit(s->w.keys) <= TR_SLICE_OP_DENSE_SLOTS;
}

struct tr_slice *tr_slice_op_get(struct tr_slice_op *s, int64_t start, int64_t first_end)
{
	const uint32_t at = live_position(s, start, first_end);
	struct tr_slice *slice;

	if (at < s->live_count && s->live[at]->start == start && s->live[at]->first_end == first_end)
		return s->live[at];
	if (s->live_count == s->live_capacity) {
		s->live_capacity = s->live_capacity == 0 ? 16 : s->live_capacity * 2;
		s->live = realloc(s->live, s->live_capacity * sizeof(*s->live));
		s->spare = realloc(s->spare, s->live_capacity * sizeof(*s->spare));
		TR_ASSERT(s->live != NULL && s->spare != NULL);
	}
	slice = s->spare_count > 0 ? s->spare[--s->spare_count] : malloc(sizeof(*slice));
	TR_ASSERT(slice != NULL);
	tr_slice_init(slice, starts_dense(s));
	slice->start = start;
	slice->first_end = first_end;
	slice->id = ++s->w.save.last_id;
	if (s->w.save.is_on)
		tr_slice_keep_marks(slice, &s->w.save.clock);
	memmove(s->live + at + 1, s->live + at, (s->live_count - at) * sizeof(*s->live));
	s->live[at] = slice;
	s->live_count++;
	return slice;
}

static bool is_overlay(struct tr_slice_op *s, const struct tr_slice *slice)
{
	return slice->first_end != tr_window_first_end(&s->w.clock, slice->start);
}

void tr_slice_op_reserve_refs(struct tr_slice_op *s)
{
	const uint32_t limit = tr_key_table_slot_limit(s->w.keys);

	if (limit <= s->ref_capacity)
		return;
	const uint32_t capacity = TR_MAX(limit, s->ref_capacity * 2);

	s->refs = realloc(s->refs, capacity * sizeof(*s->refs));
	TR_ASSERT(s->refs != NULL);
	memset(s->refs + s->ref_capacity, 0, (capacity - s->ref_capacity) * sizeof(*s->refs));
	s->ref_capacity = capacity;
}

static void unref(struct tr_slice_op *s, const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		TR_DASSERT(s->refs[slots[i]] > 0);
		if (--s->refs[slots[i]] == 0)
			tr_key_table_remove(s->w.keys, slots[i]);
	}
}

static void release_entries(struct tr_slice_op *s, struct tr_slice *slice)
{
	uint32_t slots[PIECE], cursor = 0, n;
	char *entries[PIECE];

	while (s->w.layout.owns_memory && (n = tr_slice_scan(&s->w.pool, slice, &cursor, PIECE, slots, entries)) > 0)
		tr_agg_layout_release(&s->w.layout, entries, n);
}

void tr_slice_op_empty(struct tr_slice_op *s, struct tr_slice *slice)
{
	tr_slice_op_drain(s, slice);
	slice->id = ++s->w.save.last_id;
	release_entries(s, slice);
	tr_slice_clear(&s->w.pool, slice);
}

/** Lets go of the entries of a slice that windows still refer to by its slots. */
static void retire(struct tr_slice_op *s, struct tr_slice *slice)
{
	if (slice->touched == NULL)
		tr_slice_keep_slots(&s->w.pool, slice);
	tr_slice_op_empty(s, slice);
	slice->is_retired = true;
}

static void drop(struct tr_slice_op *s, uint32_t at)
{
	struct tr_slice *slice = s->live[at];

	tr_slice_op_drain(s, slice);
	s->expects_dense = (uint64_t)(slice->touched != NULL ? slice->touched_count : slice->count) * 8 >=
			   tr_key_table_slot_limit(s->w.keys);
	if (s->live_count == 1 && s->expects_dense) { /* no slice is left: no key is */
		memset(s->refs, 0, s->ref_capacity * sizeof(*s->refs));
		tr_key_table_clear(s->w.keys);
	} else if (slice->touched != NULL) {
		unref(s, slice->touched, slice->touched_count);
	} else {
		uint32_t slots[PIECE], cursor = 0, n;
		char *entries[PIECE];

		while ((n = tr_slice_scan(&s->w.pool, slice, &cursor, PIECE, slots, entries)) > 0)
			unref(s, slots, n);
	}
	release_entries(s, slice);
	tr_slice_deinit(&s->w.pool, slice);
	s->spare[s->spare_count++] = slice;
	s->live_count--;
	memmove(s->live + at, s->live + at + 1, (s->live_count - at) * sizeof(*s->live));
}

/* -- rows -- */

/** Entries of slices that have become well filled move to the dense form; between batches no one points to them. */
static void densify(struct tr_slice_op *s)
{
	const uint32_t limit = tr_key_table_slot_limit(s->w.keys);

	for (uint32_t i = 0; i < s->live_count; i++) {
		struct tr_slice *slice = s->live[i];

		if (!slice->is_dense && !slice->is_retired && (uint64_t)slice->count * 8 > limit) {
			tr_slice_op_drain(s, slice);
			tr_slice_densify(&s->w.pool, slice);
		}
	}
}

/** Copies of entries that a snapshot has not written yet, before they change: positions in save.saves. */
static void save_images(struct tr_slice_op *s, const struct tr_slice *slice, const uint32_t *slots,
			char *const *entries, uint32_t count)
{
	const struct tr_window_save_slice as = {.id = slice->id, .start = slice->start, .first_end = slice->first_end};

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = s->w.save.saves[i];

		if (*tr_agg_entry_rows(entries[at]) != 0)
			tr_window_save_image(&s->w.save, &s->w, &as, 0, slots[at], entries[at]);
	}
}

/** Entries that are about to be written to. */
static void resolve(struct tr_slice_op *s, struct tr_slice *slice, const uint32_t *slots, uint32_t count, char **entries)
{
	struct tr_window_save *save = &s->w.save;

	if (slice->marks == NULL) {
		tr_slice_resolve(&s->w.pool, slice, slots, count, entries);
		return;
	}
	tr_window_save_reserve(save, count);
	tr_slice_resolve_numbers(&s->w.pool, slice, slots, count, entries, save->indexes);
	tr_marks_reserve(slice->marks, slice->is_dense ? tr_key_table_slot_limit(s->w.keys) : slice->count);
	save_images(s, slice, slots, entries,
		    tr_marks_mark(slice->marks, save->indexes, count, slice->count, save->saves));
}

/** Slots `first` .. of w->slots were empty in the slice before: w->touched names them. */
static void touch(struct tr_slice_op *s, struct tr_slice *slice, uint32_t first, uint32_t count)
{
	struct tr_window_op *w = &s->w;

	for (uint32_t i = 0; i < count; i++) {
		w->touched_slots[i] = w->slots[first + w->touched[i]];
		s->refs[w->touched_slots[i]]++;
	}
	tr_slice_touch(slice, w->touched_slots, count);
}

static void reserve_other_slots(struct tr_slice_op *s, uint32_t count)
{
	if (count <= s->other_capacity)
		return;
	s->other_capacity = count;
	s->other_slots = realloc(s->other_slots, count * sizeof(*s->other_slots));
	TR_ASSERT(s->other_slots != NULL);
}

/** Most rows go to one slice: all are resolved and counted there, the exceptions in an entry that nobody reads; then the
 * exceptions get their own. Keys that only late rows have are forgotten again. */
static void take_with_exceptions(struct tr_slice_op *s, const struct tr_batch *batch, struct tr_slice *slice)
{
	struct tr_window_op *w = &s->w;
	const struct tr_window_assign *assign = &s->assign;
	const uint32_t n = batch->selected_count;
	uint32_t late = 0;

	resolve(s, slice, w->slots, n, w->entries);
	*tr_agg_entry_rows(s->trash) = 1; /* not empty: it will not count as touched */
	for (uint32_t i = 0; i < assign->exception_count; i++)
		w->entries[assign->exceptions[i]] = s->trash;
	touch(s, slice, 0, tr_agg_layout_count(w->entries, n, w->touched));
	for (uint32_t t = 1; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		const uint32_t *positions = assign->exceptions + target->first;
		struct tr_slice *other = tr_slice_op_get(s, target->start, target->first_end);
		uint32_t touched;

		for (uint32_t i = 0; i < target->count; i++)
			s->other_slots[i] = w->slots[positions[i]];
		resolve(s, other, s->other_slots, target->count, w->sources);
		touched = tr_agg_layout_count(w->sources, target->count, w->touched);
		for (uint32_t i = 0; i < touched; i++) {
			w->touched_slots[i] = s->other_slots[w->touched[i]];
			s->refs[w->touched_slots[i]]++;
		}
		tr_slice_touch(other, w->touched_slots, touched);
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
		if (s->refs[slot] == 0) {
			s->refs[slot] = UINT32_MAX;
			tr_key_table_remove(w->keys, slot);
		}
	}
	for (uint32_t i = late; i < assign->exception_count; i++) {
		const uint32_t slot = w->slots[assign->exceptions[i]];

		if (s->refs[slot] == UINT32_MAX)
			s->refs[slot] = 0;
	}
}

static enum tr_flow on_rows(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;
	struct tr_window_op *w = &s->w;
	struct tr_window_assign *assign = &s->assign;

	if (tr_window_assign_rows(assign, batch, w->watermark_ms, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	op->metrics.rows_late += assign->late_count;
	if (assign->count == 0)
		return TR_FLOW_MORE;
	densify(s);
	tr_window_op_reserve(w, assign->count);
	if (assign->has_exceptions) {
		struct tr_slice *slice = tr_slice_op_get(s, assign->targets[0].start, assign->targets[0].first_end);

		if (slice->is_dense) {
			reserve_other_slots(s, assign->exception_count);
			tr_window_op_map_keys(w, batch, assign->rows, assign->count);
			tr_slice_op_reserve_refs(s);
			take_with_exceptions(s, batch, slice);
			return TR_FLOW_MORE;
		}
		tr_window_assign_group(assign, batch);
	}
	tr_window_op_map_keys(w, batch, assign->rows, assign->count);
	tr_slice_op_reserve_refs(s);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_slice *slice = tr_slice_op_get(s, target->start, target->first_end);

		resolve(s, slice, w->slots + target->first, target->count, w->entries + target->first);
		touch(s, slice, target->first,
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

static enum tr_flow on_partials(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;
	struct tr_window_op *w = &s->w;
	struct tr_window_assign *assign = &s->assign;
	const uint32_t start_column = w->plan->key_count + w->layout.partial_count;

	tr_window_assign_partials(assign, batch, start_column, start_column + 1, start_column + 2, w->watermark_ms);
	op->metrics.rows_late += assign->late_count;
	if (assign->count == 0)
		return TR_FLOW_MORE;
	densify(s);
	tr_window_op_reserve(w, assign->count);
	tr_window_op_map_keys(w, batch, assign->rows, assign->count);
	tr_slice_op_reserve_refs(s);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_slice *slice = tr_slice_op_get(s, target->start, target->first_end);

		resolve(s, slice, w->slots + target->first, target->count, w->entries + target->first);
		touch(s, slice, target->first,
		      count_partials(w, &batch->columns[start_column + 2], assign->rows, target->first, target->count));
	}
	tr_agg_layout_read(&w->layout, w->entries, batch->columns + w->plan->key_count, assign->rows, assign->count);
	return TR_FLOW_MORE;
}

/* -- merging slices -- */

void tr_slice_op_merge(struct tr_slice_op *s, struct tr_slice *target, struct tr_slice *source)
{
	struct tr_window_op *w = &s->w;
	uint32_t slots[PIECE], fresh[PIECE], cursor = 0, n;
	char *from[PIECE], *to[PIECE];

	if (!target->is_dense && (uint64_t)(target->count + source->count) * 8 > tr_key_table_slot_limit(w->keys)) {
		tr_slice_op_drain(s, target);
		tr_slice_densify(&w->pool, target);
	}
	while ((n = tr_slice_scan(&w->pool, source, &cursor, PIECE, slots, from)) > 0) {
		uint32_t fresh_count = 0;

		resolve(s, target, slots, n, to);
		for (uint32_t i = 0; i < n; i++) {
			fresh[fresh_count] = slots[i];
			fresh_count += *tr_agg_entry_rows(to[i]) == 0;
		}
		tr_slice_touch(target, fresh, fresh_count);
		tr_agg_layout_merge(&w->layout, to, from, n);
	}
}

static void sums_drop(struct tr_slice_op *s, uint32_t at)
{
	struct tr_slice_sum *sum = &s->sums[at];

	if (sum->is_own) {
		release_entries(s, sum->slice);
		tr_slice_deinit(&s->w.pool, sum->slice);
		free(sum->slice);
	}
	s->sum_count--;
	memmove(sum, sum + 1, (s->sum_count - at) * sizeof(*sum));
}

static void sums_add(struct tr_slice_op *s, int64_t start, struct tr_slice *slice, bool is_own)
{
	if (s->sum_count == s->sum_capacity) {
		s->sum_capacity = s->sum_capacity == 0 ? 16 : s->sum_capacity * 2;
		s->sums = realloc(s->sums, s->sum_capacity * sizeof(*s->sums));
		TR_ASSERT(s->sums != NULL);
	}
	s->sums[s->sum_count++] = (struct tr_slice_sum){.start = start, .slice = slice, .is_own = is_own};
}

/** A new slice with the sum of two. */
static struct tr_slice *sum_of(struct tr_slice_op *s, struct tr_slice *slice, struct tr_slice *newer)
{
	struct tr_slice *sum = malloc(sizeof(*sum));

	TR_ASSERT(sum != NULL);
	tr_slice_init(sum, slice->is_dense);
	if (s->w.layout.owns_memory)
		tr_slice_op_merge(s, sum, slice);
	else
		tr_slice_copy(&s->w.pool, sum, slice);
	tr_slice_op_merge(s, sum, newer);
	return sum;
}

/** Sums the slices of the window [start, end) from the newest to the oldest. */
static void flip(struct tr_slice_op *s, int64_t start, int64_t end)
{
	const struct tr_window_clock *clock = &s->w.clock;
	struct tr_slice *newer = NULL;

	tr_slice_op_empty(s, &s->front);
	while (s->sum_count > 0)
		sums_drop(s, s->sum_count - 1);
	s->flip_end = end;
	for (uint32_t i = s->live_count; i-- > 0;) {
		struct tr_slice *slice = s->live[i];

		if (slice->start < start || slice->start + clock->slice_ms > end || is_overlay(s, slice))
			continue;
		slice->is_merged = true;
		newer = newer == NULL ? slice : sum_of(s, slice, newer);
		sums_add(s, slice->start, newer, newer != slice);
	}
}

/** HOP: what the window [start, end) is made of, in at most two slices and the overlays. */
static struct tr_slice *hop_result(struct tr_slice_op *s, int64_t start, int64_t end)
{
	const struct tr_window_clock *clock = &s->w.clock;
	struct tr_slice *back = NULL, *only;
	uint32_t parts = 0;

	if (s->flip_end == INT64_MIN || start >= s->flip_end)
		flip(s, start, end);
	for (uint32_t i = 0; i < s->live_count; i++) { /* slices that have come since */
		struct tr_slice *slice = s->live[i];

		if (slice->is_merged || slice->start + clock->slice_ms > end || slice->start < start ||
		    is_overlay(s, slice))
			continue;
		TR_DASSERT(slice->start >= s->flip_end);
		tr_slice_op_merge(s, &s->front, slice);
		slice->is_merged = true;
	}
	for (uint32_t i = s->sum_count; i-- > 0 && back == NULL;)
		if (s->sums[i].start >= start)
			back = s->sums[i].slice;
	only = back != NULL ? back : &s->front;
	parts = (back != NULL) + (s->front.count > 0);
	for (uint32_t i = 0; i < s->live_count; i++) {
		struct tr_slice *slice = s->live[i];

		if (slice->start < start || slice->first_end > end || !is_overlay(s, slice))
			continue;
		if (parts < 2) { /* now the result needs a place of its own */
			tr_slice_op_empty(s, &s->result);
			tr_slice_op_merge(s, &s->result, only);
			if (back != NULL && s->front.count > 0)
				tr_slice_op_merge(s, &s->result, &s->front);
			only = &s->result;
			parts = 3;
		} else if (parts == 2) {
			tr_slice_op_empty(s, &s->result);
			tr_slice_op_merge(s, &s->result, back);
			tr_slice_op_merge(s, &s->result, &s->front);
			only = &s->result;
			parts = 3;
		}
		tr_slice_op_merge(s, &s->result, slice);
	}
	if (parts == 2) {
		tr_slice_op_empty(s, &s->result);
		tr_slice_op_merge(s, &s->result, back);
		tr_slice_op_merge(s, &s->result, &s->front);
		only = &s->result;
	}
	return only;
}

/** CUMULATE: adds the slice that ends at `end` to the running sum of its cycle. */
static struct tr_slice *cumulate_result(struct tr_slice_op *s, int64_t end)
{
	for (uint32_t i = 0; i < s->live_count; i++) {
		struct tr_slice *slice = s->live[i];

		if (slice->is_retired || slice->first_end != end)
			continue;
		tr_slice_op_merge(s, &s->front, slice);
		retire(s, slice);
	}
	return &s->front;
}

/* -- firing -- */

/** The end of the next window that has rows; INT64_MAX: there is none. */
static int64_t next_end(const struct tr_slice_op *s)
{
	const int64_t step = s->w.clock.spec.step_ms;
	int64_t least = INT64_MAX;

	for (uint32_t i = 0; i < s->live_count; i++) {
		const struct tr_slice *slice = s->live[i];
		int64_t end = slice->first_end;

		if (s->fired_end != INT64_MIN && end <= s->fired_end)
			end = s->fired_end + step;
		least = TR_MIN(least, end);
	}
	return least;
}

static void begin_fire(struct tr_slice_op *s, int64_t end)
{
	s->firing_end = end;
	s->firing_start = tr_window_start_of(&s->w.clock, end);
	s->cursor = 0;
	switch (s->w.clock.spec.kind) {
	case TR_WINDOW_TUMBLE: s->firing = s->live[live_position(s, s->firing_start, end)]; break;
	case TR_WINDOW_HOP: s->firing = hop_result(s, s->firing_start, end); break;
	case TR_WINDOW_CUMULATE: s->firing = cumulate_result(s, end); break;
	case TR_WINDOW_SESSION: TR_UNREACHABLE();
	}
}

/** The window is out: slices that no later window needs go. */
static void end_fire(struct tr_slice_op *s)
{
	const int64_t end = s->firing_end;

	s->firing = NULL;
	s->fired_end = end;
	if (s->w.clock.spec.kind == TR_WINDOW_CUMULATE) {
		s->front.start = end - s->w.clock.slice_ms;
		s->front.first_end = end;
		if (end == s->firing_start + s->w.clock.spec.size_ms)
			tr_slice_op_empty(s, &s->front); /* while the slots still name its keys */
	}
	while (s->sum_count > 0 &&
	       tr_window_last_end(&s->w.clock, s->sums[s->sum_count - 1].start) <= end) /* the oldest come last */
		sums_drop(s, s->sum_count - 1);
	for (uint32_t i = s->live_count; i-- > 0;)
		if (tr_window_last_end(&s->w.clock, s->live[i]->start) <= end)
			drop(s, i);
	if (s->live_count == 0 && s->w.clock.spec.kind == TR_WINDOW_HOP) {
		tr_slice_op_empty(s, &s->front);
		s->flip_end = INT64_MIN;
	}
	s->w.op.metrics.state_bytes = s->w.pool.bytes + tr_key_table_bytes(s->w.keys);
}

/** Sends out all that the watermark fires, then the watermark. */
static enum tr_flow advance(struct tr_slice_op *s)
{
	struct tr_window_op *w = &s->w;

	for (;;) {
		int64_t end;

		while (s->firing != NULL) {
			const uint32_t n =
				tr_slice_scan(&w->pool, s->firing, &s->cursor, w->out->capacity, w->slots, w->entries);
			enum tr_flow flow;

			if (n == 0) {
				end_fire(s);
				break;
			}
			tr_window_op_write(w, w->slots, w->entries, n, s->firing_start, s->firing_end);
			flow = tr_op_emit(&w->op, &w->out->batch);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
		end = next_end(s);
		if (end == INT64_MAX || tr_window_timer(&w->clock, end) > w->watermark_ms)
			break;
		begin_fire(s, end);
	}
	if (!s->has_pending)
		return TR_FLOW_MORE;
	s->has_pending = false;
	w->forwarded_ms = w->op.metrics.watermark_ms = w->watermark_ms;
	return tr_op_emit_watermark(&w->op, w->watermark_ms);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;

	TR_ASSERT(s->firing == NULL);
	if (watermark_ms <= s->w.watermark_ms)
		return TR_FLOW_MORE;
	s->w.watermark_ms = watermark_ms;
	s->has_pending = true;
	return advance(s);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct tr_slice_op *)op); }

static void destroy(struct tr_op *op)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;

	for (uint32_t i = 0; i < s->live_count; i++) {
		release_entries(s, s->live[i]);
		tr_slice_deinit(&s->w.pool, s->live[i]);
		free(s->live[i]);
	}
	for (uint32_t i = 0; i < s->spare_count; i++)
		free(s->spare[i]);
	while (s->sum_count > 0)
		sums_drop(s, s->sum_count - 1);
	for (uint32_t i = 0; i < s->loaded_count; i++) { /* loading has failed */
		if (s->loaded[i].is_alias)
			continue;
		release_entries(s, s->loaded[i].slice);
		tr_slice_deinit(&s->w.pool, s->loaded[i].slice);
		free(s->loaded[i].slice);
	}
	release_entries(s, &s->front);
	release_entries(s, &s->result);
	tr_slice_deinit(&s->w.pool, &s->front);
	tr_slice_deinit(&s->w.pool, &s->result);
	tr_window_assign_deinit(&s->assign);
	tr_window_op_deinit(&s->w);
	free(s->live);
	free(s->spare);
	free(s->sums);
	free(s->loaded);
	free(s->refs);
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
	.on_batch = on_rows,
	.on_watermark = on_watermark,
	.resume = resume,
	.snapshot = tr_slice_op_snapshot,
	.snapshot_step = tr_slice_op_snapshot_step,
	.load = tr_slice_op_load,
	.load_end = tr_slice_op_load_end,
	.state_bytes = tr_slice_op_state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

static const struct tr_op_ops partials_ops = {
	.name = "global window aggregate",
	.on_batch = on_partials,
	.on_watermark = on_watermark,
	.resume = resume,
	.snapshot = tr_slice_op_snapshot,
	.snapshot_step = tr_slice_op_snapshot_step,
	.load = tr_slice_op_load,
	.load_end = tr_slice_op_load_end,
	.state_bytes = tr_slice_op_state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

tr_code tr_op_window_slice_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st)
{
	struct tr_slice_op *s = calloc(1, sizeof(*s));
	tr_code code;

	TR_ASSERT(s != NULL);
	*op = NULL;
	s->flip_end = s->fired_end = INT64_MIN;
	s->expects_dense = s->w.has_slices = true;
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
	tr_slice_op_begin_saving(s);
	s->trash = calloc(1, s->w.layout.stride);
	TR_ASSERT(s->trash != NULL);
	*op = &s->w.op;
	return TR_OK;
}
