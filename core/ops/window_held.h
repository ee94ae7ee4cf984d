/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that wait until the watermark has passed theirs (sessions; op_window_session.c says why they wait).
 *
 *     batch ──add──▶ blocks: rows copied, each with its watermark and its time
 *     watermark W ──ready──▶ all rows with a watermark below W, in the order in which they are to be taken
 *
 * A row that is held at a barrier has a watermark of at least the operator's, W; one that was taken has less. So the record of a
 * row need not be written again: what is held of a stream of records are the rows at or above the watermark of the newest
 * checkpoint. A block is written once, in the background, for the first checkpoint after it came; until then it stays,
 * even if all of its rows have been taken. All blocks are in memory.
 *
 * Thread: one owner.
 */
#ifndef TR_CORE_OPS_WINDOW_HELD_H
#define TR_CORE_OPS_WINDOW_HELD_H

#include "base/batch.h"
#include "base/flow.h"
#include "core/ops/window_time.h"

struct tr_state_writer;
struct tr_snapshot_order;
struct tr_window_op;

struct tr_window_held_block;

/** A row that is to be taken. */
struct tr_window_row {
	const struct tr_batch *batch;
	int64_t watermark_ms;
	int64_t time_ms; /* local */
	uint32_t row;
	uint32_t order; /* of arrival */
};

struct tr_window_held {
	struct tr_window_held_block *first, *last, *spare;
	uint64_t count;              /* rows that are held */
	int64_t taken_ms;            /* those below this have been taken */
	size_t bytes;                /* about those of the blocks */
	uint32_t capacity;           /* of a block, at least */
	struct tr_window_row *ready; /* in order */
	size_t ready_count, ready_room;
	/* A snapshot: */
	struct tr_window_held_block *writing, *until; /* the next block to look at; the last one */
	uint64_t checkpoint, completed, rewrite_before;
	int64_t watermark_ms; /* at its barrier */
	int64_t *watermarks;  /* scratch */
	uint32_t *rows;
	uint32_t scratch_room;
};

/** `block_rows`: those that a block has room for. */
void tr_window_held_init(struct tr_window_held *held, uint32_t block_rows);
void tr_window_held_deinit(struct tr_window_held *held);

/** Copies the rows of a batch. `times` by position, local; `watermarks` by row of the batch, or NULL: those of its runs, at least
 * `watermark_ms`. */
void tr_window_held_add(struct tr_window_held *held, const struct tr_batch *batch, const int64_t *times,
			const int64_t *watermarks, int64_t watermark_ms);

/** Puts the rows below `watermark_ms` into `ready`: by watermark, and of equal watermark first those whose window [time, time +
 * gap) alone is on time, then the others, the greatest time first. */
void tr_window_held_ready(struct tr_window_held *held, struct tr_window_clock *clock, int64_t watermark_ms);

/** The rows in `ready` have been taken. */
void tr_window_held_done(struct tr_window_held *held);

/** The border of a snapshot; returns the age from which on records will be needed. */
uint64_t tr_window_held_snapshot(struct tr_window_held *held, const struct tr_snapshot_order *order,
				 int64_t watermark_ms);

/** Writes at least a block, about `budget` bytes. MORE, DONE or FAILED. */
enum tr_flow tr_window_held_step(struct tr_window_held *held, struct tr_window_op *w, struct tr_state_writer *writer,
				 size_t budget, struct tr_status *st);

#endif
