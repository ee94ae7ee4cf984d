/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: one seed is one story.
 *
 *     seed ──▶ job and inputs, shape (workers, batches, credits, chunks), which fault classes are on
 *          ──▶ reference: the job undisturbed, one worker, on a perfect disk
 *          ──▶ safety phase: runs that are killed, cut, asked to stop, or fail of an injected fault; after each, what
 *              readers see is checked
 *          ──▶ liveness phase: a run without faults; it must end, with the reference's rows
 *          ──▶ branch: the last savepoint alone; a job that begins with it must give the rows that were still missing
 *
 * Each fault class is on in a part of the seeds only ("swarm"): with all of them on in each seed no run would come far.
 * What is checked is listed in tests/sim/README.md. The same seed gives the same story, event for event. One thread.
 */
#ifndef TR_TESTS_SIM_H
#define TR_TESTS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/sim_environment.h"

#define TR_SIM_JOB_ANY (-1) /* the seed chooses */
#define TR_SIM_JOB_LOG (-2) /* no job: the log alone (sim_log.h) */

struct tr_sim_request {
	uint64_t seed;
	int32_t job;      /* index of a template, or one of the above */
	bool is_calm;     /* no fault class is on */
	bool is_wild;     /* damage may fall on both copies of the newest root: see README.md */
	const char *keep; /* an existing directory of the real disk, for script, inputs and outputs; NULL: none */
};

struct tr_sim_result {
	bool is_broken;
	char message[1536]; /* the first invariant that did not hold */
	char about[256];    /* job, shape, fault classes */
	uint64_t hash;
	uint64_t steps;
	uint64_t runs;
	uint64_t kills;
	uint64_t cuts;
	uint64_t errors; /* injected, and damage */
	uint64_t checkpoints;
	uint64_t restores; /* runs that began with a checkpoint */
	uint64_t savepoints;
	uint64_t stops;
	uint64_t branches; /* jobs that began anew with a savepoint whose job had gone on */
	uint64_t refusals; /* stories that ended because of damage */
	uint64_t rows;
};

/** How many events are printed of a broken seed. */
extern uint32_t tr_sim_events_shown;

/** The environment of the seed that is being run; for those who print its trace when the process ends early. */
extern const struct tr_sim_environment *tr_sim_current;

void tr_sim_seed(const struct tr_sim_request *request, struct tr_sim_result *result);

#endif
