/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints through whole graphs: at the barrier of a complete checkpoint, every stage has seen exactly the rows that
 * the sources had emitted before it. Workers are stepped in random order on one thread, and run as threads; checkpoints
 * are begun at random moments, some before the one before is complete.
 *
 * A probe in front of each chain notes how many rows have come, and the sum of a mix of their ids, when a barrier
 * passes. The plans keep all rows, so the totals over the subtasks of each stage must be the same.
 */
#include <pthread.h>

#include "core/checkpoint.h"
#include "core/harness.h"
#include "core/worker.h"

#define CHECKPOINTS_MAX 64
#define STAGES 3
#define SUBTASKS_MAX 8

struct seen {
	uint64_t rows;
	uint64_t sum;
	bool is_noted;
};

struct probe {
	struct tr_op_ops ops; /* first: found again by op->ops */
	const struct tr_op_ops *original;
	struct seen now;
	struct seen at[CHECKPOINTS_MAX + 1];
};

static enum tr_flow probe_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		uint64_t id = (uint64_t)tr_column_i64(&batch->columns[0], tr_batch_row(batch, i));

		probe->now.sum += tr_test_random(&id);
	}
	probe->now.rows += batch->selected_count;
	return probe->original->on_batch(op, input, batch);
}

static enum tr_flow probe_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;

	probe->at[checkpoint] = probe->now;
	probe->at[checkpoint].is_noted = true;
	if (probe->original->on_barrier != NULL)
		return probe->original->on_barrier(op, input, checkpoint);
	return tr_op_emit_barrier(op, checkpoint);
}

struct run {
	struct harness h;
	struct harness_plan p;
	struct tr_environment *env;
	struct tr_graph *graph;
	struct probe probes[STAGES][SUBTASKS_MAX];
	bool is_complete[CHECKPOINTS_MAX + 1];
	uint64_t begun;
};

static void run_init(struct run *r, uint64_t seed, uint32_t rows)
{
	uint64_t random = seed;
	const uint32_t parallelism = 1 + tr_test_below(&random, SUBTASKS_MAX);
	struct tr_node *node;
	struct tr_status st = {0};

	memset(r, 0, sizeof(*r));
	harness_init(&r->h, seed, 1 + tr_test_below(&random, 3), rows);
	r->h.chunk_bytes = 1 + tr_test_below(&random, 500);
	r->h.wrong_percent = 20;
	r->h.blocked_percent = 20;
	r->h.sink_blocked_percent = 30;
	harness_plan_init(&r->p, 1 + tr_test_below(&random, 7), 1 + tr_test_below(&random, 8),
			  1 + tr_test_below(&random, 3));
	node = harness_exchange(&r->p, harness_scan(&r->p, parallelism), TR_EXCHANGE_HASH,
				1 + tr_test_below(&random, SUBTASKS_MAX));
	node = harness_project(&r->p, node, node->parallelism);
	node = harness_exchange(&r->p, node, TR_EXCHANGE_REBALANCE, 1 + tr_test_below(&random, 4));
	harness_sink(&r->p, node, node->parallelism);
	assert_int_equal(tr_environment_real_create(&r->env, &st), TR_OK);
	r->graph = aligned_alloc(64, (sizeof(*r->graph) + 63) / 64 * 64);
	if (tr_plan_check(&r->p.plan, &st) != TR_OK || tr_graph_init(r->graph, &r->p.plan, r->env, NULL, &st) != TR_OK)
		fail_msg("%s", st.message);
	assert_int_equal(r->graph->stage_count, STAGES);
	for (uint32_t s = 0; s < STAGES; s++) {
		for (uint32_t i = 0; i < r->graph->stages[s]->parallelism; i++) {
			struct tr_op *op = r->graph->stages[s]->subtasks[i].chain.ops[0];
			struct probe *probe = &r->probes[s][i];

			probe->original = op->ops;
			probe->ops = *op->ops;
			probe->ops.on_batch = probe_batch;
			probe->ops.on_barrier = probe_barrier;
			op->ops = &probe->ops;
		}
	}
}

/** Begins the next checkpoint if the last one is complete, or, rarely, anyway. */
static void maybe_begin(struct run *r, uint64_t *random)
{
	const uint64_t collected = tr_checkpoint_collected(r->graph);

	for (uint64_t n = 1; n <= r->begun; n++) /* only the last one begun can become complete */
		r->is_complete[n] |= n == r->begun && collected >= n;
	if (r->begun < CHECKPOINTS_MAX && (collected >= r->begun || tr_test_below(random, 50) == 0))
		tr_checkpoint_begin(r->graph, ++r->begun);
}

static uint32_t run_check(struct run *r)
{
	uint32_t complete = 0;

	for (uint64_t n = 1; n <= r->begun; n++) {
		struct seen total[STAGES] = {{0}};

		if (!r->is_complete[n])
			continue;
		complete++;
		for (uint32_t s = 0; s < STAGES; s++) {
			for (uint32_t i = 0; i < r->graph->stages[s]->parallelism; i++) {
				const struct probe *probe = &r->probes[s][i];
				/* A subtask that had finished: all of its rows came before the barrier. */
				const struct seen *seen = probe->at[n].is_noted ? &probe->at[n] : &probe->now;

				total[s].rows += seen->rows;
				total[s].sum += seen->sum;
			}
		}
		for (uint32_t s = 1; s < STAGES; s++) {
			assert_int_equal(total[s].rows, total[0].rows);
			assert_true(total[s].sum == total[0].sum);
		}
	}
	harness_check_rows(&r->h, false, false);
	return complete;
}

static void run_deinit(struct run *r)
{
	tr_graph_deinit(r->graph);
	free(r->graph);
	tr_environment_real_destroy(&r->env);
	harness_plan_deinit(&r->p);
	harness_deinit(&r->h);
	free(r);
}

static void test_stepped(void **state)
{
	uint32_t complete = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct run *r = malloc(sizeof(*r));
		bool is_done[TR_WORKERS_MAX] = {false};
		uint64_t random = seed;
		uint32_t done = 0;

		run_init(r, seed, 300);
		while (done < r->graph->worker_count) {
			const uint32_t w = tr_test_below(&random, r->graph->worker_count);
			enum tr_turn turn;

			if (tr_test_below(&random, 20) == 0)
				maybe_begin(r, &random);
			if (is_done[w])
				continue;
			turn = tr_worker_step(&r->graph->workers[w]);
			assert_int_not_equal(turn, TR_TURN_FAILED);
			is_done[w] = turn == TR_TURN_DONE;
			done += is_done[w];
		}
		assert_true(tr_checkpoint_collected(r->graph) == TR_CHECKPOINT_ALL);
		complete += run_check(r);
		run_deinit(r);
	}
	assert_true(complete > 200); /* the test would prove nothing without */
}

static void *thread_main(void *worker)
{
	tr_worker_run(worker);
	return NULL;
}

static void test_threads(void **state)
{
	uint32_t complete = 0;

	for (uint64_t seed = 100; seed < 110; seed++) {
		struct run *r = malloc(sizeof(*r));
		pthread_t threads[TR_WORKERS_MAX];
		uint64_t random = seed;

		run_init(r, seed, 3000);
		for (uint32_t w = 0; w < r->graph->worker_count; w++)
			assert_int_equal(pthread_create(&threads[w], NULL, thread_main, &r->graph->workers[w]), 0);
		while (tr_checkpoint_collected(r->graph) != TR_CHECKPOINT_ALL) {
			maybe_begin(r, &random);
			sched_yield();
		}
		for (uint32_t w = 0; w < r->graph->worker_count; w++)
			assert_int_equal(pthread_join(threads[w], NULL), 0);
		complete += run_check(r);
		run_deinit(r);
	}
	assert_true(complete > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stepped),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
