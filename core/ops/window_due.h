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
 * With a limit, full chunks of the highest buckets go to a file (state/spill.h) when all of them take more, and come back when their bucket
 * is dealt: settle does that, and may answer BLOCKED. All is written and read in order, each pair some few times.
 *
 * An end before the last one taken counts as that one. Thread: one owner.
 */
#ifndef TR_CORE_OPS_WINDOW_DUE_H
#define TR_CORE_OPS_WINDOW_DUE_H

#include "base/bytes.h"
#include "state/spill.h"
#include "state/table.h"

#define TR_WINDOW_DUE_BUCKETS 65

struct tr_window_due_chunk;

struct tr_window_due_bucket {
	struct tr_window_due_chunk *first, *last; /* both NULL: none is in memory */
	struct tr_spill_run *run;                 /* what is in the file; NULL: nothing */
	uint64_t least;                           /* end, if it is not empty */
};

/** Zero-initialise it. */
struct tr_window_due {
	struct tr_window_due_bucket buckets[TR_WINDOW_DUE_BUCKETS];
	struct tr_window_due_chunk *spare;
	uint64_t last;
	uint64_t count;
	size_t bytes; /* of all chunks */
	size_t limit; /* of those; 0: none, and no file */
	struct tr_spill *file;
	struct tr_spill_run *reading; /* of the bucket that is being dealt; NULL: none */
	bool is_reading_first;        /* of bucket 0: a chunk at a time */
	struct tr_spill_reader reader;
};

/** Pairs that were taken. `keys` point into `bytes` once tr_window_due_show has been called. */
struct tr_window_taken {
	int64_t *ends;
	struct tr_table_key *keys;
	uint32_t count, room;
	struct tr_bytes bytes;
};

/** Bounds its memory; makes a file, whose directory must exist. */
tr_code tr_window_due_set_limit(struct tr_window_due *due, struct tr_io_queue *queue, const char *path, size_t bytes,
				struct tr_status *st) TR_MUST_USE;
void tr_window_due_deinit(struct tr_window_due *due);

/** All its memory, that of the file's buffers and index included. */
size_t tr_window_due_memory(const struct tr_window_due *due);

/** Before some thousand pushes. BLOCKED: too much is on its way to the file. FAILED: the status. */
enum tr_flow tr_window_due_poll(struct tr_window_due *due, struct tr_status *st);

void tr_window_due_push(struct tr_window_due *due, int64_t end, const struct tr_table_key *key);

/** The least end, or a lesser one while settle has not answered MORE; INT64_MAX: there is none. */
int64_t tr_window_due_next(const struct tr_window_due *due);

/** Sees to it that the pair with the least end is at hand, if there is one. BLOCKED: call it again. */
enum tr_flow tr_window_due_settle(struct tr_window_due *due, struct tr_status *st);

/** Moves the pair with the least end to `taken`. There must be one, and settle has answered MORE since the last pair was taken. */
void tr_window_due_take(struct tr_window_due *due, struct tr_window_taken *taken);

/** Makes the keys point to their bytes. */
void tr_window_taken_show(struct tr_window_taken *taken);
void tr_window_taken_clear(struct tr_window_taken *taken);
void tr_window_taken_deinit(struct tr_window_taken *taken);

#endif
