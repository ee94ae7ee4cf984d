/* SPDX-License-Identifier: Apache-2.0
 *
 * FROM: table references and joins. Joins lean left; a comma binds weaker than JOIN. A parenthesis may open a
 * subquery or a join, and only what stands deep inside tells: parse_parens carries both possibilities outward, so
 * that nothing is read twice.
 */
#include "sql/parser.h"

#include <string.h>

/* What a parenthesis held: one of the two. */
struct parens {
	struct tr_ast_query *query;
	struct tr_ast_table_ref *ref;
};

static struct tr_ast_table_ref *parse_chain(struct tr_parser *p, struct tr_ast_table_ref *left, uint32_t start);
static struct tr_ast_table_ref *finish_ref(struct tr_parser *p, struct tr_ast_table_ref *ref, uint32_t start,
					   uint32_t height);

static struct tr_ast_table_ref *parse_match(struct tr_parser *p, struct tr_ast_table_ref *input, uint32_t start);

static struct tr_ast_table_ref *new_ref(struct tr_parser *p, enum tr_ast_table_ref_kind kind)
{
	struct tr_ast_table_ref *ref = TR_NEW(p->arena, struct tr_ast_table_ref);

	if (++p->table_count > TR_AST_TABLES_MAX) {
		tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
			       "this statement reads more than %d tables", TR_AST_TABLES_MAX);
		return NULL;
	}
	ref->kind = kind;
	return ref;
}

static struct tr_ast_table_ref *subquery_ref(struct tr_parser *p, struct tr_ast_query *query, uint32_t start)
{
	struct tr_ast_table_ref *ref = new_ref(p, TR_AST_TABLE_SUBQUERY);

	if (ref == NULL)
		return NULL;
	ref->query = query;
	return finish_ref(p, ref, start, query->height);
}

/* From '(' to behind ')'. */
static bool parse_parens(struct tr_parser *p, struct parens *out)
{
	struct parens inner = {NULL, NULL};
	uint32_t start;

	tr_parser_skip(p);
	start = p->at;
	if (!tr_parser_enter(p))
		return false;
	if (tr_parse_is_query(p, 0) &&
	    !(tr_parser_is_word(p, TR_KW_TABLE) && tr_parser_peek(p, 1)->kind == TR_TOKEN_LEFT_PAREN)) {
		out->query = tr_parse_query(p);
	} else if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN)) {
		if (!parse_parens(p, &inner))
			return false;
		if (inner.query != NULL && tr_parse_is_query_rest(p)) {
			out->query = tr_parse_query_rest(p, inner.query, start);
		} else if (inner.query != NULL && tr_parser_is(p, TR_TOKEN_RIGHT_PAREN)) {
			out->query = inner.query;
		} else {
			if (inner.query != NULL)
				inner.ref = subquery_ref(p, inner.query, start);
			else
				inner.ref = finish_ref(p, inner.ref, start, inner.ref->height - 1u);
			if (inner.ref != NULL)
				out->ref = parse_chain(p, inner.ref, start);
		}
	} else {
		out->ref = tr_parse_from(p);
	}
	if (out->query == NULL && out->ref == NULL)
		return false;
	tr_parser_leave(p);
	if (out->ref != NULL && out->ref->kind != TR_AST_TABLE_JOIN && tr_parser_is(p, TR_TOKEN_RIGHT_PAREN)) {
		tr_parser_fail(p, TR_E_SYNTAX, out->ref->span, "parentheses in FROM hold a query or a join");
		tr_parser_hint(p, "leave them out");
		return false;
	}
	return tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, out->query != NULL ? "after the subquery" : "after the join");
}

/* ---------------------------------------------------------------- one reference */

static bool parse_sample(struct tr_parser *p, struct tr_ast_table_ref *ref)
{
	uint32_t start = p->at;
	struct tr_ast_string *text = TR_NEW(p->arena, struct tr_ast_string);

	while (!tr_parser_is(p, TR_TOKEN_LEFT_PAREN)) {
		if (!tr_parser_is(p, TR_TOKEN_WORD))
			return tr_parser_fail_expected(p, "'(' after TABLESAMPLE");
		tr_parser_skip(p);
	}
	tr_parser_skip(p);
	if (!tr_parser_skip_parens(p))
		return false;
	if (tr_parser_is_text(p, 0, "REPEATABLE")) {
		tr_parser_skip(p);
		if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after REPEATABLE") || !tr_parser_skip_parens(p))
			return false;
	}
	*text = tr_parser_text(p, tr_parser_span(p, start));
	ref->sample = text;
	return true;
}

/* PIVOT (..) and UNPIVOT (..), which have no tree; false: reported, as there is one. */
static bool refuse_pivot(struct tr_parser *p)
{
	enum tr_keyword word = (enum tr_keyword)tr_parser_peek(p, 0)->keyword;

	if (word != TR_KW_PIVOT && word != TR_KW_UNPIVOT)
		return true;
	return tr_parser_fail(p, TR_E_NOT_SUPPORTED, tr_token_span(tr_parser_peek(p, 0)), "not supported yet: %s",
			      tr_keyword_text(word));
}

/* [[AS] alias [(columns)]] [TABLESAMPLE ..] behind a reference; sets span and height. */
static struct tr_ast_table_ref *finish_ref(struct tr_parser *p, struct tr_ast_table_ref *ref, uint32_t start,
					   uint32_t height)
{
	bool has_as = tr_parser_is_word(p, TR_KW_AS);

	if (!refuse_pivot(p))
		return NULL;
	if (has_as || (tr_parser_is_name_at(p, 0) && !tr_parser_is_word_at(p, 0, TR_KW_SEMI) &&
		       !tr_parser_is_word_at(p, 0, TR_KW_ANTI))) {
		if (ref->alias != NULL) {
			tr_parser_fail_expected(p, "')', a comma or JOIN");
			return NULL;
		}
		if (has_as)
			tr_parser_skip(p);
		ref->alias = tr_parser_name_new(p, "a table alias after AS");
		if (ref->alias == NULL || (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) &&
					   !tr_parser_names(p, "a column alias", &ref->column_aliases)))
			return NULL;
	}
	if (tr_parser_is_word(p, TR_KW_TABLESAMPLE) && !parse_sample(p, ref))
		return NULL;
	if (tr_parser_is_word(p, TR_KW_MATCH_RECOGNIZE)) {
		ref->span = tr_parser_span(p, start);
		ref->height = tr_parser_height(p, height);
		return ref->height != 0 ? parse_match(p, ref, start) : NULL;
	}
	ref->span = tr_parser_span(p, start);
	ref->height = tr_parser_height(p, height);
	return ref->height != 0 ? ref : NULL;
}

static struct tr_ast_table_ref *parse_match(struct tr_parser *p, struct tr_ast_table_ref *input, uint32_t start)
{
	struct tr_ast_table_ref *ref = new_ref(p, TR_AST_TABLE_MATCH);
	uint32_t open;

	tr_parser_skip(p);
	if (ref == NULL || !tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after MATCH_RECOGNIZE"))
		return NULL;
	open = p->at;
	if (!tr_parser_skip_parens(p))
		return NULL;
	ref->match.input = input;
	ref->match.text = tr_parser_text(
		p, (struct tr_span){p->tokens[open].start, TR_MAX(p->tokens[open].start, p->tokens[p->at - 2].end)});
	return finish_ref(p, ref, start, input->height);
}

/* t [hints] [FOR SYSTEM_TIME AS OF e] [MATCH_RECOGNIZE (..)] [alias] */
static struct tr_ast_table_ref *parse_table_name(struct tr_parser *p, struct tr_ast_path path, uint32_t start)
{
	struct tr_ast_table_ref *ref = new_ref(p, TR_AST_TABLE_NAME);
	uint32_t height = 0;

	if (ref == NULL)
		return NULL;
	ref->path = path;
	if (!tr_parse_hints(p, &ref->hints))
		return NULL;
	if (tr_parser_accept_words(p, TR_KW_FOR, TR_KW_SYSTEM_TIME)) {
		if (!tr_parser_expect_word(p, TR_KW_AS, "OF after FOR SYSTEM_TIME") ||
		    !tr_parser_expect_word(p, TR_KW_OF, "after FOR SYSTEM_TIME AS"))
			return NULL;
		ref->system_time = tr_parse_expr_additive(p);
		if (ref->system_time == NULL)
			return NULL;
		height = ref->system_time->height;
	}
	return finish_ref(p, ref, start, height);
}

static struct tr_ast_table_ref *parse_function(struct tr_parser *p, uint32_t start, bool is_wrapped)
{
	struct tr_ast_table_ref *ref = new_ref(p, TR_AST_TABLE_FUNCTION);
	struct tr_ast_path path;
	uint32_t name_token = p->at;

	if (ref == NULL || !tr_parser_path(p, "a table function", &path))
		return NULL;
	if (!tr_parser_is(p, TR_TOKEN_LEFT_PAREN)) {
		tr_parser_fail_expected(p, "'(' after the name of a table function");
		return NULL;
	}
	ref->function.call = tr_parse_call(p, path, name_token);
	ref->function.is_wrapped = is_wrapped;
	if (ref->function.call == NULL || (is_wrapped && !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after TABLE(...")))
		return NULL;
	return finish_ref(p, ref, start, ref->function.call->height);
}

static struct tr_ast_table_ref *parse_unnest(struct tr_parser *p, uint32_t start)
{
	struct tr_ast_table_ref *ref = new_ref(p, TR_AST_TABLE_UNNEST);
	struct tr_list args = {0};

	tr_parser_skip(p);
	if (ref == NULL || !tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after UNNEST") || !tr_parse_expr_list(p, &args) ||
	    !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the argument of UNNEST"))
		return NULL;
	ref->unnest.args = tr_parse_exprs_of(&args);
	ref->unnest.has_ordinality = tr_parser_accept_words(p, TR_KW_WITH, TR_KW_ORDINALITY);
	return finish_ref(p, ref, start, tr_parse_exprs_height(ref->unnest.args));
}

static struct tr_ast_table_ref *parse_ref_body(struct tr_parser *p, uint32_t start)
{
	struct tr_ast_path path;

	if (tr_parser_is_word(p, TR_KW_UNNEST))
		return parse_unnest(p, start);
	if (tr_parser_is_word(p, TR_KW_TABLE) && tr_parser_peek(p, 1)->kind == TR_TOKEN_LEFT_PAREN) {
		p->at += 2;
		return parse_function(p, start, true);
	}
	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN)) {
		struct parens parens = {NULL, NULL};

		if (!parse_parens(p, &parens))
			return NULL;
		return parens.query != NULL ? subquery_ref(p, parens.query, start)
					    : finish_ref(p, parens.ref, start, parens.ref->height - 1u);
	}
	if (tr_parse_is_query(p, 0)) {
		tr_parser_fail_expected(p, "a table name after FROM");
		tr_parser_hint(p, "a query in FROM stands in parentheses");
		return NULL;
	}
	if (!tr_parser_path(p, p->tokens[p->at - 1].keyword == TR_KW_FROM ? "a table name after FROM" : "a table name",
			    &path))
		return NULL;
	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN)) {
		p->at = start + (p->tokens[start].keyword == TR_KW_LATERAL);
		return parse_function(p, start, false);
	}
	return parse_table_name(p, path, start);
}

static struct tr_ast_table_ref *parse_ref(struct tr_parser *p)
{
	uint32_t start = p->at;
	bool is_lateral = tr_parser_accept_word(p, TR_KW_LATERAL);
	struct tr_ast_table_ref *ref = parse_ref_body(p, start);

	if (ref != NULL && is_lateral) {
		if (ref->kind == TR_AST_TABLE_NAME || ref->kind == TR_AST_TABLE_JOIN) {
			tr_parser_fail(p, TR_E_SYNTAX, ref->span,
				       "LATERAL stands before a table function or a subquery");
			return NULL;
		}
		ref->is_lateral = true;
	}
	return ref;
}

/* ---------------------------------------------------------------- joins */

/* The words of a join up to and including JOIN; false without a failure: no join follows. */
static bool parse_join_words(struct tr_parser *p, struct tr_ast_join *join)
{
	uint32_t start = p->at;
	bool is_outer_kind = true;

	join->is_natural = tr_parser_accept_word(p, TR_KW_NATURAL);
	if (tr_parser_accept_word(p, TR_KW_LEFT)) {
		join->kind = tr_parser_accept_word(p, TR_KW_SEMI)   ? TR_AST_JOIN_LEFT_SEMI
			     : tr_parser_accept_word(p, TR_KW_ANTI) ? TR_AST_JOIN_LEFT_ANTI
								    : TR_AST_JOIN_LEFT;
	} else if (tr_parser_accept_word(p, TR_KW_RIGHT)) {
		join->kind = TR_AST_JOIN_RIGHT;
	} else if (tr_parser_accept_word(p, TR_KW_FULL)) {
		join->kind = TR_AST_JOIN_FULL;
	} else {
		is_outer_kind = false;
		join->kind = TR_AST_JOIN_INNER;
		if (tr_parser_accept_word(p, TR_KW_CROSS))
			join->kind = TR_AST_JOIN_CROSS;
		else if (!tr_parser_accept_word(p, TR_KW_INNER) && !tr_parser_is_word(p, TR_KW_JOIN))
			return p->at != start ? tr_parser_fail_expected(p, "JOIN after NATURAL") : false;
	}
	if (is_outer_kind && join->kind != TR_AST_JOIN_LEFT_SEMI && join->kind != TR_AST_JOIN_LEFT_ANTI)
		tr_parser_accept_word(p, TR_KW_OUTER);
	if (!tr_parser_expect_word(p, TR_KW_JOIN, "in a join"))
		return false;
	join->kind_span = tr_parser_span(p, start);
	return true;
}

static bool parse_join_condition(struct tr_parser *p, struct tr_ast_join *join, uint32_t *height)
{
	if (join->is_natural || join->kind == TR_AST_JOIN_CROSS) {
		if (tr_parser_is_word(p, TR_KW_ON) || tr_parser_is_word(p, TR_KW_USING))
			return tr_parser_fail(p, TR_E_SYNTAX, tr_token_span(tr_parser_peek(p, 0)),
					      "%s takes no condition",
					      join->is_natural ? "NATURAL JOIN" : "CROSS JOIN");
		return true;
	}
	if (tr_parser_accept_word(p, TR_KW_USING))
		return tr_parser_names(p, "a column name in USING", &join->using_columns);
	if (!tr_parser_accept_word(p, TR_KW_ON)) {
		tr_parser_fail_expected(p, "ON or USING after the joined table");
		tr_parser_hint(p, "only CROSS JOIN goes without a condition");
		return false;
	}
	join->on = tr_parse_expr(p);
	if (join->on == NULL)
		return false;
	*height = TR_MAX(*height, join->on->height);
	return true;
}

/* `left` (NULL: parse it) and the joins that follow. */
static struct tr_ast_table_ref *parse_chain(struct tr_parser *p, struct tr_ast_table_ref *left, uint32_t start)
{
	if (left == NULL)
		left = parse_ref(p);
	while (left != NULL) {
		struct tr_ast_join join;
		struct tr_ast_table_ref *ref;
		uint32_t height;

		memset(&join, 0, sizeof(join));
		if (!parse_join_words(p, &join))
			return p->has_failed ? NULL : left;
		join.left = left;
		join.right = parse_ref(p);
		if (join.right == NULL)
			return NULL;
		height = TR_MAX(left->height, join.right->height);
		ref = new_ref(p, TR_AST_TABLE_JOIN);
		if (ref == NULL || !parse_join_condition(p, &join, &height))
			return NULL;
		ref->join = join;
		ref->span = tr_parser_span(p, start);
		ref->height = tr_parser_height(p, height);
		left = ref->height != 0 ? ref : NULL;
	}
	return left;
}

struct tr_ast_table_ref *tr_parse_from(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_table_ref *left = parse_chain(p, NULL, start);

	while (left != NULL && tr_parser_is(p, TR_TOKEN_COMMA)) {
		struct tr_ast_table_ref *ref = new_ref(p, TR_AST_TABLE_JOIN);

		if (ref == NULL)
			return NULL;
		ref->join.kind = TR_AST_JOIN_COMMA;
		ref->join.kind_span = tr_token_span(tr_parser_peek(p, 0));
		tr_parser_skip(p);
		ref->join.left = left;
		ref->join.right = parse_chain(p, NULL, p->at);
		if (ref->join.right == NULL)
			return NULL;
		ref->span = tr_parser_span(p, start);
		ref->height = tr_parser_height(p, TR_MAX(left->height, ref->join.right->height));
		left = ref->height != 0 ? ref : NULL;
	}
	return left;
}
