/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass, one switch on the first byte of a token. The text is valid UTF-8 without NUL bytes and ends with a NUL
 * (tr_script_text_make saw to it), so reading one byte ahead is always allowed. Errors that a user is likely to make
 * get their own words: quotes from a word processor, double quotes, `==`, `::`, names that begin with a digit.
 */
#include "sql/lex.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

struct lexer {
	const char *p;
	uint32_t length;
	uint32_t at;
	struct tr_diags *diags;
	struct tr_token *items;
	uint32_t count;
	bool is_in_hint;
	uint32_t hint_start;
};

static const char *const keyword_texts[TR_KEYWORD_LIMIT] = {
	"",
#define TR_KEYWORD(name, class) #name,
#include "sql/keyword.def"
#undef TR_KEYWORD
};

static const uint8_t keyword_classes[TR_KEYWORD_LIMIT] = {
	TR_KEYWORD_FREE,
#define TR_KEYWORD(name, class) class,
#include "sql/keyword.def"
#undef TR_KEYWORD
};

static const char *const kind_texts[TR_TOKEN_KIND_COUNT] = {
	"the end of the script",
	"this",
	"a word",
	"a name",
	"a name",
	"a string",
	"a string",
	"a string",
	"a binary string",
	"a number",
	"a number",
	"a number",
	"a hint",
	"the end of a hint",
	"';'",
	"','",
	"'.'",
	"'('",
	"')'",
	"'['",
	"']'",
	"'{'",
	"'}'",
	"'='",
	"'<>'",
	"'<'",
	"'<='",
	"'>'",
	"'>='",
	"'+'",
	"'-'",
	"'*'",
	"'/'",
	"'%'",
	"'||'",
	"'=>'",
	"'?'",
	"':'",
	"'|'",
	"'^'",
};

enum tr_keyword tr_keyword_of(const char *text, uint32_t length)
{
	char upper[40];
	uint32_t low = 1, high = TR_KEYWORD_LIMIT;

	if (length >= sizeof(upper))
		return TR_KEYWORD_NONE;
	for (uint32_t i = 0; i < length; i++)
		upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 'a' + 'A' : text[i]);
	upper[length] = '\0';
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(upper, keyword_texts[middle]);

		if (order == 0)
			return (enum tr_keyword)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return TR_KEYWORD_NONE;
}

const char *tr_keyword_text(enum tr_keyword keyword)
{
	TR_ASSERT((uint32_t)keyword < TR_KEYWORD_LIMIT);
	return keyword_texts[keyword];
}

bool tr_keyword_is_reserved(enum tr_keyword keyword) { return keyword_classes[keyword] != TR_KEYWORD_FREE; }

bool tr_keyword_is_function(enum tr_keyword keyword) { return keyword_classes[keyword] == TR_KEYWORD_FUNCTION; }

bool tr_keyword_is_niladic(enum tr_keyword keyword) { return keyword_classes[keyword] == TR_KEYWORD_NILADIC; }

const char *tr_token_kind_text(enum tr_token_kind kind)
{
	TR_ASSERT((uint32_t)kind < TR_TOKEN_KIND_COUNT);
	return kind_texts[kind];
}

/* ---------------------------------------------------------------- scanning */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool is_word_part(char c) { return is_word_start(c) || is_digit(c); }

static void emit(struct lexer *lx, enum tr_token_kind kind, uint32_t start)
{
	lx->items[lx->count++] = (struct tr_token){(uint8_t)kind, TR_KEYWORD_NONE, start, lx->at};
}

static void emit_bad(struct lexer *lx, uint32_t start) { emit(lx, TR_TOKEN_BAD, start); }

/* Goes behind the quote that closes the text whose opening quote is at lx->at; doubled quotes belong to it. False: there
 * is none, reported with the text's beginning. */
static bool skip_quoted(struct lexer *lx, enum tr_token_kind kind, uint32_t start, const char *what)
{
	char quote = lx->p[lx->at++];

	while (lx->at < lx->length) {
		const char *p = lx->p + lx->at;

		if (kind == TR_TOKEN_CSTRING && *p == '\\' && lx->at + 1 < lx->length) {
			lx->at += 2;
			continue;
		}
		lx->at++;
		if (*p != quote)
			continue;
		if (lx->at < lx->length && p[1] == quote) {
			lx->at++;
			continue;
		}
		return true;
	}
	lx->at = lx->length;
	tr_diag_error(lx->diags, TR_E_UNTERMINATED, (struct tr_span){start, start + 1},
		      "this %s has no end: the closing %c is missing", what, quote);
	if (quote == '\'')
		tr_diag_hint(lx->diags, "a quote inside a string is written twice: 'it''s'");
	emit_bad(lx, start);
	return false;
}

static void scan_quoted(struct lexer *lx, enum tr_token_kind kind, uint32_t start, const char *what)
{
	if (skip_quoted(lx, kind, start, what))
		emit(lx, kind, start);
}

/* A plain string: a token of its own, or, under another string, the rest of that one. */
static void scan_string(struct lexer *lx)
{
	struct tr_token *before = lx->count > 0 ? &lx->items[lx->count - 1] : NULL;
	uint32_t start = lx->at;

	if (!skip_quoted(lx, TR_TOKEN_STRING, start, "string"))
		return;
	if (before == NULL ||
	    (before->kind != TR_TOKEN_STRING && before->kind != TR_TOKEN_UNICODE && before->kind != TR_TOKEN_BINARY)) {
		emit(lx, TR_TOKEN_STRING, start);
	} else if (memchr(lx->p + before->end, '\n', start - before->end) != NULL) {
		before->end = lx->at;
	} else {
		tr_diag_error(lx->diags, TR_E_LITERAL, (struct tr_span){start, lx->at},
			      "two strings stand side by side");
		tr_diag_hint(lx->diags, "join them with ||, or put a comma between them; a string only goes on on "
					"another line");
		emit_bad(lx, start);
	}
}

/* The character sets that Flink knows; as text is UTF-8 here, they only say which characters are allowed. */
static const struct {
	const char *name;
	uint32_t point_max; /* 0: not supported */
} charsets[] = {
	{"UTF8", 0x10FFFF},
	{"UTF-8", 0x10FFFF},
	{"UTF16", 0x10FFFF},
	{"UTF-16", 0x10FFFF},
	{"UTF-16LE", 0x10FFFF},
	{"UTF-16BE", 0x10FFFF},
	{"LATIN1", 0xFF},
	{"ISO-8859-1", 0xFF},
	{"GBK", 0},
	{"GB2312", 0},
	{"BIG5", 0},
};

/* Whether the bytes of a string are characters up to `point_max`: 0xFF or all of them. */
static bool is_within(const char *bytes, uint32_t length, uint32_t point_max)
{
	for (uint32_t i = 0; point_max == 0xFF && i < length; i++)
		if ((unsigned char)bytes[i] >= 0xC4)
			return false;
	return true;
}

/* A string of the character set whose name is the `length` bytes at `name`; at its opening quote. */
static void scan_charset_string(struct lexer *lx, uint32_t start, const char *name, uint32_t length)
{
	uint32_t open = lx->at, i = 0;

	if (!skip_quoted(lx, TR_TOKEN_STRING, start, "string"))
		return;
	while (i < TR_COUNT_OF(charsets) &&
	       (strlen(charsets[i].name) != length || strncasecmp(charsets[i].name, name, length) != 0))
		i++;
	if (i < TR_COUNT_OF(charsets) && charsets[i].point_max != 0 &&
	    is_within(lx->p + open, lx->at - open, charsets[i].point_max)) {
		emit(lx, TR_TOKEN_STRING, start);
		return;
	}
	if (i == TR_COUNT_OF(charsets)) {
		tr_diag_error(lx->diags, TR_E_LITERAL, (struct tr_span){start, open},
			      "Flink knows no character set '%.*s'", (int)TR_MIN(length, 40u), name);
		tr_diag_hint(lx->diags, "a string without a prefix may hold any character");
	} else if (charsets[i].point_max == 0) {
		tr_diag_not_supported(lx->diags, (struct tr_span){start, open}, "the character set %s",
				      charsets[i].name);
		tr_diag_hint(lx->diags, "a string without a prefix may hold any character");
	} else {
		tr_diag_error(lx->diags, TR_E_LITERAL, (struct tr_span){start, lx->at},
			      "the string has characters that are not in %s",
			      lx->p[start] == '_' ? charsets[i].name : "LATIN1, as N'..' asks for");
		tr_diag_hint(lx->diags, "leave the prefix out: a string without one may hold any character");
	}
	emit_bad(lx, start);
}

/* _utf8'...': the length of the name behind the underscore; 0: no such string begins here. */
static uint32_t charset_length(const struct lexer *lx, uint32_t start)
{
	uint32_t at = start + 1;

	if (lx->p[start] != '_')
		return 0;
	while (is_digit(lx->p[at]) || (lx->p[at] | 0x20) - 'a' + 0u < 26u ||
	       (at > start + 1 && lx->p[at] != '\0' && strchr(":.-_", lx->p[at]) != NULL))
		at++;
	return lx->p[at] == '\'' ? at - start - 1 : 0;
}

static bool scan_prefixed_string(struct lexer *lx, uint32_t start)
{
	const char *p = lx->p + start;
	uint32_t length = charset_length(lx, start);
	char c = (char)(p[0] & ~0x20);

	if (length > 0 || (c == 'N' && p[1] == '\'')) {
		lx->at = start + 1 + length;
		if (length > 0)
			scan_charset_string(lx, start, p + 1, length);
		else
			scan_charset_string(lx, start, "LATIN1", 6);
		return true;
	}
	if (c == 'U' && p[1] == '&' && (p[2] == '\'' || p[2] == '"')) {
		lx->at = start + 2;
		scan_quoted(lx, p[2] == '"' ? TR_TOKEN_UNICODE_NAME : TR_TOKEN_UNICODE, start,
			    p[2] == '"' ? "quoted name" : "string");
		return true;
	}
	if ((c == 'X' || c == 'E') && p[1] == '\'') {
		lx->at = start + 1;
		scan_quoted(lx, c == 'X' ? TR_TOKEN_BINARY : TR_TOKEN_CSTRING, start, "string");
		return true;
	}
	return false;
}

/* Characters beyond ASCII that are no letters, and what was probably meant. */
static const struct {
	const char *bytes;
	const char *name;
	const char *meant;
} foreign[] = {
	{"\xE2\x80\x98", "a typographic quote", "'"},
	{"\xE2\x80\x99", "a typographic quote", "'"},
	{"\xE2\x80\x9C", "a typographic quote", "'"},
	{"\xE2\x80\x9D", "a typographic quote", "'"},
	{"\xC2\xA0", "a no-break space", "a space"},
	{"\xE3\x80\x80", "an ideographic space", "a space"},
	{"\xE2\x80\x8B", "an invisible space", "nothing"},
	{"\xE2\x80\x93", "a dash", "-"},
	{"\xE2\x80\x94", "a dash", "-"},
	{"\xEF\xBC\x88", "a full-width parenthesis", "("},
	{"\xEF\xBC\x89", "a full-width parenthesis", ")"},
	{"\xEF\xBC\x8C", "a full-width comma", ","},
	{"\xEF\xBC\x9B", "a full-width semicolon", ";"},
};

static int foreign_at(const struct lexer *lx, uint32_t at)
{
	if ((unsigned char)lx->p[at] >= 0xC2)
		for (uint32_t i = 0; i < TR_COUNT_OF(foreign); i++)
			if (strncmp(lx->p + at, foreign[i].bytes, strlen(foreign[i].bytes)) == 0)
				return (int)i;
	return -1;
}

static void scan_word(struct lexer *lx)
{
	uint32_t start = lx->at;
	int other = foreign_at(lx, start);

	if (other >= 0) {
		lx->at += (uint32_t)strlen(foreign[other].bytes);
		tr_diag_error(lx->diags, TR_E_CHARACTER, (struct tr_span){start, lx->at}, "%s has no meaning in SQL",
			      foreign[other].name);
		tr_diag_hint(lx->diags, "write %s instead; it may have come in with a copied text",
			     foreign[other].meant);
		emit_bad(lx, start);
		return;
	}
	if (scan_prefixed_string(lx, start))
		return;
	while (lx->at < lx->length && is_word_part(lx->p[lx->at]) && foreign_at(lx, lx->at) < 0)
		lx->at++;
	emit(lx, TR_TOKEN_WORD, start);
	lx->items[lx->count - 1].keyword = (uint16_t)tr_keyword_of(lx->p + start, lx->at - start);
}

static void scan_number(struct lexer *lx)
{
	const char *p = lx->p;
	uint32_t start = lx->at;
	enum tr_token_kind kind = TR_TOKEN_INTEGER;

	while (is_digit(p[lx->at]))
		lx->at++;
	if (p[lx->at] == '.') {
		kind = TR_TOKEN_DECIMAL;
		lx->at++;
		while (is_digit(p[lx->at]))
			lx->at++;
	}
	if ((p[lx->at] | 0x20) == 'e') {
		uint32_t sign = p[lx->at + 1] == '+' || p[lx->at + 1] == '-';

		if (is_digit(p[lx->at + 1 + sign])) {
			kind = TR_TOKEN_APPROX;
			lx->at += 1 + sign;
			while (is_digit(p[lx->at]))
				lx->at++;
		}
	}
	if (!is_word_part(p[lx->at]) || foreign_at(lx, lx->at) >= 0) {
		emit(lx, kind, start);
		return;
	}
	while (is_word_part(p[lx->at]) && foreign_at(lx, lx->at) < 0)
		lx->at++;
	tr_diag_error(lx->diags, TR_E_LITERAL, (struct tr_span){start, lx->at}, "'%.*s' is neither a number nor a name",
		      (int)TR_MIN(lx->at - start, 40u), p + start);
	tr_diag_hint(lx->diags,
		     "put a space behind the number; a name that begins with a digit needs back-quotes: `%.*s`",
		     (int)TR_MIN(lx->at - start, 40u), p + start);
	emit_bad(lx, start);
}

/* White space and comments; true when something was skipped. */
static bool skip_space(struct lexer *lx)
{
	const char *p = lx->p + lx->at;
	const char *end;

	if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || *p == '\f') {
		lx->at++;
		return true;
	}
	if (lx->at == 0 && strncmp(p, "\xEF\xBB\xBF", 3) == 0) {
		lx->at = 3;
		return true;
	}
	if ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '/')) {
		end = memchr(p, '\n', lx->length - lx->at);
		lx->at = end == NULL ? lx->length : (uint32_t)(end - lx->p);
		return true;
	}
	if (p[0] != '/' || p[1] != '*' || p[2] == '+')
		return false;
	end = memmem(p + 2, lx->length - lx->at - 2, "*/", 2);
	if (end == NULL) {
		tr_diag_error(lx->diags, TR_E_UNTERMINATED, (struct tr_span){lx->at, lx->at + 2},
			      "this comment has no end: the closing */ is missing");
		lx->at = lx->length;
	} else {
		lx->at = (uint32_t)(end - lx->p) + 2;
	}
	return true;
}

static bool scan_hint_bracket(struct lexer *lx)
{
	const char *p = lx->p + lx->at;
	uint32_t start = lx->at;

	if (p[0] == '/' && p[1] == '*' && p[2] == '+') {
		lx->at += 3;
		emit(lx, TR_TOKEN_HINT_START, start);
		lx->is_in_hint = true;
		lx->hint_start = start;
		return true;
	}
	if (lx->is_in_hint && p[0] == '*' && p[1] == '/') {
		lx->at += 2;
		emit(lx, TR_TOKEN_HINT_END, start);
		lx->is_in_hint = false;
		return true;
	}
	return false;
}

static void bad_character(struct lexer *lx)
{
	uint32_t start = lx->at;
	char c = lx->p[start];
	const char *close;

	lx->at++;
	if (c == '"') {
		close = memchr(lx->p + lx->at, '"', lx->length - lx->at);
		if (close != NULL && memchr(lx->p + start, '\n', (size_t)(close - lx->p) - start) == NULL)
			lx->at = (uint32_t)(close - lx->p) + 1;
		tr_diag_error(lx->diags, TR_E_CHARACTER, (struct tr_span){start, lx->at},
			      "double quotes have no meaning here");
		tr_diag_hint(lx->diags, "write strings in 'single quotes' and names in `back-quotes`");
	} else if ((unsigned char)c < 0x20 || c == 0x7F) {
		tr_diag_error(lx->diags, TR_E_CHARACTER, (struct tr_span){start, lx->at},
			      "the control character 0x%02X has no meaning here", (unsigned char)c);
	} else {
		tr_diag_error(lx->diags, TR_E_CHARACTER, (struct tr_span){start, lx->at}, "'%c' has no meaning here", c);
		if (c == '!')
			tr_diag_hint(lx->diags, "write <> for \"not equal\" and NOT for negation");
	}
	emit_bad(lx, start);
}

struct operator_text {
	const char *text;
	enum tr_token_kind kind;
};

/* Longer ones first. */
static const struct operator_text operators[] = {
	{"<>", TR_TOKEN_NOT_EQUAL},     {"!=", TR_TOKEN_NOT_EQUAL},  {"<=", TR_TOKEN_LESS_EQUAL},
	{">=", TR_TOKEN_GREATER_EQUAL}, {"=>", TR_TOKEN_ARROW},      {"||", TR_TOKEN_CONCAT},
	{";", TR_TOKEN_SEMICOLON},      {",", TR_TOKEN_COMMA},       {".", TR_TOKEN_DOT},
	{"(", TR_TOKEN_LEFT_PAREN},     {")", TR_TOKEN_RIGHT_PAREN}, {"[", TR_TOKEN_LEFT_BRACKET},
	{"]", TR_TOKEN_RIGHT_BRACKET},  {"{", TR_TOKEN_LEFT_BRACE},  {"}", TR_TOKEN_RIGHT_BRACE},
	{"=", TR_TOKEN_EQUAL},          {"<", TR_TOKEN_LESS},        {">", TR_TOKEN_GREATER},
	{"+", TR_TOKEN_PLUS},           {"-", TR_TOKEN_MINUS},       {"*", TR_TOKEN_STAR},
	{"/", TR_TOKEN_SLASH},          {"%", TR_TOKEN_PERCENT},     {"?", TR_TOKEN_QUESTION},
	{":", TR_TOKEN_COLON},          {"|", TR_TOKEN_PIPE},        {"^", TR_TOKEN_CARET},
};

static void scan_operator(struct lexer *lx)
{
	const char *p = lx->p + lx->at;
	uint32_t start = lx->at;

	for (uint32_t i = 0; i < TR_COUNT_OF(operators); i++) {
		const char *text = operators[i].text;

		if (p[0] != text[0] || (text[1] != '\0' && p[1] != text[1]))
			continue;
		lx->at += text[1] != '\0' ? 2 : 1;
		emit(lx, operators[i].kind, start);
		if (p[0] == '!') {
			tr_diag_error(lx->diags, TR_E_CHARACTER, (struct tr_span){start, lx->at},
				      "Flink takes != for an error");
			tr_diag_hint(lx->diags, "write <>");
		}
		return;
	}
	bad_character(lx);
}

static void scan_token(struct lexer *lx)
{
	char c = lx->p[lx->at];

	if (scan_hint_bracket(lx))
		return;
	if (is_word_start(c))
		scan_word(lx);
	else if (is_digit(c) || (c == '.' && is_digit(lx->p[lx->at + 1])))
		scan_number(lx);
	else if (c == '\'')
		scan_string(lx);
	else if (c == '`')
		scan_quoted(lx, TR_TOKEN_QUOTED, lx->at, "quoted name");
	else
		scan_operator(lx);
}

struct tr_tokens tr_lex(const struct tr_script_text *text, struct tr_arena *arena, struct tr_diags *diags)
{
	struct lexer lx = {.p = text->text, .length = text->is_bad ? 0 : text->length, .diags = diags};
	uint32_t end;

	TR_ASSERT(lx.p[text->length] == '\0' || text->is_bad);
	lx.items = TR_NEW_ARRAY(arena, lx.length + 2, struct tr_token);
	while (lx.at < lx.length)
		if (!skip_space(&lx))
			scan_token(&lx);
	if (lx.is_in_hint) {
		tr_diag_error(diags, TR_E_UNTERMINATED, (struct tr_span){lx.hint_start, lx.hint_start + 3},
			      "this hint has no end: the closing */ is missing");
		emit_bad(&lx, lx.at);
	}
	end = lx.count > 0 ? lx.items[lx.count - 1].end : 0; /* errors point behind what is there */
	lx.items[lx.count++] = (struct tr_token){TR_TOKEN_END, TR_KEYWORD_NONE, end, end};
	return (struct tr_tokens){lx.count, lx.items};
}
