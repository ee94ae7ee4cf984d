/* SPDX-License-Identifier: Apache-2.0
 *
 * How window operators save and load: the records they share (base/state_record.h, state/rows.h).
 *
 *     kind             keyed   rows of
 *     operator  1      no      watermark, forwarded watermark, mark: one row; the mark is the operator's own
 *     slices    2      no      id, start, first end, base, entries: the slices that live
 *     entries   3      yes     keys.. | accumulators.. | start | end | rows | slice      partials, as between two phases
 *     values    16+n   yes     keys.. | start | end | value | slice                       what DISTINCT aggregate n has seen
 *
 * of windows other than sessions; of these
 *
 *     waiting   4      yes     keys.. | other columns of the input.. | watermark          rows not yet taken
 *     sessions  5      yes     keys.. | accumulators.. | sets.. | start | end | rows | more
 *     gone      6      yes     keys..                                                     keys without sessions
 *
 * A row of sessions with `more` 0 begins the sessions of its key anew, whatever was said of it before; those behind it with
 * `more` 1 are the other ones of the same key, by end. `sets` are what DISTINCT aggregates have seen. Of the waiting rows
 * of all records those count whose watermark is at least the operator's (core/ops/window_held.h).
 *
 * An entry's accumulators travel like the partials of a LOCAL operator, so loading is reading partials. `slice` is the id
 * of the slice that has the entry, for those who have ids. Entries of one record belong to one slice. Behind a record of entries
 * come all values that they have seen: a later record of an entry replaces those, too.
 *
 * Loading keeps the rows whose key group is the subtask's own, by the hash that dealt the rows (core/exchange.c): that of
 * the key columns, in their order. What comes from outside is checked here, so that operators need not.
 */
#ifndef TR_CORE_OPS_WINDOW_STATE_H
#define TR_CORE_OPS_WINDOW_STATE_H

#include "base/bytes.h"
#include "core/ops/agg_layout.h"
#include "core/ops/op.h"
#include "core/ops/window_time.h"
#include "state/rows.h"

enum tr_window_state_kind {
	TR_WINDOW_STATE_OPERATOR = 1,
	TR_WINDOW_STATE_SLICES = 2,
	TR_WINDOW_STATE_ENTRIES = 3,
	TR_WINDOW_STATE_WAITING = 4,
	TR_WINDOW_STATE_SESSIONS = 5,
	TR_WINDOW_STATE_GONE = 6,
	TR_WINDOW_STATE_VALUES = 16,
};

/* Columns of records: of the operator, of slices, behind the accumulators, behind the keys of values. */
#define TR_WINDOW_STATE_MARK_COLUMNS 3
#define TR_WINDOW_STATE_SLICE_COLUMNS 5
#define TR_WINDOW_STATE_ENTRY_COLUMNS 4
#define TR_WINDOW_STATE_VALUES_COLUMNS 4

struct tr_window_op;

/** A slice that lives. */
struct tr_window_slice_state {
	int64_t id;
	int64_t start;
	int64_t first_end;
	int64_t base;    /* the first checkpoint that has its entries */
	int64_t entries; /* about how many; 0: not known */
};

/** The parts for saving and loading; embedded in struct tr_window_op, set up when they are first used. */
struct tr_window_state {
	struct tr_arena arena; /* schemas */
	struct tr_state_kind *kinds;
	uint32_t kind_count;
	struct tr_batch_buffer **images; /* by place in kinds */
	struct tr_rows *read;
	struct tr_bytes bytes;
	struct tr_column *columns; /* scratch: what is written */
	uint32_t piece;            /* entries a record */
	size_t bytes_put;          /* of all records so far */
	uint64_t entry_bytes_put;  /* of those of entries and what they have seen, and how many entries they were */
	uint64_t entries_put;
	uint32_t *order; /* WAITING: input column of each of its columns */
	/* Loading: */
	uint32_t *rows; /* those to keep */
	uint64_t *hashes;
	uint32_t row_capacity;
	uint32_t stream; /* number of the stream that is being loaded, from 1; 0: none yet */
	struct tr_state_origin origin;
	bool has_stream;                    /* its operator record has come */
	struct tr_window_slice_state *live; /* the stream's slices */
	uint32_t live_count;
	uint32_t live_capacity;
	int64_t stream_watermark_ms;
	int64_t watermark_ms; /* least over the streams */
	int64_t forwarded_ms;
	int64_t mark; /* greatest over the streams with the least watermark */
	bool has_any;
};

/** Rows of a keyed record that are this subtask's. */
struct tr_window_rows {
	const struct tr_batch *batch;
	const uint32_t *rows; /* NULL: 0 .. count - 1 */
	uint32_t count;
	const int64_t *starts; /* by row of the batch */
	const int64_t *ends;
	const int64_t *counts; /* ENTRIES: hidden counts */
	const int64_t *slices; /* SESSIONS: `more` */
};

/** Makes kinds and schemas, if they are not there yet. */
void tr_window_state_set_up(struct tr_window_op *w);
void tr_window_state_deinit(struct tr_window_state *state);

const struct tr_state_kind *tr_window_state_kinds(struct tr_window_op *w, uint32_t *count);

/* Saving. */

tr_code tr_window_state_put_mark(struct tr_window_op *w, struct tr_state_writer *writer, int64_t mark,
				 struct tr_status *st) TR_MUST_USE;
tr_code tr_window_state_put_slices(struct tr_window_op *w, struct tr_state_writer *writer,
				   const struct tr_window_slice_state *slices, uint32_t count,
				   struct tr_status *st) TR_MUST_USE;

/** How many entries should go into one record. */
uint32_t tr_window_state_piece(struct tr_window_op *w);

/** The columns of an empty image of entries: the caller writes the keys of up to `piece` entries to the first ones. `heap`:
 * for long texts. */
struct tr_column_buffer *tr_window_state_image(struct tr_window_op *w, struct tr_heap **heap);

/** Writes a record of entries whose keys are in the image. starts and ends: one for each, or one for all. */
tr_code tr_window_state_put_entries(struct tr_window_op *w, struct tr_state_writer *writer, char *const *entries,
				    uint32_t count, const int64_t *starts, const int64_t *ends, bool is_one_window,
				    int64_t slice, struct tr_status *st) TR_MUST_USE;

/** The same with the keys of slots; and what DISTINCT aggregates have seen, in records behind. */
tr_code tr_window_state_put_slots(struct tr_window_op *w, struct tr_state_writer *writer, const uint32_t *slots,
				  char *const *entries, uint32_t count, const int64_t *starts, const int64_t *ends,
				  bool is_one_window, int64_t slice, struct tr_status *st) TR_MUST_USE;

/** An empty image of a kind's rows, for at least `piece` of them; and writing its first `count` rows, all of whose columns have been
 * filled. */
struct tr_batch_buffer *tr_window_state_begin(struct tr_window_op *w, uint16_t kind);
tr_code tr_window_state_put(struct tr_window_op *w, struct tr_state_writer *writer, uint16_t kind, uint32_t count,
			    struct tr_status *st) TR_MUST_USE;

/** Rows [0, count) of a batch of the input, each with its watermark. */
tr_code tr_window_state_put_waiting(struct tr_window_op *w, struct tr_state_writer *writer,
				    const struct tr_batch *batch, const uint32_t *rows, const int64_t *watermarks,
				    uint32_t count, struct tr_status *st) TR_MUST_USE;

/* Loading. */

/** To be called first with each record: notices where a stream begins, and takes the records that are not keyed. *is_taken: it was
 * one. */
tr_code tr_window_state_load(struct tr_window_op *w, const struct tr_state_origin *origin,
			     const struct tr_state_record *record, bool *is_taken, struct tr_status *st) TR_MUST_USE;

/** The slice of the stream that is being loaded; NULL: it lives no more. */
const struct tr_window_slice_state *tr_window_state_slice(const struct tr_window_op *w, int64_t id);

/** How many keys should be made room for when the first record of a slice's entries has come, which has `rows` of them: what
 * the stream says for all of its subtasks, and not more than its bytes can hold. 0: it does not say, or memory is limited. */
uint32_t tr_window_state_expected(const struct tr_window_op *w, const struct tr_window_slice_state *slice,
				  const struct tr_state_record *record, uint32_t rows);

/** The rows of a record of entries or values that belong to this subtask. Each window is one that there can be; with slices all
 * rows are of one. */
tr_code tr_window_state_read(struct tr_window_op *w, const struct tr_state_record *record, struct tr_window_rows *rows,
			     struct tr_status *st) TR_MUST_USE;

/** Buckets (state/spill.h) of `count` keys in columns[0 .. key_count). */
void tr_window_state_buckets(struct tr_window_op *w, const struct tr_column *columns, uint32_t count, uint8_t *buckets);

/** Keeps the rows whose keys are in buckets first .. first + count - 1. */
void tr_window_state_keep_buckets(struct tr_window_op *w, struct tr_window_rows *rows, uint32_t first, uint32_t count);

/** The same for sessions and for keys without any (those have only keys). */
tr_code tr_window_state_read_sessions(struct tr_window_op *w, const struct tr_state_record *record,
				      struct tr_window_rows *rows, struct tr_status *st) TR_MUST_USE;

/** Slots of the keys, into w->slots; the scratch of w has room for the rows after it. */
void tr_window_state_map_keys(struct tr_window_op *w, const struct tr_window_rows *rows);

/** Makes entries[i] hold what row i of `rows` says, whatever it held; positions of those that were empty go to `touched` (room
 * for count + 1). Returns how many. */
uint32_t tr_window_state_fill(struct tr_window_op *w, const struct tr_window_rows *rows, char *const *entries,
			      uint32_t *touched);

/** The same for entries that are all empty and all different. */
void tr_window_state_fill_new(struct tr_window_op *w, const struct tr_window_rows *rows, char *const *entries);

/** Adds the values of DISTINCT aggregate `kind` - TR_WINDOW_STATE_VALUES. Those of an entry that is empty are passed over: what is read
 * may begin behind a record of entries and before their values, and then the entry was written once more, further on. */
tr_code tr_window_state_fill_values(struct tr_window_op *w, uint16_t kind, const struct tr_window_rows *rows,
				    char *const *entries, struct tr_status *st) TR_MUST_USE;

/** Rows that still wait, as a batch of the input; `starts` are their watermarks. */
tr_code tr_window_state_read_waiting(struct tr_window_op *w, const struct tr_state_record *record,
				     struct tr_window_rows *rows, struct tr_batch *batch,
				     struct tr_status *st) TR_MUST_USE;

/** The same of a record that this operator has put since it began: all of its rows. */
tr_code tr_window_state_read_own_waiting(struct tr_window_op *w, const struct tr_state_record *record,
					 struct tr_window_rows *rows, struct tr_batch *batch,
					 struct tr_status *st) TR_MUST_USE;

/** All streams have been loaded: sets the operator's watermarks. Returns the mark; `fallback` if there was no stream. */
int64_t tr_window_state_loaded(struct tr_window_op *w, int64_t fallback);

/** About the bytes of `count` entries. */
uint64_t tr_window_state_bytes(struct tr_window_op *w, uint64_t count);

#endif
