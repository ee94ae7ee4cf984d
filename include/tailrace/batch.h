/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: rows as columns. What a function of a job is given, and what it makes.
 *
 * A column has Arrow's layout:
 *
 *     type      what the values mean (types.h)             validity  bit i set: row i is not NULL; NULL: no row is
 *     data      values of the type's width each            offsets   ARRAY, MAP: row i has children [offsets[i], offsets[i+1])
 *
 * A `struct tr_batch` borrows everything it points to: it and all it points to hold until the call that was given it
 * returns; who wants values longer copies them. Rows are numbered 0 .. row_count - 1. With a `selection` only the rows that it
 * lists exist, in ascending order:
 *
 *     for (uint32_t i = 0; i < batch->selected_count; i++) {
 *             const uint32_t row = tr_batch_row(batch, i);
 *             if (!tr_column_is_null(&batch->columns[2], row))
 *                     sum += tr_column_i64(&batch->columns[2], row);
 *     }
 *
 * A constant column holds one value, in row 0, that stands for every row; the tr_column_ getters know that, and so must who
 * reads `data` himself. Texts are views of 16 bytes: short ones lie in the view, long ones are pointed to.
 *
 * Watermark runs say which watermark was in force when a row arrived: run r covers rows [runs[r].row, runs[r+1].row), the
 * last one up to the end; runs[0].row is 0. No runs: there is no event time. Rows never carry a watermark that moved because
 * of themselves. `watermark_ms` is what is in force after the last row. Of what functions make the engine knows the runs.
 *
 * The layout is part of the ABI (version.h). Nothing here allocates or fails but where it says so.
 */
#ifndef TAILRACE_BATCH_H
#define TAILRACE_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tailrace/status.h"
#include "tailrace/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_VIEW_INLINE_MAX 12

/** A string or byte sequence of up to 2 GiB. Unused inline bytes are zero, so that equal short views are equal bytes. */
struct tr_view {
	uint32_t length;
	union {
		char inlined[TR_VIEW_INLINE_MAX];
		struct {
			char prefix[4];
			const char *text __attribute__((packed));
		};
	};
};

struct tr_column {
	const struct tr_type *type;
	const void *data;                 /* NULL for ROW and NONE */
	const uint64_t *validity;         /* NULL: no NULLs; else one bit per row (bit 0 of a constant) */
	const int32_t *offsets;           /* LIST: row_count + 1 */
	const struct tr_column *children; /* LIST: element, or key and value; ROW: fields */
	bool is_constant;
};

static inline const char *tr_view_text(const struct tr_view *view)
{
	return view->length <= TR_VIEW_INLINE_MAX ? view->inlined : view->text;
}

/** A view of `length` bytes at `text`, which must outlive it if longer than 12. */
static inline struct tr_view tr_view_make(const char *text, uint32_t length)
{
	struct tr_view view;

	memset(&view, 0, sizeof(view));
	view.length = length;
	if (length <= TR_VIEW_INLINE_MAX) {
		memcpy(view.inlined, text, length);
	} else {
		memcpy(view.prefix, text, 4);
		view.text = text;
	}
	return view;
}

static inline bool tr_bit_get(const uint64_t *bits, uint32_t i) { return (bits[i >> 6] >> (i & 63)) & 1; }
static inline void tr_bit_set(uint64_t *bits, uint32_t i) { bits[i >> 6] |= (uint64_t)1 << (i & 63); }
static inline void tr_bit_clear(uint64_t *bits, uint32_t i) { bits[i >> 6] &= ~((uint64_t)1 << (i & 63)); }
static inline void tr_bit_assign(uint64_t *bits, uint32_t i, bool value)
{
	bits[i >> 6] = (bits[i >> 6] & ~((uint64_t)1 << (i & 63))) | ((uint64_t)value << (i & 63));
}
#define TR_BITMAP_WORDS(rows) (((size_t)(rows) + 63) / 64)

/** Where row `row` of the batch is stored. */
static inline uint32_t tr_column_row(const struct tr_column *column, uint32_t row)
{
	return column->is_constant ? 0 : row;
}

/** Whether row `row` is NULL. */
static inline bool tr_column_is_null(const struct tr_column *column, uint32_t row)
{
	if (column->type->phys == TR_PHYS_NONE)
		return true;
	return column->validity != NULL && !tr_bit_get(column->validity, tr_column_row(column, row));
}

#define TR_COLUMN_GETTER(name, ctype)                                                      \
	static inline ctype tr_column_##name(const struct tr_column *column, uint32_t row) \
	{                                                                                  \
		return ((const ctype *)column->data)[tr_column_row(column, row)];          \
	}
TR_COLUMN_GETTER(i8, int8_t)
TR_COLUMN_GETTER(i16, int16_t)
TR_COLUMN_GETTER(i32, int32_t)
TR_COLUMN_GETTER(i64, int64_t)
TR_COLUMN_GETTER(f32, float)
TR_COLUMN_GETTER(f64, double)
#undef TR_COLUMN_GETTER
static inline const struct tr_view *tr_column_view(const struct tr_column *column, uint32_t row)
{
	return &((const struct tr_view *)column->data)[tr_column_row(column, row)];
}

#define TR_BATCH_ROWS_DEFAULT 2048
#define TR_BATCH_ROWS_MAX 65536

#define TR_WATERMARK_MIN INT64_MIN /* no watermark yet */
#define TR_WATERMARK_MAX INT64_MAX /* the end of bounded input */

enum tr_row_kind { TR_ROW_INSERT = 0, TR_ROW_UPDATE_BEFORE = 1, TR_ROW_UPDATE_AFTER = 2, TR_ROW_DELETE = 3 };

/** Names and types of columns; immutable. Lives in the arena of the plan that made it. */
struct tr_schema {
	uint32_t column_count;
	const char *const *names;
	const struct tr_type *const *types;
};

struct tr_watermark_run {
	uint32_t row;         /* first row (physical index) of the run */
	int64_t watermark_ms; /* in force for these rows */
};

/** Where the rows of a source's batch come from, for messages. */
struct tr_row_origin {
	const char *table;
	const char *split;   /* "file /data/a.csv" */
	uint64_t row_number; /* of row 0 within the split, from 1 */
};

struct tr_batch {
	const struct tr_schema *schema;
	uint32_t row_count;              /* rows that the columns hold */
	uint32_t selected_count;         /* rows that exist: row_count when selection is NULL */
	const uint32_t *selection;       /* ascending row indexes, or NULL */
	const struct tr_column *columns; /* schema->column_count */
	const uint8_t *row_kinds;        /* enum tr_row_kind by row, or NULL: all inserts */
	const struct tr_watermark_run *runs;
	uint32_t run_count;
	int64_t watermark_ms;               /* after the last row; TR_WATERMARK_MIN without event time */
	const struct tr_row_origin *origin; /* rows are as a source has numbered them; NULL: others made or moved them */
};

/** The i-th row that exists. */
static inline uint32_t tr_batch_row(const struct tr_batch *batch, uint32_t i)
{
	return batch->selection != NULL ? batch->selection[i] : i;
}

/** One row of a batch: what a function that goes row by row is given. */
struct tr_row {
	const struct tr_batch *batch;
	uint32_t row; /* physical index */
};

/** What a column that is not there, or is of another kind, is read as; in a callback it fails the job with a message that names operator
 * and column, elsewhere it ends the process. */
TR_API int64_t tr_row_mismatch(const struct tr_row *row, uint32_t column, const char *asked);
TR_API const struct tr_view *tr_row_no_text(const struct tr_row *row, uint32_t column);

static inline bool tr_row_has(const struct tr_row *row, uint32_t column)
{
	return __builtin_expect(column < row->batch->schema->column_count, 1);
}

static inline bool tr_row_is_null(const struct tr_row *row, uint32_t column)
{
	if (!tr_row_has(row, column))
		return tr_row_mismatch(row, column, "") == 0;
	return tr_column_is_null(&row->batch->columns[column], row->row);
}

/** Of whole numbers of up to 64 bits, BOOLEAN, DATE, TIME, TIMESTAMP, intervals, DECIMAL of up to 18 digits (unscaled). Not of
 * NULL, whose value is anything. */
static inline int64_t tr_row_i64(const struct tr_row *row, uint32_t column)
{
	const struct tr_column *c = &row->batch->columns[column];

	if (!tr_row_has(row, column))
		return tr_row_mismatch(row, column, "");
	switch (c->type->phys) {
	case TR_PHYS_I64: return tr_column_i64(c, row->row);
	case TR_PHYS_I32: return tr_column_i32(c, row->row);
	case TR_PHYS_I16: return tr_column_i16(c, row->row);
	case TR_PHYS_I8: return tr_column_i8(c, row->row);
	default: return tr_row_mismatch(row, column, "a whole number");
	}
}

/** Of FLOAT and DOUBLE. */
static inline double tr_row_f64(const struct tr_row *row, uint32_t column)
{
	const struct tr_column *c = &row->batch->columns[column];

	if (!tr_row_has(row, column))
		return (double)tr_row_mismatch(row, column, "");
	switch (c->type->phys) {
	case TR_PHYS_F64: return tr_column_f64(c, row->row);
	case TR_PHYS_F32: return (double)tr_column_f32(c, row->row);
	default: return (double)tr_row_mismatch(row, column, "a FLOAT or DOUBLE");
	}
}

/** Of CHAR, VARCHAR, STRING and their likes of bytes; borrowed from the batch; empty for NULL. Its text is not followed by a NUL. */
static inline const struct tr_view *tr_row_text(const struct tr_row *row, uint32_t column)
{
	static const struct tr_view none = {0, {{0}}};
	const struct tr_column *c = &row->batch->columns[column];

	if (!tr_row_has(row, column) || c->type->phys != TR_PHYS_VIEW)
		return tr_row_no_text(row, column);
	return tr_column_is_null(c, row->row) ? &none : tr_column_view(c, row->row);
}

/** The number of the column of this name; -1: there is none. */
TR_API int32_t tr_schema_find(const struct tr_schema *schema, const char *name);

/* Arrow's C Data Interface: batches of any Arrow library in, ours out. */

struct ArrowSchema;
struct ArrowArray;

/** The selected rows of `batch` as a struct array, without row kinds and runs. All is copied; the caller owns both and calls
 * their release. TR_ERR_UNAVAILABLE: a type that Arrow has not. Any thread. */
TR_API tr_code tr_batch_export(const struct tr_batch *batch, struct ArrowArray *array, struct ArrowSchema *schema,
			       struct tr_status *st) TR_MUST_USE;
TR_API tr_code tr_schema_export(const struct tr_schema *columns, struct ArrowSchema *schema,
				struct tr_status *st) TR_MUST_USE;

/** A batch with memory of its own. */
struct tr_owned_batch;

/** The rows of a struct array, copied; `array` and `schema` stay the caller's. At most TR_BATCH_ROWS_MAX rows. TR_ERR_UNAVAILABLE: a
 * type that we have not; TR_ERR_DATA: not a struct array, or too many rows. Any thread. */
TR_API tr_code tr_batch_import(const struct ArrowArray *array, const struct ArrowSchema *schema,
			       struct tr_owned_batch **result, struct tr_status *st) TR_MUST_USE;

/** The selected rows of `batch`, copied. */
TR_API struct tr_owned_batch *tr_batch_copy(const struct tr_batch *batch);

/** Borrowed until it is released. */
TR_API const struct tr_batch *tr_owned_batch_get(const struct tr_owned_batch *owned);
TR_API void tr_owned_batch_release(struct tr_owned_batch **owned);

#ifdef __cplusplus
}
#endif
#endif
