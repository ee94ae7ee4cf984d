/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of one sink: see io/file_part_set.h for how files and memory are shared.
 *
 * Only a part with a file can have something in flight. So to move on means to look at `files`, never at all parts.
 */
#include "io/file_part_set.h"

#include <errno.h>

#include "base/hash.h"
#include "io/memory.h"

#define BUCKETS_FIRST 64
#define WARM_MAX 64     /* so many open parts keep their buffers */
#define LOCK_AT_FILES 8 /* the lock file is made when so many files are open: the first may have to be parked soon */
#define FILES_MIN 4
#define WAIT_NS 10000000

void tr_file_part_set_init(struct tr_file_part_set *set, const struct tr_file_part_owner *owner,
			   tr_file_part_done_fn done, void *context)
{
	TR_ASSERT(owner != NULL && done != NULL);
	*set = (struct tr_file_part_set){
		.owner = *owner,
		.done = done,
		.context = context,
		.bucket_count = BUCKETS_FIRST,
		.file_count_max = TR_PART_FILES_MAX,
		.closing_file_count_max = TR_PART_CLOSING_MAX,
	};
	set->buckets = tr_io_calloc(BUCKETS_FIRST, sizeof(struct tr_file_part *));
	set->waiting_tail = &set->waiting;
}

void tr_file_part_set_deinit(struct tr_file_part_set *set)
{
	for (uint32_t b = 0; b < set->bucket_count; b++) {
		for (struct tr_file_part *part = set->buckets[b], *next; part != NULL; part = next) {
			next = part->hash_next;
			tr_file_part_destroy(&part);
		}
	}
	tr_file_part_unlock(&set->owner);
	free(set->buckets);
	free(set->open);
	*set = (struct tr_file_part_set){0};
}

/* ---- by folder ---- */

static void hash_insert(struct tr_file_part_set *set, struct tr_file_part *part)
{
	struct tr_file_part **bucket = &set->buckets[part->hash & (set->bucket_count - 1)];

	part->hash_next = *bucket;
	*bucket = part;
}

static void hash_remove(struct tr_file_part_set *set, const struct tr_file_part *part)
{
	struct tr_file_part **link = &set->buckets[part->hash & (set->bucket_count - 1)];

	while (*link != part) {
		TR_ASSERT(*link != NULL);
		link = &(*link)->hash_next;
	}
	*link = part->hash_next;
	set->count--;
}

static void hash_grow(struct tr_file_part_set *set)
{
	struct tr_file_part **old = set->buckets;
	const uint32_t old_count = set->bucket_count;

	set->bucket_count = old_count * 2;
	set->buckets = tr_io_calloc(set->bucket_count, sizeof(struct tr_file_part *));
	for (uint32_t b = 0; b < old_count; b++) {
		for (struct tr_file_part *part = old[b], *next; part != NULL; part = next) {
			next = part->hash_next;
			hash_insert(set, part);
		}
	}
	free(old);
}

bool tr_file_part_set_is_busy(const struct tr_file_part_set *set, const char *folder, const struct tr_file_part *part)
{
	const uint64_t hash = tr_hash_bytes(folder, strlen(folder));
	const struct tr_file_part *other = set->buckets[hash & (set->bucket_count - 1)];

	for (; other != NULL; other = other->hash_next) {
		if (other != part && other->hash == hash && strcmp(other->folder, folder) == 0)
			return true;
	}
	return false;
}

/* ---- files ---- */

static bool is_out_of_files(const struct tr_status *st) { return st->sys_errno == EMFILE || st->sys_errno == ENFILE; }

/** Parks the open part whose file was asked for longest ago. False: all are busy. */
static bool park_one(struct tr_file_part_set *set)
{
	uint32_t oldest = UINT32_MAX;

	if (set->owner.lock == NULL)
		return false;
	for (uint32_t i = 0; i < set->file_count; i++) {
		const struct tr_file_part *part = set->files[i];

		if (part->state == TR_PART_OPEN && !part->is_in_flight &&
		    (oldest == UINT32_MAX || part->used < set->files[oldest]->used))
			oldest = i;
	}
	if (oldest == UINT32_MAX)
		return false;
	tr_file_part_park(set->files[oldest]);
	set->files[oldest] = set->files[--set->file_count];
	return true;
}

tr_code tr_file_part_set_sync_directory(struct tr_file_part_set *set, const char *directory, struct tr_status *st)
{
	struct tr_disk *disk = set->owner.disk;
	struct tr_status why = {0};
	tr_code code = disk->ops->sync_directory(disk, directory, &why);

	/* What could not be opened was not synced: it may be tried again. */
	if (code != TR_OK && is_out_of_files(&why) && park_one(set))
		code = disk->ops->sync_directory(disk, directory, &why);
	if (code != TR_OK && st != NULL)
		*st = why;
	return code;
}

/** Looks at the part of files[index]; when it is done, ends it. */
static tr_code step_file(struct tr_file_part_set *set, uint32_t index, struct tr_status *st)
{
	struct tr_file_part *part = set->files[index];
	struct tr_status why = {0};
	tr_code code = tr_file_part_step(part, &why);

	if (code != TR_OK && part->state == TR_PART_PUBLISHED && is_out_of_files(&why) && park_one(set)) {
		/* park_one may have moved this part in the array */
		code = tr_file_part_sync_names(part, &why);
		for (index = 0; set->files[index] != part; index++)
			TR_ASSERT(index + 1 < set->file_count);
	}
	if (code != TR_OK && st != NULL)
		*st = why;
	if (!tr_file_part_is_done(part))
		return code;
	set->files[index] = set->files[--set->file_count];
	set->closing_file_count--;
	set->closing_count--;
	hash_remove(set, part);
	if (code == TR_OK)
		code = set->done(set->context, part, st);
	tr_file_part_destroy(&part);
	return code;
}

static tr_code step_files(struct tr_file_part_set *set, struct tr_status *st)
{
	for (uint32_t i = set->file_count; i-- > 0;) {
		if (i < set->file_count)
			TR_TRY(step_file(set, i, st));
	}
	return TR_OK;
}

/** Waits until a file can be parked or is gone. Something is in flight. */
static tr_code wait_for_file(struct tr_file_part_set *set, struct tr_status *st)
{
	const uint32_t before = set->file_count;

	while (set->file_count == before && !park_one(set)) {
		(void)tr_io_wait(set->owner.io, WAIT_NS);
		TR_TRY(step_files(set, st));
	}
	tr_io_wake(set->owner.io); /* the worker's own wake may have been taken here */
	return TR_OK;
}

/** Before a file is opened. */
static tr_code make_room(struct tr_file_part_set *set, struct tr_status *st)
{
	if (set->owner.lock == NULL && set->file_count >= LOCK_AT_FILES)
		TR_TRY(tr_file_part_lock(&set->owner, st));
	while (set->file_count >= set->file_count_max)
		TR_TRY(wait_for_file(set, st));
	return TR_OK;
}

/** After the system has refused a file: takes a smaller bound. False: there is nothing to give back. */
static bool take_less(struct tr_file_part_set *set, const struct tr_status *why)
{
	if (!is_out_of_files(why) || set->owner.lock == NULL || set->file_count == 0)
		return false;
	set->file_count_max = TR_MAX(set->file_count - set->file_count / 4, FILES_MIN);
	if (set->file_count_max > set->file_count)
		set->file_count_max = set->file_count;
	return true;
}

/** Makes sure that the part is not parked. */
static tr_code get_file(struct tr_file_part_set *set, struct tr_file_part *part, struct tr_status *st)
{
	struct tr_status why = {0};
	tr_code code;

	part->used = ++set->clock;
	if (part->file != NULL)
		return TR_OK;
	do {
		TR_TRY(make_room(set, st));
		code = tr_file_part_unpark(part, &why);
	} while (code != TR_OK && take_less(set, &why));
	if (code != TR_OK) {
		if (st != NULL)
			*st = why;
		return tr_status_prefix(st, code, "table '%s'", set->owner.table);
	}
	set->files[set->file_count++] = part;
	return TR_OK;
}

/* ---- parts ---- */

static void roll_idle(struct tr_file_part_set *set)
{
	struct tr_file_part *oldest = NULL;

	for (uint32_t i = 0; i < set->open_count; i++) {
		struct tr_file_part *part = set->open[i];

		if (part->row_count == 0 && (oldest == NULL || part->touched_ns < oldest->touched_ns))
			oldest = part;
	}
	TR_ASSERT(oldest != NULL); /* a batch has fewer rows than parts may be open */
	tr_file_part_set_roll(set, oldest);
}

static tr_code open_part(struct tr_file_part_set *set, const char *folder, int64_t now_ns, struct tr_file_part **part,
			 struct tr_status *st)
{
	struct tr_status why = {0};
	tr_code code;

	if (set->open_count == TR_PART_OPEN_MAX)
		roll_idle(set);
	do {
		TR_TRY(make_room(set, st));
		code = tr_file_part_open(&set->owner, folder, now_ns, part, &why);
	} while (code != TR_OK && take_less(set, &why));
	if (code != TR_OK) {
		if (st != NULL)
			*st = why;
		return code;
	}
	set->files[set->file_count++] = *part;
	if (set->open_count == set->open_capacity) {
		set->open_capacity = TR_MAX(set->open_capacity * 2, 16);
		set->open = tr_io_realloc(set->open, set->open_capacity * sizeof(struct tr_file_part *));
	}
	(*part)->index = set->open_count;
	(*part)->used = ++set->clock;
	set->open[set->open_count++] = *part;
	set->owner.has_lean_buffers = set->open_count > WARM_MAX;
	return TR_OK;
}

tr_code tr_file_part_set_find(struct tr_file_part_set *set, const char *folder, int64_t now_ns,
			      struct tr_file_part **part, struct tr_status *st)
{
	const uint64_t hash = tr_hash_bytes(folder, strlen(folder));
	struct tr_file_part *p = set->buckets[hash & (set->bucket_count - 1)];

	for (; p != NULL; p = p->hash_next) {
		if (p->state == TR_PART_OPEN && p->hash == hash && strcmp(p->folder, folder) == 0) {
			*part = p;
			return TR_OK;
		}
	}
	TR_TRY(open_part(set, folder, now_ns, &p, st));
	p->hash = hash;
	hash_insert(set, p);
	if (++set->count > set->bucket_count)
		hash_grow(set);
	*part = p;
	return TR_OK;
}

/** Writes parts in turn until the buffers fit. */
static tr_code relieve(struct tr_file_part_set *set, struct tr_status *st)
{
	for (uint32_t i = 0; i < set->open_count * 2; i++) {
		const size_t average = set->owner.buffer_bytes / set->open_count;
		struct tr_file_part *part;

		if (set->owner.buffer_bytes <= TR_PART_BUFFER_BYTES_MAX)
			return TR_OK;
		set->cursor = set->cursor + 1 < set->open_count ? set->cursor + 1 : 0;
		part = set->open[set->cursor];
		tr_file_part_trim(part);
		if (part->is_in_flight || part->filling.length == 0 || part->filling.capacity < average / 2)
			continue;
		TR_TRY(get_file(set, part, st));
		tr_file_part_flush(part);
	}
	return TR_OK;
}

tr_code tr_file_part_set_appended(struct tr_file_part_set *set, struct tr_file_part *part, struct tr_status *st)
{
	TR_ASSERT(part->state == TR_PART_OPEN);
	if (!part->is_in_flight && part->filling.length >= set->owner.flush_bytes) {
		TR_TRY(get_file(set, part, st));
		tr_file_part_flush(part);
	}
	if (set->owner.has_lean_buffers && set->owner.buffer_bytes > TR_PART_BUFFER_BYTES_MAX)
		return relieve(set, st);
	return TR_OK;
}

void tr_file_part_set_roll(struct tr_file_part_set *set, struct tr_file_part *part)
{
	TR_ASSERT(part->index < set->open_count && set->open[part->index] == part);
	set->open[part->index] = set->open[--set->open_count];
	set->open[part->index]->index = part->index;
	tr_file_part_close(part);
	set->closing_count++;
	if (part->file != NULL) {
		set->closing_file_count++;
		return;
	}
	part->next = NULL;
	*set->waiting_tail = part;
	set->waiting_tail = &part->next;
}

void tr_file_part_set_roll_all(struct tr_file_part_set *set)
{
	while (set->open_count > 0)
		tr_file_part_set_roll(set, set->open[set->open_count - 1]);
	set->closing_file_count_max = TR_PART_FILES_MAX;
}

tr_code tr_file_part_set_step(struct tr_file_part_set *set, struct tr_status *st)
{
	TR_TRY(step_files(set, st));
	while (set->waiting != NULL &&
	       set->closing_file_count < TR_MIN(set->closing_file_count_max, set->file_count_max)) {
		struct tr_file_part *part = set->waiting;

		TR_TRY(get_file(set, part, st));
		set->waiting = part->next;
		if (set->waiting == NULL)
			set->waiting_tail = &set->waiting;
		set->closing_file_count++;
		TR_TRY(tr_file_part_step(part, st));
	}
	if (set->closing_count == 0)
		set->closing_file_count_max = TR_PART_CLOSING_MAX;
	return TR_OK;
}

bool tr_file_part_set_is_full(const struct tr_file_part_set *set)
{
	if (set->closing_count >= TR_PART_CLOSING_MAX)
		return true;
	for (uint32_t i = 0; i < set->file_count; i++) {
		if (tr_file_part_is_full(set->files[i]))
			return true;
	}
	return false;
}
