/* SPDX-License-Identifier: Apache-2.0
 *
 * See log.h; log_state.h says which file does what. Here: opening and closing, and what the log is asked.
 */
#include "state/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "state/log_state.h"

#define LOCK_TRIES 20
#define LOCK_PAUSE_NS INT64_C(50000000)
#define TEXTS_MAX (1 << 20)

/* Names and waiting. */

void tr_log_path(const struct tr_log *log, const char *name, char path[TR_LOG_PATH_MAX])
{
	const int length = snprintf(path, TR_LOG_PATH_MAX, "%s/%s", log->directory, name);

	TR_ASSERT(length > 0 && length < TR_LOG_PATH_MAX);
}

void tr_log_segment_path(const struct tr_log *log, uint64_t number, char path[TR_LOG_PATH_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "segment-%" PRIu64, number);
	tr_log_path(log, name, path);
}

int64_t tr_log_move(struct tr_log *log, enum tr_io_op op, struct tr_file *file, void *bytes, size_t length,
		    int64_t offset)
{
	size_t done = 0;
	uint32_t retries = 0;

	do {
		struct tr_io_request request = {.op = op,
						.file = file,
						.buffer = (char *)bytes + done,
						.length = length - done,
						.offset = offset + (int64_t)done};

		tr_io_submit(log->io, &request);
		while (!request.is_done)
			(void)tr_io_wait(log->io, -1);
		if ((request.result == -EINTR || request.result == -EAGAIN) && retries++ < TR_LOG_RETRIES_MAX)
			continue;
		if (request.result < 0)
			return request.result;
		if (request.result == 0)
			break;
		done += (size_t)request.result;
	} while (done < length);
	tr_io_wake(log->io); /* the owner's own wake may have been taken here */
	return (int64_t)done;
}

const char *tr_log_text(struct tr_log *log, const char *text)
{
	if (text == NULL)
		text = "";
	for (uint32_t i = 0; i < log->text_count; i++)
		if (strcmp(log->text_index[i], text) == 0)
			return log->text_index[i];
	TR_ASSERT(log->text_count < TEXTS_MAX);
	log->text_index = realloc(log->text_index, (log->text_count + 1) * sizeof(*log->text_index));
	TR_ASSERT(log->text_index != NULL);
	log->text_index[log->text_count] = tr_arena_strndup(&log->texts, text, strlen(text));
	return log->text_index[log->text_count++];
}

/* Opening. */

static tr_code take_lock(struct tr_log *log, struct tr_status *st)
{
	char path[TR_LOG_PATH_MAX];
	tr_code code = TR_OK;

	tr_log_path(log, "lock", path);
	/* A killed process may hold its lock for some ten milliseconds more, until its last I/O is done. */
	for (int i = 0; i <= LOCK_TRIES; i++) {
		if (i > 0)
			(void)tr_io_wait(log->io, LOCK_PAUSE_NS);
		code = log->disk->ops->open(log->disk, path,
					    TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_LOCK | TR_OPEN_PRIVATE, &log->lock,
					    st);
		if (code != TR_ERR_UNAVAILABLE)
			break;
	}
	tr_io_wake(log->io);
	if (code == TR_ERR_UNAVAILABLE)
		TR_FAIL(st, TR_ERR_UNAVAILABLE,
			"%s is in use: another process holds its lock. Is the job running already? If not, wait for "
			"that "
			"process to end, or choose another directory",
			log->directory);
	return code;
}

static tr_code make_directory(struct tr_log *log, struct tr_status *st)
{
	struct tr_file_info info;

	if (!log->is_read_only)
		return tr_disk_make_durable_directory(log->disk, log->directory, true, st);
	if (log->disk->ops->stat(log->disk, log->directory, &info, NULL) != TR_OK || !info.is_directory)
		TR_FAIL(st, TR_ERR_NO_INPUT, "%s: there is no such directory", log->directory);
	return TR_OK;
}

static tr_code open_all(struct tr_log *log, const struct tr_log_options *options, struct tr_log_report *report,
			struct tr_status *st)
{
	TR_TRY(make_directory(log, st));
	if (!log->is_read_only)
		TR_TRY(take_lock(log, st));
	return tr_log_recover(log, options->job_id, report, st);
}

tr_code tr_log_open(const struct tr_log_options *options, struct tr_log **log, struct tr_log_report *report,
		    struct tr_status *st)
{
	struct tr_log *l;
	tr_code code;

	*log = NULL;
	*report = (struct tr_log_report){.is_new = false};
	if (strlen(options->directory) + 32 > TR_LOG_PATH_MAX || options->directory[0] == '\0')
		TR_FAIL(st, TR_ERR_CANT_CREATE, "the name of the directory '%.100s' is too long, or empty",
			options->directory);
	l = calloc(1, sizeof(*l));
	TR_ASSERT(l != NULL);
	l->disk = options->disk;
	l->io = options->io;
	l->directory = strdup(options->directory);
	l->job_name = strdup(options->job_name != NULL ? options->job_name : "");
	TR_ASSERT(l->directory != NULL && l->job_name != NULL);
	l->retained = TR_MIN(TR_MAX(options->retained, 2), TR_LOG_RETAINED_MAX);
	l->segment_bytes =
		options->segment_bytes != 0 ? options->segment_bytes : TR_FAULT_SEGMENT_BYTES(TR_LOG_SEGMENT_BYTES);
	l->is_read_only = options->is_read_only;
	l->segment_next = 1;
	tr_arena_init(&l->texts, 0);
	code = open_all(l, options, report, st);
	if (code != TR_OK) {
		tr_log_close(&l);
		return code;
	}
	*log = l;
	return TR_OK;
}

void tr_log_close(struct tr_log **log)
{
	struct tr_log *l = *log;

	if (l == NULL)
		return;
	tr_log_settle(l);
	if (l->stage != TR_LOG_IDLE) {
		free(l->sealed.parts);
		free(l->next.entries);
		free(l->next.extents);
	}
	tr_log_segments_close(l, false);
	for (int i = 0; i < 2; i++)
		l->disk->ops->close(l->disk, &l->root_files[i]);
	l->disk->ops->close(l->disk, &l->lock);
	tr_log_root_deinit(&l->root);
	tr_bytes_deinit(&l->root_bytes);
	tr_arena_deinit(&l->texts);
	free(l->text_index);
	free(l->segments);
	free(l->fresh);
	free(l->directory);
	free(l->job_name);
	free(l);
	*log = NULL;
}

/* Removing. */

struct removal {
	struct tr_disk *disk;
	const char *directory;
	tr_code code;
	uint64_t bytes; /* of the files that are gone */
	struct tr_status *st;
};

static bool remove_one(void *context, const char *name)
{
	struct removal *removal = context;
	struct tr_file_info info = {0};
	char path[TR_LOG_PATH_MAX];

	if (strncmp(name, "segment-", 8) != 0 && strncmp(name, "root-", 5) != 0 &&
	    strncmp(name, "damaged-segment-", 16) != 0)
		return true;
	snprintf(path, sizeof(path), "%s/%s", removal->directory, name);
	if (removal->disk->ops->stat(removal->disk, path, &info, NULL) == TR_OK)
		removal->bytes += (uint64_t)info.size_bytes;
	removal->code = removal->disk->ops->unlink(removal->disk, path, removal->st);
	return removal->code == TR_OK;
}

tr_code tr_log_finish_removal(struct tr_disk *disk, const char *directory, uint64_t *bytes, struct tr_status *st)
{
	struct removal removal = {.disk = disk, .directory = directory, .st = st};
	char path[TR_LOG_PATH_MAX];

	TR_TRY(disk->ops->list(disk, directory, remove_one, &removal, st));
	TR_TRY(removal.code);
	if (bytes != NULL)
		*bytes = removal.bytes;
	TR_TRY(disk->ops->sync_directory(disk, directory, st));
	snprintf(path, sizeof(path), "%s/removing", directory);
	return disk->ops->unlink(disk, path, st);
}

static tr_code remove_locked(struct tr_disk *disk, const char *directory, uint64_t *bytes, struct tr_status *st)
{
	struct tr_file *marker = NULL;
	char path[TR_LOG_PATH_MAX];

	snprintf(path, sizeof(path), "%s/removing", directory);
	TR_TRY(disk->ops->open(disk, path, TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_PRIVATE, &marker, st));
	disk->ops->close(disk, &marker);
	TR_TRY(disk->ops->sync_directory(disk, directory, st));
	TR_TRY(tr_log_finish_removal(disk, directory, bytes, st));
	snprintf(path, sizeof(path), "%s/lock", directory);
	TR_TRY(disk->ops->unlink(disk, path, st));
	return disk->ops->sync_directory(disk, directory, st);
}

tr_code tr_log_remove(struct tr_disk *disk, const char *directory, uint64_t *bytes, struct tr_status *st)
{
	struct tr_file_info info;
	struct tr_file *lock = NULL;
	char path[TR_LOG_PATH_MAX];
	tr_code code;

	if (bytes != NULL)
		*bytes = 0;
	if (strlen(directory) + 32 > TR_LOG_PATH_MAX)
		TR_FAIL(st, TR_ERR_CANT_CREATE, "the name of the directory '%.100s' is too long", directory);
	if (disk->ops->stat(disk, directory, &info, NULL) != TR_OK)
		return TR_OK;
	snprintf(path, sizeof(path), "%s/lock", directory);
	code = disk->ops->open(disk, path, TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_LOCK | TR_OPEN_PRIVATE, &lock, st);
	if (code == TR_ERR_UNAVAILABLE)
		TR_FAIL(st, code, "%s is in use: another process holds its lock", directory);
	TR_TRY(code);
	code = remove_locked(disk, directory, bytes, st);
	disk->ops->close(disk, &lock);
	if (code == TR_OK)
		(void)tr_disk_remove_directory(disk, directory, NULL); /* if it is empty */
	return code;
}

/* What it is asked. */

const char *tr_log_job_id(const struct tr_log *log) { return log->job_id; }

uint32_t tr_log_checkpoint_count(const struct tr_log *log) { return log->root.entry_count; }

const struct tr_log_checkpoint *tr_log_checkpoint(const struct tr_log *log, uint32_t index)
{
	TR_ASSERT(index < log->root.entry_count);
	return &log->root.entries[index].checkpoint;
}
