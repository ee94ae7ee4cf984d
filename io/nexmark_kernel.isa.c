/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of io/nexmark_kernel.h, written so that the compiler can turn them into vectors: straight, without a
 * branch on data, 64-bit products only (AVX-512 has them; elsewhere they are scalar and still fast enough).
 */
#include "io/nexmark_kernel.h"

#include "base/cpu.h"

#define AUCTION_LEAD 10
#define PERSON_LEAD 10
#define FIRST_ID 1000
#define LETTERS_STRIDE 32u /* bytes per step of the letters loop */

static void hashes(uint64_t seed, const int64_t *restrict number, uint32_t count, uint64_t *restrict hash)
{
	for (uint32_t i = 0; i < count; i++)
		hash[i] = tr_nexmark_mix(seed + (uint64_t)number[i] * UINT64_C(0xa0761d6478bd642f));
}

static void times(int64_t base_ms, double delay_us, const int64_t *restrict number, uint32_t count,
		  int64_t *restrict time_ms)
{
	for (uint32_t i = 0; i < count; i++)
		time_ms[i] = base_ms + (int64_t)((double)number[i] * delay_us) / 1000;
}

static void auctions(uint32_t hot_ratio, int64_t flight, const uint64_t *restrict hash, const int64_t *restrict last,
		     const int64_t *restrict hot, uint32_t count, int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t bits = tr_nexmark_draw(hash[i], TR_DRAW_AUCTION);
		const int64_t least = last[i] > flight ? last[i] - flight : 0;
		const int64_t cold =
			least + (int64_t)tr_nexmark_below(bits, (uint64_t)(last[i] - least + 1 + AUCTION_LEAD));
		const uint64_t is_cold = (bits >> 32) * hot_ratio >> 32 == 0;

		out[i] = FIRST_ID + (is_cold ? cold : hot[i]);
	}
}

static void bidders(uint32_t hot_ratio, int64_t active, const uint64_t *restrict hash, const int64_t *restrict last,
		    const int64_t *restrict hot, uint32_t count, int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t bits = tr_nexmark_draw(hash[i], TR_DRAW_BIDDER);
		const int64_t people = last[i] + 1;
		const int64_t living = people < active ? people : active;
		const int64_t cold =
			people - living + (int64_t)tr_nexmark_below(bits, (uint64_t)(living + PERSON_LEAD));
		const uint64_t is_cold = (bits >> 32) * hot_ratio >> 32 == 0;

		/* Twice the first id: that is what the nexmark project's bids have. */
		out[i] = 2 * FIRST_ID + (is_cold ? cold : hot[i]);
	}
}

static void prices(const int64_t *restrict table, const uint64_t *restrict hash, uint32_t count, int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = tr_nexmark_price(table, tr_nexmark_draw(hash[i], TR_DRAW_PRICE));
}

static inline uint32_t mix32(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x7feb352d);
	x ^= x >> 15;
	x *= UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

/* Four random bytes to four letters: each byte times 26, divided by 256. */
static inline uint32_t four_letters(uint32_t x)
{
	const uint32_t even = ((x & UINT32_C(0x00ff00ff)) * 26 >> 8) & UINT32_C(0x00ff00ff);
	const uint32_t odd = ((x >> 8) & UINT32_C(0x00ff00ff)) * 26 & UINT32_C(0xff00ff00);

	return (even | odd) + UINT32_C(0x61616161);
}

static inline void write_letters(char *restrict out, uint32_t length, uint64_t key)
{
	const uint32_t high = (uint32_t)(key >> 32);
	uint32_t counter = (uint32_t)key;

	for (uint32_t at = 0; at < length; at += LETTERS_STRIDE, counter += UINT32_C(0x632be5ab)) {
		uint32_t lanes[LETTERS_STRIDE / 4];

		for (uint32_t j = 0; j < LETTERS_STRIDE / 4; j++)
			lanes[j] = four_letters(mix32(counter + j * UINT32_C(0x9e3779b9)) ^ high);
		memcpy(out + at, lanes, sizeof(lanes));
	}
}

static void letters(char *out, uint32_t length, uint64_t key) { write_letters(out, length, key); }

static char *bid_extras(const uint64_t *restrict hash, const uint32_t *restrict rows, uint32_t count, uint32_t least,
			uint32_t span, char *restrict heap, struct tr_view *restrict out)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows[i];
		const uint64_t bits = tr_nexmark_draw(hash[row], TR_DRAW_BID_EXTRA);
		const uint32_t length = least + (uint32_t)tr_nexmark_below(bits, span);

		write_letters(heap, length, bits);
		out[row] = tr_view_make(heap, length);
		heap += length;
	}
	return heap;
}

/* 16 random bits to one of 13 * 26 cases: the first 26 are the special character. */
static void text(char *restrict out, uint32_t length, uint64_t key, char special)
{
	const uint32_t high = (uint32_t)(key >> 32);
	const uint32_t low = (uint32_t)key;

	for (uint32_t i = 0; i < length; i++) {
		const uint32_t bits = (mix32(low + i * UINT32_C(0x9e3779b9)) ^ high) & 0xffff;
		const uint32_t choice = bits * (13 * 26) >> 16;

		out[i] = choice < 26 ? special : (char)('a' + choice % 26);
	}
}

const struct tr_nexmark_kernel TR_ISA(tr_nexmark_kernel_isa) = {
	.hashes = hashes,
	.times = times,
	.auctions = auctions,
	.bidders = bidders,
	.prices = prices,
	.bid_extras = bid_extras,
	.letters = letters,
	.text = text,
};
