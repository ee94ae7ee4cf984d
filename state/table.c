/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables: finding, changing and deleting batches of keys; see the header. Pages are in state/table_page.c, snapshots in
 * state/table_snapshot.c.
 *
 * A batch of int64 keys goes by in blocks of ROWS, three times: first all homes are fetched, then all slots compared with
 * what most of them will be, this key, without a branch; who writes stamps them there, and lists whose stamp was older. Then the
 * others are looked at one by one. An insertion may move a page. Then the whole batch is looked up again; all its keys exist by then, so that
 * happens once. Byte keys are hashed first; slots are fetched PREFETCH_AHEAD keys ahead, what they name BLOB_AHEAD.
 */
#include "state/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "state/table_cold.h"
#include "state/table_page.h"

#define ROWS 256
#define PREFETCH_AHEAD 32
#define BLOB_AHEAD 12
#define COUNT_MAX (1u << 20)
#define BYTE_PAGE_BITS 8

static void *checked(void *p)
{
	TR_ASSERT(p != NULL);
	return p;
}

tr_code tr_table_create(const struct tr_table_options *options, struct tr_table **result, struct tr_status *st)
{
	struct tr_table *table;

	TR_ASSERT(options->has_byte_keys == (options->value_bytes == 0));
	TR_ASSERT(options->value_bytes + TR_SLOT_BODY + 8 <= TR_SLOT_BYTES_MAX);
	TR_ASSERT(options->group_first < options->group_end && options->group_end <= options->group_count);
	*result = table = checked(calloc(1, sizeof(*table)));
	table->options = *options;
	table->value_offset = TR_SLOT_BODY + (options->ttl_ms > 0 ? 8 : 0);
	table->slot_bytes = table->value_offset + (options->has_byte_keys ? 8 : (options->value_bytes + 7) & ~7u);
	table->full_bits = TR_PAGE_BITS_FULL;
	/* Small units where memory is to be given back. */
	while (table->full_bits > TR_PAGE_BITS_MIN &&
	       (size_t)table->slot_bytes << table->full_bits > TR_PAGE_BYTES_FULL / (options->memory_limit > 0 ? 4 : 1))
		table->full_bits--;
	if (options->has_byte_keys && options->memory_limit > 0)
		table->full_bits = BYTE_PAGE_BITS;
	table->epoch = 1;
	tr_page_begin(table);
	if (options->memory_limit > 0) {
		tr_code code;

		TR_ASSERT(options->memory_limit >= TR_TABLE_LIMIT_MIN && options->queue != NULL);
		code = tr_cold_open(table, st);
		if (code != TR_OK) {
			tr_table_destroy(result);
			return code;
		}
	}
	return TR_OK;
}

void tr_table_destroy(struct tr_table **table)
{
	if (*table == NULL)
		return;
	tr_table_snapshot_end(*table);
	tr_cold_close(*table);
	tr_page_end(*table);
	free((*table)->scratch);
	free(*table);
	*table = NULL;
}

const struct tr_status *tr_table_status(const struct tr_table *table) { return &table->status; }

void tr_table_set_now(struct tr_table *table, int64_t now_ms) { table->now_ms = TR_MAX(table->now_ms, now_ms); }

uint64_t tr_table_count(const struct tr_table *table) { return table->count; }

size_t tr_table_bytes(const struct tr_table *table)
{
	return sizeof(*table) + table->bytes + table->snapshot.bytes + ((size_t)table->scratch_room * 8);
}

static void *scratch(struct tr_table *table, uint32_t count)
{
	if (table->scratch_room < count) {
		table->scratch_room = TR_MAX(count, 2048u);
		table->scratch =
			checked(realloc(table->scratch, (size_t)table->scratch_room * sizeof(*table->scratch)));
	}
	return table->scratch;
}

/** The slot is what was looked for: whether it counts for the caller. */
static bool is_alive(const struct tr_table *table, struct tr_slot *slot)
{
	return (slot->flags & TR_SLOT_DEAD) == 0 && !tr_slot_is_expired(table, slot);
}

static void expiry_set(struct tr_table *table, struct tr_slot *slot)
{
	if (table->options.ttl_ms > 0)
		*tr_slot_expiry(slot) = table->now_ms + table->options.ttl_ms;
}

static struct tr_slot *slot_of_value(const struct tr_table *table, void *value)
{
	return (struct tr_slot *)(void *)((char *)value - table->value_offset);
}

/** A slot was read: lives longer, if reading does that. */
static void slot_read(struct tr_table *table, struct tr_slot *slot, uint64_t hash)
{
	struct tr_page *page;

	if (!table->options.is_ttl_read || *tr_slot_expiry(slot) == table->now_ms + table->options.ttl_ms)
		return;
	page = tr_table_page_of(table, hash);
	if (slot->stamp != table->epoch) {
		tr_table_save_before(table, hash, slot);
		tr_page_stamp(table, page, slot);
	}
	expiry_set(table, slot);
}

/** A slot that was there is about to be written. True: it did not count, and begins anew. */
static bool slot_written(struct tr_table *table, uint64_t hash, struct tr_slot *slot)
{
	struct tr_page *page = tr_table_page_of(table, hash);
	const bool is_new = !is_alive(table, slot);

	if (slot->stamp != table->epoch) {
		tr_table_save_before(table, hash, slot);
		tr_page_stamp(table, page, slot);
	}
	if (is_new) {
		page->dead -= (slot->flags & TR_SLOT_DEAD) != 0;
		slot->flags &= ~(uint32_t)TR_SLOT_DEAD;
		if (table->options.has_byte_keys)
			tr_slot_blob(table, page, slot)->value_length = 0;
		else
			memset((char *)slot + table->value_offset, 0, table->slot_bytes - table->value_offset);
	}
	expiry_set(table, slot);
	return is_new;
}

/** A slot for a hash that is not there; pages may move. */
static struct tr_slot *slot_add(struct tr_table *table, uint64_t hash, uint64_t word)
{
	struct tr_page *page = tr_table_page_of(table, hash);
	struct tr_slot *slot;

	if (!tr_page_has_room(page)) {
		tr_page_make_room(table, hash);
		page = tr_table_page_of(table, hash);
	}
	slot = tr_page_insert(table, page, hash);
	slot->word = word;
	slot->flags = TR_SLOT_NEW;
	tr_page_stamp(table, page, slot);
	expiry_set(table, slot);
	table->count++;
	return slot;
}

/** Deletes a slot that counts. It vanishes at once if no record can hold the key. */
static void slot_kill(struct tr_table *table, struct tr_slot *slot, uint64_t hash)
{
	struct tr_page *page = tr_table_page_of(table, hash);

	if (slot->stamp != table->epoch) {
		tr_table_save_before(table, hash, slot);
		tr_page_stamp(table, page, slot);
	}
	if ((slot->flags & TR_SLOT_NEW) != 0) {
		tr_page_remove(table, page, slot);
		return;
	}
	slot->flags |= TR_SLOT_DEAD;
	page->dead++;
}

/** Answers for a call whose keys are not all in memory. */
#define TR_PREPARE_I64(table, keys, count)                                                  \
	do {                                                                                \
		if ((table)->cold != NULL && !(table)->is_held) {                           \
			const enum tr_flow flow_ = tr_cold_prepare_i64(table, keys, count); \
			if (flow_ != TR_FLOW_MORE)                                          \
				return flow_;                                               \
		}                                                                           \
	} while (0)
#define TR_PREPARE(table, keys, hashes, count)                                                  \
	do {                                                                                    \
		if ((table)->cold != NULL && !(table)->is_held) {                               \
			const enum tr_flow flow_ = tr_cold_prepare(table, keys, hashes, count); \
			if (flow_ != TR_FLOW_MORE)                                              \
				return flow_;                                                   \
		}                                                                               \
	} while (0)

/* int64 keys. */

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
		if (is_alive(table, slot_of_value(table, values[i])))
			slot_read(table, slot_of_value(table, values[i]), tr_hash_u64((uint64_t)keys[i]));
		else
			values[i] = NULL;
	}
}

enum tr_flow tr_table_find_i64(struct tr_table *table, const int64_t *keys, uint32_t count, void **values)
{
	TR_ASSERT(!table->options.has_byte_keys && count <= COUNT_MAX);
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
		struct tr_slot *slot = slot_of_value(table, values[lists->firsts[f]]);

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
			      slot_of_value(table, values[i]));
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
		struct tr_slot *slot = values[i] == NULL ? NULL : slot_of_value(table, values[i]);
		bool was_new = false;

		if (table->moves != moves || slot == NULL) /* or the same key was added just now */
			slot = tr_table_slot_i64(table, keys[i]);
		if (slot == NULL) {
			slot = slot_add(table, hash, (uint64_t)keys[i]);
			was_new = true;
		} else {
			was_new = slot_written(table, hash, slot);
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

	TR_ASSERT(!table->options.has_byte_keys && count <= COUNT_MAX);
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
	TR_ASSERT(!table->options.has_byte_keys && count <= COUNT_MAX);
	TR_PREPARE_I64(table, keys, count);
	tr_table_prefetch_i64(table, keys, count);
	for (uint32_t i = 0; i < count; i++) {
		struct tr_slot *slot = tr_table_slot_i64(table, keys[i]);

		if (slot != NULL && (slot->flags & TR_SLOT_DEAD) == 0)
			slot_kill(table, slot, tr_hash_u64((uint64_t)keys[i]));
	}
	return TR_FLOW_MORE;
}

void tr_table_prefetch_i64(const struct tr_table *table, const int64_t *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		__builtin_prefetch(home_of(table, keys[i], table->slot_bytes), 1, 2);
}

/* Byte keys. */

struct tr_table_key tr_table_key_of(const void *bytes, uint32_t length)
{
	return (struct tr_table_key){bytes, length, (uint32_t)(tr_hash_bytes(bytes, length) >> 32)};
}

static bool blob_is(const struct tr_table *table, const struct tr_page *page, struct tr_slot *slot,
		    const struct tr_table_key *key)
{
	struct tr_blob *blob = tr_slot_blob(table, page, slot);

	return blob->key_length == key->length && tr_bytes_equal(tr_blob_key(blob), key->bytes, key->length);
}

struct tr_slot *tr_table_slot(const struct tr_table *table, const struct tr_table_key *key, uint64_t hash)
{
	const struct tr_table_place *place = tr_table_place_of(table, hash);
	const struct tr_page *page = table->pages[place->page];

	for (uint32_t i = (uint32_t)hash & place->mask;; i = (i + 1) & place->mask) {
		struct tr_slot *slot = tr_slot_at(table, place->slots, i);

		if (slot->stamp == 0)
			return NULL;
		if (slot->word == hash && blob_is(table, page, slot, key))
			return slot;
	}
}

static uint64_t *hash_batch(struct tr_table *table, const struct tr_table_key *keys, uint32_t count)
{
	uint64_t *hashes = scratch(table, count);

	TR_ASSERT(table->options.has_byte_keys && count <= COUNT_MAX);
	for (uint32_t i = 0; i < count; i++) {
		TR_DASSERT(keys[i].length <= TR_TABLE_KEY_BYTES_MAX);
		hashes[i] = tr_table_key_hash(&keys[i]);
	}
	return hashes;
}

static inline struct tr_slot *home_of_hash(const struct tr_table *table, uint64_t hash)
{
	const struct tr_table_place *place = tr_table_place_of(table, hash);

	return tr_slot_at(table, place->slots, (uint32_t)hash & place->mask);
}

/** Slots are fetched PREFETCH_AHEAD keys before they are needed, what they name BLOB_AHEAD before. */
static inline void fetch_bytes(const struct tr_table *table, const uint64_t *hashes, uint32_t count, uint32_t i)
{
	if (i + PREFETCH_AHEAD < count)
		__builtin_prefetch(home_of_hash(table, hashes[i + PREFETCH_AHEAD]), 1, 3);
	if (i + BLOB_AHEAD < count) {
		struct tr_slot *slot = home_of_hash(table, hashes[i + BLOB_AHEAD]);

		if (slot->word == hashes[i + BLOB_AHEAD] && slot->stamp != 0)
			__builtin_prefetch(tr_slot_blob(table, tr_table_page_of(table, hashes[i + BLOB_AHEAD]), slot),
					   1, 3);
	}
}

/** tr_table_find and tr_table_modify. */
static inline __attribute__((always_inline)) enum tr_flow find_bytes(struct tr_table *table,
								     const struct tr_table_key *keys, uint32_t count,
								     struct tr_table_value *values, bool is_change)
{
	const uint64_t *hashes = hash_batch(table, keys, count);

	TR_PREPARE(table, keys, hashes, count);
	for (uint32_t i = 0; i < TR_MIN(count, (uint32_t)PREFETCH_AHEAD); i++)
		__builtin_prefetch(home_of_hash(table, hashes[i]), 1, 3);
	for (uint32_t i = 0; i < count; i++) {
		struct tr_slot *slot;
		struct tr_blob *blob;

		fetch_bytes(table, hashes, count, i);
		slot = tr_table_slot(table, &keys[i], hashes[i]);
		values[i] = (struct tr_table_value){NULL, 0};
		if (slot == NULL || !is_alive(table, slot))
			continue;
		if (!is_change)
			slot_read(table, slot, hashes[i]);
		else if (slot->stamp != table->epoch || table->options.ttl_ms > 0)
			(void)slot_written(table, hashes[i], slot);
		blob = tr_slot_blob(table, tr_table_page_of(table, hashes[i]), slot);
		values[i] = (struct tr_table_value){tr_blob_value(blob), blob->value_length};
	}
	return TR_FLOW_MORE;
}

enum tr_flow tr_table_find(struct tr_table *table, const struct tr_table_key *keys, uint32_t count,
			   struct tr_table_value *values)
{
	return find_bytes(table, keys, count, values, false);
}

enum tr_flow tr_table_modify(struct tr_table *table, const struct tr_table_key *keys, uint32_t count,
			     struct tr_table_value *values)
{
	return find_bytes(table, keys, count, values, true);
}

uint64_t tr_table_moves(const struct tr_table *table) { return table->moves; }

/** The value of a slot that was just written gets this length. */
static void value_resize(struct tr_table *table, struct tr_slot *slot, const struct tr_table_key *key, uint64_t hash,
			 uint32_t length)
{
	struct tr_page *page = tr_table_page_of(table, hash);
	struct tr_blob *blob = tr_slot_blob(table, page, slot);

	TR_ASSERT(length <= TR_TABLE_VALUE_BYTES_MAX);
	if (length > blob->value_room) {
		const uint32_t grown = TR_MIN(length + length / 4, TR_TABLE_VALUE_BYTES_MAX);
		const uint32_t at = tr_page_blob(table, page, key, TR_MAX(grown, length));
		struct tr_blob *larger = (struct tr_blob *)(void *)(page->heap + (size_t)at * 8);

		blob = tr_slot_blob(table, page, slot); /* the heap may have moved */
		memcpy(tr_blob_value(larger), tr_blob_value(blob), blob->value_length);
		tr_page_blob_free(page, blob);
		*tr_slot_blob_at(table, slot) = at;
		larger->value_length = length;
		table->moves++;
		return;
	}
	if (length > blob->value_length)
		memset(tr_blob_value(blob) + blob->value_length, 0, length - blob->value_length);
	blob->value_length = length;
}

/** The slot of a key, as of now written under the current stamp, with a value of this length. */
static struct tr_slot *upsert_one(struct tr_table *table, const struct tr_table_key *key, uint64_t hash,
				  uint32_t length, bool *is_new)
{
	struct tr_slot *slot = tr_table_slot(table, key, hash);

	if (slot != NULL) {
		if (slot->stamp != table->epoch || table->options.ttl_ms > 0 || (slot->flags & TR_SLOT_DEAD) != 0)
			*is_new |= slot_written(table, hash, slot);
	} else {
		slot = slot_add(table, hash, hash);
		*tr_slot_blob_at(table, slot) = TR_BLOB_NONE;
		*tr_slot_blob_at(table, slot) =
			tr_page_blob(table, tr_table_page_of(table, hash), key, length == UINT32_MAX ? 0 : length);
		*is_new = true;
	}
	if (length != UINT32_MAX)
		value_resize(table, slot, key, hash, length);
	return slot;
}

enum tr_flow tr_table_upsert(struct tr_table *table, const struct tr_table_key *keys, uint32_t count,
			     struct tr_table_value *values, bool *is_new)
{
	const uint64_t *hashes = hash_batch(table, keys, count);
	uint64_t moves;

	TR_PREPARE(table, keys, hashes, count);
	moves = table->moves;

	for (uint32_t i = 0; i < TR_MIN(count, (uint32_t)PREFETCH_AHEAD); i++)
		__builtin_prefetch(home_of_hash(table, hashes[i]), 1, 3);
	for (uint32_t i = 0; i < count; i++) {
		bool was_new = false;
		struct tr_slot *slot;
		struct tr_blob *blob;

		fetch_bytes(table, hashes, count, i);
		slot = upsert_one(table, &keys[i], hashes[i], values[i].length, &was_new);
		blob = tr_slot_blob(table, tr_table_page_of(table, hashes[i]), slot);
		values[i] = (struct tr_table_value){tr_blob_value(blob), blob->value_length};
		if (is_new != NULL)
			is_new[i] = was_new;
	}
	if (moves != table->moves && count > 1) { /* then the addresses are looked up again */
		for (uint32_t i = 0; i < count; i++) {
			struct tr_slot *slot;
			struct tr_blob *blob;

			fetch_bytes(table, hashes, count, i);
			slot = tr_table_slot(table, &keys[i], hashes[i]);
			TR_ASSERT(slot != NULL);
			blob = tr_slot_blob(table, tr_table_page_of(table, hashes[i]), slot);
			values[i] = (struct tr_table_value){tr_blob_value(blob), blob->value_length};
		}
	}
	return TR_FLOW_MORE;
}

enum tr_flow tr_table_put(struct tr_table *table, const struct tr_table_key *key, const void *bytes, uint32_t length)
{
	const uint64_t hash = tr_table_key_hash(key);
	bool is_new = false;
	struct tr_slot *slot;

	TR_ASSERT(table->options.has_byte_keys);
	TR_PREPARE(table, key, &hash, 1);
	slot = upsert_one(table, key, hash, length, &is_new);
	memcpy(tr_blob_value(tr_slot_blob(table, tr_table_page_of(table, hash), slot)), bytes, length);
	return TR_FLOW_MORE;
}

enum tr_flow tr_table_erase(struct tr_table *table, const struct tr_table_key *keys, uint32_t count)
{
	const uint64_t *hashes = hash_batch(table, keys, count);

	TR_PREPARE(table, keys, hashes, count);
	for (uint32_t i = 0; i < count; i++) {
		struct tr_slot *slot = tr_table_slot(table, &keys[i], hashes[i]);

		if (slot != NULL && (slot->flags & TR_SLOT_DEAD) == 0)
			slot_kill(table, slot, hashes[i]);
	}
	return TR_FLOW_MORE;
}

void tr_table_hold(struct tr_table *table) { table->is_held = true; }
void tr_table_release(struct tr_table *table) { table->is_held = false; }

/* All entries. */

/** The entry of a slot. False: it does not count, or belongs to another key group. */
static bool entry_of(const struct tr_table *table, struct tr_slot *slot, struct tr_blob *blob, uint32_t group_first,
		     uint32_t group_end, struct tr_table_entry *entry)
{
	uint32_t group;

	if (!is_alive(table, slot))
		return false;
	group = tr_key_group(tr_slot_hash(table, slot), table->options.group_count);
	if (group < group_first || group >= group_end)
		return false;
	*entry = (struct tr_table_entry){.integer = 0};
	if (blob != NULL) {
		entry->key = (struct tr_table_key){tr_blob_key(blob), blob->key_length, blob->partition};
		entry->value = (struct tr_table_value){tr_blob_value(blob), blob->value_length};
	} else {
		entry->integer = (int64_t)slot->word;
		entry->value = (struct tr_table_value){(char *)slot + table->value_offset, table->options.value_bytes};
	}
	return true;
}

#define SCAN_COLD (UINT64_C(1) << 31) /* cursor: slot number, or this and how many cold entries have been passed */

/** Goes on with the cold entries of a page. DONE: that was all of them. */
static enum tr_flow scan_cold(struct tr_table *table, struct tr_page *page, uint32_t group_first, uint32_t group_end,
			      uint64_t *passed, uint32_t max, struct tr_table_entry *entries, uint32_t *count)
{
	const enum tr_flow flow = tr_cold_load(table, page, 0);
	uint64_t cursor = 0, n = 0;
	struct tr_slot *slot;
	struct tr_blob *blob;

	if (flow != TR_FLOW_MORE)
		return flow == TR_FLOW_BLOCKED && *count > 0 ? TR_FLOW_MORE : flow;
	while (*count < max && (slot = tr_cold_next(table, page, &cursor, &blob)) != NULL) {
		if (n++ < *passed)
			continue;
		++*passed;
		*count += entry_of(table, slot, blob, group_first, group_end, &entries[*count]);
	}
	return *count > 0 ? TR_FLOW_MORE : TR_FLOW_DONE;
}

enum tr_flow tr_table_scan(struct tr_table *table, uint32_t group_first, uint32_t group_end, uint64_t *cursor,
			   uint32_t max, struct tr_table_entry *entries, uint32_t *count)
{
	const uint64_t groups = table->options.group_count;
	/* The hashes of group g begin at the least upper half h with h * groups >> 32 = g. */
	const uint64_t first = (((uint64_t)group_first << 32) + groups - 1) / groups;
	const uint64_t end = (((uint64_t)group_end << 32) + groups - 1) / groups;
	uint64_t place = *cursor >> 32, at = *cursor & UINT32_MAX;
	enum tr_flow flow = TR_FLOW_MORE;

	*count = 0;
	if (*cursor == 0)
		place = (first << 32) >> (64 - table->depth);
	while (place < (uint64_t)1 << table->depth && place << (64 - table->depth) >> 32 < end && *count < max) {
		struct tr_page *page = table->pages[table->directory[place].page];

		for (; at < (uint64_t)1 << page->slot_bits && *count < max; at++) {
			struct tr_slot *slot = tr_slot_at(table, page->slots, (uint32_t)at);

			if (slot->stamp != 0)
				*count +=
					entry_of(table, slot,
						 table->options.has_byte_keys ? tr_slot_blob(table, page, slot) : NULL,
						 group_first, group_end, &entries[*count]);
		}
		if (at < (uint64_t)1 << page->slot_bits)
			break;
		if (page->cold != NULL) {
			uint64_t passed = at < SCAN_COLD ? 0 : at - SCAN_COLD;

			flow = scan_cold(table, page, group_first, group_end, &passed, max, entries, count);
			at = SCAN_COLD + passed;
			if (flow != TR_FLOW_DONE)
				break;
			flow = TR_FLOW_MORE;
			tr_cold_unload(table, page);
		}
		place = (page->prefix + 1) << (table->depth - page->depth);
		at = 0;
	}
	*cursor = place << 32 | at;
	return flow;
}

void tr_table_sweep(struct tr_table *table, size_t budget)
{
	for (uint32_t n = 0; n < table->page_count; n++) {
		const size_t bytes = (size_t)table->slot_bytes << table->pages[table->sweep_page]->slot_bits;

		tr_page_rebuild(table, table->sweep_page);
		table->sweep_page = (table->sweep_page + 1) % table->page_count;
		if (budget <= bytes)
			break;
		budget -= bytes;
	}
}
