/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates and times against glibc's timegm and gmtime_r, and against texts that Java prints.
 */
#include "tr_test.h"

#include <time.h>

#include "base/calendar.h"
#include "base/text.h"

static void calendar_agrees_with_gmtime(void **state)
{
	uint64_t seed = 1;

	for (int i = 0; i < 500000; i++) {
		int64_t days = (int64_t)(tr_test_random(&seed) % 8000000) - 4000000;
		time_t seconds = (time_t)days * 86400;
		struct tr_civil civil = tr_calendar_civil(days);
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		assert_true(civil.year == tm.tm_year + 1900LL && civil.month == tm.tm_mon + 1 &&
			    civil.day == tm.tm_mday);
		assert_true(tr_calendar_days(civil.year, civil.month, civil.day) == days);
		assert_int_equal(tr_calendar_weekday(days) % 7, tm.tm_wday);
		assert_int_equal(tr_calendar_day_of_year(days), tm.tm_yday + 1);
		assert_in_range(civil.day, 1, tr_calendar_month_days(civil.year, civil.month));
	}
	(void)state;
}

static void timestamps_print_and_read_back(void **state)
{
	static const int64_t per_second[] = {1000, 1000000, 1000000000};
	uint64_t seed = 2;

	for (int i = 0; i < 200000; i++) {
		int64_t unit = per_second[tr_test_below(&seed, 3)];
		int64_t seconds = (int64_t)(tr_test_random(&seed) % UINT64_C(8000000000)) - 2000000000, back;
		int64_t ticks = seconds * unit + (int64_t)(tr_test_random(&seed) % (uint64_t)unit);
		char separator = tr_test_below(&seed, 2) ? 'T' : ' ';
		enum tr_text_clock clock = (enum tr_text_clock)tr_test_below(&seed, 4);
		char text[TR_TEXT_TIME_BYTES + 1], expected[64];
		time_t t = (time_t)seconds;
		struct tr_text_time time;
		struct tm tm;
		size_t length;

		if (tr_test_below(&seed, 4) == 0)
			ticks = seconds * unit;
		length = tr_text_put_timestamp(text, ticks, unit, separator, clock, 9);
		text[length] = '\0';
		gmtime_r(&t, &tm);
		strftime(expected, sizeof(expected), separator == 'T' ? "%Y-%m-%dT%H:%M" : "%Y-%m-%d %H:%M", &tm);
		assert_memory_equal(text, expected, 16);
		assert_int_equal(tr_text_parse_timestamp(
					 text, length, TR_TIME_NO_SECONDS | (separator == 'T' ? TR_TIME_T : 0), &time),
				 TR_TEXT_OK);
		assert_int_equal(tr_text_time_to_ticks(&time, unit, &back), TR_TEXT_OK);
		assert_true(back == ticks);
	}
	(void)state;
}

static const char *timestamp(int64_t ticks, int64_t unit, char separator, enum tr_text_clock clock, int digits)
{
	static char text[TR_TEXT_TIME_BYTES + 1];

	text[tr_text_put_timestamp(text, ticks, unit, separator, clock, digits)] = '\0';
	return text;
}

static void timestamps_print_as_java(void **state)
{
	const int64_t at = INT64_C(978310020000); /* 2001-01-01T00:47 */

	assert_string_equal(timestamp(at, 1000, 'T', TR_CLOCK_LOCAL, 0), "2001-01-01T00:47");
	assert_string_equal(timestamp(at + 1000, 1000, 'T', TR_CLOCK_LOCAL, 0), "2001-01-01T00:47:01");
	assert_string_equal(timestamp(at + 120, 1000, 'T', TR_CLOCK_LOCAL, 0), "2001-01-01T00:47:00.120");
	assert_string_equal(timestamp(at * 1000 + 120, 1000000, 'T', TR_CLOCK_LOCAL, 0), "2001-01-01T00:47:00.000120");
	assert_string_equal(timestamp(at * 1000000 + 1, 1000000000, 'T', TR_CLOCK_LOCAL, 0),
			    "2001-01-01T00:47:00.000000001");
	assert_string_equal(timestamp(at, 1000, 'T', TR_CLOCK_INSTANT, 0), "2001-01-01T00:47:00");
	assert_string_equal(timestamp(at, 1000, ' ', TR_CLOCK_DIGITS, 0), "2001-01-01 00:47:00");
	assert_string_equal(timestamp(at + 120, 1000, ' ', TR_CLOCK_DIGITS, 0), "2001-01-01 00:47:00.12");
	assert_string_equal(timestamp(at, 1000, ' ', TR_CLOCK_DIGITS, 3), "2001-01-01 00:47:00.000");
	assert_string_equal(timestamp(-1, 1000, ' ', TR_CLOCK_DIGITS, 3), "1969-12-31 23:59:59.999");
	assert_string_equal(timestamp(INT64_C(253402300800000), 1000, 'T', TR_CLOCK_LOCAL, 0), "+10000-01-01T00:00");
	assert_string_equal(timestamp(-INT64_C(62198755200000), 1000, 'T', TR_CLOCK_LOCAL, 0), "-0001-01-01T00:00");
	(void)state;
}

static void times_and_intervals(void **state)
{
	char text[TR_TEXT_TIME_BYTES + 1];

#define CHECK(call, expected)                        \
	do {                                         \
		text[call] = '\0';                   \
		assert_string_equal(text, expected); \
	} while (0)
	CHECK(tr_text_put_time(text, 37200000, TR_CLOCK_LOCAL, 0), "10:20");
	CHECK(tr_text_put_time(text, 37200000, TR_CLOCK_EXACT, 3), "10:20:00.000");
	CHECK(tr_text_put_time(text, 37230500, TR_CLOCK_LOCAL, 0), "10:20:30.500");
	CHECK(tr_text_put_time(text, 37230500, TR_CLOCK_DIGITS, 0), "10:20:30.5");
	CHECK(tr_text_put_interval_month(text, 14), "+1-02");
	CHECK(tr_text_put_interval_month(text, -25), "-2-01");
	CHECK(tr_text_put_interval_ms(text, 93784567), "+1 02:03:04.567");
	CHECK(tr_text_put_interval_ms(text, -1), "-0 00:00:00.001");
	CHECK(tr_text_put_interval_ms(text, INT64_MIN), "-106751991167 07:12:55.808");
	CHECK(tr_text_put_period(text, 14), "P14M");
	CHECK(tr_text_put_period(text, 0), "P0D");
	CHECK(tr_text_put_period(text, -13), "P-13M");
	CHECK(tr_text_put_duration(text, 93784500), "PT26H3M4.5S");
	CHECK(tr_text_put_duration(text, 0), "PT0S");
	CHECK(tr_text_put_duration(text, -500), "PT-0.5S");
	CHECK(tr_text_put_duration(text, 3600000), "PT1H");
	(void)state;
}

static int64_t ms_of(const char *text, unsigned flags)
{
	struct tr_text_time time;
	int64_t ticks;

	if (tr_text_parse_timestamp(text, strlen(text), flags, &time) != TR_TEXT_OK)
		return INT64_MIN;
	assert_int_equal(tr_text_time_to_ticks(&time, 1000, &ticks), TR_TEXT_OK);
	return ticks;
}

static void timestamp_flags(void **state)
{
	const int64_t at = INT64_C(978310020000);

	assert_true(ms_of("2001-01-01 00:47:00", 0) == at);
	assert_true(ms_of("2001-01-01 00:47:00.1", 0) == at + 100);
	assert_true(ms_of("2001-01-01 00:47:00.123456789", 0) == at + 123);
	assert_true(ms_of("2001-01-01T00:47:00", TR_TIME_T) == at);
	assert_true(ms_of("2001-01-01T00:47", TR_TIME_T | TR_TIME_NO_SECONDS) == at);
	assert_true(ms_of("2001-01-01 00:47:00Z", TR_TIME_Z) == at);
	assert_true(ms_of("2001-01-01T02:47:00+02:00", TR_TIME_T | TR_TIME_OFFSET) == at);
	assert_true(ms_of("2001-01-01T00:17:00-00:30", TR_TIME_T | TR_TIME_OFFSET_OPTIONAL) == at);
	assert_true(ms_of("2001-01-01T00:47:00", TR_TIME_T | TR_TIME_OFFSET_OPTIONAL) == at);
	assert_true(ms_of("2001-1-1 0:47:0", TR_TIME_CAST_TIMESTAMP) == at);
	assert_true(ms_of("2001-1-1 0:47", TR_TIME_CAST_TIMESTAMP) == INT64_MIN);
	assert_true(ms_of("2001-01-01T00:47:00", TR_TIME_CAST_TIMESTAMP) == INT64_MIN);
	assert_true(ms_of("2001", TR_TIME_CAST_TIMESTAMP) == INT64_MIN);
	assert_true(ms_of("2001-01-01", TR_TIME_CAST_TIMESTAMP) == at - 47 * 60000);
	assert_true(ms_of("1969-12-31 23:59:59.999", 0) == -1);
	assert_true(ms_of("2001-01-01 00:47", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01T00:47:00", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 00:47:00", TR_TIME_T) == INT64_MIN);
	assert_true(ms_of("2001-01-01 00:47:00", TR_TIME_Z) == INT64_MIN);
	assert_true(ms_of("2001-01-01 00:47:00Z", 0) == INT64_MIN);
	assert_true(ms_of("2001-02-29 00:00:00", 0) == INT64_C(983318400000));
	assert_true(ms_of("2001-02-31 00:00:00", 0) == INT64_C(983318400000));
	assert_true(ms_of("2001-02-32 00:00:00", 0) == INT64_MIN);
	assert_true(ms_of("2001-02-29 00:00:00", TR_TIME_STRICT) == INT64_MIN);
	assert_true(ms_of("2001-02-29T00:00:00", TR_TIME_T) == INT64_MIN);
	assert_true(ms_of("2000-02-29 00:00:00", 0) == INT64_C(951782400000));
	assert_true(ms_of("2001-13-01 00:00:00", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 24:00:00", 0) == at + (24 * 60 - 47) * 60000);
	assert_true(ms_of("2001-01-01 24:00:00.1", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 24:00:01", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 23:60:00", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 24:00:00", TR_TIME_STRICT) == INT64_MIN);
	assert_true(ms_of("2001-01-01T24:00:00", TR_TIME_T) == INT64_MIN);
	assert_true(ms_of("2001-01-01 00:00:60", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 00:47:00.1234567890", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01 00:47:00 ", 0) == INT64_MIN);
	assert_true(ms_of("", 0) == INT64_MIN);
	assert_true(ms_of("2001-01-01T02:47:00+25:00", TR_TIME_T | TR_TIME_OFFSET) == INT64_MIN);
	(void)state;
}

static void timestamp_range(void **state)
{
	struct tr_text_time time;
	int64_t ticks;

	assert_int_equal(tr_text_parse_timestamp("9999-12-31 23:59:59", 19, 0, &time), TR_TEXT_OK);
	assert_int_equal(tr_text_time_to_ticks(&time, 1000000, &ticks), TR_TEXT_OK);
	assert_int_equal(tr_text_time_to_ticks(&time, 1000000000, &ticks), TR_TEXT_RANGE);
	assert_int_equal(tr_text_parse_timestamp("+9999999999-12-31 23:59:59", 26, 0, &time), TR_TEXT_RANGE);
	(void)state;
}

static void dates(void **state)
{
	int32_t days;
	int64_t nanos;

	assert_int_equal(tr_text_parse_date("1970-01-02", 10, 0, &days), TR_TEXT_OK);
	assert_int_equal(days, 1);
	assert_int_equal(tr_text_parse_date("1970-1-2", 8, 0, &days), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_date("1970-1-2", 8, TR_TIME_SHORT_FIELDS, &days), TR_TEXT_OK);
	assert_int_equal(days, 1);
	assert_int_equal(tr_text_parse_date("1971", 4, TR_TIME_CAST_DATE, &days), TR_TEXT_OK);
	assert_int_equal(days, 365);
	assert_int_equal(tr_text_parse_date("1970-02", 7, TR_TIME_CAST_DATE, &days), TR_TEXT_OK);
	assert_int_equal(days, 31);
	assert_int_equal(tr_text_parse_date("1970-01-02 10:00:00", 19, TR_TIME_CAST_DATE, &days), TR_TEXT_OK);
	assert_int_equal(tr_text_parse_date("1970-01-02T10:00:00", 19, TR_TIME_CAST_DATE, &days), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_date("1970-01-02 10:00:00", 19, 0, &days), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_date("1970-02-30", 10, TR_TIME_CAST_DATE, &days), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_date("1970-02-30", 10, TR_TIME_ROLLS, &days), TR_TEXT_OK);
	assert_int_equal(days, 60);
	assert_int_equal(tr_text_parse_date("1970-02-32", 10, TR_TIME_ROLLS, &days), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_time("10:20:30.5", 10, 0, &nanos), TR_TEXT_OK);
	assert_true(nanos == INT64_C(37230500000000));
	assert_int_equal(tr_text_parse_time("10:20", 5, 0, &nanos), TR_TEXT_MALFORMED);
	assert_int_equal(tr_text_parse_time("10:20", 5, TR_TIME_NO_SECONDS, &nanos), TR_TEXT_OK);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calendar_agrees_with_gmtime),
		cmocka_unit_test(timestamps_print_and_read_back),
		cmocka_unit_test(timestamps_print_as_java),
		cmocka_unit_test(times_and_intervals),
		cmocka_unit_test(timestamp_flags),
		cmocka_unit_test(timestamp_range),
		cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
