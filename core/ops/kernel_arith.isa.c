/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic loops, written once and left to the compiler's vectoriser at three levels (base/cpu.h).
 */
#include "core/ops/kernel_arith.h"

#include <stddef.h>

#include "base/check.h"
#include "core/ops/kernel_reciprocal.h"

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

static void divide_i64(int64_t *restrict out, const int64_t *restrict a, int64_t divisor, const uint32_t *rows,
		       uint32_t count)
{
	const struct tr_reciprocal r = tr_reciprocal_of(divisor);

	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			out[i] = tr_quotient(a[i], r);
	else
		for (uint32_t i = 0; i < count; i++)
			out[rows[i]] = tr_quotient(a[rows[i]], r);
}

static void modulo_i64(int64_t *restrict out, const int64_t *restrict a, int64_t divisor, const uint32_t *rows,
		       uint32_t count)
{
	const struct tr_reciprocal r = tr_reciprocal_of(divisor);

	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			out[i] = tr_remainder(a[i], r);
	else
		for (uint32_t i = 0; i < count; i++)
			out[rows[i]] = tr_remainder(a[rows[i]], r);
}

static void modulo_i64_to_i32(int32_t *restrict out, const int64_t *restrict a, int32_t divisor, const uint32_t *rows,
			      uint32_t count)
{
	const struct tr_reciprocal r = tr_reciprocal_of(divisor);

	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			out[i] = (int32_t)tr_remainder(a[i], r);
	else
		for (uint32_t i = 0; i < count; i++)
			out[rows[i]] = (int32_t)tr_remainder(a[rows[i]], r);
}

/* A sum that wraps ends up below all others if c is positive, above them if it is negative: the least and the greatest tell. */
static bool add_checked_i64(int64_t *restrict out, const int64_t *restrict a, int64_t c, const uint32_t *rows,
			    uint32_t count)
{
	int64_t least = INT64_MAX, most = INT64_MIN;

	if (rows == NULL && c >= 0) {
		for (uint32_t i = 0; i < count; i++) {
			const int64_t sum = (int64_t)((uint64_t)a[i] + (uint64_t)c);

			least = sum < least ? sum : least;
			out[i] = sum;
		}
	} else {
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t row = rows == NULL ? i : rows[i];
			const int64_t sum = (int64_t)((uint64_t)a[row] + (uint64_t)c);

			least = sum < least ? sum : least;
			most = sum > most ? sum : most;
			out[row] = sum;
		}
	}
	return c >= 0 ? least >= INT64_MIN + c : most <= INT64_MAX + c;
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
