/* SPDX-License-Identifier: Apache-2.0
 *
 * The nexmark connector: chunks and splits, options and their errors, pacing by a clock that the test holds.
 */
#include "base/type.h"
#include "io/connectors.h"
#include "io/nexmark_schema.h"
#include "io/source.h"
#include "tr_test.h"

#define BATCH_ROWS 100

struct test_clock {
	struct tr_environment env;
	int64_t now_ns;
};

static int64_t clock_monotonic(struct tr_environment *env) { return ((struct test_clock *)env)->now_ns; }
static int64_t clock_wall(struct tr_environment *env) { return 0; }
static uint64_t clock_random(struct tr_environment *env) { return 4; }
static const struct tr_environment_ops clock_ops = {clock_monotonic, clock_wall, clock_random};

struct fixture {
	struct tr_arena arena;
	struct test_clock clock;
	struct tr_table_spec spec;
	struct tr_schema schema;
	struct tr_source *source;
	struct tr_status st;
};

static const struct tr_source_ops *ops;

static void fixture_init(struct fixture *f, const struct tr_option *options, uint32_t count)
{
	static const char *const names[] = {"event_type", "bid"};
	static const char *const fields[] = {"auction", "price"};
	const struct tr_type **types;
	const struct tr_type *children[2] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_BIGINT)};

	memset(f, 0, sizeof(*f));
	ops = tr_connector_nexmark.source;
	tr_arena_init(&f->arena, 0);
	types = TR_NEW_ARRAY(&f->arena, 2, const struct tr_type *);
	types[0] = tr_type_of(TR_TYPE_INT);
	types[1] = tr_type_row(&f->arena, fields, children, 2);
	f->schema = (struct tr_schema){2, names, types};
	f->clock.env.ops = &clock_ops;
	f->spec = (struct tr_table_spec){
		.name = "events",
		.connector = &tr_connector_nexmark,
		.options = {options, count},
		.schema = &f->schema,
		.batch_rows = BATCH_ROWS,
	};
}

static void fixture_deinit(struct fixture *f)
{
	ops->close(&f->source);
	tr_arena_deinit(&f->arena);
}

struct reader {
	struct tr_source_context context;
	struct tr_source_reader *reader;
	struct tr_batch_buffer *buffer;
	struct tr_chunk_info info;
};

static void reader_init(struct fixture *f, struct reader *r, uint32_t subtask, uint32_t count)
{
	memset(r, 0, sizeof(*r));
	r->context = (struct tr_source_context){&f->clock.env, NULL, subtask, count, 0};
	assert_int_equal(ops->reader_open(f->source, &r->context, &r->reader, &f->st), TR_OK);
	r->buffer = tr_batch_buffer_create(&f->schema, BATCH_ROWS);
}

static void reader_deinit(struct reader *r)
{
	ops->reader_close(&r->reader);
	tr_batch_buffer_destroy(&r->buffer);
}

static enum tr_flow reader_poll(struct fixture *f, struct reader *r)
{
	tr_batch_buffer_clear(r->buffer);
	return ops->poll(r->reader, r->buffer, &r->info, &f->st);
}

/* Two readers in any order: together all events, once each, chunks in order. */
static void readers_share_the_events(void **state)
{
	static const struct tr_option options[] = {{"connector", "nexmark"}, {"events.num", "12345"}, {"seed", "3"}};
	struct fixture f;
	struct reader readers[2];
	bool is_done[2] = {false, false};
	uint64_t seed = 1, chunks_seen = 0, known, begun;
	int64_t sum = 0, expected = 0, rows = 0, split_end = -1;

	fixture_init(&f, options, 3);
	assert_true(ops->is_bounded(&f.spec));
	assert_int_equal(ops->open(&f.spec, &f.clock.env, 2, &f.source, &f.st), TR_OK);
	ops->progress(f.source, &known, &begun);
	assert_int_equal(known, 1);
	assert_int_equal(begun, 0);
	for (uint32_t i = 0; i < 2; i++)
		reader_init(&f, &readers[i], i, 2);
	while (!is_done[0] || !is_done[1]) {
		const uint32_t who = tr_test_below(&seed, 2);
		struct reader *r = &readers[who];
		const enum tr_flow flow = reader_poll(&f, r);

		if (flow == TR_FLOW_DONE) {
			is_done[who] = true;
			continue;
		}
		assert_int_equal(flow, TR_FLOW_MORE);
		assert_int_equal(r->info.split, 0);
		if (r->info.is_first)
			assert_int_equal(r->info.chunk, chunks_seen++);
		if (r->info.is_split_end)
			split_end = r->info.end;
		rows += r->buffer->batch.row_count;
		for (uint32_t i = 0; i < r->buffer->batch.row_count; i++)
			if (!tr_column_is_null(&r->buffer->batch.columns[1], i))
				sum += tr_column_i64(&r->buffer->batch.columns[1].children[1], i);
	}
	assert_int_equal(rows, 12345);
	assert_int_equal(split_end, 12345);
	ops->progress(f.source, &known, &begun);
	assert_int_equal(begun, 1);
	for (uint32_t i = 0; i < 2; i++)
		reader_deinit(&readers[i]);
	ops->close(&f.source);
	/* The same by one reader. */
	assert_int_equal(ops->open(&f.spec, &f.clock.env, 1, &f.source, &f.st), TR_OK);
	reader_init(&f, &readers[0], 0, 1);
	while (reader_poll(&f, &readers[0]) == TR_FLOW_MORE)
		for (uint32_t i = 0; i < readers[0].buffer->batch.row_count; i++)
			if (!tr_column_is_null(&readers[0].buffer->batch.columns[1], i))
				expected += tr_column_i64(&readers[0].buffer->batch.columns[1].children[1], i);
	assert_int_equal(sum, expected);
	reader_deinit(&readers[0]);
	fixture_deinit(&f);
}

static void the_clock_holds_back(void **state)
{
	static const struct tr_option options[] = {
		{"events.num", "1000"}, {"first-event.rate", "1000"}, {"rate.limited", "true"}};
	struct fixture f;
	struct reader r;
	int64_t rows = 0;
	enum tr_flow flow;

	fixture_init(&f, options, 3);
	f.clock.now_ns = 5000;
	assert_int_equal(ops->open(&f.spec, &f.clock.env, 1, &f.source, &f.st), TR_OK);
	reader_init(&f, &r, 0, 1);
	while ((flow = reader_poll(&f, &r)) != TR_FLOW_DONE) {
		if (flow == TR_FLOW_MORE) {
			rows += r.buffer->batch.row_count;
			/* Row n is due n ms after the start. */
			assert_true((rows - 1) * 1000000 <= f.clock.now_ns - 5000);
			continue;
		}
		assert_int_equal(flow, TR_FLOW_BLOCKED);
		assert_true(r.context.wake_at_ns > f.clock.now_ns);
		assert_true(r.context.wake_at_ns <= f.clock.now_ns + 20000000);
		f.clock.now_ns = r.context.wake_at_ns;
	}
	assert_int_equal(rows, 1000);
	assert_in_range(f.clock.now_ns, 990000000, 1010000000);
	reader_deinit(&r);
	fixture_deinit(&f);
}

static void time_ends_the_table(void **state)
{
	static const struct tr_option options[] = {{"stop-after", "2 s"}};
	struct fixture f;
	struct reader r;
	uint32_t batches = 0;
	enum tr_flow flow;

	fixture_init(&f, options, 1);
	assert_true(ops->is_bounded(&f.spec));
	assert_int_equal(ops->open(&f.spec, &f.clock.env, 1, &f.source, &f.st), TR_OK);
	reader_init(&f, &r, 0, 1);
	while ((flow = reader_poll(&f, &r)) == TR_FLOW_MORE) {
		f.clock.now_ns += 10000000;
		batches++;
		if (r.info.is_split_end) {
			assert_true(r.info.is_last);
			assert_int_equal(r.info.start, r.info.end);
		}
	}
	assert_int_equal(flow, TR_FLOW_DONE);
	assert_true(r.info.is_split_end);
	assert_in_range(batches, 200, 210);
	reader_deinit(&r);
	fixture_deinit(&f);
}

static void it_may_stay_open(void **state)
{
	static const struct tr_option options[] = {{"events.num", "250"}, {"keep-alive", "true"}};
	struct fixture f;
	struct reader r;
	int64_t rows = 0;

	fixture_init(&f, options, 2);
	assert_false(ops->is_bounded(&f.spec));
	assert_int_equal(ops->open(&f.spec, &f.clock.env, 1, &f.source, &f.st), TR_OK);
	reader_init(&f, &r, 0, 1);
	while (reader_poll(&f, &r) == TR_FLOW_MORE)
		rows += r.buffer->batch.row_count;
	assert_int_equal(rows, 250);
	assert_int_equal(reader_poll(&f, &r), TR_FLOW_BLOCKED);
	assert_true(r.context.wake_at_ns == INT64_MAX);
	reader_deinit(&r);
	fixture_deinit(&f);
}

static void expect_open_error(const struct tr_option *option, const char *text)
{
	struct fixture f;

	fixture_init(&f, option, 1);
	assert_int_equal(ops->open(&f.spec, &f.clock.env, 1, &f.source, &f.st), TR_ERR_DATA);
	assert_non_null(strstr(f.st.message, text));
	assert_null(f.source);
	tr_arena_deinit(&f.arena);
}

static void bad_options_are_named(void **state)
{
	static const struct tr_option misspelled = {"event.num", "5"};
	struct fixture f;
	const char *bad_key = NULL;

	expect_open_error(&(struct tr_option){"first-event.rate", "0"}, "'first-event.rate' is 0");
	expect_open_error(&(struct tr_option){"bid.hot-ratio.auctions", "0"}, "'bid.hot-ratio.auctions'");
	expect_open_error(&(struct tr_option){"bid.avg-size", "1 gb"}, "'bid.avg-size'");
	expect_open_error(&(struct tr_option){"events.num", "-1"}, "'events.num'");
	fixture_init(&f, &misspelled, 1);
	assert_int_equal(tr_options_check(&f.spec, &bad_key, &f.st), TR_ERR_DATA);
	assert_string_equal(bad_key, "event.num");
	assert_non_null(strstr(f.st.message, "events.num"));
	tr_arena_deinit(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_share_the_events), cmocka_unit_test(the_clock_holds_back),
		cmocka_unit_test(time_ends_the_table),      cmocka_unit_test(it_may_stay_open),
		cmocka_unit_test(bad_options_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
