/* SPDX-License-Identifier: Apache-2.0
 *
 * Saving and loading of the window rank operator; see rank_inner.h.
 *
 * Loading reads a stream's list of parts first. A row of a part that is not in it belongs to an older checkpoint. Which rows of a part
 * have been seen is kept in bits until the stream ends. Rows whose window had fired at the stream's watermark are late.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/hash.h"
#include "base/type.h"
#include "core/ops/rank_inner.h"
#include "state/key_group.h"

#define AT_OPERATOR 0
#define AT_PARTS 1
#define AT_ROWS 2
#define PLACE_MAX ((int64_t)1 << 40) /* of a row in its part: more is no record of ours */

static const struct tr_type bigint = {.id = TR_TYPE_BIGINT, .phys = TR_PHYS_I64};
static const struct tr_type *const bigints[] = {&bigint, &bigint, &bigint};
static const char *const operator_names[] = {"watermark", "forwarded", "last_part"};
static const char *const part_names[] = {"part"};
static const struct tr_schema operator_schema = {.column_count = 3, .names = operator_names, .types = bigints};
static const struct tr_schema part_schema = {.column_count = 1, .names = part_names, .types = bigints};

/* The column of a record in which the i-th of r->columns is: behind the keys come the part and the place. */
static uint32_t record_column(const struct tr_rank_op *r, uint32_t i) { return i < r->plan->key_count ? i : i + 2; }

void tr_rank_state_init(struct tr_rank_op *r)
{
	const struct tr_schema *input = r->plan->input;
	const uint32_t keys = r->plan->key_count, count = input->column_count;
	const struct tr_type **types = TR_NEW_ARRAY(&r->arena, count + 2, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(&r->arena, count + 2, const char *);
	struct tr_schema *schema = TR_NEW(&r->arena, struct tr_schema);
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
		types[record_column(r, i)] = input->types[r->columns[i]];
		names[record_column(r, i)] = input->names[r->columns[i]];
	}
	types[keys] = types[keys + 1] = &bigint;
	names[keys] = "$part";
	names[keys + 1] = "$place";
	*schema = (struct tr_schema){.column_count = count + 2, .names = names, .types = types};
	r->kinds[AT_OPERATOR] =
		(struct tr_state_kind){.kind = TR_RANK_KIND_OPERATOR, .name = "operator", .schema = &operator_schema};
	r->kinds[AT_PARTS] =
		(struct tr_state_kind){.kind = TR_RANK_KIND_PARTS, .name = "parts", .schema = &part_schema};
	r->kinds[AT_ROWS] = (struct tr_state_kind){
		.kind = TR_RANK_KIND_ROWS, .name = "rows", .is_keyed = true, .schema = schema, .key_count = keys};
	r->image = tr_batch_buffer_create(schema, TR_RANK_CHUNK_ROWS);
}

static void forget_loaded(struct tr_rank_op *r)
{
	for (uint32_t i = 0; i < r->loaded_count; i++)
		free(r->loaded[i].seen);
	free(r->loaded);
	r->loaded = NULL;
	r->loaded_count = 0;
}

void tr_rank_state_deinit(struct tr_rank_op *r)
{
	tr_batch_buffer_destroy(&r->image);
	for (uint32_t i = 0; i < TR_RANK_KINDS; i++)
		tr_rows_deinit(&r->read[i]);
	tr_bytes_deinit(&r->bytes);
	forget_loaded(r);
	free(r->kept);
	free(r->hashes);
}

const struct tr_state_kind *tr_rank_state_kinds(const struct tr_op *op, uint32_t *count)
{
	*count = TR_RANK_KINDS;
	return ((const struct tr_rank_op *)op)->kinds;
}

/* ---- records of rows ---- */

void tr_rank_image_add(struct tr_rank_op *r, uint32_t at, const struct tr_rank_chunk *chunk, const uint32_t *rows,
		       uint32_t count)
{
	for (uint32_t i = 0; i < r->plan->input->column_count; i++)
		tr_column_buffer_gather(&r->image->columns[record_column(r, i)], at, &chunk->columns[r->columns[i]],
					rows, count, &r->image->heap);
}

void tr_rank_image_write(struct tr_rank_op *r, uint32_t count)
{
	tr_batch_buffer_seal(r->image, count);
	tr_bytes_clear(&r->bytes);
	tr_rows_write(r->image->batch.columns, r->image->batch.schema->column_count, count, &r->bytes);
}

tr_code tr_rank_rows_of(struct tr_rank_op *r, const struct tr_state_record *record, struct tr_batch *rows,
			const struct tr_column **places, struct tr_status *st)
{
	const struct tr_batch *batch;

	TR_TRY(tr_rows_read(&r->read[AT_ROWS], r->kinds[AT_ROWS].schema, record->bytes, record->length, &batch, st));
	for (uint32_t i = 0; i < r->plan->input->column_count; i++)
		r->permuted[r->columns[i]] = batch->columns[record_column(r, i)];
	*places = &batch->columns[r->plan->key_count];
	*rows = *batch;
	rows->schema = r->plan->input;
	rows->columns = r->permuted;
	rows->runs = NULL;
	rows->run_count = 0;
	return TR_OK;
}

void tr_rank_hash(struct tr_rank_op *r, const struct tr_batch *batch)
{
	const uint32_t count = batch->row_count, *keys = r->plan->keys;

	if (count > r->kept_capacity) {
		r->kept_capacity = count;
		r->kept = tr_checked(realloc(r->kept, count * sizeof(*r->kept)));
		r->hashes = tr_checked(realloc(r->hashes, count * sizeof(*r->hashes)));
	}
	tr_hash_column(&batch->columns[keys[0]], NULL, count, r->hashes);
	for (uint32_t k = 1; k < r->plan->key_count; k++)
		tr_hash_column_combine(&batch->columns[keys[k]], NULL, count, r->hashes);
}

/* ---- saving ---- */

static tr_code put(struct tr_rank_op *r, struct tr_state_writer *writer, uint32_t at, struct tr_status *st)
{
	const struct tr_state_record record = {.kind = r->kinds[at].kind,
					       .is_keyed = r->kinds[at].is_keyed,
					       .bytes = r->bytes.data,
					       .length = r->bytes.length};

	return writer->put(writer, &record, st);
}

static tr_code put_parts(struct tr_rank_op *r, struct tr_state_writer *writer, const int64_t *parts, uint32_t count,
			 struct tr_status *st)
{
	const struct tr_column column = {.type = &bigint, .data = parts};

	tr_bytes_clear(&r->bytes);
	tr_rows_write(&column, 1, count, &r->bytes);
	return put(r, writer, AT_PARTS, st);
}

tr_code tr_rank_snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			 uint64_t *base, struct tr_status *st)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;
	const int64_t numbers[3] = {r->watermark_ms, r->forwarded_ms, r->rows.last_part};
	const uint32_t runs = tr_rank_spill_run_count(r);
	int64_t *parts = tr_checked(malloc(((size_t)r->rows.chunk_count + runs + 1) * sizeof(*parts)));
	struct tr_column columns[3];
	uint32_t count = runs;
	tr_code code;

	*base = tr_rank_rows_save(&r->rows, order);
	tr_rank_spill_flip(r, order, parts, base);
	for (uint32_t i = 0; i < r->rows.chunk_count; i++)
		if (r->rows.chunks[i] != NULL && r->rows.chunks[i]->live > 0)
			parts[count++] = r->rows.chunks[i]->part;
	for (uint32_t i = 0; i < TR_COUNT_OF(columns); i++)
		columns[i] = (struct tr_column){.type = &bigint, .data = &numbers[i]};
	tr_bytes_clear(&r->bytes);
	tr_rows_write(columns, TR_COUNT_OF(columns), 1, &r->bytes);
	code = put(r, writer, AT_OPERATOR, st);
	if (code == TR_OK)
		code = put_parts(r, writer, parts, count, st);
	free(parts);
	return code;
}

/* Writes a record of rows of one chunk. Returns its bytes; 0: there are no more rows. */
static size_t image_next(struct tr_rank_op *r, uint64_t age)
{
	const struct tr_rank_chunk *chunk;
	uint32_t rows[TR_RANK_CHUNK_ROWS];
	const uint32_t keys = r->plan->key_count, count = tr_rank_rows_next(&r->rows, age, TR_STATE_RECORD_BYTES,
									    TR_RANK_CHUNK_ROWS, &chunk, rows);

	if (count == 0)
		return 0;
	tr_batch_buffer_clear(r->image);
	tr_rank_image_add(r, 0, chunk, rows, count);
	for (uint32_t i = 0; i < count; i++) {
		((int64_t *)r->image->columns[keys].data)[i] = chunk->part;
		((int64_t *)r->image->columns[keys + 1].data)[i] = rows[i];
	}
	tr_rank_image_write(r, count);
	return r->bytes.length;
}

enum tr_flow tr_rank_snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;

	while (budget > 0) {
		const size_t bytes = image_next(r, writer->age);

		writer->rewritten = r->rows.rewritten;
		if (bytes == 0)
			return tr_rank_spill_copy(r, writer, budget, st);
		if (put(r, writer, AT_ROWS, st) != TR_OK)
			return TR_FLOW_FAILED;
		budget -= TR_MIN(budget, bytes);
	}
	return TR_FLOW_MORE;
}

uint64_t tr_rank_state_bytes(const struct tr_op *op)
{
	const struct tr_rank_op *r = (const struct tr_rank_op *)op;

	return r->rows.live * (24 + 8 * (uint64_t)r->plan->input->column_count) + op->metrics.spilled_bytes;
}

/* ---- loading ---- */

static int by_part(const void *a, const void *b)
{
	const int64_t left = ((const struct tr_rank_loaded *)a)->part, right = ((const struct tr_rank_loaded *)b)->part;

	return (left > right) - (left < right);
}

/* A new stream begins. */
static tr_code load_operator(struct tr_rank_op *r, const struct tr_batch *batch, struct tr_status *st)
{
	int64_t forwarded_ms;

	if (batch->row_count != 1)
		TR_FAIL(st, TR_ERR_DATA, "window rank: a state stream has not one operator record");
	forget_loaded(r);
	r->stream_watermark_ms = tr_column_i64(&batch->columns[0], 0);
	forwarded_ms = tr_column_i64(&batch->columns[1], 0);
	r->rows.last_part = TR_MAX(r->rows.last_part, tr_column_i64(&batch->columns[2], 0));
	r->loaded_watermark_ms =
		r->has_loaded ? TR_MIN(r->loaded_watermark_ms, r->stream_watermark_ms) : r->stream_watermark_ms;
	r->loaded_forwarded_ms = r->has_loaded ? TR_MIN(r->loaded_forwarded_ms, forwarded_ms) : forwarded_ms;
	r->has_loaded = true;
	return TR_OK;
}

static void load_parts(struct tr_rank_op *r, const struct tr_batch *batch)
{
	forget_loaded(r);
	r->loaded = tr_checked(calloc(batch->row_count + 1, sizeof(*r->loaded)));
	r->loaded_count = batch->row_count;
	for (uint32_t i = 0; i < batch->row_count; i++)
		r->loaded[i].part = tr_column_i64(&batch->columns[0], i);
	qsort(r->loaded, r->loaded_count, sizeof(*r->loaded), by_part);
}

/* Whether the row belongs to the checkpoint and has not come before. `last` is a cursor. */
static bool is_new(struct tr_rank_op *r, int64_t part, uint64_t place, struct tr_rank_loaded **last)
{
	const struct tr_rank_loaded wanted = {.part = part};
	const uint64_t word = place / 64, bit = UINT64_C(1) << (place % 64);
	struct tr_rank_loaded *loaded = *last;

	if (loaded == NULL || loaded->part != part)
		loaded = *last = bsearch(&wanted, r->loaded, r->loaded_count, sizeof(wanted), by_part);
	if (loaded == NULL)
		return false;
	if (word >= loaded->words) {
		const uint64_t words = TR_MAX(word + 1, loaded->words * 2);

		loaded->seen = tr_checked(realloc(loaded->seen, words * sizeof(*loaded->seen)));
		memset(loaded->seen + loaded->words, 0, (words - loaded->words) * sizeof(*loaded->seen));
		loaded->words = words;
	}
	if (loaded->seen[word] & bit)
		return false;
	loaded->seen[word] |= bit;
	return true;
}

static tr_code load_rows(struct tr_rank_op *r, const struct tr_state_origin *origin,
			 const struct tr_state_record *record, struct tr_status *st)
{
	const struct tr_op_context *context = r->op.context;
	const uint32_t groups = context->key_groups != 0 ? context->key_groups : TR_KEY_GROUPS_DEFAULT;
	const bool is_all = context->subtask_count <= 1 || origin->is_dealt_alike;
	const struct tr_column *places;
	struct tr_rank_loaded *last = NULL;
	struct tr_batch rows;

	TR_TRY(tr_rank_rows_of(r, record, &rows, &places, st));
	tr_rank_hash(r, &rows);
	rows.selection = r->kept;
	rows.selected_count = 0;
	for (uint32_t i = 0; i < rows.row_count; i++) {
		const int64_t place = tr_column_i64(&places[1], i);

		if (place < 0 || place > PLACE_MAX || tr_column_is_null(&places[1], i))
			TR_FAIL(st, TR_ERR_DATA, "window rank: a row in the state has the place %lld", (long long)place);
		if (!is_all && tr_key_group_subtask(tr_key_group(r->hashes[i], groups), groups,
						    context->subtask_count) != context->subtask)
			continue;
		if (is_new(r, tr_column_i64(&places[0], i), (uint64_t)place, &last))
			r->kept[rows.selected_count++] = i;
	}
	if (rows.selected_count == 0)
		return TR_OK;
	TR_TRY(tr_rank_take(r, &rows, r->stream_watermark_ms, st));
	return tr_rank_spill_is_over(r) ? tr_rank_spill_freeze_loaded(r, st) : TR_OK;
}

tr_code tr_rank_load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		     struct tr_status *st)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;
	const struct tr_batch *batch;
	uint32_t at = 0;

	while (at < TR_RANK_KINDS && r->kinds[at].kind != record->kind)
		at++;
	if (at == TR_RANK_KINDS || record->is_keyed != r->kinds[at].is_keyed)
		TR_FAIL(st, TR_ERR_DATA, "%s: a state record of the unknown kind %u", op->ops->name, record->kind);
	if (at == AT_ROWS)
		return load_rows(r, origin, record, st);
	TR_TRY(tr_rows_read(&r->read[at], r->kinds[at].schema, record->bytes, record->length, &batch, st));
	if (at == AT_OPERATOR)
		return load_operator(r, batch, st);
	load_parts(r, batch);
	return TR_OK;
}

tr_code tr_rank_load_end(struct tr_op *op, struct tr_status *st)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;

	forget_loaded(r);
	op->metrics.rows_late = 0;
	if (r->has_loaded) {
		r->watermark_ms = r->loaded_watermark_ms;
		r->forwarded_ms = op->metrics.watermark_ms = r->loaded_forwarded_ms;
	}
	return TR_OK;
}
