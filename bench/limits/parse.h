/* SPDX-License-Identifier: Apache-2.0
 *
 * 'yyyy-MM-dd HH:mm:ss.SSS' to milliseconds, for the bars: all digits at once, the calendar only when the date changes.
 *
 * With SSE4.1 the digits of two overlapping loads are gathered by a shuffle, checked together, and multiplied by pairs;
 * limits of months, hours and so on are one comparison. Else two digits at a time.
 */
#ifndef TR_BENCH_LIMITS_PARSE_H
#define TR_BENCH_LIMITS_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE4_1__
#include <immintrin.h>
#endif

#define TR_LIMIT_TIME_LENGTH 23

/** The date of the row before. Zero-initialise. */
struct tr_limit_date {
	uint64_t text; /* its first 8 bytes; 0: none yet */
	uint16_t text_end;
	int64_t start_ms;
};

/** Days since 1970 by the civil-calendar formula with March as the first month. */
static inline int64_t tr_limit_days(uint32_t year, uint32_t month, uint32_t day)
{
	const int64_t y = (int64_t)year - (month <= 2);
	const uint32_t shifted = month > 2 ? month - 3 : month + 9;
	const int64_t era = y / 400;
	const int64_t year_of_era = y - era * 400;
	const int64_t day_of_year = (153 * (int64_t)shifted + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/** The start of the date at `t`, whose parts are known to be numbers within their limits. */
static inline int64_t tr_limit_date_ms(struct tr_limit_date *date, const char *t, uint32_t year, uint32_t month,
				       uint32_t day)
{
	uint64_t text;
	uint16_t text_end;

	memcpy(&text, t, 8);
	memcpy(&text_end, t + 8, 2);
	if (__builtin_expect(text != date->text || text_end != date->text_end, 0)) {
		date->text = text;
		date->text_end = text_end;
		date->start_ms = tr_limit_days(year, month, day) * 86400000;
	}
	return date->start_ms;
}

#ifdef __SSE4_1__

/** INT64_MIN if malformed. */
static inline int64_t tr_limit_parse_time(struct tr_limit_date *date, const char *t)
{
	const __m128i head = _mm_loadu_si128((const __m128i *)(const void *)t);
	const __m128i tail = _mm_loadu_si128((const __m128i *)(const void *)(t + 7));
	/* yyyyMMddHHmm of the first load, ssSS of the second; its last digit is left over. */
	const __m128i digits =
		_mm_sub_epi8(_mm_or_si128(_mm_shuffle_epi8(head, _mm_setr_epi8(0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15,
									       -1, -1, -1, -1)),
					  _mm_shuffle_epi8(tail, _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
									       -1, -1, 10, 11, 13, 14))),
			     _mm_set1_epi8('0'));
	const __m128i pairs =
		_mm_maddubs_epi16(digits, _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1));
	const __m128i most = _mm_setr_epi16(99, 99, 12, 31, 23, 59, 59, 99);
	const __m128i least = _mm_setr_epi16(0, 0, 1, 1, 0, 0, 0, 0);
	const __m128i nines = _mm_set1_epi8(9);
	const __m128i good = _mm_and_si128(_mm_cmpeq_epi8(_mm_max_epu8(digits, nines), nines),
					   _mm_and_si128(_mm_cmpeq_epi16(_mm_max_epi16(pairs, most), most),
							 _mm_cmpeq_epi16(_mm_min_epi16(pairs, least), least)));
	const int marks = _mm_movemask_epi8(
		_mm_cmpeq_epi8(head, _mm_setr_epi8(0, 0, 0, 0, '-', 0, 0, '-', 0, 0, ' ', 0, 0, ':', 0, 0)));
	const uint32_t last = (uint32_t)(uint8_t)t[22] - '0';
	uint64_t low, high; /* pairs: year, month, day; hour, minute, second, hundredths */

	if (__builtin_expect(_mm_movemask_epi8(good) != 0xffff || (marks & 0x2490) != 0x2490 || t[16] != ':' ||
				     t[19] != '.' || last > 9,
			     0))
		return INT64_MIN;
	low = (uint64_t)_mm_cvtsi128_si64(pairs);
	high = (uint64_t)_mm_extract_epi64(pairs, 1);
	return tr_limit_date_ms(date, t, (uint32_t)(low & 0xffff) * 100 + (uint32_t)(low >> 16 & 0xffff),
				(uint32_t)(low >> 32 & 0xffff), (uint32_t)(low >> 48)) +
	       (int64_t)(((high & 0xffff) * 60 + (high >> 16 & 0xffff)) * 60000 + (high >> 32 & 0xffff) * 1000 +
			 (high >> 48) * 10 + last);
}

#else

/* Two digits each at text[0], [1] -> 0 .. 99, or >= 100 when they aren't digits. */
static inline uint32_t tr_limit_two_digits(const char *text)
{
	const uint32_t tens = (uint32_t)(uint8_t)text[0] - '0';
	const uint32_t ones = (uint32_t)(uint8_t)text[1] - '0';

	return tens > 9 || ones > 9 ? 1000 : tens * 10 + ones;
}

/** INT64_MIN if malformed. */
static inline int64_t tr_limit_parse_time(struct tr_limit_date *date, const char *t)
{
	const uint32_t year = tr_limit_two_digits(t) * 100 + tr_limit_two_digits(t + 2);
	const uint32_t month = tr_limit_two_digits(t + 5);
	const uint32_t day = tr_limit_two_digits(t + 8);
	const uint32_t hour = tr_limit_two_digits(t + 11);
	const uint32_t minute = tr_limit_two_digits(t + 14);
	const uint32_t second = tr_limit_two_digits(t + 17);
	const uint32_t ms = tr_limit_two_digits(t + 20) * 10 + ((uint32_t)(uint8_t)t[22] - '0');

	if (year > 9999 || month - 1 > 11 || day - 1 > 30 || hour > 23 || minute > 59 || second > 59 || ms > 999 ||
	    t[4] != '-' || t[7] != '-' || t[10] != ' ' || t[13] != ':' || t[16] != ':' || t[19] != '.')
		return INT64_MIN;
	return tr_limit_date_ms(date, t, year, month, day) + ((int64_t)hour * 60 + minute) * 60000 + second * 1000 + ms;
}

#endif

#endif
