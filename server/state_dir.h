/* SPDX-License-Identifier: Apache-2.0
 *
 * State directories: where a job keeps what must survive it.
 *
 *     --state-dir DIR                       DIR
 *     execution.checkpointing.dir: BASE     BASE/NAME
 *     neither                               $XDG_STATE_HOME/tailrace/NAME, else ./.tailrace/NAME
 *
 *     DIR/control.sock                      server/control.h
 *     DIR/<n>/                              the log of the script's n-th job (state/log.h), kept when it has finished, so that a second run knows
 *
 * NAME is the job's name; a '/' in it becomes '_'.
 */
#ifndef TR_SERVER_STATE_DIR_H
#define TR_SERVER_STATE_DIR_H

#include <stddef.h>

#include "base/config.h"
#include "server/cli.h"

/** The directory of a job of that name, in the command line's arena. */
const char *tr_state_dir(struct tr_cli *cli, const struct tr_config *config, const char *job_name);

/** Finds the directory of a job by its name or its id (32 hex digits) for a verb: among those of the same rules. */
const char *tr_state_dir_find(struct tr_cli *cli, const char *job);

#endif
