/* SPDX-License-Identifier: Apache-2.0
 *
 * Restoring: a checkpoint's blocks to the operators of a new graph.
 *
 *     parts of the checkpoint ──uid──▶ operators of the plan      checked first: fingerprints, what is left over
 *     newest blocks ──▶ records without key, kept by stream       they are few: positions, watermarks, which slices live
 *     all blocks, in turn ──▶ keyed records ──▶ operators         as they are read; nothing is collected
 *
 * An operator of the plan takes the parts with a name of its own (core/plan_uid.c). So what several readers shared may have been split
 * since, and each piece takes all of it; what were two operators cannot become one.
 *
 * An operator is given a stream as base/state_record.h has it: its records without key, then the keyed ones. With the same number
 * of subtasks and key groups as before a stream's keyed records go to the one subtask that they came from. Then each subtask
 * takes its own stream, all in one turn, and at last what the others say without key. Otherwise the streams are read one after the
 * other (turn k: those of the old subtask k), and each is given to all subtasks, who keep the key groups that are theirs.
 *
 * Where all that is needed was written for the newest checkpoint (its first one, a savepoint), and each stream goes to the
 * one subtask that it came from, all blocks are read only once, and a stream's records go to the operator as they were
 * written: those without key come first. Sources and sinks are given theirs when all has been read and checked.
 *
 * What takes long is not reading but putting keys into tables. So when there is much of it, each subtask has a thread that
 * loads (core/loader.h) while this one reads on. Sources and sinks may look at files when they are given theirs: they are
 * always loaded here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "core/coordinator.h"
#include "core/loader.h"
#include "core/worker.h"
#include "state/key_group.h"

#define THREADS_BYTES ((uint64_t)8 << 20) /* less is loaded by this thread alone */
#define NO_LOADER UINT32_MAX

enum which { UNKEYED, KEYED, ALL };

/** One stream of the checkpoint, and who takes it. Where several do, each has one of these; the first has the bytes. */
struct stream {
	const struct tr_log_part *part;
	uint32_t number;        /* of the part: that of the first */
	struct stream *next;    /* who takes it, too */
	struct tr_stage *stage; /* NULL: left out */
	uint32_t state;         /* of the stage */
	bool is_dealt_alike;    /* keyed records are those of one subtask */
	bool is_memory_only;
	struct tr_bytes unkeyed; /* records, as in a block */
	struct tr_bytes keyed;   /* likewise; in one reading, of sources and sinks */
};

struct restore {
	struct tr_graph *graph;
	struct stream *streams;
	uint32_t *turns; /* by part */
	uint32_t part_count;
	uint32_t stream_count;              /* those of the parts first */
	uint32_t *first_loader;             /* by stage; NO_LOADER: this thread loads */
	const struct stream **first_stream; /* by stage: whose operators loaders load; or NULL */
	const struct tr_log_checkpoint *checkpoint;
	const char *what; /* directory, for messages */
	uint64_t bytes;   /* of all blocks */
	struct tr_loaders *loaders;
	bool is_one_reading;
	bool has_failed; /* an operator has: */
	struct tr_status failure;
};

/** Whether an operator's state is its own memory. */
static bool is_memory_only(const struct tr_stage_state *state)
{
	return state->op >= 0 && state->node->kind != TR_NODE_SINK;
}

/** All that take a part are given it in the same way. */
static void choose_turn(struct restore *r, uint32_t part)
{
	const struct tr_state_stream *from = &r->streams[part].part->stream;
	const uint32_t groups = r->graph->plan->key_groups != 0 ? r->graph->plan->key_groups : TR_KEY_GROUPS_DEFAULT;
	bool is_alike = r->checkpoint->key_groups == groups || r->checkpoint->key_groups == 0;

	for (const struct stream *stream = &r->streams[part]; stream != NULL; stream = stream->next)
		is_alike = is_alike && from->subtask_count == stream->stage->parallelism;
	for (struct stream *stream = &r->streams[part]; stream != NULL; stream = stream->next) {
		stream->is_memory_only = is_memory_only(&stream->stage->states[stream->state]);
		stream->is_dealt_alike = is_alike;
	}
	r->turns[part] = is_alike ? 0 : from->subtask;
}

/** The operator takes a part, if it is of the same kind as before and has no other. */
static tr_code take(const struct restore *r, const struct stream *stream, struct tr_status *st)
{
	const struct tr_log_part *part = stream->part;
	const struct tr_node *node = stream->stage->states[stream->state].node;

	if (strcmp(part->fingerprint, node->fingerprint) != 0)
		TR_FAIL(st, TR_ERR_DATA,
			"%s: the state of operator '%s' does not fit the script\n  saved:  %s\n  script: %s\n"
			"to begin anew, say --fresh",
			r->what, part->uid, part->fingerprint, node->fingerprint);
	for (uint32_t i = 0; i < stream->number && part->stream.subtask == 0; i++)
		if (r->checkpoint->parts[i].stream.subtask == 0 &&
		    r->checkpoint->parts[i].stream.operator_id != part->stream.operator_id &&
		    tr_plan_uids_meet(r->checkpoint->parts[i].uid, node->uid))
			TR_FAIL(st, TR_ERR_DATA,
				"%s has state of the operators '%s' and '%s', which are one in the script; to keep "
				"them "
				"apart, SET 'table.optimizer.reuse-source-enabled' = 'false' or "
				"'table.optimizer.reuse-sub-plan-enabled' = 'false'; to begin anew, say --fresh",
				r->what, r->checkpoint->parts[i].uid, part->uid);
	return TR_OK;
}

/** Finds who takes a part. */
static tr_code match_part(struct restore *r, uint32_t number, struct tr_status *st)
{
	struct stream *stream = &r->streams[number];

	stream->part = &r->checkpoint->parts[number];
	stream->number = number;
	for (uint32_t s = 0; s < r->graph->stage_count; s++) {
		struct tr_stage *stage = r->graph->stages[s];

		for (uint32_t k = 0; k < stage->state_count; k++) {
			if (!tr_plan_uids_meet(stage->states[k].node->uid, stream->part->uid))
				continue;
			if (stream->stage != NULL) {
				stream->next = &r->streams[r->stream_count++];
				*stream->next = (struct stream){.part = stream->part, .number = number};
				stream = stream->next;
			}
			stream->stage = stage;
			stream->state = k;
			TR_TRY(take(r, stream, st));
		}
	}
	return TR_OK;
}

/** Parts to operators. */
static tr_code match(struct restore *r, struct tr_status *st)
{
	const bool allows_rest = r->graph->plan->checkpoint.allows_non_restored;

	for (uint32_t i = 0; i < r->part_count; i++) {
		r->turns[i] = TR_LOG_NO_TURN;
		TR_TRY(match_part(r, i, st));
		if (r->streams[i].stage != NULL)
			choose_turn(r, i);
		else if (!allows_rest)
			TR_FAIL(st, TR_ERR_DATA,
				"%s has state of the operator '%s', which the script does not have any more; "
				"to go on without that state, say --allowNonRestoredState; to begin anew, "
				"--fresh",
				r->what, r->streams[i].part->uid);
	}
	return TR_OK;
}

/** Whether all blocks can be given as they are read. */
static bool can_read_once(const struct restore *r)
{
	for (uint32_t i = 0; i < r->part_count; i++)
		if (r->turns[i] != TR_LOG_NO_TURN &&
		    (!r->streams[i].is_dealt_alike ||
		     tr_state_age_checkpoint(r->streams[i].part->base) < r->checkpoint->number))
			return false;
	return !TR_BUG("restore-old-records");
}

/** Keeps records without key, or with. */
static tr_code keep(struct stream *stream, bool is_keyed, const void *bytes, size_t length, struct tr_status *st)
{
	struct tr_bytes *to = is_keyed ? &stream->keyed : &stream->unkeyed;
	struct tr_state_record record;
	size_t begin = 0, end = 0;
	tr_code code;

	for (; tr_block_next(bytes, length, &end, &record, &code, st); begin = end)
		if (record.is_keyed == is_keyed)
			tr_bytes_append(to, (const char *)bytes + begin, end - begin);
	return code;
}

static tr_code take_unkeyed(void *context, const struct tr_state_stream *id, uint64_t checkpoint, const void *bytes,
			    size_t length, struct tr_status *st)
{
	struct restore *r = context;
	struct stream *stream = r->streams;

	while (stream->part->stream.operator_id != id->operator_id || stream->part->stream.subtask != id->subtask)
		stream++; /* it is one of the checkpoint's parts */
	return stream->stage == NULL ? TR_OK : keep(stream, false, bytes, length, st);
}

/* Giving. */

/** Gives records of one sort to one subtask's operator. */
static tr_code give(const struct restore *r, const struct stream *stream, uint32_t subtask, enum which which,
		    const void *bytes, size_t length, struct tr_status *st)
{
	const struct tr_state_stream *from = &stream->part->stream;
	const struct tr_state_origin origin = {.subtask = from->subtask,
					       .subtask_count = from->subtask_count,
					       .checkpoint = r->checkpoint->number,
					       .is_dealt_alike = stream->is_dealt_alike,
					       .bytes_max = r->bytes};
	struct tr_op *op = stream->stage->subtasks[subtask].snapshot.ops[stream->state];
	struct tr_state_record record;
	size_t offset = 0;
	tr_code code;

	while (tr_block_next(bytes, length, &offset, &record, &code, st)) {
		if (which != ALL && record.is_keyed != (which == KEYED))
			continue;
		code = op->ops->load != NULL
			       ? op->ops->load(op, &origin, &record, st)
			       : tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "the operator takes no state");
		if (code != TR_OK)
			break;
	}
	return code == TR_OK ? TR_OK
			     : tr_status_prefix(st, code, "%s: state of operator '%s', subtask %u", r->what,
						stream->part->uid, from->subtask);
}

/** All of a subtask's state is there: its operators are told, those with state in memory or the others. */
static tr_code end_subtask(const struct tr_stage *stage, uint32_t subtask, bool is_memory, struct tr_status *st)
{
	const struct tr_snapshot *snapshot = &stage->subtasks[subtask].snapshot;

	for (uint32_t k = 0; k < snapshot->count; k++) {
		struct tr_op *op = snapshot->ops[k];

		if (is_memory_only(&stage->states[k]) == is_memory && op->ops->load_end != NULL &&
		    op->ops->load_end(op, st) != TR_OK)
			return tr_status_prefix(st, st->code, "operator '%s'", stage->states[k].node->uid);
	}
	return TR_OK;
}

static tr_code give_piece(void *context, uint32_t loader, const struct tr_loader_piece *piece, struct tr_status *st)
{
	const struct restore *r = context;
	const struct stream *stream = piece->of;
	const uint32_t subtask = loader - r->first_loader[stream->stage->id];

	if (piece->block->length == 0) /* the last piece */
		return end_subtask(stream->stage, subtask, true, st);
	return give(r, stream, subtask, (enum which)piece->which, piece->block->bytes, piece->block->length, st);
}

/** Gives records to subtasks [first, last] of the stream's stage, here or on their threads. */
static tr_code offer(struct restore *r, const struct stream *stream, uint32_t first, uint32_t last, enum which which,
		     const void *bytes, size_t length, struct tr_status *st)
{
	const uint32_t base = stream->is_memory_only ? r->first_loader[stream->stage->id] : NO_LOADER;
	struct tr_loader_block *block = NULL;
	tr_code code = TR_OK;

	for (uint32_t subtask = first; code == TR_OK && length > 0 && subtask <= last; subtask++) {
		if (base == NO_LOADER || !tr_loaders_has_thread(r->loaders, base + subtask)) {
			code = give(r, stream, subtask, which, bytes, length, st);
			r->has_failed = code != TR_OK;
			if (r->has_failed)
				r->failure = *st; /* the log adds its own words */
			continue;
		}
		if (block == NULL)
			block = tr_loaders_block(r->loaders, bytes, length);
		if (!tr_loaders_push(r->loaders, base + subtask,
				     &(struct tr_loader_piece){.of = stream, .which = which, .block = block}))
			code = tr_status_set(st, TR_ERR_CANCELLED, 0, TR_WHERE, "an operator can't be loaded");
	}
	if (block != NULL)
		tr_loaders_let_go(r->loaders, block);
	return code;
}

static tr_code begin_turn(void *context, uint32_t turn, struct tr_status *st)
{
	struct restore *r = context;

	for (uint32_t i = 0; i < r->stream_count; i++) {
		const struct stream *stream = &r->streams[i];
		const uint32_t own = stream->part->stream.subtask;
		const bool is_alone = stream->is_dealt_alike;
		const struct tr_bytes *unkeyed = &r->streams[stream->number].unkeyed;

		if (r->turns[stream->number] == turn && !r->is_one_reading)
			TR_TRY(offer(r, stream, is_alone ? own : 0, is_alone ? own : stream->stage->parallelism - 1,
				     UNKEYED, unkeyed->data, unkeyed->length, st));
	}
	return TR_OK;
}

static tr_code take_keyed(void *context, uint32_t part, uint64_t checkpoint, const void *bytes, size_t length,
			  struct tr_status *st)
{
	struct restore *r = context;
	struct stream *stream = &r->streams[part];
	const uint32_t own = stream->part->stream.subtask;
	const bool is_alone = stream->is_dealt_alike;

	if (r->is_one_reading)
		TR_TRY(keep(stream, false, bytes, length, st));
	if (r->is_one_reading && !stream->is_memory_only)
		return keep(stream, true, bytes, length, st);
	for (; stream != NULL; stream = stream->next)
		TR_TRY(offer(r, stream, is_alone ? own : 0, is_alone ? own : stream->stage->parallelism - 1,
			     r->is_one_reading ? ALL : KEYED, bytes, length, st));
	return TR_OK;
}

/** In one reading: what sources and sinks have not been given yet. */
static tr_code give_kept(struct restore *r, struct tr_status *st)
{
	for (uint32_t i = 0; i < r->stream_count; i++) {
		const struct stream *stream = &r->streams[i];
		const struct stream *first = &r->streams[stream->number];
		const uint32_t own = stream->part->stream.subtask;

		if (!r->is_one_reading || stream->stage == NULL || stream->is_memory_only)
			continue;
		TR_TRY(offer(r, stream, own, own, UNKEYED, first->unkeyed.data, first->unkeyed.length, st));
		TR_TRY(offer(r, stream, own, own, KEYED, first->keyed.data, first->keyed.length, st));
	}
	return TR_OK;
}

/** Where each subtask has had its own stream: what the others say without key. */
static tr_code give_others(struct restore *r, struct tr_status *st)
{
	for (uint32_t i = 0; i < r->stream_count; i++) {
		const struct stream *stream = &r->streams[i];
		const struct tr_bytes *unkeyed = &r->streams[stream->number].unkeyed;
		const uint32_t own = stream->part->stream.subtask;

		for (uint32_t k = 0; stream->is_dealt_alike && k < stream->stage->parallelism; k++)
			if (k != own)
				TR_TRY(offer(r, stream, k, k, UNKEYED, unkeyed->data, unkeyed->length, st));
	}
	return TR_OK;
}

/** Threads for the stages that have state in memory. */
static void start_loaders(struct restore *r)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < r->stream_count; i++) {
		const struct stream *stream = &r->streams[i];

		if (stream->stage == NULL || !stream->is_memory_only || r->first_loader[stream->stage->id] != NO_LOADER)
			continue;
		r->first_loader[stream->stage->id] = count;
		r->first_stream[stream->stage->id] = stream;
		count += stream->stage->parallelism;
	}
	if (count > 0)
		r->loaders = tr_loaders_create(count, give_piece, r);
}

/** Tells the operators that have loaders that this was all. */
static tr_code end_loaded(struct restore *r, struct tr_status *st)
{
	struct tr_loader_block *nothing = tr_loaders_block(r->loaders, "", 0);
	tr_code code = TR_OK;

	for (uint32_t i = 0; i < r->stream_count; i++) {
		const struct stream *stream = &r->streams[i];
		const struct tr_loader_piece last = {.of = stream, .block = nothing};

		/* One stream of each stage is enough. */
		if (stream->stage == NULL || r->first_stream[stream->stage->id] != stream)
			continue;
		for (uint32_t k = 0; code == TR_OK && k < stream->stage->parallelism; k++) {
			const uint32_t loader = r->first_loader[stream->stage->id] + k;

			if (!tr_loaders_has_thread(r->loaders, loader))
				code = end_subtask(stream->stage, k, true, st);
			else if (!tr_loaders_push(r->loaders, loader, &last))
				code = tr_status_set(st, TR_ERR_CANCELLED, 0, TR_WHERE, "an operator can't be loaded");
		}
	}
	tr_loaders_let_go(r->loaders, nothing);
	return code;
}

/** Tells the others. */
static tr_code end_others(const struct restore *r, struct tr_status *st)
{
	for (uint32_t s = 0; s < r->graph->stage_count; s++) {
		const struct tr_stage *stage = r->graph->stages[s];

		for (uint32_t i = 0; i < stage->parallelism; i++) {
			if (r->first_loader[s] == NO_LOADER)
				TR_TRY(end_subtask(stage, i, true, st));
			TR_TRY(end_subtask(stage, i, false, st));
		}
	}
	return TR_OK;
}

static tr_code give_all(struct restore *r, struct tr_log *log, struct tr_status *st)
{
	const struct tr_log_turns turns = {.of = r->turns, .begin = begin_turn, .take = take_keyed, .context = r};
	const uint64_t threads_bytes = r->graph->plan->checkpoint.load_threads_bytes;
	tr_code code;

	r->bytes = tr_log_read_bytes(log, 0);
	/* With a memory limit state may go to disk while it is loaded, by the queue of a worker, which is one thread's. */
	if (r->graph->plan->memory_limit == 0 && r->bytes >= (threads_bytes != 0 ? threads_bytes : THREADS_BYTES))
		start_loaders(r);
	code = tr_log_read_in_turn(log, 0, &turns, st);
	if (code == TR_OK)
		code = give_kept(r, st);
	if (code == TR_OK)
		code = give_others(r, st);
	if (code == TR_OK && r->loaders != NULL)
		code = end_loaded(r, st);
	if (r->loaders != NULL) {
		struct tr_status loaded = {0};

		if (tr_loaders_join(&r->loaders, code != TR_OK, &loaded) != TR_OK) {
			*st = loaded;
			return st->code;
		}
	}
	if (r->has_failed)
		*st = r->failure;
	return r->has_failed ? st->code : code;
}

static tr_code restore(struct restore *r, struct tr_log *log, struct tr_status *st)
{
	TR_TRY(match(r, st));
	TR_FAULT_POINT("restore-before");
	r->is_one_reading = can_read_once(r);
	if (!r->is_one_reading)
		TR_TRY(TR_BUG("restore-old-records") ? tr_log_read(log, 0, take_unkeyed, r, st)
						     : tr_log_read_last(log, 0, take_unkeyed, r, st));
	TR_FAULT_POINT("restore-read");
	TR_TRY(give_all(r, log, st));
	return end_others(r, st);
}

tr_code tr_restore_from_log(struct tr_graph *graph, struct tr_log *log, const char *what, struct tr_status *st)
{
	struct restore r = {.graph = graph, .checkpoint = tr_log_checkpoint(log, 0), .what = what};
	size_t room = 1;
	tr_code code;

	/* Each part is taken by one of the plan's nodes for each of its names. */
	r.part_count = r.stream_count = r.checkpoint->part_count;
	for (uint32_t i = 0; i < r.part_count; i++)
		room += tr_plan_uid_names(r.checkpoint->parts[i].uid);
	r.streams = calloc(room, sizeof(*r.streams));
	r.turns = calloc(r.part_count + 1, sizeof(*r.turns));
	r.first_loader = malloc((graph->stage_count + 1) * sizeof(*r.first_loader));
	r.first_stream = calloc(graph->stage_count + 1, sizeof(*r.first_stream));
	TR_ASSERT(r.streams != NULL && r.turns != NULL && r.first_loader != NULL && r.first_stream != NULL);
	for (uint32_t s = 0; s < graph->stage_count; s++)
		r.first_loader[s] = NO_LOADER;
	code = restore(&r, log, st);
	TR_FAULT_POINT("restore-done");
	for (uint32_t w = 0; w < graph->worker_count; w++)
		graph->workers[w].now_ms = TR_MAX(graph->workers[w].now_ms, r.checkpoint->wall_ms);
	for (uint32_t i = 0; i < r.stream_count; i++) {
		tr_bytes_deinit(&r.streams[i].unkeyed);
		tr_bytes_deinit(&r.streams[i].keyed);
	}
	free(r.streams);
	free(r.turns);
	free(r.first_loader);
	free(r.first_stream);
	return code;
}
