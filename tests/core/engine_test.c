/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine end to end: scan, filter, exchange, projection, sink, with any number of workers, one credit or several,
 * small and large batches; cancellation and failures in source, program and sink.
 */
#include <time.h>
#include <unistd.h>

#include "core/harness.h"

static void run_one(uint64_t seed, uint32_t parallelism, uint32_t workers, uint32_t credits, uint32_t batch_rows,
		    uint32_t rows)
{
	struct harness h;
	struct harness_plan p;
	struct tr_engine_progress progress;
	struct tr_status st = {0};
	struct tr_node *node;
	size_t kept = 0;

	harness_init(&h, seed, 1, rows);
	h.chunk_bytes = 1 + tr_test_below(&seed, 3000);
	h.wrong_percent = 30;
	h.blocked_percent = 10;
	h.sink_blocked_percent = 20;
	for (uint32_t i = 0; i < rows; i++)
		kept += h.rows[i].keep;
	harness_plan_init(&p, batch_rows, workers, credits);
	node = harness_filter(&p, harness_scan(&p, parallelism));
	node = harness_exchange(&p, node, TR_EXCHANGE_HASH, parallelism);
	harness_sink(&p, harness_project(&p, node, parallelism), parallelism);
	if (harness_run(&p, &progress, &st) != TR_OK)
		fail_msg("%s", st.message);
	harness_check_rows(&h, true, true);
	assert_int_equal(progress.rows_in, rows);
	assert_int_equal(progress.rows_out, kept);
	assert_int_equal(progress.bytes_in, (uint64_t)rows * RECORD_BYTES);
	assert_int_equal(progress.watermark_ms, TR_WATERMARK_MAX);
	assert_true(progress.is_finished);
	assert_int_equal(h.finished, parallelism);
	assert_int_equal(h.closed, parallelism);
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

static void test_workers_credits_batches(void **state)
{
	static const uint32_t workers[] = {1, 2, 3, 8, 64};
	static const uint32_t credits[] = {1, 4};
	static const uint32_t batches[] = {1, 7, 2048};

	for (size_t w = 0; w < TR_COUNT_OF(workers); w++)
		for (size_t c = 0; c < TR_COUNT_OF(credits); c++)
			for (size_t b = 0; b < TR_COUNT_OF(batches); b++)
				run_one(w * 100 + c * 10 + b, workers[w], workers[w], credits[c], batches[b],
					batches[b] == 1 ? 500 : 5000);
}

static void test_subtasks_and_workers_apart(void **state)
{
	run_one(1, 8, 1, 1, 7, 2000);
	run_one(2, 8, 3, 1, 7, 2000);
	run_one(3, 2, 8, 1, 7, 2000);
	run_one(4, 64, 2, 1, 2048, 2000);
}

/* Several splits: rows are the same; what is late depends on timing, so stamps are not compared. */
static void test_many_splits(void **state)
{
	static const uint32_t parallelisms[] = {1, 2, 3, 8};

	for (size_t i = 0; i < TR_COUNT_OF(parallelisms); i++) {
		struct harness h;
		struct harness_plan p;
		struct tr_status st = {0};
		struct tr_node *node;

		harness_init(&h, 17 + i, 9, 300);
		h.wrong_percent = 20;
		h.blocked_percent = 10;
		harness_plan_init(&p, 64, parallelisms[i], 1);
		node = harness_exchange(&p, harness_scan(&p, parallelisms[i]), TR_EXCHANGE_REBALANCE, 1);
		harness_sink(&p, harness_project(&p, node, 1), 1);
		if (harness_run(&p, NULL, &st) != TR_OK)
			fail_msg("%s", st.message);
		harness_check_rows(&h, false, false);
		harness_plan_deinit(&p);
		harness_deinit(&h);
	}
}

/** scan > gather > project > sink, and a union of the same scan with itself. */
static void run_union(uint32_t parallelism, uint32_t credits)
{
	struct harness h;
	struct harness_plan p;
	struct tr_status st = {0};
	const struct tr_node *inputs[3];
	struct tr_node *node;

	harness_init(&h, parallelism * 10 + credits, 1, 2000);
	h.blocked_percent = 5;
	h.sink_blocked_percent = 10;
	harness_plan_init(&p, 32, parallelism, credits);
	inputs[0] = harness_scan(&p, parallelism);
	inputs[1] = harness_exchange(&p, harness_scan(&p, 3), TR_EXCHANGE_HASH, parallelism);
	inputs[2] = harness_filter(&p, harness_scan(&p, parallelism));
	node = tr_plan_node(&p.arena, TR_NODE_UNION, inputs, 3);
	node->output = &p.physical;
	node->parallelism = parallelism;
	node = harness_exchange(&p, node, TR_EXCHANGE_GATHER, 1);
	harness_sink(&p, harness_project(&p, node, 1), 1);
	if (harness_run(&p, NULL, &st) != TR_OK)
		fail_msg("%s", st.message);
	qsort(h.sunk, h.sunk_count, sizeof(*h.sunk), harness_compare);
	for (size_t i = 0, at = 0; i < h.rows_per_split; i++) {
		for (int n = h.rows[i].keep ? 3 : 2; n > 0; n--, at++) {
			assert_true(at < h.sunk_count);
			assert_int_equal(h.sunk[at].id, h.rows[i].id);
		}
		assert_true(i + 1 < h.rows_per_split || at == h.sunk_count);
	}
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

static void test_union(void **state)
{
	run_union(1, 1);
	run_union(2, 1);
	run_union(3, 4);
}

enum fault { FAULT_SOURCE, FAULT_NULL_TIME, FAULT_PROGRAM, FAULT_SINK };

static void run_fault(enum fault fault, uint32_t parallelism, tr_code code, const char *message)
{
	struct harness h;
	struct harness_plan p;
	struct tr_status st = {0};
	struct tr_node *node;

	harness_init(&h, parallelism, 1, 3000);
	h.wrong_percent = 30;
	h.fail_id = fault == FAULT_SOURCE ? 1234 : -1;
	h.null_time_id = fault == FAULT_NULL_TIME ? 1234 : -1;
	h.sink_fail_id = fault == FAULT_SINK ? 1234 : -1;
	h.rows[1234].keep = true;
	harness_plan_init(&p, 50, parallelism, 2);
	node = harness_filter(&p, harness_scan(&p, parallelism));
	node = harness_exchange(&p, node, TR_EXCHANGE_HASH, parallelism);
	if (fault == FAULT_PROGRAM) { /* CAST(s AS BIGINT) can't work */
		struct tr_node *project = harness_project(&p, node, parallelism);
		const struct tr_expr *exprs[2] = {
			tr_expr_cast(&p.arena, harness_column(&p, COL_TEXT), p.types[COL_ID], false),
			harness_column(&p, COL_TEXT)};

		project->project.exprs =
			memcpy(TR_NEW_ARRAY(&p.arena, 2, const struct tr_expr *), exprs, sizeof(exprs));
		node = project;
	} else {
		node = harness_project(&p, node, parallelism);
	}
	harness_sink(&p, node, parallelism);
	assert_int_equal(harness_run(&p, NULL, &st), code);
	if (strstr(st.message, message) == NULL)
		fail_msg("no \"%s\" in: %s", message, st.message);
	assert_true(h.finished < parallelism || parallelism > 1);
	assert_int_equal(h.closed, parallelism);
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

static void test_failures(void **state)
{
	for (uint32_t parallelism = 1; parallelism <= 4; parallelism++) {
		run_fault(FAULT_SOURCE, parallelism, TR_ERR_DATA, "bad record at 12340 of split 0");
		run_fault(FAULT_NULL_TIME, parallelism, TR_ERR_DATA,
			  "table events: the event time column t is NULL in row 1235 of split 0");
		run_fault(FAULT_PROGRAM, parallelism, TR_ERR_DATA, "text of");
		run_fault(FAULT_SINK, parallelism, TR_ERR_IO, "the sink is full");
	}
}

struct cancel_job {
	struct tr_engine *engine;
	struct tr_status st;
	tr_code code;
};

static void *run_engine(void *argument)
{
	struct cancel_job *job = argument;

	job->code = tr_engine_run(job->engine, &job->st);
	return NULL;
}

static int64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* An unbounded job that waits costs next to nothing, shows its rows and the timer's watermark, and can be stopped. */
static void test_idle_and_cancel(void **state)
{
	struct harness h;
	struct harness_plan p;
	struct tr_environment *env = NULL;
	struct cancel_job job = {0};
	struct tr_engine_progress progress;
	struct tr_node *node;
	pthread_t thread;
	int64_t before_ns, used_ns;

	harness_init(&h, 5, 1, 1000);
	h.is_unbounded = true;
	harness_plan_init(&p, 64, 2, 2);
	node = harness_exchange(&p, harness_scan(&p, 2), TR_EXCHANGE_HASH, 2);
	harness_sink(&p, harness_project(&p, node, 2), 2);
	assert_int_equal(tr_environment_real_create(&env, &job.st), TR_OK);
	assert_int_equal(tr_plan_check(&p.plan, &job.st), TR_OK);
	assert_int_equal(tr_engine_create(&p.plan, env, &job.engine, &job.st), TR_OK);
	assert_int_equal(pthread_create(&thread, NULL, run_engine, &job), 0);
	for (int i = 0; i < 100; i++) { /* rows and the held back watermark: after the timer's second turn */
		usleep(20000);
		tr_engine_progress(job.engine, &progress);
		if (progress.rows_out == 1000 && i > 40)
			break;
	}
	assert_int_equal(progress.rows_out, 1000);
	{
		int64_t greatest = 0;

		for (int i = 0; i < 1000; i++)
			greatest = TR_MAX(greatest, h.rows[i].watermark_ms);
		assert_int_equal(progress.watermark_ms, greatest);
	}
	before_ns = cpu_ns();
	usleep(500000);
	used_ns = cpu_ns() - before_ns;
#ifndef TR_SANITIZED
	print_message("idle: %lld us of CPU in 500 ms\n", (long long)used_ns / 1000);
	assert_true(used_ns < 5000000); /* 1 % of a core */
#else
	(void)used_ns;
#endif
	tr_engine_progress(job.engine, &progress);
	assert_false(progress.is_finished);
	tr_engine_cancel(job.engine);
	pthread_join(thread, NULL);
	assert_int_equal(job.code, TR_ERR_CANCELLED);
	assert_int_equal(h.finished, 0);
	tr_engine_destroy(&job.engine);
	tr_environment_real_destroy(&env);
	assert_int_equal(h.closed, 2);
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

/** The watermark at the sink of a union of a table with rows and a silent one, after a while. */
static int64_t union_watermark(int64_t idle_timeout_ms)
{
	struct harness h;
	struct harness_plan p;
	struct tr_environment *env = NULL;
	struct cancel_job job = {0};
	struct tr_engine_progress progress;
	struct tr_node *node, *silent;
	struct tr_table_spec *table;
	const struct tr_node *inputs[2];
	pthread_t thread;

	harness_init(&h, 5, 1, 1000);
	h.is_unbounded = true;
	harness_plan_init(&p, 64, 2, 2);
	silent = harness_scan(&p, 2);
	table = harness_table(&p, &p.physical);
	table->name = "silent";
	silent->scan.table = table;
	silent->scan.idle_timeout_ms = idle_timeout_ms;
	inputs[0] = harness_scan(&p, 2);
	inputs[1] = silent;
	node = tr_plan_node(&p.arena, TR_NODE_UNION, inputs, 2);
	node->output = &p.physical;
	node->parallelism = 2;
	harness_sink(&p, harness_project(&p, node, 2), 2);
	assert_int_equal(tr_environment_real_create(&env, &job.st), TR_OK);
	assert_int_equal(tr_plan_check(&p.plan, &job.st), TR_OK);
	assert_int_equal(tr_engine_create(&p.plan, env, &job.engine, &job.st), TR_OK);
	assert_int_equal(pthread_create(&thread, NULL, run_engine, &job), 0);
	for (int i = 0; i < 100; i++) {
		usleep(20000);
		tr_engine_progress(job.engine, &progress);
		if (progress.rows_out == 1000 && (i > 30 || progress.watermark_ms != TR_WATERMARK_MIN))
			break;
	}
	assert_int_equal(progress.rows_out, 1000);
	tr_engine_cancel(job.engine);
	pthread_join(thread, NULL);
	tr_engine_destroy(&job.engine);
	tr_environment_real_destroy(&env);
	harness_plan_deinit(&p);
	harness_deinit(&h);
	return progress.watermark_ms;
}

/* A table without rows holds the watermark of a union back, unless it may be idle. */
static void test_idle_timeout(void **state)
{
	assert_true(union_watermark(0) == TR_WATERMARK_MIN);
	assert_true(union_watermark(100) > 1000000);
}

static void test_two_rows_are_quick(void **state)
{
	struct timespec from, to;
	int64_t best_ns = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		run_one(3, 2, 2, 4, 2048, 2);
		clock_gettime(CLOCK_MONOTONIC, &to);
		best_ns = TR_MIN(best_ns, (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec);
	}
	print_message("two rows: %lld us\n", (long long)best_ns / 1000);
	assert_true(best_ns < 500000000);
}

static void test_values(void **state)
{
	struct harness h;
	struct harness_plan p;
	struct tr_engine_progress progress;
	struct tr_status st = {0};
	struct tr_node *values;
	const struct tr_expr *exprs[6];

	harness_init(&h, 1, 1, 3);
	harness_plan_init(&p, 2, 2, 1);
	for (int64_t i = 0; i < 3; i++) {
		const char *text = i == 0 ? "text of" : i == 1 ? "text of row 1" : "text of row 2";

		exprs[i * 2] = tr_expr_i64(&p.arena, p.types[COL_ID], i);
		exprs[i * 2 + 1] = tr_expr_text(&p.arena, text, strlen(text));
		h.rows[i].id = i;
	}
	values = tr_plan_node(&p.arena, TR_NODE_VALUES, NULL, 0);
	values->output = &p.output;
	values->values.exprs = exprs;
	values->values.row_count = 3;
	values->parallelism = 1;
	harness_sink(&p, harness_exchange(&p, values, TR_EXCHANGE_REBALANCE, 2), 2);
	if (harness_run(&p, &progress, &st) != TR_OK)
		fail_msg("%s", st.message);
	harness_check_rows(&h, false, false);
	assert_int_equal(progress.rows_in, 3);
	assert_int_equal(progress.rows_out, 3);
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers_credits_batches),
		cmocka_unit_test(test_subtasks_and_workers_apart),
		cmocka_unit_test(test_many_splits),
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_idle_and_cancel),
		cmocka_unit_test(test_idle_timeout),
		cmocka_unit_test(test_two_rows_are_quick),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
