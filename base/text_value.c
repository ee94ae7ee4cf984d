/* SPDX-License-Identifier: Apache-2.0
 *
 * Any value of any column as text, in Flink's flavours.
 *
 *                 PRINT (Java's toString)       CAST to STRING, TABLEAU
 *   BOOLEAN       true                          TRUE
 *   DECIMAL       1.50, 0E-8                    1.50, 0.00000000
 *   BYTES         [1, -2]                       the bytes as UTF-8; TABLEAU: x'01fe'
 *   TIME(3)       10:20, 10:20:30.500           10:20:00.000
 *   TIMESTAMP(3)  2001-01-31T10:20              2001-01-31 10:20:00.000
 *   TIMESTAMP_LTZ 2001-01-31T10:20:00Z          2001-01-31 11:20:00.000 in the session zone
 *   INTERVAL      P14M, PT26H3M4.5S             +1-02, +1 02:03:04.500
 *   ARRAY, MAP    [a, null], {k=v}              [a, NULL], {k=v}
 *   ROW           +I[a, null]                   (a, NULL)
 *
 * Values nest as deep as their types, whose depth is limited (TR_TYPE_DEPTH_MAX).
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "base/type.h"

const char *tr_text_row_kind(uint8_t kind)
{
	static const char names[4][3] = {"+I", "-U", "+U", "-D"};

	TR_ASSERT(kind < 4);
	return names[kind];
}

static void append_bytes(struct tr_bytes *out, const struct tr_view *view, enum tr_text_style style)
{
	static const char hex[17] = "0123456789abcdef";
	const char *text = tr_view_text(view);

	if (style == TR_TEXT_CAST) {
		tr_bytes_append(out, text, view->length);
		return;
	}
	tr_bytes_append_str(out, style == TR_TEXT_PRINT ? "[" : "x'");
	for (uint32_t i = 0; i < view->length; i++) {
		char *p = tr_bytes_reserve(out, 8);

		if (style == TR_TEXT_TABLEAU) {
			p[0] = hex[(unsigned char)text[i] >> 4];
			p[1] = hex[text[i] & 15];
			out->length += 2;
		} else {
			size_t at = 0;

			if (i > 0) {
				p[at++] = ',';
				p[at++] = ' ';
			}
			out->length += at + tr_text_put_i64(p + at, (signed char)text[i]);
		}
	}
	tr_bytes_append_char(out, style == TR_TEXT_PRINT ? ']' : '\'');
}

static size_t put_timestamp_value(char *p, const struct tr_column *column, uint32_t row, enum tr_text_style style,
				  const struct tr_timezone *zone)
{
	const struct tr_type *type = column->type;
	const int64_t per_second = tr_type_ticks_per_second(type);
	const bool is_ltz = type->id == TR_TYPE_TIMESTAMP_LTZ;
	int64_t ticks = tr_column_i64(column, row);
	struct tr_timezone_cursor cursor = {0};
	size_t length;

	if (style == TR_TEXT_PRINT) {
		length =
			tr_text_put_timestamp(p, ticks, per_second, 'T', is_ltz ? TR_CLOCK_INSTANT : TR_CLOCK_LOCAL, 0);
		if (is_ltz)
			p[length++] = 'Z';
		return length;
	}
	if (is_ltz && zone != NULL && !tr_timezone_is_utc(zone))
		ticks = tr_timezone_to_local_ticks(zone, &cursor, ticks, per_second);
	return tr_text_put_timestamp(p, ticks, per_second, ' ', TR_CLOCK_DIGITS, type->precision);
}

/** The types whose text has a bounded length. */
static size_t put_fixed_value(char *p, const struct tr_column *column, uint32_t row, enum tr_text_style style,
			      const struct tr_timezone *zone)
{
	const struct tr_type *type = column->type;
	const bool is_print = style == TR_TEXT_PRINT;
	const char *word;
	tr_i128 unscaled;

	switch ((enum tr_type_id)type->id) {
	case TR_TYPE_BOOLEAN:
		word = tr_column_i8(column, row) ? (is_print ? "true" : "TRUE") : is_print ? "false" : "FALSE";
		memcpy(p, word, strlen(word));
		return strlen(word);
	case TR_TYPE_TINYINT: return tr_text_put_i64(p, tr_column_i8(column, row));
	case TR_TYPE_SMALLINT: return tr_text_put_i64(p, tr_column_i16(column, row));
	case TR_TYPE_INT: return tr_text_put_i64(p, tr_column_i32(column, row));
	case TR_TYPE_BIGINT: return tr_text_put_i64(p, tr_column_i64(column, row));
	case TR_TYPE_FLOAT: return tr_text_put_f32(p, tr_column_f32(column, row));
	case TR_TYPE_DOUBLE: return tr_text_put_f64(p, tr_column_f64(column, row));
	case TR_TYPE_DECIMAL:
		unscaled = type->phys == TR_PHYS_I64 ? tr_column_i64(column, row) : tr_column_i128(column, row);
		return is_print ? tr_text_put_decimal_java(p, unscaled, type->scale)
				: tr_text_put_decimal(p, unscaled, type->scale);
	case TR_TYPE_DATE: return tr_text_put_date(p, tr_column_i32(column, row));
	case TR_TYPE_TIME:
		return tr_text_put_time(p, tr_column_i32(column, row), is_print ? TR_CLOCK_LOCAL : TR_CLOCK_EXACT,
					TR_MIN(type->precision, 3));
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: return put_timestamp_value(p, column, row, style, zone);
	case TR_TYPE_INTERVAL_MONTH:
		return is_print ? tr_text_put_period(p, tr_column_i32(column, row))
				: tr_text_put_interval_month(p, tr_column_i32(column, row));
	case TR_TYPE_INTERVAL_MS:
		return is_print ? tr_text_put_duration(p, tr_column_i64(column, row))
				: tr_text_put_interval_ms(p, tr_column_i64(column, row));
	default: TR_UNREACHABLE();
	}
}

static void append_list(struct tr_bytes *out, const struct tr_column *column, uint32_t row, enum tr_text_style style,
			const struct tr_timezone *zone)
{
	const uint32_t at = tr_column_row(column, row);
	const bool is_map = column->type->id == TR_TYPE_MAP;

	TR_ASSERT(column->offsets != NULL && column->offsets[at] <= column->offsets[at + 1]);
	tr_bytes_append_char(out, is_map ? '{' : '[');
	for (int32_t i = column->offsets[at]; i < column->offsets[at + 1]; i++) {
		if (i > column->offsets[at])
			tr_bytes_append_str(out, ", ");
		tr_text_append_value(out, &column->children[0], (uint32_t)i, style, zone);
		if (is_map) {
			tr_bytes_append_char(out, '=');
			tr_text_append_value(out, &column->children[1], (uint32_t)i, style, zone);
		}
	}
	tr_bytes_append_char(out, is_map ? '}' : ']');
}

/* An element of a multiset: its text, and its number among the elements. */
struct element {
	const struct tr_bytes *texts;
	size_t from, length;
	uint32_t number;
	uint32_t count; /* equal ones; of all but the first of them 0 */
};

static int by_text(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	const size_t length = TR_MIN(x->length, y->length);
	const int order = length > 0 ? memcmp(x->texts->data + x->from, y->texts->data + y->from, length) : 0;

	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static int by_text_and_number(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	const int order = by_text(a, b);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
	const struct element *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* Sets the counts: equal texts are neighbours once they are sorted. */
static void count_elements(struct element *elements, uint32_t count)
{
	qsort(elements, count, sizeof(*elements), by_text_and_number);
	for (uint32_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && by_text(&elements[i], &elements[next]) == 0;)
			next++;
		elements[i].count = next - i;
	}
	qsort(elements, count, sizeof(*elements), by_number);
}

/** A multiset holds its elements one by one; Flink shows each distinct one with its count: {a=2, b=1}. */
static void append_multiset(struct tr_bytes *out, const struct tr_column *column, uint32_t row,
			    enum tr_text_style style, const struct tr_timezone *zone)
{
	const uint32_t at = tr_column_row(column, row), first = (uint32_t)column->offsets[at],
		       count = (uint32_t)column->offsets[at + 1] - first;
	struct element *elements = calloc((size_t)count + 1, sizeof(*elements));
	struct tr_bytes texts = {0};
	bool has_any = false;

	TR_ASSERT(elements != NULL);
	for (uint32_t i = 0; i < count; i++) {
		elements[i] = (struct element){.texts = &texts, .from = texts.length, .number = i};
		tr_text_append_value(&texts, &column->children[0], first + i, style, zone);
		elements[i].length = texts.length - elements[i].from;
	}
	count_elements(elements, count);
	tr_bytes_append_char(out, '{');
	for (uint32_t i = 0; i < count; i++) {
		if (elements[i].count == 0)
			continue;
		if (has_any)
			tr_bytes_append_str(out, ", ");
		has_any = true;
		tr_bytes_append(out, texts.data + elements[i].from, elements[i].length);
		tr_bytes_printf(out, "=%u", elements[i].count);
	}
	tr_bytes_append_char(out, '}');
	tr_bytes_deinit(&texts);
	free(elements);
}

static void append_nested_row(struct tr_bytes *out, const struct tr_column *column, uint32_t row,
			      enum tr_text_style style, const struct tr_timezone *zone)
{
	const uint32_t at = tr_column_row(column, row);

	tr_bytes_append_str(out, style == TR_TEXT_PRINT ? "+I[" : "(");
	for (uint32_t i = 0; i < column->type->child_count; i++) {
		if (i > 0)
			tr_bytes_append_str(out, ", ");
		tr_text_append_value(out, &column->children[i], at, style, zone);
	}
	tr_bytes_append_char(out, style == TR_TEXT_PRINT ? ']' : ')');
}

void tr_text_append_value(struct tr_bytes *out, const struct tr_column *column, uint32_t row, enum tr_text_style style,
			  const struct tr_timezone *zone)
{
	const struct tr_view *view;

	TR_ASSERT(column->type != NULL);
	if (tr_column_is_null(column, row)) {
		tr_bytes_append(out, style == TR_TEXT_PRINT ? "null" : "NULL", 4);
		return;
	}
	switch ((enum tr_type_id)column->type->id) {
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR:
		view = tr_column_view(column, row);
		tr_bytes_append(out, tr_view_text(view), view->length);
		break;
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY: append_bytes(out, tr_column_view(column, row), style); break;
	case TR_TYPE_ARRAY:
	case TR_TYPE_MAP: append_list(out, column, row, style, zone); break;
	case TR_TYPE_MULTISET: append_multiset(out, column, row, style, zone); break;
	case TR_TYPE_ROW: append_nested_row(out, column, row, style, zone); break;
	default:
		tr_bytes_reserve(out, TR_TEXT_DECIMAL_BYTES);
		out->length += put_fixed_value(out->data + out->length, column, row, style, zone);
		break;
	}
}

void tr_text_append_row(struct tr_bytes *out, const struct tr_batch *batch, uint32_t row, const struct tr_timezone *zone)
{
	TR_ASSERT(row < batch->row_count);
	tr_bytes_append(out, tr_text_row_kind(batch->row_kinds != NULL ? batch->row_kinds[row] : 0), 2);
	tr_bytes_append_char(out, '[');
	for (uint32_t i = 0; i < batch->schema->column_count; i++) {
		if (i > 0)
			tr_bytes_append_str(out, ", ");
		tr_text_append_value(out, &batch->columns[i], row, TR_TEXT_PRINT, zone);
	}
	tr_bytes_append_char(out, ']');
}

size_t tr_text_display_width(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + length;
	size_t width = 0;

	while (p < end) {
		uint32_t c = *p;
		int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

		c &= more == 3 ? 7 : more == 2 ? 15 : more == 1 ? 31 : 127;
		p++;
		for (; more > 0 && p < end && (*p & 0xc0) == 0x80; more--)
			c = c << 6 | (*p++ & 63);
		width += 1 + ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf && c != 0x303f) ||
			      (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
			      (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
			      (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1f64f) ||
			      (c >= 0x20000 && c <= 0x3fffd));
	}
	return width;
}

void tr_text_append_json(struct tr_bytes *out, const char *text)
{
	tr_bytes_append_char(out, '"');
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < 0x20) {
			tr_bytes_printf(out, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			tr_bytes_append_char(out, '\\');
		tr_bytes_append_char(out, (char)c);
	}
	tr_bytes_append_char(out, '"');
}
