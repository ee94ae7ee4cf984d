/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns to CSV, as Flink writes it through Jackson's CSV generator.
 *
 *   - NULL is the null literal (by default nothing); numbers, booleans, dates as text; records end with LF
 *   - a text is quoted when its first 24 characters hold a character that is not plainly safe (anything up to the
 *     greatest of delimiter, quote, CR, LF and escape counts as such, which is why "a b" is quoted), when it is
 *     longer than 24 characters, or when it starts or ends with a space; quotes inside are doubled, or escaped when an
 *     escape character is set
 *   - ARRAY and ROW: elements joined by the element delimiter, then treated as one text
 *
 * (Jackson's check is deliberately loose: it quotes more than it must, and reads back the same.)
 */
#include "io/encode_csv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/type.h"
#include "io/csv.h"

#define LOOSE_CHECK_MAX 24 /* Jackson's MAX_QUOTE_CHECK */

struct tr_encoder {
	const struct tr_table_spec *spec;
	struct tr_csv_dialect dialect;
	unsigned char unsafe_max; /* bytes up to here may need quotes */
	bool is_scientific;
	struct tr_bytes text; /* of one field */
	struct tr_bytes element;
};

/** Appends the bare text of a scalar. */
static void append_scalar(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column, uint32_t row)
{
	const struct tr_type *type = column->type;
	const struct tr_view *view;
	char *p;

	switch ((enum tr_type_id)type->id) {
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR:
		view = tr_column_view(column, row);
		tr_bytes_append(out, tr_view_text(view), view->length);
		return;
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY:
		view = tr_column_view(column, row);
		p = tr_bytes_reserve(out, ((size_t)view->length + 2) / 3 * 4);
		out->length += tr_text_put_base64(p, tr_view_text(view), view->length);
		return;
	case TR_TYPE_INTERVAL_MONTH:
		p = tr_bytes_reserve(out, TR_TEXT_INTEGER_BYTES);
		out->length += tr_text_put_i64(p, tr_column_i32(column, row));
		return;
	case TR_TYPE_INTERVAL_MS:
		p = tr_bytes_reserve(out, TR_TEXT_INTEGER_BYTES);
		out->length += tr_text_put_i64(p, tr_column_i64(column, row));
		return;
	case TR_TYPE_TIME:
		p = tr_bytes_reserve(out, TR_TEXT_TIME_BYTES);
		out->length += tr_text_put_time(p, tr_column_i32(column, row), TR_CLOCK_DIGITS, 0);
		return;
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ:
		p = tr_bytes_reserve(out, TR_TEXT_TIME_BYTES);
		out->length += tr_text_put_timestamp(p, tr_column_i64(column, row), tr_type_ticks_per_second(type), ' ',
						     TR_CLOCK_DIGITS, 0);
		if (type->id == TR_TYPE_TIMESTAMP_LTZ)
			tr_bytes_append_char(out, 'Z');
		return;
	case TR_TYPE_DECIMAL:
		p = tr_bytes_reserve(out, TR_TEXT_DECIMAL_BYTES);
		out->length += tr_field_put_decimal(
			p, type->phys == TR_PHYS_I64 ? tr_column_i64(column, row) : tr_column_i128(column, row),
			type->scale, !e->is_scientific);
		return;
	default: tr_text_append_value(out, column, row, TR_TEXT_PRINT, NULL); return;
	}
}

static void append_null(const struct tr_encoder *e, struct tr_bytes *out)
{
	if (e->dialect.null_literal != NULL)
		tr_bytes_append(out, e->dialect.null_literal, e->dialect.null_length);
}

static void append_elements(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column,
			    uint32_t row)
{
	const uint32_t at = tr_column_row(column, row);
	const bool is_row = column->type->phys == TR_PHYS_ROW;
	const uint32_t first = is_row ? 0 : (uint32_t)column->offsets[at];
	const uint32_t end = is_row ? column->type->child_count : (uint32_t)column->offsets[at + 1];

	for (uint32_t i = first; i < end; i++) {
		const struct tr_column *child = &column->children[is_row ? i : 0];
		const uint32_t child_row = is_row ? at : i;

		if (i > first)
			tr_bytes_append(out, e->dialect.element_delimiter, e->dialect.element_delimiter_length);
		if (tr_column_is_null(child, child_row))
			append_null(e, out);
		else
			append_scalar(e, out, child, child_row);
	}
}

/** Jackson's loose test (CsvEncoder._mayNeedQuotes): characters, not bytes, are counted up to 24. */
static bool needs_quotes(const struct tr_encoder *e, const char *text, size_t length)
{
	size_t characters = 0;

	if (length == 0)
		return false;
	if (text[0] == ' ' || text[length - 1] == ' ')
		return true;
	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)text[i];

		if ((c & 0xc0) != 0x80 && ++characters > LOOSE_CHECK_MAX)
			return true;
		if (c <= e->unsafe_max)
			return true;
		if (e->dialect.has_escape && text[i] == e->dialect.escape)
			return true;
	}
	return false;
}

static void append_text(const struct tr_encoder *e, struct tr_bytes *out, const char *text, size_t length)
{
	const struct tr_csv_dialect *d = &e->dialect;

	if (!d->has_quote || !needs_quotes(e, text, length)) {
		tr_bytes_append(out, text, length);
		return;
	}
	tr_bytes_reserve(out, length * 2 + 2);
	tr_bytes_append_char(out, d->quote);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == d->quote)
			tr_bytes_append_char(out, d->has_escape ? d->escape : d->quote);
		else if (d->has_escape && text[i] == d->escape)
			tr_bytes_append_char(out, d->escape);
		tr_bytes_append_char(out, text[i]);
	}
	tr_bytes_append_char(out, d->quote);
}

static void append_field(struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column, uint32_t row)
{
	const struct tr_type *type = column->type;
	const struct tr_view *view;

	if (tr_column_is_null(column, row)) {
		append_null(e, out);
	} else if (tr_type_is_text(type)) {
		view = tr_column_view(column, row);
		append_text(e, out, tr_view_text(view), view->length);
	} else if (tr_field_is_scalar(type) &&
		   (tr_type_is_numeric(type) || type->id == TR_TYPE_BOOLEAN || tr_type_is_interval(type))) {
		append_scalar(e, out, column, row);
	} else {
		tr_bytes_clear(&e->text);
		if (tr_field_is_scalar(type))
			append_scalar(e, &e->text, column, row);
		else
			append_elements(e, &e->text, column, row);
		append_text(e, out, e->text.data, e->text.length);
	}
}

static tr_code csv_encode(struct tr_encoder *e, const struct tr_batch *batch, const uint32_t *rows, uint32_t count,
			  struct tr_bytes *out, struct tr_status *st)
{
	const uint32_t columns = batch->schema->column_count;

	(void)st;
	TR_ASSERT(columns == e->spec->schema->column_count);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows != NULL ? rows[i] : i;

		for (uint32_t c = 0; c < columns; c++) {
			if (c > 0)
				tr_bytes_append_char(out, e->dialect.delimiter);
			append_field(e, out, &batch->columns[c], row);
		}
		tr_bytes_append_char(out, '\n');
	}
	return TR_OK;
}

static void csv_destroy(struct tr_encoder **encoder)
{
	if (*encoder == NULL)
		return;
	tr_bytes_deinit(&(*encoder)->text);
	tr_bytes_deinit(&(*encoder)->element);
	free(*encoder);
	*encoder = NULL;
}

static tr_code csv_create(const struct tr_table_spec *spec, struct tr_encoder **encoder, struct tr_status *st)
{
	struct tr_encoder *e;
	struct tr_csv_dialect dialect;
	unsigned char unsafe;

	*encoder = NULL;
	TR_TRY(tr_csv_check_schema(spec, st));
	TR_TRY(tr_csv_dialect_read(spec, &dialect, st));
	e = calloc(1, sizeof(*e));
	TR_ASSERT(e != NULL);
	e->spec = spec;
	e->dialect = dialect;
	e->is_scientific = tr_options_boolean(&spec->options, "csv.write-bigdecimal-in-scientific-notation", true);
	unsafe = '\r';
	unsafe = TR_MAX(unsafe, (unsigned char)dialect.delimiter);
	if (dialect.has_quote)
		unsafe = TR_MAX(unsafe, (unsigned char)dialect.quote);
	e->unsafe_max = unsafe;
	*encoder = e;
	return TR_OK;
}

const struct tr_encoder_ops tr_csv_encoder = {csv_create, csv_destroy, csv_encode};
