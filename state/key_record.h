/* SPDX-License-Identifier: Apache-2.0
 *
 * The record form of a key table (state/key_table.h): any number of columns of any type but nested ones.
 *
 *     record   | NULL bits | column 0 | column 1 | ..       8-byte words; strings and DECIMAL(19..38) take two
 *
 * A short string is its view; a long one is length, prefix and a pointer to bytes that the table owns. Records of the
 * batch are first put together in scratch memory, with pointers into the batch; a new key's long strings are copied.
 */
#ifndef TR_STATE_KEY_RECORD_H
#define TR_STATE_KEY_RECORD_H

#include "base/batch.h"

struct tr_key_record_place {
	uint64_t hash;
	uint32_t slot; /* plus one; 0: free */
	uint32_t reserved;
};

struct tr_key_record_column {
	enum tr_phys phys;
	uint32_t word; /* first word in the record */
};

struct tr_key_record {
	struct tr_key_record_column *columns;
	uint32_t column_count;
	uint32_t words;      /* of a record */
	uint32_t null_words; /* the first ones: a bit a column */
	uint32_t slot_limit;
	uint32_t count;
	uint32_t slot_capacity;
	uint64_t *records; /* by slot */
	uint64_t *hashes;  /* by slot */
	uint32_t *free_slots;
	uint32_t free_count;
	struct tr_key_record_place *places;
	uint32_t place_bits;
	size_t text_bytes;       /* of long strings, about */
	uint64_t *batch_records; /* scratch */
	uint64_t *batch_hashes;
	uint32_t batch_capacity;
};

void tr_key_record_init(struct tr_key_record *table, const struct tr_type *const *types, uint32_t column_count);
void tr_key_record_deinit(struct tr_key_record *table);
void tr_key_record_map(struct tr_key_record *table, const struct tr_column *const *columns, const uint32_t *rows,
		       uint32_t count, uint32_t *slots);
void tr_key_record_expect(struct tr_key_record *table, uint32_t count);
void tr_key_record_remove(struct tr_key_record *table, uint32_t slot);
void tr_key_record_clear(struct tr_key_record *table);
void tr_key_record_gather(const struct tr_key_record *table, const uint32_t *slots, uint32_t count,
			  struct tr_column_buffer *targets, uint32_t at, struct tr_heap *heap);
size_t tr_key_record_bytes(const struct tr_key_record *table);
size_t tr_key_record_growth(const struct tr_key_record *table, uint32_t count);

#endif
