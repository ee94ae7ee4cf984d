/* SPDX-License-Identifier: Apache-2.0
 *
 * See coordinator.h for the states.
 */
#include "core/coordinator.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "core/checkpoint.h"
#include "core/state_schema.h"
#include "core/worker.h"
#include "state/key_group.h"

#define IO_QUEUE_DEPTH 64
#define RETRY_PAUSE_NS INT64_C(1000000000)
#define TELL_EVERY_NS INT64_C(60000000000)   /* of a failure that lasts, after the first ones */
#define SCHEMA_BYTES_MAX ((size_t)256 << 10) /* of all operators: the log's root has room for 1 MiB of texts */

static void tell(struct tr_coordinator *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct tr_coordinator *c, const char *format, ...)
{
	char text[TR_STATUS_MESSAGE_MAX + 128];
	va_list args;

	if (c->on_event == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->on_event(c->event_context, text);
}

/* Creating. */

static tr_code open_log(struct tr_coordinator *c, struct tr_status *st)
{
	const struct tr_checkpoint_plan *plan = &c->plan->checkpoint;
	const struct tr_log_options options = {
		.disk = c->env->disk,
		.io = c->io,
		.directory = plan->directory,
		.job_name = c->plan->job_name,
		.job_id = c->plan->job_id,
		.retained = plan->retained,
	};

	if (plan->is_fresh)
		TR_TRY(tr_log_remove(c->env->disk, plan->directory, &c->stats.removed_bytes, st));
	TR_TRY(tr_log_open(&options, &c->log, &c->report, st));
	TR_ASSERT(strlen(tr_log_job_id(c->log)) == strlen(c->plan->job_id));
	strcpy(c->plan->job_id, tr_log_job_id(c->log));
	return TR_OK;
}

tr_code tr_coordinator_create(const struct tr_plan *plan, struct tr_environment *env,
			      struct tr_coordinator **coordinator, struct tr_status *st)
{
	struct tr_coordinator *c = calloc(1, sizeof(*c));
	tr_code code;

	TR_ASSERT(c != NULL && plan->checkpoint.directory != NULL);
	c->plan = plan;
	c->env = env;
	c->due_ns = INT64_MAX;
	c->processing_ms = INT64_MIN;
	pthread_mutex_init(&c->lock, NULL);
	tr_arena_init(&c->arena, 0);
	code = env->disk->ops->queue_create(env->disk, IO_QUEUE_DEPTH, &c->io, st);
	if (code == TR_OK)
		code = open_log(c, st);
	if (code != TR_OK)
		tr_coordinator_destroy(&c);
	*coordinator = c;
	return code;
}

static void answer(struct tr_savepoint_request *request, uint64_t checkpoint, const struct tr_status *status)
{
	request->checkpoint = checkpoint;
	if (status != NULL)
		request->status = *status;
	/* Release pairs with the owner's acquire; the request may be gone afterwards. */
	atomic_store_explicit(&request->is_done, true, memory_order_release);
}

static void answer_all(struct tr_savepoint_request **list, uint64_t checkpoint, const struct tr_status *status)
{
	while (*list != NULL) {
		struct tr_savepoint_request *request = *list;

		*list = request->next;
		answer(request, checkpoint, status);
	}
}

/** Nobody will serve them any more. */
static void answer_gone(struct tr_savepoint_request **list)
{
	struct tr_status gone = {0};

	(void)tr_status_set(&gone, TR_ERR_UNAVAILABLE, 0, TR_WHERE, "the job has ended");
	answer_all(list, 0, &gone);
}

void tr_coordinator_destroy(struct tr_coordinator **coordinator)
{
	struct tr_coordinator *c = *coordinator;

	*coordinator = NULL;
	if (c == NULL)
		return;
	tr_coordinator_close(c);
	if (c->block != NULL)
		tr_state_block_destroy(&c->block);
	tr_log_close(&c->log);
	if (c->io != NULL)
		c->env->disk->ops->queue_destroy(c->env->disk, &c->io);
	free(c->parts);
	tr_arena_deinit(&c->arena);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void tr_coordinator_ask(struct tr_coordinator *c, struct tr_savepoint_request *request)
{
	struct tr_savepoint_request **end;

	request->next = NULL;
	atomic_store_explicit(&request->is_done, false, memory_order_relaxed);
	pthread_mutex_lock(&c->lock);
	for (end = &c->asked; *end != NULL; end = &(*end)->next)
		;
	*end = request;
	if (c->is_closed)
		answer_gone(&c->asked);
	pthread_mutex_unlock(&c->lock);
	tr_io_wake(c->io);
}

void tr_coordinator_close(struct tr_coordinator *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_closed = true;
	answer_gone(&c->asked);
	pthread_mutex_unlock(&c->lock);
	answer_gone(&c->served);
}

void tr_coordinator_stop(struct tr_coordinator *c)
{
	atomic_store_explicit(&c->is_stop_wanted, true, memory_order_relaxed); /* ordered by the wake */
	tr_io_wake(c->io);
}

void tr_coordinator_stats(struct tr_coordinator *c, struct tr_checkpoint_stats *stats)
{
	pthread_mutex_lock(&c->lock);
	*stats = c->stats;
	pthread_mutex_unlock(&c->lock);
}

/* When. */

/** A checkpoint may not begin before this: the pause that was configured, and a second after a failure. */
static int64_t earliest_ns(const struct tr_coordinator *c)
{
	int64_t pause_ns = c->plan->checkpoint.min_pause_ms * 1000000;

	if (c->failures > 0)
		pause_ns = TR_MAX(pause_ns, RETRY_PAUSE_NS);
	return c->ended_ns == 0 ? 0 : c->ended_ns + pause_ns;
}

static int64_t next_due(const struct tr_coordinator *c, int64_t now_ns)
{
	const int64_t interval_ms = c->plan->checkpoint.interval_ms;

	return interval_ms > 0 ? now_ns + interval_ms * 1000000 : INT64_MAX;
}

/* Restoring. */

/** The texts that say what the operators' records hold. Asked for now: later the operators belong to their workers. */
static void describe_states(struct tr_coordinator *c, const struct tr_graph *graph)
{
	size_t bytes = 0;
	uint32_t count = 0;

	for (uint32_t s = 0; s < graph->stage_count; s++)
		count += graph->stages[s]->state_count;
	c->schemas = TR_NEW_ARRAY(&c->arena, count + 1, const char *);
	count = 0;
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		for (uint32_t k = 0; k < graph->stages[s]->state_count; k++) {
			const struct tr_op *op = graph->stages[s]->subtasks[0].snapshot.ops[k];
			const struct tr_state_kind *kinds = NULL;
			const char *text = "";
			uint32_t kind_count = 0;

			if (op->ops->kinds != NULL) {
				kinds = op->ops->kinds(op, &kind_count);
				text = tr_state_schema_text(&c->arena, kinds, kind_count);
			}
			bytes += strlen(text);
			c->schemas[count++] = bytes <= SCHEMA_BYTES_MAX ? text : "";
		}
	}
}

/** Tells all operators from which checkpoint they go on. */
static void announce(struct tr_graph *graph, uint64_t checkpoint)
{
	for (uint32_t s = 0; s < graph->stage_count; s++)
		for (uint32_t i = 0; i < graph->stages[s]->parallelism; i++)
			graph->stages[s]->subtasks[i].context.restored_checkpoint = checkpoint;
}

tr_code tr_coordinator_restore(struct tr_coordinator *c, struct tr_graph *graph, struct tr_status *st)
{
	const struct tr_checkpoint_plan *plan = &c->plan->checkpoint;
	uint32_t streams = 0;

	c->graph = graph;
	c->restored = 0;
	free(c->parts); /* of a graph that came to nothing */
	for (uint32_t s = 0; s < graph->stage_count; s++)
		streams += graph->stages[s]->state_count * graph->stages[s]->parallelism;
	c->parts = calloc(streams + 1, sizeof(*c->parts));
	TR_ASSERT(c->parts != NULL);
	describe_states(c, graph);
	if (tr_log_checkpoint_count(c->log) > 0) {
		const struct tr_log_checkpoint *checkpoint = tr_log_checkpoint(c->log, 0);

		if (plan->restore_from != NULL)
			TR_FAIL(st, TR_ERR_USAGE,
				"%s holds a checkpoint of this job already; to begin with the savepoint instead, say "
				"--fresh, or choose another --state-dir",
				plan->directory);
		announce(graph, checkpoint->number);
		TR_TRY(tr_restore_from_log(graph, c->log, plan->directory, st));
		c->restored = checkpoint->number;
		c->was_finished = checkpoint->is_final;
	} else if (plan->restore_from != NULL) {
		const struct tr_log_options options = {
			.disk = c->env->disk, .io = c->io, .directory = plan->restore_from, .is_read_only = true};
		struct tr_log_report report;
		struct tr_log *savepoint = NULL;
		tr_code code = tr_log_open(&options, &savepoint, &report, st);

		if (code == TR_OK && tr_log_checkpoint_count(savepoint) == 0)
			code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "%s holds no savepoint", plan->restore_from);
		if (code == TR_OK) {
			announce(graph, tr_log_checkpoint(savepoint, 0)->number);
			code = tr_restore_from_log(graph, savepoint, plan->restore_from, st);
		}
		if (code == TR_OK)
			c->restored = tr_log_checkpoint(savepoint, 0)->number;
		tr_log_close(&savepoint);
		TR_TRY(code);
	}
	c->number = c->restored;
	c->stats.restored = c->restored;
	c->stats.was_finished = c->was_finished;
	c->due_ns = next_due(c, tr_environment_monotonic_ns(c->env));
	return TR_OK;
}

/* Looking at the subtasks. */

typedef bool (*subtask_test)(struct tr_coordinator *c, struct tr_subtask *subtask);

/** Whether it is true of all subtasks. */
static bool all_subtasks(struct tr_coordinator *c, subtask_test test)
{
	for (uint32_t s = 0; s < c->graph->stage_count; s++) {
		struct tr_stage *stage = c->graph->stages[s];

		for (uint32_t i = 0; i < stage->parallelism; i++)
			if (!test(c, &stage->subtasks[i]))
				return false;
	}
	return true;
}

static bool has_ended(struct tr_coordinator *c, struct tr_subtask *subtask)
{
	return atomic_load_explicit(&subtask->snapshot.is_ended, memory_order_acquire);
}

static bool has_saved(struct tr_coordinator *c, struct tr_subtask *subtask)
{
	if (TR_BUG("coordinator-misses-one") && subtask->index == 1)
		return true;
	return atomic_load_explicit(&subtask->snapshot.done, memory_order_acquire) == c->number;
}

static bool has_published(struct tr_coordinator *c, struct tr_subtask *subtask)
{
	return atomic_load_explicit(&subtask->snapshot.committed, memory_order_acquire) >= c->number;
}

static void wake_workers(struct tr_coordinator *c)
{
	for (uint32_t w = 0; w < c->graph->worker_count; w++)
		tr_io_wake(c->graph->workers[w].io);
}

/* Beginning. */

static uint64_t live_bytes(struct tr_coordinator *c)
{
	uint64_t bytes = 0;

	for (uint32_t s = 0; s < c->graph->stage_count; s++)
		for (uint32_t i = 0; i < c->graph->stages[s]->parallelism; i++)
			bytes += c->graph->stages[s]->subtasks[i].snapshot.state_bytes;
	return bytes;
}

/** Whether a savepoint can be made there; it is asked before the job stops for it. */
static tr_code check_target(struct tr_coordinator *c, const char *directory, struct tr_status *st)
{
	struct tr_disk *disk = c->env->disk;
	char path[sizeof(((struct tr_savepoint_request *)0)->directory) + sizeof("/root-0")];
	struct tr_file_info info;

	TR_TRY(disk->ops->make_directory(disk, directory, st));
	snprintf(path, sizeof(path), "%s/root-0", directory);
	if (disk->ops->stat(disk, path, &info, NULL) == TR_OK)
		TR_FAIL(st, TR_ERR_CANT_CREATE, "%s holds a savepoint or checkpoints already", directory);
	return TR_OK;
}

/** Answers requests for savepoints that can't be made; the job goes on. */
static void refuse_impossible(struct tr_coordinator *c, struct tr_savepoint_request **at)
{
	while (*at != NULL) {
		struct tr_savepoint_request *request = *at;
		struct tr_status st = {0};

		if (request->directory[0] == '\0' || check_target(c, request->directory, &st) == TR_OK) {
			at = &request->next;
			continue;
		}
		*at = request->next;
		answer(request, 0, &st);
	}
}

/** Takes what was asked for, unless a stop is being served; notes whether and how the job is to stop. What was taken before may
 * still wait for its checkpoint, which must not begin yet. */
static bool take_requests(struct tr_coordinator *c)
{
	struct tr_savepoint_request **end = &c->served;

	if (c->stop != TR_STOP_NONE)
		return c->stop == TR_STOP_SUSPEND; /* a stop whose checkpoint was given up: again */
	while (*end != NULL)
		end = &(*end)->next;
	pthread_mutex_lock(&c->lock);
	*end = c->asked;
	c->asked = NULL;
	pthread_mutex_unlock(&c->lock);
	refuse_impossible(c, end);
	for (const struct tr_savepoint_request *r = c->served; r != NULL; r = r->next)
		c->stop = TR_MAX(c->stop, r->stop);
	if (c->stop == TR_STOP_NONE && atomic_load_explicit(&c->is_stop_wanted, memory_order_relaxed))
		c->stop = TR_STOP_SUSPEND;
	return c->served != NULL || c->stop != TR_STOP_NONE;
}

static void begin(struct tr_coordinator *c, int64_t now_ns)
{
	struct tr_graph *graph = c->graph;

	c->number++;
	c->begun_ns = now_ns;
	c->state = TR_COORDINATOR_COLLECTING;
	c->due_ns = next_due(c, now_ns);
	/* Both are ordered by the release in tr_checkpoint_begin. */
	atomic_store_explicit(&graph->rewrite_before,
			      c->stats.completed > 0 ? tr_log_rewrite_before(c->log, live_bytes(c)) : 0,
			      memory_order_relaxed);
	if (c->stop == TR_STOP_SUSPEND && !TR_BUG("stop-holds-nobody"))
		atomic_store_explicit(&graph->checkpoint_last, c->number, memory_order_relaxed);
	tr_log_begin(c->log, c->number);
	atomic_store_explicit(&graph->log_age, tr_log_age(c->log), memory_order_relaxed);
	tr_checkpoint_begin(graph, c->number);
}

/** Throws away what subtasks still write for a checkpoint that was given up. An operator may wait until it has written it all,
 * and could not pass the next barrier before. */
static void drop_blocks(struct tr_coordinator *c)
{
	bool has_room = false;

	for (uint32_t s = 0; s < c->graph->stage_count; s++) {
		for (uint32_t i = 0; i < c->graph->stages[s]->parallelism; i++) {
			struct tr_ring *ring = c->graph->stages[s]->subtasks[i].snapshot.ring;
			struct tr_state_block *block;

			while ((block = tr_ring_pop(ring)) != NULL) {
				tr_state_block_destroy(&block);
				has_room = true;
			}
		}
	}
	if (has_room)
		wake_workers(c);
}

static enum tr_turn step_idle(struct tr_coordinator *c, int64_t now_ns)
{
	const bool is_final = all_subtasks(c, has_ended);
	const bool is_asked = take_requests(c);

	drop_blocks(c);
	if (c->stop == TR_STOP_DRAIN && !is_final) { /* the sources end, and then the job as any other */
		if (!atomic_load_explicit(&c->graph->is_draining, memory_order_relaxed)) {
			/* Release pairs with the acquire of the sources' heads. */
			atomic_store_explicit(&c->graph->is_draining, true, memory_order_release);
			wake_workers(c);
		}
		return TR_TURN_IDLE;
	}
	c->is_held_back = (is_final || is_asked) && now_ns < earliest_ns(c);
	if (now_ns < earliest_ns(c) || (!is_final && !is_asked && now_ns < c->due_ns))
		return TR_TURN_IDLE;
	c->is_final = is_final;
	begin(c, now_ns);
	return TR_TURN_PROGRESS;
}

/* Giving up. */

static void fail_job(struct tr_coordinator *c, const struct tr_status *why) { tr_graph_fail(c->graph, why); }

/** Says that a checkpoint has failed: the first in a row, the second, the fourth and so on, and one a minute. A fault that lasts is
 * neither silent nor all that can be read. */
static void tell_failure(struct tr_coordinator *c, int64_t now_ns, const struct tr_status *why)
{
	if ((c->failures & (c->failures - 1)) != 0 && now_ns - c->told_ns < TELL_EVERY_NS)
		return;
	c->told_ns = now_ns;
	if (c->failures == 1)
		tell(c, "checkpoint %" PRIu64 " was given up, the job goes on: %s", c->number, why->message);
	else
		tell(c,
		     "checkpoint %" PRIu64 " was given up, too (%" PRIu32 " in a row; the last complete one is %" PRIu64
		     "): %s",
		     c->number, c->failures, TR_MAX(c->stats.last, c->restored), why->message);
}

static void tell_recovery(struct tr_coordinator *c)
{
	if (c->failures > 0)
		tell(c, "checkpoint %" PRIu64 " is complete again, after %" PRIu32 " that failed", c->number,
		     c->failures);
	c->failures = 0;
}

/** The checkpoint under way is over, and is not complete. FAILED: the job can't go on without it. */
static enum tr_turn give_up(struct tr_coordinator *c, int64_t now_ns, const struct tr_status *why)
{
	const struct tr_checkpoint_plan *plan = &c->plan->checkpoint;
	struct tr_status st = *why;

	c->state = TR_COORDINATOR_IDLE;
	c->ended_ns = now_ns;
	c->failures++;
	pthread_mutex_lock(&c->lock);
	c->stats.failed++;
	pthread_mutex_unlock(&c->lock);
	if (c->block != NULL)
		tr_state_block_destroy(&c->block);
	if (tr_log_is_broken(c->log)) {
		fail_job(c, &st);
		return TR_TURN_FAILED;
	}
	tell_failure(c, now_ns, &st);
	if (plan->tolerable_failures >= 0 && c->failures > plan->tolerable_failures) {
		(void)tr_status_prefix(&st, TR_ERR_FAILED,
				       "%u checkpoints in a row failed "
				       "(execution.checkpointing.tolerable-failed-checkpoints is %" PRId64 ")",
				       c->failures, plan->tolerable_failures);
		fail_job(c, &st);
		return TR_TURN_FAILED;
	}
	if (c->stop == TR_STOP_NONE)
		answer_all(&c->served, 0, &st);
	return TR_TURN_PROGRESS;
}

static bool is_late(const struct tr_coordinator *c, int64_t now_ns)
{
	const int64_t timeout_ms = c->plan->checkpoint.timeout_ms;

	return timeout_ms > 0 && now_ns - c->begun_ns >= timeout_ms * 1000000;
}

static enum tr_turn time_out(struct tr_coordinator *c, int64_t now_ns)
{
	struct tr_status st = {0};

	tr_log_abort(c->log);
	(void)tr_status_set(&st, TR_ERR_UNAVAILABLE, 0, TR_WHERE,
			    "it took longer than execution.checkpointing.timeout (%" PRId64 " ms)",
			    c->plan->checkpoint.timeout_ms);
	return give_up(c, now_ns, &st);
}

/* Collecting. */

/** Takes blocks out of a subtask's ring into the log. False: the log has no room. */
static bool drain_ring(struct tr_coordinator *c, struct tr_subtask *subtask, bool *has_moved)
{
	for (;;) {
		if (c->block == NULL)
			c->block = tr_ring_pop(subtask->snapshot.ring);
		if (c->block == NULL)
			return true;
		if (c->block->checkpoint != c->number) { /* of one that was given up */
			tr_state_block_destroy(&c->block);
			*has_moved = true;
			continue;
		}
		if (!tr_log_append(c->log, c->block))
			return false;
		atomic_store_explicit(&c->graph->log_age, tr_log_age(c->log), memory_order_relaxed);
		c->block = NULL;
		*has_moved = true;
	}
}

/** Moves all blocks that are there. False: the log has no room for now. */
static bool drain(struct tr_coordinator *c, bool *has_moved)
{
	for (uint32_t s = 0; s < c->graph->stage_count; s++) {
		struct tr_stage *stage = c->graph->stages[s];

		for (uint32_t i = 0; i < stage->parallelism; i++)
			if (!drain_ring(c, &stage->subtasks[i], has_moved))
				return false;
	}
	return true;
}

/** What the root says of the streams. */
static void seal(struct tr_coordinator *c)
{
	const uint32_t groups = c->plan->key_groups;
	struct tr_log_checkpoint checkpoint = {.number = c->number,
					       .is_final = c->is_final,
					       .key_groups = groups != 0 ? groups : TR_KEY_GROUPS_DEFAULT};
	struct tr_checkpoint_stats pauses = {.pause_ns_max = c->stats.pause_ns_max};
	const char **schemas = c->schemas;

	c->part_count = 0;
	for (uint32_t s = 0; s < c->graph->stage_count; s++) {
		struct tr_stage *stage = c->graph->stages[s];

		for (uint32_t i = 0; i < stage->parallelism; i++) {
			struct tr_subtask *subtask = &stage->subtasks[i];
			const struct tr_snapshot *snapshot = &subtask->snapshot;

			c->processing_ms = TR_MAX(c->processing_ms, snapshot->processing_ms);
			pauses.pauses += snapshot->pauses;
			pauses.pauses_long += snapshot->pauses_long;
			pauses.pause_ns_max = TR_MAX(pauses.pause_ns_max, snapshot->pause_ns_max);
			for (uint32_t k = 0; k < stage->state_count; k++) {
				const struct tr_stage_state *state = &stage->states[k];

				c->parts[c->part_count++] = (struct tr_log_part){
					.stream = {.operator_id = state->operator_id,
						   .subtask = i,
						   .subtask_count = stage->parallelism},
					.uid = state->node->uid,
					.fingerprint = state->node->fingerprint,
					.schema = schemas[k],
					.base = snapshot->bases[k],
					.is_finished = has_ended(c, subtask),
				};
				checkpoint.rewritten += snapshot->writers[k].writer.rewritten;
			}
		}
		schemas += stage->state_count;
	}
	pthread_mutex_lock(&c->lock); /* others may ask at any time */
	c->stats.pauses = pauses.pauses;
	c->stats.pauses_long = pauses.pauses_long;
	c->stats.pause_ns_max = pauses.pause_ns_max;
	pthread_mutex_unlock(&c->lock);
	checkpoint.parts = c->parts;
	checkpoint.part_count = c->part_count;
	checkpoint.completed_ms = tr_environment_wall_ms(c->env);
	checkpoint.wall_ms = c->processing_ms;
	tr_log_seal(c->log, &checkpoint);
	c->state = TR_COORDINATOR_SEALED;
	if (TR_BUG("coordinator-tells-early")) {
		atomic_store_explicit(&c->graph->checkpoint_completed, c->number, memory_order_release);
		wake_workers(c);
	}
}

static enum tr_turn step_collecting(struct tr_coordinator *c, int64_t now_ns)
{
	/* Asked before the rings are looked at: what they announce is in the rings then. */
	const bool is_saved = all_subtasks(c, has_saved);
	bool has_moved = false;
	bool is_drained;
	struct tr_status st = {0};

	is_drained = drain(c, &has_moved);
	if (tr_log_step(c->log, &st) == TR_FLOW_FAILED)
		return give_up(c, now_ns, &st);
	if (has_moved)
		wake_workers(c); /* there is room in the rings */
	if (is_saved && is_drained) {
		seal(c);
		return TR_TURN_PROGRESS;
	}
	if (is_late(c, now_ns))
		return time_out(c, now_ns);
	return has_moved ? TR_TURN_PROGRESS : TR_TURN_IDLE;
}

/* Committing. */

static void count_completed(struct tr_coordinator *c, int64_t now_ns)
{
	const struct tr_log_checkpoint *checkpoint = tr_log_checkpoint(c->log, 0);

	TR_ASSERT(checkpoint->number == c->number);
	pthread_mutex_lock(&c->lock);
	c->stats.completed++;
	c->stats.last = c->number;
	c->stats.is_final = checkpoint->is_final;
	c->stats.last_bytes = checkpoint->bytes;
	c->stats.bytes += checkpoint->bytes;
	c->stats.last_ns = now_ns - c->begun_ns;
	pthread_mutex_unlock(&c->lock);
}

static enum tr_turn step_sealed(struct tr_coordinator *c, int64_t now_ns)
{
	struct tr_status st = {0};

	switch (tr_log_step(c->log, &st)) {
	case TR_FLOW_FAILED: return give_up(c, now_ns, &st);
	case TR_FLOW_DONE: break;
	case TR_FLOW_MORE:
	case TR_FLOW_BLOCKED: return TR_TURN_IDLE; /* a commit under way is not given up: it would be unknown */
	}
	tell_recovery(c);
	count_completed(c, now_ns);
	c->state = TR_COORDINATOR_PUBLISHING;
	TR_FAULT_POINT("commit-before");
	/* Release pairs with the acquire of tr_snapshot_step: the root is durable. */
	atomic_store_explicit(&c->graph->checkpoint_completed, c->number, memory_order_release);
	wake_workers(c);
	TR_FAULT_POINT("commit-sent");
	return TR_TURN_PROGRESS;
}

/** The savepoints that were asked for are copies of the checkpoint that has just been committed. */
static void serve(struct tr_coordinator *c)
{
	while (c->served != NULL) {
		struct tr_savepoint_request *request = c->served;
		struct tr_status st = {0};
		tr_code code = TR_OK;

		c->served = request->next;
		if (request->directory[0] != '\0')
			code = tr_savepoint_copy(c->log, c->env->disk, c->io, c->plan->job_name, request->directory,
						 &st);
		answer(request, c->number, code != TR_OK ? &st : NULL);
	}
}

static enum tr_turn step_publishing(struct tr_coordinator *c, int64_t now_ns)
{
	if (!all_subtasks(c, has_published))
		return TR_TURN_IDLE;
	c->ended_ns = now_ns;
	c->state = TR_COORDINATOR_IDLE;
	TR_FAULT_POINT("commit-all-done");
	serve(c);
	if (c->is_final) {
		/* Release pairs with the acquire of ended subtasks. */
		atomic_store_explicit(&c->graph->is_finished, true, memory_order_release);
		wake_workers(c);
		c->state = TR_COORDINATOR_ENDED;
	} else if (c->stop == TR_STOP_SUSPEND) {
		tr_graph_cancel(c->graph);
		c->state = TR_COORDINATOR_ENDED;
	}
	return TR_TURN_PROGRESS;
}

enum tr_turn tr_coordinator_step(struct tr_coordinator *c)
{
	const int64_t now_ns = tr_environment_monotonic_ns(c->env);

	(void)tr_io_poll(c->io);
	switch (c->state) {
	case TR_COORDINATOR_IDLE: return step_idle(c, now_ns);
	case TR_COORDINATOR_COLLECTING: return step_collecting(c, now_ns);
	case TR_COORDINATOR_SEALED: return step_sealed(c, now_ns);
	case TR_COORDINATOR_PUBLISHING: return step_publishing(c, now_ns);
	case TR_COORDINATOR_ENDED: return TR_TURN_DONE;
	}
	TR_UNREACHABLE();
}

int64_t tr_coordinator_wake_at_ns(const struct tr_coordinator *c)
{
	const int64_t timeout_ms = c->plan->checkpoint.timeout_ms;

	switch (c->state) {
	case TR_COORDINATOR_IDLE: return c->is_held_back ? earliest_ns(c) : TR_MAX(c->due_ns, earliest_ns(c));
	case TR_COORDINATOR_COLLECTING: return timeout_ms > 0 ? c->begun_ns + timeout_ms * 1000000 : INT64_MAX;
	case TR_COORDINATOR_SEALED:
	case TR_COORDINATOR_PUBLISHING:
	case TR_COORDINATOR_ENDED: return INT64_MAX;
	}
	TR_UNREACHABLE();
}
