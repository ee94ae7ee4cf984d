/* SPDX-License-Identifier: Apache-2.0
 *
 * File epoch: the filesystem sink's own memory of the last checkpoint of which it has published anything.
 *
 * The log says which checkpoints there are, and it may lose the newest one: both copies of its root rot, a block of it rots
 * and the job is to go on from the one before, or somebody puts an older state directory back. Then rows that are
 * published would be published again. Published files don't tell: readers may have moved them away. So before the first
 * file of checkpoint c gets its name, an empty file gets the name
 *
 *     <table's directory>/.part-<job id>-<subtask>-<c>.published
 *
 * by renaming the one of the checkpoint before. In the table's directory itself that costs no sync: what is done to one
 * directory reaches the disk in the order in which it was done. A table with folders needs one. It says "perhaps
 * published": only a checkpoint that is complete comes so far, so a job that goes on from its newest one never sees a
 * greater number than that.
 *
 * Whose files these are does not matter to recovery: the greatest of the job's counts, so that the number of subtasks may
 * change and several sinks may write to one table. Those of former subtasks go when a greater one is durable. The last one
 * stays when the job has ended; it may be removed together with the job's state directory.
 */
#ifndef TR_IO_FILE_EPOCH_H
#define TR_IO_FILE_EPOCH_H

#include "io/file_part.h"

#define TR_FILE_EPOCH_SUFFIX ".published"

struct tr_file_epoch {
	uint64_t newest;            /* of the job in this table, when it was looked for */
	uint64_t current;           /* this subtask's; 0: none */
	struct tr_file_list former; /* paths that fall to this subtask; go when `current` is durable */
};

void tr_file_epoch_deinit(struct tr_file_epoch *epoch);

/** Looks for the job's epochs in the table's directory. */
tr_code tr_file_epoch_find(struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner,
			   struct tr_status *st) TR_MUST_USE;

/** Refuses (TR_ERR_DATA) to go on from `checkpoint` (0: from nothing) if something newer has been published. */
tr_code tr_file_epoch_check(const struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner,
			    uint64_t checkpoint, struct tr_status *st) TR_MUST_USE;

/** Output of `checkpoint` is about to be published. `is_synced`: the name is durable at the return; else before anything
 * that is done to the table's directory later. */
tr_code tr_file_epoch_move(struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner, uint64_t checkpoint,
			   bool is_synced, struct tr_status *st) TR_MUST_USE;

/** The name that was moved to last is durable: removes the former ones. What can't be removed does no harm. */
void tr_file_epoch_tidy(struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner);

#endif
