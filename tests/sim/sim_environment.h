/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated environment: clocks that move when the simulator says so, random numbers from one seed, and the trace.
 *
 * The trace is a hash over everything that happens (steps, I/O, crashes) and the last events themselves. Two runs of
 * one seed must have the same hash: it tells when something in the engine depends on an address, on real time or on
 * memory that was never written. One thread.
 */
#ifndef TR_TESTS_SIM_ENVIRONMENT_H
#define TR_TESTS_SIM_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/environment.h"

#define TR_SIM_EVENTS_KEPT 5000

/** One thing that happened. */
struct tr_sim_event {
	const char *what; /* static */
	char name[48];    /* the end of a path; may be empty */
	int64_t at_ns;
	int64_t a, b;
};

struct tr_sim_trace {
	uint64_t hash;
	uint64_t count;
	struct tr_sim_event kept[TR_SIM_EVENTS_KEPT]; /* a ring: event n lies at n modulo its size */
};

struct tr_sim_environment {
	struct tr_environment env; /* first */
	int64_t now_ns;
	int64_t wall_offset_ms; /* wall = now + offset; a test may set it back or forth */
	uint64_t random;        /* what the engine draws from */
	struct tr_sim_trace trace;
};

void tr_sim_environment_init(struct tr_sim_environment *env, uint64_t seed);

/** Appends an event. `what` is a literal; `name` may be NULL. */
void tr_sim_trace_add(struct tr_sim_environment *env, const char *what, const char *name, int64_t a, int64_t b);

/** Prints the last `count` events, oldest first. */
void tr_sim_trace_print(const struct tr_sim_environment *env, uint32_t count, FILE *out);

/* Random numbers of the simulator itself: splitmix64, one state per stream, so that what one part draws does not change
 * what another gets. */

static inline uint64_t tr_sim_random(uint64_t *state)
{
	uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/** A number in [0, limit). */
static inline uint32_t tr_sim_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(tr_sim_random(state) % limit);
}

/** True `permille` times of a thousand. Always draws. */
static inline bool tr_sim_chance(uint64_t *state, uint32_t permille) { return tr_sim_below(state, 1000) < permille; }

/** A new stream. */
static inline uint64_t tr_sim_stream(uint64_t seed, uint64_t stream)
{
	uint64_t state = seed * UINT64_C(0x2545f4914f6cdd1d) + stream * UINT64_C(0xda942042e4dd58b5);

	return tr_sim_random(&state);
}

#endif
