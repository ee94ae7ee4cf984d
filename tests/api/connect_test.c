/* SPDX-License-Identifier: Apache-2.0
 *
 * Two streams in one operator: state and timers that both sides share, the lesser watermark, rows without keys, restoring with other
 * numbers of subtasks, and what is refused. What is expected comes from loops over both inputs.
 */
#include "api_test.h"

#include <stdatomic.h>
#include <unistd.h>

#define LEFT 900
#define RIGHT 420
#define KEYS 11

static const char *const SUBTASKS[] = {"1", "2", "3"};
static const char *const BATCHES[] = {"1", "7", "2048"};

static int64_t left_rows[LEFT][3], right_rows[RIGHT][3];
static struct tr_owned_batch *owned[2];

static int make_rows(void **state)
{
	for (int64_t i = 0; i < LEFT; i++) {
		left_rows[i][0] = (i * 7919) % KEYS;
		left_rows[i][1] = i % 100;
		left_rows[i][2] = i * 10;
	}
	for (int64_t i = 0; i < RIGHT; i++) { /* ends before the left side, and has keys of its own */
		right_rows[i][0] = (i * 104729) % (KEYS + 2);
		right_rows[i][1] = 1000 + i;
		right_rows[i][2] = i * 17;
	}
	owned[0] = api_rows((const int64_t(*)[3])left_rows, LEFT);
	owned[1] = api_rows((const int64_t(*)[3])right_rows, RIGHT);
	return 0;
}

static int free_rows(void **state)
{
	tr_owned_batch_release(&owned[0]);
	tr_owned_batch_release(&owned[1]);
	return 0;
}

static struct tr_stream *source(struct tr_env *env, uint32_t side)
{
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned[side])};

	return tr_env_from_batches(env, side == 0 ? "left" : "right", API_COLUMNS, batches, 1, API_WATERMARKS);
}

static char lines[LEFT + RIGHT + 8][64];

/* The left side sets a timer at its row's time, which tells how many rows of the right side there were up to then, and their sum. When it
 * comes, both watermarks have reached it: all of them must have come, whichever side is ahead. */

struct joined {
	struct tr_list_state *times; /* of rows of the right side, with their values */
	struct tr_value_state *rows; /* how many of the left side */
};

static tr_code open_joined(struct tr_context *context, struct tr_status *st)
{
	struct joined *j = calloc(1, sizeof(*j));

	assert_int_equal(tr_schema_find(tr_context_input(context), "k"), 0);
	assert_int_equal(tr_schema_find(tr_context_right_input(context), "id"), 1);
	j->times = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "times"));
	j->rows = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "rows", .value_bytes = 8));
	tr_context_set_own(context, j);
	return TR_OK;
}

static void close_joined(struct tr_context *context) { free(tr_context_own(context)); }

static tr_code left_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	struct joined *j = tr_context_own(context);

	++*(int64_t *)tr_value_state_put(j->rows);
	assert_int_equal(tr_context_timestamp(context), tr_row_i64(row, 2));
	tr_timer_set_event_time(context, tr_row_i64(row, 2));
	return TR_OK;
}

static tr_code left_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			  struct tr_status *st)
{
	struct joined *j = tr_context_own(context);
	void *const *rows = tr_value_state_batch(j->rows);

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		++*(int64_t *)rows[i];
		tr_context_choose(context, i);
		tr_timer_set_event_time(context, tr_context_timestamp(context));
	}
	return TR_OK;
}

static void add_right(struct joined *j, const struct tr_row *row)
{
	const int64_t item[2] = {tr_row_i64(row, 2), tr_row_i64(row, 0)};

	tr_list_state_add(j->times, item, sizeof(item));
}

static tr_code right_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	const struct tr_row key = tr_context_key(context);

	assert_int_equal(tr_row_i64(&key, 0), tr_row_i64(row, 1));
	assert_int_equal(tr_context_timestamp(context), tr_row_i64(row, 2));
	add_right(tr_context_own(context), row);
	return TR_OK;
}

static tr_code right_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			   struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		tr_context_choose(context, i);
		add_right(tr_context_own(context), &row);
	}
	return TR_OK;
}

static tr_code joined_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			    struct tr_status *st)
{
	struct joined *j = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	int64_t count = 0, sum = 0;
	uint64_t cursor = 0;
	const void *bytes;
	uint32_t length;

	assert_true(tr_context_watermark(context) >= timer->time_ms);
	assert_true(*(const int64_t *)tr_value_state_get(j->rows) > 0);
	while (tr_list_state_next(j->times, &cursor, &bytes, &length)) {
		int64_t item[2];

		memcpy(item, bytes, sizeof(item));
		count += item[0] <= timer->time_ms;
		sum += item[0] <= timer->time_ms ? item[1] : 0;
	}
	tr_collector_set_column(out, 0, &key, 0);
	tr_collector_set_i64(out, 1, timer->time_ms);
	tr_collector_set_i64(out, 2, count);
	tr_collector_set_i64(out, 3, sum);
	tr_collector_add(out);
	return TR_OK;
}

static uint32_t joined_lines(void)
{
	for (uint32_t i = 0; i < LEFT; i++) {
		int64_t count = 0, sum = 0;

		for (uint32_t r = 0; r < RIGHT && right_rows[r][2] <= left_rows[i][2]; r++) {
			if (right_rows[r][0] != left_rows[i][0])
				continue;
			count++;
			sum += right_rows[r][1];
		}
		sprintf(lines[i], "%lld,%lld,%lld,%lld", (long long)left_rows[i][0], (long long)left_rows[i][2],
			(long long)count, (long long)sum);
	}
	return LEFT;
}

#define JOINED "k BIGINT, ts TIMESTAMP(3), n BIGINT, total BIGINT"

static void test_shared_state_and_timers(void **state)
{
	const uint32_t count = joined_lines();

	for (uint32_t i = 0; i < 36; i++) {
		struct tr_co_function function =
			TR_MAKE(tr_co_function, .open = open_joined, .on_timer = joined_timer, .close = close_joined);
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *right, *joined;
		struct tr_collected *out;

		if (i / 9 % 2 == 0)
			function.on_left_row = left_row;
		else
			function.on_left_batch = left_batch;
		if (i / 18 == 0)
			function.on_right_row = right_row;
		else
			function.on_right_batch = right_batch;
		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3 % 3]);
		right = tr_stream_select(source(env, 1), "v, k AS id, ts");
		joined = tr_stream_connect_process(tr_stream_key_by(source(env, 0), "k"), tr_stream_key_by(right, "id"),
						   JOINED, &function);
		out = tr_stream_collect(joined);
		if (i == 0)
			assert_non_null(strstr(tr_env_explain(env, false, NULL),
					       "KeyedCoProcess(name=[connect 2], keyBy=[k], andBy=[id], fields=[k, ts, "
					       "n, total])"));
		api_run(env);
		api_expect_lines(out, lines, count);
		tr_env_destroy(&env);
	}
}

/* Without keys: both sides' rows with their side, each counted; the ends of both come once. */

static tr_code tag(struct tr_row row, int64_t side, struct tr_collector *out)
{
	tr_collector_set_i64(out, 0, side);
	tr_collector_set_i64(out, 1, tr_row_i64(&row, 0));
	tr_collector_set_column(out, 2, &row, side == 0 ? 1 : 0);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code tag_left(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	return tag(*row, 0, out);
}

static tr_code tag_right(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			 struct tr_status *st)
{
	for (uint32_t i = 0; i < batch->selected_count; i++)
		tag((struct tr_row){batch, tr_batch_row(batch, i)}, 1, out);
	return TR_OK;
}

static tr_code tag_end(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	tr_collector_set_i64(out, 0, 2);
	tr_collector_add(out);
	return TR_OK;
}

static void test_without_keys(void **state)
{
	const struct tr_co_function function =
		TR_MAKE(tr_co_function, .on_left_row = tag_left, .on_right_batch = tag_right, .on_end = tag_end);

	for (uint32_t i = 0; i < 9; i++) {
		struct tr_env *env = api_env(SUBTASKS[i % 3]);
		struct tr_stream *tagged;
		struct tr_collected *out;
		uint32_t count = 0;

		tr_env_set(env, "engine.batch-rows", BATCHES[i / 3]);
		tagged = tr_stream_connect_process(source(env, 0), tr_stream_select(source(env, 1), "v, 'r' AS r"),
						   "side INT, a BIGINT, b BIGINT", &function);
		out = tr_stream_collect(tr_stream_parallelism(tagged, i % 3 + 1));
		api_run(env);
		for (uint32_t r = 0; r < LEFT; r++)
			sprintf(lines[count++], "0,%lld,%lld", (long long)left_rows[r][0], (long long)left_rows[r][1]);
		for (uint32_t r = 0; r < RIGHT; r++)
			sprintf(lines[count++], "1,%lld,%lld", (long long)right_rows[r][1], (long long)right_rows[r][1]);
		for (uint32_t s = 0; s <= i % 3; s++)
			sprintf(lines[count++], "2,NULL,NULL");
		api_expect_lines(out, lines, count);
		tr_env_destroy(&env);
	}
}

/* Stopped in the middle, and restored. Sources in C that can be held back. */

static _Atomic int64_t gate;

static tr_code read_side(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const bool is_left = user == left_rows;
	const int64_t(*rows)[3] = user;
	const int64_t all = is_left ? LEFT : RIGHT, open = TR_MIN(atomic_load(&gate), all);
	uint32_t n = 0;

	for (; r->position < open && r->position < r->limit && n < r->rows_max; n++) {
		for (uint32_t c = 0; c < 3; c++)
			tr_collector_set_i64(out, c, rows[r->position][c]);
		tr_collector_add(out);
		r->watermark_ms = rows[r->position++][2] - 1;
	}
	r->wake_ms = 1;
	*result = r->position == all ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static struct tr_collected *make(struct tr_env *env, const char *directory)
{
	const struct tr_source_function sides[2] = {
		TR_MAKE(tr_source_function, .user = left_rows, .split_count = 1, .has_watermarks = true,
			.read = read_side),
		TR_MAKE(tr_source_function, .user = right_rows, .split_count = 1, .has_watermarks = true,
			.read = read_side),
	};
	const struct tr_co_function function =
		TR_MAKE(tr_co_function, .open = open_joined, .on_left_batch = left_batch, .on_right_row = right_row,
			.on_timer = joined_timer, .close = close_joined);
	struct tr_stream *left, *right;

	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "execution.checkpointing.interval", "1 h");
	left = tr_env_from_source(env, "left", API_COLUMNS, &sides[0], API_WATERMARKS);
	right = tr_env_from_source(env, "right", API_COLUMNS, &sides[1], API_WATERMARKS);
	right = tr_stream_select(right, "v, k AS id, ts");
	return tr_stream_collect(tr_stream_connect_process(tr_stream_key_by(left, "k"), tr_stream_key_by(right, "id"),
							   JOINED, &function));
}

static void test_restore(void **state)
{
	static const char *const counts[][2] = {{"1", "3"}, {"3", "2"}, {"2", "1"}};
	const uint32_t count = joined_lines();

	for (size_t i = 0; i < TR_COUNT_OF(counts); i++) {
		struct tr_env *env = api_env(counts[i][0]);
		struct tr_collected *first, *second;
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_job *job;
		char directory[64] = "/tmp/tailrace-connect-XXXXXX", savepoint[96], command[96];
		char *texts[2], *both;

		assert_non_null(mkdtemp(directory));
		snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
		atomic_store(&gate, RIGHT / 2); /* the left side stands where the right one will pass it */
		first = make(env, directory);
		if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
			fail_msg("%s", st.message);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.rows_in < 2 * (RIGHT / 2) && tr_job_state(job) == TR_JOB_RUNNING);
		if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_job_destroy(&job);
		texts[0] = api_text(first, false);
		tr_env_destroy(&env);
		atomic_store(&gate, LEFT);
		env = api_env(counts[i][1]);
		tr_env_restore(env, savepoint, false);
		second = make(env, strcat(directory, "/second"));
		api_run(env);
		texts[1] = api_text(second, false);
		tr_env_destroy(&env);
		/* Both runs' timers together are all of them, each once. */
		both = calloc(strlen(texts[0]) + strlen(texts[1]) + 1, 1);
		strcat(strcat(both, texts[0]), texts[1]);
		{
			uint32_t found = 0;

			for (const char *at = both; (at = strchr(at, '\n')) != NULL; at++)
				found++;
			assert_int_equal(found, count);
			for (uint32_t l = 0; l < count; l++) {
				strcat(lines[l], "\n");
				if (strstr(both, lines[l]) == NULL)
					fail_msg("'%s' is missing", lines[l]);
				lines[l][strlen(lines[l]) - 1] = '\0';
			}
		}
		assert_true(strlen(texts[1]) > 0); /* the first may have been stopped before its first timer */
		free(texts[0]);
		free(texts[1]);
		free(both);
		directory[strlen(directory) - strlen("/second")] = '\0';
		snprintf(command, sizeof(command), "rm -rf %s", directory);
		assert_int_equal(system(command), 0);
	}
}

static void test_errors(void **state)
{
	static const char *const expected[] = {
		"connect 1: both streams are keyed, or neither is (tr_stream_key_by)",
		"connect 3: key column 1 is BIGINT on the left and STRING on the right",
		"connect 4: the left stream has 1 key columns, the right one 2",
		"connect 5: a struct tr_co_function is needed, made by TR_MAKE(tr_co_function, ..)",
		"connect 6: a function has either a callback for rows or one for batches, of each side",
		"connect 7: on_timer needs keyed streams (tr_stream_key_by)",
	};
	struct tr_co_function function = TR_MAKE(tr_co_function, .on_left_row = tag_left, .on_right_batch = tag_right);
	struct tr_env *env = api_env("1");
	struct tr_stream *left = source(env, 0), *keyed = tr_stream_key_by(left, "k"), *right = source(env, 1);

	tr_stream_connect_process(keyed, right, "a INT", &function);
	tr_stream_connect_process(keyed, tr_stream_key_by(tr_stream_select(right, "CAST(k AS STRING) AS k"), "k"),
				  "a INT", &function);
	tr_stream_connect_process(keyed, tr_stream_key_by(right, "k, v"), "a INT", &function);
	tr_stream_connect_process(left, right, "a INT", NULL);
	function.on_left_batch = tag_right;
	tr_stream_connect_process(left, right, "a INT", &function);
	function.on_left_batch = NULL;
	function.on_timer = joined_timer;
	tr_stream_connect_process(left, right, "a INT", &function);
	for (uint32_t i = 0; i < TR_COUNT_OF(expected); i++)
		assert_string_equal(tr_env_error(env, i), expected[i]);
	tr_env_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_state_and_timers),
		cmocka_unit_test(test_without_keys),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
