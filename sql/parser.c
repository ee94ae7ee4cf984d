/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's vocabulary: looking at tokens, taking them, and saying what was expected. Messages name the thing that
 * was expected in the user's terms; where a word looks like a misspelled keyword the hint says so, and where a
 * reserved word stands in a name's place it says how to quote it.
 */
#include "sql/parser.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

#define FOUND_BYTES_MAX 40 /* of a token that a message quotes */

void tr_parser_init(struct tr_parser *p, const struct tr_script_text *text, struct tr_arena *arena,
		    struct tr_diags *diags)
{
	struct tr_tokens tokens = tr_lex(text, arena, diags);

	memset(p, 0, sizeof(*p));
	p->text = text;
	p->arena = arena;
	p->diags = diags;
	p->tokens = tokens.items;
	p->count = tokens.count;
}

void *tr_list_add(struct tr_arena *arena, struct tr_list *list, size_t size)
{
	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
		void *grown = tr_arena_array(arena, capacity, size);

		if (list->count > 0)
			memcpy(grown, list->items, list->count * size);
		list->items = grown;
		list->capacity = capacity;
	}
	return (char *)list->items + size * list->count++;
}

bool tr_parser_accept(struct tr_parser *p, enum tr_token_kind kind)
{
	if (!tr_parser_is(p, kind))
		return false;
	tr_parser_skip(p);
	return true;
}

bool tr_parser_accept_word(struct tr_parser *p, enum tr_keyword keyword)
{
	if (!tr_parser_is_word(p, keyword))
		return false;
	tr_parser_skip(p);
	return true;
}

bool tr_parser_accept_words(struct tr_parser *p, enum tr_keyword first, enum tr_keyword second)
{
	if (!tr_parser_is_words(p, first, second))
		return false;
	tr_parser_skip(p);
	tr_parser_skip(p);
	return true;
}

bool tr_parser_is_text(const struct tr_parser *p, uint32_t ahead, const char *upper)
{
	const struct tr_token *token = tr_parser_peek(p, ahead);
	uint32_t length = (uint32_t)strlen(upper);

	return token->kind == TR_TOKEN_WORD && token->end - token->start == length &&
	       strncasecmp(p->text->text + token->start, upper, length) == 0;
}

struct tr_span tr_token_span(const struct tr_token *token) { return (struct tr_span){token->start, token->end}; }

struct tr_span tr_parser_span(const struct tr_parser *p, uint32_t start)
{
	uint32_t last = p->at > start ? p->at - 1 : start;

	return (struct tr_span){p->tokens[start].start, p->tokens[last].end};
}

struct tr_ast_string tr_parser_text(struct tr_parser *p, struct tr_span span)
{
	const char *text = tr_arena_strndup(p->arena, p->text->text + span.start, span.end - span.start);

	return (struct tr_ast_string){span, text, span.end - span.start};
}

/* ---------------------------------------------------------------- errors */

/* The token in quotes, cut and without line breaks. */
static const char *found_text(struct tr_parser *p, const struct tr_token *token)
{
	uint32_t length = token->end - token->start;
	const char *text = p->text->text + token->start;
	char *copy;

	if (token->kind == TR_TOKEN_END)
		return tr_token_kind_text(TR_TOKEN_END);
	if (length > FOUND_BYTES_MAX) {
		length = FOUND_BYTES_MAX;
		while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
			length--;
		copy = tr_arena_printf(p->arena, "%.*s...", (int)length, text);
	} else {
		copy = tr_arena_strndup(p->arena, text, length);
	}
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			*c = ' ';
	if (token->kind >= TR_TOKEN_STRING && token->kind <= TR_TOKEN_BINARY)
		return tr_arena_printf(p->arena, "the string %s", copy);
	return tr_arena_printf(p->arena, "'%s'", copy);
}

static bool is_clause_word(enum tr_keyword keyword)
{
	static const enum tr_keyword words[] = {
		TR_KW_SELECT, TR_KW_FROM,      TR_KW_WHERE,  TR_KW_GROUP,  TR_KW_HAVING, TR_KW_ORDER, TR_KW_LIMIT,
		TR_KW_UNION,  TR_KW_INTERSECT, TR_KW_EXCEPT, TR_KW_ON,     TR_KW_JOIN,   TR_KW_AS,    TR_KW_WITH,
		TR_KW_AND,    TR_KW_OR,        TR_KW_CREATE, TR_KW_INSERT, TR_KW_END,    TR_KW_WHEN,  TR_KW_THEN,
		TR_KW_ELSE,   TR_KW_INTO,      TR_KW_INNER,  TR_KW_LEFT,   TR_KW_RIGHT,  TR_KW_FULL,  TR_KW_CROSS,
		TR_KW_BY,     TR_KW_WINDOW,    TR_KW_USING,
	};

	for (uint32_t i = 0; i < TR_COUNT_OF(words); i++)
		if (words[i] == keyword)
			return true;
	return false;
}

static void hint_misspelled(struct tr_parser *p, const struct tr_token *token)
{
	static const char *const words[] = {
		"SELECT",  "FROM",     "WHERE",     "GROUP",     "HAVING",   "ORDER",       "LIMIT",
		"UNION",   "INSERT",   "INTO",      "CREATE",    "TABLE",    "VIEW",        "VALUES",
		"EXPLAIN", "EXECUTE",  "STATEMENT", "WATERMARK", "PRIMARY",  "PARTITIONED", "PARTITION",
		"BETWEEN", "DISTINCT", "INTERVAL",  "ENFORCED",  "METADATA", "TEMPORARY",   "DESCRIBE",
		"JOIN",    "WITH",     "BEGIN",     "SHOW",      "DROP",     "ALTER",
	};
	const char *text, *nearest;

	if (token->kind != TR_TOKEN_WORD || token->keyword != TR_KEYWORD_NONE || token->end - token->start < 3)
		return;
	text = tr_arena_strndup(p->arena, p->text->text + token->start, token->end - token->start);
	nearest = tr_suggest_nearest(text, words, TR_COUNT_OF(words));
	if (nearest != NULL)
		tr_diag_hint(p->diags, "did you mean %s instead of '%s'?", nearest, text);
}

bool tr_parser_fail_expected(struct tr_parser *p, const char *format, ...)
{
	const struct tr_token *token = tr_parser_peek(p, 0);
	const char *what;
	va_list args;

	if (p->has_failed)
		return false;
	p->has_failed = true;
	if (token->kind == TR_TOKEN_BAD)
		return false; /* the lexer has said it */
	va_start(args, format);
	what = tr_arena_vprintf(p->arena, format, args);
	va_end(args);
	tr_diag_error(p->diags, TR_E_SYNTAX, tr_token_span(token), "expected %s, found %s", what, found_text(p, token));
	if (token->kind == TR_TOKEN_HINT_START)
		tr_diag_hint(p->diags, "hints stand after SELECT, after a table's name, or after the target of INSERT");
	if (p->at > 0)
		hint_misspelled(p, &p->tokens[p->at - 1]);
	hint_misspelled(p, token);
	return false;
}

bool tr_parser_fail(struct tr_parser *p, const char *code, struct tr_span span, const char *format, ...)
{
	va_list args;

	if (p->has_failed)
		return false;
	p->has_failed = true;
	va_start(args, format);
	tr_diag_error(p->diags, code, span, "%s", tr_arena_vprintf(p->arena, format, args));
	va_end(args);
	return false;
}

void tr_parser_hint(struct tr_parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tr_diag_hint(p->diags, "%s", tr_arena_vprintf(p->arena, format, args));
	va_end(args);
}

bool tr_parser_enter(struct tr_parser *p)
{
	if (p->depth < TR_AST_NESTING_MAX) {
		p->depth++;
		return true;
	}
	return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
			      "this is nested more than %d levels deep", TR_AST_NESTING_MAX);
}

void tr_parser_leave(struct tr_parser *p)
{
	TR_ASSERT(p->depth > 0);
	p->depth--;
}

uint16_t tr_parser_height(struct tr_parser *p, uint32_t height)
{
	if (height < TR_AST_HEIGHT_MAX)
		return (uint16_t)(height + 1);
	tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
		       "more than %d operators, joins or set operations follow each other in one chain",
		       TR_AST_HEIGHT_MAX);
	return 0;
}

bool tr_parser_expect(struct tr_parser *p, enum tr_token_kind kind, const char *after)
{
	if (tr_parser_accept(p, kind))
		return true;
	return tr_parser_fail_expected(p, "%s%s%s", tr_token_kind_text(kind), *after != '\0' ? " " : "", after);
}

bool tr_parser_expect_word(struct tr_parser *p, enum tr_keyword keyword, const char *after)
{
	if (tr_parser_accept_word(p, keyword))
		return true;
	return tr_parser_fail_expected(p, "%s%s%s", tr_keyword_text(keyword), *after != '\0' ? " " : "", after);
}

/* ---------------------------------------------------------------- names and literals */

bool tr_parser_is_name_at(const struct tr_parser *p, uint32_t ahead)
{
	const struct tr_token *token = tr_parser_peek(p, ahead);

	return token->kind == TR_TOKEN_QUOTED || token->kind == TR_TOKEN_UNICODE_NAME ||
	       (token->kind == TR_TOKEN_WORD && !tr_keyword_is_reserved((enum tr_keyword)token->keyword));
}

static bool fail_name(struct tr_parser *p, const char *what)
{
	const struct tr_token *token = tr_parser_peek(p, 0);
	const char *text;

	if (token->kind != TR_TOKEN_WORD || is_clause_word((enum tr_keyword)token->keyword) || p->has_failed)
		return tr_parser_fail_expected(p, "%s", what);
	p->has_failed = true;
	text = tr_parser_text(p, tr_token_span(token)).text;
	tr_diag_error(p->diags, TR_E_RESERVED, tr_token_span(token), "expected %s, found the reserved word '%s'", what,
		      text);
	tr_diag_hint(p->diags, "to use it as a name, write it in back-quotes: `%s`", text);
	return false;
}

/* [UESCAPE 'c'] behind U&'..' and U&"..". */
static bool parse_escape(struct tr_parser *p, char *escape)
{
	struct tr_ast_string text;

	if (!tr_parser_accept_word(p, TR_KW_UESCAPE))
		return true;
	if (!tr_parser_string(p, "the escape character after UESCAPE, like '!'", &text))
		return false;
	if (text.length != 1 || strchr("+'\" ", text.text[0]) != NULL)
		return tr_parser_fail(p, TR_E_LITERAL, text.span,
				      "the escape character must be one ASCII character that is no quote, plus or "
				      "space");
	*escape = text.text[0];
	return true;
}

bool tr_parser_name(struct tr_parser *p, const char *what, struct tr_ast_name *out)
{
	struct tr_token token = *tr_parser_peek(p, 0);
	struct tr_ast_string text;
	char escape = '\\';

	if (!tr_parser_is_name_at(p, 0))
		return fail_name(p, what);
	tr_parser_skip(p);
	if (token.kind == TR_TOKEN_UNICODE_NAME && !parse_escape(p, &escape))
		return false;
	if (!tr_token_decode(p->text, token, escape, p->arena, p->diags, &text)) {
		p->has_failed = true;
		return false;
	}
	if (text.length == 0)
		return tr_parser_fail(p, TR_E_SYNTAX, text.span, "a name must not be empty");
	*out = (struct tr_ast_name){text.text, text.span};
	return true;
}

const struct tr_ast_name *tr_parser_name_new(struct tr_parser *p, const char *what)
{
	struct tr_ast_name *name = TR_NEW(p->arena, struct tr_ast_name);

	return tr_parser_name(p, what, name) ? name : NULL;
}

bool tr_parser_path(struct tr_parser *p, const char *what, struct tr_ast_path *out)
{
	struct tr_list names = {0};
	uint32_t start = p->at;

	if (!tr_parser_name(p, what, TR_LIST_ADD(p, &names, struct tr_ast_name)))
		return false;
	while (tr_parser_is(p, TR_TOKEN_DOT)) {
		tr_parser_skip(p);
		if (!tr_parser_name(p, "a name after '.'", TR_LIST_ADD(p, &names, struct tr_ast_name)))
			return false;
	}
	*out = (struct tr_ast_path){tr_parser_span(p, start), names.count, names.items};
	return true;
}

bool tr_parser_names(struct tr_parser *p, const char *what, struct tr_ast_names *out)
{
	struct tr_list names = {0};

	if (!tr_parser_expect(p, TR_TOKEN_LEFT_PAREN, ""))
		return false;
	do {
		if (names.count == TR_COLUMNS_MAX)
			return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(tr_parser_peek(p, 0)),
					      "more than %d names in one list", TR_COLUMNS_MAX);
		if (!tr_parser_name(p, what, TR_LIST_ADD(p, &names, struct tr_ast_name)))
			return false;
	} while (tr_parser_accept(p, TR_TOKEN_COMMA));
	if (!tr_parser_accept(p, TR_TOKEN_RIGHT_PAREN))
		return tr_parser_fail_expected(p, "',' or ')' after a name");
	*out = (struct tr_ast_names){names.count, names.items};
	return true;
}

bool tr_parser_is_string(const struct tr_parser *p)
{
	uint8_t kind = tr_parser_peek(p, 0)->kind;

	return kind == TR_TOKEN_STRING || kind == TR_TOKEN_UNICODE || kind == TR_TOKEN_CSTRING;
}

bool tr_parser_string(struct tr_parser *p, const char *what, struct tr_ast_string *out)
{
	struct tr_token token = *tr_parser_peek(p, 0);
	char escape = '\\';

	if (!tr_parser_is_string(p))
		return tr_parser_fail_expected(p, "%s", what);
	tr_parser_skip(p);
	if (token.kind == TR_TOKEN_UNICODE && !parse_escape(p, &escape))
		return false;
	if (!tr_token_decode(p->text, token, escape, p->arena, p->diags, out)) {
		p->has_failed = true;
		return false;
	}
	return true;
}

const struct tr_ast_string *tr_parser_string_new(struct tr_parser *p, const char *what)
{
	struct tr_ast_string *string = TR_NEW(p->arena, struct tr_ast_string);

	return tr_parser_string(p, what, string) ? string : NULL;
}

bool tr_parser_integer(struct tr_parser *p, const char *what, int64_t max, int64_t *out)
{
	const struct tr_token *token = tr_parser_peek(p, 0);
	int64_t value = 0;

	if (token->kind != TR_TOKEN_INTEGER)
		return tr_parser_fail_expected(p, "%s", what);
	for (uint32_t i = token->start; i < token->end; i++) {
		value = value * 10 + (p->text->text[i] - '0');
		if (value > max)
			return tr_parser_fail(p, TR_E_LIMIT, tr_token_span(token), "%s must be at most %lld", what,
					      (long long)max);
	}
	tr_parser_skip(p);
	*out = value;
	return true;
}

bool tr_parser_skip_parens(struct tr_parser *p)
{
	uint32_t open = p->at - 1, depth = 1;

	while (depth > 0) {
		uint8_t kind = tr_parser_peek(p, 0)->kind;

		if (kind == TR_TOKEN_END || kind == TR_TOKEN_SEMICOLON)
			return tr_parser_fail(p, TR_E_SYNTAX, tr_token_span(&p->tokens[open]),
					      "this parenthesis is not closed");
		if (kind == TR_TOKEN_BAD)
			return tr_parser_fail_expected(p, "')'");
		depth += (kind == TR_TOKEN_LEFT_PAREN) - (kind == TR_TOKEN_RIGHT_PAREN);
		tr_parser_skip(p);
	}
	return true;
}
