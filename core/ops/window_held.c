/* SPDX-License-Identifier: Apache-2.0
 *
 * See window_held.h. Batches are copied one behind the other into a block until it is full, or a barrier comes.
 */
#include "core/ops/window_held.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/state_record.h"
#include "base/type.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"

struct tr_window_held_block {
	struct tr_window_held_block *next;
	struct tr_batch_buffer *rows;
	int64_t *watermarks;
	int64_t *times;
	uint32_t count;
	uint32_t left;           /* rows that are still held */
	int64_t least, greatest; /* watermark */
	uint64_t written;        /* the last checkpoint that it was written for; 0: none */
	size_t bytes;            /* of memory */
	bool is_closed;          /* a barrier has come since: nothing is added */
};

/* -- blocks -- */

/** Its memory is what it is now. */
static void measure(struct tr_window_held *held, struct tr_window_held_block *block)
{
	size_t width = sizeof(int64_t) * 2;

	for (uint32_t c = 0; c < block->rows->batch.schema->column_count; c++)
		width += tr_phys_bytes((enum tr_phys)block->rows->batch.schema->types[c]->phys);
	held->bytes -= block->bytes;
	block->bytes = sizeof(*block) + width * block->rows->capacity + block->rows->heap.arena.total_bytes;
	held->bytes += block->bytes;
}

static void block_destroy(struct tr_window_held *held, struct tr_window_held_block *block)
{
	held->bytes -= block->bytes;
	tr_batch_buffer_destroy(&block->rows);
	free(block->watermarks);
	free(block->times);
	free(block);
}

static struct tr_window_held_block *block_get(struct tr_window_held *held, const struct tr_schema *schema, uint32_t rows)
{
	struct tr_window_held_block *block = held->spare;

	if (block != NULL && block->rows->capacity >= rows) {
		held->spare = block->next;
		tr_batch_buffer_clear(block->rows);
	} else {
		const uint32_t capacity = TR_MAX(rows, held->capacity);

		block = tr_checked(calloc(1, sizeof(*block)));
		block->rows = tr_batch_buffer_create(schema, capacity);
		block->watermarks = tr_checked(malloc(capacity * sizeof(*block->watermarks)));
		block->times = tr_checked(malloc(capacity * sizeof(*block->times)));
	}
	measure(held, block);
	block->next = NULL;
	block->count = block->left = 0;
	block->written = 0;
	block->is_closed = false;
	block->least = INT64_MAX;
	block->greatest = INT64_MIN;
	if (held->first == NULL)
		held->first = block;
	else
		held->last->next = block;
	held->last = block;
	return block;
}

/** A few are kept for the next rows. */
static void block_put(struct tr_window_held *held, struct tr_window_held_block *block)
{
	if (held->spare != NULL && held->spare->next != NULL && held->spare->next->next != NULL) {
		block_destroy(held, block);
		return;
	}
	block->next = held->spare;
	held->spare = block;
}

static void list_free(struct tr_window_held *held, struct tr_window_held_block *block)
{
	while (block != NULL) {
		struct tr_window_held_block *next = block->next;

		block_destroy(held, block);
		block = next;
	}
}

void tr_window_held_init(struct tr_window_held *held, uint32_t block_rows)
{
	memset(held, 0, sizeof(*held));
	held->capacity = block_rows;
	held->taken_ms = INT64_MIN;
}

void tr_window_held_deinit(struct tr_window_held *held)
{
	list_free(held, held->first);
	list_free(held, held->spare);
	free(held->ready);
	free(held->watermarks);
	free(held->rows);
	memset(held, 0, sizeof(*held));
}

/** Takes out the blocks that nobody needs any more. */
static void tidy(struct tr_window_held *held)
{
	struct tr_window_held_block **link = &held->first, *before = NULL;
	bool is_wanted = false; /* by the snapshot that is being written */

	if (held->ready_count > 0) /* they are in the blocks */
		return;
	while (*link != NULL) {
		struct tr_window_held_block *block = *link;
		const bool is_last = block == held->until;

		is_wanted |= block == held->writing;
		if (block->left > 0 || is_wanted) {
			link = &block->next;
			before = block;
		} else {
			*link = block->next;
			block_put(held, block);
		}
		if (is_last)
			is_wanted = false;
	}
	held->last = before;
}

/* -- rows -- */

void tr_window_held_add(struct tr_window_held *held, const struct tr_batch *batch, const int64_t *times,
			const int64_t *watermarks, int64_t watermark_ms)
{
	const uint32_t n = batch->selected_count;
	struct tr_window_held_block *block = held->last;
	uint32_t run = 0, at;

	if (n == 0)
		return;
	if (block == NULL || block->is_closed || block->rows->capacity - block->count < n)
		block = block_get(held, batch->schema, n);
	at = block->count;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t watermark =
			watermarks != NULL ? watermarks[row] : tr_window_row_watermark(batch, row, &run, watermark_ms);

		block->watermarks[at + i] = watermark;
		block->least = TR_MIN(block->least, watermark);
		block->greatest = TR_MAX(block->greatest, watermark);
	}
	memcpy(block->times + at, times, n * sizeof(*times));
	for (uint32_t c = 0; c < batch->schema->column_count; c++)
		tr_column_buffer_gather(&block->rows->columns[c], at, &batch->columns[c], batch->selection, n,
					&block->rows->heap);
	block->count += n;
	block->left += n;
	held->count += n;
	tr_batch_buffer_seal(block->rows, block->count);
	measure(held, block);
}

/** By watermark, then the greatest time first; rows that agree in both, in the order of arrival. */
static int compare_rows(const void *a, const void *b)
{
	const struct tr_window_row *x = a, *y = b;

	if (x->watermark_ms != y->watermark_ms)
		return x->watermark_ms < y->watermark_ms ? -1 : 1;
	if (x->time_ms != y->time_ms)
		return x->time_ms > y->time_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/** Rows in the order of their watermarks: sorts those runs of equal ones that have a row which alone would be late. */
static void sort_runs(struct tr_window_held *held, struct tr_window_clock *clock)
{
	struct tr_window_row *rows = held->ready;

	for (size_t i = 0, next; i < held->ready_count; i = next) {
		bool has_late = false;

		for (next = i; next < held->ready_count && rows[next].watermark_ms == rows[i].watermark_ms; next++)
			has_late |= tr_window_timer(clock, rows[next].time_ms + clock->spec.size_ms) <=
				    rows[i].watermark_ms;
		if (has_late)
			qsort(rows + i, next - i, sizeof(*rows), compare_rows);
	}
}

void tr_window_held_ready(struct tr_window_held *held, struct tr_window_clock *clock, int64_t watermark_ms)
{
	const bool is_end = watermark_ms == TR_WATERMARK_MAX;
	int64_t before = INT64_MIN;
	bool is_sorted = true;
	size_t n = 0;

	TR_ASSERT(held->ready_count == 0);
	if (held->count > held->ready_room) {
		held->ready_room = TR_MAX(held->count, held->ready_room * 2);
		free(held->ready);
		held->ready = tr_checked(malloc(held->ready_room * sizeof(*held->ready)));
	}
	for (struct tr_window_held_block *block = held->first; block != NULL; block = block->next) {
		if (block->left == 0 || (block->least >= watermark_ms && !is_end))
			continue;
		for (uint32_t i = 0; i < block->count; i++) {
			const int64_t watermark = block->watermarks[i];

			if (watermark < held->taken_ms || (watermark >= watermark_ms && !is_end))
				continue;
			held->ready[n] =
				(struct tr_window_row){&block->rows->batch, watermark, block->times[i], i, (uint32_t)n};
			is_sorted &= watermark >= before;
			before = watermark;
			block->left--;
			n++;
		}
	}
	held->ready_count = n;
	held->count -= n;
	held->taken_ms = watermark_ms;
	if (is_sorted)
		sort_runs(held, clock);
	else
		qsort(held->ready, n, sizeof(*held->ready), compare_rows);
}

void tr_window_held_done(struct tr_window_held *held)
{
	held->ready_count = 0;
	tidy(held);
}

/* -- snapshots -- */

/** Whether the block has to be written for the snapshot. */
static bool is_due(const struct tr_window_held *held, const struct tr_window_held_block *block)
{
	return block->written == 0 || tr_state_age_checkpoint(block->written) > held->completed ||
	       block->written < held->rewrite_before;
}

uint64_t tr_window_held_snapshot(struct tr_window_held *held, const struct tr_snapshot_order *order,
				 int64_t watermark_ms)
{
	uint64_t base = tr_state_age(order->checkpoint);

	TR_ASSERT(held->ready_count == 0);
	held->checkpoint = order->checkpoint;
	held->completed = order->completed;
	held->rewrite_before = order->rewrite_before;
	held->watermark_ms = watermark_ms;
	held->writing = held->until = NULL;
	tidy(held);
	for (struct tr_window_held_block *block = held->first; block != NULL; block = block->next) {
		block->is_closed = true;
		if (!is_due(held, block))
			base = TR_MIN(base, block->written);
	}
	held->writing = held->first;
	held->until = held->last;
	return base;
}

static void scratch_reserve(struct tr_window_held *held, uint32_t count)
{
	if (count <= held->scratch_room)
		return;
	held->scratch_room = count;
	held->rows = tr_checked(realloc(held->rows, count * sizeof(*held->rows)));
	held->watermarks = tr_checked(realloc(held->watermarks, count * sizeof(*held->watermarks)));
}

/** Writes the rows of a block that were held at the barrier; *rows becomes how many. */
static tr_code block_write(struct tr_window_held *held, struct tr_window_held_block *block, struct tr_window_op *w,
			   struct tr_state_writer *writer, uint32_t *rows, struct tr_status *st)
{
	uint32_t n = 0;

	scratch_reserve(held, block->count);
	for (uint32_t i = 0; i < block->count; i++) {
		if (block->watermarks[i] < held->watermark_ms)
			continue;
		held->rows[n] = i;
		held->watermarks[n++] = block->watermarks[i];
	}
	*rows = n;
	if (block->written != 0 && tr_state_age_checkpoint(block->written) <= held->completed)
		writer->rewritten += block->bytes / TR_MAX(block->count, 1) * n;
	block->written = TR_MAX(writer->age, tr_state_age(held->checkpoint));
	return tr_window_state_put_waiting(w, writer, &block->rows->batch, held->rows, held->watermarks, n, st);
}

enum tr_flow tr_window_held_step(struct tr_window_held *held, struct tr_window_op *w, struct tr_state_writer *writer,
				 size_t budget, struct tr_status *st)
{
	while (held->writing != NULL && budget > 0) {
		struct tr_window_held_block *block = held->writing;
		uint32_t rows = 0;

		if (is_due(held, block) && block_write(held, block, w, writer, &rows, st) != TR_OK)
			return TR_FLOW_FAILED;
		budget -= TR_MIN(budget, 64 + block->bytes / TR_MAX(block->rows->capacity, 1) * rows);
		held->writing = block == held->until ? NULL : block->next;
	}
	if (held->writing != NULL)
		return TR_FLOW_MORE;
	held->until = NULL;
	tidy(held);
	return TR_FLOW_DONE;
}
