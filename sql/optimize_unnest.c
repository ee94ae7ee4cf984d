/* SPDX-License-Identifier: Apache-2.0
 *
 * UNNEST in the optimizer: terms of a condition that read none of the elements filter its input, and columns that nobody reads
 * are not passed on. See optimize_inner.h.
 */
#include "base/check.h"
#include "sql/optimize_inner.h"

const struct tr_expr *tr_optimize_unnest(struct tr_arena *arena, const struct tr_node *unnest,
					 const struct tr_expr *condition, const struct tr_expr **below)
{
	const struct tr_unnest *u = &unnest->unnest;
	const struct tr_schema *input = unnest->inputs[0]->output;
	const struct tr_expr **columns = TR_NEW_ARRAY(arena, unnest->output->column_count + 1, const struct tr_expr *);
	const struct tr_expr *above = NULL;

	*below = NULL;
	tr_optimize_split(arena, condition, u->column_count, below, &above);
	if (*below == NULL)
		return above;
	for (uint32_t i = 0; i < u->column_count; i++)
		columns[i] = tr_expr_column(arena, u->columns[i], input->types[u->columns[i]]);
	*below = tr_expr_substitute(arena, *below, columns, u->column_count);
	return above;
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
