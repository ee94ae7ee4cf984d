/* SPDX-License-Identifier: Apache-2.0
 *
 * Date patterns, compiled to a list of letters and literals.
 */
#include "core/ops/kernel_datetime.h"

#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/text.h"

#define LETTERS "yuMLdDEeQqHkhKamsSnNAGYwWZX"
#define NUMBERS "yuMLdDeQHkhKmsSn"
#define DIGITS_MAX 18
#define OFFSET_LETTERS_MAX 3
#define OFFSET_SECONDS_MAX (18 * 3600) /* of java.time */

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
				     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

bool tr_datetime_compile(struct tr_datetime_pattern *pattern, const char *text, size_t length, char *bad)
{
	bool in_quotes = false;

	pattern->count = 0;
	pattern->has_offset = false;
	*bad = 0;
	for (size_t i = 0; i < length; i++) {
		struct tr_datetime_token *token = &pattern->tokens[pattern->count];
		char c = text[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (c == '\'' && !(i + 1 < length && text[i + 1] == '\'')) {
			in_quotes = !in_quotes;
			continue;
		}
		if (pattern->count == TR_DATETIME_TOKENS_MAX)
			return false;
		if (c == '\'')
			i++;
		*token = (struct tr_datetime_token){.literal = c, .count = 1};
		pattern->count++;
		if (in_quotes || !is_letter || c == '\'')
			continue;
		if (strchr(LETTERS, c) == NULL) {
			*bad = c;
			return false;
		}
		token->letter = c;
		while (i + 1 < length && text[i + 1] == c && token->count < 19) {
			token->count++;
			i++;
		}
		if (c == 'Z' || c == 'X') {
			pattern->has_offset = true;
			if (token->count > OFFSET_LETTERS_MAX) {
				*bad = c;
				return false;
			}
		}
	}
	return !in_quotes;
}

/* ---- formatting ---- */

static char *put_number(char *out, int64_t value, int width)
{
	char digits[TR_TEXT_INTEGER_BYTES];
	size_t length;

	if (value < 0) {
		*out++ = '-';
		value = -value;
	}
	length = tr_text_put_i64(digits, value);
	for (int i = (int)length; i < width; i++)
		*out++ = '0';
	memcpy(out, digits, length);
	return out + length;
}

static char *put_name(char *out, const char *name, bool is_full)
{
	size_t length = is_full ? strlen(name) : 3;

	memcpy(out, name, length);
	return out + length;
}

static char *put_fraction(char *out, int32_t nanos, int count)
{
	for (int i = 0; i < count; i++) {
		*out++ = (char)('0' + nanos / 100000000);
		nanos = nanos % 100000000 * 10;
	}
	return out;
}

static char *put_offset(char *out, int64_t offset, const struct tr_datetime_token *t)
{
	const int64_t minutes = (offset < 0 ? -offset : offset) / 60;

	if (t->letter == 'X' && offset == 0) {
		*out++ = 'Z';
		return out;
	}
	*out++ = offset < 0 ? '-' : '+';
	out = put_number(out, minutes / 60, 2);
	if (t->letter == 'X' && t->count == 1)
		return out;
	if (t->letter == 'X' && t->count == 3)
		*out++ = ':';
	return put_number(out, minutes % 60, 2);
}

static char *put_month(char *out, int month, int count)
{
	return count >= 3 ? put_name(out, months[month - 1], count > 3) : put_number(out, month, count);
}

/* Weeks are those of the US: from Sunday on, and the one with January 1 is the first. */
static int64_t week_begin(int64_t year)
{
	const int64_t first = tr_calendar_days(year, 1, 1);

	return first - tr_calendar_weekday(first) % 7;
}

static int64_t week_year(int64_t year, int64_t day) { return day >= week_begin(year + 1) ? year + 1 : year; }

size_t tr_datetime_format(const struct tr_datetime_pattern *pattern, int64_t seconds, int32_t nanos, int64_t offset,
			  char *out)
{
	int64_t day = tr_floor_div(seconds, TR_SECONDS_PER_DAY);
	int32_t rest = (int32_t)tr_floor_mod(seconds, TR_SECONDS_PER_DAY), hour = rest / 3600;
	struct tr_civil civil = tr_calendar_civil(day);
	int weekday = tr_calendar_weekday(day);
	int64_t era_year = civil.year > 0 ? civil.year : 1 - civil.year;
	char *start = out;

	for (uint32_t i = 0; i < pattern->count && out - start < TR_DATETIME_TEXT_MAX - 32; i++) {
		const struct tr_datetime_token *t = &pattern->tokens[i];

		switch (t->letter) {
		case 0: *out++ = t->literal; break;
		case 'y':
		case 'u': {
			int64_t year = t->letter == 'y' ? era_year : civil.year;

			out = t->count == 2 ? put_number(out, year % 100, 2) : put_number(out, year, t->count);
			break;
		}
		case 'M':
		case 'L': out = put_month(out, civil.month, t->count); break;
		case 'd': out = put_number(out, civil.day, t->count); break;
		case 'D': out = put_number(out, tr_calendar_day_of_year(day), t->count); break;
		case 'E': out = put_name(out, days[weekday - 1], t->count > 3); break;
		case 'e': out = put_number(out, weekday % 7 + 1, t->count); break;
		case 'Q':
		case 'q': out = put_number(out, (civil.month + 2) / 3, t->count); break;
		case 'Y': {
			const int64_t year = week_year(civil.year, day);

			out = t->count == 2 ? put_number(out, year % 100, 2) : put_number(out, year, t->count);
			break;
		}
		case 'w': {
			const int64_t first = week_begin(week_year(civil.year, day));

			out = put_number(out, (day - first) / 7 + 1, t->count);
			break;
		}
		case 'W': {
			const int64_t first = day - civil.day + 1;

			out = put_number(out, (day - (first - tr_calendar_weekday(first) % 7)) / 7 + 1, t->count);
			break;
		}
		case 'N': out = put_number(out, rest * INT64_C(1000000000) + nanos, t->count); break;
		case 'A': out = put_number(out, rest * INT64_C(1000) + nanos / 1000000, t->count); break;
		case 'H': out = put_number(out, hour, t->count); break;
		case 'k': out = put_number(out, hour == 0 ? 24 : hour, t->count); break;
		case 'K': out = put_number(out, hour % 12, t->count); break;
		case 'h': out = put_number(out, hour % 12 == 0 ? 12 : hour % 12, t->count); break;
		case 'a':
			*out++ = hour < 12 ? 'A' : 'P';
			*out++ = 'M';
			break;
		case 'm': out = put_number(out, rest / 60 % 60, t->count); break;
		case 's': out = put_number(out, rest % 60, t->count); break;
		case 'S': out = put_fraction(out, nanos, t->count); break;
		case 'n': out = put_number(out, nanos, t->count); break;
		case 'Z':
		case 'X': out = put_offset(out, offset, t); break;
		default: /* G */
			*out++ = civil.year > 0 ? 'A' : 'B';
			*out++ = civil.year > 0 ? 'D' : 'C';
			break;
		}
	}
	return (size_t)(out - start);
}

/* ---- parsing ---- */

struct fields {
	int64_t year, month, day, day_of_year, hour, minute, second, nanos, half; /* -1: not given */
	int64_t offset;
	bool is_hour_12;
};

struct cursor {
	const char *at, *end;
};

static bool read_number(struct cursor *c, int least, int most, int64_t *value)
{
	int digits = 0;

	*value = 0;
	while (c->at < c->end && digits < most && *c->at >= '0' && *c->at <= '9') {
		*value = *value * 10 + (*c->at++ - '0');
		digits++;
	}
	return digits >= least;
}

/* The number of the name that comes next, from 1; 0: none. */
static int read_name(struct cursor *c, const char *const *names, int count, bool is_full)
{
	for (int i = 0; i < count; i++) {
		size_t length = is_full ? strlen(names[i]) : 3;

		if ((size_t)(c->end - c->at) >= length && strncasecmp(c->at, names[i], length) == 0) {
			c->at += length;
			return i + 1;
		}
	}
	return 0;
}

static bool is_number(const struct tr_datetime_token *t)
{
	return t->letter != 0 && strchr(NUMBERS, t->letter) != NULL &&
	       !((t->letter == 'M' || t->letter == 'L') && t->count >= 3);
}

static bool read_fraction(struct cursor *c, int count, bool is_lenient, struct fields *f)
{
	const char *start = c->at;
	int64_t value;

	if (!read_number(c, is_lenient ? 1 : count, is_lenient ? 9 : count, &value))
		return false;
	if (is_lenient) { /* SimpleDateFormat reads milliseconds */
		f->nanos = value * 1000000;
		return true;
	}
	for (int64_t i = c->at - start; i < 9; i++)
		value *= 10;
	for (int64_t i = 9; i < c->at - start; i++)
		value /= 10;
	f->nanos = value;
	return true;
}

/* +0130 and, for X, Z, +01 or +01:30. The minutes of one X may be left out, and are not read leniently. */
static bool read_offset(struct cursor *c, const struct tr_datetime_token *t, bool is_lenient, struct fields *f)
{
	const bool is_x = t->letter == 'X', is_short = is_x && t->count == 1;
	int64_t hours, minutes = 0;
	bool is_negative;

	if (is_x && c->at < c->end && *c->at == 'Z') {
		c->at++;
		return true;
	}
	if (c->at == c->end || (*c->at != '+' && *c->at != '-'))
		return false;
	is_negative = *c->at++ == '-';
	if (!read_number(c, 2, 2, &hours) || hours > 23)
		return false;
	if (is_x && t->count == 3) {
		if (c->at == c->end || *c->at != ':')
			return false;
		c->at++;
	}
	if (!is_short || (!is_lenient && c->at < c->end && *c->at >= '0' && *c->at <= '9'))
		if (!read_number(c, 2, 2, &minutes) || minutes > 59)
			return false;
	f->offset = (hours * 60 + minutes) * (is_negative ? -60 : 60);
	return is_lenient || (f->offset >= -OFFSET_SECONDS_MAX && f->offset <= OFFSET_SECONDS_MAX);
}

static bool read_field(struct cursor *c, const struct tr_datetime_token *t, bool is_adjacent, bool is_lenient,
		       struct fields *f)
{
	bool is_open = (t->count == 1 || is_lenient) && !is_adjacent;
	int least = is_open ? 1 : t->count, most = is_open ? DIGITS_MAX : t->count;
	int64_t value = 0;

	if (t->letter == 'S')
		return read_fraction(c, t->count, is_lenient, f);
	if (t->letter == 'Z' || t->letter == 'X')
		return read_offset(c, t, is_lenient, f);
	if (is_number(t) && !read_number(c, least, most, &value))
		return false;
	switch (t->letter) {
	case 'y':
	case 'u': f->year = t->count == 2 && value < 100 ? 2000 + value : value; return true;
	case 'M':
	case 'L':
		f->month = t->count >= 3 ? read_name(c, months, 12, t->count > 3) : value;
		return is_lenient || f->month > 0;
	case 'd': f->day = value; return true;
	case 'D': f->day_of_year = value; return true;
	case 'E': return read_name(c, days, 7, t->count > 3) > 0;
	case 'H': f->hour = value; return true;
	case 'k': f->hour = value % 24; return true;
	case 'h':
	case 'K':
		f->hour = value % 12;
		f->is_hour_12 = true;
		return true;
	case 'a':
		if (c->end - c->at < 2 || (c->at[1] | 32) != 'm' || ((c->at[0] | 32) != 'a' && (c->at[0] | 32) != 'p'))
			return false;
		f->half = (c->at[0] | 32) == 'p';
		c->at += 2;
		return true;
	case 'm': f->minute = value; return true;
	case 's': f->second = value; return true;
	case 'n': f->nanos = value; return true;
	default: /* Q, e, G: read, not used */
		if (t->letter == 'G')
			c->at += TR_MIN(c->end - c->at, 2);
		return true;
	}
}

static bool is_in_range(const struct fields *f)
{
	return f->month >= 1 && f->month <= 12 && f->day >= 1 &&
	       f->day <= tr_calendar_month_days(f->year, (int)f->month) && f->hour < 24 && f->minute < 60 &&
	       f->second < 60 && f->nanos < 1000000000;
}

static bool settle(struct fields *f, bool is_lenient, int64_t *seconds, int32_t *nanos)
{
	int64_t day;

	if (f->is_hour_12 && f->half == 1)
		f->hour += 12;
	if (f->year > 999999999 || f->month > 1000000 || f->day > 100000000)
		return false;
	if (!is_lenient && f->day > 28 && f->day <= 31 && f->month >= 1 &&
	    f->month <= 12) /* SMART: 31 April is the 30th */
		f->day = TR_MIN(f->day, (int64_t)tr_calendar_month_days(f->year, (int)f->month));
	if (!is_lenient && !is_in_range(f))
		return false;
	/* Lenient months wrap over into years. */
	f->year += tr_floor_div(f->month - 1, 12);
	f->month = tr_floor_mod(f->month - 1, 12) + 1;
	day = f->day_of_year > 0 ? tr_calendar_days(f->year, 1, 1) + f->day_of_year - 1
				 : tr_calendar_days(f->year, (int)f->month, 1) + f->day - 1;
	*seconds = day * TR_SECONDS_PER_DAY + f->hour * 3600 + f->minute * 60 + f->second;
	*seconds += f->nanos / 1000000000 - (is_lenient ? f->offset : 0);
	*nanos = (int32_t)(f->nanos % 1000000000);
	return true;
}

bool tr_datetime_parse(const struct tr_datetime_pattern *pattern, const char *text, size_t length, bool is_lenient,
		       int64_t *seconds, int32_t *nanos)
{
	struct fields f = {.year = 1970, .month = 1, .day = 1, .day_of_year = -1, .half = -1};
	struct cursor c = {text, text + length};

	for (uint32_t i = 0; i < pattern->count; i++) {
		const struct tr_datetime_token *t = &pattern->tokens[i];
		bool is_adjacent = i + 1 < pattern->count && is_number(&pattern->tokens[i + 1]);

		if (t->letter == 0) {
			if (c.at == c.end || *c.at != t->literal)
				return false;
			c.at++;
		} else if (!read_field(&c, t, is_adjacent, is_lenient, &f)) {
			return false;
		}
	}
	/* SimpleDateFormat leaves what follows unread. */
	return (is_lenient || c.at == c.end) && settle(&f, is_lenient, seconds, nanos);
}
