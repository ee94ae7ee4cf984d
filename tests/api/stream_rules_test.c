/* SPDX-License-Identifier: Apache-2.0
 *
 * What the headers promise, statement by statement: errors of building and running, timers of processing time, time to live, reduce,
 * states by batch, passing columns on, the end of the input, plans as text and JSON.
 */
#include "api_test.h"

#include <stdatomic.h>
#include <unistd.h>

static const int64_t ROWS[][3] = {{1, 10, 1000}, {2, 20, 2000}, {1, 30, 3000},
				  {3, 5, 4000},  {2, 7, 11000}, {1, 1, 12000}};

static struct tr_owned_batch *owned;

static struct tr_stream *source(struct tr_env *env)
{
	const struct tr_batch *batches[1];

	if (owned == NULL)
		owned = api_rows(ROWS, 6);
	batches[0] = tr_owned_batch_get(owned);
	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
}

static tr_code pass_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	tr_collector_add_row(out, row);
	return TR_OK;
}

static const struct tr_function PASS = {.struct_size = sizeof(struct tr_function), .on_row = pass_row};

static bool keep_all(void *user, const struct tr_row *row) { return true; }

static tr_code never_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			   struct tr_status *st)
{
	return TR_OK;
}

static tr_code never_write(void *writer, const struct tr_batch *batch, struct tr_status *st) { return TR_OK; }

static tr_code never_prepare(void *writer, uint64_t checkpoint, struct tr_sink_handle *handle, struct tr_status *st)
{
	return TR_OK;
}

/* Errors of building: kept, told at once, each with its operator; what reads a wrong stream is silent. */

static void test_errors(void **state)
{
	static const char *const expected[] = {
		"key by: there is no column 'nobody' in source 'rows'",
		"map 1: a struct tr_function is needed, made by TR_MAKE(tr_function, ..)",
		"flat map 2: a function has either on_row or on_batch, and this one has none",
		"process 3: on_timer needs a process function over a keyed stream (tr_stream_key_by)",
		"window aggregate 4: windows need a keyed stream (tr_stream_key_by)",
		"union: column 2 of source 'rows' and of select 7 are not of one type",
		"second: the uid 'same' is that of another operator",
		"second: parallelism 65 is not in 1 .. 64",
		"configuration: ",
		"sink 'x': prepare, commit and recover go together",
	};
	const struct tr_function nothing = TR_MAKE(tr_function, .user = NULL);
	struct tr_function timed = PASS;
	const struct tr_sink_function sink = TR_MAKE(tr_sink_function, .write = never_write, .prepare = never_prepare);
	struct tr_env *env = api_env("1");
	struct tr_stream *rows = source(env), *wrong, *both[2];
	struct tr_status st = {0};

	wrong = tr_stream_key_by(rows, "k, nobody");
	tr_stream_print(tr_stream_map(tr_stream_where(wrong, "also wrong ("), "a INT", NULL));
	tr_stream_map(rows, "a INT", NULL);
	tr_stream_flat_map(rows, "a INT", &nothing);
	timed.on_timer = never_timer;
	tr_stream_process(rows, "a INT", &timed);
	tr_stream_window_aggregate(rows, tr_windows_tumbling(1000), "COUNT(*)");
	both[0] = rows;
	both[1] = tr_stream_select(rows, "k, 'text' AS v, ts");
	tr_stream_union(both, 2);
	tr_stream_uid(tr_stream_name(tr_stream_filter(rows, keep_all, NULL), "first"), "same");
	tr_stream_parallelism(tr_stream_uid(tr_stream_name(tr_stream_filter(rows, keep_all, NULL), "second"), "same"),
			      65);
	tr_env_set(env, "no.such.key", "1");
	tr_stream_sink_to(rows, "x", &sink);
	for (uint32_t i = 0, n = 0; i < TR_COUNT_OF(expected); i++, n++) {
		/* Names count operators, those of wrong streams too. */
		const char *error = tr_env_error(env, n);
		const char *tail = strchr(expected[i], ':');

		assert_non_null(error);
		if (strstr(error, tail) == NULL)
			fail_msg("'%s' is not '%s'", error, expected[i]);
	}
	assert_null(tr_env_error(env, TR_COUNT_OF(expected)));
	assert_int_equal(tr_env_execute(env, "job", &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "there is no column 'nobody'"));
	assert_non_null(strstr(st.message, "\n"));
	tr_env_destroy(&env);
	/* SQL texts have their place; no sink; another version. */
	env = api_env("1");
	tr_stream_where(source(env), "v > 'a' +");
	assert_non_null(strstr(tr_env_error(env, 0), "where 1:1:"));
	tr_env_destroy(&env);
	env = api_env("1");
	source(env);
	assert_int_equal(tr_env_execute(env, "job", &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "the graph has no sink"));
	tr_env_destroy(&env);
	assert_int_equal(tr_env_create_for(99, &env, &st), TR_ERR_CONFIG);
	assert_non_null(strstr(st.message, "version 99"));
}

/* Errors of running name the operator. */

static tr_code fail_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_FAILED, "row %lld is unlucky", (long long)tr_row_i64(row, 1));
}

static tr_code two_states(struct tr_context *context, struct tr_status *st)
{
	tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "a", .value_bytes = 8));
	tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "a", .value_bytes = 8));
	return TR_OK;
}

static tr_code one_more(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			struct tr_status *st)
{
	const uint32_t n = batch->selected_count + 1;

	tr_collector_reserve(out, n);
	memset(tr_collector_data(out, 0), 0, n * sizeof(int64_t));
	tr_collector_advance(out, n);
	return TR_OK;
}

static void expect_failure(struct tr_env *env, const char *message)
{
	struct tr_status st = {0};

	if (tr_env_execute(env, "job", &st) == TR_OK)
		fail_msg("no failure where there should be: %s", message);
	if (strstr(st.message, message) == NULL)
		fail_msg("'%s' has no '%s'", st.message, message);
	tr_env_destroy(&env);
}

static void test_failures(void **state)
{
	struct tr_function function = TR_MAKE(tr_function, .on_row = fail_row);
	struct tr_env *env = api_env("2");

	tr_stream_collect(tr_stream_name(tr_stream_flat_map(source(env), API_COLUMNS, &function), "luck"));
	expect_failure(env, "operator 'luck', subtask 0: row 10 is unlucky");
	env = api_env("1");
	function = TR_MAKE(tr_function, .open = two_states, .on_row = pass_row);
	tr_stream_collect(tr_stream_process(tr_stream_key_by(source(env), "k"), API_COLUMNS, &function));
	expect_failure(env, "there are two states of the name 'a'");
	env = api_env("1");
	tr_stream_collect(tr_stream_process(source(env), API_COLUMNS, &function));
	expect_failure(env, "keyed state needs a keyed stream");
	env = api_env("1");
	function = TR_MAKE(tr_function, .on_batch = one_more);
	tr_stream_collect(tr_stream_map(source(env), "a BIGINT", &function));
	expect_failure(env, "a map makes one row for each; it was given");
	env = api_env("1");
	tr_stream_collect(tr_stream_process(
		tr_stream_key_by(
			tr_stream_select(source(env), "CASE WHEN k = 3 THEN CAST(NULL AS BIGINT) ELSE k END AS k"), "k"),
		"k BIGINT", &PASS));
	expect_failure(env, "the key column 'k' is NULL");
}

/* Reduce. */

static tr_code add_up(void *user, const struct tr_row *so_far, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	tr_collector_set_i64(out, 1, tr_row_i64(so_far, 1) + tr_row_i64(row, 1));
	tr_collector_set_column(out, 2, row, 2);
	return TR_OK;
}

static void test_reduce(void **state)
{
	for (int p = 0; p < 2; p++) {
		struct tr_env *env = api_env(p == 0 ? "1" : "3");
		struct tr_collected *out = tr_stream_collect(tr_stream_select(
			tr_stream_reduce(tr_stream_key_by(source(env), p == 0 ? "k" : "k, k"), add_up, NULL), "k, v"));

		api_run(env);
		api_expect(out, "1,10\n1,40\n1,41\n2,20\n2,27\n3,5\n");
		tr_env_destroy(&env);
	}
}

/* States by batch, and columns passed on. */

static tr_code open_sum(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(
					    context, &TR_MAKE(tr_state_descriptor, .name = "sum", .value_bytes = 8)));
	return TR_OK;
}

static tr_code sum_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			 struct tr_status *st)
{
	void *const *sums = tr_value_state_batch(tr_context_own(context));
	static _Thread_local int64_t values[TR_BATCH_ROWS_MAX];
	struct tr_column columns[2] = {batch->columns[0], batch->columns[1]};
	struct tr_batch result = *batch;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		*(int64_t *)sums[i] += tr_column_i64(&batch->columns[1], row);
		values[row] = *(int64_t *)sums[i];
		tr_context_choose(context, i);
		assert_int_equal(*(const int64_t *)tr_value_state_get(tr_context_own(context)), values[row]);
		assert_int_equal(tr_context_timestamp(context), tr_column_i64(&batch->columns[2], row));
	}
	columns[1].data = values;
	columns[1].validity = NULL;
	columns[1].is_constant = false;
	result.schema = tr_context_output(context);
	result.columns = columns;
	tr_collector_add_batch(out, &result);
	return TR_OK;
}

static void test_batch_state(void **state)
{
	static const char *const rows[] = {"1", "2", "2048"};
	const struct tr_function function = TR_MAKE(tr_function, .open = open_sum, .on_batch = sum_batch);

	for (int i = 0; i < 6; i++) {
		struct tr_env *env = api_env(i < 3 ? "1" : "2");
		struct tr_collected *out;

		tr_env_set(env, "engine.batch-rows", rows[i % 3]);
		out = tr_stream_collect(tr_stream_process(tr_stream_key_by(source(env), i % 2 ? "k" : "k, k"),
							  "k BIGINT, total BIGINT", &function));
		api_run(env);
		api_expect(out, "1,10\n1,40\n1,41\n2,20\n2,27\n3,5\n");
		tr_env_destroy(&env);
	}
}

/* A state that few rows use; entries that were only asked for, or were cleared, are gone. */

static tr_code rare_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	struct tr_value_state *value = tr_context_own(context);
	const int64_t i = tr_row_i64(row, 1);

	if (i % 50 == 0)
		*(int64_t *)tr_value_state_put(value) += 1;
	else if (i % 50 == 1)
		assert_true(tr_value_state_get(value) == NULL || *(const int64_t *)tr_value_state_get(value) > 0);
	else if (i % 350 == 2)
		tr_value_state_clear(value);
	if (i >= 9990) {
		const int64_t *n = tr_value_state_get(value);

		tr_collector_set_column(out, 0, row, 0);
		tr_collector_set_i64(out, 1, n != NULL ? *n : 0);
		tr_collector_set_null(out, 2);
		tr_collector_add(out);
	}
	return TR_OK;
}

static void test_rare_state(void **state)
{
	static int64_t rows[10000][3];
	const struct tr_function function = TR_MAKE(tr_function, .open = open_sum, .on_row = rare_row);
	int64_t n[10] = {0};
	char expected[200] = "";
	struct tr_owned_batch *many;
	const struct tr_batch *batches[1];
	struct tr_collected *out;
	struct tr_env *env = api_env("1");

	for (int64_t i = 0; i < 10000; i++) {
		rows[i][0] = i * 7 % 10;
		rows[i][1] = rows[i][2] = i;
		if (i % 50 == 0)
			n[rows[i][0]]++;
		else if (i % 50 != 1 && i % 350 == 2)
			n[rows[i][0]] = 0;
	}
	for (int64_t k = 0; k < 10; k++)
		sprintf(expected + strlen(expected), "%lld,%lld,NULL\n", (long long)k, (long long)n[k]);
	many = api_rows((const int64_t(*)[3])rows, 10000);
	batches[0] = tr_owned_batch_get(many);
	out = tr_stream_collect(tr_stream_process(
		tr_stream_key_by(tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, NULL), "k"), API_COLUMNS,
		&function));
	api_run(env);
	api_expect(out, expected);
	tr_env_destroy(&env);
	tr_owned_batch_release(&many);
}

/* Timers of processing time, time to live, the end of the input. */

static _Atomic bool may_end;

static tr_code read_one(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			enum tr_read *result, struct tr_status *st)
{
	*result = TR_READ_MORE;
	if (r->position == 0) {
		tr_collector_set_i64(out, 0, 7);
		tr_collector_add(out);
		r->position = 1;
		return TR_OK;
	}
	r->wake_ms = 1;
	*result = atomic_load(&may_end) ? TR_READ_END : TR_READ_WAIT;
	return TR_OK;
}

struct clocked {
	struct tr_value_state *mortal, *immortal;
};

static tr_code open_clocked(struct tr_context *context, struct tr_status *st)
{
	struct clocked *c = calloc(1, sizeof(*c));

	c->mortal = tr_value_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "mortal", .value_bytes = 8, .ttl_ms = 5));
	c->immortal = tr_value_state_create(
		context, &TR_MAKE(tr_state_descriptor, .name = "immortal", .value_bytes = 8, .ttl_ms = 1000000));
	tr_context_set_own(context, c);
	return TR_OK;
}

static void close_clocked(struct tr_context *context) { free(tr_context_own(context)); }

static tr_code clocked_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			   struct tr_status *st)
{
	struct clocked *c = tr_context_own(context);
	const int64_t now_ms = tr_context_processing_time(context);

	*(int64_t *)tr_value_state_put(c->mortal) = 1;
	*(int64_t *)tr_value_state_put(c->immortal) = 2;
	assert_non_null(tr_value_state_get(c->mortal));
	assert_int_equal(tr_context_timestamp(context), TR_WATERMARK_MIN);
	tr_timer_set_processing_time(context, now_ms + 20);
	tr_timer_set_processing_time(context, now_ms + 20);
	tr_timer_set_processing_time(context, now_ms + 5);
	tr_timer_delete_processing_time(context, now_ms + 5);
	tr_timer_set_processing_time(context, now_ms + 1000000);
	return TR_OK;
}

static tr_code clocked_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			     struct tr_status *st)
{
	struct clocked *c = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);

	assert_true(timer->is_processing_time && timer->time_ms <= tr_context_processing_time(context));
	assert_int_equal(tr_row_i64(&key, 0), 7);
	tr_collector_set_i64(out, 0, tr_value_state_get(c->mortal) != NULL);
	tr_collector_set_i64(out, 1, tr_value_state_get(c->immortal) != NULL);
	tr_collector_add(out);
	atomic_store(&may_end, true);
	return TR_OK;
}

static tr_code clocked_end(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	tr_collector_set_i64(out, 0, 99);
	tr_collector_add(out);
	return TR_OK;
}

static void test_processing_time(void **state)
{
	const struct tr_source_function rows = TR_MAKE(tr_source_function, .split_count = 1, .read = read_one);
	const struct tr_function function =
		TR_MAKE(tr_function, .open = open_clocked, .on_row = clocked_row, .on_timer = clocked_timer,
			.on_end = clocked_end, .close = close_clocked);
	struct tr_env *env = api_env("1");
	struct tr_collected *out = tr_stream_collect(
		tr_stream_process(tr_stream_key_by(tr_env_from_source(env, "one", "k INT", &rows, NULL), "k"),
				  "a INT, b TINYINT", &function));

	atomic_store(&may_end, false);
	api_run(env);
	api_expect(out, "0,1\n99,NULL\n");
	tr_env_destroy(&env);
}

/* Plans. */

static void test_explain(void **state)
{
	struct tr_env *env = api_env("2");
	struct tr_stream *stream =
		tr_stream_process(tr_stream_key_by(tr_stream_where(source(env), "v > 1"), "k"), API_COLUMNS, &PASS);
	const char *text, *json;

	tr_stream_print(tr_stream_uid(tr_stream_name(stream, "my process"), "my-uid"));
	text = tr_env_explain(env, false, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "KeyedProcess(name=[my process], keyBy=[k], fields=[k, v, ts])"));
	assert_non_null(strstr(text, "Exchange(distribution=[hash[k]])"));
	json = tr_env_explain(env, true, NULL);
	assert_non_null(strstr(json, "\"uid\":\"my-uid\""));
	tr_env_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),     cmocka_unit_test(test_failures),
		cmocka_unit_test(test_reduce),     cmocka_unit_test(test_batch_state),
		cmocka_unit_test(test_rare_state), cmocka_unit_test(test_processing_time),
		cmocka_unit_test(test_explain),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	tr_owned_batch_release(&owned);
	return failed;
}
