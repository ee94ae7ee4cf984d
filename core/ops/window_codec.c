/* SPDX-License-Identifier: Apache-2.0
 *
 * See window_codec.h.
 */
#include "core/ops/window_codec.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/agg_distinct.h"

enum form { FORM_PLAIN = 0, FORM_COLUMNS = 1 };

static uint32_t width_of(const struct tr_type *type) { return (uint32_t)tr_phys_bytes((enum tr_phys)type->phys); }

/* -- values -- */

static void append_u32(struct tr_bytes *bytes, uint32_t n) { tr_bytes_append(bytes, (const char *)&n, 4); }

static uint32_t take_u32(const char **from)
{
	uint32_t n;

	memcpy(&n, *from, 4);
	*from += 4;
	return n;
}

/** `value` as it lies in a column. */
static void append_value(struct tr_bytes *bytes, const struct tr_type *type, const void *value)
{
	if (type->phys == TR_PHYS_VIEW) {
		const struct tr_view *view = value;

		append_u32(bytes, view->length);
		tr_bytes_append(bytes, tr_view_text(view), view->length);
	} else {
		tr_bytes_append(bytes, value, width_of(type));
	}
}

/** The other way; long texts go to `heap`, or stay where they are when it is NULL. */
static void take_value(const char **from, const struct tr_type *type, void *value, struct tr_heap *heap)
{
	if (type->phys == TR_PHYS_VIEW) {
		const uint32_t length = take_u32(from);
		const char *text = *from;

		if (length > TR_VIEW_INLINE_MAX && heap != NULL)
			text = memcpy(tr_arena_alloc_aligned(&heap->arena, length, 1), text, length);
		*(struct tr_view *)value = tr_view_make(text, length);
		*from += length;
	} else {
		memcpy(value, *from, width_of(type));
		*from += width_of(type);
	}
}

static char *place_of(const struct tr_column_buffer *column, uint32_t row)
{
	return (char *)column->data + (size_t)row * width_of(column->type);
}

/* -- keys -- */

static const void *key_value(const struct tr_column *column, uint32_t row, double *number)
{
	const void *value = (const char *)column->data + (size_t)tr_column_row(column, row) * width_of(column->type);
	float f32;

	if (column->type->phys == TR_PHYS_F64) {
		memcpy(number, value, 8);
		*number = isnan(*number) ? (double)NAN : *number == 0 ? 0 : *number;
		return number;
	}
	if (column->type->phys == TR_PHYS_F32) {
		memcpy(&f32, value, 4);
		f32 = isnan(f32) ? (float)NAN : f32 == 0 ? 0 : f32;
		memcpy(number, &f32, 4);
		return number;
	}
	return value;
}

/** One column of integers of 8 bytes, none of them NULL: what most keys are. */
static void write_integers(const struct tr_column *column, const uint32_t *rows, uint32_t count, struct tr_bytes *bytes,
			   uint32_t *offsets)
{
	const int64_t *values = column->data;
	uint32_t at = (uint32_t)bytes->length;
	char *to = tr_bytes_reserve(bytes, (size_t)count * 9);

	for (uint32_t i = 0; i < count; i++, to += 9, at += 9) {
		offsets[i] = at;
		to[0] = 0;
		memcpy(to + 1, &values[tr_agg_row(rows, i)], 8);
	}
	bytes->length += (size_t)count * 9;
	offsets[count] = at;
}

void tr_window_keys_write(const struct tr_column *const *columns, uint32_t column_count, const uint32_t *rows,
			  uint32_t count, struct tr_bytes *bytes, uint32_t *offsets)
{
	const uint32_t null_bytes = (column_count + 7) / 8;

	if (column_count == 1 && columns[0]->type->phys == TR_PHYS_I64 && columns[0]->validity == NULL &&
	    !columns[0]->is_constant) {
		write_integers(columns[0], rows, count, bytes, offsets);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const size_t begin = bytes->length;

		TR_ASSERT(begin <= UINT32_MAX);
		offsets[i] = (uint32_t)begin;
		memset(tr_bytes_reserve(bytes, null_bytes), 0, null_bytes);
		bytes->length += null_bytes;
		for (uint32_t k = 0; k < column_count; k++) {
			const uint32_t row = tr_agg_row(rows, i);
			double number;

			if (tr_column_is_null(columns[k], row))
				bytes->data[begin + k / 8] |= (char)(1 << k % 8);
			else
				append_value(bytes, columns[k]->type, key_value(columns[k], row, &number));
		}
	}
	offsets[count] = (uint32_t)bytes->length;
}

void tr_window_key_read(const char *key, struct tr_column_buffer *columns, uint32_t column_count, uint32_t at,
			struct tr_heap *heap)
{
	const char *from = key + (column_count + 7) / 8;

	for (uint32_t k = 0; k < column_count; k++) {
		if ((key[k / 8] >> k % 8 & 1) != 0)
			tr_column_buffer_set_null(&columns[k], at);
		else
			take_value(&from, columns[k].type, place_of(&columns[k], at), heap);
	}
}

/* -- entries -- */

const struct tr_schema *tr_window_entry_schema(struct tr_arena *arena, const struct tr_agg_layout *layout)
{
	const uint32_t columns_max = layout->partial_count + layout->part_count + TR_AGG_PARTIAL_COLUMNS_MAX;
	struct tr_schema *schema = TR_NEW(arena, struct tr_schema);
	const char **names = TR_NEW_ARRAY(arena, columns_max, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(arena, columns_max, const struct tr_type *);
	uint32_t n = 0;

	for (uint32_t p = 0; p < layout->part_count; p++) {
		const struct tr_agg_part *part = &layout->parts[p];

		if (part->is_row_count)
			continue;
		part->agg->partial_types(arena, part->slot.arg_type, types + n);
		for (uint32_t c = 0; c < part->agg->partial_count; c++)
			names[n++] = tr_arena_printf(arena, "agg%u_%u", p, c);
	}
	for (uint32_t p = 0; p < layout->part_count; p++) {
		if (!layout->parts[p].is_distinct)
			continue;
		names[n] = tr_arena_printf(arena, "agg%u_values", p);
		types[n++] = tr_type_array(arena, layout->parts[p].slot.arg_type);
	}
	*schema = (struct tr_schema){.column_count = n, .names = names, .types = types};
	return schema;
}

void tr_window_codec_init(struct tr_window_codec *codec, struct tr_agg_layout *layout)
{
	memset(codec, 0, sizeof(*codec));
	codec->layout = layout;
	tr_arena_init(&codec->arena, 0);
	codec->schema = tr_window_entry_schema(&codec->arena, layout);
	codec->entry = tr_checked(malloc(layout->stride));
}

void tr_window_codec_deinit(struct tr_window_codec *codec)
{
	if (codec->layout == NULL)
		return;
	tr_batch_buffer_destroy(&codec->image);
	tr_arena_deinit(&codec->arena);
	free(codec->owners);
	free(codec->entry);
	memset(codec, 0, sizeof(*codec));
}

/** The image, empty, with room for `count` rows; and owners for as many. */
static struct tr_batch_buffer *image_of(struct tr_window_codec *codec, uint32_t count)
{
	if (count > codec->capacity) {
		codec->capacity = TR_MAX(count, 256u);
		tr_batch_buffer_destroy(&codec->image);
		codec->image = tr_batch_buffer_create(codec->schema, codec->capacity);
		codec->owners = tr_checked(realloc(codec->owners, codec->capacity * sizeof(*codec->owners)));
	}
	if (codec->image != NULL)
		tr_batch_buffer_clear(codec->image);
	return codec->image;
}

static void append_set(struct tr_bytes *bytes, const struct tr_agg_part *part, char *entry)
{
	const struct tr_distinct_set *set = *tr_agg_entry_set(part, entry);
	const struct tr_type *type = part->slot.arg_type;
	const uint32_t count = tr_distinct_count(set);
	const char *values = tr_distinct_values(set);

	append_u32(bytes, count);
	for (uint32_t i = 0; i < count; i++)
		append_value(bytes, type, values + (size_t)i * width_of(type));
}

static void append_columns(struct tr_bytes *bytes, const struct tr_column *columns, uint32_t count, uint32_t row)
{
	for (uint32_t c = 0; c < count; c++) {
		const struct tr_column *column = &columns[c];
		const bool is_null = tr_column_is_null(column, row);

		tr_bytes_append_char(bytes, is_null);
		if (!is_null)
			append_value(bytes, column->type,
				     (const char *)column->data +
					     (size_t)tr_column_row(column, row) * width_of(column->type));
	}
}

void tr_window_codec_write(struct tr_window_codec *codec, char *const *entries, uint32_t count, struct tr_bytes *bytes,
			   size_t *ends)
{
	struct tr_agg_layout *layout = codec->layout;
	struct tr_batch_buffer *image = image_of(codec, count);
	uint32_t owners = 0, row = 0;

	for (uint32_t i = 0; i < count; i++)
		if (tr_agg_layout_is_owner(layout, entries[i]))
			codec->owners[owners++] = entries[i];
	if (owners > 0) {
		tr_agg_layout_write(layout, codec->owners, owners, image->columns, 0, &image->heap);
		tr_batch_buffer_seal(image, owners);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (row == owners || codec->owners[row] != entries[i]) {
			tr_bytes_append_char(bytes, FORM_PLAIN);
			tr_bytes_append(bytes, entries[i], layout->bytes);
		} else {
			tr_bytes_append_char(bytes, FORM_COLUMNS);
			tr_bytes_append(bytes, entries[i], 8);
			append_columns(bytes, image->batch.columns, layout->partial_count, row++);
			for (uint32_t p = 0; p < layout->part_count; p++)
				if (layout->parts[p].is_distinct)
					append_set(bytes, &layout->parts[p], entries[i]);
		}
		ends[i] = bytes->length;
	}
}

/** Partial columns to row `at`; returns what follows. */
static const char *take_columns(const struct tr_window_codec *codec, const char *from, struct tr_column_buffer *columns,
				uint32_t at, struct tr_heap *heap)
{
	for (uint32_t c = 0; c < codec->layout->partial_count; c++) {
		if (*from++ != 0)
			tr_column_buffer_set_null(&columns[c], at);
		else
			take_value(&from, columns[c].type, place_of(&columns[c], at), heap);
	}
	return from;
}

static const char *take_set(const char *from, const struct tr_agg_part *part, char *entry)
{
	const struct tr_type *type = part->slot.arg_type;

	for (uint32_t left = take_u32(&from); left > 0; left--) {
		struct tr_view room; /* as wide as any value */

		take_value(&from, type, &room, NULL);
		(void)tr_agg_entry_see(part, entry, (enum tr_phys)type->phys, &room);
	}
	return from;
}

void tr_window_codec_read(struct tr_window_codec *codec, const char *const *from, uint32_t count, char *const *entries)
{
	struct tr_agg_layout *layout = codec->layout;
	struct tr_batch_buffer *image = image_of(codec, count);
	uint32_t owners = 0;

	for (uint32_t i = 0; i < count; i++) {
		const char *at = from[i] + 1;

		if (from[i][0] == FORM_PLAIN) {
			memcpy(entries[i], at, layout->bytes);
			continue;
		}
		memcpy(entries[i], at, 8);
		at = take_columns(codec, at + 8, image->columns, owners, NULL);
		for (uint32_t p = 0; p < layout->part_count; p++)
			if (layout->parts[p].is_distinct)
				at = take_set(at, &layout->parts[p], entries[i]);
		codec->owners[owners++] = entries[i];
	}
	if (owners == 0)
		return;
	tr_batch_buffer_seal(image, owners);
	tr_agg_layout_read(layout, codec->owners, image->batch.columns, NULL, owners);
}

/** The values of a set as the list in row `at`. */
static const char *take_list(const char *from, struct tr_column_buffer *list, uint32_t at, struct tr_heap *heap)
{
	struct tr_column_buffer *values = &list->children[0];
	const uint32_t count = take_u32(&from);

	tr_column_buffer_reserve(values, values->length + count);
	for (uint32_t i = 0; i < count; i++)
		take_value(&from, values->type, place_of(values, values->length++), heap);
	list->offsets[at + 1] = (int32_t)values->length;
	return from;
}

void tr_window_codec_to_columns(struct tr_window_codec *codec, const char *from, struct tr_column_buffer *columns,
				uint32_t at, struct tr_heap *heap, int64_t *rows)
{
	struct tr_agg_layout *layout = codec->layout;
	const bool is_plain = !layout->owns_memory || from[0] == FORM_PLAIN;

	from += layout->owns_memory ? 1 : 0;
	memcpy(rows, from, 8);
	if (is_plain) {
		memcpy(codec->entry, from, layout->bytes);
		tr_agg_layout_write(layout, &codec->entry, 1, columns, at, heap);
		for (uint32_t c = layout->partial_count; c < codec->schema->column_count; c++)
			columns[c].offsets[at + 1] = (int32_t)columns[c].children[0].length;
		return;
	}
	from = take_columns(codec, from + 8, columns, at, heap);
	for (uint32_t c = layout->partial_count; c < codec->schema->column_count; c++)
		from = take_list(from, &columns[c], at, heap);
}

void tr_window_codec_from_columns(struct tr_window_codec *codec, const struct tr_column *columns, uint32_t row,
				  int64_t rows, struct tr_bytes *bytes)
{
	tr_bytes_append_char(bytes, FORM_COLUMNS);
	tr_bytes_append(bytes, (const char *)&rows, 8);
	append_columns(bytes, columns, codec->layout->partial_count, row);
	for (uint32_t c = codec->layout->partial_count; c < codec->schema->column_count; c++) {
		const struct tr_column *list = &columns[c];
		const int32_t first = list->offsets[row], end = list->offsets[row + 1];
		const struct tr_type *type = list->children[0].type;

		append_u32(bytes, (uint32_t)(end - first));
		for (int32_t i = first; i < end; i++)
			append_value(bytes, type, (const char *)list->children[0].data + (size_t)i * width_of(type));
	}
}
