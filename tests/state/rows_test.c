/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows to bytes and back: every type, NULLs, constants, nested ones, compared value by value; other schemas are refused; bytes
 * that are cut or flipped are refused or read, but nothing is read beyond them (a sanitizer would see it).
 */
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "state/rows.h"
#include "tr_test.h"

#define ROWS 300

struct fixture {
	struct tr_arena arena;
	struct tr_schema schema;
	const struct tr_type *types[32];
	const char *names[32];
	struct tr_batch_buffer *buffer;
	uint64_t seed;
};

static void add(struct fixture *f, const struct tr_type *type)
{
	f->types[f->schema.column_count] = type;
	f->names[f->schema.column_count++] = "c";
}

/** A random value, or NULL, in row `row`; lists are filled in order. */
static void fill(struct fixture *f, struct tr_column_buffer *c, uint32_t row)
{
	const size_t width = tr_phys_bytes((enum tr_phys)c->type->phys);

	if (c->type->phys == TR_PHYS_NONE)
		return;
	if (tr_test_below(&f->seed, 4) == 0) {
		tr_column_buffer_set_null(c, row);
		return;
	}
	if (c->type->phys == TR_PHYS_VIEW) {
		char text[64];
		const uint32_t length = tr_test_below(&f->seed, sizeof(text));

		for (uint32_t i = 0; i < length; i++)
			text[i] = (char)tr_test_below(&f->seed, 256);
		((struct tr_view *)c->data)[row] = tr_batch_buffer_view(f->buffer, text, length);
	} else if (c->type->phys == TR_PHYS_LIST) {
		const uint32_t n = tr_test_below(&f->seed, 4);

		for (uint32_t i = 0; i < c->child_count; i++) {
			struct tr_column_buffer *child = &c->children[i];

			tr_column_buffer_reserve(child, child->length + n + 1);
			for (uint32_t e = 0; e < n; e++)
				fill(f, child, child->length++);
		}
		c->offsets[row + 1] = (int32_t)c->children[0].length;
	} else if (c->type->phys == TR_PHYS_ROW) {
		for (uint32_t i = 0; i < c->child_count; i++)
			fill(f, &c->children[i], row);
	} else if (c->type->id == TR_TYPE_BOOLEAN) {
		((int8_t *)c->data)[row] = (int8_t)tr_test_below(&f->seed, 2);
	} else {
		for (size_t i = 0; i < width; i++)
			((char *)c->data)[row * width + i] = (char)tr_test_below(&f->seed, 256);
	}
}

static void same(const struct tr_column *a, uint32_t at, const struct tr_column *b, uint32_t row)
{
	assert_int_equal(tr_column_is_null(a, at), tr_column_is_null(b, row));
	if (tr_column_is_null(a, at))
		return;
	if (a->type->phys == TR_PHYS_VIEW) {
		assert_true(tr_view_equals(tr_column_view(a, at), tr_column_view(b, row)));
	} else if (a->type->phys == TR_PHYS_LIST) {
		const uint32_t n = (uint32_t)(a->offsets[at + 1] - a->offsets[at]);

		assert_int_equal(n, b->offsets[row + 1] - b->offsets[row]);
		for (uint32_t c = 0; c < a->type->child_count; c++)
			for (uint32_t e = 0; e < n; e++)
				same(&a->children[c], (uint32_t)a->offsets[at] + e, &b->children[c],
				     (uint32_t)b->offsets[row] + e);
	} else if (a->type->phys == TR_PHYS_ROW) {
		for (uint32_t c = 0; c < a->type->child_count; c++)
			same(&a->children[c], at, &b->children[c], row);
	} else {
		const size_t width = tr_phys_bytes((enum tr_phys)a->type->phys);

		assert_memory_equal((const char *)a->data + tr_column_row(a, at) * width,
				    (const char *)b->data + tr_column_row(b, row) * width, width);
	}
}

static void begin(struct fixture *f, uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	tr_arena_init(&f->arena, 0);
	f->seed = seed;
	f->schema.types = f->types;
	f->schema.names = f->names;
	for (int id = TR_TYPE_NULL; id <= TR_TYPE_INTERVAL_MS; id++)
		add(f, tr_type_of((enum tr_type_id)id));
	add(f, tr_type_decimal(&f->arena, 38, 7));
	add(f, tr_type_array(&f->arena, tr_type_of(TR_TYPE_VARCHAR)));
	add(f, tr_type_map(&f->arena, tr_type_of(TR_TYPE_INT), tr_type_array(&f->arena, tr_type_of(TR_TYPE_DOUBLE))));
	{
		const char *names[] = {"x", "y"};
		const struct tr_type *types[] = {tr_type_of(TR_TYPE_VARCHAR),
						 tr_type_array(&f->arena, tr_type_of(TR_TYPE_BOOLEAN))};

		add(f, tr_type_row(&f->arena, names, types, 2));
	}
	f->buffer = tr_batch_buffer_create(&f->schema, ROWS);
	for (uint32_t c = 0; c < f->schema.column_count; c++)
		for (uint32_t row = 0; row < ROWS; row++)
			fill(f, &f->buffer->columns[c], row);
	tr_batch_buffer_seal(f->buffer, ROWS);
}

static void end(struct fixture *f)
{
	tr_batch_buffer_destroy(&f->buffer);
	tr_arena_deinit(&f->arena);
}

static void round_trip(void **state)
{
	for (uint64_t n = 0; n < tr_test_cases(40); n++) {
		struct fixture f;
		struct tr_bytes bytes = {0};
		struct tr_rows rows = {0};
		const struct tr_batch *batch;
		struct tr_column columns[32];

		begin(&f, 100 + n);
		for (int turn = 0; turn < 3; turn++) {
			const uint32_t count = turn == 0 ? ROWS : tr_test_below(&f.seed, ROWS);

			memcpy(columns, f.buffer->batch.columns, f.schema.column_count * sizeof(*columns));
			for (uint32_t c = 0; c < f.schema.column_count; c++)
				columns[c].is_constant = columns[c].type->child_count == 0 &&
							 columns[c].type->phys != TR_PHYS_NONE &&
							 tr_test_below(&f.seed, 5) == 0;
			tr_bytes_clear(&bytes);
			tr_rows_write(columns, f.schema.column_count, count, &bytes);
			assert_int_equal(tr_rows_read(&rows, &f.schema, bytes.data, bytes.length, &batch, NULL), TR_OK);
			assert_int_equal(batch->row_count, count);
			for (uint32_t c = 0; c < f.schema.column_count; c++)
				for (uint32_t row = 0; row < count; row++)
					same(&columns[c], row, &batch->columns[c], row);
		}
		tr_rows_deinit(&rows);
		tr_bytes_deinit(&bytes);
		end(&f);
	}
}

static void damage(void **state)
{
	struct fixture f;
	struct tr_bytes bytes = {0};
	struct tr_rows rows = {0};
	const struct tr_batch *batch;

	begin(&f, 7);
	tr_rows_write(f.buffer->batch.columns, f.schema.column_count, 40, &bytes);
	for (uint64_t n = 0; n < tr_test_cases(20000); n++) {
		size_t length = n % 3 == 0 ? tr_test_below(&f.seed, (uint32_t)bytes.length) : bytes.length;
		char *copy = malloc(length + 1);

		memcpy(copy, bytes.data, length);
		if (n % 3 != 0)
			copy[tr_test_below(&f.seed, (uint32_t)length)] ^= (char)(1 << tr_test_below(&f.seed, 8));
		copy = realloc(copy, length == 0 ? 1 : length);
		if (tr_rows_read(&rows, &f.schema, copy, length, &batch, NULL) == TR_OK) {
			assert_true(n % 3 != 0);
			for (uint32_t c = 0; c < f.schema.column_count; c++)
				for (uint32_t row = 0; row < batch->row_count; row++)
					same(&batch->columns[c], row, &batch->columns[c], row);
		}
		free(copy);
	}
	tr_rows_deinit(&rows);
	tr_bytes_deinit(&bytes);
	end(&f);
}

static void other_schemas(void **state)
{
	const struct tr_type *written[] = {tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_VARCHAR)};
	const struct tr_type *read[][2] = {{tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_VARCHAR)},
					   {tr_type_of(TR_TYPE_DATE), tr_type_of(TR_TYPE_VARCHAR)},
					   {tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_VARBINARY)}};
	const char *names[] = {"a", "b"};
	const struct tr_schema schema = {.column_count = 2, .names = names, .types = written};
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&schema, 3);
	struct tr_bytes bytes = {0};
	struct tr_rows rows = {0};
	const struct tr_batch *batch;
	struct tr_status st = {0};

	for (int i = 0; i < 3; i++) {
		((int32_t *)buffer->columns[0].data)[i] = i;
		((struct tr_view *)buffer->columns[1].data)[i] = tr_view_make("x", 1);
	}
	tr_batch_buffer_seal(buffer, 3);
	tr_rows_write(buffer->batch.columns, 2, 3, &bytes);
	assert_int_equal(tr_rows_read(&rows, &schema, bytes.data, bytes.length, &batch, NULL), TR_OK);
	tr_rows_deinit(&rows);
	for (size_t i = 0; i < TR_COUNT_OF(read); i++) {
		const struct tr_schema other = {.column_count = 2, .names = names, .types = read[i]};

		assert_int_equal(tr_rows_read(&rows, &other, bytes.data, bytes.length, &batch, &st), TR_ERR_DATA);
		assert_non_null(strstr(st.message, "type"));
		tr_rows_deinit(&rows);
	}
	tr_bytes_deinit(&bytes);
	tr_batch_buffer_destroy(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(damage),
		cmocka_unit_test(other_schemas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
