/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: beginning and collecting. core/checkpoint.h has the idea; the barrier's way is in core/source_task.c,
 * core/channel.c and core/align.c.
 */
#include "core/checkpoint.h"

#include "core/worker.h"

void tr_checkpoint_begin(struct tr_graph *graph, uint64_t checkpoint)
{
	TR_ASSERT(checkpoint > atomic_load_explicit(&graph->checkpoint_wanted, memory_order_relaxed));
	TR_ASSERT(checkpoint < TR_CHECKPOINT_ALL);
	/* Release pairs with the acquire of tr_op_wanted_barrier. */
	atomic_store_explicit(&graph->checkpoint_wanted, checkpoint, memory_order_release);
	for (uint32_t w = 0; w < graph->worker_count; w++)
		tr_io_wake(graph->workers[w].io); /* an eventfd: also ends a sleep that begins after it */
}

uint64_t tr_checkpoint_collected(const struct tr_graph *graph)
{
	uint64_t least = TR_CHECKPOINT_ALL;

	for (uint32_t s = 0; s < graph->stage_count; s++) {
		for (uint32_t i = 0; i < graph->stages[s]->parallelism; i++) {
			const struct tr_subtask *subtask = &graph->stages[s]->subtasks[i];

			/* Acquire pairs with the release of tr_subtask_step: what was saved at the barrier is there. Read once:
			 * TR_MIN reads its arguments twice, and a value that grew in between would make `least` too large. */
			const uint64_t done = atomic_load_explicit(&subtask->checkpoint_done, memory_order_acquire);

			least = TR_MIN(least, done);
		}
	}
	return least;
}
