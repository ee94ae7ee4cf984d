/* SPDX-License-Identifier: Apache-2.0
 *
 * One array of 32-byte entries, each with the number of the checkpoint that will have its last change, and a bit for every
 * 1 KiB that has changed. Growth (not measured) would move everything at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "bench/harness.h"
#include "bench/layouts/layout.h"

#define AHEAD 48
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define ENTRY_BYTES 24
#define BLOCK 32 /* entries a bit */

struct entry {
	int64_t key, count, sum;
	uint64_t stamp;
};

struct flat {
	struct entry *entries;
	uint8_t *changed[2]; /* by block: since the barrier, and before it */
	uint64_t capacity;
	unsigned shift;
	uint64_t epoch, checkpoint, completed, cursor; /* blocks before the cursor are written */
	bool is_active;
	char out[TR_STATE_RECORD_BYTES];
	size_t out_length;
	struct tr_state_writer *writer;
	char *aside; /* old contents that wait for a writer */
	size_t aside_length, aside_room;
};

static void *create(uint64_t keys)
{
	struct flat *f = calloc(1, sizeof(*f));

	f->capacity = 1024;
	f->shift = 54;
	while (f->capacity < keys + keys / 2) {
		f->capacity *= 2;
		f->shift--;
	}
	f->entries = tr_harness_alloc(f->capacity * sizeof(struct entry));
	f->changed[0] = calloc(f->capacity / BLOCK, 1);
	f->changed[1] = calloc(f->capacity / BLOCK, 1);
	f->epoch = 1;
	return f;
}

static void destroy(void *layout)
{
	struct flat *f = layout;

	tr_harness_free(f->entries, f->capacity * sizeof(struct entry));
	free(f->changed[0]);
	free(f->changed[1]);
	free(f->aside);
	free(f);
}

static __attribute__((noinline)) void first_change(struct flat *f, struct entry *e)
{
	const uint64_t slot = (uint64_t)(e - f->entries);

	if (f->is_active && e->stamp > f->completed && e->stamp <= f->checkpoint && slot / BLOCK >= f->cursor) {
		if (f->aside_length + ENTRY_BYTES > f->aside_room) {
			f->aside_room = f->aside_room * 2 + 4096;
			f->aside = realloc(f->aside, f->aside_room);
			TR_ASSERT(f->aside != NULL);
		}
		memcpy(f->aside + f->aside_length, e, ENTRY_BYTES);
		f->aside_length += ENTRY_BYTES;
	}
	e->stamp = f->epoch;
	f->changed[0][slot / BLOCK] = 1;
}

static inline uint64_t home(const struct flat *f, int64_t key) { return (uint64_t)key * FACTOR >> f->shift; }

static void update(void *layout, const int64_t *keys, const int64_t *values, uint32_t count)
{
	struct flat *f = layout;
	const uint64_t mask = f->capacity - 1;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t slot = home(f, keys[i]);

		if (i + AHEAD < count)
			__builtin_prefetch(&f->entries[home(f, keys[i + AHEAD])], 1);
		while (f->entries[slot].key != keys[i] && f->entries[slot].key != 0)
			slot = (slot + 1) & mask;
		f->entries[slot].key = keys[i];
		if (f->entries[slot].stamp != f->epoch)
			first_change(f, &f->entries[slot]);
		f->entries[slot].count++;
		f->entries[slot].sum += values[i];
	}
}

static void barrier(void *layout, const struct tr_snapshot_order *order)
{
	struct flat *f = layout;
	uint8_t *swap = f->changed[0];

	f->changed[0] = f->changed[1];
	f->changed[1] = swap;
	f->is_active = true;
	f->checkpoint = order->checkpoint;
	f->completed = order->completed;
	f->epoch = order->checkpoint + 1;
	f->cursor = 0;
}

static void flush(struct flat *f, const char *bytes, size_t length)
{
	const struct tr_state_record record = {.is_keyed = true, .bytes = bytes, .length = length};

	if (length > 0)
		TR_ASSERT(f->writer->put(f->writer, &record, NULL) == TR_OK);
}

static bool step(void *layout, struct tr_state_writer *writer, size_t budget)
{
	struct flat *f = layout;
	size_t spent = f->aside_length;

	f->writer = writer;
	flush(f, f->aside, f->aside_length);
	f->aside_length = 0;
	for (; f->cursor < f->capacity / BLOCK && spent < budget; f->cursor++) {
		if (!f->changed[1][f->cursor]) {
			spent++;
			continue;
		}
		f->changed[1][f->cursor] = 0;
		for (uint64_t i = f->cursor * BLOCK; i < (f->cursor + 1) * BLOCK; i++) {
			const struct entry *e = &f->entries[i];

			if (e->stamp <= f->completed || e->stamp > f->checkpoint)
				continue;
			if (f->out_length + ENTRY_BYTES > sizeof(f->out)) {
				flush(f, f->out, f->out_length);
				f->out_length = 0;
			}
			memcpy(f->out + f->out_length, e, ENTRY_BYTES);
			f->out_length += ENTRY_BYTES;
		}
		spent += BLOCK * sizeof(struct entry) / 4;
	}
	if (f->cursor < f->capacity / BLOCK)
		return true;
	flush(f, f->out, f->out_length);
	f->out_length = 0;
	f->is_active = false;
	return false;
}

static tr_code load(void *layout, const void *bytes, size_t length)
{
	struct flat *f = layout;
	const uint64_t mask = f->capacity - 1;

	for (size_t at = 0; at < length; at += ENTRY_BYTES) {
		int64_t key;
		uint64_t slot;

		memcpy(&key, (const char *)bytes + at, 8);
		slot = home(f, key);
		while (f->entries[slot].key != key && f->entries[slot].key != 0)
			slot = (slot + 1) & mask;
		memcpy(&f->entries[slot], (const char *)bytes + at, ENTRY_BYTES);
	}
	return TR_OK;
}

static size_t bytes(const void *layout)
{
	const struct flat *f = layout;

	return f->capacity * (sizeof(struct entry)) + f->capacity / BLOCK * 2 + f->aside_room;
}

const struct tr_layout tr_layout_flat = {.name = "flat",
					 .create = create,
					 .destroy = destroy,
					 .update = update,
					 .barrier = barrier,
					 .step = step,
					 .load = load,
					 .bytes = bytes};
