/* SPDX-License-Identifier: Apache-2.0
 *
 * The dense kernels of each instruction set that the machine has, against plain functions of one value: random values, and those at
 * the edges of the types. Where a kernel may refuse, it must refuse when a value is out of range, and must not otherwise.
 */
#include <float.h>
#include <math.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/cpu.h"
#include "core/ops/kernel_dense.h"
#include "tr_test.h"

#define ROWS 300u /* more than a block, not a multiple of a vector */

static const int64_t units[] = {10, 1000, 60000, 3600000, 86400000, 604800000, INT64_C(86400000000000)};

static uint64_t state = 7;

static int64_t draw(uint32_t i, bool is_near)
{
	static const int64_t edges[] = {
		0,         1,         -1,       INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1,
		INT32_MAX, INT32_MIN, 86399999, -86400000, 86400000,  -1000,         999};
	const int64_t value = (int64_t)tr_test_random(&state);

	if (is_near)
		return value >> 14;
	return i < TR_COUNT_OF(edges) ? edges[i] : i % 3 == 0 ? value : value >> (value & 63);
}

static void fill(int64_t *in, bool is_near)
{
	for (uint32_t i = 0; i < ROWS; i++)
		in[i] = draw(i, is_near);
}

static int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t rest_of(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }

/* Java's (int) and (long). */
static int64_t java_integer(double x, double low, double high, int64_t least, int64_t most)
{
	return x != x ? 0 : x <= low ? least : x >= high ? most : (int64_t)x;
}

static void check_conversions(const struct tr_kernel_dense *k)
{
	int64_t in[ROWS], wide[ROWS];
	int32_t narrow[ROWS], from32[ROWS];
	int16_t small[ROWS];
	double doubles[ROWS], out[ROWS];
	float floats[ROWS];

	for (int round = 0; round < 2; round++) {
		fill(in, round == 1);
		for (uint32_t i = 0; i < ROWS; i++) {
			static const double edges[] = {NAN,    INFINITY, -INFINITY,    0x1p63, -0x1p63,
						       0x1p31, -0x1p31,  2147483647.5, -0.5};

			from32[i] = (int32_t)in[i];
			doubles[i] = round == 0 && i < TR_COUNT_OF(edges) ? edges[i] : (double)in[i] / 1000;
			floats[i] = (float)doubles[i];
		}
		k->convert[TR_NUMBER_I64][TR_NUMBER_I32](narrow, in, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(narrow[i], (int32_t)in[i]);
		k->convert[TR_NUMBER_I32][TR_NUMBER_I64](wide, from32, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(wide[i], from32[i]);
		k->convert[TR_NUMBER_I64][TR_NUMBER_F64](out, in, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_true(out[i] == (double)in[i]);
		k->convert[TR_NUMBER_F64][TR_NUMBER_I64](wide, doubles, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(wide[i], java_integer(doubles[i], -0x1p63, 0x1p63, INT64_MIN, INT64_MAX));
		k->convert[TR_NUMBER_F64][TR_NUMBER_I32](narrow, doubles, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(narrow[i], java_integer(doubles[i], -0x1p31, 0x1p31, INT32_MIN, INT32_MAX));
		k->convert[TR_NUMBER_F32][TR_NUMBER_I32](narrow, floats, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(narrow[i],
					 java_integer((double)floats[i], -0x1p31, 0x1p31, INT32_MIN, INT32_MAX));
		k->convert[TR_NUMBER_F64][TR_NUMBER_I16](small, doubles, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(small[i],
					 (int16_t)java_integer(doubles[i], -0x1p31, 0x1p31, INT32_MIN, INT32_MAX));
		k->absolute_i64(wide, in, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(wide[i], in[i] < 0 ? (int64_t)(0 - (uint64_t)in[i]) : in[i]);
	}
}

/* One value that does not fit among others that do, in a whole vector and in the rows behind the last of those. */
static void check_lone_edges(const struct tr_kernel_dense *k)
{
	static const double edges[] = {NAN,           INFINITY,      -INFINITY, 0x1p63,
				       -0x1p63,       -0x1.8p63,     0x1p31,    2147483647.5,
				       -2147483648.0, -2147483649.0, -0x1p31,   0x1.fffffffffffffp62};
	static const uint32_t places[] = {0, 9, 255, ROWS - 1};
	double in[ROWS];
	int64_t wide[ROWS];
	int32_t narrow[ROWS];

	for (size_t e = 0; e < TR_COUNT_OF(edges); e++)
		for (size_t p = 0; p < TR_COUNT_OF(places); p++) {
			for (uint32_t i = 0; i < ROWS; i++)
				in[i] = i == places[p] ? edges[e] : (double)i - 100.75;
			k->convert[TR_NUMBER_F64][TR_NUMBER_I64](wide, in, ROWS);
			k->convert[TR_NUMBER_F64][TR_NUMBER_I32](narrow, in, ROWS);
			for (uint32_t i = 0; i < ROWS; i++) {
				assert_int_equal(wide[i], java_integer(in[i], -0x1p63, 0x1p63, INT64_MIN, INT64_MAX));
				assert_int_equal(narrow[i], java_integer(in[i], -2147483648.0, 2147483647.0, INT32_MIN,
									 INT32_MAX));
			}
		}
}

static void check_decimals(const struct tr_kernel_dense *k)
{
	int64_t a[ROWS], b[ROWS], out[ROWS];
	double quotients[ROWS];

	for (int round = 0; round < 40; round++) {
		const int64_t limit = round % 2 == 0 ? INT64_MAX : INT64_C(9999999999999999);
		bool fits = true, is_exact = true;

		fill(a, round % 4 >= 2);
		fill(b, round % 4 >= 2);
		for (uint32_t i = 0; i < ROWS; i++) {
			fits = fits && a[i] >= -limit && a[i] <= limit;
			is_exact = is_exact && a[i] < INT64_C(1) << 53 && a[i] > -(INT64_C(1) << 53);
		}
		assert_int_equal(k->scale_i64(out, a, 100, limit, ROWS), fits);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(out[i], (int64_t)((uint64_t)a[i] * 100));
		assert_int_equal(k->quotient_f64(quotients, a, 1000, ROWS), is_exact);
		for (uint32_t i = 0; is_exact && i < ROWS; i++)
			assert_true(quotients[i] == (double)a[i] / 1000);
		k->sum_i64(out, a, 10, b, -1, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(out[i], (int64_t)((uint64_t)a[i] * 10 - (uint64_t)b[i]));
	}
}

static void check_spans(const struct tr_kernel_dense *k)
{
	int64_t in[ROWS], out[ROWS];
	int32_t days[ROWS];

	for (int round = 0; round < 40; round++) {
		for (size_t u = 0; u < TR_COUNT_OF(units); u++) {
			const int64_t unit = units[u], from = draw(ROWS, round % 2 == 0);
			bool fits = true, days_fit = true, has_difference = true;

			fill(in, round % 2 == 0);
			in[0] = in[1] / unit * unit; /* on a border, and beside it */
			in[2] = in[0] - (in[0] > INT64_MIN);
			for (uint32_t i = 0; i < ROWS; i++) {
				int64_t apart;

				fits = fits && in[i] >= INT64_MIN + unit;
				days_fit = days_fit && floor_of(in[i], unit) == (int32_t)floor_of(in[i], unit);
				has_difference = has_difference && !__builtin_sub_overflow(in[i], from, &apart);
			}
			assert_int_equal(k->floor_to(out, in, unit, ROWS), fits);
			for (uint32_t i = 0; fits && i < ROWS; i++)
				assert_int_equal(out[i], in[i] - rest_of(in[i], unit));
			assert_int_equal(k->days(days, in, unit, ROWS), days_fit);
			for (uint32_t i = 0; days_fit && i < ROWS; i++)
				assert_int_equal(days[i], floor_of(in[i], unit));
			assert_int_equal(k->difference(days, in, from, unit, ROWS), has_difference);
			for (uint32_t i = 0; has_difference && i < ROWS; i++)
				assert_int_equal(days[i], (int32_t)((in[i] - from) / unit));
			if (unit > INT64_C(86400000))
				continue;
			k->part_of_span(out, in, 7 * unit, 4 * unit, unit, 1, ROWS);
			for (uint32_t i = 0; i < ROWS; i++)
				assert_int_equal(out[i], (rest_of(in[i], 7 * unit) + 4 * unit) % (7 * unit) / unit + 1);
		}
	}
}

static void check_civil(const struct tr_kernel_dense *k)
{
	const int64_t day = 86400000;
	int64_t in[ROWS], year[ROWS], month[ROWS], of_month[ROWS], first[ROWS];

	for (int64_t base = -1600000; base < 40000000; base += 77 * ROWS) {
		for (uint32_t i = 0; i < ROWS; i++)
			in[i] = (base + (int64_t)(tr_test_random(&state) % (77 * ROWS))) * day + (int64_t)(state % day);
		assert_true(k->civil(year, in, day, TR_DENSE_YEAR, ROWS) &&
			    k->civil(month, in, day, TR_DENSE_MONTH, ROWS) &&
			    k->civil(of_month, in, day, TR_DENSE_DAY, ROWS) && k->floor_month(first, in, day, ROWS));
		for (uint32_t i = 0; i < ROWS; i++) {
			const struct tr_civil civil = tr_calendar_civil(floor_of(in[i], day));

			assert_int_equal(year[i], civil.year);
			assert_int_equal(month[i], civil.month);
			assert_int_equal(of_month[i], civil.day);
			assert_int_equal(first[i], (floor_of(in[i], day) - civil.day + 1) * day);
		}
	}
	in[ROWS - 1] = INT64_MIN;
	assert_false(k->civil(year, in, day, TR_DENSE_YEAR, ROWS));
	assert_false(k->floor_month(first, in, day, ROWS));
}

static void check_texts(const struct tr_kernel_dense *k)
{
	static const char *const words[] = {"", "Google", "google", "Google2", "a text of more than twelve", "Googl"};
	struct tr_view views[ROWS], text = tr_view_make("Google", 6);
	uint8_t out[ROWS], both[ROWS];

	for (uint32_t i = 0; i < ROWS; i++) {
		const char *word = words[tr_test_random(&state) % TR_COUNT_OF(words)];

		views[i] = tr_view_make(word, (uint32_t)strlen(word));
	}
	for (int wanted = 0; wanted < 2; wanted++) {
		k->equal_view(out, views, &text, wanted, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(out[i], tr_view_equals(&views[i], &text) == wanted);
	}
	k->equal_view(both, views, &views[0], true, ROWS);
	k->and_bytes(both, out, out, ROWS);
	assert_memory_equal(both, out, ROWS);
	k->or_bytes(both, out, out, ROWS);
	assert_memory_equal(both, out, ROWS);
}

static void test_all(void **unused)
{
	static const struct tr_kernel_dense *const all[] = {&tr_kernel_dense_v2, &tr_kernel_dense_v3,
							    &tr_kernel_dense_v4};

	for (enum tr_isa isa = TR_ISA_V2; isa <= tr_cpu_isa(); isa++) {
		check_conversions(all[isa]);
		check_lone_edges(all[isa]);
		check_decimals(all[isa]);
		check_spans(all[isa]);
		check_civil(all[isa]);
		check_texts(all[isa]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
