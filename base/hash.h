/* SPDX-License-Identifier: Apache-2.0
 *
 * 64-bit hashes of integers, bytes and key columns.
 *
 * The hash of a key decides its key group and so its subtask; it is part of the checkpoint format and must never
 * change. Integers: xor-shift-multiply (the finalizer of MurmurHash3, public domain, Austin Appleby). Bytes: XXH3.
 * Columns are combined left to right; NULL hashes to a constant of its own. -0.0 hashes as 0.0, NaNs as one NaN.
 */
#ifndef TR_BASE_HASH_H
#define TR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/column.h"

#define TR_HASH_NULL UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t tr_hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

static inline uint64_t tr_hash_combine(uint64_t seed, uint64_t hash) { return tr_hash_u64(seed * 31 + hash); }

uint64_t tr_hash_bytes(const void *bytes, size_t length);

/** Hashes rows of a column into out[0 .. count): row i is rows[i], or i when rows is NULL. All types, nested included. */
void tr_hash_column(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *out);

/** The same, combined with the hash already in out[]: the second and later columns of a key. */
void tr_hash_column_combine(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *inout);

#endif
