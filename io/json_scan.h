/* SPDX-License-Identifier: Apache-2.0
 *
 * Scanning JSON: strings with vectors, numbers and words by bytes, whole values without building anything.
 *
 * Records lie in lines, and a line end is no part of any token: strings end at control characters, blanks are space,
 * tab and CR only, numbers end at anything else. So nothing here looks for the end of the buffer: the line end at its
 * end stops every loop, and up to 63 bytes behind it may be loaded.
 *
 * A function that fails returns NULL after scan_fail. Included by decode_json.isa.c only.
 */
#ifndef TR_IO_JSON_SCAN_H
#define TR_IO_JSON_SCAN_H

#include <stdio.h>

#include "base/check.h"
#include "base/text.h"
#include "io/json.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#else
#include <emmintrin.h>
#endif

#if defined(__AVX512BW__)
#define SCAN_BYTES 64
/** Bits: quote, backslash, control character, or not ASCII. */
static inline uint64_t special_mask(const char *p)
{
	const __m512i v = _mm512_loadu_si512(p);

	return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) | _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')) |
	       _mm512_cmpgt_epi8_mask(_mm512_set1_epi8(0x20), v);
}
#elif defined(__AVX2__)
#define SCAN_BYTES 32
static inline uint64_t special_mask(const char *p)
{
	const __m256i v = _mm256_loadu_si256((const __m256i *)p);
	const __m256i special = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
								_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'))),
						_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v));

	return (uint32_t)_mm256_movemask_epi8(special);
}
#else
#define SCAN_BYTES 16
static inline uint64_t special_mask(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)p);
	const __m128i special = _mm_or_si128(
		_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
		_mm_cmpgt_epi8(_mm_set1_epi8(0x20), v));

	return (uint32_t)_mm_movemask_epi8(special);
}
#endif

static __attribute__((cold, noinline)) const char *scan_fail(struct tr_json_scan *s, const char *at, const char *reason)
{
	s->error_at = at;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	return NULL;
}

/** "',' or '}' is missing: here is 'x'". */
static __attribute__((cold, noinline)) const char *scan_unexpected(struct tr_json_scan *s, const char *at,
								   const char *wanted)
{
	const unsigned char c = (unsigned char)*at;

	s->error_at = at;
	if (c == '\n')
		snprintf(s->reason, sizeof(s->reason), "the record ends where %s should be", wanted);
	else if (c > 0x20 && c < 0x7f)
		snprintf(s->reason, sizeof(s->reason), "'%c' stands where %s should be", c, wanted);
	else
		snprintf(s->reason, sizeof(s->reason), "byte 0x%02x stands where %s should be", c, wanted);
	return NULL;
}

static inline const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/** An escape at p (the backslash): returns what follows it. */
static inline const char *skip_escape(struct tr_json_scan *s, const char *p)
{
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't': return p + 2;
	case 'u':
		for (int i = 2; i < 6; i++)
			if (tr_text_hex_digit(p[i]) < 0)
				return scan_fail(s, p, "\\u needs four hexadecimal digits");
		return p + 6;
	default: return scan_fail(s, p, "a string has an unknown escape");
	}
}

struct string_span {
	const char *text;
	size_t length;
	bool has_escapes;
};

/** The string whose opening quote is before p; returns what follows its closing quote. Validates escapes and UTF-8. */
static inline const char *scan_string(struct tr_json_scan *s, const char *p, struct string_span *string)
{
	const char *start = p;
	bool is_ascii = true;

	string->text = p;
	string->has_escapes = false;
	for (;;) {
		const uint64_t mask = special_mask(p);

		if (mask == 0) {
			p += SCAN_BYTES;
			continue;
		}
		p += __builtin_ctzll(mask);
		if (TR_LIKELY(*p == '"'))
			break;
		if (*p == '\\') {
			string->has_escapes = true;
			p = skip_escape(s, p);
			if (p == NULL)
				return NULL;
		} else if ((unsigned char)*p >= 0x80) {
			is_ascii = false;
			while ((unsigned char)*p >= 0x80)
				p++;
		} else if (*p == '\n') {
			return scan_fail(s, start - 1, "a string is not closed before the end of the line");
		} else {
			return scan_fail(s, p, "a string has a control character that is not escaped");
		}
	}
	string->length = (size_t)(p - start);
	if (TR_UNLIKELY(!is_ascii) && !tr_text_is_utf8(start, string->length))
		return scan_fail(s, start - 1, "a string is not valid UTF-8");
	return p + 1;
}

static inline bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

/** A number by the grammar of RFC 8259; returns its end. */
static inline const char *scan_number(struct tr_json_scan *s, const char *p, bool *is_integer)
{
	const char *start = p;

	*is_integer = true;
	p += *p == '-';
	if (!is_digit(*p))
		return scan_unexpected(s, p, start == p ? "a value" : "a digit");
	if (*p == '0' && is_digit(p[1]))
		return scan_fail(s, start, "a number has a leading zero");
	while (is_digit(*p))
		p++;
	if (*p == '.') {
		*is_integer = false;
		p++;
		if (!is_digit(*p))
			return scan_unexpected(s, p, "a digit");
		while (is_digit(*p))
			p++;
	}
	if (*p == 'e' || *p == 'E') {
		*is_integer = false;
		p++;
		p += *p == '+' || *p == '-';
		if (!is_digit(*p))
			return scan_unexpected(s, p, "a digit");
		while (is_digit(*p))
			p++;
	}
	return p;
}

static inline const char *scan_word(struct tr_json_scan *s, const char *p)
{
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	if (memcmp(p, "false", 5) == 0)
		return p + 5;
	return scan_unexpected(s, p, "a value");
}

/** `"key" : ` at p; returns where the value starts. */
static inline const char *scan_key(struct tr_json_scan *s, const char *p, struct string_span *key)
{
	if (*p != '"')
		return scan_unexpected(s, p, "a key");
	p = scan_string(s, p + 1, key);
	if (p == NULL)
		return NULL;
	p = skip_blanks(p);
	if (*p != ':')
		return scan_unexpected(s, p, "':'");
	return skip_blanks(p + 1);
}

/** A whole value of any kind; returns its end. Containers are kept on a stack of bits: 1 is an object. */
static __attribute__((noinline)) const char *skip_value(struct tr_json_scan *s, const char *p)
{
	uint64_t stack[TR_NESTING_MAX / 64] = {0};
	uint32_t depth = 0;
	struct string_span string;
	bool is_integer;

	for (;;) {
		const char opening = *p;

		if (opening == '{' || opening == '[') {
			if (depth == TR_NESTING_MAX)
				return scan_fail(s, p, "values are nested more than 128 deep");
			stack[depth / 64] = (stack[depth / 64] & ~(UINT64_C(1) << depth % 64)) |
					    (uint64_t)(opening == '{') << depth % 64;
			depth++;
			p = skip_blanks(p + 1);
			if (*p == (opening == '{' ? '}' : ']')) {
				p++;
				depth--;
			} else {
				if (opening == '{')
					p = scan_key(s, p, &string);
				if (p == NULL)
					return NULL;
				continue;
			}
		} else if (opening == '"') {
			p = scan_string(s, p + 1, &string);
		} else if (opening == 't' || opening == 'f' || opening == 'n') {
			p = scan_word(s, p);
		} else {
			p = scan_number(s, p, &is_integer);
		}
		for (;;) { /* behind a value */
			bool is_object;

			if (p == NULL || depth == 0)
				return p;
			is_object = stack[(depth - 1) / 64] >> (depth - 1) % 64 & 1;
			p = skip_blanks(p);
			if (*p == ',')
				break;
			if (*p != (is_object ? '}' : ']'))
				return scan_unexpected(s, p, is_object ? "',' or '}'" : "',' or ']'");
			p++;
			depth--;
		}
		p = skip_blanks(p + 1);
		if (stack[(depth - 1) / 64] >> (depth - 1) % 64 & 1) {
			p = scan_key(s, p, &string);
			if (p == NULL)
				return NULL;
		}
	}
}

#endif
