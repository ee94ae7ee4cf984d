/* SPDX-License-Identifier: Apache-2.0
 *
 * Log: the checkpoints of one job on disk. Append-only segments of checked blocks, and roots that say which of them
 * count. docs/FORMATS.md has every byte.
 *
 *     <directory>/lock                 held while the log is open
 *     <directory>/root-0, root-1       pairs of equal copies; the older one is overwritten by the next commit
 *     <directory>/segment-<n>          blocks of all streams, in the order in which they came
 *     <directory>/damaged-segment-<n>  a copy for people (tr_log_keep_damaged); the log never looks at it
 *
 *     begin(n) ── append(block) .. ── seal(n, parts) ──▶ WRITING ──▶ SYNCING ──▶ ROOT ──▶ COMMITTED       abort: any time before
 *
 * Commit: every write has completed, then every touched segment is synced (and the directory, if a segment is new); then the
 * root is written twice into the older pair and synced. Only what the newest valid root names counts: damage inside its
 * extents is corruption, everything beyond them is tail and is cut at open. One checkpoint is being written at a time.
 *
 * A root lists the retained checkpoints, each with its streams ("parts") and their base, and all extents that they need,
 * so that an extent before the least base of all retained checkpoints is free, and a segment without a needed extent is
 * removed. Bases are ages (base/state_record.h): while a large checkpoint is appended its age moves on, extent by extent. The
 * log knows nothing about what is in the blocks but the stream and the checkpoint.
 *
 * A failed sync is final (TR_ERR_IO): nothing more is written to the log, the process must end (the kernel may have dropped what
 * it could not write, and a second sync would say OK). A full disk is not: the checkpoint fails, its segments are
 * removed, and the next one may succeed.
 *
 * Thread: one owner, who also owns the queue; what is in flight is moved on by step.
 */
#ifndef TR_STATE_LOG_H
#define TR_STATE_LOG_H

#include "base/flow.h"
#include "io/disk.h"
#include "state/block.h"

#define TR_LOG_VERSION 2 /* of the format (docs/FORMATS.md); 1 is read, too */
#define TR_LOG_RETAINED_MAX 64
#define TR_LOG_IN_FLIGHT_MAX ((size_t)16 << 20) /* bytes appended and not yet written; beyond: append says "not now" */

struct tr_log;

struct tr_log_options {
	struct tr_disk *disk;
	struct tr_io_queue *io; /* of the owner; the log is its only user while it waits */
	const char *directory;  /* made if it is missing; its parents too */
	const char *job_name;   /* a directory of another job is refused */
	const char *job_id;     /* 32 hex digits, for a new log; an old one keeps its own */
	uint32_t retained;      /* checkpoints to keep, at least 2 are kept */
	size_t segment_bytes;   /* at most, about; 0: 64 MiB */
	bool is_read_only;      /* inspect: no lock, nothing is cut or made; a missing log is TR_ERR_NO_INPUT */
};

/** One stream of a checkpoint. Texts are borrowed by seal, and live as long as the log in what it hands out. */
struct tr_log_part {
	struct tr_state_stream stream;
	const char *uid;         /* of the operator */
	const char *fingerprint; /* what its state depends on, as text */
	const char *schema;      /* what its records hold, as text: for people and for `inspect` */
	uint64_t base;           /* the age from which on it needs keyed records */
	bool is_finished;        /* its subtask has come to the end of its input */
};

/** A complete checkpoint. */
struct tr_log_checkpoint {
	uint64_t number;
	int64_t completed_ms; /* wall clock */
	int64_t wall_ms;      /* greatest processing time that had been used */
	uint64_t bytes;       /* appended for it */
	uint64_t rewritten;   /* given to seal: how many of them had not changed, and were only old; not kept */
	bool is_final;        /* the job came to its end with it */
	uint32_t key_groups;  /* by which keys were dealt to subtasks; 0: not known */
	const struct tr_log_part *parts;
	uint32_t part_count;
};

/** What open has found. */
struct tr_log_report {
	uint64_t tail_bytes;    /* cut beyond the newest checkpoint */
	uint32_t tail_segments; /* removed */
	uint32_t roots_damaged; /* of 4 copies */
	bool is_new;            /* there was no log */
	char note[512];         /* a sentence for people about what was cut or damaged; "" if all was well */
};

/** Opens the log: takes the lock (tries for a second), finds the newest valid root, cuts the tail. TR_ERR_UNAVAILABLE: another
 * process has it. TR_ERR_DATA: it belongs to another job, is of an unknown version, or no root is whole; the message
 * names file and offset and says what to do. TR_ERR_PERMISSION, TR_ERR_CANT_CREATE, TR_ERR_IO. */
tr_code tr_log_open(const struct tr_log_options *options, struct tr_log **log, struct tr_log_report *report,
		    struct tr_status *st) TR_MUST_USE;

/** Waits for what is in flight and closes; what was not committed is tail. */
void tr_log_close(struct tr_log **log);

/** Removes the files of a log that is not open, the directory too if it is empty then. `bytes`, unless NULL: how long they
 * were together; 0: there was no log. */
tr_code tr_log_remove(struct tr_disk *disk, const char *directory, uint64_t *bytes, struct tr_status *st) TR_MUST_USE;

const char *tr_log_job_id(const struct tr_log *log);

/** The retained checkpoints, newest first. */
uint32_t tr_log_checkpoint_count(const struct tr_log *log);
const struct tr_log_checkpoint *tr_log_checkpoint(const struct tr_log *log, uint32_t index);

/* Writing. */

/** Numbers must grow; nothing else is being written. */
void tr_log_begin(struct tr_log *log, uint64_t checkpoint);

/** The age of what is appended next. */
uint64_t tr_log_age(const struct tr_log *log);

/** Takes the block, frees it when written. False: too much is in flight, nothing was taken; try again after step. */
bool tr_log_append(struct tr_log *log, struct tr_state_block *block);

/** All blocks of the checkpoint have been appended. `parts`: all streams, finished ones and those that wrote nothing too. */
void tr_log_seal(struct tr_log *log, const struct tr_log_checkpoint *checkpoint);

/** Gives the checkpoint up: what was appended is tail. Returns at once; step moves what is in flight on. */
void tr_log_abort(struct tr_log *log);

/** Moves on without waiting. MORE: something is under way, or blocks are awaited. DONE: sealed and committed, or nothing is being
 * written. FAILED: the checkpoint is given up; is_broken tells whether the log can go on. */
enum tr_flow tr_log_step(struct tr_log *log, struct tr_status *st);

/** A sync has failed: the process must end. */
bool tr_log_is_broken(const struct tr_log *log);

/** Bytes on disk. */
uint64_t tr_log_disk_bytes(const struct tr_log *log);

/** Before begin: the age before which everything must be written again so that the log keeps to its bound (twice the live
 * state plus what the retained checkpoints have appended); 0: no need. The owner passes it on as rewrite_before. `live_bytes`:
 * about what a full snapshot of all streams would take. */
uint64_t tr_log_rewrite_before(struct tr_log *log, uint64_t live_bytes);

/* Reading. */

/** Called for each block in the order in which it was written; bytes are checked and borrowed. Not TR_OK: reading stops. */
typedef tr_code (*tr_log_block_fn)(void *context, const struct tr_state_stream *stream, uint64_t checkpoint,
				   const void *bytes, size_t length, struct tr_status *st);

/** Reads what retained checkpoint `index` consists of: each stream's blocks from its base on, streams mixed as they were
 * written. Waits for the disk (large reads, several in flight). TR_ERR_DATA names file and offset of damage; what was given
 * out until then is worth nothing. */
tr_code tr_log_read(struct tr_log *log, uint32_t index, tr_log_block_fn fn, void *context,
		    struct tr_status *st) TR_MUST_USE;

/** The same, but only blocks that were written for the checkpoint itself: with them come its records without key. Reads only the
 * extents that have some. */
tr_code tr_log_read_last(struct tr_log *log, uint32_t index, tr_log_block_fn fn, void *context,
			 struct tr_status *st) TR_MUST_USE;

#define TR_LOG_NO_TURN UINT32_MAX

/** Streams in turn: first, mixed as they were written, the blocks of all parts whose turn is 0, then those of turn 1, .. */
struct tr_log_turns {
	const uint32_t *of; /* by part of the checkpoint; NO_TURN: checked, and not given out */
	/* Before the first block of a turn, which need not have any. */
	tr_code (*begin)(void *context, uint32_t turn, struct tr_status *st);
	/* As tr_log_block_fn; `part` is a number among the checkpoint's. */
	tr_code (*take)(void *context, uint32_t part, uint64_t checkpoint, const void *bytes, size_t length,
			struct tr_status *st);
	void *context;
};

/** The same as read, in turn. The first one reads and checks everything, later ones again what is theirs. */
tr_code tr_log_read_in_turn(struct tr_log *log, uint32_t index, const struct tr_log_turns *turns,
			    struct tr_status *st) TR_MUST_USE;

/** Bytes that read moves: those of its extents. */
uint64_t tr_log_read_bytes(struct tr_log *log, uint32_t index);

/** Makes retained checkpoint `index` the newest: younger ones are forgotten (their files at the next commit). */
tr_code tr_log_rewind(struct tr_log *log, uint32_t index, struct tr_status *st) TR_MUST_USE;

/** The segment in which the last reading ended: that of the damage, if it found some. */
uint64_t tr_log_last_read(const struct tr_log *log);

/** Keeps a copy of a damaged segment, as `damaged-segment-<n>`, since the file itself goes when no checkpoint needs it any
 * more. `kept` gets its name, "" if there is no such segment; a copy from before stays. What can't be read is left as zeros. */
tr_code tr_log_keep_damaged(struct tr_log *log, uint64_t segment, char *kept, size_t size,
			    struct tr_status *st) TR_MUST_USE;

#endif
