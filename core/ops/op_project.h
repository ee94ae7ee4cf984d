/* SPDX-License-Identifier: Apache-2.0
 *
 * Project: computes columns. A column that is merely passed on goes by reference, so a projection that only picks and
 * reorders costs nothing per row. With a condition it is a filter, too: what the condition and the columns have in common is
 * computed once.
 */
#ifndef TR_CORE_OPS_OP_PROJECT_H
#define TR_CORE_OPS_OP_PROJECT_H

#include "core/ops/op.h"
#include "core/ops/program.h"

/** `program` has one output per column of `output`, and a condition or none; it, the schema and the context outlive the operator. */
struct tr_op *tr_op_project_create(struct tr_op_context *context, const struct tr_schema *output,
				   const struct tr_program *program);

#endif
