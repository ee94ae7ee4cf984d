/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON oracle: a recursive parser of one character at a time into a tree, and a printer that makes of the tree what
 * the print sink shows of the table naive_json_table(). Written from RFC 8259 and Flink's rules, not from the decoder.
 *
 *     i BIGINT, s STRING, b BOOLEAN, a ARRAY<BIGINT>, m MAP<STRING, STRING>, r ROW<x INT, y STRING, z ARRAY<STRING>>
 */
#ifndef TR_JSON_NAIVE_H
#define TR_JSON_NAIVE_H

#include <ctype.h>
#include <errno.h>

#include "format_test.h"

#define NAIVE_DEPTH_MAX 128

enum naive_kind { NAIVE_NULL, NAIVE_TRUE, NAIVE_FALSE, NAIVE_NUMBER, NAIVE_STRING, NAIVE_ARRAY, NAIVE_OBJECT };

struct naive_value {
	enum naive_kind kind;
	const char *raw;
	size_t raw_length;
	char *text; /* STRING: its meaning */
	size_t length;
	struct naive_value *items;
	struct naive_value *keys;
	size_t count;
};

struct naive_json {
	struct tr_arena arena;
	const char *p, *end;
	int depth;
	bool is_bad;
};

static inline void naive_blanks(struct naive_json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\r'))
		j->p++;
}

static inline int naive_peek(struct naive_json *j) { return j->p < j->end ? (unsigned char)*j->p : -1; }

static inline void naive_code_point(struct naive_value *v, unsigned c)
{
	char *t = v->text;

	if (c < 0x80) {
		t[v->length++] = (char)c;
	} else if (c < 0x800) {
		t[v->length++] = (char)(0xc0 + c / 64);
		t[v->length++] = (char)(0x80 + c % 64);
	} else if (c < 0x10000) {
		t[v->length++] = (char)(0xe0 + c / 4096);
		t[v->length++] = (char)(0x80 + c / 64 % 64);
		t[v->length++] = (char)(0x80 + c % 64);
	} else {
		t[v->length++] = (char)(0xf0 + c / 262144);
		t[v->length++] = (char)(0x80 + c / 4096 % 64);
		t[v->length++] = (char)(0x80 + c / 64 % 64);
		t[v->length++] = (char)(0x80 + c % 64);
	}
}

static inline bool naive_hex(struct naive_json *j, unsigned *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, j->p++) {
		if (j->p >= j->end || !isxdigit((unsigned char)*j->p))
			return false;
		*code = *code * 16 +
			(unsigned)(isdigit((unsigned char)*j->p) ? *j->p - '0' : tolower(*j->p) - 'a' + 10);
	}
	return true;
}

static inline void naive_string(struct naive_json *j, struct naive_value *v)
{
	const char *names = "\"\\/bfnrt", *meanings = "\"\\/\b\f\n\r\t";
	unsigned pending = 0; /* a high surrogate */

	v->kind = NAIVE_STRING;
	v->text = tr_arena_alloc(&j->arena, (size_t)(j->end - j->p) * 3 + 8);
	j->p++;
	for (;;) {
		int c = naive_peek(j);
		unsigned code;
		const char *name;

		if (c < 0x20 || c == -1) {
			j->is_bad = true;
			return;
		}
		if (c == '\\' && j->p + 1 < j->end && j->p[1] == 'u') {
			j->p += 2;
			if (!naive_hex(j, &code)) {
				j->is_bad = true;
				return;
			}
			if (pending != 0 && code >= 0xdc00 && code <= 0xdfff) {
				naive_code_point(v, 0x10000 + (pending - 0xd800) * 0x400 + (code - 0xdc00));
				pending = 0;
				continue;
			}
			if (pending != 0)
				naive_code_point(v, '?');
			pending = code >= 0xd800 && code <= 0xdbff ? code : 0;
			if (pending == 0)
				naive_code_point(v, code >= 0xdc00 && code <= 0xdfff ? '?' : code);
			continue;
		}
		if (pending != 0)
			naive_code_point(v, '?');
		pending = 0;
		j->p++;
		if (c == '"')
			break;
		if (c == '\\') {
			name = naive_peek(j) > 0 ? strchr(names, naive_peek(j)) : NULL;
			if (name == NULL) {
				j->is_bad = true;
				return;
			}
			v->text[v->length++] = meanings[name - names];
			j->p++;
		} else {
			v->text[v->length++] = (char)c;
		}
	}
	/* The raw bytes must be UTF-8: mbrtowc would need a locale, so decode by hand. */
	for (size_t i = 0; i < v->length;) {
		unsigned char c = (unsigned char)v->text[i];
		int more = c < 0x80                 ? 0
			   : c >= 0xc2 && c <= 0xdf ? 1
			   : (c & 0xf0) == 0xe0     ? 2
			   : c >= 0xf0 && c <= 0xf4 ? 3
						    : -1;
		unsigned code = more <= 0 ? c : c & (0x3fu >> more);

		if (more < 0 || i + (size_t)more >= v->length + (more == 0)) {
			j->is_bad = true;
			return;
		}
		for (int k = 1; k <= more; k++) {
			if (((unsigned char)v->text[i + (size_t)k] & 0xc0) != 0x80) {
				j->is_bad = true;
				return;
			}
			code = code * 64 + ((unsigned char)v->text[i + (size_t)k] & 63);
		}
		if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff)) ||
		    (code >= 0xd800 && code <= 0xdfff)) {
			j->is_bad = true;
			return;
		}
		i += (size_t)more + 1;
	}
}

static inline void naive_digits(struct naive_json *j)
{
	if (!isdigit(naive_peek(j)))
		j->is_bad = true;
	while (isdigit(naive_peek(j)))
		j->p++;
}

static inline void naive_value(struct naive_json *j, struct naive_value *v);

static inline void naive_container(struct naive_json *j, struct naive_value *v, int close)
{
	size_t capacity = 0;

	v->kind = close == '}' ? NAIVE_OBJECT : NAIVE_ARRAY;
	j->p++;
	if (++j->depth > NAIVE_DEPTH_MAX) {
		j->is_bad = true;
		return;
	}
	naive_blanks(j);
	if (naive_peek(j) == close) {
		j->p++;
		j->depth--;
		return;
	}
	while (!j->is_bad) {
		if (v->count == capacity) {
			struct naive_value *items, *keys;

			capacity = capacity * 2 + 4;
			items = TR_NEW_ARRAY(&j->arena, capacity, struct naive_value);
			keys = TR_NEW_ARRAY(&j->arena, capacity, struct naive_value);
			if (v->count > 0) {
				memcpy(items, v->items, v->count * sizeof(*items));
				memcpy(keys, v->keys, v->count * sizeof(*keys));
			}
			v->items = items;
			v->keys = keys;
		}
		naive_blanks(j);
		if (close == '}') {
			if (naive_peek(j) != '"') {
				j->is_bad = true;
				return;
			}
			naive_string(j, &v->keys[v->count]);
			naive_blanks(j);
			if (naive_peek(j) != ':')
				j->is_bad = true;
			if (j->is_bad)
				return;
			j->p++;
			naive_blanks(j);
		}
		naive_value(j, &v->items[v->count++]);
		if (j->is_bad)
			return;
		naive_blanks(j);
		if (naive_peek(j) == close) {
			j->p++;
			j->depth--;
			return;
		}
		if (naive_peek(j) != ',')
			j->is_bad = true;
		j->p++;
	}
}

static inline void naive_value(struct naive_json *j, struct naive_value *v)
{
	static const char *const words[] = {"null", "true", "false"};
	int c = naive_peek(j);

	v->raw = j->p;
	if (c == '"') {
		naive_string(j, v);
	} else if (c == '{' || c == '[') {
		naive_container(j, v, c == '{' ? '}' : ']');
	} else if (c == '-' || isdigit(c)) {
		v->kind = NAIVE_NUMBER;
		if (c == '-')
			j->p++;
		if (naive_peek(j) == '0') {
			j->p++;
			if (isdigit(naive_peek(j)))
				j->is_bad = true;
		} else {
			naive_digits(j);
		}
		if (naive_peek(j) == '.') {
			j->p++;
			naive_digits(j);
		}
		if (naive_peek(j) == 'e' || naive_peek(j) == 'E') {
			j->p++;
			if (naive_peek(j) == '+' || naive_peek(j) == '-')
				j->p++;
			naive_digits(j);
		}
	} else {
		int k = 0;

		while (k < 3 &&
		       ((size_t)(j->end - j->p) < strlen(words[k]) || memcmp(j->p, words[k], strlen(words[k])) != 0))
			k++;
		if (k == 3) {
			j->is_bad = true;
			return;
		}
		v->kind = (enum naive_kind)k;
		j->p += strlen(words[k]);
	}
	v->raw_length = (size_t)(j->p - v->raw);
}

/* ---- the table ---- */

static inline void naive_json_table(struct format_test_table *t)
{
	static const char *const names[3] = {"x", "y", "z"};
	const struct tr_type *types[3];

	table_begin(t, &tr_format_json);
	types[0] = tr_type_of(TR_TYPE_INT);
	types[1] = tr_type_of(TR_TYPE_VARCHAR);
	types[2] = tr_type_array(&t->arena, types[1]);
	table_column(t, "i", tr_type_of(TR_TYPE_BIGINT));
	table_column(t, "s", tr_type_of(TR_TYPE_VARCHAR));
	table_column(t, "b", tr_type_of(TR_TYPE_BOOLEAN));
	table_column(t, "a", tr_type_array(&t->arena, types[0]));
	table_column(t, "m", tr_type_map(&t->arena, types[1], types[1]));
	table_column(t, "r", tr_type_row(&t->arena, names, types, 3));
}

struct naive_rows {
	struct tr_bytes rows;
	uint64_t row_count, rows_bad, fields_bad;
	bool ignore_errors, fail_on_missing;
	bool is_failed, is_field_bad;
};

static inline void naive_bad(struct naive_rows *out)
{
	out->fields_bad++;
	out->is_field_bad = true;
	tr_bytes_append_str(&out->rows, "null");
}

static inline void naive_print_integer(struct naive_rows *out, const struct naive_value *v, long long low,
				       long long high)
{
	const char *text = v->kind == NAIVE_STRING ? v->text : v->raw;
	size_t length = v->kind == NAIVE_STRING ? v->length : v->raw_length;
	char copy[400], *end;
	long long value;

	if (v->kind == NAIVE_ARRAY || v->kind == NAIVE_OBJECT) {
		naive_bad(out);
		return;
	}
	while (v->kind == NAIVE_STRING && length > 0 && (unsigned char)*text <= ' ')
		text++, length--;
	while (v->kind == NAIVE_STRING && length > 0 && (unsigned char)text[length - 1] <= ' ')
		length--;
	if (length >= sizeof(copy) || length == 0) {
		naive_bad(out);
		return;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (v->kind == NAIVE_NUMBER && strpbrk(copy, ".eE") != NULL) {
		long double number = (long double)strtod(copy, NULL);

		if (!(number < (long double)high + 1 && number > (long double)low - 1)) {
			naive_bad(out);
			return;
		}
		tr_bytes_printf(&out->rows, "%lld", (long long)number);
		return;
	}
	errno = 0;
	value = strtoll(copy, &end, 10);
	if (end != copy + length || errno != 0 || value < low || value > high || isspace((unsigned char)copy[0])) {
		naive_bad(out);
		return;
	}
	tr_bytes_printf(&out->rows, "%lld", value);
}

static inline void naive_print_text(struct naive_rows *out, const struct naive_value *v)
{
	bool inside = false;

	if (v->kind == NAIVE_STRING) {
		tr_bytes_append(&out->rows, v->text, v->length);
		return;
	}
	for (size_t i = 0; i < v->raw_length; i++) {
		char c = v->raw[i];

		if (inside && c == '\\') {
			tr_bytes_append(&out->rows, v->raw + i++, 2);
			continue;
		}
		if (c == '"')
			inside = !inside;
		if (inside || !(c == ' ' || c == '\t' || c == '\r'))
			tr_bytes_append_char(&out->rows, c);
	}
}

static inline const struct naive_value *naive_find(struct naive_rows *out, const struct naive_value *object,
						   const char *name)
{
	for (size_t i = object->count; i > 0; i--) /* the last one counts */
		if (object->keys[i - 1].length == strlen(name) &&
		    memcmp(object->keys[i - 1].text, name, strlen(name)) == 0)
			return &object->items[i - 1];
	if (out->fail_on_missing)
		out->is_failed = true;
	return NULL;
}

static inline void naive_print(struct naive_rows *out, const struct naive_value *v, const char *type)
{
	struct tr_bytes *rows = &out->rows;

	if (v == NULL || v->kind == NAIVE_NULL) {
		tr_bytes_append_str(rows, "null");
	} else if (strcmp(type, "i") == 0) {
		naive_print_integer(out, v, INT64_MIN, INT64_MAX);
	} else if (strcmp(type, "x") == 0) {
		naive_print_integer(out, v, INT32_MIN, INT32_MAX);
	} else if (strcmp(type, "s") == 0) {
		naive_print_text(out, v);
	} else if (strcmp(type, "b") == 0) {
		size_t first = 0, last = v->length;
		bool truth = v->kind == NAIVE_TRUE;

		if (v->kind == NAIVE_ARRAY || v->kind == NAIVE_OBJECT) {
			naive_bad(out);
			return;
		}
		if (v->kind == NAIVE_STRING) {
			while (first < last && (unsigned char)v->text[first] <= ' ')
				first++;
			while (last > first && (unsigned char)v->text[last - 1] <= ' ')
				last--;
			truth = last - first == 4 && strncasecmp(v->text + first, "true", 4) == 0;
		}
		tr_bytes_append_str(rows, truth ? "true" : "false");
	} else if (*type == '[') {
		if (v->kind != NAIVE_ARRAY) {
			naive_bad(out);
			return;
		}
		tr_bytes_append_char(rows, '[');
		for (size_t i = 0; i < v->count; i++) {
			if (i > 0)
				tr_bytes_append_str(rows, ", ");
			naive_print(out, &v->items[i], type + 1);
		}
		tr_bytes_append_char(rows, ']');
	} else if (*type == '{') {
		bool has_any = false;

		if (v->kind != NAIVE_OBJECT) {
			naive_bad(out);
			return;
		}
		tr_bytes_append_char(rows, '{');
		for (size_t i = 0; i < v->count; i++) {
			bool is_last = true;

			for (size_t k = i + 1; k < v->count; k++)
				if (v->keys[k].length == v->keys[i].length &&
				    memcmp(v->keys[k].text, v->keys[i].text, v->keys[i].length) == 0)
					is_last = false;
			if (!is_last)
				continue;
			if (has_any)
				tr_bytes_append_str(rows, ", ");
			has_any = true;
			tr_bytes_append(rows, v->keys[i].text, v->keys[i].length);
			tr_bytes_append_char(rows, '=');
			naive_print(out, &v->items[i], "s");
		}
		tr_bytes_append_char(rows, '}');
	} else {
		if (v->kind != NAIVE_OBJECT) {
			naive_bad(out);
			return;
		}
		tr_bytes_append_str(rows, "+I[");
		naive_print(out, naive_find(out, v, "x"), "x");
		tr_bytes_append_str(rows, ", ");
		naive_print(out, naive_find(out, v, "y"), "s");
		tr_bytes_append_str(rows, ", ");
		naive_print(out, naive_find(out, v, "z"), "[s");
		tr_bytes_append_char(rows, ']');
	}
}

static inline void naive_object(struct naive_rows *out, const struct naive_value *v)
{
	static const char *const names[] = {"i", "s", "b", "a", "m", "r"}, *const types[] = {"i",  "s", "b",
											     "[x", "{", "r"};

	tr_bytes_append_str(&out->rows, "+I[");
	for (int i = 0; i < 6; i++) {
		if (i > 0)
			tr_bytes_append_str(&out->rows, ", ");
		naive_print(out, naive_find(out, v, names[i]), types[i]);
	}
	tr_bytes_append_str(&out->rows, "]\n");
	out->row_count++;
}

/** All lines of a text. Counting bad fields twice (an earlier equal key) is not modelled: see the callers. */
static inline void naive_json_decode(struct naive_rows *out, const char *text, size_t length)
{
	for (size_t at = 0; at < length && !out->is_failed;) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t end = newline != NULL ? (size_t)(newline - text) : length;
		struct naive_json j = {.p = text + at, .end = text + end};
		struct naive_value v = {0};
		size_t rows_before = out->rows.length;
		uint64_t count_before = out->row_count, bad_before = out->fields_bad;

		at = end + 1;
		tr_arena_init(&j.arena, 0);
		naive_blanks(&j);
		if (j.p == j.end) {
			tr_arena_deinit(&j.arena);
			continue;
		}
		naive_value(&j, &v);
		naive_blanks(&j);
		out->is_field_bad = false;
		if (!j.is_bad && j.p == j.end && v.kind == NAIVE_OBJECT) {
			naive_object(out, &v);
		} else if (!j.is_bad && j.p == j.end && v.kind == NAIVE_ARRAY) {
			for (size_t i = 0; i < v.count && !j.is_bad; i++)
				if (v.items[i].kind == NAIVE_OBJECT)
					naive_object(out, &v.items[i]);
				else
					j.is_bad = true;
		} else {
			j.is_bad = true;
		}
		if (j.is_bad || (out->is_field_bad && !out->ignore_errors) || out->is_failed) {
			out->rows.length = rows_before;
			out->row_count = count_before;
			out->fields_bad = bad_before;
			if (out->ignore_errors)
				out->rows_bad++;
			else
				out->is_failed = true;
		}
		tr_arena_deinit(&j.arena);
	}
	tr_bytes_append_char(&out->rows, '\0');
	out->rows.length--;
}

#endif
