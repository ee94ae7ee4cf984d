/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes with several readers: random plans of scans, filters, exchanges and unions in which any node may be read again, also by a
 * union that reads it elsewhere, so that ways part and meet in all manners.
 *
 * The model is how often each row comes to a node: once from a scan, as often as from all inputs together behind a union, and rows that a
 * filter drops not at all. Every sink must have each row that often, with any number of workers and credits. With checkpoints, stepped in
 * random order: at the barrier of a complete one each sink has that often exactly the rows that the scan had emitted. A scheduler
 * notices when nothing moves any more.
 */
#include "core/checkpoint.h"
#include "core/harness.h"
#include "core/worker.h"

#define NODES_MAX 40
#define SINKS_MAX 40
#define OFTEN_MAX 24
#define SUBTASKS_MAX 5
#define CHECKPOINTS_MAX 64
#define IDLE_ROUNDS_MAX 2000

/** How often rows come: those that the filter keeps, and the others. */
struct often {
	uint32_t kept, other;
};

struct model {
	struct harness h;
	struct harness_plan p;
	uint64_t random;
	const struct tr_node *nodes[NODES_MAX];
	struct often often[NODES_MAX];
	bool is_read[NODES_MAX];
	uint32_t count;
	const struct tr_node *sinks[SINKS_MAX];
	struct often sink_often[SINKS_MAX];
	char names[SINKS_MAX][8];
	uint32_t sink_count;
};

static uint32_t node_add(struct model *m, const struct tr_node *node, struct often often)
{
	m->nodes[m->count] = node;
	m->often[m->count] = often;
	return m->count++;
}

static uint32_t pick(struct model *m)
{
	const uint32_t picked = tr_test_below(&m->random, m->count);

	m->is_read[picked] = true;
	return picked;
}

static const struct tr_node *exchange_to(struct model *m, const struct tr_node *input, uint32_t parallelism)
{
	enum tr_exchange_kind kind = tr_test_below(&m->random, 2) == 0 ? TR_EXCHANGE_HASH : TR_EXCHANGE_REBALANCE;

	if (parallelism == 1)
		kind = TR_EXCHANGE_GATHER;
	else if (parallelism == input->parallelism && tr_test_below(&m->random, 3) == 0)
		kind = TR_EXCHANGE_FORWARD;
	return harness_exchange(&m->p, input, kind, parallelism);
}

/** Of two or three nodes, perhaps the same; each directly, by an exchange, or by the one that was made before. */
static void add_union(struct model *m)
{
	const uint32_t parallelism = 1 + tr_test_below(&m->random, SUBTASKS_MAX);
	const uint32_t count = 2 + tr_test_below(&m->random, 2);
	const struct tr_node *inputs[3];
	struct tr_node *node;
	struct often often = {0};
	uint32_t last = 0;

	for (uint32_t i = 0; i < count; i++) {
		const bool is_again = i > 0 && tr_test_below(&m->random, 3) == 0;
		const uint32_t picked = is_again ? last : pick(m);

		if (often.kept + m->often[picked].kept > OFTEN_MAX || often.other + m->often[picked].other > OFTEN_MAX)
			return;
		often.kept += m->often[picked].kept;
		often.other += m->often[picked].other;
		if (is_again)
			inputs[i] = inputs[i - 1];
		else if (m->nodes[picked]->parallelism == parallelism && tr_test_below(&m->random, 2) == 0)
			inputs[i] = m->nodes[picked];
		else
			inputs[i] = exchange_to(m, m->nodes[picked], parallelism);
		last = picked;
	}
	node = tr_plan_node(&m->p.arena, TR_NODE_UNION, inputs, count);
	node->output = &m->p.physical;
	node->parallelism = parallelism;
	(void)node_add(m, node, often);
}

static void add_sink(struct model *m, uint32_t of)
{
	const struct tr_node *input = harness_project(&m->p, m->nodes[of], m->nodes[of]->parallelism);
	struct tr_node *sink = tr_plan_node(&m->p.arena, TR_NODE_SINK, &input, 1);
	struct tr_table_spec *table = harness_table(&m->p, &m->p.output);

	snprintf(m->names[m->sink_count], sizeof(m->names[0]), "s%u", m->sink_count);
	table->name = m->names[m->sink_count];
	sink->parallelism = input->parallelism;
	sink->sink.table = table;
	m->sink_often[m->sink_count] = m->often[of];
	m->sinks[m->sink_count++] = sink;
}

static struct model *model_create(uint64_t seed, uint32_t workers, uint32_t credits, uint32_t batch_rows, uint32_t rows)
{
	struct model *m = calloc(1, sizeof(*m));
	uint32_t steps;

	m->random = seed;
	harness_init(&m->h, seed, 1 + tr_test_below(&m->random, 3), rows);
	m->h.chunk_bytes = 1 + tr_test_below(&m->random, 500);
	m->h.wrong_percent = 20;
	m->h.blocked_percent = 20;
	m->h.sink_blocked_percent = 30;
	harness_plan_init(&m->p, batch_rows, workers, credits);
	(void)node_add(m, harness_scan(&m->p, 1 + tr_test_below(&m->random, SUBTASKS_MAX)), (struct often){1, 1});
	add_sink(m, 0);
	steps = 3 + tr_test_below(&m->random, 9);
	for (uint32_t i = 0; i < steps; i++) {
		const uint32_t what = tr_test_below(&m->random, 5), of = what < 3 ? pick(m) : 0;

		if (what == 0)
			(void)node_add(m, harness_filter(&m->p, m->nodes[of]), (struct often){m->often[of].kept, 0});
		else if (what < 3)
			(void)node_add(m, exchange_to(m, m->nodes[of], 1 + tr_test_below(&m->random, SUBTASKS_MAX)),
				       m->often[of]);
		else
			add_union(m);
	}
	for (uint32_t i = 1; i < m->count; i++)
		if (!m->is_read[i] || tr_test_below(&m->random, 4) == 0)
			add_sink(m, i);
	m->p.plan.sinks = m->sinks;
	m->p.plan.sink_count = m->sink_count;
	return m;
}

static void model_destroy(struct model *m)
{
	harness_plan_deinit(&m->p);
	harness_deinit(&m->h);
	free(m);
}

static int compare_sunk(const void *a, const void *b)
{
	const struct sunk *x = a, *y = b;
	const int tables = strcmp(x->table, y->table);

	return tables != 0 ? tables : (x->id > y->id) - (x->id < y->id);
}

/** Every sink has each row as often as the model says. */
static void model_check(struct model *m)
{
	size_t at = 0, expected = 0;
	uint32_t sink = UINT32_MAX;

	qsort(m->h.sunk, m->h.sunk_count, sizeof(*m->h.sunk), compare_sunk);
	while (at < m->h.sunk_count) {
		const struct sunk *first = &m->h.sunk[at];
		const size_t row =
			(size_t)(first->id / 100000000) * m->h.rows_per_split + (size_t)(first->id % 100000000);
		uint32_t often = 0;

		sink = (uint32_t)atoi(first->table + 1);
		while (at < m->h.sunk_count && compare_sunk(first, &m->h.sunk[at]) == 0) {
			assert_true(m->h.sunk[at++].is_text_good);
			often++;
		}
		assert_int_equal(often, m->h.rows[row].keep ? m->sink_often[sink].kept : m->sink_often[sink].other);
	}
	for (size_t i = 0; i < (size_t)m->h.split_count * m->h.rows_per_split; i++)
		for (uint32_t s = 0; s < m->sink_count; s++)
			expected += m->h.rows[i].keep ? m->sink_often[s].kept : m->sink_often[s].other;
	assert_int_equal(m->h.sunk_count, expected);
}

static void run_threads(void **state)
{
	static const uint32_t workers[] = {1, 2, 3, 8};
	static const uint32_t batches[] = {1, 7, 2048};

	for (uint64_t seed = 1; seed <= tr_test_cases(120); seed++) {
		struct model *m =
			model_create(seed, workers[seed % 4], seed % 3 == 0 ? 4 : 1, batches[seed / 4 % 3], 300);
		struct tr_engine_progress progress;
		struct tr_status st = {0};

		if (harness_run(&m->p, &progress, &st) != TR_OK)
			fail_msg("seed %llu: %s", (unsigned long long)seed, st.message);
		model_check(m);
		assert_int_equal(progress.rows_in, (uint64_t)m->h.split_count * m->h.rows_per_split); /* read once */
		assert_int_equal(progress.rows_out, m->h.sunk_count);
		assert_int_equal(progress.watermark_ms, TR_WATERMARK_MAX);
		model_destroy(m);
	}
}

/* Checkpoints. */

struct seen {
	uint64_t kept, other; /* rows */
	uint64_t kept_sum, other_sum;
	bool is_noted;
};

/** In front of a sink. */
struct probe {
	struct tr_op_ops ops; /* first: found again by op->ops */
	const struct tr_op_ops *original;
	struct seen now;
	struct seen at[CHECKPOINTS_MAX + 1];
	uint32_t sink;
};

static enum tr_flow probe_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const int64_t id = tr_column_i64(&batch->columns[0], tr_batch_row(batch, i));
		const size_t row =
			(size_t)(id / 100000000) * harness_current->rows_per_split + (size_t)(id % 100000000);
		const bool is_kept = harness_current->rows[row].keep;
		uint64_t mixed = (uint64_t)id;

		*(is_kept ? &probe->now.kept_sum : &probe->now.other_sum) += tr_test_random(&mixed);
		*(is_kept ? &probe->now.kept : &probe->now.other) += 1;
	}
	return probe->original->on_batch(op, input, batch);
}

static enum tr_flow probe_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct probe *probe = (struct probe *)(uintptr_t)op->ops;

	probe->at[checkpoint] = probe->now;
	probe->at[checkpoint].is_noted = true;
	return probe->original->on_barrier(op, input, checkpoint);
}

struct run {
	struct tr_graph graph;
	struct probe probes[SINKS_MAX * SUBTASKS_MAX];
	uint32_t probe_count;
	bool is_complete[CHECKPOINTS_MAX + 1];
	uint64_t begun;
};

static void put_probes(struct run *r)
{
	for (uint32_t s = 0; s < r->graph.stage_count; s++) {
		struct tr_stage *stage = r->graph.stages[s];

		for (uint32_t k = 0; k < stage->sink_count * stage->parallelism; k++) {
			struct tr_op *op =
				stage->subtasks[k / stage->sink_count].chain.ops[stage->sinks[k % stage->sink_count]];
			struct probe *probe = &r->probes[r->probe_count++];

			probe->original = op->ops;
			probe->ops = *op->ops;
			probe->ops.on_batch = probe_batch;
			probe->ops.on_barrier = probe_barrier;
			probe->sink = (uint32_t)atoi(
				stage->ops[stage->sinks[k % stage->sink_count]].node->sink.table->name + 1);
			op->ops = &probe->ops;
		}
	}
}

static void maybe_begin(struct run *r, uint64_t *random)
{
	const uint64_t collected = tr_checkpoint_collected(&r->graph);

	if (r->begun > 0) /* only the last one begun can become complete */
		r->is_complete[r->begun] |= collected >= r->begun;
	if (r->begun < CHECKPOINTS_MAX && (collected >= r->begun || tr_test_below(random, 50) == 0))
		tr_checkpoint_begin(&r->graph, ++r->begun);
}

static void step_all(struct run *r, uint64_t *random)
{
	bool is_done[TR_WORKERS_MAX] = {false};
	uint32_t done = 0, idle = 0;
	const uint32_t slow = tr_test_below(random, r->graph.worker_count);

	while (done < r->graph.worker_count) {
		const uint32_t w = tr_test_below(random, r->graph.worker_count);

		if (tr_test_below(random, 20) == 0)
			maybe_begin(r, random);
		if (is_done[w] || (w == slow && tr_test_below(random, 20) != 0))
			continue;
		switch (tr_worker_step(&r->graph.workers[w])) {
		case TR_TURN_DONE:
			is_done[w] = true;
			done++;
			idle = 0;
			break;
		case TR_TURN_PROGRESS: idle = 0; break;
		case TR_TURN_IDLE:
			if (++idle > IDLE_ROUNDS_MAX * r->graph.worker_count)
				fail_msg("stuck: %u of %u workers done", done, r->graph.worker_count);
			break;
		case TR_TURN_FAILED: fail_msg("%s", r->graph.failure.message);
		}
	}
}

/** Sink 0 reads the scan. */
static uint32_t check_barriers(const struct model *m, const struct run *r)
{
	uint32_t complete = 0;

	for (uint64_t n = 1; n <= r->begun; n++) {
		struct seen total[SINKS_MAX] = {{0}};

		if (!r->is_complete[n])
			continue;
		complete++;
		for (uint32_t i = 0; i < r->probe_count; i++) {
			const struct probe *probe = &r->probes[i];
			/* A subtask that had finished: all of its rows came before the barrier. */
			const struct seen *seen = probe->at[n].is_noted ? &probe->at[n] : &probe->now;

			total[probe->sink].kept += seen->kept;
			total[probe->sink].kept_sum += seen->kept_sum;
			total[probe->sink].other += seen->other;
			total[probe->sink].other_sum += seen->other_sum;
		}
		for (uint32_t s = 0; s < m->sink_count; s++) {
			assert_int_equal(total[s].kept, total[0].kept * m->sink_often[s].kept);
			assert_int_equal(total[s].other, total[0].other * m->sink_often[s].other);
			assert_true(total[s].kept_sum == total[0].kept_sum * m->sink_often[s].kept);
			assert_true(total[s].other_sum == total[0].other_sum * m->sink_often[s].other);
		}
	}
	return complete;
}

static void stepped_with_barriers(void **state)
{
	static const uint32_t worker_counts[] = {1, 2, 3, 8, 17};
	uint32_t complete = 0;

	for (uint64_t seed = 1000; seed < 1000 + tr_test_cases(150); seed++) {
		struct model *m = model_create(seed, worker_counts[seed % 5], 1 + (uint32_t)(seed % 4 == 0),
					       1 + (uint32_t)(seed % 7), 200);
		struct run *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
		struct tr_environment *env = NULL;
		struct tr_status st = {0};

		memset(r, 0, sizeof(*r));
		assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
		if (tr_plan_check(&m->p.plan, &st) != TR_OK ||
		    tr_graph_init(&r->graph, &m->p.plan, env, NULL, &st) != TR_OK)
			fail_msg("seed %llu: %s", (unsigned long long)seed, st.message);
		put_probes(r);
		step_all(r, &m->random);
		assert_true(tr_checkpoint_collected(&r->graph) == TR_CHECKPOINT_ALL);
		complete += check_barriers(m, r);
		model_check(m);
		tr_graph_deinit(&r->graph);
		tr_environment_real_destroy(&env);
		free(r);
		model_destroy(m);
	}
	if (tr_test_cases(150) >= 150)
		assert_true(complete > 200); /* the test would prove nothing without */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_threads),
		cmocka_unit_test(stepped_with_barriers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
