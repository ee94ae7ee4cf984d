/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch: up to a few thousand rows as columns of one schema. The thing that moves.
 *
 * A `struct tr_batch` borrows everything it points to. Rows are numbered 0 .. row_count - 1; when `selection` is set,
 * only the rows it lists (ascending) exist, and a filter is nothing but a shorter list. Row kinds follow Flink's
 * changelog; no array means that all rows are inserts.
 *
 * Watermark runs say which watermark was in force when a row arrived: run r covers rows [runs[r].row, runs[r+1].row),
 * the last one up to the end. runs[0].row is 0. No runs (run_count 0) means that there is no event time: nothing is
 * late. Rows never carry a watermark that moved because of themselves: Flink forwards a row before the watermark that
 * it causes. Behind several channels the watermarks of a batch's runs need not ascend. `watermark` is what is in force
 * after the last row; the runtime passes it on as a control element.
 *
 * A batch that has to outlive the call that made it is a `struct tr_batch_buffer`: the same batch with memory of its
 * own for values, strings, selection and runs. Decoders fill one, exchanges fill one per target, a ring carries a
 * pointer to one. Its memory is kept when it is cleared: a warm one never allocates.
 */
#ifndef TR_BASE_BATCH_H
#define TR_BASE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/column.h"

/** A growable byte heap whose bytes never move: strings of an owned batch. Blocks are kept by clear. */
struct tr_heap {
	struct tr_arena arena;
};

/** Writable memory of one column of an owned batch. `view` is what the batch's columns[] shows. */
struct tr_column_buffer {
	const struct tr_type *type;
	void *data;
	uint64_t *validity; /* allocated for the capacity; all ones after clear */
	int32_t *offsets;   /* LIST */
	uint32_t capacity;  /* rows */
	uint32_t length;    /* rows appended: used by children of LIST, whose length differs from the batch's */
	bool has_nulls;     /* only then the batch's column shows the bitmap */
	uint32_t child_count;
	struct tr_column_buffer *children;
	struct tr_column *child_columns; /* what tr_column.children shows */
};

/** A batch with memory of its own. Single owner at a time; ownership moves through a ring. */
struct tr_batch_buffer {
	struct tr_batch batch; /* what readers see; valid after tr_batch_buffer_seal */
	struct tr_column_buffer *columns;
	struct tr_column *column_views;
	uint8_t *kinds; /* capacity bytes */
	bool has_kinds;
	uint32_t *selection; /* capacity entries */
	struct tr_watermark_run *runs;
	uint32_t run_capacity;
	uint32_t capacity;   /* rows */
	struct tr_heap heap; /* string bytes */
};

/** Allocates memory for `capacity` rows of `schema` (1 .. TR_BATCH_ROWS_MAX). Never fails. The schema must outlive it. */
struct tr_batch_buffer *tr_batch_buffer_create(const struct tr_schema *schema, uint32_t capacity);
void tr_batch_buffer_destroy(struct tr_batch_buffer **buffer);

/** Empties it: no rows, no NULLs, no runs, heap reset; memory is kept. */
void tr_batch_buffer_clear(struct tr_batch_buffer *buffer);

/** Makes `batch` show `row_count` rows of the column buffers (no selection). Call after writing, before reading. */
void tr_batch_buffer_seal(struct tr_batch_buffer *buffer, uint32_t row_count);

/** Copies `length` bytes into the buffer's heap when longer than 12 and returns a view of them. */
struct tr_view tr_batch_buffer_view(struct tr_batch_buffer *buffer, const char *text, uint32_t length);

/** Adds a run starting at `row`; merges with the last one when the watermark is the same. */
void tr_batch_buffer_add_run(struct tr_batch_buffer *buffer, uint32_t row, int64_t watermark_ms);

/** Makes room for at least `capacity` rows in a column buffer (used for children of lists), keeping its content. */
void tr_column_buffer_reserve(struct tr_column_buffer *column, uint32_t capacity);

/** Appends the given source rows (physical indexes) of a column at row `at` of `target`; strings are copied to `heap`.
 * Nested types included. The target must have room (children grow by themselves). */
void tr_column_buffer_gather(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,
			     const uint32_t *rows, uint32_t count, struct tr_heap *heap);

/** Appends rows of `source` to `target` from row `at` on: columns, row kinds and the watermark runs of those rows.
 * Returns the new row count; the caller seals. `rows` are physical indexes, ascending; at + count <= capacity. */
uint32_t tr_batch_buffer_append(struct tr_batch_buffer *target, uint32_t at, const struct tr_batch *source,
				const uint32_t *rows, uint32_t count);

/** A read-only view of a column buffer holding `length` rows, for use as a column. */
struct tr_column tr_column_buffer_view(const struct tr_column_buffer *column);

/** The index of the run that covers physical row `row`, searching from `hint` upward. run_count must be > 0. */
static inline uint32_t tr_batch_run_of(const struct tr_batch *batch, uint32_t row, uint32_t hint)
{
	while (hint + 1 < batch->run_count && batch->runs[hint + 1].row <= row)
		hint++;
	return hint;
}

#endif
