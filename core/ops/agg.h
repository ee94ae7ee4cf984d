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
#include "core/ops/expr.h"
#include "core/ops/func.h"
#include "tailrace/status.h"

struct tr_agg; /* one overload; core/ops/agg_table.h defines it, for the operators and the tables */

#define TR_AGG_ARGS_MAX 3
#define TR_AGG_MORE_MAX TR_AGG_ARGS_MAX /* the other arguments, and the position of the row */

/** What a call says beside its columns. Immutable, in the plan. */
struct tr_agg_params {
	int32_t scale;            /* of a DECIMAL argument */
	bool is_distinct;         /* of aggregates that see to DISTINCT themselves */
	bool skips_nulls;         /* IGNORE NULLS, ABSENT ON NULL */
	struct tr_view separator; /* LISTAGG */
	const double *fractions;  /* PERCENTILE */
	uint32_t fraction_count;
	bool is_list; /* the fractions were an ARRAY */
	struct tr_expr_place place;
};

/** One aggregate of a query. Immutable, in the plan. */
struct tr_agg_call {
	const struct tr_agg *agg;
	const struct tr_type *type;         /* of the result */
	const struct tr_agg_params *params; /* NULL: none */
	int32_t arg_column;                 /* input column, or -1: COUNT(*) */
	uint32_t more_count;                /* further columns: the other arguments, then the row's position */
	int32_t more_columns[TR_AGG_MORE_MAX];
	int32_t filter_column; /* BOOLEAN input column of FILTER (WHERE ..), or -1 */
	bool is_distinct;
	const char *text; /* for EXPLAIN: "COUNT(DISTINCT bidder) FILTER (..)" */
};

/** What a call is made with. */
struct tr_agg_ask {
	const char *name;
	uint32_t arg_count;
	const struct tr_type *arg_types[TR_AGG_ARGS_MAX]; /* one of them NULL: `*` */
	const struct tr_expr *args[TR_AGG_ARGS_MAX];      /* for those that must be literals; or NULL */
	bool is_grouped; /* there is a row in each group: no GROUP BY () and no FILTER */
	bool is_distinct;
	bool has_null_treatment, skips_nulls;
	struct tr_expr_place place;
};

struct tr_agg_match {
	const struct tr_agg *agg;
	const struct tr_type *type;     /* of the result */
	const struct tr_type *arg_type; /* what the argument must be cast to; NULL for COUNT(*) */
	const struct tr_agg_params *params;
	uint32_t arg_count;                               /* arguments that are columns; the others were literals */
	uint32_t args[TR_AGG_ARGS_MAX];                   /* which ones */
	const struct tr_type *arg_types[TR_AGG_ARGS_MAX]; /* what these must be cast to */
};

/** Finds the overload for a call. TR_ERR_DATA with the nearest name, or what the aggregate takes. */
tr_code tr_agg_resolve_call(struct tr_arena *arena, const struct tr_agg_ask *ask, struct tr_agg_match *match,
			    struct tr_status *st) TR_MUST_USE;

/** Whether the last of more_columns is the position of the row in the input, which nobody has given yet. */
bool tr_agg_is_ordered(const struct tr_agg *agg);

/** Finds the overload of `name` for the argument type (NULL: `*`). `is_grouped` false: no GROUP BY keys, so the result
 * is nullable. TR_ERR_DATA with the nearest name or the list of signatures. */
tr_code tr_agg_resolve(struct tr_arena *arena, const char *name, const struct tr_type *arg_type, bool is_grouped,
		       struct tr_agg_match *match, struct tr_status *st) TR_MUST_USE;

/** Whether the columns of a call are among the first `count`. */
bool tr_agg_has_columns(const struct tr_agg_call *call, uint32_t count);

/** Whether an aggregate function of that name exists. */
bool tr_agg_exists(const char *name);
const char *tr_agg_name(const struct tr_agg *agg);

/** What its accumulators are, for fingerprints. */
const char *tr_agg_state(const struct tr_agg *agg);

/** Calls `fn` for each aggregate; tr_func_each includes them. */
void tr_agg_each(void (*fn)(void *context, const struct tr_func_doc *doc), void *context);

#endif
