/* SPDX-License-Identifier: Apache-2.0
 *
 * What a snapshot of a window operator contains: as many entries as have changed, those of a given-up one once more, all
 * of them when it is compacted, nothing of windows that are out; and what its records are, for a savepoint's reader.
 */
#include "window_run.h"

/** Gives the operator rows with keys from .. to. */
static void feed_keys(struct run *r, uint32_t from, uint32_t to)
{
	struct tr_batch_buffer *b = tr_batch_buffer_create(&r->q->input, to - from);

	for (uint32_t i = from; i < to; i++) {
		struct row row = {.ts = 1000 + i % 7, .k = (int64_t)i * 1000003, .v = i};

		sprintf(row.name, "the name with the number %u", i);
		put_row(b, i - from, &row);
	}
	tr_batch_buffer_seal(b, to - from);
	deal(r, &b->batch, r->q->keys);
	tr_batch_buffer_destroy(&b);
}

/** Writes a checkpoint, whole or none of its steps; returns how many entries were written. */
static uint64_t write_checkpoint(struct run *r, uint64_t completed, uint64_t rewrite_before, bool is_whole,
				 uint64_t *base, size_t *bytes)
{
	struct task *t = &r->tasks[0];
	const struct tr_snapshot_order order = {
		.checkpoint = ++r->number, .completed = completed, .rewrite_before = rewrite_before};
	const struct tr_state_stream stream = {.subtask_count = 1};
	struct tr_status st = {0};
	uint64_t entries = 0;

	tr_block_writer_begin(&t->writer, &stream, r->number);
	assert_int_equal(t->op->ops->snapshot(t->op, &order, &t->writer.writer, base, &st), TR_OK);
	while (is_whole && t->op->ops->snapshot_step(t->op, &t->writer.writer, 5000, &st) == TR_FLOW_MORE)
		;
	*bytes = 0;
	for (const struct tr_state_block *b = t->writer.first; b != NULL; b = b->next) {
		struct tr_state_record record;
		size_t offset = 0;
		tr_code code;

		while (tr_block_next(b->bytes, b->length, &offset, &record, &code, &st)) {
			uint32_t rows;

			if (!record.is_keyed)
				continue;
			memcpy(&rows, record.bytes, 4);
			entries += rows;
			*bytes += record.length;
		}
	}
	tr_block_writer_deinit(&t->writer);
	return entries;
}

/** SUM(v) by one key, in windows of 100 s, on one subtask. */
static struct run *sum_run(struct world *w, struct query *q, enum tr_window_kind kind, uint32_t key)
{
	struct tr_agg_match match;
	struct run *r;

	make_query(w, q, kind, false);
	q->keys[0] = key;
	q->key_count = 1;
	q->agg_count = 1;
	assert_int_equal(tr_agg_resolve(&w->arena, "SUM", w->in_types[V], true, &match, NULL), TR_OK);
	q->aggs[0] = (struct tr_agg_call){
		.agg = match.agg, .type = match.type, .arg_column = V, .filter_column = -1, .text = "SUM(v)"};
	q->window.size_ms = 100000;
	q->window.step_ms = 100000;
	q->window.offset_ms = 0;
	q->types[0] = w->in_types[key];
	q->types[1] = match.type;
	q->output.column_count = 5;
	for (uint32_t c = 2; c < 5; c++)
		q->types[c] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3);
	r = run_create(w, q, false, 0, true);
	tasks_create(r, 1);
	return r;
}

/** What a checkpoint writes follows what has changed. */
static void follows_changes(void **state)
{
	for (int n = 0; n < 4; n++) {
		struct world *w = world_create(10 + (uint64_t)n);
		struct query q;
		struct run *r = sum_run(w, &q, n % 2 ? TR_WINDOW_HOP : TR_WINDOW_TUMBLE, n < 2 ? K : NAME);
		uint64_t base;
		size_t all, some;

		for (uint32_t i = 0; i < 20000; i += 2000)
			feed_keys(r, i, i + 2000);
		assert_int_equal(write_checkpoint(r, 0, 0, true, &base, &all), 20000);
		assert_int_equal(base, 1);
		feed_keys(r, 500, 537);
		assert_int_equal(write_checkpoint(r, 1, 0, true, &base, &some), 37);
		assert_int_equal(base, 1);
		assert_true(some < all * 37 / 20000 * 3 / 2 + 300);
		assert_int_equal(write_checkpoint(r, 2, 0, true, &base, &some), 0);
		feed_keys(r, 7000, 7005);
		assert_int_equal(write_checkpoint(r, 3, 0, false, &base, &some), 0); /* given up */
		feed_keys(r, 7002, 7010);
		assert_int_equal(write_checkpoint(r, 3, 0, true, &base, &some), 10);
		assert_int_equal(write_checkpoint(r, 5, 4, true, &base, &some), 20000); /* compaction */
		assert_int_equal(base, 6);
		feed_keys(r, 0, 1);
		assert_int_equal(write_checkpoint(r, 6, 0, true, &base, &some), 1);
		assert_int_equal(base, 6);
		/* A window that is out needs nothing. */
		send_watermark(r, 500000);
		assert_int_equal(write_checkpoint(r, 7, 0, true, &base, &some), 0);
		assert_int_equal(base, 8);
		run_destroy(r);
		world_destroy(w);
	}
}

/** What was saved in the order of a table is loaded into another one, again and again, in time that grows with its size. */
static void many_loaded(void **state)
{
	const uint32_t keys = 100000;
	struct world *w = world_create(1);
	struct query q;
	struct run *r = sum_run(w, &q, TR_WINDOW_TUMBLE, K);

	for (int generation = 0; generation < 4; generation++) {
		for (uint32_t i = 0; i < keys; i += 2000)
			feed_keys(r, i, i + 2000);
		checkpoint_begin(r, 0);
		for (uint32_t t = 0; t < r->task_count; t++)
			while (r->tasks[t].is_stepping)
				step_task(r, &r->tasks[t]);
		checkpoint_complete(r);
		(void)crash(r);
	}
	send_watermark(r, 500000);
	take_lines(r);
	assert_int_equal(r->lines.count, keys);
	run_destroy(r);
	world_destroy(w);
}

/** The kinds are what a savepoint shows: keys first, then the rest, by names. */
static void kinds(void **state)
{
	struct world *w = world_create(3);
	struct tr_op_context context = {.arena = &w->arena, .batch_rows = 16};
	struct tr_op *op;
	struct query q;
	uint32_t count;

	make_query(w, &q, TR_WINDOW_HOP, false);
	q.keys[0] = NAME;
	q.key_count = 1;
	struct tr_window_plan plan = {.window = q.window,
				      .keys = q.keys,
				      .key_count = 1,
				      .aggs = q.aggs,
				      .agg_count = q.agg_count,
				      .phase = TR_PHASE_SINGLE,
				      .input = &q.input,
				      .output = &q.output};

	assert_int_equal(tr_op_window_create(&plan, &context, &op, &context.status), TR_OK);
	const struct tr_state_kind *kind = op->ops->kinds(op, &count);

	assert_true(count >= 3);
	for (uint32_t i = 0; i < count; i++) {
		assert_non_null(kind[i].schema);
		if (kind[i].is_keyed) {
			assert_int_equal(kind[i].key_count, 1);
			assert_string_equal(kind[i].schema->names[0], "name");
		}
	}
	op->ops->destroy(op);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(follows_changes),
		cmocka_unit_test(many_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
