/* SPDX-License-Identifier: Apache-2.0
 * Order, exact capacity, and a million pointers between two threads (the interesting run is the one under TSan).
 */
#include "tr_test.h"

#include <pthread.h>
#include <sched.h>

#include "base/ring.h"

static void holds_exactly_its_capacity(void **state)
{
	static const uint32_t capacities[] = {1, 2, 3, 4, 7, 8, 1000, 1024};
	static int things[1024];

	for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		const uint32_t capacity = capacities[c];
		struct tr_ring *ring = tr_ring_create(capacity);

		for (int round = 0; round < 5; round++) {
			assert_true(tr_ring_is_empty(ring));
			assert_null(tr_ring_pop(ring));
			for (uint32_t i = 0; i < capacity; i++) {
				assert_int_equal(tr_ring_count(ring), i);
				assert_true(tr_ring_push(ring, &things[i]));
			}
			assert_false(tr_ring_push(ring, &things[0]));
			for (uint32_t i = 0; i < capacity; i++)
				assert_ptr_equal(tr_ring_pop(ring), &things[i]);
			assert_null(tr_ring_pop(ring));
		}
		tr_ring_destroy(&ring);
		assert_null(ring);
	}
}

struct message {
	uint64_t number; /* written by the producer before the push, by nobody after it */
};

#define MESSAGES 200000

static struct message messages[MESSAGES];

static void *produce(void *argument)
{
	struct tr_ring *ring = argument;

	for (uint64_t i = 0; i < MESSAGES; i++) {
		messages[i].number = i * 3;
		while (!tr_ring_push(ring, &messages[i]))
			sched_yield();
	}
	return NULL;
}

static void carries_memory_between_threads(void **state)
{
	static const uint32_t capacities[] = {1, 5, 64};

	for (int c = 0; c < 3; c++) {
		struct tr_ring *ring = tr_ring_create(capacities[c]);
		pthread_t producer;

		assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
		for (uint64_t i = 0; i < MESSAGES; i++) {
			struct message *message;

			while ((message = tr_ring_pop(ring)) == NULL)
				sched_yield();
			if (message != &messages[i] || message->number != i * 3)
				fail_msg("message %llu is wrong", (unsigned long long)i);
		}
		pthread_join(producer, NULL);
		assert_true(tr_ring_is_empty(ring));
		tr_ring_destroy(&ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_exactly_its_capacity),
		cmocka_unit_test(carries_memory_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
