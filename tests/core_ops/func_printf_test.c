/* SPDX-License-Identifier: Apache-2.0
 *
 * PRINTF against what java.util.Formatter writes, and fractions against BigDecimal's half-up by hand.
 */
#include "expr_case.h"

#include "base/bytes.h"
#include "base/check.h"

static const struct expr_case cases[] = {
	{"PRINTF",
	 {"s:%d|%5d|%-5d|%05d|%+d|%,d|%(d|% d", "i:4", "i:4", "i:4", "i:4", "i:4", "l:-1234567", "i:-4", "i:4"},
	 "4|    4|4    |00004|+4|-1,234,567|(4)| 4"},
	{"PRINTF", {"s:%x %X %o", "i:-1", "t:-128", "i:8"}, "ffffffff 80 10"},
	{"PRINTF", {"s:%d", "l:-9223372036854775808"}, "-9223372036854775808"},
	{"PRINTF", {"s:%.2f %.2f %.0f %.0f", "d:1.005", "d:2.675", "d:0.5", "d:1.5"}, "1.01 2.68 1 2"},
	{"PRINTF", {"s:%f %.3f %,.1f", "d:0", "d:-0.0004", "d:1234567.89"}, "0.000000 -0.000 1,234,567.9"},
	{"PRINTF", {"s:%.1f %.1f", "d:9.95", "d:99.99"}, "10.0 100.0"},
	{"PRINTF", {"s:%e %.2e %e", "d:12345.678", "d:0.00099999", "d:0"}, "1.234568e+04 1.00e-03 0.000000e+00"},
	{"PRINTF", {"s:%g %g %g", "d:0.0001", "d:123456.789", "d:1e10"}, "0.000100000 123457 1.00000e+10"},
	{"PRINTF", {"s:%08.2f|%-8.1f|%8.1f", "d:-3.14159", "d:2", "d:2"}, "-0003.14|2.0     |     2.0"},
	{"PRINTF", {"s:%s %S %.2s|%4s|%-4s|", "s:a", "s:b", "s:xyz", "s:\xc3\xa9", "s:c"}, "a B xy|   \xc3\xa9|c   |"},
	{"PRINTF", {"s:%2$s %1$s %<s %s", "s:a", "s:b"}, "b a a a"},
	{"PRINTF", {"s:%b %B %c%%%n", "b:T", "s!", "i:65"}, "true FALSE A%\n"},
	{"PRINTF", {"s:%d %s %5s", "i!", "s!", "i!"}, "null null  null"},
	{"PRINTF", {"s:no values"}, "no values"},
	{"PRINTF", {"s!", "i:1"}, NULL},
	{"PRINTF", {"s:%d", "s:x"}, NULL},
	{"PRINTF", {"s:%f", "n3.1:1.5"}, NULL},
	{"PRINTF", {"s:%s %s", "i:1"}, NULL},
	{"PRINTF", {"s:%", "i:1"}, NULL},
	{"PRINTF", {"s:%z", "i:1"}, NULL},
	{"PRINTF", {"s:%-d", "i:1"}, NULL},
	{"PRINTF", {"s:%h", "i:1"}, "!not supported"},
};

static void test_printf(void **state) { CASES_CHECK(cases, 0); }

/* Each of 5,000 conversions makes 100,000 bytes: refused long before all are made. */
static void test_long_result(void **state)
{
	struct expr_case too_long = {"PRINTF", {NULL, "i:1"}, "!at most 67108864 are possible"};
	struct tr_bytes format = {0};

	tr_bytes_append_str(&format, "s:");
	for (int i = 0; i < 5000; i++)
		tr_bytes_append_str(&format, "%1$100000d");
	tr_bytes_append_char(&format, 0);
	too_long.args[0] = format.data;
	case_check(&too_long, 1);
	tr_bytes_deinit(&format);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_result), cmocka_unit_test(test_printf)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
