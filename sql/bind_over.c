/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding OVER: ROW_NUMBER() over the rows of a window, or of all input in batch mode, in SELECT and QUALIFY. See bind.h.
 *
 *     ROW_NUMBER() OVER (PARTITION BY window_start, window_end [, k ..] ORDER BY x [DESC] ..)
 *
 * A call becomes a column behind those that there are: while a SELECT is bound, it is noted and given its number, and
 * tr_bind_overs makes the nodes. They number all rows of a window; that only the first ones are wanted is said by the
 * conditions above, which the optimizer moves into the node (sql/optimize_rank.c). What has no such condition on a stream is refused
 * when the whole plan is known, so the node remembers where it was written.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "sql/bind.h"

static bool any_has_over(const struct tr_ast_exprs *exprs)
{
	for (uint32_t i = 0; i < exprs->count; i++) {
		if (tr_bind_has_over(exprs->items[i]))
			return true;
	}
	return false;
}

bool tr_bind_has_over(const struct tr_ast_expr *ast)
{
	if (ast == NULL)
		return false;
	if ((ast->kind == TR_AST_EXPR_CALL && ast->call->over != NULL) || any_has_over(&ast->args))
		return true;
	if (ast->kind == TR_AST_EXPR_FIELD)
		return tr_bind_has_over(ast->field.base);
	if (ast->kind != TR_AST_EXPR_CASE)
		return false;
	for (uint32_t i = 0; i < ast->case_.when_count; i++) {
		if (tr_bind_has_over(ast->case_.whens[i].condition) || tr_bind_has_over(ast->case_.whens[i].result))
			return true;
	}
	return tr_bind_has_over(ast->case_.operand) || tr_bind_has_over(ast->case_.otherwise);
}

bool tr_bind_select_has_over(const struct tr_ast_select *select)
{
	for (uint32_t i = 0; i < select->item_count; i++) {
		if (tr_bind_has_over(select->items[i].expr))
			return true;
	}
	return tr_bind_has_over(select->qualify);
}

/* The definition of OVER (..), or of OVER w. NULL: reported. */
static const struct tr_ast_window *definition(struct tr_binder *binder, const struct tr_overs *overs,
					      const struct tr_ast_window *over)
{
	if (over->base == NULL)
		return over;
	for (uint32_t i = 0; over->is_name_only && i < overs->select->window_count; i++) {
		const struct tr_ast_named_window *named = &overs->select->windows[i];

		if (strcmp(named->name.text, over->base->text) == 0 && named->window.base == NULL)
			return &named->window;
	}
	if (over->is_name_only)
		tr_diag_error(binder->diags, TR_E_NO_COLUMN, over->base->span, "no window '%s' in this SELECT",
			      over->base->text);
	else
		tr_diag_not_supported(binder->diags, over->span, "OVER (..) that refers to a window by name");
	return NULL;
}

static bool check_call(struct tr_binder *binder, const struct tr_ast_expr *ast)
{
	const char *name = tr_catalog_name(&ast->call->name);

	if (strcasecmp(name, "ROW_NUMBER") != 0) {
		tr_diag_not_supported(binder->diags, ast->span, "%s(..) OVER; there is ROW_NUMBER()", name);
		return false;
	}
	if (ast->args.count > 0) {
		tr_diag_error(binder->diags, TR_E_NO_FUNCTION, ast->span, "ROW_NUMBER takes no arguments");
		return false;
	}
	return true;
}

/* Binds PARTITION BY and ORDER BY. False: reported. */
static bool bind_definition(struct tr_binder *binder, const struct tr_expr_scope *scope,
			    const struct tr_ast_window *window, struct tr_over *over)
{
	struct tr_expr_scope inner = *scope;
	uint32_t partitions = window->partition_by.count, orders = window->order_by.count;
	bool is_constant = binder->is_batch;

	inner.overs = NULL;
	if (window->has_frame) {
		tr_diag_error(binder->diags, TR_E_GROUPING, window->span, "ROW_NUMBER takes no ROWS or RANGE");
		return false;
	}
	if (orders == 0) {
		tr_diag_error(binder->diags, TR_E_GROUPING, window->span, "ROW_NUMBER needs ORDER BY in OVER (..)");
		return false;
	}
	over->partition_count = partitions;
	over->order_count = orders;
	over->exprs = TR_NEW_ARRAY(binder->arena, partitions + orders, const struct tr_expr *);
	over->keys = TR_NEW_ARRAY(binder->arena, orders, struct tr_order_key);
	for (uint32_t i = 0; i < partitions + orders; i++) {
		const struct tr_ast_order_item *item = i < partitions ? NULL : &window->order_by.items[i - partitions];
		const struct tr_ast_expr *ast = item == NULL ? window->partition_by.items[i] : item->expr;

		inner.clause = item == NULL ? "PARTITION BY" : "ORDER BY";
		over->exprs[i] = tr_bind_expr(binder, &inner, ast);
		if (over->exprs[i] == NULL)
			return false;
		if (!tr_type_is_ordered(over->exprs[i]->type)) {
			tr_diag_not_supported(binder->diags, ast->span, "%s of %s", inner.clause,
					      tr_type_text(binder->arena, over->exprs[i]->type));
			return false;
		}
		is_constant = is_constant && (item == NULL || over->exprs[i]->kind == TR_EXPR_LITERAL);
		if (item != NULL)
			over->keys[i - partitions] = (struct tr_order_key){
				.is_descending = item->is_descending,
				.nulls_first = item->has_nulls_order ? item->is_nulls_first : !item->is_descending};
	}
	if (is_constant)
		tr_diag_error(binder->diags, TR_E_GROUPING, window->span,
			      "ROW_NUMBER needs ORDER BY something that is no constant");
	return !is_constant;
}

/* The number of the call before `at` that says the same; `at` if there is none. */
static uint32_t find_equal(const struct tr_overs *overs, uint32_t at)
{
	const struct tr_over *over = &overs->items[at];

	for (uint32_t i = 0; i < at; i++) {
		const struct tr_over *other = &overs->items[i];
		bool is_equal =
			other->partition_count == over->partition_count && other->order_count == over->order_count;

		for (uint32_t e = 0; is_equal && e < over->partition_count + over->order_count; e++)
			is_equal = tr_expr_equals(over->exprs[e], other->exprs[e]);
		for (uint32_t k = 0; is_equal && k < over->order_count; k++)
			is_equal = over->keys[k].is_descending == other->keys[k].is_descending &&
				   over->keys[k].nulls_first == other->keys[k].nulls_first;
		if (is_equal)
			return i;
	}
	return at;
}

const struct tr_expr *tr_bind_over(struct tr_binder *binder, const struct tr_expr_scope *scope,
				   const struct tr_ast_expr *ast)
{
	struct tr_overs *overs = scope->overs;
	const struct tr_ast_window *window;
	uint32_t at = 0;

	if (overs == NULL) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "OVER can't stand in %s", scope->clause);
		tr_diag_hint(binder->diags, "QUALIFY, or WHERE around the query");
		return NULL;
	}
	window = definition(binder, overs, ast->call->over);
	if (window == NULL || !check_call(binder, ast))
		return NULL;
	while (at < overs->count && overs->items[at].ast != ast)
		at++;
	if (at == TR_OVERS_MAX) {
		tr_diag_error(binder->diags, TR_E_LIMIT, ast->span, "more than %d calls with OVER in one SELECT",
			      TR_OVERS_MAX);
		return NULL;
	}
	overs->items[at] = (struct tr_over){.ast = ast};
	if (!bind_definition(binder, scope, window, &overs->items[at]))
		return NULL;
	if (at == overs->count && find_equal(overs, at) == at)
		overs->count++;
	else if (at == overs->count)
		at = find_equal(overs, at);
	overs->base = scope->aggregation != NULL
			      ? tr_bind_key_columns(scope->aggregation) + scope->aggregation->agg_count +
					(scope->aggregation->is_whole ? 0 : 3)
			      : scope->relation->node->output->column_count;
	return tr_expr_column(binder->arena, overs->base + at,
			      tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_BIGINT), false));
}

const struct tr_expr *tr_bind_qualify(struct tr_binder *binder, const struct tr_expr_scope *scope,
				      const struct tr_ast_select *select)
{
	struct tr_expr_scope qualify = *scope;
	struct tr_relation *named = TR_NEW(binder->arena, struct tr_relation);

	qualify.clause = "QUALIFY";
	*named = *scope->relation;
	named->columns =
		TR_NEW_ARRAY(binder->arena, named->column_count + select->item_count + 1, struct tr_bound_column);
	if (named->column_count > 0)
		memcpy(named->columns, scope->relation->columns, named->column_count * sizeof(*named->columns));
	/* ROW_NUMBER() OVER (..) AS rn may be called rn here. */
	for (uint32_t i = 0; scope->aggregation == NULL && i < select->item_count; i++) {
		for (uint32_t at = 0; select->items[i].alias != NULL && at < scope->overs->count; at++) {
			if (scope->overs->items[at].ast == select->items[i].expr)
				named->columns[named->column_count++] = (struct tr_bound_column){
					.name = select->items[i].alias->text,
					.type = tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_BIGINT), false),
					.index = scope->overs->base + at};
		}
	}
	if (scope->aggregation == NULL)
		qualify.relation = named;
	return tr_bind_condition(binder, &qualify, select->qualify);
}

/* The number of `expr` among the columns of a PROJECT that is being made. */
static uint32_t column_of(const struct tr_expr **exprs, const char **names, uint32_t *count, const struct tr_expr *expr)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (tr_expr_equals(exprs[i], expr))
			return i;
	}
	exprs[*count] = expr;
	names[*count] = "$order";
	return (*count)++;
}

/* What is partitioned by twice is one key. */
static void add_key(uint32_t *keys, uint32_t *count, uint32_t column)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (keys[i] == column)
			return;
	}
	keys[(*count)++] = column;
}

/* The end of the window among what is partitioned by; NULL if it is not, or the start is not: reported. */
static const struct tr_expr *window_end(struct tr_binder *binder, const struct tr_relation *relation,
					const struct tr_over *over)
{
	const struct tr_expr *end = NULL;
	bool has_start = false;

	for (uint32_t i = 0; i < over->partition_count; i++) {
		enum tr_column_role role = tr_bind_role(relation, over->exprs[i]);

		has_start = has_start || role == TR_ROLE_ATTACHED_START;
		if (role == TR_ROLE_ATTACHED_END)
			end = over->exprs[i];
	}
	if (has_start && end != NULL)
		return end;
	tr_diag_not_supported(binder->diags, over->ast->span, "ROW_NUMBER() outside of windows in event time");
	tr_diag_hint(binder->diags, "PARTITION BY window_start, window_end, ... over the columns of a window");
	return NULL;
}

static uint32_t note_place(struct tr_binder *binder, struct tr_span span)
{
	if (binder->place_count % 16 == 0) {
		struct tr_span *grown = TR_NEW_ARRAY(binder->arena, binder->place_count + 16, struct tr_span);

		if (binder->place_count > 0)
			memcpy(grown, binder->places, binder->place_count * sizeof(*grown));
		binder->places = grown;
	}
	binder->places[binder->place_count] = span;
	return binder->place_count++;
}

/* Whether the order is that of event time, from the last to the first: deduplication that keeps the last row. */
static bool is_latest_first(const struct tr_relation *relation, const struct tr_over *over)
{
	const enum tr_column_role role = tr_bind_role(relation, over->exprs[over->partition_count]);

	return over->order_count == 1 && over->keys[0].is_descending &&
	       (role == TR_ROLE_ROWTIME || role == TR_ROLE_FORMER_TIME || role == TR_ROLE_ATTACHED_TIME);
}

/* PROJECT [columns, what is ordered by, time], WINDOW_RANK, PROJECT [columns, number]. `end` NULL: over all input. */
static const struct tr_node *make_rank(struct tr_binder *binder, const struct tr_relation *relation,
				       const struct tr_over *over, const struct tr_expr *end)
{
	const struct tr_schema *input = relation->node->output;
	const uint32_t width = input->column_count, parts = over->partition_count + over->order_count;
	const struct tr_expr **exprs = TR_NEW_ARRAY(binder->arena, width + parts + 2, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(binder->arena, width + parts + 2, const char *);
	uint32_t *keys = TR_NEW_ARRAY(binder->arena, over->partition_count + 1, uint32_t);
	struct tr_order_key *order = TR_NEW_ARRAY(binder->arena, over->order_count, struct tr_order_key);
	const struct tr_relation *below;
	struct tr_relation above;
	struct tr_node *node;
	uint32_t count = width, key_count = 0;
	int32_t time = -1;

	for (uint32_t i = 0; i < width; i++) {
		exprs[i] = tr_expr_column(binder->arena, i, input->types[i]);
		names[i] = input->names[i];
	}
	for (uint32_t i = 0; i < over->partition_count; i++)
		add_key(keys, &key_count, column_of(exprs, names, &count, over->exprs[i]));
	if (key_count == 0) /* all rows have one key */
		add_key(keys, &key_count,
			column_of(exprs, names, &count, tr_expr_i64(binder->arena, tr_type_of(TR_TYPE_INT), 0)));
	for (uint32_t i = 0; i < over->order_count; i++) {
		order[i] = over->keys[i];
		order[i].column = column_of(exprs, names, &count, over->exprs[over->partition_count + i]);
	}
	if (end != NULL)
		time = (int32_t)column_of(
			exprs, names, &count,
			tr_bind_attached_time(binder, end, relation->has_local_windows, over->ast->span));
	below = tr_bind_project(binder, relation, count, exprs, names);
	node = tr_plan_node(binder->arena, TR_NODE_WINDOW_RANK, &below->node, 1);
	node->rank.window = end != NULL ? tr_bind_attached_window(binder, relation->has_local_windows)
					: tr_bind_whole_window(binder);
	node->rank.window.time_column = time;
	node->rank.keys = keys;
	node->rank.key_count = key_count;
	node->rank.order = order;
	node->rank.order_count = over->order_count;
	node->rank.from = 1;
	node->rank.to = UINT64_MAX;
	node->rank.has_number = true;
	node->rank.is_latest_first = is_latest_first(relation, over);
	node->rank.place = note_place(binder, over->ast->span);
	exprs[count] = tr_expr_column(binder->arena, count,
				      tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_BIGINT), false));
	names[count] = "$row_number";
	for (uint32_t i = width; i < count; i++) /* columns of the node's own, by number */
		exprs[i] = tr_expr_column(binder->arena, i, exprs[i]->type);
	node->output = tr_bind_schema_new(binder, count + 1, exprs, names);
	above = (struct tr_relation){.node = node};
	exprs[width] = exprs[count];
	names[width] = names[count];
	return tr_bind_project(binder, &above, width + 1, exprs, names)->node;
}

const struct tr_relation *tr_bind_overs(struct tr_binder *binder, const struct tr_relation *relation,
					const struct tr_overs *overs)
{
	struct tr_relation *result = TR_NEW(binder->arena, struct tr_relation);

	*result = *relation;
	for (uint32_t i = 0; i < overs->count; i++) {
		const struct tr_expr *end = binder->is_batch ? NULL : window_end(binder, result, &overs->items[i]);

		if (end == NULL && !binder->is_batch)
			return NULL;
		result->node = make_rank(binder, result, &overs->items[i], end);
	}
	return result;
}
