/* SPDX-License-Identifier: Apache-2.0
 *
 * A service for tests of async functions: threads that answer requests in a random order, some at once and some a little later. It can hold
 * what it is given.
 */
#ifndef TR_TEST_ASYNC_POOL_H
#define TR_TEST_ASYNC_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api_test.h"

#define POOL_THREADS 3
#define POOL_MAX 4096

typedef void (*pool_answer_fn)(struct tr_async_request *request);

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct tr_async_request *requests[POOL_MAX];
	uint32_t count;
	uint32_t most; /* in flight at a time */
	uint32_t in_flight;
	uint64_t seed;
	bool is_holding; /* answers nothing */
	bool is_over;
	pool_answer_fn answer;
	pthread_t threads[POOL_THREADS];
};

static inline void *pool_main(void *argument)
{
	struct pool *pool = argument;

	pthread_mutex_lock(&pool->lock);
	while (!pool->is_over || pool->count > 0) {
		struct tr_async_request *request;
		uint32_t i;

		if (pool->count == 0 || (pool->is_holding && !pool->is_over)) {
			pthread_cond_wait(&pool->changed, &pool->lock);
			continue;
		}
		i = (uint32_t)(tr_test_random(&pool->seed) % pool->count);
		request = pool->requests[i];
		pool->requests[i] = pool->requests[--pool->count];
		pool->in_flight--;
		pthread_mutex_unlock(&pool->lock);
		pool->answer(request);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static inline void pool_begin(struct pool *pool, pool_answer_fn answer)
{
	*pool = (struct pool){.answer = answer, .seed = 17};
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	for (uint32_t i = 0; i < POOL_THREADS; i++)
		assert_int_equal(pthread_create(&pool->threads[i], NULL, pool_main, pool), 0);
}

static inline void pool_hold(struct pool *pool, bool is_holding)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_holding = is_holding;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

static inline uint32_t pool_in_flight(struct pool *pool)
{
	uint32_t in_flight;

	pthread_mutex_lock(&pool->lock);
	in_flight = pool->in_flight;
	pthread_mutex_unlock(&pool->lock);
	return in_flight;
}

static inline void pool_ask(struct pool *pool, struct tr_async_request *request)
{
	pthread_mutex_lock(&pool->lock);
	assert_true(pool->count < POOL_MAX);
	pool->requests[pool->count++] = request;
	pool->in_flight++;
	pool->most = TR_MAX(pool->most, pool->in_flight);
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

/** All that it still has is answered. */
static inline void pool_end(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_over = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	for (uint32_t i = 0; i < POOL_THREADS; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
}

#endif
