/* SPDX-License-Identifier: Apache-2.0
 *
 * What EXPLAIN says of a node: its name in Flink's manner and its attributes, of which core/plan_text.c and core/plan_json.c
 * make lines and objects.
 */
#ifndef TR_CORE_PLAN_ATTRIBUTES_H
#define TR_CORE_PLAN_ATTRIBUTES_H

#include "core/plan.h"

#define TR_PLAN_ATTRIBUTES_MAX 9

struct tr_plan_attribute {
	const char *name;
	const char *value;
};

/** "Scan", "WindowAggregate". Static. */
const char *tr_plan_node_name(const struct tr_node *node);

/** Writes the attributes in their order; returns how many. `plan` NULL: the node is bound only, not planned. Values are in
 * `arena`. */
uint32_t tr_plan_attributes(struct tr_arena *arena, const struct tr_plan *plan, const struct tr_node *node,
			    struct tr_plan_attribute attributes[TR_PLAN_ATTRIBUTES_MAX]);

/** Whether a stage's chain ends with the node: what it reads is another stage's. */
bool tr_plan_is_head(const struct tr_node *node);

#endif
