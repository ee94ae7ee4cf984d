/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_window_rank.h.
 *
 * Keys have slots (state/key_table.h), a slot has a group: the names of its rows (rank_rows.h), as a heap with the last one
 * on top, so that a row that is no better costs one comparison. Groups whose windows end together are in one bucket, and
 * buckets are ordered by their ends.
 */
#include "core/ops/op_window_rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/hash.h"
#include "base/type.h"
#include "core/ops/rank_rows.h"
#include "core/ops/window_assign.h"
#include "state/key_group.h"
#include "state/key_table.h"
#include "state/rows.h"

#define KIND_OPERATOR 1
#define KIND_ROWS 2

/* The rows of a key. Zeros: none. */
struct group {
	union {
		uint32_t one;   /* capacity 0 */
		uint32_t *many; /* capacity > 0: a heap */
	};
	uint32_t count;
	uint32_t capacity;
};

/* The keys whose windows have this end. */
struct bucket {
	int64_t end; /* local */
	uint32_t *slots;
	uint32_t count;
	uint32_t capacity;
};

enum after { AFTER_NOTHING, AFTER_WATERMARK, AFTER_END };

struct rank_op {
	struct tr_op op;
	const struct tr_window_rank_plan *plan;
	struct tr_window_clock clock;
	struct tr_window_assign assign;
	struct tr_rank_rows rows;
	struct tr_order_key *order; /* the plan's, then the columns that decide between equal rows */
	uint32_t order_count;
	struct tr_key_table *keys;
	struct group *groups; /* by slot */
	uint32_t group_capacity;
	struct bucket **buckets; /* by end */
	uint32_t bucket_count;
	uint32_t bucket_capacity;
	struct tr_batch_buffer *out;
	int64_t watermark_ms;
	int64_t forwarded_ms;
	enum after after;
	uint32_t fire_slot; /* position in the first bucket */
	uint32_t fire_rank; /* rows of its group that are done */
	bool is_sorted;     /* the group is */
	const struct tr_column **key_columns;
	uint32_t *slots; /* by position in a batch */
	uint32_t slot_capacity;
	/* Saving and loading: */
	struct tr_arena arena;
	struct tr_state_kind kinds[2];
	uint32_t *columns;             /* input column of each of a record's */
	struct tr_column *permuted;    /* the record's columns in the input's order; and the other way round */
	struct tr_batch_buffer *image; /* of a record */
	struct tr_rows read[2];
	struct tr_bytes bytes;
	uint32_t *kept;
	uint64_t *hashes;
	uint32_t kept_capacity;
	int64_t loaded_watermark_ms, loaded_forwarded_ms;
	bool has_loaded;
};

/* ---- groups ---- */

static int compare(const struct rank_op *r, uint32_t a, uint32_t b)
{
	const struct tr_column *left, *right;
	const uint32_t left_row = tr_rank_rows_at(&r->rows, a, &left);
	const uint32_t right_row = tr_rank_rows_at(&r->rows, b, &right);

	return tr_row_order_compare(r->order, r->order_count, left, left_row, right, right_row);
}

static uint32_t *refs_of(struct group *group) { return group->capacity > 0 ? group->many : &group->one; }

/* The last in order is to be on top: refs[at] sinks. */
static void sift_down(const struct rank_op *r, uint32_t *refs, uint32_t count, uint32_t at)
{
	const uint32_t moving = refs[at];

	for (;;) {
		uint32_t child = at * 2 + 1;

		if (child >= count)
			break;
		if (child + 1 < count && compare(r, refs[child + 1], refs[child]) > 0)
			child++;
		if (compare(r, refs[child], moving) <= 0)
			break;
		refs[at] = refs[child];
		at = child;
	}
	refs[at] = moving;
}

static void push(const struct rank_op *r, struct group *group, uint32_t ref)
{
	uint32_t at = group->count++;
	uint32_t *refs;

	if (at == 0) {
		*refs_of(group) = ref;
		return;
	}
	if (at >= TR_MAX(group->capacity, 1)) {
		const uint32_t capacity = TR_MAX(4, group->capacity * 2);
		uint32_t *grown = realloc(group->capacity > 0 ? group->many : NULL, capacity * sizeof(*grown));

		TR_ASSERT(grown != NULL);
		if (group->capacity == 0)
			grown[0] = group->one;
		group->many = grown;
		group->capacity = capacity;
	}
	refs = group->many;
	while (at > 0 && compare(r, ref, refs[(at - 1) / 2]) > 0) {
		refs[at] = refs[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	refs[at] = ref;
}

/* Turns the heap into the order. */
static void sort(const struct rank_op *r, struct group *group)
{
	uint32_t *refs = refs_of(group);

	for (uint32_t count = group->count; count > 1;) {
		const uint32_t last = refs[--count];

		refs[count] = refs[0];
		refs[0] = last;
		sift_down(r, refs, count, 0);
	}
}

/* Whether row `row` of the batch comes before `ref`. */
static bool is_before(const struct rank_op *r, const struct tr_batch *batch, uint32_t row, uint32_t ref)
{
	const struct tr_column *columns;
	const uint32_t other = tr_rank_rows_at(&r->rows, ref, &columns);

	return tr_row_order_compare(r->order, r->order_count, batch->columns, row, columns, other) < 0;
}

/* ---- buckets ---- */

/* The bucket of this end; made if need be. */
static struct bucket *bucket_of(struct rank_op *r, int64_t end)
{
	uint32_t low = 0, high = r->bucket_count;
	struct bucket *made;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (r->buckets[middle]->end == end)
			return r->buckets[middle];
		if (r->buckets[middle]->end < end)
			low = middle + 1;
		else
			high = middle;
	}
	if (r->bucket_count == r->bucket_capacity) {
		r->bucket_capacity = TR_MAX(16, r->bucket_capacity * 2);
		r->buckets = realloc(r->buckets, r->bucket_capacity * sizeof(struct bucket *));
		TR_ASSERT(r->buckets != NULL);
	}
	made = calloc(1, sizeof(*made));
	TR_ASSERT(made != NULL);
	made->end = end;
	memmove(r->buckets + low + 1, r->buckets + low, (r->bucket_count - low) * sizeof(struct bucket *));
	r->buckets[low] = made;
	r->bucket_count++;
	return made;
}

static void bucket_add(struct bucket *bucket, uint32_t slot)
{
	if (bucket->count == bucket->capacity) {
		bucket->capacity = TR_MAX(16, bucket->capacity * 2);
		bucket->slots = realloc(bucket->slots, bucket->capacity * sizeof(*bucket->slots));
		TR_ASSERT(bucket->slots != NULL);
	}
	bucket->slots[bucket->count++] = slot;
}

static void bucket_destroy(struct bucket *bucket)
{
	free(bucket->slots);
	free(bucket);
}

/* ---- rows in ---- */

static void reserve(struct rank_op *r, uint32_t rows)
{
	const uint32_t limit = tr_key_table_slot_limit(r->keys) + rows;

	if (rows > r->slot_capacity) {
		r->slot_capacity = rows;
		r->slots = realloc(r->slots, rows * sizeof(*r->slots));
		TR_ASSERT(r->slots != NULL);
	}
	if (limit > r->group_capacity) {
		const uint32_t capacity = TR_MAX(limit, r->group_capacity + r->group_capacity / 2);

		r->groups = realloc(r->groups, capacity * sizeof(*r->groups));
		TR_ASSERT(r->groups != NULL);
		memset(r->groups + r->group_capacity, 0, (capacity - r->group_capacity) * sizeof(*r->groups));
		r->group_capacity = capacity;
	}
}

static void take_row(struct rank_op *r, const struct tr_batch *batch, uint32_t row, uint32_t slot, struct bucket *bucket)
{
	struct group *group = &r->groups[slot];
	uint32_t *refs;

	if (group->count < r->plan->to) {
		if (group->count == 0)
			bucket_add(bucket, slot);
		push(r, group, tr_rank_rows_add(&r->rows, row, slot));
		return;
	}
	refs = refs_of(group);
	if (!is_before(r, batch, row, refs[0]))
		return;
	tr_rank_rows_remove(&r->rows, refs[0]);
	refs[0] = tr_rank_rows_add(&r->rows, row, slot);
	sift_down(r, refs, group->count, 0);
}

/* Chunks of which little is left are given up, their rows copied to others. */
static void tidy(struct rank_op *r)
{
	uint32_t number;

	while ((number = tr_rank_rows_sparse(&r->rows)) != UINT32_MAX) {
		struct tr_rank_chunk *chunk = r->rows.chunks[number];

		for (uint32_t row = 0, left = chunk->live; left > 0; row++) {
			const uint32_t ref = number * TR_RANK_CHUNK_ROWS + row;
			struct group *group = &r->groups[chunk->slots[row]];
			uint32_t *refs = refs_of(group);
			uint32_t at = 0;

			if (chunk->gone[row] != 0)
				continue;
			while (refs[at] != ref)
				at++;
			TR_DASSERT(at < group->count);
			left--;
			refs[at] = tr_rank_rows_move(&r->rows, ref);
		}
	}
}

/* Takes the rows of a batch of the input that are not late. */
static tr_code take(struct rank_op *r, const struct tr_batch *batch, int64_t watermark_ms, struct tr_status *st)
{
	const struct tr_window_assign *assign = &r->assign;

	TR_TRY(tr_window_assign_rows(&r->assign, batch, watermark_ms, st));
	if (assign->has_exceptions)
		tr_window_assign_group(&r->assign, batch);
	r->op.metrics.rows_late += assign->late_count;
	if (assign->count == 0 || r->plan->to == 0)
		return TR_OK;
	reserve(r, assign->count);
	for (uint32_t k = 0; k < r->plan->key_count; k++)
		r->key_columns[k] = &batch->columns[r->plan->keys[k]];
	tr_key_table_map(r->keys, r->key_columns, assign->rows, assign->count, r->slots);
	tr_rank_rows_begin(&r->rows, batch);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct bucket *bucket = bucket_of(r, target->first_end);

		for (uint32_t i = target->first; i < target->first + target->count; i++)
			take_row(r, batch, assign->rows != NULL ? assign->rows[i] : i, r->slots[i], bucket);
	}
	tr_rank_rows_end(&r->rows);
	tidy(r);
	return TR_OK;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct rank_op *r = (struct rank_op *)op;

	TR_ASSERT(input == 0);
	if (take(r, batch, r->watermark_ms, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	op->metrics.state_bytes = r->rows.bytes + tr_key_table_bytes(r->keys);
	return TR_FLOW_MORE;
}

/* ---- results out ---- */

/* Rows [r->fire_rank, ..) of the sorted group go to the output from row `at` on, those of one chunk at once. Returns how many. */
static uint32_t write_rows(struct rank_op *r, const struct group *group, const uint32_t *refs, uint32_t at)
{
	struct tr_batch_buffer *out = r->out;
	const uint32_t first = r->fire_rank, number = refs[first] / TR_RANK_CHUNK_ROWS;
	const struct tr_rank_chunk *chunk = r->rows.chunks[number];
	uint32_t rows[TR_RANK_CHUNK_ROWS];
	uint32_t count = 0;

	while (first + count < group->count && at + count < out->capacity && count < TR_RANK_CHUNK_ROWS &&
	       refs[first + count] / TR_RANK_CHUNK_ROWS == number) {
		rows[count] = refs[first + count] % TR_RANK_CHUNK_ROWS;
		count++;
	}
	for (uint32_t c = 0; c < r->plan->input->column_count; c++)
		tr_column_buffer_gather(&out->columns[c], at, &chunk->columns[c], rows, count, &out->heap);
	if (r->plan->has_number) {
		int64_t *numbers = (int64_t *)out->columns[r->plan->input->column_count].data + at;

		for (uint32_t i = 0; i < count; i++)
			numbers[i] = (int64_t)first + i + 1;
	}
	r->fire_rank += count;
	return count;
}

static void end_group(struct rank_op *r, uint32_t slot)
{
	struct group *group = &r->groups[slot];
	const uint32_t *refs = refs_of(group);

	for (uint32_t i = 0; i < group->count; i++)
		tr_rank_rows_remove(&r->rows, refs[i]);
	if (group->capacity > 0)
		free(group->many);
	*group = (struct group){.count = 0};
	tr_key_table_remove(r->keys, slot);
	r->fire_slot++;
	r->fire_rank = 0;
	r->is_sorted = false;
}

/* Fills the output from the first bucket. Returns the rows; less than there is room for: the bucket is done. */
static uint32_t fill(struct rank_op *r, const struct bucket *bucket)
{
	uint32_t count = 0;

	tr_batch_buffer_clear(r->out);
	while (r->fire_slot < bucket->count && count < r->out->capacity) {
		struct group *group = &r->groups[bucket->slots[r->fire_slot]];

		if (!r->is_sorted) {
			sort(r, group);
			r->is_sorted = true;
			r->fire_rank = (uint32_t)TR_MIN(r->plan->from - 1, (uint64_t)group->count);
		}
		while (r->fire_rank < group->count && count < r->out->capacity)
			count += write_rows(r, group, refs_of(group), count);
		if (r->fire_rank == group->count)
			end_group(r, bucket->slots[r->fire_slot]);
	}
	tr_batch_buffer_add_run(r->out, 0, r->forwarded_ms);
	tr_batch_buffer_seal(r->out, count);
	r->out->batch.watermark_ms = r->forwarded_ms;
	return count;
}

static enum tr_flow advance(struct rank_op *r)
{
	const enum after after = r->after;

	while (r->bucket_count > 0 && tr_window_timer(&r->clock, r->buckets[0]->end) <= r->watermark_ms) {
		enum tr_flow flow;

		if (r->fire_slot == r->buckets[0]->count) {
			bucket_destroy(r->buckets[0]);
			memmove(r->buckets, r->buckets + 1, --r->bucket_count * sizeof(struct bucket *));
			r->fire_slot = 0;
			continue;
		}
		if (fill(r, r->buckets[0]) == 0)
			continue;
		flow = tr_op_emit(&r->op, &r->out->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	tidy(r);
	r->op.metrics.state_bytes = r->rows.bytes + tr_key_table_bytes(r->keys);
	r->after = AFTER_NOTHING;
	if (after == AFTER_END)
		return tr_op_emit_end(&r->op);
	if (after == AFTER_NOTHING)
		return TR_FLOW_MORE;
	r->forwarded_ms = r->op.metrics.watermark_ms = r->watermark_ms;
	return tr_op_emit_watermark(&r->op, r->watermark_ms);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct rank_op *r = (struct rank_op *)op;

	if (watermark_ms <= r->watermark_ms)
		return TR_FLOW_MORE;
	r->watermark_ms = watermark_ms;
	r->after = AFTER_WATERMARK;
	return advance(r);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct rank_op *r = (struct rank_op *)op;

	r->after = AFTER_END;
	return advance(r);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct rank_op *)op); }

/* ---- saving ---- */

/* The schemas of the records, and the order of the columns in those of rows. */
static void make_kinds(struct rank_op *r)
{
	const struct tr_schema *input = r->plan->input;
	const uint32_t keys = r->plan->key_count, count = input->column_count;
	const struct tr_type **types = TR_NEW_ARRAY(&r->arena, count + 1, const struct tr_type *);
	const struct tr_type **times = TR_NEW_ARRAY(&r->arena, 2, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(&r->arena, count + 1, const char *);
	static const char *const time_names[] = {"watermark", "forwarded"};
	struct tr_schema *schemas = TR_NEW_ARRAY(&r->arena, 2, struct tr_schema);
	uint32_t n = 0;

	r->columns = TR_NEW_ARRAY(&r->arena, count + 1, uint32_t);
	r->permuted = TR_NEW_ARRAY(&r->arena, count + 1, struct tr_column);
	for (uint32_t k = 0; k < keys; k++)
		r->columns[n++] = r->plan->keys[k];
	for (uint32_t c = 0; c < count; c++) {
		bool is_key = false;

		for (uint32_t k = 0; k < keys; k++)
			is_key = is_key || r->plan->keys[k] == c;
		if (!is_key)
			r->columns[n++] = c;
	}
	TR_ASSERT(n == count);
	for (uint32_t i = 0; i < count; i++) {
		types[i] = input->types[r->columns[i]];
		names[i] = input->names[r->columns[i]];
	}
	times[0] = times[1] = tr_type_of(TR_TYPE_BIGINT);
	schemas[0] = (struct tr_schema){.column_count = 2, .names = time_names, .types = times};
	schemas[1] = (struct tr_schema){.column_count = count, .names = names, .types = types};
	r->kinds[0] = (struct tr_state_kind){.kind = KIND_OPERATOR, .name = "operator", .schema = &schemas[0]};
	r->kinds[1] = (struct tr_state_kind){
		.kind = KIND_ROWS, .name = "rows", .is_keyed = true, .schema = &schemas[1], .key_count = keys};
	r->image = tr_batch_buffer_create(&schemas[1], TR_RANK_CHUNK_ROWS);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	*count = 2;
	return ((const struct rank_op *)op)->kinds;
}

static tr_code put(struct rank_op *r, struct tr_state_writer *writer, uint32_t kind, const struct tr_column *columns,
		   uint32_t count, struct tr_status *st)
{
	const struct tr_state_kind *k = &r->kinds[kind];
	struct tr_state_record record = {.kind = k->kind, .is_keyed = k->is_keyed};

	tr_bytes_clear(&r->bytes);
	tr_rows_write(columns, k->schema->column_count, count, &r->bytes);
	record.bytes = r->bytes.data;
	record.length = r->bytes.length;
	return writer->put(writer, &record, st);
}

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct rank_op *r = (struct rank_op *)op;
	const int64_t times[2] = {r->watermark_ms, r->forwarded_ms};
	const struct tr_column columns[2] = {{.type = tr_type_of(TR_TYPE_BIGINT), .data = &times[0]},
					     {.type = tr_type_of(TR_TYPE_BIGINT), .data = &times[1]}};

	tr_rank_rows_save(&r->rows);
	*base = order->checkpoint;
	return put(r, writer, 0, columns, 1, st);
}

static enum tr_flow snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	struct rank_op *r = (struct rank_op *)op;
	const uint32_t column_count = r->plan->input->column_count;
	const struct tr_column *columns;
	uint32_t rows[TR_RANK_CHUNK_ROWS];
	size_t put_bytes = 0;

	while (put_bytes < budget) {
		const uint32_t count =
			tr_rank_rows_next(&r->rows, TR_STATE_RECORD_BYTES, TR_RANK_CHUNK_ROWS, &columns, rows);

		if (count == 0)
			return TR_FLOW_DONE;
		tr_batch_buffer_clear(r->image);
		for (uint32_t c = 0; c < column_count; c++)
			tr_column_buffer_gather(&r->image->columns[c], 0, &columns[r->columns[c]], rows, count,
						&r->image->heap);
		tr_batch_buffer_seal(r->image, count);
		if (put(r, writer, 1, r->image->batch.columns, count, st) != TR_OK)
			return TR_FLOW_FAILED;
		put_bytes += r->bytes.length;
	}
	return TR_FLOW_MORE;
}

static uint64_t state_bytes(const struct tr_op *op)
{
	const struct rank_op *r = (const struct rank_op *)op;

	return r->rows.live * (8 + 8 * (uint64_t)r->plan->input->column_count);
}

/* ---- loading ---- */

/* The rows that belong to this subtask, into r->kept; NULL: all. */
static const uint32_t *keep_own(struct rank_op *r, const struct tr_state_origin *origin, const struct tr_batch *batch,
				uint32_t *count)
{
	const struct tr_op_context *context = r->op.context;
	const uint32_t groups = context->key_groups != 0 ? context->key_groups : TR_KEY_GROUPS_DEFAULT;

	*count = batch->row_count;
	if (context->subtask_count <= 1 || origin->is_dealt_alike)
		return NULL;
	if (batch->row_count > r->kept_capacity) {
		r->kept_capacity = batch->row_count;
		r->kept = realloc(r->kept, batch->row_count * sizeof(*r->kept));
		r->hashes = realloc(r->hashes, batch->row_count * sizeof(*r->hashes));
		TR_ASSERT(r->kept != NULL && r->hashes != NULL);
	}
	tr_hash_column(&batch->columns[0], NULL, batch->row_count, r->hashes);
	for (uint32_t k = 1; k < r->plan->key_count; k++)
		tr_hash_column_combine(&batch->columns[k], NULL, batch->row_count, r->hashes);
	*count = 0;
	for (uint32_t i = 0; i < batch->row_count; i++)
		if (tr_key_group_subtask(tr_key_group(r->hashes[i], groups), groups, context->subtask_count) ==
		    context->subtask)
			r->kept[(*count)++] = i;
	return r->kept;
}

static tr_code load_rows(struct rank_op *r, const struct tr_state_origin *origin, const struct tr_batch *batch,
			 struct tr_status *st)
{
	struct tr_batch input = *batch;

	input.selection = keep_own(r, origin, batch, &input.selected_count);
	if (input.selected_count == 0)
		return TR_OK;
	for (uint32_t c = 0; c < batch->schema->column_count; c++)
		r->permuted[r->columns[c]] = batch->columns[c];
	input.schema = r->plan->input;
	input.columns = r->permuted;
	input.runs = NULL;
	input.run_count = 0;
	return take(r, &input, TR_WATERMARK_MIN, st);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct rank_op *r = (struct rank_op *)op;
	const uint32_t at = record->kind == KIND_OPERATOR ? 0 : 1;
	const struct tr_batch *batch;
	int64_t watermark_ms, forwarded_ms;

	if (record->kind != r->kinds[at].kind || record->is_keyed != r->kinds[at].is_keyed)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record of the unknown kind %u", op->ops->name, record->kind);
	TR_TRY(tr_rows_read(&r->read[at], r->kinds[at].schema, record->bytes, record->length, &batch, st));
	if (at == 1)
		return load_rows(r, origin, batch, st);
	if (batch->row_count != 1)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state stream has not one operator record", op->ops->name);
	watermark_ms = tr_column_i64(&batch->columns[0], 0);
	forwarded_ms = tr_column_i64(&batch->columns[1], 0);
	r->loaded_watermark_ms = r->has_loaded ? TR_MIN(r->loaded_watermark_ms, watermark_ms) : watermark_ms;
	r->loaded_forwarded_ms = r->has_loaded ? TR_MIN(r->loaded_forwarded_ms, forwarded_ms) : forwarded_ms;
	r->has_loaded = true;
	return TR_OK;
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct rank_op *r = (struct rank_op *)op;

	if (r->has_loaded) {
		r->watermark_ms = r->loaded_watermark_ms;
		r->forwarded_ms = op->metrics.watermark_ms = r->loaded_forwarded_ms;
	}
	return TR_OK;
}

/* ---- operator ---- */

static void destroy(struct tr_op *op)
{
	struct rank_op *r = (struct rank_op *)op;

	for (uint32_t i = 0; i < r->group_capacity; i++)
		if (r->groups[i].capacity > 0)
			free(r->groups[i].many);
	for (uint32_t i = 0; i < r->bucket_count; i++)
		bucket_destroy(r->buckets[i]);
	tr_window_assign_deinit(&r->assign);
	tr_window_clock_deinit(&r->clock);
	tr_rank_rows_deinit(&r->rows);
	tr_key_table_destroy(&r->keys);
	tr_batch_buffer_destroy(&r->out);
	tr_batch_buffer_destroy(&r->image);
	for (uint32_t i = 0; i < 2; i++)
		tr_rows_deinit(&r->read[i]);
	tr_bytes_deinit(&r->bytes);
	tr_arena_deinit(&r->arena);
	free(r->groups);
	free(r->buckets);
	free(r->slots);
	free(r->kept);
	free(r->hashes);
	free(r);
}

static const struct tr_op_ops rank_ops = {
	.name = "window rank",
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

/* The plan's order, and then all other columns that have one. */
static void make_order(struct rank_op *r)
{
	const struct tr_window_rank_plan *plan = r->plan;
	const uint32_t columns = plan->input->column_count;

	r->order = TR_NEW_ARRAY(&r->arena, plan->order_count + columns + 1, struct tr_order_key);
	for (uint32_t i = 0; i < plan->order_count; i++)
		r->order[r->order_count++] = plan->order[i];
	for (uint32_t c = 0; c < columns; c++) {
		bool is_known = !tr_type_is_ordered(plan->input->types[c]);

		for (uint32_t i = 0; i < plan->order_count; i++)
			is_known = is_known || plan->order[i].column == c;
		for (uint32_t i = 0; i < plan->key_count; i++)
			is_known = is_known || plan->keys[i] == c;
		if (!is_known)
			r->order[r->order_count++] = (struct tr_order_key){.column = c, .nulls_first = true};
	}
}

static tr_code set_up(struct rank_op *r, struct tr_status *st)
{
	const struct tr_window_rank_plan *plan = r->plan;
	const struct tr_type **types = TR_NEW_ARRAY(&r->arena, plan->key_count + 1, const struct tr_type *);

	for (uint32_t i = 0; i < plan->order_count; i++)
		if (!tr_type_is_ordered(plan->input->types[plan->order[i].column]))
			TR_FAIL(st, TR_ERR_DATA, "window rank: %s has no order",
				plan->input->names[plan->order[i].column]);
	for (uint32_t k = 0; k < plan->key_count; k++)
		types[k] = plan->input->types[plan->keys[k]];
	TR_TRY(tr_window_clock_init(&r->clock, &plan->window, st));
	return tr_key_table_create(types, plan->key_count, &r->keys, st);
}

tr_code tr_op_window_rank_create(const struct tr_window_rank_plan *plan, struct tr_op_context *context,
				 struct tr_op **op, struct tr_status *st)
{
	struct rank_op *r = calloc(1, sizeof(*r));
	tr_code code;

	TR_ASSERT(r != NULL && plan->from >= 1 && plan->key_count > 0);
	*op = NULL;
	r->op.ops = &rank_ops;
	r->op.context = context;
	r->op.timer_ms = INT64_MAX;
	r->op.output = plan->output;
	r->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	r->plan = plan;
	r->watermark_ms = r->forwarded_ms = TR_WATERMARK_MIN;
	tr_arena_init(&r->arena, 1024);
	tr_rank_rows_init(&r->rows, plan->input);
	tr_window_assign_init(&r->assign, &r->clock);
	r->out = tr_batch_buffer_create(plan->output, TR_MAX(context->batch_rows, 1));
	r->key_columns = TR_NEW_ARRAY(&r->arena, plan->key_count, const struct tr_column *);
	make_order(r);
	make_kinds(r);
	code = set_up(r, st);
	if (code != TR_OK) {
		destroy(&r->op);
		return code;
	}
	*op = &r->op;
	return TR_OK;
}
