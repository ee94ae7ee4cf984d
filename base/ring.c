/* SPDX-License-Identifier: Apache-2.0
 *
 * Ring: rte_ring on memory of our own.
 *
 * rte_ring_create would ask DPDK's environment layer for a memory zone; rte_ring_init takes any 64-byte aligned
 * memory, so no environment is ever initialised. RING_F_EXACT_SZ gives exactly the capacity asked for (credits are
 * counted in exact numbers); inside, the size is the next power of two.
 */
#include "base/ring.h"

#include <stdlib.h>

#include <rte_ring.h>

#include "base/check.h"

#define CAPACITY_MAX (1u << 20)

struct tr_ring {
	struct rte_ring rte;
};

struct tr_ring *tr_ring_create(uint32_t capacity)
{
	struct tr_ring *ring;
	ssize_t bytes;
	int failed;

	TR_ASSERT(capacity >= 1 && capacity <= CAPACITY_MAX);
	bytes = rte_ring_get_memsize(rte_align32pow2(capacity + 1));
	TR_ASSERT(bytes > 0);
	ring = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL((size_t)bytes, RTE_CACHE_LINE_SIZE));
	TR_ASSERT(ring != NULL);
	failed = rte_ring_init(&ring->rte, "tailrace", capacity, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	TR_ASSERT(failed == 0);
	return ring;
}

void tr_ring_destroy(struct tr_ring **ring)
{
	TR_ASSERT(ring != NULL);
	free(*ring);
	*ring = NULL;
}

bool tr_ring_push(struct tr_ring *ring, void *pointer)
{
	TR_DASSERT(pointer != NULL);
	return rte_ring_sp_enqueue(&ring->rte, pointer) == 0;
}

void *tr_ring_pop(struct tr_ring *ring)
{
	void *pointer;

	return rte_ring_sc_dequeue(&ring->rte, &pointer) == 0 ? pointer : NULL;
}

bool tr_ring_is_empty(const struct tr_ring *ring) { return rte_ring_empty(&ring->rte) != 0; }

uint32_t tr_ring_count(const struct tr_ring *ring) { return rte_ring_count(&ring->rte); }
