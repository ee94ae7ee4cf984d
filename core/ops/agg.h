/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions: a table like that of scalar functions, one row an overload.
 *
 * An accumulator is a fixed number of bytes per group, so that a window's state is a flat array of them; what needs
 * more (a set for DISTINCT, a long string for MAX) keeps a pointer there to memory of the aggregate's own store. The
 * vector verbs run over a batch: accumulator i of the call belongs to row rows[i].
 *
 * merge must be associative and commutative for is_mergeable aggregates: then two-phase aggregation and slices may use
 * it. SUM and AVG of FLOAT and DOUBLE use an exact, order-independent sum (core/ops/exact_sum.h), so that results do not
 * depend on how rows were dealt to workers.
 */
#ifndef TR_CORE_OPS_AGG_H
#define TR_CORE_OPS_AGG_H

#include "base/arena.h"
#include "base/batch.h"
#include "base/type.h"
#include "core/ops/func.h"
#include "tailrace/status.h"

struct tr_agg; /* one overload; core/ops/agg_table.h defines it, for the operators and the tables */

/** One aggregate of a query. Immutable, in the plan. */
struct tr_agg_call {
	const struct tr_agg *agg;
	const struct tr_type *type; /* of the result */
	int32_t arg_column;         /* input column, or -1: COUNT(*) */
	int32_t filter_column;      /* BOOLEAN input column of FILTER (WHERE ..), or -1 */
	bool is_distinct;
	const char *text; /* for EXPLAIN: "COUNT(DISTINCT bidder) FILTER (..)" */
};

struct tr_agg_match {
	const struct tr_agg *agg;
	const struct tr_type *type;     /* of the result */
	const struct tr_type *arg_type; /* what the argument must be cast to; NULL for COUNT(*) */
};

/** Finds the overload of `name` for the argument type (NULL: `*`). `is_grouped` false: no GROUP BY keys, so the result
 * is nullable. TR_ERR_DATA with the nearest name or the list of signatures. */
tr_code tr_agg_resolve(struct tr_arena *arena, const char *name, const struct tr_type *arg_type, bool is_grouped,
		       struct tr_agg_match *match, struct tr_status *st) TR_MUST_USE;

/** Whether an aggregate function of that name exists. */
bool tr_agg_exists(const char *name);
const char *tr_agg_name(const struct tr_agg *agg);

/** Calls `fn` for each aggregate; tr_func_each includes them. */
void tr_agg_each(void (*fn)(void *context, const struct tr_func_doc *doc), void *context);

#endif
