/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers stepped by hand, on one thread, in random order: nothing ever gets stuck.
 *
 * A scheduler picks a worker at random and lets it take one step, some workers much more rarely than others. A graph in
 * which every worker has been idle for many rounds in a row and is not done is stuck, and the test names its seed. With
 * one credit, one row a packet and trees of unions that would show each missing wake-up of a chain or channel.
 */
#include "core/harness.h"

#include "core/worker.h"

#define IDLE_ROUNDS_MAX 2000

/** What an idle worker may sleep on: nothing waits in the rings of its own subtasks, since who put it there may have been
 * itself, and nobody else would wake it. */
static void assert_may_sleep(const struct tr_worker *worker)
{
	for (uint32_t i = 0; i < worker->subtask_count; i++) {
		const struct tr_subtask *subtask = worker->subtasks[i];

		if (subtask->is_done || tr_chain_is_blocked(&subtask->chain))
			continue;
		for (uint32_t c = 0; c < subtask->align.input_count; c++) {
			if (!tr_ring_is_empty(subtask->align.inputs[c].channel->full))
				fail_msg("worker %u is idle, but stage %u subtask %u has a packet", worker->index,
					 subtask->stage->id, subtask->index);
		}
	}
}

/** Steps until all workers are done. */
static void step_all(struct tr_graph *graph, uint64_t *random)
{
	bool is_done[TR_WORKERS_MAX] = {false};
	uint32_t done = 0, idle = 0;
	const uint32_t slow = tr_test_below(random, graph->worker_count);

	while (done < graph->worker_count) {
		const uint32_t w = tr_test_below(random, graph->worker_count);

		if (is_done[w] || (w == slow && tr_test_below(random, 20) != 0))
			continue;
		switch (tr_worker_step(&graph->workers[w])) {
		case TR_TURN_DONE:
			is_done[w] = true;
			done++;
			idle = 0;
			break;
		case TR_TURN_PROGRESS: idle = 0; break;
		case TR_TURN_IDLE:
			assert_may_sleep(&graph->workers[w]);
			if (++idle > IDLE_ROUNDS_MAX * graph->worker_count)
				fail_msg("stuck: %u of %u workers done", done, graph->worker_count);
			break;
		case TR_TURN_FAILED: fail_msg("%s", graph->failure.message);
		}
	}
}

static void run_plan(struct harness_plan *p, uint64_t *random)
{
	struct tr_environment *env = NULL;
	struct tr_graph *graph = aligned_alloc(64, (sizeof(*graph) + 63) / 64 * 64);
	struct tr_status st = {0};

	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	if (tr_plan_check(&p->plan, &st) != TR_OK || tr_graph_init(graph, &p->plan, env, NULL, &st) != TR_OK)
		fail_msg("%s", st.message);
	step_all(graph, random);
	tr_graph_deinit(graph);
	free(graph);
	tr_environment_real_destroy(&env);
}

static void run_seed(uint64_t seed)
{
	static const uint32_t worker_counts[] = {1, 2, 3, 5, 8, 17, 64};
	uint64_t random = seed;
	const uint32_t workers = worker_counts[tr_test_below(&random, TR_COUNT_OF(worker_counts))];
	const uint32_t parallelism = 1 + tr_test_below(&random, 9);
	struct harness h;
	struct harness_plan p;
	struct tr_node *node;
	const struct tr_node *inputs[2];

	harness_init(&h, seed, 1 + tr_test_below(&random, 3), 200);
	h.chunk_bytes = 1 + tr_test_below(&random, 500);
	h.wrong_percent = 20;
	h.blocked_percent = 20;
	h.sink_blocked_percent = 30;
	harness_plan_init(&p, 1 + tr_test_below(&random, 3), workers, 1);
	node = harness_filter(&p, harness_scan(&p, parallelism));
	node = harness_exchange(&p, node, TR_EXCHANGE_HASH, 1 + tr_test_below(&random, 9));
	inputs[0] = node;
	inputs[1] = harness_filter(&p, harness_scan(&p, node->parallelism));
	node = tr_plan_node(&p.arena, TR_NODE_UNION, inputs, 2);
	node->output = &p.physical;
	node->parallelism = inputs[0]->parallelism;
	node = harness_exchange(&p, node, TR_EXCHANGE_REBALANCE, 1 + tr_test_below(&random, 4));
	harness_sink(&p, harness_project(&p, node, node->parallelism), node->parallelism);
	run_plan(&p, &random);
	qsort(h.sunk, h.sunk_count, sizeof(*h.sunk), harness_compare);
	for (size_t i = 0, at = 0; i < (size_t)h.split_count * h.rows_per_split; i++) {
		for (int n = 0; n < 2 && h.rows[i].keep; n++, at++) {
			assert_true(at < h.sunk_count);
			assert_int_equal(h.sunk[at].id, h.rows[i].id);
		}
	}
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

static void test_never_stuck(void **state)
{
	for (uint64_t seed = 0; seed < 60; seed++) {
		run_seed(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
