/* SPDX-License-Identifier: Apache-2.0
 *
 * 'yyyy-MM-dd HH:mm:ss.SSS' to milliseconds, for the bars: fixed width.
 *
 * Rows of a stream are close in time, so the text of the last minute is kept beside its number: sixteen bytes are
 * compared at once, and the seconds are five digits out of eight bytes (pext drops what stands between them).
 */
#ifndef TR_BENCH_LIMITS_PARSE_H
#define TR_BENCH_LIMITS_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __BMI2__
#include <immintrin.h>
#endif

#define TR_LIMIT_TIME_LENGTH 23

/** The last minute read; zero-initialise. */
struct tr_limit_minute {
	char text[16]; /* "yyyy-MM-dd HH:mm" */
	int64_t ms;
};

/* Two digits each at text[0], [1] -> 0 .. 99, or >= 100 when they aren't digits. */
static inline uint32_t tr_limit_two_digits(const char *text)
{
	const uint32_t tens = (uint32_t)(uint8_t)text[0] - '0';
	const uint32_t ones = (uint32_t)(uint8_t)text[1] - '0';

	return tens > 9 || ones > 9 ? 1000 : tens * 10 + ones;
}

/* Days by the civil-calendar formula with March as the first month. */
static __attribute__((noinline, unused)) bool tr_limit_read_minute(const char *t, struct tr_limit_minute *minute)
{
	static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const uint32_t year = tr_limit_two_digits(t) * 100 + tr_limit_two_digits(t + 2);
	const uint32_t month = tr_limit_two_digits(t + 5);
	const uint32_t day = tr_limit_two_digits(t + 8);
	const uint32_t hour = tr_limit_two_digits(t + 11);
	const uint32_t min = tr_limit_two_digits(t + 14);
	const int64_t y = (int64_t)year - (month <= 2);
	const uint32_t shifted = month > 2 ? month - 3 : month + 9;
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t year_of_era = y - era * 400;
	const int64_t day_of_year = (153 * (int64_t)shifted + 2) / 5 + (int64_t)day - 1;
	const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	const int64_t days = era * 146097 + day_of_era - 719468;
	const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (year > 9999 || month - 1 > 11 || hour > 23 || min > 59 || t[4] != '-' || t[7] != '-' || t[10] != ' ' ||
	    t[13] != ':' || day - 1 >= month_days[month - 1] + (month == 2 && is_leap ? 1u : 0u))
		return false;
	memcpy(minute->text, t, sizeof(minute->text));
	minute->ms = ((days * 24 + hour) * 60 + min) * 60000;
	return true;
}

/* The minute of `t` is the cached one afterwards; false if it is malformed. */
static inline bool tr_limit_minute_at(const char *t, struct tr_limit_minute *minute)
{
	uint64_t a[2], b[2];

	memcpy(a, t, 16);
	memcpy(b, minute->text, 16);
	if (__builtin_expect(((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0, 1))
		return true;
	return tr_limit_read_minute(t, minute);
}

/* ":ss.SSS" (and the byte before) to the text of its five digits in the low bytes; false if ':' or '.' is missing. */
static inline bool tr_limit_second_digits(const char *t, uint64_t *digits)
{
	uint64_t word;

	memcpy(&word, t + 15, 8);
#ifdef __BMI2__
	*digits = _pext_u64(word, UINT64_C(0xffffff00ffff0000));
#else
	*digits = (word >> 16 & 0xffff) | (word >> 40) << 16;
#endif
	return (word & UINT64_C(0x000000ff0000ff00)) == UINT64_C(0x0000002e00003a00);
}

/** 1 to 8 digits in the low bytes of `word`, whatever stands above them, to a number; false if one is none. */
static inline bool tr_limit_digits(uint64_t word, unsigned length, uint64_t *value)
{
	uint64_t v = (word ^ UINT64_C(0x3030303030303030)) << (64 - 8 * length);
	const bool is_good = (((v + UINT64_C(0x7676767676767676)) | v) & UINT64_C(0x8080808080808080)) == 0;

	v = v * 10 + (v >> 8);
	*value = ((v & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
		  (v >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
		 32;
	return is_good;
}

/** INT64_MIN if malformed. */
static inline int64_t tr_limit_parse_time(const char *t, struct tr_limit_minute *minute)
{
	uint64_t digits, ms;

	if (!tr_limit_minute_at(t, minute) || !tr_limit_second_digits(t, &digits) || !tr_limit_digits(digits, 5, &ms) ||
	    ms >= 60000)
		return INT64_MIN;
	return minute->ms + (int64_t)ms;
}

#endif
