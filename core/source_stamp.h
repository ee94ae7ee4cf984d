/* SPDX-License-Identifier: Apache-2.0
 *
 * Stamping: which watermark each row of a scan carries. The arithmetic of core/source_task.c, without its states.
 *
 * Flink's WatermarkAssignerOperator, row by row: current = max(current, the row's watermark if it has one); the row is
 * forwarded; then, if current - last > interval, last = current is emitted. So row r carries what was in force before
 * it, and the row after one that moved the watermark starts a new run. Both values start from 0 as in Flink, so times
 * before 1970 emit nothing.
 */
#ifndef TR_CORE_SOURCE_STAMP_H
#define TR_CORE_SOURCE_STAMP_H

#include "core/carry.h"
#include "io/source.h"

struct tr_source_plan;

/** Event-time state of a split. */
struct tr_stamp {
	int64_t current_ms;
	int64_t last_ms;
};

/** A decoded batch that waits. */
struct tr_source_entry {
	struct tr_batch_buffer *buffer;
	struct tr_chunk_info info;
	int64_t *watermarks;   /* per row; TR_WATERMARK_MIN where the expression is NULL */
	int64_t greatest_ms;   /* of them */
	uint32_t skip;         /* rows at its beginning that had been pushed before a restore */
	struct tr_stamp after; /* the split's state after the last row */
};

/** What a subtask remembers about the other splits: all below `first_open` are finished. */
struct tr_stamp_others {
	uint64_t first_open;
	int64_t finished_ms; /* greatest watermark of a finished split; 0: none */
	int64_t idle_ms;     /* and of the idle ones, when last asked */
};

/** Whether a row of the time column is NULL, and which. */
bool tr_stamp_find_null(const struct tr_column *time, uint32_t row_count, uint32_t *row);

/** Copies the watermark column of the entry's batch into the entry. Rows that are skipped move nothing. */
void tr_stamp_keep(struct tr_source_entry *entry, const struct tr_column *watermark);

/** Gives the entry's batch its runs, and moves the state over its rows, and to what the source says behind them. */
void tr_stamp_batch(struct tr_stamp *stamp, struct tr_source_entry *entry, int64_t interval_ms);

/** Lowers the runs of a stamped batch to `least_ms` (the other splits), but not below `floor_ms` (already emitted). */
void tr_stamp_limit(struct tr_source_entry *entry, int64_t least_ms, int64_t floor_ms);

/** The least watermark over all splits of the source but `but` (UINT64_MAX: none left out). MIN while a split has not
 * been begun; finished splits and those without rows for the idle timeout don't count. `use_current`: what the timer
 * would emit, not what has been. */
int64_t tr_stamp_others_least(struct tr_stamp_others *others, const struct tr_source_plan *plan, uint64_t but,
			      bool use_current, int64_t now_ns);

#endif
