/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchange between two threads: deal rows of 4 int64 columns by the hash of the first, hand batches over, sum them.
 *
 * Each thread is producer and consumer at once, as a worker is. A block of 1,024 rows is dealt to two batches, its own
 * and the other's, without a branch: each row is written to both, and only one write index moves. A full batch for the
 * other goes over a ring of pointers; a twin ring brings the empty one home. One's own batch is consumed on the spot.
 * The ring is the plainest one: head and tail on lines of their own, each side caching what it last saw of the other.
 */
#include "bench/limits/limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench/harness.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define COLUMNS 4
#define BLOCK 1024
#define BATCH 2048
#define BATCHES 8
#define RING 16
#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

struct batch {
	uint32_t rows;
	int64_t column[COLUMNS][BATCH + 8] __attribute__((aligned(64)));
};

struct ring {
	_Alignas(64) _Atomic uint64_t head; /* written by the producer */
	uint64_t seen_tail;
	_Alignas(64) _Atomic uint64_t tail; /* written by the consumer */
	uint64_t seen_head;
	_Alignas(64) void *slot[RING];
};

struct lane { /* one direction */
	struct ring full;
	struct ring empty;
};

struct worker {
	_Alignas(64) uint32_t index;
	uint32_t workers;
	uint64_t rows;
	struct lane *lanes; /* lanes[from] */
	struct batch *batches;
	int64_t *source;
	pthread_barrier_t *start;
	uint64_t sum;
	double begun;
	double ended;
};

static bool ring_push(struct ring *r, void *p)
{
	const uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - r->seen_tail == RING) {
		r->seen_tail = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head - r->seen_tail == RING)
			return false;
	}
	r->slot[head % RING] = p;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

static void *ring_pop(struct ring *r)
{
	const uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	void *p;

	if (tail == r->seen_head) {
		r->seen_head = atomic_load_explicit(&r->head, memory_order_acquire);
		if (tail == r->seen_head)
			return NULL;
	}
	p = r->slot[tail % RING];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return p;
}

static void consume(struct worker *w, const struct batch *b)
{
	uint64_t sum = 0;

	for (uint32_t c = 0; c < COLUMNS; c++)
		for (uint32_t i = 0; i < b->rows; i++)
			sum += (uint64_t)b->column[c][i];
	w->sum += sum;
}

/* Deals rows at .. at + BLOCK of the source to the two batches. */
static void deal(const int64_t *source, struct batch *restrict zero, struct batch *restrict one)
{
	uint32_t n0 = zero->rows, n1 = one->rows;

#ifdef __AVX512DQ__
	const __m512i factor = _mm512_set1_epi64((int64_t)HASH_FACTOR);

	for (uint32_t i = 0; i < BLOCK; i += 8) {
		const __m512i key = _mm512_loadu_si512(source + i);
		const __mmask8 m = _mm512_movepi64_mask(_mm512_mullo_epi64(key, factor));
		const __mmask8 z = (__mmask8)~m;

		for (uint32_t c = 0; c < COLUMNS; c++) {
			const __m512i v = _mm512_loadu_si512(source + c * BLOCK + i);

			_mm512_storeu_si512(zero->column[c] + n0, _mm512_maskz_compress_epi64(z, v));
			_mm512_storeu_si512(one->column[c] + n1, _mm512_maskz_compress_epi64(m, v));
		}
		n0 += (uint32_t)__builtin_popcount(z);
		n1 += (uint32_t)__builtin_popcount(m);
	}
#else
	for (uint32_t i = 0; i < BLOCK; i++) {
		const uint32_t m = (uint32_t)(((uint64_t)source[i] * HASH_FACTOR) >> 63);

		for (uint32_t c = 0; c < COLUMNS; c++) {
			zero->column[c][n0] = source[c * BLOCK + i];
			one->column[c][n1] = source[c * BLOCK + i];
		}
		n1 += m;
		n0 += 1 - m;
	}
#endif
	zero->rows = n0;
	one->rows = n1;
}

static bool drain(struct worker *w)
{
	struct lane *in = &w->lanes[1 - w->index];
	struct batch *b;
	bool is_end = false;

	while ((b = ring_pop(&in->full)) != NULL) {
		if (b->rows == 0)
			is_end = true;
		consume(w, b);
		b->rows = 0;
		while (!ring_push(&in->empty, b))
			;
	}
	return is_end;
}

static struct batch *hand_over(struct worker *w, struct batch *b, bool *is_end)
{
	struct lane *out = &w->lanes[w->index];
	struct batch *next;

	while (!ring_push(&out->full, b))
		*is_end |= drain(w);
	while ((next = ring_pop(&out->empty)) == NULL)
		*is_end |= drain(w);
	return next;
}

static void *run(void *argument)
{
	struct worker *w = argument;
	struct batch *own = &w->batches[BATCHES];
	struct batch *other = &w->batches[0];
	bool is_end = w->workers == 1;

	pthread_barrier_wait(w->start);
	w->begun = tr_harness_seconds();
	for (uint64_t done = 0; done < w->rows; done += BLOCK) {
		if (w->index == 0)
			deal(w->source, own, other);
		else
			deal(w->source, other, own);
		if (own->rows > BATCH - BLOCK) {
			consume(w, own);
			own->rows = 0;
		}
		if (other->rows > BATCH - BLOCK) {
			if (w->workers == 1) {
				consume(w, other);
				other->rows = 0;
			} else {
				other = hand_over(w, other, &is_end);
			}
		}
		if (w->workers > 1)
			is_end |= drain(w);
	}
	consume(w, own);
	if (w->workers == 1) {
		consume(w, other);
	} else {
		if (other->rows > 0)
			other = hand_over(w, other, &is_end);
		while (!ring_push(&w->lanes[w->index].full, other)) /* no rows: the end */
			is_end |= drain(w);
	}
	while (!is_end)
		is_end |= drain(w);
	w->ended = tr_harness_seconds();
	return NULL;
}

static void prepare(struct worker *w, uint32_t index, uint32_t workers, uint64_t rows)
{
	w->index = index;
	w->workers = workers;
	w->rows = rows;
	w->batches = tr_harness_alloc((BATCHES + 1) * sizeof(struct batch));
	w->source = tr_harness_alloc((size_t)COLUMNS * BLOCK * sizeof(int64_t));
	for (uint32_t i = 0; i < COLUMNS * BLOCK; i++)
		w->source[i] = (int64_t)((i + 1 + index * 7919) * UINT64_C(0xd1342543de82ef95));
	for (uint32_t b = 1; b < BATCHES; b++)
		ring_push(&w->lanes[index].empty, &w->batches[b]);
}

double tr_limit_exchange(uint32_t workers, uint64_t rows, uint64_t *check)
{
	struct worker *w = aligned_alloc(64, 2 * sizeof(*w));
	struct lane *lanes = aligned_alloc(64, 2 * sizeof(*lanes));
	pthread_barrier_t start;
	pthread_t thread[2];
	double begun, ended;

	memset(w, 0, 2 * sizeof(*w));
	memset(lanes, 0, 2 * sizeof(*lanes));
	pthread_barrier_init(&start, NULL, workers);
	for (uint32_t i = 0; i < workers; i++) {
		cpu_set_t cpus;

		w[i].lanes = lanes;
		w[i].start = &start;
		prepare(&w[i], i, workers, rows);
		pthread_create(&thread[i], NULL, run, &w[i]);
		CPU_ZERO(&cpus);
		CPU_SET(i, &cpus);
		pthread_setaffinity_np(thread[i], sizeof(cpus), &cpus); /* best effort */
	}
	*check = 0;
	begun = 1e300;
	ended = 0;
	for (uint32_t i = 0; i < workers; i++) {
		pthread_join(thread[i], NULL);
		begun = w[i].begun < begun ? w[i].begun : begun;
		ended = w[i].ended > ended ? w[i].ended : ended;
		*check += w[i].sum;
	}
	/* Only now: a batch of one thread may still be in the other's hands. */
	for (uint32_t i = 0; i < workers; i++) {
		tr_harness_free(w[i].batches, (BATCHES + 1) * sizeof(struct batch));
		tr_harness_free(w[i].source, (size_t)COLUMNS * BLOCK * sizeof(int64_t));
	}
	pthread_barrier_destroy(&start);
	free(lanes);
	free(w);
	return ended - begun;
}
