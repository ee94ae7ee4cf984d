/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of arrays and maps over batches of random arrays, of which some are long and some rows are not selected, against
 * naive models that work on small C arrays. (What each answers at its edges is compared with Flink: tests/flink.)
 */
#include "tr_test.h"

#include "base/column_buffer.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func.h"
#include "core/ops/program.h"

#define ROWS 40
#define LENGTH_MAX 40
#define NONE INT32_MIN /* a NULL element */

/* An array as the models know it; count -1: NULL. */
struct list {
	int32_t count;
	int32_t items[4 * LENGTH_MAX];
};

static struct tr_arena arena;

static int setup(void **state)
{
	tr_arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	tr_arena_deinit(&arena);
	return 0;
}

/* ---- models ---- */

static void put(struct list *list, int32_t item) { list->items[list->count++] = item; }

static int find(const struct list *list, int32_t item)
{
	for (int i = 0; i < list->count; i++)
		if (list->items[i] == item)
			return i;
	return -1;
}

static void put_all(struct list *list, const struct list *more, bool only_new)
{
	for (int i = 0; i < more->count; i++)
		if (!only_new || find(list, more->items[i]) < 0)
			put(list, more->items[i]);
}

/* a, b: the arrays; x: the element. False: NULL. */
static bool model(const char *name, const struct list *a, const struct list *b, int32_t x, struct list *out)
{
	const char *function = name + strlen("ARRAY_");

	out->count = 0;
	if (a->count < 0)
		return false;
	if (strcmp(function, "APPEND") == 0) {
		put_all(out, a, false);
		put(out, x);
	} else if (strcmp(function, "PREPEND") == 0) {
		put(out, x);
		put_all(out, a, false);
	} else if (strcmp(function, "REMOVE") == 0) {
		for (int i = 0; i < a->count; i++)
			if (a->items[i] != x)
				put(out, a->items[i]);
	} else if (strcmp(function, "DISTINCT") == 0) {
		put_all(out, a, true);
	} else if (strcmp(function, "REVERSE") == 0) {
		for (int i = a->count; i-- > 0;)
			put(out, a->items[i]);
	} else if (strcmp(function, "SORT") == 0) {
		put_all(out, a, false);
		for (int i = 0; i < out->count; i++)
			for (int j = i; j > 0 && out->items[j] < out->items[j - 1]; j--) { /* NONE is the least */
				const int32_t swap = out->items[j];

				out->items[j] = out->items[j - 1];
				out->items[j - 1] = swap;
			}
	} else {
		if (b->count < 0)
			return false;
		for (int i = 0; i < a->count; i++)
			if (strcmp(function, "CONCAT") == 0)
				put(out, a->items[i]);
			else if (find(out, a->items[i]) < 0 &&
				 (strcmp(function, "UNION") == 0 ||
				  (find(b, a->items[i]) >= 0) == (strcmp(function, "INTERSECT") == 0)))
				put(out, a->items[i]);
		if (strcmp(function, "CONCAT") == 0 || strcmp(function, "UNION") == 0)
			put_all(out, b, function[0] == 'U');
	}
	return true;
}

/* ---- batches ---- */

struct data {
	struct list a[ROWS], b[ROWS];
	int32_t x[ROWS];
	struct tr_column_buffer buffers[3];
	struct tr_column columns[3];
	uint32_t selection[ROWS], selected;
};

static void fill_list(struct tr_column_buffer *buffer, struct list *lists, uint64_t *seed)
{
	tr_column_buffer_init(buffer, tr_type_array(&arena, tr_type_of(TR_TYPE_INT)), ROWS);
	for (uint32_t row = 0; row < ROWS; row++) {
		struct tr_column_buffer *child = &buffer->children[0];

		lists[row].count = tr_test_below(seed, 8) == 0   ? -1
				   : tr_test_below(seed, 3) == 0 ? (int32_t)tr_test_below(seed, LENGTH_MAX)
								 : (int32_t)tr_test_below(seed, 4);
		if (lists[row].count < 0) {
			tr_column_buffer_set_null(buffer, row);
			continue;
		}
		tr_column_buffer_reserve(child, child->length + LENGTH_MAX);
		for (int i = 0; i < lists[row].count; i++, child->length++) {
			const int32_t value = tr_test_below(seed, 7) == 0 ? NONE : (int32_t)tr_test_below(seed, 12);

			lists[row].items[i] = value;
			if (value == NONE)
				tr_column_buffer_set_null(child, child->length);
			else
				((int32_t *)child->data)[child->length] = value;
		}
		buffer->offsets[row + 1] = (int32_t)child->length;
	}
}

static struct data *make_data(uint64_t *seed)
{
	struct data *data = calloc(1, sizeof(*data));

	fill_list(&data->buffers[0], data->a, seed);
	fill_list(&data->buffers[1], data->b, seed);
	tr_column_buffer_init(&data->buffers[2], tr_type_of(TR_TYPE_INT), ROWS);
	for (uint32_t row = 0; row < ROWS; row++) {
		data->x[row] = tr_test_below(seed, 6) == 0 ? NONE : (int32_t)tr_test_below(seed, 12);
		if (data->x[row] == NONE)
			tr_column_buffer_set_null(&data->buffers[2], row);
		else
			((int32_t *)data->buffers[2].data)[row] = data->x[row];
		if (tr_test_below(seed, 4) > 0)
			data->selection[data->selected++] = row;
	}
	for (int i = 0; i < 3; i++)
		data->columns[i] = tr_column_buffer_view(&data->buffers[i]);
	return data;
}

static void free_data(struct data *data)
{
	for (int i = 0; i < 3; i++)
		tr_column_buffer_deinit(&data->buffers[i]);
	free(data);
}

static const struct tr_expr *call(const char *name, const struct tr_expr *const *args, uint32_t count)
{
	const struct tr_type *types[4];
	struct tr_func_match match;
	struct tr_status st = {0};

	for (uint32_t i = 0; i < count; i++)
		types[i] = args[i]->type;
	if (tr_func_resolve(&arena, name, types, NULL, count, &match, &st) != TR_OK)
		fail_msg("%s", st.message);
	for (uint32_t i = 0; i < count; i++)
		assert_true(tr_type_equals_ignoring_null(types[i], match.arg_types[i]));
	return tr_expr_call(&arena, match.func, match.type, args, count);
}

/* Runs the expression over a, b, x and compares the texts of the selected rows. */
static void check(struct data *data, const struct tr_expr *expr, const char *const *expected)
{
	static const char *const names[] = {"a", "b", "x"};
	const struct tr_type *types[] = {data->columns[0].type, data->columns[1].type, data->columns[2].type};
	const struct tr_schema schema = {.column_count = 3, .names = names, .types = types};
	struct tr_program_context context = {.time_zone = "UTC"};
	struct tr_batch batch = {.schema = &schema,
				 .row_count = ROWS,
				 .selection = data->selection,
				 .selected_count = data->selected,
				 .columns = data->columns};
	const struct tr_program *program;
	struct tr_program_state *state;
	struct tr_status st = {0};
	struct tr_column out;

	assert_int_equal(tr_program_compile(&arena, &schema, &expr, 1, &program, &st), TR_OK);
	state = tr_program_state_create(program, &context, ROWS);
	assert_int_equal(tr_program_run(state, &batch, &out, &st), TR_OK);
	for (uint32_t i = 0; i < data->selected; i++) {
		const uint32_t row = data->selection[i];
		struct tr_bytes text = {0};

		tr_text_append_value(&text, &out, row, TR_TEXT_PRINT, tr_timezone_utc());
		tr_bytes_append_char(&text, 0);
		assert_string_equal(text.data, expected[row]);
		tr_bytes_deinit(&text);
	}
	tr_program_state_destroy(&state);
}

static const char *list_text(const struct list *list)
{
	const char *text = "[";

	for (int i = 0; i < list->count; i++)
		text = tr_arena_printf(&arena, list->items[i] == NONE ? "%s%snull" : "%s%s%d", text, i > 0 ? ", " : "",
				       list->items[i]);
	return tr_arena_printf(&arena, "%s]", text);
}

static void columns_of(const struct data *data, const struct tr_expr **args)
{
	for (uint32_t i = 0; i < 3; i++)
		args[i] = tr_expr_column(&arena, i, data->columns[i].type);
}

/* ---- tests ---- */

static void arrays_of_arrays(void **state)
{
	static const struct {
		const char *name;
		int second; /* column of the second argument; -1: none */
	} functions[] = {
		{"ARRAY_APPEND", 2},    {"ARRAY_PREPEND", 2}, {"ARRAY_REMOVE", 2}, {"ARRAY_DISTINCT", -1},
		{"ARRAY_REVERSE", -1},  {"ARRAY_SORT", -1},   {"ARRAY_CONCAT", 1}, {"ARRAY_UNION", 1},
		{"ARRAY_INTERSECT", 1}, {"ARRAY_EXCEPT", 1},
	};

	for (uint64_t seed = 1, n = 0; n < tr_test_cases(40); n++) {
		struct data *data = make_data(&seed);

		for (size_t f = 0; f < sizeof(functions) / sizeof(functions[0]); f++) {
			const struct tr_expr *columns[3], *args[2];
			const char *expected[ROWS];

			columns_of(data, columns);
			args[0] = columns[0];
			args[1] = columns[functions[f].second < 0 ? 0 : functions[f].second];
			for (uint32_t row = 0; row < ROWS; row++) {
				struct list out;

				expected[row] =
					model(functions[f].name, &data->a[row], &data->b[row], data->x[row], &out)
						? list_text(&out)
						: "null";
			}
			check(data, call(functions[f].name, args, functions[f].second < 0 ? 1 : 2), expected);
		}
		free_data(data);
	}
}

static void numbers_of_arrays(void **state)
{
	for (uint64_t seed = 2, n = 0; n < tr_test_cases(40); n++) {
		struct data *data = make_data(&seed);
		const char *found[ROWS], *position[ROWS], *length[ROWS], *item[ROWS], *greatest[ROWS], *least[ROWS];
		const struct tr_expr *args[3];

		columns_of(data, args);
		args[1] = args[2];
		for (uint32_t row = 0; row < ROWS; row++) {
			const struct list *a = &data->a[row];
			const int32_t x = data->x[row];
			const int at = find(a, x);
			int32_t most = NONE, fewest = NONE;

			found[row] = position[row] = length[row] = item[row] = greatest[row] = least[row] = "null";
			if (a->count < 0)
				continue;
			for (int i = 0; i < a->count; i++) {
				most = a->items[i] > most ? a->items[i] : most;
				if (a->items[i] != NONE && (fewest == NONE || a->items[i] < fewest))
					fewest = a->items[i];
			}
			found[row] = at >= 0 ? "true" : "false";
			length[row] = tr_arena_printf(&arena, "%d", a->count);
			if (x != NONE)
				position[row] = tr_arena_printf(&arena, "%d", at + 1);
			if (x >= 1 && x <= a->count && a->items[x - 1] != NONE)
				item[row] = tr_arena_printf(&arena, "%d", a->items[x - 1]);
			if (most != NONE) {
				greatest[row] = tr_arena_printf(&arena, "%d", most);
				least[row] = tr_arena_printf(&arena, "%d", fewest);
			}
		}
		check(data, call("ARRAY_CONTAINS", args, 2), found);
		check(data, call("ARRAY_POSITION", args, 2), position);
		check(data, call("CARDINALITY", args, 1), length);
		check(data, call("ITEM", args, 2), item);
		check(data, call("ARRAY_MAX", args, 1), greatest);
		check(data, call("ARRAY_MIN", args, 1), least);
		free_data(data);
	}
}

/* ARRAY[x, x] and MAP[x, a]; MAP_FROM_ARRAYS(a, a), its keys, its values, and its union with itself. */
static void constructors_and_maps(void **state)
{
	for (uint64_t seed = 3, n = 0; n < tr_test_cases(40); n++) {
		struct data *data = make_data(&seed);
		const char *pair[ROWS], *map[ROWS], *keys[ROWS];
		const struct tr_expr *columns[3], *args[2], *made;

		columns_of(data, columns);
		for (uint32_t row = 0; row < ROWS; row++) {
			const struct list two = {.count = 2, .items = {data->x[row], data->x[row]}};
			struct list once;

			pair[row] = list_text(&two);
			map[row] = tr_arena_printf(&arena, data->x[row] == NONE ? "{null=%s}" : "{%2$d=%1$s}",
						   data->a[row].count < 0 ? "null" : list_text(&data->a[row]),
						   data->x[row]);
			keys[row] = model("ARRAY_DISTINCT", &data->a[row], NULL, 0, &once) ? list_text(&once) : "null";
		}
		args[0] = args[1] = columns[2];
		check(data, call("ARRAY", args, 2), pair);
		args[1] = columns[0];
		check(data, call("MAP", args, 2), map);
		args[0] = args[1] = columns[0];
		made = call("MAP_FROM_ARRAYS", args, 2);
		check(data, call("MAP_KEYS", &made, 1), keys);
		check(data, call("MAP_VALUES", &made, 1), keys);
		args[0] = args[1] = made;
		made = call("MAP_UNION", args, 2);
		check(data, call("MAP_KEYS", &made, 1), keys);
		free_data(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_of_arrays),
		cmocka_unit_test(numbers_of_arrays),
		cmocka_unit_test(constructors_and_maps),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
