/* SPDX-License-Identifier: Apache-2.0
 *
 * From a column's type and its options to a field. Each option that is read is ticked off; one that is left over was
 * for a field that does not exist, or for a type that has no use for it, and is an error.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/suggest.h"
#include "base/text.h"
#include "base/type.h"
#include "io/datagen_field_def.h"
#include "io/options.h"

#define TEXT_LENGTH_DEFAULT 100
#define ELEMENTS_DEFAULT 3
#define MONTHS_MAX 120000 /* 10,000 years */
#define INTERVAL_MS_MAX (INT64_C(10000) * 365 * 86400000)
#define PATHS_MAX 1024 /* offered as suggestions */
#define KEY_BYTES_MAX 512

struct compiler {
	const struct tr_table_spec *spec;
	struct tr_arena *arena;
	bool *is_used; /* per option */
	const char *paths[PATHS_MAX];
	uint32_t path_count;
	int64_t row_limit;
	uint64_t row_bytes;
	struct tr_status *st;
};

static const char *key_of(struct compiler *c, const struct tr_datagen_field *f, const char *attribute)
{
	return tr_arena_printf(c->arena, "fields.%s.%s", f->path, attribute);
}

/* The value of fields.PATH.ATTRIBUTE, or NULL; ticks it off. */
static const char *take(struct compiler *c, const struct tr_datagen_field *f, const char *attribute)
{
	const char *key = key_of(c, f, attribute);
	const struct tr_options *o = &c->spec->options;

	for (uint32_t i = 0; i < o->count; i++) {
		if (strcmp(o->items[i].key, key) == 0) {
			c->is_used[i] = true;
			return o->items[i].value;
		}
	}
	return NULL;
}

static tr_code fail_value(struct compiler *c, const struct tr_datagen_field *f, const char *attribute,
			  const char *value, const char *expected)
{
	TR_FAIL(c->st, TR_ERR_DATA, "table '%s': option 'fields.%s.%s' = '%.100s': expected %s", c->spec->name, f->path,
		attribute, value, expected);
}

static tr_code take_i64(struct compiler *c, struct tr_datagen_field *f, const char *attribute, int64_t least,
			int64_t most, int64_t *value)
{
	const char *text = take(c, f, attribute);
	char expected[96];
	int64_t number;

	if (text == NULL)
		return TR_OK;
	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", (long long)least, (long long)most);
	if (tr_text_parse_i64(text, strlen(text), &number) != TR_TEXT_OK || number < least || number > most)
		return fail_value(c, f, attribute, text, expected);
	*value = number;
	return TR_OK;
}

static tr_code check_order(struct compiler *c, const struct tr_datagen_field *f, bool is_ordered, const char *low,
			   const char *high)
{
	if (!is_ordered)
		TR_FAIL(c->st, TR_ERR_DATA, "table '%s': 'fields.%s.%s' is above 'fields.%s.%s'", c->spec->name,
			f->path, low, f->path, high);
	return TR_OK;
}

static void integer_range(const struct tr_type *type, int64_t *low, int64_t *high)
{
	const int bits = type->id == TR_TYPE_TINYINT    ? 8
			 : type->id == TR_TYPE_SMALLINT ? 16
			 : type->id == TR_TYPE_INT      ? 32
							: 64;

	*high = (int64_t)(~(uint64_t)0 >> (65 - bits));
	*low = -*high - 1;
}

static tr_code compile_integer(struct compiler *c, struct tr_datagen_field *f)
{
	int64_t low, high;

	integer_range(f->type, &low, &high);
	f->low = low;
	f->high = high;
	TR_TRY(take_i64(c, f, "min", low, high, &f->low));
	TR_TRY(take_i64(c, f, "max", low, high, &f->high));
	return check_order(c, f, f->low <= f->high, "min", "max");
}

static tr_code take_f64(struct compiler *c, struct tr_datagen_field *f, const char *attribute, double limit,
			double *value)
{
	const char *text = take(c, f, attribute);
	double number;

	if (text == NULL)
		return TR_OK;
	if (tr_text_parse_f64(text, strlen(text), &number) != TR_TEXT_OK || !(fabs(number) <= limit))
		return fail_value(c, f, attribute, text, "a number within the range of the type");
	*value = number;
	return TR_OK;
}

static tr_code compile_float(struct compiler *c, struct tr_datagen_field *f)
{
	const double limit = f->type->id == TR_TYPE_FLOAT ? (double)FLT_MAX : DBL_MAX;

	f->low_f64 = 0;
	f->high_f64 = limit;
	TR_TRY(take_f64(c, f, "min", limit, &f->low_f64));
	TR_TRY(take_f64(c, f, "max", limit, &f->high_f64));
	return check_order(c, f, f->low_f64 <= f->high_f64, "min", "max");
}

static tr_code take_decimal(struct compiler *c, struct tr_datagen_field *f, const char *attribute, tr_i128 *value)
{
	const char *text = take(c, f, attribute);

	if (text == NULL)
		return TR_OK;
	if (tr_text_parse_decimal(text, strlen(text), f->type->precision, f->type->scale, value) != TR_TEXT_OK)
		return fail_value(c, f, attribute, text, "a number that the type can hold");
	return TR_OK;
}

static tr_code compile_decimal(struct compiler *c, struct tr_datagen_field *f)
{
	f->high128 = tr_text_power_of_ten(f->type->precision) - 1;
	f->low128 = -f->high128;
	TR_TRY(take_decimal(c, f, "min", &f->low128));
	TR_TRY(take_decimal(c, f, "max", &f->high128));
	return check_order(c, f, f->low128 <= f->high128, "min", "max");
}

/* CHAR, VARCHAR, BINARY, VARBINARY. */
static tr_code compile_bytes(struct compiler *c, struct tr_datagen_field *f)
{
	const bool is_fixed = f->type->id == TR_TYPE_CHAR || f->type->id == TR_TYPE_BINARY;
	const int32_t declared = f->type->precision;
	const int64_t most = TR_MIN(declared, TR_DATAGEN_LENGTH_MAX);
	int64_t length = declared == TR_LENGTH_MAX ? TEXT_LENGTH_DEFAULT : declared;
	const char *text;

	if (!is_fixed) {
		TR_TRY(take_i64(c, f, "length", 1, most, &length));
		text = take(c, f, "var-len");
		if (text != NULL && !tr_option_parse_boolean(text, &f->is_var_len))
			return fail_value(c, f, "var-len", text, "true or false");
	}
	if (length > most)
		TR_FAIL(c->st, TR_ERR_DATA,
			"table '%s': column '%s' is too long to be generated: set 'fields.%s.length'", c->spec->name,
			f->path, f->path);
	f->length = (uint32_t)length;
	c->row_bytes += f->length;
	return TR_OK;
}

static tr_code compile_timestamp(struct compiler *c, struct tr_datagen_field *f)
{
	const char *text = take(c, f, "max-past");

	if (text != NULL && !tr_option_parse_duration_ms(text, &f->max_past_ms))
		return fail_value(c, f, "max-past", text, "a duration such as '10 s'");
	return TR_OK;
}

static tr_code compile_field(struct compiler *c, const struct tr_type *type, const char *path, uint32_t depth,
			     const struct tr_datagen_field **field);

static tr_code compile_children(struct compiler *c, struct tr_datagen_field *f, uint32_t depth)
{
	const struct tr_type *type = f->type;
	const bool is_row = type->id == TR_TYPE_ROW;
	const struct tr_datagen_field **children =
		TR_NEW_ARRAY(c->arena, type->child_count, const struct tr_datagen_field *);
	const uint64_t bytes_before = c->row_bytes;
	int64_t length = ELEMENTS_DEFAULT;

	if (!is_row)
		TR_TRY(take_i64(c, f, "length", 1, TR_DATAGEN_ELEMENTS_MAX, &length));
	f->length = (uint32_t)length;
	f->child_count = type->child_count;
	f->children = children;
	for (uint32_t i = 0; i < type->child_count; i++) {
		const char *name = is_row                    ? type->names[i]
				   : type->id != TR_TYPE_MAP ? "element"
				   : i == 0                  ? "key"
							     : "value";

		TR_TRY(compile_field(c, type->children[i], tr_arena_printf(c->arena, "%s.%s", f->path, name), depth + 1,
				     &children[i]));
	}
	if (!is_row)
		c->row_bytes = bytes_before + (c->row_bytes - bytes_before) * f->length;
	return TR_OK;
}

static tr_code compile_random(struct compiler *c, struct tr_datagen_field *f, uint32_t depth)
{
	switch ((enum tr_type_id)f->type->id) {
	case TR_TYPE_BOOLEAN: f->high = 1; return TR_OK;
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT: return compile_integer(c, f);
	case TR_TYPE_FLOAT:
	case TR_TYPE_DOUBLE: return compile_float(c, f);
	case TR_TYPE_DECIMAL: return compile_decimal(c, f);
	case TR_TYPE_CHAR:
	case TR_TYPE_VARCHAR:
	case TR_TYPE_BINARY:
	case TR_TYPE_VARBINARY: return compile_bytes(c, f);
	case TR_TYPE_INTERVAL_MONTH: f->high = MONTHS_MAX; return TR_OK;
	case TR_TYPE_INTERVAL_MS: f->high = INTERVAL_MS_MAX; return TR_OK;
	case TR_TYPE_DATE:
	case TR_TYPE_TIME: return TR_OK;
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: return compile_timestamp(c, f);
	case TR_TYPE_ARRAY:
	case TR_TYPE_MAP:
	case TR_TYPE_MULTISET:
	case TR_TYPE_ROW: return compile_children(c, f, depth);
	case TR_TYPE_NULL:
	case TR_TYPE_COUNT: break;
	}
	TR_FAIL(c->st, TR_ERR_DATA, "table '%s': column '%s': connector 'datagen' does not support type %s",
		c->spec->name, f->path, tr_type_text(c->arena, f->type));
}

static tr_code compile_sequence(struct compiler *c, struct tr_datagen_field *f)
{
	const struct tr_type *type = f->type;
	int64_t low = INT64_MIN, high = INT64_MAX;

	if (type->id == TR_TYPE_DECIMAL) {
		const int digits = TR_MIN(type->precision - type->scale, 18);

		high = (int64_t)tr_text_power_of_ten(digits) - 1;
		low = -high;
	} else if (tr_type_is_integer(type)) {
		integer_range(type, &low, &high);
	} else if (!tr_type_is_float(type) && !tr_type_is_text(type)) {
		TR_FAIL(c->st, TR_ERR_DATA,
			"table '%s': 'fields.%s.kind' = 'sequence' needs a column of a number or a text, not %s",
			c->spec->name, f->path, tr_type_text(c->arena, type));
	}
	if (tr_options_get(&c->spec->options, key_of(c, f, "start")) == NULL ||
	    tr_options_get(&c->spec->options, key_of(c, f, "end")) == NULL)
		TR_FAIL(c->st, TR_ERR_DATA, "table '%s': a sequence needs both 'fields.%s.start' and 'fields.%s.end'",
			c->spec->name, f->path, f->path);
	TR_TRY(take_i64(c, f, "start", low, high, &f->low));
	TR_TRY(take_i64(c, f, "end", low, high, &f->high));
	TR_TRY(check_order(c, f, f->low <= f->high, "start", "end"));
	if ((uint64_t)f->high - (uint64_t)f->low < (uint64_t)INT64_MAX)
		c->row_limit = TR_MIN(c->row_limit, f->high - f->low + 1);
	f->is_sequence = true;
	return TR_OK;
}

static tr_code compile_field(struct compiler *c, const struct tr_type *type, const char *path, uint32_t depth,
			     const struct tr_datagen_field **field)
{
	struct tr_datagen_field *f = TR_NEW(c->arena, struct tr_datagen_field);
	const char *kind, *rate;
	uint32_t index = 0;

	TR_ASSERT(depth <= TR_TYPE_DEPTH_MAX);
	f->type = type;
	f->path = path;
	f->salt = UINT64_C(0xcbf29ce484222325);
	for (const char *p = path; *p != '\0'; p++)
		f->salt = (f->salt ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	if (c->path_count < PATHS_MAX)
		c->paths[c->path_count++] = path;
	c->row_bytes += tr_phys_bytes((enum tr_phys)type->phys);
	*field = f;
	rate = take(c, f, "null-rate");
	if (rate != NULL) {
		double number;

		if (!tr_option_parse_double(rate, &number) || !(number >= 0 && number <= 1))
			return fail_value(c, f, "null-rate", rate, "a number from 0 to 1");
		f->null_below = (uint64_t)(number * 4294967296.0);
	}
	kind = take(c, f, "kind");
	if (kind != NULL && !tr_option_parse_enum(kind, "random|sequence", &index))
		return fail_value(c, f, "kind", kind, "random or sequence");
	if (index == 1 && depth > 0)
		TR_FAIL(c->st, TR_ERR_DATA,
			"table '%s': 'fields.%s.kind': a field inside of another can only be random", c->spec->name,
			path);
	return index == 1 ? compile_sequence(c, f) : compile_random(c, f, depth);
}

/* An option that no field has read. */
static tr_code fail_unused(struct compiler *c, const char *key)
{
	const char *path = key + strlen("fields.");
	const char *end = strrchr(path, '.');
	char name[KEY_BYTES_MAX];
	const char *near;

	TR_ASSERT(end != NULL);
	snprintf(name, sizeof(name), "%.*s", (int)(end - path), path);
	for (uint32_t i = 0; i < c->path_count; i++)
		if (strcmp(c->paths[i], name) == 0)
			TR_FAIL(c->st, TR_ERR_DATA,
				"table '%s': option '%s' has no meaning for the type or the kind of '%s'",
				c->spec->name, key, name);
	near = tr_suggest_nearest(name, c->paths, c->path_count);
	TR_FAIL(c->st, TR_ERR_DATA, "table '%s': option '%s': there is no field '%s'%s%s%s", c->spec->name, key, name,
		near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

tr_code tr_datagen_compile(const struct tr_table_spec *spec, struct tr_arena *arena,
			   const struct tr_datagen_field *const **fields, int64_t *row_limit, uint64_t *row_bytes,
			   struct tr_status *st)
{
	const uint32_t count = spec->schema->column_count;
	const struct tr_datagen_field **compiled = TR_NEW_ARRAY(arena, count + 1, const struct tr_datagen_field *);
	struct compiler *c = TR_NEW(arena, struct compiler);

	c->spec = spec;
	c->arena = arena;
	c->is_used = TR_NEW_ARRAY(arena, spec->options.count + 1, bool);
	c->row_limit = INT64_MAX;
	c->st = st;
	for (uint32_t i = 0; i < count; i++)
		TR_TRY(compile_field(c, spec->schema->types[i], spec->schema->names[i], 0, &compiled[i]));
	for (uint32_t i = 0; i < spec->options.count; i++) {
		const char *key = spec->options.items[i].key;

		if (!c->is_used[i] && strncmp(key, "fields.", 7) == 0 && strchr(key + 7, '.') != NULL)
			return fail_unused(c, key);
	}
	*fields = compiled;
	*row_limit = c->row_limit;
	*row_bytes = c->row_bytes;
	return TR_OK;
}
