/* SPDX-License-Identifier: Apache-2.0
 *
 * A job with windows of all sorts of contents, triggers and timers is stopped behind a savepoint in the middle and goes on with another number
 * of subtasks; it fails in the middle and starts again. What its sink has published is what it publishes when left alone (which
 * window_model_test compares with a model).
 */
#include "api_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define ROWS 3000
#define KEYS 40
#define STEP 37 /* rows between two watermarks */
#define LINES_MAX 100000

static _Atomic int64_t gate;    /* rows that may be read */
static _Atomic int64_t fail_at; /* the row at which a function fails once; 0: never */
static _Atomic int64_t rows_seen;

/* Row i has key 7 i mod KEYS, value i, and a time of about i, up to 20 back. */

static tr_code read_rows(void *user, void *reader, struct tr_source_reading *r, struct tr_collector *out,
			 enum tr_read *result, struct tr_status *st)
{
	const int64_t open = atomic_load(&gate);
	uint32_t n = 0;

	for (; r->position < ROWS && r->position < open && r->position < r->limit && n < r->rows_max; n++) {
		if (n > 0 && r->position % STEP == 0)
			break;
		tr_collector_set_i64(out, 0, 7 * r->position % KEYS);
		tr_collector_set_i64(out, 1, r->position);
		tr_collector_set_i64(out, 2, r->position - r->position * r->position % 21);
		tr_collector_add(out);
		r->position++;
	}
	r->watermark_ms = r->position / STEP * STEP - 21; /* however the rows are read */
	r->wake_ms = 1;
	*result = r->position == ROWS ? TR_READ_END : n == 0 ? TR_READ_WAIT : TR_READ_MORE;
	return TR_OK;
}

static tr_code fail_once(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			 struct tr_status *st)
{
	int64_t wanted = atomic_fetch_add(&rows_seen, 1) + 1;

	if (atomic_compare_exchange_strong(&fail_at, &wanted, 0))
		TR_FAIL(st, TR_ERR_UNAVAILABLE, "as was asked");
	tr_collector_add_row(out, row);
	return TR_OK;
}

/* Window functions: all make (which, key, window's start, a number). */

static tr_code emit(struct tr_context *context, const struct tr_window *window, int64_t which, int64_t number,
		    struct tr_collector *out)
{
	const struct tr_row key = tr_context_key(context);

	tr_collector_set_i64(out, 0, which);
	tr_collector_set_column(out, 1, &key, 0);
	tr_collector_set_i64(out, 2, window->start_ms);
	tr_collector_set_i64(out, 3, number);
	tr_collector_add(out);
	return TR_OK;
}

static void add(void *user, void *accumulator, const struct tr_row *row)
{
	*(int64_t *)accumulator += tr_row_i64(row, 1);
}

static void merge(void *user, void *accumulator, const void *other)
{
	*(int64_t *)accumulator += *(const int64_t *)other;
}

static tr_code result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
		      struct tr_collector *out, struct tr_status *st)
{
	return emit(context, window, *(const int64_t *)tr_context_user(context), *(const int64_t *)accumulator, out);
}

/** A digest of the rows in their order, and of how often the window and the key have fired. */
static tr_code process(struct tr_context *context, const struct tr_window *window, const struct tr_batch *rows,
		       struct tr_collector *out, struct tr_status *st)
{
	int64_t *window_fired = tr_context_window_state(context);
	int64_t *key_fired = tr_value_state_put(tr_context_own(context)), number = 0;

	for (uint32_t i = 0; i < rows->selected_count; i++)
		number = (number * 31 + tr_column_i64(&rows->columns[1], tr_batch_row(rows, i))) % 1000003;
	number = number * 1000 + ++*key_fired;
	if (window_fired != NULL)
		number = number * 100 + ++*window_fired;
	return emit(context, window, *(const int64_t *)tr_context_user(context), number, out);
}

static tr_code open_process(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "fired",
									    .value_bytes = sizeof(int64_t))));
	return TR_OK;
}

static tr_code fold(void *user, const struct tr_row *so_far, const struct tr_row *row, struct tr_collector *out,
		    struct tr_status *st)
{
	tr_collector_set_i64(out, 1, tr_row_i64(so_far, 1) + tr_row_i64(row, 1));
	tr_collector_set_column(out, 2, row, 2);
	return TR_OK;
}

/* The sink: lines are visible when they are committed. */

struct line {
	int64_t v[4];
};
static pthread_mutex_t visible_lock = PTHREAD_MUTEX_INITIALIZER;
static struct line visible[LINES_MAX], expected[LINES_MAX];
static uint32_t visible_count, expected_count;

struct prepared {
	struct line *rows;
	uint32_t count;
};
static struct prepared prepared[LINES_MAX]; /* a handle is a place in it */
static uint32_t prepared_count;

struct writer {
	struct line rows[LINES_MAX];
	uint32_t count, handle;
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

	for (uint32_t i = 0; i < batch->selected_count; i++, w->count++)
		for (uint32_t c = 0; c < 4; c++)
			w->rows[w->count].v[c] = tr_column_i64(&batch->columns[c], tr_batch_row(batch, i));
	return TR_OK;
}

static tr_code sink_prepare(void *writer, uint64_t checkpoint, struct tr_sink_handle *handle, struct tr_status *st)
{
	struct writer *w = writer;
	struct prepared *p;

	pthread_mutex_lock(&visible_lock);
	w->handle = prepared_count++;
	p = &prepared[w->handle];
	p->rows = malloc((w->count + 1) * sizeof(struct line));
	p->count = w->count;
	memcpy(p->rows, w->rows, w->count * sizeof(struct line));
	pthread_mutex_unlock(&visible_lock);
	*handle = (struct tr_sink_handle){&w->handle, sizeof(w->handle)};
	w->count = 0;
	return TR_OK;
}

/** Once for each handle, however often it is called. */
static tr_code sink_commit(void *writer, const struct tr_sink_handle *handle, struct tr_status *st)
{
	struct prepared *p;
	uint32_t place;

	memcpy(&place, handle->bytes, sizeof(place));
	pthread_mutex_lock(&visible_lock);
	p = &prepared[place];
	memcpy(&visible[visible_count], p->rows, p->count * sizeof(struct line));
	visible_count += p->count;
	p->count = 0;
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

static const int64_t numbers[] = {0, 1, 2, 3, 4, 5};

static struct tr_env *make(const char *parallelism, const char *directory)
{
	const struct tr_source_function source =
		TR_MAKE(tr_source_function, .split_count = 1, .has_watermarks = true, .read = read_rows);
	const struct tr_function pass = TR_MAKE(tr_function, .on_row = fail_once);
	const struct tr_sink_function sink =
		TR_MAKE(tr_sink_function, .open = sink_open, .write = sink_write, .prepare = sink_prepare,
			.commit = sink_commit, .recover = sink_recover, .close = sink_close);
	struct tr_window_function sums =
		TR_MAKE(tr_window_function, .accumulator_bytes = 8, .add = add, .merge = merge, .result = result);
	struct tr_window_function all = TR_MAKE(tr_window_function, .open = open_process, .process = process);
	const struct tr_trigger continuous = tr_trigger_continuous_event_time(70);
	const struct tr_evictor last = tr_evictor_count(3);
	static const char *const columns = "which BIGINT, k BIGINT, s BIGINT, n BIGINT";
	struct tr_env *env = api_env(parallelism);
	struct tr_stream *keyed, *all_of[6];

	tr_env_set(env, "execution.checkpointing.interval", "20 ms");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "engine.batch-rows", "100");
	tr_env_set(env, "restart-strategy.type", "fixed-delay");
	tr_env_set(env, "restart-strategy.fixed-delay.delay", "10 ms");
	keyed = tr_stream_flat_map(
		tr_stream_parallelism(tr_env_from_source(env, "rows", API_COLUMNS, &source, API_WATERMARKS), 1),
		API_COLUMNS, &pass);
	keyed = tr_stream_key_by(tr_stream_parallelism(keyed, 1), "k");
	for (uint32_t i = 0; i < 6; i++) {
		struct tr_windows windows = tr_windows_tumbling(500);
		struct tr_window_function function = i % 2 == 0 ? sums : all;
		struct tr_window_options options = TR_MAKE(tr_window_options, .allowed_lateness_ms = 0);
		char uid[16];

		function.user = (void *)(uintptr_t)&numbers[i];
		if (i == 1 || i == 3)
			function.state_bytes = 8;
		switch (i) {
		case 0: break;
		case 1:
			windows = tr_windows_sliding(400, 100);
			options.trigger = &continuous;
			options.evictor = &last;
			options.allowed_lateness_ms = 30;
			break;
		case 2: windows = tr_windows_session(30); break;
		case 3: windows = tr_windows_count_sliding(7, 3); break;
		case 4: windows = tr_windows_count(5); break;
		default: windows = tr_windows_session(38); break;
		}
		snprintf(uid, sizeof(uid), "windows-%u", i);
		all_of[i] = tr_stream_uid(tr_stream_window_process(keyed, windows, columns, &function, &options), uid);
	}
	tr_stream_sink_to(tr_stream_union(all_of, 6), "out", &sink);
	tr_stream_sink_to(tr_stream_select(tr_stream_uid(tr_stream_window_reduce(keyed, tr_windows_tumbling(300), fold,
										 NULL, NULL),
							 "folds"),
					   "CAST(6 AS BIGINT) AS which, k, CAST(0 AS BIGINT) AS s, v"),
			  "folded", &sink);
	return env;
}

static int compare(const void *a, const void *b) { return memcmp(a, b, sizeof(struct line)); }

static void expect_results(void)
{
	qsort(visible, visible_count, sizeof(struct line), compare);
	assert_int_equal(visible_count, expected_count);
	for (uint32_t i = 0; i < visible_count; i++)
		if (memcmp(&visible[i], &expected[i], sizeof(struct line)) != 0)
			fail_msg("line %u: %lld of key %lld, window %lld: %lld", i, (long long)visible[i].v[0],
				 (long long)visible[i].v[1], (long long)visible[i].v[2], (long long)visible[i].v[3]);
}

static char directory[64];

static void begin(void)
{
	snprintf(directory, sizeof(directory), "/tmp/tailrace-api-XXXXXX");
	assert_non_null(mkdtemp(directory));
	visible_count = 0;
	atomic_store(&rows_seen, 0);
	atomic_store(&fail_at, 0);
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
	while (prepared_count > 0)
		free(prepared[--prepared_count].rows);
}

static int left_alone(void **state)
{
	struct tr_env *env;

	begin();
	atomic_store(&gate, ROWS);
	env = make("1", directory);
	api_run(env);
	tr_env_destroy(&env);
	qsort(visible, visible_count, sizeof(struct line), compare);
	memcpy(expected, visible, sizeof(visible));
	expected_count = visible_count;
	assert_true(expected_count > 1000);
	end();
	return 0;
}

static void test_savepoint(void **state)
{
	static const char *const counts[][2] = {{"1", "3"}, {"3", "2"}};

	for (size_t i = 0; i < TR_COUNT_OF(counts); i++) {
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_env *env;
		struct tr_job *job;
		char savepoint[96], first[96], second[96];

		begin();
		snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
		snprintf(first, sizeof(first), "%s/first", directory);
		snprintf(second, sizeof(second), "%s/second", directory);
		atomic_store(&gate, ROWS * 2 / 3 + (int64_t)i * 11);
		env = make(counts[i][0], first);
		if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
			fail_msg("%s", st.message);
		do {
			usleep(1000);
			tr_job_metrics(job, &metrics);
		} while ((int64_t)metrics.rows_in < atomic_load(&gate) && tr_job_state(job) == TR_JOB_RUNNING);
		if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
			fail_msg("%s", st.message);
		tr_job_destroy(&job);
		tr_env_destroy(&env);
		atomic_store(&gate, ROWS);
		env = make(counts[i][1], second);
		tr_env_restore(env, savepoint, false);
		api_run(env);
		tr_env_destroy(&env);
		expect_results();
		end();
	}
}

static void test_restart(void **state)
{
	for (int p = 1; p <= 3; p += 2) {
		struct tr_job_metrics metrics;
		struct tr_status st = {0};
		struct tr_env *env;
		struct tr_job *job;

		begin();
		atomic_store(&gate, ROWS / 2);
		atomic_store(&fail_at, ROWS * 3 / 4);
		env = make((const char *const[]){"1", "2", "3"}[p - 1], directory);
		if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
			fail_msg("%s", st.message);
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
		expect_results();
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_savepoint), cmocka_unit_test(test_restart)};

	return cmocka_run_group_tests(tests, left_alone, NULL);
}
