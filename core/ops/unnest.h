/* SPDX-License-Identifier: Apache-2.0
 *
 * What an UNNEST does: the part of a plan that its operator (core/ops/op_unnest.h) reads.
 */
#ifndef TR_CORE_OPS_UNNEST_H
#define TR_CORE_OPS_UNNEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tailrace/types.h"

/** For each input row as many rows as a list of its has elements: columns of the input, then those of the element, then its
 * number from 1 as an INT. */
struct tr_unnest {
	uint32_t list;           /* column of the input: ARRAY, MAP or MULTISET */
	const uint32_t *columns; /* of the input, that are passed on */
	uint32_t column_count;
	const uint32_t *fields; /* of the element, that become columns: tr_unnest_field_type */
	uint32_t field_count;
	bool has_ordinality;
	bool is_outer; /* a row without elements stays, with NULLs for them: LEFT JOIN */
};

/** How many columns an element of the list has: a ROW its fields, an entry of a MAP 2, any other value 1. */
static inline uint32_t tr_unnest_width(const struct tr_type *list)
{
	if (list->id != TR_TYPE_MAP && list->children[0]->id == TR_TYPE_ROW)
		return list->children[0]->child_count;
	return list->child_count;
}

/** The type of one of them. */
static inline const struct tr_type *tr_unnest_field_type(const struct tr_type *list, uint32_t field)
{
	if (list->id != TR_TYPE_MAP && list->children[0]->id == TR_TYPE_ROW)
		return list->children[0]->children[field];
	return list->children[field];
}

#endif
