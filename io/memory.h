/* SPDX-License-Identifier: Apache-2.0
 *
 * Heap objects of io/: zeroed, and never NULL. Memory budgets are enforced above; when the system itself is out of
 * memory the process ends, as it does in base/arena.h. For set-up and for buffers that grow rarely, not per batch.
 */
#ifndef TR_IO_MEMORY_H
#define TR_IO_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/** `count` zeroed objects of `size` bytes. Free with free(). */
static inline void *tr_io_calloc(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size);

	TR_ASSERT(p != NULL);
	return p;
}

/** Grows or shrinks; keeps the content. New bytes are undefined. */
static inline void *tr_io_realloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	TR_ASSERT(p != NULL);
	return p;
}

static inline char *tr_io_strdup(const char *text)
{
	char *p = strdup(text);

	TR_ASSERT(p != NULL);
	return p;
}

#endif
