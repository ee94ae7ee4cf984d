/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter: one program, one selection vector.
 *
 * The emit of the shorter batch is the last act of on_batch, so there is nothing to resume.
 */
#include "core/ops/op_filter.h"

#include <stdlib.h>

struct filter {
	struct tr_op op;
	struct tr_program_state *condition;
	uint32_t *selection;
	uint32_t capacity;
	struct tr_batch batch; /* what is emitted; untouched while next is blocked */
};

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct filter *f = (struct filter *)op;
	uint32_t count = 0;

	TR_ASSERT(input == 0);
	TR_DASSERT(batch->selected_count <= batch->row_count);
	if (batch->row_count > f->capacity) {
		f->capacity = batch->row_count;
		free(f->selection);
		f->selection = calloc(f->capacity, sizeof(*f->selection));
		TR_ASSERT(f->selection != NULL);
	}
	if (tr_program_filter(f->condition, batch, f->selection, &count, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	TR_ASSERT(count <= batch->selected_count);
	if (count == batch->selected_count)
		return tr_op_emit(op, batch);
	f->batch = *batch;
	f->batch.selection = f->selection;
	f->batch.selected_count = count;
	return tr_op_emit(op, &f->batch);
}

static void destroy(struct tr_op *op)
{
	struct filter *f = (struct filter *)op;

	tr_program_state_destroy(&f->condition);
	free(f->selection);
	free(f);
}

static const struct tr_op_ops filter_ops = {.name = "filter", .on_batch = on_batch, .destroy = destroy};

struct tr_op *tr_op_filter_create(struct tr_op_context *context, const struct tr_schema *schema,
				  const struct tr_program *condition)
{
	struct filter *f = calloc(1, sizeof(*f));

	TR_ASSERT(f != NULL && condition != NULL);
	f->op.ops = &filter_ops;
	f->op.context = context;
	f->op.timer_ms = INT64_MAX;
	f->op.output = schema;
	f->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	f->condition = tr_program_state_create(condition, &context->program, context->batch_rows);
	return &f->op;
}
