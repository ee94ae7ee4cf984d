/* SPDX-License-Identifier: Apache-2.0
 *
 * Assigning the rows of a batch to slices, and deciding which rows are late.
 *
 *     batch ──▶ times (local) ──▶ least, greatest, sorted?
 *                 all in one slice, none late   one target, the rows as they are
 *                 sorted, none late             borders of slices are searched; the rows as they are
 *                 nearly all in one slice       that slice, and a list of exceptions: late rows, other slices
 *                 otherwise                     row by row, against the row's own watermark run; rows are then
 *                                               grouped by target, in their order within each
 *
 * A target is a slice together with the first window that its rows still enter. For a row that is on time that is the
 * slice's first window; a row that is late for some windows of its slice but not for all has a later one, and must be
 * kept apart from the others, because a window for which it is late may not have fired yet here (the watermark of this
 * subtask lags behind the row's own). With CUMULATE such a row simply moves to the slice whose first window it enters:
 * every later window contains that slice as well.
 */
#ifndef TR_CORE_OPS_WINDOW_ASSIGN_H
#define TR_CORE_OPS_WINDOW_ASSIGN_H

#include "base/batch.h"
#include "core/ops/window_time.h"
#include "tailrace/status.h"

struct tr_window_target {
	int64_t start;     /* of the slice */
	int64_t first_end; /* of the first window that the rows enter */
	uint32_t first;    /* rows[first .. first + count) */
	uint32_t count;
};

struct tr_window_assign {
	struct tr_window_clock *clock;
	/* The answer: */
	const uint32_t *rows; /* rows that are not late, grouped by target; NULL: 0 .. count - 1 */
	uint32_t count;
	uint32_t late_count;
	struct tr_window_target *targets;
	uint32_t target_count;
	/* Most rows are in targets[0], without being grouped: `rows` is the batch's own selection, and exceptions[0 ..
	 * exception_count) are the positions that are not; grouped by target from the second on (`first` counts in
	 * exceptions), then the late ones. */
	bool has_exceptions;
	uint32_t *exceptions;
	uint32_t exception_count;
	/* Scratch, by position in the batch: */
	uint32_t capacity;
	int64_t *times;
	uint32_t *ids;
	uint32_t *exception_ids;
	uint32_t *grouped;
	uint32_t *map; /* target number plus one by hash of the target; map_bits */
	uint32_t map_bits;
	uint32_t *by_slice; /* target number plus one of on-time rows, by slice number from the batch's first */
};

void tr_window_assign_init(struct tr_window_assign *assign, struct tr_window_clock *clock);
void tr_window_assign_deinit(struct tr_window_assign *assign);

/** Assigns the rows of a batch. A row's watermark is that of its run, but at least `watermark_ms`. TR_ERR_DATA: the
 * time is NULL or out of range; the message has the row. */
tr_code tr_window_assign_rows(struct tr_window_assign *assign, const struct tr_batch *batch, int64_t watermark_ms,
			      struct tr_status *st) TR_MUST_USE;

/** Turns an answer with exceptions into one whose rows are grouped. */
void tr_window_assign_group(struct tr_window_assign *assign, const struct tr_batch *batch);

/** The same for a batch of partials, whose target stands in two BIGINT columns. A partial that came after its first
 * window had fired enters the next one that is open; late_count counts the rows (`rows_column`) of those that have none. */
void tr_window_assign_partials(struct tr_window_assign *assign, const struct tr_batch *batch, uint32_t start_column,
			       uint32_t first_end_column, uint32_t rows_column, int64_t watermark_ms);

/** Makes the times of all rows local in assign->times, by position, and checks them. */
tr_code tr_window_assign_times(struct tr_window_assign *assign, const struct tr_batch *batch,
			       struct tr_status *st) TR_MUST_USE;

/** The watermark of the run of position `position`, at least `watermark_ms`; `run` is a cursor, 0 at first. */
static inline int64_t tr_window_row_watermark(const struct tr_batch *batch, uint32_t row, uint32_t *run,
					      int64_t watermark_ms)
{
	if (batch->run_count == 0)
		return watermark_ms;
	*run = tr_batch_run_of(batch, row, *run);
	return batch->runs[*run].watermark_ms > watermark_ms ? batch->runs[*run].watermark_ms : watermark_ms;
}

#endif
