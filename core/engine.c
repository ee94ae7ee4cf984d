/* SPDX-License-Identifier: Apache-2.0
 *
 * Engine: threads around a graph.
 *
 * The caller's thread starts one thread per worker and waits for all of them. A failure in any worker stops the others
 * at their next step; the first failure is the one that is reported. Cancelling is the same without a failure.
 */
#include "core/engine.h"

#include <stdlib.h>
#include <string.h>

#include "core/graph.h"
#include "core/topology.h"
#include "core/worker.h"

struct tr_engine {
	struct tr_graph graph;
	pthread_t threads[TR_WORKERS_MAX];
	_Atomic int64_t started_ns;  /* 0: not yet */
	_Atomic int64_t finished_ns; /* 0: not yet */
};

tr_code tr_engine_create(const struct tr_plan *plan, struct tr_environment *env, struct tr_engine **engine,
			 struct tr_status *st)
{
	struct tr_engine *e = aligned_alloc(64, (sizeof(*e) + 63) & ~(size_t)63);
	tr_code code;

	TR_ASSERT(e != NULL && plan != NULL && env != NULL);
	memset(e, 0, sizeof(*e));
	code = tr_graph_init(&e->graph, plan, env, st);
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
	tr_graph_deinit(&e->graph);
	free(e);
}

static void *worker_main(void *argument)
{
	struct tr_worker *worker = argument;

	tr_topology_pin(worker->core);
	tr_worker_run(worker);
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

/** Starts the workers and waits for them. */
static tr_code run_workers(struct tr_engine *e, struct tr_status *st)
{
	struct tr_graph *graph = &e->graph;
	uint32_t started = 0;
	int error = 0;

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

tr_code tr_engine_run(struct tr_engine *engine, struct tr_status *st)
{
	struct tr_graph *graph = &engine->graph;
	tr_code code;

	TR_ASSERT(atomic_load_explicit(&engine->started_ns, memory_order_relaxed) == 0);
	place_workers(graph);
	atomic_store_explicit(&engine->started_ns, tr_environment_monotonic_ns(graph->env), memory_order_relaxed);
	code = run_workers(engine, st);
	atomic_store_explicit(&engine->finished_ns, tr_environment_monotonic_ns(graph->env), memory_order_relaxed);
	TR_TRY(code);
	for (uint32_t w = 0; w < graph->worker_count; w++)
		if (graph->workers[w].done_count < graph->workers[w].subtask_count)
			TR_FAIL(st, TR_ERR_CANCELLED, "the job was cancelled");
	return TR_OK;
}

void tr_engine_cancel(struct tr_engine *engine) { tr_graph_cancel(&engine->graph); }

static uint64_t get_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void tr_engine_progress(const struct tr_engine *engine, struct tr_engine_progress *progress)
{
	const struct tr_graph *graph = &engine->graph;
	const int64_t started_ns = atomic_load_explicit(&engine->started_ns, memory_order_relaxed);
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
			if (graph->stages[s]->output == NULL)
				progress->watermark_ms =
					TR_MIN(progress->watermark_ms,
					       atomic_load_explicit(&c->watermark_ms, memory_order_relaxed));
		}
	}
	progress->is_finished = finished_ns != 0;
	if (started_ns != 0)
		progress->elapsed_ns =
			(finished_ns != 0 ? finished_ns : tr_environment_monotonic_ns(graph->env)) - started_ns;
}
