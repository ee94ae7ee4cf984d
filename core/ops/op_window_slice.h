/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of window aggregation on slices, which op_window_slice.c computes with and op_window_slice_state.c saves and
 * loads. Included by these two only.
 */
#ifndef TR_CORE_OPS_OP_WINDOW_SLICE_H
#define TR_CORE_OPS_OP_WINDOW_SLICE_H

#include "core/ops/window_assign.h"
#include "core/ops/window_output.h"

/* Below this many slots a slice is dense from the start: one chunk. */
#define TR_SLICE_OP_DENSE_SLOTS TR_SLICE_CHUNK_SLOTS

/** HOP: the sum of a slice and all newer ones before `flip_end`. */
struct tr_slice_sum {
	int64_t start;          /* of the oldest slice in it */
	struct tr_slice *slice; /* the live slice itself for the newest; else its own */
	bool is_own;
};

/** A slice that was loaded, as its stream names it. */
struct tr_slice_loaded {
	uint32_t stream;
	bool is_alias; /* another stream's, which has the same windows and other keys */
	struct tr_window_slice_state as;
	int64_t watermark_ms; /* of its stream */
	struct tr_slice *slice;
};

struct tr_slice_op {
	struct tr_window_op w;
	struct tr_window_assign assign;
	struct tr_slice **live; /* by start, then first_end */
	uint32_t live_count;
	uint32_t live_capacity;
	struct tr_slice **spare;
	uint32_t spare_count;
	struct tr_slice front;
	struct tr_slice result;
	struct tr_slice_sum *sums; /* HOP: by start, the newest first */
	uint32_t sum_count;
	uint32_t sum_capacity;
	int64_t flip_end;  /* HOP: slices that end here or earlier are in sums; INT64_MIN: none */
	int64_t fired_end; /* of the window that fired last; INT64_MIN: none */
	uint32_t *refs;    /* by slot */
	uint32_t ref_capacity;
	bool expects_dense;
	bool has_pending;        /* a watermark is to be passed on when all that it fires is out */
	struct tr_slice *firing; /* results of the window [firing_start, firing_end) are going out */
	int64_t firing_start, firing_end;
	uint32_t cursor;
	char *trash; /* an entry for rows that are late, or whose own entry is not known yet */
	uint32_t *other_slots;
	uint32_t other_capacity;
	struct tr_slice_loaded *loaded; /* while loading */
	uint32_t loaded_count;
	uint32_t loaded_capacity;
};

/** The live slice for rows of this target; made if need be. */
struct tr_slice *tr_slice_op_get(struct tr_slice_op *s, int64_t start, int64_t first_end);

/** Adds all entries of `source` to `target`. */
void tr_slice_op_merge(struct tr_slice_op *s, struct tr_slice *target, struct tr_slice *source);

/** Releases what the entries own and empties the slice. */
void tr_slice_op_empty(struct tr_slice_op *s, struct tr_slice *slice);

/** Makes room in refs for all slots. */
void tr_slice_op_reserve_refs(struct tr_slice_op *s);

/** Keeps marks if there are checkpoints. */
void tr_slice_op_begin_saving(struct tr_slice_op *s);

/** What is pending in a slice goes to the records that wait: before its entries move or go. */
void tr_slice_op_drain(struct tr_slice_op *s, struct tr_slice *slice);

/* Saving and loading, for the table of verbs. */
tr_code tr_slice_op_snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			     uint64_t *base, struct tr_status *st);
enum tr_flow tr_slice_op_snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget,
				       struct tr_status *st);
tr_code tr_slice_op_load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
			 struct tr_status *st);
tr_code tr_slice_op_load_end(struct tr_op *op, struct tr_status *st);
uint64_t tr_slice_op_state_bytes(const struct tr_op *op);

#endif
