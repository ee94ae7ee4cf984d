/* SPDX-License-Identifier: Apache-2.0
 *
 * What tailrace/async.h promises of requests that fail, are late, or are made again; and of functions that are wrong.
 */
#include "async_case.h"

static pthread_t later;

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

static tr_code never_batch(struct tr_context *context, const struct tr_batch *batch,
			   struct tr_async_request *const *requests, struct tr_status *st)
{
	return TR_OK;
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
	function.on_batch = never_batch;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeout_fails),
		cmocka_unit_test(test_timeout_callback),
		cmocka_unit_test(test_timeout_callback_fails),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_retries_end),
		cmocka_unit_test(test_retries_timeout),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_graph_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
