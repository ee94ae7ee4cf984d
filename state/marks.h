/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks: which entries of a large array a checkpoint has to write. A bit an entry in each of four maps. Marking a row is a random
 * access, so only the two that it needs lie side by side; the others are apart:
 *
 *     changed    written to since the last barrier
 *     pending    belongs to the snapshot that is being written, and is not written yet
 *
 *     due        belongs to that snapshot; due again if it is given up
 *     known      was ever marked
 *
 *     barrier:   given up?  changed |= due          then:  pending = due = changed, changed = 0
 *
 * A barrier does not touch the maps: it moves the owner's clock (`epoch` becomes the number of the checkpoint). A chunk of 4,096
 * entries catches up when it is next marked or gone through. An array is quiet when all chunks have caught up and
 * nothing is pending; marking costs one bit then. While it is not, marking tells which entries must be saved, as they are
 * still, before they are written to.
 *
 * A chunk's base is the age (base/state_record.h) from which on records have all of its entries: where all known entries are
 * pending at once, it becomes that of the first one taken. What is overtaken may be written earlier, but it has changed, and so
 * is written again for the next checkpoint. Chunks with a base before `rewrite_before` are marked as a whole. Chunks are
 * always taken in the same order, so that what was written in one large checkpoint can be written again a part at a time.
 *
 * When nearly all entries are changed (three quarters of them; a half where it was so before the last barrier), all are marked,
 * and marking is over until the next barrier. Where that was so before two barriers in a row (before the first one all entries
 * are new, which says nothing of what follows) it is guessed that they all change again: all are marked as soon as the array is
 * quiet, but for each 16th chunk. Those are marked as they change, and tell whether to guess so again. A wrong guess writes all
 * entries once.
 *
 * Entries that hold nothing may be marked; the owner skips them. Who moves entries takes everything that is pending first,
 * and marks all after it. Thread: one owner.
 */
#ifndef TR_STATE_MARKS_H
#define TR_STATE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/state_record.h"

#define TR_MARKS_CHUNK_BITS 12

/** What all arrays of an owner share. */
struct tr_marks_clock {
	uint64_t epoch;     /* the last checkpoint begun; 0: none */
	uint64_t completed; /* the last complete one then */
	uint64_t rewrite_before;
	uint64_t due; /* entries found to be pending since the flip */
	uint64_t old; /* those among them that had not changed */
};

struct tr_marks_head {
	uint64_t epoch;     /* that the chunk has caught up to */
	uint64_t base;      /* an age; UINT64_MAX: nothing of it is needed */
	uint64_t base_next; /* when `epoch` is complete */
};

/** Of 64 entries. */
struct tr_marks_word {
	uint64_t changed, pending;
};
struct tr_marks_rest {
	uint64_t due, known;
};

struct tr_marks {
	struct tr_marks_clock *clock;
	struct tr_marks_word *words; /* 64 a chunk */
	struct tr_marks_rest *rests; /* likewise */
	struct tr_marks_head *heads;
	uint32_t chunk_count;
	uint32_t cursor; /* chunks before it hold nothing pending */
	uint32_t begun;  /* chunks before it have been begun to be taken */
	uint32_t calls;  /* of mark, since the last look at how many are changed */
	bool is_quiet;
	bool is_full;    /* all are changed */
	bool was_full;   /* before the last barrier */
	bool will_guess; /* and before the one before it */
	bool is_guessed; /* that all are changed, outside of the chunks that are looked at */
};

static inline void tr_marks_clock_flip(struct tr_marks_clock *clock, const struct tr_snapshot_order *order)
{
	*clock = (struct tr_marks_clock){
		.epoch = order->checkpoint, .completed = order->completed, .rewrite_before = order->rewrite_before};
}

/** About how many of `bytes` that were written since the flip were written although they had not changed. */
static inline uint64_t tr_marks_clock_old(const struct tr_marks_clock *clock, uint64_t bytes)
{
	return clock->old == 0 ? 0 : (uint64_t)((double)bytes * (double)clock->old / (double)clock->due);
}

void tr_marks_init(struct tr_marks *marks, struct tr_marks_clock *clock);
void tr_marks_deinit(struct tr_marks *marks);

size_t tr_marks_bytes(const struct tr_marks *marks);

/** Forgets everything; keeps the memory. */
void tr_marks_clear(struct tr_marks *marks);

/** Room for entries 0 .. count - 1. */
void tr_marks_reserve(struct tr_marks *marks, uint32_t count);

/** Entries are others now: 0 .. count - 1 are changed and nothing else is known. Nothing may be pending. */
void tr_marks_fill(struct tr_marks *marks, uint32_t count);

/** After the clock has moved on: the array is not quiet any more. */
void tr_marks_flip(struct tr_marks *marks);

/** The age from which on this checkpoint needs records if all that is pending is written: at most its own. After the flip. */
uint64_t tr_marks_base(const struct tr_marks *marks);

/** Marks entries as changed; room has been reserved. `held`: about how many entries hold something. Positions of those that must
 * be saved first go to `saves` (room for count); returns how many. */
uint32_t tr_marks_mark(struct tr_marks *marks, const uint32_t *entries, uint32_t count, uint32_t held, uint32_t *saves);

/** Takes up to `max` pending entries, ascending; they count as written, with at least `age`. 0: that was all, the array is
 * quiet. */
uint32_t tr_marks_take(struct tr_marks *marks, uint64_t age, uint32_t max, uint32_t *entries);

#endif
