/* SPDX-License-Identifier: Apache-2.0
 *
 * One slot of a table: read, written, added, deleted, with its stamp, its time to live and what a snapshot wants to keep of it.
 * Included by table.c, table_integer.c and table_bytes.c, whose batches all end in these.
 */
#ifndef TR_STATE_TABLE_SLOT_H
#define TR_STATE_TABLE_SLOT_H

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "state/table_cold.h"
#include "state/table_page.h"

#define TR_TABLE_COUNT_MAX (1u << 20) /* keys of a call */

/** Room for `count` hashes, until the next call. */
static inline void *tr_table_scratch(struct tr_table *table, uint32_t count)
{
	if (table->scratch_room < count) {
		table->scratch_room = TR_MAX(count, 2048u);
		table->scratch =
			tr_checked(realloc(table->scratch, (size_t)table->scratch_room * sizeof(*table->scratch)));
	}
	return table->scratch;
}

/** The slot is what was looked for: whether it counts for the caller. */
static inline bool tr_slot_is_alive(const struct tr_table *table, struct tr_slot *slot)
{
	return (slot->flags & TR_SLOT_DEAD) == 0 && !tr_slot_is_expired(table, slot);
}

static inline void tr_slot_expiry_set(struct tr_table *table, struct tr_slot *slot)
{
	if (table->options.ttl_ms > 0)
		*tr_slot_expiry(slot) = table->now_ms + table->options.ttl_ms;
}

static inline struct tr_slot *tr_slot_of_value(const struct tr_table *table, void *value)
{
	return (struct tr_slot *)(void *)((char *)value - table->value_offset);
}

/** A slot was read: lives longer, if reading does that. */
static inline void tr_slot_read(struct tr_table *table, struct tr_slot *slot, uint64_t hash)
{
	struct tr_page *page;

	if (!table->options.is_ttl_read || *tr_slot_expiry(slot) == table->now_ms + table->options.ttl_ms)
		return;
	page = tr_table_page_of(table, hash);
	if (slot->stamp != table->epoch) {
		tr_table_save_before(table, hash, slot);
		tr_page_stamp(table, page, slot);
	}
	tr_slot_expiry_set(table, slot);
}

/** A slot that was there is about to be written. True: it did not count, and begins anew. */
static inline bool tr_slot_written(struct tr_table *table, uint64_t hash, struct tr_slot *slot)
{
	struct tr_page *page = tr_table_page_of(table, hash);
	const bool is_new = !tr_slot_is_alive(table, slot);

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
	tr_slot_expiry_set(table, slot);
	return is_new;
}

/** A slot for a hash that is not there; pages may move. */
static inline struct tr_slot *tr_slot_add(struct tr_table *table, uint64_t hash, uint64_t word)
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
	tr_slot_expiry_set(table, slot);
	table->count++;
	return slot;
}

/** Deletes a slot that counts. It vanishes at once if no record can hold the key. */
static inline void tr_slot_kill(struct tr_table *table, struct tr_slot *slot, uint64_t hash)
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

#endif
