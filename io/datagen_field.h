/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagen fields: how the values of one column of a 'datagen' table are drawn.
 *
 * A field is compiled from the column's type and its options (fields.NAME.kind, .min, .max, ...) into a small tree: a ROW
 * has a field per child ("r.a"), an ARRAY or MULTISET an "element", a MAP a "key" and a "value". Filling draws from
 * (seed, path of the field, row number), and in collections from the position too: a value depends on nothing else.
 *
 * What random means per type, as in Flink: numbers uniform in [min, max]; texts hexadecimal digits, bytes random bytes,
 * of `length`, or 1 .. length with var-len; collections of `length` elements (3), equal keys of a MAP once; dates and
 * times "now", timestamps up to max-past before now. A sequence counts start, start + 1, .. end, and ends the table.
 *
 * "Now" is given by the caller per row, so that a table with 'base-time' can be repeated.
 */
#ifndef TR_IO_DATAGEN_FIELD_H
#define TR_IO_DATAGEN_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/batch.h"
#include "io/connector.h"
#include "tailrace/status.h"

#define TR_DATAGEN_LENGTH_MAX (16 << 20)
#define TR_DATAGEN_ELEMENTS_MAX 65536

struct tr_datagen_field; /* immutable once compiled */

/** Compiles all columns of the table into `arena`; fields[c] belongs to column c. `row_limit` receives the rows that
 * the shortest sequence allows (INT64_MAX: no sequence), `row_bytes` an estimate of a row's size. TR_ERR_DATA names the
 * option at fault. */
tr_code tr_datagen_compile(const struct tr_table_spec *spec, struct tr_arena *arena,
			   const struct tr_datagen_field *const **fields, int64_t *row_limit, uint64_t *row_bytes,
			   struct tr_status *st) TR_MUST_USE;

/** Rows that are to be made. */
struct tr_datagen_rows {
	const int64_t *number; /* row numbers */
	const uint64_t *key;   /* random bits of each row: a hash of (seed, number, position in collections) */
	const int64_t *now_ms; /* any, if no field is a date or time */
	uint32_t count;
};

/** Writes the rows to `out` from row `at` on; texts go to `heap`. `out` has room. */
void tr_datagen_fill(const struct tr_datagen_field *field, const struct tr_datagen_rows *rows,
		     struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap);

/** Whether values of this type itself, apart from its elements, are made of now_ms. */
bool tr_datagen_is_time(const struct tr_type *type);

/** The hash of row `number`. */
uint64_t tr_datagen_key(uint64_t seed, int64_t number);

#endif
