/* SPDX-License-Identifier: Apache-2.0
 *
 * Reuse: what several INSERTs of a statement set, or several parts of one query, have in common is run once, as Flink does with
 * 'table.optimizer.reuse-sub-plan-enabled' and 'table.optimizer.reuse-source-enabled'.
 *
 *     tr_reuse_scans   between pruning and the last rules: scans of the same table become alike: all columns that one of them reads,
 *                      and a projection above each that picks its own. Filters stay above, each reader its own
 *     tr_reuse_nodes   on the plan with exchanges: nodes that are the same over the same inputs become one node
 *
 * The result is the same as without but for what depends on timing: all readers of a shared table see the same rows of a generator, and
 * the slowest reader sets the pace of all. What must be run once (sql/share.h) becomes one node in any case.
 */
#ifndef TR_SQL_REUSE_H
#define TR_SQL_REUSE_H

#include "core/plan.h"

/** Replaces the trees below `sinks`. Whether any scan has become another one. */
bool tr_reuse_scans(struct tr_arena *arena, const struct tr_node **sinks, uint32_t count);

/** Replaces the trees below `sinks` by nodes that have several readers. Without `with_scans` a scan is shared only as part of what stands
 * above it; with `only_must` nothing but what must be run once. */
void tr_reuse_nodes(struct tr_arena *arena, const struct tr_node **sinks, uint32_t count, bool with_scans,
		    bool only_must);

#endif
