/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV: what its decoder's files share. The rules of the dialect stand in decode_csv.c.
 *
 *     format_csv.c      options, the format's tables
 *     decode_csv.c      decoder: blocks of regular records column by column, others one by one
 *     decode_csv.isa.c  kernels: the structural index; integers and strings from it
 *     csv_record.c      one record of any shape, byte by byte: the slow and exact path
 *     encode_csv.c      encoder
 */
#ifndef TR_IO_CSV_H
#define TR_IO_CSV_H

#include "base/cpu.h"
#include "io/field.h"
#include "io/field_time.h"
#include "io/format.h"

#define TR_CSV_ELEMENT_DELIMITER_MAX 15

struct tr_csv_dialect {
	char delimiter;
	char quote;
	char escape;
	bool has_quote;
	bool has_escape;
	bool allow_comments;
	bool ignore_errors;
	char element_delimiter[TR_CSV_ELEMENT_DELIMITER_MAX + 1];
	size_t element_delimiter_length;
	const char *null_literal; /* NULL: none */
	size_t null_length;
};

extern const struct tr_field_rules tr_csv_rules;

/** Reads the options of a table (io/format_csv.c). */
tr_code tr_csv_dialect_read(const struct tr_table_spec *spec, struct tr_csv_dialect *dialect,
			    struct tr_status *st) TR_MUST_USE;

/** Whether csv can hold the type; says why not. */
tr_code tr_csv_check_schema(const struct tr_table_spec *spec, struct tr_status *st) TR_MUST_USE;

/* ---- the index (decode_csv.isa.c) ---- */

/** Where fields end: positions of delimiters and line ends outside of quotes, relative to the start of the block. */
struct tr_csv_index {
	uint32_t *ends; /* ends[-1] is -1 */
	uint32_t capacity;
	uint32_t count;
	uint32_t lines; /* line ends among them */
	bool has_quotes;
	bool has_returns; /* a CR before a line end */
	bool has_non_ascii;
	bool is_odd; /* a lone CR, or quotes where the shortcut does not hold: read byte by byte */
};

struct tr_csv_kernels {
	/* Fills the index from a record's start on, until `lines` line ends are in it, it is full, or the span ends. */
	void (*index)(const char *block, size_t length, char delimiter, char quote, bool has_quote, uint32_t lines,
		      struct tr_csv_index *index);
	/* Field `field` of rows [from, rows): plain decimal integers of up to 18 digits. Returns the first row that is
	 * anything else, or `rows`. `ends` has `stride` fields a row; `width` 1, 2, 4 or 8 bytes. */
	uint32_t (*integers)(const char *block, const uint32_t *ends, uint32_t stride, uint32_t field, uint32_t from,
			     uint32_t rows, void *out, unsigned width);
	/* Timestamps with milliseconds in the minute given, times `scale` (which must not overflow). Returns the first row
	 * that is anything else, or `rows`. */
	uint32_t (*seconds)(const char *block, const uint32_t *ends, uint32_t stride, uint32_t field, uint32_t from,
			    uint32_t rows, const struct tr_field_minute *minute, int64_t scale, int64_t *out);
	/* The same for strings: views into the block. Never stops. */
	void (*views)(const char *block, const uint32_t *ends, uint32_t stride, uint32_t field, uint32_t rows,
		      struct tr_view *out);
};
TR_ISA_DECLARE(struct tr_csv_kernels, tr_csv_kernels);

/* ---- one record (csv_record.c) ---- */

struct tr_csv_field {
	const char *text; /* without its quotes */
	size_t length;
	bool is_quoted;
	bool is_escaped; /* has doubled quotes or escapes */
};

struct tr_csv_record {
	struct tr_csv_field *fields;
	uint32_t count;
	uint32_t capacity; /* fields beyond it are counted only */
	size_t consumed;   /* bytes, line end included */
	size_t error_offset;
	const char *reason; /* of an error */
};

enum tr_csv_scan { TR_CSV_RECORD, TR_CSV_NOTHING, TR_CSV_INCOMPLETE, TR_CSV_ERROR };

/** Reads the record at `text`. NOTHING: only comments or blank lines up to `consumed`. INCOMPLETE: no end in sight.
 * ERROR: `consumed` is what to skip (the line). */
enum tr_csv_scan tr_csv_scan_record(const struct tr_csv_dialect *dialect, const char *text, size_t length,
				    bool is_final, struct tr_csv_record *record);

/** The text of a field without doubled quotes and escapes: appended to `out`. */
void tr_csv_unescape(const struct tr_csv_dialect *dialect, const struct tr_csv_field *field, struct tr_bytes *out);

#endif
