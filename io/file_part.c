/* SPDX-License-Identifier: Apache-2.0
 *
 * Part files: see io/file_part.h for the states.
 *
 * A new part is created exclusively under its pending name. Two sinks of one job may write to one table, so the number
 * must be free under both names, and the published name is looked at once more after the pending file exists: from then
 * on no other sink can take the number.
 */
#include "io/file_part.h"

#include <errno.h>
#include <stdio.h>

#include "base/fault.h"
#include "io/file_list.h"
#include "io/memory.h"

#define NUMBER_TRIES_MAX 1000000
#define LOCKS_MAX 16

static char *join(const char *a, const char *b, const char *c)
{
	char *text;

	TR_ASSERT(asprintf(&text, "%s%s%s", a, b, c) >= 0);
	return text;
}

char *tr_file_part_published_name(const struct tr_file_part *part)
{
	const struct tr_file_part_owner *o = part->owner;
	char *name;

	TR_ASSERT(asprintf(&name, "part-%s-%u-%llu.%s", o->job_id, o->subtask, (unsigned long long)part->number,
			   o->suffix) >= 0);
	return name;
}

static char *published_path(const struct tr_file_part *part)
{
	char *name = tr_file_part_published_name(part);
	char *path = join(part->directory, "/", name);

	free(name);
	return path;
}

static char *pending_path(const struct tr_file_part *part)
{
	const struct tr_file_part_owner *o = part->owner;
	char *path;

	TR_ASSERT(asprintf(&path, "%s/.part-%s-%u-%llu.%s%s", part->directory, o->job_id, o->subtask,
			   (unsigned long long)part->number, o->suffix,
			   o->has_checkpoints ? TR_PART_HELD_SUFFIX : TR_PART_PENDING_SUFFIX) >= 0);
	return path;
}

static bool exists(struct tr_disk *disk, const char *path)
{
	struct tr_file_info info;

	return disk->ops->stat(disk, path, &info, NULL) == TR_OK;
}

static bool is_number_used(const struct tr_file_part *part)
{
	char *published = published_path(part);
	const bool is_used = exists(part->owner->disk, published);

	free(published);
	return is_used;
}

static tr_code create_pending(struct tr_file_part *part, struct tr_status *st)
{
	struct tr_file_part_owner *o = part->owner;
	const unsigned flags = TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_EXCLUSIVE | TR_OPEN_LOCK;

	for (int i = 0; i < NUMBER_TRIES_MAX; i++) {
		struct tr_status mine = {0};
		tr_code code;

		part->number = o->next_number++;
		if (is_number_used(part))
			continue;
		free(part->pending);
		part->pending = pending_path(part);
		code = o->disk->ops->open(o->disk, part->pending, flags, &part->file, &mine);
		if (code != TR_OK && (mine.sys_errno == EEXIST || code == TR_ERR_UNAVAILABLE))
			continue; /* taken, or just being removed by a job that begins */
		if (code != TR_OK) {
			if (mine.sys_errno == EMFILE || mine.sys_errno == ENFILE)
				o->next_number--; /* the caller may try again */
			if (st != NULL)
				*st = mine;
			return code;
		}
		part->is_pending = true;
		if (!is_number_used(part))
			return TR_OK;
		o->disk->ops->close(o->disk, &part->file);
		part->is_pending = false;
		TR_TRY(o->disk->ops->unlink(o->disk, part->pending, st));
	}
	TR_FAIL(st, TR_ERR_CANT_CREATE, "%s: no free number for a part file", part->directory);
}

tr_code tr_file_part_open(struct tr_file_part_owner *owner, const char *folder, int64_t now_ns,
			  struct tr_file_part **part, struct tr_status *st)
{
	struct tr_file_part *p = tr_io_calloc(1, sizeof(*p));
	const size_t folder_length = strlen(folder);
	tr_code code;

	TR_ASSERT(owner != NULL && part != NULL);
	TR_ASSERT(folder_length == 0 || folder[folder_length - 1] == '/');
	p->owner = owner;
	p->state = TR_PART_OPEN;
	p->folder = tr_io_strdup(folder);
	p->directory = join(owner->directory, folder_length > 0 ? "/" : "", folder);
	if (folder_length > 0)
		p->directory[strlen(p->directory) - 1] = '\0';
	p->opened_ns = now_ns;
	p->touched_ns = now_ns;
	code = owner->disk->ops->make_directory(owner->disk, p->directory, st);
	if (code == TR_OK)
		code = create_pending(p, st);
	if (code != TR_OK) {
		code = tr_status_prefix(st, code, "table '%s'", owner->table);
		tr_file_part_destroy(&p);
		return code;
	}
	*part = p;
	return TR_OK;
}

static void submit_write(struct tr_file_part *part)
{
	part->request.op = TR_IO_WRITE;
	part->request.file = part->file;
	part->request.buffer = part->writing.data + part->written;
	part->request.length = part->writing.length - part->written;
	part->request.offset = part->offset + (int64_t)part->written;
	part->is_in_flight = true;
	tr_io_submit(part->owner->io, &part->request);
}

/** Swaps the buffers and writes. Nothing is in flight. */
static void start_write(struct tr_file_part *part)
{
	const struct tr_bytes empty = part->writing;

	TR_ASSERT(!part->is_in_flight && part->writing.length == 0);
	part->writing = part->filling;
	part->filling = empty;
	part->owner->buffer_bytes -= part->writing.capacity;
	part->written = 0;
	submit_write(part);
}

tr_code tr_file_part_encode(struct tr_file_part *part, const struct tr_encoder_ops *ops, struct tr_encoder *encoder,
			    const struct tr_batch *batch, const uint32_t *rows, uint32_t count, struct tr_status *st)
{
	const size_t length = part->filling.length;
	const size_t capacity = part->filling.capacity;
	tr_code code;

	TR_ASSERT(part->state == TR_PART_OPEN);
	code = ops->encode(encoder, batch, rows, count, &part->filling, st);
	part->size_bytes += (int64_t)(part->filling.length - length);
	part->owner->buffer_bytes += part->filling.capacity - capacity;
	return code;
}

void tr_file_part_flush(struct tr_file_part *part)
{
	TR_ASSERT(part->file != NULL && part->filling.length > 0);
	start_write(part);
}

void tr_file_part_park(struct tr_file_part *part)
{
	TR_ASSERT(part->file != NULL && !part->is_in_flight);
	TR_ASSERT(part->state == TR_PART_OPEN && part->owner->lock != NULL);
	part->owner->disk->ops->close(part->owner->disk, &part->file);
}

tr_code tr_file_part_unpark(struct tr_file_part *part, struct tr_status *st)
{
	struct tr_disk *disk = part->owner->disk;

	TR_ASSERT(part->file == NULL && part->is_pending);
	/* Not locked: the lock file protects it, and a job that begins may just be trying this file's lock. */
	return disk->ops->open(disk, part->pending, TR_OPEN_WRITE, &part->file, st);
}

void tr_file_part_trim(struct tr_file_part *part)
{
	if (part->filling.length == 0) {
		part->owner->buffer_bytes -= part->filling.capacity;
		tr_bytes_deinit(&part->filling);
	}
	if (!part->is_in_flight && part->writing.length == 0) {
		part->owner->buffer_bytes -= part->writing.capacity;
		tr_bytes_deinit(&part->writing);
	}
}

bool tr_file_part_is_full(const struct tr_file_part *part)
{
	return part->is_in_flight && part->filling.length >= part->owner->flush_bytes;
}

void tr_file_part_close(struct tr_file_part *part)
{
	TR_ASSERT(part->state == TR_PART_OPEN);
	part->state = TR_PART_WRITING;
}

tr_code tr_file_part_sync_names(const struct tr_file_part *part, struct tr_status *st)
{
	struct tr_disk *disk = part->owner->disk;
	const size_t table_length = strlen(part->owner->directory);
	char *directory = tr_io_strdup(part->directory);
	tr_code code = TR_OK;

	for (;;) {
		char *slash;

		code = disk->ops->sync_directory(disk, directory, st);
		slash = strrchr(directory, '/');
		if (TR_BUG("sink-folder-not-synced"))
			break;
		if (code != TR_OK || strlen(directory) <= table_length || slash == NULL)
			break;
		*slash = '\0'; /* a new folder is an entry of the one above it */
	}
	free(directory);
	return code;
}

static tr_code publish(struct tr_file_part *part, struct tr_status *st)
{
	struct tr_disk *disk = part->owner->disk;
	char *published = published_path(part);
	tr_code code;

	code = disk->ops->rename(disk, part->pending, published, st);
	free(published);
	TR_TRY(code);
	part->is_pending = false;
	part->state = TR_PART_PUBLISHED;
	disk->ops->close(disk, &part->file); /* its descriptor serves for the directory */
	if (TR_BUG("sink-name-not-synced"))
		return TR_OK;
	return tr_file_part_sync_names(part, st);
}

/** All bytes are on the disk. */
static tr_code synced(struct tr_file_part *part, struct tr_status *st)
{
	if (!part->owner->has_checkpoints)
		return publish(part, st);
	part->state = TR_PART_DURABLE;
	part->owner->disk->ops->close(part->owner->disk, &part->file);
	return TR_OK;
}

static tr_code fail_request(struct tr_file_part *part, struct tr_status *st)
{
	const struct tr_io_request *r = &part->request;
	const bool has_checkpoints = part->owner->has_checkpoints;
	const int error = r->result < 0 ? (int)-r->result : EIO;
	struct tr_status why = {0};
	const char *hint = "";

	part->is_broken = true;
	if (error == ENOSPC || error == EDQUOT)
		hint = has_checkpoints ? "; make room: after a restart the job goes on from its last checkpoint"
				       : "; make room, and run the job again";
	else if (has_checkpoints)
		hint = "; what was written since the last checkpoint may not be on the disk: restart the job, and it "
		       "goes on from there";
	(void)tr_status_set(&why, TR_ERR_IO, error, TR_WHERE, "table '%s': %s %s at byte offset %lld",
			    part->owner->table, r->op == TR_IO_WRITE ? "write" : "sync", part->pending,
			    (long long)(r->op == TR_IO_WRITE ? r->offset : part->offset));
	if (st != NULL) {
		(void)tr_status_set(st, TR_ERR_IO, 0, why.where, "%s%s", why.message, hint);
		st->sys_errno = error;
	}
	return TR_ERR_IO;
}

static tr_code take_result(struct tr_file_part *part, struct tr_status *st)
{
	const struct tr_io_request *r = &part->request;

	part->is_in_flight = false;
	if (TR_BUG("sink-syncs-again") && r->op == TR_IO_SYNC && r->result < 0) {
		part->is_in_flight = true;
		tr_io_submit(part->owner->io, &part->request);
		return TR_OK;
	}
	if (r->result < 0 || (r->op == TR_IO_WRITE && r->result == 0))
		return fail_request(part, st);
	if (r->op == TR_IO_SYNC)
		return synced(part, st);
	part->written += TR_BUG("sink-short-write") ? r->length : (size_t)r->result;
	if (part->written < part->writing.length) {
		submit_write(part); /* a short write */
		return TR_OK;
	}
	part->offset += (int64_t)part->writing.length;
	if (part->owner->has_lean_buffers)
		tr_bytes_deinit(&part->writing);
	tr_bytes_clear(&part->writing);
	part->owner->buffer_bytes += part->writing.capacity;
	return TR_OK;
}

tr_code tr_file_part_step(struct tr_file_part *part, struct tr_status *st)
{
	TR_ASSERT(part != NULL && !tr_file_part_is_done(part));
	TR_ASSERT(part->file != NULL);
	if (part->is_broken)
		TR_FAIL(st, TR_ERR_IO, "table '%s': %s: a write or a sync has failed before", part->owner->table,
			part->pending);
	if (part->is_in_flight && !part->request.is_done)
		return TR_OK;
	if (part->is_in_flight)
		TR_TRY(take_result(part, st));
	if (part->is_in_flight || tr_file_part_is_done(part))
		return TR_OK;
	if (part->filling.length >= part->owner->flush_bytes ||
	    (part->state == TR_PART_WRITING && part->filling.length > 0)) {
		start_write(part);
	} else if (part->state == TR_PART_WRITING) {
		if (TR_BUG("sink-not-synced"))
			return synced(part, st);
		part->state = TR_PART_SYNCING;
		part->request.op = TR_IO_SYNC;
		part->request.file = part->file;
		part->is_in_flight = true;
		tr_io_submit(part->owner->io, &part->request);
	}
	return TR_OK;
}

void tr_file_part_destroy(struct tr_file_part **part)
{
	struct tr_file_part *p = *part;
	bool has_waited = false;

	if (p == NULL)
		return;
	while (p->is_in_flight && !p->request.is_done) {
		(void)tr_io_wait(p->owner->io, -1);
		has_waited = true;
	}
	if (has_waited)
		tr_io_wake(p->owner->io); /* the worker's own wake may have been taken here */
	p->owner->disk->ops->close(p->owner->disk, &p->file);
	if (p->is_pending)
		(void)p->owner->disk->ops->unlink(p->owner->disk, p->pending, NULL);
	p->owner->buffer_bytes -= p->filling.capacity;
	if (!p->is_in_flight || p->request.op != TR_IO_WRITE)
		p->owner->buffer_bytes -= p->writing.capacity;
	tr_bytes_deinit(&p->filling);
	tr_bytes_deinit(&p->writing);
	free(p->folder);
	free(p->directory);
	free(p->pending);
	free(p);
	*part = NULL;
}

/* ---- the lock file ---- */

tr_code tr_file_part_lock(struct tr_file_part_owner *owner, struct tr_status *st)
{
	const unsigned flags = TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_EXCLUSIVE | TR_OPEN_LOCK;
	struct tr_disk *disk = owner->disk;

	for (unsigned k = 0; owner->lock == NULL && k < LOCKS_MAX; k++) {
		struct tr_file_info mine = {0}, named = {0};
		struct tr_status why = {0};
		tr_code code;

		free(owner->lock_path);
		TR_ASSERT(asprintf(&owner->lock_path, "%s/.part-%s-%u-%u.lock", owner->directory, owner->job_id,
				   owner->subtask, k) >= 0);
		code = disk->ops->open(disk, owner->lock_path, flags, &owner->lock, &why);
		if (code != TR_OK && (why.sys_errno == EEXIST || code == TR_ERR_UNAVAILABLE))
			continue; /* taken, or just being removed by a job that begins */
		if (code != TR_OK) {
			if (st != NULL)
				*st = why;
			return tr_status_prefix(st, code, "table '%s'", owner->table);
		}
		if (disk->ops->file_stat(disk, owner->lock, &mine, NULL) != TR_OK ||
		    disk->ops->stat(disk, owner->lock_path, &named, NULL) != TR_OK || mine.inode != named.inode)
			disk->ops->close(disk, &owner->lock); /* was removed before it was locked */
	}
	if (owner->lock == NULL)
		TR_FAIL(st, TR_ERR_CANT_CREATE, "table '%s': %s: more than %d writers of one job and subtask",
			owner->table, owner->directory, LOCKS_MAX);
	return TR_OK;
}

void tr_file_part_unlock(struct tr_file_part_owner *owner)
{
	if (owner->lock != NULL) {
		(void)owner->disk->ops->unlink(owner->disk, owner->lock_path, NULL);
		owner->disk->ops->close(owner->disk, &owner->lock);
	}
	free(owner->lock_path);
	owner->lock_path = NULL;
}

/* ---- what a killed run has left ---- */

static bool collect(void *context, const char *name)
{
	struct tr_file_list *names = context;

	tr_file_list_add(names, name);
	return names->count < TR_FILE_LIST_MAX;
}

/** Reads <subtask> and <n> of "part-<job id>-<subtask>-<n>." of this job. */
static bool parse_name(const struct tr_file_part_owner *owner, const char *name, unsigned *subtask,
		       unsigned long long *number)
{
	char start[96];
	const int length = snprintf(start, sizeof(start), "part-%s-", owner->job_id);
	int used = 0;

	if (length < 0 || (size_t)length >= sizeof(start) || strncmp(name, start, (size_t)length) != 0)
		return false;
	return sscanf(name + length, "%u-%llu.%n", subtask, number, &used) == 2 && used > 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
	const size_t length = strlen(name);
	const size_t suffix_length = strlen(suffix);

	return length >= suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

/** Whether a writer of the pending file's job and subtask holds a lock file. */
static bool has_living_writer(const struct tr_file_part_owner *owner, const char *name)
{
	const char *end = strchr(name + 1, '.');
	bool is_alive = false;

	TR_ASSERT(end != NULL);
	while (end > name && *end != '-')
		end--;
	for (unsigned k = 0; !is_alive && k < LOCKS_MAX; k++) {
		struct tr_file *file = NULL;
		char *path;

		TR_ASSERT(asprintf(&path, "%s/%.*s-%u.lock", owner->directory, (int)(end - name), name, k) >= 0);
		is_alive = owner->disk->ops->open(owner->disk, path, TR_OPEN_WRITE | TR_OPEN_LOCK, &file, NULL) ==
			   TR_ERR_UNAVAILABLE;
		owner->disk->ops->close(owner->disk, &file);
		free(path);
	}
	return is_alive;
}

/** Removes a file unless its writer lives. One that can't be opened is left alone: readers don't see it. */
static tr_code remove_leftover(const struct tr_file_part_owner *owner, const char *directory, const char *name,
			       bool is_part, struct tr_status *st)
{
	struct tr_disk *disk = owner->disk;
	struct tr_file *file = NULL;
	char *path = join(directory, "", name);
	tr_code code = TR_OK;

	/* First the file's own lock, then the lock files: a writer lets go of the one after it has the other. */
	if (disk->ops->open(disk, path, TR_OPEN_WRITE | TR_OPEN_LOCK, &file, NULL) == TR_OK) {
		if (!is_part || !has_living_writer(owner, name))
			code = disk->ops->unlink(disk, path, st);
		disk->ops->close(disk, &file);
	}
	free(path);
	return code;
}

/** A hidden name of the table: what this is, and whose. */
static tr_code look_at_hidden(struct tr_file_part_owner *owner, const char *folder, const char *directory,
			      const char *name, struct tr_file_list *held, struct tr_status *st)
{
	unsigned long long number;
	unsigned subtask;

	if (has_suffix(name, TR_PART_HELD_SUFFIX)) {
		if (!parse_name(owner, name + 1, &subtask, &number))
			return TR_OK;
		if (subtask == owner->subtask && number >= owner->next_number)
			owner->next_number = number + 1;
		if (subtask % owner->subtask_count == owner->subtask) {
			char *path = join(directory, "", name);

			tr_file_list_add(held, path);
			free(path);
		}
		return TR_OK;
	}
	if (owner->subtask != 0)
		return TR_OK;
	if (has_suffix(name, TR_PART_PENDING_SUFFIX) && !TR_BUG("sink-keeps-pending"))
		return remove_leftover(owner, directory, name, true, st);
	if (folder[0] == '\0' && (has_suffix(name, ".lock") || has_suffix(name, ".probe")))
		return remove_leftover(owner, directory, name, false, st);
	return TR_OK;
}

tr_code tr_file_part_clean(struct tr_file_part_owner *owner, const char *folder, struct tr_file_list *held,
			   struct tr_status *st)
{
	char *directory = join(owner->directory, "/", folder);
	struct tr_file_list names = {0};
	tr_code code = owner->disk->ops->list(owner->disk, directory, collect, &names, st);

	for (uint32_t i = 0; code == TR_OK && i < names.count; i++) {
		const char *name = names.paths[i];
		unsigned long long number;
		unsigned subtask;

		if (strncmp(name, ".part-", 6) == 0)
			code = look_at_hidden(owner, folder, directory, name, held, st);
		else if (parse_name(owner, name, &subtask, &number) && subtask == owner->subtask &&
			 number >= owner->next_number)
			owner->next_number = number + 1;
	}
	tr_file_list_deinit(&names);
	free(directory);
	return code;
}
