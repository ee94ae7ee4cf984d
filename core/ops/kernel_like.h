/* SPDX-License-Identifier: Apache-2.0
 *
 * LIKE patterns: compiled to a shape that needs no search (exact, prefix, suffix, contains), else to tokens.
 */
#ifndef TR_CORE_OPS_KERNEL_LIKE_H
#define TR_CORE_OPS_KERNEL_LIKE_H

#include <stdbool.h>
#include <stdint.h>

enum tr_like_shape { TR_LIKE_EXACT, TR_LIKE_PREFIX, TR_LIKE_SUFFIX, TR_LIKE_CONTAINS, TR_LIKE_GENERAL };

/** A compiled pattern. `text` and `kinds` are the caller's, `length` entries each: kinds[i] says what byte i is. */
struct tr_like {
	enum tr_like_shape shape;
	char *text;     /* literal bytes; for the simple shapes without the % */
	uint8_t *kinds; /* enum tr_like_kind */
	uint32_t length;
};

enum tr_like_kind { TR_LIKE_BYTE, TR_LIKE_ONE, TR_LIKE_MANY };

/** Compiles into like->text and like->kinds, which have room for `length` entries. `escape` is 0 for none. False: the
 * escape character stands before something else than %, _ or itself. */
bool tr_like_compile(struct tr_like *like, const char *pattern, uint32_t length, char escape);

bool tr_like_match(const struct tr_like *like, const char *text, uint32_t length);

#endif
