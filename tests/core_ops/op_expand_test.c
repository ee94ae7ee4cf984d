/* SPDX-License-Identifier: Apache-2.0
 *
 * Expand against what it says: for each batch and each set, the same rows with some columns NULL; with a next operator that is
 * blocked now and then, with selections and watermark runs.
 */
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/op_expand.h"
#include "tr_test.h"

#define ROWS 20

struct catcher {
	struct tr_op op;
	struct tr_op_context *context;
	bool is_blocking;
	uint32_t batches;
	uint32_t rows;
	const struct tr_batch *source;
	const struct tr_expand_set *sets;
};

static enum tr_flow take(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct catcher *c = (struct catcher *)op;
	const struct tr_expand_set *set = &c->sets[c->batches++];

	assert_int_equal(batch->schema->column_count, 4);
	assert_int_equal(batch->selected_count, c->source->selected_count);
	assert_int_equal(batch->run_count, c->source->run_count);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		assert_int_equal(row, tr_batch_row(c->source, i));
		assert_int_equal(tr_column_i64(&batch->columns[3], row), set->id);
		for (uint32_t k = 0; k < 3; k++) {
			const bool is_null = set->is_null[k] || tr_column_is_null(&c->source->columns[k], row);

			assert_int_equal(tr_column_is_null(&batch->columns[k], row), is_null);
			if (!is_null && k != 1)
				assert_int_equal(tr_column_i64(&batch->columns[k], row),
						 tr_column_i64(&c->source->columns[k], row));
			if (!is_null && k == 1)
				assert_true(tr_view_equals(tr_column_view(&batch->columns[k], row),
							   tr_column_view(&c->source->columns[k], row)));
		}
		c->rows++;
	}
	return c->is_blocking ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static const struct tr_op_ops catcher_ops = {.name = "catcher", .on_batch = take};

static void run(bool is_blocking, bool with_selection)
{
	static const char *const names[] = {"a", "b", "x", "$e"};
	static const bool none[3] = {false, false, false}, first[3] = {true, false, false},
			  both[3] = {true, true, false};
	static const struct tr_expand_set sets[] = {{none, 0}, {first, 1}, {both, 3}, {both, ((int64_t)1 << 40) + 3}};
	const struct tr_type *types[] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_VARCHAR),
					 tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_BIGINT)};
	const struct tr_schema input = {3, names, types}, output = {4, names, types};
	struct tr_op_context context = {.batch_rows = ROWS};
	struct catcher c = {.op = {.ops = &catcher_ops}, .is_blocking = is_blocking, .sets = sets};
	struct tr_op *op = tr_op_expand_create(&context, &output, sets, TR_COUNT_OF(sets));
	struct tr_batch_buffer *b = tr_batch_buffer_create(&input, ROWS);
	enum tr_flow flow;

	op->next = &c.op;
	for (uint32_t i = 0; i < ROWS; i++) {
		((int64_t *)b->columns[0].data)[i] = i;
		((struct tr_view *)b->columns[1].data)[i] = tr_view_make("a text of some length", 10 + i % 5);
		((int64_t *)b->columns[2].data)[i] = -(int64_t)i;
		if (i % 3 == 0)
			tr_column_buffer_set_null(&b->columns[i % 2], i);
		if (i % 7 == 0)
			tr_batch_buffer_add_run(b, i, i);
	}
	tr_batch_buffer_seal(b, ROWS);
	if (with_selection) {
		for (uint32_t i = 0; i < 5; i++)
			b->selection[i] = i * 4;
		b->batch.selection = b->selection;
		b->batch.selected_count = 5;
	}
	c.source = &b->batch;
	flow = op->ops->on_batch(op, 0, &b->batch);
	while (flow == TR_FLOW_BLOCKED) {
		c.op.is_blocked = false;
		flow = op->ops->resume(op);
	}
	assert_int_equal(flow, TR_FLOW_MORE);
	assert_int_equal(c.batches, TR_COUNT_OF(sets));
	assert_int_equal(c.rows, TR_COUNT_OF(sets) * (with_selection ? 5 : ROWS));
	tr_batch_buffer_destroy(&b);
	op->ops->destroy(op);
}

static void each_row_comes_once_for_each_set(void **state)
{
	for (int i = 0; i < 4; i++)
		run(i % 2, i / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_comes_once_for_each_set)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
