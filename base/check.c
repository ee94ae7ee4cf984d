/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a process that found a mistake in itself.
 *
 * What is printed has to come out even when the heap is damaged, so nothing here allocates: the text is written with
 * write(2) and the stack with backtrace_symbols_fd. (The first backtrace() loads libgcc, which may allocate; by then
 * the condition has been printed.) addr2line turns the addresses into lines.
 */
#include "base/check.h"

#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_MAX 64

static void put(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		const ssize_t n = write(STDERR_FILENO, text, left);

		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

_Noreturn void tr_check_fail(const char *where, const char *condition)
{
	void *frames[FRAMES_MAX];
	int count;

	put("tailrace: assertion failed at ");
	put(where);
	put(": ");
	put(condition);
	put("\nThis is a bug in Tailrace, not in the job. Stack:\n");
	count = backtrace(frames, FRAMES_MAX);
	backtrace_symbols_fd(frames, count, STDERR_FILENO);
	abort();
}
