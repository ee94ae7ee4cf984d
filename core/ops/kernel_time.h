/* SPDX-License-Identifier: Apache-2.0
 *
 * Units of time and arithmetic on points in time.
 */
#ifndef TR_CORE_OPS_KERNEL_TIME_H
#define TR_CORE_OPS_KERNEL_TIME_H

#include "core/ops/func_table.h"

enum tr_unit {
	TR_UNIT_NANOSECOND,
	TR_UNIT_MICROSECOND,
	TR_UNIT_MILLISECOND,
	TR_UNIT_SECOND,
	TR_UNIT_MINUTE,
	TR_UNIT_HOUR,
	TR_UNIT_DAY,
	TR_UNIT_WEEK,
	TR_UNIT_MONTH,
	TR_UNIT_QUARTER,
	TR_UNIT_YEAR,
	TR_UNIT_DECADE,
	TR_UNIT_CENTURY,
	TR_UNIT_MILLENNIUM,
	TR_UNIT_EPOCH,
	TR_UNIT_DOW,
	TR_UNIT_ISODOW,
	TR_UNIT_DOY,
	TR_UNIT_ISOYEAR,
	TR_UNIT_NONE, /* no such unit */
};

/** The unit of a name: "DAY", "SQL_TSI_DAY", "DAYOFWEEK"; any case. */
enum tr_unit tr_unit_of(const char *name, size_t length);

/** Adds months to a day; a day past the end of the month is its last day. */
int64_t tr_time_add_months(int64_t days, int64_t months);

/** Whole months from b to a, days and the time of the day (in any ticks) considered. */
int64_t tr_time_months_between(int64_t a_days, int64_t a_rest, int64_t b_days, int64_t b_rest);

/** The instant of a local time; of one that comes twice the second (standard time), as java.text.SimpleDateFormat. */
int64_t tr_time_standard_to_utc(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor,
				int64_t local_seconds);

/** The field of a local time: `days` since 1970-01-01 and nanoseconds of the day. */
int64_t tr_time_extract(enum tr_unit unit, int64_t days, int64_t nanos);

/** The first day of the unit (WEEK and longer) that the day lies in, and of the next one. */
int64_t tr_time_floor_days(enum tr_unit unit, int64_t days);
int64_t tr_time_next_days(enum tr_unit unit, int64_t floor_days);

#endif
