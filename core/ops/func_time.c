/* SPDX-License-Identifier: Apache-2.0
 *
 * Points in time and intervals: + - *, EXTRACT, FLOOR and CEIL to a unit, TIMESTAMPADD and TIMESTAMPDIFF.
 *
 * A TIMESTAMP_LTZ is read in the session zone where its fields are asked for (EXTRACT, FLOOR), and in UTC where something is added
 * to it, months as well: there no hour is missing or comes twice. A result outside what 64 bits of its unit hold fails the job. Texts and clocks are in func_clock.c.
 */
#include "base/calendar.h"
#include "base/timezone.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_arith.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_dense.h"
#include "core/ops/kernel_time.h"

#define NANOS_PER_DAY INT64_C(86400000000000)
#define NANOS_PER_SECOND INT64_C(1000000000)
#define OUT_OF_RANGE "the result is out of the range of its type"

/* A local time, whatever type it came from. */
struct local {
	int64_t days;
	int64_t ticks; /* of the day */
};

static int64_t per_second(const struct tr_type *type)
{
	return tr_type_is_timestamp(type) ? tr_type_ticks_per_second(type) : 1000;
}

static struct local read_local(struct tr_call *call, uint32_t arg, uint32_t row)
{
	const struct tr_column *column = &call->args[arg];
	int64_t ticks, per_day;

	if (column->type->id == TR_TYPE_DATE)
		return (struct local){tr_column_i32(column, row), 0};
	if (column->type->id == TR_TYPE_TIME)
		return (struct local){0, tr_column_i32(column, row)};
	ticks = tr_column_i64(column, row);
	per_day = per_second(column->type) * TR_SECONDS_PER_DAY;
	if (column->type->id == TR_TYPE_TIMESTAMP_LTZ)
		ticks = tr_timezone_to_local_ticks(call->zone, call->cursor, ticks, per_second(column->type));
	return (struct local){tr_floor_div(ticks, per_day), tr_floor_mod(ticks, per_day)};
}

/* The same, but a TIMESTAMP_LTZ is read in UTC, as where something is added to it. */
static struct local read_point(struct tr_call *call, uint32_t arg, uint32_t row)
{
	const struct tr_column *column = &call->args[arg];
	int64_t ticks, per_day;

	if (column->type->id != TR_TYPE_TIMESTAMP_LTZ)
		return read_local(call, arg, row);
	ticks = tr_column_i64(column, row);
	per_day = per_second(column->type) * TR_SECONDS_PER_DAY;
	return (struct local){tr_floor_div(ticks, per_day), tr_floor_mod(ticks, per_day)};
}

/* Writes a time (ticks of `from` a second) as the result; false: it is out of range. */
static bool write_point(struct tr_call *call, uint32_t row, struct local local, int64_t from)
{
	int64_t to = per_second(call->type), ticks;

	if (call->type->id == TR_TYPE_DATE) {
		((int32_t *)call->out)[row] = (int32_t)local.days;
		return local.days == (int32_t)local.days;
	}
	local.ticks = to >= from ? local.ticks * (to / from) : local.ticks / (from / to);
	if (call->type->id == TR_TYPE_TIME) {
		((int32_t *)call->out)[row] = (int32_t)local.ticks;
		return true;
	}
	if (__builtin_mul_overflow(local.days, to * TR_SECONDS_PER_DAY, &ticks) ||
	    __builtin_add_overflow(ticks, local.ticks, &ticks))
		return false;
	((int64_t *)call->out)[row] = ticks;
	return true;
}

/* The same of a local time. */
static bool write_local(struct tr_call *call, uint32_t row, struct local local, int64_t from)
{
	int64_t *ticks = (int64_t *)call->out + row;

	if (!write_point(call, row, local, from))
		return false;
	if (call->type->id == TR_TYPE_TIMESTAMP_LTZ)
		*ticks = tr_timezone_to_utc_ticks(call->zone, call->cursor, *ticks, per_second(call->type));
	return true;
}

/* ---- point + interval ---- */

/* A TIMESTAMP and a constant; false: not such a call, or a row is out of range, which the loop by row then names. */
static bool add_constant(struct tr_call *call, const struct tr_column *t, const struct tr_column *interval,
			 int64_t scale, int sign)
{
	int64_t ticks;

	if (t->type->phys != TR_PHYS_I64 || t->is_constant || !interval->is_constant ||
	    __builtin_mul_overflow(tr_column_i64(interval, 0), scale * sign, &ticks))
		return false;
	return TR_ISA_PICK(tr_kernel_arith)->add_checked_i64(call->out, t->data, ticks, call->rows, call->count);
}

static tr_code add_ms(struct tr_call *call, uint32_t time, uint32_t interval, int sign)
{
	const struct tr_column *t = &call->args[time], *i = &call->args[interval];
	int64_t scale = per_second(t->type) / 1000, ticks;

	if (add_constant(call, t, i, scale, sign))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		int64_t ms = tr_column_i64(i, row) * sign;

		switch (t->type->id) {
		case TR_TYPE_TIME:
			((int32_t *)call->out)[row] =
				(int32_t)tr_floor_mod(tr_column_i32(t, row) + ms % TR_MS_PER_DAY, TR_MS_PER_DAY);
			break;
		case TR_TYPE_DATE: /* parts of a day are left out */
			((int32_t *)call->out)[row] = tr_column_i32(t, row) + (int32_t)(ms / TR_MS_PER_DAY);
			break;
		default:
			if (__builtin_mul_overflow(ms, scale, &ticks) ||
			    __builtin_add_overflow(tr_column_i64(t, row), ticks, &ticks))
				TR_CALL_FAIL(call, row, OUT_OF_RANGE);
			((int64_t *)call->out)[row] = ticks;
		}
	}
	return TR_OK;
}

static tr_code add_months(struct tr_call *call, uint32_t time, uint32_t interval, int sign)
{
	TR_CALL_ROWS(call, row) {
		struct local local = read_point(call, time, row);

		local.days = tr_time_add_months(local.days, (int64_t)tr_column_i32(&call->args[interval], row) * sign);
		if (!write_point(call, row, local, per_second(call->args[time].type)))
			TR_CALL_FAIL(call, row, OUT_OF_RANGE);
	}
	return TR_OK;
}

static bool is_months(const struct tr_call *call, uint32_t arg)
{
	return call->args[arg].type->id == TR_TYPE_INTERVAL_MONTH;
}

static tr_code run_time_plus(struct tr_call *call)
{
	return is_months(call, 1) ? add_months(call, 0, 1, 1) : add_ms(call, 0, 1, 1);
}
static tr_code run_plus_time(struct tr_call *call)
{
	return is_months(call, 0) ? add_months(call, 1, 0, 1) : add_ms(call, 1, 0, 1);
}
static tr_code run_time_minus(struct tr_call *call)
{
	return is_months(call, 1) ? add_months(call, 0, 1, -1) : add_ms(call, 0, 1, -1);
}

/* Milliseconds or months between two points of one kind. */
static tr_code run_difference(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct local a = read_point(call, 0, row), b = read_point(call, 1, row);

		if (call->type->id == TR_TYPE_INTERVAL_MONTH) {
			((int32_t *)call->out)[row] = (int32_t)tr_time_months_between(
				a.days, a.ticks * (NANOS_PER_SECOND / per_second(call->args[0].type)), b.days,
				b.ticks * (NANOS_PER_SECOND / per_second(call->args[1].type)));
			continue;
		}
		((int64_t *)call->out)[row] = (a.days - b.days) * TR_MS_PER_DAY +
					      a.ticks / (per_second(call->args[0].type) / 1000) -
					      b.ticks / (per_second(call->args[1].type) / 1000);
	}
	return TR_OK;
}

/* ---- intervals ---- */

static int64_t interval_at(const struct tr_column *column, uint32_t row)
{
	return column->type->phys == TR_PHYS_I32 ? tr_column_i32(column, row) : tr_column_i64(column, row);
}

static bool put_interval(struct tr_call *call, uint32_t row, int64_t value)
{
	if (call->type->phys == TR_PHYS_I64) {
		((int64_t *)call->out)[row] = value;
		return true;
	}
	((int32_t *)call->out)[row] = (int32_t)value;
	return value == (int32_t)value;
}

static tr_code run_interval(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		int64_t a = interval_at(&call->args[0], row);
		int64_t b = call->arg_count > 1 ? interval_at(&call->args[1], row) : 0, result;
		bool is_bad;

		switch (call->code) {
		case '+': is_bad = __builtin_add_overflow(a, b, &result); break;
		case '-':
			is_bad = call->arg_count > 1 ? __builtin_sub_overflow(a, b, &result)
						     : __builtin_sub_overflow((int64_t)0, a, &result);
			break;
		case '*': is_bad = __builtin_mul_overflow(a, b, &result); break;
		default:
			if (b == 0)
				TR_CALL_FAIL(call, row, "division by zero");
			is_bad = b == -1 && a == INT64_MIN;
			result = is_bad ? 0 : a / b;
		}
		if (is_bad || !put_interval(call, row, result))
			TR_CALL_FAIL(call, row, OUT_OF_RANGE);
	}
	return TR_OK;
}

/* ---- units ---- */

static enum tr_unit unit_of_literal(const struct tr_ask *ask, uint32_t arg)
{
	const struct tr_view *view = &ask->literals[arg]->value.view;

	return tr_unit_of(tr_view_text(view), view->length);
}

static enum tr_unit unit_at(const struct tr_call *call, uint32_t arg)
{
	const struct tr_view *view = tr_column_view(&call->args[arg], 0);

	return tr_unit_of(tr_view_text(view), view->length);
}

static bool is_point(const struct tr_type *type)
{
	return type->id >= TR_TYPE_DATE && type->id <= TR_TYPE_TIMESTAMP_LTZ;
}

static const struct tr_type *type_extract(struct tr_ask *ask)
{
	enum tr_unit unit = unit_of_literal(ask, 0);
	const struct tr_type *type = ask->want[1];

	if (unit == TR_UNIT_NONE || !(is_point(type) || tr_type_is_interval(type)))
		return NULL;
	if (type->id == TR_TYPE_TIME && unit >= TR_UNIT_DAY)
		return NULL;
	if (type->id == TR_TYPE_DATE && unit <= TR_UNIT_MICROSECOND)
		return NULL;
	if (type->id == TR_TYPE_INTERVAL_MONTH && !(unit >= TR_UNIT_MONTH && unit <= TR_UNIT_MILLENNIUM))
		return NULL;
	if (type->id == TR_TYPE_INTERVAL_MS && unit > TR_UNIT_DAY)
		return NULL;
	return tr_type_of(TR_TYPE_BIGINT);
}

static int64_t extract_interval(enum tr_unit unit, const struct tr_type *type, int64_t value)
{
	static const int64_t ms[] = {[TR_UNIT_SECOND] = 1000, [TR_UNIT_MINUTE] = 60000, [TR_UNIT_HOUR] = 3600000};

	if (type->id == TR_TYPE_INTERVAL_MONTH) {
		int64_t years = value / 12;

		return unit == TR_UNIT_MONTH     ? value % 12
		       : unit == TR_UNIT_QUARTER ? value % 12 / 3 + 1
		       : unit == TR_UNIT_YEAR    ? years
		       : unit == TR_UNIT_DECADE  ? years / 10
		       : unit == TR_UNIT_CENTURY ? years / 100
						 : years / 1000;
	}
	switch (unit) {
	case TR_UNIT_DAY: return value / TR_MS_PER_DAY;
	case TR_UNIT_HOUR: return value % TR_MS_PER_DAY / ms[unit];
	case TR_UNIT_MINUTE: return value % 3600000 / ms[unit];
	case TR_UNIT_SECOND: return value % 60000 / ms[unit];
	case TR_UNIT_MILLISECOND: return value % 1000;
	case TR_UNIT_MICROSECOND: return value % 1000 * 1000;
	default: return value % 1000 * 1000000;
	}
}

/* All rows of timestamps that need no time zone. */
static bool is_dense(const struct tr_call *call, uint32_t arg)
{
	const struct tr_column *column = &call->args[arg];

	return call->rows == NULL && !column->is_constant &&
	       (column->type->id == TR_TYPE_TIMESTAMP ||
		(column->type->id == TR_TYPE_TIMESTAMP_LTZ && tr_timezone_is_utc(call->zone)));
}

/* False: there is no dense kernel for the unit, or a row is out of its range. */
static bool extract_dense(struct tr_call *call, enum tr_unit unit, uint32_t arg)
{
	const struct tr_kernel_dense *kernels = TR_ISA_PICK(tr_kernel_dense);
	const int64_t *ticks = call->args[arg].data, second = per_second(call->args[arg].type);
	const int64_t minute = 60 * second, hour = 60 * minute, day = 24 * hour;

	switch (unit) {
	case TR_UNIT_SECOND: kernels->part_of_span(call->out, ticks, minute, 0, second, 0, call->count); return true;
	case TR_UNIT_MINUTE: kernels->part_of_span(call->out, ticks, hour, 0, minute, 0, call->count); return true;
	case TR_UNIT_HOUR: kernels->part_of_span(call->out, ticks, day, 0, hour, 0, call->count); return true;
	/* 1970-01-01 was a Thursday. */
	case TR_UNIT_DOW: kernels->part_of_span(call->out, ticks, 7 * day, 4 * day, day, 1, call->count); return true;
	case TR_UNIT_ISODOW:
		kernels->part_of_span(call->out, ticks, 7 * day, 3 * day, day, 1, call->count);
		return true;
	case TR_UNIT_YEAR: return kernels->civil(call->out, ticks, day, TR_DENSE_YEAR, call->count);
	case TR_UNIT_MONTH: return kernels->civil(call->out, ticks, day, TR_DENSE_MONTH, call->count);
	case TR_UNIT_DAY: return kernels->civil(call->out, ticks, day, TR_DENSE_DAY, call->count);
	default: return false;
	}
}

static void extract_rows(struct tr_call *call, enum tr_unit unit, uint32_t arg)
{
	const struct tr_column *column = &call->args[arg];
	int64_t nanos_per_tick = 1000000000 / per_second(column->type);

	if (is_dense(call, arg) && extract_dense(call, unit, arg))
		return;
	TR_CALL_ROWS(call, row) {
		if (tr_type_is_interval(column->type)) {
			((int64_t *)call->out)[row] = extract_interval(unit, column->type, interval_at(column, row));
		} else {
			struct local local = read_local(call, arg, row);

			((int64_t *)call->out)[row] = tr_time_extract(unit, local.days, local.ticks * nanos_per_tick);
		}
	}
}

static tr_code run_extract(struct tr_call *call)
{
	extract_rows(call, unit_at(call, 0), 1);
	return TR_OK;
}
static tr_code run_field(struct tr_call *call)
{
	extract_rows(call, (enum tr_unit)call->code, 0);
	return TR_OK;
}

static const struct tr_type *type_field(struct tr_ask *ask)
{
	return is_point(ask->want[0]) && ask->want[0]->id != TR_TYPE_TIME ? tr_type_of(TR_TYPE_BIGINT) : NULL;
}
static const struct tr_type *type_clock_field(struct tr_ask *ask)
{
	return is_point(ask->want[0]) ? tr_type_of(TR_TYPE_BIGINT) : NULL;
}

/* ---- FLOOR, CEIL ---- */

static const struct tr_type *type_floor(struct tr_ask *ask)
{
	enum tr_unit unit = unit_of_literal(ask, 1);
	const struct tr_type *type = ask->want[0];

	if (!is_point(type) || unit < TR_UNIT_MILLISECOND || unit > TR_UNIT_MILLENNIUM)
		return NULL;
	return type->id == TR_TYPE_TIME && unit >= TR_UNIT_DAY ? NULL : type;
}

static int64_t unit_ticks(enum tr_unit unit, int64_t ticks_per_second)
{
	switch (unit) {
	case TR_UNIT_MILLISECOND: return ticks_per_second / 1000;
	case TR_UNIT_SECOND: return ticks_per_second;
	case TR_UNIT_MINUTE: return ticks_per_second * 60;
	default: return ticks_per_second * 3600;
	}
}

/* The same type and up to a month. False: not so, or a row is out of range. */
static bool floor_dense(struct tr_call *call, enum tr_unit unit, int64_t ticks_a_second)
{
	const struct tr_kernel_dense *kernels = TR_ISA_PICK(tr_kernel_dense);
	const int64_t day = ticks_a_second * TR_SECONDS_PER_DAY, *ticks = call->args[0].data;
	const int64_t length = unit == TR_UNIT_DAY ? day : unit_ticks(unit, ticks_a_second);

	if (call->type->id != call->args[0].type->id || per_second(call->type) != ticks_a_second)
		return false;
	if (unit == TR_UNIT_MONTH)
		return kernels->floor_month(call->out, ticks, day, call->count);
	return unit <= TR_UNIT_DAY && length > 1 && kernels->floor_to(call->out, ticks, length, call->count);
}

static tr_code floor_or_ceil(struct tr_call *call, bool is_ceil)
{
	enum tr_unit unit = unit_at(call, 1);
	int64_t from = per_second(call->args[0].type), unit_length = unit_ticks(unit, from);

	if (!is_ceil && is_dense(call, 0) && floor_dense(call, unit, from))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		struct local local = read_local(call, 0, row);

		if (unit < TR_UNIT_DAY) {
			local.ticks += is_ceil ? unit_length - 1 : 0;
			local.ticks -= local.ticks % unit_length;
			if (local.ticks >= from * TR_SECONDS_PER_DAY) {
				local.days++;
				local.ticks = 0;
			}
		} else {
			int64_t floor = tr_time_floor_days(unit, local.days);
			bool is_exact = floor == local.days && local.ticks == 0;

			local.days = is_ceil && !is_exact ? tr_time_next_days(unit, floor) : floor;
			local.ticks = 0;
		}
		if (!write_local(call, row, local, from))
			TR_CALL_FAIL(call, row, OUT_OF_RANGE);
	}
	return TR_OK;
}
static tr_code run_floor(struct tr_call *call) { return floor_or_ceil(call, false); }
static tr_code run_ceil(struct tr_call *call) { return floor_or_ceil(call, true); }

/* ---- TIMESTAMPADD, TIMESTAMPDIFF ---- */

static const struct tr_type *type_add(struct tr_ask *ask)
{
	enum tr_unit unit = unit_of_literal(ask, 0);
	const struct tr_type *type = ask->want[2];

	if (!is_point(type) || unit < TR_UNIT_MILLISECOND || unit > TR_UNIT_MILLENNIUM)
		return NULL;
	if (type->id == TR_TYPE_DATE && unit < TR_UNIT_DAY)
		return tr_type_with_precision(ask->arena, TR_TYPE_TIMESTAMP, 6);
	return type;
}

static int64_t months_of(enum tr_unit unit)
{
	return unit == TR_UNIT_MONTH     ? 1
	       : unit == TR_UNIT_QUARTER ? 3
	       : unit == TR_UNIT_YEAR    ? 12
	       : unit == TR_UNIT_DECADE  ? 120
	       : unit == TR_UNIT_CENTURY ? 1200
					 : 12000;
}

static tr_code run_timestampadd(struct tr_call *call)
{
	enum tr_unit unit = unit_at(call, 0);
	int64_t from = per_second(call->args[2].type), per_day = from * TR_SECONDS_PER_DAY;
	const bool is_time = call->args[2].type->id == TR_TYPE_TIME;

	TR_CALL_ROWS(call, row) {
		int64_t count = tr_column_i64(&call->args[1], row), amount;
		struct local local = read_point(call, 2, row);
		bool is_bad = false;

		if (is_time && unit >= TR_UNIT_DAY) {
			/* the same time of another day */
		} else if (unit >= TR_UNIT_MONTH) {
			is_bad = count > INT32_MAX || count < INT32_MIN;
			local.days = tr_time_add_months(local.days, is_bad ? 0 : count * months_of(unit));
		} else if (unit >= TR_UNIT_DAY) {
			is_bad = __builtin_mul_overflow(count, unit == TR_UNIT_WEEK ? 7 : 1, &amount) ||
				 __builtin_add_overflow(local.days, amount, &local.days);
		} else {
			is_bad = __builtin_mul_overflow(count, unit_ticks(unit, from), &amount) ||
				 __builtin_add_overflow(local.ticks, amount, &amount);
			if (!is_bad) {
				local.days += tr_floor_div(amount, per_day);
				local.ticks = tr_floor_mod(amount, per_day);
			}
		}
		if (is_bad || !write_point(call, row, local, from))
			TR_CALL_FAIL(call, row, OUT_OF_RANGE);
	}
	return TR_OK;
}

static const struct tr_type *type_diff(struct tr_ask *ask)
{
	enum tr_unit unit = unit_of_literal(ask, 0);
	bool good = is_point(ask->want[1]) && is_point(ask->want[2]) && unit >= TR_UNIT_MILLISECOND &&
		    unit <= TR_UNIT_MILLENNIUM;

	/* As Flink: between two points of a kind. */
	if ((ask->want[1]->id == TR_TYPE_TIME) != (ask->want[2]->id == TR_TYPE_TIME) ||
	    (ask->want[1]->id == TR_TYPE_TIMESTAMP_LTZ) != (ask->want[2]->id == TR_TYPE_TIMESTAMP_LTZ))
		return NULL;
	return good ? tr_type_of(TR_TYPE_INT) : NULL;
}

/* From a constant timestamp of the same kind, in units of a fixed length. False: not so, or a row is out of range. */
static bool difference_dense(struct tr_call *call, enum tr_unit unit)
{
	const struct tr_column *from = &call->args[1], *to = &call->args[2];
	const int64_t second = per_second(to->type);
	const int64_t length = unit == TR_UNIT_WEEK  ? second * TR_SECONDS_PER_DAY * 7
			       : unit == TR_UNIT_DAY ? second * TR_SECONDS_PER_DAY
						     : unit_ticks(unit, second);

	return call->rows == NULL && from->is_constant && !to->is_constant && tr_type_is_timestamp(to->type) &&
	       from->type->id == to->type->id && unit < TR_UNIT_MONTH && length > 1 &&
	       second % per_second(from->type) == 0 &&
	       TR_ISA_PICK(tr_kernel_dense)
		       ->difference(call->out, to->data, tr_column_i64(from, 0) * (second / per_second(from->type)),
				    length, call->count);
}

static tr_code run_timestampdiff(struct tr_call *call)
{
	enum tr_unit unit = unit_at(call, 0);
	int64_t b_scale = 1000000000 / per_second(call->args[1].type);
	int64_t a_scale = 1000000000 / per_second(call->args[2].type);
	const bool are_instants =
		call->args[1].type->id == TR_TYPE_TIMESTAMP_LTZ && call->args[2].type->id == TR_TYPE_TIMESTAMP_LTZ;

	if (difference_dense(call, unit))
		return TR_OK;
	TR_CALL_ROWS(call, row) {
		struct local b = are_instants ? read_point(call, 1, row) : read_local(call, 1, row);
		struct local a = are_instants ? read_point(call, 2, row) : read_local(call, 2, row);
		int64_t result;

		a.ticks *= a_scale;
		b.ticks *= b_scale;
		if (unit >= TR_UNIT_MONTH) {
			result = tr_time_months_between(a.days, a.ticks, b.days, b.ticks) / months_of(unit);
		} else {
			tr_i128 nanos = (tr_i128)(a.days - b.days) * NANOS_PER_DAY + (a.ticks - b.ticks);
			tr_i128 length = unit == TR_UNIT_WEEK  ? (tr_i128)NANOS_PER_DAY * 7
					 : unit == TR_UNIT_DAY ? NANOS_PER_DAY
							       : unit_ticks(unit, 1000000000);

			result = (int64_t)(nanos / length);
		}
		((int32_t *)call->out)[row] = (int32_t)result;
	}
	return TR_OK;
}

static const struct tr_type *type_difference(struct tr_ask *ask)
{
	return tr_type_of(unit_of_literal(ask, 2) == TR_UNIT_MONTH ? TR_TYPE_INTERVAL_MONTH : TR_TYPE_INTERVAL_MS);
}

#define OP(name_, params_, typer_, kernel_, code_, signature_, doc_, example_)                        \
	{                                                                                             \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_),         \
		.null_rule = TR_NULL_STRICT, .flags = TR_FUNC_INFIX | TR_FUNC_ZONED, .code = (code_), \
		TR_FUNC_DOC("temporal", signature_, doc_, example_)                                   \
	}
#define HIDDEN(name_, params_, typer_, kernel_, code_)                                                                \
	{                                                                                                             \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_),                         \
		.null_rule = TR_NULL_STRICT, .flags = TR_FUNC_INFIX | TR_FUNC_ZONED | TR_FUNC_HIDDEN, .code = (code_) \
	}
#define UNITS(name_, params_, typer_, kernel_, signature_, doc_, example_)                    \
	{                                                                                     \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), \
		.null_rule = TR_NULL_STRICT, .flags = TR_FUNC_ZONED,                          \
		TR_FUNC_DOC("temporal", signature_, doc_, example_)                           \
	}
#define FIELD(name_, unit_, typer_, doc_, example_)                                                                  \
	{                                                                                                            \
		.name = (name_), .params = "a", .typer = (typer_), .kernel = run_field, .null_rule = TR_NULL_STRICT, \
		.flags = TR_FUNC_ZONED, .code = (unit_),                                                             \
		TR_FUNC_DOC("temporal", name_ "(point in time) -> BIGINT", doc_, example_)                           \
	}

static const struct tr_func rows[] = {
	OP("+", "xI", tr_typer_first, run_time_plus, 0, "point in time + interval -> the point's type",
	   "Later by the interval; a month is a calendar month.",
	   "DATE '2001-01-31' + INTERVAL '1' MONTH = DATE '2001-02-28'"),
	HIDDEN("+", "xM", tr_typer_first, run_time_plus, 0),
	HIDDEN("+", "DI", tr_typer_first, run_time_plus, 0),
	HIDDEN("+", "DM", tr_typer_first, run_time_plus, 0),
	HIDDEN("+", "TI", tr_typer_first, run_time_plus, 0),
	HIDDEN("+", "TM", tr_typer_first, run_time_plus, 0),
	HIDDEN("+", "Ix", tr_typer_last, run_plus_time, 0),
	HIDDEN("+", "Mx", tr_typer_last, run_plus_time, 0),
	HIDDEN("+", "ID", tr_typer_last, run_plus_time, 0),
	HIDDEN("+", "MD", tr_typer_last, run_plus_time, 0),
	HIDDEN("+", "IT", tr_typer_last, run_plus_time, 0),
	HIDDEN("+", "MT", tr_typer_last, run_plus_time, 0),
	OP("-", "xI", tr_typer_first, run_time_minus, 0, "point in time - interval -> the point's type",
	   "Earlier by the interval.", "DATE '2001-01-02' - INTERVAL '1' DAY = DATE '2001-01-01'"),
	HIDDEN("-", "xM", tr_typer_first, run_time_minus, 0),
	HIDDEN("-", "DI", tr_typer_first, run_time_minus, 0),
	HIDDEN("-", "DM", tr_typer_first, run_time_minus, 0),
	HIDDEN("-", "TI", tr_typer_first, run_time_minus, 0),
	HIDDEN("-", "TM", tr_typer_first, run_time_minus, 0),
	OP("-", "mmu", type_difference, run_difference, 0,
	   "(point in time - point in time) unit [TO unit] -> INTERVAL SECOND(3) or MONTH",
	   "The time between two points of one type, in milliseconds or whole months.",
	   "(DATE '2024-03-31' - DATE '2024-02-29') MONTH = INTERVAL '1' MONTH"),
	HIDDEN("-", "zzu", type_difference, run_difference, 0),
	HIDDEN("-", "DDu", type_difference, run_difference, 0),
	HIDDEN("-", "TTu", type_difference, run_difference, 0),
	OP("+", "II", tr_typer_first, run_interval, '+', "interval + interval -> interval", "The sum of two intervals.",
	   NULL),
	HIDDEN("+", "MM", tr_typer_first, run_interval, '+'),
	OP("-", "II", tr_typer_first, run_interval, '-', "interval - interval -> interval",
	   "The difference of two intervals.", NULL),
	HIDDEN("-", "MM", tr_typer_first, run_interval, '-'),
	OP("*", "Il", tr_typer_first, run_interval, '*', "interval * integer -> interval", "So many times as long.",
	   "INTERVAL '1' DAY * 2 = INTERVAL '2' DAY"),
	HIDDEN("*", "Ml", tr_typer_first, run_interval, '*'),
	HIDDEN("*", "lI", tr_typer_last, run_interval, '*'),
	HIDDEN("*", "lM", tr_typer_last, run_interval, '*'),
	OP("/", "Il", tr_typer_first, run_interval, '/', "interval / integer -> interval", "A part of it.", NULL),
	HIDDEN("/", "Ml", tr_typer_first, run_interval, '/'),
	{.name = "-",
	 .params = "I",
	 .typer = tr_typer_first,
	 .kernel = run_interval,
	 .code = '-',
	 TR_FUNC_DOC("temporal", "- interval -> interval", "The opposite interval.", NULL)},
	{.name = "-",
	 .params = "M",
	 .typer = tr_typer_first,
	 .kernel = run_interval,
	 .code = '-',
	 .flags = TR_FUNC_HIDDEN},
	UNITS("EXTRACT", "ua", type_extract, run_extract, "EXTRACT(unit FROM point in time or interval) -> BIGINT",
	      "A field: YEAR QUARTER MONTH WEEK DAY DOY DOW HOUR MINUTE SECOND MILLISECOND ... EPOCH.",
	      "EXTRACT(DAY FROM DATE '2006-06-05') = 5"),
	FIELD("YEAR", TR_UNIT_YEAR, type_field, "The year.", "YEAR(DATE '1994-09-27') = 1994"),
	FIELD("QUARTER", TR_UNIT_QUARTER, type_field, "The quarter, 1 to 4.", "QUARTER(DATE '1994-09-27') = 3"),
	FIELD("MONTH", TR_UNIT_MONTH, type_field, "The month, 1 to 12.", "MONTH(DATE '1994-09-27') = 9"),
	FIELD("WEEK", TR_UNIT_WEEK, type_field, "The ISO week, 1 to 53.", "WEEK(DATE '1994-09-27') = 39"),
	FIELD("DAYOFYEAR", TR_UNIT_DOY, type_field, "The day of the year, 1 to 366.",
	      "DAYOFYEAR(DATE '1994-09-27') = 270"),
	FIELD("DAYOFMONTH", TR_UNIT_DAY, type_field, "The day of the month, 1 to 31.",
	      "DAYOFMONTH(DATE '1994-09-27') = 27"),
	FIELD("DAYOFWEEK", TR_UNIT_DOW, type_field, "The day of the week, 1 (Sunday) to 7.",
	      "DAYOFWEEK(DATE '1994-09-27') = 3"),
	FIELD("HOUR", TR_UNIT_HOUR, type_clock_field, "The hour, 0 to 23.",
	      "HOUR(TIMESTAMP '1994-09-27 13:14:15') = 13"),
	FIELD("MINUTE", TR_UNIT_MINUTE, type_clock_field, "The minute, 0 to 59.",
	      "MINUTE(TIMESTAMP '1994-09-27 13:14:15') = 14"),
	FIELD("SECOND", TR_UNIT_SECOND, type_clock_field, "The second, 0 to 59.",
	      "SECOND(TIMESTAMP '1994-09-27 13:14:15') = 15"),
	UNITS("FLOOR", "au", type_floor, run_floor, "FLOOR(point in time TO unit) -> the same type",
	      "The beginning of the unit that it lies in.", "FLOOR(TIME '12:44:31' TO MINUTE) = TIME '12:44:00'"),
	UNITS("CEIL", "au", type_floor, run_ceil, "CEIL(point in time TO unit) -> the same type",
	      "The beginning of the next unit, unless it is one.", "CEIL(TIME '12:44:31' TO MINUTE) = TIME '12:45:00'"),
	UNITS("CEILING", "au", type_floor, run_ceil, "CEILING(point in time TO unit) -> the same type",
	      "The same as CEIL.", NULL),
	UNITS("TIMESTAMPADD", "ula", type_add, run_timestampadd,
	      "TIMESTAMPADD(unit, integer, point in time) -> the point's type", "Later by so many units.",
	      "TIMESTAMPADD(WEEK, 1, DATE '2003-01-02') = DATE '2003-01-09'"),
	UNITS("TIMESTAMPDIFF", "uaa", type_diff, run_timestampdiff,
	      "TIMESTAMPDIFF(unit, point in time, point in time) -> INT", "Whole units from the first to the second.",
	      "TIMESTAMPDIFF(DAY, TIMESTAMP '2003-01-02 10:00:00', TIMESTAMP '2003-01-03 10:00:00') = 1"),
};

const struct tr_func_table tr_func_time_table = {rows, TR_COUNT_OF(rows)};
