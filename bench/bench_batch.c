/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch queries over tables in memory, on one worker: TPC-H's first and sixth query (their shapes: uniform numbers in TPC-H's
 * ranges, decimals of two digits) against DuckDB on one thread, and a sort of 64-bit keys against a hand-written one. Jobs are SQL,
 * compiled as for the command line; only the table's source is exchanged for the memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/duckdb.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"

#define ITEMS ((size_t)6000000)
#define PAIRS ((size_t)6000000)
#define FIRST_DAY 8036 /* 1992-01-02 */
#define DAYS 2526
#define COLUMNS_MAX 8

struct data {
	size_t rows;
	struct tr_bench_job job;
	struct tr_bench_table table;
	struct tr_bench_sum sum;
	void *columns[COLUMNS_MAX];
	size_t bytes[COLUMNS_MAX];
	struct tr_limit_pair *pairs, *spare; /* sort */
	struct tr_duckdb *duckdb;
	const enum tr_duckdb_read *reads;
	uint32_t read_count;
	size_t bar_rows;
	uint64_t bar_total;
};

static void *column_new(struct data *d, uint32_t c, size_t value_bytes)
{
	d->bytes[c] = d->rows * value_bytes;
	return d->columns[c] = tr_harness_alloc(d->bytes[c]);
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	if (d == NULL)
		return;
	for (uint32_t c = 0; c < COLUMNS_MAX; c++)
		if (d->columns[c] != NULL)
			tr_harness_free(d->columns[c], d->bytes[c]);
	if (d->pairs != NULL)
		tr_harness_free(d->pairs, d->rows * sizeof(*d->pairs));
	if (d->spare != NULL)
		tr_harness_free(d->spare, d->rows * sizeof(*d->spare));
	if (d->job.plan != NULL)
		tr_bench_job_deinit(&d->job);
	tr_duckdb_close(&d->duckdb);
	free(d);
}

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_engine_progress progress;
		double one;

		d->sum.rows = d->sum.total = 0;
		tr_bench_run(d->job.plan, &one, &progress);
		TR_ASSERT(progress.rows_in == d->rows);
		*seconds += one;
	}
	return (uint64_t)repeat * d->rows;
}

static uint64_t bar_duckdb(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		d->bar_rows = tr_duckdb_run(d->duckdb, d->reads, d->read_count, &d->bar_total);
	return (uint64_t)repeat * d->rows;
}

/** The job of a script with one table, which is read from d->columns. */
static void compile(struct data *d, const char *script)
{
	struct tr_node *scan, *sink;

	tr_bench_job_init(&d->job, script, 1);
	scan = tr_bench_job_scan(&d->job);
	sink = tr_bench_job_sink(&d->job);
	d->table = (struct tr_bench_table){
		.spec = *scan->scan.table, .block_rows = (int64_t)d->rows, .rows = (int64_t)d->rows};
	memcpy(d->table.data, d->columns, sizeof(d->table.data));
	d->table.spec.connector = &tr_bench_memory;
	scan->scan.table = &d->table.spec;
	d->sum.spec = *sink->sink.table;
	d->sum.spec.connector = &tr_bench_summing;
	sink->sink.table = &d->sum.spec;
}

/* ---- TPC-H ---- */

static void draw_decimals(struct data *d, uint32_t c, int64_t least, int64_t greatest, int64_t step, uint64_t seed)
{
	int64_t *values = column_new(d, c, sizeof(*values));

	for (size_t i = 0; i < d->rows; i++)
		values[i] = least + step * (int64_t)(tr_data_next(&seed) % (uint64_t)((greatest - least) / step + 1));
}

/** quantity, extendedprice, discount, tax, returnflag, linestatus, shipdate: flags follow the date, as in TPC-H. */
static void make_items(struct data *d)
{
	struct tr_view *flags, *statuses;
	int32_t *dates;
	uint64_t seed = 71;

	draw_decimals(d, 0, 100, 5000, 100, 61);
	draw_decimals(d, 1, 90000, 10500000, 1, 62);
	draw_decimals(d, 2, 0, 10, 1, 63);
	draw_decimals(d, 3, 0, 8, 1, 64);
	flags = column_new(d, 4, sizeof(*flags));
	statuses = column_new(d, 5, sizeof(*statuses));
	dates = column_new(d, 6, sizeof(*dates));
	for (size_t i = 0; i < d->rows; i++) {
		const uint64_t drawn = tr_data_next(&seed);
		const int32_t day = (int32_t)(drawn % DAYS);

		dates[i] = FIRST_DAY + day;
		flags[i] = tr_view_make(day > 1260 ? "N" : (drawn >> 40) % 2 == 0 ? "A" : "R", 1);
		statuses[i] = tr_view_make(day > 1250 ? "O" : "F", 1);
	}
}

#define ITEMS_TABLE                                                                                                   \
	"SET 'execution.runtime-mode' = 'batch';"                                                                     \
	"CREATE TABLE lineitem (l_quantity DECIMAL(15, 2) NOT NULL, l_extendedprice DECIMAL(15, 2) NOT NULL,"         \
	" l_discount DECIMAL(15, 2) NOT NULL, l_tax DECIMAL(15, 2) NOT NULL, l_returnflag STRING NOT NULL,"           \
	" l_linestatus STRING NOT NULL, l_shipdate DATE NOT NULL) WITH ('connector' = 'datagen', 'number-of-rows' = " \
	"'1');"

static const char q1[] =
	"SELECT l_returnflag, l_linestatus, SUM(l_quantity) AS sum_qty, SUM(l_extendedprice) AS sum_base_price,"
	" SUM(l_extendedprice * (1 - l_discount)) AS sum_disc_price,"
	" SUM(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,"
	" AVG(l_quantity) AS avg_qty, AVG(l_extendedprice) AS avg_price, AVG(l_discount) AS avg_disc,"
	" COUNT(*) AS count_order FROM lineitem WHERE l_shipdate <= DATE '1998-09-02'"
	" GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus";
static const enum tr_duckdb_read q1_reads[] = {TR_DUCKDB_SKIP, TR_DUCKDB_SKIP, TR_DUCKDB_SKIP, TR_DUCKDB_SKIP,
					       TR_DUCKDB_SKIP, TR_DUCKDB_SKIP, TR_DUCKDB_SKIP, TR_DUCKDB_SKIP,
					       TR_DUCKDB_SKIP, TR_DUCKDB_64};

static const char q6[] = "SELECT CAST(SUM(l_extendedprice * l_discount) * 10000 AS BIGINT) AS revenue FROM lineitem"
			 " WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'"
			 " AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24";
static const enum tr_duckdb_read q6_reads[] = {TR_DUCKDB_64};

static tr_code open_tpch(struct tr_bench_pair *pair, const char *query, const enum tr_duckdb_read *reads,
			 uint32_t read_count, struct tr_status *st)
{
	static const char *const names[] = {"l_quantity",   "l_extendedprice", "l_discount", "l_tax",
					    "l_returnflag", "l_linestatus",    "l_shipdate"};
	static const enum tr_duckdb_kind kinds[] = {TR_DUCKDB_DECIMAL, TR_DUCKDB_DECIMAL, TR_DUCKDB_DECIMAL,
						    TR_DUCKDB_DECIMAL, TR_DUCKDB_VARCHAR, TR_DUCKDB_VARCHAR,
						    TR_DUCKDB_DATE};
	struct tr_duckdb_column columns[TR_COUNT_OF(names)];
	struct data *d = calloc(1, sizeof(*d));
	char script[4096];
	double seconds;

	pair->data = d;
	d->rows = ITEMS;
	d->duckdb = tr_duckdb_open(pair->skipped, sizeof(pair->skipped));
	if (d->duckdb == NULL)
		return TR_OK;
	make_items(d);
	for (uint32_t c = 0; c < TR_COUNT_OF(names); c++)
		columns[c] = (struct tr_duckdb_column){names[c], kinds[c], d->columns[c]};
	tr_duckdb_fill(d->duckdb, "lineitem", columns, TR_COUNT_OF(names), d->rows);
	tr_duckdb_prepare(d->duckdb, query);
	d->reads = reads;
	d->read_count = read_count;
	snprintf(script, sizeof(script), ITEMS_TABLE "%s;", query);
	compile(d, script);
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar_duckdb, d};
	ours(d, 1, &seconds);
	bar_duckdb(d, 1, &seconds);
	if (d->sum.rows != d->bar_rows || d->sum.total != d->bar_total)
		TR_FAIL(st, TR_ERR_INTERNAL, "ours makes %llu rows, sum %llu; DuckDB %zu, %llu",
			(unsigned long long)d->sum.rows, (unsigned long long)d->sum.total, d->bar_rows,
			(unsigned long long)d->bar_total);
	snprintf(pair->note, sizeof(pair->note), "%zu M rows; DuckDB %s, one thread", d->rows / 1000000,
		 tr_duckdb_version(d->duckdb));
	return TR_OK;
}

static tr_code open_q1(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_tpch(pair, q1, q1_reads, TR_COUNT_OF(q1_reads), st);
}

static tr_code open_q6(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_tpch(pair, q6, q6_reads, TR_COUNT_OF(q6_reads), st);
}

/* ---- sort ---- */

static uint64_t bar_sort(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++) {
		tr_limit_sort(d->columns[0], d->columns[1], d->rows, d->pairs, d->spare);
		d->bar_total = 0;
		for (size_t i = 0; i < d->rows; i++)
			d->bar_total += (uint64_t)d->pairs[i].key + (uint64_t)d->pairs[i].value;
	}
	return (uint64_t)repeat * d->rows;
}

static tr_code open_sort(struct tr_bench_pair *pair, struct tr_status *st)
{
	static const char script[] = "SET 'execution.runtime-mode' = 'batch';"
				     "CREATE TABLE t (k BIGINT NOT NULL, v BIGINT NOT NULL) WITH ('connector' = "
				     "'datagen', 'number-of-rows' = '1');"
				     "SELECT k, v FROM t ORDER BY k;";
	struct data *d = calloc(1, sizeof(*d));
	int64_t *keys, *values;
	uint64_t seed = 81;
	double seconds;

	pair->data = d;
	d->rows = PAIRS;
	keys = column_new(d, 0, sizeof(*keys));
	values = column_new(d, 1, sizeof(*values));
	for (size_t i = 0; i < d->rows; i++) {
		keys[i] = (int64_t)tr_data_next(&seed);
		values[i] = (int64_t)i;
	}
	d->pairs = tr_harness_alloc(d->rows * sizeof(*d->pairs));
	d->spare = tr_harness_alloc(d->rows * sizeof(*d->spare));
	compile(d, script);
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar_sort, d};
	ours(d, 1, &seconds);
	bar_sort(d, 1, &seconds);
	for (size_t i = 1; i < d->rows; i++)
		if (d->pairs[i - 1].key > d->pairs[i].key)
			TR_FAIL(st, TR_ERR_INTERNAL, "the bar does not sort");
	if (d->sum.rows != d->rows || d->sum.total != d->bar_total)
		TR_FAIL(st, TR_ERR_INTERNAL, "ours makes %llu rows", (unsigned long long)d->sum.rows);
	snprintf(pair->note, sizeof(pair->note), "%zu M rows", d->rows / 1000000);
	return TR_OK;
}

const struct tr_bench_case tr_bench_batch_cases[] = {
	{"tpch-q1", "TPC-H q1's shape: 8 aggregates of decimals by two short texts, against DuckDB on one thread",
	 "rows", 0.5, 0, 0, open_q1, data_close},
	{"tpch-q6", "TPC-H q6's shape: a sum of the few rows that pass a filter, against DuckDB on one thread", "rows",
	 0.5, 0, 0, open_q6, data_close},
	{"sort-i64", "ORDER BY a random 64-bit key, two columns", "rows", 0, 0, 0, open_sort, data_close},
	{.name = NULL},
};
