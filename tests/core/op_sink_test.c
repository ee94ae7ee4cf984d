/* SPDX-License-Identifier: Apache-2.0
 *
 * The sink operator against a sink that only notes how it is called and answers BLOCKED now and then: which calls come,
 * in which order, and what the chain is told. The first letters of calls make a line; the number of a checkpoint follows.
 */
#include "tr_test.h"

#include "base/column_buffer.h"
#include "base/type.h"
#include "core/op_sink.h"

struct tr_sink {
	int64_t unused;
};

static struct script {
	char calls[4096];
	uint64_t seed;
	uint32_t blocked_percent;
	uint32_t asked_in_vain; /* calls that were answered BLOCKED */
	char fails;             /* the call of this letter */
} script;

static enum tr_flow note(char letter, uint64_t checkpoint, enum tr_flow done, struct tr_status *st)
{
	const size_t length = strlen(script.calls);

	if (script.fails == letter) {
		(void)tr_status_set(st, TR_ERR_IO, 0, TR_WHERE, "call %c has failed", letter);
		return TR_FLOW_FAILED;
	}
	if (tr_test_below(&script.seed, 100) < script.blocked_percent) {
		script.asked_in_vain++;
		return TR_FLOW_BLOCKED;
	}
	if (checkpoint > 0)
		snprintf(script.calls + length, sizeof(script.calls) - length, "%c%llu ", letter,
			 (unsigned long long)checkpoint);
	else
		snprintf(script.calls + length, sizeof(script.calls) - length, "%c ", letter);
	return done;
}

static tr_code note_code(char letter, struct tr_status *st)
{
	const uint32_t blocked_percent = script.blocked_percent;
	enum tr_flow flow;

	script.blocked_percent = 0;
	flow = note(letter, 0, TR_FLOW_MORE, st);
	script.blocked_percent = blocked_percent;
	return flow == TR_FLOW_FAILED ? st->code : TR_OK;
}

static tr_code script_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			   struct tr_status *st)
{
	*sink = calloc(1, sizeof(**sink));
	return TR_OK;
}

static enum tr_flow script_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	return note('w', 0, TR_FLOW_MORE, st);
}
/** Answers for a write or a tick that was BLOCKED: it was taken then, and is noted now. */
static enum tr_flow script_resume(struct tr_sink *sink, struct tr_status *st) { return note('r', 0, TR_FLOW_MORE, st); }
static enum tr_flow script_tick(struct tr_sink *sink, struct tr_status *st) { return note('t', 0, TR_FLOW_MORE, st); }
static enum tr_flow script_finish(struct tr_sink *sink, struct tr_status *st) { return note('f', 0, TR_FLOW_DONE, st); }

static enum tr_flow script_prepare(struct tr_sink *sink, uint64_t checkpoint, struct tr_status *st)
{
	return note('p', checkpoint, TR_FLOW_DONE, st);
}

static enum tr_flow script_commit(struct tr_sink *sink, uint64_t checkpoint, struct tr_status *st)
{
	return note('c', checkpoint, TR_FLOW_DONE, st);
}

static tr_code script_save(struct tr_sink *sink, struct tr_state_writer *writer, struct tr_status *st)
{
	const struct tr_state_record record = {.kind = 7, .bytes = "names", .length = 5};

	TR_TRY(note_code('s', st));
	return writer->put(writer, &record, st);
}

static tr_code script_load(struct tr_sink *sink, const struct tr_state_origin *origin,
			   const struct tr_state_record *record, struct tr_status *st)
{
	return note_code('l', st);
}

static tr_code script_recover(struct tr_sink *sink, struct tr_status *st) { return note_code('R', st); }

static void script_close(struct tr_sink **sink)
{
	free(*sink);
	*sink = NULL;
}

static const struct tr_sink_ops exact_ops = {
	.open = script_open,
	.write = script_write,
	.resume = script_resume,
	.tick = script_tick,
	.finish = script_finish,
	.prepare = script_prepare,
	.save = script_save,
	.commit = script_commit,
	.load = script_load,
	.recover = script_recover,
	.close = script_close,
};

static const struct tr_sink_ops plain_ops = {
	.open = script_open,
	.write = script_write,
	.resume = script_resume,
	.tick = script_tick,
	.finish = script_finish,
	.close = script_close,
};

struct fixture {
	const char *names[1];
	const struct tr_type *types[1];
	struct tr_schema schema;
	struct tr_connector connector;
	struct tr_table_spec table;
	struct tr_op_context context;
	struct tr_batch_buffer *batch;
	struct tr_op *op;
	uint32_t records;
};

static void start(struct fixture *f, const struct tr_sink_ops *ops, bool has_checkpoints)
{
	*f = (struct fixture){.connector = {.name = "script", .sink = ops}};
	memset(&script, 0, sizeof(script));
	f->names[0] = "id";
	f->types[0] = tr_type_of(TR_TYPE_INT);
	f->schema = (struct tr_schema){.column_count = 1, .names = f->names, .types = f->types};
	f->table = (struct tr_table_spec){.name = "t", .connector = &f->connector, .schema = &f->schema};
	f->context = (struct tr_op_context){.subtask_count = 1, .has_checkpoints = has_checkpoints};
	f->batch = tr_batch_buffer_create(&f->schema, 16);
	tr_batch_buffer_clear(f->batch);
	((int32_t *)f->batch->columns[0].data)[0] = 1;
	tr_batch_buffer_seal(f->batch, 1);
	assert_int_equal(tr_op_sink_create(&f->table, &f->context, NULL, &f->op, &f->context.status), TR_OK);
}

static void end(struct fixture *f)
{
	f->op->ops->destroy(f->op);
	tr_batch_buffer_destroy(&f->batch);
}

static enum tr_flow settle(struct fixture *f, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED)
		flow = f->op->ops->resume(f->op);
	return flow;
}

static enum tr_flow give_batch(struct fixture *f)
{
	return settle(f, f->op->ops->on_batch(f->op, 0, &f->batch->batch));
}
static enum tr_flow give_barrier(struct fixture *f, uint64_t checkpoint)
{
	return settle(f, f->op->ops->on_barrier(f->op, 0, checkpoint));
}
static enum tr_flow give_end(struct fixture *f) { return settle(f, f->op->ops->on_end(f->op, 0)); }
static enum tr_flow complete(struct fixture *f, uint64_t checkpoint)
{
	return settle(f, f->op->ops->on_complete(f->op, checkpoint));
}

struct counting_writer {
	struct tr_state_writer writer;
	uint32_t count;
};

static tr_code count_record(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	assert_false(record->is_keyed);
	assert_int_equal(record->kind, 7);
	((struct counting_writer *)writer)->count++;
	return TR_OK;
}

static uint32_t snapshot(struct fixture *f, uint64_t checkpoint)
{
	const struct tr_snapshot_order order = {.checkpoint = checkpoint};
	struct counting_writer writer = {.writer.put = count_record};
	uint64_t base = 0;

	assert_int_equal(f->op->ops->snapshot(f->op, &order, &writer.writer, &base, &f->context.status), TR_OK);
	assert_int_equal(base, tr_state_age(checkpoint));
	return writer.count;
}

static void test_exact(void **state)
{
	struct fixture f;

	start(&f, &exact_ops, true);
	assert_int_equal(give_batch(&f), TR_FLOW_MORE);
	assert_int_equal(give_barrier(&f, 3), TR_FLOW_MORE);
	assert_int_equal(snapshot(&f, 3), 1);
	assert_int_equal(give_batch(&f), TR_FLOW_MORE);
	assert_int_equal(complete(&f, 3), TR_FLOW_MORE);
	assert_int_equal(give_barrier(&f, 4), TR_FLOW_MORE); /* given up */
	assert_int_equal(snapshot(&f, 4), 1);
	assert_int_equal(give_barrier(&f, 6), TR_FLOW_MORE);
	assert_int_equal(snapshot(&f, 6), 1);
	assert_false(tr_op_sink_is_finished(f.op));
	/* The end comes before 6 is complete, and waits for one that contains it. */
	assert_int_equal(give_end(&f), TR_FLOW_MORE);
	assert_int_equal(complete(&f, 6), TR_FLOW_MORE);
	assert_false(tr_op_sink_is_finished(f.op));
	assert_int_equal(f.op->ops->flush(f.op), TR_FLOW_MORE);
	assert_true(tr_op_sink_wake_at(f.op) == INT64_MAX);
	assert_int_equal(snapshot(&f, 9), 1);
	assert_int_equal(complete(&f, 9), TR_FLOW_MORE);
	assert_true(tr_op_sink_is_finished(f.op));
	assert_int_equal(complete(&f, 10), TR_FLOW_MORE); /* other subtasks are still running */
	assert_string_equal(script.calls, "R w p3 s w c3 p4 s p6 s p7 c6 s c9 ");
	end(&f);
}

static void test_exact_without_checkpoints(void **state)
{
	struct fixture f;

	start(&f, &exact_ops, false);
	assert_int_equal(give_batch(&f), TR_FLOW_MORE);
	assert_int_equal(give_barrier(&f, 1), TR_FLOW_MORE);
	assert_int_equal(snapshot(&f, 1), 0);
	assert_int_equal(complete(&f, 1), TR_FLOW_MORE);
	assert_int_equal(give_end(&f), TR_FLOW_MORE);
	assert_true(tr_op_sink_is_finished(f.op));
	assert_string_equal(script.calls, "w f ");
	end(&f);
}

static void test_not_exact(void **state)
{
	struct fixture f;

	start(&f, &plain_ops, true);
	assert_int_equal(give_batch(&f), TR_FLOW_MORE);
	assert_int_equal(give_barrier(&f, 1), TR_FLOW_MORE);
	assert_int_equal(snapshot(&f, 1), 0);
	assert_int_equal(complete(&f, 1), TR_FLOW_MORE);
	assert_int_equal(f.op->ops->load_end(f.op, &f.context.status), TR_OK);
	assert_int_equal(give_end(&f), TR_FLOW_MORE);
	assert_true(tr_op_sink_is_finished(f.op));
	assert_int_equal(complete(&f, 2), TR_FLOW_MORE);
	assert_string_equal(script.calls, "w t f ");
	end(&f);
}

static void test_restored(void **state)
{
	const struct tr_state_origin origin = {.subtask_count = 1, .checkpoint = 12};
	const struct tr_state_record record = {.kind = 7, .bytes = "x", .length = 1};
	struct fixture f;

	start(&f, &exact_ops, true);
	assert_int_equal(f.op->ops->load(f.op, &origin, &record, &f.context.status), TR_OK);
	assert_int_equal(f.op->ops->load(f.op, &origin, &record, &f.context.status), TR_OK);
	assert_int_equal(f.op->ops->load_end(f.op, &f.context.status), TR_OK);
	assert_int_equal(give_batch(&f), TR_FLOW_MORE);
	assert_int_equal(give_end(&f), TR_FLOW_MORE);
	assert_int_equal(snapshot(&f, 13), 1);
	assert_int_equal(complete(&f, 13), TR_FLOW_MORE);
	assert_true(tr_op_sink_is_finished(f.op));
	assert_string_equal(script.calls, "l l R w p1 s c13 ");
	end(&f);
	start(&f, &plain_ops, true); /* the table's connector was changed */
	assert_int_equal(f.op->ops->load(f.op, &origin, &record, &f.context.status), TR_ERR_DATA);
	assert_non_null(strstr(f.context.status.message, "table 't': checkpoint 12 has prepared output"));
	end(&f);
}

/** Without rows, too, what a former run has left is dealt with. */
static void test_no_rows(void **state)
{
	struct fixture f;

	start(&f, &exact_ops, true);
	assert_int_equal(give_end(&f), TR_FLOW_MORE);
	assert_int_equal(snapshot(&f, 1), 1);
	assert_int_equal(complete(&f, 1), TR_FLOW_MORE);
	assert_string_equal(script.calls, "R p1 s c1 ");
	end(&f);
}

/** BLOCKED changes nothing but the time: the calls that were carried out are the same. */
static void test_blocked(void **state)
{
	const uint64_t cases = tr_test_cases(200);

	for (uint64_t i = 0; i < cases; i++) {
		struct fixture f;

		start(&f, &exact_ops, true);
		script.seed = i;
		script.blocked_percent = 60;
		assert_int_equal(give_barrier(&f, 1), TR_FLOW_MORE);
		assert_int_equal(snapshot(&f, 1), 1);
		assert_int_equal(complete(&f, 1), TR_FLOW_MORE);
		assert_int_equal(give_barrier(&f, 2), TR_FLOW_MORE);
		assert_int_equal(give_end(&f), TR_FLOW_MORE);
		assert_int_equal(snapshot(&f, 5), 1);
		assert_int_equal(complete(&f, 5), TR_FLOW_MORE);
		assert_true(tr_op_sink_is_finished(f.op));
		assert_string_equal(script.calls, "R p1 s c1 p2 p3 s c5 ");
		end(&f);
	}
	assert_true(script.asked_in_vain > 0);
}

static void test_failures(void **state)
{
	const struct tr_state_origin origin = {.subtask_count = 1, .checkpoint = 1};
	const struct tr_state_record record = {.kind = 7, .bytes = "x", .length = 1};
	const struct tr_snapshot_order order = {.checkpoint = 1};
	struct counting_writer writer = {.writer.put = count_record};
	struct fixture f;
	uint64_t base;

	for (const char *letter = "wpscRl"; *letter != '\0'; letter++) {
		tr_code code = TR_OK;
		enum tr_flow flow = TR_FLOW_MORE;

		start(&f, &exact_ops, true);
		script.fails = *letter;
		if (*letter == 'l')
			code = f.op->ops->load(f.op, &origin, &record, &f.context.status);
		if (*letter == 'w' || *letter == 'R')
			flow = give_batch(&f);
		else if (code == TR_OK)
			flow = give_barrier(&f, 1);
		if (code == TR_OK && flow == TR_FLOW_MORE)
			code = f.op->ops->snapshot(f.op, &order, &writer.writer, &base, &f.context.status);
		if (code == TR_OK && flow == TR_FLOW_MORE)
			flow = complete(&f, 1);
		assert_true(flow == TR_FLOW_FAILED || code == TR_ERR_IO);
		assert_int_equal(f.context.status.code, TR_ERR_IO);
		assert_non_null(strstr(f.context.status.message, "has failed"));
		end(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),     cmocka_unit_test(test_exact_without_checkpoints),
		cmocka_unit_test(test_not_exact), cmocka_unit_test(test_restored),
		cmocka_unit_test(test_no_rows),   cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
