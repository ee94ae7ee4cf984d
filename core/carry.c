/* SPDX-License-Identifier: Apache-2.0
 *
 * Carry: a two-level table of slots that grows while all readers use it. Blocks appear by compare-and-swap and stay.
 */
#include "core/carry.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void tr_carries_init(struct tr_carries *carries)
{
	for (uint32_t i = 0; i < TR_CARRY_BLOCKS_MAX; i++)
		atomic_init(&carries->blocks[i], NULL);
	carries->hands = NULL;
	carries->hand_count = 0;
}

void tr_carries_deinit(struct tr_carries *carries)
{
	free(carries->hands);
	carries->hands = NULL;
	carries->hand_count = 0;
	for (uint32_t i = 0; i < TR_CARRY_BLOCKS_MAX; i++) {
		free(atomic_load_explicit(&carries->blocks[i], memory_order_relaxed));
		atomic_init(&carries->blocks[i], NULL);
	}
}

static struct tr_carry_block *block_create(void)
{
	struct tr_carry_block *block = aligned_alloc(64, sizeof(*block));

	TR_ASSERT(block != NULL);
	for (uint32_t i = 0; i < TR_CARRY_BLOCK_SLOTS; i++) {
		atomic_init(&block->slots[i].chunks_done, 0);
		atomic_init(&block->slots[i].end, 0);
		atomic_init(&block->slots[i].current_ms, 0);
		atomic_init(&block->slots[i].last_ms, 0);
		atomic_init(&block->slots[i].active_ns, 0);
		atomic_init(&block->slots[i].reader, 0);
		atomic_init(&block->slots[i].rows, 0);
		atomic_init(&block->slots[i].is_finished, false);
		atomic_init(&block->slots[i].restored_left, 0);
		atomic_init(&block->slots[i].restored_ms, TR_WATERMARK_MIN);
	}
	return block;
}

struct tr_carry_slot *tr_carries_slot(struct tr_carries *carries, uint64_t split)
{
	const uint64_t index = split / TR_CARRY_BLOCK_SLOTS;
	struct tr_carry_block *block;

	TR_ASSERT(index < TR_CARRY_BLOCKS_MAX);
	/* Acquire pairs with the release of the exchange below: the block is seen initialised. */
	block = atomic_load_explicit(&carries->blocks[index], memory_order_acquire);
	if (block == NULL) {
		struct tr_carry_block *made = block_create();

		if (atomic_compare_exchange_strong_explicit(&carries->blocks[index], &block, made, memory_order_acq_rel,
							    memory_order_acquire))
			block = made;
		else
			free(made);
	}
	return &block->slots[split % TR_CARRY_BLOCK_SLOTS];
}
