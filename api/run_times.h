/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and watermarks of rows by callbacks of a strategy (include/tailrace/watermark.h): what sources in C (source_function.c) and the
 * operator in the middle of a graph (op_watermarks.c) share. `hand` is whose callbacks they are.
 */
#ifndef TR_API_RUN_TIMES_H
#define TR_API_RUN_TIMES_H

#include "api/run_context.h"
#include "base/batch.h"
#include "tailrace/watermark.h"

/** A generator at work. Zero-initialise; it is opened with its first row or turn. One owner. */
struct tr_run_generator {
	bool is_open;
	void *own;
	int64_t watermark_ms; /* the greatest that it has said; valid when open */
};

/** The rows' times by `assign`: times[i] of the i-th selected row, and column[row] of row number `row`. */
tr_code tr_run_times_assign(struct tr_run_hand *hand, tr_time_fn assign, void *user, const struct tr_batch *batch,
			    int64_t *times_ms, int64_t *column, struct tr_status *st) TR_MUST_USE;

/** Gives it the selected rows. watermarks[i] becomes what is in force behind the i-th. */
tr_code tr_run_generator_take(struct tr_run_hand *hand, struct tr_run_generator *generator,
			      const struct tr_watermark_generator *functions, const struct tr_batch *batch,
			      const int64_t *times_ms, int64_t *watermarks_ms, struct tr_status *st) TR_MUST_USE;

/** Its turn by the clock. */
tr_code tr_run_generator_turn(struct tr_run_hand *hand, struct tr_run_generator *generator,
			      const struct tr_watermark_generator *functions, struct tr_status *st) TR_MUST_USE;

void tr_run_generator_close(struct tr_run_hand *hand, struct tr_run_generator *generator,
			    const struct tr_watermark_generator *functions);

#endif
