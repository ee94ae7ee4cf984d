/* SPDX-License-Identifier: Apache-2.0
 *
 * Dense kernels: conversions of numbers, decimals of up to 18 digits and parts of timestamps for rows 0 .. count - 1, built for
 * each instruction set. Who has a list of rows, constants or other types uses the general loops beside them.
 *
 * Where a row may be out of range a kernel returns false, at its end as a rule; what is in `out` is not all right then,
 * and the general loop, which knows what to do with the row, runs instead. out never overlaps an input.
 */
#ifndef TR_CORE_OPS_KERNEL_DENSE_H
#define TR_CORE_OPS_KERNEL_DENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/column.h"
#include "core/ops/kernel_arith.h"

/** Parts of a civil date. */
enum tr_dense_part { TR_DENSE_YEAR, TR_DENSE_MONTH, TR_DENSE_DAY };

struct tr_kernel_dense {
	/* By number types, from and to; as Java converts: integers wrap, floating point saturates and NaN is 0 */
	void (*convert[TR_NUMBER_COUNT][TR_NUMBER_COUNT])(void *restrict out, const void *restrict in, uint32_t count);
	void (*divide_f32)(float *restrict out, const float *restrict a, const float *restrict b, uint32_t count);
	void (*divide_f64)(double *restrict out, const double *restrict a, const double *restrict b, uint32_t count);
	void (*absolute_i32)(int32_t *restrict out, const int32_t *restrict in, uint32_t count);
	void (*absolute_i64)(int64_t *restrict out, const int64_t *restrict in, uint32_t count);
	void (*absolute_f64)(double *restrict out, const double *restrict in, uint32_t count);

	/* Whether a text is `text`, which has at most 12 bytes, or, with `wanted` false, is not */
	void (*equal_view)(uint8_t *restrict out, const struct tr_view *restrict in, const struct tr_view *text,
			   bool wanted, uint32_t count);
	void (*and_bytes)(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, uint32_t count);
	void (*or_bytes)(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b, uint32_t count);

	/* a * p + b * q, wrapping */
	void (*sum_i64)(int64_t *restrict out, const int64_t *restrict a, int64_t p, const int64_t *restrict b,
			int64_t q, uint32_t count);
	/* in * power; false: a value is not within [-limit, limit] */
	bool (*scale_i64)(int64_t *restrict out, const int64_t *restrict in, int64_t power, int64_t limit,
			  uint32_t count);
	/* in / power, rounded once; false: a value is not within 2^53 */
	bool (*quotient_f64)(double *restrict out, const int64_t *restrict in, double power, uint32_t count);

	/* (in modulo span + add) modulo span / unit + base, towards minus infinity; 0 <= add < span, unit divides span */
	void (*part_of_span)(int64_t *restrict out, const int64_t *restrict in, int64_t span, int64_t add, int64_t unit,
			     int64_t base, uint32_t count);
	/* in less what it is above a multiple of unit; false: a result is out of range */
	bool (*floor_to)(int64_t *restrict out, const int64_t *restrict in, int64_t unit, uint32_t count);
	/* Days since 1970-01-01; false: they don't fit, or (for the others) are before the year -4000 or beyond 4,900,000 */
	bool (*days)(int32_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, uint32_t count);
	bool (*civil)(int64_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, enum tr_dense_part part,
		      uint32_t count);
	/* The first tick of the month */
	bool (*floor_month)(int64_t *restrict out, const int64_t *restrict in, int64_t ticks_a_day, uint32_t count);
	/* (in - from) / unit cut towards 0, as an INT that wraps; false: a difference is out of range */
	bool (*difference)(int32_t *restrict out, const int64_t *restrict in, int64_t from, int64_t unit,
			   uint32_t count);
};

TR_ISA_DECLARE(struct tr_kernel_dense, tr_kernel_dense);

#endif
