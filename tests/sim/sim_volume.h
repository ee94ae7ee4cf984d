/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated volume: files and directories in memory, and what of them would survive a power cut.
 *
 *     write ──▶ now (what reads see) ─┐                      ┌─▶ sync: all writes that it covers, into durable
 *                                     └─▶ unsynced writes ───┤
 *                                                            └─▶ power cut: each one, independently, dropped, kept, cut at
 *                                                                a byte, or some of its 512-byte sectors kept
 *
 *     create, rename, unlink ──▶ names now ─▶ unsynced changes ─┬─▶ directory sync: all of them, into the durable names
 *                                                               └─▶ power cut: any prefix of them
 *
 * A sync covers what had been written before it began, no more. A sync that fails loses what it covers: the volume
 * believes it clean, reads still see it until the next restart, and the next sync says that all is well (as ext4 and
 * xfs do). A name is durable only by a sync of its directory, also that of a directory itself: stricter than the file
 * systems of today, as strict as their documents.
 *
 * Renames happen within one directory; others are refused (EXDEV). Nothing is freed before the volume is: an unlinked
 * file may come back. One thread.
 */
#ifndef TR_TESTS_SIM_VOLUME_H
#define TR_TESTS_SIM_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/sim_content.h"

struct tr_sim_inode;

struct tr_sim_name {
	char *name; /* owned by the volume's inode */
	struct tr_sim_inode *inode;
};

/** In order of the names. */
struct tr_sim_names {
	struct tr_sim_name *items;
	uint32_t count;
	uint32_t capacity;
};

enum tr_sim_change_kind { TR_SIM_ADD, TR_SIM_REMOVE, TR_SIM_RENAME };

/** A change of a directory that no sync has made durable yet. */
struct tr_sim_change {
	enum tr_sim_change_kind kind;
	char *name;
	char *to; /* RENAME; owned */
	struct tr_sim_inode *inode;
};

/** A write that no sync has made durable yet. */
struct tr_sim_write {
	uint64_t number; /* counts the inode's writes from 1 */
	int64_t offset;
	size_t length;
	char *bytes; /* owned; NULL: the file was cut to `offset` */
};

struct tr_sim_inode {
	uint64_t number;
	bool is_directory;
	bool has_failed_sync; /* no more may be written to it by the process that saw that */
	int64_t modified_ms;
	const void *locker; /* the open file that holds the lock; NULL: none */
	/* a file */
	struct tr_sim_content now;
	struct tr_sim_content durable;
	int64_t reserved; /* space is kept up to here, though the file may be shorter */
	struct tr_sim_write *writes;
	uint32_t write_count;
	uint32_t write_capacity;
	uint64_t written; /* number of the last write */
	/* a directory */
	struct tr_sim_names names;
	struct tr_sim_names durable_names;
	struct tr_sim_change *changes;
	uint32_t change_count;
	uint32_t change_capacity;
	struct tr_sim_inode *next; /* of all */
};

struct tr_sim_volume {
	struct tr_sim_inode *root;
	struct tr_sim_inode *inodes;
	uint64_t inode_count;
};

void tr_sim_volume_init(struct tr_sim_volume *volume);
void tr_sim_volume_deinit(struct tr_sim_volume *volume);

/* Names. Each returns 0 or an errno. Paths are taken from the root, with or without a leading slash. */

/** The inode of a path, as it is now. */
int tr_sim_volume_find(const struct tr_sim_volume *volume, const char *path, struct tr_sim_inode **inode);

/** Makes an empty file or directory; EEXIST if the name is taken. */
int tr_sim_volume_create(struct tr_sim_volume *volume, const char *path, bool is_directory, int64_t now_ms,
			 struct tr_sim_inode **inode);

int tr_sim_volume_rename(struct tr_sim_volume *volume, const char *from, const char *to);

/** A file, or an empty directory. */
int tr_sim_volume_unlink(struct tr_sim_volume *volume, const char *path, bool is_directory);

/* Contents. */

/** Writes to what reads see, and remembers that it is not durable. Returns the number of the write. */
uint64_t tr_sim_inode_write(struct tr_sim_inode *inode, int64_t offset, const void *bytes, size_t length,
			    int64_t now_ms);

void tr_sim_inode_truncate(struct tr_sim_inode *inode, int64_t length, int64_t now_ms);

/** A sync that covers the writes up to number `covered`. */
void tr_sim_inode_sync(struct tr_sim_inode *inode, uint64_t covered);

/** A sync that fails: what it covers is lost, each write with even odds as a whole. */
void tr_sim_inode_fail_sync(struct tr_sim_inode *inode, uint64_t covered, uint64_t *random);

/** A sync of a directory. */
void tr_sim_inode_sync_names(struct tr_sim_inode *inode);

/* What would survive. */

/** The power fails: what is now is what was durable and what of the rest the dice keep. */
void tr_sim_volume_cut(struct tr_sim_volume *volume, uint64_t *random);

/** Makes everything durable as it is: how a test prepares its files. */
void tr_sim_volume_settle(struct tr_sim_volume *volume);

/** Whether the file of this path, its name and all directories above it would survive a power cut as they are. */
bool tr_sim_volume_is_durable(const struct tr_sim_volume *volume, const char *path);

/** Bytes of all files that have a name, and what is reserved. */
int64_t tr_sim_volume_used_bytes(const struct tr_sim_volume *volume);

/** Called for each file below a directory, in order of the paths. */
typedef void (*tr_sim_visit_fn)(void *context, const char *path, struct tr_sim_inode *inode);
void tr_sim_volume_visit(const struct tr_sim_volume *volume, const char *path, tr_sim_visit_fn fn, void *context);

#endif
