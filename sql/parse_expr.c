/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: operators by precedence climbing. The numbers are Calcite's, so that a script means here what it means
 * in Flink:
 *
 *     22 OR   24 AND   26 NOT   28 IS NULL, IS TRUE ...   30 = <> < <= > >=, IS DISTINCT FROM, OVERLAPS
 *     32 BETWEEN, IN, LIKE, SIMILAR   40 + -   60 * / % ||   80 unary + -
 *
 * parse_binary(p, least) takes an operand and then every operator that binds at least as tightly as `least`. A right
 * operand is parsed one step tighter, so chains lean left; AND and OR collect their operands in one flat node.
 */
#include "sql/parser.h"

enum precedence {
	PREC_OR = 22,
	PREC_AND = 24,
	PREC_NOT = 26,
	PREC_IS = 28,
	PREC_COMPARE = 30,
	PREC_PREDICATE = 32,
	PREC_ADD = 40,
	PREC_MULTIPLY = 60,
	PREC_UNARY = 80
};

static struct tr_ast_expr *parse_binary(struct tr_parser *p, int least);

/* ---------------------------------------------------------------- making nodes */

struct tr_ast_expr *tr_parse_expr_new(struct tr_parser *p, enum tr_ast_expr_kind kind, uint32_t start_token)
{
	struct tr_ast_expr *expr;

	if (++p->expr_count > TR_AST_EXPRS_MAX) {
		tr_parser_fail(p, TR_E_LIMIT, tr_token_span(&p->tokens[start_token]),
			       "this statement has more than %d expressions", TR_AST_EXPRS_MAX);
		return NULL;
	}
	expr = TR_NEW(p->arena, struct tr_ast_expr);
	expr->kind = kind;
	expr->height = 1;
	expr->span = tr_parser_span(p, start_token);
	return expr;
}

uint32_t tr_parse_exprs_height(struct tr_ast_exprs exprs)
{
	uint32_t height = 0;

	for (uint32_t i = 0; i < exprs.count; i++)
		height = TR_MAX(height, exprs.items[i]->height);
	return height;
}

uint32_t tr_parse_order_height(const struct tr_ast_order *order)
{
	uint32_t height = 0;

	for (uint32_t i = 0; i < order->count; i++)
		height = TR_MAX(height, order->items[i].expr->height);
	return height;
}

struct tr_ast_expr *tr_parse_expr_finish(struct tr_parser *p, struct tr_ast_expr *expr, uint32_t start_token,
					 struct tr_ast_exprs args)
{
	expr->args = args;
	expr->span = tr_parser_span(p, start_token);
	expr->height = tr_parser_height(p, TR_MAX(expr->height - 1u, tr_parse_exprs_height(args)));
	return expr->height != 0 ? expr : NULL;
}

struct tr_ast_expr *tr_parse_expr_query(struct tr_parser *p, enum tr_ast_expr_kind kind, uint32_t start_token,
					struct tr_ast_exprs args, struct tr_ast_query *query)
{
	struct tr_ast_expr *expr = tr_parse_expr_new(p, kind, start_token);

	if (expr == NULL || query == NULL)
		return NULL;
	expr->query = query;
	expr->height = tr_parser_height(p, query->height);
	return expr->height != 0 ? tr_parse_expr_finish(p, expr, start_token, args) : NULL;
}

struct tr_ast_exprs tr_parse_exprs_of(const struct tr_list *list)
{
	return (struct tr_ast_exprs){list->count, list->items};
}

static struct tr_ast_exprs exprs_of(struct tr_parser *p, struct tr_ast_expr *a, struct tr_ast_expr *b,
				    struct tr_ast_expr *c)
{
	struct tr_ast_expr **items = TR_NEW_ARRAY(p->arena, 3, struct tr_ast_expr *);

	items[0] = a;
	items[1] = b;
	items[2] = c;
	return (struct tr_ast_exprs){b == NULL ? 1 : c == NULL ? 2 : 3, items};
}

/* An operator over operands; its span reaches from the first operand to the last token taken. */
static struct tr_ast_expr *operation(struct tr_parser *p, enum tr_ast_expr_kind kind, enum tr_ast_op op,
				     uint32_t start_token, struct tr_span op_span, struct tr_ast_exprs args)
{
	struct tr_ast_expr *expr = tr_parse_expr_new(p, kind, start_token);

	if (expr == NULL)
		return NULL;
	expr->op = op;
	expr->op_span = op_span;
	return tr_parse_expr_finish(p, expr, start_token, args);
}

/* ---------------------------------------------------------------- predicates */

struct is_form {
	enum tr_keyword word;
	enum tr_ast_op op; /* IS NOT x is the next one */
};

static const struct is_form is_forms[] = {
	{TR_KW_NULL, TR_AST_OP_IS_NULL},        {TR_KW_TRUE, TR_AST_OP_IS_TRUE},
	{TR_KW_FALSE, TR_AST_OP_IS_FALSE},      {TR_KW_UNKNOWN, TR_AST_OP_IS_UNKNOWN},
	{TR_KW_VALUE, TR_AST_OP_IS_JSON_VALUE}, {TR_KW_SCALAR, TR_AST_OP_IS_JSON_SCALAR},
	{TR_KW_ARRAY, TR_AST_OP_IS_JSON_ARRAY}, {TR_KW_OBJECT, TR_AST_OP_IS_JSON_OBJECT},
};

static enum tr_ast_op is_form_op(struct tr_parser *p, bool is_json)
{
	for (uint32_t i = is_json ? 4 : 0; i < (is_json ? 8 : 4); i++)
		if (tr_parser_accept_word(p, is_forms[i].word))
			return is_forms[i].op;
	return is_json ? TR_AST_OP_IS_JSON : TR_AST_OP_NONE;
}

/* After the operand, at IS. */
static struct tr_ast_expr *parse_is(struct tr_parser *p, struct tr_ast_expr *left, uint32_t start_token)
{
	uint32_t op_token = p->at;
	bool is_not;
	enum tr_ast_op op;

	tr_parser_skip(p);
	is_not = tr_parser_accept_word(p, TR_KW_NOT);
	if (tr_parser_accept_words(p, TR_KW_DISTINCT, TR_KW_FROM)) {
		struct tr_span op_span = tr_parser_span(p, op_token);
		struct tr_ast_expr *right = parse_binary(p, PREC_COMPARE + 1);

		if (right == NULL)
			return NULL;
		return operation(p, TR_AST_EXPR_BINARY, is_not ? TR_AST_OP_IS_NOT_DISTINCT : TR_AST_OP_IS_DISTINCT,
				 start_token, op_span, exprs_of(p, left, right, NULL));
	}
	op = is_form_op(p, tr_parser_accept_word(p, TR_KW_JSON));
	if (op == TR_AST_OP_NONE) {
		tr_parser_fail_expected(p, "NULL, TRUE, FALSE, UNKNOWN, JSON or DISTINCT FROM after IS%s",
					is_not ? " NOT" : "");
		return NULL;
	}
	return operation(p, TR_AST_EXPR_UNARY, (enum tr_ast_op)(op + is_not), start_token, tr_parser_span(p, op_token),
			 exprs_of(p, left, NULL, NULL));
}

static struct tr_ast_expr *parse_between(struct tr_parser *p, struct tr_ast_expr *left, uint32_t start_token,
					 uint32_t op_token, bool is_negated)
{
	bool is_symmetric = tr_parser_accept_word(p, TR_KW_SYMMETRIC);
	struct tr_span op_span;
	struct tr_ast_expr *low, *high, *expr;

	if (!is_symmetric)
		tr_parser_accept_word(p, TR_KW_ASYMMETRIC);
	op_span = tr_parser_span(p, op_token);
	low = parse_binary(p, PREC_PREDICATE + 1);
	if (low == NULL || !tr_parser_expect_word(p, TR_KW_AND, "between the bounds of BETWEEN"))
		return NULL;
	high = parse_binary(p, PREC_PREDICATE + 1);
	if (high == NULL)
		return NULL;
	expr = operation(p, TR_AST_EXPR_BETWEEN, TR_AST_OP_NONE, start_token, op_span, exprs_of(p, left, low, high));
	if (expr != NULL) {
		expr->is_negated = is_negated;
		expr->is_symmetric = is_symmetric;
	}
	return expr;
}

/* ( query ) or ( expr, ... ) as the right side of IN and of = ANY; args begin with `left`. */
static struct tr_ast_expr *parse_list_or_query(struct tr_parser *p, enum tr_ast_expr_kind kind,
					       struct tr_ast_expr *left, uint32_t start_token, const char *after)
{
	struct tr_list args = {0};
	struct tr_ast_query *query = NULL;
	struct tr_ast_expr *expr;

	*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = left;
	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, after))
		return NULL;
	if (tr_parse_is_query(p, 0)) {
		query = tr_parse_query(p);
		if (query == NULL)
			return NULL;
	} else if (!tr_parse_expr_list(p, &args)) {
		return NULL;
	}
	if (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN)) {
		tr_parser_fail_expected(p, query != NULL ? "')' after the subquery" : "',' or ')' in the list");
		return NULL;
	}
	if (query != NULL)
		return tr_parse_expr_query(p, kind, start_token, tr_parse_exprs_of(&args), query);
	expr = tr_parse_expr_new(p, kind, start_token);
	return expr != NULL ? tr_parse_expr_finish(p, expr, start_token, tr_parse_exprs_of(&args)) : NULL;
}

static struct tr_ast_expr *parse_like(struct tr_parser *p, struct tr_ast_expr *left, uint32_t start_token,
				      uint32_t op_token, bool is_similar)
{
	struct tr_span op_span;
	struct tr_ast_expr *pattern, *escape = NULL, *expr;

	if (is_similar && !tr_parser_expect_word(p, TR_KW_TO, "after SIMILAR"))
		return NULL;
	op_span = tr_parser_span(p, op_token);
	pattern = parse_binary(p, PREC_PREDICATE + 1);
	if (pattern == NULL)
		return NULL;
	if (tr_parser_accept_word(p, TR_KW_ESCAPE)) {
		escape = parse_binary(p, PREC_PREDICATE + 1);
		if (escape == NULL)
			return NULL;
	}
	expr = operation(p, TR_AST_EXPR_LIKE, TR_AST_OP_NONE, start_token, op_span, exprs_of(p, left, pattern, escape));
	if (expr != NULL)
		expr->is_similar = is_similar;
	return expr;
}

static bool is_predicate_word(const struct tr_parser *p, uint32_t ahead)
{
	enum tr_keyword word = (enum tr_keyword)tr_parser_peek(p, ahead)->keyword;

	return word == TR_KW_BETWEEN || word == TR_KW_IN || word == TR_KW_LIKE || word == TR_KW_SIMILAR;
}

/* [NOT] BETWEEN, IN, LIKE, SIMILAR TO */
static struct tr_ast_expr *parse_predicate(struct tr_parser *p, struct tr_ast_expr *left, uint32_t start_token)
{
	uint32_t op_token = p->at;
	bool is_negated = tr_parser_accept_word(p, TR_KW_NOT);
	struct tr_ast_expr *expr;

	if (tr_parser_accept_word(p, TR_KW_BETWEEN))
		return parse_between(p, left, start_token, op_token, is_negated);
	if (tr_parser_accept_word(p, TR_KW_IN)) {
		struct tr_span op_span = tr_parser_span(p, op_token);

		expr = parse_list_or_query(p, TR_AST_EXPR_IN, left, start_token, "after IN");
		if (expr != NULL)
			expr->op_span = op_span;
	} else {
		bool is_similar = tr_parser_is_word(p, TR_KW_SIMILAR);

		tr_parser_skip(p);
		expr = parse_like(p, left, start_token, op_token, is_similar);
	}
	if (expr != NULL)
		expr->is_negated = is_negated;
	return expr;
}

/* ---------------------------------------------------------------- operators */

struct infix {
	enum tr_ast_op op;
	int precedence;
};

static struct infix infix_of(const struct tr_token *token)
{
	switch ((enum tr_token_kind)token->kind) {
	case TR_TOKEN_EQUAL: return (struct infix){TR_AST_OP_EQUAL, PREC_COMPARE};
	case TR_TOKEN_NOT_EQUAL: return (struct infix){TR_AST_OP_NOT_EQUAL, PREC_COMPARE};
	case TR_TOKEN_LESS: return (struct infix){TR_AST_OP_LESS, PREC_COMPARE};
	case TR_TOKEN_LESS_EQUAL: return (struct infix){TR_AST_OP_LESS_EQUAL, PREC_COMPARE};
	case TR_TOKEN_GREATER: return (struct infix){TR_AST_OP_GREATER, PREC_COMPARE};
	case TR_TOKEN_GREATER_EQUAL: return (struct infix){TR_AST_OP_GREATER_EQUAL, PREC_COMPARE};
	case TR_TOKEN_PLUS: return (struct infix){TR_AST_OP_ADD, PREC_ADD};
	case TR_TOKEN_MINUS: return (struct infix){TR_AST_OP_SUBTRACT, PREC_ADD};
	case TR_TOKEN_STAR: return (struct infix){TR_AST_OP_MULTIPLY, PREC_MULTIPLY};
	case TR_TOKEN_SLASH: return (struct infix){TR_AST_OP_DIVIDE, PREC_MULTIPLY};
	case TR_TOKEN_PERCENT: return (struct infix){TR_AST_OP_MODULO, PREC_MULTIPLY};
	case TR_TOKEN_CONCAT: return (struct infix){TR_AST_OP_CONCAT, PREC_MULTIPLY};
	default:
		if (token->keyword == TR_KW_OVERLAPS)
			return (struct infix){TR_AST_OP_OVERLAPS, PREC_COMPARE};
		return (struct infix){TR_AST_OP_NONE, 0};
	}
}

/* x op ANY (a, b) is x op a OR x op b, and ALL is AND: one of IN's forms, or the comparisons themselves. */
static struct tr_ast_expr *spread_quantified(struct tr_parser *p, struct tr_ast_expr *expr, uint32_t start_token)
{
	bool is_in = expr->op == (expr->is_all ? TR_AST_OP_NOT_EQUAL : TR_AST_OP_EQUAL);
	struct tr_list terms = {0};

	if (expr->query != NULL)
		return expr;
	if (is_in) {
		expr->kind = TR_AST_EXPR_IN;
		expr->is_negated = expr->is_all;
		expr->is_all = false;
		expr->op = TR_AST_OP_NONE;
		return expr;
	}
	for (uint32_t i = 1; i < expr->args.count; i++) {
		struct tr_ast_expr *term = operation(p, TR_AST_EXPR_BINARY, expr->op, start_token, expr->op_span,
						     exprs_of(p, expr->args.items[0], expr->args.items[i], NULL));

		if (term == NULL)
			return NULL;
		*TR_LIST_ADD(p, &terms, struct tr_ast_expr *) = term;
	}
	if (terms.count == 1)
		return ((struct tr_ast_expr **)terms.items)[0];
	return operation(p, expr->is_all ? TR_AST_EXPR_AND : TR_AST_EXPR_OR, TR_AST_OP_NONE, start_token, expr->op_span,
			 tr_parse_exprs_of(&terms));
}

static struct tr_ast_expr *parse_infix(struct tr_parser *p, struct tr_ast_expr *left, uint32_t start_token,
				       struct infix infix)
{
	struct tr_span op_span = tr_token_span(tr_parser_peek(p, 0));
	bool is_all = false, is_quantified;
	struct tr_ast_expr *right;

	tr_parser_skip(p);
	is_quantified = infix.precedence == PREC_COMPARE && tr_parser_peek(p, 1)->kind == TR_TOKEN_LEFT_PAREN &&
			((is_all = tr_parser_is_word(p, TR_KW_ALL)) || tr_parser_is_word(p, TR_KW_ANY) ||
			 tr_parser_is_word(p, TR_KW_SOME));
	if (is_quantified) {
		tr_parser_skip(p);
		right = parse_list_or_query(p, TR_AST_EXPR_QUANTIFIED, left, start_token, "after the quantifier");
		if (right != NULL) {
			right->op = infix.op;
			right->op_span = op_span;
			right->is_all = is_all;
			right = spread_quantified(p, right, start_token);
		}
		return right;
	}
	right = parse_binary(p, infix.precedence + 1);
	if (right == NULL) {
		if (infix.op == TR_AST_OP_EQUAL && tr_parser_is(p, TR_TOKEN_EQUAL))
			tr_parser_hint(p, "write = once to compare");
		return NULL;
	}
	return operation(p, TR_AST_EXPR_BINARY, infix.op, start_token, op_span, exprs_of(p, left, right, NULL));
}

/* a AND b AND c: one node. At the first AND (or OR). */
static struct tr_ast_expr *parse_flat(struct tr_parser *p, struct tr_ast_expr *left, uint32_t start_token,
				      enum tr_keyword word)
{
	bool is_and = word == TR_KW_AND;
	struct tr_span op_span = tr_token_span(tr_parser_peek(p, 0));
	struct tr_list args = {0};

	*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = left;
	while (tr_parser_accept_word(p, word)) {
		struct tr_ast_expr *right = parse_binary(p, (is_and ? PREC_AND : PREC_OR) + 1);

		if (right == NULL)
			return NULL;
		*TR_LIST_ADD(p, &args, struct tr_ast_expr *) = right;
	}
	return operation(p, is_and ? TR_AST_EXPR_AND : TR_AST_EXPR_OR, TR_AST_OP_NONE, start_token, op_span,
			 tr_parse_exprs_of(&args));
}

static struct tr_ast_expr *parse_prefix(struct tr_parser *p)
{
	uint32_t start_token = p->at;
	const struct tr_token *token = tr_parser_peek(p, 0);
	enum tr_ast_op op = token->keyword == TR_KW_NOT     ? TR_AST_OP_NOT
			    : token->kind == TR_TOKEN_MINUS ? TR_AST_OP_NEGATE
			    : token->kind == TR_TOKEN_PLUS  ? TR_AST_OP_PLUS
							    : TR_AST_OP_NONE;
	struct tr_ast_expr *operand;

	if (op == TR_AST_OP_NONE)
		return tr_parse_primary(p);
	if (!tr_parser_enter(p))
		return NULL;
	tr_parser_skip(p);
	operand = op == TR_AST_OP_NOT ? parse_binary(p, PREC_NOT) : parse_prefix(p);
	tr_parser_leave(p);
	if (operand == NULL)
		return NULL;
	return operation(p, TR_AST_EXPR_UNARY, op, start_token, tr_token_span(token), exprs_of(p, operand, NULL, NULL));
}

static struct tr_ast_expr *parse_binary(struct tr_parser *p, int least)
{
	uint32_t start_token = p->at;
	struct tr_ast_expr *left = parse_prefix(p);

	while (left != NULL) {
		const struct tr_token *token = tr_parser_peek(p, 0);
		struct infix infix = infix_of(token);
		bool is_not = token->keyword == TR_KW_NOT;

		if (infix.op != TR_AST_OP_NONE) {
			if (infix.precedence < least)
				break;
			left = parse_infix(p, left, start_token, infix);
		} else if (token->keyword == TR_KW_AND && least <= PREC_AND) {
			left = parse_flat(p, left, start_token, TR_KW_AND);
		} else if (token->keyword == TR_KW_OR && least <= PREC_OR) {
			left = parse_flat(p, left, start_token, TR_KW_OR);
		} else if (token->keyword == TR_KW_IS) {
			bool is_distinct =
				tr_parser_is_word_at(p, 1, TR_KW_DISTINCT) ||
				(tr_parser_is_word_at(p, 1, TR_KW_NOT) && tr_parser_is_word_at(p, 2, TR_KW_DISTINCT));
			if ((is_distinct ? PREC_COMPARE : PREC_IS) < least)
				break;
			left = parse_is(p, left, start_token);
		} else if (least <= PREC_PREDICATE && is_predicate_word(p, is_not)) {
			left = parse_predicate(p, left, start_token);
		} else {
			break;
		}
	}
	return left;
}

/* ---------------------------------------------------------------- entrances */

struct tr_ast_expr *tr_parse_expr(struct tr_parser *p)
{
	struct tr_ast_expr *expr;

	if (!tr_parser_enter(p))
		return NULL;
	expr = parse_binary(p, 0);
	tr_parser_leave(p);
	return expr;
}

struct tr_ast_expr *tr_parse_expr_additive(struct tr_parser *p)
{
	struct tr_ast_expr *expr;

	if (!tr_parser_enter(p))
		return NULL;
	expr = parse_binary(p, PREC_PREDICATE + 1);
	tr_parser_leave(p);
	return expr;
}

bool tr_parse_expr_list(struct tr_parser *p, struct tr_list *exprs)
{
	do {
		struct tr_ast_expr *expr = tr_parse_expr(p);

		if (expr == NULL)
			return false;
		*TR_LIST_ADD(p, exprs, struct tr_ast_expr *) = expr;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	return true;
}
