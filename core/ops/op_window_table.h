/* SPDX-License-Identifier: Apache-2.0
 *
 * Window table: each row with the windows that it is in, for a window table function that nobody aggregates directly.
 *
 *     ts, k, ...   ->   ts, k, ... | window_start | window_end | window_time          one row per window
 *
 * TUMBLE, HOP and CUMULATE; in processing time the windows are those of now, and so is window_time. Rows keep their order and their watermark runs: the three columns say nothing
 * about lateness, which an aggregation further on decides. No state but what is being emitted.
 */
#ifndef TR_CORE_OPS_OP_WINDOW_TABLE_H
#define TR_CORE_OPS_OP_WINDOW_TABLE_H

#include "core/ops/op.h"
#include "core/ops/window.h"

/** `input` and `output` outlive the operator; output is input's columns and the three. TR_ERR_DATA: a bad window or zone. */
tr_code tr_op_window_table_create(const struct tr_window_spec *window, const struct tr_schema *input,
				  const struct tr_schema *output, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st) TR_MUST_USE;

#endif
