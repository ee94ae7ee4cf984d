/* SPDX-License-Identifier: Apache-2.0
 *
 * Window functions: what is made of the rows of a key and window. There are three ways, and a function has one of them:
 *
 *     add, result      an aggregate that takes rows as they come, in an accumulator of fixed size
 *     reduce           a row that each further row is folded into; `process`, if there is one, is given it
 *     process          all rows of the window, as one batch
 *
 * The first two keep a few bytes for each key and window; the third keeps all rows.
 *
 *     static void add(void *user, void *accumulator, const struct tr_row *row) { *(int64_t *)accumulator += tr_row_i64(row, 2); }
 *     static tr_code result(struct tr_context *context, const struct tr_window *window, const void *accumulator,
 *                           struct tr_collector *out, struct tr_status *st)
 *     {
 *             const struct tr_row key = tr_context_key(context);
 *
 *             tr_collector_set_column(out, 0, &key, 0);
 *             tr_collector_set_i64(out, 1, tr_window_last(window));
 *             tr_collector_set_i64(out, 2, *(const int64_t *)accumulator);
 *             tr_collector_add(out);
 *             return TR_OK;
 *     }
 *     ..
 *     tr_stream_window_process(tr_stream_key_by(rows, "user_id"), tr_windows_tumbling(60000),
 *                              "user_id BIGINT, window_time TIMESTAMP(3), total BIGINT",
 *                              &TR_MAKE(tr_window_function, .accumulator_bytes = 8, .add = add, .result = result), NULL);
 *
 * The current key (tr_context_key, state.h) is the window's; states that are declared in open are of the key and for all its
 * windows. What a column window_time of TIMESTAMP(3) or TIMESTAMP_LTZ(3) has is the event time from here on: tr_window_last is what
 * belongs there. Without such a column the result has no event time (tr_stream_event_time).
 *
 * Lateness. A row is late when the watermark has reached the end of its window by the allowed lateness: it is dropped and counted, or
 * goes to a side output (tr_stream_late_rows). What counts is the watermark at the row's place in its source, so several readers of a file make
 * no difference (for sessions they can). Until then it is in the window, whose function is called again, for all its rows. The state of
 * a window goes at that time.
 */
#ifndef TAILRACE_WINDOW_FUNCTION_H
#define TAILRACE_WINDOW_FUNCTION_H

#include "tailrace/stream.h"
#include "tailrace/trigger.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_window_function {
	size_t struct_size;
	void *user; /* of tr_context_user */
	/* Once per subtask, before the first row: states of the keys are declared here. May be NULL, as close. */
	tr_code (*open)(struct tr_context *context, struct tr_status *st);
	void (*close)(struct tr_context *context);

	/* An aggregate. Accumulators are structs without pointers, aligned to 8; `version` is that of their layout. */
	uint32_t accumulator_bytes; /* up to 65,536 */
	uint32_t version;
	void (*create)(void *user, void *accumulator); /* NULL: zeros */
	void (*add)(void *user, void *accumulator, const struct tr_row *row);
	/* Faster: accumulators[i] is that of the i-th selected row. `add` is needed all the same. */
	void (*add_batch)(void *user, void *const *accumulators, const struct tr_batch *batch);
	void (*merge)(void *user, void *accumulator, const void *other); /* sessions need it */
	/* The window fires. */
	tr_code (*result)(struct tr_context *context, const struct tr_window *window, const void *accumulator,
			  struct tr_collector *out, struct tr_status *st);

	/* Folding rows (stream.h). Without `process` the row itself is the result, and the columns are those of the stream. */
	tr_reduce_rows_fn reduce;

	/* All rows, in the order in which they came (of merged sessions: one session after the other). With an evictor there may be none. */
	tr_code (*process)(struct tr_context *context, const struct tr_window *window, const struct tr_batch *rows,
			   struct tr_collector *out, struct tr_status *st);

	/* State of each key and window, not for sessions: tr_context_window_state, up to 4,096 bytes, zeros at first. */
	uint32_t state_bytes;
	/* The window has ended: what is kept elsewhere for it may go. */
	tr_code (*clear)(struct tr_context *context, const struct tr_window *window, struct tr_status *st);
};

/** In result, process and clear: state of the key and window; NULL: the function has none. */
TR_API void *tr_context_window_state(struct tr_context *context);

struct tr_window_options {
	size_t struct_size;
	const struct tr_trigger *trigger; /* NULL: that of the windows */
	const struct tr_evictor *evictor; /* NULL: none */
	int64_t allowed_lateness_ms;      /* windows of event time */
};

/** Over a keyed stream, or one of tr_stream_window_all. `options` may be NULL. Function and options are copied. `columns` is NULL with
 * `reduce` and no `process`. */
TR_API struct tr_stream *tr_stream_window_process(struct tr_stream *stream, struct tr_windows windows,
						  const char *columns, const struct tr_window_function *function,
						  const struct tr_window_options *options);

/** Of each key and window the fold of its rows: a function with nothing but `reduce`. */
TR_API struct tr_stream *tr_stream_window_reduce(struct tr_stream *stream, struct tr_windows windows,
						 tr_reduce_rows_fn reduce, void *user,
						 const struct tr_window_options *options);

/** The late rows of windows with functions in C, with the columns and the event time of what these read. Without it they are dropped and
 * counted (tr_job_metrics). */
TR_API struct tr_stream *tr_stream_late_rows(struct tr_stream *windows);

/** All rows as if of one key, on one subtask: for windows over all of a stream. */
TR_API struct tr_stream *tr_stream_window_all(struct tr_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
