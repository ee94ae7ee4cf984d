/* SPDX-License-Identifier: Apache-2.0
 *
 * A part file of the filesystem sink, from its pending name to its published one.
 *
 *     OPEN ---close---> WRITING ---all written---> SYNCING ---synced---> rename, sync the folders -----> PUBLISHED
 *       \__________________\__________________________\  \----synced, with checkpoints--------------------> DURABLE
 *                                                       \____ any failure: the part is broken for good; its file
 *                                                             goes when it is destroyed, or at the next start
 *
 * A sync is submitted when all writes have been answered in full, and never twice: after a failed one nobody knows what
 * is on the disk, and another would say that all is well.
 *
 * Bytes are appended to one buffer while the other is being written. A part whose two buffers are both busy wants no
 * more until step has moved it on.
 *
 *     pending    <folder>/.part-<job id>-<subtask>-<n>.<format>.pending
 *     with checkpoints  <folder>/.part-<job id>-<subtask>-<n>.<format>.held.pending
 *     published  <folder>/part-<job id>-<subtask>-<n>.<format>
 *
 * With checkpoints a part ends as DURABLE and waits for the commit of its checkpoint (io/file_commit.h). Its name says so,
 * for it may have to wait without anybody who lives: nobody but its own job touches a file that is held.
 *
 * n counts up per subtask and never names a file that exists, so that nothing is ever replaced.
 *
 * A part need not keep its file open: park closes it and leaves it pending, unpark opens it again. What is appended
 * meanwhile stays in the buffer.
 *
 * A pending file is locked for as long as its writer has it open. A writer that parks files makes a lock file first,
 *
 *     <table's directory>/.part-<job id>-<subtask>-<k>.lock        k from 0 to 15, the first that is free
 *
 * and holds it locked until it ends. So a leftover is a pending file that nobody has locked while none of the lock
 * files of its job and subtask is locked either; the next start looks in this order, and a writer takes its lock file
 * before it closes the first part, so that there is no moment at which a living part looks abandoned.
 */
#ifndef TR_IO_FILE_PART_H
#define TR_IO_FILE_PART_H

#include "base/bytes.h"
#include "io/disk.h"
#include "io/file_list.h"
#include "io/format.h"

#define TR_PART_PENDING_SUFFIX ".pending"
#define TR_PART_HELD_SUFFIX ".held.pending"

enum tr_file_part_state {
	TR_PART_OPEN,
	TR_PART_WRITING, /* closed; its last bytes are on their way */
	TR_PART_SYNCING,
	TR_PART_PUBLISHED,
	TR_PART_DURABLE, /* as pending file, closed */
};

/** What all parts of a sink have in common. */
struct tr_file_part_owner {
	const char *table;     /* for messages */
	const char *directory; /* the table's, without a slash at its end */
	const char *job_id;
	const char *suffix; /* the format's name */
	uint32_t subtask;
	uint32_t subtask_count;
	bool has_checkpoints; /* parts end as DURABLE, not as PUBLISHED */
	uint64_t next_number; /* n of the next part */
	size_t flush_bytes;
	bool has_lean_buffers; /* give buffers back after each write, rather than keep them warm */
	size_t buffer_bytes;   /* memory of all buffers of all parts that are not being written */
	struct tr_file *lock;  /* the lock file; NULL: none was needed */
	char *lock_path;       /* owned */
	struct tr_disk *disk;
	struct tr_io_queue *io;
};

struct tr_file_part {
	struct tr_file_part_owner *owner;
	enum tr_file_part_state state;
	char *folder;    /* "dt=2001/hr=7/", "" without partitions; owned */
	char *directory; /* where it lies; owned */
	char *pending;   /* path; owned */
	uint64_t number;
	struct tr_file *file; /* NULL: parked */
	struct tr_bytes filling;
	struct tr_bytes writing;
	size_t written;     /* of `writing` */
	int64_t offset;     /* in the file, of writing.data[0] */
	int64_t size_bytes; /* all that was appended */
	struct tr_io_request request;
	bool is_in_flight;
	int64_t opened_ns;
	int64_t touched_ns;
	bool is_pending; /* the pending name exists, and goes with the part */
	bool is_broken;  /* a write or the sync failed */

	/* the set's (io/file_part_set.h) */
	uint64_t hash; /* of the folder */
	struct tr_file_part *hash_next;
	struct tr_file_part *next; /* waits for a file */
	uint32_t index;            /* among the open ones */
	uint64_t used;             /* when its file was last asked for, in calls */

	/* the sink's: rows of the current batch that go here, chained */
	uint32_t row_first;
	uint32_t row_last;
	uint32_t row_count;
	struct tr_file_part *touched_next;
};

/** Makes the folder and the pending file. `folder` ends with '/' or is empty. */
tr_code tr_file_part_open(struct tr_file_part_owner *owner, const char *folder, int64_t now_ns,
			  struct tr_file_part **part, struct tr_status *st) TR_MUST_USE;

/** Appends rows. The caller starts writes. */
tr_code tr_file_part_encode(struct tr_file_part *part, const struct tr_encoder_ops *ops, struct tr_encoder *encoder,
			    const struct tr_batch *batch, const uint32_t *rows, uint32_t count,
			    struct tr_status *st) TR_MUST_USE;

/** Starts a write of all that was appended. Not parked, nothing in flight, something to write. */
void tr_file_part_flush(struct tr_file_part *part);

/** Closes the file; it stays pending. Nothing is in flight, and the owner has its lock file. */
void tr_file_part_park(struct tr_file_part *part);

/** Opens the file again. */
tr_code tr_file_part_unpark(struct tr_file_part *part, struct tr_status *st) TR_MUST_USE;

/** Gives back the memory of an empty buffer. */
void tr_file_part_trim(struct tr_file_part *part);

/** Whether it wants no more bytes for now. */
bool tr_file_part_is_full(const struct tr_file_part *part);

/** No more bytes will come: OPEN to WRITING. */
void tr_file_part_close(struct tr_file_part *part);

/** Looks at what has completed and moves on, to PUBLISHED or DURABLE in the end. Not parked. TR_ERR_IO and others: it is
 * stuck for good. */
tr_code tr_file_part_step(struct tr_file_part *part, struct tr_status *st) TR_MUST_USE;

/** Whether it is PUBLISHED or DURABLE: there is nothing left to do. */
static inline bool tr_file_part_is_done(const struct tr_file_part *part)
{
	return part->state == TR_PART_PUBLISHED || part->state == TR_PART_DURABLE;
}

/** The name, without its directory, under which it is published. The caller frees it. */
char *tr_file_part_published_name(const struct tr_file_part *part);

/** Makes the names durable: of the part in its folder, and of the folders up to the table's directory. */
tr_code tr_file_part_sync_names(const struct tr_file_part *part, struct tr_status *st) TR_MUST_USE;

/** Frees it, waiting for what is in flight. Removes the pending file if it still is the part's. */
void tr_file_part_destroy(struct tr_file_part **part);

/** Makes the owner's lock file if it has none. */
tr_code tr_file_part_lock(struct tr_file_part_owner *owner, struct tr_status *st) TR_MUST_USE;

/** Removes it. No part is left. */
void tr_file_part_unlock(struct tr_file_part_owner *owner);

/** Looks at the names in a folder of the table (relative, "" or ending with '/'): moves next_number beyond the published
 * and the held ones; subtask 0 removes the pending files and lock files of nobody who lives, which a killed run of any job
 * has left. Held files of this job, of which former subtask whatever as long as it falls to this one, are added to `held`
 * with their paths. */
tr_code tr_file_part_clean(struct tr_file_part_owner *owner, const char *folder, struct tr_file_list *held,
			   struct tr_status *st) TR_MUST_USE;

#endif
