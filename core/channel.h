/* SPDX-License-Identifier: Apache-2.0
 *
 * Channel: the way from one subtask to one other. Two rings, a fixed set of packets, and what waits for one.
 *
 *                      full ring: packets of rows and control, in order
 *     producer ────────────────────────────────────────────────────────────▶ consumer
 *              ◀────────────────────────────────────────────────────────────
 *                      empty ring: the same packets come home = credits
 *
 * A packet is a batch buffer with control before and after its rows. A channel owns `credits` packets with rows and
 * CONTROL_PACKETS without. Both are made when first needed, by the producer. The full ring has room for all of them,
 * so a push never fails: what can be missing is a packet, that is, a credit.
 *
 * Control (watermark, idle or active, end) needs no credit. While a packet is being filled, control joins its end.
 * Else it goes out at once in a packet without rows, or, when these are all on their way, waits in `pending`, where a
 * later watermark replaces an earlier one. Pending control is put before the rows of the next packet that is opened.
 * So control is never lost, never passes rows that came before it, and takes a bounded amount of memory.
 *
 * A watermark that joins a packet may be overtaken by rows that came after it: the receiver sees rows, then the
 * watermark. That is harmless, since rows carry the watermark in force at their arrival as runs (base/batch.h).
 *
 * A barrier is overtaken by nothing and overtakes nothing: it ends the packet that it joins, which leaves at once. While
 * it is pending its producer must not add anything (tr_channel_barrier tells), so it is always a packet's last element.
 *
 * Threads: fields are grouped by who writes them. The rings are the only thing that both touch; who pushes marks the
 * other's worker in its own wake set (struct tr_wake_set), to be woken at the end of the step if it sleeps.
 */
#ifndef TR_CORE_CHANNEL_H
#define TR_CORE_CHANNEL_H

#include "base/batch.h"
#include "base/ring.h"
#include "tailrace/status.h"

#define TR_CHANNEL_CREDITS_DEFAULT 4
#define TR_CHANNEL_CREDITS_MAX 1024

/** Control elements, merged: at most one of each kind. */
struct tr_control {
	bool has_watermark;
	bool has_status;
	bool is_idle;
	bool is_end;
	int64_t watermark_ms;
	uint64_t barrier; /* checkpoint number, from 1; after the watermark and the status. 0: none */
};

struct tr_packet {
	struct tr_batch_buffer *buffer; /* NULL: control only */
	struct tr_packet *next;         /* in the producer's free list */
	struct tr_control before;       /* to be applied before the rows */
	struct tr_control after;
};

/** Which workers have got something to look at. Bit i: worker i. Written by the worker that owns it. */
struct tr_wake_set {
	uint64_t workers;
};

struct tr_channel {
	/* Immutable. */
	const struct tr_schema *schema;
	uint32_t packet_rows; /* capacity of a packet */
	uint32_t credits;
	struct tr_ring *full;
	struct tr_ring *empty;
	uint64_t producer_bit; /* of the producer's worker in a wake set */
	uint64_t consumer_bit;
	struct tr_wake_set *producer_wakes; /* the producer's worker's own set */
	struct tr_wake_set *consumer_wakes;
	/* The producer's. */
	_Alignas(64) struct tr_packet *open; /* being filled; has at least one row */
	uint32_t open_rows;
	uint32_t rows_made; /* packets made so far, of each kind */
	uint32_t control_made;
	struct tr_packet *rows_free;
	struct tr_packet *control_free;
	struct tr_control pending;
	bool is_ended; /* the end has been pushed */
};

/** Makes an empty channel in the caller's memory (aligned to 64). The wake sets may be the same. */
void tr_channel_init(struct tr_channel *channel, const struct tr_schema *schema, uint32_t packet_rows, uint32_t credits,
		     uint32_t producer_worker, struct tr_wake_set *producer_wakes, uint32_t consumer_worker,
		     struct tr_wake_set *consumer_wakes);

/** Frees rings and packets. Neither side may be running. */
void tr_channel_deinit(struct tr_channel *channel);

/** Producer: copies rows[0 .. count) of `batch` into packets; full packets leave. Returns how many were taken: fewer
 * than `count` when the credits are used up. */
uint32_t tr_channel_append(struct tr_channel *channel, const struct tr_batch *batch, const uint32_t *rows,
			   uint32_t count);

/** Producer: control elements. They take effect in the order of the calls and of the rows. */
void tr_channel_watermark(struct tr_channel *channel, int64_t watermark_ms);
void tr_channel_status(struct tr_channel *channel, bool is_idle);
void tr_channel_end(struct tr_channel *channel);

/** Producer: the barrier of a checkpoint. False: it is pending, and nothing but tr_channel_flush may be called until that
 * answers true. */
bool tr_channel_barrier(struct tr_channel *channel, uint64_t checkpoint) TR_MUST_USE;

/** Producer: sends the packet being filled, and pending control if a packet for it is there. False: control is still
 * pending (ask again when an empty packet has come home). */
bool tr_channel_flush(struct tr_channel *channel);

/** Consumer: the next packet, which it owns until it puts it back; NULL: none. */
struct tr_packet *tr_channel_pop(struct tr_channel *channel);
void tr_channel_put(struct tr_channel *channel, struct tr_packet *packet);

/** Adds `more` to `control`, later over earlier. Nothing can be added behind a barrier. */
void tr_control_merge(struct tr_control *control, const struct tr_control *more);

#endif
