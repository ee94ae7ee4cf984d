/* SPDX-License-Identifier: Apache-2.0
 *
 * See sorted_table.h. The keys of the table below end with the number of the chunk in four bytes; the head has
 * UINT32_MAX. All that a change will touch is found first; then the table is held, so that nothing blocks half-way.
 */
#include "state/sorted_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define CHUNK_BYTES 2048
#define HEAD UINT32_MAX

struct head {
	uint64_t rows;
	uint32_t next_chunk;
	uint32_t fence_count;
};

struct fence {
	uint32_t chunk;
	uint32_t rows;
	uint32_t sort_length; /* the bytes follow */
};

/** A fence found in a head. */
struct place {
	uint32_t index;
	uint32_t at, end; /* of the fence in the head's bytes */
	struct fence fence;
	const char *sort;
};

struct row_head {
	uint32_t length;
	uint16_t sort_length;
} __attribute__((packed));

tr_code tr_sorted_table_init(struct tr_sorted_table *sorted, const struct tr_table_options *options,
			     struct tr_status *st)
{
	TR_ASSERT(options->has_byte_keys);
	memset(sorted, 0, sizeof(*sorted));
	return tr_table_create(options, &sorted->table, st);
}

void tr_sorted_table_deinit(struct tr_sorted_table *sorted)
{
	tr_table_destroy(&sorted->table);
	free(sorted->scratch);
	memset(sorted, 0, sizeof(*sorted));
}

bool tr_sorted_table_is_key(const struct tr_table_key *entry_key, uint32_t *length)
{
	uint32_t chunk;

	*length = entry_key->length - (uint32_t)sizeof(chunk);
	memcpy(&chunk, (const char *)entry_key->bytes + *length, sizeof(chunk));
	return chunk == HEAD;
}

static char *scratch(struct tr_sorted_table *sorted, size_t bytes)
{
	if (sorted->scratch_room < bytes) {
		sorted->scratch_room = bytes + bytes / 2 + 256;
		sorted->scratch = tr_checked(realloc(sorted->scratch, sorted->scratch_room));
	}
	return sorted->scratch;
}

/** The key of a chunk, or of the head, in `bytes`. */
static struct tr_table_key key_of(const struct tr_table_key *key, uint32_t chunk, char *bytes)
{
	TR_ASSERT(key->length <= TR_SORTED_KEY_BYTES_MAX);
	memcpy(bytes, key->bytes, key->length);
	memcpy(bytes + key->length, &chunk, 4);
	return (struct tr_table_key){bytes, key->length + 4, key->partition};
}

/** Keys of usual length are put together on the stack. */
#define KEY_BYTES 256
#define TR_CHUNK_KEY(name, key, chunk)                                                                            \
	char name##_bytes[KEY_BYTES];                                                                             \
	char *name##_long = (key)->length + 4 > KEY_BYTES ? tr_checked(malloc((size_t)(key)->length + 4)) : NULL; \
	const struct tr_table_key name = key_of(key, chunk, name##_long != NULL ? name##_long : name##_bytes)

static enum tr_flow chunk_find(struct tr_sorted_table *sorted, const struct tr_table_key *key, uint32_t chunk,
			       struct tr_table_value *value)
{
	TR_CHUNK_KEY(full, key, chunk);
	const enum tr_flow flow = tr_table_find(sorted->table, &full, 1, value);

	free(full_long);
	return flow;
}

static enum tr_flow chunk_put(struct tr_sorted_table *sorted, const struct tr_table_key *key, uint32_t chunk,
			      const void *bytes, uint32_t length)
{
	TR_CHUNK_KEY(full, key, chunk);
	const enum tr_flow flow = tr_table_put(sorted->table, &full, bytes, length);

	free(full_long);
	return flow;
}

static enum tr_flow chunk_erase(struct tr_sorted_table *sorted, const struct tr_table_key *key, uint32_t chunk)
{
	TR_CHUNK_KEY(full, key, chunk);
	const enum tr_flow flow = tr_table_erase(sorted->table, &full, 1);

	free(full_long);
	return flow;
}

static int compare(const void *a, uint32_t a_length, const void *b, uint32_t b_length)
{
	const int order = memcmp(a, b, TR_MIN(a_length, b_length));

	return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/** Reads the fence that begins at `at`. False: there is none. */
static bool fence_at(const struct tr_table_value *head, uint32_t at, struct place *place)
{
	if (at >= head->length)
		return false;
	TR_ASSERT(head->length - at >= sizeof(struct fence));
	memcpy(&place->fence, (const char *)head->bytes + at, sizeof(struct fence));
	TR_ASSERT(head->length - at - sizeof(struct fence) >= place->fence.sort_length);
	place->at = at;
	place->sort = (const char *)head->bytes + at + sizeof(struct fence);
	place->end = at + (uint32_t)sizeof(struct fence) + place->fence.sort_length;
	return true;
}

/** The chunk in which a sort key is, or would be: the last one that does not begin behind it, or the first. */
static bool place_of(const struct tr_table_value *head, const void *sort, uint32_t sort_length, struct place *place)
{
	struct place next = {0};

	if (!fence_at(head, sizeof(struct head), place))
		return false;
	place->index = 0;
	for (next = *place; fence_at(head, next.end, &next);) {
		next.index++;
		if (compare(next.sort, next.fence.sort_length, sort, sort_length) > 0)
			break;
		*place = next;
	}
	return true;
}

/** Reads the row at *at, which moves on. False: the chunk has ended. */
static bool row_next(const struct tr_table_value *chunk, uint32_t *at, struct tr_sorted_row *row)
{
	struct row_head head;

	if (*at >= chunk->length)
		return false;
	TR_ASSERT(chunk->length - *at >= sizeof(head));
	memcpy(&head, (const char *)chunk->bytes + *at, sizeof(head));
	*at += sizeof(head);
	TR_ASSERT(chunk->length - *at >= (uint64_t)head.sort_length + head.length);
	*row = (struct tr_sorted_row){(const char *)chunk->bytes + *at, head.sort_length,
				      (const char *)chunk->bytes + *at + head.sort_length, head.length};
	*at += head.sort_length + head.length;
	return true;
}

/** Where in the chunk the first row with at least this sort key is; *is_equal: it has this one; *end: where it ends. */
static uint32_t row_find(const struct tr_table_value *chunk, const void *sort, uint32_t sort_length, bool *is_equal,
			 uint32_t *end)
{
	uint32_t at = 0, begin = 0;
	struct tr_sorted_row row;

	*is_equal = false;
	while (row_next(chunk, &at, &row)) {
		const int order = compare(row.sort, row.sort_length, sort, sort_length);

		if (order >= 0) {
			*is_equal = order == 0;
			*end = at;
			return begin;
		}
		begin = at;
	}
	*end = begin;
	return begin;
}

/** Head and chunk for a sort key; in memory, as is the chunk that would be made next, until tr_table_release.
 * `chunk->bytes` NULL: the key has no rows. */
static enum tr_flow locate(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
			   uint32_t sort_length, struct tr_table_value *head, struct place *place,
			   struct tr_table_value *chunk)
{
	static char nothing[8];
	const uint32_t length = key->length + 4;
	char stack[3 * KEY_BYTES], *bytes = length > KEY_BYTES ? tr_checked(malloc(3 * (size_t)length)) : stack;
	struct tr_table_key keys[3] = {key_of(key, HEAD, bytes), key_of(key, 0, bytes + length),
				       key_of(key, 0, bytes + 2 * (size_t)length)};
	struct tr_table_value values[3];
	enum tr_flow flow = tr_table_find(sorted->table, keys, 2, values);

	*chunk = (struct tr_table_value){NULL, 0};
	if (flow == TR_FLOW_MORE && values[0].bytes != NULL && place_of(&values[0], sort, sort_length, place)) {
		struct head now;

		memcpy(&now, values[0].bytes, sizeof(now));
		keys[1] = key_of(key, place->fence.chunk, bytes + length);
		keys[2] = key_of(key, now.next_chunk, bytes + 2 * (size_t)length);
		flow = tr_table_find(sorted->table, keys, 3, values);
		if (flow == TR_FLOW_MORE && values[0].bytes != NULL && place_of(&values[0], sort, sort_length, place))
			*chunk = values[1].bytes != NULL ? values[1] : (struct tr_table_value){nothing, 0};
	}
	*head = values[0]; /* a chunk that is missing has expired before its head */
	if (bytes != stack)
		free(bytes);
	return flow;
}

/** Writes the head anew, with the fence at `place` replaced by `count` others. The chunks themselves are written after it. */
static enum tr_flow head_put(struct tr_sorted_table *sorted, const struct tr_table_key *key,
			     const struct tr_table_value *old, const struct place *place, struct head head,
			     const struct fence *fences, const void *const *sorts, uint32_t count)
{
	const uint32_t at = place != NULL ? place->at : (uint32_t)sizeof(head);
	const uint32_t end = place != NULL ? place->end : (uint32_t)sizeof(head);
	const uint32_t tail = old->bytes == NULL ? 0 : old->length - end;
	uint32_t length = at;
	char *bytes = malloc((size_t)at + tail + 2 * (sizeof(struct fence) + TR_SORTED_SORT_BYTES_MAX));
	enum tr_flow flow;

	TR_ASSERT(bytes != NULL && count <= 2);
	if (old->bytes != NULL)
		memcpy(bytes, old->bytes, at);
	memcpy(bytes, &head, sizeof(head));
	for (uint32_t i = 0; i < count; i++) {
		memcpy(bytes + length, &fences[i], sizeof(struct fence));
		length += sizeof(struct fence);
		memcpy(bytes + length, sorts[i], fences[i].sort_length);
		length += fences[i].sort_length;
	}
	if (tail > 0)
		memcpy(bytes + length, (const char *)old->bytes + end, tail);
	flow = head.rows == 0 ? chunk_erase(sorted, key, HEAD) : chunk_put(sorted, key, HEAD, bytes, length + tail);
	free(bytes);
	return flow;
}

/** Writes the rows of bytes[0 .. length), `rows` of them, as the chunk at `place`, or as two if they are many. */
static enum tr_flow chunk_store(struct tr_sorted_table *sorted, const struct tr_table_key *key,
				const struct tr_table_value *old_head, const struct place *place, struct head head,
				char *bytes, uint32_t length, uint32_t rows)
{
	const struct tr_table_value whole = {bytes, length};
	struct fence fences[2] = {{.chunk = place != NULL ? place->fence.chunk : head.next_chunk++, .rows = rows}};
	const void *sorts[2] = {NULL, NULL};
	uint32_t count = 1, cut = length, at = 0, first_rows = 0;
	struct tr_sorted_row row;
	enum tr_flow flow;

	if (rows == 0) {
		const uint32_t chunk = fences[0].chunk;

		head.fence_count--;
		flow = head_put(sorted, key, old_head, place, head, NULL, NULL, 0);
		return flow == TR_FLOW_MORE ? chunk_erase(sorted, key, chunk) : flow;
	}
	while (row_next(&whole, &at, &row)) {
		if (first_rows == 0) {
			sorts[0] = row.sort;
			fences[0].sort_length = row.sort_length;
		} else if (length > CHUNK_BYTES && count == 1 && at > length / 2) {
			cut = (uint32_t)((const char *)row.sort - bytes) - (uint32_t)sizeof(struct row_head);
			sorts[1] = row.sort;
			fences[1] = (struct fence){
				.chunk = head.next_chunk++, .rows = rows - first_rows, .sort_length = row.sort_length};
			fences[0].rows = first_rows;
			count = 2;
		}
		first_rows++;
	}
	head.fence_count += count - (place != NULL);
	flow = head_put(sorted, key, old_head, place, head, fences, sorts, count);
	if (flow == TR_FLOW_MORE)
		flow = chunk_put(sorted, key, fences[0].chunk, bytes, cut);
	if (flow == TR_FLOW_MORE && count == 2)
		flow = chunk_put(sorted, key, fences[1].chunk, bytes + cut, length - cut);
	return flow;
}

static struct head head_of(const struct tr_table_value *value)
{
	struct head head = {0};

	if (value->bytes != NULL) {
		TR_ASSERT(value->length >= sizeof(head));
		memcpy(&head, value->bytes, sizeof(head));
	}
	return head;
}

/** Replaces the row with a sort key by `row`, or by nothing. */
static enum tr_flow change(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
			   uint32_t sort_length, const struct tr_sorted_row *row, bool *was_there)
{
	struct tr_table_value head_value, chunk;
	struct place place = {0};
	struct head head;
	uint32_t begin = 0, end = 0, length, added = 0, rows;
	bool is_equal = false;
	enum tr_flow flow = locate(sorted, key, sort, sort_length, &head_value, &place, &chunk);
	char *bytes;

	if (flow != TR_FLOW_MORE)
		return flow;
	head = head_of(&head_value);
	if (chunk.bytes != NULL)
		begin = row_find(&chunk, sort, sort_length, &is_equal, &end);
	if (!is_equal)
		end = begin;
	if (was_there != NULL)
		*was_there = is_equal;
	if (row == NULL && !is_equal)
		return TR_FLOW_MORE;
	if (row != NULL)
		added = (uint32_t)sizeof(struct row_head) + sort_length + row->length;
	length = chunk.length - (end - begin) + added;
	bytes = scratch(sorted, length + 1);
	if (chunk.length > 0)
		memcpy(bytes, chunk.bytes, begin);
	if (row != NULL) {
		const struct row_head row_head = {row->length, (uint16_t)sort_length};

		memcpy(bytes + begin, &row_head, sizeof(row_head));
		memcpy(bytes + begin + sizeof(row_head), sort, sort_length);
		memcpy(bytes + begin + sizeof(row_head) + sort_length, row->bytes, row->length);
	}
	if (chunk.length > end)
		memcpy(bytes + begin + added, (const char *)chunk.bytes + end, chunk.length - end);
	if (chunk.length == 0 && chunk.bytes != NULL) { /* what it had has expired */
		head.rows -= place.fence.rows;
		place.fence.rows = 0;
	}
	rows = (chunk.bytes != NULL ? place.fence.rows : 0) + (row != NULL) - is_equal;
	head.rows += (row != NULL) - (uint64_t)is_equal;
	tr_table_hold(sorted->table);
	flow = chunk_store(sorted, key, &head_value, chunk.bytes != NULL ? &place : NULL, head, bytes, length, rows);
	tr_table_release(sorted->table);
	return flow;
}

enum tr_flow tr_sorted_table_put(struct tr_sorted_table *sorted, const struct tr_table_key *key,
				 const struct tr_sorted_row *row)
{
	TR_ASSERT(row->sort_length <= TR_SORTED_SORT_BYTES_MAX && row->length <= TR_SORTED_ROW_BYTES_MAX);
	return change(sorted, key, row->sort, row->sort_length, row, NULL);
}

enum tr_flow tr_sorted_table_erase(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
				   uint32_t sort_length, bool *was_there)
{
	return change(sorted, key, sort, sort_length, NULL, was_there);
}

enum tr_flow tr_sorted_table_clear(struct tr_sorted_table *sorted, const struct tr_table_key *key)
{
	for (;;) {
		struct tr_table_value head;
		struct place place = {0};
		enum tr_flow flow = chunk_find(sorted, key, HEAD, &head);

		if (flow != TR_FLOW_MORE || head.bytes == NULL)
			return flow;
		if (!fence_at(&head, sizeof(struct head), &place))
			return chunk_erase(sorted, key, HEAD);
		/* Chunk by chunk, each with its fence, so that it can be called again at any point. */
		{
			struct head less = head_of(&head);
			const uint32_t chunk = place.fence.chunk;

			flow = chunk_erase(sorted, key, chunk);
			if (flow == TR_FLOW_MORE)
				flow = chunk_find(sorted, key, HEAD, &head);
			if (flow != TR_FLOW_MORE)
				return flow;
			(void)fence_at(&head, sizeof(struct head), &place);
			less.rows -= place.fence.rows;
			less.fence_count--;
			flow = head_put(sorted, key, &head, &place, less, NULL, NULL, 0);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
	}
}

enum tr_flow tr_sorted_table_count(struct tr_sorted_table *sorted, const struct tr_table_key *key, uint64_t *count)
{
	struct tr_table_value head;
	const enum tr_flow flow = chunk_find(sorted, key, HEAD, &head);

	*count = flow == TR_FLOW_MORE ? head_of(&head).rows : 0;
	return flow;
}

enum tr_flow tr_sorted_table_range(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
				   uint32_t sort_length, bool is_after, uint32_t max, struct tr_sorted_row *rows,
				   uint32_t *count)
{
	struct tr_table_value head, chunk;
	struct place place = {0};
	enum tr_flow flow = locate(sorted, key, sort, sort_length, &head, &place, &chunk);
	bool is_equal;
	uint32_t at, end;

	*count = 0;
	if (flow != TR_FLOW_MORE || chunk.bytes == NULL)
		return flow;
	at = row_find(&chunk, sort, sort_length, &is_equal, &end);
	if (is_equal && is_after)
		at = end;
	for (;;) {
		while (*count < max && row_next(&chunk, &at, &rows[*count]))
			++*count;
		if (*count > 0)
			return TR_FLOW_MORE;
		/* Nothing in this chunk: the next one begins behind. An expired chunk gives nothing either. */
		flow = chunk_find(sorted, key, HEAD, &head);
		if (flow != TR_FLOW_MORE || head.bytes == NULL || !fence_at(&head, place.end, &place))
			return flow;
		flow = chunk_find(sorted, key, place.fence.chunk, &chunk);
		if (flow != TR_FLOW_MORE)
			return flow;
		at = 0;
	}
}

enum tr_flow tr_sorted_table_seek(struct tr_sorted_table *sorted, const struct tr_table_key *key, const void *sort,
				  uint32_t sort_length, bool is_after, struct tr_sorted_row *row)
{
	uint32_t count;
	const enum tr_flow flow = tr_sorted_table_range(sorted, key, sort, sort_length, is_after, 1, row, &count);

	if (count == 0)
		*row = (struct tr_sorted_row){0};
	return flow;
}

enum tr_flow tr_sorted_table_last(struct tr_sorted_table *sorted, const struct tr_table_key *key,
				  struct tr_sorted_row *row)
{
	struct tr_table_value head, chunk;
	struct place place = {0};
	uint32_t at;
	enum tr_flow flow = chunk_find(sorted, key, HEAD, &head);

	*row = (struct tr_sorted_row){0};
	if (flow != TR_FLOW_MORE || head.bytes == NULL)
		return flow;
	for (at = sizeof(struct head); fence_at(&head, at, &place); at = place.end)
		;
	flow = chunk_find(sorted, key, place.fence.chunk, &chunk);
	at = 0;
	while (flow == TR_FLOW_MORE && chunk.bytes != NULL && row_next(&chunk, &at, row))
		;
	return flow;
}
