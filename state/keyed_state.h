/* SPDX-License-Identifier: Apache-2.0
 *
 * Keyed state as Flink names it, for operators that were written against it: value, list, map, reducing and aggregating state
 * of the current key. Each is a thin layer: value, reducing and aggregating state over a table with byte keys
 * (state/table.h), list and map state over a sorted table (state/sorted_table.h). Snapshots, loading, processing time and
 * limits go to that table.
 *
 *     value        one value a key                       set replaces
 *     list         elements in the order of adding       add appends
 *     map          map key -> value, in bytewise order   put replaces
 *     reducing     one value, folded from all added      reduce(accumulated, added)
 *     aggregating  an accumulator of another form        add(accumulator, added), result(accumulator)
 *
 * Time to live as in Flink: written by create and write, or by read and write (is_ttl_read), never returned when it has
 * expired. Of lists and maps what expires together is a chunk of neighbouring elements: each at least as long after it was
 * written as the configuration says, never shorter.
 *
 * All calls answer BLOCKED as their tables do: call again. Thread: one owner.
 */
#ifndef TR_STATE_KEYED_STATE_H
#define TR_STATE_KEYED_STATE_H

#include "state/sorted_table.h"

/** Value. `value->bytes` NULL: there is none. */
enum tr_flow tr_keyed_value_get(struct tr_table *table, const struct tr_table_key *key, struct tr_table_value *value);
enum tr_flow tr_keyed_value_set(struct tr_table *table, const struct tr_table_key *key, const void *bytes,
				uint32_t length);
enum tr_flow tr_keyed_value_clear(struct tr_table *table, const struct tr_table_key *key);

/** List. Elements are numbered as they are added; get gives up to `max` from *cursor (0 at first) on, count 0 at the end. */
enum tr_flow tr_keyed_list_add(struct tr_sorted_table *list, const struct tr_table_key *key, const void *bytes,
			       uint32_t length);
enum tr_flow tr_keyed_list_get(struct tr_sorted_table *list, const struct tr_table_key *key, uint64_t *cursor,
			       uint32_t max, struct tr_table_value *elements, uint32_t *count);
enum tr_flow tr_keyed_list_clear(struct tr_sorted_table *list, const struct tr_table_key *key);

/** Map. `value->bytes` NULL: the map key is not there. Going through all: tr_sorted_table_range. */
enum tr_flow tr_keyed_map_get(struct tr_sorted_table *map, const struct tr_table_key *key, const void *map_key,
			      uint32_t map_key_length, struct tr_table_value *value);
enum tr_flow tr_keyed_map_put(struct tr_sorted_table *map, const struct tr_table_key *key, const void *map_key,
			      uint32_t map_key_length, const void *bytes, uint32_t length);
enum tr_flow tr_keyed_map_remove(struct tr_sorted_table *map, const struct tr_table_key *key, const void *map_key,
				 uint32_t map_key_length);
enum tr_flow tr_keyed_map_clear(struct tr_sorted_table *map, const struct tr_table_key *key);

/** How values of `bytes` bytes are folded. `accumulated` is aligned to 8 and zeros at first, and then is_first is true. A
 * reducing state has reduce functions that copy the first one. */
struct tr_fold {
	uint32_t bytes;
	void *context;
	void (*add)(void *context, void *accumulated, bool is_first, const void *added);
	void (*result)(void *context, const void *accumulated, void *result); /* NULL: the accumulator itself */
};

/** Reducing and aggregating. */
enum tr_flow tr_keyed_fold_add(struct tr_table *table, const struct tr_fold *fold, const struct tr_table_key *key,
			       const void *added);
/** *has: whether anything was added; then `result` has been written. */
enum tr_flow tr_keyed_fold_get(struct tr_table *table, const struct tr_fold *fold, const struct tr_table_key *key,
			       void *result, bool *has);

#endif
