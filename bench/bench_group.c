/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT(*) and SUM(value) by 1k, 100k and 10M random 64-bit keys, from memory, on one worker. The engine does it as a
 * window that all rows fall into: scan, window and sink. Both sides emit the groups. DuckDB does it as a query on a table
 * in memory with one thread; its result is fetched chunk by chunk.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/duckdb.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"

struct data {
	size_t rows, keys;
	int64_t *key, *value;
	int64_t *out_key, *out_count, *out_sum;
	size_t groups;
	int64_t *time_ms;
	struct tr_schema schema;
	struct tr_bench_plan plan;
	struct tr_bench_table table;
	struct tr_bench_sum sum;
	struct tr_duckdb *duckdb;
};

#define WINDOW_MS 3600000
#define START_MS INT64_C(978307200000)

static uint64_t bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++) {
		/* A new table each time, as the engine has: growing into fresh memory is part of the work. */
		struct tr_limit_group *group = tr_limit_group_create(d->keys);

		tr_limit_group_add(group, d->key, d->value, d->rows);
		d->groups = tr_limit_group_emit(group, d->out_key, d->out_count, d->out_sum);
		tr_limit_group_destroy(&group);
	}
	return (uint64_t)repeat * d->rows;
}

static const enum tr_duckdb_read duckdb_reads[] = {TR_DUCKDB_SKIP, TR_DUCKDB_64, TR_DUCKDB_128};

static uint64_t bar_duckdb(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	uint64_t total;

	for (uint32_t r = 0; r < repeat; r++)
		d->groups = tr_duckdb_run(d->duckdb, duckdb_reads, 3, &total);
	return (uint64_t)repeat * d->rows;
}

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_engine_progress progress;
		double one;

		d->sum.rows = d->sum.total = 0;
		tr_bench_run(&d->plan.plan, &one, &progress);
		*seconds += one;
	}
	return (uint64_t)repeat * d->rows;
}

static void make_plan(struct data *d)
{
	static const char *const names[] = {"ts", "key", "value"};
	const struct tr_type **types;
	struct tr_node *node;

	tr_bench_plan_init(&d->plan, 1);
	types = TR_NEW_ARRAY(&d->plan.arena, 3, const struct tr_type *);
	types[0] = tr_type_with_precision(&d->plan.arena, TR_TYPE_TIMESTAMP, 3);
	types[1] = types[2] = tr_type_of(TR_TYPE_BIGINT);
	d->schema = (struct tr_schema){3, names, types};
	d->table.data[0] = d->time_ms;
	d->table.data[1] = d->key;
	d->table.data[2] = d->value;
	d->table.block_rows = d->table.rows = (int64_t)d->rows;
	d->table.spec = (struct tr_table_spec){.name = "memory",
					       .connector = &tr_bench_memory,
					       .schema = &d->schema,
					       .batch_rows = TR_BATCH_ROWS_DEFAULT,
					       .time_zone = "UTC"};
	node = tr_bench_window(&d->plan, tr_bench_scan(&d->plan, &d->table.spec, 1, 0, 0), 1, 0, 2, WINDOW_MS,
			       WINDOW_MS);
	d->sum.spec = d->table.spec;
	d->sum.spec.connector = &tr_bench_summing;
	d->sum.spec.schema = node->output;
	tr_bench_sink(&d->plan, node, &d->sum.spec);
}

static tr_code open_with(struct tr_bench_pair *pair, size_t rows, size_t keys, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));
	double seconds;

	d->rows = rows;
	d->keys = keys;
	d->key = tr_data_keys(rows, keys, 11);
	d->value = tr_data_numbers(rows, 1000, 12);
	d->time_ms = tr_data_times(rows, START_MS, UINT64_C(1000000000), 0, 1, 13);
	d->out_key = tr_harness_alloc(keys * 8);
	d->out_count = tr_harness_alloc(keys * 8);
	d->out_sum = tr_harness_alloc(keys * 8);
	make_plan(d);
	pair->data = d;
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar, d};
	bar(d, 1, &seconds);
	ours(d, 1, &seconds);
	if (d->groups != keys || d->sum.rows != keys)
		TR_FAIL(st, TR_ERR_INTERNAL, "ours makes %llu groups, the bar %zu, of %zu",
			(unsigned long long)d->sum.rows, d->groups, keys);
	snprintf(pair->note, sizeof(pair->note), "%zu M rows, %zu groups", rows / 1000000, d->groups);
	return TR_OK;
}

/* The same, with DuckDB in the bar's place. */
static tr_code open_duckdb(struct tr_bench_pair *pair, size_t rows, size_t keys, struct tr_status *st)
{
	uint64_t total = 0, expected = 0;
	struct data *d;

	TR_TRY(open_with(pair, rows, keys, st));
	d = pair->data;
	d->duckdb = tr_duckdb_open(pair->skipped, sizeof(pair->skipped));
	if (d->duckdb == NULL)
		return TR_OK;
	tr_duckdb_fill(d->duckdb, "t",
		       (const struct tr_duckdb_column[]){{"key", TR_DUCKDB_BIGINT, d->key},
							 {"value", TR_DUCKDB_BIGINT, d->value}},
		       2, d->rows);
	tr_duckdb_prepare(d->duckdb, "SELECT key, COUNT(*), SUM(value) FROM t GROUP BY key");
	d->groups = tr_duckdb_run(d->duckdb, duckdb_reads, 3, &total);
	for (size_t i = 0; i < d->rows; i++)
		expected += (uint64_t)d->value[i];
	if (d->groups != keys || total != expected + d->rows)
		TR_FAIL(st, TR_ERR_INTERNAL, "DuckDB makes %zu groups of %zu, or other sums", d->groups, keys);
	pair->bar = (struct tr_harness_side){bar_duckdb, d};
	snprintf(pair->note, sizeof(pair->note), "%zu M rows, %zu groups; DuckDB %s, one thread", rows / 1000000,
		 d->groups, tr_duckdb_version(d->duckdb));
	return TR_OK;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_harness_free(d->key, d->rows * sizeof(int64_t));
	tr_harness_free(d->value, d->rows * sizeof(int64_t));
	tr_harness_free(d->time_ms, d->rows * sizeof(int64_t));
	tr_harness_free(d->out_key, d->keys * 8);
	tr_harness_free(d->out_count, d->keys * 8);
	tr_harness_free(d->out_sum, d->keys * 8);
	tr_bench_plan_deinit(&d->plan);
	tr_duckdb_close(&d->duckdb);
	free(d);
}

static tr_code open_1k(struct tr_bench_pair *pair, struct tr_status *st) { return open_with(pair, 16000000, 1000, st); }
static tr_code open_100k(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, 16000000, 100000, st);
}
static tr_code open_10m(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_with(pair, 20000000, 10000000, st);
}
static tr_code open_100k_duckdb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_duckdb(pair, 16000000, 100000, st);
}
static tr_code open_10m_duckdb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_duckdb(pair, 20000000, 10000000, st);
}

const struct tr_bench_case tr_bench_group_cases[] = {
	{"group-1k", "COUNT(*), SUM(value) by 1,000 random 64-bit keys", "rows", 0.6, 0, 0, open_1k, data_close},
	{"group-100k", "the same by 100,000 keys", "rows", 0.6, 0, 0, open_100k, data_close},
	{"group-10m", "the same by 10,000,000 keys", "rows", 0.6, 0, 0, open_10m, data_close},
	{"group-duckdb-100k", "the same by 100,000 keys, against DuckDB on one thread", "rows", 1.0, 0, 0,
	 open_100k_duckdb, data_close},
	{"group-duckdb-10m", "the same by 10,000,000 keys, against DuckDB on one thread", "rows", 1.0, 0, 0,
	 open_10m_duckdb, data_close},
	{.name = NULL},
};
