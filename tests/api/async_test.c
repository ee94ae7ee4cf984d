/* SPDX-License-Identifier: Apache-2.0
 *
 * What tailrace/async.h promises, statement by statement: order, watermarks, capacity, time limits, retries, errors, the end. The service is a
 * pool of threads that answers in any order (async_pool.h), or the callback itself.
 */
#include "async_pool.h"

#include <time.h>

#define OUT "k BIGINT, v BIGINT, ts TIMESTAMP(3), i BIGINT, w BIGINT"
#define ROWS 1000

static struct pool pool;

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

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

/** One row for each. */
static void answer_one(struct tr_async_request *request)
{
	struct tr_row row = tr_async_row(request);
	struct tr_collector *out = tr_async_out(request);

	for (uint32_t c = 0; c < 3; c++)
		tr_collector_set_column(out, c, &row, c);
	tr_collector_set_i64(out, 3, 0);
	tr_collector_add(out);
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

static struct tr_env *env_of(int parallelism, int batch_rows)
{
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[parallelism - 1]);
	char text[16];

	snprintf(text, sizeof(text), "%d", batch_rows);
	tr_env_set(env, "engine.batch-rows", text);
	tr_env_set(env, "pipeline.auto-watermark-interval", "100 ms");
	return env;
}

static struct tr_stream *source(struct tr_env *env, const struct tr_owned_batch *owned)
{
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};

	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
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

static struct tr_async_request *held;

static tr_code hold_first(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			  struct tr_status *st)
{
	if (tr_row_i64(row, 1) == 0)
		held = request;
	else
		answer_one(request);
	return TR_OK;
}

static tr_code release_held(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	if (held != NULL)
		answer_one(held);
	held = NULL;
	tr_collector_add_row(out, row);
	return TR_OK;
}

static const int64_t TWO[][3] = {{1, 0, 10}, {1, 1, 20}};

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

/* Time limits. */

static tr_code never(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
		     struct tr_status *st)
{
	held = request;
	return TR_OK;
}

static void expect_failure(const struct tr_async_function *function, const struct tr_async_options *options,
			   tr_code code, const char *message)
{
	struct tr_owned_batch *owned = api_rows(TWO, 1);
	struct tr_env *env = env_of(1, 2048);
	struct tr_status st = {0};

	tr_stream_print(tr_stream_name(tr_stream_async(source(env, owned), OUT, function, options), "look up"));
	assert_int_equal(tr_env_execute(env, "job", &st), code);
	if (strstr(st.message, message) == NULL)
		fail_msg("%s", st.message);
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

static void test_timeout_fails(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = never);
	const struct tr_async_options options = TR_MAKE(tr_async_options, .timeout_ms = 15);

	expect_failure(&function, &options, TR_ERR_UNAVAILABLE,
		       "operator 'look up', subtask 0: a request was not completed within 15 ms (and 1 attempt)");
	answer_one(held); /* the job has ended, and its environment is gone */
}

static tr_code answer_instead(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			      struct tr_status *st)
{
	assert_ptr_not_equal(request, held);
	if (held != NULL)
		answer_one(held); /* too late */
	held = NULL;
	tr_collector_set_i64(tr_async_out(request), 1, -tr_row_i64(row, 1) - 1);
	tr_collector_add(tr_async_out(request));
	tr_async_complete(request);
	return TR_OK;
}

static void test_timeout_callback(void **state)
{
	for (int capacity = 1; capacity <= 2; capacity++) { /* with room, and without */
		const struct tr_async_function function =
			TR_MAKE(tr_async_function, .on_row = hold_first, .on_timeout = answer_instead);
		const struct tr_async_options options =
			TR_MAKE(tr_async_options, .timeout_ms = 15, .capacity = (uint32_t)capacity);
		struct tr_owned_batch *owned = api_rows(TWO, 2);
		struct tr_env *env = env_of(1, 2048);
		struct tr_collected *out =
			tr_stream_collect(tr_stream_async(source(env, owned), OUT, &function, &options));
		char *text;

		held = NULL;
		api_run(env);
		text = api_text(out, true);
		assert_string_equal(text, "NULL,-1,NULL,NULL,NULL\n1,1,20,0,NULL\n");
		free(text);
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

static tr_code fail_instead(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			    struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_DATA, "row %lld has no answer", (long long)tr_row_i64(row, 1));
}

static void test_timeout_callback_fails(void **state)
{
	const struct tr_async_function function =
		TR_MAKE(tr_async_function, .on_row = never, .on_timeout = fail_instead);
	const struct tr_async_options options = TR_MAKE(tr_async_options, .timeout_ms = 5);

	expect_failure(&function, &options, TR_ERR_DATA, "operator 'look up', subtask 0: row 0 has no answer");
	tr_async_fail(held, TR_ERR_IO, "too late");
}

/* Retries. */

static uint32_t attempts;
static int64_t attempt_ms[16];
static uint32_t empty_attempts, failed_attempts;

static tr_code attempt(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
		       struct tr_status *st)
{
	attempt_ms[attempts % 16] = clock_ms(CLOCK_MONOTONIC);
	attempts++;
	if (attempts <= empty_attempts)
		tr_async_complete(request);
	else if (attempts <= empty_attempts + failed_attempts)
		tr_async_fail(request, TR_ERR_IO, "no connection");
	else
		answer_one(request);
	return TR_OK;
}

static tr_code attempt_batch(struct tr_context *context, const struct tr_batch *batch,
			     struct tr_async_request *const *requests, struct tr_status *st)
{
	assert_int_equal(batch->selected_count, 1);
	return attempt(context, NULL, requests[0], st);
}

static _Atomic bool may_end;

/** One row, and the end when it may. */
static tr_code read_one(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			enum tr_read *result, struct tr_status *st)
{
	*result = TR_READ_MORE;
	if (r->position == 0) {
		tr_collector_set_i64(out, 0, 1);
		tr_collector_set_i64(out, 1, 0);
		tr_collector_set_i64(out, 2, 10);
		tr_collector_add(out);
		r->position = 1;
		return TR_OK;
	}
	r->wake_ms = 1;
	*result = atomic_load(&may_end) ? TR_READ_END : TR_READ_WAIT;
	return TR_OK;
}

static tr_code let_end(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	atomic_store(&may_end, true);
	tr_collector_add_row(out, row);
	return TR_OK;
}

/** A job of one row, which ends when it has been answered, or at once. */
static void run_attempts(const struct tr_async_function *function, struct tr_async_retry retry, bool ends_at_once,
			 tr_code code, const char *expected)
{
	const struct tr_source_function rows = TR_MAKE(tr_source_function, .split_count = 1, .read = read_one);
	const struct tr_async_options options = TR_MAKE(tr_async_options, .retry = retry);
	const struct tr_function below = TR_MAKE(tr_function, .on_row = let_end);
	struct tr_env *env = env_of(1, 2048);
	struct tr_status st = {0};
	struct tr_collected *out;

	attempts = 0;
	atomic_store(&may_end, ends_at_once);
	out = tr_stream_collect(tr_stream_process(
		tr_stream_async(tr_env_from_source(env, "rows", API_COLUMNS, &rows, NULL), OUT, function, &options),
		OUT, &below));
	assert_int_equal(tr_env_execute(env, "job", &st), code);
	if (code == TR_OK)
		api_expect(out, expected);
	else if (strstr(st.message, expected) == NULL)
		fail_msg("%s", st.message);
	tr_env_destroy(&env);
}

static void test_retries(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = attempt);
	const struct tr_async_function by_batch = TR_MAKE(tr_async_function, .on_batch = attempt_batch);
	const struct tr_async_retry fixed = {
		.retries_max = 3, .delay_ms = 5, .on_rows = tr_async_if_empty, .on_error = tr_async_if_error};
	const struct tr_async_retry growing = {
		.retries_max = 4, .delay_ms = 4, .multiplier = 3, .delay_max_ms = 20, .on_error = tr_async_if_error};
	const struct tr_async_retry at_once = {.retries_max = 5, .on_error = tr_async_if_error};

	empty_attempts = 1;
	failed_attempts = 2;
	run_attempts(&function, fixed, false, TR_OK, "1,0,10,0,NULL\n");
	assert_int_equal(attempts, 4);
	for (int i = 1; i < 4; i++)
		assert_true(attempt_ms[i] - attempt_ms[i - 1] >= 4);
	run_attempts(&by_batch, fixed, false, TR_OK, "1,0,10,0,NULL\n");
	assert_int_equal(attempts, 4);
	failed_attempts = 3; /* the fourth attempt is the last, and counts */
	run_attempts(&function, fixed, false, TR_ERR_IO, "operator 'async 1', subtask 0: no connection");
	assert_int_equal(attempts, 4);
	empty_attempts = 0;
	failed_attempts = 4;
	run_attempts(&function, growing, false, TR_OK, "1,0,10,0,NULL\n");
	assert_int_equal(attempts, 5);
	assert_true(attempt_ms[1] - attempt_ms[0] >= 3);
	assert_true(attempt_ms[2] - attempt_ms[1] >= 11);
	assert_true(attempt_ms[3] - attempt_ms[2] >= 19);
	assert_true(attempt_ms[4] - attempt_ms[3] >= 19);
	run_attempts(&function, at_once, false, TR_OK, "1,0,10,0,NULL\n");
	assert_int_equal(attempts, 5);
}

/* Retries go on at the end of the input, which waits for them. */
static void test_retries_end(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = attempt);
	const struct tr_async_retry retry = {
		.retries_max = 2, .delay_ms = 10, .on_rows = tr_async_if_empty, .on_error = tr_async_if_error};

	empty_attempts = 2;
	failed_attempts = 0;
	run_attempts(&function, retry, true, TR_OK, "1,0,10,0,NULL\n");
	assert_int_equal(attempts, 3);
	assert_true(attempt_ms[2] - attempt_ms[1] >= 9);
	empty_attempts = 3; /* the last one counts */
	run_attempts(&function, retry, true, TR_OK, "");
	assert_int_equal(attempts, 3);
	empty_attempts = 0;
	failed_attempts = 3;
	run_attempts(&function, retry, true, TR_ERR_IO, "no connection");
	assert_int_equal(attempts, 3);
}

/* The time limit is for all attempts together. */
static void test_retries_timeout(void **state)
{
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = attempt);
	const struct tr_async_options options =
		TR_MAKE(tr_async_options, .timeout_ms = 20,
			.retry = {.retries_max = 1000000, .delay_ms = 3, .on_rows = tr_async_if_empty});
	const struct tr_source_function rows = TR_MAKE(tr_source_function, .split_count = 1, .read = read_one);
	struct tr_env *env = env_of(1, 2048);
	struct tr_status st = {0};

	empty_attempts = UINT32_MAX / 2;
	attempts = 0;
	atomic_store(&may_end, false);
	tr_stream_print(
		tr_stream_async(tr_env_from_source(env, "rows", API_COLUMNS, &rows, NULL), OUT, &function, &options));
	assert_int_equal(tr_env_execute(env, "job", &st), TR_ERR_UNAVAILABLE);
	assert_non_null(strstr(st.message, "a request was not completed within 20 ms (and "));
	assert_in_range(attempts, 2, 8);
	tr_env_destroy(&env);
}

/* Errors. */

static tr_code answer_twice(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			    struct tr_status *st)
{
	answer_one(request);
	tr_async_complete(request);
	return TR_OK;
}

static tr_code answer_and_fail(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			       struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_CONFIG, "no service for row %lld", (long long)tr_row_i64(row, 1));
}

static tr_code fail_request(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			    struct tr_status *st)
{
	tr_async_fail(request, TR_ERR_DATA, "404");
	return TR_OK;
}

static tr_code fail_without_words(struct tr_context *context, const struct tr_row *row,
				  struct tr_async_request *request, struct tr_status *st)
{
	tr_async_fail(request, TR_OK, NULL);
	return TR_OK;
}

static void *answer_wrongly(void *request)
{
	tr_collector_set_i64(tr_async_out(request), 9, 1);
	tr_collector_add(tr_async_out(request));
	tr_async_complete(request);
	return NULL;
}

static tr_code ask_wrongly(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			   struct tr_status *st)
{
	if (tr_context_user(context) == NULL)
		(void)answer_wrongly(request);
	else
		assert_int_equal(pthread_create(&later, NULL, answer_wrongly, request), 0);
	return TR_OK;
}

static void *answer_too_much(void *request)
{
	for (uint32_t i = 0; i <= TR_BATCH_ROWS_MAX; i++)
		tr_collector_add(tr_async_out(request));
	tr_async_complete(request);
	return NULL;
}

static tr_code ask_too_much(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			    struct tr_status *st)
{
	(void)answer_too_much(request);
	return TR_OK;
}

static tr_code fail_open(struct tr_context *context, struct tr_status *st) { TR_FAIL(st, TR_ERR_CONFIG, "no address"); }

static void test_errors(void **state)
{
	const struct tr_async_function twice = TR_MAKE(tr_async_function, .on_row = answer_twice);
	const struct tr_async_function callback = TR_MAKE(tr_async_function, .on_row = answer_and_fail);
	const struct tr_async_function request = TR_MAKE(tr_async_function, .on_row = fail_request);
	const struct tr_async_function wordless = TR_MAKE(tr_async_function, .on_row = fail_without_words);
	const struct tr_async_function wrong = TR_MAKE(tr_async_function, .on_row = ask_wrongly);
	const struct tr_async_function wrong_thread = TR_MAKE(tr_async_function, .on_row = ask_wrongly, .user = &later);
	const struct tr_async_function much = TR_MAKE(tr_async_function, .on_row = ask_too_much);
	const struct tr_async_function opening = TR_MAKE(tr_async_function, .on_row = never, .open = fail_open);

	expect_failure(&twice, NULL, TR_ERR_USAGE,
		       "operator 'look up', subtask 0: a request was completed a second time");
	expect_failure(&callback, NULL, TR_ERR_CONFIG, "operator 'look up', subtask 0: no service for row 0");
	expect_failure(&request, NULL, TR_ERR_DATA, "operator 'look up', subtask 0: 404");
	expect_failure(&wordless, NULL, TR_ERR_FAILED,
		       "operator 'look up', subtask 0: a request has failed, without a message");
	expect_failure(&wrong, NULL, TR_ERR_USAGE, "operator 'look up', subtask 0: column 9 was set, and there are 5");
	expect_failure(&wrong_thread, NULL, TR_ERR_USAGE,
		       "operator 'look up', subtask 0: column 9 was set, and there are 5");
	pthread_join(later, NULL);
	expect_failure(&much, NULL, TR_ERR_USAGE,
		       "operator 'look up', subtask 0: a request was given more than 65536 rows");
	expect_failure(&opening, NULL, TR_ERR_CONFIG, "operator 'look up', subtask 0: no address");
}

static void test_graph_errors(void **state)
{
	static const char *const expected[] = {
		"async 1: a struct tr_async_function is needed, made by TR_MAKE(tr_async_function, ..)",
		"async 2: an async function has either on_row or on_batch, and this one has none",
		"async 3: an async function has either on_row or on_batch, and this one has both",
		"async 4: a capacity of 2000000 rows; 1000000 are the most",
		"async 5: a timeout of -1 ms is negative",
		"async 6: retries need on_rows or on_error, which say when",
		"error E0104: there is no type 'NOTYPE'",
	};
	struct tr_owned_batch *owned = api_rows(TWO, 2);
	struct tr_env *env = env_of(1, 2048);
	struct tr_stream *rows = source(env, owned);
	struct tr_async_function function = TR_MAKE(tr_async_function, .user = NULL);

	tr_stream_async(rows, OUT, NULL, NULL);
	tr_stream_async(rows, OUT, &function, NULL);
	function.on_row = never;
	function.on_batch = ask_pool_batch;
	tr_stream_async(rows, OUT, &function, NULL);
	function.on_batch = NULL;
	tr_stream_async(rows, OUT, &function, &TR_MAKE(tr_async_options, .capacity = 2000000));
	tr_stream_async(rows, OUT, &function, &TR_MAKE(tr_async_options, .timeout_ms = -1));
	tr_stream_async(rows, OUT, &function, &TR_MAKE(tr_async_options, .retry = {.retries_max = 1}));
	tr_stream_async(rows, "k NOTYPE", &function, NULL);
	tr_stream_async(tr_stream_key_by(rows, "nobody"), OUT, &function, NULL);
	for (uint32_t i = 0; i < TR_COUNT_OF(expected); i++)
		if (tr_env_error(env, i) == NULL || strncmp(tr_env_error(env, i), expected[i], strlen(expected[i])) != 0)
			fail_msg("%u: %s", i, tr_env_error(env, i));
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
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
		cmocka_unit_test(test_timeout_fails),
		cmocka_unit_test(test_timeout_callback),
		cmocka_unit_test(test_timeout_callback_fails),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_retries_end),
		cmocka_unit_test(test_retries_timeout),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_graph_errors),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_keyed_and_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
