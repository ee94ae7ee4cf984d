/* SPDX-License-Identifier: Apache-2.0
 *
 * Lexer: the script's text as an array of tokens.
 *
 * A token is a kind, a keyword number and a span: 12 bytes; texts are decoded only when the parser asks. Words are
 * case-insensitive as keywords and case-sensitive as names; whether a word is one or the other is decided by the
 * parser from the context, except that a reserved word is never a name without back-quotes. Comments and white space
 * vanish; a hint comment stays, as HINT_START, ordinary tokens, HINT_END. The last token is always END. Errors go to
 * the diagnostics; a bad stretch becomes one token of kind BAD, so that the parser can go on at the next `;`.
 *
 * Strings under each other are one, as in the standard: 'a' and, on a later line, 'b' are the string 'ab', and one token.
 *
 * The keywords, reserved or not, stand in sql/keyword.def (the reserved ones are Calcite's plus Flink's).
 */
#ifndef TR_SQL_LEX_H
#define TR_SQL_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "sql/ast_expr.h"
#include "sql/diag.h"
#include "sql/script_text.h"

#define TR_KEYWORD_FREE 0 /* also a name */
#define TR_KEYWORD_RESERVED 1
#define TR_KEYWORD_FUNCTION 2 /* reserved, yet names a function */
#define TR_KEYWORD_NILADIC 3  /* reserved, a function without parentheses */

enum tr_token_kind {
	TR_TOKEN_END,
	TR_TOKEN_BAD,          /* was reported */
	TR_TOKEN_WORD,         /* keyword or name */
	TR_TOKEN_QUOTED,       /* `name` */
	TR_TOKEN_UNICODE_NAME, /* U&"..."; a UESCAPE clause belongs to the parser */
	TR_TOKEN_STRING,       /* '...', N'...', _utf8'...' */
	TR_TOKEN_UNICODE,      /* U&'...'; a UESCAPE clause belongs to the parser */
	TR_TOKEN_CSTRING,      /* E'...' */
	TR_TOKEN_BINARY,       /* X'...' */
	TR_TOKEN_INTEGER,
	TR_TOKEN_DECIMAL,
	TR_TOKEN_APPROX,
	TR_TOKEN_HINT_START, /* slash star plus */
	TR_TOKEN_HINT_END,   /* star slash, after a hint */
	TR_TOKEN_SEMICOLON,
	TR_TOKEN_COMMA,
	TR_TOKEN_DOT,
	TR_TOKEN_LEFT_PAREN,
	TR_TOKEN_RIGHT_PAREN,
	TR_TOKEN_LEFT_BRACKET,
	TR_TOKEN_RIGHT_BRACKET,
	TR_TOKEN_LEFT_BRACE,
	TR_TOKEN_RIGHT_BRACE,
	TR_TOKEN_EQUAL,
	TR_TOKEN_NOT_EQUAL /* <>; also !=, which was reported */,
	TR_TOKEN_LESS,
	TR_TOKEN_LESS_EQUAL,
	TR_TOKEN_GREATER,
	TR_TOKEN_GREATER_EQUAL,
	TR_TOKEN_PLUS,
	TR_TOKEN_MINUS,
	TR_TOKEN_STAR,
	TR_TOKEN_SLASH,
	TR_TOKEN_PERCENT,
	TR_TOKEN_CONCAT /* || */,
	TR_TOKEN_ARROW /* => */,
	TR_TOKEN_QUESTION,
	TR_TOKEN_COLON,
	TR_TOKEN_PIPE,
	TR_TOKEN_CARET,
	TR_TOKEN_KIND_COUNT
};

enum tr_keyword {
	TR_KEYWORD_NONE = 0,
#define TR_KEYWORD(name, class) TR_KW_##name,
#include "sql/keyword.def"
#undef TR_KEYWORD
	TR_KEYWORD_LIMIT
};

struct tr_token {
	uint8_t kind;     /* enum tr_token_kind */
	uint16_t keyword; /* enum tr_keyword of a WORD; else TR_KEYWORD_NONE */
	uint32_t start;
	uint32_t end;
};

struct tr_tokens {
	uint32_t count; /* >= 1: the last one is END */
	const struct tr_token *items;
};

/** All tokens of the text. Errors go to `diags`; the result is usable in any case. */
struct tr_tokens tr_lex(const struct tr_script_text *text, struct tr_arena *arena, struct tr_diags *diags);

/** What a token stands for: a name without quotes, a string without quotes and escapes, the bytes of X'..', the
 * digits of a number. NUL-terminated copy in `arena`. `escape` is the escape character of U&'..' and U&".." ('\\' by
 * default). False: a malformed escape, reported in `diags`. */
bool tr_token_decode(const struct tr_script_text *text, struct tr_token token, char escape, struct tr_arena *arena,
		     struct tr_diags *diags, struct tr_ast_string *out);

/** The keyword of a word, any case; TR_KEYWORD_NONE when it is none. */
enum tr_keyword tr_keyword_of(const char *text, uint32_t length);
const char *tr_keyword_text(enum tr_keyword keyword);
bool tr_keyword_is_reserved(enum tr_keyword keyword);
bool tr_keyword_is_function(enum tr_keyword keyword); /* reserved, yet names a function before a parenthesis */
bool tr_keyword_is_niladic(enum tr_keyword keyword);  /* reserved, a function without parentheses */

/** Whether a token's text continues on later lines by strings under it. */
bool tr_token_is_continued(const struct tr_script_text *text, struct tr_token token);

/** A token kind for messages: "a string", "','". */
const char *tr_token_kind_text(enum tr_token_kind kind);

#endif
