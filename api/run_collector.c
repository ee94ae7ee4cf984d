/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_collector.h, and include/tailrace/function.h for what users see.
 */
#include "api/run_collector.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/run_context.h"
#include "api/run_guard.h"
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

static void unguard(struct tr_collector *out);

void tr_run_collector_end_source(struct tr_collector *out) { unguard(out); }

void tr_run_collector_deinit(struct tr_collector *out)
{
	unguard(out);
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

	unguard(out);
	out->has_vectors = false;
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

/* Guards. */

#ifdef TR_DEBUG
/** What may not be written behind the vectors of a column, from the first byte on; NULL: the column has none. */
static unsigned char *behind(const struct tr_collector *out, uint32_t column)
{
	const struct tr_column_buffer *buffer = &out->buffer->columns[column];

	if (buffer->data == NULL)
		return NULL;
	return (unsigned char *)buffer->data + out->reserved * tr_phys_bytes((enum tr_phys)buffer->type->phys);
}

static void guard(struct tr_collector *out)
{
	out->is_guarded = true;
	for (uint32_t c = 0; c < out->columns; c++)
		if (behind(out, c) != NULL)
			tr_run_guard_put(behind(out, c));
}

static void check_guard(const struct tr_collector *out, uint32_t column)
{
	const struct tr_column_buffer *buffer = &out->buffer->columns[column];
	bool is_good = true;

	if (behind(out, column) != NULL)
		is_good = tr_run_guard_take(behind(out, column));
	for (uint32_t i = out->reserved; i < TR_MIN(out->reserved + 64, buffer->capacity); i++)
		is_good = is_good && tr_bit_get(buffer->validity, i);
	if (!is_good)
		tr_run_mistake("column '%s' was written behind the rows that there was room for (tr_collector_reserve)",
			       out->schema->names[column]);
}

static void unguard(struct tr_collector *out)
{
	const void *before;

	if (!out->is_guarded)
		return;
	out->is_guarded = false;
	if (out->is_growing) { /* whoever completes the request has a hand (run_request.c) */
		for (uint32_t c = 0; c < out->columns; c++)
			check_guard(out, c);
		return;
	}
	before = tr_run_enter(out->owner);
	for (uint32_t c = 0; c < out->columns; c++)
		check_guard(out, c);
	tr_run_leave(before);
}
#else
static void guard(struct tr_collector *out) {}
static void unguard(struct tr_collector *out) {}
#endif

/* Rows. */

/** Whether what the user does has an effect; ends the process if it is not the user's turn. */
static inline bool takes(const struct tr_collector *out)
{
	if (TR_LIKELY(tr_run_at_hand == out->owner) || out->is_growing)
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

/** A request's: a larger buffer takes the place of one that has no room. */
static void make_larger(struct tr_collector *out, uint32_t rows)
{
	struct tr_batch_buffer *larger;
	uint32_t numbers[256];

	if (rows > out->rows_max - out->rows) {
		out->has_overflown = true; /* the operator is told when it is completed */
		out->rows = 0;
		return;
	}
	if (out->rows + rows <= out->buffer->capacity)
		return;
	larger = tr_batch_buffer_create(out->schema,
					TR_MIN(out->rows_max, TR_MAX(out->rows + rows, 2 * out->buffer->capacity)));
	tr_batch_buffer_clear(larger);
	tr_batch_buffer_seal(out->buffer, out->rows);
	for (uint32_t at = 0, n; at < out->rows; at += n) {
		n = TR_MIN(out->rows - at, (uint32_t)TR_COUNT_OF(numbers));
		for (uint32_t i = 0; i < n; i++)
			numbers[i] = at + i;
		(void)tr_batch_buffer_append(larger, at, &out->buffer->batch, numbers, n);
	}
	tr_batch_buffer_destroy(&out->buffer);
	out->buffer = larger;
}

void tr_run_collector_clear(struct tr_collector *out)
{
	tr_batch_buffer_clear(out->buffer);
	out->rows = out->reserved = out->set_count = 0;
	out->made = 0;
	out->has_overflown = out->has_vectors = out->is_guarded = false;
	memset(out->set, 0, sizeof(out->set));
}

/** Room for `rows` more, at most TR_BATCH_ROWS_MAX. */
static void make_room(struct tr_collector *out, uint32_t rows)
{
	if (TR_UNLIKELY(out->has_vectors))
		unguard(out);
	out->has_vectors = false;
	if (out->op == NULL) {
		if (out->is_dropped)
			return;
		if (out->is_growing) {
			make_larger(out, rows);
			return;
		}
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

/** The column that is set, and there is room for a row. NULL: it is not wanted, or there is none, which is the user's mistake. */
static struct tr_column_buffer *column_for(struct tr_collector *out, uint32_t column)
{
	if (TR_UNLIKELY(!takes(out)))
		return NULL;
	if (TR_UNLIKELY(column >= out->columns)) {
		tr_run_mistake("column %u was set, and there are %u", column, out->columns);
		return NULL;
	}
	make_room(out, 1);
	return &out->buffer->columns[column];
}

static void mismatch(const struct tr_collector *out, uint32_t column, const char *asked)
{
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	tr_run_mistake("column '%s' is %s, and was set as %s", out->schema->names[column],
		       tr_type_text(&arena, out->schema->types[column]), asked);
	tr_arena_deinit(&arena);
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
	case TR_PHYS_I8:
		((int8_t *)buffer->data)[at] = buffer->type->id == TR_TYPE_BOOLEAN ? value != 0 : (int8_t)value;
		break;
	default: mismatch(out, column, "a whole number"); return;
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
	default: mismatch(out, column, "a floating-point number"); return;
	}
	mark(out, column);
}

void tr_collector_set_text(struct tr_collector *out, uint32_t column, const char *text, uint32_t length)
{
	struct tr_column_buffer *buffer = column_for(out, column);

	if (TR_UNLIKELY(buffer == NULL))
		return;
	if (buffer->type->phys != TR_PHYS_VIEW) {
		mismatch(out, column, "a text");
		return;
	}
	((struct tr_view *)buffer->data)[out->rows] = tr_batch_buffer_view(out->buffer, text, length);
	mark(out, column);
}

void tr_collector_set_column(struct tr_collector *out, uint32_t column, const struct tr_row *row, uint32_t from)
{
	struct tr_column_buffer *buffer = column_for(out, column);
	const struct tr_column *source = &row->batch->columns[from];

	if (TR_UNLIKELY(buffer == NULL))
		return;
	if (!tr_row_has(row, from)) {
		(void)tr_row_mismatch(row, from, "");
		return;
	}
	if (!tr_type_equals_ignoring_null(source->type, buffer->type)) {
		mismatch(out, column, "the value of a column of another type");
		return;
	}
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
	make_room(out, 1);
	for (uint32_t c = 0; out->set_count < out->columns && c < out->columns; c++)
		if ((out->set[c >> 6] >> (c & 63) & 1) == 0)
			tr_column_buffer_set_null(&out->buffer->columns[c], out->rows);
	memset(out->set, 0, ((size_t)out->columns + 63) / 64 * sizeof(*out->set));
	out->set_count = 0;
	add(out, 1);
}

void tr_collector_add_row(struct tr_collector *out, const struct tr_row *row)
{
	if (!takes(out))
		return;
	if (row->batch->schema->column_count != out->columns)
		tr_run_mistake("a row of %u columns was added, and there are %u", row->batch->schema->column_count,
			       out->columns);
	for (uint32_t c = 0; c < out->columns; c++)
		tr_collector_set_column(out, c, row, c);
	tr_collector_add(out);
}

/* Vectors. */

void tr_collector_reserve(struct tr_collector *out, uint32_t rows)
{
	if (!takes(out))
		return;
	if (rows > TR_BATCH_ROWS_MAX)
		tr_run_die(out->name, "tr_collector_reserve was asked for %u rows; %d are the most", rows,
			   TR_BATCH_ROWS_MAX);
	make_room(out, rows);
	out->has_vectors = true;
	memset(out->asked, 0, ((size_t)out->columns + 63) / 64 * sizeof(*out->asked));
	out->reserved = out->rows + rows;
	if (!out->has_overflown)
		guard(out);
}

/** Where a vector is written that nobody reads: as large as the widest values need it. */
static void *unread(struct tr_collector *out)
{
	if (!out->is_dropped)
		return tr_run_scratch(TR_RUN_SCRATCH_VECTOR);
	if (out->scratch == NULL)
		out->scratch = tr_checked(malloc(TR_BATCH_ROWS_MAX * sizeof(struct tr_view)));
	return out->scratch;
}

/** The column whose vector is asked for. NULL: it is not wanted, or there is none, or no room: what is written goes nowhere. */
static struct tr_column_buffer *vector_for(struct tr_collector *out, uint32_t column)
{
	if (!takes(out))
		return NULL;
	if (column >= out->columns) {
		tr_run_mistake("column %u was asked for, and there are %u", column, out->columns);
		return NULL;
	}
	if (!out->has_vectors) {
		tr_run_mistake("vectors were asked for without tr_collector_reserve");
		return NULL;
	}
	return out->has_overflown ? NULL : &out->buffer->columns[column];
}

void *tr_collector_data(struct tr_collector *out, uint32_t column)
{
	struct tr_column_buffer *buffer = vector_for(out, column);

	if (buffer != NULL && buffer->data == NULL) {
		mismatch(out, column, "a vector");
		buffer = NULL;
	}
	if (buffer == NULL)
		return unread(out);
	out->asked[column >> 6] |= UINT64_C(1) << (column & 63);
	return (char *)buffer->data + out->rows * tr_phys_bytes((enum tr_phys)buffer->type->phys);
}

uint64_t *tr_collector_nulls(struct tr_collector *out, uint32_t column)
{
	struct tr_column_buffer *buffer = vector_for(out, column);

	if (buffer == NULL)
		return unread(out);
	buffer->has_nulls = true;
	return buffer->validity;
}

uint32_t tr_collector_first(const struct tr_collector *out) { return out->rows; }

struct tr_view tr_collector_text(struct tr_collector *out, const char *text, uint32_t length)
{
	if (!takes(out))
		return (struct tr_view){0};
	return tr_batch_buffer_view(out->buffer, text, length);
}

/** Columns whose vectors nobody has asked for are NULL; bits of rows that were not added are ones again. */
static void complete(struct tr_collector *out, uint32_t rows)
{
	for (uint32_t c = 0; c < out->columns; c++) {
		struct tr_column_buffer *buffer = &out->buffer->columns[c];
		const bool is_asked = out->asked[c >> 6] >> (c & 63) & 1;

		for (uint32_t i = 0; !is_asked && i < rows; i++)
			tr_column_buffer_set_null(buffer, out->rows + i);
		for (uint32_t i = out->rows + rows; buffer->has_nulls && i < out->reserved; i++)
			tr_bit_set(buffer->validity, i);
	}
}

void tr_collector_advance(struct tr_collector *out, uint32_t rows)
{
	const uint32_t room = out->has_vectors ? out->reserved - out->rows : 0;

	if (!takes(out))
		return;
	unguard(out);
	if (out->has_overflown)
		return;
	if (rows > room) {
		tr_run_mistake("%u rows were added where there was room for %u (tr_collector_reserve)", rows, room);
		return;
	}
	complete(out, rows);
	add(out, rows);
	if (rows < room)
		guard(out);
}

/** That the batch has the output's columns. */
static bool fits(const struct tr_collector *out, const struct tr_batch *batch)
{
	if (batch->schema == NULL || batch->schema->column_count != out->columns) {
		tr_run_mistake("a batch of %u columns was added, and there are %u",
			       batch->schema != NULL ? batch->schema->column_count : 0, out->columns);
		return false;
	}
	if (batch->selection == NULL && batch->selected_count > batch->row_count) {
		tr_run_mistake("a batch of %u rows was added, and it says that %u of them exist", batch->row_count,
			       batch->selected_count);
		return false;
	}
	for (uint32_t c = 0; c < out->columns; c++) {
		const struct tr_type *type = batch->columns[c].type;

		if (type == out->schema->types[c] ||
		    (type != NULL && tr_type_equals_ignoring_null(type, out->schema->types[c])))
			continue;
		mismatch(out, c, "the column of a batch of another type");
		return false;
	}
	return true;
}

void tr_run_collector_append(struct tr_collector *out, const struct tr_batch *batch)
{
	for (uint32_t at = 0; at < batch->selected_count;) {
		const uint32_t n = TR_MIN(batch->selected_count - at, out->rows_max);
		uint32_t rows[256];

		for (uint32_t i = 0, m; i < n; i += m) {
			m = TR_MIN(n - i, (uint32_t)TR_COUNT_OF(rows));
			for (uint32_t k = 0; k < m; k++)
				rows[k] = tr_batch_row(batch, at + i + k);
			make_room(out, m);
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

	if (!takes(out) || batch->selected_count == 0 || !fits(out, batch))
		return;
	if (out->op == NULL || tr_run_collector_drain(out, true) != TR_FLOW_MORE) {
		tr_run_collector_append(out, batch);
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
