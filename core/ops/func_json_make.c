/* SPDX-License-Identifier: Apache-2.0
 *
 * Making JSON: JSON_STRING, JSON_OBJECT, JSON_ARRAY, JSON, JSON_QUOTE, JSON_UNQUOTE.
 *
 * Values are written as Flink's converter does: numbers as BigDecimal, points in time as ISO 8601 (LTZ in UTC), BYTES in base64,
 * maps and rows as objects with ordered keys, a multiset as an object of its elements and how often it has them. DATE, TIME and intervals have no JSON. Which arguments of JSON_OBJECT and
 * JSON_ARRAY are JSON already (calls of these and of JSON) the binder says in the text in front of the arguments:
 * "ABSENT ON NULL; vj" is a value and a JSON text.
 */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/json_doc.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_text.h"

/* A type as it is written: the fields of a ROW in the order of their names. */
struct shape {
	const struct tr_type *type;
	const struct shape *children;
	const uint32_t *order;
	const char *const *keys; /* `"name":` of each field */
	bool is_json;            /* a text that is JSON already */
};

struct make_call {
	bool is_absent_on_null;
	uint32_t count; /* values */
	const struct shape *values;
	const char *const *keys; /* of JSON_OBJECT: `"key":` */
	const uint32_t *order;   /* of JSON_OBJECT: values by key; equal keys as they were written */
	const bool *is_same;     /* the key is that of the next one in this order, too */
};

static tr_code put_bytes(struct tr_call *call, uint32_t row, const struct tr_bytes *bytes)
{
	TR_CALL_CHECK_LENGTH(call, row, bytes->length);
	((struct tr_view *)call->out)[row] = tr_text_copy(call->heap, bytes->data, (uint32_t)bytes->length);
	return TR_OK;
}

/* ---- which types have JSON ---- */

static bool has_json(const struct tr_type *type)
{
	if (type->id == TR_TYPE_MAP || type->id == TR_TYPE_MULTISET)
		return tr_type_is_text(type->children[0]) &&
		       (type->id == TR_TYPE_MULTISET || has_json(type->children[1]));
	for (uint32_t i = 0; i < type->child_count; i++)
		if (!has_json(type->children[i]))
			return false;
	return type->child_count > 0 || type->id == TR_TYPE_BOOLEAN || tr_type_is_numeric(type) ||
	       tr_type_is_text(type) || tr_type_is_bytes(type) || tr_type_is_timestamp(type);
}

static const struct tr_type *type_string(struct tr_ask *ask)
{
	return has_json(ask->want[0]) ? tr_type_of(TR_TYPE_VARCHAR) : NULL;
}

static const struct tr_type *type_object(struct tr_ask *ask)
{
	for (uint32_t i = 1; i + 1 < ask->count; i += 2) {
		const struct tr_expr *key = ask->literals != NULL ? ask->literals[i] : NULL;

		if (key == NULL || key->value.is_null || !tr_type_is_text(key->type) || !has_json(ask->want[i + 1]))
			return NULL;
	}
	return ask->count % 2 == 1 ? tr_type_of(TR_TYPE_VARCHAR) : NULL;
}

static const struct tr_type *type_array(struct tr_ask *ask)
{
	for (uint32_t i = 1; i < ask->count; i++)
		if (!has_json(ask->want[i]))
			return NULL;
	return tr_type_of(TR_TYPE_VARCHAR);
}

/* ---- shapes ---- */

static int by_name(const void *a, const void *b, void *context)
{
	const char *const *names = context;
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const int order =
		tr_json_doc_compare_keys(names[x], (uint32_t)strlen(names[x]), names[y], (uint32_t)strlen(names[y]));

	return order != 0 ? order : (x > y) - (x < y);
}

static const uint32_t *order_of(struct tr_arena *arena, const char *const *names, uint32_t count)
{
	uint32_t *order = TR_NEW_ARRAY(arena, count + 1, uint32_t);

	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), by_name, (void *)(uintptr_t)names);
	return order;
}

/* `"name":` */
static const char *key_text(struct tr_arena *arena, const char *name, size_t length)
{
	struct tr_bytes bytes = {0};
	const char *text;

	tr_json_write_text(&bytes, name, (uint32_t)length);
	tr_bytes_append_char(&bytes, ':');
	text = tr_arena_strndup(arena, bytes.data, bytes.length);
	tr_bytes_deinit(&bytes);
	return text;
}

static void make_shape(struct tr_arena *arena, struct shape *shape, const struct tr_type *type)
{
	struct shape *children = TR_NEW_ARRAY(arena, type->child_count + 1, struct shape);
	const char **keys = TR_NEW_ARRAY(arena, type->child_count + 1, const char *);

	shape->type = type;
	shape->children = children;
	for (uint32_t i = 0; i < type->child_count; i++)
		make_shape(arena, &children[i], type->children[i]);
	if (type->id != TR_TYPE_ROW)
		return;
	for (uint32_t i = 0; i < type->child_count; i++)
		keys[i] = key_text(arena, type->names[i], strlen(type->names[i]));
	shape->keys = keys;
	shape->order = order_of(arena, type->names, type->child_count);
}

static tr_code prepare_string(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			      struct tr_status *st)
{
	struct shape *shape = TR_NEW(arena, struct shape);

	make_shape(arena, shape, call->args[0]->type);
	*prepared = shape;
	return TR_OK;
}

/* The shapes of every `step`-th argument from `first` on. */
static struct make_call *make_values(struct tr_arena *arena, const struct tr_expr *call, uint32_t first, uint32_t step)
{
	const struct tr_view *options = &call->args[0]->value.view;
	const char *text = tr_view_text(options), *flags = memchr(text, ';', options->length);
	struct make_call *make = TR_NEW(arena, struct make_call);
	struct shape *values = TR_NEW_ARRAY(arena, call->arg_count + 1, struct shape);

	make->is_absent_on_null = text[0] == 'A';
	make->values = values;
	for (uint32_t i = first; i < call->arg_count; i += step) {
		struct shape *value = &values[make->count++];

		make_shape(arena, value, call->args[i]->type);
		value->is_json = flags != NULL && flags + 1 + make->count < text + options->length &&
				 flags[1 + make->count] == 'j';
	}
	return make;
}

static tr_code prepare_object(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			      struct tr_status *st)
{
	struct make_call *make = make_values(arena, call, 2, 2);
	const char **names = TR_NEW_ARRAY(arena, make->count + 1, const char *);
	const char **keys = TR_NEW_ARRAY(arena, make->count + 1, const char *);
	bool *is_same = TR_NEW_ARRAY(arena, make->count + 1, bool);

	for (uint32_t i = 0; i < make->count; i++) {
		const struct tr_view *key = &call->args[1 + 2 * i]->value.view;

		names[i] = tr_arena_strndup(arena, tr_view_text(key), key->length);
		keys[i] = key_text(arena, tr_view_text(key), key->length);
	}
	make->order = order_of(arena, names, make->count);
	for (uint32_t i = 0; i + 1 < make->count; i++)
		is_same[i] = strcmp(keys[make->order[i]], keys[make->order[i + 1]]) == 0;
	make->keys = keys;
	make->is_same = is_same;
	*prepared = make;
	return TR_OK;
}

static tr_code prepare_array(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			     struct tr_status *st)
{
	*prepared = make_values(arena, call, 1, 1);
	return TR_OK;
}

/* ---- writing: stops once the text is longer than a result may be ---- */

static void write_value(struct tr_bytes *out, struct tr_arena *heap, const struct shape *shape,
			const struct tr_column *column, uint32_t row);

static void write_double(struct tr_bytes *out, double value)
{
	char text[TR_TEXT_FLOAT_BYTES];
	const uint32_t length = (uint32_t)tr_text_put_f64(text, value);

	if (isfinite(value))
		tr_json_write_number(out, text, length);
	else
		tr_json_write_text(out, text, length);
}

static void write_decimal(struct tr_bytes *out, const struct tr_column *column, uint32_t row)
{
	char text[TR_TEXT_DECIMAL_BYTES];

	tr_json_write_number(out, text,
			     (uint32_t)tr_text_put_decimal(text, tr_decimal_get(column, row), column->type->scale));
}

static void write_bytes(struct tr_bytes *out, const struct tr_view *view)
{
	tr_bytes_append_char(out, '"');
	out->length += tr_text_put_base64(tr_bytes_reserve(out, ((size_t)view->length + 2) / 3 * 4), tr_view_text(view),
					  view->length);
	tr_bytes_append_char(out, '"');
}

static void write_timestamp(struct tr_bytes *out, const struct tr_column *column, uint32_t row)
{
	tr_bytes_append_char(out, '"');
	out->length += tr_text_put_timestamp(tr_bytes_reserve(out, TR_TEXT_TIME_BYTES), tr_column_i64(column, row),
					     tr_type_ticks_per_second(column->type), 'T', TR_CLOCK_DIGITS, 0);
	if (column->type->id == TR_TYPE_TIMESTAMP_LTZ)
		tr_bytes_append_char(out, 'Z');
	tr_bytes_append_char(out, '"');
}

static int by_map_key(const void *a, const void *b, void *context)
{
	const struct tr_view *x = tr_column_view(context, *(const uint32_t *)a);
	const struct tr_view *y = tr_column_view(context, *(const uint32_t *)b);

	return tr_json_doc_compare_keys(tr_view_text(x), x->length, tr_view_text(y), y->length);
}

/* The map's rows of keys, in the order of the keys. */
static const uint32_t *sort_keys(struct tr_arena *heap, const struct tr_column *keys, uint32_t from, uint32_t count)
{
	uint32_t *order = tr_arena_alloc(heap, (count + 1) * sizeof(*order));

	for (uint32_t i = 0; i < count; i++)
		order[i] = from + i;
	qsort_r(order, count, sizeof(*order), by_map_key, (void *)(uintptr_t)keys);
	return order;
}

static void write_map(struct tr_bytes *out, struct tr_arena *heap, const struct shape *shape,
		      const struct tr_column *column, uint32_t row)
{
	const struct tr_column *keys = &column->children[0];
	const uint32_t from = (uint32_t)column->offsets[row], count = (uint32_t)column->offsets[row + 1] - from;
	const uint32_t *order = sort_keys(heap, keys, from, count);

	tr_bytes_append_char(out, '{');
	for (uint32_t i = 0; i < count && out->length <= TR_TEXT_RESULT_BYTES_MAX; i++) {
		if (i > 0)
			tr_bytes_append_char(out, ',');
		write_value(out, heap, &shape->children[0], keys, order[i]);
		tr_bytes_append_char(out, ':');
		write_value(out, heap, &shape->children[1], &column->children[1], order[i]);
	}
	tr_bytes_append_char(out, '}');
}

/* A multiset holds its elements one by one: equal ones are neighbours once they are sorted. */
static void write_multiset(struct tr_bytes *out, struct tr_arena *heap, const struct shape *shape,
			   const struct tr_column *column, uint32_t row)
{
	const struct tr_column *keys = &column->children[0];
	const uint32_t from = (uint32_t)column->offsets[row], count = (uint32_t)column->offsets[row + 1] - from;
	const uint32_t *order = sort_keys(heap, keys, from, count);

	tr_bytes_append_char(out, '{');
	for (uint32_t i = 0, next; i < count && out->length <= TR_TEXT_RESULT_BYTES_MAX; i = next) {
		for (next = i + 1; next < count && by_map_key(&order[i], &order[next], (void *)(uintptr_t)keys) == 0;)
			next++;
		if (i > 0)
			tr_bytes_append_char(out, ',');
		write_value(out, heap, &shape->children[0], keys, order[i]);
		tr_bytes_printf(out, ":%u", next - i);
	}
	tr_bytes_append_char(out, '}');
}

static void write_list(struct tr_bytes *out, struct tr_arena *heap, const struct shape *shape,
		       const struct tr_column *column, uint32_t row)
{
	tr_bytes_append_char(out, '[');
	for (int32_t i = column->offsets[row]; i < column->offsets[row + 1] && out->length <= TR_TEXT_RESULT_BYTES_MAX;
	     i++) {
		if (i > column->offsets[row])
			tr_bytes_append_char(out, ',');
		write_value(out, heap, &shape->children[0], &column->children[0], (uint32_t)i);
	}
	tr_bytes_append_char(out, ']');
}

static void write_row(struct tr_bytes *out, struct tr_arena *heap, const struct shape *shape,
		      const struct tr_column *column, uint32_t row)
{
	tr_bytes_append_char(out, '{');
	for (uint32_t i = 0; i < shape->type->child_count && out->length <= TR_TEXT_RESULT_BYTES_MAX; i++) {
		const uint32_t field = shape->order[i];

		if (i > 0)
			tr_bytes_append_char(out, ',');
		tr_bytes_append_str(out, shape->keys[field]);
		write_value(out, heap, &shape->children[field], &column->children[field], row);
	}
	tr_bytes_append_char(out, '}');
}

static void write_value(struct tr_bytes *out, struct tr_arena *heap, const struct shape *shape,
			const struct tr_column *column, uint32_t row)
{
	if (tr_column_is_null(column, row)) {
		tr_bytes_append_str(out, "null");
		return;
	}
	row = tr_column_row(column, row);
	switch (shape->type->id) {
	case TR_TYPE_BOOLEAN: tr_bytes_append_str(out, tr_column_i8(column, row) != 0 ? "true" : "false"); break;
	case TR_TYPE_FLOAT: write_double(out, (double)tr_column_f32(column, row)); break;
	case TR_TYPE_DOUBLE: write_double(out, tr_column_f64(column, row)); break;
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR: {
		const struct tr_view *view = tr_column_view(column, row);

		if (shape->is_json)
			tr_bytes_append(out, tr_view_text(view), view->length);
		else
			tr_json_write_text(out, tr_view_text(view), view->length);
		break;
	}
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY: write_bytes(out, tr_column_view(column, row)); break;
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: write_timestamp(out, column, row); break;
	case TR_TYPE_ARRAY: write_list(out, heap, shape, column, row); break;
	case TR_TYPE_MULTISET: write_multiset(out, heap, shape, column, row); break;
	case TR_TYPE_MAP: write_map(out, heap, shape, column, row); break;
	case TR_TYPE_ROW: write_row(out, heap, shape, column, row); break;
	default: write_decimal(out, column, row);
	}
}

static tr_code run_string(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		tr_bytes_clear(call->local);
		write_value(call->local, call->heap, call->prepared, &call->args[0], row);
		TR_TRY(put_bytes(call, row, call->local));
	}
	return TR_OK;
}

static tr_code run_object(struct tr_call *call)
{
	const struct make_call *make = call->prepared;
	struct tr_bytes *out = call->local;

	TR_CALL_ROWS(call, row) {
		uint32_t last = UINT32_MAX; /* the value of the present key */

		tr_bytes_clear(out);
		tr_bytes_append_char(out, '{');
		for (uint32_t i = 0; i < make->count && out->length <= TR_TEXT_RESULT_BYTES_MAX; i++) {
			const uint32_t value = make->order[i];

			if (!make->is_absent_on_null || !tr_column_is_null(&call->args[2 + 2 * value], row))
				last = value;
			if (make->is_same[i] || last == UINT32_MAX)
				continue;
			if (out->length > 1)
				tr_bytes_append_char(out, ',');
			tr_bytes_append_str(out, make->keys[last]);
			write_value(out, call->heap, &make->values[last], &call->args[2 + 2 * last], row);
			last = UINT32_MAX;
		}
		tr_bytes_append_char(out, '}');
		TR_TRY(put_bytes(call, row, call->local));
	}
	return TR_OK;
}

static tr_code run_array(struct tr_call *call)
{
	const struct make_call *make = call->prepared;
	struct tr_bytes *out = call->local;

	TR_CALL_ROWS(call, row) {
		tr_bytes_clear(out);
		tr_bytes_append_char(out, '[');
		for (uint32_t i = 0; i < make->count && out->length <= TR_TEXT_RESULT_BYTES_MAX; i++) {
			if (make->is_absent_on_null && tr_column_is_null(&call->args[1 + i], row))
				continue;
			if (out->length > 1)
				tr_bytes_append_char(out, ',');
			write_value(out, call->heap, &make->values[i], &call->args[1 + i], row);
		}
		tr_bytes_append_char(out, ']');
		TR_TRY(put_bytes(call, row, call->local));
	}
	return TR_OK;
}

/* ---- JSON, JSON_QUOTE, JSON_UNQUOTE ---- */

struct json_local {
	struct tr_json_doc doc;
	struct tr_bytes out;
};

static void *create_json(const void *prepared)
{
	struct json_local *local = calloc(1, sizeof(*local));

	TR_ASSERT(local != NULL);
	return local;
}

static void destroy_json(void *memory)
{
	struct json_local *local = memory;

	if (local == NULL)
		return;
	tr_json_doc_deinit(&local->doc);
	tr_bytes_deinit(&local->out);
	free(local);
}

static tr_code run_json(struct tr_call *call)
{
	struct json_local *local = call->local;

	TR_CALL_ROWS(call, row) {
		struct tr_piece text = tr_call_piece(call, 0, row);

		while (text.length > 0 && (unsigned char)*text.text <= ' ') {
			text.text++;
			text.length--;
		}
		if (text.length == 0) {
			tr_call_set_null(call, row);
			continue;
		}
		if (!tr_json_doc_parse(&local->doc, text.text, text.length, call->heap))
			TR_CALL_FAIL(call, row, "the text is no JSON: %s", local->doc.error);
		tr_bytes_clear(&local->out);
		tr_json_write(&local->doc, 0, &local->out);
		TR_TRY(put_bytes(call, row, &local->out));
	}
	return TR_OK;
}

/* The code point at `at`, which moves behind it. */
static uint32_t next_code_point(struct tr_piece s, uint32_t *at)
{
	const unsigned char first = (unsigned char)s.text[(*at)++];
	uint32_t c = first < 0x80 ? first : first < 0xE0 ? first & 0x1F : first < 0xF0 ? first & 0x0F : first & 0x07;

	while (*at < s.length && !tr_text_is_start(s.text[*at]))
		c = c << 6 | ((unsigned char)s.text[(*at)++] & 0x3F);
	return c;
}

/* Flink writes a character beyond the basic plane as its code point and the second surrogate. */
static tr_code run_quote(struct tr_call *call)
{
	static const char letters[] = "\"\\/\b\f\n\r\t", names[] = "\"\\/bfnrt";
	struct tr_bytes *out = call->local;

	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);

		tr_bytes_clear(out);
		tr_bytes_append_char(out, '"');
		for (uint32_t at = 0; at < s.length;) {
			const uint32_t c = next_code_point(s, &at);
			const char *letter = c > 0 && c < 0x80 ? strchr(letters, (char)c) : NULL;

			if (letter != NULL) {
				tr_bytes_append_char(out, '\\');
				tr_bytes_append_char(out, names[letter - letters]);
			} else if (c >= 0x20 && c < 0x80) {
				tr_bytes_append_char(out, (char)c);
			} else {
				tr_bytes_printf(out, "\\u%04x", c);
				if (c >= 0x10000)
					tr_bytes_printf(out, "\\u%04x", 0xDC00 + (c & 0x3FF));
			}
		}
		tr_bytes_append_char(out, '"');
		TR_TRY(put_bytes(call, row, call->local));
	}
	return TR_OK;
}

static tr_code run_unquote(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		char *text;
		uint32_t length;

		if (s.length >= 2 && s.text[0] == '"' && s.text[s.length - 1] == '"') {
			text = tr_call_new_text(call, s.length);
			if (tr_json_doc_unescape(s.text + 1, s.length - 2, text, &length)) {
				tr_call_put(call, row, text, length);
				continue;
			}
		}
		tr_call_put(call, row, s.text, s.length);
	}
	return TR_OK;
}

#define MAKE(name_, params_, typer_, kernel_, null_, flags_, prepare_, signature_, doc_, example_)                  \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = (flags_), .prepare = (prepare_), .local_create = tr_local_bytes_create,                    \
		.local_destroy = tr_local_bytes_destroy, TR_FUNC_DOC("json", signature_, doc_, example_)            \
	}

static const struct tr_func rows[] = {
	MAKE("JSON_STRING", "a", type_string, run_string, TR_NULL_STRICT, 0, prepare_string,
	     "JSON_STRING(value) -> STRING", "Any value but DATE, TIME and intervals as JSON.",
	     "JSON_STRING('a\"b') = '\"a\\\"b\"'"),
	MAKE("JSON_OBJECT", "u?a*", type_object, run_object, TR_NULL_CUSTOM, TR_FUNC_NOT_NULL, prepare_object,
	     "JSON_OBJECT([[KEY] key VALUE value, ...] [NULL ON NULL | ABSENT ON NULL]) -> STRING",
	     "A JSON object of literal keys and values, ordered by key; calls of JSON_OBJECT, JSON_ARRAY and JSON as "
	     "values are "
	     "nested.",
	     "JSON_OBJECT('b' VALUE 1, 'a' VALUE 'x') = '{\"a\":\"x\",\"b\":1}'"),
	MAKE("JSON_ARRAY", "u?a*", type_array, run_array, TR_NULL_CUSTOM, TR_FUNC_NOT_NULL, prepare_array,
	     "JSON_ARRAY([value, ...] [NULL ON NULL | ABSENT ON NULL]) -> STRING",
	     "A JSON array of the values; without NULLs, if not said otherwise.", "JSON_ARRAY(1, 'a') = '[1,\"a\"]'"),
	{.name = "JSON",
	 .params = "s",
	 .typer = tr_typer_string,
	 .kernel = run_json,
	 .null_rule = TR_NULL_MAKES,
	 .local_create = create_json,
	 .local_destroy = destroy_json,
	 TR_FUNC_DOC("json", "JSON(string) -> STRING", "JSON as a value of JSON_OBJECT or JSON_ARRAY.",
		     "JSON_ARRAY(JSON('{\"a\": 1}')) = '[{\"a\":1}]'")},
	MAKE("JSON_QUOTE", "s", tr_typer_string, run_quote, TR_NULL_STRICT, 0, NULL, "JSON_QUOTE(string) -> STRING",
	     "A text in quotes, with escapes.", "JSON_QUOTE('a\"b') = '\"a\\\"b\"'"),
	{.name = "JSON_UNQUOTE",
	 .params = "s",
	 .typer = tr_typer_string,
	 .kernel = run_unquote,
	 .null_rule = TR_NULL_STRICT,
	 TR_FUNC_DOC("json", "JSON_UNQUOTE(string) -> STRING",
		     "A text without its quotes and escapes; unchanged when it has no quotes.",
		     "JSON_UNQUOTE('\"a\\tb\"') = U&'a\\0009b'")},
};

const struct tr_func_table tr_func_json_make_table = {rows, TR_COUNT_OF(rows)};
