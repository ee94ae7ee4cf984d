/* SPDX-License-Identifier: Apache-2.0
 *
 * Column buffers: memory of one column, and gathering rows of another column into it.
 *
 * Gathering is what an exchange does with every row, so each width has a loop of its own and columns without NULLs
 * have a path that never looks at a bitmap:
 *
 *     fixed width     target[at + i] = source[rows[i]]
 *     strings         the views are gathered and the bytes that don't fit a view are counted; one allocation takes
 *                     them all, and a second loop copies them and turns the pointers round
 *     ROW             every field is gathered by the same rows
 *     LIST            the elements of each row follow each other in the child: row numbers of the child are collected
 *                     in a small array and gathered in one go, so a list of int64 costs about what int64 costs
 *
 * Invariant: bits of `validity` from the last row written to the end are ones, so that rows without NULL need no write.
 * Recursion follows the type (at most TR_TYPE_DEPTH_MAX deep).
 */
#include "base/column_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"

/* Rows handed to a child at a time; on the stack once per nesting level. */
#define CHUNK_ROWS 256

/** `bytes` of uninitialised memory at a cache line, with slack for kernels that write whole vectors. */
static void *allocate(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 64 + 63) & ~(size_t)63);

	TR_ASSERT(p != NULL);
	return p;
}

static void *grow(void *old, size_t old_bytes, size_t bytes)
{
	void *p = allocate(bytes);

	if (old_bytes > 0)
		memcpy(p, old, old_bytes);
	free(old);
	return p;
}

void tr_column_buffer_init(struct tr_column_buffer *column, const struct tr_type *type, uint32_t capacity)
{
	memset(column, 0, sizeof(*column));
	column->type = type;
	column->child_count = type->child_count;
	if (type->child_count > 0) {
		column->children = calloc(type->child_count, sizeof(*column->children));
		column->child_columns = calloc(type->child_count, sizeof(*column->child_columns));
		TR_ASSERT(column->children != NULL && column->child_columns != NULL);
	}
	for (uint32_t i = 0; i < type->child_count; i++)
		tr_column_buffer_init(&column->children[i], type->children[i], capacity);
	tr_column_buffer_reserve(column, TR_MAX(capacity, 1));
}

void tr_column_buffer_deinit(struct tr_column_buffer *column)
{
	for (uint32_t i = 0; i < column->child_count; i++)
		tr_column_buffer_deinit(&column->children[i]);
	free(column->children);
	free(column->child_columns);
	free(column->data);
	free(column->validity);
	free(column->offsets);
	memset(column, 0, sizeof(*column));
}

void tr_column_buffer_clear(struct tr_column_buffer *column)
{
	if (column->has_nulls)
		memset(column->validity, 0xff, TR_BITMAP_WORDS(column->capacity) * 8);
	column->has_nulls = false;
	column->length = 0;
	for (uint32_t i = 0; i < column->child_count; i++)
		tr_column_buffer_clear(&column->children[i]);
}

void tr_column_buffer_reserve(struct tr_column_buffer *column, uint32_t capacity)
{
	const uint32_t old = column->capacity;
	const size_t width = tr_phys_bytes(column->type->phys);
	const size_t old_words = TR_BITMAP_WORDS(old);
	size_t words;

	if (capacity <= old)
		return;
	TR_ASSERT(capacity <= INT32_MAX);
	if (old > 0) /* the second time it grows: do not come back for each row */
		capacity = (uint32_t)TR_MIN(TR_MAX((uint64_t)capacity, (uint64_t)old * 2), (uint64_t)INT32_MAX);
	words = TR_BITMAP_WORDS(capacity);
	column->validity = grow(column->validity, old_words * 8, words * 8);
	memset(column->validity + old_words, 0xff, (words - old_words) * 8);
	if (column->type->phys == TR_PHYS_LIST) {
		column->offsets =
			grow(column->offsets, old > 0 ? ((size_t)old + 1) * 4 : 0, ((size_t)capacity + 1) * 4);
		if (old == 0)
			column->offsets[0] = 0;
	} else if (width > 0) {
		column->data = grow(column->data, old * width, capacity * width);
	}
	if (column->type->phys == TR_PHYS_ROW)
		for (uint32_t i = 0; i < column->child_count; i++)
			tr_column_buffer_reserve(&column->children[i], capacity);
	column->capacity = capacity;
}

struct tr_column tr_column_buffer_view(const struct tr_column_buffer *column)
{
	for (uint32_t i = 0; i < column->child_count; i++)
		column->child_columns[i] = tr_column_buffer_view(&column->children[i]);
	return (struct tr_column){
		.type = column->type,
		.data = column->data,
		.validity = column->has_nulls ? column->validity : NULL,
		.offsets = column->offsets,
		.children = column->child_columns,
	};
}

void tr_column_buffer_set_null(struct tr_column_buffer *column, uint32_t row)
{
	const size_t width = tr_phys_bytes(column->type->phys);

	TR_ASSERT(row < column->capacity);
	tr_bit_clear(column->validity, row);
	column->has_nulls = true;
	if (column->type->phys == TR_PHYS_LIST) {
		column->offsets[row + 1] = (int32_t)column->children[0].length;
	} else if (column->type->phys == TR_PHYS_ROW) {
		for (uint32_t i = 0; i < column->child_count; i++)
			tr_column_buffer_set_null(&column->children[i], row);
	} else if (width > 0) {
		memset((char *)column->data + (size_t)row * width, 0, width);
	}
}

/* Fixed widths. Floats are moved as integers of the same size. */
struct value16 {
	uint64_t words[2];
};
#define GATHER_LOOP(name, ctype)                                                                                       \
	static void gather_##name(ctype *restrict target, const ctype *restrict source, const uint32_t *restrict rows, \
				  uint32_t count)                                                                      \
	{                                                                                                              \
		if (rows == NULL) {                                                                                    \
			memcpy(target, source, (size_t)count * sizeof(ctype));                                         \
			return;                                                                                        \
		}                                                                                                      \
		for (uint32_t i = 0; i < count; i++)                                                                   \
			target[i] = source[rows[i]];                                                                   \
	}                                                                                                              \
	static void fill_##name(ctype *restrict target, const ctype *source, uint32_t count)                           \
	{                                                                                                              \
		const ctype value = *source;                                                                           \
                                                                                                                       \
		for (uint32_t i = 0; i < count; i++)                                                                   \
			target[i] = value;                                                                             \
	}                                                                                                              \
	static void move_##name(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,          \
				const uint32_t *rows, uint32_t count)                                                  \
	{                                                                                                              \
		if (source->is_constant)                                                                               \
			fill_##name((ctype *)target->data + at, source->data, count);                                  \
		else                                                                                                   \
			gather_##name((ctype *)target->data + at, source->data, rows, count);                          \
	}
GATHER_LOOP(8, uint8_t)
GATHER_LOOP(16, uint16_t)
GATHER_LOOP(32, uint32_t)
GATHER_LOOP(64, uint64_t)
GATHER_LOOP(128, struct value16)
#undef GATHER_LOOP

/** Copies 13 or more bytes; short ones with two overlapping moves instead of a call. */
static inline void copy_text(char *restrict target, const char *restrict source, uint32_t length)
{
	if (length > 32) {
		memcpy(target, source, length);
	} else if (length >= 16) {
		struct value16 head, tail;

		memcpy(&head, source, 16);
		memcpy(&tail, source + length - 16, 16);
		memcpy(target, &head, 16);
		memcpy(target + length - 16, &tail, 16);
	} else {
		uint64_t head, tail;

		memcpy(&head, source, 8);
		memcpy(&tail, source + length - 8, 8);
		memcpy(target, &head, 8);
		memcpy(target + length - 8, &tail, 8);
	}
}

/** Moves the bytes of long views into the heap: `bytes` in sum. */
static void adopt_texts(struct tr_view *views, uint32_t count, size_t bytes, struct tr_heap *heap)
{
	char *next = tr_arena_alloc_aligned(&heap->arena, bytes, 1);
	const char *end = next + bytes;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t length = views[i].length;

		if (length <= TR_VIEW_INLINE_MAX)
			continue;
		copy_text(next, views[i].text, length);
		views[i].text = next;
		next += length;
	}
	TR_ASSERT(next == end);
}

static inline uint32_t long_bytes(const struct tr_view *view)
{
	return view->length > TR_VIEW_INLINE_MAX ? view->length : 0;
}

static void move_views(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,
		       const uint32_t *rows, uint32_t count, struct tr_heap *heap)
{
	struct tr_view *restrict views = (struct tr_view *)target->data + at;
	const struct tr_view *restrict from = source->data;
	size_t bytes = 0;

	if (source->is_constant) {
		struct tr_view value = *from;

		if (source->validity != NULL && !tr_bit_get(source->validity, 0))
			memset(&value, 0, sizeof(value));
		if (long_bytes(&value) > 0)
			adopt_texts(&value, 1, value.length, heap);
		for (uint32_t i = 0; i < count; i++)
			views[i] = value;
		return;
	}
	if (source->validity != NULL) {
		/* The view of a NULL row may be garbage: never follow it. */
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t row = rows != NULL ? rows[i] : i;

			if (tr_bit_get(source->validity, row))
				views[i] = from[row];
			else
				memset(&views[i], 0, sizeof(views[i]));
			bytes += long_bytes(&views[i]);
		}
	} else if (rows != NULL) {
		for (uint32_t i = 0; i < count; i++) {
			views[i] = from[rows[i]];
			bytes += long_bytes(&views[i]);
		}
	} else {
		for (uint32_t i = 0; i < count; i++) {
			views[i] = from[i];
			bytes += long_bytes(&views[i]);
		}
	}
	if (bytes > 0)
		adopt_texts(views, count, bytes, heap);
}

static void move_validity(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,
			  const uint32_t *rows, uint32_t count)
{
	bool has_nulls = false;

	if (source->validity == NULL)
		return;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_column_row(source, rows != NULL ? rows[i] : i);

		if (!tr_bit_get(source->validity, row)) {
			tr_bit_clear(target->validity, at + i);
			has_nulls = true;
		}
	}
	if (has_nulls)
		target->has_nulls = true;
}

/** Appends rows of a child to the child's own end. */
static void append_child(struct tr_column_buffer *child, const struct tr_column *source, const uint32_t *rows,
			 uint32_t count, struct tr_heap *heap)
{
	TR_ASSERT(count <= (uint32_t)INT32_MAX - child->length);
	tr_column_buffer_reserve(child, child->length + count);
	tr_column_buffer_gather(child, child->length, source, rows, count, heap);
	child->length += count;
}

static void append_children(struct tr_column_buffer *target, const struct tr_column *source, const uint32_t *rows,
			    uint32_t count, struct tr_heap *heap)
{
	for (uint32_t c = 0; c < target->child_count; c++)
		append_child(&target->children[c], &source->children[c], rows, count, heap);
}

static void move_lists(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,
		       const uint32_t *rows, uint32_t count, struct tr_heap *heap)
{
	uint32_t chunk[CHUNK_ROWS];
	uint32_t pending = 0;
	int64_t end = target->offsets[at];

	TR_DASSERT((uint32_t)end == target->children[0].length);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_column_row(source, rows != NULL ? rows[i] : i);
		uint32_t child_row, child_end;

		if (source->validity != NULL && !tr_bit_get(source->validity, row)) {
			target->offsets[at + i + 1] = (int32_t)end; /* the offsets of a NULL row are not looked at */
			continue;
		}
		child_row = (uint32_t)source->offsets[row];
		child_end = (uint32_t)source->offsets[row + 1];
		TR_DASSERT(child_row <= child_end);
		end += child_end - child_row;
		TR_ASSERT(end <= INT32_MAX);
		target->offsets[at + i + 1] = (int32_t)end;
		while (child_row < child_end) {
			chunk[pending++] = child_row++;
			if (pending == CHUNK_ROWS) {
				append_children(target, source, chunk, pending, heap);
				pending = 0;
			}
		}
	}
	if (pending > 0)
		append_children(target, source, chunk, pending, heap);
}

static void move_rows(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,
		      const uint32_t *rows, uint32_t count, struct tr_heap *heap)
{
	static const uint32_t zeros[CHUNK_ROWS] = {0};

	if (!source->is_constant) {
		for (uint32_t c = 0; c < target->child_count; c++)
			tr_column_buffer_gather(&target->children[c], at, &source->children[c], rows, count, heap);
		return;
	}
	for (uint32_t done = 0; done < count; done += CHUNK_ROWS)
		for (uint32_t c = 0; c < target->child_count; c++)
			tr_column_buffer_gather(&target->children[c], at + done, &source->children[c], zeros,
						TR_MIN(count - done, (uint32_t)CHUNK_ROWS), heap);
}

/** Values of rows that are NULL because the whole source is. */
static void move_nulls(struct tr_column_buffer *target, uint32_t at, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		tr_column_buffer_set_null(target, at + i);
}

void tr_column_buffer_gather(struct tr_column_buffer *target, uint32_t at, const struct tr_column *source,
			     const uint32_t *rows, uint32_t count, struct tr_heap *heap)
{
	TR_ASSERT(at <= target->capacity && count <= target->capacity - at);
	if (count == 0)
		return;
	if (source->type->phys == TR_PHYS_NONE) {
		move_nulls(target, at, count);
		return;
	}
	TR_ASSERT(source->type->phys == target->type->phys && source->type->child_count == target->child_count);
	move_validity(target, at, source, rows, count);
	switch ((enum tr_phys)target->type->phys) {
	case TR_PHYS_I8: move_8(target, at, source, rows, count); return;
	case TR_PHYS_I16: move_16(target, at, source, rows, count); return;
	case TR_PHYS_I32:
	case TR_PHYS_F32: move_32(target, at, source, rows, count); return;
	case TR_PHYS_I64:
	case TR_PHYS_F64: move_64(target, at, source, rows, count); return;
	case TR_PHYS_I128: move_128(target, at, source, rows, count); return;
	case TR_PHYS_VIEW: move_views(target, at, source, rows, count, heap); return;
	case TR_PHYS_LIST: move_lists(target, at, source, rows, count, heap); return;
	case TR_PHYS_ROW: move_rows(target, at, source, rows, count, heap); return;
	case TR_PHYS_NONE:
	case TR_PHYS_COUNT: break;
	}
	TR_UNREACHABLE();
}
