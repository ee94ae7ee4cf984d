/* SPDX-License-Identifier: Apache-2.0
 *
 * Carry: what the reader of one chunk tells the reader of the next. One slot per split.
 *
 * When chunk c of a split has been stamped, its reader publishes where the chunk really ended and the event-time state
 * there, and raises `chunks_done` to c + 1. Whoever holds chunk c + 1 waits for that. So a slot has one writer at a
 * time, and the right to write wanders with the chunks: the store of chunks_done (release) is paired with the load
 * (acquire) of the reader of the next chunk, which then reads the rest and becomes the writer.
 *
 * Watermark generation follows Flink's WatermarkAssignerOperator: `current_ms` is the greatest watermark that a row
 * has shown and `last_ms` the last one emitted; both start from 0, as Flink's do, and a row whose current exceeds last
 * by more than the interval emits it. Nothing has been emitted while last is 0. Readers of other splits look at last_ms
 * and current_ms too (relaxed: each only grows, and they need no relation between the two).
 */
#ifndef TR_CORE_CARRY_H
#define TR_CORE_CARRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/batch.h"

#define TR_CARRY_BLOCK_SLOTS 256
#define TR_CARRY_BLOCKS_MAX 4096 /* about a million splits */

struct tr_carry_slot {
	_Alignas(64) _Atomic uint64_t chunks_done; /* chunks whose carry is known */
	_Atomic int64_t end;                       /* exact end of the last of them */
	_Atomic int64_t current_ms;
	_Atomic int64_t last_ms;
	_Atomic int64_t active_ns; /* monotonic time of the last rows, at first when the split was seen; 0: not yet */
	_Atomic uint32_t reader;   /* the subtask that had the last chunk, plus 1; 0: none */
	_Atomic uint64_t rows;     /* of the split so far, for messages */
	_Atomic bool is_finished;
	_Atomic uint32_t restored_left; /* restored chunks that nobody has begun yet (core/source_position.h) .. */
	_Atomic int64_t restored_ms;    /* .. and the least watermark that a row of them may carry */
};

struct tr_carry_block {
	struct tr_carry_slot slots[TR_CARRY_BLOCK_SLOTS];
};

struct tr_source_hand; /* core/source_position.h */

struct tr_carries {
	_Atomic(struct tr_carry_block *) blocks[TR_CARRY_BLOCKS_MAX];
	struct tr_source_hand *hands; /* restored chunks, by split and number; owned; set before the readers begin */
	size_t hand_count;
};

void tr_carries_init(struct tr_carries *carries);
void tr_carries_deinit(struct tr_carries *carries);

/** The slot of a split; made when first asked for. Any thread. */
struct tr_carry_slot *tr_carries_slot(struct tr_carries *carries, uint64_t split);

/** The watermark in force for `last_ms` or `current_ms` of a slot: none while it is 0. */
static inline int64_t tr_carry_watermark(int64_t value_ms) { return value_ms > 0 ? value_ms : TR_WATERMARK_MIN; }

#endif
