/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage: what is mended at open, and what is kept for people. See log_state.h.
 *
 * A root of which one copy is whole and the other is not (it rotted, or the process died between the two writes) hangs on
 * one sector. The whole copy is written over the other one, so that the next damage does not cost the checkpoint. Only
 * the copy that is not whole is touched.
 *
 * A damaged segment goes, like any other, when no root names it any more; before a job goes on from an older checkpoint a
 * copy of it is made, so that nobody has to take our word for what was wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "state/log_state.h"

#define COPY_BYTES ((size_t)1 << 20)

static void add_note(struct tr_log_report *report, const char *text)
{
	const size_t length = strlen(report->note);

	if (length + 1 < sizeof(report->note))
		(void)snprintf(report->note + length, sizeof(report->note) - length, "%s%s", length > 0 ? "; " : "",
			       text);
}

/** The copy to be written over; -1: both are whole and equal in age. */
static int bad_copy(const struct tr_log *log, int pair)
{
	for (int copy = 0; copy < 2; copy++)
		if (log->copies[2 * pair + copy].state != TR_ROOT_WHOLE ||
		    log->copies[2 * pair + copy].generation != log->root.generation)
			return copy;
	return -1;
}

tr_code tr_log_mend_root(struct tr_log *log, struct tr_log_report *report, struct tr_status *st)
{
	const int pair = (int)(log->root.generation & 1);
	const int bad = bad_copy(log, pair);
	struct tr_log_copy *good;
	size_t length;
	int64_t result;
	void *bytes;

	if (bad < 0)
		return TR_OK;
	good = &log->copies[2 * pair + 1 - bad];
	TR_ASSERT(good->state == TR_ROOT_WHOLE && good->generation == log->root.generation);
	length = (size_t)good->bytes;
	bytes = malloc(length);
	TR_ASSERT(bytes != NULL);
	result =
		tr_log_move(log, TR_IO_READ, log->root_files[pair], bytes, length, (1 - bad) * (int64_t)TR_ROOT_STRIDE);
	if (result == (int64_t)length)
		result = tr_log_move(log, TR_IO_WRITE, log->root_files[pair], bytes, length,
				     bad * (int64_t)TR_ROOT_STRIDE);
	free(bytes);
	if (result != (int64_t)length) {
		add_note(report, "its copy could not be written anew");
		return TR_OK;
	}
	result = tr_log_move(log, TR_IO_SYNC, log->root_files[pair], NULL, 0, 0);
	if (result < 0)
		return tr_status_set(st, TR_ERR_IO, (int)-result, TR_WHERE, "sync %s/root-%d", log->directory, pair);
	log->copies[2 * pair + bad] = *good;
	add_note(report, "the root had one whole copy only; the other was written anew");
	return TR_OK;
}

/** Copies all that can be read. */
static tr_code copy_file(struct tr_log *log, struct tr_file *from, struct tr_file *to, const char *to_path,
			 struct tr_status *st)
{
	struct tr_file_info info;
	char *bytes;
	tr_code code = TR_OK;
	int64_t result;

	TR_TRY(log->disk->ops->file_stat(log->disk, from, &info, st));
	bytes = malloc(COPY_BYTES);
	TR_ASSERT(bytes != NULL);
	for (int64_t at = 0; code == TR_OK && at < info.size_bytes; at += (int64_t)COPY_BYTES) {
		const size_t length = (size_t)TR_MIN((int64_t)COPY_BYTES, info.size_bytes - at);

		result = tr_log_move(log, TR_IO_READ, from, bytes, length, at);
		memset(bytes + TR_MAX(result, 0), 0, length - (size_t)TR_MAX(result, 0));
		result = tr_log_move(log, TR_IO_WRITE, to, bytes, length, at);
		if (result != (int64_t)length)
			code = tr_status_set(st, TR_ERR_IO, result < 0 ? (int)-result : 0, TR_WHERE, "write %s",
					     to_path);
	}
	free(bytes);
	TR_TRY(code);
	result = tr_log_move(log, TR_IO_SYNC, to, NULL, 0, 0);
	if (result < 0)
		return tr_status_set(st, TR_ERR_IO, (int)-result, TR_WHERE, "sync %s", to_path);
	return TR_OK;
}

uint64_t tr_log_last_read(const struct tr_log *log) { return log->last_read; }

tr_code tr_log_keep_damaged(struct tr_log *log, uint64_t segment, char *kept, size_t size, struct tr_status *st)
{
	const struct tr_disk_ops *ops = log->disk->ops;
	struct tr_file *from = NULL, *to = NULL;
	struct tr_file_info info;
	char path[TR_LOG_PATH_MAX], copy[TR_LOG_PATH_MAX];
	tr_code code;

	TR_ASSERT(!log->is_read_only && size > 0);
	kept[0] = '\0';
	if (tr_log_segment_find(log, segment) == NULL)
		return TR_OK;
	(void)snprintf(kept, size, "damaged-segment-%" PRIu64, segment);
	tr_log_segment_path(log, segment, path);
	tr_log_path(log, kept, copy);
	if (ops->stat(log->disk, copy, &info, NULL) == TR_OK)
		return TR_OK;
	code = ops->open(log->disk, path, TR_OPEN_READ, &from, st);
	if (code == TR_OK)
		code = ops->open(log->disk, copy, TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_EXCLUSIVE | TR_OPEN_PRIVATE,
				 &to, st);
	if (code == TR_OK)
		code = copy_file(log, from, to, copy, st);
	if (code == TR_OK)
		log->is_directory_dirty = true; /* its name is durable before the next root is */
	ops->close(log->disk, &from);
	if (code != TR_OK && to != NULL)
		(void)ops->unlink(log->disk, copy, NULL);
	ops->close(log->disk, &to);
	return code;
}
