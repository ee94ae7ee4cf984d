/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT(*) by 10,000 keys over windows of event time, from memory, on one worker, results emitted: scan, watermarks,
 * window and sink as the engine runs them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"

#define ROWS ((size_t)16 << 20)
#define KEYS 10000
#define START_MS INT64_C(978307200000)
#define EVENTS_PER_SECOND UINT64_C(10000000)

struct data {
	int64_t *time_ms, *key;
	struct tr_limit_window *window;
	struct tr_limit_window_out out;
	int64_t *late_ms; /* event times of which 5 % are late, or NULL */
	struct tr_schema schema;
	struct tr_bench_plan plan, other_plan; /* the other: what is compared with `plan` where both sides are ours */
	struct tr_bench_table table, other_table;
	struct tr_bench_sum sum;
};

static const char *const names[] = {"ts", "key"};

static uint64_t bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++) {
		tr_limit_window_clear(d->window);
		d->out.rows = d->out.total = 0;
		tr_limit_window_add(d->window, d->time_ms, d->key, ROWS, &d->out);
		tr_limit_window_finish(d->window, &d->out);
	}
	return (uint64_t)repeat * ROWS;
}

static uint64_t run_plan(struct data *d, struct tr_bench_plan *plan, uint32_t repeat, double *seconds)
{
	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_engine_progress progress;
		double one;

		d->sum.rows = d->sum.total = 0;
		tr_bench_run(&plan->plan, &one, &progress);
		*seconds += one;
	}
	return (uint64_t)repeat * ROWS;
}

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	return run_plan(d, &d->plan, repeat, seconds);
}

static uint64_t ours_other(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	return run_plan(d, &d->other_plan, repeat, seconds);
}

static void make_plan(struct data *d, struct tr_bench_plan *plan, struct tr_bench_table *table, const int64_t *time_ms,
		      int64_t delay_ms, int64_t slide_ms, int64_t size_ms)
{
	const struct tr_type **types;
	struct tr_node *node;

	tr_bench_plan_init(plan, 1);
	types = TR_NEW_ARRAY(&plan->arena, 2, const struct tr_type *);
	types[0] = tr_type_with_precision(&plan->arena, TR_TYPE_TIMESTAMP, 3);
	types[1] = tr_type_of(TR_TYPE_BIGINT);
	d->schema = (struct tr_schema){2, names, types};
	table->data[0] = time_ms;
	table->data[1] = d->key;
	table->block_rows = table->rows = (int64_t)ROWS;
	table->spec = (struct tr_table_spec){.name = "memory",
					     .connector = &tr_bench_memory,
					     .schema = &d->schema,
					     .batch_rows = TR_BATCH_ROWS_DEFAULT,
					     .time_zone = "UTC"};
	node = tr_bench_window(plan, tr_bench_scan(plan, &table->spec, 1, 0, delay_ms), 1, 0, -1, slide_ms, size_ms);
	d->sum.spec = table->spec;
	d->sum.spec.connector = &tr_bench_summing;
	d->sum.spec.schema = node->output;
	tr_bench_sink(plan, node, &d->sum.spec);
}

static struct data *data_create(uint64_t per_second, int64_t delay_ms, int64_t slide_ms, int64_t size_ms)
{
	struct data *d = calloc(1, sizeof(*d));

	d->time_ms = tr_data_times(ROWS, START_MS, per_second, 0, 1, 22);
	d->key = tr_data_keys(ROWS, KEYS, 21);
	d->window = tr_limit_window_create(KEYS, slide_ms, size_ms);
	make_plan(d, &d->plan, &d->table, d->time_ms, delay_ms, slide_ms, size_ms);
	return d;
}

static tr_code open_with(struct tr_bench_pair *pair, uint64_t per_second, int64_t slide_ms, int64_t size_ms,
			 struct tr_status *st)
{
	struct data *d = data_create(per_second, 0, slide_ms, size_ms);
	double seconds;

	pair->data = d;
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar, d};
	bar(d, 1, &seconds);
	ours(d, 1, &seconds);
	if (d->sum.rows != d->out.rows)
		TR_FAIL(st, TR_ERR_INTERNAL, "ours emits %llu rows, the bar %llu", (unsigned long long)d->sum.rows,
			(unsigned long long)d->out.rows);
	snprintf(pair->note, sizeof(pair->note), "%zu M rows, %llu emitted", ROWS >> 20,
		 (unsigned long long)d->out.rows);
	return TR_OK;
}

/* Both sides are ours: 5 % of the rows up to 5 s late, against the same rows in order; watermark 5 s behind. */
static tr_code open_late(struct tr_bench_pair *pair, struct tr_status *st)
{
	const uint64_t per_second = EVENTS_PER_SECOND / 10;
	struct data *d = data_create(per_second, 5000, 1000, 1000);

	pair->data = d;
	d->late_ms = tr_data_times(ROWS, START_MS, per_second, 0.05, 5000, 23);
	make_plan(d, &d->other_plan, &d->other_table, d->late_ms, 5000, 1000, 1000);
	pair->ours = (struct tr_harness_side){ours_other, d};
	pair->bar = (struct tr_harness_side){ours, d};
	snprintf(pair->note, sizeof(pair->note), "the bar is ours with the rows in order; 1 M events per second");
	return TR_OK;
}

/* Both sides are ours: what 20 slides for one cost, the results that they emit (23 times as many) included. */
static tr_code open_slide(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create(EVENTS_PER_SECOND, 0, 2000, 10000);

	pair->data = d;
	make_plan(d, &d->other_plan, &d->other_table, d->time_ms, 0, 100, 10000);
	pair->ours = (struct tr_harness_side){ours_other, d};
	pair->bar = (struct tr_harness_side){ours, d};
	snprintf(pair->note, sizeof(pair->note), "the bar is ours with the 2 s slide; emission is in both");
	return TR_OK;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_limit_window_destroy(&d->window);
	tr_harness_free(d->time_ms, ROWS * sizeof(int64_t));
	tr_harness_free(d->late_ms, ROWS * sizeof(int64_t));
	tr_harness_free(d->key, ROWS * sizeof(int64_t));
	tr_bench_plan_deinit(&d->plan);
	tr_bench_plan_deinit(&d->other_plan);
	free(d);
}

static tr_code open_tumble(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, EVENTS_PER_SECOND, 1000, 1000, st);
}
static tr_code open_hop_2s(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, EVENTS_PER_SECOND, 2000, 10000, st);
}
static tr_code open_hop_100ms(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, EVENTS_PER_SECOND, 100, 10000, st);
}

const struct tr_bench_case tr_bench_window_cases[] = {
	{"tumble-1s", "COUNT(*) by 10k keys over TUMBLE 1 s, 10 M events per event-second", "rows", 0.6, 0, 0,
	 open_tumble, data_close},
	{"hop-10s-2s", "COUNT(*) by 10k keys over HOP 2 s, 10 s", "rows", 0.5, 0, 0, open_hop_2s, data_close},
	{"hop-10s-100ms", "COUNT(*) by 10k keys over HOP 100 ms, 10 s", "rows", 0.5, 0, 0, open_hop_100ms, data_close},
	{"hop-slide", "HOP 100 ms, 10 s against HOP 2 s, 10 s", "rows", 1 / 1.2, 0, 0, open_slide, data_close},
	{"tumble-1s-late", "TUMBLE 1 s with 5 % of the events up to 5 s late, against the same in order", "rows", 0.85,
	 0, 0, open_late, data_close},
	{.name = NULL},
};
