/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows through the whole engine: one split, out of order and late rows, counted per second and key by one phase and
 * by two, with 1 to 8 subtasks, any chunks, wrong guesses, one credit. The model reads the rows one after another, stamps
 * them by Flink's rule and drops what is late; results and the number of late rows must be the same, whoever read.
 */
#include "core/harness.h"

#include "core/ops/agg.h"

#define SIZE_MS 1000
#define KEYS 2
#define WINDOWS_MAX 4000

struct counts {
	pthread_mutex_t lock;
	uint64_t rows[KEYS][WINDOWS_MAX]; /* by window number */
	uint32_t results;
};

static struct counts *counts_current;

struct count_sink {
	int unused;
};

static tr_code count_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			  struct tr_status *st)
{
	*sink = calloc(1, sizeof(struct count_sink));
	return TR_OK;
}

static enum tr_flow count_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	pthread_mutex_lock(&counts_current->lock);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t start_ms = tr_column_i64(&batch->columns[2], row);

		assert_int_equal(start_ms % SIZE_MS, 0);
		assert_int_equal(tr_column_i64(&batch->columns[3], row), start_ms + SIZE_MS);
		counts_current->rows[tr_column_i8(&batch->columns[0], row)][start_ms / SIZE_MS] +=
			(uint64_t)tr_column_i64(&batch->columns[1], row);
		counts_current->results++;
	}
	pthread_mutex_unlock(&counts_current->lock);
	return TR_FLOW_MORE;
}

static enum tr_flow count_more(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_MORE; }
static enum tr_flow count_finish(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_DONE; }

static void count_close(struct tr_sink **sink)
{
	free(*sink);
	*sink = NULL;
}

static const struct tr_sink_ops count_ops = {.open = count_open,
					     .write = count_write,
					     .resume = count_more,
					     .tick = count_more,
					     .finish = count_finish,
					     .close = count_close};
static const struct tr_connector count_connector = {.name = "count", .options = harness_options, .sink = &count_ops};

static struct tr_node *aggregate(struct harness_plan *p, const struct tr_node *input, enum tr_aggregate_phase phase,
				 const struct tr_agg_call *call, const uint32_t *keys, const struct tr_schema *output)
{
	struct tr_node *node = tr_plan_node(&p->arena, TR_NODE_WINDOW_AGGREGATE, &input, 1);

	node->output = output;
	node->parallelism = input->parallelism;
	node->window.window = (struct tr_window_spec){.kind = TR_WINDOW_TUMBLE,
						      .size_ms = SIZE_MS,
						      .step_ms = SIZE_MS,
						      .time_zone = "UTC",
						      .time_column = COL_TIME};
	node->window.keys = keys;
	node->window.key_count = 1;
	node->window.aggs = call;
	node->window.agg_count = 1;
	node->window.phase = phase;
	return node;
}

static void make_plan(struct harness_plan *p, uint32_t parallelism, bool is_two_phase, bool use_general)
{
	static const uint32_t keys[] = {COL_KEEP};
	static const char *const names[] = {"k", "n", "window_start", "window_end", "window_time"};
	const struct tr_type **types = TR_NEW_ARRAY(&p->arena, 5, const struct tr_type *);
	struct tr_schema *output = TR_NEW(&p->arena, struct tr_schema);
	struct tr_agg_call *call = TR_NEW(&p->arena, struct tr_agg_call);
	struct tr_agg_match match;
	struct tr_status st = {0};
	struct tr_node *node = harness_scan(p, parallelism);
	struct tr_table_spec *table;

	assert_int_equal(tr_agg_resolve(&p->arena, "COUNT", NULL, true, &match, &st), TR_OK);
	*call = (struct tr_agg_call){
		.agg = match.agg, .type = match.type, .arg_column = -1, .filter_column = -1, .text = "COUNT(*)"};
	types[0] = p->types[COL_KEEP];
	types[1] = match.type;
	types[2] = types[3] = types[4] = p->types[COL_TIME];
	*output = (struct tr_schema){5, names, types};
	if (is_two_phase) {
		const struct tr_schema *partial;
		static const uint32_t first[] = {0};

		node = aggregate(p, node, TR_PHASE_LOCAL, call, keys, NULL);
		assert_int_equal(tr_plan_local_schema(&p->arena, node, &partial, &st), TR_OK);
		node->output = partial;
		node = harness_exchange(p, node, TR_EXCHANGE_HASH, parallelism);
		node->exchange.keys = first;
		node = aggregate(p, node, TR_PHASE_GLOBAL, call, keys, output);
	} else {
		node = harness_exchange(p, node, TR_EXCHANGE_HASH, parallelism);
		node->exchange.keys = keys;
		node = aggregate(p, node, TR_PHASE_SINGLE, call, keys, output);
		node->window.use_general = use_general;
	}
	node->parallelism = parallelism;
	harness_sink(p, node, parallelism);
	table = harness_table(p, output);
	table->connector = &count_connector;
	((struct tr_node *)(uintptr_t)p->plan.sinks[0])->sink.table = table;
}

/** Counts by reading one row after another. Returns how many were late. */
static uint64_t model(const struct harness *h, uint64_t rows[KEYS][WINDOWS_MAX])
{
	int64_t current = 0, last = 0;
	uint64_t late = 0;

	for (uint32_t i = 0; i < h->rows_per_split; i++) {
		const struct harness_row *row = &h->rows[i];
		const int64_t window = row->time_ms / SIZE_MS;

		assert_true(window < WINDOWS_MAX);
		if (last > 0 && (window + 1) * SIZE_MS - 1 <= last)
			late++;
		else
			rows[row->keep][window]++;
		current = TR_MAX(current, row->watermark_ms);
		if (current - last > 200)
			last = current;
	}
	return late;
}

static void run_windows(uint64_t seed, uint32_t parallelism, bool is_two_phase, bool use_general)
{
	struct counts *expected = calloc(1, sizeof(*expected)), *counts = calloc(1, sizeof(*counts));
	struct harness h;
	struct harness_plan p;
	struct tr_engine_progress progress;
	struct tr_status st = {0};
	uint64_t late, random = seed;
	const uint32_t batch_rows = 1 + tr_test_below(&random, 200);

	counts_current = counts;
	pthread_mutex_init(&counts->lock, NULL);
	harness_init(&h, seed, 1, 5000);
	h.chunk_bytes = 50 + tr_test_below(&random, 4000);
	h.wrong_percent = 30;
	h.blocked_percent = 20;
	late = model(&h, expected->rows);
	assert_true(late > 10);
	harness_plan_init(&p, batch_rows, 0, 1 + seed % 3);
	make_plan(&p, parallelism, is_two_phase, use_general);
	if (harness_run(&p, &progress, &st) != TR_OK)
		fail_msg("%s", st.message);
	for (int k = 0; k < KEYS; k++)
		for (int w = 0; w < WINDOWS_MAX; w++)
			if (counts->rows[k][w] != expected->rows[k][w])
				fail_msg("seed %llu, %u subtasks, two %d: key %d window %d has %llu rows, not %llu",
					 (unsigned long long)seed, parallelism, is_two_phase, k, w,
					 (unsigned long long)counts->rows[k][w],
					 (unsigned long long)expected->rows[k][w]);
	assert_int_equal(progress.rows_late, late);
	assert_int_equal(progress.rows_out, counts->results);
	harness_plan_deinit(&p);
	harness_deinit(&h);
	pthread_mutex_destroy(&counts->lock);
	free(counts);
	free(expected);
}

static void test_one_phase(void **state)
{
	for (uint64_t seed = 0; seed < 5; seed++)
		for (uint32_t parallelism = 1; parallelism <= 8; parallelism = parallelism * 3 / 2 + 1) {
			run_windows(seed, parallelism, false, false);
			run_windows(seed, parallelism, false, true);
		}
}

static void test_two_phases(void **state)
{
	for (uint64_t seed = 10; seed < 15; seed++)
		for (uint32_t parallelism = 1; parallelism <= 8; parallelism = parallelism * 3 / 2 + 1)
			run_windows(seed, parallelism, true, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_phase),
		cmocka_unit_test(test_two_phases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
