/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions of generators, at the level of io/source.h: the rows that nexmark and datagen still make after a restore are those
 * that were missing, whoever held which chunk; who is behind a barrier is dealt nothing; pace and time limit go on.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/type.h"
#include "io/connectors.h"
#include "io/source.h"
#include "io/source_sequence.h"
#include "tr_test.h"

#define ROWS 3000
#define READERS 3

struct test_clock {
	struct tr_environment env;
	int64_t now_ns;
};

static int64_t clock_monotonic(struct tr_environment *env) { return ((struct test_clock *)env)->now_ns; }
static int64_t clock_wall(struct tr_environment *env) { return 0; }
static uint64_t clock_random(struct tr_environment *env) { return 4; }
static const struct tr_environment_ops clock_ops = {clock_monotonic, clock_wall, clock_random};

/** Positions as a checkpoint keeps them. */
struct saved {
	struct tr_position_writer writer;
	struct tr_split_position split;
	uint64_t split_count;
	struct tr_chunk_position chunks[READERS * 2];
	uint64_t chunk_count;
	char text[64];
};

static void put_split(struct tr_position_writer *writer, const struct tr_split_position *split)
{
	struct saved *s = (struct saved *)writer;

	assert_int_equal(s->split_count, 0);
	s->split_count = 1;
	s->split = *split;
	snprintf(s->text, sizeof(s->text), "%s", split->text);
	s->split.text = s->text;
}

static void put_chunk(struct tr_position_writer *writer, const struct tr_chunk_position *chunk)
{
	struct saved *s = (struct saved *)writer;

	assert_true(s->chunk_count < TR_COUNT_OF(s->chunks));
	s->chunks[s->chunk_count++] = *chunk;
}

static int compare_chunks(const void *a, const void *b)
{
	const struct tr_chunk_position *x = a, *y = b;

	return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

static tr_code restore(const struct tr_source_ops *ops, struct tr_source *source, struct saved *s, struct tr_status *st)
{
	const struct tr_source_positions positions = {&s->split, s->split_count, s->chunks, s->chunk_count};

	qsort(s->chunks, s->chunk_count, sizeof(*s->chunks), compare_chunks);
	return ops->restore(source, &positions, st);
}

struct reader {
	struct tr_source_context context;
	struct tr_source_reader *reader;
	struct tr_batch_buffer *buffer;
	bool is_done;
	bool has_chunk; /* told, and not given to its end */
	struct tr_chunk_position chunk;
};

/** Each row as text: what is made must not depend on when and by whom. */
struct made {
	struct tr_bytes rows[ROWS];
};

static void note_rows(struct made *made, const struct tr_batch *batch, int64_t first)
{
	for (uint32_t i = 0; i < batch->row_count; i++) {
		struct tr_bytes *row = &made->rows[first + i];

		assert_int_equal(row->length, 0);
		tr_bytes_printf(row, "%d ",
				tr_column_is_null(&batch->columns[0], i) ? -1
									 : (int)tr_column_i32(&batch->columns[0], i));
		if (batch->columns[1].type->phys == TR_PHYS_I64)
			tr_bytes_printf(row, "%lld", (long long)tr_column_i64(&batch->columns[1], i));
		else if (!tr_column_is_null(&batch->columns[1], i))
			tr_bytes_printf(row, "%lld", (long long)tr_column_i64(&batch->columns[1].children[0], i));
		tr_bytes_append_char(row, '\0');
	}
}

struct generator {
	const struct tr_connector *connector;
	const struct tr_option *options;
	uint32_t option_count;
	bool is_row; /* the second column is ROW<auction BIGINT> */
};

static struct tr_table_spec spec_of(const struct generator *g, struct tr_arena *arena, struct tr_schema *schema)
{
	static const char *const names[] = {"event_type", "bid"};
	static const char *const fields[] = {"auction"};
	const struct tr_type *child = tr_type_of(TR_TYPE_BIGINT);
	const struct tr_type **types = TR_NEW_ARRAY(arena, 2, const struct tr_type *);

	types[0] = tr_type_of(TR_TYPE_INT);
	types[1] = g->is_row ? tr_type_row(arena, fields, &child, 1) : child;
	*schema = (struct tr_schema){2, names, types};
	return (struct tr_table_spec){
		.name = "events",
		.connector = g->connector,
		.options = {g->options, g->option_count},
		.schema = schema,
		.batch_rows = 50,
	};
}

/** Runs with cuts at random; the rows that had been given before a cut are dropped after it, as the runtime does. */
static void run(const struct generator *g, uint32_t cuts, struct made *made, uint64_t random)
{
	struct test_clock clock = {.env = {.ops = &clock_ops}};
	const struct tr_source_ops *ops = g->connector->source;
	struct tr_arena arena;
	struct tr_schema schema;
	struct saved saved = {.writer = {put_split, put_chunk}};
	struct tr_status st = {0};

	tr_arena_init(&arena, 0);
	for (uint32_t cut = 0; cut <= cuts; cut++) {
		const struct tr_table_spec spec = spec_of(g, &arena, &schema);
		const uint32_t count = 1 + tr_test_below(&random, READERS);
		const uint32_t patience = cut < cuts ? tr_test_below(&random, 40) : UINT32_MAX;
		struct reader readers[READERS] = {0};
		struct tr_source *source = NULL;
		uint32_t done = 0, first;

		assert_int_equal(ops->open(&spec, &clock.env, count, &source, &st), TR_OK);
		if (restore(ops, source, &saved, &st) != TR_OK)
			fail_msg("%s", st.message);
		for (uint32_t i = 0; i < count; i++) {
			readers[i].context = (struct tr_source_context){&clock.env, NULL, i, count, 0};
			assert_int_equal(ops->reader_open(source, &readers[i].context, &readers[i].reader, &st), TR_OK);
			readers[i].buffer = tr_batch_buffer_create(&schema, 50);
		}
		for (uint32_t turn = 0; turn < patience && done < count; turn++) {
			struct reader *r = &readers[tr_test_below(&random, count)];
			struct tr_chunk_info info;
			enum tr_flow flow;
			int64_t row, given;

			tr_batch_buffer_clear(r->buffer);
			flow = ops->poll(r->reader, r->buffer, &info, &st);
			assert_int_not_equal(flow, TR_FLOW_FAILED);
			done += flow == TR_FLOW_DONE && !r->is_done;
			r->is_done |= flow == TR_FLOW_DONE;
			if (flow == TR_FLOW_BLOCKED)
				clock.now_ns += 1000000;
			if (flow != TR_FLOW_MORE)
				continue;
			if (info.is_first)
				r->chunk = (struct tr_chunk_position){0, info.chunk, info.start, info.limit, true};
			r->has_chunk = !info.is_last;
			given = r->buffer->batch.row_count;
			row = r->chunk.start;
			r->chunk.start += given; /* here: the first row that has not been given */
			assert_true(!info.is_last || info.end == info.limit);
			note_rows(made, &r->buffer->batch, row);
		}
		/* The barrier: in any order; in between, who is behind gets nothing new. */
		saved.split_count = saved.chunk_count = 0;
		first = tr_test_below(&random, count);
		for (uint32_t k = 0; k < count; k++) {
			struct reader *r = &readers[(first + k) % count];
			struct reader *late = &readers[(first + count - 1) % count];
			struct tr_chunk_info info;

			assert_int_equal(ops->reader_barrier(r->reader, cut + 1, &saved.writer), k == 0);
			if (r->has_chunk)
				put_chunk(&saved.writer, &r->chunk);
			tr_batch_buffer_clear(late->buffer);
			if (k + 1 < count && !late->has_chunk) {
				clock.now_ns += 1000000;
				if (ops->poll(late->reader, late->buffer, &info, &st) == TR_FLOW_MORE) {
					/* of a chunk that it had before the barrier */
					late->chunk =
						(struct tr_chunk_position){0, info.chunk, info.end, info.limit, true};
					late->has_chunk = !info.is_last;
					note_rows(made, &late->buffer->batch, info.start);
					late->chunk.start = info.start + late->buffer->batch.row_count;
				}
			}
		}
		for (uint32_t i = 0; i < count; i++) {
			ops->reader_close(&readers[i].reader);
			tr_batch_buffer_destroy(&readers[i].buffer);
		}
		ops->close(&source);
	}
	tr_arena_deinit(&arena);
}

static void check(const struct generator *g)
{
	struct made *whole = calloc(1, sizeof(*whole));

	run(g, 0, whole, 1);
	for (uint64_t seed = 1; seed <= tr_test_cases(100); seed++) {
		struct made *made = calloc(1, sizeof(*made));

		run(g, 1 + (uint32_t)(seed % 6), made, seed);
		for (uint32_t i = 0; i < ROWS; i++) {
			if (made->rows[i].length == 0)
				fail_msg("seed %llu: row %u is missing", (unsigned long long)seed, i);
			assert_string_equal(made->rows[i].data, whole->rows[i].data);
			tr_bytes_deinit(&made->rows[i]);
		}
		free(made);
	}
	for (uint32_t i = 0; i < ROWS; i++)
		tr_bytes_deinit(&whole->rows[i]);
	free(whole);
}

static void test_nexmark(void **state)
{
	static const struct tr_option options[] = {{"events.num", "3000"}, {"seed", "5"}};
	static const struct tr_option paced[] = {
		{"events.num", "3000"}, {"seed", "5"}, {"rate.limited", "true"}, {"first-event.rate", "20000"}};

	check(&(struct generator){&tr_connector_nexmark, options, 2, true});
	check(&(struct generator){&tr_connector_nexmark, paced, 4, true});
}

static void test_datagen(void **state)
{
	static const struct tr_option options[] = {{"number-of-rows", "3000"}, {"rows-per-second", "50000"}};

	check(&(struct generator){&tr_connector_datagen, options, 2, false});
}

/** Pace: a row number that was reached before is due at once; the time that had passed counts. */
static void test_pace_and_time(void **state)
{
	struct test_clock clock = {.env = {.ops = &clock_ops}};
	const struct tr_sequence_config config = {
		.rows = TR_SEQUENCE_UNBOUNDED, .rows_per_second = 100, .stop_after_ms = 10000, .batch_rows = 10};
	const struct tr_split_position split = {.next_chunk = 100, .next_start = 500, .text = "elapsed-ms=5000"};
	const struct tr_chunk_position hand = {.chunk = 99, .start = 495, .limit = 500};
	struct tr_source_positions positions = {&split, 1, &hand, 1};
	struct tr_source_context context = {.env = &clock.env};
	struct tr_sequence_cursor cursor = {0};
	struct tr_sequence sequence;
	struct tr_chunk_info info;
	struct tr_status st = {0};
	int64_t first;
	uint32_t count;

	tr_sequence_init(&sequence, &config, &clock.env);
	assert_int_equal(tr_sequence_restore(&sequence, "t", &positions, &clock.env, &st), TR_OK);
	assert_int_equal(tr_sequence_next(&sequence, &cursor, &context, &first, &count, &info), TR_FLOW_MORE);
	assert_int_equal(first, 495);
	assert_int_equal(count, 1);
	assert_int_equal(tr_sequence_next(&sequence, &cursor, &context, &first, &count, &info), TR_FLOW_BLOCKED);
	assert_in_range(context.wake_at_ns, 9000000, 11000000); /* 100 rows a second: 10 ms a row */
	clock.now_ns = 40000001;
	assert_int_equal(tr_sequence_next(&sequence, &cursor, &context, &first, &count, &info), TR_FLOW_MORE);
	assert_int_equal(count, 4);
	assert_true(info.is_last && info.chunk == 99);
	clock.now_ns = INT64_C(5000000000); /* 5 s before, 5 s now */
	assert_int_equal(tr_sequence_next(&sequence, &cursor, &context, &first, &count, &info), TR_FLOW_MORE);
	assert_true(info.is_split_end && count == 0 && info.chunk == 100);
	tr_sequence_deinit(&sequence);
}

/** Two readers, each now and then far behind the other: in the order of row numbers wall times never go back, and a row has
 * the time at which it was due (cut to ms), or one at which its chunk had been dealt. */
static void test_wall_times(void **state)
{
	struct test_clock clock = {.env.ops = &clock_ops};
	struct tr_source_context context = {.env = &clock.env};
	const struct tr_sequence_config config = {.rows = ROWS, .rows_per_second = 1000, .batch_rows = 16};
	struct tr_sequence sequence;
	struct tr_sequence_cursor cursors[2] = {0};
	int64_t times[ROWS], made_ms[ROWS], made = 0;
	uint64_t random = 7;

	tr_sequence_init(&sequence, &config, &clock.env);
	while (made < ROWS) {
		struct tr_sequence_cursor *cursor = &cursors[tr_test_below(&random, 2)];
		struct tr_chunk_info info;
		int64_t first;
		uint32_t count;

		clock.now_ns += (int64_t)tr_test_below(&random, 20) * 1000000;
		if (tr_sequence_next(&sequence, cursor, &context, &first, &count, &info) != TR_FLOW_MORE)
			continue;
		for (int64_t row = first; row < first + count; row++) {
			times[row] = tr_sequence_wall_ms(&sequence, cursor, row);
			made_ms[row] = clock.now_ns / 1000000;
		}
		made += count;
	}
	for (int64_t row = 0; row < ROWS; row++) {
		assert_true(times[row] >= row - 1 && times[row] <= made_ms[row]);
		assert_true(row == 0 || times[row] >= times[row - 1]);
	}
	tr_sequence_deinit(&sequence);
}

static void test_damage(void **state)
{
	struct test_clock clock = {.env = {.ops = &clock_ops}};
	const struct tr_sequence_config config = {.rows = 1000, .batch_rows = 10};
	const struct tr_split_position splits[] = {
		{.next_chunk = 1, .next_start = 1001, .text = "elapsed-ms=0"},
		{.next_chunk = 1, .next_start = -1, .text = "elapsed-ms=0"},
		{.next_chunk = 1, .next_start = 100, .text = "inode=4"},
		{.next_chunk = 1, .next_start = 100, .text = "elapsed-ms=0"},
	};
	const struct tr_chunk_position chunk = {.chunk = 0, .start = 90, .limit = 101};

	for (size_t i = 0; i < TR_COUNT_OF(splits); i++) {
		const struct tr_source_positions positions = {&splits[i], 1, &chunk, 1};
		struct tr_sequence sequence;
		struct tr_status st = {0};

		tr_sequence_init(&sequence, &config, &clock.env);
		assert_int_equal(tr_sequence_restore(&sequence, "t", &positions, &clock.env, &st), TR_ERR_DATA);
		assert_non_null(strstr(st.message, "table 't'"));
		tr_sequence_deinit(&sequence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nexmark),    cmocka_unit_test(test_datagen), cmocka_unit_test(test_pace_and_time),
		cmocka_unit_test(test_wall_times), cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
