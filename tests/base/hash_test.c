/* SPDX-License-Identifier: Apache-2.0
 * Hashes are part of the checkpoint format: the expected numbers here were computed by other programs (a Python
 * transcription of MurmurHash3's finalizer, other implementations of XXH3) and must never change.
 */
#include "tr_test.h"

#include "base/cpu.h"
#include "base/hash.h"
#include "base/hash_value.h"
#include "base/type.h"

#define ROWS 70

static void known_numbers(void **state)
{
	assert_true(tr_hash_u64(0) == 0);
	assert_true(tr_hash_u64(1) == UINT64_C(0xb456bcfc34c2cb2c));
	assert_true(tr_hash_u64(UINT64_MAX) == UINT64_C(0x64b5720b4b825f21));
	assert_true(tr_hash_bytes("", 0) == UINT64_C(0x2d06800538d394c2));
	assert_true(tr_hash_bytes("hello", 5) == UINT64_C(0x9555e8555c62dcfd));
	assert_true(tr_hash_combine(1, 2) == UINT64_C(0x6e54cc947ba2590f));
}

/** Hashes all rows, and some rows through a selection; both must agree with `expected`. */
static void check_column(const struct tr_column *column, const uint64_t *expected)
{
	uint64_t out[ROWS];
	const uint32_t rows[] = {3, 5, 64, 69};

	tr_hash_column(column, NULL, ROWS, out);
	for (int i = 0; i < ROWS; i++)
		if (out[i] != expected[i])
			fail_msg("type %d, row %d", column->type->id, i);
	tr_hash_column(column, rows, 4, out);
	for (int i = 0; i < 4; i++)
		assert_true(out[i] == expected[rows[i]]);
	for (int i = 0; i < ROWS; i++)
		out[i] = (uint64_t)i;
	tr_hash_column_combine(column, NULL, ROWS, out);
	for (int i = 0; i < ROWS; i++)
		assert_true(out[i] == tr_hash_combine((uint64_t)i, expected[i]));
}

static void integers_of_all_widths_agree(void **state)
{
	static int8_t i8[ROWS];
	static int16_t i16[ROWS];
	static int32_t i32[ROWS];
	static int64_t i64[ROWS];
	uint64_t expected[ROWS], validity[2] = {~UINT64_C(0), ~UINT64_C(0)};
	struct tr_column columns[] = {
		{.type = tr_type_of(TR_TYPE_TINYINT), .data = i8},
		{.type = tr_type_of(TR_TYPE_SMALLINT), .data = i16},
		{.type = tr_type_of(TR_TYPE_INT), .data = i32},
		{.type = tr_type_of(TR_TYPE_BIGINT), .data = i64},
	};

	for (int i = 0; i < ROWS; i++) {
		const int value = i * 3 - 100;

		i8[i] = (int8_t)value;
		i16[i] = (int16_t)value;
		i32[i] = value;
		i64[i] = value;
		expected[i] = tr_hash_u64((uint64_t)(int64_t)value);
	}
	for (int c = 0; c < 4; c++)
		check_column(&columns[c], expected);
	tr_bit_clear(validity, 5);
	tr_bit_clear(validity, 64);
	expected[5] = expected[64] = TR_HASH_NULL;
	for (int c = 0; c < 4; c++) {
		columns[c].validity = validity;
		check_column(&columns[c], expected);
	}
	for (int i = 0; i < ROWS; i++)
		expected[i] = tr_hash_u64((uint64_t)(int64_t)-100);
	columns[1].is_constant = true;
	check_column(&columns[1], expected);
}

static void equal_floats_hash_alike(void **state)
{
	static double f64[ROWS];
	static float f32[ROWS];
	uint64_t expected[ROWS], out[ROWS];
	const struct tr_column doubles = {.type = tr_type_of(TR_TYPE_DOUBLE), .data = f64};
	const struct tr_column floats = {.type = tr_type_of(TR_TYPE_FLOAT), .data = f32};
	uint64_t nan_bits = UINT64_C(0xfff8000000000123);

	for (int i = 0; i < ROWS; i++) {
		f64[i] = i * 0.5;
		f32[i] = (float)f64[i];
	}
	f64[1] = -0.0;
	f32[1] = -0.0f;
	memcpy(&f64[2], &nan_bits, 8);
	f64[3] = __builtin_nan("");
	f32[2] = f32[3] = -__builtin_nanf("");
	tr_hash_column(&doubles, NULL, ROWS, expected);
	check_column(&doubles, expected);
	check_column(&floats, expected);
	assert_true(expected[0] == expected[1]);
	assert_true(expected[2] == expected[3]);
	assert_true(expected[4] != expected[5]);
	tr_hash_column(&floats, NULL, ROWS, out);
	assert_memory_equal(out, expected, sizeof(out));
}

static void strings_and_wide_decimals(void **state)
{
	static struct tr_view views[ROWS];
	static tr_i128 wide[ROWS];
	static char text[ROWS][32];
	uint64_t expected[ROWS];
	struct tr_arena arena = {0};
	const struct tr_column strings = {.type = tr_type_of(TR_TYPE_VARCHAR), .data = views};
	const struct tr_column decimals = {.type = tr_type_decimal(&arena, 38, 0), .data = wide};

	for (int i = 0; i < ROWS; i++) {
		memset(text[i], 'a' + i % 26, 32);
		views[i] = tr_view_make(text[i], (uint32_t)i % 32);
		expected[i] = tr_hash_bytes(text[i], (size_t)i % 32);
	}
	check_column(&strings, expected);
	for (int i = 0; i < ROWS; i++) {
		wide[i] = ((tr_i128)(i - 30) << 70) + i;
		expected[i] = tr_hash_combine(tr_hash_u64((uint64_t)i), (uint64_t)(int64_t)(i - 30) << 6);
	}
	check_column(&decimals, expected);
	tr_arena_deinit(&arena);
}

static void nested_values(void **state)
{
	/* Two maps with the same entries in another order, and arrays whose order counts. */
	static const int64_t keys[] = {1, 2, 2, 1}, values[] = {10, 20, 20, 10};
	static const int32_t offsets[] = {0, 2, 4};
	const struct tr_type *bigint = tr_type_of(TR_TYPE_BIGINT);
	const struct tr_column children[] = {{.type = bigint, .data = keys}, {.type = bigint, .data = values}};
	struct tr_arena arena = {0};
	const struct tr_column map = {
		.type = tr_type_map(&arena, bigint, bigint), .offsets = offsets, .children = children};
	const struct tr_column array = {.type = tr_type_array(&arena, bigint), .offsets = offsets, .children = children};
	const struct tr_column multiset = {
		.type = tr_type_multiset(&arena, bigint), .offsets = offsets, .children = children};
	const char *names[] = {"a", "b"};
	const struct tr_type *types[] = {bigint, bigint};
	const struct tr_column row = {.type = tr_type_row(&arena, names, types, 2), .children = children};
	uint64_t out[4];

	tr_hash_column(&map, NULL, 2, out);
	assert_true(out[0] == out[1]);
	tr_hash_column(&multiset, NULL, 2, out);
	assert_true(out[0] == out[1]);
	tr_hash_column(&array, NULL, 2, out);
	assert_true(out[0] != out[1]);
	assert_true(out[0] == tr_hash_combine(tr_hash_combine(tr_hash_u64(2), tr_hash_u64(1)), tr_hash_u64(2)));
	tr_hash_column(&row, NULL, 4, out);
	assert_true(out[0] == out[3] && out[1] == out[2] && out[0] != out[1]);
	assert_true(out[0] == tr_hash_combine(tr_hash_combine(tr_hash_u64(2), tr_hash_u64(1)), tr_hash_u64(10)));
	tr_arena_deinit(&arena);
}

static void all_instruction_sets_agree(void **state)
{
	const struct tr_hash_kernels *kernels[] = {&tr_hash_kernels_v2, &tr_hash_kernels_v3, &tr_hash_kernels_v4};
	static _Alignas(16) char data[3000 * 16];
	static uint64_t out[3][3000];
	uint32_t rows[1500];
	uint64_t seed = 5;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)tr_test_random(&seed);
	for (uint32_t i = 0; i < 1500; i++)
		rows[i] = i * 2 + tr_test_below(&seed, 2);
	for (int phys = TR_PHYS_I8; phys <= TR_PHYS_F64; phys++) /* random bytes are no views */
		for (uint32_t count = 0; count < 3000; count += 1 + count * 2) {
			for (int isa = TR_ISA_V2; isa <= (int)tr_cpu_isa(); isa++) {
				kernels[isa]->set[phys](data, NULL, count, out[isa]);
				kernels[isa]->combine[phys](data, rows, count / 2, out[isa]);
				assert_memory_equal(out[isa], out[0], count * sizeof(out[0][0]));
			}
		}
}

static void nulls_of_long_columns(void **state)
{
	enum { COUNT = 1300 };
	static int64_t data[COUNT];
	static uint64_t validity[TR_BITMAP_WORDS(COUNT)], out[COUNT], combined[COUNT];
	static uint32_t rows[COUNT];
	const struct tr_column column = {.type = tr_type_of(TR_TYPE_BIGINT), .data = data, .validity = validity};
	uint64_t seed = 6;

	for (uint32_t i = 0; i < COUNT; i++) {
		data[i] = (int64_t)tr_test_random(&seed);
		tr_bit_assign(validity, i, tr_test_below(&seed, 3) > 0);
		rows[i] = COUNT - 1 - i;
		combined[i] = i;
	}
	tr_hash_column(&column, NULL, COUNT, out);
	tr_hash_column_combine(&column, rows, COUNT, combined);
	for (uint32_t i = 0; i < COUNT; i++) {
		const uint64_t expected = tr_bit_get(validity, i) ? tr_hash_u64((uint64_t)data[i]) : TR_HASH_NULL;

		assert_true(out[i] == expected);
		assert_true(combined[rows[i]] == tr_hash_combine(rows[i], expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_numbers),           cmocka_unit_test(integers_of_all_widths_agree),
		cmocka_unit_test(equal_floats_hash_alike), cmocka_unit_test(strings_and_wide_decimals),
		cmocka_unit_test(nested_values),           cmocka_unit_test(all_instruction_sets_agree),
		cmocka_unit_test(nulls_of_long_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
