/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of one sink: one open part per folder, however many folders there are, with few files and little memory.
 *
 *     find --> open part --appended--> flush when its buffer is large, or when all buffers together are
 *                 |                       (needs a file: the one asked for longest ago is parked)
 *                 roll --> closing: waits for a file if it has none --> written, synced, published, gone
 *                                                                       (with checkpoints: durable, gone from here)
 *
 * At most TR_PART_FILES_MAX files are open; fewer once the system has refused one (EMFILE): then the bound shrinks, a
 * file is parked, and the call is tried again. When the buffers exceed TR_PART_BUFFER_BYTES_MAX, the open parts are
 * looked at in turn and those are written that hold at least half of the average: a part's buffer is then written
 * when it has collected for one whole round, so that writes are as large as the memory allows.
 *
 * What it costs: about 1 KiB for each open part, beside the buffers. More than TR_PART_OPEN_MAX are too many: the part
 * that was idle longest is published early.
 *
 * Owned by the sink; one thread. A call may wait for writes in flight when all files are busy.
 */
#ifndef TR_IO_FILE_PART_SET_H
#define TR_IO_FILE_PART_SET_H

#include "io/file_part.h"

#define TR_PART_FILES_MAX 64
#define TR_PART_OPEN_MAX (1u << 17)
#define TR_PART_BUFFER_BYTES_MAX (32u << 20)
#define TR_PART_CLOSING_MAX 8 /* closing parts before the sink asks for a pause */

/** Called for each part that is published or durable, and destroyed afterwards: who takes over a pending file clears
 * is_pending. */
typedef tr_code (*tr_file_part_done_fn)(void *context, struct tr_file_part *part, struct tr_status *st);

struct tr_file_part_set {
	struct tr_file_part_owner owner;
	tr_file_part_done_fn done;
	void *context;

	struct tr_file_part **buckets; /* all parts by folder: open and closing */
	uint32_t bucket_count;         /* a power of two */
	uint32_t count;
	struct tr_file_part **open; /* no order */
	uint32_t open_count;
	uint32_t open_capacity;
	struct tr_file_part *files[TR_PART_FILES_MAX]; /* the parts that are not parked, open or closing */
	uint32_t file_count;
	uint32_t file_count_max;
	struct tr_file_part *waiting; /* closing, without a file; in order */
	struct tr_file_part **waiting_tail;
	uint32_t closing_count;
	uint32_t closing_file_count;
	uint32_t cursor; /* the open part to look at next when memory is short */
	uint32_t closing_file_count_max;
	uint64_t clock;
};

/** `owner` is copied. */
void tr_file_part_set_init(struct tr_file_part_set *set, const struct tr_file_part_owner *owner,
			   tr_file_part_done_fn done, void *context);

/** Removes what is still pending. */
void tr_file_part_set_deinit(struct tr_file_part_set *set);

/** The open part of a folder, made if there is none. */
tr_code tr_file_part_set_find(struct tr_file_part_set *set, const char *folder, int64_t now_ns,
			      struct tr_file_part **part, struct tr_status *st) TR_MUST_USE;

/** After rows were encoded to `part`: writes what should be written now. */
tr_code tr_file_part_set_appended(struct tr_file_part_set *set, struct tr_file_part *part,
				  struct tr_status *st) TR_MUST_USE;

/** No more rows for this part. It must not be touched any more: step takes it to its end and frees it. */
void tr_file_part_set_roll(struct tr_file_part_set *set, struct tr_file_part *part);

/** Rolls all open parts. They are closed with all files that there are: nobody else wants one. */
void tr_file_part_set_roll_all(struct tr_file_part_set *set);

/** Moves all parts on. If parts are closing, something is in flight afterwards. */
tr_code tr_file_part_set_step(struct tr_file_part_set *set, struct tr_status *st) TR_MUST_USE;

/** Whether it would rather have no rows for now. */
bool tr_file_part_set_is_full(const struct tr_file_part_set *set);

/** Whether a part of this folder, other than `part` (may be NULL), is open or closing. */
bool tr_file_part_set_is_busy(const struct tr_file_part_set *set, const char *folder, const struct tr_file_part *part);

/** Syncs a directory. Needs a file descriptor for a moment: if there is none, a part is parked. */
tr_code tr_file_part_set_sync_directory(struct tr_file_part_set *set, const char *directory,
					struct tr_status *st) TR_MUST_USE;

#endif
