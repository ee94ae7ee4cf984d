/* SPDX-License-Identifier: Apache-2.0
 *
 * Channel: filling packets, merging control, counting credits. core/channel.h has the idea.
 */
#include "core/channel.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"

/* Packets without rows: one may be on its way while the next is prepared. */
#define CONTROL_PACKETS 2

void tr_channel_init(struct tr_channel *channel, const struct tr_schema *schema, uint32_t packet_rows, uint32_t credits,
		     uint32_t producer_worker, struct tr_wake_set *producer_wakes, uint32_t consumer_worker,
		     struct tr_wake_set *consumer_wakes)
{
	TR_ASSERT(schema != NULL && packet_rows >= 1 && packet_rows <= TR_BATCH_ROWS_MAX);
	TR_ASSERT(credits >= 1 && credits <= TR_CHANNEL_CREDITS_MAX);
	TR_ASSERT(producer_worker < 64 && consumer_worker < 64);
	memset(channel, 0, sizeof(*channel));
	channel->schema = schema;
	channel->packet_rows = packet_rows;
	channel->credits = credits;
	channel->full = tr_ring_create(credits + CONTROL_PACKETS);
	channel->empty = tr_ring_create(credits + CONTROL_PACKETS);
	/* The same worker on both sides is marked, too: its step then counts as progress and it does not go to sleep. */
	channel->producer_bit = UINT64_C(1) << producer_worker;
	channel->consumer_bit = UINT64_C(1) << consumer_worker;
	channel->producer_wakes = producer_wakes;
	channel->consumer_wakes = consumer_wakes;
}

static void packet_destroy(struct tr_packet *packet)
{
	tr_batch_buffer_destroy(&packet->buffer);
	free(packet);
}

static void packets_destroy(struct tr_packet *packet)
{
	while (packet != NULL) {
		struct tr_packet *next = packet->next;

		packet_destroy(packet);
		packet = next;
	}
}

void tr_channel_deinit(struct tr_channel *channel)
{
	struct tr_packet *packet;

	if (channel->full == NULL)
		return;
	while ((packet = tr_ring_pop(channel->full)) != NULL)
		packet_destroy(packet);
	while ((packet = tr_ring_pop(channel->empty)) != NULL)
		packet_destroy(packet);
	packets_destroy(channel->rows_free);
	packets_destroy(channel->control_free);
	if (channel->open != NULL)
		packet_destroy(channel->open);
	tr_ring_destroy(&channel->full);
	tr_ring_destroy(&channel->empty);
	memset(channel, 0, sizeof(*channel));
}

void tr_control_merge(struct tr_control *control, const struct tr_control *more)
{
	TR_ASSERT(control->barrier == 0);
	if (more->has_watermark) {
		TR_ASSERT(!control->has_watermark || more->watermark_ms >= control->watermark_ms);
		control->has_watermark = true;
		control->watermark_ms = more->watermark_ms;
	}
	if (more->has_status) {
		control->has_status = true;
		control->is_idle = more->is_idle;
	}
	control->is_end |= more->is_end;
	control->barrier = more->barrier;
}

static bool control_is_empty(const struct tr_control *control)
{
	return !control->has_watermark && !control->has_status && !control->is_end && control->barrier == 0;
}

/** Sorts the packets that came home into the free lists. */
static void collect(struct tr_channel *channel)
{
	struct tr_packet *packet;

	while ((packet = tr_ring_pop(channel->empty)) != NULL) {
		struct tr_packet **list = packet->buffer != NULL ? &channel->rows_free : &channel->control_free;

		packet->next = *list;
		*list = packet;
	}
}

static struct tr_packet *packet_get(struct tr_channel *channel, bool with_rows)
{
	struct tr_packet **list = with_rows ? &channel->rows_free : &channel->control_free;
	uint32_t *made = with_rows ? &channel->rows_made : &channel->control_made;
	const uint32_t limit = with_rows ? channel->credits : CONTROL_PACKETS;
	struct tr_packet *packet;

	if (*list == NULL)
		collect(channel);
	packet = *list;
	if (packet != NULL) {
		*list = packet->next;
	} else if (*made < limit) {
		packet = calloc(1, sizeof(*packet));
		TR_ASSERT(packet != NULL);
		if (with_rows)
			packet->buffer = tr_batch_buffer_create(channel->schema, channel->packet_rows);
		(*made)++;
	} else {
		return NULL;
	}
	packet->next = NULL;
	memset(&packet->before, 0, sizeof(packet->before));
	memset(&packet->after, 0, sizeof(packet->after));
	if (with_rows)
		tr_batch_buffer_clear(packet->buffer);
	return packet;
}

static void packet_push(struct tr_channel *channel, struct tr_packet *packet)
{
	bool is_pushed;

	TR_ASSERT(!channel->is_ended);
	channel->is_ended = packet->before.is_end || packet->after.is_end;
	is_pushed = tr_ring_push(channel->full, packet);
	TR_ASSERT(is_pushed); /* there is room for every packet */
	channel->producer_wakes->workers |= channel->consumer_bit;
}

static void push_open(struct tr_channel *channel)
{
	struct tr_packet *packet = channel->open;
	struct tr_batch_buffer *buffer = packet->buffer;

	TR_ASSERT(channel->open_rows > 0);
	tr_batch_buffer_seal(buffer, channel->open_rows);
	if (buffer->batch.run_count > 0)
		buffer->batch.watermark_ms = buffer->runs[buffer->batch.run_count - 1].watermark_ms;
	if (packet->after.has_watermark)
		buffer->batch.watermark_ms = TR_MAX(buffer->batch.watermark_ms, packet->after.watermark_ms);
	channel->open = NULL;
	channel->open_rows = 0;
	packet_push(channel, packet);
}

uint32_t tr_channel_append(struct tr_channel *channel, const struct tr_batch *batch, const uint32_t *rows,
			   uint32_t count)
{
	uint32_t taken = 0;

	TR_ASSERT(!channel->is_ended && !channel->pending.is_end && channel->pending.barrier == 0);
	while (taken < count) {
		uint32_t piece;

		if (channel->open == NULL) {
			channel->open = packet_get(channel, true);
			if (channel->open == NULL)
				break;
			channel->open->before = channel->pending;
			memset(&channel->pending, 0, sizeof(channel->pending));
		}
		piece = TR_MIN(count - taken, channel->packet_rows - channel->open_rows);
		channel->open_rows =
			tr_batch_buffer_append(channel->open->buffer, channel->open_rows, batch, rows + taken, piece);
		taken += piece;
		if (channel->open_rows == channel->packet_rows)
			push_open(channel);
	}
	return taken;
}

static void add_control(struct tr_channel *channel, const struct tr_control *control)
{
	TR_ASSERT(!channel->is_ended && !channel->pending.is_end);
	if (channel->open != NULL) {
		tr_control_merge(&channel->open->after, control);
		return;
	}
	tr_control_merge(&channel->pending, control);
	(void)tr_channel_flush(channel);
}

void tr_channel_watermark(struct tr_channel *channel, int64_t watermark_ms)
{
	const struct tr_control control = {.has_watermark = true, .watermark_ms = watermark_ms};

	add_control(channel, &control);
}

void tr_channel_status(struct tr_channel *channel, bool is_idle)
{
	const struct tr_control control = {.has_status = true, .is_idle = is_idle};

	add_control(channel, &control);
}

void tr_channel_end(struct tr_channel *channel)
{
	const struct tr_control control = {.is_end = true};

	add_control(channel, &control);
	if (channel->open != NULL)
		push_open(channel);
}

bool tr_channel_barrier(struct tr_channel *channel, uint64_t checkpoint)
{
	const struct tr_control control = {.barrier = checkpoint};

	TR_ASSERT(checkpoint > 0);
	if (TR_BUG("channel-barrier-overtakes") && channel->open != NULL)
		tr_control_merge(&channel->open->before, &control);
	else
		add_control(channel, &control);
	if (channel->open != NULL)
		push_open(channel);
	return control_is_empty(&channel->pending);
}

bool tr_channel_flush(struct tr_channel *channel)
{
	struct tr_packet *packet;

	if (channel->open != NULL)
		push_open(channel);
	if (control_is_empty(&channel->pending))
		return true;
	packet = packet_get(channel, false);
	if (packet == NULL)
		return false;
	packet->before = channel->pending;
	memset(&channel->pending, 0, sizeof(channel->pending));
	packet_push(channel, packet);
	return true;
}

struct tr_packet *tr_channel_pop(struct tr_channel *channel) { return tr_ring_pop(channel->full); }

void tr_channel_put(struct tr_channel *channel, struct tr_packet *packet)
{
	bool is_pushed;

	TR_ASSERT(packet != NULL);
	is_pushed = tr_ring_push(channel->empty, packet);
	TR_ASSERT(is_pushed);
	if (TR_BUG("channel-credit-wakes-nobody"))
		return;
	channel->consumer_wakes->workers |= channel->producer_bit;
}
