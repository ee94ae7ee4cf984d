/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores, the memory of registers, and merging: copying some rows of a column into a register.
 *
 * Rows of lists can't be written in any order. They are noted as picks (core/ops/kernel_pick.h) while the branches of a CASE
 * are merged, and gathered when all are: tr_merge_end.
 */
#ifndef TR_CORE_OPS_KERNEL_MERGE_H
#define TR_CORE_OPS_KERNEL_MERGE_H

#include "core/ops/kernel_pick.h"

/** Memory for one register. Nothing is set by init but the pointers. */
struct tr_merge_store {
	const struct tr_type *type;
	void *data;
	uint64_t *validity;
	struct tr_column *columns;       /* ROW: children as columns; LIST: NULLs, until there are elements */
	int32_t *offsets;                /* LIST: of no elements */
	struct tr_merge_store *children; /* ROW */
	struct tr_pick *picks;           /* LIST: by row */
	const struct tr_column **sources;
	uint32_t source_count, source_capacity;
	uint32_t rows_max;
	uint32_t merged; /* rows that were merged since tr_merge_begin */
};

void tr_merge_store_init(struct tr_merge_store *store, struct tr_arena *arena, const struct tr_type *type,
			 uint32_t rows_max);

/** A column over the store with no NULLs yet. */
struct tr_column tr_merge_store_column(struct tr_merge_store *store);

/** The same, before rows are merged into it. */
struct tr_column tr_merge_begin(struct tr_merge_store *store);

/** Copies rows (rows NULL: 0 .. count - 1) of `source`, which may be constant, into the store that `out` shows. Rows are
 * merged at most once. `heap` keeps what lists need until tr_merge_end; NULL: the type has none. */
void tr_merge_rows(struct tr_merge_store *store, struct tr_column *out, const struct tr_column *source,
		   const uint32_t *rows, uint32_t count, uint32_t row_count, struct tr_arena *heap);

/** Makes the lists of `row_count` rows, in `heap`; those that were not merged are NULL. */
tr_code tr_merge_end(struct tr_merge_store *store, struct tr_column *out, uint32_t row_count, struct tr_arena *heap,
		     struct tr_status *st) TR_MUST_USE;

/** Marks a row NULL; the first one makes the bitmap. */
void tr_merge_set_null(struct tr_merge_store *store, struct tr_column *out, uint32_t row, uint32_t row_count);

/** Makes a constant column one of `row_count` equal values in the store. */
tr_code tr_merge_spread(struct tr_merge_store *store, struct tr_column *column, uint32_t row_count,
			struct tr_arena *heap, struct tr_status *st) TR_MUST_USE;

#endif
