/* SPDX-License-Identifier: Apache-2.0
 *
 * The short ways of functions with constant arguments against the long ones: each expression is computed with literals, and
 * with columns that have the literal's value in every row, over texts and decimals made to hit the corners. LOWER is held
 * against the mapping of whole texts.
 */
#include "expr_case.h"

#include "base/check.h"
#include "core/ops/kernel_case.h"
#include "support/lower_isa.h"

#define ROWS 1000
#define TEXT_BYTES_MAX 200
#define ARGS_MAX 12

struct table {
	struct tr_arena arena;
	uint64_t seed;
	struct tr_column columns[ARGS_MAX];
	const struct tr_type *types[ARGS_MAX];
	const char *names[ARGS_MAX];
	struct tr_schema schema;
	uint32_t selection[ROWS];
	uint32_t selected;
};

static const char *const pieces[] = {
	"/",    "a",  "ab", "aba", "apple",        "Apple",    "GOOGLE", "@[`{", "Z", "\xc3\x84", "\xf0\x9f\x98\x80",
	"&id=", "12", " ",  "",    "zzzzzzzzzzzz", "Facebook", "aaaa",   ".",    "//"};

/* Some NULL, some empty, some within a view, some longer than a block of the kernels. */
static struct tr_column texts(struct table *t)
{
	struct tr_view *views = TR_NEW_ARRAY(&t->arena, ROWS, struct tr_view);
	uint64_t *validity = TR_NEW_ARRAY(&t->arena, TR_BITMAP_WORDS(ROWS), uint64_t);

	for (uint32_t r = 0; r < ROWS; r++) {
		const uint32_t want = tr_test_below(&t->seed, 3) == 0 ? tr_test_below(&t->seed, TEXT_BYTES_MAX)
								      : tr_test_below(&t->seed, 14);
		char *text = tr_arena_zalloc(&t->arena, TEXT_BYTES_MAX + 16);
		uint32_t length = 0;

		do {
			const char *piece = pieces[tr_test_below(&t->seed, TR_COUNT_OF(pieces))];

			memcpy(text + length, piece, strlen(piece));
			length += (uint32_t)strlen(piece);
		} while (length < want);
		/* The bytes end where the allocation does, so that a read beyond is seen. */
		char *exact = malloc(TR_MAX(length, 1u));

		assert_non_null(exact);
		memcpy(exact, text, length);
		views[r] = tr_view_make(exact, length);
		if (length <= TR_VIEW_INLINE_MAX)
			free(exact);
		if (tr_test_below(&t->seed, 10) > 0)
			tr_bit_set(validity, r);
	}
	return (struct tr_column){.type = tr_type_of(TR_TYPE_VARCHAR), .data = views, .validity = validity};
}

static void free_texts(struct table *t)
{
	const struct tr_view *views = t->columns[0].data;

	for (uint32_t r = 0; t->types[0]->phys == TR_PHYS_VIEW && r < ROWS; r++)
		if (views[r].length > TR_VIEW_INLINE_MAX)
			free((char *)(uintptr_t)views[r].text);
}

static struct tr_column decimals(struct table *t, const struct tr_type *type)
{
	tr_i128 *wide = TR_NEW_ARRAY(&t->arena, ROWS, tr_i128);
	int64_t *narrow = TR_NEW_ARRAY(&t->arena, ROWS, int64_t);

	for (uint32_t r = 0; r < ROWS; r++) {
		static const int64_t near[] = {0, 1, 100, 1000, 1000000000, 123400, 123450, 123456};
		int64_t value =
			near[tr_test_below(&t->seed, TR_COUNT_OF(near))] + (int64_t)tr_test_below(&t->seed, 3) - 1;

		narrow[r] = tr_test_below(&t->seed, 2) ? value : -value;
		wide[r] = narrow[r];
		if (tr_test_below(&t->seed, 8) == 0)
			wide[r] *= tr_text_power_of_ten(20);
	}
	return (struct tr_column){.type = type, .data = type->phys == TR_PHYS_I64 ? (void *)narrow : (void *)wide};
}

static struct tr_column repeated(struct table *t, const struct tr_expr *literal)
{
	const struct tr_value *value = &literal->value;
	char *data = tr_arena_zalloc(&t->arena, ROWS * sizeof(tr_i128));

	for (uint32_t r = 0; r < ROWS; r++)
		switch (literal->type->phys) {
		case TR_PHYS_I32: ((int32_t *)(void *)data)[r] = (int32_t)value->i64; break;
		case TR_PHYS_I64: ((int64_t *)(void *)data)[r] = value->i64; break;
		case TR_PHYS_I128: ((tr_i128 *)(void *)data)[r] = value->i128; break;
		default: ((struct tr_view *)(void *)data)[r] = value->view;
		}
	return (struct tr_column){.type = literal->type, .data = data};
}

static void run(struct table *t, const struct tr_expr *expr, bool is_dense, const struct tr_program **program,
		struct tr_program_state **state, struct tr_column *out)
{
	static const struct tr_program_context context = {.time_zone = "UTC"};
	const struct tr_batch batch = {.schema = &t->schema,
				       .row_count = ROWS,
				       .selected_count = is_dense ? ROWS : t->selected,
				       .selection = is_dense ? NULL : t->selection,
				       .columns = t->columns};
	struct tr_status st = {0};

	if (tr_program_compile(&t->arena, &t->schema, &expr, 1, program, &st) != TR_OK)
		fail_msg("%s", st.message);
	*state = tr_program_state_create(*program, &context, ROWS);
	if (tr_program_run(*state, &batch, out, &st) != TR_OK)
		fail_msg("%s", st.message);
}

static void expect_same(struct table *t, const char *what, const struct tr_column *got, const struct tr_column *want,
			bool is_dense)
{
	for (uint32_t i = 0; i < (is_dense ? ROWS : t->selected); i++) {
		const uint32_t row = is_dense ? i : t->selection[i];
		struct tr_bytes texts[2] = {{0}, {0}};

		if (tr_column_is_null(got, row) != tr_column_is_null(want, row))
			fail_msg("%s: row %u is NULL in one", what, row);
		if (tr_column_is_null(got, row))
			continue;
		tr_text_append_value(&texts[0], got, row, TR_TEXT_CAST, NULL);
		tr_text_append_value(&texts[1], want, row, TR_TEXT_CAST, NULL);
		if (texts[0].length != texts[1].length ||
		    (texts[0].length > 0 && memcmp(texts[0].data, texts[1].data, texts[0].length) != 0))
			fail_msg("%s: row %u: %.*s, not %.*s", what, row, (int)texts[0].length, texts[0].data,
				 (int)texts[1].length, texts[1].data);
		tr_bytes_deinit(&texts[0]);
		tr_bytes_deinit(&texts[1]);
	}
}

/* args[0] of the case tells the type of the column, the others are literals; `at` is where the column stands. */
static void begin(struct table *t, const char *type, uint64_t seed)
{
	*t = (struct table){.seed = seed};
	tr_arena_init(&t->arena, 0);
	t->columns[0] = type[0] == 's' ? texts(t) : decimals(t, case_type(&t->arena, type));
	t->types[0] = t->columns[0].type;
	t->names[0] = "c0";
	t->schema = (struct tr_schema){1, t->names, t->types};
	for (uint32_t r = 0; r < ROWS; r++)
		if (tr_test_below(&t->seed, 3) > 0)
			t->selection[t->selected++] = r;
}

static void end(struct table *t)
{
	free_texts(t);
	tr_arena_deinit(&t->arena);
}

static void check(const struct expr_case *c, bool is_flipped, uint64_t seed)
{
	const struct tr_expr *fast[ARGS_MAX], *slow[ARGS_MAX];
	struct table t;
	uint32_t count = 1;

	begin(&t, c->args[0], seed);
	fast[0] = slow[0] = tr_expr_column(&t.arena, 0, t.types[0]);
	for (; c->args[count] != NULL; count++) {
		fast[count] = case_literal(&t.arena, c->args[count]);
		t.columns[count] = repeated(&t, fast[count]);
		t.types[count] = t.columns[count].type;
		t.names[count] = tr_arena_printf(&t.arena, "c%u", count);
		slow[count] = tr_expr_column(&t.arena, count, t.types[count]);
	}
	t.schema.column_count = count;
	if (is_flipped) {
		fast[0] = fast[1];
		slow[0] = slow[1];
		fast[1] = slow[1] = tr_expr_column(&t.arena, 0, t.types[0]);
	}
	for (int is_dense = 0; is_dense < 2; is_dense++) {
		const struct tr_program *programs[2];
		struct tr_program_state *states[2];
		struct tr_column out[2];

		run(&t, case_call(&t.arena, c->name, fast, count), is_dense, &programs[0], &states[0], &out[0]);
		run(&t, case_call(&t.arena, c->name, slow, count), is_dense, &programs[1], &states[1], &out[1]);
		expect_same(&t, c->name, &out[0], &out[1], is_dense);
		tr_program_state_destroy(&states[0]);
		tr_program_state_destroy(&states[1]);
	}
	end(&t);
}

static void check_all(const struct expr_case *cases, size_t count, bool is_flipped)
{
	for (size_t i = 0; i < count; i++)
		for (uint64_t seed = 1; seed < 4; seed++)
			check(&cases[i], is_flipped, seed);
}

static void searches(void **state)
{
	static const struct expr_case cases[] = {
		{"REGEXP_COUNT", {"s", "s:a"}, NULL},
		{"REGEXP_COUNT", {"s", "s:aba"}, NULL},
		{"REGEXP_COUNT", {"s", "s:aa"}, NULL},
		{"REGEXP_COUNT", {"s", "s: "}, NULL},
		{"REGEXP_COUNT", {"s", "s:."}, NULL},
		{"REGEXP_COUNT", {"s", "s:"}, NULL},
		{"SPLIT_INDEX", {"s", "s:/", "i:0"}, NULL},
		{"SPLIT_INDEX", {"s", "s:/", "i:1"}, NULL},
		{"SPLIT_INDEX", {"s", "s:/", "i:7"}, NULL},
		{"SPLIT_INDEX", {"s", "s:/", "i:-1"}, NULL},
		{"SPLIT_INDEX", {"s", "s:a", "i:2"}, NULL},
		{"SPLIT_INDEX", {"s", "s:", "i:1"}, NULL},
		{"SPLIT_INDEX", {"s", "s:ab", "i:1"}, NULL},
		{"REGEXP_EXTRACT", {"s", "s:(/|^)a(b*)", "i:2"}, NULL},
		{"REGEXP_EXTRACT", {"s", "s:(/|^)a(b*)", "i:3"}, NULL},
		{"REGEXP_EXTRACT", {"s", "s:[^/]*"}, NULL},
		{"REGEXP_EXTRACT", {"s", "s:.$", "i:0"}, NULL},
	};

	check_all(cases, TR_COUNT_OF(cases), false);
}

static void compares_texts(void **state)
{
	static const struct expr_case either_way[] = {
		{"=", {"s", "s:apple"}, NULL},
		{"<>", {"s", "s:apple"}, NULL},
		{"=", {"s", "s:"}, NULL},
		{"=", {"s", "s:zzzzzzzzzzzz"}, NULL},
		{"=", {"s", "s:zzzzzzzzzzzzz"}, NULL},
		{"<", {"s", "s:apple"}, NULL},
	};
	static const struct expr_case lists[] = {
		{"IN", {"s", "s:apple", "s:GOOGLE", "s:", "s:zzzzzzzzzzzz"}, NULL},
		{"IN", {"s", "s:apple", "s:zzzzzzzzzzzzzzzzzzzzzzzz"}, NULL},
		{"IN", {"s", "s:a", "s:b", "s:ab", "s:/", "s://", "s:Z", "s:.", "s:12", "s:aba"}, NULL},
	};

	check_all(either_way, TR_COUNT_OF(either_way), false);
	check_all(either_way, TR_COUNT_OF(either_way), true);
	check_all(lists, TR_COUNT_OF(lists), false);
}

static void compares_decimals(void **state)
{
	static const char *const names[] = {"=", "<>", "<", ">", "<=", ">="};
	static const char *const columns[] = {"n23.3", "n10.3", "n38.3", "n18.0"};
	static const char *const constants[] = {"n10.0:1000000", "n7.3:123.456",
						"n8.4:123.4000", "n9.5:123.45678",
						"n1.0:0",        "n38.0:99999999999999999999999999999999999999",
						"n20.2:-1.23"};

	for (size_t n = 0; n < TR_COUNT_OF(names); n++)
		for (size_t c = 0; c < TR_COUNT_OF(columns); c++)
			for (size_t k = 0; k < TR_COUNT_OF(constants); k++) {
				const struct expr_case one = {names[n], {columns[c], constants[k]}, NULL};

				check(&one, false, 1);
				check(&one, true, 2);
			}
}

static void lowers(void **state)
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		const struct tr_program *program;
		struct tr_program_state *lower;
		const struct tr_expr *s;
		struct tr_column out;
		struct table t;

		begin(&t, "s", seed);
		s = tr_expr_column(&t.arena, 0, t.types[0]);
		run(&t, case_call(&t.arena, "LOWER", &s, 1), true, &program, &lower, &out);
		for (uint32_t row = 0; row < ROWS; row++) {
			char want[(TEXT_BYTES_MAX + 16) * TR_CASE_GROWTH];
			const struct tr_view *view = tr_column_view(&t.columns[0], row), *got;
			uint32_t length = tr_case_lower(want, tr_view_text(view), view->length);

			if (tr_column_is_null(&t.columns[0], row))
				continue;
			got = tr_column_view(&out, row);
			assert_int_equal(got->length, length);
			assert_memory_equal(tr_view_text(got), want, length);
			struct tr_view model = tr_view_make(want, length);
			assert_true(tr_view_equals(got, &model));
		}
		tr_program_state_destroy(&lower);
		end(&t);
	}
}

/* A filter that asks a costly function and a quick one, and outputs that use both: for rows that the filter has computed
 * and for rows that it has not. Each part is computed alone as the model. */
static void shares_costly_values(void **state)
{
	for (uint64_t seed = 1; seed < 6; seed++) {
		static const struct tr_program_context context = {.time_zone = "UTC"};
		const struct tr_expr *s, *extract, *list, *condition, *outputs[2], *args[5];
		const struct tr_program *program, *parts[2];
		struct tr_program_state *whole, *states[2];
		struct tr_column found, is_known, out[2];
		uint32_t selection[ROWS + 64], count = 0, next = 0;
		struct tr_status st = {0};
		struct table t;

		begin(&t, "s", seed);
		s = args[0] = tr_expr_column(&t.arena, 0, t.types[0]);
		args[1] = case_literal(&t.arena, "s:(/|^)a(b*)");
		args[2] = case_literal(&t.arena, "i:2");
		extract = case_call(&t.arena, "REGEXP_EXTRACT", args, 3);
		args[1] = case_literal(&t.arena, "s:apple");
		args[2] = case_literal(&t.arena, "s:");
		list = case_call(&t.arena, "IN", args, 3);
		args[0] = case_call(&t.arena, "IS NOT NULL", &extract, 1);
		args[1] = list;
		condition = case_call(&t.arena, "OR", args, 2);
		args[0] = list;
		args[1] = case_literal(&t.arena, "s:known");
		args[2] = extract;
		outputs[0] = case_call(&t.arena, "IF", args, 3);
		args[1] = extract;
		args[2] = s;
		outputs[1] = case_call(&t.arena, "IF", args, 3);
		if (tr_program_compile_where(&t.arena, &t.schema, condition, outputs, 2, &program, &st) != TR_OK)
			fail_msg("%s", st.message);
		whole = tr_program_state_create(program, &context, ROWS);
		run(&t, extract, true, &parts[0], &states[0], &found);
		run(&t, list, true, &parts[1], &states[1], &is_known);
		for (int warm = 0; warm < 2; warm++) {
			const struct tr_batch batch = {
				.schema = &t.schema, .row_count = ROWS, .selected_count = ROWS, .columns = t.columns};

			assert_int_equal(tr_program_run_where(whole, &batch, out, selection, &count, &st), TR_OK);
		}
		for (uint32_t row = 0; row < ROWS; row++) {
			const bool known = !tr_column_is_null(&is_known, row) && tr_column_i8(&is_known, row) != 0;
			const struct tr_view label = tr_view_make("known", 5);
			const bool is_null = tr_column_is_null(&found, row);

			if (!known && is_null)
				continue;
			assert_true(next < count && selection[next] == row);
			next++;
			assert_true(!tr_column_is_null(&out[0], row));
			assert_true(tr_view_equals(tr_column_view(&out[0], row),
						   known ? &label : tr_column_view(&found, row)));
			assert_int_equal(tr_column_is_null(&out[1], row), known && is_null);
			if (!known || !is_null)
				assert_true(tr_view_equals(tr_column_view(&out[1], row),
							   tr_column_view(known ? &found : &t.columns[0], row)));
		}
		assert_int_equal(next, count);
		tr_program_state_destroy(&whole);
		tr_program_state_destroy(&states[0]);
		tr_program_state_destroy(&states[1]);
		end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches),
		cmocka_unit_test(compares_texts),
		cmocka_unit_test(compares_decimals),
		cmocka_unit_test(shares_costly_values),
		cmocka_unit_test(lowers),
		cmocka_unit_test(lower_instruction_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
