/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker: one thread, its subtasks and its I/O queue.
 *
 *     step: 1. completions of the I/O queue       4. flush, when nothing was done or the buffer timeout has passed
 *           2. the clocks, once                   5. wake the workers that have been given something
 *           3. each subtask, sinks first
 *
 * A worker that finds nothing to do spins for as long as it has just worked, a millisecond at most (not when there are more
 * workers than cores), and then parks:
 *
 *     RUNNING ──▶ is_parked = true ──▶ one more step ──▶ nothing: sleep in the I/O queue ──▶ RUNNING
 *                                            └─ something: RUNNING
 *
 * No wake-up is lost. Who gives a worker something (a packet, a credit, a carry) marks it in its own wake set, and at
 * the end of its step looks at is_parked of those it marked. Between the push and that look, and between setting
 * is_parked and the step that looks at the rings, stands a full fence on each side: one of the two sees the other. A
 * wake is an eventfd, which also ends a sleep that begins after it.
 *
 * Thread: tr_worker_step and tr_worker_run on the worker's thread only.
 */
#ifndef TR_CORE_WORKER_H
#define TR_CORE_WORKER_H

#include "core/graph.h"

struct tr_worker {
	struct tr_graph *graph;
	uint32_t index;
	int32_t core; /* to be pinned to; -1: not pinned */
	struct tr_io_queue *io;
	struct tr_subtask **subtasks; /* by stage, sinks first */
	uint32_t subtask_count;
	uint32_t done_count;
	bool is_spinning;                        /* whether waiting begins by spinning */
	struct tr_wake_set wakes;                /* whom this worker has given something in this step */
	int64_t now_ns;                          /* monotonic, at the start of the step */
	int64_t now_ms;                          /* processing time: the wall clock, never going back */
	int64_t flush_at_ns;                     /* buffer timeout */
	_Alignas(64) _Atomic uint32_t is_parked; /* written by the worker; read by all */
};

/** Makes the worker's I/O queue. */
tr_code tr_worker_init(struct tr_worker *worker, struct tr_graph *graph, uint32_t index,
		       struct tr_status *st) TR_MUST_USE;

/** Destroys the queue; readers and sinks that use it must be closed. */
void tr_worker_deinit(struct tr_worker *worker);

/** One step. PROGRESS: call again. IDLE: nothing to do until something comes. DONE: all subtasks have finished. FAILED:
 * the graph knows why. */
enum tr_turn tr_worker_step(struct tr_worker *worker);

/** Any thread, while the graph exists: ends the worker's sleep, after something was left that a step looks at (struct tr_op, signal). */
void tr_worker_wake(struct tr_worker *worker);

/** Steps until all is done or the job is stopping. */
void tr_worker_run(struct tr_worker *worker);

#endif
