/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregates that keep values, on the bag (core/ops/agg_bag.h): FIRST_VALUE, LAST_VALUE, SINGLE_VALUE, LISTAGG, ARRAY_AGG,
 * COLLECT, and COUNT(DISTINCT ..) of arrays. Their argument is a ROW: | value | position of the row |, COLLECT's only
 * | value |.
 *
 *                        keeps                       result
 *     FIRST_VALUE, LAST  one value that is not NULL  it
 *     SINGLE_VALUE       one value                   it; a second row fails the job
 *     LISTAGG            values that are not NULL    their texts, a separator between them; NULL if there are none
 *     ARRAY_AGG          all values (IGNORE NULLS:   the list; NULL if there are none
 *                        those that are not NULL)
 *     COLLECT            values that are not NULL    the multiset, perhaps empty
 *
 * Order is that of the rows in the input, which is Flink's wherever it has one (a tumbling window over one split); DISTINCT keeps
 * each value where it came first.
 */
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/agg_bag.h"
#include "core/ops/value_bytes.h"

#define TEXT_AT 5 /* where the text begins in the bytes of one that is not NULL */

/* -- results -- */

/** The elements of an entry, *n of them. NULL: there are none, and so the result in row `row` is NULL. */
static const struct tr_bag_element *elements_or_null(const struct tr_agg_slot *slot, char *entry,
						     enum tr_bag_shape shape, uint64_t *n, struct tr_column_buffer *out,
						     uint32_t row)
{
	const struct tr_bag_element *elements = tr_bag_elements(slot, entry, shape, n);

	if (elements == NULL)
		tr_column_buffer_set_null(out, row);
	return elements;
}

static void finish_one(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		const struct tr_bag_element *elements = elements_or_null(slot, entries[i], shape, &n, out, at + i);

		if (elements != NULL)
			(void)tr_value_bytes_take(elements[n - 1].bytes, out, at + i, heap);
	}
}

static void finish_single(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			  struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;

		(void)tr_bag_elements(slot, entries[i], shape, &n);
		if (n > 1)
			(void)tr_status_set(slot->failure, TR_ERR_DATA, 0, TR_WHERE,
					    "SINGLE_VALUE: a group has %llu rows, where it may have one",
					    (unsigned long long)n);
	}
	finish_one(slot, entries, count, out, at, heap, shape);
}

static void finish_text(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, enum tr_bag_shape shape)
{
	const struct tr_view *separator = &slot->params->separator;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		const struct tr_bag_element *elements = elements_or_null(slot, entries[i], shape, &n, out, at + i);
		uint64_t length;
		char *text, *to;

		if (elements == NULL)
			continue;
		length = (n - 1) * separator->length;
		for (uint64_t e = 0; e < n; e++)
			length += elements[e].length - TEXT_AT;
		if (length > TR_LENGTH_MAX) {
			(void)tr_status_set(slot->failure, TR_ERR_DATA, 0, TR_WHERE,
					    "LISTAGG: a result of %llu bytes; there may be %d at most",
					    (unsigned long long)length, TR_LENGTH_MAX);
			length = 0;
			n = 0;
		}
		text = to = tr_arena_alloc_aligned(&heap->arena, length + 1, 1);
		for (uint64_t e = 0; e < n; e++) {
			if (e > 0)
				to = (char *)memcpy(to, tr_view_text(separator), separator->length) + separator->length;
			memcpy(to, elements[e].bytes + TEXT_AT, elements[e].length - TEXT_AT);
			to += elements[e].length - TEXT_AT;
		}
		((struct tr_view *)out->data)[at + i] = tr_view_make(text, (uint32_t)length);
	}
}

static uint64_t times_of(const struct tr_bag_element *element, bool is_counted)
{
	return is_counted ? (uint64_t)element->number : 1;
}

/** Whether a column that has `length` values has room for the elements. */
static bool has_room(uint32_t length, const struct tr_bag_element *elements, uint64_t n, bool is_counted)
{
	uint64_t room = (uint64_t)INT32_MAX - length;

	for (uint64_t e = 0; e < n; e++) {
		const uint64_t times = times_of(&elements[e], is_counted);

		if (times > room)
			return false;
		room -= times;
	}
	return true;
}

/** A list of the elements, each as often as its number says if that is what it means. */
static void put_list(const struct tr_agg_slot *slot, const struct tr_bag_element *elements, uint64_t n,
		     struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, bool is_counted)
{
	struct tr_column_buffer *values = &out->children[0];

	if (!has_room(values->length, elements, n, is_counted)) {
		(void)tr_status_set(slot->failure, TR_ERR_DATA, 0, TR_WHERE,
				    "COLLECT and ARRAY_AGG: more than %d elements", INT32_MAX);
		n = 0;
	}
	for (uint64_t e = 0; e < n; e++) {
		const uint64_t times = times_of(&elements[e], is_counted);

		tr_column_buffer_reserve(values, values->length + (uint32_t)times);
		for (uint64_t t = 0; t < times; t++)
			(void)tr_value_bytes_take(elements[e].bytes, values, values->length++, heap);
	}
	out->offsets[at + 1] = (int32_t)values->length;
}

static void finish_list(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		const struct tr_bag_element *elements = elements_or_null(slot, entries[i], shape, &n, out, at + i);

		if (elements != NULL)
			put_list(slot, elements, n, out, at + i, heap, false);
	}
}

static void finish_multiset(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			    struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		const struct tr_bag_element *elements = tr_bag_elements(slot, entries[i], shape, &n);

		put_list(slot, elements, n, out, at + i, heap, !slot->params->is_distinct);
	}
}

static void finish_count(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			 struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap, enum tr_bag_shape shape)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;

		(void)tr_bag_elements(slot, entries[i], shape, &n);
		((int64_t *)out->data)[at + i] = (int64_t)n;
	}
}

/* -- the rows of the table -- */

static bool is_valid_value(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	return tr_bag_is_valid(columns, row, &slot->type, 1);
}

static bool is_valid_element(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	return tr_bag_is_valid(columns, row, slot->type->children, 1);
}

static bool is_valid_arg(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	return tr_bag_is_valid(columns, row, &slot->arg_type, 1);
}

/* The verbs of one overload. */
#define VERBS(name, shape, skips_nulls, finish_verb)                                                                 \
	TR_BAG_VERBS(name, shape)                                                                                    \
	static void name##_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg, \
				  const uint32_t *rows, uint32_t count)                                              \
	{                                                                                                            \
		tr_bag_update(slot, entries, arg, rows, count, shape, skips_nulls);                                  \
	}                                                                                                            \
	static void name##_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,              \
				  struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)                   \
	{                                                                                                            \
		finish_verb(slot, entries, count, out, at, heap, shape);                                             \
	}

VERBS(first, TR_BAG_FIRST, true, finish_one)
VERBS(last, TR_BAG_LAST, true, finish_one)
VERBS(last_distinct, TR_BAG_SET, true, finish_one)
VERBS(single, TR_BAG_LIST, false, finish_single)
VERBS(text, TR_BAG_LIST, true, finish_text)
VERBS(text_distinct, TR_BAG_SET, true, finish_text)
VERBS(list, TR_BAG_LIST, slot->params->skips_nulls, finish_list)
VERBS(list_distinct, TR_BAG_SET, slot->params->skips_nulls, finish_list)
VERBS(multiset, TR_BAG_COUNTED, true, finish_multiset)
VERBS(count, TR_BAG_COUNTED, true, finish_count)

#define BAG_ROW(agg_name, distinct, verbs, ordered, collecting, valid)                                   \
	{                                                                                                \
		TR_BAG_ROW(verbs), .name = agg_name, .is_ordered = ordered, .is_collecting = collecting, \
				   .code = distinct, .is_valid = valid                                   \
	}

const struct tr_agg tr_agg_collects[] = {
	BAG_ROW("FIRST_VALUE", false, first, true, false, is_valid_value),
	BAG_ROW("FIRST_VALUE", true, first, true, false, is_valid_value),
	BAG_ROW("LAST_VALUE", false, last, true, false, is_valid_value),
	BAG_ROW("LAST_VALUE", true, last_distinct, true, true, is_valid_value),
	BAG_ROW("SINGLE_VALUE", false, single, true, true, is_valid_value),
	BAG_ROW("LISTAGG", false, text, true, true, is_valid_value),
	BAG_ROW("LISTAGG", true, text_distinct, true, true, is_valid_value),
	BAG_ROW("ARRAY_AGG", false, list, true, true, is_valid_element),
	BAG_ROW("ARRAY_AGG", true, list_distinct, true, true, is_valid_element),
	BAG_ROW("COLLECT", false, multiset, false, true, is_valid_element),
	BAG_ROW("COLLECT", true, multiset, false, true, is_valid_element),
	BAG_ROW("COUNT", true, count, false, true, is_valid_arg),
	{.name = NULL},
};
