/* SPDX-License-Identifier: Apache-2.0
 *
 * The record form of a key table; see the header. Free slots are recognised by words[0] of their record being
 * FREE_MARK, which no record has: NULL bits of at most 63 columns a word never fill it.
 */
#include "state/key_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "state/huge.h"

#define FREE_MARK UINT64_MAX
#define TEXT_OVERHEAD 16 /* of an allocation */
#define PLACE_BITS_MIN 8
#define CACHED_BYTES ((size_t)1 << 20)
#define PREFETCH_DISTANCE 16

static size_t record_bytes(const struct tr_key_record *table)
{
	return (size_t)table->slot_capacity * table->words * sizeof(*table->records);
}

static void places_free(struct tr_key_record *table)
{
	tr_huge_unmap(table->places, sizeof(*table->places) << table->place_bits);
}

void tr_key_record_init(struct tr_key_record *table, const struct tr_type *const *types, uint32_t column_count)
{
	memset(table, 0, sizeof(*table));
	table->columns = tr_checked(calloc(column_count, sizeof(*table->columns)));
	table->column_count = column_count;
	table->null_words = (column_count + 62) / 63;
	table->words = table->null_words;
	for (uint32_t c = 0; c < column_count; c++) {
		table->columns[c].phys = (enum tr_phys)types[c]->phys;
		table->columns[c].word = table->words;
		table->words += types[c]->phys == TR_PHYS_VIEW || types[c]->phys == TR_PHYS_I128 ? 2 : 1;
	}
	table->place_bits = PLACE_BITS_MIN;
	table->places = tr_huge_map(sizeof(*table->places) << table->place_bits);
}

static struct tr_view *view_at(uint64_t *record, uint32_t word) { return (struct tr_view *)(void *)(record + word); }

/** Frees the long strings of a stored record. */
static void record_drop(struct tr_key_record *table, uint32_t slot)
{
	uint64_t *record = table->records + (size_t)slot * table->words;

	if (record[0] == FREE_MARK)
		return;
	for (uint32_t c = 0; c < table->column_count; c++) {
		const struct tr_view *view = view_at(record, table->columns[c].word);

		if (table->columns[c].phys == TR_PHYS_VIEW && view->length > TR_VIEW_INLINE_MAX) {
			table->text_bytes -= view->length + TEXT_OVERHEAD;
			free((void *)(uintptr_t)view->text);
		}
	}
	record[0] = FREE_MARK;
}

void tr_key_record_clear(struct tr_key_record *table)
{
	for (uint32_t slot = 0; slot < table->slot_limit; slot++)
		record_drop(table, slot);
	memset(table->places, 0, sizeof(*table->places) << table->place_bits);
	table->slot_limit = table->count = table->free_count = 0;
}

void tr_key_record_deinit(struct tr_key_record *table)
{
	tr_key_record_clear(table);
	free(table->columns);
	tr_huge_unmap(table->records, record_bytes(table));
	tr_huge_unmap(table->hashes, table->slot_capacity * sizeof(*table->hashes));
	free(table->free_slots);
	places_free(table);
	free(table->batch_records);
	free(table->batch_hashes);
	memset(table, 0, sizeof(*table));
}

/* -- putting records together -- */

static inline uint64_t bits_f64(double value)
{
	uint64_t bits;

	value = value == 0 ? 0 : isnan(value) ? (double)NAN : value;
	memcpy(&bits, &value, 8);
	return bits;
}

#define LOAD(ctype, convert)                                \
	for (uint32_t i = 0; i < count; i++, out += stride) \
	*out = convert(((const ctype *)column->data)[tr_column_row(column, rows != NULL ? rows[i] : i)])

static void load_column(const struct tr_key_record *table, uint32_t c, const struct tr_column *column,
			const uint32_t *rows, uint32_t count)
{
	uint64_t *out = table->batch_records + table->columns[c].word;
	const uint32_t stride = table->words;

	switch (table->columns[c].phys) {
	case TR_PHYS_I8: LOAD(int8_t, (uint64_t)(int64_t)); return;
	case TR_PHYS_I16: LOAD(int16_t, (uint64_t)(int64_t)); return;
	case TR_PHYS_I32: LOAD(int32_t, (uint64_t)(int64_t)); return;
	case TR_PHYS_I64: LOAD(int64_t, (uint64_t)); return;
	case TR_PHYS_F32: LOAD(float, bits_f64); return;
	case TR_PHYS_F64: LOAD(double, bits_f64); return;
	case TR_PHYS_I128:
	case TR_PHYS_VIEW:
		for (uint32_t i = 0; i < count; i++, out += stride)
			memcpy(out,
			       (const char *)column->data +
				       (size_t)tr_column_row(column, rows != NULL ? rows[i] : i) * 16,
			       16);
		return;
	default: TR_UNREACHABLE();
	}
}

static void load_nulls(const struct tr_key_record *table, uint32_t c, const struct tr_column *column,
		       const uint32_t *rows, uint32_t count)
{
	const uint32_t words = c + 1 < table->column_count ? table->columns[c + 1].word - table->columns[c].word
							   : table->words - table->columns[c].word;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t *record = table->batch_records + (size_t)i * table->words;

		if (!tr_column_is_null(column, rows != NULL ? rows[i] : i))
			continue;
		record[c / 63] |= UINT64_C(1) << (c % 63);
		memset(record + table->columns[c].word, 0, words * 8);
	}
}

static void load_records(struct tr_key_record *table, const struct tr_column *const *columns, const uint32_t *rows,
			 uint32_t count)
{
	if (count > table->batch_capacity) {
		table->batch_capacity = count;
		table->batch_records =
			tr_checked(realloc(table->batch_records, (size_t)count * table->words * sizeof(uint64_t)));
		table->batch_hashes = tr_checked(realloc(table->batch_hashes, count * sizeof(uint64_t)));
	}
	for (uint32_t i = 0; i < count; i++)
		memset(table->batch_records + (size_t)i * table->words, 0, table->null_words * 8);
	for (uint32_t c = 0; c < table->column_count; c++) {
		if (columns[c]->type->phys != TR_PHYS_NONE)
			load_column(table, c, columns[c], rows, count);
		if (columns[c]->validity != NULL || columns[c]->type->phys == TR_PHYS_NONE)
			load_nulls(table, c, columns[c], rows, count);
	}
}

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 29);
}

static void hash_records(const struct tr_key_record *table, uint32_t count)
{
	const uint64_t *record = table->batch_records;

	for (uint32_t i = 0; i < count; i++, record += table->words) {
		uint64_t hash = 0;

		for (uint32_t w = 0; w < table->null_words; w++)
			hash = mix(hash, record[w]);
		for (uint32_t c = 0; c < table->column_count; c++) {
			const uint64_t *words = record + table->columns[c].word;
			const struct tr_view *view = (const void *)words;

			if (table->columns[c].phys == TR_PHYS_VIEW) {
				hash = mix(hash, words[0]);
				hash = mix(hash, view->length > TR_VIEW_INLINE_MAX
							 ? tr_hash_bytes(view->text, view->length)
							 : words[1]);
			} else {
				hash = mix(hash, words[0]);
				if (table->columns[c].phys == TR_PHYS_I128)
					hash = mix(hash, words[1]);
			}
		}
		table->batch_hashes[i] = hash * UINT64_C(0xff51afd7ed558ccd);
	}
}

/* -- finding them -- */

static bool record_equals(const struct tr_key_record *table, uint64_t *a, uint64_t *b)
{
	for (uint32_t w = 0; w < table->null_words; w++)
		if (a[w] != b[w])
			return false;
	for (uint32_t c = 0; c < table->column_count; c++) {
		const uint32_t word = table->columns[c].word;

		if (table->columns[c].phys == TR_PHYS_VIEW) {
			if (!tr_view_equals(view_at(a, word), view_at(b, word)))
				return false;
		} else if (a[word] != b[word] ||
			   (table->columns[c].phys == TR_PHYS_I128 && a[word + 1] != b[word + 1])) {
			return false;
		}
	}
	return true;
}

/** Makes the places anew. */
static void places_build(struct tr_key_record *table, uint32_t bits)
{
	const size_t mask = ((size_t)1 << bits) - 1;

	places_free(table);
	table->place_bits = bits;
	table->places = tr_huge_map((mask + 1) * sizeof(*table->places));
	for (uint32_t slot = 0; slot < table->slot_limit; slot++) {
		size_t i = table->hashes[slot] >> (64 - bits);

		if (table->records[(size_t)slot * table->words] == FREE_MARK)
			continue;
		while (table->places[i].slot != 0)
			i = (i + 1) & mask;
		table->places[i] = (struct tr_key_record_place){.hash = table->hashes[slot], .slot = slot + 1};
	}
}

static void reserve_slots(struct tr_key_record *table, size_t capacity)
{
	const size_t old_bytes = record_bytes(table), old_count = table->slot_capacity;

	TR_ASSERT(capacity < UINT32_MAX / 2);
	table->slot_capacity = (uint32_t)capacity;
	table->records = tr_huge_grow(table->records, old_bytes, record_bytes(table));
	table->hashes =
		tr_huge_grow(table->hashes, old_count * sizeof(*table->hashes), capacity * sizeof(*table->hashes));
	table->free_slots = tr_checked(realloc(table->free_slots, capacity * sizeof(uint32_t)));
}

void tr_key_record_expect(struct tr_key_record *table, uint32_t count)
{
	uint32_t bits = table->place_bits;

	if (count <= table->slot_capacity)
		return;
	reserve_slots(table, count);
	while ((uint64_t)1 << bits < 2 * (uint64_t)count)
		bits++;
	if (bits > table->place_bits)
		places_build(table, bits);
}

/** Stores a record under a new slot, with copies of its long strings. */
static uint32_t record_add(struct tr_key_record *table, const uint64_t *record, uint64_t hash)
{
	uint64_t *stored;
	uint32_t slot;

	if (table->free_count > 0) {
		slot = table->free_slots[--table->free_count];
	} else {
		if (table->slot_limit == table->slot_capacity)
			reserve_slots(table, table->slot_capacity == 0 ? 256 : (size_t)table->slot_capacity * 2);
		slot = table->slot_limit++;
	}
	stored = table->records + (size_t)slot * table->words;
	memcpy(stored, record, table->words * sizeof(uint64_t));
	for (uint32_t c = 0; c < table->column_count; c++) {
		struct tr_view *view = view_at(stored, table->columns[c].word);

		if (table->columns[c].phys == TR_PHYS_VIEW && view->length > TR_VIEW_INLINE_MAX) {
			char *text = tr_checked(malloc(view->length));

			memcpy(text, view->text, view->length);
			*view = tr_view_make(text, view->length);
			table->text_bytes += view->length + TEXT_OVERHEAD;
		}
	}
	table->hashes[slot] = hash;
	table->count++;
	return slot;
}

static uint32_t record_find(struct tr_key_record *table, uint64_t *record, uint64_t hash)
{
	const size_t mask = ((size_t)1 << table->place_bits) - 1;
	size_t i = hash >> (64 - table->place_bits);
	uint32_t slot;

	for (; table->places[i].slot != 0; i = (i + 1) & mask) {
		slot = table->places[i].slot - 1;
		if (table->places[i].hash == hash &&
		    record_equals(table, table->records + (size_t)slot * table->words, record))
			return slot;
	}
	slot = record_add(table, record, hash);
	table->places[i] = (struct tr_key_record_place){.hash = hash, .slot = slot + 1};
	if ((size_t)table->count * 2 > mask)
		places_build(table, table->place_bits + 1);
	return slot;
}

void tr_key_record_map(struct tr_key_record *table, const struct tr_column *const *columns, const uint32_t *rows,
		       uint32_t count, uint32_t *slots)
{
	const bool is_large = (sizeof(*table->places) << table->place_bits) > CACHED_BYTES;

	load_records(table, columns, rows, count);
	hash_records(table, count);
	for (uint32_t i = 0; i < count; i++) {
		if (is_large && i + PREFETCH_DISTANCE < count)
			__builtin_prefetch(
				&table->places[table->batch_hashes[i + PREFETCH_DISTANCE] >> (64 - table->place_bits)],
				0, 3);
		slots[i] = record_find(table, table->batch_records + (size_t)i * table->words, table->batch_hashes[i]);
	}
}

void tr_key_record_remove(struct tr_key_record *table, uint32_t slot)
{
	const size_t mask = ((size_t)1 << table->place_bits) - 1;
	size_t hole = table->hashes[slot] >> (64 - table->place_bits);

	TR_ASSERT(slot < table->slot_limit && table->records[(size_t)slot * table->words] != FREE_MARK);
	while (table->places[hole].slot != slot + 1) {
		TR_ASSERT(table->places[hole].slot != 0);
		hole = (hole + 1) & mask;
	}
	for (size_t i = (hole + 1) & mask; table->places[i].slot != 0; i = (i + 1) & mask) {
		const size_t home = table->places[i].hash >> (64 - table->place_bits);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			table->places[hole] = table->places[i];
			hole = i;
		}
	}
	table->places[hole] = (struct tr_key_record_place){0};
	record_drop(table, slot);
	table->free_slots[table->free_count++] = slot;
	table->count--;
}

/* -- giving them back -- */

static void store_value(struct tr_column_buffer *target, uint32_t row, enum tr_phys phys, const uint64_t *words,
			struct tr_heap *heap)
{
	double number;

	switch (phys) {
	case TR_PHYS_I8: ((int8_t *)target->data)[row] = (int8_t)words[0]; return;
	case TR_PHYS_I16: ((int16_t *)target->data)[row] = (int16_t)words[0]; return;
	case TR_PHYS_I32: ((int32_t *)target->data)[row] = (int32_t)words[0]; return;
	case TR_PHYS_I64:
	case TR_PHYS_F64: ((uint64_t *)target->data)[row] = words[0]; return;
	case TR_PHYS_F32:
		memcpy(&number, words, 8);
		((float *)target->data)[row] = (float)number;
		return;
	case TR_PHYS_I128: memcpy((char *)target->data + (size_t)row * 16, words, 16); return;
	case TR_PHYS_VIEW: {
		struct tr_view view;

		memcpy(&view, words, 16);
		if (view.length > TR_VIEW_INLINE_MAX) {
			char *text = tr_arena_alloc_aligned(&heap->arena, view.length, 1);

			memcpy(text, view.text, view.length);
			view = tr_view_make(text, view.length);
		}
		((struct tr_view *)target->data)[row] = view;
		return;
	}
	default: TR_UNREACHABLE();
	}
}

void tr_key_record_gather(const struct tr_key_record *table, const uint32_t *slots, uint32_t count,
			  struct tr_column_buffer *targets, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t c = 0; c < table->column_count; c++) {
		struct tr_column_buffer *target = &targets[c];
		const struct tr_key_record_column *column = &table->columns[c];

		for (uint32_t i = 0; i < count; i++) {
			const uint64_t *record = table->records + (size_t)slots[i] * table->words;

			store_value(target, at + i, column->phys, record + column->word, heap);
			if ((record[c / 63] >> (c % 63)) & 1) {
				tr_bit_clear(target->validity, at + i);
				target->has_nulls = true;
			}
		}
	}
}

size_t tr_key_record_bytes(const struct tr_key_record *table)
{
	return (size_t)table->slot_capacity * (table->words * 8 + 12) + (sizeof(*table->places) << table->place_bits) +
	       table->text_bytes;
}

size_t tr_key_record_growth(const struct tr_key_record *table, uint32_t count)
{
	size_t bytes = 0;

	if (table->slot_limit + count > table->slot_capacity + table->free_count)
		bytes += (size_t)TR_MAX(table->slot_capacity, 256) * (table->words * 8 + 12);
	if ((table->count + (uint64_t)count) * 2 >= (uint64_t)1 << table->place_bits)
		bytes += sizeof(*table->places) << table->place_bits;
	return bytes;
}
