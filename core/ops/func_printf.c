/* SPDX-License-Identifier: Apache-2.0
 *
 * PRINTF, as java.util.Formatter writes: %[n$][flags][width][.precision]conversion.
 *
 *     d x X o   integers       f e g   FLOAT and DOUBLE       s S b B   anything       c   a code point       n %
 *
 * A format that is none, an argument of the wrong type and a missing one make NULL, as in Flink. Fractions are rounded half up, from the
 * digits that Double.toString has. %h, %a and %t are not there: they fail the job.
 */
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_case.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_text.h"

#define WIDTH_MAX 100000
#define DIGITS_MAX 400 /* of a fraction; more are zeros */

enum outcome { PUT, NONE, UNSUPPORTED }; /* NONE: the result is NULL */

/* One %.. of a format. */
struct spec {
	bool is_left, is_plus, is_space, is_zero, is_grouped, is_paren, is_alternate;
	int32_t width, precision; /* -1: none */
	int32_t index;            /* 1 ..; 0: the next one, -1: the last one again */
	char conversion;
};

/* ---- numbers ---- */

/* The shortest digits of a positive double: 0.d1d2d3 * 10^point. */
struct digits {
	char text[DIGITS_MAX + 32];
	int32_t count;
	int32_t point;
};

static void read_digits(double value, struct digits *digits)
{
	char text[TR_TEXT_FLOAT_BYTES];
	const size_t length = tr_text_put_f64(text, value);
	bool is_behind = false;

	*digits = (struct digits){.count = 0};
	for (size_t i = 0; i < length; i++) {
		if (text[i] == 'E') {
			text[length] = 0;
			digits->point += (int32_t)strtol(text + i + 1, NULL, 10);
			break;
		}
		if (text[i] == '.') {
			is_behind = true;
			continue;
		}
		if (digits->count > 0 || text[i] != '0') {
			digits->text[digits->count++] = text[i];
			digits->point += !is_behind;
		} else {
			digits->point -= is_behind;
		}
	}
	while (digits->count > 0 && digits->text[digits->count - 1] == '0')
		digits->count--;
	if (digits->count == 0)
		digits->point = 0;
}

/* Rounds half up to `places` digits behind the point. */
static void round_digits(struct digits *digits, int32_t places)
{
	const int32_t kept = digits->point + places;
	int32_t i;

	if (kept >= digits->count)
		return;
	if (kept < 0) {
		digits->count = 0;
		digits->point = 0;
		return;
	}
	if (digits->text[kept] < '5') {
		digits->count = kept;
		return;
	}
	for (i = kept - 1; i >= 0 && digits->text[i] == '9'; i--)
		;
	if (i >= 0) {
		digits->text[i]++;
		digits->count = i + 1;
	} else {
		digits->text[0] = '1';
		digits->count = 1;
		digits->point++;
	}
}

static char digit_at(const struct digits *digits, int32_t i)
{
	return i >= 0 && i < digits->count ? digits->text[i] : '0';
}

static void put_fixed(struct tr_bytes *out, const struct digits *digits, int32_t places, bool is_grouped)
{
	const int32_t before = digits->count > 0 && digits->point > 0 ? digits->point : 1;
	const int32_t first = digits->count > 0 && digits->point > 0 ? 0 : digits->point - 1;

	for (int32_t i = 0; i < before; i++) {
		if (is_grouped && i > 0 && (before - i) % 3 == 0)
			tr_bytes_append_char(out, ',');
		tr_bytes_append_char(out, digits->point > 0 ? digit_at(digits, first + i) : '0');
	}
	if (places > 0)
		tr_bytes_append_char(out, '.');
	for (int32_t i = 0; i < places; i++)
		tr_bytes_append_char(out, digit_at(digits, digits->point + i));
}

static void put_scientific(struct tr_bytes *out, struct digits *digits, int32_t places)
{
	int32_t exponent;

	round_digits(digits, places + 1 - digits->point);
	exponent = digits->count > 0 ? digits->point - 1 : 0;
	tr_bytes_append_char(out, digit_at(digits, 0));
	if (places > 0)
		tr_bytes_append_char(out, '.');
	for (int32_t i = 1; i <= places; i++)
		tr_bytes_append_char(out, digit_at(digits, i));
	tr_bytes_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* %g: fixed when the rounded value is within 10^-4 and 10^precision. */
static void put_general(struct tr_bytes *out, struct digits *digits, int32_t precision, bool is_grouped)
{
	precision = precision == 0 ? 1 : precision;
	round_digits(digits, precision - digits->point);
	if (digits->count == 0 || (digits->point > -4 && digits->point <= precision))
		put_fixed(out, digits, precision - (digits->count == 0 ? 1 : digits->point), is_grouped);
	else
		put_scientific(out, digits, precision - 1);
}

/* ---- padding ---- */

/* Appends a text of the spec's width. */
static void put_padded(struct tr_bytes *out, const struct spec *spec, const char *text, size_t length)
{
	const int64_t missing = spec->width - (int64_t)tr_text_units(text, (uint32_t)length);

	if (!spec->is_left)
		for (int64_t i = 0; i < missing; i++)
			tr_bytes_append_char(out, ' ');
	tr_bytes_append(out, text, length);
	if (spec->is_left)
		for (int64_t i = 0; i < missing; i++)
			tr_bytes_append_char(out, ' ');
}

/* A number without its sign, with sign, zeros and width. */
static void put_number(struct tr_bytes *out, const struct spec *spec, bool is_negative, const struct tr_bytes *number)
{
	struct tr_bytes text = {0};
	const char *sign = is_negative ? spec->is_paren ? "(" : "-" : spec->is_plus ? "+" : spec->is_space ? " " : "";
	const bool is_closed = is_negative && spec->is_paren;

	tr_bytes_append_str(&text, sign);
	if (spec->is_zero)
		for (int64_t i = (int64_t)(strlen(sign) + number->length) + is_closed; i < spec->width; i++)
			tr_bytes_append_char(&text, '0');
	tr_bytes_append(&text, number->data, number->length);
	if (is_closed)
		tr_bytes_append_char(&text, ')');
	put_padded(out, spec, text.data, text.length);
	tr_bytes_deinit(&text);
}

/* ---- conversions ---- */

/* DATE and TIME are integers to Flink's PRINTF. */
static bool is_whole(const struct tr_type *type)
{
	return tr_type_is_integer(type) || type->id == TR_TYPE_DATE || type->id == TR_TYPE_TIME;
}

static enum outcome put_integer(struct tr_bytes *out, const struct spec *spec, const struct tr_column *arg, uint32_t row)
{
	const int64_t value = (int64_t)tr_decimal_get(arg, row);
	const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	struct tr_bytes number = {0};

	if (!is_whole(arg->type) || spec->precision >= 0)
		return NONE;
	if (spec->conversion == 'd') {
		char text[TR_TEXT_INTEGER_BYTES];
		const size_t length = tr_text_put_u64(text, size);

		for (size_t i = 0; i < length; i++) {
			if (spec->is_grouped && i > 0 && (length - i) % 3 == 0)
				tr_bytes_append_char(&number, ',');
			tr_bytes_append_char(&number, text[i]);
		}
		put_number(out, spec, value < 0, &number);
	} else { /* the bits of a negative number, of its type's width */
		const uint32_t bits = 8 * (uint32_t)tr_phys_bytes((enum tr_phys)arg->type->phys);
		const uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
		const bool is_octal = spec->conversion == 'o';

		if (spec->is_plus || spec->is_space || spec->is_paren || spec->is_grouped)
			return NONE;
		if (spec->is_alternate)
			tr_bytes_append_str(&number, is_octal ? "0" : spec->conversion == 'x' ? "0x" : "0X");
		tr_bytes_printf(&number,
				is_octal                  ? "%llo"
				: spec->conversion == 'x' ? "%llx"
							  : "%llX",
				(unsigned long long)((uint64_t)value & mask));
		put_number(out, spec, false, &number);
	}
	tr_bytes_deinit(&number);
	return PUT;
}

static enum outcome put_float(struct tr_bytes *out, const struct spec *spec, const struct tr_column *arg, uint32_t row)
{
	const int32_t precision = TR_MIN(spec->precision < 0 ? 6 : spec->precision, DIGITS_MAX);
	struct tr_bytes number = {0};
	struct digits digits;
	struct spec plain = *spec;
	double value;

	if (!tr_type_is_float(arg->type))
		return NONE;
	value = arg->type->phys == TR_PHYS_F32 ? (double)tr_column_f32(arg, row) : tr_column_f64(arg, row);
	if (!isfinite(value)) {
		plain.is_zero = false;
		tr_bytes_append_str(&number, isnan(value) ? "NaN" : "Infinity");
		if (isnan(value))
			put_padded(out, &plain, number.data, number.length);
		else
			put_number(out, &plain, value < 0, &number);
		tr_bytes_deinit(&number);
		return PUT;
	}
	read_digits(fabs(value), &digits);
	if (spec->conversion == 'f') {
		round_digits(&digits, precision);
		put_fixed(&number, &digits, precision, spec->is_grouped);
	} else if (spec->conversion == 'g') {
		put_general(&number, &digits, precision, spec->is_grouped);
	} else {
		put_scientific(&number, &digits, precision);
	}
	put_number(out, spec, signbit(value), &number);
	tr_bytes_deinit(&number);
	return PUT;
}

/* What String.valueOf makes of an argument. */
static void append_text(struct tr_bytes *out, const struct tr_column *arg, uint32_t row)
{
	if (tr_column_is_null(arg, row)) {
		tr_bytes_append_str(out, "null");
	} else if (tr_type_is_timestamp(arg->type)) { /* as local time, an LTZ too */
		out->length += tr_text_put_timestamp(tr_bytes_reserve(out, TR_TEXT_TIME_BYTES), tr_column_i64(arg, row),
						     tr_type_ticks_per_second(arg->type), 'T', TR_CLOCK_LOCAL, 0);
	} else if (is_whole(arg->type)) {
		tr_bytes_printf(out, "%lld", (long long)tr_decimal_get(arg, row));
	} else if (arg->type->id == TR_TYPE_BOOLEAN) {
		tr_bytes_append_str(out, tr_column_i8(arg, row) != 0 ? "true" : "false");
	} else {
		tr_text_append_value(out, arg, row, TR_TEXT_CAST, NULL);
	}
}

static enum outcome put_text(struct tr_bytes *out, const struct spec *spec, const struct tr_column *arg, uint32_t row)
{
	struct tr_bytes text = {0};
	uint32_t length;

	if (spec->conversion == 's' || spec->conversion == 'S')
		append_text(&text, arg, row);
	else
		tr_bytes_append_str(&text, tr_column_is_null(arg, row) || (arg->type->id == TR_TYPE_BOOLEAN &&
									   tr_column_i8(arg, row) == 0)
						   ? "false"
						   : "true");
	length = (uint32_t)text.length;
	if (spec->precision >= 0)
		length = tr_text_prefix(text.data, length, (uint32_t)spec->precision, NULL);
	if (spec->conversion == 'S' || spec->conversion == 'B') {
		struct tr_bytes upper = {0};

		upper.length =
			tr_case_upper(tr_bytes_reserve(&upper, (size_t)length * TR_CASE_GROWTH + 1), text.data, length);
		put_padded(out, spec, upper.data, upper.length);
		tr_bytes_deinit(&upper);
	} else {
		put_padded(out, spec, text.data, length);
	}
	tr_bytes_deinit(&text);
	return PUT;
}

static enum outcome put_character(struct tr_bytes *out, const struct spec *spec, const struct tr_column *arg,
				  uint32_t row)
{
	char text[4];
	int64_t code;

	if (!is_whole(arg->type) || spec->precision >= 0)
		return NONE;
	code = (int64_t)tr_decimal_get(arg, row);
	if (code < 0 || code > 0x10FFFF)
		return NONE;
	put_padded(out, spec, text, tr_text_put_code_point(text, (uint32_t)code));
	return PUT;
}

/* ---- the format ---- */

static bool read_number(const char **at, const char *end, int32_t *number)
{
	const char *start = *at;

	*number = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
		*number = TR_MIN(*number * 10 + (**at - '0'), WIDTH_MAX);
	return *at > start;
}

/* Behind a '%'. */
static bool read_spec(const char **at, const char *end, struct spec *spec)
{
	const char *start = *at;
	int32_t number;

	*spec = (struct spec){.precision = -1, .width = 0};
	if (*at < end && **at != '0' && read_number(at, end, &number) && *at < end && **at == '$') {
		spec->index = number;
		(*at)++;
	} else {
		*at = start;
	}
	for (; *at < end && strchr("-#+ 0,(<", **at) != NULL && **at != 0; (*at)++) {
		switch (**at) {
		case '-': spec->is_left = true; break;
		case '#': spec->is_alternate = true; break;
		case '+': spec->is_plus = true; break;
		case ' ': spec->is_space = true; break;
		case '0': spec->is_zero = true; break;
		case ',': spec->is_grouped = true; break;
		case '(': spec->is_paren = true; break;
		default: spec->index = -1;
		}
	}
	if (read_number(at, end, &number))
		spec->width = number;
	else if (spec->is_left || spec->is_zero)
		return false;
	if (*at < end && **at == '.') {
		(*at)++;
		if (!read_number(at, end, &spec->precision))
			return false;
	}
	if (*at >= end || (spec->is_left && spec->is_zero) || (spec->is_plus && spec->is_space))
		return false;
	spec->conversion = *(*at)++;
	return true;
}

static enum outcome put_spec(struct tr_bytes *out, const struct spec *spec, const struct tr_column *arg, uint32_t row)
{
	struct spec plain = *spec;

	if (spec->conversion == 0 || strchr("dxXofeEgGsSbBcC", spec->conversion) == NULL)
		return strchr("hHaAtT", spec->conversion) != NULL && spec->conversion != 0 ? UNSUPPORTED : NONE;
	if (tr_column_is_null(arg, row) && strchr("sSbB", spec->conversion) == NULL) {
		put_padded(out, &plain, "null", 4);
		return PUT;
	}
	switch (spec->conversion) {
	case 'd':
	case 'x':
	case 'X':
	case 'o': return put_integer(out, spec, arg, row);
	case 'f':
	case 'e':
	case 'g': return put_float(out, spec, arg, row);
	case 'c': return put_character(out, spec, arg, row);
	case 's':
	case 'S':
	case 'b':
	case 'B': return put_text(out, spec, arg, row);
	default: return UNSUPPORTED;
	}
}

static enum outcome put_format(struct tr_call *call, uint32_t row, struct tr_bytes *out)
{
	const struct tr_piece format = tr_call_piece(call, 0, row);
	const char *at = format.text, *end = at + format.length;
	uint32_t next = 0, last = 0;

	while (at < end && out->length <= TR_TEXT_RESULT_BYTES_MAX) { /* a longer text is refused */
		const char *percent = memchr(at, '%', (size_t)(end - at));
		enum outcome outcome;
		struct spec spec;
		uint32_t index;

		tr_bytes_append(out, at, (size_t)((percent != NULL ? percent : end) - at));
		if (percent == NULL)
			break;
		at = percent + 1;
		if (!read_spec(&at, end, &spec))
			return NONE;
		if (spec.conversion == 'n' || spec.conversion == '%') {
			put_padded(out, &spec, spec.conversion == 'n' ? "\n" : "%", 1);
			continue;
		}
		index = spec.index > 0 ? (uint32_t)spec.index : spec.index < 0 ? last : ++next;
		if (index == 0 || index >= call->arg_count)
			return NONE;
		last = index;
		outcome = put_spec(out, &spec, &call->args[index], row);
		if (outcome != PUT)
			return outcome;
	}
	return PUT;
}

static tr_code run_printf(struct tr_call *call)
{
	struct tr_bytes *out = call->local;

	TR_CALL_ROWS(call, row) {
		enum outcome outcome;

		if (tr_column_is_null(&call->args[0], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		tr_bytes_clear(out);
		outcome = put_format(call, row, out);
		if (outcome == UNSUPPORTED)
			TR_CALL_FAIL(call, row, "%%h, %%a, %%t and upper case but %%X, %%S, %%B are not supported");
		TR_CALL_CHECK_LENGTH(call, row, out->length);
		if (outcome == PUT)
			((struct tr_view *)call->out)[row] = tr_text_copy(call->heap, out->data, (uint32_t)out->length);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* Of arrays, bytes and the like Java would show an address. */
static const struct tr_type *type_printf(struct tr_ask *ask)
{
	for (uint32_t i = 1; i < ask->count; i++)
		if (ask->want[i]->phys == TR_PHYS_LIST || ask->want[i]->phys == TR_PHYS_ROW ||
		    tr_type_is_bytes(ask->want[i]))
			return NULL;
	return tr_type_of(TR_TYPE_VARCHAR);
}

static const struct tr_func rows[] = {
	{.name = "PRINTF",
	 .params = "s?a*",
	 .typer = type_printf,
	 .kernel = run_printf,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_NULLABLE,
	 .local_create = tr_local_bytes_create,
	 .local_destroy = tr_local_bytes_destroy,
	 TR_FUNC_DOC("string", "PRINTF(format, value, ...) -> STRING",
		     "A text by a format of Java's (%d %x %o %f %e %g %s %b %c); NULL if the values do not fit it.",
		     "PRINTF('%s has %,d', 'it', 1234) = 'it has 1,234'")},
};

const struct tr_func_table tr_func_printf_table = {rows, TR_COUNT_OF(rows)};
