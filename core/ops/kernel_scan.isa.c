/* SPDX-License-Identifier: Apache-2.0
 *
 * A byte is compared with up to 64 bytes of the text at once; a bit of the resulting word is a place of it. Under AVX-512
 * one masked load takes the whole piece, whatever its length. Otherwise 16 bytes are loaded at a time, the last of them
 * overlapping those before, which sets the same bits again; nothing is read beyond the text.
 */
#include "core/ops/kernel_scan.h"

#include <immintrin.h>
#include <string.h>

#include "base/check.h"

#define BLOCK 64u

#ifdef __AVX512BW__
static inline uint64_t low_bits(uint32_t n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }
#endif

/* Where the byte is among the first `length` (at most 64) bytes. */
static inline uint64_t places(const char *text, uint32_t length, char byte)
{
#if defined(__AVX512BW__)
	const __mmask64 loaded = low_bits(length);

	return _mm512_mask_cmpeq_epi8_mask(loaded, _mm512_maskz_loadu_epi8(loaded, text), _mm512_set1_epi8(byte));
#else
	const __m128i wanted = _mm_set1_epi8(byte);
	uint64_t mask = 0;

	if (length < 16) {
		for (uint32_t i = 0; i < length; i++)
			mask |= (uint64_t)(text[i] == byte) << i;
		return mask;
	}
	for (uint32_t i = 0;; i = i + 32 <= length ? i + 16 : length - 16) {
		const __m128i piece = _mm_loadu_si128((const __m128i *)(const void *)(text + i));

		mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(piece, wanted)) << i;
		if (i + 16 == length)
			return mask;
	}
#endif
}

static inline struct tr_view view_of(const char *text, uint32_t length)
{
#if defined(__AVX512BW__) && defined(__AVX512VL__)
	if (length <= TR_VIEW_INLINE_MAX) {
		const __m128i bytes = _mm_maskz_loadu_epi8((__mmask16)low_bits(length), text);
		struct tr_view view;

		_mm_storeu_si128((__m128i *)(void *)&view,
				 _mm_or_si128(_mm_slli_si128(bytes, 4), _mm_cvtsi32_si128((int)length)));
		return view;
	}
#endif
	return tr_view_make(text, length);
}

static void count_byte(int32_t *restrict out, const struct tr_view *views, char byte, const uint32_t *rows,
		       uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows != NULL ? rows[i] : i;
		const char *text = tr_view_text(&views[row]);
		uint32_t left = views[row].length;
		int32_t found = 0;

		for (; left > BLOCK; left -= BLOCK, text += BLOCK)
			found += __builtin_popcountll(places(text, BLOCK, byte));
		out[row] = found + __builtin_popcountll(places(text, left, byte));
	}
}

/* False: there are not so many tokens. */
static inline bool token(const struct tr_view *view, char separator, uint32_t index, struct tr_view *out)
{
	const char *text = tr_view_text(view);
	const uint32_t length = view->length;
	uint32_t start = 0;

	if (length == 0)
		return false;
	for (uint32_t base = 0; base < length; base += BLOCK) {
		uint64_t mask = places(text + base, TR_MIN(length - base, BLOCK), separator);

		while (mask != 0) {
			const uint32_t place = base + (uint32_t)__builtin_ctzll(mask);

			if (index == 0) {
				*out = view_of(text + start, place - start);
				return true;
			}
			index--;
			start = place + 1;
			mask &= mask - 1;
		}
	}
	if (index > 0)
		return false;
	*out = view_of(text + start, length - start);
	return true;
}

static bool split(struct tr_view *restrict out, uint64_t *restrict validity, const struct tr_view *views,
		  char separator, uint32_t index, const uint32_t *rows, uint32_t count)
{
	bool has_nulls = false;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows != NULL ? rows[i] : i;

		if (!token(&views[row], separator, index, &out[row])) {
			tr_bit_clear(validity, row);
			has_nulls = true;
		}
	}
	return has_nulls;
}

const struct tr_kernel_scan TR_ISA(tr_kernel_scan) = {
	.count_byte = count_byte,
	.split = split,
};
