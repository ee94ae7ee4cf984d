/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and texts, and clocks: DATE_FORMAT, TO_TIMESTAMP, TO_TIMESTAMP_LTZ, TO_DATE, FROM_UNIXTIME, UNIX_TIMESTAMP,
 * CURRENT_TIMESTAMP and its like, PROCTIME.
 *
 * A text that is no time gives NULL, as in Flink. Clocks show the worker's processing time, one value for a batch:
 * processing time never goes back, and a test sets it.
 */
#include "base/calendar.h"
#include "base/text.h"
#include "base/timezone.h"
#include "base/type.h"
#include "core/ops/func_table.h"
#include "core/ops/kernel_datetime.h"
#include "core/ops/kernel_decimal.h"
#include "core/ops/kernel_time.h"

#define DEFAULT_PATTERN "yyyy-MM-dd HH:mm:ss"
#define JAVA_LETTERS "GuyDMLdgQqYwWEecFaBhKkHmsSAnNVvzOXxZp" /* of its DateTimeFormatter */
/* What TO_TIMESTAMP_LTZ takes: years 0 .. 9999. */
#define EPOCH_MS_MIN INT64_C(-62167219200000)
#define EPOCH_MS_MAX INT64_C(253402300799999)

/* ---- patterns ---- */

static tr_code compile_pattern(struct tr_datetime_pattern *pattern, const struct tr_view *view, struct tr_status *st)
{
	char bad;

	if (tr_datetime_compile(pattern, tr_view_text(view), view->length, &bad))
		return TR_OK;
	if (bad != 0)
		TR_FAIL(st, TR_ERR_DATA, "the date pattern '%.*s' has the letter '%c', which %s",
			(int)TR_MIN(view->length, 100u), tr_view_text(view), bad,
			strchr(JAVA_LETTERS, bad) != NULL ? "is not supported yet"
							  : "means nothing (see Java's DateTimeFormatter)");
	TR_FAIL(st, TR_ERR_DATA, "the date pattern '%.*s' has an open quote or is too long",
		(int)TR_MIN(view->length, 100u), tr_view_text(view));
}

/* The pattern is the second argument of all these functions. */
static tr_code prepare_pattern(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			       struct tr_status *st)
{
	struct tr_datetime_pattern *pattern = TR_NEW(arena, struct tr_datetime_pattern);
	struct tr_view standard = tr_view_make(DEFAULT_PATTERN, sizeof(DEFAULT_PATTERN) - 1);
	const struct tr_view *view = &standard;

	if (call->arg_count > 1) {
		if (call->args[1]->kind != TR_EXPR_LITERAL || call->args[1]->value.is_null)
			return TR_OK;
		view = &call->args[1]->value.view;
	}
	TR_TRY(compile_pattern(pattern, view, st));
	*prepared = pattern;
	return TR_OK;
}

/* The row's pattern: the prepared one, or compiled into `own`. */
#define ROW_PATTERN(call, row, own, pattern)                                                                           \
	do {                                                                                                           \
		(pattern) = (call)->prepared;                                                                          \
		if ((pattern) == NULL) {                                                                               \
			const tr_code code_ = compile_pattern(&(own), tr_call_view((call), 1, (row)), (call)->status); \
			(call)->failed_row = (row);                                                                    \
			if (code_ != TR_OK)                                                                            \
				return code_;                                                                          \
			(pattern) = &(own);                                                                            \
		}                                                                                                      \
	} while (0)

static void put_formatted(struct tr_call *call, uint32_t row, const struct tr_datetime_pattern *pattern,
			  int64_t seconds, int32_t nanos, int64_t offset)
{
	char text[TR_DATETIME_TEXT_MAX];
	uint32_t length = (uint32_t)tr_datetime_format(pattern, seconds, nanos, offset, text);
	char *copy = text;

	if (length > TR_VIEW_INLINE_MAX) {
		copy = tr_arena_alloc_aligned(call->heap, length, 1);
		memcpy(copy, text, length);
	}
	((struct tr_view *)call->out)[row] = tr_view_make(copy, length);
}

/* Local seconds and nanoseconds of a DATE or timestamp. */
static int64_t read_seconds(struct tr_call *call, uint32_t row, int32_t *nanos)
{
	const struct tr_column *arg = &call->args[0];
	int64_t ticks, unit;

	*nanos = 0;
	if (arg->type->id == TR_TYPE_DATE)
		return (int64_t)tr_column_i32(arg, row) * TR_SECONDS_PER_DAY;
	unit = tr_type_ticks_per_second(arg->type);
	ticks = tr_column_i64(arg, row);
	if (arg->type->id == TR_TYPE_TIMESTAMP_LTZ)
		ticks = tr_timezone_to_local_ticks(call->zone, call->cursor, ticks, unit);
	*nanos = (int32_t)(tr_floor_mod(ticks, unit) * (1000000000 / unit));
	return tr_floor_div(ticks, unit);
}

static tr_code run_date_format(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_datetime_pattern *pattern;
		struct tr_datetime_pattern own;
		int32_t nanos;
		int64_t seconds = read_seconds(call, row, &nanos);

		ROW_PATTERN(call, row, own, pattern);
		if (pattern->has_offset) /* as Java's: LocalDateTime */
			TR_CALL_FAIL(call, row, "the pattern has Z or X, and points in time are written without a zone");
		put_formatted(call, row, pattern, seconds, nanos, 0);
	}
	return TR_OK;
}

static bool parse_default(const struct tr_view *view, unsigned flags, struct tr_text_time *time)
{
	const char *text = tr_view_text(view);
	size_t length = view->length;

	tr_text_trim(&text, &length);
	return tr_text_parse_timestamp(text, length, flags, time) == TR_TEXT_OK;
}

static tr_code run_date_format_text(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_datetime_pattern *pattern;
		struct tr_datetime_pattern own;
		struct tr_text_time time;

		ROW_PATTERN(call, row, own, pattern);
		if (parse_default(tr_call_view(call, 0, row), TR_TIME_SHORT_FIELDS, &time))
			put_formatted(call, row, pattern, time.seconds, 0, 0);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- from text ---- */

/* The local time of a text by the row's pattern, or by the default form. */
/* `is_instant`, or NULL: the text had an offset, and the time is in UTC. */
static tr_code parse_row(struct tr_call *call, uint32_t row, bool is_lenient, bool *is_good, bool *is_instant,
			 struct tr_text_time *time)
{
	const struct tr_view *view = tr_call_view(call, 0, row);
	const struct tr_datetime_pattern *pattern;
	struct tr_datetime_pattern own;

	*time = (struct tr_text_time){0};
	if (call->arg_count < 2 && !is_lenient) {
		*is_good = parse_default(view, TR_TIME_DATE_ONLY | TR_TIME_SHORT_FIELDS, time);
		return TR_OK;
	}
	ROW_PATTERN(call, row, own, pattern);
	if (is_instant != NULL)
		*is_instant = pattern->has_offset;
	*is_good =
		tr_datetime_parse(pattern, tr_view_text(view), view->length, is_lenient, &time->seconds, &time->nanos);
	/* As Flink: what the pattern does not fit may still be a plain timestamp or date. */
	if (!*is_good && !is_lenient)
		*is_good = parse_default(view, TR_TIME_DATE_ONLY | TR_TIME_SHORT_FIELDS, time);
	return TR_OK;
}

/* TO_TIMESTAMP, and TO_TIMESTAMP_LTZ, which reads texts as UTC, whatever the session zone. */
static tr_code run_to_timestamp(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_text_time time;
		bool is_good;
		int64_t ticks;

		TR_TRY(parse_row(call, row, false, &is_good, NULL, &time));
		if (is_good && tr_text_time_to_ticks(&time, tr_type_ticks_per_second(call->type), &ticks) == TR_TEXT_OK)
			((int64_t *)call->out)[row] = ticks;
		else if (call->type->id == TR_TYPE_TIMESTAMP_LTZ && call->arg_count == 1) /* as in Flink */
			TR_CALL_FAIL(call, row, "the text is no point in time");
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

static tr_code run_to_date(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_view *view = tr_call_view(call, 0, row);
		bool is_good;

		if (call->arg_count < 2) {
			is_good = tr_text_parse_date(tr_view_text(view), view->length, TR_TIME_CAST_DATE,
						     &((int32_t *)call->out)[row]) == TR_TEXT_OK;
		} else {
			struct tr_text_time time;

			TR_TRY(parse_row(call, row, true, &is_good, NULL, &time));
			((int32_t *)call->out)[row] = (int32_t)tr_floor_div(time.seconds, TR_SECONDS_PER_DAY);
		}
		if (!is_good)
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- from numbers ---- */

static const struct tr_type *type_timestamp(struct tr_ask *ask)
{
	return tr_type_with_precision(ask->arena, TR_TYPE_TIMESTAMP, 3);
}
static const struct tr_type *type_ltz(struct tr_ask *ask)
{
	return tr_type_with_precision(ask->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
}
static const struct tr_type *type_date(struct tr_ask *ask) { return tr_type_of(TR_TYPE_DATE); }
static const struct tr_type *type_time(struct tr_ask *ask) { return tr_type_of(TR_TYPE_TIME); }

/* The precision of a literal, or 3; a point in time has at least milliseconds. */
static const struct tr_type *type_epoch(struct tr_ask *ask)
{
	const int64_t precision = tr_ask_i64(ask, 1, 3);

	if (precision < 0 || precision > TR_TIME_PRECISION_MAX)
		return NULL;
	return tr_type_with_precision(ask->arena, TR_TYPE_TIMESTAMP_LTZ, (int)TR_MAX(precision, INT64_C(3)));
}

/* A number of 10^-precision seconds since 1970 to ticks; false: out of range. */
static bool epoch_ticks(const struct tr_column *arg, uint32_t row, int64_t precision, int64_t per_second, int64_t *ticks)
{
	const int64_t factor = per_second / (int64_t)tr_text_power_of_ten((int)precision);
	const tr_i128 least = (tr_i128)(EPOCH_MS_MIN / 1000) * per_second,
		      most = (tr_i128)(EPOCH_MS_MAX / 1000 + 1) * per_second;
	tr_i128 value;

	if (tr_type_is_float(arg->type)) {
		double x = arg->type->phys == TR_PHYS_F32 ? (double)tr_column_f32(arg, row) : tr_column_f64(arg, row);

		x *= (double)factor;
		if (!(x >= (double)INT64_MIN && x < 9.2e18))
			return false;
		value = (tr_i128)x;
	} else {
		value = tr_decimal_get(arg, row);
		if (arg->type->id == TR_TYPE_DECIMAL)
			value /= tr_text_power_of_ten(arg->type->scale);
		if (value > INT64_MAX || value < INT64_MIN)
			return false;
		value *= factor;
	}
	*ticks = (int64_t)value;
	return value >= least && value < most && value == *ticks;
}

static tr_code run_epoch_to_ltz(struct tr_call *call)
{
	const int64_t per_second = tr_type_ticks_per_second(call->type);

	TR_CALL_ROWS(call, row) {
		const int64_t precision = call->arg_count > 1 ? tr_column_i64(&call->args[1], row) : 3;

		if (precision < 0 || precision > call->type->precision)
			TR_CALL_FAIL(call, row, "the precision is 0 to %d here; a greater one must be a literal",
				     call->type->precision);
		if (!epoch_ticks(&call->args[0], row, precision, per_second, &((int64_t *)call->out)[row]))
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

static tr_code run_from_unixtime(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_datetime_pattern *pattern;
		struct tr_datetime_pattern own;
		const int64_t seconds = tr_column_i64(&call->args[0], row);
		int64_t offset;

		ROW_PATTERN(call, row, own, pattern);
		offset = tr_timezone_offset(call->zone, call->cursor, seconds);
		put_formatted(call, row, pattern, seconds + offset, 0, offset);
	}
	return TR_OK;
}

static tr_code run_unix_timestamp(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_text_time time;
		bool is_good, is_instant;

		TR_TRY(parse_row(call, row, true, &is_good, &is_instant, &time));
		((int64_t *)call->out)[row] = !is_good ? INT64_MIN /* Flink's answer to a text that is no time */
					      : is_instant
						      ? time.seconds
						      : tr_time_standard_to_utc(call->zone, call->cursor, time.seconds);
	}
	return TR_OK;
}

/* ---- clocks ---- */

enum clock { CLOCK_INSTANT, CLOCK_LOCAL, CLOCK_DATE, CLOCK_TIME, CLOCK_SECONDS };

static tr_code run_clock(struct tr_call *call)
{
	int64_t now = call->context->processing_time_ms;
	int64_t local = tr_timezone_to_local_ticks(call->zone, call->cursor, now, 1000);

	TR_CALL_ROWS(call, row) {
		switch (call->code) {
		case CLOCK_INSTANT: ((int64_t *)call->out)[row] = now; break;
		case CLOCK_LOCAL: ((int64_t *)call->out)[row] = local; break;
		case CLOCK_DATE: ((int32_t *)call->out)[row] = (int32_t)tr_floor_div(local, TR_MS_PER_DAY); break;
		case CLOCK_TIME: /* TIME(0) */
			((int32_t *)call->out)[row] = (int32_t)(tr_floor_mod(local, TR_MS_PER_DAY) / 1000 * 1000);
			break;
		default: ((int64_t *)call->out)[row] = tr_floor_div(now, 1000);
		}
	}
	return TR_OK;
}

/* What orders the rows of a table: see core/source_task.c. Only scans compute it (sql/order.c); it has no name that can be
 * written without quotes. */
static tr_code run_position(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		((int64_t *)call->out)[row] = call->context->first_position + row;
	return TR_OK;
}

/* What was in force when the row arrived; rows come in their order. */
static tr_code run_watermark(struct tr_call *call)
{
	const int64_t ticks_a_ms = tr_type_ticks_per_second(call->type) / 1000;
	const struct tr_batch *batch = call->batch;
	uint32_t run = 0;

	TR_CALL_ROWS(call, row) {
		while (run + 1 < batch->run_count && batch->runs[run + 1].row <= row)
			run++;
		if (batch->run_count == 0 || batch->runs[run].watermark_ms == TR_WATERMARK_MIN)
			tr_call_set_null(call, row);
		else if (__builtin_mul_overflow(batch->runs[run].watermark_ms, TR_MAX(ticks_a_ms, 1),
						&((int64_t *)call->out)[row]))
			TR_CALL_FAIL(call, row, "the watermark is out of the range of its type");
	}
	return TR_OK;
}

#define TEXT(name_, params_, typer_, kernel_, null_, signature_, doc_, example_)                                    \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = TR_FUNC_CONTEXT, .prepare = prepare_pattern,                                               \
		TR_FUNC_DOC("temporal", signature_, doc_, example_)                                                 \
	}
#define TEXT_FLAGGED(name_, params_, typer_, kernel_, null_, flags_, signature_, doc_, example_)                    \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = TR_FUNC_CONTEXT | (flags_), .prepare = prepare_pattern,                                    \
		TR_FUNC_DOC("temporal", signature_, doc_, example_)                                                 \
	}
#define CLOCK(name_, typer_, code_, signature_, doc_)                                                               \
	{                                                                                                           \
		.name = (name_), .params = "", .typer = (typer_), .kernel = run_clock, .null_rule = TR_NULL_STRICT, \
		.flags = TR_FUNC_VOLATILE | TR_FUNC_CONTEXT | TR_FUNC_NOT_NULL, .code = (code_),                    \
		TR_FUNC_DOC("temporal", signature_, doc_, NULL)                                                     \
	}

static const struct tr_func rows[] = {
	{.name = "ROW POSITION",
	 .params = "",
	 .typer = tr_typer_bigint,
	 .kernel = run_position,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_VOLATILE | TR_FUNC_PER_ROW | TR_FUNC_CONTEXT | TR_FUNC_NOT_NULL | TR_FUNC_HIDDEN},
	{.name = "CURRENT_WATERMARK",
	 .params = "x",
	 .typer = tr_typer_first,
	 .kernel = run_watermark,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_VOLATILE | TR_FUNC_PER_ROW | TR_FUNC_CONTEXT | TR_FUNC_NULLABLE,
	 TR_FUNC_DOC("temporal", "CURRENT_WATERMARK(rowtime) -> the column's type",
		     "The watermark that is in force for the row, or NULL if there is none yet. Its argument is a "
		     "column with a "
		     "watermark.",
		     NULL)},
	TEXT("DATE_FORMAT", "xs", tr_typer_string, run_date_format, TR_NULL_STRICT,
	     "DATE_FORMAT(timestamp, pattern) -> STRING", "A time as text, by a pattern of Java's.",
	     "DATE_FORMAT(TIMESTAMP '2001-02-03 04:05:06', 'yyyy/MM/dd') = '2001/02/03'"),
	TEXT("DATE_FORMAT", "ss", tr_typer_string, run_date_format_text, TR_NULL_MAKES,
	     "DATE_FORMAT(string, pattern) -> STRING", "A text in the form yyyy-MM-dd HH:mm:ss in another form.",
	     "DATE_FORMAT('2001-02-03 04:05:06', 'HH:mm') = '04:05'"),
	TEXT("TO_TIMESTAMP", "s?s", type_timestamp, run_to_timestamp, TR_NULL_MAKES,
	     "TO_TIMESTAMP(string [, pattern]) -> TIMESTAMP(3)", "A text as a time; NULL when it is none.",
	     "TO_TIMESTAMP('2001-02-03 04:05:06') = TIMESTAMP '2001-02-03 04:05:06'"),
	{.name = "TO_TIMESTAMP_LTZ",
	 .params = "n?l",
	 .typer = type_epoch,
	 .kernel = run_epoch_to_ltz,
	 .null_rule = TR_NULL_MAKES,
	 TR_FUNC_DOC("temporal", "TO_TIMESTAMP_LTZ(numeric [, precision]) -> TIMESTAMP_LTZ(3 to 9)",
		     "Seconds (precision 0), milliseconds (3) or finer units (to 9) since 1970 as a point in time.",
		     NULL)},
	TEXT("TO_TIMESTAMP_LTZ", "s?s", type_ltz, run_to_timestamp, TR_NULL_MAKES,
	     "TO_TIMESTAMP_LTZ(string [, pattern]) -> TIMESTAMP_LTZ(3)",
	     "A text as a time of the session zone; NULL when it is none.", NULL),
	TEXT("TO_DATE", "s?s", type_date, run_to_date, TR_NULL_MAKES, "TO_DATE(string [, pattern]) -> DATE",
	     "A text as a date; NULL when it is none.", "TO_DATE('2001-02-03') = DATE '2001-02-03'"),
	TEXT_FLAGGED("FROM_UNIXTIME", "l?s", tr_typer_string, run_from_unixtime, TR_NULL_STRICT, TR_FUNC_NULLABLE,
		     "FROM_UNIXTIME(integer [, pattern]) -> STRING",
		     "Seconds since 1970 as a text in the session zone (yyyy-MM-dd HH:mm:ss).", NULL),
	TEXT("UNIX_TIMESTAMP", "s?s", tr_typer_bigint, run_unix_timestamp, TR_NULL_STRICT,
	     "UNIX_TIMESTAMP(string [, pattern]) -> BIGINT", "A text in the session zone as seconds since 1970.", NULL),
	CLOCK("UNIX_TIMESTAMP", tr_typer_bigint, CLOCK_SECONDS, "UNIX_TIMESTAMP() -> BIGINT",
	      "Seconds since 1970, now."),
	CLOCK("CURRENT_TIMESTAMP", type_ltz, CLOCK_INSTANT, "CURRENT_TIMESTAMP -> TIMESTAMP_LTZ(3)", "Now."),
	CLOCK("CURRENT_ROW_TIMESTAMP", type_ltz, CLOCK_INSTANT, "CURRENT_ROW_TIMESTAMP() -> TIMESTAMP_LTZ(3)", "Now."),
	CLOCK("NOW", type_ltz, CLOCK_INSTANT, "NOW() -> TIMESTAMP_LTZ(3)", "Now."),
	CLOCK("PROCTIME", type_ltz, CLOCK_INSTANT, "PROCTIME() -> TIMESTAMP_LTZ(3)",
	      "Processing time; as a column, a time attribute."),
	CLOCK("LOCALTIMESTAMP", type_timestamp, CLOCK_LOCAL, "LOCALTIMESTAMP -> TIMESTAMP(3)",
	      "Now, in the session zone."),
	CLOCK("CURRENT_DATE", type_date, CLOCK_DATE, "CURRENT_DATE -> DATE", "Today, in the session zone."),
	CLOCK("CURRENT_TIME", type_time, CLOCK_TIME, "CURRENT_TIME -> TIME(0)", "The time of day in the session zone."),
	CLOCK("LOCALTIME", type_time, CLOCK_TIME, "LOCALTIME -> TIME(0)", "The time of day in the session zone."),
};

const struct tr_func_table tr_func_clock_table = {rows, TR_COUNT_OF(rows)};
