/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the optimizer share. See optimize.h.
 */
#ifndef TR_SQL_OPTIMIZE_INNER_H
#define TR_SQL_OPTIMIZE_INNER_H

#include "sql/optimize.h"

bool tr_optimize_is_volatile(const struct tr_expr *expr);

/** Whether it is a call of the function of that name, "AND" as an example. */
bool tr_optimize_is_call(const struct tr_expr *expr, const char *name);

/** a AND b; b if a is NULL. */
const struct tr_expr *tr_optimize_and(struct tr_arena *arena, const struct tr_expr *a, const struct tr_expr *b);

/** Deals the terms of a conjunction out: those that read some of the first `count` columns and no others to *first, the rest to
 * *others; each is added to what is there, NULL is nothing. */
void tr_optimize_split(struct tr_arena *arena, const struct tr_expr *condition, uint32_t count,
		       const struct tr_expr **first, const struct tr_expr **others);

/** Moves what it can of a condition over `rank`, a WINDOW_RANK of the caller's, into its range. *below: what may filter its
 * input, or NULL. Returns what has to stay above, or NULL. */
const struct tr_expr *tr_optimize_rank(struct tr_arena *arena, struct tr_node *rank, const struct tr_expr *condition,
				       const struct tr_expr **below);

/** Splits a condition over an UNNEST. *below: what may filter its input, or NULL. Returns what has to stay above, or NULL. */
const struct tr_expr *tr_optimize_unnest(struct tr_arena *arena, const struct tr_node *unnest,
					 const struct tr_expr *condition, const struct tr_expr **below);

/** Leaves out the output columns that are not read; input_map[i]: the new number of the input's column i. */
void tr_optimize_unnest_keep(struct tr_arena *arena, struct tr_unnest *unnest, const bool *is_read,
			     const uint32_t *input_map);

#endif
