/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT(*) by 10,000 keys over windows of event time, from memory, on one worker, results emitted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/data.h"
#include "bench/limits/limits.h"

#define ROWS ((size_t)16 << 20)
#define KEYS 10000
#define START_MS INT64_C(978307200000)
#define EVENTS_PER_SECOND UINT64_C(10000000)

struct data {
	int64_t *time_ms, *key;
	struct tr_limit_window *window;
	struct tr_limit_window_out out;
	int64_t slide_ms, size_ms;
};

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

static tr_code open_with(struct tr_bench_pair *pair, uint64_t per_second, int64_t slide_ms, int64_t size_ms)
{
	struct data *d = calloc(1, sizeof(*d));

	d->time_ms = tr_data_times(ROWS, START_MS, per_second, 0, 1, 22);
	d->key = tr_data_keys(ROWS, KEYS, 21);
	d->slide_ms = slide_ms;
	d->size_ms = size_ms;
	d->window = tr_limit_window_create(KEYS, slide_ms, size_ms);
	pair->data = d;
	pair->bar = (struct tr_harness_side){bar, d};
	bar(d, 1, &(double){0});
	snprintf(pair->note, sizeof(pair->note), "%zu M rows, %llu emitted", ROWS >> 20,
		 (unsigned long long)d->out.rows);
	return TR_OK;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_limit_window_destroy(&d->window);
	tr_harness_free(d->time_ms, ROWS * sizeof(int64_t));
	tr_harness_free(d->key, ROWS * sizeof(int64_t));
	free(d);
}

static tr_code open_tumble(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, EVENTS_PER_SECOND, 1000, 1000);
}
static tr_code open_hop_2s(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, EVENTS_PER_SECOND, 2000, 10000);
}
static tr_code open_hop_100ms(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, EVENTS_PER_SECOND, 100, 10000);
}

const struct tr_bench_case tr_bench_window_cases[] = {
	{"tumble-1s", "COUNT(*) by 10k keys over TUMBLE 1 s, 10 M events per event-second", "rows", 0.6, 0, 0,
	 open_tumble, data_close},
	{"hop-10s-2s", "COUNT(*) by 10k keys over HOP 2 s, 10 s", "rows", 0.5, 0, 0, open_hop_2s, data_close},
	{"hop-10s-100ms", "COUNT(*) by 10k keys over HOP 100 ms, 10 s", "rows", 0.5, 0, 0, open_hop_100ms, data_close},
	{.name = NULL},
};
