/* SPDX-License-Identifier: Apache-2.0
 *
 * Running the real engine in a measure: a table in memory as a source, a sink that reads every value, a plan by hand.
 *
 * The memory table's batches are views of the arrays that the measure made: no copy, so that what is timed is the
 * engine. Its rows are dealt to readers in chunks, as one split, like a generator's.
 */
#ifndef TR_BENCH_ENGINE_RUN_H
#define TR_BENCH_ENGINE_RUN_H

#include "core/engine.h"
#include "core/plan.h"
#include "sql/session.h"

#define TR_BENCH_COLUMNS_MAX 8

/** A table in memory. `data[c]` holds `block_rows` values of column c; row n of the table is row n % block_rows. */
struct tr_bench_table {
	struct tr_table_spec spec; /* first: the connector gets from it to the rest */
	const void *data[TR_BENCH_COLUMNS_MAX];
	int64_t block_rows; /* a multiple of the batch, or at least `rows` */
	int64_t rows;
	double event_rate; /* not 0: column 0 is made as it is read, start_ms + n / event_rate seconds */
	bool is_paced;     /* row n comes n / event_rate seconds after started_ns */
	int64_t start_ms;
	int64_t started_ns; /* when the source was opened, by the monotonic clock */
};

/** A sink's table: adds up all its 64-bit values. */
struct tr_bench_sum {
	struct tr_table_spec spec; /* first */
	uint64_t rows;             /* written at the sinks' close */
	uint64_t total;            /* wraps */
};

extern const struct tr_connector tr_bench_memory;
extern const struct tr_connector tr_bench_summing;

/** A plan with its arena; zero-initialise. */
struct tr_bench_plan {
	char job_id[33];
	struct tr_arena arena;
	struct tr_plan plan;
};

void tr_bench_plan_init(struct tr_bench_plan *plan, uint32_t workers);
void tr_bench_plan_deinit(struct tr_bench_plan *plan);

/** Nodes: a scan of the physical columns (time_column -1: no event time, else its watermark is the time less
 * `delay_ms`), an exchange by hash of one column, a sink. */
struct tr_node *tr_bench_scan(struct tr_bench_plan *plan, const struct tr_table_spec *table, uint32_t parallelism,
			      int time_column, int64_t delay_ms);
struct tr_node *tr_bench_exchange(struct tr_bench_plan *plan, const struct tr_node *input, uint32_t key,
				  uint32_t parallelism);
/** COUNT(*), and SUM of `sum_column` if it is not -1, by one key over TUMBLE or HOP (slide_ms < size_ms), one phase. */
struct tr_node *tr_bench_window(struct tr_bench_plan *plan, const struct tr_node *input, uint32_t key, int time_column,
				int sum_column, int64_t slide_ms, int64_t size_ms);
void tr_bench_sink(struct tr_bench_plan *plan, const struct tr_node *input, const struct tr_table_spec *table);

/** A script with one INSERT, compiled for `workers` workers; `plan` may be run again and again. Aborts with the message
 * if it does not compile. */
struct tr_bench_job {
	struct tr_arena arena;
	struct tr_config config;
	struct tr_session_options options;
	struct tr_session *session;
	struct tr_plan *plan;
};

void tr_bench_job_init(struct tr_bench_job *job, const char *script, uint32_t workers);
void tr_bench_job_deinit(struct tr_bench_job *job);
/** The scan of a plan with one source, the sink of a plan with one. */
struct tr_node *tr_bench_job_scan(const struct tr_bench_job *job);
struct tr_node *tr_bench_job_sink(const struct tr_bench_job *job);

/** Compiles a script with one INSERT to a plan for `workers` workers and runs it; `seconds` as below. */
void tr_bench_run_sql(const char *script, uint32_t workers, double *seconds, struct tr_engine_progress *progress);

/** Removes a directory of files, if it exists; answers the bytes that they took on the disk. */
uint64_t tr_bench_directory_remove(const char *path);

/** Runs it once. `seconds` receives the time of tr_engine_run alone. Aborts with the message if the job fails. */
void tr_bench_run(struct tr_plan *plan, double *seconds, struct tr_engine_progress *progress);

#endif
