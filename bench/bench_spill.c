/* SPDX-License-Identifier: Apache-2.0
 *
 * State four times the memory limit, by zipf keys, on two workers, compiled from SQL, a table in memory as its source; what leaves
 * memory lies on the disk of /var/tmp.
 *
 *     spill                 a tumbling count over a day with a quarter of the memory that its state takes, against the same job
 *                           without a limit
 *     spill-memory          by how much its resident memory grows, less by how much it grows with few keys, over the limit
 *     spill-session         the first of these for sessions, which end all the time: a row each millisecond, a gap of 2,000 s
 *     spill-session-memory  the second
 *
 * What the state takes is the growth of resident memory in a run without a limit, less that of a run with few keys. It is
 * sampled every two milliseconds.
 */
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"

#define WORKERS 2
#define START_MS INT64_C(978307200000) /* the beginning of a day */
#define FEW_KEYS 100.0

struct shape {
	const char *window;
	size_t rows;
	uint64_t per_second;
	double keys;
};

static const struct shape tumble = {"TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' DAY)", (size_t)32 << 20,
				    10000000, 40000000};
static const struct shape session = {"SESSION(TABLE numbers PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2000' SECOND(4))",
				     (size_t)4 << 20, 1000, 4000000};

struct data {
	const struct shape *shape;
	struct tr_bench_job job;
	struct tr_bench_table table;
	struct tr_bench_sum sum;
	int64_t *time_ms, *key, *few;
	uint64_t limit;
	uint64_t total; /* what the sink has added up in the first run */
};

static const char script[] =
	"CREATE TABLE numbers (ts TIMESTAMP(3), k BIGINT, WATERMARK FOR ts AS ts)"
	" WITH ('connector' = 'datagen', 'number-of-rows' = '1');\n"
	"CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');\n"
	"INSERT INTO nowhere SELECT k, COUNT(*) FROM TABLE(%s) GROUP BY k, window_start, window_end;";

/** Keys of which the n-th is about as frequent as 1 / n. */
static int64_t *zipf_keys(size_t rows, double keys)
{
	int64_t *made = tr_harness_alloc(rows * sizeof(*made));
	uint64_t state = 42;

	for (size_t i = 0; i < rows; i++) {
		const double unit = (double)(tr_data_next(&state) >> 11) * 0x1p-53;

		made[i] = tr_data_key((uint64_t)exp(unit * log(keys)) - 1);
	}
	return made;
}

/* -- resident memory -- */

struct sampler {
	pthread_t thread;
	_Atomic bool is_over;
	size_t before, most;
};

static size_t resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	TR_ASSERT(file != NULL && fscanf(file, "%lu %lu", &size, &resident) == 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *sample(void *context)
{
	const struct timespec pause = {0, 2000000};
	struct sampler *s = context;

	while (!atomic_load_explicit(&s->is_over, memory_order_acquire)) {
		const size_t now = resident_bytes();

		s->most = TR_MAX(s->most, now);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

/** Runs the job once; answers by how much resident memory grew. */
static size_t run_sampled(struct data *d, const int64_t *keys, uint64_t limit, double *seconds)
{
	struct tr_engine_progress progress;
	struct sampler s = {.is_over = false};

	malloc_trim(0);
	d->table.data[1] = keys;
	d->job.plan->memory_limit = limit;
	d->sum.rows = d->sum.total = 0;
	s.before = s.most = resident_bytes();
	TR_ASSERT(pthread_create(&s.thread, NULL, sample, &s) == 0);
	tr_bench_run(d->job.plan, seconds, &progress);
	atomic_store_explicit(&s.is_over, true, memory_order_release);
	TR_ASSERT(pthread_join(s.thread, NULL) == 0);
	if (keys == d->key) { /* the same results, whatever the memory */
		TR_ASSERT(d->total == 0 || d->total == d->sum.total);
		d->total = d->sum.total;
	}
	return s.most - s.before;
}

static struct data *data_create(const struct shape *shape, size_t *few_growth)
{
	struct data *d = calloc(1, sizeof(*d));
	char text[1024];
	struct tr_node *scan, *sink;
	size_t growth;
	double seconds;

	TR_ASSERT(d != NULL);
	d->shape = shape;
	snprintf(text, sizeof(text), script, shape->window);
	tr_bench_job_init(&d->job, text, WORKERS);
	d->time_ms = tr_data_times(shape->rows, START_MS, shape->per_second, 0, 1, 41);
	d->key = zipf_keys(shape->rows, shape->keys);
	d->few = zipf_keys(shape->rows, FEW_KEYS);
	scan = tr_bench_job_scan(&d->job);
	sink = tr_bench_job_sink(&d->job);
	d->table = (struct tr_bench_table){.spec = *scan->scan.table,
					   .data = {d->time_ms, d->key},
					   .block_rows = (int64_t)shape->rows,
					   .rows = (int64_t)shape->rows};
	d->table.spec.connector = &tr_bench_memory;
	scan->scan.table = &d->table.spec;
	d->sum.spec = *sink->sink.table;
	d->sum.spec.connector = &tr_bench_summing;
	sink->sink.table = &d->sum.spec;
	*few_growth = run_sampled(d, d->few, 0, &seconds);
	growth = run_sampled(d, d->key, 0, &seconds);
	TR_ASSERT(growth > *few_growth);
	d->limit = (growth - *few_growth) / 4;
	return d;
}

static void data_destroy(struct data *d)
{
	tr_harness_free(d->time_ms, d->shape->rows * sizeof(int64_t));
	tr_harness_free(d->key, d->shape->rows * sizeof(int64_t));
	tr_harness_free(d->few, d->shape->rows * sizeof(int64_t));
	tr_bench_job_deinit(&d->job);
	free(d);
}

/* -- the rows -- */

static uint64_t run_with(struct data *d, uint64_t limit, uint32_t repeat, double *seconds)
{
	*seconds = 0;
	for (uint32_t i = 0; i < repeat; i++) {
		double took;

		(void)run_sampled(d, d->key, limit, &took);
		*seconds += took;
	}
	return d->shape->rows * repeat;
}

static uint64_t limited(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	return run_with(d, d->limit, repeat, seconds);
}

static uint64_t unlimited(void *context, uint32_t repeat, double *seconds)
{
	return run_with(context, 0, repeat, seconds);
}

static tr_code open_shape(struct tr_bench_pair *pair, const struct shape *shape)
{
	size_t few_growth;
	struct data *d = data_create(shape, &few_growth);

	pair->data = d;
	pair->ours = (struct tr_harness_side){limited, d};
	pair->bar = (struct tr_harness_side){unlimited, d};
	snprintf(pair->note, sizeof(pair->note), "zipf 1; limit %.0f MB, a quarter of the state",
		 (double)d->limit / 1e6);
	return TR_OK;
}

static tr_code open_tumble(struct tr_bench_pair *pair, struct tr_status *st) { return open_shape(pair, &tumble); }
static tr_code open_session(struct tr_bench_pair *pair, struct tr_status *st) { return open_shape(pair, &session); }

static void close_spill(struct tr_bench_pair *pair)
{
	if (pair->data != NULL)
		data_destroy(pair->data);
}

static tr_code observe_shape(const struct shape *shape, double *value, char *note, size_t room)
{
	size_t few_growth, growth;
	struct data *d = data_create(shape, &few_growth);
	double seconds;

	growth = run_sampled(d, d->key, d->limit, &seconds);
	*value = ((double)growth - (double)few_growth) / (double)d->limit;
	snprintf(note, room, "limit %.0f MB; %.0f MB more resident, %.0f with few keys", (double)d->limit / 1e6,
		 (double)growth / 1e6, (double)few_growth / 1e6);
	data_destroy(d);
	return TR_OK;
}

static tr_code observe_tumble(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe_shape(&tumble, value, note, room);
}

static tr_code observe_session(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe_shape(&session, value, note, room);
}

const struct tr_bench_case tr_bench_spill_cases[] = {
	{"spill", "TUMBLE by zipf keys with a quarter of its memory against all of it", "rows", 0.2, 0, 0, open_tumble,
	 close_spill},
	{.name = "spill-memory",
	 .work = "resident memory of its state over the limit",
	 .unit = "x",
	 .must_at_most = 1.1,
	 .observe = observe_tumble},
	{"spill-session", "sessions by zipf keys with a quarter of their memory against all of it", "rows", 0.2, 0, 0,
	 open_session, close_spill},
	{.name = "spill-session-memory",
	 .work = "resident memory of their state over the limit",
	 .unit = "x",
	 .must_at_most = 1.1,
	 .observe = observe_session},
	{.name = NULL},
};
