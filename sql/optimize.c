/* SPDX-License-Identifier: Apache-2.0
 *
 * See optimize.h. Four passes over the tree, each a short recursion (a plan is as deep as the query it came from, which
 * the parser bounds):
 *
 *  1. sink_filters: FILTER over PROJECT becomes PROJECT over FILTER with the projected expressions put into the
 *     condition; it goes into each input of a UNION; terms that read only keys go below an aggregation; over a WINDOW_RANK it
 *     becomes its range; neighbouring FILTERs become one AND. Not past a volatile function, nor into an expression beyond
 *     NODES_MAX.
 *  2. merge_projects: PROJECT over PROJECT becomes one. The executor computes equal subexpressions once, so nothing is
 *     computed twice by this. Not past a volatile function, nor beyond NODES_MAX.
 *  3. prune: from the sink downward, which columns are read; PROJECT and SCAN drop the others, and a scan learns which
 *     columns and which fields of rows its format has to decode (struct tr_need).
 *     Then scans of the same table become alike (sql/reuse.h), and 1 and 2 join what that has put above them to its readers.
 *  4. fuse: a PROJECT that computes nothing goes; another one takes the FILTER below it as its condition, so that what both
 *     compute is computed once.
 */
#include "sql/optimize_inner.h"
#include "sql/reuse.h"

#include <string.h>

#include "base/check.h"
#include "core/ops/func.h"

#define NODES_MAX 10000 /* of the expressions of a node that others are put into */

bool tr_optimize_is_volatile(const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_CALL && tr_func_is_volatile(expr->func))
		return true;
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		if (tr_optimize_is_volatile(expr->args[i]))
			return true;
	}
	return false;
}

/* Whether `expr` reads a column that `project` computes by a volatile function: putting the function in the column's place
 * would evaluate it anew. */
static bool reads_volatile(const struct tr_expr *expr, const struct tr_node *project)
{
	if (expr->kind == TR_EXPR_COLUMN)
		return tr_optimize_is_volatile(project->project.exprs[expr->column]);
	for (uint32_t i = 0; i < expr->arg_count; i++) {
		if (reads_volatile(expr->args[i], project))
			return true;
	}
	return false;
}

/* Adds the nodes of `expr` to *size, up to NODES_MAX + 1. `sizes`, unless it is NULL, has those of what takes the columns' places. */
static void add_size(const struct tr_expr *expr, const uint32_t *sizes, uint32_t *size)
{
	*size += expr->kind == TR_EXPR_COLUMN && sizes != NULL ? sizes[expr->column] : 1;
	for (uint32_t i = 0; i < expr->arg_count && *size <= NODES_MAX; i++)
		add_size(expr->args[i], sizes, size);
	*size = TR_MIN(*size, NODES_MAX + 1);
}

/* Whether `exprs` are still of a size that can be handled with what `project` computes put into them: through a stack of queries that
 * read each column twice they double each time. */
static bool stays_small(struct tr_arena *arena, const struct tr_expr *const *exprs, uint32_t count,
			const struct tr_node *project)
{
	const uint32_t columns = project->output->column_count;
	uint32_t *sizes = TR_NEW_ARRAY(arena, columns + 1, uint32_t);
	uint32_t size = 0;

	for (uint32_t i = 0; i < columns; i++)
		add_size(project->project.exprs[i], NULL, &sizes[i]);
	for (uint32_t i = 0; i < count && size <= NODES_MAX; i++)
		add_size(exprs[i], sizes, &size);
	return size <= NODES_MAX;
}

/* Whether the node stays as it is for all its readers: nothing is moved past it, out of it, or left out of it. */
static bool is_fixed(const struct tr_node *node)
{
	return node->shared != 0 || (node->chaining != TR_CHAINING_ALWAYS && node->kind != TR_NODE_SCAN);
}

/* Whether all that `project` computes can be put into the projection above it. */
static bool merges(struct tr_arena *arena, const struct tr_node *above, const struct tr_node *project)
{
	if (project->kind != TR_NODE_PROJECT || is_fixed(project) ||
	    !stays_small(arena, above->project.exprs, above->output->column_count, project))
		return false;
	for (uint32_t i = 0; i < above->output->column_count; i++) {
		if (reads_volatile(above->project.exprs[i], project))
			return false;
	}
	return true;
}

/* ---- 1. filters ---- */

const struct tr_expr *tr_optimize_and(struct tr_arena *arena, const struct tr_expr *a, const struct tr_expr *b)
{
	const struct tr_type *boolean = tr_type_of(TR_TYPE_BOOLEAN);
	const struct tr_type *types[2] = {boolean, boolean};
	const struct tr_expr *literals[2] = {NULL, NULL};
	const struct tr_expr *both[2] = {a, b};
	struct tr_func_match match;

	if (a == NULL)
		return b;
	TR_ASSERT(tr_func_resolve(arena, "AND", types, literals, 2, &match, NULL) == TR_OK);
	return tr_expr_call(arena, match.func, match.type, both, 2);
}

bool tr_optimize_is_call(const struct tr_expr *expr, const char *name)
{
	return expr->kind == TR_EXPR_CALL && strcmp(tr_func_name(expr->func), name) == 0;
}

static const struct tr_node *make_filter(struct tr_arena *arena, const struct tr_node *input,
					 const struct tr_expr *condition);

/* A filter that goes no further down. `condition` NULL: none. */
static const struct tr_node *filter_above(struct tr_arena *arena, const struct tr_node *input,
					  const struct tr_expr *condition)
{
	struct tr_node *node;

	if (condition == NULL)
		return input;
	node = tr_plan_node(arena, TR_NODE_FILTER, &input, 1);
	node->output = input->output;
	node->filter.condition = condition;
	return node;
}

/* A condition over an UNNEST: terms that read no element go below. */
static const struct tr_node *filter_unnest(struct tr_arena *arena, const struct tr_node *input,
					   const struct tr_expr *condition)
{
	const struct tr_expr *below;

	condition = tr_optimize_unnest(arena, input, condition, &below);
	if (below != NULL) {
		const struct tr_node *filtered = make_filter(arena, input->inputs[0], below);

		input = tr_plan_copy(arena, input, &filtered);
	}
	return filter_above(arena, input, condition);
}

/* A condition over a WINDOW_RANK: some of it becomes the ranks that are wanted, some goes below. */
static const struct tr_node *filter_rank(struct tr_arena *arena, const struct tr_node *input,
					 const struct tr_expr *condition)
{
	struct tr_node *rank = tr_plan_copy(arena, input, input->inputs);
	const struct tr_node *made = rank;
	const struct tr_expr *below;

	condition = tr_optimize_rank(arena, rank, condition, &below);
	if (below != NULL) {
		const struct tr_node *filtered = make_filter(arena, input->inputs[0], below);

		made = tr_plan_copy(arena, rank, &filtered);
	}
	return filter_above(arena, made, condition);
}

/* Whether all columns that `expr` reads, and there are some, are among the first `count`. */
static bool reads_first(const struct tr_expr *expr, uint32_t count, bool *reads_any)
{
	if (expr->kind == TR_EXPR_COLUMN) {
		*reads_any = true;
		return expr->column < count;
	}
	for (uint32_t i = 0; i < expr->arg_count; i++)
		if (!reads_first(expr->args[i], count, reads_any))
			return false;
	return true;
}

void tr_optimize_split(struct tr_arena *arena, const struct tr_expr *condition, uint32_t count,
		       const struct tr_expr **first, const struct tr_expr **others)
{
	bool reads_any = false;

	if (tr_optimize_is_call(condition, "AND")) {
		tr_optimize_split(arena, condition->args[0], count, first, others);
		tr_optimize_split(arena, condition->args[1], count, first, others);
	} else if (!tr_optimize_is_volatile(condition) && reads_first(condition, count, &reads_any) && reads_any) {
		*first = tr_optimize_and(arena, *first, condition);
	} else {
		*others = tr_optimize_and(arena, *others, condition);
	}
}

/* What of the condition reads only the keys of an aggregation goes below it. */
static const struct tr_node *filter_aggregate(struct tr_arena *arena, const struct tr_node *input,
					      const struct tr_expr *condition)
{
	const struct tr_expr *first = NULL, *others = NULL;
	const struct tr_node *node = input;

	tr_optimize_split(arena, condition, input->window.key_count, &first, &others);
	if (first != NULL) {
		const struct tr_expr **keys = TR_NEW_ARRAY(arena, input->window.key_count + 1, const struct tr_expr *);
		const struct tr_node *filtered;

		for (uint32_t i = 0; i < input->window.key_count; i++)
			keys[i] = tr_expr_column(arena, input->window.keys[i],
						 input->inputs[0]->output->types[input->window.keys[i]]);
		first = tr_expr_substitute(arena, first, keys, input->window.key_count);
		filtered = make_filter(arena, input->inputs[0], first);
		node = tr_plan_copy(arena, input, &filtered);
	}
	return filter_above(arena, node, others);
}

static bool is_true(const struct tr_expr *expr)
{
	return expr->kind == TR_EXPR_LITERAL && !expr->value.is_null && expr->value.i64 != 0;
}

static const struct tr_node *make_filter(struct tr_arena *arena, const struct tr_node *input,
					 const struct tr_expr *condition)
{
	condition = tr_expr_fold(arena, condition);
	if (is_true(condition))
		return input;
	if (is_fixed(input))
		return filter_above(arena, input, condition);
	if (input->kind == TR_NODE_PROJECT && stays_small(arena, &condition, 1, input) &&
	    !reads_volatile(condition, input)) {
		const struct tr_expr *below =
			tr_expr_substitute(arena, condition, input->project.exprs, input->output->column_count);
		const struct tr_node *filtered = make_filter(arena, input->inputs[0], below);

		return tr_plan_copy(arena, input, &filtered);
	}
	if (input->kind == TR_NODE_UNION && !tr_optimize_is_volatile(condition)) {
		const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];

		for (uint32_t i = 0; i < input->input_count; i++)
			inputs[i] = make_filter(arena, input->inputs[i], condition);
		return tr_plan_copy(arena, input, inputs);
	}
	if (input->kind == TR_NODE_WINDOW_AGGREGATE)
		return filter_aggregate(arena, input, condition);
	if (input->kind == TR_NODE_FILTER) {
		condition = tr_expr_fold(arena, tr_optimize_and(arena, input->filter.condition, condition));
		input = input->inputs[0];
	}
	if (input->kind == TR_NODE_WINDOW_RANK)
		return filter_rank(arena, input, condition);
	if (input->kind == TR_NODE_UNNEST)
		return filter_unnest(arena, input, condition);
	return filter_above(arena, input, condition);
}

static const struct tr_node *sink_filters(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];

	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = sink_filters(arena, node->inputs[i]);
	if (node->kind == TR_NODE_FILTER && !is_fixed(node))
		return make_filter(arena, inputs[0], node->filter.condition);
	return tr_plan_copy(arena, node, inputs);
}

/* ---- 2. projections ---- */

static const struct tr_node *merge_projects(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];
	struct tr_node *copy;

	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = merge_projects(arena, node->inputs[i]);
	copy = tr_plan_copy(arena, node, inputs);
	if (node->kind != TR_NODE_PROJECT)
		return copy;
	{
		uint32_t count = node->output->column_count;
		const struct tr_node *below = inputs[0];
		bool is_merged = merges(arena, node, below);
		const struct tr_expr **exprs = TR_NEW_ARRAY(arena, count + 1, const struct tr_expr *);

		for (uint32_t i = 0; i < count; i++) {
			const struct tr_expr *expr = node->project.exprs[i];

			if (is_merged)
				expr = tr_expr_substitute(arena, expr, below->project.exprs,
							  below->output->column_count);
			exprs[i] = tr_expr_fold(arena, expr);
		}
		if (is_merged)
			copy = tr_plan_copy(arena, node, below->inputs);
		copy->project.exprs = exprs;
	}
	return copy;
}

/* ---- 3. pruning ---- */

/* Which columns of a node are read, and what they become: map[i] is the new number of column i. */
struct usage {
	bool *is_read;
	uint32_t *map;
	uint32_t count;
};

static struct usage usage_new(struct tr_arena *arena, uint32_t count, bool is_read)
{
	struct usage usage = {.is_read = TR_NEW_ARRAY(arena, count + 1, bool),
			      .map = TR_NEW_ARRAY(arena, count + 1, uint32_t),
			      .count = count};

	for (uint32_t i = 0; i < count; i++) {
		usage.is_read[i] = is_read;
		usage.map[i] = i;
	}
	return usage;
}

static void mark(struct usage *usage, const struct tr_expr *expr)
{
	if (expr->kind == TR_EXPR_COLUMN)
		usage->is_read[expr->column] = true;
	for (uint32_t i = 0; i < expr->arg_count; i++)
		mark(usage, expr->args[i]);
}

static const struct tr_expr *renumber(struct tr_arena *arena, const struct tr_expr *expr, const struct usage *usage,
				      const struct tr_schema *schema)
{
	const struct tr_expr **columns = TR_NEW_ARRAY(arena, usage->count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < usage->count; i++)
		columns[i] = tr_expr_column(arena, usage->map[i], schema->types[i]);
	return tr_expr_substitute(arena, expr, columns, usage->count);
}

/* The schema of the columns that are read; fills the map. */
static const struct tr_schema *keep_columns(struct tr_arena *arena, const struct tr_schema *schema, struct usage *usage)
{
	struct tr_schema *kept = TR_NEW(arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(arena, schema->column_count + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(arena, schema->column_count + 1, const struct tr_type *);

	for (uint32_t i = 0; i < schema->column_count; i++) {
		if (!usage->is_read[i])
			continue;
		usage->map[i] = kept->column_count;
		names[kept->column_count] = schema->names[i];
		types[kept->column_count++] = schema->types[i];
	}
	kept->names = names;
	kept->types = types;
	return kept;
}

static const struct tr_expr *const *keep_exprs(struct tr_arena *arena, const struct tr_expr *const *exprs,
					       const struct usage *usage)
{
	const struct tr_expr **kept = TR_NEW_ARRAY(arena, usage->count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < usage->count; i++) {
		if (usage->is_read[i])
			kept[usage->map[i]] = exprs[i];
	}
	return kept;
}

/* Notes that `expr` reads its columns: whole ones, or single fields of rows. */
static void add_need(struct tr_arena *arena, struct tr_need **needs, const struct tr_expr *expr)
{
	uint32_t fields[TR_TYPE_DEPTH_MAX];
	uint32_t depth = 0;
	const struct tr_expr *base = expr;

	for (; base->kind == TR_EXPR_FIELD && depth < TR_TYPE_DEPTH_MAX; base = base->args[0])
		fields[depth++] = base->column;
	if (base->kind != TR_EXPR_COLUMN) {
		for (uint32_t i = 0; i < expr->arg_count; i++)
			add_need(arena, needs, expr->args[i]);
		return;
	}
	{
		struct tr_need **slot = &needs[base->column];
		const struct tr_type *type = base->type;

		for (;;) {
			struct tr_need **children;

			if (*slot == NULL)
				*slot = TR_NEW(arena, struct tr_need);
			if (depth == 0)
				(*slot)->is_whole = true;
			if ((*slot)->is_whole)
				return;
			if ((*slot)->children == NULL)
				(*slot)->children = (const struct tr_need *const *)TR_NEW_ARRAY(
					arena, type->child_count + 1, struct tr_need *);
			children = (struct tr_need **)(uintptr_t)(*slot)->children;
			depth--;
			slot = &children[fields[depth]];
			type = type->children[fields[depth]];
		}
	}
}

static const struct tr_node *prune(struct tr_arena *arena, const struct tr_node *node, struct usage *usage);

static const struct tr_node *prune_scan(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	struct tr_node *copy = tr_plan_copy(arena, node, NULL);
	struct tr_table_spec *spec = TR_NEW(arena, struct tr_table_spec);
	struct tr_need **needs = TR_NEW_ARRAY(arena, node->scan.table->schema->column_count + 1, struct tr_need *);

	copy->output = keep_columns(arena, node->output, usage);
	copy->scan.exprs = keep_exprs(arena, node->scan.exprs, usage);
	if (node->scan.time_expr != NULL) {
		add_need(arena, needs, node->scan.time_expr);
		add_need(arena, needs, node->scan.watermark_expr);
	}
	*spec = *node->scan.table;
	spec->needs = (const struct tr_need *const *)needs;
	copy->scan.table = spec;
	/* What is read of the kept columns is added by narrow_scans, which sees the expressions above. */
	return copy;
}

static const struct tr_node *prune_project(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const struct tr_schema *below = node->inputs[0]->output;
	struct usage input = usage_new(arena, below->column_count, false);
	const struct tr_expr **exprs;
	const struct tr_node *pruned;
	struct tr_node *copy;

	for (uint32_t i = 0; i < node->output->column_count; i++) {
		if (usage->is_read[i])
			mark(&input, node->project.exprs[i]);
	}
	pruned = prune(arena, node->inputs[0], &input);
	copy = tr_plan_copy(arena, node, &pruned);
	copy->output = keep_columns(arena, node->output, usage);
	exprs = TR_NEW_ARRAY(arena, copy->output->column_count + 1, const struct tr_expr *);
	for (uint32_t i = 0; i < node->output->column_count; i++) {
		if (usage->is_read[i])
			exprs[usage->map[i]] = renumber(arena, node->project.exprs[i], &input, below);
	}
	copy->project.exprs = exprs;
	return copy;
}

static const struct tr_node *prune_filter(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const struct tr_schema *below = node->inputs[0]->output;
	const struct tr_node *pruned;
	struct tr_node *copy;

	mark(usage, node->filter.condition);
	pruned = prune(arena, node->inputs[0], usage);
	copy = tr_plan_copy(arena, node, &pruned);
	copy->output = pruned->output;
	copy->filter.condition = renumber(arena, node->filter.condition, usage, below);
	return copy;
}

static bool is_any_read(const struct usage *usage)
{
	for (uint32_t i = 0; i < usage->count; i++)
		if (usage->is_read[i])
			return true;
	return false;
}

static const struct tr_node *prune_aggregate(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	struct usage input = usage_new(arena, node->inputs[0]->output->column_count, false);
	uint32_t *keys = TR_NEW_ARRAY(arena, node->window.key_count + 1, uint32_t);
	struct tr_agg_call *aggs = TR_NEW_ARRAY(arena, node->window.agg_count + 1, struct tr_agg_call);
	const struct tr_node *pruned;
	struct tr_node *copy;

	for (uint32_t i = 0; i < node->window.key_count; i++)
		input.is_read[node->window.keys[i]] = true;
	for (uint32_t i = 0; i < node->window.agg_count; i++) {
		aggs[i] = node->window.aggs[i];
		if (aggs[i].arg_column >= 0)
			input.is_read[aggs[i].arg_column] = true;
		for (uint32_t m = 0; m < aggs[i].more_count; m++)
			input.is_read[aggs[i].more_columns[m]] = true;
		if (aggs[i].filter_column >= 0)
			input.is_read[aggs[i].filter_column] = true;
	}
	if (node->window.window.time_column >= 0)
		input.is_read[node->window.window.time_column] = true;
	if (node->window.key_count == 0 && input.count > 0 && !is_any_read(&input))
		input.is_read[0] = true; /* rows need a column */
	pruned = prune(arena, node->inputs[0], &input);
	copy = tr_plan_copy(arena, node, &pruned);
	for (uint32_t i = 0; i < node->window.key_count; i++)
		keys[i] = input.map[node->window.keys[i]];
	for (uint32_t i = 0; i < node->window.agg_count; i++) {
		if (aggs[i].arg_column >= 0)
			aggs[i].arg_column = (int32_t)input.map[aggs[i].arg_column];
		for (uint32_t m = 0; m < aggs[i].more_count; m++)
			aggs[i].more_columns[m] = (int32_t)input.map[aggs[i].more_columns[m]];
		if (aggs[i].filter_column >= 0)
			aggs[i].filter_column = (int32_t)input.map[aggs[i].filter_column];
	}
	copy->window.keys = keys;
	copy->window.aggs = aggs;
	if (node->window.window.time_column >= 0)
		copy->window.window.time_column = (int32_t)input.map[node->window.window.time_column];
	for (uint32_t i = 0; i < usage->count; i++) {
		usage->is_read[i] = true; /* the aggregation's own columns all stay */
		usage->map[i] = i;
	}
	return copy;
}

/* The window's three columns stay, the others only if they are read, or are the time. */
static const struct tr_node *prune_window_table(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const uint32_t base = node->inputs[0]->output->column_count;
	struct usage input = usage_new(arena, base, false);
	const int32_t time_column = node->window.window.time_column;
	const struct tr_node *pruned;
	struct tr_node *copy;

	memcpy(input.is_read, usage->is_read, base * sizeof(*input.is_read));
	if (time_column >= 0)
		input.is_read[time_column] = true;
	pruned = prune(arena, node->inputs[0], &input);
	for (uint32_t i = 0; i < usage->count; i++)
		usage->is_read[i] = i >= base || input.is_read[i];
	copy = tr_plan_copy(arena, node, &pruned);
	copy->output = keep_columns(arena, node->output, usage);
	TR_ASSERT(copy->output->column_count == pruned->output->column_count + 3);
	if (time_column >= 0)
		copy->window.window.time_column = (int32_t)input.map[time_column];
	return copy;
}

static const struct tr_node *prune_unnest(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	struct usage input = usage_new(arena, node->inputs[0]->output->column_count, false);
	const struct tr_node *pruned;
	struct tr_node *copy;

	for (uint32_t i = 0; i < node->unnest.column_count; i++)
		input.is_read[node->unnest.columns[i]] |= usage->is_read[i];
	input.is_read[node->unnest.list] = true;
	pruned = prune(arena, node->inputs[0], &input);
	copy = tr_plan_copy(arena, node, &pruned);
	copy->output = keep_columns(arena, node->output, usage);
	tr_optimize_unnest_keep(arena, &copy->unnest, usage->is_read, input.map);
	return copy;
}

/* The rank's own columns stay; its number only if it is read. */
static const struct tr_node *prune_rank(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const uint32_t base = node->inputs[0]->output->column_count;
	struct usage input = usage_new(arena, base, false);
	uint32_t *keys = TR_NEW_ARRAY(arena, node->rank.key_count + 1, uint32_t);
	struct tr_order_key *order = TR_NEW_ARRAY(arena, node->rank.order_count + 1, struct tr_order_key);
	const struct tr_node *pruned;
	struct tr_node *copy;

	memcpy(input.is_read, usage->is_read, base * sizeof(*input.is_read));
	for (uint32_t i = 0; i < node->rank.key_count; i++)
		input.is_read[node->rank.keys[i]] = true;
	for (uint32_t i = 0; i < node->rank.order_count; i++)
		input.is_read[node->rank.order[i].column] = true;
	if (node->rank.window.time_column >= 0)
		input.is_read[node->rank.window.time_column] = true;
	pruned = prune(arena, node->inputs[0], &input);
	memcpy(usage->is_read, input.is_read, base * sizeof(*input.is_read));
	copy = tr_plan_copy(arena, node, &pruned);
	copy->rank.has_number = node->rank.has_number && usage->is_read[base];
	copy->output = keep_columns(arena, node->output, usage);
	for (uint32_t i = 0; i < node->rank.key_count; i++)
		keys[i] = input.map[node->rank.keys[i]];
	for (uint32_t i = 0; i < node->rank.order_count; i++) {
		order[i] = node->rank.order[i];
		order[i].column = input.map[order[i].column];
	}
	copy->rank.keys = keys;
	copy->rank.order = order;
	tr_order_latest(copy, order);
	if (node->rank.window.time_column >= 0)
		copy->rank.window.time_column = (int32_t)input.map[node->rank.window.time_column];
	return copy;
}

/* SORT and LIMIT: the rows as they are, with the columns that are sorted by. */
static const struct tr_node *prune_sort(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const struct tr_sort_spec *spec = &node->sort.spec;
	struct tr_order_key *keys = TR_NEW_ARRAY(arena, spec->key_count + 1, struct tr_order_key);
	const struct tr_node *pruned;
	struct tr_node *copy;

	for (uint32_t i = 0; i < spec->key_count; i++)
		usage->is_read[spec->keys[i].column] = true;
	if (usage->count > 0 && !is_any_read(usage))
		usage->is_read[0] = true; /* rows need a column */
	pruned = prune(arena, node->inputs[0], usage);
	copy = tr_plan_copy(arena, node, &pruned);
	copy->output = pruned->output;
	for (uint32_t i = 0; i < spec->key_count; i++) {
		keys[i] = spec->keys[i];
		keys[i].column = usage->map[keys[i].column];
	}
	copy->sort.spec.keys = keys;
	return copy;
}

/* The id stays, the others only if they are read. */
static const struct tr_node *prune_expand(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const uint32_t base = node->inputs[0]->output->column_count, set_count = node->expand.set_count;
	struct tr_expand_set *sets = TR_NEW_ARRAY(arena, set_count, struct tr_expand_set);
	struct usage input = usage_new(arena, base, false);
	const struct tr_node *pruned;
	struct tr_node *copy;

	memcpy(input.is_read, usage->is_read, base * sizeof(*input.is_read));
	if (base > 0 && !is_any_read(&input))
		input.is_read[0] = true; /* rows need a column */
	pruned = prune(arena, node->inputs[0], &input);
	for (uint32_t i = 0; i < usage->count; i++)
		usage->is_read[i] = i >= base || input.is_read[i];
	copy = tr_plan_copy(arena, node, &pruned);
	copy->output = keep_columns(arena, node->output, usage);
	TR_ASSERT(copy->output->column_count == pruned->output->column_count + 1);
	for (uint32_t s = 0; s < set_count; s++) {
		bool *is_null = TR_NEW_ARRAY(arena, pruned->output->column_count + 1, bool);

		for (uint32_t i = 0; i < base; i++)
			if (input.is_read[i])
				is_null[input.map[i]] = node->expand.sets[s].is_null[i];
		sets[s] = (struct tr_expand_set){.is_null = is_null, .id = node->expand.sets[s].id};
	}
	copy->expand.sets = sets;
	return copy;
}

/* VALUES, UNION, SINK: all columns stay. */
static const struct tr_node *prune_all(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];

	for (uint32_t i = 0; i < node->input_count; i++) {
		struct usage input = usage_new(arena, node->inputs[i]->output->column_count, true);

		inputs[i] = prune(arena, node->inputs[i], &input);
	}
	for (uint32_t i = 0; i < usage->count; i++) {
		usage->is_read[i] = true;
		usage->map[i] = i;
	}
	return tr_plan_copy(arena, node, inputs);
}

static const struct tr_node *prune(struct tr_arena *arena, const struct tr_node *node, struct usage *usage)
{
	if (is_fixed(node))
		*usage = usage_new(arena, usage->count, true);
	switch (node->kind) {
	case TR_NODE_SCAN: return prune_scan(arena, node, usage);
	case TR_NODE_PROJECT: return prune_project(arena, node, usage);
	case TR_NODE_FILTER: return prune_filter(arena, node, usage);
	case TR_NODE_UNNEST: return prune_unnest(arena, node, usage);
	case TR_NODE_WINDOW_TABLE: return prune_window_table(arena, node, usage);
	case TR_NODE_EXPAND: return prune_expand(arena, node, usage);
	case TR_NODE_WINDOW_AGGREGATE: return prune_aggregate(arena, node, usage);
	case TR_NODE_WINDOW_RANK: return prune_rank(arena, node, usage);
	case TR_NODE_SORT:
	case TR_NODE_LIMIT: return prune_sort(arena, node, usage);
	default: return prune_all(arena, node, usage);
	}
}

/* Adds to each scan's needs what `reader`'s expressions read of it: called for each node over its direct input. */
static void narrow_scan(struct tr_arena *arena, const struct tr_node *scan, const struct tr_expr *const *readers,
			uint32_t count)
{
	struct tr_need **needs = (struct tr_need **)(uintptr_t)scan->scan.table->needs;

	for (uint32_t i = 0; i < count; i++)
		add_need(arena, needs,
			 tr_expr_substitute(arena, readers[i], scan->scan.exprs, scan->output->column_count));
}

/* Walks down; `readers` are expressions over the node's output, NULL for "all of it". */
static void narrow(struct tr_arena *arena, const struct tr_node *node, const struct tr_expr *const *readers,
		   uint32_t count)
{
	if (node->kind == TR_NODE_SCAN) {
		if (readers == NULL || is_fixed(node)) {
			for (uint32_t i = 0; i < node->output->column_count; i++)
				add_need(arena, (struct tr_need **)(uintptr_t)node->scan.table->needs,
					 node->scan.exprs[i]);
		} else {
			narrow_scan(arena, node, readers, count);
		}
		return;
	}
	if (node->kind == TR_NODE_PROJECT) {
		narrow(arena, node->inputs[0], node->project.exprs, node->output->column_count);
		return;
	}
	if (node->kind == TR_NODE_FILTER && readers != NULL && !is_fixed(node)) {
		const struct tr_expr **all = TR_NEW_ARRAY(arena, count + 1, const struct tr_expr *);

		memcpy(all, readers, count * sizeof(*all));
		all[count] = node->filter.condition;
		narrow(arena, node->inputs[0], all, count + 1);
		return;
	}
	for (uint32_t i = 0; i < node->input_count; i++)
		narrow(arena, node->inputs[i], NULL, 0);
}

/* ---- 4. projections that do nothing, and the filters below the others ---- */

/* Whether the projection passes all columns of its input on, under their names. */
static bool is_identity(const struct tr_node *node, const struct tr_schema *input)
{
	const struct tr_schema *output = node->output;

	if (output->column_count != input->column_count)
		return false;
	for (uint32_t i = 0; i < output->column_count; i++) {
		const struct tr_expr *expr = node->project.exprs[i];

		if (expr->kind != TR_EXPR_COLUMN || expr->column != i || strcmp(output->names[i], input->names[i]) != 0)
			return false;
	}
	return true;
}

static const struct tr_node *fuse(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];
	struct tr_node *copy;

	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = fuse(arena, node->inputs[i]);
	if (node->kind == TR_NODE_PROJECT && !is_fixed(node) && is_identity(node, inputs[0]->output))
		return inputs[0];
	copy = tr_plan_copy(arena, node, inputs);
	if (node->kind == TR_NODE_PROJECT && inputs[0]->kind == TR_NODE_FILTER && !is_fixed(inputs[0])) {
		copy = tr_plan_copy(arena, node, inputs[0]->inputs);
		copy->project.condition = inputs[0]->filter.condition;
	}
	return copy;
}

void tr_optimize(struct tr_arena *arena, const struct tr_config *config, const struct tr_node **sinks, uint32_t count)
{
	const bool reuses = tr_config_boolean(config, "table.optimizer.reuse-sub-plan-enabled") &&
			    tr_config_boolean(config, "table.optimizer.reuse-source-enabled");

	for (uint32_t i = 0; i < count; i++) {
		struct usage none = usage_new(arena, 0, false);

		sinks[i] = merge_projects(arena, sink_filters(arena, sinks[i]));
		sinks[i] = prune(arena, sinks[i], &none);
	}
	if (reuses && tr_reuse_scans(arena, sinks, count)) {
		for (uint32_t i = 0; i < count; i++)
			sinks[i] = merge_projects(arena, sink_filters(arena, sinks[i]));
	}
	for (uint32_t i = 0; i < count; i++) {
		narrow(arena, sinks[i], NULL, 0);
		sinks[i] = fuse(arena, sinks[i]);
	}
}
