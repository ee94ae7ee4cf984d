/* SPDX-License-Identifier: Apache-2.0
 *
 * See window_held.h. Batches are copied one behind the other into a block until it is full, or a barrier comes.
 *
 * A block may be in memory, in the file, or in both: what was read for a pass and is not taken whole stays in the file as well, so
 * that it can leave memory again without being written. A block is in the file with the rows that are held when it is written, and
 * those that a snapshot still wants.
 */
#include "core/ops/window_held.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/state_record.h"
#include "base/type.h"
#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"
#include "core/ops/window_state.h"

#define BUFFER_BYTES_MIN ((size_t)64 << 10)
#define BUFFER_BYTES_MAX ((size_t)4 << 20)
#define BUFFER_SHARE 4 /* of the limit may be on its way to the file */
#define SPILL_SHARE 2  /* of the limit: so much stays when blocks go to the file, and so much a pass may read */

static const struct tr_window_held_key key_least = {INT64_MIN, INT64_MIN};

struct tr_window_held_block {
	struct tr_window_held_block *next;
	struct tr_batch_buffer *rows; /* NULL: only in the file */
	int64_t *watermarks;
	int64_t *times;
	uint32_t count;                  /* in memory, or those that the file has */
	uint32_t left;                   /* rows that are still held */
	struct tr_window_held_key taken; /* rows before it have been taken */
	struct tr_window_held_key least; /* of those that are held, or less */
	uint64_t written;                /* the last checkpoint that it was written for; 0: none */
	size_t bytes;                    /* of memory; if it is only in the file, those that it would take */
	bool is_closed;                  /* a barrier has come since, or it is in the file: nothing is added */
	bool is_wanted;                  /* by the pass that is being read */
	struct tr_spill_run *run;        /* in the file; or NULL */
};

/* -- keys -- */

static bool is_before(struct tr_window_held_key a, struct tr_window_held_key b)
{
	return a.watermark_ms != b.watermark_ms ? a.watermark_ms < b.watermark_ms : a.late < b.late;
}

static struct tr_window_held_key key_of(const struct tr_window_held_block *block, uint32_t row,
					struct tr_window_clock *clock)
{
	const int64_t watermark = block->watermarks[row], time = block->times[row];
	const bool is_late = tr_window_timer(clock, time + clock->spec.size_ms) <= watermark;

	return (struct tr_window_held_key){watermark, is_late ? -time : INT64_MIN};
}

/** Whether the row comes before `key`; its own is made only if its watermark does not tell. */
static bool is_row_before(const struct tr_window_held_block *block, uint32_t row, struct tr_window_clock *clock,
			  struct tr_window_held_key key)
{
	if (block->watermarks[row] != key.watermark_ms || key.late == INT64_MIN)
		return block->watermarks[row] < key.watermark_ms;
	return is_before(key_of(block, row, clock), key);
}

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

/** What is left is in the file. */
static void rows_free(struct tr_window_held *held, struct tr_window_held_block *block)
{
	held->bytes -= block->bytes;
	tr_batch_buffer_destroy(&block->rows);
	free(block->watermarks);
	free(block->times);
	block->watermarks = block->times = NULL;
}

static void rows_create(struct tr_window_held_block *block, const struct tr_schema *schema, uint32_t capacity)
{
	block->rows = tr_batch_buffer_create(schema, capacity);
	block->watermarks = tr_checked(malloc(capacity * sizeof(*block->watermarks)));
	block->times = tr_checked(malloc(capacity * sizeof(*block->times)));
}

static void block_destroy(struct tr_window_held *held, struct tr_window_held_block *block)
{
	if (block->rows != NULL)
		rows_free(held, block);
	if (block->run != NULL)
		tr_spill_drop(held->file, &block->run);
	free(block);
}

static struct tr_window_held_block *block_get(struct tr_window_held *held, const struct tr_schema *schema, uint32_t rows)
{
	struct tr_window_held_block *block = held->spare;

	if (block != NULL && block->rows->capacity >= rows) {
		held->spare = block->next;
		tr_batch_buffer_clear(block->rows);
	} else {
		block = tr_checked(calloc(1, sizeof(*block)));
		rows_create(block, schema, TR_MAX(rows, held->capacity));
	}
	measure(held, block);
	block->next = NULL;
	block->count = block->left = 0;
	block->written = 0;
	block->is_closed = false;
	block->taken = key_least;
	block->least = (struct tr_window_held_key){INT64_MAX, INT64_MIN};
	if (held->first == NULL)
		held->first = block;
	else
		held->last->next = block;
	held->last = block;
	return block;
}

/** A few are kept for the next rows, without a limit. */
static void block_put(struct tr_window_held *held, struct tr_window_held_block *block)
{
	if (held->limit > 0 || (held->spare != NULL && held->spare->next != NULL && held->spare->next->next != NULL)) {
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
}

tr_code tr_window_held_set_limit(struct tr_window_held *held, struct tr_window_op *w, struct tr_window_assign *assign,
				 struct tr_io_queue *queue, const char *path, size_t bytes, struct tr_status *st)
{
	const size_t buffer = TR_MIN(TR_MAX(bytes / BUFFER_SHARE, BUFFER_BYTES_MIN), BUFFER_BYTES_MAX);

	held->limit = TR_MAX(bytes, 1);
	held->w = w;
	held->assign = assign;
	return tr_spill_open(queue->disk, queue, path, buffer, &held->file, st);
}

void tr_window_held_deinit(struct tr_window_held *held)
{
	tr_spill_reader_deinit(&held->reader);
	tr_spill_reader_deinit(&held->copier);
	list_free(held, held->first);
	list_free(held, held->spare);
	tr_spill_close(&held->file);
	free(held->wanted);
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

/* -- to the file and back -- */

size_t tr_window_held_memory(const struct tr_window_held *held)
{
	size_t bytes = held->bytes + held->ready_room * sizeof(*held->ready);

	if (held->file == NULL)
		return bytes;
	for (uint32_t i = 0; i < TR_SPILL_READS_MAX; i++)
		bytes += held->reader.reads[i].room + held->copier.reads[i].room;
	return bytes + tr_spill_memory(held->file);
}

uint64_t tr_window_held_spilled(const struct tr_window_held *held)
{
	return held->file != NULL ? held->file->live_bytes : 0;
}

enum tr_flow tr_window_held_poll(struct tr_window_held *held, struct tr_status *st)
{
	enum tr_flow flow = TR_FLOW_MORE;

	if (held->file != NULL)
		flow = tr_spill_poll(held->file);
	if (flow == TR_FLOW_FAILED)
		*st = held->file->status;
	return flow;
}

tr_code tr_window_held_wait(struct tr_window_held *held, struct tr_status *st)
{
	return held->file != NULL ? tr_spill_wait(held->file, st) : TR_OK;
}

static void scratch_reserve(struct tr_window_held *held, uint32_t count)
{
	if (count <= held->scratch_room)
		return;
	held->scratch_room = count;
	held->rows = tr_checked(realloc(held->rows, count * sizeof(*held->rows)));
	held->watermarks = tr_checked(realloc(held->watermarks, count * sizeof(*held->watermarks)));
}

/** Takes records to a block's run. */
struct run_writer {
	struct tr_state_writer writer; /* first */
	struct tr_spill *file;
	struct tr_spill_run *run;
};

static tr_code put_to_run(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct run_writer *to = (struct run_writer *)writer;

	if (record->length > TR_STATE_RECORD_BYTES_MAX)
		TR_FAIL(st, TR_ERR_DATA, "session window: a record of waiting rows has %zu bytes", record->length);
	tr_spill_put(to->file, to->run, record->kind, record->bytes, record->length, 0, 0);
	return TR_OK;
}

/** Writes the rows that are held, or wanted by the snapshot that is being written, and counts what it has written. */
static tr_code block_spill(struct tr_window_held *held, struct tr_window_held_block *block, bool is_of_snapshot,
			   struct tr_status *st)
{
	struct tr_window_op *w = held->w;
	struct run_writer to = {.writer = {.put = put_to_run}, .file = held->file};
	const size_t bytes_put = w->state.bytes_put; /* of checkpoints only */
	struct tr_window_held_key least = {INT64_MAX, INT64_MIN};
	uint32_t n = 0;
	tr_code code;

	scratch_reserve(held, block->count);
	for (uint32_t i = 0; i < block->count; i++) {
		const bool is_held = !is_row_before(block, i, &w->clock, block->taken);

		if (is_held) {
			const struct tr_window_held_key key = key_of(block, i, &w->clock);

			least = is_before(key, least) ? key : least;
		} else if (!is_of_snapshot || block->watermarks[i] < held->watermark_ms) {
			continue;
		}
		held->rows[n] = i;
		held->watermarks[n++] = block->watermarks[i];
	}
	block->run = to.run = tr_spill_run_begin(held->file);
	code = tr_window_state_put_waiting(w, &to.writer, &block->rows->batch, held->rows, held->watermarks, n, st);
	w->state.bytes_put = bytes_put;
	tr_spill_run_end(held->file, to.run);
	block->is_closed = true;
	block->least = least;
	rows_free(held, block);
	block->count = n;
	return code;
}

/** Blocks to the file, the first to come first, until half of the limit is left. */
static tr_code spill(struct tr_window_held *held, struct tr_status *st)
{
	bool is_of_snapshot = false;

	for (struct tr_window_held_block *block = held->first; block != NULL && held->bytes > held->limit / SPILL_SHARE;
	     block = block->next) {
		is_of_snapshot |= block == held->writing;
		if (block->rows != NULL && block->run != NULL)
			rows_free(held, block);
		else if (block->rows != NULL && (block->left > 0 || is_of_snapshot))
			TR_TRY(block_spill(held, block, is_of_snapshot, st));
		if (block == held->until)
			is_of_snapshot = false;
	}
	return TR_OK;
}

/** A record of a block of the pass has come back. */
static tr_code block_fill(struct tr_window_held *held, struct tr_window_held_block *block,
			  const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_rows rows;
	struct tr_batch batch;
	uint32_t at;

	TR_TRY(tr_window_state_read_own_waiting(held->w, record, &rows, &batch, st));
	if (block->rows == NULL) {
		rows_create(block, batch.schema, block->count);
		block->count = 0;
		block->bytes = 0;
	}
	at = block->count;
	TR_ASSERT(block->rows->capacity - at >= rows.count);
	TR_TRY(tr_window_assign_times(held->assign, &batch, st));
	memcpy(block->times + at, held->assign->times, rows.count * sizeof(*block->times));
	memcpy(block->watermarks + at, rows.starts, rows.count * sizeof(*block->watermarks));
	for (uint32_t c = 0; c < batch.schema->column_count; c++)
		tr_column_buffer_gather(&block->rows->columns[c], at, &batch.columns[c], NULL, rows.count,
					&block->rows->heap);
	block->count += rows.count;
	tr_batch_buffer_seal(block->rows, block->count);
	measure(held, block);
	return TR_OK;
}

/** The block with the least row of those before `until` that are only in the file and not wanted yet; or NULL. */
static struct tr_window_held_block *least_in_file(struct tr_window_held *held, struct tr_window_held_key until)
{
	struct tr_window_held_block *least = NULL;

	for (struct tr_window_held_block *block = held->first; block != NULL; block = block->next)
		if (block->rows == NULL && block->left > 0 && !block->is_wanted && is_before(block->least, until) &&
		    (least == NULL || is_before(block->least, least->least)))
			least = block;
	return least;
}

/** Chooses what the next pass reads, and how far it goes. */
static void begin_pass(struct tr_window_held *held, struct tr_window_held_key until)
{
	struct tr_window_held_block *block;
	size_t bytes = 0;

	held->until_key = until;
	while ((block = least_in_file(held, until)) != NULL) {
		if (bytes > 0 && bytes + block->bytes > held->limit / SPILL_SHARE) {
			held->until_key = block->least; /* and those that are like it */
			held->until_key.late++;
			break;
		}
		bytes += TR_MAX(block->bytes, 1);
		if (held->wanted_count == held->wanted_room) {
			held->wanted_room = TR_MAX(held->wanted_room * 2, 16u);
			held->wanted = tr_checked(
				realloc(held->wanted, held->wanted_room * sizeof(struct tr_window_held_block *)));
		}
		tr_spill_reader_add(&held->reader, held->file, block->run, 0, UINT8_MAX, held->wanted_count);
		held->wanted[held->wanted_count++] = block;
		block->is_wanted = true;
	}
}

/** Reads what the pass wants. MORE: it is there. */
static enum tr_flow read_wanted(struct tr_window_held *held, struct tr_status *st)
{
	struct tr_spill_item item;
	enum tr_flow flow;

	while ((flow = tr_spill_reader_next(&held->reader, &item, st)) == TR_FLOW_MORE)
		if (block_fill(held, held->wanted[item.tag], &item.record, st) != TR_OK)
			return TR_FLOW_FAILED;
	if (flow != TR_FLOW_DONE)
		return flow;
	tr_spill_reader_clear(&held->reader);
	while (held->wanted_count > 0)
		held->wanted[--held->wanted_count]->is_wanted = false;
	return TR_FLOW_MORE;
}

/* -- rows -- */

tr_code tr_window_held_add(struct tr_window_held *held, const struct tr_batch *batch, const int64_t *times,
			   const int64_t *watermarks, int64_t watermark_ms, struct tr_status *st)
{
	const uint32_t n = batch->selected_count;
	struct tr_window_held_block *block = held->last;
	uint32_t run = 0, at;

	if (n == 0)
		return TR_OK;
	if (block == NULL || block->is_closed || block->rows->capacity - block->count < n)
		block = block_get(held, batch->schema, n);
	at = block->count;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t watermark =
			watermarks != NULL ? watermarks[row] : tr_window_row_watermark(batch, row, &run, watermark_ms);

		block->watermarks[at + i] = watermark;
		block->least.watermark_ms = TR_MIN(block->least.watermark_ms, watermark);
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
	return held->limit > 0 && held->bytes > held->limit ? spill(held, st) : TR_OK;
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

/** Puts the rows of a block before `until` into `ready`. */
static void take_rows(struct tr_window_held *held, struct tr_window_held_block *block, struct tr_window_clock *clock,
		      struct tr_window_held_key until, bool *is_sorted)
{
	const size_t before = held->ready_count;
	int64_t last = before > 0 ? held->ready[before - 1].watermark_ms : INT64_MIN;
	struct tr_window_held_key least = {INT64_MAX, INT64_MIN};
	size_t n = before;

	for (uint32_t i = 0; i < block->count; i++) {
		const int64_t watermark = block->watermarks[i];

		if (!is_row_before(block, i, clock, until)) {
			const struct tr_window_held_key key =
				held->limit > 0 ? key_of(block, i, clock)
						: (struct tr_window_held_key){watermark, INT64_MIN};

			least = is_before(key, least) ? key : least;
			continue;
		}
		if (is_row_before(block, i, clock, block->taken))
			continue;
		held->ready[n] =
			(struct tr_window_row){&block->rows->batch, watermark, block->times[i], i, (uint32_t)n};
		*is_sorted &= watermark >= last;
		last = watermark;
		n++;
	}
	block->left -= (uint32_t)(n - before);
	block->taken = until;
	block->least = least;
	held->ready_count = n;
}

enum tr_flow tr_window_held_ready(struct tr_window_held *held, struct tr_window_clock *clock, int64_t watermark_ms,
				  struct tr_status *st)
{
	const struct tr_window_held_key all = {watermark_ms, watermark_ms == TR_WATERMARK_MAX ? INT64_MAX : INT64_MIN};
	struct tr_window_held_key until = all;
	bool is_sorted = true;
	size_t room = 0;

	TR_ASSERT(held->ready_count == 0);
	if (held->limit > 0) {
		enum tr_flow flow;

		if (held->wanted_count == 0)
			begin_pass(held, all);
		flow = read_wanted(held, st);
		if (flow != TR_FLOW_MORE)
			return flow;
		until = held->until_key;
	}
	for (const struct tr_window_held_block *block = held->first; block != NULL; block = block->next)
		if (block->rows != NULL && is_before(block->least, until))
			room += block->left;
	if (room > held->ready_room) {
		held->ready_room = TR_MAX(room, held->limit > 0 ? 0 : held->ready_room * 2);
		free(held->ready);
		held->ready = tr_checked(malloc(held->ready_room * sizeof(*held->ready)));
	}
	for (struct tr_window_held_block *block = held->first; block != NULL; block = block->next)
		if (block->rows != NULL && block->left > 0 && is_before(block->least, until))
			take_rows(held, block, clock, until, &is_sorted);
	held->count -= held->ready_count;
	if (is_sorted)
		sort_runs(held, clock);
	else
		qsort(held->ready, held->ready_count, sizeof(*held->ready), compare_rows);
	return held->ready_count > 0 ? TR_FLOW_MORE : TR_FLOW_DONE;
}

void tr_window_held_done(struct tr_window_held *held)
{
	held->ready_count = 0;
	tidy(held);
	if (held->limit == 0 || held->bytes <= held->limit / SPILL_SHARE)
		return;
	for (struct tr_window_held_block *block = held->first; block != NULL; block = block->next) {
		if (block->rows == NULL || block->run == NULL)
			continue;
		rows_free(held, block);
	}
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
	held->is_copying = false; /* of one that was given up */
	tr_spill_reader_clear(&held->copier);
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

static void note_written(struct tr_window_held *held, struct tr_window_held_block *block,
			 struct tr_state_writer *writer, uint32_t rows)
{
	if (block->written != 0 && tr_state_age_checkpoint(block->written) <= held->completed)
		writer->rewritten += block->bytes / TR_MAX(block->count, 1) * rows;
	block->written = TR_MAX(writer->age, tr_state_age(held->checkpoint));
}

/** Writes the rows of a block in memory that were held at the barrier; *rows becomes how many. */
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
	note_written(held, block, writer, n);
	if (TR_BUG("window-waiting-twice"))
		TR_TRY(tr_window_state_put_waiting(w, writer, &block->rows->batch, held->rows, held->watermarks, n, st));
	return tr_window_state_put_waiting(w, writer, &block->rows->batch, held->rows, held->watermarks, n, st);
}

/** Writes a block of the file as it lies there: who loads leaves out what had been taken. MORE: it is written. */
static enum tr_flow block_copy(struct tr_window_held *held, struct tr_window_held_block *block,
			       struct tr_state_writer *writer, struct tr_status *st)
{
	struct tr_spill_item item;
	enum tr_flow flow;

	if (!held->is_copying)
		tr_spill_reader_add(&held->copier, held->file, block->run, 0, UINT8_MAX, 0);
	held->is_copying = true;
	while ((flow = tr_spill_reader_next(&held->copier, &item, st)) == TR_FLOW_MORE) {
		const tr_code code = writer->put(writer, &item.record, st);

		if (code != TR_OK)
			return TR_FLOW_FAILED;
		held->w->state.bytes_put += item.record.length;
	}
	if (flow != TR_FLOW_DONE)
		return flow;
	tr_spill_reader_clear(&held->copier);
	held->is_copying = false;
	note_written(held, block, writer, block->count);
	return TR_FLOW_MORE;
}

enum tr_flow tr_window_held_step(struct tr_window_held *held, struct tr_window_op *w, struct tr_state_writer *writer,
				 size_t budget, struct tr_status *st)
{
	while (held->writing != NULL && budget > 0) {
		struct tr_window_held_block *block = held->writing;
		uint32_t rows = 0;

		if (is_due(held, block) && block->run != NULL) {
			const enum tr_flow flow = block_copy(held, block, writer, st);

			if (flow != TR_FLOW_MORE)
				return flow;
			rows = block->count;
		} else if (is_due(held, block) && block_write(held, block, w, writer, &rows, st) != TR_OK) {
			return TR_FLOW_FAILED;
		}
		budget -= TR_MIN(budget, 64 + block->bytes / TR_MAX(block->count, 1) * rows);
		held->writing = block == held->until ? NULL : block->next;
	}
	if (held->writing != NULL)
		return TR_FLOW_MORE;
	held->until = NULL;
	tidy(held);
	return TR_FLOW_DONE;
}
