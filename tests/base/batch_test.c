/* SPDX-License-Identifier: Apache-2.0
 * Batch buffers against a row model: random rows of every type are appended in random pieces, through random
 * selections, and each value that comes out is compared with the value in the source it came from.
 */
#include "tr_test.h"

#include "base/batch.h"
#include "base/column_buffer.h"
#include "base/type.h"

#define SOURCE_ROWS 500

static struct tr_arena arena;
static struct tr_schema schema;

static int setup(void **state)
{
	static const struct tr_type *types[TR_TYPE_ARRAY + 6];
	static const char *names[TR_TYPE_ARRAY + 6];
	const char *fields[] = {"x", "y"};
	const struct tr_type *row_types[2];
	uint32_t n = 0;

	tr_arena_init(&arena, 0);
	for (int id = TR_TYPE_NULL; id < TR_TYPE_ARRAY; id++)
		types[n++] = tr_type_of(id);
	types[n++] = tr_type_decimal(&arena, 30, 2);
	types[n++] = tr_type_array(&arena, tr_type_of(TR_TYPE_INT));
	types[n++] = tr_type_map(&arena, tr_type_of(TR_TYPE_VARCHAR), tr_type_of(TR_TYPE_BIGINT));
	row_types[0] = tr_type_of(TR_TYPE_VARCHAR);
	row_types[1] = types[n - 1];
	types[n] = tr_type_row(&arena, fields, row_types, 2);
	n++;
	types[n] = tr_type_array(&arena, types[n - 1]);
	n++;
	types[n++] = tr_type_of(TR_TYPE_VARCHAR); /* without NULLs */
	for (uint32_t i = 0; i < n; i++)
		names[i] = tr_arena_printf(&arena, "c%u", i);
	schema = (struct tr_schema){.column_count = n, .names = names, .types = types};
	return 0;
}

static int teardown(void **state)
{
	tr_arena_deinit(&arena);
	return 0;
}

/** Writes one random value at `row`, the way a decoder would. */
static void write_value(struct tr_column_buffer *column, uint32_t row, uint64_t *seed, uint32_t null_percent,
			struct tr_batch_buffer *owner)
{
	const size_t width = tr_phys_bytes(column->type->phys);
	char text[300];
	uint32_t length;

	if (tr_test_below(seed, 100) < null_percent || column->type->phys == TR_PHYS_NONE) {
		tr_column_buffer_set_null(column, row);
		return;
	}
	switch (column->type->phys) {
	case TR_PHYS_VIEW:
		length = tr_test_below(seed, tr_test_below(seed, 10) == 0 ? 300 : 40);
		for (uint32_t i = 0; i < length; i++)
			text[i] = (char)tr_test_below(seed, 256);
		((struct tr_view *)column->data)[row] = tr_batch_buffer_view(owner, text, length);
		return;
	case TR_PHYS_LIST:
		length = tr_test_below(seed, tr_test_below(seed, 50) == 0 ? 700 : 5);
		for (uint32_t c = 0; c < column->child_count; c++) {
			struct tr_column_buffer *child = &column->children[c];

			tr_column_buffer_reserve(child, child->length + length);
			for (uint32_t i = 0; i < length; i++, child->length++)
				write_value(child, child->length, seed, null_percent, owner);
		}
		column->offsets[row + 1] = (int32_t)column->children[0].length;
		return;
	case TR_PHYS_ROW:
		for (uint32_t c = 0; c < column->child_count; c++)
			write_value(&column->children[c], row, seed, null_percent, owner);
		return;
	default:
		for (size_t i = 0; i < width; i++)
			((char *)column->data)[row * width + i] = (char)tr_test_random(seed);
	}
}

/** Whether two values are the same; walks both, shares nothing with the code under test. */
static bool same_value(const struct tr_column *a, uint32_t i, const struct tr_column *b, uint32_t j)
{
	const size_t width = tr_phys_bytes(a->type->phys);

	i = tr_column_row(a, i);
	j = tr_column_row(b, j);
	if (tr_column_is_null(a, i) != tr_column_is_null(b, j))
		return false;
	if (tr_column_is_null(a, i))
		return true;
	if (a->type->phys == TR_PHYS_VIEW) {
		const struct tr_view *x = (const struct tr_view *)a->data + i, *y = (const struct tr_view *)b->data + j;

		return x->length == y->length && memcmp(tr_view_text(x), tr_view_text(y), x->length) == 0;
	}
	if (a->type->phys == TR_PHYS_ROW)
		return same_value(&a->children[0], i, &b->children[0], j) &&
		       same_value(&a->children[1], i, &b->children[1], j);
	if (a->type->phys != TR_PHYS_LIST)
		return memcmp((const char *)a->data + i * width, (const char *)b->data + j * width, width) == 0;
	if (a->offsets[i + 1] - a->offsets[i] != b->offsets[j + 1] - b->offsets[j])
		return false;
	for (int32_t k = 0; k < a->offsets[i + 1] - a->offsets[i]; k++)
		for (uint32_t c = 0; c < a->type->child_count; c++)
			if (!same_value(&a->children[c], (uint32_t)(a->offsets[i] + k), &b->children[c],
					(uint32_t)(b->offsets[j] + k)))
				return false;
	return true;
}

static struct tr_batch_buffer *random_source(uint64_t *seed, uint32_t null_percent)
{
	struct tr_batch_buffer *source = tr_batch_buffer_create(&schema, SOURCE_ROWS);

	for (uint32_t row = 0; row < SOURCE_ROWS; row++) {
		for (uint32_t c = 0; c < schema.column_count; c++)
			write_value(&source->columns[c], row, seed, c == schema.column_count - 1 ? 0 : null_percent,
				    source);
		source->kinds[row] = (uint8_t)tr_test_below(seed, 4);
		if (row == 0 || tr_test_below(seed, 20) == 0)
			tr_batch_buffer_add_run(source, row, (int64_t)tr_test_below(seed, 5));
	}
	tr_batch_buffer_seal(source, SOURCE_ROWS);
	return source;
}

/** Appends random pieces of `source` to `target` until it is full, and compares row by row. */
static void append_and_compare(struct tr_batch_buffer *target, const struct tr_batch *source, uint64_t *seed)
{
	static uint32_t origin[4000];
	uint32_t at = 0;

	while (at < target->capacity) {
		uint32_t rows[SOURCE_ROWS], count = 0;
		const uint32_t percent = tr_test_below(seed, 101);

		for (uint32_t i = 0; i < SOURCE_ROWS && at + count < target->capacity; i++)
			if (tr_test_below(seed, 100) < percent)
				rows[count++] = i;
		memcpy(origin + at, rows, count * sizeof(rows[0]));
		at = tr_batch_buffer_append(target, at, source, rows, count);
	}
	tr_batch_buffer_seal(target, at);
	assert_int_equal(target->batch.row_count, at);
	for (uint32_t c = 0; c < schema.column_count; c++)
		for (uint32_t i = 0; i < at; i++)
			if (!same_value(&target->batch.columns[c], i, &source->columns[c], origin[i]))
				fail_msg("column %u, row %u", c, i);
	for (uint32_t i = 0; i < at; i++) {
		if (source->row_kinds != NULL)
			assert_int_equal(target->batch.row_kinds[i], source->row_kinds[origin[i]]);
		if (source->run_count > 0)
			assert_true(target->batch.runs[tr_batch_run_of(&target->batch, i, 0)].watermark_ms ==
				    source->runs[tr_batch_run_of(source, origin[i], 0)].watermark_ms);
	}
}

static void append_keeps_every_value(void **state)
{
	uint64_t seed = 42;
	struct tr_batch_buffer *target = tr_batch_buffer_create(&schema, 2048);

	for (int round = 0; round < 12; round++) {
		struct tr_batch_buffer *source = random_source(&seed, (uint32_t)(round % 3) * 20);
		size_t before;

		source->has_kinds = round % 2 == 0;
		tr_batch_buffer_seal(source, SOURCE_ROWS);
		append_and_compare(target, &source->batch, &seed);
		before = target->heap.arena.total_bytes;
		tr_batch_buffer_clear(target);
		append_and_compare(target, &source->batch, &seed);
		assert_true(round < 6 || target->heap.arena.total_bytes <= before * 2);
		tr_batch_buffer_clear(target);
		tr_batch_buffer_destroy(&source); /* what was copied must not need it, as the next round shows */
	}
	tr_batch_buffer_destroy(&target);
	assert_null(target);
}

static void copies_outlive_their_source(void **state)
{
	uint64_t seed = 7, again = 7;
	struct tr_batch_buffer *source = random_source(&seed, 10), *same = random_source(&again, 10);
	struct tr_batch_buffer *target = tr_batch_buffer_create(&schema, SOURCE_ROWS);

	assert_int_equal(tr_batch_buffer_append(target, 0, &source->batch, NULL, SOURCE_ROWS), SOURCE_ROWS);
	tr_batch_buffer_seal(target, SOURCE_ROWS);
	tr_batch_buffer_destroy(&source);
	for (uint32_t c = 0; c < schema.column_count; c++)
		for (uint32_t i = 0; i < SOURCE_ROWS; i++)
			assert_true(same_value(&target->batch.columns[c], i, &same->batch.columns[c], i));
	tr_batch_buffer_destroy(&same);
	tr_batch_buffer_destroy(&target);
}

static void constants_are_spread(void **state)
{
	uint64_t seed = 3;
	struct tr_batch_buffer *source = random_source(&seed, 0);
	struct tr_batch_buffer *target = tr_batch_buffer_create(&schema, 1000);
	struct tr_column *columns = calloc(schema.column_count, sizeof(*columns));
	struct tr_batch batch = source->batch;
	static uint32_t rows[300];
	const uint64_t null = 0;

	for (uint32_t i = 0; i < 300; i++)
		rows[i] = i;
	memcpy(columns, source->batch.columns, schema.column_count * sizeof(*columns));
	for (uint32_t c = 0; c < schema.column_count; c++)
		columns[c].is_constant = true;
	columns[TR_TYPE_CHAR].validity = &null;
	batch.columns = columns;
	tr_batch_buffer_append(target, 0, &batch, rows, 300);
	tr_batch_buffer_append(target, 300, &source->batch, rows, 300);
	tr_batch_buffer_seal(target, 600);
	for (uint32_t c = 0; c < schema.column_count; c++)
		for (uint32_t i = 0; i < 300; i++) {
			assert_true(same_value(&target->batch.columns[c], i, &columns[c], 0));
			assert_true(same_value(&target->batch.columns[c], 300 + i, &source->batch.columns[c], i));
		}
	free(columns);
	tr_batch_buffer_destroy(&source);
	tr_batch_buffer_destroy(&target);
}

static void runs_merge_and_mix(void **state)
{
	const struct tr_type *type = tr_type_of(TR_TYPE_INT);
	const char *name = "a";
	const struct tr_schema one = {.column_count = 1, .names = &name, .types = &type};
	struct tr_batch_buffer *timed = tr_batch_buffer_create(&one, 100), *plain = tr_batch_buffer_create(&one, 100);
	struct tr_batch_buffer *target = tr_batch_buffer_create(&one, 100);
	const uint32_t rows[] = {0, 9, 10, 11, 50};

	memset(timed->columns[0].data, 0, 400);
	memset(plain->columns[0].data, 0, 400);
	tr_batch_buffer_add_run(timed, 0, 5);
	tr_batch_buffer_add_run(timed, 4, 5); /* the same: merged */
	tr_batch_buffer_add_run(timed, 10, 6);
	tr_batch_buffer_add_run(timed, 20, 7);
	tr_batch_buffer_add_run(timed, 20, 8); /* the run of 7 covers nothing */
	assert_int_equal(timed->batch.run_count, 3);
	tr_batch_buffer_seal(timed, 100);
	tr_batch_buffer_seal(plain, 100);
	tr_batch_buffer_append(target, 0, &plain->batch, rows, 2);
	tr_batch_buffer_append(target, 2, &timed->batch, rows, 5);
	tr_batch_buffer_append(target, 7, &plain->batch, rows, 1);
	tr_batch_buffer_seal(target, 8);
	assert_int_equal(target->batch.run_count, 5);
	const struct tr_watermark_run expected[] = {
		{0, TR_WATERMARK_MIN}, {2, 5}, {4, 6}, {6, 8}, {7, TR_WATERMARK_MIN}};
	for (int i = 0; i < 5; i++) {
		assert_int_equal(target->batch.runs[i].row, expected[i].row);
		assert_true(target->batch.runs[i].watermark_ms == expected[i].watermark_ms);
	}
	tr_batch_buffer_clear(target);
	for (uint32_t i = 0; i < 100; i++)
		tr_batch_buffer_add_run(target, i, i); /* more than the first allocation holds */
	tr_batch_buffer_seal(target, 100);
	assert_int_equal(target->batch.runs[77].watermark_ms, 77);
	tr_batch_buffer_destroy(&timed);
	tr_batch_buffer_destroy(&plain);
	tr_batch_buffer_destroy(&target);
}

static void a_cleared_buffer_has_no_nulls(void **state)
{
	uint64_t seed = 9;
	struct tr_batch_buffer *buffer = random_source(&seed, 50);

	tr_batch_buffer_clear(buffer);
	assert_int_equal(buffer->batch.row_count, 0);
	for (uint32_t c = 0; c < schema.column_count; c++) {
		assert_false(buffer->columns[c].has_nulls);
		for (uint32_t i = 0; i < SOURCE_ROWS; i++)
			assert_true(tr_bit_get(buffer->columns[c].validity, i));
	}
	tr_batch_buffer_destroy(&buffer);
}

static void views_compare_like_bytes(void **state)
{
	uint64_t seed = 11;

	for (int round = 0; round < 20000; round++) {
		char a[40], b[40];
		uint32_t m = tr_test_below(&seed, 20), n = tr_test_below(&seed, 20);
		struct tr_view x, y;
		int order;

		for (int i = 0; i < 40; i++) {
			a[i] = (char)('a' + (tr_test_below(&seed, 30) == 0));
			b[i] = (char)('a' + (tr_test_below(&seed, 30) == 0));
		}
		x = tr_view_make(a, m);
		y = tr_view_make(b, n);
		order = memcmp(a, b, m < n ? m : n);
		if (order == 0)
			order = (int)m - (int)n;
		assert_int_equal(tr_view_equals(&x, &y), order == 0);
		assert_int_equal((tr_view_compare(&x, &y) > 0) - (tr_view_compare(&x, &y) < 0),
				 (order > 0) - (order < 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_keeps_every_value),      cmocka_unit_test(copies_outlive_their_source),
		cmocka_unit_test(constants_are_spread),          cmocka_unit_test(runs_merge_and_mix),
		cmocka_unit_test(a_cleared_buffer_has_no_nulls), cmocka_unit_test(views_compare_like_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
