/* SPDX-License-Identifier: Apache-2.0
 *
 * Bag: the accumulator of aggregates that keep values: FIRST_VALUE, LAST_VALUE, SINGLE_VALUE, LISTAGG, ARRAY_AGG, COLLECT,
 * PERCENTILE, JSON_ARRAYAGG, JSON_OBJECTAGG, COUNT(DISTINCT array).
 *
 *     accumulator   | pointer to the bag, or NULL: nothing seen |
 *     bag           elements one after the other, in memory of the bag's own
 *     element       | number i64 | length u32 | values as bytes (core/ops/value_bytes.h) |
 *     partial       BYTES: the elements | BIGINT: how many they are
 *
 * What the number is, and which elements stay, is the bag's shape:
 *
 *     LIST      the row's position in the input; all elements
 *     SET       the same; of equal values the one that came first                              DISTINCT
 *     COUNTED   how often there is the value; one element for each value
 *     FIRST     the row's position; the element with the least number stays
 *     LAST      that with the greatest
 *
 * So a bag is a multiset whose result does not depend on the order in which elements, or other bags, come into it: rows may
 * come by way of any number of workers, and be merged in any order. Elements of one position (an input that has none,
 * such as the result of a window) are in the order of their bytes.
 *
 * SET and COUNTED are *settled* (sorted by bytes, equal ones made one) whenever they have doubled, and at the end. Elements have no
 * alignment.
 */
#ifndef TR_CORE_OPS_AGG_BAG_H
#define TR_CORE_OPS_AGG_BAG_H

#include "base/bytes.h"
#include "core/ops/agg_table.h"

enum tr_bag_shape { TR_BAG_LIST, TR_BAG_SET, TR_BAG_COUNTED, TR_BAG_FIRST, TR_BAG_LAST };

/** An element, for results. */
struct tr_bag_element {
	int64_t number;
	const char *bytes;
	uint32_t length;
};

struct tr_bag {
	struct tr_bytes bytes;
	uint64_t count;
	size_t settled;                  /* bytes, when it was settled last */
	struct tr_bag_element *elements; /* scratch of results */
	size_t element_room;
};

/** Whether a result or an element can have so many bytes. If not, the job fails (slot->failure); the caller goes on with an empty
 * one. */
bool tr_bag_fits(const struct tr_agg_slot *slot, uint64_t bytes);

/** Adds an element to the bag of an entry; one that does not fit fails the job. */
void tr_bag_add(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape, int64_t number, const char *bytes,
		size_t length);

/** The elements of an entry: by number if the shape has positions, else by bytes. *count of them; valid until the bag changes. NULL:
 * none. */
const struct tr_bag_element *tr_bag_elements(const struct tr_agg_slot *slot, char *entry, enum tr_bag_shape shape,
					     uint64_t *count);

/** Adds the rows of an ordered argument, ROW | value | position |, or of ROW | value | if the bag is COUNTED. */
void tr_bag_update(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
		   const uint32_t *rows, uint32_t count, enum tr_bag_shape shape, bool skips_nulls);

/** The other verbs, which only know the shape. */
void tr_bag_merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count,
		  enum tr_bag_shape shape);
void tr_bag_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
		 const uint32_t *rows, uint32_t count, enum tr_bag_shape shape);
void tr_bag_write(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap);
void tr_bag_types(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types);
void tr_bag_release(const struct tr_agg_slot *slot, char *const *entries, uint32_t count);
bool tr_bag_is_owner(const struct tr_agg_slot *slot, char *entry);

/** Whether a partial is elements of `type_count` values each, of these types. */
bool tr_bag_is_valid(const struct tr_column *columns, uint32_t row, const struct tr_type *const *types,
		     uint32_t type_count);

/** The verbs NAME_merge and NAME_read of aggregates whose bags have this shape. */
#define TR_BAG_VERBS(name, shape)                                                                                      \
	static void name##_merge(const struct tr_agg_slot *slot, char *const *targets, char *const *sources,           \
				 uint32_t count)                                                                       \
	{                                                                                                              \
		tr_bag_merge(slot, targets, sources, count, shape);                                                    \
	}                                                                                                              \
	static void name##_read(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns, \
				const uint32_t *rows, uint32_t count)                                                  \
	{                                                                                                              \
		tr_bag_read(slot, entries, columns, rows, count, shape);                                               \
	}

/** What all aggregates with a bag have in their rows of a table: NAME_update and NAME_finish are their own. */
#define TR_BAG_ROW(name)                                                                                        \
	.kind = TR_AGG_OTHER, .acc_bytes = 8, .owns_memory = true, .takes_row = true, .partial_count = 2,       \
	.update = name##_update, .merge = name##_merge, .finish = name##_finish, .partial_types = tr_bag_types, \
	.write_partial = tr_bag_write, .read_partial = name##_read, .release = tr_bag_release,                  \
	.is_owner = tr_bag_is_owner

#endif
