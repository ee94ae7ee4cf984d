/* SPDX-License-Identifier: Apache-2.0
 *
 * What is the session operator's own beyond what its random runs show (op_window_state_test.c): that a checkpoint holds what has
 * changed, rows that wait included, and that sessions which do not fit into memory are the same as those that do, with
 * snapshots and a restore in between. Due keys come out in order.
 */
#include <unistd.h>

#include "base/environment.h"
#include "core/ops/window_due.h"
#include "core/ops/window_state.h"
#include "state/block.h"
#include "window_case.h"
#include "window_sink.h"

#define BATCH 2000

struct job {
	struct world *w;
	struct query q;
	struct tr_window_plan plan;
	struct tr_op_context context;
	struct tr_chain chain;
	struct tr_op *op;
	struct sink *sink;
	struct tr_block_writer writer;
	uint64_t checkpoint;
	struct text_list lines;
	uint64_t late;
	uint64_t blocked; /* answers */
	struct tr_io_queue *io;
	char path[64];
};

static void op_create(struct job *j)
{
	j->context = (struct tr_op_context){.arena = &j->w->arena,
					    .batch_rows = 512,
					    .subtask_count = 1,
					    .key_groups = 128,
					    .io = j->io,
					    .memory_limit = j->io != NULL ? (size_t)4 << 20 : 0,
					    .scratch_path = j->path};
	assert_int_equal(tr_op_window_create(&j->plan, &j->context, &j->op, &j->context.status), TR_OK);
	j->sink = sink_create(j->w, &j->context, false);
	j->chain.count = 0;
	tr_chain_append(&j->chain, j->op);
	tr_chain_append(&j->chain, &j->sink->op);
}

static void op_destroy(struct job *j)
{
	for (size_t i = 0; i < j->sink->lines.count; i++)
		list_add(&j->lines, j->sink->lines.lines[i]);
	j->late += j->op->metrics.rows_late;
	tr_chain_deinit(&j->chain);
}

static void add_aggregate(struct job *j, const char *name, int column, bool is_distinct)
{
	struct tr_agg_match match;
	struct query *q = &j->q;

	assert_int_equal(tr_agg_resolve(&j->w->arena, name, j->w->in_types[column], true, &match, NULL), TR_OK);
	q->aggs[q->agg_count++] = (struct tr_agg_call){.agg = match.agg,
						       .type = match.type,
						       .arg_column = column,
						       .filter_column = -1,
						       .is_distinct = is_distinct,
						       .text = name};
	q->types[q->output.column_count++] = match.type;
}

/** Sessions by k or by name, with a gap of a second. `io`: with the least memory that there can be. */
static struct job *job_create(struct world *w, uint32_t key, bool is_owner, struct tr_io_queue *io)
{
	struct job *j = calloc(1, sizeof(*j));

	j->w = w;
	make_query(w, &j->q, TR_WINDOW_SESSION, false);
	j->q.keys[0] = key;
	j->q.key_count = 1;
	j->q.agg_count = 0;
	j->q.window.size_ms = 1000;
	j->q.types[0] = w->in_types[key];
	j->q.output.column_count = 1;
	add_aggregate(j, "SUM", V, false);
	if (is_owner) {
		add_aggregate(j, "SUM", D, false);
		add_aggregate(j, "COUNT", I, true);
		add_aggregate(j, "MAX", S, false);
	}
	for (int c = 0; c < 3; c++)
		j->q.types[j->q.output.column_count++] = tr_type_with_precision(&w->arena, TR_TYPE_TIMESTAMP, 3);
	j->plan = (struct tr_window_plan){.window = j->q.window,
					  .keys = j->q.keys,
					  .key_count = 1,
					  .aggs = j->q.aggs,
					  .agg_count = j->q.agg_count,
					  .phase = TR_PHASE_SINGLE,
					  .input = &j->q.input,
					  .output = &j->q.output};
	j->io = io;
	strcpy(j->path, "/tmp/window_sessions_test_XXXXXX");
	if (io != NULL) {
		const int fd = mkstemp(j->path);

		assert_true(fd >= 0);
		close(fd);
	}
	op_create(j);
	return j;
}

static void job_destroy(struct job *j)
{
	list_free(&j->lines);
	tr_block_writer_deinit(&j->writer);
	if (j->io != NULL)
		(void)unlink(j->path);
	free(j);
}

static void settle_job(struct job *j, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		j->blocked++;
		j->op->is_blocked = true;
		(void)tr_io_wait(j->io, 1000000);
		flow = tr_chain_resume(&j->chain);
	}
	if (flow == TR_FLOW_FAILED)
		print_message("%s\n", j->context.status.message);
	assert_int_equal(flow, TR_FLOW_MORE);
}

static void feed(struct job *j, const struct row *rows, uint32_t count, int64_t watermark)
{
	struct tr_batch_buffer *b = tr_batch_buffer_create(&j->q.input, count);

	tr_batch_buffer_add_run(b, 0, watermark);
	for (uint32_t i = 0; i < count; i++)
		put_row(b, i, &rows[i]);
	tr_batch_buffer_seal(b, count);
	settle_job(j, j->op->ops->on_batch(j->op, 0, &b->batch));
	tr_batch_buffer_destroy(&b);
}

static void advance(struct job *j, int64_t watermark) { settle_job(j, j->op->ops->on_watermark(j->op, 0, watermark)); }

static uint64_t barrier(struct job *j, uint64_t completed, uint64_t rewrite_before)
{
	const struct tr_snapshot_order order = {
		.checkpoint = ++j->checkpoint, .completed = completed, .rewrite_before = tr_state_age(rewrite_before)};
	const struct tr_state_stream stream = {.subtask_count = 1};
	struct tr_status st = {0};
	uint64_t base = 0;

	tr_block_writer_deinit(&j->writer);
	tr_block_writer_begin(&j->writer, &stream, j->checkpoint);
	assert_int_equal(j->op->ops->snapshot(j->op, &order, &j->writer.writer, &base, &st), TR_OK);
	return base;
}

/** Some steps; all of them if `steps` is 0. */
static void write_steps(struct job *j, uint32_t steps)
{
	struct tr_status st = {0};
	enum tr_flow flow;

	do {
		flow = j->op->ops->snapshot_step(j->op, &j->writer.writer, 20000, &st);
		if (flow == TR_FLOW_BLOCKED)
			(void)tr_io_wait(j->io, 1000000);
		assert_int_not_equal(flow, TR_FLOW_FAILED);
	} while (flow != TR_FLOW_DONE && (steps == 0 || --steps > 0));
}

static uint32_t rows_written(const struct job *j, uint16_t kind)
{
	uint32_t count = 0;

	for (const struct tr_state_block *b = j->writer.first; b != NULL; b = b->next) {
		struct tr_state_record record;
		struct tr_status st;
		size_t offset = 0;
		tr_code code;

		while (tr_block_next(b->bytes, b->length, &offset, &record, &code, &st)) {
			uint32_t rows;

			memcpy(&rows, record.bytes, 4);
			count += record.kind == kind ? rows : 0;
		}
	}
	return count;
}

/** Writes a checkpoint; checks how many rows of sessions, of keys that are gone, and that wait it has. */
static void expect_checkpoint(struct job *j, uint64_t completed, uint64_t rewrite_before, uint64_t base,
			      uint32_t sessions, uint32_t gone, uint32_t waiting)
{
	assert_int_equal(barrier(j, completed, rewrite_before), tr_state_age(base));
	assert_int_equal(rows_written(j, 5) + rows_written(j, 6) + rows_written(j, 4), 0);
	write_steps(j, 0);
	assert_int_equal(rows_written(j, 5), sessions);
	assert_int_equal(rows_written(j, 6), gone);
	assert_int_equal(rows_written(j, 4), waiting);
}

static struct row row_of(uint32_t key, int64_t ts)
{
	struct row row = {.ts = ts, .k = (int64_t)key * 1000003, .v = key, .i = (int32_t)key % 7, .d = key / 4.0};

	sprintf(row.name, "the name with the number %u", key);
	sprintf(row.s, "a text of number %u", key % 11);
	return row;
}

static void feed_keys(struct job *j, uint32_t from, uint32_t to, int64_t ts, int64_t watermark)
{
	struct row *rows = calloc(to - from, sizeof(*rows));

	for (uint32_t k = from; k < to; k++)
		rows[k - from] = row_of(k, ts);
	feed(j, rows, to - from, watermark);
	free(rows);
}

static void follows_changes(void **state)
{
	for (int n = 0; n < 4; n++) {
		struct world *w = world_create(3);
		struct job *j = job_create(w, n % 2 ? K : NAME, n / 2, NULL);

		for (uint32_t k = 0; k < 10000; k += BATCH)
			feed_keys(j, k, k + BATCH, 10000, 0);
		expect_checkpoint(j, 0, 0, 1, 0, 0, 10000);
		expect_checkpoint(j, 1, 0, 1, 0, 0, 0); /* they wait still, and are written */
		advance(j, 10000);
		expect_checkpoint(j, 2, 0, 1, 10000, 0, 0);
		feed_keys(j, 500, 537, 10100, 10000);
		advance(j, 10001);
		feed_keys(j, 600, 605, 10100, 10001);
		expect_checkpoint(j, 3, 0, 1, 37, 0, 5);
		advance(j, 10002);
		(void)barrier(j, 4, 0); /* given up */
		write_steps(j, 1);
		feed_keys(j, 603, 610, 10300, 10002);
		advance(j, 10003);
		expect_checkpoint(j, 4, 0, 1, 10, 0, 0);
		expect_checkpoint(j, 6, 7, 7, 10000, 0, 0); /* compaction */
		advance(j, 10999);                          /* all but those that went on end */
		expect_checkpoint(j, 7, 0, 7, 0, 10000 - 37 - 10, 0);
		expect_checkpoint(j, 8, 0, 7, 0, 0, 0);
		advance(j, TR_WATERMARK_MAX);
		op_destroy(j);
		assert_int_equal(j->lines.count, 10000);
		job_destroy(j);
		world_destroy(w);
	}
}

/** A barrier takes what a checkpoint holds: what comes behind it does not show, and given back it is the same. */
static void restore(struct job *j)
{
	const struct tr_state_origin origin = {.subtask_count = 1, .checkpoint = j->checkpoint};
	struct tr_state_block *first = tr_block_writer_take(&j->writer, false);
	struct tr_status st = {0};

	op_create(j);
	for (int keyed = 0; keyed < 2; keyed++) {
		for (const struct tr_state_block *b = first; b != NULL; b = b->next) {
			struct tr_state_record record;
			size_t offset = 0;
			tr_code code;

			while (tr_block_next(b->bytes, b->length, &offset, &record, &code, &st))
				if (record.is_keyed == (keyed != 0))
					assert_int_equal(j->op->ops->load(j->op, &origin, &record, &st), TR_OK);
		}
	}
	assert_int_equal(j->op->ops->load_end(j->op, &st), TR_OK);
	while (first != NULL) {
		struct tr_state_block *next = first->next;

		tr_state_block_destroy(&first);
		first = next;
	}
}

/** Rows of 30,000 keys, most of them of a few, in sessions that end now and then; a restore in the middle. */
static void run_job(struct job *j, uint32_t rounds)
{
	uint64_t random = 77;
	struct row *rows = calloc(BATCH, sizeof(*rows));
	int64_t watermark = 0;

	for (uint32_t r = 0; r < rounds; r++) {
		for (uint32_t i = 0; i < BATCH; i++) {
			const uint32_t range = tr_test_below(&random, 4) == 0 ? 200 : 30000;

			rows[i] = row_of(tr_test_below(&random, range), 10000 + r * 30 + tr_test_below(&random, 200));
		}
		feed(j, rows, BATCH, watermark);
		watermark = 9800 + r * 30;
		advance(j, watermark);
		if (r % 7 == 3)
			(void)barrier(j, 0, 0);
		else if (r % 7 < 6 && r > 7)
			write_steps(j, 3);
		if (r == rounds / 2) {
			(void)barrier(j, 0, 0);
			write_steps(j, 0);
			op_destroy(j);
			restore(j);
		}
	}
	advance(j, TR_WATERMARK_MAX);
	free(rows);
	op_destroy(j);
	qsort(j->lines.lines, j->lines.count, sizeof(char *), compare_lines);
}

/** With the least memory that there can be, a job emits what it does with all. */
static void same_with_little(void (*run)(struct job *j, uint32_t rounds), uint32_t rounds, const char *what)
{
	struct tr_environment *env;

	assert_int_equal(tr_environment_real_create(&env, NULL), TR_OK);
	for (int n = 0; n < 2; n++) {
		struct world *w = world_create(5);
		struct tr_io_queue *io;
		struct job *plain, *limited;

		assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &io, NULL), TR_OK);
		plain = job_create(w, NAME, n, NULL);
		run(plain, rounds);
		limited = job_create(w, NAME, n, io);
		run(limited, rounds);
		assert_true(limited->blocked > 0);
		compare(&plain->lines, &limited->lines, plain->late, limited->late, what);
		job_destroy(plain);
		job_destroy(limited);
		env->disk->ops->queue_destroy(env->disk, &io);
		world_destroy(w);
	}
	tr_environment_real_destroy(&env);
}

static void larger_than_memory(void **state)
{
	same_with_little(run_job, tr_test_cases(100) < 100 ? 35 : 90, "limited");
}

/** Rows whose watermarks are far ahead of the operator's, as of several splits; in the middle of the rounds all are alike. Many
 * come so late that only others let them in. Barriers, some given up, a restore. */
static void run_ahead(struct job *j, uint32_t rounds)
{
	uint64_t random = 78;
	struct row *rows = calloc(BATCH, sizeof(*rows));
	uint64_t spilled = 0, complete = 0;

	for (uint32_t r = 0; r < rounds; r++) {
		const bool is_alike = r > rounds / 3 && r < rounds / 3 * 2;
		const int64_t ahead = 10000 + (is_alike ? rounds / 3 : r) * 100 + 1000 * (r % 3);

		for (uint32_t i = 0; i < BATCH; i++)
			rows[i] = row_of(tr_test_below(&random, 500), ahead - 3000 + tr_test_below(&random, 4000));
		feed(j, rows, BATCH, ahead);
		spilled = j->op->metrics.spilled_bytes > spilled ? j->op->metrics.spilled_bytes : spilled;
		if (r % 5 == 4 && r > 12)
			advance(j, 10000 + (TR_MIN(r, rounds / 3) - 12) * 100);
		if (r % 7 == 3)
			(void)barrier(j, complete, 0);
		else if (r % 7 < 6 && r > 7)
			write_steps(j, 3);
		if (r == rounds / 2) {
			const uint64_t late = j->op->metrics.rows_late;
			const size_t lines = j->sink->lines.count;

			(void)barrier(j, complete, 0);
			/* What is taken now is in the checkpoint still, and comes again. */
			advance(j, 10001 + (TR_MIN(r, rounds / 3) - 5) * 100);
			write_steps(j, 0);
			while (j->sink->lines.count > lines)
				free(j->sink->lines.lines[--j->sink->lines.count]);
			j->op->metrics.rows_late = late;
			complete = j->checkpoint;
			op_destroy(j);
			restore(j);
		}
	}
	advance(j, TR_WATERMARK_MAX);
	if (j->io != NULL)
		assert_true(spilled > 1000000);
	free(rows);
	op_destroy(j);
	assert_true(j->late > 0);
	qsort(j->lines.lines, j->lines.count, sizeof(char *), compare_lines);
}

static void far_ahead(void **state) { same_with_little(run_ahead, 60, "far ahead"); }

/** Pushes that are never before what was taken, in any mixture: always the least one comes out. */
static void due_in_order(void **state)
{
	struct tr_window_due due = {0};
	struct tr_window_taken taken = {0};
	uint64_t random = 9;
	int64_t *model = calloc(20000, sizeof(*model)), last = -500;
	uint32_t count = 0;

	for (int step = 0; step < 20000; step++) {
		if (tr_test_below(&random, 5) < 3) {
			const int64_t end = last + tr_test_below(&random, 1u << tr_test_below(&random, 20));
			char key[300] = "";
			const struct tr_table_key of = {key, tr_test_below(&random, 300), (uint32_t)count};

			memcpy(key, &end, 8);
			tr_window_due_push(&due, end, &of);
			model[count++] = end;
			continue;
		}
		uint32_t least = 0;

		assert_int_equal(tr_window_due_next(&due) == INT64_MAX, count == 0);
		if (count == 0)
			continue;
		for (uint32_t i = 1; i < count; i++)
			least = model[i] < model[least] ? i : least;
		assert_int_equal(tr_window_due_next(&due), model[least]);
		tr_window_taken_clear(&taken);
		assert_int_equal(tr_window_due_settle(&due, NULL), TR_FLOW_MORE);
		tr_window_due_take(&due, &taken);
		tr_window_taken_show(&taken);
		assert_int_equal(taken.ends[0], model[least]);
		if (taken.keys[0].length >= 8)
			assert_memory_equal(taken.keys[0].bytes, &model[least], 8);
		last = model[least];
		model[least] = model[--count];
	}
	free(model);
	tr_window_taken_deinit(&taken);
	tr_window_due_deinit(&due);
}

/** A record of sessions once more, `later_ms` later, as one that goes on with its keys. */
static tr_code load_again(struct job *j, const struct tr_state_record *record, int64_t later_ms, struct tr_status *st)
{
	uint32_t count;
	const struct tr_state_kind *kinds = j->op->ops->kinds(j->op, &count);
	struct tr_state_record again = *record;
	struct tr_rows rows = {0};
	struct tr_bytes bytes = {0};
	const struct tr_batch *batch;
	struct tr_column columns[16];
	int64_t times[2], more = 1;
	tr_code code;

	while (kinds->kind != TR_WINDOW_STATE_SESSIONS)
		kinds++;
	assert_int_equal(tr_rows_read(&rows, kinds->schema, record->bytes, record->length, &batch, st), TR_OK);
	count = kinds->schema->column_count;
	assert_in_range(count, 4, 16);
	assert_int_equal(batch->row_count, 1);
	memcpy(columns, batch->columns, count * sizeof(columns[0]));
	for (uint32_t c = 0; c < 2; c++) {
		times[c] = tr_column_i64(&columns[count - 4 + c], 0) + later_ms;
		columns[count - 4 + c].data = &times[c];
	}
	columns[count - 1].data = &more;
	tr_rows_write(columns, count, 1, &bytes);
	again.bytes = bytes.data;
	again.length = bytes.length;
	code = j->op->ops->load(j->op, &(struct tr_state_origin){.subtask_count = 1, .checkpoint = j->checkpoint},
				&again, st);
	tr_bytes_deinit(&bytes);
	tr_rows_deinit(&rows);
	return code;
}

/** What goes on with a key must lie behind what there is of it: from outside comes anything. */
static void goes_on_in_order(void **state)
{
	struct world *w = world_create(5);
	struct job *j = job_create(w, K, false, NULL);
	struct tr_state_record record;
	struct tr_state_block *block;
	struct tr_status st = {0};
	size_t offset = 0;
	tr_code code;

	feed_keys(j, 1, 2, 100000, 0);
	advance(j, 1);
	expect_checkpoint(j, 0, 0, 1, 1, 0, 0);
	op_destroy(j);
	block = tr_block_writer_take(&j->writer, false);
	op_create(j);
	while (tr_block_next(block->bytes, block->length, &offset, &record, &code, &st)) {
		assert_int_equal(j->op->ops->load(j->op, &(struct tr_state_origin){.subtask_count = 1}, &record, &st),
				 TR_OK);
		if (record.kind != TR_WINDOW_STATE_SESSIONS)
			continue;
		assert_int_equal(load_again(j, &record, 50000, &st), TR_OK);
		assert_int_equal(load_again(j, &record, 10000, &st), TR_ERR_DATA);
		assert_non_null(strstr(st.message, "not in order"));
	}
	tr_state_block_destroy(&block);
	op_destroy(j);
	job_destroy(j);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_in_order),     cmocka_unit_test(follows_changes),
		cmocka_unit_test(goes_on_in_order), cmocka_unit_test(larger_than_memory),
		cmocka_unit_test(far_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
