/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator that gives rows times and watermarks in the middle of a graph (tr_stream_assign_watermarks).
 *
 *     rows, watermarks ──▶ rows with a time, and runs by the strategy ──▶ its watermarks
 *                          watermarks and idleness of its input end here, but for the last watermark (TR_WATERMARK_MAX)
 *
 * Rows carry what is in force behind the row before them, row by row, however they are cut into batches. The bounded strategy moves as the
 * one of a source does (core/source_stamp.h): when it exceeds the last one by the interval, and on input that does not end by the clock, too.
 *
 * State: the watermark that it has passed on, of each subtask; a restored one begins with the least of them. What a generator remembers
 * is not saved.
 */
#ifndef TR_API_OP_WATERMARKS_H
#define TR_API_OP_WATERMARKS_H

#include "core/operator.h"
#include "core/plan.h"
#include "tailrace/watermark.h"

/** Plan of the operator. In the environment's arena. */
struct tr_run_watermarks {
	struct tr_operator op; /* first: what the plan's node has */
	const struct tr_node *node;
	struct tr_watermark_strategy strategy;
	uint32_t time_column; /* of the output */
	int64_t interval_ms;  /* pipeline.auto-watermark-interval */
	bool is_bounded;      /* its input ends: the clock moves no watermark but a generator's */
};

/** core/operator.h's create. */
tr_code tr_op_watermarks_create(const struct tr_operator *self, struct tr_op_context *context,
				const struct tr_schema *const *inputs, const struct tr_schema *output,
				struct tr_op **op, struct tr_status *st);

#endif
