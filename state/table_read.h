/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the records of tables (state/table.h) without a table: for who shows and checks what a checkpoint holds. The bytes come from a
 * file: whatever is wrong with them is TR_ERR_DATA. What a record looks like stands in table_snapshot.c.
 */
#ifndef TR_STATE_TABLE_READ_H
#define TR_STATE_TABLE_READ_H

#include "state/table.h"

struct tr_table_cursor {
	const char *at, *end;
	uint32_t left;        /* entries */
	uint32_t value_bytes; /* int64 keys */
	bool has_byte_keys;
	bool is_dead; /* the entries are keys that were deleted */
	uint32_t expiry_bytes;
};

tr_code tr_table_cursor_open(struct tr_table_cursor *cursor, const void *bytes, size_t length,
			     struct tr_status *st) TR_MUST_USE;

/** The next entry, borrowed from the record; its bytes are not aligned. *is_end: that was all. */
tr_code tr_table_cursor_next(struct tr_table_cursor *cursor, struct tr_table_entry *entry, bool *is_end,
			     struct tr_status *st) TR_MUST_USE;

/** Where the next member of a C struct lies, of a type of so many bytes (1, 2, 4 or 8); *end, 0 at first, becomes what is behind it. */
static inline uint32_t tr_table_member(uint32_t *end, uint32_t bytes)
{
	const uint32_t at = (*end + bytes - 1) / bytes * bytes;

	*end = at + bytes;
	return at;
}

#endif
