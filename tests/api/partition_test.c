/* SPDX-License-Identifier: Apache-2.0
 *
 * To which subtask rows go, what runs in one chain, and that what several read is run once. Functions tell on which subtask they saw a
 * row; what is expected comes from loops over the input.
 */
#include "api_test.h"

#include <stdatomic.h>

#define ROW_COUNT 2000

static const char *const SUBTASKS[] = {"1", "2", "3"};
static const char *const BATCHES[] = {"1", "7", "2048"};

static int64_t rows[ROW_COUNT][3];
static struct tr_owned_batch *owned;

static int make_rows(void **state)
{
	for (int64_t i = 0; i < ROW_COUNT; i++) {
		rows[i][0] = i * 31 % 50;
		rows[i][1] = i;
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

/** k, v, and on which subtask. */
static tr_code tell_subtask(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	tr_collector_set_column(out, 0, row, 0);
	tr_collector_set_column(out, 1, row, 1);
	tr_collector_set_i64(out, 2, tr_context_subtask(context));
	return TR_OK;
}

static const struct tr_function TELL = {.struct_size = sizeof(struct tr_function), .on_row = tell_subtask};
#define TOLD "k BIGINT, v BIGINT, subtask BIGINT"

/** seen[v][s]: how often subtask s saw the row. */
static uint32_t seen[ROW_COUNT][4];

static void run(struct tr_env *env, struct tr_stream *told)
{
	const struct tr_collected *out = tr_stream_collect(told);

	api_run(env);
	memset(seen, 0, sizeof(seen));
	for (uint32_t b = 0; b < tr_collected_count(out); b++) {
		const struct tr_batch *batch = tr_collected_batch(out, b);

		for (uint32_t i = 0; i < batch->selected_count; i++) {
			const struct tr_row row = {batch, tr_batch_row(batch, i)};

			assert_int_equal(tr_row_i64(&row, 0), rows[tr_row_i64(&row, 1)][0]);
			seen[tr_row_i64(&row, 1)][tr_row_i64(&row, 2)]++;
		}
	}
	tr_env_destroy(&env);
}

static uint32_t by_key(void *user, const struct tr_row *row, uint32_t subtasks)
{
	return (uint32_t)(tr_row_i64(row, 0) % subtasks);
}

static void by_key_batch(void *user, const struct tr_batch *batch, uint32_t subtasks, uint32_t *targets)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		targets[i] = (uint32_t)(tr_column_i64(&batch->columns[0], tr_batch_row(batch, i)) % subtasks);
}

static void test_custom(void **state)
{
	for (uint32_t i = 0; i < 18; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *dealt;

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3 % 3]);
		dealt = tr_stream_where(source(env), "v % 3 <> 1");
		dealt = i < 9 ? tr_stream_partition(dealt, by_key, NULL)
			      : tr_stream_partition_batches(dealt, by_key_batch, NULL);
		run(env, tr_stream_parallelism(tr_stream_map(dealt, TOLD, &TELL), i % 3 + 1));
		for (uint32_t v = 0; v < ROW_COUNT; v++)
			for (uint32_t s = 0; s < 4; s++)
				assert_int_equal(seen[v][s], v % 3 != 1 && rows[v][0] % (i % 3 + 1) == s);
	}
}

static uint32_t beyond(void *user, const struct tr_row *row, uint32_t subtasks)
{
	return tr_row_i64(row, 1) == 1000 ? subtasks : 0;
}

static void test_custom_beyond(void **state)
{
	for (uint32_t p = 1; p <= 2; p++) {
		struct tr_env *env = api_env("1");
		struct tr_status st = {0};
		char expected[100];

		tr_stream_collect(tr_stream_parallelism(
			tr_stream_map(tr_stream_partition(source(env), beyond, NULL), TOLD, &TELL), p));
		assert_int_equal(tr_env_execute(env, "test", &st), TR_ERR_USAGE);
		sprintf(expected, "partition 1: it chose subtask %u, and there are %u", p, p);
		assert_non_null(strstr(st.message, expected));
		tr_env_destroy(&env);
	}
}

static void test_broadcast(void **state)
{
	for (uint32_t i = 0; i < 9; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3]);
		run(env, tr_stream_parallelism(tr_stream_map(tr_stream_broadcast(source(env)), TOLD, &TELL), i % 3 + 1));
		for (uint32_t v = 0; v < ROW_COUNT; v++)
			for (uint32_t s = 0; s < 4; s++)
				assert_int_equal(seen[v][s], s <= i % 3);
	}
}

static void test_shuffle(void **state)
{
	struct tr_env *env = api_env("1");
	uint32_t counts[4] = {0};

	run(env, tr_stream_parallelism(tr_stream_map(tr_stream_shuffle(source(env)), TOLD, &TELL), 4));
	for (uint32_t v = 0; v < ROW_COUNT; v++) {
		assert_int_equal(seen[v][0] + seen[v][1] + seen[v][2] + seen[v][3], 1);
		for (uint32_t s = 0; s < 4; s++)
			counts[s] += seen[v][s];
	}
	for (uint32_t s = 0; s < 4; s++)
		assert_in_range(counts[s], ROW_COUNT / 5, ROW_COUNT / 3);
}

static bool keep_all(void *user, const struct tr_row *row) { return true; }

static void test_rescale(void **state)
{
	static const uint32_t cases[][2] = {{2, 4}, {4, 2}, {1, 3}, {3, 1}, {2, 2}, {2, 3}, {3, 2}};

	for (uint32_t i = 0; i < TR_COUNT_OF(cases); i++) {
		const uint32_t before = cases[i][0], after = cases[i][1];
		struct tr_env *env = api_env("1");
		struct tr_stream *dealt;

		tr_env_set(env, "engine.batch-rows", "7");
		dealt = tr_stream_partition(source(env), by_key, NULL);
		dealt = tr_stream_parallelism(tr_stream_filter(dealt, keep_all, NULL), before);
		run(env, tr_stream_parallelism(tr_stream_map(tr_stream_rescale(dealt), TOLD, &TELL), after));
		for (uint32_t v = 0; v < ROW_COUNT; v++) {
			const uint32_t from = (uint32_t)(rows[v][0] % before);
			uint32_t count = 0;

			for (uint32_t s = 0; s < 4; s++) {
				count += seen[v][s];
				if (seen[v][s] == 0)
					continue;
				assert_true(s < after);
				assert_true(before < after ? s * before / after == from : from * after / before == s);
			}
			assert_int_equal(count, 1);
		}
	}
}

/* Chains. */

static void test_chaining(void **state)
{
	for (int which = 0; which < 3; which++) {
		static const char *const stages[] = {
			"Stage 0 (parallelism 1): Sink <- Map <- Filter <- Scan\n",
			"Stage 0 (parallelism 1): Sink <- Map <- Exchange of stage 1\n"
			"Stage 1 (parallelism 1): Filter <- Scan\n",
			"Stage 0 (parallelism 1): Sink <- Exchange of stage 1\n"
			"Stage 1 (parallelism 1): Map <- Exchange of stage 2\n"
			"Stage 2 (parallelism 1): Filter <- Scan\n",
		};
		struct tr_env *env = api_env("1");
		struct tr_stream *told = tr_stream_map(tr_stream_filter(source(env), keep_all, NULL), TOLD, &TELL);
		struct tr_collected *out;
		const char *text;

		if (which == 1)
			tr_stream_start_new_chain(told);
		if (which == 2)
			tr_stream_disable_chaining(told);
		out = tr_stream_collect(told);
		text = tr_env_explain(env, false, NULL);
		if (strstr(text, stages[which]) == NULL)
			fail_msg("%s", text);
		assert_true((strstr(text, "Exchange(distribution=[forward])") != NULL) == (which > 0));
		api_run(env);
		assert_true(tr_collected_count(out) > 0);
		tr_env_destroy(&env);
	}
}

/** SQL's own nodes: what would be one projection stays two. */
static void test_chaining_of_sql(void **state)
{
	struct tr_env *env = api_env("1");
	struct tr_stream *first = tr_stream_select(tr_stream_where(source(env), "v < 5"), "k, v + 1 AS v");
	struct tr_collected *out = tr_stream_collect(tr_stream_select(tr_stream_disable_chaining(first), "v * 2 AS v"));
	const char *text = tr_env_explain(env, false, NULL);

	if (strstr(text, "Sink <- Project <- Exchange of stage 1\nStage 1 (parallelism 1): Project <- Exchange") == NULL)
		fail_msg("%s", text);
	api_run(env);
	api_expect(out, "10\n2\n4\n6\n8\n");
	tr_env_destroy(&env);
}

/** A window in two phases begins where its local one does. */
static void test_chaining_of_windows(void **state)
{
	struct tr_env *env = api_env("2");
	struct tr_stream *windows = tr_stream_window_aggregate(tr_stream_key_by(tr_stream_rebalance(source(env)), "k"),
							       tr_windows_tumbling(20000), "COUNT(*) AS n");
	struct tr_collected *out =
		tr_stream_collect(tr_stream_select(tr_stream_where(tr_stream_start_new_chain(windows), "k = 7"), "n"));
	struct tr_env *plain = api_env("2");
	const char *text = tr_env_explain(env, false, NULL);

	if (strstr(text, "WindowAggregate <- Exchange") == NULL)
		fail_msg("%s", text);
	api_run(env);
	api_expect(out, "40\n");
	tr_env_destroy(&env);
	windows = tr_stream_window_aggregate(tr_stream_key_by(tr_stream_where(source(plain), "v >= 0"), "k"),
					     tr_windows_tumbling(20000), "COUNT(*) AS n");
	out = tr_stream_collect(tr_stream_parallelism(tr_stream_disable_chaining(windows), 1));
	text = tr_env_explain(plain, false, NULL);
	if (strstr(text, "WindowAggregate <- Exchange") == NULL)
		fail_msg("%s", text);
	api_run(plain);
	tr_env_destroy(&plain);
}

/* Once for all readers. */

static _Atomic uint32_t calls, reads;

static tr_code count_call(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			  struct tr_status *st)
{
	atomic_fetch_add(&calls, 1);
	tr_collector_add_row(out, row);
	return TR_OK;
}

static tr_code read_rows(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	for (uint32_t n = 0; r->position < ROW_COUNT && r->position < r->limit && n < r->rows_max; n++) {
		for (uint32_t c = 0; c < 3; c++)
			tr_collector_set_i64(out, c, rows[r->position][c]);
		tr_collector_add(out);
		r->position++;
		atomic_fetch_add(&reads, 1);
	}
	*result = r->position == ROW_COUNT ? TR_READ_END : TR_READ_MORE;
	return TR_OK;
}

static void test_once(void **state)
{
	const struct tr_function count = TR_MAKE(tr_function, .on_row = count_call);
	const struct tr_source_function c_rows = TR_MAKE(tr_source_function, .split_count = 1, .read = read_rows);

	for (uint32_t i = 0; i < 6; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *in, *random, *counted;
		struct tr_collected *out[5];
		char *texts[5];

		if (i >= 3) {
			tr_env_set(env, "table.optimizer.reuse-sub-plan-enabled", "false");
			tr_env_set(env, "table.optimizer.reuse-source-enabled", "false");
		}
		atomic_store(&calls, 0);
		atomic_store(&reads, 0);
		in = tr_env_from_source(env, "c rows", API_COLUMNS, &c_rows, NULL);
		random = tr_stream_select(tr_stream_where(in, "RAND() < 0.7"), "k, v, RAND() AS r, ts");
		counted = tr_stream_process(tr_stream_key_by(random, "k"),
					    "k BIGINT, v BIGINT, r DOUBLE, ts TIMESTAMP(3)", &count);
		/* Five readers: of the function, of a query over it, and of what it reads; each wants other columns. */
		out[0] = tr_stream_collect(tr_stream_select(counted, "v, r"));
		out[1] = tr_stream_collect(tr_stream_select(tr_stream_where(counted, "k >= 0"), "v, r"));
		out[2] = tr_stream_collect(tr_stream_select(random, "v, r"));
		out[3] = tr_stream_collect(tr_stream_select(tr_stream_rebalance(counted), "v, r"));
		out[4] = tr_stream_collect(tr_stream_select(random, "v, v AS w"));
		api_run(env);
		assert_int_equal(atomic_load(&reads), ROW_COUNT);
		for (uint32_t r = 0; r < 5; r++)
			texts[r] = api_text(out[r], false);
		for (uint32_t r = 1; r < 4; r++)
			assert_string_equal(texts[r], texts[0]);
		{
			uint32_t lines[2] = {0};

			for (const char *at = texts[0]; (at = strchr(at, '\n')) != NULL; at++)
				lines[0]++;
			for (const char *at = texts[4]; (at = strchr(at, '\n')) != NULL; at++)
				lines[1]++;
			assert_int_equal(lines[0], lines[1]);
			assert_int_equal(atomic_load(&calls), lines[0]);
			assert_in_range(lines[0], ROW_COUNT / 2, ROW_COUNT * 9 / 10);
		}
		for (uint32_t r = 0; r < 5; r++)
			free(texts[r]);
		tr_env_destroy(&env);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_custom),
		cmocka_unit_test(test_custom_beyond),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_rescale),
		cmocka_unit_test(test_chaining),
		cmocka_unit_test(test_chaining_of_sql),
		cmocka_unit_test(test_chaining_of_windows),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
