/* SPDX-License-Identifier: Apache-2.0
 *
 * Swarm: which fault classes are on in a seed, and how often they strike.
 *
 * Each class is on in a part of the seeds only, each with its own odds: with all of them on no run would come far, and
 * pairs that hide each other must be seen apart.
 */
#ifndef TR_TESTS_SIM_SWARM_H
#define TR_TESTS_SIM_SWARM_H

#include "sim/sim_disk.h"

struct tr_sim_swarm {
	struct tr_sim_disk_faults faults; /* quota_bytes: 1 stands for "some runs get a quota" */
	uint32_t crash_count;             /* runs that are to die */
	uint32_t crash_spread;            /* calls of the disk until they do, at most */
	bool can_cut;
	bool can_kill;
	uint32_t rot_count;     /* bits that flip between two runs */
	uint32_t ask_permille;  /* runs of which somebody asks something */
	uint32_t jump_permille; /* steps after which the wall clock is set to another time */
};

void tr_sim_swarm_choose(struct tr_sim_swarm *swarm, uint64_t *random);

/** Appends a text about what is on. */
void tr_sim_swarm_describe(const struct tr_sim_swarm *swarm, char *text, size_t size);

/** Whether something is on that can make a run fail though nobody dies. */
bool tr_sim_swarm_has_errors(const struct tr_sim_swarm *swarm);

/** Arms the disk for one run. `is_calm`: nothing goes wrong; delays stay. */
void tr_sim_swarm_arm(const struct tr_sim_swarm *swarm, struct tr_sim_disk *disk, bool is_calm, uint64_t *random);

/** The fault atlas of the log: all but the roots' second copies, and of their first ones those that have a second like them.
 * When both copies of the newest root are lost, an older checkpoint is all that the log knows of, and what has been
 * published since is published again. */
bool tr_sim_swarm_may_damage(const struct tr_sim_disk *disk, const char *path, int64_t offset, size_t length);

/** One of `count` values. */
static inline uint32_t tr_sim_pick(uint64_t *random, const uint32_t *values, uint32_t count)
{
	return values[tr_sim_below(random, count)];
}

#define TR_SIM_PICK(random, ...)                               \
	tr_sim_pick((random), (const uint32_t[]){__VA_ARGS__}, \
		    (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))

#endif
