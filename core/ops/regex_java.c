/* SPDX-License-Identifier: Apache-2.0
 *
 * See regex_java.h. A class without another one in it is copied, with its names; others are taken apart: operands between &&, each a
 * union of runs of characters and of classes.
 */
#include "core/ops/regex_java.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

#define DEPTH_MAX 16 /* of classes in classes */

struct reader {
	struct tr_bytes *out;
	const char *pattern;
	size_t length;
	size_t at;
	uint32_t depth;
	const char *problem;
};

/* Java's names of classes that PCRE2 calls otherwise. Those in lower case are ASCII's, [:alpha:], the others properties. */
static const char *const class_names[][2] = {
	{"Lower", "lower"},
	{"Upper", "upper"},
	{"ASCII", "ascii"},
	{"Alpha", "alpha"},
	{"Digit", "digit"},
	{"Alnum", "alnum"},
	{"Punct", "punct"},
	{"Graph", "graph"},
	{"Print", "print"},
	{"Blank", "blank"},
	{"Cntrl", "cntrl"},
	{"XDigit", "xdigit"},
	{"Space", "space"},
	{"IsAlphabetic", "Alphabetic"},
	{"IsLetter", "L"},
	{"IsDigit", "Nd"},
	{"IsPunctuation", "P"},
	{"IsWhiteSpace", "White_Space"},
	{"IsWhite_Space", "White_Space"},
	{"IsLower", "Lowercase"},
	{"IsUpper", "Uppercase"},
	{"javaLowerCase", "Lowercase"},
	{"javaUpperCase", "Uppercase"},
	{"javaDigit", "Nd"},
};

/* Appends what \p{name} is for PCRE2. */
static void append_class(struct tr_bytes *out, const char *name, size_t length, bool is_negated, bool is_in_class)
{
	const char *p = is_negated ? "\\P" : "\\p";

	for (size_t i = 0; i < TR_COUNT_OF(class_names); i++) {
		const char *other = class_names[i][1];

		if (strlen(class_names[i][0]) != length || memcmp(class_names[i][0], name, length) != 0)
			continue;
		if (other[0] >= 'a')
			tr_bytes_printf(out, "%s[:%s%s:]%s", is_in_class ? "" : "[", is_negated ? "^" : "", other,
					is_in_class ? "" : "]");
		else
			tr_bytes_printf(out, "%s{%s}", p, other);
		return;
	}
	if (length > 2 && memcmp(name, "Is", 2) == 0) { /* \p{IsLatin}, \p{IsLu} */
		name += 2;
		length -= 2;
	}
	tr_bytes_printf(out, "%s{%.*s}", p, (int)length, name);
}

static char peek(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->length ? r->pattern[r->at + ahead] : 0;
}

/* Behind the \E of a \Q at `at`. */
static size_t quote_end(const struct reader *r, size_t at)
{
	const char *end = memmem(r->pattern + at, r->length - at, "\\E", 2);

	return end != NULL ? (size_t)(end - r->pattern) + 2 : r->length;
}

/* Behind the :] of a [:name:] at `at`, which only PCRE2 has: SIMILAR TO makes them; 0: it is none. */
static size_t name_end(const struct reader *r, size_t at)
{
	const char *end = r->pattern[at] == '[' && at + 1 < r->length && r->pattern[at + 1] == ':'
				  ? memmem(r->pattern + at, r->length - at, ":]", 2)
				  : NULL;

	return end != NULL ? (size_t)(end - r->pattern) + 2 : 0;
}

static void copy_to(struct reader *r, size_t end)
{
	tr_bytes_append(r->out, r->pattern + r->at, end - r->at);
	r->at = end;
}

/* A backslash and what belongs to it. */
static void copy_escape(struct reader *r, bool is_in_class)
{
	const char next = peek(r, 1);
	const char *end = NULL;

	if (next == 'Q') {
		copy_to(r, quote_end(r, r->at));
		return;
	}
	if ((next == 'p' || next == 'P') && peek(r, 2) == '{')
		end = memchr(r->pattern + r->at, '}', r->length - r->at);
	if (end == NULL) {
		copy_to(r, TR_MIN(r->at + 2, r->length));
		return;
	}
	append_class(r->out, r->pattern + r->at + 3, (size_t)(end - r->pattern) - r->at - 3, next == 'P', is_in_class);
	r->at = (size_t)(end - r->pattern) + 1;
}

/* The first character of the class at `at`, behind ^. */
static size_t class_begin(const struct reader *r) { return r->at + (peek(r, 1) == '^' ? 2 : 1); }

/* Whether another class stands in the class at `at`, or && joins some. */
static bool is_joined(const struct reader *r)
{
	const size_t begin = class_begin(r);

	for (size_t i = begin; i < r->length; i++) {
		const char c = r->pattern[i], next = i + 1 < r->length ? r->pattern[i + 1] : 0;

		if (c == '\\' && next == 'Q')
			i = quote_end(r, i) - 1;
		else if (c == '\\')
			i++;
		else if (c == '[' && name_end(r, i) != 0)
			i = name_end(r, i) - 1;
		else if (c == '[' || (c == '&' && next == '&'))
			return true;
		else if (c == ']' && i > begin)
			return false;
	}
	return false;
}

/* The class at `at`, which is none of classes, or what there is of it. */
static void copy_class(struct reader *r)
{
	const size_t begin = class_begin(r);

	copy_to(r, TR_MIN(begin, r->length));
	while (r->at < r->length) {
		const char c = r->pattern[r->at];

		if (c == '\\') {
			copy_escape(r, true);
		} else if (c == '[' && name_end(r, r->at) != 0) {
			copy_to(r, name_end(r, r->at));
		} else {
			copy_to(r, r->at + 1);
			if (c == ']' && r->at > begin + 1)
				return;
		}
	}
}

static bool fail(struct reader *r, const char *problem)
{
	r->problem = problem;
	return false;
}

/* Characters up to a class, && or the end of the class. False: there are none. */
static bool copy_run(struct reader *r)
{
	const size_t begin = r->at;

	tr_bytes_append_char(r->out, '[');
	while (r->at < r->length) {
		const char c = r->pattern[r->at];

		if (c == ']' || (c == '&' && peek(r, 1) == '&') || (c == '[' && name_end(r, r->at) == 0))
			break;
		if (c == '\\') {
			copy_escape(r, true);
		} else if (c == '[') {
			copy_to(r, name_end(r, r->at));
		} else {
			if (c == '^')
				tr_bytes_append_char(r->out, '\\');
			copy_to(r, r->at + 1);
		}
	}
	tr_bytes_append_char(r->out, ']');
	return r->at > begin;
}

static bool take_class(struct reader *r);

/* A union; nothing at all is no condition. Java reads characters behind a class on the right of && as if the class were not there: that
 * is refused. */
static bool take_operand(struct reader *r, bool is_right)
{
	const size_t begin = r->out->length;
	bool is_first = true, has_class = false;

	tr_bytes_append_str(r->out, "(?=");
	while (r->at < r->length && r->pattern[r->at] != ']' && !(peek(r, 0) == '&' && peek(r, 1) == '&')) {
		const bool is_class = r->pattern[r->at] == '[' && name_end(r, r->at) == 0;

		if (!is_first)
			tr_bytes_append_char(r->out, '|');
		if (is_right && has_class && !is_class)
			return fail(r, "characters behind a class on the right of && are not supported");
		if (is_class ? !take_class(r) : !copy_run(r))
			return fail(r, r->problem != NULL ? r->problem : "a class is not closed");
		is_first = false;
		has_class = has_class || is_class;
	}
	tr_bytes_append_char(r->out, ')');
	if (is_first)
		r->out->length = begin;
	return true;
}

/* The class at `at`. False: `problem` says why. */
static bool take_class(struct reader *r)
{
	const bool is_negated = peek(r, 1) == '^';
	bool is_right = false;
	size_t begin;

	if (!is_joined(r)) {
		copy_class(r);
		return true;
	}
	if (++r->depth > DEPTH_MAX)
		return fail(r, "classes lie too deep in classes");
	r->at = class_begin(r);
	tr_bytes_append_str(r->out, is_negated ? "(?:(?!" : "(?:");
	begin = r->out->length;
	do {
		if (is_right)
			r->at += 2;
		if (!take_operand(r, is_right))
			return false;
		is_right = true;
	} while (peek(r, 0) == '&');
	if (peek(r, 0) != ']')
		return fail(r, "a class is not closed");
	if (r->out->length == begin)
		return fail(r, "a class is empty");
	r->at++;
	r->depth--;
	tr_bytes_append_str(r->out, is_negated ? ")(?s:.))" : "(?s:.))");
	return true;
}

const char *tr_regex_java(struct tr_bytes *out, const char *pattern, size_t length)
{
	struct reader r = {.out = out, .pattern = pattern, .length = length};

	if (length == 0 || (memchr(pattern, '\\', length) == NULL && memchr(pattern, '[', length) == NULL)) {
		tr_bytes_append(out, pattern, length);
		return NULL;
	}
	while (r.at < length && r.problem == NULL) {
		if (pattern[r.at] == '\\')
			copy_escape(&r, false);
		else if (pattern[r.at] == '[')
			take_class(&r);
		else
			copy_to(&r, r.at + 1);
	}
	return r.problem;
}
