/* SPDX-License-Identifier: Apache-2.0
 *
 * See value_bytes.h. The recursions are as deep as types are (TR_TYPE_DEPTH_MAX).
 */
#include "core/ops/value_bytes.h"

#include <math.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"

enum { HAS_VALUE = 0, IS_NULL = 1 };

static void append_u32(struct tr_bytes *bytes, uint32_t n) { tr_bytes_append(bytes, (const char *)&n, 4); }

static uint32_t take_u32(const char **from)
{
	uint32_t n;

	memcpy(&n, *from, 4);
	*from += 4;
	return n;
}

static void append_fixed(struct tr_bytes *bytes, const struct tr_column *column, uint32_t row)
{
	const size_t width = tr_phys_bytes((enum tr_phys)column->type->phys);
	const char *value = (const char *)column->data + row * width;
	const double nan64 = (double)NAN;
	const float nan32 = NAN;

	if (column->type->phys == TR_PHYS_F64 && isnan(tr_column_f64(column, row)))
		value = (const char *)&nan64;
	if (column->type->phys == TR_PHYS_F32 && isnan(tr_column_f32(column, row)))
		value = (const char *)&nan32;
	tr_bytes_append(bytes, value, width);
}

void tr_value_bytes_append(struct tr_bytes *bytes, const struct tr_column *column, uint32_t row)
{
	const uint32_t at = tr_column_row(column, row);

	if (tr_column_is_null(column, row)) {
		tr_bytes_append_char(bytes, IS_NULL);
		return;
	}
	tr_bytes_append_char(bytes, HAS_VALUE);
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_VIEW: {
		const struct tr_view *view = tr_column_view(column, row);

		append_u32(bytes, view->length);
		tr_bytes_append(bytes, tr_view_text(view), view->length);
		return;
	}
	case TR_PHYS_LIST:
		append_u32(bytes, (uint32_t)(column->offsets[at + 1] - column->offsets[at]));
		for (int32_t i = column->offsets[at]; i < column->offsets[at + 1]; i++)
			for (uint32_t c = 0; c < column->type->child_count; c++)
				tr_value_bytes_append(bytes, &column->children[c], (uint32_t)i);
		return;
	case TR_PHYS_ROW:
		for (uint32_t c = 0; c < column->type->child_count; c++)
			tr_value_bytes_append(bytes, &column->children[c], at);
		return;
	default: append_fixed(bytes, column, at);
	}
}

static const char *take_list(const char *from, struct tr_column_buffer *list, uint32_t at, struct tr_heap *heap)
{
	const uint32_t count = take_u32(&from);

	for (uint32_t c = 0; c < list->child_count; c++)
		tr_column_buffer_reserve(&list->children[c], list->children[c].length + count);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t c = 0; c < list->child_count; c++) {
			struct tr_column_buffer *child = &list->children[c];

			from = tr_value_bytes_take(from, child, child->length++, heap);
		}
	list->offsets[at + 1] = (int32_t)list->children[0].length;
	return from;
}

const char *tr_value_bytes_take(const char *from, struct tr_column_buffer *column, uint32_t at, struct tr_heap *heap)
{
	const size_t width = tr_phys_bytes((enum tr_phys)column->type->phys);

	if (*from++ == IS_NULL) {
		tr_column_buffer_set_null(column, at);
		return from;
	}
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_VIEW: {
		const uint32_t length = take_u32(&from);
		const char *text = from;

		if (length > TR_VIEW_INLINE_MAX)
			text = memcpy(tr_arena_alloc_aligned(&heap->arena, length, 1), from, length);
		((struct tr_view *)column->data)[at] = tr_view_make(text, length);
		return from + length;
	}
	case TR_PHYS_LIST: return take_list(from, column, at, heap);
	case TR_PHYS_ROW:
		for (uint32_t c = 0; c < column->child_count; c++)
			from = tr_value_bytes_take(from, &column->children[c], at, heap);
		return from;
	default: memcpy((char *)column->data + at * width, from, width); return from + width;
	}
}

const char *tr_value_bytes_end(const char *from, const char *end, const struct tr_type *type)
{
	const size_t width = tr_phys_bytes((enum tr_phys)type->phys);
	uint32_t count = 1;

	if (from == end || (*from != IS_NULL && *from != HAS_VALUE))
		return NULL;
	if (*from++ == IS_NULL)
		return from;
	if (type->phys == TR_PHYS_VIEW || type->phys == TR_PHYS_LIST) {
		if (end - from < 4)
			return NULL;
		count = take_u32(&from);
	}
	if (type->phys == TR_PHYS_VIEW)
		return (size_t)(end - from) < count ? NULL : from + count;
	if (type->phys != TR_PHYS_LIST && type->phys != TR_PHYS_ROW)
		return (size_t)(end - from) < width ? NULL : from + width;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t c = 0; c < type->child_count; c++) {
			from = tr_value_bytes_end(from, end, type->children[c]);
			if (from == NULL)
				return NULL;
		}
	return from;
}
