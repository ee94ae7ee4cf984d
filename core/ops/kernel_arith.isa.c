/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic loops, written once and left to the compiler's vectoriser at three levels (base/cpu.h).
 *
 * Division by a constant multiplies by a 64-bit reciprocal and shifts (Granlund and Montgomery, "Division by invariant
 * integers using multiplication", 1994; the signed form of Hacker's Delight, 10-1): 4 cycles where idiv takes 14.
 */
#include "core/ops/kernel_arith.h"

#include <stddef.h>

#include "base/check.h"

__extension__ typedef __int128 wide;

#define ADD(a, b) ((a) + (b))
#define SUBTRACT(a, b) ((a) - (b))
#define MULTIPLY(a, b) ((a) * (b))

/* Computed in the unsigned type `u`, so that overflow wraps; for floats u is the type itself. */
#define LOOPS(op, OP, name, type, u)                                                                     \
	static void op##_##name##_vv(void *restrict out, const void *restrict a, const void *restrict b, \
				     const uint32_t *rows, uint32_t count)                               \
	{                                                                                                \
		type *restrict o = out;                                                                  \
		const type *restrict x = a, *restrict y = b;                                             \
		if (rows == NULL)                                                                        \
			for (uint32_t i = 0; i < count; i++)                                             \
				o[i] = (type)(u)OP((u)x[i], (u)y[i]);                                    \
		else                                                                                     \
			for (uint32_t i = 0; i < count; i++)                                             \
				o[rows[i]] = (type)(u)OP((u)x[rows[i]], (u)y[rows[i]]);                  \
	}                                                                                                \
	static void op##_##name##_vc(void *restrict out, const void *restrict a, const void *restrict b, \
				     const uint32_t *rows, uint32_t count)                               \
	{                                                                                                \
		type *restrict o = out;                                                                  \
		const type *restrict x = a, y = *(const type *)b;                                        \
		if (rows == NULL)                                                                        \
			for (uint32_t i = 0; i < count; i++)                                             \
				o[i] = (type)(u)OP((u)x[i], (u)y);                                       \
		else                                                                                     \
			for (uint32_t i = 0; i < count; i++)                                             \
				o[rows[i]] = (type)(u)OP((u)x[rows[i]], (u)y);                           \
	}                                                                                                \
	static void op##_##name##_cv(void *restrict out, const void *restrict a, const void *restrict b, \
				     const uint32_t *rows, uint32_t count)                               \
	{                                                                                                \
		type *restrict o = out;                                                                  \
		const type *restrict y = b, x = *(const type *)a;                                        \
		if (rows == NULL)                                                                        \
			for (uint32_t i = 0; i < count; i++)                                             \
				o[i] = (type)(u)OP((u)x, (u)y[i]);                                       \
		else                                                                                     \
			for (uint32_t i = 0; i < count; i++)                                             \
				o[rows[i]] = (type)(u)OP((u)x, (u)y[rows[i]]);                           \
	}

/* 8- and 16-bit values are widened to 32 bits first: uint16_t * uint16_t would be a signed int. */
#define ALL_OPS(name, type, u)                                                                        \
	LOOPS(add, ADD, name, type, u)                                                                \
	LOOPS(subtract, SUBTRACT, name, type, u)                                                      \
	LOOPS(multiply, MULTIPLY, name, type, u)                                                      \
	static void negate_##name(void *restrict out, const void *restrict a, const void *restrict b, \
				  const uint32_t *rows, uint32_t count)                               \
	{                                                                                             \
		type *restrict o = out;                                                               \
		const type *restrict x = a;                                                           \
		(void)b;                                                                              \
		for (uint32_t i = 0; i < count; i++) {                                                \
			uint32_t row = rows == NULL ? i : rows[i];                                    \
			o[row] = (type)(-(u)x[row]);                                                  \
		}                                                                                     \
	}
ALL_OPS(i8, int8_t, uint32_t)
ALL_OPS(i16, int16_t, uint32_t)
ALL_OPS(i32, int32_t, uint32_t)
ALL_OPS(i64, int64_t, uint64_t)
ALL_OPS(f32, float, float)
ALL_OPS(f64, double, double)

/* ---- division by a constant ---- */

struct reciprocal {
	int64_t multiplier;
	int shift;
	int64_t divisor;
};

/* |divisor| >= 2. */
static struct reciprocal reciprocal_of(int64_t divisor)
{
	const uint64_t two63 = UINT64_C(1) << 63;
	uint64_t ad = divisor < 0 ? 0 - (uint64_t)divisor : (uint64_t)divisor;
	uint64_t t = two63 + ((uint64_t)divisor >> 63);
	uint64_t anc = t - 1 - t % ad;
	uint64_t q1 = two63 / anc, r1 = two63 - q1 * anc;
	uint64_t q2 = two63 / ad, r2 = two63 - q2 * ad;
	uint64_t delta;
	int p = 63;

	do {
		p++;
		q1 *= 2;
		r1 *= 2;
		if (r1 >= anc) {
			q1++;
			r1 -= anc;
		}
		q2 *= 2;
		r2 *= 2;
		if (r2 >= ad) {
			q2++;
			r2 -= ad;
		}
		delta = ad - r2;
	} while (q1 < delta || (q1 == delta && r1 == 0));
	uint64_t m = q2 + 1;

	return (struct reciprocal){(int64_t)(divisor < 0 ? 0 - m : m), p - 64, divisor};
}

static inline int64_t quotient(int64_t n, struct reciprocal r)
{
	uint64_t q = (uint64_t)(((wide)n * r.multiplier) >> 64);

	if (r.divisor > 0 && r.multiplier < 0)
		q += (uint64_t)n;
	else if (r.divisor < 0 && r.multiplier > 0)
		q -= (uint64_t)n;
	q = (uint64_t)((int64_t)q >> r.shift);
	return (int64_t)(q + (q >> 63));
}

static void divide_i64(int64_t *restrict out, const int64_t *restrict a, int64_t divisor, const uint32_t *rows,
		       uint32_t count)
{
	struct reciprocal r = reciprocal_of(divisor);

	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			out[i] = quotient(a[i], r);
	else
		for (uint32_t i = 0; i < count; i++)
			out[rows[i]] = quotient(a[rows[i]], r);
}

static inline int64_t remainder_of(int64_t n, struct reciprocal r)
{
	return (int64_t)((uint64_t)n - (uint64_t)quotient(n, r) * (uint64_t)r.divisor);
}

static void modulo_i64(int64_t *restrict out, const int64_t *restrict a, int64_t divisor, const uint32_t *rows,
		       uint32_t count)
{
	struct reciprocal r = reciprocal_of(divisor);

	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			out[i] = remainder_of(a[i], r);
	else
		for (uint32_t i = 0; i < count; i++)
			out[rows[i]] = remainder_of(a[rows[i]], r);
}

static void modulo_i64_to_i32(int32_t *restrict out, const int64_t *restrict a, int32_t divisor, const uint32_t *rows,
			      uint32_t count)
{
	struct reciprocal r = reciprocal_of(divisor);

	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			out[i] = (int32_t)remainder_of(a[i], r);
	else
		for (uint32_t i = 0; i < count; i++)
			out[rows[i]] = (int32_t)remainder_of(a[rows[i]], r);
}

/* A sum is out of range if its sign is that of neither operand. */
static bool add_checked_i64(int64_t *restrict out, const int64_t *restrict a, int64_t c, const uint32_t *rows,
			    uint32_t count)
{
	uint64_t overflows = 0;

	if (rows == NULL) {
		for (uint32_t i = 0; i < count; i++) {
			const uint64_t x = (uint64_t)a[i], sum = x + (uint64_t)c;

			out[i] = (int64_t)sum;
			overflows |= (x ^ sum) & ((uint64_t)c ^ sum);
		}
	} else {
		for (uint32_t i = 0; i < count; i++) {
			const uint64_t x = (uint64_t)a[rows[i]], sum = x + (uint64_t)c;

			out[rows[i]] = (int64_t)sum;
			overflows |= (x ^ sum) & ((uint64_t)c ^ sum);
		}
	}
	return (overflows >> 63) == 0;
}

#define SHAPES(op, name)                                             \
	{                                                            \
		op##_##name##_vv, op##_##name##_vc, op##_##name##_cv \
	}
#define NUMBERS(op)                                                                                                 \
	{                                                                                                           \
		SHAPES(op, i8), SHAPES(op, i16), SHAPES(op, i32), SHAPES(op, i64), SHAPES(op, f32), SHAPES(op, f64) \
	}

const struct tr_kernel_arith TR_ISA(tr_kernel_arith) = {
	.binary = {NUMBERS(add), NUMBERS(subtract), NUMBERS(multiply)},
	.negate = {negate_i8, negate_i16, negate_i32, negate_i64, negate_f32, negate_f64},
	.divide_i64 = divide_i64,
	.modulo_i64 = modulo_i64,
	.modulo_i64_to_i32 = modulo_i64_to_i32,
	.add_checked_i64 = add_checked_i64,
};
