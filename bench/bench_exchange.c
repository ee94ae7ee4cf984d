/* SPDX-License-Identifier: Apache-2.0
 *
 * 4 int64 columns dealt by the hash of the first between two workers, and handed over: scan, exchange and sink as the
 * engine runs them, against the hand-written partition and hand-off.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"

#define ROWS_PER_REPEAT (UINT64_C(1) << 20)
#define BLOCK_ROWS 2048
#define COLUMNS 4

struct data {
	uint32_t workers;
	struct tr_bench_plan plan;
	struct tr_bench_table table;
	struct tr_bench_sum sum;
	struct tr_schema schema;
	int64_t *column[COLUMNS];
};

static uint64_t bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	uint64_t check;

	*seconds = tr_limit_exchange(d->workers, ROWS_PER_REPEAT * repeat, &check);
	return d->workers * ROWS_PER_REPEAT * repeat;
}

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	struct tr_engine_progress progress;

	d->table.rows = (int64_t)(d->workers * ROWS_PER_REPEAT * repeat);
	d->sum.rows = d->sum.total = 0;
	tr_bench_run(&d->plan.plan, seconds, &progress);
	return d->sum.rows;
}

static tr_code open_with(struct tr_bench_pair *pair, uint32_t workers, struct tr_status *st)
{
	static const char *const names[COLUMNS] = {"key", "a", "b", "c"};
	struct data *d = calloc(1, sizeof(*d));
	uint64_t expected = 0;
	double seconds;
	const struct tr_type **types;

	pair->data = d;
	d->workers = workers;
	tr_bench_plan_init(&d->plan, workers);
	types = TR_NEW_ARRAY(&d->plan.arena, COLUMNS, const struct tr_type *);
	for (uint32_t c = 0; c < COLUMNS; c++) {
		types[c] = tr_type_of(TR_TYPE_BIGINT);
		d->column[c] = tr_data_numbers(BLOCK_ROWS, UINT64_MAX, 71 + c);
		d->table.data[c] = d->column[c];
		for (uint32_t i = 0; i < BLOCK_ROWS; i++)
			expected += (uint64_t)d->column[c][i];
	}
	d->schema = (struct tr_schema){COLUMNS, names, types};
	d->table.block_rows = BLOCK_ROWS;
	d->table.spec = (struct tr_table_spec){.name = "memory",
					       .connector = &tr_bench_memory,
					       .schema = &d->schema,
					       .batch_rows = BLOCK_ROWS,
					       .time_zone = "UTC"};
	d->sum.spec = d->table.spec;
	d->sum.spec.connector = &tr_bench_summing;
	tr_bench_sink(&d->plan,
		      tr_bench_exchange(&d->plan, tr_bench_scan(&d->plan, &d->table.spec, workers, -1, 0), 0, workers),
		      &d->sum.spec);
	if (ours(d, 1, &seconds) != workers * ROWS_PER_REPEAT ||
	    d->sum.total != expected * (workers * ROWS_PER_REPEAT / BLOCK_ROWS))
		TR_FAIL(st, TR_ERR_INTERNAL, "%llu of %llu rows came through, or others than were sent",
			(unsigned long long)d->sum.rows, (unsigned long long)(workers * ROWS_PER_REPEAT));
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar, d};
	snprintf(pair->note, sizeof(pair->note), "rows of %u worker%s together", workers, workers > 1 ? "s" : "");
	return TR_OK;
}

static tr_code open_2(struct tr_bench_pair *pair, struct tr_status *st) { return open_with(pair, 2, st); }
static tr_code open_1(struct tr_bench_pair *pair, struct tr_status *st) { return open_with(pair, 1, st); }

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	for (uint32_t c = 0; c < COLUMNS; c++)
		tr_harness_free(d->column[c], BLOCK_ROWS * sizeof(int64_t));
	tr_bench_plan_deinit(&d->plan);
	free(d);
}

const struct tr_bench_case tr_bench_exchange_cases[] = {
	{"exchange-2", "4 BIGINT columns by hash between 2 workers", "rows", 0.6, 0, 150, open_2, data_close},
	{"exchange-1", "the same plan on one worker, against dealing without handing over", "rows", 0, 0, 0, open_1,
	 data_close},
	{.name = NULL},
};
