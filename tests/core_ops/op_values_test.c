/* SPDX-License-Identifier: Apache-2.0
 *
 * VALUES as a head: its rows once, in order, over a barrier, a restore, a stop and a drain.
 */
#include "core/ops/op_values.h"

#include "base/type.h"
#include "core/ops/expr.h"
#include "tr_test.h"

#define ROWS 10
#define BATCH_ROWS 3

struct sunk {
	struct tr_op op;
	int64_t next; /* row that must come */
	uint64_t barrier;
	bool is_ended;
};

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sunk *s = (struct sunk *)op;

	for (uint32_t i = 0; i < batch->selected_count; i++)
		assert_int_equal(tr_column_i64(&batch->columns[0], tr_batch_row(batch, i)), s->next++);
	return TR_FLOW_MORE;
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms) { return TR_FLOW_MORE; }

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	((struct sunk *)op)->barrier = checkpoint;
	return TR_FLOW_MORE;
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	((struct sunk *)op)->is_ended = true;
	return TR_FLOW_MORE;
}

static const struct tr_op_ops sunk_ops = {
	.name = "sunk",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_barrier = on_barrier,
	.on_end = on_end,
};

struct fixture {
	struct tr_arena arena;
	struct tr_op_context context;
	_Atomic uint64_t wanted;
	_Atomic uint64_t last;
	_Atomic bool is_draining;
	struct tr_schema schema;
	const struct tr_expr *exprs[ROWS];
	struct sunk sunk;
	struct tr_op *op;
};

static void fixture_init(struct fixture *f, uint32_t subtask)
{
	static const char *const names[] = {"n"};
	const struct tr_type **types;

	memset(f, 0, sizeof(*f));
	tr_arena_init(&f->arena, 0);
	types = TR_NEW_ARRAY(&f->arena, 1, const struct tr_type *);
	types[0] = tr_type_of(TR_TYPE_BIGINT);
	f->schema = (struct tr_schema){1, names, types};
	f->context = (struct tr_op_context){
		.arena = &f->arena,
		.subtask = subtask,
		.subtask_count = 2,
		.batch_rows = BATCH_ROWS,
		.checkpoint_wanted = &f->wanted,
		.checkpoint_last = &f->last,
		.is_draining = &f->is_draining,
	};
	for (int64_t i = 0; i < ROWS; i++)
		f->exprs[i] = tr_expr_literal(&f->arena, types[0], (struct tr_value){.i64 = i});
	f->sunk.op.ops = &sunk_ops;
	f->op = tr_op_values_create(&f->context, &f->schema, f->exprs, ROWS);
	f->op->next = &f->sunk.op;
}

static void fixture_deinit(struct fixture *f)
{
	f->op->ops->destroy(f->op);
	tr_arena_deinit(&f->arena);
}

/** One record at most. */
struct saved {
	struct tr_state_writer writer;
	struct tr_state_record record;
	char bytes[64];
	uint32_t count;
};

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct saved *s = (struct saved *)writer;

	assert_true(record->length <= sizeof(s->bytes) && !record->is_keyed);
	s->record = *record;
	memcpy(s->bytes, record->bytes, record->length);
	s->record.bytes = s->bytes;
	s->count++;
	return TR_OK;
}

static void snapshot(struct fixture *f, struct saved *saved, uint64_t checkpoint)
{
	const struct tr_snapshot_order order = {.checkpoint = checkpoint};
	struct tr_status st = {0};
	uint64_t base = 0;

	*saved = (struct saved){.writer = {put}};
	assert_int_equal(f->op->ops->snapshot(f->op, &order, &saved->writer, &base, &st), TR_OK);
	assert_int_equal(base, tr_state_age(checkpoint));
}

static tr_code load(struct fixture *f, const struct tr_state_record *record)
{
	const struct tr_state_origin origin = {0, 2, 1};
	struct tr_status st = {0};

	return f->op->ops->load(f->op, &origin, record, &st);
}

static void test_restored_behind_each_batch(void **state)
{
	for (uint32_t steps = 0; steps < 7; steps++) {
		struct fixture f, g;
		struct saved saved;

		fixture_init(&f, 0);
		for (uint32_t i = 0; i < steps; i++)
			(void)tr_op_values_step(f.op);
		atomic_store(&f.wanted, 4);
		(void)tr_op_values_step(f.op);
		assert_int_equal(f.sunk.barrier, f.sunk.is_ended ? 0 : 4);
		snapshot(&f, &saved, 4);
		assert_int_equal(saved.count, 1);
		fixture_init(&g, 0);
		g.sunk.next = f.sunk.next;
		assert_int_equal(load(&g, &saved.record), TR_OK);
		while (tr_op_values_step(g.op) != TR_FLOW_DONE)
			;
		assert_int_equal(g.sunk.next, ROWS);
		assert_true(g.sunk.is_ended);
		fixture_deinit(&f);
		fixture_deinit(&g);
	}
}

static void test_others_have_nothing(void **state)
{
	struct fixture f;
	struct saved saved;

	fixture_init(&f, 1);
	snapshot(&f, &saved, 1);
	assert_int_equal(saved.count, 0);
	while (tr_op_values_step(f.op) != TR_FLOW_DONE)
		;
	assert_int_equal(f.sunk.next, 0);
	fixture_deinit(&f);
}

static void test_stop_and_drain(void **state)
{
	struct fixture f;

	fixture_init(&f, 0);
	(void)tr_op_values_step(f.op);
	atomic_store(&f.last, 2);
	atomic_store(&f.wanted, 2);
	assert_false(tr_op_is_stopped(f.op));
	(void)tr_op_values_step(f.op);
	assert_true(tr_op_is_stopped(f.op));
	fixture_deinit(&f);
	fixture_init(&f, 0);
	(void)tr_op_values_step(f.op);
	atomic_store(&f.is_draining, true);
	while (tr_op_values_step(f.op) != TR_FLOW_DONE)
		;
	assert_int_equal(f.sunk.next, BATCH_ROWS);
	assert_true(f.sunk.is_ended);
	fixture_deinit(&f);
}

static void test_damage(void **state)
{
	const uint64_t too_many = ROWS + 1;
	struct fixture f;

	fixture_init(&f, 0);
	assert_int_equal(load(&f, &(struct tr_state_record){.kind = 1, .bytes = &too_many, .length = 8}), TR_ERR_DATA);
	assert_int_equal(load(&f, &(struct tr_state_record){.kind = 1, .bytes = &too_many, .length = 7}), TR_ERR_DATA);
	assert_int_equal(load(&f, &(struct tr_state_record){.kind = 2, .bytes = &too_many, .length = 8}), TR_ERR_DATA);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restored_behind_each_batch),
		cmocka_unit_test(test_others_have_nothing),
		cmocka_unit_test(test_stop_and_drain),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
