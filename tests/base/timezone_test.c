/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones against glibc's localtime_r and mktime, at random instants from 1900 to 2200 and around transitions.
 */
#include "tr_test.h"

#include <time.h>

#include "base/timezone.h"

static const char *const zones[] = {"Europe/Berlin",    "America/New_York",  "Asia/Kolkata",      "Australia/Lord_Howe",
				    "Pacific/Apia",     "America/Sao_Paulo", "Africa/Casablanca", "Europe/Dublin",
				    "Asia/Tehran",      "Antarctica/Troll",  "Pacific/Chatham",   "America/St_Johns",
				    "America/Santiago", "Asia/Shanghai"};

static void use_zone(const char *id)
{
	setenv("TZ", id, 1);
	tzset();
}

static void offsets_agree_with_localtime(void **state)
{
	uint64_t seed = 1;

	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		struct tr_timezone *zone;
		struct tr_timezone_cursor cursor = {0};

		assert_int_equal(tr_timezone_create(zones[z], &zone, NULL), TR_OK);
		assert_false(tr_timezone_is_utc(zone));
		use_zone(zones[z]);
		for (int i = 0; i < 20000; i++) {
			time_t t = (time_t)(tr_test_random(&seed) % UINT64_C(9467000000)) - 2200000000;
			struct tm tm;

			localtime_r(&t, &tm);
			if (tr_timezone_offset(zone, &cursor, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld", zones[z], (long long)t);
		}
		tr_timezone_destroy(&zone);
		assert_null(zone);
	}
	(void)state;
}

/** The java.time rule by brute force: of all instants whose local time is `local`, the earliest; in a gap, the one
 * that the offset before the gap gives. */
static int64_t local_by_search(int64_t local)
{
	int64_t best = INT64_MAX;
	time_t day_before = (time_t)local - 86400 * 2;
	struct tm tm;
	long before, last;

	/* All offsets in force within two days around: sampled every 15 minutes. */
	localtime_r(&day_before, &tm);
	before = last = tm.tm_gmtoff;
	for (time_t t = day_before; t < local + 86400 * 2; t += 900) {
		struct tm there;
		time_t candidate;

		localtime_r(&t, &there);
		candidate = (time_t)(local - there.tm_gmtoff);
		localtime_r(&candidate, &tm);
		if (candidate + tm.tm_gmtoff == local && candidate < best)
			best = candidate;
		if (there.tm_gmtoff != last && t - 900 + last < local)
			before = last;
		last = there.tm_gmtoff;
	}
	return best != INT64_MAX ? best : local - before;
}

static void local_times_agree_with_search(void **state)
{
	uint64_t seed = 2;

	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		struct tr_timezone *zone;
		struct tr_timezone_cursor cursor = {0};

		assert_int_equal(tr_timezone_create(zones[z], &zone, NULL), TR_OK);
		use_zone(zones[z]);
		for (int i = 0; i < 60; i++) {
			/* A transition after a random time, then local times around it. */
			time_t t = (time_t)(tr_test_random(&seed) % UINT64_C(2500000000));
			struct tr_timezone_cursor span = {0};

			(void)tr_timezone_offset(zone, &span, t);
			if (span.until == INT64_MAX)
				continue;
			for (int k = 0; k < 8; k++) {
				int64_t local = span.until + span.offset + (int64_t)tr_test_below(&seed, 14400) - 7200;
				int64_t got = tr_timezone_local_to_utc(zone, &cursor, local);
				int64_t expected = local_by_search(local);

				if (got != expected)
					fail_msg("%s: local %lld is %lld, not %lld", zones[z], (long long)local,
						 (long long)got, (long long)expected);
			}
		}
		tr_timezone_destroy(&zone);
	}
	(void)state;
}

static void fixed_offsets(void **state)
{
	static const struct {
		const char *id;
		int32_t offset;
	} cases[] = {{"UTC", 0},        {"Z", 0},        {"GMT", 0},       {"GMT+08:00", 28800}, {"UTC-03:30", -12600},
		     {"+8", 28800},     {"-08", -28800}, {"+0530", 19800}, {"UT+1", 3600},       {"+01:02:03", 3723},
		     {"+18:00", 64800}, {"GMT+0", 0}};
	static const char *const bad[] = {"",          "+",        "+19:00",        "GMT+8:0",
					  "GMT+08:60", "No/Where", "../etc/passwd", "/etc/localtime",
					  "+1:2:3:4",  "Europe/",  "posixrules\n"};
	struct tr_status st;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tr_timezone *zone;
		struct tr_timezone_cursor cursor = {0};

		assert_int_equal(tr_timezone_create(cases[i].id, &zone, NULL), TR_OK);
		assert_int_equal(tr_timezone_offset(zone, &cursor, 12345), cases[i].offset);
		assert_true(tr_timezone_is_utc(zone) == (cases[i].offset == 0));
		assert_true(tr_timezone_local_to_utc(zone, &cursor, 1000000) == 1000000 - cases[i].offset);
		assert_true(tr_timezone_to_local_ticks(zone, &cursor, -1, 1000) == -1 + cases[i].offset * 1000LL);
		assert_true(tr_timezone_to_utc_ticks(zone, &cursor, -1, 1000) == -1 - cases[i].offset * 1000LL);
		tr_timezone_destroy(&zone);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tr_timezone *zone;

		tr_status_clear(&st);
		assert_int_equal(tr_timezone_create(bad[i], &zone, &st), TR_ERR_DATA);
		assert_null(zone);
		assert_non_null(strstr(st.message, "time zone"));
	}
	assert_true(tr_timezone_is_utc(tr_timezone_utc()));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_agree_with_localtime),
		cmocka_unit_test(local_times_agree_with_search),
		cmocka_unit_test(fixed_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
