/* SPDX-License-Identifier: Apache-2.0
 *
 * Source task against a sequential model: one split, read by 1, 2, 3 and 8 subtasks in chunks of any size, with guesses
 * that are wrong now and then or always, gives the same rows with the same watermarks as one reader that reads it from
 * front to back. The harness computes the model a row at a time by Flink's rule. Stamping alone is tested row by row too.
 */
#include "core/harness.h"

#include "core/source_stamp.h"

static int run_scan(uint64_t seed, uint32_t subtasks, uint32_t workers, uint32_t wrong_percent)
{
	struct harness h;
	struct harness_plan p;
	struct tr_engine_progress progress;
	struct tr_status st = {0};
	uint64_t random = seed;
	const uint32_t rows = tr_test_below(&random, 3000);
	int rewinds;

	harness_init(&h, seed, 1, rows);
	h.chunk_bytes = 1 + tr_test_below(&random, 2) * tr_test_below(&random, 300) + tr_test_below(&random, 6000);
	h.wrong_percent = wrong_percent;
	h.blocked_percent = tr_test_below(&random, 40);
	h.sink_blocked_percent = tr_test_below(&random, 40);
	harness_plan_init(&p, 1 + tr_test_below(&random, 200), workers, 1);
	harness_sink(&p, harness_project(&p, harness_scan(&p, subtasks), subtasks), subtasks);
	if (harness_run(&p, &progress, &st) != TR_OK)
		fail_msg("seed %llu: %s", (unsigned long long)seed, st.message);
	harness_check_rows(&h, false, true);
	assert_int_equal(progress.rows_in, rows);
	rewinds = atomic_load(&h.rewinds);
	harness_plan_deinit(&p);
	harness_deinit(&h);
	return rewinds;
}

static void test_same_rows_same_runs(void **state)
{
	static const uint32_t subtasks[] = {1, 2, 3, 8};
	int rewinds = 0;

	for (size_t i = 0; i < TR_COUNT_OF(subtasks); i++)
		for (uint64_t seed = 0; seed < 20; seed++)
			rewinds += run_scan(seed * 10 + i, subtasks[i], 1 + seed % 4, seed % 5 * 25);
	assert_true(rewinds > 100);
}

/** Several splits, one subtask: the order is fixed, so the stamps are too: nothing before all splits have begun. */
static void test_unread_splits_hold_the_watermark(void **state)
{
	struct harness h;
	struct harness_plan p;
	struct tr_status st = {0};

	harness_init(&h, 4, 3, 500);
	h.chunk_bytes = 700;
	harness_plan_init(&p, 10, 1, 1);
	harness_sink(&p, harness_project(&p, harness_scan(&p, 1), 1), 1);
	assert_int_equal(harness_run(&p, NULL, &st), TR_OK);
	assert_int_equal(h.sunk_count, 1500);
	for (size_t i = 0; i < h.sunk_count; i++) {
		if (h.sunk[i].id < harness_row_id(2, 0))
			assert_true(h.sunk[i].stamp_ms == TR_WATERMARK_MIN);
		assert_true(i == 0 || h.sunk[i].stamp_ms >= h.sunk[i - 1].stamp_ms);
	}
	/* In the last split its own watermark rules: the others are finished. */
	assert_true(h.sunk[1499].stamp_ms > 1000000);
	harness_plan_deinit(&p);
	harness_deinit(&h);
}

static void stamp_one(uint64_t seed)
{
	const struct tr_type *type = tr_type_of(TR_TYPE_TIMESTAMP);
	const char *names[] = {"w"};
	const struct tr_schema schema = {1, names, &type};
	const uint32_t count = 1 + tr_test_below(&seed, 300);
	const int64_t interval = (int64_t[]){0, 1, 200, 100000}[tr_test_below(&seed, 4)];
	const uint32_t range = 1 + tr_test_below(&seed, 1000);
	struct tr_source_entry entry = {.watermarks = calloc(count, sizeof(int64_t))};
	struct tr_stamp stamp = {0, 0};
	int64_t current = 0, last = 0;

	entry.buffer = tr_batch_buffer_create(&schema, count);
	for (int batch = 0; batch < 5; batch++) {
		uint32_t run = 0;

		tr_batch_buffer_clear(entry.buffer);
		for (uint32_t i = 0; i < count; i++) {
			if (tr_test_below(&seed, 10) == 0) {
				tr_bit_clear(entry.buffer->columns[0].validity, i);
				entry.buffer->columns[0].has_nulls = true;
			}
			((int64_t *)entry.buffer->columns[0].data)[i] =
				(int64_t)tr_test_below(&seed, range) + batch * 300 + i - 500;
		}
		tr_batch_buffer_seal(entry.buffer, count);
		tr_stamp_keep(&entry, &entry.buffer->batch.columns[0]);
		tr_stamp_batch(&stamp, &entry, interval);
		for (uint32_t i = 0; i < count; i++) {
			const struct tr_batch *b = &entry.buffer->batch;

			run = tr_batch_run_of(b, i, run);
			assert_true(b->runs[run].watermark_ms == (last > 0 ? last : TR_WATERMARK_MIN));
			if (!tr_column_is_null(&b->columns[0], i))
				current = TR_MAX(current, tr_column_i64(&b->columns[0], i));
			if (current - last > interval)
				last = current;
		}
		assert_true(entry.buffer->batch.watermark_ms == (last > 0 ? last : TR_WATERMARK_MIN));
		assert_int_equal(stamp.current_ms, current);
		assert_int_equal(stamp.last_ms, last);
	}
	tr_batch_buffer_destroy(&entry.buffer);
	free(entry.watermarks);
}

static void test_stamp_against_flinks_rule(void **state)
{
	for (uint64_t seed = 0; seed < 200; seed++)
		stamp_one(seed);
}

static void test_limit(void **state)
{
	const struct tr_type *type = tr_type_of(TR_TYPE_BIGINT);
	const char *names[] = {"w"};
	const struct tr_schema schema = {1, names, &type};
	struct tr_source_entry entry = {.buffer = tr_batch_buffer_create(&schema, 10)};

	for (uint32_t i = 0; i < 10; i++)
		tr_batch_buffer_add_run(entry.buffer, i, i * 10);
	tr_batch_buffer_seal(entry.buffer, 10);
	entry.buffer->batch.watermark_ms = 100;
	tr_stamp_limit(&entry, 45, 15); /* the others have reached 45; 15 has been emitted */
	assert_int_equal(entry.buffer->batch.run_count, 5);
	assert_int_equal(entry.buffer->batch.runs[0].watermark_ms, 15);
	assert_int_equal(entry.buffer->batch.runs[1].row, 2);
	assert_int_equal(entry.buffer->batch.runs[1].watermark_ms, 20);
	assert_int_equal(entry.buffer->batch.runs[4].row, 5);
	assert_int_equal(entry.buffer->batch.runs[4].watermark_ms, 45);
	assert_int_equal(entry.buffer->batch.watermark_ms, 45);
	tr_batch_buffer_destroy(&entry.buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamp_against_flinks_rule),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_same_rows_same_runs),
		cmocka_unit_test(test_unread_splits_hold_the_watermark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
