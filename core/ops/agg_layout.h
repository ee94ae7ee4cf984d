/* SPDX-License-Identifier: Apache-2.0
 *
 * Layout: how the accumulators of a query's aggregates lie in an entry, and the verbs over whole entries.
 *
 *     entry   | rows int64 | accumulator 0 | accumulator 1 | ...           stride bytes, a multiple of 8
 *                          '-> with DISTINCT: | set | accumulator |
 *
 * `rows` is the hidden count: an entry exists for its window when it is not zero. COUNT(*) without a filter, and
 * COUNT(x) of a column that is NOT NULL, are that count and have no accumulator of their own. Entries start as zero
 * bytes. A layout has scratch memory, so it belongs to one operator on one worker.
 */
#ifndef TR_CORE_OPS_AGG_LAYOUT_H
#define TR_CORE_OPS_AGG_LAYOUT_H

#include "core/ops/agg_table.h"
#include "tailrace/status.h"

struct tr_agg_part {
	const struct tr_agg *agg;
	struct tr_agg_slot slot;
	int32_t arg_column;
	uint32_t more_count;
	int32_t more_columns[TR_AGG_MORE_MAX];
	int32_t filter_column;
	uint32_t partial_column; /* first one, counted from the first accumulator column */
	bool is_row_count;
	bool is_distinct; /* the set lies 8 bytes before slot.offset */
};

struct tr_agg_layout {
	struct tr_agg_part *parts;
	uint32_t part_count;
	uint32_t stride;        /* of entries in a row */
	uint32_t bytes;         /* of an entry: at most the stride */
	uint32_t partial_count; /* columns of a partial, all accumulators together */
	bool is_additive;       /* entries merge by adding words */
	bool owns_memory;
	bool is_mergeable;        /* no DISTINCT, and nothing that keeps all values */
	size_t owned;             /* bytes that all entries own: the layout stays where it was made */
	struct tr_status failure; /* of a verb: whoever updates and finishes looks at it before results go out */
	char **entries;           /* scratch */
	uint32_t *rows;
	uint32_t capacity;
};

/** Whether the call needs the sets of this layout: DISTINCT means something to it, and it does not see to that itself. */
bool tr_agg_is_distinct(const struct tr_agg_call *call);

/** Makes the layout of `aggs`. `input` is the schema that their columns refer to; with `partials_at` >= 0 it is the
 * schema of partials whose accumulator columns begin there. TR_ERR_DATA: DISTINCT over a nested type. */
tr_code tr_agg_layout_init(struct tr_agg_layout *layout, const struct tr_agg_call *aggs, uint32_t agg_count,
			   const struct tr_schema *input, int32_t partials_at, struct tr_status *st) TR_MUST_USE;
void tr_agg_layout_deinit(struct tr_agg_layout *layout);

/** Adds one to the hidden count of each entry. Positions i whose entry was empty before go to `touched` (room for
 * count + 1); returns how many. */
uint32_t tr_agg_layout_count(char *const *entries, uint32_t count, uint32_t *touched);

/** entries[i] takes row rows[i] of `batch` (i when rows is NULL): all but the hidden count. */
void tr_agg_layout_update(struct tr_agg_layout *layout, const struct tr_batch *batch, char *const *entries,
			  const uint32_t *rows, uint32_t count);

/** Both: the hidden count, and all else. */
void tr_agg_layout_add(struct tr_agg_layout *layout, const struct tr_batch *batch, char *const *entries,
		       const uint32_t *rows, uint32_t count);

/** targets[i] += sources[i], hidden counts included. */
void tr_agg_layout_merge(struct tr_agg_layout *layout, char *const *targets, char *const *sources, uint32_t count);

/** Results to rows at .. of columns[0 .. part_count). */
void tr_agg_layout_finish(const struct tr_agg_layout *layout, char *const *entries, uint32_t count,
			  struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap);

/** Accumulators to and from the columns of partials (hidden counts apart). */
void tr_agg_layout_write(const struct tr_agg_layout *layout, char *const *entries, uint32_t count,
			 struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap);
void tr_agg_layout_read(const struct tr_agg_layout *layout, char *const *entries, const struct tr_column *columns,
			const uint32_t *rows, uint32_t count);

/** Whether the accumulators in rows[0 .. count) of columns that come from outside can be read; `row_counts` are the hidden
 * counts of these rows. TR_ERR_DATA. */
tr_code tr_agg_layout_check(const struct tr_agg_layout *layout, const struct tr_column *columns,
			    const struct tr_column *row_counts, const uint32_t *rows, uint32_t count,
			    struct tr_status *st) TR_MUST_USE;

/** Adds a value to the set of a DISTINCT part. Whether it was new. */
bool tr_agg_entry_see(const struct tr_agg_part *part, char *entry, enum tr_phys phys, const void *value);

/** The set of a DISTINCT part. */
struct tr_distinct_set **tr_agg_entry_set(const struct tr_agg_part *part, char *entry);

/** Whether the entry owns memory now: else its bytes are all there is of it. */
bool tr_agg_layout_is_owner(const struct tr_agg_layout *layout, char *entry);

/** Frees what the entries own. They are not zeroed as a whole. Nothing to do unless owns_memory. */
void tr_agg_layout_release(const struct tr_agg_layout *layout, char *const *entries, uint32_t count);

static inline int64_t *tr_agg_entry_rows(char *entry) { return (int64_t *)(void *)entry; }

#endif
