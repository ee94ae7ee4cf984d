/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables whose keys and values are byte strings; see table.h. Keys are hashed first; slots are fetched PREFETCH_AHEAD keys
 * ahead, what they name BLOB_AHEAD.
 */
#include "base/bytes.h"
#include "state/table.h"
#include "state/table_slot.h"

#define PREFETCH_AHEAD 32
#define BLOB_AHEAD 12

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
	uint64_t *hashes = tr_table_scratch(table, count);

	TR_ASSERT(table->options.has_byte_keys && count <= TR_TABLE_COUNT_MAX);
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
		if (slot == NULL || !tr_slot_is_alive(table, slot))
			continue;
		if (!is_change)
			tr_slot_read(table, slot, hashes[i]);
		else if (slot->stamp != table->epoch || table->options.ttl_ms > 0)
			(void)tr_slot_written(table, hashes[i], slot);
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
			*is_new |= tr_slot_written(table, hash, slot);
	} else {
		slot = tr_slot_add(table, hash, hash);
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
			tr_slot_kill(table, slot, hashes[i]);
	}
	return TR_FLOW_MORE;
}
