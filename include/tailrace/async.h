/* SPDX-License-Identifier: Apache-2.0
 *
 * Async functions: look-ups in what lies outside, many at a time. A callback begins a request for a row and returns at once; whoever
 * has the answer, on whatever thread, completes the request with any number of rows.
 *
 *     on_row(row, request) ──▶ a client or threads of your own ──▶ rows into tr_async_out(request), tr_async_complete(request)
 *
 *     static tr_code look_up(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request, struct tr_status *st)
 *     {
 *             return client_get(tr_context_own(context), tr_row_i64(row, 0), on_answer, request);
 *     }
 *     static void on_answer(void *request, const char *name, uint32_t length)       a thread of the client
 *     {
 *             struct tr_row row = tr_async_row(request);
 *             tr_collector_set_column(tr_async_out(request), 0, &row, 0);
 *             tr_collector_set_text(tr_async_out(request), 1, name, length);
 *             tr_collector_add(tr_async_out(request));
 *             tr_async_complete(request);
 *     }
 *
 * Order. What requests make comes in the order of their rows, or, with is_unordered, as soon as it is there; but nothing overtakes a
 * watermark, and no watermark a row that came before it. Watermarks and the end of the input wait for all requests before them.
 *
 * How many. With `capacity` rows in flight on a subtask (in order: also those whose results wait for ones before them) it takes no more
 * until one is through: the stream before it waits, and so do checkpoints behind rows that wait.
 *
 * Exactly once. Rows in flight are part of each checkpoint and savepoint. A restored job requests them anew before all else, in their
 * order; with another number of subtasks they are dealt out anew. So each row is answered once in what comes out, though the outside may be
 * asked twice.
 *
 * The rule. Each request is completed exactly once, by tr_async_complete or tr_async_fail, on any thread, in the callback or later; also after it
 * has timed out or the job has ended, when nothing comes of it. Then it must not be used any more: a second completion fails the job.
 * One that is never completed holds back all behind it, and its memory is never freed.
 */
#ifndef TAILRACE_ASYNC_H
#define TAILRACE_ASYNC_H

#include "tailrace/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tr_async_request;

/** Callbacks as those of struct tr_function: on the subtask's own thread, never at once. They must not wait. */
struct tr_async_function {
	size_t struct_size; /* TR_MAKE */
	void *user;
	tr_code (*open)(struct tr_context *context, struct tr_status *st);
	/* Begins the request. `row` is tr_async_row. With an error the job fails, and the request counts as completed. */
	tr_code (*on_row)(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			  struct tr_status *st);
	/* Instead of on_row: begins one request for each selected row, requests[i] for the i-th. Each is completed on its own. With an error
	 * all that are not completed count as such. */
	tr_code (*on_batch)(struct tr_context *context, const struct tr_batch *batch,
			    struct tr_async_request *const *requests, struct tr_status *st);
	/* The row's time is up. `request` is another one than that of on_row, which will come to nothing: it decides instead, and has no time
	 * limit and no retries. NULL: the job fails (TR_ERR_UNAVAILABLE), and is restarted. */
	tr_code (*on_timeout)(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
			      struct tr_status *st);
	/* Always. Requests may still be open; they are to be completed or dropped, and threads of the function's own to be ended. */
	void (*close)(struct tr_context *context);
};

/** What is to be requested again, after a while. `retries_max` 0: nothing. What is not retried any more counts: rows are passed on, an
 * error fails the job. */
struct tr_async_retry {
	uint32_t retries_max;
	int64_t delay_ms;
	double multiplier;    /* of each delay after the first; 0: they are all the same */
	int64_t delay_max_ms; /* 0: any */
	/* Whether a request that was completed with these rows (perhaps none), or with this error, is to be made again. NULL: no. */
	bool (*on_rows)(void *user, const struct tr_batch *rows);
	bool (*on_error)(void *user, tr_code code, const char *message);
};

/** For on_rows: there are none. For on_error: always. */
TR_API bool tr_async_if_empty(void *user, const struct tr_batch *rows);
TR_API bool tr_async_if_error(void *user, tr_code code, const char *message);

#define TR_ASYNC_CAPACITY 100
#define TR_ASYNC_CAPACITY_MAX 1000000

struct tr_async_options {
	size_t struct_size; /* TR_MAKE */
	bool is_unordered;
	uint32_t capacity;  /* rows in flight on a subtask; 0: TR_ASYNC_CAPACITY */
	int64_t timeout_ms; /* for each row, with all its retries; begins anew when the job is restored. 0: none */
	struct tr_async_retry retry;
};

/** `options` NULL: ordered, 100 rows, no time limit, no retries. State and timers cannot be used, on keyed streams neither. */
TR_API struct tr_stream *tr_stream_async(struct tr_stream *stream, const char *columns,
					 const struct tr_async_function *function,
					 const struct tr_async_options *options);

/* Requests: by one thread at a time, until it is completed. */

/** The row that it is for. */
TR_API struct tr_row tr_async_row(const struct tr_async_request *request);
/** Where its rows go; at most TR_BATCH_ROWS_MAX. */
TR_API struct tr_collector *tr_async_out(struct tr_async_request *request);
/** It is done, with the rows that were added, or none. */
TR_API void tr_async_complete(struct tr_async_request *request);
/** It has failed: unless it is retried, so does the job, with `message` behind the operator's name. Rows that were added are dropped. */
TR_API void tr_async_fail(struct tr_async_request *request, tr_code code, const char *message);

#ifdef __cplusplus
}
#endif
#endif
