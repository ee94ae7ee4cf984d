/* SPDX-License-Identifier: Apache-2.0
 *
 * What a restore would do, told before anything is stopped: the rule of core/restore.c (the uid finds the operator, the fingerprint
 * must be the same) on a plan alone, without a graph.
 */
#include <string.h>

#include "core/coordinator.h"

struct comparison {
	const struct tr_log_checkpoint *checkpoint;
	struct tr_restore_match *matches;
	uint32_t count;
};

static const struct tr_restore_match *find(const struct comparison *c, const char *uid)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (strcmp(c->matches[i].uid, uid) == 0)
			return &c->matches[i];
	return NULL;
}

static void add_node(struct comparison *c, const struct tr_node *node)
{
	const struct tr_log_part *saved = NULL;

	for (uint32_t p = 0; p < c->checkpoint->part_count && saved == NULL; p++)
		if (strcmp(c->checkpoint->parts[p].uid, node->uid) == 0)
			saved = &c->checkpoint->parts[p];
	c->matches[c->count++] = (struct tr_restore_match){
		.uid = node->uid,
		.verdict = saved == NULL                                        ? TR_RESTORE_NEW
			   : strcmp(saved->fingerprint, node->fingerprint) == 0 ? TR_RESTORE_KEPT
										: TR_RESTORE_INCOMPATIBLE,
		.saved = saved != NULL ? saved->fingerprint : NULL,
		.script = node->fingerprint,
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

		if (find(&c, part->uid) == NULL)
			c.matches[c.count++] = (struct tr_restore_match){
				.uid = part->uid, .verdict = TR_RESTORE_DROPPED, .saved = part->fingerprint};
	}
	*matches = c.matches;
	*count = c.count;
}
