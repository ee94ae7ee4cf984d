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
 * even if all of its rows have been taken.
 *
 * With a limit, blocks beyond it go to a file (state/spill.h), in the order of arrival: in memory stays what a block is and its least
 * row. Rows are taken in passes then. A pass reads the blocks with the least rows, as many as half of the limit has room for,
 * and takes what of them and of those in memory does not come behind the least row of the blocks that are still in the file:
 *
 *     blocks by their least row    [3 ..  5] [3 ..  9] [4 .. 8] | [6 .. 9] [7 .. 20]     read: those before the bar
 *     this pass                    all up to 6, the rest of these blocks waits in memory or goes again
 *
 * Rows are ordered by watermark, those of one watermark that alone are on time before all others, and the others by time, the
 * greatest first; rows that agree in this may be taken in any order. So each pass takes a row at least, however many are alike.
 * Records of the file are those of checkpoints; a checkpoint gets a block of the file as it lies there.
 *
 * Thread: one owner.
 */
#ifndef TR_CORE_OPS_WINDOW_HELD_H
#define TR_CORE_OPS_WINDOW_HELD_H

#include "base/batch.h"
#include "base/flow.h"
#include "core/ops/window_time.h"
#include "state/spill.h"

struct tr_state_writer;
struct tr_snapshot_order;
struct tr_window_op;
struct tr_window_assign;

struct tr_window_held_block;

/** The place of a row in the order in which rows are taken. */
struct tr_window_held_key {
	int64_t watermark_ms;
	int64_t late; /* INT64_MIN: alone it is on time; else its time, negated */
};

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
	size_t bytes;                /* about those of the blocks in memory */
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
	/* With a limit: */
	size_t limit; /* of `bytes`; 0: none, and no file */
	struct tr_window_op *w;
	struct tr_window_assign *assign;
	struct tr_spill *file;
	struct tr_spill_reader reader;        /* of a pass */
	struct tr_window_held_block **wanted; /* by tags of what it reads */
	uint32_t wanted_count, wanted_room;
	struct tr_window_held_key until_key; /* of the pass that is being read */
	struct tr_spill_reader copier;       /* of the block that is being written, to the checkpoint */
	bool is_copying;
};

/** `block_rows`: those that a block has room for. */
void tr_window_held_init(struct tr_window_held *held, uint32_t block_rows);
void tr_window_held_deinit(struct tr_window_held *held);

/** Bounds its memory; makes a file, whose directory must exist. `w` and `assign` are the operator's: they read and write records, and
 * find the times of rows. Both are borrowed. */
tr_code tr_window_held_set_limit(struct tr_window_held *held, struct tr_window_op *w, struct tr_window_assign *assign,
				 struct tr_io_queue *queue, const char *path, size_t bytes,
				 struct tr_status *st) TR_MUST_USE;

/** All its memory, that of the file's buffers and index included; and the bytes on disk. */
size_t tr_window_held_memory(const struct tr_window_held *held);
uint64_t tr_window_held_spilled(const struct tr_window_held *held);

/** Behind each add. BLOCKED: too much is on its way to the file; ask again before anything is added. */
enum tr_flow tr_window_held_poll(struct tr_window_held *held, struct tr_status *st);

/** The same for those who load: waits instead. */
tr_code tr_window_held_wait(struct tr_window_held *held, struct tr_status *st) TR_MUST_USE;

/** Copies the rows of a batch. `times` by position, local; `watermarks` by row of the batch, or NULL: those of its runs, at least
 * `watermark_ms`. */
tr_code tr_window_held_add(struct tr_window_held *held, const struct tr_batch *batch, const int64_t *times,
			   const int64_t *watermarks, int64_t watermark_ms, struct tr_status *st) TR_MUST_USE;

/** Puts the next rows below `watermark_ms` into `ready`: by watermark, and of equal watermark first those whose window [time, time +
 * gap) alone is on time, then the others, the greatest time first. Without a limit that are all. MORE: there are some; call it
 * again when they are done. DONE: that were all. BLOCKED: call it again. FAILED. */
enum tr_flow tr_window_held_ready(struct tr_window_held *held, struct tr_window_clock *clock, int64_t watermark_ms,
				  struct tr_status *st);

/** The rows in `ready` have been taken. */
void tr_window_held_done(struct tr_window_held *held);

/** The border of a snapshot; returns the age from which on records will be needed. */
uint64_t tr_window_held_snapshot(struct tr_window_held *held, const struct tr_snapshot_order *order,
				 int64_t watermark_ms);

/** Writes at least a block, about `budget` bytes. MORE, DONE, BLOCKED or FAILED. */
enum tr_flow tr_window_held_step(struct tr_window_held *held, struct tr_window_op *w, struct tr_state_writer *writer,
				 size_t budget, struct tr_status *st);

#endif
