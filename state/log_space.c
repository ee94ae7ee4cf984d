/* SPDX-License-Identifier: Apache-2.0
 *
 * Space: which parts of the log are needed, and when the rest is worth being written again.
 *
 * Extents. What a checkpoint has appended lies in one piece per segment. Neighbours are joined up to a quarter of a
 * segment, so that a root has few of them, and yet each says roughly when its frames were written. An extent is needed
 * while one of its frames is not older than the least base of the retained checkpoints.
 *
 * Writing again. Let L be the bytes of a full snapshot, N those of the extents that the newest checkpoint needs, and d what
 * changed for a checkpoint. While N <= 2 L nothing is done. Beyond, the operators are asked to write again what they
 * last wrote before a certain checkpoint, so that the oldest extents fall away. A pass over an extent of e bytes frees e
 * and appends what of it is live, at most e; over the whole log that is L of N, at most a half. So each checkpoint that
 * appends d allows a pass over 2 d: it frees 2 d and appends about d, which stands still at N = 2 L, and writes again at
 * most about as much as the job itself writes. What is not used is kept until the oldest extent fits: a first checkpoint
 * of L bytes is one extent, and is written again at once, when L bytes of changes have been appended. While that is
 * being done the disk holds both: N is up to 3 L until the checkpoints that need the old ones are no longer retained.
 * How many bytes were changes and how many were written again the log can't see. It takes what it had ordered for the
 * latter, but at least half for the former.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "state/log_state.h"

uint64_t tr_log_entry_base(const struct tr_log_entry *entry)
{
	uint64_t base = entry->checkpoint.number;

	for (uint32_t i = 0; i < entry->checkpoint.part_count; i++)
		base = TR_MIN(base, entry->parts[i].base);
	return base;
}

static void push(struct tr_log *log, const struct tr_root_extent *extent)
{
	struct tr_log_root *next = &log->next;
	struct tr_root_extent *last = next->extent_count > 0 ? &next->extents[next->extent_count - 1] : NULL;

	if (last != NULL && last->segment == extent->segment && last->end == extent->begin &&
	    extent->end - last->begin <= log->segment_bytes / 4) {
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

/** Bytes that the extents up to what was passed by the newest checkpoint had. */
static uint64_t passed_bytes(const struct tr_log *log, uint64_t before, uint64_t now)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < log->root.extent_count; i++)
		if (log->root.extents[i].last >= before && log->root.extents[i].last < now)
			bytes += log->root.extents[i].end - log->root.extents[i].begin;
	return bytes;
}

void tr_log_extents_adopt(struct tr_log *log)
{
	const struct tr_log_entry *newest = &log->root.entries[0];
	const uint64_t before = log->root.entry_count > 1 ? tr_log_entry_base(&log->root.entries[1]) : 0;
	const uint64_t passed = passed_bytes(log, before, tr_log_entry_base(newest));
	const uint64_t appended = newest->checkpoint.bytes;
	const uint64_t changed = TR_MAX(appended - TR_MIN(appended, passed), appended / 2);
	uint64_t oldest;

	for (uint32_t i = 0; i < log->root.extent_count; i++) {
		struct tr_log_segment *segment = tr_log_segment_find(log, log->root.extents[i].segment);

		if (segment != NULL) /* a lost one is found when it is read */
			segment->named = log->root.generation;
	}
	(void)needed_bytes(log, tr_log_entry_base(newest), &oldest);
	log->rewrite_budget -= TR_MIN(log->rewrite_budget, passed);
	log->rewrite_budget = TR_MIN(log->rewrite_budget + 2 * changed, TR_MAX(oldest, 2 * changed));
}

uint64_t tr_log_rewrite_before(const struct tr_log *log, uint64_t live_bytes)
{
	const uint64_t base = newest_base(log);
	const bool is_crowded = log->root.extent_count > TR_LOG_EXTENTS_MAX / 2;
	uint64_t oldest, passed = 0, before = 0;
	uint32_t pieces = 0;

	if (log->root.entry_count == 0)
		return 0;
	if (needed_bytes(log, base, &oldest) <= 2 * live_bytes && !is_crowded)
		return 0;
	for (uint32_t i = 0; i < log->root.extent_count; i++) {
		const struct tr_root_extent *extent = &log->root.extents[i];

		if (extent->last < base)
			continue;
		passed += extent->end - extent->begin;
		pieces++;
		if (passed > log->rewrite_budget && !(is_crowded && pieces <= TR_LOG_EXTENTS_MAX / 8))
			break;
		before = TR_MAX(before, TR_MIN(extent->last + 1, log->root.entries[0].checkpoint.number));
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
