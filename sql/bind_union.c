/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding VALUES and UNION ALL: rows and queries that become one relation. See bind.h.
 *
 * Both find a common type per column, as Flink does, and cast what differs. Cells that are no literals (ARRAY[1, 2], a clock) are
 * computed by a PROJECT over the VALUES, a CASE by the number of the row for each column that has such cells.
 */
#include "base/check.h"
#include "sql/bind.h"

static struct tr_schema *schema_new_of_types(struct tr_binder *binder, uint32_t count,
					     const struct tr_type *const *types, const char *const *names)
{
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);

	*schema = (struct tr_schema){.column_count = count, .names = names, .types = types};
	return schema;
}

/* A column of cells that are no literals: CASE WHEN row = 0 THEN cell WHEN row = 1 THEN .. END. Its literals become NULL. */
static const struct tr_expr *choose_cell(struct tr_binder *binder, const struct tr_expr **cells, uint32_t row_count,
					 uint32_t width, const struct tr_expr *row, struct tr_span span)
{
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, 2 * row_count + 1, const struct tr_expr *);
	const struct tr_type *type = cells[0]->type;

	for (uint32_t i = 0; i < row_count; i++) {
		const struct tr_expr *pair[2] = {row, tr_expr_i64(binder->arena, row->type, i)};

		args[2 * i] = tr_bind_function(binder, "=", pair, 2, span);
		args[2 * i + 1] = cells[(size_t)i * width];
		type = tr_type_with_nullable(binder->arena, type,
					     type->is_nullable || args[2 * i + 1]->type->is_nullable);
	}
	args[2 * row_count - 2] = args[2 * row_count - 1]; /* what the last row has is ELSE */
	for (uint32_t i = 0; i < row_count; i++)
		cells[(size_t)i * width] = tr_expr_null(binder->arena, type);
	return tr_expr_case(binder->arena, type, args, 2 * row_count - 1);
}

/* The VALUES node with the number of the row as one more column, and a PROJECT that computes what is no literal. */
static struct tr_relation *compute_cells(struct tr_binder *binder, const struct tr_expr **cells, uint32_t row_count,
					 uint32_t width, const char *const *names, const bool *is_computed,
					 struct tr_span span)
{
	const struct tr_type *number = tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_INT), false);
	const struct tr_expr **wide =
		TR_NEW_ARRAY(binder->arena, (size_t)row_count * (width + 1) + 1, const struct tr_expr *);
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, width + 1, const struct tr_expr *);
	const char **wide_names = TR_NEW_ARRAY(binder->arena, width + 1, const char *);
	const struct tr_expr *row = tr_expr_column(binder->arena, width, number);
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_VALUES, NULL, 0);
	struct tr_relation *base;

	for (uint32_t i = 0; i < width; i++) {
		wide_names[i] = names[i];
		exprs[i] = is_computed[i] ? choose_cell(binder, cells + i, row_count, width, row, span)
					  : tr_expr_column(binder->arena, i, cells[i]->type);
	}
	wide_names[width] = "$row";
	for (uint32_t r = 0; r < row_count; r++) {
		for (uint32_t i = 0; i < width; i++)
			wide[r * (width + 1) + i] = cells[r * width + i];
		wide[r * (width + 1) + width] = tr_expr_i64(binder->arena, number, r);
	}
	node->values.exprs = wide;
	node->values.row_count = row_count;
	node->output = tr_bind_schema_new(binder, width + 1, wide, wide_names);
	base = tr_bind_relation_new(binder, node, 0);
	base->is_bounded = true;
	return tr_bind_project(binder, base, width, exprs, names);
}

const struct tr_relation *tr_bind_values(struct tr_binder *binder, const struct tr_ast_query *query)
{
	const struct tr_ast_values *values = &query->values;
	uint32_t width = values->width, cells = values->row_count * values->width;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, cells + 1, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, width + 1, const char *);
	struct tr_expr_scope scope = {.clause = "VALUES"};
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_VALUES, NULL, 0);
	bool *is_computed = TR_NEW_ARRAY(binder->arena, width + 1, bool), has_computed = false;
	struct tr_relation *relation;

	for (uint32_t i = 0; i < cells; i++) {
		exprs[i] = tr_bind_expr(binder, &scope, values->cells[i]);
		if (exprs[i] == NULL)
			return NULL;
	}
	for (uint32_t column = 0; column < width; column++) {
		const struct tr_type *type = exprs[column]->type;
		bool is_nullable = false;

		names[column] = tr_arena_printf(binder->arena, "EXPR$%u", column);
		for (uint32_t i = column; i < cells; i += width) {
			is_nullable = is_nullable || exprs[i]->type->is_nullable;
			type = type != NULL ? tr_type_common(binder->arena, type, exprs[i]->type) : NULL;
			if (type == NULL) {
				tr_diag_error(binder->diags, TR_E_TYPE, values->cells[i]->span,
					      "column %u of VALUES has no common type", column + 1);
				return NULL;
			}
		}
		type = tr_type_with_nullable(binder->arena, type, is_nullable);
		for (uint32_t i = column; i < cells; i += width) {
			const struct tr_expr *cell = tr_bind_common(binder, exprs[i], type, values->cells[i]->span);

			if (cell == NULL)
				return NULL;
			exprs[i] = tr_expr_fold(binder->arena, cell);
			is_computed[column] = is_computed[column] || exprs[i]->kind != TR_EXPR_LITERAL;
		}
		has_computed = has_computed || is_computed[column];
	}
	if (has_computed)
		return compute_cells(binder, exprs, values->row_count, width, names, is_computed, query->span);
	node->values.exprs = exprs;
	node->values.row_count = values->row_count;
	node->output = tr_bind_schema_new(binder, width, exprs, names);
	relation = tr_bind_relation_new(binder, node, width);
	relation->is_bounded = true;
	for (uint32_t i = 0; i < width; i++)
		relation->columns[i] = (struct tr_bound_column){.name = names[i], .type = exprs[i]->type, .index = i};
	return relation;
}

/* One input of a UNION with its columns cast to the common types. */
static const struct tr_node *union_input(struct tr_binder *binder, const struct tr_relation *input,
					 const struct tr_type *const *types, const char *const *names,
					 struct tr_span span)
{
	uint32_t count = input->column_count;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < count; i++) {
		const struct tr_bound_column *column = &input->columns[i];

		exprs[i] = tr_bind_common(binder, tr_expr_column(binder->arena, column->index, column->type), types[i],
					  span);
		if (exprs[i] == NULL)
			return NULL;
	}
	return tr_bind_project(binder, input, count, exprs, names)->node;
}

const struct tr_relation *tr_bind_union(struct tr_binder *binder, const struct tr_ast_query *query,
					const struct tr_cte_scope *ctes)
{
	const struct tr_ast_set_operation *set = &query->set;
	const struct tr_relation *left, *right;
	const struct tr_type **types;
	const struct tr_node *inputs[2];
	const char **names;
	struct tr_relation *result;
	struct tr_node *node;

	if (set->op != TR_AST_SET_UNION || (!set->is_all && !binder->is_batch)) {
		tr_diag_not_supported(binder->diags, set->op_span, "%s",
				      set->op == TR_AST_SET_INTERSECT ? "INTERSECT"
				      : set->op == TR_AST_SET_EXCEPT  ? "EXCEPT"
								      : "UNION without ALL in streaming mode");
		if (set->op == TR_AST_SET_UNION)
			tr_diag_hint(binder->diags, "if all input ends, SET 'execution.runtime-mode' = 'batch'");
		return NULL;
	}
	left = tr_bind_query(binder, set->left, ctes);
	right = tr_bind_query(binder, set->right, ctes);
	if (left == NULL || right == NULL)
		return NULL;
	if (left->has_window)
		left = tr_bind_window_table(binder, left, set->left->span);
	if (right->has_window)
		right = tr_bind_window_table(binder, right, set->right->span);
	if (left == NULL || right == NULL)
		return NULL;
	if (left->column_count != right->column_count) {
		tr_diag_error(binder->diags, TR_E_TYPE, set->op_span, "the queries of UNION ALL have %u and %u columns",
			      left->column_count, right->column_count);
		return NULL;
	}
	types = TR_NEW_ARRAY(binder->arena, left->column_count + 1, const struct tr_type *);
	names = TR_NEW_ARRAY(binder->arena, left->column_count + 1, const char *);
	for (uint32_t i = 0; i < left->column_count; i++) {
		const struct tr_type *a = left->columns[i].type, *b = right->columns[i].type;

		types[i] = tr_type_common(binder->arena, a, b);
		names[i] = left->columns[i].name;
		if (types[i] == NULL) {
			tr_diag_error(binder->diags, TR_E_TYPE, set->op_span,
				      "column %u ('%s') of UNION ALL is %s and %s, which have no common type", i + 1,
				      names[i], tr_type_text(binder->arena, a), tr_type_text(binder->arena, b));
			return NULL;
		}
		types[i] = tr_type_with_nullable(binder->arena, types[i], a->is_nullable || b->is_nullable);
	}
	inputs[0] = union_input(binder, left, types, names, set->op_span);
	inputs[1] = union_input(binder, right, types, names, set->op_span);
	if (inputs[0] == NULL || inputs[1] == NULL)
		return NULL;
	node = tr_plan_node(binder->arena, TR_NODE_UNION, inputs, 2);
	node->output = schema_new_of_types(binder, left->column_count, types, names);
	result = tr_bind_relation_new(binder, node, left->column_count);
	result->is_bounded = left->is_bounded && right->is_bounded;
	result->has_local_windows = left->has_local_windows;
	for (uint32_t i = 0; i < left->column_count; i++) {
		enum tr_column_role role = left->columns[i].role;

		/* A time attribute stays one only if it is one on both sides; so do windows, of the same kind of time. */
		if (role >= TR_ROLE_ATTACHED_START && left->has_local_windows != right->has_local_windows)
			role = role == TR_ROLE_ATTACHED_TIME ? TR_ROLE_ROWTIME : TR_ROLE_NONE;
		result->columns[i] =
			(struct tr_bound_column){.name = names[i],
						 .type = types[i],
						 .index = i,
						 .role = role == right->columns[i].role ? role : TR_ROLE_NONE};
	}
	return set->is_all ? result : tr_bind_distinct(binder, result, query->span);
}
