/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of maps. MAP_KEYS, MAP_VALUES and MAP_ENTRIES pass the map's own columns on; the others pick entries. Of equal
 * keys the last one counts, and stands where the first one stood.
 */
#include "base/check.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_nested.h"

static const struct tr_type *type_keys(struct tr_ask *ask)
{
	return tr_type_array(ask->arena, ask->want[0]->children[0]);
}

static const struct tr_type *type_values(struct tr_ask *ask)
{
	return tr_type_array(ask->arena, ask->want[0]->children[1]);
}

static const struct tr_type *type_entries(struct tr_ask *ask)
{
	static const char *const names[] = {"key", "value"};

	return tr_type_array(ask->arena, tr_type_row(ask->arena, names, ask->want[0]->children, 2));
}

static const struct tr_type *type_from_arrays(struct tr_ask *ask)
{
	return tr_type_map(ask->arena, ask->want[0]->children[0], ask->want[1]->children[0]);
}

/* ---- passing on ---- */

static tr_code run_part(struct tr_call *call)
{
	call->result->offsets = call->args[0].offsets;
	call->result->children = &call->args[0].children[call->code];
	return TR_OK;
}

static tr_code run_entries(struct tr_call *call)
{
	struct tr_column *entry = TR_NEW(call->heap, struct tr_column);

	*entry = (struct tr_column){.type = call->type->children[0], .children = call->args[0].children};
	call->result->offsets = call->args[0].offsets;
	call->result->children = entry;
	return TR_OK;
}

/* ---- picking ---- */

static tr_code run_from_arrays(struct tr_call *call)
{
	const struct tr_column *keys = &call->args[0].children[0], *values = &call->args[1].children[0];
	struct tr_column *children = TR_NEW_ARRAY(call->heap, 2, struct tr_column);
	struct tr_list_builder list;
	struct tr_picks picked; /* values */
	struct tr_value_set set;

	tr_list_begin(&list, call, call->count);
	tr_picks_init(&picked, call->heap, call->count);
	tr_value_set_init(&set, call->heap, &keys);
	TR_CALL_ROWS(call, row) {
		const struct tr_list_range from = tr_call_list(call, 0, row), to = tr_call_list(call, 1, row);
		const uint32_t count = (uint32_t)(from.end - from.begin), first = picked.count;

		if (count != (uint32_t)(to.end - to.begin))
			TR_CALL_FAIL(call, row, "MAP_FROM_ARRAYS of %u keys and %d values", count, to.end - to.begin);
		TR_TRY(tr_list_open(&list, row, count));
		TR_TRY(tr_picks_reserve(&picked, count, call->status));
		tr_value_set_begin(&set, count);
		for (uint32_t i = 0; i < count; i++) {
			const struct tr_pick key = {0, (uint32_t)from.begin + i};
			uint32_t position;

			if (tr_value_set_add(&set, key, &position)) {
				tr_pick(&list.picks, 0, key.row);
				tr_pick(&picked, 0, (uint32_t)to.begin + i);
			} else {
				picked.items[first + position].row = (uint32_t)to.begin + i;
			}
		}
	}
	TR_TRY(tr_picks_gather(&list.picks, call->type->children[0], &keys, 1, &children[0], call->status));
	TR_TRY(tr_picks_gather(&picked, call->type->children[1], &values, 1, &children[1], call->status));
	tr_list_end_with(&list, children);
	return TR_OK;
}

static tr_code run_union(struct tr_call *call)
{
	const uint32_t maps = call->arg_count;
	const struct tr_column **sources = TR_NEW_ARRAY(call->heap, 2 * maps + 1, const struct tr_column *);
	struct tr_list_builder list;
	struct tr_value_set set;

	memcpy(sources, tr_call_children(call, 0, maps, 0), maps * sizeof(*sources));
	memcpy(sources + maps, tr_call_children(call, 0, maps, 1), maps * sizeof(*sources));
	tr_list_begin(&list, call, call->count);
	tr_value_set_init(&set, call->heap, sources);
	TR_CALL_ROWS(call, row) {
		uint32_t count = 0, first = list.picks.count;

		for (uint32_t i = 0; i < maps; i++)
			count += tr_call_list_length(call, i, row);
		TR_TRY(tr_list_open(&list, row, count));
		tr_value_set_begin(&set, count);
		for (uint32_t i = 0; i < maps; i++) {
			const struct tr_list_range range = tr_call_list(call, i, row);

			for (int32_t entry = range.begin; entry < range.end; entry++) {
				const struct tr_pick pick = {i, (uint32_t)entry};
				uint32_t position;

				if (tr_value_set_add(&set, pick, &position))
					tr_pick(&list.picks, i, pick.row);
				else
					list.picks.items[first + position] = pick;
			}
		}
	}
	return tr_list_end(&list, sources, maps);
}

#define MAP(name_, params_, typer_, kernel_, flags_, code_, signature_, doc_, example_)            \
	{                                                                                          \
		.name = "MAP_" name_, .params = (params_), .typer = (typer_), .kernel = (kernel_), \
		.null_rule = TR_NULL_STRICT, .flags = (flags_), .code = (code_),                   \
		TR_FUNC_DOC("collection", "MAP_" name_ signature_, doc_, "MAP_" example_)          \
	}

static const struct tr_func rows[] = {
	MAP("ENTRIES", "K", type_entries, run_entries, TR_FUNC_PASSES, 0, "(map) -> ARRAY<ROW<key, value>>",
	    "The entries as rows.", "ENTRIES(MAP['a', 1])[1].key = 'a'"),
	MAP("FROM_ARRAYS", "AA", type_from_arrays, run_from_arrays, 0, 0, "(array of keys, array of values) -> MAP",
	    "A map of the keys to the values; there must be equally many.",
	    "FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2])['b'] = 2"),
	MAP("KEYS", "K", type_keys, run_part, TR_FUNC_PASSES, 0, "(map) -> ARRAY", "The keys.",
	    "KEYS(MAP['a', 1]) = ARRAY['a']"),
	MAP("UNION", "K*", tr_typer_cast_common, run_union, 0, 0, "(map, ...) -> MAP",
	    "The entries of all maps; of equal keys the last one counts.", "UNION(MAP['a', 1], MAP['a', 2])['a'] = 2"),
	MAP("VALUES", "K", type_values, run_part, TR_FUNC_PASSES, 1, "(map) -> ARRAY", "The values.",
	    "VALUES(MAP['a', 1]) = ARRAY[1]"),
};

const struct tr_func_table tr_func_map_table = {rows, TR_COUNT_OF(rows)};
