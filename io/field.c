/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to column values, for the formats csv and json.
 */
#include "io/field.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"

#define QUOTE_BYTES_MAX 40
#define WORDS_ALL UINT64_MAX

bool tr_field_is_scalar(const struct tr_type *type)
{
	return type->id != TR_TYPE_NULL && type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW;
}

static struct tr_view keep(struct tr_heap *heap, const char *text, size_t length)
{
	if (length > TR_VIEW_INLINE_MAX) {
		char *copy = tr_arena_alloc_aligned(&heap->arena, length, 1);

		memcpy(copy, text, length);
		text = copy;
	}
	return tr_view_make(text, (uint32_t)length);
}

static enum tr_text_result store_integer(struct tr_column_buffer *column, uint32_t row, int64_t value)
{
	static const int64_t limits[] = {
		[TR_PHYS_I8] = INT8_MAX, [TR_PHYS_I16] = INT16_MAX, [TR_PHYS_I32] = INT32_MAX, [TR_PHYS_I64] = INT64_MAX};
	const enum tr_phys phys = (enum tr_phys)column->type->phys;

	if (value > limits[phys] || value < -limits[phys] - 1)
		return TR_TEXT_RANGE;
	switch (phys) {
	case TR_PHYS_I8: ((int8_t *)column->data)[row] = (int8_t)value; break;
	case TR_PHYS_I16: ((int16_t *)column->data)[row] = (int16_t)value; break;
	case TR_PHYS_I32: ((int32_t *)column->data)[row] = (int32_t)value; break;
	default: ((int64_t *)column->data)[row] = value; break;
	}
	return TR_TEXT_OK;
}

static enum tr_text_result store_decimal(struct tr_column_buffer *column, uint32_t row, const char *text, size_t length)
{
	const struct tr_type *type = column->type;
	tr_i128 value;
	enum tr_text_result result = tr_text_parse_decimal(text, length, type->precision, type->scale, &value);

	if (result == TR_TEXT_RANGE) {
		tr_column_buffer_set_null(column, row);
		return TR_TEXT_OK;
	}
	if (result == TR_TEXT_OK && type->phys == TR_PHYS_I64)
		((int64_t *)column->data)[row] = (int64_t)value;
	else if (result == TR_TEXT_OK)
		((tr_i128 *)column->data)[row] = value;
	return result;
}

static enum tr_text_result store_time(struct tr_column_buffer *column, uint32_t row, const char *text, size_t length,
				      const struct tr_field_rules *rules)
{
	static const int32_t units[3] = {1000, 100, 10};
	const struct tr_type *type = column->type;
	enum tr_text_result result;
	struct tr_text_time time;
	int64_t nanos, ticks;
	int32_t ms, days;

	switch ((enum tr_type_id)type->id) {
	case TR_TYPE_DATE:
		result = tr_text_parse_date(text, length, rules->date_flags, &days);
		if (result == TR_TEXT_OK)
			((int32_t *)column->data)[row] = days;
		return result;
	case TR_TYPE_TIME:
		result = tr_text_parse_time(text, length, rules->time_flags, &nanos);
		if (result != TR_TEXT_OK)
			return result;
		ms = (int32_t)(nanos / 1000000);
		if (rules->is_time_cut && type->precision < 3)
			ms -= ms % units[type->precision];
		((int32_t *)column->data)[row] = ms;
		return TR_TEXT_OK;
	default:
		if (rules->is_timestamp_trimmed)
			tr_text_trim(&text, &length);
		result = tr_text_parse_timestamp(
			text, length, type->id == TR_TYPE_TIMESTAMP ? rules->timestamp_flags : rules->ltz_flags, &time);
		if (result == TR_TEXT_OK)
			result = tr_text_time_to_ticks(&time, tr_type_ticks_per_second(type), &ticks);
		if (result == TR_TEXT_OK)
			((int64_t *)column->data)[row] = ticks;
		return result;
	}
}

static enum tr_text_result store_bytes(struct tr_column_buffer *column, uint32_t row, const char *text, size_t length,
				       struct tr_heap *heap)
{
	char *out = tr_arena_alloc_aligned(&heap->arena, length / 4 * 3 + 3, 1);
	size_t out_length;
	enum tr_text_result result = tr_text_parse_base64(text, length, out, &out_length);

	if (result == TR_TEXT_OK)
		((struct tr_view *)column->data)[row] = tr_view_make(out, (uint32_t)out_length);
	return result;
}

enum tr_text_result tr_field_store(struct tr_column_buffer *column, uint32_t row, const char *text, size_t length,
				   const struct tr_field_rules *rules, struct tr_heap *heap)
{
	enum tr_text_result result;
	int64_t integer;
	bool truth;

	TR_DASSERT(row < column->capacity);
	switch ((enum tr_type_id)column->type->id) {
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR: ((struct tr_view *)column->data)[row] = keep(heap, text, length); return TR_TEXT_OK;
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY: return store_bytes(column, row, text, length, heap);
	case TR_TYPE_BOOLEAN:
		tr_text_trim(&text, &length);
		truth = false;
		(void)tr_text_parse_boolean(text, length, &truth); /* Boolean.parseBoolean: all else is false */
		((int8_t *)column->data)[row] = truth;
		return TR_TEXT_OK;
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT:
	case TR_TYPE_INTERVAL_MONTH:
	case TR_TYPE_INTERVAL_MS:
		tr_text_trim(&text, &length);
		result = tr_text_parse_i64(text, length, &integer);
		return result == TR_TEXT_OK ? store_integer(column, row, integer) : result;
	case TR_TYPE_FLOAT:
		tr_text_trim(&text, &length);
		return tr_text_parse_f32(text, length, (float *)column->data + row);
	case TR_TYPE_DOUBLE:
		tr_text_trim(&text, &length);
		return tr_text_parse_f64(text, length, (double *)column->data + row);
	case TR_TYPE_DECIMAL:
		if (rules->is_decimal_trimmed)
			tr_text_trim(&text, &length);
		return store_decimal(column, row, text, length);
	case TR_TYPE_DATE:
	case TR_TYPE_TIME:
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: return store_time(column, row, text, length, rules);
	default: TR_UNREACHABLE();
	}
}

void tr_field_rewind(struct tr_column_buffer *column, uint32_t row)
{
	const uint32_t end = TR_MIN(column->capacity, (row | 63) + 1);

	if (column->has_nulls) {
		for (uint32_t i = row; i < end; i++)
			tr_bit_set(column->validity, i);
		for (size_t word = (row | 63) / 64 + 1; word < TR_BITMAP_WORDS(column->capacity); word++)
			column->validity[word] = WORDS_ALL;
	}
	for (uint32_t i = 0; i < column->child_count; i++) {
		if (column->type->phys == TR_PHYS_LIST) {
			tr_field_rewind(&column->children[i], (uint32_t)column->offsets[row]);
			column->children[i].length = (uint32_t)column->offsets[row];
		} else {
			tr_field_rewind(&column->children[i], row);
		}
	}
}

void tr_field_set_nulls(struct tr_column_buffer *column, uint32_t from, uint32_t end)
{
	const size_t width = tr_phys_bytes(column->type->phys);

	if (from == end)
		return;
	TR_ASSERT(from < end && end <= column->capacity);
	column->has_nulls = true;
	for (uint32_t i = from; i < end;) {
		if ((i & 63) == 0 && end - i >= 64) {
			column->validity[i >> 6] = 0;
			i += 64;
		} else {
			tr_bit_clear(column->validity, i++);
		}
	}
	if (column->type->phys == TR_PHYS_LIST) {
		for (uint32_t i = from; i < end; i++)
			column->offsets[i + 1] = (int32_t)column->children[0].length;
	} else if (column->type->phys == TR_PHYS_ROW) {
		for (uint32_t i = 0; i < column->child_count; i++)
			tr_field_set_nulls(&column->children[i], from, end);
	} else if (width > 0) {
		memset((char *)column->data + (size_t)from * width, 0, (end - from) * width);
	}
}

/** Bytes of the well-formed sequence at p, or 0; `bad` receives how many bytes one U+FFFD stands for. */
static size_t utf8_sequence(const unsigned char *p, size_t left, size_t *bad)
{
	unsigned low = 0x80, high = 0xbf;
	size_t need;

	*bad = 1;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	need = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i <= need; i++) {
		if (i >= left || p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
		*bad = i + 1;
	}
	return need + 1;
}

void tr_field_repair_utf8(struct tr_bytes *out, const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t at = 0; at < length;) {
		size_t bad, good = utf8_sequence(p + at, length - at, &bad);

		if (good > 0)
			tr_bytes_append(out, text + at, good);
		else
			tr_bytes_append(out, "\xef\xbf\xbd", 3);
		at += good > 0 ? good : TR_MIN(bad, length - at);
	}
}

const char *tr_field_quote(char *out, size_t capacity, const char *text, size_t length)
{
	size_t at = 0;

	TR_ASSERT(capacity >= QUOTE_BYTES_MAX + 40);
	out[at++] = '\'';
	for (size_t i = 0; i < length && i < QUOTE_BYTES_MAX; i++)
		out[at++] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	/* No half character at the cut. */
	while (length > QUOTE_BYTES_MAX && at > 1 && !tr_text_is_utf8(out + 1, at - 1) && at > QUOTE_BYTES_MAX - 3)
		at--;
	snprintf(out + at, capacity - at, length > QUOTE_BYTES_MAX ? "...' (%zu bytes)" : "'", length);
	return out;
}

size_t tr_field_put_decimal(char *out, tr_i128 unscaled, int scale, bool is_plain)
{
	size_t length, digits, first;

	if (unscaled == 0) {
		out[0] = '0';
		return 1;
	}
	for (; unscaled % 10 == 0; unscaled /= 10)
		scale--;
	if (scale >= 0)
		return is_plain ? tr_text_put_decimal(out, unscaled, scale)
				: tr_text_put_decimal_java(out, unscaled, scale);
	length = tr_text_put_decimal(out, unscaled, 0);
	if (is_plain) {
		memset(out + length, '0', (size_t)-scale);
		return length + (size_t)-scale;
	}
	first = unscaled < 0;
	digits = length - first;
	if (digits > 1) {
		memmove(out + first + 2, out + first + 1, digits - 1);
		out[first + 1] = '.';
		length++;
	}
	out[length++] = 'E';
	out[length++] = '+';
	return length + tr_text_put_u64(out + length, (uint64_t)(-scale) + digits - 1);
}

void tr_field_explain(char *reason, size_t capacity, enum tr_text_result result, const struct tr_type *type,
		      const char *text, size_t length)
{
	struct tr_arena arena;
	char quoted[128];

	tr_arena_init(&arena, 1024);
	tr_field_quote(quoted, sizeof(quoted), text, length);
	snprintf(reason, capacity, result == TR_TEXT_RANGE ? "%s is out of range for %s" : "%s is not a value of %s",
		 quoted, tr_type_text(&arena, type));
	tr_arena_deinit(&arena);
}

size_t tr_field_unescape_option(const char *text, char *out)
{
	size_t length = 0;

	for (const char *p = text; *p != '\0'; p++) {
		unsigned code;

		if (*p != '\\' || p[1] == '\0') {
			out[length++] = *p;
			continue;
		}
		p++;
		switch (*p) {
		case 't': out[length++] = '\t'; break;
		case 'n': out[length++] = '\n'; break;
		case 'r': out[length++] = '\r'; break;
		case 'b': out[length++] = '\b'; break;
		case 'f': out[length++] = '\f'; break;
		case 'u':
			if (sscanf(p + 1, "%4x", &code) == 1 && code < 0x80 && strlen(p) >= 5) {
				out[length++] = (char)code;
				p += 4;
			} else {
				out[length++] = 'u';
			}
			break;
		default: out[length++] = *p; break;
		}
	}
	out[length] = '\0';
	return length;
}
