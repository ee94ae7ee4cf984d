/* SPDX-License-Identifier: Apache-2.0
 *
 * Casts of ROW, ARRAY, MAP and MULTISET to the same with other types inside: field by field, element by element.
 *
 *     ROW     the fields' columns are cast for the rows that are not NULL; the validity stays
 *     lists   the offsets stay; the elements of those rows are the rows of a cast of their own
 *
 * What needs no cast is passed on by reference, the rest lives in the call's heap until the program's next run. A call
 * within the call has its own validity and its own rows; a failure is told with the row of the outermost one. With TRY_CAST
 * a failure anywhere makes the whole outermost value NULL, so the rows that failed are handed up as bits (`bad`, else NULL).
 */
#include <string.h>

#include "base/type.h"
#include "core/ops/kernel_cast.h"
#include "core/ops/kernel_pick.h"

/* The rows to cast: `rows` of `row_count` that the column has. */
struct span {
	const uint32_t *rows; /* NULL: 0 .. count - 1 */
	uint32_t count;
	uint32_t row_count;
};

static tr_code cast_column(struct tr_call *outer, const struct tr_column *from, const struct tr_type *to,
			   const struct span *span, struct tr_column *out, uint64_t *bad);

static uint64_t *new_bits(struct tr_call *call, uint32_t count)
{
	return memset(TR_NEW_ARRAY(call->heap, TR_BITMAP_WORDS(count) + 1, uint64_t), 0,
		      (TR_BITMAP_WORDS(count) + 1) * sizeof(uint64_t));
}

/* The rows of `span` that are not NULL in `column`. */
static struct span valid_rows(struct tr_call *call, const struct tr_column *column, const struct span *span)
{
	uint32_t *rows = TR_NEW_ARRAY(call->heap, span->count + 1, uint32_t);
	struct span valid = {.rows = rows, .row_count = span->row_count};

	if (column->validity == NULL)
		return *span;
	for (uint32_t i = 0; i < span->count; i++) {
		const uint32_t row = span->rows != NULL ? span->rows[i] : i;

		if (!tr_column_is_null(column, row))
			rows[valid.count++] = row;
	}
	return valid;
}

static tr_code cast_scalar(struct tr_call *outer, tr_kernel kernel, const struct tr_column *from,
			   const struct tr_type *to, const struct span *span, struct tr_column *out, uint64_t *bad)
{
	const struct span valid = valid_rows(outer, from, span);
	const size_t words = TR_BITMAP_WORDS(span->row_count);
	struct tr_call call = *outer;
	tr_code code;

	call.type = to;
	call.args = from;
	call.arg_count = 1;
	call.rows = valid.rows;
	call.count = valid.count;
	call.row_count = span->row_count;
	call.out = tr_arena_alloc(outer->heap, (size_t)span->row_count * tr_phys_bytes((enum tr_phys)to->phys) + 16);
	call.validity = tr_arena_alloc(outer->heap, (words + 1) * sizeof(uint64_t));
	call.has_nulls = from->validity != NULL;
	call.bad_rows = bad;
	if (from->validity != NULL)
		memcpy(call.validity, from->validity, words * sizeof(uint64_t));
	else
		memset(call.validity, 0xFF, words * sizeof(uint64_t));
	code = valid.count > 0 ? kernel(&call) : TR_OK;
	outer->failed_row = call.failed_row;
	*out = (struct tr_column){.type = to,
				  .data = call.out,
				  .validity = call.has_nulls ? call.validity : NULL,
				  .is_constant = from->is_constant};
	return code;
}

static tr_code cast_row(struct tr_call *outer, const struct tr_column *from, const struct tr_type *to,
			const struct span *span, struct tr_column *children, uint64_t *bad)
{
	const struct span valid = valid_rows(outer, from, span);

	for (uint32_t i = 0; i < to->child_count; i++)
		TR_TRY(cast_column(outer, &from->children[i], to->children[i], &valid, &children[i], bad));
	return TR_OK;
}

/* The number in `span` of the row that element `element` belongs to; `parents` are the valid rows. */
static uint32_t parent_of(const struct tr_column *list, const struct span *parents, uint32_t element)
{
	for (uint32_t i = 0; i < parents->count; i++) {
		const uint32_t row = parents->rows != NULL ? parents->rows[i] : i;

		if ((int32_t)element >= list->offsets[row] && (int32_t)element < list->offsets[row + 1])
			return row;
	}
	return 0;
}

static tr_code cast_list(struct tr_call *outer, const struct tr_column *from, const struct tr_type *to,
			 const struct span *span, struct tr_column *children, uint64_t *bad)
{
	const struct span valid = valid_rows(outer, from, span);
	struct span elements = {0};
	uint64_t *bad_elements = NULL;
	uint32_t *rows, total = 0;

	for (uint32_t i = 0; i < valid.count; i++) {
		const uint32_t row = valid.rows != NULL ? valid.rows[i] : i;

		total += (uint32_t)(from->offsets[row + 1] - from->offsets[row]);
	}
	rows = TR_NEW_ARRAY(outer->heap, total + 1, uint32_t);
	for (uint32_t i = 0; i < valid.count; i++) {
		const uint32_t row = valid.rows != NULL ? valid.rows[i] : i;

		for (int32_t e = from->offsets[row]; e < from->offsets[row + 1]; e++)
			rows[elements.count++] = (uint32_t)e;
	}
	elements.rows = rows;
	elements.row_count = total > 0 ? rows[total - 1] + 1 : 0;
	if (bad != NULL)
		bad_elements = new_bits(outer, elements.row_count);
	for (uint32_t i = 0; i < to->child_count; i++) {
		const tr_code code =
			cast_column(outer, &from->children[i], to->children[i], &elements, &children[i], bad_elements);

		if (code != TR_OK)
			outer->failed_row = parent_of(from, &valid, outer->failed_row);
		TR_TRY(code);
	}
	for (uint32_t i = 0; bad != NULL && i < valid.count; i++) {
		const uint32_t row = valid.rows != NULL ? valid.rows[i] : i;

		for (int32_t e = from->offsets[row]; e < from->offsets[row + 1]; e++)
			if (tr_bit_get(bad_elements, (uint32_t)e))
				tr_bit_set(bad, row);
	}
	return TR_OK;
}

static tr_code cast_column(struct tr_call *outer, const struct tr_column *from, const struct tr_type *to,
			   const struct span *span, struct tr_column *out, uint64_t *bad)
{
	const struct span one = {.count = 1, .row_count = 1};
	const struct span *given = span;
	uint64_t *own = bad;
	struct tr_column *children;
	struct tr_cast cast;
	bool is_found;
	tr_code code;

	if (from->type->phys == TR_PHYS_NONE) {
		*out = tr_null_column(outer->heap, to);
		return TR_OK;
	}
	is_found = tr_cast_find(from->type, to, &cast);
	TR_ASSERT(is_found);
	*out = *from;
	out->type = to;
	if (cast.kernel == NULL)
		return TR_OK;
	if (from->is_constant) {
		span = &one;
		own = bad != NULL ? new_bits(outer, 1) : NULL;
	}
	if (!cast.is_nested) {
		code = cast_scalar(outer, cast.kernel, from, to, span, out, own);
	} else {
		children = TR_NEW_ARRAY(outer->heap, to->child_count + 1, struct tr_column);
		out->children = children;
		code = to->phys == TR_PHYS_LIST ? cast_list(outer, from, to, span, children, own)
						: cast_row(outer, from, to, span, children, own);
	}
	for (uint32_t i = 0; own != bad && tr_bit_get(own, 0) && i < given->count; i++)
		tr_bit_set(bad, given->rows != NULL ? given->rows[i] : i);
	return code;
}

tr_code tr_cast_nested(struct tr_call *call)
{
	const struct span span = {.rows = call->rows, .count = call->count, .row_count = call->row_count};
	uint64_t *bad = call->is_try ? new_bits(call, call->row_count) : NULL;
	struct tr_column out;

	TR_TRY(cast_column(call, &call->args[0], call->type, &span, &out, bad));
	call->has_nulls = out.validity != NULL;
	if (call->has_nulls && out.is_constant)
		memset(call->validity, (out.validity[0] & 1) != 0 ? 0xFF : 0,
		       TR_BITMAP_WORDS(call->row_count) * sizeof(uint64_t));
	else if (call->has_nulls)
		memcpy(call->validity, out.validity, TR_BITMAP_WORDS(call->row_count) * sizeof(uint64_t));
	for (uint32_t i = 0; bad != NULL && i < call->count; i++) {
		const uint32_t row = call->rows != NULL ? call->rows[i] : i;

		if (tr_bit_get(bad, row))
			tr_call_set_null(call, row);
	}
	call->result->children = out.children;
	call->result->offsets = out.offsets;
	return TR_OK;
}
