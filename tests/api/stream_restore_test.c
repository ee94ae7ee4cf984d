/* SPDX-License-Identifier: Apache-2.0
 *
 * A job with everything that is saved: a source in C with splits, keyed state of all sorts, timers, an exact sink. It is stopped behind a
 * savepoint in the middle and goes on with another number of subtasks; it fails in the middle and starts again. Each row
 * must count once, and each result be there once.
 */
#include "api_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define SPLITS 3
#define ROWS 4000 /* of a split */
#define KEYS 50

static _Atomic int64_t gate;    /* rows of a split that may be read */
static _Atomic int64_t fail_at; /* the row, counted over all subtasks, at which the function fails once; 0: never */
static _Atomic int64_t rows_seen;
static _Atomic int64_t keys_restored, rows_restored; /* what on_start has met */

/* The source: row i of split s has key (7 i + s) mod KEYS, value i, time 10 i ms. */

static tr_code read_rows(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const int64_t open = atomic_load(&gate);
	uint32_t n = 0;

	for (; r->position < ROWS && r->position < open && r->position < r->limit && n < r->rows_max && n < 37; n++) {
		tr_collector_set_i64(out, 0, (7 * r->position + r->split) % KEYS);
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

/* Of each key: how many rows, their sum (three ways), the last one's value; told by a timer behind the end. */

struct states {
	struct tr_value_state *count;
	struct tr_reducing_state *sum;
	struct tr_list_state *thousands; /* values that are multiples of 1,000 */
	struct tr_map_state *parity;     /* how many are odd, how many even */
	struct tr_value_state *text;     /* the last value, as text */
};

static void add(void *user, void *value, const void *added)
{
	int64_t a, b;

	memcpy(&a, value, 8);
	memcpy(&b, added, 8);
	a += b;
	memcpy(value, &a, 8);
}

static tr_code open_states(struct tr_context *context, struct tr_status *st)
{
	struct states *s = calloc(1, sizeof(*s));

	s->count = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "count", .value_bytes = 8));
	s->sum = tr_reducing_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "sum", .value_bytes = 8), add,
					  NULL);
	s->thousands = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "thousands"));
	s->parity = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "parity"));
	s->text = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "text"));
	tr_context_set_own(context, s);
	return TR_OK;
}

static tr_code visit(struct tr_context *context, void *argument, struct tr_status *st)
{
	struct states *s = tr_context_own(context);
	int64_t count, sum = 0, n;
	const void *map_key = NULL, *bytes;
	uint32_t key_length = 0, length;

	memcpy(&count, tr_value_state_get(s->count), 8);
	while (tr_map_state_next(s->parity, map_key, key_length, &map_key, &key_length, &bytes, &length)) {
		memcpy(&n, bytes, 8);
		sum += n;
	}
	assert_int_equal(sum, count);
	assert_non_null(tr_reducing_state_get(s->sum));
	atomic_fetch_add(&keys_restored, 1);
	atomic_fetch_add(&rows_restored, count);
	return TR_OK;
}

static tr_code on_start(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	const int64_t before = atomic_load(&keys_restored);

	TR_TRY(tr_context_for_each_key(context, visit, NULL, st));
	assert_true(tr_context_is_restored(context) || atomic_load(&keys_restored) == before);
	return TR_OK;
}

static void close_states(struct tr_context *context) { free(tr_context_own(context)); }

static tr_code on_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	struct states *s = tr_context_own(context);
	const int64_t value = tr_row_i64(row, 1);
	int64_t *count = tr_value_state_put(s->count), n = 0;
	const int64_t *before;
	char text[32];
	int64_t wanted = atomic_fetch_add(&rows_seen, 1) + 1;

	if (atomic_compare_exchange_strong(&fail_at, &wanted, 0))
		TR_FAIL(st, TR_ERR_UNAVAILABLE, "as was asked");
	if (++*count == 1)
		tr_timer_set_event_time(context, 1000000);
	tr_reducing_state_add(s->sum, &value);
	if (value % 1000 == 0)
		tr_list_state_add(s->thousands, &value, sizeof(value));
	before = tr_map_state_get(s->parity, value % 2 ? "odd" : "eve", 3, NULL);
	if (before != NULL)
		memcpy(&n, before, 8);
	n++;
	tr_map_state_put(s->parity, value % 2 ? "odd" : "eve", 3, &n, 8);
	tr_value_state_set_bytes(s->text, text, (uint32_t)snprintf(text, sizeof(text), "%lld", (long long)value));
	return TR_OK;
}

static tr_code on_timer(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			struct tr_status *st)
{
	struct states *s = tr_context_own(context);
	const struct tr_row key = tr_context_key(context);
	const void *bytes, *map_key = NULL, *text;
	uint32_t length, key_length = 0;
	int64_t list = 0, map = 0, n;
	uint64_t cursor = 0;

	assert_int_equal(timer->time_ms, 1000000);
	while (tr_list_state_next(s->thousands, &cursor, &bytes, &length)) {
		memcpy(&n, bytes, 8);
		list += n;
	}
	while (tr_map_state_next(s->parity, map_key, key_length, &map_key, &key_length, &bytes, &length)) {
		memcpy(&n, bytes, 8);
		map += n;
	}
	text = tr_value_state_get_bytes(s->text, &length);
	tr_collector_set_column(out, 0, &key, 0);
	memcpy(&n, tr_value_state_get(s->count), 8);
	tr_collector_set_i64(out, 1, n);
	memcpy(&n, tr_reducing_state_get(s->sum), 8);
	tr_collector_set_i64(out, 2, n);
	tr_collector_set_i64(out, 3, list);
	tr_collector_set_i64(out, 4, map);
	tr_collector_set_text(out, 5, text, length);
	tr_collector_add(out);
	return TR_OK;
}

/* The sink: rows become visible when they are committed; a handle names how many of the writer's rows. */

struct row {
	int64_t v[5];
	char text[16];
};
static pthread_mutex_t visible_lock = PTHREAD_MUTEX_INITIALIZER;
static struct row visible[1000];
static uint32_t visible_count;

struct writer {
	struct row rows[1000];
	uint32_t count, prepared;
	struct row handle[1000];
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
		struct row *to = &w->rows[w->count++];

		for (uint32_t c = 0; c < 5; c++)
			to->v[c] = tr_row_i64(&row, c);
		snprintf(to->text, sizeof(to->text), "%.*s", (int)tr_row_text(&row, 5)->length,
			 tr_view_text(tr_row_text(&row, 5)));
	}
	return TR_OK;
}

static _Atomic uint64_t prepared_before; /* in former runs: numbers only grow */
static _Atomic uint64_t prepared_last;

static tr_code sink_prepare(void *writer, uint64_t checkpoint, struct tr_sink_handle *handle, struct tr_status *st)
{
	struct writer *w = writer;

	assert_true(checkpoint > atomic_load(&prepared_before));
	if (checkpoint > atomic_load(&prepared_last))
		atomic_store(&prepared_last, checkpoint);
	memcpy(w->handle, w->rows, w->count * sizeof(struct row));
	*handle = (struct tr_sink_handle){w->handle, (uint32_t)(w->count * sizeof(struct row))};
	w->count = 0;
	return TR_OK;
}

static tr_code sink_commit(void *writer, const struct tr_sink_handle *handle, struct tr_status *st)
{
	pthread_mutex_lock(&visible_lock);
	memcpy(&visible[visible_count], handle->bytes, handle->length);
	visible_count += handle->length / (uint32_t)sizeof(struct row);
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

static struct tr_env *make(const char *parallelism, const char *directory)
{
	const struct tr_source_function rows =
		TR_MAKE(tr_source_function, .split_count = SPLITS, .has_watermarks = true, .read = read_rows);
	const struct tr_function process = TR_MAKE(tr_function, .open = open_states, .on_row = on_row,
						   .on_timer = on_timer, .close = close_states, .on_start = on_start);
	const struct tr_sink_function sink =
		TR_MAKE(tr_sink_function, .open = sink_open, .write = sink_write, .prepare = sink_prepare,
			.commit = sink_commit, .recover = sink_recover, .close = sink_close);
	struct tr_env *env = api_env(parallelism);
	struct tr_stream *counts;

	tr_env_set(env, "execution.checkpointing.interval", "20 ms");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "engine.batch-rows", "100");
	tr_env_set(env, "restart-strategy.type", "fixed-delay");
	tr_env_set(env, "restart-strategy.fixed-delay.delay", "10 ms");
	counts = tr_stream_process(
		tr_stream_key_by(tr_env_from_source(env, "rows", API_COLUMNS, &rows, API_WATERMARKS), "k"),
		"k BIGINT, n BIGINT, total BIGINT, list BIGINT, map BIGINT, t STRING", &process);
	tr_stream_sink_to(tr_stream_uid(counts, "counts"), "out", &sink);
	return env;
}

static void expect_results(void)
{
	int64_t n[KEYS] = {0}, sum[KEYS] = {0}, list[KEYS] = {0};
	bool seen[KEYS] = {false};

	for (int64_t s = 0; s < SPLITS; s++) {
		for (int64_t i = 0; i < ROWS; i++) {
			const int64_t k = (7 * i + s) % KEYS;

			n[k]++;
			sum[k] += i;
			list[k] += i % 1000 == 0 ? i : 0;
		}
	}
	assert_int_equal(visible_count, KEYS);
	for (uint32_t i = 0; i < visible_count; i++) {
		const int64_t k = visible[i].v[0];

		assert_true(k >= 0 && k < KEYS && !seen[k]);
		seen[k] = true;
		assert_int_equal(visible[i].v[1], n[k]);
		assert_int_equal(visible[i].v[2], sum[k]);
		assert_int_equal(visible[i].v[3], list[k]);
		assert_int_equal(visible[i].v[4], n[k]);
		assert_true(strlen(visible[i].text) > 0);
	}
}

static char directory[64];

static void begin(void)
{
	snprintf(directory, sizeof(directory), "/tmp/tailrace-api-XXXXXX");
	assert_non_null(mkdtemp(directory));
	visible_count = 0;
	atomic_store(&prepared_before, 0);
	atomic_store(&prepared_last, 0);
	atomic_store(&rows_seen, 0);
	atomic_store(&keys_restored, 0);
	atomic_store(&rows_restored, 0);
	atomic_store(&fail_at, 0);
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

static void test_savepoint(void **state)
{
	static const char *const counts[][2] = {{"1", "1"}, {"1", "3"}, {"3", "2"}, {"2", "1"}};

	for (size_t i = 0; i < TR_COUNT_OF(counts); i++) {
		struct tr_status st = {0};
		struct tr_job_metrics metrics;
		struct tr_env *env;
		struct tr_job *job;
		char savepoint[96], first[96], second[96];

		begin();
		snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
		snprintf(first, sizeof(first), "%s/first", directory);
		snprintf(second, sizeof(second), "%s/second", directory);
		atomic_store(&gate, ROWS / 2);
		env = make(counts[i][0], first);
		if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
			fail_msg("%s", st.message);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.rows_in < SPLITS * ROWS / 2 && tr_job_state(job) == TR_JOB_RUNNING);
		if (tr_job_stop(job, savepoint, false, &st) != TR_OK)
			fail_msg("%s", st.message);
		if (tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		assert_int_equal(tr_job_state(job), TR_JOB_STOPPED);
		atomic_store(&prepared_before, atomic_load(&prepared_last));
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		assert_int_equal(visible_count, 0);
		atomic_store(&gate, ROWS);
		env = make(counts[i][1], second);
		tr_env_restore(env, savepoint, false);
		if (i % 2 == 0) /* it ends before its first checkpoint */
			tr_env_set(env, "execution.checkpointing.interval", "1 h");
		if (i == 3) /* none of its own */
			tr_env_set(env, "execution.checkpointing.interval", "0 ms");
		if (tr_env_execute(env, "job", &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_env_destroy(&env);
		assert_int_equal(atomic_load(&keys_restored), KEYS);
		assert_int_equal(atomic_load(&rows_restored), SPLITS * ROWS / 2);
		expect_results();
		end();
	}
}

static void test_restart(void **state)
{
	for (int p = 1; p <= 3; p++) {
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_env *env;
		struct tr_job *job;

		begin();
		atomic_store(&gate, ROWS / 2);
		atomic_store(&fail_at, SPLITS * ROWS * 3 / 4);
		env = make((const char *const[]){"1", "2", "3"}[p - 1], directory);
		if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
			fail_msg("%s", st.message);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while (metrics.checkpoints_completed < 3 && tr_job_state(job) == TR_JOB_RUNNING);
		atomic_store(&gate, ROWS);
		if (tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_job_metrics(job, &metrics);
		assert_int_equal(metrics.restarts, 1);
		assert_int_equal(tr_job_state(job), TR_JOB_FINISHED);
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		expect_results();
		end();
	}
}

/** Without checkpoints what an exact sink was given is committed at the end of the input. */
static void test_without_checkpoints(void **state)
{
	struct tr_status st = {0};
	struct tr_env *env;

	begin();
	atomic_store(&gate, ROWS);
	env = make("2", directory);
	tr_env_set(env, "execution.checkpointing.interval", "0 ms");
	if (tr_env_execute(env, "job", &st) != TR_OK)
		fail_msg("%s", st.message);
	tr_env_destroy(&env);
	expect_results();
	end();
}

static void test_batch(void **state)
{
	struct tr_status st = {0};
	struct tr_env *env;

	begin();
	env = make("1", directory);
	tr_env_set(env, "execution.runtime-mode", "batch");
	tr_env_restore(env, directory, false);
	assert_int_not_equal(tr_env_execute(env, "job", &st), TR_OK);
	assert_non_null(strstr(st.message, "batch mode"));
	tr_env_destroy(&env);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_savepoint), cmocka_unit_test(test_restart),
					   cmocka_unit_test(test_without_checkpoints), cmocka_unit_test(test_batch)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
