/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as bytes that memcmp orders; see the header.
 */
#include "core/ops/sort_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"

static bool is_text(const struct tr_type *type) { return type->phys == TR_PHYS_VIEW; }

/** Bytes of a value that has a fixed width; 0 for all others. */
static uint32_t width_of(const struct tr_type *type)
{
	return is_text(type) || tr_type_is_nested(type) || type->phys == TR_PHYS_NONE
		       ? 0
		       : tr_phys_bytes((enum tr_phys)type->phys);
}

void tr_sort_rows_init(struct tr_sort_rows *rows, const struct tr_schema *schema, const struct tr_order_key *keys,
		       uint32_t key_count)
{
	const uint32_t columns = schema->column_count;

	*rows = (struct tr_sort_rows){.schema = schema, .keys = keys, .key_count = key_count};
	for (uint32_t k = 0; k < key_count; k++) {
		const struct tr_type *type = schema->types[keys[k].column];

		TR_ASSERT(!tr_type_is_nested(type));
		rows->key_bytes += 1 + width_of(type);
		rows->has_text_keys = rows->has_text_keys || is_text(type);
	}
	rows->null_bytes = (columns + 7) / 8;
	rows->places = tr_checked(calloc(columns + 1, sizeof(*rows->places)));
	rows->images = tr_checked(calloc(columns + 1, sizeof(struct tr_batch_buffer *)));
	rows->image_schemas = tr_checked(calloc(columns + 1, sizeof(*rows->image_schemas)));
	rows->read = tr_checked(calloc(columns + 1, sizeof(*rows->read)));
	for (uint32_t c = 0; c < columns; c++) {
		const struct tr_type *type = schema->types[c];

		rows->places[c] = rows->null_bytes + rows->fixed_bytes;
		rows->fixed_bytes += width_of(type);
		rows->has_texts = rows->has_texts || is_text(type) || tr_type_is_nested(type);
		if (tr_type_is_nested(type)) {
			rows->image_schemas[c] = (struct tr_schema){
				.column_count = 1, .names = &schema->names[c], .types = &schema->types[c]};
			rows->images[c] = tr_batch_buffer_create(&rows->image_schemas[c], 1);
		}
	}
}

void tr_sort_rows_deinit(struct tr_sort_rows *rows)
{
	for (uint32_t c = 0; rows->images != NULL && c < rows->schema->column_count; c++) {
		tr_batch_buffer_destroy(&rows->images[c]);
		tr_rows_deinit(&rows->read[c]);
	}
	free(rows->places);
	free(rows->images);
	free(rows->image_schemas);
	free(rows->read);
	free(rows->lengths);
	free(rows->key_lengths);
	free(rows->rows);
	free(rows->ends);
	tr_bytes_deinit(&rows->nested);
	memset(rows, 0, sizeof(*rows));
}

static void reserve(struct tr_sort_rows *rows, uint32_t count)
{
	if (count <= rows->capacity)
		return;
	rows->capacity = count;
	rows->lengths = tr_checked(realloc(rows->lengths, count * sizeof(*rows->lengths)));
	rows->key_lengths = tr_checked(realloc(rows->key_lengths, count * sizeof(*rows->key_lengths)));
	rows->rows = tr_checked(realloc(rows->rows, count * sizeof(*rows->rows)));
	rows->ends = tr_checked(realloc(rows->ends, count * sizeof(*rows->ends)));
}

/* -- lengths -- */

static const struct tr_view *view_at(const struct tr_column *column, uint32_t row)
{
	return (const struct tr_view *)column->data + tr_column_row(column, row);
}

/* Lengths are added up to the greatest number there is and stay there: nobody takes so long a row. */
static void lengthen(uint32_t *length, uint64_t more)
{
	*length = (uint32_t)TR_MIN(*length + more, (uint64_t)UINT32_MAX);
}

static uint64_t escaped_length(const struct tr_view *view)
{
	const char *text = tr_view_text(view), *end = text + view->length;
	uint64_t length = (uint64_t)view->length + 2;

	while ((text = memchr(text, 0, (size_t)(end - text))) != NULL) {
		length++;
		text++;
	}
	return length;
}

/** Puts a nested value behind the others in rows->nested, as its length and its bytes. Returns the bytes of both. */
static uint64_t put_nested(struct tr_sort_rows *rows, uint32_t c, const struct tr_column *column, uint32_t row)
{
	struct tr_batch_buffer *image = rows->images[c];
	const size_t before = rows->nested.length;
	const uint32_t zero = 0;
	uint64_t length;
	uint32_t written;

	row = tr_column_row(column, row);
	tr_batch_buffer_clear(image);
	tr_column_buffer_gather(&image->columns[0], 0, column, &row, 1, &image->heap);
	tr_batch_buffer_seal(image, 1);
	tr_bytes_append(&rows->nested, (const char *)&zero, sizeof(zero));
	tr_rows_write(image->batch.columns, 1, 1, &rows->nested);
	length = rows->nested.length - before;
	written = (uint32_t)(length - sizeof(written)); /* if it fits: else the row is too long */
	memcpy(rows->nested.data + before, &written, sizeof(written));
	return length;
}

void tr_sort_rows_measure(struct tr_sort_rows *rows, const struct tr_batch *batch)
{
	const uint32_t n = batch->selected_count;
	const uint32_t fixed = rows->key_bytes + rows->null_bytes + rows->fixed_bytes + (rows->has_text_keys ? 4 : 0);

	reserve(rows, n);
	for (uint32_t i = 0; i < n; i++)
		rows->lengths[i] = fixed;
	if (!rows->has_texts)
		return;
	for (uint32_t i = 0; rows->has_text_keys && i < n; i++)
		rows->key_lengths[i] = rows->key_bytes;
	for (uint32_t k = 0; k < rows->key_count; k++) {
		const struct tr_column *column = &batch->columns[rows->keys[k].column];

		for (uint32_t i = 0; is_text(rows->schema->types[rows->keys[k].column]) && i < n; i++)
			if (!tr_column_is_null(column, tr_batch_row(batch, i)))
				lengthen(&rows->key_lengths[i], escaped_length(view_at(column, tr_batch_row(batch, i))));
	}
	for (uint32_t i = 0; rows->has_text_keys && i < n; i++)
		lengthen(&rows->lengths[i], rows->key_lengths[i] - rows->key_bytes);
	tr_bytes_clear(&rows->nested);
	for (uint32_t c = 0; c < rows->schema->column_count; c++) {
		const struct tr_column *column = &batch->columns[c];
		const struct tr_type *type = rows->schema->types[c];

		for (uint32_t i = 0; (is_text(type) || tr_type_is_nested(type)) && i < n; i++) {
			const uint32_t row = tr_batch_row(batch, i);

			if (tr_column_is_null(column, row))
				continue;
			lengthen(&rows->lengths[i], is_text(type) ? UINT64_C(4) + view_at(column, row)->length
								  : put_nested(rows, c, column, row));
		}
	}
}

/* -- keys -- */

#define PUT_KEYS(name, ctype, utype, load, swap)                                                            \
	static void put_##name(const struct tr_batch *batch, const struct tr_column *column, uint64_t flip, \
			       char **ends)                                                                 \
	{                                                                                                   \
		const utype inverted = (utype)flip;                                                         \
                                                                                                            \
		for (uint32_t i = 0; i < batch->selected_count; i++) {                                      \
			const ctype value = tr_column_##name(column, tr_batch_row(batch, i));               \
			utype bits;                                                                         \
                                                                                                            \
			load;                                                                               \
			bits = swap(bits ^ inverted);                                                       \
			memcpy(ends[i], &bits, sizeof(bits));                                               \
			ends[i] += sizeof(bits);                                                            \
		}                                                                                           \
	}

#define SAME(x) (x)
#define SIGNED(utype) bits = (utype)value ^ (utype)((utype)1 << (8 * sizeof(utype) - 1))
/* NaN becomes the positive quiet one; negative numbers are inverted, of others the sign bit is set. */
#define FLOATING(utype, nan)                                                                                   \
	do {                                                                                                   \
		if (value != value)                                                                            \
			bits = nan;                                                                            \
		else                                                                                           \
			memcpy(&bits, &value, sizeof(bits));                                                   \
		bits ^= (bits >> (8 * sizeof(utype) - 1)) != 0 ? (utype)-1                                     \
							       : (utype)((utype)1 << (8 * sizeof(utype) - 1)); \
	} while (0)

PUT_KEYS(i8, int8_t, uint8_t, SIGNED(uint8_t), (uint8_t)SAME)
PUT_KEYS(i16, int16_t, uint16_t, SIGNED(uint16_t), __builtin_bswap16)
PUT_KEYS(i32, int32_t, uint32_t, SIGNED(uint32_t), __builtin_bswap32)
PUT_KEYS(i64, int64_t, uint64_t, SIGNED(uint64_t), __builtin_bswap64)
PUT_KEYS(f32, float, uint32_t, FLOATING(uint32_t, 0x7FC00000u), __builtin_bswap32)
PUT_KEYS(f64, double, uint64_t, FLOATING(uint64_t, UINT64_C(0x7FF8000000000000)), __builtin_bswap64)

static void put_i128(const struct tr_batch *batch, const struct tr_column *column, uint64_t flip, char **ends)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const tr_u128 value = (tr_u128)tr_column_i128(column, tr_batch_row(batch, i));
		const uint64_t high = (uint64_t)(value >> 64) ^ (UINT64_C(1) << 63);
		const uint64_t words[2] = {__builtin_bswap64(high ^ flip), __builtin_bswap64((uint64_t)value ^ flip)};

		memcpy(ends[i], words, sizeof(words));
		ends[i] += sizeof(words);
	}
}

static void put_text_keys(const struct tr_batch *batch, const struct tr_column *column, bool is_descending, char **ends)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const struct tr_view *view = view_at(column, row);
		const char *text;
		char *begin = ends[i], *at = begin;

		if (tr_column_is_null(column, row))
			continue;
		text = tr_view_text(view);
		if (memchr(text, 0, view->length) == NULL) {
			memcpy(at, text, view->length);
			at += view->length;
		} else {
			for (uint32_t b = 0; b < view->length; b++) {
				*at++ = text[b];
				if (text[b] == 0)
					*at++ = (char)0xFF;
			}
		}
		*at++ = 0;
		*at++ = 0;
		for (char *byte = begin; is_descending && byte < at; byte++)
			*byte = (char)~*byte;
		ends[i] = at;
	}
}

/** The bytes that say which keys are NULL. Behind a NULL of fixed width come zeros, whatever the column holds there. */
static void put_null_marks(const struct tr_batch *batch, const struct tr_column *column, const struct tr_order_key *key,
			   char **ends)
{
	const char present = key->nulls_first ? 1 : 0;

	for (uint32_t i = 0; i < batch->selected_count; i++)
		*ends[i]++ = present;
	if (column->validity == NULL && column->type->phys != TR_PHYS_NONE)
		return;
	for (uint32_t i = 0; i < batch->selected_count; i++)
		if (tr_column_is_null(column, tr_batch_row(batch, i)))
			ends[i][-1] = (char)!present;
}

static void clear_nulls(const struct tr_batch *batch, const struct tr_column *column, uint32_t width, char **ends)
{
	if (column->validity == NULL)
		return;
	for (uint32_t i = 0; i < batch->selected_count; i++)
		if (tr_column_is_null(column, tr_batch_row(batch, i)))
			memset(ends[i] - width, 0, width);
}

static void put_key(const struct tr_batch *batch, const struct tr_order_key *key, char **ends)
{
	const struct tr_column *column = &batch->columns[key->column];
	const uint64_t flip = key->is_descending ? UINT64_MAX : 0;

	put_null_marks(batch, column, key, ends);
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_I8: put_i8(batch, column, flip, ends); break;
	case TR_PHYS_I16: put_i16(batch, column, flip, ends); break;
	case TR_PHYS_I32: put_i32(batch, column, flip, ends); break;
	case TR_PHYS_I64: put_i64(batch, column, flip, ends); break;
	case TR_PHYS_I128: put_i128(batch, column, flip, ends); break;
	case TR_PHYS_F32: put_f32(batch, column, flip, ends); break;
	case TR_PHYS_F64: put_f64(batch, column, flip, ends); break;
	case TR_PHYS_VIEW: put_text_keys(batch, column, key->is_descending, ends); return;
	default: return; /* NULL has no values */
	}
	clear_nulls(batch, column, width_of(column->type), ends);
}

/* -- values -- */

/** LOOP(w) with the width as a constant. */
#define BY_WIDTH(width, LOOP)              \
	do {                               \
		switch (width) {           \
		case 1: LOOP(1); break;    \
		case 2: LOOP(2); break;    \
		case 4: LOOP(4); break;    \
		case 8: LOOP(8); break;    \
		case 16: LOOP(16); break;  \
		default: TR_UNREACHABLE(); \
		}                          \
	} while (0)

/** Values of fixed width, `place` bytes behind the keys. */
static void put_fixed(const struct tr_batch *batch, const struct tr_column *column, uint32_t width, char *const *ends,
		      uint32_t place)
{
	const uint32_t n = batch->selected_count;
	const char *data = column->data;

#define PUT(w)                           \
	for (uint32_t i = 0; i < n; i++) \
	memcpy(ends[i] + place, data + (size_t)tr_column_row(column, tr_batch_row(batch, i)) * (w), (w))
	BY_WIDTH(width, PUT);
#undef PUT
	for (uint32_t i = 0; column->validity != NULL && i < n; i++)
		if (tr_column_is_null(column, tr_batch_row(batch, i)))
			memset(ends[i] + place, 0, width);
}

/** Nested values: their lengths and bytes, which lie ready, at ends[i], which moves on. */
static void put_nested_values(struct tr_sort_rows *rows, const struct tr_batch *batch, const struct tr_column *column)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const char *from = rows->nested.data + rows->nested_at;
		uint32_t length;

		if (tr_column_is_null(column, tr_batch_row(batch, i)))
			continue;
		memcpy(&length, from, sizeof(length));
		length += (uint32_t)sizeof(length);
		memcpy(rows->ends[i], from, length);
		rows->nested_at += length;
		rows->ends[i] += length;
	}
}

/** Texts: the same. */
static void put_texts(struct tr_sort_rows *rows, const struct tr_batch *batch, const struct tr_column *column)
{
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);
		const struct tr_view *view = view_at(column, row);

		if (tr_column_is_null(column, row))
			continue;
		memcpy(rows->ends[i], &view->length, sizeof(view->length));
		memcpy(rows->ends[i] + sizeof(view->length), tr_view_text(view), view->length);
		rows->ends[i] += sizeof(view->length) + view->length;
	}
}

static void put_null_bits(const struct tr_batch *batch, uint32_t column_count, char *const *ends)
{
	for (uint32_t c = 0; c < column_count; c++) {
		const struct tr_column *column = &batch->columns[c];

		if (column->validity == NULL && column->type->phys != TR_PHYS_NONE)
			continue;
		for (uint32_t i = 0; i < batch->selected_count; i++)
			if (tr_column_is_null(column, tr_batch_row(batch, i)))
				ends[i][c / 8] = (char)(ends[i][c / 8] | (1 << (c % 8)));
	}
}

void tr_sort_rows_write(struct tr_sort_rows *rows, const struct tr_batch *batch)
{
	const uint32_t n = batch->selected_count, columns = rows->schema->column_count;

	memcpy(rows->ends, rows->rows, n * sizeof(*rows->ends));
	for (uint32_t k = 0; k < rows->key_count; k++)
		put_key(batch, &rows->keys[k], rows->ends);
	for (uint32_t i = 0; i < n; i++)
		memset(rows->ends[i], 0, rows->null_bytes);
	put_null_bits(batch, columns, rows->ends);
	for (uint32_t c = 0; c < columns; c++) {
		const uint32_t width = width_of(rows->schema->types[c]);

		if (width > 0)
			put_fixed(batch, &batch->columns[c], width, rows->ends, rows->places[c]);
	}
	if (!rows->has_texts)
		return;
	rows->nested_at = 0;
	for (uint32_t i = 0; i < n; i++)
		rows->ends[i] += rows->null_bytes + rows->fixed_bytes;
	for (uint32_t c = 0; c < columns; c++)
		if (is_text(rows->schema->types[c]))
			put_texts(rows, batch, &batch->columns[c]);
		else if (tr_type_is_nested(rows->schema->types[c]))
			put_nested_values(rows, batch, &batch->columns[c]);
	for (uint32_t i = 0; rows->has_text_keys && i < n; i++)
		memcpy(rows->ends[i], &rows->key_lengths[i], sizeof(*rows->key_lengths));
}

/* -- back -- */

static void get_fixed(char *const *values, uint32_t count, uint32_t place, uint32_t width, char *data)
{
#define GET(w)                               \
	for (uint32_t i = 0; i < count; i++) \
	memcpy(data + (size_t)i * (w), values[i] + place, (w))
	BY_WIDTH(width, GET);
#undef GET
}

/** The next text or nested value of each row, at rows->ends[i], which moves on. `values` have the NULL bits. */
static void get_varying(struct tr_sort_rows *rows, char *const *values, uint32_t count, uint32_t c,
			struct tr_batch_buffer *into)
{
	struct tr_column_buffer *column = &into->columns[c];
	const bool is_view = is_text(rows->schema->types[c]);

	for (uint32_t i = 0; i < count; i++) {
		const bool is_null = (values[i][c / 8] >> (c % 8)) & 1;
		const struct tr_batch *batch;
		uint32_t length, row = 0;

		if (is_null) {
			if (is_view)
				((struct tr_view *)column->data)[i] = tr_view_make("", 0);
			else
				tr_column_buffer_gather(column, i,
							&(struct tr_column){.type = tr_type_of(TR_TYPE_NULL)}, &row, 1,
							&into->heap);
			continue;
		}
		memcpy(&length, rows->ends[i], sizeof(length));
		rows->ends[i] += sizeof(length);
		if (is_view) {
			((struct tr_view *)column->data)[i] = tr_batch_buffer_view(into, rows->ends[i], length);
		} else {
			const tr_code code = tr_rows_read(&rows->read[c], &rows->image_schemas[c], rows->ends[i],
							  length, &batch, NULL);

			TR_ASSERT(code == TR_OK);
			tr_column_buffer_gather(column, i, &batch->columns[0], &row, 1, &into->heap);
		}
		rows->ends[i] += length;
	}
}

static void get_nulls(char *const *values, uint32_t count, uint32_t c, struct tr_column_buffer *column)
{
	for (uint32_t i = 0; i < count; i++) {
		if (((values[i][c / 8] >> (c % 8)) & 1) == 0)
			continue;
		tr_bit_clear(column->validity, i);
		column->has_nulls = true;
	}
}

void tr_sort_rows_read(struct tr_sort_rows *rows, const char *const *from, const uint32_t *lengths, uint32_t count,
		       struct tr_batch_buffer *into)
{
	reserve(rows, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t key_length = rows->key_bytes;

		if (rows->has_text_keys)
			memcpy(&key_length, from[i] + lengths[i] - sizeof(key_length), sizeof(key_length));
		rows->rows[i] = (char *)(uintptr_t)from[i] + key_length;
		rows->ends[i] = rows->rows[i] + rows->null_bytes + rows->fixed_bytes;
	}
	for (uint32_t c = 0; c < rows->schema->column_count; c++) {
		const struct tr_type *type = rows->schema->types[c];

		if (is_text(type) || tr_type_is_nested(type))
			get_varying(rows, rows->rows, count, c, into);
		else if (width_of(type) > 0)
			get_fixed(rows->rows, count, rows->places[c], width_of(type), into->columns[c].data);
		get_nulls(rows->rows, count, c, &into->columns[c]);
	}
}
