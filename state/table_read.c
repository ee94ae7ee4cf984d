/* SPDX-License-Identifier: Apache-2.0
 *
 * See table_read.h.
 */
#include "state/table_read.h"

#include <string.h>

#define VERSION 1
#define HEAD_BYTES 12
#define BYTE_KEYS 1 /* flags */
#define EXPIRY 2
#define DEAD 4

tr_code tr_table_cursor_open(struct tr_table_cursor *cursor, const void *bytes, size_t length, struct tr_status *st)
{
	const uint8_t *head = bytes;

	if (length < HEAD_BYTES || head[0] != VERSION || head[1] > (BYTE_KEYS | EXPIRY | DEAD))
		TR_FAIL(st, TR_ERR_DATA, "a record of a table: %zu bytes, version %u, sort %u", length,
			length > 0 ? head[0] : 0, length > 1 ? head[1] : 0);
	*cursor = (struct tr_table_cursor){
		.at = (const char *)bytes + HEAD_BYTES,
		.end = (const char *)bytes + length,
		.has_byte_keys = (head[1] & BYTE_KEYS) != 0,
		.is_dead = (head[1] & DEAD) != 0,
	};
	cursor->expiry_bytes = (head[1] & EXPIRY) != 0 && !cursor->is_dead ? sizeof(int64_t) : 0;
	memcpy(&cursor->value_bytes, head + 4, 4);
	memcpy(&cursor->left, head + 8, 4);
	return TR_OK;
}

static bool take(struct tr_table_cursor *c, void *to, size_t bytes)
{
	if ((size_t)(c->end - c->at) < bytes)
		return false;
	if (to != NULL)
		memcpy(to, c->at, bytes);
	c->at += bytes;
	return true;
}

static bool take_varint(struct tr_table_cursor *c, uint32_t *n)
{
	uint8_t byte = 128;

	*n = 0;
	for (uint32_t shift = 0; shift < 35 && byte >= 128; shift += 7) {
		if (!take(c, &byte, 1))
			return false;
		*n |= (uint32_t)(byte & 127) << shift;
	}
	return byte < 128;
}

static bool next_of_bytes(struct tr_table_cursor *c, struct tr_table_entry *entry)
{
	uint32_t length;

	if (!take(c, &entry->key.partition, 4) || !take_varint(c, &entry->key.length) || !take_varint(c, &length))
		return false;
	entry->key.bytes = c->at;
	if (!take(c, NULL, entry->key.length))
		return false;
	entry->value = (struct tr_table_value){(void *)(uintptr_t)c->at, length};
	return take(c, NULL, length);
}

tr_code tr_table_cursor_next(struct tr_table_cursor *c, struct tr_table_entry *entry, bool *is_end, struct tr_status *st)
{
	bool is_good;

	*entry = (struct tr_table_entry){.integer = 0};
	*is_end = c->left == 0;
	if (*is_end && c->at != c->end)
		TR_FAIL(st, TR_ERR_DATA, "a record of a table: %zu bytes behind the last entry",
			(size_t)(c->end - c->at));
	if (*is_end)
		return TR_OK;
	c->left--;
	if (c->has_byte_keys) {
		is_good = next_of_bytes(c, entry);
	} else {
		is_good = take(c, &entry->integer, sizeof(entry->integer));
		entry->value = (struct tr_table_value){(void *)(uintptr_t)c->at, c->is_dead ? 0 : c->value_bytes};
		is_good = is_good && take(c, NULL, entry->value.length);
	}
	if (!is_good || !take(c, NULL, c->expiry_bytes))
		TR_FAIL(st, TR_ERR_DATA, "a record of a table: an entry is cut off, %u are left", c->left);
	return TR_OK;
}
