/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: numbered borders through the whole graph.
 *
 *     begin(n) ──▶ sources emit barrier n ──▶ exchanges, alignments ──▶ sinks          each subtask, when the barrier has
 *                  at their next border                                                passed its whole chain: done = n
 *     collected() = the least `done` over all subtasks
 *
 * A subtask that has finished counts as done with every later checkpoint. Checkpoint n is complete when collected() >= n.
 * Beginning n + 1 before n is complete gives n up: alignments drop what they had of it (core/align.h), and a subtask
 * that never passed n may pass n + 1 all the same.
 *
 * What passes through here is the border only; what is saved at it, and where, is not this file's business.
 *
 * Threads: begin and collected by one coordinator, on any thread; barriers by each subtask's worker.
 */
#ifndef TR_CORE_CHECKPOINT_H
#define TR_CORE_CHECKPOINT_H

#include "core/graph.h"

#define TR_CHECKPOINT_ALL UINT64_MAX /* of a finished subtask */

/** Asks all sources for the barrier of `checkpoint`, which must be greater than any before. */
void tr_checkpoint_begin(struct tr_graph *graph, uint64_t checkpoint);

/** The last checkpoint that all subtasks have passed; 0: none; TR_CHECKPOINT_ALL: all have finished. */
uint64_t tr_checkpoint_collected(const struct tr_graph *graph);

#endif
