/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts taken apart: SPLIT, STR_TO_MAP, REGEXP_EXTRACT_ALL.
 *
 * The parts are views of the argument's bytes: nothing is copied. They are noted in one growing array for the whole batch,
 * of which a list builder picks them (core/ops/kernel_pick.h).
 *
 * STR_TO_MAP splits by regular expressions as Java's String.split does: an empty match at the very beginning does not split,
 * and empty parts at the end fall away. A delimiter of one plain character is looked for without PCRE2.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_nested.h"
#include "core/ops/kernel_regex.h"
#include "core/ops/kernel_text.h"

/* ---- parts ---- */

struct parts {
	struct tr_arena *heap;
	struct tr_view *views;
	uint32_t count;
	uint32_t capacity;
};

static uint32_t add_part(struct parts *parts, const char *text, size_t length)
{
	if (parts->count == parts->capacity) {
		struct tr_view *views;

		parts->capacity = TR_MAX(parts->capacity * 2, 256u);
		views = tr_arena_alloc(parts->heap, (size_t)parts->capacity * sizeof(*views));
		if (parts->count > 0)
			memcpy(views, parts->views, (size_t)parts->count * sizeof(*views));
		parts->views = views;
	}
	parts->views[parts->count] = tr_view_make(text, (uint32_t)length);
	return parts->count++;
}

/* The part as the next element of the open list. */
static tr_code pick_part(struct tr_list_builder *list, struct parts *parts, const char *text, size_t length)
{
	TR_TRY(tr_picks_reserve(&list->picks, 1, list->call->status));
	tr_pick(&list->picks, 0, add_part(parts, text, length));
	return TR_OK;
}

static struct tr_column parts_column(const struct parts *parts)
{
	return (struct tr_column){.type = tr_type_of(TR_TYPE_VARCHAR), .data = parts->views};
}

/* Ends a list whose elements are parts. */
static tr_code end_parts(struct tr_list_builder *list, const struct parts *parts)
{
	const struct tr_column column = parts_column(parts), *source = &column;

	return tr_list_end(list, &source, 1);
}

static const struct tr_type *type_texts(struct tr_ask *ask)
{
	return tr_type_array(ask->arena, tr_type_of(TR_TYPE_VARCHAR));
}

static const struct tr_type *type_text_map(struct tr_ask *ask)
{
	return tr_type_map(ask->arena, tr_type_of(TR_TYPE_VARCHAR), tr_type_of(TR_TYPE_VARCHAR));
}

/* ---- SPLIT ---- */

static tr_code split_characters(struct tr_list_builder *list, struct parts *parts, struct tr_piece s)
{
	for (uint32_t at = 0; at < s.length;) {
		const uint32_t size = TR_MAX(tr_text_prefix(s.text + at, s.length - at, 1, NULL), 1u);

		TR_TRY(pick_part(list, parts, s.text + at, size));
		at += size;
	}
	return TR_OK;
}

static tr_code split(struct tr_list_builder *list, struct parts *parts, struct tr_piece s, struct tr_piece delimiter)
{
	const char *end = s.text + s.length, *at = s.text, *found;

	if (delimiter.length == 0)
		return split_characters(list, parts, s);
	while ((found = memmem(at, (size_t)(end - at), delimiter.text, delimiter.length)) != NULL) {
		TR_TRY(pick_part(list, parts, at, (size_t)(found - at)));
		at = found + delimiter.length;
	}
	return pick_part(list, parts, at, (size_t)(end - at));
}

static tr_code run_split(struct tr_call *call)
{
	struct parts parts = {.heap = call->heap};
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);

		TR_TRY(tr_list_open(&list, row, 0));
		if (s.length > 0)
			TR_TRY(split(&list, &parts, s, tr_call_piece(call, 1, row)));
	}
	return end_parts(&list, &parts);
}

/* ---- STR_TO_MAP ---- */

/* What a text is split by: a plain byte, or a regular expression. */
struct delimiter {
	struct tr_regex *regex;
	char byte;
	bool is_byte;
};

struct map_local {
	struct delimiter entries;
	struct delimiter keys;
};

static void *create_map(const void *prepared)
{
	struct map_local *local = calloc(1, sizeof(*local));

	TR_ASSERT(local != NULL);
	local->entries.regex = tr_regex_create();
	local->keys.regex = tr_regex_create();
	return local;
}

static void destroy_map(void *local)
{
	struct map_local *l = local;

	tr_regex_destroy(l->entries.regex);
	tr_regex_destroy(l->keys.regex);
	free(l);
}

static tr_code use_delimiter(struct tr_call *call, uint32_t row, uint32_t arg, const char *otherwise,
			     struct delimiter *delimiter)
{
	struct tr_piece pattern = {otherwise, 1};
	char error[TR_REGEX_ERROR_BYTES] = "";

	if (call->arg_count > arg)
		pattern = tr_call_piece(call, arg, row);
	delimiter->is_byte = pattern.length == 1 && (pattern.text[0] & 0x80) == 0 &&
			     strchr("\\^$.|?*+()[]{}", pattern.text[0]) == NULL;
	if (delimiter->is_byte)
		delimiter->byte = pattern.text[0];
	else if (!tr_regex_compile(delimiter->regex, pattern.text, pattern.length, error))
		TR_CALL_FAIL(call, row, "the delimiter of STR_TO_MAP, '%.*s', is no regular expression: %s",
			     (int)TR_MIN(pattern.length, 200u), pattern.text, error);
	return TR_OK;
}

/* The next match from `from` on that splits: 1, 0: none, -1: too many steps. */
static int next_split(const struct delimiter *delimiter, const char *text, size_t length, size_t from, size_t *begin,
		      size_t *end)
{
	if (delimiter->is_byte) {
		const char *found = from < length ? memchr(text + from, delimiter->byte, length - from) : NULL;

		*begin = found != NULL ? (size_t)(found - text) : 0;
		*end = *begin + 1;
		return found != NULL;
	}
	while (from <= length) {
		const int found = tr_regex_find(delimiter->regex, text, length, from);

		if (found != 1 || !tr_regex_group(delimiter->regex, 0, begin, end))
			return found < 0 ? -1 : 0;
		if (*end > 0)
			return 1;
		from = TR_MAX(tr_text_prefix(text, (uint32_t)length, 1, NULL), 1u); /* empty, at the beginning */
	}
	return 0;
}

/* Where the batch's entries are gathered. */
struct entries {
	struct tr_call *call;
	struct tr_list_builder list; /* picks of keys */
	struct tr_picks values;
	struct tr_value_set set;
	struct parts parts;
	struct tr_column column; /* of parts */
	const struct tr_column *source;
	uint32_t first; /* pick of the row */
};

/* Adds key=value of [text, text + length). */
static int add_entry(struct entries *e, const struct delimiter *delimiter, const char *text, size_t length)
{
	size_t begin = length, end = length;
	const int found = next_split(delimiter, text, length, 0, &begin, &end);
	uint32_t key, value, position;

	if (found < 0)
		return -1;
	key = add_part(&e->parts, text, found ? begin : length);
	value = found ? add_part(&e->parts, text + end, length - end) : TR_PICK_NULL;
	e->column = parts_column(&e->parts); /* it may have moved */
	if (tr_value_set_add(&e->set, (struct tr_pick){0, key}, &position)) {
		tr_pick(&e->list.picks, 0, key);
		tr_pick(&e->values, 0, value);
	} else {
		e->values.items[e->first + position].row = value;
	}
	return 1;
}

/* The row's text without the empty parts at its end; the number of its parts at most. */
static tr_code open_row(struct entries *e, uint32_t row, uint32_t count)
{
	e->first = e->values.count;
	TR_TRY(tr_list_open(&e->list, row, count));
	TR_TRY(tr_picks_reserve(&e->values, count, e->call->status));
	tr_value_set_begin(&e->set, count);
	return TR_OK;
}

/* Java's split: parts of the row as [begin, end) pairs in `bounds`, empty ones at the end left out. */
static int split_row(const struct delimiter *delimiter, struct tr_piece s, struct tr_picks *bounds, struct tr_status *st)
{
	size_t from = 0, search = 0, begin, end;
	bool has_split = false;
	int found;

	bounds->count = 0;
	while ((found = next_split(delimiter, s.text, s.length, search, &begin, &end)) == 1) {
		if (tr_picks_reserve(bounds, 2, st) != TR_OK)
			return -2;
		tr_pick(bounds, (uint32_t)from, (uint32_t)begin);
		from = end;
		search = end > begin
				 ? end
				 : end + TR_MAX(tr_text_prefix(s.text + end, s.length - (uint32_t)end, 1, NULL), 1u);
		has_split = true;
	}
	if (found < 0)
		return -1;
	if (tr_picks_reserve(bounds, 1, st) != TR_OK)
		return -2;
	tr_pick(bounds, (uint32_t)from, s.length);
	while (has_split && bounds->count > 0 &&
	       bounds->items[bounds->count - 1].source == bounds->items[bounds->count - 1].row)
		bounds->count--;
	return 1;
}

static tr_code map_row(struct entries *e, uint32_t row, struct tr_picks *bounds)
{
	struct tr_call *call = e->call;
	struct map_local *local = call->local;
	const struct tr_piece s = tr_call_piece(call, 0, row);
	int found;

	TR_TRY(use_delimiter(call, row, 1, ",", &local->entries));
	TR_TRY(use_delimiter(call, row, 2, "=", &local->keys));
	bounds->count = 0;
	found = s.length > 0 ? split_row(&local->entries, s, bounds, call->status) : 1;
	if (found == -2)
		return TR_ERR_DATA;
	TR_TRY(open_row(e, row, bounds->count));
	for (uint32_t i = 0; i < bounds->count && found > 0; i++)
		found = add_entry(e, &local->keys, s.text + bounds->items[i].source,
				  bounds->items[i].row - bounds->items[i].source);
	if (found < 0)
		TR_CALL_FAIL(call, row, "the regular expression took too many steps");
	return TR_OK;
}

static tr_code run_str_to_map(struct tr_call *call)
{
	struct tr_column *children = TR_NEW_ARRAY(call->heap, 2, struct tr_column);
	struct entries e = {
		.call = call, .parts = {.heap = call->heap}, .column = {.type = tr_type_of(TR_TYPE_VARCHAR)}};
	struct tr_picks bounds;

	e.source = &e.column;
	tr_list_begin(&e.list, call, call->count);
	tr_picks_init(&e.values, call->heap, call->count);
	tr_picks_init(&bounds, call->heap, 0);
	tr_value_set_init(&e.set, call->heap, &e.source);
	TR_CALL_ROWS(call, row)
		TR_TRY(map_row(&e, row, &bounds));
	e.column = parts_column(&e.parts);
	TR_TRY(tr_picks_gather(&e.list.picks, call->type->children[0], &e.source, 1, &children[0], call->status));
	TR_TRY(tr_picks_gather(&e.values, call->type->children[1], &e.source, 1, &children[1], call->status));
	tr_list_end_with(&e.list, children);
	return TR_OK;
}

/* ---- REGEXP_EXTRACT_ALL ---- */

static void *create_regex(const void *prepared) { return tr_regex_create(); }
static void destroy_regex(void *local) { tr_regex_destroy(local); }

/* Picks the group of each match. */
static tr_code extract_row(struct tr_call *call, uint32_t row, int64_t group, struct tr_list_builder *list,
			   struct parts *parts)
{
	const struct tr_piece s = tr_call_piece(call, 0, row);
	size_t from = 0, begin, end;

	while (from <= s.length) {
		const int found = tr_regex_find(call->local, s.text, s.length, from);

		if (found < 0)
			TR_CALL_FAIL(call, row, "the regular expression took too many steps");
		if (!found || !tr_regex_group(call->local, 0, &begin, &end))
			break;
		from = end > begin ? end
				   : end + TR_MAX(tr_text_prefix(s.text + end, s.length - (uint32_t)end, 1, NULL), 1u);
		if (tr_regex_group(call->local, group, &begin, &end)) {
			TR_TRY(pick_part(list, parts, s.text + begin, end - begin));
		} else {
			TR_TRY(tr_picks_reserve(&list->picks, 1, call->status));
			tr_pick(&list->picks, 0, TR_PICK_NULL);
		}
	}
	return TR_OK;
}

static tr_code run_extract_all(struct tr_call *call)
{
	struct parts parts = {.heap = call->heap};
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		const struct tr_piece pattern = tr_call_piece(call, 1, row);
		const int64_t group = call->arg_count > 2 ? tr_column_i32(&call->args[2], row) : 1;

		if (!tr_regex_compile(call->local, pattern.text, pattern.length, NULL) || group < 0 ||
		    group > tr_regex_group_count(call->local)) {
			tr_call_set_null(call, row);
			continue;
		}
		TR_TRY(tr_list_open(&list, row, 0));
		TR_TRY(extract_row(call, row, group, &list, &parts));
	}
	return end_parts(&list, &parts);
}

static const struct tr_func rows[] = {
	{.name = "SPLIT",
	 .params = "ss",
	 .typer = type_texts,
	 .kernel = run_split,
	 .null_rule = TR_NULL_STRICT,
	 TR_FUNC_DOC("collection", "SPLIT(string, delimiter) -> ARRAY<STRING>",
		     "The parts between the delimiters; the characters if the delimiter is empty.",
		     "SPLIT('a,b', ',')[2] = 'b'")},
	{.name = "STR_TO_MAP",
	 .params = "s",
	 .typer = type_text_map,
	 .kernel = run_str_to_map,
	 .null_rule = TR_NULL_MAKES,
	 .local_create = create_map,
	 .local_destroy = destroy_map,
	 TR_FUNC_DOC("string", "STR_TO_MAP(string [, regex, regex]) -> MAP<STRING, STRING>",
		     "The entries of a text, parted by ',' and '=' or by two regular expressions.",
		     "STR_TO_MAP('a=1,b=2')['b'] = '2'")},
	{.name = "STR_TO_MAP",
	 .params = "sss",
	 .typer = type_text_map,
	 .kernel = run_str_to_map,
	 .null_rule = TR_NULL_MAKES,
	 .flags = TR_FUNC_HIDDEN,
	 .local_create = create_map,
	 .local_destroy = destroy_map},
	{.name = "REGEXP_EXTRACT_ALL",
	 .params = "ss?i",
	 .typer = type_texts,
	 .kernel = run_extract_all,
	 .null_rule = TR_NULL_MAKES,
	 .local_create = create_regex,
	 .local_destroy = destroy_regex,
	 TR_FUNC_DOC("string", "REGEXP_EXTRACT_ALL(string, regex [, integer]) -> ARRAY<STRING>",
		     "That group (the first, if none is named; 0 is all) of each part that matches; NULL if there is "
		     "no such "
		     "group.",
		     "REGEXP_EXTRACT_ALL('a1b22', '[0-9]+', 0)[2] = '22'")},
};

const struct tr_func_table tr_func_split_table = {rows, TR_COUNT_OF(rows)};
