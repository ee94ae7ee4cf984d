/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading: the extents of a checkpoint as a stream of bytes, and that as checked blocks. See log_state.h.
 *
 *     extent | chunk | chunk | .. |  ──▶ ring of RING_BYTES, several chunks in flight ──▶ take(n): n bytes in one piece
 *
 * Byte o of a file lies at o modulo RING_BYTES of the ring. So chunks that follow each other lie side by side, and a block is
 * used where it is, whichever chunks it lies in; only what goes across the end of the ring, or is larger than it, is put
 * together in a buffer. And memory and file agree within a page: the kernel copies several times slower when they don't.
 *
 * Bytes from disk are hostile: a length is checked against the extent before anything is done with it, the sum before
 * anything else of a frame is believed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "state/huge.h"
#include "state/log_state.h"

#define CHUNK_BYTES ((size_t)1 << 20) /* smaller reads cost: at 256 KiB a tenth */
#define SLOT_COUNT 4
#define RING_BYTES (SLOT_COUNT * CHUNK_BYTES)

/** A chunk in flight, or in the ring. */
struct slot {
	struct tr_io_request request;
	uint64_t begin; /* in the file */
	size_t length;
	size_t done;
	uint32_t retries;
};

/** Part of a segment. */
struct stream {
	struct tr_log *log;
	struct tr_file *file;
	char path[TR_LOG_PATH_MAX];
	uint64_t end;
	uint64_t position; /* up to where bytes have been taken */
	uint64_t filled;   /* up to where they are there */
	uint64_t asked;    /* up to where reads have been sent */
	struct slot slots[SLOT_COUNT];
	uint32_t first, count; /* slots in use, oldest first */
	uint32_t ready;        /* how many of them are filled */
	unsigned char *ring;
	unsigned char *joined;
	size_t joined_capacity;
};

static void send(struct stream *s, struct slot *slot)
{
	slot->request.op = TR_IO_READ;
	slot->request.file = s->file;
	slot->request.offset = (int64_t)(slot->begin + slot->done);
	slot->request.buffer = s->ring + (slot->begin + slot->done) % RING_BYTES;
	slot->request.length = slot->length - slot->done;
	tr_io_submit(s->log->io, &slot->request);
}

/** Lets go of the chunks that have been taken, and keeps the others busy. */
static void ask(struct stream *s)
{
	while (s->ready > 0 && s->slots[s->first].begin + s->slots[s->first].length <= s->position) {
		s->first = (s->first + 1) % SLOT_COUNT;
		s->count--;
		s->ready--;
	}
	while (s->count < SLOT_COUNT && s->asked < s->end) {
		struct slot *slot = &s->slots[(s->first + s->count) % SLOT_COUNT];
		const uint64_t border = (s->asked / CHUNK_BYTES + 1) * CHUNK_BYTES;

		*slot = (struct slot){.begin = s->asked, .length = (size_t)(TR_MIN(border, s->end) - s->asked)};
		send(s, slot);
		s->asked += slot->length;
		s->count++;
	}
}

/** Waits until the oldest chunk that is not there yet is. */
static tr_code fill(struct stream *s, struct tr_status *st)
{
	struct slot *slot = &s->slots[(s->first + s->ready) % SLOT_COUNT];

	TR_ASSERT(s->ready < s->count);
	while (slot->done < slot->length) {
		const int64_t result = slot->request.result;

		if (!slot->request.is_done) {
			(void)tr_io_wait(s->log->io, -1);
			continue;
		}
		if ((result == -EINTR || result == -EAGAIN) && slot->retries++ < TR_LOG_RETRIES_MAX) {
			send(s, slot);
			continue;
		}
		if (result < 0)
			return tr_status_set(st, TR_ERR_IO, (int)-result, TR_WHERE, "read %s at byte %lld", s->path,
					     (long long)slot->request.offset);
		if (result == 0)
			TR_FAIL(st, TR_ERR_DATA,
				"%s: the file ends at byte %lld; %llu bytes of it belong to the checkpoint", s->path,
				(long long)slot->request.offset, (unsigned long long)s->end);
		slot->done += (size_t)result;
		if (slot->done < slot->length)
			send(s, slot);
	}
	s->ready++;
	s->filled += slot->length;
	return TR_OK;
}

static void join_reserve(struct stream *s, size_t length)
{
	if (s->joined_capacity >= length)
		return;
	free(s->joined);
	s->joined = malloc(length);
	TR_ASSERT(s->joined != NULL);
	s->joined_capacity = length;
}

/** The next `length` bytes in one piece; they hold until the next call. There must be as many. */
static tr_code take(struct stream *s, size_t length, const unsigned char **bytes, struct tr_status *st)
{
	size_t have = 0;

	*bytes = s->ring; /* of nothing, too */
	while (have < length) {
		const unsigned char *at = s->ring + s->position % RING_BYTES;
		size_t part;

		for (ask(s); s->filled - s->position < length - have && s->ready < s->count; ask(s))
			TR_TRY(fill(s, st));
		part = (size_t)TR_MIN(s->filled - s->position, (uint64_t)(length - have));
		part = TR_MIN(part, RING_BYTES - (size_t)(s->position % RING_BYTES));
		TR_ASSERT(part > 0);
		s->position += part;
		if (part == length) {
			*bytes = at;
			return TR_OK;
		}
		join_reserve(s, length);
		memcpy(s->joined + have, at, part);
		have += part;
		*bytes = s->joined;
	}
	return TR_OK;
}

/** Waits for what is in flight; the stream is then empty, and stands at `begin`. */
static void settle(struct stream *s, uint64_t begin)
{
	for (; s->count > 0; s->count--) {
		while (!s->slots[s->first].request.is_done)
			(void)tr_io_wait(s->log->io, -1);
		s->first = (s->first + 1) % SLOT_COUNT;
	}
	s->ready = 0;
	s->position = s->filled = s->asked = begin;
}

static tr_code open_segment(struct stream *s, const struct tr_root_extent *extent, struct tr_status *st)
{
	struct tr_log *log = s->log;
	struct tr_segment_head head;
	tr_code code;
	int64_t length;

	log->disk->ops->close(log->disk, &s->file);
	tr_log_segment_path(log, extent->segment, s->path);
	code = log->disk->ops->open(log->disk, s->path, TR_OPEN_READ, &s->file, st);
	if (code == TR_ERR_NO_INPUT)
		TR_FAIL(st, TR_ERR_DATA, "%s is missing; bytes %llu to %llu of it belong to the checkpoint", s->path,
			(unsigned long long)extent->begin, (unsigned long long)extent->end);
	TR_TRY(code);
	length = tr_log_move(log, TR_IO_READ, s->file, &head, sizeof(head), 0);
	if (length < 0)
		return tr_status_set(st, TR_ERR_IO, (int)-length, TR_WHERE, "read %s at byte 0", s->path);
	if (length < (int64_t)sizeof(head))
		TR_FAIL(st, TR_ERR_DATA, "%s: the file ends at byte %lld; %llu bytes of it belong to the checkpoint",
			s->path, (long long)length, (unsigned long long)extent->end);
	return tr_log_segment_check(log, &head, extent->segment, s->path, st);
}

/* Frames. */

static tr_code check_head(const struct stream *s, const struct tr_frame_head *head, const struct tr_root_extent *extent,
			  uint64_t offset, uint32_t previous, struct tr_status *st)
{
	if (head->magic != TR_FRAME_MAGIC)
		TR_FAIL(st, TR_ERR_DATA, "%s: byte %llu: damaged: no frame begins here", s->path,
			(unsigned long long)offset);
	if (head->length % 8 != 0 || head->length > TR_FRAME_BYTES_MAX || head->length > s->end - offset - sizeof(*head))
		TR_FAIL(st, TR_ERR_DATA, "%s: byte %llu: damaged: a frame of %lu bytes can't be here", s->path,
			(unsigned long long)offset, (unsigned long)head->length);
	if (head->segment != extent->segment || head->offset != offset)
		TR_FAIL(st, TR_ERR_DATA, "%s: byte %llu: damaged: the frame here belongs to byte %llu of segment-%llu",
			s->path, (unsigned long long)offset, (unsigned long long)head->offset,
			(unsigned long long)head->segment);
	if (head->previous != previous)
		TR_FAIL(st, TR_ERR_DATA,
			"%s: byte %llu: the frame here does not follow the one before it: one of them is not what was "
			"written last",
			s->path, (unsigned long long)offset);
	return TR_OK;
}

/** Reads the frames of an extent and checks that the last one is the one that was committed. */
static tr_code read_extent(struct stream *s, const struct tr_root_extent *extent, tr_log_frame_fn fn, void *context,
			   struct tr_status *st)
{
	const uint64_t stop = extent->end;
	uint64_t offset = extent->begin;
	uint32_t previous = extent->previous;

	settle(s, extent->begin);
	s->end = stop;
	while (offset < stop) {
		struct tr_frame_head head;
		const unsigned char *bytes;
		uint32_t sum;

		if (stop - offset < sizeof(head))
			TR_FAIL(st, TR_ERR_DATA, "%s: byte %llu: damaged: a frame goes beyond the checkpoint", s->path,
				(unsigned long long)offset);
		TR_TRY(take(s, sizeof(head), &bytes, st));
		memcpy(&head, bytes, sizeof(head));
		TR_TRY(check_head(s, &head, extent, offset, previous, st));
		sum = tr_log_sum(&head, sizeof(head), offsetof(struct tr_frame_head, crc));
		TR_TRY(take(s, head.length, &bytes, st));
		if (TR_BUG("log-damage-is-the-end") && tr_crc32c(sum, bytes, head.length) != head.crc)
			return TR_OK;
		if (tr_crc32c(sum, bytes, head.length) != head.crc && !TR_BUG("log-sum-unchecked"))
			TR_FAIL(st, TR_ERR_DATA, "%s: byte %llu: damaged: the check sum of the frame is wrong", s->path,
				(unsigned long long)offset);
		if (head.type != TR_FRAME_BLOCK)
			TR_FAIL(st, TR_ERR_DATA, "%s: byte %llu: a frame of type %u, which this program does not know",
				s->path, (unsigned long long)offset, head.type);
		TR_TRY(fn(context, &head, bytes, st));
		previous = head.crc;
		offset += sizeof(head) + head.length;
	}
	if (previous != extent->crc)
		TR_FAIL(st, TR_ERR_DATA, "%s: the last frame before byte %llu is not the one that was committed",
			s->path, (unsigned long long)stop);
	return TR_OK;
}

static tr_code read_all(struct stream *s, const struct tr_root_extent *extents, uint32_t count, tr_log_frame_fn fn,
			void *context, struct tr_status *st)
{
	for (uint32_t i = 0; i < count; i++) {
		s->log->last_read = extents[i].segment;
		if (i == 0 || extents[i].segment != extents[i - 1].segment)
			TR_TRY(open_segment(s, &extents[i], st));
		TR_TRY(read_extent(s, &extents[i], fn, context, st));
	}
	return TR_OK;
}

tr_code tr_log_read_extents(struct tr_log *log, const struct tr_root_extent *extents, uint32_t count,
			    tr_log_frame_fn fn, void *context, struct tr_status *st)
{
	struct stream *s = calloc(1, sizeof(*s));
	tr_code code;

	TR_ASSERT(s != NULL);
	s->log = log;
	s->ring = tr_huge_map(RING_BYTES);
	code = read_all(s, extents, count, fn, context, st);
	settle(s, 0);
	tr_io_wake(log->io); /* the owner's own wake may have been taken here */
	log->disk->ops->close(log->disk, &s->file);
	tr_huge_unmap(s->ring, RING_BYTES);
	free(s->joined);
	free(s);
	return code;
}

/* Blocks of a checkpoint. */

struct reading {
	const struct tr_log_entry *entry;
	uint32_t last; /* part of the frame before: streams come in bursts */
	uint64_t from; /* least checkpoint of the frames to give out */
	tr_log_block_fn fn;
	void *context;
	/* In turn: */
	const struct tr_log_turns *turns;
	uint32_t turn;
	uint32_t turn_last;
	struct noted *noted; /* in the order of the log */
	uint32_t noted_count;
	uint32_t noted_capacity;
};

/** Frames that follow each other, of a turn that has not come yet. */
struct noted {
	uint32_t turn;
	struct tr_root_extent extent;
};

static bool is_of(const struct tr_log_part *part, const struct tr_frame_head *head)
{
	return part->stream.operator_id == head->operator_id && part->stream.subtask == head->subtask &&
	       part->stream.subtask_count == head->subtask_count;
}

/** The part that a frame belongs to and is needed for; UINT32_MAX: none. */
static uint32_t find_part(struct reading *r, const struct tr_frame_head *head)
{
	const struct tr_log_checkpoint *checkpoint = &r->entry->checkpoint;
	uint32_t at = r->last;

	if (at >= checkpoint->part_count || !is_of(&r->entry->parts[at], head)) {
		at = 0;
		while (at < checkpoint->part_count && !is_of(&r->entry->parts[at], head))
			at++;
		if (at == checkpoint->part_count)
			return UINT32_MAX;
		r->last = at;
	}
	return head->checkpoint < tr_state_age_checkpoint(r->entry->parts[at].base) || head->checkpoint < r->from ||
			       head->checkpoint > checkpoint->number
		       ? UINT32_MAX
		       : at;
}

static tr_code take_frame(void *context, const struct tr_frame_head *head, const void *bytes, struct tr_status *st)
{
	struct reading *r = context;
	const uint32_t at = find_part(r, head);

	if (at == UINT32_MAX)
		return TR_OK;
	return r->fn(r->context, &r->entry->parts[at].stream, head->checkpoint, bytes, head->length, st);
}

static void note(struct reading *r, uint32_t turn, const struct tr_frame_head *head)
{
	struct noted *last = r->noted_count > 0 ? &r->noted[r->noted_count - 1] : NULL;
	const uint64_t end = head->offset + sizeof(*head) + head->length;

	if (last != NULL && last->turn == turn && last->extent.segment == head->segment &&
	    last->extent.end == head->offset) {
		last->extent.end = end;
		last->extent.crc = head->crc;
		return;
	}
	if (r->noted_count == r->noted_capacity) {
		r->noted_capacity = TR_MAX(r->noted_capacity * 2, 256);
		r->noted = realloc(r->noted, r->noted_capacity * sizeof(*r->noted));
		TR_ASSERT(r->noted != NULL);
	}
	r->noted[r->noted_count++] = (struct noted){.turn = turn,
						    .extent = {.segment = head->segment,
							       .begin = head->offset,
							       .end = end,
							       .previous = head->previous,
							       .crc = head->crc}};
}

static tr_code take_in_turn(void *context, const struct tr_frame_head *head, const void *bytes, struct tr_status *st)
{
	struct reading *r = context;
	const struct tr_log_turns *turns = r->turns;
	const uint32_t at = find_part(r, head);

	if (at == UINT32_MAX || turns->of[at] == TR_LOG_NO_TURN)
		return TR_OK;
	if (turns->of[at] == r->turn)
		return turns->take(turns->context, at, head->checkpoint, bytes, head->length, st);
	if (r->turn == 0)
		note(r, turns->of[at], head);
	return TR_OK;
}

/** Copies the extents of [base, end of the entry): later frames are left out, the last extent is cut if need be. */
static uint32_t select_extents(const struct tr_log_root *root, const struct tr_log_entry *entry, uint64_t base,
			       struct tr_root_extent *to)
{
	const struct tr_log_place *end = &entry->end;
	uint32_t count = 0;

	for (uint32_t i = 0; i < root->extent_count; i++) {
		struct tr_root_extent extent = root->extents[i];

		if (tr_log_place_compare(extent.segment, extent.begin, end->segment, end->offset) >= 0)
			break;
		if (extent.last < base)
			continue;
		if (tr_log_place_compare(extent.segment, extent.end, end->segment, end->offset) > 0) {
			extent.end = end->offset;
			extent.crc = end->crc;
			extent.last = TR_MIN(extent.last, tr_state_age(entry->checkpoint.number + 1) - 1);
		}
		to[count++] = extent;
	}
	return count;
}

/** Reads the extents of an entry that have frames of `base` and later. */
static tr_code read_entry(struct tr_log *log, struct reading *r, uint64_t base, tr_log_frame_fn fn, struct tr_status *st)
{
	struct tr_root_extent *extents = calloc(log->root.extent_count + 1, sizeof(*extents));
	uint32_t count;
	tr_code code;

	TR_ASSERT(extents != NULL);
	count = select_extents(&log->root, r->entry, base, extents);
	code = tr_log_read_extents(log, extents, count, fn, r, st);
	free(extents);
	return code;
}

static tr_code told(const struct reading *r, tr_code code, struct tr_status *st)
{
	return code == TR_OK ? TR_OK : tr_status_prefix(st, code, "checkpoint %" PRIu64, r->entry->checkpoint.number);
}

tr_code tr_log_read(struct tr_log *log, uint32_t index, tr_log_block_fn fn, void *context, struct tr_status *st)
{
	struct reading r = {.entry = &log->root.entries[index], .fn = fn, .context = context};

	TR_ASSERT(index < log->root.entry_count);
	return told(&r, read_entry(log, &r, tr_log_entry_base(r.entry), take_frame, st), st);
}

tr_code tr_log_read_last(struct tr_log *log, uint32_t index, tr_log_block_fn fn, void *context, struct tr_status *st)
{
	struct reading r = {.entry = &log->root.entries[index], .fn = fn, .context = context};

	TR_ASSERT(index < log->root.entry_count);
	r.from = r.entry->checkpoint.number;
	return told(&r, read_entry(log, &r, tr_state_age(r.from), take_frame, st), st);
}

/** A turn that is not the first: what was noted for it. */
static tr_code read_noted(struct tr_log *log, struct reading *r, struct tr_status *st)
{
	struct tr_root_extent *extents = calloc(r->noted_count + 1, sizeof(*extents));
	uint32_t count = 0;
	tr_code code;

	TR_ASSERT(extents != NULL);
	for (uint32_t i = 0; i < r->noted_count; i++)
		if (r->noted[i].turn == r->turn)
			extents[count++] = r->noted[i].extent;
	code = tr_log_read_extents(log, extents, count, take_in_turn, r, st);
	free(extents);
	return code;
}

tr_code tr_log_read_in_turn(struct tr_log *log, uint32_t index, const struct tr_log_turns *turns, struct tr_status *st)
{
	struct reading r = {.entry = &log->root.entries[index], .turns = turns};
	tr_code code = TR_OK;

	TR_ASSERT(index < log->root.entry_count);
	for (uint32_t i = 0; i < r.entry->checkpoint.part_count; i++)
		if (turns->of[i] != TR_LOG_NO_TURN)
			r.turn_last = TR_MAX(r.turn_last, turns->of[i]);
	for (; code == TR_OK && r.turn <= r.turn_last; r.turn++) {
		code = turns->begin(turns->context, r.turn, st);
		if (code == TR_OK)
			code = r.turn == 0 ? read_entry(log, &r, tr_log_entry_base(r.entry), take_in_turn, st)
					   : read_noted(log, &r, st);
	}
	free(r.noted);
	return told(&r, code, st);
}

uint64_t tr_log_read_bytes(struct tr_log *log, uint32_t index)
{
	const struct tr_log_entry *entry = &log->root.entries[index];
	struct tr_root_extent *extents = calloc(log->root.extent_count + 1, sizeof(*extents));
	uint64_t bytes = 0;
	uint32_t count;

	TR_ASSERT(index < log->root.entry_count && extents != NULL);
	count = select_extents(&log->root, entry, tr_log_entry_base(entry), extents);
	for (uint32_t i = 0; i < count; i++)
		bytes += extents[i].end - extents[i].begin;
	free(extents);
	return bytes;
}

tr_code tr_log_rewind(struct tr_log *log, uint32_t index, struct tr_status *st)
{
	struct tr_log_root *root = &log->root;

	TR_ASSERT(index < root->entry_count && log->stage == TR_LOG_IDLE && !log->is_broken);
	if (index == 0)
		return TR_OK;
	tr_log_settle(log);
	tr_log_segments_close(log, false);
	for (uint32_t i = 0; i < index; i++)
		free(root->entries[i].parts);
	root->entry_count -= index;
	memmove(root->entries, root->entries + index, root->entry_count * sizeof(*root->entries));
	root->extent_count = select_extents(root, &root->entries[0], 0, root->extents);
	root->end = log->cursor = root->entries[0].end;
	/* The roots on disk still name what comes behind: it must not be overwritten. */
	log->needs_fresh_segment = true;
	return TR_OK;
}
