/* SPDX-License-Identifier: Apache-2.0
 *
 * See timer_state.h. Keys of the table: the time in eight bytes, then the timer's key, whose partition they keep.
 */
#include "state/timer_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define TIME_BYTES 8

void tr_timer_state_init(struct tr_timer_state *timers, const struct tr_table_options *options)
{
	TR_ASSERT(options->has_byte_keys && options->ttl_ms == 0 && options->memory_limit == 0);
	memset(timers, 0, sizeof(*timers));
	TR_ASSERT(tr_table_create(options, &timers->table, NULL) == TR_OK);
}

static void forget_taken(struct tr_timer_state *timers)
{
	void *bytes;

	memcpy(&bytes, &timers->taken.key.bytes, sizeof(bytes));
	free(bytes);
	timers->taken.key.bytes = NULL;
}

void tr_timer_state_deinit(struct tr_timer_state *timers)
{
	forget_taken(timers);
	while (timers->count > 0) {
		timers->taken = timers->heap[--timers->count];
		forget_taken(timers);
	}
	free(timers->heap);
	tr_table_destroy(&timers->table);
}

static int compare(const struct tr_timer *a, const struct tr_timer *b)
{
	const uint32_t length = TR_MIN(a->key.length, b->key.length);
	int order = (a->time_ms > b->time_ms) - (a->time_ms < b->time_ms);

	if (order == 0)
		order = memcmp(a->key.bytes, b->key.bytes, length);
	return order != 0 ? order : (a->key.length > b->key.length) - (a->key.length < b->key.length);
}

static void heap_push(struct tr_timer_state *timers, int64_t time_ms, const struct tr_table_key *key)
{
	struct tr_timer timer = {time_ms, *key};
	char *bytes = malloc((size_t)key->length + 1);
	uint32_t i = timers->count++;

	TR_ASSERT(bytes != NULL);
	memcpy(bytes, key->bytes, key->length);
	timer.key.bytes = bytes;
	if (timers->count > timers->room) {
		timers->room = timers->room * 2 + 16;
		timers->heap = realloc(timers->heap, timers->room * sizeof(*timers->heap));
		TR_ASSERT(timers->heap != NULL);
	}
	for (; i > 0 && compare(&timer, &timers->heap[(i - 1) / 2]) < 0; i = (i - 1) / 2)
		timers->heap[i] = timers->heap[(i - 1) / 2];
	timers->heap[i] = timer;
}

/** Takes the first timer of the heap to `taken`. */
static void heap_pop(struct tr_timer_state *timers)
{
	const struct tr_timer last = timers->heap[--timers->count];
	uint32_t i = 0;

	forget_taken(timers);
	timers->taken = timers->count > 0 ? timers->heap[0] : last;
	for (uint32_t child = 1; child < timers->count; child = 2 * i + 1) {
		if (child + 1 < timers->count && compare(&timers->heap[child + 1], &timers->heap[child]) < 0)
			child++;
		if (compare(&last, &timers->heap[child]) <= 0)
			break;
		timers->heap[i] = timers->heap[child];
		i = child;
	}
	if (timers->count > 0)
		timers->heap[i] = last;
}

/** The table's key of a timer, in `bytes`. */
static struct tr_table_key key_of(int64_t time_ms, const struct tr_table_key *key, char *bytes)
{
	TR_ASSERT(key->length <= TR_TIMER_KEY_BYTES_MAX);
	memcpy(bytes, &time_ms, TIME_BYTES);
	memcpy(bytes + TIME_BYTES, key->bytes, key->length);
	return (struct tr_table_key){bytes, key->length + TIME_BYTES, key->partition};
}

void tr_timer_state_add(struct tr_timer_state *timers, int64_t time_ms, const struct tr_table_key *key)
{
	char bytes[TR_TIMER_KEY_BYTES_MAX + TIME_BYTES];
	const struct tr_table_key full = key_of(time_ms, key, bytes);
	struct tr_table_value value = {NULL, 0};
	bool is_new;

	TR_ASSERT(tr_table_upsert(timers->table, &full, 1, &value, &is_new) == TR_FLOW_MORE);
	if (is_new)
		heap_push(timers, time_ms, key);
}

void tr_timer_state_remove(struct tr_timer_state *timers, int64_t time_ms, const struct tr_table_key *key)
{
	char bytes[TR_TIMER_KEY_BYTES_MAX + TIME_BYTES];
	const struct tr_table_key full = key_of(time_ms, key, bytes);

	TR_ASSERT(tr_table_erase(timers->table, &full, 1) == TR_FLOW_MORE);
}

bool tr_timer_state_take(struct tr_timer_state *timers, int64_t until_ms, struct tr_timer *timer)
{
	while (timers->count > 0 && timers->heap[0].time_ms <= until_ms) {
		char bytes[TR_TIMER_KEY_BYTES_MAX + TIME_BYTES];
		struct tr_table_value value;
		struct tr_table_key full;

		heap_pop(timers);
		full = key_of(timers->taken.time_ms, &timers->taken.key, bytes);
		TR_ASSERT(tr_table_find(timers->table, &full, 1, &value) == TR_FLOW_MORE);
		if (value.bytes == NULL)
			continue; /* removed */
		TR_ASSERT(tr_table_erase(timers->table, &full, 1) == TR_FLOW_MORE);
		*timer = timers->taken;
		return true;
	}
	return false;
}

int64_t tr_timer_state_next(const struct tr_timer_state *timers)
{
	return timers->count > 0 ? timers->heap[0].time_ms : INT64_MAX;
}

void tr_timer_state_load_end(struct tr_timer_state *timers)
{
	struct tr_table_entry entries[64];
	uint64_t cursor = 0;
	uint32_t count;

	TR_ASSERT(timers->count == 0);
	do {
		TR_ASSERT(tr_table_scan(timers->table, 0, UINT32_MAX, &cursor, 64, entries, &count) == TR_FLOW_MORE);
		for (uint32_t i = 0; i < count; i++) {
			struct tr_table_key key = entries[i].key;
			int64_t time_ms;

			if (key.length < TIME_BYTES)
				continue; /* no timer: a record that was tampered with */
			memcpy(&time_ms, key.bytes, TIME_BYTES);
			key.bytes = (const char *)key.bytes + TIME_BYTES;
			key.length -= TIME_BYTES;
			if (key.length <= TR_TIMER_KEY_BYTES_MAX)
				heap_push(timers, time_ms, &key);
		}
	} while (count > 0);
}
