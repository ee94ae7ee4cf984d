/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing JSON: values without blanks and with ordered keys, and numbers as Java's BigInteger and BigDecimal write them.
 *
 * BigDecimal keeps the digits as written. It writes them plainly unless there are no digits for the places before the point, or
 * more than six zeros would follow it: then with an exponent, 1E+3 and 1.5E-7.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "core/ops/json_doc.h"

#define PLAIN_EXPONENT_MIN (-6)

void tr_json_write_text(struct tr_bytes *out, const char *text, uint32_t length)
{
	uint32_t copied = 0;

	tr_bytes_append_char(out, '"');
	for (uint32_t i = 0; i < length; i++) {
		static const char named[] = "btn?fr"; /* 8 .. 13 */
		const unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		tr_bytes_append(out, text + copied, i - copied);
		copied = i + 1;
		tr_bytes_append_char(out, '\\');
		if (c == '"' || c == '\\')
			tr_bytes_append_char(out, (char)c);
		else if (c >= 8 && c <= 13 && c != 11)
			tr_bytes_append_char(out, named[c - 8]);
		else
			tr_bytes_printf(out, "u%04X", c);
	}
	tr_bytes_append(out, text + copied, length - copied);
	tr_bytes_append_char(out, '"');
}

/* ---- numbers ---- */

/* The digits of a number without its sign and leading zeros, and how many of them stand behind the point. */
struct digits {
	char text[TR_JSON_DOC_NUMBER_MAX + 1];
	uint32_t count;
	int64_t scale;
};

static void read_digits(const char *text, uint32_t length, struct digits *digits)
{
	bool is_behind = false;

	digits->count = 0;
	digits->scale = 0;
	for (uint32_t i = 0; i < length; i++) {
		if (text[i] == '.') {
			is_behind = true;
		} else if (text[i] == 'e' || text[i] == 'E') {
			digits->scale -= strtoll(text + i + 1, NULL, 10);
			break;
		} else {
			digits->scale += is_behind;
			if (digits->count > 0 || text[i] != '0')
				digits->text[digits->count++] = text[i];
		}
	}
	if (digits->count == 0)
		digits->text[digits->count++] = '0';
}

static void write_plain(struct tr_bytes *out, const struct digits *digits)
{
	const int64_t before = (int64_t)digits->count - digits->scale;

	if (before > 0) {
		tr_bytes_append(out, digits->text, (size_t)before);
	} else {
		tr_bytes_append_char(out, '0');
	}
	if (digits->scale == 0)
		return;
	tr_bytes_append_char(out, '.');
	for (int64_t i = before; i < 0; i++)
		tr_bytes_append_char(out, '0');
	tr_bytes_append(out, digits->text + (before > 0 ? before : 0),
			digits->count - (size_t)(before > 0 ? before : 0));
}

void tr_json_write_number(struct tr_bytes *out, const char *text, uint32_t length)
{
	const bool is_negative = length > 0 && text[0] == '-';
	char copy[TR_JSON_DOC_NUMBER_MAX + 1]; /* strtoll wants an end */
	struct digits digits;
	int64_t exponent;

	length = TR_MIN(length - is_negative, (uint32_t)TR_JSON_DOC_NUMBER_MAX);
	memcpy(copy, text + is_negative, length);
	copy[length] = 0;
	read_digits(copy, length, &digits);
	if (is_negative && (digits.count > 1 || digits.text[0] != '0'))
		tr_bytes_append_char(out, '-');
	exponent = (int64_t)digits.count - 1 - digits.scale;
	if (digits.scale >= 0 && exponent >= PLAIN_EXPONENT_MIN) {
		write_plain(out, &digits);
		return;
	}
	tr_bytes_append_char(out, digits.text[0]);
	if (digits.count > 1) {
		tr_bytes_append_char(out, '.');
		tr_bytes_append(out, digits.text + 1, digits.count - 1);
	}
	if (exponent != 0)
		tr_bytes_printf(out, "E%+lld", (long long)exponent);
}

/* ---- values ---- */

void tr_json_write_scalar(const struct tr_json_doc *doc, uint32_t node, struct tr_bytes *out)
{
	const struct tr_json_doc_node *n = &doc->nodes[tr_json_doc_at(doc, node)];

	switch ((enum tr_json_doc_kind)n->kind) {
	case TR_JSON_DOC_NULL: tr_bytes_append_str(out, "null"); break;
	case TR_JSON_DOC_FALSE: tr_bytes_append_str(out, "false"); break;
	case TR_JSON_DOC_TRUE: tr_bytes_append_str(out, "true"); break;
	case TR_JSON_DOC_STRING: tr_bytes_append(out, n->text, n->length); break;
	case TR_JSON_DOC_INTEGER:
	case TR_JSON_DOC_DECIMAL: tr_json_write_number(out, n->text, n->length); break;
	default: TR_UNREACHABLE();
	}
}

/* `members` of the document are used again within: they are copied first. Depth is bounded by the parser. */
static void write_object(struct tr_json_doc *doc, uint32_t node, struct tr_bytes *out)
{
	const struct tr_json_doc_member *members;
	const uint32_t count = tr_json_doc_members(doc, node, true, &members);
	struct tr_json_doc_member few[8], *own = few;

	if (count > TR_COUNT_OF(few)) {
		own = malloc(count * sizeof(*own));
		TR_ASSERT(own != NULL);
	}
	if (count > 0)
		memcpy(own, members, count * sizeof(*own));
	tr_bytes_append_char(out, '{');
	for (uint32_t i = 0; i < count && out->length <= TR_JSON_WRITE_MAX; i++) {
		const struct tr_json_doc_node *key = &doc->nodes[own[i].key];

		if (i > 0)
			tr_bytes_append_char(out, ',');
		tr_json_write_text(out, key->text, key->length);
		tr_bytes_append_char(out, ':');
		tr_json_write(doc, own[i].value, out);
	}
	tr_bytes_append_char(out, '}');
	if (own != few)
		free(own);
}

void tr_json_write(struct tr_json_doc *doc, uint32_t node, struct tr_bytes *out)
{
	if (out->length > TR_JSON_WRITE_MAX)
		return;
	node = tr_json_doc_at(doc, node);
	switch ((enum tr_json_doc_kind)doc->nodes[node].kind) {
	case TR_JSON_DOC_OBJECT: write_object(doc, node, out); break;
	case TR_JSON_DOC_ARRAY:
		tr_bytes_append_char(out, '[');
		for (uint32_t at = node + 1; at < doc->nodes[node].end && out->length <= TR_JSON_WRITE_MAX;
		     at = tr_json_doc_next(doc, at)) {
			if (at > node + 1)
				tr_bytes_append_char(out, ',');
			tr_json_write(doc, at, out);
		}
		tr_bytes_append_char(out, ']');
		break;
	case TR_JSON_DOC_STRING: tr_json_write_text(out, doc->nodes[node].text, doc->nodes[node].length); break;
	default: tr_json_write_scalar(doc, node, out);
	}
}
