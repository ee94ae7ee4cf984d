/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan: names for what has state, so that a checkpoint's state finds its operator again.
 *
 * A uid is the way from the sink through operators with state: "sink:out/window/scan:bids". Nodes without state (filters,
 * projections, exchanges, the local phase) do not show, so a change of theirs, or of the parallelism, keeps the state of the others.
 * The same way a second time (a table that is read twice below one window) gets "#2", in the order of the plan.
 *
 * A uid that its user gave is a node's only name, and stands for the whole way in those of the operators below.
 *
 * A node that is read on several ways has all the names that it would have if it were there once for each of them:
 * "sink:a/scan:bids + sink:b/scan:bids". State is kept where one name is the same, so a reader may come or go, or the node be split.
 *
 * A fingerprint says what the state depends on, in words for the message when it differs: of a window its size, its keys'
 * types and its aggregates; of a rank its order, too; of a table its connector and columns.
 */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "core/plan.h"

static const char *types_text(struct tr_arena *arena, const struct tr_schema *schema, const uint32_t *columns,
			      uint32_t count)
{
	const char *text = "";

	for (uint32_t i = 0; i < count; i++)
		text = tr_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "",
				       tr_type_text(arena, schema->types[columns != NULL ? columns[i] : i]));
	return text;
}

/** The schema that the aggregates' columns refer to: of GLOBAL the one below the LOCAL phase. */
static const struct tr_node *rows_of(const struct tr_node *window)
{
	const struct tr_node *node = window;

	while (node->kind != TR_NODE_WINDOW_AGGREGATE || node->window.phase == TR_PHASE_GLOBAL)
		node = node->inputs[0];
	return node;
}

static const char *window_fingerprint(struct tr_arena *arena, const struct tr_node *node)
{
	static const char *const kinds[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
	const struct tr_window_spec *w = &node->window.window;
	const struct tr_node *rows = rows_of(node);
	const struct tr_schema *schema = rows->inputs[0]->output;
	const char *text = tr_arena_printf(
		arena, "%s(%" PRId64 " ms, %" PRId64 " ms, offset %" PRId64 " ms%s%s) by (%s) of (", kinds[w->kind],
		w->size_ms, w->step_ms, w->offset_ms, w->is_processing_time ? ", processing time" : "",
		w->is_local_time ? tr_arena_printf(arena, ", %s", w->time_zone) : "",
		types_text(arena, schema, rows->window.keys, rows->window.key_count));

	for (uint32_t i = 0; i < node->window.agg_count; i++) {
		const struct tr_agg_call *call = &node->window.aggs[i];

		text = tr_arena_printf(
			arena, "%s%s%s(%s%s", text, i > 0 ? ", " : "", tr_agg_state(call->agg),
			call->is_distinct ? "DISTINCT " : "",
			call->arg_column < 0 ? "*" : tr_type_text(arena, schema->types[(uint32_t)call->arg_column]));
		for (uint32_t m = 0; m < call->more_count; m++)
			text = tr_arena_printf(arena, "%s, %s", text,
					       tr_type_text(arena, schema->types[(uint32_t)call->more_columns[m]]));
		text = tr_arena_printf(arena, "%s)%s", text, call->filter_column >= 0 ? " FILTER" : "");
	}
	return tr_arena_printf(arena, "%s)", text);
}

static const char *rank_fingerprint(struct tr_arena *arena, const struct tr_node *node)
{
	const struct tr_schema *schema = node->inputs[0]->output;
	const char *text = tr_arena_printf(
		arena, "ranks %" PRIu64 " to %" PRIu64 "%s by (%s) of (%s) ordered by (", node->rank.from,
		node->rank.to,
		node->rank.window.is_local_time ? tr_arena_printf(arena, ", %s", node->rank.window.time_zone) : "",
		types_text(arena, schema, node->rank.keys, node->rank.key_count),
		types_text(arena, schema, NULL, schema->column_count));

	for (uint32_t i = 0; i < node->rank.order_count; i++) {
		const struct tr_order_key *key = &node->rank.order[i];

		text = tr_arena_printf(arena, "%s%s%u%s%s", text, i > 0 ? ", " : "", key->column,
				       key->is_descending ? " desc" : "", key->nulls_first ? " nulls first" : "");
	}
	return tr_arena_printf(arena, "%s)", text);
}

/** The node's own word in a uid, and its fingerprint; NULL: it has no state. */
static const char *word(struct tr_arena *arena, struct tr_node *node)
{
	switch (node->kind) {
	case TR_NODE_SCAN:
		/* No source's positions depend on its columns; what is computed from those has fingerprints of its own. */
		node->fingerprint = tr_arena_printf(arena, "scan of %s", node->scan.table->connector->name);
		return tr_arena_printf(arena, "scan:%s", node->scan.table->name);
	case TR_NODE_VALUES:
		node->fingerprint = tr_arena_printf(arena, "%u values", node->values.row_count);
		return "values";
	case TR_NODE_SINK:
		node->fingerprint = tr_arena_printf(
			arena, "sink to %s (%s)", node->sink.table->connector->name,
			types_text(arena, node->sink.table->schema, NULL, node->sink.table->schema->column_count));
		return tr_arena_printf(arena, "sink:%s", node->sink.table->name);
	case TR_NODE_WINDOW_AGGREGATE:
		if (node->window.phase == TR_PHASE_LOCAL)
			return NULL;
		node->fingerprint = window_fingerprint(arena, node);
		return node->window.window.is_whole ? "group" : "window";
	case TR_NODE_WINDOW_RANK: node->fingerprint = rank_fingerprint(arena, node); return "rank";
	case TR_NODE_OPERATOR:
		if (!node->custom.op->has_state)
			return NULL;
		node->fingerprint = node->custom.op->fingerprint;
		return node->custom.op->word;
	case TR_NODE_FILTER:
	case TR_NODE_PROJECT:
	case TR_NODE_UNION:
	case TR_NODE_UNNEST:
	case TR_NODE_WINDOW_TABLE:
	case TR_NODE_EXPAND:
	case TR_NODE_SORT:
	case TR_NODE_LIMIT:
	case TR_NODE_SIDE_OUTPUT:
	case TR_NODE_EXCHANGE: return NULL;
	}
	TR_UNREACHABLE();
}

static void add_way(struct tr_arena *arena, struct tr_plan_ways *ways, const char *way)
{
	if (ways->count == ways->capacity) {
		const char **bigger;

		ways->capacity = TR_MAX(2 * ways->capacity, 16u);
		bigger = TR_NEW_ARRAY(arena, ways->capacity, const char *);
		if (ways->count > 0)
			memcpy(bigger, ways->texts, ways->count * sizeof(*bigger));
		ways->texts = bigger;
	}
	ways->texts[ways->count++] = way;
}

const char *tr_plan_name(struct tr_arena *arena, struct tr_node *node, const char *above, struct tr_plan_ways *ways)
{
	const char *own = word(arena, node);
	const char *way, *name;
	uint32_t copies = 0;

	if (own == NULL)
		return above;
	if (node->given_uid != NULL) {
		node->uid = node->given_uid;
		return node->given_uid;
	}
	way = above[0] != '\0' ? tr_arena_printf(arena, "%s/%s", above, own) : own;
	for (uint32_t i = 0; i < ways->count; i++)
		copies += strcmp(ways->texts[i], way) == 0;
	add_way(arena, ways, way);
	name = copies == 0 ? way : tr_arena_printf(arena, "%s#%u", way, copies + 1);
	node->uid = node->uid == NULL ? name : tr_arena_printf(arena, "%s" TR_UID_SEPARATOR "%s", node->uid, name);
	return way;
}

/** The length of the first name of a uid. */
static size_t name_length(const char *uid)
{
	const char *end = strstr(uid, TR_UID_SEPARATOR);

	return end != NULL ? (size_t)(end - uid) : strlen(uid);
}

/** The uid behind its first name; NULL: there is no more. */
static const char *next_name(const char *uid)
{
	const char *end = strstr(uid, TR_UID_SEPARATOR);

	return end != NULL ? end + strlen(TR_UID_SEPARATOR) : NULL;
}

uint32_t tr_plan_uid_names(const char *uid)
{
	uint32_t count = 0;

	for (; uid != NULL; uid = next_name(uid))
		count++;
	return count;
}

bool tr_plan_uids_meet(const char *a, const char *b)
{
	for (; a != NULL; a = next_name(a))
		for (const char *other = b; other != NULL; other = next_name(other))
			if (name_length(a) == name_length(other) && strncmp(a, other, name_length(a)) == 0)
				return true;
	return false;
}
