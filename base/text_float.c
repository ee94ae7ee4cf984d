/* SPDX-License-Identifier: Apache-2.0
 *
 * FLOAT and DOUBLE to text as Java writes them, and back, correctly rounded.
 *
 * To text: Java 19 and later print the shortest decimal that reads back as the same number (at least two digits are
 * considered, so that 2E-323 prints as 2.0E-323), the closest one if several are that short. The algorithm is
 * Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles"): the number and the middles to its two
 * neighbours are multiplied by one 126-bit power of ten, such that their whole parts have the wanted digits; then two
 * or four candidates are compared. The layout is java.lang.Double.toString's: plain between 1E-3 and 1E7, else d.dddEn.
 *
 * From text: up to 19 digits are read into an integer w; the value is w * 10^q.
 *   1. w < 2^53 and |q| <= 22: both are exact, one multiplication or division rounds correctly (Clinger).
 *   2. w times the 128-bit power of ten; when the bits below the rounding bit are not all 0 or all 1, the cut of the
 *      table cannot change the rounding (Eisel and Lemire, here with a plain test of the error interval).
 *   3. Else, and for subnormal numbers and longer texts, strtod in the C locale.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/pow10.h"
#include "base/text.h"

#define DIGITS_MAX 19            /* always fit 64 bits */
#define SLOW_TEXT_BYTES_MAX 4096 /* longer number texts are cut: see parse_slow */
#define HEX_BYTES_MAX 200
#define EXPONENT_MAX 100000

/* ---- to text ---- */

struct decimal {
	uint64_t digits;
	int exponent; /* value = digits * 10^exponent */
};

/** High 64 bits of g * cp, g = (g1:g0) of 126 bits as two 63-bit halves, rounded to odd: the last bit is sticky. */
static uint64_t round_to_odd(uint64_t g1, uint64_t g0, uint64_t cp)
{
	const uint64_t mask63 = (UINT64_C(1) << 63) - 1;
	tr_u128 low = (tr_u128)g0 * cp;
	tr_u128 high = (tr_u128)g1 * cp;
	uint64_t z = ((uint64_t)high >> 1) + (uint64_t)(low >> 64);
	uint64_t w = (uint64_t)(high >> 64) + (z >> 63);

	return w | (((z & mask63) + mask63) >> 63);
}

/** Which of two candidates (lower s, upper s + step) lies in the rounding interval, or the closer one. */
static uint64_t choose(uint64_t s, uint64_t step, uint64_t vl, uint64_t v, uint64_t vr, uint64_t is_odd, bool *is_sure)
{
	bool low_in = vl + is_odd <= s << 2;
	bool high_in = ((s + step) << 2) + is_odd <= vr;
	int64_t order;

	*is_sure = low_in != high_in;
	if (*is_sure)
		return low_in ? s : s + step;
	order = (int64_t)(v - ((s + s + step) << 1));
	return order < 0 || (order == 0 && (s & 1) == 0) ? s : s + step;
}

/** The shortest decimal of c * 2^q. `is_even_gap`: both neighbours are equally far. */
static struct decimal shortest(uint64_t c, int q, bool is_even_gap, int shift10)
{
	const uint64_t is_odd = c & 1;
	const uint64_t middle = c << 2;
	const int k = (int)(((int64_t)q * 1262611 - (is_even_gap ? 0 : 524031)) >> 22);
	const struct tr_pow10 *power = tr_pow10_get(-k);
	/* The table's 128 bits, cut to 126 and rounded up, in halves of 63. */
	const tr_u128 g = (((tr_u128)power->high << 64 | power->low) >> 2) + 1;
	const uint64_t g1 = (uint64_t)(g >> 63);
	const uint64_t g0 = (uint64_t)g & ((UINT64_C(1) << 63) - 1);
	const int h = q + tr_pow10_exponent(-k) + 2;
	const uint64_t v = round_to_odd(g1, g0, middle << h);
	const uint64_t vl = round_to_odd(g1, g0, (middle - (is_even_gap ? 2 : 1)) << h);
	const uint64_t vr = round_to_odd(g1, g0, (middle + 2) << h);
	const uint64_t s = v >> 2;
	bool is_sure;

	if (s >= 100) {
		uint64_t ten = choose(s / 10 * 10, 10, vl, v, vr, is_odd, &is_sure);

		if (is_sure)
			return (struct decimal){ten, k};
	}
	return (struct decimal){choose(s, 1, vl, v, vr, is_odd, &is_sure), k + shift10};
}

/** Java's layout of a positive decimal. */
static size_t put_layout(char *out, struct decimal d)
{
	char text[24];
	size_t n, point, length = 0;
	int exponent;

	while (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	n = tr_text_put_u64(text, d.digits);
	exponent = d.exponent + (int)n - 1; /* of the first digit */
	if (exponent >= -3 && exponent < 0) {
		memcpy(out, "0.000", 5);
		length = (size_t)(1 - exponent);
		memcpy(out + length, text, n);
		return length + n;
	}
	point = exponent >= 0 && exponent < 7 ? (size_t)exponent + 1 : 1;
	for (size_t i = 0; i < point; i++)
		out[length++] = i < n ? text[i] : '0';
	out[length++] = '.';
	if (n <= point)
		out[length++] = '0';
	for (size_t i = point; i < n; i++)
		out[length++] = text[i];
	if (exponent < -3 || exponent >= 7) {
		out[length++] = 'E';
		length += tr_text_put_i64(out + length, exponent);
	}
	return length;
}

static size_t put_special(char *out, bool is_nan, bool is_negative)
{
	const char *text = is_nan ? "NaN" : is_negative ? "-Infinity" : "Infinity";
	size_t length = strlen(text);

	memcpy(out, text, length);
	return length;
}

/** `bits` without sign; `fraction_bits` 52 or 23, `bias` of the exponent of an integer significand; `tiny`: below it
 * two digits need a factor of ten. */
static size_t put_finite(char *out, uint64_t bits, int fraction_bits, int bias, uint64_t tiny)
{
	const uint64_t hidden = UINT64_C(1) << fraction_bits;
	const int biased = (int)(bits >> fraction_bits);
	const uint64_t fraction = bits & (hidden - 1);
	uint64_t c = biased != 0 ? hidden | fraction : fraction;
	const int q = (biased != 0 ? biased : 1) - bias;

	if (c == 0) {
		memcpy(out, "0.0", 3);
		return 3;
	}
	if (q <= 0 && -q <= fraction_bits && c >> -q << -q == c)
		return put_layout(out, (struct decimal){c >> -q, 0}); /* a whole number */
	if (biased == 0 && c < tiny)
		return put_layout(out, shortest(c * 10, q, true, -1));
	return put_layout(out, shortest(c, q, c != hidden || biased <= 1, 0));
}

size_t tr_text_put_f64(char *out, double value)
{
	uint64_t bits;
	size_t sign = 0;

	memcpy(&bits, &value, 8);
	if (isnan(value) || isinf(value))
		return put_special(out, isnan(value), value < 0);
	if (bits >> 63 != 0)
		out[sign++] = '-';
	return sign + put_finite(out + sign, bits & INT64_MAX, 52, 1075, 3);
}

size_t tr_text_put_f32(char *out, float value)
{
	uint32_t bits;
	size_t sign = 0;

	memcpy(&bits, &value, 4);
	if (isnan(value) || isinf(value))
		return put_special(out, isnan(value), value < 0);
	if (bits >> 31 != 0)
		out[sign++] = '-';
	return sign + put_finite(out + sign, bits & INT32_MAX, 23, 150, 8);
}

/* ---- from text ---- */

struct number {
	uint64_t digits;
	int exponent;
	bool is_negative;
	bool is_exact; /* `digits` holds all of them */
	enum { NUMBER_FINITE, NUMBER_NAN, NUMBER_INFINITE } kind;
};

static bool is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

/** Reads "e[+-]digits" up to `end`; false when malformed. */
static bool scan_exponent(const char *p, const char *end, int *exponent)
{
	bool is_negative = false;
	int value = 0;

	p++;
	if (p < end && (*p == '+' || *p == '-'))
		is_negative = *p++ == '-';
	if (p == end)
		return false;
	for (; p < end; p++) {
		if ((unsigned char)(*p - '0') > 9)
			return false;
		if (value < EXPONENT_MAX)
			value = value * 10 + (*p - '0');
	}
	*exponent += is_negative ? -value : value;
	return true;
}

static bool scan_number(const char *text, size_t length, struct number *number)
{
	const char *p = text, *end = text + length, *first;
	int significant = 0;
	bool has_point = false;
	size_t count = 0;

	memset(number, 0, sizeof(*number));
	number->is_exact = true;
	if (p < end && (*p == '-' || *p == '+'))
		number->is_negative = *p++ == '-';
	if (p < end && (*p == 'N' || *p == 'I')) {
		number->kind = *p == 'N' ? NUMBER_NAN : NUMBER_INFINITE;
		return is_word(p, (size_t)(end - p), *p == 'N' ? "NaN" : "Infinity");
	}
	for (first = p; p < end; p++) {
		unsigned digit = (unsigned char)(*p - '0');

		if (digit > 9) {
			if (*p != '.' || has_point)
				break;
			has_point = true;
			continue;
		}
		count++;
		if (significant < DIGITS_MAX) {
			number->digits = number->digits * 10 + digit;
			significant += number->digits != 0;
			number->exponent -= has_point;
		} else {
			number->is_exact = false;
			number->exponent += !has_point;
		}
		if (count > EXPONENT_MAX && number->is_exact && number->digits == 0)
			number->exponent = -EXPONENT_MAX; /* thousands of zeros */
	}
	if (count == 0 || p == first)
		return false;
	if (p < end && (end[-1] == 'f' || end[-1] == 'F' || end[-1] == 'd' || end[-1] == 'D'))
		end--; /* Java's suffix */
	return p == end || ((*p == 'e' || *p == 'E') && scan_exponent(p, end, &number->exponent));
}

/** strtod or strtof of the text, in the C locale. Texts longer than the buffer: no double has more than 767
 * significant digits, so what is cut off can only matter as "not zero"; leading zeros are skipped first. */
static double parse_slow(const char *text, size_t length, bool is_float)
{
	char buffer[SLOW_TEXT_BYTES_MAX + 64];
	size_t used = 0, dropped = 0;
	bool has_point = false, is_leading = true, has_rest = false;
	int exponent = 0;
	const char *p = text, *end = text + length;
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double value;

	if (*p == '-' || *p == '+')
		buffer[used++] = *p++;
	for (; p < end && (*p == '.' || (*p >= '0' && *p <= '9')); p++) {
		if (*p == '.') {
			has_point = true;
			continue;
		}
		if (is_leading && *p == '0') {
			exponent -= has_point;
			continue;
		}
		is_leading = false;
		if (used < SLOW_TEXT_BYTES_MAX) {
			buffer[used++] = *p;
			exponent -= has_point;
		} else {
			has_rest |= *p != '0';
			dropped += !has_point;
		}
	}
	if (is_leading)
		buffer[used++] = '0';
	if (has_rest) {
		buffer[used++] = '1';
		exponent--;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		const char *stop = end;

		if ((stop[-1] | 0x20) == 'f' || (stop[-1] | 0x20) == 'd')
			stop--;
		(void)scan_exponent(p, stop, &exponent);
	}
	snprintf(buffer + used, sizeof(buffer) - used, "e%d", exponent + (int)TR_MIN(dropped, INT32_MAX / 4));
	value = is_float ? (double)strtof_l(buffer, NULL, c_locale) : strtod_l(buffer, NULL, c_locale);
	freelocale(c_locale);
	return value;
}

/** Step 2: the significand (with its hidden bit) and binary exponent of w * 10^q, or false when it can't be told. */
static bool round_product(uint64_t w, int q, int fraction_bits, uint64_t *significand, int *exponent)
{
	const struct tr_pow10 *power;
	tr_u128 high, low;
	uint64_t top, rest, mask;
	int zeros, drop;

	if (q < TR_POW10_MIN || q > 308)
		return false;
	zeros = __builtin_clzll(w);
	w <<= zeros;
	power = tr_pow10_get(q);
	low = (tr_u128)w * power->low;
	high = (tr_u128)w * power->high + (uint64_t)(low >> 64);
	if ((uint64_t)(high >> 127) == 0) {
		high = high << 1 | (uint64_t)((uint64_t)low >> 63);
		zeros++;
	}
	/* The true product lies in [high, high + 2^65): only the top 62 bits are surely right. */
	top = (uint64_t)(high >> 64);
	drop = 63 - fraction_bits;
	mask = (UINT64_C(1) << (drop - 1)) - 1;
	rest = top & mask;
	if (rest == mask || rest == mask - 1 || rest <= 1)
		return false;
	*significand = (top >> drop) + (top >> (drop - 1) & 1);
	*exponent = 64 + tr_pow10_exponent(q) - zeros;
	if (*significand >> (fraction_bits + 1) != 0) {
		*significand >>= 1;
		(*exponent)++;
	}
	return true;
}

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
				      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const char *skip_digits(const char *p, const char *end, bool is_hex)
{
	while (p < end && ((*p >= '0' && *p <= '9') || (is_hex && (*p | 32) >= 'a' && (*p | 32) <= 'f')))
		p++;
	return p;
}

/* 0x1.8p3, as Java takes it: digits on one side of the point at least, and an exponent. False: it is none. */
static bool parse_hex(const char *text, size_t length, double *value, float *single)
{
	const char *p = text, *end = text + length, *digits;
	char buffer[HEX_BYTES_MAX + 1];
	size_t count;
	locale_t c_locale;

	p += p < end && (*p == '-' || *p == '+');
	if (end - p < 2 || p[0] != '0' || (p[1] | 32) != 'x')
		return false;
	digits = p += 2;
	p = skip_digits(p, end, true);
	count = (size_t)(p - digits);
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end, true);
		count += (size_t)(p - digits);
	}
	if (count == 0 || p == end || (*p++ | 32) != 'p')
		return false;
	p += p < end && (*p == '-' || *p == '+');
	digits = p;
	p = skip_digits(p, end, false);
	if (p == digits || p - text > HEX_BYTES_MAX)
		return false;
	memcpy(buffer, text, (size_t)(p - text));
	buffer[p - text] = '\0';
	if (p < end && ((*p | 32) == 'd' || (*p | 32) == 'f'))
		p++;
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (single != NULL)
		*single = strtof_l(buffer, NULL, c_locale);
	else
		*value = strtod_l(buffer, NULL, c_locale);
	freelocale(c_locale);
	return p == end;
}

enum tr_text_result tr_text_parse_f64(const char *text, size_t length, double *value)
{
	struct number n;
	uint64_t significand;
	int exponent;
	double v;

	if (!scan_number(text, length, &n))
		return parse_hex(text, length, value, NULL) ? TR_TEXT_OK : TR_TEXT_MALFORMED;
	if (n.kind != NUMBER_FINITE) {
		v = n.kind == NUMBER_NAN ? (double)NAN : (double)INFINITY;
	} else if (n.is_exact && n.digits < UINT64_C(1) << 53 && n.exponent >= -22 && n.exponent <= 22) {
		v = n.exponent < 0 ? (double)n.digits / exact_powers[-n.exponent]
				   : (double)n.digits * exact_powers[n.exponent];
	} else if (n.digits == 0) {
		v = 0;
	} else if (n.is_exact && round_product(n.digits, n.exponent, 52, &significand, &exponent) && exponent > -1022 &&
		   exponent <= 1023) {
		uint64_t bits = ((uint64_t)(exponent + 1023) << 52) + (significand & ((UINT64_C(1) << 52) - 1));

		memcpy(&v, &bits, 8);
	} else {
		*value = parse_slow(text, length, false);
		return TR_TEXT_OK;
	}
	*value = n.is_negative ? -v : v;
	return TR_TEXT_OK;
}

enum tr_text_result tr_text_parse_f32(const char *text, size_t length, float *value)
{
	struct number n;
	uint64_t significand;
	int exponent;
	float v;

	if (!scan_number(text, length, &n))
		return parse_hex(text, length, NULL, value) ? TR_TEXT_OK : TR_TEXT_MALFORMED;
	if (n.kind != NUMBER_FINITE) {
		v = n.kind == NUMBER_NAN ? NAN : INFINITY;
	} else if (n.is_exact && n.digits < UINT64_C(1) << 24 && n.exponent >= -10 && n.exponent <= 10) {
		v = n.exponent < 0 ? (float)n.digits / (float)exact_powers[-n.exponent]
				   : (float)n.digits * (float)exact_powers[n.exponent];
	} else if (n.digits == 0) {
		v = 0;
	} else if (n.is_exact && round_product(n.digits, n.exponent, 23, &significand, &exponent) && exponent > -126 &&
		   exponent <= 127) {
		uint32_t bits = ((uint32_t)(exponent + 127) << 23) + (uint32_t)(significand & ((1u << 23) - 1));

		memcpy(&v, &bits, 4);
	} else {
		*value = (float)parse_slow(text, length, true);
		return TR_TEXT_OK;
	}
	*value = n.is_negative ? -v : v;
	return TR_TEXT_OK;
}
