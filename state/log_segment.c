/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments: the files that hold the blocks. See log_state.h.
 *
 * A segment is reserved ahead of what is written to it, in steps that grow with it: then a full disk is met before the
 * bytes are sent, the checkpoint fails, and the log goes on. When it is full what was reserved too much is given back.
 * Segments of a small state are small, since one with a single needed frame stays as a whole.
 * Numbers only grow, so that a name never means two different files.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "state/log_state.h"

struct tr_log_segment *tr_log_segment_find(struct tr_log *log, uint64_t number)
{
	for (uint32_t i = 0; i < log->segment_count; i++)
		if (log->segments[i].number == number)
			return &log->segments[i];
	return NULL;
}

struct tr_log_segment *tr_log_segment_add(struct tr_log *log, uint64_t number, uint64_t bytes)
{
	TR_ASSERT(tr_log_segment_find(log, number) == NULL);
	log->segments = realloc(log->segments, (log->segment_count + 1) * sizeof(*log->segments));
	TR_ASSERT(log->segments != NULL);
	log->segments[log->segment_count] = (struct tr_log_segment){.number = number, .bytes = bytes};
	log->segment_next = TR_MAX(log->segment_next, number + 1);
	return &log->segments[log->segment_count++];
}

static void forget(struct tr_log *log, uint64_t number)
{
	struct tr_log_segment *segment = tr_log_segment_find(log, number);

	TR_ASSERT(segment != NULL);
	*segment = log->segments[--log->segment_count];
}

tr_code tr_log_segment_check(const struct tr_log *log, const struct tr_segment_head *head, uint64_t number,
			     const char *path, struct tr_status *st)
{
	if (memcmp(head->magic, TR_SEGMENT_MAGIC, sizeof(head->magic)) != 0)
		TR_FAIL(st, TR_ERR_DATA, "%s: byte 0: these are not the first bytes of a segment", path);
	if (tr_log_sum(head, sizeof(*head), offsetof(struct tr_segment_head, crc)) != head->crc)
		TR_FAIL(st, TR_ERR_DATA, "%s: byte 0: the head is damaged: its check sum is wrong", path);
	if (head->version != TR_LOG_VERSION && head->version != 1) /* 1 looks the same */
		TR_FAIL(st, TR_ERR_DATA, "%s: it is of version %" PRIu32 "; this program knows version %d", path,
			head->version, TR_LOG_VERSION);
	if (memcmp(head->log_id, log->root.log_id, TR_LOG_ID_BYTES) != 0)
		TR_FAIL(st, TR_ERR_DATA, "%s: it belongs to another log", path);
	if (head->number != number)
		TR_FAIL(st, TR_ERR_DATA, "%s: this is a copy of segment-%" PRIu64, path, head->number);
	return TR_OK;
}

static struct tr_log_open_segment *push_open(struct tr_log *log, uint64_t number, struct tr_file *file)
{
	struct tr_log_open_segment *segment = calloc(1, sizeof(*segment));

	TR_ASSERT(segment != NULL);
	segment->number = number;
	segment->file = file;
	segment->next = log->open;
	log->open = segment;
	return segment;
}

static void close_open(struct tr_log *log, struct tr_log_open_segment *segment)
{
	struct tr_log_open_segment **at = &log->open;

	TR_ASSERT(segment->writes == 0 && !segment->sync.is_used);
	while (*at != segment)
		at = &(*at)->next;
	*at = segment->next;
	if (log->current == segment)
		log->current = NULL;
	log->disk->ops->close(log->disk, &segment->file);
	free(segment);
}

/** How many bytes a segment has room for. */
static uint64_t segment_room(const struct tr_log *log)
{
	const uint64_t bytes = TR_MAX(log->live_bytes, log->checkpoint_bytes) / TR_LOG_SEGMENTS;

	return TR_MIN(TR_MAX(bytes, TR_LOG_SEGMENT_BYTES_MIN), log->segment_bytes);
}

/** Makes sure that `end` bytes of the current segment are reserved. */
static tr_code reserve(struct tr_log *log, uint64_t end, struct tr_status *st)
{
	struct tr_log_open_segment *segment = log->current;
	const uint64_t step = TR_MIN(TR_MAX(end, TR_LOG_RESERVE_MIN), TR_LOG_RESERVE_MAX);
	const uint64_t goal = TR_MAX(end, TR_MIN(end + step, segment_room(log)));

	if (end <= segment->reserved)
		return TR_OK;
	TR_TRY(tr_disk_allocate(log->disk, segment->file, (int64_t)segment->reserved,
				(int64_t)(goal - segment->reserved), st));
	segment->reserved = goal;
	return TR_OK;
}

/** A new segment, at whose beginning the cursor is then. */
static tr_code create(struct tr_log *log, struct tr_status *st)
{
	const uint64_t number = log->segment_next;
	struct tr_log_open_segment *segment;
	struct tr_file *file = NULL;
	char path[TR_LOG_PATH_MAX];

	tr_log_segment_path(log, number, path);
	TR_TRY(log->disk->ops->open(log->disk, path,
				    TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_EXCLUSIVE | TR_OPEN_PRIVATE,
				    &file, st));
	log->is_directory_dirty = true;
	(void)tr_log_segment_add(log, number, sizeof(segment->head));
	segment = push_open(log, number, file);
	segment->is_new = true;
	segment->head = (struct tr_segment_head){
		.magic = TR_SEGMENT_MAGIC, .version = TR_LOG_VERSION, .number = number, .checkpoint = log->checkpoint};
	memcpy(segment->head.log_id, log->root.log_id, TR_LOG_ID_BYTES);
	segment->head.crc = tr_log_sum(&segment->head, sizeof(segment->head), offsetof(struct tr_segment_head, crc));
	segment->length = sizeof(segment->head);
	if (log->current != NULL)
		log->current->is_full = true;
	log->current = segment;
	log->cursor.segment = number;
	log->cursor.offset = sizeof(segment->head);
	TR_TRY(reserve(log, sizeof(segment->head), st));
	tr_log_write_send(log, segment, NULL, &segment->head, sizeof(segment->head), 0);
	return TR_OK;
}

/** Opens the segment in which the log ends. */
static tr_code open_last(struct tr_log *log, struct tr_status *st)
{
	struct tr_file *file = NULL;
	char path[TR_LOG_PATH_MAX];

	tr_log_segment_path(log, log->cursor.segment, path);
	TR_TRY(log->disk->ops->open(log->disk, path, TR_OPEN_READ | TR_OPEN_WRITE, &file, st));
	log->current = push_open(log, log->cursor.segment, file);
	log->current->length = log->cursor.offset;
	log->current->reserved = log->cursor.offset;
	return TR_OK;
}

tr_code tr_log_segment_reserve(struct tr_log *log, uint64_t bytes, struct tr_status *st)
{
	const struct tr_log_place *cursor = &log->cursor;

	if ((log->needs_fresh_segment && log->current == NULL) || cursor->segment == 0 ||
	    (cursor->offset + bytes > segment_room(log) && cursor->offset > sizeof(struct tr_segment_head)))
		TR_TRY(create(log, st));
	else if (log->current == NULL)
		TR_TRY(open_last(log, st));
	TR_ASSERT(log->current->number == cursor->segment && log->current->length == cursor->offset);
	return reserve(log, cursor->offset + bytes, st);
}

void tr_log_segments_close(struct tr_log *log, bool keep_current)
{
	struct tr_log_open_segment *next;

	for (struct tr_log_open_segment *segment = log->open; segment != NULL; segment = next) {
		next = segment->next;
		if (!keep_current || segment != log->current)
			close_open(log, segment);
	}
}

/** False: it stays for another time. */
static bool remove_file(struct tr_log *log, uint64_t number)
{
	char path[TR_LOG_PATH_MAX];

	tr_log_segment_path(log, number, path);
	TR_FAULT_POINT("segment-remove-before");
	if (log->disk->ops->unlink(log->disk, path, NULL) != TR_OK)
		return false;
	TR_FAULT_POINT("segment-removed");
	log->is_directory_dirty = true;
	return true;
}

void tr_log_segments_take_back(struct tr_log *log)
{
	struct tr_log_open_segment *next;

	log->cursor = log->root.end;
	for (struct tr_log_open_segment *segment = log->open; segment != NULL; segment = next) {
		const uint64_t number = segment->number;

		next = segment->next;
		if (!segment->is_new) {
			TR_ASSERT(number == log->cursor.segment);
			segment->length = log->cursor.offset;
			segment->is_full = false;
			/* If it fails the bytes stay, as a tail that the next blocks overwrite. */
			if (tr_disk_truncate(log->disk, segment->file, (int64_t)segment->length, NULL) == TR_OK)
				segment->reserved = segment->length;
			log->current = segment;
			continue;
		}
		close_open(log, segment);
		if (remove_file(log, number))
			forget(log, number);
	}
}

void tr_log_segments_remove(struct tr_log *log)
{
	for (uint32_t i = log->segment_count; i-- > 0;) {
		const struct tr_log_segment *segment = &log->segments[i];

		if (segment->named + 1 >= log->root.generation || segment->number == log->cursor.segment)
			continue;
		if (remove_file(log, segment->number))
			forget(log, segment->number);
	}
}
