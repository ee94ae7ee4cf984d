/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch buffers: a batch with memory of its own, filled once, read by one consumer, cleared and filled again.
 *
 *     create ──▶ clear ──▶ write columns, kinds, runs ──▶ seal ──▶ read buffer->batch ──▶ clear ...
 *
 * The columns' part is in base/column_buffer.c. What is kept over a clear (column memory, heap blocks, room for runs)
 * grows to what the job needs and stays there, so a warm buffer never allocates. Thread: one owner at a time; a ring
 * hands the ownership on.
 */
#include "base/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"

#define RUNS_INITIAL 16
#define HEAP_BLOCK_BYTES ((size_t)16 << 10)

struct tr_batch_buffer *tr_batch_buffer_create(const struct tr_schema *schema, uint32_t capacity)
{
	struct tr_batch_buffer *buffer = calloc(1, sizeof(*buffer));

	TR_ASSERT(schema != NULL && schema->column_count <= TR_COLUMNS_MAX);
	TR_ASSERT(capacity >= 1 && capacity <= TR_BATCH_ROWS_MAX);
	TR_ASSERT(buffer != NULL);
	buffer->capacity = capacity;
	buffer->columns = calloc(schema->column_count + 1, sizeof(*buffer->columns));
	buffer->column_views = calloc(schema->column_count + 1, sizeof(*buffer->column_views));
	buffer->kinds = calloc(capacity, sizeof(*buffer->kinds));
	buffer->selection = calloc(capacity, sizeof(*buffer->selection));
	buffer->runs = calloc(RUNS_INITIAL, sizeof(*buffer->runs));
	buffer->run_capacity = RUNS_INITIAL;
	TR_ASSERT(buffer->columns != NULL && buffer->column_views != NULL && buffer->kinds != NULL);
	TR_ASSERT(buffer->selection != NULL && buffer->runs != NULL);
	for (uint32_t i = 0; i < schema->column_count; i++)
		tr_column_buffer_init(&buffer->columns[i], schema->types[i], capacity);
	tr_arena_init(&buffer->heap.arena, HEAP_BLOCK_BYTES);
	buffer->batch.schema = schema;
	buffer->batch.columns = buffer->column_views;
	tr_batch_buffer_clear(buffer);
	return buffer;
}

void tr_batch_buffer_destroy(struct tr_batch_buffer **buffer)
{
	struct tr_batch_buffer *b = *buffer;

	*buffer = NULL;
	if (b == NULL)
		return;
	for (uint32_t i = 0; i < b->batch.schema->column_count; i++)
		tr_column_buffer_deinit(&b->columns[i]);
	tr_arena_deinit(&b->heap.arena);
	free(b->columns);
	free(b->column_views);
	free(b->kinds);
	free(b->selection);
	free(b->runs);
	free(b);
}

void tr_batch_buffer_clear(struct tr_batch_buffer *buffer)
{
	struct tr_batch *batch = &buffer->batch;

	for (uint32_t i = 0; i < batch->schema->column_count; i++)
		tr_column_buffer_clear(&buffer->columns[i]);
	tr_arena_reset(&buffer->heap.arena);
	buffer->has_kinds = false;
	batch->row_count = 0;
	batch->selected_count = 0;
	batch->selection = NULL;
	batch->row_kinds = NULL;
	batch->runs = NULL;
	batch->run_count = 0;
	batch->watermark_ms = TR_WATERMARK_MIN;
}

void tr_batch_buffer_seal(struct tr_batch_buffer *buffer, uint32_t row_count)
{
	struct tr_batch *batch = &buffer->batch;

	TR_ASSERT(row_count <= buffer->capacity);
	for (uint32_t i = 0; i < batch->schema->column_count; i++) {
		buffer->columns[i].length = row_count;
		buffer->column_views[i] = tr_column_buffer_view(&buffer->columns[i]);
	}
	batch->row_count = row_count;
	batch->selected_count = row_count;
	batch->selection = NULL;
	batch->row_kinds = buffer->has_kinds ? buffer->kinds : NULL;
	batch->runs = batch->run_count > 0 ? buffer->runs : NULL;
	TR_DASSERT(batch->run_count == 0 || row_count == 0 || buffer->runs[batch->run_count - 1].row < row_count);
}

struct tr_view tr_batch_buffer_view(struct tr_batch_buffer *buffer, const char *text, uint32_t length)
{
	if (length > TR_VIEW_INLINE_MAX) {
		char *copy = tr_arena_alloc_aligned(&buffer->heap.arena, length, 1);

		memcpy(copy, text, length);
		text = copy;
	}
	return tr_view_make(text, length);
}

void tr_batch_buffer_add_run(struct tr_batch_buffer *buffer, uint32_t row, int64_t watermark_ms)
{
	struct tr_batch *batch = &buffer->batch;
	const uint32_t count = batch->run_count;

	if (count > 0) {
		struct tr_watermark_run *last = &buffer->runs[count - 1];

		TR_ASSERT(row >= last->row);
		if (last->watermark_ms == watermark_ms)
			return;
		if (last->row == row) { /* the last run covers no row: it becomes this one */
			last->watermark_ms = watermark_ms;
			return;
		}
	} else {
		TR_ASSERT(row == 0);
	}
	if (count == buffer->run_capacity) {
		buffer->run_capacity *= 2;
		buffer->runs = realloc(buffer->runs, buffer->run_capacity * sizeof(*buffer->runs));
		TR_ASSERT(buffer->runs != NULL);
	}
	buffer->runs[count] = (struct tr_watermark_run){.row = row, .watermark_ms = watermark_ms};
	batch->run_count = count + 1;
}

static void append_kinds(struct tr_batch_buffer *target, uint32_t at, const struct tr_batch *source,
			 const uint32_t *rows, uint32_t count)
{
	uint8_t *kinds = target->kinds;

	if (source->row_kinds == NULL) {
		if (target->has_kinds)
			memset(kinds + at, TR_ROW_INSERT, count);
		return;
	}
	if (!target->has_kinds) {
		memset(kinds, TR_ROW_INSERT, at);
		target->has_kinds = true;
	}
	for (uint32_t i = 0; i < count; i++)
		kinds[at + i] = source->row_kinds[rows != NULL ? rows[i] : i];
}

/** The first position in rows[from .. count) whose row is not below `row`. */
static uint32_t lower_bound(const uint32_t *rows, uint32_t from, uint32_t count, uint32_t row)
{
	if (rows == NULL)
		return TR_MIN(TR_MAX(row, from), count);
	while (from < count) {
		const uint32_t middle = from + (count - from) / 2;

		if (rows[middle] < row)
			from = middle + 1;
		else
			count = middle;
	}
	return from;
}

static void append_runs(struct tr_batch_buffer *target, uint32_t at, const struct tr_batch *source,
			const uint32_t *rows, uint32_t count)
{
	uint32_t position = 0;

	if (source->run_count == 0) {
		if (target->batch.run_count > 0)
			tr_batch_buffer_add_run(target, at, TR_WATERMARK_MIN);
		return;
	}
	if (target->batch.run_count == 0 && at > 0)
		tr_batch_buffer_add_run(target, 0, TR_WATERMARK_MIN);
	for (uint32_t r = 0; r < source->run_count && position < count; r++) {
		const uint32_t end =
			r + 1 < source->run_count ? lower_bound(rows, position, count, source->runs[r + 1].row) : count;

		if (end > position)
			tr_batch_buffer_add_run(target, at + position, source->runs[r].watermark_ms);
		position = end;
	}
}

uint32_t tr_batch_buffer_append(struct tr_batch_buffer *target, uint32_t at, const struct tr_batch *source,
				const uint32_t *rows, uint32_t count)
{
	const uint32_t column_count = target->batch.schema->column_count;

	TR_ASSERT(at <= target->capacity && count <= target->capacity - at);
	TR_ASSERT(source->schema->column_count == column_count);
	if (count == 0)
		return at;
	TR_DASSERT(rows == NULL ? count <= source->row_count : rows[count - 1] < source->row_count);
	for (uint32_t i = 0; i < column_count; i++)
		tr_column_buffer_gather(&target->columns[i], at, &source->columns[i], rows, count, &target->heap);
	append_kinds(target, at, source, rows, count);
	append_runs(target, at, source, rows, count);
	return at + count;
}
