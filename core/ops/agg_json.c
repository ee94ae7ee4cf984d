/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON_ARRAYAGG and JSON_OBJECTAGG, on the bag (core/ops/agg_bag.h). Their arguments are JSON already: the binder has put
 * JSON_STRING around what was written.
 *
 *     JSON_ARRAYAGG    ROW | value | position of the row |    a value each, in the order of the rows
 *     JSON_OBJECTAGG   ROW | key | value |                    a pair each, by key; a key that comes twice, or is NULL, fails the job
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_bag.h"
#include "core/ops/value_bytes.h"

/** A text among the values of an element; NULL: SQL's NULL. */
struct text {
	const char *bytes;
	uint32_t length;
};

/** The text at `at`; returns what follows. */
static const char *read_text(const char *at, struct text *text)
{
	*text = (struct text){NULL, 0};
	if (*at++ != 0)
		return at;
	memcpy(&text->length, at, 4);
	text->bytes = at + 4;
	return text->bytes + text->length;
}

static void append_text(struct tr_bytes *out, const struct text *text)
{
	if (text->bytes != NULL)
		tr_bytes_append(out, text->bytes, text->length);
	else
		tr_bytes_append_str(out, "null");
}

static void put(const struct tr_agg_slot *slot, struct tr_column_buffer *out, uint32_t row,
		const struct tr_bytes *bytes, struct tr_heap *heap)
{
	const size_t length = tr_bag_fits(slot, bytes->length) ? bytes->length : 0;
	char *text = tr_arena_alloc_aligned(&heap->arena, length + 1, 1);

	memcpy(text, bytes->data, length);
	((struct tr_view *)out->data)[row] = tr_view_make(text, (uint32_t)length);
}

/* -- arrays -- */

static void array_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
			 const uint32_t *rows, uint32_t count)
{
	tr_bag_update(slot, entries, arg, rows, count, TR_BAG_LIST, slot->params->skips_nulls);
}

static void array_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			 struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	struct tr_bytes bytes = {0};

	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		const struct tr_bag_element *elements = tr_bag_elements(slot, entries[i], TR_BAG_LIST, &n);

		tr_bytes_clear(&bytes);
		tr_bytes_append_char(&bytes, '[');
		for (uint64_t e = 0; e < n; e++) {
			struct text text;

			(void)read_text(elements[e].bytes, &text);
			if (e > 0)
				tr_bytes_append_char(&bytes, ',');
			append_text(&bytes, &text);
		}
		tr_bytes_append_char(&bytes, ']');
		put(slot, out, at + i, &bytes, heap);
	}
	tr_bytes_deinit(&bytes);
}

/* -- objects -- */

struct pair {
	struct text key, value;
};

static void object_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
			  const uint32_t *rows, uint32_t count)
{
	const struct tr_column *key = &arg->children[0], *value = &arg->children[1];
	struct tr_bytes bytes = {0};

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = tr_agg_row(rows, i);

		if (tr_column_is_null(key, row)) {
			(void)tr_status_set(slot->failure, TR_ERR_DATA, 0, TR_WHERE,
					    "JSON_OBJECTAGG: a key is NULL; filter such rows out with WHERE");
			continue;
		}
		if (slot->params->skips_nulls && tr_column_is_null(value, row))
			continue;
		tr_bytes_clear(&bytes);
		tr_value_bytes_append(&bytes, key, row);
		tr_value_bytes_append(&bytes, value, row);
		tr_bag_add(slot, entries[i], TR_BAG_LIST, 0, bytes.data, bytes.length);
	}
	tr_bytes_deinit(&bytes);
}

static int by_key(const void *a, const void *b)
{
	const struct text *x = &((const struct pair *)a)->key, *y = &((const struct pair *)b)->key;

	return tr_value_bytes_compare(x->bytes, x->length, y->bytes, y->length);
}

/** The pairs of an entry by key; to be freed. */
static struct pair *sort_pairs(const struct tr_agg_slot *slot, char *entry, uint64_t *n)
{
	const struct tr_bag_element *elements = tr_bag_elements(slot, entry, TR_BAG_LIST, n);
	struct pair *pairs = tr_checked(malloc((*n + 1) * sizeof(*pairs)));

	for (uint64_t e = 0; e < *n; e++)
		(void)read_text(read_text(elements[e].bytes, &pairs[e].key), &pairs[e].value);
	qsort(pairs, *n, sizeof(*pairs), by_key);
	for (uint64_t e = 1; e < *n; e++)
		if (by_key(&pairs[e - 1], &pairs[e]) == 0)
			(void)tr_status_set(slot->failure, TR_ERR_DATA, 0, TR_WHERE,
					    "JSON_OBJECTAGG: the key %.*s comes twice in a group",
					    (int)TR_MIN(pairs[e].key.length, 100u), pairs[e].key.bytes);
	return pairs;
}

static void object_finish(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			  struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	struct tr_bytes bytes = {0};

	for (uint32_t i = 0; i < count; i++) {
		uint64_t n;
		struct pair *pairs = sort_pairs(slot, entries[i], &n);

		tr_bytes_clear(&bytes);
		tr_bytes_append_char(&bytes, '{');
		for (uint64_t e = 0; e < n; e++) {
			if (e > 0)
				tr_bytes_append_char(&bytes, ',');
			append_text(&bytes, &pairs[e].key);
			tr_bytes_append_char(&bytes, ':');
			append_text(&bytes, &pairs[e].value);
		}
		tr_bytes_append_char(&bytes, '}');
		put(slot, out, at + i, &bytes, heap);
		free(pairs);
	}
	tr_bytes_deinit(&bytes);
}

/* -- both -- */

TR_BAG_VERBS(array, TR_BAG_LIST)
TR_BAG_VERBS(object, TR_BAG_LIST)

static bool is_valid_array(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	const struct tr_type *type = tr_type_of(TR_TYPE_VARCHAR);

	return tr_bag_is_valid(columns, row, &type, 1);
}

static bool is_valid_object(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held)
{
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_VARCHAR), tr_type_of(TR_TYPE_VARCHAR)};

	return tr_bag_is_valid(columns, row, types, 2);
}

#define JSON_ROW(agg_name, ordered, verbs, valid)                                                                    \
	{                                                                                                            \
		TR_BAG_ROW(verbs), .name = agg_name, .is_ordered = ordered, .is_collecting = true, .is_valid = valid \
	}

const struct tr_agg tr_agg_jsons[] = {
	JSON_ROW("JSON_ARRAYAGG", true, array, is_valid_array),
	JSON_ROW("JSON_OBJECTAGG", false, object, is_valid_object),
	{.name = NULL},
};
