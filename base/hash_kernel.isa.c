/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops that hash a column without NULLs: one pair per physical type, no branch on the type inside. Built for each
 * instruction set; with AVX-512 the integer loops run eight lanes wide, since it can multiply 64-bit lanes.
 */
#include "base/hash_value.h"

/* PUT is an assignment or a combination. */
#define PUT_SET(slot, hash) ((slot) = (hash))
#define PUT_COMBINE(slot, hash) ((slot) = tr_hash_combine((slot), (hash)))
#define HASH_LOOP(name, ctype, PUT)                                                                        \
	static void loop_##name##_##PUT(const void *values, const uint32_t *restrict rows, uint32_t count, \
					uint64_t *restrict out)                                            \
	{                                                                                                  \
		const ctype *restrict data = values;                                                       \
                                                                                                           \
		if (rows == NULL) {                                                                        \
			for (uint32_t i = 0; i < count; i++)                                               \
				PUT(out[i], hash_##name(&data[i]));                                        \
		} else {                                                                                   \
			for (uint32_t i = 0; i < count; i++)                                               \
				PUT(out[i], hash_##name(&data[rows[i]]));                                  \
		}                                                                                          \
	}
#define HASH_LOOPS(name, ctype)         \
	HASH_LOOP(name, ctype, PUT_SET) \
	HASH_LOOP(name, ctype, PUT_COMBINE)
HASH_LOOPS(i8, int8_t)
HASH_LOOPS(i16, int16_t)
HASH_LOOPS(i32, int32_t)
HASH_LOOPS(i64, int64_t)
HASH_LOOPS(i128, tr_i128)
HASH_LOOPS(f32, float)
HASH_LOOPS(f64, double)
HASH_LOOPS(view, struct tr_view)

#define ROW(suffix)                                                                                                        \
	{                                                                                                                  \
		[TR_PHYS_I8] = loop_i8_##suffix, [TR_PHYS_I16] = loop_i16_##suffix, [TR_PHYS_I32] = loop_i32_##suffix,     \
		[TR_PHYS_I64] = loop_i64_##suffix, [TR_PHYS_I128] = loop_i128_##suffix,                                    \
		[TR_PHYS_F32] = loop_f32_##suffix, [TR_PHYS_F64] = loop_f64_##suffix, [TR_PHYS_VIEW] = loop_view_##suffix, \
	}

const struct tr_hash_kernels TR_ISA(tr_hash_kernels) = {.set = ROW(PUT_SET), .combine = ROW(PUT_COMBINE)};
