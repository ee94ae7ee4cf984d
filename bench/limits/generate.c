/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of Nexmark bids by the generator's data rules, with nothing else around: a counter-based hash gives the
 * random bits of an event, the loop is straight, and only the price needs more than integer arithmetic.
 *
 * The random bits are not those of io/nexmark_gen.c; the work is. Proportions and ratios are the defaults (1:3:46, hot
 * 2 and 4), 10,000 events per second.
 */
#include "bench/limits/limits.h"

#include <math.h>

#define EVENTS 50
#define BASE_TIME_MS INT64_C(978307200000)
#define PRICES 4096

static int64_t price_table[PRICES + 1];

/* 10^(6 u) * 100 by a table and linear interpolation between its 4,096 steps (0.34 % apart). */
static inline int64_t price_of(uint32_t random)
{
	const uint32_t step = random >> 20;
	const int64_t low = price_table[step];

	return low + (((price_table[step + 1] - low) * (int64_t)(random & 0xfffff)) >> 20);
}

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

void tr_limit_generate_bids(uint64_t seed, uint64_t first, uint32_t count, int32_t *restrict event_type,
			    int64_t *restrict auction, int64_t *restrict bidder, int64_t *restrict price,
			    int64_t *restrict time_ms)
{
	if (price_table[0] == 0)
		for (uint32_t i = 0; i <= PRICES; i++)
			price_table[i] = (int64_t)llround(pow(10, 6.0 * i / PRICES) * 100);
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t n = first + i;
		const uint64_t epoch = n / EVENTS;
		const uint32_t offset = (uint32_t)(n - epoch * EVENTS);
		const int64_t last_person = (int64_t)epoch;
		const int64_t last_auction = (int64_t)epoch * 3 + (offset == 0 ? -1 : offset > 3 ? 2 : (int64_t)offset - 1);
		const uint64_t r0 = mix(n * UINT64_C(0x9e3779b97f4a7c15) + seed);
		const uint64_t r1 = mix(r0 + UINT64_C(0xbf58476d1ce4e5b9));
		const int64_t flight = last_auction < 100 ? last_auction : 100;
		const int64_t people = last_person < 1000 ? last_person : 1000;
		const int64_t cold_auction =
			last_auction - flight + (int64_t)(((r0 >> 32) * (uint64_t)(flight + 11)) >> 32);
		const int64_t cold_person =
			last_person - people + (int64_t)(((r1 >> 32) * (uint64_t)(people + 10)) >> 32);
		const int64_t hot_auction = last_auction / 100 * 100;
		const int64_t hot_person = last_person / 100 * 100 + 1;

		event_type[i] = offset == 0 ? 0 : offset < 4 ? 1 : 2;
		auction[i] = 1000 + ((r0 & 1) != 0 ? hot_auction : cold_auction);
		bidder[i] = 1000 + ((r0 & 6) != 0 ? hot_person : cold_person);
		price[i] = price_of((uint32_t)r1);
		time_ms[i] = BASE_TIME_MS + (int64_t)(n / 10);
	}
}
