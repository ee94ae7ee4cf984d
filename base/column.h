/* SPDX-License-Identifier: Apache-2.0
 *
 * Column: the values of one field for the rows of a batch, in Arrow's layout.
 *
 *     type      what the values mean                       validity  bit i set: row i is not NULL; NULL: no row is
 *     data      values of tr_phys_bytes(phys) each         offsets   LIST: row i has children [offsets[i], offsets[i+1])
 *
 * A column is a small struct of borrowed pointers: copying the struct is passing the column by reference, and that is
 * how a projection hands an untouched column on. Who owns the memory: the batch that came from a decoder or a ring
 * (base/batch.h), the registers of an expression program, or the state of an operator. In all cases the memory stays
 * untouched until the call that received the batch has returned (core/ops/op.h says so); who wants to keep values
 * longer copies them.
 *
 * Strings are 16-byte views. They differ from Arrow's views in one point: a long string carries a pointer where Arrow
 * has a buffer number and an offset, so that a kernel needs nothing but the view
 * (docs/decisions/0003-string-views-carry-pointers.md). The export to Arrow translates.
 *
 *     length <= 12:  | length u32 | 12 bytes of text, zero-padded           |
 *     length >  12:  | length u32 | first 4 bytes | pointer to all the text |
 *
 * A constant column (`is_constant`) holds one value that stands for every row: row index 0 is the only one stored.
 * Kernels take constants where they can; tr_column_row() hides the difference for the others.
 */
#ifndef TR_BASE_COLUMN_H
#define TR_BASE_COLUMN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tailrace/types.h"

__extension__ typedef __int128 tr_i128;
__extension__ typedef unsigned __int128 tr_u128;

#define TR_VIEW_INLINE_MAX 12

/** A string or byte sequence of up to 2 GiB. Unused inline bytes are zero, so that equal short views are equal bytes. */
struct tr_view {
	uint32_t length;
	union {
		char inlined[TR_VIEW_INLINE_MAX];
		struct {
			char prefix[4];
			const char *text __attribute__((packed));
		};
	};
};
_Static_assert(sizeof(struct tr_view) == 16, "a view is two words");

struct tr_column {
	const struct tr_type *type;
	const void *data;                 /* NULL for ROW and NONE */
	const uint64_t *validity;         /* NULL: no NULLs; else one bit per row (bit 0 of a constant) */
	const int32_t *offsets;           /* LIST: row_count + 1 */
	const struct tr_column *children; /* LIST: element, or key and value; ROW: fields */
	bool is_constant;
};

static inline const char *tr_view_text(const struct tr_view *view)
{
	return view->length <= TR_VIEW_INLINE_MAX ? view->inlined : view->text;
}

/** A view of `length` bytes at `text`, which must outlive it if longer than 12. */
static inline struct tr_view tr_view_make(const char *text, uint32_t length)
{
	struct tr_view view;

	memset(&view, 0, sizeof(view));
	view.length = length;
	if (length <= TR_VIEW_INLINE_MAX) {
		memcpy(view.inlined, text, length);
	} else {
		memcpy(view.prefix, text, 4);
		view.text = text;
	}
	return view;
}

static inline bool tr_view_equals(const struct tr_view *a, const struct tr_view *b)
{
	uint64_t a0, b0;

	memcpy(&a0, a, 8); /* length and prefix */
	memcpy(&b0, b, 8);
	if (a0 != b0)
		return false;
	if (a->length <= TR_VIEW_INLINE_MAX)
		return memcmp(a->inlined + 4, b->inlined + 4, 8) == 0;
	return memcmp(a->text, b->text, a->length) == 0;
}

/** Bytewise order, a prefix first: < 0, 0, > 0. For UTF-8 that is the order of code points. */
static inline int tr_view_compare(const struct tr_view *a, const struct tr_view *b)
{
	uint32_t length = a->length < b->length ? a->length : b->length;
	int order = memcmp(tr_view_text(a), tr_view_text(b), length);

	return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static inline bool tr_bit_get(const uint64_t *bits, uint32_t i) { return (bits[i >> 6] >> (i & 63)) & 1; }
static inline void tr_bit_set(uint64_t *bits, uint32_t i) { bits[i >> 6] |= (uint64_t)1 << (i & 63); }
static inline void tr_bit_clear(uint64_t *bits, uint32_t i) { bits[i >> 6] &= ~((uint64_t)1 << (i & 63)); }
static inline void tr_bit_assign(uint64_t *bits, uint32_t i, bool value)
{
	bits[i >> 6] = (bits[i >> 6] & ~((uint64_t)1 << (i & 63))) | ((uint64_t)value << (i & 63));
}
#define TR_BITMAP_WORDS(rows) (((size_t)(rows) + 63) / 64)

/** Where row `row` of the batch is stored. */
static inline uint32_t tr_column_row(const struct tr_column *column, uint32_t row)
{
	return column->is_constant ? 0 : row;
}

/** Whether row `row` is NULL. */
static inline bool tr_column_is_null(const struct tr_column *column, uint32_t row)
{
	if (column->type->phys == TR_PHYS_NONE)
		return true;
	return column->validity != NULL && !tr_bit_get(column->validity, tr_column_row(column, row));
}

#define TR_COLUMN_GETTER(name, ctype)                                                      \
	static inline ctype tr_column_##name(const struct tr_column *column, uint32_t row) \
	{                                                                                  \
		return ((const ctype *)column->data)[tr_column_row(column, row)];          \
	}
TR_COLUMN_GETTER(i8, int8_t)
TR_COLUMN_GETTER(i16, int16_t)
TR_COLUMN_GETTER(i32, int32_t)
TR_COLUMN_GETTER(i64, int64_t)
TR_COLUMN_GETTER(i128, tr_i128)
TR_COLUMN_GETTER(f32, float)
TR_COLUMN_GETTER(f64, double)
#undef TR_COLUMN_GETTER
static inline const struct tr_view *tr_column_view(const struct tr_column *column, uint32_t row)
{
	return &((const struct tr_view *)column->data)[tr_column_row(column, row)];
}

#endif
