/* SPDX-License-Identifier: Apache-2.0
 *
 * Key groups: who owns a key. Hash of the key columns (base/hash.h) -> key group -> subtask.
 *
 * Key groups are ranges of the hash's upper half: group = upper 32 bits * groups / 2^32. Subtask t of n has the groups g
 * with g * n / groups = t: a run of neighbours, so that another parallelism moves few groups. Hash tables should take
 * their bits from the lower half. Exchanges route by this and restored operators keep by this, so both agree.
 */
#ifndef TR_STATE_KEY_GROUP_H
#define TR_STATE_KEY_GROUP_H

#include <stdint.h>

#define TR_KEY_GROUPS_DEFAULT 128 /* pipeline.max-parallelism */

static inline uint32_t tr_key_group(uint64_t hash, uint32_t group_count)
{
	return (uint32_t)(((hash >> 32) * group_count) >> 32);
}

static inline uint32_t tr_key_group_subtask(uint32_t group, uint32_t group_count, uint32_t subtask_count)
{
	return (uint32_t)((uint64_t)group * subtask_count / group_count);
}

#endif
