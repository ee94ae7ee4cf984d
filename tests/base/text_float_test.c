/* SPDX-License-Identifier: Apache-2.0
 *
 * FLOAT and DOUBLE text against glibc: strtod for parsing; for printing, the digits read back the same and no shorter
 * text does, and of the texts of that length it is the closest.
 */
#include "tr_test.h"

#include <math.h>

#include "base/pow10.h"
#include "base/text.h"

#define ROUNDS 300000

static void check_text(double value, const char *expected)
{
	char text[TR_TEXT_FLOAT_BYTES + 1];

	text[tr_text_put_f64(text, value)] = '\0';
	assert_string_equal(text, expected);
}

static void prints_as_java(void **state)
{
	check_text(0.0, "0.0");
	check_text(-0.0, "-0.0");
	check_text(1.0, "1.0");
	check_text(-1.5, "-1.5");
	check_text(100.0, "100.0");
	check_text(1234567.0, "1234567.0");
	check_text(9999999.0, "9999999.0");
	check_text(1e7, "1.0E7");
	check_text(12345678.9, "1.23456789E7");
	check_text(1e10, "1.0E10");
	check_text(0.001, "0.001");
	check_text(0.00123, "0.00123");
	check_text(9.999e-4, "9.999E-4");
	check_text(1e-5, "1.0E-5");
	check_text(2e23, "2.0E23");
	check_text(1.7976931348623157e308, "1.7976931348623157E308");
	check_text(4.9e-324, "4.9E-324");
	check_text(2.2250738585072014e-308, "2.2250738585072014E-308");
	check_text(0.1 + 0.2, "0.30000000000000004");
	check_text(9007199254740993.0, "9.007199254740992E15");
	check_text(NAN, "NaN");
	check_text(INFINITY, "Infinity");
	check_text(-INFINITY, "-Infinity");
	(void)state;
}

static void prints_floats_as_java(void **state)
{
	static const struct {
		float value;
		const char *text;
	} cases[] = {{1.1f, "1.1"},         {3.4028235e38f, "3.4028235E38"},
		     {1.4e-45f, "1.4E-45"}, {16777216.0f, "1.6777216E7"},
		     {0.1f, "0.1"},         {33554432.0f, "3.3554432E7"},
		     {1e-3f, "0.001"},      {123456.7f, "123456.7"},
		     {2.0e-44f, "2.0E-44"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TR_TEXT_FLOAT_BYTES + 1];

		text[tr_text_put_f32(text, cases[i].value)] = '\0';
		assert_string_equal(text, cases[i].text);
	}
	(void)state;
}

/** The shortest of 2..17 digits by printf that strtod reads back. */
static int shortest_digits(double value, char *out, size_t capacity)
{
	for (int digits = 2; digits <= 17; digits++) {
		snprintf(out, capacity, "%.*e", digits - 1, value);
		if (strtod(out, NULL) == value)
			return digits;
	}
	return 17;
}

static size_t significant(const char *text)
{
	char digits[64];
	size_t n = 0, first = 0;

	for (; *text != '\0' && *text != 'E' && *text != 'e'; text++)
		if (*text >= '0' && *text <= '9')
			digits[n++] = *text;
	while (n > 0 && digits[n - 1] == '0')
		n--;
	while (first < n && digits[first] == '0')
		first++;
	return n - first;
}

static double random_double(uint64_t *seed)
{
	uint64_t bits = tr_test_random(seed);
	double value;

	switch (tr_test_below(seed, 5)) {
	case 0: return (double)(int64_t)bits / 1000.0;
	case 1: return (double)(bits % 100000000) / 100.0;
	case 2:
		bits &= ~((UINT64_C(1) << 52) - 1); /* powers of two */
		break;
	case 3:
		bits &= (UINT64_C(1) << 54) - 1; /* subnormal and tiny */
		break;
	default: break;
	}
	memcpy(&value, &bits, 8);
	return isfinite(value) ? fabs(value) : 1.0;
}

static void doubles_are_shortest_and_read_back(void **state)
{
	uint64_t seed = 1;

	for (int i = 0; i < ROUNDS; i++) {
		double value = random_double(&seed), back;
		char text[TR_TEXT_FLOAT_BYTES + 1], reference[64];
		size_t length = tr_text_put_f64(text, value);
		uint64_t bits;

		text[length] = '\0';
		assert_true(strtod(text, NULL) == value);
		assert_int_equal(tr_text_parse_f64(text, length, &back), TR_TEXT_OK);
		assert_memory_equal(&back, &value, 8);
		memcpy(&bits, &value, 8);
		if (value == 0)
			continue;
		shortest_digits(value, reference, sizeof(reference));
		if ((bits & ((UINT64_C(1) << 52) - 1)) != 0) {
			/* Between equal gaps printf's digits are the closest ones, so both texts are the same number. */
			char exact[64];

			snprintf(exact, sizeof(exact), "%.*e",
				 (int)significant(text) < 2 ? 1 : (int)significant(text) - 1, value);
			assert_true(significant(text) <= significant(reference));
			assert_int_equal(significant(exact), significant(text));
		} else {
			assert_true(significant(text) <= significant(reference));
		}
	}
	(void)state;
}

static void floats_are_shortest_and_read_back(void **state)
{
	uint64_t seed = 2;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t bits = (uint32_t)tr_test_random(&seed) & INT32_MAX;
		char text[TR_TEXT_FLOAT_BYTES + 1], reference[64];
		float value, back;
		size_t length;
		int digits = 2;

		memcpy(&value, &bits, 4);
		if (!isfinite(value) || value == 0)
			continue;
		length = tr_text_put_f32(text, value);
		text[length] = '\0';
		assert_true(strtof(text, NULL) == value);
		assert_int_equal(tr_text_parse_f32(text, length, &back), TR_TEXT_OK);
		assert_memory_equal(&back, &value, 4);
		for (; digits < 9; digits++) {
			snprintf(reference, sizeof(reference), "%.*e", digits - 1, (double)value);
			if (strtof(reference, NULL) == value)
				break;
		}
		assert_true(significant(text) <= (size_t)digits);
	}
	(void)state;
}

/** A random number text: digits, point, exponent; often close to a middle between two doubles. */
static size_t random_text(uint64_t *seed, char *out)
{
	size_t length = 0;
	uint32_t digits = 1 + tr_test_below(seed, tr_test_below(seed, 8) == 0 ? 800 : 25);
	uint32_t point = tr_test_below(seed, digits + 1);

	if (tr_test_below(seed, 6) == 0) {
		double value = random_double(seed);

		return (size_t)sprintf(out, "%.*e", (int)tr_test_below(seed, 30), value);
	}
	if (tr_test_below(seed, 3) == 0)
		out[length++] = '-';
	for (uint32_t i = 0; i < digits; i++) {
		if (i == point)
			out[length++] = '.';
		out[length++] = (char)('0' + (tr_test_below(seed, 4) == 0 ? 0 : tr_test_below(seed, 10)));
	}
	if (tr_test_below(seed, 2) == 0)
		length += (size_t)sprintf(out + length, "e%d", (int)tr_test_below(seed, 700) - 350);
	out[length] = '\0';
	return length;
}

static void parses_like_strtod(void **state)
{
	uint64_t seed = 3;
	char text[1024];

	for (int i = 0; i < ROUNDS; i++) {
		size_t length = random_text(&seed, text);
		double value, expected = strtod(text, NULL);
		float f, f_expected = strtof(text, NULL);

		text[length] = '\0';
		assert_int_equal(tr_text_parse_f64(text, length, &value), TR_TEXT_OK);
		if (memcmp(&value, &expected, 8) != 0)
			fail_msg("%s: %.17g, not %.17g", text, value, expected);
		assert_int_equal(tr_text_parse_f32(text, length, &f), TR_TEXT_OK);
		if (memcmp(&f, &f_expected, 4) != 0)
			fail_msg("%s: %.9g, not %.9g", text, (double)f, (double)f_expected);
	}
	(void)state;
}

static void parses_hard_texts(void **state)
{
	static const char *const texts[] = {"9007199254740993",
					    "9007199254740992.999999999999",
					    "2.2250738585072011e-308",
					    "1e-324",
					    "2.4703282292062327e-324",
					    "2.4703282292062328e-324",
					    "1.7976931348623158e308",
					    "1.7976931348623159e308",
					    "8.5e400",
					    "1e-400",
					    "9223372036854775808",
					    "18446744073709551616",
					    "0.000000000000000000001",
					    "5e-1",
					    ".5",
					    "5.",
					    "1e22",
					    "1e23",
					    "7205759403792793199999e-5"};
	double value;
	char *long_text = malloc(200001);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(tr_text_parse_f64(texts[i], strlen(texts[i]), &value), TR_TEXT_OK);
		assert_true(value == strtod(texts[i], NULL));
	}
	memset(long_text, '0', 200000);
	long_text[200000] = '\0';
	long_text[1] = '.';
	memcpy(long_text + 199990, "123e199989", 10);
	assert_int_equal(tr_text_parse_f64(long_text, 200000, &value), TR_TEXT_OK);
	memset(long_text, '9', 200000);
	memcpy(long_text + 199990, "99e-199900", 10);
	assert_int_equal(tr_text_parse_f64(long_text, 200000, &value), TR_TEXT_OK);
	free(long_text);
	(void)state;
}

static void refuses_what_is_no_number(void **state)
{
	static const char *const texts[] = {"",     "-",  "+",  ".",   "e5",  "1e",      "1e+",  "1.2.3", "nan", "inf",
					    "0x10", "1 ", " 1", "1,5", "--1", "Infinit", "NaNa", "1ee5",  "f"};
	double value;
	float f;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(tr_text_parse_f64(texts[i], strlen(texts[i]), &value), TR_TEXT_MALFORMED);
		assert_int_equal(tr_text_parse_f32(texts[i], strlen(texts[i]), &f), TR_TEXT_MALFORMED);
	}
	assert_int_equal(tr_text_parse_f64("1.5d", 4, &value), TR_TEXT_OK);
	assert_true(value == 1.5);
	assert_int_equal(tr_text_parse_f64("-Infinity", 9, &value), TR_TEXT_OK);
	assert_true(isinf(value) && value < 0);
	(void)state;
}

/** Each row against the next: ten times it, within the cut; and exact powers. */
static void power_table_is_consistent(void **state)
{
	for (int q = TR_POW10_MIN; q < TR_POW10_MAX; q++) {
		const struct tr_pow10 *a = tr_pow10_get(q), *b = tr_pow10_get(q + 1);
		long double ratio = ((long double)b->high + (long double)b->low * 0x1p-64L) /
				    ((long double)a->high + (long double)a->low * 0x1p-64L);
		int shift = tr_pow10_exponent(q + 1) - tr_pow10_exponent(q);

		assert_true(a->high >> 63 == 1);
		assert_true(fabsl(ldexpl(ratio, shift) - 10.0L) < 1e-17L);
	}
	assert_true(tr_pow10_get(0)->high == UINT64_C(1) << 63 && tr_pow10_get(0)->low == 0);
	assert_true(tr_pow10_get(19)->high == UINT64_C(10000000000000000000));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_as_java),
		cmocka_unit_test(prints_floats_as_java),
		cmocka_unit_test(doubles_are_shortest_and_read_back),
		cmocka_unit_test(floats_are_shortest_and_read_back),
		cmocka_unit_test(parses_like_strtod),
		cmocka_unit_test(parses_hard_texts),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(power_table_is_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
