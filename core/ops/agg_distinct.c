/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of values for DISTINCT; see the header. The index holds value numbers plus one, twice as many places as values.
 */
#include "core/ops/agg_distinct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/type.h"

#define CAPACITY_MIN 8
#define TEXT_OVERHEAD 16 /* of an allocation */

struct tr_distinct_set {
	enum tr_phys phys;
	uint32_t width;
	uint32_t count;
	uint32_t capacity; /* a power of two */
	char *values;
	uint32_t *index; /* 2 * capacity */
	size_t text_bytes;
};

union value {
	char bytes[16];
	float f32;
	double f64;
	struct tr_view view;
	uint64_t words[2];
};

static union value normal(enum tr_phys phys, const void *bytes, uint32_t width)
{
	union value v = {.words = {0, 0}};

	memcpy(&v, bytes, width);
	if (phys == TR_PHYS_F32)
		v.f32 = isnan(v.f32) ? (float)NAN : v.f32 == 0 ? 0 : v.f32;
	if (phys == TR_PHYS_F64)
		v.f64 = isnan(v.f64) ? (double)NAN : v.f64 == 0 ? 0 : v.f64;
	return v;
}

static uint64_t hash_of(enum tr_phys phys, const union value *v)
{
	if (phys == TR_PHYS_VIEW && v->view.length > TR_VIEW_INLINE_MAX)
		return tr_hash_bytes(v->view.text, v->view.length);
	return tr_hash_u64(v->words[0] ^ tr_hash_u64(v->words[1] + 1));
}

static bool equals(const struct tr_distinct_set *set, uint32_t i, const union value *v)
{
	const char *stored = set->values + (size_t)i * set->width;

	if (set->phys == TR_PHYS_VIEW)
		return tr_view_equals((const struct tr_view *)(const void *)stored, &v->view);
	return memcmp(stored, v, set->width) == 0;
}

/** The place of the value in the index, or the free place where it belongs. */
static uint32_t find(const struct tr_distinct_set *set, const union value *v)
{
	const uint32_t mask = 2 * set->capacity - 1;
	uint32_t place = (uint32_t)hash_of(set->phys, v) & mask;

	while (set->index[place] != 0 && !equals(set, set->index[place] - 1, v))
		place = (place + 1) & mask;
	return place;
}

static void grow(struct tr_distinct_set *set)
{
	set->capacity = set->capacity == 0 ? CAPACITY_MIN : set->capacity * 2;
	set->values = realloc(set->values, (size_t)set->capacity * set->width);
	free(set->index);
	set->index = calloc((size_t)set->capacity * 2, sizeof(*set->index));
	TR_ASSERT(set->values != NULL && set->index != NULL);
	for (uint32_t i = 0; i < set->count; i++) {
		const union value v = normal(set->phys, set->values + (size_t)i * set->width, set->width);

		set->index[find(set, &v)] = i + 1;
	}
}

bool tr_distinct_add(struct tr_distinct_set **set_at, enum tr_phys phys, const void *value)
{
	struct tr_distinct_set *set = *set_at;
	union value v;
	uint32_t place;

	if (set == NULL) {
		set = *set_at = calloc(1, sizeof(*set));
		TR_ASSERT(set != NULL);
		set->phys = phys;
		set->width = (uint32_t)tr_phys_bytes(phys);
		grow(set);
	}
	v = normal(phys, value, set->width);
	place = find(set, &v);
	if (set->index[place] != 0)
		return false;
	if (set->count == set->capacity) {
		grow(set);
		place = find(set, &v);
	}
	if (phys == TR_PHYS_VIEW && v.view.length > TR_VIEW_INLINE_MAX) {
		char *text = malloc(v.view.length);

		TR_ASSERT(text != NULL);
		memcpy(text, v.view.text, v.view.length);
		v.view = tr_view_make(text, v.view.length);
		set->text_bytes += v.view.length + TEXT_OVERHEAD;
	}
	memcpy(set->values + (size_t)set->count * set->width, &v, set->width);
	set->index[place] = ++set->count;
	return true;
}

uint32_t tr_distinct_count(const struct tr_distinct_set *set) { return set == NULL ? 0 : set->count; }

size_t tr_distinct_bytes(const struct tr_distinct_set *set)
{
	return set == NULL ? 0
			   : sizeof(*set) + 3 * TEXT_OVERHEAD + set->text_bytes +
				     (size_t)set->capacity * (set->width + 2 * sizeof(*set->index));
}

const void *tr_distinct_values(const struct tr_distinct_set *set) { return set == NULL ? NULL : set->values; }

void tr_distinct_destroy(struct tr_distinct_set **set_at)
{
	struct tr_distinct_set *set = *set_at;

	*set_at = NULL;
	if (set == NULL)
		return;
	if (set->phys == TR_PHYS_VIEW) {
		const struct tr_view *views = (const void *)set->values;

		for (uint32_t i = 0; i < set->count; i++)
			if (views[i].length > TR_VIEW_INLINE_MAX)
				free((void *)(uintptr_t)views[i].text);
	}
	free(set->values);
	free(set->index);
	free(set);
}
