/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns to JSON lines, as Flink writes them through Jackson: one object per row, keys in the order of the columns.
 *
 *   - NULL is null (json.encode.ignore-null-fields: the key is left out, in nested rows too)
 *   - DECIMAL without zeros at the end, 1E+2 for 100 unless json.encode.decimal-as-plain-number
 *   - FLOAT and DOUBLE as Java prints them; NaN and the infinities in quotes
 *   - DATE 2001-02-03, TIME 10:20:30[.5], TIMESTAMP by json.timestamp-format.standard, BYTES Base64
 *   - a MAP is an object; a NULL key by json.map-null-key.mode
 *   - strings escape quotes, backslashes and control characters only
 */
#include "io/encode_json.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/check.h"
#include "base/type.h"
#include "io/decode_json.h"

enum null_key_mode { NULL_KEY_FAIL, NULL_KEY_DROP, NULL_KEY_LITERAL };

struct tr_encoder {
	const struct tr_table_spec *spec;
	enum null_key_mode null_key_mode;
	const char *null_key_literal;
	bool is_decimal_plain;
	bool is_null_ignored;
	char separator;        /* between date and time */
	bool has_offset;       /* TIMESTAMP ends with Z too */
	struct tr_bytes *keys; /* of the columns: `"name":` */
};

static void append_string(struct tr_bytes *out, const char *text, size_t length)
{
	static const char hex[17] = "0123456789ABCDEF";
	char *p = tr_bytes_reserve(out, length * 6 + 2);
	size_t at = 0;

	p[at++] = '"';
	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\') {
			p[at++] = (char)c;
			continue;
		}
		p[at++] = '\\';
		switch (c) {
		case '"':
		case '\\': p[at++] = (char)c; break;
		case '\b': p[at++] = 'b'; break;
		case '\f': p[at++] = 'f'; break;
		case '\n': p[at++] = 'n'; break;
		case '\r': p[at++] = 'r'; break;
		case '\t': p[at++] = 't'; break;
		default:
			memcpy(p + at, "u00", 3);
			p[at + 3] = hex[c >> 4];
			p[at + 4] = hex[c & 15];
			at += 5;
			break;
		}
	}
	p[at++] = '"';
	out->length += at;
}

static tr_code append_value(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column,
			    uint32_t row, struct tr_status *st);

/** Texts of bounded length; in quotes where JSON has no such number. */
static size_t put_scalar(const struct tr_encoder *e, char *p, const struct tr_column *column, uint32_t row)
{
	const struct tr_type *type = column->type;
	bool is_quoted = false;
	size_t n = 1;

	switch ((enum tr_type_id)type->id) {
	case TR_TYPE_BOOLEAN:
		memcpy(p, tr_column_i8(column, row) ? "true" : "false", 5);
		return tr_column_i8(column, row) ? 4 : 5;
	case TR_TYPE_TINYINT: return tr_text_put_i64(p, tr_column_i8(column, row));
	case TR_TYPE_SMALLINT: return tr_text_put_i64(p, tr_column_i16(column, row));
	case TR_TYPE_INT:
	case TR_TYPE_INTERVAL_MONTH: return tr_text_put_i64(p, tr_column_i32(column, row));
	case TR_TYPE_BIGINT:
	case TR_TYPE_INTERVAL_MS: return tr_text_put_i64(p, tr_column_i64(column, row));
	case TR_TYPE_DECIMAL:
		return tr_field_put_decimal(
			p, type->phys == TR_PHYS_I64 ? tr_column_i64(column, row) : tr_column_i128(column, row),
			type->scale, e->is_decimal_plain);
	case TR_TYPE_FLOAT:
		is_quoted = !isfinite(tr_column_f32(column, row));
		n = tr_text_put_f32(p + is_quoted, tr_column_f32(column, row));
		break;
	case TR_TYPE_DOUBLE:
		is_quoted = !isfinite(tr_column_f64(column, row));
		n = tr_text_put_f64(p + is_quoted, tr_column_f64(column, row));
		break;
	case TR_TYPE_DATE:
		is_quoted = true;
		n = tr_text_put_date(p + 1, tr_column_i32(column, row));
		break;
	case TR_TYPE_TIME:
		is_quoted = true;
		n = tr_text_put_time(p + 1, tr_column_i32(column, row), TR_CLOCK_DIGITS, 0);
		break;
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ:
		is_quoted = true;
		n = tr_text_put_timestamp(p + 1, tr_column_i64(column, row), tr_type_ticks_per_second(type),
					  e->separator, TR_CLOCK_DIGITS, 0);
		if (type->id == TR_TYPE_TIMESTAMP_LTZ || e->has_offset)
			p[1 + n++] = 'Z';
		break;
	default: TR_UNREACHABLE();
	}
	if (!is_quoted)
		return n;
	p[0] = '"';
	p[n + 1] = '"';
	return n + 2;
}

static tr_code append_map(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column,
			  uint32_t row, struct tr_status *st)
{
	const uint32_t at = tr_column_row(column, row);
	bool has_any = false;

	tr_bytes_append_char(out, '{');
	for (int32_t i = column->offsets[at]; i < column->offsets[at + 1]; i++) {
		const bool is_null = tr_column_is_null(&column->children[0], (uint32_t)i);

		if (is_null && e->null_key_mode == NULL_KEY_DROP)
			continue;
		if (is_null && e->null_key_mode == NULL_KEY_FAIL)
			TR_FAIL(st, TR_ERR_DATA,
				"table '%s': a map has a NULL key, which JSON can't hold: set 'json.map-null-key.mode' "
				"to "
				"'DROP' or 'LITERAL'",
				e->spec->name);
		if (has_any)
			tr_bytes_append_char(out, ',');
		has_any = true;
		if (is_null) {
			append_string(out, e->null_key_literal, strlen(e->null_key_literal));
		} else {
			const struct tr_view *key = tr_column_view(&column->children[0], (uint32_t)i);

			append_string(out, tr_view_text(key), key->length);
		}
		tr_bytes_append_char(out, ':');
		TR_TRY(append_value(e, out, &column->children[1], (uint32_t)i, st));
	}
	tr_bytes_append_char(out, '}');
	return TR_OK;
}

static tr_code append_row(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column,
			  uint32_t row, struct tr_status *st)
{
	const uint32_t at = tr_column_row(column, row);
	bool has_any = false;

	tr_bytes_append_char(out, '{');
	for (uint32_t i = 0; i < column->type->child_count; i++) {
		if (e->is_null_ignored && tr_column_is_null(&column->children[i], at))
			continue;
		if (has_any)
			tr_bytes_append_char(out, ',');
		has_any = true;
		append_string(out, column->type->names[i], strlen(column->type->names[i]));
		tr_bytes_append_char(out, ':');
		TR_TRY(append_value(e, out, &column->children[i], at, st));
	}
	tr_bytes_append_char(out, '}');
	return TR_OK;
}

static tr_code append_array(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column,
			    uint32_t row, struct tr_status *st)
{
	const uint32_t at = tr_column_row(column, row);

	tr_bytes_append_char(out, '[');
	for (int32_t i = column->offsets[at]; i < column->offsets[at + 1]; i++) {
		if (i > column->offsets[at])
			tr_bytes_append_char(out, ',');
		TR_TRY(append_value(e, out, &column->children[0], (uint32_t)i, st));
	}
	tr_bytes_append_char(out, ']');
	return TR_OK;
}

/** Recursion follows the type. */
static tr_code append_value(const struct tr_encoder *e, struct tr_bytes *out, const struct tr_column *column,
			    uint32_t row, struct tr_status *st)
{
	const struct tr_view *view;
	char *p;

	if (tr_column_is_null(column, row)) {
		tr_bytes_append(out, "null", 4);
		return TR_OK;
	}
	switch ((enum tr_type_id)column->type->id) {
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR:
		view = tr_column_view(column, row);
		append_string(out, tr_view_text(view), view->length);
		return TR_OK;
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY:
		view = tr_column_view(column, row);
		p = tr_bytes_reserve(out, ((size_t)view->length + 2) / 3 * 4 + 2);
		p[0] = '"';
		out->length += 1 + tr_text_put_base64(p + 1, tr_view_text(view), view->length);
		tr_bytes_append_char(out, '"');
		return TR_OK;
	case TR_TYPE_ARRAY: return append_array(e, out, column, row, st);
	case TR_TYPE_MAP: return append_map(e, out, column, row, st);
	case TR_TYPE_ROW: return append_row(e, out, column, row, st);
	default:
		p = tr_bytes_reserve(out, TR_TEXT_DECIMAL_BYTES);
		out->length += put_scalar(e, p, column, row);
		return TR_OK;
	}
}

static tr_code json_encode(struct tr_encoder *e, const struct tr_batch *batch, const uint32_t *rows, uint32_t count,
			   struct tr_bytes *out, struct tr_status *st)
{
	const uint32_t columns = batch->schema->column_count;

	TR_ASSERT(columns == e->spec->schema->column_count);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t row = rows != NULL ? rows[i] : i;
		bool has_any = false;

		tr_bytes_append_char(out, '{');
		for (uint32_t c = 0; c < columns; c++) {
			if (e->is_null_ignored && tr_column_is_null(&batch->columns[c], row))
				continue;
			if (has_any)
				tr_bytes_append_char(out, ',');
			has_any = true;
			tr_bytes_append(out, e->keys[c].data, e->keys[c].length);
			TR_TRY(append_value(e, out, &batch->columns[c], row, st));
		}
		tr_bytes_append(out, "}\n", 2);
	}
	return TR_OK;
}

static void json_destroy(struct tr_encoder **encoder)
{
	struct tr_encoder *e = *encoder;

	*encoder = NULL;
	if (e == NULL)
		return;
	for (uint32_t i = 0; i < e->spec->schema->column_count; i++)
		tr_bytes_deinit(&e->keys[i]);
	free(e->keys);
	free(e);
}

static tr_code json_create(const struct tr_table_spec *spec, struct tr_encoder **encoder, struct tr_status *st)
{
	const struct tr_options *options = &spec->options;
	const char *mode = tr_options_get(options, "json.map-null-key.mode");
	const char *standard = tr_options_get(options, "json.timestamp-format.standard");
	struct tr_json_options decode_options;
	struct tr_encoder *e;

	*encoder = NULL;
	TR_TRY(tr_json_check_schema(spec, st));
	TR_TRY(tr_json_options_read(spec, &decode_options, st));
	e = calloc(1, sizeof(*e));
	TR_ASSERT(e != NULL);
	e->spec = spec;
	e->null_key_mode = mode == NULL || strcasecmp(mode, "FAIL") == 0 ? NULL_KEY_FAIL
			   : strcasecmp(mode, "DROP") == 0               ? NULL_KEY_DROP
									 : NULL_KEY_LITERAL;
	e->null_key_literal = tr_options_get(options, "json.map-null-key.literal");
	if (e->null_key_literal == NULL)
		e->null_key_literal = "null";
	e->is_decimal_plain = tr_options_boolean(options, "json.encode.decimal-as-plain-number", false);
	e->is_null_ignored = tr_options_boolean(options, "json.encode.ignore-null-fields", false);
	e->separator = standard == NULL || strcasecmp(standard, "SQL") == 0 ? ' ' : 'T';
	e->has_offset = standard != NULL && strcasecmp(standard, "ISO-8601-WITH-OFFSET") == 0;
	e->keys = calloc(spec->schema->column_count + 1, sizeof(*e->keys));
	TR_ASSERT(e->keys != NULL);
	for (uint32_t i = 0; i < spec->schema->column_count; i++) {
		append_string(&e->keys[i], spec->schema->names[i], strlen(spec->schema->names[i]));
		tr_bytes_append_char(&e->keys[i], ':');
	}
	*encoder = e;
	return TR_OK;
}

const struct tr_encoder_ops tr_json_encoder = {json_create, json_destroy, json_encode};
