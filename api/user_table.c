/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel of table functions (user_plan.h): an ARRAY of ROWs for each row, of which an UNNEST makes rows (core/ops/op_unnest.h).
 *
 *     on_row ──▶ collector ──▶ buffers, one after the other ──▶ the elements of the lists
 *
 * The collector takes its chain for blocked all the time, so it queues what it has filled. If one buffer was enough for the batch its columns
 * are the elements; else they are gathered.
 */
#include "api/user_plan.h"
#include "base/check.h"
#include "base/type.h"
#include "core/ops/kernel_pick.h"

/* The rows that the lists have come to. */
struct cursor {
	uint32_t buffer;
	uint32_t row;
};

static enum tr_flow drop(struct tr_op *op, uint32_t input, const struct tr_batch *batch) { return TR_FLOW_MORE; }

static const struct tr_op_ops nowhere = {.name = "nowhere", .on_batch = drop};

/** No rows; the buffers of the batch before are free again. */
static void begin(struct tr_user_local *local)
{
	struct tr_collector *out = &local->out;

	if (!local->has_out) {
		local->op = local->tail = (struct tr_op){.ops = &nowhere, .output = &local->plan->result};
		local->op.next = &local->tail;
		tr_run_collector_init(out, &local->op, &local->gate, local, local->plan->who, &local->plan->result,
				      TR_BATCH_ROWS_DEFAULT);
		local->has_out = true;
	}
	local->gate.is_blocked = false;
	(void)tr_run_collector_drain(out, false);
	tr_batch_buffer_clear(out->buffer);
	out->rows = 0;
	out->made = 0;
	local->gate.is_blocked = true;
}

static uint32_t rows_of(const struct tr_collector *out, uint32_t buffer)
{
	return buffer < out->queue_count ? out->queue[out->queue_first + buffer]->batch.row_count : out->rows;
}

/** `count` elements more. */
static void take(struct tr_list_builder *list, const struct tr_collector *out, struct cursor *at, uint32_t count)
{
	while (count > 0) {
		const uint32_t n = TR_MIN(count, rows_of(out, at->buffer) - at->row);

		tr_pick_range(&list->picks, at->buffer, (int32_t)at->row, (int32_t)(at->row + n));
		at->row += n;
		count -= n;
		if (count > 0)
			*at = (struct cursor){at->buffer + 1, 0};
	}
}

static tr_code run_row(struct tr_user_local *local, const struct tr_row *row)
{
	struct tr_collector *out = &local->out;
	const tr_code code = local->plan->function.on_row(&local->context, row, out, &local->status);

	TR_TRY(tr_user_returned(local, code));
	if (out->made > TR_LIST_ELEMENTS_MAX)
		return tr_user_fail(local, "more than %u rows for one batch", TR_LIST_ELEMENTS_MAX);
	if (out->set_count > 0)
		return tr_user_fail(local, "it has set columns of a row and not added it (tr_collector_add)");
	return TR_OK;
}

static tr_code run_rows(struct tr_call *call, struct tr_user_local *local, struct tr_list_builder *list)
{
	const struct tr_batch arguments = {.schema = &local->plan->arguments,
					   .row_count = call->row_count,
					   .selected_count = call->count,
					   .selection = call->rows,
					   .columns = call->args,
					   .watermark_ms = TR_WATERMARK_MIN};
	struct cursor at = {0, 0};

	TR_CALL_ROWS(call, row) {
		const struct tr_row r = {&arguments, row};
		const uint64_t made = local->out.made;

		call->failed_row = row;
		TR_TRY(run_row(local, &r));
		TR_TRY(tr_list_open(list, row, (uint32_t)(local->out.made - made)));
		take(list, &local->out, &at, (uint32_t)(local->out.made - made));
	}
	return TR_OK;
}

static tr_code end(struct tr_call *call, struct tr_user_local *local, struct tr_list_builder *list)
{
	struct tr_collector *out = &local->out;
	const uint32_t count = out->queue_count + 1;
	struct tr_column *rows = TR_NEW_ARRAY(call->heap, count, struct tr_column);
	const struct tr_column **sources = TR_NEW_ARRAY(call->heap, count, const struct tr_column *);

	tr_batch_buffer_seal(out->buffer, out->rows);
	for (uint32_t i = 0; i < count; i++) {
		const struct tr_batch_buffer *buffer =
			i < out->queue_count ? out->queue[out->queue_first + i] : out->buffer;

		rows[i] = (struct tr_column){.type = call->type->children[0], .children = buffer->batch.columns};
		sources[i] = &rows[i];
	}
	if (count > 1)
		return tr_list_end(list, sources, count);
	tr_list_end_with(list, rows);
	return TR_OK;
}

tr_code tr_user_run_table(struct tr_call *call)
{
	struct tr_user_local *local = call->local;
	struct tr_list_builder list;
	tr_code code = tr_user_ready(local);

	call->failed_row = UINT32_MAX;
	if (code == TR_OK) {
		const void *before = tr_run_enter(local);

		begin(local);
		tr_list_begin(&list, call, call->count);
		code = run_rows(call, local, &list);
		tr_run_leave(before);
	}
	if (code == TR_OK)
		return end(call, local, &list);
	if (call->status != NULL && local->status.code != TR_OK)
		*call->status = local->status;
	memset(local->out.set, 0, sizeof(local->out.set));
	local->out.set_count = 0;
	return code;
}
