/* SPDX-License-Identifier: Apache-2.0
 *
 * See share.h. Two walks over the graph: the first finds its nodes and how many edges lead to each, the second numbers those to which
 * several ways lead. A node is found again by its address.
 */
#include "sql/share.h"

#include "base/check.h"
#include "base/hash.h"
#include "sql/optimize_inner.h"

struct seen {
	const struct tr_node *node;
	uint32_t readers;
	bool has_ways; /* several lead to it */
};

struct marker {
	struct tr_arena *arena;
	struct seen *table; /* open addressing; a power of two */
	uint32_t room, count;
	uint32_t numbers;
};

static struct seen *slot_of(struct seen *table, uint32_t room, const struct tr_node *node)
{
	uint32_t at = (uint32_t)tr_hash_u64((uintptr_t)node) & (room - 1);

	while (table[at].node != NULL && table[at].node != node)
		at = (at + 1) & (room - 1);
	return &table[at];
}

static struct seen *find(struct marker *m, const struct tr_node *node)
{
	if (2 * (m->count + 1) > m->room) {
		const uint32_t room = TR_MAX(2 * m->room, 64u);
		struct seen *table = TR_NEW_ARRAY(m->arena, room, struct seen);

		for (uint32_t i = 0; i < m->room; i++)
			if (m->table[i].node != NULL)
				*slot_of(table, room, m->table[i].node) = m->table[i];
		m->table = table;
		m->room = room;
	}
	return slot_of(m->table, m->room, node);
}

/** As deep as the graph. */
static void count_readers(struct marker *m, const struct tr_node *node)
{
	struct seen *seen = find(m, node);

	if (seen->node != NULL) {
		seen->readers++;
		return;
	}
	*seen = (struct seen){.node = node, .readers = 1};
	m->count++;
	for (uint32_t i = 0; i < node->input_count; i++)
		count_readers(m, node->inputs[i]);
}

static bool is_any_volatile(const struct tr_expr *const *exprs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (tr_optimize_is_volatile(exprs[i]))
			return true;
	return false;
}

/** Whether running it twice is not the same as once. */
static bool must_run_once(const struct tr_node *node)
{
	switch (node->kind) {
	case TR_NODE_OPERATOR: return true;
	case TR_NODE_SCAN: return node->scan.table->context != NULL; /* a source in C */
	case TR_NODE_FILTER: return tr_optimize_is_volatile(node->filter.condition);
	case TR_NODE_PROJECT:
		return is_any_volatile(node->project.exprs, node->output->column_count) ||
		       (node->project.condition != NULL && tr_optimize_is_volatile(node->project.condition));
	default: return false;
	}
}

static void mark(struct marker *m, const struct tr_node *node, bool has_ways)
{
	struct seen *seen = find(m, node);

	has_ways = has_ways || seen->readers > 1;
	if (seen->has_ways)
		return; /* and so all below it */
	if (has_ways) {
		seen->has_ways = true;
		if (must_run_once(node))
			((struct tr_node *)(uintptr_t)node)->shared = ++m->numbers;
	}
	for (uint32_t i = 0; i < node->input_count; i++)
		mark(m, node->inputs[i], has_ways);
}

void tr_share_mark(struct tr_arena *arena, const struct tr_node *const *sinks, uint32_t count)
{
	struct marker m = {.arena = arena};

	for (uint32_t i = 0; i < count; i++)
		count_readers(&m, sinks[i]);
	for (uint32_t i = 0; i < count; i++)
		mark(&m, sinks[i], false);
}
