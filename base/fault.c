/* SPDX-License-Identifier: Apache-2.0
 *
 * What is planted, and who listens. Empty without TR_FAULTS: see base/fault.h.
 */
#include "base/fault.h"

#ifdef TR_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *tr_fault_planted;
void (*tr_fault_on_point)(const char *name);
size_t tr_fault_segment_bytes;
size_t tr_fault_block_bytes;

bool tr_fault_is_planted(const char *name) { return tr_fault_planted != NULL && strcmp(tr_fault_planted, name) == 0; }

void tr_fault_reach(const char *name)
{
	if (tr_fault_on_point != NULL)
		tr_fault_on_point(name);
}

/* ---- the environment ---- */

static char armed_point[64];
static uint64_t armed_hit;
static _Atomic uint64_t hits;

/** Dies as the armed point is reached for the armed time; who comes later while the process dies waits for it. */
static void die_at_point(const char *name)
{
	if (strcmp(name, armed_point) != 0)
		return;
	if (atomic_fetch_add_explicit(&hits, 1, memory_order_relaxed) + 1 != armed_hit) /* a count and nothing else */
		return;
	dprintf(STDERR_FILENO, "fault: %s, hit %llu\n", name, (unsigned long long)armed_hit);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

void tr_fault_arm(void)
{
	const char *point = getenv("TAILRACE_FAULT");
	const char *hit = point != NULL ? strrchr(point, ':') : NULL;
	const char *segment = getenv("TAILRACE_SEGMENT_BYTES"), *block = getenv("TAILRACE_BLOCK_BYTES");

	tr_fault_segment_bytes = segment != NULL ? strtoull(segment, NULL, 10) : 0;
	tr_fault_block_bytes = block != NULL ? strtoull(block, NULL, 10) : 0;
	tr_fault_planted = getenv("TAILRACE_BUG");
	if (hit == NULL || (size_t)(hit - point) >= sizeof(armed_point))
		return;
	memcpy(armed_point, point, (size_t)(hit - point));
	armed_hit = strtoull(hit + 1, NULL, 10);
	tr_fault_on_point = die_at_point;
}

#endif
