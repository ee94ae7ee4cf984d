/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash of one flat value, by physical type, and the table of loops over many (base/hash_kernel.isa.c, built per
 * instruction set; base/hash.c picks one). Private to the hash: use base/hash.h.
 */
#ifndef TR_BASE_HASH_VALUE_H
#define TR_BASE_HASH_VALUE_H

#include <string.h>

#include "base/cpu.h"
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/** Hashes data[rows[i]] (data[i] when rows is NULL) into out[i], or combines it with what is there. */
typedef void (*tr_hash_loop)(const void *data, const uint32_t *rows, uint32_t count, uint64_t *out);

struct tr_hash_kernels {
	tr_hash_loop set[TR_PHYS_COUNT]; /* NULL for NONE, LIST, ROW */
	tr_hash_loop combine[TR_PHYS_COUNT];
};
TR_ISA_DECLARE(struct tr_hash_kernels, tr_hash_kernels);

static inline uint64_t hash_i8(const int8_t *p) { return tr_hash_u64((uint64_t)(int64_t)*p); }
static inline uint64_t hash_i16(const int16_t *p) { return tr_hash_u64((uint64_t)(int64_t)*p); }
static inline uint64_t hash_i32(const int32_t *p) { return tr_hash_u64((uint64_t)(int64_t)*p); }
static inline uint64_t hash_i64(const int64_t *p) { return tr_hash_u64((uint64_t)*p); }
static inline uint64_t hash_i128(const tr_i128 *p)
{
	return tr_hash_combine(tr_hash_u64((uint64_t)*p), (uint64_t)((tr_u128)*p >> 64));
}
static inline uint64_t hash_f64(const double *p)
{
	double value = *p;
	uint64_t bits;

	if (value == 0)
		value = 0; /* also -0.0 */
	memcpy(&bits, &value, sizeof(bits));
	return tr_hash_u64(value != value ? UINT64_C(0x7ff8000000000000) : bits);
}
static inline uint64_t hash_f32(const float *p)
{
	const double value = *p;

	return hash_f64(&value);
}
static inline uint64_t hash_view(const struct tr_view *p) { return XXH3_64bits(tr_view_text(p), p->length); }

#endif
