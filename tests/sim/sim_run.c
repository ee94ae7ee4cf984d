/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling, building, stepping, and the end: see sim_run.h.
 */
#include "sim/sim_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/env.h"
#include "base/fault.h"
#include "core/coordinator.h"
#include "core/graph.h"
#include "core/worker.h"
#include "io/memory.h"
#include "sql/session.h"

enum rest { AWAKE, PARKED, ASLEEP };

struct actor {
	enum rest rest;
	bool is_done;
	int64_t wake_at_ns; /* ASLEEP */
};

struct play {
	struct tr_sim_run *run;
	const struct tr_sim_shape *shape;
	struct tr_sim_environment *env;
	struct tr_sim_disk *disk;
	uint64_t *random;
	struct tr_graph *graph;
	struct tr_coordinator *coordinator;      /* NULL: no checkpoints */
	struct actor actors[TR_WORKERS_MAX + 1]; /* the workers, then the coordinator */
	uint32_t done_count;                     /* workers */
	struct tr_savepoint_request request;
	uint64_t ask_at_step; /* 0: not known yet */
	bool is_answered;     /* and the story has been told */
};

#define TIRED_STEPS 20000
#define STALL_NS INT64_C(1000000000)

/* ---- stepping ---- */

/** When a sleeping worker's own time comes; the rules of tr_worker_run. */
static int64_t wake_at_ns(const struct play *play, const struct tr_worker *worker)
{
	int64_t wake_ns = INT64_MAX, wake_ms = INT64_MAX;

	for (uint32_t i = 0; i < worker->subtask_count; i++) {
		wake_ns = TR_MIN(wake_ns, tr_subtask_wake_at_ns(worker->subtasks[i]));
		wake_ms = TR_MIN(wake_ms, tr_subtask_wake_at_ms(worker->subtasks[i]));
	}
	if (wake_ms != INT64_MAX)
		wake_ns = TR_MIN(wake_ns,
				 play->env->now_ns + TR_MAX(TR_MIN(wake_ms - worker->now_ms, 86400000), 0) * 1000000);
	return wake_ns;
}

static uint32_t actor_count(const struct play *play)
{
	return play->graph->worker_count + (play->coordinator != NULL ? 1 : 0);
}

static struct tr_io_queue *queue_of(const struct play *play, uint32_t w)
{
	return w < play->graph->worker_count ? play->graph->workers[w].io : play->coordinator->io;
}

/** When this actor can take a step: 0 if it is awake. INT64_MAX: never. */
static int64_t ready_at_ns(const struct play *play, uint32_t w)
{
	const struct actor *actor = &play->actors[w];

	if (actor->is_done)
		return INT64_MAX;
	if (actor->rest != ASLEEP)
		return 0;
	return TR_MIN(actor->wake_at_ns, tr_sim_queue_next_ns(queue_of(play, w)));
}

/** Chooses an actor that is ready. UINT32_MAX: nobody will ever be. */
static uint32_t choose(struct play *play)
{
	for (;;) {
		int64_t next_ns = INT64_MAX;
		uint32_t ready = 0, chosen = 0;

		for (uint32_t w = 0; w < actor_count(play); w++) {
			const int64_t at_ns = ready_at_ns(play, w);

			next_ns = TR_MIN(next_ns, at_ns);
			if (at_ns <= play->env->now_ns && tr_sim_below(play->random, ++ready) == 0)
				chosen = w;
		}
		if (ready > 1 && chosen == 0 && !tr_sim_chance(play->random, play->shape->slow_permille))
			continue;
		if (ready > 0)
			return chosen;
		if (next_ns == INT64_MAX)
			return UINT32_MAX;
		play->env->now_ns = next_ns;
	}
}

static void set_parked(struct tr_worker *worker, uint32_t is_parked)
{
	atomic_store_explicit(&worker->is_parked, is_parked, memory_order_relaxed);
}

/** The coordinator's thread does not park: it waits in its queue, where each wake is kept. */
static enum tr_turn step_coordinator(struct play *play, struct actor *actor)
{
	enum tr_turn turn;

	if (actor->rest == ASLEEP)
		(void)tr_io_wait(play->coordinator->io, 0);
	turn = tr_coordinator_step(play->coordinator);
	actor->rest = turn == TR_TURN_IDLE ? ASLEEP : AWAKE;
	actor->wake_at_ns = tr_coordinator_wake_at_ns(play->coordinator);
	actor->is_done = turn == TR_TURN_DONE;
	return turn == TR_TURN_DONE ? TR_TURN_PROGRESS : turn;
}

static enum tr_turn step_worker(struct play *play, uint32_t w)
{
	struct tr_worker *worker = &play->graph->workers[w];
	struct actor *actor = &play->actors[w];
	enum tr_turn turn;

	if (actor->rest == ASLEEP) {
		(void)tr_io_wait(worker->io, 0);
		actor->rest = AWAKE;
		set_parked(worker, 0);
	}
	turn = tr_worker_step(worker);
	if (turn != TR_TURN_IDLE) {
		actor->rest = AWAKE;
		set_parked(worker, 0);
		return turn;
	}
	if (actor->rest == AWAKE) {
		actor->rest = PARKED; /* the next step is the last look */
		set_parked(worker, 1);
	} else {
		actor->rest = ASLEEP;
		actor->wake_at_ns = wake_at_ns(play, worker);
	}
	return turn;
}

static enum tr_sim_outcome fail(struct play *play, enum tr_sim_outcome outcome, const char *message)
{
	snprintf(play->run->message, sizeof(play->run->message), "%s", message);
	return outcome;
}

/** Sets the hour of death when enough checkpoints are complete. */
static void arm(struct play *play)
{
	const uint32_t wanted = play->shape->die_after_checkpoints;

	if (wanted == 0 || play->coordinator == NULL || play->disk->die_at_call != 0 ||
	    play->coordinator->stats.completed < wanted)
		return;
	play->disk->die_at_call = play->disk->call_count + 1 + tr_sim_below(play->random, play->shape->die_spread);
}

/** Asks for what is to be asked for, when it is time. */
static void ask(struct play *play)
{
	const struct tr_sim_ask *ask = &play->shape->ask;

	if (!ask->is_wanted || play->coordinator == NULL || play->run->is_asked ||
	    play->coordinator->stats.completed < ask->after_checkpoints)
		return;
	if (play->ask_at_step == 0)
		play->ask_at_step = play->run->steps + ask->after_steps;
	if (play->run->steps < play->ask_at_step)
		return;
	play->run->is_asked = true;
	tr_sim_trace_add(play->env, "ASK", ask->directory, ask->stop, ask->is_signal);
	if (ask->is_signal) {
		tr_coordinator_stop(play->coordinator);
		return;
	}
	play->request.stop = ask->stop;
	snprintf(play->request.directory, sizeof(play->request.directory), "%s", ask->directory);
	tr_coordinator_ask(play->coordinator, &play->request);
}

/** Tells the story that the savepoint is there: in the same step, before anything more is published. */
static void look_for_answer(struct play *play)
{
	if (!play->run->is_asked || play->shape->ask.is_signal || play->is_answered ||
	    !atomic_load_explicit(&play->request.is_done, memory_order_acquire))
		return;
	play->is_answered = true;
	play->run->answer = play->request.status;
	tr_sim_trace_add(play->env, "ANSWER", play->request.directory, (int64_t)play->request.checkpoint,
			 play->request.status.code);
	if (play->request.status.code == TR_OK && play->request.directory[0] != '\0' && !play->disk->is_dead)
		play->shape->on_savepoint(play->shape->context, play->request.checkpoint);
}

/** Somebody sets the wall clock, by seconds or by days. */
static void jump(struct play *play)
{
	static const int64_t jumps_ms[] = {-86400000, -3600000, -5000, -1, 700, 5000, 3600000, 86400000};

	if (!tr_sim_chance(play->random, play->shape->jump_permille))
		return;
	play->env->wall_offset_ms += jumps_ms[tr_sim_below(play->random, TR_COUNT_OF(jumps_ms))];
	tr_sim_trace_add(play->env, "clock", NULL, play->env->wall_offset_ms, 0);
}

/** The job has stopped behind its checkpoint. Who is in the middle of a step ends it. */
static enum tr_sim_outcome stop(struct play *play)
{
	for (uint32_t w = 0; w < play->graph->worker_count && !play->disk->is_dead; w++)
		if (!play->actors[w].is_done && tr_sim_chance(play->random, 500))
			(void)step_worker(play, w);
	return play->disk->is_dead ? fail(play, TR_SIM_DIED, "") : TR_SIM_STOPPED;
}

static bool has_stopped(const struct play *play)
{
	return play->coordinator != NULL && play->coordinator->state == TR_COORDINATOR_ENDED &&
	       atomic_load_explicit(&play->graph->is_cancelled, memory_order_relaxed);
}

static enum tr_sim_outcome step_all(struct play *play)
{
	const uint32_t count = play->graph->worker_count;
	char message[512];

	while (play->done_count < count) {
		const uint32_t w = choose(play);
		enum tr_turn turn;

		if (w != UINT32_MAX && play->shape->checkpoint_timeout_ms > 0 && play->run->steps > TIRED_STEPS)
			tr_sim_disk_kill(play->disk); /* perhaps no checkpoint is ever in time: that is enough of it */
		if (w == UINT32_MAX || play->run->steps++ > play->shape->steps_max) {
			snprintf(message, sizeof(message), "%s: %u of %u workers done, step %" PRIu64,
				 w == UINT32_MAX ? "all workers sleep and nothing will wake them" : "no end",
				 play->done_count, count, play->run->steps);
			return fail(play, TR_SIM_STUCK, message);
		}
		play->env->now_ns += tr_sim_below(play->random, play->shape->step_ns_max + 1);
		if (play->shape->jump_permille > 0)
			jump(play);
		if (play->shape->stall_permille > 0 && tr_sim_chance(play->random, play->shape->stall_permille))
			play->env->now_ns += STALL_NS;
		arm(play);
		ask(play);
		turn = w < count ? step_worker(play, w) : step_coordinator(play, &play->actors[w]);
		if (turn != TR_TURN_IDLE)
			tr_sim_trace_add(play->env, "step", NULL, w, turn);
		look_for_answer(play);
		if (play->disk->is_dead)
			return fail(play, TR_SIM_DIED, "");
		if (play->disk->violation != NULL) {
			snprintf(message, sizeof(message), "%s: %s", play->disk->violation, play->disk->violation_path);
			return fail(play, TR_SIM_STUCK, message);
		}
		if (turn == TR_TURN_FAILED)
			return fail(play, TR_SIM_FAILED, play->graph->failure.message);
		if (has_stopped(play))
			return stop(play);
		if (turn == TR_TURN_DONE) {
			play->actors[w].is_done = true;
			play->done_count++;
		}
	}
	if (play->coordinator != NULL)
		play->run->is_drained = play->coordinator->stop == TR_STOP_DRAIN;
	if (play->coordinator != NULL && play->coordinator->state != TR_COORDINATOR_ENDED)
		return fail(play, TR_SIM_STUCK, "all workers are done, but the last checkpoint is not complete");
	return TR_SIM_DONE;
}

static void count_rows(const struct tr_graph *graph, struct tr_sim_run *run)
{
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		for (uint32_t i = 0; graph->stages[s]->subtasks != NULL && i < graph->stages[s]->parallelism; i++) {
			const struct tr_subtask_counters *c = &graph->stages[s]->subtasks[i].counters;

			run->rows_in += atomic_load_explicit(&c->rows_in, memory_order_relaxed);
			run->rows_out += atomic_load_explicit(&c->rows_out, memory_order_relaxed);
		}
	}
}

/** The order of tr_engine_create. */
static tr_code build(struct play *play, const struct tr_plan *plan, struct tr_status *st)
{
	struct tr_environment *env = &play->env->env;

	if (plan->checkpoint.directory == NULL)
		return tr_graph_init(play->graph, plan, env, NULL, st);
	TR_TRY(tr_coordinator_create(plan, env, &play->coordinator, st));
	return tr_coordinator_build(play->coordinator, play->graph, st);
}

static void note_checkpoints(struct play *play)
{
	struct tr_checkpoint_stats stats;

	tr_coordinator_stats(play->coordinator, &stats);
	play->run->checkpoints = stats.completed;
	play->run->restored = stats.restored;
	play->run->was_finished = stats.was_finished;
}

static void run_plan(struct tr_sim_run *run, const struct tr_plan *plan, const struct tr_sim_shape *shape,
		     struct tr_sim_environment *env, uint64_t *random)
{
	struct play play = {.run = run, .shape = shape, .env = env, .random = random};
	struct tr_status st = {0};

	play.disk = (struct tr_sim_disk *)env->env.disk;
	play.graph = aligned_alloc(64, (sizeof(*play.graph) + 63) / 64 * 64);
	TR_ASSERT(play.graph != NULL);
	memset(play.graph, 0, sizeof(*play.graph));
	if (build(&play, plan, &st) != TR_OK) {
		run->outcome = fail(&play, play.disk->is_dead ? TR_SIM_DIED : TR_SIM_FAILED, st.message);
	} else if (play.disk->is_dead) {
		run->outcome = TR_SIM_DIED;
	} else {
		run->has_built = true;
		run->outcome =
			play.coordinator != NULL && play.coordinator->was_finished ? TR_SIM_DONE : step_all(&play);
	}
	if (play.coordinator != NULL)
		note_checkpoints(&play);
	count_rows(play.graph, run);
	snprintf(run->job_id, sizeof(run->job_id), "%s", plan->job_id);
	if (play.graph->plan != NULL)
		tr_graph_deinit(play.graph);
	tr_coordinator_destroy(&play.coordinator);
	if (run->is_asked && !shape->ask.is_signal && !play.is_answered) {
		TR_ASSERT(atomic_load_explicit(&play.request.is_done, memory_order_relaxed));
		run->answer = play.request.status;
	}
	free(play.graph);
}

/* ---- compiling ---- */

static void set_number(struct tr_config *config, const char *key, uint32_t value)
{
	struct tr_status st = {0};
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	TR_ASSERT(tr_config_set(config, key, text, TR_ORIGIN_COMMAND, NULL, &st) == TR_OK);
}

static void set_duration(struct tr_config *config, const char *key, uint32_t ms)
{
	struct tr_status st = {0};
	char text[24];

	snprintf(text, sizeof(text), "%u ms", ms);
	TR_ASSERT(tr_config_set(config, key, text, TR_ORIGIN_COMMAND, NULL, &st) == TR_OK);
}

/** A job in C: its script declares the tables, and its graph is made over them. */
static void run_streams(struct tr_sim_run *run, const struct tr_sim_job *job, const struct tr_sim_shape *shape,
			const struct tr_session_options *session, struct tr_sim_environment *env, uint64_t *random)
{
	const struct tr_env_options options = {.config = session->config,
					       .job_name = session->job_name,
					       .time_zone = session->machine_time_zone,
					       .core_count = session->core_count,
					       .variables = session->variables,
					       .variable_count = session->variable_count,
					       .job_id_seed = session->job_id_seed};
	struct tr_status st = {0};
	struct tr_env *streams;
	struct tr_plan *plan;

	TR_ASSERT(tr_env_create_with(&options, &streams, &st) == TR_OK);
	tr_env_sql(streams, job->script.data);
	job->build(streams);
	plan = tr_env_plan(streams, &st);
	if (plan == NULL) {
		fprintf(stderr, "%s\n", st.message);
		TR_ASSERT(plan != NULL); /* the template is wrong */
	}
	if (shape->checkpoint_interval_ms > 0) {
		plan->checkpoint.directory = shape->state_directory;
		plan->checkpoint.restore_from = shape->restore_from;
	}
	plan->memory_limit = shape->memory_bytes;
	run_plan(run, plan, shape, env, random);
	tr_env_destroy(&streams);
}

void tr_sim_run(struct tr_sim_run *run, const struct tr_sim_job *job, const struct tr_sim_shape *shape,
		struct tr_sim_environment *env, uint64_t *random)
{
	char chunk[32], roll[32];
	const struct tr_variable variables[] = {{"CHUNK", chunk}, {"ROLL", roll}};
	struct tr_arena arena;
	struct tr_config config;
	struct tr_session *session;
	struct tr_session_options options = {.file = "sim.sql",
					     .variables = variables,
					     .variable_count = TR_COUNT_OF(variables),
					     .config = &config,
					     .core_count = 2,
					     .machine_time_zone = "UTC",
					     .job_name = "sim",
					     .job_id_seed = {tr_sim_random(random), tr_sim_random(random)}};

	memset(run, 0, sizeof(*run));
	TR_FAULT_SIZES(shape->segment_bytes, shape->block_bytes);
	snprintf(chunk, sizeof(chunk), "%u b", shape->chunk_bytes);
	snprintf(roll, sizeof(roll), "%u b", shape->roll_bytes);
	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	set_number(&config, "parallelism.default", shape->parallelism);
	set_number(&config, "engine.workers", shape->workers);
	set_number(&config, "engine.batch-rows", shape->batch_rows);
	set_number(&config, "engine.exchange-credits", shape->credits);
	set_duration(&config, "execution.checkpointing.interval", shape->checkpoint_interval_ms);
	set_duration(&config, "execution.checkpointing.timeout", shape->checkpoint_timeout_ms);
	set_number(&config, "execution.checkpointing.num-retained", TR_MAX(shape->retained, 1));
	if (job->build != NULL) {
		run_streams(run, job, shape, &options, env, random);
		tr_arena_deinit(&arena);
		return;
	}
	session = tr_session_compile(&options, job->script.data, job->script.length);
	if (session->diags.error_count > 0) {
		fputs(tr_diags_render(&session->diags, false, &session->arena), stderr);
		TR_ASSERT(session->diags.error_count == 0); /* the template is wrong */
	}
	for (uint32_t i = 0; i < session->step_count; i++) {
		const struct tr_step *s = &session->steps[i];

		if (s->kind != TR_STEP_JOB)
			continue;
		TR_ASSERT(run->job_id[0] == '\0'); /* one job a script */
		if (shape->checkpoint_interval_ms > 0) {
			s->plan->checkpoint.directory = shape->state_directory;
			s->plan->checkpoint.restore_from = shape->restore_from;
		}
		s->plan->memory_limit = shape->memory_bytes; /* less than a script may ask for */
		run_plan(run, s->plan, shape, env, random);
	}
	tr_session_destroy(&session);
	tr_arena_deinit(&arena);
}
