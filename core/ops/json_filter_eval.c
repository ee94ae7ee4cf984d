/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a filter of a JSON path holds for a value: see json_filter.h.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "core/ops/json_filter.h"
#include "core/ops/kernel_regex.h"

/* A value: a node of a document, nothing, or a pattern. */
struct value {
	struct tr_json_doc *doc; /* NULL: undefined, or a pattern */
	uint32_t node;
	const struct tr_json_operand *pattern;
};

static enum tr_json_doc_kind kind_of(const struct value *v)
{
	return (enum tr_json_doc_kind)v->doc->nodes[v->node].kind;
}

static bool is_kind(const struct value *v, enum tr_json_doc_kind kind) { return v->doc != NULL && kind_of(v) == kind; }

static bool is_number(const struct value *v)
{
	return is_kind(v, TR_JSON_DOC_INTEGER) || is_kind(v, TR_JSON_DOC_DECIMAL);
}

static bool is_container(const struct value *v)
{
	return is_kind(v, TR_JSON_DOC_ARRAY) || is_kind(v, TR_JSON_DOC_OBJECT);
}

static const struct tr_json_doc_node *node_of(const struct value *v) { return &v->doc->nodes[v->node]; }

/* ---- order ---- */

static bool is_plain_integer(const char *text, uint32_t length)
{
	for (uint32_t i = text[0] == '-'; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

/* As doubles; whole numbers that are equal so by their digits. False: one is no number. */
static bool compare_numbers(const struct tr_json_doc_node *a, const struct tr_json_doc_node *b, int *order)
{
	double x, y;

	if (tr_text_parse_f64(a->text, a->length, &x) != TR_TEXT_OK ||
	    tr_text_parse_f64(b->text, b->length, &y) != TR_TEXT_OK)
		return false;
	*order = (x > y) - (x < y);
	if (*order != 0 || !is_plain_integer(a->text, a->length) || !is_plain_integer(b->text, b->length) ||
	    a->length != b->length)
		return true;
	*order = memcmp(a->text, b->text, a->length);
	*order = a->text[0] == '-' ? -*order : *order;
	return true;
}

static bool compare(const struct value *a, const struct value *b, int *order)
{
	if (is_number(a) && is_number(b))
		return compare_numbers(node_of(a), node_of(b), order);
	if (!is_kind(a, TR_JSON_DOC_STRING) || !is_kind(b, TR_JSON_DOC_STRING))
		return false;
	*order = tr_json_doc_compare_keys(node_of(a)->text, node_of(a)->length, node_of(b)->text, node_of(b)->length);
	return true;
}

/* ---- equality ---- */

static bool is_text(const struct tr_json_doc_node *node, const char *text, size_t length)
{
	return node->length == length && memcmp(node->text, text, length) == 0;
}

/* Of the values of arrays and objects, which are compared without being brought to one kind. */
static bool is_same(const struct value *a, const struct value *b)
{
	struct value x = {.doc = a->doc, .node = a->node + 1}, y = {.doc = b->doc, .node = b->node + 1};
	uint32_t ends[2];
	int order;

	if (kind_of(a) != kind_of(b))
		return false;
	switch (kind_of(a)) {
	case TR_JSON_DOC_INTEGER:
	case TR_JSON_DOC_DECIMAL: return compare_numbers(node_of(a), node_of(b), &order) && order == 0;
	case TR_JSON_DOC_STRING: return is_text(node_of(a), node_of(b)->text, node_of(b)->length);
	case TR_JSON_DOC_ARRAY:
	case TR_JSON_DOC_OBJECT: break;
	default: return true;
	}
	if (tr_json_doc_length(a->doc, a->node) != tr_json_doc_length(b->doc, b->node))
		return false;
	ends[0] = node_of(a)->end;
	while (x.node < ends[0]) {
		struct value one = {.doc = a->doc, .node = tr_json_doc_at(a->doc, x.node)}, other = {.doc = b->doc};

		if (kind_of(a) == TR_JSON_DOC_ARRAY) {
			other.node = tr_json_doc_at(b->doc, y.node);
			y.node = tr_json_doc_next(b->doc, y.node);
		} else {
			if (!tr_json_doc_find(b->doc, b->node, node_of(&one)->text, node_of(&one)->length,
					      &other.node) ||
			    !tr_json_doc_find(a->doc, a->node, node_of(&one)->text, node_of(&one)->length, &one.node))
				return false;
			x.node = tr_json_doc_next(a->doc, x.node); /* the key */
		}
		if (!is_same(&one, &other))
			return false;
		x.node = tr_json_doc_next(a->doc, x.node);
	}
	return true;
}

/* The left side says what the right one is taken for. */
static bool is_equal(const struct value *a, const struct value *b)
{
	struct tr_bytes text = {0};
	bool is_good;
	int order;

	if (a->doc == NULL || b->doc == NULL)
		return false;
	if (is_number(a) && (is_number(b) || is_kind(b, TR_JSON_DOC_STRING)))
		return compare_numbers(node_of(a), node_of(b), &order) && order == 0;
	if (is_kind(a, TR_JSON_DOC_STRING) && is_number(b)) {
		tr_json_write_number(&text, node_of(b)->text, node_of(b)->length);
		is_good = is_text(node_of(a), text.data, text.length);
		tr_bytes_deinit(&text);
		return is_good;
	}
	return is_same(a, b);
}

static bool is_of_same_kind(const struct value *a, const struct value *b)
{
	if (a->doc == NULL || b->doc == NULL)
		return a->doc == b->doc && a->pattern == b->pattern;
	return kind_of(a) == kind_of(b) || (is_number(a) && is_number(b)) || (is_container(a) && is_container(b)) ||
	       (kind_of(a) <= TR_JSON_DOC_TRUE && kind_of(b) <= TR_JSON_DOC_TRUE && kind_of(a) > TR_JSON_DOC_NULL &&
		kind_of(b) > TR_JSON_DOC_NULL);
}

/* ---- lists ---- */

/* Whether the list has an element that equals the value. */
static bool has_element(const struct value *list, const struct value *value)
{
	struct value element = {.doc = list->doc};

	for (uint32_t at = list->node + 1; at < node_of(list)->end; at = tr_json_doc_next(list->doc, at)) {
		element.node = tr_json_doc_at(list->doc, at);
		list->doc->walked++;
		if (is_equal(value, &element))
			return true;
	}
	return false;
}

/* How many of the elements of `a` are in `b`, and how many there are. */
static uint32_t count_common(const struct value *a, const struct value *b, uint32_t *total)
{
	struct value element = {.doc = a->doc};
	uint32_t count = 0;

	*total = 0;
	for (uint32_t at = a->node + 1; at < node_of(a)->end; at = tr_json_doc_next(a->doc, at)) {
		element.node = tr_json_doc_at(a->doc, at);
		count += has_element(b, &element);
		(*total)++;
		if (b->doc->walked > TR_JSON_PATH_WALK_MAX + TR_JSON_PATH_WALKS_OF_DOCUMENT * (uint64_t)b->doc->count)
			break; /* the path fails for it */
	}
	return count;
}

static bool holds_for_lists(enum tr_json_relation relation, const struct value *a, const struct value *b)
{
	uint32_t total, common;

	if (!is_kind(a, TR_JSON_DOC_ARRAY) || !is_kind(b, TR_JSON_DOC_ARRAY))
		return false;
	common = count_common(a, b, &total);
	return relation == TR_JSON_SUBSET ? common == total : (common > 0) == (relation == TR_JSON_ANY_OF);
}

static bool contains(const struct value *a, const struct value *b)
{
	if (is_kind(a, TR_JSON_DOC_STRING) && is_kind(b, TR_JSON_DOC_STRING))
		return node_of(b)->length == 0 ||
		       memmem(node_of(a)->text, node_of(a)->length, node_of(b)->text, node_of(b)->length) != NULL;
	return is_kind(a, TR_JSON_DOC_ARRAY) && has_element(a, b);
}

/* ---- the other operators ---- */

/* A text's length in UTF-16 units, a container's children; UINT32_MAX: neither. */
static uint32_t size_of(const struct value *v)
{
	if (is_kind(v, TR_JSON_DOC_STRING))
		return (uint32_t)tr_text_utf16_units(node_of(v)->text, node_of(v)->length);
	return is_container(v) ? tr_json_doc_length(v->doc, v->node) : UINT32_MAX;
}

static bool has_size(const struct value *a, const struct value *b)
{
	double wanted;

	return is_number(b) && size_of(a) != UINT32_MAX &&
	       tr_text_parse_f64(node_of(b)->text, node_of(b)->length, &wanted) == TR_TEXT_OK && wanted >= size_of(a) &&
	       wanted < size_of(a) + 1.0;
}

static bool is_empty(const struct value *a, const struct value *b)
{
	if (size_of(a) == UINT32_MAX || (!is_kind(b, TR_JSON_DOC_TRUE) && !is_kind(b, TR_JSON_DOC_FALSE)))
		return false;
	return (size_of(a) == 0) == is_kind(b, TR_JSON_DOC_TRUE);
}

static bool matches_one(struct tr_json_doc *doc, const struct value *v)
{
	const char *words[] = {[TR_JSON_DOC_FALSE] = "false", [TR_JSON_DOC_TRUE] = "true"};
	const char *text = "";
	size_t length = 0;

	if (is_number(v) || is_kind(v, TR_JSON_DOC_STRING)) {
		text = node_of(v)->text;
		length = node_of(v)->length;
	} else if (is_kind(v, TR_JSON_DOC_FALSE) || is_kind(v, TR_JSON_DOC_TRUE)) {
		text = words[kind_of(v)];
		length = strlen(text);
	}
	return tr_regex_find(doc->regex, text, length, 0) == 1;
}

static bool matches(struct tr_json_doc *doc, const struct value *a, const struct value *b)
{
	const struct value *v = a->pattern != NULL ? b : a;
	const struct tr_json_operand *pattern = a->pattern != NULL ? a->pattern : b->pattern;
	struct value element = {.doc = v->doc};

	if ((a->pattern != NULL) == (b->pattern != NULL))
		return false;
	if (doc->regex == NULL)
		doc->regex = tr_regex_create();
	if (!tr_regex_compile(doc->regex, pattern->text, pattern->length, NULL))
		return false;
	if (!is_kind(v, TR_JSON_DOC_ARRAY))
		return matches_one(doc, v);
	for (uint32_t at = v->node + 1; at < node_of(v)->end; at = tr_json_doc_next(v->doc, at)) {
		element.node = tr_json_doc_at(v->doc, at);
		if (matches_one(doc, &element))
			return true;
	}
	return false;
}

static bool relation_holds(enum tr_json_relation relation, struct tr_json_doc *doc, const struct value *a,
			   const struct value *b)
{
	int order = 0;

	switch (relation) {
	case TR_JSON_EQ: return is_equal(a, b);
	case TR_JSON_NE: return !is_equal(a, b);
	case TR_JSON_SAME: return is_of_same_kind(a, b) && is_equal(a, b);
	case TR_JSON_NOT_SAME: return !is_of_same_kind(a, b) || !is_equal(a, b);
	case TR_JSON_LT: return compare(a, b, &order) && order < 0;
	case TR_JSON_LE: return compare(a, b, &order) && order <= 0;
	case TR_JSON_GT: return compare(a, b, &order) && order > 0;
	case TR_JSON_GE: return compare(a, b, &order) && order >= 0;
	case TR_JSON_REGEX: return matches(doc, a, b);
	case TR_JSON_IN: return is_kind(b, TR_JSON_DOC_ARRAY) && has_element(b, a);
	case TR_JSON_NIN: return !is_kind(b, TR_JSON_DOC_ARRAY) || !has_element(b, a);
	case TR_JSON_SUBSET:
	case TR_JSON_ANY_OF:
	case TR_JSON_NONE_OF: return holds_for_lists(relation, a, b);
	case TR_JSON_CONTAINS: return contains(a, b);
	case TR_JSON_SIZE: return has_size(a, b);
	case TR_JSON_EMPTY: return is_empty(a, b);
	case TR_JSON_EXISTS:
	case TR_JSON_NEVER: return false;
	}
	return false;
}

/* `own` is for a literal, whose document all share: what is noted while it is read. */
static struct value value_of(const struct tr_json_operand *operand, struct tr_json_doc *doc, struct tr_json_doc *own,
			     uint32_t node, tr_json_lookup lookup, void *context)
{
	uint32_t found;

	if (operand->kind == TR_JSON_OPERAND_NODE) {
		*own = *operand->doc;
		return (struct value){.doc = own};
	}
	if (operand->kind == TR_JSON_OPERAND_PATTERN)
		return (struct value){.pattern = operand};
	if (!lookup(context, operand->path, operand->is_root ? 0 : node, &found))
		return (struct value){0};
	return (struct value){.doc = doc, .node = tr_json_doc_at(doc, found)};
}

bool tr_json_filter_holds(const struct tr_json_filter *filter, struct tr_json_doc *doc, uint32_t node,
			  tr_json_lookup lookup, void *context)
{
	struct tr_json_doc own[2] = {0};
	struct value a, b;
	bool is_held;

	switch (filter->kind) {
	case TR_JSON_FILTER_OR:
		return tr_json_filter_holds(filter->a, doc, node, lookup, context) ||
		       tr_json_filter_holds(filter->b, doc, node, lookup, context);
	case TR_JSON_FILTER_AND:
		return tr_json_filter_holds(filter->a, doc, node, lookup, context) &&
		       tr_json_filter_holds(filter->b, doc, node, lookup, context);
	case TR_JSON_FILTER_NOT: return !tr_json_filter_holds(filter->a, doc, node, lookup, context);
	case TR_JSON_FILTER_RELATION: break;
	}
	a = value_of(&filter->left, doc, &own[0], node, lookup, context);
	if (filter->relation == TR_JSON_EXISTS)
		return (a.doc != NULL) != filter->left.is_negated;
	b = value_of(&filter->right, doc, &own[1], node, lookup, context);
	is_held = relation_holds(filter->relation, doc, &a, &b);
	free(own[0].members);
	free(own[1].members);
	return is_held;
}
