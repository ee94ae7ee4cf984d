/* SPDX-License-Identifier: Apache-2.0
 *
 * Calendar: days since 1970-01-01 and the proleptic Gregorian calendar, both ways, without branches on the month.
 *
 * The year is taken to begin in March, so that the leap day is its last day; 400 years are 146,097 days. (Howard
 * Hinnant, "chrono-compatible low-level date algorithms".) All int32 days and years that fit are handled.
 */
#ifndef TR_BASE_CALENDAR_H
#define TR_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define TR_SECONDS_PER_DAY 86400
#define TR_MS_PER_DAY INT64_C(86400000)

struct tr_civil {
	int64_t year;
	int month; /* 1..12 */
	int day;   /* 1..31 */
};

/** Days since 1970-01-01 of a date; the month may be 1..12, the day any small number. */
static inline int64_t tr_calendar_days(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static inline struct tr_civil tr_calendar_civil(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	uint32_t day_of_era = (uint32_t)(z - era * 146097);
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t m = (5 * day_of_year + 2) / 153;
	struct tr_civil civil;

	civil.day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
	civil.month = (int)(m < 10 ? m + 3 : m - 9);
	civil.year = (int64_t)year_of_era + era * 400 + (civil.month <= 2);
	return civil;
}

static inline bool tr_calendar_is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/** 28..31; month 1..12. */
static inline int tr_calendar_month_days(int64_t year, int month)
{
	return month == 2 ? 28 + tr_calendar_is_leap(year) : 30 + ((month + (month >> 3)) & 1);
}

/** 1 (Monday) .. 7 (Sunday), as ISO counts. */
static inline int tr_calendar_weekday(int64_t days) { return (int)(((days + 3) % 7 + 7) % 7) + 1; }

/** 1..366. */
static inline int tr_calendar_day_of_year(int64_t days)
{
	return (int)(days - tr_calendar_days(tr_calendar_civil(days).year, 1, 1)) + 1;
}

/** Quotient towards minus infinity; the divisor is positive. */
static inline int64_t tr_floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/** Remainder 0 .. b - 1. */
static inline int64_t tr_floor_mod(int64_t a, int64_t b)
{
	int64_t r = a % b;

	return r < 0 ? r + b : r;
}

#endif
