/* SPDX-License-Identifier: Apache-2.0
 *
 * Function calls: arguments by position or by name (`SIZE => INTERVAL '1' MINUTE`), TABLE and DESCRIPTOR arguments,
 * DISTINCT, ORDER BY inside, WITHIN GROUP, FILTER, OVER; and the calls with words between their arguments, which
 * become ordinary ones (EXTRACT(DAY FROM t) is EXTRACT(DAY, t)).
 */
#include "sql/parser.h"

#include <string.h>
#include <strings.h>

bool tr_parse_order_by(struct tr_parser *p, struct tr_ast_order *out)
{
	struct tr_list items = {0};

	do {
		struct tr_ast_order_item *item = TR_LIST_ADD(p, &items, struct tr_ast_order_item);

		item->expr = tr_parse_expr(p);
		if (item->expr == NULL)
			return false;
		item->is_descending = tr_parser_accept_word(p, TR_KW_DESC);
		if (!item->is_descending)
			tr_parser_accept_word(p, TR_KW_ASC);
		if (tr_parser_accept_word(p, TR_KW_NULLS)) {
			item->has_nulls_order = true;
			item->is_nulls_first = tr_parser_accept_word(p, TR_KW_FIRST);
			if (!item->is_nulls_first && !tr_parser_accept_word(p, TR_KW_LAST))
				return tr_parser_fail_expected(p, "FIRST or LAST after NULLS");
		}
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	*out = (struct tr_ast_order){items.count, items.items};
	return true;
}

/* ---------------------------------------------------------------- windows */

static bool parse_frame_bound(struct tr_parser *p, struct tr_ast_frame_bound *bound)
{
	if (tr_parser_accept_words(p, TR_KW_CURRENT, TR_KW_ROW)) {
		bound->kind = TR_AST_BOUND_CURRENT_ROW;
		return true;
	}
	if (tr_parser_accept_words(p, TR_KW_UNBOUNDED, TR_KW_PRECEDING)) {
		bound->kind = TR_AST_BOUND_UNBOUNDED_PRECEDING;
		return true;
	}
	if (tr_parser_accept_words(p, TR_KW_UNBOUNDED, TR_KW_FOLLOWING)) {
		bound->kind = TR_AST_BOUND_UNBOUNDED_FOLLOWING;
		return true;
	}
	bound->offset = tr_parse_expr_additive(p);
	if (bound->offset == NULL)
		return false;
	if (tr_parser_accept_word(p, TR_KW_PRECEDING))
		bound->kind = TR_AST_BOUND_PRECEDING;
	else if (tr_parser_accept_word(p, TR_KW_FOLLOWING))
		bound->kind = TR_AST_BOUND_FOLLOWING;
	else
		return tr_parser_fail_expected(p, "PRECEDING or FOLLOWING after the offset of a frame");
	return true;
}

static bool parse_frame(struct tr_parser *p, struct tr_ast_window *out)
{
	out->has_frame = true;
	out->is_rows = tr_parser_is_word(p, TR_KW_ROWS);
	tr_parser_skip(p);
	out->has_between = tr_parser_accept_word(p, TR_KW_BETWEEN);
	out->end.kind = TR_AST_BOUND_CURRENT_ROW;
	if (!parse_frame_bound(p, &out->start))
		return false;
	if (!out->has_between)
		return true;
	return tr_parser_expect_word(p, TR_KW_AND, "between the bounds of a frame") && parse_frame_bound(p, &out->end);
}

bool tr_parse_window(struct tr_parser *p, struct tr_ast_window *out)
{
	uint32_t start = p->at;
	struct tr_list partition_by = {0};

	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "before the definition of a window"))
		return false;
	if (tr_parser_is_name_at(p, 0)) {
		out->base = tr_parser_name_new(p, "a window name");
		if (out->base == NULL)
			return false;
	}
	if (tr_parser_accept_words(p, TR_KW_PARTITION, TR_KW_BY)) {
		if (!tr_parse_expr_list(p, &partition_by))
			return false;
		out->partition_by = tr_parse_exprs_of(&partition_by);
	}
	if (tr_parser_accept_words(p, TR_KW_ORDER, TR_KW_BY) && !tr_parse_order_by(p, &out->order_by))
		return false;
	if ((tr_parser_is_word(p, TR_KW_ROWS) || tr_parser_is_word(p, TR_KW_RANGE)) && !parse_frame(p, out))
		return false;
	if (tr_parser_is_word(p, TR_KW_ALLOW) || tr_parser_is_word(p, TR_KW_DISALLOW))
		return tr_parser_fail(p, TR_E_NOT_SUPPORTED, tr_token_span(tr_parser_peek(p, 0)),
				      "not supported yet: ALLOW PARTIAL and DISALLOW PARTIAL of a window");
	if (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN))
		return tr_parser_fail_expected(p, out->has_frame
							  ? "')' after the frame of a window"
							  : "PARTITION BY, ORDER BY, ROWS, RANGE or ')' in a window");
	out->span = tr_parser_span(p, start);
	return true;
}

static uint32_t window_height(const struct tr_ast_window *window)
{
	uint32_t height = TR_MAX(tr_parse_exprs_height(window->partition_by), tr_parse_order_height(&window->order_by));

	if (window->start.offset != NULL)
		height = TR_MAX(height, window->start.offset->height);
	if (window->end.offset != NULL)
		height = TR_MAX(height, window->end.offset->height);
	return height;
}

/* ---------------------------------------------------------------- arguments */

struct tr_ast_expr *tr_parse_descriptor(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_names names;
	struct tr_ast_expr *expr;

	tr_parser_skip(p);
	if (!tr_parser_names(p, "a column name in DESCRIPTOR", &names))
		return NULL;
	expr = tr_parse_expr_new(p, TR_AST_EXPR_DESCRIPTOR, start);
	if (expr != NULL)
		expr->descriptor = names;
	return expr;
}

/* [PARTITION BY ..] [ORDER BY ..] behind a table argument. */
static struct tr_ast_expr *finish_table_arg(struct tr_parser *p, struct tr_ast_expr *expr, uint32_t start)
{
	struct tr_list partition_by = {0};
	uint32_t height = expr->table_arg.query != NULL ? expr->table_arg.query->height : 0;

	if (tr_parser_accept_words(p, TR_KW_PARTITION, TR_KW_BY)) {
		bool has_parens = tr_parser_is(p, TR_TOKEN_LEFT_PAREN);

		expr->table_arg.has_partition_by = true;
		if (has_parens)
			tr_parser_skip(p);
		do { /* a comma before `name =>` or DESCRIPTOR ends the list */
			struct tr_ast_expr *key = tr_parse_expr(p);

			if (key == NULL)
				return NULL;
			*TR_LIST_ADD(p, &partition_by, struct tr_ast_expr *) = key;
			if (!has_parens && (tr_parser_peek(p, 2)->kind == TR_TOKEN_ARROW ||
					    tr_parser_is_word_at(p, 1, TR_KW_DESCRIPTOR) ||
					    tr_parser_peek(p, 1)->kind == TR_TOKEN_STRING ||
					    tr_parser_is_word_at(p, 1, TR_KW_INTERVAL)))
				break;
		} while (tr_parser_accept(p, TR_TOKEN_COMMA));
		if (has_parens && !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the keys of PARTITION BY"))
			return NULL;
		expr->table_arg.partition_by = tr_parse_exprs_of(&partition_by);
	}
	if (tr_parser_accept_words(p, TR_KW_ORDER, TR_KW_BY)) {
		bool has_parens = tr_parser_accept(p, TR_TOKEN_LEFT_PAREN);

		if (!tr_parse_order_by(p, &expr->table_arg.order_by) ||
		    (has_parens && !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the keys of ORDER BY")))
			return NULL;
	}
	height = TR_MAX(height, tr_parse_exprs_height(expr->table_arg.partition_by));
	height = TR_MAX(height, tr_parse_order_height(&expr->table_arg.order_by));
	expr->span = tr_parser_span(p, start);
	expr->height = tr_parser_height(p, height);
	return expr->height != 0 ? expr : NULL;
}

/* TABLE t ..., TABLE (query) ... */
struct tr_ast_expr *tr_parse_table_arg(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_expr *expr = tr_parse_expr_new(p, TR_AST_EXPR_TABLE_ARG, start);
	struct tr_ast_path *path;

	tr_parser_skip(p);
	if (expr == NULL)
		return NULL;
	if (tr_parser_accept(p, TR_TOKEN_LEFT_PAREN)) {
		expr->table_arg.query = tr_parse_query(p);
		if (expr->table_arg.query == NULL ||
		    !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the query of TABLE"))
			return NULL;
	} else {
		path = TR_NEW(p->arena, struct tr_ast_path);
		if (!tr_parser_path(p, "a table name after TABLE", path))
			return NULL;
		expr->table_arg.table = path;
	}
	return finish_table_arg(p, expr, start);
}

static struct tr_ast_expr *parse_argument(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_expr *expr, *table;

	if (tr_parser_is_word(p, TR_KW_TABLE))
		return tr_parse_table_arg(p);
	if (tr_parser_is_word(p, TR_KW_DESCRIPTOR) && tr_parser_peek(p, 1)->kind == TR_TOKEN_LEFT_PAREN)
		return tr_parse_descriptor(p);
	if (tr_parser_is_word(p, TR_KW_MODEL) && tr_parser_is_name_at(p, 1)) {
		tr_parser_fail(p, TR_E_NOT_SUPPORTED, tr_token_span(tr_parser_peek(p, 0)), "not supported yet: models");
		return NULL;
	}
	if (tr_parse_is_query(p, 0)) {
		tr_parser_fail_expected(p, "an argument");
		tr_parser_hint(p, "a query as an argument stands in parentheses");
		return NULL;
	}
	expr = tr_parse_expr(p);
	if (expr == NULL || expr->kind != TR_AST_EXPR_SUBQUERY ||
	    !(tr_parser_is_words(p, TR_KW_PARTITION, TR_KW_BY) || tr_parser_is_words(p, TR_KW_ORDER, TR_KW_BY)))
		return expr;
	table = tr_parse_expr_new(p, TR_AST_EXPR_TABLE_ARG, start);
	if (table == NULL)
		return NULL;
	table->table_arg.query = expr->query;
	return finish_table_arg(p, table, start);
}

/* The arguments of a call, named ones noted in `names`. */
static bool parse_arguments(struct tr_parser *p, struct tr_list *args, struct tr_list *names, bool *has_names)
{
	do {
		const struct tr_ast_name **name = TR_LIST_ADD(p, names, const struct tr_ast_name *);
		struct tr_ast_expr *arg;

		if (tr_parser_peek(p, 1)->kind == TR_TOKEN_ARROW) {
			struct tr_ast_name *made = TR_NEW(p->arena, struct tr_ast_name);
			const struct tr_token *token = tr_parser_peek(p, 0);

			if (token->kind == TR_TOKEN_WORD) { /* reserved words too: OFFSET => */
				*made = (struct tr_ast_name){tr_parser_text(p, tr_token_span(token)).text,
							     tr_token_span(token)};
				tr_parser_skip(p);
			} else if (!tr_parser_name(p, "an argument's name before =>", made)) {
				return false;
			}
			tr_parser_skip(p);
			*name = made;
			*has_names = true;
		}
		arg = parse_argument(p);
		if (arg == NULL)
			return false;
		*TR_LIST_ADD(p, args, struct tr_ast_expr *) = arg;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	return true;
}

/* ---------------------------------------------------------------- special forms */

static struct tr_ast_expr *space_literal(struct tr_parser *p, uint32_t start)
{
	struct tr_ast_expr *expr = tr_parse_expr_new(p, TR_AST_EXPR_LITERAL, start);

	if (expr != NULL) {
		expr->literal.kind = TR_AST_LITERAL_STRING;
		expr->literal.text = " ";
		expr->literal.length = 1;
	}
	return expr;
}

static bool add_expr(struct tr_parser *p, struct tr_list *args, struct tr_ast_expr *expr)
{
	if (expr != NULL)
		*TR_LIST_ADD(p, args, struct tr_ast_expr *) = expr;
	return expr != NULL;
}

/* TRIM([BOTH|LEADING|TRAILING] [c] FROM s), TRIM(c FROM s), TRIM(s) */
static bool parse_trim(struct tr_parser *p, struct tr_list *args)
{
	uint32_t start = p->at;
	struct tr_ast_expr *flag = tr_parse_expr_new(p, TR_AST_EXPR_SYMBOL, start), *first = NULL;
	bool has_flag = tr_parser_is_word(p, TR_KW_LEADING) || tr_parser_is_word(p, TR_KW_TRAILING) ||
			tr_parser_is_word(p, TR_KW_BOTH);

	if (flag == NULL)
		return false;
	flag->symbol.name = "BOTH";
	if (has_flag) {
		flag->symbol.name = tr_keyword_text((enum tr_keyword)tr_parser_peek(p, 0)->keyword);
		tr_parser_skip(p);
	}
	if (!tr_parser_is_word(p, TR_KW_FROM)) {
		first = tr_parse_expr(p);
		if (first == NULL)
			return false;
	}
	if (!tr_parser_accept_word(p, TR_KW_FROM)) {
		if (has_flag)
			return tr_parser_fail_expected(p, "FROM in TRIM");
		return add_expr(p, args, flag) && add_expr(p, args, space_literal(p, start)) &&
		       add_expr(p, args, first);
	}
	return add_expr(p, args, flag) && add_expr(p, args, first != NULL ? first : space_literal(p, start)) &&
	       add_expr(p, args, tr_parse_expr(p));
}

/* The words between arguments that a function may have instead of commas. */
static const struct {
	enum tr_keyword function;
	enum tr_keyword words[3];
} separators[] = {
	{TR_KW_SUBSTRING, {TR_KW_FROM, TR_KW_FOR, TR_KEYWORD_NONE}},
	{TR_KW_OVERLAY, {TR_KW_PLACING, TR_KW_FROM, TR_KW_FOR}},
	{TR_KW_POSITION, {TR_KW_IN, TR_KW_FROM, TR_KEYWORD_NONE}},
};

/* SUBSTRING, OVERLAY, POSITION: with their words or with commas. */
static bool parse_separated(struct tr_parser *p, uint32_t form, struct tr_list *args)
{
	bool is_position = separators[form].function == TR_KW_POSITION;

	if (!add_expr(p, args, is_position ? tr_parse_expr_additive(p) : tr_parse_expr(p)))
		return false;
	for (uint32_t i = 0; i < 3; i++) {
		enum tr_keyword word = separators[form].words[i];

		if (word == TR_KEYWORD_NONE)
			break;
		if (!tr_parser_accept_word(p, word) && !tr_parser_accept(p, TR_TOKEN_COMMA))
			break;
		if (!add_expr(p, args, tr_parse_expr(p)))
			return false;
	}
	return true;
}

/* EXTRACT(u FROM e), TIMESTAMPADD(u, n, e), TIMESTAMPDIFF(u, a, b) */
static bool parse_unit_first(struct tr_parser *p, bool is_extract, struct tr_list *args)
{
	if (!add_expr(p, args, tr_parse_symbol(p, is_extract ? "a unit like DAY in EXTRACT" : "a unit like DAY")))
		return false;
	if (is_extract)
		return tr_parser_expect_word(p, TR_KW_FROM, "after the unit of EXTRACT") &&
		       add_expr(p, args, tr_parse_expr(p));
	return tr_parser_expect(p, TR_TOKEN_COMMA, "after the unit") && tr_parse_expr_list(p, args);
}

static bool is_special(enum tr_keyword function)
{
	return function == TR_KW_EXTRACT || function == TR_KW_TRIM || function == TR_KW_SUBSTRING ||
	       function == TR_KW_OVERLAY || function == TR_KW_POSITION;
}

static bool parse_special(struct tr_parser *p, enum tr_keyword function, struct tr_list *args)
{
	if (function == TR_KW_TRIM)
		return parse_trim(p, args);
	for (uint32_t i = 0; i < TR_COUNT_OF(separators); i++)
		if (separators[i].function == function)
			return parse_separated(p, i, args);
	return parse_unit_first(p, function == TR_KW_EXTRACT, args);
}

/* ---------------------------------------------------------------- the call */

/* The keyword that a call's name is, when it has a syntax of its own; TIMESTAMPADD is not reserved, so any case. */
static enum tr_keyword call_keyword(struct tr_parser *p, struct tr_ast_path *name)
{
	enum tr_keyword word;
	struct tr_ast_name *upper;

	if (name->count != 1 || p->text->text[name->span.start] == '`')
		return TR_KEYWORD_NONE;
	word = tr_keyword_of(name->names[0].text, (uint32_t)strlen(name->names[0].text));
	if (word == TR_KW_TIMESTAMPADD || word == TR_KW_TIMESTAMPDIFF) {
		upper = TR_NEW(p->arena, struct tr_ast_name);
		*upper = (struct tr_ast_name){tr_keyword_text(word), name->names[0].span};
		name->names = upper;
		return word;
	}
	return tr_keyword_is_reserved(word) ? word : TR_KEYWORD_NONE;
}

/* Between the parentheses. */
static bool parse_inside(struct tr_parser *p, enum tr_keyword word, struct tr_ast_call *call, struct tr_list *args)
{
	struct tr_list names = {0};
	bool has_names = false;

	if (tr_parser_is(p, TR_TOKEN_RIGHT_PAREN))
		return true;
	if (is_special(word) || word == TR_KW_TIMESTAMPADD || word == TR_KW_TIMESTAMPDIFF)
		return parse_special(p, word, args);
	if (tr_parser_is(p, TR_TOKEN_STAR)) {
		struct tr_ast_expr *star = tr_parse_expr_new(p, TR_AST_EXPR_STAR, p->at);

		tr_parser_skip(p);
		return add_expr(p, args, star);
	}
	call->is_distinct = tr_parser_accept_word(p, TR_KW_DISTINCT);
	call->is_all = !call->is_distinct && tr_parser_accept_word(p, TR_KW_ALL);
	if (word == TR_KW_JSON_OBJECT || word == TR_KW_JSON_OBJECTAGG) {
		if (!tr_parse_json_pairs(p, args))
			return false;
	} else if (!parse_arguments(p, args, &names, &has_names)) {
		return false;
	}
	if (has_names)
		call->argument_names = names.items;
	if ((word == TR_KW_FLOOR || word == TR_KW_CEIL || word == TR_KW_CEILING) && args->count == 1 &&
	    tr_parser_accept_word(p, TR_KW_TO) && !add_expr(p, args, tr_parse_symbol(p, "a unit like HOUR after TO")))
		return false;
	if (tr_parser_accept_words(p, TR_KW_ORDER, TR_KW_BY) && !tr_parse_order_by(p, &call->order_by))
		return false;
	if (tr_parse_is_json(word) && !tr_parser_is(p, TR_TOKEN_RIGHT_PAREN)) {
		call->json = tr_parse_json(p, word);
		return call->json != NULL;
	}
	return true;
}

static bool parse_null_treatment(struct tr_parser *p, struct tr_ast_call *call)
{
	if (tr_parser_accept_words(p, TR_KW_IGNORE, TR_KW_NULLS))
		call->null_treatment = TR_AST_NULLS_IGNORE;
	else if (tr_parser_accept_words(p, TR_KW_RESPECT, TR_KW_NULLS))
		call->null_treatment = TR_AST_NULLS_RESPECT;
	return true;
}

/* WITHIN GROUP, FILTER, OVER */
static bool parse_suffixes(struct tr_parser *p, struct tr_ast_call *call)
{
	parse_null_treatment(p, call);
	if (tr_parser_accept_words(p, TR_KW_WITHIN, TR_KW_GROUP)) {
		if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after WITHIN GROUP") ||
		    !tr_parser_expect_word(p, TR_KW_ORDER, "BY in WITHIN GROUP") ||
		    !tr_parser_expect_word(p, TR_KW_BY, "after ORDER") || !tr_parse_order_by(p, &call->within_group) ||
		    !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after WITHIN GROUP"))
			return false;
	}
	if (tr_parser_is_word(p, TR_KW_FILTER) && tr_parser_peek(p, 1)->kind == TR_TOKEN_LEFT_PAREN) {
		p->at += 2;
		if (!tr_parser_expect_word(p, TR_KW_WHERE, "in FILTER"))
			return false;
		call->filter = tr_parse_expr(p);
		if (call->filter == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the condition of FILTER"))
			return false;
	}
	if (tr_parser_accept_word(p, TR_KW_OVER)) {
		struct tr_ast_window *window = TR_NEW(p->arena, struct tr_ast_window);
		uint32_t start = p->at;

		if (tr_parser_is_name_at(p, 0)) {
			window->base = tr_parser_name_new(p, "a window name");
			window->is_name_only = true;
			window->span = tr_parser_span(p, start);
			if (window->base == NULL)
				return false;
		} else if (!tr_parse_window(p, window)) {
			return false;
		}
		call->over = window;
	}
	return true;
}

struct tr_ast_expr *tr_parse_call(struct tr_parser *p, struct tr_ast_path name, uint32_t start_token)
{
	struct tr_ast_expr *expr = tr_parse_expr_new(p, TR_AST_EXPR_CALL, start_token);
	struct tr_ast_call *call = TR_NEW(p->arena, struct tr_ast_call);
	enum tr_keyword word = call_keyword(p, &name);
	struct tr_list args = {0};
	uint32_t height;

	TR_ASSERT(tr_parser_is(p, TR_TOKEN_LEFT_PAREN));
	if (expr == NULL || !tr_parser_enter(p))
		return NULL;
	tr_parser_skip(p);
	expr->call = call;
	call->name = name;
	call->has_quoted_name = p->text->text[name.span.start] == '`';
	if (!parse_inside(p, word, call, &args))
		return NULL;
	parse_null_treatment(p, call);
	if (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN)) {
		tr_parser_fail_expected(
			p, args.count == 0 ? "an argument or ')'" : "an operator, ',' or ')' in the call of %s",
			name.names[name.count - 1].text);
		return NULL;
	}
	if (!parse_suffixes(p, call))
		return NULL;
	tr_parser_leave(p);
	height = TR_MAX(tr_parse_order_height(&call->order_by), tr_parse_order_height(&call->within_group));
	if (call->filter != NULL)
		height = TR_MAX(height, call->filter->height);
	if (call->over != NULL)
		height = TR_MAX(height, window_height(call->over));
	if (call->json != NULL)
		height = TR_MAX(height, tr_parse_json_height(call->json));
	expr->height = (uint16_t)(height + 1);
	return tr_parse_expr_finish(p, expr, start_token, tr_parse_exprs_of(&args));
}
