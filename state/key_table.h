/* SPDX-License-Identifier: Apache-2.0
 *
 * Key table: gives each key of a grouping a dense slot number, so that everything else is a flat array by slot.
 *
 *     key columns of a batch  ──map──▶  slots[]         new keys get the lowest slot that was freed last, or the next
 *     slots[]  ──gather──▶  key columns                 remove(slot): no live state has the key any more
 *
 * Keys are equal as SQL groups them: NULL is a key like any other, -0.0 is 0.0, all NaNs are one. Three forms, chosen
 * by what the keys turn out to be:
 *
 *   none      no key columns: everything is slot 0
 *   integer   one column of at most 8 bytes. While the keys seen lie in a small range: a direct index. Otherwise open
 *             addressing over 16-byte places (key, slot) that are found in two passes over the batch: the first
 *             compares every row with the one place its hash names, without branches; the second walks on for the few
 *             that missed. Above the size of a cache, places are prefetched ahead of the first pass.
 *   record    anything else: the key's columns as 8-byte words side by side (strings as views), found by a 64-bit hash
 *
 * Memory: 12 to 40 bytes a key for integers. Thread: one owner.
 */
#ifndef TR_STATE_KEY_TABLE_H
#define TR_STATE_KEY_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/batch.h"
#include "tailrace/status.h"

struct tr_key_table;

/** A table for keys of these types (which must outlive it). TR_ERR_DATA: ARRAY, MAP or ROW as a key. */
tr_code tr_key_table_create(const struct tr_type *const *types, uint32_t column_count, struct tr_key_table **table,
			    struct tr_status *st) TR_MUST_USE;
void tr_key_table_destroy(struct tr_key_table **table);

/** Slots of the keys in rows[0 .. count) (row i when rows is NULL) of columns[0 .. column_count); adds new keys. */
void tr_key_table_map(struct tr_key_table *table, const struct tr_column *const *columns, const uint32_t *rows,
		      uint32_t count, uint32_t *slots);

/** About so many keys will be in the table: it makes room at once. Memory is touched only as keys come. */
void tr_key_table_expect(struct tr_key_table *table, uint32_t count);

/** Forgets the key; its slot will be given to another one. */
void tr_key_table_remove(struct tr_key_table *table, uint32_t slot);

/** Forgets all keys; keeps the memory. */
void tr_key_table_clear(struct tr_key_table *table);

/** Writes the keys of slots[0 .. count) to rows at .. of targets[0 .. column_count); long strings go to `heap`. */
void tr_key_table_gather(const struct tr_key_table *table, const uint32_t *slots, uint32_t count,
			 struct tr_column_buffer *targets, uint32_t at, struct tr_heap *heap);

/** One more than the highest slot ever given, and how many keys there are. */
uint32_t tr_key_table_slot_limit(const struct tr_key_table *table);
uint32_t tr_key_table_count(const struct tr_key_table *table);
size_t tr_key_table_bytes(const struct tr_key_table *table);

/** How many bytes more it may take, at least for a moment, while `count` keys are mapped that it does not have. */
size_t tr_key_table_growth(const struct tr_key_table *table, uint32_t count);

#endif
