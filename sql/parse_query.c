/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries. UNION and EXCEPT are parsed in a loop over terms, INTERSECT in a loop over primaries, so that INTERSECT
 * binds tighter and chains lean left. ORDER BY, LIMIT and WITH belong to the whole; where a parenthesised query that
 * has its own stands alone under others, as in (SELECT .. LIMIT 5) ORDER BY x, it becomes SELECT * FROM (...).
 */
#include "sql/parser.h"

#include <string.h>

static struct tr_ast_query *parse_set(struct tr_parser *p, struct tr_ast_query *left, uint32_t start_token);

bool tr_parse_is_query(const struct tr_parser *p, uint32_t ahead)
{
	enum tr_keyword word = (enum tr_keyword)tr_parser_peek(p, ahead)->keyword;

	return word == TR_KW_SELECT || word == TR_KW_WITH || word == TR_KW_VALUES || word == TR_KW_TABLE;
}

static bool is_set_word(const struct tr_parser *p)
{
	return tr_parser_is_word(p, TR_KW_UNION) || tr_parser_is_word(p, TR_KW_EXCEPT) ||
	       tr_parser_is_word(p, TR_KW_MINUS);
}

bool tr_parse_is_query_rest(const struct tr_parser *p)
{
	return is_set_word(p) || tr_parser_is_word(p, TR_KW_INTERSECT) || tr_parser_is_word(p, TR_KW_ORDER) ||
	       tr_parser_is_word(p, TR_KW_LIMIT) || tr_parser_is_word(p, TR_KW_OFFSET) ||
	       tr_parser_is_word(p, TR_KW_FETCH);
}

/* ---------------------------------------------------------------- hints */

/* 'k' = 'v', 'text', name or number */
static bool parse_hint_item(struct tr_parser *p, struct tr_list *options, struct tr_list *arguments)
{
	struct tr_ast_string item;
	uint32_t start = p->at;

	if (tr_parser_is_string(p)) {
		if (!tr_parser_string(p, "a string", &item))
			return false;
		if (tr_parser_accept(p, TR_TOKEN_EQUAL)) {
			struct tr_ast_option *option = TR_LIST_ADD(p, options, struct tr_ast_option);

			option->key = item;
			return tr_parser_string(p, "a string after '=' in a hint", &option->value);
		}
	} else if (tr_parser_is(p, TR_TOKEN_INTEGER)) {
		tr_parser_skip(p);
		item = tr_parser_text(p, tr_parser_span(p, start));
	} else {
		struct tr_ast_path path;

		if (!tr_parser_path(p, "'key' = 'value' or a name in a hint", &path))
			return false;
		item = tr_parser_text(p, path.span);
	}
	*TR_LIST_ADD(p, arguments, struct tr_ast_string) = item;
	return true;
}

static bool parse_hint(struct tr_parser *p, struct tr_ast_hint *hint)
{
	uint32_t start = p->at;
	struct tr_list options = {0}, arguments = {0};

	if (!tr_parser_name(p, "the name of a hint", &hint->name))
		return false;
	if (tr_parser_accept(p, TR_TOKEN_LEFT_PAREN) && !tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN)) {
		do {
			if (!parse_hint_item(p, &options, &arguments))
				return false;
		} while (tr_parser_accept(p, TR_TOKEN_COMMA));
		if (!tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the options of a hint"))
			return false;
	}
	hint->option_count = options.count;
	hint->options = options.items;
	hint->argument_count = arguments.count;
	hint->arguments = arguments.items;
	hint->span = tr_parser_span(p, start);
	return true;
}

bool tr_parse_hints(struct tr_parser *p, struct tr_ast_hints *out)
{
	struct tr_list hints = {0};

	if (!tr_parser_accept(p, TR_TOKEN_HINT_START))
		return true;
	do {
		if (!parse_hint(p, TR_LIST_ADD(p, &hints, struct tr_ast_hint)))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	if (!tr_parser_accept(p, TR_TOKEN_HINT_END))
		return tr_parser_fail_expected(p, "',' or */ after a hint");
	*out = (struct tr_ast_hints){hints.count, hints.items};
	return true;
}

/* ---------------------------------------------------------------- SELECT */

/* *, t.*, expr [[AS] alias] */
static bool parse_select_item(struct tr_parser *p, struct tr_ast_select_item *item)
{
	uint32_t start = p->at, ahead = 0;

	while (tr_parser_is_name_at(p, ahead) && tr_parser_peek(p, ahead + 1)->kind == TR_TOKEN_DOT)
		ahead += 2;
	if (tr_parser_peek(p, ahead)->kind == TR_TOKEN_STAR) {
		struct tr_ast_path *path = ahead > 0 ? TR_NEW(p->arena, struct tr_ast_path) : NULL;
		struct tr_list names = {0};

		for (uint32_t i = 0; i < ahead; i += 2) {
			if (!tr_parser_name(p, "a name", TR_LIST_ADD(p, &names, struct tr_ast_name)))
				return false;
			*path = (struct tr_ast_path){tr_parser_span(p, start), names.count, names.items};
			tr_parser_skip(p);
		}
		tr_parser_skip(p);
		item->expr = tr_parse_expr_new(p, TR_AST_EXPR_STAR, start);
		if (item->expr == NULL)
			return false;
		item->expr->star.qualifier = path;
		return true;
	}
	item->expr = tr_parse_expr(p);
	if (item->expr == NULL)
		return false;
	if (tr_parser_accept_word(p, TR_KW_AS) || tr_parser_is_name_at(p, 0)) {
		item->alias = tr_parser_name_new(p, "a column name after AS");
		return item->alias != NULL;
	}
	return true;
}

static bool parse_select_items(struct tr_parser *p, struct tr_ast_select *select, uint32_t *height)
{
	struct tr_list items = {0};

	do {
		struct tr_ast_select_item *item = TR_LIST_ADD(p, &items, struct tr_ast_select_item);

		if (items.count > TR_COLUMNS_MAX)
			return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
					      "a query has at most %d columns", TR_COLUMNS_MAX);
		if (items.count > 1 && tr_parser_is_word(p, TR_KW_FROM)) {
			tr_parser_fail_expected(p, "an expression after ','");
			tr_parser_hint(p, "remove the comma before FROM");
			return false;
		}
		if (!parse_select_item(p, item))
			return false;
		*height = TR_MAX(*height, item->expr->height);
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	select->item_count = items.count;
	select->items = items.items;
	return true;
}

static bool parse_group(struct tr_parser *p, struct tr_list *groups, uint32_t *height);

/* ( group, ... ) of GROUPING SETS, ROLLUP, CUBE */
static bool parse_group_children(struct tr_parser *p, struct tr_ast_group *group, uint32_t *height)
{
	struct tr_list children = {0};
	bool is_good;

	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "before the grouping sets") || !tr_parser_enter(p))
		return false;
	do {
		is_good = parse_group(p, &children, height);
	} while (is_good && tr_parser_accept(p, TR_TOKEN_COMMA));
	tr_parser_leave(p);
	if (!is_good || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the grouping sets"))
		return false;
	group->child_count = children.count;
	group->children = children.items;
	return true;
}

static bool parse_group(struct tr_parser *p, struct tr_list *groups, uint32_t *height)
{
	uint32_t start = p->at;
	struct tr_ast_group *group = TR_NEW(p->arena, struct tr_ast_group);
	struct tr_list exprs = {0};
	struct tr_ast_expr *expr;

	*TR_LIST_ADD(p, groups, struct tr_ast_group *) = group;
	if (tr_parser_accept_words(p, TR_KW_GROUPING, TR_KW_SETS)) {
		group->kind = TR_AST_GROUP_GROUPING_SETS;
	} else if (tr_parser_is_word(p, TR_KW_ROLLUP) || tr_parser_is_word(p, TR_KW_CUBE)) {
		group->kind = tr_parser_is_word(p, TR_KW_CUBE) ? TR_AST_GROUP_CUBE : TR_AST_GROUP_ROLLUP;
		tr_parser_skip(p);
	} else if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && tr_parser_peek(p, 1)->kind == TR_TOKEN_RIGHT_PAREN) {
		p->at += 2;
		group->kind = TR_AST_GROUP_EMPTY;
		group->span = tr_parser_span(p, start);
		return true;
	} else {
		expr = tr_parse_expr(p);
		if (expr == NULL)
			return false;
		*height = TR_MAX(*height, expr->height);
		group->kind =
			expr->kind == TR_AST_EXPR_ROW && !expr->is_explicit ? TR_AST_GROUP_SET : TR_AST_GROUP_EXPR;
		*TR_LIST_ADD(p, &exprs, struct tr_ast_expr *) = expr;
		group->exprs = group->kind == TR_AST_GROUP_SET ? expr->args : tr_parse_exprs_of(&exprs);
		group->span = tr_parser_span(p, start);
		return true;
	}
	if (!parse_group_children(p, group, height))
		return false;
	group->span = tr_parser_span(p, start);
	return true;
}

static bool parse_group_by(struct tr_parser *p, struct tr_ast_select *select, uint32_t *height)
{
	struct tr_list groups = {0};
	uint32_t start = p->at;

	tr_parser_skip(p);
	if (!tr_parser_expect_word(p, TR_KW_BY, "after GROUP"))
		return false;
	select->has_group_by = true;
	select->group_span = tr_parser_span(p, start);
	select->is_group_distinct = tr_parser_accept_word(p, TR_KW_DISTINCT);
	if (!select->is_group_distinct)
		tr_parser_accept_word(p, TR_KW_ALL);
	do {
		if (!parse_group(p, &groups, height))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	select->group_count = groups.count;
	select->groups = groups.items;
	return true;
}

static bool parse_named_windows(struct tr_parser *p, struct tr_ast_select *select)
{
	struct tr_list windows = {0};

	do {
		struct tr_ast_named_window *window = TR_LIST_ADD(p, &windows, struct tr_ast_named_window);

		if (!tr_parser_name(p, "a window name after WINDOW", &window->name) ||
		    !tr_parser_expect_word(p, TR_KW_AS, "after the name of a window") ||
		    !tr_parse_window(p, &window->window))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	select->window_count = windows.count;
	select->windows = windows.items;
	return true;
}

/* WHERE, HAVING, QUALIFY: the word is at p->at if the clause is there. */
static bool parse_condition(struct tr_parser *p, enum tr_keyword word, struct tr_ast_expr **out, uint32_t *height)
{
	if (!tr_parser_accept_word(p, word))
		return true;
	*out = tr_parse_expr(p);
	if (*out == NULL)
		return false;
	*height = TR_MAX(*height, (*out)->height);
	return true;
}

static struct tr_ast_query *new_query(struct tr_parser *p, enum tr_ast_query_kind kind, uint32_t start_token,
				      uint32_t height)
{
	struct tr_ast_query *query = TR_NEW(p->arena, struct tr_ast_query);

	query->kind = kind;
	query->span = tr_parser_span(p, start_token);
	query->height = tr_parser_height(p, height);
	return query->height != 0 ? query : NULL;
}

static struct tr_ast_query *parse_select(struct tr_parser *p)
{
	uint32_t start = p->at, height = 0;
	struct tr_ast_select select;
	struct tr_ast_query *query;

	memset(&select, 0, sizeof(select));
	tr_parser_skip(p);
	if (!tr_parse_hints(p, &select.hints))
		return NULL;
	select.is_distinct = tr_parser_accept_word(p, TR_KW_DISTINCT);
	if (!select.is_distinct)
		tr_parser_accept_word(p, TR_KW_ALL);
	if (!parse_select_items(p, &select, &height))
		return NULL;
	if (tr_parser_accept_word(p, TR_KW_FROM)) {
		select.from = tr_parse_from(p);
		if (select.from == NULL)
			return NULL;
		height = TR_MAX(height, select.from->height);
	} else if (tr_parser_is_word(p, TR_KW_WHERE) || tr_parser_is_word(p, TR_KW_GROUP) ||
		   tr_parser_is_word(p, TR_KW_HAVING) || tr_parser_is_word(p, TR_KW_WINDOW) ||
		   tr_parser_is_word(p, TR_KW_QUALIFY)) {
		tr_parser_fail_expected(p, "FROM and a table");
		tr_parser_hint(p, "Flink's SELECT without FROM ends behind its columns");
		return NULL;
	}
	if (!parse_condition(p, TR_KW_WHERE, &select.where, &height) ||
	    (tr_parser_is_word(p, TR_KW_GROUP) && !parse_group_by(p, &select, &height)) ||
	    !parse_condition(p, TR_KW_HAVING, &select.having, &height) ||
	    (tr_parser_accept_word(p, TR_KW_WINDOW) && !parse_named_windows(p, &select)) ||
	    !parse_condition(p, TR_KW_QUALIFY, &select.qualify, &height))
		return NULL;
	query = new_query(p, TR_AST_QUERY_SELECT, start, height);
	if (query != NULL)
		query->select = select;
	return query;
}

/* ---------------------------------------------------------------- VALUES, TABLE, set operations */

/* One row of VALUES; its cells are appended. */
static bool parse_values_row(struct tr_parser *p, struct tr_list *cells, struct tr_list *spans)
{
	uint32_t start = p->at;
	bool has_parens = tr_parser_is(p, TR_TOKEN_LEFT_PAREN) ||
			  (tr_parser_is_word(p, TR_KW_ROW) && tr_parser_peek(p, 1)->kind == TR_TOKEN_LEFT_PAREN);

	if (has_parens) {
		tr_parser_accept_word(p, TR_KW_ROW);
		tr_parser_skip(p);
	}
	do {
		struct tr_ast_expr *cell = tr_parse_expr(p);

		if (cell == NULL)
			return false;
		if (cell->kind == TR_AST_EXPR_LITERAL)
			p->expr_count--; /* data, not code */
		*TR_LIST_ADD(p, cells, struct tr_ast_expr *) = cell;
	} while (has_parens && tr_parser_accept(p, TR_TOKEN_COMMA));
	if (has_parens && !tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN))
		return tr_parser_fail_expected(p, "',' or ')' in a row of VALUES");
	*TR_LIST_ADD(p, spans, struct tr_span) = tr_parser_span(p, start);
	return true;
}

static struct tr_ast_query *parse_values(struct tr_parser *p)
{
	uint32_t start = p->at, width = 0;
	struct tr_list cells = {0}, spans = {0};
	struct tr_ast_query *query;
	struct tr_ast_exprs all;

	tr_parser_skip(p);
	do {
		uint32_t before = cells.count;
		const struct tr_span *span;

		if (!parse_values_row(p, &cells, &spans))
			return NULL;
		if (width == 0)
			width = cells.count;
		span = (const struct tr_span *)spans.items + spans.count - 1;
		if (cells.count - before != width) {
			tr_parser_fail(p, TR_E_SYNTAX, *span, "row %u of VALUES has %u column%s, the first one has %u",
				       spans.count, cells.count - before, cells.count - before == 1 ? "" : "s", width);
			return NULL;
		}
		if (width > TR_COLUMNS_MAX) {
			tr_parser_fail(p, TR_E_LIMIT, *span, "a row of VALUES has at most %d columns", TR_COLUMNS_MAX);
			return NULL;
		}
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	all = tr_parse_exprs_of(&cells);
	query = new_query(p, TR_AST_QUERY_VALUES, start, tr_parse_exprs_height(all));
	if (query != NULL)
		query->values = (struct tr_ast_values){spans.count, width, cells.items, spans.items};
	return query;
}

static struct tr_ast_query *parse_primary_query(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_query *query;

	if (tr_parser_is_word(p, TR_KW_SELECT))
		return parse_select(p);
	if (tr_parser_is_word(p, TR_KW_VALUES))
		return parse_values(p);
	if (tr_parser_accept_word(p, TR_KW_TABLE)) {
		struct tr_ast_path path;

		if (!tr_parser_path(p, "a table name after TABLE", &path))
			return NULL;
		query = new_query(p, TR_AST_QUERY_TABLE, start, 0);
		query->table = path;
		return query;
	}
	if (!tr_parser_accept(p, TR_TOKEN_LEFT_PAREN)) {
		tr_parser_fail_expected(p, "a query (SELECT, VALUES or WITH)");
		return NULL;
	}
	query = tr_parse_query(p);
	if (query == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the query"))
		return NULL;
	return query;
}

static struct tr_ast_query *set_operation(struct tr_parser *p, enum tr_ast_set_op op, struct tr_ast_query *left,
					  uint32_t start_token, bool is_term)
{
	uint32_t op_token = p->at, right_token;
	bool is_all;
	struct tr_span op_span;
	struct tr_ast_query *right, *query;

	if (tr_parser_is_word(p, TR_KW_MINUS)) {
		tr_parser_fail(p, TR_E_SYNTAX, tr_token_span(tr_parser_peek(p, 0)), "Flink takes MINUS for an error");
		tr_parser_hint(p, "write EXCEPT");
		return NULL;
	}
	tr_parser_skip(p);
	is_all = tr_parser_accept_word(p, TR_KW_ALL);
	if (!is_all)
		tr_parser_accept_word(p, TR_KW_DISTINCT);
	op_span = tr_parser_span(p, op_token);
	right_token = p->at;
	right = parse_primary_query(p);
	while (is_term && right != NULL && tr_parser_is_word(p, TR_KW_INTERSECT))
		right = set_operation(p, TR_AST_SET_INTERSECT, right, right_token, false);
	if (right == NULL)
		return NULL;
	query = new_query(p, TR_AST_QUERY_SET, start_token, TR_MAX(left->height, right->height));
	if (query != NULL)
		query->set = (struct tr_ast_set_operation){op, is_all, op_span, left, right};
	return query;
}

/* `left`, which may be NULL, and what is combined with it. */
static struct tr_ast_query *parse_set(struct tr_parser *p, struct tr_ast_query *left, uint32_t start_token)
{
	if (left == NULL)
		left = parse_primary_query(p);
	while (left != NULL && tr_parser_is_word(p, TR_KW_INTERSECT))
		left = set_operation(p, TR_AST_SET_INTERSECT, left, start_token, false);
	while (left != NULL && is_set_word(p))
		left = set_operation(p, tr_parser_is_word(p, TR_KW_UNION) ? TR_AST_SET_UNION : TR_AST_SET_EXCEPT, left,
				     start_token, true);
	return left;
}

/* ---------------------------------------------------------------- the whole */

/* A number of rows: digits or '?'. */
static struct tr_ast_expr *parse_count(struct tr_parser *p, const char *clause)
{
	bool is_rows = strcmp(clause, "LIMIT") != 0;
	struct tr_ast_expr *expr;

	if (!tr_parser_is(p, TR_TOKEN_INTEGER) && !tr_parser_is(p, TR_TOKEN_QUESTION)) {
		tr_parser_fail_expected(p, "a number of rows after %s", clause);
		return NULL;
	}
	expr = tr_parse_primary(p);
	if (expr != NULL && is_rows && !tr_parser_accept_word(p, TR_KW_ROWS))
		tr_parser_accept_word(p, TR_KW_ROW);
	return expr;
}

/* FETCH {FIRST|NEXT} n {ROW|ROWS} ONLY */
static bool parse_fetch(struct tr_parser *p, struct tr_ast_expr **limit)
{
	tr_parser_skip(p);
	if (!tr_parser_accept_word(p, TR_KW_FIRST) && !tr_parser_accept_word(p, TR_KW_NEXT))
		return tr_parser_fail_expected(p, "FIRST or NEXT after FETCH");
	*limit = parse_count(p, p->tokens[p->at - 1].keyword == TR_KW_FIRST ? "FETCH FIRST" : "FETCH NEXT");
	return *limit != NULL && tr_parser_expect_word(p, TR_KW_ONLY, "at the end of FETCH");
}

struct query_rest {
	struct tr_ast_order order_by;
	struct tr_ast_expr *offset;
	struct tr_ast_expr *limit;
};

/* ORDER BY .. LIMIT .. OFFSET .. FETCH .. */
static bool parse_rest(struct tr_parser *p, struct query_rest *rest)
{
	memset(rest, 0, sizeof(*rest));
	if (tr_parser_accept_word(p, TR_KW_ORDER) &&
	    (!tr_parser_expect_word(p, TR_KW_BY, "after ORDER") || !tr_parse_order_by(p, &rest->order_by)))
		return false;
	for (;;) {
		uint32_t start = p->at;
		bool is_offset = tr_parser_is_word(p, TR_KW_OFFSET);

		if (!is_offset && !tr_parser_is_word(p, TR_KW_LIMIT) && !tr_parser_is_word(p, TR_KW_FETCH))
			return true;
		if (is_offset ? rest->offset != NULL : rest->limit != NULL)
			return tr_parser_fail(p, TR_E_DUPLICATE, tr_token_span(&p->tokens[start]),
					      "the query has two %s clauses", is_offset ? "OFFSET" : "LIMIT");
		if (rest->offset != NULL && tr_parser_is_word(p, TR_KW_LIMIT)) {
			tr_parser_fail(p, TR_E_SYNTAX, tr_token_span(&p->tokens[start]), "LIMIT stands before OFFSET");
			tr_parser_hint(p, "write LIMIT n OFFSET m");
			return false;
		}
		if (is_offset) {
			tr_parser_skip(p);
			rest->offset = parse_count(p, "OFFSET");
			if (rest->offset == NULL)
				return false;
		} else if (tr_parser_is_word(p, TR_KW_FETCH)) {
			if (!parse_fetch(p, &rest->limit))
				return false;
		} else {
			tr_parser_skip(p);
			if (tr_parser_accept_word(p, TR_KW_ALL))
				continue;
			rest->limit = parse_count(p, "LIMIT");
			if (rest->limit == NULL)
				return false;
			if (tr_parser_is(p, TR_TOKEN_COMMA)) {
				tr_parser_fail_expected(p, "OFFSET or the end of the query");
				tr_parser_hint(p, "LIMIT m, n of other systems is LIMIT n OFFSET m here");
				return false;
			}
		}
	}
}

static bool has_own(const struct tr_ast_query *query)
{
	return query->cte_count > 0 || query->order_by.count > 0 || query->offset != NULL || query->limit != NULL;
}

/* SELECT * FROM (query) */
static struct tr_ast_query *wrap(struct tr_parser *p, struct tr_ast_query *inner, uint32_t start_token)
{
	struct tr_ast_query *outer = new_query(p, TR_AST_QUERY_SELECT, start_token, inner->height + 1u);
	struct tr_ast_table_ref *ref = TR_NEW(p->arena, struct tr_ast_table_ref);
	struct tr_ast_select_item *item = TR_NEW(p->arena, struct tr_ast_select_item);

	if (outer == NULL)
		return NULL;
	ref->kind = TR_AST_TABLE_SUBQUERY;
	ref->span = inner->span;
	ref->height = (uint16_t)(inner->height + 1);
	ref->query = inner;
	item->expr = tr_parse_expr_new(p, TR_AST_EXPR_STAR, start_token);
	if (item->expr == NULL)
		return NULL;
	outer->select.item_count = 1;
	outer->select.items = item;
	outer->select.from = ref;
	return outer;
}

static struct tr_ast_query *finish_query(struct tr_parser *p, struct tr_ast_query *query, uint32_t start_token,
					 const struct tr_list *ctes, bool is_recursive)
{
	struct query_rest rest;
	uint32_t height;

	if (query == NULL || !parse_rest(p, &rest))
		return NULL;
	if (has_own(query) && (ctes->count > 0 || rest.order_by.count > 0 || rest.offset != NULL || rest.limit != NULL))
		query = wrap(p, query, start_token);
	if (query == NULL)
		return NULL;
	height = TR_MAX(query->height - 1u, tr_parse_order_height(&rest.order_by));
	for (uint32_t i = 0; i < ctes->count; i++)
		height = TR_MAX(height, ((const struct tr_ast_cte *)ctes->items)[i].query->height);
	if (rest.order_by.count > 0)
		query->order_by = rest.order_by;
	if (rest.offset != NULL)
		query->offset = rest.offset;
	if (rest.limit != NULL)
		query->limit = rest.limit;
	if (ctes->count > 0) {
		query->cte_count = ctes->count;
		query->ctes = ctes->items;
		query->is_recursive = is_recursive;
	}
	query->span = tr_parser_span(p, start_token);
	query->height = tr_parser_height(p, height);
	return query->height != 0 ? query : NULL;
}

static bool parse_ctes(struct tr_parser *p, struct tr_list *ctes)
{
	do {
		struct tr_ast_cte *cte = TR_LIST_ADD(p, ctes, struct tr_ast_cte);

		if (!tr_parser_name(p, "a name after WITH", &cte->name) ||
		    (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && !tr_parser_names(p, "a column name", &cte->columns)) ||
		    !tr_parser_expect_word(p, TR_KW_AS, "after the name in WITH") ||
		    !tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "before the query in WITH"))
			return false;
		cte->query = tr_parse_query(p);
		if (cte->query == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the query in WITH"))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	return true;
}

struct tr_ast_query *tr_parse_query(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_list ctes = {0};
	bool is_recursive = false;
	struct tr_ast_query *query;

	if (!tr_parser_enter(p))
		return NULL;
	if (tr_parser_accept_word(p, TR_KW_WITH)) {
		is_recursive = tr_parser_accept_word(p, TR_KW_RECURSIVE);
		if (!parse_ctes(p, &ctes))
			return NULL;
	}
	query = finish_query(p, parse_set(p, NULL, p->at), start, &ctes, is_recursive);
	tr_parser_leave(p);
	return query;
}

struct tr_ast_query *tr_parse_query_rest(struct tr_parser *p, struct tr_ast_query *left, uint32_t start_token)
{
	struct tr_list none = {0};

	return finish_query(p, parse_set(p, left, start_token), start_token, &none, false);
}
