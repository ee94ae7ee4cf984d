/* SPDX-License-Identifier: Apache-2.0
 *
 * Slice: the accumulators of one stretch of time, one entry per key that occurred in it.
 *
 *     dense    entry of slot s:  chunk[s / 4096] + (s % 4096) * stride        chunks come when a slot in them is used
 *     sparse   entry number n of chunks that are filled in order; an index finds n by slot
 *
 * Slices begin in the form that the owner expects and turn dense when an eighth of all slots is in them. What an entry
 * holds is the owner's business (core/ops/agg_layout.h); here it is `stride` bytes that start as zeros. Chunks come
 * from a pool that all slices of an operator share, and go back zeroed; a warm pool does not allocate.
 *
 *     resolve(slots) -> entries      pointers stay valid until densify or clear
 *     touch(slots)                   these entries now hold something
 *     scan(cursor) -> slots, entries what holds something, in an order of its own
 *
 * Thread: one owner.
 */
#ifndef TR_STATE_SLICE_H
#define TR_STATE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/marks.h"

#define TR_SLICE_CHUNK_BITS 12
#define TR_SLICE_CHUNK_SLOTS ((uint32_t)1 << TR_SLICE_CHUNK_BITS)

struct tr_slice_chunk {
	uint64_t present[TR_SLICE_CHUNK_SLOTS / 64];
	struct tr_slice_chunk *next_free;
	uint64_t reserved[7]; /* entries begin at a cache line */
	char entries[];
};

struct tr_slice_pool {
	uint32_t stride;
	struct tr_slice_chunk *free; /* all zero but next_free */
	char **blocks;
	uint32_t block_count;
	uint32_t chunks_per_block;
	uint32_t used;    /* chunks that slices have */
	size_t bytes;     /* of all chunks */
	size_t bytes_max; /* of a block, if it is more than a chunk; 0: as many chunks as is fast */
};

struct tr_slice {
	int64_t start; /* these three belong to the owner */
	int64_t first_end;
	int64_t id;
	struct tr_marks *marks; /* by slot; sparse: by entry number. NULL: none are kept */
	bool is_dense;
	bool is_retired; /* entries are gone; `touched` says which slots it had */
	bool is_merged;  /* the owner's: part of a running merge */
	void *runs;      /* the owner's: what has left memory */
	uint32_t group;  /* the owner's: which rows of a batch go there; 0 between batches */
	uint32_t count;  /* entries that hold something */
	struct tr_slice_chunk **chunks;
	uint32_t chunk_count;
	uint32_t *slot_of; /* sparse: slot by entry number */
	uint32_t slot_capacity;
	uint32_t *index; /* sparse: entry number plus one, open addressing */
	uint32_t index_bits;
	uint32_t *touched; /* kept by tr_slice_keep_slots */
	uint32_t touched_count;
};

void tr_slice_pool_init(struct tr_slice_pool *pool, uint32_t stride);
/** All slices must have been deinitialised. */
void tr_slice_pool_deinit(struct tr_slice_pool *pool);

/** Of the chunks that slices have. */
size_t tr_slice_pool_used(const struct tr_slice_pool *pool);

/** Memory of a slice beside its chunks. */
size_t tr_slice_bytes(const struct tr_slice *slice);

void tr_slice_init(struct tr_slice *slice, bool is_dense);
void tr_slice_deinit(struct tr_slice_pool *pool, struct tr_slice *slice);

/** Gives all chunks back: the slice is empty and keeps its form. What entries own must have been released. */
void tr_slice_clear(struct tr_slice_pool *pool, struct tr_slice *slice);

/** entries[i] becomes the entry of slots[i]; missing ones are made (zero bytes). */
void tr_slice_resolve(struct tr_slice_pool *pool, struct tr_slice *slice, const uint32_t *slots, uint32_t count,
		      char **entries);

/** The same, and numbers[i] becomes the place of its marks. */
void tr_slice_resolve_numbers(struct tr_slice_pool *pool, struct tr_slice *slice, const uint32_t *slots, uint32_t count,
			      char **entries, uint32_t *numbers);

/** Keeps marks from now on. */
void tr_slice_keep_marks(struct tr_slice *slice, struct tr_marks_clock *clock);

/** The entries and slots at these places of the marks that hold something. Returns how many; `slots` may be `numbers`. */
uint32_t tr_slice_at_numbers(const struct tr_slice_pool *pool, const struct tr_slice *slice, const uint32_t *numbers,
			     uint32_t count, uint32_t *slots, char **entries);

/** Marks the entries of these slots, which were empty and resolved before, as holding something. */
void tr_slice_touch(struct tr_slice *slice, const uint32_t *slots, uint32_t count);

/** Up to `max` entries that hold something, from *cursor (0 at first) on. Returns how many; 0: that was all. */
uint32_t tr_slice_scan(const struct tr_slice_pool *pool, const struct tr_slice *slice, uint32_t *cursor, uint32_t max,
		       uint32_t *slots, char **entries);

/** Makes a sparse slice dense. Entries move: nothing may be pending, and all count as changed then. */
void tr_slice_densify(struct tr_slice_pool *pool, struct tr_slice *slice);

/** Makes the empty slice `target` hold what `source` holds, byte by byte: only where entries own nothing. */
void tr_slice_copy(struct tr_slice_pool *pool, struct tr_slice *target, const struct tr_slice *source);

/** Copies the list of its slots to `touched`, for an owner who will change the entries or let them go. */
void tr_slice_keep_slots(const struct tr_slice_pool *pool, struct tr_slice *slice);

#endif
