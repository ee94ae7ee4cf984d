/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding UNNEST, and LATERAL TABLE: FROM t, UNNEST(t.list) AS e (x). See bind.h.
 *
 *     FROM t CROSS JOIN UNNEST(list) WITH ORDINALITY AS e (x, n)     LEFT JOIN UNNEST(list) AS e (x) ON TRUE
 *
 *     PROJECT *, list  <-  UNNEST  [ <-  FILTER on ]
 *
 * The list is any expression over the tables before it, computed by a PROJECT below. An element that is a ROW becomes its
 * fields, an entry of a map its key and value. LATERAL TABLE(f(x)) is the same with a list of ROWs that a user's table function
 * makes (api/user_table.c).
 */
#include <string.h>

#include "base/check.h"
#include "core/ops/func.h"
#include "sql/bind.h"
#include "sql/user_function.h"

/* The relation with one more column of its node, computed by `list`: a PROJECT. */
static const struct tr_node *add_list(struct tr_binder *binder, const struct tr_relation *left,
				      const struct tr_expr *list)
{
	const struct tr_schema *below = left->node->output;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, below->column_count + 1, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, below->column_count + 1, const char *);
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_PROJECT, &left->node, 1);

	for (uint32_t i = 0; i < below->column_count; i++) {
		exprs[i] = tr_expr_column(binder->arena, i, below->types[i]);
		names[i] = below->names[i];
	}
	exprs[below->column_count] = list;
	names[below->column_count] = "$list";
	node->project.exprs = exprs;
	node->output = tr_bind_schema_new(binder, below->column_count + 1, exprs, names);
	return node;
}

/* What the columns of the elements are called. */
static const char *field_name(struct tr_binder *binder, const struct tr_type *list, uint32_t field)
{
	static const char *const entry[] = {"KEY", "VALUE"};

	if (list->id == TR_TYPE_MAP)
		return entry[field];
	return list->children[0]->id == TR_TYPE_ROW ? list->children[0]->names[field] : "EXPR$0";
}

/* Adds the columns of the elements to the relation and its node. */
static bool add_columns(struct tr_binder *binder, const struct tr_ast_table_ref *ref, const struct tr_type *list,
			struct tr_relation *result, struct tr_node *node)
{
	const struct tr_schema *below = node->inputs[0]->output;
	const uint32_t base = below->column_count - 1, width = tr_unnest_width(list);
	const uint32_t added = width + node->unnest.has_ordinality, known = result->column_count - added;
	uint32_t *columns = TR_NEW_ARRAY(binder->arena, base + 1, uint32_t);
	uint32_t *fields = TR_NEW_ARRAY(binder->arena, width + 1, uint32_t);
	const char **names = TR_NEW_ARRAY(binder->arena, base + added + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, base + added + 1, const struct tr_type *);
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);

	if (ref->column_aliases.count > 0 && ref->column_aliases.count != added) {
		tr_diag_error(binder->diags, TR_E_TYPE, ref->span, "%u column names for %u columns",
			      ref->column_aliases.count, added);
		return false;
	}
	for (uint32_t i = 0; i < base; i++) {
		columns[i] = i;
		names[i] = below->names[i];
		types[i] = below->types[i];
	}
	for (uint32_t i = 0; i < added; i++) {
		struct tr_bound_column *column = &result->columns[known + i];
		const struct tr_type *type = i < width ? tr_unnest_field_type(list, i) : tr_type_of(TR_TYPE_INT);
		const bool is_nullable = node->unnest.is_outer || (i < width && type->is_nullable);

		fields[i < width ? i : 0] = i < width ? i : 0;
		column->qualifier = ref->alias != NULL ? ref->alias->text : NULL;
		column->name = ref->column_aliases.count > 0 ? ref->column_aliases.items[i].text
			       : i < width                   ? field_name(binder, list, i)
							     : "ORDINALITY";
		column->type = tr_type_with_nullable(binder->arena, type, is_nullable);
		column->role = TR_ROLE_NONE;
		column->index = base + i;
		names[base + i] = column->name;
		types[base + i] = column->type;
	}
	node->unnest.list = base;
	node->unnest.columns = columns;
	node->unnest.column_count = base;
	node->unnest.fields = fields;
	node->unnest.field_count = width;
	*schema = (struct tr_schema){.column_count = base + added, .names = names, .types = types};
	node->output = schema;
	return true;
}

bool tr_bind_is_table_function(const struct tr_binder *binder, const struct tr_ast_table_ref *ref)
{
	const struct tr_catalog_function *function;

	if (ref->kind != TR_AST_TABLE_FUNCTION)
		return false;
	function = tr_user_function_find(binder->catalog, &ref->function.call->call->name);
	return function != NULL && (function->user == NULL || function->user->kind == TR_USER_TABLE);
}

/* The list of a call of a table function. Without LATERAL it may not name the columns of what stands before it. */
static const struct tr_expr *bind_rows(struct tr_binder *binder, const struct tr_relation *left,
				       const struct tr_ast_table_ref *ref)
{
	const struct tr_ast_expr *call = ref->function.call;
	const struct tr_func_user *user = tr_user_function_find(binder->catalog, &call->call->name)->user;
	const struct tr_expr_scope scope = {.relation = ref->is_lateral ? left : NULL, .clause = "a table function"};
	const struct tr_expr **args = TR_NEW_ARRAY(binder->arena, call->args.count + 1, const struct tr_expr *);

	if (user == NULL)
		return NULL;
	if (call->call->argument_names != NULL) {
		tr_diag_not_supported(binder->diags, call->span, "named arguments of user functions");
		return NULL;
	}
	if (tr_bind_arguments(binder, &scope, call, args))
		return tr_bind_user_function(binder, user, args, call->args.count, call->span);
	if (!ref->is_lateral)
		tr_diag_hint(binder->diags, "LATERAL TABLE(%s(..)) may name columns of what stands before it",
			     user->name);
	return NULL;
}

/* What an UNNEST takes apart; NULL: reported. */
static const struct tr_expr *bind_list(struct tr_binder *binder, const struct tr_relation *left,
				       const struct tr_ast_table_ref *ref)
{
	const struct tr_ast_exprs *args = &ref->unnest.args;
	const struct tr_expr_scope scope = {.relation = left, .clause = "UNNEST"};
	const struct tr_expr *list;

	if (ref->kind == TR_AST_TABLE_FUNCTION)
		return bind_rows(binder, left, ref);
	if (args->count != 1) {
		tr_diag_not_supported(binder->diags, ref->span, "UNNEST of several lists at once");
		return NULL;
	}
	list = tr_bind_expr(binder, &scope, args->items[0]);
	if (list == NULL || list->type->phys == TR_PHYS_LIST)
		return list;
	tr_diag_error(binder->diags, TR_E_TYPE, args->items[0]->span,
		      "UNNEST takes an ARRAY, a MAP or a MULTISET, this is %s",
		      tr_type_text(binder->arena, list->type));
	return NULL;
}

static const struct tr_relation *unnest(struct tr_binder *binder, const struct tr_relation *left,
					const struct tr_ast_table_ref *ref, bool is_outer)
{
	const bool has_ordinality = ref->kind == TR_AST_TABLE_UNNEST && ref->unnest.has_ordinality;
	const struct tr_expr *list = bind_list(binder, left, ref);
	struct tr_relation *result;
	struct tr_node *node;
	uint32_t added;

	if (list == NULL)
		return NULL;
	added = tr_unnest_width(list->type) + has_ordinality;
	if (left->node->output->column_count + added + 1 > TR_BIND_COLUMNS_MAX) {
		tr_diag_error(binder->diags, TR_E_LIMIT, ref->span, "more than %d columns", TR_BIND_COLUMNS_MAX);
		return NULL;
	}
	node = tr_plan_node(binder->arena, TR_NODE_UNNEST,
			    (const struct tr_node *const[]){add_list(binder, left, list)}, 1);
	node->unnest.has_ordinality = has_ordinality;
	node->unnest.is_outer = is_outer;
	result = tr_bind_relation_new(binder, node, left->column_count + added);
	memcpy(result->columns, left->columns, left->column_count * sizeof(*result->columns));
	result->is_bounded = left->is_bounded;
	result->has_local_windows = left->has_local_windows;
	return add_columns(binder, ref, list->type, result, node) ? result : NULL;
}

static bool is_true(const struct tr_ast_expr *ast)
{
	return ast->kind == TR_AST_EXPR_LITERAL && ast->literal.kind == TR_AST_LITERAL_BOOLEAN && ast->literal.boolean;
}

/* The rows of which the condition of an inner join holds. */
static const struct tr_relation *bind_on(struct tr_binder *binder, const struct tr_relation *relation,
					 const struct tr_ast_expr *on)
{
	struct tr_expr_scope scope = {.relation = relation, .clause = "ON"};
	const struct tr_expr *condition = tr_bind_condition(binder, &scope, on);
	struct tr_relation *result = TR_NEW(binder->arena, struct tr_relation);
	struct tr_node *node;

	if (condition == NULL)
		return NULL;
	node = tr_plan_node(binder->arena, TR_NODE_FILTER, &relation->node, 1);
	node->filter.condition = condition;
	node->output = relation->node->output;
	*result = *relation;
	result->node = node;
	return result;
}

const struct tr_relation *tr_bind_unnest(struct tr_binder *binder, const struct tr_relation *left,
					 const struct tr_ast_table_ref *ref)
{
	return unnest(binder, left, ref, false);
}

const struct tr_relation *tr_bind_unnest_join(struct tr_binder *binder, const struct tr_ast_table_ref *ref,
					      const struct tr_cte_scope *ctes)
{
	const struct tr_ast_join *join = &ref->join;
	const bool is_outer = join->kind == TR_AST_JOIN_LEFT;
	const struct tr_relation *left, *result;

	if (join->is_natural || join->using_columns.count > 0 || join->kind > TR_AST_JOIN_LEFT) {
		tr_diag_not_supported(binder->diags, join->kind_span, "this kind of join with %s",
				      join->right->kind == TR_AST_TABLE_UNNEST ? "UNNEST" : "a table function");
		return NULL;
	}
	if (is_outer && join->on != NULL && !is_true(join->on)) {
		tr_diag_not_supported(binder->diags, join->on->span, "LEFT JOIN %s with a condition other than TRUE",
				      join->right->kind == TR_AST_TABLE_UNNEST ? "UNNEST" : "of a table function");
		return NULL;
	}
	left = tr_bind_table_ref(binder, join->left, ctes);
	if (left != NULL && left->has_window)
		left = tr_bind_window_table(binder, left, join->left->span);
	if (left == NULL)
		return NULL;
	result = unnest(binder, left, join->right, is_outer);
	if (result == NULL || join->on == NULL || is_true(join->on))
		return result;
	return bind_on(binder, result, join->on);
}
