/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY with GROUPING SETS, ROLLUP and CUBE. See bind.h and bind_group.c.
 *
 * What GROUP BY lists is a product: each item stands for one or several sets of expressions, and each combination of them makes
 * a grouping set. `GROUP BY a, ROLLUP(b, c)` has the sets (a, b, c), (a, b), (a). All expressions of all sets are keys; a set is
 * the bits of those that it has. With more than one set an EXPAND multiplies the rows, and tells the sets apart by
 *
 *     id    how many equal sets came before << 40 | a bit for each key that the set lacks
 *
 * from which GROUPING, GROUPING_ID and GROUP_ID are computed. The start and the end of a window that exists in name only are
 * no keys, they have bits of their own; every set must have both, since each set's windows are aggregated.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "sql/bind.h"

#define START_BIT ((uint64_t)1 << 62)
#define END_BIT ((uint64_t)1 << 63)
#define ID_NAME "$e"

struct sets {
	uint32_t count;
	uint64_t items[TR_EXPAND_SETS_MAX];
};

struct grouping {
	struct tr_binder *binder;
	struct tr_aggregation *aggregation;
	bool has_sets; /* there is more than a list of expressions */
};

static bool fail_too_many(const struct grouping *g, struct tr_span span)
{
	tr_diag_error(g->binder->diags, TR_E_LIMIT, span, "more than %d grouping sets", TR_EXPAND_SETS_MAX);
	return false;
}

/* The bit of a grouping expression, which becomes a key if it is none yet. False: reported, or a table is needed. */
static bool bind_key(struct grouping *g, const struct tr_ast_expr *ast, uint64_t *bit)
{
	struct tr_aggregation *aggregation = g->aggregation;
	struct tr_expr_scope scope = {.relation = aggregation->input, .clause = "GROUP BY"};
	const struct tr_expr *key;
	enum tr_column_role role;
	uint32_t number = 0;

	*bit = START_BIT | END_BIT;
	if (aggregation->input->has_group_window && tr_bind_is_group_window(ast))
		return true;
	*bit = 0;
	key = tr_bind_expr(g->binder, &scope, ast);
	if (key == NULL)
		return false;
	role = tr_bind_role(aggregation->input, key);
	if (role >= TR_ROLE_WINDOW_START) {
		*bit = role == TR_ROLE_WINDOW_START ? START_BIT : role == TR_ROLE_WINDOW_END ? END_BIT : 0;
		return true;
	}
	if (tr_bind_reads_window(aggregation->input, key)) {
		aggregation->needs_table = true;
		return false;
	}
	if (key->type->phys == TR_PHYS_NONE) {
		tr_diag_not_supported(g->binder->diags, ast->span, "grouping by %s",
				      tr_type_text(g->binder->arena, key->type));
		return false;
	}
	while (number < aggregation->key_count && !tr_expr_equals(aggregation->keys[number], key))
		number++;
	if (number == (g->has_sets ? TR_BIND_SET_KEYS_MAX : TR_BIND_COLUMNS_MAX)) {
		tr_diag_error(g->binder->diags, TR_E_LIMIT, ast->span, "more than %u keys in GROUP BY%s", number,
			      g->has_sets ? " with grouping sets" : "");
		return false;
	}
	if (number == aggregation->key_count) {
		aggregation->keys[number] = key;
		aggregation->projected[aggregation->key_count++] = key;
	}
	if (g->has_sets)
		*bit = (uint64_t)1 << number;
	return true;
}

/* The bits of all of some expressions. */
static bool bind_set(struct grouping *g, const struct tr_ast_exprs *exprs, uint64_t *set)
{
	*set = 0;
	for (uint32_t i = 0; i < exprs->count; i++) {
		uint64_t bit;

		if (!bind_key(g, exprs->items[i], &bit))
			return false;
		*set |= bit;
	}
	return true;
}

static bool add_set(const struct grouping *g, struct sets *sets, uint64_t set, struct tr_span span)
{
	if (sets->count == TR_EXPAND_SETS_MAX)
		return fail_too_many(g, span);
	sets->items[sets->count++] = set;
	return true;
}

/* ROLLUP: the first n of the children, for each n from all to none. CUBE: all combinations, likewise. */
static bool bind_subsets(struct grouping *g, const struct tr_ast_group *group, struct sets *sets)
{
	const uint32_t count = group->child_count;
	const bool is_cube = group->kind == TR_AST_GROUP_CUBE;
	uint64_t parts[TR_BIND_SET_KEYS_MAX] = {0};

	if (count > TR_COUNT_OF(parts) || (is_cube && (uint64_t)1 << count > TR_EXPAND_SETS_MAX))
		return fail_too_many(g, group->span);
	for (uint32_t i = 0; i < count; i++)
		if (!bind_set(g, &group->children[i]->exprs, &parts[i]))
			return false;
	for (uint64_t mask = is_cube ? ((uint64_t)1 << count) - 1 : count;; mask--) {
		uint64_t set = 0;

		for (uint32_t i = 0; i < count; i++)
			if (is_cube ? (mask >> (count - 1 - i) & 1) != 0 : i < mask)
				set |= parts[i];
		if (!add_set(g, sets, set, group->span))
			return false;
		if (mask == 0)
			return true;
	}
}

/* The sets that an item of GROUP BY stands for. GROUPING SETS nests as deep as the parser allows. */
static bool bind_group(struct grouping *g, const struct tr_ast_group *group, struct sets *sets)
{
	uint64_t set;

	switch (group->kind) {
	case TR_AST_GROUP_EMPTY: return add_set(g, sets, 0, group->span);
	case TR_AST_GROUP_EXPR:
	case TR_AST_GROUP_SET: return bind_set(g, &group->exprs, &set) && add_set(g, sets, set, group->span);
	case TR_AST_GROUP_ROLLUP:
	case TR_AST_GROUP_CUBE: return bind_subsets(g, group, sets);
	case TR_AST_GROUP_GROUPING_SETS:
		for (uint32_t i = 0; i < group->child_count; i++)
			if (!bind_group(g, group->children[i], sets))
				return false;
		return true;
	}
	TR_UNREACHABLE();
}

/* All combinations of a set of `left` with one of `right`, into `left`. */
static bool multiply(const struct grouping *g, struct sets *left, const struct sets *right, struct tr_span span)
{
	struct sets *product = TR_NEW(g->binder->arena, struct sets);

	for (uint32_t l = 0; l < left->count; l++)
		for (uint32_t r = 0; r < right->count; r++)
			if (!add_set(g, product, left->items[l] | right->items[r], span))
				return false;
	*left = *product;
	return true;
}

static uint32_t count_before(const struct tr_aggregation *aggregation, uint64_t set)
{
	uint32_t copies = 0;

	for (uint32_t i = 0; i < aggregation->set_count; i++)
		copies += aggregation->sets[i] == set;
	return copies;
}

bool tr_bind_sets(struct tr_binder *binder, const struct tr_ast_select *select, struct tr_aggregation *aggregation,
		  bool *has_window)
{
	struct grouping g = {.binder = binder, .aggregation = aggregation};
	struct sets *sets = TR_NEW(binder->arena, struct sets), *item = TR_NEW(binder->arena, struct sets);

	for (uint32_t i = 0; i < select->group_count; i++)
		g.has_sets = g.has_sets || select->groups[i]->kind >= TR_AST_GROUP_ROLLUP;
	sets->count = 1;
	sets->items[0] = 0;
	for (uint32_t i = 0; i < select->group_count; i++) {
		item->count = 0;
		if (!bind_group(&g, select->groups[i], item) || !multiply(&g, sets, item, select->groups[i]->span))
			return false;
	}
	*has_window = true;
	aggregation->sets = TR_NEW_ARRAY(binder->arena, sets->count, uint64_t);
	aggregation->set_copies = TR_NEW_ARRAY(binder->arena, sets->count, uint32_t);
	for (uint32_t i = 0; i < sets->count; i++) {
		const uint64_t keys = sets->items[i] & ~(START_BIT | END_BIT);
		const uint32_t copies = count_before(aggregation, keys);

		*has_window &= (sets->items[i] & START_BIT) != 0 && (sets->items[i] & END_BIT) != 0;
		if (copies > 0 && select->is_group_distinct)
			continue;
		aggregation->sets[aggregation->set_count] = keys;
		aggregation->set_copies[aggregation->set_count++] = copies;
	}
	return true;
}

bool tr_bind_is_common_key(const struct tr_aggregation *aggregation, uint32_t key)
{
	for (uint32_t i = 0; aggregation->set_count > 1 && i < aggregation->set_count; i++)
		if ((aggregation->sets[i] >> key & 1) == 0)
			return false;
	return true;
}

const struct tr_type *tr_bind_key_type(struct tr_binder *binder, const struct tr_aggregation *aggregation, uint32_t key)
{
	const struct tr_type *type = aggregation->keys[key]->type;

	return tr_bind_is_common_key(aggregation, key) ? type : tr_type_with_nullable(binder->arena, type, true);
}

const struct tr_node *tr_bind_expand(struct tr_binder *binder, const struct tr_aggregation *aggregation,
				     const struct tr_node *project)
{
	const uint32_t count = project->output->column_count, keys = aggregation->key_count;
	const uint64_t all = ((uint64_t)1 << keys) - 1;
	struct tr_node *node = tr_plan_node(binder->arena, TR_NODE_EXPAND, &project, 1);
	struct tr_expand_set *sets = TR_NEW_ARRAY(binder->arena, aggregation->set_count, struct tr_expand_set);
	struct tr_schema *schema = TR_NEW(binder->arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(binder->arena, count + 1, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(binder->arena, count + 1, const struct tr_type *);

	for (uint32_t s = 0; s < aggregation->set_count; s++) {
		bool *is_null = TR_NEW_ARRAY(binder->arena, count + 1, bool);

		for (uint32_t i = 0; i < keys; i++)
			is_null[i] = (aggregation->sets[s] >> i & 1) == 0;
		sets[s].is_null = is_null;
		sets[s].id = (int64_t)((uint64_t)aggregation->set_copies[s] << TR_BIND_SET_KEYS_MAX |
				       (all & ~aggregation->sets[s]));
	}
	for (uint32_t i = 0; i < count; i++) {
		names[i] = project->output->names[i];
		types[i] = project->output->types[i]; /* of a packed key that of its bytes */
		if (i < keys)
			types[i] = tr_type_with_nullable(binder->arena, types[i],
							 tr_bind_key_type(binder, aggregation, i)->is_nullable);
	}
	names[count] = ID_NAME;
	types[count] = tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_BIGINT), false);
	*schema = (struct tr_schema){.column_count = count + 1, .names = names, .types = types};
	node->output = schema;
	node->expand.sets = sets;
	node->expand.set_count = aggregation->set_count;
	return node;
}

/* ---- GROUPING ---- */

bool tr_bind_is_grouping(const struct tr_ast_expr *ast)
{
	static const char *const names[] = {"GROUPING", "GROUPING_ID", "GROUP_ID"};

	if (ast->kind != TR_AST_EXPR_CALL || ast->call->over != NULL)
		return false;
	for (size_t i = 0; i < TR_COUNT_OF(names); i++)
		if (strcasecmp(tr_catalog_name(&ast->call->name), names[i]) == 0)
			return true;
	return false;
}

static const struct tr_expr *number(struct tr_binder *binder, int64_t value)
{
	return tr_expr_i64(binder->arena, tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_BIGINT), false),
			   value);
}

static const struct tr_expr *calculate(struct tr_binder *binder, const char *name, const struct tr_expr *left,
				       int64_t right, struct tr_span span)
{
	const struct tr_expr *args[2] = {left, number(binder, right)};

	return tr_bind_function(binder, name, args, 2, span);
}

/* (id / 2^low) % 2^count: bits of the column that tells the sets apart. */
static const struct tr_expr *bits_of_id(struct tr_binder *binder, const struct tr_aggregation *aggregation,
					uint32_t low, uint32_t count, struct tr_span span)
{
	const struct tr_type *bigint = tr_type_with_nullable(binder->arena, tr_type_of(TR_TYPE_BIGINT), false);
	const struct tr_expr *id;

	if (aggregation->set_count <= 1)
		return number(binder, 0);
	id = tr_expr_column(binder->arena, aggregation->key_count, bigint);
	if (low > 0)
		id = calculate(binder, "/", id, (int64_t)1 << low, span);
	return calculate(binder, "%", id, (int64_t)1 << count, span);
}

/* The number of the key that an argument is; -1: it is a column that all sets have. False: reported. */
static bool find_key(struct tr_binder *binder, const struct tr_aggregation *aggregation, const struct tr_ast_expr *ast,
		     int32_t *key)
{
	struct tr_expr_scope scope = {.relation = aggregation->input, .clause = "GROUPING"};
	const struct tr_expr *expr = tr_bind_expr(binder, &scope, ast);

	*key = -1;
	if (expr == NULL)
		return false;
	for (uint32_t i = 0; i < aggregation->key_count; i++) {
		if (tr_expr_equals(aggregation->keys[i], expr))
			*key = (int32_t)i;
	}
	if (*key >= 0 || tr_bind_role(aggregation->input, expr) >= TR_ROLE_WINDOW_START)
		return true;
	tr_diag_error(binder->diags, TR_E_GROUPING, ast->span, "an argument of GROUPING must be in GROUP BY");
	return false;
}

const struct tr_expr *tr_bind_grouping(struct tr_binder *binder, const struct tr_aggregation *aggregation,
				       const struct tr_ast_expr *ast)
{
	const bool is_group_id = strcasecmp(tr_catalog_name(&ast->call->name), "GROUP_ID") == 0;
	const struct tr_expr *sum = NULL;

	if (ast->call->is_distinct || ast->call->filter != NULL || (ast->args.count == 0) != is_group_id ||
	    ast->args.count > TR_BIND_SET_KEYS_MAX) {
		tr_diag_error(binder->diags, TR_E_GROUPING, ast->span,
			      is_group_id ? "GROUP_ID takes no arguments"
					  : "%s takes keys of GROUP BY, and nothing else",
			      tr_catalog_name(&ast->call->name));
		return NULL;
	}
	if (is_group_id)
		return bits_of_id(binder, aggregation, TR_BIND_SET_KEYS_MAX, 16, ast->span);
	for (uint32_t i = 0; i < ast->args.count; i++) {
		const struct tr_expr *bit;
		int32_t key;

		if (!find_key(binder, aggregation, ast->args.items[i], &key))
			return NULL;
		bit = key < 0 ? number(binder, 0) : bits_of_id(binder, aggregation, (uint32_t)key, 1, ast->span);
		if (sum == NULL) {
			sum = bit;
		} else {
			const struct tr_expr *args[2] = {calculate(binder, "*", sum, 2, ast->span), bit};

			sum = tr_bind_function(binder, "+", args, 2, ast->span);
		}
	}
	return sum;
}
