/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots in pieces: what the window operators need that do not write their state at the barrier (state/marks.h).
 *
 *     barrier      the clock moves on; live slices are listed; nothing else happens
 *     steps        what is pending is taken from the marks, slice by slice, and written
 *     between      a row that goes to a pending entry: the entry is copied first, as an image; a slice that goes away, or whose
 *                  entries move: all that is pending there is written. Both land in `records`, which the next step
 *                  hands on.
 *
 * Slices have ids that are never used again, and the list at each barrier says which live: what was written of others needs no
 * record that says so.
 */
#ifndef TR_CORE_OPS_WINDOW_SAVE_H
#define TR_CORE_OPS_WINDOW_SAVE_H

#include "base/bytes.h"
#include "core/ops/agg_layout.h"
#include "core/ops/op.h"
#include "state/marks.h"

struct tr_window_op;

/** Which slice entries belong to. */
struct tr_window_save_slice {
	int64_t id;
	int64_t start;
	int64_t first_end;
};

/** Copies of entries of one slice, which rows have overtaken. */
struct tr_window_images {
	struct tr_window_save_slice slice;
	uint32_t count;
	uint32_t capacity;
	size_t image_bytes; /* the key, for those who have it there, and the entry */
	char *memory;
	uint32_t *slots;
	char **entries;
};

/** Writes a record of entries, whose keys are those of slots, or stand before the entries. */
typedef tr_code (*tr_window_save_fn)(struct tr_window_op *w, struct tr_state_writer *writer,
				     const struct tr_window_save_slice *slice, const uint32_t *slots,
				     char *const *entries, uint32_t count, struct tr_status *st);

/** Zero-initialise it: off, no marks are kept. */
struct tr_window_save {
	struct tr_state_writer writer; /* first: keeps what it gets in `records` */
	bool is_on;
	bool is_writing; /* a snapshot has more to write */
	int64_t last_id;
	struct tr_marks_clock clock;
	size_t bytes_before; /* that the operator had put at the barrier */
	struct tr_bytes records;
	size_t records_at; /* handed on so far */
	struct tr_window_images images;
	tr_window_save_fn put;
	uint32_t *indexes; /* scratch */
	uint32_t *saves;
	char **pending;
	uint32_t capacity;
};

void tr_window_save_init(struct tr_window_save *save, struct tr_window_op *w, tr_window_save_fn put);
void tr_window_save_deinit(struct tr_window_save *save, struct tr_window_op *w);

/** Room in the scratch arrays. */
void tr_window_save_reserve(struct tr_window_save *save, uint32_t count);

/** The barrier: what the last snapshot has left is forgotten. */
void tr_window_save_flip(struct tr_window_save *save, struct tr_window_op *w, const struct tr_snapshot_order *order);

/** Copies an entry that is about to be written to. */
void tr_window_save_image(struct tr_window_save *save, struct tr_window_op *w, const struct tr_window_save_slice *slice,
			  int64_t key, uint32_t slot, char *entry);

/** Tells the writer how much of what was put since the barrier was only old. */
void tr_window_save_tell(const struct tr_window_save *save, const struct tr_window_op *w,
			 struct tr_state_writer *writer);

/** Turns images into records; before their slots or slices go. */
void tr_window_save_images_end(struct tr_window_save *save, struct tr_window_op *w);

/** Hands records on, about `budget` bytes; *budget becomes what is left of it. */
tr_code tr_window_save_hand_on(struct tr_window_save *save, struct tr_window_op *w, struct tr_state_writer *writer,
			       size_t *budget, struct tr_status *st) TR_MUST_USE;

#endif
