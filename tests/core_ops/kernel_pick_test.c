/* SPDX-License-Identifier: Apache-2.0
 *
 * Picks, lists built of them, sets of values, CASE between nested values, and packing, on random columns. The model is the text
 * of each value (tr_text_append_value), which shares nothing with them.
 */
#include "tr_test.h"

#include <math.h>

#include "base/column_buffer.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func.h"
#include "core/ops/kernel_nested.h"

#define ROWS 70
#define TYPES 5

static struct tr_arena arena;
static const struct tr_type *types[TYPES];
static struct tr_heap heap;

static int setup(void **state)
{
	const char *names[] = {"a", "b", "c"};
	const struct tr_type *fields[3];

	tr_arena_init(&arena, 0);
	tr_arena_init(&heap.arena, 0);
	fields[0] = tr_type_of(TR_TYPE_INT);
	fields[1] = tr_type_of(TR_TYPE_VARCHAR);
	fields[2] = tr_type_array(&arena, tr_type_of(TR_TYPE_BIGINT));
	types[0] = tr_type_of(TR_TYPE_VARCHAR);
	types[1] = fields[2];
	types[2] = tr_type_row(&arena, names, fields, 3);
	types[3] = tr_type_array(&arena, types[2]);
	types[4] = tr_type_map(&arena, tr_type_of(TR_TYPE_SMALLINT), types[3]);
	return 0;
}

static int teardown(void **state)
{
	tr_arena_deinit(&arena);
	tr_arena_deinit(&heap.arena);
	return 0;
}

/* Few different values, so that equal ones occur. */
static void write_value(struct tr_column_buffer *column, uint32_t row, uint64_t *seed)
{
	char text[64];
	uint32_t length;

	if (tr_test_below(seed, 6) == 0) {
		tr_column_buffer_set_null(column, row);
		return;
	}
	switch (column->type->phys) {
	case TR_PHYS_VIEW: {
		struct tr_view view;
		char *copy;

		length = (uint32_t)snprintf(text, sizeof(text), "%.*s%u", tr_test_below(seed, 2) ? 2 : 30,
					    "a text that is not inlined at all", tr_test_below(seed, 4));
		copy = tr_arena_strndup(&heap.arena, text, length);
		view = tr_view_make(copy, length);
		((struct tr_view *)column->data)[row] = view;
		return;
	}
	case TR_PHYS_LIST:
		length = tr_test_below(seed, 5);
		for (uint32_t c = 0; c < column->child_count; c++) {
			struct tr_column_buffer *child = &column->children[c];

			tr_column_buffer_reserve(child, child->length + length);
			for (uint32_t i = 0; i < length; i++, child->length++)
				write_value(child, child->length, seed);
		}
		column->offsets[row + 1] = (int32_t)column->children[0].length;
		return;
	case TR_PHYS_ROW:
		for (uint32_t c = 0; c < column->child_count; c++)
			write_value(&column->children[c], row, seed);
		return;
	case TR_PHYS_I16: ((int16_t *)column->data)[row] = (int16_t)tr_test_below(seed, 4); return;
	case TR_PHYS_I32: ((int32_t *)column->data)[row] = (int32_t)tr_test_below(seed, 4); return;
	default: ((int64_t *)column->data)[row] = (int64_t)tr_test_below(seed, 4); return;
	}
}

static struct tr_column random_column(struct tr_column_buffer *buffer, const struct tr_type *type, uint64_t *seed)
{
	struct tr_column column;

	tr_column_buffer_init(buffer, type, ROWS);
	for (uint32_t row = 0; row < ROWS; row++)
		write_value(buffer, row, seed);
	column = tr_column_buffer_view(buffer);
	column.is_constant = tr_test_below(seed, 4) == 0;
	return column;
}

static const char *text_of(const struct tr_column *column, uint32_t row)
{
	struct tr_bytes text = {0};
	const char *copy;

	tr_text_append_value(&text, column, row, TR_TEXT_PRINT, tr_timezone_utc());
	copy = tr_arena_strndup(&arena, text.data, text.length);
	tr_bytes_deinit(&text);
	return copy;
}

static void gathered_values_are_the_picked_ones(void **state)
{
	for (uint64_t seed = 1, n = 0; n < tr_test_cases(200); n++) {
		const struct tr_type *type = types[n % TYPES];
		struct tr_column_buffer buffers[3];
		struct tr_column columns[3], out;
		const struct tr_column *sources[3];
		const uint32_t count = tr_test_below(&seed, 300);
		struct tr_picks picks;
		struct tr_status st = {0};

		for (int i = 0; i < 3; i++) {
			columns[i] = random_column(&buffers[i], type, &seed);
			sources[i] = &columns[i];
		}
		tr_picks_init(&picks, &arena, 1);
		assert_int_equal(tr_picks_reserve(&picks, count, &st), TR_OK);
		for (uint32_t i = 0; i < count; i++)
			tr_pick(&picks, tr_test_below(&seed, 3),
				tr_test_below(&seed, 9) == 0 ? TR_PICK_NULL : tr_test_below(&seed, ROWS));
		assert_int_equal(tr_picks_gather(&picks, type, sources, 3, &out, &st), TR_OK);
		for (uint32_t i = 0; i < count; i++) {
			const struct tr_pick pick = picks.items[i];

			assert_string_equal(text_of(&out, i), pick.row == TR_PICK_NULL
								      ? "null"
								      : text_of(&columns[pick.source], pick.row));
		}
		for (int i = 0; i < 3; i++)
			tr_column_buffer_deinit(&buffers[i]);
	}
}

static void a_batch_of_too_many_elements_is_refused(void **state)
{
	struct tr_status st = {0};
	struct tr_picks picks;

	tr_picks_init(&picks, &arena, 1);
	assert_int_equal(tr_picks_reserve(&picks, TR_LIST_ELEMENTS_MAX + 1, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "elements"));
}

/* CASE WHEN b THEN x WHEN c THEN y ELSE z END over selected rows. */
static void a_case_between_nested_values(void **state)
{
	for (uint64_t seed = 7, n = 0; n < tr_test_cases(100); n++) {
		const struct tr_type *type = types[n % TYPES], *boolean = tr_type_of(TR_TYPE_BOOLEAN);
		const struct tr_type *schema_types[] = {type, type, type, boolean, boolean};
		const char *names[] = {"x", "y", "z", "b", "c"};
		const struct tr_schema schema = {.column_count = 5, .names = names, .types = schema_types};
		struct tr_program_context context = {.time_zone = "UTC"};
		uint8_t flags[2][ROWS];
		uint32_t selection[ROWS], selected = 0;
		struct tr_column_buffer buffers[3];
		struct tr_column columns[5], out;
		const struct tr_expr *args[5], *output;
		const struct tr_program *program;
		struct tr_program_state *program_state;
		struct tr_status st = {0};

		for (int i = 0; i < 3; i++)
			columns[i] = random_column(&buffers[i], type, &seed);
		for (uint32_t row = 0; row < ROWS; row++) {
			flags[0][row] = tr_test_below(&seed, 2) == 0;
			flags[1][row] = tr_test_below(&seed, 2) == 0;
			if (tr_test_below(&seed, 3) > 0)
				selection[selected++] = row;
		}
		columns[3] = (struct tr_column){.type = boolean, .data = flags[0]};
		columns[4] = (struct tr_column){.type = boolean, .data = flags[1]};
		for (uint32_t i = 0; i < 5; i++) {
			static const uint32_t order[] = {3, 0, 4, 1, 2};

			args[i] = tr_expr_column(&arena, order[i], schema_types[order[i]]);
		}
		output = tr_expr_case(&arena, type, args, 5);
		assert_int_equal(tr_program_compile(&arena, &schema, &output, 1, &program, &st), TR_OK);
		program_state = tr_program_state_create(program, &context, ROWS);
		for (int run = 0; run < 2; run++) { /* the second one on used registers */
			struct tr_batch batch = {.schema = &schema,
						 .row_count = ROWS,
						 .selection = run == 0 ? selection : NULL,
						 .selected_count = run == 0 ? selected : ROWS,
						 .columns = columns};

			assert_int_equal(tr_program_run(program_state, &batch, &out, &st), TR_OK);
			for (uint32_t i = 0; i < batch.selected_count; i++) {
				const uint32_t row = tr_batch_row(&batch, i);
				const int from = flags[0][row] ? 0 : flags[1][row] ? 1 : 2;

				assert_string_equal(text_of(&out, row), text_of(&columns[from], row));
			}
		}
		tr_program_state_destroy(&program_state);
		for (int i = 0; i < 3; i++)
			tr_column_buffer_deinit(&buffers[i]);
	}
}

/* Values without NULLs inside: those equal nothing in a set, but their texts do. */
static void a_set_has_each_value_once(void **state)
{
	for (uint64_t seed = 3, n = 0; n < tr_test_cases(200); n++) {
		struct tr_column_buffer buffer;
		struct tr_column column = random_column(&buffer, types[0], &seed);
		const struct tr_column *source = &column;
		const char *texts[ROWS];
		const uint32_t count = 1 + tr_test_below(&seed, ROWS - 1);
		uint32_t different = 0;
		struct tr_value_set set;

		tr_value_set_init(&set, &arena, &source);
		tr_value_set_begin(&set, count);
		for (uint32_t i = 0; i < count; i++) {
			const char *text = text_of(&column, i);
			uint32_t at = 0, position;
			bool added;

			while (at < different && strcmp(texts[at], text) != 0)
				at++;
			added = tr_value_set_add(&set, (struct tr_pick){0, i}, &position);
			assert_int_equal(added, at == different);
			assert_int_equal(position, at);
			if (added)
				texts[different++] = text;
			assert_int_equal(tr_value_set_find(&set, (struct tr_pick){0, i}), at);
		}
		tr_column_buffer_deinit(&buffer);
	}
}

/* Equal if the texts are, and nothing inside is NULL. */
static void nested_values_are_equal_if_their_texts_are(void **state)
{
	uint32_t equal = 0;

	for (uint64_t seed = 5, n = 0; n < tr_test_cases(40); n++) {
		const struct tr_type *type = types[1 + n % 3];
		struct tr_column_buffer buffers[2];
		struct tr_column a = random_column(&buffers[0], type, &seed),
				 b = random_column(&buffers[1], type, &seed);

		for (uint32_t i = 0; i < ROWS * 10; i++) {
			const uint32_t x = tr_test_below(&seed, ROWS), y = tr_test_below(&seed, ROWS);
			const char *text = text_of(&a, x);
			const bool has_null = strstr(text, "null") != NULL;

			if (tr_column_is_null(&a, x) || tr_column_is_null(&b, y))
				continue;
			assert_int_equal(tr_nested_equals(&a, x, &b, y), !has_null && strcmp(text, text_of(&b, y)) == 0);
			equal += tr_nested_equals(&a, x, &b, y);
		}
		tr_column_buffer_deinit(&buffers[0]);
		tr_column_buffer_deinit(&buffers[1]);
	}
	assert_true(equal > 10);
}

/* Maps and multisets of many entries, in two orders; then one of them differs. */
static void many_entries_are_equal_in_any_order(void **state)
{
	enum { COUNT = 100000, FEW = 9 };
	const struct tr_type *element = tr_type_of(TR_TYPE_BIGINT), *real = tr_type_of(TR_TYPE_DOUBLE);
	int64_t *keys[2];
	double *numbers[2];

	for (int side = 0; side < 2; side++) {
		keys[side] = TR_NEW_ARRAY(&arena, COUNT, int64_t);
		numbers[side] = TR_NEW_ARRAY(&arena, COUNT, double);
	}
	for (int n = FEW; n <= COUNT; n = n == COUNT ? COUNT + 1 : COUNT) {
		const int32_t offsets[] = {0, n};
		const struct tr_column children[2][2] = {
			{{.type = element, .data = keys[0]}, {.type = element, .data = keys[0]}},
			{{.type = element, .data = keys[1]}, {.type = element, .data = keys[1]}}};
		const struct tr_column reals[2] = {{.type = real, .data = numbers[0]},
						   {.type = real, .data = numbers[1]}};
		const struct tr_type *map = tr_type_map(&arena, element, element),
				     *bag = tr_type_multiset(&arena, element),
				     *real_bag = tr_type_multiset(&arena, real);
		const struct tr_column maps[2] = {
			{.type = map, .offsets = offsets, .children = (void *)(uintptr_t)children[0]},
			{.type = map, .offsets = offsets, .children = (void *)(uintptr_t)children[1]}};
		const struct tr_column bags[2] = {
			{.type = bag, .offsets = offsets, .children = (void *)(uintptr_t)children[0]},
			{.type = bag, .offsets = offsets, .children = (void *)(uintptr_t)children[1]}};
		const struct tr_column real_bags[2] = {
			{.type = real_bag, .offsets = offsets, .children = (void *)(uintptr_t)&reals[0]},
			{.type = real_bag, .offsets = offsets, .children = (void *)(uintptr_t)&reals[1]}};

		for (int i = 0; i < n; i++) {
			keys[0][i] = keys[1][n - 1 - i] = i;
			numbers[0][i] = numbers[1][i] = i == 1 ? NAN : i;
		}
		assert_true(tr_nested_equals(&maps[0], 0, &maps[1], 0));
		assert_true(tr_nested_equals(&bags[0], 0, &bags[1], 0));
		assert_false(tr_nested_equals(&real_bags[0], 0, &real_bags[1], 0));
		keys[1][0] = COUNT; /* instead of n - 1 */
		assert_false(tr_nested_equals(&maps[0], 0, &maps[1], 0));
		assert_false(tr_nested_equals(&bags[0], 0, &bags[1], 0));
		keys[0][n - 1] = COUNT;
		assert_true(tr_nested_equals(&maps[0], 0, &maps[1], 0));
		assert_true(tr_nested_equals(&bags[0], 0, &bags[1], 0));
		for (int i = 0; i < n; i++)
			keys[0][i] = keys[1][n - 1 - i] = i / 3;
		assert_true(tr_nested_equals(&bags[0], 0, &bags[1], 0));
		keys[1][0] = 1;
		assert_false(tr_nested_equals(&bags[0], 0, &bags[1], 0));
	}
}

/* x, packed and unpacked; and the packed bytes, equal if the texts are. */
static void what_was_packed_comes_back(void **state)
{
	for (uint64_t seed = 9, n = 0; n < tr_test_cases(100); n++) {
		const struct tr_type *type = types[1 + n % 3];
		const struct tr_type *schema_types[] = {type};
		const char *names[] = {"x"};
		const struct tr_schema schema = {.column_count = 1, .names = names, .types = schema_types};
		struct tr_program_context context = {.time_zone = "UTC"};
		struct tr_column_buffer buffer;
		struct tr_column column = random_column(&buffer, type, &seed), out[2];
		uint32_t selection[ROWS], selected = 0;
		const struct tr_expr *outputs[2];
		const struct tr_program *program;
		struct tr_program_state *program_state;
		struct tr_status st = {0};

		outputs[0] = tr_expr_pack(&arena, tr_expr_column(&arena, 0, type));
		outputs[1] = tr_expr_unpack(&arena, outputs[0], type);
		assert_int_equal(tr_program_compile(&arena, &schema, outputs, 2, &program, &st), TR_OK);
		program_state = tr_program_state_create(program, &context, ROWS);
		for (uint32_t row = 0; row < ROWS; row++)
			if (tr_test_below(&seed, 3) > 0)
				selection[selected++] = row;
		for (int run = 0; run < 2; run++) {
			struct tr_batch batch = {.schema = &schema,
						 .row_count = ROWS,
						 .selection = run == 0 ? selection : NULL,
						 .selected_count = run == 0 ? selected : ROWS,
						 .columns = &column};

			assert_int_equal(tr_program_run(program_state, &batch, out, &st), TR_OK);
			for (uint32_t i = 0; i < batch.selected_count; i++) {
				const uint32_t row = tr_batch_row(&batch, i), other = tr_batch_row(&batch, 0);
				const char *text = text_of(&column, row);

				assert_string_equal(text_of(&out[1], row), text);
				if (tr_column_is_null(&column, row) || tr_column_is_null(&column, other))
					continue;
				assert_int_equal(
					tr_view_equals(tr_column_view(&out[0], row), tr_column_view(&out[0], other)),
					strcmp(text, text_of(&column, other)) == 0);
			}
		}
		tr_program_state_destroy(&program_state);
		tr_column_buffer_deinit(&buffer);
	}
}

/* State of another type, or damaged. */
static void other_bytes_are_refused(void **state)
{
	const struct tr_type *bytes = tr_type_of(TR_TYPE_VARBINARY);
	const struct tr_type *schema_types[] = {types[1]};
	const char *names[] = {"x"};
	const struct tr_schema schema = {.column_count = 1, .names = names, .types = schema_types};
	struct tr_program_context context = {.time_zone = "UTC"};
	struct tr_value value = {.view = tr_view_make("abcdefghijklmnop", 16)};
	const struct tr_expr *wrong[2];

	wrong[0] = tr_expr_unpack(&arena, tr_expr_literal(&arena, bytes, value), types[1]);
	wrong[1] = tr_expr_unpack(&arena, tr_expr_pack(&arena, tr_expr_column(&arena, 0, types[1])), types[3]);
	for (int i = 0; i < 2; i++) {
		uint64_t seed = 1;
		struct tr_column_buffer buffer;
		struct tr_column column = random_column(&buffer, types[1], &seed), out;
		struct tr_batch batch = {
			.schema = &schema, .row_count = ROWS, .selected_count = ROWS, .columns = &column};
		const struct tr_program *program;
		struct tr_program_state *program_state;
		struct tr_status st = {0};

		assert_int_equal(tr_program_compile(&arena, &schema, &wrong[i], 1, &program, &st), TR_OK);
		program_state = tr_program_state_create(program, &context, ROWS);
		assert_int_equal(tr_program_run(program_state, &batch, &out, &st), TR_ERR_DATA);
		assert_non_null(strstr(st.message, "not of this type"));
		tr_program_state_destroy(&program_state);
		tr_column_buffer_deinit(&buffer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathered_values_are_the_picked_ones),
		cmocka_unit_test(a_batch_of_too_many_elements_is_refused),
		cmocka_unit_test(a_case_between_nested_values),
		cmocka_unit_test(a_set_has_each_value_once),
		cmocka_unit_test(nested_values_are_equal_if_their_texts_are),
		cmocka_unit_test(many_entries_are_equal_in_any_order),
		cmocka_unit_test(what_was_packed_comes_back),
		cmocka_unit_test(other_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
