/* SPDX-License-Identifier: Apache-2.0
 *
 * Window rank: of the rows of each window and key the first ones, in an order. Top-N and deduplication of windows.
 *
 *     rows with their windows  ──▶  window_end ──▶ key ──▶ the best `to` rows seen
 *     the watermark passes the end  ──▶  ranks from .. to of each key, with their numbers if wanted
 *
 * The windows are attached to the rows (struct tr_window_spec, is_attached): two of the keys say which, the time column is
 * the last millisecond of it. Or, in batch mode, there is one that ends with the input (is_whole). A row whose window has fired when it comes is late and dropped. The plan's order ends with the
 * position of the row in its input where there is one (sql/order.c). Rows that the order does not tell apart are ordered by their
 * other columns, so that the answer depends on the rows alone and not on who was first (docs/decisions/0035-ranks.md); columns of
 * ARRAY, MAP and ROW have no order and don't count.
 *
 * State: a row is one that may still be among the first; what is known to be none is dropped at once. Each is written to a checkpoint
 * once, in pieces; beyond the memory limit rows lie in a file (core/ops/rank_inner.h). Three kinds of records:
 *
 *     operator  1   watermark, forwarded watermark, the last part's number
 *     parts     3   the parts that live
 *     rows      4   keyed: keys.. | part | place | other columns of the input..
 *
 * Output: the input's columns, and the number as BIGINT. Event time only. Thread: the subtask's worker.
 */
#ifndef TR_CORE_OPS_OP_WINDOW_RANK_H
#define TR_CORE_OPS_OP_WINDOW_RANK_H

#include "core/ops/op.h"
#include "core/ops/row_order.h"
#include "core/ops/window.h"

/** What a WINDOW_RANK node of the plan says. Immutable; outlives the operators. */
struct tr_window_rank_plan {
	struct tr_window_spec window;
	const uint32_t *keys; /* input columns; of attached windows window_start and window_end are among them */
	uint32_t key_count;
	const struct tr_order_key *order;
	uint32_t order_count;
	uint64_t from; /* ranks from .. to, counted from 1 */
	uint64_t to;
	bool has_number; /* the last column of the output is the rank */
	const struct tr_schema *input;
	const struct tr_schema *output;
};

/** Makes the operator. TR_ERR_DATA: a key or an order that it can't have, a bad zone. */
tr_code tr_op_window_rank_create(const struct tr_window_rank_plan *plan, struct tr_op_context *context,
				 struct tr_op **op, struct tr_status *st) TR_MUST_USE;

#endif
