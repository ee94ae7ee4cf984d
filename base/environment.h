/* SPDX-License-Identifier: Apache-2.0
 *
 * Environment: everything outside. Clocks, random numbers and (io/disk.h) files are reached only through this, so
 * that a test can run the whole engine in simulated time from one seed.
 *
 * The real one is io/environment_real.c; tests/sim has the simulated one. Calls happen per batch, not per row: the
 * indirection costs nothing. Thread: clock and random may be called from any thread.
 */
#ifndef TR_BASE_ENVIRONMENT_H
#define TR_BASE_ENVIRONMENT_H

#include <stdint.h>

struct tr_disk;
struct tr_environment;

struct tr_environment_ops {
	int64_t (*monotonic_ns)(struct tr_environment *env); /* for time-outs only */
	int64_t (*wall_ms)(struct tr_environment *env);      /* since 1970, UTC: processing time */
	uint64_t (*random)(struct tr_environment *env);      /* for ids and unseeded generators */
};

struct tr_environment {
	const struct tr_environment_ops *ops;
	struct tr_disk *disk; /* io/disk.h */
};

static inline int64_t tr_environment_monotonic_ns(struct tr_environment *env) { return env->ops->monotonic_ns(env); }
static inline int64_t tr_environment_wall_ms(struct tr_environment *env) { return env->ops->wall_ms(env); }
static inline uint64_t tr_environment_random(struct tr_environment *env) { return env->ops->random(env); }

#endif
