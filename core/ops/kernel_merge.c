/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging rows into registers, type by width.
 */
#include "core/ops/kernel_merge.h"

#include "base/check.h"
#include "base/type.h"

void tr_merge_store_init(struct tr_merge_store *store, struct tr_arena *arena, const struct tr_type *type,
			 uint32_t rows_max)
{
	size_t width = type->phys == TR_PHYS_LIST ? 0 : tr_phys_bytes((enum tr_phys)type->phys);
	size_t bytes = TR_MAX(width * rows_max, (size_t)1);

	store->type = type;
	store->rows_max = rows_max;
	store->data = memset(tr_arena_alloc_aligned(arena, bytes, 64), 0, bytes);
	bytes = TR_BITMAP_WORDS(rows_max) * sizeof(uint64_t);
	store->validity = memset(tr_arena_alloc_aligned(arena, bytes, 64), 0, bytes);
	if (type->child_count == 0)
		return;
	store->columns = TR_NEW_ARRAY(arena, type->child_count, struct tr_column);
	if (type->phys == TR_PHYS_LIST) {
		store->picks = TR_NEW_ARRAY(arena, rows_max, struct tr_pick);
		store->offsets = TR_NEW_ARRAY(arena, (size_t)rows_max + 1, int32_t);
		for (uint32_t i = 0; i < type->child_count; i++)
			store->columns[i] = tr_null_column(arena, type->children[i]);
		return;
	}
	store->children = TR_NEW_ARRAY(arena, type->child_count, struct tr_merge_store);
	for (uint32_t i = 0; i < type->child_count; i++)
		tr_merge_store_init(&store->children[i], arena, type->children[i], rows_max);
}

struct tr_column tr_merge_store_column(struct tr_merge_store *store)
{
	struct tr_column column = {
		.type = store->type, .data = store->data, .offsets = store->offsets, .children = store->columns};

	if (store->children != NULL)
		for (uint32_t i = 0; i < store->type->child_count; i++)
			store->columns[i] = tr_merge_store_column(&store->children[i]);
	return column;
}

static void forget_lists(struct tr_merge_store *store)
{
	store->merged = 0;
	store->source_count = 0;
	store->source_capacity = 0;
	if (store->picks != NULL)
		memset(store->picks, 0xFF, store->rows_max * sizeof(*store->picks));
	for (uint32_t i = 0; store->children != NULL && i < store->type->child_count; i++)
		forget_lists(&store->children[i]);
}

struct tr_column tr_merge_begin(struct tr_merge_store *store)
{
	forget_lists(store);
	return tr_merge_store_column(store);
}

void tr_merge_set_null(struct tr_merge_store *store, struct tr_column *out, uint32_t row, uint32_t row_count)
{
	if (out->validity == NULL) {
		memset(store->validity, 0xFF, TR_BITMAP_WORDS(row_count) * sizeof(uint64_t));
		out->validity = store->validity;
	}
	tr_bit_clear(store->validity, row);
}

#define COPY(type)                                                    \
	do {                                                          \
		type *target = store->data;                           \
		const type *values = source->data;                    \
		uint32_t mask = source->is_constant ? 0 : UINT32_MAX; \
		for (uint32_t i = 0; i < count; i++) {                \
			uint32_t row = rows != NULL ? rows[i] : i;    \
			target[row] = values[row & mask];             \
		}                                                     \
	} while (0)

struct sixteen {
	uint64_t words[2];
};

static void copy_values(struct tr_merge_store *store, const struct tr_column *source, const uint32_t *rows,
			uint32_t count)
{
	switch (tr_phys_bytes((enum tr_phys)source->type->phys)) {
	case 1: COPY(uint8_t); break;
	case 2: COPY(uint16_t); break;
	case 4: COPY(uint32_t); break;
	case 8: COPY(uint64_t); break;
	case 16: COPY(struct sixteen); break;
	default: break;
	}
}

/* Notes which rows come from `source`; NULLs too, whose bits tell. */
static void note_lists(struct tr_merge_store *store, const struct tr_column *source, const uint32_t *rows,
		       uint32_t count, struct tr_arena *heap)
{
	struct tr_column *copy = tr_arena_alloc(heap, sizeof(*copy));

	*copy = *source;
	if (store->source_count == store->source_capacity) {
		const uint32_t capacity = TR_MAX(store->source_capacity * 2, 8u);
		const struct tr_column **sources = tr_arena_alloc(heap, capacity * sizeof(struct tr_column *));

		if (store->source_count > 0)
			memcpy(sources, store->sources, store->source_count * sizeof(*sources));
		store->sources = sources;
		store->source_capacity = capacity;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows != NULL ? rows[i] : i;

		store->picks[row] = (struct tr_pick){store->source_count, row};
	}
	store->sources[store->source_count++] = copy;
}

void tr_merge_rows(struct tr_merge_store *store, struct tr_column *out, const struct tr_column *source,
		   const uint32_t *rows, uint32_t count, uint32_t row_count, struct tr_arena *heap)
{
	bool is_none = source->type->phys == TR_PHYS_NONE;

	if (is_none || source->validity != NULL)
		for (uint32_t i = 0; i < count; i++) {
			uint32_t row = rows != NULL ? rows[i] : i;

			if (tr_column_is_null(source, row))
				tr_merge_set_null(store, out, row, row_count);
		}
	if (is_none)
		return;
	if (source->type->phys == TR_PHYS_LIST) {
		note_lists(store, source, rows, count, heap);
		return;
	}
	if (source->type->phys != TR_PHYS_ROW) {
		copy_values(store, source, rows, count);
		return;
	}
	for (uint32_t i = 0; i < store->type->child_count; i++) {
		struct tr_column child = source->children[i];

		child.is_constant |= source->is_constant;
		tr_merge_rows(&store->children[i], &store->columns[i], &child, rows, count, row_count, heap);
	}
}

tr_code tr_merge_end(struct tr_merge_store *store, struct tr_column *out, uint32_t row_count, struct tr_arena *heap,
		     struct tr_status *st)
{
	const struct tr_picks picks = {.heap = heap, .items = store->picks, .count = row_count, .capacity = row_count};
	struct tr_column lists;

	for (uint32_t i = 0; store->children != NULL && i < store->type->child_count; i++)
		TR_TRY(tr_merge_end(&store->children[i], &store->columns[i], row_count, heap, st));
	if (store->type->phys != TR_PHYS_LIST)
		return TR_OK;
	TR_TRY(tr_picks_gather(&picks, store->type, store->sources, store->source_count, &lists, st));
	out->offsets = lists.offsets;
	out->children = lists.children;
	return TR_OK;
}

tr_code tr_merge_spread(struct tr_merge_store *store, struct tr_column *column, uint32_t row_count,
			struct tr_arena *heap, struct tr_status *st)
{
	struct tr_column out = tr_merge_begin(store);

	tr_merge_rows(store, &out, column, NULL, row_count, row_count, heap);
	TR_TRY(tr_merge_end(store, &out, row_count, heap, st));
	out.type = column->type;
	*column = out;
	return TR_OK;
}
