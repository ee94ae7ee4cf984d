/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams end to end: sources in memory, functions and SQL texts, keys, timers, windows, collected results. What is expected was worked
 * out by hand, or by a loop in the test.
 */
#include "api_test.h"

static const int64_t ROWS[][3] = {{1, 10, 1000}, {2, 20, 2000}, {1, 30, 3000},
				  {3, 5, 4000},  {2, 7, 11000}, {1, 1, 12000}};
#define ROW_COUNT 6

static struct tr_stream *source(struct tr_env *env, struct tr_owned_batch **owned)
{
	const struct tr_batch *batches[1];

	*owned = api_rows(ROWS, ROW_COUNT);
	batches[0] = tr_owned_batch_get(*owned);
	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
}

static void test_where_select(void **state)
{
	for (int p = 1; p <= 3; p++) {
		struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[p - 1]);
		struct tr_owned_batch *owned;
		struct tr_collected *out;

		out = tr_stream_collect(tr_stream_select(tr_stream_where(source(env, &owned), "v >= 10 AND k < 3"),
							 "k, v * 2 AS twice, 'x' AS x"));
		api_run(env);
		api_expect(out, "1,20,x\n1,60,x\n2,40,x\n");
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

static tr_code twice(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		     struct tr_status *st)
{
	tr_collector_set_i64(out, 0, tr_row_i64(row, 0));
	if (tr_row_i64(row, 1) > 5)
		tr_collector_set_i64(out, 1, 2 * tr_row_i64(row, 1));
	tr_collector_set_text(out, 2, "a text that is longer than twelve", 33);
	return TR_OK;
}

static tr_code twice_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			   struct tr_status *st)
{
	int64_t *k, *v;
	struct tr_view *text;

	tr_collector_reserve(out, batch->selected_count);
	k = tr_collector_data(out, 0);
	v = tr_collector_data(out, 1);
	text = tr_collector_data(out, 2);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		k[i] = tr_column_i64(&batch->columns[0], tr_batch_row(batch, i));
		v[i] = 2 * tr_column_i64(&batch->columns[1], tr_batch_row(batch, i));
		if (v[i] <= 10)
			tr_bit_clear(tr_collector_nulls(out, 1), tr_collector_first(out) + i);
		text[i] = tr_collector_text(out, "a text that is longer than twelve", 33);
	}
	tr_collector_advance(out, batch->selected_count);
	return TR_OK;
}

static tr_code repeat(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	for (int64_t i = 0; i < tr_row_i64(row, 1); i++)
		tr_collector_add_row(out, row);
	return TR_OK;
}

static bool is_odd(void *user, const struct tr_row *row) { return tr_row_i64(row, 1) % 2 != 0; }

static void test_map(void **state)
{
	const struct tr_function by_row = TR_MAKE(tr_function, .on_row = twice);
	const struct tr_function by_batch = TR_MAKE(tr_function, .on_batch = twice_batch);

	for (int i = 0; i < 4; i++) {
		struct tr_env *env = api_env(i < 2 ? "1" : "2");
		struct tr_owned_batch *owned;
		struct tr_collected *out;

		tr_env_set(env, "engine.batch-rows", i % 2 == 0 ? "1" : "7");
		out = tr_stream_collect(tr_stream_map(tr_stream_rebalance(source(env, &owned)),
						      "k BIGINT, v BIGINT, t STRING", i % 2 == 0 ? &by_row : &by_batch));
		api_run(env);
		api_expect(out, "1,20,a text that is longer than twelve\n1,60,a text that is longer than twelve\n"
				"1,NULL,a text that is longer than twelve\n2,14,a text that is longer than twelve\n"
				"2,40,a text that is longer than twelve\n3,NULL,a text that is longer than twelve\n");
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

static void test_flat_map_and_filter(void **state)
{
	const struct tr_function function = TR_MAKE(tr_function, .on_row = repeat);
	struct tr_env *env = api_env("2");
	struct tr_owned_batch *owned;
	struct tr_collected *out;

	out = tr_stream_collect(tr_stream_select(
		tr_stream_flat_map(tr_stream_filter(source(env, &owned), is_odd, NULL), API_COLUMNS, &function),
		"k, v"));
	api_run(env);
	api_expect(out, "1,1\n2,7\n2,7\n2,7\n2,7\n2,7\n2,7\n2,7\n3,5\n3,5\n3,5\n3,5\n3,5\n");
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

/* Sums by key, and a timer 5 seconds behind each key's first row that tells the sum and forgets it. */

struct sum {
	int64_t value;
	int64_t timer_ms;
};

static tr_code sum_open(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "sum",
									    .value_bytes = sizeof(struct sum))));
	return TR_OK;
}

static tr_code sum_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	struct sum *sum = tr_value_state_put(tr_context_own(context));

	if (sum->timer_ms == 0) {
		sum->timer_ms = tr_context_timestamp(context) + 5000;
		tr_timer_set_event_time(context, sum->timer_ms);
	}
	sum->value += tr_row_i64(row, 1);
	return TR_OK;
}

static tr_code sum_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			 struct tr_status *st)
{
	const struct sum *sum = tr_value_state_get(tr_context_own(context));
	const struct tr_row key = tr_context_key(context);

	assert_non_null(sum);
	assert_int_equal(sum->timer_ms, timer->time_ms);
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, sum->value);
	tr_collector_set_i64(out, 2, timer->time_ms);
	tr_collector_add(out);
	tr_value_state_clear(tr_context_own(context));
	assert_null(tr_value_state_get(tr_context_own(context)));
	return TR_OK;
}

static void test_keyed_process(void **state)
{
	const struct tr_function function =
		TR_MAKE(tr_function, .open = sum_open, .on_row = sum_row, .on_timer = sum_timer);

	for (int i = 0; i < 6; i++) {
		struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[i % 3]);
		struct tr_owned_batch *owned;
		struct tr_collected *out;

		if (i >= 3)
			tr_env_set(env, "engine.batch-rows", "1");
		out = tr_stream_collect(tr_stream_process(tr_stream_key_by(source(env, &owned), i % 2 ? "k" : "k, k"),
							  "k BIGINT, total BIGINT, ts TIMESTAMP(3)", &function));
		api_run(env);
		/* The row of 11 s is there before the watermark that fires what is due; that of 12 s begins anew. */
		api_expect(out, "1,1,17000\n1,40,6000\n2,27,7000\n3,5,9000\n");
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

static void test_windows(void **state)
{
	struct tr_env *env = api_env("2");
	struct tr_owned_batch *owned;
	struct tr_stream *rows = source(env, &owned);
	struct tr_collected *tumbling, *session, *again;

	tumbling = tr_stream_collect(tr_stream_window_aggregate(tr_stream_key_by(rows, "k"), tr_windows_tumbling(10000),
								"COUNT(*) AS n, SUM(v) AS total"));
	session = tr_stream_collect(
		tr_stream_window_aggregate(tr_stream_key_by(rows, "k"), tr_windows_session(3000), "COUNT(*) AS n"));
	again = tr_stream_collect(tr_stream_select(
		tr_stream_window_aggregate(
			tr_stream_key_by(tr_stream_window_aggregate(tr_stream_key_by(rows, "k"),
								    tr_windows_tumbling(1000), "COUNT(*) AS n"),
					 "n"),
			tr_windows_sliding(10000, 5000), "COUNT(*) AS m"),
		"n, m"));
	api_run(env);
	api_expect(tumbling,
		   "1,0,10000,9999,2,40\n1,10000,20000,19999,1,1\n2,0,10000,9999,1,20\n2,10000,20000,19999,1,7\n"
		   "3,0,10000,9999,1,5\n");
	api_expect(session, "1,1000,6000,5999,2\n1,12000,15000,14999,1\n2,11000,14000,13999,1\n2,2000,5000,4999,1\n"
			    "3,4000,7000,6999,1\n");
	api_expect(again, "1,2\n1,2\n1,4\n1,4\n");
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

static void test_union(void **state)
{
	struct tr_env *env = api_env("2");
	struct tr_owned_batch *owned;
	struct tr_stream *rows = source(env, &owned);
	struct tr_stream *both[2] = {tr_stream_where(rows, "k = 1"), tr_stream_where(rows, "v = 5")};
	struct tr_collected *out = tr_stream_collect(tr_stream_select(tr_stream_union(both, 2), "k, v"));

	api_run(env);
	api_expect(out, "1,1\n1,10\n1,30\n3,5\n");
	tr_env_destroy(&env);
	tr_owned_batch_release(&owned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_select),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_flat_map_and_filter),
		cmocka_unit_test(test_keyed_process),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_union),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
