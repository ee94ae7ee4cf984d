/* SPDX-License-Identifier: Apache-2.0
 *
 * See agg_bag.h.
 */
#include "core/ops/agg_bag.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/value_bytes.h"

#define HEAD_BYTES 12     /* of an element */
#define SETTLE_BYTES 4096 /* less is not worth it */
#define BAG_OVERHEAD 32   /* of two allocations */

static struct tr_bag **bag_at(const struct tr_agg_slot *slot, char *entry)
{
	return (struct tr_bag **)(void *)(entry + slot->offset);
}

static size_t owned(const struct tr_bag *bag)
{
	return bag == NULL
		       ? 0
		       : sizeof(*bag) + BAG_OVERHEAD + bag->bytes.capacity + bag->element_room * sizeof(*bag->elements);
}

/** The element at `at`; returns where the next one begins. */
static const char *read_element(const char *at, struct tr_bag_element *element)
{
	memcpy(&element->number, at, 8);
	memcpy(&element->length, at + 8, 4);
	element->bytes = at + HEAD_BYTES;
	return element->bytes + element->length;
}

static void append_element(struct tr_bag *bag, int64_t number, const char *bytes, size_t length)
{
	const uint32_t length32 = (uint32_t)length;
	char *to = tr_bytes_reserve(&bag->bytes, HEAD_BYTES + length);

	memcpy(to, &number, 8);
	memcpy(to + 8, &length32, 4);
	memcpy(to + HEAD_BYTES, bytes, length);
	bag->bytes.length += HEAD_BYTES + length;
	bag->count++;
}

/* -- order -- */

static int compare_bytes(const struct tr_bag_element *a, const struct tr_bag_element *b)
{
	return tr_value_bytes_compare(a->bytes, a->length, b->bytes, b->length);
}

static int compare_numbers(const struct tr_bag_element *a, const struct tr_bag_element *b)
{
	return (a->number > b->number) - (a->number < b->number);
}

static int by_bytes(const void *a, const void *b)
{
	const int order = compare_bytes(a, b);

	return order != 0 ? order : compare_numbers(a, b);
}

static int by_number(const void *a, const void *b)
{
	const int order = compare_numbers(a, b);

	return order != 0 ? order : compare_bytes(a, b);
}

/** Points at all elements, in the order in which they lie. */
static void list_elements(struct tr_bag *bag)
{
	const char *at = bag->bytes.data;

	if (bag->count > bag->element_room) {
		bag->element_room = bag->count;
		bag->elements = tr_checked(realloc(bag->elements, bag->element_room * sizeof(*bag->elements)));
	}
	for (uint64_t i = 0; i < bag->count; i++)
		at = read_element(at, &bag->elements[i]);
}

/** One element for each value. */
static void settle(struct tr_bag *bag, enum tr_bag_shape shape)
{
	struct tr_bytes old = bag->bytes;
	const uint64_t count = bag->count;

	list_elements(bag);
	qsort(bag->elements, count, sizeof(*bag->elements), by_bytes);
	bag->bytes = (struct tr_bytes){0};
	bag->count = 0;
	(void)tr_bytes_reserve(&bag->bytes, old.length);
	for (uint64_t i = 0; i < count;) {
		const struct tr_bag_element *first = &bag->elements[i];
		int64_t number = first->number; /* the least */

		for (i++; i < count && compare_bytes(first, &bag->elements[i]) == 0; i++)
			if (shape == TR_BAG_COUNTED)
				number += bag->elements[i].number;
		append_element(bag, number, first->bytes, first->length);
	}
	tr_bytes_deinit(&old);
	bag->settled = bag->bytes.length;
	free(bag->elements);
	bag->elements = NULL;
	bag->element_room = 0;
}

static void settle_if_doubled(struct tr_bag *bag, enum tr_bag_shape shape)
{
	if ((shape == TR_BAG_SET || shape == TR_BAG_COUNTED) && bag->bytes.length > 2 * bag->settled + SETTLE_BYTES)
		settle(bag, shape);
}

/* -- adding -- */

static struct tr_bag *make(struct tr_bag **bag)
{
	if (*bag == NULL)
		*bag = tr_checked(calloc(1, sizeof(**bag)));
	return *bag;
}

static void add(struct tr_bag *bag, enum tr_bag_shape shape, const struct tr_bag_element *element)
{
	if (bag->count > 0 && (shape == TR_BAG_FIRST || shape == TR_BAG_LAST)) {
		struct tr_bag_element held;
		int order;

		(void)read_element(bag->bytes.data, &held);
		order = by_number(element, &held);
		if (shape == TR_BAG_FIRST ? order >= 0 : order <= 0)
			return;
		tr_bytes_clear(&bag->bytes);
		bag->count = 0;
	}
	append_element(bag, element->number, element->bytes, element->length);
	settle_if_doubled(bag, shape);
}

/** Whether an element of this number could change the bag: FIRST and LAST know without its bytes. */
static bool wants(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape, int64_t number)
{
	const struct tr_bag *bag = *bag_at(slot, entry);
	int64_t held;

	if (bag == NULL || (shape != TR_BAG_FIRST && shape != TR_BAG_LAST))
		return true;
	memcpy(&held, bag->bytes.data, 8);
	return shape == TR_BAG_FIRST ? number <= held : number >= held;
}

bool tr_bag_fits(const struct tr_agg_slot *slot, uint64_t bytes)
{
	if (bytes <= TR_LENGTH_MAX)
		return true;
	(void)tr_status_set(slot->failure, TR_ERR_DATA, 0, TR_WHERE,
			    "an aggregate: values of %llu bytes in a group; there may be %d at most",
			    (unsigned long long)bytes, TR_LENGTH_MAX);
	return false;
}

void tr_bag_add(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape, int64_t number, const char *bytes,
		size_t length)
{
	struct tr_bag **at = bag_at(slot, entry);
	const size_t before = owned(*at);

	if (!tr_bag_fits(slot, length))
		return;
	add(make(at), shape, &(struct tr_bag_element){number, bytes, (uint32_t)length});
	*slot->owned += owned(*at) - before;
}

void tr_bag_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
		   const uint32_t *rows, uint32_t count, enum tr_bag_shape shape, bool skips_nulls)
{
	const struct tr_column *value = &arg->children[0];
	const struct tr_column *position = shape != TR_BAG_COUNTED ? &arg->children[1] : NULL;
	struct tr_bytes bytes = {0};

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);
		const int64_t number = position == NULL ? 1 : tr_column_i64(position, row);

		if ((skips_nulls && tr_column_is_null(value, row)) || !wants(slot, entries[i], shape, number))
			continue;
		tr_bytes_clear(&bytes);
		tr_value_bytes_append(&bytes, value, row);
		tr_bag_add(slot, entries[i], shape, number, bytes.data, bytes.length);
	}
	tr_bytes_deinit(&bytes);
}

/** Elements in `bytes`, `count` of them. */
static void add_all(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape, const char *bytes,
		    size_t length, uint64_t count)
{
	struct tr_bag **at = bag_at(slot, entry);
	const size_t before = owned(*at);
	struct tr_bag *bag;

	if (count == 0)
		return;
	bag = make(at);
	if (shape == TR_BAG_FIRST || shape == TR_BAG_LAST) {
		struct tr_bag_element element;

		(void)read_element(bytes, &element);
		add(bag, shape, &element);
	} else {
		tr_bytes_append(&bag->bytes, bytes, length);
		bag->count += count;
		settle_if_doubled(bag, shape);
	}
	*slot->owned += owned(bag) - before;
}

void tr_bag_merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count,
		  enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct tr_bag *source = *bag_at(slot, sources[i]);

		if (source != NULL)
			add_all(slot, targets[i], shape, source->bytes.data, source->bytes.length, source->count);
	}
}

/* -- results and partials -- */

const struct tr_bag_element *tr_bag_elements(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape,
					     uint64_t *count)
{
	struct tr_bag *bag = *bag_at(slot, entry);
	const size_t before = owned(bag);

	*count = 0;
	if (bag == NULL)
		return NULL;
	if (shape == TR_BAG_SET || shape == TR_BAG_COUNTED)
		settle(bag, shape);
	list_elements(bag);
	if (shape == TR_BAG_LIST || shape == TR_BAG_SET)
		qsort(bag->elements, bag->count, sizeof(*bag->elements), by_number);
	*slot->owned += owned(bag) - before;
	*count = bag->count;
	return bag->elements;
}

void tr_bag_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types)
{
	types[0] = tr_type_of(TR_TYPE_VARBINARY);
	types[1] = tr_type_of(TR_TYPE_BIGINT);
}

void tr_bag_write(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct tr_bag *bag = *bag_at(slot, entries[i]);
		const bool has_elements = bag != NULL && tr_bag_fits(slot, bag->bytes.length);
		const size_t length = has_elements ? bag->bytes.length : 0;
		const char *text = "";

		if (length > 0)
			text = memcpy(tr_arena_alloc_aligned(&heap->arena, length, 1), bag->bytes.data, length);
		((struct tr_view *)columns[0].data)[at + i] = tr_view_make(text, (uint32_t)length);
		((int64_t *)columns[1].data)[at + i] = has_elements ? (int64_t)bag->count : 0;
	}
}

void tr_bag_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
		 const uint32_t *rows, uint32_t count, enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);
		const struct tr_view *view = tr_column_view(&columns[0], row);

		add_all(slot, entries[i], shape, tr_view_text(view), view->length,
			(uint64_t)tr_column_i64(&columns[1], row));
	}
}

bool tr_bag_is_valid(const struct tr_column *columns, uint32_t row, const struct tr_type *const *types,
		     uint32_t type_count)
{
	const struct tr_view *view = tr_column_view(&columns[0], row);
	const char *at = tr_view_text(view), *end = at + view->length;
	int64_t count = 0;

	if (tr_column_is_null(&columns[0], row))
		return false;
	for (; at < end; count++) {
		struct tr_bag_element element;

		if (end - at < HEAD_BYTES)
			return false;
		(void)read_element(at, &element);
		at = element.bytes;
		if (element.length > (size_t)(end - at))
			return false;
		for (uint32_t t = 0; t < type_count; t++) {
			at = tr_value_bytes_end(at, element.bytes + element.length, types[t]);
			if (at == NULL)
				return false;
		}
		if (at != element.bytes + element.length)
			return false;
	}
	return count == tr_column_i64(&columns[1], row);
}

void tr_bag_release(const struct tr_agg_slot *slot, char *const *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct tr_bag **at = bag_at(slot, entries[i]);

		if (*at == NULL)
			continue;
		*slot->owned -= owned(*at);
		tr_bytes_deinit(&(*at)->bytes);
		free((*at)->elements);
		free(*at);
		*at = NULL;
	}
}

bool tr_bag_is_owner(const struct tr_agg_slot *slot, char *entry) { return *bag_at(slot, entry) != NULL; }
