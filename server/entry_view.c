/* SPDX-License-Identifier: Apache-2.0
 *
 * See entry_view.h. Keys are those of api/run_keys.h: an int64, or the bytes of core/ops/window_codec.h.
 */
#include "server/entry_view.h"

#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "state/sorted_table.h"

static bool is_sorted(const struct tr_state_kind *kind)
{
	return strcmp(kind->table, "list") == 0 || strcmp(kind->table, "map") == 0;
}

bool tr_entry_is_one(const struct tr_state_kind *kind, const struct tr_table_entry *entry)
{
	uint32_t length;

	if (is_sorted(kind))
		return entry->key.length >= sizeof(uint32_t) && tr_sorted_table_is_key(&entry->key, &length);
	/* Behind a value of fixed size lies whether there is one. */
	return kind->value_bytes == 0 || entry->value.length != kind->value_bytes + 1 ||
	       ((const char *)entry->value.bytes)[kind->value_bytes] != 0;
}

struct reader {
	const char *at, *end;
};

static bool take(struct reader *r, void *to, size_t bytes)
{
	if ((size_t)(r->end - r->at) < bytes)
		return false;
	memcpy(to, r->at, bytes);
	r->at += bytes;
	return true;
}

static bool take_text(struct reader *r, struct tr_batch_buffer *row, struct tr_view *view)
{
	uint32_t length;

	if (!take(r, &length, sizeof(length)) || (size_t)(r->end - r->at) < length)
		return false;
	*view = tr_batch_buffer_view(row, r->at, length);
	r->at += length;
	return true;
}

/** The columns of a key from its bytes. */
static bool put_key(const struct tr_state_kind *kind, struct reader *r, struct tr_batch_buffer *row)
{
	const uint32_t null_bytes = (kind->key_count + 7) / 8;

	if ((size_t)(r->end - r->at) < null_bytes)
		return false;
	r->at += null_bytes; /* a key without state has NULLs */
	for (uint32_t c = 0; c < kind->key_count; c++) {
		struct tr_column_buffer *column = &row->columns[c];
		const size_t bytes = tr_phys_bytes((enum tr_phys)column->type->phys);

		if (column->type->phys == TR_PHYS_VIEW ? !take_text(r, row, column->data)
						       : bytes == 0 || !take(r, column->data, bytes))
			return false;
	}
	return r->at == r->end;
}

static bool put_value(const struct tr_state_kind *kind, const struct tr_table_entry *entry, struct tr_batch_buffer *row)
{
	struct tr_column_buffer *columns = row->columns + kind->key_count;
	const uint32_t count = kind->schema->column_count - kind->key_count;
	const char *value = entry->value.bytes;
	uint32_t end = 0;
	int64_t number = entry->value.length;

	if (!kind->is_struct) {
		if (is_sorted(kind) && number < (int64_t)sizeof(number))
			return false;
		if (is_sorted(kind))
			memcpy(&number, value, sizeof(number)); /* the head begins with how many rows there are */
		else if (kind->value_bytes > 0)
			number = kind->value_bytes;
		if (count != 1 || columns[0].type->phys != TR_PHYS_I64)
			return false;
		memcpy(columns[0].data, &number, sizeof(number));
		return true;
	}
	for (uint32_t c = 0; c < count; c++) {
		const uint32_t bytes = (uint32_t)tr_phys_bytes((enum tr_phys)columns[c].type->phys);
		const uint32_t at = bytes > 0 && bytes <= sizeof(int64_t) ? tr_table_member(&end, bytes) : UINT32_MAX;

		if (at == UINT32_MAX || end > entry->value.length)
			return false;
		memcpy(columns[c].data, value + at, bytes);
	}
	return true;
}

tr_code tr_entry_show(const struct tr_state_kind *kind, bool has_byte_keys, const struct tr_table_entry *entry,
		      struct tr_batch_buffer **row, struct tr_status *st)
{
	const char *key = has_byte_keys ? entry->key.bytes : (const char *)&entry->integer;
	struct reader r = {key, key + (has_byte_keys ? entry->key.length : sizeof(entry->integer))};
	struct tr_batch_buffer *b;
	bool is_good = true;
	int64_t time_ms = 0;

	if (*row == NULL)
		*row = tr_batch_buffer_create(kind->schema, 1);
	b = *row;
	tr_batch_buffer_clear(b);
	if (strcmp(kind->table, "timer") == 0)
		is_good = take(&r, &time_ms, sizeof(time_ms));
	if (is_sorted(kind))
		r.end -= sizeof(uint32_t);
	if (kind->key_count == 1 && r.end - r.at == (ptrdiff_t)sizeof(int64_t) &&
	    b->columns[0].type->phys >= TR_PHYS_I8 && b->columns[0].type->phys <= TR_PHYS_I64) {
		int64_t integer;

		memcpy(&integer, r.at, sizeof(integer));
		memcpy(b->columns[0].data, &integer, tr_phys_bytes((enum tr_phys)b->columns[0].type->phys));
	} else if (kind->key_count > 0) {
		is_good = is_good && put_key(kind, &r, b);
	}
	if (strcmp(kind->table, "timer") == 0)
		is_good = is_good && kind->schema->column_count == kind->key_count + 1 &&
			  b->columns[kind->key_count].type->phys == TR_PHYS_I64;
	if (is_good && strcmp(kind->table, "timer") == 0)
		memcpy(b->columns[kind->key_count].data, &time_ms, sizeof(time_ms));
	else
		is_good = is_good && put_value(kind, entry, b);
	if (!is_good)
		TR_FAIL(st, TR_ERR_DATA, "state '%s': an entry is not what its schema says", kind->name);
	tr_batch_buffer_seal(b, 1);
	return TR_OK;
}

tr_code tr_entry_check(const struct tr_state_kind *kind, const struct tr_state_record *record, uint64_t *entries,
		       struct tr_status *st)
{
	struct tr_batch_buffer *row = NULL;
	struct tr_table_cursor cursor;
	struct tr_table_entry entry;
	bool is_end = false;
	tr_code code = tr_table_cursor_open(&cursor, record->bytes, record->length, st);

	while (code == TR_OK && !is_end) {
		code = tr_table_cursor_next(&cursor, &entry, &is_end, st);
		if (code != TR_OK || is_end || cursor.is_dead || !tr_entry_is_one(kind, &entry))
			continue;
		code = tr_entry_show(kind, cursor.has_byte_keys, &entry, &row, st);
		++*entries;
	}
	if (row != NULL)
		tr_batch_buffer_destroy(&row);
	return code;
}
