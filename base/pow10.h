/* SPDX-License-Identifier: Apache-2.0
 *
 * Powers of ten as 128-bit significands: 10^q is (high:low) * 2^(tr_pow10_exponent(q) - 127), cut to 128 bits.
 */
#ifndef TR_BASE_POW10_H
#define TR_BASE_POW10_H

#include <stdint.h>

#define TR_POW10_MIN (-342)
#define TR_POW10_MAX 324

struct tr_pow10 {
	uint64_t high; /* the top bit is set */
	uint64_t low;
};

extern const struct tr_pow10 tr_pow10_table[TR_POW10_MAX - TR_POW10_MIN + 1];

static inline const struct tr_pow10 *tr_pow10_get(int q) { return &tr_pow10_table[q - TR_POW10_MIN]; }

/** floor(q * log2(10)), exact for |q| <= 1233. */
static inline int tr_pow10_exponent(int q) { return (int)(((int64_t)q * 1741647) >> 19); }

#endif
