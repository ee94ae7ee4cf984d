/* SPDX-License-Identifier: Apache-2.0
 *
 * Ring: the lock-free queue between two subtasks, a thin face over DPDK's rte_ring.
 *
 * One producer thread, one consumer thread, pointers in order. The memory is ours (aligned to 64, no EAL). A push that
 * returns false moved nothing. rte_ring's single-producer head and tail give release/acquire pairs, so what was
 * written before a push is seen after the pop (RTE_USE_C11_MEM_MODEL; clean under ThreadSanitizer).
 */
#ifndef TR_BASE_RING_H
#define TR_BASE_RING_H

#include <stdbool.h>
#include <stdint.h>

struct tr_ring;

/** A ring that holds exactly `capacity` pointers (1 .. 2^20). Never fails. */
struct tr_ring *tr_ring_create(uint32_t capacity);
void tr_ring_destroy(struct tr_ring **ring);

/** Producer only. False: full. */
bool tr_ring_push(struct tr_ring *ring, void *pointer);

/** Consumer only. NULL: empty. */
void *tr_ring_pop(struct tr_ring *ring);

/** A snapshot, exact only for the side that asks about its own limit. */
bool tr_ring_is_empty(const struct tr_ring *ring);
uint32_t tr_ring_count(const struct tr_ring *ring);

#endif
