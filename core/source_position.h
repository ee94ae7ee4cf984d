/* SPDX-License-Identifier: Apache-2.0
 *
 * Source position: what a source task (core/source_task.h) saves at a barrier, and what a restored one makes of it.
 * docs/decisions/0009 has the idea, io/source.h the connector's part.
 *
 *     split   where dealing goes on; by the first subtask that passed the barrier, so each is in a checkpoint once
 *     hand    a chunk in hand: its start, the event-time state after its last pushed row, how many of its rows have
 *             been pushed. By whoever held it; those that were restored and not yet dealt again, by the first subtask
 *     carry   the last one that the subtask has published of a split that is not finished
 *     self    the subtask's watermark, its counters, the greatest watermark of a finished split
 *
 * An item is a kind (8 bits), a length (32 bits) and numbers of 64 bits, little endian; a split's text comes last. A state
 * record is some items, one after the other.
 *
 * Subtasks pass their barriers at different moments, and carries go from one to the other meanwhile. So a chunk may be saved
 * as waiting for its carry though a later one is saved as confirmed, or as done. That is put in order when loading:
 *
 *   - A chunk that waits and whose carry was saved is confirmed at once. Otherwise the chunk before it is in hand, too.
 *   - Carries are published in order: the slot begins at the oldest chunk in hand, and a chunk in hand publishes when the slot
 *     has come to it. Behind it the slot jumps over chunks that are done to the next one in hand, or to the newest saved carry.
 *   - The newest saved carry of each split is saved again by subtask 0, as long as the slot has not gone on from there.
 *   - Until all restored chunks of a split have been begun by somebody, the split holds the watermark where they stand.
 *
 * Threads: loading by one; then the hands (struct tr_carries) do not change.
 */
#ifndef TR_CORE_SOURCE_POSITION_H
#define TR_CORE_SOURCE_POSITION_H

#include "base/bytes.h"
#include "base/state_record.h"
#include "core/carry.h"
#include "core/source_stamp.h"
#include "io/source.h"

#define TR_SOURCE_RECORD_KIND 1

struct tr_source_plan;

struct tr_source_counters {
	uint64_t rows;
	uint64_t rows_bad;
	uint64_t fields_bad;
	uint64_t bytes;
};

struct tr_source_carry {
	uint64_t split;
	uint64_t chunks_done;
	int64_t end;
	struct tr_stamp stamp;
	uint64_t rows;
	bool is_over; /* not saved: nobody will need it any more */
};

struct tr_source_hand {
	struct tr_chunk_position position;
	struct tr_stamp stamp; /* after the last pushed row; 0 unless confirmed, like all that follows */
	uint64_t rows_before;  /* of the split, before the chunk */
	uint64_t rows_pushed;
	struct tr_source_counters counted; /* with the pushed rows */
	/* Found out when loading: what it publishes instead of its own end. */
	bool is_jump;
	bool is_split_end; /* nothing is left of the split behind it */
	struct tr_source_carry jump;
};

struct tr_source_self {
	int64_t emitted_ms;
	int64_t finished_ms;
	struct tr_source_counters counters;
};

void tr_source_position_put_split(struct tr_bytes *items, const struct tr_split_position *split);
void tr_source_position_put_hand(struct tr_bytes *items, const struct tr_source_hand *hand);
void tr_source_position_put_carry(struct tr_bytes *items, const struct tr_source_carry *carry);
void tr_source_position_put_self(struct tr_bytes *items, const struct tr_source_self *self);

/** Hands the items to the writer as records of a fit size. */
tr_code tr_source_position_write(const struct tr_bytes *items, struct tr_state_writer *writer,
				 struct tr_status *st) TR_MUST_USE;

/** What has been loaded. Zero-initialise. */
struct tr_source_saved {
	struct tr_arena *arena; /* the texts of splits; the owner's */
	struct tr_split_position *splits;
	size_t split_count;
	struct tr_source_hand *hands;
	size_t hand_count;
	struct tr_source_carry *carries;
	size_t carry_count;
	uint64_t self_count;
	int64_t emitted_ms; /* the least one */
	int64_t finished_ms;
};

/** Takes a record's items. `self` receives the subtask's own part if the record has it (untouched otherwise). Without
 * `arena` in `saved` splits, hands and carries are passed over. TR_ERR_DATA. */
tr_code tr_source_saved_take(struct tr_source_saved *saved, const struct tr_state_record *record,
			     struct tr_source_self *self, struct tr_status *st) TR_MUST_USE;
void tr_source_saved_deinit(struct tr_source_saved *saved);

/** Puts all subtasks' items together: the source, the carries and the table of hands are as the readers need them. What
 * stays in `saved` are the carries to be saved again. */
tr_code tr_source_saved_restore(struct tr_source_saved *saved, const struct tr_source_plan *plan, int64_t now_ns,
				struct tr_status *st) TR_MUST_USE;

/** The restored hand of that chunk, or NULL. */
const struct tr_source_hand *tr_source_hand_find(const struct tr_carries *carries, uint64_t split, uint64_t chunk);

#endif
