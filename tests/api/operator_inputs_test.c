/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator with several inputs of different columns (core/operator.h): each row comes with the number of its input and in its columns,
 * control elements come once, as those of input 0, whatever the numbers of subtasks; keyed, rows of both inputs with one key meet.
 */
#include "api_test.h"

#include "api/env.h"

struct both {
	struct tr_op op;
	struct tr_collector out;
	struct tr_run_gate gate;
	int64_t seen[2][64]; /* rows of each input by key */
	int64_t watermark_ms;
};

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct both *b = (struct both *)op;

	assert_in_range(input, 0, 1);
	assert_int_equal(batch->schema->column_count, input == 0 ? 2 : 1);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		b->seen[input][tr_row_i64(&row, input == 0 ? 1 : 0)]++;
	}
	return TR_FLOW_MORE;
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	assert_int_equal(input, 0);
	assert_true(watermark_ms > ((struct both *)op)->watermark_ms);
	((struct both *)op)->watermark_ms = watermark_ms;
	return tr_op_emit_watermark(op, watermark_ms);
}

/* The end: a row for each key, with how many there were of each input. */
static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct both *b = (struct both *)op;
	const void *before = tr_run_enter(b);

	assert_int_equal(input, 0);
	assert_int_equal(b->watermark_ms, TR_WATERMARK_MAX);
	for (int64_t k = 0; k < 64; k++) {
		if (b->seen[0][k] + b->seen[1][k] == 0)
			continue;
		tr_collector_set_i64(&b->out, 0, k);
		tr_collector_set_i64(&b->out, 1, b->seen[0][k]);
		tr_collector_set_i64(&b->out, 2, b->seen[1][k]);
		tr_collector_add(&b->out);
	}
	tr_run_leave(before);
	assert_int_equal(tr_run_collector_drain(&b->out, true), TR_FLOW_MORE); /* there is credit for a packet */
	return tr_op_emit_end(op);
}

static void destroy(struct tr_op *op)
{
	tr_run_collector_deinit(&((struct both *)op)->out);
	free(op);
}

static const struct tr_op_ops ops = {
	.name = "both", .on_batch = on_batch, .on_watermark = on_watermark, .on_end = on_end, .destroy = destroy};

static tr_code create(const struct tr_operator *self, struct tr_op_context *context,
		      const struct tr_schema *const *inputs, const struct tr_schema *output, struct tr_op **op,
		      struct tr_status *st)
{
	struct both *b = calloc(1, sizeof(*b));

	assert_int_equal(inputs[0]->column_count, 2);
	assert_int_equal(inputs[1]->column_count, 1);
	b->op.ops = &ops;
	b->op.context = context;
	b->op.timer_ms = INT64_MAX;
	b->op.output = output;
	b->op.metrics.watermark_ms = b->watermark_ms = TR_WATERMARK_MIN;
	tr_run_collector_init(&b->out, &b->op, &b->gate, b, "both", output, context->batch_rows);
	*op = &b->op;
	return TR_OK;
}

static void test_inputs(void **state)
{
	static int64_t rows[500][3];
	static const uint32_t left_keys[] = {1}, right_keys[] = {0};
	static const struct tr_key_columns keys[2] = {{left_keys, 1}, {right_keys, 1}};
	static const struct tr_operator op = {.word = "both", .title = "Both", .create = create};
	char expected[2000] = "";

	for (int64_t i = 0; i < 500; i++) {
		rows[i][0] = i % 20;
		rows[i][1] = i;
		rows[i][2] = i * 10;
	}
	/* The left input has all rows, the right one those with v < 100. */
	for (int64_t k = 0; k < 20; k++)
		sprintf(expected + strlen(expected), "%lld,25,5\n", (long long)k);
	for (int p = 1; p <= 3; p++) {
		struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[p - 1]);
		struct tr_owned_batch *owned = api_rows((const int64_t(*)[3])rows, 500);
		const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};
		struct tr_stream *source, *left, *right;
		const struct tr_node *inputs[2];
		struct tr_collected *out;
		struct tr_node *node;
		char *text;

		tr_env_set(env, "engine.batch-rows", "64");
		source = tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
		left = tr_stream_select(source, "v, k");
		right = tr_stream_select(tr_stream_where(source, "v < 100"), "k");
		inputs[0] = left->relation->node;
		inputs[1] = right->relation->node;
		node = tr_plan_node(env->arena, TR_NODE_OPERATOR, inputs, 2);
		node->output = tr_embed_schema(&env->embed, "both", "k BIGINT, a BIGINT, b BIGINT");
		node->custom.op = &op;
		node->custom.keys = keys;
		out = tr_stream_collect(
			tr_stream_new(env, "both", tr_embed_relation(&env->embed, node, -1, true), node));
		assert_non_null(
			strstr(tr_env_explain(env, false, NULL), "Both(keyBy=[k], andBy=[k], fields=[k, a, b])"));
		api_run(env);
		text = api_text(out, false);
		free(text);
		if (p == 1) { /* in the order of keys as numbers */
			text = api_text(out, true);
			assert_string_equal(text, expected);
			free(text);
		} else {
			uint32_t count = 0;

			text = api_text(out, false);
			for (const char *at = text; (at = strstr(at, ",25,5\n")) != NULL; at++)
				count++;
			assert_int_equal(count, 20);
			assert_int_equal(strlen(text), strlen(expected));
			free(text);
		}
		tr_env_destroy(&env);
		tr_owned_batch_release(&owned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_inputs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
