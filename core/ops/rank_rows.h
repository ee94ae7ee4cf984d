/* SPDX-License-Identifier: Apache-2.0
 *
 * Rank rows: the rows that op_window_rank.c keeps, in chunks of columns.
 *
 *     add ──▶ | chunk | chunk | chunk (open) |    a row is named by a number: chunk * TR_RANK_CHUNK_ROWS + row
 *
 * A chunk only grows; a row that is removed keeps its place until all of its chunk are gone, or until so few are left that
 * the owner moves them (tr_rank_rows_sparse). What a batch adds is copied at its end, column by column; until then the
 * rows are read where they are (tr_rank_rows_at hides that).
 *
 * Saving. At a barrier each chunk's number of rows is noted; pieces of a snapshot write the rows that lived then. A row that
 * goes meanwhile is marked with the snapshot's number, and its chunk stays until it is written. The numbers come again after
 * 255 snapshots: then a row that has long gone may be written once more, and whoever loads it finds better ones.
 *
 * Thread: the operator's.
 */
#ifndef TR_CORE_OPS_RANK_ROWS_H
#define TR_CORE_OPS_RANK_ROWS_H

#include "base/batch.h"

#define TR_RANK_CHUNK_ROWS 1024u

struct tr_rank_chunk {
	struct tr_batch_buffer *buffer;
	struct tr_column *columns; /* what has been copied, as columns */
	uint8_t *gone;             /* by row: 0, or the number of the snapshot in whose time it was removed */
	uint32_t *slots;           /* by row: its group */
	uint32_t count;
	uint32_t copied;
	uint32_t live;
	uint32_t save_at; /* rows [save_at, save_count) may have to be written */
	uint32_t save_count;
	bool is_sparse; /* is in the list */
};

struct tr_rank_rows {
	const struct tr_schema *schema;
	struct tr_rank_chunk **chunks; /* NULL: the number is free */
	uint32_t chunk_count;
	uint32_t chunk_capacity;
	uint32_t *spare; /* free numbers */
	uint32_t spare_count;
	uint32_t open;                /* the chunk that grows; UINT32_MAX: none */
	const struct tr_batch *batch; /* rows that are not copied are here */
	uint32_t added[TR_RANK_CHUNK_ROWS];
	uint32_t *sparse; /* chunks of which few rows live */
	uint32_t sparse_count;
	uint8_t stamp; /* of the last snapshot, 1 .. 254, then 1 again */
	uint32_t save_cursor;
	uint64_t live;
	size_t bytes;
};

void tr_rank_rows_init(struct tr_rank_rows *rows, const struct tr_schema *schema);
void tr_rank_rows_deinit(struct tr_rank_rows *rows);

/** Rows are added from this batch (of the schema) until tr_rank_rows_end, which copies them. */
void tr_rank_rows_begin(struct tr_rank_rows *rows, const struct tr_batch *batch);
uint32_t tr_rank_rows_add(struct tr_rank_rows *rows, uint32_t row, uint32_t slot);
void tr_rank_rows_end(struct tr_rank_rows *rows);

void tr_rank_rows_remove(struct tr_rank_rows *rows, uint32_t ref);

/** A chunk whose rows are to be moved, which the caller does for each that lives; UINT32_MAX: none. Not within a batch. */
uint32_t tr_rank_rows_sparse(struct tr_rank_rows *rows);
/** Copies a row to another chunk and removes it; returns its new name. */
uint32_t tr_rank_rows_move(struct tr_rank_rows *rows, uint32_t ref);

/** The columns and the row in which a row is found. */
static inline uint32_t tr_rank_rows_at(const struct tr_rank_rows *rows, uint32_t ref, const struct tr_column **columns)
{
	const struct tr_rank_chunk *chunk = rows->chunks[ref / TR_RANK_CHUNK_ROWS];
	const uint32_t row = ref % TR_RANK_CHUNK_ROWS;

	if (row < chunk->copied) {
		*columns = chunk->columns;
		return row;
	}
	*columns = rows->batch->columns;
	return rows->added[row];
}

/** A barrier: all rows that live now are to be written. */
void tr_rank_rows_save(struct tr_rank_rows *rows);

/** The next rows to be written, of one chunk, about `budget` bytes and at most `room` of them; they stay where they are until the
 * next call. Returns how many; 0: that was all. */
uint32_t tr_rank_rows_next(struct tr_rank_rows *rows, size_t budget, uint32_t room, const struct tr_column **columns,
			   uint32_t *out);

#endif
