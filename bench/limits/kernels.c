/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. -fwrapv is on, as in the engine: sums and products of integers wrap, as Java's do.
 */
#include "bench/limits/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/calendar.h"

#define MS_A_DAY INT64_C(86400000)
#define MS_AN_HOUR INT64_C(3600000)

/* NAME: out[r] = EXPRESSION for all rows. */
#define LOOP(NAME, TYPE, EXPRESSION)                                                                        \
	static void NAME(const struct tr_limit_input *restrict in, struct tr_limit_output *restrict output) \
	{                                                                                                   \
		TYPE *restrict out = output->columns[0];                                                    \
                                                                                                            \
		for (uint32_t r = 0; r < in->count; r++)                                                    \
			out[r] = (TYPE)(EXPRESSION);                                                        \
		output->rows = in->count;                                                                   \
	}

LOOP(add_int, int32_t, in->i[r] + in->j[r])
LOOP(mul_int, int32_t, in->i[r] * in->j[r])
LOOP(add_bigint, int64_t, in->a[r] + in->b[r])
LOOP(sub_bigint, int64_t, in->a[r] - in->b[r])
LOOP(mul_bigint, int64_t, in->a[r] * in->b[r])
LOOP(div_bigint, int64_t, in->a[r] / in->b[r])
LOOP(mod_bigint, int64_t, in->a[r] % in->b[r])
LOOP(mod_constant, int32_t, in->a[r] % 123)
LOOP(neg_bigint, int64_t, -in->a[r])
LOOP(abs_bigint, int64_t, in->a[r] < 0 ? -in->a[r] : in->a[r])
LOOP(add_double, double, in->x[r] + in->y[r])
LOOP(mul_double, double, in->x[r] * in->y[r])
LOOP(div_double, double, in->x[r] / in->y[r])
LOOP(sqrt_double, double, sqrt(in->x[r]))
LOOP(add_decimal, int64_t, in->p[r] + in->q[r])
LOOP(mul_decimal, tr_i128, (tr_i128)in->p[r] * in->q[r])
LOOP(eq_int, uint8_t, in->i[r] == in->j[r])
LOOP(lt_int, uint8_t, in->i[r] < in->j[r])
LOOP(eq_bigint, uint8_t, in->a[r] == in->b[r])
LOOP(lt_bigint, uint8_t, in->a[r] < in->b[r])
LOOP(lt_double, uint8_t, in->x[r] < in->y[r])
LOOP(lt_decimal, uint8_t, in->p[r] < in->q[r])
LOOP(lt_time, uint8_t, in->ts[r] < INT64_C(1704100000000))
LOOP(eq_text, uint8_t, in->s[r].length == 6 && memcmp(in->s[r].inlined, "Google", 6) == 0)
LOOP(between, uint8_t, in->a[r] >= 1000 && in->a[r] <= 500000)
LOOP(cast_int_bigint, int64_t, in->i[r])
LOOP(cast_bigint_int, int32_t, in->a[r])
LOOP(cast_int_double, double, in->i[r])
LOOP(cast_bigint_double, double, in->a[r])
LOOP(cast_double_bigint, int64_t, in->x[r])
LOOP(cast_double_int, int32_t, in->x[r])
LOOP(cast_bigint_decimal, int64_t, in->a[r] * 100)
LOOP(cast_decimal_double, double, (double)in->p[r] / 100)
LOOP(cast_decimal_bigint, int64_t, in->p[r] / 100)
LOOP(cast_timestamp_date, int32_t, in->ts[r] / MS_A_DAY)
LOOP(hour, int64_t, in->ts[r] % MS_A_DAY / MS_AN_HOUR)
LOOP(minute, int64_t, in->ts[r] % MS_AN_HOUR / 60000)
LOOP(year, int64_t, tr_calendar_civil(in->ts[r] / MS_A_DAY).year)
LOOP(month, int64_t, tr_calendar_civil(in->ts[r] / MS_A_DAY).month)
LOOP(day, int64_t, tr_calendar_civil(in->ts[r] / MS_A_DAY).day)
LOOP(day_of_week, int64_t, (in->ts[r] / MS_A_DAY + 4) % 7 + 1)
LOOP(floor_hour, int64_t, in->ts[r] / MS_AN_HOUR * MS_AN_HOUR)
LOOP(floor_day, int64_t, in->ts[r] / MS_A_DAY * MS_A_DAY)
LOOP(add_hour, int64_t, in->ts[r] + MS_AN_HOUR)
LOOP(diff_hours, int32_t, (in->ts[r] - INT64_C(1577836800000)) / MS_AN_HOUR)

static int64_t first_of_month(int64_t ms)
{
	const int64_t days = ms / MS_A_DAY;

	return (days - tr_calendar_civil(days).day + 1) * MS_A_DAY;
}

LOOP(floor_month, int64_t, first_of_month(in->ts[r]))

static void cast_bigint_text(const struct tr_limit_input *in, struct tr_limit_output *output)
{
	struct tr_view *out = output->columns[0];
	char text[24];

	for (uint32_t r = 0; r < in->count; r++)
		out[r] = tr_view_make(text, (uint32_t)snprintf(text, sizeof(text), "%" PRId64, in->a[r]));
	output->rows = in->count;
}

static void cast_text_bigint(const struct tr_limit_input *in, struct tr_limit_output *output)
{
	int64_t *out = output->columns[0];
	char text[24];

	for (uint32_t r = 0; r < in->count; r++) {
		memcpy(text, in->n[r].inlined, in->n[r].length);
		text[in->n[r].length] = '\0';
		out[r] = strtoll(text, NULL, 10);
	}
	output->rows = in->count;
}

static void date_format(const struct tr_limit_input *in, struct tr_limit_output *output)
{
	struct tr_view *out = output->columns[0];
	char text[64];

	for (uint32_t r = 0; r < in->count; r++) {
		const struct tr_civil civil = tr_calendar_civil(in->ts[r] / MS_A_DAY);

		out[r] = tr_view_make(text, (uint32_t)snprintf(text, sizeof(text), "%04d-%02d-%02d", (int)civil.year,
							       civil.month, civil.day));
	}
	output->rows = in->count;
}

const struct tr_limit_kernel tr_limit_kernels[] = {
	{"kernel-add-int", "i + j", add_int, 1},
	{"kernel-mul-int", "i * j", mul_int, 1},
	{"kernel-add-bigint", "a + b", add_bigint, 1},
	{"kernel-sub-bigint", "a - b", sub_bigint, 1},
	{"kernel-mul-bigint", "a * b", mul_bigint, 1},
	{"kernel-div-bigint", "a / b", div_bigint, 1},
	{"kernel-mod-bigint", "a % b", mod_bigint, 1},
	{"kernel-mod-constant", "MOD(a, 123)", mod_constant, 1},
	{"kernel-neg-bigint", "-a", neg_bigint, 1},
	{"kernel-abs-bigint", "ABS(a)", abs_bigint, 1},
	{"kernel-add-double", "x + y", add_double, 1},
	{"kernel-mul-double", "x * y", mul_double, 1},
	{"kernel-div-double", "x / y", div_double, 1},
	{"kernel-sqrt-double", "SQRT(x)", sqrt_double, 1},
	{"kernel-add-decimal", "p + q", add_decimal, 1},
	{"kernel-mul-decimal", "p * q", mul_decimal, 1},
	{"kernel-eq-int", "i = j", eq_int, 1},
	{"kernel-lt-int", "i < j", lt_int, 1},
	{"kernel-eq-bigint", "a = b", eq_bigint, 1},
	{"kernel-lt-bigint", "a < b", lt_bigint, 1},
	{"kernel-lt-double", "x < y", lt_double, 1},
	{"kernel-lt-decimal", "p < q", lt_decimal, 1},
	{"kernel-lt-timestamp", "ts < TIMESTAMP '2024-01-01 09:06:40'", lt_time, 1},
	{"kernel-eq-text", "s = 'Google'", eq_text, 1},
	{"kernel-between", "a BETWEEN 1000 AND 500000", between, 1},
	{"kernel-int-to-bigint", "CAST(i AS BIGINT)", cast_int_bigint, 1},
	{"kernel-bigint-to-int", "CAST(a AS INT)", cast_bigint_int, 1},
	{"kernel-int-to-double", "CAST(i AS DOUBLE)", cast_int_double, 1},
	{"kernel-bigint-to-double", "CAST(a AS DOUBLE)", cast_bigint_double, 1},
	{"kernel-double-to-bigint", "CAST(x AS BIGINT)", cast_double_bigint, 1},
	{"kernel-double-to-int", "CAST(x AS INT)", cast_double_int, 1},
	{"kernel-bigint-to-decimal", "CAST(a AS DECIMAL(18, 2))", cast_bigint_decimal, 1},
	{"kernel-decimal-to-double", "CAST(p AS DOUBLE)", cast_decimal_double, 1},
	{"kernel-decimal-to-bigint", "CAST(p AS BIGINT)", cast_decimal_bigint, 1},
	{"kernel-bigint-to-text", "CAST(a AS STRING)", cast_bigint_text, 1},
	{"kernel-text-to-bigint", "CAST(n AS BIGINT)", cast_text_bigint, 1},
	{"kernel-timestamp-to-date", "CAST(ts AS DATE)", cast_timestamp_date, 1},
	{"kernel-hour", "HOUR(ts)", hour, 1},
	{"kernel-minute", "MINUTE(ts)", minute, 1},
	{"kernel-year", "YEAR(ts)", year, 1},
	{"kernel-month", "MONTH(ts)", month, 1},
	{"kernel-day", "DAYOFMONTH(ts)", day, 1},
	{"kernel-day-of-week", "DAYOFWEEK(ts)", day_of_week, 1},
	{"kernel-floor-hour", "FLOOR(ts TO HOUR)", floor_hour, 1},
	{"kernel-floor-day", "FLOOR(ts TO DAY)", floor_day, 1},
	{"kernel-floor-month", "FLOOR(ts TO MONTH)", floor_month, 1},
	{"kernel-add-hour", "ts + INTERVAL '1' HOUR", add_hour, 1},
	{"kernel-diff-hours", "TIMESTAMPDIFF(HOUR, TIMESTAMP '2020-01-01 00:00:00', ts)", diff_hours, 1},
	{"kernel-date-format", "DATE_FORMAT(ts, 'yyyy-MM-dd')", date_format, 1},
	{"nexmark-q14",
	 "0.908 * a, CASE WHEN HOUR(ts) >= 8 AND HOUR(ts) <= 18 THEN 'dayTime' WHEN HOUR(ts) <= 6 OR HOUR(ts) >= 20 "
	 "THEN 'nightTime' ELSE 'otherTime' END, ts, extra, REGEXP_COUNT(extra, 'c') FROM b "
	 "WHERE 0.908 * a > 1000000 AND 0.908 * a < 50000000",
	 tr_limit_q14, 5},
	{"nexmark-q21",
	 "a, s, CASE WHEN LOWER(s) = 'apple' THEN '0' WHEN LOWER(s) = 'google' THEN '1' WHEN LOWER(s) = 'facebook' "
	 "THEN '2' WHEN LOWER(s) = 'baidu' THEN '3' ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) END "
	 "FROM b WHERE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) IS NOT NULL "
	 "OR LOWER(s) IN ('apple', 'google', 'facebook', 'baidu')",
	 tr_limit_q21, 3},
	{"nexmark-q22", "a, SPLIT_INDEX(url, '/', 3), SPLIT_INDEX(url, '/', 4), SPLIT_INDEX(url, '/', 5) FROM b",
	 tr_limit_q22, 4},
	{.name = NULL},
};
