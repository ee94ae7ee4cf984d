/* SPDX-License-Identifier: Apache-2.0
 *
 * Saving and loading the slices (core/ops/op_window_slice.c). State are the live slices and, with CUMULATE, the running
 * sum, which is saved as a slice like the others: one that has fired. Each is written in pieces, and what did not change
 * since the last complete checkpoint is not (core/ops/window_save.h).
 *
 * Loading. Streams may have been at different watermarks, and what their slices still have to do depends on that: windows
 * that have fired there must not fire again here. So slices are loaded by stream; when all are there, a slice whose
 * first window had fired at its stream's watermark, but not at the least one of all, becomes an overlay of the next
 * window that is open. With CUMULATE the running sum goes to the slice of the next window. As a rule all watermarks are the
 * same, and then every stream's entries for a slice go to one slice at once, since no two streams have the same key.
 */
#include "core/ops/op_window_slice.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* -- saving -- */

static bool is_cumulate(const struct tr_slice_op *s) { return s->w.clock.spec.kind == TR_WINDOW_CUMULATE; }

static tr_code put_entries(struct tr_window_op *w, struct tr_state_writer *writer,
			   const struct tr_window_save_slice *slice, const uint32_t *slots, char *const *entries,
			   uint32_t count, struct tr_status *st)
{
	return tr_window_state_put_slots(w, writer, slots, entries, count, &slice->start, &slice->first_end, true,
					 slice->id, st);
}

void tr_slice_op_begin_saving(struct tr_slice_op *s)
{
	s->front.id = ++s->w.save.last_id;
	if (!s->w.op.context->has_checkpoints)
		return;
	tr_window_save_init(&s->w.save, &s->w, put_entries);
	if (is_cumulate(s))
		tr_slice_keep_marks(&s->front, &s->w.save.clock);
}

/** Writes up to a record of what is pending in a slice. */
static tr_code put_pending(struct tr_slice_op *s, struct tr_state_writer *writer, struct tr_slice *slice,
			   struct tr_status *st)
{
	struct tr_window_save *save = &s->w.save;
	const struct tr_window_save_slice as = {.id = slice->id, .start = slice->start, .first_end = slice->first_end};
	uint32_t n = tr_marks_take(slice->marks, tr_window_state_piece(&s->w), save->indexes);

	n = tr_slice_at_numbers(&s->w.pool, slice, save->indexes, n, save->indexes, save->pending);
	return n == 0 ? TR_OK : put_entries(&s->w, writer, &as, save->indexes, save->pending, n, st);
}

void tr_slice_op_drain(struct tr_slice_op *s, struct tr_slice *slice)
{
	if (slice->marks == NULL)
		return;
	tr_window_save_images_end(&s->w.save, &s->w);
	while (!slice->marks->is_quiet) {
		const tr_code code = put_pending(s, &s->w.save.writer, slice, NULL);

		TR_ASSERT(code == TR_OK); /* memory takes all */
	}
}

/** All that live, one after the other from number 0 on; NULL: that was all. */
static struct tr_slice *state_slice(struct tr_slice_op *s, uint32_t number)
{
	if (number < s->live_count)
		return s->live[number];
	return number == s->live_count && is_cumulate(s) ? &s->front : NULL;
}

/** Without checkpoints no marks are kept, and all is written at once. */
static tr_code put_all(struct tr_slice_op *s, struct tr_state_writer *writer, struct tr_slice *slice,
		       struct tr_status *st)
{
	const struct tr_window_save_slice as = {.id = slice->id, .start = slice->start, .first_end = slice->first_end};
	struct tr_window_op *w = &s->w;
	const uint32_t piece = tr_window_state_piece(w);
	uint32_t cursor = 0, n;

	tr_window_op_reserve(w, piece);
	while ((n = tr_slice_scan(&w->pool, slice, &cursor, piece, w->slots, w->entries)) > 0)
		TR_TRY(put_entries(w, writer, &as, w->slots, w->entries, n, st));
	return TR_OK;
}

tr_code tr_slice_op_snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			     uint64_t *base, struct tr_status *st)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;
	struct tr_window_slice_state *list = calloc((size_t)s->live_count + 1, sizeof(*list));
	struct tr_slice *slice;
	uint32_t count = 0;
	tr_code code;

	TR_ASSERT(list != NULL && s->firing == NULL && !s->has_pending);
	*base = order->checkpoint;
	if (s->w.save.is_on)
		tr_window_save_flip(&s->w.save, &s->w, order);
	for (uint32_t i = 0; (slice = state_slice(s, i)) != NULL; i++) {
		uint64_t least = order->checkpoint;

		if (slice->is_retired || slice->count == 0)
			continue;
		if (s->w.save.is_on) {
			tr_marks_flip(slice->marks);
			least = tr_marks_base(slice->marks);
		}
		*base = TR_MIN(*base, least);
		list[count++] = (struct tr_window_slice_state){
			.id = slice->id, .start = slice->start, .first_end = slice->first_end, .base = (int64_t)least};
	}
	code = tr_window_state_put_mark(&s->w, writer, s->fired_end, st);
	if (code == TR_OK)
		code = tr_window_state_put_slices(&s->w, writer, list, count, st);
	for (uint32_t i = 0; !s->w.save.is_on && code == TR_OK && (slice = state_slice(s, i)) != NULL; i++)
		if (!slice->is_retired)
			code = put_all(s, writer, slice, st);
	free(list);
	return code;
}

enum tr_flow tr_slice_op_snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget,
				       struct tr_status *st)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;
	struct tr_window_save *save = &s->w.save;
	struct tr_slice *slice;
	size_t left = budget;

	if (!save->is_writing)
		return TR_FLOW_DONE;
	if (tr_window_save_hand_on(save, &s->w, writer, &left, st) != TR_OK)
		return TR_FLOW_FAILED;
	for (uint32_t i = 0; left > 0 && (slice = state_slice(s, i)) != NULL; i++) {
		while (left > 0 && !slice->is_retired && !slice->marks->is_quiet) {
			const size_t before = s->w.state.bytes_put;

			if (put_pending(s, writer, slice, st) != TR_OK)
				return TR_FLOW_FAILED;
			left -= TR_MIN(left, s->w.state.bytes_put - before);
		}
	}
	if (left == 0)
		return TR_FLOW_MORE;
	save->is_writing = false;
	return TR_FLOW_DONE;
}

uint64_t tr_slice_op_state_bytes(const struct tr_op *op)
{
	struct tr_slice_op *s = (struct tr_slice_op *)(uintptr_t)op;
	uint64_t count = is_cumulate(s) ? s->front.count : 0;

	for (uint32_t i = 0; i < s->live_count; i++)
		count += s->live[i]->count;
	return tr_window_state_bytes(&s->w, count);
}

/* -- loading -- */

static struct tr_slice_loaded *loaded_add(struct tr_slice_op *s, const struct tr_window_slice_state *as)
{
	struct tr_slice_loaded *loaded;

	if (s->loaded_count == s->loaded_capacity) {
		s->loaded_capacity = s->loaded_capacity == 0 ? 16 : s->loaded_capacity * 2;
		s->loaded = realloc(s->loaded, s->loaded_capacity * sizeof(*s->loaded));
		TR_ASSERT(s->loaded != NULL);
	}
	loaded = &s->loaded[s->loaded_count++];
	*loaded = (struct tr_slice_loaded){
		.stream = s->w.state.stream,
		.as = *as,
		.watermark_ms = s->w.state.stream_watermark_ms,
	};
	return loaded;
}

/** Where the entries of a slice of the current stream go. */
static struct tr_slice *loaded_get(struct tr_slice_op *s, const struct tr_window_slice_state *as)
{
	struct tr_slice *shared = NULL, *slice;
	bool is_shared_by_me = false;

	for (uint32_t i = 0; i < s->loaded_count; i++) {
		const struct tr_slice_loaded *loaded = &s->loaded[i];
		const bool is_mine = loaded->stream == s->w.state.stream;

		if (is_mine && loaded->as.id == as->id)
			return loaded->slice;
		if (loaded->as.start != as->start || loaded->as.first_end != as->first_end ||
		    loaded->watermark_ms != s->w.state.stream_watermark_ms)
			continue;
		if (!is_mine && shared == NULL)
			shared = loaded->slice;
		is_shared_by_me |= is_mine;
	}
	if (shared != NULL && !is_shared_by_me) {
		struct tr_slice_loaded *alias = loaded_add(s, as);

		alias->is_alias = true;
		alias->slice = shared;
		return shared;
	}
	slice = malloc(sizeof(*slice));
	TR_ASSERT(slice != NULL);
	tr_slice_init(slice, false);
	loaded_add(s, as)->slice = slice;
	return slice;
}

tr_code tr_slice_op_load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
			 struct tr_status *st)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;
	struct tr_window_op *w = &s->w;
	const struct tr_window_slice_state *as;
	struct tr_window_rows rows;
	struct tr_slice *slice;
	uint32_t touched;
	bool is_taken;

	TR_TRY(tr_window_state_load(w, origin, record, &is_taken, st));
	if (is_taken)
		return TR_OK;
	TR_TRY(tr_window_state_read(w, record, &rows, st));
	if (rows.count == 0 || (as = tr_window_state_slice(w, rows.slices[0])) == NULL)
		return TR_OK;
	slice = loaded_get(s, as);
	tr_window_state_map_keys(w, &rows);
	tr_slice_resolve(&w->pool, slice, w->slots, rows.count, w->entries);
	touched = tr_window_state_fill(w, &rows, w->entries, w->touched);
	for (uint32_t i = 0; i < touched; i++)
		w->touched_slots[i] = w->slots[w->touched[i]];
	tr_slice_touch(slice, w->touched_slots, touched);
	if (!slice->is_dense && (uint64_t)slice->count * 8 > tr_key_table_slot_limit(w->keys))
		tr_slice_densify(&w->pool, slice);
	return TR_OK;
}

/** Which windows a loaded slice still has to enter. False: none. */
static bool set_target(struct tr_slice_op *s, struct tr_slice_loaded *loaded)
{
	struct tr_window_clock *clock = &s->w.clock;
	int64_t end;

	if (tr_window_timer(clock, loaded->as.first_end) > loaded->watermark_ms)
		return true;
	if (!is_cumulate(s) && loaded->watermark_ms == s->w.state.watermark_ms)
		return true; /* fired_end knows */
	end = tr_window_first_open(clock, loaded->as.start, loaded->watermark_ms);
	if (end == INT64_MIN)
		return false;
	if (is_cumulate(s))
		loaded->as.start = end - clock->slice_ms;
	loaded->as.first_end = end;
	return true;
}

/** Counts the slices of each key, and forgets keys that are in none. */
static void count_refs(struct tr_slice_op *s)
{
	struct tr_window_op *w = &s->w;
	const uint32_t limit = tr_key_table_slot_limit(w->keys);

	tr_slice_op_reserve_refs(s);
	for (uint32_t i = 0; i < s->live_count; i++) {
		uint32_t cursor = 0, n;

		while ((n = tr_slice_scan(&w->pool, s->live[i], &cursor, w->capacity, w->slots, w->entries)) > 0)
			for (uint32_t r = 0; r < n; r++)
				s->refs[w->slots[r]]++;
	}
	for (uint32_t slot = 0; slot < limit; slot++)
		if (s->refs[slot] == 0)
			tr_key_table_remove(w->keys, slot);
}

tr_code tr_slice_op_load_end(struct tr_op *op, struct tr_status *st)
{
	struct tr_slice_op *s = (struct tr_slice_op *)op;
	const struct tr_window_spec *spec = &s->w.clock.spec;
	const int64_t phase = spec->offset_ms + (spec->kind == TR_WINDOW_HOP ? spec->size_ms : 0);
	const int64_t mark = tr_window_state_loaded(&s->w, INT64_MIN);

	/* Of a tumbling window the mark says nothing that is needed here; op_window_tumble.c has a use of its own for it. */
	if (spec->kind != TR_WINDOW_TUMBLE && mark != INT64_MIN &&
	    (mark < -2 * TR_WINDOW_TIME_MAX || mark > 2 * (TR_WINDOW_TIME_MAX - 1) ||
	     tr_window_floor(mark, phase, spec->step_ms) != mark))
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record is damaged: a window that ends at %lld", op->ops->name,
			(long long)mark);
	if (spec->kind != TR_WINDOW_TUMBLE)
		s->fired_end = mark;
	for (uint32_t i = 0; i < s->loaded_count; i++) {
		struct tr_slice_loaded *loaded = &s->loaded[i];
		struct tr_slice *slice = loaded->slice, *live;

		if (loaded->is_alias)
			continue;
		loaded->is_alias = true; /* from here on the slice is the live one's */
		if (set_target(s, loaded)) {
			live = tr_slice_op_get(s, loaded->as.start, loaded->as.first_end);
			if (live->count > 0) {
				tr_slice_op_merge(s, live, slice);
			} else {
				slice->start = live->start;
				slice->first_end = live->first_end;
				slice->id = live->id;
				slice->marks = live->marks;
				live->marks = NULL;
				tr_slice_deinit(&s->w.pool, live);
				*live = *slice;
				tr_slice_init(slice, false);
			}
		}
		tr_slice_op_empty(s, slice);
		tr_slice_deinit(&s->w.pool, slice);
		free(slice);
	}
	s->loaded_count = 0;
	for (uint32_t i = 0; s->w.save.is_on && i < s->live_count; i++) /* all is due again */
		tr_marks_fill(s->live[i]->marks,
			      s->live[i]->is_dense ? tr_key_table_slot_limit(s->w.keys) : s->live[i]->count);
	count_refs(s);
	return TR_OK;
}
