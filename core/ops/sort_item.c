/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting of items; see the header. What is still to be sorted lies on a list of its own, so that no data make it recurse.
 */
#include "core/ops/sort_item.h"

#include <stdlib.h>

#include "base/check.h"

#define INSERTED_MAX 24

/** Items that agree in all bytes before `at`, and in those of their prefix above `shift`. */
struct range {
	size_t first, count;
	uint32_t at;   /* of the prefix in the rows */
	int32_t shift; /* of the byte to deal by; -8: all of the prefix is equal */
};

struct ranges {
	struct range *items;
	uint32_t count, capacity;
};

static void push(struct ranges *ranges, struct range range)
{
	if (ranges->count == ranges->capacity) {
		ranges->capacity = ranges->capacity == 0 ? 1024 : ranges->capacity * 2;
		ranges->items = tr_checked(realloc(ranges->items, ranges->capacity * sizeof(*ranges->items)));
	}
	ranges->items[ranges->count++] = range;
}

static void insert_all(struct tr_sort_item *items, size_t count, uint32_t at)
{
	for (size_t i = 1; i < count; i++) {
		const struct tr_sort_item item = items[i];
		size_t place = i;

		for (; place > 0 && tr_sort_item_compare_from(&item, &items[place - 1], at) < 0; place--)
			items[place] = items[place - 1];
		items[place] = item;
	}
}

static void set_prefixes(struct tr_sort_item *items, size_t count, uint32_t at)
{
	for (size_t i = 0; i < count; i++)
		items[i].prefix = tr_sort_row_word(items[i].row, tr_sort_row_length(items[i].row), at);
}

static int compare_whole(const void *a, const void *b)
{
	return tr_sort_item_compare((const struct tr_sort_item *)a, (const struct tr_sort_item *)b);
}

/** The shift of the first byte in which the prefixes differ; -8: there is none. */
static int32_t first_difference(const struct tr_sort_item *items, size_t count)
{
	const uint64_t prefix = items[0].prefix;
	uint64_t differences = 0;

	for (size_t i = 1; i < count; i++)
		differences |= items[i].prefix ^ prefix;
	return differences == 0 ? -8 : (63 - __builtin_clzll(differences)) / 8 * 8;
}

/** Deals the range by the byte at its shift; what has to be dealt further goes to the list. */
static void deal(struct ranges *ranges, struct tr_sort_item *items, struct tr_sort_item *spare, struct range range)
{
	struct tr_sort_item *const from = items + range.first;
	size_t counts[256] = {0}, begins[256], at = 0;

	for (size_t i = 0; i < range.count; i++)
		counts[(from[i].prefix >> range.shift) & 255]++;
	if (counts[(from[0].prefix >> range.shift) & 255] == range.count) {
		push(ranges, (struct range){range.first, range.count, range.at, range.shift - 8});
		return;
	}
	for (uint32_t b = 0; b < 256; b++) {
		begins[b] = at;
		if (counts[b] > 1)
			push(ranges, (struct range){range.first + at, counts[b], range.at, range.shift - 8});
		at += counts[b];
	}
	for (size_t i = 0; i < range.count; i++)
		spare[begins[(from[i].prefix >> range.shift) & 255]++] = from[i];
	memcpy(from, spare, range.count * sizeof(*from));
	for (uint32_t b = 0; range.at > 0 && b < 256; b++)
		if (counts[b] == 1) /* it is where it belongs, and nothing more will be done to it */
			set_prefixes(from + begins[b] - 1, 1, 0);
}

void tr_sort_items(struct tr_sort_item *items, struct tr_sort_item *spare, size_t count)
{
	struct ranges ranges = {0};

	if (count > 1)
		push(&ranges, (struct range){0, count, 0, 56});
	while (ranges.count > 0) {
		struct range range = ranges.items[--ranges.count];
		struct tr_sort_item *from = items + range.first;

		if (range.shift == 56 && range.count > INSERTED_MAX)
			range.shift = first_difference(from, range.count);
		if (range.count <= INSERTED_MAX) {
			insert_all(from, range.count, range.at);
		} else if (range.shift >= 0) {
			deal(&ranges, items, spare, range);
			continue;
		} else if (range.at + 8 >= TR_SORT_DEALT_BYTES) {
			set_prefixes(from, range.count, 0);
			qsort(from, range.count, sizeof(*from), compare_whole);
		} else {
			set_prefixes(from, range.count, range.at + 8);
			push(&ranges, (struct range){range.first, range.count, range.at + 8, 56});
			continue;
		}
		if (range.at > 0)
			set_prefixes(from, range.count, 0);
	}
	free(ranges.items);
}
