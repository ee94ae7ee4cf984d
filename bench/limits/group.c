/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT and SUM by a 64-bit key: two loops.
 *
 * Two-pass, for tables that fit in L2: the first pass looks at the home slot of each key of a block and lists, without
 * a branch, the rows whose key is not there; the few on the list are looked up or inserted one by one; the last pass
 * adds. No branch depends on the data in the common case.
 *
 * Prefetch, for larger tables: one 32-byte entry holds key, count and sum, so that a row costs one cache miss; the
 * entry of the row PREFETCH_AHEAD further on is fetched meanwhile.
 *
 * Slot 0 belongs to key 0, which is the mark of an empty slot elsewhere.
 */
#include "bench/limits/limits.h"

#include <stdlib.h>

#include "bench/harness.h"

#define BLOCK 1024
#define PREFETCH_AHEAD 48
#define L2_BYTES ((size_t)512 << 10)
#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

struct entry {
	int64_t key;
	int64_t count;
	int64_t sum;
	int64_t pad;
};

struct total {
	int64_t count;
	int64_t sum;
};

struct tr_limit_group {
	struct entry *entries; /* prefetch */
	int64_t *keys;         /* two-pass */
	struct total *totals;
	size_t capacity;
	unsigned shift;
	bool is_prefetching;
};

struct tr_limit_group *tr_limit_group_create_with(size_t keys, bool is_prefetching)
{
	struct tr_limit_group *group = calloc(1, sizeof(*group));
	const size_t wanted = is_prefetching ? keys + keys / 2 : keys * 3;

	group->capacity = 1024;
	group->shift = 54;
	while (group->capacity < wanted) {
		group->capacity *= 2;
		group->shift--;
	}
	group->is_prefetching = is_prefetching;
	if (is_prefetching) {
		group->entries = tr_harness_alloc(group->capacity * sizeof(struct entry));
	} else {
		group->keys = tr_harness_alloc(group->capacity * sizeof(int64_t));
		group->totals = tr_harness_alloc(group->capacity * sizeof(struct total));
	}
	return group;
}

struct tr_limit_group *tr_limit_group_create(size_t keys)
{
	return tr_limit_group_create_with(keys, keys * 3 * 24 > L2_BYTES);
}

void tr_limit_group_destroy(struct tr_limit_group **group)
{
	tr_harness_free((*group)->entries, (*group)->capacity * sizeof(struct entry));
	tr_harness_free((*group)->keys, (*group)->capacity * sizeof(int64_t));
	tr_harness_free((*group)->totals, (*group)->capacity * sizeof(struct total));
	free(*group);
	*group = NULL;
}

void tr_limit_group_clear(struct tr_limit_group *group)
{
	if (group->is_prefetching) {
		memset(group->entries, 0, group->capacity * sizeof(struct entry));
	} else {
		memset(group->keys, 0, group->capacity * sizeof(int64_t));
		memset(group->totals, 0, group->capacity * sizeof(struct total));
	}
}

static inline size_t home(int64_t key, unsigned shift) { return (size_t)(((uint64_t)key * HASH_FACTOR) >> shift); }

static __attribute__((noinline)) size_t find_or_insert(struct tr_limit_group *group, int64_t key)
{
	size_t slot = home(key, group->shift);

	if (key == 0)
		return 0;
	for (;; slot = (slot + 1) & (group->capacity - 1)) {
		if (slot == 0)
			continue;
		if (group->keys[slot] == key)
			return slot;
		if (group->keys[slot] == 0) {
			group->keys[slot] = key;
			return slot;
		}
	}
}

static void add_two_pass(struct tr_limit_group *group, const int64_t *restrict key, const int64_t *restrict value,
			 size_t count)
{
	const int64_t *restrict keys = group->keys;
	struct total *restrict totals = group->totals;
	uint32_t slot[BLOCK];
	uint16_t missed[BLOCK];
	const unsigned shift = group->shift;

	for (size_t at = 0; at < count; at += BLOCK) {
		const uint32_t rows = (uint32_t)(count - at < BLOCK ? count - at : BLOCK);
		uint32_t misses = 0;

		for (uint32_t i = 0; i < rows; i++) {
			const size_t s = home(key[at + i], shift);

			slot[i] = (uint32_t)s;
			missed[misses] = (uint16_t)i;
			misses += keys[s] != key[at + i];
		}
		for (uint32_t m = 0; m < misses; m++)
			slot[missed[m]] = (uint32_t)find_or_insert(group, key[at + missed[m]]);
		for (uint32_t i = 0; i < rows; i++) {
			totals[slot[i]].count++;
			totals[slot[i]].sum += value[at + i];
		}
	}
}

static void add_prefetching(struct tr_limit_group *group, const int64_t *restrict key, const int64_t *restrict value,
			    size_t count)
{
	struct entry *restrict entries = group->entries;
	const size_t mask = group->capacity - 1;
	const unsigned shift = group->shift;

	for (size_t i = 0; i < count; i++) {
		const int64_t k = key[i];
		size_t slot = home(k, shift);

		if (i + PREFETCH_AHEAD < count)
			__builtin_prefetch(&entries[home(key[i + PREFETCH_AHEAD], shift)], 1);
		while (entries[slot].key != k) {
			if (entries[slot].key == 0 && slot != 0) {
				entries[slot].key = k;
				break;
			}
			slot = (slot + 1) & mask;
		}
		entries[slot].count++;
		entries[slot].sum += value[i];
	}
}

void tr_limit_group_add(struct tr_limit_group *group, const int64_t *key, const int64_t *value, size_t count)
{
	if (group->is_prefetching)
		add_prefetching(group, key, value, count);
	else
		add_two_pass(group, key, value, count);
}

int64_t tr_limit_group_read(const struct tr_limit_group *group, const int64_t *key, size_t count)
{
	const struct entry *restrict entries = group->entries;
	const size_t mask = group->capacity - 1;
	const unsigned shift = group->shift;
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		size_t slot = home(key[i], shift);

		if (i + PREFETCH_AHEAD < count)
			__builtin_prefetch(&entries[home(key[i + PREFETCH_AHEAD], shift)], 0);
		while (entries[slot].key != key[i])
			slot = (slot + 1) & mask;
		sum += entries[slot].sum;
	}
	return sum;
}

static struct entry group_at(const struct tr_limit_group *group, size_t slot)
{
	if (group->is_prefetching)
		return group->entries[slot];
	return (struct entry){group->keys[slot], group->totals[slot].count, group->totals[slot].sum, 0};
}

size_t tr_limit_group_result(const struct tr_limit_group *group, uint64_t *rows, uint64_t *check)
{
	size_t groups = 0;

	*rows = *check = 0;
	for (size_t s = 0; s < group->capacity; s++) {
		const struct entry e = group_at(group, s);

		if (e.count == 0)
			continue;
		groups++;
		*rows += (uint64_t)e.count;
		*check += (uint64_t)e.sum ^ (uint64_t)e.key;
	}
	return groups;
}

size_t tr_limit_group_emit(const struct tr_limit_group *group, int64_t *key, int64_t *counts, int64_t *sums)
{
	size_t groups = 0;

	for (size_t s = 0; s < group->capacity; s++) {
		const struct entry e = group_at(group, s);

		if (e.count == 0)
			continue;
		key[groups] = e.key;
		counts[groups] = e.count;
		sums[groups] = e.sum;
		groups++;
	}
	return groups;
}
