/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimizer: from the binder's naive nodes to the plan that runs.
 *
 *     tr_order         aggregates that depend on the order of rows learn their position
 *     tr_optimize      filters sink to the scan, projections merge, columns that nobody reads are dropped down to the
 *                      fields that a format decodes
 *     tr_parallelize   parallelism and exchanges, two-phase aggregation
 *
 * All make new nodes and leave their input as it is, so that EXPLAIN can print both.
 */
#ifndef TR_SQL_OPTIMIZE_H
#define TR_SQL_OPTIMIZE_H

#include "base/config.h"
#include "core/plan.h"

const struct tr_node *tr_order(struct tr_arena *arena, const struct tr_node *sink);

const struct tr_node *tr_optimize(struct tr_arena *arena, const struct tr_node *sink);

tr_code tr_parallelize(struct tr_arena *arena, const struct tr_config *config, uint32_t parallelism,
		       const struct tr_node *sink, const struct tr_node **result, struct tr_status *st) TR_MUST_USE;

#endif
