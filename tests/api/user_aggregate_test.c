/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregates of users against built-in ones beside them in the same query: in windows of all sorts, in one phase and two, with FILTER and
 * DISTINCT, in batch mode, beyond the memory limit; stopped in the middle and restored with other numbers of subtasks; and failures.
 */
#include "api_test.h"

#include <stdatomic.h>
#include <unistd.h>

#define ROWS 900
#define KEYS 13

static const char *const batch_rows[] = {"1", "7", "2048"};
static const char *const parallelisms[] = {"1", "2", "3"};

/* ---- aggregates ---- */

/* SUM of a BIGINT, by batches; begins as zero bytes. */
struct sum {
	int64_t sum;
	int32_t has; /* not a multiple of 8 bytes */
};

static tr_code sum_add(struct tr_user_context *context, void *const *accumulators, const struct tr_batch *arguments,
		       struct tr_status *st)
{
	for (uint32_t i = 0; i < arguments->selected_count; i++) {
		struct sum *sum = accumulators[i];

		assert_false(tr_column_is_null(&arguments->columns[0], tr_batch_row(arguments, i)));
		sum->sum += tr_column_i64(&arguments->columns[0], tr_batch_row(arguments, i));
		sum->has = 1;
	}
	return TR_OK;
}

static tr_code sum_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	struct sum *sum = accumulator;

	sum->sum += ((const struct sum *)other)->sum;
	sum->has |= ((const struct sum *)other)->has;
	return TR_OK;
}

static tr_code sum_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			 struct tr_status *st)
{
	const struct sum *sum = accumulator;

	if (sum->has)
		tr_collector_set_i64(out, 0, sum->sum);
	return TR_OK;
}

TR_USER_FUNCTION(TOTAL, .kind = TR_USER_AGGREGATE, .arguments = "BIGINT", .result = "BIGINT",
		 .accumulator_bytes = sizeof(struct sum), .add_batch = sum_add, .merge = sum_merge, .value = sum_value);

/* SUM(a * b) by rows, of two arguments, with a beginning that is not zero. */
static void product_create(struct tr_user_context *context, void *accumulator) { *(int64_t *)accumulator = 1000; }

static tr_code product_add(struct tr_user_context *context, void *accumulator, const struct tr_row *arguments,
			   struct tr_status *st)
{
	*(int64_t *)accumulator += tr_row_i64(arguments, 0) * tr_row_i64(arguments, 1);
	return TR_OK;
}

static tr_code product_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	*(int64_t *)accumulator += *(const int64_t *)other - 1000;
	return TR_OK;
}

static tr_code product_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			     struct tr_status *st)
{
	tr_collector_set_i64(out, 0, *(const int64_t *)accumulator - 1000);
	return TR_OK;
}

TR_USER_FUNCTION(PRODUCTS, .kind = TR_USER_AGGREGATE, .arguments = "BIGINT, BIGINT", .result = "BIGINT NOT NULL",
		 .accumulator_bytes = 8, .create = product_create, .add = product_add, .merge = product_merge,
		 .value = product_value);

/* The greatest text, which the accumulator owns: MAX. */
static _Atomic int64_t texts_alive;

static tr_code text_take(char **held, const char *text, size_t length)
{
	if (*held != NULL &&
	    (strncmp(*held, text, length) > 0 || (strncmp(*held, text, length) == 0 && strlen(*held) >= length)))
		return TR_OK;
	if (*held == NULL)
		atomic_fetch_add(&texts_alive, 1);
	free(*held);
	*held = strndup(text, length);
	return TR_OK;
}

static tr_code text_add(struct tr_user_context *context, void *accumulator, const struct tr_row *arguments,
			struct tr_status *st)
{
	return text_take(accumulator, tr_view_text(tr_row_text(arguments, 0)), tr_row_text(arguments, 0)->length);
}

static tr_code text_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	const char *text = *(char *const *)other;

	return text != NULL ? text_take(accumulator, text, strlen(text)) : TR_OK;
}

static tr_code text_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			  struct tr_status *st)
{
	const char *text = *(char *const *)accumulator;

	if (text != NULL)
		tr_collector_set_text(out, 0, text, (uint32_t)strlen(text));
	return TR_OK;
}

static const void *text_save(struct tr_user_context *context, const void *accumulator, size_t *length)
{
	const char *text = *(char *const *)accumulator;

	*length = text != NULL ? strlen(text) + 1 : 0;
	return text;
}

static tr_code text_load(struct tr_user_context *context, void *accumulator, const void *bytes, size_t length,
			 struct tr_status *st)
{
	return text_take(accumulator, bytes, length - 1);
}

static void text_destroy(struct tr_user_context *context, void *accumulator)
{
	char **text = accumulator;

	if (*text != NULL)
		atomic_fetch_sub(&texts_alive, 1);
	free(*text);
	*text = NULL;
}

static size_t text_memory(struct tr_user_context *context, const void *accumulator)
{
	const char *text = *(char *const *)accumulator;

	return text != NULL ? strlen(text) + 17 : 0;
}

TR_USER_FUNCTION(GREATEST_TEXT, .kind = TR_USER_AGGREGATE, .arguments = "STRING", .result = "STRING",
		 .accumulator_bytes = sizeof(char *), .add = text_add, .merge = text_merge, .value = text_value,
		 .save = text_save, .load = text_load, .destroy = text_destroy, .memory = text_memory);

/* COUNT(*) of rows, NULLs or not: of no argument, and of one that may be NULL. */
static tr_code count_add(struct tr_user_context *context, void *const *accumulators, const struct tr_batch *arguments,
			 struct tr_status *st)
{
	for (uint32_t i = 0; i < arguments->selected_count; i++)
		++*(int64_t *)accumulators[i];
	return TR_OK;
}

static tr_code count_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	*(int64_t *)accumulator += *(const int64_t *)other;
	return TR_OK;
}

static tr_code count_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			   struct tr_status *st)
{
	tr_collector_set_i64(out, 0, *(const int64_t *)accumulator);
	return TR_OK;
}

TR_USER_FUNCTION(ROWS_OF, .kind = TR_USER_AGGREGATE, .result = "BIGINT NOT NULL", .accumulator_bytes = 8,
		 .add_batch = count_add, .merge = count_merge, .value = count_value);
TR_USER_FUNCTION(ROWS_WITH, .kind = TR_USER_AGGREGATE, .arguments = "BIGINT", .result = "BIGINT NOT NULL",
		 .takes_nulls = true, .accumulator_bytes = 8, .add_batch = count_add, .merge = count_merge,
		 .value = count_value, .overload = &ROWS_OF);

static const struct tr_user_function *total = &TOTAL;

static void create_functions(struct tr_env *env)
{
	tr_env_create_function(env, "total", total);
	tr_env_create_function(env, "products", &PRODUCTS);
	tr_env_create_function(env, "greatest_text", &GREATEST_TEXT);
	tr_env_create_function(env, "rows_of", &ROWS_WITH);
}

/* Ours, then the built-in one, in turn. */
#define PAIRS                                                                                                       \
	"total(v) AS a1, SUM(v) AS b1, products(v, k + 1) AS a2, COALESCE(SUM(v * (k + 1)), 0) AS b2, "             \
	"greatest_text(t) AS a3, MAX(t) AS b3, rows_of() AS a4, COUNT(*) AS b4, rows_of(n) AS a5, COUNT(*) AS b5, " \
	"total(n) AS a6, SUM(n) AS b6"
#define MORE_PAIRS                                                                                        \
	PAIRS ", total(v) FILTER (WHERE v % 3 = 0) AS a7, SUM(v) FILTER (WHERE v % 3 = 0) AS b7, "        \
	      "total(DISTINCT v % 5) AS a8, SUM(DISTINCT v % 5) AS b8, "                                  \
	      "greatest_text(DISTINCT t) FILTER (WHERE v > 5) AS a9, MAX(t) FILTER (WHERE v > 5) AS b9, " \
	      "products(v, n) AS a10, COALESCE(SUM(v * n), 0) AS b10, "                                   \
	      "rows_of() FILTER (WHERE v > 1000) AS a11, COUNT(*) FILTER (WHERE v > 1000) AS b11, "       \
	      "total(v) FILTER (WHERE v > 1000) AS a12, SUM(v) FILTER (WHERE v > 1000) AS b12"

/* ---- comparing ---- */

/* Values that stand in pairs, from a column on, are the same; returns how many rows there are. */
static uint32_t expect_pairs(const struct tr_collected *collected, uint32_t first)
{
	uint32_t rows = 0;

	for (uint32_t b = 0; b < tr_collected_count(collected); b++) {
		const struct tr_batch *batch = tr_collected_batch(collected, b);

		for (uint32_t i = 0; i < batch->selected_count; i++, rows++) {
			const struct tr_row row = {batch, tr_batch_row(batch, i)};

			for (uint32_t c = first; c + 1 < batch->schema->column_count; c += 2) {
				const bool is_null = tr_row_is_null(&row, c),
					   is_built_in_null = tr_row_is_null(&row, c + 1);

				if (is_null != is_built_in_null)
					fail_msg("%s is %sNULL", batch->schema->names[c], is_null ? "" : "not ");
				if (is_null)
					continue;
				if (batch->columns[c].type->phys == TR_PHYS_VIEW)
					assert_true(tr_view_equals(tr_row_text(&row, c), tr_row_text(&row, c + 1)));
				else
					assert_int_equal(tr_row_i64(&row, c), tr_row_i64(&row, c + 1));
			}
		}
	}
	return rows;
}

static struct tr_owned_batch *owned;

/* k, v, ts of ROWS rows, somewhat out of order; and t, a text of which some are long, and n, which is NULL at times. */
static struct tr_stream *source(struct tr_env *env)
{
	static int64_t rows[ROWS][3];
	const struct tr_batch *batches[1];

	for (int64_t i = 0; owned == NULL && i < ROWS; i++) {
		rows[i][0] = i * 7 % KEYS;
		rows[i][1] = i * i % 101;
		rows[i][2] = i * 100 + (i % 4) * 250 + (i / 300) * 5000;
	}
	if (owned == NULL)
		owned = api_rows((const int64_t(*)[3])rows, ROWS);
	batches[0] = tr_owned_batch_get(owned);
	return tr_stream_select(
		tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1,
				    &TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 1000)),
		"k, v, ts, CONCAT('text number ', CAST(v AS STRING)) AS t, NULLIF(v % 4, 0) AS n");
}

static void test_windows(void **state)
{
	struct tr_windows windows[3];
	uint32_t counts[3] = {0};

	windows[0] = tr_windows_tumbling(10000);
	windows[1] = tr_windows_sliding(10000, 2000);
	windows[2] = tr_windows_session(2500);
	for (size_t w = 0; w < 3; w++)
		for (size_t b = 0; b < 3; b++)
			for (size_t p = 0; p < 3; p++) {
				struct tr_env *env = api_env(parallelisms[p]);
				struct tr_collected *collected;
				uint32_t rows;

				tr_env_set(env, "engine.batch-rows", batch_rows[b]);
				create_functions(env);
				/* DISTINCT keeps aggregations in one phase: half of them without. */
				collected = tr_stream_collect(tr_stream_window_aggregate(
					tr_stream_key_by(source(env), "k"), windows[w], b == 1 ? PAIRS : MORE_PAIRS));
				api_run(env);
				rows = expect_pairs(collected, 4);
				assert_true(rows >= KEYS * 3);
				assert_true(counts[w] == 0 || counts[w] == rows);
				counts[w] = rows;
				tr_env_destroy(&env);
				assert_int_equal(texts_alive, 0);
			}
}

/* Whole groups in batch mode, with grouping sets; and a group without rows. */
static void test_batch_mode(void **state)
{
	static const char table[] =
		"SET 'execution.runtime-mode' = 'batch'; CREATE TABLE numbers (x BIGINT) WITH ('connector' = "
		"'datagen', 'number-of-rows' = '900', 'fields.x.kind' = 'sequence', 'fields.x.start' = '1', "
		"'fields.x.end' = '900'); CREATE VIEW rows_in AS SELECT x % 13 AS k, x * x % 101 AS v, "
		"CONCAT('text number ', CAST(x % 50 AS STRING)) AS t, NULLIF(x % 4, 0) AS n FROM numbers;";
	static const struct {
		const char *query;
		uint32_t first, rows;
	} cases[] = {
		{"SELECT k, " MORE_PAIRS " FROM rows_in GROUP BY k", 1, 13},
		{"SELECT k, v % 2, " PAIRS " FROM rows_in GROUP BY ROLLUP (k, v % 2)", 2, 13 * 2 + 13 + 1},
		{"SELECT " MORE_PAIRS " FROM rows_in", 0, 1},
		{"SELECT " MORE_PAIRS " FROM rows_in WHERE k < 0", 0, 1},
	};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++)
		for (size_t p = 0; p < 3; p++) {
			struct tr_env *env = api_env(parallelisms[p]);
			struct tr_collected *collected;
			char sql[2048];

			create_functions(env);
			tr_env_sql(env, table);
			snprintf(sql, sizeof(sql), "CREATE VIEW answer AS %s;", cases[i].query);
			tr_env_sql(env, sql);
			collected = tr_stream_collect(tr_env_from_table(env, "answer"));
			api_run(env);
			assert_int_equal(expect_pairs(collected, cases[i].first), cases[i].rows);
			tr_env_destroy(&env);
			assert_int_equal(texts_alive, 0);
		}
}

/* Accumulators that leave memory, as partials, and come back; those that own memory, too. */
static void test_beyond_memory(void **state)
{
	struct tr_env *env = api_env("2");
	struct tr_collected *collected;

	tr_env_set(env, "state.memory.limit", "8 mb");
	create_functions(env);
	tr_env_sql(env,
		   "SET 'execution.runtime-mode' = 'batch'; CREATE TABLE numbers (x BIGINT) WITH ('connector' = "
		   "'datagen', "
		   "'number-of-rows' = '60000', 'fields.x.kind' = 'sequence', 'fields.x.start' = '1', 'fields.x.end' = "
		   "'60000'); CREATE VIEW answer AS SELECT k, " PAIRS
		   " FROM (SELECT x % 30000 AS k, x AS v, CONCAT('the text "
		   "of number ', CAST(x AS STRING)) AS t, NULLIF(x % 4, 0) AS n FROM numbers) GROUP BY k;");
	collected = tr_stream_collect(tr_env_from_table(env, "answer"));
	api_run(env);
	assert_int_equal(expect_pairs(collected, 1), 30000);
	tr_env_destroy(&env);
	assert_int_equal(texts_alive, 0);
}

/* ---- stopped in the middle ---- */

#define SPLITS 3
#define SPLIT_ROWS 1500

static _Atomic int64_t gate; /* rows of a split that may be read */

static tr_code read_rows(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const int64_t open = atomic_load(&gate);
	uint32_t n = 0;

	for (; r->position < SPLIT_ROWS && r->position < open && r->position < r->limit && n < r->rows_max && n < 37;
	     n++) {
		tr_collector_set_i64(out, 0, (7 * r->position + r->split) % KEYS);
		tr_collector_set_i64(out, 1, r->position % 1000);
		tr_collector_set_i64(out, 2, 10 * r->position);
		tr_collector_add(out);
		r->position++;
	}
	r->watermark_ms = 10 * r->position - 1;
	r->wake_ms = 1;
	*result = r->position == SPLIT_ROWS ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static struct tr_env *make_job(const char *parallelism, const char *directory, struct tr_windows windows,
			       const char *aggregates, struct tr_collected **collected)
{
	const struct tr_source_function rows =
		TR_MAKE(tr_source_function, .split_count = SPLITS, .has_watermarks = true, .read = read_rows);
	struct tr_env *env = api_env(parallelism);
	struct tr_stream *stream;

	tr_env_set(env, "execution.checkpointing.interval", "1 h");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	create_functions(env);
	stream = tr_stream_select(tr_env_from_source(env, "rows", API_COLUMNS, &rows, API_WATERMARKS),
				  "k, v, ts, CONCAT('text number ', CAST(v AS STRING)) AS t, NULLIF(v % 4, 0) AS n");
	stream = tr_stream_window_aggregate(tr_stream_key_by(stream, "k"), windows, aggregates);
	*collected = tr_stream_collect(tr_stream_uid(stream, "totals"));
	return env;
}

static void stop_and_go_on(const char *from, const char *to, struct tr_windows windows, const char *aggregates)
{
	char directory[] = "/tmp/tailrace-user-XXXXXX", first[96], second[96], savepoint[96], command[128];
	struct tr_collected *collected;
	struct tr_job_metrics metrics;
	struct tr_status st = {0};
	struct tr_env *env;
	struct tr_job *job;
	uint32_t rows;

	assert_non_null(mkdtemp(directory));
	snprintf(first, sizeof(first), "%s/first", directory);
	snprintf(second, sizeof(second), "%s/second", directory);
	snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
	atomic_store(&gate, SPLIT_ROWS / 2);
	env = make_job(from, first, windows, aggregates, &collected);
	if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
		fail_msg("%s", st.message);
	do {
		usleep(1000);
		tr_job_metrics(job, &metrics);
	} while (metrics.rows_in < SPLITS * SPLIT_ROWS / 2 && tr_job_state(job) == TR_JOB_RUNNING);
	if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
		fail_msg("%s", st.message);
	rows = expect_pairs(collected, 4);
	tr_job_destroy(&job);
	tr_env_destroy(&env);
	assert_int_equal(texts_alive, 0);
	atomic_store(&gate, SPLIT_ROWS);
	env = make_job(to, second, windows, aggregates, &collected);
	tr_env_restore(env, savepoint, false);
	if (tr_env_execute(env, "job", &st) != TR_OK)
		fail_msg("%s", st.message);
	rows += expect_pairs(collected, 4);
	assert_true(rows >= KEYS && rows % KEYS == 0);
	tr_env_destroy(&env);
	assert_int_equal(texts_alive, 0);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

static void test_restore(void **state)
{
	stop_and_go_on("1", "3", tr_windows_tumbling(100000), PAIRS);
	stop_and_go_on("3", "2", tr_windows_sliding(20000, 5000), PAIRS);
	stop_and_go_on("2", "1", tr_windows_session(1000), MORE_PAIRS);
	stop_and_go_on("2", "3", tr_windows_tumbling(6000), MORE_PAIRS);
}

/* An accumulator of another size does not fit. */
static void test_other_state(void **state)
{
	char directory[] = "/tmp/tailrace-user-XXXXXX", first[96], second[96], savepoint[96], command[128];
	struct tr_user_function larger = TOTAL;
	struct tr_collected *collected;
	struct tr_status st = {0};
	struct tr_env *env;
	struct tr_job *job;

	assert_non_null(mkdtemp(directory));
	snprintf(first, sizeof(first), "%s/first", directory);
	snprintf(second, sizeof(second), "%s/second", directory);
	snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
	atomic_store(&gate, SPLIT_ROWS / 2);
	env = make_job("1", first, tr_windows_tumbling(100000), "total(v) AS a", &collected);
	if (tr_env_execute_async(env, "job", &job, &st) != TR_OK || tr_job_stop(job, savepoint, false, &st) != TR_OK ||
	    tr_job_wait(job, &st) != TR_OK)
		fail_msg("%s", st.message);
	tr_job_destroy(&job);
	tr_env_destroy(&env);
	larger.accumulator_bytes = 24;
	total = &larger;
	env = make_job("1", second, tr_windows_tumbling(100000), "total(v) AS a", &collected);
	tr_env_restore(env, savepoint, false);
	assert_int_not_equal(tr_env_execute(env, "job", &st), TR_OK);
	if (strstr(st.message, "total[16 bytes, version 0](BIGINT)") == NULL ||
	    strstr(st.message, "total[24 bytes, version 0](BIGINT)") == NULL)
		fail_msg("%s", st.message);
	tr_env_destroy(&env);
	total = &TOTAL;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

/* ---- failures ---- */

static tr_code unlucky_add(struct tr_user_context *context, void *accumulator, const struct tr_row *arguments,
			   struct tr_status *st)
{
	if (tr_row_i64(arguments, 0) == 17)
		TR_FAIL(st, TR_ERR_DATA, "17 is unlucky");
	return TR_OK;
}
static tr_code unlucky_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_DATA, "these can't be merged");
}
static tr_code unlucky_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			     struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_DATA, "there is no value");
}
static tr_code no_open(struct tr_user_context *context, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_IO, "no model file");
}

#define BAD(...)                                                                                                   \
	{                                                                                                          \
		TR_USER_FUNCTION_MAGIC, TR_ABI_VERSION, sizeof(struct tr_user_function),                           \
			.kind = TR_USER_AGGREGATE, .arguments = "BIGINT", .accumulator_bytes = sizeof(struct sum), \
			__VA_ARGS__                                                                                \
	}

static void test_failures(void **state)
{
	static const struct {
		struct tr_user_function function;
		const char *message;
	} cases[] = {
		{BAD(.result = "BIGINT", .add = unlucky_add, .merge = count_merge, .value = count_value),
		 ": function 'f': 17 is unlucky in a row of 17"},
		{BAD(.result = "BIGINT", .add_batch = count_add, .merge = unlucky_merge, .value = count_value),
		 "function 'f': these can't be merged"},
		{BAD(.result = "BIGINT", .add_batch = count_add, .merge = count_merge, .value = unlucky_value),
		 "function 'f': there is no value"},
		{BAD(.result = "BIGINT NOT NULL", .add = unlucky_add, .merge = count_merge, .value = count_value,
		     .open = no_open),
		 "function 'f': no model file"},
		{BAD(.result = "BIGINT NOT NULL", .add_batch = count_add, .merge = count_merge, .value = sum_value),
		 "function 'f': the result is NULL, and was declared NOT NULL"},
	};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		struct tr_env *env = api_env("2");
		struct tr_status st = {0};

		tr_env_create_function(env, "f", &cases[i].function);
		tr_stream_print(tr_stream_window_aggregate(
			tr_stream_key_by(source(env), "k"),
			i == 1 ? tr_windows_sliding(10000, 1000) : tr_windows_tumbling(10000), "f(v) AS x"));
		if (tr_env_execute(env, "job", &st) == TR_OK || strstr(st.message, cases[i].message) == NULL)
			fail_msg("'%s' is not '%s'", st.message, cases[i].message);
		tr_env_destroy(&env);
	}
}

static void test_bad_calls(void **state)
{
	static const char *const cases[][2] = {
		{"total(v, v) AS a", "total does not take (BIGINT, BIGINT); there is only\ntotal(BIGINT) -> BIGINT"},
		{"total(*) AS a", "total does not take (*)"},
		{"products(DISTINCT v, v) AS a", "products takes DISTINCT only with one argument"},
		{"rows_of(DISTINCT v) AS a",
		 "rows_of takes DISTINCT only with one argument, and if it does not take NULLs"},
		{"total('a') AS a", "total does not take (CHAR(1) NOT NULL)"},
		{"total(total(v)) AS a", "an aggregate can't stand in an aggregate: 'total'"},
	};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		struct tr_env *env = api_env("1");

		create_functions(env);
		tr_stream_window_aggregate(tr_stream_key_by(source(env), "k"), tr_windows_tumbling(1000), cases[i][0]);
		if (tr_env_error(env, 0) == NULL || strstr(tr_env_error(env, 0), cases[i][1]) == NULL)
			fail_msg("%s: '%s' is not '%s'", cases[i][0], tr_env_error(env, 0), cases[i][1]);
		tr_env_destroy(&env);
	}
	tr_owned_batch_release(&owned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),       cmocka_unit_test(test_batch_mode),
		cmocka_unit_test(test_beyond_memory), cmocka_unit_test(test_restore),
		cmocka_unit_test(test_other_state),   cmocka_unit_test(test_failures),
		cmocka_unit_test(test_bad_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
