/* SPDX-License-Identifier: Apache-2.0
 *
 * Engine: threads around a graph.
 *
 * The caller's thread starts one thread per worker and waits for all of them; with checkpoints it steps the coordinator
 * meanwhile. A failure in any worker stops the others at their next step; the first failure is the one that is reported.
 * Cancelling is the same without a failure.
 */
#include "core/engine.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/coordinator.h"
#include "core/graph.h"
#include "core/topology.h"
#include "core/worker.h"

struct tr_engine {
	struct tr_graph graph;
	struct tr_coordinator *coordinator; /* NULL: no checkpoints */
	enum tr_engine_outcome outcome;
	_Atomic uint32_t running; /* workers whose thread has not ended */
	_Atomic bool is_stop_asked;
	pthread_t threads[TR_WORKERS_MAX];
	_Atomic int64_t started_ns;  /* 0: not yet */
	uint64_t rows_before;        /* restored: what sources had read */
	_Atomic int64_t finished_ns; /* 0: not yet */
};

tr_code tr_engine_create(const struct tr_plan *plan, struct tr_environment *env, struct tr_engine **engine,
			 struct tr_status *st)
{
	struct tr_engine *e = aligned_alloc(64, (sizeof(*e) + 63) & ~(size_t)63);
	tr_code code;

	TR_ASSERT(e != NULL && plan != NULL && env != NULL);
	memset(e, 0, sizeof(*e));
	code = TR_OK;
	if (plan->is_batch && plan->checkpoint.restore_from != NULL)
		code = tr_status_set(st, TR_ERR_CONFIG, 0, TR_WHERE,
				     "batch mode has no state to begin with, so %s is of no use to it",
				     plan->checkpoint.restore_from);
	if (code == TR_OK && plan->checkpoint.directory != NULL)
		code = tr_coordinator_create(plan, env, &e->coordinator, st);
	if (code == TR_OK)
		code = e->coordinator != NULL ? tr_coordinator_build(e->coordinator, &e->graph, st)
					      : tr_graph_init(&e->graph, plan, env, NULL, st);
	if (code != TR_OK) {
		tr_engine_destroy(&e);
		*engine = NULL;
		return code;
	}
	*engine = e;
	return TR_OK;
}

void tr_engine_destroy(struct tr_engine **engine)
{
	struct tr_engine *e = *engine;

	*engine = NULL;
	if (e == NULL)
		return;
	if (e->graph.plan != NULL)
		tr_graph_deinit(&e->graph);
	tr_coordinator_destroy(&e->coordinator);
	free(e);
}

static struct tr_engine *engine_of(struct tr_graph *graph)
{
	return (struct tr_engine *)((char *)graph - offsetof(struct tr_engine, graph));
}

static void *worker_main(void *argument)
{
	struct tr_worker *worker = argument;
	struct tr_engine *engine = engine_of(worker->graph);

	tr_topology_pin(worker->core);
	tr_worker_run(worker);
	/* Release pairs with the acquire of run_coordinator. */
	atomic_fetch_sub_explicit(&engine->running, 1, memory_order_release);
	if (engine->coordinator != NULL)
		tr_io_wake(engine->coordinator->io);
	return NULL;
}

static void place_workers(struct tr_graph *graph)
{
	int32_t cpus[TR_WORKERS_MAX];
	const uint32_t available = tr_topology_place(cpus, graph->worker_count);

	for (uint32_t w = 0; w < graph->worker_count; w++) {
		graph->workers[w].core = cpus[w];
		graph->workers[w].is_spinning = graph->worker_count <= available;
	}
}

/** Steps the coordinator until it has nothing more to do, or no worker runs. */
static void run_coordinator(struct tr_engine *e)
{
	struct tr_coordinator *c = e->coordinator;

	/* Acquire pairs with the release of worker_main. */
	while (atomic_load_explicit(&e->running, memory_order_acquire) > 0) {
		const enum tr_turn turn = tr_coordinator_step(c);
		int64_t wake_ns, sleep_ns = -1;

		if (turn == TR_TURN_DONE || turn == TR_TURN_FAILED)
			return;
		if (turn == TR_TURN_PROGRESS)
			continue;
		wake_ns = tr_coordinator_wake_at_ns(c);
		if (wake_ns != INT64_MAX)
			sleep_ns = TR_MAX(wake_ns - tr_environment_monotonic_ns(e->graph.env), 0);
		(void)tr_io_wait(c->io, sleep_ns);
	}
}

/** Starts the workers and waits for them. */
static tr_code run_workers(struct tr_engine *e, struct tr_status *st)
{
	struct tr_graph *graph = &e->graph;
	uint32_t started = 0;
	int error = 0;

	atomic_store_explicit(&e->running, graph->worker_count, memory_order_relaxed);
	for (; started < graph->worker_count && error == 0; started++) {
		error = pthread_create(&e->threads[started], NULL, worker_main, &graph->workers[started]);
		if (error != 0)
			break;
	}
	if (error != 0) {
		struct tr_status failure = {0};

		(void)tr_status_set(&failure, TR_ERR_UNAVAILABLE, error, TR_WHERE, "can't start worker %u of %u",
				    started + 1, graph->worker_count);
		tr_graph_fail(graph, &failure);
	} else if (e->coordinator != NULL) {
		run_coordinator(e);
	}
	for (uint32_t w = 0; w < started; w++)
		(void)pthread_join(e->threads[w], NULL);
	if (graph->failure.code != TR_OK) {
		if (st != NULL)
			*st = graph->failure;
		return graph->failure.code;
	}
	return TR_OK;
}

static uint64_t rows_restored(const struct tr_graph *graph)
{
	uint64_t rows = 0;

	for (uint32_t s = 0; s < graph->stage_count; s++)
		for (uint32_t i = 0; i < graph->stages[s]->parallelism; i++)
			if (graph->stages[s]->subtasks[i].source != NULL)
				rows += tr_source_task_counters(graph->stages[s]->subtasks[i].source)->rows;
	return rows;
}

tr_code tr_engine_run(struct tr_engine *engine, struct tr_status *st)
{
	struct tr_graph *graph = &engine->graph;
	tr_code code;

	TR_ASSERT(atomic_load_explicit(&engine->started_ns, memory_order_relaxed) == 0);
	if (engine->coordinator != NULL && engine->coordinator->was_finished) {
		tr_coordinator_close(engine->coordinator);
		engine->outcome = TR_OUTCOME_FINISHED;
		return TR_OK;
	}
	place_workers(graph);
	engine->rows_before = rows_restored(graph);
	/* Release pairs with the acquire of tr_engine_progress: rows_before. */
	atomic_store_explicit(&engine->started_ns, tr_environment_monotonic_ns(graph->env), memory_order_release);
	code = run_workers(engine, st);
	if (engine->coordinator != NULL)
		tr_coordinator_close(engine->coordinator);
	atomic_store_explicit(&engine->finished_ns, tr_environment_monotonic_ns(graph->env), memory_order_relaxed);
	TR_TRY(code);
	engine->outcome = TR_OUTCOME_FINISHED;
	if (engine->coordinator != NULL && engine->coordinator->stop != TR_STOP_NONE &&
	    engine->coordinator->state == TR_COORDINATOR_ENDED) {
		engine->outcome = TR_OUTCOME_STOPPED;
		return TR_OK;
	}
	for (uint32_t w = 0; w < graph->worker_count; w++) {
		if (graph->workers[w].done_count < graph->workers[w].subtask_count) {
			engine->outcome = TR_OUTCOME_CANCELLED;
			TR_FAIL(st, TR_ERR_CANCELLED, "the job was cancelled");
		}
	}
	return TR_OK;
}

void tr_engine_stop(struct tr_engine *engine)
{
	if (engine->coordinator == NULL || atomic_exchange_explicit(&engine->is_stop_asked, true, memory_order_relaxed))
		tr_engine_cancel(engine);
	else
		tr_coordinator_stop(engine->coordinator);
}

void tr_engine_on_event(struct tr_engine *engine, void (*on_event)(void *context, const char *text), void *context)
{
	engine->graph.on_event = on_event;
	engine->graph.event_context = context;
	if (engine->coordinator == NULL)
		return;
	engine->coordinator->on_event = on_event;
	engine->coordinator->event_context = context;
	if (engine->coordinator->report.note[0] != '\0') /* the log was opened before anyone listened */
		on_event(context, engine->coordinator->report.note);
	if (engine->coordinator->fallback[0] != '\0')
		on_event(context, engine->coordinator->fallback);
}

tr_code tr_engine_savepoint(struct tr_engine *engine, const char *directory, enum tr_stop_mode stop,
			    uint64_t *checkpoint, struct tr_status *st)
{
	struct tr_savepoint_request request = {.stop = stop};

	if (engine->coordinator == NULL)
		TR_FAIL(st, TR_ERR_UNAVAILABLE,
			"the job has no checkpoints: set 'execution.checkpointing.interval', or give --state-dir");
	if (strlen(directory) >= sizeof(request.directory))
		TR_FAIL(st, TR_ERR_USAGE, "the savepoint's path is longer than %zu bytes",
			sizeof(request.directory) - 1);
	strcpy(request.directory, directory);
	tr_coordinator_ask(engine->coordinator, &request);
	/* Acquire pairs with the coordinator's release. */
	while (!atomic_load_explicit(&request.is_done, memory_order_acquire))
		usleep(1000);
	*checkpoint = request.checkpoint;
	if (request.status.code != TR_OK && st != NULL)
		*st = request.status;
	return request.status.code;
}

enum tr_engine_outcome tr_engine_outcome(const struct tr_engine *engine) { return engine->outcome; }

bool tr_engine_checkpoints(struct tr_engine *engine, struct tr_checkpoint_stats *stats)
{
	if (engine->coordinator != NULL)
		tr_coordinator_stats(engine->coordinator, stats);
	return engine->coordinator != NULL;
}

void tr_engine_cancel(struct tr_engine *engine) { tr_graph_cancel(&engine->graph); }

static uint64_t get_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void tr_engine_progress(const struct tr_engine *engine, struct tr_engine_progress *progress)
{
	const struct tr_graph *graph = &engine->graph;
	const int64_t started_ns = atomic_load_explicit(&engine->started_ns, memory_order_acquire);
	const int64_t finished_ns = atomic_load_explicit(&engine->finished_ns, memory_order_relaxed);

	memset(progress, 0, sizeof(*progress));
	progress->watermark_ms = TR_WATERMARK_MAX;
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		for (uint32_t i = 0; i < graph->stages[s]->parallelism; i++) {
			const struct tr_subtask_counters *c = &graph->stages[s]->subtasks[i].counters;

			progress->rows_in += get_counter(&c->rows_in);
			progress->rows_out += get_counter(&c->rows_out);
			progress->rows_late += get_counter(&c->rows_late);
			progress->rows_bad += get_counter(&c->rows_bad);
			progress->fields_bad += get_counter(&c->fields_bad);
			progress->bytes_in += get_counter(&c->bytes_in);
			progress->spilled_bytes += get_counter(&c->spilled_bytes);
			if (graph->stages[s]->sink_count > 0) {
				const int64_t watermark_ms =
					atomic_load_explicit(&c->watermark_ms, memory_order_relaxed);

				progress->watermark_ms = TR_MIN(progress->watermark_ms, watermark_ms);
			}
		}
	}
	progress->rows_before = started_ns != 0 ? engine->rows_before : 0;
	progress->is_finished = finished_ns != 0;
	if (started_ns != 0)
		progress->elapsed_ns =
			(finished_ns != 0 ? finished_ns : tr_environment_monotonic_ns(graph->env)) - started_ns;
}
