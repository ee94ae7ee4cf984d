/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_function.h.
 *
 *     batch ──▶ keys ──▶ on_row for each row, or on_batch for each run of rows with one watermark ──▶ collector ──▶ next
 *     watermark ──▶ timers up to it, one by one ──▶ what the collector holds ──▶ the watermark itself
 *
 * Timers of event time come between two rows where the watermark in force has moved, however the rows were cut into batches; where
 * rows come from several subtasks only what has passed on all of them counts, and that moves between batches.
 *
 * A user's callback runs to its end whatever happens. Between two callbacks the operator stops when the chain is blocked, and
 * `resume` goes on from there: `work` says with what, `cursor` how far it has come. Control elements are passed on as the last act,
 * when the collector is empty.
 */
#include "api/op_function.h"

#include <stdlib.h>

#include "base/check.h"

enum work { WORK_NONE, WORK_BATCH, WORK_TIMERS, WORK_PASS };
enum element { PASS_NOTHING, PASS_WATERMARK, PASS_STATUS, PASS_BARRIER, PASS_END };

struct function_op {
	struct tr_op op;
	const struct tr_run_function *plan;
	struct tr_context context;
	struct tr_run_outputs out;
	bool is_open;
	bool is_started;
	enum work work;
	const struct tr_batch *batch; /* BATCH: the input, borrowed until it is done */
	uint32_t cursor;              /* selected rows that are done */
	tr_code timer_code;
	uint32_t run;
	uint32_t *piece; /* selection of the rows of one run */
	uint32_t piece_room;
	int64_t until_ms; /* TIMERS of processing time */
	int64_t fired_ms; /* timers of event time have come up to this watermark */
	enum element element;
	int64_t element_value;
	struct tr_batch filtered;
	uint32_t *filter;
	uint32_t filter_room;
};

static enum tr_flow fail(struct function_op *f, tr_code code)
{
	struct tr_status *st = &f->op.context->status;

	if (code == TR_OK) /* what a helper of the user's had left there, who has gone on */
		tr_status_clear(st);
	if (f->context.failure.code != TR_OK) {
		*st = f->context.failure;
		code = st->code;
	}
	code = tr_run_answer(code, st);
	(void)tr_status_prefix(st, code, "operator '%s', subtask %u", f->plan->name, f->op.context->subtask);
	st->code = code;
	return TR_FLOW_FAILED;
}

/** Before the first of all that comes: on_start. */
static enum tr_flow start(struct function_op *f)
{
	const void *before;
	tr_code code;

	if (TR_LIKELY(f->is_started))
		return TR_FLOW_MORE;
	f->is_started = true;
	if (f->plan->function.on_start == NULL)
		return TR_FLOW_MORE;
	tr_run_states_set_now(&f->context.states, f->op.context->program.processing_time_ms);
	f->out.gate.has_runs = f->out.gate.has_runs || f->context.input->time_column >= 0;
	before = tr_run_enter(&f->context);
	code = f->plan->function.on_start(&f->context, &f->out.main, &f->op.context->status);
	tr_run_leave(before);
	return code != TR_OK || f->context.failure.code != TR_OK ? fail(f, code) : TR_FLOW_MORE;
}

/* Batches. */

static void choose(struct function_op *f, uint32_t i)
{
	if (tr_run_input_has_keys(f->context.input))
		tr_run_choose(&f->context, i);
	else
		f->context.chosen = i;
}

static enum tr_flow fire(struct function_op *f, uint32_t which, int64_t until_ms);

/** The watermark in force becomes that of a row, which is not before that of the call before; timers come first. */
static enum tr_flow take_watermark(struct function_op *f, uint32_t row)
{
	const struct tr_batch *batch = f->batch;
	int64_t watermark_ms;

	f->context.row_watermark_ms = f->context.watermark_ms;
	if (batch->run_count == 0)
		return TR_FLOW_MORE;
	f->run = tr_batch_run_of(batch, row, f->run);
	watermark_ms = batch->runs[f->run].watermark_ms;
	f->out.gate.has_runs = true;
	if (f->op.is_in_order && watermark_ms > f->fired_ms) {
		f->context.watermark_ms = watermark_ms;
		if (f->context.has_timers &&
		    tr_timer_state_next(&f->context.timers[TR_RUN_EVENT_TIME]) <= watermark_ms) {
			const struct tr_batch *at_hand = f->context.batch;
			enum tr_flow flow;

			tr_run_states_end_batch(&f->context.states);
			f->context.batch = NULL;
			f->out.gate.watermark_ms = f->fired_ms;
			flow = fire(f, TR_RUN_EVENT_TIME, watermark_ms);
			f->context.batch = at_hand;
			if (flow != TR_FLOW_MORE)
				return flow;
		}
		f->fired_ms = watermark_ms;
	}
	if (f->plan->input_count == 1)
		f->context.row_watermark_ms = TR_MAX(f->context.watermark_ms, watermark_ms);
	f->out.gate.watermark_ms = watermark_ms;
	return TR_FLOW_MORE;
}

static tr_code row_by_row(struct function_op *f, struct tr_status *st)
{
	const struct tr_run_input *input = f->context.input;
	const struct tr_batch *batch = f->batch;

	for (; f->cursor < batch->selected_count; f->cursor++) {
		const struct tr_row row = {batch, tr_batch_row(batch, f->cursor)};
		const uint64_t made = f->out.main.made;

		if (f->out.gate.is_blocked || f->out.gate.has_failed || take_watermark(f, row.row) != TR_FLOW_MORE)
			return TR_OK; /* who calls knows */
		choose(f, f->cursor);
		TR_TRY(input->on_row(&f->context, &row, &f->out.main, st));
		if (TR_UNLIKELY(f->context.hand.has_copies))
			tr_run_states_settle(&f->context.states);
		if (TR_UNLIKELY(f->context.failure.code != TR_OK))
			return TR_OK; /* likewise */
		if (f->plan->kind != TR_RUN_MAP)
			continue;
		if (f->out.main.made != made)
			TR_FAIL(st, TR_ERR_USAGE, "a map's on_row sets the columns of one row, and adds none itself");
		tr_collector_add(&f->out.main);
	}
	return TR_OK;
}

/** The rows of the batch from `cursor` on that have one watermark, as a batch. */
static struct tr_batch next_piece(struct function_op *f, uint32_t *end)
{
	const struct tr_batch *batch = f->batch;
	struct tr_batch piece = *batch;
	uint32_t last_row;

	*end = batch->selected_count;
	if (batch->run_count == 0)
		return piece;
	last_row = f->run + 1 < batch->run_count ? batch->runs[f->run + 1].row : batch->row_count;
	for (*end = f->cursor; *end < batch->selected_count && tr_batch_row(batch, *end) < last_row;)
		++*end;
	if (f->cursor == 0 && *end == batch->selected_count)
		return piece;
	if (f->piece_room < batch->selected_count) {
		f->piece_room = batch->selected_count;
		f->piece = tr_checked(realloc(f->piece, f->piece_room * sizeof(*f->piece)));
	}
	for (uint32_t i = f->cursor; i < *end; i++)
		f->piece[i - f->cursor] = tr_batch_row(batch, i);
	piece.selection = f->piece;
	piece.selected_count = *end - f->cursor;
	return piece;
}

/** Rows that a map has made so far of the batch at hand are as many as it was given. */
static tr_code check_map(struct function_op *f, uint64_t made, uint32_t given, struct tr_status *st)
{
	if (f->plan->kind == TR_RUN_MAP && made != given)
		TR_FAIL(st, TR_ERR_USAGE, "a map makes one row for each; it was given %u and has made %llu", given,
			(unsigned long long)made);
	return TR_OK;
}

static tr_code piece_by_piece(struct function_op *f, struct tr_status *st)
{
	const struct tr_run_input *input = f->context.input;
	const struct tr_batch *whole = f->batch;

	while (f->cursor < whole->selected_count && !f->out.gate.is_blocked && !f->out.gate.has_failed) {
		struct tr_batch piece;
		uint64_t made;
		uint32_t end;

		if (take_watermark(f, tr_batch_row(whole, f->cursor)) != TR_FLOW_MORE)
			break;
		made = f->out.main.made;
		piece = next_piece(f, &end);

		f->context.batch = &piece;
		f->context.key = NULL;
		f->context.chosen = 0;
		if (tr_run_input_has_keys(input))
			TR_TRY(tr_run_keys_take(&f->context.keys, &piece, st));
		TR_TRY(input->on_batch(&f->context, &piece, &f->out.main, st));
		if (f->context.failure.code != TR_OK)
			break;
		TR_TRY(check_map(f, f->out.main.made - made, piece.selected_count, st));
		if (tr_run_input_has_keys(input))
			tr_run_states_end_batch(&f->context.states);
		f->cursor = end;
	}
	f->context.batch = NULL;
	return TR_OK;
}

/** Goes on with the batch at hand. */
static enum tr_flow work_on_batch(struct function_op *f)
{
	struct tr_status *st = &f->op.context->status;
	const struct tr_run_input *input = f->context.input;
	const void *before = tr_run_enter(&f->context);
	enum tr_flow flow;
	tr_code code;

	f->context.batch = f->batch;
	code = input->on_batch != NULL ? piece_by_piece(f, st) : row_by_row(f, st);
	if (tr_run_input_has_keys(input) && input->on_batch == NULL)
		tr_run_states_end_batch(&f->context.states);
	f->context.batch = NULL;
	f->context.key = NULL;
	tr_run_leave(before);
	if (f->timer_code != TR_OK || code != TR_OK || f->context.failure.code != TR_OK)
		return fail(f, f->timer_code != TR_OK ? f->timer_code : code);
	flow = tr_run_outputs_drain(&f->out, false);
	if (flow == TR_FLOW_MORE && f->cursor == f->batch->selected_count) {
		f->work = WORK_NONE;
		f->batch = NULL;
	}
	return flow;
}

static enum tr_flow on_filter(struct function_op *f, const struct tr_batch *batch)
{
	const void *before = tr_run_enter(&f->context);
	uint32_t count = 0;

	if (f->filter_room < batch->selected_count) {
		f->filter_room = batch->selected_count;
		f->filter = tr_checked(realloc(f->filter, f->filter_room * sizeof(*f->filter)));
	}
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		f->filter[count] = row.row;
		count += f->plan->keep(f->plan->function.user, &row);
	}
	tr_run_leave(before);
	if (f->context.failure.code != TR_OK)
		return fail(f, TR_OK);
	f->filtered = *batch;
	f->filtered.selection = f->filter;
	f->filtered.selected_count = count;
	return tr_op_emit(&f->op, &f->filtered);
}

static enum tr_flow work_on(struct function_op *f);

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct function_op *f = (struct function_op *)op;

	TR_ASSERT(input < f->plan->input_count && f->work == WORK_NONE);
	if (f->plan->kind == TR_RUN_FILTER)
		return on_filter(f, batch);
	if (start(f) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	f->batch = batch;
	f->cursor = f->run = 0;
	f->work = WORK_BATCH;
	tr_run_use_input(&f->context, input);
	if (f->plan->is_keyed) {
		tr_run_states_set_now(&f->context.states, op->context->program.processing_time_ms);
		if (f->context.input->on_batch == NULL && tr_run_input_has_keys(f->context.input) &&
		    tr_run_keys_take(&f->context.keys, batch, &op->context->status) != TR_OK)
			return fail(f, op->context->status.code);
	}
	return work_on(f);
}

/* Timers. */

/** Timers that are due, until the chain is blocked. FAILED: `timer_code`, or the chain has. */
static enum tr_flow fire(struct function_op *f, uint32_t which, int64_t until_ms)
{
	struct tr_context *context = &f->context;
	struct tr_status *st = &f->op.context->status;
	struct tr_timer timer;
	enum tr_flow flow;

	tr_run_states_set_now(&context->states, f->op.context->program.processing_time_ms);
	while ((flow = tr_run_outputs_drain(&f->out, false)) == TR_FLOW_MORE &&
	       tr_timer_state_take(&context->timers[which], until_ms, &timer)) {
		const struct tr_timer_event event = {timer.time_ms, which == TR_RUN_PROCESSING_TIME};
		const void *before;

		context->key = tr_run_keys_set_single(&context->keys, &timer.key);
		context->timestamp_ms = timer.time_ms;
		context->is_timer = true;
		before = tr_run_enter(context);
		if (f->plan->function.on_timer != NULL)
			f->timer_code = f->plan->function.on_timer(context, &event, &f->out.main, st);
		tr_run_leave(before);
		context->is_timer = false;
		context->key = NULL;
		if (f->timer_code != TR_OK || context->failure.code != TR_OK)
			return TR_FLOW_FAILED;
	}
	return flow;
}

/** Those of processing time, or of event time up to the watermark that is to be passed on. */
static enum tr_flow work_on_timers(struct function_op *f)
{
	const bool is_event = f->element == PASS_WATERMARK;
	const enum tr_flow flow = fire(f, is_event ? TR_RUN_EVENT_TIME : TR_RUN_PROCESSING_TIME,
				       is_event ? f->element_value : f->until_ms);

	if (f->timer_code != TR_OK || f->context.failure.code != TR_OK)
		return fail(f, f->timer_code);
	if (flow == TR_FLOW_MORE)
		f->work = is_event ? WORK_PASS : WORK_NONE;
	return flow;
}

static void set_timer(struct function_op *f)
{
	f->op.timer_ms =
		f->context.has_timers ? tr_timer_state_next(&f->context.timers[TR_RUN_PROCESSING_TIME]) : INT64_MAX;
}

static enum tr_flow on_end_function(struct function_op *f)
{
	const void *before;
	tr_code code;

	if (f->plan->function.on_end == NULL)
		return TR_FLOW_MORE;
	before = tr_run_enter(&f->context);
	code = f->plan->function.on_end(&f->context, &f->out.main, &f->op.context->status);
	tr_run_leave(before);
	return code != TR_OK || f->context.failure.code != TR_OK ? fail(f, code) : TR_FLOW_MORE;
}

/* Passing on. */

static enum tr_flow pass(struct function_op *f)
{
	const enum element element = f->element;
	const enum tr_flow flow = tr_run_outputs_drain(&f->out, true);

	if (f->context.failure.code != TR_OK)
		return fail(f, TR_OK);
	if (flow != TR_FLOW_MORE)
		return flow;
	f->work = WORK_NONE;
	f->element = PASS_NOTHING;
	switch (element) {
	case PASS_NOTHING: return TR_FLOW_MORE;
	case PASS_WATERMARK:
		f->out.gate.watermark_ms = f->element_value;
		f->fired_ms = TR_MAX(f->fired_ms, f->element_value);
		return tr_op_emit_watermark(&f->op, f->element_value);
	case PASS_STATUS: return tr_op_emit_status(&f->op, f->element_value != 0);
	case PASS_BARRIER: return tr_op_emit_barrier(&f->op, (uint64_t)f->element_value);
	case PASS_END: return tr_op_emit_end(&f->op);
	}
	TR_UNREACHABLE();
}

static enum tr_flow work_on(struct function_op *f)
{
	enum tr_flow flow = TR_FLOW_MORE;

	if (f->work == WORK_BATCH)
		flow = work_on_batch(f);
	if (flow == TR_FLOW_MORE && f->work == WORK_TIMERS)
		flow = work_on_timers(f);
	if (flow == TR_FLOW_MORE && f->work == WORK_PASS)
		flow = pass(f);
	set_timer(f);
	return flow;
}

static enum tr_flow begin_pass(struct function_op *f, enum element element, int64_t value)
{
	TR_ASSERT(f->work == WORK_NONE);
	if (start(f) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	f->element = element;
	f->element_value = value;
	f->work = WORK_PASS;
	return work_on(f);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct function_op *f = (struct function_op *)op;

	if (start(f) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	/* What timers make comes before the watermark; they see it all the same. */
	f->context.watermark_ms = TR_MAX(f->context.watermark_ms, watermark_ms);
	f->out.gate.has_runs = true;
	if (!f->context.has_timers || watermark_ms <= f->fired_ms)
		return begin_pass(f, PASS_WATERMARK, watermark_ms);
	f->element = PASS_WATERMARK;
	f->element_value = watermark_ms;
	f->out.gate.watermark_ms = f->fired_ms;
	f->work = WORK_TIMERS;
	return work_on(f);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	return begin_pass((struct function_op *)op, PASS_STATUS, is_idle);
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	return begin_pass((struct function_op *)op, PASS_BARRIER, (int64_t)checkpoint);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct function_op *f = (struct function_op *)op;

	if (start(f) == TR_FLOW_FAILED || on_end_function(f) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	return begin_pass(f, PASS_END, 0);
}

static enum tr_flow on_timer(struct tr_op *op, int64_t now_ms)
{
	struct function_op *f = (struct function_op *)op;

	TR_ASSERT(f->work == WORK_NONE);
	if (start(f) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	f->until_ms = now_ms;
	f->work = WORK_TIMERS;
	return work_on(f);
}

static enum tr_flow resume(struct tr_op *op)
{
	struct function_op *f = (struct function_op *)op;

	tr_run_outputs_resume(&f->out);
	return work_on(f);
}

static enum tr_flow flush(struct tr_op *op)
{
	struct function_op *f = (struct function_op *)op;

	TR_ASSERT(f->work == WORK_NONE);
	return tr_run_outputs_drain(&f->out, true);
}

/* State. */

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	return tr_run_states_snapshot(&((struct function_op *)op)->context.states, order, writer, base, st);
}

static enum tr_flow snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget, struct tr_status *st)
{
	return tr_run_states_snapshot_step(&((struct function_op *)op)->context.states, writer, budget, st);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	return tr_run_states_load(&((struct function_op *)op)->context.states, origin, record, st);
}

static tr_code load_end(struct tr_op *op, struct tr_status *st)
{
	struct function_op *f = (struct function_op *)op;

	tr_run_states_load_end(&f->context.states);
	set_timer(f);
	return TR_OK;
}

static uint64_t state_bytes(const struct tr_op *op)
{
	return tr_run_states_bytes(&((const struct function_op *)op)->context.states);
}

static const struct tr_state_kind *kinds(const struct tr_op *op, uint32_t *count)
{
	return tr_run_states_kinds(&((const struct function_op *)op)->context.states, count);
}

/* Making. */

static void destroy(struct tr_op *op)
{
	struct function_op *f = (struct function_op *)op;

	if (f->is_open && f->plan->function.close != NULL) {
		const void *before = tr_run_enter(&f->context);

		f->plan->function.close(&f->context);
		tr_run_leave(before);
	}
	tr_run_outputs_deinit(&f->out);
	tr_run_context_deinit(&f->context);
	free(f->piece);
	free(f->filter);
	free(f);
}

static const struct tr_op_ops state_ops = {
	.name = "function",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.on_timer = on_timer,
	.resume = resume,
	.flush = flush,
	.snapshot = snapshot,
	.snapshot_step = snapshot_step,
	.load = load,
	.load_end = load_end,
	.state_bytes = state_bytes,
	.kinds = kinds,
	.destroy = destroy,
};

static const struct tr_op_ops plain_ops = {
	.name = "function",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.resume = resume,
	.flush = flush,
	.destroy = destroy,
};

static const struct tr_op_ops filter_ops = {.name = "filter", .on_batch = on_batch, .destroy = destroy};

static tr_code open_function(struct function_op *f, struct tr_status *st)
{
	const void *before;
	tr_code code;

	f->is_open = true;
	if (f->plan->function.open == NULL)
		return TR_OK;
	f->context.is_opening = true;
	before = tr_run_enter(&f->context);
	code = f->plan->function.open(&f->context, st);
	tr_run_leave(before);
	f->context.is_opening = false;
	if (code == TR_OK && f->context.failure.code == TR_OK)
		return TR_OK;
	(void)fail(f, code);
	return st->code;
}

tr_code tr_op_function_create(const struct tr_operator *self, struct tr_op_context *context,
			      const struct tr_schema *const *inputs, const struct tr_schema *output, struct tr_op **op,
			      struct tr_status *st)
{
	const struct tr_run_function *plan = self->plan;
	struct function_op *f = tr_checked(calloc(1, sizeof(*f)));
	tr_code code;

	f->op.ops = plan->kind == TR_RUN_FILTER ? &filter_ops : plan->op.has_state ? &state_ops : &plain_ops;
	f->op.context = context;
	f->op.timer_ms = INT64_MAX;
	f->op.output = output;
	f->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	f->fired_ms = TR_WATERMARK_MIN;
	f->plan = plan;
	tr_run_context_init(&f->context, plan, context, inputs, output);
	f->context.outputs = &f->out;
	tr_run_outputs_init(&f->out, &f->op, self, &f->context, plan->name);
	code = open_function(f, &context->status);
	if (code != TR_OK) {
		*st = context->status;
		st->code = code;
		destroy(&f->op);
		return code;
	}
	*op = &f->op;
	return TR_OK;
}
