/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_async.h.
 *
 *     batch ──copied──▶ a request for each row, up to the capacity ──▶ flights (run_flight.h)
 *     requests that have come back ──▶ retried, or done ──▶ those whose turn it is ──▶ collector ──▶ next
 *     watermark, idleness ──▶ flights;   barrier ──▶ passed on at once, rows in flight are its state;   end ──▶ waits for all
 *
 * All that moves is in `work_on`, which runs until there is nothing more to do: for an element that was given, for a signal that a
 * request has come back, or for an alarm. With rows that there is no room for, or an end before which there are rows, the operator
 * answers BLOCKED by its own doing (is_waiting), and goes on when it is resumed. Nothing is emitted between a barrier and the
 * snapshot, since both come in one step of the subtask.
 */
#include "api/op_async.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"

static enum tr_flow fail(struct tr_op_async *f, tr_code code)
{
	struct tr_status *st = &f->op.context->status;

	if (f->context.failure.code != TR_OK) {
		*st = f->context.failure;
		code = st->code;
	}
	code = tr_run_answer(code, st);
	(void)tr_status_prefix(st, code, "operator '%s', subtask %u", f->plan->run.name, f->op.context->subtask);
	st->code = code;
	return TR_FLOW_FAILED;
}

static int64_t now_ms(const struct tr_op_async *f) { return f->op.context->program.processing_time_ms; }

/* Callbacks. */

struct callback {
	const void *at_hand;
	struct tr_run_requests *requests;
};

static struct callback enter(struct tr_op_async *f, const struct tr_batch *batch, uint32_t row, int64_t watermark_ms)
{
	const struct callback before = {tr_run_enter(&f->context), tr_run_requests_at_hand};

	tr_run_requests_at_hand = f->requests;
	f->context.batch = batch;
	f->context.chosen = row;
	f->context.watermark_ms = watermark_ms;
	return before;
}

static tr_code leave(struct tr_op_async *f, struct callback before, tr_code code)
{
	struct tr_status *st = &f->op.context->status;

	f->context.batch = NULL;
	tr_run_leave(before.at_hand);
	tr_run_requests_at_hand = before.requests;
	if (code == TR_OK) /* what a helper of the user's had left there, who has gone on */
		tr_status_clear(st);
	return f->context.failure.code != TR_OK ? f->context.failure.code : code;
}

/** A new request for the row of a flight is handed to the function; the one before it comes to nothing. */
static tr_code request_again(struct tr_op_async *f, struct tr_run_flight *flight, bool is_timeout)
{
	const struct tr_async_function *function = &f->plan->function;
	struct tr_async_request *former = flight->request;
	struct tr_async_request *request = tr_run_request_get(f->requests, former->rows, former->row);
	struct tr_row row = {&former->rows->buffer->batch, former->row};
	struct tr_status *st = &f->op.context->status;
	struct callback before;
	tr_code code;

	former->flight = NULL;
	if (flight->is_retrying)
		tr_run_request_put(former);
	flight->is_retrying = false;
	flight->request = request;
	request->flight = flight;
	before = enter(f, row.batch, row.row, flight->watermark_ms);
	if (is_timeout) {
		code = function->on_timeout(&f->context, &row, request, st);
	} else if (function->on_row != NULL) {
		code = function->on_row(&f->context, &row, request, st);
	} else {
		struct tr_batch one = *row.batch;

		one.selection = &row.row;
		one.selected_count = 1;
		f->context.batch = &one;
		f->context.chosen = 0;
		code = function->on_batch(&f->context, &one, &request, st);
	}
	code = leave(f, before, code);
	if (code != TR_OK)
		tr_run_request_give_up(request);
	return code;
}

/* Requests that have come back. */

static int64_t retry_delay_ms(const struct tr_async_retry *retry, uint32_t attempts)
{
	double delay_ms = (double)retry->delay_ms;

	for (uint32_t i = 1; i < attempts && retry->multiplier > 0 && delay_ms < (double)retry->delay_max_ms; i++)
		delay_ms *= retry->multiplier;
	return (int64_t)TR_MIN(delay_ms, (double)retry->delay_max_ms);
}

/** Whether the function wants another attempt. */
static bool retries(struct tr_op_async *f, const struct tr_async_request *request)
{
	const struct tr_async_retry *retry = &f->plan->options.retry;
	const struct tr_status *failure = request->failure;
	void *user = f->plan->function.user;
	const void *before;
	bool is_wanted;

	if (request->is_mistaken || request->flight->is_last || request->flight->attempts > retry->retries_max)
		return false;
	before = tr_run_enter(&f->context);
	if (failure != NULL)
		is_wanted = retry->on_error != NULL && retry->on_error(user, failure->code, failure->message);
	else
		is_wanted = retry->on_rows != NULL && retry->on_rows(user, tr_run_request_batch(request));
	tr_run_leave(before);
	return is_wanted;
}

static tr_code accept(struct tr_op_async *f, struct tr_async_request *request)
{
	struct tr_run_flight *flight = request->flight;
	struct tr_status *st = &f->op.context->status;
	bool is_retried;

	if (flight == NULL) {
		tr_run_request_put(request);
		return TR_OK;
	}
	if (request->answer->out.has_overflown)
		TR_FAIL(st, TR_ERR_USAGE, "a request was given more than %d rows", TR_BATCH_ROWS_MAX);
	is_retried = retries(f, request);
	if (f->context.failure.code != TR_OK)
		return f->context.failure.code;
	if (is_retried) {
		const int64_t again_ms = now_ms(f) + retry_delay_ms(&f->plan->options.retry, flight->attempts);

		flight->is_retrying = true;
		tr_run_flights_set_alarm(&f->flights, flight, TR_MIN(again_ms, flight->deadline_ms));
		return TR_OK;
	}
	if (request->failure != NULL) {
		*st = *request->failure;
		return st->code;
	}
	tr_run_flights_done(&f->flights, flight);
	return TR_OK;
}

static tr_code take(struct tr_op_async *f)
{
	struct tr_async_request *request = tr_run_requests_take(f->requests);
	tr_code code = TR_OK;

	while (request != NULL) {
		struct tr_async_request *next = request->next;

		if (code == TR_OK)
			code = accept(f, request);
		request = next;
	}
	if (code == TR_OK && f->requests->is_misused)
		code = tr_status_set(&f->op.context->status, TR_ERR_USAGE, 0, TR_WHERE,
				     "a request was completed a second time");
	return code;
}

/** The earliest alarm, if its time has come. *rang: there was one. */
static tr_code ring(struct tr_op_async *f, bool *rang)
{
	struct tr_run_flight *flight = tr_run_flights_alarm(&f->flights);

	*rang = flight != NULL && flight->alarm_ms <= now_ms(f);
	if (!*rang)
		return TR_OK;
	if (flight->deadline_ms > now_ms(f)) { /* the next attempt */
		flight->attempts++;
		tr_run_flights_set_alarm(&f->flights, flight, flight->deadline_ms);
		return request_again(f, flight, false);
	}
	flight->is_last = true;
	flight->deadline_ms = INT64_MAX;
	tr_run_flights_set_alarm(&f->flights, flight, INT64_MAX);
	if (f->plan->function.on_timeout == NULL)
		TR_FAIL(&f->op.context->status, TR_ERR_UNAVAILABLE,
			"a request was not completed within %" PRId64 " ms (and %u attempt%s)",
			f->plan->options.timeout_ms, flight->attempts, flight->attempts == 1 ? "" : "s");
	return request_again(f, flight, true);
}

/** Everything that has happened meanwhile. */
static tr_code catch_up(struct tr_op_async *f)
{
	bool rang;

	do {
		TR_TRY(take(f));
		TR_TRY(ring(f, &rang));
	} while (rang || f->requests->own.count > 0);
	return TR_OK;
}

/* Emitting. */

/** The parts of control that are still to be passed on, one after the other. */
static enum tr_flow emit_control(struct tr_op_async *f, struct tr_run_flight *control)
{
	enum tr_flow flow = tr_run_outputs_drain(&f->out, true);

	if (flow == TR_FLOW_MORE && control->has_status && !control->is_idle) {
		control->has_status = false;
		flow = tr_op_emit_status(&f->op, false);
	}
	if (flow == TR_FLOW_MORE && control->has_watermark) {
		control->has_watermark = false;
		flow = tr_op_emit_watermark(&f->op, control->watermark_ms);
	}
	if (flow == TR_FLOW_MORE && control->has_status) {
		control->has_status = false;
		flow = tr_op_emit_status(&f->op, true);
	}
	if (flow == TR_FLOW_MORE)
		tr_run_flights_remove(&f->flights, control);
	return flow;
}

/** All whose turn it is. MORE: it is nobody's turn. */
static enum tr_flow emit(struct tr_op_async *f)
{
	enum tr_flow flow = tr_run_outputs_drain(&f->out, false);

	while (flow == TR_FLOW_MORE) {
		struct tr_run_flight *flight = tr_run_flights_next(&f->flights);

		if (flight == NULL)
			break;
		if (!flight->is_row) {
			flow = emit_control(f, flight);
			continue;
		}
		f->out.gate.watermark_ms = flight->watermark_ms;
		if (tr_run_request_batch(flight->request)->row_count > 0)
			tr_run_collector_append(&f->out.main, tr_run_request_batch(flight->request));
		tr_run_request_put(flight->request);
		tr_run_flights_remove(&f->flights, flight);
		flow = tr_run_outputs_drain(&f->out, false);
	}
	return flow;
}

/* Requesting. */

/** The watermark in force for a row of those that are being requested. */
static int64_t watermark_of(struct tr_op_async *f, uint32_t row)
{
	const struct tr_batch *batch = &f->rows->buffer->batch;

	if (batch->run_count == 0)
		return TR_WATERMARK_MIN;
	f->run = tr_batch_run_of(batch, row, f->run);
	return batch->runs[f->run].watermark_ms;
}

static struct tr_async_request *add_row(struct tr_op_async *f, uint32_t row, int64_t watermark_ms)
{
	struct tr_async_request *request = tr_run_request_get(f->requests, f->rows, row);
	struct tr_run_flight *flight;

	/* Where the runs of rows ascend, what is below here relies on it. */
	if (f->flights.is_unordered && f->op.is_in_order && watermark_ms > f->reached_ms)
		tr_run_flights_add_border(&f->flights);
	f->reached_ms = watermark_ms;
	flight = tr_run_flights_add(&f->flights, watermark_ms);
	flight->request = request;
	request->flight = flight;
	if (f->plan->options.timeout_ms > 0) {
		flight->deadline_ms = now_ms(f) + f->plan->options.timeout_ms;
		tr_run_flights_set_alarm(&f->flights, flight, flight->deadline_ms);
	}
	return request;
}

static tr_code request_row(struct tr_op_async *f)
{
	const struct tr_row row = {&f->rows->buffer->batch, f->cursor};
	const int64_t watermark_ms = watermark_of(f, row.row);
	struct tr_async_request *request = add_row(f, row.row, watermark_ms);
	const struct callback before = enter(f, row.batch, row.row, watermark_ms);
	const tr_code code =
		leave(f, before, f->plan->function.on_row(&f->context, &row, request, &f->op.context->status));

	f->cursor++;
	if (code != TR_OK)
		tr_run_request_give_up(request);
	return code;
}

/** As many rows as there is room for, and as have one watermark. */
static tr_code request_batch(struct tr_op_async *f)
{
	const uint32_t room = f->plan->options.capacity - f->flights.rows;
	struct tr_batch batch = f->rows->buffer->batch;
	const int64_t watermark_ms = watermark_of(f, f->cursor);
	const uint32_t last = f->cursor + TR_MIN(room, batch.row_count - f->cursor);
	struct callback before;
	uint32_t count = 0;
	tr_code code;

	if (f->batch_room < last - f->cursor) {
		f->batch_room = last - f->cursor;
		f->batch_requests =
			tr_checked(realloc(f->batch_requests, f->batch_room * sizeof(struct tr_async_request *)));
		f->batch_selection = tr_checked(realloc(f->batch_selection, f->batch_room * sizeof(uint32_t)));
	}
	for (; f->cursor < last && watermark_of(f, f->cursor) == watermark_ms; f->cursor++) {
		f->batch_selection[count] = f->cursor;
		f->batch_requests[count++] = add_row(f, f->cursor, watermark_ms);
	}
	batch.selection = f->batch_selection;
	batch.selected_count = count;
	before = enter(f, &batch, 0, watermark_ms);
	code = leave(f, before,
		     f->plan->function.on_batch(&f->context, &batch, f->batch_requests, &f->op.context->status));
	for (uint32_t i = 0; code != TR_OK && i < count; i++)
		tr_run_request_give_up(f->batch_requests[i]);
	return code;
}

/** The rows to be requested, as long as there is room for them. MORE: there are no rows, or there is no room. */
static enum tr_flow request_rows(struct tr_op_async *f)
{
	enum tr_flow flow = TR_FLOW_MORE;
	tr_code code;

	while (flow == TR_FLOW_MORE) {
		if (f->rows == NULL && f->restored_at < f->restored_count) {
			f->rows = f->restored[f->restored_at++];
			f->cursor = f->run = 0;
		}
		if (f->rows == NULL)
			break;
		if (f->cursor == f->rows->buffer->batch.row_count) {
			tr_run_rows_drop(f->requests, f->rows);
			f->rows = NULL;
			continue;
		}
		if (f->flights.rows >= f->plan->options.capacity)
			break;
		code = f->plan->function.on_row != NULL ? request_row(f) : request_batch(f);
		if (code == TR_OK && f->requests->own.count > 0)
			code = catch_up(f);
		if (code != TR_OK)
			return fail(f, code);
		flow = emit(f);
	}
	return flow;
}

/** Nothing can be done until a request comes back; what there is is not held back. */
static enum tr_flow wait(struct tr_op_async *f)
{
	const enum tr_flow flow = tr_run_outputs_drain(&f->out, true);

	f->op.is_waiting = flow == TR_FLOW_MORE;
	return flow == TR_FLOW_MORE ? TR_FLOW_BLOCKED : flow;
}

static enum tr_flow pass(struct tr_op_async *f)
{
	const enum tr_async_element element = f->element;
	enum tr_flow flow = tr_run_outputs_drain(&f->out, true);

	if (flow != TR_FLOW_MORE)
		return flow;
	f->element = TR_ASYNC_NOTHING;
	flow = element == TR_ASYNC_BARRIER ? tr_op_emit_barrier(&f->op, f->checkpoint) : tr_op_emit_end(&f->op);
	f->is_passing = flow == TR_FLOW_BLOCKED;
	return flow;
}

static enum tr_flow go_on(struct tr_op_async *f)
{
	const tr_code code = catch_up(f);
	enum tr_flow flow;

	if (code != TR_OK)
		return fail(f, code);
	flow = emit(f);
	if (flow == TR_FLOW_MORE)
		flow = request_rows(f);
	if (flow != TR_FLOW_MORE)
		return flow;
	if (f->rows != NULL || (f->element == TR_ASYNC_END && f->flights.first != NULL))
		return wait(f);
	return f->element != TR_ASYNC_NOTHING ? pass(f) : TR_FLOW_MORE;
}

static enum tr_flow work_on(struct tr_op_async *f)
{
	const struct tr_run_flight *next;
	enum tr_flow flow;

	f->op.is_waiting = false;
	flow = go_on(f);
	next = tr_run_flights_alarm(&f->flights);
	f->op.timer_ms = next != NULL ? next->alarm_ms : INT64_MAX;
	return flow;
}

/* Elements. */

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	TR_ASSERT(input == 0 && f->rows == NULL && f->element == TR_ASYNC_NOTHING);
	f->rows = tr_run_rows_copy(f->requests, batch);
	f->cursor = f->run = 0;
	f->out.gate.has_runs = f->out.gate.has_runs || batch->run_count > 0;
	return work_on(f);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	f->out.gate.has_runs = true;
	tr_run_flights_add_watermark(&f->flights, watermark_ms);
	return work_on(f);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	tr_run_flights_add_status(&f->flights, is_idle);
	return work_on(f);
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	TR_ASSERT(f->rows == NULL && f->element == TR_ASYNC_NOTHING);
	f->element = TR_ASYNC_BARRIER;
	f->checkpoint = checkpoint;
	return work_on(f);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	TR_ASSERT(f->rows == NULL && f->element == TR_ASYNC_NOTHING);
	f->element = TR_ASYNC_END;
	return work_on(f);
}

static enum tr_flow on_timer(struct tr_op *op, int64_t time_ms) { return work_on((struct tr_op_async *)op); }

static enum tr_flow resume(struct tr_op *op)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	tr_run_outputs_resume(&f->out);
	if (!f->is_passing)
		return work_on(f);
	f->is_passing = false;
	return TR_FLOW_MORE;
}

static enum tr_flow flush(struct tr_op *op) { return tr_run_outputs_drain(&((struct tr_op_async *)op)->out, true); }

/* Making. */

static void destroy(struct tr_op *op)
{
	struct tr_op_async *f = (struct tr_op_async *)op;

	if (f->is_open && f->plan->function.close != NULL) {
		const struct callback before = enter(f, NULL, 0, f->context.watermark_ms);

		f->plan->function.close(&f->context);
		(void)leave(f, before, TR_OK);
	}
	tr_run_outputs_deinit(&f->out);
	tr_run_context_deinit(&f->context);
	tr_run_flights_deinit(&f->flights);
	tr_op_async_state_deinit(f);
	tr_run_requests_close(&f->requests);
	free(f->batch_requests);
	free(f->batch_selection);
	free(f);
}

static const struct tr_op_ops async_ops = {
	.name = "async",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.on_timer = on_timer,
	.resume = resume,
	.flush = flush,
	.snapshot = tr_op_async_snapshot,
	.load = tr_op_async_load,
	.load_end = tr_op_async_load_end,
	.kinds = tr_op_async_kinds,
	.destroy = destroy,
};

static tr_code open_function(struct tr_op_async *f)
{
	struct callback before;
	tr_code code;

	f->is_open = true;
	if (f->plan->function.open == NULL)
		return TR_OK;
	before = enter(f, NULL, 0, TR_WATERMARK_MIN);
	code = leave(f, before, f->plan->function.open(&f->context, &f->op.context->status));
	if (code != TR_OK)
		(void)fail(f, code);
	return code;
}

tr_code tr_op_async_create(const struct tr_operator *self, struct tr_op_context *context,
			   const struct tr_schema *const *inputs, const struct tr_schema *output, struct tr_op **op,
			   struct tr_status *st)
{
	const struct tr_run_async *plan = self->plan;
	struct tr_op_async *f = tr_checked(calloc(1, sizeof(*f)));
	tr_code code;

	f->op.ops = &async_ops;
	f->op.context = context;
	f->op.timer_ms = INT64_MAX;
	f->op.output = output;
	f->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	f->plan = plan;
	f->reached_ms = TR_WATERMARK_MIN;
	f->flights.is_unordered = plan->options.is_unordered;
	f->requests = tr_run_requests_create(plan->run.name, inputs[0], output, context->worker, context->batch_rows);
	f->op.signal = &f->requests->signal;
	tr_run_context_init(&f->context, &plan->run, context, inputs, output);
	tr_run_outputs_init(&f->out, &f->op, self, &f->context, plan->run.name);
	f->context.outputs = &f->out;
	tr_op_async_state_init(f, inputs[0]);
	code = open_function(f);
	if (code != TR_OK) {
		*st = context->status;
		st->code = code;
		destroy(&f->op);
		return code;
	}
	*op = &f->op;
	return TR_OK;
}
