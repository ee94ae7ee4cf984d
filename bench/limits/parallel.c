/* SPDX-License-Identifier: Apache-2.0
 *
 * One or two pinned threads, started together: what the loops need to show how they scale.
 */
#include <pthread.h>
#include <sched.h>

#include "bench/harness.h"
#include "bench/limits/limits.h"

#define WORKERS_MAX 2

struct worker {
	_Alignas(64) uint32_t index;
	uint32_t workers;
	void (*work)(void *context, uint32_t worker, uint32_t workers);
	void *context;
	pthread_barrier_t *start;
	double begun;
	double ended;
};

static void *run(void *argument)
{
	struct worker *w = argument;

	pthread_barrier_wait(w->start);
	w->begun = tr_harness_seconds();
	w->work(w->context, w->index, w->workers);
	w->ended = tr_harness_seconds();
	return NULL;
}

double tr_limit_parallel(uint32_t workers, void (*work)(void *context, uint32_t worker, uint32_t workers), void *context)
{
	struct worker w[WORKERS_MAX];
	pthread_t thread[WORKERS_MAX];
	pthread_barrier_t start;
	double begun = 1e300, ended = 0;

	pthread_barrier_init(&start, NULL, workers);
	for (uint32_t i = 0; i < workers; i++) {
		cpu_set_t cpus;

		w[i] = (struct worker){
			.index = i, .workers = workers, .work = work, .context = context, .start = &start};
		pthread_create(&thread[i], NULL, run, &w[i]);
		CPU_ZERO(&cpus);
		CPU_SET(i, &cpus);
		pthread_setaffinity_np(thread[i], sizeof(cpus), &cpus); /* best effort */
	}
	for (uint32_t i = 0; i < workers; i++) {
		pthread_join(thread[i], NULL);
		begun = w[i].begun < begun ? w[i].begun : begun;
		ended = w[i].ended > ended ? w[i].ended : ended;
	}
	pthread_barrier_destroy(&start);
	return ended - begun;
}
