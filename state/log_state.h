/* SPDX-License-Identifier: Apache-2.0
 *
 * The log from inside: what its files share. Others see log.h and log_inspect.h.
 *
 *     log.c          open, close, remove; what is asked of it; names and waiting
 *     log_recover.c  what open finds: roots, job, tail
 *     log_write.c    begin to committed: writes, syncs, root
 *     log_segment.c  segment files: made, reserved, removed
 *     log_space.c    which extents are needed, when to write again
 *     log_read.c     extents to checked blocks
 *     log_damage.c   what is kept of damage, and what is mended
 *     log_root.c     roots to bytes and back
 *     log_inspect.c  what `tailrace inspect` shows
 *
 * Two roots are on disk at any time, of generations g and g - 1, and each names only what is there: a segment is removed
 * when both have stopped naming it. So damage to the newest pair costs one checkpoint, never the log.
 */
#ifndef TR_STATE_LOG_STATE_H
#define TR_STATE_LOG_STATE_H

#include "base/arena.h"
#include "state/log_root.h"

#define TR_LOG_SEGMENT_BYTES ((size_t)64 << 20)
#define TR_LOG_SEGMENT_BYTES_MIN ((size_t)4 << 20) /* of a small state */
#define TR_LOG_SEGMENTS 8                          /* about so many for the state, if it is not large */
#define TR_LOG_WRITES_MAX 128
#define TR_LOG_RETRIES_MAX 1000 /* of one request that is answered EINTR or EAGAIN */
#define TR_LOG_RESERVE_MIN \
	((uint64_t)256 << 10) /* a segment is reserved ahead in steps of its own size, between these */
#define TR_LOG_RESERVE_MAX ((uint64_t)8 << 20)
#define TR_LOG_ROOT_RESERVE ((int64_t)64 << 10) /* of each copy, from the beginning */
#define TR_LOG_PATH_MAX 4096

enum tr_log_stage {
	TR_LOG_IDLE,
	TR_LOG_WRITING, /* begun: blocks come */
	TR_LOG_SEALED,  /* all blocks have come; their writes are under way */
	TR_LOG_SYNCING,
	TR_LOG_ROOT_WRITING,
	TR_LOG_ROOT_SYNCING
};

/** A request in flight, and what it belongs to. */
struct tr_log_request {
	struct tr_io_request io;
	struct tr_state_block *block;        /* freed when it is written; NULL: the bytes are the log's */
	struct tr_log_open_segment *segment; /* NULL: the root */
	unsigned char *bytes;
	size_t length;
	size_t done;
	int64_t offset;
	uint32_t retries;
	bool is_used;
};

/** A segment that is being written, or will be. */
struct tr_log_open_segment {
	struct tr_log_open_segment *next;
	uint64_t number;
	struct tr_file *file;
	uint64_t reserved; /* bytes, from the beginning */
	uint64_t length;   /* placed so far */
	uint32_t writes;   /* in flight */
	bool is_new;       /* no root names it yet */
	bool is_full;
	bool is_dirty; /* written since its last sync */
	struct tr_log_request sync;
	struct tr_segment_head head;
};

/** A segment file. */
struct tr_log_segment {
	uint64_t number;
	uint64_t bytes;
	uint64_t named; /* the last generation that names it; 0: none yet */
};

/** What one of the four copies was found to be. */
struct tr_log_copy {
	enum tr_root_state state;
	const char *why;
	uint32_t version;
	uint64_t generation;
	uint64_t bytes;
};

struct tr_log {
	struct tr_disk *disk;
	struct tr_io_queue *io;
	char *directory;
	char *job_name;
	char job_id[2 * TR_LOG_ID_BYTES + 1];
	uint32_t retained;
	uint64_t segment_bytes;
	bool is_read_only;
	struct tr_file *lock;
	struct tr_file *root_files[2];
	int64_t root_reserved[2]; /* of each copy */
	struct tr_log_copy copies[4];
	struct tr_arena texts; /* those of the roots, each once */
	const char **text_index;
	uint32_t text_count;

	struct tr_log_root root; /* the newest durable one */
	struct tr_log_segment *segments;
	uint32_t segment_count;
	uint64_t segment_next;   /* numbers are never used again */
	uint64_t live_bytes;     /* as last told */
	uint64_t changed_bytes;  /* of the newest checkpoint: what was not written again */
	uint64_t rewrite_credit; /* bytes that may be written again */
	uint64_t last_read;      /* segment; where reading has stopped, if it failed */
	bool is_directory_dirty;

	/* Writing. */
	enum tr_log_stage stage;
	uint64_t checkpoint;
	uint64_t age;         /* of what is appended */
	uint64_t age_bytes;   /* appended when it last moved on */
	bool is_extent_ended; /* the next frame begins one */
	bool is_draining;     /* what was given up is still in flight */
	bool is_broken;
	bool has_failed; /* not yet told; `failure` says why */
	bool needs_fresh_segment;
	struct tr_status failure;
	struct tr_log_place cursor;
	struct tr_log_open_segment *open; /* all; the one at the cursor is `current` */
	struct tr_log_open_segment *current;
	struct tr_log_request writes[TR_LOG_WRITES_MAX];
	uint32_t in_flight;
	size_t in_flight_bytes;
	struct tr_root_extent *fresh; /* of this checkpoint */
	uint32_t fresh_count;
	uint64_t checkpoint_bytes;
	struct tr_log_entry sealed;
	struct tr_log_root next;
	struct tr_bytes root_bytes;
	struct tr_log_request root_writes[2];
	struct tr_log_request root_sync;
};

/* log.c */

/** "<directory>/<name>". */
void tr_log_path(const struct tr_log *log, const char *name, char path[TR_LOG_PATH_MAX]);
void tr_log_segment_path(const struct tr_log *log, uint64_t number, char path[TR_LOG_PATH_MAX]);

/** Reads or writes all of it and waits. Bytes moved (fewer: the end of the file), or -errno. */
int64_t tr_log_move(struct tr_log *log, enum tr_io_op op, struct tr_file *file, void *bytes, size_t length,
		    int64_t offset);

/** Has the log own the texts of its root. */
const char *tr_log_text(struct tr_log *log, const char *text);

/** Goes on with what a removal has begun (the file `removing` is there). */
tr_code tr_log_finish_removal(struct tr_disk *disk, const char *directory, uint64_t *bytes, struct tr_status *st);

/* log_recover.c */

/** Finds root and segments, makes a new log, cuts the tail. */
tr_code tr_log_recover(struct tr_log *log, const char *job_id, struct tr_log_report *report, struct tr_status *st);

/* log_segment.c */

struct tr_log_segment *tr_log_segment_find(struct tr_log *log, uint64_t number);
struct tr_log_segment *tr_log_segment_add(struct tr_log *log, uint64_t number, uint64_t bytes);

/** Whether a file's first bytes are this log's segment `number`; if not, says what they are. */
tr_code tr_log_segment_check(const struct tr_log *log, const struct tr_segment_head *head, uint64_t number,
			     const char *path, struct tr_status *st);

/** Makes `current` a segment with room for `bytes` more at the cursor. Fails on a full disk. */
tr_code tr_log_segment_reserve(struct tr_log *log, uint64_t bytes, struct tr_status *st);

/** Closes all open segments, or all but the current one. Nothing may be in flight. */
void tr_log_segments_close(struct tr_log *log, bool keep_current);

/** After a checkpoint was given up: its segments go, and the cursor returns to the end of the log. */
void tr_log_segments_take_back(struct tr_log *log);

/** Removes the files that no root on disk names. */
void tr_log_segments_remove(struct tr_log *log);

/* log_space.c */

/** The extents of the next root: those that its checkpoints need, then the fresh ones. */
void tr_log_extents_build(struct tr_log *log);

/** Marks the segments that the newest root names, and counts what may be rewritten. */
void tr_log_extents_adopt(struct tr_log *log);

/** How large an extent should become when there are so many bytes. */
uint64_t tr_log_extent_goal(const struct tr_log *log, uint64_t bytes);

/** Least base of a checkpoint's parts; its own age if it has none. */
uint64_t tr_log_entry_base(const struct tr_log_entry *entry);

/* log_read.c */

/** Called for each frame; bytes are checked and borrowed. */
typedef tr_code (*tr_log_frame_fn)(void *context, const struct tr_frame_head *head, const void *bytes,
				   struct tr_status *st);

/** The frames of some extents, in order. Each extent's last one must be the one that was committed. */
tr_code tr_log_read_extents(struct tr_log *log, const struct tr_root_extent *extents, uint32_t count,
			    tr_log_frame_fn fn, void *context, struct tr_status *st);

/* log_damage.c */

/** Writes both copies of the newest root again, and syncs each. The root's file is open. A full disk or a failed write is told in the
 * report only; a failed sync is TR_ERR_IO. */
tr_code tr_log_settle_root(struct tr_log *log, struct tr_log_report *report, struct tr_status *st);

/* log_write.c */

/** Sends a write of the log's own bytes (block NULL) or of a block. Takes a free request; there must be one. */
void tr_log_write_send(struct tr_log *log, struct tr_log_open_segment *segment, struct tr_state_block *block,
		       void *bytes, size_t length, uint64_t offset);

/** Waits until nothing is in flight. */
void tr_log_settle(struct tr_log *log);

#endif
