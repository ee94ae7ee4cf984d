/* SPDX-License-Identifier: Apache-2.0
 *
 * Sink operator: a thin face over struct tr_sink_ops, with the state that resuming needs. It also sees to it that no NULL
 * reaches a column declared NOT NULL (table.exec.sink.not-null-enforcer = ERROR), and if it is asked for, that no value is longer
 * than its column says (table.exec.sink.type-length-enforcer = ERROR), as Flink does.
 */
#include "core/op_sink.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/text.h"

enum work { WORK_NONE, WORK_OUTPUT, WORK_FINISH, WORK_PREPARE, WORK_COMMIT };

struct sink_op {
	struct tr_op op;
	const struct tr_sink_ops *sink_ops;
	const struct tr_table_spec *table; /* the plan's */
	struct tr_sink *sink;
	struct tr_sink_context sink_context;
	enum work work;      /* what a BLOCKED answer has left to do */
	uint64_t checkpoint; /* that is being prepared or committed, or was last */
	uint64_t prepared;   /* the last one */
	bool is_exact;       /* visible by commit only */
	bool is_recovered;
	bool is_ended;
	bool is_finished;
};

/** Notes what is left after an answer of the sink. */
static enum tr_flow took(struct sink_op *s, enum tr_flow flow)
{
	s->work = flow == TR_FLOW_BLOCKED ? WORK_OUTPUT : WORK_NONE;
	return flow;
}

/** Calls prepare or commit until it is done. */
static enum tr_flow bring_forward(struct sink_op *s, enum work work, uint64_t checkpoint)
{
	struct tr_status *st = &s->op.context->status;
	const enum tr_flow flow = work == WORK_PREPARE ? s->sink_ops->prepare(s->sink, checkpoint, st)
						       : s->sink_ops->commit(s->sink, checkpoint, st);

	TR_ASSERT(flow != TR_FLOW_MORE);
	s->work = flow == TR_FLOW_BLOCKED ? work : WORK_NONE;
	s->checkpoint = checkpoint;
	if (flow != TR_FLOW_DONE)
		return flow;
	if (work == WORK_PREPARE && TR_BUG("sink-commits-unasked"))
		(void)s->sink_ops->commit(s->sink, checkpoint, st);
	if (work == WORK_PREPARE)
		s->prepared = checkpoint;
	else if (s->is_ended && checkpoint >= s->prepared)
		s->is_finished = true;
	return TR_FLOW_MORE;
}

/** What a former run has left is dealt with before anything new is written, also if there was nothing to load. */
static tr_code recover(struct sink_op *s, struct tr_status *st)
{
	if (s->is_recovered || s->sink_ops->recover == NULL)
		return TR_OK;
	s->is_recovered = true;
	s->sink_context.restored_checkpoint = s->op.context->restored_checkpoint;
	return s->sink_ops->recover(s->sink, st);
}

/** Whether columns declared NOT NULL have no NULL in the rows that are written. */
static tr_code check_not_null(const struct sink_op *s, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_schema *schema = s->table->schema;

	for (uint32_t c = 0; c < schema->column_count; c++) {
		const struct tr_column *column = &batch->columns[c];

		if (schema->types[c]->is_nullable || (column->validity == NULL && schema->types[c]->id != TR_TYPE_NULL))
			continue;
		for (uint32_t i = 0; i < batch->selected_count; i++) {
			if (tr_column_is_null(column, tr_batch_row(batch, i)))
				TR_FAIL(st, TR_ERR_DATA,
					"table '%s': a NULL for column '%s', which is NOT NULL; filter such rows, or "
					"use "
					"COALESCE",
					s->table->name, schema->names[c]);
		}
	}
	return TR_OK;
}

/** Whether texts and bytes are as long as their columns say (table.exec.sink.type-length-enforcer = ERROR). */
static tr_code check_length(const struct sink_op *s, const struct tr_batch *batch, struct tr_status *st)
{
	const struct tr_schema *schema = s->table->schema;

	for (uint32_t c = 0; c < schema->column_count; c++) {
		const struct tr_type *type = schema->types[c];
		const bool is_exact = type->id == TR_TYPE_CHAR || type->id == TR_TYPE_BINARY;
		const bool is_text = type->id == TR_TYPE_CHAR || type->id == TR_TYPE_VARCHAR;

		if (type->phys != TR_PHYS_VIEW || type->precision == TR_LENGTH_MAX)
			continue;
		for (uint32_t i = 0; i < batch->selected_count; i++) {
			const uint32_t row = tr_batch_row(batch, i);
			const struct tr_view *view;
			size_t length;

			if (tr_column_is_null(&batch->columns[c], row))
				continue;
			view = tr_column_view(&batch->columns[c], row);
			length = is_text ? tr_text_code_points(tr_view_text(view), view->length) : view->length;
			if (is_exact ? length == (size_t)type->precision : length <= (size_t)type->precision)
				continue;
			TR_FAIL(st, TR_ERR_DATA,
				"table '%s': a value of length %zu for column '%s', whose type has length %d; cast it, "
				"or set "
				"'table.exec.sink.type-length-enforcer'",
				s->table->name, length, schema->names[c], (int)type->precision);
		}
	}
	return TR_OK;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sink_op *s = (struct sink_op *)op;

	TR_ASSERT(input == 0 && s->work == WORK_NONE && !s->is_ended);
	if (s->is_exact && !s->is_recovered && recover(s, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	if (s->table->enforces_not_null && check_not_null(s, batch, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	if (s->table->enforces_length && check_length(s, batch, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	op->metrics.rows_out += batch->selected_count;
	return took(s, s->sink_ops->write(s->sink, batch, &op->context->status));
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	TR_ASSERT(input == 0);
	op->metrics.watermark_ms = watermark_ms;
	return TR_FLOW_MORE;
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle) { return TR_FLOW_MORE; }

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct sink_op *s = (struct sink_op *)op;

	TR_ASSERT(input == 0 && s->work == WORK_NONE && !s->is_ended);
	TR_ASSERT(checkpoint > s->prepared);
	if (s->is_exact)
		return recover(s, &op->context->status) == TR_OK ? bring_forward(s, WORK_PREPARE, checkpoint)
								 : TR_FLOW_FAILED;
	if (!op->context->has_checkpoints || s->sink_ops->tick == NULL)
		return TR_FLOW_MORE;
	return took(s, s->sink_ops->tick(s->sink, &op->context->status));
}

static enum tr_flow finish(struct sink_op *s)
{
	const enum tr_flow flow = s->sink_ops->finish(s->sink, &s->op.context->status);

	if (flow == TR_FLOW_FAILED)
		return flow;
	s->is_finished = flow == TR_FLOW_DONE;
	s->work = s->is_finished ? WORK_NONE : WORK_FINISH;
	return s->is_finished ? TR_FLOW_MORE : TR_FLOW_BLOCKED;
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct sink_op *s = (struct sink_op *)op;

	TR_ASSERT(input == 0 && s->work == WORK_NONE && !s->is_ended);
	s->is_ended = true;
	if (!s->is_exact)
		return finish(s);
	if (recover(s, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	/* The last checkpoint's number is not known yet, but it is greater than any before, of former runs too: sinks name output by it. */
	return bring_forward(s, WORK_PREPARE, TR_MAX(s->prepared, op->context->restored_checkpoint) + 1);
}

static enum tr_flow resume(struct tr_op *op)
{
	struct sink_op *s = (struct sink_op *)op;

	switch (s->work) {
	case WORK_OUTPUT: return took(s, s->sink_ops->resume(s->sink, &op->context->status));
	case WORK_FINISH: return finish(s);
	case WORK_PREPARE:
	case WORK_COMMIT: return bring_forward(s, s->work, s->checkpoint);
	case WORK_NONE: return TR_FLOW_MORE;
	}
	TR_UNREACHABLE();
}

static enum tr_flow flush(struct tr_op *op)
{
	struct sink_op *s = (struct sink_op *)op;

	if (s->is_ended || s->sink_ops->tick == NULL)
		return TR_FLOW_MORE;
	TR_ASSERT(s->work == WORK_NONE);
	return took(s, s->sink_ops->tick(s->sink, &op->context->status));
}

static tr_code snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			uint64_t *base, struct tr_status *st)
{
	struct sink_op *s = (struct sink_op *)op;

	TR_ASSERT(s->work == WORK_NONE);
	*base = tr_state_age(order->checkpoint); /* no keyed records */
	return s->is_exact ? s->sink_ops->save(s->sink, writer, st) : TR_OK;
}

static enum tr_flow on_complete(struct tr_op *op, uint64_t checkpoint)
{
	struct sink_op *s = (struct sink_op *)op;

	TR_ASSERT(s->work == WORK_NONE);
	if (!s->is_exact || s->is_finished)
		return TR_FLOW_MORE;
	return bring_forward(s, WORK_COMMIT, checkpoint);
}

static tr_code load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		    struct tr_status *st)
{
	struct sink_op *s = (struct sink_op *)op;

	if (s->sink_ops->load == NULL)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': checkpoint %llu has prepared output of another connector than '%s', which can't "
			"publish it",
			s->table->name, (unsigned long long)origin->checkpoint, s->table->connector->name);
	return s->sink_ops->load(s->sink, origin, record, st);
}

static tr_code load_end(struct tr_op *op, struct tr_status *st) { return recover((struct sink_op *)op, st); }

static void destroy(struct tr_op *op)
{
	struct sink_op *s = (struct sink_op *)op;

	if (s->sink != NULL)
		s->sink_ops->close(&s->sink);
	free(s);
}

static const struct tr_op_ops op_sink_ops = {
	.name = "sink",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.resume = resume,
	.flush = flush,
	.snapshot = snapshot,
	.on_complete = on_complete,
	.load = load,
	.load_end = load_end,
	.destroy = destroy,
};

tr_code tr_op_sink_create(const struct tr_table_spec *table, struct tr_op_context *context, struct tr_io_queue *io,
			  struct tr_op **op, struct tr_status *st)
{
	struct sink_op *s = calloc(1, sizeof(*s));
	tr_code code;

	TR_ASSERT(s != NULL && table->connector->sink != NULL);
	s->op.ops = &op_sink_ops;
	s->op.context = context;
	s->op.timer_ms = INT64_MAX;
	s->op.output = table->schema;
	s->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	s->sink_ops = table->connector->sink;
	s->table = table;
	s->is_exact = context->has_checkpoints && s->sink_ops->prepare != NULL;
	s->sink_context = (struct tr_sink_context){
		.env = context->env,
		.io = io,
		.subtask = context->subtask,
		.subtask_count = context->subtask_count,
		.has_checkpoints = context->has_checkpoints,
		.wake_at_ns = INT64_MAX,
	};
	code = s->sink_ops->open(table, &s->sink_context, &s->sink, st);
	if (code != TR_OK) {
		free(s);
		*op = NULL;
		return code;
	}
	*op = &s->op;
	return TR_OK;
}

bool tr_op_sink_is_finished(const struct tr_op *op) { return ((const struct sink_op *)op)->is_finished; }

int64_t tr_op_sink_wake_at(const struct tr_op *op)
{
	const struct sink_op *s = (const struct sink_op *)op;

	return s->is_ended ? INT64_MAX : s->sink_context.wake_at_ns;
}
