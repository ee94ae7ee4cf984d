/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: typed columns as bytes and back, for state records (base/state_record.h). Column by column, so that writing is
 * copying; with the types, so that bytes of another schema are refused and not misread. Little endian:
 *
 *     | rows u32 | columns u32 | column .. |
 *
 *     column   | type id u8 | flags u8 | scale u8 | 0 | precision i32 | children u32 | validity | values |
 *              flags: 1 some are NULL: validity is a bit a row, padded to a byte    2 one value stands for all rows
 *     values   fixed width     as they lie in memory
 *              texts, bytes    their lengths u32, then all of them
 *              LIST            lengths u32, then the children, as columns of all elements
 *              ROW             the fields, as columns
 *              NULL            nothing
 *
 * Constant columns take the room of one value (flag 2, top level only). A NULL row's value is zeros, no text, no elements.
 * Whether a type is nullable is not part of it.
 *
 * What is read borrows long texts from the bytes it was read from. Threads: none here.
 */
#ifndef TR_STATE_ROWS_H
#define TR_STATE_ROWS_H

#include "base/batch.h"
#include "base/bytes.h"
#include "tailrace/status.h"

#define TR_ROWS_MAX TR_BATCH_ROWS_MAX

/** Appends rows 0 .. count - 1 (at most TR_ROWS_MAX) of the columns. */
void tr_rows_write(const struct tr_column *columns, uint32_t column_count, uint32_t count, struct tr_bytes *out);

/** Memory for rows of one schema that are read. Zero-initialise it. */
struct tr_rows {
	struct tr_batch_buffer *buffer;
};

/** Reads rows of `schema`, which must be the same at each call. The batch is valid until the next read, and as long as `bytes`
 * is. TR_ERR_DATA: they are not whole, or have other types. */
tr_code tr_rows_read(struct tr_rows *rows, const struct tr_schema *schema, const void *bytes, size_t length,
		     const struct tr_batch **batch, struct tr_status *st) TR_MUST_USE;
void tr_rows_deinit(struct tr_rows *rows);

#endif
