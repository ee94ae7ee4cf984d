/* SPDX-License-Identifier: Apache-2.0
 *
 * From event to result: how long after the last event of a window its results reach the sink, with checkpoints against
 * without.
 *
 *     full rate   the job as fast as it goes, without checkpoints
 *     half rate   row n comes n / rate seconds after the start by the clock; n / rate is its event time, too
 *
 * TUMBLE of 100 ms by 100,000 keys on two workers, a table in memory as source. The last event of a window comes when the
 * window ends, so a result's latency is the time since then. It is taken for each row, in steps of 10 microseconds; the first
 * second of a run does not count. Runs with and without checkpoints alternate. The row is the ratio of the two p99.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "io/sink.h"

#define WORKERS 2
#define KEYS 100000
#define BLOCK_ROWS ((size_t)16 << 20)
#define START_MS INT64_C(978307200000)
#define FULL_ROWS (INT64_C(384) << 20)
#define RUN_SECONDS 6
#define RUNS 3
#define WARM_MS 1000
#define STEP_NS 10000
#define STEPS 200000 /* to two seconds; the rest counts as that */

struct latencies {
	uint64_t counts[STEPS];
	uint64_t total;
	int64_t greatest_ns;
};

struct results {
	struct tr_table_spec spec; /* first */
	const struct tr_bench_table *source;
	struct latencies *into; /* NULL: nobody asks */
};

/* ---- the sink ---- */

struct tr_sink {
	const struct results *results;
	struct tr_environment *env;
	struct latencies *own;
};

static pthread_mutex_t latencies_lock = PTHREAD_MUTEX_INITIALIZER;

static tr_code results_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			    struct tr_status *st)
{
	struct tr_sink *s = calloc(1, sizeof(*s));

	TR_ASSERT(s != NULL);
	context->wake_at_ns = INT64_MAX;
	s->results = (const struct results *)spec;
	s->env = context->env;
	s->own = calloc(1, sizeof(*s->own));
	TR_ASSERT(s->own != NULL);
	*sink = s;
	return TR_OK;
}

static enum tr_flow results_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_bench_table *source = sink->results->source;
	const struct tr_column *ends = &batch->columns[2];
	const int64_t *values = ends->data;
	const int64_t now_ns = tr_environment_monotonic_ns(sink->env) - source->started_ns;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = batch->selection == NULL ? i : batch->selection[i];
		const int64_t end_ms = values[ends->is_constant ? 0 : row] - source->start_ms;
		const int64_t latency_ns = TR_MAX(now_ns - end_ms * 1000000, (int64_t)0);

		if (end_ms <= WARM_MS)
			continue;
		sink->own->counts[TR_MIN(latency_ns / STEP_NS, (int64_t)STEPS - 1)]++;
		sink->own->total++;
		sink->own->greatest_ns = TR_MAX(sink->own->greatest_ns, latency_ns);
	}
	return TR_FLOW_MORE;
}

static enum tr_flow results_more(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow results_finish(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_DONE; }

static void results_close(struct tr_sink **sink)
{
	struct tr_sink *s = *sink;
	struct latencies *into = s->results->into;

	pthread_mutex_lock(&latencies_lock);
	if (into != NULL) {
		for (uint32_t i = 0; i < STEPS; i++)
			into->counts[i] += s->own->counts[i];
		into->total += s->own->total;
		into->greatest_ns = TR_MAX(into->greatest_ns, s->own->greatest_ns);
	}
	pthread_mutex_unlock(&latencies_lock);
	free(s->own);
	free(s);
	*sink = NULL;
}

static const struct tr_sink_ops results_ops = {
	.open = results_open,
	.write = results_write,
	.resume = results_more,
	.tick = results_more,
	.finish = results_finish,
	.close = results_close,
};

static const struct tr_option_spec no_options[] = {{.key = NULL}};

static const struct tr_connector results_connector = {.name = "results", .options = no_options, .sink = &results_ops};

/* ---- the job ---- */

struct job {
	struct tr_bench_job job;
	struct tr_bench_table source;
	struct results results;
	struct tr_checkpoint_plan checkpoint; /* as compiled: none */
	char directory[64];
};

static const char script[] =
	"CREATE TABLE numbers (ts TIMESTAMP(3), k BIGINT, WATERMARK FOR ts AS ts)"
	" WITH ('connector' = 'datagen', 'number-of-rows' = '1');\n"
	"CREATE TABLE results (k BIGINT, n BIGINT, e TIMESTAMP(3)) WITH ('connector' = 'blackhole');\n"
	"INSERT INTO results SELECT k, COUNT(*), window_end FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts),"
	" INTERVAL '0.1' SECOND)) GROUP BY k, window_start, window_end;";

static void job_init(struct job *j, int64_t *keys)
{
	struct tr_node *scan, *sink;

	memset(j, 0, sizeof(*j));
	snprintf(j->directory, sizeof(j->directory), "/var/tmp/tailrace-bench-%ld", (long)getpid());
	tr_bench_job_init(&j->job, script, WORKERS);
	j->checkpoint = j->job.plan->checkpoint;
	scan = tr_bench_job_scan(&j->job);
	sink = tr_bench_job_sink(&j->job);
	scan->scan.watermark_interval_ms = 1;
	j->source = (struct tr_bench_table){.spec = *scan->scan.table,
					    .data = {NULL, keys},
					    .block_rows = (int64_t)BLOCK_ROWS,
					    .start_ms = START_MS};
	j->source.spec.connector = &tr_bench_memory;
	scan->scan.table = &j->source.spec;
	j->results = (struct results){.spec = *sink->sink.table, .source = &j->source};
	j->results.spec.connector = &results_connector;
	sink->sink.table = &j->results.spec;
}

/** Runs it; answers rows per second. */
static double job_run(struct job *j, double event_rate, bool is_paced, int64_t rows, int64_t interval_ms,
		      struct latencies *into)
{
	struct tr_engine_progress progress;
	double seconds;

	j->source.event_rate = event_rate;
	j->source.is_paced = is_paced;
	j->source.rows = rows;
	j->results.into = into;
	j->job.plan->checkpoint = j->checkpoint;
	if (interval_ms > 0) {
		tr_bench_directory_remove(j->directory);
		j->job.plan->checkpoint.directory = j->directory;
		j->job.plan->checkpoint.interval_ms = interval_ms;
	}
	tr_bench_run(j->job.plan, &seconds, &progress);
	if (interval_ms > 0)
		tr_bench_directory_remove(j->directory);
	return (double)rows / seconds;
}

static double quantile_ms(const struct latencies *l, double share)
{
	const uint64_t wanted = (uint64_t)((double)l->total * share);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < STEPS; i++) {
		sum += l->counts[i];
		if (sum > wanted)
			return (i + 1) * (STEP_NS / 1e6);
	}
	return STEPS * (STEP_NS / 1e6);
}

static tr_code observe(int64_t interval_ms, double *value, char *note, size_t room)
{
	int64_t *keys = tr_data_keys(BLOCK_ROWS, KEYS, 47);
	struct latencies *sides = calloc(2, sizeof(*sides));
	struct job j;
	double rate;

	TR_ASSERT(sides != NULL);
	job_init(&j, keys);
	(void)job_run(&j, 1e8, false, FULL_ROWS, 0, NULL);
	rate = job_run(&j, 1e8, false, FULL_ROWS, 0, NULL) / 2;
	for (uint32_t r = 0; r < 2 * RUNS; r++) {
		const bool is_with = (r & 1) != 0;

		(void)job_run(&j, rate, true, (int64_t)(rate * RUN_SECONDS), is_with ? interval_ms : 0, &sides[is_with]);
	}
	*value = quantile_ms(&sides[1], 0.99) / quantile_ms(&sides[0], 0.99);
	snprintf(note, room,
		 "%.1f M/s; p50, p99, max: %.1f, %.1f, %.1f ms with, %.1f, %.1f, %.1f without; %.1f M results",
		 rate / 1e6, quantile_ms(&sides[1], 0.5), quantile_ms(&sides[1], 0.99),
		 (double)sides[1].greatest_ns / 1e6, quantile_ms(&sides[0], 0.5), quantile_ms(&sides[0], 0.99),
		 (double)sides[0].greatest_ns / 1e6, (double)sides[1].total / 1e6);
	tr_bench_job_deinit(&j.job);
	tr_harness_free(keys, BLOCK_ROWS * sizeof(int64_t));
	free(sides);
	return TR_OK;
}

static tr_code observe_1s(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(1000, value, note, room);
}

static tr_code observe_100ms(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(100, value, note, room);
}

const struct tr_bench_case tr_bench_latency_cases[] = {
	{.name = "latency-1s",
	 .work = "p99 from the end of a window to its results, half load, checkpoints every 1 s on / off",
	 .unit = "x",
	 .must_at_most = 2,
	 .observe = observe_1s},
	{.name = "latency-100ms",
	 .work = "the same, checkpoints every 100 ms",
	 .unit = "x",
	 .must_at_most = 2,
	 .observe = observe_100ms},
	{.name = NULL},
};
