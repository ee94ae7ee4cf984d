/* SPDX-License-Identifier: Apache-2.0
 *
 * Restoring: a checkpoint's blocks to the operators of a new graph.
 *
 *     parts of the checkpoint ──uid──▶ operators of the plan      checked first: fingerprints, what is left over
 *     blocks ──stream──▶ lists per stream ──▶ each subtask of the operator: records without key, then keyed ones
 *
 * All blocks are read into memory and then given to the operators, to each stream by stream, as base/state_record.h has it. With the
 * same number of subtasks as before a stream's keyed records go to the one subtask that they came from; otherwise to all, who keep
 * the key groups that are theirs. What takes long is not reading but putting keys into tables; so when there is much of it,
 * the subtasks of a stage are given theirs at the same time, a thread each.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "core/coordinator.h"
#include "core/worker.h"

#define THREADS_BYTES ((size_t)8 << 20) /* less is loaded by one thread */

/** One stream of the checkpoint, and who takes it. */
struct stream {
	const struct tr_log_part *part;
	struct tr_stage *stage; /* NULL: left out */
	uint32_t state;         /* of the stage */
	struct tr_state_block *first;
	struct tr_state_block *last;
	uint64_t newest; /* checkpoint of the newest block: its records without key count */
};

struct restore {
	struct tr_graph *graph;
	struct stream *streams;
	uint32_t stream_count;
	const struct tr_log_checkpoint *checkpoint;
	const char *what; /* directory, for messages */
	size_t bytes;     /* of all blocks that somebody takes */
};

/** A thread that gives one subtask its state. */
struct loader {
	const struct restore *restore;
	const struct tr_stage *stage;
	uint32_t subtask;
	pthread_t thread;
	bool is_started;
	tr_code code;
	struct tr_status status;
};

static bool is_same(const struct tr_state_stream *a, const struct tr_state_stream *b)
{
	return a->operator_id == b->operator_id && a->subtask == b->subtask && a->subtask_count == b->subtask_count;
}

static bool find_state(const struct tr_graph *graph, uint64_t operator_id, struct stream *stream)
{
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		for (uint32_t k = 0; k < graph->stages[s]->state_count; k++) {
			if (graph->stages[s]->states[k].operator_id == operator_id) {
				stream->stage = graph->stages[s];
				stream->state = k;
				return true;
			}
		}
	}
	return false;
}

/** Parts to operators. */
static tr_code match(struct restore *r, struct tr_status *st)
{
	const bool allows_rest = r->graph->plan->checkpoint.allows_non_restored;

	for (uint32_t i = 0; i < r->checkpoint->part_count; i++) {
		const struct tr_log_part *part = &r->checkpoint->parts[i];
		struct stream *stream = &r->streams[i];
		const struct tr_node *node;

		stream->part = part;
		if (!find_state(r->graph, part->stream.operator_id, stream)) {
			if (!allows_rest)
				TR_FAIL(st, TR_ERR_DATA,
					"%s has state of the operator '%s', which the script does not have any more; "
					"to go on without that state, say --allowNonRestoredState; to begin anew, "
					"--fresh",
					r->what, part->uid);
			continue;
		}
		node = stream->stage->states[stream->state].node;
		if (strcmp(part->fingerprint, node->fingerprint) != 0)
			TR_FAIL(st, TR_ERR_DATA,
				"%s: the state of operator '%s' does not fit the script\n  saved:  %s\n  script: %s\n"
				"to begin anew, say --fresh",
				r->what, part->uid, part->fingerprint, node->fingerprint);
	}
	return TR_OK;
}

static tr_code take_block(void *context, const struct tr_state_stream *id, uint64_t checkpoint, const void *bytes,
			  size_t length, struct tr_status *st)
{
	struct restore *r = context;

	for (uint32_t i = 0; i < r->stream_count; i++) {
		struct stream *stream = &r->streams[i];
		struct tr_state_block *block;

		if (!is_same(&stream->part->stream, id))
			continue;
		if (stream->stage == NULL)
			return TR_OK;
		block = malloc(sizeof(*block) + length);
		TR_ASSERT(block != NULL);
		*block = (struct tr_state_block){.stream = *id, .checkpoint = checkpoint, .length = length};
		memcpy(block->bytes, bytes, length);
		if (stream->first == NULL)
			stream->first = block;
		else
			stream->last->next = block;
		stream->last = block;
		stream->newest = checkpoint;
		r->bytes += length;
		return TR_OK;
	}
	return TR_OK; /* of a stream that this checkpoint does not have */
}

static struct tr_op *op_of(const struct stream *stream, uint32_t subtask)
{
	return stream->stage->subtasks[subtask].snapshot.ops[stream->state];
}

/** Gives a stream's records of one sort to one subtask's operator. */
static tr_code give(const struct restore *r, const struct stream *stream, struct tr_op *op, bool is_keyed,
		    struct tr_status *st)
{
	const struct tr_state_origin origin = {.subtask = stream->part->stream.subtask,
					       .subtask_count = stream->part->stream.subtask_count,
					       .checkpoint = r->checkpoint->number};

	for (const struct tr_state_block *block = stream->first; block != NULL; block = block->next) {
		struct tr_state_record record;
		size_t offset = 0;
		tr_code code;

		if (!is_keyed && block->checkpoint != stream->newest && !TR_BUG("restore-old-records"))
			continue;
		while (tr_block_next(block->bytes, block->length, &offset, &record, &code, st)) {
			if (record.is_keyed != is_keyed)
				continue;
			if (op->ops->load == NULL)
				TR_FAIL(st, TR_ERR_DATA, "the operator takes no state");
			TR_TRY(op->ops->load(op, &origin, &record, st));
		}
		TR_TRY(code);
	}
	return TR_OK;
}

/** Whether an operator's state is its own memory: sources and sinks may look at files when they are given theirs. */
static bool is_memory_only(const struct stream *stream)
{
	const struct tr_stage_state *state = &stream->stage->states[stream->state];

	return state->op >= 0 && state->node->kind != TR_NODE_SINK;
}

/** Gives one subtask what is its own of all streams of its stage, in their order: those of operators whose state is only
 * memory, or the others. Nothing of another subtask is touched. */
static tr_code give_subtask(const struct restore *r, const struct tr_stage *stage, uint32_t subtask, bool is_memory,
			    struct tr_status *st)
{
	for (uint32_t i = 0; i < r->stream_count; i++) {
		const struct stream *stream = &r->streams[i];
		const struct tr_state_stream *id = &stream->part->stream;
		tr_code code;

		if (stream->stage != stage || is_memory_only(stream) != is_memory)
			continue;
		code = give(r, stream, op_of(stream, subtask), false, st);
		if (code == TR_OK && (stage->parallelism != id->subtask_count || subtask == id->subtask))
			code = give(r, stream, op_of(stream, subtask), true, st);
		if (code != TR_OK)
			return tr_status_prefix(st, code, "%s: state of operator '%s', subtask %u", r->what,
						stream->part->uid, id->subtask);
	}
	return TR_OK;
}

static void *run_loader(void *context)
{
	struct loader *loader = context;

	loader->code = give_subtask(loader->restore, loader->stage, loader->subtask, true, &loader->status);
	return NULL;
}

/** Gives the operators of a stage what is only memory, a thread for each subtask. */
static tr_code give_stage_at_once(const struct restore *r, const struct tr_stage *stage, struct tr_status *st)
{
	struct loader *loaders = calloc(stage->parallelism, sizeof(*loaders));
	tr_code code = TR_OK;

	TR_ASSERT(loaders != NULL);
	for (uint32_t i = 0; i < stage->parallelism; i++) {
		loaders[i] = (struct loader){.restore = r, .stage = stage, .subtask = i};
		loaders[i].is_started = pthread_create(&loaders[i].thread, NULL, run_loader, &loaders[i]) == 0;
		if (!loaders[i].is_started)
			(void)run_loader(&loaders[i]);
	}
	for (uint32_t i = 0; i < stage->parallelism; i++) {
		if (loaders[i].is_started)
			TR_ASSERT(pthread_join(loaders[i].thread, NULL) == 0);
		if (code == TR_OK && loaders[i].code != TR_OK) {
			code = loaders[i].code;
			*st = loaders[i].status;
		}
	}
	free(loaders);
	return code;
}

static tr_code give_all(const struct restore *r, struct tr_status *st)
{
	for (uint32_t s = 0; s < r->graph->stage_count; s++) {
		const struct tr_stage *stage = r->graph->stages[s];
		const bool has_threads = r->bytes >= THREADS_BYTES && stage->parallelism > 1;

		for (uint32_t i = 0; i < stage->parallelism; i++) {
			TR_TRY(give_subtask(r, stage, i, false, st));
			if (!has_threads)
				TR_TRY(give_subtask(r, stage, i, true, st));
		}
		if (has_threads)
			TR_TRY(give_stage_at_once(r, stage, st));
	}
	return TR_OK;
}

static tr_code end_load(struct tr_graph *graph, struct tr_status *st)
{
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		struct tr_stage *stage = graph->stages[s];

		for (uint32_t i = 0; i < stage->parallelism; i++) {
			const struct tr_snapshot *snapshot = &stage->subtasks[i].snapshot;

			for (uint32_t k = 0; k < snapshot->count; k++) {
				struct tr_op *op = snapshot->ops[k];

				if (op->ops->load_end != NULL && op->ops->load_end(op, st) != TR_OK)
					return tr_status_prefix(st, st->code, "operator '%s'",
								stage->states[k].node->uid);
			}
		}
	}
	return TR_OK;
}

tr_code tr_restore_from_log(struct tr_graph *graph, struct tr_log *log, const char *what, struct tr_status *st)
{
	struct restore r = {.graph = graph, .checkpoint = tr_log_checkpoint(log, 0), .what = what};
	tr_code code;

	r.stream_count = r.checkpoint->part_count;
	r.streams = calloc(r.stream_count + 1, sizeof(*r.streams));
	TR_ASSERT(r.streams != NULL);
	code = match(&r, st);
	TR_FAULT_POINT("restore-before");
	if (code == TR_OK)
		code = tr_log_read(log, 0, take_block, &r, st);
	TR_FAULT_POINT("restore-read");
	if (code == TR_OK)
		code = give_all(&r, st);
	if (code == TR_OK)
		code = end_load(graph, st);
	TR_FAULT_POINT("restore-done");
	for (uint32_t w = 0; w < graph->worker_count; w++)
		graph->workers[w].now_ms = TR_MAX(graph->workers[w].now_ms, r.checkpoint->wall_ms);
	for (uint32_t i = 0; i < r.stream_count; i++) {
		while (r.streams[i].first != NULL) {
			struct tr_state_block *block = r.streams[i].first;

			r.streams[i].first = block->next;
			tr_state_block_destroy(&block);
		}
	}
	free(r.streams);
	return code;
}
