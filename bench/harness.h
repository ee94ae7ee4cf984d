/* SPDX-License-Identifier: Apache-2.0
 *
 * Harness: two sides, run in turn, compared by the ratio of each pair.
 *
 * A shared machine drifts: the same binary may run twice as fast an hour later. What holds still is the ratio of two
 * runs that follow each other at once. So a measure runs A B A B ..., takes the ratio of each pair, and reports the
 * median of the ratios with an interval: the order statistics that enclose the true median with 95 % probability,
 * whatever the distribution (binomial). A pair during which the host took more than 2 % of the processors (steal in
 * /proc/stat), or other processes more than 10 %, is thrown away and run again, a bounded number of times.
 *
 *     calibrate      pair 1      pair 2             pair n
 *     A, B alone    [A | B]     [B | A]    ...     [A | B]       the order alternates, so that neither side always
 *                    ratio 1     ratio 2            ratio n      finds what the other left in the caches
 *
 * Thread: one measure at a time, on the caller's thread.
 */
#ifndef TR_BENCH_HARNESS_H
#define TR_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_HARNESS_PAIRS_MAX 255
#define TR_HARNESS_STEAL_LIMIT 0.02
#define TR_HARNESS_OTHERS_LIMIT \
	0.10 /* share of the processors that other processes may take; not with processor time */

/** One timed body: does its work `repeat` times and returns how many rows (events, lines) that were. A body whose
 * work has a part that must not count (a set-up it cannot avoid) writes the seconds that count to `*seconds`. */
typedef uint64_t (*tr_harness_body)(void *context, uint32_t repeat, double *seconds);

struct tr_harness_side {
	tr_harness_body body;
	void *context;
};

struct tr_harness_options {
	uint32_t pairs; /* at least 15 for a verdict; 0: 15 */
	double side_ms; /* aimed-at length of one side of a pair; 0: 60 */
};

struct tr_harness_rate {
	double best; /* rows per second */
	double median;
};

struct tr_harness_result {
	struct tr_harness_rate a;
	struct tr_harness_rate b;
	double ratio;     /* median of a's rate over b's, pair by pair */
	double ratio_low; /* 95 % interval of that median */
	double ratio_high;
	uint32_t pairs;     /* kept */
	uint32_t discarded; /* for steal, or for others' work */
	double steal;       /* share of processor time stolen over the kept pairs */
	double others;      /* share of processor time that other processes took */
	uint32_t noisy;     /* kept although above a limit, because the redo budget was used up */
};

/** Runs the pairs and fills `result`. Takes about pairs * 2 * side_ms. */
void tr_harness_compare(const struct tr_harness_side *a, const struct tr_harness_side *b,
			const struct tr_harness_options *options, struct tr_harness_result *result);

/** The same for one side alone: only `a` and the counts are filled. */
void tr_harness_measure(const struct tr_harness_side *a, const struct tr_harness_options *options,
			struct tr_harness_result *result);

/** Seconds of the clock that measures use: monotonic, or this process's processor time (all threads together) after
 * tr_harness_use_processor_time. The latter is for machines that are busy with other things: it leaves out the time in
 * which others ran, though not what they did to the caches. Call it once, at the start. */
double tr_harness_seconds(void);
void tr_harness_use_processor_time(void);
bool tr_harness_is_processor_time(void);

/** 1-based ranks (low, high) of the order statistics that enclose the median of `count` values with at least 95 %. */
void tr_harness_median_ranks(uint32_t count, uint32_t *low, uint32_t *high);

/** `bytes` of zeroed, touched memory, in huge pages if the kernel has them. Never fails (aborts). */
void *tr_harness_alloc(size_t bytes);
void tr_harness_free(void *memory, size_t bytes);

#endif
