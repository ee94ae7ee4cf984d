/* SPDX-License-Identifier: Apache-2.0
 *
 * Scalar and table functions of users: values against plain loops, for batches of 1, 7 and 2,048 rows and 1 to 3 subtasks; NULLs, casts and
 * overloads; what is folded; and what is said where a call is wrong.
 */
#include "api_test.h"

#include <stdarg.h>
#include <stdatomic.h>

#define ROWS 500

static const char *const batch_rows[] = {"1", "7", "2048"};
static const char *const parallelisms[] = {"1", "2", "3"};
static _Atomic int opened, closed;

/* ---- functions ---- */

static tr_code count_open(struct tr_user_context *context, struct tr_status *st)
{
	assert_null(context->own);
	context->own = calloc(1, 8);
	atomic_fetch_add(&opened, 1);
	return TR_OK;
}

static void count_close(struct tr_user_context *context)
{
	free(context->own);
	atomic_fetch_add(&closed, 1);
}

static tr_code plus_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			  struct tr_status *st)
{
	int64_t *out = result->data;

	assert_int_equal(*(int64_t *)context->user, 42);
	assert_int_equal(arguments->row_count, result->row_count);
	assert_null(arguments->selection);
	++*(int64_t *)context->own;
	for (uint32_t i = 0; i < result->row_count; i++) {
		assert_false(tr_column_is_null(&arguments->columns[0], i));
		out[i] = tr_column_i64(&arguments->columns[0], i) + tr_column_i64(&arguments->columns[1], i);
		if (out[i] % 10 == 0)
			tr_bit_clear(result->validity, i);
	}
	return TR_OK;
}

static int64_t fortytwo = 42;
/* NULL where the sum ends with 0. */
static const struct tr_user_function PLUS = {TR_USER_FUNCTION_MAGIC,
					     TR_ABI_VERSION,
					     sizeof(struct tr_user_function),
					     .kind = TR_USER_SCALAR,
					     .arguments = "BIGINT, BIGINT",
					     .result = "BIGINT",
					     .user = &fortytwo,
					     .open = count_open,
					     .close = count_close,
					     .on_batch = plus_batch};

static tr_code plus_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	const int64_t sum = tr_row_i64(arguments, 0) + tr_row_i64(arguments, 1);

	if (sum % 10 != 0)
		tr_collector_set_i64(out, 0, sum);
	return TR_OK;
}

TR_USER_FUNCTION(PLUS_ROW, .kind = TR_USER_SCALAR, .arguments = "BIGINT, BIGINT", .result = "BIGINT",
		 .on_row = plus_row);

/* "<a|b>" with "-" for NULL, longer than a view holds, by both forms. */
static uint32_t describe(char *text, size_t room, const struct tr_batch *batch, uint32_t row)
{
	const struct tr_column *a = &batch->columns[0], *b = &batch->columns[1];
	const struct tr_view none = tr_view_make("-", 1);
	const struct tr_view *first = tr_column_is_null(a, row) ? &none : tr_column_view(a, row);
	int length;

	if (tr_column_is_null(b, row))
		length = snprintf(text, room, "<%.*s|-> and no more", (int)first->length, tr_view_text(first));
	else
		length = snprintf(text, room, "<%.*s|%d>", (int)first->length, tr_view_text(first),
				  (int)tr_column_i32(b, row));
	return (uint32_t)length;
}

static tr_code describe_batch(struct tr_user_context *context, const struct tr_batch *arguments,
			      struct tr_vector *result, struct tr_status *st)
{
	char text[100];

	for (uint32_t i = 0; i < result->row_count; i++)
		((struct tr_view *)result->data)[i] =
			tr_vector_text(result, text, describe(text, sizeof(text), arguments, i));
	return TR_OK;
}

static tr_code describe_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			    struct tr_status *st)
{
	char text[100];

	tr_collector_set_text(out, 0, text, describe(text, sizeof(text), arguments->batch, arguments->row));
	return TR_OK;
}

TR_USER_FUNCTION(DESCRIBE, .kind = TR_USER_SCALAR, .arguments = "STRING, INT", .result = "STRING NOT NULL",
		 .takes_nulls = true, .on_batch = describe_batch);
TR_USER_FUNCTION(DESCRIBE_ROW, .kind = TR_USER_SCALAR, .arguments = "STRING, INT", .result = "STRING NOT NULL",
		 .takes_nulls = true, .on_row = describe_row);

/* Of all widths: the bytes of the argument, turned. */
static tr_code same_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			  struct tr_status *st)
{
	static const size_t widths[] = {[TR_PHYS_I8] = 1,  [TR_PHYS_I16] = 2,   [TR_PHYS_I32] = 4,  [TR_PHYS_I64] = 8,
					[TR_PHYS_F64] = 8, [TR_PHYS_I128] = 16, [TR_PHYS_VIEW] = 16};
	const size_t width = widths[result->type->phys];

	for (uint32_t i = 0; i < result->row_count; i++)
		memcpy((char *)result->data + i * width,
		       (const char *)arguments->columns[0].data + tr_column_row(&arguments->columns[0], i) * width,
		       width);
	return TR_OK;
}

#define SAME(symbol, type_text, next)                                                                 \
	TR_USER_FUNCTION(symbol, .kind = TR_USER_SCALAR, .arguments = type_text, .result = type_text, \
			 .overload = next, .on_batch = same_batch)
SAME(SAME_BYTE, "TINYINT", NULL);
SAME(SAME_SHORT, "SMALLINT", &SAME_BYTE);
SAME(SAME_DATE, "DATE", &SAME_SHORT);
SAME(SAME_BIGINT, "BIGINT", &SAME_DATE);
SAME(SAME_DOUBLE, "DOUBLE", &SAME_BIGINT);
SAME(SAME_DECIMAL, "DECIMAL(30, 2)", &SAME_DOUBLE);
SAME(SAME_TEXT, "STRING", &SAME_DECIMAL);

static _Atomic int64_t ticks;

static tr_code tick_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	tr_collector_set_i64(out, 0, atomic_fetch_add(&ticks, 1));
	return TR_OK;
}

TR_USER_FUNCTION(TICK, .kind = TR_USER_SCALAR, .result = "BIGINT NOT NULL", .is_non_deterministic = true,
		 .on_row = tick_row);

static tr_code half_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			  struct tr_status *st)
{
	for (uint32_t i = 0; i < result->row_count; i++)
		((int64_t *)result->data)[i] = tr_column_i64(&arguments->columns[0], i) / 2;
	return TR_OK;
}

TR_USER_FUNCTION(HALF, .kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .is_harmless = true,
		 .on_batch = half_batch);

/* (1, "1 of n") to (n, "n of n"), longer than a view holds. */
static tr_code upto_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	const int64_t n = tr_row_is_null(arguments, 0) ? 1 : tr_row_i64(arguments, 0);
	char text[64];

	for (int64_t i = 1; i <= n; i++) {
		tr_collector_set_i64(out, 0, i);
		if (i % 3 != 0)
			tr_collector_set_text(
				out, 1, text,
				(uint32_t)snprintf(text, sizeof(text), "the %d of %d of them", (int)i, (int)n));
		tr_collector_add(out);
	}
	return TR_OK;
}

TR_USER_FUNCTION(UPTO, .kind = TR_USER_TABLE, .arguments = "BIGINT", .result = "i INT NOT NULL, t STRING",
		 .on_row = upto_row);
TR_USER_FUNCTION(UPTO_NULLS, .kind = TR_USER_TABLE, .arguments = "BIGINT", .result = "i INT NOT NULL, t STRING",
		 .takes_nulls = true, .on_row = upto_row);

/* ---- jobs ---- */

static struct tr_env *make_env(size_t batch, size_t parallelism)
{
	struct tr_env *env = api_env(parallelisms[parallelism]);

	tr_env_set(env, "engine.batch-rows", batch_rows[batch]);
	tr_env_create_function(env, "plus", &PLUS);
	tr_env_create_function(env, "plus_row", &PLUS_ROW);
	tr_env_create_function(env, "describe_it", &DESCRIBE);
	tr_env_create_function(env, "describe_row", &DESCRIBE_ROW);
	tr_env_create_function(env, "same", &SAME_TEXT);
	tr_env_create_function(env, "tick", &TICK);
	tr_env_create_function(env, "half", &HALF);
	tr_env_create_function(env, "upto", &UPTO);
	tr_env_create_function(env, "upto_nulls", &UPTO_NULLS);
	tr_env_sql(env, "CREATE TABLE t (v BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '500', "
			"'fields.v.kind' = 'sequence', 'fields.v.start' = '1', 'fields.v.end' = '500');");
	return env;
}

/* The rows of a view over t, as sorted lines. */
static char *answer(struct tr_env *env, const char *query)
{
	char sql[8192];
	struct tr_collected *collected;

	snprintf(sql, sizeof(sql), "CREATE VIEW answer AS %s;", query);
	tr_env_sql(env, sql);
	collected = tr_stream_collect(tr_env_from_table(env, "answer"));
	api_run(env);
	return api_text(collected, false);
}

/* Lines of a model, sorted. */
struct lines {
	char *items[20000];
	uint32_t count;
};

static void add_line(struct lines *lines, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	lines->items[lines->count++] = strdup(text);
}

static void expect_lines(struct lines *lines, const char *text)
{
	const char *at = text;

	qsort(lines->items, lines->count, sizeof(*lines->items), api_compare);
	for (uint32_t i = 0; i < lines->count; i++) {
		const size_t length = strlen(lines->items[i]);

		if (strncmp(at, lines->items[i], length) != 0 || at[length] != '\n')
			fail_msg("line %u is not '%s': %.200s", i, lines->items[i], at);
		at += length + 1;
		free(lines->items[i]);
	}
	assert_string_equal(at, "");
	lines->count = 0;
}

static struct lines model;

#define FOR_EACH_SHAPE(batch, parallelism)                               \
	for (size_t batch = 0; batch < TR_COUNT_OF(batch_rows); batch++) \
		for (size_t parallelism = 0; parallelism < 3; parallelism++)

/* ---- scalar ---- */

static void put(char *text, size_t room, int64_t value, bool is_null)
{
	snprintf(text, room, is_null ? "NULL" : "%lld", (long long)value);
}

static void test_scalar(void **state)
{
	FOR_EACH_SHAPE(b, p)
	{
		struct tr_env *env = make_env(b, p);
		char *text;

		opened = closed = 0;
		/* All rows, some rows, rows with NULLs, a branch of a CASE, a constant argument. */
		text = answer(env, "SELECT v, plus(v, 1), plus_row(v, 1), plus(NULLIF(v, 13), v), "
				   "plus_row(v, CASE WHEN v % 7 = 0 THEN CAST(NULL AS BIGINT) ELSE v END), "
				   "CASE WHEN v > 250 THEN plus(v, v + 1) ELSE -1 END, half(NULLIF(v, 100)) "
				   "FROM t WHERE v % 3 <> 0");
		for (int64_t v = 1; v <= ROWS; v++) {
			char a[32], c[32], d[32], e[32], f[32];

			if (v % 3 == 0)
				continue;
			put(a, sizeof(a), v + 1, (v + 1) % 10 == 0);
			put(c, sizeof(c), 2 * v, v == 13 || 2 * v % 10 == 0);
			put(d, sizeof(d), 2 * v, v % 7 == 0 || 2 * v % 10 == 0);
			put(e, sizeof(e), v > 250 ? 2 * v + 1 : -1, v > 250 && (2 * v + 1) % 10 == 0);
			put(f, sizeof(f), v / 2, v == 100);
			add_line(&model, "%lld,%s,%s,%s,%s,%s,%s", (long long)v, a, a, c, d, e, f);
		}
		expect_lines(&model, text);
		free(text);
		tr_env_destroy(&env);
		assert_true(opened > 0);
		assert_int_equal(opened, closed);
	}
}

static void test_texts_and_nulls(void **state)
{
	FOR_EACH_SHAPE(b, p)
	{
		struct tr_env *env = make_env(b, p);
		char *text =
			answer(env, "SELECT describe_it(a, b), describe_row(a, b), describe_it(NULL, NULL) FROM ("
				    "SELECT CASE WHEN v % 5 = 0 THEN CAST(NULL AS STRING) ELSE CAST(v * 1000000007 AS "
				    "STRING) END AS a, CAST(NULLIF(v % 4, 0) AS INT) AS b FROM t)");

		for (int64_t v = 1; v <= ROWS; v++) {
			char first[32], both[96];

			snprintf(first, sizeof(first), v % 5 == 0 ? "-" : "%lld", (long long)v * 1000000007);
			if (v % 4 == 0)
				snprintf(both, sizeof(both), "<%s|-> and no more", first);
			else
				snprintf(both, sizeof(both), "<%s|%d>", first, (int)(v % 4));
			add_line(&model, "%s,%s,<-|-> and no more", both, both);
		}
		expect_lines(&model, text);
		free(text);
		tr_env_destroy(&env);
	}
}

/* Each width, whole and picked out; and which overload it is. */
static void test_widths(void **state)
{
	static const char *const types[] = {"TINYINT", "SMALLINT",       "INT",   "BIGINT",
					    "DOUBLE",  "DECIMAL(10, 2)", "STRING"};
	char sql[4096] = "SELECT v FROM t WHERE FALSE";

	for (size_t i = 0; i < TR_COUNT_OF(types); i++) {
		char x[64];

		snprintf(x, sizeof(x), "CAST(v %% 100 AS %s)", types[i]);
		snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql),
			 " OR same(%s) <> %s OR (v > 400 AND same(%s) IS NULL) OR CASE WHEN v %% 2 = 0 THEN same(%s) = "
			 "%s ELSE v %% 2 = 1 END IS NOT TRUE OR TYPEOF(same(%s)) <> '%s'",
			 x, x, x, x, x, x, i == 2 || i == 5 ? "DECIMAL(30, 2)" : types[i]);
	}
	FOR_EACH_SHAPE(b, p)
	{
		struct tr_env *env = make_env(b, p);
		char *text = answer(env, sql);

		if (text[0] != '\0')
			fail_msg("%.100s", text);
		free(text);
		tr_env_destroy(&env);
	}
}

static void test_folding(void **state)
{
	struct tr_env *env = make_env(2, 0);
	struct tr_status st = {0};
	int seen[2 * ROWS] = {0};
	const char *plan;
	char *text;

	tr_env_sql(env,
		   "CREATE VIEW a AS SELECT v, plus(40, 2) AS x, tick() AS y, plus(5, 5) AS z, half(v) + half(v) AS w "
		   "FROM t;");
	tr_stream_print(tr_env_from_table(env, "a"));
	plan = tr_env_explain(env, false, &st);
	assert_non_null(plan);
	plan = strstr(plan, "== Optimized");
	assert_non_null(strstr(plan, "42 AS x"));
	assert_non_null(strstr(plan, "tick() AS y"));
	assert_non_null(strstr(plan, "(half(v) + half(v))"));
	assert_null(strstr(plan, "plus"));
	tr_env_destroy(&env);
	/* Not deterministic: once for each row, and for each place. */
	env = make_env(1, 0);
	ticks = 0;
	text = answer(env, "SELECT tick(), tick() FROM t");
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
		long long a, b;

		assert_int_equal(sscanf(at, "%lld,%lld", &a, &b), 2);
		assert_false(seen[a]++);
		assert_false(seen[b]++);
	}
	assert_int_equal(ticks, 2 * ROWS);
	free(text);
	tr_env_destroy(&env);
}

/* ---- table ---- */

static void test_table(void **state)
{
	FOR_EACH_SHAPE(b, p)
	{
		struct tr_env *env = make_env(b, p);
		char *text = answer(
			env,
			"SELECT v, i, t.t FROM t, LATERAL TABLE(upto(NULLIF(v % 6, 4))) AS t (i, t) WHERE v > 10 AND "
			"i <> 2");

		for (int64_t v = 11; v <= ROWS; v++)
			for (int64_t i = 1; i <= v % 6 && v % 6 != 4; i++)
				if (i != 2 && i % 3 != 0)
					add_line(&model, "%lld,%lld,the %lld of %lld of them", (long long)v,
						 (long long)i, (long long)i, (long long)v % 6);
				else if (i != 2)
					add_line(&model, "%lld,%lld,NULL", (long long)v, (long long)i);
		expect_lines(&model, text);
		free(text);
		tr_env_destroy(&env);
		env = make_env(b, p);
		text = answer(env, "SELECT v, i FROM t LEFT JOIN LATERAL TABLE(upto(NULLIF(v % 4, 3))) ON TRUE");
		for (int64_t v = 1; v <= ROWS; v++) {
			const int64_t n = v % 4 == 3 ? 0 : v % 4;

			for (int64_t i = 1; i <= n; i++)
				add_line(&model, "%lld,%lld", (long long)v, (long long)i);
			if (n == 0)
				add_line(&model, "%lld,NULL", (long long)v);
		}
		expect_lines(&model, text);
		free(text);
		tr_env_destroy(&env);
	}
}

/* More rows of one row than a buffer holds, and of one batch. */
static void test_large_table(void **state)
{
	for (size_t b = 0; b < TR_COUNT_OF(batch_rows); b++) {
		struct tr_env *env = make_env(b, 0);
		char *text = answer(
			env, "SELECT v, i, t.t FROM t CROSS JOIN LATERAL TABLE(upto(v * 1000)) AS t WHERE v <= 5");

		for (int64_t v = 1; v <= 5; v++)
			for (int64_t i = 1; i <= v * 1000; i++)
				if (i % 3 != 0)
					add_line(&model, "%lld,%lld,the %lld of %lld of them", (long long)v,
						 (long long)i, (long long)i, (long long)v * 1000);
				else
					add_line(&model, "%lld,%lld,NULL", (long long)v, (long long)i);
		expect_lines(&model, text);
		free(text);
		tr_env_destroy(&env);
	}
}

static void test_table_alone(void **state)
{
	struct tr_env *env = make_env(2, 1);
	char *text = answer(env, "SELECT * FROM TABLE(upto(2)) AS r (a, b)");

	assert_string_equal(text, "1,the 1 of 2 of them\n2,the 2 of 2 of them\n");
	free(text);
	tr_env_destroy(&env);
	env = make_env(2, 1);
	text = answer(env, "SELECT v, i FROM t, LATERAL TABLE(upto_nulls(NULLIF(v, v))) WHERE v < 3");
	assert_string_equal(text, "1,1\n2,1\n");
	free(text);
	tr_env_destroy(&env);
}

/* ---- what is wrong with a call ---- */

static void test_bad_calls(void **state)
{
	static const char *const cases[][2] = {
		{"SELECT plus(v) FROM t", "plus does not take (BIGINT); there is only\nplus(BIGINT, BIGINT) -> BIGINT"},
		{"SELECT plus(v, 'a') FROM t", "plus does not take (BIGINT, CHAR(1) NOT NULL)"},
		{"SELECT plus(v, 1.5) FROM t", "plus does not take (BIGINT, DECIMAL(2, 1) NOT NULL)"},
		{"SELECT same(TRUE) FROM t",
		 "same does not take (BOOLEAN NOT NULL); there is\nsame(STRING) -> STRING\n"},
		{"SELECT upto(v) FROM t", "'upto' makes rows, not a value"},
		{"SELECT * FROM t, LATERAL TABLE(plus(v, v))", "'plus' makes a value, not a table"},
		{"SELECT * FROM t, TABLE(upto(v))", "LATERAL TABLE(upto(..)) may name columns"},
		{"SELECT * FROM t LEFT JOIN LATERAL TABLE(upto(v)) AS r (i, t) ON i > 1",
		 "LEFT JOIN of a table function with a condition other than TRUE"},
		{"SELECT * FROM t, LATERAL TABLE(upto(v)) AS r (a)", "1 column names for 2 columns"},
		{"SELECT plus(DISTINCT v, v) FROM t", "'plus' is not an aggregate function"},
		{"SELECT nothing(v) FROM t", "no function is named nothing"},
	};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		struct tr_env *env = make_env(2, 0);
		char sql[512];

		snprintf(sql, sizeof(sql), "CREATE VIEW bad AS %s;", cases[i][0]);
		tr_env_sql(env, sql);
		if (tr_env_error(env, 0) == NULL || strstr(tr_env_error(env, 0), cases[i][1]) == NULL)
			fail_msg("%s: '%s' is not '%s'", cases[i][0], tr_env_error(env, 0), cases[i][1]);
		assert_non_null(strstr(tr_env_error(env, 0), "^"));
		tr_env_destroy(&env);
	}
}

/* ---- names ---- */

static void test_names(void **state)
{
	struct tr_env *env = make_env(2, 0);
	char *text;

	/* Names don't tell upper from lower case; built-in functions go first, unless the database is named. */
	tr_env_create_function(env, "upper", &SAME_TEXT);
	text = answer(env, "SELECT DISTINCT_OF.a, DISTINCT_OF.b FROM (SELECT UPPER('abc') AS a, "
			   "default_database.`upper`('abc') AS b, "
			   "PLUS(v, 2) AS c FROM t) AS DISTINCT_OF WHERE c = 3");
	assert_string_equal(text, "ABC,abc\n");
	free(text);
	tr_env_create_function(env, "Plus", &PLUS);
	assert_non_null(strstr(tr_env_error(env, 0), "there is a function of this name already"));
	tr_env_create_function(env, "none", NULL);
	assert_non_null(strstr(tr_env_error(env, 1), "function 'none': "));
	tr_env_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalar),      cmocka_unit_test(test_texts_and_nulls),
		cmocka_unit_test(test_widths),      cmocka_unit_test(test_folding),
		cmocka_unit_test(test_table),       cmocka_unit_test(test_large_table),
		cmocka_unit_test(test_table_alone), cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
