/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer form of a key table; see the header.
 *
 *     map:  values of the batch -> batch_keys    first pass: one look each, positions that missed are listed
 *                                                second pass: the misses are probed, and inserted if they are new
 *
 * A direct index is given up when the range of keys exceeds both DIRECT_RANGE_MIN and DIRECT_SPARSITY times their
 * number; it does not come back. Removal from the places moves later ones back (Knuth 6.4, algorithm R),
 * so that there are no tombstones.
 */
#include "state/key_integer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "state/huge.h"

#define DIRECT_RANGE_MIN ((uint64_t)1 << 16)
#define DIRECT_SPARSITY 8
#define PLACE_BITS_MIN 8
#define CACHED_BYTES ((size_t)1 << 20) /* above this, places are prefetched */
#define SPARSE_BYTES ((size_t)1 << 18) /* up to this, they are kept a quarter full */
#define PREFETCH_DISTANCE 24
#define FURTHER_LOOKS 3

static void places_free(struct tr_key_integer *table)
{
	if (table->places != NULL)
		tr_huge_unmap(table->places, sizeof(*table->places) << table->place_bits);
	table->places = NULL;
}

void tr_key_integer_init(struct tr_key_integer *table, enum tr_phys phys)
{
	memset(table, 0, sizeof(*table));
	table->phys = phys;
	table->null_slot = UINT32_MAX;
	table->is_direct = phys != TR_PHYS_F32 && phys != TR_PHYS_F64;
}

void tr_key_integer_deinit(struct tr_key_integer *table)
{
	tr_huge_unmap(table->keys, table->slot_capacity * sizeof(*table->keys));
	free(table->free_slots);
	free(table->direct);
	places_free(table);
	free(table->batch_keys);
	free(table->misses);
	free(table->positions);
	free(table->kept);
	memset(table, 0, sizeof(*table));
}

void tr_key_integer_clear(struct tr_key_integer *table)
{
	if (table->direct != NULL)
		memset(table->direct, 0, table->direct_capacity * sizeof(*table->direct));
	if (table->places != NULL)
		memset(table->places, 0, sizeof(*table->places) << table->place_bits);
	table->is_direct = table->is_direct && table->phys != TR_PHYS_F32 && table->phys != TR_PHYS_F64;
	table->null_slot = UINT32_MAX;
	table->slot_limit = table->count = table->free_count = 0;
}

static void reserve_slots(struct tr_key_integer *table, uint32_t count)
{
	TR_ASSERT(count < UINT32_MAX / 2);
	table->keys =
		tr_huge_grow(table->keys, table->slot_capacity * sizeof(*table->keys), count * sizeof(*table->keys));
	table->slot_capacity = count;
	table->free_slots = tr_checked(realloc(table->free_slots, count * sizeof(*table->free_slots)));
}

static uint32_t take_slot(struct tr_key_integer *table, int64_t key)
{
	uint32_t slot;

	if (table->free_count > 0) {
		slot = table->free_slots[--table->free_count];
	} else {
		if (table->slot_limit == table->slot_capacity)
			reserve_slots(table, table->slot_capacity == 0 ? 1024 : table->slot_capacity * 2);
		slot = table->slot_limit++;
	}
	table->keys[slot] = key;
	table->count++;
	return slot;
}

/* Another multiplier than that of group tables: partials come in the order of those, and keys that come in the order of
 * their homes crowd into the first places of a table that is still to grow. */
static inline size_t home_of(int64_t key, uint32_t bits)
{
	const uint64_t x = (uint64_t)key;

	return (size_t)(((x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93)) >> (64 - bits));
}

/** Puts a key that is not there into places that have room. */
static void place_put(struct tr_key_place *places, uint32_t bits, int64_t key, uint32_t slot)
{
	const size_t mask = ((size_t)1 << bits) - 1;
	size_t i = home_of(key, bits);

	while (places[i].slot != 0)
		i = (i + 1) & mask;
	places[i] = (struct tr_key_place){.key = key, .slot = slot + 1};
}

static bool slot_is_free(const struct tr_key_integer *table, const uint8_t *freed, uint32_t slot)
{
	return freed[slot] != 0 || slot == table->null_slot;
}

/** One byte a slot: whether it is free. The caller frees it. */
static uint8_t *freed_slots(const struct tr_key_integer *table)
{
	uint8_t *freed = tr_checked(calloc(table->slot_limit + 1, 1));

	for (uint32_t i = 0; i < table->free_count; i++)
		freed[table->free_slots[i]] = 1;
	return freed;
}

/** Moves all keys to a larger array. Homes are the upper bits of a hash, so going through the old places in order fills
 * the new ones in order: both are streamed. The first places may hold keys that wrapped around; they go last. */
static void places_move(struct tr_key_integer *table, struct tr_key_place *places, uint32_t bits)
{
	const size_t count = (size_t)1 << table->place_bits;
	size_t first = 0;

	while (first < count && table->places[first].slot != 0)
		first++;
	for (size_t i = first; i < first + count; i++) {
		const struct tr_key_place *place = &table->places[i & (count - 1)];

		if (place->slot != 0)
			place_put(places, bits, place->key, place->slot - 1);
	}
}

/** Makes the places anew, with room for `count` keys. `fresh` is a slot that the old ones lack, or UINT32_MAX. */
static void places_build(struct tr_key_integer *table, uint64_t count, uint32_t fresh)
{
	uint32_t bits = PLACE_BITS_MIN;
	struct tr_key_place *places;

	count = TR_MAX(count, table->expected);
	while (((uint64_t)1 << bits) < 2 * count ||
	       (((uint64_t)1 << bits) < 4 * count && (sizeof(*table->places) << bits) < SPARSE_BYTES))
		bits++;
	places = tr_huge_map(sizeof(*table->places) << bits);
	if (table->places != NULL) {
		places_move(table, places, bits);
		if (fresh != UINT32_MAX)
			place_put(places, bits, table->keys[fresh], fresh);
	} else {
		uint8_t *freed = freed_slots(table);

		for (uint32_t slot = 0; slot < table->slot_limit; slot++)
			if (!slot_is_free(table, freed, slot))
				place_put(places, bits, table->keys[slot], slot);
		free(freed);
	}
	places_free(table);
	table->places = places;
	table->place_bits = bits;
}

/** Finds the key from its home on, or adds it. */
static uint32_t place_find(struct tr_key_integer *table, int64_t key)
{
	size_t mask = ((size_t)1 << table->place_bits) - 1;
	size_t i = home_of(key, table->place_bits);
	uint32_t slot;

	while (table->places[i].slot != 0) {
		if (table->places[i].key == key)
			return table->places[i].slot - 1;
		i = (i + 1) & mask;
	}
	slot = take_slot(table, key);
	if ((uint64_t)table->count * 2 > mask) {
		places_build(table, (uint64_t)table->count * 2, slot);
		return slot;
	}
	table->places[i] = (struct tr_key_place){.key = key, .slot = slot + 1};
	return slot;
}

/** Key by key, new ones where the search ends: for places that fit no cache, when most keys are new. */
static void walk_places(struct tr_key_integer *table, uint32_t count, uint32_t *restrict slots)
{
	const int64_t *restrict keys = table->batch_keys;
	const uint32_t before = table->count;
	struct tr_key_place *places;
	uint32_t bits;
	size_t mask;

	if (((uint64_t)table->count + count) * 2 > (uint64_t)1 << table->place_bits)
		places_build(table, ((uint64_t)table->count + count) * 2, UINT32_MAX);
	places = table->places;
	bits = table->place_bits;
	mask = ((size_t)1 << bits) - 1;
	for (uint32_t i = 0; i < TR_MIN(count, PREFETCH_DISTANCE); i++)
		__builtin_prefetch(&places[home_of(keys[i], bits)], 1, 3);
	for (uint32_t i = 0; i < count; i++) {
		size_t at = home_of(keys[i], bits);

		if (i + PREFETCH_DISTANCE < count)
			__builtin_prefetch(&places[home_of(keys[i + PREFETCH_DISTANCE], bits)], 1, 3);
		while (places[at].slot != 0 && places[at].key != keys[i])
			at = (at + 1) & mask;
		if (places[at].slot == 0)
			places[at] = (struct tr_key_place){.key = keys[i], .slot = take_slot(table, keys[i]) + 1};
		slots[i] = places[at].slot - 1;
	}
	table->is_mostly_new = (table->count - before) * 2 > count;
}

static void map_places(struct tr_key_integer *table, uint32_t count, uint32_t *restrict slots)
{
	const int64_t *restrict keys = table->batch_keys;
	const struct tr_key_place *places = table->places;
	const uint32_t bits = table->place_bits;
	uint32_t *restrict misses = table->misses;
	const bool is_large = (sizeof(*places) << bits) > CACHED_BYTES;
	const uint32_t before = table->count;
	uint32_t n = 0;

	if (is_large && table->is_mostly_new) {
		walk_places(table, count, slots);
		return;
	}

	if (is_large)
		for (uint32_t i = 0; i < TR_MIN(count, PREFETCH_DISTANCE); i++)
			__builtin_prefetch(&places[home_of(keys[i], bits)], 0, 3);
	for (uint32_t i = 0; i < count; i++) {
		const struct tr_key_place *place = &places[home_of(keys[i], bits)];

		if (is_large && i + PREFETCH_DISTANCE < count)
			__builtin_prefetch(&places[home_of(keys[i + PREFETCH_DISTANCE], bits)], 0, 3);
		slots[i] = place->slot - 1;
		misses[n] = i;
		n += (place->key != keys[i]) | (place->slot == 0);
	}
	/* Places further on, also without branches; who finds a free place stays in the list. */
	for (uint32_t further = 1; further <= FURTHER_LOOKS && n > 16; further++) {
		const size_t mask = ((size_t)1 << bits) - 1;
		const uint32_t left = n;

		n = 0;
		for (uint32_t m = 0; m < left; m++) {
			const uint32_t i = misses[m];
			const struct tr_key_place *place = &places[(home_of(keys[i], bits) + further) & mask];
			const bool is_found = (place->key == keys[i]) & (place->slot != 0);

			slots[i] = is_found ? place->slot - 1 : slots[i];
			misses[n] = i;
			n += !is_found;
		}
	}
	for (uint32_t m = 0; m < n; m++)
		slots[misses[m]] = place_find(table, keys[misses[m]]);
	table->is_mostly_new = (table->count - before) * 2 > count;
}

/* -- the direct index -- */

/** Sets low and high from the keys that are there. */
static void measure_range(struct tr_key_integer *table)
{
	uint8_t *freed = freed_slots(table);
	bool is_first = true;

	for (uint32_t slot = 0; slot < table->slot_limit; slot++) {
		const int64_t key = table->keys[slot];

		if (slot_is_free(table, freed, slot))
			continue;
		table->low = is_first || key < table->low ? key : table->low;
		table->high = is_first || key > table->high ? key : table->high;
		is_first = false;
	}
	free(freed);
}

static void direct_build(struct tr_key_integer *table)
{
	const uint64_t range = (uint64_t)table->high - (uint64_t)table->low + 1;
	uint8_t *freed = freed_slots(table);
	uint64_t capacity = 1024;

	while (capacity < 2 * range)
		capacity *= 2;
	free(table->direct);
	table->direct = tr_checked(calloc(capacity, sizeof(*table->direct)));
	table->direct_capacity = capacity;
	/* Room on both sides, a little more above: keys tend to grow. */
	table->base = (int64_t)((uint64_t)table->low - (capacity - range) / 4);
	for (uint32_t slot = 0; slot < table->slot_limit; slot++)
		if (!slot_is_free(table, freed, slot))
			table->direct[(uint64_t)table->keys[slot] - (uint64_t)table->base] = slot + 1;
	free(freed);
}

static bool range_is_small(const struct tr_key_integer *table, uint32_t arriving)
{
	const uint64_t range = (uint64_t)table->high - (uint64_t)table->low;

	return range < TR_MAX(DIRECT_RANGE_MIN, DIRECT_SPARSITY * ((uint64_t)table->count + arriving));
}

/** Makes the direct index cover the keys of the batch. False: they lie too far apart, and the table has become places. */
static bool direct_cover(struct tr_key_integer *table, uint32_t count)
{
	const int64_t *keys = table->batch_keys;
	int64_t low = keys[0], high = keys[0];

	for (uint32_t i = 1; i < count; i++) {
		low = TR_MIN(low, keys[i]);
		high = TR_MAX(high, keys[i]);
	}
	if (table->direct != NULL && (uint64_t)low - (uint64_t)table->base < table->direct_capacity &&
	    (uint64_t)high - (uint64_t)table->base < table->direct_capacity && low >= table->base) {
		table->low = table->count == 0 ? low : TR_MIN(low, table->low);
		table->high = table->count == 0 ? high : TR_MAX(high, table->high);
		return true;
	}
	table->low = low;
	table->high = high;
	if (table->count > (table->null_slot != UINT32_MAX ? 1u : 0u)) {
		measure_range(table); /* old keys may have gone */
		table->low = TR_MIN(low, table->low);
		table->high = TR_MAX(high, table->high);
	}
	if (range_is_small(table, count)) {
		direct_build(table);
		return true;
	}
	table->is_direct = false;
	free(table->direct);
	table->direct = NULL;
	table->direct_capacity = 0;
	places_build(table, (uint64_t)table->count + count, UINT32_MAX);
	return false;
}

static void map_direct(struct tr_key_integer *table, uint32_t count, uint32_t *restrict slots)
{
	const int64_t *restrict keys = table->batch_keys;
	const uint32_t *restrict direct = table->direct;
	const uint64_t base = (uint64_t)table->base;
	uint32_t *restrict misses = table->misses;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t slot = direct[(uint64_t)keys[i] - base];

		slots[i] = slot - 1;
		misses[n] = i;
		n += slot == 0;
	}
	for (uint32_t m = 0; m < n; m++) {
		const int64_t key = keys[misses[m]];
		uint32_t *at = &table->direct[(uint64_t)key - base];

		if (*at == 0)
			*at = take_slot(table, key) + 1;
		slots[misses[m]] = *at - 1;
	}
}

/* -- both -- */

static void reserve(struct tr_key_integer *table, uint32_t count)
{
	if (count <= table->batch_capacity)
		return;
	table->batch_capacity = count;
	table->batch_keys = tr_checked(realloc(table->batch_keys, count * sizeof(*table->batch_keys)));
	table->misses = tr_checked(realloc(table->misses, (count + 1) * sizeof(*table->misses)));
	table->positions = tr_checked(realloc(table->positions, count * sizeof(*table->positions)));
	table->kept = tr_checked(realloc(table->kept, (size_t)count * 2 * sizeof(*table->kept)));
}

static inline int64_t bits_f64(double value)
{
	int64_t bits;

	value = value == 0 ? 0 : isnan(value) ? (double)NAN : value;
	memcpy(&bits, &value, 8);
	return bits;
}

#define LOAD(ctype, convert)                                        \
	do {                                                        \
		const ctype *restrict values = column->data;        \
		if (rows == NULL)                                   \
			for (uint32_t i = 0; i < count; i++)        \
				keys[i] = convert(values[i]);       \
		else                                                \
			for (uint32_t i = 0; i < count; i++)        \
				keys[i] = convert(values[rows[i]]); \
	} while (0)

void tr_key_integer_load(enum tr_phys phys, const struct tr_column *column, const uint32_t *rows, uint32_t count,
			 int64_t *restrict keys)
{
	switch (phys) {
	case TR_PHYS_I8: LOAD(int8_t, (int64_t)); return;
	case TR_PHYS_I16: LOAD(int16_t, (int64_t)); return;
	case TR_PHYS_I32: LOAD(int32_t, (int64_t)); return;
	case TR_PHYS_I64: LOAD(int64_t, (int64_t)); return;
	case TR_PHYS_F32: LOAD(float, bits_f64); return;
	case TR_PHYS_F64: LOAD(double, bits_f64); return;
	default: TR_UNREACHABLE();
	}
}

static void load_keys(const struct tr_key_integer *table, const struct tr_column *column, const uint32_t *rows,
		      uint32_t count)
{
	tr_key_integer_load(table->phys, column, rows, count, table->batch_keys);
}

static void map_keys(struct tr_key_integer *table, uint32_t count, uint32_t *slots)
{
	if (count == 0)
		return;
	if (table->is_direct && direct_cover(table, count)) {
		map_direct(table, count, slots);
		return;
	}
	if (table->places == NULL)
		places_build(table, count, UINT32_MAX);
	map_places(table, count, slots);
}

static uint32_t slot_of_null(struct tr_key_integer *table)
{
	if (table->null_slot == UINT32_MAX)
		table->null_slot = take_slot(table, 0);
	return table->null_slot;
}

/** Some rows are NULL: maps the others as a list of their own. */
static void map_nullable(struct tr_key_integer *table, const struct tr_column *column, const uint32_t *rows,
			 uint32_t count, uint32_t *slots)
{
	uint32_t *const kept = table->kept;
	uint32_t *const mapped = table->kept + count;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows != NULL ? rows[i] : i;

		if (tr_column_is_null(column, row)) {
			slots[i] = slot_of_null(table);
			continue;
		}
		table->positions[n] = i;
		kept[n++] = row;
	}
	load_keys(table, column, kept, n);
	map_keys(table, n, mapped);
	for (uint32_t i = 0; i < n; i++)
		slots[table->positions[i]] = mapped[i];
}

void tr_key_integer_map(struct tr_key_integer *table, const struct tr_column *column, const uint32_t *rows,
			uint32_t count, uint32_t *slots)
{
	reserve(table, count);
	if (column->is_constant && count > 0) {
		struct tr_column one = *column;
		uint32_t slot;

		one.is_constant = false;
		tr_key_integer_map(table, &one, NULL, 1, &slot);
		for (uint32_t i = 0; i < count; i++)
			slots[i] = slot;
		return;
	}
	if (column->validity != NULL || column->type->phys == TR_PHYS_NONE) {
		map_nullable(table, column, rows, count, slots);
		return;
	}
	if (rows == NULL && table->phys == TR_PHYS_I64) { /* the column as it is */
		int64_t *scratch = table->batch_keys;

		table->batch_keys = (int64_t *)(uintptr_t)column->data;
		map_keys(table, count, slots);
		table->batch_keys = scratch;
		return;
	}
	load_keys(table, column, rows, count);
	map_keys(table, count, slots);
}

void tr_key_integer_expect(struct tr_key_integer *table, uint32_t count)
{
	if (count <= table->expected || count <= table->count)
		return;
	table->expected = count;
	if (count > table->slot_capacity)
		reserve_slots(table, count);
	if (table->places != NULL && (uint64_t)1 << table->place_bits < 2 * (uint64_t)count)
		places_build(table, count, UINT32_MAX);
}

static void place_remove(struct tr_key_integer *table, int64_t key)
{
	const size_t mask = ((size_t)1 << table->place_bits) - 1;
	size_t hole = home_of(key, table->place_bits);

	while (table->places[hole].slot == 0 || table->places[hole].key != key) {
		TR_ASSERT(table->places[hole].slot != 0);
		hole = (hole + 1) & mask;
	}
	for (size_t i = (hole + 1) & mask; table->places[i].slot != 0; i = (i + 1) & mask) {
		const size_t home = home_of(table->places[i].key, table->place_bits);

		/* It may move back unless its home lies behind the hole. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			table->places[hole] = table->places[i];
			hole = i;
		}
	}
	table->places[hole] = (struct tr_key_place){0};
}

void tr_key_integer_remove(struct tr_key_integer *table, uint32_t slot)
{
	TR_ASSERT(slot < table->slot_limit && table->count > 0);
	if (slot == table->null_slot)
		table->null_slot = UINT32_MAX;
	else if (table->is_direct)
		table->direct[(uint64_t)table->keys[slot] - (uint64_t)table->base] = 0;
	else
		place_remove(table, table->keys[slot]);
	table->free_slots[table->free_count++] = slot;
	table->count--;
}

#define STORE(ctype, key_index)                                   \
	do {                                                      \
		ctype *restrict out = (ctype *)target->data + at; \
		for (uint32_t i = 0; i < count; i++)              \
			out[i] = (ctype)keys[key_index];          \
	} while (0)
#define STORE_BY(phys, key_index)                                                         \
	switch (phys) {                                                                   \
	case TR_PHYS_I8: STORE(int8_t, key_index); break;                                 \
	case TR_PHYS_I16: STORE(int16_t, key_index); break;                               \
	case TR_PHYS_I32: STORE(int32_t, key_index); break;                               \
	case TR_PHYS_I64:                                                                 \
	case TR_PHYS_F64: STORE(int64_t, key_index); break;                               \
	case TR_PHYS_F32:                                                                 \
		for (uint32_t i = 0; i < count; i++)                                      \
			((float *)target->data)[at + i] = (float)f64_of(keys[key_index]); \
		break;                                                                    \
	default: TR_UNREACHABLE();                                                        \
	}

static inline double f64_of(int64_t bits)
{
	double value;

	memcpy(&value, &bits, 8);
	return value;
}

void tr_key_integer_store(enum tr_phys phys, const int64_t *keys, uint32_t count, struct tr_column_buffer *target,
			  uint32_t at)
{
	STORE_BY(phys, i)
}

void tr_key_integer_gather(const struct tr_key_integer *table, const uint32_t *slots, uint32_t count,
			   struct tr_column_buffer *target, uint32_t at)
{
	const int64_t *keys = table->keys;

	STORE_BY(table->phys, slots[i])
	if (table->null_slot == UINT32_MAX)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (slots[i] == table->null_slot) {
			tr_bit_clear(target->validity, at + i);
			target->has_nulls = true;
		}
	}
}

size_t tr_key_integer_bytes(const struct tr_key_integer *table)
{
	return (size_t)table->slot_capacity * 12 + table->direct_capacity * 4 +
	       (table->places != NULL ? sizeof(*table->places) << table->place_bits : 0);
}

size_t tr_key_integer_growth(const struct tr_key_integer *table, uint32_t count)
{
	const uint64_t keys = (uint64_t)table->count + count;
	size_t bytes = 0;

	if (table->slot_limit + count > table->slot_capacity + table->free_count)
		bytes += (size_t)TR_MAX(table->slot_capacity, 1024) * 12;
	if (table->is_direct) /* it may be given up, or span more */
		return bytes + keys * 4 * sizeof(*table->places);
	if (table->places != NULL && keys * 2 >= (uint64_t)1 << table->place_bits)
		bytes += sizeof(*table->places)
			 << (table->place_bits + 1); /* beside the old ones, until they are moved */
	return bytes;
}
