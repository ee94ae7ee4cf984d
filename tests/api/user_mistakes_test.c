/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said where a scalar or table function of a user is wrong, or does wrong: each message names the function.
 */
#include "api_test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static tr_code fine_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	return TR_OK;
}
static tr_code fine_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			  struct tr_status *st)
{
	return TR_OK;
}

static struct tr_env *make_env(void)
{
	struct tr_env *env = api_env("1");

	tr_env_sql(env, "CREATE TABLE t (v BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '100', "
			"'fields.v.kind' = 'sequence', 'fields.v.start' = '1', 'fields.v.end' = '100');");
	return env;
}

/* ---- what is wrong with a function ---- */

static tr_code fine_add(struct tr_user_context *context, void *accumulator, const struct tr_row *row,
			struct tr_status *st)
{
	return TR_OK;
}
static tr_code fine_merge(struct tr_user_context *context, void *accumulator, const void *other, struct tr_status *st)
{
	return TR_OK;
}
static tr_code fine_value(struct tr_user_context *context, const void *accumulator, struct tr_collector *out,
			  struct tr_status *st)
{
	return TR_OK;
}
static void fine_destroy(struct tr_user_context *context, void *accumulator) {}

#define BAD(...)                                                                                     \
	{                                                                                            \
		TR_USER_FUNCTION_MAGIC, TR_ABI_VERSION, sizeof(struct tr_user_function), __VA_ARGS__ \
	}

static void test_bad_functions(void **state)
{
	static const struct tr_user_function circle = BAD(.kind = TR_USER_SCALAR, .arguments = "INT", .result = "INT",
							  .on_row = fine_row, .overload = &circle);
	static const struct tr_user_function other_kind =
		BAD(.kind = TR_USER_TABLE, .arguments = "INT, INT", .result = "a INT", .on_row = fine_row);
	static const struct {
		struct tr_user_function function;
		const char *message;
	} cases[] = {
		{{.kind = TR_USER_SCALAR}, "the symbol is no function of SQL; write TR_USER_FUNCTION"},
		{{TR_USER_FUNCTION_MAGIC, 77, sizeof(struct tr_user_function), .kind = TR_USER_SCALAR},
		 "version 77 of the binary interface"},
		{{TR_USER_FUNCTION_MAGIC, TR_ABI_VERSION, 8, .kind = TR_USER_SCALAR}, "struct_size is 8"},
		{BAD(.kind = 9, .result = "INT"), "its kind is 9"},
		{BAD(.kind = TR_USER_SCALAR, .on_row = fine_row), "it says no result"},
		{BAD(.kind = TR_USER_SCALAR, .result = "INT"), "has either on_batch or on_row, and this one has none"},
		{BAD(.kind = TR_USER_SCALAR, .result = "INT", .on_row = fine_row, .on_batch = fine_batch), "has both"},
		{BAD(.kind = TR_USER_SCALAR, .result = "INT", .on_row = fine_row, .is_harmless = true),
		 "is_harmless is for scalar functions with on_batch"},
		{BAD(.kind = TR_USER_SCALAR, .result = "INT", .on_row = fine_row, .merge = fine_merge),
		 "are for aggregates, and it is none"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGNT", .result = "INT", .on_row = fine_row),
		 "'BIGNT' is not right"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "INT,", .result = "INT", .on_row = fine_row),
		 "'INT,' is not right"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "INT", .result = "INT, INT", .on_row = fine_row),
		 "a result is one type"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "INT", .result = "ARRAY<INT>", .on_row = fine_row),
		 "a result of type ARRAY<INT> is not supported"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "DECIMAL(99, 1)", .result = "INT", .on_row = fine_row),
		 "'DECIMAL(99, 1)' is not right"},
		{BAD(.kind = TR_USER_TABLE, .result = "INT", .on_row = fine_row), "'INT' is not right"},
		{BAD(.kind = TR_USER_TABLE, .result = "a INT", .on_batch = fine_batch),
		 "a table function has on_row, and no on_batch"},
		{BAD(.kind = TR_USER_AGGREGATE, .result = "INT", .on_row = fine_row), "are not for aggregates"},
		{BAD(.kind = TR_USER_AGGREGATE, .result = "INT"), "has either add_batch or add, and this one has none"},
		{BAD(.kind = TR_USER_AGGREGATE, .result = "INT", .add = fine_add, .value = fine_value),
		 "this one has no merge"},
		{BAD(.kind = TR_USER_AGGREGATE, .result = "INT", .add = fine_add, .merge = fine_merge),
		 "this one has no value"},
		{BAD(.kind = TR_USER_AGGREGATE, .result = "INT", .add = fine_add, .merge = fine_merge,
		     .value = fine_value),
		 "an accumulator has 1 to 4096 bytes, not 0"},
		{BAD(.kind = TR_USER_AGGREGATE, .result = "INT", .add = fine_add, .merge = fine_merge,
		     .value = fine_value, .accumulator_bytes = 8, .destroy = fine_destroy),
		 "save, load, destroy and memory go together"},
		{BAD(.kind = TR_USER_AGGREGATE, .arguments = "INT, INT, INT, INT", .result = "INT", .add = fine_add,
		     .merge = fine_merge, .value = fine_value, .accumulator_bytes = 8),
		 "an aggregate takes 3 arguments at most, not 4"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "INT", .result = "INT", .on_row = fine_row,
		     .overload = &other_kind),
		 "its overloads are of different kinds"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "INT", .result = "INT", .on_row = fine_row,
		     .overload = &circle),
		 "two overloads take the same: f(INT) -> INT"},
	};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		struct tr_env *env = api_env("1");

		tr_env_create_function(env, "f", &cases[i].function);
		if (tr_env_error(env, 0) == NULL || strstr(tr_env_error(env, 0), "function 'f'") == NULL ||
		    strstr(tr_env_error(env, 0), cases[i].message) == NULL)
			fail_msg("'%s' is not '%s'", tr_env_error(env, 0), cases[i].message);
		tr_env_destroy(&env);
	}
}

/* ---- what goes wrong in a function ---- */

static tr_code unlucky_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			   struct tr_status *st)
{
	if (tr_row_i64(arguments, 0) == 17)
		TR_FAIL(st, TR_ERR_DATA, "17 is unlucky");
	tr_collector_set_i64(out, 0, 1);
	return TR_OK;
}
static tr_code unlucky_batch(struct tr_user_context *context, const struct tr_batch *arguments,
			     struct tr_vector *result, struct tr_status *st)
{
	for (uint32_t i = 0; i < result->row_count; i++) {
		((int64_t *)result->data)[i] = 1;
		result->failed_row = i;
		if (tr_column_i64(&arguments->columns[0], i) == 17)
			TR_FAIL(st, TR_ERR_DATA, "17 is unlucky");
	}
	return TR_OK;
}
static tr_code silent_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			    struct tr_status *st)
{
	return TR_ERR_UNAVAILABLE;
}
static tr_code adds_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	tr_collector_add(out);
	return TR_OK;
}
static tr_code null_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			  struct tr_status *st)
{
	memset(result->data, 0, result->row_count * 8);
	tr_bit_clear(result->validity, result->row_count - 1);
	return TR_OK;
}
static tr_code null_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	return TR_OK;
}
static tr_code half_a_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			  struct tr_status *st)
{
	tr_collector_set_i64(out, 0, 1);
	return TR_OK;
}
static tr_code fail_open(struct tr_user_context *context, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_IO, "no model file");
}
static tr_code past_data(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			 struct tr_status *st)
{
	for (uint32_t i = 0; i <= result->row_count; i++)
		((int64_t *)result->data)[i] = 0;
	return TR_OK;
}

static tr_code text_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			struct tr_status *st)
{
	tr_collector_set_text(out, 0, "a", 1);
	return TR_OK;
}
static tr_code read_text(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			 struct tr_status *st)
{
	tr_collector_set_i64(out, 0, tr_row_text(arguments, 0)->length);
	return TR_OK;
}

static void test_failures(void **state)
{
	static const struct {
		struct tr_user_function function;
		const char *query, *message;
	} cases[] = {
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_row = unlucky_row),
		 "SELECT f(v) FROM t WHERE v > 3",
		 "line 1, column 31: function 'f': 17 is unlucky in f(v) (row 17 of table t, datagen: v = 17)"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_batch = unlucky_batch),
		 "SELECT f(v) FROM t WHERE v > 3",
		 "line 1, column 31: function 'f': 17 is unlucky in f(v) (row 17 of table t, datagen: v = 17)"},
		{BAD(.kind = TR_USER_TABLE, .arguments = "BIGINT", .result = "a BIGINT", .on_row = unlucky_row),
		 "SELECT * FROM t, LATERAL TABLE(f(v + 16))", "function 'f': 17 is unlucky"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_batch = silent_batch),
		 "SELECT f(v) FROM t", "function 'f': it has failed with TR_ERR_UNAVAILABLE and no message"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_row = adds_row),
		 "SELECT f(v) FROM t", "it has added a row: it only sets column 0"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT NOT NULL", .on_batch = null_batch),
		 "SELECT f(v) FROM t", "function 'f': the result is NULL, and was declared NOT NULL"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT NOT NULL", .on_row = null_row),
		 "SELECT f(v) FROM t", "function 'f': the result is NULL, and was declared NOT NULL"},
		{BAD(.kind = TR_USER_TABLE, .arguments = "BIGINT", .result = "a BIGINT", .on_row = half_a_row),
		 "SELECT * FROM t, LATERAL TABLE(f(v))", "it has set columns of a row and not added it"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_row = null_row,
		     .open = fail_open),
		 "SELECT f(v) FROM t", "function 'f': no model file"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_row = text_row),
		 "SELECT f(v) FROM t", "function 'f': column 'result' is BIGINT, and was set as a text"},
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_row = read_text),
		 "SELECT f(v) FROM t", "function 'f': column 'argument 1' is BIGINT, and was read as a text"},
#if defined(TR_DEBUG) && !defined(__SANITIZE_ADDRESS__) /* which ends the process instead */
		{BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "BIGINT", .on_batch = past_data),
		 "SELECT f(v) FROM t", "function 'f': it has written past the end of its result"},
#endif
	};

	(void)past_data;
	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		struct tr_env *env = make_env();
		struct tr_status st = {0};
		char sql[512];

		tr_env_create_function(env, "f", &cases[i].function);
		snprintf(sql, sizeof(sql), "CREATE VIEW bad AS     %s;", cases[i].query);
		tr_env_sql(env, sql);
		tr_stream_print(tr_env_from_table(env, "bad"));
		assert_int_not_equal(tr_env_execute(env, "job", &st), TR_OK);
		if (strstr(st.message, cases[i].message) == NULL)
			fail_msg("'%s' is not '%s'", st.message, cases[i].message);
		tr_env_destroy(&env);
	}
}

/* What is used by another thread ends the process, and names the function. */

static void *set_elsewhere(void *out)
{
	tr_collector_set_i64(out, 0, 1);
	tr_collector_add(out);
	return NULL;
}
static tr_code threads_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			   struct tr_status *st)
{
	pthread_t thread;

	pthread_create(&thread, NULL, set_elsewhere, out);
	pthread_join(thread, NULL);
	return TR_OK;
}
static void *text_elsewhere(void *result)
{
	(void)tr_vector_text(result, "a", 1);
	return NULL;
}
static tr_code threads_batch(struct tr_user_context *context, const struct tr_batch *arguments,
			     struct tr_vector *result, struct tr_status *st)
{
	pthread_t thread;

	pthread_create(&thread, NULL, text_elsewhere, result);
	pthread_join(thread, NULL);
	return TR_OK;
}

static void expect_death(const struct tr_user_function *function, const char *query, const char *message)
{
	char text[4096] = "";
	int pipes[2], status;
	ssize_t length;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		struct tr_env *env = make_env();
		struct tr_status st = {0};
		char sql[256];

		dup2(pipes[1], 2);
		tr_env_create_function(env, "f", function);
		snprintf(sql, sizeof(sql), "CREATE VIEW bad AS %s;", query);
		tr_env_sql(env, sql);
		tr_stream_print(tr_env_from_table(env, "bad"));
		_exit((int)tr_env_execute(env, "job", &st));
	}
	close(pipes[1]);
	for (size_t at = 0; (length = read(pipes[0], text + at, sizeof(text) - 1 - at)) > 0;)
		at += (size_t)length;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	if (strstr(text, message) == NULL)
		fail_msg("'%s' is not '%s'", text, message);
}

static void test_deaths(void **state)
{
	static const struct tr_user_function by_table =
		BAD(.kind = TR_USER_TABLE, .arguments = "BIGINT", .result = "a BIGINT", .on_row = threads_row);
	static const struct tr_user_function by_batch =
		BAD(.kind = TR_USER_SCALAR, .arguments = "BIGINT", .result = "STRING", .on_batch = threads_batch);

	expect_death(
		&by_table, "SELECT * FROM t, LATERAL TABLE(f(v))",
		"function f': its context, collector or state was used outside of its callbacks, or by another thread");
	expect_death(&by_batch, "SELECT f(v) FROM t", "function f': its context, collector or state was used outside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_functions),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
