/* SPDX-License-Identifier: Apache-2.0
 *
 * The distance is the textbook dynamic program over three rows of the table ("optimal string alignment": a pair of
 * neighbours may be swapped once), given up as soon as a whole row exceeds the limit. Names are short: 64 by 64 cells
 * for each candidate is nothing beside the error that is about to be shown.
 */
#include "base/suggest.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

static unsigned char fold(char c) { return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : (unsigned char)c; }

static bool equals_but_for_case(const char *a, size_t a_length, const char *b, size_t b_length)
{
	if (a_length != b_length)
		return false;
	for (size_t i = 0; i < a_length; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

uint32_t tr_suggest_distance(const char *a, size_t a_length, const char *b, size_t b_length, uint32_t limit)
{
	uint32_t rows[3][TR_SUGGEST_LENGTH_MAX + 1];
	uint32_t *before = rows[0], *above = rows[1], *row = rows[2];

	TR_ASSERT(a != NULL && b != NULL);
	if (a_length > TR_SUGGEST_LENGTH_MAX || b_length > TR_SUGGEST_LENGTH_MAX)
		return limit + 1;
	memset(before, 0, sizeof(rows[0]));
	for (uint32_t j = 0; j <= b_length; j++)
		above[j] = j;
	for (uint32_t i = 1; i <= a_length; i++) {
		uint32_t least = row[0] = i;

		for (uint32_t j = 1; j <= b_length; j++) {
			bool is_same = fold(a[i - 1]) == fold(b[j - 1]);
			uint32_t cost = above[j - 1] + !is_same;

			cost = TR_MIN(cost, above[j] + 1);
			cost = TR_MIN(cost, row[j - 1] + 1);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
				cost = TR_MIN(cost, before[j - 2] + 1);
			row[j] = cost;
			least = TR_MIN(least, cost);
		}
		if (least > limit)
			return limit + 1;
		uint32_t *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return TR_MIN(above[b_length], limit + 1);
}

const char *tr_suggest_nearest(const char *name, const char *const *names, size_t count)
{
	size_t length = strlen(name);
	uint32_t limit = length <= 2 ? 1 : (uint32_t)TR_MIN(length / 3 + (length < 6), 6);
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++)
		if (names[i] != NULL && equals_but_for_case(name, length, names[i], strlen(names[i])))
			return names[i];
	for (size_t i = 0; i < count; i++) {
		if (names[i] == NULL)
			continue;
		size_t other = strlen(names[i]);
		uint32_t distance = tr_suggest_distance(name, length, names[i], other, limit);

		if (distance <= limit && distance < TR_MAX(length, other)) {
			nearest = names[i];
			if (distance == 0)
				break;
			limit = distance - 1;
		}
	}
	return nearest;
}
