/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of kernels: a cmocka test that runs the whole program once more for each lower instruction set. The set is chosen once
 * per process, so each needs a process of its own.
 */
#ifndef TR_TESTS_SUPPORT_LOWER_ISA_H
#define TR_TESTS_SUPPORT_LOWER_ISA_H

#include <unistd.h>

#include "base/check.h"
#include "tr_test.h"

static void lower_instruction_sets(void **state)
{
	static const char *const levels[] = {"v2", "v3"};
	char path[1024] = "", command[1200];

	if (getenv("TAILRACE_ISA") != NULL)
		skip();
	assert_in_range(readlink("/proc/self/exe", path, sizeof(path) - 1), 1, sizeof(path) - 2);
	for (size_t i = 0; i < TR_COUNT_OF(levels); i++) {
		snprintf(command, sizeof(command), "TAILRACE_ISA=%s '%s' >/dev/null 2>&1", levels[i], path);
		if (system(command) != 0)
			fail_msg("fails: TAILRACE_ISA=%s %s", levels[i], path);
	}
}

#endif
