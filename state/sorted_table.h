/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorted tables: many rows a key, in the order of a sort key. Joins, Top-N, OVER and lists live on them.
 *
 *     key, sort key ──▶ row        the sort key is bytes, compared as such: numbers go in big endian, sign bit flipped
 *
 * A layer over a table with byte keys (state/table.h), which brings snapshots, time and memory limits. The rows of a key are
 * cut into chunks:
 *
 *     entry of key              head: next chunk number, rows, fences | first sort key, chunk number, rows | ..
 *     entry of key + number     chunk: | row length u32 | sort length u16 | sort key | row | ..  in order
 *
 * A key with few rows has one chunk. A chunk of more than CHUNK_BYTES splits; an empty one goes. So a change writes one chunk,
 * and now and then the head. Rows live as long as their key: with time to live, every change of a key makes all of its head
 * live longer, and its chunks when they are met.
 *
 * Any call may answer BLOCKED when the table has a memory limit; then nothing was changed, and it is called again. Thread: one
 * owner.
 */
#ifndef TR_STATE_SORTED_TABLE_H
#define TR_STATE_SORTED_TABLE_H

#include "state/table.h"

#define TR_SORTED_SORT_BYTES_MAX 1024
#define TR_SORTED_ROW_BYTES_MAX ((uint32_t)16 << 20)
#define TR_SORTED_KEY_BYTES_MAX (TR_TABLE_KEY_BYTES_MAX - 4)

struct tr_sorted_table {
	struct tr_table *table; /* for snapshots, loading, time; its other functions would break the structure */
	char *scratch;          /* a key and a chunk being changed */
	size_t scratch_room;
};

struct tr_sorted_row {
	const void *sort; /* borrowed until the next call */
	uint32_t sort_length;
	const void *bytes;
	uint32_t length;
};

/** `options->has_byte_keys` must be set. */
tr_code tr_sorted_table_init(struct tr_sorted_table *sorted, const struct tr_table_options *options,
			     struct tr_status *st) TR_MUST_USE;
void tr_sorted_table_deinit(struct tr_sorted_table *sorted);

/** Whether an entry's key in the table below is that of a key with rows (and not of a chunk), which then is its first *length bytes. */
bool tr_sorted_table_is_key(const struct tr_table_key *entry_key, uint32_t *length);

/** Adds the row, or replaces that with the same sort key. */
enum tr_flow tr_sorted_table_put(struct tr_sorted_table *sorted, const struct tr_table_key *key,
				 const struct tr_sorted_row *row);

/** Deletes the row with this sort key, if there is one; *was_there (may be NULL) tells. */
enum tr_flow tr_sorted_table_erase(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
				   uint32_t sort_length, bool *was_there);

/** Deletes all rows of the key. */
enum tr_flow tr_sorted_table_clear(struct tr_sorted_table *sorted, const struct tr_table_key *key);

/** How many rows the key has. */
enum tr_flow tr_sorted_table_count(struct tr_sorted_table *sorted, const struct tr_table_key *key, uint64_t *count);

/** The first row whose sort key is at least `sort` (greater, with `is_after`). *row: bytes NULL if there is none. Going through
 * a range is asking for the row after the last one; that looks up the head and one chunk. */
enum tr_flow tr_sorted_table_seek(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
				  uint32_t sort_length, bool is_after, struct tr_sorted_row *row);

/** The last row. */
enum tr_flow tr_sorted_table_last(struct tr_sorted_table *sorted, const struct tr_table_key *key,
				  struct tr_sorted_row *row);

/** Up to `max` rows from `sort` on (as for seek), all of one chunk: what a scan should use. */
enum tr_flow tr_sorted_table_range(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
				   uint32_t sort_length, bool is_after, uint32_t max, struct tr_sorted_row *rows,
				   uint32_t *count);

#endif
