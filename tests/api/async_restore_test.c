/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in flight are part of checkpoints: a job whose service has stopped answering is stopped behind a savepoint, and goes on with another number
 * of subtasks; it fails in the middle and starts again. Each row is there once, and with one subtask in its order.
 */
#include "async_pool.h"

#define SPLITS 2
#define ROWS 1500 /* of a split */

static _Atomic int64_t gate;    /* rows of a split that may be read */
static _Atomic int64_t bad_row; /* of split 0: is answered with an error once; -1: none */
static struct pool pool;

/* Row i of split s: s, i, time 10 i. */
static tr_code read_rows(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const int64_t open = atomic_load(&gate);
	uint32_t n = 0;

	for (; r->position < ROWS && r->position < open && r->position < r->limit && n < r->rows_max && n < 37; n++) {
		tr_collector_set_i64(out, 0, r->split);
		tr_collector_set_i64(out, 1, r->position);
		tr_collector_set_i64(out, 2, 10 * r->position);
		tr_collector_add(out);
		r->position++;
	}
	r->watermark_ms = 10 * r->position - 1;
	r->wake_ms = 1;
	*result = r->position == ROWS ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static void answer(struct tr_async_request *request)
{
	struct tr_row row = tr_async_row(request);
	int64_t bad = tr_row_i64(&row, 1);

	if (tr_row_i64(&row, 0) == 0 && atomic_compare_exchange_strong(&bad_row, &bad, -1)) {
		tr_async_fail(request, TR_ERR_UNAVAILABLE, "as was asked");
		return;
	}
	for (uint32_t c = 0; c < 3; c++)
		tr_collector_set_column(tr_async_out(request), c, &row, c);
	tr_collector_add(tr_async_out(request));
	tr_async_complete(request);
}

static tr_code ask(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
		   struct tr_status *st)
{
	pool_ask(&pool, request);
	return TR_OK;
}

/* The sink: rows become visible when they are committed, a handle once, however often that is asked. */

struct row {
	int64_t v[2];
};
static pthread_mutex_t visible_lock = PTHREAD_MUTEX_INITIALIZER;
static struct row visible[4 * SPLITS * ROWS];
static uint32_t visible_count;
static uint8_t is_committed[10000];
static _Atomic int64_t handle_count;

struct writer {
	struct row rows[SPLITS * ROWS],
		handle[TR_SINK_HANDLE_BYTES_MAX / sizeof(struct row)]; /* the first: its number */
	uint32_t count;
};

static tr_code sink_open(void *user, const struct tr_schema *schema, uint32_t subtask, void **writer,
			 struct tr_status *st)
{
	*writer = calloc(1, sizeof(struct writer));
	return TR_OK;
}

static tr_code sink_write(void *writer, const struct tr_batch *batch, struct tr_status *st)
{
	struct writer *w = writer;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		w->rows[w->count++] = (struct row){{tr_row_i64(&row, 0), tr_row_i64(&row, 1)}};
	}
	return TR_OK;
}

static tr_code sink_prepare(void *writer, uint64_t checkpoint, struct tr_sink_handle *handle, struct tr_status *st)
{
	struct writer *w = writer;

	assert_true(w->count < TR_COUNT_OF(w->handle));
	w->handle[0].v[0] = atomic_fetch_add(&handle_count, 1);
	memcpy(&w->handle[1], w->rows, w->count * sizeof(struct row));
	*handle = (struct tr_sink_handle){w->handle, (uint32_t)((w->count + 1) * sizeof(struct row))};
	w->count = 0;
	return TR_OK;
}

static tr_code sink_commit(void *writer, const struct tr_sink_handle *handle, struct tr_status *st)
{
	const uint32_t count = handle->length / (uint32_t)sizeof(struct row) - 1;
	int64_t number;

	memcpy(&number, handle->bytes, sizeof(number));
	pthread_mutex_lock(&visible_lock);
	assert_true(visible_count + count <= TR_COUNT_OF(visible) && number < (int64_t)sizeof(is_committed));
	if (!is_committed[number]) {
		memcpy(&visible[visible_count], (const struct row *)handle->bytes + 1, count * sizeof(struct row));
		visible_count += count;
	}
	is_committed[number] = 1;
	pthread_mutex_unlock(&visible_lock);
	return TR_OK;
}

static tr_code sink_recover(void *writer, const struct tr_sink_handle *handles, uint32_t count, struct tr_status *st)
{
	for (uint32_t i = 0; i < count; i++)
		TR_TRY(sink_commit(writer, &handles[i], st));
	return TR_OK;
}

static void sink_close(void *writer) { free(writer); }

/* The job. */

static char directory[64];

static struct tr_env *make(int parallelism, const char *folder, bool is_unordered, uint32_t capacity)
{
	const struct tr_source_function rows =
		TR_MAKE(tr_source_function, .split_count = SPLITS, .has_watermarks = true, .read = read_rows);
	const struct tr_async_function function = TR_MAKE(tr_async_function, .on_row = ask);
	const struct tr_sink_function sink =
		TR_MAKE(tr_sink_function, .open = sink_open, .write = sink_write, .prepare = sink_prepare,
			.commit = sink_commit, .recover = sink_recover, .close = sink_close);
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[parallelism - 1]);
	char text[96];

	snprintf(text, sizeof(text), "%s/%s", directory, folder);
	tr_env_set(env, "execution.checkpointing.interval", "10 ms");
	tr_env_set(env, "execution.checkpointing.dir", text);
	tr_env_set(env, "engine.batch-rows", "100");
	tr_env_set(env, "restart-strategy.type", "fixed-delay");
	tr_env_set(env, "restart-strategy.fixed-delay.delay", "10 ms");
	tr_stream_sink_to(
		tr_stream_async(tr_env_from_source(env, "rows", API_COLUMNS, &rows, API_WATERMARKS), API_COLUMNS,
				&function,
				&TR_MAKE(tr_async_options, .is_unordered = is_unordered, .capacity = capacity)),
		"out", &sink);
	return env;
}

static void begin(void)
{
	snprintf(directory, sizeof(directory), "/tmp/tailrace-api-XXXXXX");
	assert_non_null(mkdtemp(directory));
	visible_count = 0;
	atomic_store(&bad_row, -1);
	pool_begin(&pool, answer);
}

static void end(void)
{
	char command[128];

	pool_end(&pool);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

static void expect_all(bool is_ordered)
{
	static uint8_t seen[SPLITS][ROWS];
	int64_t last[SPLITS] = {-1, -1};

	memset(seen, 0, sizeof(seen));
	assert_int_equal(visible_count, SPLITS * ROWS);
	for (uint32_t i = 0; i < visible_count; i++) {
		const int64_t split = visible[i].v[0], row = visible[i].v[1];

		assert_true(split >= 0 && split < SPLITS && row >= 0 && row < ROWS && seen[split][row] == 0);
		seen[split][row] = 1;
		if (is_ordered)
			assert_true(row > last[split]);
		last[split] = row;
	}
}

static void run(struct tr_env *env)
{
	struct tr_status st = {0};

	if (tr_env_execute(env, "job", &st) != TR_OK)
		fail_msg("%s", st.message);
	tr_env_destroy(&env);
}

/* The service has stopped: rows are in flight, and stay so, when the savepoint is made. */
static void test_savepoint(void **state)
{
	static const int counts[][2] = {{1, 1}, {1, 3}, {3, 2}, {2, 1}, {2, 2}};

	for (size_t i = 0; i < 2 * TR_COUNT_OF(counts); i++) {
		const int *parallelism = counts[i / 2];
		const bool is_unordered = i % 2;
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_env *env;
		struct tr_job *job;
		char savepoint[96];
		uint32_t in_flight, before;

		begin();
		snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
		atomic_store(&gate, ROWS / 3);
		env = make(parallelism[0], "first", is_unordered, SPLITS * ROWS);
		assert_int_equal(tr_env_execute_async(env, "job", &job, &st), TR_OK);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.rows_in < SPLITS * ROWS / 3 && tr_job_state(job) == TR_JOB_RUNNING);
		pool_hold(&pool, true);
		atomic_store(&gate, ROWS / 2);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
			in_flight = pool_in_flight(&pool);
		} while (metrics.rows_in < SPLITS * ROWS / 2 && tr_job_state(job) == TR_JOB_RUNNING);
		if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		assert_true(in_flight > 0);
		before = visible_count;
		assert_true(before < SPLITS * ROWS / 2);
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		pool_hold(&pool, false);
		atomic_store(&gate, ROWS);
		env = make(parallelism[1], "second", is_unordered, 30); /* there is less room than rows were in flight */
		tr_env_restore(env, savepoint, false);
		run(env);
		expect_all(!is_unordered && parallelism[0] == 1 && parallelism[1] == 1);
		end();
	}
}

/* A request fails in the middle, and the job goes on from its last checkpoint. */
static void test_restart(void **state)
{
	for (int p = 1; p <= 3; p++) {
		for (int is_unordered = 0; is_unordered < 2; is_unordered++) {
			struct tr_job_metrics metrics;
			struct tr_status st = {0};
			struct tr_env *env;
			struct tr_job *job;

			begin();
			atomic_store(&gate, ROWS / 2);
			atomic_store(&bad_row, ROWS * 3 / 4);
			env = make(p, "job", is_unordered, 100);
			assert_int_equal(tr_env_execute_async(env, "job", &job, &st), TR_OK);
			do {
				usleep(1000);
				tr_job_metrics(job, &metrics);
			} while (metrics.checkpoints_completed < 2 && tr_job_state(job) == TR_JOB_RUNNING);
			atomic_store(&gate, ROWS);
			if (tr_job_wait(job, &st) != TR_OK)
				fail_msg("%s", st.message);
			tr_job_metrics(job, &metrics);
			assert_int_equal(metrics.restarts, 1);
			tr_job_destroy(&job);
			tr_env_destroy(&env);
			expect_all(p == 1 && !is_unordered);
			end();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_savepoint), cmocka_unit_test(test_restart)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
