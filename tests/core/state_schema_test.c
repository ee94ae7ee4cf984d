/* SPDX-License-Identifier: Apache-2.0
 *
 * Schemas of state: texts written by hand are read and written again; every type comes back; damaged texts are refused.
 */
#include "tr_test.h"

#include "base/type.h"
#include "core/state_schema.h"

static const char *const whole =
	"1 operator: `watermark` BIGINT, `a``b, c` INT NOT NULL\n"
	"3 entries keyed 2: `k` STRING, `n` DECIMAL(38, 3) NOT NULL, `c` CHAR(3), `v` VARCHAR(7), `b` BYTES, `x` "
	"BINARY(1), "
	"`y` VARBINARY(9), `t` TIMESTAMP(3), `l` TIMESTAMP_LTZ(9), `d` DATE, `u` TIME(0), `f` FLOAT, `g` DOUBLE, "
	"`o` BOOLEAN, `i` TINYINT, `j` SMALLINT, `e` NULL, `m` INTERVAL MONTH, `s` INTERVAL SECOND(3), "
	"`r` ROW<`a` INT, `q``r` ARRAY<MAP<STRING NOT NULL, MULTISET<INT>>> NOT NULL>, `z` ROW<>\n"
	"7 blob\n"
	"16 values keyed 0\n"
	"17 total keyed 1 table value 12 struct: `k` BIGINT, `cents` BIGINT, `n` INT\n"
	"18 rows keyed 1 table list 0: `k` STRING, `elements` BIGINT";

static tr_code parse(struct tr_arena *arena, const char *text, const struct tr_state_kind **kinds, uint32_t *count)
{
	struct tr_status st = {0};

	return tr_state_schema_parse(arena, text, kinds, count, &st);
}

static void test_there_and_back(void **state)
{
	const struct tr_state_kind *kinds;
	struct tr_arena arena;
	uint32_t count;

	tr_arena_init(&arena, 0);
	assert_int_equal(parse(&arena, whole, &kinds, &count), TR_OK);
	assert_int_equal(count, 6);
	assert_int_equal(kinds[0].kind, 1);
	assert_false(kinds[0].is_keyed);
	assert_string_equal(kinds[0].schema->names[1], "a`b, c");
	assert_true(kinds[1].is_keyed);
	assert_int_equal(kinds[1].key_count, 2);
	assert_int_equal(kinds[1].schema->column_count, 21);
	assert_int_equal(kinds[1].schema->types[1]->phys, TR_PHYS_I128);
	assert_string_equal(kinds[1].schema->types[19]->names[1], "q`r");
	assert_null(kinds[2].schema);
	assert_string_equal(kinds[2].name, "blob");
	assert_true(kinds[3].is_keyed);
	assert_null(kinds[3].table);
	assert_string_equal(kinds[4].table, "value");
	assert_int_equal(kinds[4].value_bytes, 12);
	assert_true(kinds[4].is_struct && !kinds[5].is_struct);
	assert_string_equal(tr_state_schema_text(&arena, kinds, count), whole);
	assert_int_equal(parse(&arena, "", &kinds, &count), TR_OK);
	assert_int_equal(count, 0);
	tr_arena_deinit(&arena);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"x",
					  "1",
					  "70000 a",
					  "1 a:",
					  "1 a: `b",
					  "1 a: `b` ",
					  "1 a: `b` INTEGER",
					  "1 a: `b` DECIMAL(39, 0)",
					  "1 a: `b` DECIMAL(3, 4)",
					  "1 a: `b` TIMESTAMP(10)",
					  "1 a: `b` CHAR(99999999999999999999)",
					  "1 a: `b` INT,",
					  "1 a: `b` ROW<`c` INT",
					  "1 a: `b` ROW<`c` INT,>",
					  "1 a keyed 2: `b` INT",
					  "1 a keyed -1: `b` INT",
					  "1 a keyed 0 table",
					  "1 a keyed 0 table list: `b` INT",
					  "1 a keyed 0 table list 4",
					  "1 a keyed 0 table list 4 structs: `b` INT",
					  "1 a\n"};
	const struct tr_state_kind *kinds;
	struct tr_arena arena;
	uint32_t count;
	char deep[400] = "1 a: `b` ";

	tr_arena_init(&arena, 0);
	for (size_t i = 0; i < TR_COUNT_OF(bad); i++)
		if (parse(&arena, bad[i], &kinds, &count) != TR_ERR_DATA)
			fail_msg("'%s' was taken", bad[i]);
	for (int i = 0; i < 40; i++)
		strcat(deep, "ARRAY<");
	assert_int_equal(parse(&arena, deep, &kinds, &count), TR_ERR_DATA);
	tr_arena_deinit(&arena);
}

/** Any change of a byte: taken or refused, no more. */
static void test_damaged(void **state)
{
	uint64_t random = 5;
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	for (int i = 0; i < 20000; i++) {
		const struct tr_state_kind *kinds;
		const char *text = tr_arena_strndup(&arena, whole, strlen(whole));
		uint32_t count;

		((char *)(uintptr_t)text)[tr_test_below(&random, strlen(whole))] = (char)tr_test_below(&random, 128);
		if (parse(&arena, text, &kinds, &count) == TR_OK)
			assert_non_null(tr_state_schema_text(&arena, kinds, count));
		tr_arena_deinit(&arena);
		tr_arena_init(&arena, 0);
	}
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
