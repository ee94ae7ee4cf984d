/* SPDX-License-Identifier: Apache-2.0
 *
 * Engine: runs one plan to its end on pinned workers. The second door into core.
 *
 * tr_engine_run is called by the job's process (server/) or by a test; it starts the workers, waits, and cleans up.
 * Another thread, or a signal handler by way of tr_engine_cancel's flag, may stop it; progress is read from the
 * counters at any time.
 */
#ifndef TR_CORE_ENGINE_H
#define TR_CORE_ENGINE_H

#include <stdatomic.h>

#include "base/environment.h"
#include "core/plan.h"
#include "tailrace/status.h"

struct tr_engine;

/** Totals over all subtasks, as of now. */
struct tr_engine_progress {
	uint64_t rows_in;     /* read by sources, also before the checkpoint that the job began with */
	uint64_t rows_before; /* of them, those before */
	uint64_t rows_out;    /* handed to sinks */
	uint64_t rows_late;
	uint64_t rows_bad;   /* skipped by ignore-parse-errors */
	uint64_t fields_bad; /* set to NULL by it */
	uint64_t bytes_in;
	uint64_t spilled_bytes; /* of state that is on disk because memory is limited */
	int64_t watermark_ms;   /* lowest of the sinks' inputs */
	int64_t elapsed_ns;
	bool is_finished;
};

/** How a job is asked to stop. */
enum tr_stop_mode {
	TR_STOP_NONE,
	TR_STOP_SUSPEND, /* sources stop behind the barrier */
	TR_STOP_DRAIN,   /* sources end: the maximum watermark fires all windows first */
};

struct tr_checkpoint_stats {
	uint64_t completed;
	uint64_t failed;
	uint64_t last;          /* newest complete one; 0: none yet */
	uint64_t restored;      /* the one that the job began with; 0: none */
	uint64_t removed_bytes; /* of an earlier run's log, which --fresh has removed */
	bool was_finished;      /* that was the job's last: there is nothing to do */
	bool is_final;          /* the newest complete one is the job's last */
	uint64_t last_bytes;    /* appended for it */
	int64_t last_ns;        /* how long it took */
	int64_t pause_ns_max;   /* longest time that a subtask stood still for a snapshot */
	uint64_t bytes;         /* appended for all complete ones since the start */
	uint64_t pauses;        /* snapshots begun by all subtasks with state */
	uint64_t pauses_long;   /* of them, those that took more than a millisecond */
};

/** How a job that did not fail has ended. */
enum tr_engine_outcome {
	TR_OUTCOME_NONE, /* it has not, or it failed */
	TR_OUTCOME_FINISHED,
	TR_OUTCOME_STOPPED, /* behind a checkpoint, as was asked: it can be resumed */
	TR_OUTCOME_CANCELLED,
};

/** Builds stages, subtasks, rings and pools for the plan, opens all sources and sinks, and restores the state that
 * plan->checkpoint names. Nothing runs yet. The plan and the environment must outlive the engine. */
tr_code tr_engine_create(const struct tr_plan *plan, struct tr_environment *env, struct tr_engine **engine,
			 struct tr_status *st) TR_MUST_USE;

/** Starts the workers and returns when the job has finished (TR_OK), failed, or was cancelled. */
tr_code tr_engine_run(struct tr_engine *engine, struct tr_status *st) TR_MUST_USE;

/** Any thread, and signal handlers: asks for an early end; tr_engine_run then returns TR_ERR_CANCELLED. */
void tr_engine_cancel(struct tr_engine *engine);

/** What to tell people as it happens: called on tr_engine_run's thread and on those of workers. Before run. */
void tr_engine_on_event(struct tr_engine *engine, void (*on_event)(void *context, const char *text), void *context);

/** Any thread, and signal handlers: stops behind a checkpoint, if the job has any; else as cancel. tr_engine_run then returns
 * TR_OK, the outcome is STOPPED. A second call cancels. */
void tr_engine_stop(struct tr_engine *engine);

/** Any thread: asks for a savepoint in `directory` ("" : a checkpoint only) and then perhaps a stop, and waits for it.
 * TR_ERR_UNAVAILABLE: the job has no checkpoints or has ended. */
tr_code tr_engine_savepoint(struct tr_engine *engine, const char *directory, enum tr_stop_mode stop,
			    uint64_t *checkpoint, struct tr_status *st) TR_MUST_USE;

enum tr_engine_outcome tr_engine_outcome(const struct tr_engine *engine);

/** Any thread. False: the job has no checkpoints. */
bool tr_engine_checkpoints(struct tr_engine *engine, struct tr_checkpoint_stats *stats);

/** Any thread, also while running. */
void tr_engine_progress(const struct tr_engine *engine, struct tr_engine_progress *progress);

/** Closes everything. The engine must not be running. The checkpoints of a finished job
 * stay, so that a run that is started again knows that there is nothing to do. */
void tr_engine_destroy(struct tr_engine **engine);

#endif
