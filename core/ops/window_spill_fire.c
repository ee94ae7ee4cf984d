/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of windows that have runs; see window_spill.h.
 *
 *     FREEZE ──▶ READ buckets b .. b + n - 1 of all runs of the window into `result` ──▶ OUT: the caller emits it ──▶ READ ..
 *
 * n is chosen by how much memory an entry took when all was frozen last: a part is to take half of the limit, and not more than is
 * read in a moment, since nothing else happens on this worker meanwhile. Should it take more than the limit all the same, it
 * is begun anew with half of the buckets.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_spill.h"

#define PART_BYTES_MAX ((uint64_t)32 << 20)
#define ENTRY_BYTES_DEFAULT 128

void tr_window_spill_fire(struct tr_window_panes *p, int64_t start, int64_t end)
{
	struct tr_window_spill *spill = p->spill;

	TR_ASSERT(spill->fire == TR_SPILL_FIRE_NONE);
	spill->fire = TR_SPILL_FIRE_FREEZE;
	spill->fire_start = start;
	spill->fire_end = end;
}

static uint64_t add_sources(struct tr_window_spill *spill, const struct tr_slice *slice)
{
	uint64_t entries = 0;

	if (slice->start < spill->fire_start || slice->start >= spill->fire_end || slice->first_end > spill->fire_end)
		return 0;
	for (struct tr_window_run *run = slice->runs; run != NULL; run = run->next) {
		if (spill->source_count == spill->source_capacity) {
			spill->source_capacity = TR_MAX(spill->source_capacity * 2, 16u);
			spill->sources =
				tr_checked(realloc(spill->sources, spill->source_capacity * sizeof(*spill->sources)));
		}
		spill->sources[spill->source_count++] = run;
		entries += run->entries;
	}
	return entries;
}

/** All runs of the window, and into how many parts its results are cut. */
static void choose_parts(struct tr_window_panes *p)
{
	struct tr_window_spill *spill = p->spill;
	const uint64_t entry_bytes = spill->entry_bytes > 0 ? spill->entry_bytes : ENTRY_BYTES_DEFAULT;
	const uint64_t part_bytes = TR_MIN(spill->limit / 2, PART_BYTES_MAX);
	uint64_t bytes = 0, parts;

	spill->source_count = 0;
	for (uint32_t i = 0; i < p->live_count; i++)
		bytes += add_sources(spill, p->live[i]) * entry_bytes;
	if (p->running != NULL)
		bytes += add_sources(spill, p->running) * entry_bytes;
	parts = TR_MIN(bytes / TR_MAX(part_bytes, 1) + 1, TR_SPILL_BUCKETS);
	spill->bucket = spill->bucket_count = 0;
	spill->bucket_next_count = (uint32_t)(TR_SPILL_BUCKETS / parts);
}

/** Nothing of the part stays in memory. */
static void let_go(struct tr_window_panes *p)
{
	struct tr_window_spill *spill = p->spill;

	tr_spill_reader_clear(&spill->reader);
	tr_window_panes_empty(p, &spill->result);
	tr_window_panes_empty(p, &spill->part);
	tr_key_table_clear(p->w->keys);
}

static void begin_part(struct tr_window_panes *p)
{
	struct tr_window_spill *spill = p->spill;
	const uint32_t last = spill->bucket + spill->bucket_count - 1;

	for (uint32_t i = 0; i < spill->source_count; i++)
		for (uint32_t r = 0; r < spill->sources[i]->part_count; r++)
			tr_spill_reader_add(&spill->reader, spill->file, spill->sources[i]->parts[r],
					    (uint8_t)spill->bucket, (uint8_t)last, i);
	spill->source = 0;
}

/** Adds partials to the result. */
static void add_rows(struct tr_window_panes *p, const struct tr_window_rows *rows)
{
	struct tr_slice *result = &p->spill->result;
	struct tr_window_op *w = p->w;
	uint32_t fresh = 0;

	tr_window_state_map_keys(w, rows);
	tr_slice_resolve(&w->pool, result, w->slots, rows->count, w->entries);
	for (uint32_t i = 0; i < rows->count; i++) {
		int64_t *held = tr_agg_entry_rows(w->entries[i]);

		w->touched_slots[fresh] = w->slots[i];
		fresh += *held == 0;
		*held += rows->counts[tr_agg_row(rows->rows, i)];
	}
	tr_slice_touch(result, w->touched_slots, fresh);
	tr_agg_layout_read(&w->layout, w->entries, rows->batch->columns + w->plan->key_count, rows->rows, rows->count);
	if (!result->is_dense && tr_window_panes_should_be_dense(p, result->count))
		tr_slice_densify(&w->pool, result);
}

/** The run in `part` is complete. */
static void end_source(struct tr_window_panes *p)
{
	if (p->spill->part.count == 0)
		return;
	tr_window_panes_merge(p, &p->spill->result, &p->spill->part);
	tr_window_panes_empty(p, &p->spill->part);
}

static tr_code take(struct tr_window_panes *p, const struct tr_spill_item *item, struct tr_status *st)
{
	struct tr_window_spill *spill = p->spill;
	struct tr_window_op *w = p->w;
	struct tr_window_rows rows;

	if (item->tag != spill->source)
		end_source(p);
	spill->source = item->tag;
	TR_TRY(tr_window_state_read(w, &item->record, &rows, st));
	if (item->first < spill->bucket || item->last >= spill->bucket + spill->bucket_count)
		tr_window_state_keep_buckets(w, &rows, spill->bucket, spill->bucket_count);
	if (rows.count == 0)
		return TR_OK;
	if (!w->layout.is_mergeable || spill->sources[item->tag]->part_count > 1)
		return tr_window_panes_read(p, &spill->part, item->record.kind, &rows, st);
	add_rows(p, &rows);
	return TR_OK;
}

/** Fills the result. */
static enum tr_flow read_part(struct tr_window_panes *p)
{
	struct tr_window_spill *spill = p->spill;
	struct tr_status *st = &p->w->op.context->status;

	for (;;) {
		struct tr_spill_item item;
		const enum tr_flow flow = tr_spill_reader_next(&spill->reader, &item, st);

		if (flow == TR_FLOW_DONE)
			end_source(p);
		if (flow != TR_FLOW_MORE)
			return flow;
		if (take(p, &item, st) != TR_OK)
			return TR_FLOW_FAILED;
		if (spill->bucket_count > 1 && tr_window_spill_is_over(p, 0, 0)) {
			spill->bucket_count = spill->bucket_next_count = spill->bucket_count / 2;
			let_go(p);
			begin_part(p);
		}
	}
}

enum tr_flow tr_window_spill_next(struct tr_window_panes *p, struct tr_slice **result)
{
	struct tr_window_spill *spill = p->spill;
	enum tr_flow flow;

	*result = &spill->result;
	if (spill->fire == TR_SPILL_FIRE_FREEZE) {
		flow = tr_window_spill_freeze(p);
		if (flow != TR_FLOW_MORE)
			return flow;
		choose_parts(p);
		spill->fire = TR_SPILL_FIRE_OUT;
	}
	for (;;) {
		if (spill->fire == TR_SPILL_FIRE_READ) {
			flow = read_part(p);
			if (flow != TR_FLOW_DONE)
				return flow;
			spill->fire = TR_SPILL_FIRE_OUT;
			if (spill->result.count > 0)
				return TR_FLOW_MORE;
		}
		let_go(p);
		spill->bucket += spill->bucket_count;
		if (spill->bucket == TR_SPILL_BUCKETS || spill->source_count == 0) {
			spill->fire = TR_SPILL_FIRE_NONE;
			return TR_FLOW_DONE;
		}
		spill->bucket_count = TR_MIN(spill->bucket_next_count, TR_SPILL_BUCKETS - spill->bucket);
		begin_part(p);
		spill->fire = TR_SPILL_FIRE_READ;
	}
}
