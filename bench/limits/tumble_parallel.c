/* SPDX-License-Identifier: Apache-2.0
 *
 * The tumbling count on two threads: windows of one's own, dealt by key, merged.
 *
 * The rows are one stream in the order of time. Threads take chunks of it in turn, so that each sees about half of
 * every window. What a thread's window holds when it ends (at most one row a key) is dealt by the hash of the key to as
 * many lists as there are threads; when all rows are counted, each thread adds up the lists that are meant for it,
 * window by window, and emits. There are few of these rows (two a key and window), so that nothing is gained by
 * handing them over earlier. One thread has nothing to merge: it emits what its windows hold.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench/harness.h"
#include "bench/limits/limits.h"

#define CHUNK_ROWS ((size_t)16384)
#define WORKERS_MAX 2
#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

struct part {
	int64_t end_ms, key, count;
};

struct list { /* from one thread to one thread; ordered by end_ms, a key once per end_ms */
	struct part *parts;
	size_t count, capacity;
};

struct counter {
	struct tr_limit_window_out out; /* first */
	_Alignas(64) uint32_t workers;
	struct tr_limit_window *window;
	struct list lists[WORKERS_MAX];
	uint64_t groups, total;
};

struct job {
	const int64_t *time_ms, *key;
	size_t count, keys;
	pthread_barrier_t counted;
	struct counter *counters;
};

static void deal(struct tr_limit_window_out *out, uint32_t n)
{
	struct counter *c = (struct counter *)(void *)out;

	for (uint32_t w = 0; w < c->workers; w++) {
		struct list *list = &c->lists[w];

		if (list->count + n > list->capacity) {
			list->capacity = (list->capacity + n) * 2;
			list->parts = realloc(list->parts, list->capacity * sizeof(struct part));
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		struct list *list = &c->lists[((uint64_t)out->key[i] * HASH_FACTOR) >> 63];

		list->parts[list->count++] = (struct part){out->end_ms[i], out->key[i], out->count[i]};
	}
}

/* Adds up what both threads have for `worker`, one window after the other. */
static void merge(struct job *job, uint32_t worker)
{
	struct counter *me = &job->counters[worker];
	size_t capacity = 1024, at[WORKERS_MAX] = {0, 0};
	unsigned shift = 54;
	struct part *table;

	for (; capacity < job->keys * 2; capacity *= 2)
		shift--;
	table = tr_harness_alloc(capacity * sizeof(struct part));
	for (;;) {
		int64_t end = INT64_MAX;

		for (uint32_t w = 0; w < WORKERS_MAX; w++) {
			const struct list *list = &job->counters[w].lists[worker];

			if (at[w] < list->count && list->parts[at[w]].end_ms < end)
				end = list->parts[at[w]].end_ms;
		}
		if (end == INT64_MAX)
			break;
		for (uint32_t w = 0; w < WORKERS_MAX; w++) {
			const struct list *list = &job->counters[w].lists[worker];

			for (; at[w] < list->count && list->parts[at[w]].end_ms == end; at[w]++) {
				const struct part *p = &list->parts[at[w]];
				/* The top bit chose the thread. */
				size_t slot = ((uint64_t)p->key * HASH_FACTOR << 1) >> shift;

				while (table[slot].count != 0 && table[slot].key != p->key)
					slot = (slot + 1) & (capacity - 1);
				table[slot].key = p->key;
				table[slot].count += p->count;
			}
		}
		for (size_t slot = 0; slot < capacity; slot++) {
			me->groups += table[slot].count != 0;
			me->total += (uint64_t)table[slot].count;
			table[slot].count = 0;
		}
	}
	tr_harness_free(table, capacity * sizeof(struct part));
}

static void work(void *context, uint32_t worker, uint32_t workers)
{
	struct job *job = context;
	struct counter *me = &job->counters[worker];

	for (size_t at = worker * CHUNK_ROWS; at < job->count; at += workers * CHUNK_ROWS) {
		const size_t rows = job->count - at < CHUNK_ROWS ? job->count - at : CHUNK_ROWS;

		tr_limit_window_add(me->window, job->time_ms + at, job->key + at, rows, &me->out);
	}
	tr_limit_window_finish(me->window, &me->out);
	if (workers == 1) {
		me->groups = me->out.rows;
		me->total = me->out.total;
		return;
	}
	pthread_barrier_wait(&job->counted);
	merge(job, worker);
}

double tr_limit_tumble_parallel(uint32_t workers, const int64_t *time_ms, const int64_t *key, size_t count, size_t keys,
				int64_t size_ms, uint64_t *groups, uint64_t *total)
{
	struct job job = {.time_ms = time_ms, .key = key, .count = count, .keys = keys};
	double seconds;

	job.counters = tr_harness_alloc(WORKERS_MAX * sizeof(struct counter));
	for (uint32_t w = 0; w < workers; w++) {
		job.counters[w].workers = workers;
		job.counters[w].window = tr_limit_window_create(keys, size_ms, size_ms);
		job.counters[w].out.take = workers > 1 ? deal : NULL;
	}
	pthread_barrier_init(&job.counted, NULL, workers);
	seconds = tr_limit_parallel(workers, work, &job);
	pthread_barrier_destroy(&job.counted);
	*groups = *total = 0;
	for (uint32_t w = 0; w < workers; w++) {
		*groups += job.counters[w].groups;
		*total += job.counters[w].total;
		tr_limit_window_destroy(&job.counters[w].window);
		for (uint32_t to = 0; to < WORKERS_MAX; to++)
			free(job.counters[w].lists[to].parts);
	}
	tr_harness_free(job.counters, WORKERS_MAX * sizeof(struct counter));
	return seconds;
}
