/* SPDX-License-Identifier: Apache-2.0
 *
 * What a restore would do, told before anything is stopped: the rule of core/restore.c (a common name finds the operator, the fingerprint
 * must be the same) on a plan alone, without a graph.
 */
#include <string.h>

#include "core/coordinator.h"

struct comparison {
	const struct tr_log_checkpoint *checkpoint;
	struct tr_restore_match *matches;
	uint32_t count;
};

static bool is_wanted(const struct tr_plan *plan, const char *uid)
{
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan->nodes[i]->uid != NULL && tr_plan_uids_meet(plan->nodes[i]->uid, uid))
			return true;
	return false;
}

static void add_node(struct comparison *c, const struct tr_node *node)
{
	const struct tr_log_part *saved = NULL;
	bool is_one = true;

	for (uint32_t p = 0; p < c->checkpoint->part_count; p++) {
		const struct tr_log_part *part = &c->checkpoint->parts[p];

		if (saved != NULL && saved->stream.operator_id == part->stream.operator_id)
			continue;
		if (!tr_plan_uids_meet(part->uid, node->uid))
			continue;
		is_one = saved == NULL;
		saved = is_one ? part : saved;
		if (!is_one)
			break;
	}
	c->matches[c->count++] = (struct tr_restore_match){
		.uid = node->uid,
		.verdict = saved == NULL                                                  ? TR_RESTORE_NEW
			   : is_one && strcmp(saved->fingerprint, node->fingerprint) == 0 ? TR_RESTORE_KEPT
											  : TR_RESTORE_INCOMPATIBLE,
		.saved = saved != NULL && !is_one ? "several operators"
			 : saved != NULL          ? saved->fingerprint
						  : NULL,
		.script = saved != NULL && !is_one ? "one operator" : node->fingerprint,
	};
}

void tr_restore_compare(struct tr_arena *arena, const struct tr_plan *plan, const struct tr_log_checkpoint *checkpoint,
			const struct tr_restore_match **matches, uint32_t *count)
{
	const uint32_t room = plan->node_count + checkpoint->part_count + 1;
	struct comparison c = {.checkpoint = checkpoint, .matches = TR_NEW_ARRAY(arena, room, struct tr_restore_match)};

	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan->nodes[i]->uid != NULL)
			add_node(&c, plan->nodes[i]);
	for (uint32_t p = 0; p < checkpoint->part_count; p++) {
		const struct tr_log_part *part = &checkpoint->parts[p];

		if (part->stream.subtask == 0 && !is_wanted(plan, part->uid))
			c.matches[c.count++] = (struct tr_restore_match){
				.uid = part->uid, .verdict = TR_RESTORE_DROPPED, .saved = part->fingerprint};
	}
	*matches = c.matches;
	*count = c.count;
}
