/* SPDX-License-Identifier: Apache-2.0
 *
 * Disk: files, as the engine sees them. Data moves by submit and complete; names (open, rename, list) are plain calls.
 *
 * Two real implementations are chosen at start: io_uring, or pread/pwrite where io_uring is not allowed (EPERM, ENOSYS;
 * TAILRACE_IO=plain forces it). The simulated disk of the tests implements the same table.
 *
 * Each worker has one tr_io_queue. A request is embedded in its owner, who must leave it and its buffer untouched from
 * submit until is_done. Completions are noticed by tr_io_poll and tr_io_wait, on the worker's own thread.
 * tr_io_wake is the one call that other threads may make: it ends the worker's tr_io_wait (an eventfd).
 */
#ifndef TR_IO_DISK_H
#define TR_IO_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/environment.h"
#include "tailrace/status.h"

struct tr_file;
struct tr_io_queue;

enum tr_io_op { TR_IO_READ, TR_IO_WRITE, TR_IO_SYNC };

/** One operation in flight. `result`: bytes moved (may be short), or -errno. */
struct tr_io_request {
	enum tr_io_op op;
	struct tr_file *file;
	void *buffer;
	size_t length;
	int64_t offset;
	int64_t result;
	bool is_done;
	struct tr_io_request *next; /* the implementation's own list */
};

enum tr_open_flags {
	TR_OPEN_READ = 1,
	TR_OPEN_WRITE = 2,
	TR_OPEN_CREATE = 4,
	TR_OPEN_EXCLUSIVE = 8,
	TR_OPEN_TRUNCATE = 16,
	TR_OPEN_LOCK = 32,   /* exclusively, until closed or its process ends; held by another: TR_ERR_UNAVAILABLE */
	TR_OPEN_PRIVATE = 64 /* created for its owner alone (0600) */
};

struct tr_file_info {
	int64_t size_bytes;
	int64_t modified_ms;
	uint64_t inode;
	bool is_directory;
	bool is_regular;
};

/** Called for each entry of a directory, "." and ".." left out. Return false to stop. */
typedef bool (*tr_disk_list_fn)(void *context, const char *name);

struct tr_disk_ops {
	const char *name; /* "io_uring", "plain", "sim" */
	tr_code (*open)(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			struct tr_status *st);
	void (*close)(struct tr_disk *disk, struct tr_file **file);
	tr_code (*stat)(struct tr_disk *disk, const char *path, struct tr_file_info *info, struct tr_status *st);
	tr_code (*file_stat)(struct tr_disk *disk, struct tr_file *file, struct tr_file_info *info,
			     struct tr_status *st);
	tr_code (*list)(struct tr_disk *disk, const char *path, tr_disk_list_fn fn, void *context, struct tr_status *st);
	tr_code (*make_directory)(struct tr_disk *disk, const char *path, struct tr_status *st); /* with parents */
	tr_code (*rename)(struct tr_disk *disk, const char *from, const char *to, struct tr_status *st);
	tr_code (*unlink)(struct tr_disk *disk, const char *path, struct tr_status *st);
	tr_code (*sync_directory)(struct tr_disk *disk, const char *path, struct tr_status *st);

	tr_code (*queue_create)(struct tr_disk *disk, uint32_t depth, struct tr_io_queue **queue, struct tr_status *st);
	void (*queue_destroy)(struct tr_disk *disk, struct tr_io_queue **queue); /* nothing may be in flight */
	/* Takes the request; it is sent at the next poll or wait at the latest. Never fails: errors come as result. */
	void (*submit)(struct tr_io_queue *queue, struct tr_io_request *request);
	/* Sends what was submitted, marks what has completed; returns how many. Does not wait. */
	uint32_t (*poll)(struct tr_io_queue *queue);
	/* The same, but sleeps until a completion, a wake, or `timeout_ns` (< 0: no limit). */
	uint32_t (*wait)(struct tr_io_queue *queue, int64_t timeout_ns);
	/* Any thread: ends the current or the next wait. */
	void (*wake)(struct tr_io_queue *queue);
	uint32_t (*in_flight)(const struct tr_io_queue *queue);

	/* These a disk may leave out (NULL); call them by the functions below. */

	/* Reserves space for a part of a file; its size does not change. A full disk is TR_ERR_IO with ENOSPC. TR_OK where
	 * the file system can't reserve. */
	tr_code (*allocate)(struct tr_disk *disk, struct tr_file *file, int64_t offset, int64_t length,
			    struct tr_status *st);
	/* Cuts a file to `bytes`, and gives back what was reserved beyond. */
	tr_code (*truncate)(struct tr_disk *disk, struct tr_file *file, int64_t bytes, struct tr_status *st);
	/* make_directory, but the last one is its owner's alone (0700) if it is made here. */
	tr_code (*make_private_directory)(struct tr_disk *disk, const char *path, struct tr_status *st);
	/* An empty directory. */
	tr_code (*remove_directory)(struct tr_disk *disk, const char *path, struct tr_status *st);
};

struct tr_disk {
	const struct tr_disk_ops *ops;
};

/** A queue remembers its disk, so that callers need only the queue. First member of every implementation's queue. */
struct tr_io_queue {
	struct tr_disk *disk;
};

static inline void tr_io_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	queue->disk->ops->submit(queue, request);
}
static inline uint32_t tr_io_poll(struct tr_io_queue *queue) { return queue->disk->ops->poll(queue); }
static inline uint32_t tr_io_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	return queue->disk->ops->wait(queue, timeout_ns);
}
static inline void tr_io_wake(struct tr_io_queue *queue) { queue->disk->ops->wake(queue); }

/** Reserves nothing where the disk can't. */
static inline tr_code tr_disk_allocate(struct tr_disk *disk, struct tr_file *file, int64_t offset, int64_t length,
				       struct tr_status *st)
{
	return disk->ops->allocate != NULL ? disk->ops->allocate(disk, file, offset, length, st) : TR_OK;
}
/** Leaves the file as long as it is where the disk can't cut. */
static inline tr_code tr_disk_truncate(struct tr_disk *disk, struct tr_file *file, int64_t bytes, struct tr_status *st)
{
	return disk->ops->truncate != NULL ? disk->ops->truncate(disk, file, bytes, st) : TR_OK;
}
static inline tr_code tr_disk_make_private_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	return disk->ops->make_private_directory != NULL ? disk->ops->make_private_directory(disk, path, st)
							 : disk->ops->make_directory(disk, path, st);
}
/** Leaves the directory where the disk can't remove one. */
static inline tr_code tr_disk_remove_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	return disk->ops->remove_directory != NULL ? disk->ops->remove_directory(disk, path, st) : TR_OK;
}

/** Makes a directory with its parents, and makes its name and theirs durable (io/disk_directory.c). */
tr_code tr_disk_make_durable_directory(struct tr_disk *disk, const char *path, bool is_private,
				       struct tr_status *st) TR_MUST_USE;

/** The real environment: system clocks, getrandom, and the best disk that the machine allows. */
tr_code tr_environment_real_create(struct tr_environment **env, struct tr_status *st) TR_MUST_USE;
void tr_environment_real_destroy(struct tr_environment **env);

#endif
