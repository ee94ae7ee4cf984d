/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches to Arrow's structs and back: random rows of all types make the round trip, and a few arrays are compared with, or made from,
 * bytes written by hand from Arrow's columnar format.
 */
#include "api_test.h"

#include "api/arrow.h"
#include "core/ops/value_bytes.h"

static struct tr_arena arena;

static void set_text(struct tr_owned_batch *owned, uint32_t column, uint32_t row, const char *text)
{
	((struct tr_view *)owned->buffer->columns[column].data)[row] =
		tr_batch_buffer_view(owned->buffer, text, (uint32_t)strlen(text));
}

/** Two rows of (BOOLEAN, INT, STRING, DECIMAL(5,2), ARRAY<INT>): (true, 7, "a", 1.25, [1, 2]), (false, NULL, long text, -3, NULL). */
static struct tr_owned_batch *by_hand(void)
{
	static const char *const names[] = {"b", "i", "s", "d", "a"};
	const struct tr_type *types[] = {tr_type_of(TR_TYPE_BOOLEAN), tr_type_of(TR_TYPE_INT),
					 tr_type_of(TR_TYPE_VARCHAR), tr_type_decimal(&arena, 5, 2),
					 tr_type_array(&arena, tr_type_of(TR_TYPE_INT))};
	const struct tr_schema schema = {5, names, types};
	struct tr_owned_batch *owned = tr_owned_batch_create(&schema, 2);
	struct tr_column_buffer *c = owned->buffer->columns;

	((int8_t *)c[0].data)[0] = 1;
	((int8_t *)c[0].data)[1] = 0;
	((int32_t *)c[1].data)[0] = 7;
	tr_bit_clear(c[1].validity, 1);
	c[1].has_nulls = true;
	set_text(owned, 2, 0, "a");
	set_text(owned, 2, 1, "longer than twelve");
	((int64_t *)c[3].data)[0] = 125;
	((int64_t *)c[3].data)[1] = -300;
	((int32_t *)c[4].children[0].data)[0] = 1;
	((int32_t *)c[4].children[0].data)[1] = 2;
	c[4].children[0].length = 2;
	c[4].offsets[0] = 0;
	c[4].offsets[1] = c[4].offsets[2] = 2;
	tr_bit_clear(c[4].validity, 1);
	c[4].has_nulls = true;
	tr_batch_buffer_seal(owned->buffer, 2);
	return owned;
}

static void test_bytes(void **state)
{
	static const char *const formats[] = {"b", "i", "u", "d:5,2", "+l"};
	struct tr_owned_batch *owned = by_hand();
	struct ArrowSchema schema;
	struct ArrowArray array;
	const int32_t *offsets;
	int64_t wide[2];

	assert_int_equal(tr_batch_export(tr_owned_batch_get(owned), &array, &schema, NULL), TR_OK);
	assert_string_equal(schema.format, "+s");
	assert_int_equal(schema.n_children, 5);
	assert_int_equal(array.length, 2);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(schema.children[i]->format, formats[i]);
		assert_true((schema.children[i]->flags & ARROW_FLAG_NULLABLE) != 0);
		assert_int_equal(array.children[i]->length, 2);
	}
	assert_string_equal(schema.children[4]->children[0]->format, "i");
	assert_int_equal(*(const uint8_t *)array.children[0]->buffers[1] & 3, 1);
	assert_null(array.children[0]->buffers[0]);
	assert_int_equal(*(const int32_t *)array.children[1]->buffers[1], 7);
	assert_int_equal(*(const uint8_t *)array.children[1]->buffers[0] & 3, 1);
	assert_int_equal(array.children[1]->null_count, 1);
	offsets = array.children[2]->buffers[1];
	assert_int_equal(offsets[0], 0);
	assert_int_equal(offsets[1], 1);
	assert_int_equal(offsets[2], 19);
	assert_memory_equal(array.children[2]->buffers[2], "alonger than twelve", 19);
	memcpy(wide, (const char *)array.children[3]->buffers[1] + 16, 16);
	assert_int_equal(wide[0], -300);
	assert_int_equal(wide[1], -1);
	offsets = array.children[4]->buffers[1];
	assert_int_equal(offsets[1], 2);
	assert_int_equal(offsets[2], 2);
	assert_int_equal(array.children[4]->children[0]->length, 2);
	array.release(&array);
	schema.release(&schema);
	assert_null(array.release);
	tr_owned_batch_release(&owned);
}

/* An array by hand, with an offset: values 9, 5, NULL, of which the last two are the batch's. */
static void test_offset(void **state)
{
	static const int64_t values[] = {9, 5, 0};
	static const uint8_t validity[] = {3};
	const void *buffers[] = {validity, values};
	const void *no_buffers[] = {NULL};
	struct ArrowArray child = {.length = 2, .null_count = 1, .offset = 1, .n_buffers = 2, .buffers = buffers};
	struct ArrowArray *children[] = {&child};
	struct ArrowArray array = {
		.length = 2, .n_buffers = 1, .n_children = 1, .buffers = no_buffers, .children = children};
	struct ArrowSchema type = {.format = "l", .name = "x", .flags = ARROW_FLAG_NULLABLE};
	struct ArrowSchema *types[] = {&type};
	struct ArrowSchema schema = {.format = "+s", .name = "", .n_children = 1, .children = types};
	struct tr_owned_batch *owned;
	struct tr_status st = {0};
	struct tr_row row;

	assert_int_equal(tr_batch_import(&array, &schema, &owned, &st), TR_OK);
	row = (struct tr_row){tr_owned_batch_get(owned), 0};
	assert_int_equal(row.batch->selected_count, 2);
	assert_string_equal(row.batch->schema->names[0], "x");
	assert_int_equal(tr_row_i64(&row, 0), 5);
	row.row = 1;
	assert_true(tr_row_is_null(&row, 0));
	tr_owned_batch_release(&owned);
	type.format = "L"; /* unsigned */
	assert_int_equal(tr_batch_import(&array, &schema, &owned, &st), TR_ERR_UNAVAILABLE);
	assert_non_null(strstr(st.message, "column 'x'"));
	schema.format = "l";
	assert_int_equal(tr_batch_import(&array, &schema, &owned, &st), TR_ERR_DATA);
}

/* What other libraries write and what must not be misread; "": refused. */
static void test_formats(void **state)
{
	static const char *const formats[][2] = {
		{"d:10,2", "DECIMAL(10, 2)"},
		{"d:10,2,128", "DECIMAL(10, 2)"},
		{"d:10,2,256", ""},
		{"d:10,2,128x", ""},
		{"d:10,2x", ""},
		{"d:10", ""},
		{"d:39,2", ""},
		{"tsu:", "TIMESTAMP(6)"},
		{"tsn:UTC", "TIMESTAMP_LTZ(9)"},
		{"ts", ""},
		{"L", ""},
		{"", ""},
	};

	for (size_t i = 0; i < TR_COUNT_OF(formats); i++) {
		const void *buffers[] = {NULL, NULL};
		struct ArrowArray child = {.n_buffers = 2, .buffers = buffers};
		struct ArrowArray *children[] = {&child};
		struct ArrowArray array = {.n_buffers = 1, .n_children = 1, .buffers = buffers, .children = children};
		struct ArrowSchema type = {.format = formats[i][0], .name = "x", .flags = ARROW_FLAG_NULLABLE};
		struct ArrowSchema *types[] = {&type};
		struct ArrowSchema schema = {.format = "+s", .name = "", .n_children = 1, .children = types};
		struct tr_owned_batch *owned;
		struct tr_status st = {0};
		const char *text = "";

		if (tr_batch_import(&array, &schema, &owned, &st) == TR_OK) {
			text = tr_type_text(&arena, tr_owned_batch_get(owned)->columns[0].type);
			tr_owned_batch_release(&owned);
		}
		assert_string_equal(text, formats[i][1]);
	}
}

/* Random rows of many types. */

static const struct tr_type *random_type(uint64_t *seed, int depth)
{
	static const enum tr_type_id flat[] = {TR_TYPE_BOOLEAN, TR_TYPE_TINYINT,        TR_TYPE_SMALLINT,
					       TR_TYPE_INT,     TR_TYPE_BIGINT,         TR_TYPE_FLOAT,
					       TR_TYPE_DOUBLE,  TR_TYPE_VARCHAR,        TR_TYPE_VARBINARY,
					       TR_TYPE_DATE,    TR_TYPE_INTERVAL_MONTH, TR_TYPE_INTERVAL_MS};
	static const char *const names[] = {"p", "q"};
	const struct tr_type *pair[2];

	switch (tr_test_below(seed, depth > 2 ? 5 : 8)) {
	case 5: return tr_type_array(&arena, random_type(seed, depth + 1));
	case 6:
		return tr_type_map(&arena, tr_type_with_nullable(&arena, tr_type_of(TR_TYPE_INT), false),
				   random_type(seed, depth + 1));
	case 7:
		pair[0] = random_type(seed, depth + 1);
		pair[1] = random_type(seed, depth + 1);
		return tr_type_row(&arena, names, pair, 2);
	case 4: return tr_type_decimal(&arena, tr_test_below(seed, 2) ? 10 : 30, 2);
	case 3:
		return tr_type_with_precision(&arena,
					      tr_test_below(seed, 2) ? TR_TYPE_TIMESTAMP : TR_TYPE_TIMESTAMP_LTZ,
					      3 * (1 + (int)tr_test_below(seed, 3)));
	default: return tr_type_of(flat[tr_test_below(seed, TR_COUNT_OF(flat))]);
	}
}

static void fill(uint64_t *seed, struct tr_owned_batch *owned, struct tr_column_buffer *c, uint32_t row,
		 bool may_be_null)
{
	const size_t width = tr_phys_bytes((enum tr_phys)c->type->phys);

	if (may_be_null && tr_test_below(seed, 4) == 0) {
		tr_bit_clear(c->validity, row);
		c->has_nulls = true;
	}
	if (c->type->phys == TR_PHYS_LIST) {
		const uint32_t from = c->children[0].length,
			       n = tr_bit_get(c->validity, row) ? tr_test_below(seed, 4) : 0;

		for (uint32_t k = 0; k < c->child_count; k++) {
			tr_column_buffer_reserve(&c->children[k], from + n + 1);
			for (uint32_t i = 0; i < n; i++) {
				fill(seed, owned, &c->children[k], from + i, c->type->children[k]->is_nullable);
				c->children[k].length = from + i + 1;
			}
		}
		c->offsets[row] = (int32_t)from;
		c->offsets[row + 1] = (int32_t)(from + n);
	} else if (c->type->phys == TR_PHYS_ROW) {
		for (uint32_t k = 0; k < c->child_count; k++)
			fill(seed, owned, &c->children[k], row, true);
	} else if (c->type->phys == TR_PHYS_VIEW) {
		char text[40];
		const uint32_t length = tr_test_below(seed, sizeof(text));

		memset(text, 'a' + (int)tr_test_below(seed, 26), sizeof(text));
		((struct tr_view *)c->data)[row] = tr_batch_buffer_view(owned->buffer, text, length);
	} else {
		const int64_t value = c->type->id == TR_TYPE_BOOLEAN ? tr_test_below(seed, 2)
								     : (int64_t)tr_test_below(seed, 1000) - 500;
		const tr_i128 wide = value;

		memcpy((char *)c->data + row * width, &wide, width);
	}
}

static void test_round_trip(void **state)
{
	uint64_t seed = 42;

	for (int n = 0; n < 300; n++) {
		static const char *const names[] = {"a", "b", "c"};
		const struct tr_type *types[3] = {random_type(&seed, 0), random_type(&seed, 0), random_type(&seed, 0)};
		const struct tr_schema columns = {3, names, types};
		const uint32_t rows = tr_test_below(&seed, 100);
		struct tr_owned_batch *owned = tr_owned_batch_create(&columns, 100), *back;
		struct tr_batch part;
		uint32_t selection[100], count = 0;
		struct ArrowSchema schema;
		struct ArrowArray array;
		struct tr_status st = {0};

		for (uint32_t c = 0; c < 3; c++)
			for (uint32_t i = 0; i < rows; i++)
				fill(&seed, owned, &owned->buffer->columns[c], i, true);
		tr_batch_buffer_seal(owned->buffer, rows);
		part = *tr_owned_batch_get(owned);
		for (uint32_t i = 0; i < rows; i++)
			if (tr_test_below(&seed, 3) != 0)
				selection[count++] = i;
		part.selection = selection;
		part.selected_count = count;
		assert_int_equal(tr_batch_export(&part, &array, &schema, &st), TR_OK);
		if (tr_batch_import(&array, &schema, &back, &st) != TR_OK)
			fail_msg("%s", st.message);
		array.release(&array);
		schema.release(&schema);
		assert_int_equal(tr_owned_batch_get(back)->row_count, count);
		for (uint32_t c = 0; c < 3; c++) {
			const struct tr_column *a = &part.columns[c], *b = &tr_owned_batch_get(back)->columns[c];

			assert_true(tr_type_equals(a->type, b->type));
			for (uint32_t i = 0; i < count; i++) {
				struct tr_bytes x = {0}, y = {0};

				tr_value_bytes_append(&x, a, selection[i]);
				tr_value_bytes_append(&y, b, i);
				assert_int_equal(x.length, y.length);
				assert_memory_equal(x.data, y.data, x.length);
				tr_bytes_deinit(&x);
				tr_bytes_deinit(&y);
			}
		}
		tr_owned_batch_release(&back);
		tr_owned_batch_release(&owned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_round_trip),
	};
	int failed;

	tr_arena_init(&arena, 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tr_arena_deinit(&arena);
	return failed;
}
