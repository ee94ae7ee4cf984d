/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels of window aggregation that are built for each instruction set (base/cpu.h).
 */
#ifndef TR_CORE_OPS_WINDOW_KERNEL_H
#define TR_CORE_OPS_WINDOW_KERNEL_H

#include <stdint.h>

#include "base/cpu.h"

struct tr_window_range {
	int64_t least;
	int64_t greatest;
	uint64_t descents; /* positions whose time is below the one before */
};

struct tr_window_kernels {
	/* count >= 1 */
	void (*range)(const int64_t *times, uint32_t count, struct tr_window_range *range);
	/* out[i] = values[rows[i]] */
	void (*gather)(const int64_t *values, const uint32_t *rows, uint32_t count, int64_t *out);
	/* The positions whose time is not in [start, start + slice_ms), into out (room for count + 16); how many. */
	uint32_t (*outside)(const int64_t *times, uint32_t count, int64_t start, int64_t slice_ms, uint32_t *out);
	/* out[i] = slice number of times[i], counted from `base`; all below 2^31. */
	void (*slices)(const int64_t *times, uint32_t count, int64_t base, int64_t slice_ms, uint32_t *out);
	/* The same of times[rows[i]]. */
	void (*slices_at)(const int64_t *times, const uint32_t *rows, uint32_t count, int64_t base, int64_t slice_ms,
			  uint32_t *out);
};

TR_ISA_DECLARE(struct tr_window_kernels, tr_window_kernels);

#endif
