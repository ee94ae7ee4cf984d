/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers and decimals against printf, strtoll and a digit-by-digit model; Base64 and UTF-8 against tables.
 */
#include "tr_test.h"

#include <errno.h>

#include "base/text.h"

static void integers_print_and_read_back(void **state)
{
	uint64_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		int64_t value = (int64_t)tr_test_random(&seed) >> tr_test_below(&seed, 64), back;
		char text[32], expected[32];
		size_t length = tr_text_put_i64(text, value);

		snprintf(expected, sizeof(expected), "%lld", (long long)value);
		assert_int_equal(length, strlen(expected));
		assert_memory_equal(text, expected, length);
		assert_int_equal(tr_text_parse_i64(text, length, &back), TR_TEXT_OK);
		assert_true(back == value);
	}
	(void)state;
}

static enum tr_text_result parse(const char *text, int64_t *value)
{
	return tr_text_parse_i64(text, strlen(text), value);
}

static void integers_are_checked(void **state)
{
	int64_t value;
	int32_t narrow;

	assert_int_equal(parse("9223372036854775807", &value), TR_TEXT_OK);
	assert_true(value == INT64_MAX);
	assert_int_equal(parse("-9223372036854775808", &value), TR_TEXT_OK);
	assert_true(value == INT64_MIN);
	assert_int_equal(parse("9223372036854775808", &value), TR_TEXT_RANGE);
	assert_int_equal(parse("-9223372036854775809", &value), TR_TEXT_RANGE);
	assert_int_equal(parse("99999999999999999999999999", &value), TR_TEXT_RANGE);
	assert_int_equal(parse("18446744073709551617", &value), TR_TEXT_RANGE);
	assert_int_equal(parse("+7", &value), TR_TEXT_OK);
	assert_true(value == 7);
	assert_int_equal(parse("00000000000000000000000000012", &value), TR_TEXT_OK);
	assert_true(value == 12);
	assert_int_equal(parse("", &value), TR_TEXT_MALFORMED);
	assert_int_equal(parse("-", &value), TR_TEXT_MALFORMED);
	assert_int_equal(parse("1.0", &value), TR_TEXT_MALFORMED);
	assert_int_equal(parse(" 1", &value), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_i32("2147483648", 10, &narrow), TR_TEXT_RANGE);
	assert_int_equal(tr_text_parse_i32("-2147483648", 11, &narrow), TR_TEXT_OK);
	assert_true(narrow == INT32_MIN);
	(void)state;
}

/** A model: the text's digits, shifted and rounded by hand. */
static enum tr_text_result model_decimal(const char *text, int precision, int scale, tr_i128 *out)
{
	char digits[512];
	int count = 0, exponent = 0;
	bool negative = false, point = false;
	tr_u128 value = 0;

	if (*text == '-' || *text == '+')
		negative = *text++ == '-';
	for (; *text == '.' || (*text >= '0' && *text <= '9'); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits[count++] = *text;
		exponent -= point;
	}
	if (*text == 'e')
		exponent += atoi(text + 1);
	/* digits * 10^exponent, wanted with `scale` decimals */
	for (int i = 0; i < count + exponent + scale || i < count; i++) {
		int place = count + exponent + scale - 1 - i; /* power of ten of this digit in the result */
		unsigned digit = i < count ? (unsigned)(digits[i] - '0') : 0;

		if (place >= 38 && digit != 0)
			return TR_TEXT_RANGE;
		if (place >= 38)
			continue;
		if (place < -1)
			continue;
		if (place == -1) {
			value += digit >= 5;
			continue;
		}
		value += (tr_u128)tr_text_power_of_ten(place) * digit;
	}
	if (value >= (tr_u128)tr_text_power_of_ten(precision))
		return TR_TEXT_RANGE;
	*out = negative ? -(tr_i128)value : (tr_i128)value;
	return TR_TEXT_OK;
}

static void decimals_follow_the_model(void **state)
{
	uint64_t seed = 5;

	for (int i = 0; i < 200000; i++) {
		int precision = 1 + (int)tr_test_below(&seed, 38);
		int scale = (int)tr_test_below(&seed, (uint32_t)precision + 1);
		char text[256], again[TR_TEXT_DECIMAL_BYTES + 1];
		size_t length = 0, digits = 1 + tr_test_below(&seed, 45), point = tr_test_below(&seed, 46);
		tr_i128 value = 0, expected = 0, back = 0;
		enum tr_text_result result, wanted;

		if (tr_test_below(&seed, 2))
			text[length++] = '-';
		for (size_t d = 0; d < digits; d++) {
			if (d == point)
				text[length++] = '.';
			text[length++] = (char)('0' + (tr_test_below(&seed, 3) ? tr_test_below(&seed, 10) : 0));
		}
		if (tr_test_below(&seed, 3) == 0)
			length += (size_t)sprintf(text + length, "e%d", (int)tr_test_below(&seed, 60) - 30);
		text[length] = '\0';
		result = tr_text_parse_decimal(text, length, precision, scale, &value);
		wanted = model_decimal(text, precision, scale, &expected);
		if (result != wanted || (result == TR_TEXT_OK && value != expected))
			fail_msg("%s as DECIMAL(%d, %d): %d, not %d", text, precision, scale, result, wanted);
		if (result != TR_TEXT_OK)
			continue;
		length = tr_text_put_decimal(again, value, scale);
		assert_int_equal(tr_text_parse_decimal(again, length, precision, scale, &back), TR_TEXT_OK);
		assert_true(back == value);
		length = tr_text_put_decimal_java(again, value, scale);
		assert_int_equal(tr_text_parse_decimal(again, length, precision, scale, &back), TR_TEXT_OK);
		assert_true(back == value);
	}
	(void)state;
}

static void decimal_texts(void **state)
{
	static const struct {
		int64_t unscaled;
		int scale;
		const char *plain, *java;
	} cases[] = {{0, 0, "0", "0"},
		     {5, 2, "0.05", "0.05"},
		     {-12345, 3, "-12.345", "-12.345"},
		     {0, 8, "0.00000000", "0E-8"},
		     {12, 8, "0.00000012", "1.2E-7"},
		     {100, 2, "1.00", "1.00"},
		     {1, 6, "0.000001", "0.000001"},
		     {-1, 7, "-0.0000001", "-1E-7"}};
	static const char *const bad[] = {"", ".", "-", "1e", "1..2", "a", "1 ", "0x1", "1e5.5"};
	tr_i128 value;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TR_TEXT_DECIMAL_BYTES + 1];

		text[tr_text_put_decimal(text, cases[i].unscaled, cases[i].scale)] = '\0';
		assert_string_equal(text, cases[i].plain);
		text[tr_text_put_decimal_java(text, cases[i].unscaled, cases[i].scale)] = '\0';
		assert_string_equal(text, cases[i].java);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tr_text_parse_decimal(bad[i], strlen(bad[i]), 10, 2, &value), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_decimal("1e999999999999", 14, 38, 0, &value), TR_TEXT_RANGE);
	assert_int_equal(tr_text_parse_decimal("1e-999999999999", 15, 38, 0, &value), TR_TEXT_OK);
	assert_true(value == 0);
	assert_int_equal(tr_text_parse_decimal("99.995", 6, 4, 2, &value), TR_TEXT_RANGE);
	assert_int_equal(tr_text_parse_decimal("-99.985", 7, 4, 2, &value), TR_TEXT_OK);
	assert_true(value == -9999);
	(void)state;
}

static void booleans(void **state)
{
	bool value;

	assert_int_equal(tr_text_parse_boolean("TrUe", 4, &value), TR_TEXT_OK);
	assert_true(value);
	assert_int_equal(tr_text_parse_boolean("false", 5, &value), TR_TEXT_OK);
	assert_false(value);
	assert_int_equal(tr_text_parse_boolean("yes", 3, &value), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_boolean_cast("\x11", 1, &value), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_boolean_cast("Yes", 3, &value), TR_TEXT_OK);
	assert_true(value);
	assert_int_equal(tr_text_parse_boolean_cast("0", 1, &value), TR_TEXT_OK);
	assert_false(value);
	(void)state;
}

static void base64_round_trips(void **state)
{
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"A", "Zg=", "Z===", "Zg==Zg==", "Zm9*", "====", "Z=g="};
	uint64_t seed = 9;
	char out[64];
	size_t length;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		length = tr_text_put_base64(out, pairs[i][0], strlen(pairs[i][0]));
		assert_int_equal(length, strlen(pairs[i][1]));
		assert_memory_equal(out, pairs[i][1], length);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tr_text_parse_base64(bad[i], strlen(bad[i]), out, &length), TR_TEXT_MALFORMED);
	for (int i = 0; i < 10000; i++) {
		char bytes[30], text[48], back[48];
		size_t n = tr_test_below(&seed, 30), m;

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)tr_test_random(&seed);
		m = tr_text_put_base64(text, bytes, n);
		assert_int_equal(tr_text_parse_base64(text, m, back, &length), TR_TEXT_OK);
		assert_int_equal(length, n);
		assert_memory_equal(back, bytes, n);
	}
	(void)state;
}

/** Every code point encoded by hand is good; every single broken byte is what a table-driven model says. */
static void utf8_is_checked(void **state)
{
	for (uint32_t c = 0; c < 0x120000; c++) {
		char text[16];
		size_t n = 0;
		bool expected = c < 0xd800 || (c > 0xdfff && c < 0x110000);

		if (c < 0x80) {
			text[n++] = (char)c;
		} else if (c < 0x800) {
			text[n++] = (char)(0xc0 | c >> 6);
			text[n++] = (char)(0x80 | (c & 63));
		} else if (c < 0x10000) {
			text[n++] = (char)(0xe0 | c >> 12);
			text[n++] = (char)(0x80 | (c >> 6 & 63));
			text[n++] = (char)(0x80 | (c & 63));
		} else {
			text[n++] = (char)(0xf0 | c >> 18);
			text[n++] = (char)(0x80 | (c >> 12 & 63));
			text[n++] = (char)(0x80 | (c >> 6 & 63));
			text[n++] = (char)(0x80 | (c & 63));
		}
		assert_true(tr_text_is_utf8(text, n) == expected);
		if (n > 1)
			assert_false(tr_text_is_utf8(text, n - 1));
	}
	assert_false(tr_text_is_utf8("\xc0\x80", 2));
	assert_false(tr_text_is_utf8("\xe0\x80\x80", 3));
	assert_false(tr_text_is_utf8("\xf0\x80\x80\x80", 4));
	assert_false(tr_text_is_utf8("abcdefgh\xff", 9));
	assert_false(tr_text_is_utf8("\x80", 1));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_print_and_read_back),
		cmocka_unit_test(integers_are_checked),
		cmocka_unit_test(decimals_follow_the_model),
		cmocka_unit_test(decimal_texts),
		cmocka_unit_test(booleans),
		cmocka_unit_test(base64_round_trips),
		cmocka_unit_test(utf8_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
