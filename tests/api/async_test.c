/* SPDX-License-Identifier: Apache-2.0
 *
 * What tailrace/async.h promises, statement by statement: order, watermarks, capacity, the end (time limits, retries and errors:
 * async_failures_test.c). The service is a pool of threads that answers in any order (async_pool.h), or the callback itself.
 */
#include "async_case.h"

#define ROWS 1000

static struct pool pool;

/** Row v is answered with v mod 3 rows: its columns, which of the rows this is, and 0. */
static void answer_some(struct tr_async_request *request)
{
	struct tr_row row = tr_async_row(request);
	struct tr_collector *out = tr_async_out(request);

	for (int64_t i = 0; i < tr_row_i64(&row, 1) % 3; i++) {
		for (uint32_t c = 0; c < 3; c++)
			tr_collector_set_column(out, c, &row, c);
		tr_collector_set_i64(out, 3, i);
		tr_collector_add(out);
	}
	tr_async_complete(request);
}

static tr_code ask_pool(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			struct tr_status *st)
{
	pool_ask(&pool, request);
	return TR_OK;
}

static tr_code ask_pool_batch(struct tr_context *context, const struct tr_batch *batch,
			      struct tr_async_request *const *requests, struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		struct tr_row row = tr_async_row(requests[i]);

		assert_int_equal(tr_row_i64(&row, 1), tr_column_i64(&batch->columns[1], tr_batch_row(batch, i)));
		pool_ask(&pool, requests[i]);
	}
	return TR_OK;
}

static tr_code answer_at_once(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			      struct tr_status *st)
{
	answer_some(request);
	return TR_OK;
}

static struct tr_owned_batch *many_rows(void)
{
	static int64_t rows[ROWS][3];

	for (int64_t i = 0; i < ROWS; i++) {
		rows[i][0] = i % 10;
		rows[i][1] = i;
		rows[i][2] = i * 10;
	}
	return api_rows((const int64_t(*)[3])rows, ROWS);
}

static char *expected_some(void)
{
	char *text = calloc(ROWS, 64);
	size_t at = 0;

	for (int64_t v = 0; v < ROWS; v++)
		for (int64_t i = 0; i < v % 3; i++)
			at += (size_t)sprintf(text + at, "%lld,%lld,%lld,%lld,NULL\n", (long long)v % 10, (long long)v,
					      (long long)v * 10, (long long)i);
	return text;
}

static char *sorted(const char *text)
{
	char *copy = strdup(text), *result = calloc(strlen(text) + 1, 1), *lines[3 * ROWS];
	size_t count = 0, at = 0;

	for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n"))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), api_compare);
	for (size_t i = 0; i < count; i++)
		at += (size_t)sprintf(result + at, "%s\n", lines[i]);
	free(copy);
	return result;
}

/* Order. */

static void run_all(const struct tr_async_function *function, bool is_unordered)
{
	static const int batch_rows[] = {1, 7, 2048};
	struct tr_owned_batch *owned = many_rows();
	char *in_order = expected_some(), *in_any_order = sorted(in_order);

	for (int p = 1; p <= 3; p++) {
		for (int b = 0; b < 3; b++) {
			const bool is_left_out = tr_test_cases(100) < 100 && b != (p + is_unordered) % 3;
			const struct tr_async_options options =
				TR_MAKE(tr_async_options, .is_unordered = is_unordered, .capacity = 20);
			struct tr_env *env = env_of(p, batch_rows[b]);
			struct tr_stream *asked;
			struct tr_collected *out;
			char *text;

			if (is_left_out) {
				tr_env_destroy(&env);
				continue;
			}
			asked = tr_stream_async(source(env, owned), OUT, function, &options);
			out = tr_stream_collect(asked);
			api_run(env);
			text = api_text(out, p == 1 && !is_unordered);
			assert_string_equal(text, p == 1 && !is_unordered ? in_order : in_any_order);
			free(text);
			tr_env_destroy(&env);
		}
	}
	free(in_order);
	free(in_any_order);
	tr_owned_batch_release(&owned);
}

static void test_order(void **state)
{
	const struct tr_async_function by_row = TR_MAKE(tr_async_function, .on_row = ask_pool);
	const struct tr_async_function by_batch = TR_MAKE(tr_async_function, .on_batch = ask_pool_batch);
	const struct tr_async_function at_once = TR_MAKE(tr_async_function, .on_row = answer_at_once);

	pool_begin(&pool, answer_some);
	for (int is_unordered = 0; is_unordered < 2; is_unordered++) {
		run_all(&by_row, is_unordered);
		run_all(&by_batch, is_unordered);
		run_all(&at_once, is_unordered);
	}
	assert_true(pool.most > 1 && pool.most <= 3 * 20);
	pool_end(&pool);
}

/* Nothing overtakes a watermark, and no watermark a row: below, the watermark in force is what it was above. */

static void answer_with_watermark(struct tr_async_request *request) { answer_one(request); }

static tr_code ask_with_watermark(struct tr_context *context, const struct tr_row *row,
				  struct tr_async_request *request, struct tr_status *st)
{
	tr_collector_set_i64(tr_async_out(request), 4, tr_context_watermark(context));
	assert_int_equal(tr_context_timestamp(context), tr_row_i64(row, 2));
	pool_ask(&pool, request);
	return TR_OK;
}

static tr_code check_watermark(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			       struct tr_status *st)
{
	assert_int_equal(tr_context_watermark(context), tr_row_i64(row, 4));
	assert_true(tr_row_i64(row, 2) > tr_row_i64(row, 4));
	tr_collector_add_row(out, row);
	return TR_OK;
}

static void test_watermarks(void **state)
{
	static const int batch_rows[] = {1, 7, 2048};
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = ask_with_watermark);
	const struct tr_function check = TR_MAKE(tr_function, .on_row = check_watermark);
	struct tr_owned_batch *owned = many_rows();

	pool_begin(&pool, answer_with_watermark);
	for (int i = 0; i < 6; i++) {
		const struct tr_async_options options = TR_MAKE(tr_async_options, .is_unordered = i % 2);
		struct tr_env *env = env_of(1, batch_rows[i / 2]);
		uint32_t count = 0;
		struct tr_collected *out = tr_stream_collect(
			tr_stream_process(tr_stream_async(source(env, owned), OUT, &function, &options), OUT, &check));

		api_run(env);
		for (uint32_t b = 0; b < tr_collected_count(out); b++)
			count += tr_collected_batch(out, b)->selected_count;
		assert_int_equal(count, ROWS);
		tr_env_destroy(&env);
	}
	pool_end(&pool);
	tr_owned_batch_release(&owned);
}

/* Unordered: what is there is passed on at once. Row 0 is answered by who sees row 1 below; in order nobody would ever. */

static tr_code release_held(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	if (held != NULL)
		answer_one(held);
	held = NULL;
	tr_collector_add_row(out, row);
	return TR_OK;
}

static void test_unordered_at_once(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = hold_first);
	const struct tr_async_options options = TR_MAKE(tr_async_options, .is_unordered = true);
	const struct tr_function release = TR_MAKE(tr_function, .on_row = release_held);
	struct tr_owned_batch *owned = api_rows(TWO, 2);
	struct tr_env *env = env_of(1, 2048);
	struct tr_collected *out = tr_stream_collect(
		tr_stream_process(tr_stream_async(source(env, owned), OUT, &function, &options), OUT, &release));
	char *text;

	held = NULL;
	api_run(env);
	text = api_text(out, true);
	assert_string_equal(text, "1,1,20,0,NULL\n1,0,10,0,NULL\n");
	free(text);
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

/* In order: what is there waits for what is before it. */

static _Atomic bool has_seen;

static tr_code see(struct tr_context *context, const struct tr_row *row, struct tr_collector *out, struct tr_status *st)
{
	atomic_store(&has_seen, true);
	tr_collector_add_row(out, row);
	return TR_OK;
}

static void *answer_later(void *request)
{
	usleep(20000);
	assert_false(atomic_load(&has_seen));
	answer_one(request);
	return NULL;
}

static pthread_t later;

static tr_code first_is_late(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			     struct tr_status *st)
{
	if (tr_row_i64(row, 1) == 0)
		assert_int_equal(pthread_create(&later, NULL, answer_later, request), 0);
	else
		answer_one(request);
	return TR_OK;
}

static void test_ordered_waits(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = first_is_late);
	const struct tr_function below = TR_MAKE(tr_function, .on_row = see);
	struct tr_owned_batch *owned = api_rows(TWO, 2);
	struct tr_env *env = env_of(1, 2048);
	struct tr_collected *out = tr_stream_collect(
		tr_stream_process(tr_stream_async(source(env, owned), OUT, &function, NULL), OUT, &below));
	char *text;

	atomic_store(&has_seen, false);
	api_run(env); /* the end of the input waited, too */
	pthread_join(later, NULL);
	text = api_text(out, true);
	assert_string_equal(text, "1,0,10,0,NULL\n1,1,20,0,NULL\n");
	free(text);
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

/* Capacity: so many rows are in flight, not one more; the stream waits, and the worker sleeps. */

static void test_capacity(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = ask_pool);

	for (int is_unordered = 0; is_unordered < 2; is_unordered++) {
		const struct tr_async_options options =
			TR_MAKE(tr_async_options, .capacity = 5, .is_unordered = is_unordered);
		struct tr_owned_batch *owned = many_rows();
		struct tr_env *env = env_of(1, 100);
		struct tr_collected *out;
		struct tr_job *job;
		int64_t cpu_ms;
		char *text, *in_order = expected_some(), *expected = sorted(in_order);

		pool_begin(&pool, answer_some);
		pool_hold(&pool, true);
		out = tr_stream_collect(tr_stream_async(source(env, owned), OUT, &function, &options));
		assert_int_equal(tr_env_execute_async(env, "job", &job, NULL), TR_OK);
		while (pool_in_flight(&pool) < 5)
			usleep(1000);
		usleep(5000);
		cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
		usleep(60000);
		assert_true(clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_ms < 40);
		assert_int_equal(pool_in_flight(&pool), 5);
		pool_hold(&pool, false);
		assert_int_equal(tr_job_wait(job, NULL), TR_OK);
		assert_int_equal(pool.most, 5);
		text = api_text(out, false);
		assert_string_equal(text, expected);
		free(text);
		free(expected);
		free(in_order);
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		pool_end(&pool);
		tr_owned_batch_release(&owned);
	}
}

/* A job that is cancelled with rows in flight ends at once; what is answered afterwards, to whom there is nothing left, does no harm. */
static void test_cancel(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = ask_pool);

	for (int capacity = 10; capacity <= ROWS + 10; capacity += ROWS) { /* waiting for room; waiting at the end */
		const struct tr_async_options options =
			TR_MAKE(tr_async_options, .capacity = (uint32_t)capacity, .timeout_ms = 1000000);
		struct tr_owned_batch *owned = many_rows();
		struct tr_env *env = env_of(2, 64);
		int64_t begun_ms;
		struct tr_job *job;

		pool_begin(&pool, answer_some);
		pool_hold(&pool, true);
		tr_stream_print(tr_stream_async(tr_stream_rebalance(source(env, owned)), OUT, &function, &options));
		assert_int_equal(tr_env_execute_async(env, "job", &job, NULL), TR_OK);
		while (pool_in_flight(&pool) < 10)
			usleep(1000);
		usleep(5000);
		begun_ms = clock_ms(CLOCK_MONOTONIC);
		tr_job_cancel(job);
		assert_int_equal(tr_job_wait(job, NULL), TR_ERR_CANCELLED);
		assert_true(clock_ms(CLOCK_MONOTONIC) - begun_ms < 1000);
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
		pool_end(&pool);
	}
}

/* Many rows for one request, with long texts. */

static void answer_many(struct tr_async_request *request)
{
	struct tr_row row = tr_async_row(request);

	for (int64_t i = 0; i < 3000; i++) {
		char text[64];

		tr_collector_set_i64(tr_async_out(request), 0, i);
		tr_collector_set_text(tr_async_out(request), 1, text,
				      (uint32_t)snprintf(text, sizeof(text), "row %lld, answer number %lld",
							 (long long)tr_row_i64(&row, 1), (long long)i));
		tr_collector_add(tr_async_out(request));
	}
	tr_async_complete(request);
}

static void test_many(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = ask_pool);
	struct tr_owned_batch *owned = many_rows();
	struct tr_env *env = env_of(1, 2048);
	struct tr_collected *out;
	uint32_t count = 0;

	pool_begin(&pool, answer_many);
	out = tr_stream_collect(
		tr_stream_async(tr_stream_where(source(env, owned), "v < 20"), "i BIGINT, t STRING", &function, NULL));
	api_run(env);
	for (uint32_t b = 0; b < tr_collected_count(out); b++) {
		const struct tr_batch *batch = tr_collected_batch(out, b);

		for (uint32_t i = 0; i < batch->selected_count; i++, count++) {
			const struct tr_row row = {batch, tr_batch_row(batch, i)};
			char text[64];

			snprintf(text, sizeof(text), "row %u, answer number %u", count / 3000, count % 3000);
			assert_int_equal(tr_row_i64(&row, 0), count % 3000);
			assert_int_equal(tr_row_text(&row, 1)->length, strlen(text));
			assert_memory_equal(tr_view_text(tr_row_text(&row, 1)), text, strlen(text));
		}
	}
	assert_int_equal(count, 20 * 3000);
	tr_env_destroy(&env);
	pool_end(&pool);
	tr_owned_batch_release(&owned);
}

/* Behind keys the rows of a key stay in order, and what follows finds its event time. */
static void test_keyed_and_windows(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = ask_pool);
	struct tr_owned_batch *owned = many_rows();
	char expected[400] = "";

	for (int64_t k = 0; k < 10; k++)
		sprintf(expected + strlen(expected), "%lld,0,10000,9999,%d\n", (long long)k, 100);
	pool_begin(&pool, answer_one);
	for (int p = 1; p <= 3; p++) {
		struct tr_env *env = env_of(p, 7);
		struct tr_stream *asked = tr_stream_async(tr_stream_key_by(source(env, owned), "k"), OUT, &function,
							  &TR_MAKE(tr_async_options, .is_unordered = p == 2));
		struct tr_collected *out = tr_stream_collect(tr_stream_window_aggregate(
			tr_stream_key_by(asked, "k"), tr_windows_tumbling(10000), "COUNT(*) AS n"));

		api_run(env);
		api_expect(out, expected);
		tr_env_destroy(&env);
	}
	pool_end(&pool);
	tr_owned_batch_release(&owned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_watermarks),
		cmocka_unit_test(test_unordered_at_once),
		cmocka_unit_test(test_ordered_waits),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_keyed_and_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
