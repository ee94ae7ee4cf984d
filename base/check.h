/* SPDX-License-Identifier: Apache-2.0
 *
 * Assertions: how Tailrace says that the code went wrong.
 *
 * TR_ASSERT stays on in release builds: it is for what is cheap to ask (bounds, states). TR_DASSERT is for the
 * debug build: it may walk a table. Both end the process at once with the place and the condition; the parent
 * process restarts the job from its checkpoint. We never go on with memory that we no longer understand.
 */
#ifndef TR_BASE_CHECK_H
#define TR_BASE_CHECK_H

#include <stdbool.h>

/** Prints place, condition and a stack trace on stderr, and aborts. */
_Noreturn void tr_check_fail(const char *where, const char *condition);

#define TR_CHECK_STR_(x) #x
#define TR_CHECK_STR(x) TR_CHECK_STR_(x)
#define TR_LIKELY(x) __builtin_expect(!!(x), 1)
#define TR_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define TR_ASSERT(condition)                                                            \
	do {                                                                            \
		if (TR_UNLIKELY(!(condition)))                                          \
			tr_check_fail(__FILE__ ":" TR_CHECK_STR(__LINE__), #condition); \
	} while (0)

#ifdef TR_DEBUG
#define TR_DASSERT(condition) TR_ASSERT(condition)
#else
#define TR_DASSERT(condition) ((void)sizeof(condition))
#endif

#define TR_UNREACHABLE() tr_check_fail(__FILE__ ":" TR_CHECK_STR(__LINE__), "unreachable")

/** What an allocation has given; there is no going on without it. */
static inline void *tr_checked(void *p)
{
	TR_ASSERT(p != (void *)0);
	return p;
}

#define TR_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TR_MIN(a, b) ((a) < (b) ? (a) : (b))
#define TR_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
