/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshot: a subtask's part in a checkpoint, from the barrier to the commit.
 *
 *     barrier n has passed the chain ─▶ snapshot of each operator ─▶ written in pieces, between batches ─▶ done = n
 *                                        (fixes what belongs to n)          │ full blocks
 *                                                                          ▼ ring
 *     checkpoint n is complete ◀─────────────────────────────────────── coordinator (core/coordinator.h)
 *          └─▶ on_complete of each operator (a sink publishes) ─▶ committed = n
 *
 * A barrier of a later checkpoint gives up what is not yet written of the earlier one. The ring is short: when the coordinator
 * can't keep up, the rest of a snapshot waits, and the rows go on.
 *
 * A subtask that has come to the end of its input stays until the job is finished: it takes part in each checkpoint as if
 * the barrier had come, and publishes when it is complete.
 *
 * Threads: all functions on the subtask's worker, except that the coordinator pops the ring and reads the atomics. What
 * `done` announces (bases, bytes, times) is written before it and left alone until another checkpoint is begun.
 */
#ifndef TR_CORE_SNAPSHOT_H
#define TR_CORE_SNAPSHOT_H

#include <stdatomic.h>

#include "base/ring.h"
#include "core/chain.h"
#include "state/block.h"

#define TR_SNAPSHOT_RING_BLOCKS 8
#define TR_SNAPSHOT_STEP_BYTES ((size_t)64 << 10) /* written between two batches */

#define TR_SNAPSHOT_LONG_NS 1000000

struct tr_subtask;

struct tr_snapshot {
	uint32_t count;                  /* operators with state, in the order of the stage's states */
	struct tr_op **ops;              /* NULL: none (a stage without checkpoints has count 0, too) */
	struct tr_block_writer *writers; /* one each */
	uint64_t *bases;                 /* ages */
	uint64_t checkpoint;             /* the last one begun; 0: none */
	bool is_writing;
	uint32_t cursor;              /* operator that is being written */
	struct tr_state_block *ready; /* full blocks for which the ring had no room */
	struct tr_state_block *ready_last;
	struct tr_ring *ring; /* to the coordinator */
	uint64_t completing;  /* checkpoint that operators are being told of; 0: none */
	uint32_t complete_cursor;
	int64_t processing_ms;      /* at the barrier */
	uint64_t state_bytes;       /* of all operators, about */
	int64_t pause_ns_max;       /* longest time that the chain stood still at a barrier because of the snapshot */
	uint64_t pauses;            /* snapshots begun */
	uint64_t pauses_long;       /* of them, those that took more than TR_SNAPSHOT_LONG_NS */
	_Atomic uint64_t done;      /* by the worker; release */
	_Atomic uint64_t committed; /* by the worker; release */
	_Atomic bool is_ended;      /* by the worker; release: its input has come to an end */
};

/** Makes room for the operators of the stage's states. Only with checkpoints. */
void tr_snapshot_init(struct tr_subtask *subtask);
void tr_snapshot_deinit(struct tr_subtask *subtask);

/** After each thing that the chain was given, and while it is not blocked: begins the snapshot if a barrier has passed. */
enum tr_turn tr_snapshot_begin(struct tr_subtask *subtask);

/** A piece of work: publishing what is complete (not while the chain is blocked), or writing more of the snapshot. */
enum tr_turn tr_snapshot_step(struct tr_subtask *subtask);

#endif
