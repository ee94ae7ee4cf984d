/* SPDX-License-Identifier: Apache-2.0
 *
 * Alignment: many channels, one order. core/align.h has the rules.
 *
 * A packet goes through four phases; after each emit the chain may be blocked, and the next step goes on with the phase
 * noted. Merged control is computed first and emitted by comparing it with what was emitted last, so emitting can be
 * taken up again at any point.
 */
#include "core/align.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

static const struct tr_op_ops align_ops = {.name = "align"};

void tr_align_init(struct tr_align *align, struct tr_op_context *context, const struct tr_schema *schema,
		   struct tr_channel *const *channels, const uint32_t *edges, uint32_t count)
{
	TR_ASSERT(count > 0);
	memset(align, 0, sizeof(*align));
	align->head.ops = &align_ops;
	align->head.context = context;
	align->head.output = schema;
	align->head.timer_ms = INT64_MAX;
	align->head.metrics.watermark_ms = TR_WATERMARK_MIN;
	align->watermark_ms = TR_WATERMARK_MIN;
	align->input_count = count;
	align->inputs = calloc(count, sizeof(*align->inputs));
	TR_ASSERT(align->inputs != NULL);
	for (uint32_t i = 0; i < count; i++) {
		align->inputs[i] = (struct tr_align_input){
			.channel = channels[i],
			.edge = edges[i],
			.is_aligned = true,
			.watermark_ms = TR_WATERMARK_MIN,
		};
		align->edge_count = TR_MAX(align->edge_count, edges[i] + 1);
	}
}

void tr_align_deinit(struct tr_align *align)
{
	if (align->packet != NULL)
		tr_channel_put(align->inputs[align->current].channel, align->packet);
	free(align->inputs);
	free(align->runs);
	memset(align, 0, sizeof(*align));
}

/** The least watermark over the inputs that count, edge `but` left out (UINT32_MAX: none). MAX when there are none. */
static int64_t least_watermark(const struct tr_align *align, uint32_t but)
{
	int64_t least = TR_WATERMARK_MAX;

	for (uint32_t i = 0; i < align->input_count; i++) {
		const struct tr_align_input *input = &align->inputs[i];

		if (TR_BUG("align-last-watermark") && i + 1 < align->input_count)
			continue;
		if (!input->is_ended && !input->is_idle && input->is_aligned && input->edge != but)
			least = TR_MIN(least, input->watermark_ms);
	}
	return least;
}

/** Recomputes watermark, status and end over all inputs. */
static void merge(struct tr_align *align)
{
	uint32_t open = 0, active = 0, counted = 0;
	int64_t greatest = TR_WATERMARK_MIN, ended = TR_WATERMARK_MAX;

	for (uint32_t i = 0; i < align->input_count; i++) {
		const struct tr_align_input *input = &align->inputs[i];

		if (input->is_ended) {
			ended = TR_MIN(ended, input->watermark_ms);
			continue;
		}
		open++;
		active += !input->is_idle;
		counted += !input->is_idle && input->is_aligned;
		if (input->is_idle)
			greatest = TR_MAX(greatest, input->watermark_ms);
	}
	if (open == 0)
		align->watermark_ms = TR_MAX(align->watermark_ms, ended);
	else if (active == 0)
		align->watermark_ms = TR_MAX(align->watermark_ms, greatest);
	else if (counted > 0)
		align->watermark_ms = TR_MAX(align->watermark_ms, least_watermark(align, UINT32_MAX));
	align->is_idle = open > 0 && active == 0;
	align->is_end = open == 0;
}

/** The barrier that is to be passed on now: the least, if every channel has delivered one or has ended. 0: none. */
static uint64_t aligned_barrier(const struct tr_align *align)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < align->input_count; i++)
		if (!align->inputs[i].is_ended)
			least = TR_MIN(least, align->inputs[i].barrier);
	return align->is_end ? 0 : least;
}

/** Those that brought it go on before it is emitted, so that a BLOCKED answer leaves nothing to do. */
static enum tr_flow emit_barrier(struct tr_align *align, uint64_t checkpoint)
{
	for (uint32_t i = 0; i < align->input_count; i++)
		if (align->inputs[i].barrier == checkpoint)
			align->inputs[i].barrier = 0;
	return tr_op_emit_barrier(&align->head, checkpoint);
}

static void apply(struct tr_align *align, struct tr_align_input *input, const struct tr_control *control)
{
	if (!control->has_watermark && !control->has_status && !control->is_end && control->barrier == 0)
		return;
	TR_ASSERT(!input->is_ended);
	if (control->has_watermark) {
		TR_ASSERT(control->watermark_ms >= input->watermark_ms);
		input->watermark_ms = control->watermark_ms;
	}
	if (control->has_status)
		input->is_idle = control->is_idle;
	input->is_ended = control->is_end;
	if (input->is_idle)
		input->is_aligned = false;
	else if (input->watermark_ms >= align->watermark_ms)
		input->is_aligned = true;
	merge(align);
	if (control->barrier != 0) {
		TR_ASSERT(input->barrier == 0 || align->is_at_least_once || TR_BUG("align-holds-nobody"));
		input->barrier = control->barrier;
	}
}

/** Emits what differs from what was emitted. After BLOCKED: call again once the chain has been resumed. */
static enum tr_flow emit_control(struct tr_align *align)
{
	uint64_t checkpoint;
	enum tr_flow flow;

	if (!align->is_idle && align->is_idle_emitted) {
		align->is_idle_emitted = false;
		flow = tr_op_emit_status(&align->head, false);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	if (align->watermark_ms > align->head.metrics.watermark_ms) {
		flow = tr_op_emit_watermark(&align->head, align->watermark_ms);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	if (align->is_idle && !align->is_idle_emitted) {
		align->is_idle_emitted = true;
		flow = tr_op_emit_status(&align->head, true);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	checkpoint = aligned_barrier(align);
	if (checkpoint != 0) {
		flow = emit_barrier(align, checkpoint);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	if (align->is_end && !align->is_end_emitted) {
		align->is_end_emitted = true;
		flow = tr_op_emit_end(&align->head);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	return TR_FLOW_MORE;
}

/** Lowers the runs of `batch` to `limit_ms`, in memory of the alignment. */
static const struct tr_batch *lower_runs(struct tr_align *align, const struct tr_batch *batch, int64_t limit_ms)
{
	uint32_t count = 0, low = 0;

	while (low < batch->run_count && batch->runs[low].watermark_ms <= limit_ms)
		low++;
	if (low == batch->run_count)
		return batch;
	if (align->run_capacity < batch->run_count) {
		align->run_capacity = batch->run_count * 2;
		align->runs = realloc(align->runs, align->run_capacity * sizeof(*align->runs));
		TR_ASSERT(align->runs != NULL);
	}
	for (uint32_t r = 0; r < batch->run_count; r++) {
		const int64_t watermark_ms = TR_MIN(batch->runs[r].watermark_ms, limit_ms);

		if (count == 0 || align->runs[count - 1].watermark_ms != watermark_ms)
			align->runs[count++] = (struct tr_watermark_run){batch->runs[r].row, watermark_ms};
	}
	align->batch = *batch;
	align->batch.runs = align->runs;
	align->batch.run_count = count;
	align->batch.watermark_ms = TR_MIN(batch->watermark_ms, limit_ms);
	return &align->batch;
}

static enum tr_flow emit_rows(struct tr_align *align)
{
	const struct tr_batch *batch;
	enum tr_flow flow;

	if (align->packet->buffer == NULL)
		return TR_FLOW_MORE;
	batch = &align->packet->buffer->batch;
	if (align->edge_count > 1 && batch->run_count > 0)
		batch = lower_runs(align, batch, least_watermark(align, align->inputs[align->current].edge));
	if (align->feeds_inputs)
		align->head.next_input = align->inputs[align->current].edge;
	flow = tr_op_emit(&align->head, batch);
	align->head.next_input = 0;
	return flow;
}

/** Runs the packet in hand through its phases. */
static enum tr_flow advance(struct tr_align *align)
{
	struct tr_align_input *input = &align->inputs[align->current];
	struct tr_packet *packet = align->packet;
	enum tr_flow flow = TR_FLOW_MORE;

	if (align->phase == TR_ALIGN_BEFORE) {
		flow = emit_control(align);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
		align->phase = TR_ALIGN_ROWS;
	}
	if (align->phase == TR_ALIGN_ROWS) {
		align->phase = TR_ALIGN_AFTER;
		flow = emit_rows(align);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
	}
	if (align->phase == TR_ALIGN_AFTER) { /* the chain is done with the rows: the credit goes home */
		apply(align, input, &packet->after);
		tr_channel_put(input->channel, packet);
		align->packet = NULL;
		align->phase = TR_ALIGN_FINISH;
	}
	flow = emit_control(align);
	if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
		return flow;
	align->phase = TR_ALIGN_BEFORE;
	return TR_FLOW_MORE;
}

/** Each run begins at a later row than the one before. Their watermarks need not ascend: where the producer reads from
 * several channels, a packet holds rows of all of them. */
static bool are_runs_in_order(const struct tr_batch *batch)
{
	if (batch->run_count > 0 && batch->runs[0].row != 0)
		return false;
	for (uint32_t r = 1; r < batch->run_count; r++)
		if (batch->runs[r].row <= batch->runs[r - 1].row)
			return false;
	return true;
}

static bool next_packet(struct tr_align *align)
{
	for (uint32_t n = 0; n < align->input_count; n++) {
		const uint32_t i = (align->turn + n) % align->input_count;
		struct tr_packet *packet;

		if (align->inputs[i].is_ended ||
		    (align->inputs[i].barrier != 0 && !align->is_at_least_once && !TR_BUG("align-holds-nobody")))
			continue;
		packet = tr_channel_pop(align->inputs[i].channel);
		if (packet == NULL)
			continue;
		TR_DASSERT(packet->buffer == NULL || are_runs_in_order(&packet->buffer->batch));
		align->turn = (i + 1) % align->input_count;
		align->current = i;
		align->packet = packet;
		align->phase = TR_ALIGN_BEFORE;
		apply(align, &align->inputs[i], &packet->before);
		return true;
	}
	return false;
}

enum tr_turn tr_align_step(struct tr_align *align)
{
	if (align->is_end_emitted)
		return TR_TURN_DONE;
	if (align->packet == NULL && align->phase == TR_ALIGN_BEFORE && !next_packet(align))
		return TR_TURN_IDLE;
	if (advance(align) == TR_FLOW_FAILED)
		return TR_TURN_FAILED;
	return TR_TURN_PROGRESS;
}
