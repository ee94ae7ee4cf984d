/* SPDX-License-Identifier: Apache-2.0
 *
 * Inodes, names, and the power cut: see sim_volume.h. Directories are small here: names are searched one by one.
 */
#include "sim/sim_volume.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/memory.h"
#include "sim/sim_environment.h"

#define SECTOR_BYTES 512
#define DEPTH_MAX 16

/* ---- names ---- */

/** Where the name is, or would be. */
static uint32_t names_place(const struct tr_sim_names *names, const char *name)
{
	uint32_t from = 0, to = names->count;

	while (from < to) {
		const uint32_t middle = from + (to - from) / 2;

		if (strcmp(names->items[middle].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct tr_sim_name *names_find(const struct tr_sim_names *names, const char *name)
{
	const uint32_t at = names_place(names, name);

	return at < names->count && strcmp(names->items[at].name, name) == 0 ? &names->items[at] : NULL;
}

static void names_remove(struct tr_sim_names *names, const char *name)
{
	struct tr_sim_name *found = names_find(names, name);
	size_t after;

	if (found == NULL)
		return;
	after = (size_t)(names->items + names->count - found) - 1;
	free(found->name);
	memmove(found, found + 1, after * sizeof(*found));
	names->count--;
}

static void names_reserve(struct tr_sim_names *names, uint32_t count)
{
	if (count <= names->capacity)
		return;
	names->capacity = TR_MAX(TR_MAX(names->capacity * 2, 8), count);
	names->items = tr_io_realloc(names->items, names->capacity * sizeof(*names->items));
}

/** Adds or replaces. */
static void names_put(struct tr_sim_names *names, const char *name, struct tr_sim_inode *inode)
{
	struct tr_sim_name *found = names_find(names, name);
	const uint32_t at = names_place(names, name);

	if (found != NULL) {
		found->inode = inode;
		return;
	}
	names_reserve(names, names->count + 1);
	memmove(&names->items[at + 1], &names->items[at], (names->count - at) * sizeof(*names->items));
	names->items[at] = (struct tr_sim_name){.name = tr_io_strdup(name), .inode = inode};
	names->count++;
}

static void names_clear(struct tr_sim_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	names->count = 0;
}

static void names_copy(struct tr_sim_names *to, const struct tr_sim_names *from)
{
	names_clear(to);
	names_reserve(to, from->count);
	for (uint32_t i = 0; i < from->count; i++)
		to->items[i] = (struct tr_sim_name){tr_io_strdup(from->items[i].name), from->items[i].inode};
	to->count = from->count;
}

static void names_apply(struct tr_sim_names *names, const struct tr_sim_change *change)
{
	switch (change->kind) {
	case TR_SIM_ADD: names_put(names, change->name, change->inode); break;
	case TR_SIM_REMOVE: names_remove(names, change->name); break;
	case TR_SIM_RENAME:
		names_remove(names, change->name);
		names_put(names, change->to, change->inode);
		break;
	}
}

static void changes_clear(struct tr_sim_inode *inode)
{
	for (uint32_t i = 0; i < inode->change_count; i++) {
		free(inode->changes[i].name);
		free(inode->changes[i].to);
	}
	inode->change_count = 0;
}

/** Changes the names now, and remembers that the change is not durable. */
static void change_names(struct tr_sim_inode *directory, enum tr_sim_change_kind kind, const char *name, const char *to,
			 struct tr_sim_inode *inode)
{
	struct tr_sim_change *change;

	if (directory->change_count == directory->change_capacity) {
		directory->change_capacity = TR_MAX(directory->change_capacity * 2, 8);
		directory->changes =
			tr_io_realloc(directory->changes, directory->change_capacity * sizeof(*directory->changes));
	}
	change = &directory->changes[directory->change_count++];
	*change = (struct tr_sim_change){.kind = kind, .name = tr_io_strdup(name), .inode = inode};
	if (to != NULL)
		change->to = tr_io_strdup(to);
	names_apply(&directory->names, change);
}

/* ---- the tree ---- */

static struct tr_sim_inode *inode_create(struct tr_sim_volume *volume, bool is_directory, int64_t now_ms)
{
	struct tr_sim_inode *inode = tr_io_calloc(1, sizeof(*inode));

	inode->number = ++volume->inode_count;
	inode->is_directory = is_directory;
	inode->modified_ms = now_ms;
	inode->next = volume->inodes;
	volume->inodes = inode;
	return inode;
}

void tr_sim_volume_init(struct tr_sim_volume *volume)
{
	*volume = (struct tr_sim_volume){.root = NULL};
	volume->root = inode_create(volume, true, 0);
}

static void writes_clear(struct tr_sim_inode *inode)
{
	for (uint32_t i = 0; i < inode->write_count; i++)
		free(inode->writes[i].bytes);
	inode->write_count = 0;
}

void tr_sim_volume_deinit(struct tr_sim_volume *volume)
{
	for (struct tr_sim_inode *inode = volume->inodes, *next; inode != NULL; inode = next) {
		next = inode->next;
		names_clear(&inode->names);
		names_clear(&inode->durable_names);
		changes_clear(inode);
		writes_clear(inode);
		tr_sim_content_deinit(&inode->now);
		tr_sim_content_deinit(&inode->durable);
		free(inode->names.items);
		free(inode->durable_names.items);
		free(inode->changes);
		free(inode->writes);
		free(inode);
	}
	*volume = (struct tr_sim_volume){.root = NULL};
}

/** The directory of a path's last component, and that component (`last`, of NAME_MAX + 1 bytes; "" for the root). */
static int walk(const struct tr_sim_volume *volume, const char *path, struct tr_sim_inode **directory, char *last)
{
	struct tr_sim_inode *at = volume->root;

	last[0] = '\0';
	for (;;) {
		size_t length;

		while (*path == '/')
			path++;
		if (*path == '\0')
			break;
		length = strcspn(path, "/");
		if (length == 1 && path[0] == '.') {
			path++;
			continue;
		}
		if (last[0] != '\0') {
			const struct tr_sim_name *found = names_find(&at->names, last);

			if (found == NULL)
				return ENOENT;
			if (!found->inode->is_directory)
				return ENOTDIR;
			at = found->inode;
		}
		if (length > NAME_MAX)
			return ENAMETOOLONG;
		memcpy(last, path, length);
		last[length] = '\0';
		path += length;
	}
	*directory = at;
	return 0;
}

int tr_sim_volume_find(const struct tr_sim_volume *volume, const char *path, struct tr_sim_inode **inode)
{
	struct tr_sim_inode *directory;
	const struct tr_sim_name *found;
	char last[NAME_MAX + 1];
	const int error = walk(volume, path, &directory, last);

	if (error != 0)
		return error;
	if (last[0] == '\0') {
		*inode = volume->root;
		return 0;
	}
	found = names_find(&directory->names, last);
	if (found == NULL)
		return ENOENT;
	*inode = found->inode;
	return 0;
}

int tr_sim_volume_create(struct tr_sim_volume *volume, const char *path, bool is_directory, int64_t now_ms,
			 struct tr_sim_inode **inode)
{
	struct tr_sim_inode *directory;
	char last[NAME_MAX + 1];
	const int error = walk(volume, path, &directory, last);

	if (error != 0)
		return error;
	if (last[0] == '\0' || names_find(&directory->names, last) != NULL)
		return EEXIST;
	*inode = inode_create(volume, is_directory, now_ms);
	change_names(directory, TR_SIM_ADD, last, NULL, *inode);
	return 0;
}

int tr_sim_volume_rename(struct tr_sim_volume *volume, const char *from, const char *to)
{
	struct tr_sim_inode *directory, *other;
	char last[NAME_MAX + 1], last_to[NAME_MAX + 1];
	const struct tr_sim_name *found, *replaced;
	int error = walk(volume, from, &directory, last);

	if (error == 0)
		error = walk(volume, to, &other, last_to);
	if (error != 0)
		return error;
	found = names_find(&directory->names, last);
	if (found == NULL)
		return ENOENT;
	if (other != directory)
		return EXDEV;
	replaced = names_find(&directory->names, last_to);
	if (replaced != NULL && replaced->inode == found->inode)
		return 0;
	if (replaced != NULL && replaced->inode->is_directory != found->inode->is_directory)
		return found->inode->is_directory ? ENOTDIR : EISDIR;
	if (replaced != NULL && replaced->inode->is_directory && replaced->inode->names.count > 0)
		return ENOTEMPTY;
	change_names(directory, TR_SIM_RENAME, last, last_to, found->inode);
	return 0;
}

int tr_sim_volume_unlink(struct tr_sim_volume *volume, const char *path, bool is_directory)
{
	struct tr_sim_inode *directory;
	const struct tr_sim_name *found;
	char last[NAME_MAX + 1];
	const int error = walk(volume, path, &directory, last);

	if (error != 0)
		return error;
	found = names_find(&directory->names, last);
	if (found == NULL)
		return ENOENT;
	if (found->inode->is_directory != is_directory)
		return is_directory ? ENOTDIR : EISDIR;
	if (found->inode->names.count > 0)
		return ENOTEMPTY;
	change_names(directory, TR_SIM_REMOVE, last, NULL, found->inode);
	return 0;
}

/* ---- contents ---- */

static void apply(struct tr_sim_content *content, const struct tr_sim_write *write)
{
	if (write->bytes != NULL)
		tr_sim_content_put(content, (size_t)write->offset, write->bytes, write->length);
	else
		tr_sim_content_resize(content, (size_t)write->offset);
}

static struct tr_sim_write *write_add(struct tr_sim_inode *inode)
{
	if (inode->write_count == inode->write_capacity) {
		inode->write_capacity = TR_MAX(inode->write_capacity * 2, 4);
		inode->writes = tr_io_realloc(inode->writes, inode->write_capacity * sizeof(*inode->writes));
	}
	inode->written++;
	return &inode->writes[inode->write_count++];
}

uint64_t tr_sim_inode_write(struct tr_sim_inode *inode, int64_t offset, const void *bytes, size_t length, int64_t now_ms)
{
	struct tr_sim_write *write;

	TR_ASSERT(!inode->is_directory && offset >= 0);
	if (length == 0)
		return inode->written;
	write = write_add(inode);
	*write = (struct tr_sim_write){
		.number = inode->written, .offset = offset, .length = length, .bytes = tr_io_calloc(length, 1)};
	memcpy(write->bytes, bytes, length);
	apply(&inode->now, write);
	inode->modified_ms = now_ms;
	return inode->written;
}

void tr_sim_inode_truncate(struct tr_sim_inode *inode, int64_t length, int64_t now_ms)
{
	struct tr_sim_write *write = write_add(inode);

	*write = (struct tr_sim_write){.number = inode->written, .offset = length};
	apply(&inode->now, write);
	inode->reserved = length;
	inode->modified_ms = now_ms;
}

/** Takes the first `count` writes off the list. */
static void writes_drop(struct tr_sim_inode *inode, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(inode->writes[i].bytes);
	inode->write_count -= count;
	memmove(inode->writes, inode->writes + count, inode->write_count * sizeof(*inode->writes));
}

static uint32_t count_covered(const struct tr_sim_inode *inode, uint64_t covered)
{
	uint32_t count = 0;

	while (count < inode->write_count && inode->writes[count].number <= covered)
		count++;
	return count;
}

void tr_sim_inode_sync(struct tr_sim_inode *inode, uint64_t covered)
{
	const uint32_t count = count_covered(inode, covered);

	for (uint32_t i = 0; i < count; i++)
		apply(&inode->durable, &inode->writes[i]);
	if (count > 0)
		writes_drop(inode, count);
}

void tr_sim_inode_fail_sync(struct tr_sim_inode *inode, uint64_t covered, uint64_t *random)
{
	const uint32_t count = count_covered(inode, covered);

	for (uint32_t i = 0; i < count; i++)
		if (tr_sim_chance(random, 500))
			apply(&inode->durable, &inode->writes[i]);
	if (count > 0)
		writes_drop(inode, count);
	inode->has_failed_sync = true;
}

void tr_sim_inode_sync_names(struct tr_sim_inode *inode)
{
	TR_ASSERT(inode->is_directory);
	names_copy(&inode->durable_names, &inode->names);
	changes_clear(inode);
}

/* ---- the power cut ---- */

/** What the disk keeps of a write that it was not told to make durable. */
static void apply_torn(struct tr_sim_content *content, const struct tr_sim_write *write, uint64_t *random)
{
	const size_t start = (size_t)write->offset, end = start + write->length;

	switch (tr_sim_below(random, 4)) {
	case 0: /* dropped; the size may have been kept */
		if (write->bytes != NULL && tr_sim_chance(random, 300))
			tr_sim_content_resize(content, TR_MAX(content->length, end));
		return;
	case 1: apply(content, write); return;
	case 2: /* cut at a byte */
		if (write->bytes != NULL)
			tr_sim_content_put(content, start, write->bytes,
					   tr_sim_below(random, (uint32_t)TR_MIN(write->length, UINT32_MAX)));
		return;
	case 3: /* sectors */
		if (write->bytes == NULL)
			return;
		for (size_t at = start; at < end;) {
			const size_t next = TR_MIN((at / SECTOR_BYTES + 1) * SECTOR_BYTES, end);

			if (tr_sim_chance(random, 500))
				tr_sim_content_put(content, at, write->bytes + (at - start), next - at);
			at = next;
		}
		return;
	}
}

void tr_sim_volume_cut(struct tr_sim_volume *volume, uint64_t *random)
{
	for (struct tr_sim_inode *inode = volume->inodes; inode != NULL; inode = inode->next) {
		if (inode->is_directory) {
			const uint32_t kept = tr_sim_below(random, inode->change_count + 1);

			for (uint32_t i = 0; i < kept; i++)
				names_apply(&inode->durable_names, &inode->changes[i]);
			names_copy(&inode->names, &inode->durable_names);
			changes_clear(inode);
		} else {
			for (uint32_t i = 0; i < inode->write_count; i++)
				apply_torn(&inode->durable, &inode->writes[i], random);
			writes_clear(inode);
			tr_sim_content_copy(&inode->now, &inode->durable);
		}
		inode->has_failed_sync = false;
		inode->locker = NULL;
	}
}

void tr_sim_volume_settle(struct tr_sim_volume *volume)
{
	for (struct tr_sim_inode *inode = volume->inodes; inode != NULL; inode = inode->next) {
		if (inode->is_directory)
			tr_sim_inode_sync_names(inode);
		else
			tr_sim_inode_sync(inode, UINT64_MAX);
	}
}

bool tr_sim_volume_is_durable(const struct tr_sim_volume *volume, const char *path)
{
	struct tr_sim_inode *directory, *other, *inode;
	char part[PATH_MAX], last[NAME_MAX + 1];
	const struct tr_sim_name *now, *durable;
	size_t length = strlen(path);

	TR_ASSERT(length < sizeof(part));
	memcpy(part, path, length + 1);
	if (tr_sim_volume_find(volume, path, &inode) != 0 || inode->write_count > 0 ||
	    !tr_sim_content_equals(&inode->now, &inode->durable))
		return false;
	for (;;) {
		while (length > 0 && part[length - 1] == '/')
			part[--length] = '\0';
		if (length == 0 || walk(volume, part, &directory, last) != 0 || last[0] == '\0')
			return true;
		now = names_find(&directory->names, last);
		durable = names_find(&directory->durable_names, last);
		if (now == NULL || durable == NULL || now->inode != durable->inode)
			return false;
		/* A later removal or replacement that is not durable yet leaves the name as it is. */
		for (uint32_t i = 0; i < directory->change_count; i++) {
			const struct tr_sim_change *change = &directory->changes[i];

			if (strcmp(change->name, last) == 0 || (change->to != NULL && strcmp(change->to, last) == 0))
				return false;
		}
		other = directory;
		if (other == volume->root)
			return true;
		while (length > 0 && part[length - 1] != '/')
			part[--length] = '\0';
	}
}

/* ---- looking ---- */

static void visit(const struct tr_sim_inode *directory, const char *path, tr_sim_visit_fn fn, void *context,
		  uint32_t depth)
{
	TR_ASSERT(depth < DEPTH_MAX);
	for (uint32_t i = 0; i < directory->names.count; i++) {
		const struct tr_sim_name *name = &directory->names.items[i];
		char child[PATH_MAX];

		TR_ASSERT(snprintf(child, sizeof(child), "%s/%s", path, name->name) < (int)sizeof(child));
		if (name->inode->is_directory)
			visit(name->inode, child, fn, context, depth + 1);
		else
			fn(context, child, name->inode);
	}
}

void tr_sim_volume_visit(const struct tr_sim_volume *volume, const char *path, tr_sim_visit_fn fn, void *context)
{
	struct tr_sim_inode *inode;

	if (tr_sim_volume_find(volume, path, &inode) == 0 && inode->is_directory)
		visit(inode, strcmp(path, "/") == 0 ? "" : path, fn, context, 0);
}

static void add_bytes(void *context, const char *path, struct tr_sim_inode *inode)
{
	*(int64_t *)context += TR_MAX((int64_t)inode->now.length, inode->reserved);
}

int64_t tr_sim_volume_used_bytes(const struct tr_sim_volume *volume)
{
	int64_t bytes = 0;

	tr_sim_volume_visit(volume, "/", add_bytes, &bytes);
	return bytes;
}
