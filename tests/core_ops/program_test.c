/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiler and the driver: random typed trees against a row-at-a-time model, at all instruction sets.
 *
 * The model walks the tree for one row with its own arithmetic (64-bit integers, doubles, C strings, three-valued
 * booleans) and knows nothing of registers, selections or bitmaps. Trees draw from columns with NULLs, constants,
 * arithmetic, comparisons, logic, CASE, COALESCE, NULLIF, IN and guarded divisions; a division that fails in the model
 * for a selected row must fail in the engine, and only then.
 */
#include "expr_case.h"

#include "core/ops/program_code.h"
#include "support/lower_isa.h"

#define ROWS_MAX 2048
#define TREES 1500

enum kind { BOOL, LONG, REAL, TEXT, KINDS };
#define COLUMNS 8 /* two of each kind */

struct cell {
	bool is_null;
	int64_t i;
	double d;
	const char *s;
};

struct table {
	struct tr_arena arena;
	struct tr_batch batch;
	struct tr_schema schema;
	struct tr_column columns[COLUMNS];
	struct cell *cells[COLUMNS];
	uint32_t *selection;
};

static const struct tr_type *kind_type(enum kind kind)
{
	static const enum tr_type_id ids[] = {TR_TYPE_BOOLEAN, TR_TYPE_BIGINT, TR_TYPE_DOUBLE, TR_TYPE_VARCHAR};

	return tr_type_of(ids[kind]);
}

static const char *const words[] = {
	"", "a", "ab", "stream", "a longer text than twelve", "a longer text than twelv", "zebra", "\xc3\xa4"};

static struct cell random_cell(uint64_t *seed, enum kind kind)
{
	struct cell c = {.is_null = tr_test_below(seed, 5) == 0};

	c.i = kind == BOOL ? tr_test_below(seed, 2) : (int64_t)tr_test_below(seed, 7) - 3;
	if (kind == LONG && tr_test_below(seed, 20) == 0)
		c.i = (int64_t)tr_test_random(seed);
	c.d = (double)((int64_t)tr_test_below(seed, 9) - 4) / 2;
	c.s = words[tr_test_below(seed, sizeof(words) / sizeof(words[0]))];
	return c;
}

static void fill(struct table *t, uint32_t rows, int selection, uint64_t *seed)
{
	static const char *names[] = {"b0", "l0", "d0", "s0", "b1", "l1", "d1", "s1"};
	const struct tr_type **types = TR_NEW_ARRAY(&t->arena, COLUMNS, const struct tr_type *);

	for (int c = 0; c < COLUMNS; c++) {
		enum kind kind = (enum kind)(c % KINDS);
		bool has_nulls = tr_test_below(seed, 3) > 0;
		uint64_t *validity = tr_arena_zalloc(&t->arena, 8 * TR_BITMAP_WORDS(rows));
		char *data = tr_arena_zalloc(&t->arena, 16 * (size_t)rows);

		types[c] = kind_type(kind);
		t->cells[c] = TR_NEW_ARRAY(&t->arena, rows, struct cell);
		for (uint32_t r = 0; r < rows; r++) {
			struct cell cell = random_cell(seed, kind);

			cell.is_null &= has_nulls;
			t->cells[c][r] = cell;
			if (cell.is_null) {
				memset(data + r * tr_phys_bytes(types[c]->phys), 0xA5, tr_phys_bytes(types[c]->phys));
				if (kind == BOOL)
					data[r] = 1;
				continue;
			}
			tr_bit_set(validity, r);
			if (kind == BOOL)
				data[r] = (char)cell.i;
			else if (kind == LONG)
				((int64_t *)(void *)data)[r] = cell.i;
			else if (kind == REAL)
				((double *)(void *)data)[r] = cell.d;
			else
				((struct tr_view *)(void *)data)[r] = tr_view_make(cell.s, (uint32_t)strlen(cell.s));
		}
		t->columns[c] =
			(struct tr_column){.type = types[c], .data = data, .validity = has_nulls ? validity : NULL};
	}
	t->schema = (struct tr_schema){COLUMNS, names, types};
	t->batch = (struct tr_batch){
		.schema = &t->schema, .row_count = rows, .selected_count = rows, .columns = t->columns};
	if (selection > 0) {
		uint32_t count = 0;

		t->selection = TR_NEW_ARRAY(&t->arena, rows, uint32_t);
		for (uint32_t r = 0; r < rows; r++)
			if (tr_test_below(seed, 10) < (uint32_t)selection)
				t->selection[count++] = r;
		t->batch.selection = t->selection;
		t->batch.selected_count = count;
	}
}

/* ---- trees ---- */

static const struct tr_expr *grow(struct tr_arena *arena, enum kind kind, int depth, uint64_t *seed);

static const struct tr_expr *leaf(struct tr_arena *arena, enum kind kind, uint64_t *seed)
{
	if (tr_test_below(seed, 3) > 0)
		return tr_expr_column(arena, (uint32_t)kind + (tr_test_below(seed, 2) ? KINDS : 0), kind_type(kind));
	struct cell c = random_cell(seed, kind);
	struct tr_value value = {.is_null = c.is_null};

	if (kind == TEXT)
		value.view = tr_view_make(c.s, (uint32_t)strlen(c.s));
	else if (kind == REAL)
		value.f64 = c.d;
	else
		value.i64 = c.i;
	return tr_expr_literal(arena, kind_type(kind), value);
}

static const struct tr_expr *call2(struct tr_arena *arena, const char *name, const struct tr_expr *a,
				   const struct tr_expr *b)
{
	const struct tr_expr *args[] = {a, b};

	return case_call(arena, name, args, 2);
}

static const struct tr_expr *grow_bool(struct tr_arena *arena, int depth, uint64_t *seed)
{
	static const char *const tests[] = {"IS NULL", "IS NOT NULL"};
	static const char *const truths[] = {"IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "NOT"};
	static const char *const comparisons[] = {
		"=", "<>", "<", ">", "<=", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"};
	const struct tr_expr *args[6];
	enum kind kind = (enum kind)tr_test_below(seed, KINDS);

	switch (tr_test_below(seed, 8)) {
	case 0:
	case 1:
		return call2(arena, tr_test_below(seed, 2) ? "AND" : "OR", grow(arena, BOOL, depth, seed),
			     grow(arena, BOOL, depth, seed));
	case 2:
		args[0] = grow(arena, kind, depth, seed);
		return case_call(arena, tests[tr_test_below(seed, 2)], args, 1);
	case 3:
		args[0] = grow(arena, BOOL, depth, seed);
		return case_call(arena, truths[tr_test_below(seed, 5)], args, 1);
	case 4: {
		uint32_t count = 2 + tr_test_below(seed, 4);

		for (uint32_t i = 0; i < count; i++)
			args[i] = i == 0 ? grow(arena, kind, depth, seed) : leaf(arena, kind, seed);
		return case_call(arena, "IN", args, count);
	}
	default:
		return call2(arena, comparisons[tr_test_below(seed, 8)], grow(arena, kind, depth, seed),
			     grow(arena, kind, depth, seed));
	}
}

static const struct tr_expr *grow(struct tr_arena *arena, enum kind kind, int depth, uint64_t *seed)
{
	const struct tr_expr *args[5];
	uint32_t count;

	if (depth <= 0)
		return leaf(arena, kind, seed);
	depth--;
	switch (tr_test_below(seed, 8)) {
	case 0: return leaf(arena, kind, seed);
	case 1:
		count = tr_test_below(seed, 2) ? 3 : 5;
		for (uint32_t i = 0; i < count; i++)
			args[i] = grow(arena, i % 2 == 0 && i + 1 < count ? BOOL : kind, depth, seed);
		return tr_expr_case(arena, kind_type(kind), args, count);
	case 2:
		count = 1 + tr_test_below(seed, 3);
		for (uint32_t i = 0; i < count; i++)
			args[i] = grow(arena, kind, depth, seed);
		return case_call(arena, "COALESCE", args, count);
	case 3: return call2(arena, "NULLIF", grow(arena, kind, depth, seed), grow(arena, kind, depth, seed));
	default: break;
	}
	if (kind == BOOL)
		return grow_bool(arena, depth, seed);
	args[0] = grow(arena, kind, depth, seed);
	args[1] = grow(arena, kind, depth, seed);
	if (kind == TEXT)
		return case_call(arena, "||", args, 2);
	if (kind == LONG && tr_test_below(seed, 4) == 0)
		return case_call(arena, tr_test_below(seed, 2) ? "/" : "%", args, 2);
	return case_call(arena, (const char *[]){"+", "-", "*"}[tr_test_below(seed, 3)], args, 2);
}

/* ---- the model ---- */

struct model {
	const struct table *table;
	uint32_t row;
	struct tr_arena *arena;
	bool has_failed;
};

static enum kind kind_of(const struct tr_expr *e)
{
	switch (e->type->id) {
	case TR_TYPE_BOOLEAN: return BOOL;
	case TR_TYPE_BIGINT: return LONG;
	case TR_TYPE_DOUBLE: return REAL;
	default: return TEXT;
	}
}

static struct cell eval(struct model *m, const struct tr_expr *e);

static int order(enum kind kind, struct cell a, struct cell b)
{
	if (kind == TEXT)
		return strcmp(a.s, b.s);
	if (kind == REAL)
		return (a.d > b.d) - (a.d < b.d);
	return (a.i > b.i) - (a.i < b.i);
}

static struct cell truth(int value) { return (struct cell){.is_null = value<0, .i = value> 0}; }

static struct cell eval_logic(struct model *m, const struct tr_expr *e, bool is_and)
{
	struct cell a = eval(m, e->args[0]), b;

	if (!a.is_null && (a.i != 0) != is_and)
		return truth(!is_and);
	b = eval(m, e->args[1]);
	if (!b.is_null && (b.i != 0) != is_and)
		return truth(!is_and);
	return truth(a.is_null || b.is_null ? -1 : is_and);
}

static struct cell eval_in(struct model *m, const struct tr_expr *e)
{
	struct cell a = eval(m, e->args[0]);
	bool has_null = false;

	if (a.is_null)
		return truth(-1);
	for (uint32_t i = 1; i < e->arg_count; i++) {
		struct cell b = eval(m, e->args[i]);

		if (!b.is_null && order(kind_of(e->args[0]), a, b) == 0)
			return truth(1);
		has_null |= b.is_null;
	}
	return truth(has_null ? -1 : 0);
}

static struct cell arithmetic(struct model *m, const struct tr_expr *e, char op, struct cell a, struct cell b)
{
	struct cell r = {0};

	if (kind_of(e) == REAL) {
		r.d = op == '+' ? a.d + b.d : op == '-' ? a.d - b.d : a.d * b.d;
		return r;
	}
	if (op == '/' || op == '%') {
		if (b.i == 0) {
			m->has_failed = true;
			return r;
		}
		if (b.i == -1)
			r.i = op == '/' ? (int64_t)(0 - (uint64_t)a.i) : 0;
		else
			r.i = op == '/' ? a.i / b.i : a.i % b.i;
		return r;
	}
	r.i = (int64_t)(op == '+'   ? (uint64_t)a.i + (uint64_t)b.i
			: op == '-' ? (uint64_t)a.i - (uint64_t)b.i
				    : (uint64_t)a.i * (uint64_t)b.i);
	return r;
}

static struct cell eval_call(struct model *m, const struct tr_expr *e)
{
	const char *name = e->func->name;
	enum kind kind = kind_of(e->args[0]);
	struct cell a, b;
	int o;

	if (strcmp(name, "AND") == 0 || strcmp(name, "OR") == 0)
		return eval_logic(m, e, name[0] == 'A');
	if (strcmp(name, "IN") == 0)
		return eval_in(m, e);
	if (strcmp(name, "COALESCE") == 0) {
		for (uint32_t i = 0; i < e->arg_count; i++) {
			a = eval(m, e->args[i]);
			if (!a.is_null || m->has_failed)
				return a;
		}
		return a;
	}
	a = eval(m, e->args[0]);
	if (e->arg_count == 1) {
		bool is_true = !a.is_null && a.i;

		if (strcmp(name, "NOT") == 0)
			return truth(a.is_null ? -1 : !a.i);
		if (strcmp(name, "IS NULL") == 0)
			return truth(a.is_null);
		if (strcmp(name, "IS NOT NULL") == 0)
			return truth(!a.is_null);
		if (strcmp(name, "IS TRUE") == 0)
			return truth(is_true);
		if (strcmp(name, "IS NOT TRUE") == 0)
			return truth(!is_true);
		return truth((!a.is_null && !a.i) == (strcmp(name, "IS FALSE") == 0));
	}
	b = eval(m, e->args[1]);
	if (strncmp(name, "IS ", 3) == 0) {
		bool differs = a.is_null != b.is_null || (!a.is_null && order(kind, a, b) != 0);

		return truth(differs == (strcmp(name, "IS DISTINCT FROM") == 0));
	}
	if (strcmp(name, "NULLIF") == 0)
		return !a.is_null && !b.is_null && order(kind, a, b) == 0 ? (struct cell){.is_null = true} : a;
	if (a.is_null || b.is_null)
		return (struct cell){.is_null = true};
	if (strcmp(name, "||") == 0)
		return (struct cell){.s = tr_arena_printf(m->arena, "%s%s", a.s, b.s)};
	if (strchr("+-*/%", name[0]) != NULL)
		return arithmetic(m, e, name[0], a, b);
	o = order(kind, a, b);
	return truth(strcmp(name, "=") == 0    ? o == 0
		     : strcmp(name, "<>") == 0 ? o != 0
		     : strcmp(name, "<") == 0  ? o < 0
		     : strcmp(name, ">") == 0  ? o > 0
		     : strcmp(name, "<=") == 0 ? o <= 0
					       : o >= 0);
}

static struct cell eval(struct model *m, const struct tr_expr *e)
{
	struct cell c = {.is_null = true};

	if (m->has_failed)
		return c;
	switch (e->kind) {
	case TR_EXPR_COLUMN: return m->table->cells[e->column][m->row];
	case TR_EXPR_LITERAL:
		if (e->value.is_null)
			return c;
		c.is_null = false;
		if (kind_of(e) == TEXT)
			c.s = tr_arena_strndup(m->arena, tr_view_text(&e->value.view), e->value.view.length);
		else if (kind_of(e) == REAL)
			c.d = e->value.f64;
		else
			c.i = e->value.i64;
		return c;
	case TR_EXPR_CASE:
		for (uint32_t i = 0; i + 1 < e->arg_count; i += 2) {
			c = eval(m, e->args[i]);
			if (!c.is_null && c.i)
				return eval(m, e->args[i + 1]);
		}
		return eval(m, e->args[e->arg_count - 1]);
	default: return eval_call(m, e);
	}
}

/* ---- comparing ---- */

static void expect_cell(const struct tr_column *column, uint32_t row, enum kind kind, struct cell want, uint64_t seed,
			const char *text)
{
	bool equal = tr_column_is_null(column, row) == want.is_null;

	if (equal && !want.is_null) {
		const struct tr_view *view;

		switch (kind) {
		case BOOL: equal = tr_column_i8(column, row) == want.i; break;
		case LONG: equal = tr_column_i64(column, row) == want.i; break;
		case REAL:
			equal = memcmp(&(double){tr_column_f64(column, row)}, &want.d, 8) == 0 ||
				tr_column_f64(column, row) == want.d;
			break;
		default:
			view = tr_column_view(column, row);
			equal = view->length == strlen(want.s) && memcmp(tr_view_text(view), want.s, view->length) == 0;
		}
	}
	if (!equal)
		fail_msg("seed %llu row %u differs: %s", (unsigned long long)seed, row, text);
}

static void check_filter(struct tr_program_state *state, const struct table *t, const struct cell *wants,
			 bool any_failed, uint64_t seed, const char *text)
{
	uint32_t *kept = TR_NEW_ARRAY(&((struct table *)(uintptr_t)t)->arena, t->batch.row_count, uint32_t);
	uint32_t count, next = 0;
	struct tr_status st = {0};

	if (tr_program_run_where(state, &t->batch, NULL, kept, &count, &st) != TR_OK) {
		assert_true(any_failed);
		return;
	}
	/* A conjunction may drop a row before the term that would fail for it: no failure is then fine. */
	if (any_failed)
		return;
	for (uint32_t i = 0; i < t->batch.selected_count; i++) {
		uint32_t row = tr_batch_row(&t->batch, i);

		if (wants[i].is_null || !wants[i].i)
			continue;
		if (next >= count || kept[next++] != row)
			fail_msg("seed %llu: filter lost row %u: %s", (unsigned long long)seed, row, text);
	}
	if (next != count)
		fail_msg("seed %llu: filter kept too many: %s", (unsigned long long)seed, text);
}

/* A condition and an output in one program: the rows of the condition alone, and for them the values of tr_program_run. The output is
 * the condition's own tree beside a column, so that they share all they can. */
static void check_where(struct tr_program_state *filter, struct table *t, const struct tr_expr *condition,
			uint64_t seed, const char *text)
{
	const uint32_t rows = t->batch.row_count;
	uint32_t *expected = TR_NEW_ARRAY(&t->arena, rows, uint32_t), *kept = TR_NEW_ARRAY(&t->arena, rows, uint32_t);
	struct tr_program_context context = {.time_zone = "UTC"};
	const struct tr_program *program;
	struct tr_program_state *state;
	struct tr_column output;
	uint32_t expected_count = 0, count = 0;
	struct tr_status st = {0};
	tr_code code;

	assert_int_equal(tr_program_compile_where(&t->arena, &t->schema, condition, &condition, 1, &program, &st),
			 TR_OK);
	state = tr_program_state_create(program, &context, rows);
	code = tr_program_run_where(state, &t->batch, &output, kept, &count, &st);
	if (code != tr_program_run_where(filter, &t->batch, NULL, expected, &expected_count, &st))
		fail_msg("seed %llu: with an output it fails otherwise: %s", (unsigned long long)seed, text);
	if (code == TR_OK) {
		if (count != expected_count || (count > 0 && memcmp(kept, expected, count * sizeof(*kept)) != 0))
			fail_msg("seed %llu: with an output other rows are kept: %s", (unsigned long long)seed, text);
		for (uint32_t i = 0; i < count; i++)
			if (tr_column_is_null(&output, kept[i]) || !tr_column_i8(&output, kept[i]))
				fail_msg("seed %llu: the condition is not TRUE in a row that is kept: %s",
					 (unsigned long long)seed, text);
	}
	tr_program_state_destroy(&state);
}

/* Whether the model failed. */
static bool check_tree(uint64_t seed)
{
	static const uint32_t sizes[] = {1, 7, 64, 65, 300, ROWS_MAX};
	uint64_t s = seed;
	struct table t = {0};
	const struct tr_expr *trees[2];
	const struct tr_program *program;
	struct tr_program_context context = {.time_zone = "UTC"};
	struct tr_program_state *state;
	struct tr_column outputs[2];
	struct cell *wants[2];
	struct tr_status st = {0};
	struct model m = {.table = &t};
	uint32_t count = 1 + tr_test_below(&s, 2);
	bool has_failed;
	tr_code code;

	tr_arena_init(&t.arena, 1 << 16);
	m.arena = &t.arena;
	fill(&t, sizes[tr_test_below(&s, tr_test_below(&s, 4) ? 5 : 6)], (int)tr_test_below(&s, 3) * 4, &s);
	for (uint32_t i = 0; i < count; i++) {
		trees[i] = grow(&t.arena, count == 1 ? BOOL : (enum kind)tr_test_below(&s, KINDS), 4, &s);
		if (tr_test_below(&s, 2))
			trees[i] = tr_expr_fold(&t.arena, trees[i]);
		wants[i] = TR_NEW_ARRAY(&t.arena, t.batch.row_count, struct cell);
		for (uint32_t r = 0; r < t.batch.selected_count; r++) {
			m.row = tr_batch_row(&t.batch, r);
			wants[i][r] = eval(&m, trees[i]);
		}
	}
	has_failed = m.has_failed;
	assert_int_equal(tr_program_compile(&t.arena, &t.schema, trees, count, &program, &st), TR_OK);
	state = tr_program_state_create(program, &context, t.batch.row_count);
	for (int run = 0; run < 2; run++) {
		code = tr_program_run(state, &t.batch, outputs, &st);
		if ((code != TR_OK) != has_failed)
			fail_msg("seed %llu: %s, model says %d: %s", (unsigned long long)seed, st.message, has_failed,
				 tr_expr_text_of(&t.arena, trees[0], &t.schema));
		if (code != TR_OK)
			break;
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t r = 0; r < t.batch.selected_count; r++)
				expect_cell(&outputs[i], tr_batch_row(&t.batch, r), kind_of(trees[i]), wants[i][r],
					    seed, tr_expr_text_of(&t.arena, trees[i], &t.schema));
	}
	if (count == 1) {
		const char *text = tr_expr_text_of(&t.arena, trees[0], &t.schema);
		struct tr_program_state *filter;

		assert_int_equal(tr_program_compile_where(&t.arena, &t.schema, trees[0], NULL, 0, &program, &st), TR_OK);
		filter = tr_program_state_create(program, &context, t.batch.row_count);
		check_filter(filter, &t, wants[0], has_failed, seed, text);
		check_where(filter, &t, trees[0], seed, text);
		tr_program_state_destroy(&filter);
	}
	tr_program_state_destroy(&state);
	tr_arena_deinit(&t.arena);
	return has_failed;
}

static void random_trees(void **state)
{
	const char *percent = getenv("TAILRACE_TEST_PERCENT");
	uint64_t trees = TREES * (uint64_t)(percent != NULL ? atoi(percent) : 100) / 100, failures = 0;

	for (uint64_t seed = 1; seed <= trees; seed++)
		failures += check_tree(seed);
	/* Most trees must yield values, and some must fail. */
	assert_in_range(failures, 1, trees / 2);
}

/* ---- what the compiler promises ---- */

static void shares_equal_subtrees(void **state)
{
	struct tr_arena arena;
	static const char *names[] = {"a", "b"};
	const struct tr_type *types[] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_BIGINT)};
	struct tr_schema schema = {2, names, types};
	const struct tr_expr *a, *b, *outputs[3];
	const struct tr_program *program;

	tr_arena_init(&arena, 0);
	a = tr_expr_column(&arena, 0, types[0]);
	b = tr_expr_column(&arena, 1, types[1]);
	outputs[0] = call2(&arena, "+", call2(&arena, "*", a, b), a);
	outputs[1] = call2(&arena, "-", call2(&arena, "*", a, b), b);
	outputs[2] = a;
	assert_int_equal(tr_program_compile(&arena, &schema, outputs, 3, &program, NULL), TR_OK);
	assert_int_equal(program->code.step_count, 3);
	assert_string_equal(tr_expr_text_of(&arena, outputs[0], &schema), "((a * b) + a)");
	tr_arena_deinit(&arena);
}

static void passes_columns_by_reference(void **state)
{
	uint64_t seed = 1;
	struct table t = {0};
	struct tr_program_context context = {.time_zone = "UTC"};
	const struct tr_expr *outputs[1];
	const struct tr_program *program;
	struct tr_program_state *s;
	struct tr_column column;

	tr_arena_init(&t.arena, 0);
	fill(&t, 100, 4, &seed);
	outputs[0] = tr_expr_column(&t.arena, 3, kind_type(TEXT));
	assert_int_equal(tr_program_compile(&t.arena, &t.schema, outputs, 1, &program, NULL), TR_OK);
	s = tr_program_state_create(program, &context, 100);
	assert_int_equal(tr_program_run(s, &t.batch, &column, NULL), TR_OK);
	assert_ptr_equal(column.data, t.columns[3].data);
	tr_program_state_destroy(&s);
	tr_arena_deinit(&t.arena);
}

static void errors_name_place_row_and_value(void **state)
{
	uint64_t seed = 1;
	struct table t = {0};
	struct tr_program_context context = {.time_zone = "UTC"};
	struct tr_expr *division;
	const struct tr_expr *outputs[1];
	const struct tr_program *program;
	struct tr_program_state *s;
	struct tr_column column;
	struct tr_status st = {0};
	int64_t numbers[] = {4, 2, 0, 1};

	tr_arena_init(&t.arena, 0);
	fill(&t, 4, 0, &seed);
	t.columns[1] = (struct tr_column){.type = kind_type(LONG), .data = numbers};
	division = (struct tr_expr *)(uintptr_t)call2(&t.arena, "/", tr_expr_i64(&t.arena, kind_type(LONG), 8),
						      tr_expr_column(&t.arena, 1, kind_type(LONG)));
	division->place = (struct tr_expr_place){3, 14};
	outputs[0] = division;
	assert_int_equal(tr_program_compile(&t.arena, &t.schema, outputs, 1, &program, NULL), TR_OK);
	s = tr_program_state_create(program, &context, 4);
	assert_int_equal(tr_program_run(s, &t.batch, &column, &st), TR_ERR_DATA);
	assert_string_equal(st.message, "line 3, column 14: division by zero in (8 / l0) (l0 = 0)");
	t.batch.origin = &(struct tr_row_origin){.table = "t", .split = "file a.csv", .row_number = 1001};
	assert_int_equal(tr_program_run(s, &t.batch, &column, &st), TR_ERR_DATA);
	assert_string_equal(st.message,
			    "line 3, column 14: division by zero in (8 / l0) (row 1003 of table t, file a.csv: "
			    "l0 = 0)");
	tr_program_state_destroy(&s);
	tr_arena_deinit(&t.arena);
}

/* ROW(a, b).f and CASE over ROWs, with a NULL row. */
static void rows_and_fields(void **state)
{
	uint64_t seed = 5;
	struct table t = {0};
	struct tr_program_context context = {.time_zone = "UTC"};
	const struct tr_expr *args[3], *row, *outputs[2];
	const struct tr_program *program;
	struct tr_program_state *s;
	struct tr_column columns[2];

	tr_arena_init(&t.arena, 0);
	fill(&t, 200, 0, &seed);
	args[0] = tr_expr_column(&t.arena, 1, kind_type(LONG));
	args[1] = tr_expr_i64(&t.arena, kind_type(LONG), 42);
	row = case_call(&t.arena, "ROW", args, 2);
	outputs[0] = tr_expr_field(&t.arena, row, 0);
	args[0] = tr_expr_column(&t.arena, 0, kind_type(BOOL));
	args[1] = row;
	args[2] = tr_expr_null(&t.arena, row->type);
	outputs[1] = tr_expr_field(
		&t.arena, tr_expr_case(&t.arena, tr_type_with_nullable(&t.arena, row->type, true), args, 3), 1);
	assert_int_equal(tr_program_compile(&t.arena, &t.schema, outputs, 2, &program, NULL), TR_OK);
	s = tr_program_state_create(program, &context, 200);
	assert_int_equal(tr_program_run(s, &t.batch, columns, NULL), TR_OK);
	for (uint32_t r = 0; r < 200; r++) {
		struct cell b = t.cells[0][r], l = t.cells[1][r];

		expect_cell(&columns[0], r, LONG, l, 5, "ROW(l0, 42).EXPR$0");
		expect_cell(&columns[1], r, LONG, (struct cell){.is_null = b.is_null || !b.i, .i = 42}, 5,
			    "CASE WHEN b0 THEN ROW(l0, 42) END.EXPR$1");
	}
	tr_program_state_destroy(&s);
	tr_arena_deinit(&t.arena);
}

static void folds_constants(void **state)
{
	struct tr_arena arena;
	const struct tr_type *type = tr_type_of(TR_TYPE_BIGINT);
	const struct tr_expr *one, *sum, *bad;

	tr_arena_init(&arena, 0);
	one = tr_expr_i64(&arena, type, 1);
	sum = tr_expr_fold(&arena, call2(&arena, "+", one, call2(&arena, "*", one, one)));
	assert_int_equal(sum->kind, TR_EXPR_LITERAL);
	assert_int_equal(sum->value.i64, 2);
	bad = tr_expr_fold(&arena, call2(&arena, "/", one, tr_expr_i64(&arena, type, 0)));
	assert_int_equal(bad->kind, TR_EXPR_CALL);
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_trees),
		cmocka_unit_test(lower_instruction_sets),
		cmocka_unit_test(shares_equal_subtrees),
		cmocka_unit_test(passes_columns_by_reference),
		cmocka_unit_test(errors_name_place_row_and_value),
		cmocka_unit_test(rows_and_fields),
		cmocka_unit_test(folds_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
