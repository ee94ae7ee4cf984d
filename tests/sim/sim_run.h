/* SPDX-License-Identifier: Apache-2.0
 *
 * A run: one life of the engine on the simulated disk, from the script to its end, on one thread.
 *
 * The script is compiled by the real session, the graph is the real one; only the threads are missing. A scheduler
 * picks one worker after the other at random and lets it take a step. It keeps the rules of core/worker.h: who finds
 * nothing to do parks, looks once more, and sleeps until a completion, a wake or its next timer. When all sleep the
 * clock jumps to the next thing that is due; when nothing is, the run is stuck, which is a lost wake-up or a dead lock.
 *
 * With checkpoints the coordinator is one more who takes steps, and the log lies in /state/job: a run goes on from what the
 * one before has left there.
 *
 * Somebody may ask the job for a savepoint or a stop while it runs, and the wall clock may be set back and forth.
 *
 * The run ends when the job has, when it has stopped as asked, when it has failed, when it is stuck, or when the disk has died under it: that is the
 * end of its process. What it leaves is on the disk. One thread.
 */
#ifndef TR_TESTS_SIM_RUN_H
#define TR_TESTS_SIM_RUN_H

#include "core/engine.h"
#include "sim/sim_disk.h"
#include "sim/sim_job.h"
#include "tailrace/status.h"

enum tr_sim_outcome {
	TR_SIM_DONE,
	TR_SIM_STOPPED, /* behind a checkpoint, as was asked */
	TR_SIM_FAILED,  /* the job says why in `message` */
	TR_SIM_DIED,    /* the disk died */
	TR_SIM_STUCK,
};

/** What is asked of a job while it runs. */
struct tr_sim_ask {
	bool is_wanted;
	enum tr_stop_mode stop;
	bool is_signal;             /* a stop as by CTRL-C: nobody gets an answer */
	char directory[64];         /* of the savepoint; "": only a checkpoint */
	uint32_t after_checkpoints; /* when so many are complete, */
	uint32_t after_steps;       /* and so many steps later */
};

/** How a job is run. Its result must not depend on any of this. */
struct tr_sim_shape {
	uint32_t parallelism;
	uint32_t workers; /* 0: as many as subtasks of a stage */
	uint32_t batch_rows;
	uint32_t credits;
	uint32_t memory_bytes; /* for the state of windows; 0: any amount */
	uint32_t chunk_bytes;
	uint32_t roll_bytes;
	uint32_t step_ns_max;            /* the clock moves by up to so much a step */
	uint32_t slow_permille;          /* worker 0 takes its turn only so often; 1000: always */
	uint64_t steps_max;              /* more: stuck */
	uint32_t checkpoint_interval_ms; /* 0: no checkpoints */
	uint32_t checkpoint_timeout_ms;  /* 0: never */
	uint32_t retained;
	uint32_t segment_bytes;         /* of the log; 0: as always */
	uint32_t block_bytes;           /* of state; 0: as always */
	uint32_t die_after_checkpoints; /* the disk dies some calls after so many are complete; 0: not for that */
	uint32_t die_spread;            /* so many calls, at most */
	uint32_t jump_permille;         /* steps after which the wall clock is set to another time */
	uint32_t stall_permille;        /* steps after which nobody takes any for a second */
	struct tr_sim_ask ask;
	const char *state_directory;
	const char *restore_from;                                 /* a savepoint; NULL: none */
	void (*on_savepoint)(void *context, uint64_t checkpoint); /* it has been answered for: it is there */
	void *context;
};

struct tr_sim_run {
	enum tr_sim_outcome outcome;
	char message[TR_STATUS_MESSAGE_MAX];
	char job_id[33];
	uint64_t steps;
	uint64_t rows_in;
	uint64_t rows_out;
	uint64_t checkpoints; /* completed */
	uint64_t restored;    /* the checkpoint that it began with; 0: none */
	bool has_built;       /* graph and log were made, and restored */
	bool was_finished;    /* it began with the job's last checkpoint: there was nothing to do */
	bool is_drained;      /* it has ended because it was told to */
	bool is_asked;
	struct tr_status answer; /* to what was asked for; TR_OK if it was not, too */
};

/** Runs the job to the end of its process. Nothing of it is left in memory or open on the disk afterwards. */
void tr_sim_run(struct tr_sim_run *run, const struct tr_sim_job *job, const struct tr_sim_shape *shape,
		struct tr_sim_environment *env, uint64_t *random);

#endif
