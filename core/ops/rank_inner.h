/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the window rank operator: what op_window_rank.c (rows in, results out), rank_state.c (saving, loading) and rank_spill.c
 * (beyond the memory limit) share. See op_window_rank.h.
 *
 * Keys have slots (state/key_table.h), a slot has a group: the names of its rows (rank_rows.h), as a heap with the last one
 * on top, so that a row that is no better costs one comparison. Groups whose windows end together are in one bucket, and
 * buckets are ordered by their ends.
 *
 * Saving. What is saved lies in *parts* with numbers that are never used twice: chunks of rows in memory, and runs in the file. Each row
 * is written once, with its part and its place there, to the first checkpoint after it came (or after its chunk or run was made). A
 * barrier lists the parts that live. So whoever loads knows which of the rows that the log still has belong to this checkpoint, and that
 * a row which was written twice is one; rows that are no longer among the first do no harm, since those that are come, too.
 */
#ifndef TR_CORE_OPS_RANK_INNER_H
#define TR_CORE_OPS_RANK_INNER_H

#include "base/bytes.h"
#include "core/ops/op_window_rank.h"
#include "core/ops/rank_rows.h"
#include "core/ops/window_assign.h"
#include "state/key_table.h"
#include "state/rows.h"

#define TR_RANK_KINDS 3
enum { TR_RANK_KIND_OPERATOR = 1, TR_RANK_KIND_PARTS = 3, TR_RANK_KIND_ROWS = 4 }; /* 2 were rows without parts */

struct tr_rank_spill;
struct tr_rank_run;

/** The rows of a key. Zeros: none. */
struct tr_rank_group {
	union {
		uint32_t one;   /* capacity 0 */
		uint32_t *many; /* capacity > 0: a heap */
	};
	uint32_t count;
	uint32_t capacity;
};

/** The keys whose windows have this end. */
struct tr_rank_bucket {
	int64_t end; /* local */
	uint32_t *slots;
	uint32_t count;
	uint32_t capacity;
	struct tr_rank_run *runs; /* more of their rows, in the file */
};

/** A part of a stream that is being loaded. */
struct tr_rank_loaded {
	int64_t part;
	uint64_t *seen; /* by row */
	uint64_t words;
};

enum tr_rank_after { TR_RANK_AFTER_NOTHING, TR_RANK_AFTER_WATERMARK, TR_RANK_AFTER_END };

struct tr_rank_op {
	struct tr_op op;
	const struct tr_window_rank_plan *plan;
	struct tr_window_clock clock;
	struct tr_window_assign assign;
	struct tr_rank_rows rows;
	struct tr_order_key *order; /* the plan's, then the columns that decide between equal rows */
	uint32_t order_count;
	struct tr_key_table *keys;
	struct tr_rank_group *groups; /* by slot */
	uint32_t group_capacity;
	struct tr_rank_bucket **buckets; /* by end */
	uint32_t bucket_count;
	uint32_t bucket_capacity;
	size_t list_bytes; /* of the groups' and buckets' lists */
	struct tr_batch_buffer *out;
	int64_t watermark_ms;
	int64_t forwarded_ms;
	enum tr_rank_after after;
	uint32_t fire_slot; /* position in the first bucket */
	uint32_t fire_rank; /* rows of its group that are done */
	bool is_sorted;     /* the group is */
	const struct tr_column **key_columns;
	uint32_t *slots; /* by position in a batch */
	uint32_t slot_capacity;
	struct tr_rank_spill *spill; /* NULL: memory has no limit */
	bool must_freeze;            /* before anything else is done */
	/* Saving and loading: */
	struct tr_arena arena;
	struct tr_state_kind kinds[TR_RANK_KINDS];
	uint32_t *columns;             /* input columns in the order of a record's: the keys first */
	struct tr_column *permuted;    /* a record's columns in the input's order */
	struct tr_batch_buffer *image; /* of a record */
	struct tr_rows read[TR_RANK_KINDS];
	struct tr_bytes bytes;
	uint32_t *kept;
	uint64_t *hashes;
	uint32_t kept_capacity;
	struct tr_rank_loaded *loaded; /* by part */
	uint32_t loaded_count;
	int64_t stream_watermark_ms, loaded_watermark_ms, loaded_forwarded_ms;
	bool has_loaded;
};

static inline uint32_t *tr_rank_refs(struct tr_rank_group *group)
{
	return group->capacity > 0 ? group->many : &group->one;
}

/* op_window_rank.c */

/** Takes the rows of a batch of the input that are not late at this watermark. */
tr_code tr_rank_take(struct tr_rank_op *r, const struct tr_batch *batch, int64_t watermark_ms,
		     struct tr_status *st) TR_MUST_USE;
/** Takes chosen rows of a batch of the input, all of one bucket. */
void tr_rank_take_rows(struct tr_rank_op *r, const struct tr_batch *batch, const uint32_t *rows, uint32_t count,
		       struct tr_rank_bucket *bucket);
/** Puts a slot into a bucket. */
void tr_rank_bucket_add(struct tr_rank_op *r, struct tr_rank_bucket *bucket, uint32_t slot);
/** Nothing is in memory any more, but for the buckets. */
void tr_rank_forget(struct tr_rank_op *r);

/* rank_state.c */

void tr_rank_state_init(struct tr_rank_op *r);
void tr_rank_state_deinit(struct tr_rank_op *r);
/** Puts rows of a chunk in the image from row `at` on, but for the two columns behind the keys: part and place. */
void tr_rank_image_add(struct tr_rank_op *r, uint32_t at, const struct tr_rank_chunk *chunk, const uint32_t *rows,
		       uint32_t count);
/** The image's `count` rows as bytes, in r->bytes. */
void tr_rank_image_write(struct tr_rank_op *r, uint32_t count);
/** A record of rows as rows of the input, which are borrowed until the next call. `places`: the columns with their parts and
 * places. */
tr_code tr_rank_rows_of(struct tr_rank_op *r, const struct tr_state_record *record, struct tr_batch *rows,
			const struct tr_column **places, struct tr_status *st) TR_MUST_USE;
/** The hashes of all rows' keys, in r->hashes, and room for as many rows in r->kept. */
void tr_rank_hash(struct tr_rank_op *r, const struct tr_batch *batch);
const struct tr_state_kind *tr_rank_state_kinds(const struct tr_op *op, uint32_t *count);
tr_code tr_rank_snapshot(struct tr_op *op, const struct tr_snapshot_order *order, struct tr_state_writer *writer,
			 uint64_t *base, struct tr_status *st) TR_MUST_USE;
enum tr_flow tr_rank_snapshot_step(struct tr_op *op, struct tr_state_writer *writer, size_t budget,
				   struct tr_status *st);
uint64_t tr_rank_state_bytes(const struct tr_op *op);
tr_code tr_rank_load(struct tr_op *op, const struct tr_state_origin *origin, const struct tr_state_record *record,
		     struct tr_status *st) TR_MUST_USE;
tr_code tr_rank_load_end(struct tr_op *op, struct tr_status *st) TR_MUST_USE;

/* rank_spill.c: all of it may be called only if there is a spill, unless it says otherwise. */

/** Gives the operator a spill if its memory is limited. */
void tr_rank_spill_create(struct tr_rank_op *r);
void tr_rank_spill_destroy(struct tr_rank_op *r); /* also without */
/** Whether the state takes too much memory. Also without a spill: no. */
bool tr_rank_spill_is_over(const struct tr_rank_op *r);
/** All rows leave memory. BLOCKED: call it again, and nothing else may happen to the state meanwhile. */
enum tr_flow tr_rank_spill_freeze(struct tr_rank_op *r);
/** The same, waiting for the disk. */
tr_code tr_rank_spill_freeze_loaded(struct tr_rank_op *r, struct tr_status *st) TR_MUST_USE;
/** Whether the bucket's next groups have to be read before results are made of it. Also without a spill: no. */
bool tr_rank_spill_is_due(const struct tr_rank_op *r, const struct tr_rank_bucket *bucket);
/** Reads the next part of the first bucket: its groups are the bucket's then. MORE: there they are. DONE: that were all. */
enum tr_flow tr_rank_spill_next(struct tr_rank_op *r, struct tr_rank_bucket *bucket);
/** At the barrier: lists the parts of all runs; *base becomes the least of their ages and itself. Also without a spill. */
uint32_t tr_rank_spill_run_count(const struct tr_rank_op *r);
void tr_rank_spill_flip(struct tr_rank_op *r, const struct tr_snapshot_order *order, int64_t *parts, uint64_t *base);
/** Copies runs that are due, about `budget` bytes. DONE: that was all. Also without a spill. */
enum tr_flow tr_rank_spill_copy(struct tr_rank_op *r, struct tr_state_writer *writer, size_t budget,
				struct tr_status *st);

#endif
