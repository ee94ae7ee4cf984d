/* SPDX-License-Identifier: Apache-2.0
 *
 * TZif files (RFC 8536), version 2 and later: a sorted list of transitions with the type of local time after each,
 * and a footer with a POSIX TZ rule for all times after the last one.
 *
 *     before the first transition: the first type that is not daylight saving
 *     between:                     binary search
 *     after the last:              the rule, year by year ("CET-1CEST,M3.5.0,M10.5.0/3")
 *
 * This is the one place of the engine below io/ that opens a file itself: zone data is part of the installation, not
 * of the job, and is read once when a plan is made.
 */
#include "base/timezone.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"

#define ZONE_FILE_BYTES_MAX (1u << 20)
#define ZONE_ID_BYTES_MAX 128
#define OFFSET_SECONDS_MAX (18 * 3600)
#define HEADER_BYTES 44

/** One date of a POSIX rule: Mm.w.d, Jn or n, and the time of day. */
struct rule_date {
	char kind; /* 'M', 'J' or '0' */
	int month, week, day;
	int32_t time; /* seconds, may be negative or beyond a day */
};

struct rule {
	bool is_set;
	bool has_dst;
	int32_t standard; /* offsets, seconds east */
	int32_t daylight;
	struct rule_date start, end;
};

struct tr_timezone {
	char id[ZONE_ID_BYTES_MAX];
	uint32_t count;
	int64_t *times;   /* transitions, ascending */
	int32_t *offsets; /* in force from times[i] on */
	int32_t first_offset;
	struct rule rule;
	bool is_utc;
};

static const struct tr_timezone utc_zone = {.id = "UTC", .is_utc = true};

const struct tr_timezone *tr_timezone_utc(void) { return &utc_zone; }

const char *tr_timezone_id(const struct tr_timezone *zone) { return zone->id; }

bool tr_timezone_is_utc(const struct tr_timezone *zone) { return zone->is_utc; }

void tr_timezone_destroy(struct tr_timezone **zone)
{
	if (*zone == NULL)
		return;
	free((*zone)->times);
	free((*zone)->offsets);
	free(*zone);
	*zone = NULL;
}

/* ---- fixed offsets ---- */

/** "8", "08", "0830", "08:30", "08:30:15" after the sign. */
static bool parse_offset_digits(const char *p, int32_t *seconds)
{
	int parts[3] = {0, 0, 0}, count = 0;
	size_t digits = strspn(p, "0123456789");

	if (p[digits] == '\0' && (digits == 4 || digits == 6)) {
		for (size_t i = 0; i < digits; i += 2)
			parts[i / 2] = (p[i] - '0') * 10 + (p[i + 1] - '0');
	} else {
		for (;;) {
			size_t n = strspn(p, "0123456789");

			if (count == 3 || n > 2 || n < (count == 0 ? 1u : 2u))
				return false;
			parts[count++] = n == 2 ? (p[0] - '0') * 10 + (p[1] - '0') : p[0] - '0';
			p += n;
			if (*p == '\0')
				break;
			if (*p++ != ':')
				return false;
		}
	}
	*seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
	return parts[1] < 60 && parts[2] < 60 && *seconds <= OFFSET_SECONDS_MAX;
}

static bool parse_fixed_id(const char *id, int32_t *offset)
{
	static const char *const prefixes[] = {"UTC", "GMT", "UT"};
	const char *p = id;

	*offset = 0;
	if (strcmp(id, "Z") == 0)
		return true;
	for (size_t i = 0; i < TR_COUNT_OF(prefixes); i++)
		if (strncmp(id, prefixes[i], strlen(prefixes[i])) == 0) {
			p = id + strlen(prefixes[i]);
			if (*p == '\0')
				return true;
			break;
		}
	if (*p != '+' && *p != '-')
		return false;
	if (!parse_offset_digits(p + 1, offset))
		return false;
	if (*p == '-')
		*offset = -*offset;
	return true;
}

/* ---- the POSIX rule of the footer ---- */

static bool rule_name(const char **p)
{
	const char *start = *p;

	if (**p == '<') {
		*p += strcspn(*p, ">");
		if (**p != '>')
			return false;
		(*p)++;
		return true;
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		(*p)++;
	return *p - start >= 3;
}

/** [+-]h[h[h]][:mm[:ss]] */
static bool rule_time(const char **p, int32_t *seconds)
{
	int sign = 1, scale = 3600;

	*seconds = 0;
	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	for (;; scale /= 60) {
		int value = 0, digits = 0;

		while (**p >= '0' && **p <= '9' && digits++ < 3)
			value = value * 10 + (*(*p)++ - '0');
		if (digits == 0)
			return false;
		*seconds += value * scale;
		if (**p != ':' || scale == 1)
			break;
		(*p)++;
	}
	*seconds *= sign;
	return true;
}

static bool rule_number(const char **p, int limit, int *value)
{
	int digits = 0;

	*value = 0;
	while (**p >= '0' && **p <= '9' && digits++ < 3)
		*value = *value * 10 + (*(*p)++ - '0');
	return digits > 0 && *value <= limit;
}

static bool rule_date(const char **p, struct rule_date *date)
{
	date->kind = '0';
	date->time = 7200;
	if (**p == 'M') {
		date->kind = 'M';
		(*p)++;
		if (!rule_number(p, 12, &date->month) || date->month < 1 || *(*p)++ != '.' ||
		    !rule_number(p, 5, &date->week) || date->week < 1 || *(*p)++ != '.' ||
		    !rule_number(p, 6, &date->day))
			return false;
	} else {
		if (**p == 'J') {
			date->kind = 'J';
			(*p)++;
		}
		if (!rule_number(p, 366, &date->day))
			return false;
	}
	if (**p != '/')
		return true;
	(*p)++;
	return rule_time(p, &date->time);
}

static bool rule_parse(const char *text, struct rule *rule)
{
	const char *p = text;

	memset(rule, 0, sizeof(*rule));
	if (*p == '\0')
		return true; /* no rule: the last transition's offset stays */
	if (!rule_name(&p) || !rule_time(&p, &rule->standard))
		return false;
	rule->standard = -rule->standard;
	rule->is_set = true;
	if (*p == '\0')
		return true;
	rule->has_dst = true;
	rule->daylight = rule->standard + 3600;
	if (!rule_name(&p))
		return false;
	if (*p != ',') {
		if (!rule_time(&p, &rule->daylight))
			return false;
		rule->daylight = -rule->daylight;
	}
	return *p++ == ',' && rule_date(&p, &rule->start) && *p++ == ',' && rule_date(&p, &rule->end) && *p == '\0';
}

/** Local seconds at which a rule's date falls in a year. */
static int64_t rule_moment(const struct rule_date *date, int64_t year)
{
	int64_t days = tr_calendar_days(year, 1, 1);

	if (date->kind == 'M') {
		int64_t first = tr_calendar_days(year, date->month, 1);
		int weekday = tr_calendar_weekday(first) % 7; /* 0 is Sunday */
		int day = (date->day - weekday + 7) % 7 + (date->week - 1) * 7;

		while (day >= tr_calendar_month_days(year, date->month))
			day -= 7;
		days = first + day;
	} else if (date->kind == 'J') {
		days += date->day - 1 + (date->day >= 60 && tr_calendar_is_leap(year));
	} else {
		days += date->day;
	}
	return days * TR_SECONDS_PER_DAY + date->time;
}

/** The offset by the rule, and the span around `at` in which it holds. */
static int32_t rule_offset(const struct rule *rule, int64_t at, int64_t *from, int64_t *until)
{
	int64_t year = tr_calendar_civil(tr_floor_div(at, TR_SECONDS_PER_DAY)).year;
	int32_t offset = rule->standard;

	*from = INT64_MIN;
	*until = INT64_MAX;
	if (!rule->has_dst)
		return offset;
	for (int64_t y = year - 1; y <= year + 1; y++) {
		int64_t start = rule_moment(&rule->start, y) - rule->standard;
		int64_t end = rule_moment(&rule->end, y) - rule->daylight;
		int64_t first = start < end ? start : end;
		int64_t second = start < end ? end : start;
		int32_t after_first = start < end ? rule->daylight : rule->standard;
		int32_t after_second = start < end ? rule->standard : rule->daylight;

		if (at >= first) {
			*from = first;
			offset = after_first;
		} else if (first < *until) {
			*until = first;
		}
		if (at >= second) {
			*from = second;
			offset = after_second;
		} else if (second < *until) {
			*until = second;
		}
	}
	return offset;
}

/* ---- the file ---- */

static int64_t read_be(const unsigned char *p, int bytes)
{
	uint64_t value = (p[0] & 0x80) ? UINT64_MAX : 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return (int64_t)value;
}

struct tzif_counts {
	uint64_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const unsigned char *p, size_t left, struct tzif_counts *c)
{
	if (left < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return false;
	c->isut = (uint64_t)read_be(p + 20, 4) & UINT32_MAX;
	c->isstd = (uint64_t)read_be(p + 24, 4) & UINT32_MAX;
	c->leap = (uint64_t)read_be(p + 28, 4) & UINT32_MAX;
	c->time = (uint64_t)read_be(p + 32, 4) & UINT32_MAX;
	c->type = (uint64_t)read_be(p + 36, 4) & UINT32_MAX;
	c->chars = (uint64_t)read_be(p + 40, 4) & UINT32_MAX;
	return true;
}

static uint64_t block_bytes(const struct tzif_counts *c, unsigned time_bytes)
{
	return c->time * (time_bytes + 1) + c->type * 6 + c->chars + c->leap * (time_bytes + 4) + c->isstd + c->isut;
}

/** Fills the zone from a file's bytes; false when they are not a TZif file of version 2 or later. */
static bool parse_tzif(struct tr_timezone *zone, const unsigned char *data, size_t length)
{
	struct tzif_counts c;
	const unsigned char *p = data, *indexes, *types;
	size_t left = length;
	char footer[256];
	const unsigned char *end;

	if (!read_header(p, left, &c) || p[4] < '2' || block_bytes(&c, 4) > left - HEADER_BYTES)
		return false;
	p += HEADER_BYTES + block_bytes(&c, 4);
	left = length - (size_t)(p - data);
	if (!read_header(p, left, &c) || block_bytes(&c, 8) > left - HEADER_BYTES || c.type == 0)
		return false;
	p += HEADER_BYTES;
	indexes = p + c.time * 8;
	types = indexes + c.time;
	zone->count = (uint32_t)c.time;
	zone->times = calloc(c.time + 1, sizeof(int64_t));
	zone->offsets = calloc(c.time + 1, sizeof(int32_t));
	TR_ASSERT(zone->times != NULL && zone->offsets != NULL);
	for (uint32_t i = 0; i < zone->count; i++) {
		if (indexes[i] >= c.type)
			return false;
		zone->times[i] = read_be(p + i * 8, 8);
		zone->offsets[i] = (int32_t)read_be(types + indexes[i] * 6, 4);
		if (i > 0 && zone->times[i] <= zone->times[i - 1])
			return false;
	}
	zone->first_offset = (int32_t)read_be(types, 4);
	p += block_bytes(&c, 8);
	left = length - (size_t)(p - data);
	end = left > 1 ? memchr(p + 1, '\n', left - 1) : NULL;
	if (left < 2 || *p != '\n' || end == NULL || (size_t)(end - p) > sizeof(footer))
		return false;
	memcpy(footer, p + 1, (size_t)(end - p - 1));
	footer[end - p - 1] = '\0';
	return rule_parse(footer, &zone->rule);
}

static bool is_region_id(const char *id)
{
	size_t length = strlen(id);

	if (length == 0 || length >= ZONE_ID_BYTES_MAX || id[0] == '/' || id[0] == '.' || strstr(id, "..") != NULL)
		return false;
	return strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == length;
}

static tr_code read_zone_file(struct tr_timezone *zone, const char *id, struct tr_status *st)
{
	const char *directory = getenv("TZDIR");
	char path[PATH_MAX];
	unsigned char *data;
	size_t length;
	FILE *file;
	bool is_good;

	if (directory == NULL || *directory == '\0')
		directory = "/usr/share/zoneinfo";
	snprintf(path, sizeof(path), "%s/%s", directory, id);
	file = fopen(path, "rbe");
	if (file == NULL)
		TR_FAIL(st, TR_ERR_DATA,
			"unknown time zone '%s' (no file %s): use a region such as 'Europe/Berlin', 'UTC', or an "
			"offset such as 'GMT+08:00'",
			id, path);
	data = malloc(ZONE_FILE_BYTES_MAX);
	TR_ASSERT(data != NULL);
	length = fread(data, 1, ZONE_FILE_BYTES_MAX, file);
	fclose(file);
	is_good = parse_tzif(zone, data, length);
	free(data);
	if (!is_good)
		TR_FAIL(st, TR_ERR_DATA, "time zone '%s': %s is not a TZif file of version 2 or later", id, path);
	return TR_OK;
}

tr_code tr_timezone_create(const char *id, struct tr_timezone **zone, struct tr_status *st)
{
	struct tr_timezone *z;
	int32_t offset;
	tr_code code;

	TR_ASSERT(id != NULL && zone != NULL);
	*zone = NULL;
	z = calloc(1, sizeof(*z));
	TR_ASSERT(z != NULL);
	if (parse_fixed_id(id, &offset)) {
		snprintf(z->id, sizeof(z->id), "%s", id);
		z->first_offset = offset;
		z->is_utc = offset == 0;
		*zone = z;
		return TR_OK;
	}
	if (!is_region_id(id)) {
		tr_timezone_destroy(&z);
		TR_FAIL(st, TR_ERR_DATA,
			"'%s' is not a time zone: use a region such as 'Europe/Berlin', 'UTC', or an offset such as "
			"'GMT+08:00'",
			id);
	}
	snprintf(z->id, sizeof(z->id), "%s", id);
	code = read_zone_file(z, id, st);
	if (code != TR_OK) {
		tr_timezone_destroy(&z);
		return code;
	}
	z->is_utc = z->count == 0 && z->first_offset == 0 && !z->rule.has_dst && z->rule.standard == 0;
	*zone = z;
	return TR_OK;
}

/* ---- questions ---- */

static void find_span(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t at)
{
	uint32_t low = 0, high = zone->count; /* the first transition after `at` */

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (zone->times[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	cursor->from = low > 0 ? zone->times[low - 1] : INT64_MIN;
	cursor->until = low < zone->count ? zone->times[low] : INT64_MAX;
	cursor->offset = low > 0 ? zone->offsets[low - 1] : zone->first_offset;
	if (low == zone->count && zone->rule.is_set) {
		int64_t from, until;

		cursor->offset = rule_offset(&zone->rule, at, &from, &until);
		cursor->from = TR_MAX(cursor->from, from);
		cursor->until = until;
	}
}

int32_t tr_timezone_offset(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t utc_seconds)
{
	if (zone->is_utc)
		return 0;
	if (utc_seconds < cursor->from || utc_seconds >= cursor->until)
		find_span(zone, cursor, utc_seconds);
	return cursor->offset;
}

int64_t tr_timezone_local_to_utc(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor,
				 int64_t local_seconds)
{
	int32_t before;
	int64_t utc;

	if (zone->is_utc)
		return local_seconds;
	/* The offset in force surely before the local time. If it puts the time before the next transition, it is the
	 * (earlier) answer; else the time is after the transition, or in its gap, where java.time keeps the offset
	 * before. */
	before = tr_timezone_offset(zone, cursor, local_seconds - TR_SECONDS_PER_DAY);
	for (;;) {
		int32_t after;

		utc = local_seconds - before;
		if (utc < cursor->until)
			return utc;
		after = tr_timezone_offset(zone, cursor, cursor->until);
		if (local_seconds - after < cursor->from)
			return utc; /* the gap */
		before = after;
	}
}

int64_t tr_timezone_to_local_ticks(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t utc,
				   int64_t ticks_per_second)
{
	if (zone->is_utc)
		return utc;
	return utc + tr_timezone_offset(zone, cursor, tr_floor_div(utc, ticks_per_second)) * ticks_per_second;
}

int64_t tr_timezone_to_utc_ticks(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t local,
				 int64_t ticks_per_second)
{
	int64_t seconds;

	if (zone->is_utc)
		return local;
	seconds = tr_floor_div(local, ticks_per_second);
	return local + (tr_timezone_local_to_utc(zone, cursor, seconds) - seconds) * ticks_per_second;
}
