/* SPDX-License-Identifier: Apache-2.0
 *
 * See optimize.h: conditions over a WINDOW_RANK. Comparisons of the rank with a number become the node's range; what reads
 * only columns that the rows are partitioned by holds for all rows of a key or for none, and goes below.
 */
#include <string.h>

#include "core/ops/func.h"
#include "sql/optimize_inner.h"

/* Narrows the range by `rank <name> number`. False: no such comparison. */
static bool narrow_by(struct tr_node *rank, const char *name, int64_t number)
{
	const uint64_t n = (uint64_t)(number > 0 ? number : 0);
	uint64_t from = 1, to = UINT64_MAX;

	if (strcmp(name, "=") == 0)
		from = to = n;
	else if (strcmp(name, "<=") == 0)
		to = n;
	else if (strcmp(name, "<") == 0)
		to = n > 0 ? n - 1 : 0;
	else if (strcmp(name, ">=") == 0)
		from = n;
	else if (strcmp(name, ">") == 0)
		from = number >= 0 ? n + 1 : 1;
	else
		return false;
	rank->rank.from = from > rank->rank.from ? from : rank->rank.from;
	rank->rank.to = to < rank->rank.to ? to : rank->rank.to;
	return true;
}

static bool narrow(struct tr_node *rank, const struct tr_expr *term)
{
	static const char *const names[] = {"=", "<=", "<", ">=", ">"};
	static const char *const flipped[] = {"=", ">=", ">", "<=", "<"};
	const uint32_t number = rank->inputs[0]->output->column_count;

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!tr_optimize_is_call(term, names[i]))
			continue;
		for (uint32_t side = 0; side < 2; side++) {
			const struct tr_expr *column = term->args[side], *literal = term->args[1 - side];

			if (column->kind == TR_EXPR_COLUMN && column->column == number &&
			    literal->kind == TR_EXPR_LITERAL && literal->type->id == TR_TYPE_BIGINT &&
			    !literal->value.is_null)
				return narrow_by(rank, side == 0 ? names[i] : flipped[i], literal->value.i64);
		}
	}
	return false;
}

static bool reads_keys_only(const struct tr_node *rank, const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_COLUMN) {
		for (uint32_t i = 0; i < rank->rank.key_count; i++) {
			if (rank->rank.keys[i] == expr->column)
				return true;
		}
		return false;
	}
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		if (!reads_keys_only(rank, expr->args[i]))
			return false;
	}
	return !tr_optimize_is_volatile(expr);
}

/* Sorts the terms of an AND: into the range of `rank`, below, or above it. */
static void sort_terms(struct tr_arena *arena, struct tr_node *rank, const struct tr_expr *term,
		       const struct tr_expr **below, const struct tr_expr **above)
{
	const struct tr_expr **place;

	if (tr_optimize_is_call(term, "AND")) {
		for (uint32_t i = 0; i < term->arg_count; i++)
			sort_terms(arena, rank, term->args[i], below, above);
		return;
	}
	if (narrow(rank, term))
		return;
	place = reads_keys_only(rank, term) ? below : above;
	*place = tr_optimize_and(arena, *place, term);
}

const struct tr_expr *tr_optimize_rank(struct tr_arena *arena, struct tr_node *rank, const struct tr_expr *condition,
				       const struct tr_expr **below)
{
	const struct tr_expr *above = NULL;

	*below = NULL;
	sort_terms(arena, rank, tr_expr_fold(arena, condition), below, &above);
	return above;
}
