/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of an async function on one subtask, and the door by which answers come in from other threads.
 *
 *     operator ──get──▶ request ──▶ a callback, then any thread: rows into its collector, complete
 *        ▲                                     │
 *        └── take ◀── list under a lock, signal raised, worker woken   (completed in a callback: a list without a lock)
 *
 * What other threads may touch (requests, the rows they are for, names, schemas) outlives the operator, the job and its environment:
 * the door is closed when the operator goes, and freed with all of that when the last request has come back.
 *
 * A request that has come back is used again only after many others, so that a second completion is mostly noticed.
 *
 * Threads: the operator's worker, but for tr_async_ (include/tailrace/async.h), each request by one thread at a time; what both touch is under
 * `lock`, or atomic.
 */
#ifndef TR_API_RUN_REQUEST_H
#define TR_API_RUN_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/run_collector.h"
#include "base/arena.h"
#include "tailrace/async.h"

struct tr_run_flight;
struct tr_run_requests;
struct tr_worker;

/** Rows that requests are for, with memory of their own. */
struct tr_run_rows {
	struct tr_batch_buffer *buffer;
	uint32_t users; /* requests, and who goes through them */
	struct tr_run_rows *previous, *next;
};

/** What a request is answered with. */
struct tr_run_answer {
	struct tr_collector out;
	struct tr_run_answer *next;
};

struct tr_async_request {
	_Atomic uint32_t is_completed;
	uint32_t row;
	struct tr_run_requests *requests;
	struct tr_run_rows *rows;
	struct tr_run_answer *answer;
	struct tr_status *failure;     /* NULL: none */
	bool is_mistaken;              /* it is a mistake in how the request was answered: not to be retried */
	struct tr_run_flight *flight;  /* the worker's: whose answer it is; NULL: nobody wants it any more */
	struct tr_async_request *next; /* in the list that it is in */
};

struct tr_run_request_list {
	struct tr_async_request *first, *last;
	uint32_t count;
};

struct tr_run_requests {
	/* Immutable. */
	struct tr_arena arena;
	const char *name;
	struct tr_schema *input, *output;
	struct tr_worker *worker;
	uint32_t batch_rows;
	/* The worker's, until it is closed. */
	struct tr_run_request_list own;  /* completed in callbacks */
	struct tr_run_request_list free; /* the first is the one that has been free for longest */
	struct tr_run_answer *answers;
	struct tr_run_rows *rows;       /* all with users */
	struct tr_run_rows *spare_rows; /* without */
	void **slabs;
	uint32_t slab_count, slab_room;
	uint32_t open;   /* that have not come back; under lock from the closing on */
	bool is_misused; /* one was completed twice; as of the last `take` */
	/* Shared. */
	_Atomic uint32_t signal; /* written under lock */
	pthread_mutex_t lock;
	struct tr_run_request_list done; /* under lock */
	bool is_closed;                  /* under lock */
	bool is_completed_twice;         /* under lock */
};

struct tr_run_requests *tr_run_requests_create(const char *name, const struct tr_schema *input,
					       const struct tr_schema *output, struct tr_worker *worker,
					       uint32_t batch_rows);
/** The operator goes. What is still out comes to nothing. */
void tr_run_requests_close(struct tr_run_requests **requests);

/** A callback begins or ends: what it completes needs no lock. */
extern _Thread_local struct tr_run_requests *tr_run_requests_at_hand __attribute__((tls_model("initial-exec")));

/** A copy of the selected rows of a batch; the caller is a user. */
struct tr_run_rows *tr_run_rows_copy(struct tr_run_requests *requests, const struct tr_batch *batch);
/** Room for rows; the caller fills and seals the buffer. */
struct tr_run_rows *tr_run_rows_create(struct tr_run_requests *requests, uint32_t rows);
void tr_run_rows_drop(struct tr_run_requests *requests, struct tr_run_rows *rows);

/** A request for a row, to be handed out. */
struct tr_async_request *tr_run_request_get(struct tr_run_requests *requests, struct tr_run_rows *rows, uint32_t row);
/** One that was handed out, and was not: a callback has failed. It counts as completed, and is taken as others. */
void tr_run_request_give_up(struct tr_async_request *request);
/** One that was taken is done with. */
void tr_run_request_put(struct tr_async_request *request);

/** All that have been completed since, linked by `next`, in the order of completion. */
struct tr_async_request *tr_run_requests_take(struct tr_run_requests *requests);

/** The rows of its answer; borrowed until it is put. */
static inline const struct tr_batch *tr_run_request_batch(const struct tr_async_request *request)
{
	return &request->answer->out.buffer->batch;
}

#endif
