/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorter: takes rows of bytes (core/ops/sort_row.h) in any order, or streams of rows that are in order, and gives them back in
 * order; in memory, or beyond it in runs on disk.
 *
 *     room ──▶ the caller writes rows ──▶ add ──▶ items of a stream
 *     memory is full      step ──▶ the streams are merged into a run on disk
 *     too many runs       step ──▶ the smaller half is merged into one
 *     finish ──▶ next ..  the streams in memory and all runs are merged, a row at a time
 *
 * A stream is what one caller's subtask sends: its rows are sorted already, or all streams are one whose rows are not.
 *
 * Of a limited sort only the first `rows_needed` rows count. When twice as many are there, the rest is dropped, and what does not
 * come before the last that was kept is not taken any more: so it takes the room of the answer, and a row costs a comparison.
 *
 * Runs are records of the spill (state/spill.h), which checks their sums. All calls answer at once; BLOCKED: bytes are on their way
 * to or from the disk. Thread: one owner.
 */
#ifndef TR_CORE_OPS_SORTER_H
#define TR_CORE_OPS_SORTER_H

#include "base/bytes.h"
#include "core/ops/op.h"
#include "core/ops/sort_item.h"
#include "state/spill.h"

struct tr_sort_block {
	struct tr_sort_block *next;
	size_t room;
	char bytes[];
};

/** Items in memory. */
struct tr_sort_stream {
	struct tr_sort_item *items;
	size_t count, capacity;
};

/** One of those that are merged: items in memory, or a run. */
struct tr_sort_source {
	struct tr_sort_item head;
	const struct tr_sort_item *item, *end;
	struct tr_spill_reader reader;
	const char *at, *stop; /* rows of the record in hand */
	bool is_run;
};

struct tr_sorter {
	struct tr_op_context *context;
	uint64_t rows_needed; /* or TR_SORT_NO_LIMIT */
	bool are_streams_sorted;
	struct tr_sort_stream *streams;
	uint32_t stream_count;
	size_t row_count; /* in memory */
	struct tr_sort_block *blocks;
	size_t block_at;    /* used of the first one */
	size_t block_bytes; /* of all */
	bool has_threshold;
	struct tr_bytes threshold_bytes;
	struct tr_sort_item threshold; /* rows from here on are not needed */
	/* On disk: */
	struct tr_spill *spill; /* NULL: nothing has been there yet */
	struct tr_spill_run **runs;
	uint32_t run_count, run_capacity, runs_max;
	struct tr_spill_run *writing; /* a run that is being made; NULL: none */
	uint32_t merged_count;        /* how many runs, the first ones, become it; 0: memory does */
	uint64_t written;             /* rows of it */
	struct tr_bytes record;
	/* Merging: a heap of those that have a row, the least first. */
	struct tr_sort_source *sources;
	uint32_t source_count;
	struct tr_sort_source **heap;
	uint32_t heap_count;
	uint32_t opened;    /* sources that are in the heap, or empty */
	bool is_head_taken; /* the least has been given out */
};

void tr_sorter_init(struct tr_sorter *sorter, struct tr_op_context *context, uint64_t rows_needed,
		    bool are_streams_sorted);
void tr_sorter_deinit(struct tr_sorter *sorter);

/** Room for rows with their lengths in front, which stays where it is; valid until the next call. */
char *tr_sorter_room(struct tr_sorter *sorter, size_t bytes);

/** The room's first `used` bytes are kept. */
void tr_sorter_keep(struct tr_sorter *sorter, size_t used);

/** Adds a row that was written to the room. `stream`: any small number; 0 unless streams are sorted. */
void tr_sorter_add(struct tr_sorter *sorter, const char *row, uint32_t stream);

/** Whether a row with this prefix is certainly not needed. */
static inline bool tr_sorter_is_beyond(const struct tr_sorter *sorter, const struct tr_sort_item *item)
{
	return sorter->has_threshold && tr_sort_item_compare(item, &sorter->threshold) >= 0;
}

/** After rows were added: makes room, if need be. MORE: go on. */
enum tr_flow tr_sorter_step(struct tr_sorter *sorter);

/** All rows have been added: next gives them. */
enum tr_flow tr_sorter_finish(struct tr_sorter *sorter);

/** The next row, valid until the next call, or until deinit if all rows are in memory. DONE: that were all. */
enum tr_flow tr_sorter_next(struct tr_sorter *sorter, const char **row);

/** Whether all rows are in memory. */
static inline bool tr_sorter_is_in_memory(const struct tr_sorter *sorter) { return sorter->run_count == 0; }

size_t tr_sorter_memory(const struct tr_sorter *sorter);

#endif
