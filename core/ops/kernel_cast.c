/* SPDX-License-Identifier: Apache-2.0
 *
 * Casts. Which kernel serves a pair of types is decided here, once per program; kernels loop over rows.
 *
 *     numbers     Java's conversions: integers wrap, floating point saturates and NaN is 0; DECIMAL rounds HALF_UP when
 *                 its scale shrinks and is NULL when it does not fit; DECIMAL to an integer cuts the fraction
 *     text to x   surrounding blanks are ignored, but for BOOLEAN and TIMESTAMPs; what is no x fails the job (TRY_CAST: NULL)
 *     x to text   Flink's texts (base/text.h); VARCHAR(n) cuts, CHAR(n) cuts or pads with blanks
 *     nested      kernel_cast_nested.c
 *     times       precision is cut, not rounded; between TIMESTAMP and TIMESTAMP_LTZ by the session zone
 */
#include "core/ops/kernel_cast.h"

#include <math.h>

#include "base/calendar.h"
#include "base/text.h"
#include "base/timezone.h"
#include "base/type.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_dense.h"
#include "core/ops/kernel_text.h"

#define CAST_TEXT_MAX 128 /* the longest text of a scalar */
#define SHOWN_MAX 60      /* bytes of a bad text that a message shows */

/* A row that can't be cast: NULL for TRY_CAST, else the end. */
#define BAD_ROW(call, row, ...)                               \
	do {                                                  \
		if (!(call)->is_try)                          \
			TR_CALL_FAIL(call, row, __VA_ARGS__); \
		tr_call_set_null(call, row);                  \
		if ((call)->bad_rows != NULL)                 \
			tr_bit_set((call)->bad_rows, row);    \
	} while (0)

/* ---- numbers ---- */

static inline int64_t f64_to_i64(double x)
{
	if (x != x)
		return 0;
	if (x >= 9223372036854775808.0)
		return INT64_MAX;
	return x < -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

static inline int32_t f64_to_i32(double x)
{
	if (x != x)
		return 0;
	if (x >= 2147483647.0)
		return INT32_MAX;
	return x <= -2147483648.0 ? INT32_MIN : (int32_t)x;
}

#define PLAIN(x, to) ((to)(x))
#define TO_I64(x, to) f64_to_i64((double)(x))
#define TO_I32(x, to) ((to)f64_to_i32((double)(x)))

#define NUMBER_LOOP(from, to, CONVERT)                              \
	do {                                                        \
		const from *values = call->args[0].data;            \
		uint32_t mask = tr_call_mask(call, 0);              \
		to *out = call->out;                                \
		TR_CALL_ROWS(call, row)                             \
			out[row] = CONVERT(values[row & mask], to); \
		return TR_OK;                                       \
	} while (0)

#define FROM_NUMBER(from, INT, LONG)                        \
	switch (call->type->phys) {                         \
	case TR_PHYS_I8: NUMBER_LOOP(from, int8_t, INT);    \
	case TR_PHYS_I16: NUMBER_LOOP(from, int16_t, INT);  \
	case TR_PHYS_I32: NUMBER_LOOP(from, int32_t, INT);  \
	case TR_PHYS_I64: NUMBER_LOOP(from, int64_t, LONG); \
	case TR_PHYS_F32: NUMBER_LOOP(from, float, PLAIN);  \
	default: NUMBER_LOOP(from, double, PLAIN);          \
	}

/* All rows of an argument that is none that is constant: a dense kernel may run. */
static bool is_dense(const struct tr_call *call) { return call->rows == NULL && !call->args[0].is_constant; }

static tr_code cast_number(struct tr_call *call)
{
	const int from = tr_number_of(call->args[0].type->phys), to = tr_number_of(call->type->phys);

	if (is_dense(call) && from >= 0 && to >= 0) {
		TR_ISA_PICK(tr_kernel_dense)->convert[from][to](call->out, call->args[0].data, call->count);
		return TR_OK;
	}
	switch (call->args[0].type->phys) {
	case TR_PHYS_I8: FROM_NUMBER(int8_t, PLAIN, PLAIN);
	case TR_PHYS_I16: FROM_NUMBER(int16_t, PLAIN, PLAIN);
	case TR_PHYS_I32: FROM_NUMBER(int32_t, PLAIN, PLAIN);
	case TR_PHYS_I64: FROM_NUMBER(int64_t, PLAIN, PLAIN);
	case TR_PHYS_F32: FROM_NUMBER(float, TO_I32, TO_I64);
	default: FROM_NUMBER(double, TO_I32, TO_I64);
	}
}

static tr_code cast_to_boolean(struct tr_call *call)
{
	const struct tr_column *from = &call->args[0];

	TR_CALL_ROWS(call, row)
		((uint8_t *)call->out)[row] = from->type->id == TR_TYPE_DOUBLE  ? tr_column_f64(from, row) != 0
					      : from->type->id == TR_TYPE_FLOAT ? tr_column_f32(from, row) != 0
										: tr_decimal_get(from, row) != 0;
	return TR_OK;
}

/* Both in 64 bits, and the scale does not shrink. False: not so, or a row is NULL since it does not fit. */
static bool scale_up_dense(struct tr_call *call, int scale)
{
	const struct tr_type *to = call->type;
	int64_t power;

	if (call->args[0].type->phys != TR_PHYS_I64 || to->phys != TR_PHYS_I64 || to->scale < scale)
		return false;
	power = (int64_t)tr_text_power_of_ten(to->scale - scale);
	return TR_ISA_PICK(tr_kernel_dense)
		->scale_i64(call->out, call->args[0].data, power,
			    ((int64_t)tr_text_power_of_ten(to->precision) - 1) / power, call->count);
}

/* Integers and BOOLEAN count as decimals of scale 0. */
static tr_code cast_to_decimal(struct tr_call *call)
{
	const struct tr_type *from = call->args[0].type;
	int scale = from->id == TR_TYPE_DECIMAL ? from->scale : 0;

	if (is_dense(call) && scale_up_dense(call, scale))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		tr_i128 result;

		if (tr_decimal_rescale(tr_decimal_get(&call->args[0], row), scale, call->type->precision,
				       call->type->scale, &result))
			tr_decimal_put(call, row, result);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

static double float_at(const struct tr_column *column, uint32_t row)
{
	return column->type->phys == TR_PHYS_F32 ? (double)tr_column_f32(column, row) : tr_column_f64(column, row);
}

/* Every value fits, so that nothing is checked; computed unsigned, since rows that don't count may hold anything. */
static tr_code cast_widens_decimal(struct tr_call *call)
{
	const struct tr_column *arg = &call->args[0];
	int scale = arg->type->id == TR_TYPE_DECIMAL ? arg->type->scale : 0;
	tr_u128 power = (tr_u128)tr_text_power_of_ten(call->type->scale - scale);

	if (is_dense(call) && arg->type->phys == TR_PHYS_I64 && call->type->phys == TR_PHYS_I64 &&
	    TR_ISA_PICK(tr_kernel_dense)->scale_i64(call->out, arg->data, (int64_t)power, INT64_MAX, call->count))
		return TR_OK;
	TR_CALL_ROWS(call, row)
		tr_decimal_put(call, row, (tr_i128)((tr_u128)tr_decimal_get(arg, row) * power));
	return TR_OK;
}

static bool widens_decimal(const struct tr_type *from, const struct tr_type *to)
{
	int scale = from->id == TR_TYPE_DECIMAL ? from->scale : 0;

	return to->scale >= scale && to->precision - to->scale >= tr_decimal_digits(from) - scale;
}

/* By the shortest decimal text, as BigDecimal.valueOf does: 0.1 is 0.1. */
static tr_code cast_float_to_decimal(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		double value = float_at(&call->args[0], row);
		char text[TR_TEXT_FLOAT_BYTES];
		size_t length = tr_text_put_f64(text, value);
		tr_i128 result = 0;

		if (!isfinite(value))
			BAD_ROW(call, row, "%.*s is no DECIMAL", (int)length, text);
		else if (tr_text_parse_decimal(text, length, call->type->precision, call->type->scale, &result) ==
			 TR_TEXT_OK)
			tr_decimal_put(call, row, result);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* 64 bits to BIGINT or DOUBLE. False: not so, or a value is too large for that. */
static bool from_decimal_dense(struct tr_call *call, tr_i128 power)
{
	const struct tr_column *arg = &call->args[0];

	if (arg->type->phys != TR_PHYS_I64)
		return false;
	if (call->type->phys == TR_PHYS_F64)
		return TR_ISA_PICK(tr_kernel_dense)->quotient_f64(call->out, arg->data, (double)power, call->count);
	if (call->type->phys != TR_PHYS_I64 || power == 1)
		return false;
	TR_ISA_PICK(tr_kernel_arith)->divide_i64(call->out, arg->data, (int64_t)power, NULL, call->count);
	return true;
}

static tr_code cast_from_decimal(struct tr_call *call)
{
	const struct tr_column *arg = &call->args[0];
	tr_i128 power = tr_text_power_of_ten(arg->type->scale);

	if (is_dense(call) && from_decimal_dense(call, power))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		tr_i128 value = tr_decimal_get(arg, row);

		switch (call->type->phys) {
		case TR_PHYS_I8: ((int8_t *)call->out)[row] = (int8_t)(int64_t)(value / power); break;
		case TR_PHYS_I16: ((int16_t *)call->out)[row] = (int16_t)(int64_t)(value / power); break;
		case TR_PHYS_I32: ((int32_t *)call->out)[row] = (int32_t)(int64_t)(value / power); break;
		case TR_PHYS_I64: ((int64_t *)call->out)[row] = (int64_t)(value / power); break;
		case TR_PHYS_F32: ((float *)call->out)[row] = (float)tr_decimal_to_f64(value, arg->type->scale); break;
		default: ((double *)call->out)[row] = tr_decimal_to_f64(value, arg->type->scale);
		}
	}
	return TR_OK;
}

/* ---- from text ---- */

/* "12", "-12", "12.7" (cut): Flink's casts from text to integers. */
static enum tr_text_result parse_integer(const char *text, size_t length, int64_t *value)
{
	const char *point = memchr(text, '.', length);
	size_t digits = point != NULL ? (size_t)(point - text) : length;

	if (point != NULL) {
		if (length == 1)
			return TR_TEXT_MALFORMED;
		for (size_t i = digits + 1; i < length; i++)
			if (text[i] < '0' || text[i] > '9')
				return TR_TEXT_MALFORMED;
		if (digits == 0) {
			*value = 0;
			return TR_TEXT_OK;
		}
	}
	return tr_text_parse_i64(text, digits, value);
}

static enum tr_text_result parse_integer_as(const char *text, size_t length, struct tr_call *call, uint32_t row)
{
	int64_t value = 0;
	enum tr_text_result result = parse_integer(text, length, &value);

	if (result != TR_TEXT_OK)
		return result;
	switch (call->type->phys) {
	case TR_PHYS_I8:
		((int8_t *)call->out)[row] = (int8_t)value;
		return value == (int8_t)value ? TR_TEXT_OK : TR_TEXT_RANGE;
	case TR_PHYS_I16:
		((int16_t *)call->out)[row] = (int16_t)value;
		return value == (int16_t)value ? TR_TEXT_OK : TR_TEXT_RANGE;
	case TR_PHYS_I32:
		((int32_t *)call->out)[row] = (int32_t)value;
		return value == (int32_t)value ? TR_TEXT_OK : TR_TEXT_RANGE;
	default: ((int64_t *)call->out)[row] = value; return TR_TEXT_OK;
	}
}

static int64_t cut_ticks(int64_t ticks, const struct tr_type *type)
{
	static const int64_t units[] = {1, 10, 100};
	int digits = type->precision <= 3 ? 3 : type->precision <= 6 ? 6 : 9;
	int64_t unit = type->precision == 0 ? 1000 : units[digits - type->precision];

	return ticks - tr_floor_mod(ticks, unit);
}

/* A time of day in milliseconds, cut to its type's digits. */
static int32_t cut_time(int32_t ms, const struct tr_type *type)
{
	static const int32_t units[] = {1000, 100, 10};

	return type->precision < 3 ? ms - ms % units[type->precision] : ms;
}

#define SECONDS_YEAR_1 INT64_C(-62135596800) /* 0001-01-01: before it there is no year of an era */

static enum tr_text_result parse_timestamp_as(const char *text, size_t length, struct tr_call *call, uint32_t row)
{
	struct tr_text_time time;
	int64_t ticks;
	enum tr_text_result result = tr_text_parse_timestamp(text, length, TR_TIME_CAST_TIMESTAMP, &time);

	if (result != TR_TEXT_OK)
		return result;
	if (time.seconds < SECONDS_YEAR_1)
		return TR_TEXT_MALFORMED;
	if (call->type->id == TR_TYPE_TIMESTAMP_LTZ)
		time.seconds = tr_timezone_local_to_utc(call->zone, call->cursor, time.seconds);
	result = tr_text_time_to_ticks(&time, tr_type_ticks_per_second(call->type), &ticks);
	if (result == TR_TEXT_OK)
		((int64_t *)call->out)[row] = cut_ticks(ticks, call->type);
	return result;
}

static enum tr_text_result parse_as(const char *text, size_t length, struct tr_call *call, uint32_t row)
{
	enum tr_text_result result;

	switch (call->type->id) {
	case TR_TYPE_BOOLEAN: {
		bool value = false;

		result = tr_text_parse_boolean_cast(text, length, &value);
		((uint8_t *)call->out)[row] = value;
		return result;
	}
	case TR_TYPE_TINYINT:
	case TR_TYPE_SMALLINT:
	case TR_TYPE_INT:
	case TR_TYPE_BIGINT: return parse_integer_as(text, length, call, row);
	case TR_TYPE_FLOAT: return tr_text_parse_f32(text, length, &((float *)call->out)[row]);
	case TR_TYPE_DOUBLE: return tr_text_parse_f64(text, length, &((double *)call->out)[row]);
	case TR_TYPE_DECIMAL: {
		tr_i128 value = 0;

		result = tr_text_parse_decimal(text, length, call->type->precision, call->type->scale, &value);
		if (result == TR_TEXT_OK)
			tr_decimal_put(call, row, value);
		return result;
	}
	case TR_TYPE_DATE: return tr_text_parse_date(text, length, TR_TIME_CAST_DATE, &((int32_t *)call->out)[row]);
	case TR_TYPE_TIME: {
		int64_t nanos = 0;

		result = tr_text_parse_time(text, length, TR_TIME_SHORT_FIELDS | TR_TIME_NO_SECONDS | TR_TIME_HOUR_ONLY,
					    &nanos);
		((int32_t *)call->out)[row] = cut_time((int32_t)(nanos / 1000000), call->type);
		return result;
	}
	default: return parse_timestamp_as(text, length, call, row);
	}
}

static tr_code cast_from_text(struct tr_call *call)
{
	const bool is_trimmed = call->type->id != TR_TYPE_BOOLEAN && call->type->id != TR_TYPE_TIMESTAMP &&
				call->type->id != TR_TYPE_TIMESTAMP_LTZ;

	TR_CALL_ROWS(call, row) {
		const struct tr_view *view = tr_call_view(call, 0, row);
		const char *text = tr_view_text(view);
		size_t length = view->length;
		enum tr_text_result result;
		char type[16] = "";

		if (is_trimmed)
			tr_text_trim(&text, &length);
		result = length == 0 ? TR_TEXT_MALFORMED : parse_as(text, length, call, row);
		if (result == TR_TEXT_OK)
			continue;
		tr_cast_type_name(call->type, type, sizeof(type));
		BAD_ROW(call, row, "can't cast '%.*s' to %s: %s", (int)TR_MIN(length, (size_t)SHOWN_MAX), text, type,
			result == TR_TEXT_RANGE ? "out of range" : "not in the form of that type");
	}
	return TR_OK;
}

void tr_cast_type_name(const struct tr_type *type, char *out, size_t size)
{
	static const char *const names[] = {
		[TR_TYPE_BOOLEAN] = "BOOLEAN",     [TR_TYPE_TINYINT] = "TINYINT",
		[TR_TYPE_SMALLINT] = "SMALLINT",   [TR_TYPE_INT] = "INT",
		[TR_TYPE_BIGINT] = "BIGINT",       [TR_TYPE_FLOAT] = "FLOAT",
		[TR_TYPE_DOUBLE] = "DOUBLE",       [TR_TYPE_DECIMAL] = "DECIMAL",
		[TR_TYPE_DATE] = "DATE",           [TR_TYPE_TIME] = "TIME",
		[TR_TYPE_TIMESTAMP] = "TIMESTAMP", [TR_TYPE_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
	};
	const char *name = type->id < TR_COUNT_OF(names) && names[type->id] != NULL ? names[type->id] : "this type";
	size_t length = TR_MIN(strlen(name), size - 1);

	memcpy(out, name, length);
	out[length] = 0;
}

/* ---- to text ---- */

static size_t put_value(char *out, const struct tr_column *column, uint32_t row, struct tr_call *call)
{
	const struct tr_type *type = column->type;
	int64_t ticks_per_second = 0;

	switch (type->id) {
	case TR_TYPE_BOOLEAN:
		memcpy(out, tr_column_i8(column, row) ? "TRUE" : "FALSE", 5);
		return tr_column_i8(column, row) ? 4 : 5;
	case TR_TYPE_FLOAT: return tr_text_put_f32(out, tr_column_f32(column, row));
	case TR_TYPE_DOUBLE: return tr_text_put_f64(out, tr_column_f64(column, row));
	case TR_TYPE_DECIMAL: return tr_text_put_decimal(out, tr_decimal_get(column, row), type->scale);
	case TR_TYPE_DATE: return tr_text_put_date(out, tr_column_i32(column, row));
	case TR_TYPE_TIME: return tr_text_put_time(out, tr_column_i32(column, row), TR_CLOCK_DIGITS, type->precision);
	case TR_TYPE_TIMESTAMP:
	case TR_TYPE_TIMESTAMP_LTZ: {
		int64_t ticks = tr_column_i64(column, row);

		ticks_per_second = tr_type_ticks_per_second(type);
		if (type->id == TR_TYPE_TIMESTAMP_LTZ)
			ticks = tr_timezone_to_local_ticks(call->zone, call->cursor, ticks, ticks_per_second);
		return tr_text_put_timestamp(out, ticks, ticks_per_second, ' ', TR_CLOCK_DIGITS, type->precision);
	}
	case TR_TYPE_INTERVAL_MONTH: return tr_text_put_interval_month(out, tr_column_i32(column, row));
	case TR_TYPE_INTERVAL_MS: return tr_text_put_interval_ms(out, tr_column_i64(column, row));
	default: return tr_text_put_i64(out, (int64_t)tr_decimal_get(column, row));
	}
}

/* Cuts to the target's length in characters; CHAR is padded with blanks. */
static struct tr_view fit_text(struct tr_call *call, const char *text, size_t length)
{
	uint32_t wanted = (uint32_t)call->type->precision, has;
	char *padded;

	if (length <= wanted && call->type->id != TR_TYPE_CHAR)
		return tr_text_copy(call->heap, text, (uint32_t)length);
	length = tr_text_prefix(text, (uint32_t)length, wanted, &has);
	if (call->type->id != TR_TYPE_CHAR || has == wanted)
		return tr_text_copy(call->heap, text, (uint32_t)length);
	padded = tr_arena_alloc_aligned(call->heap, length + (wanted - has), 1);
	memcpy(padded, text, length);
	memset(padded + length, ' ', wanted - has);
	return tr_view_make(padded, (uint32_t)length + (wanted - has));
}

static tr_code cast_to_text(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		char text[CAST_TEXT_MAX];
		size_t length = put_value(text, &call->args[0], row, call);

		((struct tr_view *)call->out)[row] = fit_text(call, text, length);
	}
	return TR_OK;
}

/* Text to a shorter text, bytes to text. */
static tr_code cast_text_to_text(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_view *view = tr_call_view(call, 0, row);

		((struct tr_view *)call->out)[row] = fit_text(call, tr_view_text(view), view->length);
	}
	return TR_OK;
}

/* Bytes are cut, and BINARY is padded with zeros. */
static tr_code cast_to_bytes(struct tr_call *call)
{
	uint32_t wanted = (uint32_t)call->type->precision;

	TR_CALL_ROWS(call, row) {
		const struct tr_view *view = tr_call_view(call, 0, row);
		uint32_t length = TR_MIN(view->length, wanted);
		struct tr_view *out = &((struct tr_view *)call->out)[row];

		if (call->type->id == TR_TYPE_BINARY && length < wanted) {
			char *padded = tr_arena_alloc_aligned(call->heap, wanted, 1);

			memcpy(padded, tr_view_text(view), length);
			memset(padded + length, 0, wanted - length);
			*out = tr_view_make(padded, wanted);
		} else {
			*out = tr_text_copy(call->heap, tr_view_text(view), length);
		}
	}
	return TR_OK;
}

/* Any nested value to text. */
static tr_code cast_nested_to_text(struct tr_call *call)
{
	struct tr_bytes bytes = {0};

	TR_CALL_ROWS(call, row) {
		tr_bytes_clear(&bytes);
		tr_text_append_value(&bytes, &call->args[0], row, TR_TEXT_CAST, call->zone);
		((struct tr_view *)call->out)[row] = fit_text(call, bytes.data, bytes.length);
	}
	tr_bytes_deinit(&bytes);
	return TR_OK;
}

/* ---- times ---- */

/* Local ticks (of `per_second`) of a DATE, TIME or timestamp; a LTZ is brought to the session zone. */
static int64_t local_ticks(const struct tr_column *column, uint32_t row, struct tr_call *call, int64_t *per_second)
{
	switch (column->type->id) {
	case TR_TYPE_DATE: *per_second = 1; return (int64_t)tr_column_i32(column, row) * TR_SECONDS_PER_DAY;
	case TR_TYPE_TIME: *per_second = 1000; return tr_column_i32(column, row);
	default: {
		int64_t ticks = tr_column_i64(column, row);

		*per_second = tr_type_ticks_per_second(column->type);
		if (column->type->id == TR_TYPE_TIMESTAMP_LTZ)
			ticks = tr_timezone_to_local_ticks(call->zone, call->cursor, ticks, *per_second);
		return ticks;
	}
	}
}

static bool scale_ticks(int64_t ticks, int64_t from, int64_t to, int64_t *out)
{
	if (from > to) {
		*out = tr_floor_div(ticks, from / to);
		return true;
	}
	return !__builtin_mul_overflow(ticks, to / from, out);
}

static tr_code cast_time(struct tr_call *call)
{
	const struct tr_column *arg = &call->args[0];
	bool both_ltz = arg->type->id == TR_TYPE_TIMESTAMP_LTZ && call->type->id == TR_TYPE_TIMESTAMP_LTZ;
	int64_t wanted = tr_type_is_timestamp(call->type) ? tr_type_ticks_per_second(call->type) : 1000;

	if (is_dense(call) && arg->type->id == TR_TYPE_TIMESTAMP && call->type->id == TR_TYPE_DATE &&
	    TR_ISA_PICK(tr_kernel_dense)
		    ->days(call->out, arg->data, tr_type_ticks_per_second(arg->type) * TR_SECONDS_PER_DAY, call->count))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		int64_t per_second, ticks;

		if (both_ltz) {
			per_second = tr_type_ticks_per_second(arg->type);
			ticks = tr_column_i64(arg, row);
		} else {
			ticks = local_ticks(arg, row, call, &per_second);
		}
		if (call->type->id == TR_TYPE_DATE) {
			((int32_t *)call->out)[row] = (int32_t)tr_floor_div(ticks, per_second * TR_SECONDS_PER_DAY);
			continue;
		}
		if (!scale_ticks(ticks, per_second, wanted, &ticks)) {
			BAD_ROW(call, row, "the time is out of the range of TIMESTAMP(%d)", call->type->precision);
			continue;
		}
		if (call->type->id == TR_TYPE_TIME) {
			((int32_t *)call->out)[row] = cut_time((int32_t)tr_floor_mod(ticks, TR_MS_PER_DAY), call->type);
			continue;
		}
		if (call->type->id == TR_TYPE_TIMESTAMP_LTZ && !both_ltz)
			ticks = tr_timezone_to_utc_ticks(call->zone, call->cursor, ticks, wanted);
		((int64_t *)call->out)[row] = cut_ticks(ticks, call->type);
	}
	return TR_OK;
}

/* ---- which kernel ---- */

static bool is_time(const struct tr_type *type)
{
	return type->id >= TR_TYPE_DATE && type->id <= TR_TYPE_TIMESTAMP_LTZ;
}

static bool is_plain_number(const struct tr_type *type)
{
	return type->id <= TR_TYPE_DOUBLE || tr_type_is_interval(type);
}

/* Rows whose types differ in names and nullability only. */
static bool is_same_layout(const struct tr_type *from, const struct tr_type *to)
{
	if (from->id != to->id || from->child_count != to->child_count)
		return false;
	if (from->child_count == 0)
		return from->phys == to->phys && from->scale == to->scale && from->precision == to->precision;
	for (uint32_t i = 0; i < from->child_count; i++)
		if (!is_same_layout(from->children[i], to->children[i]))
			return false;
	return true;
}

static bool needs_nothing(const struct tr_type *from, const struct tr_type *to)
{
	if (is_same_layout(from, to) || from->id == TR_TYPE_NULL)
		return true;
	if (to->id == TR_TYPE_VARCHAR || to->id == TR_TYPE_VARBINARY)
		return (tr_type_is_text(from) || tr_type_is_bytes(from)) &&
		       (to->precision == TR_LENGTH_MAX ||
			(to->precision >= from->precision && tr_type_is_text(from) == tr_type_is_text(to)));
	if (from->id == TR_TYPE_TIME && to->id == TR_TYPE_TIME)
		return to->precision >= TR_MIN(from->precision, 3);
	if (tr_type_is_timestamp(from) && from->id == to->id)
		return to->precision >= from->precision &&
		       tr_type_ticks_per_second(from) == tr_type_ticks_per_second(to);
	return false;
}

/* Whether there is a kernel for each pair of children. */
static bool has_casts(const struct tr_type *from, const struct tr_type *to)
{
	for (uint32_t i = 0; i < from->child_count; i++) {
		struct tr_cast cast;

		if (!tr_cast_find(from->children[i], to->children[i], &cast))
			return false;
	}
	return true;
}

bool tr_cast_find(const struct tr_type *from, const struct tr_type *to, struct tr_cast *cast)
{
	*cast = (struct tr_cast){0};
	if (!tr_type_casts(from, to))
		return false;
	if (needs_nothing(from, to))
		return true;
	if (tr_type_is_text(to)) {
		if (tr_type_is_text(from) || tr_type_is_bytes(from))
			cast->kernel = cast_text_to_text;
		else
			cast->kernel = from->child_count > 0 ? cast_nested_to_text : cast_to_text;
	} else if (to->child_count > 0) {
		cast->is_nested = has_casts(from, to);
		cast->kernel = cast->is_nested ? tr_cast_nested : NULL;
	} else if (tr_type_is_bytes(to)) {
		cast->kernel = cast_to_bytes;
	} else if (tr_type_is_text(from)) {
		cast->kernel = cast_from_text;
	} else if (to->id == TR_TYPE_BOOLEAN) {
		cast->kernel = cast_to_boolean;
	} else if (to->id == TR_TYPE_DECIMAL && widens_decimal(from, to)) {
		cast->kernel = cast_widens_decimal;
		cast->is_total = true;
	} else if (to->id == TR_TYPE_DECIMAL) {
		cast->kernel = tr_type_is_float(from) ? cast_float_to_decimal : cast_to_decimal;
	} else if (from->id == TR_TYPE_DECIMAL) {
		cast->kernel = cast_from_decimal;
	} else if (is_time(from) && is_time(to)) {
		cast->kernel = cast_time;
	} else if (is_plain_number(from) && is_plain_number(to)) {
		cast->kernel = cast_number;
		cast->is_total = true;
	}
	return cast->kernel != NULL;
}
