/* SPDX-License-Identifier: Apache-2.0
 *
 * Making arrays and maps, and taking them apart: ARRAY[..], MAP[..], a[i], m[k], CARDINALITY, ELEMENT.
 *
 * The values of a constructor have one common type; a map's keys are unique, the last value of a key counts. Where an index
 * or a key has no value, the result is NULL.
 */
#include "base/check.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_nested.h"

/* ---- constructors ---- */

/* The common type of the arguments first, first + step, ...; they are cast to it. NULL: there is none. */
static const struct tr_type *common_of(struct tr_ask *ask, uint32_t first, uint32_t step)
{
	const struct tr_type *common = NULL;
	bool is_nullable = false;

	for (uint32_t i = first; i < ask->count; i += step) {
		common = common == NULL ? ask->want[i] : tr_type_common(ask->arena, common, ask->want[i]);
		if (common == NULL)
			return NULL;
		is_nullable = is_nullable || ask->given[i]->is_nullable;
	}
	if (common->id == TR_TYPE_NULL)
		return NULL;
	for (uint32_t i = first; i < ask->count; i += step)
		ask->want[i] = tr_type_with_nullable(ask->arena, common, ask->given[i]->is_nullable);
	return tr_type_with_nullable(ask->arena, common, is_nullable);
}

static const struct tr_type *type_array(struct tr_ask *ask)
{
	const struct tr_type *element = common_of(ask, 0, 1);

	return element != NULL ? tr_type_array(ask->arena, element) : NULL;
}

static bool has_nulls_only(const struct tr_ask *ask, uint32_t first, uint32_t step)
{
	for (uint32_t i = first; i < ask->count; i += step)
		if (ask->given[i]->id != TR_TYPE_NULL)
			return false;
	return true;
}

static const struct tr_type *type_map(struct tr_ask *ask)
{
	const struct tr_type *key, *value;

	if (ask->count % 2 != 0)
		return NULL;
	key = common_of(ask, 0, 2);
	value = common_of(ask, 1, 2);
	if (key != NULL && value == NULL && has_nulls_only(ask, 1, 2)) { /* as Flink types them */
		value = tr_type_with_nullable(ask->arena, key, true);
		for (uint32_t i = 1; i < ask->count; i += 2)
			ask->want[i] = value;
	}
	return key != NULL && value != NULL ? tr_type_map(ask->arena, key, value) : NULL;
}

/* Pointers to the arguments first, first + step, ... */
static const struct tr_column **args_of(struct tr_call *call, uint32_t first, uint32_t step,
					const struct tr_column **out)
{
	uint32_t count = 0;

	for (uint32_t i = first; i < call->arg_count; i += step)
		out[count++] = &call->args[i];
	return out;
}

static tr_code run_array(struct tr_call *call)
{
	const struct tr_column **args = TR_NEW_ARRAY(call->heap, call->arg_count + 1, const struct tr_column *);
	struct tr_list_builder list;

	args_of(call, 0, 1, args);
	tr_list_begin(&list, call, TR_MIN(call->count, TR_LIST_ELEMENTS_MAX / call->arg_count) * call->arg_count);
	TR_CALL_ROWS(call, row) {
		TR_TRY(tr_list_open(&list, row, call->arg_count));
		for (uint32_t i = 0; i < call->arg_count; i++)
			tr_pick(&list.picks, i, row);
	}
	return tr_list_end(&list, args, call->arg_count);
}

static tr_code run_map(struct tr_call *call)
{
	const uint32_t pairs = call->arg_count / 2;
	const struct tr_column **args = TR_NEW_ARRAY(call->heap, call->arg_count + 1, const struct tr_column *);
	struct tr_list_builder list;
	struct tr_value_set keys;

	args_of(call, 0, 2, args);
	args_of(call, 1, 2, args + pairs);
	tr_list_begin(&list, call, TR_MIN(call->count, TR_LIST_ELEMENTS_MAX / call->arg_count) * pairs);
	tr_value_set_init(&keys, call->heap, args);
	TR_CALL_ROWS(call, row) {
		TR_TRY(tr_list_open(&list, row, pairs));
		tr_value_set_begin(&keys, pairs);
		for (uint32_t i = 0; i < pairs; i++) {
			uint32_t position;

			if (tr_value_set_add(&keys, (struct tr_pick){i, row}, &position))
				tr_pick(&list.picks, i, row);
			else
				list.picks.items[(uint32_t)list.offsets[row] + position].source = i;
		}
	}
	return tr_list_end(&list, args, pairs);
}

/* ---- access ---- */

static const struct tr_type *type_item_of_array(struct tr_ask *ask)
{
	return tr_type_with_nullable(ask->arena, ask->want[0]->children[0], true);
}

/* Keys are looked for as they are, texts and integers of any width; what else is not of the key's type is cast to it. */
static const struct tr_type *type_item_of_map(struct tr_ask *ask)
{
	const struct tr_type *key = ask->want[0]->children[0], *given = ask->given[1];

	const bool is_alike = (tr_type_is_text(given) && tr_type_is_text(key)) ||
			      (tr_type_is_integer(given) && tr_type_is_integer(key) && !tr_type_coerces(given, key));

	if (!is_alike) {
		if (given->id == TR_TYPE_NULL || !tr_type_coerces(given, key))
			return NULL;
		ask->want[1] = tr_type_with_nullable(ask->arena, key, given->is_nullable);
	}
	return tr_type_with_nullable(ask->arena, ask->want[0]->children[1], true);
}

static tr_code run_item_of_array(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_picks picks;
	struct tr_pick *items = tr_call_picks(call, &picks);

	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);
		const int32_t index = tr_column_i32(&call->args[1], row);

		if (index >= 1 && index <= range.end - range.begin)
			items[row] = (struct tr_pick){0, (uint32_t)(range.begin + index - 1)};
	}
	return tr_call_give(call, &picks, &element, 1);
}

static tr_code run_item_of_map(struct tr_call *call)
{
	const struct tr_column *keys = &call->args[0].children[0], *values = &call->args[0].children[1];
	struct tr_picks picks;
	struct tr_pick *items = tr_call_picks(call, &picks);

	TR_CALL_ROWS(call, row) {
		const struct tr_list_range range = tr_call_list(call, 0, row);

		for (int32_t i = range.end - 1; i >= range.begin; i--) {
			if (tr_column_is_null(keys, (uint32_t)i) ||
			    !tr_nested_equals(keys, (uint32_t)i, &call->args[1], row))
				continue;
			items[row] = (struct tr_pick){0, (uint32_t)i};
			break;
		}
	}
	return tr_call_give(call, &picks, &values, 1);
}

static const struct tr_type *type_cardinality(struct tr_ask *ask)
{
	return ask->want[0]->phys == TR_PHYS_LIST ? tr_type_of(TR_TYPE_INT) : NULL;
}

static tr_code run_cardinality(struct tr_call *call)
{
	int32_t *out = call->out;

	TR_CALL_ROWS(call, row)
		out[row] = (int32_t)tr_call_list_length(call, 0, row);
	return TR_OK;
}

static tr_code run_element(struct tr_call *call)
{
	const struct tr_column *element = &call->args[0].children[0];
	struct tr_picks picks;
	struct tr_pick *items = tr_call_picks(call, &picks);

	TR_CALL_ROWS(call, row) {
		const uint32_t length = tr_call_list_length(call, 0, row);

		if (length > 1)
			TR_CALL_FAIL(call, row, "ELEMENT of an array of %u elements; it may have one at most", length);
		if (length == 1)
			items[row] = (struct tr_pick){0, (uint32_t)tr_call_list(call, 0, row).begin};
	}
	return tr_call_give(call, &picks, &element, 1);
}

static const struct tr_func rows[] = {
	{.name = "ARRAY",
	 .params = "a*",
	 .typer = type_array,
	 .kernel = run_array,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_NOT_NULL | TR_FUNC_BRACKETS,
	 TR_FUNC_DOC("value", "ARRAY[value, ...] -> ARRAY<the common type>", "An array of the values.",
		     "ARRAY[1, 2][2] = 2")},
	{.name = "MAP",
	 .params = "aa*",
	 .typer = type_map,
	 .kernel = run_map,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_NOT_NULL | TR_FUNC_BRACKETS,
	 TR_FUNC_DOC("value", "MAP[key, value, ...] -> MAP<the keys' common type, the values' common type>",
		     "A map of keys to values; of equal keys the last one counts.", "MAP['a', 1, 'b', 2]['b'] = 2")},
	{.name = "ITEM",
	 .params = "Aq",
	 .typer = type_item_of_array,
	 .kernel = run_item_of_array,
	 .null_rule = TR_NULL_MAKES,
	 .flags = TR_FUNC_SUBSCRIPT,
	 TR_FUNC_DOC("value", "array[integer] -> the element's type",
		     "The element at that place, counted from 1; NULL if there is none.", "ARRAY['a', 'b'][1] = 'a'")},
	{.name = "ITEM",
	 .params = "Ka",
	 .typer = type_item_of_map,
	 .kernel = run_item_of_map,
	 .null_rule = TR_NULL_MAKES,
	 .flags = TR_FUNC_SUBSCRIPT,
	 TR_FUNC_DOC("value", "map[key] -> the value's type", "The value of the key; NULL if there is none.",
		     "MAP['a', 1]['a'] = 1")},
	{.name = "CARDINALITY",
	 .params = "a",
	 .typer = type_cardinality,
	 .kernel = run_cardinality,
	 .null_rule = TR_NULL_STRICT,
	 TR_FUNC_DOC("collection", "CARDINALITY(array | map) -> INT", "The number of elements or entries.",
		     "CARDINALITY(ARRAY[1, 2, 3]) = 3")},
	{.name = "ELEMENT",
	 .params = "A",
	 .typer = type_item_of_array,
	 .kernel = run_element,
	 .null_rule = TR_NULL_MAKES,
	 TR_FUNC_DOC("collection", "ELEMENT(array) -> the element's type",
		     "The only element; NULL of an empty array; an error if there are several.",
		     "ELEMENT(ARRAY[7]) = 7")},
};

const struct tr_func_table tr_func_nested_table = {rows, TR_COUNT_OF(rows)};
