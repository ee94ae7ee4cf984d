/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph: a plan made ready to run. Stages, edges, subtasks, workers, and who owns what.
 *
 *     plan (nodes)                  stages (cut at exchanges)             subtasks (placed on workers)
 *
 *     SINK                          stage 0: align > project > sink       0.0 on worker 0, 0.1 on worker 1
 *      └ PROJECT                          ▲ edge 0 (hash)                      ▲ one channel per pair
 *         └ EXCHANGE hash           stage 1: scan > filter > exchange     1.0 on worker 0, 1.1 on worker 1
 *            └ FILTER
 *               └ SCAN
 *
 * Where a node has several readers its stage has a fork behind it, and the chain goes on in branches: a stage can end in several
 * sinks and edges (core/plan_stages.h, core/chain.h).
 *
 * Stages are numbered from the sinks backwards, and a worker polls its subtasks in that order, so that what is ready is
 * drained before more is read. Subtask i of every stage runs on worker i modulo the number of workers.
 *
 * Ownership: the graph owns everything below, its arena the structs. A subtask belongs to its worker while that runs;
 * others read its counters only (relaxed atomics, written by the worker).
 */
#ifndef TR_CORE_GRAPH_H
#define TR_CORE_GRAPH_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/align.h"
#include "core/chain.h"
#include "core/channel.h"
#include "core/drift.h"
#include "core/ops/op_window.h"
#include "core/plan.h"
#include "core/plan_stages.h"
#include "core/snapshot.h"
#include "core/source_task.h"
#include "io/disk.h"

#define TR_WORKERS_MAX 64

struct tr_graph;
struct tr_stage;

enum tr_head_kind { TR_HEAD_SOURCE, TR_HEAD_VALUES, TR_HEAD_ALIGN };

/** From each subtask of one stage to one or each of another. */
struct tr_edge {
	uint32_t id; /* among the consumer's edges */
	enum tr_exchange_kind kind;
	const uint32_t *keys;
	uint32_t key_count;
	const struct tr_partitioner *partitioner; /* CUSTOM */
	const struct tr_schema *schema;
	struct tr_stage *producer;
	struct tr_stage *consumer;
	struct tr_channel **channels; /* producer subtask * consumer parallelism + consumer subtask; NULL: no channel */
};

/** Counters of a subtask for everyone to read. Written by its worker (relaxed). */
struct tr_subtask_counters {
	_Alignas(64) _Atomic uint64_t rows_in;
	_Atomic uint64_t rows_out;
	_Atomic uint64_t rows_late;
	_Atomic uint64_t rows_bad;
	_Atomic uint64_t fields_bad;
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t spilled_bytes;
	_Atomic int64_t watermark_ms;
};

/** An operator of a stage that has state. */
struct tr_stage_state {
	const struct tr_node *node; /* uid and fingerprint */
	uint64_t operator_id;       /* hash of the uid */
	int32_t op;                 /* in the chain; -1: the head */
};

struct tr_subtask {
	struct tr_graph *graph;
	struct tr_stage *stage;
	uint32_t index;
	uint32_t worker;
	struct tr_arena arena;
	struct tr_op_context context;
	struct tr_chain chain;
	struct tr_source_task *source; /* HEAD_SOURCE */
	struct tr_op *values;          /* HEAD_VALUES */
	struct tr_align align;         /* HEAD_ALIGN */
	bool is_done;
	_Atomic uint64_t checkpoint_done; /* last one whose barrier has passed the chain; by its worker */
	struct tr_snapshot snapshot;      /* without checkpoints: empty */
	struct tr_subtask_counters counters;
};

/** What stands at one place of a stage's chain. */
struct tr_stage_op {
	const struct tr_node *node; /* NULL: a fork, or the tail of an edge */
	const struct tr_edge *edge; /* of a tail */
	const struct tr_schema *output;
	int32_t from;                        /* the place that emits to it; -1: the head */
	uint32_t side;                       /* 0, or 1 and more: the side output of that which it reads */
	uint64_t sides_read;                 /* OPERATOR: bits */
	uint32_t branch_count;               /* of a fork */
	const struct tr_program *program;    /* FILTER and PROJECT */
	const struct tr_window_plan *window; /* WINDOW_AGGREGATE */
	const struct tr_sort_plan *sort;     /* SORT */
	struct tr_enough *enough;            /* LIMIT */
};

/** One chain, `parallelism` times. */
struct tr_stage {
	uint32_t id;
	uint32_t parallelism;
	enum tr_head_kind head;
	const struct tr_node *head_node; /* SCAN, VALUES, or what stands on the edges */
	const struct tr_schema *input;   /* what the head hands to the chain */
	struct tr_stage_op *ops;         /* the chain */
	uint32_t op_count;
	const uint32_t *sinks; /* places of them */
	uint32_t sink_count;
	struct tr_stage_state *states; /* head first */
	uint32_t state_count;
	struct tr_enough *head_enough; /* what all who read the head have enough by; or NULL */
	struct tr_edge **inputs;
	uint32_t input_count;
	struct tr_source_plan *source;
	struct tr_subtask *subtasks;
};

struct tr_worker; /* core/worker.h */

struct tr_graph {
	const struct tr_plan *plan;
	struct tr_environment *env;
	struct tr_arena arena;
	struct tr_stage **stages;
	uint32_t stage_count;
	struct tr_edge *edges;
	uint32_t edge_count;
	struct tr_drift_group *drift_groups; /* a list */
	struct tr_channel *channels;         /* aligned_alloc */
	uint32_t channel_count;
	struct tr_worker *workers; /* aligned_alloc */
	uint32_t worker_count;
	int64_t query_start_ms;
	/* Control. Written by anyone, read by all workers once per step. */
	_Alignas(64) _Atomic bool is_stopping;
	_Atomic bool is_cancelled;
	_Atomic uint64_t checkpoint_wanted; /* core/checkpoint.h; 0: none yet */
	_Atomic uint64_t checkpoint_last;   /* behind its barrier sources emit nothing more; 0: none */
	/* By the coordinator; read by all subtasks. */
	_Atomic uint64_t checkpoint_completed; /* the newest durable one of this run; 0: none yet */
	_Atomic uint64_t rewrite_before;       /* base/state_record.h; valid for checkpoint_wanted */
	_Atomic uint64_t log_age; /* by the coordinator; relaxed: what is appended from now on has at least this age */
	_Atomic bool is_finished; /* all is committed: ended subtasks are done */
	_Atomic bool is_draining; /* sources end as if their input had */
	struct tr_io_queue *coordinator_io; /* to wake it; NULL: no checkpoints */
	const char *scratch;                /* core/scratch.h; NULL: memory is not limited */
	/* What people should know; called by workers, perhaps at once. NULL: nobody asks. Set before they run. */
	void (*on_event)(void *context, const char *text);
	void *event_context;
	_Atomic bool has_spilled; /* state has left memory, and that was told */
	pthread_mutex_t failure_lock;
	struct tr_status failure; /* the first one; under failure_lock */
};

/** Cuts the plan into stages, compiles programs, makes workers and channels, opens sources, readers and sinks. With
 * `coordinator_io` the graph has checkpoints. On failure the graph must still be deinitialised. */
tr_code tr_graph_init(struct tr_graph *graph, const struct tr_plan *plan, struct tr_environment *env,
		      struct tr_io_queue *coordinator_io, struct tr_status *st) TR_MUST_USE;

/** Closes and frees everything. No worker may be running. */
void tr_graph_deinit(struct tr_graph *graph);

/** Any thread: records a failure if it is the first, and stops all workers. */
void tr_graph_fail(struct tr_graph *graph, const struct tr_status *failure);

/** Any thread, signal handlers too: stops all workers without a failure. */
void tr_graph_cancel(struct tr_graph *graph);

/** Runs a subtask for a piece of work. */
enum tr_turn tr_subtask_step(struct tr_subtask *subtask, int64_t now_ns, int64_t now_ms);

/** Pushes out what the subtask holds back, if it can. FAILED or IDLE. */
enum tr_turn tr_subtask_flush(struct tr_subtask *subtask);

/** When the subtask wants a step though nothing has come: monotonic ns, and processing-time ms. INT64_MAX: never. */
int64_t tr_subtask_wake_at_ns(const struct tr_subtask *subtask);
int64_t tr_subtask_wake_at_ms(const struct tr_subtask *subtask);

#endif
