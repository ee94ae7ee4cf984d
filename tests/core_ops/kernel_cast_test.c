/* SPDX-License-Identifier: Apache-2.0
 *
 * CAST and TRY_CAST: Flink's texts, roundings, wrap-arounds and errors.
 */
#include "expr_case.h"

static const struct {
	const char *from, *to, *expected, *tried; /* tried: what TRY_CAST gives when CAST fails */
} cases[] = {
	{"i:300", "t", "44", NULL},
	{"l:4294967297", "i", "1", NULL},
	{"i:-1", "l", "-1", NULL},
	{"d:1e20", "i", "2147483647", NULL},
	{"d:-1e20", "l", "-9223372036854775808", NULL},
	{"d:300.7", "t", "44", NULL},
	{"d:-1.9", "i", "-1", NULL},
	{"f:1.5", "d", "1.5", NULL},
	{"i:3", "d", "3.0", NULL},
	{"i:5", "b", "TRUE", NULL},
	{"i:0", "b", "FALSE", NULL},
	{"b:T", "i", "1", NULL},
	{"b:F", "s", "FALSE", NULL},
	{"b:T", "n3.1", "1.0", NULL},
	{"i:12", "n4.2", "12.00", NULL},
	{"i:123", "n4.2", NULL, NULL},
	{"l:-9223372036854775808", "n19.0", "-9223372036854775808", NULL},
	{"l:9223372036854775807", "n22.3", "9223372036854775807.000", NULL},
	{"l:1000000000000000000", "n18.0", NULL, NULL},
	{"t:-128", "n3.0", "-128", NULL},
	{"t:-128", "n38.35", "-128.00000000000000000000000000000000000", NULL},
	{"n4.2:-99.99", "n20.2", "-99.99", NULL},
	{"n18.3:-999999999999999.999", "n38.20", "-999999999999999.99900000000000000000", NULL},
	{"n20.2:999999999999999999.99", "n38.20", "999999999999999999.99000000000000000000", NULL},
	{"n4.2:12.35", "n3.1", "12.4", NULL},
	{"n4.2:-12.35", "n3.1", "-12.4", NULL},
	{"n4.2:99.95", "n3.1", NULL, NULL},
	{"n4.2:12.99", "i", "12", NULL},
	{"n4.2:-12.99", "l", "-12", NULL},
	{"n20.2:12.99", "d", "12.99", NULL},
	{"d:0.125", "n4.2", "0.13", NULL},
	{"d:nan", "n4.2", "!no DECIMAL", NULL},
	{"s: 12 ", "i", "12", NULL},
	{"s:12.7", "i", "12", NULL},
	{"s:-128", "t", "-128", NULL},
	{"s:128", "t", "!out of range", NULL},
	{"s:abc", "i", "!can't cast 'abc' to INT", NULL},
	{"s:", "i", "!can't cast", NULL},
	{"s:1.5e3", "d", "1500.0", NULL},
	{"s:x", "d", "!can't cast 'x' to DOUBLE", NULL},
	{"s:12.345", "n4.2", "12.35", NULL},
	{"s:12345", "n4.2", "!out of range", NULL},
	{"s: yes ", "b", "!can't cast ' yes ' to BOOLEAN", NULL},
	{"s:2001-02-30 04:05:06", "m3", "2001-02-28 04:05:06.000", NULL},
	{"d:-0.5", "b", "TRUE", NULL},
	{"d:0", "b", "FALSE", NULL},
	{"s:true", "b", "TRUE", NULL},
	{"s:yes", "b", "TRUE", NULL},
	{"s:maybe", "b", "!can't cast 'maybe' to BOOLEAN", NULL},
	{"s:2001-02-03", "D", "2001-02-03", NULL},
	{"s:2001-02-30", "D", "!can't cast", NULL},
	{"s:12:34:56.789", "T", "12:34:56.789", NULL},
	{"s:2001-02-03 04:05:06.789", "m3", "2001-02-03 04:05:06.789", NULL},
	{"s:2001-02-03 04:05:06.789", "m2", "2001-02-03 04:05:06.78", NULL},
	{"s:x", "m3", "!can't cast 'x' to TIMESTAMP", NULL},
	{"i:-12", "s", "-12", NULL},
	{"d:1.5", "s", "1.5", NULL},
	{"d:1e10", "s", "1.0E10", NULL},
	{"n4.2:1.50", "s", "1.50", NULL},
	{"D:2001-02-03", "s", "2001-02-03", NULL},
	{"m3:2001-02-03 04:05:06.700", "s", "2001-02-03 04:05:06.700", NULL},
	{"m6:2001-02-03 04:05:06.700001", "m3", "2001-02-03 04:05:06.700", NULL},
	{"m3:1969-12-31 23:59:59.999", "m0", "1969-12-31 23:59:59", NULL},
	{"m3:2001-02-03 04:05:06.700", "m9", "2001-02-03 04:05:06.700000000", NULL},
	{"m3:9999-12-31 00:00:00", "m9", "!out of the range", NULL},
	{"m3:2001-02-03 04:05:06.7", "D", "2001-02-03", NULL},
	{"m3:1969-12-31 23:05:06.7", "D", "1969-12-31", NULL},
	{"m3:1969-12-31 23:05:06.7", "T", "23:05:06.700", NULL},
	{"D:2001-02-03", "m3", "2001-02-03 00:00:00.000", NULL},
	{"M:14", "s", "+1-02", NULL},
	{"I:93784567", "s", "+1 02:03:04.567", NULL},
	{"s:abc", "y", NULL, NULL},
	{"i!", "s", NULL, NULL},
};

static void documented_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool fails = cases[i].expected != NULL && cases[i].expected[0] == '!';

		if (cases[i].to[0] == 'y')
			continue;
		cast_check(cases[i].from, cases[i].to, cases[i].expected, false);
		cast_check(cases[i].from, cases[i].to, fails ? cases[i].tried : cases[i].expected, true);
	}
}

/* CHAR(n) pads, VARCHAR(n) cuts, both count characters. */
static void lengths(void **state)
{
	static const struct {
		enum tr_type_id id;
		int length;
		const char *text, *expected;
	} texts[] = {
		{TR_TYPE_CHAR, 5, "abc", "abc  "},
		{TR_TYPE_CHAR, 2, "abc", "ab"},
		{TR_TYPE_VARCHAR, 2, "\xc3\xa4\xc3\xb6\xc3\xbc", "\xc3\xa4\xc3\xb6"},
		{TR_TYPE_VARCHAR, 20, "abc", "abc"},
		{TR_TYPE_CHAR, 15, "abcdefghijkl", "abcdefghijkl   "},
	};
	struct tr_arena arena;
	struct tr_schema none = {0};
	struct tr_batch batch = {.schema = &none, .row_count = 1, .selected_count = 1};

	tr_arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct tr_expr *literal = case_literal(&arena, tr_arena_printf(&arena, "s:%s", texts[i].text));
		const struct tr_type *type = tr_type_with_precision(&arena, texts[i].id, texts[i].length);

		assert_string_equal(case_run(&arena, tr_expr_cast(&arena, literal, type, false), &batch, 0),
				    texts[i].expected);
	}
	tr_arena_deinit(&arena);
}

static void zones(void **state)
{
	case_zone = "Europe/Berlin";
	cast_check("z3:2024-07-01 12:00:00", "m3", "2024-07-01 14:00:00.000", false);
	cast_check("m3:2024-07-01 14:00:00", "z3", "2024-07-01 14:00:00.000", false);
	cast_check("z3:2024-07-01 22:30:00", "D", "2024-07-02", false);
	cast_check("z3:2024-07-01 12:00:00", "s", "2024-07-01 14:00:00.000", false);
	cast_check("s:2024-07-01 14:00:00", "z3", "2024-07-01 14:00:00.000", false);
	cast_check("z3:2024-07-01 12:00:00.123", "z0", "2024-07-01 14:00:00", false);
	case_zone = "UTC";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_cases),
		cmocka_unit_test(lengths),
		cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
