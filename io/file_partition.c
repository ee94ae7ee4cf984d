/* SPDX-License-Identifier: Apache-2.0
 *
 * Partition values to folder names and back. The set of escaped bytes is Hive's: control characters and
 * " # % ' * / : = ? \ DEL { [ ] ^.
 */
#include "io/file_partition.h"

#include <stdio.h>

#include "base/column_buffer.h"
#include "base/text.h"
#include "base/type.h"
#include "io/memory.h"

bool tr_file_partition_is_supported(const struct tr_type *type)
{
	switch (type->id) {
	case TR_TYPE_BOOLEAN:
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT:
	case TR_TYPE_FLOAT:
	case TR_TYPE_DOUBLE:
	case TR_TYPE_DECIMAL:
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR:
	case TR_TYPE_DATE:
	case TR_TYPE_TIME:
	case TR_TYPE_TIMESTAMP: return true;
	default: return false;
	}
}

static bool is_escaped(unsigned char c) { return c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c) != NULL; }

static void append_escaped(struct tr_bytes *out, const char *text, size_t length)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (!is_escaped(c)) {
			tr_bytes_append_char(out, (char)c);
			continue;
		}
		tr_bytes_append_char(out, '%');
		tr_bytes_append_char(out, hex[c >> 4]);
		tr_bytes_append_char(out, hex[c & 15]);
	}
}

void tr_file_partition_append(struct tr_bytes *out, const struct tr_table_spec *spec, const struct tr_batch *batch,
			      uint32_t row, const char *default_name)
{
	struct tr_bytes text = {0};

	for (uint32_t p = 0; p < spec->partition_count; p++) {
		const uint32_t c = spec->partition_columns[p];
		const struct tr_column *column = &batch->columns[c];

		tr_bytes_clear(&text);
		if (!tr_column_is_null(column, row))
			tr_text_append_value(&text, column, row, TR_TEXT_CAST, NULL);
		append_escaped(out, spec->schema->names[c], strlen(spec->schema->names[c]));
		tr_bytes_append_char(out, '=');
		if (text.length == 0)
			tr_bytes_append_str(out, default_name);
		else
			append_escaped(out, text.data, text.length);
		tr_bytes_append_char(out, '/');
	}
	tr_bytes_deinit(&text);
}

/** An ill-formed escape stands for itself. */
static char *unescape(const char *text, size_t length, uint32_t *out_length)
{
	char *out = tr_io_calloc(length + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%' && i + 2 < length && tr_text_hex_digit(text[i + 1]) >= 0 &&
		    tr_text_hex_digit(text[i + 2]) >= 0) {
			out[n++] = (char)(tr_text_hex_digit(text[i + 1]) * 16 + tr_text_hex_digit(text[i + 2]));
			i += 2;
		} else {
			out[n++] = text[i];
		}
	}
	*out_length = (uint32_t)n;
	return out;
}

static bool store_integer(struct tr_partition_value *v, int64_t value, enum tr_phys phys)
{
	switch (phys) {
	case TR_PHYS_I8: v->i8 = (int8_t)value; return v->i8 == value;
	case TR_PHYS_I16: v->i16 = (int16_t)value; return v->i16 == value;
	case TR_PHYS_I32: v->i32 = (int32_t)value; return v->i32 == value;
	default: v->i64 = value; return true;
	}
}

static bool parse_time_value(struct tr_partition_value *v, const struct tr_type *type)
{
	struct tr_text_time time;
	int64_t nanos;

	switch (type->id) {
	case TR_TYPE_DATE: return tr_text_parse_date(v->text, v->length, TR_TIME_CAST_DATE, &v->i32) == TR_TEXT_OK;
	case TR_TYPE_TIME:
		if (tr_text_parse_time(v->text, v->length, TR_TIME_SHORT_FIELDS | TR_TIME_NO_SECONDS, &nanos) !=
		    TR_TEXT_OK)
			return false;
		v->i32 = (int32_t)(nanos / 1000000);
		return true;
	default:
		return tr_text_parse_timestamp(v->text, v->length, TR_TIME_CAST_TIMESTAMP, &time) == TR_TEXT_OK &&
		       tr_text_time_to_ticks(&time, tr_type_ticks_per_second(type), &v->i64) == TR_TEXT_OK;
	}
}

static bool parse_value(struct tr_partition_value *v, const struct tr_type *type)
{
	int64_t integer;
	tr_i128 unscaled;
	bool flag;

	switch (type->id) {
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR: return true;
	case TR_TYPE_BOOLEAN:
		if (tr_text_parse_boolean_cast(v->text, v->length, &flag) != TR_TEXT_OK)
			return false;
		v->i8 = flag;
		return true;
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT:
		return tr_text_parse_i64(v->text, v->length, &integer) == TR_TEXT_OK &&
		       store_integer(v, integer, type->phys);
	case TR_TYPE_FLOAT: return tr_text_parse_f32(v->text, v->length, &v->f32) == TR_TEXT_OK;
	case TR_TYPE_DOUBLE: return tr_text_parse_f64(v->text, v->length, &v->f64) == TR_TEXT_OK;
	case TR_TYPE_DECIMAL:
		if (tr_text_parse_decimal(v->text, v->length, type->precision, type->scale, &unscaled) != TR_TEXT_OK)
			return false;
		if (type->phys == TR_PHYS_I64)
			v->i64 = (int64_t)unscaled;
		else
			v->i128 = unscaled;
		return true;
	default: return parse_time_value(v, type);
	}
}

/** The value text of folder "key=..." in `path` (the last one of that key; the file's own name is none), or NULL. */
static const char *find_folder(const char *path, const char *key, size_t *length)
{
	const char *found = NULL;
	struct tr_bytes escaped = {0};

	append_escaped(&escaped, key, strlen(key));
	for (const char *folder = path, *end; (end = strchr(folder, '/')) != NULL; folder = end + 1) {
		if ((size_t)(end - folder) > escaped.length && folder[escaped.length] == '=' &&
		    memcmp(folder, escaped.data, escaped.length) == 0) {
			found = folder + escaped.length + 1;
			*length = (size_t)(end - found);
		}
	}
	tr_bytes_deinit(&escaped);
	return found;
}

tr_code tr_file_partition_read(const struct tr_table_spec *spec, const char *path, const char *default_name,
			       struct tr_partition_value *values, struct tr_status *st)
{
	memset(values, 0, spec->partition_count * sizeof(*values));
	for (uint32_t p = 0; p < spec->partition_count; p++) {
		const uint32_t c = spec->partition_columns[p];
		struct tr_partition_value *v = &values[p];
		size_t length = 0;
		const char *text = find_folder(path, spec->schema->names[c], &length);

		if (text == NULL)
			TR_FAIL(st, TR_ERR_DATA,
				"table '%s': %s: the table is partitioned by '%s', but the path has no folder '%s=...'",
				spec->name, path, spec->schema->names[c], spec->schema->names[c]);
		v->text = unescape(text, length, &v->length);
		v->is_null = strcmp(v->text, default_name) == 0;
		if (!v->is_null && !parse_value(v, spec->schema->types[c]))
			TR_FAIL(st, TR_ERR_DATA,
				"table '%s': %s: the folder's value '%s' does not fit the type of partition column "
				"'%s'",
				spec->name, path, v->text, spec->schema->names[c]);
	}
	return TR_OK;
}

void tr_file_partition_deinit(struct tr_partition_value *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		free(values[i].text);
		values[i].text = NULL;
	}
}

#define FILL(ctype, field)                   \
	for (uint32_t i = 0; i < count; i++) \
	((ctype *)column->data)[i] = value->field

void tr_file_partition_fill(const struct tr_partition_value *value, struct tr_column_buffer *column, uint32_t count)
{
	struct tr_view view;

	TR_ASSERT(count <= column->capacity);
	if (value->is_null) {
		for (uint32_t i = 0; i < count; i++)
			tr_column_buffer_set_null(column, i);
		return;
	}
	switch (column->type->phys) {
	case TR_PHYS_I8: FILL(int8_t, i8); break;
	case TR_PHYS_I16: FILL(int16_t, i16); break;
	case TR_PHYS_I32: FILL(int32_t, i32); break;
	case TR_PHYS_I64: FILL(int64_t, i64); break;
	case TR_PHYS_I128: FILL(tr_i128, i128); break;
	case TR_PHYS_F32: FILL(float, f32); break;
	case TR_PHYS_F64: FILL(double, f64); break;
	case TR_PHYS_VIEW:
		view = tr_view_make(value->text, value->length);
		for (uint32_t i = 0; i < count; i++)
			((struct tr_view *)column->data)[i] = view;
		break;
	default: TR_UNREACHABLE();
	}
}
