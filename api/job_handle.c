/* SPDX-License-Identifier: Apache-2.0
 *
 * A job that runs in this process: a thread of its own makes the engine, runs it, and makes it anew when it has failed and the
 * restart strategy says so. include/tailrace/environment.h says what users see.
 *
 *     create ──▶ RUNNING ──▶ FINISHED, STOPPED, CANCELLED, FAILED
 *                  ▲ │
 *                  │ ▼ a failure that a new start can help
 *               RESTARTING
 *
 * The engine exists while the job runs. Who asks it something holds `lock` against its end; what takes long (a savepoint) counts as
 * a user, for which the thread waits.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/env.h"
#include "base/check.h"
#include "base/restart.h"
#include "core/engine.h"

struct tr_job {
	struct tr_env *env;
	struct tr_plan *plan;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct tr_engine *engine; /* under lock; NULL: there is none now */
	uint32_t users;           /* under lock: calls that use the engine */
	enum tr_job_state state;  /* under lock */
	bool is_cancelled;        /* under lock */
	tr_code code;             /* of the end */
	struct tr_status status;
	struct tr_job_metrics metrics; /* of the last engine */
	uint64_t restarts;
	struct tr_restart_terms terms;
	struct tr_restart_state restart;
};

static bool is_over(enum tr_job_state state) { return state != TR_JOB_RUNNING && state != TR_JOB_RESTARTING; }

static void read_metrics(struct tr_job *job, struct tr_job_metrics *metrics)
{
	struct tr_engine_progress progress;
	struct tr_checkpoint_stats stats = {0};

	tr_engine_progress(job->engine, &progress);
	(void)tr_engine_checkpoints(job->engine, &stats);
	*metrics = (struct tr_job_metrics){
		.rows_in = progress.rows_in,
		.rows_out = progress.rows_out,
		.rows_late = progress.rows_late,
		.rows_bad = progress.rows_bad,
		.bytes_in = progress.bytes_in,
		.watermark_ms = progress.watermark_ms,
		.elapsed_ms = progress.elapsed_ns / 1000000,
		.restarts = job->restarts,
		.checkpoints_completed = stats.completed,
		.checkpoints_failed = stats.failed,
	};
}

static void set_state(struct tr_job *job, enum tr_job_state state)
{
	pthread_mutex_lock(&job->lock);
	job->state = state;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

/** One life of the engine. */
static tr_code run_once(struct tr_job *job, struct tr_engine *engine, enum tr_engine_outcome *outcome,
			struct tr_status *st)
{
	tr_code code = TR_OK;
	bool is_cancelled;

	*outcome = TR_OUTCOME_NONE;
	if (engine == NULL)
		code = tr_engine_create(job->plan, job->env->real, &engine, st);
	if (code != TR_OK)
		return code;
	pthread_mutex_lock(&job->lock);
	job->engine = engine;
	is_cancelled = job->is_cancelled;
	job->state = TR_JOB_RUNNING;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
	if (is_cancelled)
		tr_engine_cancel(engine);
	code = tr_engine_run(engine, st);
	*outcome = tr_engine_outcome(engine);
	pthread_mutex_lock(&job->lock);
	read_metrics(job, &job->metrics);
	job->engine = NULL;
	while (job->users > 0)
		pthread_cond_wait(&job->changed, &job->lock);
	pthread_mutex_unlock(&job->lock);
	tr_engine_destroy(&engine);
	return code;
}

/** Waits until the job is to be started again; false: it was cancelled meanwhile. */
static bool wait_for_restart(struct tr_job *job, int64_t delay_ms)
{
	struct timespec until;
	bool is_cancelled;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += delay_ms / 1000;
	until.tv_nsec += delay_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&job->lock);
	while (!job->is_cancelled && pthread_cond_timedwait(&job->changed, &job->lock, &until) != ETIMEDOUT)
		;
	is_cancelled = job->is_cancelled;
	pthread_mutex_unlock(&job->lock);
	return !is_cancelled;
}

/** Whether the job is to be started again after a failure. */
static bool restarts(struct tr_job *job, tr_code code)
{
	struct tr_environment *env = job->env->real;
	int64_t delay_ms;

	if (!tr_restart_can_help((int)code))
		return false;
	delay_ms = tr_restart_after(&job->terms, &job->restart, tr_environment_monotonic_ns(env) / 1000000,
				    (double)(tr_environment_random(env) >> 11) * 0x1p-53);
	if (delay_ms < 0)
		return false;
	set_state(job, TR_JOB_RESTARTING);
	job->restarts++;
	return wait_for_restart(job, delay_ms);
}

static void *run(void *argument)
{
	struct tr_job *job = argument;
	struct tr_engine *engine = job->engine; /* the first one was made by the caller */
	enum tr_engine_outcome outcome;
	enum tr_job_state state;
	struct tr_status st;
	tr_code code;

	do {
		st = (struct tr_status){0};
		code = run_once(job, engine, &outcome, &st);
		engine = NULL;
	} while (code != TR_OK && code != TR_ERR_CANCELLED && restarts(job, code));
	job->code = code;
	job->status = st;
	state = code == TR_OK ? (outcome == TR_OUTCOME_STOPPED ? TR_JOB_STOPPED : TR_JOB_FINISHED)
		: code == TR_ERR_CANCELLED || job->is_cancelled ? TR_JOB_CANCELLED
								: TR_JOB_FAILED;
	set_state(job, state);
	return NULL;
}

/* Where the job's checkpoints lie: as `tailrace run` has it. */
static void choose_state_dir(struct tr_env *env, struct tr_plan *plan)
{
	const char *base = tr_config_text(&env->session->config, "execution.checkpointing.dir");
	char *path, *name;

	plan->scratch = getenv("TMPDIR");
	plan->checkpoint.restore_from = env->restore_from;
	if (plan->is_batch || (plan->checkpoint.interval_ms == 0 && env->restore_from == NULL))
		return;
	if (strncmp(base, "file://", 7) == 0)
		base += 7;
	path = tr_arena_printf(env->arena, "%s/%s", base[0] != '\0' ? base : ".tailrace", plan->job_name);
	name = path + strlen(path) - strlen(plan->job_name);
	if (name[0] == '.')
		name[0] = '_';
	for (; *name != '\0'; name++)
		*name = *name == '/' ? '_' : *name;
	plan->checkpoint.directory = tr_arena_printf(env->arena, "%s/1", path);
	plan->checkpoint.allows_non_restored = env->allows_non_restored;
}

tr_code tr_env_execute_async(struct tr_env *env, const char *job_name, struct tr_job **result, struct tr_status *st)
{
	struct tr_status own;
	struct tr_plan *plan;
	struct tr_job *job;
	tr_code code;

	*result = NULL;
	st = st != NULL ? st : &own;
	tr_status_clear(st);
	if (env == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "the environment is NULL (has tr_env_create failed?)");
	if (env->is_of_a_plugin)
		TR_FAIL(st, TR_ERR_USAGE,
			"a plugin makes the graph and returns, and the program executes it: leave out the call of "
			"execute");
	if (env->job_count > 0)
		TR_FAIL(st, TR_ERR_USAGE, "a job of the environment has not been destroyed yet; two at once need two");
	if (job_name != NULL)
		env->session->options.job_name = tr_arena_printf(env->arena, "%s", job_name);
	env->plan = NULL;
	plan = tr_env_plan(env, st);
	if (plan == NULL)
		return st->code;
	choose_state_dir(env, plan);
	job = tr_checked(calloc(1, sizeof(*job)));
	job->env = env;
	job->plan = plan;
	code = tr_restart_configure(&env->session->config, plan->checkpoint.directory != NULL, &job->terms, st);
	if (code == TR_OK)
		code = tr_engine_create(plan, env->real, &job->engine, st);
	if (code != TR_OK) {
		free(job);
		return code;
	}
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->changed, NULL);
	job->state = TR_JOB_RUNNING;
	if (pthread_create(&job->thread, NULL, run, job) != 0) {
		tr_engine_destroy(&job->engine);
		free(job);
		TR_FAIL_ERRNO(st, TR_ERR_UNAVAILABLE, "no thread for the job");
	}
	env->job_count++;
	*result = job;
	return TR_OK;
}

tr_code tr_env_execute(struct tr_env *env, const char *job_name, struct tr_status *st)
{
	struct tr_job *job;
	tr_code code;

	TR_TRY(tr_env_execute_async(env, job_name, &job, st));
	code = tr_job_wait(job, st);
	tr_job_destroy(&job);
	return code;
}

/* The handle. */

enum tr_job_state tr_job_state(struct tr_job *job)
{
	enum tr_job_state state;

	pthread_mutex_lock(&job->lock);
	state = job->state;
	pthread_mutex_unlock(&job->lock);
	return state;
}

void tr_job_metrics(struct tr_job *job, struct tr_job_metrics *metrics)
{
	pthread_mutex_lock(&job->lock);
	if (job->engine != NULL)
		read_metrics(job, metrics);
	else
		*metrics = job->metrics;
	metrics->restarts = job->restarts;
	pthread_mutex_unlock(&job->lock);
}

static tr_code ask(struct tr_job *job, const char *directory, enum tr_stop_mode stop, struct tr_status *st)
{
	struct tr_engine *engine;
	uint64_t checkpoint;
	tr_code code;

	pthread_mutex_lock(&job->lock);
	engine = job->engine;
	job->users += engine != NULL;
	pthread_mutex_unlock(&job->lock);
	if (engine == NULL)
		TR_FAIL(st, TR_ERR_UNAVAILABLE, "job '%s' does not run now", job->plan->job_name);
	code = tr_engine_savepoint(engine, directory != NULL ? directory : "", stop, &checkpoint, st);
	pthread_mutex_lock(&job->lock);
	job->users--;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
	return code;
}

tr_code tr_job_savepoint(struct tr_job *job, const char *directory, struct tr_status *st)
{
	return ask(job, directory, TR_STOP_NONE, st);
}

tr_code tr_job_stop(struct tr_job *job, const char *directory, bool is_draining, struct tr_status *st)
{
	return ask(job, directory, is_draining ? TR_STOP_DRAIN : TR_STOP_SUSPEND, st);
}

void tr_job_cancel(struct tr_job *job)
{
	pthread_mutex_lock(&job->lock);
	job->is_cancelled = true;
	if (job->engine != NULL)
		tr_engine_cancel(job->engine);
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

tr_code tr_job_wait(struct tr_job *job, struct tr_status *st)
{
	pthread_mutex_lock(&job->lock);
	while (!is_over(job->state))
		pthread_cond_wait(&job->changed, &job->lock);
	pthread_mutex_unlock(&job->lock);
	if (st != NULL)
		*st = job->status;
	return job->code;
}

void tr_job_destroy(struct tr_job **job)
{
	struct tr_job *j = *job;

	if (j == NULL)
		return;
	if (!is_over(tr_job_state(j)))
		tr_job_cancel(j);
	pthread_join(j->thread, NULL);
	j->env->job_count--;
	pthread_mutex_destroy(&j->lock);
	pthread_cond_destroy(&j->changed);
	free(j);
	*job = NULL;
}
