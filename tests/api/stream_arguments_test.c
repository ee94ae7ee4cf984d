/* SPDX-License-Identifier: Apache-2.0
 *
 * What a user can do wrong while a graph is built: arguments that are NULL, structs that were not made by TR_MAKE, names that can't be
 * one, streams of another environment; and what looks wrong and is not. What is wrong while a job runs: stream_mistakes_test.c.
 */
#include "api_test.h"

static const int64_t ROWS[][3] = {{1, 10, 1000}, {2, 20, 2000}};

static struct tr_owned_batch *owned;

static struct tr_stream *source(struct tr_env *env)
{
	const struct tr_batch *batches[1];

	if (owned == NULL)
		owned = api_rows(ROWS, TR_COUNT_OF(ROWS));
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

static tr_code never_write(void *writer, const struct tr_batch *batch, struct tr_status *st) { return TR_OK; }

static tr_code never_read(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			  enum tr_read *result, struct tr_status *st)
{
	*result = TR_READ_END;
	return TR_OK;
}

/* Each makes one error, or the message that execute tells. */

typedef void (*build_fn)(struct tr_env *env);
#define BUILD(name, ...)                              \
	static void name(struct tr_env *env)          \
	{                                             \
		struct tr_stream *rows = source(env); \
		(void)rows;                           \
		__VA_ARGS__;                          \
	}

static const char *const DATAGEN[] = {"connector", "datagen", NULL};
static const char *const ODD[] = {"connector", "datagen", "number-of-rows", NULL};
static const char *const QUOTED[] = {"connector", "datagen", "it's", "wrong", NULL};

BUILD(map_columns, tr_stream_map(rows, NULL, &PASS))
BUILD(map_wrong_columns, tr_stream_map(rows, "a INT, b", &PASS))
BUILD(map_same_columns, tr_stream_map(rows, "a INT, a INT", &PASS))
BUILD(map_no_columns, tr_stream_map(rows, "", &PASS))
BUILD(map_size, tr_stream_map(rows, "a INT", &(struct tr_function){.on_row = pass_row}))
BUILD(filter_null, tr_stream_filter(rows, NULL, NULL))
BUILD(where_null, tr_stream_where(rows, NULL))
BUILD(where_empty, tr_stream_where(rows, ""))
BUILD(where_number, tr_stream_where(rows, "v + 1"))
BUILD(select_null, tr_stream_select(rows, NULL))
BUILD(key_null, tr_stream_key_by(rows, NULL))
BUILD(key_empty, tr_stream_key_by(rows, " , "))
BUILD(key_array, tr_stream_key_by(tr_stream_select(rows, "ARRAY[v] AS a"), "a"))
BUILD(reduce_unkeyed, tr_stream_reduce(rows, NULL, NULL))
BUILD(window_null, tr_stream_window_aggregate(tr_stream_key_by(rows, "k"), tr_windows_tumbling(1), NULL))
BUILD(window_size, tr_stream_window_aggregate(tr_stream_key_by(rows, "k"), tr_windows_tumbling(0), "COUNT(*)"))
BUILD(window_kind,
      tr_stream_window_aggregate(tr_stream_key_by(rows, "k"),
				 (struct tr_windows){.kind = (enum tr_windows_kind)99, .size_ms = 1}, "COUNT(*)"))
BUILD(uid_null, tr_stream_uid(rows, NULL))
BUILD(uid_empty, tr_stream_uid(rows, ""))
BUILD(uid_line, tr_stream_uid(rows, "a\nb"))
BUILD(uid_plus, tr_stream_uid(rows, "a + b"))
BUILD(uid_twice, tr_stream_uid(rows, "a"); tr_stream_uid(tr_stream_map(rows, "k BIGINT", &PASS), "a"))
BUILD(name_null, tr_stream_name(rows, NULL))
BUILD(parallelism_zero, tr_stream_parallelism(rows, 0))
BUILD(time_null, tr_stream_event_time(rows, NULL))
BUILD(time_number, tr_stream_event_time(rows, "v"))
BUILD(table_null, tr_env_from_table(env, NULL))
BUILD(table_missing, tr_env_from_table(env, "no`body"))
BUILD(connector_null, tr_env_from_connector(env, NULL, "a INT", DATAGEN, NULL))
BUILD(connector_columns, tr_env_from_connector(env, "t", NULL, DATAGEN, NULL))
BUILD(connector_options, tr_env_from_connector(env, "t", "a INT", NULL, NULL))
BUILD(connector_odd, tr_env_from_connector(env, "t", "a INT", ODD, NULL))
BUILD(connector_quoted, tr_env_from_connector(env, "t", "a INT", QUOTED, NULL))
BUILD(connector_time, tr_env_from_connector(env, "t", "a INT", DATAGEN, API_WATERMARKS))
BUILD(watermarks_negative,
      tr_env_from_connector(env, "t", API_COLUMNS, DATAGEN,
			    &TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = -1)))
BUILD(watermarks_size,
      tr_env_from_connector(env, "t", API_COLUMNS, DATAGEN, &(struct tr_watermark_strategy){.time_column = "ts"}))
BUILD(source_null, tr_env_from_source(env, "s", "a INT", NULL, NULL))
BUILD(source_empty, tr_env_from_source(env, "s", "a INT", &TR_MAKE(tr_source_function, .split_count = 1), NULL))
BUILD(source_splits, tr_env_from_source(env, "s", "a INT", &TR_MAKE(tr_source_function, .read = never_read), NULL))
BUILD(source_many, tr_env_from_source(env, "s", "a INT",
				      &TR_MAKE(tr_source_function, .read = never_read, .split_count = UINT32_MAX), NULL))
BUILD(source_time,
      tr_env_from_source(env, "s", "a INT", &TR_MAKE(tr_source_function, .read = never_read, .split_count = 1),
			 API_WATERMARKS))
BUILD(batches_null, tr_env_from_batches(env, "s", "a INT", NULL, 2, NULL))
BUILD(batches_other, const struct tr_batch *batch = tr_owned_batch_get(owned);
      tr_env_from_batches(env, "s", "a INT", &batch, 1, NULL))
BUILD(sink_null, tr_stream_sink_to(rows, "s", NULL))
BUILD(sink_name, tr_stream_sink_to(rows, NULL, &TR_MAKE(tr_sink_function, .write = never_write)))
BUILD(sink_empty, tr_stream_sink_to(rows, "s", &TR_MAKE(tr_sink_function, .user = NULL)))
BUILD(sink_options, tr_stream_sink_to_connector(rows, "s", NULL))
BUILD(insert_null, tr_stream_insert_into(rows, NULL))
BUILD(insert_missing, tr_stream_insert_into(rows, "nobody"))
BUILD(side_null, tr_stream_side_output(tr_stream_process(rows, "k BIGINT", &PASS), NULL, "a INT"))
BUILD(side_columns, tr_stream_side_output(tr_stream_process(rows, "k BIGINT", &PASS), "t", NULL))
BUILD(option_null, tr_env_set(env, "parallelism.default", NULL))
BUILD(option_key, tr_env_set(env, NULL, "1"))
BUILD(script_null, tr_env_sql(env, NULL))
BUILD(script_wrong, tr_env_sql(env, "SELECT 1"))
BUILD(restore_null, tr_env_restore(env, NULL, false))

BUILD(window_function,
      tr_stream_window_process(tr_stream_key_by(rows, "k"), tr_windows_tumbling(1), "a INT", NULL, NULL))
BUILD(window_options, tr_stream_window_process(tr_stream_key_by(rows, "k"), tr_windows_tumbling(1), "a INT",
					       &TR_MAKE(tr_window_function, .user = NULL),
					       &(struct tr_window_options){.allowed_lateness_ms = 1}))
BUILD(connect_null, tr_stream_connect_process(rows, rows, "a INT", NULL))
BUILD(async_null, tr_stream_async(rows, "a INT", NULL, NULL))
BUILD(async_columns, tr_stream_async(rows, NULL, &TR_MAKE(tr_async_function, .user = NULL), NULL))
BUILD(interval_null, tr_stream_interval_join(tr_stream_key_by(rows, "k"), tr_stream_key_by(rows, "k"), 0, 1, "a INT",
					     NULL, NULL, NULL))
BUILD(join_null, tr_stream_window_join(tr_stream_key_by(rows, "k"), tr_stream_key_by(rows, "k"), tr_windows_tumbling(1),
				       "a INT", NULL, NULL, NULL))

#define PRINTED tr_stream_print(rows)
BUILD(read_where, tr_stream_print(tr_stream_where(PRINTED, "k < 1")))
BUILD(read_map, tr_stream_map(PRINTED, "a INT", &PASS))
BUILD(read_print, tr_stream_print(PRINTED))
BUILD(read_key, tr_stream_print(tr_stream_key_by(PRINTED, "k")))
BUILD(read_partition, tr_stream_rebalance(tr_stream_parallelism(PRINTED, 1)))
BUILD(read_side, tr_stream_side_output(PRINTED, "t", "a INT"))
BUILD(read_time, tr_stream_event_time(PRINTED, "ts"))
BUILD(read_window, tr_stream_window_process(tr_stream_window_all(PRINTED), tr_windows_tumbling(1), "a INT",
					    &TR_MAKE(tr_window_function, .user = NULL), NULL))
BUILD(read_connect, tr_stream_connect_process(rows, PRINTED, "a INT", &TR_MAKE(tr_co_function, .user = NULL)))
BUILD(read_union, struct tr_stream *streams[] = {rows, PRINTED}; tr_stream_union(streams, 2))
BUILD(read_sink, tr_stream_sink_to(tr_stream_sink_to(rows, "s", &TR_MAKE(tr_sink_function, .write = never_write)), "t",
				   &TR_MAKE(tr_sink_function, .write = never_write)))
BUILD(read_named, tr_stream_collect(tr_stream_name(PRINTED, "last")))

static void other_connect(struct tr_env *env)
{
	struct tr_env *other = api_env("1");

	tr_stream_connect_process(source(env), source(other), "a INT", &TR_MAKE(tr_co_function, .user = NULL));
	tr_env_destroy(&other);
}

static void newer(struct tr_env *env)
{
	struct {
		struct tr_function f;
		void *unknown;
	} f = {.f = PASS, .unknown = env};

	f.f.struct_size = sizeof(f);
	tr_stream_map(source(env), "a INT", &f.f);
}

static void other_union(struct tr_env *env)
{
	struct tr_env *other = api_env("1");
	struct tr_stream *streams[] = {source(env), source(other)};

	tr_stream_union(streams, 2);
	tr_env_destroy(&other);
}

static void test_arguments(void **state)
{
	static const struct {
		build_fn build;
		const char *error;
	} cases[] = {
		{map_columns, "map 1: `columns` is NULL"},
		{map_wrong_columns, "map 1"},
		{map_same_columns, "map 1"},
		{map_no_columns, "map 1"},
		{map_size, "map 1: a struct tr_function is needed, made by TR_MAKE(tr_function, ..)"},
		{newer, "map 1: its struct tr_function has members that this engine"},
		{filter_null, "filter 1: a function is needed"},
		{where_null, "where 1: `condition` is NULL"},
		{where_empty, "where 1"},
		{where_number, "where 1"},
		{select_null, "select 1: `expressions` is NULL"},
		{key_null, "key by: `columns` is NULL"},
		{key_empty, "key by: no columns are named"},
		{key_array, "key by: column 'a' is ARRAY<BIGINT> NOT NULL, which can't be a key"},
		{reduce_unkeyed, "reduce 1: a function is needed"},
		{window_null, "window aggregate 1: `aggregates` is NULL"},
		{window_size, "window aggregate 1: windows of 0 ms every 0 ms make no sense"},
		{window_kind, "window aggregate 1: aggregates in SQL are over tumbling and sliding windows"},
		{uid_null, "source 'rows': `uid` is NULL"},
		{uid_empty, "source 'rows': a uid has 1 to 200 bytes"},
		{uid_line, "source 'rows': a uid has no control characters"},
		{uid_plus, "source 'rows': a uid has no control characters, no quotes and no ' + '"},
		{uid_twice, "map 1: the uid 'a' is that of another operator"},
		{name_null, "source 'rows': `name` is NULL"},
		{parallelism_zero, "source 'rows': parallelism 0 is not in 1 .. 64"},
		{time_null, "source 'rows': `column` is NULL"},
		{time_number, "source 'rows': 'v' is no column of TIMESTAMP(3)"},
		{table_null, "table '': `table` is NULL"},
		{table_missing, "table 'no`body'"},
		{connector_null, "source '': `name` is NULL"},
		{connector_columns, "source 't': `columns` is NULL"},
		{connector_options, "source 't': `options` is NULL"},
		{connector_odd, "source 't': option 'number-of-rows' has no value"},
		{connector_quoted, "source 't'"},
		{connector_time, "source 't'"},
		{watermarks_negative, "source 't': a watermark strategy with negative times makes no sense"},
		{watermarks_size, "source 't': a struct tr_watermark_strategy is needed"},
		{source_null, "source 's': a struct tr_source_function is needed"},
		{source_empty, "source 's': a source needs `read`"},
		{source_splits, "source 's': a source has 1 to 1048576 splits"},
		{source_many, "source 's': a source has 1 to 1048576 splits"},
		{source_time, "source 's': the time column 'ts' is no column"},
		{batches_null, "source 's': batch 0 is NULL"},
		{batches_other, "source 's': batch 0 has other columns than were declared"},
		{sink_null, "sink 's': a struct tr_sink_function is needed"},
		{sink_name, "sink '': `name` is NULL"},
		{sink_empty, "sink 's': a sink needs `write`"},
		{sink_options, "sink 's': `options` is NULL"},
		{insert_null, "sink '': `table` is NULL"},
		{insert_missing, "sink 'nobody'"},
		{side_null, "side output '' of process 1: `tag` is NULL"},
		{side_columns, "side output 't' of process 1: `columns` is NULL"},
		{option_null, "parallelism.default: `value` is NULL"},
		{option_key, "configuration: `key` is NULL"},
		{script_null, "sql: `script` is NULL"},
		{script_wrong, "sql"},
		{restore_null, "restore: `directory` is NULL"},
		{window_function, "window 1: a struct tr_window_function is needed"},
		{window_options, "window 1: a struct tr_window_options is needed"},
		{connect_null, "connect 1: a struct tr_co_function is needed"},
		{async_null, "async 1: a struct tr_async_function is needed"},
		{async_columns, "async 1"},
		{interval_null, "interval join 1: `join` is NULL"},
		{join_null, "join 1"},
		{read_where, "sink 'print 1': nothing can be read from a sink"},
		{read_map, "sink 'print 1': nothing can be read from a sink"},
		{read_print, "sink 'print 1': nothing can be read from a sink"},
		{read_key, "sink 'print 1': nothing can be read from a sink"},
		{read_partition, "sink 'print 1': nothing can be read from a sink"},
		{read_side, "sink 'print 1': nothing can be read from a sink"},
		{read_time, "sink 'print 1': nothing can be read from a sink"},
		{read_window, "sink 'print 1': nothing can be read from a sink"},
		{read_connect, "sink 'print 1': nothing can be read from a sink"},
		{read_union, "sink 'print 1': nothing can be read from a sink"},
		{read_named, "last: nothing can be read from a sink"},
		{read_sink, "sink 's': nothing can be read from a sink"},
		{other_connect, "connect 1: source 'rows' is of another environment"},
		{other_union, "union: source 'rows' is of another environment"},
	};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		struct tr_env *env = api_env("1");
		struct tr_status st = {0};

		cases[i].build(env);
		tr_stream_print(source(env)); /* the graph has a sink */
		if (tr_env_error(env, 0) == NULL)
			fail_msg("no error where there should be: %s", cases[i].error);
		if (strstr(tr_env_error(env, 0), cases[i].error) == NULL)
			fail_msg("'%s' is not '%s'", tr_env_error(env, 0), cases[i].error);
		if (tr_env_error(env, 1) != NULL)
			fail_msg("a second error: %s", tr_env_error(env, 1));
		assert_null(tr_env_explain(env, false, &st));
		assert_int_equal(st.code, TR_ERR_DATA);
		assert_int_equal(tr_env_execute(env, "job", NULL), TR_ERR_DATA);
		tr_env_destroy(&env);
	}
}

/* What is right. */

static tr_code set_odd(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	tr_collector_set_i64(out, 0, 2);   /* a BOOLEAN */
	tr_collector_set_i64(out, 1, 300); /* a TINYINT */
	return TR_OK;
}

/** Room for 100 rows, two of which are added, in two parts; `b` is not written. */
static tr_code add_parts(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			 struct tr_status *st)
{
	int64_t *values;
	uint64_t *nulls;

	tr_collector_reserve(out, 100);
	values = tr_collector_data(out, 0);
	nulls = tr_collector_nulls(out, 0);
	values[0] = 1;
	values[1] = 2;
	tr_bit_clear(nulls, tr_collector_first(out) + 50); /* of a row that is never added */
	tr_collector_advance(out, 1);
	tr_collector_advance(out, 1);
	for (int i = 0; i < 60; i++) {
		tr_collector_set_i64(out, 0, 3);
		tr_collector_set_text(out, 1, "t", 1);
		tr_collector_add(out);
	}
	tr_collector_reserve(out, 0);
	tr_collector_advance(out, 0);
	return TR_OK;
}

static void test_right(void **state)
{
	const struct tr_function odd = TR_MAKE(tr_function, .on_row = set_odd);
	const struct tr_function parts = TR_MAKE(tr_function, .on_batch = add_parts);
	struct tr_env *env = api_env("1");
	struct tr_stream *rows = source(env), *twice[2] = {rows, rows};
	struct tr_collected *both = tr_stream_collect(tr_stream_select(tr_stream_union(twice, 2), "k"));
	struct tr_collected *odds = tr_stream_collect(tr_stream_map(rows, "b BOOLEAN, t TINYINT", &odd));
	struct tr_collected *added = tr_stream_collect(tr_stream_flat_map(rows, "a BIGINT, b STRING", &parts));
	struct tr_job_metrics metrics;
	struct tr_status st = {0};
	struct tr_job *job, *second;
	char *text;

	tr_stream_uid(tr_stream_uid(rows, "mine"), "mine");
	tr_stream_print(tr_stream_where(tr_stream_select(rows, "k AS `a``b`"), "`a``b` < 0"));
	if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
		fail_msg("%s", st.message);
	assert_int_equal(tr_env_execute_async(env, "job", &second, &st), TR_ERR_USAGE);
	assert_null(second);
	assert_int_equal(tr_job_wait(job, NULL), TR_OK);
	tr_job_metrics(job, &metrics);
	assert_int_equal(metrics.restarts, 0);
	assert_int_equal(tr_job_savepoint(job, "/tmp/never", &st), TR_ERR_UNAVAILABLE);
	tr_job_destroy(&job);
	tr_job_destroy(&job);
	api_expect(both, "1\n1\n2\n2\n");
	api_expect(odds, "1,44\n1,44\n");
	text = api_text(added, false);
	assert_non_null(strstr(text, "1,NULL\n2,NULL\n3,t\n3,t\n") != NULL
				? text
				: strstr(text, "1,NULL\n2,NULL\n2,NULL\n3,t\n"));
	assert_null(strstr(text, "NULL,t"));
	free(text);
	assert_null(tr_collected_batch(added, 1000));
	assert_null(tr_env_error(NULL, 0));
	assert_null(tr_stream_schema(NULL));
	/* Once more: the graph is still there. */
	api_run(env);
	tr_env_set(env, "engine.batch-rows", "7");
	assert_int_equal(tr_env_execute(env, "job", &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "'engine.batch-rows' was changed after the first stream was made"));
	tr_env_destroy(&env);
	tr_env_destroy(&env);
}

/* A chain of many operators runs; of more than can be it is told. */
static void test_long(void **state)
{
	static const struct {
		uint32_t length;
		const char *error;
	} chains[] = {{240, NULL}, {1900, "a stage has more than 256 operators"}, {20000, "more than 2000 streams"}};

	for (size_t i = 0; i < TR_COUNT_OF(chains); i++) {
		struct tr_env *env = api_env("1");
		struct tr_stream *stream = source(env);
		struct tr_collected *out;
		struct tr_status st = {0};

		for (uint32_t n = 0; n < chains[i].length; n++)
			stream = tr_stream_flat_map(stream, API_COLUMNS, &PASS);
		out = tr_stream_collect(stream);
		if (chains[i].error == NULL) {
			api_run(env);
			api_expect(out, "1,10,1000\n2,20,2000\n");
		} else {
			assert_int_equal(tr_env_execute(env, "job", &st), TR_ERR_DATA);
			assert_non_null(strstr(st.message, chains[i].error));
		}
		tr_env_destroy(&env);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_arguments), cmocka_unit_test(test_right),
					   cmocka_unit_test(test_long)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
