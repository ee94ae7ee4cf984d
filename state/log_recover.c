/* SPDX-License-Identifier: Apache-2.0
 *
 * What open finds in a directory, and makes of it. See log_state.h.
 *
 * Files and directory are synced before they are read: what a dead process had written may so far be in memory only, and what
 * is read here must not vanish later. Of the four copies of the root the whole one of the greatest generation counts.
 * If its twin is not whole it is made so again (log_damage.c).
 * What it does not name beyond the end of the log is tail, and is cut, unless the other pair is damaged: then it may be all
 * of a newer checkpoint, which somebody may mend, and the log goes on in a new segment. the segments that only the older pair names stay
 * until that pair is overwritten. Damage inside the extents is not looked for here: reading finds it.
 *
 * A new log is made in this order: root-0, root-1 under another name, sync, rename, directory. So a log exists when
 * root-1 does. One that is being removed has the file `removing` from the first file that goes to the last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "state/log_state.h"

#define FIRST_GENERATION 2 /* of root-0; root-1 begins with the next one */
#define ROOT_FIRST_READ ((size_t)64 << 10)

static const char *const root_names[2] = {"root-0", "root-1"};

struct scan {
	struct tr_log *log;
	bool has_root[2];
	bool is_removing;
	tr_code code; /* of looking at a file */
	struct tr_status *st;
	struct tr_log_root roots[4]; /* the whole ones */
	int best;                    /* -1: none */
	bool keeps_tail;             /* it may be a checkpoint whose root is damaged */
};

/* Looking. */

static bool parse_segment(const char *name, uint64_t *number)
{
	const char *digits = name + 8;

	if (strncmp(name, "segment-", 8) != 0 || digits[0] < '1' || digits[0] > '9' || strlen(digits) > 18)
		return false;
	*number = 0;
	for (; *digits >= '0' && *digits <= '9'; digits++)
		*number = *number * 10 + (uint64_t)(*digits - '0');
	return *digits == '\0';
}

static bool see_name(void *context, const char *name)
{
	struct scan *scan = context;
	struct tr_file_info info;
	char path[TR_LOG_PATH_MAX];
	uint64_t number;

	for (int pair = 0; pair < 2; pair++)
		scan->has_root[pair] = scan->has_root[pair] || strcmp(name, root_names[pair]) == 0;
	scan->is_removing = scan->is_removing || strcmp(name, "removing") == 0;
	if (!parse_segment(name, &number))
		return true;
	tr_log_segment_path(scan->log, number, path);
	scan->code = scan->log->disk->ops->stat(scan->log->disk, path, &info, scan->st);
	if (scan->code == TR_OK)
		(void)tr_log_segment_add(scan->log, number, (uint64_t)info.size_bytes);
	return scan->code == TR_OK;
}

static tr_code sync_file(struct tr_log *log, struct tr_file *file, const char *path, struct tr_status *st)
{
	const int64_t result = tr_log_move(log, TR_IO_SYNC, file, NULL, 0, 0);

	if (result < 0)
		return tr_status_set(st, TR_ERR_IO, (int)-result, TR_WHERE, "sync %s", path);
	return TR_OK;
}

/** Reads one copy of a root. */
static tr_code read_copy(struct scan *scan, int pair, int copy, struct tr_status *st)
{
	struct tr_log *log = scan->log;
	struct tr_log_copy *found = &log->copies[2 * pair + copy];
	struct tr_log_root *root = &scan->roots[2 * pair + copy];
	const int64_t offset = copy * (int64_t)TR_ROOT_STRIDE;
	char *bytes = malloc(TR_ROOT_STRIDE);
	struct tr_root_head head;
	int64_t length;
	tr_code code = TR_OK;

	TR_ASSERT(bytes != NULL);
	length = tr_log_move(log, TR_IO_READ, log->root_files[pair], bytes, ROOT_FIRST_READ, offset);
	if (length >= (int64_t)sizeof(head)) {
		memcpy(&head, bytes, sizeof(head));
		if (length == (int64_t)ROOT_FIRST_READ && head.bytes > ROOT_FIRST_READ && head.bytes <= TR_ROOT_STRIDE)
			length = tr_log_move(log, TR_IO_READ, log->root_files[pair], bytes, head.bytes, offset);
	}
	if (length < 0) {
		code = tr_status_set(st, TR_ERR_IO, (int)-length, TR_WHERE, "read %s/%s at byte %lld", log->directory,
				     root_names[pair], (long long)offset);
	} else {
		found->state = tr_log_root_decode(bytes, (size_t)length, root, &found->why, &found->version);
		if (found->state == TR_ROOT_WHOLE || found->state == TR_ROOT_NEWER) {
			memcpy(&head, bytes, sizeof(head));
			found->generation = head.generation;
			found->bytes = head.bytes;
		}
		if (found->state == TR_ROOT_WHOLE && (root->generation & 1) != (uint64_t)pair) {
			tr_log_root_deinit(root);
			found->state = TR_ROOT_DAMAGED;
			found->why = "it belongs into the other root file";
		}
	}
	free(bytes);
	return code;
}

static tr_code read_pair(struct scan *scan, int pair, struct tr_status *st)
{
	struct tr_log *log = scan->log;
	char path[TR_LOG_PATH_MAX];

	for (int copy = 0; copy < 2; copy++)
		log->copies[2 * pair + copy] =
			(struct tr_log_copy){.state = TR_ROOT_EMPTY, .why = "there is no such file"};
	if (!scan->has_root[pair])
		return TR_OK;
	tr_log_path(log, root_names[pair], path);
	TR_TRY(log->disk->ops->open(log->disk, path, TR_OPEN_READ | (log->is_read_only ? 0 : TR_OPEN_WRITE),
				    &log->root_files[pair], st));
	if (!log->is_read_only)
		TR_TRY(sync_file(log, log->root_files[pair], path, st));
	for (int copy = 0; copy < 2; copy++)
		TR_TRY(read_copy(scan, pair, copy, st));
	return TR_OK;
}

/** Chooses among the copies. A newer program's root is not passed over: going back would lose what it had committed. */
static tr_code choose(struct scan *scan, struct tr_status *st)
{
	const struct tr_log *log = scan->log;

	scan->best = -1;
	for (int i = 0; i < 4; i++)
		if (log->copies[i].state == TR_ROOT_WHOLE &&
		    (scan->best < 0 || log->copies[i].generation > log->copies[scan->best].generation))
			scan->best = i;
	for (int i = 0; i < 4; i++)
		if (log->copies[i].state == TR_ROOT_NEWER &&
		    (scan->best < 0 || log->copies[i].generation > log->copies[scan->best].generation))
			TR_FAIL(st, TR_ERR_DATA,
				"%s/%s is of version %" PRIu32
				"; this program knows version %d: use the program that wrote it, or a savepoint of it",
				log->directory, root_names[i / 2], log->copies[i].version, TR_LOG_VERSION);
	return TR_OK;
}

static tr_code refuse_rootless(const struct scan *scan, struct tr_status *st)
{
	const struct tr_log *log = scan->log;
	char why[600];
	size_t length = 0;

	for (int i = 0; i < 4; i++)
		length +=
			(size_t)snprintf(why + length, sizeof(why) - length, "%s%s at byte %zu: %s", i > 0 ? "; " : "",
					 root_names[i / 2], (i & 1) * TR_ROOT_STRIDE, log->copies[i].why);
	TR_FAIL(st, TR_ERR_DATA,
		"%s: no root of the log is whole (%s). Nothing was changed. Restore these files from a copy, start "
		"from "
		"a savepoint, or start anew with --fresh",
		log->directory, why);
}

/* A new log. */

static tr_code parse_id(const char *text, unsigned char id[TR_LOG_ID_BYTES], struct tr_status *st)
{
	static const char digits[] = "0123456789abcdef";

	if (text == NULL || strlen(text) != (size_t)2 * TR_LOG_ID_BYTES)
		TR_FAIL(st, TR_ERR_INTERNAL, "a job's id has 32 hexadecimal digits, not '%s'", text != NULL ? text : "");
	for (int i = 0; i < TR_LOG_ID_BYTES; i++) {
		const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);

		if (high == NULL || low == NULL)
			TR_FAIL(st, TR_ERR_INTERNAL, "a job's id has 32 hexadecimal digits, not '%s'", text);
		id[i] = (unsigned char)((high - digits) << 4 | (low - digits));
	}
	return TR_OK;
}

/** A root file with both copies of `log->root`; reserves what roots usually take. */
static tr_code make_root_file(struct tr_log *log, int pair, const char *name, struct tr_status *st)
{
	char path[TR_LOG_PATH_MAX];

	tr_log_path(log, name, path);
	tr_bytes_clear(&log->root_bytes);
	TR_TRY(tr_log_root_encode(&log->root, &log->root_bytes, st));
	TR_TRY(log->disk->ops->open(log->disk, path,
				    TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_TRUNCATE | TR_OPEN_PRIVATE,
				    &log->root_files[pair], st));
	for (int copy = 0; copy < 2; copy++) {
		const int64_t offset = copy * (int64_t)TR_ROOT_STRIDE;
		int64_t result;

		TR_TRY(tr_disk_allocate(log->disk, log->root_files[pair], offset, TR_LOG_ROOT_RESERVE, st));
		result = tr_log_move(log, TR_IO_WRITE, log->root_files[pair], log->root_bytes.data,
				     log->root_bytes.length, offset);
		if (result != (int64_t)log->root_bytes.length)
			return tr_status_set(st, TR_ERR_IO, result < 0 ? (int)-result : 0, TR_WHERE,
					     "write %s at byte %lld", path, (long long)offset);
	}
	log->root_reserved[pair] = TR_LOG_ROOT_RESERVE;
	return sync_file(log, log->root_files[pair], path, st);
}

static tr_code make_new(struct tr_log *log, const char *job_id, struct tr_status *st)
{
	char from[TR_LOG_PATH_MAX], to[TR_LOG_PATH_MAX];

	for (int pair = 0; pair < 2; pair++)
		log->disk->ops->close(log->disk, &log->root_files[pair]);
	log->root = (struct tr_log_root){.job_name = tr_log_text(log, log->job_name)};
	TR_TRY(parse_id(job_id, log->root.log_id, st));
	log->root.generation = FIRST_GENERATION;
	TR_TRY(make_root_file(log, 0, root_names[0], st));
	log->root.generation++;
	TR_TRY(make_root_file(log, 1, "root-1.new", st));
	tr_log_path(log, "root-1.new", from);
	tr_log_path(log, root_names[1], to);
	TR_TRY(log->disk->ops->rename(log->disk, from, to, st));
	return log->disk->ops->sync_directory(log->disk, log->directory, st);
}

/* An old one. */

/** Takes over the best root; its texts become the log's. */
static void adopt(struct scan *scan)
{
	struct tr_log *log = scan->log;
	struct tr_log_root *root = &log->root;

	*root = scan->roots[scan->best];
	scan->roots[scan->best] = (struct tr_log_root){.generation = 0};
	root->job_name = tr_log_text(log, root->job_name);
	for (uint32_t i = 0; i < root->entry_count; i++) {
		for (uint32_t k = 0; k < root->entries[i].checkpoint.part_count; k++) {
			struct tr_log_part *part = &root->entries[i].parts[k];

			part->uid = tr_log_text(log, part->uid);
			part->fingerprint = tr_log_text(log, part->fingerprint);
			part->schema = tr_log_text(log, part->schema);
		}
	}
	free(root->texts);
	root->texts = NULL;
	log->cursor = root->end;
	log->segment_next = TR_MAX(log->segment_next, root->end.segment + 1);
	for (uint32_t i = 0; i < root->extent_count; i++)
		log->segment_next = TR_MAX(log->segment_next, root->extents[i].segment + 1);
	for (int pair = 0; pair < 2; pair++) /* what was reserved is not known; asking again costs nothing */
		log->root_reserved[pair] = 0;
}

/** Notes which segments the roots name. A segment that the newest names and that is missing is found when it is read. */
static void mark_named(struct scan *scan)
{
	struct tr_log *log = scan->log;

	for (int i = 0; i <= 4; i++) {
		const struct tr_log_root *root = i < 4 ? &scan->roots[i] : &log->root;

		for (uint32_t k = 0; k < root->extent_count; k++) {
			struct tr_log_segment *segment = tr_log_segment_find(log, root->extents[k].segment);

			if (segment != NULL)
				segment->named = TR_MAX(segment->named, root->generation);
		}
	}
}

/** Removes what no root names. Read-only: counts it. */
static void cut_segments(struct tr_log *log, struct tr_log_report *report)
{
	for (uint32_t i = log->segment_count; i-- > 0;) {
		const struct tr_log_segment segment = log->segments[i];
		char path[TR_LOG_PATH_MAX];

		if (segment.named != 0 || segment.number == log->root.end.segment)
			continue;
		if (segment.number > log->root.end.segment) {
			report->tail_segments++;
			report->tail_bytes += segment.bytes;
		}
		if (log->is_read_only)
			continue;
		tr_log_segment_path(log, segment.number, path);
		if (log->disk->ops->unlink(log->disk, path, NULL) == TR_OK) {
			log->is_directory_dirty = true;
			log->segments[i] = log->segments[--log->segment_count];
		}
	}
}

/** Syncs a segment; cuts the last one. One that can't go on is left alone, and the log goes on in a new one. */
static tr_code settle_segment(struct scan *scan, struct tr_log_segment *segment, struct tr_log_report *report,
			      struct tr_status *st)
{
	struct tr_log *log = scan->log;
	const struct tr_log_place *end = &log->root.end;
	struct tr_segment_head head = {.version = 0};
	struct tr_file *file = NULL;
	char path[TR_LOG_PATH_MAX];
	tr_code code;

	tr_log_segment_path(log, segment->number, path);
	TR_TRY(log->disk->ops->open(log->disk, path, TR_OPEN_READ | TR_OPEN_WRITE, &file, st));
	code = sync_file(log, file, path, st);
	if (code == TR_OK && segment->number == end->segment) {
		const bool is_ours =
			tr_log_move(log, TR_IO_READ, file, &head, sizeof(head), 0) == (int64_t)sizeof(head) &&
			tr_log_segment_check(log, &head, segment->number, path, NULL) == TR_OK;
		bool is_last = true;

		for (int i = 0; i < 4; i++) /* after a rewind the older pair may name what comes behind */
			is_last = is_last && tr_log_place_compare(scan->roots[i].end.segment, scan->roots[i].end.offset,
								  end->segment, end->offset) <= 0;
		log->needs_fresh_segment = !is_ours || !is_last || scan->keeps_tail || segment->bytes < end->offset;
		if (!log->needs_fresh_segment && segment->bytes > end->offset)
			report->tail_bytes += segment->bytes - end->offset;
		if (!log->needs_fresh_segment)
			code = tr_disk_truncate(log->disk, file, (int64_t)end->offset, st);
		TR_FAULT_POINT("recover-log-cut");
		if (!log->needs_fresh_segment && code == TR_OK)
			segment->bytes = end->offset;
	}
	log->disk->ops->close(log->disk, &file);
	return code;
}

static void write_note(const struct scan *scan, struct tr_log_report *report)
{
	const struct tr_log *log = scan->log;
	const int pair = (int)(log->root.generation & 1);
	size_t length = 0;

	for (int i = 0; i < 4; i++)
		report->roots_damaged +=
			log->copies[i].state == TR_ROOT_DAMAGED || log->copies[i].state == TR_ROOT_NEWER;
	if (report->tail_bytes > 0 || report->tail_segments > 0)
		length += (size_t)snprintf(report->note, sizeof(report->note),
					   "%" PRIu64 " bytes behind checkpoint %" PRIu64
					   " belonged to one that was not completed, and were cut",
					   report->tail_bytes,
					   log->root.entry_count > 0 ? log->root.entries[0].checkpoint.number : 0);
	if (report->roots_damaged == 0)
		return;
	for (int i = 0; i < 4; i++) {
		if (log->copies[i].state != TR_ROOT_DAMAGED || length + 1 >= sizeof(report->note))
			continue;
		length += (size_t)snprintf(report->note + length, sizeof(report->note) - length,
					   "%s%s is damaged at byte %zu: %s", length > 0 ? "; " : "", root_names[i / 2],
					   (i & 1) * TR_ROOT_STRIDE, log->copies[i].why);
	}
	if (length + 1 < sizeof(report->note))
		(void)snprintf(report->note + length, sizeof(report->note) - length,
			       log->copies[2 * (1 - pair)].state == TR_ROOT_DAMAGED &&
					       log->copies[2 * (1 - pair) + 1].state == TR_ROOT_DAMAGED
				       ? ": a commit was cut off, or the newest checkpoint is lost"
				       : "; its twin is whole");
}

/** Whether the other pair is damaged, so that there may have been a newer checkpoint. */
static bool is_newer_lost(const struct scan *scan)
{
	const struct tr_log *log = scan->log;
	const struct tr_log_copy *other = &log->copies[2 * (1 - (log->root.generation & 1))];

	return other[0].state != TR_ROOT_WHOLE && other[1].state != TR_ROOT_WHOLE &&
	       (other[0].state == TR_ROOT_DAMAGED || other[1].state == TR_ROOT_DAMAGED);
}

static tr_code take_over(struct scan *scan, struct tr_log_report *report, struct tr_status *st)
{
	struct tr_log *log = scan->log;

	adopt(scan);
	if (!log->is_read_only && strcmp(log->root.job_name, log->job_name) != 0)
		TR_FAIL(st, TR_ERR_DATA,
			"%s holds the checkpoints of the job '%s', not of '%s': choose another directory, or the other "
			"name (pipeline.name)",
			log->directory, log->root.job_name, log->job_name);
	mark_named(scan);
	scan->keeps_tail = is_newer_lost(scan);
	if (!scan->keeps_tail)
		cut_segments(log, report);
	if (log->root.end.segment != 0 && tr_log_segment_find(log, log->root.end.segment) == NULL)
		log->needs_fresh_segment = true;
	for (uint32_t i = 0; i < log->segment_count && !log->is_read_only; i++)
		TR_TRY(settle_segment(scan, &log->segments[i], report, st));
	write_note(scan, report);
	for (int pair = 0; pair < 2 && !log->is_read_only; pair++) {
		char path[TR_LOG_PATH_MAX];

		if (log->root_files[pair] != NULL)
			continue;
		tr_log_path(log, root_names[pair], path);
		TR_TRY(log->disk->ops->open(log->disk, path,
					    TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_PRIVATE,
					    &log->root_files[pair], st));
		log->is_directory_dirty = true;
	}
	return log->is_read_only ? TR_OK : tr_log_settle_root(log, report, st);
}

static tr_code recover(struct scan *scan, const char *job_id, struct tr_log_report *report, struct tr_status *st)
{
	struct tr_log *log = scan->log;

	if (!log->is_read_only)
		TR_TRY(log->disk->ops->sync_directory(log->disk, log->directory, st));
	TR_TRY(log->disk->ops->list(log->disk, log->directory, see_name, scan, st));
	TR_TRY(scan->code);
	if (scan->is_removing) {
		if (log->is_read_only)
			TR_FAIL(st, TR_ERR_NO_INPUT, "%s: the checkpoints that were here are being removed",
				log->directory);
		TR_TRY(tr_log_finish_removal(log->disk, log->directory, NULL, st));
		log->segment_count = 0;
		scan->has_root[0] = scan->has_root[1] = false;
	}
	for (int pair = 0; pair < 2; pair++)
		TR_TRY(read_pair(scan, pair, st));
	TR_TRY(choose(scan, st));
	if (!scan->has_root[1] && log->segment_count == 0 &&
	    (scan->best < 0 || log->copies[scan->best].generation == FIRST_GENERATION)) {
		if (log->is_read_only)
			TR_FAIL(st, TR_ERR_NO_INPUT, "%s holds no checkpoints", log->directory);
		report->is_new = true;
		return make_new(log, job_id, st);
	}
	if (scan->best < 0)
		return refuse_rootless(scan, st);
	return take_over(scan, report, st);
}

tr_code tr_log_recover(struct tr_log *log, const char *job_id, struct tr_log_report *report, struct tr_status *st)
{
	struct scan scan = {.log = log, .st = st, .best = -1};
	tr_code code = recover(&scan, job_id, report, st);

	for (int i = 0; i < 4; i++)
		tr_log_root_deinit(&scan.roots[i]);
	for (int i = 0; i < TR_LOG_ID_BYTES; i++)
		snprintf(log->job_id + 2 * i, 3, "%02x", log->root.log_id[i]);
	return code;
}
