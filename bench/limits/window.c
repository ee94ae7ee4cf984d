/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT by key over tumbling and sliding windows, by slices.
 *
 * A key gets a slot once, in a table of keys that lives as long as the stream. A slice (as long as the slide) is a flat
 * array of counters by slot. Sliding windows keep a running total: a finished slice is added, the one that leaves the
 * window is subtracted; so the cost of emission does not depend on size / slide. For a tumbling window the slice is
 * the window.
 *
 * Rows come in blocks: the least and the greatest time of a block say whether all of it falls into the current slice,
 * and then the loop has no branch on time at all. Mixed blocks are cut at the borders, row by row.
 */
#include "bench/limits/limits.h"

#include <stdlib.h>

#include "bench/harness.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define BLOCK 1024
#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

struct tr_limit_window {
	int64_t *keys;    /* by slot; slot 0 is key 0's */
	int64_t **slices; /* ring of slice_count + 1 arrays */
	int64_t *total;   /* running sum of the slices of the window */
	size_t capacity;
	unsigned shift;
	uint32_t slice_count; /* size / slide */
	int64_t slide_ms;
	int64_t slice; /* number of the current slice: time / slide */
	int64_t *current;
	bool is_started;
};

struct tr_limit_window *tr_limit_window_create(size_t keys, int64_t slide_ms, int64_t size_ms)
{
	struct tr_limit_window *w = calloc(1, sizeof(*w));

	w->capacity = 1024;
	w->shift = 54;
	while (w->capacity < keys * 3) {
		w->capacity *= 2;
		w->shift--;
	}
	w->slide_ms = slide_ms;
	w->slice_count = (uint32_t)(size_ms / slide_ms);
	w->keys = tr_harness_alloc(w->capacity * 8);
	w->total = tr_harness_alloc(w->capacity * 8);
	w->slices = calloc(w->slice_count + 1, sizeof(*w->slices));
	for (uint32_t s = 0; s <= w->slice_count; s++)
		w->slices[s] = tr_harness_alloc(w->capacity * 8);
	return w;
}

void tr_limit_window_destroy(struct tr_limit_window **window)
{
	struct tr_limit_window *w = *window;

	for (uint32_t s = 0; s <= w->slice_count; s++)
		tr_harness_free(w->slices[s], w->capacity * 8);
	tr_harness_free(w->keys, w->capacity * 8);
	tr_harness_free(w->total, w->capacity * 8);
	free(w->slices);
	free(w);
	*window = NULL;
}

void tr_limit_window_clear(struct tr_limit_window *w)
{
	memset(w->keys, 0, w->capacity * 8);
	memset(w->total, 0, w->capacity * 8);
	for (uint32_t s = 0; s <= w->slice_count; s++)
		memset(w->slices[s], 0, w->capacity * 8);
	w->is_started = false;
}

static inline size_t home(int64_t key, unsigned shift) { return (size_t)(((uint64_t)key * HASH_FACTOR) >> shift); }

static __attribute__((noinline)) size_t find_or_insert(struct tr_limit_window *w, int64_t key)
{
	size_t slot = home(key, w->shift);

	if (key == 0)
		return 0;
	for (;; slot = (slot + 1) & (w->capacity - 1)) {
		if (slot == 0)
			continue;
		if (w->keys[slot] == key)
			return slot;
		if (w->keys[slot] == 0) {
			w->keys[slot] = key;
			return slot;
		}
	}
}

static void flush_out(struct tr_limit_window_out *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out->total += (uint64_t)out->count[i];
	out->rows += n;
	if (out->take != NULL)
		out->take(out, n);
}

/* Emits all slots with a count: key, count and the window's end as columns, a full batch at a time. */
static void emit(struct tr_limit_window *w, const int64_t *restrict counts, int64_t end_ms,
		 struct tr_limit_window_out *restrict out)
{
	uint32_t n = 0;

	for (size_t s = 0; s < w->capacity; s += 8) {
#ifdef __AVX512F__
		const __m512i c = _mm512_loadu_si512(counts + s);
		const __mmask8 some = _mm512_test_epi64_mask(c, c);
		const __m512i k = _mm512_maskz_compress_epi64(some, _mm512_loadu_si512(w->keys + s));

		_mm512_storeu_si512(out->key + n, k);
		_mm512_storeu_si512(out->count + n, _mm512_maskz_compress_epi64(some, c));
		n += (uint32_t)__builtin_popcount(some);
#else
		for (size_t i = s; i < s + 8; i++) {
			out->key[n] = w->keys[i];
			out->count[n] = counts[i];
			n += counts[i] != 0;
		}
#endif
		if (n > TR_LIMIT_WINDOW_OUT - 8) {
			for (uint32_t i = 0; i < n; i++)
				out->end_ms[i] = end_ms;
			flush_out(out, n);
			n = 0;
		}
	}
	for (uint32_t i = 0; i < n; i++)
		out->end_ms[i] = end_ms;
	flush_out(out, n);
}

/* The current slice is over: emit the window that ends with it, and begin the next slice. */
static void advance(struct tr_limit_window *w, struct tr_limit_window_out *out)
{
	const uint32_t ring = w->slice_count + 1;
	int64_t *restrict total = w->total;
	const int64_t *restrict current = w->current;
	int64_t *restrict next;

	if (w->slice_count == 1) {
		emit(w, current, (w->slice + 1) * w->slide_ms, out);
		memset(w->current, 0, w->capacity * 8);
		w->slice++;
		return;
	}
	for (size_t s = 0; s < w->capacity; s++)
		total[s] += current[s];
	emit(w, total, (w->slice + 1) * w->slide_ms, out);
	w->slice++;
	/* Of the window that ends after the next slice, the oldest slice is the one that `next`'s successor holds. */
	next = w->slices[(size_t)w->slice % ring];
	memset(next, 0, w->capacity * 8);
	{
		const int64_t *restrict old = w->slices[(size_t)(w->slice + 1) % ring];

		for (size_t s = 0; s < w->capacity; s++)
			total[s] -= old[s];
	}
	w->current = next;
}

static void add_block(struct tr_limit_window *w, const int64_t *restrict key, uint32_t rows)
{
	const int64_t *restrict keys = w->keys;
	int64_t *restrict counts = w->current;
	uint32_t slot[BLOCK];
	uint16_t missed[BLOCK];
	const unsigned shift = w->shift;
	uint32_t misses = 0;

	for (uint32_t i = 0; i < rows; i++) {
		const size_t s = home(key[i], shift);

		slot[i] = (uint32_t)s;
		missed[misses] = (uint16_t)i;
		misses += keys[s] != key[i];
	}
	for (uint32_t m = 0; m < misses; m++)
		slot[missed[m]] = (uint32_t)find_or_insert(w, key[missed[m]]);
	for (uint32_t i = 0; i < rows; i++)
		counts[slot[i]]++;
}

void tr_limit_window_add(struct tr_limit_window *w, const int64_t *time_ms, const int64_t *key, size_t count,
			 struct tr_limit_window_out *out)
{
	if (!w->is_started && count > 0) {
		w->slice = time_ms[0] / w->slide_ms;
		w->current = w->slices[(size_t)w->slice % (w->slice_count + 1)];
		w->is_started = true;
	}
	for (size_t at = 0; at < count; at += BLOCK) {
		const uint32_t rows = (uint32_t)(count - at < BLOCK ? count - at : BLOCK);
		int64_t least = time_ms[at], greatest = time_ms[at];

		for (uint32_t i = 0; i < rows; i++) {
			least = time_ms[at + i] < least ? time_ms[at + i] : least;
			greatest = time_ms[at + i] > greatest ? time_ms[at + i] : greatest;
		}
		if (least >= w->slice * w->slide_ms && greatest < (w->slice + 1) * w->slide_ms) {
			add_block(w, key + at, rows);
			continue;
		}
		for (uint32_t i = 0; i < rows; i++) {
			while (time_ms[at + i] >= (w->slice + 1) * w->slide_ms)
				advance(w, out);
			if (time_ms[at + i] >= w->slice * w->slide_ms)
				w->current[find_or_insert(w, key[at + i])]++;
		}
	}
}

void tr_limit_window_finish(struct tr_limit_window *w, struct tr_limit_window_out *out)
{
	for (uint32_t s = 0; s < w->slice_count && w->is_started; s++)
		advance(w, out);
	w->is_started = false;
}
