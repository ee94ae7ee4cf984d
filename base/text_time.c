/* SPDX-License-Identifier: Apache-2.0
 *
 * DATE, TIME, TIMESTAMP and intervals to text and back.
 *
 * One scanner reads all forms: a cursor over the text, a flag word that says which parts may be missing. The common
 * form "2001-01-31 10:20:30.123" (19 bytes and more) is tried first without the cursor.
 */
#include "base/calendar.h"
#include "base/check.h"
#include "base/text.h"

#define YEAR_DIGITS_MAX 10
#define FIELD_DIGITS_MAX 10 /* of CAST: zeros may stand in front */
#define YEAR_LIMIT INT64_C(1000000000)

/* ---- to text ---- */

static size_t put_2(char *out, unsigned value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
	return 2;
}

/** `digits` digits of value, zero-padded. */
static size_t put_padded(char *out, uint32_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return (size_t)digits;
}

size_t tr_text_put_date(char *out, int64_t days)
{
	struct tr_civil civil = tr_calendar_civil(days);
	size_t length = 0;

	if (civil.year >= 0 && civil.year <= 9999) {
		length += put_padded(out, (uint32_t)civil.year, 4);
	} else {
		int64_t year = civil.year < 0 ? -civil.year : civil.year;

		out[length++] = civil.year < 0 ? '-' : '+';
		if (year <= 9999)
			length += put_padded(out + length, (uint32_t)year, 4);
		else
			length += tr_text_put_i64(out + length, year);
	}
	out[length++] = '-';
	length += put_2(out + length, (unsigned)civil.month);
	out[length++] = '-';
	return length + put_2(out + length, (unsigned)civil.day);
}

/** ".123": `digits` of the nanoseconds; nothing for 0 digits. */
static size_t put_fraction(char *out, uint32_t nanos, int digits)
{
	static const uint32_t cut[10] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

	if (digits <= 0)
		return 0;
	out[0] = '.';
	return 1 + put_padded(out + 1, nanos / cut[digits], digits);
}

static size_t put_clock(char *out, uint32_t second_of_day, uint32_t nanos, enum tr_text_clock clock, int digits)
{
	uint32_t second = second_of_day % 60;
	size_t length = put_2(out, second_of_day / 3600);

	out[length++] = ':';
	length += put_2(out + length, second_of_day / 60 % 60);
	if (clock == TR_CLOCK_LOCAL && second == 0 && nanos == 0)
		return length;
	out[length++] = ':';
	length += put_2(out + length, second);
	if (clock == TR_CLOCK_LOCAL || clock == TR_CLOCK_INSTANT) {
		digits = nanos == 0 ? 0 : nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;
	} else if (clock == TR_CLOCK_DIGITS) {
		int needed = 9;

		for (uint32_t n = nanos; needed > digits && n % 10 == 0; n /= 10)
			needed--;
		digits = needed;
	}
	return length + put_fraction(out + length, nanos, digits);
}

size_t tr_text_put_time(char *out, int32_t ms_of_day, enum tr_text_clock clock, int digits)
{
	uint32_t ms = (uint32_t)tr_floor_mod(ms_of_day, TR_MS_PER_DAY);

	return put_clock(out, ms / 1000, ms % 1000 * 1000000, clock, digits);
}

size_t tr_text_put_timestamp(char *out, int64_t ticks, int64_t ticks_per_second, char separator,
			     enum tr_text_clock clock, int digits)
{
	int64_t seconds = tr_floor_div(ticks, ticks_per_second);
	int64_t rest = ticks - seconds * ticks_per_second;
	int64_t days = tr_floor_div(seconds, TR_SECONDS_PER_DAY);
	size_t length = tr_text_put_date(out, days);

	out[length++] = separator;
	return length + put_clock(out + length, (uint32_t)(seconds - days * TR_SECONDS_PER_DAY),
				  (uint32_t)(rest * (1000000000 / ticks_per_second)), clock, digits);
}

size_t tr_text_put_interval_month(char *out, int32_t months)
{
	uint32_t value = months < 0 ? 0 - (uint32_t)months : (uint32_t)months;
	size_t length = 0;

	out[length++] = months < 0 ? '-' : '+';
	length += tr_text_put_u64(out + length, value / 12);
	out[length++] = '-';
	return length + put_2(out + length, value % 12);
}

size_t tr_text_put_interval_ms(char *out, int64_t ms)
{
	uint64_t value = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	uint64_t days = value / (uint64_t)TR_MS_PER_DAY;
	uint32_t rest = (uint32_t)(value % (uint64_t)TR_MS_PER_DAY);
	size_t length = 0;

	out[length++] = ms < 0 ? '-' : '+';
	length += tr_text_put_u64(out + length, days);
	out[length++] = ' ';
	return length + put_clock(out + length, rest / 1000, rest % 1000 * 1000000, TR_CLOCK_EXACT, 3);
}

size_t tr_text_put_period(char *out, int32_t months)
{
	size_t length = 1;

	out[0] = 'P';
	length += tr_text_put_i64(out + length, months);
	out[length++] = months == 0 ? 'D' : 'M';
	return length;
}

/** Duration.toString: hours, minutes and seconds cut towards 0; a negative fraction belongs to the seconds. */
size_t tr_text_put_duration(char *out, int64_t ms)
{
	int64_t hours = ms / 3600000, minutes = ms / 60000 % 60, rest = ms % 60000;
	uint32_t fraction = (uint32_t)(rest < 0 ? -rest : rest) % 1000;
	int digits = fraction == 0 ? 0 : fraction % 100 == 0 ? 1 : fraction % 10 == 0 ? 2 : 3;
	size_t length = 0;

	if (ms == 0) {
		memcpy(out, "PT0S", 4);
		return 4;
	}
	out[length++] = 'P';
	out[length++] = 'T';
	if (hours != 0) {
		length += tr_text_put_i64(out + length, hours);
		out[length++] = 'H';
	}
	if (minutes != 0) {
		length += tr_text_put_i64(out + length, minutes);
		out[length++] = 'M';
	}
	if (rest != 0) {
		if (rest < 0)
			out[length++] = '-';
		length += tr_text_put_u64(out + length, (uint64_t)(rest < 0 ? -rest : rest) / 1000);
		length += put_fraction(out + length, fraction * 1000000, digits);
		out[length++] = 'S';
	}
	return length;
}

/* ---- from text ---- */

struct cursor {
	const char *p;
	const char *end;
};

static bool take_char(struct cursor *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

/** A number of `min` to `max` digits. */
static bool take_number(struct cursor *c, int min, int max, int64_t *value)
{
	int count = 0;

	*value = 0;
	while (count < max && c->p < c->end && (unsigned char)(*c->p - '0') <= 9) {
		*value = *value * 10 + (*c->p++ - '0');
		count++;
	}
	return count >= min;
}

/* What a day beyond its month's end does. */
enum overrun { OVERRUN_FAILS, OVERRUN_IS_CUT, OVERRUN_ROLLS };

static enum tr_text_result take_date(struct cursor *c, unsigned flags, enum overrun overrun, int64_t *days)
{
	const bool is_partial_ok = flags & TR_TIME_PARTIAL;
	const int short_min = flags & TR_TIME_SHORT_FIELDS ? 1 : 2, most = is_partial_ok ? FIELD_DIGITS_MAX : 2;
	int64_t year, month = 1, day = 1, last;
	bool is_negative = false, has_sign = false;

	if (!is_partial_ok && c->p < c->end && (*c->p == '-' || *c->p == '+')) {
		has_sign = true;
		is_negative = *c->p++ == '-';
	}
	if (!take_number(c, is_partial_ok ? 1 : 4,
			 is_partial_ok ? FIELD_DIGITS_MAX
			 : has_sign    ? YEAR_DIGITS_MAX
				       : 4,
			 &year) ||
	    (is_partial_ok && year > 9999))
		return TR_TEXT_MALFORMED;
	if (take_char(c, '-')) {
		if (!take_number(c, short_min, most, &month))
			return TR_TEXT_MALFORMED;
		if (take_char(c, '-')) {
			if (!take_number(c, short_min, most, &day))
				return TR_TEXT_MALFORMED;
		} else if (!is_partial_ok) {
			return TR_TEXT_MALFORMED;
		}
	} else if (!is_partial_ok) {
		return TR_TEXT_MALFORMED;
	}
	year = is_negative ? -year : year;
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return TR_TEXT_MALFORMED;
	last = tr_calendar_month_days(year, (int)month);
	if (day > last && overrun == OVERRUN_FAILS)
		return TR_TEXT_MALFORMED;
	if (year > YEAR_LIMIT || year < -YEAR_LIMIT)
		return TR_TEXT_RANGE;
	*days = tr_calendar_days(year, (int)month, (int)TR_MIN(day, last));
	if (overrun == OVERRUN_ROLLS)
		*days += day - TR_MIN(day, last);
	return TR_TEXT_OK;
}

/** HH:mm[:ss[.fraction]]; 24:00:00 only where a day may end so. */
static bool take_clock(struct cursor *c, unsigned flags, bool is_24_ok, int64_t *seconds, int32_t *nanos)
{
	const int short_min = flags & TR_TIME_SHORT_FIELDS ? 1 : 2;
	int64_t hour, minute, second = 0;

	*nanos = 0;
	if (flags & TR_TIME_HOUR_ONLY) {
		const struct cursor whole = *c;

		if (take_number(c, 1, FIELD_DIGITS_MAX, &hour) && c->p == c->end) {
			*seconds = hour * 3600;
			return hour < 24;
		}
		*c = whole;
	}
	if (!take_number(c, short_min, 2, &hour) || !take_char(c, ':') || !take_number(c, short_min, 2, &minute))
		return false;
	if (take_char(c, ':')) {
		if (!take_number(c, short_min, 2, &second))
			return false;
		if (take_char(c, '.')) {
			const char *start = c->p;
			int64_t fraction;

			/* Java's appendFraction(0, 9, true) takes a point without digits; so do we. */
			(void)take_number(c, 0, 9, &fraction);
			for (ptrdiff_t i = c->p - start; i < 9; i++)
				fraction *= 10;
			*nanos = (int32_t)fraction;
		}
	} else if (!(flags & TR_TIME_NO_SECONDS)) {
		return false;
	}
	*seconds = hour * 3600 + minute * 60 + second;
	if (is_24_ok && *seconds == TR_SECONDS_PER_DAY && *nanos == 0)
		return hour == 24;
	return hour < 24 && minute < 60 && second < 60;
}

/** Z, +HH:mm or +HH:mm:ss; false when malformed. Adds nothing and is true when there is none. */
static bool take_offset(struct cursor *c, bool *has_offset, int64_t *offset)
{
	int64_t hour, minute, second = 0;
	bool is_negative;

	*offset = 0;
	*has_offset = false;
	if (c->p == c->end)
		return true;
	*has_offset = true;
	if (take_char(c, 'Z') || take_char(c, 'z'))
		return true;
	is_negative = *c->p == '-';
	if (!take_char(c, '+') && !take_char(c, '-'))
		return false;
	if (!take_number(c, 2, 2, &hour) || !take_char(c, ':') || !take_number(c, 2, 2, &minute))
		return false;
	if (take_char(c, ':') && !take_number(c, 2, 2, &second))
		return false;
	*offset = hour * 3600 + minute * 60 + second;
	if (*offset > 18 * 3600 || minute > 59 || second > 59)
		return false;
	*offset = is_negative ? -*offset : *offset;
	return true;
}

enum tr_text_result tr_text_parse_date(const char *text, size_t length, unsigned flags, int32_t *days)
{
	struct cursor c = {text, text + length};
	int64_t wide;
	enum tr_text_result result = take_date(&c, flags, flags & TR_TIME_ROLLS ? OVERRUN_ROLLS : OVERRUN_FAILS, &wide);

	if (result != TR_TEXT_OK)
		return result;
	if (c.p != c.end && !((flags & TR_TIME_PARTIAL) && *c.p == ' '))
		return TR_TEXT_MALFORMED;
	if (wide < INT32_MIN || wide > INT32_MAX)
		return TR_TEXT_RANGE;
	*days = (int32_t)wide;
	return TR_TEXT_OK;
}

enum tr_text_result tr_text_parse_time(const char *text, size_t length, unsigned flags, int64_t *nanos)
{
	struct cursor c = {text, text + length};
	int64_t seconds;
	int32_t fraction;

	if (!take_clock(&c, flags, false, &seconds, &fraction) || c.p != c.end)
		return TR_TEXT_MALFORMED;
	*nanos = seconds * 1000000000 + fraction;
	return TR_TEXT_OK;
}

/** "2001-01-31?10:20:30" at the start of the text, all digits in place: the usual case, without loops. */
static bool parse_fixed(const char *p, char separator, struct tr_text_time *time)
{
	static const uint8_t places[14] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
	unsigned d[14], bad = 0;
	int year, month, day, hour, minute, second;

	for (int i = 0; i < 14; i++) {
		d[i] = (unsigned char)(p[places[i]] - '0');
		bad |= d[i] > 9;
	}
	bad |= (unsigned)((p[4] ^ '-') | (p[7] ^ '-') | (p[10] ^ separator) | (p[13] ^ ':') | (p[16] ^ ':'));
	if (bad)
		return false;
	year = (int)(d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]);
	month = (int)(d[4] * 10 + d[5]);
	day = (int)(d[6] * 10 + d[7]);
	hour = (int)(d[8] * 10 + d[9]);
	minute = (int)(d[10] * 10 + d[11]);
	second = (int)(d[12] * 10 + d[13]);
	if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59)
		return false;
	if (day > 28 && day > tr_calendar_month_days(year, month))
		return false;
	time->seconds = tr_calendar_days(year, month, day) * TR_SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
	return true;
}

static bool take_separator(struct cursor *c, unsigned flags)
{
	if (flags & TR_TIME_T)
		return take_char(c, 'T') || take_char(c, 't');
	return take_char(c, ' ');
}

/** What may follow the time: an offset, a Z, or nothing. */
static enum tr_text_result take_end(struct cursor *c, unsigned flags, struct tr_text_time *time)
{
	int64_t offset = 0;

	time->has_offset = false;
	if (flags & (TR_TIME_OFFSET | TR_TIME_OFFSET_OPTIONAL)) {
		if (!take_offset(c, &time->has_offset, &offset))
			return TR_TEXT_MALFORMED;
		if (!time->has_offset && (flags & TR_TIME_OFFSET))
			return TR_TEXT_MALFORMED;
	} else if (flags & TR_TIME_Z) {
		if (!take_char(c, 'Z'))
			return TR_TEXT_MALFORMED;
	}
	time->seconds -= offset;
	return c->p == c->end ? TR_TEXT_OK : TR_TEXT_MALFORMED;
}

enum tr_text_result tr_text_parse_timestamp(const char *text, size_t length, unsigned flags, struct tr_text_time *time)
{
	struct cursor c = {text, text + length};
	const bool is_smart = !(flags & (TR_TIME_T | TR_TIME_STRICT));
	int64_t days, seconds = 0;
	enum tr_text_result result;

	time->nanos = 0;
	if (length >= 19 && parse_fixed(text, flags & TR_TIME_T ? 'T' : ' ', time)) {
		c.p += 19;
		if (take_char(&c, '.')) {
			const char *start = c.p;
			int64_t fraction;

			(void)take_number(&c, 0, 9, &fraction);
			for (ptrdiff_t i = c.p - start; i < 9; i++)
				fraction *= 10;
			time->nanos = (int32_t)fraction;
		}
		return take_end(&c, flags, time);
	}
	result = take_date(&c, flags, is_smart ? OVERRUN_IS_CUT : OVERRUN_FAILS, &days);
	if (result != TR_TEXT_OK)
		return result;
	if (c.p != c.end || !(flags & TR_TIME_DATE_ONLY))
		if (!take_separator(&c, flags) || !take_clock(&c, flags, is_smart, &seconds, &time->nanos))
			return TR_TEXT_MALFORMED;
	time->seconds = days * TR_SECONDS_PER_DAY + seconds;
	return take_end(&c, flags, time);
}

enum tr_text_result tr_text_time_to_ticks(const struct tr_text_time *time, int64_t ticks_per_second, int64_t *ticks)
{
	tr_i128 wide = (tr_i128)time->seconds * ticks_per_second + time->nanos / (1000000000 / ticks_per_second);

	if (wide < INT64_MIN || wide > INT64_MAX)
		return TR_TEXT_RANGE;
	*ticks = (int64_t)wide;
	return TR_TEXT_OK;
}
