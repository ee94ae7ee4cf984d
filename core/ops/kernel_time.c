/* SPDX-License-Identifier: Apache-2.0
 *
 * Calendar arithmetic for EXTRACT, TIMESTAMPADD, TIMESTAMPDIFF, FLOOR and CEIL.
 */
#include "core/ops/kernel_time.h"

#include <strings.h>

#include "base/calendar.h"
#include "base/timezone.h"

#define CHANGE_SECONDS_MAX (3 * 3600) /* the longest step of a clock at a change of summer time, and a little */

enum tr_unit tr_unit_of(const char *name, size_t length)
{
	static const struct {
		const char *name;
		enum tr_unit unit;
	} units[] = {
		{"NANOSECOND", TR_UNIT_NANOSECOND},
		{"MICROSECOND", TR_UNIT_MICROSECOND},
		{"MILLISECOND", TR_UNIT_MILLISECOND},
		{"SECOND", TR_UNIT_SECOND},
		{"MINUTE", TR_UNIT_MINUTE},
		{"HOUR", TR_UNIT_HOUR},
		{"DAY", TR_UNIT_DAY},
		{"DAYOFMONTH", TR_UNIT_DAY},
		{"WEEK", TR_UNIT_WEEK},
		{"MONTH", TR_UNIT_MONTH},
		{"QUARTER", TR_UNIT_QUARTER},
		{"YEAR", TR_UNIT_YEAR},
		{"DECADE", TR_UNIT_DECADE},
		{"CENTURY", TR_UNIT_CENTURY},
		{"MILLENNIUM", TR_UNIT_MILLENNIUM},
		{"EPOCH", TR_UNIT_EPOCH},
		{"DOW", TR_UNIT_DOW},
		{"DAYOFWEEK", TR_UNIT_DOW},
		{"ISODOW", TR_UNIT_ISODOW},
		{"DOY", TR_UNIT_DOY},
		{"DAYOFYEAR", TR_UNIT_DOY},
		{"ISOYEAR", TR_UNIT_ISOYEAR},
	};
	static const char prefix[] = "SQL_TSI_";

	if (length > sizeof(prefix) - 1 && strncasecmp(name, prefix, sizeof(prefix) - 1) == 0) {
		name += sizeof(prefix) - 1;
		length -= sizeof(prefix) - 1;
	}
	for (size_t i = 0; i < TR_COUNT_OF(units); i++)
		if (strlen(units[i].name) == length && strncasecmp(units[i].name, name, length) == 0)
			return units[i].unit;
	return TR_UNIT_NONE;
}

int64_t tr_time_add_months(int64_t days, int64_t months)
{
	struct tr_civil civil = tr_calendar_civil(days);
	int64_t total = civil.year * 12 + civil.month - 1 + months;
	int64_t year = tr_floor_div(total, 12);
	int month = (int)tr_floor_mod(total, 12) + 1;

	return tr_calendar_days(year, month, TR_MIN(civil.day, tr_calendar_month_days(year, month)));
}

int64_t tr_time_months_between(int64_t a_days, int64_t a_rest, int64_t b_days, int64_t b_rest)
{
	struct tr_civil a, b;
	int64_t months, reached;

	if (a_days < b_days || (a_days == b_days && a_rest < b_rest))
		return -tr_time_months_between(b_days, b_rest, a_days, a_rest);
	a = tr_calendar_civil(a_days);
	b = tr_calendar_civil(b_days);
	months = (a.year - b.year) * 12 + a.month - b.month;
	reached = tr_time_add_months(b_days, months);
	if (reached > a_days || (reached == a_days && b_rest > a_rest))
		months--;
	return months;
}

/* The Monday of the ISO week that the day lies in. */
static int64_t monday_of(int64_t days) { return days - (tr_calendar_weekday(days) - 1); }

/* The ISO year of a day is the year of its week's Thursday. */
static int64_t iso_year(int64_t days) { return tr_calendar_civil(monday_of(days) + 3).year; }

static int64_t iso_week(int64_t days)
{
	int64_t thursday = monday_of(days) + 3;

	return (thursday - tr_calendar_days(tr_calendar_civil(thursday).year, 1, 1)) / 7 + 1;
}

static int64_t years_part(int64_t year, int64_t span)
{
	return year > 0 ? (year + span - 1) / span : (year - span + 1) / span;
}

int64_t tr_time_extract(enum tr_unit unit, int64_t days, int64_t nanos)
{
	struct tr_civil civil = tr_calendar_civil(days);

	switch (unit) {
	case TR_UNIT_NANOSECOND: /* of the second, as the two below */ return nanos % 1000000000;
	case TR_UNIT_MICROSECOND: return nanos % 1000000000 / 1000;
	case TR_UNIT_MILLISECOND: return nanos % 1000000000 / 1000000;
	case TR_UNIT_SECOND: return nanos / 1000000000 % 60;
	case TR_UNIT_MINUTE: return nanos / 60000000000 % 60;
	case TR_UNIT_HOUR: return nanos / 3600000000000;
	case TR_UNIT_DAY: return civil.day;
	case TR_UNIT_WEEK: return iso_week(days);
	case TR_UNIT_MONTH: return civil.month;
	case TR_UNIT_QUARTER: return (civil.month + 2) / 3;
	case TR_UNIT_YEAR: return civil.year;
	case TR_UNIT_DECADE: return civil.year / 10;
	case TR_UNIT_CENTURY: return years_part(civil.year, 100);
	case TR_UNIT_MILLENNIUM: return years_part(civil.year, 1000);
	case TR_UNIT_EPOCH: return days * TR_SECONDS_PER_DAY + nanos / 1000000000;
	case TR_UNIT_DOW: return tr_calendar_weekday(days) % 7 + 1;
	case TR_UNIT_ISODOW: return tr_calendar_weekday(days);
	case TR_UNIT_DOY: return tr_calendar_day_of_year(days);
	case TR_UNIT_ISOYEAR: return iso_year(days);
	case TR_UNIT_NONE: break;
	}
	TR_UNREACHABLE();
}

int64_t tr_time_floor_days(enum tr_unit unit, int64_t days)
{
	struct tr_civil civil = tr_calendar_civil(days);
	int64_t span = unit == TR_UNIT_DECADE ? 10 : unit == TR_UNIT_CENTURY ? 100 : 1000;

	switch (unit) {
	case TR_UNIT_DAY: return days;
	case TR_UNIT_WEEK: /* weeks begin on Sunday */ return days - tr_calendar_weekday(days) % 7;
	case TR_UNIT_MONTH: return tr_calendar_days(civil.year, civil.month, 1);
	case TR_UNIT_QUARTER: return tr_calendar_days(civil.year, (civil.month - 1) / 3 * 3 + 1, 1);
	case TR_UNIT_YEAR: return tr_calendar_days(civil.year, 1, 1);
	case TR_UNIT_DECADE: return tr_calendar_days(tr_floor_div(civil.year, 10) * 10, 1, 1);
	default: /* centuries and millennia begin with the year 1 */
		return tr_calendar_days(tr_floor_div(civil.year - 1, span) * span + 1, 1, 1);
	}
}

int64_t tr_time_next_days(enum tr_unit unit, int64_t floor_days)
{
	switch (unit) {
	case TR_UNIT_DAY: return floor_days + 1;
	case TR_UNIT_WEEK: return floor_days + 7;
	case TR_UNIT_MONTH: return tr_time_add_months(floor_days, 1);
	case TR_UNIT_QUARTER: return tr_time_add_months(floor_days, 3);
	case TR_UNIT_YEAR: return tr_time_add_months(floor_days, 12);
	case TR_UNIT_DECADE: return tr_time_add_months(floor_days, 120);
	case TR_UNIT_CENTURY: return tr_time_add_months(floor_days, 1200);
	default: return tr_time_add_months(floor_days, 12000);
	}
}

int64_t tr_time_standard_to_utc(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t local_seconds)
{
	const int64_t first = tr_timezone_local_to_utc(zone, cursor, local_seconds);
	const int64_t second = local_seconds - tr_timezone_offset(zone, cursor, first + CHANGE_SECONDS_MAX);

	if (second > first && second + tr_timezone_offset(zone, cursor, second) == local_seconds)
		return second;
	return first;
}
