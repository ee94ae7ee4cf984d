/* SPDX-License-Identifier: Apache-2.0
 *
 * Going through all keys: on_end, on_start, in the middle of a batch and in a timer; for keys of one number, of a text, of several columns;
 * while states are changed. A model counts the same rows with arrays.
 */
#include "api_test.h"

#define ROWS 3000
#define KEYS 40

static struct tr_owned_batch *owned;

static int make_rows(void **state)
{
	static int64_t rows[ROWS][3];
	uint64_t seed = 5;

	for (int i = 0; i < ROWS; i++) {
		rows[i][0] = (int64_t)tr_test_below(&seed, KEYS) - KEYS / 2;
		rows[i][1] = i;
		rows[i][2] = i * 10;
	}
	owned = api_rows((const int64_t(*)[3])rows, ROWS);
	return 0;
}

static int free_rows(void **state)
{
	tr_owned_batch_release(&owned);
	return 0;
}

/* Of each key a count (fixed), its rows (list), a map of one entry; every 1,000th row of a subtask of one forgets keys with an even count. */

struct own {
	struct tr_value_state *count, *text;
	struct tr_list_state *rows;
	struct tr_map_state *map;
	struct tr_value_state *never;
	struct tr_collector *out;
	int64_t visited;
};

static tr_code open_own(struct tr_context *context, struct tr_status *st)
{
	struct own *own = calloc(1, sizeof(*own));

	own->count = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "count", .value_bytes = 8));
	own->text = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "text"));
	own->rows = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "rows"));
	own->map = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "map"));
	own->never = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "never", .value_bytes = 3));
	tr_context_set_own(context, own);
	return TR_OK;
}

static void close_own(struct tr_context *context) { free(tr_context_own(context)); }

static void take(struct own *own, int64_t value)
{
	int64_t *count = tr_value_state_put(own->count);
	const void *seen;

	++*count;
	if (*count % 100 == 1)
		tr_value_state_set_bytes(own->text, &value, sizeof(value));
	tr_list_state_add(own->rows, &value, sizeof(value));
	seen = tr_map_state_get(own->map, "m", 1, NULL);
	if (seen == NULL)
		tr_map_state_put(own->map, "m", 1, &value, sizeof(value));
	assert_null(tr_value_state_get(own->never));
}

static tr_code forget_even(struct tr_context *context, void *argument, struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const int64_t *count = tr_value_state_get(own->count);

	own->visited++;
	assert_non_null(count);
	assert_int_equal(tr_context_timestamp(context), TR_WATERMARK_MIN);
	if (*count % 2 == 0) {
		tr_value_state_clear(own->count);
		tr_value_state_clear(own->text);
		tr_list_state_clear(own->rows);
		tr_map_state_clear(own->map);
	}
	return TR_OK;
}

static tr_code on_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const int64_t value = tr_row_i64(row, (uint32_t)tr_schema_find(row->batch->schema, "v"));

	take(own, value);
	if (value % 1000 == 500)
		TR_TRY(tr_context_for_each_key(context, forget_even, NULL, st));
	take(own, value);
	return TR_OK;
}

static tr_code on_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		tr_context_choose(context, i);
		TR_TRY(on_row(context, &row, out, st));
	}
	return TR_OK;
}

static tr_code tell(struct tr_context *context, void *argument, struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	const int64_t *count = tr_value_state_get(own->count);
	uint64_t cursor = 0;
	const void *bytes;
	uint32_t length;
	int64_t sum = 0, value;

	while (tr_list_state_next(own->rows, &cursor, &bytes, &length)) {
		memcpy(&value, bytes, sizeof(value));
		sum += value;
	}
	for (uint32_t c = 0; c < key.batch->schema->column_count; c++)
		tr_collector_set_column(argument, c, &key, c);
	tr_collector_set_i64(argument, key.batch->schema->column_count, *count);
	tr_collector_set_i64(argument, key.batch->schema->column_count + 1, sum);
	tr_collector_add(argument);
	return TR_OK;
}

static tr_code on_end(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	return tr_context_for_each_key(context, tell, out, st);
}

/* The model. */

static const char *expected_of(const char *format)
{
	static char text[KEYS * 64];
	char *lines[KEYS];
	int64_t count[KEYS] = {0}, sum[KEYS] = {0};
	uint32_t n = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < ROWS; i++) {
		const int64_t k = ((const int64_t *)tr_owned_batch_get(owned)->columns[0].data)[i] + KEYS / 2;

		count[k]++;
		sum[k] += i;
		for (int64_t f = 0; i % 1000 == 500 && f < KEYS; f++)
			if (count[f] % 2 == 0)
				count[f] = sum[f] = 0;
		count[k]++;
		sum[k] += i;
	}
	for (int64_t k = 0; k < KEYS; k++) {
		if (count[k] == 0)
			continue;
		lines[n] = calloc(64, 1);
		snprintf(lines[n++], 64, format, (long long)(k - KEYS / 2), (long long)count[k], (long long)sum[k]);
	}
	qsort(lines, n, sizeof(*lines), api_compare);
	for (uint32_t i = 0; i < n; i++) {
		at += (size_t)sprintf(text + at, "%s\n", lines[i]);
		free(lines[i]);
	}
	return text;
}

static void test_each_key(void **state)
{
	static const struct {
		const char *select, *keys, *columns, *format;
	} forms[] = {
		{"k, v, ts", "k", "k BIGINT, n BIGINT, s BIGINT", "%lld,%lld,%lld"},
		{"CAST(k AS STRING) AS k, v, ts", "k", "k STRING, n BIGINT, s BIGINT", "%lld,%lld,%lld"},
		{"k, CAST('abcdefghijklmnop' AS STRING) AS t, v, ts", "t, k", "t STRING, k BIGINT, n BIGINT, s BIGINT",
		 "abcdefghijklmnop,%lld,%lld,%lld"},
		{"CAST(k AS TINYINT) AS k, v, ts", "k", "k TINYINT, n BIGINT, s BIGINT", "%lld,%lld,%lld"},
	};
	static const char *const batch_rows[] = {"1", "7", "2048"};

	for (size_t i = 0; i < TR_COUNT_OF(forms) * 6; i++) {
		const size_t f = i / 6;
		const struct tr_function function =
			TR_MAKE(tr_function, .open = open_own, .on_row = i % 2 ? NULL : on_row,
				.on_batch = i % 2 ? on_batch : NULL, .on_end = on_end, .close = close_own);
		const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};
		struct tr_env *env = api_env("1");
		struct tr_collected *out;
		struct tr_stream *rows;

		tr_env_set(env, "engine.batch-rows", batch_rows[i % 3]);
		rows = tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
		out = tr_stream_collect(
			tr_stream_process(tr_stream_key_by(tr_stream_select(rows, forms[f].select), forms[f].keys),
					  forms[f].columns, &function));
		api_run(env);
		api_expect(out, expected_of(forms[f].format));
		tr_env_destroy(&env);
	}
}

/* In a timer, whose key is the current one again behind the call; failures; where it can't be called. */

static tr_code set_timer(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	*(int64_t *)tr_value_state_put(((struct own *)tr_context_own(context))->count) += 1;
	tr_timer_set_event_time(context, 1000000 + tr_row_i64(row, 0));
	return TR_OK;
}

static tr_code count_keys(struct tr_context *context, void *argument, struct tr_status *st)
{
	++*(int64_t *)argument;
	tr_timer_set_event_time(context, 2000000);
	return TR_OK;
}

static tr_code on_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			struct tr_status *st)
{
	struct own *own = tr_context_own(context);
	struct tr_row key = tr_context_key(context);
	const int64_t before = tr_row_i64(&key, 0);
	int64_t n = 0;

	if (timer->time_ms == 2000000)
		return TR_OK;
	TR_TRY(tr_context_for_each_key(context, count_keys, &n, st));
	key = tr_context_key(context);
	assert_int_equal(tr_row_i64(&key, 0), before);
	assert_int_equal(before, timer->time_ms - 1000000);
	assert_int_equal(tr_context_timestamp(context), timer->time_ms);
	tr_value_state_clear(own->count);
	tr_collector_set_i64(out, 0, n);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code fail_second(struct tr_context *context, void *argument, struct tr_status *st)
{
	if (++*(int64_t *)argument == 2)
		TR_FAIL(st, TR_ERR_USAGE, "the second key is unlucky");
	return TR_OK;
}

static tr_code end_failing(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	int64_t n = 0;

	return tr_context_for_each_key(context, fail_second, &n, st);
}

static tr_code nested(struct tr_context *context, void *argument, struct tr_status *st)
{
	return tr_context_for_each_key(context, nested, argument, st);
}

static tr_code end_nested(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	return tr_context_for_each_key(context, nested, NULL, st);
}

static tr_code open_early(struct tr_context *context, struct tr_status *st)
{
	return tr_context_for_each_key(context, nested, NULL, st);
}

static tr_code start(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	assert_false(tr_context_is_restored(context));
	tr_collector_set_i64(out, 0, -1);
	tr_collector_add(out);
	return TR_OK;
}

static struct tr_stream *few(struct tr_env *env)
{
	static const int64_t rows[][3] = {{1, 1, 1}, {2, 2, 2}, {3, 3, 3}};
	static struct tr_owned_batch *batch;
	const struct tr_batch *batches[1];

	if (batch == NULL)
		batch = api_rows(rows, 3);
	batches[0] = tr_owned_batch_get(batch);
	return tr_stream_key_by(tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS), "k");
}

static void expect_failure(const struct tr_function *function, const char *message)
{
	struct tr_env *env = api_env("1");
	struct tr_status st = {0};

	tr_stream_collect(tr_stream_process(few(env), "n BIGINT", function));
	assert_int_equal(tr_env_execute(env, "job", &st), TR_ERR_USAGE);
	if (strstr(st.message, message) == NULL)
		fail_msg("'%s' has no '%s'", st.message, message);
	tr_env_destroy(&env);
}

static void test_places(void **state)
{
	struct tr_function function = TR_MAKE(tr_function, .open = open_own, .on_row = set_timer, .on_timer = on_timer,
					      .close = close_own, .on_start = start);
	struct tr_env *env = api_env("1");
	struct tr_collected *out = tr_stream_collect(tr_stream_process(few(env), "n BIGINT", &function));

	api_run(env);
	api_expect(out, "-1\n1\n2\n3\n");
	tr_env_destroy(&env);
	function.on_end = end_failing;
	function.on_timer = NULL;
	function.on_row = on_row;
	expect_failure(&function, "operator 'process 1', subtask 0: the second key is unlucky");
	function.on_end = end_nested;
	expect_failure(&function,
		       "operator 'process 1', subtask 0: tr_context_for_each_key was called from within itself");
	function = TR_MAKE(tr_function, .open = open_early, .on_row = on_row);
	expect_failure(&function, "operator 'process 1', subtask 0: tr_context_for_each_key was called in open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_key), cmocka_unit_test(test_places)};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
