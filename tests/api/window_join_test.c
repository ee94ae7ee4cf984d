/* SPDX-License-Identifier: Apache-2.0
 *
 * Window joins and co-groups against loops over all rows: tumbling and sliding windows and sessions, with 1, 2 and 3 subtasks and batches of 1,
 * 7 and 2,048 rows. Rows of each side come in the order of their times, so that none is late, whichever side is ahead.
 */
#include "api_test.h"

#define ROWS 60

static int64_t rows[2][ROWS][3]; /* key, value, time */

/* The model: all windows of all rows, each once. */

struct window {
	int64_t key, start, end;
};
static struct window found[ROWS * 20];
static uint32_t found_count;
static char *lines[100000];
static uint32_t line_count;

static void line(const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	lines[line_count++] = strdup(text);
}

static void find(int64_t key, int64_t start, int64_t end)
{
	for (uint32_t i = 0; i < found_count; i++)
		if (found[i].key == key && found[i].start == start && found[i].end == end)
			return;
	found[found_count++] = (struct window){key, start, end};
}

/** The session that a time of a key is in: it grows until no row touches it. */
static void find_session(int64_t key, int64_t time, int64_t gap)
{
	int64_t start = time, end = time + gap;
	bool has_grown = true;

	while (has_grown) {
		has_grown = false;
		for (uint32_t i = 0; i < 2 * ROWS; i++) {
			const int64_t *row = rows[i % 2][i / 2];

			if (row[0] != key || row[2] + gap < start || row[2] > end)
				continue;
			has_grown |= row[2] < start || row[2] + gap > end;
			start = TR_MIN(start, row[2]);
			end = TR_MAX(end, row[2] + gap);
		}
	}
	find(key, start, end);
}

static void model(const struct tr_windows *w, bool is_join)
{
	found_count = line_count = 0;
	for (uint32_t i = 0; i < 2 * ROWS; i++) {
		const int64_t *row = rows[i % 2][i / 2];
		const int64_t step = w->kind == TR_WINDOWS_SLIDING ? w->slide_ms : w->size_ms;

		if (w->kind == TR_WINDOWS_SESSION)
			find_session(row[0], row[2], w->size_ms);
		for (int64_t start = -10 * step; start <= row[2] && w->kind != TR_WINDOWS_SESSION; start += step)
			if (start + w->size_ms > row[2])
				find(row[0], start, start + w->size_ms);
	}
	for (uint32_t f = 0; f < found_count; f++) {
		int64_t count[2] = {0}, sum[2] = {0};

		for (uint32_t i = 0; i < 2 * ROWS; i++) {
			const int64_t *a = rows[i % 2][i / 2];

			if (a[0] != found[f].key || a[2] < found[f].start || a[2] >= found[f].end)
				continue;
			count[i % 2]++;
			sum[i % 2] += a[1];
			for (uint32_t k = 0; is_join && i % 2 == 0 && k < ROWS; k++) {
				const int64_t *b = rows[1][k];

				if (b[0] == a[0] && b[2] >= found[f].start && b[2] < found[f].end)
					line("%lld,%lld,%lld,%lld,right side", (long long)a[0], (long long)a[1],
					     (long long)b[1], (long long)found[f].end - 1);
			}
		}
		if (!is_join)
			line("%lld,%lld,%lld,%lld,%lld,%lld,%lld", (long long)found[f].key, (long long)found[f].start,
			     (long long)found[f].end, (long long)count[0], (long long)sum[0], (long long)count[1],
			     (long long)sum[1]);
	}
	qsort(lines, line_count, sizeof(*lines), api_compare);
}

/* The job: the right side has its columns in another order, and one more. */

static tr_code pair(struct tr_context *context, const struct tr_row *left, const struct tr_row *right,
		    struct tr_collector *out, struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);

	assert_int_equal(tr_row_i64(&key, 0), tr_row_i64(left, 0));
	assert_int_equal(tr_row_i64(left, 0), tr_row_i64(right, 2));
	assert_ptr_equal(tr_context_user(context), rows);
	tr_collector_set_column(out, 0, left, 0);
	tr_collector_set_column(out, 1, left, 1);
	tr_collector_set_column(out, 2, right, 0);
	tr_collector_set_i64(out, 3, tr_context_timestamp(context));
	tr_collector_set_column(out, 4, right, 1);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code both(struct tr_context *context, const struct tr_window *window, const struct tr_batch *left,
		    const struct tr_batch *right, struct tr_collector *out, struct tr_status *st)
{
	const struct tr_batch *const sides[] = {left, right};
	const struct tr_row key = tr_context_key(context);

	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, window->start_ms);
	tr_collector_set_i64(out, 2, window->end_ms);
	for (uint32_t s = 0; s < 2; s++) {
		int64_t sum = 0;

		for (uint32_t i = 0; i < sides[s]->selected_count; i++)
			sum += tr_column_i64(&sides[s]->columns[s == 0 ? 1 : 0], tr_batch_row(sides[s], i));
		tr_collector_set_i64(out, 3 + 2 * s, sides[s]->selected_count);
		tr_collector_set_i64(out, 4 + 2 * s, sum);
	}
	tr_collector_add(out);
	return TR_OK;
}

static void run(struct tr_windows windows, bool is_join, uint32_t subtasks, const char *batch_rows)
{
	const struct tr_co_group_function function = TR_MAKE(tr_co_group_function, .process = both);
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[subtasks - 1]);
	struct tr_owned_batch *owned[2];
	struct tr_stream *sides[2];
	struct tr_collected *out;
	char *text, *at;

	tr_env_set(env, "engine.batch-rows", batch_rows);
	for (uint32_t s = 0; s < 2; s++) {
		const struct tr_batch *batches[1];

		owned[s] = api_rows(rows[s], ROWS);
		batches[0] = tr_owned_batch_get(owned[s]);
		sides[s] = tr_env_from_batches(env, s == 0 ? "left" : "right", API_COLUMNS, batches, 1, API_WATERMARKS);
		if (s == 1)
			sides[s] = tr_stream_select(sides[s], "v, CAST('right side' AS STRING) AS t, k, ts");
		sides[s] = tr_stream_key_by(sides[s], "k");
	}
	out = tr_stream_collect(
		is_join ? tr_stream_window_join(sides[0], sides[1], windows,
						"k BIGINT, a BIGINT, b BIGINT, e BIGINT, t STRING", pair, rows, NULL)
			: tr_stream_co_group(sides[0], sides[1], windows,
					     "k BIGINT, s BIGINT, e BIGINT, n BIGINT, a BIGINT, m BIGINT, b BIGINT",
					     &function, NULL));
	api_run(env);
	text = at = api_text(out, false);
	for (uint32_t i = 0; i < line_count; i++) {
		const size_t length = strlen(lines[i]);

		if (strncmp(at, lines[i], length) != 0 || at[length] != '\n')
			fail_msg("%s: '%.*s' and not '%s'", is_join ? "join" : "co-group", (int)strcspn(at, "\n"), at,
				 lines[i]);
		at += length + 1;
		free(lines[i]);
	}
	assert_int_equal(*at, '\0');
	free(text);
	tr_env_destroy(&env);
	for (uint32_t s = 0; s < 2; s++)
		tr_owned_batch_release(&owned[s]);
}

static void test_against_loops(void **state)
{
	const struct tr_windows windows[] = {tr_windows_tumbling(10), tr_windows_sliding(15, 5), tr_windows_session(4)};
	static const char *const batches[] = {"1", "7", "2048"};

	for (uint32_t i = 0; i < 54; i++) {
		uint64_t random = i;
		const bool is_join = i % 2 == 0;

		for (uint32_t s = 0; s < 2; s++) {
			int64_t time = 0;

			for (uint32_t r = 0; r < ROWS; r++) {
				time += tr_test_below(&random, s == 0 ? 4 : 6);
				rows[s][r][0] = tr_test_below(&random, 3);
				rows[s][r][1] = tr_test_below(&random, 100);
				rows[s][r][2] = time;
			}
		}
		model(&windows[i % 3], is_join);
		run(windows[i % 3], is_join, 1 + i / 3 % 3, batches[i / 9 % 3]);
	}
}

static void test_errors(void **state)
{
	const struct tr_co_group_function function = TR_MAKE(tr_co_group_function, .process = both);
	struct tr_env *env = api_env("1");
	struct tr_owned_batch *owned = api_rows(rows[0], 1);
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};
	struct tr_stream *plain = tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, NULL);
	struct tr_stream *timed = tr_env_from_batches(env, "more", API_COLUMNS, batches, 1, API_WATERMARKS);
	const struct tr_evictor evictor = tr_evictor_count(3);
	const char *const expected[] = {
		"has no event time",
		"windows need a keyed stream",
		"key column 1 is BIGINT on the left and TIMESTAMP(3) on the right",
		"a struct tr_co_group_function is needed, made by TR_MAKE",
		"windows of two streams have no evictor",
		"only windows with functions in C over one stream",
	};

	tr_stream_co_group(tr_stream_key_by(timed, "k"), tr_stream_key_by(plain, "k"), tr_windows_tumbling(1), "a INT",
			   &function, NULL);
	tr_stream_co_group(tr_stream_key_by(timed, "k"), timed, tr_windows_tumbling(1), "a INT", &function, NULL);
	tr_stream_co_group(tr_stream_key_by(timed, "k"), tr_stream_key_by(timed, "ts"), tr_windows_tumbling(1), "a INT",
			   &function, NULL);
	tr_stream_co_group(tr_stream_key_by(timed, "k"), tr_stream_key_by(timed, "k"), tr_windows_tumbling(1), "a INT",
			   NULL, NULL);
	tr_stream_window_join(tr_stream_key_by(timed, "k"), tr_stream_key_by(timed, "k"), tr_windows_tumbling(1),
			      "a INT", pair, NULL, &TR_MAKE(tr_window_options, .evictor = &evictor));
	tr_stream_late_rows(tr_stream_window_join(tr_stream_key_by(timed, "k"), tr_stream_key_by(timed, "k"),
						  tr_windows_tumbling(1), "a INT", pair, NULL, NULL));
	for (uint32_t i = 0; i < TR_COUNT_OF(expected); i++) {
		assert_non_null(tr_env_error(env, i));
		if (strstr(tr_env_error(env, i), expected[i]) == NULL)
			fail_msg("'%s' has no '%s'", tr_env_error(env, i), expected[i]);
	}
	assert_null(tr_env_error(env, TR_COUNT_OF(expected)));
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_loops), cmocka_unit_test(test_errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
