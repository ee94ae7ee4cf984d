/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: texts to values, and the getters that connectors and formats use. See io/options.h for the grammar and
 * io/options_check.c for what is checked when a job is planned. The getters assert instead of failing: a value that
 * reaches them unchecked is our mistake, not the user's.
 */
#include "io/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

struct unit {
	const char *name;
	int64_t factor; /* in the base unit; negative: the base unit has so many of it */
};

static const struct unit duration_units[] = {
	{"", 1},
	{"ms", 1},
	{"milli", 1},
	{"millis", 1},
	{"millisecond", 1},
	{"milliseconds", 1},
	{"s", 1000},
	{"sec", 1000},
	{"secs", 1000},
	{"second", 1000},
	{"seconds", 1000},
	{"m", 60000},
	{"min", 60000},
	{"minute", 60000},
	{"minutes", 60000},
	{"h", 3600000},
	{"hour", 3600000},
	{"hours", 3600000},
	{"d", 86400000},
	{"day", 86400000},
	{"days", 86400000},
	{"us", -1000},
	{"\xc2\xb5s", -1000},
	{"micro", -1000},
	{"micros", -1000},
	{"microsecond", -1000},
	{"microseconds", -1000},
	{"ns", -1000000},
	{"nano", -1000000},
	{"nanos", -1000000},
	{"nanosecond", -1000000},
	{"nanoseconds", -1000000},
};

static const struct unit memory_units[] = {
	{"", 1},
	{"b", 1},
	{"bytes", 1},
	{"k", INT64_C(1) << 10},
	{"kb", INT64_C(1) << 10},
	{"kibibytes", INT64_C(1) << 10},
	{"m", INT64_C(1) << 20},
	{"mb", INT64_C(1) << 20},
	{"mebibytes", INT64_C(1) << 20},
	{"g", INT64_C(1) << 30},
	{"gb", INT64_C(1) << 30},
	{"gibibytes", INT64_C(1) << 30},
	{"t", INT64_C(1) << 40},
	{"tb", INT64_C(1) << 40},
	{"tebibytes", INT64_C(1) << 40},
};

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static const char *skip_spaces(const char *text)
{
	while (is_space(*text))
		text++;
	return text;
}

/** Digits, spaces, unit, spaces, end. */
static bool parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *value)
{
	const char *p = skip_spaces(text);
	int64_t number = 0;
	size_t length;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *p - '0', &number))
			return false;
	}
	p = skip_spaces(p);
	length = strlen(p);
	while (length > 0 && is_space(p[length - 1]))
		length--;
	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].name) != length || strncasecmp(units[i].name, p, length) != 0)
			continue;
		if (units[i].factor < 0)
			number /= -units[i].factor;
		else if (__builtin_mul_overflow(number, units[i].factor, &number))
			return false;
		*value = number;
		return true;
	}
	return false;
}

bool tr_option_parse_duration_ms(const char *text, int64_t *value)
{
	TR_ASSERT(text != NULL && value != NULL);
	return parse_with_unit(text, duration_units, TR_COUNT_OF(duration_units), value);
}

bool tr_option_parse_memory_bytes(const char *text, int64_t *value)
{
	TR_ASSERT(text != NULL && value != NULL);
	return parse_with_unit(text, memory_units, TR_COUNT_OF(memory_units), value);
}

bool tr_option_parse_boolean(const char *text, bool *value)
{
	TR_ASSERT(text != NULL && value != NULL);
	if (strcasecmp(text, "true") == 0)
		*value = true;
	else if (strcasecmp(text, "false") == 0)
		*value = false;
	else
		return false;
	return true;
}

bool tr_option_parse_integer(const char *text, int64_t *value)
{
	char *end;
	long long number;

	TR_ASSERT(text != NULL && value != NULL);
	if (text[0] == '\0' || is_space(text[0]))
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*value = number;
	return true;
}

bool tr_option_parse_double(const char *text, double *value)
{
	char *end;
	double number;

	TR_ASSERT(text != NULL && value != NULL);
	if (text[0] == '\0' || is_space(text[0]) || strpbrk(text, "xX") != NULL)
		return false;
	errno = 0;
	number = strtod(text, &end);
	if (*end != '\0' || !isfinite(number))
		return false;
	*value = number;
	return true;
}

bool tr_option_parse_enum(const char *text, const char *choices, uint32_t *index)
{
	const size_t length = strlen(text);
	uint32_t i = 0;

	TR_ASSERT(choices != NULL);
	for (const char *choice = choices;; i++) {
		const char *end = strchrnul(choice, '|');

		if ((size_t)(end - choice) == length && strncasecmp(choice, text, length) == 0) {
			if (index != NULL)
				*index = i;
			return true;
		}
		if (*end == '\0')
			return false;
		choice = end + 1;
	}
}

bool tr_option_matches(const char *pattern, const char *key, const char **name, size_t *length)
{
	const char *mark = strchr(pattern, '#');
	const size_t key_length = strlen(key);
	size_t before, after;

	if (mark == NULL)
		return false;
	before = (size_t)(mark - pattern);
	after = strlen(mark + 1);
	if (key_length <= before + after || strncmp(key, pattern, before) != 0 ||
	    strcmp(key + key_length - after, mark + 1) != 0)
		return false;
	*name = key + before;
	*length = key_length - before - after;
	return true;
}

const char *tr_option_kind_text(enum tr_option_kind kind)
{
	switch (kind) {
	case TR_OPTION_STRING: return "a text";
	case TR_OPTION_BOOLEAN: return "'true' or 'false'";
	case TR_OPTION_INTEGER: return "a whole number of 64 bits";
	case TR_OPTION_DOUBLE: return "a number such as '0.5'";
	case TR_OPTION_DURATION: return "a duration such as '10 s', '500 ms', '1 min', '2 h'";
	case TR_OPTION_MEMORY: return "a size such as '128mb', '64 kb', '1g'";
	case TR_OPTION_ENUM: return "one of the choices";
	}
	TR_UNREACHABLE();
}

const char *tr_options_get(const struct tr_options *options, const char *key)
{
	TR_ASSERT(options != NULL && key != NULL);
	for (uint32_t i = 0; i < options->count; i++) {
		if (strcmp(options->items[i].key, key) == 0)
			return options->items[i].value;
	}
	return NULL;
}

int64_t tr_options_integer(const struct tr_options *options, const char *key, int64_t fallback)
{
	const char *text = tr_options_get(options, key);

	if (text != NULL)
		TR_ASSERT(tr_option_parse_integer(text, &fallback));
	return fallback;
}

double tr_options_double(const struct tr_options *options, const char *key, double fallback)
{
	const char *text = tr_options_get(options, key);

	if (text != NULL)
		TR_ASSERT(tr_option_parse_double(text, &fallback));
	return fallback;
}

bool tr_options_boolean(const struct tr_options *options, const char *key, bool fallback)
{
	const char *text = tr_options_get(options, key);

	if (text != NULL)
		TR_ASSERT(tr_option_parse_boolean(text, &fallback));
	return fallback;
}

int64_t tr_options_duration_ms(const struct tr_options *options, const char *key, int64_t fallback)
{
	const char *text = tr_options_get(options, key);

	if (text != NULL)
		TR_ASSERT(tr_option_parse_duration_ms(text, &fallback));
	return fallback;
}

int64_t tr_options_memory_bytes(const struct tr_options *options, const char *key, int64_t fallback)
{
	const char *text = tr_options_get(options, key);

	if (text != NULL)
		TR_ASSERT(tr_option_parse_memory_bytes(text, &fallback));
	return fallback;
}

uint32_t tr_options_enum(const struct tr_options *options, const char *key, const char *choices, uint32_t fallback)
{
	const char *text = tr_options_get(options, key);

	if (text != NULL)
		TR_ASSERT(tr_option_parse_enum(text, choices, &fallback));
	return fallback;
}
