/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_expand.h. The batch comes set by set; while the next operator is blocked, what was emitted last stays as it is.
 */
#include "core/ops/op_expand.h"

#include <stdlib.h>

#include "base/check.h"
#include "core/ops/kernel_pick.h"

struct expand {
	struct tr_op op;
	const struct tr_expand_set *sets;
	uint32_t set_count;
	const struct tr_batch *source; /* the batch in hand; NULL: none */
	uint32_t next_set;
	struct tr_batch batch; /* what is emitted */
	struct tr_column *columns;
	int64_t id;
	struct tr_arena arena;
	struct tr_column *nulls; /* by column: one NULL for all rows */
};

static enum tr_flow advance(struct expand *e)
{
	const uint32_t count = e->op.output->column_count - 1;

	while (e->source != NULL) {
		const struct tr_expand_set *set = &e->sets[e->next_set++];
		enum tr_flow flow;

		e->batch = *e->source;
		e->batch.schema = e->op.output;
		e->batch.columns = e->columns;
		for (uint32_t i = 0; i < count; i++)
			e->columns[i] = set->is_null[i] ? e->nulls[i] : e->source->columns[i];
		e->id = set->id;
		if (e->next_set == e->set_count)
			e->source = NULL;
		flow = tr_op_emit(&e->op, &e->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	return TR_FLOW_MORE;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct expand *e = (struct expand *)op;

	TR_ASSERT(input == 0 && e->source == NULL);
	e->source = batch;
	e->next_set = 0;
	return advance(e);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct expand *)op); }

static void destroy(struct tr_op *op)
{
	struct expand *e = (struct expand *)op;

	tr_arena_deinit(&e->arena);
	free(e->columns);
	free(e);
}

static const struct tr_op_ops expand_ops = {
	.name = "expand", .on_batch = on_batch, .resume = resume, .destroy = destroy};

struct tr_op *tr_op_expand_create(struct tr_op_context *context, const struct tr_schema *output,
				  const struct tr_expand_set *sets, uint32_t set_count)
{
	struct expand *e = tr_checked(calloc(1, sizeof(*e)));
	const uint32_t id = output->column_count - 1;

	TR_ASSERT(set_count > 0 && set_count <= TR_EXPAND_SETS_MAX);
	e->op.ops = &expand_ops;
	e->op.context = context;
	e->op.timer_ms = INT64_MAX;
	e->op.output = output;
	e->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	e->sets = sets;
	e->set_count = set_count;
	e->columns = tr_checked(calloc(output->column_count, sizeof(*e->columns)));
	tr_arena_init(&e->arena, 1024);
	e->nulls = TR_NEW_ARRAY(&e->arena, output->column_count, struct tr_column);
	for (uint32_t i = 0; i <= id; i++)
		e->nulls[i] = tr_null_column(&e->arena, output->types[i]);
	e->columns[id] = (struct tr_column){.type = output->types[id], .data = &e->id, .is_constant = true};
	return &e->op;
}
