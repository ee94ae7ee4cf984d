/* SPDX-License-Identifier: Apache-2.0
 * Types: defaults, layouts, equality, copies, and the texts that Flink prints.
 */
#include "tr_test.h"

#include "base/type.h"

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

static const struct tr_type *a_row(void)
{
	const char *names[] = {"a", "b", "c"};
	const struct tr_type *types[] = {
		tr_type_of(TR_TYPE_INT),
		tr_type_array(&arena, tr_type_of(TR_TYPE_VARCHAR)),
		tr_type_map(&arena, tr_type_with_nullable(&arena, tr_type_of(TR_TYPE_BIGINT), false),
			    tr_type_decimal(&arena, 20, 3)),
	};

	return tr_type_row(&arena, names, types, 3);
}

static void prints_as_flink_does(void **state)
{
	static const char *const defaults[TR_TYPE_ARRAY] = {
		"NULL",
		"BOOLEAN",
		"TINYINT",
		"SMALLINT",
		"INT",
		"BIGINT",
		"FLOAT",
		"DOUBLE",
		"DECIMAL(10, 0)",
		"CHAR(1)",
		"STRING",
		"BINARY(1)",
		"BYTES",
		"DATE",
		"TIME(0)",
		"TIMESTAMP(6)",
		"TIMESTAMP_LTZ(6)",
		"INTERVAL MONTH",
		"INTERVAL SECOND(3)",
	};

	for (int id = 0; id < TR_TYPE_ARRAY; id++) {
		assert_int_equal(tr_type_of(id)->id, id);
		assert_true(tr_type_of(id)->is_nullable);
		assert_string_equal(tr_type_text(&arena, tr_type_of(id)), defaults[id]);
	}
	assert_string_equal(tr_type_text(&arena, tr_type_with_nullable(&arena, tr_type_decimal(&arena, 10, 2), false)),
			    "DECIMAL(10, 2) NOT NULL");
	assert_string_equal(tr_type_text(&arena, tr_type_with_precision(&arena, TR_TYPE_VARCHAR, 20)), "VARCHAR(20)");
	assert_string_equal(tr_type_text(&arena, a_row()),
			    "ROW<`a` INT, `b` ARRAY<STRING>, `c` MAP<BIGINT NOT NULL, DECIMAL(20, 3)>>");
	assert_string_equal(tr_type_text(&arena, tr_type_multiset(&arena, tr_type_of(TR_TYPE_DATE))), "MULTISET<DATE>");
}

static void layout_follows_precision(void **state)
{
	const size_t bytes[] = {0, 1, 2, 4, 8, 16, 4, 8, 16, 4, 0};

	for (int phys = 0; phys < TR_PHYS_COUNT; phys++)
		assert_int_equal(tr_phys_bytes(phys), bytes[phys]);
	assert_int_equal(tr_type_decimal(&arena, 18, 18)->phys, TR_PHYS_I64);
	assert_int_equal(tr_type_decimal(&arena, 19, 0)->phys, TR_PHYS_I128);
	assert_int_equal(tr_type_decimal(&arena, 38, 0)->phys, TR_PHYS_I128);
	assert_int_equal(tr_type_ticks_per_second(tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP, 3)), 1000);
	assert_int_equal(tr_type_ticks_per_second(tr_type_of(TR_TYPE_TIMESTAMP)), 1000000);
	assert_int_equal(tr_type_ticks_per_second(tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP_LTZ, 9)), 1000000000);
	assert_int_equal(a_row()->phys, TR_PHYS_ROW);
	assert_int_equal(a_row()->children[1]->phys, TR_PHYS_LIST);
}

static void compares_and_copies(void **state)
{
	struct tr_arena other;
	const struct tr_type *row = a_row(), *copy, *strict;

	tr_arena_init(&other, 0);
	copy = tr_type_copy(&other, row);
	assert_true(tr_type_equals(row, copy));
	assert_ptr_not_equal(row->children, copy->children);
	assert_ptr_not_equal(row->names[0], copy->names[0]);
	strict = tr_type_with_nullable(&other, copy, false);
	assert_false(tr_type_equals(row, strict));
	assert_true(tr_type_equals_ignoring_null(row, strict));
	assert_ptr_equal(tr_type_with_nullable(&other, strict, false), strict);
	assert_false(tr_type_equals(tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_BIGINT)));
	assert_false(tr_type_equals(tr_type_decimal(&other, 10, 1), tr_type_decimal(&other, 10, 2)));
	const char *names[] = {"a", "b", "x"};
	assert_false(tr_type_equals(row, tr_type_row(&other, names, row->children, 3)));
	tr_arena_deinit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prints_as_flink_does, setup, teardown),
		cmocka_unit_test_setup_teardown(layout_follows_precision, setup, teardown),
		cmocka_unit_test_setup_teardown(compares_and_copies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
