/* SPDX-License-Identifier: Apache-2.0
 *
 * SUM and AVG of DECIMAL.
 *
 *     accumulator   | 192-bit sum of unscaled values | number of values |
 *     partial       DECIMAL(38, s) with the low 128 bits | BIGINT with the high 64 | BIGINT
 *
 * 192 bits hold any sum of 2^64 decimals of 38 digits, so no order of rows overflows on the way where another does
 * not. SUM is DECIMAL(38, s), and NULL if it has more than 38 digits (Flink: NULL as well, though there the sum starts
 * again after the overflow, which depends on the order of rows). AVG is DECIMAL(38, max(6, s)), rounded half up.
 */
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_table.h"

struct decimal_acc {
	struct tr_i192 sum;
	int64_t count;
};

static void add192(struct tr_i192 *a, uint64_t w0, uint64_t w1, uint64_t w2)
{
	tr_u128 t = (tr_u128)a->words[0] + w0;

	a->words[0] = (uint64_t)t;
	t = (t >> 64) + a->words[1] + w1;
	a->words[1] = (uint64_t)t;
	a->words[2] += w2 + (uint64_t)(t >> 64);
}

static void add_i128(struct tr_i192 *a, tr_i128 value)
{
	add192(a, (uint64_t)value, (uint64_t)((tr_u128)value >> 64), value < 0 ? UINT64_MAX : 0);
}

static void decimal_update_i64(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
			       const uint32_t *rows, uint32_t count)
{
	const int64_t *restrict values = arg->data;

	for (uint32_t i = 0; i < count; i++) {
		struct decimal_acc *acc = (void *)(entries[i] + slot->offset);

		add_i128(&acc->sum, values[tr_agg_row(rows, i)]);
		acc->count++;
	}
}

static void decimal_update_i128(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
				const uint32_t *rows, uint32_t count)
{
	const tr_i128 *restrict values = arg->data;

	for (uint32_t i = 0; i < count; i++) {
		struct decimal_acc *acc = (void *)(entries[i] + slot->offset);

		add_i128(&acc->sum, values[tr_agg_row(rows, i)]);
		acc->count++;
	}
}

static void decimal_merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct decimal_acc *target = (void *)(targets[i] + slot->offset);
		const struct decimal_acc *source = (const void *)(sources[i] + slot->offset);

		add192(&target->sum, source->sum.words[0], source->sum.words[1], source->sum.words[2]);
		target->count += source->count;
	}
}

/** The magnitude as four words, and its sign. */
static bool split_sign(const struct tr_i192 *value, uint64_t words[4])
{
	const bool is_negative = (int64_t)value->words[2] < 0;
	struct tr_i192 magnitude = *value;

	if (is_negative) {
		for (int i = 0; i < 3; i++)
			magnitude.words[i] = ~magnitude.words[i];
		add192(&magnitude, 1, 0, 0);
	}
	memcpy(words, magnitude.words, sizeof(magnitude.words));
	words[3] = 0;
	return is_negative;
}

static tr_u128 limit38(void) { return (tr_u128)UINT64_C(10000000000000000000) * UINT64_C(10000000000000000000); }

static bool fits38(const uint64_t words[4])
{
	return words[3] == 0 && words[2] == 0 && (((tr_u128)words[1] << 64) | words[0]) < limit38();
}

static void store_decimal(struct tr_column_buffer *out, uint32_t row, const uint64_t words[4], bool is_negative)
{
	const tr_u128 magnitude = ((tr_u128)words[1] << 64) | words[0];

	TR_ASSERT(out->type->phys == TR_PHYS_I128);
	((tr_i128 *)out->data)[row] = is_negative ? -(tr_i128)magnitude : (tr_i128)magnitude;
}

static void decimal_sum_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct decimal_acc *acc = (const void *)(entries[i] + slot->offset);
		uint64_t words[4];
		const bool is_negative = split_sign(&acc->sum, words);

		if (acc->count == 0 || !fits38(words)) {
			tr_agg_set_null(out, at + i);
			memset(words, 0, sizeof(words));
		}
		store_decimal(out, at + i, words, is_negative);
	}
}

/** words = (words * factor + divisor / 2) / divisor, that is, rounded half up (the sign is kept apart). */
static void scale_and_divide(uint64_t words[4], uint64_t factor, uint64_t divisor)
{
	tr_u128 t = 0;
	uint64_t rest;

	for (int i = 0; i < 4; i++) {
		t += (tr_u128)words[i] * factor;
		words[i] = (uint64_t)t;
		t >>= 64;
	}
	t = 0;
	for (int i = 3; i >= 0; i--) {
		t = (t << 64) | words[i];
		words[i] = (uint64_t)(t / divisor);
		t %= divisor;
	}
	rest = (uint64_t)t;
	if (rest >= divisor - rest) /* 2 rest >= divisor */
		for (int i = 0; i < 4 && ++words[i] == 0; i++)
			;
}

static void decimal_avg_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	uint64_t factor = 1;

	TR_ASSERT(slot->type->scale >= slot->arg_type->scale);
	for (int scale = slot->arg_type->scale; scale < slot->type->scale; scale++)
		factor *= 10;
	for (uint32_t i = 0; i < count; i++) {
		const struct decimal_acc *acc = (const void *)(entries[i] + slot->offset);
		uint64_t words[4];
		const bool is_negative = split_sign(&acc->sum, words);
		bool is_null = acc->count == 0 || !fits38(words);

		if (!is_null) {
			scale_and_divide(words, factor, (uint64_t)acc->count);
			is_null = !fits38(words);
		}
		if (is_null) {
			tr_agg_set_null(out, at + i);
			memset(words, 0, sizeof(words));
		}
		store_decimal(out, at + i, words, is_negative);
	}
}

static void decimal_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_decimal(arena, TR_DECIMAL_PRECISION_MAX, arg_type->scale);
	types[1] = tr_type_of(TR_TYPE_BIGINT);
	types[2] = tr_type_of(TR_TYPE_BIGINT);
}

static void decimal_write(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct decimal_acc *acc = (const void *)(entries[i] + slot->offset);

		((tr_i128 *)columns[0].data)[at + i] =
			(tr_i128)(((tr_u128)acc->sum.words[1] << 64) | acc->sum.words[0]);
		((int64_t *)columns[1].data)[at + i] = (int64_t)acc->sum.words[2];
		((int64_t *)columns[2].data)[at + i] = acc->count;
	}
}

static void decimal_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
			 const uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct decimal_acc *acc = (void *)(entries[i] + slot->offset);
		const uint32_t row = tr_agg_row(rows, i);
		const tr_u128 low = (tr_u128)tr_column_i128(&columns[0], row);

		add192(&acc->sum, (uint64_t)low, (uint64_t)(low >> 64), (uint64_t)tr_column_i64(&columns[1], row));
		acc->count += tr_column_i64(&columns[2], row);
	}
}

#define DECIMAL_ROW(agg_name, agg_kind, agg_finish, agg_phys, agg_update)                                      \
	{                                                                                                      \
		.name = agg_name, .kind = agg_kind, .phys = agg_phys, .acc_bytes = sizeof(struct decimal_acc), \
		.partial_count = 3, .update = agg_update, .merge = decimal_merge, .finish = agg_finish,        \
		.partial_types = decimal_types, .write_partial = decimal_write, .read_partial = decimal_read   \
	}

const struct tr_agg tr_agg_decimals[] = {
	DECIMAL_ROW("SUM", TR_AGG_SUM, decimal_sum_finish, TR_PHYS_I64, decimal_update_i64),
	DECIMAL_ROW("SUM", TR_AGG_SUM, decimal_sum_finish, TR_PHYS_I128, decimal_update_i128),
	DECIMAL_ROW("AVG", TR_AGG_AVG, decimal_avg_finish, TR_PHYS_I64, decimal_update_i64),
	DECIMAL_ROW("AVG", TR_AGG_AVG, decimal_avg_finish, TR_PHYS_I128, decimal_update_i128),
	{.name = NULL},
};
