/* SPDX-License-Identifier: Apache-2.0
 *
 * The live slices of a window operator; see the header. Saving and loading are in window_panes_state.c.
 */
#include "core/ops/window_panes.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_spill.h"
#include "state/huge.h"

#define PIECE 512
/* Up to this many slots a slice is dense from the start: one chunk. */
#define DENSE_SLOTS TR_SLICE_CHUNK_SLOTS

void tr_window_panes_init(struct tr_window_panes *p, struct tr_window_op *w, bool expects_dense)
{
	memset(p, 0, sizeof(*p));
	p->w = w;
	p->expects_dense = expects_dense;
}

static void release_entries(struct tr_window_panes *p, struct tr_slice *slice)
{
	uint32_t slots[PIECE], cursor = 0, n;
	char *entries[PIECE];

	while (p->w->layout.owns_memory && (n = tr_slice_scan(&p->w->pool, slice, &cursor, PIECE, slots, entries)) > 0)
		tr_agg_layout_release(&p->w->layout, entries, n);
}

void tr_window_panes_release(struct tr_window_panes *p, struct tr_slice *slice)
{
	release_entries(p, slice);
	tr_window_spill_forget(p, slice);
	tr_slice_deinit(&p->w->pool, slice);
}

void tr_window_panes_deinit(struct tr_window_panes *p)
{
	for (uint32_t i = 0; i < p->live_count; i++) {
		tr_window_panes_release(p, p->live[i]);
		free(p->live[i]);
	}
	for (uint32_t i = 0; i < p->spare_count; i++)
		free(p->spare[i]);
	for (uint32_t i = 0; i < p->loaded_count; i++) { /* loading has failed */
		if (p->loaded[i].is_alias)
			continue;
		tr_window_panes_release(p, p->loaded[i].slice);
		free(p->loaded[i].slice);
	}
	tr_window_spill_destroy(p);
	free(p->live);
	free(p->spare);
	tr_huge_unmap(p->refs, p->ref_capacity * sizeof(*p->refs));
	free(p->loaded);
}

static bool starts_dense(const struct tr_window_panes *p)
{
	return p->expects_dense || tr_key_table_slot_limit(p->w->keys) <= DENSE_SLOTS;
}

static uint32_t live_position(const struct tr_window_panes *p, int64_t start, int64_t first_end)
{
	uint32_t low = 0, high = p->live_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const struct tr_slice *slice = p->live[middle];

		if (slice->start < start || (slice->start == start && slice->first_end < first_end))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct tr_slice *tr_window_panes_get(struct tr_window_panes *p, int64_t start, int64_t first_end)
{
	const uint32_t at = live_position(p, start, first_end);
	struct tr_window_save *save = &p->w->save;
	struct tr_slice *slice;

	if (at < p->live_count && p->live[at]->start == start && p->live[at]->first_end == first_end)
		return p->live[at];
	if (p->live_count == p->live_capacity) {
		p->live_capacity = p->live_capacity == 0 ? 16 : p->live_capacity * 2;
		p->live = realloc(p->live, p->live_capacity * sizeof(*p->live));
		p->spare = realloc(p->spare, p->live_capacity * sizeof(*p->spare));
		TR_ASSERT(p->live != NULL && p->spare != NULL);
	}
	slice = p->spare_count > 0 ? p->spare[--p->spare_count] : malloc(sizeof(*slice));
	TR_ASSERT(slice != NULL);
	tr_slice_init(slice, starts_dense(p));
	slice->start = start;
	slice->first_end = first_end;
	slice->id = ++save->last_id;
	if (save->is_on)
		tr_slice_keep_marks(slice, &save->clock);
	memmove(p->live + at + 1, p->live + at, (p->live_count - at) * sizeof(*p->live));
	p->live[at] = slice;
	p->live_count++;
	return slice;
}

/* -- keys -- */

void tr_window_panes_reserve_refs(struct tr_window_panes *p)
{
	const uint32_t limit = tr_key_table_slot_limit(p->w->keys);

	if (limit <= p->ref_capacity)
		return;
	const uint32_t capacity = TR_MAX(limit, p->ref_capacity * 2);

	p->refs = tr_huge_grow(p->refs, p->ref_capacity * sizeof(*p->refs), capacity * sizeof(*p->refs));
	p->ref_capacity = capacity;
}

void tr_window_panes_touch(struct tr_window_panes *p, struct tr_slice *slice, const uint32_t *slots, uint32_t count)
{
	struct tr_window_op *w = p->w;

	for (uint32_t i = 0; i < count; i++) {
		w->touched_slots[i] = slots[w->touched[i]];
		p->refs[w->touched_slots[i]]++;
	}
	tr_slice_touch(slice, w->touched_slots, count);
}

static void unref(struct tr_window_panes *p, const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		TR_DASSERT(p->refs[slots[i]] > 0);
		if (--p->refs[slots[i]] == 0)
			tr_key_table_remove(p->w->keys, slots[i]);
	}
}

/* -- entries -- */

/** Entries that a snapshot has yet to write go to its records as they are. Positions in save->saves, some of which may be empty. */
static void write_overtaken(struct tr_window_panes *p, const struct tr_window_save_slice *as, const uint32_t *slots,
			    char *const *entries, uint32_t count)
{
	struct tr_window_save *save = &p->w->save;

	for (uint32_t i = 0; i < count;) {
		uint32_t n = 0;

		for (; i < count && n < p->piece; i++) {
			save->indexes[n] = slots[save->saves[i]];
			save->pending[n] = entries[save->saves[i]];
			n += *tr_agg_entry_rows(save->pending[n]) != 0;
		}
		if (n > 0) {
			const tr_code code = save->put(p->w, &save->writer, as, save->indexes, save->pending, n, NULL);

			TR_ASSERT(code == TR_OK); /* memory takes all */
		}
	}
}

static void save_overtaken(struct tr_window_panes *p, const struct tr_slice *slice, const uint32_t *slots,
			   char *const *entries, uint32_t count)
{
	const struct tr_window_save_slice as = {.id = slice->id, .start = slice->start, .first_end = slice->first_end};
	struct tr_window_save *save = &p->w->save;

	if (!p->w->layout.is_mergeable) {
		write_overtaken(p, &as, slots, entries, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = save->saves[i];

		if (*tr_agg_entry_rows(entries[at]) != 0)
			tr_window_save_image(save, p->w, &as, 0, slots[at], entries[at]);
	}
}

void tr_window_panes_resolve(struct tr_window_panes *p, struct tr_slice *slice, const uint32_t *slots, uint32_t count,
			     char **entries)
{
	struct tr_window_op *w = p->w;
	struct tr_window_save *save = &w->save;

	if (slice->marks == NULL) {
		tr_slice_resolve(&w->pool, slice, slots, count, entries);
		return;
	}
	tr_window_save_reserve(save, count);
	tr_slice_resolve_numbers(&w->pool, slice, slots, count, entries, save->indexes);
	tr_marks_reserve(slice->marks, slice->is_dense ? tr_key_table_slot_limit(w->keys) : slice->count);
	save_overtaken(p, slice, slots, entries,
		       tr_marks_mark(slice->marks, save->indexes, count, slice->count, save->saves));
}

static void make_dense(struct tr_window_panes *p, struct tr_slice *slice)
{
	tr_window_panes_drain(p, slice);
	tr_slice_densify(&p->w->pool, slice);
}

void tr_window_panes_densify(struct tr_window_panes *p)
{
	for (uint32_t i = 0; i < p->live_count; i++) {
		struct tr_slice *slice = p->live[i];

		if (!slice->is_dense && !slice->is_retired && tr_window_panes_should_be_dense(p, slice->count))
			make_dense(p, slice);
	}
}

void tr_window_panes_merge(struct tr_window_panes *p, struct tr_slice *target, struct tr_slice *source)
{
	struct tr_window_op *w = p->w;
	uint32_t slots[PIECE], fresh[PIECE], cursor = 0, n;
	char *from[PIECE], *to[PIECE];

	if (!target->is_dense && tr_window_panes_should_be_dense(p, (uint64_t)target->count + source->count))
		make_dense(p, target);
	while ((n = tr_slice_scan(&w->pool, source, &cursor, PIECE, slots, from)) > 0) {
		uint32_t fresh_count = 0;

		tr_window_panes_resolve(p, target, slots, n, to);
		for (uint32_t i = 0; i < n; i++) {
			fresh[fresh_count] = slots[i];
			fresh_count += *tr_agg_entry_rows(to[i]) == 0;
		}
		tr_slice_touch(target, fresh, fresh_count);
		tr_agg_layout_merge(&w->layout, to, from, n);
	}
}

/* -- letting go -- */

void tr_window_panes_empty(struct tr_window_panes *p, struct tr_slice *slice)
{
	tr_window_panes_drain(p, slice);
	slice->id = ++p->w->save.last_id;
	release_entries(p, slice);
	tr_slice_clear(&p->w->pool, slice);
}

void tr_window_panes_retire(struct tr_window_panes *p, struct tr_slice *slice)
{
	if (slice->touched == NULL)
		tr_slice_keep_slots(&p->w->pool, slice);
	tr_window_panes_empty(p, slice);
	slice->is_retired = true;
}

void tr_window_panes_drop(struct tr_window_panes *p, uint32_t at)
{
	struct tr_window_op *w = p->w;
	struct tr_slice *slice = p->live[at];

	tr_window_panes_drain(p, slice);
	p->expects_dense = (uint64_t)(slice->touched != NULL ? slice->touched_count : slice->count) * 8 >=
			   tr_key_table_slot_limit(w->keys);
	if (p->live_count == 1 && p->expects_dense) { /* no slice is left: no key is */
		if (p->refs != NULL)
			memset(p->refs, 0, p->ref_capacity * sizeof(*p->refs));
		tr_key_table_clear(w->keys);
	} else if (slice->touched != NULL) {
		unref(p, slice->touched, slice->touched_count);
	} else {
		uint32_t slots[PIECE], cursor = 0, n;
		char *entries[PIECE];

		while ((n = tr_slice_scan(&w->pool, slice, &cursor, PIECE, slots, entries)) > 0)
			unref(p, slots, n);
	}
	tr_window_panes_release(p, slice);
	p->spare[p->spare_count++] = slice;
	p->live_count--;
	memmove(p->live + at, p->live + at + 1, (p->live_count - at) * sizeof(*p->live));
}
