/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_window_table.h.
 *
 * With TUMBLE a row is in one window: the input's columns are passed on by reference with three computed ones. With HOP
 * and CUMULATE rows are copied into a buffer, each as often as it has windows, the windows of a row in the order of their
 * ends. A full buffer is emitted; after BLOCKED the work goes on from the same row and window, over the same borrowed
 * batch.
 */
#include "core/ops/op_window_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/window_time.h"

struct window_table {
	struct tr_op op;
	struct tr_window_clock clock;
	int64_t now_ms; /* processing time: of the batch in hand */
	const struct tr_schema *input;
	struct tr_batch batch;          /* TUMBLE: what is emitted */
	struct tr_column *columns;      /* the input's, then the three */
	int64_t *values[3];             /* of the three, by row of the batch; capacity */
	uint32_t capacity;              /* rows */
	struct tr_batch_buffer *buffer; /* HOP, CUMULATE: what is emitted; batch_rows */
	uint32_t *rows;                 /* of the batch, by row of the buffer */
	int64_t *ends;                  /* by row of the buffer */
	const struct tr_batch *source;  /* what is being expanded; NULL: nothing */
	uint32_t position;              /* in source's selection */
	int64_t end;                    /* of the row's next window; INT64_MIN: its first */
};

/** The local time that a row has. */
static tr_code event_time_of(struct window_table *w, const struct tr_batch *batch, uint32_t row, int64_t *time)
{
	const int32_t at = w->clock.spec.time_column;
	const struct tr_column *column = &batch->columns[at];
	const char *name = w->input->names[at];
	struct tr_status *st = &w->op.context->status;

	if (tr_column_is_null(column, row))
		TR_FAIL(st, TR_ERR_DATA, "the event time column %s is NULL: filter such rows out or replace the NULL",
			name);
	*time = tr_column_i64(column, row);
	if (*time > TR_WINDOW_TIME_MAX || *time < -TR_WINDOW_TIME_MAX)
		TR_FAIL(st, TR_ERR_DATA, "the event time column %s is out of range: %lld ms since 1970", name,
			(long long)*time);
	*time = tr_window_local(&w->clock, *time);
	return TR_OK;
}

/** The local time of a row, or of now. */
static tr_code time_of(struct window_table *w, const struct tr_batch *batch, uint32_t row, int64_t *time)
{
	if (w->clock.spec.is_processing_time) {
		*time = tr_window_local(&w->clock, w->now_ms);
		return TR_OK;
	}
	return event_time_of(w, batch, row, time);
}

/** window_start, window_end and window_time of the window with this end. */
static void window_of(struct window_table *w, int64_t end, int64_t *start, int64_t *window_end, int64_t *time)
{
	*start = tr_window_start_of(&w->clock, end);
	*window_end = end;
	*time = w->clock.spec.is_processing_time ? w->now_ms : tr_window_utc(&w->clock, end - 1);
}

/* ---- TUMBLE ---- */

static void reserve(struct window_table *w, uint32_t rows)
{
	if (rows <= w->capacity)
		return;
	w->capacity = rows;
	for (uint32_t i = 0; i < 3; i++) {
		free(w->values[i]);
		w->values[i] = calloc(rows, sizeof(*w->values[i]));
		TR_ASSERT(w->values[i] != NULL);
		w->columns[w->input->column_count + i].data = w->values[i];
	}
}

static enum tr_flow pass_on(struct window_table *w, const struct tr_batch *batch)
{
	reserve(w, batch->row_count);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		int64_t time, end;

		if (time_of(w, batch, row, &time) != TR_OK)
			return TR_FLOW_FAILED;
		end = tr_window_slice_start(&w->clock, time) + w->clock.slice_ms;
		window_of(w, end, &w->values[0][row], &w->values[1][row], &w->values[2][row]);
	}
	memcpy(w->columns, batch->columns, w->input->column_count * sizeof(*w->columns));
	w->batch = *batch;
	w->batch.schema = w->op.output;
	w->batch.columns = w->columns;
	return tr_op_emit(&w->op, &w->batch);
}

/* ---- HOP, CUMULATE ---- */

/** Notes rows and their windows until the buffer is full or the source at its end. Returns how many. */
static tr_code take_windows(struct window_table *w, uint32_t *count)
{
	const uint32_t room = w->buffer->capacity;

	*count = 0;
	while (*count < room && w->position < w->source->selected_count) {
		const uint32_t row = tr_batch_row(w->source, w->position);
		int64_t time, slice, end, last;

		TR_TRY(time_of(w, w->source, row, &time));
		slice = tr_window_slice_start(&w->clock, time);
		end = w->end != INT64_MIN ? w->end : tr_window_first_end(&w->clock, slice);
		last = tr_window_last_end(&w->clock, slice);
		for (; end <= last && *count < room; end += w->clock.spec.step_ms) {
			w->rows[*count] = row;
			w->ends[(*count)++] = end;
		}
		if (end <= last) {
			w->end = end;
			break;
		}
		w->end = INT64_MIN;
		w->position++;
	}
	return TR_OK;
}

/** Fills the buffer with `count` noted rows. */
static void copy_rows(struct window_table *w, uint32_t count)
{
	const uint32_t base = w->input->column_count;
	struct tr_batch wide = *w->source;
	int64_t *columns[3];

	memcpy(w->columns, w->source->columns, base * sizeof(*w->columns));
	for (uint32_t i = 0; i < 3; i++)
		w->columns[base + i].is_constant = true; /* written over below */
	wide.schema = w->op.output;
	wide.columns = w->columns;
	tr_batch_buffer_clear(w->buffer);
	tr_batch_buffer_append(w->buffer, 0, &wide, w->rows, count);
	for (uint32_t i = 0; i < 3; i++)
		columns[i] = w->buffer->columns[base + i].data;
	for (uint32_t i = 0; i < count; i++)
		window_of(w, w->ends[i], &columns[0][i], &columns[1][i], &columns[2][i]);
	tr_batch_buffer_seal(w->buffer, count);
	w->buffer->batch.watermark_ms = w->source->watermark_ms;
}

static enum tr_flow expand(struct window_table *w)
{
	while (w->source != NULL) {
		enum tr_flow flow;
		uint32_t count;

		if (take_windows(w, &count) != TR_OK)
			return TR_FLOW_FAILED;
		if (count > 0)
			copy_rows(w, count);
		if (w->position == w->source->selected_count)
			w->source = NULL;
		if (count == 0)
			continue;
		flow = tr_op_emit(&w->op, &w->buffer->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	return TR_FLOW_MORE;
}

/* ---- operator ---- */

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct window_table *w = (struct window_table *)op;

	TR_ASSERT(input == 0 && w->source == NULL);
	w->now_ms = op->context->program.processing_time_ms;
	if (w->clock.spec.kind == TR_WINDOW_TUMBLE)
		return pass_on(w, batch);
	w->source = batch;
	w->position = 0;
	w->end = INT64_MIN;
	return expand(w);
}

static enum tr_flow resume(struct tr_op *op) { return expand((struct window_table *)op); }

static void destroy(struct tr_op *op)
{
	struct window_table *w = (struct window_table *)op;

	tr_window_clock_deinit(&w->clock);
	if (w->buffer != NULL)
		tr_batch_buffer_destroy(&w->buffer);
	for (uint32_t i = 0; i < 3; i++)
		free(w->values[i]);
	free(w->columns);
	free(w->rows);
	free(w->ends);
	free(w);
}

static const struct tr_op_ops window_table_ops = {
	.name = "window table", .on_batch = on_batch, .resume = resume, .destroy = destroy};

static tr_code check(const struct tr_window_spec *window, const struct tr_schema *input, struct tr_status *st)
{
	if (window->kind == TR_WINDOW_SESSION)
		TR_FAIL(st, TR_ERR_INTERNAL, "window table: TUMBLE, HOP and CUMULATE only");
	if (!window->is_processing_time &&
	    (window->time_column < 0 || (uint32_t)window->time_column >= input->column_count))
		TR_FAIL(st, TR_ERR_INTERNAL, "window table: time column %d does not exist", window->time_column);
	return TR_OK;
}

tr_code tr_op_window_table_create(const struct tr_window_spec *window, const struct tr_schema *input,
				  const struct tr_schema *output, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st)
{
	const uint32_t room = TR_MAX(context->batch_rows, 1);
	struct tr_window_clock clock;
	struct window_table *w;

	*op = NULL;
	TR_ASSERT(output->column_count == input->column_count + 3);
	TR_TRY(check(window, input, st));
	TR_TRY(tr_window_clock_init(&clock, window, st));
	w = calloc(1, sizeof(*w));
	TR_ASSERT(w != NULL);
	w->op.ops = &window_table_ops;
	w->op.context = context;
	w->op.timer_ms = INT64_MAX;
	w->op.output = output;
	w->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	w->clock = clock;
	w->input = input;
	w->columns = calloc(output->column_count, sizeof(*w->columns));
	TR_ASSERT(w->columns != NULL);
	for (uint32_t i = 0; i < 3; i++)
		w->columns[input->column_count + i].type = output->types[input->column_count + i];
	reserve(w, room);
	if (window->kind != TR_WINDOW_TUMBLE) {
		w->buffer = tr_batch_buffer_create(output, room);
		w->rows = calloc(room, sizeof(*w->rows));
		w->ends = calloc(room, sizeof(*w->ends));
		TR_ASSERT(w->rows != NULL && w->ends != NULL);
	}
	*op = &w->op;
	return TR_OK;
}
