/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as bytes whose order is that of the sort keys: memcmp decides, whatever the keys' types are.
 *
 *     row      | key .. | NULL bits | values of fixed width .. | texts and nested values .. | length of the keys u32 |
 *     key      | 0 NULL, 1 not; the other way round with NULLS LAST | value; nothing if NULL and of varying width |
 *     value    integers, decimals, times     big endian, the sign bit flipped
 *              floats                        the same after negative ones are inverted; every NaN is the greatest
 *              texts, bytes                  the bytes, 00 as 00 FF, then 00 00
 *              descending                    all of that inverted
 *     text     length u32, bytes; nested values are rows of one column (state/rows.h)
 *
 * The last part is there only if keys differ in length. What stands behind the keys makes the order total: rows that are equal in
 * all keys lie in an order that depends on nothing but their values, so a limit cuts the same rows whoever sorts.
 *
 * A batch is encoded column by column: first the lengths of all rows, then the values. What is written never leaves the process but
 * to a scratch file: it is not checked when read. Thread: one owner.
 */
#ifndef TR_CORE_OPS_SORT_ROW_H
#define TR_CORE_OPS_SORT_ROW_H

#include "base/batch.h"
#include "base/bytes.h"
#include "core/ops/sort.h"
#include "state/rows.h"

struct tr_sort_rows {
	const struct tr_schema *schema;
	const struct tr_order_key *keys;
	uint32_t key_count;
	uint32_t key_bytes; /* if no key is a text; else of the others */
	bool has_text_keys;
	bool has_texts;      /* or nested values, in any column */
	uint32_t null_bytes; /* of the NULL bits */
	uint32_t fixed_bytes;
	uint32_t *places; /* by column: of its value behind the NULL bits; 0 if it has no fixed width */
	/* Of the batch in hand, by position: */
	uint32_t capacity;
	uint32_t *lengths;      /* of the rows */
	uint32_t *key_lengths;  /* has_text_keys */
	char **rows;            /* where they are to be written: the caller fills them in */
	char **ends;            /* scratch: where the next value goes */
	struct tr_bytes nested; /* all nested values of the batch, one after the other */
	size_t nested_at;
	struct tr_batch_buffer **images; /* by column, nested ones: a row of it */
	struct tr_schema *image_schemas;
	struct tr_rows *read;
};

void tr_sort_rows_init(struct tr_sort_rows *rows, const struct tr_schema *schema, const struct tr_order_key *keys,
		       uint32_t key_count);
void tr_sort_rows_deinit(struct tr_sort_rows *rows);

/** Works out the lengths of the batch's rows, in rows->lengths; UINT32_MAX: that, or more. */
void tr_sort_rows_measure(struct tr_sort_rows *rows, const struct tr_batch *batch);

/** Writes the measured rows to rows->rows[0 .. selected_count). */
void tr_sort_rows_write(struct tr_sort_rows *rows, const struct tr_batch *batch);

/** Rows back to columns, at rows 0 .. count - 1 of a buffer that the caller has cleared and will seal. */
void tr_sort_rows_read(struct tr_sort_rows *rows, const char *const *from, const uint32_t *lengths, uint32_t count,
		       struct tr_batch_buffer *into);

#endif
