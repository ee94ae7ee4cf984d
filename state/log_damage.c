/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage: what is settled and mended at open, and what is kept for people. See log_state.h.
 *
 * The newest root is written again, copy by copy. It may be there in memory only: a sync of it failed, or was under way when the
 * process died, and then a second sync has nothing to do, and says so, while the disk has the root before it. What is decided from
 * now on (sinks publish) must not hang on that. So what was read is written and synced; that it is the same bytes harms nothing,
 * since one copy is whole while the other is written. And a root of which one copy is not whole (it rotted, or the process died
 * between the two writes) is mended by the same act: that copy comes first.
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

/** The copy that is damaged or older; -1: none is. */
static int bad_copy(const struct tr_log_copy *copies, uint64_t generation)
{
	for (int copy = 0; copy < 2; copy++)
		if (copies[copy].state != TR_ROOT_WHOLE || copies[copy].generation != generation)
			return copy;
	return -1;
}

/** DONE: it is on the disk. MORE: it could not be written. FAILED: the sync failed. */
static enum tr_flow write_copy(struct tr_log *log, int copy, void *bytes, size_t length, struct tr_status *st)
{
	const int pair = (int)(log->root.generation & 1);
	int64_t result =
		tr_log_move(log, TR_IO_WRITE, log->root_files[pair], bytes, length, copy * (int64_t)TR_ROOT_STRIDE);

	if (result != (int64_t)length)
		return TR_FLOW_MORE;
	result = tr_log_move(log, TR_IO_SYNC, log->root_files[pair], NULL, 0, 0);
	if (result >= 0)
		return TR_FLOW_DONE;
	(void)tr_status_set(st, TR_ERR_IO, (int)-result, TR_WHERE, "sync %s/root-%d", log->directory, pair);
	return TR_FLOW_FAILED;
}

tr_code tr_log_settle_root(struct tr_log *log, struct tr_log_report *report, struct tr_status *st)
{
	struct tr_log_copy *copies = &log->copies[2 * (log->root.generation & 1)];
	const int bad = bad_copy(copies, log->root.generation);
	const int first = bad < 0 ? 1 : bad;
	const size_t length = (size_t)copies[1 - first].bytes;
	enum tr_flow flow = TR_FLOW_MORE;
	void *bytes = malloc(length);

	TR_ASSERT(bytes != NULL && copies[1 - first].generation == log->root.generation);
	if (tr_log_move(log, TR_IO_READ, log->root_files[log->root.generation & 1], bytes, length,
			(1 - first) * (int64_t)TR_ROOT_STRIDE) == (int64_t)length)
		flow = write_copy(log, first, bytes, length, st);
	if (flow == TR_FLOW_DONE) {
		copies[first] = copies[1 - first];
		flow = write_copy(log, 1 - first, bytes, length, st);
	}
	free(bytes);
	if (flow == TR_FLOW_FAILED)
		return TR_ERR_IO;
	if (flow == TR_FLOW_MORE)
		add_note(report, bad < 0 ? "the root could not be written again" : "its copy could not be written anew");
	else if (bad >= 0)
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
