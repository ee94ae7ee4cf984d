/* SPDX-License-Identifier: Apache-2.0
 *
 * File commit: part files between the moment at which their bytes are durable and the one at which they are published.
 *
 *     part DURABLE --add--> new --prepare(n)--> of n --save--> records of n          names durable, too
 *                                               of n --publish(n)--> renamed, durably; forgotten here
 *     records of n --load--> restored --recover--> renamed, durably;  held files that no record names: removed
 *
 * What is "of n" belongs to n + 1 as well as long as n has not been published: it is in the records of both.
 *
 * Directories. A name is durable when its directory was synced after the name came into it. prepare syncs each directory
 * that has new pending names, and those above it up to the table's, once; publish each directory that has new published
 * names, once. Some are done per call, so that a commit of thousands of partitions does not hold up its worker.
 *
 * A restored file is in one of three states. Pending, of the right size: it is renamed. Published, of the right size: a
 * former run has got that far. Under no name, when the table's epoch says that this checkpoint was being published: a reader
 * has moved it away since. Anything else (gone, of another size, under both names): the table is not what the
 * checkpoint says, and nothing is touched.
 *
 * Before the first file of a checkpoint is published the table's epoch (io/file_epoch.h) says so; recover refuses to go on
 * from a checkpoint that is older than that.
 *
 * Leftovers are the held files that were there when the sink was opened, those of this job and of the former subtasks that
 * fall to this one (s with s % n = i). They are removed after the first publish: until then another sink of the job may have
 * yet to load what it had prepared, or may refuse the checkpoint, and a newer one whose damage is mended needs its files.
 *
 * The record (kind 1, not keyed; a text is its length in 4 bytes and so many bytes, numbers are little endian):
 *
 *     text job id, text directory of the table, then for each file
 *     8 bytes size, text folder ("" or "dt=2001/"), text pending name, text published name
 *
 * Owned by the sink; one thread.
 */
#ifndef TR_IO_FILE_COMMIT_H
#define TR_IO_FILE_COMMIT_H

#include "base/flow.h"
#include "base/state_record.h"
#include "io/file_epoch.h"
#include "io/file_part_set.h"

#define TR_FILE_COMMIT_RECORD 1

/** A file whose bytes are durable. */
struct tr_file_output {
	char *directory; /* all owned */
	char *folder;    /* below the table's directory */
	char *pending;   /* names in the directory */
	char *published;
	int64_t size_bytes;
	uint64_t checkpoint; /* the first that contains it; UINT64_MAX: none so far */
	bool is_named;       /* the pending name is durable */
	bool is_renamed;
	bool is_taken; /* published by a former run, and moved away by a reader since */
};

struct tr_file_outputs {
	struct tr_file_output *items; /* by checkpoint */
	uint32_t count;
	uint32_t capacity;
};

struct tr_file_commit {
	struct tr_file_part_set *parts;
	const char *success_name; /* NULL: folders get no such file */
	struct tr_file_outputs outputs;
	struct tr_file_outputs restored;
	uint64_t restored_checkpoint;  /* of the records */
	struct tr_file_list leftovers; /* paths */
	struct tr_file_epoch epoch;
	uint64_t running;   /* the checkpoint that prepare or publish is at; 0: none */
	uint32_t due_count; /* publish: outputs[0 .. due_count) */
	uint32_t renamed_count;
	struct tr_file_list directories; /* to sync, sorted, each once */
	uint32_t synced_count;
	struct tr_file_list busy; /* publish: directories whose time for success_name has not come; sorted */
};

/** `parts` outlives it. */
void tr_file_commit_init(struct tr_file_commit *commit, struct tr_file_part_set *parts, const char *success_name);

/** Removes the files that no checkpoint can contain; the others stay for the next run. */
void tr_file_commit_deinit(struct tr_file_commit *commit);

/** Takes over the pending file of a DURABLE part. */
void tr_file_commit_add(struct tr_file_commit *commit, struct tr_file_part *part);

/** All that was added belongs to `checkpoint`, and its names are durable. BLOCKED: call again (the queue has been woken); in
 * the end DONE. No part is open. */
enum tr_flow tr_file_commit_prepare(struct tr_file_commit *commit, uint64_t checkpoint, struct tr_status *st);

/** Writes the records of all that was prepared. */
tr_code tr_file_commit_save(const struct tr_file_commit *commit, struct tr_state_writer *writer,
			    struct tr_status *st) TR_MUST_USE;

/** Publishes what belongs to `checkpoint` and to earlier ones. BLOCKED: call again; in the end DONE. */
enum tr_flow tr_file_commit_publish(struct tr_file_commit *commit, uint64_t checkpoint, struct tr_status *st);

/** Takes in a record. TR_ERR_DATA: it is not one of ours. */
tr_code tr_file_commit_load(struct tr_file_commit *commit, const struct tr_state_origin *origin,
			    const struct tr_state_record *record, struct tr_status *st) TR_MUST_USE;

/** All records of `checkpoint` (0: the job begins) are there: publishes what they name. Waits. TR_ERR_DATA: the table is not
 * what the checkpoint says, or something newer has been published; nothing was touched. */
tr_code tr_file_commit_recover(struct tr_file_commit *commit, uint64_t checkpoint, struct tr_status *st) TR_MUST_USE;

/** Makes the empty file that says that a folder is complete. Its name is durable when `directory` has been synced. */
tr_code tr_file_commit_mark(struct tr_disk *disk, const char *directory, const char *name,
			    struct tr_status *st) TR_MUST_USE;

#endif
