/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_fork.h. What is being handed on is kept until the last branch has it, and `branch` is the next one to get it.
 */
#include "core/ops/op_fork.h"

#include <stdlib.h>

enum handing { HANDING_NOTHING, HANDING_BATCH, HANDING_WATERMARK, HANDING_STATUS, HANDING_BARRIER, HANDING_END };

struct fork {
	struct tr_op op;
	struct tr_op *ports;
	uint32_t *outputs;   /* of what stands before the fork: which one each branch reads */
	uint32_t port_count; /* added so far */
	uint32_t port_room;
	enum handing handing;
	uint32_t branch;
	const struct tr_batch *batch; /* the giver's, until it is told MORE */
	uint32_t output;              /* from which it came */
	int64_t watermark_ms;
	bool is_idle;
	uint64_t checkpoint;
};

static enum tr_flow hand(struct fork *f, struct tr_op *port)
{
	switch (f->handing) {
	case HANDING_BATCH: return tr_op_emit(port, f->batch);
	case HANDING_WATERMARK: return tr_op_emit_watermark(port, f->watermark_ms);
	case HANDING_STATUS: return tr_op_emit_status(port, f->is_idle);
	case HANDING_BARRIER: return tr_op_emit_barrier(port, f->checkpoint);
	case HANDING_END: return tr_op_emit_end(port);
	case HANDING_NOTHING: break;
	}
	TR_UNREACHABLE();
}

/** Goes on with the branches that do not have it yet. */
static enum tr_flow go_on(struct tr_op *op)
{
	struct fork *f = (struct fork *)op;

	if (f->handing == HANDING_NOTHING)
		return TR_FLOW_MORE;
	while (f->branch < f->port_count) {
		const uint32_t branch = f->branch++;
		enum tr_flow flow;

		if (f->handing == HANDING_BATCH && f->outputs[branch] != f->output)
			continue;
		flow = hand(f, &f->ports[branch]);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	f->handing = HANDING_NOTHING;
	f->batch = NULL;
	return TR_FLOW_MORE;
}

static enum tr_flow begin(struct fork *f, enum handing handing)
{
	TR_ASSERT(f->handing == HANDING_NOTHING && f->port_count == f->port_room);
	f->handing = handing;
	f->branch = 0;
	return go_on(&f->op);
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct fork *f = (struct fork *)op;

	op->metrics.rows_out += batch->selected_count;
	f->batch = batch;
	f->output = input;
	return begin(f, HANDING_BATCH);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct fork *f = (struct fork *)op;

	op->metrics.watermark_ms = watermark_ms;
	f->watermark_ms = watermark_ms;
	return begin(f, HANDING_WATERMARK);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	struct fork *f = (struct fork *)op;

	f->is_idle = is_idle;
	return begin(f, HANDING_STATUS);
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct fork *f = (struct fork *)op;

	op->metrics.checkpoint = checkpoint;
	f->checkpoint = checkpoint;
	return begin(f, HANDING_BARRIER);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input) { return begin((struct fork *)op, HANDING_END); }

static void destroy(struct tr_op *op)
{
	struct fork *f = (struct fork *)op;

	free(f->ports);
	free(f->outputs);
	free(f);
}

static const struct tr_op_ops fork_ops = {
	.name = "fork",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_status = on_status,
	.on_barrier = on_barrier,
	.on_end = on_end,
	.resume = go_on,
	.destroy = destroy,
};

/* Nothing is given to a port. */
static const struct tr_op_ops port_ops = {.name = "port"};

struct tr_op *tr_op_fork_create(struct tr_op_context *context, const struct tr_schema *schema, uint32_t branch_count)
{
	struct fork *f = calloc(1, sizeof(*f));

	TR_ASSERT(f != NULL && branch_count > 0);
	f->op.ops = &fork_ops;
	f->op.context = context;
	f->op.timer_ms = INT64_MAX;
	f->op.output = schema;
	f->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	f->port_room = branch_count;
	f->ports = calloc(branch_count, sizeof(*f->ports));
	f->outputs = calloc(branch_count, sizeof(*f->outputs));
	TR_ASSERT(f->ports != NULL && f->outputs != NULL);
	return &f->op;
}

bool tr_op_is_fork(const struct tr_op *op) { return op->ops == &fork_ops; }

void tr_op_fork_add(struct tr_op *fork, struct tr_op *first, uint32_t output)
{
	struct fork *f = (struct fork *)fork;
	struct tr_op *port;

	TR_ASSERT(tr_op_is_fork(fork) && f->port_count < f->port_room);
	f->outputs[f->port_count] = output;
	port = &f->ports[f->port_count++];
	*port = (struct tr_op){.ops = &port_ops,
			       .context = f->op.context,
			       .next = first,
			       .timer_ms = INT64_MAX,
			       .output = f->op.output,
			       .metrics.watermark_ms = TR_WATERMARK_MIN};
}
