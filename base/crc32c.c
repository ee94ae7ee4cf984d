/* SPDX-License-Identifier: Apache-2.0
 *
 * See crc32c.h. Bits are reflected: the highest bit of a word is the coefficient of x^0.
 */
#include "base/crc32c.h"

#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78)

/* Parts of which three are summed side by side, and x^(8 * part) modulo the polynomial. */
#define LONG_PART ((size_t)8192)
#define LONG_SHIFT UINT32_C(0x28461564)
#define SHORT_PART ((size_t)1024)
#define SHORT_SHIFT UINT32_C(0xe4172b16)

uint32_t tr_crc32c_scalar(uint32_t crc, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;

	crc = ~crc;
	for (size_t i = 0; i < length; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
	}
	return ~crc;
}

#ifdef __SSE4_2__

/** a * b modulo the polynomial. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (int i = 0; i < 32; i++) {
		product ^= b & -(a >> 31);
		a <<= 1;
		b = b >> 1 ^ (POLYNOMIAL & -(b & 1));
	}
	return product;
}

static inline uint64_t take8(uint64_t crc, const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return __builtin_ia32_crc32di(crc, word);
}

/** Three parts of `part` bytes; `crc` is not inverted. */
static uint32_t take_parts(uint32_t crc, const unsigned char *p, size_t part, uint32_t shift)
{
	uint64_t a = crc, b = 0, c = 0;

	for (size_t i = 0; i < part; i += 8) {
		a = take8(a, p + i);
		b = take8(b, p + part + i);
		c = take8(c, p + 2 * part + i);
	}
	return multiply(shift, multiply(shift, (uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
}

uint32_t tr_crc32c(uint32_t crc, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;

	crc = ~crc;
	for (; length >= 3 * LONG_PART; p += 3 * LONG_PART, length -= 3 * LONG_PART)
		crc = take_parts(crc, p, LONG_PART, LONG_SHIFT);
	for (; length >= 3 * SHORT_PART; p += 3 * SHORT_PART, length -= 3 * SHORT_PART)
		crc = take_parts(crc, p, SHORT_PART, SHORT_SHIFT);
	for (; length >= 8; p += 8, length -= 8)
		crc = (uint32_t)take8(crc, p);
	for (; length > 0; p++, length--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return ~crc;
}

#else

uint32_t tr_crc32c(uint32_t crc, const void *bytes, size_t length) { return tr_crc32c_scalar(crc, bytes, length); }

#endif
