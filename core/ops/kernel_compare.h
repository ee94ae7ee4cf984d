/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons of fixed-width numbers, and selections: lists of the rows for which something holds.
 *
 * `compare` writes 0 or 1 per row. `select` fuses the comparison with the making of a selection: it lists the rows that
 * are not NULL and for which the comparison holds. `mask` clears the bits of rows for which the comparison does not hold;
 * several comparisons over all rows make one mask, which select_bits turns into a selection once. The select functions
 * over bytes and bitmaps split a selection by a BOOLEAN register.
 *
 * Without a selection (rows NULL) all work on 64 rows at a time and compress row numbers with AVX-512 or AVX2 where built
 * so. Selections are written in ascending order; `out` may be the same array as `rows`, needs room for count rows, and 16
 * more may be overwritten (TR_SELECT_SLACK).
 */
#ifndef TR_CORE_OPS_KERNEL_COMPARE_H
#define TR_CORE_OPS_KERNEL_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/column.h"
#include "base/cpu.h"
#include "core/ops/kernel_arith.h"

#define TR_SELECT_SLACK 16

enum tr_compare {
	TR_COMPARE_EQ,
	TR_COMPARE_NE,
	TR_COMPARE_LT,
	TR_COMPARE_GT,
	TR_COMPARE_LE,
	TR_COMPARE_GE,
	TR_COMPARE_COUNT
};

/** The comparison with its operands exchanged. */
static inline enum tr_compare tr_compare_flip(enum tr_compare c)
{
	static const uint8_t flipped[] = {TR_COMPARE_EQ, TR_COMPARE_NE, TR_COMPARE_GT,
					  TR_COMPARE_LT, TR_COMPARE_GE, TR_COMPARE_LE};

	return (enum tr_compare)flipped[c];
}

/* b_is_constant: b is one value. */
typedef void (*tr_compare_fn)(uint8_t *restrict out, const void *restrict a, const void *restrict b,
			      const uint32_t *rows, uint32_t count);
typedef void (*tr_mask_fn)(const void *restrict a, const void *restrict b, uint64_t *restrict mask, uint32_t count);
typedef uint32_t (*tr_select_fn)(const void *restrict a, const void *restrict b, const uint64_t *validity,
				 const uint32_t *rows, uint32_t count, uint32_t *out);

struct tr_kernel_compare {
	tr_compare_fn compare[TR_COMPARE_COUNT][TR_NUMBER_COUNT][2]; /* [1]: b is constant */
	tr_select_fn select[TR_COMPARE_COUNT][TR_NUMBER_COUNT][2];
	tr_mask_fn mask[TR_COMPARE_COUNT][TR_NUMBER_COUNT][2];
	/* `constant` of up to TR_VIEW_INLINE_MAX bytes */
	void (*mask_view)(const struct tr_view *a, const struct tr_view *constant, bool wanted, uint64_t *restrict mask,
			  uint32_t count);
	/* Rows that are not NULL and whose text is (wanted) or is not `constant`. */
	uint32_t (*select_view)(const struct tr_view *a, const struct tr_view *constant, bool wanted,
				const uint64_t *validity, const uint32_t *rows, uint32_t count, uint32_t *out);
	/* Rows whose byte is `wanted` (0 or 1) and that are not NULL. */
	uint32_t (*select_bytes)(const uint8_t *restrict bytes, uint8_t wanted, const uint64_t *validity,
				 const uint32_t *rows, uint32_t count, uint32_t *out);
	/* The same of a list of rows, and the others to `rest`, which has room for all. */
	uint32_t (*deal_bytes)(const uint8_t *restrict bytes, uint8_t wanted, const uint64_t *validity,
			       const uint32_t *restrict rows, uint32_t count, uint32_t *restrict out,
			       uint32_t *restrict rest);
	/* Rows whose bit is `wanted`. */
	uint32_t (*select_bits)(const uint64_t *bits, bool wanted, const uint32_t *rows, uint32_t count, uint32_t *out);
};

TR_ISA_DECLARE(struct tr_kernel_compare, tr_kernel_compare);

#endif
