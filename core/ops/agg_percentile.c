/* SPDX-License-Identifier: Apache-2.0
 *
 * PERCENTILE(value, fraction [, frequency]): the value below which that fraction of the values lies, interpolated between the two
 * neighbours. The argument is a ROW: | value DOUBLE | frequency BIGINT, if given |, kept in a counted bag (core/ops/agg_bag.h).
 *
 * With n values in their order (one that has a frequency counts so many times) the fraction f stands at p = f * (n - 1); the
 * result is (ceil(p) - p) * lower + (p - floor(p)) * upper. Values that are NULL, and frequencies that are NULL, 0 or negative,
 * do not count. Several fractions (an ARRAY) give an ARRAY.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/agg_bag.h"
#include "core/ops/value_bytes.h"

/** A value, and how many there are up to it. */
struct ranked {
	double value;
	int64_t count;
};

static void update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
		   const uint32_t *rows, uint32_t count, bool has_frequency, enum tr_bag_shape shape)
{
	const struct tr_column *value = &arg->children[0];
	struct tr_bytes bytes = {0};

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);
		int64_t times = 1;

		if (tr_column_is_null(value, row))
			continue;
		if (has_frequency) {
			if (tr_column_is_null(&arg->children[1], row))
				continue;
			times = tr_column_i64(&arg->children[1], row);
		}
		if (times <= 0)
			continue;
		tr_bytes_clear(&bytes);
		tr_value_bytes_append(&bytes, value, row);
		tr_bag_add(slot, entries[i], shape, times, bytes.data, bytes.length);
	}
	tr_bytes_deinit(&bytes);
}

static int by_value(const void *a, const void *b)
{
	const double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x > y) - (x < y);
}

/** The values of an entry in order; to be freed. */
static struct ranked *rank(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape, uint64_t *n)
{
	const struct tr_bag_element *elements = tr_bag_elements(slot, entry, shape, n);
	struct ranked *ranked = tr_checked(malloc((*n + 1) * sizeof(*ranked)));

	for (uint64_t e = 0; e < *n; e++) {
		memcpy(&ranked[e].value, elements[e].bytes + 1, 8);
		ranked[e].count = elements[e].number;
	}
	qsort(ranked, *n, sizeof(*ranked), by_value);
	for (uint64_t e = 1; e < *n; e++)
		ranked[e].count += ranked[e - 1].count;
	return ranked;
}

/** The value with so many before it. */
static double value_at(const struct ranked *ranked, uint64_t n, double position)
{
	uint64_t first = 0, last = n - 1;

	while (first < last) {
		const uint64_t middle = first + (last - first) / 2;

		if ((double)ranked[middle].count > position)
			last = middle;
		else
			first = middle + 1;
	}
	return ranked[first].value;
}

static double percentile(const struct ranked *ranked, uint64_t n, double fraction)
{
	const double position = fraction * (double)(ranked[n - 1].count - 1);
	const double lower = floor(position), upper = ceil(position);
	const double low = value_at(ranked, n, lower), high = value_at(ranked, n, upper);

	return lower == upper || low == high ? low : (upper - position) * low + (position - lower) * high;
}

static void finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count, struct tr_column_buffer *out,
		   uint32_t at, enum tr_bag_shape shape)
{
	const struct tr_agg_params *params = slot->params;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		struct ranked *ranked = rank(slot, entries[i], shape, &n);

		if (n == 0) {
			tr_column_buffer_set_null(out, at + i);
		} else if (slot->type->phys != TR_PHYS_LIST) {
			((double *)out->data)[at + i] = percentile(ranked, n, params->fractions[0]);
		} else {
			struct tr_column_buffer *values = &out->children[0];

			tr_column_buffer_reserve(values, values->length + params->fraction_count);
			for (uint32_t f = 0; f < params->fraction_count; f++)
				((double *)values->data)[values->length++] =
					percentile(ranked, n, params->fractions[f]);
			out->offsets[at + i + 1] = (int32_t)values->length;
		}
		free(ranked);
	}
}

static bool is_valid(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	const struct tr_type *type = tr_type_of(TR_TYPE_DOUBLE);

	return tr_bag_is_valid(columns, row, &type, 1);
}

#define VERBS(name, shape, has_frequency)                                                                            \
	TR_BAG_VERBS(name, shape)                                                                                    \
	static void name##_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg, \
				  const uint32_t *rows, uint32_t count)                                              \
	{                                                                                                            \
		update(slot, entries, arg, rows, count, has_frequency, shape);                                       \
	}                                                                                                            \
	static void name##_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,              \
				  struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)                   \
	{                                                                                                            \
		finish(slot, entries, count, out, at, shape);                                                        \
	}
VERBS(plain, TR_BAG_COUNTED, false)
VERBS(weighted, TR_BAG_COUNTED, true)
VERBS(distinct, TR_BAG_SET, false)

#define PERCENTILE_ROW(args, verbs)                                                                                \
	{                                                                                                          \
		TR_BAG_ROW(verbs), .name = "PERCENTILE", .is_collecting = true, .code = args, .is_valid = is_valid \
	}

/* code: the number of columns, plus 2 with DISTINCT. */
const struct tr_agg tr_agg_percentiles[] = {
	PERCENTILE_ROW(1, plain),
	PERCENTILE_ROW(2, weighted),
	PERCENTILE_ROW(3, distinct),
	{.name = NULL},
};
