/* SPDX-License-Identifier: Apache-2.0
 *
 * The common parts of the window operators; see the header.
 */
#include "core/ops/window_output.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"

static tr_code check_plan(const struct tr_window_plan *plan, struct tr_status *st)
{
	const struct tr_window_spec *window = &plan->window;

	TR_ASSERT(plan->input != NULL && plan->output != NULL);
	if (plan->phase != TR_PHASE_GLOBAL) {
		for (uint32_t i = 0; i < plan->key_count; i++)
			if (plan->keys[i] >= plan->input->column_count)
				TR_FAIL(st, TR_ERR_INTERNAL, "window: key column %u does not exist", plan->keys[i]);
		for (uint32_t i = 0; i < plan->agg_count; i++)
			if (!tr_agg_has_columns(&plan->aggs[i], plan->input->column_count))
				TR_FAIL(st, TR_ERR_INTERNAL, "window: a column of %s does not exist",
					plan->aggs[i].text);
	}
	if (plan->phase != TR_PHASE_GLOBAL && !window->is_processing_time && !window->is_whole) {
		const struct tr_type *type;

		if (window->time_column < 0 || (uint32_t)window->time_column >= plan->input->column_count)
			TR_FAIL(st, TR_ERR_INTERNAL, "window: time column %d does not exist", window->time_column);
		type = plan->input->types[window->time_column];
		if (!tr_type_is_timestamp(type) || type->precision > 3)
			TR_FAIL(st, TR_ERR_DATA,
				"window: the time column %s must be TIMESTAMP(3) or TIMESTAMP_LTZ(3): cast it in the "
				"table's definition",
				plan->input->names[window->time_column]);
	}
	return TR_OK;
}

tr_code tr_window_op_init(struct tr_window_op *w, const struct tr_op_ops *ops, const struct tr_window_plan *plan,
			  struct tr_op_context *context, struct tr_status *st)
{
	const struct tr_type **types;
	tr_code code;

	w->op.ops = ops;
	w->op.context = context;
	w->op.output = plan->output;
	w->op.timer_ms = INT64_MAX;
	w->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	w->plan = plan;
	w->watermark_ms = w->forwarded_ms = TR_WATERMARK_MIN;
	TR_TRY(check_plan(plan, st));
	TR_TRY(tr_window_clock_init(&w->clock, &plan->window, st));
	TR_TRY(tr_agg_layout_init(&w->layout, plan->aggs, plan->agg_count, plan->input,
				  plan->phase == TR_PHASE_GLOBAL ? (int32_t)plan->key_count : -1, st));
	types = calloc(plan->key_count + 1, sizeof(*types));
	w->key_columns = calloc(plan->key_count + 1, sizeof(*w->key_columns));
	TR_ASSERT(types != NULL && w->key_columns != NULL);
	for (uint32_t i = 0; i < plan->key_count; i++)
		types[i] = plan->input->types[tr_window_key_column(plan, i)];
	code = tr_key_table_create(types, plan->key_count, &w->keys, st);
	free(types);
	if (code != TR_OK)
		return code;
	tr_slice_pool_init(&w->pool, w->layout.stride);
	w->out = tr_batch_buffer_create(plan->output, TR_MAX(context->batch_rows, 1));
	tr_window_op_reserve(w, TR_MAX(context->batch_rows, 1));
	return TR_OK;
}

void tr_window_op_deinit(struct tr_window_op *w)
{
	tr_window_save_deinit(&w->save, w);
	tr_window_state_deinit(&w->state);
	tr_slice_pool_deinit(&w->pool);
	tr_key_table_destroy(&w->keys);
	tr_agg_layout_deinit(&w->layout);
	tr_window_clock_deinit(&w->clock);
	tr_batch_buffer_destroy(&w->out);
	free(w->key_columns);
	free(w->slots);
	free(w->touched);
	free(w->touched_slots);
	free(w->entries);
	free(w->sources);
}

void tr_window_op_reserve(struct tr_window_op *w, uint32_t count)
{
	if (count <= w->capacity)
		return;
	w->capacity = count;
	w->slots = realloc(w->slots, count * sizeof(*w->slots));
	w->touched = realloc(w->touched, (count + 1) * sizeof(*w->touched));
	w->touched_slots = realloc(w->touched_slots, (count + 1) * sizeof(*w->touched_slots));
	w->entries = realloc(w->entries, count * sizeof(*w->entries));
	w->sources = realloc(w->sources, count * sizeof(*w->sources));
	TR_ASSERT(w->slots != NULL && w->touched != NULL && w->touched_slots != NULL);
	TR_ASSERT(w->entries != NULL && w->sources != NULL);
}

void tr_window_op_map_keys(struct tr_window_op *w, const struct tr_batch *batch, const uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < w->plan->key_count; i++)
		w->key_columns[i] = &batch->columns[tr_window_key_column(w->plan, i)];
	tr_key_table_map(w->keys, w->key_columns, rows, count, w->slots);
}

static void fill_time(struct tr_column_buffer *column, uint32_t at, uint32_t count, int64_t ms)
{
	int64_t *restrict data = (int64_t *)column->data + at;

	if (column->type->phys != TR_PHYS_I64)
		return; /* a bare NULL */
	ms *= tr_type_ticks_per_second(column->type) / 1000;
	for (uint32_t i = 0; i < count; i++)
		data[i] = ms;
}

void tr_window_op_write_times(struct tr_window_op *w, uint32_t at, uint32_t count, int64_t start, int64_t end)
{
	struct tr_column_buffer *columns = w->out->columns;
	const uint32_t given = w->plan->output->column_count;
	const uint32_t c = w->plan->key_count + w->plan->agg_count;

	TR_ASSERT(at + count <= w->out->capacity);
	if (c < given)
		fill_time(&columns[c], at, count, start);
	if (c + 1 < given)
		fill_time(&columns[c + 1], at, count, end);
	if (c + 2 < given)
		fill_time(&columns[c + 2], at, count,
			  columns[c + 2].type->id == TR_TYPE_TIMESTAMP_LTZ ? tr_window_utc(&w->clock, end - 1)
									   : end - 1);
}

void tr_window_op_write_results(struct tr_window_op *w, uint32_t at, char *const *entries, uint32_t count,
				int64_t start, int64_t end)
{
	tr_window_op_write_times(w, at, count, start, end);
	tr_agg_layout_finish(&w->layout, entries, count, w->out->columns + w->plan->key_count, at, &w->out->heap);
}

void tr_window_op_seal(struct tr_window_op *w, uint32_t count)
{
	if (!w->plan->window.is_processing_time)
		tr_batch_buffer_add_run(w->out, 0, w->forwarded_ms);
	tr_batch_buffer_seal(w->out, count);
	w->out->batch.watermark_ms = w->forwarded_ms;
}

tr_code tr_window_op_check(const struct tr_window_op *w, struct tr_status *st)
{
	if (w->layout.failure.code != TR_OK && st != NULL)
		*st = w->layout.failure;
	return w->layout.failure.code;
}

enum tr_flow tr_window_op_emit(struct tr_window_op *w)
{
	if (w->layout.failure.code == TR_OK)
		return tr_op_emit(&w->op, &w->out->batch);
	w->op.context->status = w->layout.failure;
	return TR_FLOW_FAILED;
}

void tr_window_op_write_nothing(struct tr_window_op *w)
{
	char *entry = tr_checked(calloc(1, w->layout.stride));

	tr_batch_buffer_clear(w->out);
	tr_window_op_write_results(w, 0, &entry, 1, 0, w->clock.slice_ms);
	tr_window_op_seal(w, 1);
	free(entry);
}

void tr_window_op_write(struct tr_window_op *w, const uint32_t *slots, char *const *entries, uint32_t count,
			int64_t start, int64_t end)
{
	tr_batch_buffer_clear(w->out);
	tr_key_table_gather(w->keys, slots, count, w->out->columns, 0, &w->out->heap);
	tr_window_op_write_results(w, 0, entries, count, start, end);
	tr_window_op_seal(w, count);
}
