/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine end to end: scan, filter, exchange, projection, sink, with any number of workers, one credit or several,
 * small and large batches; cancellation and failures in source, program and sink.
 */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers_credits_batches),
		cmocka_unit_test(test_subtasks_and_workers_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
