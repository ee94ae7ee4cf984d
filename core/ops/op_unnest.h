/* SPDX-License-Identifier: Apache-2.0
 *
 * Unnest: each row with the elements of a list of its, a row an element. The one operator of correlated table functions:
 * what the function is, is the expression that makes the list.
 *
 *     id, list        ->   id | element | ordinality
 *     1, [a, b]            1, a, 1
 *     2, []                1, b, 2
 *                          2, NULL, NULL   with LEFT JOIN
 *
 * Elements that are ROWs become their fields; those that are NULL ROWs are left out (so does Flink), and count in the
 * ordinality. Rows keep their order, their kinds and their watermark runs. No state but what is being emitted.
 */
#ifndef TR_CORE_OPS_OP_UNNEST_H
#define TR_CORE_OPS_OP_UNNEST_H

#include "core/ops/op.h"
#include "core/ops/unnest.h"

/** `unnest`, `input` and `output` outlive the operator. */
void tr_op_unnest_create(const struct tr_unnest *unnest, const struct tr_schema *input, const struct tr_schema *output,
			 struct tr_op_context *context, struct tr_op **op);

#endif
