/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons, logic, conditionals and mathematics: documented and corner cases, three-valued tables.
 */
#include "expr_case.h"

static const struct expr_case cases[] = {
	{"=", {"i:1", "l:1"}, "TRUE"},
	{"<>", {"i:1", "d:1.5"}, "TRUE"},
	{"<", {"i!", "l:1"}, NULL},
	{"=", {"n3.1:1.5", "n5.3:1.500"}, "TRUE"},
	{"<", {"n3.1:1.5", "n38.37:1.5000000000000000000000000000000000001"}, "TRUE"},
	{">",
	 {"n38.0:99999999999999999999999999999999999999", "n38.38:0.99999999999999999999999999999999999999"},
	 "TRUE"},
	{"<", {"n3.1:-1.5", "n5.3:-1.499"}, "TRUE"},
	{"=", {"n3.1:2.0", "i:2"}, "TRUE"},
	{"=", {"d:nan", "d:nan"}, "FALSE"},
	{"<>", {"d:nan", "d:nan"}, "TRUE"},
	{"=", {"d:0.0", "d:-0.0"}, "TRUE"},
	{"=", {"s:abc", "s:abc"}, "TRUE"},
	{"=", {"s:a rather long text", "s:a rather long text"}, "TRUE"},
	{"=", {"s:a rather long text", "s:a rather long tex!"}, "FALSE"},
	{"<", {"s:abc", "s:abcd"}, "TRUE"},
	{">", {"s:\xc3\xa4", "s:z"}, "TRUE"},
	{"=", {"b:T", "b:F"}, "FALSE"},
	{"=", {"m3:2001-01-01 00:00:00", "s:2001-01-01 00:00:00"}, "TRUE"},
	{"<", {"D:2001-01-01", "s:2001-01-02"}, "TRUE"},
	{"<", {"m3:2001-01-01 00:00:00", "m6:2001-01-01 00:00:00.000001"}, "TRUE"},
	{"IS DISTINCT FROM", {"i:1", "i!"}, "TRUE"},
	{"IS DISTINCT FROM", {"i!", "i!"}, "FALSE"},
	{"IS NOT DISTINCT FROM", {"i:1", "i:1"}, "TRUE"},
	{"IN", {"i:2", "i:1", "i:2", "i:3"}, "TRUE"},
	{"IN", {"i:4", "i:1", "i:2", "i:3"}, "FALSE"},
	{"IN", {"i:4", "i:1", "i!"}, NULL},
	{"IN", {"i:1", "i:1", "i!"}, "TRUE"},
	{"IN", {"i!", "i:1"}, NULL},
	{"IN", {"s:k", "s:a", "s:b", "s:c", "s:d", "s:e", "s:f", "s:g", "s:h", "s:i", "s:j", "s:k"}, "TRUE"},
	{"IN", {"s:x", "s:a", "s:b", "s:c", "s:d", "s:e", "s:f", "s:g", "s:h", "s:i", "s:j", "s:k"}, "FALSE"},
	{"IN", {"l:11", "i:1", "i:2", "i:3", "i:4", "i:5", "i:6", "i:7", "i:8", "i:9", "i:10", "i:11"}, "TRUE"},
	{"IN", {"d:0.0", "d:1", "d:2", "d:3", "d:4", "d:5", "d:6", "d:7", "d:8", "d:-0.0"}, "TRUE"},
	{"GREATEST", {"i:1", "l:3", "i:2"}, "3"},
	{"GREATEST", {"i:1", "l!", "i:2"}, NULL},
	{"LEAST", {"s:b", "s:a"}, "a"},
	{"LEAST", {"n3.1:1.5", "i:1"}, "1.0"},
	{"COALESCE", {"i!", "i!", "i:3"}, "3"},
	{"COALESCE", {"s:a", "s:b"}, "a"},
	{"COALESCE", {"i!", "l:7"}, "7"},
	{"IFNULL", {"i!", "i:2"}, "2"},
	{"IF", {"b:T", "i:1", "i:2"}, "1"},
	{"IF", {"b:F", "i:1", "l:2"}, "2"},
	{"IF", {"b!", "s:a", "s:b"}, "b"},
	{"NULLIF", {"i:1", "i:1"}, NULL},
	{"NULLIF", {"i:1", "l:2"}, "1"},
	{"NULLIF", {"i:1", "i!"}, "1"},
	{"IS NULL", {"i!"}, "TRUE"},
	{"IS NOT NULL", {"i:1"}, "TRUE"},
	{"IS TRUE", {"b!"}, "FALSE"},
	{"IS NOT TRUE", {"b!"}, "TRUE"},
	{"IS FALSE", {"b:F"}, "TRUE"},
	{"IS NOT FALSE", {"b!"}, "TRUE"},
	{"IS UNKNOWN", {"b!"}, "TRUE"},
	{"IS NOT UNKNOWN", {"b!"}, "FALSE"},
	{"NOT", {"b!"}, NULL},
	{"NOT", {"b:F"}, "TRUE"},
	{"AND", {"b:T", "b!"}, NULL},
	{"AND", {"b:F", "b!"}, "FALSE"},
	{"AND", {"b!", "b:F"}, "FALSE"},
	{"AND", {"b!", "b:T"}, NULL},
	{"AND", {"b!", "b!"}, NULL},
	{"AND", {"b:T", "b:T"}, "TRUE"},
	{"OR", {"b:T", "b!"}, "TRUE"},
	{"OR", {"b:F", "b!"}, NULL},
	{"OR", {"b!", "b:T"}, "TRUE"},
	{"OR", {"b!", "b:F"}, NULL},
	{"OR", {"b!", "b!"}, NULL},
	{"OR", {"b:F", "b:F"}, "FALSE"},
	{"ABS", {"i:-2"}, "2"},
	{"ABS", {"n3.1:-2.5"}, "2.5"},
	{"ABS", {"d:-2.5"}, "2.5"},
	{"SIGN", {"i:-7"}, "-1"},
	{"SIGN", {"n3.1:2.5"}, "1.0"},
	{"FLOOR", {"n3.1:-1.5"}, "-2"},
	{"FLOOR", {"d:1.5"}, "1.0"},
	{"CEIL", {"n3.1:1.5"}, "2"},
	{"CEIL", {"i:3"}, "3"},
	{"ROUND", {"d:2.675", "i:2"}, "2.68"},
	{"ROUND", {"d:-2.5"}, "-3.0"},
	{"ROUND", {"d:1234.5", "i:-2"}, "1200.0"},
	{"ROUND", {"d:1e300", "i:2"}, "1.0E300"},
	{"ROUND", {"i:1250", "i:-2"}, "1300"},
	{"ROUND", {"d:0.5"}, "1.0"},
	{"ROUND", {"d:0.05", "i:0"}, "0.0"},
	{"TRUNCATE", {"d:-2.678", "i:2"}, "-2.67"},
	{"TRUNCATE", {"i:1299", "i:-2"}, "1200"},
	{"POWER", {"i:2", "i:10"}, "1024.0"},
	{"SQRT", {"i:9"}, "3.0"},
	{"EXP", {"i:0"}, "1.0"},
	{"LN", {"i:1"}, "0.0"},
	{"LOG10", {"i:1000"}, "3.0"},
	{"LOG2", {"i:8"}, "3.0"},
	{"PI", {NULL}, "3.141592653589793"},
};

static void documented_cases(void **state)
{
	CASES_CHECK(cases, 0);
	CASES_CHECK(cases, UINT32_MAX - 1);
	CASES_CHECK(cases, 1);
}

static const struct expr_case constant_digits[] = {
	{"ROUND", {"n5.3:12.345", "i:2"}, "12.35"},    {"ROUND", {"n5.3:12.345", "i:-1"}, "10"},
	{"ROUND", {"n5.3:99.999", "i:0"}, "100"},      {"ROUND", {"n5.3:12.345"}, "12"},
	{"TRUNCATE", {"n5.3:12.349", "i:2"}, "12.34"},
};

/* The scale of a DECIMAL result follows a constant number of digits. */
static void round_of_decimals(void **state) { CASES_CHECK(constant_digits, 2); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_cases),
		cmocka_unit_test(round_of_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
