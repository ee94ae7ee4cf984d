/* SPDX-License-Identifier: Apache-2.0
 *
 * The odds: see sim_swarm.h.
 */
#include "sim/sim_swarm.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "state/log_format.h"

#define CRASHES_MAX 5
#define QUOTA_ROOM_MAX 3000
#define ROOT_BYTES 16384 /* more than a root has here */

void tr_sim_swarm_choose(struct tr_sim_swarm *swarm, uint64_t *random)
{
	struct tr_sim_disk_faults *faults = &swarm->faults;

	*swarm = (struct tr_sim_swarm){.crash_count = 0};
	faults->delay_ns_max = TR_SIM_PICK(random, 0, 50000, 50000, 2000000);
	if (tr_sim_chance(random, 300)) {
		faults->slow_permille = 50;
		faults->slow_ns_max = 50000000;
	}
	if (tr_sim_chance(random, 500))
		faults->short_permille = TR_SIM_PICK(random, 20, 300);
	if (tr_sim_chance(random, 100))
		faults->read_error_permille = 5;
	if (tr_sim_chance(random, 150))
		faults->write_error_permille = 20;
	if (tr_sim_chance(random, 250))
		faults->sync_error_permille = TR_SIM_PICK(random, 50, 200);
	if (tr_sim_chance(random, 100))
		faults->name_error_permille = 20;
	if (tr_sim_chance(random, 100))
		faults->quota_bytes = 1;
	if (tr_sim_chance(random, 600)) {
		swarm->can_kill = tr_sim_chance(random, 600);
		swarm->can_cut = !swarm->can_kill || tr_sim_chance(random, 600);
		swarm->crash_count = 1 + tr_sim_below(random, CRASHES_MAX);
		swarm->crash_spread = TR_SIM_PICK(random, 5, 60, 200, 500, 1500);
	}
	if (tr_sim_chance(random, 100))
		faults->misdirect_permille = 30;
	if (tr_sim_chance(random, 150))
		swarm->rot_count = 1 + tr_sim_below(random, 3);
	if (tr_sim_chance(random, 500))
		swarm->ask_permille = TR_SIM_PICK(random, 500, 1000);
	if (tr_sim_chance(random, 200))
		swarm->jump_permille = TR_SIM_PICK(random, 1, 10, 100);
}

void tr_sim_swarm_describe(const struct tr_sim_swarm *swarm, char *text, size_t size)
{
	const struct tr_sim_disk_faults *faults = &swarm->faults;
	const size_t length = strlen(text);

	snprintf(text + length, size - length,
		 "; delay %u, short %u, errors %u/%u/%u/%u, quota %" PRId64
		 ", misdirected %u, rot %u, crashes %u in %u%s%s, asks %u, clock %u",
		 faults->delay_ns_max, faults->short_permille, faults->read_error_permille,
		 faults->write_error_permille, faults->sync_error_permille, faults->name_error_permille,
		 faults->quota_bytes, faults->misdirect_permille, swarm->rot_count, swarm->crash_count,
		 swarm->crash_spread, swarm->can_kill ? " kill" : "", swarm->can_cut ? " cut" : "", swarm->ask_permille,
		 swarm->jump_permille);
}

bool tr_sim_swarm_may_damage(const struct tr_sim_disk *disk, const char *path, int64_t offset, size_t length)
{
	char copies[2][ROOT_BYTES] = {{0}};
	struct tr_sim_inode *inode;

	if (strstr(path, "/root-") == NULL)
		return true;
	if (offset + (int64_t)length > (int64_t)TR_ROOT_STRIDE || tr_sim_volume_find(&disk->volume, path, &inode) != 0)
		return false;
	for (size_t c = 0; c < 2 && inode->durable.length > c * TR_ROOT_STRIDE; c++)
		tr_sim_content_get(&inode->durable, c * TR_ROOT_STRIDE, copies[c],
				   TR_MIN(inode->durable.length - c * TR_ROOT_STRIDE, ROOT_BYTES));
	return memcmp(copies[0], copies[1], ROOT_BYTES) == 0;
}

bool tr_sim_swarm_has_errors(const struct tr_sim_swarm *swarm)
{
	const struct tr_sim_disk_faults *faults = &swarm->faults;

	return faults->read_error_permille > 0 || faults->write_error_permille > 0 || faults->sync_error_permille > 0 ||
	       faults->name_error_permille > 0 || faults->quota_bytes > 0 || faults->misdirect_permille > 0 ||
	       swarm->rot_count > 0;
}

void tr_sim_swarm_arm(const struct tr_sim_swarm *swarm, struct tr_sim_disk *disk, bool is_calm, uint64_t *random)
{
	disk->die_at_call = 0;
	if (is_calm) {
		disk->faults = (struct tr_sim_disk_faults){.delay_ns_max = swarm->faults.delay_ns_max};
		return;
	}
	disk->faults = swarm->faults;
	if (swarm->faults.quota_bytes != 0)
		disk->faults.quota_bytes =
			tr_sim_volume_used_bytes(&disk->volume) + 1 + (int64_t)tr_sim_below(random, QUOTA_ROOM_MAX);
	if (swarm->crash_count > 0)
		disk->die_at_call = disk->call_count + 1 + tr_sim_below(random, swarm->crash_spread);
	disk->dies_by_cut = swarm->can_cut && (!swarm->can_kill || tr_sim_chance(random, 500));
}
