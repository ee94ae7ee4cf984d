/* SPDX-License-Identifier: Apache-2.0
 *
 * Division of 64-bit integers by a divisor that stays the same, by multiplying with a reciprocal and shifting: 4 cycles where
 * idiv takes 14. (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994; the signed form of
 * Hacker's Delight, 10-1.)
 */
#ifndef TR_CORE_OPS_KERNEL_RECIPROCAL_H
#define TR_CORE_OPS_KERNEL_RECIPROCAL_H

#include <stdint.h>

__extension__ typedef __int128 tr_wide_product;

struct tr_reciprocal {
	int64_t multiplier;
	int shift;
	int64_t divisor;
};

/** |divisor| >= 2. */
static inline struct tr_reciprocal tr_reciprocal_of(int64_t divisor)
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

	return (struct tr_reciprocal){(int64_t)(divisor < 0 ? 0 - m : m), p - 64, divisor};
}

static inline int64_t tr_quotient(int64_t n, struct tr_reciprocal r)
{
	uint64_t q = (uint64_t)(((tr_wide_product)n * r.multiplier) >> 64);

	if (r.divisor > 0 && r.multiplier < 0)
		q += (uint64_t)n;
	else if (r.divisor < 0 && r.multiplier > 0)
		q -= (uint64_t)n;
	q = (uint64_t)((int64_t)q >> r.shift);
	return (int64_t)(q + (q >> 63));
}

static inline int64_t tr_remainder(int64_t n, struct tr_reciprocal r)
{
	return (int64_t)((uint64_t)n - (uint64_t)tr_quotient(n, r) * (uint64_t)r.divisor);
}

/** Quotient and remainder towards minus infinity, of a divisor > 0. */
static inline int64_t tr_floor_quotient(int64_t n, struct tr_reciprocal r)
{
	const int64_t q = tr_quotient(n, r);

	return q - (tr_remainder(n, r) < 0);
}

static inline int64_t tr_floor_remainder(int64_t n, struct tr_reciprocal r)
{
	const int64_t rest = tr_remainder(n, r);

	return rest + (r.divisor & -(int64_t)(rest < 0));
}

#endif
