/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of whole jobs: a disk that passes all calls to a real one, counts them over all threads, and fails one of them, or
 * that one and all that follow, or makes transfers short. A request that fails never reaches the real disk; it is
 * answered at the next poll or wait of its queue, as a real one would be.
 *
 * It remembers whose sync has failed, and notices a second sync of the same file (`synced_again`). A directory is shared by
 * the subtasks of a sink: another thread may sync it before it hears of the failure, which does no harm, since the job fails
 * and no checkpoint completes. The environment's clock runs faster than the real one (FAILING_SPEED), so that pauses after
 * failures do not make a test slow.
 *
 * Thread: all calls; one lock guards what is counted.
 */
#ifndef TR_TESTS_FAILING_DISK_H
#define TR_TESTS_FAILING_DISK_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/disk.h"

#define FAILING_SPEED 25
#define FAILING_FILES 256
#define FAILING_PATH 256

enum failing_what {
	FAILING_NOTHING,
	FAILING_CALLS,     /* answer `error` */
	FAILING_SHORT,     /* move half of what was asked for */
	FAILING_LOG_SPACE, /* ENOSPC for what takes space in a segment of the log */
};

struct failing_file {
	struct tr_file *file; /* NULL: free */
	char path[FAILING_PATH];
	bool has_failed_sync;
};

struct failing_disk {
	struct tr_disk disk;
	struct tr_disk *real;
	struct tr_environment env;
	struct tr_environment *real_env;
	pthread_mutex_t lock;
	enum failing_what what;
	int error;
	uint64_t at; /* the first call that fails, from 1 */
	bool is_for_ever;
	uint32_t heals_after; /* so many failures all is well again; 0: never */
	uint64_t calls;
	uint32_t failed; /* calls that did */
	uint32_t synced_again;
	bool has_failed_log_sync;
	char first[FAILING_PATH + 64]; /* what failed first, for people */
	char failed_directory[FAILING_PATH];
	pthread_t failed_by;
	struct failing_file files[FAILING_FILES];
};

struct failing_queue {
	struct tr_io_queue queue;
	struct failing_disk *owner;
	struct tr_io_queue *real;
	struct tr_io_request *failed; /* to be answered */
};

static struct failing_disk *failing_of(struct tr_disk *disk) { return (struct failing_disk *)disk; }

/** Whether this call, which is counted, is one that fails. Under the lock. */
static bool failing_is_due(struct failing_disk *d, const char *what, const char *path, bool takes_space)
{
	bool is_due = ++d->calls >= d->at && (d->is_for_ever || d->failed == 0) &&
		      (d->heals_after == 0 || d->failed < d->heals_after);

	if (d->what == FAILING_NOTHING || d->what == FAILING_SHORT)
		return false;
	if (d->what == FAILING_LOG_SPACE)
		is_due = is_due && takes_space && strstr(path, "/segment-") != NULL;
	if (is_due && d->failed++ == 0)
		snprintf(d->first, sizeof(d->first), "%s %s", what, path);
	return is_due;
}

static tr_code failing_call(struct failing_disk *d, const char *what, const char *path, bool takes_space,
			    struct tr_status *st)
{
	bool is_due;

	pthread_mutex_lock(&d->lock);
	is_due = failing_is_due(d, what, path, takes_space);
	pthread_mutex_unlock(&d->lock);
	return is_due ? tr_status_set(st, TR_ERR_IO, d->error, TR_WHERE, "%s %s", what, path) : TR_OK;
}

/** Under the lock. */
static struct failing_file *failing_find(struct failing_disk *d, const struct tr_file *file)
{
	for (uint32_t i = 0; i < FAILING_FILES; i++)
		if (d->files[i].file == file)
			return &d->files[i];
	TR_UNREACHABLE();
}

static void failing_path(struct failing_disk *d, const struct tr_file *file, char *path)
{
	pthread_mutex_lock(&d->lock);
	memcpy(path, failing_find(d, file)->path, FAILING_PATH);
	pthread_mutex_unlock(&d->lock);
}

static tr_code failing_open(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			    struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	*file = NULL;
	TR_TRY(failing_call(d, "open", path, (flags & TR_OPEN_CREATE) != 0, st));
	TR_TRY(d->real->ops->open(d->real, path, flags, file, st));
	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0;; i++) {
		TR_ASSERT(i < FAILING_FILES);
		if (d->files[i].file != NULL)
			continue;
		d->files[i] = (struct failing_file){.file = *file};
		snprintf(d->files[i].path, FAILING_PATH, "%s", path);
		break;
	}
	pthread_mutex_unlock(&d->lock);
	return TR_OK;
}

static void failing_close(struct tr_disk *disk, struct tr_file **file)
{
	struct failing_disk *d = failing_of(disk);

	if (*file != NULL) {
		pthread_mutex_lock(&d->lock);
		failing_find(d, *file)->file = NULL;
		pthread_mutex_unlock(&d->lock);
	}
	d->real->ops->close(d->real, file);
}

static tr_code failing_stat(struct tr_disk *disk, const char *path, struct tr_file_info *info, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "stat", path, false, st));
	return d->real->ops->stat(d->real, path, info, st);
}

static tr_code failing_file_stat(struct tr_disk *disk, struct tr_file *file, struct tr_file_info *info,
				 struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);
	char path[FAILING_PATH];

	failing_path(d, file, path);
	TR_TRY(failing_call(d, "stat of the open", path, false, st));
	return d->real->ops->file_stat(d->real, file, info, st);
}

static tr_code failing_list(struct tr_disk *disk, const char *path, tr_disk_list_fn fn, void *context,
			    struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "list", path, false, st));
	return d->real->ops->list(d->real, path, fn, context, st);
}

static tr_code failing_make_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "make directory", path, true, st));
	return d->real->ops->make_directory(d->real, path, st);
}

static tr_code failing_make_private_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "make private directory", path, true, st));
	return tr_disk_make_private_directory(d->real, path, st);
}

static tr_code failing_remove_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "remove directory", path, false, st));
	return tr_disk_remove_directory(d->real, path, st);
}

static tr_code failing_rename(struct tr_disk *disk, const char *from, const char *to, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "rename", from, false, st));
	return d->real->ops->rename(d->real, from, to, st);
}

static tr_code failing_unlink(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);

	TR_TRY(failing_call(d, "remove", path, false, st));
	return d->real->ops->unlink(d->real, path, st);
}

static tr_code failing_sync_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);
	bool is_due;

	pthread_mutex_lock(&d->lock);
	d->synced_again += strcmp(path, d->failed_directory) == 0 && pthread_equal(d->failed_by, pthread_self());
	is_due = failing_is_due(d, "sync directory", path, false);
	if (is_due && d->error != EINTR) {
		snprintf(d->failed_directory, sizeof(d->failed_directory), "%s", path);
		d->failed_by = pthread_self();
	}
	pthread_mutex_unlock(&d->lock);
	if (is_due)
		return tr_status_set(st, TR_ERR_IO, d->error, TR_WHERE, "sync directory %s", path);
	return d->real->ops->sync_directory(d->real, path, st);
}

static tr_code failing_allocate(struct tr_disk *disk, struct tr_file *file, int64_t offset, int64_t length,
				struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);
	char path[FAILING_PATH];

	failing_path(d, file, path);
	TR_TRY(failing_call(d, "reserve space in", path, true, st));
	return tr_disk_allocate(d->real, file, offset, length, st);
}

static tr_code failing_truncate(struct tr_disk *disk, struct tr_file *file, int64_t bytes, struct tr_status *st)
{
	struct failing_disk *d = failing_of(disk);
	char path[FAILING_PATH];

	failing_path(d, file, path);
	TR_TRY(failing_call(d, "cut", path, false, st));
	return tr_disk_truncate(d->real, file, bytes, st);
}

static struct failing_queue *failing_queue_of(const struct tr_io_queue *queue)
{
	return (struct failing_queue *)(uintptr_t)queue;
}

static tr_code failing_queue_create(struct tr_disk *disk, uint32_t depth, struct tr_io_queue **queue,
				    struct tr_status *st)
{
	struct failing_queue *q = calloc(1, sizeof(*q));
	tr_code code;

	TR_ASSERT(q != NULL);
	q->owner = failing_of(disk);
	q->queue.disk = disk;
	code = q->owner->real->ops->queue_create(q->owner->real, depth, &q->real, st);
	*queue = code == TR_OK ? &q->queue : NULL;
	if (code != TR_OK)
		free(q);
	return code;
}

static void failing_queue_destroy(struct tr_disk *disk, struct tr_io_queue **queue)
{
	struct failing_queue *q = failing_queue_of(*queue);

	TR_ASSERT(q->failed == NULL);
	q->owner->real->ops->queue_destroy(q->owner->real, &q->real);
	free(q);
	*queue = NULL;
}

static void failing_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	static const char *const names[] = {"read", "write", "sync"};
	struct failing_queue *q = failing_queue_of(queue);
	struct failing_disk *d = q->owner;
	struct failing_file *file;
	bool is_due, is_sync = request->op == TR_IO_SYNC;

	pthread_mutex_lock(&d->lock);
	file = failing_find(d, request->file);
	d->synced_again += is_sync && file->has_failed_sync;
	is_due = failing_is_due(d, names[request->op], file->path, request->op == TR_IO_WRITE);
	if (is_due && is_sync && d->error != EINTR) {
		file->has_failed_sync = true;
		d->has_failed_log_sync = d->has_failed_log_sync || strstr(file->path, "/state/") != NULL;
	}
	if (d->what == FAILING_SHORT && !is_sync && request->length > 1 && d->calls >= d->at &&
	    (d->is_for_ever || d->failed == 0)) {
		d->failed++;
		request->length = (request->length + 1) / 2;
	}
	pthread_mutex_unlock(&d->lock);
	if (!is_due) {
		tr_io_submit(q->real, request);
		return;
	}
	request->result = -d->error;
	request->is_done = false;
	request->next = q->failed;
	q->failed = request;
}

static uint32_t failing_answer(struct failing_queue *q)
{
	uint32_t count = 0;

	while (q->failed != NULL) {
		struct tr_io_request *request = q->failed;

		q->failed = request->next;
		request->is_done = true;
		count++;
	}
	return count;
}

static uint32_t failing_poll(struct tr_io_queue *queue)
{
	struct failing_queue *q = failing_queue_of(queue);
	const uint32_t answered = failing_answer(q);

	return answered + tr_io_poll(q->real);
}

static uint32_t failing_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct failing_queue *q = failing_queue_of(queue);
	const uint32_t answered = failing_answer(q);

	if (answered > 0)
		return answered + tr_io_poll(q->real);
	return tr_io_wait(q->real, timeout_ns > 0 ? timeout_ns / FAILING_SPEED + 1 : timeout_ns);
}

static void failing_wake(struct tr_io_queue *queue) { tr_io_wake(failing_queue_of(queue)->real); }

static uint32_t failing_in_flight(const struct tr_io_queue *queue)
{
	const struct failing_queue *q = failing_queue_of(queue);
	uint32_t count = q->owner->real->ops->in_flight(q->real);

	for (const struct tr_io_request *request = q->failed; request != NULL; request = request->next)
		count++;
	return count;
}

static const struct tr_disk_ops failing_ops = {
	.name = "failing",
	.open = failing_open,
	.close = failing_close,
	.stat = failing_stat,
	.file_stat = failing_file_stat,
	.list = failing_list,
	.make_directory = failing_make_directory,
	.rename = failing_rename,
	.unlink = failing_unlink,
	.sync_directory = failing_sync_directory,
	.queue_create = failing_queue_create,
	.queue_destroy = failing_queue_destroy,
	.submit = failing_submit,
	.poll = failing_poll,
	.wait = failing_wait,
	.wake = failing_wake,
	.in_flight = failing_in_flight,
	.allocate = failing_allocate,
	.truncate = failing_truncate,
	.make_private_directory = failing_make_private_directory,
	.remove_directory = failing_remove_directory,
};

static struct failing_disk *failing_of_env(struct tr_environment *env)
{
	return (struct failing_disk *)((char *)env - offsetof(struct failing_disk, env));
}

static int64_t failing_monotonic_ns(struct tr_environment *env)
{
	return tr_environment_monotonic_ns(failing_of_env(env)->real_env) * FAILING_SPEED;
}

static int64_t failing_wall_ms(struct tr_environment *env)
{
	return tr_environment_wall_ms(failing_of_env(env)->real_env);
}

static uint64_t failing_random(struct tr_environment *env)
{
	return tr_environment_random(failing_of_env(env)->real_env);
}

static const struct tr_environment_ops failing_env_ops = {
	.monotonic_ns = failing_monotonic_ns,
	.wall_ms = failing_wall_ms,
	.random = failing_random,
};

/** Ready to be used as `env`; nothing fails until what, error, at are set. */
static inline void failing_disk_init(struct failing_disk *d, struct tr_environment *real)
{
	*d = (struct failing_disk){.disk.ops = &failing_ops,
				   .real = real->disk,
				   .real_env = real,
				   .env = {.ops = &failing_env_ops, .disk = &d->disk}};
	pthread_mutex_init(&d->lock, NULL);
}

#endif
