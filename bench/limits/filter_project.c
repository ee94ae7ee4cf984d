/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter and project in one pass over columns that lie in the cache.
 *
 * AVX-512: compare eight rows, compress each output column in a register and store all eight lanes; the next store
 * overwrites the garbage. (vpcompressq straight to memory is microcoded on Zen 4 and ten times slower.) Without
 * AVX-512: branch-free scalar; every row is written, the output index moves only for rows that pass.
 */
#include "bench/limits/limits.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define PRICE_FACTOR 89

uint32_t tr_limit_filter_project_i64(const int64_t *restrict auction, const int64_t *restrict price, uint32_t count,
				     int64_t limit, int64_t *restrict out_auction, int64_t *restrict out_price)
{
	uint32_t i = 0, n = 0;

#ifdef __AVX512DQ__
	const __m512i floor = _mm512_set1_epi64(limit);
	const __m512i factor = _mm512_set1_epi64(PRICE_FACTOR);

	for (; i + 8 <= count; i += 8) {
		const __m512i p = _mm512_loadu_si512(price + i);
		const __mmask8 keep = _mm512_cmpgt_epi64_mask(p, floor);
		const __m512i a = _mm512_maskz_compress_epi64(keep, _mm512_loadu_si512(auction + i));

		_mm512_storeu_si512(out_auction + n, a);
		_mm512_storeu_si512(out_price + n, _mm512_maskz_compress_epi64(keep, _mm512_mullo_epi64(p, factor)));
		n += (uint32_t)__builtin_popcount(keep);
	}
#endif
	for (; i < count; i++) {
		out_auction[n] = auction[i];
		out_price[n] = price[i] * PRICE_FACTOR;
		n += price[i] > limit;
	}
	return n;
}

uint32_t tr_limit_filter_project_text(const int64_t *restrict auction, const int64_t *restrict price,
				      const struct tr_view *restrict channel, uint32_t count, int64_t limit,
				      const struct tr_view *equal, int64_t *restrict out_auction,
				      int64_t *restrict out_price, struct tr_view *restrict out_channel)
{
	uint32_t i = 0, n = 0;
	uint64_t word[2];

	memcpy(word, equal, sizeof(word));
#ifdef __AVX512DQ__
	const __m512i floor = _mm512_set1_epi64(limit);
	const __m512i factor = _mm512_set1_epi64(PRICE_FACTOR);
	const __m512i even = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i odd = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
	const __m512i want0 = _mm512_set1_epi64((int64_t)word[0]);
	const __m512i want1 = _mm512_set1_epi64((int64_t)word[1]);

	for (; i + 8 <= count; i += 8) {
		const __m512i v0 = _mm512_loadu_si512(channel + i);
		const __m512i v1 = _mm512_loadu_si512(channel + i + 4);
		const __m512i p = _mm512_loadu_si512(price + i);
		__mmask8 keep = _mm512_cmpgt_epi64_mask(p, floor);
		uint32_t kept;

		keep = _mm512_mask_cmpeq_epi64_mask(keep, _mm512_permutex2var_epi64(v0, even, v1), want0);
		keep = _mm512_mask_cmpeq_epi64_mask(keep, _mm512_permutex2var_epi64(v0, odd, v1), want1);
		kept = (uint32_t)__builtin_popcount(keep);
		_mm512_storeu_si512(out_auction + n, _mm512_maskz_compress_epi64(keep, _mm512_loadu_si512(auction + i)));
		_mm512_storeu_si512(out_price + n, _mm512_maskz_compress_epi64(keep, _mm512_mullo_epi64(p, factor)));
		/* All kept views are the same one: no need to gather them. */
		for (uint32_t k = 0; k < kept; k++)
			memcpy(&out_channel[n + k], word, sizeof(word));
		n += kept;
	}
#endif
	for (; i < count; i++) {
		uint64_t have[2];

		memcpy(have, &channel[i], sizeof(have));
		out_auction[n] = auction[i];
		out_price[n] = price[i] * PRICE_FACTOR;
		out_channel[n] = channel[i];
		n += (uint32_t)((price[i] > limit) & (have[0] == word[0]) & (have[1] == word[1]));
	}
	return n;
}

void tr_limit_convert_i64(const int64_t *restrict price, uint32_t count, int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = price[i] * PRICE_FACTOR;
}

void tr_limit_project_i64(const int64_t *restrict price, const int64_t *restrict bidder, uint32_t count,
			  int64_t *restrict out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = price[i] * PRICE_FACTOR + bidder[i];
}
