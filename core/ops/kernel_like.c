/* SPDX-License-Identifier: Apache-2.0
 *
 * The LIKE matcher. % takes as little as possible; when what follows fails, only the last % takes one more byte: an
 * earlier one never helps, so the work is at most pattern times text.
 */
#include "core/ops/kernel_like.h"

#include <string.h>

#include "core/ops/kernel_text.h"

/* The simple shapes: % at the ends only and no _. */
static void classify(struct tr_like *like)
{
	uint32_t first = 0, last = like->length;
	bool starts, ends;

	while (first < last && like->kinds[first] == TR_LIKE_MANY)
		first++;
	while (last > first && like->kinds[last - 1] == TR_LIKE_MANY)
		last--;
	like->shape = TR_LIKE_GENERAL;
	for (uint32_t i = first; i < last; i++)
		if (like->kinds[i] != TR_LIKE_BYTE)
			return;
	starts = first > 0;
	ends = last < like->length;
	if (first == last && like->length > 0)
		starts = ends = true; /* only %: contains nothing */
	like->shape = starts && ends ? TR_LIKE_CONTAINS
		      : starts       ? TR_LIKE_SUFFIX
		      : ends         ? TR_LIKE_PREFIX
				     : TR_LIKE_EXACT;
	memmove(like->text, like->text + first, last - first);
	like->length = last - first;
}

bool tr_like_compile(struct tr_like *like, const char *pattern, uint32_t length, char escape)
{
	like->length = 0;
	for (uint32_t i = 0; i < length; i++) {
		uint8_t kind = TR_LIKE_BYTE;

		if (escape != 0 && pattern[i] == escape) {
			i++;
			if (i == length || (pattern[i] != '%' && pattern[i] != '_' && pattern[i] != escape))
				return false;
		} else if (pattern[i] == '%' || pattern[i] == '_') {
			kind = pattern[i] == '%' ? TR_LIKE_MANY : TR_LIKE_ONE;
		}
		like->text[like->length] = pattern[i];
		like->kinds[like->length++] = kind;
	}
	classify(like);
	return true;
}

static bool match_general(const struct tr_like *like, const char *text, uint32_t length)
{
	uint32_t p = 0, i = 0, retry_p = UINT32_MAX, retry_i = 0;

	for (;;) {
		if (p < like->length && like->kinds[p] == TR_LIKE_MANY) {
			retry_p = ++p;
			retry_i = i;
			continue;
		}
		if (i == length && p == like->length)
			return true;
		if (i < length && p < like->length) {
			if (like->kinds[p] == TR_LIKE_ONE) {
				i += tr_text_prefix(text + i, length - i, 1, NULL);
				p++;
				continue;
			}
			if (like->text[p] == text[i]) {
				i++;
				p++;
				continue;
			}
		}
		if (retry_p == UINT32_MAX || retry_i == length)
			return false;
		retry_i++; /* never into a character: */
		while (retry_i < length && !tr_text_is_start(text[retry_i]))
			retry_i++;
		i = retry_i;
		p = retry_p;
	}
}

bool tr_like_match(const struct tr_like *like, const char *text, uint32_t length)
{
	uint32_t n = like->length;

	switch (like->shape) {
	case TR_LIKE_EXACT: return length == n && memcmp(text, like->text, n) == 0;
	case TR_LIKE_PREFIX: return length >= n && memcmp(text, like->text, n) == 0;
	case TR_LIKE_SUFFIX: return length >= n && memcmp(text + length - n, like->text, n) == 0;
	case TR_LIKE_CONTAINS: return n == 0 || memmem(text, length, like->text, n) != NULL;
	case TR_LIKE_GENERAL: return match_general(like, text, length);
	}
	return false;
}
