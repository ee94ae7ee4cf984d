/* SPDX-License-Identifier: Apache-2.0
 *
 * A part file of the filesystem sink, from its pending name to its published one.
 *
 *     OPEN ---close---> WRITING ---all written---> SYNCING ---synced---> rename, sync the directory ---> PUBLISHED
 *       \__________________\__________________________\____ any failure: the pending file stays, and is removed
 *                                                           by abandon, or at the next start
 *
 * Bytes are appended to one buffer while the other is being written. A part whose two buffers are both busy wants no
 * more until step has moved it on.
 *
 *     pending    <folder>/.part-<job id>-<subtask>-<n>.<format>.pending
 *     published  <folder>/part-<job id>-<subtask>-<n>.<format>
 *
 * n counts up per subtask and never names a file that exists, so that nothing is ever replaced. A pending file is
 * locked for as long as its writer lives: that is how the next start knows the leftovers from the files of another job.
 */
#ifndef TR_IO_FILE_PART_H
#define TR_IO_FILE_PART_H

#include "base/bytes.h"
#include "io/disk.h"

enum tr_file_part_state {
	TR_PART_OPEN,
	TR_PART_WRITING, /* closed; its last bytes are on their way */
	TR_PART_SYNCING,
	TR_PART_PUBLISHED,
};

/** What all parts of a sink have in common. */
struct tr_file_part_owner {
	const char *table;     /* for messages */
	const char *directory; /* the table's, without a slash at its end */
	const char *job_id;
	const char *suffix; /* the format's name */
	uint32_t subtask;
	uint32_t subtask_count;
	uint64_t next_number; /* n of the next part */
	size_t flush_bytes;
	struct tr_disk *disk;
	struct tr_io_queue *io;
};

struct tr_file_part {
	struct tr_file_part_owner *owner;
	enum tr_file_part_state state;
	char *folder;    /* "dt=2001/hr=7/", "" without partitions; owned */
	char *directory; /* where it lies; owned */
	char *pending;   /* path; owned */
	char *published; /* path; owned */
	struct tr_file *file;
	struct tr_bytes filling;
	struct tr_bytes writing;
	size_t written;     /* of `writing` */
	int64_t offset;     /* in the file, of writing.data[0] */
	int64_t size_bytes; /* all that was appended */
	struct tr_io_request request;
	bool is_in_flight;
	int64_t opened_ns;
	int64_t touched_ns;
	bool is_pending; /* the pending name exists */
	uint32_t *rows;  /* the sink's: rows of the current batch that go here */
	uint32_t row_count;
	uint32_t row_capacity;
	struct tr_file_part *next;
};

/** Makes the folder and the pending file. `folder` ends with '/' or is empty. */
tr_code tr_file_part_open(struct tr_file_part_owner *owner, const char *folder, int64_t now_ns,
			  struct tr_file_part **part, struct tr_status *st) TR_MUST_USE;

/** After bytes were added to `filling`: starts a write when there is enough and none is in flight. */
void tr_file_part_appended(struct tr_file_part *part);

/** Whether it wants no more bytes for now. */
bool tr_file_part_is_full(const struct tr_file_part *part);

/** No more bytes will come: OPEN to WRITING. */
void tr_file_part_close(struct tr_file_part *part);

/** Looks at what has completed and moves on; publishes at the end. TR_ERR_IO and others: it is stuck for good. */
tr_code tr_file_part_step(struct tr_file_part *part, struct tr_status *st) TR_MUST_USE;

/** Frees it, waiting for what is in flight. Removes the pending file unless published. */
void tr_file_part_destroy(struct tr_file_part **part);

/** Looks at the names in a folder of the table (relative, "" or ending with '/'): moves next_number beyond the published
 * ones; subtask 0 removes the pending files that nobody has open, which a killed run of any job has left. */
tr_code tr_file_part_clean(struct tr_file_part_owner *owner, const char *folder, struct tr_status *st) TR_MUST_USE;

#endif
