/* SPDX-License-Identifier: Apache-2.0
 *
 * Sort: the operator between batches and the sorter. See the header.
 *
 * A batch becomes rows in the sorter's room at once. Of a limited sort the keys are looked at first, in scratch, as soon as there is
 * a threshold: what lies behind it never gets there.
 */
#include "core/ops/op_sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/sort_row.h"
#include "core/ops/sorter.h"

struct sort_op {
	struct tr_op op;
	const struct tr_sort_plan *plan;
	struct tr_sort_rows rows;
	struct tr_sorter sorter;
	struct tr_bytes scratch;     /* a batch's rows that may not be needed; or rows that are going out */
	struct tr_batch_buffer *out; /* not LOCAL */
	const char **taken;          /* rows that are going out */
	uint32_t *lengths;
	struct tr_view *views; /* LOCAL */
	struct tr_column columns[2];
	struct tr_batch batch; /* of these */
	int32_t subtask;
	uint32_t taken_count;
	uint64_t skip_left, rows_left; /* of the answer */
	bool is_finishing;             /* the input has ended */
	bool is_sorted;                /* and results are going out */
	bool is_passed;                /* and so is the watermark */
};

static const char *const local_names[] = {"$subtask", "$row"};
static const struct tr_type local_subtask = {.id = TR_TYPE_INT, .phys = TR_PHYS_I32};
static const struct tr_type local_row = {.id = TR_TYPE_VARBINARY, .phys = TR_PHYS_VIEW, .precision = TR_LENGTH_MAX};
static const struct tr_type *const local_types[] = {&local_subtask, &local_row};
const struct tr_schema tr_sort_local_schema = {.column_count = 2, .names = local_names, .types = local_types};

/* -- rows in -- */

static bool is_too_long(struct sort_op *s, uint64_t length)
{
	const uint64_t limit = TR_STATE_RECORD_BYTES_MAX / 2;

	if (length <= limit)
		return false;
	(void)tr_status_set(&s->op.context->status, TR_ERR_DATA, 0, TR_WHERE,
			    "sort: a row of %s%llu bytes; it can have %llu", length >= UINT32_MAX ? "at least " : "",
			    (unsigned long long)length, (unsigned long long)limit);
	return true;
}

/** Sets where the measured rows go, one after the other with their lengths in front. */
static void place_rows(struct tr_sort_rows *rows, uint32_t count, char *room)
{
	size_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		memcpy(room + at, &rows->lengths[i], sizeof(uint32_t));
		rows->rows[i] = room + at + sizeof(uint32_t);
		at += sizeof(uint32_t) + rows->lengths[i];
	}
}

static bool measure(struct sort_op *s, const struct tr_batch *batch, size_t *bytes)
{
	tr_sort_rows_measure(&s->rows, batch);
	*bytes = batch->selected_count * sizeof(uint32_t);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		if (TR_UNLIKELY(is_too_long(s, s->rows.lengths[i])))
			return false;
		*bytes += s->rows.lengths[i];
	}
	return true;
}

/** Copies a row that is needed. */
static void keep_row(struct sort_op *s, const char *row, uint32_t length, uint32_t stream)
{
	char *room = tr_sorter_room(&s->sorter, sizeof(length) + length);

	memcpy(room, &length, sizeof(length));
	memcpy(room + sizeof(length), row, length);
	tr_sorter_keep(&s->sorter, sizeof(length) + length);
	tr_sorter_add(&s->sorter, room + sizeof(length), stream);
}

/** With a threshold: most rows are beyond it. */
static void take_needed(struct sort_op *s, const struct tr_batch *batch, size_t bytes)
{
	char *room;

	tr_bytes_clear(&s->scratch);
	room = tr_bytes_reserve(&s->scratch, bytes + TR_SORT_ROW_BYTES_BEHIND);
	place_rows(&s->rows, batch->selected_count, room);
	memset(room + bytes, 0, TR_SORT_ROW_BYTES_BEHIND);
	tr_sort_rows_write(&s->rows, batch);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_sort_item item = tr_sort_item_of(s->rows.rows[i]);

		if (!tr_sorter_is_beyond(&s->sorter, &item))
			keep_row(s, item.row, s->rows.lengths[i], 0);
	}
}

static bool take_rows(struct sort_op *s, const struct tr_batch *batch)
{
	size_t bytes;
	char *room;

	if (!measure(s, batch, &bytes))
		return false;
	if (s->sorter.has_threshold) {
		take_needed(s, batch, bytes);
		return true;
	}
	room = tr_sorter_room(&s->sorter, bytes);
	place_rows(&s->rows, batch->selected_count, room);
	tr_sort_rows_write(&s->rows, batch);
	tr_sorter_keep(&s->sorter, bytes);
	for (uint32_t i = 0; i < batch->selected_count; i++)
		tr_sorter_add(&s->sorter, s->rows.rows[i], 0);
	return true;
}

/** GLOBAL: rows as LOCAL has made them. */
static void take_encoded(struct sort_op *s, const struct tr_batch *batch)
{
	const struct tr_view *views = batch->columns[1].data;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const struct tr_view *view = &views[tr_column_row(&batch->columns[1], row)];
		const int32_t stream = s->sorter.are_streams_sorted ? tr_column_i32(&batch->columns[0], row) : 0;

		keep_row(s, tr_view_text(view), view->length, (uint32_t)stream);
	}
}

static void tell_size(struct sort_op *s)
{
	s->op.metrics.state_bytes = tr_sorter_memory(&s->sorter);
	s->op.metrics.spilled_bytes = s->sorter.spill != NULL ? s->sorter.spill->live_bytes : 0;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sort_op *s = (struct sort_op *)op;

	TR_ASSERT(!s->is_finishing);
	if (s->plan->phase == TR_PHASE_GLOBAL)
		take_encoded(s, batch);
	else if (!take_rows(s, batch))
		return TR_FLOW_FAILED;
	tell_size(s);
	return tr_sorter_step(&s->sorter);
}

/* -- rows out -- */

/** Takes the next rows of the answer, a batch of them. Those that come from the disk are copied. */
static enum tr_flow take_sorted(struct sort_op *s)
{
	const uint32_t room = TR_MAX(s->op.context->batch_rows, 1u);

	while (s->taken_count < room && s->rows_left > 0) {
		const char *row;
		const enum tr_flow flow = tr_sorter_next(&s->sorter, &row);

		if (flow != TR_FLOW_MORE)
			return flow;
		if (s->skip_left > 0) {
			s->skip_left--;
			continue;
		}
		s->rows_left--;
		s->lengths[s->taken_count] = tr_sort_row_length(row);
		if (tr_sorter_is_in_memory(&s->sorter))
			s->taken[s->taken_count] = row;
		else
			tr_bytes_append(&s->scratch, row, s->lengths[s->taken_count]);
		s->taken_count++;
	}
	return s->rows_left == 0 ? TR_FLOW_DONE : TR_FLOW_MORE;
}

/** LOCAL: the rows as they are. */
static enum tr_flow emit_encoded(struct sort_op *s)
{
	s->batch = (struct tr_batch){.schema = &tr_sort_local_schema,
				     .row_count = s->taken_count,
				     .selected_count = s->taken_count,
				     .columns = s->columns,
				     .watermark_ms = TR_WATERMARK_MIN};
	for (uint32_t i = 0; i < s->taken_count; i++)
		s->views[i] = tr_view_make(s->taken[i], s->lengths[i]);
	s->columns[0] = (struct tr_column){.type = &local_subtask, .data = &s->subtask, .is_constant = true};
	s->columns[1] = (struct tr_column){.type = &local_row, .data = s->views};
	s->taken_count = 0;
	return tr_op_emit(&s->op, &s->batch);
}

static enum tr_flow emit_taken(struct sort_op *s)
{
	const uint32_t count = s->taken_count;
	const char *at = s->scratch.data;

	for (uint32_t i = 0; i < count && !tr_sorter_is_in_memory(&s->sorter); i++) {
		s->taken[i] = at;
		at += s->lengths[i];
	}
	if (s->plan->phase == TR_PHASE_LOCAL)
		return emit_encoded(s);
	tr_batch_buffer_clear(s->out);
	tr_sort_rows_read(&s->rows, s->taken, s->lengths, count, s->out);
	tr_batch_buffer_seal(s->out, count);
	s->taken_count = 0;
	return tr_op_emit(&s->op, &s->out->batch);
}

static enum tr_flow advance(struct sort_op *s)
{
	enum tr_flow flow;

	if (!s->is_sorted) {
		flow = s->is_finishing ? tr_sorter_finish(&s->sorter) : tr_sorter_step(&s->sorter);
		if (flow != TR_FLOW_MORE || !s->is_finishing)
			return flow;
		s->is_sorted = true;
	}
	while (!s->is_passed) {
		enum tr_flow taken;

		if (s->taken_count == 0)
			tr_bytes_clear(&s->scratch);
		taken = take_sorted(s);
		if (taken == TR_FLOW_BLOCKED || taken == TR_FLOW_FAILED)
			return taken;
		if (s->taken_count > 0) {
			flow = emit_taken(s);
			if (flow != TR_FLOW_MORE)
				return flow;
			continue;
		}
		s->is_passed = true;
		s->op.metrics.watermark_ms = TR_WATERMARK_MAX;
		return tr_op_emit_watermark(&s->op, TR_WATERMARK_MAX);
	}
	return TR_FLOW_MORE;
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct sort_op *s = (struct sort_op *)op;

	if (watermark_ms != TR_WATERMARK_MAX || s->is_finishing)
		return TR_FLOW_MORE;
	s->is_finishing = true;
	return advance(s);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct sort_op *)op); }

static void destroy(struct tr_op *op)
{
	struct sort_op *s = (struct sort_op *)op;

	tr_sorter_deinit(&s->sorter);
	tr_sort_rows_deinit(&s->rows);
	tr_batch_buffer_destroy(&s->out);
	tr_bytes_deinit(&s->scratch);
	free(s->taken);
	free(s->lengths);
	free(s->views);
	free(s);
}

static const struct tr_op_ops ops = {
	.name = "sort",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.resume = resume,
	.destroy = destroy,
};

struct tr_op *tr_op_sort_create(const struct tr_sort_plan *plan, struct tr_op_context *context)
{
	struct sort_op *s = tr_checked(calloc(1, sizeof(*s)));
	const uint32_t batch_rows = TR_MAX(context->batch_rows, 1u);
	const uint64_t needed = tr_sort_rows_needed(&plan->spec);

	s->op.ops = &ops;
	s->op.context = context;
	s->op.output = plan->output;
	s->op.timer_ms = INT64_MAX;
	s->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	s->plan = plan;
	s->subtask = (int32_t)context->subtask;
	s->skip_left = plan->spec.offset;
	s->rows_left = plan->spec.limit;
	tr_sort_rows_init(&s->rows, plan->rows, plan->spec.keys, plan->spec.key_count);
	tr_sorter_init(&s->sorter, context, needed, plan->phase == TR_PHASE_GLOBAL && needed == TR_SORT_NO_LIMIT);
	s->taken = tr_checked(calloc(batch_rows, sizeof(*s->taken)));
	s->lengths = tr_checked(calloc(batch_rows, sizeof(*s->lengths)));
	if (plan->phase == TR_PHASE_LOCAL)
		s->views = tr_checked(calloc(batch_rows, sizeof(*s->views)));
	else
		s->out = tr_batch_buffer_create(plan->output, batch_rows);
	return &s->op;
}
