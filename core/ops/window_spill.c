/* SPDX-License-Identifier: Apache-2.0
 *
 * Freezing of live slices, and their runs in checkpoints; see window_spill.h.
 *
 * Freezing sorts the slots of a slice by the buckets of their keys' hashes: two passes over the slice, one that hashes and counts,
 * one that places. Records are as long as those of checkpoints, but shorter in small runs, so that a few buckets of a run
 * are not all of it.
 */
#include "core/ops/window_spill.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

#define BUFFER_BYTES_MIN ((size_t)64 << 10)
#define BUFFER_BYTES_MAX ((size_t)4 << 20)
#define LIMIT_SHARE_BUFFER 32 /* of the limit */
#define LIMIT_SHARE_ASIDE 8
#define RUN_RECORDS_MIN 16
#define RECORD_ROWS_MIN 128
#define DISTINCT_PIECE 16 /* the first of a run, with DISTINCT */

static enum tr_flow fail(struct tr_window_panes *p, const struct tr_status *st)
{
	p->w->op.context->status = *st;
	return TR_FLOW_FAILED;
}

/** The writer that freezing gives to window_state.c. */
static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_spill *spill = (struct tr_window_spill *)writer;

	if (record->length > TR_STATE_RECORD_BYTES_MAX)
		TR_FAIL(st, TR_ERR_DATA, "window: a record of state has %zu bytes", record->length);
	tr_spill_put(spill->file, spill->run, record->kind, record->bytes, record->length, spill->first, spill->last);
	return TR_OK;
}

void tr_window_spill_create(struct tr_window_panes *p)
{
	const size_t limit = p->w->op.context->memory_limit;
	struct tr_window_spill *spill;

	if (limit == 0)
		return;
	spill = p->spill = tr_checked(calloc(1, sizeof(*spill)));
	spill->writer.put = put;
	spill->path = p->w->op.context->scratch_path;
	spill->limit = limit - limit / LIMIT_SHARE_ASIDE;
	spill->buffer_bytes = TR_MIN(TR_MAX(limit / LIMIT_SHARE_BUFFER, BUFFER_BYTES_MIN), BUFFER_BYTES_MAX);
	p->w->pool.bytes_max = limit / LIMIT_SHARE_BUFFER;
	tr_slice_init(&spill->result, false);
	tr_slice_init(&spill->part, false);
}

/* -- runs -- */

static void run_unref(struct tr_window_spill *spill, struct tr_window_run *run)
{
	if (--run->refs > 0)
		return;
	for (uint32_t i = 0; i < run->part_count; i++)
		tr_spill_drop(spill->file, &run->parts[i]);
	free(run->parts);
	free(run);
}

static void tell_size(struct tr_window_panes *p)
{
	p->w->op.metrics.spilled_bytes = p->spill->file != NULL ? p->spill->file->live_bytes : 0;
}

void tr_window_spill_forget(struct tr_window_panes *p, struct tr_slice *slice)
{
	struct tr_window_run *run = slice->runs;

	if (run == NULL)
		return;
	slice->runs = NULL;
	while (run != NULL) {
		struct tr_window_run *next = run->next;

		p->spill->run_count--;
		run_unref(p->spill, run);
		run = next;
	}
	tell_size(p);
}

void tr_window_spill_move(struct tr_slice *target, struct tr_slice *source)
{
	struct tr_window_run *last = source->runs;

	if (last == NULL)
		return;
	while (last->next != NULL)
		last = last->next;
	last->next = target->runs;
	target->runs = source->runs;
	source->runs = NULL;
}

static void forget_due(struct tr_window_spill *spill)
{
	tr_spill_reader_clear(&spill->copier);
	while (spill->due_count > 0)
		run_unref(spill, spill->due[--spill->due_count]);
}

void tr_window_spill_destroy(struct tr_window_panes *p)
{
	struct tr_window_spill *spill = p->spill;

	if (spill == NULL)
		return;
	tr_window_panes_release(p, &spill->result);
	tr_window_panes_release(p, &spill->part);
	tr_spill_reader_deinit(&spill->reader);
	forget_due(spill);
	tr_spill_reader_deinit(&spill->copier);
	if (spill->run != NULL)
		tr_spill_drop(spill->file, &spill->run);
	TR_ASSERT(spill->run_count == 0);
	tr_spill_close(&spill->file);
	free(spill->order);
	free(spill->buckets);
	free(spill->sources);
	free(spill->due);
	free(spill);
	p->spill = NULL;
}

/* -- how much memory the state takes -- */

static size_t memory_used(const struct tr_window_panes *p)
{
	const struct tr_window_op *w = p->w;
	size_t bytes = tr_slice_pool_used(&w->pool) + tr_key_table_bytes(w->keys) + p->ref_capacity * sizeof(*p->refs) +
		       w->layout.owned + w->save.records.capacity;

	for (uint32_t i = 0; i < p->live_count; i++)
		bytes += tr_slice_bytes(p->live[i]);
	for (uint32_t i = 0; i < p->loaded_count; i++)
		bytes += p->loaded[i].is_alias ? 0 : tr_slice_bytes(p->loaded[i].slice);
	if (p->running != NULL)
		bytes += tr_slice_bytes(p->running);
	return bytes + tr_slice_bytes(&p->spill->result) + tr_slice_bytes(&p->spill->part) +
	       (p->spill->file != NULL ? p->spill->file->index_bytes : 0);
}

bool tr_window_spill_is_over(const struct tr_window_panes *p, uint32_t rows, size_t more)
{
	const uint64_t slots = (uint64_t)tr_key_table_slot_limit(p->w->keys) + rows;

	more += tr_key_table_growth(p->w->keys, rows);
	if (slots > p->ref_capacity)
		more += TR_MAX(slots - p->ref_capacity, (uint64_t)p->ref_capacity) * sizeof(*p->refs);
	return memory_used(p) + more > p->spill->limit;
}

/* -- freezing -- */

/** Whether a snapshot has yet to write entries of live slices. */
static bool is_pending(const struct tr_window_panes *p)
{
	const struct tr_slice *slice;

	for (uint32_t i = 0; (slice = tr_window_panes_at(p, i)) != NULL; i++)
		if (slice->marks != NULL && !slice->is_retired && !slice->marks->is_quiet)
			return true;
	return false;
}

/** Buckets of the keys of slots. */
static void find_buckets(struct tr_window_op *w, const uint32_t *slots, uint32_t count, uint8_t *buckets)
{
	struct tr_heap *heap;
	struct tr_column_buffer *columns = tr_window_state_image(w, &heap);

	memset(buckets, 0, count);
	if (w->plan->key_count == 0)
		return;
	tr_key_table_gather(w->keys, slots, count, columns, 0, heap);
	for (uint32_t k = 0; k < w->plan->key_count; k++)
		w->state.columns[k] = tr_column_buffer_view(&columns[k]);
	tr_window_state_buckets(w, w->state.columns, count, buckets);
}

/** Sorts the slots of a slice by bucket. */
static void sort(struct tr_window_panes *p, const struct tr_slice *slice)
{
	struct tr_window_spill *spill = p->spill;
	struct tr_window_op *w = p->w;
	const uint32_t piece = tr_window_state_piece(w);
	uint32_t ends[TR_SPILL_BUCKETS] = {0}, cursor = 0, n, at = 0;

	tr_window_op_reserve(w, piece);
	if (slice->count > spill->order_capacity) {
		spill->order_capacity = slice->count;
		free(spill->order);
		free(spill->buckets);
		spill->order = tr_checked(malloc(slice->count * sizeof(*spill->order)));
		spill->buckets = tr_checked(malloc(slice->count));
	}
	for (; (n = tr_slice_scan(&w->pool, slice, &cursor, piece, w->slots, w->entries)) > 0; at += n) {
		TR_ASSERT(at + n <= slice->count);
		find_buckets(w, w->slots, n, spill->buckets + at);
	}
	spill->count = at;
	for (uint32_t i = 0; i < at; i++)
		ends[spill->buckets[i]]++;
	spill->starts[0] = 0;
	for (uint32_t b = 0; b < TR_SPILL_BUCKETS; b++) {
		spill->starts[b + 1] = spill->starts[b] + ends[b];
		ends[b] = spill->starts[b];
	}
	for (at = cursor = 0; (n = tr_slice_scan(&w->pool, slice, &cursor, piece, w->slots, w->entries)) > 0; at += n)
		for (uint32_t i = 0; i < n; i++)
			spill->order[ends[spill->buckets[at + i]]++] = w->slots[i];
}

static void begin_run(struct tr_window_panes *p, const struct tr_slice *slice)
{
	struct tr_window_spill *spill = p->spill;
	const uint32_t rows = TR_MAX(slice->count / RUN_RECORDS_MIN, (uint32_t)RECORD_ROWS_MIN);

	sort(p, slice);
	spill->run = tr_spill_run_begin(spill->file);
	spill->at = 0;
	spill->first = 0;
	spill->piece = p->w->layout.is_mergeable ? TR_MIN(rows, tr_window_state_piece(p->w)) : DISTINCT_PIECE;
}

/** Writes the next entries of the order. */
static tr_code put_piece(struct tr_window_panes *p, struct tr_slice *slice, int64_t id, struct tr_status *st)
{
	struct tr_window_spill *spill = p->spill;
	struct tr_window_op *w = p->w;
	const uint32_t *slots = spill->order + spill->at;
	const uint32_t n = TR_MIN(spill->piece, spill->count - spill->at);
	const uint64_t before = spill->run->bytes;

	while (spill->starts[spill->first + 1] <= spill->at)
		spill->first++;
	for (spill->last = spill->first; spill->starts[spill->last + 1] < spill->at + n;)
		spill->last++;
	tr_slice_resolve(&w->pool, slice, slots, n, w->entries);
	TR_TRY(tr_window_state_put_slots(w, &spill->writer, slots, w->entries, n, &slice->start, &slice->first_end,
					 true, id, st));
	spill->at += n;
	if (!w->layout.is_mergeable) { /* with any number of values behind */
		const uint64_t rows = n * TR_STATE_RECORD_BYTES / TR_MAX(spill->run->bytes - before, 1);

		spill->piece = (uint32_t)TR_MIN(TR_MAX(rows, 1), tr_window_state_piece(w));
	}
	return TR_OK;
}

/** The slice has left memory. `of`: the run that it is a part of; NULL: it is one of its own. */
static void end_run(struct tr_window_panes *p, struct tr_slice *slice, struct tr_window_run *of)
{
	struct tr_window_spill *spill = p->spill;

	if (of == NULL) {
		of = tr_checked(calloc(1, sizeof(*of)));
		of->id = slice->id;
		of->refs = 1;
		of->next = slice->runs;
		slice->runs = of;
		spill->run_count++;
	}
	of->parts = tr_checked(realloc(of->parts, (of->part_count + 1) * sizeof(struct tr_spill_run *)));
	of->parts[of->part_count++] = spill->run;
	of->entries += spill->count;
	tr_spill_run_end(spill->file, spill->run);
	spill->run = NULL;
	tr_window_panes_empty(p, slice);
}

static enum tr_flow freeze_slice(struct tr_window_panes *p, struct tr_slice *slice)
{
	struct tr_window_spill *spill = p->spill;
	struct tr_status st = {0};

	if (spill->run == NULL)
		begin_run(p, slice);
	while (spill->at < spill->count) {
		const enum tr_flow flow = tr_spill_poll(spill->file);

		if (flow == TR_FLOW_FAILED)
			return fail(p, &spill->file->status);
		if (flow == TR_FLOW_BLOCKED)
			return flow;
		if (put_piece(p, slice, slice->id, &st) != TR_OK)
			return fail(p, &st);
	}
	end_run(p, slice, NULL);
	return TR_FLOW_MORE;
}

static tr_code open_file(struct tr_window_panes *p, struct tr_status *st)
{
	const struct tr_op_context *context = p->w->op.context;

	if (p->spill->file != NULL)
		return TR_OK;
	return tr_spill_open(context->disk, context->io, p->spill->path, p->spill->buffer_bytes, &p->spill->file, st);
}

/** Nothing is in memory any more: no key is needed. */
static void forget_keys(struct tr_window_panes *p)
{
	tr_key_table_clear(p->w->keys);
	if (p->refs != NULL)
		memset(p->refs, 0, p->ref_capacity * sizeof(*p->refs));
	for (uint32_t i = 0; i < p->live_count; i++) {
		struct tr_slice *slice = p->live[i];

		slice->is_retired = false;
		free(slice->touched);
		slice->touched = NULL;
		slice->touched_count = 0;
	}
	tell_size(p);
}

static void measure_entries(struct tr_window_panes *p)
{
	uint64_t entries = 0;
	const struct tr_slice *slice;

	for (uint32_t i = 0; (slice = tr_window_panes_at(p, i)) != NULL; i++)
		entries += slice->is_retired ? 0 : slice->count;
	if (entries >= RECORD_ROWS_MIN)
		p->spill->entry_bytes = memory_used(p) / entries;
}

enum tr_flow tr_window_spill_freeze(struct tr_window_panes *p)
{
	struct tr_window_spill *spill = p->spill;
	struct tr_status st = {0};
	struct tr_slice *slice;

	if (!spill->is_freezing) {
		if (tr_key_table_count(p->w->keys) == 0)
			return TR_FLOW_MORE;
		if (is_pending(p))
			return TR_FLOW_BLOCKED; /* until the snapshot has written them */
		if (open_file(p, &st) != TR_OK)
			return fail(p, &st);
		if (p->w->save.is_on)
			tr_window_save_images_end(&p->w->save, p->w);
		measure_entries(p);
		spill->is_freezing = true;
		spill->slice = 0;
	}
	for (; (slice = tr_window_panes_at(p, spill->slice)) != NULL; spill->slice++) {
		enum tr_flow flow;

		if (slice->count == 0 || slice->is_retired)
			continue;
		flow = freeze_slice(p, slice);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	forget_keys(p);
	spill->is_freezing = false;
	return TR_FLOW_MORE;
}

/* -- loading -- */

tr_code tr_window_spill_freeze_loaded(struct tr_window_panes *p, struct tr_status *st)
{
	struct tr_window_spill *spill = p->spill;

	TR_TRY(open_file(p, st));
	for (uint32_t i = 0; i < p->loaded_count; i++) {
		struct tr_slice *slice = p->loaded[i].slice;
		struct tr_window_run *of = slice->runs;

		if (p->loaded[i].is_alias || slice->count == 0)
			continue;
		if (of == NULL)
			slice->id = ++p->w->save.last_id;
		begin_run(p, slice);
		while (spill->at < spill->count) {
			TR_TRY(tr_spill_wait(spill->file, st));
			TR_TRY(put_piece(p, slice, of != NULL ? of->id : slice->id, st));
		}
		end_run(p, slice, of);
	}
	forget_keys(p);
	return TR_OK;
}

/* -- saving -- */

void tr_window_spill_flip(struct tr_window_panes *p, const struct tr_snapshot_order *order)
{
	if (p->spill == NULL)
		return;
	forget_due(p->spill);
	p->spill->checkpoint = order->checkpoint;
	p->spill->rewritten = 0;
}

static void add_due(struct tr_window_spill *spill, struct tr_window_run *run)
{
	if (spill->due_count == spill->due_capacity) {
		spill->due_capacity = TR_MAX(spill->due_capacity * 2, 16u);
		spill->due = tr_checked(realloc(spill->due, spill->due_capacity * sizeof(*spill->due)));
	}
	spill->due[spill->due_count++] = run;
	run->refs++;
	for (uint32_t i = 0; i < run->part_count; i++)
		tr_spill_reader_add(&spill->copier, spill->file, run->parts[i], 0, TR_SPILL_BUCKETS - 1,
				    spill->due_count - 1);
}

uint32_t tr_window_spill_list(struct tr_window_panes *p, const struct tr_snapshot_order *order,
			      const struct tr_slice *slice, struct tr_window_slice_state *list, uint64_t *base)
{
	uint32_t count = 0;

	for (struct tr_window_run *run = slice->runs; run != NULL; run = run->next) {
		/* What was written for a checkpoint that was given up is not there. */
		const bool is_due = run->written == 0 || tr_state_age_checkpoint(run->written) > order->completed ||
				    run->written < order->rewrite_before;

		if (is_due) {
			run->is_old = run->written != 0 && tr_state_age_checkpoint(run->written) <= order->completed;
			run->written = 0;
			add_due(p->spill, run);
		} else {
			*base = TR_MIN(*base, run->written);
		}
		list[count++] = (struct tr_window_slice_state){
			.id = run->id,
			.start = slice->start,
			.first_end = slice->first_end,
			.base = (int64_t)(is_due ? order->checkpoint : tr_state_age_checkpoint(run->written)),
		};
	}
	return count;
}

enum tr_flow tr_window_spill_copy(struct tr_window_panes *p, struct tr_state_writer *writer, size_t *budget,
				  struct tr_status *st)
{
	struct tr_window_spill *spill = p->spill;

	if (spill == NULL || spill->due_count == 0)
		return TR_FLOW_DONE;
	while (*budget > 0) {
		struct tr_spill_item item;
		struct tr_window_run *run;
		const enum tr_flow flow = tr_spill_reader_next(&spill->copier, &item, st);

		if (flow == TR_FLOW_DONE) {
			for (uint32_t i = 0; i < spill->due_count; i++)
				if (spill->due[i]->written == 0) /* had no records */
					spill->due[i]->written = tr_state_age(spill->checkpoint);
			forget_due(spill);
		}
		if (flow != TR_FLOW_MORE)
			return flow;
		run = spill->due[item.tag];
		if (run->written == 0)
			run->written = writer->age;
		if (run->is_old)
			spill->rewritten += item.record.length;
		if (writer->put(writer, &item.record, st) != TR_OK)
			return TR_FLOW_FAILED;
		*budget -= TR_MIN(*budget, item.record.length);
	}
	return TR_FLOW_MORE;
}

tr_code tr_window_spill_copy_all(struct tr_window_panes *p, struct tr_state_writer *writer, struct tr_status *st)
{
	for (;;) {
		size_t budget = SIZE_MAX;

		switch (tr_window_spill_copy(p, writer, &budget, st)) {
		case TR_FLOW_MORE: break;
		case TR_FLOW_BLOCKED: tr_spill_await(p->spill->file); break;
		case TR_FLOW_DONE: return TR_OK;
		case TR_FLOW_FAILED: return st->code;
		}
	}
}
