/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of rows, for aggregates whose result depends on it (FIRST_VALUE, LISTAGG, ..) and for ranks: they read the position that
 * each row has in the input, so that it does not matter by way of which worker, and when, it comes. See optimize.h.
 *
 *     SCAN          its split, and the row's number in it (the function ROW POSITION, made by core/source_task.c)
 *     VALUES        the row's number
 *     FILTER, PROJECT, UNION ALL, UNNEST, WINDOW_TABLE, EXPAND, WINDOW_RANK pass it on
 *     windows       the end of the window: all that is known of the order of their results. Rows of one position are taken in
 *                   the order of their values' bytes (core/ops/agg_bag.h)
 *     all else      0
 *
 * The position is one more column, behind all others, of every node on the way. Only plans that have such an aggregate or a rank get
 * it. To a rank it is one more column to order by: of rows that are equal in the others the one that came first has the lower number,
 * as in Flink; but if ORDER BY is the event time alone, descending, and only number 1 is wanted (a deduplication that keeps the
 * last), that is the one that came last.
 */
#include "sql/optimize.h"

#include <string.h>

#include "base/check.h"
#include "core/ops/func.h"

#define POSITION_NAME "$position"

static const struct tr_type *position_type(struct tr_arena *arena)
{
	return tr_type_with_nullable(arena, tr_type_of(TR_TYPE_BIGINT), false);
}

/* The schema with one more column. */
static const struct tr_schema *widen(struct tr_arena *arena, const struct tr_schema *schema, const struct tr_type *type)
{
	const uint32_t count = schema->column_count;
	struct tr_schema *wide = TR_NEW(arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(arena, count + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(arena, count + 1, const struct tr_type *);

	for (uint32_t i = 0; i < count; i++) {
		names[i] = schema->names[i];
		types[i] = schema->types[i];
	}
	names[count] = POSITION_NAME;
	types[count] = type;
	*wide = (struct tr_schema){.column_count = count + 1, .names = names, .types = types};
	return wide;
}

static const struct tr_expr *const *add_expr(struct tr_arena *arena, const struct tr_expr *const *exprs, uint32_t count,
					     const struct tr_expr *expr)
{
	const struct tr_expr **more = TR_NEW_ARRAY(arena, count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < count; i++)
		more[i] = exprs[i];
	more[count] = expr;
	return more;
}

/* A PROJECT that passes `count` columns on and adds `position`. */
static const struct tr_node *project(struct tr_arena *arena, const struct tr_node *node, const struct tr_expr *position)
{
	const uint32_t count = node->output->column_count;
	struct tr_node *result = tr_plan_node(arena, TR_NODE_PROJECT, &node, 1);
	const struct tr_expr **exprs = TR_NEW_ARRAY(arena, count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < count; i++)
		exprs[i] = tr_expr_column(arena, i, node->output->types[i]);
	exprs[count] = position;
	result->project.exprs = exprs;
	result->output = widen(arena, node->output, position->type);
	return result;
}

static const struct tr_expr *row_position(struct tr_arena *arena)
{
	struct tr_func_match match;

	TR_ASSERT(tr_func_resolve(arena, "ROW POSITION", NULL, NULL, 0, &match, NULL) == TR_OK);
	return tr_expr_call(arena, match.func, match.type, NULL, 0);
}

static const struct tr_node *with_position(struct tr_arena *arena, const struct tr_node *node);

static const struct tr_node *values(struct tr_arena *arena, const struct tr_node *node)
{
	const uint32_t count = node->output->column_count;
	struct tr_node *copy = tr_plan_copy(arena, node, NULL);
	const struct tr_expr **exprs =
		TR_NEW_ARRAY(arena, (size_t)node->values.row_count * (count + 1) + 1, const struct tr_expr *);

	for (uint32_t row = 0; row < node->values.row_count; row++) {
		for (uint32_t i = 0; i < count; i++)
			exprs[row * (count + 1) + i] = node->values.exprs[row * count + i];
		exprs[row * (count + 1) + count] = tr_expr_i64(arena, position_type(arena), row);
	}
	copy->values.exprs = exprs;
	copy->output = widen(arena, node->output, position_type(arena));
	return copy;
}

/* The sets with one more column, which none of them lacks. */
static const struct tr_expand_set *keep_position(struct tr_arena *arena, const struct tr_expand_set *sets,
						 uint32_t set_count, uint32_t at)
{
	struct tr_expand_set *kept = TR_NEW_ARRAY(arena, set_count, struct tr_expand_set);

	for (uint32_t s = 0; s < set_count; s++) {
		bool *is_null = TR_NEW_ARRAY(arena, at + 1, bool);

		memcpy(is_null, sets[s].is_null, at * sizeof(*is_null));
		is_null[at] = false;
		kept[s] = (struct tr_expand_set){.is_null = is_null, .id = sets[s].id};
	}
	return kept;
}

/* The UNNEST that passes one more column of its input on. The elements of a row share its position. */
static void pass_on(struct tr_arena *arena, struct tr_unnest *unnest, uint32_t column)
{
	uint32_t *columns = TR_NEW_ARRAY(arena, unnest->column_count + 1, uint32_t);

	memcpy(columns, unnest->columns, unnest->column_count * sizeof(*columns));
	columns[unnest->column_count++] = column;
	unnest->columns = columns;
}

/* A node over `input`, which has the position, and with columns of its own behind those: so the position is column *at. */
static struct tr_node *over(struct tr_arena *arena, const struct tr_node *node, const struct tr_node *input,
			    uint32_t *position)
{
	const uint32_t count = node->output->column_count, last = input->output->column_count - 1;
	const uint32_t at = node->kind == TR_NODE_UNNEST ? node->unnest.column_count : last;
	struct tr_node *copy = tr_plan_copy(arena, node, &input);
	struct tr_schema *schema = TR_NEW(arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(arena, count + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(arena, count + 1, const struct tr_type *);

	for (uint32_t i = 0; i <= count; i++) {
		names[i] = i < at ? node->output->names[i] : i == at ? POSITION_NAME : node->output->names[i - 1];
		types[i] = i < at    ? node->output->types[i]
			   : i == at ? input->output->types[last]
				     : node->output->types[i - 1];
	}
	*schema = (struct tr_schema){.column_count = count + 1, .names = names, .types = types};
	copy->output = schema;
	if (node->kind == TR_NODE_EXPAND)
		copy->expand.sets = keep_position(arena, node->expand.sets, node->expand.set_count, at);
	if (node->kind == TR_NODE_UNNEST)
		pass_on(arena, &copy->unnest, last);
	*position = at;
	return copy;
}

/* A PROJECT over a node with the position in column `at`: without it, or with it at the end. */
static const struct tr_node *move_position(struct tr_arena *arena, const struct tr_node *node, uint32_t at,
					   const struct tr_schema *output)
{
	struct tr_node *result = tr_plan_node(arena, TR_NODE_PROJECT, &node, 1);
	const uint32_t last = node->output->column_count - 1;
	const struct tr_expr **exprs = TR_NEW_ARRAY(arena, last + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < output->column_count; i++) {
		const uint32_t from = i < at ? i : i == last ? at : i + 1;

		exprs[i] = tr_expr_column(arena, from, node->output->types[from]);
	}
	result->project.exprs = exprs;
	result->output = output;
	return result;
}

static const struct tr_node *pass_under(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_node *input = with_position(arena, node->inputs[0]);
	uint32_t at;
	const struct tr_node *copy = over(arena, node, input, &at);

	return move_position(arena, copy, at, widen(arena, node->output, copy->output->types[at]));
}

static const struct tr_node *union_all(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];
	struct tr_node *copy;

	for (uint32_t i = 0; i < node->input_count; i++) {
		const uint32_t last = node->output->column_count;

		inputs[i] = with_position(arena, node->inputs[i]);
		/* Ends of windows are no numbers of rows. */
		if (inputs[i]->output->types[last]->id != TR_TYPE_BIGINT)
			inputs[i] = project(arena, node->inputs[i], tr_expr_i64(arena, position_type(arena), 0));
	}
	copy = tr_plan_copy(arena, node, inputs);
	copy->output = widen(arena, node->output, position_type(arena));
	return copy;
}

/* Whether a rank is ordered by the position, and in which column it has that. */
static bool has_position(const struct tr_node *node, uint32_t *at)
{
	if (node->rank.order_count == 0)
		return false;
	*at = node->rank.order[node->rank.order_count - 1].column;
	return strcmp(node->inputs[0]->output->names[*at], POSITION_NAME) == 0;
}

/* The node with the position of its rows as one more column. */
static const struct tr_node *with_position(struct tr_arena *arena, const struct tr_node *node)
{
	const uint32_t count = node->output->column_count;
	const struct tr_node *input;
	struct tr_node *copy;

	if (node->shared != 0) /* it is the same for all its readers */
		return project(arena, node, tr_expr_i64(arena, position_type(arena), 0));
	switch (node->kind) {
	case TR_NODE_SCAN:
		copy = tr_plan_copy(arena, node, NULL);
		copy->scan.exprs = add_expr(arena, node->scan.exprs, count, row_position(arena));
		copy->output = widen(arena, node->output, position_type(arena));
		return copy;
	case TR_NODE_VALUES: return values(arena, node);
	case TR_NODE_FILTER:
		input = with_position(arena, node->inputs[0]);
		copy = tr_plan_copy(arena, node, &input);
		copy->output = widen(arena, node->output, input->output->types[count]);
		return copy;
	case TR_NODE_PROJECT: {
		uint32_t last;

		input = with_position(arena, node->inputs[0]);
		last = input->output->column_count - 1;
		copy = tr_plan_copy(arena, node, &input);
		copy->project.exprs = add_expr(arena, node->project.exprs, count,
					       tr_expr_column(arena, last, input->output->types[last]));
		copy->output = widen(arena, node->output, input->output->types[last]);
		return copy;
	}
	case TR_NODE_UNION: return union_all(arena, node);
	case TR_NODE_WINDOW_RANK: {
		uint32_t at;

		if (has_position(node, &at))
			return project(arena, node, tr_expr_column(arena, at, node->output->types[at]));
		return pass_under(arena, node);
	}
	case TR_NODE_WINDOW_TABLE:
	case TR_NODE_EXPAND:
	case TR_NODE_UNNEST: return pass_under(arena, node);
	case TR_NODE_WINDOW_AGGREGATE: {
		const uint32_t end = node->window.key_count + node->window.agg_count + 1;

		if (!node->window.window.is_whole)
			return project(arena, node, tr_expr_column(arena, end, node->output->types[end]));
		break;
	}
	default: break;
	}
	return project(arena, node, tr_expr_i64(arena, position_type(arena), 0));
}

/* An aggregation whose aggregates know the position of the rows, if one wants it. */
static const struct tr_node *aggregate(struct tr_arena *arena, const struct tr_node *node)
{
	struct tr_agg_call *aggs = TR_NEW_ARRAY(arena, node->window.agg_count + 1, struct tr_agg_call);
	const struct tr_node *input;
	struct tr_node *copy;
	bool is_ordered = false;

	for (uint32_t i = 0; i < node->window.agg_count; i++) {
		aggs[i] = node->window.aggs[i];
		if (!tr_agg_is_ordered(aggs[i].agg))
			continue;
		is_ordered = true;
		aggs[i].more_columns[aggs[i].more_count - 1] = (int32_t)node->inputs[0]->output->column_count;
	}
	if (!is_ordered)
		return node;
	input = with_position(arena, node->inputs[0]);
	copy = tr_plan_copy(arena, node, &input);
	copy->window.aggs = aggs;
	return copy;
}

/* The expression that a column of PROJECTs and FILTERs stands for, and the node that it reads. */
static const struct tr_expr *origin(const struct tr_node **node, const struct tr_expr *expr)
{
	while (expr->kind == TR_EXPR_COLUMN && ((*node)->kind == TR_NODE_PROJECT || (*node)->kind == TR_NODE_FILTER)) {
		if ((*node)->kind == TR_NODE_PROJECT)
			expr = (*node)->project.exprs[expr->column];
		*node = (*node)->inputs[0];
	}
	return expr;
}

/* Whether the last column says more than the keys of a rank over `input`: it is no constant, and not the end of the window. */
static bool says_more(struct tr_arena *arena, const struct tr_node *rank, const struct tr_node *input)
{
	const uint32_t last = input->output->column_count - 1;
	const struct tr_node *node = input;
	const struct tr_expr *position = origin(&node, tr_expr_column(arena, last, input->output->types[last]));

	if (position->kind == TR_EXPR_LITERAL)
		return false;
	for (uint32_t i = 0; i < rank->rank.key_count; i++) {
		const uint32_t key = rank->rank.keys[i];
		const struct tr_node *other = input;
		const struct tr_expr *expr = origin(&other, tr_expr_column(arena, key, input->output->types[key]));

		if (other == node && tr_expr_equals(expr, position))
			return false;
	}
	return true;
}

/* A rank that puts rows which its order does not tell apart into that of their arrival. */
static const struct tr_node *rank(struct tr_arena *arena, const struct tr_node *node)
{
	const uint32_t count = node->rank.order_count;
	const struct tr_node *input = with_position(arena, node->inputs[0]);
	struct tr_order_key *order = TR_NEW_ARRAY(arena, count + 1, struct tr_order_key);
	struct tr_node *copy;
	uint32_t at;

	if (!says_more(arena, node, input))
		return node;
	copy = over(arena, node, input, &at);
	memcpy(order, node->rank.order, count * sizeof(*order));
	order[count] = (struct tr_order_key){.column = at, .nulls_first = true};
	copy->rank.order = order;
	copy->rank.order_count = count + 1;
	return move_position(arena, copy, at, node->output);
}

void tr_order_latest(const struct tr_node *rank, struct tr_order_key *order)
{
	uint32_t at;

	if (rank->rank.is_latest_first && rank->rank.from == 1 && rank->rank.to == 1 && has_position(rank, &at)) {
		order[rank->rank.order_count - 1].is_descending = true;
		order[rank->rank.order_count - 1].nulls_first = false;
	}
}

const struct tr_node *tr_order(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];

	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = tr_order(arena, node->inputs[i]);
	node = tr_plan_copy(arena, node, inputs);
	switch (node->kind) {
	case TR_NODE_WINDOW_AGGREGATE: return aggregate(arena, node);
	case TR_NODE_WINDOW_RANK: return rank(arena, node);
	default: return node;
	}
}
