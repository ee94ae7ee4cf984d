/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/data.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "bench/harness.h"

#define BID_BYTES_MAX 320
#define KEY_STEP UINT64_C(7368787) /* a prime that divides none of the numbers of keys */

int64_t *tr_data_keys(size_t count, size_t distinct, uint64_t seed)
{
	int64_t *keys = tr_harness_alloc(count * sizeof(*keys));

	TR_ASSERT(distinct > 0);
	/* Every other row goes through all keys in a scattered order, so that all occur if there are rows enough. */
	for (size_t i = 0; i < count; i++)
		keys[i] = tr_data_key((i & 1) == 0 ? i / 2 * KEY_STEP % distinct : tr_data_next(&seed) % distinct);
	return keys;
}

int64_t *tr_data_numbers(size_t count, uint64_t limit, uint64_t seed)
{
	int64_t *numbers = tr_harness_alloc(count * sizeof(*numbers));

	TR_ASSERT(limit > 0);
	for (size_t i = 0; i < count; i++)
		numbers[i] = (int64_t)(tr_data_next(&seed) % limit);
	return numbers;
}

int64_t *tr_data_times(size_t count, int64_t start_ms, uint64_t per_second, double late_share, int64_t late_ms,
		       uint64_t seed)
{
	int64_t *times = tr_harness_alloc(count * sizeof(*times));
	const uint64_t late_below = (uint64_t)(late_share * 4294967296.0);

	TR_ASSERT(per_second > 0);
	for (size_t i = 0; i < count; i++) {
		const uint64_t random = tr_data_next(&seed);

		times[i] = start_ms + (int64_t)(i * 1000 / per_second);
		if ((random & 0xffffffff) < late_below)
			times[i] -= (int64_t)((random >> 32) % (uint64_t)late_ms) + 1;
	}
	return times;
}

static int channel_text(char *out, size_t size, uint64_t random)
{
	static const char *const names[] = {"Google", "Facebook", "Baidu", "Apple"};

	if ((random & 1) != 0)
		return snprintf(out, size, "%s", names[(random >> 1) & 3]);
	return snprintf(out, size, "channel-%u", (unsigned)((random >> 3) % 10000));
}

struct tr_view *tr_data_channels(size_t count, uint64_t seed)
{
	struct tr_view *views = tr_harness_alloc(count * sizeof(*views));
	char text[32];

	for (size_t i = 0; i < count; i++) {
		const int length = channel_text(text, sizeof(text), tr_data_next(&seed));

		TR_ASSERT(length <= TR_VIEW_INLINE_MAX);
		views[i] = tr_view_make(text, (uint32_t)length);
	}
	return views;
}

struct bid {
	unsigned long auction, bidder, price;
	char channel[32];
	char url[96];
	char time[24];
	char extra[9];
};

static void make_bid(struct bid *bid, size_t row, uint64_t *seed)
{
	const uint64_t a = tr_data_next(seed), b = tr_data_next(seed), c = tr_data_next(seed);
	const unsigned ms = (unsigned)(row / 10 % 86400000);

	bid->auction = 1000 + row / 17 + a % 111;
	bid->bidder = 2000 + row / 50 + (a >> 32) % 1010;
	bid->price = 100 + b % 1000000;
	channel_text(bid->channel, sizeof(bid->channel), b >> 32);
	snprintf(bid->url, sizeof(bid->url), "https://www.nexmark.com/%c%c%c/%c%c%c/%c%c%c/item.htm?query=1",
		 (char)('a' + c % 26), (char)('a' + (c >> 5) % 26), (char)('a' + (c >> 10) % 26),
		 (char)('a' + (c >> 15) % 26), (char)('a' + (c >> 20) % 26), (char)('a' + (c >> 25) % 26),
		 (char)('a' + (c >> 30) % 26), (char)('a' + (c >> 35) % 26), (char)('a' + (c >> 40) % 26));
	snprintf(bid->time, sizeof(bid->time), "2001-01-%02u %02u:%02u:%02u.%03u", 1 + (unsigned)(row / 864000000) % 28,
		 ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
	for (unsigned i = 0; i < 8; i++)
		bid->extra[i] = (char)('a' + (c >> (i * 7)) % 26);
	bid->extra[8] = 0;
}

static struct tr_data_text make_text(size_t rows, uint64_t seed, const char *format)
{
	struct tr_data_text out = {.bytes = rows * BID_BYTES_MAX + 64, .rows = rows};
	struct bid bid;

	out.text = tr_harness_alloc(out.bytes);
	for (size_t row = 0; row < rows; row++) {
		make_bid(&bid, row, &seed);
		out.length += (size_t)snprintf(out.text + out.length, BID_BYTES_MAX, format, bid.auction, bid.bidder,
					       bid.price, bid.channel, bid.url, bid.time, bid.extra);
	}
	return out;
}

struct tr_data_text tr_data_bids_json(size_t rows, uint64_t seed)
{
	return make_text(rows, seed,
			 "{\"auction\":%lu,\"bidder\":%lu,\"price\":%lu,\"channel\":\"%s\",\"url\":\"%s\","
			 "\"dateTime\":\"%s\",\"extra\":\"%s\"}\n");
}

struct tr_data_text tr_data_bids_csv(size_t rows, uint64_t seed)
{
	return make_text(rows, seed, "%lu,%lu,%lu,%s,%s,%s,%s\n");
}

void tr_data_text_free(struct tr_data_text *text)
{
	tr_harness_free(text->text, text->bytes);
	memset(text, 0, sizeof(*text));
}
