/* SPDX-License-Identifier: Apache-2.0
 *
 * Table: what an operator remembers of each key, for as long as it wants to. Entries are found by key, a batch at a time;
 * they survive, because a table can be written down bit by bit while it is being changed; and they may be more than fit into
 * memory.
 *
 *     key ──hash──▶ upper half: key group (state/key_group.h) and, by its first bits, the page
 *                   lower half: the place in the page
 *
 *     directory   [page] [page] ..         by the first bits of the hash; several neighbours may name the same page
 *     page        | slot | slot | ..       64 to 2,048 slots (or 128 KiB), open addressing; a full page doubles, then splits in two
 *     slot        | key or hash u64 | stamp u32 | flags u32 | [expiry i64] | value, or where in the page's heap it lies |
 *     heap        of a page: keys and values that are byte strings
 *
 * So growth moves one page at a time and never everything, neighbours in the directory are neighbours in key group, and
 * cold entries leave memory some neighbouring pages at a time.
 *
 * There are two sorts of tables. In one keys are int64 and values have a fixed size; a value lies beside its key, and
 * an access costs one cache miss. In the other keys are byte strings and values too. Lists and sorted rows of a key are
 * built on the latter (state/sorted_table.h).
 *
 * Snapshots. Each slot has a stamp: the number of the first checkpoint that will have its last change. A barrier for
 * checkpoint n makes n + 1 the stamp of changes from now on; that is all it does. What is due for n are the slots
 * with completed < stamp <= n. They are written by snapshot_step, between batches, page by page in the order of the hash. Who
 * changes a slot that is due and whose hash is still to come first has its old content written. Marks tell which slots
 * have changed, so that what did not change is not even looked at; when much of the table changes, none are kept, and
 * all slots are looked at.
 *
 *     snapshot(n) ── step, step, .. DONE        a stamp needs no second pass when n is given up: its slots are still
 *          └── snapshot(n + 1), at any time     newer than `completed`, and so are due for n + 1
 *
 * A deleted key stays as a tombstone until its deletion is part of a complete checkpoint. Compaction: pages that were last
 * written whole before `rewrite_before` are written whole; `base` is the age from which on records are still needed by any page.
 *
 * Time to live: with ttl_ms an entry expires that long after it was last written (or read). It is not found from then on,
 * and goes when its page is next rebuilt.
 *
 * Memory: with memory_limit cold entries leave to a file (state/table_cold.h). Then every call that takes keys may answer
 * BLOCKED: reads have been given to the queue. Call it again with the same keys once the queue has completed some. Without a
 * limit no call blocks, and all of them answer MORE.
 *
 * Pointers to values hold until the next call that takes the table, except tr_table_prefetch. Thread: one owner.
 */
#ifndef TR_STATE_TABLE_H
#define TR_STATE_TABLE_H

#include "base/flow.h"
#include "base/state_record.h"
#include "io/disk.h"

#define TR_TABLE_KEY_BYTES_MAX ((uint32_t)64 << 10)
#define TR_TABLE_VALUE_BYTES_MAX ((uint32_t)32 << 20)

struct tr_table;

struct tr_table_options {
	bool has_byte_keys;   /* keys and values are byte strings; else keys are int64 */
	uint32_t value_bytes; /* of each value, with int64 keys */
	uint16_t kind;        /* of its records */
	/* The key groups that it owns: [group_first, group_end) of group_count. Records of others are passed over. */
	uint32_t group_count, group_first, group_end;
	uint32_t expected;         /* keys, if known; 0 */
	int64_t ttl_ms;            /* 0: entries do not expire */
	bool is_ttl_read;          /* reading an entry makes it live longer, too */
	size_t memory_limit;       /* bytes; 0: all stays in memory. At least TR_TABLE_LIMIT_MIN */
	struct tr_io_queue *queue; /* with memory_limit: the owner's; who calls polls it */
	const char *cold_path;     /* with memory_limit: the file for cold entries, made anew */
};

/* Less makes no sense. What is on disk takes some 3 bytes an entry in memory, so with so little a table can only be held to its
 * limit as long as there are not more than some 400,000 entries. */
#define TR_TABLE_LIMIT_MIN ((size_t)2 << 20)

/** A key that is a byte string. `partition` is the upper half of the hash by which its row was dealt. */
struct tr_table_key {
	const void *bytes;
	uint32_t length;
	uint32_t partition;
};

struct tr_table_value {
	void *bytes; /* aligned to 8; NULL: there is none */
	uint32_t length;
};

tr_code tr_table_create(const struct tr_table_options *options, struct tr_table **table,
			struct tr_status *st) TR_MUST_USE;
void tr_table_destroy(struct tr_table **table);

/** Why a call has answered FAILED. */
const struct tr_status *tr_table_status(const struct tr_table *table);

/** Processing time, for time to live. It never goes back. */
void tr_table_set_now(struct tr_table *table, int64_t now_ms);

/* int64 keys. `count` is at most 2^20. The same key may come several times. */

/** values[i] becomes the value of keys[i], or NULL. For reading only. */
enum tr_flow tr_table_find_i64(struct tr_table *table, const int64_t *keys, uint32_t count, void **values);
/** values[i] becomes the value of keys[i], for changing; a new one is zeros. `is_new` (may be NULL) tells which are: of
 * several equal keys the first. */
enum tr_flow tr_table_upsert_i64(struct tr_table *table, const int64_t *keys, uint32_t count, void **values,
				 bool *is_new);
/** Deletes what there is of these keys. */
enum tr_flow tr_table_erase_i64(struct tr_table *table, const int64_t *keys, uint32_t count);
/** Fetches to the cache what one of the above will look at first, some microseconds later. */
void tr_table_prefetch_i64(const struct tr_table *table, const int64_t *keys, uint32_t count);

/* Keys that are byte strings. */

/** The key with the partition of its bytes' hash, for who has dealt its rows by tr_hash_bytes. */
struct tr_table_key tr_table_key_of(const void *bytes, uint32_t length);

enum tr_flow tr_table_find(struct tr_table *table, const struct tr_table_key *keys, uint32_t count,
			   struct tr_table_value *values);
/** The same for changing what is there. */
enum tr_flow tr_table_modify(struct tr_table *table, const struct tr_table_key *keys, uint32_t count,
			     struct tr_table_value *values);
/** values[i].length says how long the value is to be; its bytes come back for changing. A value keeps its content up to
 * the new length; what is new is zeros. Length UINT32_MAX: as it is (0 for a new one). Of several equal keys the last one
 * decides the length. */
enum tr_flow tr_table_upsert(struct tr_table *table, const struct tr_table_key *keys, uint32_t count,
			     struct tr_table_value *values, bool *is_new);
/** The value of a key becomes these bytes, which must not lie in the table. */
enum tr_flow tr_table_put(struct tr_table *table, const struct tr_table_key *key, const void *bytes, uint32_t length);
enum tr_flow tr_table_erase(struct tr_table *table, const struct tr_table_key *keys, uint32_t count);

/** A number that changes when values have moved. As long as it stays, pointers to values hold, other keys inserted or not. */
uint64_t tr_table_moves(const struct tr_table *table);

/** From here to release no call answers BLOCKED or looks at the memory limit. For keys that the call of find just before
 * has been given, there or not, and no others: what makes several changes of one. */
void tr_table_hold(struct tr_table *table);
void tr_table_release(struct tr_table *table);

/** An entry met by tr_table_scan. */
struct tr_table_entry {
	int64_t integer;         /* its key, one or the other */
	struct tr_table_key key; /* borrowed like values */
	struct tr_table_value value;
};

/** The entries of the key groups [group_first, group_end), in the order of pages; `cursor` is 0 at first. Gives up to `max`
 * (at least 1) entries; *count 0 with MORE: that was all. Nothing may be inserted or deleted between the calls of a scan. */
enum tr_flow tr_table_scan(struct tr_table *table, uint32_t group_first, uint32_t group_end, uint64_t *cursor,
			   uint32_t max, struct tr_table_entry *entries, uint32_t *count);

/** Changes the memory limit of a table that has one; from the next call with keys on. */
void tr_table_set_memory_limit(struct tr_table *table, size_t bytes);

/** Waits until reads or writes have come back, after BLOCKED. Only while restoring: it stops the thread. */
void tr_table_wait(struct tr_table *table);

/** Takes what has expired, and tombstones that are no longer needed, out of about `budget` bytes of pages, in turn. */
void tr_table_sweep(struct tr_table *table, size_t budget);

/** Entries in memory and on disk, tombstones and what has expired but is not swept included. */
uint64_t tr_table_count(const struct tr_table *table);
/** Memory of pages, heaps, directory and what a snapshot has gathered. */
size_t tr_table_bytes(const struct tr_table *table);

/** Of the file for cold entries. */
uint64_t tr_table_cold_bytes(const struct tr_table *table);

/* Snapshots. */

/** The border of order->checkpoint, which must be greater than any before. What was not written of the one before is given
 * up. *base: the age from which on records are needed, once this one is complete. Takes no time that grows with
 * the number of entries (a pass over 8 bytes a page). */
void tr_table_snapshot(struct tr_table *table, const struct tr_snapshot_order *order, uint64_t *base);

/** Writes about `budget` bytes (at least a page). MORE: there is more. DONE: that was all. BLOCKED: pages are being read.
 * FAILED: tr_table_status. */
enum tr_flow tr_table_snapshot_step(struct tr_table *table, struct tr_state_writer *writer, size_t budget);

/** A record that a table has just written, for who makes another one of it. Zero-initialise it, and set the record. */
struct tr_table_reading {
	const struct tr_state_record *record;
	size_t offset; /* of the next entry */
	uint32_t left;
	bool is_dead; /* the entries are keys that were deleted */
};

/** The next entry (of a table with byte keys and no time to live), borrowed from the record; its bytes are not aligned. False: that
 * was all. */
bool tr_table_read_next(struct tr_table_reading *reading, struct tr_table_entry *entry);

/** Restoring: a record of its kind, in the order in which they were written. TR_ERR_DATA: it is none of this table's. */
tr_code tr_table_load(struct tr_table *table, const void *bytes, size_t length, struct tr_status *st) TR_MUST_USE;

/** All has been loaded of `checkpoint`. The next snapshot's order says whether these records can still be counted on
 * (completed >= checkpoint: then the table needs those from `base` on), or all is due again (completed 0). */
void tr_table_load_end(struct tr_table *table, uint64_t checkpoint, uint64_t base);

#endif
