/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables with int64 keys; see table.h.
 *
 * A batch goes by in blocks of ROWS, three times: first all homes are fetched, then all slots compared with what most of them
 * will be, this key, without a branch; who writes stamps them there, and lists whose stamp was older. Then the others are
 * looked at one by one. An insertion may move a page. Then the whole batch is looked up again; all its keys exist by then,
 * so that happens once.
 */
#include "state/table.h"
#include "state/table_slot.h"

#define ROWS 256

static inline char *home_of(const struct tr_table *table, int64_t key, const uint32_t slot_bytes)
{
	const uint64_t hash = tr_hash_u64((uint64_t)key);
	const struct tr_table_place *place = tr_table_place_of(table, hash);

	return place->slots + (size_t)((uint32_t)hash & place->mask) * slot_bytes;
}

/** Goes on behind a free slot: if it is the one at the end, the walk continues at the beginning. NULL: not there. */
static __attribute__((noinline)) struct tr_slot *walk_around(const struct tr_table *table, const struct tr_slot *end,
							     int64_t key)
{
	const struct tr_table_place *place = tr_table_place_of(table, tr_hash_u64((uint64_t)key));

	if ((const char *)end != place->slots + ((size_t)place->mask + 1) * table->slot_bytes)
		return NULL;
	for (uint32_t i = 0;; i++) {
		struct tr_slot *slot = tr_slot_at(table, place->slots, i);

		if (slot->stamp == 0)
			return NULL;
		if (slot->word == (uint64_t)key)
			return slot;
	}
}

static inline struct tr_slot *look(const struct tr_table *table, char *at, int64_t key, const uint32_t slot_bytes)
{
	for (;; at += slot_bytes) {
		struct tr_slot *slot = (struct tr_slot *)(void *)at;

		if (TR_LIKELY(slot->word == (uint64_t)key && slot->stamp != 0))
			return slot;
		if (slot->stamp == 0)
			return walk_around(table, slot, key);
	}
}

/** values[i] becomes the home of keys[i], which is being fetched. */
static inline __attribute__((always_inline)) void go_home(const struct tr_table *table, const int64_t *restrict keys,
							  uint32_t count, void **restrict values,
							  const uint32_t slot_bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		values[i] = home_of(table, keys[i], slot_bytes);
		__builtin_prefetch(values[i], 1, 3);
	}
}

/** values[i] is the home of keys[i] and becomes its value, if the slot there has this key, a stamp of at least `least`, and
 * none of these flags. The others' indices go to `misses`. */
static inline __attribute__((always_inline)) uint32_t take_home(const struct tr_table *table,
								const int64_t *restrict keys, uint32_t count,
								void **restrict values, uint16_t *restrict misses,
								const uint32_t least, const uint32_t flags)
{
	const uint32_t offset = table->value_offset;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct tr_slot *slot = values[i];

		misses[n] = (uint16_t)i;
		n += (slot->word != (uint64_t)keys[i]) | (slot->stamp < least) | ((slot->flags & flags) != 0);
		values[i] = (char *)values[i] + offset;
	}
	return n;
}

/** Rows of a block by what is to be done for them. */
struct lists {
	uint16_t misses[ROWS]; /* not found, or deleted */
	uint16_t firsts[ROWS]; /* found, with an older stamp than the table's */
	uint32_t miss_count, first_count;
};

/** What take_home has missed for who writes: keys whose home has them, with an older stamp, become `firsts`. Without
 * `is_saving` they get the stamp. */
static inline __attribute__((always_inline)) void split_misses(const struct tr_table *table,
							       const int64_t *restrict keys,
							       void *const *restrict values,
							       struct lists *restrict lists, const bool is_saving)
{
	const uint32_t n = lists->miss_count, offset = table->value_offset, epoch = table->epoch;
	uint32_t misses = 0, firsts = 0;

	for (uint32_t m = 0; m < n; m++) {
		const uint32_t i = lists->misses[m];
		struct tr_slot *slot = (struct tr_slot *)(void *)((char *)values[i] - offset);
		const uint32_t stamp = slot->stamp;
		const bool is_first =
			(slot->word == (uint64_t)keys[i]) & (stamp != 0) & ((slot->flags & TR_SLOT_DEAD) == 0);

		lists->misses[misses] = (uint16_t)i;
		misses += !is_first;
		lists->firsts[firsts] = (uint16_t)i;
		firsts += is_first;
		if (!is_saving)
			slot->stamp = stamp ^ ((stamp ^ epoch) & -(uint32_t)is_first); /* not a branch */
	}
	lists->miss_count = misses;
	lists->first_count = firsts;
}

/** Fetches the homes of the block that begins at `at`, if there is one. */
static void fetch_block(const struct tr_table *table, const int64_t *keys, uint32_t count, uint32_t at, void **values)
{
	if (at >= count)
		return;
	if (table->slot_bytes == 32)
		go_home(table, keys + at, TR_MIN(count - at, (uint32_t)ROWS), values + at, 32);
	else
		go_home(table, keys + at, TR_MIN(count - at, (uint32_t)ROWS), values + at, table->slot_bytes);
}

/** A slot further on is often in the next cache line. */
static inline __attribute__((always_inline)) void fetch_misses(const int64_t *keys, const uint16_t *misses, uint32_t n,
							       void *const *values, const uint32_t offset,
							       const uint32_t slot_bytes)
{
	for (uint32_t m = 0; m < n; m++) {
		const char *home = (const char *)values[misses[m]] - offset;
		const bool is_other = ((const struct tr_slot *)(const void *)home)->word != (uint64_t)keys[misses[m]];

		__builtin_prefetch(home + (is_other ? slot_bytes : 0), 1, 3);
	}
}

/** Walks on from home for those that missed; values[i] becomes the value of the slot with this key, NULL if there is none.
 * Those that have not the stamp or have one of the flags stay in `misses`. */
static inline __attribute__((always_inline)) uint32_t walk_on(const struct tr_table *table, const int64_t *keys,
							      uint32_t n, void **values, uint16_t *misses,
							      const uint32_t slot_bytes, const uint32_t least,
							      const uint32_t flags)
{
	const uint32_t offset = table->value_offset;
	uint32_t left = 0;

	fetch_misses(keys, misses, n, values, offset, slot_bytes);
	for (uint32_t m = 0; m < n; m++) {
		const uint32_t i = misses[m];
		struct tr_slot *slot = look(table, (char *)values[i] - offset, keys[i], slot_bytes);

		misses[left] = (uint16_t)i;
		if (slot == NULL) {
			values[i] = NULL;
			left++;
			continue;
		}
		values[i] = (char *)slot + offset;
		left += slot->stamp < least || (slot->flags & flags) != 0;
	}
	return left;
}

/** The two passes that most keys are done with. */
static uint32_t take_block(const struct tr_table *table, const int64_t *keys, uint32_t count, void **values,
			   uint16_t *misses, uint32_t least, uint32_t flags)
{
	uint32_t n = take_home(table, keys, count, values, misses, least, flags);

	if (table->slot_bytes == 32)
		return walk_on(table, keys, n, values, misses, 32, least, flags);
	return walk_on(table, keys, n, values, misses, table->slot_bytes, least, flags);
}

static void find_block(struct tr_table *table, const int64_t *keys, uint32_t count, void **values)
{
	const uint32_t flags = table->options.ttl_ms > 0 ? UINT32_MAX : TR_SLOT_DEAD;
	const uint32_t least = table->options.ttl_ms > 0 ? UINT32_MAX : 1;
	uint16_t misses[ROWS];
	const uint32_t n = take_block(table, keys, count, values, misses, least, flags);

	for (uint32_t m = 0; m < n; m++) {
		const uint32_t i = misses[m];

		if (values[i] == NULL)
			continue;
		if (tr_slot_is_alive(table, tr_slot_of_value(table, values[i])))
			tr_slot_read(table, tr_slot_of_value(table, values[i]), tr_hash_u64((uint64_t)keys[i]));
		else
			values[i] = NULL;
	}
}

enum tr_flow tr_table_find_i64(struct tr_table *table, const int64_t *keys, uint32_t count, void **values)
{
	TR_ASSERT(!table->options.has_byte_keys && count <= TR_TABLE_COUNT_MAX);
	TR_PREPARE_I64(table, keys, count);
	fetch_block(table, keys, count, 0, values);
	for (uint32_t at = 0; at < count; at += ROWS) {
		fetch_block(table, keys, count, at + ROWS, values);
		find_block(table, keys + at, TR_MIN(count - at, (uint32_t)ROWS), values + at);
	}
	return TR_FLOW_MORE;
}

/** Walks on from home for those that missed, for who will write. */
static inline __attribute__((always_inline)) void walk_on_to_write(const struct tr_table *table, const int64_t *keys,
								   void **values, struct lists *lists,
								   const uint32_t slot_bytes, const bool is_saving)
{
	const uint32_t n = lists->miss_count, offset = table->value_offset, epoch = table->epoch;
	uint32_t misses = 0, firsts = lists->first_count;

	fetch_misses(keys, lists->misses, n, values, offset, slot_bytes);
	for (uint32_t m = 0; m < n; m++) {
		const uint32_t i = lists->misses[m];
		struct tr_slot *slot = look(table, (char *)values[i] - offset, keys[i], slot_bytes);

		lists->misses[misses] = (uint16_t)i;
		if (TR_UNLIKELY(slot == NULL)) {
			values[i] = NULL;
			misses++;
			continue;
		}
		values[i] = (char *)slot + offset;
		if (TR_UNLIKELY((slot->flags & TR_SLOT_DEAD) != 0)) {
			misses++;
			continue;
		}
		lists->firsts[firsts] = (uint16_t)i;
		firsts += slot->stamp != epoch;
		if (!is_saving)
			slot->stamp = epoch;
	}
	lists->miss_count = misses;
	lists->first_count = firsts;
}

/** First changes while a snapshot is being written: what is still due of it goes to its records. Then all get the stamp. */
static void save_firsts(struct tr_table *table, const int64_t *keys, void **values, const struct lists *lists)
{
	const struct tr_table_snapshot *s = &table->snapshot;
	struct tr_slot *due[ROWS];
	uint32_t n = 0;

	for (uint32_t f = 0; f < lists->first_count; f++) { /* a key may be there twice */
		const uint64_t hash = tr_hash_u64((uint64_t)keys[lists->firsts[f]]);
		struct tr_slot *slot = tr_slot_of_value(table, values[lists->firsts[f]]);

		if (s->has_whole && slot->stamp != table->epoch)
			tr_table_save_before(table, hash, slot);
		due[n] = slot;
		n += !s->has_whole & (hash >= s->next_hash) & (slot->stamp > s->completed) &
		     (slot->stamp <= s->checkpoint);
		slot->stamp = table->epoch;
	}
	tr_table_save_due(table, due, n);
}

static void mark_firsts(struct tr_table *table, const int64_t *keys, void **values, const struct lists *lists)
{
	for (uint32_t f = 0; f < lists->first_count; f++) { /* marks are not in the cache */
		const uint64_t hash = tr_hash_u64((uint64_t)keys[lists->firsts[f]]);
		const struct tr_page *page = tr_table_page_of(table, hash);
		const uint64_t *marks = (const uint64_t *)(const void *)(page + 1);

		__builtin_prefetch(page, 1, 3);
		__builtin_prefetch(marks + (((uint32_t)hash & tr_table_place_of(table, hash)->mask) >> 6), 1, 3);
	}
	for (uint32_t f = 0; f < lists->first_count; f++) {
		const uint32_t i = lists->firsts[f];

		tr_page_stamp(table, tr_table_page_of(table, tr_hash_u64((uint64_t)keys[i])),
			      tr_slot_of_value(table, values[i]));
	}
}

/** The passes that nearly all keys are done with. What expires is left to slot_written. */
static void take_to_write(struct tr_table *table, const int64_t *keys, uint32_t count, void **values,
			  struct lists *lists)
{
	const bool is_saving = table->snapshot.is_active && !table->snapshot.is_visited;

	if (table->options.ttl_ms > 0) {
		lists->miss_count = take_block(table, keys, count, values, lists->misses, UINT32_MAX, UINT32_MAX);
		return;
	}
	lists->miss_count = take_home(table, keys, count, values, lists->misses, table->epoch, TR_SLOT_DEAD);
	if (is_saving) {
		split_misses(table, keys, values, lists, true);
		walk_on_to_write(table, keys, values, lists, table->slot_bytes, true);
	} else {
		split_misses(table, keys, values, lists, false);
		walk_on_to_write(table, keys, values, lists, table->slot_bytes, false);
	}
	if (is_saving)
		save_firsts(table, keys, values, lists);
	if (table->is_full)
		table->changed += lists->first_count;
	else
		mark_firsts(table, keys, values, lists);
}

static void upsert_block(struct tr_table *table, const int64_t *keys, uint32_t count, void **values, bool *is_new)
{
	const uint64_t moves = table->moves;
	struct lists lists;

	take_to_write(table, keys, count, values, &lists);
	for (uint32_t m = 0; m < lists.miss_count; m++) {
		const uint32_t i = lists.misses[m];
		const uint64_t hash = tr_hash_u64((uint64_t)keys[i]);
		struct tr_slot *slot = values[i] == NULL ? NULL : tr_slot_of_value(table, values[i]);
		bool was_new = false;

		if (table->moves != moves || slot == NULL) /* or the same key was added just now */
			slot = tr_table_slot_i64(table, keys[i]);
		if (slot == NULL) {
			slot = tr_slot_add(table, hash, (uint64_t)keys[i]);
			was_new = true;
		} else {
			was_new = tr_slot_written(table, hash, slot);
		}
		values[i] = (char *)slot + table->value_offset;
		if (is_new != NULL)
			is_new[i] |= was_new;
	}
}

enum tr_flow tr_table_upsert_i64(struct tr_table *table, const int64_t *keys, uint32_t count, void **values,
				 bool *is_new)
{
	uint64_t moves;

	TR_ASSERT(!table->options.has_byte_keys && count <= TR_TABLE_COUNT_MAX);
	TR_PREPARE_I64(table, keys, count);
	if (is_new != NULL)
		memset(is_new, 0, count * sizeof(*is_new));
	do {
		moves = table->moves;
		fetch_block(table, keys, count, 0, values);
		for (uint32_t at = 0; at < count; at += ROWS) {
			const uint64_t before = table->moves;

			fetch_block(table, keys, count, at + ROWS, values);
			upsert_block(table, keys + at, TR_MIN(count - at, (uint32_t)ROWS), values + at,
				     is_new != NULL ? is_new + at : NULL);
			if (table->moves != before) /* what was fetched is somewhere else now */
				fetch_block(table, keys, count, at + ROWS, values);
		}
	} while (moves != table->moves);
	if (!table->is_full && tr_table_is_mostly_changed(table)) {
		table->is_full = true;
		table->full_epoch = table->epoch;
	}
	return TR_FLOW_MORE;
}

struct tr_slot *tr_table_slot_i64(const struct tr_table *table, int64_t key)
{
	return look(table, home_of(table, key, table->slot_bytes), key, table->slot_bytes);
}

enum tr_flow tr_table_erase_i64(struct tr_table *table, const int64_t *keys, uint32_t count)
{
	TR_ASSERT(!table->options.has_byte_keys && count <= TR_TABLE_COUNT_MAX);
	TR_PREPARE_I64(table, keys, count);
	tr_table_prefetch_i64(table, keys, count);
	for (uint32_t i = 0; i < count; i++) {
		struct tr_slot *slot = tr_table_slot_i64(table, keys[i]);

		if (slot != NULL && (slot->flags & TR_SLOT_DEAD) == 0)
			tr_slot_kill(table, slot, tr_hash_u64((uint64_t)keys[i]));
	}
	return TR_FLOW_MORE;
}

void tr_table_prefetch_i64(const struct tr_table *table, const int64_t *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		__builtin_prefetch(home_of(table, keys[i], table->slot_bytes), 1, 2);
}
