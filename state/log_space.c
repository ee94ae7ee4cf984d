/* SPDX-License-Identifier: Apache-2.0
 *
 * Space: which parts of the log are needed, and when the rest is worth being written again.
 *
 * Extents. What a checkpoint has appended lies in one piece per segment and age (base/state_record.h): the age moves on each
 * time that a 32nd has come to what is there, so that a large checkpoint consists of many. Neighbours are joined up to a 32nd of the
 * state, a quarter of a segment at most, so that a root has few of them, and yet each says roughly when its frames were
 * written. An extent is needed while one of its frames is not older than the least base of the retained checkpoints.
 *
 * Writing again. Let L be the bytes of a full snapshot, N those of the extents that the newest checkpoint needs, C what
 * changes have appended and R what was written again. While N <= 1.5 L nothing is done. Beyond, the operators are asked to
 * write again what they last wrote before a certain age, so that the oldest extents fall away. For each byte of changes a
 * byte may be written again, or later, up to L / 2 of credit; a checkpoint takes at most twice its own changes.
 *
 * So N stays within 2 L. Everything in the log was appended since its oldest frame was: N = C + R of that time. What is live now and
 * was then has been written again at most once since, or changed: R <= L. When all credit is used, C = R, and so N <= 2 L. When
 * N goes beyond 1.5 L and there is a credit of K <= L / 2, it is used up after C = K at the latest, and until then N grows by what
 * changes, from 1.5 L to 2 L at most. A pass over extents of e bytes writes at most e again; less if some of it
 * is dead, and only what was really written again, which the operators tell, is taken from the credit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "state/log_state.h"

#define EXTENTS 32 /* of the state, about */
#define EXTENT_BYTES_MIN ((uint64_t)64 << 10)

uint64_t tr_log_entry_base(const struct tr_log_entry *entry)
{
	uint64_t base = tr_state_age(entry->checkpoint.number);

	for (uint32_t i = 0; i < entry->checkpoint.part_count; i++)
		base = TR_MIN(base, entry->parts[i].base);
	return base;
}

uint64_t tr_log_extent_goal(const struct tr_log *log, uint64_t bytes)
{
	return TR_MIN(TR_MAX(bytes / EXTENTS, EXTENT_BYTES_MIN), log->segment_bytes / 4);
}

static void push(struct tr_log *log, const struct tr_root_extent *extent)
{
	struct tr_log_root *next = &log->next;
	struct tr_root_extent *last = next->extent_count > 0 ? &next->extents[next->extent_count - 1] : NULL;

	if (last != NULL && last->segment == extent->segment && last->end == extent->begin &&
	    extent->end - last->begin <= tr_log_extent_goal(log, log->live_bytes)) {
		last->end = extent->end;
		last->first = TR_MIN(last->first, extent->first);
		last->last = TR_MAX(last->last, extent->last);
		last->crc = extent->crc;
		return;
	}
	next->extents[next->extent_count++] = *extent;
}

void tr_log_extents_build(struct tr_log *log)
{
	struct tr_log_root *next = &log->next;
	uint64_t base = UINT64_MAX;

	next->extents = calloc(log->root.extent_count + log->fresh_count + 1, sizeof(*next->extents));
	TR_ASSERT(next->extents != NULL);
	next->extent_count = 0;
	for (uint32_t i = 0; i < next->entry_count; i++)
		base = TR_MIN(base, tr_log_entry_base(&next->entries[i]));
	for (uint32_t i = 0; i < log->root.extent_count; i++)
		if (log->root.extents[i].last >= base)
			push(log, &log->root.extents[i]);
	for (uint32_t i = 0; i < log->fresh_count; i++)
		push(log, &log->fresh[i]);
}

/** Bytes of the extents that the newest checkpoint needs; `oldest` becomes the first one's. */
static uint64_t needed_bytes(const struct tr_log *log, uint64_t base, uint64_t *oldest)
{
	uint64_t bytes = 0;

	*oldest = 0;
	for (uint32_t i = 0; i < log->root.extent_count; i++) {
		const struct tr_root_extent *extent = &log->root.extents[i];

		if (extent->last < base)
			continue;
		if (bytes == 0)
			*oldest = extent->end - extent->begin;
		bytes += extent->end - extent->begin;
	}
	return bytes;
}

static uint64_t newest_base(const struct tr_log *log)
{
	return log->root.entry_count > 0 ? tr_log_entry_base(&log->root.entries[0]) : 0;
}

void tr_log_extents_adopt(struct tr_log *log)
{
	const struct tr_log_checkpoint *newest = &log->root.entries[0].checkpoint;
	const uint64_t rewritten = TR_MIN(newest->rewritten, newest->bytes);

	for (uint32_t i = 0; i < log->root.extent_count; i++) {
		struct tr_log_segment *segment = tr_log_segment_find(log, log->root.extents[i].segment);

		if (segment != NULL) /* a lost one is found when it is read */
			segment->named = log->root.generation;
	}
	log->changed_bytes = newest->bytes - rewritten;
	log->rewrite_credit =
		TR_MIN(log->rewrite_credit + log->changed_bytes, TR_MAX(log->live_bytes, newest->bytes) / 2);
	log->rewrite_credit -= TR_MIN(log->rewrite_credit, rewritten);
}

uint64_t tr_log_rewrite_before(struct tr_log *log, uint64_t live_bytes)
{
	const uint64_t base = newest_base(log);
	const bool is_crowded = log->root.extent_count > TR_LOG_EXTENTS_MAX / 2;
	uint64_t oldest, allowed, passed = 0, before = 0;
	uint32_t pieces = 0;

	log->live_bytes = live_bytes;
	if (log->root.entry_count == 0)
		return 0;
	if (needed_bytes(log, base, &oldest) <= live_bytes + live_bytes / 2 && !is_crowded)
		return 0;
	allowed = TR_MIN(log->rewrite_credit, TR_MAX(2 * log->changed_bytes, oldest));
	for (uint32_t i = 0; i < log->root.extent_count; i++) {
		const struct tr_root_extent *extent = &log->root.extents[i];

		if (extent->last < base)
			continue;
		passed += extent->end - extent->begin;
		pieces++;
		if (passed > allowed && !(is_crowded && pieces <= TR_LOG_EXTENTS_MAX / 8))
			break;
		before = TR_MAX(before, TR_MIN(extent->last + 1, tr_state_age(log->root.entries[0].checkpoint.number)));
	}
	return before > base ? before : 0;
}

uint64_t tr_log_disk_bytes(const struct tr_log *log)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < log->segment_count; i++)
		bytes += log->segments[i].bytes;
	for (const struct tr_log_open_segment *segment = log->open; segment != NULL; segment = segment->next) {
		const uint64_t on_disk = TR_MAX(segment->reserved, segment->length);
		struct tr_log_segment *known = tr_log_segment_find((struct tr_log *)(uintptr_t)log, segment->number);

		bytes += known != NULL && on_disk > known->bytes ? on_disk - known->bytes : 0;
	}
	return bytes + 2 * (uint64_t)(log->root_reserved[0] + log->root_reserved[1]);
}
