/* SPDX-License-Identifier: Apache-2.0
 *
 * Group table: keys of at most 8 bytes and what belongs to them side by side, so that a row costs one cache miss.
 *
 *     place    | key int64 | entry: count int64, anything.. |        16, 32, 40, .. bytes
 *     places   [0] key 0   [1 ..] others, from the home that the hash names on   [2^bits] NULL
 *
 * Where the key table and slices (state/key_table.h, state/slice.h) share one number per key among many stretches of
 * time, each stretch has a group table of its own: right where windows do not overlap. An entry starts as zero bytes;
 * its first word is a count, and an entry whose count is zero holds nothing, though its key may have a place already.
 *
 * Key 0 always has place 0, so that key 0 elsewhere means free. Places are looked at in two passes over a batch: the
 * first compares every key with its home, without a branch, and prefetches when the table leaves L2; the second walks
 * on for those that missed. Tables that fit no cache are searched in one pass, row by row, with prefetch. Homes are the
 * upper bits of a hash, so growth goes through old and new places in order, large tables within their own memory.
 *
 * Memory: 1.6 to 3.2 places a key when large, 3 to 6 while it fits a cache. Thread: one owner.
 */
#ifndef TR_STATE_GROUP_TABLE_H
#define TR_STATE_GROUP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_group_table {
	char *places; /* 2^bits + 1 */
	size_t bytes;
	uint32_t bits;
	uint32_t place_bytes;
	uint32_t occupied; /* places with a key, but for those of 0 and NULL */
	uint32_t limit;    /* of occupied, before it grows */
	uint64_t factor;   /* of the hash */
};

/** An empty table for entries of `entry_bytes` (a multiple of 8), with room for `expected` keys. */
void tr_group_table_init(struct tr_group_table *table, uint32_t entry_bytes, uint32_t expected);
void tr_group_table_deinit(struct tr_group_table *table);

/** Before the first key: which of two orders the table has. Keys that come in the order of another table of the same hash
 * would fill a growing table from one end, in ever longer runs: they go to the other order. */
void tr_group_table_choose_order(struct tr_group_table *table, bool is_other);

/** entries[i] becomes the entry of keys[i], new ones with zeros. `misses` is scratch for count + 1. All pointers to
 * entries from before are void. */
void tr_group_table_find(struct tr_group_table *table, const int64_t *keys, uint32_t count, char **entries,
			 uint32_t *misses);

/** The same for keys that are loaded, and so may come in this very order: one behind the other in memory, which is much faster. If
 * there are so many more than was expected that they crowd, the table goes to the other order. */
void tr_group_table_find_loaded(struct tr_group_table *table, const int64_t *keys, uint32_t count, char **entries);

/** Fetches what find will look at first, for keys that are looked up some microseconds later. */
void tr_group_table_prefetch(const struct tr_group_table *table, const int64_t *keys, uint32_t count);

/** The entry of the key NULL; valid as long as the others. */
char *tr_group_table_null_entry(const struct tr_group_table *table);

/** numbers[i] becomes the number of entries[i]'s place. It holds until the table grows, which find can only make it do when
 * the table may_grow. */
void tr_group_table_numbers(const struct tr_group_table *table, char *const *entries, uint32_t count, uint32_t *numbers);

/** How many numbers there are; NULL has the last one. */
static inline uint32_t tr_group_table_number_limit(const struct tr_group_table *table)
{
	return (uint32_t)(((uint64_t)1 << table->bits) + 1);
}

/** Whether finding `count` keys may make it grow. */
static inline bool tr_group_table_may_grow(const struct tr_group_table *table, uint32_t count)
{
	return (uint64_t)table->occupied + count > table->limit;
}

/** The entries at these numbers whose count is not zero; numbers beyond the table are passed over. Returns how many. */
uint32_t tr_group_table_at_numbers(const struct tr_group_table *table, const uint32_t *numbers, uint32_t count,
				   char **entries);

/** Up to `max` entries whose count is not zero, from *cursor (0 at first) on. Returns how many; 0: that was all. */
uint32_t tr_group_table_scan(const struct tr_group_table *table, uint64_t *cursor, uint32_t max, char **entries);

/** Empties all entries, of which `used` had a count. The keys keep their places if most were used: they are likely to
 * come again. False: not worth while; the table is as it was, deinit it. */
bool tr_group_table_reset(struct tr_group_table *table, uint32_t used);

/** The key of an entry (0 for NULL's). */
static inline int64_t tr_group_table_key(const char *entry) { return *(const int64_t *)(const void *)(entry - 8); }

#endif
