/* SPDX-License-Identifier: Apache-2.0
 *
 * Event time: which time a row has, and how the watermark follows. A strategy stands at a source (tr_env_from_source and its likes),
 * where it works split by split, or in the middle of a graph (tr_stream_assign_watermarks), where it works subtask by subtask.
 *
 *     TR_MAKE(tr_watermark_strategy, .time_column = "ts", .out_of_orderness_ms = 5000, .idle_timeout_ms = 60000)
 *
 * A watermark w says: no more rows with times up to w. Watermarks only move forward: a lower one does nothing. The bounded strategy follows
 * the greatest time t seen with t - out_of_orderness_ms - 1: a row is not late that is late by out_of_orderness_ms. (SQL's WATERMARK says
 * its own expression, and that may be t itself.) It moves with rows, by pipeline.auto-watermark-interval at least, and in that
 * interval of the clock while rows don't come. The watermark of a source is the least of its splits.
 *
 * Idle: a split (in the middle: a subtask) without rows for idle_timeout_ms holds nobody back; its next row makes it active again. A watermark
 * that a source says itself counts as a row.
 *
 * Alignment: sources with one alignment_group wait for one another. One whose watermark is ahead of the least of the group by more
 * than max_drift_ms is not read until the others have come; a source in C goes on with those of its splits that are not ahead.
 * Sources that are idle or have ended do not count. Each source looks every update_interval_ms.
 *
 * What a generator remembers is not saved: it begins anew after a restart. The watermark that was reached is.
 *
 * Times are milliseconds since 1970; those up to 1970 do not count at sources. Threads as for functions: all calls for one `own` come
 * from one thread at a time.
 */
#ifndef TAILRACE_WATERMARK_H
#define TAILRACE_WATERMARK_H

#include "tailrace/batch.h"
#include "tailrace/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A generator of one's own. Punctuated: on_row or on_batch raises the watermark by what it sees in the rows. Periodic: on_periodic
 * does, from what was remembered. At a source in C there is one for each split, else one for each subtask. */
struct tr_watermark_generator {
	size_t struct_size;
	void *user;
	/* *own is given to the others. NULL: they are given `user`. */
	tr_code (*open)(void *user, void **own, struct tr_status *st);
	/* After each row: *watermark_ms is what is in force, to be raised for the rows behind this one. */
	tr_code (*on_row)(void *own, const struct tr_row *row, int64_t time_ms, int64_t *watermark_ms,
			  struct tr_status *st);
	/* Instead of on_row, for many rows: item i is of the i-th selected row. The watermarks are TR_WATERMARK_MIN, to be set where one is
	 * to be in force behind the row. */
	tr_code (*on_batch)(void *own, const struct tr_batch *batch, const int64_t *times_ms, int64_t *watermarks_ms,
			    struct tr_status *st);
	/* Each pipeline.auto-watermark-interval (0: never), unless idle. */
	tr_code (*on_periodic)(void *own, int64_t *watermark_ms, struct tr_status *st);
	void (*close)(void *own);
};

/** The time of a row. */
typedef int64_t (*tr_time_fn)(void *user, const struct tr_row *row);

struct tr_watermark_strategy {
	size_t struct_size;
	/* The column, TIMESTAMP(0..3) or TIMESTAMP_LTZ(0..3), that is the event time; with time_expression or assign_time a new column
	 * behind the others, of this name. NULL: there is no event time. */
	const char *time_column;
	int64_t out_of_orderness_ms; /* 0: times only grow (equal ones are no harm) */
	int64_t idle_timeout_ms;     /* 0: never idle */
	const char *time_expression; /* SQL over the columns, a TIMESTAMP(0..3) or TIMESTAMP_LTZ(0..3) */
	tr_time_fn assign_time;      /* given `user`; the column is a TIMESTAMP(3) */
	void *user;
	const struct tr_watermark_generator *generator; /* copied; NULL: the bounded strategy */
	bool has_no_watermarks;                         /* times, but no watermark before the end of the input */
	const char *alignment_group;                    /* of sources; NULL: none */
	int64_t max_drift_ms;
	int64_t update_interval_ms; /* 0: 1,000 */
};

#ifdef __cplusplus
}
#endif
#endif
