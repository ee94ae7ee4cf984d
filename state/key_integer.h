/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer form of a key table (state/key_table.h): one column of at most 8 bytes.
 *
 * Keys are int64 here: integers, dates and times as they are, FLOAT and DOUBLE as their bits. slot -> key is an array;
 * key -> slot is a direct index while the keys lie close together, else places of 16 bytes with linear probing, at
 * most half full (a quarter while they fit a cache, which spares most second looks).
 */
#ifndef TR_STATE_KEY_INTEGER_H
#define TR_STATE_KEY_INTEGER_H

#include "base/batch.h"

struct tr_key_place {
	int64_t key;
	uint32_t slot; /* plus one; 0: free */
	uint32_t reserved;
};

struct tr_key_integer {
	enum tr_phys phys;
	bool is_direct;
	uint32_t null_slot; /* UINT32_MAX: NULL has none */
	uint32_t slot_limit;
	uint32_t count; /* keys, NULL included */
	uint32_t slot_capacity;
	int64_t *keys; /* by slot */
	uint32_t *free_slots;
	uint32_t free_count;
	int64_t low, high; /* range of keys, valid while is_direct and count > 0 */
	int64_t base;      /* direct[key - base] */
	uint32_t *direct;  /* slot plus one */
	uint64_t direct_capacity;
	struct tr_key_place *places;
	uint32_t place_bits; /* log2 of their number */
	uint32_t expected;   /* keys that places should have room for when they are made */
	bool is_mostly_new;  /* most keys of the last batch were */
	int64_t *batch_keys; /* scratch */
	uint32_t *misses;
	uint32_t *positions;
	uint32_t *kept;
	uint32_t batch_capacity;
};

void tr_key_integer_init(struct tr_key_integer *table, enum tr_phys phys);
void tr_key_integer_deinit(struct tr_key_integer *table);
void tr_key_integer_map(struct tr_key_integer *table, const struct tr_column *column, const uint32_t *rows,
			uint32_t count, uint32_t *slots);
void tr_key_integer_expect(struct tr_key_integer *table, uint32_t count);
void tr_key_integer_remove(struct tr_key_integer *table, uint32_t slot);
void tr_key_integer_clear(struct tr_key_integer *table);
void tr_key_integer_gather(const struct tr_key_integer *table, const uint32_t *slots, uint32_t count,
			   struct tr_column_buffer *target, uint32_t at);
size_t tr_key_integer_bytes(const struct tr_key_integer *table);
size_t tr_key_integer_growth(const struct tr_key_integer *table, uint32_t count);

/** The values in rows[0 .. count) (row i when rows is NULL) of a column as keys. Those of NULLs are anything. */
void tr_key_integer_load(enum tr_phys phys, const struct tr_column *column, const uint32_t *rows, uint32_t count,
			 int64_t *keys);
/** Keys to rows at .. of a column of this physical type. */
void tr_key_integer_store(enum tr_phys phys, const int64_t *keys, uint32_t count, struct tr_column_buffer *target,
			  uint32_t at);

#endif
