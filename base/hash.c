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
 * Flat columns run one loop per physical type (base/hash_kernel.isa.c); with NULLs they do so chunk by chunk, and the
 * NULLs are put right afterwards (not strings: nobody follows the view of a NULL). Constants and nested values are
 * hashed value by value, recursing over the type (at most TR_TYPE_DEPTH_MAX deep).
 */
#include "base/hash.h"

#include "base/check.h"
#include "base/hash_value.h"
#include "base/type.h"

#define CHUNK_ROWS 512

uint64_t tr_hash_bytes(const void *bytes, size_t length) { return XXH3_64bits(bytes, length); }

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

/** Fixed-width values of which some are NULL: hash them all, then put the NULLs right. */
static void hash_nullable(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *out,
			  bool combine, tr_hash_loop loop)
{
	const size_t width = tr_phys_bytes(column->type->phys);
	uint64_t hashes[CHUNK_ROWS];

	for (uint32_t done = 0; done < count; done += CHUNK_ROWS) {
		const uint32_t n = TR_MIN(count - done, (uint32_t)CHUNK_ROWS);

		if (rows != NULL)
			loop(column->data, rows + done, n, hashes);
		else
			loop((const char *)column->data + done * width, NULL, n, hashes);
		for (uint32_t i = 0; i < n; i++)
			if (!tr_bit_get(column->validity, rows != NULL ? rows[done + i] : done + i))
				hashes[i] = TR_HASH_NULL;
		for (uint32_t i = 0; i < n; i++)
			out[done + i] = combine ? tr_hash_combine(out[done + i], hashes[i]) : hashes[i];
	}
}

static void hash_column(const struct tr_column *column, const uint32_t *rows, uint32_t count, uint64_t *out,
			bool combine)
{
	const struct tr_hash_kernels *kernels = TR_ISA_PICK(tr_hash_kernels);
	const enum tr_phys phys = column->type->phys;
	const tr_hash_loop loop = (combine ? kernels->combine : kernels->set)[phys];

	if (loop == NULL || column->is_constant || (column->validity != NULL && phys == TR_PHYS_VIEW))
		hash_slowly(column, rows, count, out, combine);
	else if (column->validity != NULL)
		hash_nullable(column, rows, count, out, combine, kernels->set[phys]);
	else
		loop(column->data, rows, count, out);
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
