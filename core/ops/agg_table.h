/* SPDX-License-Identifier: Apache-2.0
 *
 * What an aggregate function is made of: the verbs over accumulators, and the tables of overloads.
 *
 * The state of a group is one *entry*: 8 bytes with the number of its rows, then the accumulator of each aggregate at
 * an offset of its own (core/ops/agg_layout.h). An entry is 8-byte aligned and starts as zero bytes, which every
 * accumulator takes for "nothing seen". The verbs take arrays of entries, and the accumulator's offset in them; an
 * entry may occur several times in one call.
 */
#ifndef TR_CORE_OPS_AGG_TABLE_H
#define TR_CORE_OPS_AGG_TABLE_H

#include "base/batch.h"
#include "core/ops/agg.h"
#include "core/ops/func.h"

#define TR_AGG_PARTIAL_COLUMNS_MAX 3

enum tr_agg_kind { TR_AGG_COUNT_STAR, TR_AGG_COUNT, TR_AGG_SUM, TR_AGG_AVG, TR_AGG_MIN, TR_AGG_MAX, TR_AGG_OTHER };

/** Where an accumulator of one call lives and what its verbs need to know. */
struct tr_agg_slot {
	uint32_t offset;                    /* of the accumulator in the entry */
	const struct tr_type *type;         /* of the result */
	const struct tr_type *arg_type;     /* of the argument, or of the first partial column; NULL for COUNT(*) */
	const struct tr_agg_params *params; /* of the call; or NULL */
	size_t *owned;                      /* where the bytes that accumulators own are counted */
	struct tr_status *failure;          /* where a verb says that a row or a group can't be */
	void *local;                        /* of the layout, from tr_agg.local_create; or NULL */
};

struct tr_agg {
	const char *name;
	enum tr_agg_kind kind;
	enum tr_phys phys;  /* of the argument */
	uint32_t acc_bytes; /* a multiple of 8 */
	bool is_additive;   /* the accumulator is words that merge by wrapping addition */
	bool owns_memory;   /* has a release */
	bool takes_row;     /* the argument is a ROW of all arguments; NULLs, and DISTINCT, are the verbs' business */
	bool is_ordered;    /* takes_row, and the last field is the row's position, BIGINT */
	bool is_collecting; /* the accumulator grows with its rows: partials would not be smaller */
	int code;           /* for verbs that several rows share */
	const char *state;  /* in fingerprints, where the name does not say it; or NULL */
	uint32_t partial_count; /* columns in which a partial travels */
	/* entries[i] takes the value of row rows[i] (row i when rows is NULL): never NULL, never filtered out. */
	void (*update)(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
		       const uint32_t *rows, uint32_t count);
	/* The same, and adds one to the entry's number of rows. NULL: there is no such kernel. */
	void (*update_counting)(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *arg,
				const uint32_t *rows, uint32_t count);
	/* targets[i] takes what sources[i] holds, which stays as it is. NULL when is_additive. */
	void (*merge)(const struct tr_agg_slot *slot, char *const *targets, char *const *sources, uint32_t count);
	/* Results of entries to rows at .. at + count of `out`; strings go to `heap`. */
	void (*finish)(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
		       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap);
	/* The types of the partial columns for an argument type. */
	void (*partial_types)(struct tr_arena *arena, const struct tr_type *arg_type, const struct tr_type **types);
	void (*write_partial)(const struct tr_agg_slot *slot, char *const *entries, uint32_t count,
			      struct tr_column_buffer *columns, uint32_t at, struct tr_heap *heap);
	/* entries[i] takes the partial in row rows[i]. */
	void (*read_partial)(const struct tr_agg_slot *slot, char *const *entries, const struct tr_column *columns,
			     const uint32_t *rows, uint32_t count);
	void (*release)(const struct tr_agg_slot *slot, char *const *entries, uint32_t count);
	/* Whether the partial in row `row`, which comes from outside and is of an entry with `held` rows, can be read. NULL: any
	 * can. */
	bool (*is_valid)(const struct tr_agg_slot *slot, const struct tr_column *columns, uint32_t row, int64_t held);
	/* Whether the accumulator owns memory now. NULL: it never does. */
	bool (*is_owner)(const struct tr_agg_slot *slot, char *entry);
	/* What the verbs of one layout may write to. NULL: nothing. */
	void *(*local_create)(const struct tr_agg *agg, const struct tr_agg_params *params);
	void (*local_destroy)(void *local);
};

/** The overloads, by the files that hold their verbs; ended by an entry without name. */
extern const struct tr_agg tr_agg_counts[];
extern const struct tr_agg tr_agg_sums[];     /* integers */
extern const struct tr_agg tr_agg_decimals[]; /* SUM and AVG */
extern const struct tr_agg tr_agg_floats[];   /* SUM and AVG */
extern const struct tr_agg tr_agg_extremes[]; /* MIN and MAX */
extern const struct tr_agg tr_agg_variances[];
extern const struct tr_agg tr_agg_collects[]; /* by `code`: whether with DISTINCT */
extern const struct tr_agg tr_agg_percentiles[];
extern const struct tr_agg tr_agg_jsons[];

/** The documentation of an aggregate; NULL: there is none of that name. */
const struct tr_func_doc *tr_agg_doc(const char *name);

/** 192-bit integers for sums of decimals: least significant word first, two's complement. */
struct tr_i192 {
	uint64_t words[3];
};

static inline uint32_t tr_agg_row(const uint32_t *rows, uint32_t i) { return rows != NULL ? rows[i] : i; }

static inline void tr_agg_set_null(struct tr_column_buffer *out, uint32_t row)
{
	tr_bit_clear(out->validity, row);
	out->has_nulls = true;
}

#endif
