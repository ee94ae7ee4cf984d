/* SPDX-License-Identifier: Apache-2.0
 *
 * MIN and MAX.
 *
 *     fixed width up to 8 bytes   | rank | has |            rank: an int64 that orders as the values do
 *     DECIMAL of 19..38 digits    | low | high | has |
 *     strings                     | view | has |            bytes of long strings are owned
 *
 * Integers, dates and times are their own rank. The rank of a FLOAT or DOUBLE is its bits, turned so that they order
 * as java.lang.Double.compare does: -0.0 before 0.0, NaN above everything (Flink's generated `>` leaves NaN to the
 * order of rows; ours must not). Strings compare bytewise. The partial is one column of the argument's type.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/agg_table.h"

#define TEXT_OVERHEAD 16 /* of an allocation */

struct rank_acc {
	int64_t rank;
	int64_t has;
};

struct wide_acc {
	uint64_t low;
	uint64_t high;
	int64_t has;
};

struct text_acc {
	struct tr_view view;
	int64_t has;
};

static inline int64_t rank_f64(double value)
{
	int64_t bits;

	if (value != value)
		return INT64_MAX;
	memcpy(&bits, &value, 8);
	return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static inline double unrank_f64(int64_t rank)
{
	double value;

	if (rank == INT64_MAX)
		return (double)NAN;
	rank ^= (int64_t)((uint64_t)(rank >> 63) >> 1);
	memcpy(&value, &rank, 8);
	return value;
}

static inline int64_t rank_i64(int64_t value) { return value; }

#define RANK_UPDATE(name, ctype, rank_of, op, verb)                                                                  \
	static void name(const struct tr_agg_slot *slot, char *const *restrict entries, const struct tr_column *arg, \
			 const uint32_t *restrict rows, uint32_t count)                                              \
	{                                                                                                            \
		const ctype *restrict values = arg->data;                                                            \
                                                                                                                     \
		for (uint32_t i = 0; i < count; i++) {                                                               \
			struct rank_acc *acc = (void *)(entries[i] + slot->offset);                                  \
			const int64_t rank = rank_of(values[tr_agg_row(rows, i)]);                                   \
                                                                                                                     \
			acc->rank = ((acc->has == 0) | (rank op acc->rank)) != 0 ? rank : acc->rank;                 \
			acc->has = 1;                                                                                \
		}                                                                                                    \
	}
#define RANK_UPDATES(verb, op)                                                                                    \
	RANK_UPDATE(verb##_update_i8, int8_t, rank_i64, op, verb)                                                 \
	RANK_UPDATE(verb##_update_i16, int16_t, rank_i64, op, verb)                                               \
	RANK_UPDATE(verb##_update_i32, int32_t, rank_i64, op, verb)                                               \
	RANK_UPDATE(verb##_update_i64, int64_t, rank_i64, op, verb)                                               \
	RANK_UPDATE(verb##_update_f32, float, rank_f64, op, verb)                                                 \
	RANK_UPDATE(verb##_update_f64, double, rank_f64, op, verb)                                                \
	static void verb##_merge_rank(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, \
				      uint32_t count)                                                             \
	{                                                                                                         \
		for (uint32_t i = 0; i < count; i++) {                                                            \
			struct rank_acc *target = (void *)(targets[i] + slot->offset);                            \
			const struct rank_acc *source = (const void *)(sources[i] + slot->offset);                \
                                                                                                                  \
			if (source->has != 0 && (target->has == 0 || source->rank op target->rank))               \
				*target = *source;                                                                \
		}                                                                                                 \
	}
RANK_UPDATES(min, <)
RANK_UPDATES(max, >)

static void rank_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct rank_acc *acc = (const void *)(entries[i] + slot->offset);
		const uint32_t row = at + i;

		if (acc->has == 0)
			tr_agg_set_null(out, row);
		switch ((enum tr_phys)out->type->phys) {
		case TR_PHYS_I8: ((int8_t *)out->data)[row] = (int8_t)acc->rank; break;
		case TR_PHYS_I16: ((int16_t *)out->data)[row] = (int16_t)acc->rank; break;
		case TR_PHYS_I32: ((int32_t *)out->data)[row] = (int32_t)acc->rank; break;
		case TR_PHYS_I64: ((int64_t *)out->data)[row] = acc->rank; break;
		case TR_PHYS_F32: ((float *)out->data)[row] = (float)unrank_f64(acc->rank); break;
		case TR_PHYS_F64: ((double *)out->data)[row] = unrank_f64(acc->rank); break;
		default: TR_UNREACHABLE();
		}
	}
}

static inline tr_i128 wide_get(const struct wide_acc *acc) { return (tr_i128)(((tr_u128)acc->high << 64) | acc->low); }

static void wide_take(struct wide_acc *acc, tr_i128 value, bool is_max)
{
	if (acc->has != 0 && (is_max ? value <= wide_get(acc) : value >= wide_get(acc)))
		return;
	acc->low = (uint64_t)value;
	acc->high = (uint64_t)((tr_u128)value >> 64);
	acc->has = 1;
}

static void wide_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct wide_acc *acc = (const void *)(entries[i] + slot->offset);

		if (acc->has == 0)
			tr_agg_set_null(out, at + i);
		((tr_i128 *)out->data)[at + i] = wide_get(acc);
	}
}

/** Bytes that it owns, about. */
static size_t text_owned(const struct text_acc *acc)
{
	return acc->has != 0 && acc->view.length > TR_VIEW_INLINE_MAX ? acc->view.length + TEXT_OVERHEAD : 0;
}

static void text_take(const struct tr_agg_slot *slot, char *entry, const struct tr_view *value, bool is_max)
{
	struct text_acc *acc = (void *)(entry + slot->offset);
	const size_t owned = text_owned(acc);
	const char *old = owned > 0 ? acc->view.text : NULL;

	if (acc->has != 0) {
		const int order = tr_view_compare(value, &acc->view);

		if (is_max ? order <= 0 : order >= 0)
			return;
	}
	if (value->length > TR_VIEW_INLINE_MAX) {
		char *text = malloc(value->length);

		TR_ASSERT(text != NULL);
		memcpy(text, value->text, value->length);
		acc->view = tr_view_make(text, value->length);
	} else {
		acc->view = *value;
	}
	acc->has = 1;
	*slot->owned += text_owned(acc) - owned;
	free((void *)(uintptr_t)old);
}

static void text_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	struct tr_view *views = out->data;

	for (uint32_t i = 0; i < count; i++) {
		const struct text_acc *acc = (const void *)(entries[i] + slot->offset);
		struct tr_view view = acc->view;

		if (acc->has == 0) {
			tr_agg_set_null(out, at + i);
		} else if (view.length > TR_VIEW_INLINE_MAX) {
			char *text = tr_arena_alloc_aligned(&heap->arena, view.length, 1);

			memcpy(text, view.text, view.length);
			view = tr_view_make(text, view.length);
		}
		views[at + i] = view;
	}
}

static void text_release(const struct tr_agg_slot *slot, char *const *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct text_acc *acc = (void *)(entries[i] + slot->offset);

		*slot->owned -= text_owned(acc);
		if (text_owned(acc) > 0)
			free((void *)(uintptr_t)acc->view.text);
		memset(acc, 0, sizeof(*acc));
	}
}

static bool text_is_owner(const struct tr_agg_slot *slot, char *entry)
{
	return ((const struct text_acc *)(void *)(entry + slot->offset))->view.length > TR_VIEW_INLINE_MAX;
}

#define SLOW_VERBS(verb, is_max)                                                                                      \
	static void verb##_update_i128(const struct tr_agg_slot *slot, char *const *entries,                          \
				       const struct tr_column *arg, const uint32_t *rows, uint32_t count)             \
	{                                                                                                             \
		for (uint32_t i = 0; i < count; i++)                                                                  \
			wide_take((void *)(entries[i] + slot->offset),                                                \
				  ((const tr_i128 *)arg->data)[tr_agg_row(rows, i)], is_max);                         \
	}                                                                                                             \
	static void verb##_merge_i128(const struct tr_agg_slot *slot, char *const *targets, char *const *sources,     \
				      uint32_t count)                                                                 \
	{                                                                                                             \
		for (uint32_t i = 0; i < count; i++) {                                                                \
			const struct wide_acc *source = (const void *)(sources[i] + slot->offset);                    \
                                                                                                                      \
			if (source->has != 0)                                                                         \
				wide_take((void *)(targets[i] + slot->offset), wide_get(source), is_max);             \
		}                                                                                                     \
	}                                                                                                             \
	static void verb##_update_text(const struct tr_agg_slot *slot, char *const *entries,                          \
				       const struct tr_column *arg, const uint32_t *rows, uint32_t count)             \
	{                                                                                                             \
		for (uint32_t i = 0; i < count; i++)                                                                  \
			text_take(slot, entries[i], (const struct tr_view *)arg->data + tr_agg_row(rows, i), is_max); \
	}                                                                                                             \
	static void verb##_merge_text(const struct tr_agg_slot *slot, char *const *targets, char *const *sources,     \
				      uint32_t count)                                                                 \
	{                                                                                                             \
		for (uint32_t i = 0; i < count; i++) {                                                                \
			const struct text_acc *source = (const void *)(sources[i] + slot->offset);                    \
                                                                                                                      \
			if (source->has != 0)                                                                         \
				text_take(slot, targets[i], &source->view, is_max);                                   \
		}                                                                                                     \
	}
SLOW_VERBS(min, false)
SLOW_VERBS(max, true)

static void extreme_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_with_nullable(arena, arg_type, true);
}

#define READ_CHUNK 256

/** A partial is a value like any other: rows that are not NULL are handed to update. */
#define READ_PARTIAL(name, update)                                                                              \
	static void name(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns, \
			 const uint32_t *rows, uint32_t count)                                                  \
	{                                                                                                       \
		char *kept[READ_CHUNK];                                                                         \
		uint32_t kept_rows[READ_CHUNK], n = 0;                                                          \
                                                                                                                \
		for (uint32_t i = 0; i < count; i++) {                                                          \
			const uint32_t row = tr_agg_row(rows, i);                                               \
                                                                                                                \
			if (!tr_column_is_null(&columns[0], row)) {                                             \
				kept[n] = entries[i];                                                           \
				kept_rows[n++] = tr_column_row(&columns[0], row);                               \
			}                                                                                       \
			if (n == READ_CHUNK || (i + 1 == count && n > 0)) {                                     \
				update(slot, kept, &columns[0], kept_rows, n);                                  \
				n = 0;                                                                          \
			}                                                                                       \
		}                                                                                               \
	}
#define EXTREME_VERBS(verb, phys) READ_PARTIAL(verb##_read_##phys, verb##_update_##phys)
EXTREME_VERBS(min, i8)
EXTREME_VERBS(min, i16)
EXTREME_VERBS(min, i32)
EXTREME_VERBS(min, i64)
EXTREME_VERBS(min, f32)
EXTREME_VERBS(min, f64)
EXTREME_VERBS(min, i128)
EXTREME_VERBS(min, text)
EXTREME_VERBS(max, i8)
EXTREME_VERBS(max, i16)
EXTREME_VERBS(max, i32)
EXTREME_VERBS(max, i64)
EXTREME_VERBS(max, f32)
EXTREME_VERBS(max, f64)
EXTREME_VERBS(max, i128)
EXTREME_VERBS(max, text)

#define EXTREME_ROW(agg_name, agg_kind, verb, agg_phys, short_phys, acc, merge_name, finish_verb, owns, free_verb, \
		    owner_verb)                                                                                    \
	{                                                                                                          \
		.name = agg_name, .kind = agg_kind, .phys = agg_phys, .acc_bytes = sizeof(struct acc),             \
		.owns_memory = owns, .partial_count = 1, .update = verb##_update_##short_phys,                     \
		.merge = verb##_merge_##merge_name, .finish = finish_verb, .partial_types = extreme_types,         \
		.write_partial = finish_verb, .read_partial = verb##_read_##short_phys, .release = free_verb,      \
		.is_owner = owner_verb                                                                             \
	}
#define RANK_ROW(name, kind, verb, phys, short_phys) \
	EXTREME_ROW(name, kind, verb, phys, short_phys, rank_acc, rank, rank_finish, false, NULL, NULL)
#define EXTREME_ROWS(name, kind, verb)                                                                             \
	RANK_ROW(name, kind, verb, TR_PHYS_I8, i8), RANK_ROW(name, kind, verb, TR_PHYS_I16, i16),                  \
		RANK_ROW(name, kind, verb, TR_PHYS_I32, i32), RANK_ROW(name, kind, verb, TR_PHYS_I64, i64),        \
		RANK_ROW(name, kind, verb, TR_PHYS_F32, f32), RANK_ROW(name, kind, verb, TR_PHYS_F64, f64),        \
		EXTREME_ROW(name, kind, verb, TR_PHYS_I128, i128, wide_acc, i128, wide_finish, false, NULL, NULL), \
		EXTREME_ROW(name, kind, verb, TR_PHYS_VIEW, text, text_acc, text, text_finish, true, text_release, \
			    text_is_owner)

const struct tr_agg tr_agg_extremes[] = {
	EXTREME_ROWS("MIN", TR_AGG_MIN, min),
	EXTREME_ROWS("MAX", TR_AGG_MAX, max),
	{.name = NULL},
};
