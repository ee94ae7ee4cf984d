/* SPDX-License-Identifier: Apache-2.0
 *
 * What the headers (and Flink's documentation) say of windows, statement by statement, where window_model_test has no mix for it: errors
 * of building and running, purging, states of windows and keys, the order of results, windows over all rows, and the clock.
 */
#include "api_test.h"

#include <stdatomic.h>
#include <time.h>

#include "tailrace/state.h"

static const int64_t ROWS[][3] = {{1, 1, 0}, {1, 2, 3}, {2, 3, 4}, {1, 4, 11}, {2, 5, 12}, {1, 6, 5}, {1, 7, 25}};
#define ROW_COUNT 7

static struct tr_owned_batch *owned;

static struct tr_stream *source_of(struct tr_env *env, const int64_t (*rows)[3], uint32_t count)
{
	const struct tr_batch *batches[1];

	tr_owned_batch_release(&owned);
	owned = api_rows(rows, count);
	batches[0] = tr_owned_batch_get(owned);
	tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
}

static struct tr_stream *keyed(struct tr_env *env) { return tr_stream_key_by(source_of(env, ROWS, ROW_COUNT), "k"); }

static void add(void *user, void *accumulator, const struct tr_row *row)
{
	*(int64_t *)accumulator += tr_row_i64(row, 1);
}

/** key, start, end, sum */
static tr_code result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
		      struct tr_collector *out, struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);

	assert_int_equal(tr_context_timestamp(context), tr_window_last(window));
	if (key.batch->schema->column_count > 0)
		tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, window->start_ms);
	tr_collector_set_i64(out, 2, tr_window_last(window));
	tr_collector_set_i64(out, 3, *(const int64_t *)accumulator);
	tr_collector_add(out);
	return TR_OK;
}

#define SUM TR_MAKE(tr_window_function, .accumulator_bytes = 8, .add = add, .result = result)
#define COLUMNS "k BIGINT, s BIGINT, window_time TIMESTAMP(3), total BIGINT"

static void expect(struct tr_env *env, struct tr_stream *stream, const char *expected)
{
	struct tr_collected *out = tr_stream_collect(stream);

	api_run(env);
	api_expect(out, expected);
	tr_env_destroy(&env);
}

/* Errors of building. */

static void test_errors(void **state)
{
	struct tr_window_function function = SUM, wrong;
	struct tr_windows windows = tr_windows_tumbling(10);
	const struct tr_trigger no_merge = TR_MAKE(tr_trigger, .on_row = tr_trigger_count(1).on_row);
	const struct tr_trigger never_again = tr_trigger_continuous_event_time(0);
	const struct tr_trigger nothing = TR_MAKE(tr_trigger, .parameter = 1);
	const struct tr_evictor no_evictor = TR_MAKE(tr_evictor, .parameter = 1);
	struct tr_env *env = api_env("1");
	struct tr_stream *rows = keyed(env);
	uint32_t n = 0;

#define EXPECT(stream, windows, function, options, message)                                  \
	do {                                                                                 \
		(void)tr_stream_window_process(stream, windows, COLUMNS, function, options); \
		assert_non_null(tr_env_error(env, n));                                       \
		if (strstr(tr_env_error(env, n), message) == NULL)                           \
			fail_msg("'%s' has no '%s'", tr_env_error(env, n), message);         \
		n++;                                                                         \
	} while (0)
	EXPECT(rows, windows, NULL, NULL, "window 1: a struct tr_window_function is needed, made by TR_MAKE");
	wrong = TR_MAKE(tr_window_function, .user = NULL);
	EXPECT(rows, windows, &wrong, NULL, "a window function has add and result, or reduce, or process");
	wrong = function;
	wrong.accumulator_bytes = 0;
	EXPECT(rows, windows, &wrong, NULL, "an aggregate has accumulator_bytes, add and result");
	wrong.accumulator_bytes = 65537;
	EXPECT(rows, windows, &wrong, NULL, "accumulators have 65,536 bytes at most");
	EXPECT(rows, tr_windows_session(5), &function, NULL, "an aggregate over sessions needs merge");
	wrong = function;
	wrong.merge = (void (*)(void *, void *, const void *))add;
	wrong.state_bytes = 8;
	EXPECT(rows, tr_windows_session(5), &wrong, NULL, "sessions have no state of the window");
	wrong.state_bytes = 0;
	EXPECT(rows, tr_windows_session(5), &wrong, &TR_MAKE(tr_window_options, .trigger = &no_merge),
	       "a trigger of sessions needs on_merge");
	EXPECT(rows, windows, &function, &TR_MAKE(tr_window_options, .trigger = &nothing), "a trigger needs on_row");
	EXPECT(rows, windows, &function, &TR_MAKE(tr_window_options, .evictor = &no_evictor),
	       "an evictor has before or after");
	EXPECT(rows, windows, &function, &TR_MAKE(tr_window_options, .trigger = &never_again),
	       "a trigger's count or interval is more than 0");
	EXPECT(rows, tr_windows_sliding(86400000, 1), &function, NULL, "each row would be in 86400000 windows");
	EXPECT(rows, tr_windows_tumbling(0), &function, NULL, "make no sense");
	EXPECT(rows, tr_windows_offset(windows, 10), &function, NULL, "make no sense");
	EXPECT(rows, tr_windows_offset(tr_windows_sliding(10, 5), -5), &function, NULL, "make no sense");
	EXPECT(rows, tr_windows_sliding(10, 0), &function, NULL, "make no sense");
	EXPECT(rows, tr_windows_count(0), &function, NULL, "make no sense");
	EXPECT(rows, tr_windows_make(TR_WINDOWS_CUSTOM, 1, 1), &function, NULL, "make no sense");
	EXPECT(rows, windows, &function, &TR_MAKE(tr_window_options, .allowed_lateness_ms = -1), "make no sense");
	EXPECT(tr_stream_select(rows, "k"), windows, &function, NULL,
	       "windows need a keyed stream (tr_stream_key_by), or all rows under one key (tr_stream_window_all)");
	EXPECT(tr_stream_key_by(tr_stream_select(rows, "k, v"), "k"), windows, &function, NULL, "has no event time");
	tr_stream_parallelism(tr_stream_window_process(tr_stream_window_all(rows), windows, COLUMNS, &function, NULL),
			      2);
	assert_non_null(strstr(tr_env_error(env, n++), "windows over all rows have one subtask"));
	tr_stream_late_rows(rows);
	assert_non_null(strstr(tr_env_error(env, n++), "have late rows"));
	tr_stream_window_aggregate(rows, tr_windows_count(3), "COUNT(*) AS n");
	assert_non_null(strstr(tr_env_error(env, n++), "aggregates in SQL are over tumbling and sliding windows"));
	assert_null(tr_env_error(env, n));
	tr_env_destroy(&env);
}

/* Errors of running name the operator. */

static int64_t bad_gap(void *user, const struct tr_row *row) { return 0; }

static uint32_t too_many(void *user, const struct tr_row *row, int64_t time_ms, struct tr_window *windows)
{
	return 65;
}

static uint32_t backwards(void *user, const struct tr_row *row, int64_t time_ms, struct tr_window *windows)
{
	windows[0] = (struct tr_window){5, 5};
	return 1;
}

static tr_code fail_result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
			   struct tr_collector *out, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_FAILED, "window %lld is unlucky", (long long)window->start_ms);
}

static void expect_failure(struct tr_windows windows, const struct tr_window_function *function, const char *message)
{
	struct tr_env *env = api_env("1");
	struct tr_stream *rows;
	struct tr_status st = {0};

	rows = tr_stream_key_by(source_of(env, ROWS, ROW_COUNT), "k");
	tr_stream_collect(tr_stream_name(tr_stream_window_process(rows, windows, COLUMNS, function, NULL), "mine"));
	assert_int_not_equal(tr_env_execute(env, "job", &st), TR_OK);
	if (strstr(st.message, message) == NULL)
		fail_msg("'%s' has no '%s'", st.message, message);
	tr_env_destroy(&env);
}

static tr_code set_timer(struct tr_context *context, const struct tr_window *window, const void *accumulator,
			 struct tr_collector *out, struct tr_status *st)
{
	tr_timer_set_event_time(context, 1000);
	return TR_OK;
}

static tr_code never_process(struct tr_context *context, const struct tr_window *window, const struct tr_batch *rows,
			     struct tr_collector *out, struct tr_status *st)
{
	return TR_OK;
}

static void test_failures(void **state)
{
	struct tr_window_function function = SUM;
	struct tr_windows windows = tr_windows_make(TR_WINDOWS_CUSTOM, 0, 0);

	windows.assign = too_many;
	expect_failure(windows, &function, "operator 'mine', subtask 0: a row was put into 65 windows; 64 are the most");
	windows.assign = backwards;
	expect_failure(windows, &function, "a window that ends before it begins");
	windows = tr_windows_session(0);
	windows.gap = bad_gap;
	function.merge = (void (*)(void *, void *, const void *))add;
	expect_failure(windows, &function, "a session's gap of 0 ms is not more than 0");
	function.result = fail_result;
	expect_failure(tr_windows_tumbling(10), &function, "operator 'mine', subtask 0: window 0 is unlucky");
	function.result = set_timer;
	expect_failure(tr_windows_tumbling(10), &function, "window functions have no timers; triggers have");
}

/* A row without event time is in no window of it; one of the clock takes it. */

static void test_null_time(void **state)
{
	struct tr_env *env = api_env("1");
	struct tr_status st = {0};
	struct tr_stream *rows =
		tr_stream_select(source_of(env, ROWS, ROW_COUNT),
				 "k, v, CASE WHEN v = 4 THEN CAST(NULL AS TIMESTAMP(3)) ELSE ts END AS ts");

	tr_stream_event_time(rows, "ts");
	for (int i = 0; i < 2; i++) {
		const struct tr_window_function all = TR_MAKE(tr_window_function, .process = never_process);
		const struct tr_window_function sum = SUM;

		tr_stream_collect(tr_stream_window_process(tr_stream_key_by(rows, "k"), tr_windows_tumbling(1 + i),
							   COLUMNS, i == 0 ? &sum : &all, NULL));
		assert_int_not_equal(tr_env_execute(env, "job", &st), TR_OK);
		assert_non_null(strstr(st.message, "the event time of a row is NULL"));
		tr_env_destroy(&env);
		env = api_env("1");
		rows = tr_stream_select(source_of(env, ROWS, ROW_COUNT),
					"k, v, CASE WHEN v = 4 THEN CAST(NULL AS TIMESTAMP(3)) ELSE ts END AS ts");
		tr_stream_event_time(rows, "ts");
	}
	expect(env,
	       tr_stream_select(
		       tr_stream_window_process(tr_stream_key_by(rows, "k"), tr_windows_count(4), COLUMNS, &SUM, NULL),
		       "k, total"),
	       "1,13\n");
}

/* The global window never fires by itself, at the end neither; a trigger of event time fires it there. */

static void test_global(void **state)
{
	const struct tr_trigger at_end = tr_trigger_event_time();
	struct tr_env *env = api_env("2");

	expect(env, tr_stream_window_process(keyed(env), tr_windows_global(), COLUMNS, &SUM, NULL), "");
	env = api_env("2");
	expect(env,
	       tr_stream_window_process(keyed(env), tr_windows_global(), COLUMNS, &SUM,
					&TR_MAKE(tr_window_options, .trigger = &at_end)),
	       "1,-9223372036854775808,9223372036854775807,20\n2,-9223372036854775808,9223372036854775807,8\n");
}

/* Count windows are of each key; what is left when the input ends does not fire. */

static void test_count(void **state)
{
	struct tr_env *env = api_env("3");

	expect(env,
	       tr_stream_select(tr_stream_window_process(keyed(env), tr_windows_count(2), COLUMNS, &SUM, NULL),
				"k, total"),
	       "1,10\n1,3\n2,8\n");
	env = api_env("3");
	expect(env,
	       tr_stream_select(
		       tr_stream_window_process(keyed(env), tr_windows_count_sliding(3, 2), COLUMNS, &SUM, NULL),
		       "k, total"),
	       "1,12\n1,3\n2,8\n");
}

/* A late row is dropped, or goes to the side output; with lateness the window fires again, for all its rows. */

static void test_late(void **state)
{
	const struct tr_window_options late = TR_MAKE(tr_window_options, .allowed_lateness_ms = 10);
	const struct tr_trigger purging = tr_trigger_purging(tr_trigger_event_time());
	const struct tr_window_options late_purging =
		TR_MAKE(tr_window_options, .allowed_lateness_ms = 10, .trigger = &purging);
	struct tr_collected *rows;
	struct tr_stream *windows;
	struct tr_env *env = api_env("1");

	windows = tr_stream_window_process(keyed(env), tr_windows_tumbling(10), COLUMNS, &SUM, NULL);
	rows = tr_stream_collect(tr_stream_late_rows(windows));
	expect(env, windows, "1,0,9,3\n1,10,19,4\n1,20,29,7\n2,0,9,3\n2,10,19,5\n");
	(void)rows;
	env = api_env("1");
	windows = tr_stream_window_process(keyed(env), tr_windows_tumbling(10), COLUMNS, &SUM, NULL);
	rows = tr_stream_collect(tr_stream_late_rows(windows));
	tr_stream_collect(windows);
	api_run(env);
	api_expect(rows, "1,6,5\n");
	tr_env_destroy(&env);
	env = api_env("1");
	expect(env, tr_stream_window_process(keyed(env), tr_windows_tumbling(10), COLUMNS, &SUM, &late),
	       "1,0,9,3\n1,0,9,9\n1,10,19,4\n1,20,29,7\n2,0,9,3\n2,10,19,5\n");
	env = api_env("1"); /* what has fired is forgotten: the late row is alone */
	expect(env, tr_stream_window_process(keyed(env), tr_windows_tumbling(10), COLUMNS, &SUM, &late_purging),
	       "1,0,9,3\n1,0,9,6\n1,10,19,4\n1,20,29,7\n2,0,9,3\n2,10,19,5\n");
}

/* Late rows keep their event time: they can go to windows that wait longer. */

static void test_late_rows_in_windows(void **state)
{
	struct tr_env *env = api_env("2");
	struct tr_stream *windows = tr_stream_window_process(keyed(env), tr_windows_tumbling(10), COLUMNS, &SUM, NULL);

	tr_stream_collect(windows);
	expect(env,
	       tr_stream_window_process(tr_stream_key_by(tr_stream_late_rows(windows), "k"), tr_windows_tumbling(100),
					COLUMNS, &SUM, NULL),
	       "1,0,99,6\n");
}

/* PURGE forgets the rows and keeps the trigger's state and the window's; FIRE_AND_PURGE fires before. */

static enum tr_trigger_result third_on_row(struct tr_trigger_call *call, const struct tr_row *row)
{
	int64_t *count = call->state;

	assert_ptr_equal(call->user, &owned);
	assert_int_equal(call->parameter, 7);
	++*count;
	return *count == 2 ? TR_TRIGGER_PURGE : *count == 4 ? TR_TRIGGER_FIRE_AND_PURGE : TR_TRIGGER_CONTINUE;
}

static void test_purge(void **state)
{
	const struct tr_trigger third =
		TR_MAKE(tr_trigger, .user = &owned, .parameter = 7, .state_bytes = 8, .on_row = third_on_row);
	const struct tr_window_options options = TR_MAKE(tr_window_options, .trigger = &third);
	struct tr_env *env = api_env("1");

	/* Of key 1: 1, 2 (purged), 4, 6 (fire), 7; the global window is one for all of them. */
	expect(env,
	       tr_stream_select(tr_stream_window_process(keyed(env), tr_windows_global(), COLUMNS, &SUM, &options),
				"k, total"),
	       "1,10\n");
}

/* State of the window is of each key and window, and goes with it; that of the key stays. `clear` tells the end of each window. */

static _Atomic int64_t cleared;

static tr_code open_states(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "windows",
									    .value_bytes = sizeof(int64_t))));
	return TR_OK;
}

static tr_code states_process(struct tr_context *context, const struct tr_window *window, const struct tr_batch *rows,
			      struct tr_collector *out, struct tr_status *st)
{
	int64_t *of_window = tr_context_window_state(context), *of_key = tr_value_state_put(tr_context_own(context));
	const struct tr_row key = tr_context_key(context);

	++*of_key;
	++*of_window;
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, *of_key);
	tr_collector_set_i64(out, 2, *of_window);
	tr_collector_set_i64(out, 3, rows->selected_count);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code states_clear(struct tr_context *context, const struct tr_window *window, struct tr_status *st)
{
	const int64_t *of_window = tr_context_window_state(context);

	assert_int_equal(window->end_ms - window->start_ms, 10);
	atomic_fetch_add(&cleared, 1 + 100 * *of_window);
	return TR_OK;
}

static void test_states(void **state)
{
	const struct tr_window_function function = TR_MAKE(tr_window_function, .open = open_states, .state_bytes = 8,
							   .process = states_process, .clear = states_clear);
	const struct tr_trigger each = tr_trigger_count(1);

	for (int i = 0; i < 2; i++) {
		const struct tr_window_options options =
			TR_MAKE(tr_window_options, .trigger = i == 1 ? &each : NULL, .allowed_lateness_ms = 20);
		struct tr_env *env = api_env("1");

		atomic_store(&cleared, 0);
		expect(env,
		       tr_stream_window_process(keyed(env), tr_windows_tumbling(10),
						"k BIGINT, key_fired BIGINT, window_fired BIGINT, n BIGINT", &function,
						&options),
		       i == 0 ? "1,1,1,2\n1,2,2,3\n1,3,1,1\n1,4,1,1\n2,1,1,1\n2,2,1,1\n"
			      : "1,1,1,1\n1,2,2,2\n1,3,1,1\n1,4,3,3\n1,5,1,1\n2,1,1,1\n2,2,1,1\n");
		assert_int_equal(atomic_load(&cleared), i == 0 ? 5 + 600 : 5 + 700);
	}
}

/* Windows of a key fire in the order of their ends, and before the watermark goes on: windows of the same size over their results have all of
 * them (consecutive windows), and the result's time is the last of its window. */

static void test_consecutive(void **state)
{
	for (int p = 1; p <= 3; p++) {
		struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[p - 1]);
		struct tr_window_function sum = SUM;
		struct tr_stream *sums = tr_stream_window_process(
			keyed(env), tr_windows_tumbling(10),
			"k BIGINT, v BIGINT, window_time TIMESTAMP(3), total BIGINT", &sum, NULL);

		expect(env,
		       tr_stream_select(tr_stream_window_process(
						tr_stream_window_all(tr_stream_select(sums, "k, total, window_time")),
						tr_windows_tumbling(10), COLUMNS, &sum, NULL),
					"s, total"),
		       "0,6\n10,9\n20,7\n");
	}
}

static void test_all_rows_in_sql(void **state)
{
	struct tr_env *env = api_env("3");
	struct tr_stream *rows = source_of(env, ROWS, ROW_COUNT);

	expect(env,
	       tr_stream_select(tr_stream_window_aggregate(tr_stream_window_all(rows), tr_windows_tumbling(10),
							   "SUM(v) AS total"),
				"total"),
	       "6\n7\n9\n");
	env = api_env("3");
	expect(env,
	       tr_stream_select(tr_stream_window_aggregate(tr_stream_window_all(source_of(env, ROWS, ROW_COUNT)),
							   tr_windows_session(6), "SUM(v) AS total"),
				"total"),
	       "15\n6\n7\n");
}

/* A window may have more rows than any batch. */

static tr_code count_rows(struct tr_context *context, const struct tr_window *window, const struct tr_batch *rows,
			  struct tr_collector *out, struct tr_status *st)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < rows->selected_count; i++)
		sum += tr_column_i64(&rows->columns[1], tr_batch_row(rows, i));
	tr_collector_set_i64(out, 0, rows->selected_count);
	tr_collector_set_i64(out, 1, sum);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code twelve_thousand(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			       struct tr_status *st)
{
	for (int i = 0; i < 12000; i++)
		tr_collector_add_row(out, row);
	return TR_OK;
}

static void test_many_rows(void **state)
{
	const struct tr_window_function function = TR_MAKE(tr_window_function, .process = count_rows);
	const struct tr_function many = TR_MAKE(tr_function, .on_row = twelve_thousand);
	struct tr_env *env = api_env("1");
	struct tr_stream *rows = tr_stream_flat_map(source_of(env, ROWS, ROW_COUNT), API_COLUMNS, &many);

	expect(env,
	       tr_stream_window_process(tr_stream_window_all(rows), tr_windows_tumbling(1000), "n BIGINT, total BIGINT",
					&function, NULL),
	       "84000,336000\n");
}

/* The clock: a source that gives a row a millisecond for a while, then waits for the windows to fire, then ends. */

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define CLOCK_ROWS 40
static int64_t clock_end; /* when the source ends */

static tr_code read_clock(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *read, struct tr_status *st)
{
	r->wake_ms = 1;
	*read = TR_READ_WAIT;
	if (r->position < CLOCK_ROWS) {
		tr_collector_set_i64(out, 0, r->position % 2);
		tr_collector_set_i64(out, 1, 1);
		tr_collector_set_i64(out, 2, 1000);
		tr_collector_add(out);
		r->position++;
		clock_end = clock_ms() + 80;
	} else if (clock_ms() > clock_end) {
		*read = TR_READ_END;
	}
	return TR_OK;
}

static struct tr_stream *clock_source(struct tr_env *env, bool has_time)
{
	const struct tr_source_function source = TR_MAKE(tr_source_function, .split_count = 1, .read = read_clock);

	return tr_stream_key_by(
		tr_stream_parallelism(
			tr_env_from_source(env, "clock", API_COLUMNS, &source, has_time ? API_WATERMARKS : NULL), 1),
		"k");
}

/** Rows of both keys in all windows, which must have ended when they fired. */
static void expect_clock(struct tr_env *env, struct tr_stream *stream, int64_t times)
{
	struct tr_collected *out = tr_stream_collect(stream);
	int64_t sums[2] = {0};

	api_run(env);
	for (uint32_t b = 0; b < tr_collected_count(out); b++) {
		const struct tr_batch *batch = tr_collected_batch(out, b);

		for (uint32_t i = 0; i < batch->selected_count; i++) {
			const struct tr_row row = {batch, tr_batch_row(batch, i)};

			sums[tr_row_i64(&row, 0)] += tr_row_i64(&row, 3);
		}
	}
	assert_int_equal(sums[0], times * CLOCK_ROWS / 2);
	assert_int_equal(sums[1], times * CLOCK_ROWS / 2);
	tr_env_destroy(&env);
}

static tr_code clock_result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
			    struct tr_collector *out, struct tr_status *st)
{
	assert_true(tr_window_last(window) <= tr_context_processing_time(context));
	return result(context, window, accumulator, out, st);
}

static void merge(void *user, void *accumulator, const void *other)
{
	*(int64_t *)accumulator += *(const int64_t *)other;
}

static void test_clock(void **state)
{
	const struct tr_window_function function =
		TR_MAKE(tr_window_function, .accumulator_bytes = 8, .add = add, .merge = merge, .result = clock_result);
	struct tr_env *env = api_env("2");

	expect_clock(env,
		     tr_stream_window_process(clock_source(env, false),
					      tr_windows_processing_time(tr_windows_tumbling(7)), COLUMNS, &function,
					      NULL),
		     1);
	env = api_env("1");
	expect_clock(env,
		     tr_stream_window_process(clock_source(env, false),
					      tr_windows_processing_time(tr_windows_sliding(20, 5)), COLUMNS, &function,
					      NULL),
		     4);
	env = api_env("2");
	expect_clock(env,
		     tr_stream_window_process(clock_source(env, true), tr_windows_processing_time(tr_windows_session(9)),
					      COLUMNS, &function, NULL),
		     1);
}

/* Rows of one window of event time, whose trigger is of the clock; what has fired is forgotten, and each row counts once. */

static void test_continuous_clock(void **state)
{
	const struct tr_trigger trigger = tr_trigger_purging(tr_trigger_continuous_processing_time(5));
	struct tr_env *env = api_env("1");

	expect_clock(env,
		     tr_stream_window_process(clock_source(env, true), tr_windows_tumbling(100000), COLUMNS, &SUM,
					      &TR_MAKE(tr_window_options, .trigger = &trigger)),
		     1);
}

/* Windows of processing time that are open at the end of the input do not fire. */

static void test_clock_end(void **state)
{
	struct tr_env *env = api_env("1");

	expect(env,
	       tr_stream_window_process(keyed(env), tr_windows_processing_time(tr_windows_tumbling(86400000)), COLUMNS,
					&SUM, NULL),
	       "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_null_time),
		cmocka_unit_test(test_global),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_rows_in_windows),
		cmocka_unit_test(test_purge),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_consecutive),
		cmocka_unit_test(test_all_rows_in_sql),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_continuous_clock),
		cmocka_unit_test(test_clock_end),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	tr_owned_batch_release(&owned);
	return failed;
}
