/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of the Nexmark generator: random bits, bids, letters. Built per instruction set (base/cpu.h); integers only,
 * so that every build gives the same bits.
 *
 * Random bits are counter-based: event n has the hash h = mix(seed, n), and field f of it draws mix(h, f). Nothing is
 * carried from one event to the next, so any event can be made at any time by anybody.
 */
#ifndef TR_IO_NEXMARK_KERNEL_H
#define TR_IO_NEXMARK_KERNEL_H

#include <stdint.h>

#include "base/column.h"

#define TR_NEXMARK_TEXT_SLACK 64 /* bytes that letters and text may write beyond the length */
#define TR_NEXMARK_PRICE_STEPS 1024u
#define TR_NEXMARK_PRICE_BITS 16 /* fixed point of the price table */

/** The fields that draw random bits of their own. Their order is part of what a seed means. */
enum tr_nexmark_draw {
	TR_DRAW_AUCTION = 1,
	TR_DRAW_BIDDER,
	TR_DRAW_PRICE,
	TR_DRAW_CHANNEL,
	TR_DRAW_BID_EXTRA,
	TR_DRAW_SELLER,
	TR_DRAW_CATEGORY,
	TR_DRAW_INITIAL_BID,
	TR_DRAW_RESERVE,
	TR_DRAW_EXPIRES,
	TR_DRAW_ITEM_NAME,
	TR_DRAW_DESCRIPTION,
	TR_DRAW_AUCTION_EXTRA,
	TR_DRAW_NAME,
	TR_DRAW_EMAIL,
	TR_DRAW_CREDIT_CARD,
	TR_DRAW_CITY,
	TR_DRAW_STATE,
	TR_DRAW_PERSON_EXTRA,
};

static inline uint64_t tr_nexmark_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

/** 64 random bits of field `field` of the event with hash `hash`. */
static inline uint64_t tr_nexmark_draw(uint64_t hash, enum tr_nexmark_draw field)
{
	return tr_nexmark_mix(hash + (uint64_t)field * UINT64_C(0x9e3779b97f4a7c15));
}

/** A number in [0, span) from 32 random bits; span < 2^32. */
static inline uint64_t tr_nexmark_below(uint64_t bits, uint64_t span) { return ((bits & UINT32_MAX) * span) >> 32; }

/** round(10^(6 u) * 100) for u in [0, 1), drawn from `bits`: log-uniform between steps of 1.4 %, linear within one. */
static inline int64_t tr_nexmark_price(const int64_t *table, uint64_t bits)
{
	const uint64_t step = bits >> 54;
	const int64_t part = (int64_t)((bits >> 34) & 0xfffff);
	const int64_t low = table[step];

	return (low + (((table[step + 1] - low) * part) >> 20) + (1 << (TR_NEXMARK_PRICE_BITS - 1))) >>
	       TR_NEXMARK_PRICE_BITS;
}

struct tr_nexmark_kernel {
	/* hash[i] of event number[i]. */
	void (*hashes)(uint64_t seed, const int64_t *number, uint32_t count, uint64_t *hash);
	/* base + number * delay microseconds, in whole milliseconds. */
	void (*times)(int64_t base_ms, double delay_us, const int64_t *number, uint32_t count, int64_t *time_ms);
	/* Auction ids of bids: hot[i] unless 1 of `hot_ratio`, else one of the last `flight` before last[i], or ahead. */
	void (*auctions)(uint32_t hot_ratio, int64_t flight, const uint64_t *hash, const int64_t *last,
			 const int64_t *hot, uint32_t count, int64_t *out);
	/* Bidder ids: likewise among the last `active` people. */
	void (*bidders)(uint32_t hot_ratio, int64_t active, const uint64_t *hash, const int64_t *last,
			const int64_t *hot, uint32_t count, int64_t *out);
	void (*prices)(const int64_t *table, const uint64_t *hash, uint32_t count, int64_t *out);
	/* `extra` of the bids at rows[]: letters at `heap`, which has room for count * (least + span) + slack. Returns
	 * the end of what was written. */
	char *(*bid_extras)(const uint64_t *hash, const uint32_t *rows, uint32_t count, uint32_t least, uint32_t span,
			    char *heap, struct tr_view *out);
	/* `length` letters a .. z, and up to the slack beyond. */
	void (*letters)(char *out, uint32_t length, uint64_t key);
	/* The same, but one of 13 is `special`. */
	void (*text)(char *out, uint32_t length, uint64_t key, char special);
};

/** The table for this machine. */
const struct tr_nexmark_kernel *tr_nexmark_kernel(void);

#endif
