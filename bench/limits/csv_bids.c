/* SPDX-License-Identifier: Apache-2.0
 *
 * Bids as CSV lines to columns: an index of delimiters, then the fields.
 *
 * First step, over blocks that stay in L2: 64 bytes at a time are compared with comma, line end and quote; the mask of
 * delimiters outside quotes (prefix xor of the quotes) becomes a list of offsets. Second step: seven offsets are a
 * row; numbers are read eight digits at once from the bytes before their delimiter.
 */
#include "bench/limits/limits.h"
#include "bench/limits/parse.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define FIELDS 7
#define BLOCK ((size_t)32 << 10)

static inline uint64_t bytes_equal(const char *p, char c)
{
#ifdef __AVX512BW__
	return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), _mm512_set1_epi8(c));
#elif defined(__AVX2__)
	const __m256i want = _mm256_set1_epi8(c);
	const __m256i a = _mm256_loadu_si256((const void *)p);
	const __m256i b = _mm256_loadu_si256((const void *)(p + 32));
	const uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, want));
	const uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, want));

	return (uint64_t)high << 32 | low;
#else
	uint64_t mask = 0;

	for (unsigned i = 0; i < 64; i++)
		mask |= (uint64_t)(p[i] == c) << i;
	return mask;
#endif
}

static inline uint64_t prefix_xor(uint64_t x)
{
	x ^= x << 1;
	x ^= x << 2;
	x ^= x << 4;
	x ^= x << 8;
	x ^= x << 16;
	x ^= x << 32;
	return x;
}

/* Writes the offsets (from `text`) of delimiters in [at, at + length) to `index`. `inside`: all ones within quotes. */
static size_t find_delimiters(const char *text, size_t at, size_t length, uint64_t *inside, uint32_t *restrict index)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i += 64) {
		const char *p = text + at + i;
		const uint64_t quotes = bytes_equal(p, '"');
		uint64_t mask = bytes_equal(p, ',') | bytes_equal(p, '\n');

		if (__builtin_expect((quotes | *inside) != 0, 0)) {
			const uint64_t quoted = prefix_xor(quotes) ^ *inside;

			mask &= ~quoted;
			*inside = (uint64_t)((int64_t)quoted >> 63);
		}
		if (length - i < 64)
			mask &= ((uint64_t)1 << (length - i)) - 1;
		{
			const uint32_t base = (uint32_t)(at + i);
			const unsigned count = (unsigned)__builtin_popcountll(mask);
			uint32_t *restrict out = index + n;

			for (unsigned k = 0; k < count; k += 4) {
				for (unsigned j = 0; j < 4; j++) {
					out[k + j] = base + (uint32_t)__builtin_ctzll(mask | (uint64_t)1 << 63);
					mask &= mask - 1;
				}
			}
			n += count;
		}
	}
	return n;
}

/* Up to 18 digits that end before `end`; the 8 bytes before are readable. -1 if there is anything else. */
static inline int64_t parse_digits(const char *start, const char *end)
{
	const size_t length = (size_t)(end - start);
	int64_t value = 0;

	if (length - 1 < 8) {
		uint64_t word;

		memcpy(&word, start, 8);
		word <<= (8 - length) * 8;
		/* Missing leading digits become zeros, which still must look like '0' for the check. */
		word |= length == 8 ? 0 : UINT64_C(0x3030303030303030) >> (length * 8);
		if (((word & UINT64_C(0xf0f0f0f0f0f0f0f0)) |
		     (((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0)) >> 4)) !=
		    UINT64_C(0x3333333333333333))
			return -1;
		word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
		word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
		return (int64_t)((word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32);
	}
	if (length == 0 || length > 18)
		return -1;
	for (; start < end; start++) {
		const uint32_t digit = (uint32_t)(uint8_t)*start - '0';

		if (digit > 9)
			return -1;
		value = value * 10 + digit;
	}
	return value;
}

static inline bool parse_row(const char *text, uint32_t start, const uint32_t *restrict end,
			     struct tr_limit_bids *restrict bids, size_t row, struct tr_limit_date *date)
{
	const char *channel = text + end[2] + 1;
	const char *url = text + end[3] + 1;
	const char *extra = text + end[5] + 1;
	uint32_t channel_length = end[3] - end[2] - 1;
	uint32_t url_length = end[4] - end[3] - 1;
	uint32_t extra_length = end[6] - end[5] - 1;

	bids->auction[row] = parse_digits(text + start, text + end[0]);
	bids->bidder[row] = parse_digits(text + end[0] + 1, text + end[1]);
	bids->price[row] = parse_digits(text + end[1] + 1, text + end[2]);
	if (__builtin_expect(*channel == '"' || *url == '"' || *extra == '"', 0))
		return false; /* quoted text is not in this data; a bar need not go further than to notice it */
	bids->channel[row] = tr_view_make(channel, channel_length);
	bids->url[row] = tr_view_make(url, url_length);
	bids->extra[row] = tr_view_make(extra, extra_length);
	if (end[5] - end[4] - 1 != TR_LIMIT_TIME_LENGTH)
		return false;
	bids->time_ms[row] = tr_limit_parse_time(date, text + end[4] + 1);
	return text[end[6]] == '\n' && (bids->auction[row] | bids->bidder[row] | bids->price[row]) >= 0 &&
	       bids->time_ms[row] != INT64_MIN;
}

int64_t tr_limit_csv_bids(const char *text, size_t length, struct tr_limit_bids *bids)
{
	static _Thread_local uint32_t index[BLOCK + FIELDS + 8];
	struct tr_limit_date date = {0};
	uint64_t inside = 0;
	size_t pending = 0, row = 0;
	uint32_t start = 0;

	if (length > UINT32_MAX)
		return -1;
	for (size_t at = 0; at < length; at += BLOCK) {
		const size_t bytes = length - at < BLOCK ? length - at : BLOCK;
		const size_t n = pending + find_delimiters(text, at, bytes, &inside, index + pending);
		size_t i = 0;

		for (; i + FIELDS <= n; i += FIELDS) {
			if (row == bids->capacity || !parse_row(text, start, index + i, bids, row, &date))
				return -1;
			start = index[i + FIELDS - 1] + 1;
			row++;
		}
		pending = n - i;
		memmove(index, index + i, pending * sizeof(index[0]));
	}
	return pending == 0 && start == length ? (int64_t)row : -1;
}
