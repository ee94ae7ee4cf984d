/* SPDX-License-Identifier: Apache-2.0
 *
 * The unnest operator against a model that goes through a row's elements one by one: random lists of numbers and of rows, with
 * and without LEFT and ordinality, batches with selections, runs, kinds and NULLs, into a sink that answers BLOCKED now and
 * then, and takes the elements' texts as they are at that moment.
 */
#include <inttypes.h>

#include "base/arena.h"
#include "base/type.h"
#include "core/ops/op_unnest.h"
#include "line_sink.h"

#define BATCHES 6
#define ROWS 40

static void append_value(char *line, const struct tr_column *column, uint32_t row)
{
	char *end = line + strlen(line);

	if (tr_column_is_null(column, row))
		sprintf(end, "|NULL");
	else if (column->type->phys == TR_PHYS_VIEW)
		sprintf(end, "|%.*s", (int)tr_column_view(column, row)->length,
			tr_view_text(tr_column_view(column, row)));
	else
		sprintf(end, "|%" PRId32, tr_column_i32(column, row));
}

/* id, watermark and kind, then the fields and the number. */
static void put_line(char *line, const struct tr_batch *batch, uint32_t row)
{
	snprintf(line, LINE_BYTES, "%" PRId32 "|%" PRId64 "|%d", tr_column_i32(&batch->columns[0], row),
		 batch->runs[tr_batch_run_of(batch, row, 0)].watermark_ms, batch->row_kinds[row]);
	for (uint32_t c = 1; c < batch->schema->column_count; c++)
		append_value(line, &batch->columns[c], row);
}

struct shape {
	bool has_rows; /* elements are ROW<x INT, y STRING>, else INT */
	bool is_outer;
	bool has_ordinality;
};

static void want(const char *begin, const char *element, int number, const struct shape *shape)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line), "%s%s", begin, element);
	if (shape->has_ordinality && number > 0)
		sprintf(line + strlen(line), "|%d", number);
	else if (shape->has_ordinality)
		strcat(line, "|NULL");
	line_sink_want(line);
}

/* Writes an element and its text. Returns false for a NULL row. */
static bool write_element(struct tr_batch_buffer *owner, struct tr_column_buffer *column, uint32_t at,
			  const struct shape *shape, uint64_t *seed, char *text)
{
	const char *name = tr_test_below(seed, 2) == 0 ? "short" : "a text of more than twelve";
	const int32_t x = (int32_t)tr_test_below(seed, 100);

	if (tr_test_below(seed, 5) == 0) {
		tr_column_buffer_set_null(column, at);
		strcpy(text, "|NULL");
		return !shape->has_rows;
	}
	if (!shape->has_rows) {
		((int32_t *)column->data)[at] = x;
		sprintf(text, "|%d", x);
		return true;
	}
	((int32_t *)column->children[0].data)[at] = x;
	((struct tr_view *)column->children[1].data)[at] = tr_batch_buffer_view(owner, name, (uint32_t)strlen(name));
	sprintf(text, "|%d|%s", x, name);
	return true;
}

static void write_row(struct tr_batch_buffer *buffer, uint32_t row, int64_t watermark, bool is_selected,
		      const struct shape *shape, uint64_t *seed)
{
	struct tr_column_buffer *list = &buffer->columns[1], *child = &list->children[0];
	const uint32_t count = tr_test_below(seed, 6) == 0 ? tr_test_below(seed, 90) : tr_test_below(seed, 4);
	const int32_t id = (int32_t)tr_test_below(seed, 1000);
	char begin[100], text[100];
	bool has_any = false;

	buffer->kinds[row] = (uint8_t)tr_test_below(seed, 4);
	snprintf(begin, sizeof(begin), "%d|%" PRId64 "|%d", id, watermark, buffer->kinds[row]);
	((int32_t *)buffer->columns[0].data)[row] = id;
	if (tr_test_below(seed, 7) == 0) {
		tr_column_buffer_set_null(list, row);
	} else {
		tr_column_buffer_reserve(child, child->length + count);
		for (uint32_t i = 0; i < count; i++, child->length++) {
			const bool counts = write_element(buffer, child, child->length, shape, seed, text);

			if (counts && is_selected)
				want(begin, text, (int)i + 1, shape);
			has_any |= counts;
		}
		list->offsets[row + 1] = (int32_t)child->length;
	}
	if (!has_any && is_selected && shape->is_outer)
		want(begin, shape->has_rows ? "|NULL|NULL" : "|NULL", 0, shape);
}

static void run_case(uint64_t *seed)
{
	const struct shape shape = {.has_rows = tr_test_below(seed, 2),
				    .is_outer = tr_test_below(seed, 2),
				    .has_ordinality = tr_test_below(seed, 2)};
	struct tr_op_context context = {.batch_rows = 1 + tr_test_below(seed, 50)};
	const struct tr_type *integer = tr_type_of(TR_TYPE_INT), *fields[2] = {integer, tr_type_of(TR_TYPE_VARCHAR)};
	static const char *const names[] = {"id", "x", "y", "o"}, *const field_names[] = {"x", "y"};
	static const uint32_t columns[] = {0}, numbers[] = {0, 1};
	const struct tr_unnest unnest = {.list = 1,
					 .columns = columns,
					 .column_count = 1,
					 .fields = numbers,
					 .field_count = shape.has_rows ? 2 : 1,
					 .has_ordinality = shape.has_ordinality,
					 .is_outer = shape.is_outer};
	const struct tr_type *input_types[2], *output_types[4] = {integer, integer, fields[1], integer};
	struct tr_arena arena;
	struct tr_schema input = {2, names, input_types};
	struct tr_schema output = {1 + unnest.field_count + shape.has_ordinality, names, output_types};
	struct tr_op *op;

	tr_arena_init(&arena, 0);
	input_types[0] = integer;
	input_types[1] = tr_type_array(&arena, shape.has_rows ? tr_type_row(&arena, field_names, fields, 2) : integer);
	if (!shape.has_rows)
		output_types[2] = integer;
	tr_op_unnest_create(&unnest, &input, &output, &context, &op);
	line_sink_begin(op, &context, *seed + 1, put_line);
	for (int b = 0; b < BATCHES; b++) {
		struct tr_batch_buffer *buffer = tr_batch_buffer_create(&input, ROWS);
		uint32_t selected = 0;
		int64_t watermark = 1000 * b;

		for (uint32_t row = 0; row < ROWS; row++) {
			const bool is_selected = b % 2 == 0 || tr_test_below(seed, 3) > 0;

			watermark += tr_test_below(seed, 3);
			tr_batch_buffer_add_run(buffer, row, watermark);
			write_row(buffer, row, watermark, is_selected, &shape, seed);
			if (is_selected)
				buffer->selection[selected++] = row;
		}
		buffer->has_kinds = true;
		line_sink_feed(buffer, ROWS, b % 2 == 1, selected);
		tr_batch_buffer_destroy(&buffer);
	}
	line_sink_end();
	tr_arena_deinit(&arena);
}

static void rows_have_their_elements(void **state)
{
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 7), cases = tr_test_cases(200);

	for (uint64_t i = 0; i < cases; i++)
		run_case(&seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rows_have_their_elements)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
