/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimizer: from the binder's naive nodes to the plan that runs.
 *
 *     tr_order         aggregates that depend on the order of rows, and ranks, learn their position
 *     tr_optimize      filters sink to the scan, projections merge, columns that nobody reads are dropped down to the
 *                      fields that a format decodes
 *     tr_parallelize   parallelism and exchanges, two-phase aggregation
 *     tr_reuse_nodes   what is the same in several places becomes one node (sql/reuse.h)
 *
 * All make new nodes and leave their input as it is, so that EXPLAIN can print both.
 */
#ifndef TR_SQL_OPTIMIZE_H
#define TR_SQL_OPTIMIZE_H

#include "base/config.h"
#include "core/plan.h"

const struct tr_node *tr_order(struct tr_arena *arena, const struct tr_node *sink);
/** When it is known which ranks are wanted: turns the order of arrival round where only the row that came last is. `order` is the
 * rank's. */
void tr_order_latest(const struct tr_node *rank, struct tr_order_key *order);

/** Replaces the trees below `sinks`, which are those of one job: tables that several of them read are looked at together. */
void tr_optimize(struct tr_arena *arena, const struct tr_config *config, const struct tr_node **sinks, uint32_t count);

tr_code tr_parallelize(struct tr_arena *arena, const struct tr_config *config, uint32_t parallelism,
		       const struct tr_node *sink, const struct tr_node **result, struct tr_status *st) TR_MUST_USE;

#endif
