/* SPDX-License-Identifier: Apache-2.0
 *
 * See reuse.h.
 */
#include "sql/reuse.h"

#include <string.h>

#include "base/check.h"
#include "sql/node_equal.h"

#define BUCKETS 4096

/* ---- scans ---- */

/** Scans of one table. */
struct group {
	const struct tr_node *first;
	struct tr_node *merged; /* NULL: only one scan */
	uint32_t count;
	bool differs; /* in the columns that are read */
	struct group *next;
};

struct scans {
	struct tr_arena *arena;
	struct group *groups;
};

static struct group *find_group(const struct scans *s, const struct tr_node *scan)
{
	for (struct group *group = s->groups; group != NULL; group = group->next)
		if (tr_node_is_same_table(group->first, scan))
			return group;
	return NULL;
}

/** The column of `scan` that is column `column` of `of`; UINT32_MAX: none. */
static uint32_t find_column(const struct tr_node *scan, const struct tr_node *of, uint32_t column)
{
	for (uint32_t i = 0; i < scan->output->column_count; i++)
		if (strcmp(scan->output->names[i], of->output->names[column]) == 0 &&
		    tr_expr_equals(scan->scan.exprs[i], of->scan.exprs[column]))
			return i;
	return UINT32_MAX;
}

/** Where a column stands in the table; what is computed stands behind. */
static uint32_t rank_of(const struct tr_expr *expr) { return expr->kind == TR_EXPR_COLUMN ? expr->column : UINT32_MAX; }

/** A scan with one more column, at its place in the table. */
static const struct tr_node *add_column(struct tr_arena *arena, const struct tr_node *scan, const struct tr_node *of,
					uint32_t column)
{
	const uint32_t count = scan->output->column_count;
	struct tr_node *copy = tr_plan_copy(arena, scan, NULL);
	struct tr_schema *schema = TR_NEW(arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(arena, count + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(arena, count + 1, const struct tr_type *);
	const struct tr_expr **exprs = TR_NEW_ARRAY(arena, count + 1, const struct tr_expr *);
	uint32_t at = 0;

	while (at < count && rank_of(scan->scan.exprs[at]) <= rank_of(of->scan.exprs[column]))
		at++;
	for (uint32_t i = 0; i <= count; i++) {
		const struct tr_node *from = i == at ? of : scan;
		const uint32_t k = i == at ? column : i < at ? i : i - 1;

		names[i] = from->output->names[k];
		types[i] = from->output->types[k];
		exprs[i] = from->scan.exprs[k];
	}
	*schema = (struct tr_schema){.column_count = count + 1, .names = names, .types = types};
	copy->output = schema;
	copy->scan.exprs = exprs;
	return copy;
}

static void collect(struct scans *s, const struct tr_node *node)
{
	struct group *group;

	for (uint32_t i = 0; i < node->input_count; i++)
		collect(s, node->inputs[i]);
	if (node->kind != TR_NODE_SCAN)
		return;
	group = find_group(s, node);
	if (group == NULL) {
		group = TR_NEW(s->arena, struct group);
		*group = (struct group){.first = node, .count = 1, .next = s->groups};
		s->groups = group;
		return;
	}
	group->count++;
	group->differs |= node->output->column_count != group->first->output->column_count;
	for (uint32_t i = 0; i < node->output->column_count; i++) {
		if (find_column(group->first, node, i) != UINT32_MAX)
			continue;
		group->differs = true;
		group->first = add_column(s->arena, group->first, node, i);
	}
}

/** Room of its own for what is needed of the table: the readers' needs are added by the rules to come. */
static void make_merged(struct scans *s, struct group *group)
{
	const uint32_t columns = group->first->scan.table->schema->column_count;
	struct tr_table_spec *spec = TR_NEW(s->arena, struct tr_table_spec);
	struct tr_need **needs = TR_NEW_ARRAY(s->arena, columns + 1, struct tr_need *);

	/* So far there are the needs of time and watermark, which are the same in all. */
	for (uint32_t i = 0; i < columns; i++)
		needs[i] = (struct tr_need *)(uintptr_t)group->first->scan.table->needs[i];
	*spec = *group->first->scan.table;
	spec->needs = (const struct tr_need *const *)needs;
	group->merged = tr_plan_copy(s->arena, group->first, NULL);
	group->merged->scan.table = spec;
}

/** The merged scan with the columns of `scan`. */
static const struct tr_node *pick(struct scans *s, const struct tr_node *merged, const struct tr_node *scan)
{
	const uint32_t count = scan->output->column_count;
	struct tr_node *project;
	const struct tr_expr **exprs = TR_NEW_ARRAY(s->arena, count + 1, const struct tr_expr *);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t column = find_column(merged, scan, i);

		TR_ASSERT(column != UINT32_MAX);
		exprs[i] = tr_expr_column(s->arena, column, scan->output->types[i]);
	}
	project = tr_plan_node(s->arena, TR_NODE_PROJECT, &merged, 1);
	project->output = scan->output;
	project->project.exprs = exprs;
	return project;
}

static const struct tr_node *replace(struct scans *s, const struct tr_node *node)
{
	const struct tr_node *inputs[TR_PLAN_INPUTS_MAX];
	const struct group *group;

	if (node->kind == TR_NODE_SCAN) {
		group = find_group(s, node);
		return group->merged != NULL ? pick(s, group->merged, node) : node;
	}
	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = replace(s, node->inputs[i]);
	return tr_plan_copy(s->arena, node, inputs);
}

bool tr_reuse_scans(struct tr_arena *arena, const struct tr_node **sinks, uint32_t count)
{
	struct scans s = {.arena = arena};
	bool has_merged = false;

	for (uint32_t i = 0; i < count; i++)
		collect(&s, sinks[i]);
	for (struct group *group = s.groups; group != NULL; group = group->next) {
		if (group->count < 2)
			continue;
		make_merged(&s, group);
		has_merged = true;
	}
	for (uint32_t i = 0; i < count && has_merged; i++)
		sinks[i] = replace(&s, sinks[i]);
	return has_merged;
}

/* ---- nodes ---- */

/** Nodes that are the same over the same. */
struct same {
	const struct tr_node *node; /* the first that was met */
	const struct same *inputs[TR_PLAN_INPUTS_MAX];
	const struct tr_node *shared; /* what all of them become; NULL: not made yet */
	struct same *next;
};

struct nodes {
	struct tr_arena *arena;
	struct same *buckets[BUCKETS];
	bool with_scans;
	bool only_must;
};

static uint32_t bucket_of(const struct tr_node *node, const struct same *const *inputs)
{
	uintptr_t hash = (uintptr_t)node->kind * 31 + node->parallelism;

	for (uint32_t i = 0; i < node->input_count; i++)
		hash = hash * 31 + (uintptr_t)inputs[i] / sizeof(void *);
	if (node->output != NULL)
		hash = hash * 31 + node->output->column_count;
	return (uint32_t)(hash % BUCKETS);
}

/** A scan may have to stay one for each reader, and so what only carries its rows elsewhere. */
static bool is_shareable(const struct nodes *n, const struct tr_node *node)
{
	if (node->shared != 0)
		return true;
	while (node->kind == TR_NODE_EXCHANGE)
		node = node->inputs[0];
	return !n->only_must && node->kind != TR_NODE_SINK && (n->with_scans || node->kind != TR_NODE_SCAN);
}

/** Which nodes a node is the same as. *made: the node over shared inputs. */
static struct same *share(struct nodes *n, const struct tr_node *node, const struct tr_node **made)
{
	const struct tr_node *below[TR_PLAN_INPUTS_MAX];
	const struct same *inputs[TR_PLAN_INPUTS_MAX];
	struct same **bucket, *same;

	for (uint32_t i = 0; i < node->input_count; i++)
		inputs[i] = share(n, node->inputs[i], &below[i]);
	bucket = &n->buckets[bucket_of(node, inputs)];
	for (same = *bucket; same != NULL; same = same->next)
		if (tr_node_equals(same->node, node) &&
		    (node->input_count == 0 || memcmp(same->inputs, inputs, node->input_count * sizeof(*inputs)) == 0))
			break;
	if (same == NULL) {
		same = TR_NEW(n->arena, struct same);
		same->node = node;
		if (node->input_count > 0)
			memcpy(same->inputs, inputs, node->input_count * sizeof(*inputs));
		same->next = *bucket;
		*bucket = same;
	}
	if (same->shared == NULL || !is_shareable(n, node))
		same->shared = tr_plan_copy(n->arena, node, below);
	*made = same->shared;
	return same;
}

void tr_reuse_nodes(struct tr_arena *arena, const struct tr_node **sinks, uint32_t count, bool with_scans,
		    bool only_must)
{
	struct nodes *n = TR_NEW(arena, struct nodes);

	n->arena = arena;
	n->with_scans = with_scans;
	n->only_must = only_must;
	for (uint32_t i = 0; i < count; i++)
		(void)share(n, sinks[i], &sinks[i]);
}
