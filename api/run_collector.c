/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_collector.h, and include/tailrace/function.h for what users see.
 */
#include "api/run_collector.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/run_context.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"

#define QUEUE_MAX (1u << 16) /* buffers that one callback may fill while the chain is blocked */

static void *grow(void *list, uint32_t *room, uint32_t count, size_t bytes)
{
	if (count < *room)
		return list;
	*room = TR_MAX(8u, 2 * *room);
	return tr_checked(realloc(list, *room * bytes));
}

void tr_run_collector_init(struct tr_collector *out, struct tr_op *op, struct tr_run_gate *gate, const void *owner,
			   const char *name, const struct tr_schema *schema, uint32_t rows_max)
{
	memset(out, 0, sizeof(*out));
	out->op = op;
	out->side = -1;
	out->gate = gate;
	out->owner = owner;
	out->name = name;
	out->schema = schema;
	out->columns = schema->column_count;
	out->rows_max = rows_max;
	out->buffer = tr_batch_buffer_create(schema, rows_max);
	tr_batch_buffer_clear(out->buffer);
}

void tr_run_collector_init_dropped(struct tr_collector *out, const void *owner, const char *name)
{
	memset(out, 0, sizeof(*out));
	out->is_dropped = true;
	out->owner = out;
	out->dropped_owner = owner;
	out->name = name;
	out->gate = &out->own_gate;
}

void tr_run_collector_init_source(struct tr_collector *out, const void *owner, const char *name,
				  struct tr_batch_buffer *buffer, uint32_t columns, uint32_t rows_max)
{
	memset(out, 0, sizeof(*out));
	out->owner = owner;
	out->gate = &out->own_gate;
	out->name = name;
	out->schema = buffer->batch.schema;
	out->buffer = buffer;
	out->columns = columns;
	out->rows_max = rows_max;
}

void tr_run_collector_deinit(struct tr_collector *out)
{
	for (uint32_t i = 0; i < out->queue_count; i++)
		tr_batch_buffer_destroy(&out->queue[out->queue_first + i]);
	while (out->pool_count > 0)
		tr_batch_buffer_destroy(&out->pool[--out->pool_count]);
	if (out->in_flight != NULL)
		tr_batch_buffer_destroy(&out->in_flight);
	if (out->buffer != NULL)
		tr_batch_buffer_destroy(&out->buffer);
	free(out->queue);
	free(out->pool);
	free(out->scratch);
}

/* Emitting. */

static void recycle(struct tr_collector *out, struct tr_batch_buffer *buffer)
{
	if (buffer->capacity != out->rows_max) { /* made larger for one call */
		tr_batch_buffer_destroy(&buffer);
		return;
	}
	tr_batch_buffer_clear(buffer);
	out->pool = grow(out->pool, &out->pool_room, out->pool_count, sizeof(struct tr_batch_buffer *));
	out->pool[out->pool_count++] = buffer;
}

void tr_run_collector_resume(struct tr_collector *out)
{
	if (out->in_flight != NULL)
		recycle(out, out->in_flight);
	out->in_flight = NULL;
}

static void give(struct tr_collector *out, const struct tr_batch *batch)
{
	const enum tr_flow flow =
		out->side < 0 ? tr_op_emit(out->op, batch) : tr_op_emit_side(out->op, (uint32_t)out->side, batch);

	out->gate->is_blocked = flow == TR_FLOW_BLOCKED;
	out->gate->has_failed = out->gate->has_failed || flow == TR_FLOW_FAILED;
}

static void emit(struct tr_collector *out, struct tr_batch_buffer *buffer)
{
	give(out, &buffer->batch);
	if (out->gate->is_blocked)
		out->in_flight = buffer;
	else
		recycle(out, buffer);
}

/** The buffer with its rows goes on its way, and another one takes its place. */
static void push(struct tr_collector *out)
{
	struct tr_batch_buffer *full = out->buffer;

	if (out->rows == 0)
		return;
	tr_batch_buffer_seal(full, out->rows);
	full->batch.watermark_ms = out->gate->has_runs ? out->gate->watermark_ms : TR_WATERMARK_MIN;
	out->rows = 0;
	out->buffer =
		out->pool_count > 0 ? out->pool[--out->pool_count] : tr_batch_buffer_create(out->schema, out->rows_max);
	if (!out->gate->is_blocked && !out->gate->has_failed && out->queue_count == 0) {
		emit(out, full);
		return;
	}
	if (out->queue_count == QUEUE_MAX)
		tr_run_die(out->name, "one call has made more than %u rows", QUEUE_MAX * out->rows_max);
	if (out->queue_count == 0)
		out->queue_first = 0;
	out->queue = grow(out->queue, &out->queue_room, out->queue_first + out->queue_count,
			  sizeof(struct tr_batch_buffer *));
	out->queue[out->queue_first + out->queue_count++] = full;
}

enum tr_flow tr_run_collector_drain(struct tr_collector *out, bool is_all)
{
	const struct tr_run_gate *gate = out->gate;

	while (!gate->is_blocked && !gate->has_failed && out->queue_count > 0) {
		struct tr_batch_buffer *next = out->queue[out->queue_first++];

		out->queue_count--;
		emit(out, next);
	}
	if (is_all && !gate->is_blocked && !gate->has_failed)
		push(out);
	if (gate->has_failed)
		return TR_FLOW_FAILED;
	return gate->is_blocked ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

/* Rows. */

/** Whether what the user does has an effect; ends the process if it is not the user's turn. */
static inline bool takes(const struct tr_collector *out)
{
	if (TR_LIKELY(tr_run_at_hand == out->owner))
		return true;
	if (!out->is_dropped || tr_run_at_hand != out->dropped_owner)
		tr_run_wrong_thread(out->name);
	return false;
}

/** `rows` more are complete. */
static void add(struct tr_collector *out, uint32_t rows)
{
	if (out->gate->has_runs && rows > 0)
		tr_batch_buffer_add_run(out->buffer, out->rows, out->gate->watermark_ms);
	out->rows += rows;
	out->made += rows;
}

void tr_collector_reserve(struct tr_collector *out, uint32_t rows)
{
	TR_ASSERT(rows <= TR_BATCH_ROWS_MAX);
	if (out->op == NULL) {
		if (out->is_dropped)
			return;
		out->has_overflown = out->has_overflown || rows > out->rows_max - out->rows;
		if (out->has_overflown)
			out->rows = 0; /* the source is told when it returns */
		return;
	}
	if (out->rows + rows <= out->buffer->capacity)
		return;
	push(out);
	if (rows <= out->buffer->capacity)
		return;
	recycle(out, out->buffer);
	out->buffer = tr_batch_buffer_create(out->schema, rows);
	tr_batch_buffer_clear(out->buffer);
}

/** What is not set by the time the row is added is NULL. */
static inline void mark(struct tr_collector *out, uint32_t column)
{
	const uint64_t bit = UINT64_C(1) << (column & 63);

	out->set_count += (out->set[column >> 6] & bit) == 0;
	out->set[column >> 6] |= bit;
}

/** The column that is set, and there is room for a row. NULL: it is not wanted. */
static struct tr_column_buffer *column_for(struct tr_collector *out, uint32_t column)
{
	if (TR_UNLIKELY(column >= out->columns)) {
		if (out->is_dropped)
			return NULL;
		tr_run_die(out->name, "column %u does not exist; there are %u", column, out->columns);
	}
	tr_collector_reserve(out, 1);
	return &out->buffer->columns[column];
}

static void mismatch(struct tr_collector *out, const struct tr_column_buffer *buffer, uint32_t column,
		     const char *asked) __attribute__((noreturn));
static void mismatch(struct tr_collector *out, const struct tr_column_buffer *buffer, uint32_t column, const char *asked)
{
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	tr_run_die(out->name, "column '%s' is %s, and was set as %s", out->schema->names[column],
		   tr_type_text(&arena, buffer->type), asked);
}

void tr_collector_set_i64(struct tr_collector *out, uint32_t column, int64_t value)
{
	struct tr_column_buffer *buffer = column_for(out, column);
	const uint32_t at = out->rows;

	if (TR_UNLIKELY(buffer == NULL))
		return;
	switch (buffer->type->phys) {
	case TR_PHYS_I64: ((int64_t *)buffer->data)[at] = value; break;
	case TR_PHYS_I32: ((int32_t *)buffer->data)[at] = (int32_t)value; break;
	case TR_PHYS_I16: ((int16_t *)buffer->data)[at] = (int16_t)value; break;
	case TR_PHYS_I8: ((int8_t *)buffer->data)[at] = (int8_t)value; break;
	default: mismatch(out, buffer, column, "a whole number");
	}
	mark(out, column);
}

void tr_collector_set_f64(struct tr_collector *out, uint32_t column, double value)
{
	struct tr_column_buffer *buffer = column_for(out, column);

	if (TR_UNLIKELY(buffer == NULL))
		return;
	switch (buffer->type->phys) {
	case TR_PHYS_F64: ((double *)buffer->data)[out->rows] = value; break;
	case TR_PHYS_F32: ((float *)buffer->data)[out->rows] = (float)value; break;
	default: mismatch(out, buffer, column, "a floating-point number");
	}
	mark(out, column);
}

void tr_collector_set_text(struct tr_collector *out, uint32_t column, const char *text, uint32_t length)
{
	struct tr_column_buffer *buffer = column_for(out, column);

	if (TR_UNLIKELY(buffer == NULL))
		return;
	if (buffer->type->phys != TR_PHYS_VIEW)
		mismatch(out, buffer, column, "a text");
	((struct tr_view *)buffer->data)[out->rows] = tr_batch_buffer_view(out->buffer, text, length);
	mark(out, column);
}

void tr_collector_set_column(struct tr_collector *out, uint32_t column, const struct tr_row *row, uint32_t from)
{
	struct tr_column_buffer *buffer = column_for(out, column);
	const struct tr_column *source = &row->batch->columns[from];

	if (TR_UNLIKELY(buffer == NULL))
		return;
	if (!tr_type_equals_ignoring_null(source->type, buffer->type))
		mismatch(out, buffer, column, "the value of a column of another type");
	tr_column_buffer_gather(buffer, out->rows, source, &row->row, 1, &out->buffer->heap);
	mark(out, column);
}

void tr_collector_set_null(struct tr_collector *out, uint32_t column)
{
	struct tr_column_buffer *buffer = column_for(out, column);

	if (TR_UNLIKELY(buffer == NULL))
		return;
	tr_column_buffer_set_null(buffer, out->rows);
	mark(out, column);
}

void tr_collector_add(struct tr_collector *out)
{
	if (!takes(out))
		return;
	tr_collector_reserve(out, 1);
	for (uint32_t c = 0; out->set_count < out->columns && c < out->columns; c++)
		if ((out->set[c >> 6] >> (c & 63) & 1) == 0)
			tr_column_buffer_set_null(&out->buffer->columns[c], out->rows);
	memset(out->set, 0, ((size_t)out->columns + 63) / 64 * sizeof(*out->set));
	out->set_count = 0;
	add(out, 1);
}

void tr_collector_add_row(struct tr_collector *out, const struct tr_row *row)
{
	for (uint32_t c = 0; c < out->columns; c++)
		tr_collector_set_column(out, c, row, c);
	tr_collector_add(out);
}

/* Vectors. */

/** Where a vector is written that nobody reads: as large as the widest values need it. */
static void *scratch(struct tr_collector *out)
{
	if (out->scratch == NULL)
		out->scratch = tr_checked(malloc(TR_BATCH_ROWS_MAX * sizeof(struct tr_view)));
	return out->scratch;
}

void *tr_collector_data(struct tr_collector *out, uint32_t column)
{
	struct tr_column_buffer *buffer = column_for(out, column);

	if (TR_UNLIKELY(buffer == NULL))
		return scratch(out);
	return (char *)buffer->data + out->rows * tr_phys_bytes((enum tr_phys)buffer->type->phys);
}

uint64_t *tr_collector_nulls(struct tr_collector *out, uint32_t column)
{
	struct tr_column_buffer *buffer = column_for(out, column);

	if (TR_UNLIKELY(buffer == NULL))
		return scratch(out);
	buffer->has_nulls = true;
	return buffer->validity;
}

uint32_t tr_collector_first(const struct tr_collector *out) { return out->rows; }

struct tr_view tr_collector_text(struct tr_collector *out, const char *text, uint32_t length)
{
	if (out->is_dropped)
		return (struct tr_view){0};
	return tr_batch_buffer_view(out->buffer, text, length);
}

void tr_collector_advance(struct tr_collector *out, uint32_t rows)
{
	if (!takes(out))
		return;
	if (rows > out->buffer->capacity - out->rows)
		tr_run_die(out->name, "%u rows were written where %u had room", rows, out->buffer->capacity - out->rows);
	add(out, rows);
}

static void append(struct tr_collector *out, const struct tr_batch *batch)
{
	for (uint32_t at = 0; at < batch->selected_count;) {
		const uint32_t n = TR_MIN(batch->selected_count - at, out->rows_max);
		uint32_t rows[256];

		for (uint32_t i = 0, m; i < n; i += m) {
			m = TR_MIN(n - i, (uint32_t)TR_COUNT_OF(rows));
			for (uint32_t k = 0; k < m; k++)
				rows[k] = tr_batch_row(batch, at + i + k);
			tr_collector_reserve(out, m);
			if (out->has_overflown)
				return;
			for (uint32_t c = 0; c < out->columns; c++)
				tr_column_buffer_gather(&out->buffer->columns[c], out->rows, &batch->columns[c], rows,
							m, &out->buffer->heap);
			add(out, m);
		}
		at += n;
	}
}

void tr_collector_add_batch(struct tr_collector *out, const struct tr_batch *batch)
{
	const struct tr_run_gate *gate = out->gate;
	const struct tr_watermark_run run = {0, gate->watermark_ms};

	if (!takes(out))
		return;
	if (out->op == NULL || tr_run_collector_drain(out, true) != TR_FLOW_MORE) {
		append(out, batch);
		return;
	}
	out->external = *batch;
	out->external.schema = out->schema;
	out->external_run = run;
	out->external.runs = gate->has_runs ? &out->external_run : NULL;
	out->external.run_count = gate->has_runs;
	out->external.watermark_ms = gate->has_runs ? gate->watermark_ms : TR_WATERMARK_MIN;
	out->made += batch->selected_count;
	give(out, &out->external);
}
