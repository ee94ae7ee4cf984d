/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic kernels for fixed-width numbers: + - * and negation, built for each instruction set.
 *
 * Integers wrap around as Java's do. A kernel runs over rows 0 .. count - 1, or over rows[0 .. count) when rows is given;
 * out never overlaps an input. A constant operand is one value.
 */
#ifndef TR_CORE_OPS_KERNEL_ARITH_H
#define TR_CORE_OPS_KERNEL_ARITH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu.h"
#include "tailrace/types.h"

enum tr_arith { TR_ARITH_ADD, TR_ARITH_SUBTRACT, TR_ARITH_MULTIPLY, TR_ARITH_COUNT };
enum tr_shape { TR_SHAPE_VV, TR_SHAPE_VC, TR_SHAPE_CV, TR_SHAPE_COUNT }; /* vector or constant operands */

/** Kernel tables are indexed by number type; -1: not one of these. */
enum tr_number {
	TR_NUMBER_I8,
	TR_NUMBER_I16,
	TR_NUMBER_I32,
	TR_NUMBER_I64,
	TR_NUMBER_F32,
	TR_NUMBER_F64,
	TR_NUMBER_COUNT
};

static inline int tr_number_of(uint8_t phys)
{
	switch (phys) {
	case TR_PHYS_I8: return TR_NUMBER_I8;
	case TR_PHYS_I16: return TR_NUMBER_I16;
	case TR_PHYS_I32: return TR_NUMBER_I32;
	case TR_PHYS_I64: return TR_NUMBER_I64;
	case TR_PHYS_F32: return TR_NUMBER_F32;
	case TR_PHYS_F64: return TR_NUMBER_F64;
	default: return -1;
	}
}

typedef void (*tr_arith_fn)(void *restrict out, const void *restrict a, const void *restrict b, const uint32_t *rows,
			    uint32_t count);

struct tr_kernel_arith {
	tr_arith_fn binary[TR_ARITH_COUNT][TR_NUMBER_COUNT][TR_SHAPE_COUNT];
	tr_arith_fn negate[TR_NUMBER_COUNT]; /* b is ignored */
	/* a % c and a / c for a constant c other than 0 and -1, by multiplication; I64 only */
	void (*divide_i64)(int64_t *restrict out, const int64_t *restrict a, int64_t divisor, const uint32_t *rows,
			   uint32_t count);
	void (*modulo_i64)(int64_t *restrict out, const int64_t *restrict a, int64_t divisor, const uint32_t *rows,
			   uint32_t count);
	/* The same for a divisor that fits the result's 32 bits, which then holds every remainder */
	void (*modulo_i64_to_i32)(int32_t *restrict out, const int64_t *restrict a, int32_t divisor,
				  const uint32_t *rows, uint32_t count);
	/* a + c. False: a sum is out of range, and what is in `out` is not all right */
	bool (*add_checked_i64)(int64_t *restrict out, const int64_t *restrict a, int64_t c, const uint32_t *rows,
				uint32_t count);
};

TR_ISA_DECLARE(struct tr_kernel_arith, tr_kernel_arith);

#endif
