/* SPDX-License-Identifier: Apache-2.0
 *
 * LIKE, SIMILAR TO and the REGEXP functions.
 *
 * A constant pattern is checked when the job is planned, and compiled once per state. A pattern that comes from a column
 * is compiled when it changes; if it is no pattern, the result is NULL (REGEXP: FALSE), as in Flink. SIMILAR TO is
 * translated into a regular expression that must match the whole text.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_like.h"
#include "core/ops/kernel_regex.h"
#include "core/ops/kernel_scan.h"
#include "core/ops/kernel_text.h"

/* ---- LIKE ---- */

/* A pattern compiled by a run, for patterns that are not constant. */
struct like_local {
	struct tr_like like;
	struct tr_bytes source; /* pattern and escape character that it was made of */
	bool is_valid;
};

static char escape_of(const struct tr_view *view) { return view->length == 1 ? tr_view_text(view)[0] : 0; }

static tr_code prepare_like(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			    struct tr_status *st)
{
	const struct tr_expr *pattern = call->args[1], *escape = call->arg_count > 2 ? call->args[2] : NULL;
	const struct tr_view *view = &pattern->value.view;
	struct tr_like *like;

	if (pattern->kind != TR_EXPR_LITERAL || pattern->value.is_null)
		return TR_OK;
	if (escape != NULL && (escape->kind != TR_EXPR_LITERAL || escape->value.is_null))
		return TR_OK;
	if (escape != NULL && escape->value.view.length != 1)
		TR_FAIL(st, TR_ERR_DATA, "the ESCAPE of LIKE must be one ASCII character");
	like = TR_NEW(arena, struct tr_like);
	like->text = tr_arena_alloc(arena, view->length + 1);
	like->kinds = tr_arena_alloc(arena, view->length + 1);
	if (!tr_like_compile(like, tr_view_text(view), view->length, escape ? escape_of(&escape->value.view) : 0))
		TR_FAIL(st, TR_ERR_DATA, "LIKE '%.*s': the escape character must stand before %%, _ or itself",
			(int)view->length, tr_view_text(view));
	*prepared = like;
	return TR_OK;
}

static void *create_like(const void *prepared) { return calloc(1, sizeof(struct like_local)); }

static void destroy_like(void *local)
{
	struct like_local *l = local;

	if (l == NULL)
		return;
	free(l->like.text);
	free(l->like.kinds);
	tr_bytes_deinit(&l->source);
	free(l);
}

static bool compile_local(struct like_local *local, const struct tr_view *pattern, char escape)
{
	struct tr_bytes *source = &local->source;

	if (source->length == pattern->length + 1 && source->data[pattern->length] == escape &&
	    memcmp(source->data, tr_view_text(pattern), pattern->length) == 0)
		return local->is_valid;
	tr_bytes_clear(source);
	tr_bytes_append(source, tr_view_text(pattern), pattern->length);
	tr_bytes_append_char(source, escape);
	local->like.text = realloc(local->like.text, pattern->length + 1);
	local->like.kinds = realloc(local->like.kinds, pattern->length + 1);
	TR_ASSERT(local->like.text != NULL && local->like.kinds != NULL);
	local->is_valid = tr_like_compile(&local->like, source->data, pattern->length, escape);
	return local->is_valid;
}

static tr_code run_like(struct tr_call *call)
{
	const struct tr_like *like = call->prepared;
	const struct tr_view *views = call->args[0].data;
	uint32_t mask = tr_call_mask(call, 0);
	uint8_t *out = call->out;

	if (like != NULL) {
		TR_CALL_ROWS(call, row)
			out[row] = tr_like_match(like, tr_view_text(&views[row & mask]), views[row & mask].length);
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		struct like_local *local = call->local;
		const struct tr_view *view = &views[row & mask];
		char escape = call->arg_count > 2 ? escape_of(tr_call_view(call, 2, row)) : 0;

		if (!compile_local(local, tr_call_view(call, 1, row), escape))
			TR_CALL_FAIL(call, row, "the escape character must stand before %%, _ or itself");
		out[row] = tr_like_match(&local->like, tr_view_text(view), view->length);
	}
	return TR_OK;
}

/* ---- regular expressions ---- */

static tr_code check_pattern(const struct tr_expr *pattern, const char *name, struct tr_status *st)
{
	char error[TR_REGEX_ERROR_BYTES] = "";
	struct tr_regex *regex;
	bool is_good;

	if (pattern->kind != TR_EXPR_LITERAL || pattern->value.is_null)
		return TR_OK;
	regex = tr_regex_create();
	is_good = tr_regex_compile(regex, tr_view_text(&pattern->value.view), pattern->value.view.length, error);
	tr_regex_destroy(regex);
	if (!is_good)
		TR_FAIL(st, TR_ERR_DATA, "the pattern of %s, '%.*s', is no regular expression: %s", name,
			(int)TR_MIN(pattern->value.view.length, 200u), tr_view_text(&pattern->value.view), error);
	return TR_OK;
}

static tr_code prepare_regex(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			     struct tr_status *st)
{
	return check_pattern(call->args[1], call->func->name, st);
}

static void *create_regex(const void *prepared) { return tr_regex_create(); }

static void destroy_regex(void *local) { tr_regex_destroy(local); }

/* Compiles the row's pattern. */
static bool use_pattern(struct tr_call *call, uint32_t row)
{
	const struct tr_view *pattern = tr_call_view(call, 1, row);

	return tr_regex_compile(call->local, tr_view_text(pattern), pattern->length, NULL);
}

#define FIND(call, row, found, text, length, from)                                             \
	do {                                                                                   \
		(found) = tr_regex_find((call)->local, (text), (length), (from));              \
		if ((found) < 0)                                                               \
			TR_CALL_FAIL(call, row, "the regular expression took too many steps"); \
	} while (0)

static tr_code run_regexp(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row);
		int found = 0;

		if (tr_call_view(call, 1, row)->length > 0 && use_pattern(call, row))
			FIND(call, row, found, tr_view_text(s), s->length, 0);
		((uint8_t *)call->out)[row] = found == 1;
	}
	return TR_OK;
}

static tr_code run_extract(struct tr_call *call)
{
	const bool is_same = call->args[1].is_constant; /* compiled once, at the first row */
	bool is_pattern = is_same && use_pattern(call, 0);

	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row);
		int64_t group = call->arg_count > 2 ? tr_column_i64(&call->args[2], row) : 0;
		size_t begin, end;
		int found = 0;

		if (!is_same)
			is_pattern = use_pattern(call, row);
		if (is_pattern)
			FIND(call, row, found, tr_view_text(s), s->length, 0);
		if (found && tr_regex_group(call->local, group, &begin, &end))
			((struct tr_view *)call->out)[row] =
				tr_text_view(tr_view_text(s) + begin, (uint32_t)(end - begin));
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* The byte after the character at `at`: where to look on after an empty match. */
static size_t step_over(const char *text, size_t length, size_t at)
{
	at++;
	while (at < length && ((unsigned char)text[at] & 0xC0) == 0x80)
		at++;
	return at;
}

static tr_code run_replace(struct tr_call *call)
{
	struct tr_bytes out = {0};
	tr_code code = TR_OK;

	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row), *by = tr_call_view(call, 2, row);
		const char *text = tr_view_text(s);
		size_t from = 0, copied = 0, begin, end;
		char *copy;
		int found = 0;

		if (!use_pattern(call, row)) {
			tr_call_set_null(call, row);
			continue;
		}
		tr_bytes_clear(&out);
		while (from <= s->length && (found = tr_regex_find(call->local, text, s->length, from)) == 1) {
			if (!tr_regex_group(call->local, 0, &begin, &end))
				break;
			tr_bytes_append(&out, text + copied, begin - copied);
			tr_bytes_append(&out, tr_view_text(by), by->length);
			copied = end;
			from = end > begin ? end : step_over(text, s->length, end);
		}
		if (found < 0) {
			call->failed_row = row;
			code = tr_status_set(call->status, TR_ERR_DATA, 0, TR_WHERE,
					     "the regular expression took too many steps");
			break;
		}
		tr_bytes_append(&out, text + copied, s->length - copied);
		copy = tr_arena_alloc_aligned(call->heap, out.length + 1, 1);
		if (out.length > 0)
			memcpy(copy, out.data, out.length);
		((struct tr_view *)call->out)[row] = tr_view_make(copy, (uint32_t)out.length);
	}
	tr_bytes_deinit(&out);
	return code;
}

/* Where the first match begins, from 1, in units of UTF-16 as in Flink. */
static tr_code run_instr(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row);
		size_t begin = 0, end;
		int found;

		if (!use_pattern(call, row)) {
			tr_call_set_null(call, row);
			continue;
		}
		FIND(call, row, found, tr_view_text(s), s->length, 0);
		if (found == 1)
			(void)tr_regex_group(call->local, 0, &begin, &end);
		((int32_t *)call->out)[row] =
			found == 1 ? (int32_t)tr_text_units(tr_view_text(s), (uint32_t)begin) + 1 : 0;
	}
	return TR_OK;
}

/* A pattern of letters, digits and blanks stands for itself. */
static bool is_plain(const struct tr_view *pattern)
{
	const char *text = tr_view_text(pattern);

	for (uint32_t i = 0; i < pattern->length; i++) {
		const char c = text[i];

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == ' '))
			return false;
	}
	return pattern->length > 0;
}

/* How often a plain pattern is in the texts, without a matcher. */
static void count_plain(struct tr_call *call)
{
	const struct tr_view *pattern = tr_call_view(call, 1, 0);
	const char *what = tr_view_text(pattern);

	if (pattern->length == 1 && !call->args[0].is_constant) {
		TR_ISA_PICK(tr_kernel_scan)->count_byte(call->out, call->args[0].data, what[0], call->rows, call->count);
		return;
	}
	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row);
		const char *at = tr_view_text(s), *end = at + s->length;
		int32_t count = 0;

		while ((at = memmem(at, (size_t)(end - at), what, pattern->length)) != NULL) {
			count++;
			at += pattern->length;
		}
		((int32_t *)call->out)[row] = count;
	}
}

static tr_code run_count(struct tr_call *call)
{
	if (call->args[1].is_constant && is_plain(tr_call_view(call, 1, 0))) {
		count_plain(call);
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row);
		const char *text = tr_view_text(s);
		size_t from = 0, begin, end;
		int32_t count = 0;

		if (!use_pattern(call, row)) {
			tr_call_set_null(call, row);
			continue;
		}
		while (from <= s->length) {
			int found;

			FIND(call, row, found, text, s->length, from);
			if (!found || !tr_regex_group(call->local, 0, &begin, &end))
				break;
			count++;
			from = end > begin ? end : step_over(text, s->length, end);
		}
		((int32_t *)call->out)[row] = count;
	}
	return TR_OK;
}

/* ---- SIMILAR TO ---- */

/* A bracket from `i` on: names of classes in lower case, the rest as it is. Returns the position of the last byte. */
static uint32_t put_bracket(struct tr_bytes *out, const char *pattern, uint32_t length, uint32_t i)
{
	bool in_class = false;

	for (; i < length; i++) {
		char c = pattern[i];

		if (c == '[' && i + 1 < length && pattern[i + 1] == ':')
			in_class = true;
		if (in_class && c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c == '\\')
			tr_bytes_append_char(out, '\\');
		tr_bytes_append_char(out, c);
		if (c != ']')
			continue;
		if (in_class && pattern[i - 1] == ':')
			in_class = false;
		else
			break;
	}
	return i;
}

/* The regular expression of a SIMILAR TO pattern. '.' and '^' keep their meaning in it, as in Flink. */
static void translate_similar(struct tr_bytes *out, const char *pattern, uint32_t length, char escape)
{
	tr_bytes_clear(out);
	tr_bytes_append_str(out, "(?s)\\A(?:");
	for (uint32_t i = 0; i < length; i++) {
		char c = pattern[i];

		if (escape != 0 && c == escape && i + 1 < length) {
			c = pattern[++i];
			if (strchr("\\^$.|?*+()[]{}", c) != NULL)
				tr_bytes_append_char(out, '\\');
			tr_bytes_append_char(out, c);
		} else if (c == '%') {
			tr_bytes_append_str(out, ".*");
		} else if (c == '_') {
			tr_bytes_append_char(out, '.');
		} else if (c == '[') {
			i = put_bracket(out, pattern, length, i);
		} else {
			if (c == '$' || c == '\\')
				tr_bytes_append_char(out, '\\');
			tr_bytes_append_char(out, c);
		}
	}
	tr_bytes_append_str(out, ")\\z");
}

struct similar_local {
	struct tr_regex *regex;
	struct tr_bytes translated;
};

static void *create_similar(const void *prepared)
{
	struct similar_local *local = calloc(1, sizeof(*local));

	TR_ASSERT(local != NULL);
	local->regex = tr_regex_create();
	return local;
}

static void destroy_similar(void *local)
{
	struct similar_local *l = local;

	tr_regex_destroy(l->regex);
	tr_bytes_deinit(&l->translated);
	free(l);
}

static tr_code run_similar(struct tr_call *call)
{
	struct similar_local *local = call->local;

	TR_CALL_ROWS(call, row) {
		const struct tr_view *s = tr_call_view(call, 0, row), *pattern = tr_call_view(call, 1, row);
		char error[TR_REGEX_ERROR_BYTES] = "";
		int found;

		if (!call->args[1].is_constant || local->translated.length == 0)
			translate_similar(&local->translated, tr_view_text(pattern), pattern->length,
					  call->arg_count > 2 ? escape_of(tr_call_view(call, 2, row)) : 0);
		if (!tr_regex_compile(local->regex, local->translated.data, local->translated.length, error))
			TR_CALL_FAIL(call, row, "'%.*s' is no pattern of SIMILAR TO: %s",
				     (int)TR_MIN(pattern->length, 200u), tr_view_text(pattern), error);
		found = tr_regex_find(local->regex, tr_view_text(s), s->length, 0);
		if (found < 0)
			TR_CALL_FAIL(call, row, "the pattern took too many steps");
		((uint8_t *)call->out)[row] = found == 1;
	}
	return TR_OK;
}

#define REGEX(name_, params_, typer_, kernel_, null_, signature_, doc_, example_)                                   \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.prepare = prepare_regex, .local_create = create_regex, .local_destroy = destroy_regex,             \
		TR_FUNC_DOC("string", signature_, doc_, example_)                                                   \
	}

static const struct tr_func rows[] = {
	{.name = "LIKE",
	 .params = "ss?s",
	 .typer = tr_typer_boolean,
	 .kernel = run_like,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_INFIX,
	 .prepare = prepare_like,
	 .local_create = create_like,
	 .local_destroy = destroy_like,
	 TR_FUNC_DOC("comparison", "string LIKE pattern [ESCAPE character] -> BOOLEAN",
		     "Whether the whole text matches; % stands for any characters, _ for one.", "'stream' LIKE 'st%'")},
	{.name = "SIMILAR TO",
	 .params = "ss?s",
	 .typer = tr_typer_boolean,
	 .kernel = run_similar,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_INFIX,
	 .local_create = create_similar,
	 .local_destroy = destroy_similar,
	 TR_FUNC_DOC("comparison", "string SIMILAR TO pattern [ESCAPE character] -> BOOLEAN",
		     "Whether the whole text matches an SQL regular expression.", "'abc' SIMILAR TO '(a|x)b_'")},
	REGEX("REGEXP", "ss", tr_typer_boolean, run_regexp, TR_NULL_STRICT, "REGEXP(string, regex) -> BOOLEAN",
	      "Whether a part of the text matches.", "REGEXP('stream', '^s.*m$')"),
	REGEX("REGEXP_EXTRACT", "ss?l", tr_typer_string, run_extract, TR_NULL_MAKES,
	      "REGEXP_EXTRACT(string, regex [, integer]) -> STRING",
	      "The part that matches, or that group of it; NULL when nothing matches.",
	      "REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2) = 'bar'"),
	{.name = "REGEXP_REPLACE",
	 .params = "sss",
	 .typer = tr_typer_string,
	 .kernel = run_replace,
	 .null_rule = TR_NULL_MAKES,
	 .flags = TR_FUNC_AS_ARGS,
	 .prepare = prepare_regex,
	 .local_create = create_regex,
	 .local_destroy = destroy_regex,
	 TR_FUNC_DOC("string", "REGEXP_REPLACE(string, regex, string) -> STRING",
		     "Each matching part replaced by a text.", "REGEXP_REPLACE('foobar', 'oo|ar', '') = 'fb'")},
	REGEX("REGEXP_COUNT", "ss", tr_typer_int, run_count, TR_NULL_MAKES, "REGEXP_COUNT(string, regex) -> INT",
	      "How many parts match.", "REGEXP_COUNT('banana', 'an') = 2"),
	REGEX("REGEXP_INSTR", "ss", tr_typer_int, run_instr, TR_NULL_MAKES, "REGEXP_INSTR(string, regex) -> INT",
	      "Where the first part that matches begins, from 1; 0: nowhere.", "REGEXP_INSTR('stream', 'e.') = 4"),
	REGEX("REGEXP_SUBSTR", "ss", tr_typer_string, run_extract, TR_NULL_MAKES,
	      "REGEXP_SUBSTR(string, regex) -> STRING", "The first part that matches; NULL when none does.",
	      "REGEXP_SUBSTR('stream', 'r.') = 're'"),
};

const struct tr_func_table tr_func_regex_table = {rows, TR_COUNT_OF(rows)};
