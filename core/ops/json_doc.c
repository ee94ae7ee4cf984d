/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing JSON into nodes, and the members of objects.
 *
 * The parser is a loop: while a container is open, `end` of its node holds the number of the container around it. A
 * number must fit java.math.BigDecimal, whose exponent has 32 bits.
 */
#include "core/ops/json_doc.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "core/ops/kernel_regex.h"

#define NONE UINT32_MAX
#define EXPONENT_DIGITS_MAX 10

struct parser {
	struct tr_json_doc *doc;
	struct tr_arena *heap;
	const char *start, *at, *end;
	const char *error;
};

/* ---- nodes ---- */

void tr_json_doc_deinit(struct tr_json_doc *doc)
{
	free(doc->nodes);
	free(doc->members);
	tr_regex_destroy(doc->regex);
	*doc = (struct tr_json_doc){0};
}

uint32_t tr_json_doc_add(struct tr_json_doc *doc, enum tr_json_doc_kind kind, const char *text, uint32_t length)
{
	if (doc->count == doc->capacity) {
		doc->capacity = doc->capacity == 0 ? 64 : doc->capacity * 2;
		doc->nodes = realloc(doc->nodes, doc->capacity * sizeof(*doc->nodes));
		TR_ASSERT(doc->nodes != NULL);
	}
	doc->nodes[doc->count] =
		(struct tr_json_doc_node){.kind = (uint8_t)kind, .text = text, .length = length, .end = doc->count + 1};
	return doc->count++;
}

void tr_json_doc_add_ref(struct tr_json_doc *doc, uint32_t node)
{
	const uint32_t target = tr_json_doc_at(doc, node), ref = tr_json_doc_add(doc, TR_JSON_DOC_REF, NULL, 0);

	doc->nodes[ref].end = target;
}

void tr_json_doc_close(struct tr_json_doc *doc, uint32_t node) { doc->nodes[node].end = doc->count; }

/* ---- parsing ---- */

static bool fail(struct parser *p, const char *error)
{
	p->error = error;
	return false;
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
		p->at++;
}

static bool is_digit(const struct parser *p) { return p->at < p->end && *p->at >= '0' && *p->at <= '9'; }

static void skip_digits(struct parser *p)
{
	while (is_digit(p))
		p->at++;
}

static bool parse_exponent(struct parser *p)
{
	const char *digits;

	p->at++;
	if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
		p->at++;
	digits = p->at;
	if (!is_digit(p))
		return fail(p, "an exponent has no digits");
	skip_digits(p);
	return p->at - digits < EXPONENT_DIGITS_MAX || fail(p, "an exponent is out of range");
}

static bool parse_number(struct parser *p, bool is_root)
{
	const char *start = p->at;
	enum tr_json_doc_kind kind = TR_JSON_DOC_INTEGER;

	p->at += *p->at == '-';
	if (!is_digit(p))
		return fail(p, "here should be a value");
	if (*p->at == '0' && p->at + 1 < p->end && p->at[1] >= '0' && p->at[1] <= '9')
		return fail(p, "a number has a leading zero");
	skip_digits(p);
	if (p->at < p->end && *p->at == '.') {
		kind = TR_JSON_DOC_DECIMAL;
		p->at++;
		if (!is_digit(p))
			return fail(p, "a number has no digit after its point");
		skip_digits(p);
	}
	if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
		kind = TR_JSON_DOC_DECIMAL;
		if (!parse_exponent(p))
			return false;
	}
	if (p->at - start > TR_JSON_DOC_NUMBER_MAX)
		return fail(p, "a number has more than 1,000 characters");
	if (is_root && p->at < p->end && *p->at != ' ' && *p->at != '\t' && *p->at != '\n' && *p->at != '\r')
		return fail(p, "no blank stands behind the number");
	tr_json_doc_add(p->doc, kind, start, (uint32_t)(p->at - start));
	return true;
}

static bool is_word_character(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool parse_word(struct parser *p)
{
	static const struct {
		const char *text;
		uint32_t length;
		enum tr_json_doc_kind kind;
	} words[] = {{"true", 4, TR_JSON_DOC_TRUE}, {"false", 5, TR_JSON_DOC_FALSE}, {"null", 4, TR_JSON_DOC_NULL}};

	for (uint32_t i = 0; i < TR_COUNT_OF(words); i++) {
		const uint32_t length = words[i].length;

		if ((size_t)(p->end - p->at) < length || memcmp(p->at, words[i].text, length) != 0)
			continue;
		p->at += length;
		if (p->at < p->end && is_word_character(*p->at))
			break;
		tr_json_doc_add(p->doc, words[i].kind, NULL, 0);
		return true;
	}
	return fail(p, "here should be a value");
}

/* At a quote. */
static bool parse_string(struct parser *p)
{
	const char *start = ++p->at;
	bool has_escapes = false;
	uint32_t length;
	char *text;

	for (; p->at < p->end && *p->at != '"'; p->at++) {
		if ((unsigned char)*p->at < 0x20)
			return fail(p, "a string has a control character that is not escaped");
		if (*p->at == '\\') {
			has_escapes = true;
			p->at++;
		}
	}
	if (p->at >= p->end) {
		p->at = p->end;
		return fail(p, "a string is not closed");
	}
	length = (uint32_t)(p->at - start);
	if (has_escapes) {
		text = tr_arena_alloc_aligned(p->heap, length + 1, 1);
		if (!tr_json_doc_unescape(start, length, text, &length))
			return fail(p, "a string has an escape that is none");
		start = text;
	}
	p->at++;
	tr_json_doc_add(p->doc, TR_JSON_DOC_STRING, start, length);
	return true;
}

static bool parse_key(struct parser *p)
{
	if (p->at >= p->end || *p->at != '"')
		return fail(p, "here should be a key in quotes");
	if (!parse_string(p))
		return false;
	skip_blanks(p);
	if (p->at >= p->end || *p->at != ':')
		return fail(p, "here should be ':'");
	p->at++;
	skip_blanks(p);
	return true;
}

static bool parse_scalar(struct parser *p, bool is_root)
{
	if (p->at >= p->end)
		return fail(p, "the text ends where a value should be");
	if (*p->at == '"')
		return parse_string(p);
	return *p->at == 't' || *p->at == 'f' || *p->at == 'n' ? parse_word(p) : parse_number(p, is_root);
}

/* Behind a value within `open`: closes what ends here. Then either another member follows, or all is closed (NONE). */
static bool close_containers(struct parser *p, uint32_t *open, uint32_t *depth)
{
	struct tr_json_doc_node *nodes = p->doc->nodes;

	while (*open != NONE) {
		const bool is_object = nodes[*open].kind == TR_JSON_DOC_OBJECT;
		uint32_t outer;

		skip_blanks(p);
		if (p->at >= p->end)
			return fail(p, "the text ends within an object or array");
		if (*p->at == ',') {
			p->at++;
			skip_blanks(p);
			return true;
		}
		if (*p->at != (is_object ? '}' : ']'))
			return fail(p, is_object ? "here should be ',' or '}'" : "here should be ',' or ']'");
		p->at++;
		outer = nodes[*open].end;
		nodes[*open].end = p->doc->count;
		*open = outer;
		--*depth;
	}
	return true;
}

/* At '{' or '['. Until it is closed, `end` is the container around it. */
static bool open_container(struct parser *p, uint32_t *open, uint32_t *depth)
{
	const enum tr_json_doc_kind kind = *p->at == '{' ? TR_JSON_DOC_OBJECT : TR_JSON_DOC_ARRAY;
	const uint32_t node = tr_json_doc_add(p->doc, kind, NULL, 0);

	if (++*depth > TR_JSON_DOC_DEPTH_MAX)
		return fail(p, "values are nested more than 1,000 deep");
	p->doc->nodes[node].end = *open;
	*open = node;
	p->at++;
	skip_blanks(p);
	return true;
}

static bool parse_value(struct parser *p)
{
	const struct tr_json_doc *doc = p->doc;
	uint32_t open = NONE, depth = 0;

	do {
		if (open != NONE && doc->nodes[open].kind == TR_JSON_DOC_OBJECT && !parse_key(p))
			return false;
		if (p->at < p->end && (*p->at == '{' || *p->at == '[')) {
			if (!open_container(p, &open, &depth))
				return false;
			if (p->at >= p->end || *p->at != (doc->nodes[open].kind == TR_JSON_DOC_OBJECT ? '}' : ']'))
				continue;
		} else if (!parse_scalar(p, open == NONE)) {
			return false;
		}
		if (!close_containers(p, &open, &depth))
			return false;
	} while (open != NONE);
	return true;
}

bool tr_json_doc_parse(struct tr_json_doc *doc, const char *text, uint32_t length, struct tr_arena *heap)
{
	struct parser p = {.doc = doc, .heap = heap, .start = text, .at = text, .end = text + length};

	doc->count = 0;
	doc->walked = 0;
	skip_blanks(&p);
	if (parse_value(&p))
		return true;
	doc->error = p.error;
	doc->error_at = (uint32_t)(p.at - p.start);
	return false;
}

/* ---- escapes ---- */

static int64_t hex4(const char *text, uint32_t length, uint32_t at)
{
	int64_t value = 0;

	if (at + 4 > length)
		return -1;
	for (uint32_t i = at; i < at + 4; i++) {
		const int digit = tr_text_hex_digit(text[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* At the four digits of a \\u escape; moves `at` behind the character, which may take a second escape. */
static bool unescape_unicode(const char *text, uint32_t length, uint32_t *at, char **out)
{
	int64_t c = hex4(text, length, *at), low;

	if (c < 0)
		return false;
	*at += 4;
	if (c < 0xD800 || c > 0xDFFF) {
		*out += tr_text_put_code_point(*out, (uint32_t)c);
		return true;
	}
	if (c < 0xDC00 && *at + 6 <= length && text[*at] == '\\' && text[*at + 1] == 'u') {
		low = hex4(text, length, *at + 2);
		if (low >= 0xDC00 && low <= 0xDFFF) {
			*at += 6;
			*out += tr_text_put_code_point(*out,
						       (uint32_t)(0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00)));
			return true;
		}
	}
	*(*out)++ = '?';
	return true;
}

bool tr_json_doc_unescape(const char *text, uint32_t length, char *out, uint32_t *out_length)
{
	static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char *begin = out;

	for (uint32_t at = 0; at < length;) {
		const char *letter;

		if (text[at] != '\\') {
			*out++ = text[at++];
			continue;
		}
		if (++at >= length)
			return false;
		letter = text[at] != 0 ? strchr(letters, text[at]) : NULL;
		at++;
		if (letter != NULL)
			*out++ = values[letter - letters];
		else if (text[at - 1] != 'u' || !unescape_unicode(text, length, &at, &out))
			return false;
	}
	*out_length = (uint32_t)(out - begin);
	return true;
}

/* ---- members ---- */

/* UTF-16 orders as UTF-8 does, but for characters beyond the basic plane, which come before U+E000. */
int tr_json_doc_compare_keys(const char *a, uint32_t a_length, const char *b, uint32_t b_length)
{
	const uint32_t length = TR_MIN(a_length, b_length);

	for (uint32_t i = 0; i < length; i++) {
		const unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];

		if (x == y)
			continue;
		if ((x >= 0xF0) != (y >= 0xF0) && x >= 0xEE && y >= 0xEE)
			return x >= 0xF0 ? -1 : 1;
		return x < y ? -1 : 1;
	}
	return (a_length > b_length) - (a_length < b_length);
}

static int by_key(const void *a, const void *b, void *context)
{
	const struct tr_json_doc *doc = context;
	const struct tr_json_doc_member *x = a, *y = b;
	const struct tr_json_doc_node *p = &doc->nodes[x->key], *q = &doc->nodes[y->key];
	const int order = tr_json_doc_compare_keys(p->text, p->length, q->text, q->length);

	return order != 0 ? order : (x->key > y->key) - (x->key < y->key);
}

static int by_place(const void *a, const void *b)
{
	const struct tr_json_doc_member *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static bool same_key(const struct tr_json_doc *doc, uint32_t a, uint32_t b)
{
	const struct tr_json_doc_node *x = &doc->nodes[a], *y = &doc->nodes[b];

	return x->length == y->length && memcmp(x->text, y->text, x->length) == 0;
}

uint32_t tr_json_doc_members(struct tr_json_doc *doc, uint32_t object, bool is_sorted,
			     const struct tr_json_doc_member **members)
{
	uint32_t count = 0, kept = 0;
	struct tr_json_doc_member *list;

	for (uint32_t at = object + 1; at < doc->nodes[object].end; at = tr_json_doc_next(doc, at + 1)) {
		if (count == doc->member_capacity) {
			doc->member_capacity = TR_MAX(64u, count * 2);
			doc->members = realloc(doc->members, doc->member_capacity * sizeof(*doc->members));
			TR_ASSERT(doc->members != NULL);
		}
		doc->members[count++] = (struct tr_json_doc_member){.key = at, .value = tr_json_doc_at(doc, at + 1)};
	}
	doc->walked += count;
	list = doc->members;
	*members = list;
	if (count <= 1)
		return count;
	qsort_r(list, count, sizeof(*list), by_key, doc);
	for (uint32_t i = 0; i < count; i++) {
		if (kept > 0 && same_key(doc, list[kept - 1].key, list[i].key))
			list[kept - 1].value = list[i].value;
		else
			list[kept++] = list[i];
	}
	if (!is_sorted)
		qsort(list, kept, sizeof(*list), by_place);
	return kept;
}

bool tr_json_doc_find(struct tr_json_doc *doc, uint32_t object, const char *key, uint32_t length, uint32_t *value)
{
	bool is_found = false;

	for (uint32_t at = object + 1; at < doc->nodes[object].end; at = tr_json_doc_next(doc, at + 1)) {
		doc->walked++;
		if (doc->nodes[at].length == length && memcmp(doc->nodes[at].text, key, length) == 0) {
			*value = tr_json_doc_at(doc, at + 1);
			is_found = true;
		}
	}
	return is_found;
}

uint32_t tr_json_doc_length(struct tr_json_doc *doc, uint32_t node)
{
	const struct tr_json_doc_member *members;
	uint32_t count = 0;

	if (doc->nodes[node].kind == TR_JSON_DOC_OBJECT)
		return tr_json_doc_members(doc, node, true, &members);
	for (uint32_t at = node + 1; at < doc->nodes[node].end; at = tr_json_doc_next(doc, at))
		count++;
	doc->walked += count;
	return count;
}
