/* SPDX-License-Identifier: Apache-2.0
 *
 * Chain: the operators that run one after another on one subtask, without a queue between them. Mostly a row; behind a fork
 * (core/ops/op_fork.h) it goes on in branches, each of which is a row, or forks again.
 *
 *     head ──▶ ops[0] ──▶ ops[1] ──▶ ... ──▶ ops[count - 1]
 *     (a source task, an alignment; not in the chain)        (an exchange or a sink)
 *
 *     head ──▶ filter 0 ──▶ fork 1 ─┬─▶ project 2 ──▶ exchange 3
 *                                   └─▶ sink 4
 *
 * Pushing is calling (core/ops/op.h): the head emits to ops[0], which emits to ops[1], and so on. When a tail answers
 * BLOCKED, everyone above answers BLOCKED as well and is marked. The chain is then left alone, with all that it was
 * given untouched, until tr_chain_resume finds that nobody is blocked any more. It goes from the last to the first: the
 * operator nearest to the tail finishes what it was doing before the one above it may emit again, which keeps the
 * order of elements. That holds with forks because an operator stands behind the one that emits to it, and only one branch of a fork is
 * on its way at a time.
 *
 * Thread: the worker of the subtask.
 */
#ifndef TR_CORE_CHAIN_H
#define TR_CORE_CHAIN_H

#include "core/ops/op.h"

#define TR_CHAIN_OPS_MAX ((uint32_t)1 << 18) /* a plan has fewer nodes and edges */
#define TR_CHAIN_OPS_FEW 16
#define TR_CHAIN_DEPTH_MAX 256 /* in a row, forks left out: as deep as the calls go */

/** What one step of a subtask, or of what drives it, has achieved. */
enum tr_turn {
	TR_TURN_IDLE = 0, /* nothing to do now, or blocked */
	TR_TURN_PROGRESS, /* did something: ask again */
	TR_TURN_DONE,     /* finished for good */
	TR_TURN_FAILED,   /* the status in the operators' context says why */
};

/** All zero: empty. Not to be moved once it has operators. */
struct tr_chain {
	struct tr_op *few[TR_CHAIN_OPS_FEW];
	struct tr_op **ops; /* `few`, or on the heap */
	uint32_t count;
	uint32_t capacity;
	bool has_signals; /* of some operator */
};

/** Adds `op` behind the operator that was added last. The chain owns it. */
void tr_chain_append(struct tr_chain *chain, struct tr_op *op);

/** Adds `op` behind `from`, an operator of the chain without a reader or a fork: as the next of its branches, which reads `output` of what
 * stands before the fork (0: not a side output). What is added has to come in preorder: a branch whole before the next one. */
void tr_chain_append_to(struct tr_chain *chain, struct tr_op *from, struct tr_op *op, uint32_t output);

/** Destroys all operators, the last first. */
void tr_chain_deinit(struct tr_chain *chain);

/** Whether some operator waits to be resumed: nothing may be given to the chain. */
bool tr_chain_is_blocked(const struct tr_chain *chain);

/** Resumes the blocked operators from the last to the first. MORE: nobody is blocked now. BLOCKED or FAILED. */
enum tr_flow tr_chain_resume(struct tr_chain *chain);

/** Calls on_timer of the operators whose timer has come, from the last to the first. Not while blocked. MORE, BLOCKED or
 * FAILED; `fired` tells whether any was due. */
enum tr_flow tr_chain_fire_timers(struct tr_chain *chain, int64_t now_ms, bool *fired);

/** Calls on_timer of the operators whose signal is raised, from the last to the first. Not while blocked. MORE, BLOCKED or FAILED;
 * `called` tells whether any was. */
enum tr_flow tr_chain_take_signals(struct tr_chain *chain, int64_t now_ms, bool *called);

/** The earliest processing time that an operator waits for; INT64_MAX: none. */
int64_t tr_chain_next_timer(const struct tr_chain *chain);

/** Of a blocked chain: until when it is to be resumed though nothing has come; INT64_MAX: never. */
int64_t tr_chain_resume_at(const struct tr_chain *chain);

/** Asks every operator, the first one first, to push out what it holds back; of a chain that is blocked by an operator that waits
 * (is_waiting) those below it, and else none. MORE, BLOCKED or FAILED. */
enum tr_flow tr_chain_flush(struct tr_chain *chain);

#endif
