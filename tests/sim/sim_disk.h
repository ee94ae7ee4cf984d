/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated disk: struct tr_disk_ops over a simulated volume, with everything that a real disk may do to us.
 *
 *     submit ──▶ in flight, due at now + a random delay ──▶ poll or wait: those that are due, in random order
 *
 * A request is carried out when it completes. Results are those that io/disk_uring.c and io/disk_plain.c let through:
 * short reads and writes, -EIO, -ENOSPC; EINTR and EAGAIN those send again themselves, so here they are a delay. A sync
 * covers the writes that had completed when it was submitted. The buffer of a read is filled with garbage at once, so
 * that nobody can use it too early.
 *
 * The end of a process comes in two kinds, and both kill the disk: from then on every call fails and changes nothing,
 * so that the engine's structs can be freed without leaving traces. After restart a new engine may use it. Since only
 * what is on the disk survives, a process that dies at every possible call of its disk dies at every moment that matters:
 * `die_at_call` chooses one, also in the middle of a step.
 *
 *     kill   what was written stays (the page cache survives); what is in flight happens or not
 *     cut    the power fails: sim_volume.h
 *
 * What the engine must never do is noted as a violation: to write or sync a file after its sync has failed, or to
 * rename it (I14); to wait for something that can't come. One thread.
 */
#ifndef TR_TESTS_SIM_DISK_H
#define TR_TESTS_SIM_DISK_H

#include "io/disk.h"
#include "sim/sim_environment.h"
#include "sim/sim_volume.h"

struct tr_sim_disk;

/** How often what goes wrong; permille of the requests. All zero: a perfect disk, which answers at once. */
struct tr_sim_disk_faults {
	uint32_t delay_ns_max; /* usual delay of a request */
	uint32_t slow_permille;
	uint32_t slow_ns_max; /* delay of a slow one */
	uint32_t short_permille;
	uint32_t read_error_permille;
	uint32_t write_error_permille;
	uint32_t sync_error_permille;
	uint32_t name_error_permille; /* create, rename, remove, directory sync, make directory */
	uint32_t misdirect_permille;  /* writes */
	int64_t quota_bytes;          /* beyond it: ENOSPC; 0: none */
};

/** Whether these bytes may be damaged (bit rot, misdirected writes): the fault atlas. NULL: nothing may. */
typedef bool (*tr_sim_atlas_fn)(void *context, const char *path, int64_t offset, size_t length);

struct tr_sim_disk {
	struct tr_disk disk; /* first */
	struct tr_sim_environment *env;
	struct tr_sim_volume volume;
	struct tr_sim_disk_faults faults;
	tr_sim_atlas_fn atlas;
	void *atlas_context;
	uint64_t random;
	bool is_dead;
	uint64_t call_count;
	uint64_t die_at_call; /* the process ends before this call is carried out; 0: it doesn't */
	bool dies_by_cut;
	uint32_t file_count; /* open */
	struct tr_sim_queue *queues;
	const char *violation; /* the first; static; NULL: none */
	char violation_path[256];
	/* what has happened, for the statistics */
	uint64_t error_count;
	uint64_t damage_count;
};

/** Sets env->env.disk. */
void tr_sim_disk_init(struct tr_sim_disk *disk, struct tr_sim_environment *env, uint64_t seed);

/** All files and queues must be closed. */
void tr_sim_disk_deinit(struct tr_sim_disk *disk);

/** Puts a file there, durable, with the directories above it. */
void tr_sim_disk_put(struct tr_sim_disk *disk, const char *path, const char *bytes, size_t length);

/** When the next request in flight is due; INT64_MAX: nothing is in flight. */
int64_t tr_sim_disk_next_ns(const struct tr_sim_disk *disk);

/** The same of one queue; 0 if it has been woken. */
int64_t tr_sim_queue_next_ns(const struct tr_io_queue *queue);

/** The process ends, the machine lives on. */
void tr_sim_disk_kill(struct tr_sim_disk *disk);

/** The power fails. */
void tr_sim_disk_cut(struct tr_sim_disk *disk);

/** After kill or cut, when the dead engine's files and queues are closed. */
void tr_sim_disk_restart(struct tr_sim_disk *disk);

/** Flips one bit of a random file below `path`, where the atlas allows it. False: found nothing to damage. */
bool tr_sim_disk_rot(struct tr_sim_disk *disk, const char *path);

#endif
