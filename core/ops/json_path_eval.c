/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluating JSON paths: see json_path.h.
 *
 * A token is applied to a node and hands what it finds to the next one; behind the last one it is a match. What is not there
 * ends the way silently, unless all tokens so far name one value each: then it is an error (in the strict mode).
 *
 * Several scans (..) find a value once for each way to it; the number of values looked at is limited, which bounds time and
 * memory. A path that looks at each value of the document a few times is never refused.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "core/ops/json_filter.h"

const char tr_json_path_too_much[] = "the path finds too much";

struct evaluation {
	const struct tr_json_path *path;
	struct tr_json_doc *doc;
	struct tr_arena *heap;
	const char *error;
	uint64_t walk_limit; /* of doc->walked */
	uint32_t *matches;
	uint32_t count, capacity;
};

static bool apply(struct evaluation *e, uint32_t at, uint32_t node);

static enum tr_json_doc_kind kind_of(const struct evaluation *e, uint32_t node)
{
	return (enum tr_json_doc_kind)e->doc->nodes[node].kind;
}

/* Ends the way here: an error if the path is strict and `is_error`. */
static bool missing(struct evaluation *e, bool is_error, const char *error)
{
	if (!is_error || e->path->is_lax)
		return true;
	e->error = error;
	return false;
}

static bool has_too_much(struct evaluation *e)
{
	if (++e->doc->walked <= e->walk_limit)
		return false;
	e->error = tr_json_path_too_much;
	return true;
}

static bool hand_on(struct evaluation *e, uint32_t at, uint32_t node)
{
	if (has_too_much(e))
		return false;
	if (!e->path->tokens[at].is_leaf)
		return apply(e, at + 1, node);
	if (e->count == e->capacity) {
		const uint32_t capacity = e->capacity * 2 + 8;
		uint32_t *more = tr_arena_alloc(e->heap, capacity * sizeof(*more));

		if (e->count > 0)
			memcpy(more, e->matches, e->count * sizeof(*more));
		e->matches = more;
		e->capacity = capacity;
	}
	e->matches[e->count++] = node;
	return true;
}

/* What was found: of a path that finds several values an array. False: nothing, and that is an error. */
static bool collect(struct evaluation *e, uint32_t *node)
{
	if (!e->path->is_definite) {
		*node = tr_json_doc_add(e->doc, TR_JSON_DOC_ARRAY, NULL, 0);
		for (uint32_t i = 0; i < e->count; i++)
			tr_json_doc_add_ref(e->doc, e->matches[i]);
		tr_json_doc_close(e->doc, *node);
		return true;
	}
	*node = e->count > 0 ? e->matches[e->count - 1] : TR_JSON_PATH_NONE;
	if (e->count == 0 && !e->path->is_lax)
		e->error = "the path finds nothing";
	return e->count > 0 || e->path->is_lax;
}

/* ---- names ---- */

static bool apply_name(struct evaluation *e, uint32_t at, uint32_t node, const struct tr_json_name *name)
{
	const struct tr_json_token *token = &e->path->tokens[at];
	uint32_t value;

	if (has_too_much(e))
		return false;
	if (tr_json_doc_find(e->doc, node, name->text, name->length, &value))
		return hand_on(e, at, value);
	return missing(e, !token->is_leaf && token->is_upstream_definite && token->is_definite,
		       "the path names what is not there");
}

/* ['a', 'b'] at the end: an object of those that are there. */
static bool merge_names(struct evaluation *e, uint32_t at, uint32_t node)
{
	const struct tr_json_token *token = &e->path->tokens[at];
	const uint32_t merged = tr_json_doc_add(e->doc, TR_JSON_DOC_OBJECT, NULL, 0);
	uint32_t value;

	for (uint32_t i = 0; i < token->count; i++) {
		if (has_too_much(e))
			return false;
		if (!tr_json_doc_find(e->doc, node, token->names[i].text, token->names[i].length, &value))
			continue;
		tr_json_doc_add(e->doc, TR_JSON_DOC_STRING, token->names[i].text, token->names[i].length);
		tr_json_doc_add_ref(e->doc, value);
	}
	tr_json_doc_close(e->doc, merged);
	return hand_on(e, at, merged);
}

static bool apply_names(struct evaluation *e, uint32_t at, uint32_t node)
{
	const struct tr_json_token *token = &e->path->tokens[at];

	if (kind_of(e, node) != TR_JSON_DOC_OBJECT)
		return missing(e, token->is_upstream_definite, "the path names a member of what is no object");
	if (token->count > 1 && token->is_leaf)
		return merge_names(e, at, node);
	for (uint32_t i = 0; i < token->count; i++)
		if (!apply_name(e, at, node, &token->names[i]))
			return false;
	return true;
}

/* ---- elements ---- */

/* The elements of an array as a list in the heap. */
static uint32_t *elements_of(struct evaluation *e, uint32_t node, uint32_t *count)
{
	const uint32_t length = tr_json_doc_length(e->doc, node);
	uint32_t *list = tr_arena_alloc(e->heap, (length + 1) * sizeof(*list)), n = 0;

	for (uint32_t at = node + 1; at < e->doc->nodes[node].end; at = tr_json_doc_next(e->doc, at))
		list[n++] = tr_json_doc_at(e->doc, at);
	*count = n;
	return list;
}

static bool apply_element(struct evaluation *e, uint32_t at, const uint32_t *list, uint32_t count, int64_t index)
{
	if (index < 0)
		index += count;
	return !has_too_much(e) && (index < 0 || index >= count || hand_on(e, at, list[index]));
}

static bool apply_elements(struct evaluation *e, uint32_t at, uint32_t node)
{
	const struct tr_json_token *token = &e->path->tokens[at];
	int64_t from, to;
	uint32_t count, *list;

	if (kind_of(e, node) != TR_JSON_DOC_ARRAY)
		return missing(e, token->is_upstream_definite, "the path has an index into what is no array");
	list = elements_of(e, node, &count);
	if (token->kind == TR_JSON_TOKEN_INDEXES) {
		for (uint32_t i = 0; i < token->count; i++)
			if (!apply_element(e, at, list, count, token->indexes[i]))
				return false;
		return true;
	}
	from = token->has_from ? token->from : 0;
	to = token->has_to ? TR_MIN((int64_t)token->to, (int64_t)count) : count;
	if (from < 0 && !token->has_to)
		from = TR_MAX(from + count, 0);
	if (to < 0 && !token->has_from)
		to += count;
	for (int64_t i = TR_MAX(from, -(int64_t)count); i < to && count > 0; i++) /* -2:2 is -2, -1, 0, 1 */
		if (!apply_element(e, at, list, count, i))
			return false;
	return true;
}

/* The values of the members, or the elements. */
static uint32_t *children_of(struct evaluation *e, uint32_t node, uint32_t *count)
{
	const struct tr_json_doc_member *members;
	uint32_t *list;

	if (kind_of(e, node) != TR_JSON_DOC_OBJECT)
		return elements_of(e, node, count);
	*count = tr_json_doc_members(e->doc, node, false, &members);
	list = tr_arena_alloc(e->heap, (*count + 1) * sizeof(*list));
	for (uint32_t i = 0; i < *count; i++)
		list[i] = members[i].value;
	return list;
}

static bool is_container(const struct evaluation *e, uint32_t node)
{
	return kind_of(e, node) == TR_JSON_DOC_OBJECT || kind_of(e, node) == TR_JSON_DOC_ARRAY;
}

static bool apply_all(struct evaluation *e, uint32_t at, uint32_t node)
{
	uint32_t count, *list;

	if (!is_container(e, node))
		return true;
	list = children_of(e, node, &count);
	for (uint32_t i = 0; i < count; i++)
		if (!hand_on(e, at, list[i]))
			return false;
	return true;
}

/* ---- filters ---- */

/* What a path within a filter finds; what is not there, or an error, is nothing. */
static bool look_up(void *context, const struct tr_json_path *path, uint32_t from, uint32_t *node)
{
	struct evaluation *outer = context;
	struct evaluation inner = {
		.path = path, .doc = outer->doc, .heap = outer->heap, .walk_limit = outer->walk_limit};

	*node = from;
	if (path->count == 0)
		return true;
	if (has_too_much(outer))
		return false;
	return apply(&inner, 0, from) && collect(&inner, node) && *node != TR_JSON_PATH_NONE;
}

static bool is_accepted(struct evaluation *e, uint32_t at, uint32_t node)
{
	return tr_json_filter_holds(e->path->tokens[at].filter, e->doc, node, look_up, e);
}

/* An object is kept or not as a whole, of an array the elements. */
static bool apply_filter(struct evaluation *e, uint32_t at, uint32_t node)
{
	uint32_t count, *list;

	if (kind_of(e, node) == TR_JSON_DOC_OBJECT)
		return (!is_accepted(e, at, node) || hand_on(e, at, node)) && !has_too_much(e);
	if (kind_of(e, node) != TR_JSON_DOC_ARRAY) {
		if (!e->path->tokens[at].is_upstream_definite)
			return true;
		e->error = "the path filters what is no array";
		return false;
	}
	list = elements_of(e, node, &count);
	for (uint32_t i = 0; i < count; i++)
		if (has_too_much(e) || (is_accepted(e, at, list[i]) && !hand_on(e, at, list[i])))
			return false;
	return true;
}

/* ---- at any depth ---- */

static bool is_wanted(struct evaluation *e, uint32_t at, uint32_t node)
{
	const struct tr_json_token *token = &e->path->tokens[at];
	uint32_t value;

	switch (token->kind) {
	case TR_JSON_TOKEN_INDEXES:
	case TR_JSON_TOKEN_SLICE: return kind_of(e, node) == TR_JSON_DOC_ARRAY;
	case TR_JSON_TOKEN_ALL: return true;
	case TR_JSON_TOKEN_FILTER: return is_accepted(e, at, node);
	case TR_JSON_TOKEN_NAMES:
		if (kind_of(e, node) != TR_JSON_DOC_OBJECT)
			return false;
		for (uint32_t i = 0; token->is_definite && i < token->count; i++)
			if (!tr_json_doc_find(e->doc, node, token->names[i].text, token->names[i].length, &value))
				return false;
		return true;
	default: return false;
	}
}

static bool scan(struct evaluation *e, uint32_t at, uint32_t node)
{
	uint32_t count, *list;

	if (has_too_much(e))
		return false;
	if (!is_container(e, node))
		return true;
	if (is_wanted(e, at + 1, node) && !apply(e, at + 1, node))
		return false;
	list = children_of(e, node, &count);
	for (uint32_t i = 0; i < count; i++)
		if (!scan(e, at, list[i]))
			return false;
	return true;
}

/* ---- functions ---- */

static uint32_t add_text(struct evaluation *e, enum tr_json_doc_kind kind, const char *text, size_t length)
{
	return tr_json_doc_add(e->doc, kind, tr_arena_strndup(e->heap, text, length), (uint32_t)length);
}

/* MIN, MAX, AVG, SUM, STDDEV of the numbers of an array, as doubles. */
static bool aggregate(struct evaluation *e, uint32_t node, unsigned function, uint32_t *result)
{
	double sum = 0, squares = 0, least = INFINITY, greatest = -INFINITY, value;
	uint32_t count = 0;
	char text[64];

	for (uint32_t at = node + 1; at < e->doc->nodes[node].end; at = tr_json_doc_next(e->doc, at)) {
		const struct tr_json_doc_node *n = &e->doc->nodes[tr_json_doc_at(e->doc, at)];

		e->doc->walked++;
		if ((n->kind != TR_JSON_DOC_INTEGER && n->kind != TR_JSON_DOC_DECIMAL) ||
		    tr_text_parse_f64(n->text, n->length, &value) != TR_TEXT_OK)
			continue;
		count++;
		sum += value;
		squares += value * value;
		least = fmin(least, value);
		greatest = fmax(greatest, value);
	}
	if (count == 0 || kind_of(e, node) != TR_JSON_DOC_ARRAY) {
		e->error = "the path computes something of an array without numbers";
		return false;
	}
	value = function == TR_JSON_MIN   ? least
		: function == TR_JSON_MAX ? greatest
		: function == TR_JSON_SUM ? sum
		: function == TR_JSON_AVG ? sum / count
					  : sqrt(squares / count - sum * sum / count / count);
	*result = add_text(e, TR_JSON_DOC_DECIMAL, text, tr_text_put_f64(text, value));
	return true;
}

static bool element_function(struct evaluation *e, uint32_t node, int64_t index, uint32_t *result)
{
	uint32_t count, *list;

	if (kind_of(e, node) != TR_JSON_DOC_ARRAY) {
		e->error = "the path has an index into what is no array";
		return false;
	}
	list = elements_of(e, node, &count);
	index += index < 0 ? count : 0;
	if (index < 0 || index >= count) {
		e->error = "the path has an index beyond the array";
		return false;
	}
	*result = list[index];
	return true;
}

static uint32_t keys_of(struct evaluation *e, uint32_t node)
{
	const struct tr_json_doc_member *members;
	uint32_t count, array;

	if (kind_of(e, node) != TR_JSON_DOC_OBJECT)
		return tr_json_doc_add(e->doc, TR_JSON_DOC_NULL, NULL, 0);
	count = tr_json_doc_members(e->doc, node, false, &members);
	array = tr_json_doc_add(e->doc, TR_JSON_DOC_ARRAY, NULL, 0);
	for (uint32_t i = 0; i < count; i++)
		tr_json_doc_add_ref(e->doc, members[i].key);
	tr_json_doc_close(e->doc, array);
	return array;
}

static bool apply_function(struct evaluation *e, uint32_t at, uint32_t node)
{
	const struct tr_json_token *token = &e->path->tokens[at];
	uint32_t result = 0;
	char text[16];

	switch (token->function) {
	case TR_JSON_LENGTH:
		if (is_container(e, node))
			result = add_text(e, TR_JSON_DOC_INTEGER, text,
					  (size_t)snprintf(text, sizeof(text), "%u", tr_json_doc_length(e->doc, node)));
		else
			result = tr_json_doc_add(e->doc, TR_JSON_DOC_NULL, NULL, 0);
		break;
	case TR_JSON_KEYS: result = keys_of(e, node); break;
	case TR_JSON_FIRST:
	case TR_JSON_LAST:
	case TR_JSON_INDEX:
		if (!element_function(e, node,
				      token->function == TR_JSON_FIRST  ? 0
				      : token->function == TR_JSON_LAST ? -1
									: token->from,
				      &result))
			return false;
		break;
	default:
		if (!aggregate(e, node, token->function, &result))
			return false;
	}
	return hand_on(e, at, result);
}

static bool apply(struct evaluation *e, uint32_t at, uint32_t node)
{
	switch (e->path->tokens[at].kind) {
	case TR_JSON_TOKEN_NAMES: return apply_names(e, at, node);
	case TR_JSON_TOKEN_INDEXES:
	case TR_JSON_TOKEN_SLICE: return apply_elements(e, at, node);
	case TR_JSON_TOKEN_ALL: return apply_all(e, at, node);
	case TR_JSON_TOKEN_SCAN: return scan(e, at, node);
	case TR_JSON_TOKEN_FILTER: return apply_filter(e, at, node);
	default: return apply_function(e, at, node);
	}
}

bool tr_json_path_eval(const struct tr_json_path *path, struct tr_json_doc *doc, struct tr_arena *heap, uint32_t *node,
		       const char **error)
{
	struct evaluation e = {.path = path,
			       .doc = doc,
			       .heap = heap,
			       .walk_limit =
				       TR_JSON_PATH_WALK_MAX + TR_JSON_PATH_WALKS_OF_DOCUMENT * (uint64_t)doc->count};

	*node = TR_JSON_PATH_NONE;
	*error = path->error;
	if (path->error == NULL && doc->nodes[0].kind == TR_JSON_DOC_NULL)
		*error = "the document is null";
	if (*error != NULL)
		return false;
	if (path->count == 0) {
		*node = 0;
		return true;
	}
	*error = apply(&e, 0, 0) ? NULL : e.error;
	if (*error != NULL)
		return path->is_lax && *error != tr_json_path_too_much;
	if (collect(&e, node))
		return true;
	*error = e.error;
	return false;
}
