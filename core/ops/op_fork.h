/* SPDX-License-Identifier: Apache-2.0
 *
 * Fork: what has several readers in one chain, or side outputs. All that it is given goes to each of its branches, in their order; but a
 * batch only to those that read the output from which it came.
 *
 *               ┌─▶ project ─▶ exchange       a branch: operators in a row, or once more a fork
 *     filter ─▶ fork
 *               └─▶ sink
 *
 *                ┌─ output 0 ──▶ sink
 *     process ─▶ fork
 *                └─ output 1, the first side output ──▶ side output ─▶ ..
 *
 * Nothing is copied and nothing queued: a batch is borrowed, so each branch may read it in turn. When a branch answers BLOCKED, the
 * fork remembers which branch comes next and answers BLOCKED itself; so the slowest branch sets the pace of all.
 *
 * A branch has an operator of its own that emits to it, the port, which carries what an operator says of its one output: the schema and
 * the metrics.
 */
#ifndef TR_CORE_OPS_OP_FORK_H
#define TR_CORE_OPS_OP_FORK_H

#include "core/ops/op.h"

/** Makes a fork for `branch_count` branches of rows of `schema`, without the branches. */
struct tr_op *tr_op_fork_create(struct tr_op_context *context, const struct tr_schema *schema, uint32_t branch_count);

/** Whether it is a fork. */
bool tr_op_is_fork(const struct tr_op *op);

/** Adds the next branch: it begins with `first`, and gets batches of `output`: 0, or 1 and more for side outputs. All must be there before
 * the fork is given anything. */
void tr_op_fork_add(struct tr_op *fork, struct tr_op *first, uint32_t output);

#endif
