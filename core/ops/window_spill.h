/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows larger than memory: what a window operator does when its state reaches its share of state.memory.limit.
 *
 *     rows ──▶ live slices ──over the limit──▶ freeze: records by hash ──▶ runs in a file (state/spill.h)      window_spill.c
 *     window fires ──▶ freeze ──▶ some buckets of all its runs ──▶ merged ──▶ results ──▶ the next buckets     window_spill_fire.c
 *
 * Accumulators can be merged, so nothing is ever looked up on disk: all that is in memory leaves it at once, and a key that comes
 * again begins a new partial. Freezing writes each live slice as a *run* of the records that checkpoints have
 * (core/ops/window_state.h), in the order of the keys' hashes, and forgets the keys. The slice goes on empty under a new id; its
 * runs hang on it until it is dropped.
 *
 * While there are runs, windows are not made of running sums: all is frozen, then the runs of all slices of the window are read
 * side by side, so many buckets at a time as fit in memory, and merged there. Each slice is read once for each window it is in.
 *
 * Checkpoints. A run keeps the id that its slice had and never changes. It is written as a whole to the first checkpoint after it
 * was frozen, copied from the file in steps, and again when that was given up or is to be rewritten; until then it is kept, even
 * if its slice goes. Nothing is frozen while a snapshot has entries of live slices to write: who wants to waits for that.
 *
 * Loading freezes as well when memory is full. A later record of an entry replaces an earlier one there, and so the parts of
 * one slice that were frozen at different times are a single run whose later parts replace; such a run is put together by
 * itself before it is merged with others. The same goes for the values of DISTINCT, which are merged as sets.
 *
 * Memory counts what grows with the state: chunks, keys, counts of references, what accumulators own, marks, records that wait, the
 * index of runs. An eighth of the limit is set aside for buffers and what is needed for sorting.
 *
 * Thread: the operator's.
 */
#ifndef TR_CORE_OPS_WINDOW_SPILL_H
#define TR_CORE_OPS_WINDOW_SPILL_H

#include "core/ops/window_panes.h"
#include "state/spill.h"

/** What a slice had when it left memory. */
struct tr_window_run {
	struct tr_window_run *next; /* of the same slice */
	int64_t id;                 /* of the slice then: its records have it */
	uint64_t entries;
	uint64_t written; /* the age from which on a checkpoint has all of it; 0: none */
	bool is_old;      /* due only because of its age */
	uint32_t refs;    /* the slice, and a snapshot that has yet to write it */
	uint32_t part_count;
	struct tr_spill_run *
		*parts; /* several only of what was loaded: entries of later ones replace those of earlier ones */
};

enum tr_window_spill_fire { TR_SPILL_FIRE_NONE, TR_SPILL_FIRE_FREEZE, TR_SPILL_FIRE_READ, TR_SPILL_FIRE_OUT };

struct tr_window_spill {
	struct tr_state_writer writer; /* first: puts records into `run` */
	const char *path;              /* of the file */
	struct tr_spill *file;         /* NULL: nothing has left memory yet */
	size_t limit;                  /* of what is counted */
	size_t buffer_bytes;
	uint32_t run_count; /* that slices have */
	/* Freezing. */
	bool is_freezing;
	uint32_t slice; /* the number of the one that is being frozen */
	struct tr_spill_run *run;
	uint32_t *order; /* its slots by bucket */
	uint8_t *buckets;
	uint32_t order_capacity;
	uint32_t starts[TR_SPILL_BUCKETS + 1]; /* where each bucket begins in the order */
	uint32_t count, at;
	uint32_t piece; /* entries of the next record */
	uint8_t first, last;
	uint64_t entry_bytes; /* of memory, when all was frozen last */
	/* Firing. */
	enum tr_window_spill_fire fire;
	int64_t fire_start, fire_end;
	struct tr_window_run **sources; /* by tag */
	uint32_t source_count, source_capacity;
	uint32_t bucket, bucket_count; /* those that are merged, or out */
	uint32_t bucket_next_count;
	uint32_t source; /* whose records are in `part` */
	struct tr_spill_reader reader;
	struct tr_slice result, part;
	/* A snapshot. */
	uint64_t checkpoint;
	uint64_t rewritten; /* bytes of runs that were only old */
	struct tr_window_run **due;
	uint32_t due_count, due_capacity;
	struct tr_spill_reader copier;
};

/** Gives the panes a spill if the operator's memory is limited. */
void tr_window_spill_create(struct tr_window_panes *p);
void tr_window_spill_destroy(struct tr_window_panes *p);

/** Whether the state would be too large with `rows` new entries and so many bytes more. */
bool tr_window_spill_is_over(const struct tr_window_panes *p, uint32_t rows, size_t more);

/** Whether some slice has runs. */
static inline bool tr_window_spill_is_used(const struct tr_window_panes *p)
{
	return p->spill != NULL && p->spill->run_count > 0;
}

/** All live slices leave memory, and all keys. What the operator has computed from them it has let go before. MORE: done. BLOCKED: call
 * it again, and nothing else may happen to the state meanwhile. FAILED: the context's status. */
enum tr_flow tr_window_spill_freeze(struct tr_window_panes *p);

/** Begins to make the results of the window [start, end): of the slices that begin in it and whose first end is not later. */
void tr_window_spill_fire(struct tr_window_panes *p, int64_t start, int64_t end);

/** The next part of them. MORE: *result has it, until the next call; its keys are the only ones there are. DONE: that was all. */
enum tr_flow tr_window_spill_next(struct tr_window_panes *p, struct tr_slice **result);

/** The runs of a slice go. */
void tr_window_spill_forget(struct tr_window_panes *p, struct tr_slice *slice);

/* Saving, for window_panes_state.c. */

/** At the barrier: what the last snapshot has left is forgotten. */
void tr_window_spill_flip(struct tr_window_panes *p, const struct tr_snapshot_order *order);

/** Lists the runs of a slice from list[0] on; *base becomes the least of theirs and itself. Returns how many. */
uint32_t tr_window_spill_list(struct tr_window_panes *p, const struct tr_snapshot_order *order,
			      const struct tr_slice *slice, struct tr_window_slice_state *list, uint64_t *base);

/** Copies records of runs that are due, about *budget bytes. DONE: that was all. */
enum tr_flow tr_window_spill_copy(struct tr_window_panes *p, struct tr_state_writer *writer, size_t *budget,
				  struct tr_status *st);

/** All of them, waiting for the disk: without checkpoints. */
tr_code tr_window_spill_copy_all(struct tr_window_panes *p, struct tr_state_writer *writer,
				 struct tr_status *st) TR_MUST_USE;

/* Loading. */

/** Loaded slices leave memory; waits for the disk. */
tr_code tr_window_spill_freeze_loaded(struct tr_window_panes *p, struct tr_status *st) TR_MUST_USE;

/** The runs of `source` become those of `target`. */
void tr_window_spill_move(struct tr_slice *target, struct tr_slice *source);

#endif
