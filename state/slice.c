/* SPDX-License-Identifier: Apache-2.0
 *
 * Slices and their pool of chunks; see the header. A chunk that goes back is zeroed: entry by entry if few were used,
 * else as a whole. Blocks of chunks grow to 2 MiB, on huge pages, or to 15 large chunks.
 */
#include "state/slice.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "state/huge.h"

#ifdef TR_SANITIZED /* every byte that is zeroed costs their shadow memory, too */
#define BLOCK_CHUNKS_MAX 1
#define BLOCK_BYTES 0
#else
#define BLOCK_CHUNKS_MAX 15
#define BLOCK_BYTES TR_HUGE_PAGE_BYTES
#endif
#define INDEX_BITS_MIN 6

static size_t chunk_bytes(const struct tr_slice_pool *pool)
{
	return (sizeof(struct tr_slice_chunk) + (size_t)pool->stride * TR_SLICE_CHUNK_SLOTS + 63) & ~(size_t)63;
}

void tr_slice_pool_init(struct tr_slice_pool *pool, uint32_t stride)
{
	TR_ASSERT(stride >= 8 && stride % 8 == 0);
	memset(pool, 0, sizeof(*pool));
	pool->stride = stride;
	pool->chunks_per_block = 1;
}

void tr_slice_pool_deinit(struct tr_slice_pool *pool)
{
	for (uint32_t i = 0; i < pool->block_count; i++)
		free(pool->blocks[i]);
	free(pool->blocks);
	memset(pool, 0, sizeof(*pool));
}

size_t tr_slice_pool_used(const struct tr_slice_pool *pool) { return pool->used * chunk_bytes(pool); }

static struct tr_slice_chunk *chunk_get(struct tr_slice_pool *pool)
{
	struct tr_slice_chunk *chunk = pool->free;

	if (chunk == NULL) {
		const size_t bytes = chunk_bytes(pool);
		char *block = tr_huge_zalloc(bytes * pool->chunks_per_block);
		size_t more;

		pool->blocks = tr_checked(realloc(pool->blocks, (pool->block_count + 1) * sizeof(*pool->blocks)));
		pool->blocks[pool->block_count++] = block;
		pool->bytes += bytes * pool->chunks_per_block;
		for (uint32_t i = pool->chunks_per_block; i-- > 0;) {
			chunk = (struct tr_slice_chunk *)(void *)(block + i * bytes);
			chunk->next_free = pool->free;
			pool->free = chunk;
		}
		more = TR_MIN(pool->chunks_per_block * 2 + 1, TR_MAX(BLOCK_CHUNKS_MAX, BLOCK_BYTES / bytes));
		if (pool->bytes_max == 0 || more * bytes <= pool->bytes_max)
			pool->chunks_per_block = (uint32_t)more;
	}
	pool->used++;
	pool->free = chunk->next_free;
	chunk->next_free = NULL;
	return chunk;
}

static void chunk_put(struct tr_slice_pool *pool, struct tr_slice_chunk *chunk)
{
	uint32_t used = 0;

	for (uint32_t w = 0; w < TR_SLICE_CHUNK_SLOTS / 64; w++)
		used += (uint32_t)__builtin_popcountll(chunk->present[w]);
	if (used > TR_SLICE_CHUNK_SLOTS / 8) {
		memset(chunk->entries, 0, (size_t)pool->stride * TR_SLICE_CHUNK_SLOTS);
	} else {
		for (uint32_t w = 0; w < TR_SLICE_CHUNK_SLOTS / 64; w++)
			for (uint64_t bits = chunk->present[w]; bits != 0; bits &= bits - 1)
				memset(chunk->entries +
					       (size_t)(w * 64 + (uint32_t)__builtin_ctzll(bits)) * pool->stride,
				       0, pool->stride);
	}
	memset(chunk->present, 0, sizeof(chunk->present));
	pool->used--;
	chunk->next_free = pool->free;
	pool->free = chunk;
}

void tr_slice_init(struct tr_slice *slice, bool is_dense)
{
	memset(slice, 0, sizeof(*slice));
	slice->is_dense = is_dense;
}

void tr_slice_clear(struct tr_slice_pool *pool, struct tr_slice *slice)
{
	for (uint32_t i = 0; i < slice->chunk_count; i++) {
		if (slice->chunks[i] != NULL)
			chunk_put(pool, slice->chunks[i]);
		slice->chunks[i] = NULL;
	}
	if (slice->index != NULL)
		memset(slice->index, 0, sizeof(*slice->index) << slice->index_bits);
	slice->count = 0;
	if (slice->marks != NULL)
		tr_marks_clear(slice->marks);
}

void tr_slice_deinit(struct tr_slice_pool *pool, struct tr_slice *slice)
{
	tr_slice_clear(pool, slice);
	free(slice->chunks);
	free(slice->slot_of);
	free(slice->index);
	free(slice->touched);
	if (slice->marks != NULL)
		tr_marks_deinit(slice->marks);
	free(slice->marks);
	memset(slice, 0, sizeof(*slice));
}

size_t tr_slice_bytes(const struct tr_slice *slice)
{
	return sizeof(*slice) + slice->chunk_count * sizeof(struct tr_slice_chunk *) +
	       (size_t)slice->slot_capacity * sizeof(uint32_t) +
	       (slice->index != NULL ? sizeof(uint32_t) << slice->index_bits : 0) +
	       (slice->touched != NULL ? (size_t)slice->touched_count * sizeof(uint32_t) : 0) +
	       (slice->marks != NULL ? tr_marks_bytes(slice->marks) : 0);
}

static struct tr_slice_chunk *chunk_at(struct tr_slice_pool *pool, struct tr_slice *slice, uint32_t number)
{
	if (number >= slice->chunk_count) {
		const uint32_t count = TR_MAX(number + 1, slice->chunk_count * 2);

		slice->chunks = tr_checked(realloc(slice->chunks, count * sizeof(*slice->chunks)));
		memset(slice->chunks + slice->chunk_count, 0, (count - slice->chunk_count) * sizeof(*slice->chunks));
		slice->chunk_count = count;
	}
	if (slice->chunks[number] == NULL)
		slice->chunks[number] = chunk_get(pool);
	return slice->chunks[number];
}

static inline uint32_t index_home(uint32_t slot, uint32_t bits) { return (slot * 0x9e3779b1u) >> (32 - bits); }

static void index_grow(struct tr_slice *slice)
{
	uint32_t mask;

	free(slice->index);
	slice->index_bits = slice->index == NULL ? INDEX_BITS_MIN : slice->index_bits + 1;
	TR_ASSERT(slice->index_bits < 32);
	slice->index = tr_checked(calloc((size_t)1 << slice->index_bits, sizeof(*slice->index)));
	mask = ((uint32_t)1 << slice->index_bits) - 1;
	for (uint32_t n = 0; n < slice->count; n++) {
		uint32_t i = index_home(slice->slot_of[n], slice->index_bits);

		while (slice->index[i] != 0)
			i = (i + 1) & mask;
		slice->index[i] = n + 1;
	}
}

static inline char *numbered_entry(const struct tr_slice_pool *pool, const struct tr_slice *slice, uint32_t n)
{
	return slice->chunks[n >> TR_SLICE_CHUNK_BITS]->entries +
	       (size_t)(n & (TR_SLICE_CHUNK_SLOTS - 1)) * pool->stride;
}

static uint32_t sparse_number(struct tr_slice_pool *pool, struct tr_slice *slice, uint32_t slot)
{
	struct tr_slice_chunk *chunk;
	uint32_t n, i, mask;

	if (slice->index == NULL || (size_t)slice->count * 2 >= ((size_t)1 << slice->index_bits))
		index_grow(slice);
	mask = ((uint32_t)1 << slice->index_bits) - 1;
	for (i = index_home(slot, slice->index_bits); slice->index[i] != 0; i = (i + 1) & mask) {
		n = slice->index[i] - 1;
		if (slice->slot_of[n] == slot)
			return n;
	}
	n = slice->count++;
	if (n == slice->slot_capacity) {
		slice->slot_capacity = n == 0 ? 64 : n * 2;
		slice->slot_of = tr_checked(realloc(slice->slot_of, slice->slot_capacity * sizeof(*slice->slot_of)));
	}
	slice->slot_of[n] = slot;
	slice->index[i] = n + 1;
	chunk = chunk_at(pool, slice, n >> TR_SLICE_CHUNK_BITS);
	chunk->present[(n & (TR_SLICE_CHUNK_SLOTS - 1)) / 64] |= UINT64_C(1) << (n % 64);
	return n;
}

void tr_slice_resolve(struct tr_slice_pool *pool, struct tr_slice *slice, const uint32_t *slots, uint32_t count,
		      char **entries)
{
	const size_t stride = pool->stride;
	uint32_t highest = 0;

	TR_DASSERT(!slice->is_retired);
	if (!slice->is_dense) {
		for (uint32_t i = 0; i < count; i++)
			entries[i] = numbered_entry(pool, slice, sparse_number(pool, slice, slots[i]));
		return;
	}
	for (uint32_t i = 0; slice->chunk_count <= 1 && i < count; i++)
		highest = TR_MAX(highest, slots[i]);
	if (slice->chunk_count <= 1 && highest < TR_SLICE_CHUNK_SLOTS && count > 0) { /* all in the first chunk */
		char *first = chunk_at(pool, slice, 0)->entries;

		for (uint32_t i = 0; i < count; i++)
			entries[i] = first + slots[i] * stride;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t number = slots[i] >> TR_SLICE_CHUNK_BITS;
		struct tr_slice_chunk *chunk = number < slice->chunk_count ? slice->chunks[number] : NULL;

		if (TR_UNLIKELY(chunk == NULL))
			chunk = chunk_at(pool, slice, number);
		entries[i] = chunk->entries + (slots[i] & (TR_SLICE_CHUNK_SLOTS - 1)) * stride;
		__builtin_prefetch(entries[i], 1, 3);
	}
}

void tr_slice_resolve_numbers(struct tr_slice_pool *pool, struct tr_slice *slice, const uint32_t *slots, uint32_t count,
			      char **entries, uint32_t *numbers)
{
	if (slice->is_dense) {
		memcpy(numbers, slots, count * sizeof(*numbers));
		tr_slice_resolve(pool, slice, slots, count, entries);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = sparse_number(pool, slice, slots[i]);
		entries[i] = numbered_entry(pool, slice, numbers[i]);
	}
}

void tr_slice_keep_marks(struct tr_slice *slice, struct tr_marks_clock *clock)
{
	TR_ASSERT(slice->marks == NULL);
	slice->marks = tr_checked(malloc(sizeof(*slice->marks)));
	tr_marks_init(slice->marks, clock);
}

uint32_t tr_slice_at_numbers(const struct tr_slice_pool *pool, const struct tr_slice *slice, const uint32_t *numbers,
			     uint32_t count, uint32_t *slots, char **entries)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t number = numbers[i], c = number >> TR_SLICE_CHUNK_BITS;
		const uint32_t inside = number & (TR_SLICE_CHUNK_SLOTS - 1);

		if (c >= slice->chunk_count || slice->chunks[c] == NULL ||
		    !(slice->chunks[c]->present[inside / 64] >> inside % 64 & 1))
			continue;
		slots[n] = slice->is_dense ? number : slice->slot_of[number];
		entries[n++] = numbered_entry(pool, slice, number);
	}
	return n;
}

void tr_slice_touch(struct tr_slice *slice, const uint32_t *slots, uint32_t count)
{
	if (!slice->is_dense)
		return; /* counted when it was made */
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t slot = slots[i] & (TR_SLICE_CHUNK_SLOTS - 1);

		slice->chunks[slots[i] >> TR_SLICE_CHUNK_BITS]->present[slot / 64] |= UINT64_C(1) << (slot % 64);
	}
	slice->count += count;
}

/** Appends the entries of one word of `present`, the first of which is number `base`. Returns those that had no room. */
static uint64_t scan_word(const struct tr_slice *slice, uint64_t bits, uint32_t base, char *first, size_t stride,
			  uint32_t max, uint32_t *count, uint32_t *restrict slots, char **restrict entries)
{
	uint32_t n = *count;

	if (bits == ~UINT64_C(0) && max - n >= 64) { /* well filled slices are like this nearly everywhere */
		for (uint32_t i = 0; i < 64; i++) {
			slots[n + i] = slice->is_dense ? base + i : slice->slot_of[base + i];
			entries[n + i] = first + i * stride;
		}
		*count = n + 64;
		return 0;
	}
	for (; bits != 0 && n < max; bits &= bits - 1) {
		const uint32_t i = (uint32_t)__builtin_ctzll(bits);

		slots[n] = slice->is_dense ? base + i : slice->slot_of[base + i];
		entries[n++] = first + i * stride;
	}
	*count = n;
	return bits;
}

uint32_t tr_slice_scan(const struct tr_slice_pool *pool, const struct tr_slice *slice, uint32_t *cursor, uint32_t max,
		       uint32_t *slots, char **entries)
{
	const uint64_t limit = (uint64_t)slice->chunk_count << TR_SLICE_CHUNK_BITS;
	uint64_t at = *cursor;
	uint32_t n = 0;

	while (n < max && at < limit) {
		struct tr_slice_chunk *chunk = slice->chunks[at >> TR_SLICE_CHUNK_BITS];
		const uint32_t inside = (uint32_t)at & (TR_SLICE_CHUNK_SLOTS - 1), word = inside / 64;
		const uint64_t base = at - inside % 64;
		uint64_t bits;

		if (chunk == NULL) {
			at += TR_SLICE_CHUNK_SLOTS - inside;
			continue;
		}
		bits = scan_word(slice, chunk->present[word] & ~UINT64_C(0) << inside % 64, (uint32_t)base,
				 chunk->entries + (size_t)word * 64 * pool->stride, pool->stride, max, &n, slots,
				 entries);
		at = base + (bits != 0 ? (uint32_t)__builtin_ctzll(bits) : 64);
	}
	TR_ASSERT(at <= UINT32_MAX);
	*cursor = (uint32_t)at;
	return n;
}

#define PIECE 256

void tr_slice_densify(struct tr_slice_pool *pool, struct tr_slice *slice)
{
	struct tr_slice dense;
	uint32_t slots[PIECE], cursor = 0, n;
	char *from[PIECE], *to[PIECE];

	TR_ASSERT(!slice->is_dense && !slice->is_retired);
	tr_slice_init(&dense, true);
	dense.start = slice->start;
	dense.first_end = slice->first_end;
	dense.id = slice->id;
	dense.marks = slice->marks;
	slice->marks = NULL;
	dense.is_merged = slice->is_merged;
	dense.runs = slice->runs;
	dense.touched = slice->touched;
	dense.touched_count = slice->touched_count;
	slice->touched = NULL;
	while ((n = tr_slice_scan(pool, slice, &cursor, PIECE, slots, from)) > 0) {
		tr_slice_resolve(pool, &dense, slots, n, to);
		for (uint32_t i = 0; i < n; i++)
			memcpy(to[i], from[i], pool->stride);
		tr_slice_touch(&dense, slots, n);
	}
	tr_slice_deinit(pool, slice);
	*slice = dense;
	if (slice->marks != NULL)
		tr_marks_fill(slice->marks, slice->chunk_count << TR_SLICE_CHUNK_BITS);
}

void tr_slice_copy(struct tr_slice_pool *pool, struct tr_slice *target, const struct tr_slice *source)
{
	TR_ASSERT(target->count == 0 && !source->is_retired);
	for (uint32_t i = 0; i < source->chunk_count; i++) {
		struct tr_slice_chunk *chunk;

		if (source->chunks[i] == NULL)
			continue;
		chunk = chunk_at(pool, target, i);
		memcpy(chunk->present, source->chunks[i]->present, sizeof(chunk->present));
		memcpy(chunk->entries, source->chunks[i]->entries, (size_t)pool->stride * TR_SLICE_CHUNK_SLOTS);
	}
	target->is_dense = source->is_dense;
	target->count = source->count;
	if (source->is_dense || source->index == NULL)
		return;
	free(target->slot_of);
	free(target->index);
	target->slot_capacity = source->slot_capacity;
	target->slot_of = tr_checked(malloc(source->slot_capacity * sizeof(*target->slot_of)));
	memcpy(target->slot_of, source->slot_of, source->count * sizeof(*target->slot_of));
	target->index_bits = source->index_bits;
	target->index = tr_checked(malloc(sizeof(*target->index) << source->index_bits));
	memcpy(target->index, source->index, sizeof(*target->index) << source->index_bits);
}

void tr_slice_keep_slots(const struct tr_slice_pool *pool, struct tr_slice *slice)
{
	uint32_t cursor = 0, n;
	char *entries[PIECE];

	TR_ASSERT(slice->touched == NULL && !slice->is_retired);
	slice->touched = tr_checked(malloc(((size_t)slice->count + PIECE) * sizeof(*slice->touched)));
	slice->touched_count = 0;
	while ((n = tr_slice_scan(pool, slice, &cursor, PIECE, slice->touched + slice->touched_count, entries)) > 0)
		slice->touched_count += n;
	TR_ASSERT(slice->touched_count == slice->count);
}
