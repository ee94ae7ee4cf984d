/* SPDX-License-Identifier: Apache-2.0
 *
 * Panes: the live slices of a window operator, and how they are saved and loaded in pieces.
 *
 *     rows ──▶ slots of keys ──▶ get(start, first end) ──▶ resolve ──▶ entries ──▶ touch        window_panes.c
 *     barrier ──▶ snapshot ──▶ snapshot_step ..          load .. ──▶ load_end                   window_panes_state.c
 *
 * What a slice stands for is the operator's business: with op_window_slice.c it is a part of several windows and `first_end`
 * the end of the first one that its rows enter; with op_window_general.c it is a window, and `first_end` that window's end.
 *
 * refs[slot] counts the live slices that have the key: at zero the slot is given back. A slice whose entries were let go
 * (retired) keeps the list of its slots for that.
 *
 * An entry is resolved before it is written to. That marks it as changed, and if a snapshot has yet to write it, it is copied
 * first, as it still is. Before entries move or go (densify, merge, empty, drop) all that is pending in their slice is
 * written: drained. A slice that is emptied goes on with a new id, so that what was written of the old one is not its own.
 *
 * Loading. A slice is loaded by the stream that it comes from, since what it still has to do depends on how far that stream
 * had come; load_end asks the operator, and then merges it into the live slice that is its target. As a rule all streams are at
 * the same watermark, and then their entries for a slice go to one slice at once, since no two of them have the same key.
 *
 * Entries with sets of DISTINCT values are written with all of their values again when they have changed. Such an entry is never
 * copied: one that is overtaken is written at once.
 *
 * All functions but init want the operator's common parts to be set up. Thread: the operator's.
 */
#ifndef TR_CORE_OPS_WINDOW_PANES_H
#define TR_CORE_OPS_WINDOW_PANES_H

#include "core/ops/window_output.h"

/** A slice that was loaded, as its stream names it. */
struct tr_window_pane_loaded {
	uint32_t stream;
	bool is_alias; /* another stream's, which has the same windows and other keys */
	struct tr_window_slice_state as;
	int64_t watermark_ms; /* of its stream */
	struct tr_slice *slice;
};

struct tr_window_spill; /* core/ops/window_spill.h */

struct tr_window_panes {
	struct tr_window_op *w;
	struct tr_window_spill *spill; /* NULL: memory is not limited */
	struct tr_slice **live;        /* by start, then first_end */
	uint32_t live_count;
	uint32_t live_capacity;
	struct tr_slice **spare; /* room for live_capacity */
	uint32_t spare_count;
	struct tr_slice *running; /* state beside the live ones: CUMULATE's running sum. NULL: none */
	uint32_t *refs;           /* by slot */
	uint32_t ref_capacity;
	bool expects_dense; /* of the next slice that is made */
	uint32_t piece;     /* entries to write at once */
	struct tr_window_pane_loaded *loaded;
	uint32_t loaded_count;
	uint32_t loaded_capacity;
};

/* -- the live slices -- */

void tr_window_panes_init(struct tr_window_panes *p, struct tr_window_op *w, bool expects_dense);
void tr_window_panes_deinit(struct tr_window_panes *p);

/** The live slice with this start and first end; made if need be. It stays where it is until it is dropped. */
struct tr_slice *tr_window_panes_get(struct tr_window_panes *p, int64_t start, int64_t first_end);

/** All slices that are state, one after the other from number 0 on: the live ones, and the running one. NULL: that was all. */
static inline struct tr_slice *tr_window_panes_at(const struct tr_window_panes *p, uint32_t number)
{
	if (number < p->live_count)
		return p->live[number];
	return number == p->live_count ? p->running : NULL;
}

/** Whether a slice with so many entries is better dense. */
static inline bool tr_window_panes_should_be_dense(const struct tr_window_panes *p, uint64_t count)
{
	return count * 8 > tr_key_table_slot_limit(p->w->keys);
}

/** Makes room in refs for all slots: after keys were mapped, before entries are touched. */
void tr_window_panes_reserve_refs(struct tr_window_panes *p);

/** entries[i] becomes the entry of slots[i] in the slice, which need not be a live one, and is about to be written to. */
void tr_window_panes_resolve(struct tr_window_panes *p, struct tr_slice *slice, const uint32_t *slots, uint32_t count,
			     char **entries);

/** The entries of slots[w->touched[0 .. count)] were empty, and hold something now. Of a live slice. */
void tr_window_panes_touch(struct tr_window_panes *p, struct tr_slice *slice, const uint32_t *slots, uint32_t count);

/** Adds all entries of `source` to `target`, whose keys are not counted in refs. */
void tr_window_panes_merge(struct tr_window_panes *p, struct tr_slice *target, struct tr_slice *source);

/** Slices that have become well filled turn dense: between batches, when no one points to entries. */
void tr_window_panes_densify(struct tr_window_panes *p);

/** Lets go of all entries of a slice; it goes on under a new id. Its keys stay counted in refs. */
void tr_window_panes_empty(struct tr_window_panes *p, struct tr_slice *slice);

/** The same for a live slice that windows still refer to by its slots: those it keeps. */
void tr_window_panes_retire(struct tr_window_panes *p, struct tr_slice *slice);

/** The live slice number `at` goes, and keys that no other has with it. */
void tr_window_panes_drop(struct tr_window_panes *p, uint32_t at);

/** Ends a slice of the operator's own, which is not a live one, without writing anything. */
void tr_window_panes_release(struct tr_window_panes *p, struct tr_slice *slice);

/* -- saving -- */

/** Keeps marks from now on if there are checkpoints. `running`: a slice of the operator's own that is state, or NULL. */
void tr_window_panes_begin_saving(struct tr_window_panes *p, struct tr_slice *running);

/** What a snapshot has yet to write of a slice goes to the records that wait (w->save), as it is now: before its entries move or
 * go, or its content is to leave the memory. Nothing to do if no marks are kept. */
void tr_window_panes_drain(struct tr_window_panes *p, struct tr_slice *slice);

/** Writes all entries of a slice as records, whether they are due or not, and changes nothing. What was written is read back
 * by tr_window_panes_read. */
tr_code tr_window_panes_put_all(struct tr_window_panes *p, struct tr_state_writer *writer, const struct tr_slice *slice,
				struct tr_status *st) TR_MUST_USE;

/** At the barrier: writes the operator's record, with `mark`, and the list of slices. For the table of verbs. */
tr_code tr_window_panes_snapshot(struct tr_window_panes *p, const struct tr_snapshot_order *order,
				 struct tr_state_writer *writer, int64_t mark, uint64_t *base,
				 struct tr_status *st) TR_MUST_USE;

enum tr_flow tr_window_panes_snapshot_step(struct tr_window_panes *p, struct tr_state_writer *writer, size_t budget,
					   struct tr_status *st);

uint64_t tr_window_panes_state_bytes(const struct tr_window_panes *p);

/* -- loading -- */

/** Makes the entries of a slice hold what rows of a record of this kind (entries or values) say. An entry that it had is
 * replaced, not added to: records of the same entry come in the order in which they were written. refs is not counted. */
tr_code tr_window_panes_read(struct tr_window_panes *p, struct tr_slice *slice, uint16_t kind,
			     const struct tr_window_rows *rows, struct tr_status *st) TR_MUST_USE;

/** Takes one record, for the table of verbs. */
tr_code tr_window_panes_load(struct tr_window_panes *p, const struct tr_state_origin *origin,
			     const struct tr_state_record *record, struct tr_status *st) TR_MUST_USE;

/** Which windows a loaded slice still has to enter: `as` becomes that of the live slice it goes to. False: none. */
typedef bool (*tr_window_panes_target_fn)(struct tr_window_op *w, struct tr_window_pane_loaded *loaded);

/** All records are there, and the mark was read: loaded slices become live ones, and all entries are due. `set_target`
 * may be NULL: slices stay what they were. */
tr_code tr_window_panes_load_end(struct tr_window_panes *p, tr_window_panes_target_fn set_target,
				 struct tr_status *st) TR_MUST_USE;

#endif
