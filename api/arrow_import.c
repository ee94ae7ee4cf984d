/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches from Arrow; see arrow_export.c for what differs. The array's `offset` is where its first value lies, at each level. Unsigned
 * integers, large and view layouts, dictionaries, run-end encodings, unions and 256-bit decimals are refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/arrow.h"
#include "api/owned_batch.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "tailrace/batch.h"

/* Types. */

static tr_code schema_to_type(struct tr_arena *arena, const struct ArrowSchema *schema, uint32_t depth,
			      const struct tr_type **type, struct tr_status *st);

static int unit_precision(char unit) { return unit == 'm' ? 3 : unit == 'u' ? 6 : unit == 'n' ? 9 : -1; }

/** Types without children; NULL: we have none. */
static const struct tr_type *flat_type(struct tr_arena *arena, const char *format)
{
	static const struct {
		const char *format;
		enum tr_type_id id;
	} types[] = {{"n", TR_TYPE_NULL},         {"b", TR_TYPE_BOOLEAN}, {"c", TR_TYPE_TINYINT},
		     {"s", TR_TYPE_SMALLINT},     {"i", TR_TYPE_INT},     {"l", TR_TYPE_BIGINT},
		     {"f", TR_TYPE_FLOAT},        {"g", TR_TYPE_DOUBLE},  {"u", TR_TYPE_VARCHAR},
		     {"z", TR_TYPE_VARBINARY},    {"tdD", TR_TYPE_DATE},  {"tiM", TR_TYPE_INTERVAL_MONTH},
		     {"tDm", TR_TYPE_INTERVAL_MS}};
	int precision, scale, bits = 128, read = 0;

	for (size_t i = 0; i < TR_COUNT_OF(types); i++)
		if (strcmp(types[i].format, format) == 0)
			return tr_type_of(types[i].id);
	if (strcmp(format, "ttm") == 0)
		return tr_type_with_precision(arena, TR_TYPE_TIME, 3);
	if (sscanf(format, "d:%d,%d%n,%d%n", &precision, &scale, &read, &bits, &read) >= 2 && format[read] == '\0' &&
	    bits == 128 && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision)
		return tr_type_decimal(arena, precision, scale);
	if (strncmp(format, "ts", 2) == 0 && format[2] != '\0' && unit_precision(format[2]) > 0 && format[3] == ':')
		return tr_type_with_precision(arena, format[4] != '\0' ? TR_TYPE_TIMESTAMP_LTZ : TR_TYPE_TIMESTAMP,
					      unit_precision(format[2]));
	return NULL;
}

static tr_code row_type(struct tr_arena *arena, const struct ArrowSchema *schema, uint32_t depth,
			const struct tr_type **type, struct tr_status *st)
{
	const size_t count = (size_t)schema->n_children;
	const struct tr_type **types = TR_NEW_ARRAY(arena, count + 1, const struct tr_type *);
	const char **names = TR_NEW_ARRAY(arena, count + 1, const char *);

	if (schema->n_children < 0 || schema->n_children > TR_COLUMNS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "%lld columns", (long long)schema->n_children);
	for (size_t i = 0; i < count; i++) {
		TR_TRY(schema_to_type(arena, schema->children[i], depth + 1, &types[i], st));
		names[i] = tr_arena_printf(arena, "%s",
					   schema->children[i]->name != NULL ? schema->children[i]->name : "");
	}
	*type = tr_type_row(arena, names, types, count);
	return TR_OK;
}

static tr_code schema_to_type(struct tr_arena *arena, const struct ArrowSchema *schema, uint32_t depth,
			      const struct tr_type **type, struct tr_status *st)
{
	const struct tr_type *key = NULL, *value = NULL;

	*type = NULL;
	if (depth > TR_TYPE_DEPTH_MAX)
		TR_FAIL(st, TR_ERR_DATA, "types nest more than %d deep", TR_TYPE_DEPTH_MAX);
	if (strcmp(schema->format, "+s") == 0) {
		TR_TRY(row_type(arena, schema, depth, type, st));
	} else if (strcmp(schema->format, "+l") == 0 && schema->n_children == 1) {
		TR_TRY(schema_to_type(arena, schema->children[0], depth + 1, &value, st));
		*type = tr_type_array(arena, value);
	} else if (strcmp(schema->format, "+m") == 0 && schema->n_children == 1 &&
		   schema->children[0]->n_children == 2) {
		TR_TRY(schema_to_type(arena, schema->children[0]->children[0], depth + 1, &key, st));
		TR_TRY(schema_to_type(arena, schema->children[0]->children[1], depth + 1, &value, st));
		*type = tr_type_map(arena, key, value);
	} else if (schema->dictionary == NULL) {
		*type = flat_type(arena, schema->format);
	}
	if (*type == NULL)
		TR_FAIL(st, TR_ERR_UNAVAILABLE, "column '%s': Arrow's %s '%s' has no type of ours",
			schema->name != NULL ? schema->name : "",
			schema->dictionary != NULL ? "dictionary of" : "format", schema->format);
	if ((schema->flags & ARROW_FLAG_NULLABLE) == 0)
		*type = tr_type_with_nullable(arena, *type, false);
	return TR_OK;
}

/* Values. */

/** `count` values of the array from `first` on become rows `at` .. of the buffer. */
static tr_code read_array(const struct ArrowArray *array, int64_t first, uint32_t count,
			  struct tr_column_buffer *buffer, uint32_t at, struct tr_heap *heap, struct tr_status *st);

static bool is_null(const struct ArrowArray *array, int64_t i)
{
	const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;

	return array->null_count != 0 && bits != NULL && (bits[i >> 3] >> (i & 7) & 1) == 0;
}

static void read_nulls(const struct ArrowArray *array, int64_t first, uint32_t count, struct tr_column_buffer *buffer,
		       uint32_t at)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!is_null(array, first + i))
			continue;
		if (buffer->type->phys != TR_PHYS_LIST && buffer->type->phys != TR_PHYS_ROW) {
			tr_column_buffer_set_null(buffer, at + i);
			continue;
		}
		tr_bit_clear(buffer->validity, at + i); /* it has no elements, or harmless fields */
		buffer->has_nulls = true;
	}
}

static tr_code read_texts(const struct ArrowArray *array, int64_t first, uint32_t count,
			  struct tr_column_buffer *buffer, uint32_t at, struct tr_heap *heap, struct tr_status *st)
{
	const int32_t *offsets = array->buffers[1];
	const char *bytes = array->buffers[2];

	for (uint32_t i = 0; i < count; i++) {
		const int32_t begin = offsets[first + i], end = offsets[first + i + 1];
		const char *text = bytes + begin;

		if (end < begin)
			TR_FAIL(st, TR_ERR_DATA, "the offsets of an Arrow array go back");
		if (end - begin > TR_VIEW_INLINE_MAX) {
			char *copy = tr_arena_alloc_aligned(&heap->arena, (size_t)(end - begin), 1);

			memcpy(copy, text, (size_t)(end - begin));
			text = copy;
		}
		((struct tr_view *)buffer->data)[at + i] =
			tr_view_make(begin == end ? "" : text, (uint32_t)(end - begin));
	}
	return TR_OK;
}

static void read_fixed(const struct ArrowArray *array, int64_t first, uint32_t count, struct tr_column_buffer *buffer,
		       uint32_t at)
{
	const size_t width = tr_phys_bytes((enum tr_phys)buffer->type->phys);
	const char *data = array->buffers[1];

	if (count == 0)
		return;
	if (buffer->type->id == TR_TYPE_BOOLEAN) {
		for (uint32_t i = 0; i < count; i++)
			((int8_t *)buffer->data)[at + i] = data[(first + i) >> 3] >> ((first + i) & 7) & 1;
	} else if (buffer->type->id == TR_TYPE_DECIMAL && buffer->type->phys == TR_PHYS_I64) {
		for (uint32_t i = 0; i < count; i++) /* the lower half of 128 bits */
			memcpy((char *)buffer->data + (at + i) * width, data + ((size_t)first + i) * 16, width);
	} else {
		memcpy((char *)buffer->data + at * width, data + (size_t)first * width, count * width);
	}
}

static tr_code read_lists(const struct ArrowArray *array, int64_t first, uint32_t count,
			  struct tr_column_buffer *buffer, uint32_t at, struct tr_heap *heap, struct tr_status *st)
{
	const int32_t *offsets = array->buffers[1];
	const struct ArrowArray *child = array->children[0];

	for (uint32_t i = 0; i < count; i++) {
		const int32_t begin = offsets[first + i];
		const uint32_t length = is_null(array, first + i) ? 0 : (uint32_t)(offsets[first + i + 1] - begin);
		const uint32_t from = (uint32_t)buffer->offsets[at + i];

		if (offsets[first + i + 1] < begin || length > INT32_MAX - from)
			TR_FAIL(st, TR_ERR_DATA, "the offsets of an Arrow array go back, or too far");
		for (uint32_t c = 0; c < buffer->child_count; c++) {
			const struct ArrowArray *values = buffer->child_count == 2 ? child->children[c] : child;
			const int64_t base = values->offset + begin + (buffer->child_count == 2 ? child->offset : 0);

			tr_column_buffer_reserve(&buffer->children[c], from + length + 1);
			TR_TRY(read_array(values, base, length, &buffer->children[c], from, heap, st));
			buffer->children[c].length = from + length;
		}
		buffer->offsets[at + i + 1] = (int32_t)(from + length);
	}
	return TR_OK;
}

static tr_code read_array(const struct ArrowArray *array, int64_t first, uint32_t count,
			  struct tr_column_buffer *buffer, uint32_t at, struct tr_heap *heap, struct tr_status *st)
{
	switch (buffer->type->phys) {
	case TR_PHYS_NONE: return TR_OK;
	case TR_PHYS_ROW:
		for (uint32_t c = 0; c < buffer->child_count; c++)
			TR_TRY(read_array(array->children[c], array->children[c]->offset + first, count,
					  &buffer->children[c], at, heap, st));
		break;
	case TR_PHYS_LIST: TR_TRY(read_lists(array, first, count, buffer, at, heap, st)); break;
	case TR_PHYS_VIEW: TR_TRY(read_texts(array, first, count, buffer, at, heap, st)); break;
	default: read_fixed(array, first, count, buffer, at); break;
	}
	read_nulls(array, first, count, buffer, at);
	return TR_OK;
}

tr_code tr_batch_import(const struct ArrowArray *array, const struct ArrowSchema *schema,
			struct tr_owned_batch **result, struct tr_status *st)
{
	const struct tr_type *type;
	struct tr_schema columns;
	struct tr_arena arena;
	tr_code code;

	*result = NULL;
	if (strcmp(schema->format, "+s") != 0 || array->n_children != schema->n_children)
		TR_FAIL(st, TR_ERR_DATA, "a batch is a struct array; this one has the format '%s'", schema->format);
	if (array->length < 0 || array->length > TR_BATCH_ROWS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "%lld rows; a batch has %d at most", (long long)array->length,
			TR_BATCH_ROWS_MAX);
	tr_arena_init(&arena, 0);
	code = schema_to_type(&arena, schema, 0, &type, st);
	if (code == TR_OK) {
		columns = (struct tr_schema){type->child_count, type->names, type->children};
		*result = tr_owned_batch_create(&columns, (uint32_t)TR_MAX(array->length, 1));
		for (uint32_t c = 0; code == TR_OK && c < columns.column_count; c++)
			code = read_array(array->children[c], array->children[c]->offset + array->offset,
					  (uint32_t)array->length, &(*result)->buffer->columns[c], 0,
					  &(*result)->buffer->heap, st);
		tr_batch_buffer_seal((*result)->buffer, (uint32_t)array->length);
	}
	tr_arena_deinit(&arena);
	if (code != TR_OK)
		tr_owned_batch_release(result);
	return code;
}
