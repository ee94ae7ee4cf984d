/* SPDX-License-Identifier: Apache-2.0
 *
 * Scratch: the directory for what operators keep on disk while a job runs, because memory is limited (state.memory.limit).
 *
 *     with checkpoints      DIR.scratch, beside the log DIR, whose lock guards it
 *     without               BASE/tailrace-ID: tr_plan.scratch, else /var/tmp (/tmp is often memory), and the job's id
 *
 * Nothing in it is needed after the job's end: what a job that was killed has left is removed by the next one.
 */
#ifndef TR_CORE_SCRATCH_H
#define TR_CORE_SCRATCH_H

#include "core/plan.h"
#include "io/disk.h"

/** Makes the directory, or empties the one that is there. `path` is in `arena`. */
tr_code tr_scratch_create(const struct tr_plan *plan, struct tr_disk *disk, struct tr_arena *arena, const char **path,
			  struct tr_status *st) TR_MUST_USE;

/** Removes the directory, if it can, with all files in it. */
void tr_scratch_remove(struct tr_disk *disk, const char *path);

#endif
