/* SPDX-License-Identifier: Apache-2.0
 *
 * What an async function's operator saves: the rows in flight, in the order in which they came, also those whose results wait for ones
 * before them. Watermarks are not saved: they come again.
 *
 *     record, not keyed, of kind 1: rows (state/rows.h) of the input's columns and of `watermark`, which was in force for the row
 *
 * With the same number of subtasks each takes back its own. Else row i of former subtask s goes to subtask (s + i) mod their number, so that
 * they are dealt evenly.
 */
#include "api/op_async.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/type.h"

#define KIND 1
#define RECORD_ROWS 1024
#define RECORD_BYTES ((size_t)16 << 20) /* more than one row is not written beyond */

void tr_op_async_state_init(struct tr_op_async *f, const struct tr_schema *input)
{
	struct tr_arena *arena = f->op.context->arena;
	const uint32_t count = input->column_count + 1;
	const struct tr_type **types = TR_NEW_ARRAY(arena, count, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(arena, count, const char *);

	for (uint32_t c = 0; c < input->column_count; c++) {
		types[c] = input->types[c];
		names[c] = input->names[c];
	}
	types[count - 1] = tr_type_of(TR_TYPE_BIGINT);
	names[count - 1] = "watermark";
	f->state_schema = (struct tr_schema){count, names, types};
	f->state_kind = (struct tr_state_kind){.kind = KIND, .name = "in-flight", .schema = &f->state_schema};
	f->load_from = UINT32_MAX;
}

void tr_op_async_state_deinit(struct tr_op_async *f)
{
	tr_rows_deinit(&f->loading);
	if (f->rows != NULL)
		tr_run_rows_drop(f->requests, f->rows);
	for (; f->restored_at < f->restored_count; f->restored_at++)
		tr_run_rows_drop(f->requests, f->restored[f->restored_at]);
	free(f->restored);
}

const struct tr_state_kind *tr_op_async_kinds(const struct tr_op *op, uint32_t *count)
{
	*count = 1;
	return &((const struct tr_op_async *)op)->state_kind;
}

/* Saving. */

/** Rows `first` .. `first + count - 1` of the buffer, in as many records as it takes. */
static tr_code put(struct tr_batch_buffer *buffer, uint32_t count, struct tr_state_writer *writer,
		   struct tr_bytes *bytes, struct tr_status *st)
{
	struct tr_state_record record = {.kind = KIND};

	tr_batch_buffer_seal(buffer, count);
	tr_bytes_clear(bytes);
	tr_rows_write(buffer->batch.columns, buffer->batch.schema->column_count, count, bytes);
	record.bytes = bytes->data;
	record.length = bytes->length;
	tr_batch_buffer_clear(buffer);
	return writer->put(writer, &record, st);
}

/** About the bytes of a row's texts. */
static size_t text_bytes(const struct tr_batch *batch, uint32_t row)
{
	size_t bytes = 0;

	for (uint32_t c = 0; c < batch->schema->column_count; c++)
		if (batch->columns[c].type->phys == TR_PHYS_VIEW && !tr_column_is_null(&batch->columns[c], row))
			bytes += tr_column_view(&batch->columns[c], row)->length;
	return bytes;
}

tr_code tr_op_async_snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			     uint64_t *base, struct tr_status *st)
{
	struct tr_op_async *f = (struct tr_op_async *)op;
	const uint32_t watermark = f->state_schema.column_count - 1;
	struct tr_batch_buffer *buffer;
	struct tr_bytes bytes = {0};
	uint32_t count = 0;
	size_t length = 0;
	tr_code code = TR_OK;

	TR_ASSERT(f->rows == NULL && f->element == TR_ASYNC_NOTHING);
	*base = tr_state_age(order->checkpoint); /* no keyed records */
	if (f->flights.rows == 0)
		return TR_OK;
	buffer = tr_batch_buffer_create(&f->state_schema, RECORD_ROWS);
	tr_batch_buffer_clear(buffer);
	for (const struct tr_run_flight *flight = f->flights.first; flight != NULL && code == TR_OK;
	     flight = flight->next) {
		const struct tr_batch *batch;
		size_t row_bytes;

		if (!flight->is_row)
			continue;
		batch = &flight->request->rows->buffer->batch;
		row_bytes = text_bytes(batch, flight->request->row);
		if (count == RECORD_ROWS || (count > 0 && length + row_bytes > RECORD_BYTES)) {
			code = put(buffer, count, writer, &bytes, st);
			count = 0;
			length = 0;
		}
		for (uint32_t c = 0; c < watermark; c++)
			tr_column_buffer_gather(&buffer->columns[c], count, &batch->columns[c], &flight->request->row,
						1, &buffer->heap);
		((int64_t *)buffer->columns[watermark].data)[count++] = flight->watermark_ms;
		length += row_bytes;
	}
	if (code == TR_OK && count > 0)
		code = put(buffer, count, writer, &bytes, st);
	tr_batch_buffer_destroy(&buffer);
	tr_bytes_deinit(&bytes);
	return code;
}

/* Loading. */

/** Which rows of a record are this subtask's; returns how many. */
static uint32_t choose(struct tr_op_async *f, const struct tr_state_origin *origin, const struct tr_batch *batch,
		       uint32_t *rows)
{
	const uint32_t subtask = f->op.context->subtask, subtasks = f->op.context->subtask_count;
	uint32_t count = 0;

	if (f->load_from != origin->subtask) {
		f->load_from = origin->subtask;
		f->load_row = 0;
	}
	for (uint32_t i = 0; i < batch->row_count; i++, f->load_row++) {
		const bool is_own = origin->subtask_count == subtasks
					    ? origin->subtask == subtask
					    : (origin->subtask + f->load_row) % subtasks == subtask;

		if (is_own)
			rows[count++] = i;
	}
	return count;
}

tr_code tr_op_async_load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
			 struct tr_status *st)
{
	struct tr_op_async *f = (struct tr_op_async *)op;
	const uint32_t watermark = f->state_schema.column_count - 1;
	const struct tr_batch *batch;
	struct tr_run_rows *rows;
	uint32_t *numbers, count;

	if (record->kind != KIND || record->is_keyed)
		TR_FAIL(st, TR_ERR_DATA, "operator '%s': a record of kind %u, which it does not write",
			f->plan->run.name, record->kind);
	TR_TRY(tr_rows_read(&f->loading, &f->state_schema, record->bytes, record->length, &batch, st));
	if (batch->columns[watermark].validity != NULL)
		TR_FAIL(st, TR_ERR_DATA, "operator '%s': a row in flight without a watermark", f->plan->run.name);
	numbers = tr_checked(malloc((batch->row_count + 1) * sizeof(*numbers)));
	count = choose(f, origin, batch, numbers);
	if (count > 0) {
		rows = tr_run_rows_create(f->requests, count);
		for (uint32_t c = 0; c < watermark; c++)
			tr_column_buffer_gather(&rows->buffer->columns[c], 0, &batch->columns[c], numbers, count,
						&rows->buffer->heap);
		for (uint32_t i = 0; i < count; i++) {
			const int64_t watermark_ms = tr_column_i64(&batch->columns[watermark], numbers[i]);

			if (watermark_ms != TR_WATERMARK_MIN || rows->buffer->batch.run_count > 0)
				f->out.gate.has_runs = true;
			tr_batch_buffer_add_run(rows->buffer, i, watermark_ms);
		}
		tr_batch_buffer_seal(rows->buffer, count);
		if (f->restored_count == f->restored_room) {
			f->restored_room = TR_MAX(8u, 2 * f->restored_room);
			f->restored = tr_checked(realloc(f->restored, f->restored_room * sizeof(struct tr_run_rows *)));
		}
		f->restored[f->restored_count++] = rows;
	}
	free(numbers);
	return TR_OK;
}

tr_code tr_op_async_load_end(struct tr_op *op, struct tr_status *st)
{
	/* The chain resumes who is blocked before it is given anything. */
	op->is_blocked = ((struct tr_op_async *)op)->restored_count > 0;
	op->is_waiting = false;
	return TR_OK;
}
