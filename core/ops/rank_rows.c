/* SPDX-License-Identifier: Apache-2.0
 *
 * See rank_rows.h.
 */
#include "core/ops/rank_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"

#define GONE_LONG UINT8_MAX /* for a row: before the stamps began anew */
#define NONE UINT32_MAX
/* A full chunk with less than one in so many rows alive is moved together. */
#define SPARSE_SHARE 4

static bool is_long(const struct tr_type *type)
{
	return type->phys == TR_PHYS_VIEW || type->phys == TR_PHYS_LIST || type->phys == TR_PHYS_ROW;
}

void tr_rank_rows_init(struct tr_rank_rows *rows, const struct tr_schema *schema)
{
	*rows = (struct tr_rank_rows){.schema = schema, .open = NONE, .stamp = 1};
	for (uint32_t c = 0; c < schema->column_count; c++)
		rows->has_long = rows->has_long || is_long(schema->types[c]);
}

static void chunk_destroy(struct tr_rank_chunk *chunk)
{
	tr_batch_buffer_destroy(&chunk->buffer);
	free(chunk->columns);
	free(chunk->gone);
	free(chunk->slots);
	free(chunk);
}

void tr_rank_rows_deinit(struct tr_rank_rows *rows)
{
	for (uint32_t i = 0; i < rows->chunk_count; i++)
		if (rows->chunks[i] != NULL)
			chunk_destroy(rows->chunks[i]);
	free(rows->chunks);
	free(rows->spare);
	free(rows->sparse);
}

static size_t chunk_bytes(const struct tr_schema *schema)
{
	/* What is gone, slots; and of the buffer the selection, row kinds and bitmaps. */
	size_t bytes = TR_RANK_CHUNK_ROWS * (2 * sizeof(uint8_t) + 2 * sizeof(uint32_t)) +
		       schema->column_count * (TR_RANK_CHUNK_ROWS / 8);

	for (uint32_t i = 0; i < schema->column_count; i++)
		bytes += TR_RANK_CHUNK_ROWS * tr_phys_bytes((enum tr_phys)schema->types[i]->phys);
	return bytes;
}

static void open_chunk(struct tr_rank_rows *rows)
{
	struct tr_rank_chunk *chunk = calloc(1, sizeof(*chunk));

	TR_ASSERT(chunk != NULL);
	chunk->buffer = tr_batch_buffer_create(rows->schema, TR_RANK_CHUNK_ROWS);
	chunk->columns = calloc(rows->schema->column_count + 1, sizeof(*chunk->columns));
	chunk->gone = calloc(TR_RANK_CHUNK_ROWS, sizeof(*chunk->gone));
	chunk->slots = calloc(TR_RANK_CHUNK_ROWS, sizeof(*chunk->slots));
	TR_ASSERT(chunk->columns != NULL && chunk->gone != NULL && chunk->slots != NULL);
	chunk->part = ++rows->last_part;
	if (rows->spare_count > 0) {
		rows->open = rows->spare[--rows->spare_count];
	} else {
		if (rows->chunk_count == rows->chunk_capacity) {
			rows->chunk_capacity = TR_MAX(16, rows->chunk_capacity * 2);
			TR_ASSERT(rows->chunk_capacity <= UINT32_MAX / TR_RANK_CHUNK_ROWS);
			rows->chunks = realloc(rows->chunks, rows->chunk_capacity * sizeof(struct tr_rank_chunk *));
			rows->spare = realloc(rows->spare, rows->chunk_capacity * sizeof(*rows->spare));
			rows->sparse = realloc(rows->sparse, rows->chunk_capacity * sizeof(*rows->sparse));
			TR_ASSERT(rows->chunks != NULL && rows->spare != NULL && rows->sparse != NULL);
		}
		rows->open = rows->chunk_count++;
	}
	rows->chunks[rows->open] = chunk;
	rows->bytes += chunk_bytes(rows->schema);
}

/* A chunk that nobody needs goes. */
static void settle(struct tr_rank_rows *rows, uint32_t number)
{
	struct tr_rank_chunk *chunk = rows->chunks[number];

	if (number == rows->open || chunk->is_sparse || chunk->save_at < chunk->save_count)
		return;
	if (chunk->live == 0) {
		rows->bytes -= chunk_bytes(rows->schema) + chunk->long_bytes;
		chunk_destroy(chunk);
		rows->chunks[number] = NULL;
		rows->spare[rows->spare_count++] = number;
	} else if (chunk->live * SPARSE_SHARE < TR_RANK_CHUNK_ROWS) {
		chunk->is_sparse = true;
		rows->sparse[rows->sparse_count++] = number;
	}
}

/* ---- adding and removing ---- */

/* About the bytes that texts and lists take beside the values of fixed width. */
static size_t long_bytes(const struct tr_column *column, uint32_t row)
{
	size_t bytes = 0;

	if (tr_column_is_null(column, row))
		return 0;
	row = tr_column_row(column, row);
	if (column->type->phys == TR_PHYS_VIEW)
		return tr_column_view(column, row)->length;
	if (column->type->phys == TR_PHYS_ROW) {
		for (uint32_t i = 0; i < column->type->child_count; i++)
			bytes += 8 + long_bytes(&column->children[i], row);
	} else if (column->type->phys == TR_PHYS_LIST) {
		for (int32_t at = column->offsets[row]; at < column->offsets[row + 1]; at++)
			for (uint32_t i = 0; i < column->type->child_count; i++)
				bytes += 8 + long_bytes(&column->children[i], (uint32_t)at);
	}
	return bytes;
}

size_t tr_rank_rows_bytes(const struct tr_rank_rows *rows, const struct tr_rank_chunk *chunk, uint32_t row)
{
	size_t bytes = 0;

	for (uint32_t c = 0; c < rows->schema->column_count; c++)
		bytes += 8 + long_bytes(&chunk->columns[c], row);
	return bytes;
}

/* Rows [copied, count) of the open chunk are copied from `columns`. */
static void copy(struct tr_rank_rows *rows, const struct tr_column *columns, const uint32_t *from)
{
	struct tr_rank_chunk *chunk = rows->chunks[rows->open];
	struct tr_batch_buffer *buffer = chunk->buffer;

	for (uint32_t c = 0; c < rows->schema->column_count; c++) {
		tr_column_buffer_gather(&buffer->columns[c], chunk->copied, &columns[c], from,
					chunk->count - chunk->copied, &buffer->heap);
		chunk->columns[c] = tr_column_buffer_view(&buffer->columns[c]);
	}
	for (uint32_t c = 0; rows->has_long && c < rows->schema->column_count; c++) {
		size_t bytes = 0;

		for (uint32_t row = chunk->copied; is_long(rows->schema->types[c]) && row < chunk->count; row++)
			bytes += long_bytes(&chunk->columns[c], row);
		chunk->long_bytes += bytes;
		rows->bytes += bytes;
	}
	chunk->copied = chunk->count;
}

void tr_rank_rows_begin(struct tr_rank_rows *rows, const struct tr_batch *batch)
{
	TR_DASSERT(rows->batch == NULL);
	rows->batch = batch;
}

static void close_full(struct tr_rank_rows *rows)
{
	const uint32_t number = rows->open;

	if (number == NONE || rows->chunks[number]->count < TR_RANK_CHUNK_ROWS)
		return;
	if (rows->chunks[number]->copied < TR_RANK_CHUNK_ROWS)
		copy(rows, rows->batch->columns, rows->added + rows->chunks[number]->copied);
	rows->open = NONE;
	settle(rows, number);
}

static uint32_t append(struct tr_rank_rows *rows, uint32_t slot)
{
	struct tr_rank_chunk *chunk;

	close_full(rows);
	if (rows->open == NONE)
		open_chunk(rows);
	chunk = rows->chunks[rows->open];
	chunk->gone[chunk->count] = 0;
	chunk->slots[chunk->count] = slot;
	chunk->live++;
	rows->live++;
	return rows->open * TR_RANK_CHUNK_ROWS + chunk->count++;
}

uint32_t tr_rank_rows_add(struct tr_rank_rows *rows, uint32_t row, uint32_t slot)
{
	const uint32_t ref = append(rows, slot);

	rows->added[ref % TR_RANK_CHUNK_ROWS] = row;
	return ref;
}

void tr_rank_rows_end(struct tr_rank_rows *rows)
{
	if (rows->open != NONE) {
		struct tr_rank_chunk *chunk = rows->chunks[rows->open];

		if (chunk->copied < chunk->count)
			copy(rows, rows->batch->columns, rows->added + chunk->copied);
	}
	rows->batch = NULL;
}

void tr_rank_rows_remove(struct tr_rank_rows *rows, uint32_t ref)
{
	const uint32_t number = ref / TR_RANK_CHUNK_ROWS, row = ref % TR_RANK_CHUNK_ROWS;
	struct tr_rank_chunk *chunk = rows->chunks[number];

	TR_DASSERT(chunk->gone[row] == 0);
	chunk->gone[row] = rows->stamp;
	chunk->live--;
	rows->live--;
	settle(rows, number);
}

uint32_t tr_rank_rows_sparse(struct tr_rank_rows *rows)
{
	TR_DASSERT(rows->batch == NULL);
	while (rows->sparse_count > 0) {
		const uint32_t number = rows->sparse[--rows->sparse_count];

		rows->chunks[number]->is_sparse = false;
		if (rows->chunks[number]->live > 0)
			return number;
		settle(rows, number);
	}
	return NONE;
}

uint32_t tr_rank_rows_move(struct tr_rank_rows *rows, uint32_t ref)
{
	const struct tr_rank_chunk *from = rows->chunks[ref / TR_RANK_CHUNK_ROWS];
	const uint32_t row = ref % TR_RANK_CHUNK_ROWS;
	const uint32_t made = append(rows, from->slots[row]);

	copy(rows, from->columns, &row);
	rows->chunks[ref / TR_RANK_CHUNK_ROWS]->is_sparse = true; /* stays while its rows are being moved */
	tr_rank_rows_remove(rows, ref);
	rows->chunks[ref / TR_RANK_CHUNK_ROWS]->is_sparse = false;
	if (rows->chunks[ref / TR_RANK_CHUNK_ROWS]->live == 0)
		settle(rows, ref / TR_RANK_CHUNK_ROWS);
	return made;
}

void tr_rank_rows_clear(struct tr_rank_rows *rows)
{
	TR_ASSERT(rows->batch == NULL && !rows->is_saving);
	for (uint32_t i = 0; i < rows->chunk_count; i++) {
		if (rows->chunks[i] != NULL)
			chunk_destroy(rows->chunks[i]);
		rows->chunks[i] = NULL;
	}
	rows->chunk_count = rows->spare_count = rows->sparse_count = 0;
	rows->open = NONE;
	rows->live = 0;
	rows->bytes = 0;
}

/* ---- saving ---- */

/** The next snapshot's stamp. When they begin anew, rows that are gone get one that no snapshot has. */
static uint8_t next_stamp(struct tr_rank_rows *rows)
{
	if (rows->stamp + 1 < GONE_LONG)
		return rows->stamp + 1;
	for (uint32_t i = 0; i < rows->chunk_count; i++)
		for (uint32_t row = 0; rows->chunks[i] != NULL && row < rows->chunks[i]->count; row++)
			if (rows->chunks[i]->gone[row] != 0)
				rows->chunks[i]->gone[row] = GONE_LONG;
	return 1;
}

/** Which rows of a chunk this checkpoint is to have. */
static void plan_saving(struct tr_rank_chunk *chunk, const struct tr_snapshot_order *order)
{
	if (chunk->saving != 0 && chunk->saving <= order->completed)
		chunk->written = chunk->saving_count;
	if (tr_state_age_checkpoint(chunk->age) > order->completed) /* all of it was given up */
		chunk->age = chunk->written = 0;
	chunk->old = 0;
	if (chunk->age != 0 && chunk->age < order->rewrite_before) {
		chunk->old = chunk->written;
		chunk->age = chunk->written = 0;
	}
	chunk->save_at = chunk->written;
	chunk->save_count = chunk->live > 0 ? chunk->count : 0;
	chunk->saving = order->checkpoint;
	chunk->saving_count = chunk->count;
}

uint64_t tr_rank_rows_save(struct tr_rank_rows *rows, const struct tr_snapshot_order *order)
{
	uint64_t base = tr_state_age(order->checkpoint);

	TR_DASSERT(rows->batch == NULL);
	rows->stamp = next_stamp(rows);
	rows->save_cursor = 0;
	rows->rewritten = 0;
	rows->is_saving = true;
	for (uint32_t i = 0; i < rows->chunk_count; i++) {
		struct tr_rank_chunk *chunk = rows->chunks[i];

		if (chunk == NULL)
			continue;
		plan_saving(chunk, order);
		if (chunk->live > 0 && chunk->age != 0)
			base = TR_MIN(base, chunk->age);
		settle(rows, i); /* kept for a snapshot that was given up */
	}
	return base;
}

uint32_t tr_rank_rows_next(struct tr_rank_rows *rows, uint64_t age, size_t budget, uint32_t room,
			   const struct tr_rank_chunk **found, uint32_t *out)
{
	for (; rows->is_saving && rows->save_cursor < rows->chunk_count; rows->save_cursor++) {
		struct tr_rank_chunk *chunk = rows->chunks[rows->save_cursor];
		uint32_t count = 0;
		size_t bytes = 0;

		if (chunk == NULL)
			continue;
		while (chunk->save_at < chunk->save_count && count < room && bytes < budget) {
			const uint32_t row = chunk->save_at++;
			size_t length;

			if (chunk->gone[row] != 0 && chunk->gone[row] != rows->stamp)
				continue;
			length = tr_rank_rows_bytes(rows, chunk, row);
			bytes += length;
			rows->rewritten += row < chunk->old ? length : 0;
			out[count++] = row;
		}
		if (count > 0) {
			if (chunk->age == 0)
				chunk->age = age;
			*found = chunk;
			return count;
		}
		settle(rows, rows->save_cursor);
	}
	rows->is_saving = false;
	return 0;
}
