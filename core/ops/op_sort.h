/* SPDX-License-Identifier: Apache-2.0
 *
 * Sort and limit, for input that ends.
 *
 *     SINGLE    rows ──▶ bytes that memcmp orders ──▶ sorted ──▶ rows
 *     LOCAL     rows ──▶ bytes ──▶ sorted, in batches of | subtask | row |       before the exchange
 *     GLOBAL    those ──▶ the streams of all subtasks merged ──▶ rows
 *
 * With a limit only the rows that the answer needs are kept (core/ops/sorter.h): LOCAL, which has no offset, gives as many of the
 * first as GLOBAL may need. What memory has no room for lies on disk. Results come when the input has ended: at the greatest watermark.
 *
 * A limit without keys lets the first rows that come pass, and when they have passed it tells the sources below that no more are
 * needed. Neither can be saved: they are for batch jobs, which have no checkpoints. Thread: the subtask's worker.
 */
#ifndef TR_CORE_OPS_OP_SORT_H
#define TR_CORE_OPS_OP_SORT_H

#include "core/ops/op.h"
#include "core/ops/sort.h"
#include "core/ops/window.h"

/** What a SORT node of the plan says. Immutable; outlives the operators. */
struct tr_sort_plan {
	struct tr_sort_spec spec; /* of all phases: key columns are those of the rows */
	enum tr_aggregate_phase phase;
	const struct tr_schema *rows;   /* the schema of what is sorted, in all phases */
	const struct tr_schema *output; /* LOCAL: tr_sort_local_schema */
};

/** The schema between LOCAL and GLOBAL. */
extern const struct tr_schema tr_sort_local_schema;

struct tr_op *tr_op_sort_create(const struct tr_sort_plan *plan, struct tr_op_context *context);

/** Passes the rows from number spec->offset on, at most spec->limit. `enough` is reached with the last; may be NULL. */
struct tr_op *tr_op_limit_create(const struct tr_sort_spec *spec, const struct tr_schema *schema,
				 struct tr_enough *enough, struct tr_op_context *context);

#endif
