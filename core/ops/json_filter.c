/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling the filters of JSON paths: see json_filter.h. A path ends at a blank, an operator's character or a bracket that it has
 * not opened, and an operator of letters at a blank, as in Jayway's compiler.
 */
#include "core/ops/json_filter.h"

#include <stdlib.h>
#include <strings.h>

#include "base/check.h"
#include "core/ops/kernel_regex.h"

struct reader {
	struct tr_arena *arena;
	const char *text;
	uint32_t length, at;
	const char *error;
	int depth;
	int nest;
};

static const struct tr_json_filter *read_or(struct reader *r);

static void *fail(struct reader *r, const char *error)
{
	if (r->error == NULL)
		r->error = error;
	return NULL;
}

static char current(const struct reader *r) { return r->at < r->length ? r->text[r->at] : 0; }

static void skip_blanks(struct reader *r)
{
	while (current(r) == ' ')
		r->at++;
}

static bool accept(struct reader *r, const char *word)
{
	const uint32_t length = (uint32_t)strlen(word);

	skip_blanks(r);
	if (r->length - r->at < length || memcmp(r->text + r->at, word, length) != 0)
		return false;
	r->at += length;
	return true;
}

uint32_t tr_json_unescaped(const char *text, uint32_t length, uint32_t at, char wanted)
{
	while (++at < length && text[at] != wanted)
		at += text[at] == '\\';
	return at;
}

uint32_t tr_json_closing(const char *text, uint32_t length, uint32_t at, char open, char close, bool has_patterns)
{
	uint32_t depth = 0;

	for (; at < length; at++) {
		const char c = text[at];

		if (c == '\'' || c == '"' || (has_patterns && c == '/'))
			at = tr_json_unescaped(text, length, at, c);
		else if (c == open)
			depth++;
		else if (c == close && --depth == 0)
			return at;
	}
	return length;
}

/* ---- operands ---- */

static const struct tr_json_doc *new_doc(struct reader *r, struct tr_json_doc_node *nodes, uint32_t count)
{
	struct tr_json_doc *doc = TR_NEW(r->arena, struct tr_json_doc);

	doc->nodes = nodes;
	doc->count = count;
	return doc;
}

static bool set_node(struct reader *r, struct tr_json_operand *operand, const char *json, uint32_t length)
{
	struct tr_json_doc doc = {0};
	const bool is_good = tr_json_doc_parse(&doc, json, length, r->arena);

	operand->kind = TR_JSON_OPERAND_NODE;
	if (is_good) {
		struct tr_json_doc_node *nodes = TR_NEW_ARRAY(r->arena, doc.count, struct tr_json_doc_node);

		memcpy(nodes, doc.nodes, doc.count * sizeof(*nodes));
		operand->doc = new_doc(r, nodes, doc.count);
	}
	tr_json_doc_deinit(&doc);
	return is_good || fail(r, "a value of the filter is no JSON") != NULL;
}

static bool read_text(struct reader *r, struct tr_json_operand *operand)
{
	const uint32_t from = r->at + 1, to = tr_json_unescaped(r->text, r->length, r->at, r->text[r->at]);
	char *out = tr_arena_alloc_aligned(r->arena, TR_MAX(to, from) - from + 1, 1);
	struct tr_json_doc_node *node;
	uint32_t size = 0;

	if (to >= r->length)
		return fail(r, "a text of the filter is not closed") != NULL;
	if (!tr_json_doc_unescape(r->text + from, to - from, out, &size)) {
		size = 0;
		for (uint32_t i = from; i < to; i++) {
			i += r->text[i] == '\\' && i + 1 < to;
			out[size++] = r->text[i];
		}
	}
	operand->kind = TR_JSON_OPERAND_NODE;
	node = TR_NEW(r->arena, struct tr_json_doc_node);
	*node = (struct tr_json_doc_node){.kind = TR_JSON_DOC_STRING, .text = out, .length = size, .end = 1};
	operand->doc = new_doc(r, node, 1);
	r->at = to + 1;
	return true;
}

static bool read_word(struct reader *r, struct tr_json_operand *operand, const char *word)
{
	if (!accept(r, word))
		return fail(r, "a value of the filter is none of true, false and null") != NULL;
	return set_node(r, operand, word, (uint32_t)strlen(word));
}

static bool read_number(struct reader *r, struct tr_json_operand *operand)
{
	const uint32_t from = r->at;

	while (current(r) != 0 && strchr("0123456789-.eE", current(r)) != NULL)
		r->at++;
	if (from == r->at)
		return fail(r, "a value is missing in the filter") != NULL;
	return set_node(r, operand, r->text + from, r->at - from);
}

static bool read_json(struct reader *r, struct tr_json_operand *operand, char open, char close)
{
	const uint32_t to = tr_json_closing(r->text, r->length, r->at, open, close, false);
	char *json;

	if (to >= r->length)
		return fail(r, "a value of the filter is not closed") != NULL;
	json = tr_arena_strndup(r->arena, r->text + r->at, to + 1 - r->at);
	for (char *c = json, quote = 0; *c != 0; c++) { /* ['a'] does, as in Jayway's own parser */
		if (*c == '\\' && c[1] != 0)
			c++;
		else if (quote == 0 && (*c == '\'' || *c == '"'))
			quote = *c;
		else if (*c == quote)
			quote = 0;
		else
			continue;
		*c = *c == '\'' && (quote == '\'' || quote == 0) ? '"' : *c;
	}
	if (!set_node(r, operand, json, to + 1 - r->at))
		return false;
	r->at = to + 1;
	return true;
}

/* Java's flags that PCRE2 has, too; a pattern is matched as a whole. */
static bool read_pattern(struct reader *r, struct tr_json_operand *operand)
{
	const uint32_t from = r->at + 1, to = tr_json_unescaped(r->text, r->length, r->at, '/');
	struct tr_regex *regex;
	const char *flags = "";
	bool is_good;

	if (to >= r->length)
		return fail(r, "a pattern of the filter is not closed") != NULL;
	for (r->at = to + 1; current(r) != 0 && strchr("idmsuxU", current(r)) != NULL; r->at++)
		if (strchr("imsx", current(r)) != NULL)
			flags = tr_arena_printf(r->arena, "%s(?%c)", flags, current(r));
	operand->kind = TR_JSON_OPERAND_PATTERN;
	operand->text = tr_arena_printf(r->arena, "%s\\A(?:%.*s)\\z", flags, (int)(to - from), r->text + from);
	operand->length = (uint32_t)strlen(operand->text);
	regex = tr_regex_create();
	is_good = tr_regex_compile(regex, operand->text, operand->length, NULL);
	tr_regex_destroy(regex);
	return is_good || fail(r, "a pattern of the filter is no regular expression") != NULL;
}

static bool is_operator_character(char c) { return c != 0 && strchr("<>=~!", c) != NULL; }

/* The ')' of "name()", with a '.' somewhere in front. */
static bool closes_function(const struct reader *r, uint32_t begin)
{
	uint32_t at = r->at;

	while (at > begin && r->text[at - 1] == ' ')
		at--;
	return at > begin && r->text[at - 1] == '(' && memchr(r->text + begin, '.', at - begin) != NULL;
}

static bool read_path(struct reader *r, struct tr_json_operand *operand)
{
	const uint32_t begin = r->at++;
	struct tr_json_path *path;

	while (r->at < r->length) {
		const char c = current(r);

		if (c == '[') {
			r->at = tr_json_closing(r->text, r->length, r->at, '[', ']', false);
			if (r->at >= r->length)
				return fail(r, "a bracket of the filter is not closed") != NULL;
		} else if (is_operator_character(c) || c == ' ' || (c == ')' && !closes_function(r, begin))) {
			break;
		}
		r->at++;
	}
	path = tr_json_path_compile_inner(r->arena, r->text + begin, r->at - begin, r->nest);
	operand->kind = TR_JSON_OPERAND_PATH;
	operand->is_root = r->text[begin] == '$';
	operand->path = path;
	return path->error == NULL || fail(r, path->error) != NULL;
}

static bool read_operand(struct reader *r, struct tr_json_operand *operand)
{
	skip_blanks(r);
	operand->is_negated = current(r) == '!';
	if (operand->is_negated) {
		r->at++;
		skip_blanks(r);
		if (current(r) != '@' && current(r) != '$')
			return fail(r, "only a path may stand behind !") != NULL;
	}
	switch (current(r)) {
	case '@':
	case '$': return read_path(r, operand);
	case '\'':
	case '"': return read_text(r, operand);
	case 't': return read_word(r, operand, "true");
	case 'f': return read_word(r, operand, "false");
	case 'n': return read_word(r, operand, "null");
	case '[': return read_json(r, operand, '[', ']');
	case '{': return read_json(r, operand, '{', '}');
	case '/': return read_pattern(r, operand);
	default: return read_number(r, operand);
	}
}

/* ---- operators ---- */

static bool read_relation(struct reader *r, enum tr_json_relation *relation)
{
	static const struct {
		const char *word;
		enum tr_json_relation relation;
	} words[] = {{"==", TR_JSON_EQ},        {"!=", TR_JSON_NE},          {"===", TR_JSON_SAME},
		     {"!==", TR_JSON_NOT_SAME}, {"<", TR_JSON_LT},           {"<=", TR_JSON_LE},
		     {">", TR_JSON_GT},         {">=", TR_JSON_GE},          {"=~", TR_JSON_REGEX},
		     {"IN", TR_JSON_IN},        {"NIN", TR_JSON_NIN},        {"SUBSETOF", TR_JSON_SUBSET},
		     {"ANYOF", TR_JSON_ANY_OF}, {"NONEOF", TR_JSON_NONE_OF}, {"CONTAINS", TR_JSON_CONTAINS},
		     {"SIZE", TR_JSON_SIZE},    {"EMPTY", TR_JSON_EMPTY},    {"ALL", TR_JSON_NEVER},
		     {"TYPE", TR_JSON_NEVER},   {"MATCHES", TR_JSON_NEVER}};
	uint32_t from;
	bool is_sign;

	skip_blanks(r);
	from = r->at;
	is_sign = is_operator_character(current(r));
	while (r->at < r->length && (is_sign ? is_operator_character(current(r)) : current(r) != ' '))
		r->at++;
	for (uint32_t i = 0; i < TR_COUNT_OF(words); i++) {
		if (strlen(words[i].word) == r->at - from &&
		    strncasecmp(words[i].word, r->text + from, r->at - from) == 0) {
			*relation = words[i].relation;
			return true;
		}
	}
	r->at = from;
	return false;
}

static const struct tr_json_filter *read_expression(struct reader *r)
{
	struct tr_json_filter *filter = TR_NEW(r->arena, struct tr_json_filter);

	filter->kind = TR_JSON_FILTER_RELATION;
	if (!read_operand(r, &filter->left))
		return NULL;
	if (read_relation(r, &filter->relation))
		return read_operand(r, &filter->right) ? filter : NULL;
	filter->relation = TR_JSON_EXISTS;
	return filter->left.kind == TR_JSON_OPERAND_PATH ? filter : fail(r, "an operator is missing in the filter");
}

static const struct tr_json_filter *make(struct reader *r, enum tr_json_filter_kind kind,
					 const struct tr_json_filter *a, const struct tr_json_filter *b)
{
	struct tr_json_filter *filter = TR_NEW(r->arena, struct tr_json_filter);

	filter->kind = kind;
	filter->a = a;
	filter->b = b;
	return a != NULL ? filter : NULL;
}

static const struct tr_json_filter *read_term(struct reader *r)
{
	const struct tr_json_filter *filter;
	uint32_t start;

	if (++r->depth > TR_JSON_FILTER_DEPTH_MAX)
		return fail(r, "the filter is nested too deeply");
	skip_blanks(r);
	start = r->at;
	if (accept(r, "!")) {
		skip_blanks(r);
		if (current(r) == '@' || current(r) == '$') { /* !@.a is an operand */
			r->at = start;
			filter = read_expression(r);
		} else {
			filter = make(r, TR_JSON_FILTER_NOT, read_term(r), NULL);
		}
	} else if (accept(r, "(")) {
		filter = read_or(r);
		if (filter != NULL && !accept(r, ")"))
			filter = fail(r, "')' is missing in the filter");
	} else {
		filter = read_expression(r);
	}
	r->depth--;
	return filter;
}

static const struct tr_json_filter *read_and(struct reader *r)
{
	const struct tr_json_filter *left = read_term(r);

	while (left != NULL && accept(r, "&&")) {
		const struct tr_json_filter *right = read_term(r);

		left = right != NULL ? make(r, TR_JSON_FILTER_AND, left, right) : NULL;
	}
	return left;
}

static const struct tr_json_filter *read_or(struct reader *r)
{
	const struct tr_json_filter *left = read_and(r);

	while (left != NULL && accept(r, "||")) {
		const struct tr_json_filter *right = read_and(r);

		left = right != NULL ? make(r, TR_JSON_FILTER_OR, left, right) : NULL;
	}
	return left;
}

const struct tr_json_filter *tr_json_filter_compile(struct tr_arena *arena, const char *text, uint32_t length,
						    int depth, const char **error)
{
	struct reader r = {.arena = arena, .text = text, .length = length, .nest = depth};
	const struct tr_json_filter *filter =
		depth <= TR_JSON_FILTER_NEST_MAX ? read_or(&r) : fail(&r, "the filters are nested too deeply");

	skip_blanks(&r);
	if (filter != NULL && r.at < r.length)
		filter = fail(&r, "the filter goes on where it should end");
	*error = r.error;
	return filter;
}
