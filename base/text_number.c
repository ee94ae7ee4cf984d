/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers, DECIMAL and BOOLEAN to text and back; Base64 and the UTF-8 check, which are about bytes.
 */
#include "base/check.h"
#include "base/text.h"

#define DECIMAL_EXPONENT_MAX 1000000

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				     "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				     "8081828384858687888990919293949596979899";

size_t tr_text_put_u64(char *out, uint64_t value)
{
	char text[TR_TEXT_INTEGER_BYTES];
	size_t at = sizeof(text);

	while (value >= 100) {
		at -= 2;
		memcpy(text + at, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(text + at, digit_pairs + value * 2, 2);
	} else {
		text[--at] = (char)('0' + value);
	}
	memcpy(out, text + at, sizeof(text) - at);
	return sizeof(text) - at;
}

size_t tr_text_put_i64(char *out, int64_t value)
{
	if (value >= 0)
		return tr_text_put_u64(out, (uint64_t)value);
	*out = '-';
	return 1 + tr_text_put_u64(out + 1, 0 - (uint64_t)value);
}

size_t tr_text_code_points(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

size_t tr_text_utf16_units(const char *text, size_t length)
{
	size_t units = 0;

	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)text[i];

		units += ((c & 0xc0) != 0x80) + (c >= 0xf0);
	}
	return units;
}

enum tr_text_result tr_text_parse_i64(const char *text, size_t length, int64_t *value)
{
	const char *p = text, *end = text + length;
	bool is_negative = false, is_over = false;
	uint64_t v = 0;

	if (p < end && (*p == '-' || *p == '+'))
		is_negative = *p++ == '-';
	if (p == end)
		return TR_TEXT_MALFORMED;
	for (; p < end; p++) {
		unsigned digit = (unsigned char)(*p - '0');

		if (digit > 9)
			return TR_TEXT_MALFORMED;
		is_over |= v > (UINT64_MAX - digit) / 10;
		v = v * 10 + digit;
	}
	if (is_over || v > (uint64_t)INT64_MAX + is_negative)
		return TR_TEXT_RANGE;
	*value = is_negative ? (int64_t)(0 - v) : (int64_t)v;
	return TR_TEXT_OK;
}

enum tr_text_result tr_text_parse_i32(const char *text, size_t length, int32_t *value)
{
	int64_t wide = 0;
	enum tr_text_result result = tr_text_parse_i64(text, length, &wide);

	if (result != TR_TEXT_OK)
		return result;
	if (wide < INT32_MIN || wide > INT32_MAX)
		return TR_TEXT_RANGE;
	*value = (int32_t)wide;
	return TR_TEXT_OK;
}

tr_i128 tr_text_power_of_ten(int exponent)
{
	static const int64_t small[] = {1,
					10,
					100,
					1000,
					10000,
					100000,
					1000000,
					10000000,
					100000000,
					1000000000,
					INT64_C(10000000000),
					INT64_C(100000000000),
					INT64_C(1000000000000),
					INT64_C(10000000000000),
					INT64_C(100000000000000),
					INT64_C(1000000000000000),
					INT64_C(10000000000000000),
					INT64_C(100000000000000000),
					INT64_C(1000000000000000000)};

	TR_ASSERT(exponent >= 0 && exponent <= TR_DECIMAL_PRECISION_MAX);
	if (exponent <= 18)
		return small[exponent];
	if (exponent <= 36)
		return (tr_i128)small[18] * small[exponent - 18];
	return (tr_i128)small[18] * small[18] * small[exponent - 36];
}

/** The digits of an unscaled value, without sign. */
static size_t put_u128(char *out, tr_u128 value)
{
	const uint64_t chunk = UINT64_C(1000000000000000000);
	size_t length;
	uint64_t low;

	if (value <= UINT64_MAX)
		return tr_text_put_u64(out, (uint64_t)value);
	length = put_u128(out, value / chunk); /* at most twice */
	low = (uint64_t)(value % chunk);
	for (int i = 17; i >= 0; i--, low /= 10)
		out[length + (size_t)i] = (char)('0' + low % 10);
	return length + 18;
}

size_t tr_text_put_decimal(char *out, tr_i128 unscaled, int scale)
{
	char digits[40];
	size_t count, length = 0, whole;

	TR_ASSERT(scale >= 0 && scale <= TR_DECIMAL_PRECISION_MAX);
	count = put_u128(digits, unscaled < 0 ? 0 - (tr_u128)unscaled : (tr_u128)unscaled);
	if (unscaled < 0)
		out[length++] = '-';
	whole = count > (size_t)scale ? count - (size_t)scale : 0;
	if (whole == 0)
		out[length++] = '0';
	memcpy(out + length, digits, whole);
	length += whole;
	if (scale == 0)
		return length;
	out[length++] = '.';
	memset(out + length, '0', (size_t)scale);
	memcpy(out + length + ((size_t)scale - (count - whole)), digits + whole, count - whole);
	return length + (size_t)scale;
}

size_t tr_text_put_decimal_java(char *out, tr_i128 unscaled, int scale)
{
	char digits[40];
	size_t count = put_u128(digits, unscaled < 0 ? 0 - (tr_u128)unscaled : (tr_u128)unscaled);
	size_t length = 0;
	int exponent = (int)count - 1 - scale;

	if (exponent >= -6)
		return tr_text_put_decimal(out, unscaled, scale);
	if (unscaled < 0)
		out[length++] = '-';
	out[length++] = digits[0];
	if (count > 1) {
		out[length++] = '.';
		memcpy(out + length, digits + 1, count - 1);
		length += count - 1;
	}
	out[length++] = 'E';
	return length + tr_text_put_i64(out + length, exponent);
}

/** A decimal number in text: where its digits are. */
struct decimal_text {
	const char *digits; /* first digit that is not 0, or the end */
	const char *end;    /* of the digits (and the point among them) */
	int64_t count;      /* digits from there */
	int64_t exponent;   /* of the last digit */
	bool is_negative;
};

static bool scan_decimal(const char *text, size_t length, struct decimal_text *d)
{
	const char *p = text, *end = text + length;
	bool has_point = false, is_leading = true;
	int64_t seen = 0;

	memset(d, 0, sizeof(*d));
	if (p < end && (*p == '-' || *p == '+'))
		d->is_negative = *p++ == '-';
	for (; p < end; p++) {
		unsigned digit = (unsigned char)(*p - '0');

		if (digit > 9) {
			if (*p != '.' || has_point)
				break;
			has_point = true;
			continue;
		}
		seen++;
		d->exponent -= has_point;
		if (is_leading && digit != 0) {
			is_leading = false;
			d->digits = p;
		}
		d->count += !is_leading;
	}
	d->end = p;
	if (is_leading)
		d->digits = p;
	if (seen == 0)
		return false;
	if (p < end) {
		bool is_minus = false;
		int64_t exponent = 0;

		if (*p != 'e' && *p != 'E')
			return false;
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			is_minus = *p++ == '-';
		if (p == end)
			return false;
		for (; p < end; p++) {
			if ((unsigned char)(*p - '0') > 9)
				return false;
			if (exponent < DECIMAL_EXPONENT_MAX)
				exponent = exponent * 10 + (*p - '0');
		}
		d->exponent += is_minus ? -exponent : exponent;
	}
	return true;
}

enum tr_text_result tr_text_parse_decimal(const char *text, size_t length, int precision, int scale, tr_i128 *unscaled)
{
	struct decimal_text d;
	tr_u128 value = 0;
	int64_t keep;
	const char *p;

	TR_ASSERT(precision >= 1 && precision <= TR_DECIMAL_PRECISION_MAX);
	TR_ASSERT(scale >= 0 && scale <= precision);
	if (!scan_decimal(text, length, &d))
		return TR_TEXT_MALFORMED;
	*unscaled = 0;
	keep = d.count + d.exponent + scale; /* digits of the unscaled value */
	if (d.count == 0 || keep < 0)
		return TR_TEXT_OK;
	if (keep > precision)
		return TR_TEXT_RANGE;
	p = d.digits;
	for (int64_t i = 0; i < keep; i++) {
		if (p < d.end && *p == '.')
			p++;
		value = value * 10 + (p < d.end ? (unsigned)(*p++ - '0') : 0);
	}
	if (p < d.end && *p == '.')
		p++;
	if (p < d.end && *p >= '5')
		value++;
	if (value >= (tr_u128)tr_text_power_of_ten(precision))
		return TR_TEXT_RANGE;
	*unscaled = d.is_negative ? -(tr_i128)value : (tr_i128)value;
	return TR_TEXT_OK;
}

static bool equals_ignoring_case(const char *text, size_t length, const char *word)
{
	if (length != strlen(word))
		return false;
	for (size_t i = 0; i < length; i++) {
		const char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];

		if (c != word[i])
			return false;
	}
	return true;
}

enum tr_text_result tr_text_parse_boolean(const char *text, size_t length, bool *value)
{
	*value = equals_ignoring_case(text, length, "true");
	return *value || equals_ignoring_case(text, length, "false") ? TR_TEXT_OK : TR_TEXT_MALFORMED;
}

enum tr_text_result tr_text_parse_boolean_cast(const char *text, size_t length, bool *value)
{
	static const char *const words[2][5] = {{"f", "false", "n", "no", "0"}, {"t", "true", "y", "yes", "1"}};

	for (int v = 0; v < 2; v++)
		for (int i = 0; i < 5; i++)
			if (equals_ignoring_case(text, length, words[v][i])) {
				*value = v == 1;
				return TR_TEXT_OK;
			}
	return TR_TEXT_MALFORMED;
}

/* ---- bytes ---- */

size_t tr_text_put_base64(char *out, const void *bytes, size_t length)
{
	static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *b = bytes;
	size_t at = 0, i = 0;

	for (; i + 2 < length; i += 3) {
		uint32_t v = (uint32_t)b[i] << 16 | (uint32_t)b[i + 1] << 8 | b[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			out[at++] = alphabet[v >> shift & 63];
	}
	if (i < length) {
		uint32_t v = (uint32_t)b[i] << 16 | (i + 1 < length ? (uint32_t)b[i + 1] << 8 : 0);

		out[at++] = alphabet[v >> 18 & 63];
		out[at++] = alphabet[v >> 12 & 63];
		out[at++] = i + 1 < length ? alphabet[v >> 6 & 63] : '=';
		out[at++] = '=';
	}
	return at;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum tr_text_result tr_text_parse_base64(const char *text, size_t length, char *out, size_t *out_length)
{
	size_t at = 0;

	if (length % 4 != 0)
		return TR_TEXT_MALFORMED;
	for (size_t i = 0; i < length; i += 4) {
		int pad = i + 4 == length ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
		uint32_t v = 0;

		for (int k = 0; k < 4; k++) {
			int digit = k >= 4 - pad ? 0 : base64_value(text[i + (size_t)k]);

			if (digit < 0)
				return TR_TEXT_MALFORMED;
			v = v << 6 | (uint32_t)digit;
		}
		for (int k = 0; k < 3 - pad; k++)
			out[at++] = (char)(v >> (16 - 8 * k));
	}
	*out_length = at;
	return TR_TEXT_OK;
}

bool tr_text_is_utf8(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + length;

	while (p < end) {
		unsigned lead = *p;
		uint64_t word;

		if (end - p >= 8) {
			memcpy(&word, p, 8);
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				p += 8;
				continue;
			}
		}
		if (lead < 0x80) {
			p++;
		} else if (lead >= 0xc2 && lead < 0xe0) {
			if (end - p < 2 || (p[1] & 0xc0) != 0x80)
				return false;
			p += 2;
		} else if (lead >= 0xe0 && lead < 0xf0) {
			if (end - p < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
				return false;
			if ((lead == 0xe0 && p[1] < 0xa0) || (lead == 0xed && p[1] >= 0xa0))
				return false;
			p += 3;
		} else if (lead >= 0xf0 && lead < 0xf5) {
			if (end - p < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
				return false;
			if ((lead == 0xf0 && p[1] < 0x90) || (lead == 0xf4 && p[1] >= 0x90))
				return false;
			p += 4;
		} else {
			return false;
		}
	}
	return true;
}
