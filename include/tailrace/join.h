/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins: rows of two keyed streams that have equal keys and belong together by time.
 *
 *     tr_stream_window_join(tr_stream_key_by(orders, "id"), tr_stream_key_by(payments, "order_id"), tr_windows_tumbling(60000),
 *                           "id BIGINT, amount BIGINT, window_time TIMESTAMP(3)", pair, NULL, NULL)
 *
 * Both streams are keyed by columns of the same types in the same order. Their rows come into the same windows (window.h), whose triggers and
 * lateness are those of window_function.h; there are no evictors. Late rows are dropped and counted. The watermark is the lesser of both.
 *
 *     tr_stream_interval_join(tr_stream_key_by(orders, "id"), tr_stream_key_by(payments, "order_id"), 0, 3600000,
 *                             "id BIGINT, paid TIMESTAMP(3)", pay, NULL, NULL)
 *
 * joins without windows: each order with the payments of the hour that follows it.
 */
#ifndef TAILRACE_JOIN_H
#define TAILRACE_JOIN_H

#include "tailrace/window_function.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Makes what it likes of two rows that belong together. */
typedef tr_code (*tr_join_fn)(struct tr_context *context, const struct tr_row *left, const struct tr_row *right,
			      struct tr_collector *out, struct tr_status *st);

/** Of each key and window each row of the left side with each of the right side: a row without one on the other side is in no pair.
 * `user` is that of tr_context_user, and tr_context_timestamp the last time of the window. */
TR_API struct tr_stream *tr_stream_window_join(struct tr_stream *left, struct tr_stream *right,
					       struct tr_windows windows, const char *columns, tr_join_fn join,
					       void *user, const struct tr_window_options *options);

struct tr_co_group_function {
	size_t struct_size;
	void *user;
	tr_code (*open)(struct tr_context *context, struct tr_status *st);
	void (*close)(struct tr_context *context);
	/* All rows of a key and window; one of the sides may have none. */
	tr_code (*process)(struct tr_context *context, const struct tr_window *window, const struct tr_batch *left,
			   const struct tr_batch *right, struct tr_collector *out, struct tr_status *st);
};

/** Of each key and window the rows of both sides at once: for joins of other sorts. */
TR_API struct tr_stream *tr_stream_co_group(struct tr_stream *left, struct tr_stream *right, struct tr_windows windows,
					    const char *columns, const struct tr_co_group_function *function,
					    const struct tr_window_options *options);

#define TR_INTERVAL_MS_MAX 1000000000000000 /* either way */

struct tr_interval_options {
	size_t struct_size; /* TR_MAKE */
	bool is_lower_exclusive, is_upper_exclusive;
	/* Side outputs for rows that are late, with the columns of their side (tr_stream_side_output of the join). NULL: they are dropped.
	 * Both are counted. */
	const char *left_late_tag, *right_late_tag;
};

/** Of each key each pair of rows with left time + lower_ms <= right time <= left time + upper_ms (either may be negative; options: < instead
 * of <=), once, when the later one of them comes. tr_context_timestamp is the greater time of both: what the output's column of event
 * time is to be set to. A row meets those of the other side in the order of their times. Rows are kept until the watermark says that no row to come can be
 * in a pair with them. A row is late if its time is less than the watermark; it is in no pair. Of event time only; `user` is that of
 * tr_context_user, `options` may be NULL. */
TR_API struct tr_stream *tr_stream_interval_join(struct tr_stream *left, struct tr_stream *right, int64_t lower_ms,
						 int64_t upper_ms, const char *columns, tr_join_fn join, void *user,
						 const struct tr_interval_options *options);

#ifdef __cplusplus
}
#endif
#endif
