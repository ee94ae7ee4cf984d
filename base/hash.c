/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes of key columns. What is computed here is part of the checkpoint format:
 *
 *     integers, dates, times     tr_hash_u64 of the value, sign-extended to 64 bits (so INT 5 and BIGINT 5 agree)
 *     DECIMAL of 19..38 digits   tr_hash_combine(tr_hash_u64(low word), high word)
 *     FLOAT, DOUBLE              tr_hash_u64 of the bits of the double; -0.0 as 0.0, every NaN as one
 *     strings, bytes             XXH3 (Yann Collet), 64 bits, seed 0
 *     ROW                        fields combined left to right, starting from the number of fields
 *     ARRAY                      elements combined in order, starting from their number
 *     MAP, MULTISET              sum of the entries' hashes, combined with their number: the order does not count
 *     NULL                       TR_HASH_NULL
 *
 * Flat columns without NULLs run one loop per physical type, without a branch on the type inside. The others are
 * hashed value by value, recursing over nested types (at most TR_TYPE_DEPTH_MAX deep).
 */
#include "base/hash.h"

#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"

uint64_t tr_hash_bytes(const void *bytes, size_t length)
{
	return XXH3_64bits(bytes, length);
}

static inline uint64_t hash_i8(const int8_t *p) { return tr_hash_u64((uint64_t)(int64_t)*p); }
static inline uint64_t hash_i16(const int16_t *p) { return tr_hash_u64((uint64_t)(int64_t)*p); }
static inline uint64_t hash_i32(const int32_t *p) { return tr_hash_u64((uint64_t)(int64_t)*p); }
static inline uint64_t hash_i64(const int64_t *p) { return tr_hash_u64((uint64_t)*p); }
static inline uint64_t hash_i128(const tr_i128 *p)
{
	return tr_hash_combine(tr_hash_u64((uint64_t)*p), (uint64_t)((tr_u128)*p >> 64));
}
static inline uint64_t hash_f64(const double *p)
{
	double value = *p;
	uint64_t bits;

	if (value == 0)
		value = 0; /* also -0.0 */
	memcpy(&bits, &value, sizeof(bits));
	return tr_hash_u64(value != value ? UINT64_C(0x7ff8000000000000) : bits);
}
static inline uint64_t hash_f32(const float *p)
{
	const double value = *p;

	return hash_f64(&value);
}
static inline uint64_t hash_view(const struct tr_view *p)
{
	return tr_hash_bytes(tr_view_text(p), p->length);
}

static uint64_t hash_nested(const struct tr_column *column, uint32_t row);

/** The hash of one value of any type; `row` counts like the rows of `column`. */
static uint64_t hash_value(const struct tr_column *column, uint32_t row)
{
	const uint32_t at = tr_column_row(column, row);

	if (tr_column_is_null(column, row))
		return TR_HASH_NULL;
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_I8: return hash_i8((const int8_t *)column->data + at);
	case TR_PHYS_I16: return hash_i16((const int16_t *)column->data + at);
	case TR_PHYS_I32: return hash_i32((const int32_t *)column->data + at);
	case TR_PHYS_I64: return hash_i64((const int64_t *)column->data + at);
	case TR_PHYS_I128: return hash_i128((const tr_i128 *)column->data + at);
	case TR_PHYS_F32: return hash_f32((const float *)column->data + at);
	case TR_PHYS_F64: return hash_f64((const double *)column->data + at);
	case TR_PHYS_VIEW: return hash_view((const struct tr_view *)column->data + at);
	case TR_PHYS_LIST:
	case TR_PHYS_ROW: return hash_nested(column, at);
	case TR_PHYS_NONE:
	case TR_PHYS_COUNT: break;
	}
	TR_UNREACHABLE();
}

static uint64_t hash_nested(const struct tr_column *column, uint32_t row)
{
	const struct tr_type *type = column->type;
	uint32_t begin, end;
	uint64_t hash;

	if (type->phys == TR_PHYS_ROW) {
		hash = tr_hash_u64(type->child_count);
		for (uint32_t i = 0; i < type->child_count; i++)
			hash = tr_hash_combine(hash, hash_value(&column->children[i], row));
		return hash;
	}
	begin = (uint32_t)column->offsets[row];
	end = (uint32_t)column->offsets[row + 1];
	hash = tr_hash_u64(end - begin);
	if (type->id == TR_TYPE_ARRAY) {
		for (uint32_t i = begin; i < end; i++)
			hash = tr_hash_combine(hash, hash_value(&column->children[0], i));
		return hash;
	}
	uint64_t sum = 0;
	for (uint32_t i = begin; i < end; i++) {
		uint64_t entry = hash_value(&column->children[0], i);

		if (type->id == TR_TYPE_MAP)
			entry = tr_hash_combine(entry, hash_value(&column->children[1], i));
		sum += tr_hash_u64(entry);
	}
	return tr_hash_combine(hash, sum);
}

/* One pair of loops per physical type: PUT is an assignment or a combination. */
#define PUT_SET(slot, hash) ((slot) = (hash))
#define PUT_COMBINE(slot, hash) ((slot) = tr_hash_combine((slot), (hash)))
#define HASH_LOOP(name, ctype, PUT)                                                                \
	static void loop_##name##_##PUT(const ctype *restrict data, const uint32_t *restrict rows, \
					uint32_t count, uint64_t *restrict out)                    \
	{                                                                                          \
		if (rows == NULL) {                                                                \
			for (uint32_t i = 0; i < count; i++)                                       \
				PUT(out[i], hash_##name(&data[i]));                                \
		} else {                                                                           \
			for (uint32_t i = 0; i < count; i++)                                       \
				PUT(out[i], hash_##name(&data[rows[i]]));                          \
		}                                                                                  \
	}
#define HASH_LOOPS(name, ctype) HASH_LOOP(name, ctype, PUT_SET) HASH_LOOP(name, ctype, PUT_COMBINE)
HASH_LOOPS(i8, int8_t)
HASH_LOOPS(i16, int16_t)
HASH_LOOPS(i32, int32_t)
HASH_LOOPS(i64, int64_t)
HASH_LOOPS(i128, tr_i128)
HASH_LOOPS(f32, float)
HASH_LOOPS(f64, double)
HASH_LOOPS(view, struct tr_view)

/** Row by row: constants, nested types, and columns with NULLs. */
static void hash_slowly(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *out,
			bool combine)
{
	if (column->is_constant || column->type->phys == TR_PHYS_NONE) {
		const uint64_t hash = hash_value(column, 0);

		for (uint32_t i = 0; i < count; i++)
			out[i] = combine ? tr_hash_combine(out[i], hash) : hash;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t hash = hash_value(column, rows != NULL ? rows[i] : i);

		out[i] = combine ? tr_hash_combine(out[i], hash) : hash;
	}
}

#define RUN_LOOP(name, ctype)                                                                      \
	(combine ? loop_##name##_PUT_COMBINE((const ctype *)column->data, rows, count, out)        \
		 : loop_##name##_PUT_SET((const ctype *)column->data, rows, count, out))

static void hash_column(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *out,
			bool combine)
{
	if (column->is_constant || column->validity != NULL) {
		hash_slowly(column, rows, count, out, combine);
		return;
	}
	switch ((enum tr_phys)column->type->phys) {
	case TR_PHYS_I8: RUN_LOOP(i8, int8_t); return;
	case TR_PHYS_I16: RUN_LOOP(i16, int16_t); return;
	case TR_PHYS_I32: RUN_LOOP(i32, int32_t); return;
	case TR_PHYS_I64: RUN_LOOP(i64, int64_t); return;
	case TR_PHYS_I128: RUN_LOOP(i128, tr_i128); return;
	case TR_PHYS_F32: RUN_LOOP(f32, float); return;
	case TR_PHYS_F64: RUN_LOOP(f64, double); return;
	case TR_PHYS_VIEW: RUN_LOOP(view, struct tr_view); return;
	case TR_PHYS_NONE:
	case TR_PHYS_LIST:
	case TR_PHYS_ROW: hash_slowly(column, rows, count, out, combine); return;
	case TR_PHYS_COUNT: break;
	}
	TR_UNREACHABLE();
}

void tr_hash_column(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *out)
{
	TR_ASSERT(column != NULL && (out != NULL || count == 0));
	hash_column(column, rows, count, out, false);
}

void tr_hash_column_combine(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *inout)
{
	TR_ASSERT(column != NULL && (inout != NULL || count == 0));
	hash_column(column, rows, count, inout, true);
}
