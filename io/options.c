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
#include "base/units.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool tr_option_parse_duration_ms(const char *text, int64_t *value)
{
	TR_ASSERT(text != NULL && value != NULL);
	return tr_units_duration_ms(text, value);
}

bool tr_option_parse_memory_bytes(const char *text, int64_t *value)
{
	TR_ASSERT(text != NULL && value != NULL);
	return tr_units_memory_bytes(text, value);
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
