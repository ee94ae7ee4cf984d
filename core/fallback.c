/* SPDX-License-Identifier: Apache-2.0
 *
 * Falling back: which checkpoint a job goes on from.
 *
 * The newest, as a rule. If it can't be read (a block has rotted, a segment is missing), the next older one that is
 * retained is tried on a new graph, and so on. Whether that is allowed is for the sinks to say (io/sink.h, recover): if one
 * has published output of the newer checkpoint it refuses, since those rows would come again. Sinks that are not exact,
 * and sinks of which nothing has been published since the older checkpoint, let the job go on: the sources go back with the
 * state, so nothing is lost but time.
 *
 * Any other reason for which a checkpoint can't be restored (a script that does not fit, an operator that refuses its
 * records) holds for older ones too, and is final. What the reason was is found by reading the checkpoint once more
 * without giving it to anybody.
 *
 * On disk nothing changes before the next commit. What was damaged is kept (tr_log_keep_damaged), and people are told what
 * was wrong, where, and what was done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/coordinator.h"
#include "core/ops/op.h"

#define TO_DO "put the file back from a copy; or begin with a savepoint (-s DIR and --fresh), or anew with --fresh"

static tr_code ignore_block(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
			    size_t length, struct tr_status *st)
{
	return TR_OK;
}

/** Whether a restore that failed with `code` did so because the newest checkpoint is damaged; then `why` says where. */
static bool is_damaged(struct tr_coordinator *c, tr_code code, struct tr_status *why)
{
	if (tr_log_checkpoint_count(c->log) == 0 || (code != TR_ERR_DATA && code != TR_ERR_IO))
		return false;
	return tr_log_read(c->log, 0, ignore_block, NULL, why) != TR_OK;
}

/** Tells what was passed over, and keeps what was damaged. */
static void note_fallback(struct tr_coordinator *c, const struct tr_status *damage, uint64_t segment)
{
	struct tr_status why = {0};
	char kept[64];

	if (tr_log_keep_damaged(c->log, segment, kept, sizeof(kept), &why) != TR_OK)
		snprintf(c->fallback, sizeof(c->fallback),
			 "%s. The job goes on from checkpoint %" PRIu64 " instead; no copy of the damage was made: %s",
			 damage->message, c->restored, why.message);
	else
		snprintf(c->fallback, sizeof(c->fallback),
			 "%s. The job goes on from checkpoint %" PRIu64 " instead%s%s", damage->message, c->restored,
			 kept[0] != '\0' ? "; what is damaged is kept as " : "", kept);
}

/** A job that had come to its end does not run: its sinks hear here that their output is published, and tidy up. */
static tr_code finish_sinks(struct tr_coordinator *c, struct tr_graph *graph, struct tr_status *st)
{
	for (uint32_t s = 0; s < graph->stage_count; s++) {
		struct tr_stage *stage = graph->stages[s];

		for (uint32_t i = 0; i < stage->parallelism * stage->state_count; i++) {
			struct tr_op *op = stage->subtasks[i / stage->state_count].snapshot.ops[i % stage->state_count];
			enum tr_flow flow = TR_FLOW_MORE;

			if (stage->states[i % stage->state_count].node->kind != TR_NODE_SINK)
				continue;
			if (op->ops->on_complete != NULL)
				flow = op->ops->on_complete(op, c->restored);
			while (flow == TR_FLOW_BLOCKED)
				flow = op->ops->resume(op);
			if (flow == TR_FLOW_FAILED) {
				*st = op->context->status;
				return st->code;
			}
		}
	}
	return TR_OK;
}

/** The newest one is damaged and no other can be used. `refusal`: why the last one that was tried can't; NULL: there is none. */
static tr_code refuse(const struct tr_coordinator *c, const struct tr_status *damage, const struct tr_status *refusal,
		      struct tr_status *st)
{
	if (st == NULL)
		return damage->code;
	if (refusal == NULL)
		(void)tr_status_set(st, damage->code, 0, damage->where,
				    "%s. No older checkpoint can be used. Nothing was changed; " TO_DO,
				    damage->message);
	else
		(void)tr_status_set(st, damage->code, 0, damage->where,
				    "%s. Mend that (" TO_DO "): checkpoint %" PRIu64 " can't be used instead: %s",
				    damage->message, tr_log_checkpoint(c->log, 0)->number, refusal->message);
	st->sys_errno = damage->sys_errno;
	return damage->code;
}

tr_code tr_coordinator_build(struct tr_coordinator *c, struct tr_graph *graph, struct tr_status *st)
{
	const uint64_t newest = tr_log_checkpoint_count(c->log) > 0 ? tr_log_checkpoint(c->log, 0)->number : 0;
	struct tr_status damage = {0}; /* of the newest */
	uint64_t segment = 0;          /* where it lies */

	for (;;) {
		struct tr_status mine = {0}, why = {0};
		tr_code code = tr_graph_init(graph, c->plan, c->env, c->io, &mine);

		if (code == TR_OK)
			code = tr_coordinator_restore(c, graph, &mine);
		if (code == TR_OK && c->was_finished)
			code = finish_sinks(c, graph, &mine);
		if (code == TR_OK) {
			c->number = TR_MAX(c->number, newest); /* numbers are never used again */
			if (damage.code != TR_OK)
				note_fallback(c, &damage, segment);
			return TR_OK;
		}
		if (!is_damaged(c, code, &why)) {
			if (damage.code != TR_OK)
				return refuse(c, &damage, &mine, st);
			if (st != NULL)
				*st = mine;
			return code;
		}
		if (damage.code == TR_OK) {
			damage = why;
			segment = tr_log_last_read(c->log);
		}
		if (tr_log_checkpoint_count(c->log) == 1)
			return refuse(c, &damage, NULL, st);
		tr_graph_deinit(graph);
		memset(graph, 0, sizeof(*graph));
		TR_TRY(tr_log_rewind(c->log, 1, st));
	}
}
