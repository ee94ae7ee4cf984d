/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_watermarks.h. What is to be emitted is noted first, and then emitted in one order, with a stop wherever the chain is blocked:
 *
 *     active again ──▶ rows ──▶ watermark ──▶ idle ──▶ barrier or end
 */
#include "api/op_watermarks.h"

#include <stdlib.h>

#include "api/run_times.h"
#include "base/check.h"
#include "state/operator_state.h"

#define STATE_KIND 1

enum element { PASS_NOTHING, PASS_BARRIER, PASS_END };

struct watermarks_op {
	struct tr_op op;
	const struct tr_run_watermarks *plan;
	struct tr_run_hand hand;
	struct tr_status failure;
	struct tr_run_generator generator;
	struct tr_operator_state state; /* what was restored */
	int64_t current_ms;             /* what the strategy says */
	int64_t emitted_ms;             /* passed on, or in the runs of rows that are being passed on */
	bool is_idle;
	bool is_over; /* the last watermark has come */
	int64_t last_rows_ms;
	int64_t turn_ms; /* of the clock */
	/* A batch's: */
	int64_t *times_ms;
	int64_t *column; /* of assigned times */
	int64_t *watermarks_ms;
	struct tr_watermark_run *runs;
	uint32_t room;
	struct tr_column *columns;
	struct tr_batch batch;
	/* To be emitted: */
	bool has_rows;
	int64_t mark_ms;
	bool is_idle_due;
	enum element element;
	uint64_t checkpoint;
	bool is_restored; /* the chain has not been told the watermark yet */
};

static enum tr_flow fail(struct watermarks_op *w, tr_code code)
{
	(void)tr_status_prefix(&w->op.context->status, code, "operator '%s', subtask %u", w->plan->node->name,
			       w->op.context->subtask);
	w->op.context->status.code = code;
	return TR_FLOW_FAILED;
}

/* Time. */

static int64_t now_ms(const struct watermarks_op *w) { return w->op.context->program.processing_time_ms; }

/** Whether the clock moves the watermark. */
static bool has_turns(const struct watermarks_op *w)
{
	const struct tr_watermark_strategy *strategy = &w->plan->strategy;

	if (w->plan->interval_ms == 0 || strategy->has_no_watermarks || w->is_over || w->is_idle)
		return false;
	if (strategy->generator != NULL)
		return strategy->generator->on_periodic != NULL;
	return !w->plan->is_bounded && w->current_ms > w->emitted_ms;
}

static void set_timer(struct watermarks_op *w)
{
	const int64_t idle_ms = w->plan->strategy.idle_timeout_ms;

	w->op.timer_ms = INT64_MAX;
	if (w->is_restored)
		w->op.timer_ms = 0;
	if (has_turns(w))
		w->op.timer_ms = TR_MIN(w->op.timer_ms, w->turn_ms);
	if (idle_ms > 0 && !w->is_idle && !w->is_over)
		w->op.timer_ms = TR_MIN(w->op.timer_ms, w->last_rows_ms + idle_ms);
}

/* Passing on. */

static enum tr_flow pass(struct watermarks_op *w)
{
	const enum element element = w->element;

	w->element = PASS_NOTHING;
	switch (element) {
	case PASS_NOTHING: return TR_FLOW_MORE;
	case PASS_BARRIER: return tr_op_emit_barrier(&w->op, w->checkpoint);
	case PASS_END: return tr_op_emit_end(&w->op);
	}
	TR_UNREACHABLE();
}

/** The next thing that is to be emitted; MORE with *is_done: there is nothing. */
static enum tr_flow emit_next(struct watermarks_op *w, bool *is_done)
{
	if (w->is_idle && (w->has_rows || w->mark_ms > w->emitted_ms)) {
		w->is_idle = false;
		return tr_op_emit_status(&w->op, false);
	}
	if (w->is_restored) {
		w->is_restored = false;
		return w->emitted_ms > TR_WATERMARK_MIN ? tr_op_emit_watermark(&w->op, w->emitted_ms) : TR_FLOW_MORE;
	}
	if (w->has_rows) {
		w->has_rows = false;
		return tr_op_emit(&w->op, &w->batch);
	}
	if (w->mark_ms > w->emitted_ms) {
		w->emitted_ms = w->mark_ms;
		return tr_op_emit_watermark(&w->op, w->emitted_ms);
	}
	if (w->is_idle_due) {
		w->is_idle_due = false;
		w->is_idle = true;
		return tr_op_emit_status(&w->op, true);
	}
	*is_done = true;
	return pass(w);
}

static enum tr_flow go_on(struct watermarks_op *w)
{
	enum tr_flow flow = TR_FLOW_MORE;
	bool is_done = false;

	while (flow == TR_FLOW_MORE && !is_done)
		flow = emit_next(w, &is_done);
	set_timer(w);
	return flow;
}

/* Rows. */

static void make_room(struct watermarks_op *w, uint32_t rows)
{
	if (w->room >= rows)
		return;
	w->room = TR_MAX(rows, w->op.context->batch_rows);
	w->times_ms = tr_checked(realloc(w->times_ms, w->room * sizeof(*w->times_ms)));
	w->column = tr_checked(realloc(w->column, w->room * sizeof(*w->column)));
	w->watermarks_ms = tr_checked(realloc(w->watermarks_ms, w->room * sizeof(*w->watermarks_ms)));
	w->runs = tr_checked(realloc(w->runs, (w->room + 1) * sizeof(*w->runs)));
}

/** The times of the batch's rows; assigned ones become a column behind the others. */
static tr_code find_times(struct watermarks_op *w, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_watermark_strategy *strategy = &w->plan->strategy;
	const struct tr_schema *output = w->op.output;
	const uint32_t count = output->column_count;
	const struct tr_column *column = &batch->columns[w->plan->time_column];

	w->batch = *batch;
	w->batch.schema = output;
	if (strategy->assign_time != NULL) {
		memcpy(w->columns, batch->columns, (count - 1) * sizeof(*w->columns));
		memset(w->column, 0, batch->row_count * sizeof(*w->column));
		TR_TRY(tr_run_times_assign(&w->hand, strategy->assign_time, strategy->user, batch, w->times_ms,
					   w->column, st));
		w->columns[count - 1] = (struct tr_column){.type = output->types[count - 1], .data = w->column};
		w->batch.columns = w->columns;
		return TR_OK;
	}
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		if (tr_column_is_null(column, row))
			TR_FAIL(st, TR_ERR_DATA,
				"the event time column %s is NULL; rows without a time can't be placed in event time: "
				"filter them out or give them a time with COALESCE",
				output->names[w->plan->time_column]);
		w->times_ms[i] = tr_column_i64(column, row);
	}
	return TR_OK;
}

/** What the strategy says behind each row, or its one before them if it says nothing. */
static tr_code find_watermarks(struct watermarks_op *w, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_watermark_strategy *strategy = &w->plan->strategy;
	int64_t watermark_ms;

	if (strategy->generator != NULL)
		TR_TRY(tr_run_generator_take(&w->hand, &w->generator, strategy->generator, batch, w->times_ms,
					     w->watermarks_ms, st));
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		if (strategy->has_no_watermarks)
			watermark_ms = TR_WATERMARK_MIN;
		else if (strategy->generator != NULL)
			watermark_ms = w->watermarks_ms[i];
		else if (__builtin_sub_overflow(w->times_ms[i], strategy->out_of_orderness_ms + 1, &watermark_ms))
			watermark_ms = TR_WATERMARK_MIN;
		w->watermarks_ms[i] = w->current_ms = TR_MAX(w->current_ms, watermark_ms);
	}
	return TR_OK;
}

/** Whether what the strategy says now is emitted because of a row. */
static bool is_due(const struct watermarks_op *w, int64_t watermark_ms, int64_t last_ms)
{
	if (watermark_ms <= last_ms || w->plan->strategy.generator != NULL || last_ms == TR_WATERMARK_MIN)
		return watermark_ms > last_ms;
	return (uint64_t)watermark_ms - (uint64_t)last_ms > (uint64_t)w->plan->interval_ms;
}

static void set_runs(struct watermarks_op *w, const struct tr_batch *batch)
{
	int64_t last_ms = w->emitted_ms;
	uint32_t count = 1;

	w->runs[0] = (struct tr_watermark_run){0, last_ms};
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		if (!is_due(w, w->watermarks_ms[i], last_ms))
			continue;
		last_ms = w->watermarks_ms[i];
		if (i + 1 < batch->selected_count)
			w->runs[count++] = (struct tr_watermark_run){tr_batch_row(batch, i + 1), last_ms};
	}
	w->batch.runs = w->runs;
	w->batch.run_count = count;
	w->batch.watermark_ms = last_ms;
	w->mark_ms = last_ms;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct watermarks_op *w = (struct watermarks_op *)op;
	struct tr_status *st = &op->context->status;
	tr_code code;

	TR_ASSERT(input == 0 && !w->has_rows);
	make_room(w, batch->row_count);
	code = find_times(w, batch, st);
	if (code == TR_OK)
		code = find_watermarks(w, batch, st);
	if (code != TR_OK)
		return fail(w, code);
	set_runs(w, batch);
	w->has_rows = true;
	w->last_rows_ms = now_ms(w);
	return go_on(w);
}

/* Control. */

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	if (watermark_ms != TR_WATERMARK_MAX)
		return TR_FLOW_MORE;
	w->is_over = true;
	w->mark_ms = TR_WATERMARK_MAX;
	return go_on(w);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle) { return TR_FLOW_MORE; }

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	w->element = PASS_BARRIER;
	w->checkpoint = checkpoint;
	return go_on(w);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	w->is_over = true;
	w->element = PASS_END;
	return go_on(w);
}

static enum tr_flow on_timer(struct tr_op *op, int64_t time_ms)
{
	struct watermarks_op *w = (struct watermarks_op *)op;
	const struct tr_watermark_strategy *strategy = &w->plan->strategy;

	if (strategy->idle_timeout_ms > 0 && !w->is_idle && !w->is_over &&
	    time_ms - w->last_rows_ms >= strategy->idle_timeout_ms) {
		w->is_idle_due = true;
	} else if (has_turns(w) && time_ms >= w->turn_ms) {
		if (strategy->generator != NULL) {
			tr_code code = tr_run_generator_turn(&w->hand, &w->generator, strategy->generator,
							     &op->context->status);

			if (code != TR_OK)
				return fail(w, code);
			w->current_ms = TR_MAX(w->current_ms, w->generator.watermark_ms);
		}
		w->mark_ms = TR_MAX(w->mark_ms, w->current_ms);
		w->turn_ms = time_ms + w->plan->interval_ms;
	}
	return go_on(w);
}

static enum tr_flow resume(struct tr_op *op)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	w->last_rows_ms = TR_MAX(w->last_rows_ms, now_ms(w)); /* rows may have waited in front of it */
	return go_on(w);
}

/* State. */

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	*base = tr_state_age(order->checkpoint);
	tr_operator_state_clear(&w->state);
	tr_operator_state_add(&w->state, &w->emitted_ms, sizeof(w->emitted_ms));
	return tr_operator_state_save(&w->state, writer, st);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	return tr_operator_state_load(&w->state, origin, op->context->subtask, op->context->subtask_count,
				      record->bytes, record->length, st);
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct watermarks_op *w = (struct watermarks_op *)op;
	int64_t least_ms = TR_WATERMARK_MAX, item_ms;
	const void *bytes;
	uint32_t length;
	size_t cursor = 0;

	while (tr_operator_state_next(&w->state, &cursor, &bytes, &length)) {
		if (length != sizeof(item_ms))
			TR_FAIL(st, TR_ERR_DATA, "operator '%s': the saved watermark has %u bytes", w->plan->node->name,
				length);
		memcpy(&item_ms, bytes, sizeof(item_ms));
		least_ms = TR_MIN(least_ms, item_ms);
	}
	if (least_ms == TR_WATERMARK_MAX) /* nothing was saved, or there is nothing to say but the end */
		return TR_OK;
	w->emitted_ms = w->current_ms = w->mark_ms = least_ms;
	w->is_restored = true;
	set_timer(w);
	return TR_OK;
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	static const struct tr_state_kind list[] = {{.kind = STATE_KIND, .name = "watermark"}};

	*count = TR_COUNT_OF(list);
	return list;
}

/* Making. */

static void destroy(struct tr_op *op)
{
	struct watermarks_op *w = (struct watermarks_op *)op;

	if (w->plan->strategy.generator != NULL)
		tr_run_generator_close(&w->hand, &w->generator, w->plan->strategy.generator);
	tr_run_hand_deinit(&w->hand);
	tr_operator_state_deinit(&w->state);
	free(w->times_ms);
	free(w->column);
	free(w->watermarks_ms);
	free(w->runs);
	free(w->columns);
	free(w);
}

static const struct tr_op_ops ops = {
	.name = "watermarks",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.on_timer = on_timer,
	.resume = resume,
	.snapshot = snapshot,
	.load = load,
	.load_end = load_end,
	.kinds = kinds,
	.destroy = destroy,
};

tr_code tr_op_watermarks_create(const struct tr_operator *self, struct tr_op_context *context,
				const struct tr_schema *const *inputs, const struct tr_schema *output,
				struct tr_op **op, struct tr_status *st)
{
	struct watermarks_op *w = tr_checked(calloc(1, sizeof(*w)));

	w->op.ops = &ops;
	w->op.context = context;
	w->op.output = output;
	w->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	w->plan = self->plan;
	w->hand = (struct tr_run_hand){.name = w->plan->node->name, .failure = &w->failure};
	w->columns = tr_checked(calloc(output->column_count, sizeof(*w->columns)));
	w->current_ms = w->emitted_ms = w->mark_ms = TR_WATERMARK_MIN;
	tr_operator_state_init(&w->state, TR_OPERATOR_UNION, STATE_KIND);
	w->last_rows_ms = now_ms(w);
	w->turn_ms = now_ms(w) + w->plan->interval_ms;
	set_timer(w);
	*op = &w->op;
	return TR_OK;
}
