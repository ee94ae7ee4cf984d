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

static inline uint32_t put_positions(uint32_t *out, uint64_t bits, uint32_t base)
{
	const uint32_t count = (uint32_t)__builtin_popcountll(bits);

	/* In fours: most blocks have a few ends, and the loop's exit is then easy to foresee. */
	for (uint32_t done = 0; done < count; done += 4)
		for (uint32_t i = 0; i < 4; i++) {
			out[done + i] = base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
			bits &= bits - 1;
		}
	return count;
}

static inline __attribute__((always_inline)) void index_block(const char *block, size_t length, char delimiter,
							      char quote, bool has_quote, uint32_t lines,
							      struct tr_csv_index *index)
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
		count += put_positions(index->ends + count, ends, (uint32_t)at);
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
	if (has_quote)
		index_block(block, length, delimiter, quote, true, lines, index);
	else
		index_block(block, length, delimiter, 0, false, lines, index);
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

#define INTEGERS(name, ctype)                                                                                  \
	static uint32_t name(const char *block, const uint32_t *restrict ends, uint32_t stride, uint32_t from, \
			     uint32_t rows, ctype *restrict out)                                               \
	{                                                                                                      \
		for (uint32_t row = from; row < rows; row++) {                                                 \
			const uint32_t *end = ends + (size_t)row * stride;                                     \
			const uint32_t start = end[-1] + 1;                                                    \
			int64_t value;                                                                         \
                                                                                                               \
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
		struct {
			uint32_t length;
			char bytes[12];
		} view = {.length = length};

		if (length <= TR_VIEW_INLINE_MAX) {
			const __m128i bytes = _mm_loadu_si128((const __m128i *)text);
			const __m128i mask = _mm_loadu_si128((const __m128i *)(window + 16 - length));
			__m128i cut = _mm_slli_si128(_mm_and_si128(bytes, mask), 4);

			cut = _mm_or_si128(cut, _mm_cvtsi32_si128((int)length));
			_mm_storeu_si128((__m128i *)(out + row), cut);
			continue;
		}
		memcpy(view.bytes, text, 4);
		memcpy(view.bytes + 4, &text, 8);
		memcpy(out + row, &view, 16);
	}
}

const struct tr_csv_kernels TR_ISA(tr_csv_kernels) = {csv_index, csv_integers, csv_views};
