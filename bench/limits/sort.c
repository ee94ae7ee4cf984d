/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting pairs by a 64-bit key: dealt by the first eleven bits, so that what shares them fits the second-level cache, and each of
 * those by the other bits, the last first, six at a time in what is left of the key that may differ.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/limits/limits.h"

#define FIRST_BITS 11
#define FIRST_COUNT (1u << FIRST_BITS)
#define INSERTED_MAX 32

static inline uint64_t bits_of(int64_t key) { return (uint64_t)key ^ UINT64_C(1) << 63; }

static void insert_all(struct tr_limit_pair *pairs, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct tr_limit_pair pair = pairs[i];
		size_t at = i;

		for (; at > 0 && pairs[at - 1].key > pair.key; at--)
			pairs[at] = pairs[at - 1];
		pairs[at] = pair;
	}
}

/** Pairs whose keys agree in the bits from `bits` on. */
static void sort_part(struct tr_limit_pair *pairs, struct tr_limit_pair *spare, size_t count, int bits)
{
	size_t counts[256] = {0}, begins[256], at = 0;
	const int shift = bits > 8 ? bits - 8 : 0;

	if (count <= INSERTED_MAX || bits <= 0) {
		insert_all(pairs, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		counts[(bits_of(pairs[i].key) >> shift) & 255]++;
	for (int b = 0; b < 256; b++) {
		begins[b] = at;
		at += counts[b];
	}
	for (size_t i = 0; i < count; i++)
		spare[begins[(bits_of(pairs[i].key) >> shift) & 255]++] = pairs[i];
	memcpy(pairs, spare, count * sizeof(*pairs));
	at = 0;
	for (int b = 0; b < 256; at += counts[b++])
		if (counts[b] > 1)
			sort_part(pairs + at, spare + at, counts[b], shift);
}

void tr_limit_sort(const int64_t *key, const int64_t *value, size_t count, struct tr_limit_pair *out,
		   struct tr_limit_pair *spare)
{
	static size_t counts[FIRST_COUNT], begins[FIRST_COUNT];
	size_t at = 0;

	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < count; i++)
		counts[bits_of(key[i]) >> (64 - FIRST_BITS)]++;
	for (uint32_t b = 0; b < FIRST_COUNT; b++) {
		begins[b] = at;
		at += counts[b];
	}
	for (size_t i = 0; i < count; i++)
		out[begins[bits_of(key[i]) >> (64 - FIRST_BITS)]++] = (struct tr_limit_pair){key[i], value[i]};
	at = 0;
	for (uint32_t b = 0; b < FIRST_COUNT; at += counts[b++])
		if (counts[b] > 1)
			sort_part(out + at, spare + at, counts[b], 64 - FIRST_BITS);
}
