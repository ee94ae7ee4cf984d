/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic with constants against loops written with / and %, at all instruction sets; and what runs over whole batches
 * because it is harmless (MOD and / by a constant, DECIMALs with integers, a constant interval) against the rows alone.
 */
#include "expr_case.h"

#include "core/ops/kernel_arith.h"
#include "core/ops/kernel_dense.h"
#include "support/lower_isa.h"

#define ROWS 1000

static int64_t random_number(uint64_t *seed)
{
	static const int64_t edges[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, INT32_MIN, INT32_MAX, -1, 0, 1};

	switch (tr_test_below(seed, 4)) {
	case 0: return edges[tr_test_below(seed, 8)];
	case 1: return (int64_t)tr_test_below(seed, 1000) - 500;
	default: return (int64_t)tr_test_random(seed) >> tr_test_below(seed, 60);
	}
}

static uint32_t some_rows(uint64_t *seed, uint32_t *rows)
{
	const uint32_t share = tr_test_below(seed, 101);
	uint32_t n = 0;

	for (uint32_t i = 0; i < ROWS; i++)
		if (tr_test_below(seed, 100) < share)
			rows[n++] = i;
	return n;
}

/* ---- kernels ---- */

static void divides_by_constants(void **state)
{
	const struct tr_kernel_arith *kernels = TR_ISA_PICK(tr_kernel_arith);
	static int64_t a[ROWS], out[ROWS];
	static int32_t narrow[ROWS];
	static uint32_t rows[ROWS];
	uint64_t seed = 3;

	for (int turn = 0; turn < 400; turn++) {
		const uint32_t listed = some_rows(&seed, rows), count = turn % 2 ? ROWS : listed;
		const uint32_t *list = turn % 2 ? NULL : rows;
		int64_t divisor = random_number(&seed);

		for (uint32_t i = 0; i < ROWS; i++)
			a[i] = random_number(&seed);
		if (divisor >= -1 && divisor <= 1)
			divisor = 123;
		kernels->modulo_i64(out, a, divisor, list, count);
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t row = list != NULL ? list[i] : i;

			assert_int_equal(out[row], a[row] % divisor);
		}
		kernels->divide_i64(out, a, divisor, list, count);
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t row = list != NULL ? list[i] : i;

			assert_int_equal(out[row], a[row] / divisor);
		}
		if (divisor != (int32_t)divisor)
			continue;
		kernels->modulo_i64_to_i32(narrow, a, (int32_t)divisor, list, count);
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t row = list != NULL ? list[i] : i;

			assert_int_equal(narrow[row], a[row] % divisor);
		}
	}
}

static void adds_and_sees_overflow(void **state)
{
	const struct tr_kernel_arith *kernels = TR_ISA_PICK(tr_kernel_arith);
	static int64_t a[ROWS], out[ROWS];
	static uint32_t rows[ROWS];
	uint64_t seed = 4;
	uint32_t overflows = 0;

	for (int turn = 0; turn < 2000; turn++) {
		const uint32_t listed = some_rows(&seed, rows), count = turn % 2 ? ROWS : listed;
		const uint32_t *list = turn % 2 ? NULL : rows;
		const int64_t c = random_number(&seed);
		bool fits = true;

		for (uint32_t i = 0; i < ROWS; i++) /* mostly far from the edges: otherwise every turn overflows */
			a[i] = (int64_t)tr_test_random(&seed) >> 3;
		a[tr_test_below(&seed, ROWS)] = random_number(&seed);
		for (uint32_t i = 0; i < count; i++) {
			int64_t sum;

			fits &= !__builtin_add_overflow(a[list != NULL ? list[i] : i], c, &sum);
		}
		assert_int_equal(kernels->add_checked_i64(out, a, c, list, count), fits);
		overflows += !fits;
		for (uint32_t i = 0; fits && i < count; i++) {
			const uint32_t row = list != NULL ? list[i] : i;

			assert_int_equal(out[row], a[row] + c);
		}
	}
	assert_in_range(overflows, 50, 1500);
}

/* ---- programs ---- */

struct columns {
	struct tr_arena arena;
	const char *names[4];
	const struct tr_type *types[4];
	struct tr_schema schema;
	struct tr_column data[4]; /* kind INT without NULLs, value BIGINT, small SMALLINT, time TIMESTAMP(3) */
	struct tr_batch batch;
	uint32_t selection[ROWS];
};

static void columns_init(struct columns *c, uint64_t *seed, bool has_selection)
{
	static const char *const names[] = {"kind", "value", "small", "time"};

	tr_arena_init(&c->arena, 0);
	c->types[0] = tr_type_with_nullable(&c->arena, tr_type_of(TR_TYPE_INT), false);
	c->types[1] = tr_type_of(TR_TYPE_BIGINT);
	c->types[2] = tr_type_of(TR_TYPE_SMALLINT);
	c->types[3] = tr_type_with_precision(&c->arena, TR_TYPE_TIMESTAMP, 3);
	for (uint32_t i = 0; i < 4; i++) {
		const size_t width = tr_phys_bytes(c->types[i]->phys);
		char *data = tr_arena_zalloc(&c->arena, width * ROWS);
		uint64_t *validity = tr_arena_zalloc(&c->arena, 8 * TR_BITMAP_WORDS(ROWS));

		c->names[i] = names[i];
		for (uint32_t r = 0; r < ROWS; r++) {
			int64_t value = i == 0 ? tr_test_below(seed, 12) / 11 : random_number(seed);

			if (i == 0 || tr_test_below(seed, 10) > 0)
				tr_bit_set(validity, r);
			else
				value = tr_test_below(seed, 2) ? INT64_MIN
							       : INT64_MAX; /* what a NULL's place may hold */
			if (i == 3 && !tr_bit_get(validity, r))
				value = INT64_MAX;
			else if (i == 3)
				value >>= 8;
			memcpy(data + width * r, &value, width);
		}
		c->data[i] =
			(struct tr_column){.type = c->types[i], .data = data, .validity = i == 0 ? NULL : validity};
	}
	c->schema = (struct tr_schema){4, c->names, c->types};
	c->batch =
		(struct tr_batch){.schema = &c->schema, .row_count = ROWS, .selected_count = ROWS, .columns = c->data};
	if (has_selection) {
		c->batch.selection = c->selection;
		c->batch.selected_count = some_rows(seed, c->selection);
	}
}

static const struct tr_expr *column(struct columns *c, uint32_t i) { return tr_expr_column(&c->arena, i, c->types[i]); }

static const struct tr_expr *call2(struct columns *c, const char *name, const struct tr_expr *a, const struct tr_expr *b)
{
	const struct tr_expr *args[] = {a, b};

	return case_call(&c->arena, name, args, 2);
}

/* kind = 0 AND MOD(value, divisor) = 0: a mask, a harmless call over all rows, and another mask. */
static void filters_by_remainder(void **state)
{
	static const struct tr_program_context context = {.time_zone = "UTC"};
	uint64_t seed = 5;

	for (int turn = 0; turn < 60; turn++) {
		struct columns c;
		const struct tr_type *divisor_type = tr_type_of(turn % 2 ? TR_TYPE_BIGINT : TR_TYPE_INT);
		const int64_t divisor = 2 + tr_test_below(&seed, 5);
		const struct tr_expr *zero, *expr;
		const struct tr_program *program;
		struct tr_program_state *s;
		uint32_t got[ROWS], count, n = 0;

		columns_init(&c, &seed, turn % 3 == 0);
		zero = tr_expr_i64(&c.arena, c.types[0], 0);
		expr = call2(&c, "MOD", column(&c, 1), tr_expr_i64(&c.arena, divisor_type, divisor));
		expr = call2(&c, "AND", call2(&c, "=", column(&c, 0), zero),
			     call2(&c, "=", expr, tr_expr_i64(&c.arena, divisor_type, 0)));
		assert_int_equal(tr_program_compile_where(&c.arena, &c.schema, expr, NULL, 0, &program, NULL), TR_OK);
		s = tr_program_state_create(program, &context, ROWS);
		assert_int_equal(tr_program_run_where(s, &c.batch, NULL, got, &count, NULL), TR_OK);
		for (uint32_t i = 0; i < c.batch.selected_count; i++) {
			const uint32_t row = c.batch.selection != NULL ? c.batch.selection[i] : i;

			if (tr_column_i32(&c.data[0], row) != 0 || tr_column_is_null(&c.data[1], row) ||
			    tr_column_i64(&c.data[1], row) % divisor != 0)
				continue;
			assert_true(n < count);
			assert_int_equal(got[n++], row);
		}
		assert_int_equal(n, count);
		tr_program_state_destroy(&s);
		tr_arena_deinit(&c.arena);
	}
}

static void check_i128(const struct tr_column *out, uint32_t row, bool is_null, tr_i128 want)
{
	assert_int_equal(tr_column_is_null(out, row), is_null);
	if (is_null)
		return;
	assert_true((out->type->phys == TR_PHYS_I64 ? tr_column_i64(out, row) : tr_column_i128(out, row)) == want);
}

/* 0.908 * value and its like read the integers as they are; so does an INT, a SMALLINT, and a sum. */
static void decimals_with_integers(void **state)
{
	static const struct tr_program_context context = {.time_zone = "UTC"};
	uint64_t seed = 6;

	for (int turn = 0; turn < 40; turn++) {
		struct columns c;
		const struct tr_expr *factor, *exprs[5];
		const struct tr_program *program;
		struct tr_program_state *s;
		struct tr_column out[5];

		columns_init(&c, &seed, turn % 3 == 0);
		factor = case_literal(&c.arena, turn % 2 ? "n3.3:0.908" : "n4.2:-99.99");
		exprs[0] = call2(&c, "*", factor, column(&c, 1));
		exprs[1] = call2(&c, "*", column(&c, 2), factor);
		exprs[2] = call2(&c, "-", factor, column(&c, 1));
		exprs[3] = call2(&c, "+", column(&c, 2), factor);
		exprs[4] =
			call2(&c, "*", exprs[0], column(&c, 1)); /* 128 bits by 64: up to 42 digits, NULL beyond 38 */
		assert_int_equal(tr_program_compile(&c.arena, &c.schema, exprs, 5, &program, NULL), TR_OK);
		assert_null(strstr(tr_program_text(&c.arena, program), "= cast"));
		s = tr_program_state_create(program, &context, ROWS);
		assert_int_equal(tr_program_run(s, &c.batch, out, NULL), TR_OK);
		for (uint32_t i = 0; i < c.batch.selected_count; i++) {
			const uint32_t row = c.batch.selection != NULL ? c.batch.selection[i] : i;
			const bool v_null = tr_column_is_null(&c.data[1], row);
			const bool w_null = tr_column_is_null(&c.data[2], row);
			const tr_i128 v = tr_column_i64(&c.data[1], row), w = tr_column_i16(&c.data[2], row);
			const tr_i128 f = turn % 2 ? 908 : -9999, one = turn % 2 ? 1000 : 100;

			check_i128(&out[0], row, v_null, f * v);
			check_i128(&out[1], row, w_null, f * w);
			check_i128(&out[2], row, v_null, f - v * one);
			check_i128(&out[3], row, w_null, f + w * one);
			assert_int_equal(exprs[4]->type->scale, exprs[0]->type->scale);
			if (v_null || (v > INT32_MIN && v < INT32_MAX))
				check_i128(&out[4], row, v_null, f * v * v);
		}
		tr_program_state_destroy(&s);
		tr_arena_deinit(&c.arena);
	}
}

/* time - INTERVAL: what lies in a NULL's place does not fail; a row out of range does, by its number. */
static void subtracts_a_constant_interval(void **state)
{
	static const struct tr_program_context context = {.time_zone = "UTC"};
	static const struct tr_row_origin origin = {.table = "t", .split = "file f", .row_number = 1};
	uint64_t seed = 8;

	for (int turn = 0; turn < 40; turn++) {
		struct columns c;
		const struct tr_program *program;
		struct tr_program_state *s;
		struct tr_column out;
		const struct tr_expr *expr;
		struct tr_status st = {0};
		const int64_t ms = turn % 2 ? 4000 : -4000;

		columns_init(&c, &seed, turn % 3 == 0);
		expr = call2(&c, "-", column(&c, 3), tr_expr_i64(&c.arena, tr_type_of(TR_TYPE_INTERVAL_MS), ms));
		assert_int_equal(tr_program_compile(&c.arena, &c.schema, &expr, 1, &program, &st), TR_OK);
		s = tr_program_state_create(program, &context, ROWS);
		assert_int_equal(tr_program_run(s, &c.batch, &out, &st), TR_OK);
		for (uint32_t i = 0; i < c.batch.selected_count; i++) {
			const uint32_t row = c.batch.selection != NULL ? c.batch.selection[i] : i;

			assert_int_equal(tr_column_is_null(&out, row), tr_column_is_null(&c.data[3], row));
			if (!tr_column_is_null(&out, row))
				assert_int_equal(tr_column_i64(&out, row), tr_column_i64(&c.data[3], row) - ms);
		}
		if (c.batch.selection == NULL) {
			const uint32_t row = tr_test_below(&seed, ROWS);
			char text[32];

			((int64_t *)(uintptr_t)c.data[3].data)[row] = turn % 2 ? INT64_MIN + 3999 : INT64_MAX - 3999;
			tr_bit_set((uint64_t *)(uintptr_t)c.data[3].validity, row);
			c.batch.origin = &origin;
			assert_int_equal(tr_program_run(s, &c.batch, &out, &st), TR_ERR_DATA);
			snprintf(text, sizeof(text), "row %u of table t, file f", row + 1);
			assert_non_null(strstr(st.message, text));
		}
		tr_program_state_destroy(&s);
		tr_arena_deinit(&c.arena);
	}
}

/* Whether all are within the limit is seen by their bits first. */
static void scales_within_a_limit(void **state)
{
	static const int64_t limits[] = {0, 1, 2, 9, 99, 127, 128, 9999999999999999, INT64_MAX};
	uint64_t seed = 9;

	for (size_t l = 0; l < TR_COUNT_OF(limits); l++) {
		for (int turn = 0; turn < 60; turn++) {
			const int64_t limit = limits[l];
			int64_t in[37], out[37];
			bool fits = true;

			for (int i = 0; i < 37; i++)
				in[i] = limit == 0 ? 0 : (int64_t)tr_test_random(&seed) % limit;
			if (turn % 2 != 0 && limit < INT64_MAX)
				in[turn % 37] = turn % 4 == 1 ? limit + turn % 3 : -limit - turn % 3;
			for (int i = 0; i < 37; i++)
				fits = fits && in[i] >= -limit && in[i] <= limit;
			assert_int_equal(TR_ISA_PICK(tr_kernel_dense)->scale_i64(out, in, 100, limit, 37), fits);
			for (int i = 0; fits && i < 37; i++)
				assert_true(out[i] == (int64_t)((uint64_t)in[i] * 100));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(divides_by_constants),          cmocka_unit_test(adds_and_sees_overflow),
		cmocka_unit_test(filters_by_remainder),          cmocka_unit_test(decimals_with_integers),
		cmocka_unit_test(subtracts_a_constant_interval), cmocka_unit_test(scales_within_a_limit),
		cmocka_unit_test(lower_instruction_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
