/* SPDX-License-Identifier: Apache-2.0
 *
 * File commit: see io/file_commit.h for the states of a file and the record.
 */
#include "io/file_commit.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include "base/fault.h"
#include "io/memory.h"

#define RENAMES_PER_CALL 64
#define SYNCS_PER_CALL 4
#define TEXT_BYTES_MAX 8192 /* of a text in a record: more than a path may have */

/* ---- outputs ---- */

static void output_deinit(struct tr_file_output *output)
{
	free(output->directory);
	free(output->folder);
	free(output->pending);
	free(output->published);
}

static struct tr_file_output *outputs_add(struct tr_file_outputs *outputs)
{
	struct tr_file_output *output;

	if (outputs->count == outputs->capacity) {
		outputs->capacity = TR_MAX(outputs->capacity * 2, 16);
		outputs->items = tr_io_realloc(outputs->items, outputs->capacity * sizeof(*outputs->items));
	}
	output = &outputs->items[outputs->count++];
	*output = (struct tr_file_output){.checkpoint = UINT64_MAX};
	return output;
}

/** Forgets the first `count`. */
static void outputs_drop(struct tr_file_outputs *outputs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		output_deinit(&outputs->items[i]);
	outputs->count -= count;
	if (outputs->count > 0)
		memmove(outputs->items, outputs->items + count, outputs->count * sizeof(*outputs->items));
}

static char *join(const char *directory, const char *name)
{
	char *path;

	TR_ASSERT(asprintf(&path, "%s/%s", directory, name) >= 0);
	return path;
}

/** "table" and "dt=1/hr=2/" to "table/dt=1/hr=2". */
static char *directory_of(const char *table, const char *folder)
{
	char *directory = join(table, folder);

	directory[strlen(directory) - 1] = '\0';
	return directory;
}

void tr_file_commit_init(struct tr_file_commit *commit, struct tr_file_part_set *parts, const char *success_name)
{
	*commit = (struct tr_file_commit){.parts = parts, .success_name = success_name};
}

void tr_file_commit_deinit(struct tr_file_commit *commit)
{
	for (uint32_t i = 0; i < commit->outputs.count; i++) {
		const struct tr_file_output *output = &commit->outputs.items[i];
		struct tr_disk *disk = commit->parts->owner.disk;
		char *path;

		if (output->checkpoint != UINT64_MAX)
			continue;
		path = join(output->directory, output->pending);
		(void)disk->ops->unlink(disk, path, NULL);
		free(path);
	}
	outputs_drop(&commit->outputs, commit->outputs.count);
	outputs_drop(&commit->restored, commit->restored.count);
	free(commit->outputs.items);
	free(commit->restored.items);
	tr_file_list_deinit(&commit->leftovers);
	tr_file_list_deinit(&commit->directories);
	tr_file_list_deinit(&commit->busy);
	tr_file_epoch_deinit(&commit->epoch);
	*commit = (struct tr_file_commit){0};
}

void tr_file_commit_add(struct tr_file_commit *commit, struct tr_file_part *part)
{
	struct tr_file_output *output = outputs_add(&commit->outputs);

	TR_ASSERT(part->state == TR_PART_DURABLE && part->is_pending && part->offset == part->size_bytes);
	output->directory = tr_io_strdup(part->directory);
	output->folder = tr_io_strdup(part->folder);
	output->pending = tr_io_strdup(strrchr(part->pending, '/') + 1);
	output->published = tr_file_part_published_name(part);
	output->size_bytes = part->size_bytes;
	part->is_pending = false;
}

/* ---- directories ---- */

static int compare_paths(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/** Sorts, and leaves each path once. */
static void list_unite(struct tr_file_list *list)
{
	uint32_t count = 0;

	if (list->count == 0)
		return;
	qsort(list->paths, list->count, sizeof(char *), compare_paths);
	for (uint32_t i = 0; i < list->count; i++) {
		if (count > 0 && strcmp(list->paths[count - 1], list->paths[i]) == 0)
			free(list->paths[i]);
		else
			list->paths[count++] = list->paths[i];
	}
	list->count = count;
}

static bool list_has(const struct tr_file_list *list, const char *path)
{
	return list->count > 0 && bsearch(&path, list->paths, list->count, sizeof(char *), compare_paths) != NULL;
}

tr_code tr_file_commit_mark(struct tr_disk *disk, const char *directory, const char *name, struct tr_status *st)
{
	struct tr_file *file = NULL;
	char *path = join(directory, name);
	const tr_code code = disk->ops->open(disk, path, TR_OPEN_WRITE | TR_OPEN_CREATE, &file, st);

	disk->ops->close(disk, &file);
	free(path);
	return code;
}

/** Syncs up to `limit` more of the directories, marking those that are complete before. */
static tr_code sync_some(struct tr_file_commit *commit, uint32_t limit, bool has_marks, struct tr_status *st)
{
	for (; limit > 0 && commit->synced_count < commit->directories.count; limit--) {
		const char *directory = commit->directories.paths[commit->synced_count];
		tr_code code = TR_OK;

		if (has_marks && commit->success_name != NULL && !list_has(&commit->busy, directory))
			code = tr_file_commit_mark(commit->parts->owner.disk, directory, commit->success_name, st);
		if (code == TR_OK)
			code = tr_file_part_set_sync_directory(commit->parts, directory, st);
		if (code != TR_OK)
			return tr_status_prefix(st, code, "table '%s'", commit->parts->owner.table);
		commit->synced_count++;
	}
	return TR_OK;
}

static enum tr_flow finish_run(struct tr_file_commit *commit)
{
	tr_file_list_deinit(&commit->directories);
	tr_file_list_deinit(&commit->busy);
	commit->synced_count = 0;
	commit->due_count = 0;
	commit->renamed_count = 0;
	commit->running = 0;
	return TR_FLOW_DONE;
}

/** There is more to do although nothing is in flight. */
static enum tr_flow ask_again(const struct tr_file_commit *commit)
{
	tr_io_wake(commit->parts->owner.io);
	return TR_FLOW_BLOCKED;
}

/* ---- prepare ---- */

/** The directory of a new name, and those above it that may be new themselves. */
static void add_directories(struct tr_file_commit *commit, const struct tr_file_output *output)
{
	const size_t table_length = strlen(commit->parts->owner.directory);
	char *path;

	if (commit->directories.count > 0 &&
	    strcmp(commit->directories.paths[commit->directories.count - 1], output->directory) == 0)
		return;
	path = tr_io_strdup(output->directory);
	for (char *end = path + strlen(path); end > path + table_length; end--) {
		if (*end != '/' && *end != '\0')
			continue;
		*end = '\0';
		tr_file_list_add(&commit->directories, path);
		if (TR_BUG("sink-folder-not-synced"))
			break;
	}
	if (TR_BUG("sink-folder-not-synced") && output->folder[0] != '\0') {
		free(path);
		return;
	}
	path[table_length] = '\0';
	tr_file_list_add(&commit->directories, path);
	free(path);
}

enum tr_flow tr_file_commit_prepare(struct tr_file_commit *commit, uint64_t checkpoint, struct tr_status *st)
{
	struct tr_file_outputs *outputs = &commit->outputs;

	TR_ASSERT(checkpoint > 0 && checkpoint < UINT64_MAX && commit->parts->count == 0);
	TR_ASSERT(commit->running == 0 || commit->running == checkpoint);
	TR_FAULT_POINT("sink-prepare-before");
	if (commit->running == 0) {
		for (uint32_t i = 0; i < outputs->count; i++) {
			if (!outputs->items[i].is_named)
				add_directories(commit, &outputs->items[i]);
		}
		list_unite(&commit->directories);
		commit->running = checkpoint;
		if (TR_BUG("sink-pending-name-not-synced"))
			tr_file_list_deinit(&commit->directories);
		while (TR_BUG("sink-given-up-lost") && outputs->count > 0 && outputs->items[0].checkpoint != UINT64_MAX)
			outputs_drop(outputs, 1);
	}
	if (sync_some(commit, SYNCS_PER_CALL, false, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (commit->synced_count < commit->directories.count)
		return ask_again(commit);
	for (uint32_t i = 0; i < outputs->count; i++) {
		outputs->items[i].is_named = true;
		if (outputs->items[i].checkpoint == UINT64_MAX)
			outputs->items[i].checkpoint = checkpoint;
	}
	TR_FAULT_POINT("sink-prepared");
	return finish_run(commit);
}

/* ---- records ---- */

static void put_number(struct tr_bytes *bytes, uint64_t value)
{
	const uint64_t little = htole64(value);

	tr_bytes_append(bytes, (const char *)&little, sizeof(little));
}

static void put_text(struct tr_bytes *bytes, const char *text)
{
	const size_t length = strlen(text);
	const uint32_t little = htole32((uint32_t)length);

	tr_bytes_append(bytes, (const char *)&little, sizeof(little));
	tr_bytes_append(bytes, text, length);
}

tr_code tr_file_commit_save(const struct tr_file_commit *commit, struct tr_state_writer *writer, struct tr_status *st)
{
	struct tr_bytes bytes = {0};
	tr_code code = TR_OK;

	for (uint32_t i = 0; code == TR_OK && i < commit->outputs.count; i++) {
		const struct tr_file_output *output = &commit->outputs.items[i];
		const bool is_last =
			i + 1 == commit->outputs.count || commit->outputs.items[i + 1].checkpoint == UINT64_MAX;

		if (output->checkpoint == UINT64_MAX)
			break;
		if (bytes.length == 0) {
			put_text(&bytes, commit->parts->owner.job_id);
			put_text(&bytes, commit->parts->owner.directory);
		}
		put_number(&bytes, (uint64_t)output->size_bytes);
		put_text(&bytes, output->folder);
		put_text(&bytes, output->pending);
		put_text(&bytes, output->published);
		if (is_last || bytes.length >= TR_STATE_RECORD_BYTES) {
			const struct tr_state_record record = {
				.kind = TR_FILE_COMMIT_RECORD, .bytes = bytes.data, .length = bytes.length};

			code = writer->put(writer, &record, st);
			tr_bytes_clear(&bytes);
		}
	}
	tr_bytes_deinit(&bytes);
	return code;
}

struct cursor {
	const char *at;
	size_t left;
	bool is_bad;
};

static uint64_t get_number(struct cursor *cursor)
{
	uint64_t little = 0;

	if (cursor->left < sizeof(little)) {
		cursor->is_bad = true;
		return 0;
	}
	memcpy(&little, cursor->at, sizeof(little));
	cursor->at += sizeof(little);
	cursor->left -= sizeof(little);
	return le64toh(little);
}

/** Owned; an empty one when the record is bad. */
static char *get_text(struct cursor *cursor)
{
	uint32_t length = 0;
	char *text;

	if (!cursor->is_bad && cursor->left >= sizeof(length)) {
		memcpy(&length, cursor->at, sizeof(length));
		length = le32toh(length);
		cursor->at += sizeof(length);
		cursor->left -= sizeof(length);
	} else {
		cursor->is_bad = true;
	}
	if (length > TEXT_BYTES_MAX || length > cursor->left || (length > 0 && memchr(cursor->at, '\0', length) != NULL))
		cursor->is_bad = true;
	if (cursor->is_bad)
		return tr_io_strdup("");
	text = tr_io_calloc(length + 1, 1);
	memcpy(text, cursor->at, length);
	cursor->at += length;
	cursor->left -= length;
	return text;
}

/** Whether it stays below the table's directory: "" or "a=1/b=2/". */
static bool is_folder(const char *folder)
{
	while (*folder != '\0') {
		const char *end = strchr(folder, '/');

		if (end == NULL || end == folder || strncmp(folder, "./", 2) == 0 || strncmp(folder, "../", 3) == 0)
			return false;
		folder = end + 1;
	}
	return true;
}

/** Whether the names are the two names of one part of the job. */
static bool are_names(const struct tr_file_output *output, const char *job_id)
{
	const size_t length = strlen(output->published);
	const size_t job_length = strlen(job_id);

	return strncmp(output->published, "part-", 5) == 0 && strchr(output->published, '/') == NULL &&
	       strncmp(output->published + 5, job_id, job_length) == 0 && output->published[5 + job_length] == '-' &&
	       output->pending[0] == '.' && strncmp(output->pending + 1, output->published, length) == 0 &&
	       strcmp(output->pending + 1 + length, TR_PART_HELD_SUFFIX) == 0;
}

tr_code tr_file_commit_load(struct tr_file_commit *commit, const struct tr_state_origin *origin,
			    const struct tr_state_record *record, struct tr_status *st)
{
	const struct tr_file_part_owner *owner = &commit->parts->owner;
	struct cursor cursor = {record->bytes, record->length,
				record->kind != TR_FILE_COMMIT_RECORD || record->is_keyed};
	char *job_id, *directory;

	if (origin->subtask % owner->subtask_count != owner->subtask)
		return TR_OK;
	commit->restored_checkpoint = origin->checkpoint;
	job_id = get_text(&cursor);
	directory = get_text(&cursor);
	while (!cursor.is_bad && cursor.left > 0) {
		struct tr_file_output *output = outputs_add(&commit->restored);
		const uint64_t size = get_number(&cursor);

		output->folder = get_text(&cursor);
		output->pending = get_text(&cursor);
		output->published = get_text(&cursor);
		output->size_bytes = (int64_t)size;
		output->directory = directory_of(directory, output->folder);
		if (size > INT64_MAX || !is_folder(output->folder) || !are_names(output, job_id))
			cursor.is_bad = true;
	}
	if (job_id[0] == '\0' || directory[0] == '\0')
		cursor.is_bad = true;
	free(job_id);
	free(directory);
	if (cursor.is_bad)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': what checkpoint %llu has saved of the sink can't be read (record of kind %u, %zu "
			"bytes)",
			owner->table, (unsigned long long)origin->checkpoint, record->kind, record->length);
	return TR_OK;
}

/* ---- publish ---- */

static tr_code stat_file(const struct tr_file_part_owner *owner, const char *path, bool *is_there, int64_t *size,
			 struct tr_status *st)
{
	struct tr_file_info info = {0};
	struct tr_status why = {0};
	const tr_code code = owner->disk->ops->stat(owner->disk, path, &info, &why);

	*is_there = code == TR_OK;
	*size = info.size_bytes;
	if (code == TR_OK || why.sys_errno == ENOENT || why.sys_errno == ENOTDIR)
		return TR_OK;
	if (st != NULL)
		*st = why;
	return tr_status_prefix(st, code, "table '%s'", owner->table);
}

/** Where a prepared file is. TR_ERR_DATA: not where it should be. */
static tr_code check_output(const struct tr_file_commit *commit, struct tr_file_output *output, const char *pending,
			    const char *published, struct tr_status *st)
{
	const struct tr_file_part_owner *owner = &commit->parts->owner;
	const unsigned long long checkpoint = commit->restored_checkpoint;
	bool is_pending, is_published;
	int64_t pending_bytes, published_bytes, size;

	TR_TRY(stat_file(owner, pending, &is_pending, &pending_bytes, st));
	TR_TRY(stat_file(owner, published, &is_published, &published_bytes, st));
	output->is_taken = !is_pending && !is_published && commit->epoch.newest >= commit->restored_checkpoint;
	if (output->is_taken) {
		output->is_renamed = true;
		return TR_OK;
	}
	if (!is_pending && !is_published)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': the file %s, which checkpoint %llu contains, is gone, and so is its pending name "
			"%s; put it back under one of the two names, or start the job anew; or, if a reader has taken "
			"it, "
			"make an empty file %s/.part-%s-0-%llu" TR_FILE_EPOCH_SUFFIX,
			owner->table, published, checkpoint, output->pending, owner->directory, owner->job_id,
			checkpoint);
	if (is_pending && is_published)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': the file %s, which checkpoint %llu contains, is still to be published from %s, "
			"but the name is taken; move the former away",
			owner->table, published, checkpoint, output->pending);
	size = is_pending ? pending_bytes : published_bytes;
	if (size != output->size_bytes)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': the file %s has %lld bytes, but %lld in checkpoint %llu; put the right one back, "
			"or start the job anew",
			owner->table, is_pending ? pending : published, (long long)size, (long long)output->size_bytes,
			checkpoint);
	output->is_renamed = is_published;
	return TR_OK;
}

/** Renames a file; another run of its checkpoint (a savepoint's) may have done so. */
static tr_code rename_output(const struct tr_file_commit *commit, struct tr_file_output *output, struct tr_status *st)
{
	struct tr_disk *disk = commit->parts->owner.disk;
	char *pending = join(output->directory, output->pending);
	char *published = join(output->directory, output->published);
	struct tr_status why = {0};
	tr_code code = TR_OK;

	if (!output->is_renamed)
		code = disk->ops->rename(disk, pending, published, &why);
	if (code != TR_OK &&
	    (why.sys_errno != ENOENT || check_output(commit, output, pending, published, NULL) != TR_OK)) {
		if (st != NULL)
			*st = why;
		code = tr_status_prefix(st, code, "table '%s'", commit->parts->owner.table);
	} else {
		output->is_renamed = true;
		code = TR_OK;
	}
	free(pending);
	free(published);
	return code;
}

static void remove_leftovers(struct tr_file_commit *commit)
{
	struct tr_disk *disk = commit->parts->owner.disk;

	/* What can't be removed, or has been published, is tried again or not there at the next start: readers don't see it. */
	for (uint32_t i = 0; i < commit->leftovers.count; i++)
		(void)disk->ops->unlink(disk, commit->leftovers.paths[i], NULL);
	tr_file_list_deinit(&commit->leftovers);
}

/** Before the directories of outputs[0 .. due_count) are synced. */
static void list_directories(struct tr_file_commit *commit)
{
	const struct tr_file_outputs *outputs = &commit->outputs;

	for (uint32_t i = 0; i < commit->due_count; i++)
		tr_file_list_add(&commit->directories, outputs->items[i].directory);
	list_unite(&commit->directories);
	if (commit->success_name == NULL)
		return;
	for (uint32_t i = commit->due_count; i < outputs->count; i++)
		tr_file_list_add(&commit->busy, outputs->items[i].directory);
	for (uint32_t i = 0; i < commit->due_count; i++) {
		if (tr_file_part_set_is_busy(commit->parts, outputs->items[i].folder, NULL))
			tr_file_list_add(&commit->busy, outputs->items[i].directory);
	}
	list_unite(&commit->busy);
}

/** Some of `outputs` are about to be published: the table's epoch says so first. */
static tr_code move_epoch(struct tr_file_commit *commit, const struct tr_file_output *outputs, uint32_t count,
			  uint64_t checkpoint, struct tr_status *st)
{
	const struct tr_file_part_owner *owner = &commit->parts->owner;
	bool has_other_directory = false;
	tr_code code;

	if (count == 0)
		return TR_OK;
	for (uint32_t i = 0; i < count; i++)
		has_other_directory |= strcmp(outputs[i].directory, owner->directory) != 0;
	TR_FAULT_POINT("sink-epoch-before");
	code = tr_file_epoch_move(&commit->epoch, owner, checkpoint, has_other_directory, st);
	TR_FAULT_POINT("sink-epoch-moved");
	return code;
}

enum tr_flow tr_file_commit_publish(struct tr_file_commit *commit, uint64_t checkpoint, struct tr_status *st)
{
	struct tr_file_outputs *outputs = &commit->outputs;
	uint32_t limit = RENAMES_PER_CALL;

	TR_ASSERT(checkpoint > 0 && (commit->running == 0 || commit->running == checkpoint));
	if (commit->running == 0) {
		commit->running = checkpoint;
		while (commit->due_count < outputs->count && outputs->items[commit->due_count].checkpoint <= checkpoint)
			commit->due_count++;
		if (move_epoch(commit, outputs->items, commit->due_count, checkpoint, st) != TR_OK)
			return TR_FLOW_FAILED;
	}
	for (; commit->renamed_count < commit->due_count; commit->renamed_count++) {
		if (limit-- == 0)
			return ask_again(commit);
		TR_FAULT_POINT("sink-rename-before");
		if (rename_output(commit, &outputs->items[commit->renamed_count], st) != TR_OK)
			return TR_FLOW_FAILED;
		TR_FAULT_POINT("sink-renamed");
	}
	if (commit->directories.count == 0)
		list_directories(commit);
	TR_FAULT_POINT("sink-sync-before");
	if (sync_some(commit, SYNCS_PER_CALL, true, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (commit->synced_count < commit->directories.count)
		return ask_again(commit);
	if (commit->due_count > 0)
		tr_file_epoch_tidy(&commit->epoch, &commit->parts->owner);
	outputs_drop(outputs, commit->due_count);
	TR_FAULT_POINT("sink-published");
	remove_leftovers(commit);
	return finish_run(commit);
}

/* ---- recover ---- */

tr_code tr_file_commit_recover(struct tr_file_commit *commit, uint64_t checkpoint, struct tr_status *st)
{
	struct tr_file_outputs *restored = &commit->restored;

	TR_TRY(tr_file_epoch_find(&commit->epoch, &commit->parts->owner, st));
	TR_TRY(tr_file_epoch_check(&commit->epoch, &commit->parts->owner, checkpoint, st));
	if (TR_BUG("sink-recovers-nothing"))
		outputs_drop(restored, restored->count);
	for (uint32_t i = 0; i < restored->count; i++) {
		struct tr_file_output *output = &restored->items[i];
		char *pending = join(output->directory, output->pending);
		char *published = join(output->directory, output->published);
		const tr_code code = check_output(commit, output, pending, published, st);

		free(pending);
		free(published);
		TR_TRY(code);
	}
	TR_TRY(move_epoch(commit, restored->items, restored->count, checkpoint, st));
	for (uint32_t i = 0; i < restored->count; i++) {
		TR_TRY(rename_output(commit, &restored->items[i], st));
		TR_FAULT_POINT("recover-renamed");
		if (!restored->items[i].is_taken) /* its folder may be gone, too */
			tr_file_list_add(&commit->directories, restored->items[i].directory);
	}
	list_unite(&commit->directories);
	TR_TRY(sync_some(commit, UINT32_MAX, true, st));
	TR_FAULT_POINT("recover-published");
	(void)finish_run(commit);
	outputs_drop(restored, restored->count);
	return TR_OK;
}
