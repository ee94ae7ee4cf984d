/* SPDX-License-Identifier: Apache-2.0
 *
 * Project: one program, one array of columns. Selection, row kinds and runs go through as they are.
 *
 * The emit is the last act of on_batch, so there is nothing to resume.
 */
#include "core/ops/op_project.h"

#include <stdlib.h>

struct project {
	struct tr_op op;
	struct tr_program_state *program;
	struct tr_column *columns;
	struct tr_batch batch; /* what is emitted; untouched while next is blocked */
};

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct project *p = (struct project *)op;

	TR_ASSERT(input == 0);
	TR_DASSERT(batch->selected_count <= batch->row_count);
	if (tr_program_run(p->program, batch, p->columns, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	p->batch = *batch;
	p->batch.schema = op->output;
	p->batch.columns = p->columns;
	return tr_op_emit(op, &p->batch);
}

static void destroy(struct tr_op *op)
{
	struct project *p = (struct project *)op;

	tr_program_state_destroy(&p->program);
	free(p->columns);
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
	p->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	p->columns = calloc(output->column_count + 1, sizeof(*p->columns));
	TR_ASSERT(p->columns != NULL);
	p->program = tr_program_state_create(program, &context->program, context->batch_rows);
	return &p->op;
}
