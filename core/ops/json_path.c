/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling paths into documents: see json_path.h. Evaluation is in json_path_eval.c.
 *
 * The grammar is that of Jayway's compiler, with what it lets pass: blanks around the whole and within brackets, a lone character
 * behind a closed token, and a name without "$." in front.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/check.h"
#include "core/ops/json_filter.h"

struct reader {
	struct tr_arena *arena;
	const char *text;
	uint32_t length, at;
	struct tr_json_path *path;
	uint32_t capacity;
	int depth; /* filters that it stands in */
};

static bool read_token(struct reader *r);

static bool invalid(struct reader *r, const char *error)
{
	if (r->path->error == NULL)
		r->path->error = error;
	return false;
}

static bool unsupported(struct reader *r, const char *what)
{
	r->path->unsupported = what;
	return invalid(r, what);
}

static char char_at(const struct reader *r, uint32_t at) { return at < r->length ? r->text[at] : 0; }

/* The first character at or after `at` that is no blank. */
static uint32_t skip(const struct reader *r, uint32_t at)
{
	while (at < r->length && r->text[at] == ' ')
		at++;
	return at;
}

static struct tr_json_token *add_token(struct reader *r, enum tr_json_token_kind kind)
{
	struct tr_json_path *path = r->path;

	if (path->count == r->capacity) {
		struct tr_json_token *more = TR_NEW_ARRAY(r->arena, r->capacity * 2 + 4, struct tr_json_token);

		if (path->count > 0)
			memcpy(more, path->tokens, path->count * sizeof(*more));
		path->tokens = more;
		r->capacity = r->capacity * 2 + 4;
	}
	path->tokens[path->count].kind = kind;
	return &path->tokens[path->count++];
}

/* Behind a token: a last single character is not looked at. */
static bool read_rest(struct reader *r) { return r->at + 1 >= r->length || read_token(r); }

static void add_name(struct reader *r, struct tr_json_token *token, const char *text, uint32_t length)
{
	if ((token->count & (token->count - 1)) == 0) { /* 0 or a power of two: full */
		struct tr_json_name *names = TR_NEW_ARRAY(r->arena, token->count * 2 + 1, struct tr_json_name);

		if (token->count > 0)
			memcpy(names, token->names, token->count * sizeof(*names));
		token->names = names;
	}
	token->names[token->count++] = (struct tr_json_name){text, length};
}

/* ---- ['a', 'b'] ---- */

static void add_quoted(struct reader *r, struct tr_json_token *token, const char *text, uint32_t length)
{
	char *out = tr_arena_alloc_aligned(r->arena, length + 1, 1);
	uint32_t size = 0;

	for (uint32_t i = 0; i < length; i++) {
		if (text[i] == '\\' && i + 1 < length) {
			static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
			const char *letter = strchr(letters, text[++i]);

			out[size++] = letter != NULL && text[i] != 0 ? values[letter - letters] : text[i];
		} else {
			out[size++] = text[i];
		}
	}
	add_name(r, token, out, size);
}

static bool read_names(struct reader *r)
{
	struct tr_json_token *token = add_token(r, TR_JSON_TOKEN_NAMES);
	uint32_t at = skip(r, r->at + 1);
	const char quote = char_at(r, at);

	for (;;) {
		uint32_t start = at + 1;

		if (char_at(r, at) != quote)
			return invalid(r, "a name in brackets must be in quotes");
		for (at = start; at < r->length && r->text[at] != quote; at++)
			at += r->text[at] == '\\';
		if (at >= r->length)
			return invalid(r, "a name in brackets is not closed");
		add_quoted(r, token, r->text + start, at - start);
		at = skip(r, at + 1);
		if (char_at(r, at) == ']')
			break;
		if (char_at(r, at) != ',')
			return invalid(r, "',' or ']' must stand behind a name in brackets");
		at = skip(r, at + 1);
	}
	r->at = at + 1;
	return read_rest(r);
}

/* ---- [0, 2], [1:3] ---- */

static bool read_int(struct reader *r, const char *from, const char *to, int32_t *value)
{
	const char *digits;
	int64_t number = 0;

	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	digits = from + (from < to && *from == '-');
	if (digits == to || to - digits > 10)
		return invalid(r, "an index must be an integer");
	for (const char *c = digits; c < to; c++) {
		if (*c < '0' || *c > '9')
			return invalid(r, "an index must be an integer");
		number = number * 10 + (*c - '0');
	}
	number = digits > from ? -number : number;
	*value = (int32_t)number;
	return number == *value || invalid(r, "an index is out of range");
}

static bool read_slice(struct reader *r, const char *from, const char *to)
{
	struct tr_json_token *token = add_token(r, TR_JSON_TOKEN_SLICE);
	const char *colon = memchr(from, ':', (size_t)(to - from));
	const char *end = memchr(colon + 1, ':', (size_t)(to - colon - 1));

	end = end != NULL ? end : to; /* steps are not looked at */
	token->has_from = colon > from;
	token->has_to = end > colon + 1;
	if (!token->has_from && !token->has_to)
		return invalid(r, "a slice needs a begin or an end");
	return (!token->has_from || read_int(r, from, colon, &token->from)) &&
	       (!token->has_to || read_int(r, colon + 1, end, &token->to));
}

static bool read_indexes(struct reader *r, const char *from, const char *to)
{
	struct tr_json_token *token = add_token(r, TR_JSON_TOKEN_INDEXES);

	token->indexes = TR_NEW_ARRAY(r->arena, (size_t)(to - from) + 1, int32_t);
	for (const char *next;; from = next + 1) {
		next = memchr(from, ',', (size_t)(to - from));
		if (!read_int(r, from, next != NULL ? next : to, &token->indexes[token->count++]))
			return false;
		if (next == NULL)
			return true;
	}
}

static bool read_numbers(struct reader *r)
{
	const char *from = r->text + r->at + 1, *to = memchr(from, ']', r->length - r->at - 1);
	bool is_slice;

	if (to == NULL)
		return invalid(r, "']' is missing behind an index");
	r->at = (uint32_t)(to - r->text) + 1;
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	is_slice = memchr(from, ':', (size_t)(to - from)) != NULL;
	return (is_slice ? read_slice(r, from, to) : read_indexes(r, from, to)) && read_rest(r);
}

/* [?(..)]: behind the '?'. */
static bool read_filter(struct reader *r, uint32_t at)
{
	struct tr_json_token *token = add_token(r, TR_JSON_TOKEN_FILTER);
	const char *error;
	uint32_t to, end;

	at = skip(r, at);
	if (char_at(r, at) != '(')
		return invalid(r, "a filter must be in parentheses: [?(..)]");
	to = tr_json_closing(r->text, r->length, at, '(', ')', true);
	end = to < r->length ? skip(r, to + 1) : to;
	if (char_at(r, end) != ']')
		return invalid(r, "a filter is not closed");
	token->filter = tr_json_filter_compile(r->arena, r->text + at, to + 1 - at, r->depth + 1, &error);
	if (token->filter == NULL)
		return invalid(r, error);
	r->at = end + 1;
	return read_rest(r);
}

static bool read_bracket(struct reader *r)
{
	const uint32_t at = skip(r, r->at + 1);
	const char first = char_at(r, at);

	if (first == '\'' || first == '"')
		return read_names(r);
	if ((first >= '0' && first <= '9') || first == '-' || first == ':')
		return read_numbers(r);
	if (first == '?')
		return read_filter(r, at + 1);
	if (first != '*')
		return invalid(r, "a name in quotes, an index or * must stand in brackets");
	r->at = skip(r, at + 1);
	if (char_at(r, r->at) != ']')
		return invalid(r, "']' is missing behind *");
	r->at++;
	add_token(r, TR_JSON_TOKEN_ALL);
	return read_rest(r);
}

/* ---- .name, .function() ---- */

static bool read_function(struct reader *r, uint32_t start, uint32_t open)
{
	static const struct {
		const char *name;
		enum tr_json_function function;
	} functions[] = {{"length", TR_JSON_LENGTH},
			 {"size", TR_JSON_LENGTH},
			 {"keys", TR_JSON_KEYS},
			 {"min", TR_JSON_MIN},
			 {"max", TR_JSON_MAX},
			 {"avg", TR_JSON_AVG},
			 {"sum", TR_JSON_SUM},
			 {"stddev", TR_JSON_STDDEV},
			 {"first", TR_JSON_FIRST},
			 {"last", TR_JSON_LAST},
			 {"index", TR_JSON_INDEX},
			 {"concat", TR_JSON_FUNCTION_COUNT},
			 {"append", TR_JSON_FUNCTION_COUNT}};
	const char *from = r->text + open + 1, *to = memchr(from, ')', r->length - open - 1);
	struct tr_json_token *token = add_token(r, TR_JSON_TOKEN_FUNCTION);

	if (to == NULL)
		return invalid(r, "')' is missing behind a function");
	token->function = TR_JSON_FUNCTION_COUNT + 1;
	for (uint32_t i = 0; i < TR_COUNT_OF(functions); i++)
		if (strlen(functions[i].name) == open - start &&
		    memcmp(functions[i].name, r->text + start, open - start) == 0)
			token->function = functions[i].function;
	if (token->function > TR_JSON_FUNCTION_COUNT)
		return invalid(r, "there is no such function");
	if (token->function == TR_JSON_FUNCTION_COUNT || (token->function == TR_JSON_INDEX) == (from == to))
		return unsupported(r, "this function with these arguments is not supported in JSON paths");
	r->at = (uint32_t)(to - r->text);
	if (token->function == TR_JSON_INDEX && !read_int(r, from, to, &token->from))
		return false;
	return r->at + 1 >= r->length || (r->at++, read_token(r));
}

static bool read_name(struct reader *r)
{
	const uint32_t start = r->at;
	uint32_t at = start;

	for (; at < r->length && r->text[at] != '.' && r->text[at] != '['; at++) {
		if (r->text[at] == ' ')
			return invalid(r, "a name with blanks must stand in brackets: ['my name']");
		if (r->text[at] == '(')
			return read_function(r, start, at);
	}
	if (at == start)
		return invalid(r, "a name is missing");
	add_name(r, add_token(r, TR_JSON_TOKEN_NAMES), r->text + start, at - start);
	r->at = at;
	return read_rest(r);
}

/* Recursion here and in the evaluation is as deep as the path has steps. */
static bool read_token(struct reader *r)
{
	if (r->path->count >= TR_JSON_PATH_STEPS_MAX)
		return unsupported(r, "the path has more than 1,000 steps");
	switch (char_at(r, r->at)) {
	case '[': return read_bracket(r);
	case '*':
		r->at++;
		add_token(r, TR_JSON_TOKEN_ALL);
		return read_rest(r);
	case '.':
		r->at++;
		if (char_at(r, r->at) == '.') {
			add_token(r, TR_JSON_TOKEN_SCAN);
			r->at++;
		}
		if (r->at >= r->length || r->text[r->at] == '.')
			return invalid(r, "a name must stand behind '.'");
		return read_token(r);
	default: return read_name(r);
	}
}

/* ---- the whole ---- */

static bool is_blank(char c) { return (unsigned char)c <= ' '; }

static void trim(const char **text, uint32_t *length)
{
	while (*length > 0 && is_blank(**text)) {
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*text)[*length - 1]))
		(*length)--;
}

/* 'lax' or 'strict' and a blank in front. */
static void read_mode(const char **text, uint32_t *length, bool *is_lax)
{
	static const char *const words[] = {"strict", "lax"};
	const char *at = *text;
	uint32_t left = *length;

	while (left > 0 && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) {
		at++;
		left--;
	}
	for (uint32_t i = 0; i < TR_COUNT_OF(words); i++) {
		const uint32_t size = (uint32_t)strlen(words[i]);

		if (left <= size + 1 || strncasecmp(at, words[i], size) != 0 || !is_blank(at[size]))
			continue;
		*text = at + size;
		*length = left - size;
		*is_lax = i == 1;
	}
}

/* Which tokens find one value at most, and whether all before do, too. */
static void set_definite(struct tr_json_path *path)
{
	bool is_definite = true;

	for (uint32_t i = 0; i < path->count; i++) {
		struct tr_json_token *token = &path->tokens[i];

		token->is_upstream_definite = is_definite;
		token->is_leaf = i + 1 == path->count;
		switch (token->kind) {
		case TR_JSON_TOKEN_NAMES: token->is_definite = token->count == 1 || token->is_leaf; break;
		case TR_JSON_TOKEN_INDEXES: token->is_definite = token->count == 1; break;
		default: token->is_definite = token->kind == TR_JSON_TOKEN_FUNCTION;
		}
		is_definite = is_definite && token->is_definite;
	}
	path->is_definite = is_definite;
}

struct tr_json_path *tr_json_path_compile(struct tr_arena *arena, const char *text, uint32_t length)
{
	return tr_json_path_compile_inner(arena, text, length, 0);
}

struct tr_json_path *tr_json_path_compile_inner(struct tr_arena *arena, const char *text, uint32_t length, int depth)
{
	struct tr_json_path *path = TR_NEW(arena, struct tr_json_path);
	struct reader r = {.arena = arena, .path = path, .depth = depth};

	read_mode(&text, &length, &path->is_lax);
	trim(&text, &length);
	if (length == 0) {
		path->error = "the path is empty";
		return path;
	}
	if (text[0] != '$' && text[0] != '@') {
		char *whole = tr_arena_alloc_aligned(arena, (size_t)length + 2, 1);

		memcpy(whole, "$.", 2);
		memcpy(whole + 2, text, length); /* it may have a NUL byte */
		text = whole;
		length += 2;
	}
	r.text = tr_arena_strndup(arena, text, length);
	r.length = length;
	r.at = 1;
	if (text[length - 1] == '.')
		path->error = "a path must not end with '.'";
	else if (length > 1 && text[1] != '.' && text[1] != '[')
		path->error = "'.' or '[' must stand behind $";
	else if (length > 1)
		(void)read_token(&r);
	set_definite(path);
	return path;
}
