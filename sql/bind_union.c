/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding VALUES and UNION ALL: rows and queries that become one relation. See bind.h.
 *
 * Both find a common type per column, as Flink does, and cast what differs.
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

const struct tr_relation *tr_bind_values(struct tr_binder *binder, const struct tr_ast_query *query)
{
	const struct tr_ast_values *values = &query->values;
	uint32_t width = values->width, cells = values->row_count * values->width;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, cells + 1, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, width + 1, const char *);
	struct tr_expr_scope scope = {.clause = "VALUES"};
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_VALUES, NULL, 0);
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
			const struct tr_expr *cell = tr_bind_coerce(binder, exprs[i], type, values->cells[i]->span);

			if (cell == NULL)
				return NULL;
			exprs[i] = tr_expr_fold(binder->arena, cell);
			if (exprs[i]->kind != TR_EXPR_LITERAL) {
				tr_diag_not_supported(binder->diags, values->cells[i]->span,
						      "VALUES with an expression that is not constant");
				return NULL;
			}
		}
	}
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

		exprs[i] = tr_bind_coerce(binder, tr_expr_column(binder->arena, column->index, column->type), types[i],
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
		tr_diag_not_supported(binder->diags, set->op_span, "set operations other than UNION ALL%s",
				      binder->is_batch ? " and UNION" : "");
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
