/* SPDX-License-Identifier: Apache-2.0
 *
 * Interval joins against loops over all pairs: bounds of all sorts, inclusive and exclusive, with 1, 2 and 3 subtasks and batches of 1, 7 and
 * 2,048 rows; late rows of both sides; rows that have no time; a savepoint in the middle, with other numbers of subtasks.
 */
#include "api_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api/run_context.h"

#define ROWS 120
/* Times repeat, so the watermark is less than the greatest of them. */
#define WATERMARKS (&TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 1))
#define OUT "k BIGINT, l BIGINT, r BIGINT, ts TIMESTAMP(3)"

static int64_t rows[2][ROWS][3]; /* key, value, time */

struct bounds {
	int64_t lower_ms, upper_ms;
	bool is_lower_exclusive, is_upper_exclusive;
};

static const struct bounds BOUNDS[] = {
	{0, 0, false, false},    {-20, 30, false, false}, {-20, 30, true, true},
	{10, 40, false, true},   {10, 40, true, false},   {-40, -10, true, false},
	{-1000, 0, false, true}, {0, 1000, true, false},  {5, 6, true, true},
};

/** Rows of each side in the order of their times, which repeat. */
static void make_rows(uint64_t seed)
{
	for (uint32_t side = 0; side < 2; side++) {
		int64_t time = 0;

		for (uint32_t i = 0; i < ROWS; i++) {
			time += 5 * tr_test_below(&seed, 4);
			rows[side][i][0] = tr_test_below(&seed, 4);
			rows[side][i][1] = i;
			rows[side][i][2] = time;
		}
	}
}

static bool is_pair(const struct bounds *b, const int64_t *left, const int64_t *right)
{
	const int64_t distance = right[2] - left[2];

	return left[0] == right[0] && (b->is_lower_exclusive ? distance > b->lower_ms : distance >= b->lower_ms) &&
	       (b->is_upper_exclusive ? distance < b->upper_ms : distance <= b->upper_ms);
}

static char *expected_text(const struct bounds *b)
{
	char **lines = calloc(ROWS * ROWS + 1, sizeof(*lines)), *text;
	size_t count = 0, at = 0;

	for (uint32_t l = 0; l < ROWS; l++)
		for (uint32_t r = 0; r < ROWS; r++) {
			const int64_t *left = rows[0][l], *right = rows[1][r];

			if (!is_pair(b, left, right))
				continue;
			lines[count] = malloc(100);
			snprintf(lines[count++], 100, "%lld,%lld,%lld,%lld\n", (long long)left[0], (long long)left[1],
				 (long long)right[1], (long long)TR_MAX(left[2], right[2]));
		}
	qsort(lines, count, sizeof(*lines), api_compare);
	text = calloc(count + 1, 100);
	for (size_t i = 0; i < count; i++) {
		at += (size_t)sprintf(text + at, "%s", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return text;
}

static _Atomic uint64_t entries; /* of all states at the last pair */

static tr_code pair(struct tr_context *context, const struct tr_row *left, const struct tr_row *right,
		    struct tr_collector *out, struct tr_status *st)
{
	struct tr_row key = tr_context_key(context);
	uint64_t count = 0;

	assert_int_equal(tr_row_i64(&key, 0), tr_row_i64(left, 0));
	assert_int_equal(tr_row_i64(&key, 0), tr_row_i64(right, 0));
	assert_ptr_equal(tr_context_user(context), rows);
	assert_int_equal(tr_context_timestamp(context), TR_MAX(tr_row_i64(left, 2), tr_row_i64(right, 2)));
	tr_collector_set_i64(out, 0, tr_row_i64(left, 0));
	tr_collector_set_i64(out, 1, tr_row_i64(left, 1));
	tr_collector_set_i64(out, 2, tr_row_i64(right, 1));
	tr_collector_set_i64(out, 3, tr_context_timestamp(context));
	tr_collector_add(out);
	for (uint32_t i = 0; i < context->states.count; i++)
		count += tr_table_count(context->states.items[i]->table);
	atomic_store(&entries, count);
	return TR_OK;
}

static struct tr_stream *join(struct tr_stream *left, struct tr_stream *right, const struct bounds *b)
{
	return tr_stream_interval_join(tr_stream_key_by(left, "k"), tr_stream_key_by(right, "k"), b->lower_ms,
				       b->upper_ms, OUT, pair, rows,
				       &TR_MAKE(tr_interval_options, .is_lower_exclusive = b->is_lower_exclusive,
						.is_upper_exclusive = b->is_upper_exclusive, .left_late_tag = "late l",
						.right_late_tag = "late r"));
}

static void test_model(void **state)
{
	static const char *const batch_rows[] = {"1", "7", "2048"};

	for (uint64_t n = 0; n < tr_test_cases(3 * TR_COUNT_OF(BOUNDS)); n++) {
		const uint32_t i = (uint32_t)(10 * n % (3 * TR_COUNT_OF(BOUNDS))); /* all, in another order */
		const struct bounds *b = &BOUNDS[i % TR_COUNT_OF(BOUNDS)];
		struct tr_owned_batch *owned[2];
		char *expected;

		make_rows(i);
		expected = expected_text(b);
		owned[0] = api_rows((const int64_t(*)[3])rows[0], ROWS);
		owned[1] = api_rows((const int64_t(*)[3])rows[1], ROWS);
		for (int p = 1; p <= 3; p++) {
			struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[p - 1]);
			const struct tr_batch *left[] = {tr_owned_batch_get(owned[0])};
			const struct tr_batch *right[] = {tr_owned_batch_get(owned[1])};
			struct tr_collected *out, *late[2];
			struct tr_stream *joined;

			tr_env_set(env, "engine.batch-rows", batch_rows[i / TR_COUNT_OF(BOUNDS)]);
			tr_env_set(env, "pipeline.auto-watermark-interval", "1 ms");
			joined = join(tr_env_from_batches(env, "l", API_COLUMNS, left, 1, WATERMARKS),
				      tr_env_from_batches(env, "r", API_COLUMNS, right, 1, WATERMARKS), b);
			out = tr_stream_collect(joined);
			late[0] = tr_stream_collect(tr_stream_side_output(joined, "late l", API_COLUMNS));
			late[1] = tr_stream_collect(tr_stream_side_output(joined, "late r", API_COLUMNS));
			api_run(env);
			api_expect(out, expected);
			api_expect(late[0], "");
			api_expect(late[1], "");
			tr_env_destroy(&env);
		}
		free(expected);
		tr_owned_batch_release(&owned[0]);
		tr_owned_batch_release(&owned[1]);
	}
}

/* Sources whose rows are read as far as a gate is open. */

static _Atomic int64_t gate[2];
static const int64_t (*given)[ROWS][3] = (const int64_t (*)[ROWS][3])rows;
static int64_t given_count[2] = {ROWS, ROWS};

static tr_code read_rows(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const uint32_t side = user == &gate[1];
	const int64_t open = atomic_load(&gate[side]);
	uint32_t n = 0;

	for (; r->position < given_count[side] && r->position < open && n < r->rows_max && r->position < r->limit; n++) {
		for (uint32_t c = 0; c < 3; c++)
			tr_collector_set_i64(out, c, given[side][r->position][c]);
		tr_collector_add(out);
		r->watermark_ms = TR_MAX(r->watermark_ms, given[side][r->position][2] - 1);
		r->position++;
	}
	r->wake_ms = 1;
	*result = r->position == given_count[side] ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static struct tr_stream *gated(struct tr_env *env, uint32_t side)
{
	return tr_env_from_source(env, side == 0 ? "l" : "r", API_COLUMNS,
				  &TR_MAKE(tr_source_function, .user = &gate[side], .split_count = 1,
					   .has_watermarks = true, .read = read_rows),
				  API_WATERMARKS);
}

/* Late rows: a row whose time is less than the watermark of both sides; one that has it is in time. Rows in time still find theirs. */

static const int64_t LATE[2][ROWS][3] = {
	{{1, 0, 100}, {1, 1, 200}, {1, 2, 198}, {1, 3, 199}, {1, 4, 200}},
	{{1, 0, 100}, {1, 1, 200}, {1, 2, 10}, {1, 3, 250}},
};

static void test_late(void **state)
{
	for (int has_tags = 0; has_tags < 2; has_tags++) {
		struct tr_env *env = api_env("1");
		struct tr_job_metrics metrics;
		struct tr_collected *out, *late[2] = {NULL, NULL};
		struct tr_stream *joined;
		struct tr_job *job;

		given = LATE;
		given_count[0] = 5;
		given_count[1] = 4;
		atomic_store(&gate[0], 2);
		atomic_store(&gate[1], 2);
		tr_env_set(env, "pipeline.auto-watermark-interval", "1 ms");
		joined = tr_stream_interval_join(
			tr_stream_key_by(gated(env, 0), "k"), tr_stream_key_by(gated(env, 1), "k"), -10, 60, OUT, pair,
			rows,
			has_tags ? &TR_MAKE(tr_interval_options, .left_late_tag = "l", .right_late_tag = "r") : NULL);
		out = tr_stream_collect(joined);
		if (has_tags) {
			late[0] = tr_stream_collect(tr_stream_side_output(joined, "l", API_COLUMNS));
			late[1] = tr_stream_collect(tr_stream_side_output(joined, "r", API_COLUMNS));
		}
		assert_int_equal(tr_env_execute_async(env, "job", &job, NULL), TR_OK);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.watermark_ms < 199 && tr_job_state(job) == TR_JOB_RUNNING);
		atomic_store(&gate[0], 5);
		atomic_store(&gate[1], 4);
		assert_int_equal(tr_job_wait(job, NULL), TR_OK);
		tr_job_metrics(job, &metrics);
		assert_int_equal(metrics.rows_late, 2);
		tr_job_destroy(&job);
		api_expect(out, "1,0,0,100\n1,1,1,200\n1,1,3,250\n1,3,1,200\n1,3,3,250\n1,4,1,200\n1,4,3,250\n");
		if (has_tags) {
			api_expect(late[0], "1,2,198\n");
			api_expect(late[1], "1,2,10\n");
		}
		tr_env_destroy(&env);
		given = (const int64_t(*)[ROWS][3])rows;
		given_count[0] = given_count[1] = ROWS;
	}
}

/* State: rows go when the watermark has passed what can join them. The last rows come when all others have gone. */
static void test_cleanup(void **state)
{
	const struct bounds b = {-20, 30, false, false};
	struct tr_env *env = api_env("1");
	struct tr_job_metrics metrics;
	struct tr_job *job;

	make_rows(1);
	for (uint32_t side = 0; side < 2; side++) {
		rows[side][ROWS - 1][0] = 1;
		rows[side][ROWS - 2][2] = 100000;
		rows[side][ROWS - 1][2] = 200000;
		atomic_store(&gate[side], ROWS - 1);
	}
	tr_env_set(env, "pipeline.auto-watermark-interval", "1 ms");
	tr_stream_collect(join(gated(env, 0), gated(env, 1), &b));
	atomic_store(&entries, 0);
	assert_int_equal(tr_env_execute_async(env, "job", &job, NULL), TR_OK);
	do {
		usleep(1000);
		tr_job_metrics(job, &metrics);
	} while (metrics.watermark_ms < 99999 && tr_job_state(job) == TR_JOB_RUNNING);
	atomic_store(&gate[0], ROWS);
	atomic_store(&gate[1], ROWS);
	assert_int_equal(tr_job_wait(job, NULL), TR_OK);
	tr_job_destroy(&job);
	tr_env_destroy(&env);
	assert_in_range(atomic_load(&entries), 1,
			12); /* of one key, and of those of the rows before; of all keys there are 20 */
}

/* A savepoint in the middle. What is written before it and after it is all there is, once. */

static pthread_mutex_t written_lock = PTHREAD_MUTEX_INITIALIZER;
static char *written[ROWS * ROWS];
static uint32_t written_count;

static tr_code open_writer(void *user, const struct tr_schema *schema, uint32_t subtask, void **writer,
			   struct tr_status *st)
{
	*writer = written;
	return TR_OK;
}

static tr_code write_rows(void *writer, const struct tr_batch *batch, struct tr_status *st)
{
	pthread_mutex_lock(&written_lock);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		written[written_count] = malloc(100);
		snprintf(written[written_count++], 100, "%lld,%lld,%lld,%lld\n", (long long)tr_row_i64(&row, 0),
			 (long long)tr_row_i64(&row, 1), (long long)tr_row_i64(&row, 2),
			 (long long)tr_row_i64(&row, 3));
	}
	pthread_mutex_unlock(&written_lock);
	return TR_OK;
}

static void close_writer(void *writer) {}

static struct tr_env *make(const char *parallelism, const char *directory, const struct bounds *b)
{
	const struct tr_sink_function sink =
		TR_MAKE(tr_sink_function, .open = open_writer, .write = write_rows, .close = close_writer);
	struct tr_env *env = api_env(parallelism);

	tr_env_set(env, "execution.checkpointing.interval", "1 h");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "pipeline.auto-watermark-interval", "1 ms");
	tr_stream_sink_to(join(gated(env, 0), gated(env, 1), b), "out", &sink);
	return env;
}

static void test_savepoint(void **state)
{
	static const char *const counts[][2] = {{"1", "3"}, {"3", "2"}, {"2", "1"}};

	for (size_t i = 0; i < TR_COUNT_OF(counts); i++) {
		const struct bounds *b = &BOUNDS[i + 1];
		char directory[64] = "/tmp/tailrace-join-XXXXXX", savepoint[80], command[100], *expected, *text;
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_env *env;
		struct tr_job *job;
		size_t at = 0;

		assert_non_null(mkdtemp(directory));
		snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
		make_rows(i + 100);
		expected = expected_text(b);
		atomic_store(&gate[0], ROWS / 2);
		atomic_store(&gate[1], ROWS / 3);
		env = make(counts[i][0], directory, b);
		assert_int_equal(tr_env_execute_async(env, "job", &job, &st), TR_OK);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.rows_in < ROWS / 2 + ROWS / 3 && tr_job_state(job) == TR_JOB_RUNNING);
		if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		assert_true(written_count > 0);
		atomic_store(&gate[0], ROWS);
		atomic_store(&gate[1], ROWS);
		snprintf(command, sizeof(command), "%s/second", directory);
		env = make(counts[i][1], command, b);
		tr_env_restore(env, savepoint, false);
		if (tr_env_execute(env, "job", &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_env_destroy(&env);
		qsort(written, written_count, sizeof(*written), api_compare);
		text = calloc(written_count + 1, 100);
		for (uint32_t k = 0; k < written_count; k++) {
			at += (size_t)sprintf(text + at, "%s", written[k]);
			free(written[k]);
		}
		written_count = 0;
		assert_string_equal(text, expected);
		free(text);
		free(expected);
		snprintf(command, sizeof(command), "rm -rf %s", directory);
		assert_int_equal(system(command), 0);
	}
}

/* Errors. */

static void test_errors(void **state)
{
	static const char *const expected[] = {
		"interval join 1: source 'l' is not keyed (tr_stream_key_by)",
		"interval join 2: source 'n' has no event time",
		"interval join 3: the interval from 5 to 4 ms ends before it begins",
		"interval join 4: the interval from -2000000000000000 to 4 ms reaches too far",
		"interval join 5: ",
		"interval join 6: key column 1 is BIGINT on the left and TIMESTAMP(3) on the right",
		"interval join 7: a struct tr_interval_options is needed",
	};
	struct tr_interval_options wrong = {.struct_size = 0};
	struct tr_env *env = api_env("1");
	struct tr_stream *left = gated(env, 0), *keyed = tr_stream_key_by(left, "k");
	struct tr_stream *right = tr_stream_key_by(gated(env, 1), "k"), *timeless;

	timeless = tr_stream_key_by(
		tr_env_from_source(env, "n", API_COLUMNS,
				   &TR_MAKE(tr_source_function, .user = &gate[1], .split_count = 1, .read = read_rows),
				   NULL),
		"k");
	tr_stream_interval_join(left, right, 0, 1, OUT, pair, NULL, NULL);
	tr_stream_interval_join(keyed, timeless, 0, 1, OUT, pair, NULL, NULL);
	tr_stream_interval_join(keyed, right, 5, 4, OUT, pair, NULL, NULL);
	tr_stream_interval_join(keyed, right, -2000000000000000, 4, OUT, pair, NULL, NULL);
	tr_stream_interval_join(keyed, right, 0, 1, OUT, NULL, NULL, NULL);
	tr_stream_interval_join(keyed, tr_stream_key_by(gated(env, 1), "ts"), 0, 1, OUT, pair, NULL, NULL);
	tr_stream_interval_join(keyed, right, 0, 1, OUT, pair, NULL, &wrong);
	for (uint32_t i = 0; i < TR_COUNT_OF(expected); i++)
		if (tr_env_error(env, i) == NULL || strncmp(tr_env_error(env, i), expected[i], strlen(expected[i])) != 0)
			fail_msg("%u: %s", i, tr_env_error(env, i));
	tr_env_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_late),
					   cmocka_unit_test(test_cleanup), cmocka_unit_test(test_savepoint),
					   cmocka_unit_test(test_errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
