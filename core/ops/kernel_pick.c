/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering picked values, type by type; and the list builder.
 */
#include "core/ops/kernel_pick.h"

#include "base/check.h"
#include "base/type.h"

/* ---- picks ---- */

void tr_picks_init(struct tr_picks *picks, struct tr_arena *heap, uint32_t capacity)
{
	capacity = TR_MAX(capacity, 16u);
	*picks = (struct tr_picks){.heap = heap, .capacity = capacity};
	picks->items = tr_arena_alloc(heap, (size_t)capacity * sizeof(*picks->items));
}

tr_code tr_picks_reserve(struct tr_picks *picks, uint32_t count, struct tr_status *st)
{
	const uint64_t wanted = (uint64_t)picks->count + count;
	struct tr_pick *items;

	if (wanted <= picks->capacity)
		return TR_OK;
	if (wanted > TR_LIST_ELEMENTS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "the lists of one batch have more than %u elements", TR_LIST_ELEMENTS_MAX);
	picks->capacity = (uint32_t)TR_MAX(wanted, (uint64_t)picks->capacity * 2);
	items = tr_arena_alloc(picks->heap, (size_t)picks->capacity * sizeof(*items));
	memcpy(items, picks->items, (size_t)picks->count * sizeof(*items));
	picks->items = items;
	return TR_OK;
}

/* ---- gathering ---- */

/* What a loop needs of each source. */
struct inputs {
	const void **data;
	uint32_t *masks;
};

static struct inputs list_inputs(struct tr_arena *heap, const struct tr_column *const *sources, uint32_t count)
{
	struct inputs inputs = {TR_NEW_ARRAY(heap, count + 1, const void *), TR_NEW_ARRAY(heap, count + 1, uint32_t)};

	for (uint32_t i = 0; i < count; i++) {
		inputs.data[i] = sources[i]->data;
		inputs.masks[i] = sources[i]->is_constant ? 0 : UINT32_MAX;
	}
	return inputs;
}

static bool is_null(const struct tr_pick *pick, const struct tr_column *const *sources)
{
	return pick->row == TR_PICK_NULL || tr_column_is_null(sources[pick->source], pick->row);
}

/* The bitmap of the result; NULL: no picked value is NULL. Picks of NULLs become TR_PICK_NULL in `plain`. */
static uint64_t *gather_validity(const struct tr_picks *picks, const struct tr_column *const *sources,
				 uint32_t source_count, struct tr_picks *plain)
{
	const size_t bytes = (TR_BITMAP_WORDS(picks->count) + 1) * sizeof(uint64_t);
	uint64_t *bits = NULL;
	bool may_have = false;

	*plain = *picks;
	for (uint32_t i = 0; i < source_count && !may_have; i++)
		may_have = sources[i]->validity != NULL || sources[i]->type->phys == TR_PHYS_NONE;
	for (uint32_t i = 0; i < picks->count; i++) {
		if (may_have ? !is_null(&picks->items[i], sources) : picks->items[i].row != TR_PICK_NULL)
			continue;
		if (bits == NULL) {
			bits = memset(tr_arena_alloc(picks->heap, bytes), 0xFF, bytes);
			plain->items = tr_arena_alloc(picks->heap, (size_t)picks->count * sizeof(*plain->items));
			plain->capacity = picks->count;
			memcpy(plain->items, picks->items, (size_t)picks->count * sizeof(*plain->items));
		}
		tr_bit_clear(bits, i);
		plain->items[i].row = TR_PICK_NULL;
	}
	return bits;
}

struct sixteen {
	uint64_t words[2];
};

/* `has_nulls` is constant where the loop is called, so that the loop without them has no branch. */
#define GATHER(name, ctype)                                                                                             \
	static inline void loop_##name(ctype *restrict out, const struct tr_pick *items, uint32_t count,                \
				       const struct inputs *inputs, bool has_nulls)                                     \
	{                                                                                                               \
		for (uint32_t i = 0; i < count; i++) {                                                                  \
			const struct tr_pick pick = items[i];                                                           \
                                                                                                                        \
			if (has_nulls && pick.row == TR_PICK_NULL) {                                                    \
				memset(&out[i], 0, sizeof(ctype));                                                      \
				continue;                                                                               \
			}                                                                                               \
			out[i] = ((const ctype *)inputs->data[pick.source])[pick.row & inputs->masks[pick.source]];     \
		}                                                                                                       \
	}                                                                                                               \
	static void gather_##name(void *out, const struct tr_picks *picks, const struct inputs *inputs, bool has_nulls) \
	{                                                                                                               \
		if (has_nulls)                                                                                          \
			loop_##name(out, picks->items, picks->count, inputs, true);                                     \
		else                                                                                                    \
			loop_##name(out, picks->items, picks->count, inputs, false);                                    \
	}
GATHER(8, uint8_t)
GATHER(16, uint16_t)
GATHER(32, uint32_t)
GATHER(64, uint64_t)
GATHER(128, struct sixteen)
#undef GATHER

static void gather_values(const struct tr_picks *picks, const struct tr_column *const *sources, uint32_t source_count,
			  bool has_nulls, struct tr_column *out)
{
	const size_t width = tr_phys_bytes((enum tr_phys)out->type->phys);
	const struct inputs inputs = list_inputs(picks->heap, sources, source_count);
	void *data = tr_arena_alloc_aligned(picks->heap, (size_t)picks->count * width + 64, 64);

	switch (width) {
	case 1: gather_8(data, picks, &inputs, has_nulls); break;
	case 2: gather_16(data, picks, &inputs, has_nulls); break;
	case 4: gather_32(data, picks, &inputs, has_nulls); break;
	case 8: gather_64(data, picks, &inputs, has_nulls); break;
	default: gather_128(data, picks, &inputs, has_nulls); break;
	}
	out->data = data;
}

/* The child columns number `child` of the sources. Fields of a constant ROW are constant, too. */
static const struct tr_column *const *children_of(struct tr_arena *heap, const struct tr_column *const *sources,
						  uint32_t source_count, uint32_t child)
{
	static const struct tr_type none = {.id = TR_TYPE_NULL, .phys = TR_PHYS_NONE, .is_nullable = true};
	const struct tr_column **children = TR_NEW_ARRAY(heap, source_count + 1, const struct tr_column *);

	for (uint32_t i = 0; i < source_count; i++) {
		struct tr_column *copy = TR_NEW(heap, struct tr_column);

		if (sources[i]->type->phys == TR_PHYS_NONE) {
			*copy = (struct tr_column){.type = &none, .is_constant = true};
		} else {
			*copy = sources[i]->children[child];
			if (sources[i]->type->phys == TR_PHYS_ROW)
				copy->is_constant |= sources[i]->is_constant;
		}
		children[i] = copy;
	}
	return children;
}

static tr_code gather_children(const struct tr_picks *picks, const struct tr_column *const *sources,
			       uint32_t source_count, struct tr_column *out, struct tr_status *st)
{
	struct tr_column *children = TR_NEW_ARRAY(picks->heap, out->type->child_count + 1, struct tr_column);

	out->children = children;
	for (uint32_t i = 0; i < out->type->child_count; i++)
		TR_TRY(tr_picks_gather(picks, out->type->children[i], children_of(picks->heap, sources, source_count, i),
				       source_count, &children[i], st));
	return TR_OK;
}

/* Offsets of the picked lists, and the picks of their elements. */
static tr_code gather_lists(const struct tr_picks *picks, const struct tr_column *const *sources, uint32_t source_count,
			    struct tr_column *out, struct tr_status *st)
{
	int32_t *offsets = tr_arena_alloc(picks->heap, ((size_t)picks->count + 1) * sizeof(*offsets));
	struct tr_picks elements;

	tr_picks_init(&elements, picks->heap, picks->count);
	offsets[0] = 0;
	for (uint32_t i = 0; i < picks->count; i++) {
		const struct tr_pick pick = picks->items[i];

		if (pick.row != TR_PICK_NULL) {
			const struct tr_column *source = sources[pick.source];
			const uint32_t at = tr_column_row(source, pick.row);
			const int32_t begin = source->offsets[at], end = source->offsets[at + 1];

			TR_TRY(tr_picks_reserve(&elements, (uint32_t)(end - begin), st));
			tr_pick_range(&elements, pick.source, begin, end);
		}
		offsets[i + 1] = (int32_t)elements.count;
	}
	out->offsets = offsets;
	return gather_children(&elements, sources, source_count, out, st);
}

tr_code tr_picks_gather(const struct tr_picks *picks, const struct tr_type *type,
			const struct tr_column *const *sources, uint32_t source_count, struct tr_column *out,
			struct tr_status *st)
{
	struct tr_picks plain; /* whatever is NULL in its source is a NULL here */

	*out = (struct tr_column){.type = type};
	if (type->phys == TR_PHYS_NONE)
		return TR_OK;
	out->validity = gather_validity(picks, sources, source_count, &plain);
	if (type->phys == TR_PHYS_LIST)
		return gather_lists(&plain, sources, source_count, out, st);
	if (type->phys == TR_PHYS_ROW)
		return gather_children(&plain, sources, source_count, out, st);
	gather_values(&plain, sources, source_count, out->validity != NULL, out);
	return TR_OK;
}

struct tr_column tr_null_column(struct tr_arena *arena, const struct tr_type *type)
{
	struct tr_column *children = TR_NEW_ARRAY(arena, type->child_count + 1, struct tr_column);
	uint64_t *zeros = TR_NEW_ARRAY(arena, 4, uint64_t); /* a value, a bit, two offsets */

	for (uint32_t i = 0; i < type->child_count; i++)
		children[i] = tr_null_column(arena, type->children[i]);
	return (struct tr_column){.type = type,
				  .data = zeros,
				  .validity = zeros + 3,
				  .offsets = (const int32_t *)zeros,
				  .children = children,
				  .is_constant = true};
}

/* ---- results of calls ---- */

struct tr_pick *tr_call_picks(struct tr_call *call, struct tr_picks *picks)
{
	tr_picks_init(picks, call->heap, call->row_count);
	picks->count = call->row_count;
	memset(picks->items, 0xFF, (size_t)picks->count * sizeof(*picks->items));
	return picks->items;
}

tr_code tr_call_give(struct tr_call *call, const struct tr_picks *picks, const struct tr_column *const *sources,
		     uint32_t source_count)
{
	struct tr_column column;

	TR_TRY(tr_picks_gather(picks, call->type, sources, source_count, &column, call->status));
	call->has_nulls = column.validity != NULL;
	if (call->has_nulls)
		memcpy(call->validity, column.validity, TR_BITMAP_WORDS(call->row_count) * sizeof(uint64_t));
	call->result->data = column.data;
	call->result->offsets = column.offsets;
	call->result->children = column.children;
	return TR_OK;
}

void tr_list_begin(struct tr_list_builder *builder, struct tr_call *call, uint32_t expected)
{
	*builder = (struct tr_list_builder){.call = call};
	builder->offsets = tr_arena_alloc(call->heap, ((size_t)call->row_count + 1) * sizeof(*builder->offsets));
	tr_picks_init(&builder->picks, call->heap, TR_MIN(expected, TR_LIST_ELEMENTS_MAX));
}

tr_code tr_list_open(struct tr_list_builder *builder, uint32_t row, uint32_t count)
{
	TR_DASSERT(row >= builder->next && row < builder->call->row_count);
	while (builder->next <= row)
		builder->offsets[builder->next++] = (int32_t)builder->picks.count;
	return tr_picks_reserve(&builder->picks, count, builder->call->status);
}

void tr_list_end_with(struct tr_list_builder *builder, const struct tr_column *children)
{
	while (builder->next <= builder->call->row_count)
		builder->offsets[builder->next++] = (int32_t)builder->picks.count;
	builder->call->result->offsets = builder->offsets;
	builder->call->result->children = children;
}

tr_code tr_list_end(struct tr_list_builder *builder, const struct tr_column *const *sources, uint32_t source_count)
{
	const struct tr_type *type = builder->call->type;
	struct tr_column *children = TR_NEW_ARRAY(builder->call->heap, type->child_count + 1, struct tr_column);

	for (uint32_t i = 0; i < type->child_count; i++)
		TR_TRY(tr_picks_gather(&builder->picks, type->children[i], sources + (size_t)i * source_count,
				       source_count, &children[i], builder->call->status));
	tr_list_end_with(builder, children);
	return TR_OK;
}

const struct tr_column **tr_call_children(struct tr_call *call, uint32_t first, uint32_t count, uint32_t child)
{
	const struct tr_column **children = TR_NEW_ARRAY(call->heap, count + 1, const struct tr_column *);

	for (uint32_t i = 0; i < count; i++)
		children[i] = &call->args[first + i].children[child];
	return children;
}
