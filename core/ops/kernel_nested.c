/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality of nested values, and sets of values. Recursion follows the type, which is at most TR_TYPE_DEPTH_MAX deep.
 */
#include "core/ops/kernel_nested.h"

#include "base/check.h"
#include "base/hash.h"
#include "core/ops/kernel_value.h"

#define SLOTS_FROM 12 /* values: with fewer, comparing with each is faster than hashing */

/* ---- equality ---- */

/* Values that are not NULL and equal. */
static bool both_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	return !tr_column_is_null(a, a_row) && !tr_column_is_null(b, b_row) && tr_nested_equals(a, a_row, b, b_row);
}

static bool rows_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	for (uint32_t i = 0; i < a->type->child_count; i++)
		if (!both_equal(&a->children[i], a_row, &b->children[i], b_row))
			return false;
	return true;
}

static bool arrays_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	const int32_t count = a->offsets[a_row + 1] - a->offsets[a_row];

	for (int32_t i = 0; i < count; i++)
		if (!both_equal(&a->children[0], (uint32_t)(a->offsets[a_row] + i), &b->children[0],
				(uint32_t)(b->offsets[b_row] + i)))
			return false;
	return true;
}

/* How often an entry is in a MULTISET. */
static uint32_t times_of(const struct tr_column *set, uint32_t row, const struct tr_column *value, uint32_t value_row)
{
	uint32_t times = 0;

	for (int32_t i = set->offsets[row]; i < set->offsets[row + 1]; i++)
		times += tr_nested_same(&set->children[0], (uint32_t)i, value, value_row);
	return times;
}

/* Equal values have equal hashes: decimals of two scales, and the two floating types, do not. */
static bool hash_alike(const struct tr_type *a, const struct tr_type *b)
{
	if (a->phys != b->phys || a->scale != b->scale)
		return false;
	for (uint32_t i = 0; i < a->child_count; i++)
		if (!hash_alike(a->children[i], b->children[i]))
			return false;
	return true;
}

/* The values [offsets[row], offsets[row + 1]) of a list's first child, each with a number from 0 on. */
struct members {
	const struct tr_column *columns[2]; /* the members', and those that are looked up */
	struct tr_arena heap;
	struct tr_value_set set;
	uint32_t count;
	uint32_t *at; /* of each value: its place in the set */
};

/* False: a value equals nothing (NaN), and so does its list. */
static bool members_init(struct members *m, const struct tr_column *list, uint32_t row, const struct tr_column *other)
{
	const uint32_t from = (uint32_t)list->offsets[row];
	bool is_good = true;

	*m = (struct members){.columns = {&list->children[0], &other->children[0]},
			      .count = (uint32_t)list->offsets[row + 1] - from};
	tr_arena_init(&m->heap, 0);
	tr_value_set_init(&m->set, &m->heap, m->columns);
	tr_value_set_begin(&m->set, m->count);
	m->at = TR_NEW_ARRAY(&m->heap, m->count, uint32_t);
	for (uint32_t i = 0; i < m->count && is_good; i++) {
		is_good = tr_nested_same(m->columns[0], from + i, m->columns[0], from + i);
		if (is_good)
			tr_value_set_add(&m->set, (struct tr_pick){0, from + i}, &m->at[i]);
	}
	return is_good;
}

/* Each value of `b` takes away one of its equals in `a`; they have equally many. */
static bool big_multisets_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	struct members m;
	bool is_equal = members_init(&m, a, a_row, b);
	uint32_t *left = TR_NEW_ARRAY(&m.heap, m.count, uint32_t);

	for (uint32_t i = 0; i < m.count && is_equal; i++)
		left[m.at[i]]++;
	for (uint32_t i = 0; i < m.count && is_equal; i++) {
		const struct tr_pick pick = {1, (uint32_t)b->offsets[b_row] + i};
		const uint32_t position = tr_value_set_find(&m.set, pick);

		is_equal = position != UINT32_MAX && left[position]-- > 0;
	}
	tr_arena_deinit(&m.heap);
	return is_equal;
}

static bool multisets_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	const int32_t count = a->offsets[a_row + 1] - a->offsets[a_row];

	if (count >= SLOTS_FROM && hash_alike(a->type, b->type))
		return big_multisets_equal(a, a_row, b, b_row);
	for (int32_t i = a->offsets[a_row]; i < a->offsets[a_row + 1]; i++) {
		const uint32_t times = times_of(b, b_row, &a->children[0], (uint32_t)i);

		if (times == 0 || times_of(a, a_row, &a->children[0], (uint32_t)i) != times)
			return false;
	}
	return true;
}

/* Each entry of `a` is one of `b`; they have equally many. */
static bool entries_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	for (int32_t i = a->offsets[a_row]; i < a->offsets[a_row + 1]; i++) {
		bool found = false;

		for (int32_t j = b->offsets[b_row]; j < b->offsets[b_row + 1] && !found; j++)
			found = tr_nested_same(&a->children[0], (uint32_t)i, &b->children[0], (uint32_t)j) &&
				both_equal(&a->children[1], (uint32_t)i, &b->children[1], (uint32_t)j);
		if (!found)
			return false;
	}
	return true;
}

static bool big_maps_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	struct members m;
	bool is_equal = members_init(&m, b, b_row, a);

	if (is_equal && m.set.count < m.count) { /* a key comes twice, which functions do not make */
		tr_arena_deinit(&m.heap);
		return entries_equal(a, a_row, b, b_row);
	}
	for (uint32_t i = 0; i < m.count && is_equal; i++) {
		const uint32_t entry = (uint32_t)a->offsets[a_row] + i;
		const uint32_t position = tr_value_set_find(&m.set, (struct tr_pick){1, entry});

		is_equal = position != UINT32_MAX &&
			   both_equal(&a->children[1], entry, &b->children[1], m.set.items[position].row);
	}
	tr_arena_deinit(&m.heap);
	return is_equal;
}

static bool maps_equal(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	if (a->offsets[a_row + 1] - a->offsets[a_row] >= SLOTS_FROM && hash_alike(a->type, b->type))
		return big_maps_equal(a, a_row, b, b_row);
	return entries_equal(a, a_row, b, b_row);
}

static double double_of(const struct tr_column *column, uint32_t row)
{
	return column->type->phys == TR_PHYS_F32 ? (double)tr_column_f32(column, row) : tr_column_f64(column, row);
}

bool tr_nested_equals(const struct tr_column *a, uint32_t a_row, const struct tr_column *b, uint32_t b_row)
{
	switch ((enum tr_phys)a->type->phys) {
	case TR_PHYS_VIEW: return tr_view_equals(tr_column_view(a, a_row), tr_column_view(b, b_row));
	case TR_PHYS_F32:
	case TR_PHYS_F64: return double_of(a, a_row) == double_of(b, b_row);
	case TR_PHYS_ROW:
	case TR_PHYS_LIST: break;
	default: return tr_value_compare(a, a_row, b, b_row) == 0;
	}
	a_row = tr_column_row(a, a_row);
	b_row = tr_column_row(b, b_row);
	if (a->children == b->children && a->offsets == b->offsets && a_row == b_row)
		return true; /* the very same value; Flink's planner makes TRUE of x = x */
	if (a->type->phys == TR_PHYS_ROW)
		return rows_equal(a, a_row, b, b_row);
	if (a->offsets[a_row + 1] - a->offsets[a_row] != b->offsets[b_row + 1] - b->offsets[b_row])
		return false;
	switch (a->type->id) {
	case TR_TYPE_ARRAY: return arrays_equal(a, a_row, b, b_row);
	case TR_TYPE_MAP: return maps_equal(a, a_row, b, b_row);
	default: return multisets_equal(a, a_row, b, b_row);
	}
}

#define FIND(ctype)                                                                         \
	do {                                                                                \
		const ctype *values = column->data;                                         \
		const ctype wanted = ((const ctype *)value->data)[at];                      \
		for (int32_t i = range.begin; i < range.end; i++)                           \
			if (values[i] == wanted && !tr_column_is_null(column, (uint32_t)i)) \
				return i;                                                   \
		return -1;                                                                  \
	} while (0)

int32_t tr_nested_find(const struct tr_column *column, struct tr_list_range range, const struct tr_column *value,
		       uint32_t value_row)
{
	const uint32_t at = tr_column_row(value, value_row);

	if (!tr_column_is_null(value, at) && !column->is_constant && column->type->phys == value->type->phys)
		switch ((enum tr_phys)column->type->phys) {
		case TR_PHYS_I8: FIND(int8_t);
		case TR_PHYS_I16: FIND(int16_t);
		case TR_PHYS_I32: FIND(int32_t);
		case TR_PHYS_I64: FIND(int64_t);
		case TR_PHYS_F32: FIND(float);
		case TR_PHYS_F64: FIND(double);
		default: break;
		}
	for (int32_t i = range.begin; i < range.end; i++)
		if (tr_nested_same(column, (uint32_t)i, value, at))
			return i;
	return -1;
}
#undef FIND

/* ---- sets ---- */

void tr_value_set_init(struct tr_value_set *set, struct tr_arena *heap, const struct tr_column *const *sources)
{
	*set = (struct tr_value_set){.heap = heap, .sources = sources};
}

void tr_value_set_begin(struct tr_value_set *set, uint32_t expected)
{
	uint32_t slots = 32;

	set->count = 0;
	set->slot_mask = 0;
	if (expected > set->capacity) {
		set->capacity = TR_MAX(expected, set->capacity * 2);
		set->items = tr_arena_alloc(set->heap, (size_t)set->capacity * sizeof(*set->items));
		set->hashes = tr_arena_alloc(set->heap, (size_t)set->capacity * sizeof(*set->hashes));
	}
	if (expected < SLOTS_FROM)
		return;
	while (slots < expected * 2)
		slots *= 2;
	if (slots > set->slot_capacity) {
		set->slot_capacity = slots;
		set->slots = tr_arena_alloc(set->heap, (size_t)slots * sizeof(*set->slots));
	}
	memset(set->slots, 0, (size_t)slots * sizeof(*set->slots));
	set->slot_mask = slots - 1;
}

static uint64_t hash_of(const struct tr_value_set *set, struct tr_pick pick)
{
	const struct tr_column *column = set->sources[pick.source];
	const uint32_t row = tr_column_row(column, pick.row);
	uint64_t hash;

	tr_hash_column(column, &row, 1, &hash);
	return hash;
}

static bool is_at(const struct tr_value_set *set, uint32_t position, struct tr_pick pick)
{
	const struct tr_pick *item = &set->items[position];

	return tr_nested_same(set->sources[item->source], item->row, set->sources[pick.source], pick.row);
}

/* The position, else UINT32_MAX and the free slot. */
static uint32_t find(const struct tr_value_set *set, struct tr_pick pick, uint64_t *hash, uint32_t *slot)
{
	if (set->slot_mask == 0) {
		for (uint32_t i = 0; i < set->count; i++)
			if (is_at(set, i, pick))
				return i;
		return UINT32_MAX;
	}
	*hash = hash_of(set, pick);
	*slot = (uint32_t)*hash & set->slot_mask;
	for (; set->slots[*slot] != 0; *slot = (*slot + 1) & set->slot_mask) {
		const uint32_t position = set->slots[*slot] - 1;

		if (set->hashes[position] == *hash && is_at(set, position, pick))
			return position;
	}
	return UINT32_MAX;
}

uint32_t tr_value_set_find(struct tr_value_set *set, struct tr_pick pick)
{
	uint64_t hash;
	uint32_t slot;

	return find(set, pick, &hash, &slot);
}

bool tr_value_set_add(struct tr_value_set *set, struct tr_pick pick, uint32_t *position)
{
	uint64_t hash = 0;
	uint32_t slot = 0;

	*position = find(set, pick, &hash, &slot);
	if (*position != UINT32_MAX)
		return false;
	TR_DASSERT(set->count < set->capacity);
	*position = set->count++;
	set->items[*position] = pick;
	set->hashes[*position] = hash;
	if (set->slot_mask != 0)
		set->slots[slot] = *position + 1;
	return true;
}
