/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON lines to columns: one object per line, or an array of objects, which becomes a row for each.
 *
 * The scanner (decode_json.isa.c) walks a tree of nodes, one per type, that mirrors the schema and says what is needed.
 * It reads whole lines only; the last line of the input, when it has no end, is copied to the batch's heap and given
 * one.
 *
 * Flink's rules (JsonToRowDataConverters, Jackson):
 *   - a key that is missing, or null, is NULL (json.fail-on-missing-field: missing is an error); unknown keys are
 *     skipped; of equal keys the last counts
 *   - numbers may stand in strings; a fraction is cut off for INT and BIGINT; a BOOLEAN is true only for true, "true"
 *   - a STRING takes the text of numbers and words, and the text of objects and arrays without blanks
 *   - a DECIMAL that does not fit is NULL; TIMESTAMP and TIMESTAMP_LTZ by json.timestamp-format.standard; BYTES Base64
 *   - json.ignore-parse-errors: a bad value is NULL, a broken record is skipped
 * We differ: text behind the object is an error (Jackson looks no further); blank lines are skipped; values may nest 128
 * deep; numbers and escapes in the text of an object stay as they were written.
 *
 * An array of objects may hold more rows than a batch: decode then stops at a comma, and a text that begins with a comma
 * is the rest of an array. So the decoder has no state between calls, and whoever reads on may be another reader.
 */
#include "io/decode_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/type.h"

#define PAIRWISE_MAX 16 /* keys of a map that are compared with each other */

struct tr_decoder {
	const struct tr_table_spec *spec;
	const struct tr_json_kernels *kernels;
	struct tr_json_options options;
	struct tr_arena arena; /* the nodes */
	struct tr_json_node *root;
	char path[256];
};

/* ---- the tree of nodes ---- */

static enum tr_json_kind kind_of(const struct tr_type *type)
{
	switch ((enum tr_type_id)type->id) {
	case TR_TYPE_BOOLEAN: return TR_JSON_BOOLEAN;
	case TR_TYPE_TINYINT: return TR_JSON_INT8;
	case TR_TYPE_SMALLINT: return TR_JSON_INT16;
	case TR_TYPE_INT:
	case TR_TYPE_INTERVAL_MONTH: return TR_JSON_INT32;
	case TR_TYPE_BIGINT:
	case TR_TYPE_INTERVAL_MS: return TR_JSON_INT64;
	case TR_TYPE_DOUBLE: return TR_JSON_DOUBLE;
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR: return TR_JSON_TEXT;
	case TR_TYPE_TIMESTAMP: return TR_JSON_TIMESTAMP;
	case TR_TYPE_ARRAY: return TR_JSON_ARRAY;
	case TR_TYPE_MAP: return TR_JSON_MAP;
	case TR_TYPE_ROW: return TR_JSON_ROW;
	default: return TR_JSON_SCALAR;
	}
}

static void node_prepare_row(struct tr_arena *arena, struct tr_json_node *node)
{
	uint32_t size = 8;

	while (size < node->child_count * 2)
		size *= 2;
	node->table = TR_NEW_ARRAY(arena, size, uint32_t);
	node->table_mask = size - 1;
	node->seen = TR_NEW_ARRAY(arena, node->child_count + 1, uint64_t);
	node->keys = TR_NEW_ARRAY(arena, TR_JSON_KEYS_MAX, struct tr_json_key);
	node->first = node->lost = TR_JSON_NO_KEY;
	for (uint32_t i = 0; i < node->child_count; i++) {
		const struct tr_json_node *child = &node->children[i];
		uint32_t slot = (uint32_t)tr_hash_bytes(child->name, child->name_length) & node->table_mask;

		while (node->table[slot] != 0)
			slot = (slot + 1) & node->table_mask;
		node->table[slot] = i + 1;
		node->needed_count += child->kind != TR_JSON_SKIP;
	}
}

/** Recursion follows the type. `need` NULL: all of it. */
static void node_init(struct tr_arena *arena, struct tr_json_node *node, const struct tr_type *type,
		      const struct tr_need *need)
{
	node->type = type;
	node->kind = kind_of(type);
	if (node->kind == TR_JSON_TIMESTAMP)
		node->ticks_per_ms = tr_type_ticks_per_second(type) / 1000;
	if (node->kind != TR_JSON_ARRAY && node->kind != TR_JSON_MAP && node->kind != TR_JSON_ROW)
		return;
	node->child_count = type->child_count;
	node->children = TR_NEW_ARRAY(arena, node->child_count + 1, struct tr_json_node);
	for (uint32_t i = 0; i < node->child_count; i++) {
		struct tr_json_node *child = &node->children[i];
		const bool is_part = node->kind == TR_JSON_ROW && need != NULL && !need->is_whole;
		const struct tr_need *child_need = is_part ? need->children[i] : NULL;

		node_init(arena, child, type->children[i], child_need);
		if (node->kind == TR_JSON_ROW) {
			child->name = type->names[i];
			child->name_length = (uint32_t)strlen(child->name);
		}
		if (is_part && child_need == NULL)
			child->kind = TR_JSON_SKIP;
	}
	if (node->kind == TR_JSON_ROW)
		node_prepare_row(arena, node);
}

static struct tr_json_node *root_create(struct tr_arena *arena, const struct tr_table_spec *spec)
{
	struct tr_json_node *root = TR_NEW(arena, struct tr_json_node);

	root->kind = TR_JSON_ROW;
	root->child_count = spec->schema->column_count;
	root->children = TR_NEW_ARRAY(arena, root->child_count + 1, struct tr_json_node);
	for (uint32_t i = 0; i < root->child_count; i++) {
		struct tr_json_node *child = &root->children[i];

		node_init(arena, child, spec->schema->types[i], spec->needs != NULL ? spec->needs[i] : NULL);
		child->name = spec->schema->names[i];
		child->name_length = (uint32_t)strlen(child->name);
		if (spec->needs != NULL && spec->needs[i] == NULL)
			child->kind = TR_JSON_SKIP;
	}
	node_prepare_row(arena, root);
	return root;
}

int32_t tr_json_find_field(const struct tr_json_node *node, const char *name, size_t length)
{
	uint32_t slot = (uint32_t)tr_hash_bytes(name, length) & node->table_mask;

	for (; node->table[slot] != 0; slot = (slot + 1) & node->table_mask) {
		const struct tr_json_node *child = &node->children[node->table[slot] - 1];

		if (child->name_length == length && memcmp(child->name, name, length) == 0)
			return (int32_t)(node->table[slot] - 1);
	}
	return TR_JSON_UNKNOWN;
}

struct tr_json_key *tr_json_learn(struct tr_json_node *node, const char *literal, size_t length, int32_t field)
{
	struct tr_json_key *key;

	if (length > TR_JSON_LITERAL_MAX)
		return NULL;
	for (uint32_t i = 0; i < node->key_count; i++) {
		key = &node->keys[i];
		if (key->length == length && memcmp(key->literal, literal, length) == 0)
			return key;
	}
	if (node->key_count == TR_JSON_KEYS_MAX)
		return NULL;
	key = &node->keys[node->key_count++];
	memcpy(key->literal, literal, length);
	key->length = (uint32_t)length;
	key->field = field;
	key->next = TR_JSON_NO_KEY;
	return key;
}

/* ---- strings and maps, the rare parts ---- */

static uint32_t hex_4(const char *p)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)tr_text_hex_digit(p[i]);
	return value;
}

size_t tr_json_unescape(const char *text, size_t length, char *out)
{
	const char *p = text, *end = text + length;
	size_t at = 0;

	while (p < end) {
		uint32_t code;

		if (*p != '\\') {
			const char *next = memchr(p, '\\', (size_t)(end - p));
			size_t plain = (size_t)((next != NULL ? next : end) - p);

			memcpy(out + at, p, plain);
			at += plain;
			p += plain;
			continue;
		}
		TR_ASSERT(end - p >= 2);
		switch (p[1]) {
		case 'b': out[at++] = '\b'; break;
		case 'f': out[at++] = '\f'; break;
		case 'n': out[at++] = '\n'; break;
		case 'r': out[at++] = '\r'; break;
		case 't': out[at++] = '\t'; break;
		case 'u':
			TR_ASSERT(end - p >= 6);
			code = hex_4(p + 2);
			if (code >= 0xd800 && code < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
			    hex_4(p + 8) >= 0xdc00 && hex_4(p + 8) < 0xe000) {
				code = 0x10000 + ((code - 0xd800) << 10) + (hex_4(p + 8) - 0xdc00);
				p += 6;
			} else if (code >= 0xd800 && code < 0xe000) {
				code = '?';
			}
			at += tr_text_put_code_point(out + at, code);
			p += 4;
			break;
		default: out[at++] = p[1]; break;
		}
		p += 2;
	}
	return at;
}

size_t tr_json_compact(const char *text, size_t length, char *out)
{
	bool is_inside = false;
	size_t at = 0;

	for (size_t i = 0; i < length; i++) {
		const char c = text[i];

		if (!is_inside && (c == ' ' || c == '\t' || c == '\r'))
			continue;
		out[at++] = c;
		if (c == '"')
			is_inside = !is_inside;
		else if (c == '\\' && is_inside)
			out[at++] = text[++i];
	}
	return at;
}

uint32_t tr_json_find_duplicates(const struct tr_view *keys, uint32_t count, uint8_t *skip)
{
	uint32_t *table, mask = 1, found = 0;

	memset(skip, 0, count);
	if (count <= PAIRWISE_MAX) {
		for (uint32_t i = 0; i + 1 < count; i++)
			for (uint32_t k = i + 1; k < count && !skip[i]; k++)
				skip[i] = tr_view_equals(&keys[i], &keys[k]);
		for (uint32_t i = 0; i < count; i++)
			found += skip[i];
		return found;
	}
	while (mask < count * 2)
		mask *= 2;
	table = calloc(mask, sizeof(*table));
	TR_ASSERT(table != NULL);
	mask--;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = (uint32_t)tr_hash_bytes(tr_view_text(&keys[i]), keys[i].length) & mask;

		while (table[slot] != 0 && !tr_view_equals(&keys[table[slot] - 1], &keys[i]))
			slot = (slot + 1) & mask;
		if (table[slot] != 0) {
			skip[table[slot] - 1] = 1;
			found++;
		}
		table[slot] = i + 1;
	}
	free(table);
	return found;
}

/* ---- the decoder ---- */

/** NULLs for what nobody needs, rows [from, end). */
static void fill_unneeded(const struct tr_json_node *node, struct tr_column_buffer *columns, uint32_t from, uint32_t end)
{
	for (uint32_t i = 0; i < node->child_count; i++) {
		if (node->children[i].kind == TR_JSON_SKIP)
			tr_field_set_nulls(&columns[i], from, end);
		else if (node->children[i].kind == TR_JSON_ROW)
			fill_unneeded(&node->children[i], columns[i].children, from, end);
	}
}

/** Fills the error. `origin` is where the scanned text begins, `offset` where that lies in the span. */
static enum tr_flow json_fail(struct tr_decoder *d, const struct tr_json_scan *s, const char *origin, size_t offset,
			      struct tr_decode_error *error)
{
	error->record_offset = offset + (size_t)(s->p - origin);
	error->offset = offset + (size_t)(s->error_at - origin);
	snprintf(d->path, sizeof(d->path), "%s", s->path);
	error->field = d->path[0] != '\0' ? d->path : NULL;
	snprintf(error->reason, sizeof(error->reason), "%s", s->reason);
	return TR_FLOW_FAILED;
}

/** Scans the lines in [text, text + length), which lie `offset` bytes into the span. */
static enum tr_flow scan_lines(struct tr_decoder *d, struct tr_json_scan *s, const char *text, size_t length,
			       size_t offset, size_t *consumed, struct tr_decode_error *error)
{
	enum tr_flow flow = TR_FLOW_MORE;

	s->p = text;
	s->is_split = false;
	if (!d->kernels->decode(s, text + length))
		flow = json_fail(d, s, text, offset, error);
	*consumed = (size_t)(s->p - text);
	return flow;
}

static enum tr_flow json_decode(struct tr_decoder *d, const char *span, size_t length, bool is_final,
				struct tr_batch_buffer *into, uint32_t at, struct tr_decode_result *result,
				struct tr_decode_error *error)
{
	struct tr_json_scan s;
	const char *last = length > 0 ? memrchr(span, '\n', length) : NULL;
	const size_t lines = last != NULL ? (size_t)(last - span) + 1 : 0;
	const size_t tail = length - lines;
	size_t consumed = 0;
	enum tr_flow flow = TR_FLOW_MORE;

	TR_ASSERT(into->batch.schema->column_count == d->root->child_count && at <= into->capacity);
	memset(result, 0, sizeof(*result));
	s.options = &d->options;
	s.root = d->root;
	s.into = into;
	s.row = at;
	s.rows_bad = s.fields_bad = 0;
	s.reason[0] = s.path[0] = '\0';
	s.error_at = span;
	if (lines > 0) {
		flow = scan_lines(d, &s, span, lines, 0, &consumed, error);
		result->consumed = consumed;
	}
	if (flow == TR_FLOW_MORE && consumed == lines && tail > 0 && is_final && s.row < into->capacity) {
		char *copy = tr_arena_alloc(&into->heap.arena, tail + 1 + TR_INPUT_PADDING);

		memcpy(copy, span + lines, tail);
		memset(copy + tail, '\n', 1 + TR_INPUT_PADDING);
		flow = scan_lines(d, &s, copy, tail + 1, lines, &consumed, error);
		result->consumed += TR_MIN(consumed, tail);
	} else if (flow == TR_FLOW_MORE && consumed == lines && !is_final && tail > TR_RECORD_BYTES_MAX) {
		s.p = s.error_at = span + lines;
		snprintf(s.reason, sizeof(s.reason), "the record is longer than 64 MiB");
		flow = json_fail(d, &s, span, 0, error);
	}
	fill_unneeded(d->root, into->columns, at, s.row);
	result->rows = s.row - at;
	result->rows_bad = s.rows_bad;
	result->fields_bad = s.fields_bad;
	return flow;
}

static void json_destroy(struct tr_decoder **decoder)
{
	struct tr_decoder *d = *decoder;

	*decoder = NULL;
	if (d == NULL)
		return;
	tr_arena_deinit(&d->arena);
	free(d);
}

static tr_code json_create(const struct tr_table_spec *spec, struct tr_decoder **decoder, struct tr_status *st)
{
	struct tr_json_options options;
	struct tr_decoder *d;

	*decoder = NULL;
	TR_TRY(tr_json_check_schema(spec, st));
	TR_TRY(tr_json_options_read(spec, &options, st));
	d = calloc(1, sizeof(*d));
	TR_ASSERT(d != NULL);
	d->spec = spec;
	d->options = options;
	d->kernels = TR_ISA_PICK(tr_json_kernels);
	tr_arena_init(&d->arena, 0);
	d->root = root_create(&d->arena, spec);
	*decoder = d;
	return TR_OK;
}

static size_t json_find_start(const char *span, size_t length, size_t from)
{
	const char *newline;

	TR_ASSERT(from > 0);
	if (from > length)
		return length;
	newline = memchr(span + from - 1, '\n', length - (from - 1));
	return newline != NULL ? (size_t)(newline - span) + 1 : length;
}

const struct tr_decoder_ops tr_json_decoder = {json_create, json_destroy, json_decode, json_find_start};
