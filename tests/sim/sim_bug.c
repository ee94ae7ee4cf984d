/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of planted bugs.
 */
#include "sim/sim_bug.h"

#include "base/check.h"

static const struct tr_sim_bug bugs[] = {
	{"sink-not-synced", "a part file is published without having been synced"},
	{"sink-name-not-synced", "a part file is renamed, but its folder is not synced"},
	{"sink-folder-not-synced", "a new partition folder is not made durable in the one above it"},
	{"sink-syncs-again", "a sync that has failed is tried again, and the second answer is believed"},
	{"sink-short-write", "a short write counts as a whole one"},
	{"sink-keeps-pending", "pending files of a killed run are never removed"},
	{"read-short", "a short read counts as a whole one"},
	{"channel-credit-wakes-nobody", "who gives a credit back does not wake the worker that waits for it"},
};

uint32_t tr_sim_bug_count(void) { return TR_COUNT_OF(bugs); }

const struct tr_sim_bug *tr_sim_bug(uint32_t index)
{
	TR_ASSERT(index < TR_COUNT_OF(bugs));
	return &bugs[index];
}
