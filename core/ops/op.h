/* SPDX-License-Identifier: Apache-2.0
 *
 * Operator: what a chain is made of, and the contract between neighbours.
 *
 * A chain is a row of operators on one subtask; its head feeds the first, each emits to the next, the last is an
 * exchange or a sink, which are operators like any other. (A fork, core/ops/op_fork.h, emits to several rows, one after the other.) Emitting is calling: tr_op_emit() runs the rest of the chain
 * for that batch before it returns. So:
 *
 *  1. A batch is borrowed. It and all it points to stay untouched until the call returns MORE, or, after BLOCKED, until
 *     the chain has been resumed. Who needs rows later copies them.
 *  2. BLOCKED means "I took it, and I am not done with it". Who gets BLOCKED from an emit keeps what it emitted
 *     untouched, remembers where it was, and answers BLOCKED itself. Nothing more is given to a blocked chain. The
 *     chain's owner later calls tr_chain_resume (core/chain.h), which resumes the blocked operators from the tail to the
 *     head: each goes on from where it was, and may block again. An operator whose one emit was its last act needs no
 *     resume function: NULL means "nothing was left to do".
 *  3. Order. Elements leave in the order in which they logically happened: a result computed because of a watermark is
 *     emitted before that watermark is passed on. Watermarks never go back. After on_end nothing follows on that input.
 *  4. Event time is attached to rows as watermark runs (base/batch.h). An operator that decides lateness looks at the
 *     row's run. on_watermark says what has passed on *all* that this input will still bring; an operator with several
 *     inputs keeps the minimum over its inputs (idle ones left out).
 *  5. A barrier marks the border between what belongs to a checkpoint and what does not. Before an operator passes it on,
 *     it emits what it has only gathered (partial results are not state), and after that its state is that of the
 *     checkpoint. Nothing overtakes a barrier. There is none after on_end.
 *  6. One thread. An operator never locks, never waits, never calls the kernel. What other threads have for it they leave where
 *     its `signal` is raised; on_timer takes it, or resume if the operator has answered BLOCKED because it waits for them.
 *
 * The plan part of an operator (struct tr_op_ops plus its node in core/plan.h) is immutable and shared; the state is one
 * per subtask, made by `create`.
 */
#ifndef TR_CORE_OPS_OP_H
#define TR_CORE_OPS_OP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/batch.h"
#include "base/check.h"
#include "base/flow.h"
#include "base/state_record.h"
#include "core/ops/program.h"
#include "tailrace/status.h"

struct tr_op;

/** Counters of one operator on one subtask. Written by its worker only, read by anyone (relaxed). */
struct tr_op_metrics {
	uint64_t rows_in;
	uint64_t rows_out;
	uint64_t rows_late;
	uint64_t batches_in;
	uint64_t state_bytes;
	uint64_t spilled_bytes; /* of state that is on disk because memory is limited */
	int64_t watermark_ms;   /* last one passed on */
	uint64_t checkpoint;    /* of the last barrier that it emitted; 0: none */
};

struct tr_disk;
struct tr_io_queue;
struct tr_worker;

/** Nobody needs more rows of what is below here: a limit has all its rows, or one above it has, or all the readers of what several read.
 * Written by any subtask of the limit, read by the heads of the sources below. */
struct tr_enough {
	_Atomic bool is_reached;
	struct tr_enough *outer;      /* of a limit above that one; or NULL */
	struct tr_enough *const *all; /* of several readers: reached when all of them are */
	uint32_t all_count;           /* 0: not of several readers */
};

/** What a subtask offers to its operators. Outlives them. */
struct tr_op_context {
	struct tr_environment *env;
	struct tr_arena *arena;            /* for the job's length: constants, plans of operators */
	struct tr_program_context program; /* processing time: program.processing_time_ms */
	uint32_t subtask;
	uint32_t subtask_count;
	uint32_t key_groups;     /* pipeline.max-parallelism; 0: the default */
	uint32_t batch_rows;     /* capacity of batches */
	struct tr_status status; /* why an operator answered FAILED */
	/* The latest checkpoint begun, for the heads of source stages (core/checkpoint.h); NULL: there are none. */
	const _Atomic uint64_t *checkpoint_wanted;
	/* Of heads of sources too: behind the barrier of this checkpoint nothing more is emitted (0: none); and whether to end
	 * as if there were no more input. */
	const _Atomic uint64_t *checkpoint_last;
	const _Atomic bool *is_draining;
	struct tr_enough *enough; /* of what is above the head; NULL: it always needs rows */
	/* Output becomes visible by on_complete only, and the end of input waits for that. False: sinks publish on their own. */
	bool has_checkpoints;
	/* What the state of an operator may take in memory, in bytes; 0: any amount. Beyond it the operator keeps state in a
	 * file of its own, by the worker's queue; state/ can do that. `scratch_path` holds for the operator that is being made:
	 * it names a file that does not exist, in a directory that does, which is removed with all that is in it when the job
	 * ends or begins. */
	size_t memory_limit;
	struct tr_disk *disk;
	struct tr_io_queue *io;
	const char *scratch_path;
	uint64_t sides_read;          /* of the operator that is being made: bit i: somebody reads its side output i */
	uint64_t restored_checkpoint; /* the job goes on from it; 0: from nothing. Set before state is loaded */
	struct tr_worker
		*worker; /* that runs the subtask: for who is called by other threads (tr_worker_wake); NULL: none */
};

/** A kind of state records that an operator writes, for people and for savepoints. */
struct tr_state_kind {
	uint16_t kind;    /* in the record */
	const char *name; /* "entries" */
	bool is_keyed;
	const struct tr_schema *schema; /* the record is rows (state/rows.h) of it; NULL: bytes of the operator's own */
	uint32_t key_count;             /* the first columns, by whose hash the key group is found */
	/* The record is one of a table (state/table.h), whose entries are such: "value", "list", "map", "timer". The schema says what
	 * they are to people: of values of a size and with `is_struct` a C struct's members, else `bytes`, `elements` or `time`. */
	const char *table;
	uint32_t value_bytes; /* of each; 0: of any length */
	bool is_struct;
};

struct tr_op_ops {
	const char *name;
	enum tr_flow (*on_batch)(struct tr_op *op, uint32_t input, const struct tr_batch *batch);
	/* NULL: pass on. */
	enum tr_flow (*on_watermark)(struct tr_op *op, uint32_t input, int64_t watermark_ms);
	/* All inputs are idle, or active again. NULL: pass on. */
	enum tr_flow (*on_status)(struct tr_op *op, uint32_t input, bool is_idle);
	/* The barrier of a checkpoint, aligned over all inputs of the stage. NULL: pass on. */
	enum tr_flow (*on_barrier)(struct tr_op *op, uint32_t input, uint64_t checkpoint);
	/* Bounded input: the maximum watermark came before. NULL: pass on. */
	enum tr_flow (*on_end)(struct tr_op *op, uint32_t input);
	/* Processing time has reached op->timer_ms, or the signal is raised. NULL: no timers, and no signal. */
	enum tr_flow (*on_timer)(struct tr_op *op, int64_t now_ms);
	/* Go on after BLOCKED. NULL: nothing left to do. */
	enum tr_flow (*resume)(struct tr_op *op);
	/* The subtask is about to wait: push out what others could use (partly filled batches, print lines). Must not
	 * fail to make progress later; BLOCKED is fine. NULL: nothing is held back. */
	enum tr_flow (*flush)(struct tr_op *op);
	/* The state at a barrier that has passed the whole chain: nothing is blocked or gathered. Fixes what belongs to the
	 * snapshot and may write some of it, or all; the rest is written by snapshot_step. *base becomes the age from which
	 * on keyed records are still needed: that of order->checkpoint if everything was, or will be, written.
	 * `order` is borrowed. NULL: has no state. */
	tr_code (*snapshot)(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			    uint64_t *base, struct tr_status *st);
	/* Writes about `budget` bytes more, as they were at the barrier. Called between two elements, also while the chain is
	 * blocked; not after another snapshot has begun. MORE: there is more. DONE: that was all. FAILED. NULL: snapshot
	 * writes all. */
	enum tr_flow (*snapshot_step)(struct tr_op *op, struct tr_state_writer *writer, size_t budget,
				      struct tr_status *st);
	/* The checkpoint is complete, for good: what was prepared for it may be made visible. BLOCKED: is being done. Comes once
	 * for each complete checkpoint, before the next barrier. NULL: nothing to do. */
	enum tr_flow (*on_complete)(struct tr_op *op, uint64_t checkpoint);
	/* Restoring, before the first element. Streams one after the other (base/state_record.h): of each first the records that
	 * are not keyed, then the keyed ones; all of them are offered to each subtask. NULL: has no state. */
	tr_code (*load)(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
			struct tr_status *st);
	/* All records have been loaded. NULL: nothing to do. */
	tr_code (*load_end)(struct tr_op *op, struct tr_status *st);
	/* About the bytes that writing all of the state would take. NULL: few. */
	uint64_t (*state_bytes)(const struct tr_op *op);
	/* The kinds of its records; borrowed, as long as the operator lives. NULL: has no state. */
	const struct tr_state_kind *(*kinds)(const struct tr_op *op, uint32_t *count);
	void (*destroy)(struct tr_op *op);
};

/** Common head of every operator's state. Embed it first. */
struct tr_op {
	const struct tr_op_ops *ops;
	struct tr_op_context *context;
	struct tr_op *next; /* NULL for the tail */
	/* One way from one subtask of what makes the watermarks to here: the runs of rows ascend, and say what has passed on all of the input. */
	bool is_in_order;
	uint32_t next_input; /* which of next's inputs this one feeds */
	bool is_blocked;     /* set by the emit functions and the chain only */
	bool is_waiting;     /* set by the operator: it is blocked by its own doing, not by what is below it, and is
					 * to be resumed at timer_ms at the latest */
	int64_t timer_ms;    /* wanted processing-time callback; INT64_MAX: none */
	/* Not 0: another thread has left something. Set before the operator is added to its chain, raised by any thread (release) before
	 * tr_worker_wake, lowered by the operator. NULL: nobody does. */
	_Atomic uint32_t *signal;
	const struct tr_schema *output; /* schema of what it emits */
	struct tr_op_metrics metrics;
};

/** For the head of a source stage: the checkpoint whose barrier is to be emitted now; 0: none. */
static inline uint64_t tr_op_wanted_barrier(const struct tr_op *head)
{
	uint64_t wanted;

	if (head->context->checkpoint_wanted == NULL)
		return 0;
	/* Acquire pairs with the release of tr_checkpoint_begin. */
	wanted = atomic_load_explicit(head->context->checkpoint_wanted, memory_order_acquire);
	return wanted > head->metrics.checkpoint ? wanted : 0;
}

/** The newest checkpoint that has been begun. */
static inline uint64_t tr_op_newest_barrier(const struct tr_op *head)
{
	const _Atomic uint64_t *wanted = head->context->checkpoint_wanted;

	return wanted != NULL ? atomic_load_explicit(wanted, memory_order_acquire) : 0;
}

/** For the head of a source stage: it has emitted the last barrier that there will be, and nothing follows. */
static inline bool tr_op_is_stopped(const struct tr_op *head)
{
	const _Atomic uint64_t *last = head->context->checkpoint_last;
	const uint64_t checkpoint = last != NULL ? atomic_load_explicit(last, memory_order_acquire) : 0;

	return checkpoint != 0 && head->metrics.checkpoint >= checkpoint;
}

/** For the head of a source stage: it is to end as if its input had. */
static inline bool tr_op_is_draining(const struct tr_op *head)
{
	const _Atomic bool *is_draining = head->context->is_draining;

	return is_draining != NULL && atomic_load_explicit(is_draining, memory_order_acquire);
}

/** Whether nobody needs more rows. Remembers it, so that what many limits share is not asked again and again. */
bool tr_enough_is_reached(struct tr_enough *enough);

/** For the head of a source stage: nobody needs more rows of it. */
static inline bool tr_op_has_enough(const struct tr_op *head)
{
	return head->context->enough != NULL && tr_enough_is_reached(head->context->enough);
}

static inline enum tr_flow tr_op_took(struct tr_op *next, enum tr_flow flow)
{
	next->is_blocked = flow == TR_FLOW_BLOCKED;
	return flow;
}

/** Hands a batch with at least one existing row to the next operator. Empty batches are not emitted: MORE. */
static inline enum tr_flow tr_op_emit(struct tr_op *op, const struct tr_batch *batch)
{
	struct tr_op *next = op->next;

	if (batch->selected_count == 0)
		return TR_FLOW_MORE;
	TR_DASSERT(!next->is_blocked);
	op->metrics.rows_out += batch->selected_count;
	next->metrics.rows_in += batch->selected_count;
	next->metrics.batches_in++;
	return tr_op_took(next, next->ops->on_batch(next, op->next_input, batch));
}

/** As tr_op_emit, to those who read side output `side`; somebody must (context->sides_read). */
static inline enum tr_flow tr_op_emit_side(struct tr_op *op, uint32_t side, const struct tr_batch *batch)
{
	struct tr_op *next = op->next;

	if (batch->selected_count == 0)
		return TR_FLOW_MORE;
	TR_DASSERT(!next->is_blocked);
	op->metrics.rows_out += batch->selected_count;
	return tr_op_took(next, next->ops->on_batch(next, side + 1, batch));
}

enum tr_flow tr_op_emit_watermark(struct tr_op *op, int64_t watermark_ms);
enum tr_flow tr_op_emit_status(struct tr_op *op, bool is_idle);
enum tr_flow tr_op_emit_barrier(struct tr_op *op, uint64_t checkpoint);
enum tr_flow tr_op_emit_end(struct tr_op *op);

#endif
