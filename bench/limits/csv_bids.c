/* SPDX-License-Identifier: Apache-2.0
 *
 * Bids as CSV lines to columns: an index of delimiters, then the fields.
 *
 * First step, over blocks that stay in L2: 64 bytes at a time are compared with comma, line end and quote; the mask of
 * delimiters becomes a list of offsets (with VBMI2 by compressing the numbers 0..63). Quotes and bytes that aren't
 * ASCII are noticed: this data has none, and a bar need not go further.
 *
 * Second step: seven offsets are a row. The three numbers and the five digits of the seconds are the four lanes of one
 * vector: shifted so that the missing digits become zeros, checked at once, multiplied together. The minute is
 * compared with the last one's text (parse.h). Short texts are cut out of one load by a mask.
 */
#include "bench/limits/limits.h"
#include "bench/limits/parse.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VBMI2__) && defined(__BMI2__)
#define HAS_512 1
#else
#define HAS_512 0
#endif

#define FIELDS 7
#define BLOCK ((size_t)32 << 10)

/* Of all blocks so far. */
struct seen {
	uint64_t lines;
	uint64_t odd; /* quotes, and bytes that aren't ASCII */
};

#if HAS_512
/* Writes the offsets (from `text`) of delimiters in [at, at + length) to `index`. */
static size_t find_delimiters(const char *text, size_t at, size_t length, struct seen *seen, uint32_t *restrict index)
{
	uint8_t numbers[64];
	uint64_t lines = 0, odd = 0;
	__m512i iota;
	size_t n = 0;

	for (unsigned i = 0; i < 64; i++)
		numbers[i] = (uint8_t)i;
	iota = _mm512_loadu_si512(numbers);
	for (size_t i = 0; i < length; i += 64) {
		const size_t left = length - i;
		const uint64_t valid = left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
		const __m512i v = _mm512_loadu_si512(text + at + i);
		const uint64_t newline = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n')) & valid;
		const uint64_t mask = newline | (_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(',')) & valid);
		const unsigned count = (unsigned)__builtin_popcountll(mask);
		const __m512i base = _mm512_set1_epi32((int)(at + i));
		const __m512i found = _mm512_maskz_compress_epi8(mask, iota);
		const __m512i first = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));

		odd |= (_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) | _mm512_movepi8_mask(v)) & valid;
		lines += (unsigned)__builtin_popcountll(newline);
		_mm512_storeu_si512(index + n, _mm512_add_epi32(first, base));
		if (__builtin_expect(count > 16, 0)) {
			uint64_t rest = mask;

			for (unsigned k = 0; k < count; k++, rest &= rest - 1)
				index[n + k] = (uint32_t)(at + i) + (uint32_t)__builtin_ctzll(rest);
		}
		n += count;
	}
	seen->lines += lines;
	seen->odd |= odd;
	return n;
}

static inline struct tr_view short_or_long(const char *text, uint32_t length)
{
	struct tr_view view;

	/* The four bytes before the text are those of other fields of its row. */
	if (__builtin_expect(length <= TR_VIEW_INLINE_MAX, 1)) {
		const __m128i bytes = _mm_loadu_si128((const void *)(text - 4));
		const __mmask16 mask = (__mmask16)_bzhi_u32(0xfff0, length + 4);
		const __m128i cut = _mm_mask_mov_epi8(_mm_cvtsi32_si128((int)length), mask, bytes);

		memcpy(&view, &cut, sizeof(view));
		return view;
	}
	return tr_view_make(text, length);
}

/* The numbers of a row with up to 8 digits each, and its seconds. */
static inline bool parse_numbers(const char *text, const uint32_t *restrict end, uint64_t seconds,
				 struct tr_limit_bids *restrict bids, size_t row, int64_t *ms)
{
	const __m256i zeros = _mm256_set1_epi8('0');
	const __m128i ends = _mm_loadu_si128((const void *)end);
	const __m128i before = _mm_loadu_si128((const void *)(end - 1));
	const __m128i length_1 = _mm_sub_epi32(_mm_sub_epi32(ends, before), _mm_set1_epi32(2)); /* length - 1 */
	const __m256i eights = _mm256_slli_epi64(_mm256_cvtepu32_epi64(length_1), 3);
	/* 64 - 8 * length, and for the last lane 24: five digits of eight */
	const __m256i shift =
		_mm256_mask_mov_epi64(_mm256_sub_epi64(_mm256_set1_epi64x(56), eights), 8, _mm256_set1_epi64x(24));
	uint64_t word[3];
	__m256i v;
	__m128i low, high;

	for (unsigned i = 0; i < 3; i++)
		memcpy(&word[i], text + (uint32_t)(end[(int)i - 1] + 1), 8);
	v = _mm256_set_epi64x((int64_t)seconds, (int64_t)word[2], (int64_t)word[1], (int64_t)word[0]);
	v = _mm256_sllv_epi64(_mm256_xor_si256(v, zeros), shift);
	if (__builtin_expect((_mm_cmpgt_epu32_mask(length_1, _mm_set1_epi32(7)) & 7) != 0 ||
				     _mm256_cmpgt_epu8_mask(v, _mm256_set1_epi8(9)) != 0,
			     0))
		return false;
	v = _mm256_maddubs_epi16(v, _mm256_set1_epi16(0x010a));
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00010064));
	v = _mm256_add_epi64(_mm256_mul_epu32(v, _mm256_set1_epi64x(10000)), _mm256_srli_epi64(v, 32));
	low = _mm256_castsi256_si128(v);
	high = _mm256_extracti128_si256(v, 1);
	bids->auction[row] = _mm_cvtsi128_si64(low);
	bids->bidder[row] = _mm_extract_epi64(low, 1);
	bids->price[row] = _mm_cvtsi128_si64(high);
	*ms = _mm_extract_epi64(high, 1);
	return true;
}
#else
static size_t find_delimiters(const char *text, size_t at, size_t length, struct seen *seen, uint32_t *restrict index)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		const char c = text[at + i];

		index[n] = (uint32_t)(at + i);
		n += c == ',' || c == '\n';
		seen->lines += c == '\n';
		seen->odd |= (uint64_t)(c == '"') | ((uint8_t)c & 0x80);
	}
	return n;
}

static inline struct tr_view short_or_long(const char *text, uint32_t length) { return tr_view_make(text, length); }

static inline bool parse_numbers(const char *text, const uint32_t *restrict end, uint64_t seconds,
				 struct tr_limit_bids *restrict bids, size_t row, int64_t *ms)
{
	uint64_t value[4];
	bool is_good = tr_limit_digits(seconds, 5, &value[3]);

	for (unsigned i = 0; i < 3; i++) {
		const uint32_t start = end[(int)i - 1] + 1, length = end[i] - start;
		uint64_t word;

		memcpy(&word, text + start, 8);
		if (length - 1 >= 8)
			return false;
		is_good &= tr_limit_digits(word, length, &value[i]);
	}
	bids->auction[row] = (int64_t)value[0];
	bids->bidder[row] = (int64_t)value[1];
	bids->price[row] = (int64_t)value[2];
	*ms = (int64_t)value[3];
	return is_good;
}
#endif

/* 1 to 18 digits; -1 if there is anything else. */
static __attribute__((noinline)) int64_t parse_long(const char *text, uint32_t length)
{
	int64_t value = 0;

	if (length - 1 >= 18)
		return -1;
	for (uint32_t i = 0; i < length; i++) {
		const uint32_t digit = (uint32_t)(uint8_t)text[i] - '0';

		if (digit > 9)
			return -1;
		value = value * 10 + digit;
	}
	return value;
}

/* Numbers of any length, one by one. */
static __attribute__((noinline)) bool parse_numbers_slowly(const char *text, const uint32_t *end, uint64_t seconds,
							   struct tr_limit_bids *bids, size_t row, int64_t *ms)
{
	uint64_t value;

	bids->auction[row] = parse_long(text + (uint32_t)(end[-1] + 1), end[0] - end[-1] - 1);
	bids->bidder[row] = parse_long(text + end[0] + 1, end[1] - end[0] - 1);
	bids->price[row] = parse_long(text + end[1] + 1, end[2] - end[1] - 1);
	if (!tr_limit_digits(seconds, 5, &value))
		return false;
	*ms = (int64_t)value;
	return (bids->auction[row] | bids->bidder[row] | bids->price[row]) >= 0;
}

/* end[-1] is the end of the row before. */
static inline bool parse_row(const char *text, const uint32_t *restrict end, struct tr_limit_bids *restrict bids,
			     size_t row, struct tr_limit_minute *minute)
{
	const char *time = text + end[4] + 1;
	uint64_t seconds;
	int64_t ms;

	if (end[5] - end[4] - 1 != TR_LIMIT_TIME_LENGTH || text[end[6]] != '\n' || !tr_limit_minute_at(time, minute) ||
	    !tr_limit_second_digits(time, &seconds))
		return false;
	if (!parse_numbers(text, end, seconds, bids, row, &ms) &&
	    !parse_numbers_slowly(text, end, seconds, bids, row, &ms))
		return false;
	bids->time_ms[row] = minute->ms + ms;
	bids->channel[row] = short_or_long(text + end[2] + 1, end[3] - end[2] - 1);
	bids->url[row] = tr_view_make(text + end[3] + 1, end[4] - end[3] - 1);
	bids->extra[row] = short_or_long(text + end[5] + 1, end[6] - end[5] - 1);
	return ms < 60000;
}

int64_t tr_limit_csv_bids(const char *text, size_t length, struct tr_limit_bids *bids)
{
	static _Thread_local uint32_t index[1 + BLOCK + FIELDS + 64]; /* [0]: the end of the row before */
	struct tr_limit_minute minute = {{0}, 0};
	struct seen seen = {0, 0};
	size_t pending = 0, row = 0;

	if (length > INT32_MAX)
		return -1;
	index[0] = UINT32_MAX;
	for (size_t at = 0; at < length; at += BLOCK) {
		const size_t bytes = length - at < BLOCK ? length - at : BLOCK;
		const size_t n = pending + find_delimiters(text, at, bytes, &seen, index + 1 + pending);
		size_t i = 0;

		for (; i + FIELDS <= n; i += FIELDS) {
			if (row == bids->capacity || !parse_row(text, index + 1 + i, bids, row, &minute))
				return -1;
			row++;
		}
		pending = n - i;
		memmove(index, index + i, (pending + 1) * sizeof(index[0]));
	}
	/* Each seventh delimiter is a line end, and there are no others: so the six before it are commas. */
	return pending == 0 && seen.lines == row && seen.odd == 0 && (uint32_t)(index[0] + 1) == length ? (int64_t)row
													: -1;
}
