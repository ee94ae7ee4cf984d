/* SPDX-License-Identifier: Apache-2.0
 *
 * All rows of a window, for functions and evictors that want them. See run_window.h.
 *
 *     chunk of (key, window, number u32)     | row | row | .. in the order in which they came
 *     row                                    | length u32 | time i64 | input u8, if there are two | columns (core/ops/value_bytes.h) |
 *
 * Rows are added to the last chunk until that has CHUNK_BYTES; so a row costs one look-up, and a checkpoint writes the chunks that have
 * changed. The entry knows how many chunks there are, and the length of the last one.
 */
#include <stdlib.h>

#include "api/run_window.h"
#include "base/check.h"
#include "core/ops/value_bytes.h"

#define CHUNK_BYTES 2048
#define ROW_BYTES_MAX ((uint32_t)16 << 20)

/** The key of a chunk: the place's with the number behind it. */
static struct tr_table_key chunk_key(const struct tr_run_place *place, uint32_t number)
{
	struct tr_table_key key = place->entry;
	struct tr_run_place *p = (struct tr_run_place *)(uintptr_t)place;

	memcpy(p->bytes + key.length, &number, sizeof(number));
	key.length += (uint32_t)sizeof(number);
	return key;
}

/** A row as bytes. */
static void add_bytes(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry,
		      const char *bytes, size_t length)
{
	struct tr_table_value chunk;
	struct tr_table_key key;

	if (entry->chunks == 0 || entry->chunk_bytes + length > CHUNK_BYTES) {
		entry->chunks++;
		entry->chunk_bytes = 0;
	}
	key = chunk_key(place, entry->chunks - 1);
	chunk = (struct tr_table_value){NULL, (uint32_t)(entry->chunk_bytes + length)};
	(void)tr_table_upsert(w->rows, &key, 1, &chunk, NULL);
	memcpy((char *)chunk.bytes + entry->chunk_bytes, bytes, length);
	entry->chunk_bytes += (uint32_t)length;
}

tr_code tr_run_rows_add(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry,
			const struct tr_row *row)
{
	const int64_t time_ms = tr_context_timestamp(w->context);
	uint32_t length = 0;

	tr_bytes_clear(&w->scratch);
	tr_bytes_append(&w->scratch, (const char *)&length, sizeof(length));
	tr_bytes_append(&w->scratch, (const char *)&time_ms, sizeof(time_ms));
	if (w->plan->f.input_count > 1)
		tr_bytes_append_char(&w->scratch, (char)(w->context->input - w->plan->f.inputs));
	for (uint32_t c = 0; c < row->batch->schema->column_count; c++)
		tr_value_bytes_append(&w->scratch, &row->batch->columns[c], row->row);
	if (w->scratch.length > ROW_BYTES_MAX)
		TR_FAIL(w->st, TR_ERR_DATA, "a row has %zu bytes; %u are the most that a window keeps",
			w->scratch.length, ROW_BYTES_MAX);
	length = (uint32_t)w->scratch.length;
	memcpy(w->scratch.data, &length, sizeof(length));
	add_bytes(w, place, entry, w->scratch.data, length);
	return TR_OK;
}

void tr_run_rows_make_room(struct tr_run_windows *w, uint32_t side, uint32_t rows)
{
	const struct tr_schema *schema = w->context->inputs[side];
	struct tr_run_side *s = &w->sides[side];

	if (s->batch != NULL && rows <= s->room)
		return;
	if (s->batch == NULL)
		s->batch = tr_batch_buffer_create(schema, 1);
	s->room = TR_MAX(TR_MAX(rows, 64u), 2 * s->room);
	/* More rows than other batches have: only the columns are used. */
	for (uint32_t c = 0; c < schema->column_count; c++)
		tr_column_buffer_reserve(&s->batch->columns[c], s->room);
	s->batch->capacity = s->room;
	s->times = tr_checked(realloc(s->times, s->room * sizeof(*s->times)));
	s->places = tr_checked(realloc(s->places, s->room * sizeof(*s->places)));
	s->is_evicted = tr_checked(realloc(s->is_evicted, s->room * sizeof(*s->is_evicted)));
	w->kept = tr_checked(realloc(w->kept, TR_MAX(w->sides[0].room, w->sides[1].room) * sizeof(*w->kept)));
}

/** All chunks to w->scratch, one behind the other. */
static void read_chunks(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_run_entry *entry)
{
	tr_bytes_clear(&w->scratch);
	for (uint32_t i = 0; i < entry->chunks; i++) {
		const struct tr_table_key key = chunk_key(place, i);
		struct tr_table_value chunk;

		(void)tr_table_find(w->rows, &key, 1, &chunk);
		TR_ASSERT(chunk.bytes != NULL);
		tr_bytes_append(&w->scratch, chunk.bytes, chunk.length);
	}
}

static uint32_t row_length(const char *bytes)
{
	uint32_t length;

	memcpy(&length, bytes, sizeof(length));
	TR_ASSERT(length > sizeof(length));
	return length;
}

static void read_row(struct tr_run_windows *w, size_t place)
{
	const char *bytes = w->scratch.data + place + sizeof(uint32_t), *time = bytes;
	struct tr_run_side *side;
	uint32_t number = 0, at;

	bytes += sizeof(int64_t);
	if (w->plan->f.input_count > 1)
		number = (uint8_t)*bytes++;
	TR_ASSERT(number < w->plan->f.input_count);
	side = &w->sides[number];
	at = side->count++;
	tr_run_rows_make_room(w, number, side->count);
	side->places[at] = place;
	memcpy(&side->times[at], time, sizeof(int64_t));
	side->is_evicted[at] = false;
	for (uint32_t c = 0; c < side->batch->batch.schema->column_count; c++)
		bytes = tr_value_bytes_take(bytes, &side->batch->columns[c], at, &side->batch->heap);
}

void tr_run_rows_read(struct tr_run_windows *w, const struct tr_run_place *place, const struct tr_run_entry *entry)
{
	for (uint32_t i = 0; i < w->plan->f.input_count; i++) {
		tr_run_rows_make_room(w, i, 1);
		tr_batch_buffer_clear(w->sides[i].batch);
		w->sides[i].count = 0;
	}
	read_chunks(w, place, entry);
	for (size_t at = 0; at < w->scratch.length; at += row_length(w->scratch.data + at))
		read_row(w, at);
	for (uint32_t i = 0; i < w->plan->f.input_count; i++)
		tr_batch_buffer_seal(w->sides[i].batch, w->sides[i].count);
}

void tr_run_rows_keep(struct tr_run_windows *w, const struct tr_run_place *place)
{
	const struct tr_run_side *side = &w->sides[0];
	struct tr_run_entry *entry = tr_run_window_entry(w, place);

	tr_run_rows_clear(w, place, entry);
	for (uint32_t i = 0; i < side->count; i++) {
		const char *bytes = w->scratch.data + side->places[i];

		if (!side->is_evicted[i])
			add_bytes(w, place, entry, bytes, row_length(bytes));
	}
}

void tr_run_rows_clear(struct tr_run_windows *w, const struct tr_run_place *place, struct tr_run_entry *entry)
{
	for (; entry->chunks > 0; entry->chunks--) {
		const struct tr_table_key key = chunk_key(place, entry->chunks - 1);

		(void)tr_table_erase(w->rows, &key, 1);
	}
	entry->chunk_bytes = 0;
}

void tr_run_rows_move(struct tr_run_windows *w, const struct tr_run_place *into, const struct tr_run_place *from)
{
	struct tr_run_entry *entry = tr_run_window_entry(w, from);
	struct tr_table_value value = {NULL, w->plan->entry_bytes};

	if (entry == NULL || !entry->has_contents)
		return;
	read_chunks(w, from, entry);
	(void)tr_table_upsert(w->entries, &into->entry, 1, &value, NULL);
	entry = value.bytes;
	entry->has_contents = true;
	for (size_t at = 0; at < w->scratch.length; at += row_length(w->scratch.data + at))
		add_bytes(w, into, entry, w->scratch.data + at, row_length(w->scratch.data + at));
}
