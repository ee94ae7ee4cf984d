/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding ORDER BY, OFFSET and LIMIT. See bind.h.
 *
 * What is sorted by are columns of the query below. An item of ORDER BY that is a number means the column of that number; a name that
 * is one of the answer's means that column, also inside of an expression, and before any column of FROM; what else it may be is
 * bound like an item of the list, and added to it as a column that goes again behind the sort.
 *
 * The order of a query inside of another is nobody's to see: without a limit it is checked and left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sql/bind.h"

/* The column that an item gives the number of; -1: it is no number. -2: reported. */
static int64_t numbered(struct tr_binder *binder, const struct tr_ast_expr *ast, uint32_t visible)
{
	int64_t number;

	if (ast->kind != TR_AST_EXPR_LITERAL || ast->literal.kind != TR_AST_LITERAL_INTEGER)
		return -1;
	number = strtoll(ast->literal.text, NULL, 10);
	if (number >= 1 && number <= visible)
		return number - 1;
	tr_diag_error(binder->diags, TR_E_VALUE, ast->span, "ORDER BY %s: the query has %u column%s", ast->literal.text,
		      visible, visible == 1 ? "" : "s");
	return -2;
}

/* The number of the list's expression that is `expr`, which is added if need be. -1: reported. */
static int64_t list_column(struct tr_binder *binder, struct tr_select_list *list, const struct tr_expr *expr,
			   struct tr_span span)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (tr_expr_equals(list->exprs[i], expr))
			return i;
	if (list->count == TR_BIND_COLUMNS_MAX) {
		tr_diag_error(binder->diags, TR_E_LIMIT, span, "more than %d columns", TR_BIND_COLUMNS_MAX);
		return -1;
	}
	list->exprs[list->count] = expr;
	list->names[list->count] = tr_arena_printf(binder->arena, "$order%u", list->count);
	return list->count++;
}

bool tr_bind_order_items(struct tr_binder *binder, const struct tr_expr_scope *outer, const struct tr_ast_order *order,
			 struct tr_select_list *list)
{
	struct tr_expr_scope scope = *outer;
	bool is_good = true;

	list->visible = list->count;
	list->keys = TR_NEW_ARRAY(binder->arena, order->count + 1, struct tr_order_key);
	scope.clause = "ORDER BY";
	scope.overs = NULL;
	scope.aliases = list;
	for (uint32_t i = 0; i < order->count; i++) {
		const struct tr_ast_order_item *item = &order->items[i];
		int64_t column = numbered(binder, item->expr, list->visible);

		if (column == -1) {
			const struct tr_expr *expr = tr_bind_expr(binder, &scope, item->expr);

			column = expr != NULL ? list_column(binder, list, expr, item->expr->span) : -1;
		}
		is_good = is_good && column >= 0;
		if (column < 0)
			continue;
		if (list->exprs[column]->type->phys != TR_PHYS_NONE && !tr_type_is_ordered(list->exprs[column]->type)) {
			tr_diag_not_supported(binder->diags, item->expr->span, "ORDER BY %s",
					      tr_type_text(binder->arena, list->exprs[column]->type));
			is_good = false;
		}
		/* NULL is the least of all values unless it is said otherwise. */
		list->keys[i] = (struct tr_order_key){.column = (uint32_t)column,
						      .is_descending = item->is_descending,
						      .nulls_first = item->has_nulls_order ? item->is_nulls_first
											   : !item->is_descending};
	}
	return is_good;
}

/* The columns of a relation as a list, with room for what ORDER BY adds. */
static struct tr_select_list list_of(struct tr_binder *binder, const struct tr_relation *relation)
{
	struct tr_select_list list = {
		.exprs = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const struct tr_expr *),
		.names = TR_NEW_ARRAY(binder->arena, TR_BIND_COLUMNS_MAX, const char *),
		.count = relation->column_count,
		.visible = relation->column_count,
	};

	for (uint32_t i = 0; i < relation->column_count; i++) {
		list.exprs[i] = tr_expr_column(binder->arena, relation->columns[i].index, relation->columns[i].type);
		list.names[i] = relation->columns[i].name;
	}
	return list;
}

const struct tr_relation *tr_bind_ordered_columns(struct tr_binder *binder, const struct tr_relation *relation,
						  const struct tr_ast_query *query, struct tr_select_list *list)
{
	struct tr_expr_scope scope;

	relation = tr_bind_window_columns(binder, relation, query->span);
	if (relation == NULL)
		return NULL;
	*list = list_of(binder, relation);
	scope = (struct tr_expr_scope){.relation = relation};
	if (!tr_bind_order_items(binder, &scope, &query->order_by, list))
		return NULL;
	return list->count == list->visible ? relation
					    : tr_bind_project(binder, relation, list->count, list->exprs, list->names);
}

static bool bind_number(struct tr_binder *binder, const struct tr_ast_expr *ast, const char *clause, uint64_t *number)
{
	if (ast == NULL)
		return true;
	errno = 0;
	if (ast->kind == TR_AST_EXPR_LITERAL && ast->literal.kind == TR_AST_LITERAL_INTEGER &&
	    ast->literal.text[0] != '-')
		*number = strtoull(ast->literal.text, NULL, 10);
	else
		errno = EINVAL;
	if (errno == 0)
		return true;
	tr_diag_error(binder->diags, TR_E_VALUE, ast->span, "%s takes a number of rows", clause);
	return false;
}

/* Without the columns that were only sorted by. */
static const struct tr_relation *visible_columns(struct tr_binder *binder, const struct tr_relation *relation,
						 uint32_t visible)
{
	struct tr_select_list list = list_of(binder, relation);

	return visible == relation->column_count ? relation
						 : tr_bind_project(binder, relation, visible, list.exprs, list.names);
}

const struct tr_relation *tr_bind_sorted(struct tr_binder *binder, const struct tr_relation *relation,
					 const struct tr_ast_query *query, const struct tr_select_list *list)
{
	const uint32_t key_count = query->order_by.count;
	struct tr_sort_spec spec = {.keys = list->keys, .key_count = key_count, .limit = TR_SORT_NO_LIMIT};
	struct tr_relation *result;
	struct tr_node *node;

	if (!bind_number(binder, query->limit, "LIMIT", &spec.limit) ||
	    !bind_number(binder, query->offset, "OFFSET", &spec.offset))
		return NULL;
	if (query->limit == NULL && query->offset == NULL && binder->query_depth > 1)
		return visible_columns(binder, relation, list->visible);
	for (uint32_t i = 0; i < key_count; i++)
		list->keys[i].column = relation->columns[list->keys[i].column].index;
	node = tr_plan_node(binder->arena, key_count > 0 ? TR_NODE_SORT : TR_NODE_LIMIT, &relation->node, 1);
	node->sort.spec = spec;
	node->sort.phase = TR_PHASE_SINGLE;
	node->output = relation->node->output;
	result = TR_NEW(binder->arena, struct tr_relation);
	*result = *relation;
	result->node = node;
	return visible_columns(binder, result, list->visible);
}
