/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, comparing and printing logical types (include/tailrace/types.h has the struct and the layouts).
 *
 * Types are made in an arena and never change. `tr_type_of` gives static nullable instances of the types that need
 * no parameters (precision defaults as in Flink: TIMESTAMP(6), TIME(0), DECIMAL(10,0), CHAR(1), STRING, BYTES).
 */
#ifndef TR_BASE_TYPE_H
#define TR_BASE_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "tailrace/types.h"

/** Static, nullable, default parameters. TR_TYPE_VARCHAR is STRING, TR_TYPE_VARBINARY is BYTES. No nested types. */
const struct tr_type *tr_type_of(enum tr_type_id id);

/** New types in `arena`; all nullable unless said otherwise. */
const struct tr_type *tr_type_decimal(struct tr_arena *arena, int precision, int scale);
const struct tr_type *tr_type_with_precision(struct tr_arena *arena, enum tr_type_id id, int precision);
const struct tr_type *tr_type_with_nullable(struct tr_arena *arena, const struct tr_type *type, bool is_nullable);
const struct tr_type *tr_type_array(struct tr_arena *arena, const struct tr_type *element);
const struct tr_type *tr_type_map(struct tr_arena *arena, const struct tr_type *key, const struct tr_type *value);
const struct tr_type *tr_type_multiset(struct tr_arena *arena, const struct tr_type *element);
const struct tr_type *tr_type_row(struct tr_arena *arena, const char *const *names, const struct tr_type *const *types,
				  size_t count);

/** Deep copy into `arena`. */
const struct tr_type *tr_type_copy(struct tr_arena *arena, const struct tr_type *type);

/** Same type in every respect; the second ignores nullability at the top. */
bool tr_type_equals(const struct tr_type *a, const struct tr_type *b);
bool tr_type_equals_ignoring_null(const struct tr_type *a, const struct tr_type *b);

/** Flink's text, e.g. "DECIMAL(10, 2) NOT NULL", "ROW<`a` INT, `b` STRING>". In `arena`. */
const char *tr_type_text(struct tr_arena *arena, const struct tr_type *type);

/** Bytes of one value in the fixed part of a column: 1..16; 0 for NONE and ROW; 4 (an offset) for LIST. */
size_t tr_phys_bytes(enum tr_phys phys);

static inline bool tr_type_is_integer(const struct tr_type *t)
{
	return t->id >= TR_TYPE_TINYINT && t->id <= TR_TYPE_BIGINT;
}
static inline bool tr_type_is_float(const struct tr_type *t)
{
	return t->id == TR_TYPE_FLOAT || t->id == TR_TYPE_DOUBLE;
}
static inline bool tr_type_is_numeric(const struct tr_type *t)
{
	return t->id >= TR_TYPE_TINYINT && t->id <= TR_TYPE_DECIMAL;
}
/** ARRAY, MAP, MULTISET, ROW. */
static inline bool tr_type_is_nested(const struct tr_type *t)
{
	return t->phys == TR_PHYS_LIST || t->phys == TR_PHYS_ROW;
}

static inline bool tr_type_is_text(const struct tr_type *t)
{
	return t->id == TR_TYPE_CHAR || t->id == TR_TYPE_VARCHAR;
}
static inline bool tr_type_is_bytes(const struct tr_type *t)
{
	return t->id == TR_TYPE_BINARY || t->id == TR_TYPE_VARBINARY;
}
static inline bool tr_type_is_timestamp(const struct tr_type *t)
{
	return t->id == TR_TYPE_TIMESTAMP || t->id == TR_TYPE_TIMESTAMP_LTZ;
}
static inline bool tr_type_is_interval(const struct tr_type *t)
{
	return t->id == TR_TYPE_INTERVAL_MONTH || t->id == TR_TYPE_INTERVAL_MS;
}

/** How many ticks of a TIMESTAMP(p) make a second: 1,000, 1,000,000 or 1,000,000,000. */
static inline int64_t tr_type_ticks_per_second(const struct tr_type *t)
{
	return t->precision <= 3 ? 1000 : t->precision <= 6 ? 1000000 : 1000000000;
}

#endif
