/* SPDX-License-Identifier: Apache-2.0
 *
 * The window rank operator beyond the memory limit; see rank_inner.h.
 *
 *     rows ──▶ groups ──a third of the limit──▶ freeze: all of them, sorted by the hashes of their keys, as runs in a file (state/spill.h)
 *     window fires ──▶ its rows of some hashes, from its runs, join the groups of these ──▶ results ──▶ the next hashes
 *
 * A row that may be among the first may be so whatever is left out beside it; so nothing is looked up on disk: what is frozen is
 * forgotten, and a key that comes again begins a new group. A bucket has a run for each time that it was frozen. Its rows come back a
 * part of the hashes at a time, as many as a sixth of the limit has room for, go the way of rows that have just come, and with
 * that only the first ones of each key remain. The first rows of one key have to fit in memory.
 *
 * Checkpoints. Records of runs are those of checkpoints. A run is written as a whole to the first checkpoint after it was frozen, copied
 * from the file in steps, and again when that was given up or is asked for because of its age; until then it is kept, even if its
 * window fires. Nothing is frozen while a snapshot has rows in memory to write: who wants to waits for that.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "core/ops/rank_inner.h"
#include "state/spill.h"

#define BUFFER_BYTES_MIN ((size_t)64 << 10)
#define BUFFER_BYTES_MAX ((size_t)4 << 20)
#define LIMIT_SHARE_BUFFER 32 /* of the limit */
#define LIMIT_SHARE_ROWS 3
#define LIMIT_SHARE_PART 6
#define PART_BYTES_MAX ((uint64_t)32 << 20)
#define RUN_RECORDS_MIN 16
#define RECORD_ROWS_MIN 128u

struct tr_rank_run {
	struct tr_rank_run *next; /* of the same bucket */
	int64_t part;
	struct tr_spill_run *records;
	uint64_t rows;
	uint64_t written; /* the age from which on a checkpoint has all of it; 0: none */
	bool is_old;      /* due only because of its age */
	uint32_t refs;    /* the bucket, and a snapshot that has yet to write it */
};

struct tr_rank_spill {
	const char *path;
	struct tr_spill *file; /* NULL: nothing has left memory yet */
	size_t limit;
	size_t buffer_bytes;
	uint32_t run_count; /* that buckets have */
	/* Slots of one bucket by the hashes of their keys: of the one that is frozen, or fires. */
	struct tr_batch_buffer *keys; /* scratch */
	uint32_t *order;
	uint8_t *hashes;
	uint32_t order_capacity;
	uint32_t starts[TR_SPILL_BUCKETS + 1];
	/* Freezing. */
	bool is_freezing;
	uint32_t bucket, at, ref; /* where it is: in the buckets, the order, the group */
	uint32_t piece;           /* rows of a record */
	struct tr_rank_run *run;
	/* Firing. */
	bool is_firing;
	bool is_ready;         /* the groups in the bucket are complete */
	uint32_t first, count; /* the hashes */
	struct tr_spill_reader reader;
	/* A snapshot. */
	uint64_t checkpoint;
	uint64_t rewritten;
	struct tr_rank_run **due;
	uint32_t due_count, due_capacity;
	struct tr_spill_reader copier;
};

static enum tr_flow fail(struct tr_rank_op *r, const struct tr_status *st)
{
	r->op.context->status = *st;
	return TR_FLOW_FAILED;
}

void tr_rank_spill_create(struct tr_rank_op *r)
{
	const size_t limit = r->op.context->memory_limit;
	struct tr_rank_spill *spill;

	if (limit == 0)
		return;
	spill = r->spill = tr_checked(calloc(1, sizeof(*spill)));
	spill->path = r->op.context->scratch_path;
	spill->limit = limit;
	spill->buffer_bytes = TR_MIN(TR_MAX(limit / LIMIT_SHARE_BUFFER, BUFFER_BYTES_MIN), BUFFER_BYTES_MAX);
}

static void tell_size(struct tr_rank_op *r) { r->op.metrics.spilled_bytes = r->spill->file->live_bytes; }

static void run_unref(struct tr_rank_spill *spill, struct tr_rank_run *run)
{
	if (--run->refs > 0)
		return;
	tr_spill_drop(spill->file, &run->records);
	free(run);
}

static void forget_runs(struct tr_rank_spill *spill, struct tr_rank_bucket *bucket)
{
	while (bucket->runs != NULL) {
		struct tr_rank_run *run = bucket->runs;

		bucket->runs = run->next;
		spill->run_count--;
		run_unref(spill, run);
	}
}

static void forget_due(struct tr_rank_spill *spill)
{
	tr_spill_reader_clear(&spill->copier);
	while (spill->due_count > 0)
		run_unref(spill, spill->due[--spill->due_count]);
}

void tr_rank_spill_destroy(struct tr_rank_op *r)
{
	struct tr_rank_spill *spill = r->spill;

	if (spill == NULL)
		return;
	tr_spill_reader_deinit(&spill->reader);
	forget_due(spill);
	tr_spill_reader_deinit(&spill->copier);
	for (uint32_t i = 0; i < r->bucket_count; i++)
		forget_runs(spill, r->buckets[i]);
	if (spill->run != NULL)
		run_unref(spill, spill->run);
	tr_spill_close(&spill->file);
	tr_batch_buffer_destroy(&spill->keys);
	free(spill->order);
	free(spill->hashes);
	free(spill->due);
	free(spill);
	r->spill = NULL;
}

static size_t memory_used(const struct tr_rank_op *r)
{
	return r->rows.bytes + tr_key_table_bytes(r->keys) + r->group_capacity * sizeof(*r->groups) + r->list_bytes +
	       r->bucket_count * sizeof(**r->buckets) + (r->spill->file != NULL ? r->spill->file->index_bytes : 0);
}

bool tr_rank_spill_is_over(const struct tr_rank_op *r)
{
	return r->spill != NULL && r->rows.live > 0 &&
	       memory_used(r) + tr_key_table_growth(r->keys, r->op.context->batch_rows) >
		       r->spill->limit / LIMIT_SHARE_ROWS;
}

/* ---- slots by the hashes of their keys ---- */

static void find_hashes(struct tr_rank_op *r, const uint32_t *slots, uint32_t count, uint8_t *hashes)
{
	struct tr_batch_buffer *keys = r->spill->keys;
	struct tr_batch batch;

	tr_batch_buffer_clear(keys);
	tr_key_table_gather(r->keys, slots, count, keys->columns, 0, &keys->heap);
	tr_batch_buffer_seal(keys, count);
	batch = keys->batch;
	for (uint32_t k = 0; k < r->plan->key_count; k++)
		r->permuted[r->plan->keys[k]] = batch.columns[k];
	batch.columns = r->permuted;
	tr_rank_hash(r, &batch);
	for (uint32_t i = 0; i < count; i++)
		hashes[i] = tr_spill_bucket(r->hashes[i]);
}

static struct tr_batch_buffer *keys_create(struct tr_rank_op *r)
{
	const uint32_t count = r->plan->key_count;
	const struct tr_schema *input = r->plan->input;
	struct tr_schema *schema = TR_NEW(&r->arena, struct tr_schema);
	const struct tr_type **types = TR_NEW_ARRAY(&r->arena, count, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(&r->arena, count, const char *);

	for (uint32_t k = 0; k < count; k++) {
		types[k] = input->types[r->plan->keys[k]];
		names[k] = input->names[r->plan->keys[k]];
	}
	*schema = (struct tr_schema){.column_count = count, .names = names, .types = types};
	return tr_batch_buffer_create(schema, TR_RANK_CHUNK_ROWS);
}

static void sort_slots(struct tr_rank_op *r, const struct tr_rank_bucket *bucket)
{
	struct tr_rank_spill *spill = r->spill;
	uint32_t ends[TR_SPILL_BUCKETS] = {0};

	if (bucket->count > spill->order_capacity) {
		spill->order_capacity = bucket->count;
		spill->order = tr_checked(realloc(spill->order, bucket->count * sizeof(*spill->order)));
		spill->hashes = tr_checked(realloc(spill->hashes, bucket->count));
	}
	if (spill->keys == NULL)
		spill->keys = keys_create(r);
	for (uint32_t at = 0; at < bucket->count; at += TR_RANK_CHUNK_ROWS)
		find_hashes(r, bucket->slots + at, TR_MIN(bucket->count - at, TR_RANK_CHUNK_ROWS), spill->hashes + at);
	for (uint32_t i = 0; i < bucket->count; i++)
		ends[spill->hashes[i]]++;
	spill->starts[0] = 0;
	for (uint32_t h = 0; h < TR_SPILL_BUCKETS; h++) {
		spill->starts[h + 1] = spill->starts[h] + ends[h];
		ends[h] = spill->starts[h];
	}
	for (uint32_t i = 0; i < bucket->count; i++)
		spill->order[ends[spill->hashes[i]]++] = bucket->slots[i];
}

static uint32_t hash_at(const struct tr_rank_spill *spill, uint32_t at, uint32_t from)
{
	while (spill->starts[from + 1] <= at)
		from++;
	return from;
}

/* ---- freezing ---- */

static void begin_run(struct tr_rank_op *r, const struct tr_rank_bucket *bucket)
{
	struct tr_rank_spill *spill = r->spill;

	sort_slots(r, bucket);
	spill->at = spill->ref = 0;
	spill->run = tr_checked(calloc(1, sizeof(*spill->run)));
	spill->run->part = ++r->rows.last_part;
	spill->run->refs = 1;
	spill->run->records = tr_spill_run_begin(spill->file);
	spill->piece = TR_MIN(TR_MAX(bucket->count / RUN_RECORDS_MIN, RECORD_ROWS_MIN), TR_RANK_CHUNK_ROWS);
}

/* Writes a record of the next rows. */
static void put_piece(struct tr_rank_op *r)
{
	struct tr_rank_spill *spill = r->spill;
	const uint32_t total = spill->starts[TR_SPILL_BUCKETS], keys = r->plan->key_count;
	const uint32_t first = hash_at(spill, spill->at, 0);
	uint32_t count = 0, last = spill->at;
	size_t bytes = 0;

	tr_batch_buffer_clear(r->image);
	while (spill->at < total && count < spill->piece && bytes < TR_STATE_RECORD_BYTES) {
		struct tr_rank_group *group = &r->groups[spill->order[spill->at]];
		const uint32_t ref = tr_rank_refs(group)[spill->ref], row = ref % TR_RANK_CHUNK_ROWS;
		const struct tr_rank_chunk *chunk = r->rows.chunks[ref / TR_RANK_CHUNK_ROWS];

		tr_rank_image_add(r, count, chunk, &row, 1);
		((int64_t *)r->image->columns[keys].data)[count] = spill->run->part;
		((int64_t *)r->image->columns[keys + 1].data)[count++] = (int64_t)spill->run->rows++;
		bytes += tr_rank_rows_bytes(&r->rows, chunk, row);
		last = spill->at;
		if (++spill->ref == group->count) {
			spill->ref = 0;
			spill->at++;
		}
	}
	tr_rank_image_write(r, count);
	tr_spill_put(spill->file, spill->run->records, TR_RANK_KIND_ROWS, r->bytes.data, r->bytes.length,
		     (uint8_t)first, (uint8_t)hash_at(spill, last, first));
}

static void end_run(struct tr_rank_op *r, struct tr_rank_bucket *bucket)
{
	struct tr_rank_spill *spill = r->spill;

	tr_spill_run_end(spill->file, spill->run->records);
	spill->run->next = bucket->runs;
	bucket->runs = spill->run;
	spill->run = NULL;
	spill->run_count++;
}

static tr_code open_file(struct tr_rank_op *r, struct tr_status *st)
{
	const struct tr_op_context *context = r->op.context;

	if (r->spill->file != NULL)
		return TR_OK;
	return tr_spill_open(context->disk, context->io, r->spill->path, r->spill->buffer_bytes, &r->spill->file, st);
}

enum tr_flow tr_rank_spill_freeze(struct tr_rank_op *r)
{
	struct tr_rank_spill *spill = r->spill;
	struct tr_status st = {0};

	if (!spill->is_freezing) {
		if (r->rows.is_saving)
			return TR_FLOW_BLOCKED; /* until the snapshot has written them */
		if (open_file(r, &st) != TR_OK)
			return fail(r, &st);
		spill->is_freezing = true;
		spill->bucket = 0;
	}
	for (; spill->bucket < r->bucket_count; spill->bucket++) {
		struct tr_rank_bucket *bucket = r->buckets[spill->bucket];

		if (bucket->count == 0)
			continue;
		if (spill->run == NULL)
			begin_run(r, bucket);
		while (spill->at < spill->starts[TR_SPILL_BUCKETS]) {
			const enum tr_flow flow = tr_spill_poll(spill->file);

			if (flow == TR_FLOW_FAILED)
				return fail(r, &spill->file->status);
			if (flow == TR_FLOW_BLOCKED)
				return flow;
			put_piece(r);
		}
		end_run(r, bucket);
	}
	spill->is_freezing = false;
	tr_rank_forget(r);
	tell_size(r);
	return TR_FLOW_MORE;
}

tr_code tr_rank_spill_freeze_loaded(struct tr_rank_op *r, struct tr_status *st)
{
	for (;;) {
		switch (tr_rank_spill_freeze(r)) {
		case TR_FLOW_BLOCKED: TR_TRY(tr_spill_wait(r->spill->file, st)); break;
		case TR_FLOW_FAILED: *st = r->op.context->status; return st->code;
		default: return TR_OK;
		}
	}
}

/* ---- firing ---- */

bool tr_rank_spill_is_due(const struct tr_rank_op *r, const struct tr_rank_bucket *bucket)
{
	return bucket->runs != NULL && (!r->spill->is_ready || r->fire_slot == bucket->count);
}

static void begin_part(struct tr_rank_op *r, struct tr_rank_bucket *bucket)
{
	struct tr_rank_spill *spill = r->spill;
	const uint32_t end = spill->first + spill->count;

	bucket->count = r->fire_slot = 0;
	for (uint32_t at = spill->starts[spill->first]; at < spill->starts[end]; at++)
		tr_rank_bucket_add(r, bucket, spill->order[at]);
	for (struct tr_rank_run *run = bucket->runs; run != NULL; run = run->next)
		tr_spill_reader_add(&spill->reader, spill->file, run->records, (uint8_t)spill->first,
				    (uint8_t)(end - 1), 0);
	spill->is_ready = false;
}

static void begin_firing(struct tr_rank_op *r, struct tr_rank_bucket *bucket)
{
	struct tr_rank_spill *spill = r->spill;
	const uint64_t room = TR_MIN(spill->limit / LIMIT_SHARE_PART, PART_BYTES_MAX);
	uint64_t bytes = 0, parts;

	sort_slots(r, bucket);
	for (struct tr_rank_run *run = bucket->runs; run != NULL; run = run->next)
		bytes += 2 * run->records->bytes;
	parts = TR_MIN(bytes / TR_MAX(room, 1) + 1, TR_SPILL_BUCKETS);
	spill->is_firing = true;
	spill->first = 0;
	spill->count = (uint32_t)(TR_SPILL_BUCKETS / parts);
	begin_part(r, bucket);
}

/* Takes the rows of a record that are in the part. */
static tr_code take(struct tr_rank_op *r, struct tr_rank_bucket *bucket, const struct tr_spill_item *item,
		    struct tr_status *st)
{
	const struct tr_rank_spill *spill = r->spill;
	const struct tr_column *places;
	struct tr_batch rows;
	uint32_t count = 0;

	TR_TRY(tr_rank_rows_of(r, &item->record, &rows, &places, st));
	tr_rank_hash(r, &rows);
	for (uint32_t i = 0; i < rows.row_count; i++)
		if (tr_spill_bucket(r->hashes[i]) - spill->first < spill->count)
			r->kept[count++] = i;
	if (count > 0)
		tr_rank_take_rows(r, &rows, r->kept, count, bucket);
	return TR_OK;
}

enum tr_flow tr_rank_spill_next(struct tr_rank_op *r, struct tr_rank_bucket *bucket)
{
	struct tr_rank_spill *spill = r->spill;

	if (!spill->is_firing) {
		begin_firing(r, bucket);
	} else if (spill->is_ready) {
		spill->first += spill->count;
		tr_spill_reader_clear(&spill->reader);
		if (spill->first == TR_SPILL_BUCKETS) {
			spill->is_firing = spill->is_ready = false;
			forget_runs(spill, bucket);
			tell_size(r);
			return TR_FLOW_DONE;
		}
		spill->count = TR_MIN(spill->count, TR_SPILL_BUCKETS - spill->first);
		begin_part(r, bucket);
	}
	for (;;) {
		struct tr_spill_item item;
		const enum tr_flow flow = tr_spill_reader_next(&spill->reader, &item, &r->op.context->status);

		if (flow == TR_FLOW_DONE) {
			spill->is_ready = true;
			return TR_FLOW_MORE;
		}
		if (flow != TR_FLOW_MORE)
			return flow;
		if (take(r, bucket, &item, &r->op.context->status) != TR_OK)
			return TR_FLOW_FAILED;
	}
}

/* ---- saving ---- */

uint32_t tr_rank_spill_run_count(const struct tr_rank_op *r) { return r->spill != NULL ? r->spill->run_count : 0; }

static void add_due(struct tr_rank_spill *spill, struct tr_rank_run *run)
{
	if (spill->due_count == spill->due_capacity) {
		spill->due_capacity = TR_MAX(spill->due_capacity * 2, 16u);
		spill->due = tr_checked(realloc(spill->due, spill->due_capacity * sizeof(*spill->due)));
	}
	tr_spill_reader_add(&spill->copier, spill->file, run->records, 0, TR_SPILL_BUCKETS - 1, spill->due_count);
	spill->due[spill->due_count++] = run;
	run->refs++;
}

static void list_run(struct tr_rank_spill *spill, const struct tr_snapshot_order *order, struct tr_rank_run *run,
		     uint64_t *base)
{
	/* What was written for a checkpoint that was given up is not there. */
	const bool is_there = run->written != 0 && tr_state_age_checkpoint(run->written) <= order->completed;

	if (is_there && run->written >= order->rewrite_before) {
		*base = TR_MIN(*base, run->written);
		return;
	}
	run->is_old = is_there;
	run->written = 0;
	add_due(spill, run);
}

void tr_rank_spill_flip(struct tr_rank_op *r, const struct tr_snapshot_order *order, int64_t *parts, uint64_t *base)
{
	struct tr_rank_spill *spill = r->spill;
	uint32_t count = 0;

	if (spill == NULL)
		return;
	forget_due(spill);
	spill->checkpoint = order->checkpoint;
	spill->rewritten = 0;
	for (uint32_t i = 0; i < r->bucket_count; i++) {
		for (struct tr_rank_run *run = r->buckets[i]->runs; run != NULL; run = run->next) {
			list_run(spill, order, run, base);
			parts[count++] = run->part;
		}
	}
	TR_ASSERT(count == spill->run_count);
}

enum tr_flow tr_rank_spill_copy(struct tr_rank_op *r, struct tr_state_writer *writer, size_t budget,
				struct tr_status *st)
{
	struct tr_rank_spill *spill = r->spill;

	if (spill == NULL || spill->due_count == 0)
		return TR_FLOW_DONE;
	while (budget > 0) {
		struct tr_spill_item item;
		struct tr_rank_run *run;
		const enum tr_flow flow = tr_spill_reader_next(&spill->copier, &item, st);

		if (flow == TR_FLOW_DONE)
			forget_due(spill);
		if (flow != TR_FLOW_MORE)
			return flow;
		run = spill->due[item.tag];
		if (run->written == 0)
			run->written = writer->age;
		if (run->is_old)
			spill->rewritten += item.record.length;
		writer->rewritten = r->rows.rewritten + spill->rewritten;
		if (writer->put(writer, &item.record, st) != TR_OK)
			return TR_FLOW_FAILED;
		budget -= TR_MIN(budget, item.record.length);
	}
	return TR_FLOW_MORE;
}
