/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and entries as bytes, for tables whose keys and values are bytes (state/table.h).
 *
 *     key      | NULL bits, a byte for every 8 columns | the values that are not NULL |
 *     entry    of a layout that owns no memory: as it lies in memory
 *              else: | 0 | the same, if this one happens to own nothing (sums of usual doubles, short texts)
 *                    | 1 | rows i64 | is NULL u8, value | .. partial columns | count u32, values | .. sets
 *     value    fixed width: as in memory; texts: length u32, bytes
 *
 * Keys that SQL groups as one are the same bytes: -0.0 is written as 0.0, every NaN as the same one. What is written here never
 * leaves the process but to a table's scratch file: it is not checked when read.
 *
 * Entries that own memory go by way of columns: those in which partials travel (tr_agg_layout_write), and for each DISTINCT
 * aggregate one of its values, ARRAY. Records are made of the same columns, so an entry goes from bytes to a record, and back,
 * without ever being one in memory.
 *
 * Thread: one owner (of the layout).
 */
#ifndef TR_CORE_OPS_WINDOW_CODEC_H
#define TR_CORE_OPS_WINDOW_CODEC_H

#include "base/bytes.h"
#include "core/ops/agg_layout.h"
#include "core/ops/op_window.h"

/** Appends the keys of rows[0 .. count) (i when NULL) of columns; key i begins at offsets[i], offsets[count] is the end. */
void tr_window_keys_write(const struct tr_column *const *columns, uint32_t column_count, const uint32_t *rows,
			  uint32_t count, struct tr_bytes *bytes, uint32_t *offsets);

/** Writes a key to row `at` of the columns; long texts go to `heap`. */
void tr_window_key_read(const char *key, struct tr_column_buffer *columns, uint32_t column_count, uint32_t at,
			struct tr_heap *heap);

/** The columns of an entry: partials, then sets. The names are agg<n>_<m> and agg<n>_values. In `arena`. */
const struct tr_schema *tr_window_entry_schema(struct tr_arena *arena, const struct tr_agg_layout *layout);

/** Entries of one layout. */
struct tr_window_codec {
	struct tr_agg_layout *layout;
	struct tr_arena arena;
	const struct tr_schema *schema;
	struct tr_batch_buffer *image; /* scratch */
	char **owners;
	uint32_t capacity;
	char *entry;
};

void tr_window_codec_init(struct tr_window_codec *codec, struct tr_agg_layout *layout);
void tr_window_codec_deinit(struct tr_window_codec *codec);

/** Appends entries, one after the other; ends[i] becomes where entry i ends in `bytes`. For layouts that own memory. */
void tr_window_codec_write(struct tr_window_codec *codec, char *const *entries, uint32_t count, struct tr_bytes *bytes,
			   size_t *ends);

/** Makes entries[i], which are zeros, of bytes. */
void tr_window_codec_read(struct tr_window_codec *codec, const char *const *from, uint32_t count, char *const *entries);

/** An entry to row `at` of the columns of the schema; *rows becomes its number of rows. Rows are written one after the other. */
void tr_window_codec_to_columns(struct tr_window_codec *codec, const char *from, struct tr_column_buffer *columns,
				uint32_t at, struct tr_heap *heap, int64_t *rows);

/** Appends what row `row` of such columns holds. For layouts that own memory. */
void tr_window_codec_from_columns(struct tr_window_codec *codec, const struct tr_column *columns, uint32_t row,
				  int64_t rows, struct tr_bytes *bytes);

#endif
