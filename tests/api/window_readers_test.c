/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows with functions in C over a file that several subtasks read: which rows are late is told by their place in the file, so it is
 * the same for any number of readers, as it is for the windows of SQL.
 */
#include "api_test.h"

#include <unistd.h>

#define ROWS 20000

static char path[64];

/** Rows that are up to 20 seconds late, in a file of many chunks. */
static int write_file(void **state)
{
	uint64_t seed = 3;
	int64_t now = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/tailrace-readers-%d.csv", (int)getpid());
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < ROWS; i++) {
		const int64_t late = tr_test_below(&seed, 4) == 0 ? tr_test_below(&seed, 20000) : 0;
		int64_t time;

		now += tr_test_below(&seed, 60);
		time = TR_MAX(now - late, 0);
		fprintf(file, "%u,%d,2026-01-01 %02d:%02d:%02d.%03d\n", tr_test_below(&seed, 8), i,
			(int)(time / 3600000), (int)(time / 60000 % 60), (int)(time / 1000 % 60), (int)(time % 1000));
	}
	fclose(file);
	return 0;
}

static int remove_file(void **state)
{
	unlink(path);
	return 0;
}

static void add(void *user, void *accumulator, const struct tr_row *row)
{
	*(int64_t *)accumulator += tr_row_i64(row, 1);
}

static tr_code result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
		      struct tr_collector *out, struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);

	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, tr_window_last(window));
	tr_collector_set_i64(out, 2, *(const int64_t *)accumulator);
	tr_collector_add(out);
	return TR_OK;
}

/** Results, and the late rows behind them. */
static char *run(struct tr_windows windows, bool is_sql, const char *parallelism)
{
	const char *const options[] = {"connector", "filesystem",        "path",  path, "format",
				       "csv",       "source.chunk-size", "16 kb", NULL};
	const struct tr_watermark_strategy times =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 1000);
	const struct tr_window_function sum =
		TR_MAKE(tr_window_function, .accumulator_bytes = 8, .add = add, .result = result);
	struct tr_env *env = api_env(parallelism);
	struct tr_stream *keyed =
		tr_stream_key_by(tr_env_from_connector(env, "rows", API_COLUMNS, options, &times), "k");
	struct tr_stream *windowed;
	struct tr_collected *results, *late = NULL;
	char *text, *more;

	if (is_sql) {
		windowed = tr_stream_select(tr_stream_window_aggregate(keyed, windows, "SUM(v) AS total"),
					    "k, window_time, total");
	} else {
		windowed = tr_stream_window_process(keyed, windows, "k BIGINT, window_time TIMESTAMP(3), total BIGINT",
						    &sum, NULL);
		late = tr_stream_collect(tr_stream_late_rows(windowed));
	}
	results = tr_stream_collect(windowed);
	api_run(env);
	text = api_text(results, false);
	if (late != NULL) {
		more = api_text(late, false);
		text = realloc(text, strlen(text) + strlen(more) + 1);
		strcat(text, more);
		free(more);
	}
	tr_env_destroy(&env);
	return text;
}

static void test_readers(void **state)
{
	const struct tr_windows windows[] = {tr_windows_tumbling(10000), tr_windows_sliding(10000, 5000)};

	for (size_t i = 0; i < TR_COUNT_OF(windows); i++) {
		char *sql = run(windows[i], true, "3"), *one = run(windows[i], false, "1");

		assert_memory_equal(one, sql, strlen(sql)); /* and then the late rows, which SQL drops */
		assert_true(strlen(one) > strlen(sql) + 1000);
		for (int p = 2; p <= 4; p++) {
			char *more = run(windows[i], false, (const char *const[]){"2", "3", "4"}[p - 2]);

			assert_string_equal(more, one);
			free(more);
		}
		free(sql);
		free(one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_readers)};

	return cmocka_run_group_tests(tests, write_file, remove_file);
}
