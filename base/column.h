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

#include "tailrace/batch.h"

__extension__ typedef __int128 tr_i128;
__extension__ typedef unsigned __int128 tr_u128;

_Static_assert(sizeof(struct tr_view) == 16, "a view is two words");

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

static inline tr_i128 tr_column_i128(const struct tr_column *column, uint32_t row)
{
	return ((const tr_i128 *)column->data)[tr_column_row(column, row)];
}

#endif
