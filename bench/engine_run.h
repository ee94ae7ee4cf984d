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

#define TR_BENCH_COLUMNS_MAX 8

/** A table in memory. `data[c]` holds `block_rows` values of column c; row n of the table is row n % block_rows. */
struct tr_bench_table {
	struct tr_table_spec spec; /* first: the connector gets from it to the rest */
	const void *data[TR_BENCH_COLUMNS_MAX];
	int64_t block_rows; /* a multiple of the batch, or at least `rows` */
	int64_t rows;
};

/** A sink's table: adds up all its 64-bit values. */
struct tr_bench_sum {
	struct tr_table_spec spec; /* first */
	uint64_t rows;  /* written at the sinks' close */
	uint64_t total; /* wraps */
};

extern const struct tr_connector tr_bench_memory;
extern const struct tr_connector tr_bench_summing;

/** A plan with its arena; zero-initialise. */
struct tr_bench_plan {
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
void tr_bench_sink(struct tr_bench_plan *plan, const struct tr_node *input, const struct tr_table_spec *table);

/** Runs it once. `seconds` receives the time of tr_engine_run alone. Aborts with the message if the job fails. */
void tr_bench_run(struct tr_bench_plan *plan, double *seconds, struct tr_engine_progress *progress);

#endif
