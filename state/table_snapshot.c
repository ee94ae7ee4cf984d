/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots of a table and their records; state/table.h says how they go. A record:
 *
 *     | version u8 = 1 | flags u8 | reserved u16 = 0 | value bytes u32 | entries u32 |
 *         flags: 1 byte keys; 2 entries have an expiry; 4 tombstones: entries without value and expiry
 *     int64 keys   | key i64 | value | [expiry i64] |                                      again and again
 *     byte keys    | partition u32 | key length varint | value length varint | key | value | [expiry i64] |
 *
 * Varints are LEB128 of at most five bytes. Nothing is aligned. So an entry of an int64 key costs exactly itself.
 */
#include "state/table_cold.h"
#include "state/table_page.h"

#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define HEAD_BYTES 12
#define ROOM ((size_t)TR_STATE_RECORD_BYTES)
#define INDICES 2048
#define GATHERED 512
#define PREFETCH_SLOTS 96
#define PREFETCH_AHEAD 24
#define PREFETCH_LINES 14 /* head and marks of a page */

enum record_flags { RECORD_BYTE_KEYS = 1, RECORD_EXPIRY = 2, RECORD_DEAD = 4 };

/* Gathering. */

static struct tr_gathered *gathered_get(struct tr_table_snapshot *s, size_t room)
{
	struct tr_gathered *g = s->spare;

	if (g != NULL && g->room >= room) {
		s->spare = g->next;
	} else {
		room = TR_MAX(room, ROOM);
		g = tr_checked(malloc(sizeof(*g) + room));
		g->room = room;
		s->bytes += sizeof(*g) + room;
	}
	g->next = NULL;
	g->length = HEAD_BYTES;
	g->count = 0;
	return g;
}

static void gathered_put(struct tr_table_snapshot *s, struct tr_gathered *g)
{
	if (g->room > ROOM || s->spare != NULL) {
		s->bytes -= sizeof(*g) + g->room;
		free(g);
		return;
	}
	g->next = NULL;
	s->spare = g;
}

/** Puts the record that is open into the row of those that wait. */
static void gathered_close(struct tr_table *table, bool is_dead)
{
	struct tr_table_snapshot *s = &table->snapshot;
	struct tr_gathered *g = s->open[is_dead];
	const uint32_t value_bytes = table->options.value_bytes;

	s->open[is_dead] = NULL;
	memset(g->bytes, 0, HEAD_BYTES);
	g->bytes[0] = VERSION;
	g->bytes[1] = (char)((table->options.has_byte_keys ? RECORD_BYTE_KEYS : 0) |
			     (table->options.ttl_ms > 0 ? RECORD_EXPIRY : 0) | (is_dead ? RECORD_DEAD : 0));
	memcpy(g->bytes + 4, &value_bytes, 4);
	memcpy(g->bytes + 8, &g->count, 4);
	*s->last = g;
	s->last = &g->next;
}

/** Room for an entry of up to `bytes` in a record of its sort. */
static inline char *gathered_room(struct tr_table *table, bool is_dead, size_t bytes)
{
	struct tr_table_snapshot *s = &table->snapshot;
	struct tr_gathered *g = s->open[is_dead];

	if (TR_UNLIKELY(g == NULL || g->room - g->length < bytes)) {
		if (g != NULL)
			gathered_close(table, is_dead);
		s->open[is_dead] = g = gathered_get(s, HEAD_BYTES + bytes);
	}
	g->count++;
	return g->bytes + g->length;
}

static char *put_varint(char *at, uint32_t n)
{
	for (; n >= 128; n >>= 7)
		*at++ = (char)(n | 128);
	*at++ = (char)n;
	return at;
}

static void gather_bytes(struct tr_table *table, struct tr_slot *slot, struct tr_blob *blob, bool is_dead)
{
	const uint32_t value_length = is_dead ? 0 : blob->value_length;
	char *begin = gathered_room(table, is_dead, (size_t)4 + 5 + 5 + blob->key_length + value_length + 8),
	     *at = begin;

	memcpy(at, &blob->partition, 4);
	at = put_varint(at + 4, blob->key_length);
	at = put_varint(at, value_length);
	memcpy(at, tr_blob_key(blob), blob->key_length);
	at += blob->key_length;
	memcpy(at, tr_blob_value(blob), value_length);
	at += value_length;
	if (!is_dead && table->options.ttl_ms > 0) {
		memcpy(at, tr_slot_expiry(slot), 8);
		at += 8;
	}
	table->snapshot.open[is_dead]->length += (size_t)(at - begin);
}

/** Puts an entry into a record. `blob` only with byte keys. */
static inline void gather_entry(struct tr_table *table, struct tr_slot *slot, struct tr_blob *blob)
{
	const bool is_dead = (slot->flags & TR_SLOT_DEAD) != 0;
	const uint32_t value_bytes = is_dead ? 0 : table->options.value_bytes;
	size_t bytes = 8 + (size_t)value_bytes;
	char *at;

	if (table->options.has_byte_keys) {
		gather_bytes(table, slot, blob, is_dead);
		return;
	}
	at = gathered_room(table, is_dead, bytes + 8);
	memcpy(at, &slot->word, 8);
	if (value_bytes == 16)
		memcpy(at + 8, (char *)slot + table->value_offset, 16);
	else
		memcpy(at + 8, (char *)slot + table->value_offset, value_bytes);
	if (!is_dead && table->options.ttl_ms > 0) {
		memcpy(at + bytes, tr_slot_expiry(slot), 8);
		bytes += 8;
	}
	table->snapshot.open[is_dead]->length += bytes;
}

/** The same for a slot in memory, whose key has a record from now on. */
static inline void gather(struct tr_table *table, struct tr_slot *slot, struct tr_blob *blob)
{
	if ((slot->flags & TR_SLOT_NEW) != 0)
		slot->flags &= ~(uint32_t)TR_SLOT_NEW;
	gather_entry(table, slot, blob);
}

static inline struct tr_blob *blob_of(const struct tr_table *table, const struct tr_page *page, struct tr_slot *slot)
{
	return table->options.has_byte_keys ? tr_slot_blob(table, page, slot) : NULL;
}

/* Snapshots. */

void tr_table_snapshot_end(struct tr_table *table)
{
	struct tr_table_snapshot *s = &table->snapshot;

	if (s->is_active && table->cold != NULL)
		tr_cold_unload_all(table);
	for (uint32_t i = 0; i < 2; i++)
		free(s->open[i]);
	while (s->first != NULL) {
		struct tr_gathered *g = s->first;

		s->first = g->next;
		free(g);
	}
	free(s->spare);
	memset(s, 0, sizeof(*s));
	s->last = &s->first;
}

/** Whether all of the page is due for the snapshot, changed or not. */
static bool is_whole(const struct tr_table *table, uint32_t page)
{
	const uint64_t base = tr_page_base(table, page);

	return base == 0 || table->snapshot.completed == 0 || base < table->snapshot.rewrite_before;
}

void tr_table_snapshot(struct tr_table *table, const struct tr_snapshot_order *order, uint64_t *base)
{
	struct tr_table_snapshot *s = &table->snapshot;
	uint64_t least = tr_state_age(order->checkpoint);

	TR_ASSERT(order->checkpoint >= table->epoch && order->checkpoint < UINT32_MAX);
	TR_ASSERT(order->completed < order->checkpoint && order->completed >= table->completed);
	tr_table_snapshot_end(table);
	s->is_active = true;
	s->checkpoint = (uint32_t)order->checkpoint;
	s->completed = table->completed = (uint32_t)order->completed;
	s->rewrite_before = order->rewrite_before;
	table->epoch = s->checkpoint + 1;
	table->is_full = tr_table_is_mostly_changed(table);
	if (table->is_full)
		table->full_epoch = table->epoch;
	table->changed = 0;
	for (uint32_t i = 0; i < table->page_count; i++) {
		if (is_whole(table, i))
			s->has_whole = true;
		else
			least = TR_MIN(least, tr_page_base(table, i));
	}
	*base = least;
}

void tr_table_save_before(struct tr_table *table, uint64_t hash, struct tr_slot *slot)
{
	const struct tr_table_snapshot *s = &table->snapshot;

	if (!s->is_active || s->is_visited || hash < s->next_hash || slot->stamp > s->checkpoint)
		return;
	if (slot->stamp > s->completed || is_whole(table, tr_table_place_of(table, hash)->page))
		gather(table, slot, blob_of(table, tr_table_page_of(table, hash), slot));
}

void tr_table_save_due(struct tr_table *table, struct tr_slot *const *slots, uint32_t count)
{
	const uint32_t value_bytes = table->options.value_bytes, entry_bytes = 8 + value_bytes;

	for (uint32_t i = 0; i < count;) {
		char *at = gathered_room(table, false, entry_bytes);
		struct tr_gathered *g = table->snapshot.open[0];
		const uint32_t end = i + TR_MIN(count - i, (uint32_t)((g->room - g->length) / entry_bytes));

		for (g->count--; i < end; i++) {
			struct tr_slot *slot = slots[i];

			if (TR_UNLIKELY((slot->flags & (TR_SLOT_DEAD | TR_SLOT_NEW)) != 0)) {
				if ((slot->flags & TR_SLOT_DEAD) != 0) {
					gather(table, slot, NULL);
					continue;
				}
				slot->flags &= ~(uint32_t)TR_SLOT_NEW;
			}
			memcpy(at, &slot->word, 8);
			if (value_bytes == 16)
				memcpy(at + 8, (char *)slot + TR_SLOT_BODY, 16);
			else
				memcpy(at + 8, (char *)slot + TR_SLOT_BODY, value_bytes);
			at += entry_bytes;
			g->count++;
		}
		g->length = (size_t)(at - g->bytes);
	}
}

/** The numbers of the bits that are set in `count` words. Behind the last it is repeated PREFETCH_AHEAD times. */
static uint32_t list_due(const uint64_t *words, uint32_t count, uint16_t *indices)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < count; w++)
		for (uint64_t left = words[w]; left != 0; left &= left - 1)
			indices[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(left));
	for (uint32_t i = 0; n > 0 && i < PREFETCH_AHEAD; i++)
		indices[n + i] = indices[n - 1];
	return n;
}

/** Writes what is due of the cold entries of a page, which are loaded and stay as they are. Returns the bytes looked at. */
static size_t visit_cold(struct tr_table *table, struct tr_page *page, uint32_t after, uint32_t until)
{
	struct tr_cold_cursor cursor = {0};
	size_t cost = 0;
	struct tr_slot *slot;
	struct tr_blob *blob;

	while ((slot = tr_cold_next(table, page, &cursor, &blob)) != NULL) {
		if (slot->stamp > after && slot->stamp <= until)
			gather_entry(table, slot, blob);
		cost += table->slot_bytes;
	}
	tr_cold_unload(table, page);
	return cost;
}

/** Gathers all slots of a page with after < stamp <= until, found without a branch. Returns the bytes looked at. */
static size_t page_gather(struct tr_table *table, struct tr_page *page, uint32_t after, uint32_t until)
{
	const uint32_t slots = (uint32_t)1 << page->slot_bits;

	for (uint32_t first = 0; first < slots; first += GATHERED) {
		const uint32_t end = TR_MIN(first + GATHERED, slots);
		struct tr_slot *due[GATHERED];
		uint32_t n = 0;

		for (uint32_t i = first; i < end; i++) {
			due[n] = tr_slot_at(table, page->slots, i);
			__builtin_prefetch(tr_slot_at(table, page->slots, i + PREFETCH_SLOTS), 1, 3);
			n += due[n]->stamp - after - 1 < until - after;
		}
		if (!table->options.has_byte_keys && table->options.ttl_ms == 0) {
			tr_table_save_due(table, due, n);
			continue;
		}
		for (uint32_t i = 0; i < n; i++)
			gather(table, due[i], blob_of(table, page, due[i]));
	}
	return (size_t)slots * table->slot_bytes;
}

/** About the bytes of the entries of a page that have not changed since the last complete checkpoint. */
static uint64_t old_bytes(const struct tr_table *table, struct tr_page *page)
{
	const uint32_t slots = (uint32_t)1 << page->slot_bits;
	uint64_t count = 0;

	for (uint32_t i = 0; i < slots; i++)
		count += tr_slot_at(table, page->slots, i)->stamp - 1 < table->snapshot.completed;
	if (!table->options.has_byte_keys)
		return count * (8 + table->options.value_bytes);
	/* A blob's head and padding are not written. */
	return count == 0 ? 0
			  : count * ((uint64_t)(page->heap_used - page->heap_garbage) * 8 / page->used -
				     sizeof(struct tr_blob));
}

/** Writes what is due of a page. Returns about what it took, in bytes. */
static size_t page_visit(struct tr_table *table, struct tr_state_writer *writer, uint32_t number)
{
	const struct tr_table_snapshot *s = &table->snapshot;
	struct tr_page *page = table->pages[number];
	const bool whole = is_whole(table, number), is_all = whole || table->full_epoch > s->completed;
	const uint32_t after = whole ? 0 : s->completed, until = s->checkpoint;
	const uint64_t *due = tr_page_marks(page, TR_MARK_BEFORE);
	const uint32_t words = tr_page_words(page);
	size_t cost = 64;

	if (page->visited == s->checkpoint)
		return cost;
	if (page->dirty_epoch <= s->checkpoint)
		tr_page_marks_move(page, TR_MARK_DIRTY, TR_MARK_BEFORE);
	if (page->visited > s->completed)
		tr_page_marks_move(page, TR_MARK_WRITTEN, TR_MARK_BEFORE);
	else
		memset(tr_page_marks(page, TR_MARK_WRITTEN), 0, words * sizeof(uint64_t));
	if (whole && tr_page_base(table, number) != 0)
		writer->rewritten += old_bytes(table, page);
	if (is_all)
		cost += page_gather(table, page, after, until);
	for (uint32_t w = 0; !is_all && w < words; w += INDICES / 64) {
		uint16_t indices[INDICES + PREFETCH_AHEAD];
		const uint32_t n = list_due(due + w, TR_MIN(words - w, (uint32_t)INDICES / 64), indices);

		for (uint32_t i = 0; i < n; i++) {
			struct tr_slot *slot = tr_slot_at(table, page->slots, w * 64 + indices[i]);

			__builtin_prefetch(tr_slot_at(table, page->slots, w * 64 + indices[i + PREFETCH_AHEAD]), 1, 3);
			if (slot->stamp > after && slot->stamp <= until)
				gather(table, slot, blob_of(table, page, slot));
		}
		cost += (size_t)n * table->slot_bytes;
	}
	if (table->cold != NULL)
		cost += visit_cold(table, page, after, until);
	tr_page_marks_move(page, TR_MARK_BEFORE, TR_MARK_WRITTEN);
	page->visited = s->checkpoint;
	table->base[number] = tr_page_base(table, number);
	table->rewritten[number] = whole ? TR_MAX(writer->age, tr_state_age(s->checkpoint)) : 0;
	if (page->dead > page->used / 4)
		tr_page_rebuild(table, number);
	return cost;
}

static tr_code put_waiting(struct tr_table *table, struct tr_state_writer *writer, size_t *budget)
{
	struct tr_table_snapshot *s = &table->snapshot;

	while (s->first != NULL && *budget > 0) {
		struct tr_gathered *g = s->first;

		const struct tr_state_record record = {
			.kind = table->options.kind, .is_keyed = true, .bytes = g->bytes, .length = g->length};

		TR_TRY(writer->put(writer, &record, &table->status));
		*budget -= TR_MIN(*budget, g->length);
		s->first = g->next;
		if (s->first == NULL)
			s->last = &s->first;
		gathered_put(s, g);
	}
	return TR_OK;
}

/** The snapshot is about to leave this page: sets the border, and fetches what it will look at first. */
static void next_page(struct tr_table *table, const struct tr_page *page)
{
	struct tr_table_snapshot *s = &table->snapshot;
	const uint64_t width = UINT64_C(1) << (63 - page->depth) << 1; /* 0: all hashes */
	const char *next;

	s->next_hash = (page->prefix + 1) * width;
	s->is_visited = s->next_hash == 0;
	if (s->is_visited)
		return;
	next = (const char *)tr_table_page_of(table, s->next_hash);
	for (uint32_t line = 0; line < PREFETCH_LINES; line++)
		__builtin_prefetch(next + (size_t)line * 64, 1, 3);
}

enum tr_flow tr_table_snapshot_step(struct tr_table *table, struct tr_state_writer *writer, size_t budget)
{
	struct tr_table_snapshot *s = &table->snapshot;
	struct tr_page *page;
	uint32_t number;
	size_t cost;

	if (!s->is_active)
		return TR_FLOW_DONE;
	budget = TR_MAX(budget, 1u);
	while (!s->is_visited) {
		if (put_waiting(table, writer, &budget) != TR_OK)
			return TR_FLOW_FAILED;
		if (budget == 0)
			return TR_FLOW_MORE;
		number = tr_table_place_of(table, s->next_hash)->page;
		page = table->pages[number];
		if (table->cold != NULL && page->visited != s->checkpoint) {
			const enum tr_flow flow = tr_cold_load(table, page, is_whole(table, number) ? 0 : s->completed);

			if (flow != TR_FLOW_MORE)
				return flow;
		}
		next_page(table, page);
		/* What is gathered is charged when it is put, looking for it here. */
		cost = page_visit(table, writer, number) / 8;
		budget -= TR_MIN(budget, cost);
	}
	for (uint32_t i = 0; i < 2; i++)
		if (s->open[i] != NULL)
			gathered_close(table, i != 0);
	budget = SIZE_MAX;
	if (put_waiting(table, writer, &budget) != TR_OK)
		return TR_FLOW_FAILED;
	tr_table_snapshot_end(table);
	return TR_FLOW_DONE;
}

/* Loading. */

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

static bool take_varint(struct reader *r, uint32_t *n)
{
	uint64_t value = 0;

	for (uint32_t shift = 0; shift < 35; shift += 7) {
		uint8_t byte;

		if (!take(r, &byte, 1))
			return false;
		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			*n = (uint32_t)value;
			return value <= UINT32_MAX;
		}
	}
	return false;
}

static bool is_owned(const struct tr_table *table, uint64_t hash)
{
	const uint32_t group = tr_key_group(hash, table->options.group_count);

	return group >= table->options.group_first && group < table->options.group_end;
}

static struct tr_slot *slot_of_value(const struct tr_table *table, void *value)
{
	return (struct tr_slot *)(void *)((char *)value - table->value_offset);
}

/** While loading, a deleted key goes at once: whatever is still to come is newer. */
static void slot_forget(struct tr_table *table, struct tr_slot *slot)
{
	if (slot != NULL)
		tr_page_remove(table, tr_table_page_of(table, tr_slot_hash(table, slot)), slot);
}

void tr_table_wait(struct tr_table *table) { (void)tr_io_wait(table->options.queue, -1); }

/** Loading waits for the disk. */
static tr_code load_wait(struct tr_table *table, enum tr_flow flow, struct tr_status *st)
{
	if (flow == TR_FLOW_FAILED) {
		if (st != NULL)
			*st = table->status;
		return table->status.code;
	}
	tr_table_wait(table);
	return TR_OK;
}

static tr_code load_integers(struct tr_table *table, struct reader r, uint32_t count, bool is_dead, struct tr_status *st)
{
	const bool has_expiry = !is_dead && table->options.ttl_ms > 0;
	const size_t value_bytes = is_dead ? 0 : table->options.value_bytes;
	const size_t entry_bytes = 8 + value_bytes + (has_expiry ? 8 : 0);
	int64_t keys[256];
	const char *from[256];
	void *values[256];
	enum tr_flow flow;

	if ((size_t)(r.end - r.at) != count * entry_bytes)
		TR_FAIL(st, TR_ERR_DATA, "table record: %zu bytes for %u entries of %zu", (size_t)(r.end - r.at), count,
			entry_bytes);
	while (count > 0) {
		uint32_t n = 0;

		for (; count > 0 && n < TR_COUNT_OF(keys); count--, r.at += entry_bytes) {
			memcpy(&keys[n], r.at, 8);
			from[n] = r.at + 8;
			n += is_owned(table, tr_hash_u64((uint64_t)keys[n]));
		}
		while (table->cold != NULL && (flow = tr_cold_prepare_i64(table, keys, n)) != TR_FLOW_MORE)
			TR_TRY(load_wait(table, flow, st));
		if (is_dead) {
			for (uint32_t i = 0; i < n; i++)
				slot_forget(table, tr_table_slot_i64(table, keys[i]));
			continue;
		}
		while ((flow = tr_table_upsert_i64(table, keys, n, values, NULL)) != TR_FLOW_MORE)
			TR_TRY(load_wait(table, flow, st));
		for (uint32_t i = 0; i < n; i++) {
			slot_of_value(table, values[i])->flags &= ~(uint32_t)TR_SLOT_NEW;
			if (value_bytes == 16)
				memcpy(values[i], from[i], 16);
			else
				memcpy(values[i], from[i], value_bytes);
			if (has_expiry)
				memcpy((char *)values[i] - 8, from[i] + value_bytes, 8);
		}
	}
	return TR_OK;
}

static tr_code load_bytes(struct tr_table *table, struct reader r, uint32_t count, bool is_dead, struct tr_status *st)
{
	const size_t expiry_bytes = !is_dead && table->options.ttl_ms > 0 ? 8 : 0;

	for (uint32_t i = 0; i < count; i++) {
		struct tr_table_key key;
		struct tr_table_value value;
		struct tr_slot *slot;
		uint32_t value_length;
		enum tr_flow flow;
		uint64_t hash;

		if (!take(&r, &key.partition, 4) || !take_varint(&r, &key.length) || !take_varint(&r, &value_length) ||
		    key.length > TR_TABLE_KEY_BYTES_MAX || value_length > TR_TABLE_VALUE_BYTES_MAX ||
		    (is_dead && value_length > 0) ||
		    (size_t)(r.end - r.at) < (size_t)key.length + value_length + expiry_bytes)
			TR_FAIL(st, TR_ERR_DATA, "table record: entry %u of %u is cut off or too long", i, count);
		key.bytes = r.at;
		r.at += key.length;
		if (!is_owned(table, (uint64_t)key.partition << 32)) {
			r.at += value_length + expiry_bytes;
			continue;
		}
		hash = tr_table_key_hash(&key);
		while (table->cold != NULL && (flow = tr_cold_prepare(table, &key, &hash, 1)) != TR_FLOW_MORE)
			TR_TRY(load_wait(table, flow, st));
		if (is_dead) {
			slot_forget(table, tr_table_slot(table, &key, hash));
			continue;
		}
		value = (struct tr_table_value){NULL, value_length};
		while ((flow = tr_table_upsert(table, &key, 1, &value, NULL)) != TR_FLOW_MORE)
			TR_TRY(load_wait(table, flow, st));
		memcpy(value.bytes, r.at, value_length);
		r.at += value_length;
		slot = tr_table_slot(table, &key, hash);
		slot->flags &= ~(uint32_t)TR_SLOT_NEW;
		memcpy(tr_slot_expiry(slot), r.at, expiry_bytes);
		r.at += expiry_bytes;
	}
	if (r.at != r.end)
		TR_FAIL(st, TR_ERR_DATA, "table record: %zu bytes after the last of %u entries", (size_t)(r.end - r.at),
			count);
	return TR_OK;
}

bool tr_table_read_next(struct tr_table_reading *reading, struct tr_table_entry *entry)
{
	const char *bytes = reading->record->bytes;
	struct reader r;
	uint32_t value_length;

	if (reading->offset == 0) {
		TR_ASSERT(reading->record->length >= HEAD_BYTES && bytes[0] == VERSION);
		TR_ASSERT(((uint8_t)bytes[1] & ~RECORD_DEAD) == RECORD_BYTE_KEYS);
		reading->is_dead = ((uint8_t)bytes[1] & RECORD_DEAD) != 0;
		memcpy(&reading->left, bytes + 8, 4);
		reading->offset = HEAD_BYTES;
	}
	if (reading->left == 0)
		return false;
	r = (struct reader){bytes + reading->offset, bytes + reading->record->length};
	TR_ASSERT(take(&r, &entry->key.partition, 4) && take_varint(&r, &entry->key.length) &&
		  take_varint(&r, &value_length) && (size_t)(r.end - r.at) >= (size_t)entry->key.length + value_length);
	entry->key.bytes = r.at;
	entry->value = (struct tr_table_value){(void *)(uintptr_t)(r.at + entry->key.length), value_length};
	reading->offset = (size_t)(r.at - bytes) + entry->key.length + value_length;
	reading->left--;
	return true;
}

tr_code tr_table_load(struct tr_table *table, const void *bytes, size_t length, struct tr_status *st)
{
	struct reader r = {bytes, (const char *)bytes + length};
	const uint8_t wanted = (uint8_t)((table->options.has_byte_keys ? RECORD_BYTE_KEYS : 0) |
					 (table->options.ttl_ms > 0 ? RECORD_EXPIRY : 0));
	uint8_t version, flags;
	uint32_t value_bytes, count;
	uint16_t reserved;

	if (!take(&r, &version, 1) || !take(&r, &flags, 1) || !take(&r, &reserved, 2) || !take(&r, &value_bytes, 4) ||
	    !take(&r, &count, 4))
		TR_FAIL(st, TR_ERR_DATA, "table record: only %zu bytes", length);
	if (version != VERSION || reserved != 0)
		TR_FAIL(st, TR_ERR_DATA, "table record: version %u; this program reads %u", version, VERSION);
	if ((flags & ~RECORD_DEAD) != wanted || value_bytes != table->options.value_bytes)
		TR_FAIL(st, TR_ERR_DATA, "table record: sort %u with values of %u bytes, where %u with %u is expected",
			flags, value_bytes, wanted, table->options.value_bytes);
	if (table->options.has_byte_keys)
		return load_bytes(table, r, count, (flags & RECORD_DEAD) != 0, st);
	return load_integers(table, r, count, (flags & RECORD_DEAD) != 0, st);
}

void tr_table_load_end(struct tr_table *table, uint64_t checkpoint, uint64_t base)
{
	TR_ASSERT(checkpoint < UINT32_MAX - 1 && base <= tr_state_age(checkpoint));
	/* What is here counts as written for `checkpoint`. */
	for (uint32_t i = 0; i < table->page_count; i++) {
		struct tr_page *page = table->pages[i];

		tr_page_marks_move(page, TR_MARK_DIRTY, TR_MARK_WRITTEN);
		tr_page_marks_move(page, TR_MARK_BEFORE, TR_MARK_WRITTEN);
		page->visited = (uint32_t)checkpoint;
		table->base[i] = base;
	}
	table->epoch = (uint32_t)checkpoint + 1;
	table->is_full = false;
	table->changed = 0;
}
