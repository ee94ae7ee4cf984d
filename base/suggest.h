/* SPDX-License-Identifier: Apache-2.0
 *
 * Suggest: the nearest name to one that was misspelled.
 *
 * Nearness is the number of single-character insertions, deletions, replacements and swaps of neighbours (the
 * "optimal string alignment" form of the Damerau-Levenshtein distance), in bytes. A name that differs only in case
 * is nearest of all. A suggestion that shares less than about two thirds of its characters helps nobody: none is made.
 */
#ifndef TR_BASE_SUGGEST_H
#define TR_BASE_SUGGEST_H

#include <stddef.h>
#include <stdint.h>

#define TR_SUGGEST_LENGTH_MAX 64 /* longer names get a suggestion only when equal but for case */

/** The distance between two texts of up to TR_SUGGEST_LENGTH_MAX bytes, ASCII case ignored; `limit + 1` as soon as it
 * exceeds `limit`, and for longer texts. */
uint32_t tr_suggest_distance(const char *a, size_t a_length, const char *b, size_t b_length, uint32_t limit);

/** The element of `names` nearest to `name`, or NULL when none is near enough. Ties: the first. Skips NULLs. */
const char *tr_suggest_nearest(const char *name, const char *const *names, size_t count);

#endif
