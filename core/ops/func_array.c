/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of arrays. Results are picks of the arguments' elements (core/ops/kernel_pick.h): nothing is copied until all
 * rows are known.
 *
 * An element given beside an array is cast to the type of the array's elements; several arrays are cast to their common
 * type. Elements are equal as kernel_nested.h says, and NULL is an element like any other.
 */
#include "base/check.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_nested.h"
#include "core/ops/kernel_value.h"

/* ---- types ---- */

static const struct tr_type *element_of(const struct tr_ask *ask) { return ask->want[0]->children[0]; }

/* Whether argument 1 can be an element of argument 0; it is cast to one. */
static bool takes_element(struct tr_ask *ask)
{
	const struct tr_type *element = element_of(ask), *given = ask->given[1];

	if (given->id != TR_TYPE_NULL && !tr_type_coerces(given, element) &&
	    !(tr_type_is_text(given) && tr_type_is_text(element)))
		return false;
	ask->want[1] = tr_type_with_nullable(ask->arena, element, given->is_nullable);
	return true;
}

/* The array with an element more. */
static const struct tr_type *type_grown(struct tr_ask *ask)
{
	const struct tr_type *element = element_of(ask);

	if (!takes_element(ask))
		return NULL;
	return tr_type_array(ask->arena, tr_type_with_nullable(ask->arena, element,
							       element->is_nullable || ask->given[1]->is_nullable));
}

static const struct tr_type *type_contains(struct tr_ask *ask)
{
	return takes_element(ask) ? tr_type_of(TR_TYPE_BOOLEAN) : NULL;
}

static const struct tr_type *type_position(struct tr_ask *ask)
{
	return takes_element(ask) ? tr_type_of(TR_TYPE_INT) : NULL;
}

static const struct tr_type *type_remove(struct tr_ask *ask) { return takes_element(ask) ? ask->want[0] : NULL; }

static bool has_order(const struct tr_type *type)
{
	return tr_type_is_numeric(type) || tr_type_is_text(type) || tr_type_is_bytes(type) ||
	       (type->id >= TR_TYPE_DATE && type->id <= TR_TYPE_TIMESTAMP_LTZ);
}

static const struct tr_type *type_extreme(struct tr_ask *ask)
{
	return has_order(element_of(ask)) ? element_of(ask) : NULL;
}

static const struct tr_type *type_sorted(struct tr_ask *ask)
{
	return has_order(element_of(ask)) ? ask->want[0] : NULL;
}

static const struct tr_type *type_join(struct tr_ask *ask)
{
	return tr_type_is_text(element_of(ask)) ? tr_type_of(TR_TYPE_VARCHAR) : NULL;
}

/* ---- adding elements ---- */

static tr_code add_element(struct tr_call *call, bool at_end)
{
	const struct tr_column *sources[2] = {&call->args[0].children[0], &call->args[1]};
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		struct tr_list_range range;

		if (tr_column_is_null(&call->args[0], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		range = tr_call_list(call, 0, row);
		TR_TRY(tr_list_open(&list, row, (uint32_t)(range.end - range.begin) + 1));
		if (!at_end)
			tr_pick(&list.picks, 1, row);
		tr_pick_range(&list.picks, 0, range.begin, range.end);
		if (at_end)
			tr_pick(&list.picks, 1, row);
	}
	return tr_list_end(&list, sources, 2);
}
static tr_code run_append(struct tr_call *call) { return add_element(call, true); }
static tr_code run_prepend(struct tr_call *call) { return add_element(call, false); }

static tr_code run_concat(struct tr_call *call)
{
	const struct tr_column **sources = tr_call_children(call, 0, call->arg_count, 0);
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		TR_TRY(tr_list_open(&list, row, 0));
		for (uint32_t i = 0; i < call->arg_count; i++) {
			const struct tr_list_range range = tr_call_list(call, i, row);

			TR_TRY(tr_picks_reserve(&list.picks, (uint32_t)(range.end - range.begin), call->status));
			tr_pick_range(&list.picks, i, range.begin, range.end);
		}
	}
	return tr_list_end(&list, sources, call->arg_count);
}

/* ---- finding elements ---- */

static tr_code run_contains(struct tr_call *call)
{
	uint8_t *out = call->out;

	TR_CALL_ROWS(call, row) {
		if (tr_column_is_null(&call->args[0], row))
			tr_call_set_null(call, row);
		else
			out[row] = tr_nested_find(&call->args[0].children[0], tr_call_list(call, 0, row),
						  &call->args[1], row) >= 0;
	}
	return TR_OK;
}

static tr_code run_position(struct tr_call *call)
{
	int32_t *out = call->out;

	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);
		const int32_t at = tr_nested_find(&call->args[0].children[0], range, &call->args[1], row);

		out[row] = at < 0 ? 0 : at - range.begin + 1;
	}
	return TR_OK;
}

static tr_code run_remove(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		struct tr_list_range range;
		int32_t at;

		if (tr_column_is_null(&call->args[0], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		range = tr_call_list(call, 0, row);
		TR_TRY(tr_list_open(&list, row, (uint32_t)(range.end - range.begin)));
		while ((at = tr_nested_find(element, range, &call->args[1], row)) >= 0) {
			tr_pick_range(&list.picks, 0, range.begin, at);
			range.begin = at + 1;
		}
		tr_pick_range(&list.picks, 0, range.begin, range.end);
	}
	return tr_list_end(&list, &element, 1);
}

/* ---- as sets ---- */

/* Adds the row's elements of an argument to the set, and picks those that were new, if `picks` is not NULL. */
static void add_to_set(struct tr_call *call, uint32_t arg, uint32_t row, struct tr_value_set *set,
		       struct tr_picks *picks)
{
	const struct tr_list_range range = tr_call_list(call, arg, row);

	for (int32_t i = range.begin; i < range.end; i++) {
		const struct tr_pick pick = {arg, (uint32_t)i};
		uint32_t position;

		if (tr_value_set_add(set, pick, &position) && picks != NULL)
			tr_pick(picks, arg, pick.row);
	}
}

/* ARRAY_DISTINCT and ARRAY_UNION. */
static tr_code run_union(struct tr_call *call)
{
	const struct tr_column **sources = tr_call_children(call, 0, call->arg_count, 0);
	struct tr_list_builder list;
	struct tr_value_set set;

	tr_list_begin(&list, call, call->count);
	tr_value_set_init(&set, call->heap, sources);
	TR_CALL_ROWS(call, row) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < call->arg_count; i++)
			count += tr_call_list_length(call, i, row);
		TR_TRY(tr_list_open(&list, row, count));
		tr_value_set_begin(&set, count);
		for (uint32_t i = 0; i < call->arg_count; i++)
			add_to_set(call, i, row, &set, &list.picks);
	}
	return tr_list_end(&list, sources, call->arg_count);
}

/* The elements of the first array that are (wanted) or are not in the second, each once. */
static tr_code pick_shared(struct tr_call *call, bool wanted)
{
	const struct tr_column **sources = tr_call_children(call, 0, 2, 0);
	struct tr_value_set taken, second;
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	tr_value_set_init(&taken, call->heap, sources);
	tr_value_set_init(&second, call->heap, sources);
	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);

		TR_TRY(tr_list_open(&list, row, (uint32_t)(range.end - range.begin)));
		tr_value_set_begin(&taken, (uint32_t)(range.end - range.begin));
		tr_value_set_begin(&second, tr_call_list_length(call, 1, row));
		add_to_set(call, 1, row, &second, NULL);
		for (int32_t i = range.begin; i < range.end; i++) {
			const struct tr_pick pick = {0, (uint32_t)i};
			uint32_t position;

			if ((tr_value_set_find(&second, pick) != UINT32_MAX) == wanted &&
			    tr_value_set_add(&taken, pick, &position))
				tr_pick(&list.picks, 0, pick.row);
		}
	}
	return tr_list_end(&list, sources, 2);
}
static tr_code run_intersect(struct tr_call *call) { return pick_shared(call, true); }
static tr_code run_except(struct tr_call *call) { return pick_shared(call, false); }

/* ---- order ---- */

static tr_code run_reverse(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);

		TR_TRY(tr_list_open(&list, row, (uint32_t)(range.end - range.begin)));
		for (int32_t i = range.end; i-- > range.begin;)
			tr_pick(&list.picks, 0, (uint32_t)i);
	}
	return tr_list_end(&list, &element, 1);
}

/* Indexes count from 1, negative ones from the end, -1 the last; 0 is 1. Both ends belong to the slice. */
static tr_code run_slice(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);
		const int64_t length = range.end - range.begin;
		int64_t first = tr_column_i32(&call->args[1], row);
		int64_t last = call->arg_count > 2 ? tr_column_i32(&call->args[2], row) : length;

		first = TR_MAX(first < 0 ? first + length + 1 : first, (int64_t)1);
		last = last < 0 ? last + length + 1 : last;
		last = TR_MIN(last == 0 ? 1 : last, length);
		TR_TRY(tr_list_open(&list, row, last >= first ? (uint32_t)(last - first) + 1 : 0));
		if (last >= first)
			tr_pick_range(&list.picks, 0, range.begin + (int32_t)first - 1, range.begin + (int32_t)last);
	}
	return tr_list_end(&list, &element, 1);
}

/* Whether a is greater, as Java's operator has it: nothing is greater than a NaN, nor a NaN than anything. */
static bool is_greater(const struct tr_column *column, uint32_t a, uint32_t b)
{
	if (column->type->phys == TR_PHYS_F64)
		return tr_column_f64(column, a) > tr_column_f64(column, b);
	if (column->type->phys == TR_PHYS_F32)
		return tr_column_f32(column, a) > tr_column_f32(column, b);
	return tr_value_compare(column, a, column, b) > 0;
}

static tr_code run_extreme(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_picks picks;
	struct tr_pick *items = tr_call_picks(call, &picks);

	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);
		uint32_t best = TR_PICK_NULL;

		for (uint32_t i = (uint32_t)range.begin; i < (uint32_t)range.end; i++) {
			if (tr_column_is_null(element, i))
				continue;
			if (best == TR_PICK_NULL ||
			    (call->code > 0 ? is_greater(element, i, best) : is_greater(element, best, i)))
				best = i;
		}
		items[row] = (struct tr_pick){0, best};
	}
	return tr_call_give(call, &picks, &element, 1);
}

/* What a sort goes by. */
struct order {
	const struct tr_column *column;
	int direction; /* 1 ascending, -1 descending */
	bool is_nulls_first;
};

static bool comes_before(const struct order *order, uint32_t a, uint32_t b)
{
	const bool a_null = tr_column_is_null(order->column, a), b_null = tr_column_is_null(order->column, b);

	if (a_null || b_null)
		return a_null != b_null && a_null == order->is_nulls_first;
	return tr_value_compare(order->column, a, order->column, b) * order->direction < 0;
}

/* Merges the sorted [0, middle) and [middle, count) of `items` by way of `spare`. */
static void merge(const struct order *order, struct tr_pick *items, uint32_t middle, uint32_t count,
		  struct tr_pick *spare)
{
	uint32_t i = 0, j = middle;

	memcpy(spare, items, (size_t)count * sizeof(*items));
	for (uint32_t out = 0; out < count; out++) {
		const bool takes_right = i == middle || (j < count && comes_before(order, spare[j].row, spare[i].row));

		items[out] = takes_right ? spare[j++] : spare[i++];
	}
}

/* Merge sort from the bottom up; equal elements keep their order. */
static void sort(const struct order *order, struct tr_pick *items, uint32_t count, struct tr_pick *spare)
{
	for (uint64_t width = 1; width < count; width *= 2)
		for (uint64_t at = 0; at + width < count; at += 2 * width)
			merge(order, items + at, (uint32_t)width, (uint32_t)TR_MIN(2 * width, count - at), spare);
}

static tr_code run_sort(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_picks spare;
	struct tr_list_builder list;

	tr_list_begin(&list, call, call->count);
	tr_picks_init(&spare, call->heap, 0);
	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);
		const uint32_t length = (uint32_t)(range.end - range.begin);
		const bool is_ascending = call->arg_count < 2 || tr_column_i8(&call->args[1], row) != 0;
		const struct order order = {
			.column = element,
			.direction = is_ascending ? 1 : -1,
			.is_nulls_first = call->arg_count < 3 ? is_ascending : tr_column_i8(&call->args[2], row) != 0};

		TR_TRY(tr_list_open(&list, row, length));
		TR_TRY(tr_picks_reserve(&spare, length, call->status));
		tr_pick_range(&list.picks, 0, range.begin, range.end);
		sort(&order, list.picks.items + list.picks.count - length, length, spare.items);
	}
	return tr_list_end(&list, &element, 1);
}

/* ---- as a text ---- */

static tr_code run_join(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];

	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);
		const struct tr_piece delimiter = tr_call_piece(call, 1, row);
		const struct tr_piece none =
			call->arg_count > 2 ? tr_call_piece(call, 2, row) : (struct tr_piece){NULL, 0};
		uint64_t length = 0, at = 0;
		char *text;

		for (uint32_t i = (uint32_t)range.begin; i < (uint32_t)range.end; i++)
			length += delimiter.length +
				  (tr_column_is_null(element, i) ? none.length : tr_column_view(element, i)->length);
		TR_CALL_CHECK_LENGTH(call, row, length);
		text = tr_call_new_text(call, length);
		for (uint32_t i = (uint32_t)range.begin, parts = 0; i < (uint32_t)range.end; i++) {
			struct tr_piece piece = none;

			if (!tr_column_is_null(element, i))
				piece = (struct tr_piece){tr_view_text(tr_column_view(element, i)),
							  tr_column_view(element, i)->length};
			else if (call->arg_count < 3)
				continue;
			if (parts++ > 0) {
				memcpy(text + at, delimiter.text, delimiter.length);
				at += delimiter.length;
			}
			if (piece.length > 0)
				memcpy(text + at, piece.text, piece.length);
			at += piece.length;
		}
		tr_call_put(call, row, text, (uint32_t)at);
	}
	return TR_OK;
}

#define ARRAY(name_, params_, typer_, kernel_, null_rule_, flags_, code_, signature_, doc_, example_) \
	{                                                                                             \
		.name = "ARRAY_" name_, .params = (params_), .typer = (typer_), .kernel = (kernel_),  \
		.null_rule = (null_rule_), .flags = (flags_), .code = (code_),                        \
		TR_FUNC_DOC("collection", "ARRAY_" name_ signature_, doc_, "ARRAY_" example_)         \
	}

static const struct tr_func rows[] = {
	ARRAY("APPEND", "Aa", type_grown, run_append, TR_NULL_CUSTOM, 0, 0, "(array, element) -> ARRAY",
	      "The array with an element more at its end.", "APPEND(ARRAY[1, 2], 3) = ARRAY[1, 2, 3]"),
	ARRAY("CONCAT", "A*", tr_typer_cast_common, run_concat, TR_NULL_STRICT, 0, 0, "(array, ...) -> ARRAY",
	      "The elements of all arrays, one after the other.",
	      "CONCAT(ARRAY[1, 2], ARRAY[2, 3]) = ARRAY[1, 2, 2, 3]"),
	ARRAY("CONTAINS", "Aa", type_contains, run_contains, TR_NULL_CUSTOM, TR_FUNC_NULL_IF_FIRST, 0,
	      "(array, element) -> BOOLEAN", "Whether the element is in the array; NULL finds a NULL.",
	      "CONTAINS(ARRAY[1, 2], 2)"),
	ARRAY("DISTINCT", "A", tr_typer_first, run_union, TR_NULL_STRICT, 0, 0, "(array) -> ARRAY",
	      "Each element once, where it comes first.", "DISTINCT(ARRAY[1, 2, 1]) = ARRAY[1, 2]"),
	ARRAY("EXCEPT", "AA", tr_typer_cast_common, run_except, TR_NULL_STRICT, 0, 0, "(array, array) -> ARRAY",
	      "The elements of the first array that are not in the second, each once.",
	      "EXCEPT(ARRAY[1, 2, 2, 3], ARRAY[3]) = ARRAY[1, 2]"),
	ARRAY("INTERSECT", "AA", tr_typer_cast_common, run_intersect, TR_NULL_STRICT, 0, 0, "(array, array) -> ARRAY",
	      "The elements of the first array that are in the second, too, each once.",
	      "INTERSECT(ARRAY[1, 2, 2, 3], ARRAY[3, 2]) = ARRAY[2, 3]"),
	ARRAY("JOIN", "As?s", type_join, run_join, TR_NULL_STRICT, 0, 0,
	      "(array of strings, delimiter [, text for NULL]) -> STRING",
	      "The elements as one text. NULLs are left out, or written as the third argument says.",
	      "JOIN(ARRAY['a', 'b'], '+') = 'a+b'"),
	ARRAY("MAX", "A", type_extreme, run_extreme, TR_NULL_MAKES, 0, 1, "(array) -> the element's type",
	      "The greatest element; NULLs do not count.", "MAX(ARRAY[1, 3, 2]) = 3"),
	ARRAY("MIN", "A", type_extreme, run_extreme, TR_NULL_MAKES, 0, -1, "(array) -> the element's type",
	      "The least element; NULLs do not count.", "MIN(ARRAY[2, 1, 3]) = 1"),
	ARRAY("POSITION", "Aa", type_position, run_position, TR_NULL_STRICT, 0, 0, "(array, element) -> INT",
	      "Where the element is first, from 1; 0: nowhere.", "POSITION(ARRAY['a', 'b'], 'b') = 2"),
	ARRAY("PREPEND", "Aa", type_grown, run_prepend, TR_NULL_CUSTOM, 0, 0, "(array, element) -> ARRAY",
	      "The array with an element more at its beginning.", "PREPEND(ARRAY[1, 2], 3) = ARRAY[3, 1, 2]"),
	ARRAY("REMOVE", "Aa", type_remove, run_remove, TR_NULL_CUSTOM, TR_FUNC_NULL_IF_FIRST, 0,
	      "(array, element) -> ARRAY", "The array without the elements that are equal to that one.",
	      "REMOVE(ARRAY[1, 2, 1], 1) = ARRAY[2]"),
	ARRAY("REVERSE", "A", tr_typer_first, run_reverse, TR_NULL_STRICT, 0, 0, "(array) -> ARRAY",
	      "The elements from the last to the first.", "REVERSE(ARRAY[1, 2]) = ARRAY[2, 1]"),
	ARRAY("SLICE", "Ai?i", tr_typer_first, run_slice, TR_NULL_STRICT, 0, 0, "(array, first [, last]) -> ARRAY",
	      "The elements from one index to another, both included; negative ones count from the end.",
	      "SLICE(ARRAY[1, 2, 3], 2, -1) = ARRAY[2, 3]"),
	ARRAY("SORT", "A?bb", type_sorted, run_sort, TR_NULL_STRICT, 0, 0,
	      "(array [, ascending [, nulls first]]) -> ARRAY",
	      "The elements in order, ascending if nothing is said; NULLs first then, else last.",
	      "SORT(ARRAY[2, 3, 1], FALSE) = ARRAY[3, 2, 1]"),
	ARRAY("UNION", "AA", tr_typer_cast_common, run_union, TR_NULL_STRICT, 0, 0, "(array, array) -> ARRAY",
	      "The elements of both arrays, each once.", "UNION(ARRAY[1, 2], ARRAY[2, 3]) = ARRAY[1, 2, 3]"),
};

const struct tr_func_table tr_func_array_table = {rows, TR_COUNT_OF(rows)};
