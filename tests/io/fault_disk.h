/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk for tests of what is left after a fault. It passes all calls to a real one, counts them, and can
 *
 *     fail one        the k-th call answers an error and does nothing; or that one and all that follow
 *     die             from the k-th call on nothing reaches the disk: what a killed process leaves
 *     cut the power   of the names that no directory sync covers, a part is undone from the last one backwards, for each
 *                     directory on its own; bytes that no file sync covers are cut off
 *     write short     now and then a write takes only some of the bytes
 *
 * It notices a sync of a file or a directory one of whose syncs has failed before (`synced_again`). One thread.
 */
#ifndef TR_TEST_FAULT_DISK_H
#define TR_TEST_FAULT_DISK_H

#include "tr_test.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "io/disk.h"

enum name_change { NAME_MADE, NAME_MADE_DIRECTORY, NAME_MOVED, NAME_REMOVED };

struct fault_name {
	enum name_change change;
	char *directory;
	char *path;
	char *other; /* MOVED: the old path; REMOVED: where a link to the file is kept */
};

struct fault_file {
	struct tr_file *file; /* NULL: closed */
	char *path;
	int64_t written;
	int64_t durable;
	bool has_failed_sync;
};

struct fault_disk {
	struct tr_disk disk;
	struct tr_disk *real;
	char stash[96]; /* a directory beside the table, for links to removed files */
	uint64_t random;
	uint64_t calls;
	uint64_t fail_at; /* 0: never */
	bool fails_for_ever;
	int fail_error;
	uint64_t die_at; /* 0: never */
	uint32_t short_percent;
	uint32_t directory_syncs; /* that were carried out */
	uint32_t synced_again;
	char failed_directory[PATH_MAX];
	uint32_t stashed;
	struct fault_name *names;
	uint32_t name_count;
	uint32_t name_capacity;
	struct fault_file *files;
	uint32_t file_count;
	uint32_t file_capacity;
};

struct fault_queue {
	struct tr_io_queue queue;
	struct fault_disk *owner;
	struct tr_io_queue *real;
	struct {
		struct tr_io_request *request;
		int64_t covers; /* sync: bytes written before */
	} flight[256];
	uint32_t flight_count;
};

static struct fault_disk *fault_of(struct tr_disk *disk) { return (struct fault_disk *)disk; }
static bool fault_is_dead(const struct fault_disk *d) { return d->die_at > 0 && d->calls >= d->die_at; }

/** Counts a call. The errno it has to answer; 0: it may pass. */
static int fault_count(struct fault_disk *d)
{
	d->calls++;
	if (fault_is_dead(d))
		return EIO;
	if (d->fail_at > 0 && (d->calls == d->fail_at || (d->fails_for_ever && d->calls > d->fail_at)))
		return d->fail_error;
	return 0;
}

static tr_code fault_refuse(int error, const char *what, const char *path, struct tr_status *st)
{
	return tr_status_set(st, TR_ERR_IO, error, TR_WHERE, "%s %s", what, path);
}

static char *fault_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static void fault_note(struct fault_disk *d, enum name_change change, const char *path, const char *other)
{
	if (d->name_count == d->name_capacity) {
		d->name_capacity = d->name_capacity * 2 + 64;
		d->names = realloc(d->names, d->name_capacity * sizeof(*d->names));
	}
	d->names[d->name_count++] = (struct fault_name){
		.change = change,
		.directory = fault_directory_of(path),
		.path = strdup(path),
		.other = other != NULL ? strdup(other) : NULL,
	};
}

static void fault_forget_name(struct fault_disk *d, uint32_t index)
{
	free(d->names[index].directory);
	free(d->names[index].path);
	free(d->names[index].other);
	d->name_count--;
	memmove(&d->names[index], &d->names[index + 1], (d->name_count - index) * sizeof(*d->names));
}

static struct fault_file *fault_file_of(struct fault_disk *d, const struct tr_file *file)
{
	for (uint32_t i = 0; i < d->file_count; i++) {
		if (d->files[i].file == file)
			return &d->files[i];
	}
	fail_msg("a file that was not opened here");
	return NULL;
}

static struct fault_file *fault_path_of(struct fault_disk *d, const char *path)
{
	for (uint32_t i = 0; i < d->file_count; i++) {
		if (strcmp(d->files[i].path, path) == 0)
			return &d->files[i];
	}
	return NULL;
}

static tr_code fault_open(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			  struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const bool existed = access(path, F_OK) == 0;
	const int error = fault_count(d);
	struct fault_file *known;

	*file = NULL;
	if (error != 0)
		return fault_refuse(error, "open", path, st);
	TR_TRY(d->real->ops->open(d->real, path, flags, file, st));
	if (!existed)
		fault_note(d, NAME_MADE, path, NULL);
	known = fault_path_of(d, path);
	if (known == NULL || known->file != NULL) {
		if (d->file_count == d->file_capacity) {
			d->file_capacity = d->file_capacity * 2 + 64;
			d->files = realloc(d->files, d->file_capacity * sizeof(*d->files));
		}
		known = &d->files[d->file_count++];
		*known = (struct fault_file){.path = strdup(path)};
	}
	known->file = *file;
	return TR_OK;
}

static void fault_close(struct tr_disk *disk, struct tr_file **file)
{
	struct fault_disk *d = fault_of(disk);

	if (*file != NULL)
		fault_file_of(d, *file)->file = NULL;
	d->real->ops->close(d->real, file);
}

static tr_code fault_stat(struct tr_disk *disk, const char *path, struct tr_file_info *info, struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);

	return error != 0 ? fault_refuse(error, "stat", path, st) : d->real->ops->stat(d->real, path, info, st);
}

static tr_code fault_file_stat(struct tr_disk *disk, struct tr_file *file, struct tr_file_info *info,
			       struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);

	return error != 0 ? fault_refuse(error, "stat", "a file", st)
			  : d->real->ops->file_stat(d->real, file, info, st);
}

static tr_code fault_list(struct tr_disk *disk, const char *path, tr_disk_list_fn fn, void *context,
			  struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);

	return error != 0 ? fault_refuse(error, "list", path, st) : d->real->ops->list(d->real, path, fn, context, st);
}

static tr_code fault_make_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);
	char made[8][PATH_MAX], at[PATH_MAX];
	uint32_t count = 0;

	if (error != 0)
		return fault_refuse(error, "make directory", path, st);
	snprintf(at, sizeof(at), "%s", path);
	while (access(at, F_OK) != 0) {
		TR_ASSERT(count < 8);
		snprintf(made[count++], PATH_MAX, "%s", at);
		*strrchr(at, '/') = '\0';
	}
	TR_TRY(d->real->ops->make_directory(d->real, path, st));
	while (count > 0)
		fault_note(d, NAME_MADE_DIRECTORY, made[--count], NULL);
	return TR_OK;
}

static tr_code fault_rename(struct tr_disk *disk, const char *from, const char *to, struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);
	struct fault_file *file;

	if (error != 0)
		return fault_refuse(error, "rename", from, st);
	if (access(to, F_OK) == 0)
		fail_msg("%s is replaced", to);
	TR_TRY(d->real->ops->rename(d->real, from, to, st));
	fault_note(d, NAME_MOVED, to, from);
	file = fault_path_of(d, from);
	if (file != NULL) {
		free(file->path);
		file->path = strdup(to);
	}
	return TR_OK;
}

static tr_code fault_unlink(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);
	char kept[160];

	if (error != 0)
		return fault_refuse(error, "remove", path, st);
	snprintf(kept, sizeof(kept), "%s/%u", d->stash, d->stashed++);
	if (link(path, kept) == 0)
		fault_note(d, NAME_REMOVED, path, kept);
	return d->real->ops->unlink(d->real, path, st);
}

static tr_code fault_sync_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct fault_disk *d = fault_of(disk);
	const int error = fault_count(d);

	if (strcmp(path, d->failed_directory) == 0 && !fault_is_dead(d))
		d->synced_again++;
	if (error != 0) {
		snprintf(d->failed_directory, sizeof(d->failed_directory), "%s", path);
		return fault_refuse(error, "sync directory", path, st);
	}
	d->directory_syncs++;
	TR_TRY(d->real->ops->sync_directory(d->real, path, st));
	for (uint32_t i = d->name_count; i-- > 0;) {
		if (strcmp(d->names[i].directory, path) == 0)
			fault_forget_name(d, i);
	}
	return TR_OK;
}

static struct fault_queue *fault_queue_of(const struct tr_io_queue *queue)
{
	return (struct fault_queue *)(uintptr_t)queue;
}

static tr_code fault_queue_create(struct tr_disk *disk, uint32_t depth, struct tr_io_queue **queue, struct tr_status *st)
{
	struct fault_queue *q = calloc(1, sizeof(*q));

	q->owner = fault_of(disk);
	q->queue.disk = disk;
	*queue = &q->queue;
	return q->owner->real->ops->queue_create(q->owner->real, depth, &q->real, st);
}

static void fault_queue_destroy(struct tr_disk *disk, struct tr_io_queue **queue)
{
	struct fault_queue *q = fault_queue_of(*queue);

	q->owner->real->ops->queue_destroy(q->owner->real, &q->real);
	free(q);
	*queue = NULL;
}

static void fault_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	struct fault_queue *q = fault_queue_of(queue);
	struct fault_disk *d = q->owner;
	struct fault_file *file = fault_file_of(d, request->file);
	const int error = fault_count(d);

	if (request->op == TR_IO_SYNC && file->has_failed_sync)
		d->synced_again++;
	if (error != 0) {
		file->has_failed_sync |= request->op == TR_IO_SYNC;
		request->result = -error;
		request->is_done = true;
		tr_io_wake(q->real);
		return;
	}
	if (request->op == TR_IO_WRITE && request->length > 1 && tr_test_below(&d->random, 100) < d->short_percent)
		request->length = 1 + tr_test_below(&d->random, (uint32_t)request->length - 1);
	TR_ASSERT(q->flight_count < 256);
	q->flight[q->flight_count].covers = file->written;
	q->flight[q->flight_count++].request = request;
	tr_io_submit(q->real, request);
}

static uint32_t fault_take(struct fault_queue *q, uint32_t done)
{
	for (uint32_t i = q->flight_count; i-- > 0;) {
		const struct tr_io_request *request = q->flight[i].request;
		struct fault_file *file;

		if (!request->is_done)
			continue;
		file = fault_file_of(q->owner, request->file);
		if (request->op == TR_IO_WRITE && request->result > 0)
			file->written = TR_MAX(file->written, request->offset + request->result);
		if (request->op == TR_IO_SYNC && request->result == 0)
			file->durable = TR_MAX(file->durable, q->flight[i].covers);
		q->flight[i] = q->flight[--q->flight_count];
	}
	return done;
}

static uint32_t fault_poll(struct tr_io_queue *queue)
{
	struct fault_queue *q = fault_queue_of(queue);

	return fault_take(q, tr_io_poll(q->real));
}

static uint32_t fault_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct fault_queue *q = fault_queue_of(queue);

	return fault_take(q, tr_io_wait(q->real, timeout_ns));
}

static void fault_wake(struct tr_io_queue *queue) { tr_io_wake(fault_queue_of(queue)->real); }
static uint32_t fault_in_flight(const struct tr_io_queue *queue) { return fault_queue_of(queue)->flight_count; }

static const struct tr_disk_ops fault_ops = {
	.name = "fault",
	.open = fault_open,
	.close = fault_close,
	.stat = fault_stat,
	.file_stat = fault_file_stat,
	.list = fault_list,
	.make_directory = fault_make_directory,
	.rename = fault_rename,
	.unlink = fault_unlink,
	.sync_directory = fault_sync_directory,
	.queue_create = fault_queue_create,
	.queue_destroy = fault_queue_destroy,
	.submit = fault_submit,
	.poll = fault_poll,
	.wait = fault_wait,
	.wake = fault_wake,
	.in_flight = fault_in_flight,
};

static inline void fault_disk_init(struct fault_disk *d, struct tr_disk *real, const char *stash, uint64_t seed)
{
	*d = (struct fault_disk){.disk.ops = &fault_ops, .real = real, .random = seed, .fail_error = EIO};
	snprintf(d->stash, sizeof(d->stash), "%s", stash);
	assert_int_equal(mkdir(stash, 0777), 0);
}

/** The process has come to its end, or the machine: forgets what was noted of names and files. Nothing is open. */
static inline void fault_disk_settle(struct fault_disk *d)
{
	while (d->name_count > 0)
		fault_forget_name(d, d->name_count - 1);
	for (uint32_t i = 0; i < d->file_count; i++) {
		assert_null(d->files[i].file);
		free(d->files[i].path);
	}
	d->file_count = 0;
	d->calls = d->die_at = d->fail_at = 0;
	d->failed_directory[0] = '\0';
}

static inline void fault_disk_deinit(struct fault_disk *d)
{
	fault_disk_settle(d);
	free(d->names);
	free(d->files);
}

static inline void fault_remove_tree(const char *path)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static inline void fault_undo_name(struct fault_disk *d, const struct fault_name *name)
{
	struct fault_file *file;

	switch (name->change) {
	case NAME_MADE: (void)unlink(name->path); break;
	case NAME_MADE_DIRECTORY: fault_remove_tree(name->path); break;
	case NAME_REMOVED: (void)rename(name->other, name->path); break;
	case NAME_MOVED:
		assert_int_equal(rename(name->path, name->other), 0);
		file = fault_path_of(d, name->path);
		if (file != NULL) {
			free(file->path);
			file->path = strdup(name->other);
		}
		break;
	}
}

/** The power goes. The disk is dead already. */
static inline void fault_disk_cut_power(struct fault_disk *d)
{
	assert_true(fault_is_dead(d));
	/* Backwards; the first change of a directory that is kept ends its undoing. */
	while (d->name_count > 0) {
		const struct fault_name *name = &d->names[d->name_count - 1];

		if (tr_test_below(&d->random, 3) == 0) {
			char *directory = strdup(name->directory);

			for (uint32_t i = d->name_count; i-- > 0;) {
				if (strcmp(d->names[i].directory, directory) == 0)
					fault_forget_name(d, i);
			}
			free(directory);
			continue;
		}
		fault_undo_name(d, name);
		fault_forget_name(d, d->name_count - 1);
	}
	for (uint32_t i = 0; i < d->file_count; i++) {
		const struct fault_file *file = &d->files[i];
		const int64_t lost = file->written - file->durable;

		if (lost > 0 && access(file->path, F_OK) == 0)
			assert_int_equal(
				truncate(file->path, file->durable + tr_test_below(&d->random, (uint32_t)lost + 1)), 0);
	}
}

#endif
