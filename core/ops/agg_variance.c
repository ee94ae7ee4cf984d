/* SPDX-License-Identifier: Apache-2.0
 *
 * VAR_POP, VAR_SAMP, VARIANCE, STDDEV_POP, STDDEV_SAMP of all numeric types.
 *
 *     accumulator   | exact sum of x | exact sum of x * x | number of values |
 *     partial       BYTES | BYTES | BIGINT
 *
 * Both sums are exact (core/ops/exact_sum.h): x is split into doubles that add up to it, and each product of two doubles is
 * a double and its exact rest. So n * sum(x * x) - sum(x) * sum(x) is exact, too, is rounded once, and cannot suffer from
 * cancellation; no order of rows shows in the result. Flink updates a mean and a sum of squares in DOUBLE row by row
 * (Welford's method), so its last digits may be others, which shows as one less in results of integer types, since those are
 * truncated. A result of DECIMAL is the DOUBLE's text, rounded half up. Values whose square is beyond DOUBLE give NaN.
 */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/agg_table.h"
#include "core/ops/exact_sum.h"

enum variance { IS_SAMPLE = 1, IS_ROOT = 2 };

#define PARTS_MAX 48 /* doubles that an exact sum is the sum of: 2,100 bits in steps of 53, rounded up generously */

struct variance_acc {
	struct tr_exact_sum sum;
	struct tr_exact_sum squares;
	int64_t count;
};

/** sum += a * b * factor, a power of two, exactly. */
static void add_product(struct tr_exact_sum *sum, double a, double b, double factor)
{
	const double product = a * b;
	double rest;

	tr_exact_sum_add(sum, factor * product);
	if (!isfinite(product))
		return;
	rest = fma(a, b, -product);
	if (rest != 0)
		tr_exact_sum_add(sum, factor * rest);
}

static size_t owned(const struct variance_acc *acc)
{
	return tr_exact_sum_owned(&acc->sum) + tr_exact_sum_owned(&acc->squares);
}

/** The value is the sum of parts[0 .. count). */
static void take(const struct tr_agg_slot *slot, char *entry, const double *parts, int count)
{
	struct variance_acc *acc = (void *)(entry + slot->offset);
	const size_t before = owned(acc);

	for (int i = 0; i < count; i++) {
		tr_exact_sum_add(&acc->sum, parts[i]);
		for (int k = i; k < count; k++)
			add_product(&acc->squares, parts[i], parts[k], k == i ? 1 : 2);
	}
	acc->count++;
	*slot->owned += owned(acc) - before;
}

#define VARIANCE_UPDATE(name, ctype)                                                                                 \
	static void update_##name(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg, \
				  const uint32_t *rows, uint32_t count)                                              \
	{                                                                                                            \
		const ctype *restrict values = arg->data;                                                            \
                                                                                                                     \
		for (uint32_t i = 0; i < count; i++) {                                                               \
			const double value = (double)values[tr_agg_row(rows, i)];                                    \
                                                                                                                     \
			take(slot, entries[i], &value, 1);                                                           \
		}                                                                                                    \
	}
VARIANCE_UPDATE(i8, int8_t)
VARIANCE_UPDATE(i16, int16_t)
VARIANCE_UPDATE(i32, int32_t)
VARIANCE_UPDATE(f32, float)
VARIANCE_UPDATE(f64, double)
#undef VARIANCE_UPDATE

static void update_i64(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
		       const uint32_t *rows, uint32_t count)
{
	const int64_t *restrict values = arg->data;

	for (uint32_t i = 0; i < count; i++) {
		const int64_t value = values[tr_agg_row(rows, i)];
		const double parts[2] = {(double)(value & (int64_t)0xffffffff), (double)(value >> 32) * 0x1p32};

		take(slot, entries[i], parts, parts[1] == 0 ? 1 : 2);
	}
}

static void update_i128(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
			const uint32_t *rows, uint32_t count)
{
	const tr_i128 *restrict values = arg->data;
	const int64_t low = ((int64_t)1 << 48) - 1;

	for (uint32_t i = 0; i < count; i++) {
		const tr_i128 value = values[tr_agg_row(rows, i)];
		const double parts[3] = {(double)((int64_t)value & low),
					 (double)((int64_t)(value >> 48) & low) * 0x1p48,
					 (double)(int64_t)(value >> 96) * 0x1p96};

		take(slot, entries[i], parts, parts[2] != 0 ? 3 : parts[1] != 0 ? 2 : 1);
	}
}

static void merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct variance_acc *target = (void *)(targets[i] + slot->offset);
		const struct variance_acc *source = (const void *)(sources[i] + slot->offset);
		const size_t before = owned(target);

		tr_exact_sum_merge(&target->sum, &source->sum);
		tr_exact_sum_merge(&target->squares, &source->squares);
		target->count += source->count;
		*slot->owned += owned(target) - before;
	}
}

/** Doubles whose sum is the sum, each the nearest to what is left. */
static int split(const struct tr_exact_sum *sum, double *parts)
{
	struct tr_exact_sum rest = {0};
	int count = 0;

	tr_exact_sum_merge(&rest, sum);
	for (; count < PARTS_MAX; count++) {
		parts[count] = tr_exact_sum_double(&rest);
		if (parts[count] == 0)
			break;
		if (!isfinite(parts[count])) {
			count++;
			break;
		}
		tr_exact_sum_add(&rest, -parts[count]);
	}
	tr_exact_sum_clear(&rest);
	return count;
}

/** The variance times the square of ten to the argument's scale. */
static double variance_of(const struct variance_acc *acc, bool is_sample)
{
	double sums[PARTS_MAX], squares[PARTS_MAX], result;
	const int sum_count = split(&acc->sum, sums), square_count = split(&acc->squares, squares);
	const double n = (double)acc->count;
	struct tr_exact_sum total = {0};

	for (int i = 0; i < square_count; i++)
		add_product(&total, squares[i], n, 1);
	for (int i = 0; i < sum_count; i++)
		for (int k = i; k < sum_count; k++)
			add_product(&total, -sums[i], sums[k], k == i ? 1 : 2);
	result = tr_exact_sum_double(&total);
	tr_exact_sum_clear(&total);
	return result / n / (is_sample ? n - 1 : n);
}

/** As Java narrows a double. */
static int64_t to_integer(double value, double limit)
{
	if (isnan(value))
		return 0;
	if (value >= limit)
		return limit == 0x1p63 ? INT64_MAX : (int64_t)(limit - 1);
	return (int64_t)value; /* never negative */
}

static void store(struct tr_column_buffer *out, uint32_t row, double value)
{
	char text[TR_TEXT_FLOAT_BYTES];
	tr_i128 unscaled = 0;

	switch ((enum tr_phys)out->type->phys) {
	case TR_PHYS_F64: ((double *)out->data)[row] = value; return;
	case TR_PHYS_F32: ((float *)out->data)[row] = (float)value; return;
	case TR_PHYS_I8: ((int8_t *)out->data)[row] = (int8_t)to_integer(value, 0x1p31); return;
	case TR_PHYS_I16: ((int16_t *)out->data)[row] = (int16_t)to_integer(value, 0x1p31); return;
	case TR_PHYS_I32: ((int32_t *)out->data)[row] = (int32_t)to_integer(value, 0x1p31); return;
	case TR_PHYS_I64: ((int64_t *)out->data)[row] = to_integer(value, 0x1p63); return;
	case TR_PHYS_I128:
		if (tr_text_parse_decimal(text, tr_text_put_f64(text, value), out->type->precision, out->type->scale,
					  &unscaled) != TR_TEXT_OK)
			tr_agg_set_null(out, row);
		((tr_i128 *)out->data)[row] = unscaled;
		return;
	default: TR_UNREACHABLE();
	}
}

static void finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count, struct tr_column_buffer *out,
		   uint32_t at, int code)
{
	const double scale = pow(10, 2 * slot->params->scale);

	for (uint32_t i = 0; i < count; i++) {
		const struct variance_acc *acc = (const void *)(entries[i] + slot->offset);
		const bool is_sample = (code & IS_SAMPLE) != 0;
		double value = 0;

		if (acc->count <= (is_sample ? 1 : 0))
			tr_agg_set_null(out, at + i);
		else
			value = variance_of(acc, is_sample) / scale;
		store(out, at + i, (code & IS_ROOT) != 0 ? sqrt(value) : value);
	}
}

#define VARIANCE_FINISH(name, code)                                                                     \
	static void finish_##name(const struct tr_agg_slot *slot, char *const *entries, uint32_t count, \
				  struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)      \
	{                                                                                               \
		finish(slot, entries, count, out, at, code);                                            \
	}
VARIANCE_FINISH(var_pop, 0)
VARIANCE_FINISH(var_samp, IS_SAMPLE)
VARIANCE_FINISH(stddev_pop, IS_ROOT)
VARIANCE_FINISH(stddev_samp, IS_SAMPLE | IS_ROOT)
#undef VARIANCE_FINISH

static void variance_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = types[1] = tr_type_of(TR_TYPE_VARBINARY);
	types[2] = tr_type_of(TR_TYPE_BIGINT);
}

static void write_sum(struct tr_column_buffer *column, uint32_t row, const struct tr_exact_sum *sum,
		      struct tr_heap *heap)
{
	const size_t bytes = tr_exact_sum_bytes(sum);
	char *text = tr_arena_alloc(&heap->arena, bytes);

	tr_exact_sum_write(sum, text);
	((struct tr_view *)column->data)[row] = tr_view_make(text, (uint32_t)bytes);
}

static void write_partial(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct variance_acc *acc = (const void *)(entries[i] + slot->offset);

		write_sum(&columns[0], at + i, &acc->sum, heap);
		write_sum(&columns[1], at + i, &acc->squares, heap);
		((int64_t *)columns[2].data)[at + i] = acc->count;
	}
}

static void read_partial(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
			 const uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct variance_acc *acc = (void *)(entries[i] + slot->offset);
		const uint32_t row = tr_agg_row(rows, i);
		const struct tr_view *sum = tr_column_view(&columns[0], row);
		const struct tr_view *squares = tr_column_view(&columns[1], row);
		const size_t before = owned(acc);

		tr_exact_sum_read(&acc->sum, tr_view_text(sum), sum->length);
		tr_exact_sum_read(&acc->squares, tr_view_text(squares), squares->length);
		acc->count += tr_column_i64(&columns[2], row);
		*slot->owned += owned(acc) - before;
	}
}

static bool is_valid(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	for (int c = 0; c < 2; c++) {
		const struct tr_view *view = tr_column_view(&columns[c], row);

		if (tr_column_is_null(&columns[c], row) || !tr_exact_sum_is_valid(tr_view_text(view), view->length))
			return false;
	}
	return tr_column_i64(&columns[2], row) >= 0 && tr_column_i64(&columns[2], row) <= held;
}

static void release(const struct tr_agg_slot *slot, char *const *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct variance_acc *acc = (void *)(entries[i] + slot->offset);

		*slot->owned -= owned(acc);
		tr_exact_sum_clear(&acc->sum);
		tr_exact_sum_clear(&acc->squares);
	}
}

static bool is_owner(const struct tr_agg_slot *slot, char *entry)
{
	const struct variance_acc *acc = (const void *)(entry + slot->offset);

	return acc->sum.wide != NULL || acc->squares.wide != NULL;
}

#define VARIANCE_ROW(agg_name, agg_finish, agg_phys, agg_update)                                                     \
	{                                                                                                            \
		.name = agg_name, .kind = TR_AGG_OTHER, .phys = agg_phys, .acc_bytes = sizeof(struct variance_acc),  \
		.owns_memory = true, .partial_count = 3, .update = agg_update, .merge = merge, .finish = agg_finish, \
		.partial_types = variance_types, .write_partial = write_partial, .read_partial = read_partial,       \
		.is_valid = is_valid, .release = release, .is_owner = is_owner                                       \
	}
#define VARIANCE_ROWS(name, finish)                                                                             \
	VARIANCE_ROW(name, finish, TR_PHYS_I8, update_i8), VARIANCE_ROW(name, finish, TR_PHYS_I16, update_i16), \
		VARIANCE_ROW(name, finish, TR_PHYS_I32, update_i32),                                            \
		VARIANCE_ROW(name, finish, TR_PHYS_I64, update_i64),                                            \
		VARIANCE_ROW(name, finish, TR_PHYS_I128, update_i128),                                          \
		VARIANCE_ROW(name, finish, TR_PHYS_F32, update_f32),                                            \
		VARIANCE_ROW(name, finish, TR_PHYS_F64, update_f64)

const struct tr_agg tr_agg_variances[] = {
	VARIANCE_ROWS("VAR_POP", finish_var_pop),
	VARIANCE_ROWS("VAR_SAMP", finish_var_samp),
	VARIANCE_ROWS("VARIANCE", finish_var_samp),
	VARIANCE_ROWS("STDDEV_POP", finish_stddev_pop),
	VARIANCE_ROWS("STDDEV_SAMP", finish_stddev_samp),
	VARIANCE_ROWS("STDDEV", finish_stddev_samp),
	{.name = NULL},
};
