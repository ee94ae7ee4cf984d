/* SPDX-License-Identifier: Apache-2.0
 *
 * Strategies of event time, at sources and in the middle of a graph, against a model that goes row by row: which watermark is in force for
 * each row, and which time a row has. The same rows are cut into batches of 1, 7 and 2,048, and go to 1, 2 and 3 subtasks.
 */
#include "api_test.h"

#include <unistd.h>

#include "api/env.h"

#define ROWS 300
#define SHIFT 1000 /* what expressions and callbacks add to the column */

static int64_t rows[ROWS][3];

static void make_rows(uint64_t seed)
{
	for (int64_t i = 0; i < ROWS; i++) {
		rows[i][0] = (int64_t)tr_test_below(&seed, 5);
		rows[i][1] = i;
		rows[i][2] = 10000 + 20 * i + (int64_t)tr_test_below(&seed, 100);
	}
}

enum time { BY_COLUMN, BY_EXPRESSION, BY_CALLBACK, TIMES };
enum marks { MONOTONOUS, BOUNDED, NONE, BY_ROW, BY_BATCH, MARKS };

/* Every fifth row says the watermark: the time of the column, less 100. It need not be greater than the last one. */

static bool says(int64_t v) { return v % 5 == 0; }

static tr_code on_row(void *own, const struct tr_row *row, int64_t time_ms, int64_t *watermark_ms, struct tr_status *st)
{
	if (says(tr_row_i64(row, 1)))
		*watermark_ms = time_ms - 100;
	return TR_OK;
}

static tr_code on_batch(void *own, const struct tr_batch *batch, const int64_t *times_ms, int64_t *watermarks_ms,
			struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		if (says(tr_column_i64(&batch->columns[1], tr_batch_row(batch, i))))
			watermarks_ms[i] = times_ms[i] - 100;
	return TR_OK;
}

static int64_t shifted(void *user, const struct tr_row *row) { return tr_row_i64(row, 2) + *(const int64_t *)user; }

static const struct tr_watermark_strategy *strategy_of(enum time time, enum marks marks)
{
	static const struct tr_watermark_generator by_row = {.struct_size = sizeof(by_row), .on_row = on_row};
	static const struct tr_watermark_generator by_batch = {.struct_size = sizeof(by_batch), .on_batch = on_batch};
	static int64_t shift = SHIFT;
	static struct tr_watermark_strategy w;

	w = TR_MAKE(tr_watermark_strategy, .time_column = time == BY_COLUMN ? "ts" : "t2", .user = &shift,
		    .time_expression = time == BY_EXPRESSION ? "ts + INTERVAL '1' SECOND" : NULL,
		    .assign_time = time == BY_CALLBACK ? shifted : NULL,
		    .out_of_orderness_ms = marks == BOUNDED ? 70 : 0, .has_no_watermarks = marks == NONE,
		    .generator = marks == BY_ROW     ? &by_row
				 : marks == BY_BATCH ? &by_batch
						     : NULL);
	return &w;
}

/** What is seen of row v: its watermark and time. */
static void model(enum time time, enum marks marks, int64_t interval, int64_t first, int64_t (*expected)[2])
{
	int64_t force = TR_WATERMARK_MIN, last = first, current = TR_WATERMARK_MIN;

	for (int64_t i = 0; i < ROWS; i++) {
		const int64_t t = rows[i][2] + (time == BY_COLUMN ? 0 : SHIFT);
		int64_t said = TR_WATERMARK_MIN;

		expected[i][0] = force;
		expected[i][1] = t;
		if (marks == MONOTONOUS || marks == BOUNDED)
			said = t - (marks == BOUNDED ? 70 : 0) - 1;
		else if (marks != NONE && says(i))
			said = t - 100;
		current = TR_MAX(current, said);
		if (current <= last || (last != TR_WATERMARK_MIN && marks < NONE && current - last <= interval))
			continue;
		last = force = current;
	}
}

static tr_code see(struct tr_context *context, const struct tr_row *row, struct tr_collector *out, struct tr_status *st)
{
	tr_collector_set_i64(out, 0, tr_row_i64(row, 1));
	tr_collector_set_i64(out, 1, tr_context_watermark(context));
	tr_collector_set_i64(out, 2, tr_context_timestamp(context));
	tr_collector_add(out);
	return TR_OK;
}

static void check_seen(const struct tr_collected *out, int64_t (*expected)[2], const char *what)
{
	int64_t seen[ROWS][2];
	uint32_t count = 0;

	for (uint32_t b = 0; b < tr_collected_count(out); b++) {
		const struct tr_batch *batch = tr_collected_batch(out, b);

		for (uint32_t i = 0; i < batch->selected_count; i++, count++) {
			const uint32_t row = tr_batch_row(batch, i);
			const int64_t v = tr_column_i64(&batch->columns[0], row);

			for (uint32_t c = 0; c < 2; c++)
				seen[v][c] = tr_column_i64(&batch->columns[c + 1], row);
		}
	}
	assert_int_equal(count, ROWS);
	for (int64_t i = 0; i < ROWS; i++)
		if (seen[i][0] != expected[i][0] || seen[i][1] != expected[i][1])
			fail_msg("%s: row %lld: watermark %lld, time %lld; expected %lld, %lld", what, (long long)i,
				 (long long)seen[i][0], (long long)seen[i][1], (long long)expected[i][0],
				 (long long)expected[i][1]);
}

static void run_case(uint32_t number, enum time time, enum marks marks, bool in_middle)
{
	static const char *const subtasks[] = {"1", "2", "3"}, *const batches[] = {"1", "7", "2048"};
	const char *const interval = number % 4 == 0 ? "200 ms" : "0 ms";
	const struct tr_watermark_strategy *w = strategy_of(time, marks);
	const struct tr_function seeing = TR_MAKE(tr_function, .on_row = see);
	struct tr_env *env = api_env(subtasks[number % 3]);
	struct tr_owned_batch *owned = api_rows(rows, ROWS);
	const struct tr_batch *batch = tr_owned_batch_get(owned);
	int64_t expected[ROWS][2];
	char what[128];
	struct tr_stream *stream;
	struct tr_collected *out;

	tr_env_set(env, "engine.batch-rows", batches[number / 3 % 3]);
	tr_env_set(env, "pipeline.auto-watermark-interval", interval);
	/* The strategy in the middle takes the place of one that would say something else. */
	stream = tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, in_middle ? API_WATERMARKS : w);
	if (in_middle)
		stream = tr_stream_parallelism(tr_stream_assign_watermarks(stream, w), 1);
	out = tr_stream_collect(tr_stream_flat_map(stream, "v BIGINT, w BIGINT, t BIGINT", &seeing));
	api_run(env);
	model(time, marks, number % 4 == 0 ? 200 : 0,
	      in_middle || marks >= BY_ROW || time == TIMES ? TR_WATERMARK_MIN : 0, expected);
	snprintf(what, sizeof(what), "case %u: time %d, watermarks %d, %s", number, time, marks,
		 in_middle ? "in the middle" : "at the source");
	check_seen(out, expected, what);
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

/** All strategies, times and places. */
static void test_model(void **state)
{
	uint32_t number = 0;

	for (uint32_t round = 0; round < 3; round++) {
		make_rows(round + 1);
		for (int middle = 0; middle < 2; middle++)
			for (int time = 0; time < TIMES; time++)
				for (int marks = 0; marks < MARKS; marks++)
					run_case(number++, (enum time)time, (enum marks)marks, middle == 1);
	}
}

/** Whatever comes from several subtasks, behind one that makes the watermarks each row's is that of the rows before it: in the same chain,
 * and behind an exchange. */
static tr_code read_third(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	for (uint32_t n = 0; n < r->rows_max && n < 11 && r->position < ROWS / 3 && r->position < r->limit; n++) {
		const int64_t *row = rows[3 * r->position + r->split];

		for (uint32_t c = 0; c < 3; c++)
			tr_collector_set_i64(out, c, row[c]);
		tr_collector_add(out);
		r->position++;
	}
	*result = r->position == ROWS / 3 ? TR_READ_END : TR_READ_MORE;
	return TR_OK;
}

static void test_one_order(void **state)
{
	const struct tr_source_function function = TR_MAKE(tr_source_function, .split_count = 3, .read = read_third);
	const struct tr_function seeing = TR_MAKE(tr_function, .on_row = see);

	make_rows(11);
	for (uint32_t i = 0; i < 6; i++) {
		struct tr_env *env = api_env("3");
		struct tr_stream *stream;
		struct tr_collected *out;
		int64_t watermark = TR_WATERMARK_MIN;
		uint32_t count = 0;

		tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
		tr_env_set(env, "engine.batch-rows", i % 3 == 0 ? "1" : i % 3 == 1 ? "7" : "2048");
		stream = tr_stream_parallelism(
			tr_stream_assign_watermarks(
				tr_stream_global(tr_env_from_source(env, "rows", API_COLUMNS, &function, NULL)),
				API_WATERMARKS),
			1);
		stream = tr_stream_flat_map(i < 3 ? stream : tr_stream_rebalance(stream),
					    "v BIGINT, w BIGINT, t BIGINT", &seeing);
		out = tr_stream_collect(tr_stream_parallelism(stream, 1));
		api_run(env);
		for (uint32_t b = 0; b < tr_collected_count(out); b++) {
			const struct tr_batch *batch = tr_collected_batch(out, b);

			for (uint32_t k = 0; k < batch->selected_count; k++, count++) {
				const uint32_t row = tr_batch_row(batch, k);

				assert_int_equal(tr_column_i64(&batch->columns[1], row), watermark);
				watermark = TR_MAX(watermark, tr_column_i64(&batch->columns[2], row) - 1);
			}
		}
		assert_int_equal(count, ROWS);
		tr_env_destroy(&env);
	}
}

/** "By how much a row may be late", of windows of 10 ms: rows at 25 and 16 with a bound of 9 count, one at 14 is late. */
static void test_bound(void **state)
{
	static const int64_t late[][3] = {{1, 1, 1025}, {1, 2, 1016}, {1, 3, 1009}, {1, 4, 1060}};

	for (int middle = 0; middle < 2; middle++) {
		struct tr_env *env = api_env("1");
		struct tr_owned_batch *owned = api_rows(late, 4);
		const struct tr_batch *batch = tr_owned_batch_get(owned);
		const struct tr_watermark_strategy w =
			TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 9);
		struct tr_stream *stream;
		struct tr_collected *out;

		tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
		stream = tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, middle ? NULL : &w);
		if (middle)
			stream = tr_stream_assign_watermarks(stream, &w);
		out = tr_stream_collect(tr_stream_window_aggregate(tr_stream_key_by(stream, "k"),
								   tr_windows_tumbling(10), "SUM(v) AS v"));
		api_run(env);
		api_expect(out, "1,1010,1020,1019,2\n1,1020,1030,1029,1\n1,1060,1070,1069,4\n");
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

/** Rows of equal times are not late where times only grow. */
static void test_equal_times(void **state)
{
	static const int64_t equal[][3] = {{1, 1, 1009}, {1, 2, 1009}, {1, 3, 1010}};
	struct tr_env *env = api_env("1");
	struct tr_owned_batch *owned = api_rows(equal, 3);
	const struct tr_batch *batch = tr_owned_batch_get(owned);
	struct tr_collected *out;

	tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
	tr_env_set(env, "engine.batch-rows", "1");
	out = tr_stream_collect(tr_stream_window_aggregate(
		tr_stream_key_by(tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, API_WATERMARKS), "k"),
		tr_windows_tumbling(10), "COUNT(*) AS n"));
	api_run(env);
	api_expect(out, "1,1000,1010,1009,2\n1,1010,1020,1019,1\n");
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

/** Without watermarks all windows fire at the end, and no row is late; the same with the last watermark in the middle. */
static void test_no_watermarks(void **state)
{
	static const int64_t wild[][3] = {{1, 1, 9000}, {1, 2, 20}, {1, 3, 5000}, {1, 4, 10}};

	for (int middle = 0; middle < 2; middle++) {
		struct tr_env *env = api_env("2");
		struct tr_owned_batch *owned = api_rows(wild, 4);
		const struct tr_batch *batch = tr_owned_batch_get(owned);
		const struct tr_watermark_strategy w =
			TR_MAKE(tr_watermark_strategy, .time_column = "ts", .has_no_watermarks = true);
		struct tr_stream *stream =
			tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, middle ? API_WATERMARKS : &w);
		struct tr_collected *out;

		if (middle)
			stream = tr_stream_assign_watermarks(stream, &w);
		out = tr_stream_collect(tr_stream_window_aggregate(tr_stream_key_by(stream, "k"),
								   tr_windows_tumbling(1000), "COUNT(*) AS n"));
		api_run(env);
		api_expect(out, "1,0,1000,999,2\n1,5000,6000,5999,1\n1,9000,10000,9999,1\n");
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

/** A built-in connector with callbacks, an expression, or a column. */
static void test_connector(void **state)
{
	char path[] = "/tmp/tailrace-watermarks-XXXXXX";
	const int file = mkstemp(path);

	assert_true(file >= 0);
	make_rows(7);
	for (int64_t i = 0; i < ROWS; i++)
		dprintf(file, "%lld,%lld,1970-01-01 00:00:%02lld.%03lld\n", (long long)rows[i][0],
			(long long)rows[i][1], (long long)(rows[i][2] / 1000), (long long)(rows[i][2] % 1000));
	close(file);
	for (uint32_t i = 0; i < TIMES * MARKS; i++) {
		const enum time time = (enum time)(i % TIMES);
		const enum marks marks = (enum marks)(i / TIMES);
		const struct tr_function seeing = TR_MAKE(tr_function, .on_row = see);
		const bool is_behind = time == BY_CALLBACK || marks >= BY_ROW;
		struct tr_env *env = api_env("1");
		int64_t expected[ROWS][2];
		struct tr_collected *out;
		char what[64];

		tr_env_set(env, "pipeline.auto-watermark-interval", "0 ms");
		out = tr_stream_collect(tr_stream_flat_map(
			tr_env_from_connector(
				env, "rows", API_COLUMNS,
				(const char *const[]){"connector", "filesystem", "path", path, "format", "csv", NULL},
				strategy_of(time, marks)),
			"v BIGINT, w BIGINT, t BIGINT", &seeing));
		api_run(env);
		model(time, marks, 0, is_behind ? TR_WATERMARK_MIN : 0, expected);
		snprintf(what, sizeof(what), "connector: time %d, watermarks %d", time, marks);
		check_seen(out, expected, what);
		tr_env_destroy(&env);
	}
	unlink(path);
}

/** The greatest watermark is only of the end; what comes behind a watermark of the middle goes by it alone. */
static tr_code too_far(void *own, const struct tr_row *row, int64_t time_ms, int64_t *watermark_ms, struct tr_status *st)
{
	*watermark_ms = TR_WATERMARK_MAX;
	return TR_OK;
}

static tr_code fails(void *own, const struct tr_row *row, int64_t time_ms, int64_t *watermark_ms, struct tr_status *st)
{
	if (tr_row_i64(row, 1) == 3)
		TR_FAIL(st, TR_ERR_DATA, "row three");
	return TR_OK;
}

static void test_generator_errors(void **state)
{
	const struct tr_watermark_generator far = TR_MAKE(tr_watermark_generator, .on_row = too_far),
					    bad = TR_MAKE(tr_watermark_generator, .on_row = fails);

	make_rows(3);
	for (int i = 0; i < 4; i++) {
		const struct tr_watermark_strategy w =
			TR_MAKE(tr_watermark_strategy, .time_column = "ts", .generator = i < 2 ? &far : &bad);
		struct tr_env *env = api_env("1");
		struct tr_owned_batch *owned = api_rows(rows, 5);
		const struct tr_batch *batch = tr_owned_batch_get(owned);
		struct tr_status st = {0};
		struct tr_stream *stream = tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, i % 2 ? NULL : &w);
		struct tr_collected *out;

		if (i % 2)
			stream = tr_stream_assign_watermarks(stream, &w);
		out = tr_stream_collect(tr_stream_select(stream, "v"));
		if (i < 2) {
			api_run(env);
			api_expect(out, "0\n1\n2\n3\n4\n");
		} else {
			assert_int_equal(tr_env_execute(env, "test", &st), TR_ERR_DATA);
			assert_non_null(strstr(st.message, "row three"));
			assert_non_null(strstr(st.message, i % 2 ? "operator 'watermarks 1'" : "source 'rows'"));
		}
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

/** Rows without a time fail the job, at the source and behind it. */
static void test_null_time(void **state)
{
	for (int i = 0; i < 2; i++) {
		const struct tr_watermark_strategy w =
			TR_MAKE(tr_watermark_strategy, .time_column = "t2", .time_expression = "NULLIF(ts, ts)");
		struct tr_env *env = api_env("1");
		struct tr_owned_batch *owned = api_rows(rows, 5);
		const struct tr_batch *batch = tr_owned_batch_get(owned);
		struct tr_status st = {0};
		struct tr_stream *stream = tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, i ? NULL : &w);

		if (i)
			stream = tr_stream_assign_watermarks(stream, &w);
		(void)tr_stream_collect(stream);
		assert_int_equal(tr_env_execute(env, "test", &st), TR_ERR_DATA);
		if (strstr(st.message, "event time column t2 is NULL") == NULL)
			fail_msg("%s", st.message);
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

static tr_code read_nothing(void *user, void *reader, struct tr_source_reading *reading, struct tr_collector *out,
			    enum tr_read *result, struct tr_status *st)
{
	*result = TR_READ_END;
	return TR_OK;
}

/** What makes no sense is told when the graph is built. */
static void test_refused(void **state)
{
	const struct tr_watermark_generator by_row = TR_MAKE(tr_watermark_generator, .on_row = on_row),
					    nothing = TR_MAKE(tr_watermark_generator, .user = NULL),
					    both = TR_MAKE(tr_watermark_generator, .on_row = on_row,
							   .on_batch = on_batch);
	const struct {
		struct tr_watermark_strategy w;
		const char *message;
	} cases[] = {
		{TR_MAKE(tr_watermark_strategy, .time_column = "v"), "'v' is no column of TIMESTAMP(3)"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "w"), "'w' is no column of TIMESTAMP(3)"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "t", .time_expression = "v"), "time expression is no"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "ts", .time_expression = "ts"), "column 'ts' already"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "t", .time_expression = "nobody"), "nobody"},
		{TR_MAKE(tr_watermark_strategy, .generator = &by_row), "names no time_column"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "ts", .generator = &nothing), "needs on_row"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "ts", .generator = &both), "either on_row or on_batch"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = -1),
		 "negative times makes no sense"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "ts", .has_no_watermarks = true, .generator = &by_row),
		 "or nobody makes the watermarks"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "ts", .has_no_watermarks = true, .alignment_group = "g"),
		 "without watermarks can't be aligned"},
		{TR_MAKE(tr_watermark_strategy, .time_column = "t", .time_expression = "ts", .assign_time = shifted),
		 "either time_expression or assign_time"},
	};
	const struct tr_watermark_strategy aligned =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .alignment_group = "g");
	struct tr_owned_batch *owned = api_rows(rows, 1);
	const struct tr_batch *batch = tr_owned_batch_get(owned);
	struct tr_env *env = api_env("1");

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		(void)tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, &cases[i].w);
		assert_non_null(tr_env_error(env, (uint32_t)i));
		if (strstr(tr_env_error(env, (uint32_t)i), cases[i].message) == NULL)
			fail_msg("case %zu: %s", i, tr_env_error(env, (uint32_t)i));
		assert_null(tr_env_error(env, (uint32_t)i + 1));
	}
	tr_env_destroy(&env);
	env = api_env("1");
	(void)tr_stream_assign_watermarks(tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, NULL), &aligned);
	assert_non_null(strstr(tr_env_error(env, 0), "only sources can be aligned"));
	(void)tr_stream_assign_watermarks(tr_env_from_batches(env, "rows", API_COLUMNS, &batch, 1, NULL), NULL);
	assert_non_null(strstr(tr_env_error(env, 1), "names no time_column, and source 'rows' has no event time"));
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

/** Options of a table and a strategy of C fill the same members of the scan. */
static void test_table_options(void **state)
{
	const struct tr_watermark_strategy w =
		TR_MAKE(tr_watermark_strategy, .time_column = "ts", .idle_timeout_ms = 2000, .alignment_group = "g",
			.max_drift_ms = 60000, .update_interval_ms = 500);
	const char *const files[] = {"connector", "filesystem", "path", "/nowhere", "format", "csv", NULL};
	const struct tr_source_function function = TR_MAKE(tr_source_function, .split_count = 1, .read = read_nothing);
	struct tr_env *env = api_env("1");
	struct tr_stream *streams[3];

	tr_env_sql(env, "CREATE TABLE t (" API_COLUMNS ", WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', "
			"'path' = '/nowhere', 'format' = 'csv', 'scan.watermark.idle-timeout' = '2 s', "
			"'scan.watermark.emit.strategy' = 'on-event', 'scan.watermark.alignment.group' = 'g', "
			"'scan.watermark.alignment.max-drift' = '1 min', "
			"'scan.watermark.alignment.update-interval' = '500 ms')");
	streams[0] = tr_env_from_table(env, "t");
	streams[1] = tr_env_from_connector(env, "files", API_COLUMNS, files, &w);
	streams[2] = tr_env_from_source(env, "function", API_COLUMNS, &function, &w);
	assert_null(tr_env_error(env, 0));
	for (int i = 0; i < 3; i++) {
		const struct tr_node *scan = streams[i]->node;

		assert_int_equal(scan->kind, TR_NODE_SCAN);
		assert_string_equal(scan->scan.drift.group, "g");
		assert_int_equal(scan->scan.drift.max_drift_ms, 60000);
		assert_int_equal(scan->scan.drift.update_interval_ms, 500);
		assert_int_equal(scan->scan.idle_timeout_ms, 2000);
		assert_int_equal(scan->scan.watermark_interval_ms, i == 0 ? 0 : 200);
	}
	tr_env_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_one_order),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_equal_times),
		cmocka_unit_test(test_no_watermarks),
		cmocka_unit_test(test_connector),
		cmocka_unit_test(test_generator_errors),
		cmocka_unit_test(test_null_time),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_table_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
