/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: rows from expressions. core/ops/op_values.h has the idea.
 */
#include "core/ops/op_values.h"

#include <stdlib.h>
#include <string.h>

struct values {
	struct tr_op op;
	const struct tr_expr *const *exprs;
	uint32_t row_count;
	uint32_t next_row;
	bool is_max_emitted;
	bool is_end_emitted;
	struct tr_column *columns;
	struct tr_batch_buffer *buffer; /* what is emitted; untouched while the chain is blocked */
};

static const struct tr_schema no_columns = {0};

/** Computes one row and appends it at `at`. */
static tr_code append_row(struct values *v, uint32_t row, uint32_t at, struct tr_arena *arena, struct tr_status *st)
{
	const uint32_t column_count = v->op.output->column_count;
	const struct tr_batch nothing = {.schema = &no_columns, .row_count = 1, .selected_count = 1};
	const struct tr_program *program;
	struct tr_program_state *state;
	struct tr_batch batch;
	tr_code code;

	tr_arena_reset(arena);
	TR_TRY(tr_program_compile(arena, &no_columns, v->exprs + (size_t)row * column_count, column_count, &program,
				  st));
	state = tr_program_state_create(program, &v->op.context->program, 1);
	code = tr_program_run(state, &nothing, v->columns, st);
	if (code == TR_OK) {
		batch = nothing;
		batch.schema = v->op.output;
		batch.columns = v->columns;
		(void)tr_batch_buffer_append(v->buffer, at, &batch, NULL, 1);
	}
	tr_program_state_destroy(&state);
	return code;
}

static enum tr_flow emit_rows(struct values *v)
{
	const uint32_t count = TR_MIN(v->row_count - v->next_row, v->buffer->capacity);
	struct tr_arena arena;
	tr_code code = TR_OK;

	tr_arena_init(&arena, 0);
	tr_batch_buffer_clear(v->buffer);
	for (uint32_t i = 0; i < count && code == TR_OK; i++)
		code = append_row(v, v->next_row + i, i, &arena, &v->op.context->status);
	tr_arena_deinit(&arena);
	if (code != TR_OK)
		return TR_FLOW_FAILED;
	tr_batch_buffer_seal(v->buffer, count);
	v->next_row += count;
	return tr_op_emit(&v->op, &v->buffer->batch);
}

enum tr_flow tr_op_values_step(struct tr_op *op)
{
	struct values *v = (struct values *)op;

	if (!v->is_end_emitted && tr_op_wanted_barrier(op) != 0)
		return tr_op_emit_barrier(op, tr_op_wanted_barrier(op));
	if (v->next_row < v->row_count && !tr_op_is_draining(op) && !tr_op_has_enough(op))
		return emit_rows(v);
	if (!v->is_max_emitted) {
		v->is_max_emitted = true;
		return tr_op_emit_watermark(op, TR_WATERMARK_MAX);
	}
	if (!v->is_end_emitted) {
		v->is_end_emitted = true;
		return tr_op_emit_end(op);
	}
	return TR_FLOW_DONE;
}

static void destroy(struct tr_op *op)
{
	struct values *v = (struct values *)op;

	tr_batch_buffer_destroy(&v->buffer);
	free(v->columns);
	free(v);
}

/* The state: how many rows have been emitted (64 bits, little endian). */
#define RECORD_KIND 1

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	const uint64_t rows = ((struct values *)op)->next_row;
	const struct tr_state_record record = {.kind = RECORD_KIND, .bytes = &rows, .length = sizeof(rows)};

	*base = tr_state_age(order->checkpoint);
	return op->context->subtask == 0 ? writer->put(writer, &record, st) : TR_OK;
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct values *v = (struct values *)op;
	uint64_t rows;

	if (record->kind != RECORD_KIND || record->is_keyed || record->length != sizeof(rows))
		TR_FAIL(st, TR_ERR_DATA, "the saved position in VALUES is damaged");
	if (op->context->subtask != 0)
		return TR_OK;
	memcpy(&rows, record->bytes, sizeof(rows));
	if (rows > v->row_count)
		TR_FAIL(st, TR_ERR_DATA, "%llu rows of VALUES had been read, but now it has only %u",
			(unsigned long long)rows, v->row_count);
	v->next_row = (uint32_t)rows;
	return TR_OK;
}

static const struct tr_op_ops values_ops = {.name = "values", .snapshot = snapshot, .load = load, .destroy = destroy};

struct tr_op *tr_op_values_create(struct tr_op_context *context, const struct tr_schema *schema,
				  const struct tr_expr *const *exprs, uint32_t row_count)
{
	struct values *v = calloc(1, sizeof(*v));

	TR_ASSERT(v != NULL && schema != NULL);
	TR_ASSERT(row_count == 0 || exprs != NULL);
	v->op.ops = &values_ops;
	v->op.context = context;
	v->op.timer_ms = INT64_MAX;
	v->op.output = schema;
	v->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	v->exprs = exprs;
	v->row_count = context->subtask == 0 ? row_count : 0;
	v->columns = calloc(schema->column_count + 1, sizeof(*v->columns));
	TR_ASSERT(v->columns != NULL);
	v->buffer = tr_batch_buffer_create(schema, TR_MAX(TR_MIN(row_count, context->batch_rows), 1));
	return &v->op;
}
