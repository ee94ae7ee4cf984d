/* SPDX-License-Identifier: Apache-2.0
 *
 * Exact sum: adds doubles without any rounding, so that the order of rows cannot show in the result.
 *
 * A double is an integer of 53 bits times a power of two. The sum is kept as a 128-bit integer times 2^anchor, which
 * holds values that differ by some 70 binary orders of magnitude; only when a value does not fit there, or the integer
 * overflows, the sum moves to a wide accumulator that covers the whole range of doubles: 70 digits of 32 bits, each
 * in a signed 64-bit word, so that 2^29 additions can pass before carries are propagated (Kulisch's long accumulator;
 * the form with small digits in large words is from R. Neal, "Fast exact summation using small and large
 * superaccumulators", 2015). Both forms are exact, so which of them was used cannot be seen. The result is rounded
 * once, half to even, to a double or a float.
 *
 * NaN and infinities are remembered as flags: any NaN, or both infinities, give NaN. The sum of negative zeros is
 * +0.0 (IEEE addition would give -0.0).
 *
 * All zero bytes are the empty sum, whose value is 0.
 */
#ifndef TR_CORE_OPS_EXACT_SUM_H
#define TR_CORE_OPS_EXACT_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_exact_wide;

struct tr_exact_sum {
	uint64_t low; /* the 128-bit integer, two's complement */
	uint64_t high;
	int32_t anchor;
	uint32_t flags;
	struct tr_exact_wide *wide; /* owned; NULL as long as the integer suffices */
};

void tr_exact_sum_add(struct tr_exact_sum *sum, double value);

/** target += source; the source stays as it is. */
void tr_exact_sum_merge(struct tr_exact_sum *target, const struct tr_exact_sum *source);

/** The sum, correctly rounded. */
double tr_exact_sum_double(const struct tr_exact_sum *sum);
float tr_exact_sum_float(const struct tr_exact_sum *sum);

/** Bytes that it owns. */
size_t tr_exact_sum_owned(const struct tr_exact_sum *sum);

/** Frees what it owns and empties it. */
void tr_exact_sum_clear(struct tr_exact_sum *sum);

/** The sum as bytes for another subtask: how many, writing them, adding them to a sum. */
size_t tr_exact_sum_bytes(const struct tr_exact_sum *sum);
void tr_exact_sum_write(const struct tr_exact_sum *sum, void *bytes);
void tr_exact_sum_read(struct tr_exact_sum *target, const void *bytes, size_t length);

/** Whether bytes from outside can be read. */
bool tr_exact_sum_is_valid(const void *bytes, size_t length);

#endif
