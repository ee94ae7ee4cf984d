/* SPDX-License-Identifier: Apache-2.0
 *
 * Two streams in one operator: rows of each side have callbacks of their own, with shared state and timers.
 *
 *     orders ──key_by──▶ on_left_row  ┐
 *                                     ├─ the same keyed state, timers, collectors ──▶ one stream
 *     payments ─key_by─▶ on_right_row ┘
 *
 * Nothing is said about the order in which rows of the two sides come. The watermark is the lesser of both, so timers of
 * event time come when both sides have reached them; a side that is idle does not count.
 *
 * Errors, threads and ownership are those of function.h.
 */
#ifndef TAILRACE_CONNECT_H
#define TAILRACE_CONNECT_H

#include "tailrace/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As struct tr_function, with either by row or by batch for each side. */
struct tr_co_function {
	size_t struct_size; /* TR_MAKE */
	void *user;
	tr_code (*open)(struct tr_context *context, struct tr_status *st);
	tr_code (*on_left_row)(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			       struct tr_status *st);
	tr_code (*on_left_batch)(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
				 struct tr_status *st);
	tr_code (*on_right_row)(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
				struct tr_status *st);
	tr_code (*on_right_batch)(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
				  struct tr_status *st);
	tr_code (*on_timer)(struct tr_context *context, const struct tr_timer_event *timer, struct tr_collector *out,
			    struct tr_status *st);
	/* Both sides have ended. */
	tr_code (*on_end)(struct tr_context *context, struct tr_collector *out, struct tr_status *st);
	void (*close)(struct tr_context *context);
	tr_code (*on_start)(struct tr_context *context, struct tr_collector *out, struct tr_status *st);
};

/** Both sides keyed, by columns of the same types in the same order, or neither: then there are no state and timers. The event time of the
 * output is a column of the name and type of the left side's, else of the right side's. */
TR_API struct tr_stream *tr_stream_connect_process(struct tr_stream *left, struct tr_stream *right, const char *columns,
						   const struct tr_co_function *function);

/** Columns of the right side; those of the left one are tr_context_input. */
TR_API const struct tr_schema *tr_context_right_input(const struct tr_context *context);

#ifdef __cplusplus
}
#endif
#endif
