/* SPDX-License-Identifier: Apache-2.0
 *
 * Blending: both values of a row are loaded and one is kept, without a branch, 64 rows at a time.
 *
 * The sides are columns or constants; each of the four pairings has a loop of its own, which the vectoriser turns into
 * compare and blend. Rows whose condition is NULL take the second side, so a condition with NULLs is cleared of them
 * block by block first.
 */
#include "core/ops/kernel_blend.h"

#include "core/ops/kernel_mask.h"

#define BLOCK 64

/* The condition's bytes of one block, 0 where it is NULL. */
static inline const uint8_t *without_nulls(const uint8_t *bytes, uint64_t valid, uint32_t count, uint8_t *space)
{
	for (uint32_t i = 0; i < count; i++)
		space[i] = bytes[i] & (uint8_t)(valid >> i & 1);
	return space;
}

#define LOOP(type, x_at, y_at)                       \
	for (uint32_t i = 0; i < n; i++) {           \
		type one = x_at, other = y_at;       \
		target[i] = wanted[i] ? one : other; \
	}

#define BLEND(name, type)                                                                                         \
	static void blend_##name##_rows(type *restrict out, const uint8_t *restrict condition,                    \
					const uint64_t *validity, const struct tr_blend_side *yes,                \
					const struct tr_blend_side *no, const uint32_t *rows, uint32_t count)     \
	{                                                                                                         \
		const type *x = yes->data, *y = no->data;                                                         \
		uint32_t x_mask = yes->is_constant ? 0 : UINT32_MAX, y_mask = no->is_constant ? 0 : UINT32_MAX;   \
		for (uint32_t i = 0; i < count; i++) {                                                            \
			uint32_t row = rows[i];                                                                   \
			uint64_t holds = condition[row];                                                          \
			type one = x[row & x_mask], other = y[row & y_mask];                                      \
			if (validity != NULL)                                                                     \
				holds &= validity[row / BLOCK] >> row % BLOCK;                                    \
			out[row] = (holds & 1) ? one : other;                                                     \
		}                                                                                                 \
	}                                                                                                         \
	static void blend_##name(void *restrict out, const uint8_t *restrict condition, const uint64_t *validity, \
				 const struct tr_blend_side *yes, const struct tr_blend_side *no,                 \
				 const uint32_t *rows, uint32_t count)                                            \
	{                                                                                                         \
		uint8_t space[BLOCK];                                                                             \
		if (rows != NULL) {                                                                               \
			blend_##name##_rows(out, condition, validity, yes, no, rows, count);                      \
			return;                                                                                   \
		}                                                                                                 \
		uint32_t step = validity == NULL ? count : BLOCK;                                                 \
		for (uint32_t base = 0; base < count; base += step) {                                             \
			const uint32_t n = count - base < step ? count - base : step;                             \
			const type *restrict x = (const type *)yes->data + (yes->is_constant ? 0 : base);         \
			const type *restrict y = (const type *)no->data + (no->is_constant ? 0 : base);           \
			const uint8_t *restrict wanted = condition + base;                                        \
			type *restrict target = (type *)out + base;                                               \
			if (validity != NULL)                                                                     \
				wanted = without_nulls(wanted, validity[base / BLOCK], n, space);                 \
			if (yes->is_constant && no->is_constant)                                                  \
				LOOP(type, x[0], y[0])                                                            \
			else if (yes->is_constant)                                                                \
				LOOP(type, x[0], y[i])                                                            \
			else if (no->is_constant)                                                                 \
				LOOP(type, x[i], y[0])                                                            \
			else                                                                                      \
				LOOP(type, x[i], y[i])                                                            \
		}                                                                                                 \
	}

BLEND(1, uint8_t)
BLEND(2, uint16_t)
BLEND(4, uint32_t)
BLEND(8, uint64_t)

static bool blend_bits(uint64_t *restrict out, const uint8_t *restrict condition, const uint64_t *validity,
		       const struct tr_blend_side *yes, const struct tr_blend_side *no, uint32_t row_count)
{
	uint64_t nulls = 0;

	if (yes->validity == NULL && no->validity == NULL)
		return false;
	for (uint32_t base = 0; base < row_count; base += BLOCK) {
		uint32_t n = row_count - base, word = base / BLOCK;
		const uint8_t *block = condition + base;
		uint8_t tail[BLOCK] = {0};
		uint64_t mask, bits;

		if (n < BLOCK) {
			memcpy(tail, block, n);
			block = tail;
		}
		mask = tr_mask_of_bytes(block);
		if (validity != NULL)
			mask &= validity[word];
		bits = mask & (yes->validity != NULL ? yes->validity[word] : ~UINT64_C(0));
		bits |= ~mask & (no->validity != NULL ? no->validity[word] : ~UINT64_C(0));
		out[word] = bits;
		nulls |= ~bits & (n < BLOCK ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0));
	}
	return nulls != 0;
}

const struct tr_kernel_blend TR_ISA(tr_kernel_blend) = {
	.values = {blend_1, blend_2, blend_4, blend_8},
	.bits = blend_bits,
};
