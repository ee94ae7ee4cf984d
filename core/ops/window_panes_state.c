/* SPDX-License-Identifier: Apache-2.0
 *
 * Saving and loading the live slices of a window operator; see window_panes.h. Each is written in pieces, and what did not
 * change since the last complete checkpoint is not (core/ops/window_save.h).
 *
 * A piece is about a record's worth of entries. With DISTINCT a single entry may have any number of values behind it, and so the
 * size of a piece follows what the last one took; one entry's values are written in one step however many they are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_panes.h"
#include "core/ops/window_spill.h"

#define DISTINCT_PIECE 16 /* the first, with DISTINCT */

/* -- saving -- */

static tr_code put_entries(struct tr_window_op *w, struct tr_state_writer *writer,
			   const struct tr_window_save_slice *slice, const uint32_t *slots, char *const *entries,
			   uint32_t count, struct tr_status *st)
{
	return tr_window_state_put_slots(w, writer, slots, entries, count, &slice->start, &slice->first_end, true,
					 slice->id, st);
}

static struct tr_window_save_slice name_of(const struct tr_slice *slice)
{
	return (struct tr_window_save_slice){.id = slice->id, .start = slice->start, .first_end = slice->first_end};
}

void tr_window_panes_begin_saving(struct tr_window_panes *p, struct tr_slice *running)
{
	struct tr_window_save *save = &p->w->save;

	p->running = running;
	p->piece = tr_window_state_piece(p->w);
	if (!p->w->layout.is_mergeable)
		p->piece = TR_MIN(p->piece, DISTINCT_PIECE);
	if (running != NULL)
		running->id = ++save->last_id;
	if (!p->w->op.context->has_checkpoints)
		return;
	tr_window_save_init(save, p->w, put_entries);
	if (running != NULL)
		tr_slice_keep_marks(running, &save->clock);
}

/** `count` entries, with what they have seen, took so many bytes. */
static void choose_piece(struct tr_window_panes *p, uint32_t count, size_t bytes)
{
	const size_t wanted = count * TR_STATE_RECORD_BYTES / TR_MAX(bytes, 1);

	if (!p->w->layout.is_mergeable)
		p->piece = (uint32_t)TR_MIN(TR_MAX(wanted, 1), tr_window_state_piece(p->w));
}

/** Writes a piece of what is pending in a slice; at the end it is quiet. */
static tr_code put_pending(struct tr_window_panes *p, struct tr_state_writer *writer, struct tr_slice *slice,
			   struct tr_status *st)
{
	struct tr_window_op *w = p->w;
	struct tr_window_save *save = &w->save;
	const struct tr_window_save_slice as = name_of(slice);
	const size_t before = w->state.bytes_put;
	uint32_t n = tr_marks_take(slice->marks, writer->age, p->piece, save->indexes);

	n = tr_slice_at_numbers(&w->pool, slice, save->indexes, n, save->indexes, save->pending);
	if (n == 0)
		return TR_OK;
	TR_TRY(put_entries(w, writer, &as, save->indexes, save->pending, n, st));
	choose_piece(p, n, w->state.bytes_put - before);
	return TR_OK;
}

void tr_window_panes_drain(struct tr_window_panes *p, struct tr_slice *slice)
{
	if (slice->marks == NULL)
		return;
	tr_window_save_images_end(&p->w->save, p->w);
	while (!slice->marks->is_quiet) {
		const tr_code code = put_pending(p, &p->w->save.writer, slice, NULL);

		TR_ASSERT(code == TR_OK); /* memory takes all */
	}
}

tr_code tr_window_panes_put_all(struct tr_window_panes *p, struct tr_state_writer *writer, const struct tr_slice *slice,
				struct tr_status *st)
{
	const struct tr_window_save_slice as = name_of(slice);
	struct tr_window_op *w = p->w;
	const uint32_t piece = tr_window_state_piece(w);
	uint32_t cursor = 0, n;

	tr_window_op_reserve(w, piece);
	while ((n = tr_slice_scan(&w->pool, slice, &cursor, piece, w->slots, w->entries)) > 0)
		TR_TRY(put_entries(w, writer, &as, w->slots, w->entries, n, st));
	return TR_OK;
}

tr_code tr_window_panes_snapshot(struct tr_window_panes *p, const struct tr_snapshot_order *order,
				 struct tr_state_writer *writer, int64_t mark, uint64_t *base, struct tr_status *st)
{
	struct tr_window_op *w = p->w;
	const uint32_t runs = tr_window_spill_is_used(p) ? p->spill->run_count : 0;
	struct tr_window_slice_state *list = calloc((size_t)p->live_count + runs + 1, sizeof(*list));
	struct tr_slice *slice;
	uint32_t count = 0;
	tr_code code;

	TR_ASSERT(list != NULL);
	*base = tr_state_age(order->checkpoint);
	if (w->save.is_on)
		tr_window_save_flip(&w->save, w, order);
	tr_window_spill_flip(p, order);
	for (uint32_t i = 0; (slice = tr_window_panes_at(p, i)) != NULL; i++) {
		uint64_t least = tr_state_age(order->checkpoint);

		count += tr_window_spill_list(p, order, slice, list + count, base);
		if (slice->is_retired || slice->count == 0)
			continue;
		if (w->save.is_on) {
			tr_marks_flip(slice->marks);
			least = tr_marks_base(slice->marks);
		}
		*base = TR_MIN(*base, least);
		list[count++] = (struct tr_window_slice_state){.id = slice->id,
							       .start = slice->start,
							       .first_end = slice->first_end,
							       .base = (int64_t)tr_state_age_checkpoint(least),
							       .entries = slice->count};
	}
	code = tr_window_state_put_mark(w, writer, mark, st);
	if (code == TR_OK)
		code = tr_window_state_put_slices(w, writer, list, count, st);
	/* Without checkpoints no marks are kept: a savepoint is written at once. */
	for (uint32_t i = 0; !w->save.is_on && code == TR_OK && (slice = tr_window_panes_at(p, i)) != NULL; i++)
		if (!slice->is_retired)
			code = tr_window_panes_put_all(p, writer, slice, st);
	if (!w->save.is_on && code == TR_OK)
		code = tr_window_spill_copy_all(p, writer, st);
	free(list);
	return code;
}

enum tr_flow tr_window_panes_snapshot_step(struct tr_window_panes *p, struct tr_state_writer *writer, size_t budget,
					   struct tr_status *st)
{
	struct tr_window_op *w = p->w;
	struct tr_slice *slice;
	size_t left = budget;

	if (!w->save.is_writing)
		return TR_FLOW_DONE;
	if (tr_window_save_hand_on(&w->save, w, writer, &left, st) != TR_OK)
		return TR_FLOW_FAILED;
	for (uint32_t i = 0; left > 0 && (slice = tr_window_panes_at(p, i)) != NULL; i++) {
		while (left > 0 && !slice->is_retired && !slice->marks->is_quiet) {
			const size_t before = w->state.bytes_put;

			if (put_pending(p, writer, slice, st) != TR_OK)
				return TR_FLOW_FAILED;
			left -= TR_MIN(left, w->state.bytes_put - before);
		}
	}
	tr_window_save_tell(&w->save, w, writer);
	if (left > 0) {
		const enum tr_flow flow = tr_window_spill_copy(p, writer, &left, st);

		if (p->spill != NULL)
			writer->rewritten += p->spill->rewritten;
		w->save.is_writing = flow != TR_FLOW_DONE;
		return flow;
	}
	return TR_FLOW_MORE;
}

uint64_t tr_window_panes_state_bytes(const struct tr_window_panes *p)
{
	const struct tr_slice *slice;
	uint64_t count = 0;

	for (uint32_t i = 0; (slice = tr_window_panes_at(p, i)) != NULL; i++)
		count += slice->count;
	return tr_window_state_bytes(p->w, count) + p->w->op.metrics.spilled_bytes;
}

/* -- loading -- */

static struct tr_window_pane_loaded *loaded_add(struct tr_window_panes *p, const struct tr_window_slice_state *as)
{
	struct tr_window_pane_loaded *loaded;

	if (p->loaded_count == p->loaded_capacity) {
		p->loaded_capacity = p->loaded_capacity == 0 ? 16 : p->loaded_capacity * 2;
		p->loaded = realloc(p->loaded, p->loaded_capacity * sizeof(*p->loaded));
		TR_ASSERT(p->loaded != NULL);
	}
	loaded = &p->loaded[p->loaded_count++];
	*loaded = (struct tr_window_pane_loaded){
		.stream = p->w->state.stream,
		.as = *as,
		.watermark_ms = p->w->state.stream_watermark_ms,
	};
	return loaded;
}

/** Where the entries of a slice of the current stream go. */
static struct tr_slice *loaded_get(struct tr_window_panes *p, const struct tr_window_slice_state *as)
{
	const struct tr_window_state *state = &p->w->state;
	struct tr_slice *shared = NULL, *slice;
	bool is_shared_by_me = false;

	for (uint32_t i = 0; i < p->loaded_count; i++) {
		const struct tr_window_pane_loaded *loaded = &p->loaded[i];
		const bool is_mine = loaded->stream == state->stream;

		if (is_mine && loaded->as.id == as->id)
			return loaded->slice;
		if (loaded->as.start != as->start || loaded->as.first_end != as->first_end ||
		    loaded->watermark_ms != state->stream_watermark_ms)
			continue;
		if (!is_mine && shared == NULL)
			shared = loaded->slice;
		is_shared_by_me |= is_mine;
	}
	if (shared != NULL && !is_shared_by_me) {
		struct tr_window_pane_loaded *alias = loaded_add(p, as);

		alias->is_alias = true;
		alias->slice = shared;
		return shared;
	}
	slice = tr_checked(malloc(sizeof(*slice)));
	tr_slice_init(slice, false);
	slice->start = as->start; /* should it leave memory before it goes live */
	slice->first_end = as->first_end;
	loaded_add(p, as)->slice = slice;
	return slice;
}

tr_code tr_window_panes_read(struct tr_window_panes *p, struct tr_slice *slice, uint16_t kind,
			     const struct tr_window_rows *rows, struct tr_status *st)
{
	struct tr_window_op *w = p->w;
	uint32_t touched;

	tr_window_state_map_keys(w, rows);
	tr_slice_resolve(&w->pool, slice, w->slots, rows->count, w->entries);
	if (kind != TR_WINDOW_STATE_ENTRIES)
		return tr_window_state_fill_values(w, kind, rows, w->entries, st);
	touched = tr_window_state_fill(w, rows, w->entries, w->touched);
	for (uint32_t i = 0; i < touched; i++)
		w->touched_slots[i] = w->slots[w->touched[i]];
	tr_slice_touch(slice, w->touched_slots, touched);
	if (!slice->is_dense && tr_window_panes_should_be_dense(p, slice->count))
		tr_slice_densify(&w->pool, slice);
	return TR_OK;
}

tr_code tr_window_panes_load(struct tr_window_panes *p, const struct tr_state_origin *origin,
			     const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_op *w = p->w;
	const struct tr_window_slice_state *as;
	struct tr_window_rows rows;
	bool is_taken;

	TR_TRY(tr_window_state_load(w, origin, record, &is_taken, st));
	if (is_taken)
		return TR_OK;
	/* Never between entries and their values. */
	if (p->spill != NULL && record->kind == TR_WINDOW_STATE_ENTRIES &&
	    tr_window_spill_is_over(p, tr_window_state_piece(w), 0))
		TR_TRY(tr_window_spill_freeze_loaded(p, st));
	TR_TRY(tr_window_state_read(w, record, &rows, st));
	if (rows.count == 0 || (as = tr_window_state_slice(w, rows.slices[0])) == NULL)
		return TR_OK;
	if (record->kind == TR_WINDOW_STATE_ENTRIES)
		tr_key_table_expect(w->keys, tr_window_state_expected(w, as, record, rows.batch->row_count));
	return tr_window_panes_read(p, loaded_get(p, as), record->kind, &rows, st);
}

/** Counts the slices of each key, and forgets keys that are in none. */
static void count_refs(struct tr_window_panes *p)
{
	struct tr_window_op *w = p->w;
	const uint32_t limit = tr_key_table_slot_limit(w->keys);

	tr_window_panes_reserve_refs(p);
	for (uint32_t i = 0; i < p->live_count; i++) {
		uint32_t cursor = 0, n;

		while ((n = tr_slice_scan(&w->pool, p->live[i], &cursor, w->capacity, w->slots, w->entries)) > 0)
			for (uint32_t r = 0; r < n; r++)
				p->refs[w->slots[r]]++;
	}
	for (uint32_t slot = 0; slot < limit; slot++)
		if (p->refs[slot] == 0)
			tr_key_table_remove(w->keys, slot);
}

/** A loaded slice becomes, or joins, the live one that is its target. */
static void go_live(struct tr_window_panes *p, const struct tr_window_slice_state *as, struct tr_slice *slice)
{
	struct tr_slice *live = tr_window_panes_get(p, as->start, as->first_end);

	tr_window_spill_move(live, slice);
	if (live->count > 0) {
		tr_window_panes_merge(p, live, slice);
		return;
	}
	slice->start = live->start;
	slice->first_end = live->first_end;
	slice->id = live->id;
	slice->marks = live->marks;
	slice->runs = live->runs;
	live->marks = NULL;
	live->runs = NULL;
	tr_slice_deinit(&p->w->pool, live);
	*live = *slice;
	tr_slice_init(slice, false);
}

tr_code tr_window_panes_load_end(struct tr_window_panes *p, tr_window_panes_target_fn set_target, struct tr_status *st)
{
	struct tr_window_op *w = p->w;

	if (tr_window_spill_is_used(p)) /* what has runs must have all of its entries there, in their order */
		TR_TRY(tr_window_spill_freeze_loaded(p, st));
	for (uint32_t i = 0; i < p->loaded_count; i++) {
		struct tr_window_pane_loaded *loaded = &p->loaded[i];

		if (loaded->is_alias)
			continue;
		if (set_target == NULL || set_target(w, loaded))
			go_live(p, &loaded->as, loaded->slice);
		tr_window_panes_release(p, loaded->slice);
		free(loaded->slice);
	}
	p->loaded_count = 0;
	for (uint32_t i = 0; w->save.is_on && i < p->live_count; i++)
		tr_marks_fill(p->live[i]->marks,
			      p->live[i]->is_dense ? tr_key_table_slot_limit(w->keys) : p->live[i]->count);
	count_refs(p);
	return TR_OK;
}
