/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands: literals, columns, parentheses, CASE, CAST, constructors, and the functions that the standard gave a
 * syntax of their own (they become ordinary calls; sql/ast_expr.h has the table). Behind each operand may stand
 * `.field` and `[index]`.
 */
#include "sql/parser.h"

#include <string.h>

enum tr_ast_time_unit tr_parse_unit_at(const struct tr_parser *p, uint32_t ahead)
{
	const struct tr_token *token = tr_parser_peek(p, ahead);

	if (token->kind != TR_TOKEN_WORD)
		return TR_AST_UNIT_NONE;
	return tr_ast_time_unit_of(p->text->text + token->start, token->end - token->start);
}

struct tr_ast_expr *tr_parse_symbol(struct tr_parser *p, const char *what)
{
	enum tr_ast_time_unit unit = tr_parse_unit_at(p, 0);
	uint32_t start = p->at;
	struct tr_ast_expr *expr;

	if (unit == TR_AST_UNIT_NONE) {
		tr_parser_fail_expected(p, "%s", what);
		return NULL;
	}
	tr_parser_skip(p);
	expr = tr_parse_expr_new(p, TR_AST_EXPR_SYMBOL, start);
	if (expr != NULL) {
		expr->symbol.unit = unit;
		expr->symbol.name = tr_ast_time_unit_name(unit);
	}
	return expr;
}

/* ---------------------------------------------------------------- literals */

static struct tr_ast_expr *literal(struct tr_parser *p, enum tr_ast_literal_kind kind, uint32_t start,
				   struct tr_ast_string text)
{
	struct tr_ast_expr *expr = tr_parse_expr_new(p, TR_AST_EXPR_LITERAL, start);

	if (expr == NULL)
		return NULL;
	expr->literal.kind = kind;
	expr->literal.text = text.text;
	expr->literal.length = text.length;
	return expr;
}

/* Flink refuses integers and decimals whose digits are more than a BIGINT holds; -9223372036854775808 just fits. */
static bool is_within_bigint(const struct tr_parser *p, const struct tr_token *token)
{
	bool has_minus = p->at > 0 && p->tokens[p->at - 1].kind == TR_TOKEN_MINUS;
	uint64_t value = 0, max = (uint64_t)INT64_MAX + has_minus;

	for (uint32_t i = token->start; i < token->end; i++) {
		uint32_t digit = (uint32_t)(p->text->text[i] - '0');

		if (p->text->text[i] == '.')
			continue;
		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	return true;
}

static struct tr_ast_expr *parse_number(struct tr_parser *p)
{
	uint32_t start = p->at;
	const struct tr_token *token = tr_parser_peek(p, 0);
	const char *text = p->text->text + token->start, *point;

	if (token->kind != TR_TOKEN_APPROX && !is_within_bigint(p, token)) {
		uint32_t length = token->end - token->start, scale = 0;

		point = memchr(text, '.', length);
		if (point != NULL)
			scale = (uint32_t)(text + length - point) - 1;
		tr_parser_fail(p, TR_E_LITERAL, tr_token_span(token),
			       "the digits of a number in the script are at most 9223372036854775807");
		if (length <= TR_DECIMAL_PRECISION_MAX)
			tr_parser_hint(p, "write CAST('%.*s' AS DECIMAL(%u, %u))", (int)length, text,
				       length - (point != NULL), scale);
		return NULL;
	}
	tr_parser_skip(p);
	return literal(p,
		       token->kind == TR_TOKEN_INTEGER   ? TR_AST_LITERAL_INTEGER
		       : token->kind == TR_TOKEN_DECIMAL ? TR_AST_LITERAL_DECIMAL
							 : TR_AST_LITERAL_APPROX,
		       start, tr_parser_text(p, tr_token_span(token)));
}

static struct tr_ast_expr *parse_string_literal(struct tr_parser *p, enum tr_ast_literal_kind kind, uint32_t start)
{
	struct tr_ast_string text;

	return tr_parser_string(p, "a string", &text) ? literal(p, kind, start, text) : NULL;
}

static struct tr_ast_expr *parse_binary_literal(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_string text;

	if (!tr_token_decode(p->text, *tr_parser_peek(p, 0), '\\', p->arena, p->diags, &text)) {
		p->has_failed = true;
		return NULL;
	}
	tr_parser_skip(p);
	return literal(p, TR_AST_LITERAL_BINARY, start, text);
}

static struct tr_ast_expr *parse_constant(struct tr_parser *p, enum tr_ast_literal_kind kind, bool value)
{
	uint32_t start = p->at;
	struct tr_ast_expr *expr;

	tr_parser_skip(p);
	expr = literal(p, kind, start, (struct tr_ast_string){{0, 0}, NULL, 0});
	if (expr != NULL)
		expr->literal.boolean = value;
	return expr;
}

static bool parse_unit_precision(struct tr_parser *p, int32_t *first, int32_t *second)
{
	int64_t value;

	if (!tr_parser_accept(p, TR_TOKEN_LEFT_PAREN))
		return true;
	if (!tr_parser_integer(p, "the precision of an interval unit", 10, &value))
		return false;
	*first = (int32_t)value;
	if (second != NULL && tr_parser_accept(p, TR_TOKEN_COMMA)) {
		if (!tr_parser_integer(p, "the fraction precision of SECOND", 9, &value))
			return false;
		*second = (int32_t)value;
	}
	return tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the precision of an interval unit");
}

static bool is_interval_unit(enum tr_ast_time_unit unit)
{
	return unit >= TR_AST_UNIT_YEAR && unit <= TR_AST_UNIT_SECOND;
}

/* INTERVAL 5 DAY, INTERVAL (n + 1) DAY, INTERVAL n DAY: so many times INTERVAL '1' DAY. At what stands behind the sign. */
static struct tr_ast_expr *parse_interval_of(struct tr_parser *p, bool is_negative, uint32_t start)
{
	uint32_t amount_token = p->at, unit_token;
	struct tr_ast_string one = {{0, 0}, "1", 1};
	struct tr_ast_path path;
	struct tr_ast_expr *amount, *unit, *product;
	struct tr_list args = {0};

	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN)) {
		tr_parser_skip(p);
		amount = tr_parse_expr(p);
		if (amount == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the amount of INTERVAL"))
			return NULL;
	} else if (tr_parser_is(p, TR_TOKEN_INTEGER)) {
		amount = parse_number(p);
	} else {
		if (!tr_parser_is_name_at(p, 0)) {
			tr_parser_fail_expected(p, "a string like '5' after INTERVAL");
			return NULL;
		}
		if (!tr_parser_path(p, "a column", &path))
			return NULL;
		amount = tr_parse_expr_new(p, TR_AST_EXPR_COLUMN, amount_token);
		if (amount != NULL)
			amount->path = path;
	}
	unit_token = p->at;
	if (amount == NULL)
		return NULL;
	if (!is_interval_unit(tr_parse_unit_at(p, 0))) {
		tr_parser_fail_expected(p, "a unit like SECOND, MINUTE or DAY after the amount of INTERVAL");
		return NULL;
	}
	unit = literal(p, TR_AST_LITERAL_INTERVAL, unit_token, one);
	product = tr_parse_expr_new(p, TR_AST_EXPR_BINARY, start);
	if (unit == NULL || product == NULL)
		return NULL;
	unit->literal.interval = (struct tr_ast_interval){
		.precision = -1, .fraction_precision = -1, .unit = tr_parse_unit_at(p, 0), .is_negative = is_negative};
	tr_parser_skip(p);
	*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = amount;
	*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = unit;
	product->op = TR_AST_OP_MULTIPLY;
	product->op_span = tr_token_span(&p->tokens[unit_token]);
	return tr_parse_expr_finish(p, product, start, tr_parse_exprs_of(&args));
}

/* unit[(p)] [TO unit[(p)]] */
static bool parse_interval_units(struct tr_parser *p, struct tr_ast_interval *interval)
{
	enum tr_ast_time_unit end;

	interval->precision = interval->fraction_precision = -1;
	interval->unit = tr_parse_unit_at(p, 0);
	if (!is_interval_unit(interval->unit))
		return tr_parser_fail_expected(p, "a unit like SECOND, MINUTE or DAY after the text of INTERVAL");
	tr_parser_skip(p);
	if (!parse_unit_precision(p, &interval->precision, &interval->fraction_precision))
		return false;
	if (!tr_parser_is_word(p, TR_KW_TO))
		return true;
	end = tr_parse_unit_at(p, 1);
	tr_parser_skip(p);
	if (!is_interval_unit(end) || end <= interval->unit ||
	    (end <= TR_AST_UNIT_MONTH) != (interval->unit <= TR_AST_UNIT_MONTH))
		return tr_parser_fail_expected(p, "a unit smaller than %s after TO",
					       tr_ast_time_unit_name(interval->unit));
	tr_parser_skip(p);
	interval->end_unit = end;
	return parse_unit_precision(p, &interval->fraction_precision, NULL);
}

/* INTERVAL [-]'text' unit[(p)] [TO unit[(p)]] */
static struct tr_ast_expr *parse_interval(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_interval interval = {0};
	struct tr_ast_string text;
	struct tr_ast_expr *expr;

	tr_parser_skip(p);
	interval.is_negative = tr_parser_accept(p, TR_TOKEN_MINUS);
	if (!interval.is_negative)
		tr_parser_accept(p, TR_TOKEN_PLUS);
	if (!tr_parser_is_string(p))
		return parse_interval_of(p, interval.is_negative, start);
	if (!tr_parser_string(p, "a string", &text) || !parse_interval_units(p, &interval))
		return NULL;
	expr = literal(p, TR_AST_LITERAL_INTERVAL, start, text);
	if (expr != NULL)
		expr->literal.interval = interval;
	return expr;
}

/* DATE '..', TIME '..', TIMESTAMP '..', TIMESTAMP WITH LOCAL TIME ZONE '..'; NULL without a failure: none of them. */
static struct tr_ast_expr *parse_time_literal(struct tr_parser *p)
{
	uint32_t start = p->at;
	enum tr_keyword word = (enum tr_keyword)tr_parser_peek(p, 0)->keyword;
	uint8_t next = tr_parser_peek(p, 1)->kind;
	enum tr_ast_literal_kind kind = word == TR_KW_DATE   ? TR_AST_LITERAL_DATE
					: word == TR_KW_TIME ? TR_AST_LITERAL_TIME
							     : TR_AST_LITERAL_TIMESTAMP;

	if (next == TR_TOKEN_STRING || next == TR_TOKEN_UNICODE || next == TR_TOKEN_CSTRING) {
		tr_parser_skip(p);
		return parse_string_literal(p, kind, start);
	}
	if (word == TR_KW_TIMESTAMP && tr_parser_is_word_at(p, 1, TR_KW_WITH) &&
	    tr_parser_is_word_at(p, 2, TR_KW_LOCAL)) {
		p->at += 3;
		if (!tr_parser_expect_word(p, TR_KW_TIME, "after WITH LOCAL") ||
		    !tr_parser_expect_word(p, TR_KW_ZONE, "after WITH LOCAL TIME"))
			return NULL;
		return parse_string_literal(p, TR_AST_LITERAL_TIMESTAMP_LTZ, start);
	}
	if (word == TR_KW_DATE && next == TR_TOKEN_LEFT_PAREN)
		tr_parser_fail(p, TR_E_SYNTAX, tr_token_span(tr_parser_peek(p, 0)),
			       "DATE is a type, not a function: write CAST(x AS DATE) or DATE '2026-01-31'");
	else if (next == TR_TOKEN_LEFT_PAREN)
		tr_parser_fail(p, TR_E_SYNTAX, tr_token_span(tr_parser_peek(p, 0)),
			       "%s is a type, not a function: write CAST(x AS %s) or TO_TIMESTAMP(x)",
			       tr_keyword_text(word), tr_keyword_text(word));
	return NULL;
}

/* ---------------------------------------------------------------- forms of their own */

/* WHEN a THEN r; in a CASE with an operand also WHEN a, b THEN r, which is WHEN a THEN r WHEN b THEN r. */
static bool parse_when(struct tr_parser *p, bool has_operand, struct tr_list *whens, uint32_t *height)
{
	uint32_t first = whens->count;
	struct tr_ast_expr *result;

	tr_parser_skip(p);
	do {
		struct tr_ast_when *when = TR_LIST_ADD(p, whens, struct tr_ast_when);

		when->condition = tr_parse_expr(p);
		if (when->condition == NULL)
			return false;
		*height = TR_MAX(*height, when->condition->height);
	} while (has_operand && tr_parser_accept(p, TR_TOKEN_COMMA));
	if (!tr_parser_expect_word(p, TR_KW_THEN, "after the condition of WHEN"))
		return false;
	result = tr_parse_expr(p);
	if (result == NULL)
		return false;
	*height = TR_MAX(*height, result->height);
	for (uint32_t i = first; i < whens->count; i++)
		((struct tr_ast_when *)whens->items)[i].result = result;
	return true;
}

static struct tr_ast_expr *parse_case(struct tr_parser *p)
{
	uint32_t start = p->at, height = 0;
	struct tr_list whens = {0};
	struct tr_ast_expr *expr = tr_parse_expr_new(p, TR_AST_EXPR_CASE, start);

	if (expr == NULL)
		return NULL;
	tr_parser_skip(p);
	if (!tr_parser_is_word(p, TR_KW_WHEN)) {
		expr->case_.operand = tr_parse_expr(p);
		if (expr->case_.operand == NULL)
			return NULL;
		height = expr->case_.operand->height;
	}
	if (!tr_parser_is_word(p, TR_KW_WHEN)) {
		tr_parser_fail_expected(p, "WHEN in CASE");
		return NULL;
	}
	while (tr_parser_is_word(p, TR_KW_WHEN))
		if (!parse_when(p, expr->case_.operand != NULL, &whens, &height))
			return NULL;
	if (tr_parser_accept_word(p, TR_KW_ELSE)) {
		expr->case_.otherwise = tr_parse_expr(p);
		if (expr->case_.otherwise == NULL)
			return NULL;
		height = TR_MAX(height, expr->case_.otherwise->height);
	}
	if (!tr_parser_accept_word(p, TR_KW_END)) {
		tr_parser_fail_expected(p, expr->case_.otherwise != NULL ? "END of CASE" : "WHEN, ELSE or END in CASE");
		return NULL;
	}
	expr->case_.when_count = whens.count;
	expr->case_.whens = whens.items;
	expr->span = tr_parser_span(p, start);
	expr->height = tr_parser_height(p, height);
	return expr->height != 0 ? expr : NULL;
}

static struct tr_ast_expr *parse_cast(struct tr_parser *p, bool is_try)
{
	uint32_t start = p->at;
	struct tr_list args = {0};
	struct tr_ast_expr *expr = tr_parse_expr_new(p, TR_AST_EXPR_CAST, start), *arg;

	tr_parser_skip(p);
	if (expr == NULL || !tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "after CAST"))
		return NULL;
	arg = tr_parse_expr(p);
	if (arg == NULL || !tr_parser_expect_word(p, TR_KW_AS, "and a type in CAST"))
		return NULL;
	*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = arg;
	expr->cast.is_try = is_try;
	expr->cast.type = tr_parse_type(p);
	if (expr->cast.type != NULL && expr->cast.type->kind == TR_TYPE_NULL)
		tr_parser_fail(p, TR_E_TYPE_NAME, expr->cast.type->span, "nothing can be cast to NULL");
	if (expr->cast.type != NULL && expr->cast.type->is_not_null) {
		tr_parser_fail(p, TR_E_SYNTAX, expr->cast.type->span, "Flink's CAST takes a type without NOT NULL");
		tr_parser_hint(p, "what is cast keeps being NULL or not; COALESCE(x, ..) takes NULL away");
	}
	if (p->has_failed || expr->cast.type == NULL ||
	    !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the type of CAST"))
		return NULL;
	return tr_parse_expr_finish(p, expr, start, tr_parse_exprs_of(&args));
}

/* EXISTS (query), and the query of a constructor. */
static struct tr_ast_expr *parse_query_form(struct tr_parser *p, enum tr_ast_expr_kind kind, uint32_t start)
{
	struct tr_ast_query *query;

	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, "and a query"))
		return NULL;
	query = tr_parse_query(p);
	if (query == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the subquery"))
		return NULL;
	return tr_parse_expr_query(p, kind, start, (struct tr_ast_exprs){0, NULL}, query);
}

/* ARRAY[..], MAP[..], MULTISET[..], ROW(..), or ARRAY(query) */
static struct tr_ast_expr *parse_constructor(struct tr_parser *p, enum tr_ast_expr_kind kind)
{
	uint32_t start = p->at;
	enum tr_token_kind open = kind == TR_AST_EXPR_ROW ? TR_TOKEN_LEFT_PAREN : TR_TOKEN_LEFT_BRACKET;
	enum tr_token_kind close = kind == TR_AST_EXPR_ROW ? TR_TOKEN_RIGHT_PAREN : TR_TOKEN_RIGHT_BRACKET;
	struct tr_list args = {0};
	struct tr_ast_expr *expr;
	const char *word = tr_keyword_text((enum tr_keyword)tr_parser_peek(p, 0)->keyword);

	tr_parser_skip(p);
	if (kind != TR_AST_EXPR_ROW && tr_parser_is(p, TR_TOKEN_LEFT_PAREN))
		return parse_query_form(p, kind, start);
	if (!tr_parser_accept(p, open)) {
		tr_parser_fail_expected(p, "%s after %s", tr_token_kind_text(open), word);
		return NULL;
	}
	expr = tr_parse_expr_new(p, kind, start);
	if (expr == NULL || (!tr_parser_is(p, close) && !tr_parse_expr_list(p, &args)))
		return NULL;
	if (!tr_parser_accept(p, close)) {
		tr_parser_fail_expected(p, "',' or %s in %s", tr_token_kind_text(close), word);
		return NULL;
	}
	if (kind == TR_AST_EXPR_MAP && args.count % 2 != 0) {
		tr_parser_fail(p, TR_E_SYNTAX, tr_parser_span(p, start),
			       "MAP[...] takes keys and values in turn, an even number of expressions");
		return NULL;
	}
	expr->is_explicit = true;
	return tr_parse_expr_finish(p, expr, start, tr_parse_exprs_of(&args));
}

/* ( expr ), ( a, b ), ( query ), and ( (query) UNION query ) */
static struct tr_ast_expr *parse_parens(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_list args = {0};
	struct tr_ast_expr *first, *expr;

	tr_parser_skip(p);
	if (tr_parse_is_query(p, 0)) {
		p->at = start;
		return parse_query_form(p, TR_AST_EXPR_SUBQUERY, start);
	}
	first = tr_parse_expr(p);
	if (first == NULL)
		return NULL;
	if (first->kind == TR_AST_EXPR_SUBQUERY && tr_parse_is_query_rest(p)) {
		struct tr_ast_query *query = tr_parse_query_rest(p, first->query, start + 1);

		if (query == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the subquery"))
			return NULL;
		return tr_parse_expr_query(p, TR_AST_EXPR_SUBQUERY, start, (struct tr_ast_exprs){0, NULL}, query);
	}
	if (tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN)) {
		struct tr_ast_interval interval = {0};

		if (first->kind != TR_AST_EXPR_BINARY || first->op != TR_AST_OP_SUBTRACT ||
		    !is_interval_unit(tr_parse_unit_at(p, 0)))
			return first;
		expr = parse_interval_units(p, &interval) ? tr_parse_expr_new(p, TR_AST_EXPR_SPAN, start) : NULL;
		if (expr == NULL)
			return NULL;
		expr->interval = interval;
		return tr_parse_expr_finish(p, expr, start, first->args);
	}
	*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = first;
	if (!tr_parser_accept(p, TR_TOKEN_COMMA)) {
		tr_parser_fail_expected(p, "an operator, ',' or ')'");
		return NULL;
	}
	if (!tr_parse_expr_list(p, &args) || !tr_parser_expect(p, TR_TOKEN_RIGHT_PAREN, "after the list"))
		return NULL;
	expr = tr_parse_expr_new(p, TR_AST_EXPR_ROW, start);
	return expr != NULL ? tr_parse_expr_finish(p, expr, start, tr_parse_exprs_of(&args)) : NULL;
}

/* ---------------------------------------------------------------- {d '..'}, {t '..'}, {ts '..'}, {fn f(x)} */

/* The escapes of JDBC and ODBC; the functions that only they know, and what those are called here. */
static struct tr_ast_expr *parse_braces(struct tr_parser *p)
{
	static const struct {
		const char *word;
		enum tr_ast_literal_kind kind;
	} literals[] = {{"D", TR_AST_LITERAL_DATE}, {"T", TR_AST_LITERAL_TIME}, {"TS", TR_AST_LITERAL_TIMESTAMP}};
	uint32_t start = p->at;
	struct tr_ast_expr *expr = NULL;

	tr_parser_skip(p);
	if (tr_parser_is_text(p, 0, "FN")) {
		const char *other = tr_parser_is_text(p, 1, "LCASE") ? "LOWER" : "UPPER";
		struct tr_ast_name *name = TR_NEW(p->arena, struct tr_ast_name);

		tr_parser_skip(p);
		if (!tr_parser_is_text(p, 0, "LCASE") && !tr_parser_is_text(p, 0, "UCASE")) {
			expr = tr_parse_primary(p);
		} else {
			*name = (struct tr_ast_name){other, tr_token_span(tr_parser_peek(p, 0))};
			tr_parser_skip(p);
			if (!tr_parser_is(p, TR_TOKEN_LEFT_PAREN))
				tr_parser_fail_expected(p, "'('");
			else
				expr = tr_parse_call(p, (struct tr_ast_path){name->span, 1, name}, p->at - 1);
		}
	} else {
		for (uint32_t i = 0; i < TR_COUNT_OF(literals); i++) {
			if (!tr_parser_is_text(p, 0, literals[i].word))
				continue;
			tr_parser_skip(p);
			expr = parse_string_literal(p, literals[i].kind, start);
			break;
		}
		if (expr == NULL)
			tr_parser_fail_expected(p, "d, t, ts or fn after '{'");
	}
	if (expr == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_BRACE, ""))
		return NULL;
	return expr;
}

/* ---------------------------------------------------------------- columns, calls */

static struct tr_ast_expr *parse_niladic(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_path path;
	struct tr_ast_name *name = TR_NEW(p->arena, struct tr_ast_name);
	struct tr_ast_expr *expr;

	name->text = tr_keyword_text((enum tr_keyword)tr_parser_peek(p, 0)->keyword);
	name->span = tr_token_span(tr_parser_peek(p, 0));
	path = (struct tr_ast_path){name->span, 1, name};
	tr_parser_skip(p);
	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && tr_parser_peek(p, 1)->kind == TR_TOKEN_INTEGER) {
		tr_parser_fail(p, TR_E_NOT_SUPPORTED, name->span, "not supported yet: a precision of %s", name->text);
		return NULL;
	}
	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN) && tr_parser_peek(p, 1)->kind != TR_TOKEN_RIGHT_PAREN)
		return tr_parse_call(p, path, start);
	if (tr_parser_accept(p, TR_TOKEN_LEFT_PAREN))
		tr_parser_skip(p);
	expr = tr_parse_expr_new(p, TR_AST_EXPR_CALL, start);
	if (expr == NULL)
		return NULL;
	expr->call = TR_NEW(p->arena, struct tr_ast_call);
	expr->call->name = path;
	expr->call->is_niladic = true;
	return expr;
}

/* A function whose name is a reserved word: its name in upper case. */
static struct tr_ast_expr *parse_keyword_call(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_name *name = TR_NEW(p->arena, struct tr_ast_name);

	name->text = tr_keyword_text((enum tr_keyword)tr_parser_peek(p, 0)->keyword);
	name->span = tr_token_span(tr_parser_peek(p, 0));
	tr_parser_skip(p);
	return tr_parse_call(p, (struct tr_ast_path){name->span, 1, name}, start);
}

static struct tr_ast_expr *parse_column_or_call(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_path path;
	struct tr_ast_expr *expr;

	if (!tr_parser_path(p, "an expression", &path))
		return NULL;
	if (tr_parser_is(p, TR_TOKEN_LEFT_PAREN))
		return tr_parse_call(p, path, start);
	expr = tr_parse_expr_new(p, TR_AST_EXPR_COLUMN, start);
	if (expr != NULL)
		expr->path = path;
	return expr;
}

static struct tr_ast_expr *parse_word(struct tr_parser *p)
{
	const struct tr_token *token = tr_parser_peek(p, 0);
	uint8_t next = tr_parser_peek(p, 1)->kind;
	struct tr_ast_expr *expr;

	switch ((enum tr_keyword)token->keyword) {
	case TR_KW_NULL: return parse_constant(p, TR_AST_LITERAL_NULL, false);
	case TR_KW_UNKNOWN: return parse_constant(p, TR_AST_LITERAL_UNKNOWN, false);
	case TR_KW_TRUE: return parse_constant(p, TR_AST_LITERAL_BOOLEAN, true);
	case TR_KW_FALSE: return parse_constant(p, TR_AST_LITERAL_BOOLEAN, false);
	case TR_KW_CASE: return parse_case(p);
	case TR_KW_CAST: return parse_cast(p, false);
	case TR_KW_INTERVAL: return parse_interval(p);
	case TR_KW_ROW: return parse_constructor(p, TR_AST_EXPR_ROW);
	case TR_KW_ARRAY: return parse_constructor(p, TR_AST_EXPR_ARRAY);
	case TR_KW_MULTISET: return parse_constructor(p, TR_AST_EXPR_MULTISET);
	case TR_KW_EXISTS: {
		uint32_t start = p->at;

		tr_parser_skip(p);
		return parse_query_form(p, TR_AST_EXPR_EXISTS, start);
	}
	case TR_KW_DATE:
	case TR_KW_TIME:
	case TR_KW_TIMESTAMP:
		expr = parse_time_literal(p);
		if (expr != NULL || p->has_failed)
			return expr;
		break;
	case TR_KW_TRY_CAST:
		if (next == TR_TOKEN_LEFT_PAREN)
			return parse_cast(p, true);
		break;
	case TR_KW_MAP:
		if (next == TR_TOKEN_LEFT_BRACKET || (next == TR_TOKEN_LEFT_PAREN && tr_parse_is_query(p, 2)))
			return parse_constructor(p, TR_AST_EXPR_MAP);
		break;
	case TR_KW_PERIOD: /* PERIOD (a, b) is (a, b) */
		if (next != TR_TOKEN_LEFT_PAREN)
			break;
		tr_parser_skip(p);
		return parse_parens(p);
	case TR_KW_DEFAULT: {
		uint32_t start = p->at;

		tr_parser_skip(p);
		return tr_parse_expr_new(p, TR_AST_EXPR_DEFAULT, start);
	}
	default: break;
	}
	if (tr_keyword_is_niladic((enum tr_keyword)token->keyword))
		return parse_niladic(p);
	if (tr_keyword_is_function((enum tr_keyword)token->keyword) && next == TR_TOKEN_LEFT_PAREN)
		return parse_keyword_call(p);
	return parse_column_or_call(p);
}

static struct tr_ast_expr *parse_operand(struct tr_parser *p)
{
	uint32_t start = p->at;

	switch ((enum tr_token_kind)tr_parser_peek(p, 0)->kind) {
	case TR_TOKEN_WORD:
	case TR_TOKEN_QUOTED:
	case TR_TOKEN_UNICODE_NAME: return parse_word(p);
	case TR_TOKEN_STRING:
	case TR_TOKEN_UNICODE:
	case TR_TOKEN_CSTRING: return parse_string_literal(p, TR_AST_LITERAL_STRING, start);
	case TR_TOKEN_BINARY: return parse_binary_literal(p);
	case TR_TOKEN_INTEGER:
	case TR_TOKEN_DECIMAL:
	case TR_TOKEN_APPROX: return parse_number(p);
	case TR_TOKEN_LEFT_PAREN: return parse_parens(p);
	case TR_TOKEN_LEFT_BRACE: return parse_braces(p);
	case TR_TOKEN_QUESTION: tr_parser_skip(p); return tr_parse_expr_new(p, TR_AST_EXPR_PARAMETER, start);
	default: tr_parser_fail_expected(p, "an expression"); return NULL;
	}
}

/* .field and [index] behind an operand. */
struct tr_ast_expr *tr_parse_primary(struct tr_parser *p)
{
	uint32_t start = p->at;
	struct tr_ast_expr *expr = parse_operand(p);

	while (expr != NULL) {
		struct tr_list args = {0};
		struct tr_ast_expr *outer;

		if (tr_parser_accept(p, TR_TOKEN_DOT)) {
			outer = tr_parse_expr_new(p, TR_AST_EXPR_FIELD, start);
			if (outer == NULL || !tr_parser_name(p, "a field name after '.'", &outer->field.name))
				return NULL;
			outer->field.base = expr;
			outer->height = tr_parser_height(p, expr->height);
			outer->span = tr_parser_span(p, start);
			expr = outer->height != 0 ? outer : NULL;
		} else if (tr_parser_accept(p, TR_TOKEN_LEFT_BRACKET)) {
			struct tr_ast_expr *index = tr_parse_expr(p);

			if (index == NULL || !tr_parser_expect(p, TR_TOKEN_RIGHT_BRACKET, "after the index"))
				return NULL;
			*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = expr;
			*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = index;
			outer = tr_parse_expr_new(p, TR_AST_EXPR_ITEM, start);
			expr = outer != NULL ? tr_parse_expr_finish(p, outer, start, tr_parse_exprs_of(&args)) : NULL;
		} else {
			break;
		}
	}
	return expr;
}
