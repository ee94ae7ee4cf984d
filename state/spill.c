/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of a spill: its room, extents on their way, runs. See the header; spill_read.c reads.
 */
#include "state/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "state/spill_extent.h"

#define EXTENT_BYTES_MAX ((size_t)256 << 10)
#define EXTENT_BYTES_MIN ((size_t)8 << 10)
#define EXTENTS_IN_FLIGHT 4
#define ALIGNMENT 4096 /* of extents in the file */
#define RECORDS_MIN 4

/* -- room in the file -- */

static void hole_insert(struct tr_spill *spill, uint32_t at, int64_t offset, int64_t length)
{
	if (spill->hole_count == spill->hole_capacity) {
		spill->hole_capacity = TR_MAX(spill->hole_capacity * 2, 16u);
		spill->holes = tr_checked(realloc(spill->holes, spill->hole_capacity * sizeof(*spill->holes)));
	}
	memmove(spill->holes + at + 1, spill->holes + at, (spill->hole_count - at) * sizeof(*spill->holes));
	spill->holes[at] = (struct tr_spill_hole){.offset = offset, .length = length};
	spill->hole_count++;
}

static void hole_remove(struct tr_spill *spill, uint32_t at)
{
	spill->hole_count--;
	memmove(spill->holes + at, spill->holes + at + 1, (spill->hole_count - at) * sizeof(*spill->holes));
}

/** The first hole that is large enough, or the file grows. */
static int64_t room_get(struct tr_spill *spill, int64_t length)
{
	int64_t offset = spill->end;

	for (uint32_t i = 0; i < spill->hole_count; i++) {
		struct tr_spill_hole *hole = &spill->holes[i];

		if (hole->length < length)
			continue;
		offset = hole->offset;
		hole->offset += length;
		hole->length -= length;
		if (hole->length == 0)
			hole_remove(spill, i);
		return offset;
	}
	spill->end += length;
	return offset;
}

static void room_put(struct tr_spill *spill, int64_t offset, int64_t length)
{
	uint32_t low = 0, high = spill->hole_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (spill->holes[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < spill->hole_count && spill->holes[low].offset == offset + length) {
		spill->holes[low].offset = offset;
		spill->holes[low].length += length;
	} else {
		hole_insert(spill, low, offset, length);
	}
	if (low > 0 && spill->holes[low - 1].offset + spill->holes[low - 1].length == offset) {
		spill->holes[low - 1].length += spill->holes[low].length;
		hole_remove(spill, low);
	}
	if (spill->holes[spill->hole_count - 1].offset + spill->holes[spill->hole_count - 1].length != spill->end)
		return;
	spill->end = spill->holes[--spill->hole_count].offset;
	/* A file that stays as it is does no harm: its room is written again. */
	if (spill->end == 0)
		(void)tr_disk_truncate(spill->disk, spill->file, 0, NULL);
}

/* -- extents -- */

static char *buffer_get(struct tr_spill *spill, size_t room)
{
	if (room == spill->extent_bytes && spill->spare_count > 0)
		return spill->spare[--spill->spare_count];
	return tr_checked(malloc(room));
}

static void buffer_put(struct tr_spill *spill, struct tr_spill_extent *extent)
{
	if (extent->room == spill->extent_bytes && spill->spare_count < EXTENTS_IN_FLIGHT)
		spill->spare[spill->spare_count++] = extent->buffer;
	else
		free(extent->buffer);
	extent->buffer = NULL;
}

static struct tr_spill_extent *extent_create(struct tr_spill *spill, size_t room)
{
	struct tr_spill_extent *extent = tr_checked(calloc(1, sizeof(*extent)));

	extent->room = room;
	extent->buffer = buffer_get(spill, room);
	extent->refs = 1; /* of what is on its way */
	spill->index_bytes += sizeof(*extent);
	return extent;
}

static void extent_unref(struct tr_spill *spill, struct tr_spill_extent *extent)
{
	TR_DASSERT(extent->refs > 0);
	if (--extent->refs > 0)
		return;
	if (extent->file_bytes > 0)
		room_put(spill, extent->offset, extent->file_bytes);
	spill->index_bytes -= sizeof(*extent);
	free(extent);
}

/** Asks for what of the extent is not written yet. */
static void extent_submit(struct tr_spill *spill, struct tr_spill_extent *extent, size_t done)
{
	extent->request = (struct tr_io_request){
		.op = TR_IO_WRITE,
		.file = spill->file,
		.buffer = extent->buffer + done,
		.length = extent->length - done,
		.offset = extent->offset + (int64_t)done,
	};
	tr_io_submit(spill->queue, &extent->request);
}

void tr_spill_flush(struct tr_spill *spill)
{
	struct tr_spill_extent *extent = spill->open;

	if (extent == NULL)
		return;
	spill->open = NULL;
	extent->file_bytes = (int64_t)((extent->length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
	extent->offset = room_get(spill, extent->file_bytes);
	extent->next = spill->writing;
	spill->writing = extent;
	spill->writing_bytes += extent->room;
	extent_submit(spill, extent, 0);
}

/** Whether a request that has come back is to be repeated. */
static bool is_interrupted(int64_t result) { return result == -EINTR || result == -EAGAIN; }

static void note_failure(struct tr_spill *spill, const struct tr_io_request *request)
{
	if (spill->status.code == TR_OK)
		(void)tr_status_set(&spill->status, TR_ERR_IO, (int)(request->result < 0 ? -request->result : EIO),
				    TR_WHERE, "%s: writing %zu bytes of state at %lld", spill->path, request->length,
				    (long long)request->offset);
}

static void reap(struct tr_spill *spill)
{
	struct tr_spill_extent **at = &spill->writing;

	while (*at != NULL) {
		struct tr_spill_extent *extent = *at;
		const struct tr_io_request *request = &extent->request;
		const size_t done = (size_t)(request->offset - extent->offset);

		if (!request->is_done) {
			at = &extent->next;
			continue;
		}
		if (spill->status.code == TR_OK && (request->result > 0 || is_interrupted(request->result)) &&
		    done + (size_t)TR_MAX(request->result, 0) < extent->length) {
			extent_submit(spill, extent, done + (size_t)TR_MAX(request->result, 0));
			at = &extent->next;
			continue;
		}
		if (request->result <= 0)
			note_failure(spill, request);
		*at = extent->next;
		extent->is_written = true;
		spill->writing_bytes -= extent->room;
		buffer_put(spill, extent);
		extent_unref(spill, extent);
	}
}

enum tr_flow tr_spill_poll(struct tr_spill *spill)
{
	reap(spill);
	if (spill->status.code != TR_OK)
		return TR_FLOW_FAILED;
	return spill->writing_bytes >= spill->buffer_bytes ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

void tr_spill_await(struct tr_spill *spill) { (void)tr_io_wait(spill->queue, -1); }

tr_code tr_spill_wait(struct tr_spill *spill, struct tr_status *st)
{
	enum tr_flow flow;

	while ((flow = tr_spill_poll(spill)) == TR_FLOW_BLOCKED)
		tr_spill_await(spill);
	if (flow == TR_FLOW_FAILED && st != NULL)
		*st = spill->status;
	return spill->status.code;
}

/* -- runs -- */

struct tr_spill_run *tr_spill_run_begin(struct tr_spill *spill)
{
	struct tr_spill_run *run = tr_checked(calloc(1, sizeof(*run)));

	spill->index_bytes += sizeof(*run);
	return run;
}

static void run_resize(struct tr_spill *spill, struct tr_spill_run *run, uint32_t capacity)
{
	spill->index_bytes += ((size_t)capacity - run->capacity) * sizeof(*run->records);
	run->capacity = capacity;
	run->records = realloc(run->records, capacity * sizeof(*run->records));
	TR_ASSERT(run->records != NULL || capacity == 0);
}

void tr_spill_put(struct tr_spill *spill, struct tr_spill_run *run, uint16_t kind, const void *bytes, size_t length,
		  uint8_t first, uint8_t last)
{
	const size_t padded = (length + 7) & ~(size_t)7;
	struct tr_spill_extent *extent = spill->open;
	const struct tr_spill_record *before = run->count > 0 ? &run->records[run->count - 1] : NULL;

	TR_ASSERT(length > 0 && length <= TR_STATE_RECORD_BYTES_MAX && first <= last);
	TR_ASSERT(before == NULL || (before->first <= first && before->last <= last));
	if (extent != NULL && extent->room - extent->length < padded) {
		tr_spill_flush(spill);
		extent = NULL;
	}
	if (extent == NULL)
		extent = spill->open = extent_create(spill, TR_MAX(padded, (size_t)spill->extent_bytes));
	if (run->count == run->capacity)
		run_resize(spill, run, TR_MAX(run->capacity * 2, (uint32_t)RECORDS_MIN));
	if (run->count == 0 || run->records[run->count - 1].extent != extent)
		extent->refs++;
	run->records[run->count++] = (struct tr_spill_record){
		.extent = extent,
		.at = (uint32_t)extent->length,
		.length = (uint32_t)length,
		.crc = tr_crc32c(0, bytes, length),
		.kind = kind,
		.first = first,
		.last = last,
	};
	memcpy(extent->buffer + extent->length, bytes, length);
	memset(extent->buffer + extent->length + length, 0, padded - length);
	extent->length += padded;
	run->bytes += length;
	spill->live_bytes += length;
	spill->bytes_total += length;
}

void tr_spill_run_end(struct tr_spill *spill, struct tr_spill_run *run) { run_resize(spill, run, run->count); }

void tr_spill_drop(struct tr_spill *spill, struct tr_spill_run **pointer)
{
	struct tr_spill_run *run = *pointer;

	if (run == NULL)
		return;
	*pointer = NULL;
	for (uint32_t i = 0; i < run->count; i++)
		if (i == 0 || run->records[i].extent != run->records[i - 1].extent)
			extent_unref(spill, run->records[i].extent);
	spill->live_bytes -= run->bytes;
	spill->index_bytes -= sizeof(*run) + run->capacity * sizeof(*run->records);
	free(run->records);
	free(run);
}

/* -- the whole -- */

tr_code tr_spill_open(struct tr_disk *disk, struct tr_io_queue *queue, const char *path, size_t buffer_bytes,
		      struct tr_spill **spill, struct tr_status *st)
{
	struct tr_spill *made = tr_checked(calloc(1, sizeof(*made)));
	tr_code code;

	*spill = NULL;
	made->disk = disk;
	made->queue = queue;
	made->buffer_bytes = buffer_bytes;
	made->extent_bytes =
		(uint32_t)TR_MIN(TR_MAX(buffer_bytes / EXTENTS_IN_FLIGHT, EXTENT_BYTES_MIN), EXTENT_BYTES_MAX);
	made->path = tr_checked(strdup(path));
	made->spare = tr_checked(calloc(EXTENTS_IN_FLIGHT, sizeof(*made->spare)));
	code = disk->ops->open(disk, path,
			       TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_TRUNCATE | TR_OPEN_PRIVATE,
			       &made->file, st);
	if (code == TR_OK)
		code = disk->ops->unlink(disk, path, st);
	if (code != TR_OK) {
		tr_spill_close(&made);
		return code;
	}
	*spill = made;
	return TR_OK;
}

void tr_spill_close(struct tr_spill **pointer)
{
	struct tr_spill *spill = *pointer;

	if (spill == NULL)
		return;
	*pointer = NULL;
	if (spill->open != NULL) {
		buffer_put(spill, spill->open);
		extent_unref(spill, spill->open);
	}
	while (spill->writing != NULL) {
		reap(spill);
		if (spill->writing != NULL)
			(void)tr_io_wait(spill->queue, -1);
	}
	TR_ASSERT(spill->index_bytes == 0);
	while (spill->spare_count > 0)
		free(spill->spare[--spill->spare_count]);
	if (spill->file != NULL)
		spill->disk->ops->close(spill->disk, &spill->file);
	free(spill->spare);
	free(spill->holes);
	free(spill->path);
	free(spill);
}

size_t tr_spill_memory(const struct tr_spill *spill)
{
	return spill->index_bytes + spill->writing_bytes + (spill->open != NULL ? spill->open->room : 0) +
	       (size_t)spill->spare_count * spill->extent_bytes + spill->hole_capacity * sizeof(*spill->holes);
}
