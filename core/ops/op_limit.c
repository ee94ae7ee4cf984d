/* SPDX-License-Identifier: Apache-2.0
 *
 * Limit: the first rows that come; see op_sort.h. What comes after them is swallowed.
 */
#include <stdlib.h>

#include "core/ops/op_sort.h"

struct limit_op {
	struct tr_op op;
	uint64_t skip_left, rows_left;
	struct tr_enough *enough;
	struct tr_batch part; /* what is emitted; untouched while next is blocked */
	uint32_t *selection;
	uint32_t capacity;
};

/** Relaxed: nobody reads anything that depends on it; a source that sees it late only reads more. */
static void tell_enough(struct limit_op *l)
{
	if (l->enough != NULL)
		atomic_store_explicit(&l->enough->is_reached, true, memory_order_relaxed);
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct limit_op *l = (struct limit_op *)op;
	const uint32_t skip = (uint32_t)TR_MIN(l->skip_left, batch->selected_count);
	const uint32_t count = (uint32_t)TR_MIN(l->rows_left, batch->selected_count - skip);

	l->skip_left -= skip;
	l->rows_left -= count;
	if (l->rows_left == 0)
		tell_enough(l);
	if (count == batch->selected_count)
		return tr_op_emit(op, batch);
	if (count > l->capacity) {
		l->capacity = count;
		l->selection = tr_checked(realloc(l->selection, count * sizeof(*l->selection)));
	}
	for (uint32_t i = 0; i < count; i++)
		l->selection[i] = tr_batch_row(batch, skip + i);
	l->part = *batch;
	l->part.selection = l->selection;
	l->part.selected_count = count;
	return tr_op_emit(op, &l->part);
}

static void destroy(struct tr_op *op)
{
	free(((struct limit_op *)op)->selection);
	free(op);
}

static const struct tr_op_ops ops = {.name = "limit", .on_batch = on_batch, .destroy = destroy};

struct tr_op *tr_op_limit_create(const struct tr_sort_spec *spec, const struct tr_schema *schema,
				 struct tr_enough *enough, struct tr_op_context *context)
{
	struct limit_op *l = tr_checked(calloc(1, sizeof(*l)));

	l->op.ops = &ops;
	l->op.context = context;
	l->op.output = schema;
	l->op.timer_ms = INT64_MAX;
	l->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	l->skip_left = spec->offset;
	l->rows_left = spec->limit;
	l->enough = enough;
	if (spec->limit == 0)
		tell_enough(l);
	return &l->op;
}
