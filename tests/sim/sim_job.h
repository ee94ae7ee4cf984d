/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs for the simulator: a script from a list of templates, with small generated inputs that lie on the simulated disk.
 *
 * All results are functions of the inputs: no unseeded random numbers, and where a table has several splits no row can be
 * late. With windows of the wall clock this is true of the rows that they count only. Inputs lie in /in, every sink has a directory /out/<table>. Variables of the
 * script that change how it runs but not what it gives: CHUNK (source.chunk-size) and ROLL (size of a part file).
 */
#ifndef TR_TESTS_SIM_JOB_H
#define TR_TESTS_SIM_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct tr_env;

#define TR_SIM_INPUTS_MAX 6

struct tr_sim_input {
	char path[64];
	struct tr_bytes bytes;
};

struct tr_sim_job {
	const char *name;
	uint32_t index; /* of the template */
	struct tr_bytes script;
	struct tr_sim_input inputs[TR_SIM_INPUTS_MAX];
	uint32_t input_count;
	uint32_t rows;
	uint32_t count_column; /* of the sink s: how many rows; the columns before it say which. 0: none */
	bool is_by_clock;      /* windows of the wall clock: compare the counted rows only */
	void (*build)(
		struct tr_env *
			env); /* the script only declares tables, and this makes a graph over them; NULL: the script is the job */
	bool is_never_drained; /* nobody knows what it gives when its windows fire before their rows have come */
};

/** How many templates there are. Seeds draw from the first ones only, so that a new one changes no story; others are asked for by name. */
uint32_t tr_sim_job_count(void);
uint32_t tr_sim_job_drawn_count(void);
const char *tr_sim_job_name(uint32_t index);

/** Makes a job of template `index` with inputs drawn from `random`. */
void tr_sim_job_init(struct tr_sim_job *job, uint32_t index, uint64_t *random);
void tr_sim_job_deinit(struct tr_sim_job *job);

#endif
