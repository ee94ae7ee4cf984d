/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan: what a job does, as physical nodes that read one another. The door through which SQL (and later the C API) enters core.
 *
 * A plan is immutable once made and lives in one arena. Its roots are sinks; a node's inputs are the nodes it reads. Several may read the
 * same node, or one read it twice: it runs once, and each gets all its rows. There are no circles.
 * EXCHANGE nodes are explicit: between two of them a stage is one chain per subtask, on one worker, without a queue.
 * Who makes the plan decides on exchanges, two-phase aggregation and pushdown; core only carries out.
 *
 *     SINK <- PROJECT <- WINDOW_AGGREGATE(global) <- EXCHANGE(hash k) <- WINDOW_AGGREGATE(local) <- PROJECT <- SCAN
 *
 * A node has one output, but for OPERATORs with side outputs, of other schemas. A SIDE_OUTPUT over such a node stands for one of them: it is
 * what readers of it read, and costs nothing.
 */
#ifndef TR_CORE_PLAN_H
#define TR_CORE_PLAN_H

#include "base/arena.h"
#include "base/batch.h"
#include "core/operator.h"
#include "core/ops/agg.h"
#include "core/ops/expand_set.h"
#include "core/ops/expr.h"
#include "core/ops/unnest.h"
#include "core/ops/row_order.h"
#include "core/ops/sort.h"
#include "core/ops/window.h"
#include "io/connector.h"
#include "tailrace/status.h"

#define TR_PLAN_INPUTS_MAX 64
#define TR_UID_SEPARATOR " + " /* between the names of a node */
#define TR_PARALLELISM_MAX 64
/* With less memory an operator on one subtask would do little but move state from and to the disk. */
#define TR_MEMORY_SHARE_MIN (UINT64_C(4) << 20)

enum tr_node_kind {
	TR_NODE_SCAN,
	TR_NODE_VALUES,
	TR_NODE_FILTER,
	TR_NODE_PROJECT,
	TR_NODE_UNION, /* of inputs with equal schemas; each is an edge of its own into the stage */
	TR_NODE_UNNEST,
	TR_NODE_WINDOW_TABLE,
	TR_NODE_EXPAND,
	TR_NODE_WINDOW_AGGREGATE,
	TR_NODE_WINDOW_RANK,
	TR_NODE_SORT,
	TR_NODE_LIMIT,
	TR_NODE_OPERATOR, /* core/operator.h */
	TR_NODE_SIDE_OUTPUT,
	TR_NODE_EXCHANGE,
	TR_NODE_SINK,
};

enum tr_exchange_kind {
	TR_EXCHANGE_FORWARD,   /* subtask i to subtask i; equal parallelism */
	TR_EXCHANGE_HASH,      /* by key columns */
	TR_EXCHANGE_REBALANCE, /* batch by batch in turn */
	TR_EXCHANGE_GATHER,    /* all to subtask 0 of a stage of parallelism 1 */
	TR_EXCHANGE_BROADCAST, /* all to each subtask */
	TR_EXCHANGE_SHUFFLE,   /* row by row, as if at random */
	TR_EXCHANGE_RESCALE,   /* batch by batch in turn, among those of about the same number */
	TR_EXCHANGE_CUSTOM,    /* as a partitioner says */
};

/** Says for the selected rows of a batch to which of `count` subtasks they go: targets[i]. In the plan's arena. */
struct tr_partitioner {
	tr_code (*choose)(const struct tr_partitioner *self, const struct tr_batch *batch, uint32_t count,
			  uint32_t *targets, struct tr_status *st);
	const char *name; /* for messages */
};

/** Whether a node may run in one chain with its neighbours. */
enum tr_chaining {
	TR_CHAINING_ALWAYS,
	TR_CHAINING_HEAD,  /* not with what it reads */
	TR_CHAINING_NEVER, /* nor with its readers */
};

/** Sources of one group wait for one another (core/drift.h). */
struct tr_drift_spec {
	const char *group; /* NULL: none */
	int64_t max_drift_ms;
	int64_t update_interval_ms;
};

struct tr_node {
	enum tr_node_kind kind;
	uint32_t id;                    /* number in the plan, in printing order */
	const struct tr_schema *output; /* NULL for SINK */
	const struct tr_node *const *inputs;
	uint32_t input_count;
	uint32_t parallelism;       /* subtasks of the stage that runs it */
	const char *name;           /* what its user calls it, for people; or NULL */
	const char *given_uid;      /* its user's; NULL: the way from the sink */
	uint32_t given_parallelism; /* its user's; 0: who makes the plan decides */
	enum tr_chaining chaining;  /* its user's */
	uint32_t shared; /* copies with one number become one node: it must be run once (sql/share.h); or 0 */
	/* Made by tr_plan_check (core/plan_uid.c has the rules). */
	const char *uid;         /* by which its state is found again, all its names; NULL: has no state */
	const char *fingerprint; /* what its state depends on */
	union {
		/* SCAN: reads table, computes `exprs` over its physical columns; output is one column per expr.
		 * Event time: `time_expr` (int64 ms-precision timestamp) is the row time and `watermark_expr` its
		 * watermark, both over the physical columns; NULL: no event time. */
		struct {
			const struct tr_table_spec *table;
			const struct tr_expr *const *exprs;
			const struct tr_expr *time_expr;
			const struct tr_expr *watermark_expr;
			const char *time_name;         /* the column's name, for messages */
			int64_t watermark_interval_ms; /* pipeline.auto-watermark-interval; 0: each row's counts at once */
			int64_t idle_timeout_ms;       /* table.exec.source.idle-timeout; 0: never idle */
			struct tr_drift_spec drift;
			bool is_bounded;
		} scan;
		struct {
			const struct tr_expr *const *exprs; /* row by row: row_count * output->column_count literals */
			uint32_t row_count;
		} values;
		struct {
			const struct tr_expr *condition; /* over the input's columns */
		} filter;
		struct {
			const struct tr_expr *const *exprs; /* one per output column */
			const struct tr_expr *condition;    /* rows for which it is TRUE only; NULL: all */
		} project;
		struct tr_unnest
			unnest; /* output: the columns that it passes on, then those of the elements, then their number */
		/* WINDOW_TABLE: only `window`, not SESSION; output is the input's columns, then window_start,
		 * window_end, window_time; a row for each window that a row is in.
		 * WINDOW_AGGREGATE: output of SINGLE and GLOBAL is [keys..., aggregates..., window_start, window_end,
		 * window_time]: the first two TIMESTAMP(3), the last TIMESTAMP(3) or TIMESTAMP_LTZ(3) (NULL for none).
		 * LOCAL's output schema is made by tr_plan_local_schema. */
		struct {
			struct tr_window_spec window;
			const uint32_t *keys; /* input columns (SINGLE, LOCAL); GLOBAL: columns 0 .. key_count - 1 */
			uint32_t key_count;
			const struct tr_agg_call *aggs; /* columns refer to the input of SINGLE or LOCAL, in all phases */
			uint32_t agg_count;
			enum tr_aggregate_phase phase;
			bool use_general; /* force the general operator (tests; otherwise slices where they apply) */
		} window;
		/* WINDOW_RANK: of each key the rows from .. to in an order; output is the input's columns, and the rank as BIGINT if
		 * has_number. The window is attached to the rows (window_start and window_end are among the keys), or is_whole. */
		struct {
			struct tr_window_spec window;
			const uint32_t *keys;
			uint32_t key_count;
			const struct tr_order_key *order;
			uint32_t order_count;
			uint64_t from; /* from 1 on */
			uint64_t to;   /* UINT64_MAX: all; in batch mode only */
			bool has_number;
			bool is_latest_first; /* ordered by event time alone, descending (sql/order.c) */
			uint32_t place;       /* of the binder: where it was written */
		} rank;
		/* SORT, batch only: LOCAL's output schema is tr_plan_sorted_schema; key columns are those of SINGLE's or LOCAL's
		 * input in all phases. LIMIT: no keys, and no phases. What stands before the exchange has no offset, and the limit that its reader needs. */
		struct {
			struct tr_sort_spec spec;
			enum tr_aggregate_phase phase;
		} sort;
		/* EXPAND: output is the input's columns, and a BIGINT behind them; a row for each set. */
		struct {
			const struct tr_expand_set *sets;
			uint32_t set_count;
		} expand;
		/* OPERATOR: brings its own functions. `keys` has an item for each input; NULL: it is not keyed. */
		struct {
			const struct tr_operator *op;
			const struct tr_key_columns *keys;
		} custom;
		/* SIDE_OUTPUT: of the OPERATOR that is its input. */
		struct {
			uint32_t index; /* of the operator's `sides` */
		} side;
		struct {
			enum tr_exchange_kind kind;
			const uint32_t *keys; /* HASH: columns of the input */
			uint32_t key_count;
			const struct tr_partitioner *partitioner; /* CUSTOM */
		} exchange;
		struct {
			const struct tr_table_spec *table; /* schema: what the sink receives, in order */
		} sink;
	};
};

/** The ways that have names so far, one for each node with state and each way to it. In the plan's arena; old copies are left there. */
struct tr_plan_ways {
	const char **texts;
	uint32_t count, capacity;
};

/** How the job's checkpoints are made. All zero: there are none. */
struct tr_checkpoint_plan {
	const char *directory;    /* of the log (state/log.h); NULL: no checkpoints */
	const char *restore_from; /* directory of a savepoint to begin with, if `directory` holds nothing yet; or NULL */
	bool is_fresh;            /* begin anew, whatever `directory` holds: it is removed */
	bool allows_non_restored; /* state that no operator wants is left out */
	bool is_at_least_once;    /* barriers do not hold back inputs */
	int64_t interval_ms;      /* 0: only when asked for, and at the end */
	int64_t timeout_ms;
	int64_t min_pause_ms;
	uint32_t retained;
	int64_t tolerable_failures;  /* in a row; -1: any number */
	uint64_t load_threads_bytes; /* from so much state on each subtask loads on a thread of its own; 0: 8 MiB */
};

struct tr_plan {
	struct tr_arena *arena;
	const char *job_name;
	/* 32 hex digits. A resumed job takes its old id on: the engine writes it here, and the plan's tables point here too. */
	char *job_id;
	struct tr_checkpoint_plan checkpoint;
	bool is_batch; /* no state of it can be saved: there must be no checkpoints */
	const struct tr_node *const *sinks;
	uint32_t sink_count;
	const struct tr_node **nodes; /* by id; made by tr_plan_check, like their number */
	uint32_t node_count;
	uint32_t batch_rows;       /* default TR_BATCH_ROWS_DEFAULT; tests use 1 and 7 */
	uint32_t credits;          /* batches per edge and consumer; 0: default */
	uint32_t workers;          /* threads; 0: as many as the largest parallelism */
	uint32_t key_groups;       /* pipeline.max-parallelism: keys are owned in groups; 0: default */
	bool shows_changes;        /* EXPLAIN CHANGELOG_MODE */
	uint64_t memory_limit;     /* state.memory.limit: bytes for the state of all window operators; 0: none */
	uint32_t stateful_count;   /* subtasks of operators that share it; made by tr_plan_check */
	const char *scratch;       /* directory for temporary files; NULL: beside the checkpoints */
	int64_t buffer_timeout_ms; /* execution.buffer-timeout.interval: 100 */
	const char *time_zone;
};

/** A new node in `arena` with its inputs copied; the caller fills the rest. */
struct tr_node *tr_plan_node(struct tr_arena *arena, enum tr_node_kind kind, const struct tr_node *const *inputs,
			     uint32_t input_count);

/** A copy of a node in `arena` over other inputs, as many as it has; NULL if that is none. */
struct tr_node *tr_plan_copy(struct tr_arena *arena, const struct tr_node *node, const struct tr_node *const *inputs);

/** The schema in which partials travel from LOCAL to GLOBAL: keys..., one BYTES-like or fixed column per accumulator,
 * the slice's end, the hidden count. Fails if an aggregate is not mergeable or the window has no slices. */
tr_code tr_plan_local_schema(struct tr_arena *arena, const struct tr_node *local, const struct tr_schema **schema,
			     struct tr_status *st) TR_MUST_USE;

/** Whether this aggregation can run in two phases (event time, sliceable window, mergeable aggregates, no DISTINCT). */
bool tr_plan_is_two_phase(const struct tr_window_spec *window, const struct tr_agg_call *aggs, uint32_t agg_count);

/** The schema between the phases of a SORT. */
const struct tr_schema *tr_plan_sorted_schema(void);

/** Gives `node` its fingerprint and, for one way from a sink to it, a name: tr_plan_check's. A node that is read on several ways has several
 * names; its uid has them all, with TR_UID_SEPARATOR between. `above` is the way to it; returns the way to its inputs. */
const char *tr_plan_name(struct tr_arena *arena, struct tr_node *node, const char *above, struct tr_plan_ways *ways);

/** How many names a uid has. */
uint32_t tr_plan_uid_names(const char *uid);

/** Whether two uids have a name in common. */
bool tr_plan_uids_meet(const char *a, const char *b);

/** Numbers and names the nodes and checks the plan: schemas fit, columns exist, exchanges where parallelism changes, depth and
 * width limits. TR_ERR_INTERNAL names the node. Call before running or printing. */
tr_code tr_plan_check(struct tr_plan *plan, struct tr_status *st) TR_MUST_USE;

/** What an operator's state on one subtask may take of a memory limit; 0: any amount. */
size_t tr_plan_memory_share(const struct tr_plan *plan);

/** Whether the node has a share of the memory limit. */
bool tr_plan_has_memory_share(const struct tr_node *node);

/** What EXPLAIN prints: the trees of `bound`, as the query was written (as many as the plan has sinks), the plan's own, and its stages
 * with their chains. As text, or as one JSON object; core/plan_text.c has the forms. In `arena`. */
const char *tr_plan_text(struct tr_arena *arena, const struct tr_node *const *bound, const struct tr_plan *plan);
const char *tr_plan_json(struct tr_arena *arena, const struct tr_node *const *bound, const struct tr_plan *plan);

#endif
