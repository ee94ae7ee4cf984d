/* SPDX-License-Identifier: Apache-2.0
 *
 * Coordinator: who begins checkpoints, gathers what the subtasks save, commits, and tells the sinks.
 *
 *               interval, a request, or all inputs have ended
 *     IDLE ──────────────────────────────────────────────────▶ COLLECTING   barriers are under way; blocks go to the log
 *      ▲                                                         │   │  time-out, full disk, failed write: given up
 *      │◀────────────────────────────────────────────────────────┼───┘
 *      │                                                         │ all subtasks have saved
 *      │                                                         ▼
 *      │     all have published                       SEALED      the log syncs and writes the root
 *      └───────────────── PUBLISHING ◀────────────────────┘       durable: checkpoint_completed = n
 *                          │
 *                          └─▶ a request for a savepoint is answered by copying n; `stop` and the end of input end the job
 *
 * One checkpoint at a time, and none before all have published the last one: so when checkpoint n + 1 is durable, all that n
 * had prepared is visible.
 *
 * Restoring (core/restore.c) happens before the first step: the log's newest checkpoint, or a savepoint, is read and given to the
 * operators of the new graph. If it is damaged an older one may do (core/fallback.c). The first checkpoint after it writes
 * everything; later ones what changed.
 *
 * A failed sync of the log is final: the job fails at once and its process must end (state/log.h).
 *
 * Threads: create, restore, step and destroy on one thread (the engine's caller). Requests come from any thread.
 */
#ifndef TR_CORE_COORDINATOR_H
#define TR_CORE_COORDINATOR_H

#include "core/engine.h"
#include "core/graph.h"
#include "state/log.h"

enum tr_coordinator_state {
	TR_COORDINATOR_IDLE,
	TR_COORDINATOR_COLLECTING,
	TR_COORDINATOR_SEALED,
	TR_COORDINATOR_PUBLISHING,
	TR_COORDINATOR_ENDED, /* finished or stopped: the workers may end */
};

/** A request from outside. Its owner waits for is_done. */
struct tr_savepoint_request {
	char directory[512];    /* where to put the savepoint; "": only a checkpoint */
	enum tr_stop_mode stop; /* what to do then */
	struct tr_savepoint_request *next;
	uint64_t checkpoint; /* answer: the one that it holds */
	struct tr_status status;
	_Atomic bool is_done; /* by the coordinator; release */
};

struct tr_coordinator {
	struct tr_graph *graph; /* NULL until attached */
	const struct tr_plan *plan;
	struct tr_environment *env;
	struct tr_io_queue *io;
	struct tr_log *log;
	struct tr_log_report report;
	enum tr_coordinator_state state;
	uint64_t number; /* of the checkpoint under way, or the last one */
	uint64_t restored;
	char fallback[2 * TR_STATUS_MESSAGE_MAX + 256]; /* why `restored` is not the newest; "": it is */
	bool was_finished; /* restored from the end of the job: there is nothing left to do */
	bool is_final;     /* the one under way is the last: all inputs have ended */
	bool is_held_back; /* somebody wants one, but none may begin yet */
	enum tr_stop_mode stop;
	_Atomic bool is_stop_wanted; /* by anyone, signal handlers too */
	int64_t begun_ns;            /* the one under way, monotonic */
	int64_t due_ns;              /* the next one by the interval; INT64_MAX: none */
	int64_t ended_ns;            /* the last one, completed or given up */
	uint32_t failures;           /* in a row */
	int64_t told_ns;             /* when people heard of one last */
	int64_t processing_ms;
	struct tr_state_block *block; /* popped, but the log had no room */
	struct tr_log_part *parts;    /* of the checkpoint under way; room for all streams */
	uint32_t part_count;
	struct tr_arena arena;               /* the schemas */
	const char **schemas;                /* of the stages' states, stage by stage */
	bool is_closed;                      /* under lock */
	struct tr_savepoint_request *asked;  /* under lock */
	struct tr_savepoint_request *served; /* by the checkpoint under way */
	pthread_mutex_t lock;                /* guards `asked` and `stats` */
	struct tr_checkpoint_stats stats;
	void (*on_event)(void *context, const char *text); /* what people should know; NULL: nobody asks */
	void *event_context;
};

/** Opens the log of plan->checkpoint.directory and takes on its job's id. Fails as tr_log_open does. */
tr_code tr_coordinator_create(const struct tr_plan *plan, struct tr_environment *env,
			      struct tr_coordinator **coordinator, struct tr_status *st) TR_MUST_USE;

/** Builds the graph of the plan (`graph` is zeroed) and restores it: from the newest checkpoint, or, if that is damaged, from the
 * newest older one that is whole and that the sinks allow (core/fallback.c; `fallback` says what was done). TR_ERR_DATA,
 * TR_ERR_IO: there is none; the message says what is damaged, and why no other could be taken. The graph may need a deinit
 * then (its plan is not NULL). */
tr_code tr_coordinator_build(struct tr_coordinator *coordinator, struct tr_graph *graph,
			     struct tr_status *st) TR_MUST_USE;

/** Gives the newest checkpoint (or the savepoint of the plan) to the operators of `graph`, which has not run yet; notes
 * whether there was one in `restored`. TR_ERR_DATA: state does not fit the plan, or is damaged; the message says which,
 * and what can be done. */
tr_code tr_coordinator_restore(struct tr_coordinator *coordinator, struct tr_graph *graph,
			       struct tr_status *st) TR_MUST_USE;

/** A piece of work. PROGRESS: call again. IDLE: until the queue is woken, or wake_at. DONE: the job has finished, or has stopped
 * as was asked. FAILED: the graph knows why. */
enum tr_turn tr_coordinator_step(struct tr_coordinator *coordinator);
int64_t tr_coordinator_wake_at_ns(const struct tr_coordinator *coordinator);

/** Any thread: asks for a checkpoint, a savepoint, a stop. The request stays the caller's and must live until is_done,
 * which comes at the latest when the coordinator is destroyed. */
void tr_coordinator_ask(struct tr_coordinator *coordinator, struct tr_savepoint_request *request);

/** No more steps will come: open and later requests are answered with TR_ERR_UNAVAILABLE. */
void tr_coordinator_close(struct tr_coordinator *coordinator);

/** Any thread, signal handlers too: asks for a stop behind a checkpoint. */
void tr_coordinator_stop(struct tr_coordinator *coordinator);

/** Any thread. */
void tr_coordinator_stats(struct tr_coordinator *coordinator, struct tr_checkpoint_stats *stats);

/** Closes the log; requests that are still open fail. */
void tr_coordinator_destroy(struct tr_coordinator **coordinator);

/* core/restore.c */
tr_code tr_restore_from_log(struct tr_graph *graph, struct tr_log *log, const char *what,
			    struct tr_status *st) TR_MUST_USE;

/** What becomes of the state of one operator when a script is run from a checkpoint. */
enum tr_restore_verdict {
	TR_RESTORE_KEPT,
	TR_RESTORE_NEW,          /* of the script only: begins empty */
	TR_RESTORE_DROPPED,      /* of the checkpoint only: refused without --allowNonRestoredState */
	TR_RESTORE_INCOMPATIBLE, /* of both, and the fingerprints differ: refused */
};

struct tr_restore_match {
	const char *uid;
	enum tr_restore_verdict verdict;
	const char *saved; /* fingerprints; NULL: it is not there */
	const char *script;
};

/** Compares a checked plan with a checkpoint, operator by operator: the script's first. In `arena`; texts are borrowed. */
void tr_restore_compare(struct tr_arena *arena, const struct tr_plan *plan, const struct tr_log_checkpoint *checkpoint,
			const struct tr_restore_match **matches, uint32_t *count);

/* core/savepoint.c: copies the newest checkpoint of `log` to a new directory. Waits for the disk. */
tr_code tr_savepoint_copy(struct tr_log *log, struct tr_disk *disk, struct tr_io_queue *io, const char *job_name,
			  const char *directory, struct tr_status *st) TR_MUST_USE;

#endif
