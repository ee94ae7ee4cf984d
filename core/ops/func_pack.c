/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing nested values into bytes, and back. The binder packs keys of nested types below an aggregation and unpacks them above
 * it, so that operators, their tables and their state know nothing of such keys.
 *
 *     packed    hash of the type (8 bytes), value
 *     value     0: NULL; 1, then
 *                 fixed width   the bytes; -0.0 as 0.0, every NaN as one
 *                 texts, bytes  length (4 bytes), the bytes
 *                 ROW           its fields' values
 *                 ARRAY         number (4 bytes), elements' values
 *                 MAP           number, entries (key's value, value's value) in the order of their bytes: any order of entries
 *                 MULTISET      number, elements in the order of their bytes                         packs the same
 *
 * Numbers are little-endian. The bytes are what a checkpoint keeps of such keys. Two NULLs inside are equal here, as for GROUP
 * BY, other than for the operator =. Recursion follows the type, which is at most TR_TYPE_DEPTH_MAX deep.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/hash.h"
#include "core/ops/func_text.h"
#include "core/ops/value_bytes.h"

/* ---- packing ---- */

static uint64_t type_hash(const struct tr_type *type)
{
	uint64_t hash = tr_hash_u64((uint64_t)type->id << 40 | (uint64_t)type->scale << 32 | (uint32_t)type->precision);

	if (tr_type_is_text(type) || tr_type_is_bytes(type)) /* any length */
		hash = tr_hash_u64(tr_type_is_text(type));
	for (uint32_t i = 0; i < type->child_count; i++)
		hash = tr_hash_combine(hash, type_hash(type->children[i]));
	return hash;
}

static void pack(struct tr_bytes *out, const struct tr_column *column, uint32_t row);

/* The entry `i` of a MAP, the element `i` of any other list. */
static void pack_entry(struct tr_bytes *out, const struct tr_column *list, uint32_t i)
{
	for (uint32_t c = 0; c < list->type->child_count; c++)
		pack(out, &list->children[c], i);
}

/* A part of the bytes being made. */
struct part {
	const char *base;
	uint32_t begin;
	uint32_t end;
};

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return tr_value_bytes_compare(x->base + x->begin, x->end - x->begin, y->base + y->begin, y->end - y->begin);
}

/* Entries in the order of their bytes. */
static void pack_unordered(struct tr_bytes *out, const struct tr_column *list, int32_t begin, int32_t end)
{
	const uint32_t count = (uint32_t)(end - begin);
	struct part *parts = calloc(count + 1, sizeof(*parts));
	struct tr_bytes entries = {0};

	TR_ASSERT(parts != NULL);
	for (uint32_t i = 0; i < count; i++) {
		parts[i].begin = (uint32_t)entries.length;
		pack_entry(&entries, list, (uint32_t)begin + i);
		parts[i].end = (uint32_t)entries.length;
	}
	for (uint32_t i = 0; i < count; i++)
		parts[i].base = entries.data;
	qsort(parts, count, sizeof(*parts), compare_parts);
	for (uint32_t i = 0; i < count; i++)
		tr_bytes_append(out, entries.data + parts[i].begin, parts[i].end - parts[i].begin);
	tr_bytes_deinit(&entries);
	free(parts);
}

static void pack_fixed(struct tr_bytes *out, const struct tr_column *column, uint32_t row)
{
	const size_t width = tr_phys_bytes((enum tr_phys)column->type->phys);
	const char *bytes = (const char *)column->data + row * width;

	if (column->type->phys == TR_PHYS_F64) {
		double value = tr_column_f64(column, row);

		value = value == 0 ? 0 : value != value ? __builtin_nan("") : value;
		tr_bytes_append(out, (const char *)&value, sizeof(value));
	} else if (column->type->phys == TR_PHYS_F32) {
		float value = tr_column_f32(column, row);

		value = value == 0 ? 0 : value != value ? __builtin_nanf("") : value;
		tr_bytes_append(out, (const char *)&value, sizeof(value));
	} else {
		tr_bytes_append(out, bytes, width);
	}
}

static void pack(struct tr_bytes *out, const struct tr_column *column, uint32_t row)
{
	const bool is_null = tr_column_is_null(column, row);
	const uint32_t at = tr_column_row(column, row);

	tr_bytes_append_char(out, !is_null);
	if (is_null)
		return;
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_VIEW: {
		const struct tr_view *view = tr_column_view(column, row);

		tr_bytes_append(out, (const char *)&view->length, sizeof(view->length));
		tr_bytes_append(out, tr_view_text(view), view->length);
		return;
	}
	case TR_PHYS_ROW:
		for (uint32_t i = 0; i < column->type->child_count; i++)
			pack(out, &column->children[i], at);
		return;
	case TR_PHYS_LIST: {
		const int32_t begin = column->offsets[at], end = column->offsets[at + 1], count = end - begin;

		tr_bytes_append(out, (const char *)&count, sizeof(count));
		if (column->type->id != TR_TYPE_ARRAY) {
			pack_unordered(out, column, begin, end);
			return;
		}
		for (int32_t i = begin; i < end; i++)
			pack_entry(out, column, (uint32_t)i);
		return;
	}
	default: pack_fixed(out, column, at);
	}
}

static tr_code run_pack(struct tr_call *call)
{
	const uint64_t type = type_hash(call->args[0].type);
	struct tr_bytes bytes = {0};

	TR_CALL_ROWS(call, row) {
		char *copy;

		tr_bytes_clear(&bytes);
		tr_bytes_append(&bytes, (const char *)&type, sizeof(type));
		pack(&bytes, &call->args[0], row);
		if (bytes.length > TR_TEXT_RESULT_BYTES_MAX)
			break;
		copy = tr_call_new_text(call, bytes.length);
		memcpy(copy, bytes.data, bytes.length);
		tr_call_put(call, row, copy, (uint32_t)bytes.length);
	}
	if (bytes.length > TR_TEXT_RESULT_BYTES_MAX) {
		tr_bytes_deinit(&bytes);
		TR_CALL_FAIL(call, 0, "a key of a nested type has more than %u bytes", TR_TEXT_RESULT_BYTES_MAX);
	}
	tr_bytes_deinit(&bytes);
	return TR_OK;
}

/* ---- unpacking ---- */

struct reader {
	const char *at;
	const char *end;
};

static bool read_bytes(struct reader *reader, void *out, size_t count)
{
	if ((size_t)(reader->end - reader->at) < count)
		return false;
	memcpy(out, reader->at, count);
	reader->at += count;
	return true;
}

/* Reads a value into row `row` of a column. False: the bytes are not such a value. */
static bool unpack(struct reader *reader, struct tr_column_buffer *out, uint32_t row)
{
	const size_t width = tr_phys_bytes((enum tr_phys)out->type->phys);
	char is_there;
	uint32_t count;

	if (!read_bytes(reader, &is_there, 1))
		return false;
	if (!is_there) {
		tr_column_buffer_set_null(out, row);
		return true;
	}
	switch ((enum tr_phys)out->type->phys) {
	case TR_PHYS_VIEW:
		if (!read_bytes(reader, &count, sizeof(count)) || (size_t)(reader->end - reader->at) < count)
			return false;
		((struct tr_view *)out->data)[row] = tr_view_make(reader->at, count);
		reader->at += count;
		return true;
	case TR_PHYS_ROW:
		for (uint32_t i = 0; i < out->child_count; i++)
			if (!unpack(reader, &out->children[i], row))
				return false;
		return true;
	case TR_PHYS_LIST:
		if (!read_bytes(reader, &count, sizeof(count)) || count > (size_t)(reader->end - reader->at))
			return false;
		for (uint32_t c = 0; c < out->child_count; c++)
			tr_column_buffer_reserve(&out->children[c], out->children[c].length + count);
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t c = 0; c < out->child_count; c++)
				if (!unpack(reader, &out->children[c], out->children[c].length++))
					return false;
		out->offsets[row + 1] = (int32_t)out->children[0].length;
		return true;
	default: return read_bytes(reader, (char *)out->data + row * width, width);
	}
}

static tr_code prepare_unpack(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			      struct tr_status *st)
{
	*prepared = call->type;
	return TR_OK;
}

static void *create_buffer(const void *prepared)
{
	struct tr_column_buffer *buffer = calloc(1, sizeof(*buffer));

	TR_ASSERT(buffer != NULL);
	tr_column_buffer_init(buffer, prepared, 1);
	return buffer;
}

static void destroy_buffer(void *local)
{
	tr_column_buffer_deinit(local);
	free(local);
}

static bool unpack_row(struct tr_call *call, uint32_t row, uint64_t wanted, struct tr_column_buffer *buffer)
{
	const struct tr_piece bytes = tr_call_piece(call, 0, row);
	struct reader reader = {bytes.text, bytes.text + bytes.length};
	uint64_t type;

	return read_bytes(&reader, &type, sizeof(type)) && type == wanted && unpack(&reader, buffer, row) &&
	       reader.at == reader.end;
}

static tr_code run_unpack(struct tr_call *call)
{
	struct tr_column_buffer *buffer = call->local;
	const uint64_t type = type_hash(call->type);
	struct tr_column column;
	uint32_t next = 0;

	tr_column_buffer_clear(buffer);
	tr_column_buffer_reserve(buffer, call->row_count);
	TR_CALL_ROWS(call, row) {
		for (; next < row; next++) /* rows that nobody asks for */
			tr_column_buffer_set_null(buffer, next);
		next = row + 1;
		if (tr_column_is_null(&call->args[0], row))
			tr_column_buffer_set_null(buffer, row);
		else if (!unpack_row(call, row, type, buffer))
			TR_CALL_FAIL(call, row, "the key in the state is not of this type");
	}
	column = tr_column_buffer_view(buffer);
	call->has_nulls = column.validity != NULL;
	if (call->has_nulls)
		memcpy(call->validity, column.validity, TR_BITMAP_WORDS(call->row_count) * sizeof(uint64_t));
	call->result->offsets = column.offsets;
	call->result->children = column.children;
	return TR_OK;
}

/* ---- expressions ---- */

static const struct tr_func pack_func = {.name = "PACK", .kernel = run_pack, .null_rule = TR_NULL_STRICT};
static const struct tr_func unpack_func = {.name = "UNPACK",
					   .kernel = run_unpack,
					   .null_rule = TR_NULL_CUSTOM,
					   .flags = TR_FUNC_PASSES, /* texts are views of the argument's */
					   .prepare = prepare_unpack,
					   .local_create = create_buffer,
					   .local_destroy = destroy_buffer};

const struct tr_expr *tr_expr_pack(struct tr_arena *arena, const struct tr_expr *expr)
{
	const struct tr_type *type =
		tr_type_with_nullable(arena, tr_type_of(TR_TYPE_VARBINARY), expr->type->is_nullable);

	return tr_expr_call(arena, &pack_func, type, &expr, 1);
}

const struct tr_expr *tr_expr_unpack(struct tr_arena *arena, const struct tr_expr *bytes, const struct tr_type *type)
{
	return tr_expr_call(arena, &unpack_func, type, &bytes, 1);
}
