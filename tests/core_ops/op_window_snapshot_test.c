/* SPDX-License-Identifier: Apache-2.0
 *
 * What a snapshot of a window operator contains: as many entries as have changed, those of a given-up one once more, all
 * of them when it is compacted, nothing of windows that are out, nothing that came after the barrier; and what its records are,
 * for a savepoint's reader. By tables, by slices and by the general operator, with and without DISTINCT, in event time and in
 * processing time.
 */
#include "window_shape.h"

static const struct shape shapes[] = {
	{.kind = TR_WINDOW_TUMBLE, .key = K},
	{.kind = TR_WINDOW_HOP, .key = K},
	{.kind = TR_WINDOW_TUMBLE, .key = NAME},
	{.kind = TR_WINDOW_HOP, .key = NAME},
	{.kind = TR_WINDOW_TUMBLE, .key = K, .is_general = true},
	{.kind = TR_WINDOW_HOP, .key = NAME, .is_general = true},
	{.kind = TR_WINDOW_CUMULATE, .key = K, .is_general = true, .is_processing_time = true},
	{.kind = TR_WINDOW_TUMBLE, .key = NAME, .is_general = true, .is_distinct = true},
	{.kind = TR_WINDOW_CUMULATE, .key = K, .is_general = true, .is_distinct = true},
	{.kind = TR_WINDOW_HOP, .key = K, .is_general = true, .is_distinct = true, .is_processing_time = true},
};

/** What a checkpoint has written. */
struct written {
	uint64_t entries;
	uint64_t values;
	size_t bytes;
	uint64_t base;
};

/** Counts what a checkpoint's blocks hold. */
static void count_written(const struct task *t, struct written *written)
{
	struct tr_status st = {0};

	written->entries = written->values = written->bytes = 0;
	for (const struct tr_state_block *b = t->writer.first; b != NULL; b = b->next) {
		struct tr_state_record record;
		size_t offset = 0;
		tr_code code;

		while (tr_block_next(b->bytes, b->length, &offset, &record, &code, &st)) {
			uint32_t rows;

			if (!record.is_keyed)
				continue;
			memcpy(&rows, record.bytes, 4);
			*(record.kind == 3 ? &written->entries : &written->values) += rows;
			written->bytes += record.length;
		}
	}
}

/** Writes a checkpoint, whole or none of its steps. */
static struct written write_checkpoint(struct run *r, uint64_t completed, uint64_t rewrite_before, bool is_whole)
{
	struct task *t = &r->tasks[0];
	const struct tr_snapshot_order order = {
		.checkpoint = ++r->number, .completed = completed, .rewrite_before = tr_state_age(rewrite_before)};
	const struct tr_state_stream stream = {.subtask_count = 1};
	struct tr_status st = {0};
	struct written written;

	tr_block_writer_begin(&t->writer, &stream, r->number);
	assert_int_equal(t->op->ops->snapshot(t->op, &order, &t->writer.writer, &written.base, &st), TR_OK);
	while (is_whole && t->op->ops->snapshot_step(t->op, &t->writer.writer, 5000, &st) == TR_FLOW_MORE)
		;
	count_written(t, &written);
	tr_block_writer_deinit(&t->writer);
	return written;
}

static void expect(const struct shape *shape, const struct written *written, uint64_t entries, uint64_t values,
		   uint64_t base)
{
	assert_int_equal(written->entries, entries);
	assert_int_equal(written->values, shape->is_distinct ? values : 0);
	assert_int_equal(written->base, tr_state_age(base));
}

/** What a checkpoint writes follows what has changed. */
static void follows_changes(void **state)
{
	for (uint32_t n = 0; n < TR_COUNT_OF(shapes); n++) {
		const struct shape *shape = &shapes[n];
		struct world *w = world_create(10 + n);
		struct query q;
		struct run *r = shape_run(w, &q, shape);
		struct written all, some;

		feed_many(r, 20000, 0);
		all = write_checkpoint(r, 0, 0, true);
		expect(shape, &all, 20000, 20000, 1);
		feed_keys(r, 500, 537, 1);
		some = write_checkpoint(r, 1, 0, true);
		expect(shape, &some, 37, 74, 1);
		assert_true(some.bytes < all.bytes * 37 / 20000 * 5 / 2 + 300);
		some = write_checkpoint(r, 2, 0, true);
		expect(shape, &some, 0, 0, 1);
		feed_keys(r, 7000, 7005, 0);
		some = write_checkpoint(r, 3, 0, false);
		expect(shape, &some, 0, 0, 1); /* given up */
		feed_keys(r, 7002, 7010, 1);
		some = write_checkpoint(r, 3, 0, true);
		expect(shape, &some, 10, 18, 1);
		some = write_checkpoint(r, 5, 4, true);
		expect(shape, &some, 20000, 20000 + 37 + 8, 6); /* compaction */
		feed_keys(r, 0, 1, 0);
		some = write_checkpoint(r, 6, 0, true);
		expect(shape, &some, 1, 1, 6);
		/* A window that is out needs nothing. */
		fire(r);
		some = write_checkpoint(r, 7, 0, true);
		expect(shape, &some, 0, 0, 8);
		run_destroy(r);
		world_destroy(w);
	}
}

/** At the barrier itself next to nothing is written, and a step keeps about to its budget. */
static void steps_are_small(void **state)
{
	for (uint32_t n = 0; n < TR_COUNT_OF(shapes); n++) {
		struct world *w = world_create(40 + n);
		struct query q;
		struct run *r = shape_run(w, &q, &shapes[n]);
		struct task *t = &r->tasks[0];
		const struct tr_snapshot_order order = {.checkpoint = 1};
		const struct tr_state_stream stream = {.subtask_count = 1};
		struct tr_status st = {0};
		struct written before = {0}, after;
		uint32_t steps = 0;

		for (int more = 0; more < 20; more++)
			feed_keys(r, 0, 2000, more);
		tr_block_writer_begin(&t->writer, &stream, 1);
		assert_int_equal(t->op->ops->snapshot(t->op, &order, &t->writer.writer, &before.base, &st), TR_OK);
		count_written(t, &before);
		assert_int_equal(before.bytes, 0);
		for (enum tr_flow flow = TR_FLOW_MORE; flow == TR_FLOW_MORE; steps++, before = after) {
			flow = t->op->ops->snapshot_step(t->op, &t->writer.writer, 8000, &st);
			assert_true(flow != TR_FLOW_FAILED);
			count_written(t, &after);
			assert_true(after.bytes - before.bytes < 8000 + 3 * TR_STATE_RECORD_BYTES);
		}
		assert_int_equal(before.entries, 2000);
		if (shapes[n].is_distinct) {
			assert_int_equal(before.values, 40000);
			assert_true(steps > 4);
		}
		run_destroy(r);
		world_destroy(w);
	}
}

/** Results by key number modulo `kinds`; those of each kind must be `want`. */
static void check_results(const struct run *r, const int64_t *want, uint32_t kinds)
{
	for (size_t i = 0; i < r->lines.count; i++) {
		const char *line = r->lines.lines[i], *digits = strpbrk(line, "-0123456789");
		const char *value = strchr(line, '|');
		const int64_t key = strtoll(digits, NULL, 10);

		assert_non_null(value);
		assert_int_equal(strtoll(value + 1, NULL, 10), want[(r->q->keys[0] == K ? key / 1000003 : key) % kinds]);
	}
}

/** Rows that come between a barrier and the writing of their entries are not in the checkpoint, whatever becomes of the window. */
static void overtaken(void **state)
{
	for (uint32_t n = 0; n < 2 * TR_COUNT_OF(shapes); n++) {
		const struct shape *shape = &shapes[n / 2];
		const bool fires_first = n % 2;
		const int64_t before[2] = {1, 1}, after[2] = {2, 1};
		struct world *w = world_create(70 + n);
		struct query q;
		struct run *r = shape_run(w, &q, shape);
		struct task *t = &r->tasks[0];

		if (!shape->is_distinct) { /* SUM(v) differs from key to key */
			run_destroy(r);
			world_destroy(w);
			continue;
		}
		feed_many(r, 10000, 0);
		checkpoint_begin(r, 0);
		t->is_stepping = t->op->ops->snapshot_step(t->op, &t->writer.writer, 20000, &(struct tr_status){0}) ==
				 TR_FLOW_MORE;
		assert_true(t->is_stepping);
		for (uint32_t i = 0; i < 10000; i += 2) /* every other key sees another value */
			feed_keys(r, i, i + 1, 7);
		feed_keys(r, 20000, 22000, 0);
		if (fires_first)
			fire(r);
		while (t->is_stepping)
			step_task(r, t);
		checkpoint_complete(r);
		if (!fires_first)
			fire(r);
		take_lines(r);
		assert_int_equal(r->lines.count, 12000);
		(void)crash(r);
		assert_int_equal(r->lines.count, 0);
		fire(r);
		take_lines(r);
		assert_int_equal(r->lines.count, 10000);
		check_results(r, before, 2);
		(void)crash(r);
		for (uint32_t i = 0; i < 10000; i += 2)
			feed_keys(r, i, i + 1, 7);
		fire(r);
		take_lines(r);
		assert_int_equal(r->lines.count, 10000);
		check_results(r, after, 2);
		run_destroy(r);
		world_destroy(w);
	}
}

/** What was saved in the order of a table is loaded into another one, again and again, in time that grows with its size. */
static void many_loaded(void **state)
{
	const uint32_t keys = 100000;

	for (uint32_t n = 0; n < TR_COUNT_OF(shapes); n += 2) {
		struct world *w = world_create(1);
		struct query q;
		struct run *r = shape_run(w, &q, &shapes[n]);

		for (int generation = 0; generation < 4; generation++) {
			feed_many(r, keys, 0);
			checkpoint_begin(r, 0);
			for (uint32_t t = 0; t < r->task_count; t++)
				while (r->tasks[t].is_stepping)
					step_task(r, &r->tasks[t]);
			checkpoint_complete(r);
			(void)crash(r);
			set_clock(r, 1000);
		}
		fire(r);
		take_lines(r);
		assert_int_equal(r->lines.count, keys);
		run_destroy(r);
		world_destroy(w);
	}
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
		cmocka_unit_test(kinds),     cmocka_unit_test(follows_changes), cmocka_unit_test(steps_are_small),
		cmocka_unit_test(overtaken), cmocka_unit_test(many_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
