/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that tell a story share (sim.c, sim_savepoint.c): the teller, and how it judges.
 */
#ifndef TR_TESTS_SIM_STORY_H
#define TR_TESTS_SIM_STORY_H

#include "sim/sim.h"
#include "sim/sim_output.h"
#include "sim/sim_run.h"
#include "sim/sim_swarm.h"

#define TR_SIM_STATE_FOLDER "/state"

/** A savepoint that somebody was told is there. */
struct tr_sim_savepoint {
	bool is_there;
	char directory[64];
	uint64_t checkpoint;
	enum tr_stop_mode stop; /* what was asked for with it */
	char **files;           /* that were published then */
	uint32_t file_count;
};

struct tr_sim_teller {
	const struct tr_sim_request *request;
	struct tr_sim_result *result;
	struct tr_sim_job job;
	struct tr_sim_shape shape;
	struct tr_sim_swarm swarm;
	struct tr_sim_environment env;
	struct tr_sim_disk disk;
	struct tr_sim_output reference;
	uint64_t random;
	bool has_checkpoints;
	bool is_refused; /* damage was found, and the job does not go on: a good end */
	/* What was asked for. */
	struct tr_sim_savepoint savepoint; /* the last one */
	uint32_t ask_count;
	bool was_drain_asked; /* windows may have fired before all of their rows had come */
	uint32_t move_count;  /* times that it went on from a savepoint, in another directory */
	char state_directory[64];
	char restore_from[64];
};

/** Notes the first broken invariant. Returns false. */
bool tr_sim_broken(struct tr_sim_teller *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Compares what readers see of one job, or all (`job_id` NULL), with the reference: nothing that is not in it, and if it is to
 * be complete, all of it. */
bool tr_sim_check_rows(struct tr_sim_teller *t, const char *job_id, bool is_complete);

/* sim_savepoint.c */

/** Chooses what is asked of the run that begins. `is_last`: nothing that would end it. */
void tr_sim_savepoint_choose(struct tr_sim_teller *t, bool is_last);

/** After a run: what its answer must have been. */
bool tr_sim_savepoint_judge(struct tr_sim_teller *t, const struct tr_sim_run *run, bool may_fail);

/** Perhaps the job goes on from the savepoint with which it has stopped, instead of its checkpoints. */
void tr_sim_savepoint_move(struct tr_sim_teller *t);

/** The end of a story: whatever has become of the job, its last savepoint stands for itself. All that came later is removed,
 * the job's checkpoints too, and a job that begins with it must publish what is missing. */
bool tr_sim_savepoint_branch(struct tr_sim_teller *t);

void tr_sim_savepoint_forget(struct tr_sim_savepoint *savepoint);

#endif
