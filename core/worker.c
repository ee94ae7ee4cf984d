/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker: the loop. core/worker.h has the steps and why no wake-up is lost.
 */
#include "core/worker.h"

#include <string.h>

#define IO_QUEUE_DEPTH 64
/* How long a worker looks for something to do before it parks: as long as it has just worked, within these. So a busy
 * one, whose next chunk or packet is some ten microseconds away, does not pay for a sleep and a wake-up (which cost more
 * than that), and an idle job costs nothing. */
#define SPIN_NS_MIN 30000
#define SPIN_NS_MAX 1000000
#define SPIN_STEPS_MAX 20000 /* whatever the clock says */

/* ThreadSanitizer does not know fences. A read-modify-write of the same word by both sides orders them as well. */
#if defined(__SANITIZE_THREAD__)
#define NO_FENCES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_FENCES 1
#endif
#endif

/** After giving something to `worker`: whether it sleeps or is about to. Partner: set_parked. */
static bool is_parked(struct tr_worker *worker)
{
#ifdef NO_FENCES
	return atomic_fetch_add_explicit(&worker->is_parked, 0, memory_order_acq_rel) != 0;
#else
	return atomic_load_explicit(&worker->is_parked, memory_order_relaxed) != 0;
#endif
}

/** Before the last look at the rings. Partner: is_parked. */
static void set_parked(struct tr_worker *worker)
{
#ifdef NO_FENCES
	(void)atomic_exchange_explicit(&worker->is_parked, 1, memory_order_acq_rel);
#else
	atomic_store_explicit(&worker->is_parked, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

static void clear_parked(struct tr_worker *worker)
{
	atomic_store_explicit(&worker->is_parked, 0, memory_order_relaxed);
}

/** Wakes the workers that have been given something in this step. Whether this worker is one of them: a chain that stays
 * blocked may have pushed a packet to a subtask of its own worker, whose turn in this step was over. */
static bool wake_others(struct tr_worker *worker)
{
	const uint64_t own = UINT64_C(1) << worker->index;
	const bool is_own = (worker->wakes.workers & own) != 0;
	uint64_t workers = worker->wakes.workers & ~own;

	worker->wakes.workers = 0;
	if (workers == 0)
		return is_own;
#ifndef NO_FENCES
	atomic_thread_fence(memory_order_seq_cst); /* pushes before, is_parked after */
#endif
	for (; workers != 0; workers &= workers - 1) {
		struct tr_worker *other = &worker->graph->workers[__builtin_ctzll(workers)];

		if (is_parked(other))
			tr_io_wake(other->io);
	}
	return is_own;
}

void tr_worker_wake(struct tr_worker *worker)
{
#ifndef NO_FENCES
	atomic_thread_fence(memory_order_seq_cst); /* what was left before, is_parked after */
#endif
	if (is_parked(worker))
		tr_io_wake(worker->io);
}

tr_code tr_worker_init(struct tr_worker *worker, struct tr_graph *graph, uint32_t index, struct tr_status *st)
{
	struct tr_disk *disk = graph->env->disk;

	TR_ASSERT(index < TR_WORKERS_MAX);
	memset(worker, 0, sizeof(*worker));
	worker->graph = graph;
	worker->index = index;
	worker->core = -1;
	atomic_init(&worker->is_parked, 0);
	return disk->ops->queue_create(disk, IO_QUEUE_DEPTH, &worker->io, st);
}

void tr_worker_deinit(struct tr_worker *worker)
{
	if (worker->io != NULL)
		worker->io->disk->ops->queue_destroy(worker->io->disk, &worker->io);
}

/** Every subtask, sinks first. */
static enum tr_turn step_subtasks(struct tr_worker *worker, int64_t now_ns)
{
	enum tr_turn result = TR_TURN_IDLE;

	for (uint32_t i = 0; i < worker->subtask_count; i++) {
		struct tr_subtask *subtask = worker->subtasks[i];

		if (subtask->is_done)
			continue;
		switch (tr_subtask_step(subtask, now_ns, worker->now_ms)) {
		case TR_TURN_IDLE: break;
		case TR_TURN_PROGRESS: result = TR_TURN_PROGRESS; break;
		case TR_TURN_DONE:
			worker->done_count++;
			result = TR_TURN_PROGRESS;
			break;
		case TR_TURN_FAILED: tr_graph_fail(worker->graph, &subtask->context.status); return TR_TURN_FAILED;
		}
	}
	return result;
}

static enum tr_turn flush_subtasks(struct tr_worker *worker, int64_t now_ns)
{
	const int64_t timeout_ms = worker->graph->plan->buffer_timeout_ms;

	/* A negative time-out, as in Flink: only full packets and idle workers flush. */
	worker->flush_at_ns = timeout_ms >= 0 ? now_ns + timeout_ms * 1000000 : INT64_MAX;
	for (uint32_t i = 0; i < worker->subtask_count; i++) {
		if (tr_subtask_flush(worker->subtasks[i]) == TR_TURN_FAILED) {
			tr_graph_fail(worker->graph, &worker->subtasks[i]->context.status);
			return TR_TURN_FAILED;
		}
	}
	return TR_TURN_IDLE;
}

enum tr_turn tr_worker_step(struct tr_worker *worker)
{
	struct tr_environment *env = worker->graph->env;
	const uint32_t completions = tr_io_poll(worker->io);
	const int64_t now_ns = tr_environment_monotonic_ns(env);
	const int64_t wall_ms = tr_environment_wall_ms(env);
	enum tr_turn step;

	worker->now_ns = now_ns;
	worker->now_ms = TR_MAX(worker->now_ms, wall_ms);
	step = step_subtasks(worker, now_ns);
	if (step != TR_TURN_FAILED && worker->done_count < worker->subtask_count &&
	    (step == TR_TURN_IDLE || now_ns >= worker->flush_at_ns)) {
		if (flush_subtasks(worker, now_ns) == TR_TURN_FAILED)
			step = TR_TURN_FAILED;
	}
	if (wake_others(worker) && step == TR_TURN_IDLE)
		step = TR_TURN_PROGRESS;
	if (step == TR_TURN_FAILED)
		return step;
	if (worker->done_count == worker->subtask_count)
		return TR_TURN_DONE;
	return completions > 0 ? TR_TURN_PROGRESS : step;
}

/** How long nothing will want a step, unless something comes. -1: for ever. */
static int64_t sleep_ns(const struct tr_worker *worker)
{
	const int64_t now_ns = tr_environment_monotonic_ns(worker->graph->env);
	int64_t wake_ns = INT64_MAX;
	int64_t wake_ms = INT64_MAX;
	int64_t sleep = INT64_MAX;

	for (uint32_t i = 0; i < worker->subtask_count; i++) {
		wake_ns = TR_MIN(wake_ns, tr_subtask_wake_at_ns(worker->subtasks[i]));
		wake_ms = TR_MIN(wake_ms, tr_subtask_wake_at_ms(worker->subtasks[i]));
	}
	if (wake_ns != INT64_MAX)
		sleep = wake_ns - now_ns;
	if (wake_ms != INT64_MAX) /* a wall clock that is set back makes us late, never early */
		sleep = TR_MIN(sleep, TR_MIN(wake_ms - worker->now_ms, 86400000) * 1000000);
	return sleep == INT64_MAX ? -1 : TR_MAX(sleep, 0);
}

static bool is_stopping(const struct tr_worker *worker)
{
	/* Acquire pairs with the release of tr_graph_fail and tr_graph_cancel. */
	return atomic_load_explicit(&worker->graph->is_stopping, memory_order_acquire);
}

/** Sleeps unless there is something to do after all. */
static enum tr_turn park(struct tr_worker *worker)
{
	enum tr_turn step;

	set_parked(worker);
	step = is_stopping(worker) ? TR_TURN_IDLE : tr_worker_step(worker);
	if (step == TR_TURN_IDLE && !is_stopping(worker)) {
		(void)tr_io_wait(worker->io, sleep_ns(worker));
		step = TR_TURN_PROGRESS;
	}
	clear_parked(worker);
	return step;
}

/** Whether a worker that has worked from `woken_ns` to `worked_ns` and has found nothing since goes on looking. */
static bool shall_spin(const struct tr_worker *worker, int64_t woken_ns, int64_t worked_ns, uint32_t spins)
{
	const int64_t limit_ns = TR_MIN(TR_MAX(worked_ns - woken_ns, SPIN_NS_MIN), SPIN_NS_MAX);

	return worker->is_spinning && spins < SPIN_STEPS_MAX && worker->now_ns - worked_ns < limit_ns;
}

void tr_worker_run(struct tr_worker *worker)
{
	int64_t woken_ns = tr_environment_monotonic_ns(worker->graph->env), worked_ns = woken_ns;
	uint32_t spins = 0;

	while (!is_stopping(worker)) {
		enum tr_turn step = tr_worker_step(worker);

		if (step == TR_TURN_PROGRESS) {
			worked_ns = worker->now_ns;
			spins = 0;
			continue;
		}
		if (step == TR_TURN_IDLE) {
			if (shall_spin(worker, woken_ns, worked_ns, spins++))
				continue;
			step = park(worker);
			woken_ns = worked_ns = tr_environment_monotonic_ns(worker->graph->env);
			spins = 0;
		}
		if (step == TR_TURN_DONE || step == TR_TURN_FAILED)
			return;
	}
}
