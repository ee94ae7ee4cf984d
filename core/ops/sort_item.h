/* SPDX-License-Identifier: Apache-2.0
 *
 * Items: rows of bytes by address, with their first eight bytes beside it, and how they are sorted.
 *
 *     in memory   | length u32 | row |       the address is that of the row; behind it at least eight bytes can be read
 *
 * Sorting deals the items by one byte of the prefix after the other, from the first that differs; few items are inserted one by
 * one. Where all eight bytes are equal the next eight take their place for a while. Rows that agree in more than
 * TR_SORT_DEALT_BYTES bytes are compared.
 */
#ifndef TR_CORE_OPS_SORT_ITEM_H
#define TR_CORE_OPS_SORT_ITEM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TR_SORT_DEALT_BYTES 64
#define TR_SORT_ROW_BYTES_BEHIND 8

struct tr_sort_item {
	uint64_t prefix; /* as a number: big endian; zeros behind a short row */
	const char *row;
};

static inline uint32_t tr_sort_row_length(const char *row)
{
	uint32_t length;

	memcpy(&length, row - sizeof(length), sizeof(length));
	return length;
}

/** The eight bytes from `at` on. */
static inline uint64_t tr_sort_row_word(const char *row, uint32_t length, uint32_t at)
{
	uint64_t word;

	if (at >= length)
		return 0;
	memcpy(&word, row + at, sizeof(word));
	word = __builtin_bswap64(word);
	return length - at >= sizeof(word) ? word : word & ~(UINT64_MAX >> (8 * (length - at)));
}

static inline struct tr_sort_item tr_sort_item_of(const char *row)
{
	return (struct tr_sort_item){.prefix = tr_sort_row_word(row, tr_sort_row_length(row), 0), .row = row};
}

/** The order of rows whose prefixes begin `at` bytes behind their beginnings, before which they agree: < 0, 0, > 0. */
static inline int tr_sort_item_compare_from(const struct tr_sort_item *a, const struct tr_sort_item *b, uint32_t at)
{
	const uint32_t behind = at + (uint32_t)sizeof(a->prefix);
	uint32_t a_length, b_length, length;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	a_length = tr_sort_row_length(a->row);
	b_length = tr_sort_row_length(b->row);
	length = a_length < b_length ? a_length : b_length;
	return length <= behind ? 0 : memcmp(a->row + behind, b->row + behind, length - behind);
}

static inline int tr_sort_item_compare(const struct tr_sort_item *a, const struct tr_sort_item *b)
{
	return tr_sort_item_compare_from(a, b, 0);
}

/** Sorts; `spare` has room for as many items. */
void tr_sort_items(struct tr_sort_item *items, struct tr_sort_item *spare, size_t count);

#endif
