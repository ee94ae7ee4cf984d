/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter: hands on the rows for which a condition is TRUE. A filter never copies a row: it makes the list of those that
 * exist shorter, and the columns go on by reference.
 */
#ifndef TR_CORE_OPS_OP_FILTER_H
#define TR_CORE_OPS_OP_FILTER_H

#include "core/ops/op.h"
#include "core/ops/program.h"

/** `condition` is a program with one BOOLEAN output over batches of `schema`; it and the context outlive the operator. */
struct tr_op *tr_op_filter_create(struct tr_op_context *context, const struct tr_schema *schema,
				  const struct tr_program *condition);

#endif
