/* SPDX-License-Identifier: Apache-2.0
 *
 * From 64 bytes of 0 or 1 to one word of a bitmap. For files built per instruction set (base/cpu.h) only.
 */
#ifndef TR_CORE_OPS_KERNEL_MASK_H
#define TR_CORE_OPS_KERNEL_MASK_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/** Bit i is set if byte i of the 64 is 1. */
static inline uint64_t tr_mask_of_bytes(const uint8_t *bytes)
{
#if defined(__AVX512BW__)
	__m512i v = _mm512_loadu_si512((const void *)bytes);
	return _mm512_test_epi8_mask(v, v);
#else
	uint64_t mask = 0;

	for (int i = 0; i < 8; i++) {
		uint64_t eight;

		memcpy(&eight, bytes + 8 * i, 8);
		mask |= (((eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56) << (8 * i);
	}
	return mask;
#endif
}

#endif
