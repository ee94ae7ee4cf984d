/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches to Arrow. What differs between our columns and Arrow's (docs/decisions/0002, 0003, 0006): booleans become bits, views
 * become offsets and bytes, short decimals become 128 bits wide; selections and constants are written out, since all is copied anyway.
 *
 * Each array and each schema owns its buffers and its children, and frees them in its release.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/arrow.h"
#include "api/owned_batch.h"
#include "base/check.h"
#include "base/type.h"
#include "tailrace/batch.h"

/* Schemas. */

static void release_schema(struct ArrowSchema *schema)
{
	for (int64_t i = 0; i < schema->n_children; i++) {
		if (schema->children[i]->release != NULL)
			schema->children[i]->release(schema->children[i]);
		free(schema->children[i]);
	}
	free(schema->children);
	free((void *)(uintptr_t)schema->format);
	free((void *)(uintptr_t)schema->name);
	schema->release = NULL;
}

static const char *time_unit(const struct tr_type *type)
{
	return type->precision <= 3 ? "m" : type->precision <= 6 ? "u" : "n";
}

/** "" : Arrow has no such type. */
static void format_of(const struct tr_type *type, char *out, size_t room)
{
	static const char *const formats[TR_TYPE_COUNT] = {
		[TR_TYPE_NULL] = "n",          [TR_TYPE_BOOLEAN] = "b", [TR_TYPE_TINYINT] = "c",
		[TR_TYPE_SMALLINT] = "s",      [TR_TYPE_INT] = "i",     [TR_TYPE_BIGINT] = "l",
		[TR_TYPE_FLOAT] = "f",         [TR_TYPE_DOUBLE] = "g",  [TR_TYPE_CHAR] = "u",
		[TR_TYPE_VARCHAR] = "u",       [TR_TYPE_BINARY] = "z",  [TR_TYPE_VARBINARY] = "z",
		[TR_TYPE_DATE] = "tdD",        [TR_TYPE_TIME] = "ttm",  [TR_TYPE_INTERVAL_MONTH] = "tiM",
		[TR_TYPE_ARRAY] = "+l",        [TR_TYPE_MAP] = "+m",    [TR_TYPE_ROW] = "+s",
		[TR_TYPE_INTERVAL_MS] = "tDm",
	};

	if (type->id == TR_TYPE_DECIMAL)
		snprintf(out, room, "d:%d,%u", type->precision, type->scale);
	else if (type->id == TR_TYPE_TIMESTAMP)
		snprintf(out, room, "ts%s:", time_unit(type));
	else if (type->id == TR_TYPE_TIMESTAMP_LTZ)
		snprintf(out, room, "ts%s:UTC", time_unit(type));
	else
		snprintf(out, room, "%s", formats[type->id] != NULL ? formats[type->id] : "");
}

static void schema_init(struct ArrowSchema *schema, const char *format, const char *name, bool is_nullable,
			uint32_t children)
{
	memset(schema, 0, sizeof(*schema));
	schema->format = tr_checked(strdup(format));
	schema->name = tr_checked(strdup(name));
	schema->flags = is_nullable ? ARROW_FLAG_NULLABLE : 0;
	schema->children = tr_checked(calloc(children + 1, sizeof(*schema->children)));
	schema->release = release_schema;
	for (; schema->n_children < children; schema->n_children++)
		schema->children[schema->n_children] = tr_checked(calloc(1, sizeof(struct ArrowSchema)));
}

static tr_code type_to_schema(const struct tr_type *type, const char *name, struct ArrowSchema *schema,
			      struct tr_status *st)
{
	const bool is_map = type->id == TR_TYPE_MAP;
	struct tr_arena arena;
	char format[32];

	format_of(type, format, sizeof(format));
	if (format[0] == '\0') {
		tr_arena_init(&arena, 0);
		(void)tr_status_set(st, TR_ERR_UNAVAILABLE, 0, TR_WHERE, "column '%s': Arrow has no type for %s", name,
				    tr_type_text(&arena, type));
		tr_arena_deinit(&arena);
		return TR_ERR_UNAVAILABLE;
	}
	schema_init(schema, format, name, type->is_nullable, is_map ? 1 : type->child_count);
	if (is_map) {
		schema_init(schema->children[0], "+s", "entries", false, 2);
		TR_TRY(type_to_schema(type->children[0], "key", schema->children[0]->children[0], st));
		schema->children[0]->children[0]->flags = 0;
		return type_to_schema(type->children[1], "value", schema->children[0]->children[1], st);
	}
	for (uint32_t i = 0; i < type->child_count; i++)
		TR_TRY(type_to_schema(type->children[i], type->id == TR_TYPE_ROW ? type->names[i] : "item",
				      schema->children[i], st));
	return TR_OK;
}

tr_code tr_schema_export(const struct tr_schema *columns, struct ArrowSchema *schema, struct tr_status *st)
{
	schema_init(schema, "+s", "", false, columns->column_count);
	for (uint32_t i = 0; i < columns->column_count; i++) {
		const tr_code code = type_to_schema(columns->types[i], columns->names[i], schema->children[i], st);

		if (code != TR_OK) {
			release_schema(schema);
			return code;
		}
	}
	return TR_OK;
}

/* Arrays. */

static void release_array(struct ArrowArray *array)
{
	for (int64_t i = 0; i < array->n_children; i++) {
		if (array->children[i]->release != NULL)
			array->children[i]->release(array->children[i]);
		free(array->children[i]);
	}
	for (int64_t i = 0; i < array->n_buffers; i++)
		free((void *)(uintptr_t)array->buffers[i]);
	free(array->children);
	free(array->buffers);
	array->release = NULL;
}

static void array_init(struct ArrowArray *array, uint32_t length, uint32_t buffers, uint32_t children)
{
	memset(array, 0, sizeof(*array));
	array->length = length;
	array->n_buffers = buffers;
	array->buffers = tr_checked(calloc(buffers + 1, sizeof(*array->buffers)));
	array->children = tr_checked(calloc(children + 1, sizeof(*array->children)));
	array->release = release_array;
	for (; array->n_children < children; array->n_children++)
		array->children[array->n_children] = tr_checked(calloc(1, sizeof(struct ArrowArray)));
}

/** At least one byte, so that it is never NULL. */
static void *new_buffer(struct ArrowArray *array, uint32_t i, size_t bytes)
{
	void *buffer = tr_checked(calloc(1, bytes + 1));

	array->buffers[i] = buffer;
	return buffer;
}

/** The bitmap, if there are NULLs. */
static void write_validity(struct ArrowArray *array, const struct tr_column *column, uint32_t count)
{
	uint64_t *bits = NULL;

	for (uint32_t i = 0; column->validity != NULL && i < count; i++) {
		if (!tr_column_is_null(column, i)) {
			continue;
		}
		if (bits == NULL) {
			bits = new_buffer(array, 0, TR_BITMAP_WORDS(count) * 8);
			memset(bits, 0xff, TR_BITMAP_WORDS(count) * 8);
		}
		tr_bit_clear(bits, i);
		array->null_count++;
	}
}

static tr_code column_to_array(const struct tr_column *column, uint32_t count, struct ArrowArray *array,
			       struct tr_status *st);

static tr_code write_texts(const struct tr_column *column, uint32_t count, struct ArrowArray *array,
			   struct tr_status *st)
{
	int32_t *offsets = new_buffer(array, 1, ((size_t)count + 1) * sizeof(*offsets));
	uint64_t total = 0;
	char *bytes;

	for (uint32_t i = 0; i < count; i++) {
		total += tr_column_is_null(column, i) ? 0 : tr_column_view(column, i)->length;
		if (total > INT32_MAX)
			TR_FAIL(st, TR_ERR_UNAVAILABLE, "the texts of a column have more than 2 GiB");
		offsets[i + 1] = (int32_t)total;
	}
	bytes = new_buffer(array, 2, total);
	for (uint32_t i = 0; i < count; i++)
		if (offsets[i + 1] > offsets[i])
			memcpy(bytes + offsets[i], tr_view_text(tr_column_view(column, i)),
			       (size_t)(offsets[i + 1] - offsets[i]));
	return TR_OK;
}

static void write_fixed(const struct tr_column *column, uint32_t count, struct ArrowArray *array)
{
	const size_t width = tr_phys_bytes((enum tr_phys)column->type->phys);

	if (column->type->id == TR_TYPE_BOOLEAN) {
		uint64_t *bits = new_buffer(array, 1, TR_BITMAP_WORDS(count) * 8);

		for (uint32_t i = 0; i < count; i++)
			if (tr_column_i8(column, i) != 0)
				tr_bit_set(bits, i);
	} else if (column->type->id == TR_TYPE_DECIMAL && column->type->phys == TR_PHYS_I64) {
		tr_i128 *wide = new_buffer(array, 1, (size_t)count * sizeof(*wide));

		for (uint32_t i = 0; i < count; i++) {
			const tr_i128 value = tr_column_i64(column, i);

			memcpy(&wide[i], &value, sizeof(value));
		}
	} else {
		char *data = new_buffer(array, 1, count * width);

		for (uint32_t i = 0; i < count; i++)
			memcpy(data + i * width, (const char *)column->data + tr_column_row(column, i) * width, width);
	}
}

/** Lists of a column that was copied: offsets begin at 0. */
static tr_code write_lists(const struct tr_column *column, uint32_t count, struct ArrowArray *array,
			   struct tr_status *st)
{
	const uint32_t elements = count > 0 ? (uint32_t)column->offsets[count] : 0;
	struct ArrowArray *child = array->children[0];

	memcpy(new_buffer(array, 1, ((size_t)count + 1) * sizeof(int32_t)), column->offsets,
	       count > 0 ? ((size_t)count + 1) * sizeof(int32_t) : 0);
	if (column->type->id == TR_TYPE_ARRAY)
		return column_to_array(&column->children[0], elements, child, st);
	array_init(child, elements, 1, 2);
	TR_TRY(column_to_array(&column->children[0], elements, child->children[0], st));
	return column_to_array(&column->children[1], elements, child->children[1], st);
}

static tr_code column_to_array(const struct tr_column *column, uint32_t count, struct ArrowArray *array,
			       struct tr_status *st)
{
	const struct tr_type *type = column->type;

	switch (type->phys) {
	case TR_PHYS_NONE:
		array_init(array, count, 0, 0);
		array->null_count = count;
		return TR_OK;
	case TR_PHYS_ROW:
		array_init(array, count, 1, type->child_count);
		write_validity(array, column, count);
		for (uint32_t i = 0; i < type->child_count; i++)
			TR_TRY(column_to_array(&column->children[i], count, array->children[i], st));
		return TR_OK;
	case TR_PHYS_LIST:
		array_init(array, count, 2, 1);
		write_validity(array, column, count);
		return write_lists(column, count, array, st);
	case TR_PHYS_VIEW:
		array_init(array, count, 3, 0);
		write_validity(array, column, count);
		return write_texts(column, count, array, st);
	default:
		array_init(array, count, 2, 0);
		write_validity(array, column, count);
		write_fixed(column, count, array);
		return TR_OK;
	}
}

tr_code tr_batch_export(const struct tr_batch *batch, struct ArrowArray *array, struct ArrowSchema *schema,
			struct tr_status *st)
{
	struct tr_owned_batch *copy;
	tr_code code;

	TR_TRY(tr_schema_export(batch->schema, schema, st));
	copy = tr_batch_copy(batch);
	array_init(array, copy->buffer->batch.row_count, 1, batch->schema->column_count);
	code = TR_OK;
	for (uint32_t i = 0; code == TR_OK && i < batch->schema->column_count; i++)
		code = column_to_array(&copy->buffer->batch.columns[i], copy->buffer->batch.row_count,
				       array->children[i], st);
	tr_owned_batch_release(&copy);
	if (code == TR_OK)
		return TR_OK;
	release_array(array);
	release_schema(schema);
	return code;
}
