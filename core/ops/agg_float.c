/* SPDX-License-Identifier: Apache-2.0
 *
 * SUM and AVG of FLOAT and DOUBLE on the exact sum (core/ops/exact_sum.h): the result does not depend on the order of
 * rows or on the number of workers. SUM is rounded once to its type; AVG divides the sum as a DOUBLE, as Flink does.
 *
 *     accumulator   | exact sum | number of values |         partial   BYTES of the exact sum | BIGINT
 */
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_table.h"
#include "core/ops/exact_sum.h"

struct float_acc {
	struct tr_exact_sum sum;
	int64_t count;
};

#define FLOAT_UPDATE(name, ctype)                                                                          \
	static void float_update_##name(const struct tr_agg_slot *slot, char *const *entries,              \
					const struct tr_column *arg, const uint32_t *rows, uint32_t count) \
	{                                                                                                  \
		const ctype *restrict values = arg->data;                                                  \
                                                                                                           \
		for (uint32_t i = 0; i < count; i++) {                                                     \
			struct float_acc *acc = (void *)(entries[i] + slot->offset);                       \
			const bool was_wide = acc->sum.wide != NULL;                                       \
                                                                                                           \
			tr_exact_sum_add(&acc->sum, (double)values[tr_agg_row(rows, i)]);                  \
			if (!was_wide && acc->sum.wide != NULL)                                            \
				*slot->owned += tr_exact_sum_owned(&acc->sum);                             \
			acc->count++;                                                                      \
		}                                                                                          \
	}
FLOAT_UPDATE(f32, float)
FLOAT_UPDATE(f64, double)
#undef FLOAT_UPDATE

static void float_merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct float_acc *target = (void *)(targets[i] + slot->offset);
		const struct float_acc *source = (const void *)(sources[i] + slot->offset);

		*slot->owned -= tr_exact_sum_owned(&target->sum);
		tr_exact_sum_merge(&target->sum, &source->sum);
		*slot->owned += tr_exact_sum_owned(&target->sum);
		target->count += source->count;
	}
}

static void float_sum_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			     struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct float_acc *acc = (const void *)(entries[i] + slot->offset);

		if (acc->count == 0)
			tr_agg_set_null(out, at + i);
		if (out->type->phys == TR_PHYS_F32)
			((float *)out->data)[at + i] = tr_exact_sum_float(&acc->sum);
		else
			((double *)out->data)[at + i] = tr_exact_sum_double(&acc->sum);
	}
}

static void float_avg_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			     struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct float_acc *acc = (const void *)(entries[i] + slot->offset);
		double average = 0;

		if (acc->count == 0)
			tr_agg_set_null(out, at + i);
		else
			average = tr_exact_sum_double(&acc->sum) / (double)acc->count;
		if (out->type->phys == TR_PHYS_F32)
			((float *)out->data)[at + i] = (float)average;
		else
			((double *)out->data)[at + i] = average;
	}
}

static void float_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_of(TR_TYPE_VARBINARY);
	types[1] = tr_type_of(TR_TYPE_BIGINT);
}

static void float_write(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct float_acc *acc = (const void *)(entries[i] + slot->offset);
		const size_t bytes = tr_exact_sum_bytes(&acc->sum);
		char *text = tr_arena_alloc(&heap->arena, bytes);

		tr_exact_sum_write(&acc->sum, text);
		((struct tr_view *)columns[0].data)[at + i] = tr_view_make(text, (uint32_t)bytes);
		((int64_t *)columns[1].data)[at + i] = acc->count;
	}
}

static void float_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
		       const uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct float_acc *acc = (void *)(entries[i] + slot->offset);
		const uint32_t row = tr_agg_row(rows, i);
		const struct tr_view *view = tr_column_view(&columns[0], row);

		*slot->owned -= tr_exact_sum_owned(&acc->sum);
		tr_exact_sum_read(&acc->sum, tr_view_text(view), view->length);
		*slot->owned += tr_exact_sum_owned(&acc->sum);
		acc->count += tr_column_i64(&columns[1], row);
	}
}

static void float_release(const struct tr_agg_slot *slot, char *const *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct float_acc *acc = (void *)(entries[i] + slot->offset);

		*slot->owned -= tr_exact_sum_owned(&acc->sum);
		tr_exact_sum_clear(&acc->sum);
	}
}

static bool float_is_owner(const struct tr_agg_slot *slot, char *entry)
{
	return ((const struct float_acc *)(void *)(entry + slot->offset))->sum.wide != NULL;
}

#define FLOAT_ROW(agg_name, agg_kind, agg_finish, agg_phys, agg_update)                                      \
	{                                                                                                    \
		.name = agg_name, .kind = agg_kind, .phys = agg_phys, .acc_bytes = sizeof(struct float_acc), \
		.owns_memory = true, .partial_count = 2, .update = agg_update, .merge = float_merge,         \
		.finish = agg_finish, .partial_types = float_types, .write_partial = float_write,            \
		.read_partial = float_read, .release = float_release, .is_owner = float_is_owner             \
	}

const struct tr_agg tr_agg_floats[] = {
	FLOAT_ROW("SUM", TR_AGG_SUM, float_sum_finish, TR_PHYS_F32, float_update_f32),
	FLOAT_ROW("SUM", TR_AGG_SUM, float_sum_finish, TR_PHYS_F64, float_update_f64),
	FLOAT_ROW("AVG", TR_AGG_AVG, float_avg_finish, TR_PHYS_F32, float_update_f32),
	FLOAT_ROW("AVG", TR_AGG_AVG, float_avg_finish, TR_PHYS_F64, float_update_f64),
	{.name = NULL},
};
