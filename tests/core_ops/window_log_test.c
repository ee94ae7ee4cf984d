/* SPDX-License-Identifier: Apache-2.0
 *
 * Window operators and the log together: over many checkpoints of few changes to a large state the log keeps to twice the
 * state and what the retained checkpoints have appended, what is written again keeps to what changes, and what is in the log
 * afterwards is the state. By tables, by slices, by the general operator, with DISTINCT, and for sessions.
 */
#include "window_shape.h"

#include "state/log.h"

#define SEGMENT_BYTES ((size_t)1 << 20)

struct case_of {
	struct shape shape;
	uint32_t keys, checkpoints, changes;
};

static const struct case_of cases[] = {
	{{.kind = TR_WINDOW_TUMBLE, .key = K}, 400000, 120, 12000},
	{{.kind = TR_WINDOW_HOP, .key = NAME}, 200000, 120, 6000},
	{{.kind = TR_WINDOW_TUMBLE, .key = K, .is_general = true}, 200000, 120, 6000},
	{{.kind = TR_WINDOW_HOP, .key = NAME, .is_general = true, .is_distinct = true}, 60000, 60, 1500},
	/* So little that what is needed of the log begins between a record of entries and their values */
	{{.kind = TR_WINDOW_HOP, .key = NAME, .is_general = true, .is_distinct = true}, 15000, 30, 375},
	{{.kind = TR_WINDOW_SESSION, .key = NAME}, 150000, 120, 4000},
};

struct saver {
	struct run *run;
	struct tr_environment *env;
	struct tr_io_queue *io;
	struct tr_log *log;
	uint64_t live;
	uint64_t appended, rewritten;
	uint64_t seed;
	struct tr_state_block **last; /* of what is read back */
};

static void step_log(struct saver *s)
{
	struct tr_status st = {0};

	assert_int_not_equal(tr_log_step(s->log, &st), TR_FLOW_FAILED);
	(void)tr_io_wait(s->io, 1000000);
}

static void append(struct saver *s, struct tr_state_block *block)
{
	while (block != NULL) {
		struct tr_state_block *next = block->next;

		block->next = NULL;
		s->appended += block->length + TR_STATE_BLOCK_HEAD;
		while (!tr_log_append(s->log, block))
			step_log(s);
		block = next;
	}
}

/** Rows for some keys, nine of ten times from the first tenth */
static void change(struct saver *s, uint32_t keys, uint32_t some)
{
	for (uint32_t done = 0; done < some; done += 100) {
		const uint32_t range = tr_test_below(&s->seed, 10) == 0 ? keys : keys / 10;
		const uint32_t from = tr_test_below(&s->seed, range - 100);

		feed_keys(s->run, from, from + 100, 0);
	}
	if (s->run->q->window.kind == TR_WINDOW_SESSION) /* takes the rows */
		send_watermark(s->run, 2000 + (int64_t)s->run->number);
}

static void checkpoint(struct saver *s, uint32_t keys, uint32_t changes)
{
	struct task *t = &s->run->tasks[0];
	const struct tr_snapshot_order order = {.checkpoint = ++s->run->number,
						.completed = s->run->completed,
						.rewrite_before = tr_log_rewrite_before(s->log, s->live)};
	struct tr_log_part part = {.stream = {.subtask_count = 1}, .uid = "window"};
	struct tr_log_checkpoint sealed = {.number = order.checkpoint, .parts = &part, .part_count = 1};
	struct tr_status st = {0};

	s->appended = 0;
	tr_log_begin(s->log, order.checkpoint);
	tr_block_writer_begin(&t->writer, &part.stream, order.checkpoint);
	assert_int_equal(t->op->ops->snapshot(t->op, &order, &t->writer.writer, &part.base, &st), TR_OK);
	s->live = t->op->ops->state_bytes(t->op);
	t->is_stepping = true;
	while (t->is_stepping) {
		t->writer.writer.age = tr_log_age(s->log);
		step_task(s->run, t);
		append(s, tr_block_writer_take(&t->writer, true));
		if (changes > 0 && tr_test_below(&s->seed, 8) == 0)
			change(s, keys, 100);
	}
	append(s, tr_block_writer_take(&t->writer, false));
	s->rewritten = sealed.rewritten = t->writer.writer.rewritten;
	tr_log_seal(s->log, &sealed);
	while (tr_log_checkpoint_count(s->log) == 0 || tr_log_checkpoint(s->log, 0)->number < order.checkpoint)
		step_log(s);
	s->run->completed = order.checkpoint;
}

static tr_code take_block(void *context, const struct tr_state_stream *stream, uint64_t number, const void *bytes,
			  size_t length, struct tr_status *st)
{
	struct saver *s = context;
	struct tr_state_block *block = calloc(1, sizeof(*block) + length);

	block->checkpoint = number;
	block->length = block->capacity = length;
	memcpy(block->bytes, bytes, length);
	*s->last = block;
	s->last = &block->next;
	return TR_OK;
}

/** Throws the operator away, and loads another one from the log: its results are those of the first. */
static void check_loaded(struct saver *s)
{
	struct run *r = s->run;
	struct text_list want;
	struct tr_status st = {0};

	fire(r);
	take_lines(r);
	want = r->lines;
	r->lines = (struct text_list){0};
	assert_true(want.count > 0);
	s->last = &r->parts[0].first;
	assert_int_equal(tr_log_read(s->log, 0, take_block, s, &st), TR_OK);
	r->part_count = 1;
	(void)crash(r);
	fire(r);
	take_lines(r);
	qsort(want.lines, want.count, sizeof(*want.lines), compare_lines);
	qsort(r->lines.lines, r->lines.count, sizeof(*r->lines.lines), compare_lines);
	assert_int_equal(r->lines.count, want.count);
	for (size_t i = 0; i < want.count; i++)
		assert_string_equal(r->lines.lines[i], want.lines[i]);
	list_free(&want);
}

static void run_case(const struct case_of *c)
{
	const bool is_part = c->keys >= 60000 && tr_test_cases(100) < 100;
	const uint32_t checkpoints = is_part ? c->checkpoints / 3 : c->checkpoints;
	char directory[] = "/tmp/window_log_test.XXXXXX";
	struct world *w = world_create(7);
	struct query q;
	struct saver s = {.run = shape_run(w, &q, &c->shape), .seed = 3};
	struct tr_log_options options = {.directory = directory,
					 .job_name = "job",
					 .job_id = "0123456789abcdef0123456789abcdef",
					 .retained = 2,
					 .segment_bytes = SEGMENT_BYTES};
	struct tr_log_report report;
	struct tr_status st = {0};
	uint64_t deltas[4] = {0}, most = 0, rewritten = 0, changed = 0, live = 0, beyond = 0;

	assert_int_equal(tr_environment_real_create(&s.env, &st), TR_OK);
	assert_int_equal(s.env->disk->ops->queue_create(s.env->disk, 64, &s.io, &st), TR_OK);
	assert_non_null(mkdtemp(directory));
	options.disk = s.env->disk;
	options.io = s.io;
	assert_int_equal(tr_log_open(&options, &s.log, &report, &st), TR_OK);
	feed_many(s.run, c->keys, 0);
	if (c->shape.kind == TR_WINDOW_SESSION)
		send_watermark(s.run, 2000);
	for (uint32_t n = 1; n <= checkpoints; n++) {
		uint64_t retained = 0, bytes;

		checkpoint(&s, c->keys, c->changes);
		deltas[n % 4] = s.appended;
		for (uint32_t i = 0; i < 4; i++)
			retained += deltas[i];
		bytes = tr_log_disk_bytes(s.log);
		most = TR_MAX(most, bytes);
		beyond = TR_MAX(beyond, bytes - TR_MIN(bytes, retained));
		live = s.live;
		rewritten += s.rewritten;
		changed += n > 1 ? s.appended - TR_MIN(s.rewritten, s.appended) : 0;
		change(&s, c->keys, c->changes);
	}
	print_message(
		"window %d, key %u: state %zu KB, log at most %zu KB, beyond deltas %zu; %zu KB changed, %zu again\n",
		(int)c->shape.kind, c->shape.key, (size_t)live / 1024, (size_t)most / 1024, (size_t)beyond / 1024,
		(size_t)changed / 1024, (size_t)rewritten / 1024);
	/* A segment at either end, what is reserved in the last one, and the roots. */
	assert_true(beyond <= 2 * live + 3 * SEGMENT_BYTES + (256 << 10));
	assert_true(rewritten <= changed + live / 2 + live / 8);
	assert_true(rewritten > 0 || is_part);
	checkpoint(&s, c->keys, 0);
	check_loaded(&s);
	tr_log_close(&s.log);
	assert_int_equal(tr_log_remove(s.env->disk, directory, NULL, &st), TR_OK);
	run_destroy(s.run);
	world_destroy(w);
	s.env->disk->ops->queue_destroy(s.env->disk, &s.io);
	tr_environment_real_destroy(&s.env);
}

static void tables(void **state) { run_case(&cases[0]); }
static void slices(void **state) { run_case(&cases[1]); }
static void general(void **state) { run_case(&cases[2]); }
static void distinct(void **state) { run_case(&cases[3]); }
static void distinct_of_few(void **state) { run_case(&cases[4]); }
static void sessions(void **state) { run_case(&cases[5]); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),   cmocka_unit_test(slices),          cmocka_unit_test(general),
		cmocka_unit_test(distinct), cmocka_unit_test(distinct_of_few), cmocka_unit_test(sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
