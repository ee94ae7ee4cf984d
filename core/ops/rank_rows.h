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
 * Saving. Each row is written once: a chunk remembers how many of its rows complete checkpoints have, and since which age. At a
 * barrier the number of its rows is noted, too; pieces of the snapshot write those behind the former and before the latter that lived
 * then. A row that goes meanwhile is marked with the snapshot's number, and its chunk stays until it is written. The numbers
 * are 1 .. 254, then 1 again: rows that are gone by then get one that no snapshot has, so they stay gone. What a checkpoint had
 * that was given up is written again, and a whole chunk when it is asked for because of its age.
 *
 * Thread: the operator's.
 */
#ifndef TR_CORE_OPS_RANK_ROWS_H
#define TR_CORE_OPS_RANK_ROWS_H

#include "base/batch.h"
#include "base/state_record.h"

#define TR_RANK_CHUNK_ROWS 1024u

struct tr_rank_chunk {
	struct tr_batch_buffer *buffer;
	struct tr_column *columns; /* what has been copied, as columns */
	uint8_t *gone;             /* by row: 0, or the number of the snapshot in whose time it was removed */
	uint32_t *slots;           /* by row: its group */
	uint32_t count;
	uint32_t copied;
	uint32_t live;
	int64_t part;      /* its number in records; never used again */
	size_t long_bytes; /* of texts and lists */
	bool is_sparse;    /* is in the list */
	/* Saving: */
	uint32_t save_at; /* rows [save_at, save_count) may have to be written */
	uint32_t save_count;
	uint32_t written; /* rows that complete checkpoints have */
	uint32_t old;     /* rows that are written only because of their age */
	uint64_t age;     /* of the first of them; 0: none has been written */
	uint64_t saving;  /* the last checkpoint that was begun, and how many rows it is to have */
	uint32_t saving_count;
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
	uint8_t stamp; /* of the last snapshot */
	bool is_saving;
	uint32_t save_cursor;
	uint64_t rewritten; /* bytes since the barrier that were only old */
	int64_t last_part;
	uint64_t live;
	bool has_long; /* columns of texts, lists, rows */
	size_t bytes;
};

void tr_rank_rows_init(struct tr_rank_rows *rows, const struct tr_schema *schema);
void tr_rank_rows_deinit(struct tr_rank_rows *rows);

/** Forgets all rows. Not while some are to be written. */
void tr_rank_rows_clear(struct tr_rank_rows *rows);

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

/** A barrier: fixes what is to be written. Returns the age from which on records are still needed. */
uint64_t tr_rank_rows_save(struct tr_rank_rows *rows, const struct tr_snapshot_order *order);

/** The next rows to be written, of one chunk, about `budget` bytes and at most `room` of them; they stay where they are until the
 * next call. `age`: they will have at least this one. Returns how many; 0: that was all. */
uint32_t tr_rank_rows_next(struct tr_rank_rows *rows, uint64_t age, size_t budget, uint32_t room,
			   const struct tr_rank_chunk **chunk, uint32_t *out);

/** About the bytes of a row. */
size_t tr_rank_rows_bytes(const struct tr_rank_rows *rows, const struct tr_rank_chunk *chunk, uint32_t row);

#endif
