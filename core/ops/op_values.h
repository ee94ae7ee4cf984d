/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: the rows that a VALUES clause lists, as the head of a chain.
 *
 * Each row is a program of its own over a batch of one row without columns, so that a row may hold any expression that
 * needs no input. Subtask 0 emits all rows, in order; then comes the maximum watermark, then the end.
 */
#ifndef TR_CORE_OPS_OP_VALUES_H
#define TR_CORE_OPS_OP_VALUES_H

#include "core/ops/op.h"
#include "core/ops/program.h"

/** `exprs` has row_count * schema->column_count expressions, row by row. The caller sets the head's `next`. */
struct tr_op *tr_op_values_create(struct tr_op_context *context, const struct tr_schema *schema,
				  const struct tr_expr *const *exprs, uint32_t row_count);

/** Emits a batch, the watermark, a barrier that is wanted, or the end. Call while the chain is not blocked. DONE: nothing is left. */
enum tr_flow tr_op_values_step(struct tr_op *op);

#endif
