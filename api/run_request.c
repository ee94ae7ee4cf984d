/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_request.h, and include/tailrace/async.h for what users see.
 */
#include "api/run_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/run_context.h"
#include "base/check.h"
#include "base/type.h"
#include "core/worker.h"

#define SLAB_REQUESTS 64
#define FREE_MIN 64 /* requests that come to rest before one is used again */
#define ANSWER_ROWS 4
#define ANSWER_ROWS_KEPT 64

_Thread_local struct tr_run_requests *tr_run_requests_at_hand;

/* Lists. */

static void list_add(struct tr_run_request_list *list, struct tr_async_request *request)
{
	request->next = NULL;
	if (list->first == NULL)
		list->first = request;
	else
		list->last->next = request;
	list->last = request;
	list->count++;
}

static struct tr_async_request *list_take_first(struct tr_run_request_list *list)
{
	struct tr_async_request *first = list->first;

	list->first = first->next;
	list->count--;
	return first;
}

static void list_move(struct tr_run_request_list *to, struct tr_run_request_list *from)
{
	if (from->first == NULL)
		return;
	if (to->first == NULL)
		to->first = from->first;
	else
		to->last->next = from->first;
	to->last = from->last;
	to->count += from->count;
	*from = (struct tr_run_request_list){0};
}

/* Making. */

static struct tr_schema *copy_schema(struct tr_arena *arena, const struct tr_schema *schema)
{
	struct tr_schema *copy = TR_NEW(arena, struct tr_schema);
	const struct tr_type **types = TR_NEW_ARRAY(arena, schema->column_count + 1, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(arena, schema->column_count + 1, const char *);

	for (uint32_t i = 0; i < schema->column_count; i++) {
		types[i] = tr_type_copy(arena, schema->types[i]);
		names[i] = tr_arena_printf(arena, "%s", schema->names[i]);
	}
	*copy = (struct tr_schema){schema->column_count, names, types};
	return copy;
}

struct tr_run_requests *tr_run_requests_create(const char *name, const struct tr_schema *input,
					       const struct tr_schema *output, struct tr_worker *worker,
					       uint32_t batch_rows)
{
	struct tr_run_requests *r = tr_checked(calloc(1, sizeof(*r)));

	tr_arena_init(&r->arena, 0);
	r->name = tr_arena_printf(&r->arena, "%s", name);
	r->input = copy_schema(&r->arena, input);
	r->output = copy_schema(&r->arena, output);
	r->worker = worker;
	r->batch_rows = batch_rows;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

static void destroy_rows(struct tr_run_rows *list)
{
	while (list != NULL) {
		struct tr_run_rows *next = list->next;

		tr_batch_buffer_destroy(&list->buffer);
		free(list);
		list = next;
	}
}

static void destroy_answer(struct tr_run_answer *answer)
{
	tr_run_collector_deinit(&answer->out);
	free(answer);
}

static void destroy(struct tr_run_requests *r)
{
	for (uint32_t s = 0; s < r->slab_count; s++) {
		struct tr_async_request *slab = r->slabs[s];

		for (uint32_t i = 0; i < SLAB_REQUESTS; i++) {
			if (slab[i].answer != NULL)
				destroy_answer(slab[i].answer);
			free(slab[i].failure);
		}
		free(slab);
	}
	while (r->answers != NULL) {
		struct tr_run_answer *next = r->answers->next;

		destroy_answer(r->answers);
		r->answers = next;
	}
	destroy_rows(r->rows);
	destroy_rows(r->spare_rows);
	free(r->slabs);
	pthread_mutex_destroy(&r->lock);
	tr_arena_deinit(&r->arena);
	free(r);
}

void tr_run_requests_close(struct tr_run_requests **requests)
{
	struct tr_run_requests *r = *requests;
	bool is_last;

	*requests = NULL;
	pthread_mutex_lock(&r->lock);
	r->open -= r->done.count + r->own.count;
	r->is_closed = true;
	is_last = r->open == 0;
	pthread_mutex_unlock(&r->lock);
	if (is_last)
		destroy(r);
}

/* Rows. */

struct tr_run_rows *tr_run_rows_create(struct tr_run_requests *r, uint32_t count)
{
	struct tr_run_rows *rows = r->spare_rows;

	if (rows != NULL && count <= r->batch_rows) {
		r->spare_rows = rows->next;
		tr_batch_buffer_clear(rows->buffer);
	} else {
		rows = tr_checked(calloc(1, sizeof(*rows)));
		rows->buffer = tr_batch_buffer_create(r->input, TR_MAX(count, r->batch_rows));
		tr_batch_buffer_clear(rows->buffer);
	}
	rows->users = 1;
	rows->previous = NULL;
	rows->next = r->rows;
	if (r->rows != NULL)
		r->rows->previous = rows;
	r->rows = rows;
	return rows;
}

struct tr_run_rows *tr_run_rows_copy(struct tr_run_requests *r, const struct tr_batch *batch)
{
	struct tr_run_rows *rows = tr_run_rows_create(r, batch->selected_count);
	uint32_t count = 0, numbers[256];

	for (uint32_t i = 0, n; i < batch->selected_count; i += n) {
		n = TR_MIN(batch->selected_count - i, (uint32_t)TR_COUNT_OF(numbers));
		for (uint32_t k = 0; k < n; k++)
			numbers[k] = tr_batch_row(batch, i + k);
		count = tr_batch_buffer_append(rows->buffer, count, batch, numbers, n);
	}
	tr_batch_buffer_seal(rows->buffer, count);
	return rows;
}

void tr_run_rows_drop(struct tr_run_requests *r, struct tr_run_rows *rows)
{
	if (--rows->users > 0)
		return;
	if (rows->previous != NULL)
		rows->previous->next = rows->next;
	else
		r->rows = rows->next;
	if (rows->next != NULL)
		rows->next->previous = rows->previous;
	rows->next = NULL;
	if (rows->buffer->capacity != r->batch_rows) {
		destroy_rows(rows);
		return;
	}
	rows->next = r->spare_rows;
	r->spare_rows = rows;
}

/* Requests. */

static void add_slab(struct tr_run_requests *r)
{
	struct tr_async_request *slab = tr_checked(calloc(SLAB_REQUESTS, sizeof(*slab)));

	if (r->slab_count == r->slab_room) {
		r->slab_room = TR_MAX(8u, 2 * r->slab_room);
		r->slabs = tr_checked(realloc(r->slabs, r->slab_room * sizeof(*r->slabs)));
	}
	r->slabs[r->slab_count++] = slab;
	for (uint32_t i = 0; i < SLAB_REQUESTS; i++) {
		slab[i].requests = r;
		atomic_init(&slab[i].is_completed, 1);
		list_add(&r->free, &slab[i]);
	}
}

static struct tr_run_answer *get_answer(struct tr_run_requests *r)
{
	struct tr_run_answer *answer = r->answers;
	struct tr_batch_buffer *buffer;

	if (answer != NULL) {
		r->answers = answer->next;
		return answer;
	}
	answer = tr_checked(calloc(1, sizeof(*answer)));
	buffer = tr_batch_buffer_create(r->output, ANSWER_ROWS);
	tr_batch_buffer_clear(buffer);
	tr_run_collector_init_source(&answer->out, NULL, r->name, buffer, r->output->column_count, TR_BATCH_ROWS_MAX);
	answer->out.is_growing = true;
	return answer;
}

static void put_answer(struct tr_run_requests *r, struct tr_run_answer *answer)
{
	if (answer->out.buffer->capacity > ANSWER_ROWS_KEPT) {
		destroy_answer(answer);
		return;
	}
	tr_run_collector_clear(&answer->out);
	answer->next = r->answers;
	r->answers = answer;
}

struct tr_async_request *tr_run_request_get(struct tr_run_requests *r, struct tr_run_rows *rows, uint32_t row)
{
	struct tr_async_request *request;

	if (r->free.count <= FREE_MIN)
		add_slab(r);
	request = list_take_first(&r->free);
	request->rows = rows;
	request->row = row;
	rows->users++;
	request->answer = get_answer(r);
	r->open++;
	/* Relaxed: who is given the request is told by other means, which order this. */
	atomic_store_explicit(&request->is_completed, 0, memory_order_relaxed);
	return request;
}

void tr_run_request_put(struct tr_async_request *request)
{
	struct tr_run_requests *r = request->requests;

	tr_run_rows_drop(r, request->rows);
	put_answer(r, request->answer);
	request->rows = NULL;
	request->answer = NULL;
	request->flight = NULL;
	free(request->failure);
	request->failure = NULL;
	request->is_mistaken = false;
	list_add(&r->free, request);
}

struct tr_async_request *tr_run_requests_take(struct tr_run_requests *r)
{
	struct tr_run_request_list taken = {0};

	/* Acquire pairs with the release of `leave`; the lock orders all else. */
	if (atomic_load_explicit(&r->signal, memory_order_acquire) != 0) {
		pthread_mutex_lock(&r->lock);
		atomic_store_explicit(&r->signal, 0, memory_order_relaxed);
		list_move(&taken, &r->done);
		r->is_misused = r->is_completed_twice;
		pthread_mutex_unlock(&r->lock);
	}
	list_move(&taken, &r->own);
	r->open -= taken.count;
	return taken.first;
}

/* By any thread. */

/** Under the lock: the worker is told that there is something. */
static void raise_signal(struct tr_run_requests *r)
{
	if (r->is_closed || atomic_load_explicit(&r->signal, memory_order_relaxed) != 0)
		return;
	atomic_store_explicit(&r->signal, 1, memory_order_release);
	if (r->worker != NULL)
		tr_worker_wake(r->worker);
}

/** The request is the operator's again. */
static void leave(struct tr_async_request *request)
{
	struct tr_run_requests *r = request->requests;
	bool is_last;

	if (tr_run_requests_at_hand == r) {
		list_add(&r->own, request);
		return;
	}
	pthread_mutex_lock(&r->lock);
	if (r->is_closed)
		r->open--;
	else
		list_add(&r->done, request);
	raise_signal(r);
	is_last = r->is_closed && r->open == 0;
	pthread_mutex_unlock(&r->lock);
	if (is_last)
		destroy(r);
}

/** Whose mistakes are those of a thread that is in no callback: of the request that it has at hand. */
static _Thread_local struct answering {
	struct tr_run_hand hand; /* first */
	struct tr_status failure;
} answering;

/** The request is used, until it is completed, by this thread. */
static void use(const struct tr_async_request *request, const char *function)
{
	if (request == NULL)
		tr_run_die(tr_run_requests_at_hand != NULL ? tr_run_requests_at_hand->name : "(another thread's)",
			   "%s was given NULL for a request", function);
	if (tr_run_at_hand != NULL)
		return;
	answering.hand.name = request->requests->name;
	answering.hand.failure = &answering.failure;
	tr_run_at_hand = &answering;
}

/** It is used no more; with mistakes it has failed. */
static void used(struct tr_async_request *request)
{
	if (tr_run_at_hand != &answering)
		return;
	if (answering.failure.code != TR_OK) {
		if (request->failure == NULL)
			request->failure = tr_checked(malloc(sizeof(*request->failure)));
		*request->failure = answering.failure;
		request->is_mistaken = true;
		tr_status_clear(&answering.failure);
	}
	tr_run_hand_deinit(&answering.hand);
	tr_run_at_hand = NULL;
}

static void check_open(const struct tr_async_request *request)
{
	if (atomic_load_explicit(&request->is_completed, memory_order_relaxed) != 0)
		tr_run_die(request->requests->name, "a request was used after it had been completed");
}

/** True: this is the first completion. Another one is told to the job. */
static bool complete(struct tr_async_request *request)
{
	struct tr_run_requests *r = request->requests;

	/* Relaxed: the request is one thread's until then; this only counts. */
	if (atomic_exchange_explicit(&request->is_completed, 1, memory_order_relaxed) == 0)
		return true;
	pthread_mutex_lock(&r->lock);
	r->is_completed_twice = true;
	raise_signal(r);
	pthread_mutex_unlock(&r->lock);
	if (tr_run_at_hand == &answering)
		tr_run_at_hand = NULL;
	return false;
}

struct tr_row tr_async_row(const struct tr_async_request *request)
{
	use(request, __func__);
	check_open(request);
	return (struct tr_row){&request->rows->buffer->batch, request->row};
}

struct tr_collector *tr_async_out(struct tr_async_request *request)
{
	use(request, __func__);
	check_open(request);
	return &request->answer->out;
}

void tr_async_complete(struct tr_async_request *request)
{
	use(request, __func__);
	if (!complete(request))
		return;
	tr_run_collector_end_source(&request->answer->out);
	tr_batch_buffer_seal(request->answer->out.buffer, request->answer->out.rows);
	used(request);
	leave(request);
}

void tr_async_fail(struct tr_async_request *request, tr_code code, const char *message)
{
	use(request, __func__);
	if (!complete(request))
		return;
	tr_run_collector_end_source(&request->answer->out);
	request->failure = tr_checked(calloc(1, sizeof(*request->failure)));
	(void)tr_status_set(request->failure, code != TR_OK ? code : TR_ERR_FAILED, 0, TR_WHERE, "%s",
			    message != NULL && message[0] != '\0' ? message : "a request has failed, without a message");
	used(request);
	leave(request);
}

void tr_run_request_give_up(struct tr_async_request *request)
{
	if (atomic_load_explicit(&request->is_completed, memory_order_relaxed) == 0)
		tr_async_complete(request);
}

bool tr_async_if_empty(void *user, const struct tr_batch *rows) { return rows->selected_count == 0; }
bool tr_async_if_error(void *user, tr_code code, const char *message) { return true; }
