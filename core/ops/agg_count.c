/* SPDX-License-Identifier: Apache-2.0
 *
 * COUNT, and SUM and AVG of integers. All are words that merge by wrapping addition:
 *
 *     COUNT     | rows |            SUM, AVG  | sum | values |
 *
 * SUM of an integer has the argument's type and wraps around at its width, as in Flink: the low bits of a 64-bit sum
 * are those of the narrow one, so it is narrowed at the end. AVG divides the 64-bit sum, truncating.
 */
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_table.h"

struct sum_acc {
	int64_t sum;
	int64_t count;
};

static void count_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
			 const uint32_t *rows, uint32_t count)
{
	const uint32_t offset = slot->offset;

	for (uint32_t i = 0; i < count; i++)
		(*(int64_t *)(void *)(entries[i] + offset))++;
}

static void count_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			 struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	int64_t *restrict data = (int64_t *)out->data + at;

	for (uint32_t i = 0; i < count; i++)
		data[i] = *(const int64_t *)(const void *)(entries[i] + slot->offset);
}

static void count_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_of(TR_TYPE_BIGINT);
}

static void count_write(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	count_finish(slot, entries, count, &columns[0], at, heap);
}

static void count_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
		       const uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		*(int64_t *)(void *)(entries[i] + slot->offset) += tr_column_i64(&columns[0], tr_agg_row(rows, i));
}

const struct tr_agg tr_agg_counts[] = {
	{.name = "COUNT",
	 .kind = TR_AGG_COUNT_STAR,
	 .acc_bytes = 8,
	 .is_additive = true,
	 .partial_count = 1,
	 .update = count_update,
	 .finish = count_finish,
	 .partial_types = count_types,
	 .write_partial = count_write,
	 .read_partial = count_read},
	{.name = "COUNT",
	 .kind = TR_AGG_COUNT,
	 .acc_bytes = 8,
	 .is_additive = true,
	 .partial_count = 1,
	 .update = count_update,
	 .finish = count_finish,
	 .partial_types = count_types,
	 .write_partial = count_write,
	 .read_partial = count_read},
	{.name = NULL},
};

/* A separate loop for each way to find the row: the compiler keeps the loads simple. */
#define SUM_UPDATE(name, ctype)                                                                                   \
	static void sum_update_##name(const struct tr_agg_slot *slot, char *const *restrict entries,              \
				      const struct tr_column *arg, const uint32_t *restrict rows, uint32_t count) \
	{                                                                                                         \
		const ctype *restrict values = arg->data;                                                         \
		const uint32_t offset = slot->offset;                                                             \
                                                                                                                  \
		if (rows == NULL) {                                                                               \
			for (uint32_t i = 0; i < count; i++) {                                                    \
				struct sum_acc *acc = (void *)(entries[i] + offset);                              \
				acc->sum = (int64_t)((uint64_t)acc->sum + (uint64_t)(int64_t)values[i]);          \
				acc->count++;                                                                     \
			}                                                                                         \
			return;                                                                                   \
		}                                                                                                 \
		for (uint32_t i = 0; i < count; i++) {                                                            \
			struct sum_acc *acc = (void *)(entries[i] + offset);                                      \
			acc->sum = (int64_t)((uint64_t)acc->sum + (uint64_t)(int64_t)values[rows[i]]);            \
			acc->count++;                                                                             \
		}                                                                                                 \
	}
SUM_UPDATE(i8, int8_t)
SUM_UPDATE(i16, int16_t)
SUM_UPDATE(i32, int32_t)
SUM_UPDATE(i64, int64_t)
#undef SUM_UPDATE

/** Rows and values of an entry are counted alike in one pass over it. */
static void sum_count_i64(const struct tr_agg_slot *slot, char *const *restrict entries, const struct tr_column *arg,
			  const uint32_t *restrict rows, uint32_t count)
{
	const int64_t *restrict values = arg->data;
	const uint32_t offset = slot->offset;

#define ADD(row)                                                                  \
	do {                                                                      \
		struct sum_acc *acc = (void *)(entries[i] + offset);              \
		acc->sum = (int64_t)((uint64_t)acc->sum + (uint64_t)values[row]); \
		acc->count++;                                                     \
		++*(int64_t *)(void *)entries[i];                                 \
	} while (0)
	if (rows == NULL)
		for (uint32_t i = 0; i < count; i++)
			ADD(i);
	else
		for (uint32_t i = 0; i < count; i++)
			ADD(rows[i]);
#undef ADD
}

static void store_integer(struct tr_column_buffer *out, uint32_t row, int64_t value)
{
	switch ((enum tr_phys)out->type->phys) {
	case TR_PHYS_I8: ((int8_t *)out->data)[row] = (int8_t)value; return;
	case TR_PHYS_I16: ((int16_t *)out->data)[row] = (int16_t)value; return;
	case TR_PHYS_I32: ((int32_t *)out->data)[row] = (int32_t)value; return;
	case TR_PHYS_I64: ((int64_t *)out->data)[row] = value; return;
	default: TR_UNREACHABLE();
	}
}

static void sum_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sum_acc *acc = (const void *)(entries[i] + slot->offset);

		if (acc->count == 0)
			tr_agg_set_null(out, at + i);
		store_integer(out, at + i, acc->sum);
	}
}

static void avg_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sum_acc *acc = (const void *)(entries[i] + slot->offset);

		if (acc->count == 0)
			tr_agg_set_null(out, at + i);
		store_integer(out, at + i, acc->count == 0 ? 0 : acc->sum / acc->count);
	}
}

static void sum_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_of(TR_TYPE_BIGINT);
	types[1] = tr_type_of(TR_TYPE_BIGINT);
}

static void sum_write(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		      struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	int64_t *restrict sums = (int64_t *)columns[0].data + at;
	int64_t *restrict counts = (int64_t *)columns[1].data + at;

	for (uint32_t i = 0; i < count; i++) {
		const struct sum_acc *acc = (const void *)(entries[i] + slot->offset);

		sums[i] = acc->sum;
		counts[i] = acc->count;
	}
}

static void sum_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
		     const uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct sum_acc *acc = (void *)(entries[i] + slot->offset);
		const uint32_t row = tr_agg_row(rows, i);

		acc->sum = (int64_t)((uint64_t)acc->sum + (uint64_t)tr_column_i64(&columns[0], row));
		acc->count += tr_column_i64(&columns[1], row);
	}
}

#define SUM_ROW(agg_name, agg_kind, agg_finish, agg_phys, agg_update, ...)                                    \
	{                                                                                                     \
		.name = agg_name, .kind = agg_kind, .phys = agg_phys, .acc_bytes = sizeof(struct sum_acc),    \
		.is_additive = true, .partial_count = 2, .update = agg_update, .finish = agg_finish,          \
		.partial_types = sum_types, .write_partial = sum_write, .read_partial = sum_read, __VA_ARGS__ \
	}

const struct tr_agg tr_agg_sums[] = {
	SUM_ROW("SUM", TR_AGG_SUM, sum_finish, TR_PHYS_I8, sum_update_i8, .update_counting = NULL),
	SUM_ROW("SUM", TR_AGG_SUM, sum_finish, TR_PHYS_I16, sum_update_i16, .update_counting = NULL),
	SUM_ROW("SUM", TR_AGG_SUM, sum_finish, TR_PHYS_I32, sum_update_i32, .update_counting = NULL),
	SUM_ROW("SUM", TR_AGG_SUM, sum_finish, TR_PHYS_I64, sum_update_i64, .update_counting = sum_count_i64),
	SUM_ROW("AVG", TR_AGG_AVG, avg_finish, TR_PHYS_I8, sum_update_i8, .update_counting = NULL),
	SUM_ROW("AVG", TR_AGG_AVG, avg_finish, TR_PHYS_I16, sum_update_i16, .update_counting = NULL),
	SUM_ROW("AVG", TR_AGG_AVG, avg_finish, TR_PHYS_I32, sum_update_i32, .update_counting = NULL),
	SUM_ROW("AVG", TR_AGG_AVG, avg_finish, TR_PHYS_I64, sum_update_i64, .update_counting = sum_count_i64),
	{.name = NULL},
};
