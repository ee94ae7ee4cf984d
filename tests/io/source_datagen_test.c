/* SPDX-License-Identifier: Apache-2.0
 *
 * The datagen connector: values in their ranges, sequences, NULLs, nested types, and that batches, readers and order do
 * not matter.
 */
#include <math.h>

#include "base/text.h"
#include "base/timezone.h"
#include "base/type.h"
#include "io/connectors.h"
#include "io/source.h"
#include "tr_test.h"

#define COLUMNS_MAX 32
#define WALL_MS INT64_C(1000000000123)

static int64_t clock_monotonic(struct tr_environment *env)
{
	return INT64_C(1) << 60; /* all rows are due: the source is opened when `now` is less */
}
static int64_t clock_start(struct tr_environment *env) { return 0; }
static int64_t clock_wall(struct tr_environment *env) { return WALL_MS; }
static uint64_t clock_random(struct tr_environment *env) { return 4; }
static const struct tr_environment_ops late_ops = {clock_monotonic, clock_wall, clock_random};
static const struct tr_environment_ops start_ops = {clock_start, clock_wall, clock_random};

struct fixture {
	struct tr_arena arena;
	struct tr_environment env;
	struct tr_table_spec spec;
	struct tr_schema schema;
	const char *names[COLUMNS_MAX];
	const struct tr_type *types[COLUMNS_MAX];
	struct tr_option options[64];
	struct tr_source *source;
	struct tr_status st;
};

static const struct tr_source_ops *ops;

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	ops = tr_connector_datagen.source;
	tr_arena_init(&f->arena, 0);
	f->schema = (struct tr_schema){0, f->names, f->types};
	f->spec = (struct tr_table_spec){
		.name = "t",
		.connector = &tr_connector_datagen,
		.options = {f->options, 0},
		.schema = &f->schema,
		.batch_rows = 512,
	};
}

static void fixture_deinit(struct fixture *f) { tr_arena_deinit(&f->arena); }

static void add_column(struct fixture *f, const char *name, const struct tr_type *type)
{
	f->names[f->schema.column_count] = name;
	f->types[f->schema.column_count++] = type;
}

static void add_option(struct fixture *f, const char *key, const char *value)
{
	f->options[f->spec.options.count++] = (struct tr_option){key, value};
}

static void fixture_open(struct fixture *f, uint32_t readers)
{
	f->env.ops = &start_ops;
	assert_int_equal(tr_options_check(&f->spec, NULL, &f->st), TR_OK);
	if (ops->open(&f->spec, &f->env, readers, &f->source, &f->st) != TR_OK)
		fail_msg("%s", f->st.message);
	f->env.ops = &late_ops;
}

/* All rows as text, in order of their numbers, made by `readers` readers that take turns at random. */
static char **run(struct fixture *f, uint32_t readers, uint32_t batch_rows, uint32_t *count)
{
	struct tr_source_context contexts[4];
	struct tr_source_reader *reader[4];
	struct tr_batch_buffer *buffer;
	struct tr_chunk_info info;
	struct tr_bytes text = {0};
	char **rows = calloc(100000, sizeof(*rows));
	uint64_t seed = readers * 77 + batch_rows;
	int64_t next[4] = {0};
	uint32_t open = readers;
	bool is_done[4] = {false};

	f->spec.batch_rows = batch_rows;
	fixture_open(f, readers);
	buffer = tr_batch_buffer_create(&f->schema, batch_rows);
	*count = 0;
	for (uint32_t i = 0; i < readers; i++) {
		contexts[i] = (struct tr_source_context){&f->env, NULL, i, readers, 0};
		assert_int_equal(ops->reader_open(f->source, &contexts[i], &reader[i], &f->st), TR_OK);
	}
	while (open > 0) {
		const uint32_t who = tr_test_below(&seed, readers);
		enum tr_flow flow;

		if (is_done[who])
			continue;
		tr_batch_buffer_clear(buffer);
		flow = ops->poll(reader[who], buffer, &info, &f->st);
		if (flow == TR_FLOW_DONE) {
			is_done[who] = true;
			open--;
			continue;
		}
		assert_int_equal(flow, TR_FLOW_MORE);
		if (info.is_first)
			next[who] = info.start;
		for (uint32_t i = 0; i < buffer->batch.row_count; i++, next[who]++) {
			text.length = 0;
			tr_text_append_row(&text, &buffer->batch, i, tr_timezone_utc());
			assert_null(rows[next[who]]);
			rows[next[who]] = strndup(text.data, text.length);
			(*count)++;
		}
	}
	for (uint32_t i = 0; i < readers; i++)
		ops->reader_close(&reader[i]);
	tr_batch_buffer_destroy(&buffer);
	ops->close(&f->source);
	tr_bytes_deinit(&text);
	return rows;
}

static void free_rows(char **rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(rows[i]);
	free(rows);
}

static const struct tr_type *sized(struct fixture *f, enum tr_type_id id, int length)
{
	return tr_type_with_precision(&f->arena, id, length);
}

static void add_all_types(struct fixture *f)
{
	const char *const fields[] = {"a", "b", "c"};
	const struct tr_type *children[3];

	add_column(f, "flag", tr_type_of(TR_TYPE_BOOLEAN));
	add_column(f, "tiny", tr_type_of(TR_TYPE_TINYINT));
	add_column(f, "small", tr_type_of(TR_TYPE_SMALLINT));
	add_column(f, "int", tr_type_of(TR_TYPE_INT));
	add_column(f, "big", tr_type_of(TR_TYPE_BIGINT));
	add_column(f, "float", tr_type_of(TR_TYPE_FLOAT));
	add_column(f, "double", tr_type_of(TR_TYPE_DOUBLE));
	add_column(f, "dec", tr_type_decimal(&f->arena, 10, 2));
	add_column(f, "huge", tr_type_decimal(&f->arena, 38, 5));
	add_column(f, "char", sized(f, TR_TYPE_CHAR, 7));
	add_column(f, "varchar", sized(f, TR_TYPE_VARCHAR, 20));
	add_column(f, "text", tr_type_of(TR_TYPE_VARCHAR));
	add_column(f, "binary", sized(f, TR_TYPE_BINARY, 5));
	add_column(f, "bytes", tr_type_of(TR_TYPE_VARBINARY));
	add_column(f, "date", tr_type_of(TR_TYPE_DATE));
	add_column(f, "time", tr_type_of(TR_TYPE_TIME));
	add_column(f, "ts", tr_type_of(TR_TYPE_TIMESTAMP));
	add_column(f, "ltz", sized(f, TR_TYPE_TIMESTAMP_LTZ, 3));
	add_column(f, "months", tr_type_of(TR_TYPE_INTERVAL_MONTH));
	add_column(f, "span", tr_type_of(TR_TYPE_INTERVAL_MS));
	children[0] = tr_type_of(TR_TYPE_BIGINT);
	children[1] = tr_type_of(TR_TYPE_VARCHAR);
	children[2] = tr_type_array(&f->arena, tr_type_of(TR_TYPE_INT));
	add_column(f, "row", tr_type_row(&f->arena, fields, children, 3));
	add_column(f, "array", tr_type_array(&f->arena, tr_type_row(&f->arena, fields, children, 2)));
	add_column(f, "map", tr_type_map(&f->arena, tr_type_of(TR_TYPE_BOOLEAN), tr_type_of(TR_TYPE_VARCHAR)));
	add_column(f, "bag", tr_type_multiset(&f->arena, tr_type_of(TR_TYPE_INT)));
	for (uint32_t c = 0; c < f->schema.column_count; c++)
		add_option(f, tr_arena_printf(&f->arena, "fields.%s.null-rate", f->names[c]), "0.25");
	add_option(f, "fields.text.length", "13");
	add_option(f, "fields.bytes.length", "40");
	add_option(f, "fields.bytes.var-len", "true");
	add_option(f, "fields.row.b.null-rate", "0.5");
	add_option(f, "fields.ts.max-past", "1 h");
	add_option(f, "number-of-rows", "3000");
	add_option(f, "seed", "5");
}

static void who_makes_a_row_does_not_matter(void **state)
{
	static const uint32_t cases[][2] = {{1, 1}, {1, 7}, {2, 64}, {3, 100}, {4, 2048}};
	struct fixture f;
	uint32_t expected_count, count;
	char **expected;
	uint32_t distinct = 0;

	fixture_init(&f);
	add_all_types(&f);
	expected = run(&f, 1, 3000, &expected_count);
	assert_int_equal(expected_count, 3000);
	for (uint32_t i = 1; i < expected_count; i++)
		distinct += strcmp(expected[i], expected[i - 1]) != 0;
	assert_int_equal(distinct, expected_count - 1);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		char **rows = run(&f, cases[c][0], cases[c][1], &count);

		assert_int_equal(count, expected_count);
		for (uint32_t i = 0; i < count; i++)
			assert_string_equal(rows[i], expected[i]);
		free_rows(rows, count);
	}
	free_rows(expected, expected_count);
	fixture_deinit(&f);
}

/* One batch of `rows` rows. */
static struct tr_batch_buffer *make(struct fixture *f, uint32_t rows)
{
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&f->schema, rows);
	struct tr_source_context context = {&f->env, NULL, 0, 1, 0};
	struct tr_source_reader *reader;
	struct tr_chunk_info info;

	f->spec.batch_rows = rows;
	add_option(f, "rows-per-second", "1000000000"); /* a slower table deals smaller chunks */
	fixture_open(f, 1);
	context.env = &f->env;
	assert_int_equal(ops->reader_open(f->source, &context, &reader, &f->st), TR_OK);
	assert_int_equal(ops->poll(reader, buffer, &info, &f->st), TR_FLOW_MORE);
	ops->reader_close(&reader);
	ops->close(&f->source);
	return buffer;
}

static void numbers_keep_their_ranges(void **state)
{
	struct fixture f;
	struct tr_batch_buffer *buffer;
	const struct tr_batch *batch;
	double sum = 0, sum_f64 = 0;
	uint32_t seen[7] = {0}, tiny_low = 0;

	fixture_init(&f);
	add_column(&f, "i", tr_type_of(TR_TYPE_INT));
	add_column(&f, "b", tr_type_of(TR_TYPE_BIGINT));
	add_column(&f, "d", tr_type_of(TR_TYPE_DOUBLE));
	add_column(&f, "m", tr_type_decimal(&f.arena, 6, 2));
	add_column(&f, "t", tr_type_of(TR_TYPE_TINYINT));
	add_column(&f, "f", tr_type_of(TR_TYPE_FLOAT));
	add_column(&f, "h", tr_type_decimal(&f.arena, 38, 0));
	add_option(&f, "fields.i.min", "-3");
	add_option(&f, "fields.i.max", "3");
	add_option(&f, "fields.d.min", "1.5");
	add_option(&f, "fields.d.max", "2.5");
	add_option(&f, "fields.m.min", "-0.05");
	add_option(&f, "fields.m.max", "0.05");
	buffer = make(&f, 20000);
	batch = &buffer->batch;
	assert_int_equal(batch->row_count, 20000);
	for (uint32_t i = 0; i < batch->row_count; i++) {
		const int32_t small = tr_column_i32(&batch->columns[0], i);
		const tr_i128 huge = tr_column_i128(&batch->columns[6], i);
		const float f32 = tr_column_f32(&batch->columns[5], i);

		assert_true(small >= -3 && small <= 3);
		seen[small + 3]++;
		sum += (double)tr_column_i64(&batch->columns[1], i) / 9.3e18;
		assert_true(tr_column_f64(&batch->columns[2], i) >= 1.5 && tr_column_f64(&batch->columns[2], i) <= 2.5);
		sum_f64 += tr_column_f64(&batch->columns[2], i);
		assert_true(tr_column_i64(&batch->columns[3], i) >= -5 && tr_column_i64(&batch->columns[3], i) <= 5);
		tiny_low += tr_column_i8(&batch->columns[4], i) < 0;
		assert_true(f32 >= 0 && isfinite(f32));
		assert_true(huge < tr_text_power_of_ten(38) && huge > -tr_text_power_of_ten(38));
	}
	for (uint32_t v = 0; v < 7; v++)
		assert_in_range(seen[v], 20000 / 7 - 250, 20000 / 7 + 250);
	assert_true(fabs(sum / 20000) < 0.02);
	assert_true(fabs(sum_f64 / 20000 - 2) < 0.01);
	assert_in_range(tiny_low, 9600, 10400);
	tr_batch_buffer_destroy(&buffer);
	fixture_deinit(&f);
}

static void texts_have_their_lengths(void **state)
{
	struct fixture f;
	struct tr_batch_buffer *buffer;
	const struct tr_batch *batch;
	uint32_t lengths[6] = {0};

	fixture_init(&f);
	add_column(&f, "c", sized(&f, TR_TYPE_CHAR, 7));
	add_column(&f, "v", sized(&f, TR_TYPE_VARCHAR, 20));
	add_column(&f, "s", tr_type_of(TR_TYPE_VARCHAR));
	add_column(&f, "x", tr_type_of(TR_TYPE_VARCHAR));
	add_column(&f, "y", tr_type_of(TR_TYPE_VARBINARY));
	add_option(&f, "fields.x.length", "5");
	add_option(&f, "fields.x.var-len", "true");
	buffer = make(&f, 5000);
	batch = &buffer->batch;
	for (uint32_t i = 0; i < batch->row_count; i++) {
		static const uint32_t fixed[] = {7, 20, 100, 0, 100};
		const struct tr_view *x = tr_column_view(&batch->columns[3], i);

		for (uint32_t c = 0; c < 5; c++)
			if (fixed[c] > 0)
				assert_int_equal(tr_column_view(&batch->columns[c], i)->length, fixed[c]);
		for (uint32_t c = 0; c < 4; c++) {
			const struct tr_view *view = tr_column_view(&batch->columns[c], i);

			assert_int_equal(strspn(strndupa(tr_view_text(view), view->length), "0123456789abcdef"),
					 view->length);
		}
		assert_in_range(x->length, 1, 5);
		lengths[x->length]++;
	}
	for (uint32_t l = 1; l <= 5; l++)
		assert_in_range(lengths[l], 850, 1150);
	tr_batch_buffer_destroy(&buffer);
	fixture_deinit(&f);
}

static void sequences_count_and_end(void **state)
{
	struct fixture f;
	uint32_t count;
	char **rows;

	fixture_init(&f);
	add_column(&f, "n", tr_type_of(TR_TYPE_BIGINT));
	add_column(&f, "s", tr_type_of(TR_TYPE_VARCHAR));
	add_column(&f, "d", tr_type_decimal(&f.arena, 8, 2));
	add_column(&f, "x", tr_type_of(TR_TYPE_DOUBLE));
	add_option(&f, "fields.n.kind", "sequence");
	add_option(&f, "fields.n.start", "-2");
	add_option(&f, "fields.n.end", "1000");
	add_option(&f, "fields.s.kind", "SEQUENCE");
	add_option(&f, "fields.s.start", "9999999999999");
	add_option(&f, "fields.s.end", "19999999999999");
	add_option(&f, "fields.d.kind", "sequence");
	add_option(&f, "fields.d.start", "7");
	add_option(&f, "fields.d.end", "56");
	add_option(&f, "fields.x.kind", "sequence");
	add_option(&f, "fields.x.start", "0");
	add_option(&f, "fields.x.end", "100");
	assert_true(ops->is_bounded(&f.spec));
	rows = run(&f, 2, 3, &count);
	assert_int_equal(count, 50); /* the shortest one ends the table */
	assert_string_equal(rows[0], "+I[-2, 9999999999999, 7.00, 0.0]");
	assert_string_equal(rows[49], "+I[47, 10000000000048, 56.00, 49.0]");
	free_rows(rows, count);
	fixture_deinit(&f);
}

static void times_follow_the_clock(void **state)
{
	struct fixture f;
	struct tr_batch_buffer *buffer;
	uint32_t count;
	char **rows;
	/* All rows are due before their chunk is dealt: they have the time of that. */
	const int64_t now_ms = WALL_MS + (INT64_C(1) << 60) / 1000000;
	int64_t least = INT64_MAX, greatest = 0;

	fixture_init(&f);
	add_column(&f, "d", tr_type_of(TR_TYPE_DATE));
	add_column(&f, "t", tr_type_of(TR_TYPE_TIME));
	add_column(&f, "a", sized(&f, TR_TYPE_TIMESTAMP, 3));
	add_column(&f, "b", sized(&f, TR_TYPE_TIMESTAMP_LTZ, 9));
	add_option(&f, "fields.b.max-past", "10 s");
	buffer = make(&f, 2000);
	for (uint32_t i = 0; i < 2000; i++) {
		const int64_t past = now_ms - tr_column_i64(&buffer->batch.columns[3], i) / 1000000;

		assert_int_equal(tr_column_i32(&buffer->batch.columns[0], i), now_ms / 86400000);
		assert_int_equal(tr_column_i32(&buffer->batch.columns[1], i), now_ms % 86400000);
		assert_int_equal(tr_column_i64(&buffer->batch.columns[2], i), now_ms);
		assert_in_range(past, 0, 10000);
		least = past < least ? past : least;
		greatest = past > greatest ? past : greatest;
	}
	assert_true(least < 100 && greatest > 9900);
	tr_batch_buffer_destroy(&buffer);
	f.schema.column_count = 3;
	f.spec.options.count = 0;
	add_option(&f, "number-of-rows", "12");
	add_option(&f, "rows-per-second", "4");
	add_option(&f, "base-time", "86399000");
	rows = run(&f, 1, 100, &count);
	assert_int_equal(count, 12);
	assert_string_equal(rows[3], "+I[1970-01-01, 23:59:59.750, 1970-01-01T23:59:59.750]");
	assert_string_equal(rows[5], "+I[1970-01-02, 00:00:00.250, 1970-01-02T00:00:00.250]");
	free_rows(rows, count);
	fixture_deinit(&f);
}

static void collections_and_nulls(void **state)
{
	struct fixture f;
	struct tr_batch_buffer *buffer;
	const struct tr_column *map, *array;
	uint32_t nulls = 0, element_nulls = 0, elements = 0, sizes[4] = {0};

	fixture_init(&f);
	add_column(&f, "m", tr_type_map(&f.arena, tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_BIGINT)));
	add_column(&f, "a", tr_type_array(&f.arena, tr_type_of(TR_TYPE_VARCHAR)));
	add_option(&f, "fields.m.key.min", "1");
	add_option(&f, "fields.m.key.max", "2");
	add_option(&f, "fields.a.length", "4");
	add_option(&f, "fields.a.null-rate", "0.1");
	add_option(&f, "fields.a.element.length", "3");
	add_option(&f, "fields.a.element.null-rate", "0.5");
	buffer = make(&f, 4000);
	map = &buffer->batch.columns[0];
	array = &buffer->batch.columns[1];
	for (uint32_t i = 0; i < 4000; i++) {
		const uint32_t size = (uint32_t)(map->offsets[i + 1] - map->offsets[i]);

		assert_in_range(size, 1, 2); /* three keys of two: equal ones count once */
		sizes[size]++;
		if (size == 2)
			assert_int_not_equal(tr_column_i32(&map->children[0], (uint32_t)map->offsets[i]),
					     tr_column_i32(&map->children[0], (uint32_t)map->offsets[i] + 1));
		if (tr_column_is_null(array, i)) {
			nulls++;
			continue;
		}
		assert_int_equal(array->offsets[i + 1] - array->offsets[i], 4);
		for (int32_t e = array->offsets[i]; e < array->offsets[i + 1]; e++) {
			elements++;
			if (tr_column_is_null(&array->children[0], (uint32_t)e))
				element_nulls++;
			else
				assert_int_equal(tr_column_view(&array->children[0], (uint32_t)e)->length, 3);
		}
	}
	assert_in_range(sizes[1], 850, 1150); /* a quarter */
	assert_in_range(nulls, 330, 470);
	assert_true(abs((int)element_nulls - (int)elements / 2) < 300);
	tr_batch_buffer_destroy(&buffer);
	fixture_deinit(&f);
}

static void unneeded_columns_are_null(void **state)
{
	static const struct tr_need whole = {.is_whole = true};
	const struct tr_need *needs[3] = {NULL, &whole, NULL};
	struct fixture f;
	uint32_t count;
	char **rows;

	fixture_init(&f);
	add_column(&f, "a", tr_type_of(TR_TYPE_BIGINT));
	add_column(&f, "b", tr_type_of(TR_TYPE_BIGINT));
	add_column(&f, "c", tr_type_array(&f.arena, tr_type_of(TR_TYPE_INT)));
	add_option(&f, "fields.b.kind", "sequence");
	add_option(&f, "fields.b.start", "1");
	add_option(&f, "fields.b.end", "70");
	f.spec.needs = needs;
	rows = run(&f, 1, 100, &count);
	assert_int_equal(count, 70);
	assert_string_equal(rows[69], "+I[null, 70, null]");
	free_rows(rows, count);
	fixture_deinit(&f);
}

static void expect_error(const char *key, const char *value, const char *text)
{
	struct fixture f;

	fixture_init(&f);
	add_column(&f, "price", tr_type_of(TR_TYPE_INT));
	add_column(&f, "name", tr_type_of(TR_TYPE_VARCHAR));
	add_column(&f, "flags", tr_type_array(&f.arena, tr_type_of(TR_TYPE_BOOLEAN)));
	add_option(&f, key, value);
	f.env.ops = &start_ops;
	assert_int_equal(ops->open(&f.spec, &f.env, 1, &f.source, &f.st), TR_ERR_DATA);
	if (strstr(f.st.message, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, f.st.message);
	fixture_deinit(&f);
}

static void bad_options_are_named(void **state)
{
	expect_error("fields.pirce.min", "1", "did you mean 'price'?");
	expect_error("fields.price.min", "x", "'fields.price.min' = 'x': expected a whole number");
	expect_error("fields.price.min", "3000000000", "from -2147483648 to 2147483647");
	expect_error("fields.name.min", "1", "has no meaning");
	expect_error("fields.flags.elemnt.null-rate", "1", "did you mean 'flags.element'?");
	expect_error("fields.flags.kind", "sequence", "needs a column of a number or a text, not ARRAY<BOOLEAN>");
	expect_error("fields.price.kind", "sequence", "needs both 'fields.price.start' and 'fields.price.end'");
	expect_error("fields.price.null-rate", "1.5", "expected a number from 0 to 1");
	expect_error("fields.name.length", "0", "'fields.name.length'");
	expect_error("rows-per-second", "0", "rows-per-second");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_makes_a_row_does_not_matter), cmocka_unit_test(numbers_keep_their_ranges),
		cmocka_unit_test(texts_have_their_lengths),        cmocka_unit_test(sequences_count_and_end),
		cmocka_unit_test(times_follow_the_clock),          cmocka_unit_test(collections_and_nulls),
		cmocka_unit_test(unneeded_columns_are_null),       cmocka_unit_test(bad_options_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
