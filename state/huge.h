/* SPDX-License-Identifier: Apache-2.0
 *
 * Large zeroed arrays on huge pages: random access to hundreds of megabytes is bound by the translation of addresses
 * as much as by memory itself. From 1 MiB on, memory is aligned to 2 MiB and the kernel is asked for huge pages (a
 * wish, not a demand). Free with free().
 */
#ifndef TR_STATE_HUGE_H
#define TR_STATE_HUGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

#define TR_HUGE_PAGE_BYTES ((size_t)2 << 20)

static inline void *tr_huge_zalloc(size_t bytes)
{
	void *p;

	if (bytes < TR_HUGE_PAGE_BYTES / 2) {
		p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
		TR_ASSERT(p != NULL);
		return memset(p, 0, bytes);
	}
	bytes = (bytes + TR_HUGE_PAGE_BYTES - 1) & ~(TR_HUGE_PAGE_BYTES - 1);
	p = aligned_alloc(TR_HUGE_PAGE_BYTES, bytes);
	TR_ASSERT(p != NULL);
	(void)madvise(p, bytes, MADV_HUGEPAGE);
	return memset(p, 0, bytes);
}

#endif
