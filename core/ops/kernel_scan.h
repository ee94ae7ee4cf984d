/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts searched for one byte, 64 bytes at a time: how often it is there, and the token between two of its places.
 *
 * `rows` are the rows to compute, NULL for 0 .. count - 1; results are written by row number. The byte is ASCII, so that it
 * is a character wherever it is found in UTF-8.
 */
#ifndef TR_CORE_OPS_KERNEL_SCAN_H
#define TR_CORE_OPS_KERNEL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/column.h"
#include "base/cpu.h"

struct tr_kernel_scan {
	void (*count_byte)(int32_t *restrict out, const struct tr_view *views, char byte, const uint32_t *rows,
			   uint32_t count);
	/* The index-th token (from 0) between separators, as a view into the text. A row that has none, as an empty text has
	 * none, gets its bit in `validity` cleared. Returns whether there was such a row. */
	bool (*split)(struct tr_view *restrict out, uint64_t *restrict validity, const struct tr_view *views,
		      char separator, uint32_t index, const uint32_t *rows, uint32_t count);
};

TR_ISA_DECLARE(struct tr_kernel_scan, tr_kernel_scan);

#endif
