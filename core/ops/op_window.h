/* SPDX-License-Identifier: Apache-2.0
 *
 * Window aggregation: the door. One call makes the operator that fits the plan:
 *
 *     LOCAL                                        op_window_local.c    rows -> partials per (key, slice)
 *     SESSION, event time or processing time       op_window_session.c
 *     processing time, DISTINCT, use_general       op_window_general.c  (key, window) -> accumulator
 *     SINGLE, TUMBLE, one key of at most 8 bytes,
 *     memory is not limited                        op_window_tumble.c   a table of keys and entries per window
 *     everything else, and GLOBAL                  op_window_slice.c    slices merged to windows
 *
 * SINGLE and GLOBAL emit [keys.., aggregates.., window_start, window_end, window_time]; LOCAL emits the schema that
 * tr_window_local_schema makes. Thread: the subtask's worker.
 */
#ifndef TR_CORE_OPS_OP_WINDOW_H
#define TR_CORE_OPS_OP_WINDOW_H

#include "core/ops/agg.h"
#include "core/ops/op.h"
#include "core/ops/window.h"

/** What a WINDOW_AGGREGATE node of the plan says, in this floor's words. Immutable; outlives the operators. */
struct tr_window_plan {
	struct tr_window_spec window;
	const uint32_t *keys; /* input columns (SINGLE, LOCAL); ignored by GLOBAL: columns 0 .. key_count - 1 */
	uint32_t key_count;
	const struct tr_agg_call *aggs; /* columns refer to the input of SINGLE or LOCAL, in all phases */
	uint32_t agg_count;
	enum tr_aggregate_phase phase;
	bool use_general;
	const struct tr_schema *input; /* GLOBAL: the schema of the partials */
	const struct tr_schema *output;
};

/** Makes the operator. TR_ERR_DATA or TR_ERR_INTERNAL: a key or aggregate that it can't hold, a bad window. */
tr_code tr_op_window_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
			    struct tr_status *st) TR_MUST_USE;

/** The schema in which partials travel: keys.., accumulators.., slice start, first window's end, number of rows. */
tr_code tr_window_local_schema(struct tr_arena *arena, const struct tr_window_plan *local,
			       const struct tr_schema **schema, struct tr_status *st) TR_MUST_USE;

/** Event time, a window with slices, mergeable aggregates without DISTINCT. */
bool tr_window_is_two_phase(const struct tr_window_spec *window, const struct tr_agg_call *aggs, uint32_t agg_count);

#endif
