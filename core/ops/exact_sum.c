/* SPDX-License-Identifier: Apache-2.0
 *
 * Exact sum; the header tells how it works. The anchor of the small form is a multiple of 32, so that sums of similar
 * values have the same anchor and merge by one addition.
 */
#include "core/ops/exact_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column.h"

#define FLAG_ANCHOR 1u /* anchor is set: something was added */
#define FLAG_NAN 2u
#define FLAG_PLUS_INF 4u
#define FLAG_MINUS_INF 8u

#define EXPONENT_MIN (-1074) /* of the lowest bit of the smallest subnormal */
#define SHIFT_MAX 72         /* 53 bits of a value and this leave two bits and the sign */
#define BITS_MAX 122         /* of a magnitude that may be moved to a lower anchor */

#define WIDE_DIGITS 70
#define WIDE_PENDING_MAX ((uint32_t)1 << 29)

struct tr_exact_wide {
	uint32_t pending;            /* additions since carries were propagated */
	int64_t digits[WIDE_DIGITS]; /* digit i counts 2^(32 i + EXPONENT_MIN) */
};

static tr_i128 small_get(const struct tr_exact_sum *sum) { return (tr_i128)(((tr_u128)sum->high << 64) | sum->low); }

static void small_set(struct tr_exact_sum *sum, tr_i128 value)
{
	sum->low = (uint64_t)value;
	sum->high = (uint64_t)((tr_u128)value >> 64);
}

static tr_u128 magnitude_of(tr_i128 value) { return value < 0 ? -(tr_u128)value : (tr_u128)value; }

static int bit_length(tr_u128 x)
{
	const uint64_t high = (uint64_t)(x >> 64);

	if (high != 0)
		return 128 - __builtin_clzll(high);
	return (uint64_t)x != 0 ? 64 - __builtin_clzll((uint64_t)x) : 0;
}

/** Leaves every digit but the last in [0, 2^32). */
static void wide_carry(struct tr_exact_wide *wide)
{
	int64_t carry = 0;

	for (int i = 0; i < WIDE_DIGITS - 1; i++) {
		const int64_t digit = wide->digits[i] + carry;

		wide->digits[i] = (int64_t)((uint64_t)digit & 0xffffffffu);
		carry = digit >> 32;
	}
	wide->digits[WIDE_DIGITS - 1] += carry;
	wide->pending = 0;
}

/** wide += value * 2^exponent. */
static void wide_add(struct tr_exact_wide *wide, tr_i128 value, int exponent)
{
	const int64_t sign = value < 0 ? -1 : 1;
	const int position = exponent - EXPONENT_MIN;
	tr_u128 rest = magnitude_of(value);

	TR_ASSERT(position >= 0 && position / 32 + 5 <= WIDE_DIGITS);
	if (wide->pending >= WIDE_PENDING_MAX)
		wide_carry(wide);
	wide->pending += 2;
	for (int i = position / 32; rest != 0; i++, rest >>= 32) {
		const uint64_t piece = (uint64_t)(uint32_t)rest << (position % 32);

		wide->digits[i] += sign * (int64_t)(piece & 0xffffffffu);
		wide->digits[i + 1] += sign * (int64_t)(piece >> 32);
	}
}

static struct tr_exact_wide *to_wide(struct tr_exact_sum *sum)
{
	if (sum->wide == NULL) {
		sum->wide = calloc(1, sizeof(*sum->wide));
		TR_ASSERT(sum->wide != NULL);
		if (sum->flags & FLAG_ANCHOR)
			wide_add(sum->wide, small_get(sum), sum->anchor);
		small_set(sum, 0);
	}
	return sum->wide;
}

static int anchor_for(int exponent)
{
	const int position = exponent - 24 - EXPONENT_MIN;

	return position < 0 ? EXPONENT_MIN : EXPONENT_MIN + position / 32 * 32;
}

/** Moves the small form to a lower anchor if its bits allow it. */
static bool lower_anchor(struct tr_exact_sum *sum, int anchor)
{
	const tr_i128 value = small_get(sum);
	const int shift = sum->anchor - anchor;

	TR_DASSERT(shift >= 0);
	if (bit_length(magnitude_of(value)) + shift > BITS_MAX)
		return false;
	small_set(sum, (tr_i128)((tr_u128)value << shift));
	sum->anchor = anchor;
	return true;
}

static void add_scaled(struct tr_exact_sum *sum, tr_i128 value, int exponent, int bits)
{
	tr_i128 total;

	if (sum->wide == NULL) {
		if (!(sum->flags & FLAG_ANCHOR)) {
			sum->flags |= FLAG_ANCHOR;
			sum->anchor = anchor_for(exponent);
		}
		if ((exponent >= sum->anchor || lower_anchor(sum, anchor_for(exponent))) &&
		    exponent - sum->anchor + bits <= 53 + SHIFT_MAX &&
		    !__builtin_add_overflow(small_get(sum), (tr_i128)((tr_u128)value << (exponent - sum->anchor)),
					    &total)) {
			small_set(sum, total);
			return;
		}
	}
	wide_add(to_wide(sum), value, exponent);
}

void tr_exact_sum_add(struct tr_exact_sum *sum, double value)
{
	uint64_t bits, mantissa;
	int exponent;

	memcpy(&bits, &value, sizeof(bits));
	mantissa = bits & ((UINT64_C(1) << 52) - 1);
	exponent = (int)(bits >> 52) & 0x7ff;
	if (TR_UNLIKELY(exponent == 0x7ff)) {
		sum->flags |= mantissa != 0 ? FLAG_NAN : bits >> 63 ? FLAG_MINUS_INF : FLAG_PLUS_INF;
		return;
	}
	if (exponent != 0)
		mantissa |= UINT64_C(1) << 52;
	else
		exponent = 1;
	if (mantissa == 0)
		return;
	add_scaled(sum, bits >> 63 ? -(tr_i128)mantissa : (tr_i128)mantissa, exponent - 1075, 53);
}

void tr_exact_sum_merge(struct tr_exact_sum *target, const struct tr_exact_sum *source)
{
	target->flags |= source->flags & ~FLAG_ANCHOR;
	if (source->wide != NULL) {
		struct tr_exact_wide *wide = to_wide(target);

		if (wide->pending + source->wide->pending > WIDE_PENDING_MAX)
			wide_carry(wide);
		/* A digit that was carried is below 2^32, as if it had been added once. */
		wide->pending += source->wide->pending + 1;
		for (int i = 0; i < WIDE_DIGITS; i++)
			wide->digits[i] += source->wide->digits[i];
		return;
	}
	if (!(source->flags & FLAG_ANCHOR) || (source->low == 0 && source->high == 0))
		return;
	if (!(target->flags & FLAG_ANCHOR)) {
		target->flags |= FLAG_ANCHOR;
		target->anchor = source->anchor;
		if (target->wide == NULL) {
			small_set(target, small_get(source));
			return;
		}
	}
	add_scaled(target, small_get(source), source->anchor, bit_length(magnitude_of(small_get(source))));
}

/** magnitude * 2^exponent, rounded half to even to `digits` bits, none of them below 2^exponent_min. */
static double round_scaled(tr_u128 magnitude, int exponent, int digits, int exponent_min)
{
	const int bits = bit_length(magnitude);
	int lowest = exponent + bits - digits;
	tr_u128 kept, rest, half;
	int shift;

	if (lowest < exponent_min)
		lowest = exponent_min;
	shift = lowest - exponent;
	if (shift <= 0)
		return ldexp((double)(uint64_t)magnitude, exponent);
	if (shift > bits)
		return 0;
	kept = shift == 128 ? 0 : magnitude >> shift;
	half = (tr_u128)1 << (shift - 1);
	rest = shift == 128 ? magnitude : magnitude & ((half << 1) - 1);
	if (rest > half || (rest == half && (kept & 1)))
		kept++;
	return ldexp((double)(uint64_t)kept, lowest);
}

static double sum_round(const struct tr_exact_sum *sum, int digits, int exponent_min)
{
	struct tr_exact_wide wide;
	tr_u128 magnitude = 0;
	bool is_negative, is_inexact = false;
	int top = WIDE_DIGITS - 1, low;
	double result;

	if ((sum->flags & FLAG_NAN) || ((sum->flags & FLAG_PLUS_INF) && (sum->flags & FLAG_MINUS_INF)))
		return (double)NAN;
	if (sum->flags & (FLAG_PLUS_INF | FLAG_MINUS_INF))
		return sum->flags & FLAG_PLUS_INF ? (double)INFINITY : -(double)INFINITY;
	if (sum->wide == NULL) {
		result = round_scaled(magnitude_of(small_get(sum)), sum->anchor, digits, exponent_min);
		return small_get(sum) < 0 ? -result : result;
	}
	wide = *sum->wide;
	wide_carry(&wide);
	is_negative = wide.digits[WIDE_DIGITS - 1] < 0;
	if (is_negative) {
		for (int i = 0; i < WIDE_DIGITS; i++)
			wide.digits[i] = -wide.digits[i];
		wide_carry(&wide);
	}
	while (top > 0 && wide.digits[top] == 0)
		top--;
	low = top >= 3 ? top - 3 : 0;
	for (int i = top; i >= low; i--)
		magnitude = (magnitude << 32) | (uint32_t)wide.digits[i];
	for (int i = 0; i < low; i++)
		is_inexact |= wide.digits[i] != 0;
	result = round_scaled(magnitude | is_inexact, 32 * low + EXPONENT_MIN, digits, exponent_min);
	return is_negative ? -result : result;
}

double tr_exact_sum_double(const struct tr_exact_sum *sum) { return sum_round(sum, 53, EXPONENT_MIN); }

float tr_exact_sum_float(const struct tr_exact_sum *sum) { return (float)sum_round(sum, 24, -149); }

size_t tr_exact_sum_owned(const struct tr_exact_sum *sum) { return sum->wide != NULL ? sizeof(*sum->wide) : 0; }

void tr_exact_sum_clear(struct tr_exact_sum *sum)
{
	free(sum->wide);
	memset(sum, 0, sizeof(*sum));
}

#define HEAD_BYTES offsetof(struct tr_exact_sum, wide)

size_t tr_exact_sum_bytes(const struct tr_exact_sum *sum)
{
	return HEAD_BYTES + (sum->wide != NULL ? sizeof(*sum->wide) : 0);
}

void tr_exact_sum_write(const struct tr_exact_sum *sum, void *bytes)
{
	memcpy(bytes, sum, HEAD_BYTES);
	if (sum->wide != NULL)
		memcpy((char *)bytes + HEAD_BYTES, sum->wide, sizeof(*sum->wide));
}

void tr_exact_sum_read(struct tr_exact_sum *target, const void *bytes, size_t length)
{
	struct tr_exact_sum source = {0};
	struct tr_exact_wide wide;

	TR_ASSERT(length == HEAD_BYTES || length == HEAD_BYTES + sizeof(wide));
	memcpy(&source, bytes, HEAD_BYTES);
	if (length > HEAD_BYTES) {
		memcpy(&wide, (const char *)bytes + HEAD_BYTES, sizeof(wide));
		source.wide = &wide;
	}
	tr_exact_sum_merge(target, &source);
}

bool tr_exact_sum_is_valid(const void *bytes, size_t length)
{
	const int position_max = 972 - 24 - EXPONENT_MIN;
	struct tr_exact_sum sum = {0};
	struct tr_exact_wide wide;
	int64_t digit_max;

	if (length != HEAD_BYTES && length != HEAD_BYTES + sizeof(wide))
		return false;
	memcpy(&sum, bytes, HEAD_BYTES);
	if ((sum.flags & ~(FLAG_ANCHOR | FLAG_NAN | FLAG_PLUS_INF | FLAG_MINUS_INF)) != 0)
		return false;
	if (sum.flags & FLAG_ANCHOR ? sum.anchor < EXPONENT_MIN || sum.anchor - EXPONENT_MIN > position_max ||
					      (sum.anchor - EXPONENT_MIN) % 32 != 0
				    : sum.anchor != 0)
		return false;
	if (length == HEAD_BYTES)
		return true;
	memcpy(&wide, (const char *)bytes + HEAD_BYTES, sizeof(wide));
	if (wide.pending > WIDE_PENDING_MAX)
		return false;
	digit_max = (int64_t)wide.pending + 1;
	for (int i = 0; i < WIDE_DIGITS; i++)
		if (wide.digits[i] / ((int64_t)1 << 32) > digit_max || wide.digits[i] / ((int64_t)1 << 32) < -digit_max)
			return false;
	return true;
}
