/* SPDX-License-Identifier: Apache-2.0
 *
 * What is due when: (end, key) pairs that come out in the order of their ends. The session operator looks a key up when its
 * earliest session may have ended.
 *
 *     push ──▶ bucket by the highest bit in which the end differs from the last one taken      65 of them
 *     take ──▶ from bucket 0; when it is empty, the lowest bucket that is not is dealt again, from its least end on
 *
 * This is a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, "Faster algorithms for the shortest path problem", 1990): what is
 * taken never goes back in time, so a pair only moves to lower buckets. Pairs lie packed in chunks: 16 bytes and the key each,
 * and nothing is touched but at the ends of lists. Nothing of it is saved: who loads pushes again.
 *
 * An end before the last one taken counts as that one. Thread: one owner.
 */
#ifndef TR_CORE_OPS_WINDOW_DUE_H
#define TR_CORE_OPS_WINDOW_DUE_H

#include "base/bytes.h"
#include "state/table.h"

#define TR_WINDOW_DUE_BUCKETS 65

struct tr_window_due_chunk;

struct tr_window_due_bucket {
	struct tr_window_due_chunk *first, *last;
	uint64_t least; /* end, if it is not empty */
};

/** Zero-initialise it. */
struct tr_window_due {
	struct tr_window_due_bucket buckets[TR_WINDOW_DUE_BUCKETS];
	struct tr_window_due_chunk *spare;
	uint64_t last;
	uint64_t count;
	size_t bytes; /* of all chunks */
};

/** Pairs that were taken. `keys` point into `bytes` once tr_window_due_show has been called. */
struct tr_window_taken {
	int64_t *ends;
	struct tr_table_key *keys;
	uint32_t count, room;
	struct tr_bytes bytes;
};

void tr_window_due_deinit(struct tr_window_due *due);

void tr_window_due_push(struct tr_window_due *due, int64_t end, const struct tr_table_key *key);

/** The least end; INT64_MAX: there is none. */
int64_t tr_window_due_next(const struct tr_window_due *due);

/** Moves the pair with the least end to `taken`. There must be one. */
void tr_window_due_take(struct tr_window_due *due, struct tr_window_taken *taken);

/** Makes the keys point to their bytes. */
void tr_window_taken_show(struct tr_window_taken *taken);
void tr_window_taken_clear(struct tr_window_taken *taken);
void tr_window_taken_deinit(struct tr_window_taken *taken);

#endif
