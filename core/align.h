/* SPDX-License-Identifier: Apache-2.0
 *
 * Alignment: the head of a stage that reads from exchanges. Pops packets from its channels in turn, hands their rows to
 * the chain, and merges their control elements as Flink's StatusWatermarkValve does:
 *
 *  - The watermark is the least one over the channels that are active and aligned. A channel that comes back from
 *    being idle with an older watermark is not aligned until it has caught up; it never pulls the watermark back.
 *  - When all channels are idle, the stage is idle, and its watermark becomes the greatest one that any of them had.
 *  - A channel that has ended takes no part any more. When all have, the end is passed on.
 *
 * Several edges may lead into one alignment (UNION). Each row's run tells the watermark of its own source then; what is
 * late behind a union is decided by the least watermark of all of them. So runs are lowered to what the other edges
 * have reached. Within one edge nothing is lowered: its runs already are those of the split read from front to back.
 *
 * Barriers. A channel that has delivered the barrier of a checkpoint is held: nothing is taken from it until all other
 * channels that have not ended have delivered it, too. Then the barrier is passed on, and all go on. So the rows before
 * the barrier, of every channel, and no others, are in the state that the chain saves. A channel that ends meanwhile
 * counts as having delivered every later barrier. With at-least-once nothing is held: rows behind the barrier may be in the state.
 *
 * A checkpoint can be given up, and its barriers be on some channels only: a source passes it over when a later one has been begun. A
 * channel with a later barrier then counts as having delivered the earlier one. When all have one, the least is passed on and the channels
 * that brought it go on; the others stay held for theirs. So no barrier that has come is ever forgotten, and whoever holds a channel
 * because of it waits for others who hold none for an earlier one. (If a later barrier ended the wait for an earlier one instead, stages
 * with ways that part and meet could wait for each other; core/README.md.)
 *
 * Thread: the worker of the consuming subtask.
 */
#ifndef TR_CORE_ALIGN_H
#define TR_CORE_ALIGN_H

#include "core/chain.h"
#include "core/channel.h"

struct tr_align_input {
	struct tr_channel *channel;
	uint32_t edge;
	bool is_idle;
	bool is_aligned;
	bool is_ended;
	uint64_t barrier; /* that it has delivered, and that was not passed on; 0: none */
	int64_t watermark_ms;
};

/** Where the packet in hand is. A BLOCKED answer leaves the phase that comes next. */
enum tr_align_phase { TR_ALIGN_BEFORE, TR_ALIGN_ROWS, TR_ALIGN_AFTER, TR_ALIGN_FINISH };

struct tr_align {
	struct tr_op head; /* emits to the first operator of the chain */
	struct tr_align_input *inputs;
	uint32_t input_count;
	uint32_t edge_count;
	uint32_t turn;            /* input to be asked first */
	uint32_t current;         /* input of the packet in hand */
	struct tr_packet *packet; /* in hand, or NULL */
	enum tr_align_phase phase;
	int64_t watermark_ms; /* merged; emitted when head.metrics.watermark_ms is less */
	bool is_idle;
	bool is_idle_emitted;
	bool is_end;
	bool is_end_emitted;
	bool is_at_least_once; /* the owner's: channels are not held */
	bool feeds_inputs;     /* the owner's: each edge is an input of its own of the first operator */
	struct tr_batch batch; /* the packet's batch with lowered runs */
	struct tr_watermark_run *runs;
	uint32_t run_capacity;
};

/** `channels[i]` belongs to edge `edges[i]` (numbers from 0). The head's `next` is set by the caller. */
void tr_align_init(struct tr_align *align, struct tr_op_context *context, const struct tr_schema *schema,
		   struct tr_channel *const *channels, const uint32_t *edges, uint32_t count);
void tr_align_deinit(struct tr_align *align);

/** Handles at most one packet. Call only while the chain is not blocked. DONE: the end has been passed on. */
enum tr_turn tr_align_step(struct tr_align *align);

#endif
