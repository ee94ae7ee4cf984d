/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions: what a job does with its rows, in C.
 *
 * One struct serves map, flat map and process functions. It is a table of callbacks; an operator calls them on each of its
 * subtasks, which are numbered from 0 and share nothing but `user`:
 *
 *     open ──▶ on_start ──▶ on_row, on_row, .. on_timer, .. on_end ──▶ close
 *
 * A function goes row by row (on_row) or takes whole batches (on_batch), which is faster; it has one of the two. What it makes
 * goes to a collector, whose columns are those that it was declared with:
 *
 *     static tr_code split(struct tr_context *context, const struct tr_row *row, struct tr_collector *out, struct tr_status *st)
 *     {
 *             const struct tr_view *line = tr_row_text(row, 0);
 *             for each word of it:
 *                     tr_collector_set_text(out, 0, word, length);
 *                     tr_collector_add(out);
 *             return TR_OK;
 *     }
 *
 * Errors. A callback that returns another code than TR_OK fails the job, with the message that it has left in `st` (TR_FAIL) behind
 * the operator's name; the job then follows its restart strategy (which starts no job anew after TR_ERR_USAGE, TR_ERR_DATA and
 * TR_ERR_CONFIG). So does a mistake in using what is declared here: a column that is not there or is of another kind, a state or timer
 * without a key, more rows than there is room for. The call then does nothing, and the job fails with TR_ERR_USAGE when the callback
 * has returned. Builds with debug checks also see what is written behind a vector's end.
 *
 * Threads. All callbacks of a subtask come from one thread at a time, never at once; those of different subtasks may. Context,
 * collector and state may be used inside of the callbacks that are given them, on their thread, and nowhere else: that
 * ends the process with the operator's name.
 */
#ifndef TAILRACE_FUNCTION_H
#define TAILRACE_FUNCTION_H

#include "tailrace/batch.h"
#include "tailrace/version.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_context;
struct tr_collector;

/** A timer that has come. */
struct tr_timer_event {
	int64_t time_ms;
	bool is_processing_time;
};

struct tr_function {
	size_t struct_size; /* TR_MAKE */
	void *user;         /* of tr_context_user; shared by all subtasks; the job does not free it */
	/* Once, before the first row and before state is restored: states are declared here (state.h). */
	tr_code (*open)(struct tr_context *context, struct tr_status *st);
	tr_code (*on_row)(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			  struct tr_status *st);
	/* At least one row, all with one watermark. */
	tr_code (*on_batch)(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			    struct tr_status *st);
	/* Process functions on keyed streams only; the current key is the timer's. */
	tr_code (*on_timer)(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			    struct tr_status *st);
	/* The input has ended; all timers of event time have come before. There is no current key. */
	tr_code (*on_end)(struct tr_context *context, struct tr_collector *out, struct tr_status *st);
	/* Always, also after a failure, if open was called. */
	void (*close)(struct tr_context *context);
	/* Once, before the first other callback but open: state has been restored, if there was any. There is no current key;
	 * tr_context_for_each_key goes through those with state. */
	tr_code (*on_start)(struct tr_context *context, struct tr_collector *out, struct tr_status *st);
};

/* The context. */

/** `user` of the function, and what tr_context_set_own has left on this subtask (NULL at first). */
TR_API void *tr_context_user(const struct tr_context *context);
TR_API void *tr_context_own(const struct tr_context *context);
TR_API void tr_context_set_own(struct tr_context *context, void *own);

/** Whether the job goes on from a checkpoint or savepoint. */
TR_API bool tr_context_is_restored(const struct tr_context *context);

TR_API uint32_t tr_context_subtask(const struct tr_context *context);
TR_API uint32_t tr_context_subtask_count(const struct tr_context *context);

/** Columns of the input and of the output; for tr_schema_find. They live as long as the job. */
TR_API const struct tr_schema *tr_context_input(const struct tr_context *context);
TR_API const struct tr_schema *tr_context_output(const struct tr_context *context);

/** Milliseconds since 1970 (UTC): the wall clock, sampled once per batch. */
TR_API int64_t tr_context_processing_time(const struct tr_context *context);

/** The watermark in force for the row, batch or timer at hand; TR_WATERMARK_MIN: none yet. */
TR_API int64_t tr_context_watermark(const struct tr_context *context);

/** Event time of the row at hand, or the time of the timer. TR_WATERMARK_MIN: the stream has no event time, or it is NULL. */
TR_API int64_t tr_context_timestamp(const struct tr_context *context);

/** On keyed streams: the current key, one row with the key columns in the order of key_by; holds for the callback. In on_row it is the
 * row's, in on_timer the timer's; in on_batch it is that of the row chosen last. */
TR_API struct tr_row tr_context_key(struct tr_context *context);

/** In on_batch on keyed streams: row i of the selected ones of the batch at hand gives the current key and time. */
TR_API void tr_context_choose(struct tr_context *context, uint32_t i);

/** The collector of a side output, whose columns are those of tr_stream_side_output; looked up once, in open. It is used as `out` is, in the
 * same callbacks. What is written to one that no stream stands for is dropped. */
TR_API struct tr_collector *tr_context_side_output(struct tr_context *context, const char *tag);

/* The collector: rows one at a time. */

/** Sets a column of the row that is being made; what is not set is NULL. `value` is narrowed to the column's width. */
TR_API void tr_collector_set_i64(struct tr_collector *out, uint32_t column, int64_t value);
TR_API void tr_collector_set_f64(struct tr_collector *out, uint32_t column, double value);
/** Copies the bytes. */
TR_API void tr_collector_set_text(struct tr_collector *out, uint32_t column, const char *text, uint32_t length);
/** Any type: column `from` of a row, whose type must be that of the column. */
TR_API void tr_collector_set_column(struct tr_collector *out, uint32_t column, const struct tr_row *row, uint32_t from);
TR_API void tr_collector_set_null(struct tr_collector *out, uint32_t column);
/** Adds the row that was made, and begins the next. */
TR_API void tr_collector_add(struct tr_collector *out);
/** Adds a row of a stream with the same columns. A map's row is added by itself. */
TR_API void tr_collector_add_row(struct tr_collector *out, const struct tr_row *row);

/* The collector: many rows at once. */

/** Room for `rows` (at most TR_BATCH_ROWS_MAX) more rows. Then column c is written by tr_collector_data, which has room for as many
 * values of the type's width, and tr_collector_advance adds them. Fixed-width types; a text is a struct tr_view, and a
 * long one must point to memory that holds until the next callback, or be of tr_collector_text. NULL only as
 * tr_collector_nulls says: clear bits of it are NULL, from bit tr_collector_first on; and columns whose data nobody has asked for. */
TR_API void tr_collector_reserve(struct tr_collector *out, uint32_t rows);
TR_API void *tr_collector_data(struct tr_collector *out, uint32_t column);
TR_API uint64_t *tr_collector_nulls(struct tr_collector *out, uint32_t column);
TR_API uint32_t tr_collector_first(const struct tr_collector *out);
TR_API struct tr_view tr_collector_text(struct tr_collector *out, const char *text, uint32_t length);
TR_API void tr_collector_advance(struct tr_collector *out, uint32_t rows);

/** Adds the selected rows of a batch with the output's columns, whose schema may be tr_context_output. Its columns may be those of the batch at hand, so that passing a column
 * on costs nothing, or the function's own, which then must hold until its next callback. */
TR_API void tr_collector_add_batch(struct tr_collector *out, const struct tr_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
