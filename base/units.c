/* SPDX-License-Identifier: Apache-2.0
 *
 * See units.h. Multiplication is checked; a value that does not fit 63 bits is malformed.
 */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *names; /* "|a|b|" */
	int64_t factor;
	int64_t divisor;
};

static const struct unit durations[] = {
	{"|ms|milli|millis|millisecond|milliseconds||", 1, 1},
	{"|s|sec|secs|second|seconds|", 1000, 1},
	{"|min|m|minute|minutes|", 60000, 1},
	{"|h|hour|hours|", 3600000, 1},
	{"|d|day|days|", 86400000, 1},
	{"|us|µs|micro|micros|microsecond|microseconds|", 1, 1000},
	{"|ns|nano|nanos|nanosecond|nanoseconds|", 1, 1000000},
};

static const struct unit memories[] = {
	{"|b|bytes||", 1, 1},
	{"|k|kb|kibibytes|", INT64_C(1) << 10, 1},
	{"|m|mb|mebibytes|", INT64_C(1) << 20, 1},
	{"|g|gb|gibibytes|", INT64_C(1) << 30, 1},
	{"|t|tb|tebibytes|", INT64_C(1) << 40, 1},
};

/* Whether the word of `length` letters is in "|a|b|", ignoring case. */
static bool names_contain(const char *names, const char *word, size_t length)
{
	for (const char *p = names; p[0] == '|' && p[1] != '\0';) {
		const char *end = strchr(p + 1, '|');
		size_t candidate = (size_t)(end - p - 1);

		if (candidate == length && strncasecmp(p + 1, word, length) == 0)
			return true;
		p = end;
	}
	return false;
}

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *out)
{
	int64_t number = 0;
	size_t length;
	const char *p = text;

	while (isspace((unsigned char)*p))
		p++;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *p - '0', &number))
			return false;
	}
	while (isspace((unsigned char)*p))
		p++;
	length = strlen(p);
	while (length > 0 && isspace((unsigned char)p[length - 1]))
		length--;
	for (size_t i = 0; i < count; i++) {
		if (!names_contain(units[i].names, p, length))
			continue;
		if (__builtin_mul_overflow(number, units[i].factor, &number))
			return false;
		*out = number / units[i].divisor;
		return true;
	}
	return false;
}

bool tr_units_duration_ms(const char *text, int64_t *out)
{
	return parse_with_unit(text, durations, sizeof(durations) / sizeof(durations[0]), out);
}

bool tr_units_memory_bytes(const char *text, int64_t *out)
{
	return parse_with_unit(text, memories, sizeof(memories) / sizeof(memories[0]), out);
}

bool tr_units_boolean(const char *text, bool *out)
{
	uint32_t index;

	if (!tr_units_choice(text, "true|false", &index))
		return false;
	*out = index == 0;
	return true;
}

bool tr_units_integer(const char *text, int64_t *out)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	while (isspace((unsigned char)*end))
		end++;
	if (end == text || *end != '\0' || errno != 0)
		return false;
	*out = value;
	return true;
}

bool tr_units_double(const char *text, double *out)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	while (isspace((unsigned char)*end))
		end++;
	if (end == text || *end != '\0')
		return false;
	*out = value;
	return true;
}

bool tr_units_choice(const char *text, const char *choices, uint32_t *index)
{
	uint32_t i = 0;

	for (const char *p = choices; *p != '\0'; i++) {
		size_t length = strcspn(p, "|");

		if (strlen(text) == length && strncasecmp(p, text, length) == 0) {
			if (index != NULL)
				*index = i;
			return true;
		}
		p += length + (p[length] == '|');
	}
	return false;
}
