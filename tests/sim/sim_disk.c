/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated disk's calls: see sim_disk.h. What is durable is the volume's business (sim_volume.c).
 *
 * Names and errors follow io/disk_names.c: the same codes and errnos for the same troubles.
 */
#include "sim/sim_disk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/memory.h"

#define READ_GARBAGE 0xdd
#define TRIES_MAX 64

struct tr_file {
	struct tr_sim_disk *disk;
	struct tr_sim_inode *inode;
	char *path;
	unsigned flags;
	uint32_t in_flight;
};

/** A request in flight. */
struct flight {
	struct tr_io_request *request;
	int64_t due_ns;
	uint64_t covered; /* SYNC: the file's last write when it was submitted */
};

struct tr_sim_queue {
	struct tr_io_queue queue; /* first */
	struct flight *flights;
	uint32_t count;
	uint32_t capacity;
	bool is_woken;
	struct tr_sim_queue *next;
};

static struct tr_sim_disk *sim_of(const struct tr_disk *disk) { return (struct tr_sim_disk *)(uintptr_t)disk; }

static struct tr_sim_queue *queue_of(const struct tr_io_queue *queue)
{
	return (struct tr_sim_queue *)(uintptr_t)queue;
}

static int64_t wall_ms(const struct tr_sim_disk *disk) { return tr_environment_wall_ms(&disk->env->env); }

static void violate(struct tr_sim_disk *disk, const char *what, const char *path)
{
	if (disk->violation != NULL)
		return;
	disk->violation = what;
	snprintf(disk->violation_path, sizeof(disk->violation_path), "%s", path);
	tr_sim_trace_add(disk->env, "VIOLATION", path, 0, 0);
}

/** Counts a call; the process may die before it. */
static void count_call(struct tr_sim_disk *disk)
{
	if (disk->is_dead || ++disk->call_count != disk->die_at_call)
		return;
	if (disk->dies_by_cut)
		tr_sim_disk_cut(disk);
	else
		tr_sim_disk_kill(disk);
}

/* ---- names ---- */

static tr_code code_of_errno(int error, bool is_output)
{
	switch (error) {
	case EACCES:
	case EPERM: return TR_ERR_PERMISSION;
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG: return is_output ? TR_ERR_CANT_CREATE : TR_ERR_NO_INPUT;
	case EROFS:
	case EISDIR:
	case EEXIST: return is_output ? TR_ERR_CANT_CREATE : TR_ERR_IO;
	default: return TR_ERR_IO;
	}
}

static tr_code fail(struct tr_status *st, int error, bool is_output, const char *what, const char *path)
{
	return tr_status_set(st, code_of_errno(error, is_output), error, TR_WHERE, "%s %s", what, path);
}

/** Of a call that changes names: 0, or the error that strikes it. Read-only calls ask with `may_fail` false. */
static int name_fault(struct tr_sim_disk *disk, bool may_fail)
{
	if (may_fail) /* it changes something, or may */
		count_call(disk);
	if (disk->is_dead)
		return EIO;
	if (may_fail && disk->faults.name_error_permille > 0 &&
	    tr_sim_chance(&disk->random, disk->faults.name_error_permille)) {
		disk->error_count++;
		return EIO;
	}
	return 0;
}

static tr_code sim_open(struct tr_disk *base, const char *path, unsigned flags, struct tr_file **file,
			struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	const bool is_output = (flags & (TR_OPEN_WRITE | TR_OPEN_CREATE)) != 0;
	struct tr_sim_inode *inode = NULL;
	int error = name_fault(disk, (flags & TR_OPEN_CREATE) != 0);

	TR_ASSERT(path != NULL && file != NULL);
	*file = NULL;
	if (error == 0)
		error = tr_sim_volume_find(&disk->volume, path, &inode);
	if (error == 0 && (flags & TR_OPEN_CREATE) != 0 && (flags & TR_OPEN_EXCLUSIVE) != 0)
		error = EEXIST;
	if (error == ENOENT && (flags & TR_OPEN_CREATE) != 0)
		error = tr_sim_volume_create(&disk->volume, path, false, wall_ms(disk), &inode);
	if (error == 0 && inode->is_directory && is_output)
		error = EISDIR;
	tr_sim_trace_add(disk->env, "open", path, flags, error);
	if (error != 0)
		return fail(st, error, is_output, "open", path);
	if ((flags & TR_OPEN_TRUNCATE) != 0)
		tr_sim_inode_truncate(inode, 0, wall_ms(disk));
	if ((flags & TR_OPEN_LOCK) != 0 && inode->locker != NULL)
		return tr_status_set(st, TR_ERR_UNAVAILABLE, EWOULDBLOCK, TR_WHERE, "lock %s", path);
	*file = tr_io_calloc(1, sizeof(**file));
	(*file)->disk = disk;
	(*file)->inode = inode;
	(*file)->path = tr_io_strdup(path);
	(*file)->flags = flags;
	disk->file_count++;
	if ((flags & TR_OPEN_LOCK) != 0)
		inode->locker = *file;
	return TR_OK;
}

static void sim_close(struct tr_disk *base, struct tr_file **file)
{
	struct tr_file *f = *file;

	if (f == NULL)
		return;
	TR_ASSERT(f->in_flight == 0 || f->disk->is_dead);
	if (f->inode->locker == f)
		f->inode->locker = NULL;
	f->disk->file_count--;
	free(f->path);
	free(f);
	*file = NULL;
}

static void fill_info(const struct tr_sim_inode *inode, struct tr_file_info *info)
{
	info->size_bytes = (int64_t)inode->now.length;
	info->modified_ms = inode->modified_ms;
	info->inode = inode->number;
	info->is_directory = inode->is_directory;
	info->is_regular = !inode->is_directory;
}

static tr_code sim_stat(struct tr_disk *base, const char *path, struct tr_file_info *info, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	struct tr_sim_inode *inode;
	int error = name_fault(disk, false);

	if (error == 0)
		error = tr_sim_volume_find(&disk->volume, path, &inode);
	if (error != 0)
		return fail(st, error, false, "stat", path);
	fill_info(inode, info);
	return TR_OK;
}

static tr_code sim_file_stat(struct tr_disk *base, struct tr_file *file, struct tr_file_info *info, struct tr_status *st)
{
	if (sim_of(base)->is_dead)
		return fail(st, EIO, false, "stat", file->path);
	fill_info(file->inode, info);
	return TR_OK;
}

/** In random order: a real directory has none. */
static tr_code sim_list(struct tr_disk *base, const char *path, tr_disk_list_fn fn, void *context, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	struct tr_sim_inode *inode;
	int error = name_fault(disk, false);
	uint32_t count;
	char **names;

	if (error == 0)
		error = tr_sim_volume_find(&disk->volume, path, &inode);
	if (error == 0 && !inode->is_directory)
		error = ENOTDIR;
	if (error != 0)
		return fail(st, error, false, "list directory", path);
	count = inode->names.count;
	names = tr_io_calloc(count, sizeof(*names));
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = tr_sim_below(&disk->random, i + 1);

		names[i] = names[at];
		names[at] = tr_io_strdup(inode->names.items[i].name);
	}
	for (uint32_t i = 0; i < count && fn(context, names[i]); i++)
		continue;
	for (uint32_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return TR_OK;
}

static int make_directories(struct tr_sim_disk *disk, const char *path)
{
	char part[PATH_MAX];
	const size_t length = strlen(path);
	struct tr_sim_inode *inode;

	if (length >= sizeof(part))
		return ENAMETOOLONG;
	memcpy(part, path, length + 1);
	for (size_t i = 1; i <= length; i++) {
		int error;

		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		error = tr_sim_volume_create(&disk->volume, part, true, wall_ms(disk), &inode);
		if (error != 0 && error != EEXIST)
			return error;
		part[i] = i < length ? '/' : '\0';
	}
	if (tr_sim_volume_find(&disk->volume, path, &inode) == 0 && !inode->is_directory)
		return EEXIST;
	return 0;
}

static tr_code sim_make_directory(struct tr_disk *base, const char *path, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	int error = name_fault(disk, true);

	if (error == 0)
		error = make_directories(disk, path);
	return error != 0 ? fail(st, error, true, "make directory", path) : TR_OK;
}

static tr_code sim_rename(struct tr_disk *base, const char *from, const char *to, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	struct tr_sim_inode *inode;
	int error = name_fault(disk, true);

	if (error == 0 && tr_sim_volume_find(&disk->volume, from, &inode) == 0 && inode->has_failed_sync)
		violate(disk, "I14: a file was renamed after its sync had failed", from);
	if (error == 0)
		error = tr_sim_volume_rename(&disk->volume, from, to);
	tr_sim_trace_add(disk->env, "rename", to, 0, error);
	return error != 0 ? fail(st, error, true, "rename", from) : TR_OK;
}

static tr_code remove_name(struct tr_disk *base, const char *path, bool is_directory, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	int error = name_fault(disk, true);

	if (error == 0)
		error = tr_sim_volume_unlink(&disk->volume, path, is_directory);
	tr_sim_trace_add(disk->env, "unlink", path, is_directory, error);
	return error != 0 ? fail(st, error, true, "remove", path) : TR_OK;
}

static tr_code sim_unlink(struct tr_disk *base, const char *path, struct tr_status *st)
{
	return remove_name(base, path, false, st);
}

static tr_code sim_remove_directory(struct tr_disk *base, const char *path, struct tr_status *st)
{
	return remove_name(base, path, true, st);
}

/** How many of `more` bytes the quota lets a file have. */
static int64_t room_for(const struct tr_sim_disk *disk, int64_t more)
{
	if (disk->faults.quota_bytes == 0 || more <= 0)
		return more;
	return TR_MIN(more, TR_MAX(disk->faults.quota_bytes - tr_sim_volume_used_bytes(&disk->volume), 0));
}

static tr_code sim_allocate(struct tr_disk *base, struct tr_file *file, int64_t offset, int64_t length,
			    struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	const int64_t held = TR_MAX((int64_t)file->inode->now.length, file->inode->reserved);
	const int64_t more = offset + length - held;
	int error = name_fault(disk, true);

	if (error == 0 && room_for(disk, more) < more) {
		disk->error_count++;
		error = ENOSPC;
	}
	if (error == 0)
		file->inode->reserved = TR_MAX(file->inode->reserved, offset + length);
	tr_sim_trace_add(disk->env, "allocate", file->path, offset + length, error);
	return error != 0 ? fail(st, error, true, "reserve space for", file->path) : TR_OK;
}

static tr_code sim_truncate(struct tr_disk *base, struct tr_file *file, int64_t bytes, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	int error = name_fault(disk, true);

	if (error == 0 && file->inode->has_failed_sync)
		violate(disk, "I14: a file was cut after its sync had failed", file->path);
	if (error == 0)
		tr_sim_inode_truncate(file->inode, bytes, wall_ms(disk));
	tr_sim_trace_add(disk->env, "truncate", file->path, bytes, error);
	return error != 0 ? fail(st, error, true, "cut", file->path) : TR_OK;
}

static tr_code sim_sync_directory(struct tr_disk *base, const char *path, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	struct tr_sim_inode *inode;
	int error = name_fault(disk, true);

	if (error == 0)
		error = tr_sim_volume_find(&disk->volume, path, &inode);
	if (error == 0 && !inode->is_directory)
		error = ENOTDIR;
	if (error == 0)
		tr_sim_inode_sync_names(inode);
	tr_sim_trace_add(disk->env, "sync-directory", path, 0, error);
	return error != 0 ? fail(st, error, true, "sync directory", path) : TR_OK;
}

/* ---- requests ---- */

static tr_code sim_queue_create(struct tr_disk *base, uint32_t depth, struct tr_io_queue **queue, struct tr_status *st)
{
	struct tr_sim_disk *disk = sim_of(base);
	struct tr_sim_queue *q;

	if (disk->is_dead)
		TR_FAIL(st, TR_ERR_IO, "make a queue: the simulated disk is dead");
	q = tr_io_calloc(1, sizeof(*q));
	q->queue.disk = base;
	q->next = disk->queues;
	disk->queues = q;
	*queue = &q->queue;
	return TR_OK;
}

static void sim_queue_destroy(struct tr_disk *base, struct tr_io_queue **queue)
{
	struct tr_sim_queue **link = &sim_of(base)->queues;
	struct tr_sim_queue *q;

	if (*queue == NULL)
		return;
	q = queue_of(*queue);
	TR_ASSERT(q->count == 0 || sim_of(base)->is_dead);
	while (*link != q)
		link = &(*link)->next;
	*link = q->next;
	free(q->flights);
	free(q);
	*queue = NULL;
}

static void sim_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	struct tr_sim_queue *q = queue_of(queue);
	struct tr_sim_disk *disk = sim_of(queue->disk);
	struct tr_file *file = request->file;
	int64_t delay_ns = 0;

	TR_ASSERT(file != NULL && (request->op == TR_IO_SYNC || request->buffer != NULL));
	request->is_done = false;
	request->next = NULL;
	if (request->op != TR_IO_READ && file->inode->has_failed_sync && !disk->is_dead)
		violate(disk, "I14: a file was written or synced after its sync had failed", file->path);
	if (request->op == TR_IO_READ)
		memset(request->buffer, READ_GARBAGE, request->length);
	if (disk->faults.delay_ns_max > 0)
		delay_ns = tr_sim_below(&disk->random, disk->faults.delay_ns_max);
	if (disk->faults.slow_permille > 0 && tr_sim_chance(&disk->random, disk->faults.slow_permille))
		delay_ns += tr_sim_below(&disk->random, disk->faults.slow_ns_max + 1);
	if (q->count == q->capacity) {
		q->capacity = TR_MAX(q->capacity * 2, 16);
		q->flights = tr_io_realloc(q->flights, q->capacity * sizeof(*q->flights));
	}
	q->flights[q->count++] = (struct flight){
		.request = request, .due_ns = disk->env->now_ns + delay_ns, .covered = file->inode->written};
	file->in_flight++;
}

/** How much of a transfer happens: all of it, or, sometimes, less. */
static size_t shorten(struct tr_sim_disk *disk, size_t length)
{
	if (length > 1 && disk->faults.short_permille > 0 && tr_sim_chance(&disk->random, disk->faults.short_permille))
		return 1 + tr_sim_below(&disk->random, (uint32_t)(length - 1));
	return length;
}

static bool strikes(struct tr_sim_disk *disk, uint32_t permille)
{
	if (permille == 0 || !tr_sim_chance(&disk->random, permille))
		return false;
	disk->error_count++;
	return true;
}

static int64_t carry_out_read(struct tr_sim_disk *disk, const struct tr_io_request *request)
{
	const struct tr_sim_content *content = &request->file->inode->now;
	size_t length = 0;

	if (strikes(disk, disk->faults.read_error_permille))
		return -EIO;
	if (request->offset < (int64_t)content->length)
		length = shorten(disk, TR_MIN(request->length, content->length - (size_t)request->offset));
	if (length > 0)
		tr_sim_content_get(content, (size_t)request->offset, request->buffer, length);
	return (int64_t)length;
}

/** Another place in the file, where the atlas lets these bytes fall. -1: none. */
static int64_t misdirect(struct tr_sim_disk *disk, const struct tr_io_request *request, size_t length)
{
	const struct tr_sim_inode *inode = request->file->inode;
	int64_t offset;

	if (disk->atlas == NULL || inode->now.length <= length || !strikes(disk, disk->faults.misdirect_permille))
		return -1;
	offset = tr_sim_below(&disk->random, (uint32_t)(inode->now.length - length + 1));
	if (!disk->atlas(disk->atlas_context, request->file->path, offset, length) ||
	    !disk->atlas(disk->atlas_context, request->file->path, request->offset, length))
		return -1;
	disk->damage_count++;
	tr_sim_trace_add(disk->env, "misdirect", request->file->path, request->offset, offset);
	return offset;
}

static int64_t carry_out_write(struct tr_sim_disk *disk, const struct tr_io_request *request)
{
	struct tr_sim_inode *inode = request->file->inode;
	size_t length = shorten(disk, request->length);
	int64_t elsewhere, more;

	TR_ASSERT((request->file->flags & TR_OPEN_WRITE) != 0);
	if (strikes(disk, disk->faults.write_error_permille)) { /* some of it may have been written */
		length = tr_sim_below(&disk->random, (uint32_t)request->length + 1);
		(void)tr_sim_inode_write(inode, request->offset, request->buffer, length, wall_ms(disk));
		return -EIO;
	}
	more = request->offset + (int64_t)length - TR_MAX((int64_t)inode->now.length, inode->reserved);
	if (room_for(disk, more) < more) {
		const int64_t fits = (int64_t)length - (more - room_for(disk, more));

		disk->error_count++;
		if (fits <= 0)
			return -ENOSPC;
		length = (size_t)fits;
	}
	elsewhere = misdirect(disk, request, length);
	(void)tr_sim_inode_write(inode, elsewhere >= 0 ? elsewhere : request->offset, request->buffer, length,
				 wall_ms(disk));
	return (int64_t)length;
}

static int64_t carry_out_sync(struct tr_sim_disk *disk, const struct flight *flight)
{
	struct tr_sim_inode *inode = flight->request->file->inode;

	if (strikes(disk, disk->faults.sync_error_permille)) {
		tr_sim_inode_fail_sync(inode, flight->covered, &disk->random);
		return -EIO;
	}
	tr_sim_inode_sync(inode, flight->covered);
	return 0;
}

static int64_t carry_out(struct tr_sim_disk *disk, const struct flight *flight)
{
	switch (flight->request->op) {
	case TR_IO_READ: return carry_out_read(disk, flight->request);
	case TR_IO_WRITE: return carry_out_write(disk, flight->request);
	case TR_IO_SYNC: return carry_out_sync(disk, flight);
	}
	TR_UNREACHABLE();
}

/** Takes the flight at `index` out of the queue and answers its request. */
static void complete(struct tr_sim_queue *q, uint32_t index)
{
	static const char *const names[] = {[TR_IO_READ] = "read", [TR_IO_WRITE] = "write", [TR_IO_SYNC] = "sync"};
	struct tr_sim_disk *disk = sim_of(q->queue.disk);
	const struct flight flight = q->flights[index];
	struct tr_io_request *request = flight.request;

	if (request->op != TR_IO_READ)
		count_call(disk);
	q->flights[index] = q->flights[--q->count];
	request->result = disk->is_dead ? -EIO : carry_out(disk, &flight);
	request->is_done = true;
	request->file->in_flight--;
	if (!disk->is_dead)
		tr_sim_trace_add(disk->env, names[request->op], request->file->path, request->offset, request->result);
}

static uint32_t sim_poll(struct tr_io_queue *queue)
{
	struct tr_sim_queue *q = queue_of(queue);
	struct tr_sim_disk *disk = sim_of(queue->disk);
	uint32_t done = 0;

	for (;;) {
		uint32_t due = 0, chosen = 0;

		for (uint32_t i = 0; i < q->count; i++)
			if (disk->is_dead || q->flights[i].due_ns <= disk->env->now_ns)
				if (tr_sim_below(&disk->random, ++due) == 0)
					chosen = i;
		if (due == 0)
			return done;
		complete(q, chosen);
		done++;
	}
}

static uint32_t sim_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct tr_sim_queue *q = queue_of(queue);
	struct tr_sim_disk *disk = sim_of(queue->disk);
	uint32_t done = sim_poll(queue);
	int64_t until_ns = INT64_MAX;

	if (done > 0 || q->is_woken || disk->is_dead) {
		q->is_woken = false;
		return done;
	}
	for (uint32_t i = 0; i < q->count; i++)
		until_ns = TR_MIN(until_ns, q->flights[i].due_ns);
	if (timeout_ns >= 0)
		until_ns = TR_MIN(until_ns, disk->env->now_ns + timeout_ns);
	if (until_ns == INT64_MAX) {
		violate(disk, "a wait for nothing: no request is in flight, no time-out is set", "");
		return 0;
	}
	disk->env->now_ns = TR_MAX(disk->env->now_ns, until_ns);
	return sim_poll(queue);
}

static void sim_wake(struct tr_io_queue *queue) { queue_of(queue)->is_woken = true; }

static uint32_t sim_in_flight(const struct tr_io_queue *queue) { return queue_of(queue)->count; }

static const struct tr_disk_ops sim_ops = {
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.stat = sim_stat,
	.file_stat = sim_file_stat,
	.list = sim_list,
	.make_directory = sim_make_directory,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.sync_directory = sim_sync_directory,
	.queue_create = sim_queue_create,
	.queue_destroy = sim_queue_destroy,
	.submit = sim_submit,
	.poll = sim_poll,
	.wait = sim_wait,
	.wake = sim_wake,
	.in_flight = sim_in_flight,
	.allocate = sim_allocate,
	.truncate = sim_truncate,
	.make_private_directory = sim_make_directory,
	.remove_directory = sim_remove_directory,
};

/* ---- the simulator's side ---- */

void tr_sim_disk_init(struct tr_sim_disk *disk, struct tr_sim_environment *env, uint64_t seed)
{
	memset(disk, 0, sizeof(*disk));
	disk->disk.ops = &sim_ops;
	disk->env = env;
	disk->random = tr_sim_stream(seed, 2);
	tr_sim_volume_init(&disk->volume);
	env->env.disk = &disk->disk;
}

void tr_sim_disk_deinit(struct tr_sim_disk *disk)
{
	TR_ASSERT(disk->file_count == 0 && disk->queues == NULL);
	tr_sim_volume_deinit(&disk->volume);
}

void tr_sim_disk_put(struct tr_sim_disk *disk, const char *path, const char *bytes, size_t length)
{
	char *parent = tr_io_strdup(path);
	char *slash = strrchr(parent, '/');
	struct tr_sim_inode *inode = NULL;

	if (slash != NULL && slash != parent) {
		*slash = '\0';
		TR_ASSERT(make_directories(disk, parent) == 0);
	}
	free(parent);
	TR_ASSERT(tr_sim_volume_create(&disk->volume, path, false, wall_ms(disk), &inode) == 0);
	(void)tr_sim_inode_write(inode, 0, bytes, length, wall_ms(disk));
	tr_sim_volume_settle(&disk->volume);
}

int64_t tr_sim_queue_next_ns(const struct tr_io_queue *queue)
{
	const struct tr_sim_queue *q = queue_of(queue);
	int64_t next_ns = INT64_MAX;

	if (q->is_woken)
		return 0;
	for (uint32_t i = 0; i < q->count; i++)
		next_ns = TR_MIN(next_ns, q->flights[i].due_ns);
	return next_ns;
}

int64_t tr_sim_disk_next_ns(const struct tr_sim_disk *disk)
{
	int64_t next_ns = INT64_MAX;

	for (const struct tr_sim_queue *q = disk->queues; q != NULL; q = q->next)
		for (uint32_t i = 0; i < q->count; i++)
			next_ns = TR_MIN(next_ns, q->flights[i].due_ns);
	return next_ns;
}

/** What is in flight when a process ends happens or not; a sync that happens is one that nobody hears of. */
static void settle_flights(struct tr_sim_disk *disk)
{
	for (struct tr_sim_queue *q = disk->queues; q != NULL; q = q->next) {
		for (uint32_t i = 0; i < q->count; i++) {
			const struct flight *flight = &q->flights[i];

			if (flight->request->op != TR_IO_READ && tr_sim_chance(&disk->random, 500))
				(void)carry_out(disk, flight);
		}
	}
}

void tr_sim_disk_kill(struct tr_sim_disk *disk)
{
	TR_ASSERT(!disk->is_dead);
	settle_flights(disk);
	for (struct tr_sim_inode *inode = disk->volume.inodes; inode != NULL; inode = inode->next) {
		inode->locker = NULL;
		inode->has_failed_sync = false;
	}
	tr_sim_trace_add(disk->env, "KILL", NULL, 0, 0);
	disk->is_dead = true;
}

void tr_sim_disk_cut(struct tr_sim_disk *disk)
{
	TR_ASSERT(!disk->is_dead);
	settle_flights(disk);
	tr_sim_volume_cut(&disk->volume, &disk->random);
	tr_sim_trace_add(disk->env, "POWER CUT", NULL, 0, 0);
	disk->is_dead = true;
}

void tr_sim_disk_restart(struct tr_sim_disk *disk)
{
	TR_ASSERT(disk->is_dead && disk->file_count == 0 && disk->queues == NULL);
	disk->is_dead = false;
}

struct rot {
	struct tr_sim_disk *disk;
	uint32_t seen;
	struct tr_sim_inode *inode;
	char path[256];
};

static void choose_file(void *context, const char *path, struct tr_sim_inode *inode)
{
	struct rot *rot = context;

	if (inode->durable.length > 0 && tr_sim_below(&rot->disk->random, ++rot->seen) == 0) {
		rot->inode = inode;
		snprintf(rot->path, sizeof(rot->path), "%s", path);
	}
}

static void flip(struct tr_sim_content *content, size_t offset, char bit)
{
	char byte;

	if (offset >= content->length)
		return;
	tr_sim_content_get(content, offset, &byte, 1);
	byte = (char)(byte ^ bit);
	tr_sim_content_put(content, offset, &byte, 1);
}

bool tr_sim_disk_rot(struct tr_sim_disk *disk, const char *path)
{
	for (uint32_t i = 0; disk->atlas != NULL && i < TRIES_MAX; i++) {
		struct rot rot = {.disk = disk};
		size_t offset;
		char bit;

		tr_sim_volume_visit(&disk->volume, path, choose_file, &rot);
		if (rot.inode == NULL)
			return false;
		bit = (char)(1u << tr_sim_below(&disk->random, 8));
		if (!tr_sim_content_pick(&rot.inode->durable, &disk->random, &offset) ||
		    !disk->atlas(disk->atlas_context, rot.path, (int64_t)offset, 1))
			continue;
		flip(&rot.inode->durable, offset, bit);
		flip(&rot.inode->now, offset, bit);
		disk->damage_count++;
		tr_sim_trace_add(disk->env, "BIT ROT", rot.path, (int64_t)offset, bit);
		return true;
	}
	return false;
}
