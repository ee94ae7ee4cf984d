/* SPDX-License-Identifier: Apache-2.0
 *
 * The local phase with many keys: what it keeps, when it makes room, and when it steps aside. Whatever it does, the
 * partials that leave it must add up to the rows that came, by key and slice; and they must have left before a watermark
 * that fires their window, a barrier, or the status "idle". With one key (a table of groups) and with two (slots).
 */
#include "tr_test.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/chain.h"
#include "core/ops/op_window.h"

#define SLICES 5
#define KEYS_MAX 400000
#define SLICE_MS 1000
#define BATCH_ROWS 1000

enum { TS, K, OTHER, V, COLUMNS };

struct totals {
	uint64_t rows[SLICES][KEYS_MAX];
	int64_t sums[SLICES][KEYS_MAX];
};

struct sink {
	struct tr_op op;
	uint64_t seed;
	uint32_t key_count;
	struct totals *totals;
	uint64_t partials;
	uint64_t by_slice[SLICES];
	uint64_t before_control; /* partials when the last watermark, status or barrier came */
};

struct world {
	struct tr_arena arena;
	uint64_t seed;
	struct tr_schema input;
	const struct tr_type *types[COLUMNS];
	uint32_t keys[2];
	struct tr_agg_call aggs[2];
	struct tr_window_plan plan;
	struct tr_op_context context;
	struct tr_chain chain;
	struct sink *sink;
	struct totals *want, *got;
	struct tr_batch_buffer *batch;
	uint32_t batch_count;
};

static const char *const names[COLUMNS] = {"ts", "k", "other", "v"};

/* -- behind the operator -- */

static enum tr_flow sink_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sink *s = (struct sink *)op;
	const struct tr_column *sums = &batch->columns[s->key_count];
	const struct tr_column *starts = &batch->columns[batch->schema->column_count - 3];
	const struct tr_column *ends = starts + 1, *rows = starts + 2;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const int64_t key = tr_column_i64(&batch->columns[0], row), start = tr_column_i64(starts, row);
		const int64_t slice = start / SLICE_MS;

		assert_true(key >= 0 && key < KEYS_MAX && slice >= 0 && slice < SLICES);
		assert_true(start % SLICE_MS == 0 && tr_column_i64(ends, row) == start + SLICE_MS);
		if (s->key_count == 2)
			assert_int_equal(tr_column_i64(&batch->columns[1], row), key % 3);
		s->totals->rows[slice][key] += (uint64_t)tr_column_i64(rows, row);
		s->totals->sums[slice][key] += tr_column_i64(sums, row);
		s->by_slice[slice]++;
	}
	s->partials += batch->selected_count;
	return tr_test_below(&s->seed, 4) == 0 ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static enum tr_flow sink_watermark(struct tr_op *op, uint32_t input, int64_t watermark)
{
	((struct sink *)op)->before_control = ((struct sink *)op)->partials;
	return TR_FLOW_MORE;
}

static enum tr_flow sink_status(struct tr_op *op, uint32_t input, bool is_idle) { return sink_watermark(op, input, 0); }

static enum tr_flow sink_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	return sink_watermark(op, input, 0);
}

static enum tr_flow sink_end(struct tr_op *op, uint32_t input) { return TR_FLOW_MORE; }

static void sink_destroy(struct tr_op *op) { free(op); }

static const struct tr_op_ops sink_ops = {
	.name = "sink",
	.on_batch = sink_batch,
	.on_watermark = sink_watermark,
	.on_status = sink_status,
	.on_barrier = sink_barrier,
	.on_end = sink_end,
	.destroy = sink_destroy,
};

/* -- before it -- */

static struct world *world_create(uint32_t key_count, uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));
	struct tr_op *op;

	w->seed = seed;
	w->want = calloc(1, sizeof(*w->want));
	w->got = calloc(1, sizeof(*w->got));
	tr_arena_init(&w->arena, 0);
	w->types[TS] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3);
	w->types[K] = w->types[OTHER] = w->types[V] = tr_type_of(TR_TYPE_BIGINT);
	w->input = (struct tr_schema){.column_count = COLUMNS, .names = names, .types = w->types};
	w->keys[0] = K;
	w->keys[1] = OTHER;
	for (uint32_t a = 0; a < 2; a++) {
		struct tr_agg_match match;

		assert_int_equal(tr_agg_resolve(&w->arena, a == 0 ? "COUNT" : "SUM", a == 0 ? NULL : w->types[V], true,
						&match, &w->context.status),
				 TR_OK);
		w->aggs[a] = (struct tr_agg_call){.agg = match.agg,
						  .type = match.type,
						  .arg_column = a == 0 ? -1 : V,
						  .filter_column = -1,
						  .text = a == 0 ? "COUNT(*)" : "SUM(v)"};
	}
	w->plan = (struct tr_window_plan){.window = {.kind = TR_WINDOW_TUMBLE,
						     .size_ms = SLICE_MS,
						     .step_ms = SLICE_MS,
						     .time_zone = "UTC",
						     .time_column = TS},
					  .keys = w->keys,
					  .key_count = key_count,
					  .aggs = w->aggs,
					  .agg_count = 2,
					  .phase = TR_PHASE_LOCAL,
					  .input = &w->input};
	w->context.arena = &w->arena;
	w->context.batch_rows = BATCH_ROWS;
	assert_int_equal(tr_window_local_schema(&w->arena, &w->plan, &w->plan.output, &w->context.status), TR_OK);
	assert_int_equal(tr_op_window_create(&w->plan, &w->context, &op, &w->context.status), TR_OK);
	w->sink = calloc(1, sizeof(*w->sink));
	w->sink->op.ops = &sink_ops;
	w->sink->op.context = &w->context;
	w->sink->op.timer_ms = INT64_MAX;
	w->sink->seed = seed;
	w->sink->key_count = key_count;
	w->sink->totals = w->got;
	tr_chain_append(&w->chain, op);
	tr_chain_append(&w->chain, &w->sink->op);
	w->batch = tr_batch_buffer_create(&w->input, BATCH_ROWS);
	return w;
}

static void settle(struct world *w, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		w->chain.ops[0]->is_blocked = true;
		flow = tr_chain_resume(&w->chain);
	}
	assert_int_equal(flow, TR_FLOW_MORE);
}

static void push(struct world *w)
{
	if (w->batch_count == 0)
		return;
	tr_batch_buffer_seal(w->batch, w->batch_count);
	settle(w, w->chain.ops[0]->ops->on_batch(w->chain.ops[0], 0, &w->batch->batch));
	tr_batch_buffer_clear(w->batch);
	w->batch_count = 0;
}

static void put(struct world *w, uint32_t slice, uint32_t key)
{
	const uint32_t at = w->batch_count++;
	const int64_t value = (int64_t)tr_test_below(&w->seed, 1000) - 500;

	((int64_t *)w->batch->columns[TS].data)[at] = (int64_t)slice * SLICE_MS + tr_test_below(&w->seed, SLICE_MS);
	((int64_t *)w->batch->columns[K].data)[at] = key;
	((int64_t *)w->batch->columns[OTHER].data)[at] = key % 3;
	((int64_t *)w->batch->columns[V].data)[at] = value;
	w->want->rows[slice][key]++;
	w->want->sums[slice][key] += value;
	if (w->batch_count == BATCH_ROWS)
		push(w);
}

/** So many rows in a slice, at random keys. */
static void put_random(struct world *w, uint32_t slice, uint32_t keys, uint32_t rows)
{
	for (uint32_t i = 0; i < rows; i++)
		put(w, slice, tr_test_below(&w->seed, keys));
	push(w);
}

/** Each of `keys` keys `times` times in a slice, in an order that goes through all before it repeats one. */
static void put_in_turn(struct world *w, uint32_t slice, uint32_t keys, uint32_t times)
{
	for (uint32_t i = 0; i < keys * times; i++)
		put(w, slice, (uint32_t)((uint64_t)i * 7368787 % keys));
	push(w);
}

static void watermark(struct world *w, int64_t ms)
{
	settle(w, w->chain.ops[0]->ops->on_watermark(w->chain.ops[0], 0, ms));
	assert_int_equal(w->sink->before_control, w->sink->partials);
}

/** The end: all must be out, and right. */
static void finish(struct world *w)
{
	push(w);
	watermark(w, TR_WATERMARK_MAX);
	assert_memory_equal(w->want->rows, w->got->rows, sizeof(w->want->rows));
	assert_memory_equal(w->want->sums, w->got->sums, sizeof(w->want->sums));
	settle(w, w->chain.ops[0]->ops->on_end(w->chain.ops[0], 0));
	assert_int_equal(w->chain.ops[0]->metrics.rows_late, 0);
	tr_chain_deinit(&w->chain);
	tr_batch_buffer_destroy(&w->batch);
	tr_arena_deinit(&w->arena);
	free(w->want);
	free(w->got);
	free(w);
}

/* -- cases -- */

static void keys_that_repeat_are_kept(void **state)
{
	for (uint32_t key_count = 1; key_count <= 2; key_count++) {
		struct world *w = world_create(key_count, 1);

		for (uint32_t slice = 0; slice < 3; slice++) {
			const uint64_t before = w->sink->partials;

			put_in_turn(w, slice, 20000, 1);
			put_random(w, slice, 50000, 500000); /* as good as all */
			assert_int_equal(w->sink->partials, before);
			watermark(w, (int64_t)(slice + 1) * SLICE_MS - 2); /* not yet */
			assert_int_equal(w->sink->partials, before);
			watermark(w, (int64_t)(slice + 1) * SLICE_MS - 1);
			assert_in_range(w->sink->partials - before, 49000, 50000);
		}
		finish(w);
	}
	(void)state;
}

/** Nothing is gained: rows go through, all but those of tries. */
static void keys_that_are_all_different_go_through(void **state)
{
	for (uint32_t key_count = 1; key_count <= 2; key_count++) {
		struct world *w = world_create(key_count, 2);

		put_in_turn(w, 0, KEYS_MAX, 1);
		assert_int_equal(w->sink->partials, KEYS_MAX);
		watermark(w, SLICE_MS - 1);
		assert_int_equal(w->sink->partials, KEYS_MAX);
		finish(w);
	}
	(void)state;
}

/** Keys that come in turn look like those at first. Sooner or later there is room for all. */
static void keys_that_come_in_turn_are_found_out(void **state)
{
	const uint32_t times = (uint32_t)(TR_MAX(tr_test_cases(100), 90));
	struct world *w = world_create(1, 3);
	uint64_t late;

	put_in_turn(w, 0, 50000, times);
	late = w->sink->partials;
	assert_true(late > 0 && late < 50000ull * 50);
	put_in_turn(w, 0, 50000, 10);
	assert_int_equal(w->sink->partials, late);
	finish(w);
	(void)state;
}

static void several_slices_at_once(void **state)
{
	for (uint32_t key_count = 1; key_count <= 2; key_count++) {
		struct world *w = world_create(key_count, 3);

		for (uint32_t i = 0; i < 300000; i++)
			put(w, tr_test_below(&w->seed, SLICES), tr_test_below(&w->seed, 5000));
		push(w);
		assert_int_equal(w->sink->partials, 0);
		watermark(w, 2 * SLICE_MS - 1);
		assert_int_equal(w->sink->partials, 10000);
		assert_int_equal(w->sink->by_slice[0] + w->sink->by_slice[1], 10000);
		finish(w);
	}
	(void)state;
}

/** When there is no room for two slices, the earlier one goes, and the keys of the later one are kept. */
static void the_latest_slice_stays(void **state)
{
	struct world *w = world_create(1, 4);

	put_random(w, 0, 100000, 500000);
	assert_int_equal(w->sink->partials, 0);
	put_random(w, 1, 100000, 500000);
	assert_in_range(w->sink->partials, 98000, 100000);
	assert_int_equal(w->sink->by_slice[0], w->sink->partials);
	put_random(w, 0, 100, 1000); /* stragglers */
	finish(w);
	(void)state;
}

/** There is a limit, whatever the keys are. */
static void room_is_limited(void **state)
{
	for (uint32_t key_count = 1; key_count <= 2; key_count++) {
		struct world *w = world_create(key_count, 5);

		for (uint32_t round = 0; round < 4; round++) /* each key four times in a row: it looks worth while */
			for (uint32_t i = 0; i < KEYS_MAX; i++)
				put(w, 0, (i / 4 + round * KEYS_MAX / 4) % KEYS_MAX);
		push(w);
		assert_true(w->sink->partials > KEYS_MAX / 4);
		assert_true(w->sink->partials <= KEYS_MAX);
		finish(w);
	}
	(void)state;
}

static void nothing_stays_behind(void **state)
{
	for (uint32_t key_count = 1; key_count <= 2; key_count++) {
		struct world *w = world_create(key_count, 6);
		struct tr_op *op = w->chain.ops[0];

		put_in_turn(w, 0, 100, 3);
		settle(w, op->ops->on_status(op, 0, true));
		assert_int_equal(w->sink->before_control, 100);
		settle(w, op->ops->on_status(op, 0, false));
		put_in_turn(w, 0, 100, 3);
		assert_int_equal(w->sink->partials, 100);
		settle(w, op->ops->on_barrier(op, 0, 1));
		assert_int_equal(w->sink->before_control, 200);
		put_in_turn(w, 0, 100, 3);
		settle(w, tr_chain_flush(&w->chain)); /* waiting is no reason: no window can fire yet */
		assert_int_equal(w->sink->partials, 200);
		finish(w);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_repeat_are_kept),
		cmocka_unit_test(keys_that_are_all_different_go_through),
		cmocka_unit_test(keys_that_come_in_turn_are_found_out),
		cmocka_unit_test(several_slices_at_once),
		cmocka_unit_test(the_latest_slice_stays),
		cmocka_unit_test(room_is_limited),
		cmocka_unit_test(nothing_stays_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
