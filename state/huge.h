/* SPDX-License-Identifier: Apache-2.0
 *
 * Large zeroed arrays on huge pages: random access to hundreds of megabytes is bound by the translation of addresses
 * as much as by memory itself. From 1 MiB on, memory is aligned to 2 MiB and the kernel is asked for huge pages (a
 * wish, not a demand). tr_huge_zalloc's is freed with free(); tr_huge_map's comes from the kernel as it is, which zeroes
 * a page when it is first touched, and goes back with tr_huge_unmap.
 */
#ifndef TR_STATE_HUGE_H
#define TR_STATE_HUGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

#define TR_HUGE_PAGE_BYTES ((size_t)2 << 20)

/** Asks for huge pages, except under sanitizers, whose shadow memory would follow. */
static inline void tr_huge_advise(void *p, size_t bytes)
{
#ifndef TR_SANITIZED
	(void)madvise(p, bytes, MADV_HUGEPAGE);
#else
	(void)p;
	(void)bytes;
#endif
}

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
	tr_huge_advise(p, bytes);
	return memset(p, 0, bytes);
}

#define TR_HUGE_MAP_MIN (TR_HUGE_PAGE_BYTES / 2) /* from here on tr_huge_map maps, below it allocates */

static inline size_t tr_huge_round(size_t bytes)
{
	return (bytes + TR_HUGE_PAGE_BYTES - 1) & ~(TR_HUGE_PAGE_BYTES - 1);
}

/** `is_wished`: for huge pages. */
static inline void *tr_huge_map_as(size_t bytes, bool is_wished)
{
	char *p, *aligned;

	if (bytes < TR_HUGE_MAP_MIN)
		return tr_huge_zalloc(bytes);
	bytes = tr_huge_round(bytes);
	p = mmap(NULL, bytes + TR_HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TR_ASSERT(p != MAP_FAILED);
	aligned = p + (-(uintptr_t)p & (TR_HUGE_PAGE_BYTES - 1));
	if (aligned > p)
		(void)munmap(p, (size_t)(aligned - p));
	if (aligned < p + TR_HUGE_PAGE_BYTES)
		(void)munmap(aligned + bytes, (size_t)(p + TR_HUGE_PAGE_BYTES - aligned));
	if (is_wished)
		tr_huge_advise(aligned, bytes);
	return aligned;
}

static inline void *tr_huge_map(size_t bytes) { return tr_huge_map_as(bytes, true); }

/** `bytes` as given to tr_huge_map. */
static inline void tr_huge_unmap(void *p, size_t bytes)
{
	if (bytes < TR_HUGE_MAP_MIN)
		free(p);
	else
		(void)munmap(p, tr_huge_round(bytes));
}

static inline void *tr_huge_remap_as(void *p, size_t old_bytes, size_t new_bytes, bool is_wished)
{
	void *target;

	if (tr_huge_round(old_bytes) == tr_huge_round(new_bytes))
		return p;
	target = tr_huge_map_as(new_bytes, is_wished);
	if (mremap(p, tr_huge_round(old_bytes), tr_huge_round(new_bytes), MREMAP_MAYMOVE | MREMAP_FIXED, target) ==
	    MAP_FAILED) { /* not here: then by bytes */
		memcpy(target, p, old_bytes);
		tr_huge_unmap(p, old_bytes);
	}
	return target;
}

/** Makes what tr_huge_map gave larger, by moving pages, not bytes. What is new is zero. Both at least TR_HUGE_MAP_MIN. */
static inline void *tr_huge_remap(void *p, size_t old_bytes, size_t new_bytes)
{
	return tr_huge_remap_as(p, old_bytes, new_bytes, true);
}

#define TR_HUGE_GROW_MIN (4 * TR_HUGE_PAGE_BYTES)

/** An array of tr_huge_map's (NULL: of none) with more room; `old_bytes` as they were given before. What is new is zero. It is filled from
 * its beginning on: a small one takes memory as it is filled, not by huge pages. */
static inline void *tr_huge_grow(void *old, size_t old_bytes, size_t bytes)
{
	const bool is_wished = bytes >= TR_HUGE_GROW_MIN;
	void *larger;

	if (old_bytes >= TR_HUGE_MAP_MIN)
		return tr_huge_remap_as(old, old_bytes, bytes, is_wished);
	larger = tr_huge_map_as(bytes, is_wished);
	if (old_bytes > 0) {
		memcpy(larger, old, old_bytes);
		tr_huge_unmap(old, old_bytes);
	}
	return larger;
}

#endif
