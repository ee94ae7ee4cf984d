/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 texts of kernels: characters (code points), pieces, case mapping.
 *
 * A byte that begins a character is any that is not 10xxxxxx; ill-formed text is therefore never read past its end, and
 * comes out as it went in.
 */
#ifndef TR_CORE_OPS_KERNEL_TEXT_H
#define TR_CORE_OPS_KERNEL_TEXT_H

#include "base/arena.h"
#include "base/column.h"
#include "base/text.h"

static inline bool tr_text_is_start(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

/** Characters of a text. */
static inline uint32_t tr_text_characters(const char *text, uint32_t length)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < length; i++)
		count += tr_text_is_start(text[i]);
	return count;
}

/** Units of UTF-16, as Java counts: characters beyond the basic plane are two. */
static inline uint32_t tr_text_units(const char *text, uint32_t length)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < length; i++)
		count += tr_text_is_start(text[i]) + ((unsigned char)text[i] >= 0xF0);
	return count;
}

/** Bytes of the first `characters` characters; `found` (or NULL) receives how many there are. */
static inline uint32_t tr_text_prefix(const char *text, uint32_t length, uint32_t characters, uint32_t *found)
{
	uint32_t i = 0, count = 0;

	while (i < length && (count < characters || !tr_text_is_start(text[i])))
		count += tr_text_is_start(text[i++]);
	if (found != NULL)
		*found = count;
	return i;
}

/** Two hexadecimal digits a byte. */
static inline void tr_text_put_hex(char *out, const void *bytes, size_t length, bool is_upper)
{
	const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		out[2 * i] = digits[((const unsigned char *)bytes)[i] >> 4];
		out[2 * i + 1] = digits[((const unsigned char *)bytes)[i] & 15];
	}
}

/** tr_view_make of a length that is not known: the words of a short view are put together from two loads that overlap,
 * without a call or a store that is read back. */
static inline struct tr_view tr_text_view(const char *text, uint32_t length)
{
	uint64_t words[2] = {length, 0}, low = 0, high = 0;
	struct tr_view view;

	if (length > TR_VIEW_INLINE_MAX)
		return tr_view_make(text, length);
	if (length >= 8) {
		memcpy(&low, text, 8);
		memcpy(&high, text + length - 8, 8);
		high = length == 8 ? 0 : high >> (128 - 8 * length);
	} else if (length >= 4) {
		uint32_t first, last;

		memcpy(&first, text, 4);
		memcpy(&last, text + length - 4, 4);
		low = first | (uint64_t)last << (8 * length - 32);
	} else if (length > 0) {
		low = (unsigned char)text[0] | (uint64_t)(unsigned char)text[length / 2] << (8 * (length / 2)) |
		      (uint64_t)(unsigned char)text[length - 1] << (8 * (length - 1));
	}
	words[0] |= low << 32;
	words[1] = low >> 32 | high << 32;
	memcpy(&view, words, sizeof(view));
	return view;
}

/** A view of bytes that may go away: longer ones are copied to the heap. */
static inline struct tr_view tr_text_copy(struct tr_arena *heap, const char *text, uint32_t length)
{
	if (length > TR_VIEW_INLINE_MAX) {
		char *copy = tr_arena_alloc_aligned(heap, length, 1);

		memcpy(copy, text, length);
		text = copy;
	}
	return tr_view_make(text, length);
}

#endif
