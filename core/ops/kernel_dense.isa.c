/* SPDX-License-Identifier: Apache-2.0
 *
 * The dense loops. None has a branch in it: whether all values are in range is asked once, of the least and the greatest or of
 * bits ORed up, for all rows or a block of them.
 *
 * Civil dates are worked out in 32 bits without a sign, counted from ten eras of 400 years before the one of 1970, so that the
 * divisions by constants are multiplications of vectors (the algorithm is base/calendar.h's).
 */
#include "core/ops/kernel_dense.h"

#include <stddef.h>
#include <string.h>

#if defined(__AVX512DQ__)
#include <immintrin.h>
#endif

#include "core/ops/kernel_reciprocal.h"

#define BLOCK 256u

#define EACH(i, count) for (uint32_t i = 0; i < (count); i++)

/* ---- numbers ---- */

/* The bounds are doubles; what is beyond them, or NaN, is converted from 0 and then replaced. */
static inline int64_t saturate_i64(double x)
{
	const double inside = x >= -0x1p63 && x < 0x1p63 ? x : 0;
	const int64_t value = (int64_t)inside;

	return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : value;
}

static inline int32_t saturate_i32(double x)
{
	const double low = x > -2147483648.0 ? x : -2147483648.0, both = low < 2147483647.0 ? low : 2147483647.0;

	return (int32_t)(x == x ? both : 0);
}

#define PLAIN(to, x) ((to)(x))
#define TO_I32(to, x) ((to)saturate_i32((double)(x)))

#define CONVERT(from_name, from, to_name, to, HOW)                                                        \
	static void from_name##_to_##to_name(void *restrict out, const void *restrict in, uint32_t count) \
	{                                                                                                 \
		to *restrict o = out;                                                                     \
		const from *restrict x = in;                                                              \
		EACH(i, count)                                                                            \
			o[i] = HOW(to, x[i]);                                                             \
	}
#define CONVERT_FEW(name, from, SMALL)           \
	CONVERT(name, from, i8, int8_t, SMALL)   \
	CONVERT(name, from, i16, int16_t, SMALL) \
	CONVERT(name, from, f32, float, PLAIN)   \
	CONVERT(name, from, f64, double, PLAIN)
#define CONVERT_ALL(name, from)                  \
	CONVERT_FEW(name, from, PLAIN)           \
	CONVERT(name, from, i32, int32_t, PLAIN) \
	CONVERT(name, from, i64, int64_t, PLAIN)

/* Floating point to 32 and 64 bits. Without their signs the bits of floats are ordered as integers, NaN above all: a block whose
 * greatest is below the limit is converted without a look at each value. */
#define CUT(from_name, from, bits, to_name, to, LIMIT, SATURATE)                                          \
	static void from_name##_to_##to_name(void *restrict out, const void *restrict in, uint32_t count) \
	{                                                                                                 \
		const from limit = (from)(LIMIT);                                                         \
		bits limit_bits;                                                                          \
                                                                                                          \
		memcpy(&limit_bits, &limit, sizeof(bits));                                                \
		for (uint32_t first = 0; first < count; first += BLOCK) {                                 \
			const uint32_t rows = count - first < BLOCK ? count - first : BLOCK;              \
			to *restrict o = (to *)out + first;                                               \
			const from *restrict x = (const from *)in + first;                                \
			bits most = 0;                                                                    \
                                                                                                          \
			EACH(i, rows) {                                                                   \
				bits value;                                                               \
				memcpy(&value, &x[i], sizeof(bits));                                      \
				value &= (bits)((UINT64_C(1) << (8 * sizeof(bits) - 1)) - 1);             \
				most = value > most ? value : most;                                       \
			}                                                                                 \
			if (most < limit_bits)                                                            \
				EACH(i, rows)                                                             \
					o[i] = (to)x[i];                                                  \
			else                                                                              \
				EACH(i, rows)                                                             \
					o[i] = SATURATE((double)x[i]);                                    \
		}                                                                                         \
	}
CUT(f32, float, int32_t, i32, int32_t, 0x1p31, saturate_i32)
CUT(f32, float, int32_t, i64, int64_t, 0x1p63, saturate_i64)

#if defined(__AVX512DQ__)
/* The instructions make the least integer of what does not fit: only if that is among the results are the values looked at. */
static void f64_to_i32(void *restrict out, const void *restrict in, uint32_t count)
{
	int32_t *restrict o = out;
	const double *restrict x = in;
	__m256i least = _mm256_setzero_si256();
	uint32_t done = 0;

	for (; done + 8 <= count; done += 8) {
		const __m256i values = _mm512_cvttpd_epi32(_mm512_loadu_pd(x + done));

		least = _mm256_min_epi32(least, values);
		_mm256_storeu_si256((void *)(o + done), values);
	}
	if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(least, _mm256_set1_epi32(INT32_MIN))) != 0)
		done = 0;
	for (; done < count; done++)
		o[done] = saturate_i32(x[done]);
}

static void f64_to_i64(void *restrict out, const void *restrict in, uint32_t count)
{
	int64_t *restrict o = out;
	const double *restrict x = in;
	__m512i least = _mm512_setzero_si512();
	uint32_t done = 0;

	for (; done + 8 <= count; done += 8) {
		const __m512i values = _mm512_cvttpd_epi64(_mm512_loadu_pd(x + done));

		least = _mm512_min_epi64(least, values);
		_mm512_storeu_si512(o + done, values);
	}
	if (_mm512_reduce_min_epi64(least) == INT64_MIN)
		done = 0;
	for (; done < count; done++)
		o[done] = saturate_i64(x[done]);
}
#else
CUT(f64, double, int64_t, i32, int32_t, 0x1p31, saturate_i32)
CUT(f64, double, int64_t, i64, int64_t, 0x1p63, saturate_i64)
#endif

CONVERT_ALL(i8, int8_t)
CONVERT_ALL(i16, int16_t)
CONVERT_ALL(i32, int32_t)
CONVERT_ALL(i64, int64_t)
CONVERT_FEW(f32, float, TO_I32)
CONVERT_FEW(f64, double, TO_I32)

static void divide_f32(float *restrict out, const float *restrict a, const float *restrict b, uint32_t count)
{
	EACH(i, count)
		out[i] = a[i] / b[i];
}

static void divide_f64(double *restrict out, const double *restrict a, const double *restrict b, uint32_t count)
{
	EACH(i, count)
		out[i] = a[i] / b[i];
}

/* Negation wraps (-fno-strict-overflow); compilers know this form as one instruction. */
static void absolute_i32(int32_t *restrict out, const int32_t *restrict in, uint32_t count)
{
	EACH(i, count)
		out[i] = in[i] < 0 ? -in[i] : in[i];
}

static void absolute_i64(int64_t *restrict out, const int64_t *restrict in, uint32_t count)
{
	EACH(i, count)
		out[i] = in[i] < 0 ? -in[i] : in[i];
}

static void absolute_f64(double *restrict out, const double *restrict in, uint32_t count)
{
	EACH(i, count)
		out[i] = __builtin_fabs(in[i]);
}

/* ---- decimals ---- */

static void sum_i64(int64_t *restrict out, const int64_t *restrict a, int64_t p, const int64_t *restrict b, int64_t q,
		    uint32_t count)
{
	if (p == 1 && q == 1)
		EACH(i, count)
			out[i] = (int64_t)((uint64_t)a[i] + (uint64_t)b[i]);
	else if (p == 1 && q == -1)
		EACH(i, count)
			out[i] = (int64_t)((uint64_t)a[i] - (uint64_t)b[i]);
	else
		EACH(i, count)
			out[i] = (int64_t)((uint64_t)a[i] * (uint64_t)p + (uint64_t)b[i] * (uint64_t)q);
}

static void equal_view(uint8_t *restrict out, const struct tr_view *restrict in, const struct tr_view *text,
		       bool wanted, uint32_t count)
{
	const uint64_t *restrict words = (const uint64_t *)(const void *)in;
	uint64_t a, b;

	memcpy(&a, text, 8);
	memcpy(&b, (const char *)text + 8, 8);
	EACH(i, count)
		out[i] = (uint8_t)((((words[2 * (size_t)i] ^ a) | (words[2 * (size_t)i + 1] ^ b)) == 0) == wanted);
}

static void and_bytes(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, uint32_t count)
{
	EACH(i, count)
		out[i] = a[i] & b[i];
}

static void or_bytes(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, uint32_t count)
{
	EACH(i, count)
		out[i] = a[i] | b[i];
}

/* The products of the first rows, and all values ORed up, each moved by `move`; answers how many rows. Each value is loaded once, which
 * gcc would not do: loads across lines of the cache are what takes the time. */
static inline uint32_t scale_wide(int64_t *out, const int64_t *in, int64_t power, uint64_t move, uint32_t count,
				  uint64_t *all)
{
#if defined(__AVX512DQ__)
	const __m512i factor = _mm512_set1_epi64(power), moves = _mm512_set1_epi64((int64_t)move);
	__m512i any = _mm512_setzero_si512();

	for (uint32_t i = 0; i + 8 <= count; i += 8) {
		__m512i values = _mm512_loadu_si512(in + i);

		__asm__("" : "+v"(values));
		any = _mm512_or_si512(any, _mm512_add_epi64(values, moves));
		_mm512_storeu_si512(out + i, _mm512_mullo_epi64(values, factor));
	}
	*all = (uint64_t)_mm512_reduce_or_epi64(any);
	return count & ~7u;
#else
	*all = 0;
	return 0;
#endif
}

/* All values are within [-least, least), a power of two not above the limit, as a rule: that is seen with less work than a comparison. */
static bool scale_i64(int64_t *restrict out, const int64_t *restrict in, int64_t power, int64_t limit, uint32_t count)
{
	const uint64_t least = UINT64_C(1) << (63 - __builtin_clzll((uint64_t)limit | 1));
	uint64_t all, bad = 0;

	for (uint32_t i = scale_wide(out, in, power, least, count, &all); i < count; i++) {
		all |= (uint64_t)in[i] + least;
		out[i] = (int64_t)((uint64_t)in[i] * (uint64_t)power);
	}
	if (limit > 0 && all < 2 * least)
		return true;
	EACH(i, count)
		bad |= (uint64_t)((uint64_t)in[i] + (uint64_t)limit > 2 * (uint64_t)limit);
	return bad == 0;
}

static bool quotient_f64(double *restrict out, const int64_t *restrict in, double power, uint32_t count)
{
	const int64_t limit = INT64_C(1) << 53;
	int64_t least = 0, most = 0;

	EACH(i, count) {
		least = in[i] < least ? in[i] : least;
		most = in[i] > most ? in[i] : most;
		out[i] = (double)in[i] / power;
	}
	return least > -limit && most < limit;
}

/* ---- timestamps ---- */

/* A divisor of timestamps. Of what lies within 2^50 the quotient is estimated by a product of doubles, which vectors can do, and
 * put right: moved up to where nothing is negative it is exact in a double, and the estimate at most one off. Others are worked
 * out with integers. */
struct divisor {
	struct tr_reciprocal exact;
	double inverse;
	int64_t divisor;
	int64_t moved; /* a multiple of the divisor, at least NEAR */
	int64_t quotient_moved;
};

#define NEAR (INT64_C(1) << 50)
#define MS_A_DAY 86400000

static struct divisor divisor_of(int64_t divisor)
{
	const int64_t quotient = (NEAR + divisor - 1) / divisor;

	return (struct divisor){tr_reciprocal_of(divisor), 1.0 / (double)divisor, divisor, quotient * divisor, quotient};
}

/* The quotient of what was moved up. */
static inline int64_t moved_quotient(int64_t moved, const struct divisor *d)
{
	const int64_t q = (int64_t)((double)moved * d->inverse);
	const int64_t rest = moved - q * d->divisor;

	return q + (int64_t)(rest >= d->divisor) - (int64_t)(rest < 0);
}

static inline int64_t near_quotient(int64_t n, const struct divisor *d)
{
	return moved_quotient(n + d->moved, d) - d->quotient_moved;
}

static inline int64_t near_remainder(int64_t n, const struct divisor *d)
{
	return n + d->moved - moved_quotient(n + d->moved, d) * d->divisor;
}

/* Whether all values, and the divisor, are such. */
static bool are_near(const int64_t *in, int64_t divisor, uint32_t count)
{
	int64_t least = 0, most = divisor;

	EACH(i, count) {
		least = in[i] < least ? in[i] : least;
		most = in[i] > most ? in[i] : most;
	}
	return least > -NEAR && most < NEAR;
}

static void part_of_span(int64_t *restrict out, const int64_t *restrict in, int64_t span, int64_t add, int64_t unit,
			 int64_t base, uint32_t count)
{
	const struct divisor spans = divisor_of(span), units = divisor_of(unit);

	if (are_near(in, span, count)) {
		EACH(i, count) {
			int64_t rest = near_remainder(in[i], &spans) + add;

			rest -= span & -(int64_t)(rest >= span);
			out[i] = moved_quotient(rest, &units) + base;
		}
		return;
	}
	EACH(i, count) {
		int64_t rest = tr_floor_remainder(in[i], spans.exact) + add;

		rest -= span & -(int64_t)(rest >= span);
		out[i] = tr_quotient(rest, units.exact) + base;
	}
}

static bool floor_to(int64_t *restrict out, const int64_t *restrict in, int64_t unit, uint32_t count)
{
	const struct divisor units = divisor_of(unit);
	uint64_t bad = 0;

	if (are_near(in, unit, count)) {
		EACH(i, count)
			out[i] = in[i] - near_remainder(in[i], &units);
		return true;
	}
	EACH(i, count) {
		bad |= (uint64_t)(in[i] < INT64_MIN + unit);
		out[i] = (int64_t)((uint64_t)in[i] - (uint64_t)tr_floor_remainder(in[i], units.exact));
	}
	return bad == 0;
}

static bool days(int32_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, uint32_t count)
{
	const struct divisor a_day = divisor_of(ticks_a_day);
	uint64_t bad = 0;

	if (ticks_a_day >= MS_A_DAY && are_near(in, ticks_a_day, count)) { /* then the numbers of days fit */
		EACH(i, count)
			out[i] = (int32_t)near_quotient(in[i], &a_day);
		return true;
	}
	EACH(i, count) {
		const int64_t day = tr_floor_quotient(in[i], a_day.exact);

		bad |= (uint64_t)(day != (int32_t)day);
		out[i] = (int32_t)day;
	}
	return bad == 0;
}

#define ERA_DAYS 146097u
#define ERAS_BEFORE 10u                                /* of 400 years, so that no day is negative */
#define DAYS_BEFORE (719468u + ERAS_BEFORE * ERA_DAYS) /* from the first of these eras to 1970-01-01 */
#define DAY_MIN (-(int32_t)DAYS_BEFORE)
#define DAY_MAX 1800000000

struct civil {
	int32_t year;
	uint32_t month, day;
};

static inline struct civil civil_of(int32_t day)
{
	const uint32_t z = (uint32_t)day + DAYS_BEFORE;
	const uint32_t era = z / ERA_DAYS, day_of_era = z - era * ERA_DAYS;
	const uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const uint32_t m = (5 * day_of_year + 2) / 153;
	struct civil civil;

	civil.day = day_of_year - (153 * m + 2) / 5 + 1;
	civil.month = m < 10 ? m + 3 : m - 9;
	civil.year = (int32_t)(year_of_era + era * 400 + (civil.month <= 2)) - (int32_t)(ERAS_BEFORE * 400);
	return civil;
}

/* Days of a block that civil_of takes. */
static inline bool civil_days(int32_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, uint32_t count)
{
	uint32_t bad = 0;

	if (!days(out, in, ticks_a_day, count))
		return false;
	EACH(i, count)
		bad |= (uint32_t)(out[i] < DAY_MIN) | (uint32_t)(out[i] > DAY_MAX);
	return bad == 0;
}

static bool civil(int64_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, enum tr_dense_part part,
		  uint32_t count)
{
	int32_t block[BLOCK];

	for (uint32_t from = 0; from < count; from += BLOCK) {
		const uint32_t rows = count - from < BLOCK ? count - from : BLOCK;
		int64_t *restrict o = out + from;

		if (!civil_days(block, in + from, ticks_a_day, rows))
			return false;
		if (part == TR_DENSE_YEAR)
			EACH(i, rows)
				o[i] = civil_of(block[i]).year;
		else if (part == TR_DENSE_MONTH)
			EACH(i, rows)
				o[i] = civil_of(block[i]).month;
		else
			EACH(i, rows)
				o[i] = civil_of(block[i]).day;
	}
	return true;
}

static bool floor_month(int64_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, uint32_t count)
{
	int32_t block[BLOCK];
	uint64_t bad = 0;

	for (uint32_t from = 0; from < count; from += BLOCK) {
		const uint32_t rows = count - from < BLOCK ? count - from : BLOCK;
		int64_t *restrict o = out + from;

		if (!civil_days(block, in + from, ticks_a_day, rows))
			return false;
		EACH(i, rows) {
			const int64_t day = (int64_t)block[i] - civil_of(block[i]).day + 1;

			o[i] = (int64_t)((uint64_t)day * (uint64_t)ticks_a_day);
			bad |= (uint64_t)(in[from + i] < INT64_MIN + 31 * ticks_a_day);
		}
	}
	return bad == 0;
}

/* A difference is out of range if its sign is that of neither. */
static bool difference(int32_t *restrict out, const int64_t *restrict in, int64_t from, int64_t unit, uint32_t count)
{
	const struct divisor units = divisor_of(unit);
	uint64_t bad = 0;

	if (are_near(in, unit, count) && are_near(&from, unit, 1)) {
		EACH(i, count) { /* cut towards 0: one more if negative and not whole */
			const int64_t q = near_quotient(in[i] - from, &units);

			out[i] = (int32_t)(q + (int64_t)((q < 0) & (q * unit != in[i] - from)));
		}
		return true;
	}
	EACH(i, count) {
		const uint64_t apart = (uint64_t)in[i] - (uint64_t)from;

		bad |= ((uint64_t)in[i] ^ (uint64_t)from) & ((uint64_t)in[i] ^ apart);
		out[i] = (int32_t)tr_quotient((int64_t)apart, units.exact);
	}
	return (bad >> 63) == 0;
}

#define ROW(from)                                                                                       \
	{                                                                                               \
		from##_to_i8, from##_to_i16, from##_to_i32, from##_to_i64, from##_to_f32, from##_to_f64 \
	}

const struct tr_kernel_dense TR_ISA(tr_kernel_dense) = {
	.convert = {ROW(i8), ROW(i16), ROW(i32), ROW(i64), ROW(f32), ROW(f64)},
	.divide_f32 = divide_f32,
	.divide_f64 = divide_f64,
	.absolute_i32 = absolute_i32,
	.absolute_i64 = absolute_i64,
	.absolute_f64 = absolute_f64,
	.equal_view = equal_view,
	.and_bytes = and_bytes,
	.or_bytes = or_bytes,
	.sum_i64 = sum_i64,
	.scale_i64 = scale_i64,
	.quotient_f64 = quotient_f64,
	.part_of_span = part_of_span,
	.floor_to = floor_to,
	.days = days,
	.civil = civil,
	.floor_month = floor_month,
	.difference = difference,
};
