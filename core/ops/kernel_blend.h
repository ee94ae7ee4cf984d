/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing between two columns row by row: what a CASE is whose parts are all computed for all rows.
 */
#ifndef TR_CORE_OPS_KERNEL_BLEND_H
#define TR_CORE_OPS_KERNEL_BLEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu.h"

/** One of the two sides. */
struct tr_blend_side {
	const void *data;
	const uint64_t *validity; /* NULL: no row is NULL. A constant has a bitmap too, of equal bits */
	bool is_constant;         /* data is one value */
};

struct tr_kernel_blend {
	/* Rows (NULL: 0 .. count - 1) take `yes` where the condition's byte is 1 and its validity bit is set, else `no`;
	 * [log2 of the width in bytes]. `out` is neither side. */
	void (*values[4])(void *restrict out, const uint8_t *restrict condition, const uint64_t *validity,
			  const struct tr_blend_side *yes, const struct tr_blend_side *no, const uint32_t *rows,
			  uint32_t count);
	/* The validity of the result for all rows. False: no row is NULL. */
	bool (*bits)(uint64_t *restrict out, const uint8_t *restrict condition, const uint64_t *validity,
		     const struct tr_blend_side *yes, const struct tr_blend_side *no, uint32_t row_count);
};

TR_ISA_DECLARE(struct tr_kernel_blend, tr_kernel_blend);

#endif
