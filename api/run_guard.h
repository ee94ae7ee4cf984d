/* SPDX-License-Identifier: Apache-2.0
 *
 * Guards of debug builds: a pattern behind memory that a user may write. AddressSanitizer ends the process where instrumented code
 * touches it; what other code has written there is seen when the guard is taken away.
 */
#ifndef TR_API_RUN_GUARD_H
#define TR_API_RUN_GUARD_H

#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TR_RUN_GUARD_BYTES 64 /* column buffers have so many behind their last row */
#define TR_RUN_GUARD 0xa7

static inline void tr_run_guard_put(void *at)
{
	memset(at, TR_RUN_GUARD, TR_RUN_GUARD_BYTES);
	ASAN_POISON_MEMORY_REGION(at, TR_RUN_GUARD_BYTES);
}

/** Takes it away. False: somebody has written there. */
static inline bool tr_run_guard_take(void *at)
{
	const unsigned char *bytes = at;

	ASAN_UNPOISON_MEMORY_REGION(at, TR_RUN_GUARD_BYTES);
	for (uint32_t i = 0; i < TR_RUN_GUARD_BYTES; i++)
		if (bytes[i] != TR_RUN_GUARD)
			return false;
	return true;
}

#endif
