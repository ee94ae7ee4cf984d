/* SPDX-License-Identifier: Apache-2.0
 *
 * The format 'csv': its options (Flink's names and defaults), and which types it can hold.
 */
#include <stdio.h>

#include "base/type.h"
#include "io/csv.h"
#include "io/decode_csv.h"
#include "io/encode_csv.h"
#include "io/formats.h"

#define OPTION_BYTES_MAX 64

/* Flink reads DATE as java.sql.Date does (one digit is enough), TIME as LocalTime.parse does. */
const struct tr_field_rules tr_csv_rules = {
	.date_flags = TR_TIME_SHORT_FIELDS | TR_TIME_ROLLS,
	.time_flags = TR_TIME_NO_SECONDS,
	.timestamp_flags = 0,
	.ltz_flags = TR_TIME_Z,
	.is_time_cut = true,
	.is_timestamp_trimmed = true,
};

static const struct tr_option_spec csv_options[] = {
	{"field-delimiter", TR_OPTION_STRING, ",", NULL, false, "One character between fields; '\\t' is a tab."},
	{"disable-quote-character", TR_OPTION_BOOLEAN, "false", NULL, false, "Quotes have no meaning."},
	{"quote-character", TR_OPTION_STRING, "\"", NULL, false, "The character around quoted fields."},
	{"allow-comments", TR_OPTION_BOOLEAN, "false", NULL, false,
	 "Lines that begin with # are skipped, and blank lines too."},
	{"ignore-parse-errors", TR_OPTION_BOOLEAN, "false", NULL, false,
	 "Bad fields become NULL and unreadable records are skipped, instead of failing the job."},
	{"array-element-delimiter", TR_OPTION_STRING, ";", NULL, false, "Text between elements of ARRAY and ROW."},
	{"escape-character", TR_OPTION_STRING, NULL, NULL, false, "Takes the meaning off the next character."},
	{"null-literal", TR_OPTION_STRING, NULL, NULL, false, "The text that stands for NULL."},
	{"write-bigdecimal-in-scientific-notation", TR_OPTION_BOOLEAN, "true", NULL, false,
	 "DECIMAL 100 is written as 1E+2 (as Java does); else as 100."},
	{NULL, TR_OPTION_STRING, NULL, NULL, false, NULL},
};

const struct tr_format tr_format_csv = {
	.name = "csv",
	.doc = "Comma separated values, by the rules of Flink (RFC 4180 with options).",
	.options = csv_options,
	.decoder = &tr_csv_decoder,
	.encoder = &tr_csv_encoder,
};

/** One ASCII character of an option. */
static tr_code read_character(const struct tr_table_spec *spec, const char *key, char fallback, char *out,
			      struct tr_status *st)
{
	const char *value = tr_options_get(&spec->options, key);
	char text[OPTION_BYTES_MAX + 1];

	*out = fallback;
	if (value == NULL)
		return TR_OK;
	if (strlen(value) > OPTION_BYTES_MAX || tr_field_unescape_option(value, text) != 1 ||
	    (unsigned char)text[0] >= 0x80)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': option '%s' must be one ASCII character, not '%s'", spec->name,
			key, value);
	*out = text[0];
	return TR_OK;
}

tr_code tr_csv_dialect_read(const struct tr_table_spec *spec, struct tr_csv_dialect *d, struct tr_status *st)
{
	const struct tr_options *options = &spec->options;
	const char *text;

	memset(d, 0, sizeof(*d));
	TR_TRY(read_character(spec, "csv.field-delimiter", ',', &d->delimiter, st));
	TR_TRY(read_character(spec, "csv.quote-character", '"', &d->quote, st));
	TR_TRY(read_character(spec, "csv.escape-character", '\0', &d->escape, st));
	d->has_escape = tr_options_get(options, "csv.escape-character") != NULL;
	d->has_quote = !tr_options_boolean(options, "csv.disable-quote-character", false);
	if (!d->has_quote && tr_options_get(options, "csv.quote-character") != NULL)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': 'csv.quote-character' and 'csv.disable-quote-character' exclude each other",
			spec->name);
	if (d->delimiter == '\n' || d->delimiter == '\r' || (d->has_quote && d->quote == d->delimiter))
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': 'csv.field-delimiter' can be neither a line end nor the quote character",
			spec->name);
	if (d->has_quote && (d->quote == '\n' || d->quote == '\r'))
		TR_FAIL(st, TR_ERR_DATA, "table '%s': 'csv.quote-character' can't be a line end", spec->name);
	d->allow_comments = tr_options_boolean(options, "csv.allow-comments", false);
	d->ignore_errors = tr_options_boolean(options, "csv.ignore-parse-errors", false);
	text = tr_options_get(options, "csv.array-element-delimiter");
	text = text != NULL ? text : ";";
	if (*text == '\0' || strlen(text) > TR_CSV_ELEMENT_DELIMITER_MAX)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': 'csv.array-element-delimiter' must have 1 to %d characters",
			spec->name, TR_CSV_ELEMENT_DELIMITER_MAX);
	d->element_delimiter_length = strlen(text);
	memcpy(d->element_delimiter, text, d->element_delimiter_length + 1);
	d->null_literal = tr_options_get(options, "csv.null-literal");
	d->null_length = d->null_literal != NULL ? strlen(d->null_literal) : 0;
	return TR_OK;
}

static bool is_csv_type(const struct tr_type *type, bool is_nested)
{
	if (type->id == TR_TYPE_TIME && type->precision > 3)
		return false;
	if (tr_field_is_scalar(type))
		return true;
	if (is_nested || (type->id != TR_TYPE_ARRAY && type->id != TR_TYPE_ROW))
		return false;
	for (uint32_t i = 0; i < type->child_count; i++)
		if (!is_csv_type(type->children[i], true))
			return false;
	return true;
}

tr_code tr_csv_check_schema(const struct tr_table_spec *spec, struct tr_status *st)
{
	struct tr_arena arena;

	if (spec->schema->column_count == 0)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': a csv table needs at least one column", spec->name);
	for (uint32_t i = 0; i < spec->schema->column_count; i++) {
		if (is_csv_type(spec->schema->types[i], false))
			continue;
		tr_arena_init(&arena, 0);
		tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
			      "table '%s': csv can't hold column '%s' of type %s: it knows scalar types, TIME up to "
			      "precision 3, and ARRAY and ROW of these",
			      spec->name, spec->schema->names[i], tr_type_text(&arena, spec->schema->types[i]));
		tr_arena_deinit(&arena);
		return TR_ERR_DATA;
	}
	return TR_OK;
}
