/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of an interval is read from left to right: a sign, then for each unit from the first to the last a number
 * and the separator that stands before the next unit ('-' between years and months, ' ' after days, ':' between times),
 * and a fraction behind SECOND. Milliseconds are what Flink keeps; further digits of a fraction are cut off.
 */
#include "sql/interval.h"

#include <stdlib.h>

#include "base/check.h"

#define LEADING_DIGITS_STANDARD 2
#define LEADING_DIGITS_MAX 10

struct reader {
	const char *at;
	const char *end;
};

bool tr_interval_is_months(const struct tr_ast_interval *interval)
{
	return interval->unit == TR_AST_UNIT_YEAR || interval->unit == TR_AST_UNIT_QUARTER ||
	       interval->unit == TR_AST_UNIT_MONTH;
}

int64_t tr_interval_unit_size(enum tr_ast_time_unit unit)
{
	switch (unit) {
	case TR_AST_UNIT_YEAR: return 12;
	case TR_AST_UNIT_QUARTER: return 3;
	case TR_AST_UNIT_MONTH: return 1;
	case TR_AST_UNIT_WEEK: return 7 * 86400000LL;
	case TR_AST_UNIT_DAY: return 86400000;
	case TR_AST_UNIT_HOUR: return 3600000;
	case TR_AST_UNIT_MINUTE: return 60000;
	default: return 1000;
	}
}

static int64_t unit_most(enum tr_ast_time_unit unit)
{
	return unit == TR_AST_UNIT_MONTH ? 11 : unit == TR_AST_UNIT_HOUR ? 23 : 59;
}

/* Digits as a number; -1: none, or more than `digits_max`. */
static int64_t read_number(struct reader *r, int digits_max)
{
	int64_t value = 0;
	int digits = 0;

	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, digits++) {
		if (digits == digits_max)
			return -1;
		value = value * 10 + (*r->at - '0');
	}
	return digits > 0 ? value : -1;
}

static int64_t read_fraction(struct reader *r)
{
	int64_t ms = 0, place = 100;

	if (r->at == r->end || *r->at != '.')
		return 0;
	for (r->at++; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		ms += place * (*r->at - '0');
		place /= 10;
	}
	return ms;
}

/* The units between the first and the last, without WEEK and QUARTER. */
static enum tr_ast_time_unit next_unit(enum tr_ast_time_unit unit)
{
	return unit == TR_AST_UNIT_YEAR ? TR_AST_UNIT_MONTH : (enum tr_ast_time_unit)(unit + 1);
}

static bool read_interval(const struct tr_ast_interval *interval, struct reader *r, int64_t *out)
{
	enum tr_ast_time_unit unit = interval->unit;
	enum tr_ast_time_unit last = interval->end_unit != TR_AST_UNIT_NONE ? interval->end_unit : unit;
	int64_t number = read_number(r, LEADING_DIGITS_MAX), total;

	if (number < 0)
		return false;
	total = number * tr_interval_unit_size(unit);
	while (unit != last) {
		char separator = unit == TR_AST_UNIT_YEAR ? '-' : unit == TR_AST_UNIT_DAY ? ' ' : ':';

		if (r->at == r->end || *r->at != separator)
			return false;
		r->at++;
		unit = next_unit(unit);
		number = read_number(r, 2);
		if (number < 0 || number > unit_most(unit))
			return false;
		total += number * tr_interval_unit_size(unit);
	}
	if (unit == TR_AST_UNIT_SECOND)
		total += read_fraction(r);
	*out = total;
	return r->at == r->end;
}

bool tr_interval_value(const struct tr_ast_expr *literal, struct tr_diags *diags, struct tr_interval *out)
{
	const struct tr_ast_literal *l = &literal->literal;
	const struct tr_ast_interval *interval = &l->interval;
	struct reader r = {l->text, l->text + l->length};
	bool is_negative = interval->is_negative;
	int digits = 0, digits_max = interval->precision >= 0 ? interval->precision : LEADING_DIGITS_STANDARD;
	const char *leading;

	TR_ASSERT(literal->kind == TR_AST_EXPR_LITERAL && l->kind == TR_AST_LITERAL_INTERVAL);
	while (r.at < r.end && *r.at == ' ')
		r.at++;
	while (r.end > r.at && r.end[-1] == ' ')
		r.end--;
	if (r.at < r.end && (*r.at == '-' || *r.at == '+'))
		is_negative ^= *r.at++ == '-';
	for (leading = r.at; leading < r.end && *leading >= '0' && *leading <= '9'; leading++)
		digits++;
	out->is_months = tr_interval_is_months(interval);
	if (!read_interval(interval, &r, &out->value)) {
		const char *to = interval->end_unit != TR_AST_UNIT_NONE ? " TO " : "";
		const char *last = tr_ast_time_unit_name(interval->end_unit);

		tr_diag_error(diags, TR_E_LITERAL, literal->span, "'%s' is not an interval of %s%s%s", l->text,
			      tr_ast_time_unit_name(interval->unit), to, last);
		tr_diag_hint(diags, "write it like INTERVAL '10' SECOND or INTERVAL '1 02:03:04.5' DAY TO SECOND");
		return false;
	}
	if (digits > digits_max && digits_max > 0) {
		tr_diag_error(diags, TR_E_LITERAL, literal->span,
			      "'%s' has %d digits in its leading field; %s takes %d", l->text, digits,
			      tr_ast_time_unit_name(interval->unit), digits_max);
		tr_diag_hint(diags, "give the unit a precision: %s(%d)", tr_ast_time_unit_name(interval->unit), digits);
		return false;
	}
	if (is_negative)
		out->value = -out->value;
	return true;
}
