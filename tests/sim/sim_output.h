/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader of the output sees: the rows of all published files, as sorted lines.
 *
 * A line is the path below /out up to the file's name, and the row: "s/g=1/|a,1,2". Two outputs are equal when their
 * lines are. Files whose name begins with a dot are pending and not looked at, nor are marks like _SUCCESS.
 */
#ifndef TR_TESTS_SIM_OUTPUT_H
#define TR_TESTS_SIM_OUTPUT_H

#include "sim/sim_disk.h"

struct tr_sim_output {
	char **lines; /* sorted */
	uint32_t count;
	uint32_t capacity;
	uint32_t files;
	uint32_t hidden;       /* files with a dot */
	char hidden_path[256]; /* the last of them */
	bool is_torn;          /* some file does not end with a line end */
	char torn[256];        /* its path */
};

/** Reads the output of one job, or of all jobs (`job_id` NULL). */
void tr_sim_output_read(struct tr_sim_output *output, const struct tr_sim_disk *disk, const char *job_id);
void tr_sim_output_deinit(struct tr_sim_output *output);

/** Makes of each line of the sink `s` as many as its column `count_column` says, of the columns before it: what a window or a
 * session counted, whichever windows the rows came to be in. */
void tr_sim_output_expand(struct tr_sim_output *output, uint32_t count_column);

/** Adds copies of the lines of another. */
void tr_sim_output_add(struct tr_sim_output *output, const struct tr_sim_output *more);

/** NULL if each line of `some` is in `all` as often; else the first line that is not. */
const char *tr_sim_output_not_in(const struct tr_sim_output *some, const struct tr_sim_output *all);

/** Calls `fn` for every published file, to ask whether it is durable. The first that is not, or "". */
void tr_sim_output_check_durable(const struct tr_sim_disk *disk, const char *job_id, char *path, size_t size);

#endif
