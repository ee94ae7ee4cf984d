/* SPDX-License-Identifier: Apache-2.0
 *
 * Expand: each row once for each grouping set, for GROUPING SETS, ROLLUP and CUBE.
 *
 *     input    columns..                  (a, b, x)
 *     output   columns.. | id             (a, b, x, 0) (a, NULL, x, 1) (NULL, NULL, x, 3) ..
 *
 * In the rows of a set the keys that it does not have are NULL; the id, by which the rows of one set can be told from those of
 * another, is a key of the aggregation above. A batch is emitted once for each set; its columns are passed on by reference.
 */
#ifndef TR_CORE_OPS_OP_EXPAND_H
#define TR_CORE_OPS_OP_EXPAND_H

#include "core/ops/expand_set.h"
#include "core/ops/op.h"

/** `output` is the schema of the input's columns, and a BIGINT. It and the sets outlive the operator. */
struct tr_op *tr_op_expand_create(struct tr_op_context *context, const struct tr_schema *output,
				  const struct tr_expand_set *sets, uint32_t set_count);

#endif
