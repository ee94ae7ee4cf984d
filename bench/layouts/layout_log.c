/* SPDX-License-Identifier: Apache-2.0
 *
 * A log of records with a mutable tail, after FASTER's HybridLog (Chandramouli et al., SIGMOD 2018) made simple: an index of
 * words (16 bits of hash, 48 bits of address), open addressing; records of 32 bytes in segments of 1 MiB. Records from
 * before the last barrier are read-only: the first update after it copies a record to the end. So what is due for a
 * checkpoint is a stretch of the log, and what was at the barrier stays as it was by itself. Segments without a live record are
 * freed; when more than half is garbage, the oldest one's live records are copied to the end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "bench/harness.h"
#include "bench/layouts/layout.h"

#define SEGMENT_BITS 15
#define SEGMENT_RECORDS ((uint64_t)1 << SEGMENT_BITS)
#define AHEAD 48
#define ENTRY_BYTES 24

struct record {
	int64_t key, count, sum;
	uint64_t spare;
};

struct hybrid {
	uint64_t *index; /* tag << 48 | address + 1; 0: free */
	unsigned bits;
	struct record **segments; /* by number; NULL: not there */
	uint32_t *live;
	uint64_t segment_room, first_segment;
	uint64_t tail, read_only, written, until;
	uint64_t segment_count, live_total;
	struct record **pool;
	uint64_t pool_count;
	bool is_active, is_compacting;
};

static void *create(uint64_t keys)
{
	struct hybrid *h = calloc(1, sizeof(*h));

	for (h->bits = 10; ((uint64_t)1 << h->bits) < keys + keys / 2; h->bits++)
		;
	h->index = tr_harness_alloc(sizeof(uint64_t) << h->bits);
	h->segment_room = 1 << 16;
	h->segments = calloc(h->segment_room, sizeof(*h->segments));
	h->live = calloc(h->segment_room, sizeof(*h->live));
	h->pool = calloc(h->segment_room, sizeof(*h->pool));
	return h;
}

static void destroy(void *layout)
{
	struct hybrid *h = layout;

	for (uint64_t i = 0; i < h->segment_room; i++)
		if (h->segments[i] != NULL)
			tr_harness_free(h->segments[i], SEGMENT_RECORDS * sizeof(struct record));
	for (uint64_t i = 0; i < h->pool_count; i++)
		tr_harness_free(h->pool[i], SEGMENT_RECORDS * sizeof(struct record));
	tr_harness_free(h->index, sizeof(uint64_t) << h->bits);
	free(h->segments);
	free(h->live);
	free(h->pool);
	free(h);
}

static inline struct record *at(const struct hybrid *h, uint64_t address)
{
	return &h->segments[address >> SEGMENT_BITS][address & (SEGMENT_RECORDS - 1)];
}

static uint64_t *find(const struct hybrid *h, int64_t key)
{
	const uint64_t hash = tr_hash_u64((uint64_t)key), mask = ((uint64_t)1 << h->bits) - 1;

	for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
		const uint64_t word = h->index[i];

		if (word == 0 || (word >> 48 == hash >> 48 && at(h, (word & ((UINT64_C(1) << 48) - 1)) - 1)->key == key))
			return &h->index[i];
	}
}

static void segment_drop(struct hybrid *h, uint64_t number)
{
	h->pool[h->pool_count++] = h->segments[number];
	h->segments[number] = NULL;
	h->segment_count--;
}

static bool is_free(const struct hybrid *h, uint64_t number)
{
	return h->segments[number] != NULL && h->live[number] == 0 && (number + 1) << SEGMENT_BITS <= h->read_only &&
	       (!h->is_active || (number + 1) << SEGMENT_BITS <= h->written || number << SEGMENT_BITS >= h->until);
}

static uint64_t append(struct hybrid *h);

/** Moves what lives in the oldest segment to the end. */
static void compact_one(struct hybrid *h)
{
	uint64_t number;

	while (h->segments[h->first_segment] == NULL)
		h->first_segment++;
	number = h->first_segment;
	if ((number + 1) << SEGMENT_BITS > (h->is_active ? h->written : h->read_only))
		return;
	for (uint64_t i = 0; h->live[number] > 0 && i < SEGMENT_RECORDS; i++) {
		struct record *r = &h->segments[number][i];
		uint64_t *word = find(h, r->key);
		uint64_t to;

		if ((*word & ((UINT64_C(1) << 48) - 1)) != (number << SEGMENT_BITS) + i + 1)
			continue;
		to = append(h);
		*at(h, to) = *r;
		*word = (*word >> 48 << 48) | (to + 1);
		h->live[number]--;
		h->live_total--;
	}
	if (is_free(h, number))
		segment_drop(h, number);
}

/** The address of a new record. */
static uint64_t append(struct hybrid *h)
{
	const uint64_t number = h->tail >> SEGMENT_BITS;

	if ((h->tail & (SEGMENT_RECORDS - 1)) == 0) {
		TR_ASSERT(number < h->segment_room);
		h->segments[number] = h->pool_count > 0 ? h->pool[--h->pool_count]
							: tr_harness_alloc(SEGMENT_RECORDS * sizeof(struct record));
		h->segment_count++;
	}
	h->live[number]++;
	h->live_total++;
	return h->tail++;
}

static void tidy(struct hybrid *h)
{
	if (h->is_compacting || h->segment_count < 8 || (h->segment_count << SEGMENT_BITS) < h->live_total * 2)
		return;
	h->is_compacting = true;
	compact_one(h);
	h->is_compacting = false;
}

static void update(void *layout, const int64_t *keys, const int64_t *values, uint32_t count)
{
	struct hybrid *h = layout;
	const uint64_t mask = ((uint64_t)1 << h->bits) - 1, low = (UINT64_C(1) << 48) - 1;
	const uint64_t segments = h->segment_count;

	for (uint32_t i = 0; i < count + 2 * AHEAD; i++) {
		if (i < count)
			__builtin_prefetch(&h->index[tr_hash_u64((uint64_t)keys[i]) & mask], 1);
		if (i >= AHEAD && i - AHEAD < count) {
			const uint64_t hash = tr_hash_u64((uint64_t)keys[i - AHEAD]);
			const uint64_t word = h->index[hash & mask];

			if (word != 0 && word >> 48 == hash >> 48)
				__builtin_prefetch(at(h, (word & low) - 1), 1);
		}
		if (i >= 2 * AHEAD) {
			const int64_t key = keys[i - 2 * AHEAD];
			uint64_t *word = find(h, key);
			uint64_t address = (*word & low) - 1;

			if (*word == 0) {
				address = append(h);
				*at(h, address) = (struct record){key, 0, 0, 0};
				*word = tr_hash_u64((uint64_t)key) >> 48 << 48 | (address + 1);
			} else if (address < h->read_only) {
				const uint64_t to = append(h);

				*at(h, to) = *at(h, address);
				*word = (*word & ~low) | (to + 1);
				h->live_total--;
				if (--h->live[address >> SEGMENT_BITS] == 0 && is_free(h, address >> SEGMENT_BITS))
					segment_drop(h, address >> SEGMENT_BITS);
				address = to;
			}
			at(h, address)->count++;
			at(h, address)->sum += values[i - 2 * AHEAD];
		}
	}
	if (h->segment_count > segments)
		tidy(h);
}

static void barrier(void *layout, const struct tr_snapshot_order *order)
{
	struct hybrid *h = layout;

	h->read_only = h->until = h->tail;
	h->is_active = true;
}

static bool step(void *layout, struct tr_state_writer *writer, size_t budget)
{
	struct hybrid *h = layout;
	char out[TR_STATE_RECORD_BYTES];
	size_t length = 0;

	for (size_t spent = 0; h->written < h->until && spent < budget; spent += length) {
		struct tr_state_record record = {.is_keyed = true, .bytes = out};

		for (length = 0; h->written < h->until && length + ENTRY_BYTES <= sizeof(out); length += ENTRY_BYTES) {
			memcpy(out + length, at(h, h->written), ENTRY_BYTES);
			h->written++;
			if ((h->written & (SEGMENT_RECORDS - 1)) == 0 && is_free(h, (h->written >> SEGMENT_BITS) - 1))
				segment_drop(h, (h->written >> SEGMENT_BITS) - 1);
		}
		record.length = length;
		TR_ASSERT(writer->put(writer, &record, NULL) == TR_OK);
	}
	h->is_active = h->written < h->until;
	return h->is_active;
}

static tr_code load(void *layout, const void *bytes, size_t length)
{
	struct hybrid *h = layout;

	for (size_t i = 0; i < length; i += ENTRY_BYTES) {
		struct record r = {0};
		uint64_t *word;

		memcpy(&r, (const char *)bytes + i, ENTRY_BYTES);
		word = find(h, r.key);
		if (*word == 0)
			*word = tr_hash_u64((uint64_t)r.key) >> 48 << 48 | (append(h) + 1);
		*at(h, (*word & ((UINT64_C(1) << 48) - 1)) - 1) = r;
	}
	return TR_OK;
}

static size_t bytes(const void *layout)
{
	const struct hybrid *h = layout;

	return (sizeof(uint64_t) << h->bits) +
	       (h->segment_count + h->pool_count) * SEGMENT_RECORDS * sizeof(struct record);
}

const struct tr_layout tr_layout_log = {.name = "log",
					.create = create,
					.destroy = destroy,
					.update = update,
					.barrier = barrier,
					.step = step,
					.load = load,
					.bytes = bytes};
