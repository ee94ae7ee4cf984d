/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of a job: its configuration, its graph, and how it is run.
 *
 *     struct tr_env *env;
 *     TR_TRY(tr_env_create(&env, st));
 *     tr_stream_print(tr_stream_where(tr_env_from_table(env, "orders"), "amount > 100"));
 *     code = tr_env_execute(env, "big orders", st);
 *     tr_env_destroy(&env);
 *
 * Thread: an environment and its streams belong to one thread at a time. A job's handle may be used by any thread.
 */
#ifndef TAILRACE_ENVIRONMENT_H
#define TAILRACE_ENVIRONMENT_H

#include "tailrace/stream.h"
#include "tailrace/user_function.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_job;

/** TR_ERR_CONFIG: the program was built for another version of the engine. */
#define tr_env_create(env, st) tr_env_create_for(TR_ABI_VERSION, (env), (st))
TR_API tr_code tr_env_create_for(uint32_t abi_version, struct tr_env **env, struct tr_status *st) TR_MUST_USE;
/** Also of jobs: none may be running. */
TR_API void tr_env_destroy(struct tr_env **env);

/** An option of the configuration, by Flink's keys ("execution.checkpointing.interval", "10 s"); `tailrace config` lists them. Before the
 * first stream is made: some hold for streams from then on. What is wrong is told by execute. */
TR_API void tr_env_set(struct tr_env *env, const char *key, const char *value);

/** Statements that declare: CREATE TABLE, CREATE VIEW, CREATE FUNCTION, SET. What is wrong is told by execute. */
TR_API void tr_env_sql(struct tr_env *env, const char *script);

/** A function in C (user_function.h) that SQL texts may call by this name from here on; it and all that it points to must live as long as the
 * environment. */
TR_API void tr_env_create_function(struct tr_env *env, const char *name, const struct tr_user_function *function);

/** The job begins with a savepoint, unless it has checkpoints of its own already. `allows_non_restored`: state of operators that the graph
 * has no more is left out, and is no error. */
TR_API void tr_env_restore(struct tr_env *env, const char *directory, bool allows_non_restored);

/** Error i of the graph so far, with the operator's name; NULL: there are not so many. Lives as long as the environment. */
TR_API const char *tr_env_error(const struct tr_env *env, uint32_t i);

/** The graph as it was built and as it will run, as text or JSON; NULL: it has errors, which `st` tells. Lives as long as the environment. */
TR_API const char *tr_env_explain(struct tr_env *env, bool is_json, struct tr_status *st);

/** Runs the graph in this process and returns when the job has ended: TR_OK when it has finished or was stopped behind a savepoint. */
TR_API tr_code tr_env_execute(struct tr_env *env, const char *job_name, struct tr_status *st) TR_MUST_USE;

/** Starts the graph; the handle is the caller's, and must be destroyed before the environment. TR_ERR_USAGE: there is a handle already. */
TR_API tr_code tr_env_execute_async(struct tr_env *env, const char *job_name, struct tr_job **job,
				    struct tr_status *st) TR_MUST_USE;

enum tr_job_state {
	TR_JOB_RUNNING,
	TR_JOB_RESTARTING, /* it failed, and waits to be started again */
	TR_JOB_FINISHED,
	TR_JOB_STOPPED, /* behind a checkpoint or savepoint */
	TR_JOB_CANCELLED,
	TR_JOB_FAILED,
};

/** Totals over all subtasks, as of now. */
struct tr_job_metrics {
	uint64_t rows_in;  /* read by sources */
	uint64_t rows_out; /* given to sinks */
	uint64_t rows_late;
	uint64_t rows_bad; /* left out by ignore-parse-errors */
	uint64_t bytes_in;
	int64_t watermark_ms; /* the least of the sinks */
	int64_t elapsed_ms;
	uint64_t restarts;
	uint64_t checkpoints_completed;
	uint64_t checkpoints_failed;
};

TR_API enum tr_job_state tr_job_state(struct tr_job *job);
TR_API void tr_job_metrics(struct tr_job *job, struct tr_job_metrics *metrics);

/** Writes a savepoint to a directory that does not exist. TR_ERR_UNAVAILABLE: the job makes no checkpoints, or has ended. */
TR_API tr_code tr_job_savepoint(struct tr_job *job, const char *directory, struct tr_status *st) TR_MUST_USE;
/** The same, and the job stops behind it; with `is_draining` all windows and timers fire first, as at the end of the input. */
TR_API tr_code tr_job_stop(struct tr_job *job, const char *directory, bool is_draining,
			   struct tr_status *st) TR_MUST_USE;
TR_API void tr_job_cancel(struct tr_job *job);

/** Waits for the end; what tr_env_execute answers. May be called again. */
TR_API tr_code tr_job_wait(struct tr_job *job, struct tr_status *st) TR_MUST_USE;
/** Cancels and waits, if it still runs. */
TR_API void tr_job_destroy(struct tr_job **job);

#ifdef __cplusplus
}
#endif
#endif
