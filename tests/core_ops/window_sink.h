/* SPDX-License-Identifier: Apache-2.0
 *
 * The sink behind a window operator under test: it may answer BLOCKED, and keeps what it gets as lines (window_model.h). As
 * the tail of a LOCAL's chain it is a bridge to the GLOBAL instead, which gets the least watermark of all LOCALs.
 */
#ifndef TR_TESTS_WINDOW_SINK_H
#define TR_TESTS_WINDOW_SINK_H

#include "core/chain.h"
#include "window_model.h"

#define LOCALS_MAX 4

struct sink {
	struct tr_op op;
	uint64_t *seed;
	bool blocks;
	bool is_silent; /* reads what it gets, and keeps no lines: texts may be of any length */
	const struct tr_batch *parked;
	int64_t parked_watermark;
	bool has_watermark;
	struct text_list lines;
	int64_t watermark;
	bool is_ended;
	/* As a bridge from a LOCAL to the GLOBAL: */
	struct two_phase *two;
	uint32_t number;
};

struct two_phase {
	struct tr_op *global;
	struct tr_chain chain;
	int64_t watermarks[LOCALS_MAX];
	uint32_t local_count;
	int64_t merged;
};

static inline void push_global_watermark(struct two_phase *two)
{
	int64_t least = INT64_MAX;

	for (uint32_t i = 0; i < two->local_count; i++)
		least = TR_MIN(least, two->watermarks[i]);
	if (least <= two->merged)
		return;
	two->merged = least;
	enum tr_flow flow = two->global->ops->on_watermark(two->global, 0, least);

	while (flow == TR_FLOW_BLOCKED) {
		two->global->is_blocked = true;
		flow = tr_chain_resume(&two->chain);
	}
	assert_int_equal(flow, TR_FLOW_MORE);
}

static inline void sink_take(struct sink *s, const struct tr_batch *batch)
{
	if (s->two != NULL) {
		s->two->global->metrics.rows_in += batch->selected_count;
		assert_int_equal(s->two->global->ops->on_batch(s->two->global, 0, batch), TR_FLOW_MORE);
		return;
	}
	for (uint32_t i = 0; i < batch->selected_count && !s->is_silent; i++) {
		char line[2048] = "";
		const uint32_t columns = batch->schema->column_count;

		for (uint32_t c = 0; c < columns; c++) {
			if (c + 1 == columns && batch->schema->types[c]->id == TR_TYPE_TIMESTAMP_LTZ)
				put_i128(end_of(line), -1);
			else
				put_cell(line, &batch->columns[c], tr_batch_row(batch, i));
		}
		list_add(&s->lines, line);
	}
}

static inline enum tr_flow sink_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sink *s = (struct sink *)op;

	assert_null(s->parked);
	assert_true(batch->row_count <= op->context->batch_rows);
	if (s->blocks && tr_test_below(s->seed, 2)) {
		s->parked = batch; /* read only when resumed: it must still be the same then */
		return TR_FLOW_BLOCKED;
	}
	sink_take(s, batch);
	return TR_FLOW_MORE;
}

static inline void sink_watermark_now(struct sink *s, int64_t watermark)
{
	assert_true(watermark > s->watermark);
	s->watermark = watermark;
	if (s->two != NULL) {
		s->two->watermarks[s->number] = watermark;
		push_global_watermark(s->two);
	}
}

static inline enum tr_flow sink_watermark(struct tr_op *op, uint32_t input, int64_t watermark)
{
	struct sink *s = (struct sink *)op;

	if (s->blocks && tr_test_below(s->seed, 2)) {
		s->has_watermark = true;
		s->parked_watermark = watermark;
		return TR_FLOW_BLOCKED;
	}
	sink_watermark_now(s, watermark);
	return TR_FLOW_MORE;
}

static inline enum tr_flow sink_resume(struct tr_op *op)
{
	struct sink *s = (struct sink *)op;

	if (tr_test_below(s->seed, 3) == 0)
		return TR_FLOW_BLOCKED;
	if (s->parked != NULL)
		sink_take(s, s->parked);
	s->parked = NULL;
	if (s->has_watermark)
		sink_watermark_now(s, s->parked_watermark);
	s->has_watermark = false;
	return TR_FLOW_MORE;
}

static inline enum tr_flow sink_end(struct tr_op *op, uint32_t input)
{
	((struct sink *)op)->is_ended = true;
	return TR_FLOW_MORE;
}

static inline void sink_destroy(struct tr_op *op)
{
	list_free(&((struct sink *)op)->lines);
	free(op);
}

static const struct tr_op_ops sink_ops = {
	.name = "sink",
	.on_batch = sink_batch,
	.on_watermark = sink_watermark,
	.on_end = sink_end,
	.resume = sink_resume,
	.destroy = sink_destroy,
};

static inline struct sink *sink_create(struct world *w, struct tr_op_context *context, bool blocks)
{
	struct sink *s = calloc(1, sizeof(*s));

	s->op.ops = &sink_ops;
	s->op.context = context;
	s->op.timer_ms = INT64_MAX;
	s->seed = &w->seed;
	s->blocks = blocks;
	s->watermark = TR_WATERMARK_MIN;
	return s;
}

static inline void settle(struct tr_chain *chain, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		chain->ops[0]->is_blocked = true;
		flow = tr_chain_resume(chain);
	}
	if (flow == TR_FLOW_FAILED)
		print_message("%s\n", chain->ops[0]->context->status.message);
	assert_int_equal(flow, TR_FLOW_MORE);
}

#endif
