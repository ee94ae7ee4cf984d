/* SPDX-License-Identifier: Apache-2.0
 *
 * UNNEST in the optimizer: terms of a condition that read none of the elements filter its input, and columns that nobody reads
 * are not passed on. See optimize_inner.h.
 */
#include <string.h>

#include "base/check.h"
#include "core/ops/func.h"
#include "sql/optimize_inner.h"

/* Whether `expr` reads only what the UNNEST passes on. */
static bool reads_input_only(const struct tr_expr *expr, uint32_t column_count)
{
	if (expr->kind == TR_EXPR_COLUMN)
		return expr->column < column_count;
	for (uint32_t i = 0; i < expr->arg_count; i++)
		if (!reads_input_only(expr->args[i], column_count))
			return false;
	return true;
}

/* The terms of an AND that read the input only (or those that don't), as one condition; NULL: there are none. */
static const struct tr_expr *terms(struct tr_arena *arena, const struct tr_expr *condition, uint32_t column_count,
				   bool of_input)
{
	const struct tr_expr *a, *b;

	if (condition->kind != TR_EXPR_CALL || strcmp(tr_func_name(condition->func), "AND") != 0) {
		const bool sinks = !tr_optimize_is_volatile(condition) && reads_input_only(condition, column_count);

		return sinks == of_input ? condition : NULL;
	}
	a = terms(arena, condition->args[0], column_count, of_input);
	b = terms(arena, condition->args[1], column_count, of_input);
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	return tr_optimize_and(arena, a, b);
}

const struct tr_expr *tr_optimize_unnest(struct tr_arena *arena, const struct tr_node *unnest,
					 const struct tr_expr *condition, const struct tr_expr **below)
{
	const struct tr_unnest *u = &unnest->unnest;
	const struct tr_schema *input = unnest->inputs[0]->output;
	const struct tr_expr **columns = TR_NEW_ARRAY(arena, unnest->output->column_count + 1, const struct tr_expr *);

	*below = terms(arena, condition, u->column_count, true);
	if (*below == NULL)
		return condition;
	for (uint32_t i = 0; i < u->column_count; i++)
		columns[i] = tr_expr_column(arena, u->columns[i], input->types[u->columns[i]]);
	*below = tr_expr_substitute(arena, *below, columns, u->column_count);
	return terms(arena, condition, u->column_count, false);
}

void tr_optimize_unnest_keep(struct tr_arena *arena, struct tr_unnest *u, const bool *is_read, const uint32_t *input_map)
{
	uint32_t *columns = TR_NEW_ARRAY(arena, u->column_count + 1, uint32_t);
	uint32_t *fields = TR_NEW_ARRAY(arena, u->field_count + 1, uint32_t);
	const bool *field_is_read = is_read + u->column_count;
	uint32_t column_count = 0, field_count = 0;

	for (uint32_t i = 0; i < u->column_count; i++)
		if (is_read[i])
			columns[column_count++] = input_map[u->columns[i]];
	for (uint32_t i = 0; i < u->field_count; i++)
		if (field_is_read[i])
			fields[field_count++] = u->fields[i];
	u->has_ordinality = u->has_ordinality && field_is_read[u->field_count];
	u->list = input_map[u->list];
	u->columns = columns;
	u->column_count = column_count;
	u->fields = fields;
	u->field_count = field_count;
}
