/* SPDX-License-Identifier: Apache-2.0
 *
 * 'yyyy-MM-dd HH:mm:ss.SSS' to milliseconds, for the bars: fixed width, eight digits at a time.
 */
#ifndef TR_BENCH_LIMITS_PARSE_H
#define TR_BENCH_LIMITS_PARSE_H

#include <stdint.h>
#include <string.h>

#define TR_LIMIT_TIME_LENGTH 23

/* Two digits each at text[0], [1] -> 0 .. 99, or >= 100 when they aren't digits. */
static inline uint32_t tr_limit_two_digits(const char *text)
{
	const uint32_t tens = (uint32_t)(uint8_t)text[0] - '0';
	const uint32_t ones = (uint32_t)(uint8_t)text[1] - '0';

	return tens > 9 || ones > 9 ? 1000 : tens * 10 + ones;
}

/** INT64_MIN if malformed. Days by the civil-calendar formula with March as the first month. */
static inline int64_t tr_limit_parse_time(const char *t)
{
	const uint32_t year = tr_limit_two_digits(t) * 100 + tr_limit_two_digits(t + 2);
	const uint32_t month = tr_limit_two_digits(t + 5);
	const uint32_t day = tr_limit_two_digits(t + 8);
	const uint32_t hour = tr_limit_two_digits(t + 11);
	const uint32_t minute = tr_limit_two_digits(t + 14);
	const uint32_t second = tr_limit_two_digits(t + 17);
	const uint32_t ms = tr_limit_two_digits(t + 20) * 10 + ((uint32_t)(uint8_t)t[22] - '0');
	const int64_t y = (int64_t)year - (month <= 2);
	const uint32_t shifted = month > 2 ? month - 3 : month + 9;
	const int64_t era = y / 400;
	const int64_t year_of_era = y - era * 400;
	const int64_t day_of_year = (153 * (int64_t)shifted + 2) / 5 + (int64_t)day - 1;
	const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	const int64_t days = era * 146097 + day_of_era - 719468;

	if (year > 9999 || month - 1 > 11 || day - 1 > 30 || hour > 23 || minute > 59 || second > 59 || ms > 999 ||
	    t[4] != '-' || t[7] != '-' || t[10] != ' ' || t[13] != ':' || t[16] != ':' || t[19] != '.')
		return INT64_MIN;
	return ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000 + ms;
}

#endif
