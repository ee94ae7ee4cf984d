/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV kernels: the structural index, and columns of integers and strings made from it.
 *
 * The index takes 64 bytes at a time: one bit mask per interesting byte value (delimiter, LF, CR, quote). With quotes
 * in the block, the running parity of the quote bits says which bytes are inside quotes (simdjson's trick: a prefix
 * XOR; here by shifts, since quotes are rare). That shortcut is right only if quotes stand where Jackson's rules
 * give them a meaning: an opening one at the start of a field or behind a closing one, a closing one before a field's
 * end or an opening one. Both are checked with the same masks; a block that breaks them is marked odd.
 *
 * Bytes up to 63 beyond the block are loaded (TR_INPUT_PADDING) and masked off.
 */
#include "base/check.h"
#include "io/csv.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#else
#include <emmintrin.h>
#endif

struct masks {
	uint64_t delimiter;
	uint64_t newline;
	uint64_t carriage;
	uint64_t quote;
	uint64_t high; /* not ASCII */
};

#if defined(__AVX512BW__)
static inline void load_masks(const char *p, char delimiter, char quote, struct masks *m)
{
	const __m512i v = _mm512_loadu_si512(p);

	m->delimiter = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(delimiter));
	m->newline = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
	m->carriage = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
	m->quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(quote));
	m->high = _mm512_movepi8_mask(v);
}
#elif defined(__AVX2__)
static inline uint64_t equal_32(__m256i a, __m256i b, char c)
{
	const __m256i wanted = _mm256_set1_epi8(c);
	const uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, wanted));
	const uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, wanted));

	return (uint64_t)high << 32 | low;
}

static inline void load_masks(const char *p, char delimiter, char quote, struct masks *m)
{
	const __m256i a = _mm256_loadu_si256((const __m256i *)p);
	const __m256i b = _mm256_loadu_si256((const __m256i *)(p + 32));

	m->delimiter = equal_32(a, b, delimiter);
	m->newline = equal_32(a, b, '\n');
	m->carriage = equal_32(a, b, '\r');
	m->quote = equal_32(a, b, quote);
	m->high = (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 | (uint32_t)_mm256_movemask_epi8(a);
}
#else
static inline uint64_t equal_16(const __m128i *v, char c)
{
	const __m128i wanted = _mm_set1_epi8(c);
	uint64_t mask = 0;

	for (int i = 3; i >= 0; i--)
		mask = mask << 16 | (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], wanted));
	return mask;
}

static inline void load_masks(const char *p, char delimiter, char quote, struct masks *m)
{
	__m128i v[4];

	m->high = 0;
	for (int i = 3; i >= 0; i--) {
		v[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
		m->high = m->high << 16 | (uint32_t)_mm_movemask_epi8(v[i]);
	}
	m->delimiter = equal_16(v, delimiter);
	m->newline = equal_16(v, '\n');
	m->carriage = equal_16(v, '\r');
	m->quote = equal_16(v, quote);
}
#endif

/** Bit i: parity of the bits 0..i. */
static inline uint64_t prefix_xor(uint64_t bits)
{
	for (int shift = 1; shift < 64; shift <<= 1)
		bits ^= bits << shift;
	return bits;
}

/** What one block hands to the next. */
struct carry {
	uint64_t in_quotes;   /* all ones or 0 */
	uint64_t after_end;   /* bit 0: the block's first byte starts a field */
	uint64_t after_close; /* bit 0: the byte before was a closing quote */
};

/** The bytes inside quotes, and whether the quotes are where they may be. */
static inline uint64_t quoted_mask(const struct masks *m, uint64_t ends, uint64_t valid, struct carry *carry,
				   bool *is_odd)
{
	const uint64_t inside = prefix_xor(m->quote) ^ carry->in_quotes;
	const uint64_t opening = m->quote & inside, closing = m->quote & ~inside;
	const uint64_t structural = ends & ~inside;
	const uint64_t may_open = structural << 1 | carry->after_end | closing << 1 | carry->after_close;
	const uint64_t behind_close = (closing << 1 | carry->after_close) & valid;

	*is_odd |= (opening & ~may_open) != 0;
	*is_odd |= (behind_close & ~(structural | opening | m->carriage)) != 0;
	carry->in_quotes = (uint64_t)((int64_t)inside >> 63);
	carry->after_close = closing >> 63;
	return inside;
}

/** Appends base + i for each bit i. Up to 16 positions more are written, as garbage. */
static inline uint32_t put_positions(uint32_t *out, uint64_t bits, uint32_t base)
{
	const uint32_t count = (uint32_t)__builtin_popcountll(bits);

	/* In eights: most blocks have fewer ends, and the loop's exit is then easy to foresee. */
	for (uint32_t done = 0; done < count; done += 8)
		for (uint32_t i = 0; i < 8; i++) {
			out[done + i] = base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
			bits &= bits - 1;
		}
	return count;
}

#if defined(__AVX512BW__)
#define HAS_VBMI2 __builtin_cpu_supports("avx512vbmi2")

/** The same on machines that can compress bytes, which x86-64-v4 does not promise. As assembly, since the intrinsic would
 * need a target of its own, and functions of different targets are not inlined. */
static inline uint32_t put_positions_vbmi2(uint32_t *out, uint64_t bits, uint32_t base)
{
	static const uint8_t numbers[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
					    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
					    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
					    48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
	const uint32_t count = (uint32_t)__builtin_popcountll(bits);
	__m512i found;

	if (TR_UNLIKELY(count > 16))
		return put_positions(out, bits, base);
	__asm__("vpcompressb %1, %0%{%2%}%{z%}"
		: "=v"(found)
		: "v"(_mm512_loadu_si512(numbers)), "Yk"((__mmask64)bits));
	found = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));
	_mm512_storeu_si512(out, _mm512_add_epi32(found, _mm512_set1_epi32((int)base)));
	return count;
}
#else
#define HAS_VBMI2 false

static inline uint32_t put_positions_vbmi2(uint32_t *out, uint64_t bits, uint32_t base)
{
	return put_positions(out, bits, base);
}
#endif

static inline __attribute__((always_inline)) void index_block(const char *block, size_t length, char delimiter,
							      char quote, bool has_quote, bool has_vbmi2,
							      uint32_t lines, struct tr_csv_index *index)
{
	struct carry carry = {0, 1, 0};
	uint64_t high = 0, quotes = 0, returns = 0;
	uint32_t count = 0, line_count = 0;
	bool is_odd = false;

	for (size_t at = 0; at < length && line_count < lines && count + 64 <= index->capacity; at += 64) {
		const size_t left = length - at;
		const uint64_t valid = left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
		struct masks m;
		uint64_t ends, newline;

		load_masks(block + at, delimiter, quote, &m);
		newline = m.newline & valid;
		ends = (m.delimiter & valid) | newline;
		high |= m.high & valid;
		if (m.carriage != 0) {
			uint64_t next = m.newline >> 1;

			if (left >= 65 && block[at + 64] == '\n')
				next |= UINT64_C(1) << 63;
			/* A CR that no LF follows ends a record too (or is text in quotes): not for this path. The
			 * last byte of the span may still get its LF. */
			is_odd |= (m.carriage & ~next & valid) != 0;
			returns |= m.carriage & valid;
		}
		if (has_quote) {
			m.quote &= valid;
			if ((m.quote | carry.in_quotes | carry.after_close) != 0) {
				const uint64_t inside = quoted_mask(&m, ends, valid, &carry, &is_odd);

				quotes |= m.quote;
				ends &= ~inside;
				newline &= ~inside;
			}
			carry.after_end = ends >> 63;
		}
		line_count += (uint32_t)__builtin_popcountll(newline);
		count += has_vbmi2 ? put_positions_vbmi2(index->ends + count, ends, (uint32_t)at)
				   : put_positions(index->ends + count, ends, (uint32_t)at);
	}
	index->count = count;
	index->lines = line_count;
	index->has_quotes = quotes != 0;
	index->has_returns = returns != 0;
	index->has_non_ascii = high != 0;
	index->is_odd = is_odd;
}

static void csv_index(const char *block, size_t length, char delimiter, char quote, bool has_quote, uint32_t lines,
		      struct tr_csv_index *index)
{
	if (has_quote && HAS_VBMI2)
		index_block(block, length, delimiter, quote, true, true, lines, index);
	else if (has_quote)
		index_block(block, length, delimiter, quote, true, false, lines, index);
	else
		index_block(block, length, delimiter, 0, false, false, lines, index);
}

/** 1..8 digits at p to a number; false if one is none. Eight bytes are loaded, and those behind are shifted out. */
static inline bool parse_8(const char *p, uint32_t length, uint64_t *value)
{
	uint64_t v;

	memcpy(&v, p, 8);
	v = (v ^ UINT64_C(0x3030303030303030)) << (64 - 8 * length);
	if (((v + UINT64_C(0x7676767676767676)) | v) & UINT64_C(0x8080808080808080))
		return false;
	v = v * 10 + (v >> 8);
	*value = ((v & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
		  (v >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
		 32;
	return true;
}

static inline bool parse_plain(const char *p, uint32_t length, int64_t *value)
{
	const bool is_negative = *p == '-';
	uint64_t v, low;

	p += is_negative;
	length -= is_negative;
	if (length - 1 < 8) {
		if (!parse_8(p, length, &v))
			return false;
	} else if (length - 9 < 8) {
		if (!parse_8(p, length - 8, &v) || !parse_8(p + length - 8, 8, &low))
			return false;
		v = v * 100000000 + low;
	} else {
		return false;
	}
	*value = is_negative ? -(int64_t)v : (int64_t)v;
	return true;
}

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
#define LANES 8

/** Where the fields of eight rows lie. */
struct fields_8 {
	__m512i start; /* from the block's start */
	__m512i end;
	__m512i length;
};

/** `end` is that of the first row's field. */
static inline struct fields_8 load_fields(const uint32_t *end, uint32_t stride)
{
	const __m256i rows =
		_mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)stride));
	const __m512i pairs = _mm512_i32gather_epi64(rows, end - 1, 4); /* the end before, the end */
	const __m512i low = _mm512_set1_epi64(UINT32_MAX);
	struct fields_8 f;

	f.start = _mm512_and_si512(_mm512_add_epi64(pairs, _mm512_set1_epi64(1)), low);
	f.end = _mm512_srli_epi64(pairs, 32);
	f.length = _mm512_sub_epi64(f.end, f.start);
	return f;
}

static inline __m512i load_text(const char *block, __m512i at) { return _mm512_i64gather_epi64(at, block, 1); }

/** Eight characters a lane, the missing ones zero digits in front, to numbers; lanes with others are added to *bad. */
static inline __m512i parse_lanes(__m512i v, __mmask8 *bad)
{
	const __mmask64 wrong = _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8(9));

	if (__builtin_expect(wrong != 0, 0))
		*bad |= _mm512_test_epi64_mask(_mm512_movm_epi8(wrong), _mm512_set1_epi64(-1));
	v = _mm512_maddubs_epi16(v, _mm512_set1_epi16(0x010a));
	v = _mm512_madd_epi16(v, _mm512_set1_epi32(0x00010064));
	return _mm512_add_epi64(_mm512_mul_epu32(v, _mm512_set1_epi64(10000)), _mm512_srli_epi64(v, 32));
}

/** The first `length` of eight characters (any more if it is 8 or above) as digits behind zeros. */
static inline __m512i align_digits(__m512i text, __m512i length)
{
	const __m512i eight = _mm512_set1_epi64(8);
	const __m512i missing = _mm512_sub_epi64(eight, _mm512_min_epi64(length, eight));

	return _mm512_sllv_epi64(_mm512_xor_si512(text, _mm512_set1_epi8('0')), _mm512_slli_epi64(missing, 3));
}

/** Eight rows of a column of integers. False: one of them is not plain, or has more than 16 characters. */
static inline bool integers_lanes(const char *block, const uint32_t *end, uint32_t stride, __m512i *values)
{
	const struct fields_8 f = load_fields(end, stride);
	const __m512i eight = _mm512_set1_epi64(8);
	__m512i text = load_text(block, f.start), length = f.length, v;
	const __mmask8 negative =
		_mm512_cmpeq_epi64_mask(_mm512_and_si512(text, _mm512_set1_epi64(0xff)), _mm512_set1_epi64('-'));
	const __mmask8 full = _mm512_cmpge_epu64_mask(length, eight);
	__mmask8 bad = 0, long_ones;

	if (negative != 0) { /* the sign takes one of the eight characters */
		bad |= negative & full;
		text = _mm512_mask_srli_epi64(text, negative, text, 8);
		length = _mm512_mask_sub_epi64(length, negative, length, _mm512_set1_epi64(1));
	}
	bad |= _mm512_cmpge_epu64_mask(_mm512_sub_epi64(length, _mm512_set1_epi64(1)), _mm512_set1_epi64(16));
	long_ones = _mm512_cmpgt_epu64_mask(length, eight);
	if (long_ones == 0) {
		v = parse_lanes(align_digits(text, length), &bad);
	} else { /* the last eight, and those before */
		const __m512i before = _mm512_sub_epi64(length, eight);
		const __m512i last =
			_mm512_mask_i64gather_epi64(text, long_ones & ~bad, _mm512_sub_epi64(f.end, eight), block, 1);
		__m512i high = parse_lanes(_mm512_maskz_mov_epi64(long_ones, align_digits(text, before)), &bad);

		v = parse_lanes(align_digits(last, length), &bad);
		v = _mm512_add_epi64(v, _mm512_mul_epu32(high, _mm512_set1_epi64(100000000)));
	}
	*values = _mm512_mask_sub_epi64(v, negative, _mm512_setzero_si512(), v);
	return bad == 0;
}

/** As many rows as go in eights. Only for 4 and 8 bytes. */
static inline uint32_t integers_fast(const char *block, const uint32_t *ends, uint32_t stride, uint32_t from,
				     uint32_t rows, void *out, unsigned width)
{
	uint32_t row = from;

	for (; row + LANES <= rows; row += LANES) {
		__m512i v;

		if (!integers_lanes(block, ends + (size_t)row * stride, stride, &v))
			break;
		if (width == 8) {
			_mm512_storeu_si512((int64_t *)out + row, v);
			continue;
		}
		if (_mm512_cmpneq_epi64_mask(_mm512_cvtepi32_epi64(_mm512_cvtepi64_epi32(v)), v) != 0)
			break;
		_mm256_storeu_si256((__m256i *)(void *)((int32_t *)out + row), _mm512_cvtepi64_epi32(v));
	}
	return row;
}
#else
static inline uint32_t integers_fast(const char *block, const uint32_t *ends, uint32_t stride, uint32_t from,
				     uint32_t rows, void *out, unsigned width)
{
	return from;
}
#endif

#define INTEGERS(name, ctype)                                                                                  \
	static uint32_t name(const char *block, const uint32_t *restrict ends, uint32_t stride, uint32_t from, \
			     uint32_t rows, ctype *restrict out)                                               \
	{                                                                                                      \
		uint32_t eights = 0; /* rows until eight are tried again */                                    \
                                                                                                               \
		for (uint32_t row = from; row < rows; row++) {                                                 \
			const uint32_t *end;                                                                   \
			uint32_t start;                                                                        \
			int64_t value;                                                                         \
                                                                                                               \
			if (sizeof(ctype) >= 4 && eights-- == 0) {                                             \
				row = integers_fast(block, ends, stride, row, rows, out, sizeof(ctype));       \
				eights = 8;                                                                    \
				if (row == rows)                                                               \
					break;                                                                 \
			}                                                                                      \
			end = ends + (size_t)row * stride;                                                     \
			start = end[-1] + 1;                                                                   \
			if (!parse_plain(block + start, end[0] - start, &value) || (ctype)value != value)      \
				return row;                                                                    \
			out[row] = (ctype)value;                                                               \
		}                                                                                              \
		return rows;                                                                                   \
	}
INTEGERS(integers_8, int8_t)
INTEGERS(integers_16, int16_t)
INTEGERS(integers_32, int32_t)
INTEGERS(integers_64, int64_t)
#undef INTEGERS

static uint32_t csv_integers(const char *block, const uint32_t *ends, uint32_t stride, uint32_t field, uint32_t from,
			     uint32_t rows, void *out, unsigned width)
{
	switch (width) {
	case 1: return integers_8(block, ends + field, stride, from, rows, out);
	case 2: return integers_16(block, ends + field, stride, from, rows, out);
	case 4: return integers_32(block, ends + field, stride, from, rows, out);
	default: return integers_64(block, ends + field, stride, from, rows, out);
	}
}

/* ":ss.SSS" behind the last character of the minute */
#define SECOND_SIGNS UINT64_C(0x000000ff0000ff00)
#define SECOND_SIGNS_ARE UINT64_C(0x0000002e00003a00)

static uint32_t csv_seconds(const char *block, const uint32_t *ends, uint32_t stride, uint32_t field, uint32_t from,
			    uint32_t rows, const struct tr_field_minute *minute, int64_t scale, int64_t *restrict out)
{
	uint32_t row = from;
	uint64_t wanted[2];

	ends += field;
	memcpy(wanted, minute->text, sizeof(wanted));
#if defined(__AVX512BW__) && defined(__AVX512DQ__)
	for (; row + LANES <= rows; row += LANES) {
		const struct fields_8 f = load_fields(ends + (size_t)row * stride, stride);
		__mmask8 bad = _mm512_cmpneq_epi64_mask(f.length, _mm512_set1_epi64(TR_FIELD_MS_BYTES));
		__m512i word, digits, ms;

		if (bad != 0)
			break;
		bad |= _mm512_cmpneq_epi64_mask(load_text(block, f.start), _mm512_set1_epi64((int64_t)wanted[0]));
		bad |= _mm512_cmpneq_epi64_mask(load_text(block + 8, f.start), _mm512_set1_epi64((int64_t)wanted[1]));
		word = load_text(block + 15, f.start);
		bad |= _mm512_cmpneq_epi64_mask(_mm512_and_si512(word, _mm512_set1_epi64((int64_t)SECOND_SIGNS)),
						_mm512_set1_epi64((int64_t)SECOND_SIGNS_ARE));
		/* ss and SSS side by side */
		digits = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi64(word, 16), _mm512_set1_epi64(0xffff)),
					 _mm512_slli_epi64(_mm512_srli_epi64(word, 40), 16));
		ms = parse_lanes(align_digits(digits, _mm512_set1_epi64(5)), &bad);
		bad |= _mm512_cmpge_epu64_mask(ms, _mm512_set1_epi64(60000));
		if (bad != 0)
			break;
		ms = _mm512_mullo_epi64(_mm512_add_epi64(ms, _mm512_set1_epi64(minute->ms)), _mm512_set1_epi64(scale));
		_mm512_storeu_si512(out + row, ms);
	}
#endif
	for (; row < rows; row++) {
		const uint32_t *end = ends + (size_t)row * stride;
		const char *text = block + (uint32_t)(end[-1] + 1);
		uint64_t found[2], word, ms;

		memcpy(found, text, sizeof(found));
		memcpy(&word, text + 15, sizeof(word));
		if (end[0] - end[-1] - 1 != TR_FIELD_MS_BYTES ||
		    ((found[0] ^ wanted[0]) | (found[1] ^ wanted[1])) != 0 || (word & SECOND_SIGNS) != SECOND_SIGNS_ARE)
			break;
		word = (word >> 16 & 0xffff) | word >> 40 << 16;
		if (!parse_8((const char *)&word, 5, &ms) || ms >= 60000)
			break;
		out[row] = (minute->ms + (int64_t)ms) * scale;
	}
	return row;
}

/** Sixteen bytes are loaded whatever the length is, and cut by a mask from a sliding window of ones and zeros. */
static void csv_views(const char *block, const uint32_t *restrict ends, uint32_t stride, uint32_t field, uint32_t rows,
		      struct tr_view *restrict out)
{
	static const uint8_t window[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	ends += field;
	for (uint32_t row = 0; row < rows; row++, ends += stride) {
		const uint32_t start = ends[-1] + 1, length = ends[0] - start;
		const char *text = block + start;
		uint32_t prefix;
		uint64_t words[2];

		if (length <= TR_VIEW_INLINE_MAX) {
			const __m128i bytes = _mm_loadu_si128((const __m128i *)text);
			const __m128i mask = _mm_loadu_si128((const __m128i *)(window + 16 - length));
			__m128i cut = _mm_slli_si128(_mm_and_si128(bytes, mask), 4);

			cut = _mm_or_si128(cut, _mm_cvtsi32_si128((int)length));
			_mm_storeu_si128((__m128i *)(out + row), cut);
			continue;
		}
		/* In words, not fields: a load of what narrower stores have just written waits for them. */
		memcpy(&prefix, text, 4);
		words[0] = length | (uint64_t)prefix << 32;
		words[1] = (uint64_t)(uintptr_t)text;
		memcpy((char *)(out + row), &words[0], 8);
		memcpy((char *)(out + row) + 8, &words[1], 8);
	}
}

const struct tr_csv_kernels TR_ISA(tr_csv_kernels) = {csv_index, csv_integers, csv_seconds, csv_views};
