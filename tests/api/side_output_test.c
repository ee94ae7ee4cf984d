/* SPDX-License-Identifier: Apache-2.0
 *
 * Side outputs: rows of other columns than the output's, from rows, batches, timers and the end of the input; with the operator's
 * watermarks and event time; read by several, by nobody, or instead of the output. What is expected comes from loops over the input.
 */
#include "api_test.h"

#define ROW_COUNT 3000
#define KEYS 13

static const char *const SUBTASKS[] = {"1", "2", "3"};
static const char *const BATCHES[] = {"1", "7", "2048"};

static int64_t rows[ROW_COUNT][3];
static struct tr_owned_batch *owned;

static int make_rows(void **state)
{
	for (int64_t i = 0; i < ROW_COUNT; i++) {
		rows[i][0] = (i * 7919) % KEYS;
		rows[i][1] = (i * 104729) % 1000;
		rows[i][2] = i * 10;
	}
	owned = api_rows((const int64_t(*)[3])rows, ROW_COUNT);
	return 0;
}

static int free_rows(void **state)
{
	tr_owned_batch_release(&owned);
	return 0;
}

static struct tr_stream *source(struct tr_env *env)
{
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};

	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
}

/* Even values pass; odd ones go to "odd" as they are; those above 900 to "big" as text, too. */

struct sides {
	struct tr_collector *odd, *big;
};

static tr_code open_sides(struct tr_context *context, struct tr_status *st)
{
	struct sides *sides = calloc(1, sizeof(*sides));

	sides->odd = tr_context_side_output(context, "odd");
	sides->big = tr_context_side_output(context, "big");
	tr_context_set_own(context, sides);
	return TR_OK;
}

static void close_sides(struct tr_context *context) { free(tr_context_own(context)); }

static void big_text(char text[64], int64_t k, int64_t v)
{
	sprintf(text, "key %lld has the value %lld", (long long)k, (long long)v);
}

static tr_code deal_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	const struct sides *sides = tr_context_own(context);
	const int64_t v = tr_row_i64(row, 1);
	char text[64];

	if (v > 900) {
		big_text(text, tr_row_i64(row, 0), v);
		tr_collector_set_text(sides->big, 0, text, (uint32_t)strlen(text));
		tr_collector_set_f64(sides->big, 1, 0.5);
		tr_collector_set_null(sides->big, 2);
		tr_collector_add(sides->big);
	}
	if (v % 2 != 0)
		tr_collector_add_row(sides->odd, row);
	else
		tr_collector_add_row(out, row);
	return TR_OK;
}

/** The same by batch: odd ones by reference, big ones as vectors. */
static tr_code deal_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			  struct tr_status *st)
{
	const struct sides *sides = tr_context_own(context);
	static _Thread_local uint32_t odd[2048], even[2048];
	struct tr_batch part = *batch;
	uint32_t odd_count = 0, even_count = 0, n = 0;
	struct tr_view *texts;
	double *halves;

	tr_collector_reserve(sides->big, batch->selected_count);
	texts = tr_collector_data(sides->big, 0);
	halves = tr_collector_data(sides->big, 1);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};
		const int64_t v = tr_row_i64(&row, 1);
		char text[64];

		if (v % 2 != 0)
			odd[odd_count++] = row.row;
		else
			even[even_count++] = row.row;
		if (v <= 900)
			continue;
		big_text(text, tr_row_i64(&row, 0), v);
		texts[n] = tr_collector_text(sides->big, text, (uint32_t)strlen(text));
		halves[n] = 0.5;
		tr_bit_clear(tr_collector_nulls(sides->big, 2), tr_collector_first(sides->big) + n);
		n++;
	}
	tr_collector_advance(sides->big, n);
	part.selection = odd;
	part.selected_count = odd_count;
	tr_collector_add_batch(sides->odd, &part);
	part.selection = even;
	part.selected_count = even_count;
	tr_collector_add_batch(out, &part);
	return TR_OK;
}

static const struct tr_function BY_ROW = {
	.struct_size = sizeof(struct tr_function), .open = open_sides, .on_row = deal_row, .close = close_sides};
static const struct tr_function BY_BATCH = {
	.struct_size = sizeof(struct tr_function), .open = open_sides, .on_batch = deal_batch, .close = close_sides};

#define BIG "t STRING, half DOUBLE, nothing INT"

static char lines[ROW_COUNT + 8][64];

static void expect_rows(const struct tr_collected *collected, int64_t remainder)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ROW_COUNT; i++)
		if (rows[i][1] % 2 == remainder)
			sprintf(lines[count++], "%lld,%lld,%lld", (long long)rows[i][0], (long long)rows[i][1],
				(long long)rows[i][2]);
	api_expect_lines(collected, lines, count);
}

static void expect_big(const struct tr_collected *collected)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i][1] <= 900)
			continue;
		big_text(lines[count], rows[i][0], rows[i][1]);
		strcat(lines[count++], ",0.5,NULL");
	}
	api_expect_lines(collected, lines, count);
}

/** How many odd ones each window of 700 ms has of each key: the rows of the side output have event time and are not late. */
static void expect_windows(const struct tr_collected *collected)
{
	static uint32_t counts[ROW_COUNT * 10 / 700 + 1][KEYS];
	uint32_t count = 0;

	memset(counts, 0, sizeof(counts));
	for (uint32_t i = 0; i < ROW_COUNT; i++)
		counts[rows[i][2] / 700][rows[i][0]] += rows[i][1] % 2 != 0;
	for (uint32_t w = 0; w < TR_COUNT_OF(counts); w++)
		for (uint32_t k = 0; k < KEYS; k++)
			if (counts[w][k] > 0)
				sprintf(lines[count++], "%u,%u,%u", k, w * 700, counts[w][k]);
	api_expect_lines(collected, lines, count);
}

static void test_each_row_to_its_output(void **state)
{
	for (uint32_t i = 0; i < 18; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		const bool by_batch = i >= 9;
		struct tr_stream *rows_in, *even, *odd;
		struct tr_collected *out, *others, *windows, *big, *again;

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3 % 3]);
		tr_env_set(env, "table.optimizer.reuse-sub-plan-enabled", i % 4 == 0 ? "false" : "true");
		rows_in = source(env);
		even = tr_stream_process(i % 2 == 0 ? rows_in : tr_stream_rebalance(rows_in), API_COLUMNS,
					 by_batch ? &BY_BATCH : &BY_ROW);
		if (i % 5 == 0)
			tr_stream_disable_chaining(even);
		out = tr_stream_collect(even);
		odd = tr_stream_side_output(even, "odd", API_COLUMNS);
		others = tr_stream_collect(odd);
		windows = tr_stream_collect(
			tr_stream_select(tr_stream_window_aggregate(tr_stream_key_by(odd, "k"),
								    tr_windows_tumbling(700), "COUNT(*) AS n"),
					 "k, window_start, n"));
		big = tr_stream_collect(tr_stream_side_output(even, "big", BIG));
		again = tr_stream_collect(tr_stream_rebalance(tr_stream_side_output(even, "big", BIG)));
		api_run(env);
		expect_rows(out, 0);
		expect_rows(others, 1);
		expect_windows(windows);
		expect_big(big);
		expect_big(again);
		tr_env_destroy(&env);
	}
}

/** Nobody reads a side output: its rows are dropped, and nothing else changes. Nor need the output be read. */
static void test_unread(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct tr_env *env = api_env("2");
		struct tr_collected *out, *big = NULL;
		struct tr_stream *even = tr_stream_process(source(env), API_COLUMNS, i % 2 == 0 ? &BY_ROW : &BY_BATCH);

		if (i < 2) {
			tr_stream_side_output(even, "odd", API_COLUMNS);
			out = tr_stream_collect(even);
			api_run(env);
			expect_rows(out, 0);
		} else {
			big = tr_stream_collect(tr_stream_side_output(even, "big", BIG));
			api_run(env);
			expect_big(big);
		}
		tr_env_destroy(&env);
	}
}

/* Over keys: each row sets a timer 25 ms later; timers and the end write to side outputs. */

static tr_code open_timed(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_context_side_output(context, "times"));
	return TR_OK;
}

static tr_code on_timed(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	tr_timer_set_event_time(context, tr_row_i64(row, 2) + 25);
	return TR_OK;
}

static tr_code on_time(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
		       struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);
	struct tr_collector *times = tr_context_own(context);

	tr_collector_set_column(times, 0, &key, 0);
	tr_collector_set_i64(times, 1, timer->time_ms);
	tr_collector_add(times);
	return TR_OK;
}

static tr_code on_timed_end(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	struct tr_collector *times = tr_context_own(context);

	tr_collector_set_i64(times, 0, -1);
	tr_collector_add(times);
	return TR_OK;
}

static void test_timers(void **state)
{
	const struct tr_function function = TR_MAKE(tr_function, .open = open_timed, .on_row = on_timed,
						    .on_timer = on_time, .on_end = on_timed_end);

	for (uint32_t i = 0; i < 9; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *timed;
		struct tr_collected *times;
		uint32_t count = 0;

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3]);
		timed = tr_stream_process(tr_stream_key_by(source(env), "k"), "k BIGINT", &function);
		times = tr_stream_collect(
			tr_stream_side_output(tr_stream_key_by(timed, "k"), "times", "k BIGINT, ts TIMESTAMP(3)"));
		api_run(env);
		for (uint32_t r = 0; r < ROW_COUNT; r++)
			sprintf(lines[count++], "%lld,%lld", (long long)rows[r][0], (long long)rows[r][2] + 25);
		for (uint32_t s = 0; s <= i % 3; s++)
			sprintf(lines[count++], "-1,NULL");
		api_expect_lines(times, lines, count);
		tr_env_destroy(&env);
	}
}

/** A side output of a side output's reader, and both joined: ways part at an operator and meet again. */
static void test_ways_meet(void **state)
{
	for (uint32_t i = 0; i < 9; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *even, *odd, *three[3];
		struct tr_collected *out;
		uint32_t count = 0;

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3]);
		even = tr_stream_process(source(env), API_COLUMNS, &BY_ROW);
		odd = tr_stream_side_output(even, "odd", API_COLUMNS);
		three[0] = even;
		three[1] = odd;
		three[2] = tr_stream_side_output(tr_stream_process(odd, API_COLUMNS, &BY_BATCH), "odd", API_COLUMNS);
		out = tr_stream_collect(tr_stream_union(three, 3));
		api_run(env);
		for (uint32_t r = 0; r < ROW_COUNT; r++)
			count += rows[r][1] % 2 != 0 ? 2 : 1;
		{
			uint32_t seen = 0;

			for (uint32_t b = 0; b < tr_collected_count(out); b++)
				seen += tr_collected_batch(out, b)->selected_count;
			assert_int_equal(seen, count);
		}
		tr_env_destroy(&env);
	}
}

static void test_errors_and_plan(void **state)
{
	struct tr_env *env = api_env("1");
	struct tr_stream *even = tr_stream_process(source(env), API_COLUMNS, &BY_ROW);
	const char *text;

	tr_stream_collect(even);
	tr_stream_collect(tr_stream_side_output(even, "odd", API_COLUMNS));
	text = tr_env_explain(env, false, NULL);
	assert_non_null(strstr(text, "SideOutput(tag=[odd], fields=[k, v, ts])\n"));
	assert_non_null(strstr(text, "{Sink | Sink <- SideOutput} <- Process <- Scan"));
	tr_env_destroy(&env);
	env = api_env("1");
	even = tr_stream_process(source(env), API_COLUMNS, &BY_ROW);
	tr_stream_side_output(even, "odd", API_COLUMNS);
	tr_stream_side_output(even, "odd", "k BIGINT");
	tr_stream_side_output(tr_stream_where(even, "v > 1"), "odd", "k BIGINT");
	tr_stream_side_output(even, "other", "k BIGNIT");
	assert_string_equal(tr_env_error(env, 0), "side output 'odd' of process 1: it has other columns already");
	assert_string_equal(tr_env_error(env, 1),
			    "side output 'odd' of where 2: only what calls functions with a context has side outputs");
	assert_non_null(strstr(tr_env_error(env, 2), "BIGNIT"));
	tr_env_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_to_its_output),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_ways_meet),
		cmocka_unit_test(test_errors_and_plan),
	};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
