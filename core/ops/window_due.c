/* SPDX-License-Identifier: Apache-2.0
 *
 * See window_due.h. A pair in a chunk:
 *
 *     | end u64, sign bit flipped | partition u32 | key length u32 | key |        not aligned
 *
 * A chunk is taken from its front and filled at its back.
 */
#include "core/ops/window_due.h"

#include <stdlib.h>

#include "base/check.h"

#define CHUNK_BYTES 4096
#define HEAD_BYTES 16
#define BUFFER_SHARE 2 /* of the limit may be on its way to the file */

struct tr_window_due_chunk {
	struct tr_window_due_chunk *next;
	uint32_t begin, end, room;
	char bytes[];
};

static struct tr_window_due_chunk *chunk_get(struct tr_window_due *due, uint32_t room)
{
	struct tr_window_due_chunk *chunk = due->spare;

	if (chunk != NULL && chunk->room >= room) {
		due->spare = chunk->next;
	} else {
		room = TR_MAX(room, (uint32_t)(CHUNK_BYTES - sizeof(*chunk)));
		chunk = tr_checked(malloc(sizeof(*chunk) + room));
		chunk->room = room;
		due->bytes += sizeof(*chunk) + room;
	}
	chunk->next = NULL;
	chunk->begin = chunk->end = 0;
	return chunk;
}

static void chunk_free(struct tr_window_due *due, struct tr_window_due_chunk *chunk)
{
	due->bytes -= sizeof(*chunk) + chunk->room;
	free(chunk);
}

/** Keeps one empty chunk; more would be memory that others could use. */
static void chunk_put(struct tr_window_due *due, struct tr_window_due_chunk *chunk)
{
	if (due->spare != NULL || chunk->room > CHUNK_BYTES) {
		chunk_free(due, chunk);
		return;
	}
	chunk->next = NULL;
	due->spare = chunk;
}

void tr_window_due_deinit(struct tr_window_due *due)
{
	for (uint32_t b = 0; b < TR_WINDOW_DUE_BUCKETS; b++) {
		while (due->buckets[b].first != NULL) {
			struct tr_window_due_chunk *chunk = due->buckets[b].first;

			due->buckets[b].first = chunk->next;
			chunk_free(due, chunk);
		}
	}
	if (due->spare != NULL)
		chunk_free(due, due->spare);
	due->spare = NULL;
	if (due->file == NULL)
		return;
	tr_spill_reader_deinit(&due->reader);
	for (uint32_t b = 0; b < TR_WINDOW_DUE_BUCKETS; b++)
		if (due->buckets[b].run != NULL)
			tr_spill_drop(due->file, &due->buckets[b].run);
	if (due->reading != NULL)
		tr_spill_drop(due->file, &due->reading);
	tr_spill_close(&due->file);
}

tr_code tr_window_due_set_limit(struct tr_window_due *due, struct tr_io_queue *queue, const char *path, size_t bytes,
				struct tr_status *st)
{
	due->limit = bytes;
	return tr_spill_open(queue->disk, queue, path, bytes / BUFFER_SHARE, &due->file, st);
}

size_t tr_window_due_memory(const struct tr_window_due *due)
{
	size_t bytes = due->bytes;

	if (due->file == NULL)
		return bytes;
	for (uint32_t i = 0; i < TR_SPILL_READS_MAX; i++)
		bytes += due->reader.reads[i].room;
	return bytes + tr_spill_memory(due->file);
}

enum tr_flow tr_window_due_poll(struct tr_window_due *due, struct tr_status *st)
{
	enum tr_flow flow = TR_FLOW_MORE;

	if (due->file != NULL)
		flow = tr_spill_poll(due->file);
	if (flow == TR_FLOW_FAILED)
		*st = due->file->status;
	return flow;
}

static bool is_empty(const struct tr_window_due_bucket *bucket) { return bucket->first == NULL && bucket->run == NULL; }

/** Full chunks to the file, the last to be needed first, until memory is below the limit or none is left. */
static void spill(struct tr_window_due *due)
{
	for (uint32_t b = TR_WINDOW_DUE_BUCKETS; b-- > 0 && due->bytes > due->limit / 8 * 7;) {
		struct tr_window_due_bucket *bucket = &due->buckets[b];

		while (bucket->first != bucket->last && due->bytes > due->limit / 8 * 7) {
			struct tr_window_due_chunk *chunk = bucket->first;

			if (bucket->run == NULL)
				bucket->run = tr_spill_run_begin(due->file);
			tr_spill_put(due->file, bucket->run, 0, chunk->bytes + chunk->begin, chunk->end - chunk->begin,
				     0, 0);
			bucket->first = chunk->next;
			chunk_free(due, chunk);
		}
	}
}

/** Appends a pair that lies packed at `pair`; the bytes of its key are elsewhere. */
static void bucket_append(struct tr_window_due *due, const void *head, const void *key, uint32_t key_length,
			  uint64_t end)
{
	const uint64_t differs = end <= due->last ? 0 : end ^ due->last;
	struct tr_window_due_bucket *bucket = &due->buckets[differs == 0 ? 0 : 64 - __builtin_clzll(differs)];
	struct tr_window_due_chunk *chunk = bucket->last;

	if (is_empty(bucket))
		bucket->least = end;
	if (bucket->first == NULL || chunk->room - chunk->end < HEAD_BYTES + key_length) {
		chunk = chunk_get(due, HEAD_BYTES + key_length);
		if (bucket->first == NULL)
			bucket->first = chunk;
		else
			bucket->last->next = chunk;
		bucket->last = chunk;
	}
	bucket->least = TR_MIN(bucket->least, end);
	memcpy(chunk->bytes + chunk->end, head, HEAD_BYTES);
	memcpy(chunk->bytes + chunk->end + HEAD_BYTES, key, key_length);
	chunk->end += HEAD_BYTES + key_length;
}

static uint64_t to_unsigned(int64_t end) { return (uint64_t)end ^ UINT64_C(1) << 63; }

void tr_window_due_push(struct tr_window_due *due, int64_t end, const struct tr_table_key *key)
{
	const uint64_t turned = to_unsigned(end);
	char head[HEAD_BYTES];

	memcpy(head, &turned, 8);
	memcpy(head + 8, &key->partition, 4);
	memcpy(head + 12, &key->length, 4);
	bucket_append(due, head, key->bytes, key->length, turned);
	due->count++;
	if (due->limit > 0 && due->bytes > due->limit)
		spill(due);
}

static uint32_t lowest(const struct tr_window_due *due)
{
	uint32_t b = 0;

	while (b < TR_WINDOW_DUE_BUCKETS && is_empty(&due->buckets[b]))
		b++;
	return b;
}

int64_t tr_window_due_next(const struct tr_window_due *due)
{
	const uint32_t b = lowest(due);

	if (due->reading != NULL)
		return (int64_t)(due->last ^ UINT64_C(1) << 63);
	return b == TR_WINDOW_DUE_BUCKETS ? INT64_MAX : (int64_t)(due->buckets[b].least ^ UINT64_C(1) << 63);
}

static void deal_pairs(struct tr_window_due *due, const char *pair, const char *end_of_pairs)
{
	while (pair < end_of_pairs) {
		uint32_t key_length;
		uint64_t end;

		memcpy(&end, pair, 8);
		memcpy(&key_length, pair + 12, 4);
		bucket_append(due, pair, pair + HEAD_BYTES, key_length, end);
		pair += HEAD_BYTES + key_length;
	}
	if (due->limit > 0 && due->bytes > due->limit)
		spill(due);
}

/** Deals the pairs of a bucket to the lower ones; what of them is in the file is to be read. */
static void deal(struct tr_window_due *due, uint32_t b)
{
	struct tr_window_due_bucket *bucket = &due->buckets[b];
	struct tr_window_due_chunk *chunk = bucket->first;

	due->last = bucket->least;
	due->reading = bucket->run;
	due->is_reading_first = b == 0;
	*bucket = (struct tr_window_due_bucket){0};
	while (chunk != NULL) {
		struct tr_window_due_chunk *next = chunk->next;

		deal_pairs(due, chunk->bytes + chunk->begin, chunk->bytes + chunk->end);
		chunk_put(due, chunk);
		chunk = next;
	}
	if (due->reading != NULL)
		tr_spill_reader_add(&due->reader, due->file, due->reading, 0, UINT8_MAX, 0);
}

/** The next chunk of what is being read. DONE: that was all. */
static enum tr_flow read_chunk(struct tr_window_due *due, struct tr_status *st)
{
	struct tr_spill_item item;
	enum tr_flow flow = tr_window_due_poll(due, st);

	if (flow == TR_FLOW_MORE)
		flow = tr_spill_reader_next(&due->reader, &item, st);
	if (flow == TR_FLOW_MORE)
		deal_pairs(due, item.record.bytes, (const char *)item.record.bytes + item.record.length);
	if (flow == TR_FLOW_DONE) {
		tr_spill_reader_clear(&due->reader);
		tr_spill_drop(due->file, &due->reading);
	}
	return flow;
}

enum tr_flow tr_window_due_settle(struct tr_window_due *due, struct tr_status *st)
{
	for (;;) {
		if (due->buckets[0].first != NULL && (due->reading == NULL || due->is_reading_first))
			return TR_FLOW_MORE;
		if (due->reading != NULL) {
			const enum tr_flow flow = read_chunk(due, st);

			if (flow != TR_FLOW_MORE && flow != TR_FLOW_DONE)
				return flow;
		} else if (due->count == 0) {
			return TR_FLOW_MORE;
		} else {
			deal(due, lowest(due));
		}
	}
}

static void taken_add(struct tr_window_taken *taken, const char *pair, uint32_t key_length)
{
	const uint32_t at = taken->count++;
	uint64_t end;

	if (taken->count > taken->room) {
		taken->room = TR_MAX(taken->room * 2, 64u);
		taken->ends = tr_checked(realloc(taken->ends, taken->room * sizeof(*taken->ends)));
		taken->keys = tr_checked(realloc(taken->keys, taken->room * sizeof(*taken->keys)));
	}
	memcpy(&end, pair, 8);
	taken->ends[at] = (int64_t)(end ^ UINT64_C(1) << 63);
	taken->keys[at].length = key_length;
	memcpy(&taken->keys[at].partition, pair + 8, 4);
	tr_bytes_append(&taken->bytes, pair + HEAD_BYTES, key_length);
}

void tr_window_due_take(struct tr_window_due *due, struct tr_window_taken *taken)
{
	struct tr_window_due_bucket *bucket = &due->buckets[0];
	struct tr_window_due_chunk *chunk;
	const char *pair;
	uint32_t key_length;

	TR_ASSERT(bucket->first != NULL);
	chunk = bucket->first;
	pair = chunk->bytes + chunk->begin;
	memcpy(&key_length, pair + 12, 4);
	taken_add(taken, pair, key_length);
	chunk->begin += HEAD_BYTES + key_length;
	due->count--;
	if (chunk->begin == chunk->end) {
		bucket->first = chunk->next;
		if (bucket->first == NULL)
			bucket->last = NULL;
		chunk_put(due, chunk);
	}
}

void tr_window_taken_show(struct tr_window_taken *taken)
{
	size_t at = 0;

	(void)tr_bytes_reserve(&taken->bytes, 1); /* an address for empty keys */
	for (uint32_t i = 0; i < taken->count; i++) {
		taken->keys[i].bytes = taken->bytes.data + at;
		at += taken->keys[i].length;
	}
}

void tr_window_taken_clear(struct tr_window_taken *taken)
{
	taken->count = 0;
	tr_bytes_clear(&taken->bytes);
}

void tr_window_taken_deinit(struct tr_window_taken *taken)
{
	free(taken->ends);
	free(taken->keys);
	tr_bytes_deinit(&taken->bytes);
}
