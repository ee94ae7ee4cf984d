/* SPDX-License-Identifier: Apache-2.0
 *
 * Group table; see the header.
 */
#include "state/group_table.h"

#include <string.h>

#include "base/check.h"
#include "base/column.h"
#include "state/huge.h"

#define BITS_MIN 8
#define BITS_MAX 31
#define SMALL_BYTES ((size_t)64 << 10)  /* below this it grows fourfold */
#define CACHED_BYTES ((size_t)1 << 20)  /* up to this at most a third is used, and nothing is prefetched */
#define KEPT_BYTES ((size_t)4 << 20)    /* larger tables are not kept for the next window */
#define WALKED_BYTES ((size_t)24 << 20) /* larger ones are searched row by row */
#define PREFETCH_DISTANCE 48
#define FURTHER_LOOKS 3
#define CROWDED_PLACES \
	1024 /* from home to where a key is: by chance it is not a quarter of that, however large the table is */
#define STRAYS_PART 64      /* of loaded keys so many may be out of order before they are taken as unordered, */
#define STRAYS_MIN 8        /* and these */
#define FETCHED_BYTES 1024  /* how far before keys in order memory is fetched */
#define RUN_MIN ((size_t)3) /* first place that is taken in order: there are two before it to look at */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)       /* of the hash */
#define OTHER_FACTOR UINT64_C(0xd6e8feb86659fd93) /* of an equally good one */

static inline size_t home_of(int64_t key, uint64_t factor, uint32_t bits)
{
	const uint64_t x = (uint64_t)key;

	return (size_t)(((x ^ (x >> 32)) * factor) >> (64 - bits));
}

static inline int64_t *key_at(char *places, size_t place, size_t place_bytes)
{
	return (int64_t *)(void *)(places + place * place_bytes);
}

static size_t bytes_for(uint32_t bits, uint32_t place_bytes) { return (((size_t)1 << bits) + 1) * place_bytes; }

static void set_size(struct tr_group_table *table, uint32_t bits)
{
	const size_t count = (size_t)1 << bits;

	TR_ASSERT(bits <= BITS_MAX);
	table->bits = bits;
	table->bytes = bytes_for(bits, table->place_bytes);
	table->limit = (uint32_t)(table->bytes <= CACHED_BYTES ? count / 3 : count / 8 * 5);
}

static void allocate(struct tr_group_table *table, uint32_t bits)
{
	set_size(table, bits);
	table->places = tr_huge_map(table->bytes);
}

void tr_group_table_init(struct tr_group_table *table, uint32_t entry_bytes, uint32_t expected)
{
	uint32_t bits = BITS_MIN;

	TR_ASSERT(entry_bytes >= 8 && entry_bytes % 8 == 0);
	memset(table, 0, sizeof(*table));
	table->factor = FACTOR;
	/* 24 and 56 would make places lie across cache lines. */
	table->place_bytes = entry_bytes + 8 == 24 ? 32 : entry_bytes + 8 == 56 ? 64 : entry_bytes + 8;
	while (((uint64_t)1 << bits) / 8 * 5 < expected && bits < BITS_MAX)
		bits++;
	if (bytes_for(bits, table->place_bytes) <= CACHED_BYTES)
		while (((uint64_t)1 << bits) / 3 < expected)
			bits++;
	allocate(table, bits);
}

void tr_group_table_choose_order(struct tr_group_table *table, bool is_other)
{
	TR_ASSERT(table->occupied == 0);
	table->factor = is_other ? OTHER_FACTOR : FACTOR;
}

void tr_group_table_deinit(struct tr_group_table *table)
{
	if (table->places != NULL)
		tr_huge_unmap(table->places, table->bytes);
	memset(table, 0, sizeof(*table));
}

/** Puts a place that is not there into the table, which has room. */
static void put(struct tr_group_table *table, const char *place)
{
	const size_t size = table->place_bytes, mask = ((size_t)1 << table->bits) - 1;
	size_t to = home_of(*(const int64_t *)(const void *)place, table->factor, table->bits);

	while (to == 0 || *key_at(table->places, to, size) != 0)
		to = (to + 1) & mask;
	memcpy(table->places + to * size, place, size);
}

/** Doubles a large table within its memory, so that the kernel has only the new half to zero. Places are taken from the
 * last to the first; the new home is about twice the old, so what is written lies behind what is still to be read.
 * The few for which that is not so (near the beginning, or around the end) wait in `aside`. */
static inline __attribute__((always_inline)) void grow_in_place(struct tr_group_table *table, const size_t size)
{
	const size_t old_count = (size_t)1 << table->bits, old_bytes = table->bytes;
	size_t aside_count = 0, aside_capacity = 64;
	char *aside = malloc(aside_capacity * size), *taken = malloc(size), *null_place = malloc(size);
	size_t mask;

	TR_ASSERT(aside != NULL && taken != NULL && null_place != NULL);
	set_size(table, table->bits + 1);
	table->places = tr_huge_remap(table->places, old_bytes, table->bytes);
	mask = ((size_t)1 << table->bits) - 1;
	memcpy(null_place, table->places + old_count * size, size);
	memset(table->places + old_count * size, 0, size);
	for (size_t i = old_count; i-- > 1;) {
		int64_t *from = key_at(table->places, i, size);
		size_t to;

		if (*from == 0)
			continue;
		to = home_of(*from, table->factor, table->bits);
		memcpy(taken, from, size);
		memset(from, 0, size);
		while (to >= i && to <= mask && *key_at(table->places, to, size) != 0)
			to++;
		if (to >= i && to <= mask) {
			memcpy(table->places + to * size, taken, size);
			continue;
		}
		if (aside_count == aside_capacity) {
			aside_capacity *= 2;
			aside = realloc(aside, aside_capacity * size);
			TR_ASSERT(aside != NULL);
		}
		memcpy(aside + aside_count++ * size, taken, size);
	}
	for (size_t i = 0; i < aside_count; i++)
		put(table, aside + i * size);
	memcpy(table->places + (mask + 1) * size, null_place, size);
	free(aside);
	free(taken);
	free(null_place);
}

/** Moves all places to an array of more. Those at the beginning may have wrapped around: they go last. */
static __attribute__((noinline)) void grow(struct tr_group_table *table)
{
	const struct tr_group_table old = *table;
	const size_t size = old.place_bytes, old_count = (size_t)1 << old.bits;
	size_t first = 1, mask;

	if (old.bytes >= TR_HUGE_MAP_MIN) {
		if (old.place_bytes == 32)
			grow_in_place(table, 32);
		else
			grow_in_place(table, old.place_bytes);
		return;
	}
	allocate(table, old.bits + (old.bytes < SMALL_BYTES ? 2 : 1));
	mask = ((size_t)1 << table->bits) - 1;
	memcpy(table->places, old.places, size);
	memcpy(table->places + (mask + 1) * size, old.places + old_count * size, size);
	while (*key_at(old.places, first, size) != 0)
		first++;
	for (size_t i = first; i < first + old_count; i++)
		if (*key_at(old.places, i & (old_count - 1), size) != 0)
			put(table, old.places + (i & (old_count - 1)) * size);
	tr_huge_unmap(old.places, old.bytes);
}

/** Moves all places to where they belong in the other order. */
static __attribute__((noinline)) void change_order(struct tr_group_table *table)
{
	const struct tr_group_table old = *table;
	const size_t size = old.place_bytes, count = (size_t)1 << old.bits;

	allocate(table, old.bits);
	table->factor = old.factor == FACTOR ? OTHER_FACTOR : FACTOR;
	memcpy(table->places, old.places, size);
	memcpy(table->places + count * size, old.places + count * size, size);
	for (size_t i = 1; i < count; i++)
		if (*key_at(old.places, i, size) != 0)
			put(table, old.places + i * size);
	tr_huge_unmap(old.places, old.bytes);
}

/** Finds the key from its home on, or adds it. NULL: the table has grown, and all places are others now. */
static char *find_one(struct tr_group_table *table, int64_t key)
{
	const size_t mask = ((size_t)1 << table->bits) - 1;

	TR_DASSERT(key != 0);
	for (size_t i = home_of(key, table->factor, table->bits);; i = (i + 1) & mask) {
		int64_t *place = key_at(table->places, i, table->place_bytes);

		if (*place == key)
			return (char *)(place + 1);
		if (*place != 0 || i == 0)
			continue;
		if (table->occupied == table->limit) {
			grow(table);
			return NULL;
		}
		table->occupied++;
		*place = key;
		return (char *)(place + 1);
	}
}

/** The first pass: positions whose home has another key go to `misses`. Made for each size of a place. */
static inline __attribute__((always_inline)) uint32_t look(const struct tr_group_table *table, size_t place_bytes,
							   const int64_t *restrict keys, uint32_t count,
							   char **restrict entries, uint32_t *restrict misses)
{
	char *const places = table->places;
	const uint32_t bits = table->bits;
	const uint64_t factor = table->factor;
	const uint32_t ahead = table->bytes > CACHED_BYTES ? PREFETCH_DISTANCE : 0;
	const uint32_t prefetched = count > ahead ? count - ahead : 0;
	uint32_t n = 0, i = 0;

	for (uint32_t p = 0; p < TR_MIN(count, ahead); p++)
		__builtin_prefetch(key_at(places, home_of(keys[p], factor, bits), place_bytes), 1, 3);
	for (; ahead > 0 && i < prefetched; i++) {
		int64_t *place = key_at(places, home_of(keys[i], factor, bits), place_bytes);

		__builtin_prefetch(key_at(places, home_of(keys[i + ahead], factor, bits), place_bytes), 1, 3);
		entries[i] = (char *)(place + 1);
		misses[n] = i;
		n += *place != keys[i];
	}
	for (; i < count; i++) {
		int64_t *place = key_at(places, home_of(keys[i], factor, bits), place_bytes);

		entries[i] = (char *)(place + 1);
		misses[n] = i;
		n += *place != keys[i];
	}
	return n;
}

/** One place further on, also without branches. Place 0 never matches: its key 0 is found at home. */
static uint32_t look_further(const struct tr_group_table *table, uint32_t further, const int64_t *restrict keys,
			     uint32_t left, char **restrict entries, uint32_t *restrict misses)
{
	const size_t mask = ((size_t)1 << table->bits) - 1;
	uint32_t n = 0;

	for (uint32_t m = 0; m < left; m++) {
		const uint32_t i = misses[m];
		int64_t *place = key_at(table->places, (home_of(keys[i], table->factor, table->bits) + further) & mask,
					table->place_bytes);

		entries[i] = (char *)(place + 1);
		misses[n] = i;
		n += *place != keys[i];
	}
	return n;
}

/** A row at a time, its line fetched `ahead` rows before: for tables so large that the
 * first look at a place waits for memory and many keys are new. False: all places are others now, begin again: the table has
 * grown, or a key was more than `crowded` places from home and it has changed its order. */
static inline __attribute__((always_inline)) bool walk(struct tr_group_table *table, size_t place_bytes, uint32_t ahead,
						       size_t crowded, const int64_t *restrict keys, uint32_t count,
						       char **restrict entries)
{
	char *const places = table->places;
	const uint32_t bits = table->bits;
	const uint64_t factor = table->factor;
	const size_t mask = ((size_t)1 << bits) - 1;

	for (uint32_t i = 0; i < TR_MIN(count, ahead); i++)
		__builtin_prefetch(key_at(places, home_of(keys[i], factor, bits), place_bytes), 1, 3);
	for (uint32_t i = 0; i < count; i++) {
		const int64_t key = keys[i];
		const size_t home = home_of(key, factor, bits);
		size_t at = home;
		int64_t *place = key_at(places, at, place_bytes);

		if (ahead > 0 && i + ahead < count)
			__builtin_prefetch(key_at(places, home_of(keys[i + ahead], factor, bits), place_bytes), 1, 3);
		while (*place != key) {
			if (*place == 0 && at != 0) {
				if (table->occupied == table->limit) {
					grow(table);
					return false;
				}
				table->occupied++;
				*place = key;
				break;
			}
			at = (at + 1) & mask;
			place = key_at(places, at, place_bytes);
		}
		if (TR_UNLIKELY(((at - home) & mask) > crowded)) {
			change_order(table);
			return false;
		}
		entries[i] = (char *)(place + 1);
	}
	return true;
}

void tr_group_table_find(struct tr_group_table *table, const int64_t *keys, uint32_t count, char **entries,
			 uint32_t *misses)
{
	uint32_t n, m;

	while (table->bytes > WALKED_BYTES)
		if (table->place_bytes == 32
			    ? walk(table, 32, PREFETCH_DISTANCE, SIZE_MAX, keys, count, entries)
			    : walk(table, table->place_bytes, PREFETCH_DISTANCE, SIZE_MAX, keys, count, entries))
			return;
	do {
		switch (table->place_bytes) {
		case 16: n = look(table, 16, keys, count, entries, misses); break;
		case 32: n = look(table, 32, keys, count, entries, misses); break;
		default: n = look(table, table->place_bytes, keys, count, entries, misses); break;
		}
		for (uint32_t further = 1; further <= FURTHER_LOOKS && n > 16; further++)
			n = look_further(table, further, keys, n, entries, misses);
		for (m = 0; m < n; m++)
			if ((entries[misses[m]] = find_one(table, keys[misses[m]])) == NULL)
				break;
	} while (m < n); /* it grew: most are found at once now */
}

/** Places for keys that come in the order of a table of the same size: each has its home, or else the place behind the key before
 * it, and nothing of that must be guessed. Takes keys from `first` on up to the first that is out of order, is there already
 * (only places behind its home can hold it, and most often these are one or two) or finds its place taken. `run`: where the keys
 * begin that lie without gaps before `next`. Returns the position of the key that it did not take. */
static inline __attribute__((always_inline)) uint32_t take_in_order(struct tr_group_table *table, size_t place_bytes,
								    size_t run, const int64_t *restrict keys,
								    uint32_t first, uint32_t count,
								    char **restrict entries)
{
	char *const places = table->places;
	const uint32_t bits = table->bits;
	const uint64_t factor = table->factor;
	const size_t end = (size_t)1 << bits;
	size_t next = run;
	uint32_t i;

	for (i = first; i < count; i++) {
		const int64_t key = keys[i];
		const size_t home = home_of(key, factor, bits);
		const size_t at = TR_MAX(home, next);
		int64_t *place = key_at(places, at, place_bytes);

		if (TR_UNLIKELY((home < run) | (at >= end) | (at - home > CROWDED_PLACES)) || *place != 0 ||
		    *key_at(places, at - 1, place_bytes) == key || *key_at(places, at - 2, place_bytes) == key)
			break;
		if (TR_UNLIKELY(at - home > 2)) {
			size_t other = home;

			while (other < at && *key_at(places, other, place_bytes) != key)
				other++;
			if (other < at)
				break;
		}
		__builtin_prefetch((char *)place + FETCHED_BYTES, 1, 3);
		run = home > next ? home : run;
		next = at + 1;
		*place = key;
		entries[i] = (char *)(place + 1);
	}
	table->occupied += i - first;
	return i;
}

/** False: begin again, all places are others now. */
static inline __attribute__((always_inline)) bool find_loaded(struct tr_group_table *table, size_t place_bytes,
							      const int64_t *restrict keys, uint32_t count,
							      char **restrict entries)
{
	uint32_t i = 0, left = count / STRAYS_PART + STRAYS_MIN;
	size_t run = RUN_MIN;

	while (i < count && left-- > 0 && !tr_group_table_may_grow(table, count - i)) {
		i = take_in_order(table, place_bytes, run, keys, i, count, entries);
		if (i == count)
			return true;
		if (!walk(table, place_bytes, 0, CROWDED_PLACES, keys + i, 1, entries + i))
			return false;
		run = TR_MAX((size_t)(entries[i] - table->places) / place_bytes + 1, RUN_MIN);
		i++;
	}
	return walk(table, place_bytes, PREFETCH_DISTANCE, CROWDED_PLACES, keys + i, count - i, entries + i);
}

void tr_group_table_find_loaded(struct tr_group_table *table, const int64_t *keys, uint32_t count, char **entries)
{
	bool is_done = false;

	while (!is_done)
		switch (table->place_bytes) {
		case 16: is_done = find_loaded(table, 16, keys, count, entries); break;
		case 32: is_done = find_loaded(table, 32, keys, count, entries); break;
		default: is_done = find_loaded(table, table->place_bytes, keys, count, entries); break;
		}
}

void tr_group_table_prefetch(const struct tr_group_table *table, const int64_t *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		__builtin_prefetch(
			key_at(table->places, home_of(keys[i], table->factor, table->bits), table->place_bytes), 1, 2);
}

char *tr_group_table_null_entry(const struct tr_group_table *table)
{
	return table->places + ((size_t)table->place_bytes << table->bits) + 8;
}

void tr_group_table_numbers(const struct tr_group_table *table, char *const *entries, uint32_t count,
			    uint32_t *restrict numbers)
{
	const char *first = table->places + 8;
	const uint64_t inverse =
		UINT64_MAX / table->place_bytes + 1; /* rounded up: exact for multiples below 2^32 places */

	if (table->place_bytes == 16) {
		for (uint32_t i = 0; i < count; i++)
			numbers[i] = (uint32_t)((uint64_t)(entries[i] - first) / 16);
	} else if (table->place_bytes == 32) {
		for (uint32_t i = 0; i < count; i++)
			numbers[i] = (uint32_t)((uint64_t)(entries[i] - first) / 32);
	} else {
		for (uint32_t i = 0; i < count; i++)
			numbers[i] = (uint32_t)(((tr_u128)(uint64_t)(entries[i] - first) * inverse) >> 64);
	}
}

uint32_t tr_group_table_at_numbers(const struct tr_group_table *table, const uint32_t *numbers, uint32_t count,
				   char **entries)
{
	const size_t size = table->place_bytes;
	const uint32_t limit = tr_group_table_number_limit(table);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		char *entry = table->places + numbers[i] * size + 8;

		if (numbers[i] >= limit) /* marks of a whole chunk may go beyond a small table */
			continue;
		entries[n] = entry;
		n += *(const int64_t *)(const void *)entry != 0;
	}
	return n;
}

uint32_t tr_group_table_scan(const struct tr_group_table *table, uint64_t *cursor, uint32_t max, char **entries)
{
	const uint64_t count = ((uint64_t)1 << table->bits) + 1;
	const size_t size = table->place_bytes;
	uint64_t at = *cursor;
	uint32_t n = 0;

	for (; n < max && at < count; at++) {
		char *entry = table->places + at * size + 8;

		entries[n] = entry;
		n += *(const int64_t *)(const void *)entry != 0;
	}
	*cursor = at;
	return n;
}

bool tr_group_table_reset(struct tr_group_table *table, uint32_t used)
{
	const size_t count = ((size_t)1 << table->bits) + 1, size = table->place_bytes;

	if (table->bytes > KEPT_BYTES || (table->bits > BITS_MIN && (uint64_t)used * 16 < count))
		return false;
	if ((uint64_t)used * 2 < table->occupied) {
		memset(table->places, 0, table->bytes);
		table->occupied = 0;
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t *place = (uint64_t *)(void *)key_at(table->places, i, size);

		for (size_t w = 1; w < size / 8; w++)
			place[w] = 0;
	}
	return true;
}
