/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON records to columns, in one pass.
 *
 * Records of a stream look alike. So each object type remembers, for each key it has met, the bytes from the end of
 * the value before to the start of the value (`,"price":`, blanks included) and which key came next. A record is then
 * read by comparing a known literal, parsing a value of a known type, comparing the next literal. Whatever differs
 * goes the general way (blanks, any order, escaped keys, a lookup by name) and is learned for the next record.
 *
 * Everything is validated, also what nobody needs: structure, words, numbers, escapes, control characters, UTF-8.
 *
 * A value of the wrong kind is a bad field (an error, or NULL with ignore-parse-errors); broken structure ends the
 * record. Recursion follows the type, whose depth is limited; unneeded values are skipped without recursion.
 */
#include "io/json_scan.h"

#include "base/arena.h"
#include "base/column_buffer.h"
#include "base/type.h"

static bool parse_value(struct tr_json_scan *s, struct tr_json_node *node, struct tr_column_buffer *column,
			uint32_t row);

/* ---- bad fields ---- */

static bool bad_field(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row, const char *start)
{
	if (s->options->ignore_errors) {
		tr_column_buffer_set_null(column, row);
		s->fields_bad++;
		return true;
	}
	s->error_at = start;
	return false;
}

/** A container, number or word where the type takes none. */
static __attribute__((cold, noinline)) bool bad_kind(struct tr_json_scan *s, struct tr_column_buffer *column,
						     uint32_t row)
{
	const char *start = s->p, *end = skip_value(s, start);

	if (end == NULL)
		return false;
	tr_field_explain(s->reason, sizeof(s->reason), TR_TEXT_MALFORMED, column->type, start, (size_t)(end - start));
	s->p = end;
	return bad_field(s, column, row, start);
}

/** The meaning of a string; escapes are resolved into the heap. */
static inline struct string_span resolve(struct tr_json_scan *s, const struct string_span *string)
{
	struct string_span plain = *string;
	char *out;

	if (TR_LIKELY(!string->has_escapes))
		return plain;
	out = tr_arena_alloc_aligned(&s->into->heap.arena, string->length + TR_INPUT_PADDING, 1);
	plain.length = tr_json_unescape(string->text, string->length, out);
	plain.text = out;
	return plain;
}

static inline bool parse_null(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row)
{
	if (memcmp(s->p, "null", 4) != 0)
		return scan_unexpected(s, s->p, "a value") != NULL;
	s->p += 4;
	tr_column_buffer_set_null(column, row);
	return true;
}

static bool store_text(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row, const char *start,
		       const char *text, size_t length)
{
	enum tr_text_result result = tr_field_store(column, row, text, length, &s->options->rules, &s->into->heap);

	if (TR_LIKELY(result == TR_TEXT_OK))
		return true;
	tr_field_explain(s->reason, sizeof(s->reason), result, column->type, text, length);
	return bad_field(s, column, row, start);
}

/* ---- scalars ---- */

/** Any scalar but text, by its text. */
static bool parse_scalar(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row)
{
	const struct tr_type *type = column->type;
	const char *start = s->p, *end;
	struct string_span string;
	bool is_integer;

	switch (*start) {
	case '"':
		end = scan_string(s, start + 1, &string);
		if (end == NULL)
			return false;
		s->p = end;
		string = resolve(s, &string);
		return store_text(s, column, row, start, string.text, string.length);
	case 'n': return parse_null(s, column, row);
	case '{':
	case '[': return bad_kind(s, column, row);
	case 't':
	case 'f': end = scan_word(s, start); break;
	default:
		end = scan_number(s, start, &is_integer);
		if (end != NULL && tr_type_is_bytes(type))
			return bad_kind(s, column, row);
		break;
	}
	if (end == NULL)
		return false;
	s->p = end;
	return store_text(s, column, row, start, start, (size_t)(end - start));
}

/** A fraction or exponent where an integer is wanted: cut towards zero, as Jackson does for INT and BIGINT. */
static bool parse_inexact_integer(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row, int64_t *value)
{
	const char *start = s->p, *end;
	const double limit = column->type->phys == TR_PHYS_I32 ? 0x1p31 : 0x1p63;
	bool is_integer;
	double number;

	if ((*start != '-' && !is_digit(*start)) || column->type->phys == TR_PHYS_I8 ||
	    column->type->phys == TR_PHYS_I16)
		return false;
	end = scan_number(s, start, &is_integer);
	if (end == NULL || is_integer || tr_text_parse_f64(start, (size_t)(end - start), &number) != TR_TEXT_OK)
		return false;
	if (!(number < limit && number > -limit - 1))
		return false;
	s->p = end;
	*value = (int64_t)number;
	return true;
}

/** Up to 16 digits, eight at a time. Returns the end, or NULL: go the general way. */
static inline const char *parse_digits(const char *p, uint64_t *value)
{
	static const uint64_t powers[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	uint64_t total = 0;
	uint32_t digits;
	const char *start = p;

	for (int round = 0;; round++) {
		uint64_t v, bad;

		memcpy(&v, p, 8);
		v ^= UINT64_C(0x3030303030303030);
		bad = ((v + UINT64_C(0x7676767676767676)) | v) & UINT64_C(0x8080808080808080);
		digits = bad != 0 ? (uint32_t)__builtin_ctzll(bad) >> 3 : 8;
		if (digits == 0)
			break;
		if (round == 2)
			return NULL;
		v <<= 64 - 8 * digits;
		v = v * 10 + (v >> 8);
		v = ((v & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
		     (v >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
		    32;
		total = total * powers[digits] + v;
		p += digits;
		if (digits < 8)
			break;
	}
	if (p == start || (*start == '0' && p - start > 1) || *p == '.' || (*p | 0x20) == 'e')
		return NULL;
	*value = total;
	return p;
}

static inline bool parse_integer(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row, int64_t low,
				 int64_t high, int64_t *value)
{
	const char *p = s->p;
	const bool is_negative = *p == '-';
	uint64_t magnitude;

	p = parse_digits(p + is_negative, &magnitude);
	if (TR_LIKELY(p != NULL)) {
		*value = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
		if (TR_LIKELY(*value >= low && *value <= high)) {
			s->p = p;
			return true;
		}
	}
	s->reason[0] = '\0';
	return parse_inexact_integer(s, column, row, value);
}

#define INTEGER_VALUE(name, ctype, low, high)                                                          \
	static inline bool name(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row) \
	{                                                                                              \
		int64_t value;                                                                         \
                                                                                                       \
		if (TR_LIKELY(parse_integer(s, column, row, low, high, &value))) {                     \
			((ctype *)column->data)[row] = (ctype)value;                                   \
			return true;                                                                   \
		}                                                                                      \
		return parse_scalar(s, column, row);                                                   \
	}
INTEGER_VALUE(parse_i8, int8_t, INT8_MIN, INT8_MAX)
INTEGER_VALUE(parse_i16, int16_t, INT16_MIN, INT16_MAX)
INTEGER_VALUE(parse_i32, int32_t, INT32_MIN, INT32_MAX)
INTEGER_VALUE(parse_i64, int64_t, INT64_MIN, INT64_MAX)
#undef INTEGER_VALUE

static bool parse_boolean(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row)
{
	const bool is_true = memcmp(s->p, "true", 4) == 0;

	if (!is_true && memcmp(s->p, "false", 5) != 0)
		return parse_scalar(s, column, row);
	((int8_t *)column->data)[row] = is_true;
	s->p += is_true ? 4 : 5;
	return true;
}

/** A string that holds nothing but a timestamp of the usual form needs no scan: each of its bytes is looked at. */
static inline bool parse_timestamp(struct tr_json_scan *s, struct tr_json_node *node, struct tr_column_buffer *column,
				   uint32_t row)
{
	const unsigned flags = s->options->rules.timestamp_flags;
	const char *text = s->p + 1;
	int64_t ms, ticks;

	if (TR_LIKELY(s->p[0] == '"' && tr_field_has_minutes(flags))) {
		/* Bytes behind a shorter string are read too: the padding allows it. */
		const size_t length = text[TR_FIELD_MS_BYTES] == '"'       ? TR_FIELD_MS_BYTES
				      : text[TR_FIELD_SECOND_BYTES] == '"' ? TR_FIELD_SECOND_BYTES
									   : 0;

		if (TR_LIKELY(tr_field_minute_ms(&node->minute, text, length, flags, &ms)) &&
		    !__builtin_mul_overflow(ms, node->ticks_per_ms, &ticks)) {
			((int64_t *)column->data)[row] = ticks;
			s->p = text + length + 1;
			return true;
		}
	}
	return parse_scalar(s, column, row);
}

static inline void store_view(struct tr_column_buffer *column, uint32_t row, const char *text, size_t length)
{
	((struct tr_view *)column->data)[row] = tr_view_make(text, (uint32_t)length);
}

/** STRING: a string's meaning; of anything else, its text. */
static bool parse_text(struct tr_json_scan *s, struct tr_column_buffer *column, uint32_t row)
{
	const char *start = s->p, *end;
	struct string_span string;

	if (TR_LIKELY(*start == '"')) {
		end = scan_string(s, start + 1, &string);
		if (end == NULL)
			return false;
		s->p = end;
		if (TR_UNLIKELY(string.has_escapes))
			string = resolve(s, &string);
		store_view(column, row, string.text, string.length);
		return true;
	}
	if (*start == 'n')
		return parse_null(s, column, row);
	end = skip_value(s, start);
	if (end == NULL)
		return false;
	s->p = end;
	if (*start == '{' || *start == '[') {
		char *out = tr_arena_alloc_aligned(&s->into->heap.arena, (size_t)(end - start), 1);
		size_t length = tr_json_compact(start, (size_t)(end - start), out);

		store_view(column, row, out, length);
		return true;
	}
	store_view(column, row, start, (size_t)(end - start));
	return true;
}

/* ---- containers ---- */

static __attribute__((noinline)) bool parse_array(struct tr_json_scan *s, struct tr_json_node *node,
						  struct tr_column_buffer *column, uint32_t row)
{
	struct tr_column_buffer *child = &column->children[0];

	if (*s->p != '[')
		return *s->p == 'n' ? parse_null(s, column, row) : bad_kind(s, column, row);
	TR_DASSERT(child->length == (uint32_t)column->offsets[row]);
	s->p = skip_blanks(s->p + 1);
	if (*s->p == ']') {
		s->p++;
		column->offsets[row + 1] = (int32_t)child->length;
		return true;
	}
	for (;;) {
		tr_column_buffer_reserve(child, child->length + 1);
		if (!parse_value(s, &node->children[0], child, child->length)) {
			tr_field_rewind(child, child->length);
			return false;
		}
		child->length++;
		s->p = skip_blanks(s->p);
		if (*s->p == ']')
			break;
		if (*s->p != ',')
			return scan_unexpected(s, s->p, "',' or ']'") != NULL;
		s->p = skip_blanks(s->p + 1);
	}
	s->p++;
	column->offsets[row + 1] = (int32_t)child->length;
	return true;
}

/** One pass over a map; entries that `skip` marks are left out. */
static bool map_entries(struct tr_json_scan *s, struct tr_json_node *node, struct tr_column_buffer *column,
			uint32_t row, const uint8_t *skip)
{
	struct tr_column_buffer *keys = &column->children[0], *values = &column->children[1];
	uint32_t entry = 0;

	s->p = skip_blanks(s->p + 1);
	if (*s->p == '}') {
		s->p++;
		column->offsets[row + 1] = (int32_t)keys->length;
		return true;
	}
	for (;; entry++) {
		struct string_span key;
		const char *value = scan_key(s, s->p, &key);

		if (value == NULL)
			return false;
		s->p = value;
		if (skip != NULL && skip[entry]) {
			s->p = skip_value(s, value);
			TR_ASSERT(s->p != NULL); /* it was good the first time */
		} else {
			tr_column_buffer_reserve(keys, keys->length + 1);
			tr_column_buffer_reserve(values, values->length + 1);
			key = resolve(s, &key);
			store_view(keys, keys->length, key.text, key.length);
			if (!parse_value(s, &node->children[1], values, values->length)) {
				tr_field_rewind(values, values->length);
				return false;
			}
			keys->length++;
			values->length++;
		}
		s->p = skip_blanks(s->p);
		if (*s->p == '}')
			break;
		if (*s->p != ',')
			return scan_unexpected(s, s->p, "',' or '}'") != NULL;
		s->p = skip_blanks(s->p + 1);
	}
	s->p++;
	column->offsets[row + 1] = (int32_t)keys->length;
	return true;
}

/** A map keeps the last value of equal keys: if there are any, it is read again without the others. */
static __attribute__((noinline)) bool parse_map(struct tr_json_scan *s, struct tr_json_node *node,
						struct tr_column_buffer *column, uint32_t row)
{
	const char *start = s->p;
	const uint64_t fields_bad = s->fields_bad;
	uint32_t first, count;
	uint8_t *skip;

	if (*start != '{')
		return *start == 'n' ? parse_null(s, column, row) : bad_kind(s, column, row);
	if (!map_entries(s, node, column, row, NULL))
		return false;
	first = (uint32_t)column->offsets[row];
	count = (uint32_t)column->offsets[row + 1] - first;
	if (count < 2)
		return true;
	skip = tr_arena_alloc(&s->into->heap.arena, count);
	if (tr_json_find_duplicates((const struct tr_view *)column->children[0].data + first, count, skip) == 0)
		return true;
	tr_field_rewind(column, row);
	s->p = start;
	s->fields_bad = fields_bad;
	return map_entries(s, node, column, row, skip);
}

/** Compares a learned literal with the input: 16 bytes at once for most of them. */
static inline bool is_key(const char *p, const struct tr_json_key *key)
{
	const __m128i a = _mm_loadu_si128((const __m128i *)p);
	const __m128i b = _mm_loadu_si128((const __m128i *)key->literal);
	const uint32_t equal = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));

	if (TR_LIKELY(key->length <= 16))
		return (~equal & ((UINT32_C(1) << key->length) - 1)) == 0;
	return equal == 0xffff && memcmp(p + 16, key->literal + 16, key->length - 16) == 0;
}

/** The general way to the next key from behind a value (or the opening brace). Returns where the value starts, or NULL
 * with *key unset: the object is over (s->p behind it) when *is_end, else it is broken. */
static __attribute__((noinline)) const char *find_key(struct tr_json_scan *s, struct tr_json_node *node, const char *p,
						      bool is_first, uint16_t *link, int32_t *field, bool *is_end)
{
	const char *start = p, *value;
	struct string_span name;
	struct tr_json_key *key;

	*is_end = false;
	p = skip_blanks(p);
	if (*p == '}') {
		*is_end = true;
		s->p = p + 1;
		return NULL;
	}
	if (!is_first) {
		if (*p != ',')
			return scan_unexpected(s, p, "',' or '}'");
		p = skip_blanks(p + 1);
	}
	value = scan_key(s, p, &name);
	if (value == NULL)
		return NULL;
	name = resolve(s, &name);
	*field = tr_json_find_field(node, name.text, name.length);
	key = tr_json_learn(node, start, (size_t)(value - start), *field);
	*link = key != NULL ? (uint16_t)(key - node->keys) : TR_JSON_NO_KEY;
	return value;
}

static __attribute__((cold, noinline)) void name_field(struct tr_json_scan *s, const char *name)
{
	char rest[sizeof(s->path)];

	memcpy(rest, s->path, sizeof(rest));
	snprintf(s->path, sizeof(s->path), "%.120s%s%.120s", name, rest[0] != '\0' ? "." : "", rest);
}

/** Fields that the object did not have. */
static bool finish_row(struct tr_json_scan *s, struct tr_json_node *node, struct tr_column_buffer *columns,
		       uint32_t row, const char *start)
{
	for (uint32_t i = 0; i < node->child_count; i++) {
		if (node->children[i].kind == TR_JSON_SKIP || node->seen[i] == node->serial)
			continue;
		if (s->options->fail_on_missing_field) {
			scan_fail(s, start, "the field is missing");
			name_field(s, node->children[i].name);
			return false;
		}
		tr_column_buffer_set_null(&columns[i], row);
	}
	return true;
}

/** An object into the fields of a row; s->p is behind the opening brace. */
static bool parse_fields(struct tr_json_scan *s, struct tr_json_node *node, struct tr_column_buffer *columns,
			 uint32_t row)
{
	const char *start = s->p, *p = s->p;
	const uint64_t serial = ++node->serial;
	uint32_t seen = 0;
	uint16_t *link = &node->first;

	for (;;) {
		struct tr_json_key *key = *link != TR_JSON_NO_KEY ? &node->keys[*link] : NULL;
		int32_t field;

		if (TR_LIKELY(key != NULL && is_key(p, key))) {
			p += key->length;
			if (TR_UNLIKELY((unsigned char)*p <= ' '))
				p = skip_blanks(p); /* more blanks than when it was learned */
			field = key->field;
			link = &key->next;
		} else {
			uint16_t found;
			bool is_end;

			p = find_key(s, node, p, p == start, &found, &field, &is_end);
			if (p == NULL) {
				if (!is_end)
					return false;
				break;
			}
			*link = found;
			if (found == TR_JSON_NO_KEY)
				link = &node->lost;
			else
				link = &node->keys[found].next;
		}
		if (field == TR_JSON_UNKNOWN || node->children[field].kind == TR_JSON_SKIP) {
			struct string_span string;

			p = *p == '"' ? scan_string(s, p + 1, &string) : skip_value(s, p);
			if (p == NULL)
				return false;
		} else {
			s->p = p;
			if (TR_LIKELY(node->seen[field] != serial)) {
				node->seen[field] = serial;
				seen++;
			} else {
				tr_field_rewind(&columns[field], row); /* again: the last one counts */
			}
			if (!parse_value(s, &node->children[field], &columns[field], row)) {
				name_field(s, node->children[field].name);
				return false;
			}
			p = s->p;
		}
		if (*p == '}') {
			s->p = p + 1;
			break;
		}
	}
	return seen == node->needed_count || finish_row(s, node, columns, row, start);
}

static __attribute__((noinline)) bool parse_row(struct tr_json_scan *s, struct tr_json_node *node,
						struct tr_column_buffer *column, uint32_t row)
{
	if (*s->p != '{')
		return *s->p == 'n' ? parse_null(s, column, row) : bad_kind(s, column, row);
	s->p++;
	return parse_fields(s, node, column->children, row);
}

static inline bool parse_value(struct tr_json_scan *s, struct tr_json_node *node, struct tr_column_buffer *column,
			       uint32_t row)
{
	switch (node->kind) {
	case TR_JSON_INT64: return parse_i64(s, column, row);
	case TR_JSON_TEXT: return parse_text(s, column, row);
	case TR_JSON_TIMESTAMP: return parse_timestamp(s, node, column, row);
	case TR_JSON_INT32: return parse_i32(s, column, row);
	case TR_JSON_INT16: return parse_i16(s, column, row);
	case TR_JSON_INT8: return parse_i8(s, column, row);
	case TR_JSON_BOOLEAN: return parse_boolean(s, column, row);
	case TR_JSON_ROW: return parse_row(s, node, column, row);
	case TR_JSON_ARRAY: return parse_array(s, node, column, row);
	case TR_JSON_MAP: return parse_map(s, node, column, row);
	case TR_JSON_DOUBLE:
	case TR_JSON_SCALAR: return parse_scalar(s, column, row);
	case TR_JSON_SKIP: break;
	}
	TR_UNREACHABLE();
}

/* ---- records ---- */

/** Whether an array at the top holds objects only and is well formed to the end of its line: rows of it may go out
 * before its last element has been read. */
static bool check_objects(struct tr_json_scan *s)
{
	const char *p = skip_blanks(s->p + 1);

	if (*p == ']')
		return true;
	for (;;) {
		if (*p != '{')
			return scan_unexpected(s, p, "an object") != NULL;
		p = skip_value(s, p);
		if (p == NULL)
			return false;
		p = skip_blanks(p);
		if (*p == ']')
			break;
		if (*p != ',')
			return scan_unexpected(s, p, "',' or ']'") != NULL;
		p = skip_blanks(p + 1);
	}
	p = skip_blanks(p + 1);
	return *p == '\n' || scan_unexpected(s, p, "the end of the line") != NULL;
}

/** An array of objects, a row for each, from its opening bracket or from a comma on. When the batch is full it stops
 * at a comma, where the next call goes on: no record begins with one. */
static bool parse_objects(struct tr_json_scan *s)
{
	s->p = skip_blanks(s->p + 1);
	if (*s->p == ']') {
		s->p++;
		return true;
	}
	for (;;) {
		if (*s->p != '{')
			return scan_unexpected(s, s->p, "an object") != NULL;
		s->p++;
		if (!parse_fields(s, s->root, s->into->columns, s->row))
			return false;
		s->row++;
		s->p = skip_blanks(s->p);
		if (*s->p == ']')
			break;
		if (*s->p != ',')
			return scan_unexpected(s, s->p, "',' or ']'") != NULL;
		if (s->row == s->into->capacity) {
			s->is_split = true;
			return true;
		}
		s->p = skip_blanks(s->p + 1);
	}
	s->p++;
	return true;
}

static inline bool parse_record(struct tr_json_scan *s)
{
	if (TR_LIKELY(*s->p == '{')) {
		s->p++;
		if (!parse_fields(s, s->root, s->into->columns, s->row))
			return false;
		s->row++;
	} else if (*s->p == '[' || *s->p == ',') {
		if (*s->p == '[' && !check_objects(s))
			return false;
		if (!parse_objects(s))
			return false;
		if (s->is_split)
			return true;
	} else {
		return scan_unexpected(s, s->p, "an object") != NULL;
	}
	if (TR_LIKELY(*s->p == '\n'))
		return true;
	s->p = skip_blanks(s->p);
	return *s->p == '\n' || scan_unexpected(s, s->p, "the end of the line") != NULL;
}

static bool json_decode(struct tr_json_scan *s, const char *limit)
{
	while (s->p < limit && s->row < s->into->capacity) {
		const char *start = s->p;
		const uint32_t row = s->row;

		if (*s->p != '{') {
			s->p = skip_blanks(s->p);
			if (*s->p == '\n') { /* a blank line */
				s->p++;
				continue;
			}
		}
		if (TR_LIKELY(parse_record(s))) {
			if (s->is_split)
				break;
			s->p++;
			continue;
		}
		for (uint32_t i = 0; i < s->root->child_count; i++)
			if (s->root->children[i].kind != TR_JSON_SKIP)
				tr_field_rewind(&s->into->columns[i], row);
		s->row = row;
		s->p = start;
		if (!s->options->ignore_errors)
			return false;
		s->rows_bad++;
		s->path[0] = '\0';
		s->p = (const char *)memchr(start, '\n', (size_t)(limit - start)) + 1;
	}
	return true;
}

const struct tr_json_kernels TR_ISA(tr_json_kernels) = {json_decode};
