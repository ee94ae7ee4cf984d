/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of an operator without state: batches go through it into a sink that renders each row as a line and answers BLOCKED now
 * and then. A model says which lines are wanted; they must come in this order. One operator at a time; include it in one .c file.
 */
#ifndef TR_TESTS_LINE_SINK_H
#define TR_TESTS_LINE_SINK_H

#include "base/column_buffer.h"
#include "core/chain.h"
#include "tr_test.h"

#define LINES_MAX 200000
#define LINE_BYTES 256

/** Writes row `row` to `line`, which has LINE_BYTES. */
typedef void (*line_put_fn)(char *line, const struct tr_batch *batch, uint32_t row);

static struct line_sink {
	struct tr_op op;
	struct tr_chain chain; /* the operator under test, and the sink */
	line_put_fn put;
	uint64_t seed;
	char *lines[LINES_MAX];
	size_t count;
	char *wanted[LINES_MAX];
	size_t wanted_count;
} line_sink;

static enum tr_flow line_sink_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		char line[LINE_BYTES] = "";

		line_sink.put(line, batch, tr_batch_row(batch, i));
		assert_true(line_sink.count < LINES_MAX);
		line_sink.lines[line_sink.count++] = strdup(line);
	}
	return tr_test_below(&line_sink.seed, 3) == 0 ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

/** A line that the rest of the operator's output must begin with. */
static inline void line_sink_want(const char *line)
{
	assert_true(line_sink.wanted_count < LINES_MAX);
	line_sink.wanted[line_sink.wanted_count++] = strdup(line);
}

/** Puts the sink behind `op`, which it owns until line_sink_end. */
static inline void line_sink_begin(struct tr_op *op, struct tr_op_context *context, uint64_t seed, line_put_fn put)
{
	static const struct tr_op_ops ops = {.name = "sink", .on_batch = line_sink_batch};

	line_sink.op = (struct tr_op){.ops = &ops, .context = context, .timer_ms = INT64_MAX};
	line_sink.chain = (struct tr_chain){0};
	line_sink.put = put;
	line_sink.seed = seed;
	line_sink.count = line_sink.wanted_count = 0;
	tr_chain_append(&line_sink.chain, op);
	tr_chain_append(&line_sink.chain, &line_sink.op);
}

/** Seals a buffer of `rows`, of which buffer->selection has `selected` if `has_selection`, and sends it through. */
static inline void line_sink_feed(struct tr_batch_buffer *buffer, uint32_t rows, bool has_selection, uint32_t selected)
{
	struct tr_op *op = line_sink.chain.ops[0];
	enum tr_flow flow;

	tr_batch_buffer_seal(buffer, rows);
	if (has_selection) {
		buffer->batch.selection = buffer->selection;
		buffer->batch.selected_count = selected;
	}
	flow = op->ops->on_batch(op, 0, &buffer->batch);
	op->is_blocked = flow == TR_FLOW_BLOCKED;
	while (flow == TR_FLOW_BLOCKED)
		flow = tr_chain_resume(&line_sink.chain);
	assert_int_equal(flow, TR_FLOW_MORE);
}

/** What came is what was wanted, in order, too. Destroys the operator. */
static inline void line_sink_end(void)
{
	struct tr_op *op = line_sink.chain.ops[0];

	assert_int_equal(line_sink.count, line_sink.wanted_count);
	for (size_t i = 0; i < line_sink.count; i++) {
		assert_string_equal(line_sink.lines[i], line_sink.wanted[i]);
		free(line_sink.lines[i]);
		free(line_sink.wanted[i]);
	}
	op->ops->destroy(op);
}

#endif
