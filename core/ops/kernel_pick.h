/* SPDX-License-Identifier: Apache-2.0
 *
 * Picks: how columns of any type are made of values that are there already. The one way to write nested results.
 *
 * A pick says which value comes next: row `row` of source `source`, or NULL. A function that builds arrays, takes them
 * apart, sorts them or merges them does not touch values: it writes picks, eight bytes a value whatever its type, and one
 * gather makes the column, a loop per physical type:
 *
 *     fixed width     copied                      ROW     each field by the same picks
 *     texts           the views, not the bytes    lists   offsets, and the picks of their elements, which are gathered in turn
 *
 *     ARRAY_REVERSE([a, b], [c])     picks (0, 1) (0, 0) (0, 2)     of the argument's element column
 *     ARRAY[x, y], rows 0 and 1      picks (0, 0) (1, 0) (0, 1) (1, 1)     of the columns x and y
 *
 * A list builder is the offsets of a call's result and the picks of its children: open a row, pick, go on to the next one.
 * Rows that are not opened (NULL, or not in the selection) are empty lists.
 *
 * All memory comes from the call's heap and lives until the program's next run. The bytes of texts stay where they were;
 * they live as long as the columns of the batch.
 */
#ifndef TR_CORE_OPS_KERNEL_PICK_H
#define TR_CORE_OPS_KERNEL_PICK_H

#include "core/ops/func_table.h"

#define TR_PICK_NULL UINT32_MAX                  /* as a row */
#define TR_LIST_ELEMENTS_MAX (UINT32_C(1) << 26) /* of all lists of one column of a batch */

struct tr_pick {
	uint32_t source;
	uint32_t row; /* or TR_PICK_NULL */
};

struct tr_picks {
	struct tr_arena *heap;
	struct tr_pick *items;
	uint32_t count;
	uint32_t capacity;
};

void tr_picks_init(struct tr_picks *picks, struct tr_arena *heap, uint32_t capacity);

/** Makes room for `count` picks more. TR_ERR_DATA: more than TR_LIST_ELEMENTS_MAX. */
tr_code tr_picks_reserve(struct tr_picks *picks, uint32_t count, struct tr_status *st) TR_MUST_USE;

/** There must be room. */
static inline void tr_pick(struct tr_picks *picks, uint32_t source, uint32_t row)
{
	picks->items[picks->count++] = (struct tr_pick){source, row};
}

/** Rows [begin, end) of a source. */
static inline void tr_pick_range(struct tr_picks *picks, uint32_t source, int32_t begin, int32_t end)
{
	for (int32_t i = begin; i < end; i++)
		tr_pick(picks, source, (uint32_t)i);
}

/** The column of the picked values of `sources`, which have the layout of `type` (or none: bare NULLs) and may be constant. */
tr_code tr_picks_gather(const struct tr_picks *picks, const struct tr_type *type,
			const struct tr_column *const *sources, uint32_t source_count, struct tr_column *out,
			struct tr_status *st) TR_MUST_USE;

/** A constant column of NULLs of any type, in `arena`. */
struct tr_column tr_null_column(struct tr_arena *arena, const struct tr_type *type);

/** A pick for each physical row of a call, all NULL at first; tr_call_give gathers them as the call's result. */
struct tr_pick *tr_call_picks(struct tr_call *call, struct tr_picks *picks);
tr_code tr_call_give(struct tr_call *call, const struct tr_picks *picks, const struct tr_column *const *sources,
		     uint32_t source_count) TR_MUST_USE;

/** A row of a list argument that is not NULL: its children are [begin, end). */
struct tr_list_range {
	int32_t begin;
	int32_t end;
};
static inline struct tr_list_range tr_call_list(const struct tr_call *call, uint32_t arg, uint32_t row)
{
	const struct tr_column *column = &call->args[arg];
	const uint32_t at = tr_column_row(column, row);

	return (struct tr_list_range){column->offsets[at], column->offsets[at + 1]};
}
static inline uint32_t tr_call_list_length(const struct tr_call *call, uint32_t arg, uint32_t row)
{
	const struct tr_list_range span = tr_call_list(call, arg, row);

	return (uint32_t)(span.end - span.begin);
}

struct tr_list_builder {
	struct tr_call *call;
	int32_t *offsets;
	uint32_t next;         /* the row to be opened next, at least */
	struct tr_picks picks; /* of the elements, or the keys */
};

/** `expected`: so many elements there will be, perhaps. */
void tr_list_begin(struct tr_list_builder *builder, struct tr_call *call, uint32_t expected);

/** The elements picked from here on are those of `row`; rows come in ascending order. Makes room for `count`. */
tr_code tr_list_open(struct tr_list_builder *builder, uint32_t row, uint32_t count) TR_MUST_USE;

/** Ends the last row and gives the call its offsets, and children by the builder's picks, one for each child of the type:
 * `sources` of the first child, then those of the second, `source_count` each. */
tr_code tr_list_end(struct tr_list_builder *builder, const struct tr_column *const *sources,
		    uint32_t source_count) TR_MUST_USE;

/** The same with children that are made already. */
void tr_list_end_with(struct tr_list_builder *builder, const struct tr_column *children);

/** Pointers to the children number `child` of the list arguments [first, first + count). */
const struct tr_column **tr_call_children(struct tr_call *call, uint32_t first, uint32_t count, uint32_t child);

#endif
