/* SPDX-License-Identifier: Apache-2.0
 *
 * Field: the text of one scalar value into a row of a column buffer. What the decoders of text formats share.
 */
#ifndef TR_IO_FIELD_H
#define TR_IO_FIELD_H

#include "base/batch.h"
#include "base/bytes.h"
#include "base/text.h"
#include "io/connector.h"

/** How a format writes its values. The flags are those of base/text.h. */
struct tr_field_rules {
	unsigned date_flags;
	unsigned time_flags;
	unsigned timestamp_flags;
	unsigned ltz_flags;
	bool is_time_cut; /* TIME(p) is cut to p digits */
	bool is_decimal_trimmed;
	bool is_timestamp_trimmed;
};

/** Whether tr_field_store knows the type (every scalar but NULL). */
bool tr_field_is_scalar(const struct tr_type *type);

/** Parses and stores. Strings and bytes are copied to `heap` when longer than 12; well-formed UTF-8 is the caller's
 * concern. A DECIMAL that does not fit becomes NULL, as in Flink. On failure the row is left as it was. */
enum tr_text_result tr_field_store(struct tr_column_buffer *column, uint32_t row, const char *text, size_t length,
				   const struct tr_field_rules *rules, struct tr_heap *heap);

/** Undoes what was written to row `row` and after it (lists: also their elements), so that it can be written again. */
void tr_field_rewind(struct tr_column_buffer *column, uint32_t row);

/** Makes rows [from, end) NULL; cheaper than one by one. */
void tr_field_set_nulls(struct tr_column_buffer *column, uint32_t from, uint32_t end);

/** Replaces malformed UTF-8 by U+FFFD as Java's decoder does, appending to `out`. */
void tr_field_repair_utf8(struct tr_bytes *out, const char *text, size_t length);

/** "'a,b..' (17 bytes)": a short, printable piece of a field for messages. Writes at most `capacity` with its NUL. */
const char *tr_field_quote(char *out, size_t capacity, const char *text, size_t length);

/** A DECIMAL as Jackson writes it: zeros at the end are cut off, then BigDecimal.toString ("1E+2") or, with `is_plain`,
 * toPlainString ("100"). `out` has TR_TEXT_DECIMAL_BYTES. */
size_t tr_field_put_decimal(char *out, tr_i128 unscaled, int scale, bool is_plain);

/** A message for a value that did not parse. */
void tr_field_explain(char *reason, size_t capacity, enum tr_text_result result, const struct tr_type *type,
		      const char *text, size_t length);

/** Turns the escapes of an option's text (\t, \n, \\, \uXXXX) into bytes, as Flink does for delimiters. Returns the
 * length; `out` has room for strlen(text) + 1. */
size_t tr_field_unescape_option(const char *text, char *out);

#endif
