/* SPDX-License-Identifier: Apache-2.0
 *
 * Parser state and vocabulary, shared by the parse_*.c files; nobody else includes this.
 *
 *     parse_statement.c -> parse_table.c   CREATE TABLE
 *                       -> parse_utility.c DROP, SHOW, SET ...
 *                       -> parse_query.c   SELECT, VALUES, UNION ...  -> parse_from.c     FROM and joins
 *                            -> parse_expr.c      operators           -> parse_primary.c  literals, CASE, CAST ...
 *                                                                     -> parse_call.c     functions, OVER
 *                                                                          -> parse_json.c  words of JSON functions
 *                       -> parse_type.c    types
 *
 * A parse function that fails has reported the error (once per statement: later ones are swallowed), and returns
 * NULL or false, which its callers pass on at once up to the statement, where parsing goes on after the next `;`.
 * What stands at p->at is the next token; functions consume exactly what they return.
 *
 * Recursion is bounded by tr_parser_enter (every construct that can hold itself), and the height of left-leaning
 * chains, which need no recursion to be parsed but to be walked, by tr_parser_height.
 */
#ifndef TR_SQL_PARSER_H
#define TR_SQL_PARSER_H

#include "base/arena.h"
#include "base/check.h"
#include "sql/ast.h"
#include "sql/diag.h"
#include "sql/lex.h"

struct tr_parser {
	const struct tr_script_text *text;
	struct tr_arena *arena;
	struct tr_diags *diags;
	const struct tr_token *tokens;
	uint32_t count;
	uint32_t at;
	uint32_t depth;       /* of nesting constructs that are open */
	uint32_t expr_count;  /* of this statement */
	uint32_t table_count; /* references of this statement */
	bool has_failed;      /* this statement has reported its error */
};

/** A growing array in the arena. */
struct tr_list {
	void *items;
	uint32_t count;
	uint32_t capacity;
};

void tr_parser_init(struct tr_parser *p, const struct tr_script_text *text, struct tr_arena *arena,
		    struct tr_diags *diags);

/* ---------------------------------------------------------------- tokens */

static inline const struct tr_token *tr_parser_peek(const struct tr_parser *p, uint32_t ahead)
{
	uint32_t at = p->at + ahead;

	return &p->tokens[at < p->count ? at : p->count - 1];
}

static inline bool tr_parser_is(const struct tr_parser *p, enum tr_token_kind kind)
{
	return tr_parser_peek(p, 0)->kind == kind;
}

static inline bool tr_parser_is_word(const struct tr_parser *p, enum tr_keyword keyword)
{
	return tr_parser_peek(p, 0)->keyword == keyword;
}

static inline bool tr_parser_is_word_at(const struct tr_parser *p, uint32_t ahead, enum tr_keyword keyword)
{
	return tr_parser_peek(p, ahead)->keyword == keyword;
}

/** Two words in a row. */
static inline bool tr_parser_is_words(const struct tr_parser *p, enum tr_keyword first, enum tr_keyword second)
{
	return tr_parser_is_word(p, first) && tr_parser_is_word_at(p, 1, second);
}

/** Consumes one token (never the END). */
static inline void tr_parser_skip(struct tr_parser *p)
{
	if (p->at + 1 < p->count)
		p->at++;
}

bool tr_parser_accept(struct tr_parser *p, enum tr_token_kind kind);
bool tr_parser_accept_word(struct tr_parser *p, enum tr_keyword keyword);
bool tr_parser_accept_words(struct tr_parser *p, enum tr_keyword first, enum tr_keyword second);

/** Consumes the token or fails: "expected ')' AFTER, found 'x'"; `after` like "after the column list", or "". */
bool tr_parser_expect(struct tr_parser *p, enum tr_token_kind kind, const char *after);
bool tr_parser_expect_word(struct tr_parser *p, enum tr_keyword keyword, const char *after);

/** A word that is no keyword of the grammar's table, compared without case ("MODULES"). */
bool tr_parser_is_text(const struct tr_parser *p, uint32_t ahead, const char *upper);

/* ---------------------------------------------------------------- errors */

/** "expected WHAT, found 'x'" at the next token. Always false, so that one may return it. */
bool tr_parser_fail_expected(struct tr_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Any error at `span`. Always false. */
bool tr_parser_fail(struct tr_parser *p, const char *code, struct tr_span span, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** A hint for the failure just reported. */
void tr_parser_hint(struct tr_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Opens a nesting construct; false: too deep, reported. Pair with tr_parser_leave. */
bool tr_parser_enter(struct tr_parser *p);
void tr_parser_leave(struct tr_parser *p);

/** One more than `height`; 0: the tree is too high, reported. */
uint16_t tr_parser_height(struct tr_parser *p, uint32_t height);

/* ---------------------------------------------------------------- words, lists */

/** From the start of token `start` to the end of the last one consumed. */
struct tr_span tr_parser_span(const struct tr_parser *p, uint32_t start);
struct tr_span tr_token_span(const struct tr_token *token);

/** Whether the token can be a name: quoted, or a word that is not reserved. */
bool tr_parser_is_name_at(const struct tr_parser *p, uint32_t ahead);

/** An identifier; `what` completes "expected ...": "a table name after FROM". */
bool tr_parser_name(struct tr_parser *p, const char *what, struct tr_ast_name *out);
const struct tr_ast_name *tr_parser_name_new(struct tr_parser *p, const char *what);
bool tr_parser_path(struct tr_parser *p, const char *what, struct tr_ast_path *out);

/** ( name, name, ... ) */
bool tr_parser_names(struct tr_parser *p, const char *what, struct tr_ast_names *out);

/** '...' in any of its forms. */
bool tr_parser_string(struct tr_parser *p, const char *what, struct tr_ast_string *out);
const struct tr_ast_string *tr_parser_string_new(struct tr_parser *p, const char *what);
bool tr_parser_is_string(const struct tr_parser *p);

/** Digits, 0 .. max. */
bool tr_parser_integer(struct tr_parser *p, const char *what, int64_t max, int64_t *out);

/** The text of a span, in the arena. */
struct tr_ast_string tr_parser_text(struct tr_parser *p, struct tr_span span);

/** Skips to the closing parenthesis of one that was just consumed and consumes it; false: reported. */
bool tr_parser_skip_parens(struct tr_parser *p);

/** A zeroed new element of `size` bytes at the end of `list`. */
void *tr_list_add(struct tr_arena *arena, struct tr_list *list, size_t size);
#define TR_LIST_ADD(p, list, type) ((type *)tr_list_add((p)->arena, (list), sizeof(type)))

/* ---------------------------------------------------------------- the grammar */

/** parse_expr.c */
struct tr_ast_expr *tr_parse_expr(struct tr_parser *p);
struct tr_ast_expr *tr_parse_expr_additive(struct tr_parser *p);     /* binds tighter than IN and AND */
bool tr_parse_expr_list(struct tr_parser *p, struct tr_list *exprs); /* a, b, ... appended */
struct tr_ast_exprs tr_parse_exprs_of(const struct tr_list *list);
struct tr_ast_expr *tr_parse_expr_new(struct tr_parser *p, enum tr_ast_expr_kind kind, uint32_t start_token);
/** Sets args, height and the end of the span; NULL: too high. */
struct tr_ast_expr *tr_parse_expr_finish(struct tr_parser *p, struct tr_ast_expr *expr, uint32_t start_token,
					 struct tr_ast_exprs args);
struct tr_ast_expr *tr_parse_expr_query(struct tr_parser *p, enum tr_ast_expr_kind kind, uint32_t start_token,
					struct tr_ast_exprs args, struct tr_ast_query *query);
uint32_t tr_parse_exprs_height(struct tr_ast_exprs exprs);
uint32_t tr_parse_order_height(const struct tr_ast_order *order);

/** parse_primary.c */
struct tr_ast_expr *tr_parse_primary(struct tr_parser *p);

/** parse_call.c */
struct tr_ast_expr *tr_parse_call(struct tr_parser *p, struct tr_ast_path name, uint32_t start_token);
struct tr_ast_expr *tr_parse_symbol(struct tr_parser *p, const char *what);
enum tr_ast_time_unit tr_parse_unit_at(const struct tr_parser *p, uint32_t ahead);
bool tr_parse_order_by(struct tr_parser *p, struct tr_ast_order *out); /* after ORDER BY */
bool tr_parse_window(struct tr_parser *p, struct tr_ast_window *out);  /* ( ... ) */
struct tr_ast_expr *tr_parse_descriptor(struct tr_parser *p);
struct tr_ast_expr *tr_parse_table_arg(struct tr_parser *p);

/** parse_json.c */
bool tr_parse_is_json(enum tr_keyword function);
bool tr_parse_json_pairs(struct tr_parser *p, struct tr_list *args); /* KEY k VALUE v, .. of JSON_OBJECT */
const struct tr_ast_json *tr_parse_json(struct tr_parser *p, enum tr_keyword function); /* up to ')' */
uint32_t tr_parse_json_height(const struct tr_ast_json *json);

/** parse_type.c */
struct tr_ast_type *tr_parse_type(struct tr_parser *p);

/** parse_query.c */
bool tr_parse_is_query(const struct tr_parser *p, uint32_t ahead); /* SELECT, WITH, VALUES, TABLE t */
struct tr_ast_query *tr_parse_query(struct tr_parser *p);
struct tr_ast_query *tr_parse_query_rest(struct tr_parser *p, struct tr_ast_query *left, uint32_t start_token);
bool tr_parse_is_query_rest(const struct tr_parser *p);             /* UNION .., ORDER BY, LIMIT .. */
bool tr_parse_hints(struct tr_parser *p, struct tr_ast_hints *out); /* none, or one comment */

/** parse_from.c */
struct tr_ast_table_ref *tr_parse_from(struct tr_parser *p);

/** parse_table.c */
bool tr_parse_create_table(struct tr_parser *p, struct tr_ast_create_table *out); /* from the name on */
bool tr_parse_options(struct tr_parser *p, struct tr_ast_options *out);           /* after WITH */

/** parse_utility.c */
bool tr_parse_drop(struct tr_parser *p, struct tr_ast_drop *out);
bool tr_parse_show(struct tr_parser *p, struct tr_ast_show *out);
bool tr_parse_use(struct tr_parser *p, struct tr_ast_use *out);
bool tr_parse_describe(struct tr_parser *p, struct tr_ast_describe *out);
bool tr_parse_set(struct tr_parser *p, bool is_reset, struct tr_ast_set *out);
bool tr_parse_other(struct tr_parser *p, uint32_t start_token, struct tr_ast_other *out);

#endif
