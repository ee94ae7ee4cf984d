/* SPDX-License-Identifier: Apache-2.0
 *
 * Project: one program, one array of columns. Row kinds and runs go through as they are, and so does the selection, unless
 * the program has a condition: then it yields a shorter one.
 *
 * The emit is the last act of on_batch, so there is nothing to resume.
 */
#include "core/ops/op_project.h"

#include <stdlib.h>

struct project {
	struct tr_op op;
	struct tr_program_state *program;
	struct tr_column *columns;
	bool has_condition;  /* of the program */
	uint32_t *selection; /* with one */
	uint32_t capacity;
	struct tr_batch batch; /* what is emitted; untouched while next is blocked */
};

static tr_code run_where(struct project *p, const struct tr_batch *batch)
{
	uint32_t count = 0;

	if (batch->row_count > p->capacity) {
		p->capacity = batch->row_count;
		free(p->selection);
		p->selection = calloc(p->capacity, sizeof(*p->selection));
		TR_ASSERT(p->selection != NULL);
	}
	TR_TRY(tr_program_run_where(p->program, batch, p->columns, p->selection, &count, &p->op.context->status));
	TR_ASSERT(count <= batch->selected_count);
	if (count < batch->selected_count) {
		p->batch.selection = p->selection;
		p->batch.selected_count = count;
	}
	return TR_OK;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct project *p = (struct project *)op;

	TR_ASSERT(input == 0);
	TR_DASSERT(batch->selected_count <= batch->row_count);
	p->batch = *batch;
	if (p->has_condition) {
		if (run_where(p, batch) != TR_OK)
			return TR_FLOW_FAILED;
	} else if (tr_program_run(p->program, batch, p->columns, &op->context->status) != TR_OK) {
		return TR_FLOW_FAILED;
	}
	p->batch.schema = op->output;
	p->batch.columns = p->columns;
	return tr_op_emit(op, &p->batch);
}

static void destroy(struct tr_op *op)
{
	struct project *p = (struct project *)op;

	tr_program_state_destroy(&p->program);
	free(p->columns);
	free(p->selection);
	free(p);
}

static const struct tr_op_ops project_ops = {.name = "project", .on_batch = on_batch, .destroy = destroy};

struct tr_op *tr_op_project_create(struct tr_op_context *context, const struct tr_schema *output,
				   const struct tr_program *program)
{
	struct project *p = calloc(1, sizeof(*p));

	TR_ASSERT(p != NULL && program != NULL && output != NULL);
	p->op.ops = &project_ops;
	p->op.context = context;
	p->op.timer_ms = INT64_MAX;
	p->op.output = output;
	p->has_condition = tr_program_has_condition(program);
	p->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	p->columns = calloc(output->column_count + 1, sizeof(*p->columns));
	TR_ASSERT(p->columns != NULL);
	p->program = tr_program_state_create(program, &context->program, context->batch_rows);
	return &p->op;
}
