/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases for functions: arguments and result as texts.
 *
 * An argument is "type:value": b BOOLEAN, t TINYINT, h SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, s STRING, c CHAR
 * (always a literal), n3.1 DECIMAL(3,1), D DATE, T TIME(3), m3 TIMESTAMP(3), z3 TIMESTAMP_LTZ(3), M months, I milliseconds, y BYTES;
 * "type!" is NULL. The result is compared as CAST(.. AS STRING), NULL as NULL, a failure as "!" and a part of its message.
 *
 * Each case runs as literals, and as columns of a batch of nine rows with a selection, so that both ways of evaluation
 * are covered; every other row has other values or NULLs outside the selection.
 */
#ifndef TR_TEST_EXPR_CASE_H
#define TR_TEST_EXPR_CASE_H

#include "tr_test.h"

#include "base/arena.h"
#include "base/batch.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/expr.h"
#include "core/ops/func.h"
#include "core/ops/program.h"

#define CASE_ARGS_MAX 24
#define CASE_ROWS 9

struct expr_case {
	const char *name;
	const char *args[CASE_ARGS_MAX];
	const char *expected;
};

static const char *case_zone __attribute__((unused)) = "UTC";

static const struct tr_type *case_type(struct tr_arena *arena, const char *arg)
{
	int p = atoi(arg + 1), s = strchr(arg, '.') != NULL ? atoi(strchr(arg, '.') + 1) : 0;

	switch (arg[0]) {
	case 'b': return tr_type_of(TR_TYPE_BOOLEAN);
	case 't': return tr_type_of(TR_TYPE_TINYINT);
	case 'h': return tr_type_of(TR_TYPE_SMALLINT);
	case 'i': return tr_type_of(TR_TYPE_INT);
	case 'l': return tr_type_of(TR_TYPE_BIGINT);
	case 'f': return tr_type_of(TR_TYPE_FLOAT);
	case 'd': return tr_type_of(TR_TYPE_DOUBLE);
	case 'n': return tr_type_decimal(arena, p, s);
	case 'D': return tr_type_of(TR_TYPE_DATE);
	case 'T': return tr_type_with_precision(arena, TR_TYPE_TIME, 3);
	case 'm': return tr_type_with_precision(arena, TR_TYPE_TIMESTAMP, p);
	case 'z': return tr_type_with_precision(arena, TR_TYPE_TIMESTAMP_LTZ, p);
	case 'M': return tr_type_of(TR_TYPE_INTERVAL_MONTH);
	case 'I': return tr_type_of(TR_TYPE_INTERVAL_MS);
	case 'y': return tr_type_of(TR_TYPE_VARBINARY);
	default: return tr_type_of(TR_TYPE_VARCHAR);
	}
}

static int64_t case_time(const char *text, const struct tr_type *type)
{
	struct tr_text_time time;
	int64_t ticks;

	assert_int_equal(tr_text_parse_timestamp(text, strlen(text), TR_TIME_CAST_TIMESTAMP, &time), TR_TEXT_OK);
	assert_int_equal(tr_text_time_to_ticks(&time, tr_type_ticks_per_second(type), &ticks), TR_TEXT_OK);
	return ticks;
}

static const struct tr_expr *case_literal(struct tr_arena *arena, const char *arg)
{
	const struct tr_type *type = case_type(arena, arg);
	const char *text = strchr(arg, ':');
	struct tr_value value = {.is_null = text == NULL};

	if (text == NULL)
		return tr_expr_null(arena, type);
	text++;
	type = tr_type_with_nullable(arena, type, false);
	switch (type->id) {
	case TR_TYPE_BOOLEAN: value.i64 = text[0] == 'T'; break;
	case TR_TYPE_FLOAT: value.f64 = strtof(text, NULL); break;
	case TR_TYPE_DOUBLE: value.f64 = strtod(text, NULL); break;
	case TR_TYPE_DECIMAL: {
		tr_i128 unscaled = 0;

		assert_int_equal(tr_text_parse_decimal(text, strlen(text), type->precision, type->scale, &unscaled),
				 TR_TEXT_OK);
		if (type->phys == TR_PHYS_I64)
			value.i64 = (int64_t)unscaled;
		else
			value.i128 = unscaled;
		break;
	}
	case TR_TYPE_DATE: {
		int32_t days;

		assert_int_equal(tr_text_parse_date(text, strlen(text), 0, &days), TR_TEXT_OK);
		value.i64 = days;
		break;
	}
	case TR_TYPE_TIME: {
		int64_t nanos;

		assert_int_equal(tr_text_parse_time(text, strlen(text), 0, &nanos), TR_TEXT_OK);
		value.i64 = nanos / 1000000;
		break;
	}
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: /* as UTC */ value.i64 = case_time(text, type); break;
	case TR_TYPE_VARCHAR:
	case TR_TYPE_VARBINARY:
		if (arg[0] == 'c')
			return tr_expr_text(arena, text, strlen(text));
		value.view = tr_view_make(text, (uint32_t)strlen(text));
		break;
	default: value.i64 = strtoll(text, NULL, 10);
	}
	return tr_expr_literal(arena, type, value);
}

/* Resolves name over args, with casts where wanted. */
static const struct tr_expr *case_call(struct tr_arena *arena, const char *name, const struct tr_expr *const *args,
				       uint32_t count)
{
	const struct tr_type *types[CASE_ARGS_MAX];
	const struct tr_expr *literals[CASE_ARGS_MAX], *cast[CASE_ARGS_MAX];
	struct tr_func_match match;
	struct tr_status st = {0};

	for (uint32_t i = 0; i < count; i++) {
		types[i] = args[i]->type;
		literals[i] = args[i]->kind == TR_EXPR_LITERAL ? args[i] : NULL;
	}
	if (tr_func_resolve(arena, name, types, literals, count, &match, &st) != TR_OK)
		fail_msg("%s", st.message);
	for (uint32_t i = 0; i < count; i++) {
		cast[i] = args[i];
		if (!tr_type_equals_ignoring_null(types[i], match.arg_types[i]))
			cast[i] = tr_expr_cast(arena, args[i], match.arg_types[i], false);
	}
	return tr_expr_call(arena, match.func, match.type, cast, count);
}

/* A column of `rows` values: the literal in odd rows, NULL or zeros elsewhere. */
static struct tr_column case_column(struct tr_arena *arena, const struct tr_expr *literal, uint32_t rows)
{
	size_t width = tr_phys_bytes(literal->type->phys);
	char *data = tr_arena_zalloc(arena, width * rows);
	uint64_t *validity = tr_arena_zalloc(arena, sizeof(uint64_t) * TR_BITMAP_WORDS(rows));
	struct tr_column column = {
		.type = tr_type_with_nullable(arena, literal->type, true), .data = data, .validity = validity};

	for (uint32_t i = 1; i < rows; i += 2) {
		char *at = data + width * i;

		if (literal->value.is_null)
			continue;
		tr_bit_set(validity, i);
		if (literal->type->phys == TR_PHYS_F32) {
			float f = (float)literal->value.f64;

			memcpy(at, &f, 4);
		} else {
			memcpy(at, &literal->value.i64, width);
		}
	}
	return column;
}

/* Runs one expression over a batch and returns the CAST text of row `row`, NULL, or "!message". */
static const char *case_run(struct tr_arena *arena, const struct tr_expr *expr, const struct tr_batch *batch,
			    uint32_t row)
{
	struct tr_program_context context = {
		.time_zone = case_zone, .processing_time_ms = 1600000000123, .query_start_ms = 1600000000123};
	const struct tr_program *program;
	struct tr_program_state *state;
	struct tr_column column;
	struct tr_status st = {0};
	const char *text = NULL;

	if (tr_program_compile(arena, batch->schema, &expr, 1, &program, &st) != TR_OK)
		return tr_arena_printf(arena, "!%s", st.message);
	state = tr_program_state_create(program, &context, batch->row_count);
	for (int run = 0; run < 2; run++) { /* the second run finds warm registers */
		if (tr_program_run(state, batch, &column, &st) != TR_OK) {
			text = tr_arena_printf(arena, "!%s", st.message);
			break;
		}
		if (!tr_column_is_null(&column, row)) {
			struct tr_bytes bytes = {0};
			struct tr_timezone *zone;

			assert_int_equal(tr_timezone_create(case_zone, &zone, NULL), TR_OK);
			tr_text_append_value(&bytes, &column, row, TR_TEXT_CAST, zone);
			text = tr_arena_strndup(arena, bytes.length > 0 ? bytes.data : "", bytes.length);
			tr_bytes_deinit(&bytes);
			tr_timezone_destroy(&zone);
		}
	}
	tr_program_state_destroy(&state);
	return text;
}

static void case_expect(const struct expr_case *c, const char *way, const char *text)
{
	if (c->expected != NULL && c->expected[0] == '!') {
		if (text == NULL || text[0] != '!' || strstr(text, c->expected + 1) == NULL)
			fail_msg("%s(%s, ..) as %s: expected %s, got %s", c->name, c->args[0], way, c->expected,
				 text != NULL ? text : "NULL");
		return;
	}
	if ((text == NULL) != (c->expected == NULL) || (text != NULL && strcmp(text, c->expected) != 0))
		fail_msg("%s(%s, %s, ..) as %s: expected %s, got %s", c->name, c->args[0] ? c->args[0] : "",
			 c->args[1] ? c->args[1] : "", way, c->expected ? c->expected : "NULL", text ? text : "NULL");
}

/* `literal_args`: bit i set: argument i stays a literal when the others are columns. */
static inline void case_check(const struct expr_case *c, uint32_t literal_args)
{
	static const uint32_t selection[] = {1, 3, 7};
	struct tr_arena arena;
	const struct tr_expr *args[CASE_ARGS_MAX], *columns[CASE_ARGS_MAX];
	struct tr_column data[CASE_ARGS_MAX];
	const struct tr_type *types[CASE_ARGS_MAX];
	const char *names[CASE_ARGS_MAX];
	struct tr_schema schema = {.names = names, .types = types}, none = {0};
	struct tr_batch batch = {.schema = &none, .row_count = 1, .selected_count = 1};
	uint32_t count = 0;

	tr_arena_init(&arena, 0);
	while (count < CASE_ARGS_MAX && c->args[count] != NULL) {
		args[count] = case_literal(&arena, c->args[count]);
		data[count] = case_column(&arena, args[count], CASE_ROWS);
		names[count] = tr_arena_printf(&arena, "c%u", count);
		types[count] = data[count].type;
		columns[count] = c->args[count][0] == 'c' || (literal_args >> count) & 1
					 ? args[count]
					 : tr_expr_column(&arena, count, types[count]);
		count++;
	}
	case_expect(c, "literals", case_run(&arena, case_call(&arena, c->name, args, count), &batch, 0));
	schema.column_count = count;
	batch = (struct tr_batch){
		.schema = &schema, .row_count = CASE_ROWS, .selected_count = 3, .selection = selection, .columns = data};
	case_expect(c, "columns", case_run(&arena, case_call(&arena, c->name, columns, count), &batch, 3));
	if (c->expected == NULL || c->expected[0] != '!') { /* without a selection NULL rows are in play */
		batch.selection = NULL;
		batch.selected_count = CASE_ROWS;
		case_expect(c, "dense columns", case_run(&arena, case_call(&arena, c->name, columns, count), &batch, 7));
	}
	tr_arena_deinit(&arena);
}

#define CASES_CHECK(cases, literal_args)                                   \
	for (size_t i_ = 0; i_ < sizeof(cases) / sizeof((cases)[0]); i_++) \
	case_check(&(cases)[i_], literal_args)

/* CAST(arg AS type), with the type written as an argument. */
static inline void cast_check(const char *arg, const char *to, const char *expected, bool is_try)
{
	struct tr_arena arena;
	const struct tr_expr *literal, *column;
	const struct tr_type *type;
	static const char *names[] = {"x"};
	struct expr_case c = {is_try ? "TRY_CAST" : "CAST", {arg, to}, expected};
	struct tr_schema none = {0}, schema = {1, names, &type};
	struct tr_batch batch = {.schema = &none, .row_count = 1, .selected_count = 1};
	struct tr_column data;

	tr_arena_init(&arena, 0);
	literal = case_literal(&arena, arg);
	data = case_column(&arena, literal, CASE_ROWS);
	type = data.type;
	column = tr_expr_column(&arena, 0, type);
	case_expect(&c, "literal",
		    case_run(&arena, tr_expr_cast(&arena, literal, case_type(&arena, to), is_try), &batch, 0));
	batch = (struct tr_batch){
		.schema = &schema, .row_count = CASE_ROWS, .selected_count = CASE_ROWS, .columns = &data};
	case_expect(&c, "column",
		    case_run(&arena, tr_expr_cast(&arena, column, case_type(&arena, to), is_try), &batch, 5));
	tr_arena_deinit(&arena);
}

#endif
