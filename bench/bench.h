/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of measures: one case a row of the table "How fast" (or a part of a row).
 *
 * A bench_*.c file defines cases; bench_main.c lists them. A case opens what it needs (data, both sides), the driver
 * runs the pairs, the case closes. What a case says about a result (must, unit) is data, so that the table, --list and
 * --json agree.
 */
#ifndef TR_BENCH_BENCH_H
#define TR_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/harness.h"
#include "tailrace/status.h"

/** Two sides made by a case; `ours.body` or `bar.body` NULL: that side does not exist (yet), and is left out. */
struct tr_bench_pair {
	const char *name; /* of the case; set before it is opened */
	struct tr_harness_side ours;
	struct tr_harness_side bar;
	void *data;        /* the case's own */
	char note[160];    /* shown behind the row: sizes, key counts */
	char skipped[200]; /* not empty: the row is not measured, and this is why */
};

struct tr_bench_case {
	const char *name;  /* "group-100k" */
	const char *work;  /* one line, for --list */
	const char *unit;  /* "rows", "events", "lines"; "x": a rate is a speed-up (bench_scale.c) */
	double must_ratio; /* bar: ours / bar must reach it; 0: none */
	double must_rate;  /* bar: units per second; 0: none */
	double side_ms;    /* 0: the default */
	tr_code (*open)(struct tr_bench_pair *pair, struct tr_status *st);
	void (*close)(struct tr_bench_pair *pair);
	/* Instead of open and close: one number in `unit`, which must be less than must_at_most, and a note. */
	tr_code (*observe)(double *value, char *note, size_t room, struct tr_status *st);
	double must_at_most;
};

/** Each array ends with name NULL. */
extern const struct tr_bench_case tr_bench_expression_cases[];
extern const struct tr_bench_case tr_bench_kernel_cases[];
extern const struct tr_bench_case tr_bench_plan_cases[];
extern const struct tr_bench_case tr_bench_group_cases[];
extern const struct tr_bench_case tr_bench_batch_cases[];
extern const struct tr_bench_case tr_bench_window_cases[];
extern const struct tr_bench_case tr_bench_exchange_cases[];
extern const struct tr_bench_case tr_bench_decode_cases[];
extern const struct tr_bench_case tr_bench_generator_cases[];
extern const struct tr_bench_case tr_bench_run_cases[];
extern const struct tr_bench_case tr_bench_scale_cases[];
extern const struct tr_bench_case tr_bench_snapshot_cases[];
extern const struct tr_bench_case tr_bench_log_cases[];
extern const struct tr_bench_case tr_bench_state_cases[];
extern const struct tr_bench_case tr_bench_checkpoint_cases[];
extern const struct tr_bench_case tr_bench_latency_cases[];
extern const struct tr_bench_case tr_bench_spill_cases[];
extern const struct tr_bench_case tr_bench_stream_cases[];
extern const struct tr_bench_case tr_bench_user_cases[];

#endif
