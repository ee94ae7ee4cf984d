/* SPDX-License-Identifier: Apache-2.0
 *
 * Source task: the head of a stage that reads a table. Drives one reader of io/source.h, gives each row the watermark
 * that it would have if one reader read its split alone from front to back, and hands the rows to the chain.
 *
 *     reader ──poll──▶ [entry|entry|entry| ...]  ──▶ stamp ──▶ push ──▶ chain
 *                       decoded ahead; start          ▲          one at a time; computes the scan's expressions
 *                       perhaps only guessed          │
 *                                         carry of the chunk before (core/carry.h)
 *
 * A chunk goes through these states:
 *
 *     GUESSED    its batches are decoded ahead and wait. Errors wait too.
 *        │       the carry arrives: start right ──▶ CONFIRMED
 *        │                          start wrong: drop the queue, rewind the reader ──▶ CONFIRMED
 *     CONFIRMED  batches are stamped as they come. When the last one is stamped, the carry for the next chunk is
 *                published, before the rows go through the chain: the next reader waits for decoding only, never for
 *                our filters, windows or backpressure.
 *                For its sake we decode on before we push, as long as the batches fit the cache.
 *     NONE       all batches have been pushed and released; only now the reader is asked for another chunk.
 *
 * Watermarks. Within a split they follow Flink's assigner (core/carry.h), row by row. A batch whose times do not move
 * the watermark is found by its greatest value; only the others are walked. With several splits the watermark of a row
 * is the least of its own split's and of what the other splits have published; splits that nobody has begun hold it
 * back, finished splits and idle ones do not count. It never goes back. On unbounded input a timer of the interval
 * emits what the eager rule has held back. A source can also say a split's watermark itself, with rows or without (io/source.h); that is
 * emitted as it is said. Sources of a group wait for one another (core/drift.h).
 *
 * Idle is a split, and a subtask, without rows for the timeout. The time in which the chain is blocked or the source waits for others does
 * not count; it begins when the split is known.
 *
 * Checkpoints. A barrier that is wanted is emitted before the reader is asked for anything, so it never waits for data;
 * what core/source_position.h lists is written down right before. A restored task gives its chain first the watermark that
 * it had reached (the least one of all former subtasks), decodes a restored chunk from its start, and drops the rows that had
 * been pushed. Such chunks may be confirmed before the chunk before them is done; they are published in order all
 * the same, and stay in hand until then. Idleness is not saved: its time begins anew, as in Flink.
 *
 * Thread: the worker of the subtask. Shared with the other subtasks: the plan (immutable) and its carries.
 */
#ifndef TR_CORE_SOURCE_TASK_H
#define TR_CORE_SOURCE_TASK_H

#include "core/carry.h"
#include "core/chain.h"
#include "core/channel.h"
#include "core/drift.h"
#include "core/source_position.h"
#include "io/source.h"

#define TR_SOURCE_QUEUE_MAX 512                   /* batches decoded ahead, at most */
#define TR_SOURCE_QUEUE_BYTES ((size_t)24 << 20)  /* and their memory, about */
#define TR_SOURCE_HURRY_BYTES ((size_t)384 << 10) /* so much of it before pushing, for the sake of the next reader */

/** What all subtasks of a scan share. */
struct tr_source_plan {
	const struct tr_source_ops *ops;
	struct tr_source *source;
	const struct tr_table_spec *table;
	const struct tr_schema *output;
	const struct tr_program *program;      /* the scan's expressions over the table's columns */
	const struct tr_program *time_program; /* two outputs: time, watermark; NULL: no event time */
	const char *time_name;
	int64_t watermark_interval_ms;
	int64_t idle_timeout_ms;
	bool is_bounded;
	struct tr_drift_member *drift; /* NULL: it waits for nobody */
	uint64_t workers;              /* that run a subtask of the scan: bits, as in a wake set */
	struct tr_carries *carries;
};

struct tr_source_task;

/** Opens the subtask's reader. `io` and `wakes` belong to its worker. The first operator of the chain is `next`. */
tr_code tr_source_task_create(const struct tr_source_plan *plan, struct tr_op_context *context, struct tr_io_queue *io,
			      struct tr_wake_set *wakes, struct tr_op *next, struct tr_source_task **task,
			      struct tr_status *st) TR_MUST_USE;
void tr_source_task_destroy(struct tr_source_task **task);

/** Does a piece of work: one batch at most goes into the chain. Call only while the chain is not blocked. */
enum tr_turn tr_source_task_step(struct tr_source_task *task, int64_t now_ns);

/** The chain is blocked: the time does not count as idle. */
void tr_source_task_pause(struct tr_source_task *task, int64_t now_ns);

/** The monotonic time at which a step is wanted though nothing has happened. INT64_MAX: none. */
int64_t tr_source_task_wake_at(const struct tr_source_task *task);

/** The operator that it is to the chain, and to checkpoints. */
struct tr_op *tr_source_task_head(struct tr_source_task *task);

/** The checkpoint of the last barrier that it emitted; 0: none. */
uint64_t tr_source_task_checkpoint(const struct tr_source_task *task);

const struct tr_source_counters *tr_source_task_counters(const struct tr_source_task *task);

#endif
