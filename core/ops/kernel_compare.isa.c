/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparison loops and the making of selections.
 *
 * A block of 64 rows is compared into 64 bytes (the vectoriser's work), the bytes become one 64-bit mask, the mask is
 * ANDed with the validity word, and the set bits become row numbers: by vpcompressd under AVX-512, by a table of
 * permutations for 8 rows under AVX2, bit by bit otherwise. Over a selection the loop is scalar and without branches.
 */
#include "core/ops/kernel_compare.h"

#include <string.h>

#include "core/ops/kernel_mask.h"

#define BLOCK 64

/* ---- masks ---- */

#if defined(__AVX2__) && !defined(__AVX512F__)
/* Entry m lists the set bits of m, first the lowest, four bits each. */
static inline __m256i permutation_of(uint32_t m)
{
	uint64_t spread = _pdep_u64(m, UINT64_C(0x0101010101010101)) * 0xFF;
	uint64_t indexes = _pext_u64(UINT64_C(0x0706050403020100), spread);

	return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)indexes));
}
#endif

/* Appends base + i for each set bit i. May write up to TR_SELECT_SLACK entries beyond. */
static inline uint32_t *expand(uint64_t mask, uint32_t base, uint32_t *out)
{
#if defined(__AVX512F__)
	__m512i lanes = _mm512_add_epi32(_mm512_set1_epi32((int)base),
					 _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));

	for (int i = 0; i < 4; i++) {
		__mmask16 m = (__mmask16)(mask >> (16 * i));

		_mm512_storeu_si512((void *)out, _mm512_maskz_compress_epi32(m, lanes));
		out += __builtin_popcount(m);
		lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(16));
	}
#elif defined(__AVX2__)
	for (int i = 0; i < 8; i++) {
		uint32_t m = (uint32_t)(mask >> (8 * i)) & 0xFF;
		__m256i rows = _mm256_add_epi32(permutation_of(m), _mm256_set1_epi32((int)(base + 8 * (uint32_t)i)));

		_mm256_storeu_si256((__m256i *)(void *)out, rows);
		out += __builtin_popcount(m);
	}
#else
	while (mask != 0) {
		*out++ = base + (uint32_t)__builtin_ctzll(mask);
		mask &= mask - 1;
	}
#endif
	return out;
}

static inline uint64_t low_bits(uint32_t n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

static inline uint32_t bit(const uint64_t *bits, uint32_t row) { return (uint32_t)(bits[row >> 6] >> (row & 63)) & 1; }

/* ---- comparisons ---- */

#define COMPARE(op, OP, name, type)                                                                        \
	static void op##_##name##_v(uint8_t *restrict out, const void *restrict a, const void *restrict b, \
				    const uint32_t *rows, uint32_t count)                                  \
	{                                                                                                  \
		const type *restrict x = a, *restrict y = b;                                               \
		if (rows == NULL)                                                                          \
			for (uint32_t i = 0; i < count; i++)                                               \
				out[i] = x[i] OP y[i];                                                     \
		else                                                                                       \
			for (uint32_t i = 0; i < count; i++)                                               \
				out[rows[i]] = x[rows[i]] OP y[rows[i]];                                   \
	}                                                                                                  \
	static void op##_##name##_c(uint8_t *restrict out, const void *restrict a, const void *restrict b, \
				    const uint32_t *rows, uint32_t count)                                  \
	{                                                                                                  \
		const type *restrict x = a, y = *(const type *)b;                                          \
		if (rows == NULL)                                                                          \
			for (uint32_t i = 0; i < count; i++)                                               \
				out[i] = x[i] OP y;                                                        \
		else                                                                                       \
			for (uint32_t i = 0; i < count; i++)                                               \
				out[rows[i]] = x[rows[i]] OP y;                                            \
	}                                                                                                  \
	SELECT(op, OP, name, type, v, y[i], y[row])                                                        \
	SELECT(op, OP, name, type, c, y[0], y[0])                                                          \
	MASK(op, OP, name, type, v, y[i])                                                                  \
	MASK(op, OP, name, type, c, y[0])

#define MASK(op, OP, name, type, shape, y_block)                                                  \
	static void mask_##op##_##name##_##shape(const void *restrict a, const void *restrict b,  \
						 uint64_t *restrict mask, uint32_t count)         \
	{                                                                                         \
		uint32_t base = 0;                                                                \
		for (; base + BLOCK <= count; base += BLOCK) {                                    \
			const type *restrict x = (const type *)a + base;                          \
			const type *restrict y = (const type *)b + (#shape[0] == 'v' ? base : 0); \
			uint8_t bytes[BLOCK];                                                     \
			for (uint32_t i = 0; i < BLOCK; i++)                                      \
				bytes[i] = x[i] OP y_block;                                       \
			mask[base / BLOCK] &= tr_mask_of_bytes(bytes);                            \
		}                                                                                 \
		if (base < count) {                                                               \
			const type *restrict x = (const type *)a + base;                          \
			const type *restrict y = (const type *)b + (#shape[0] == 'v' ? base : 0); \
			uint64_t bits = 0;                                                        \
			for (uint32_t i = 0; i < count - base; i++)                               \
				bits |= (uint64_t)(x[i] OP y_block) << i;                         \
			mask[base / BLOCK] &= bits;                                               \
		}                                                                                 \
	}

#define SELECT(op, OP, name, type, shape, y_block, y_row)                                                              \
	static uint32_t select_##op##_##name##_##shape(const void *restrict a, const void *restrict b,                 \
						       const uint64_t *validity, const uint32_t *rows, uint32_t count, \
						       uint32_t *out)                                                  \
	{                                                                                                              \
		uint32_t *next = out;                                                                                  \
		if (rows != NULL) {                                                                                    \
			const type *x = a, *y = b;                                                                     \
			uint32_t kept = 0;                                                                             \
			for (uint32_t i = 0; i < count; i++) {                                                         \
				uint32_t row = rows[i];                                                                \
				uint32_t holds = x[row] OP y_row;                                                      \
				if (validity != NULL)                                                                  \
					holds &= bit(validity, row);                                                   \
				out[kept] = row;                                                                       \
				kept += holds;                                                                         \
			}                                                                                              \
			return kept;                                                                                   \
		}                                                                                                      \
		uint32_t base = 0;                                                                                     \
		for (; base + BLOCK <= count; base += BLOCK) {                                                         \
			const type *restrict x = (const type *)a + base;                                               \
			const type *restrict y = (const type *)b + (#shape[0] == 'v' ? base : 0);                      \
			uint8_t bytes[BLOCK];                                                                          \
			for (uint32_t i = 0; i < BLOCK; i++)                                                           \
				bytes[i] = x[i] OP y_block;                                                            \
			uint64_t mask = tr_mask_of_bytes(bytes);                                                       \
			if (validity != NULL)                                                                          \
				mask &= validity[base / BLOCK];                                                        \
			next = expand(mask, base, next);                                                               \
		}                                                                                                      \
		if (base < count) {                                                                                    \
			const type *restrict x = (const type *)a + base;                                               \
			const type *restrict y = (const type *)b + (#shape[0] == 'v' ? base : 0);                      \
			uint64_t mask = 0;                                                                             \
			for (uint32_t i = 0; i < count - base; i++)                                                    \
				mask |= (uint64_t)(x[i] OP y_block) << i;                                              \
			if (validity != NULL)                                                                          \
				mask &= validity[base / BLOCK];                                                        \
			next = expand(mask, base, next);                                                               \
		}                                                                                                      \
		return (uint32_t)(next - out);                                                                         \
	}

#define ALL_COMPARISONS(name, type) \
	COMPARE(eq, ==, name, type) \
	COMPARE(ne, !=, name, type) \
	COMPARE(lt, <, name, type)  \
	COMPARE(gt, >, name, type)  \
	COMPARE(le, <=, name, type) \
	COMPARE(ge, >=, name, type)
ALL_COMPARISONS(i8, int8_t)
ALL_COMPARISONS(i16, int16_t)
ALL_COMPARISONS(i32, int32_t)
ALL_COMPARISONS(i64, int64_t)
ALL_COMPARISONS(f32, float)
ALL_COMPARISONS(f64, double)

/* ---- texts against a constant ---- */

/* Bit i: words 2i and 2i + 1 are the constant's, for i below n (at most a block). */
static inline uint64_t equal_words(const uint64_t *words, uint64_t first, uint64_t second, uint32_t n)
{
	uint64_t mask = 0;
	uint32_t i = 0;

#if defined(__AVX512F__)
	const __m512i even = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i odd = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
	const __m512i want_first = _mm512_set1_epi64((long long)first);
	const __m512i want_second = _mm512_set1_epi64((long long)second);

	for (; i + 8 <= n; i += 8) {
		__m512i low = _mm512_loadu_si512((const void *)(words + 2 * i));
		__m512i high = _mm512_loadu_si512((const void *)(words + 2 * i + 8));
		__mmask8 m = _mm512_cmpeq_epi64_mask(_mm512_permutex2var_epi64(low, even, high), want_first);

		m = _mm512_mask_cmpeq_epi64_mask(m, _mm512_permutex2var_epi64(low, odd, high), want_second);
		mask |= (uint64_t)m << i;
	}
#endif
	for (; i < n; i++)
		mask |= (uint64_t)(((words[2 * i] ^ first) | (words[2 * i + 1] ^ second)) == 0) << i;
	return mask;
}

/* A constant of up to 12 bytes is two words: two comparisons a row, without a branch. */
static uint32_t select_short(const uint64_t *words, uint64_t first, uint64_t second, bool wanted,
			     const uint64_t *validity, const uint32_t *rows, uint32_t count, uint32_t *out)
{
	uint64_t flip = wanted ? 0 : ~UINT64_C(0);
	uint32_t *next = out;
	uint32_t kept = 0;

	if (rows != NULL) {
		for (uint32_t i = 0; i < count; i++) {
			uint32_t row = rows[i];
			uint64_t differs = (words[2 * (size_t)row] ^ first) | (words[2 * (size_t)row + 1] ^ second);
			uint32_t holds = (differs == 0) == wanted;

			if (validity != NULL)
				holds &= bit(validity, row);
			out[kept] = row;
			kept += holds;
		}
		return kept;
	}
	for (uint32_t base = 0; base < count; base += BLOCK) {
		const uint64_t *block = words + 2 * (size_t)base;
		uint32_t n = count - base < BLOCK ? count - base : BLOCK;
		uint64_t mask = (equal_words(block, first, second, n) ^ flip) & low_bits(n);

		if (validity != NULL)
			mask &= validity[base / BLOCK];
		next = expand(mask, base, next);
	}
	return (uint32_t)(next - out);
}

static void mask_view(const struct tr_view *a, const struct tr_view *constant, bool wanted, uint64_t *restrict mask,
		      uint32_t count)
{
	const uint64_t *words = (const uint64_t *)(const void *)a;
	uint64_t flip = wanted ? 0 : ~UINT64_C(0), want[2];

	memcpy(want, constant, sizeof(want));
	for (uint32_t base = 0; base < count; base += BLOCK) {
		uint32_t n = count - base < BLOCK ? count - base : BLOCK;

		mask[base / BLOCK] &= equal_words(words + 2 * (size_t)base, want[0], want[1], n) ^ flip;
	}
}

static uint32_t select_view(const struct tr_view *a, const struct tr_view *constant, bool wanted,
			    const uint64_t *validity, const uint32_t *rows, uint32_t count, uint32_t *out)
{
	uint64_t words[2];
	uint32_t kept = 0;

	memcpy(words, constant, sizeof(words));
	if (constant->length <= TR_VIEW_INLINE_MAX)
		return select_short((const uint64_t *)(const void *)a, words[0], words[1], wanted, validity, rows,
				    count, out);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = rows != NULL ? rows[i] : i;

		if (validity != NULL && !bit(validity, row))
			continue;
		out[kept] = row;
		kept += tr_view_equals(&a[row], constant) == wanted;
	}
	return kept;
}

/* ---- selections from registers ---- */

static uint32_t select_bytes(const uint8_t *restrict bytes, uint8_t wanted, const uint64_t *validity,
			     const uint32_t *rows, uint32_t count, uint32_t *out)
{
	uint64_t flip = wanted ? 0 : ~UINT64_C(0);
	uint32_t *next = out;
	uint32_t base = 0;

	if (rows != NULL) {
		uint32_t kept = 0;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t row = rows[i];
			uint32_t holds = bytes[row] == wanted;

			if (validity != NULL)
				holds &= bit(validity, row);
			out[kept] = row;
			kept += holds;
		}
		return kept;
	}
	for (; base < count; base += BLOCK) {
		uint8_t tail[BLOCK] = {0};
		const uint8_t *block = bytes + base;
		uint64_t mask;

		if (count - base < BLOCK) {
			memcpy(tail, block, count - base);
			block = tail;
		}
		mask = (tr_mask_of_bytes(block) ^ flip) & low_bits(count - base);
		if (validity != NULL)
			mask &= validity[base / BLOCK];
		next = expand(mask, base, next);
	}
	return (uint32_t)(next - out);
}

static uint32_t deal_bytes(const uint8_t *restrict bytes, uint8_t wanted, const uint64_t *validity,
			   const uint32_t *restrict rows, uint32_t count, uint32_t *restrict out,
			   uint32_t *restrict rest)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = rows[i];
		uint32_t holds = bytes[row] == wanted;

		if (validity != NULL)
			holds &= bit(validity, row);
		out[kept] = row;
		rest[i - kept] = row;
		kept += holds;
	}
	return kept;
}

static uint32_t select_bits(const uint64_t *bits, bool wanted, const uint32_t *rows, uint32_t count, uint32_t *out)
{
	uint64_t flip = wanted ? 0 : ~UINT64_C(0);
	uint32_t *next = out;

	if (rows != NULL) {
		uint32_t kept = 0;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t row = rows[i];

			out[kept] = row;
			kept += bit(bits, row) == wanted;
		}
		return kept;
	}
	for (uint32_t base = 0; base < count; base += BLOCK)
		next = expand((bits[base / BLOCK] ^ flip) & low_bits(count - base), base, next);
	return (uint32_t)(next - out);
}

#define PAIR(op, name)                           \
	{                                        \
		op##_##name##_v, op##_##name##_c \
	}
#define NUMBERS(op)                                                                                     \
	{                                                                                               \
		PAIR(op, i8), PAIR(op, i16), PAIR(op, i32), PAIR(op, i64), PAIR(op, f32), PAIR(op, f64) \
	}

const struct tr_kernel_compare TR_ISA(tr_kernel_compare) = {
	.compare = {NUMBERS(eq), NUMBERS(ne), NUMBERS(lt), NUMBERS(gt), NUMBERS(le), NUMBERS(ge)},
	.select = {NUMBERS(select_eq), NUMBERS(select_ne), NUMBERS(select_lt), NUMBERS(select_gt), NUMBERS(select_le),
		   NUMBERS(select_ge)},
	.mask = {NUMBERS(mask_eq), NUMBERS(mask_ne), NUMBERS(mask_lt), NUMBERS(mask_gt), NUMBERS(mask_le),
		 NUMBERS(mask_ge)},
	.mask_view = mask_view,
	.select_view = select_view,
	.select_bytes = select_bytes,
	.deal_bytes = deal_bytes,
	.select_bits = select_bits,
};
