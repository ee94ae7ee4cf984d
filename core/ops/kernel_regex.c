/* SPDX-License-Identifier: Apache-2.0
 *
 * PCRE2 behind the matcher.
 */
#include "core/ops/kernel_regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

#define MATCH_LIMIT 10000000u /* steps of the interpreter and of JIT code */
#define HEAP_LIMIT_KIB 65536u
#define JIT_STACK_BYTES_MIN (32 * 1024)
#define JIT_STACK_BYTES_MAX (1024 * 1024)

enum form { FORM_ASCII, FORM_UTF, FORM_COUNT };

struct tr_regex {
	pcre2_code *codes[FORM_COUNT];
	pcre2_match_data *matches[FORM_COUNT];
	pcre2_compile_context *compile_context;
	pcre2_match_context *match_context;
	pcre2_jit_stack *jit_stack;
	bool has_jit[FORM_COUNT];
	enum form used; /* by the last find */
	uint32_t group_count;
	char *pattern;
	struct tr_bytes translated; /* with PCRE2's names of classes, and a NUL */
	size_t pattern_length;
	bool is_valid;
};

struct tr_regex *tr_regex_create(void)
{
	struct tr_regex *regex = calloc(1, sizeof(*regex));

	TR_ASSERT(regex != NULL);
	regex->compile_context = pcre2_compile_context_create(NULL);
	regex->match_context = pcre2_match_context_create(NULL);
	regex->jit_stack = pcre2_jit_stack_create(JIT_STACK_BYTES_MIN, JIT_STACK_BYTES_MAX, NULL);
	TR_ASSERT(regex->compile_context != NULL && regex->match_context != NULL);
	pcre2_set_newline(regex->compile_context, PCRE2_NEWLINE_ANY); /* Java's line terminators */
	pcre2_set_match_limit(regex->match_context, MATCH_LIMIT);
	pcre2_set_heap_limit(regex->match_context, HEAP_LIMIT_KIB);
	if (regex->jit_stack != NULL)
		pcre2_jit_stack_assign(regex->match_context, NULL, regex->jit_stack);
	return regex;
}

static void drop_codes(struct tr_regex *regex)
{
	for (int form = 0; form < FORM_COUNT; form++) {
		pcre2_match_data_free(regex->matches[form]);
		pcre2_code_free(regex->codes[form]);
		regex->matches[form] = NULL;
		regex->codes[form] = NULL;
	}
	free(regex->pattern);
	regex->pattern = NULL;
	regex->is_valid = false;
}

void tr_regex_destroy(struct tr_regex *regex)
{
	if (regex == NULL)
		return;
	drop_codes(regex);
	tr_bytes_deinit(&regex->translated);
	pcre2_jit_stack_free(regex->jit_stack);
	pcre2_match_context_free(regex->match_context);
	pcre2_compile_context_free(regex->compile_context);
	free(regex);
}

/* Java's names of classes that PCRE2 calls otherwise. Those in lower case are ASCII's, [:alpha:], the others properties. */
static const char *const class_names[][2] = {
	{"Lower", "lower"},
	{"Upper", "upper"},
	{"ASCII", "ascii"},
	{"Alpha", "alpha"},
	{"Digit", "digit"},
	{"Alnum", "alnum"},
	{"Punct", "punct"},
	{"Graph", "graph"},
	{"Print", "print"},
	{"Blank", "blank"},
	{"Cntrl", "cntrl"},
	{"XDigit", "xdigit"},
	{"Space", "space"},
	{"IsAlphabetic", "Alphabetic"},
	{"IsLetter", "L"},
	{"IsDigit", "Nd"},
	{"IsPunctuation", "P"},
	{"IsWhiteSpace", "White_Space"},
	{"IsWhite_Space", "White_Space"},
	{"IsLower", "Lowercase"},
	{"IsUpper", "Uppercase"},
	{"javaLowerCase", "Lowercase"},
	{"javaUpperCase", "Uppercase"},
	{"javaDigit", "Nd"},
};

/* Appends what \p{name} is for PCRE2. */
static void append_class(struct tr_bytes *out, const char *name, size_t length, bool is_negated, bool is_in_class)
{
	const char *p = is_negated ? "\\P" : "\\p";

	for (size_t i = 0; i < TR_COUNT_OF(class_names); i++) {
		const char *other = class_names[i][1];

		if (strlen(class_names[i][0]) != length || memcmp(class_names[i][0], name, length) != 0)
			continue;
		if (other[0] >= 'a')
			tr_bytes_printf(out, "%s[:%s%s:]%s", is_in_class ? "" : "[", is_negated ? "^" : "", other,
					is_in_class ? "" : "]");
		else
			tr_bytes_printf(out, "%s{%s}", p, other);
		return;
	}
	if (length > 2 && memcmp(name, "Is", 2) == 0) { /* \p{IsLatin}, \p{IsLu} */
		name += 2;
		length -= 2;
	}
	tr_bytes_printf(out, "%s{%.*s}", p, (int)length, name);
}

/* The pattern with Java's names of classes replaced. */
static void translate(struct tr_bytes *out, const char *pattern, size_t length)
{
	bool is_in_class = false;

	for (size_t i = 0; i < length; i++) {
		const char next = i + 1 < length ? pattern[i + 1] : 0;
		const char *end = NULL;

		if (pattern[i] == '\\' && next == 'Q') {
			end = memmem(pattern + i, length - i, "\\E", 2);
			end = end != NULL ? end + 2 : pattern + length;
			tr_bytes_append(out, pattern + i, (size_t)(end - pattern) - i);
			i = (size_t)(end - pattern) - 1;
			continue;
		}
		if (pattern[i] == '\\' && (next == 'p' || next == 'P') && i + 2 < length && pattern[i + 2] == '{')
			end = memchr(pattern + i, '}', length - i);
		if (end != NULL) {
			append_class(out, pattern + i + 3, (size_t)(end - pattern) - i - 3, next == 'P', is_in_class);
			i = (size_t)(end - pattern);
			continue;
		}
		if (pattern[i] == '[')
			is_in_class = true;
		else if (pattern[i] == ']')
			is_in_class = false;
		tr_bytes_append(out, pattern + i, pattern[i] == '\\' && next != 0 ? 2 : 1);
		i += pattern[i] == '\\' && next != 0;
	}
}

/* Whether a class stands in a class, or && joins two: in Java's sense, which PCRE2 does not know and would read as characters. */
static bool has_joined_classes(const char *pattern, size_t length)
{
	size_t first = 0; /* character of the class; 0: outside of one */

	for (size_t i = 0; i < length; i++) {
		const char next = i + 1 < length ? pattern[i + 1] : 0;

		if (pattern[i] == '\\' && next == 'Q') {
			const char *end = memmem(pattern + i, length - i, "\\E", 2);

			i = end != NULL ? (size_t)(end - pattern) + 1 : length;
		} else if (pattern[i] == '\\') {
			i++;
		} else if (first == 0) {
			if (pattern[i] == '[')
				first = i + (next == '^' ? 2 : 1);
		} else if (pattern[i] == ']' && i > first) {
			first = 0;
		} else if ((pattern[i] == '[' && next != ':') || (pattern[i] == '&' && next == '&')) {
			return true;
		}
	}
	return false;
}

bool tr_regex_compile(struct tr_regex *regex, const char *pattern, size_t length, char *error)
{
	if (regex->pattern != NULL && regex->pattern_length == length && memcmp(regex->pattern, pattern, length) == 0)
		return regex->is_valid;
	drop_codes(regex);
	regex->pattern = malloc(length + 1);
	TR_ASSERT(regex->pattern != NULL);
	memcpy(regex->pattern, pattern, length);
	regex->pattern_length = length;
	if (has_joined_classes(pattern, length)) {
		if (error != NULL)
			snprintf(error, TR_REGEX_ERROR_BYTES, "classes in classes, and &&, are not supported yet");
		return false;
	}
	tr_bytes_clear(&regex->translated);
	if (length > 0 && memchr(pattern, '\\', length) != NULL)
		translate(&regex->translated, pattern, length);
	else
		tr_bytes_append(&regex->translated, pattern, length);
	tr_bytes_append_char(&regex->translated, '\0');
	for (int form = 0; form < FORM_COUNT; form++) {
		uint32_t options = form == FORM_UTF ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0;
		int code;
		size_t offset;

		regex->codes[form] = pcre2_compile((PCRE2_SPTR)regex->translated.data, regex->translated.length - 1,
						   options, &code, &offset, regex->compile_context);
		if (regex->codes[form] == NULL) {
			unsigned char message[120];

			if (form == FORM_ASCII && (unsigned char)regex->translated.data[offset] >= 0x80)
				continue; /* such a pattern needs UTF, and is used with it only */
			pcre2_get_error_message(code, message, sizeof(message));
			if (error != NULL)
				snprintf(error, TR_REGEX_ERROR_BYTES, "%s at character %zu", message, offset + 1);
			return false;
		}
		/* without it the interpreter runs */
		regex->has_jit[form] = pcre2_jit_compile(regex->codes[form], PCRE2_JIT_COMPLETE) == 0;
		regex->matches[form] = pcre2_match_data_create_from_pattern(regex->codes[form], NULL);
		TR_ASSERT(regex->matches[form] != NULL);
	}
	pcre2_pattern_info(regex->codes[FORM_UTF], PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
	regex->is_valid = true;
	return true;
}

static bool is_ascii(const char *text, size_t length)
{
	uint64_t high = 0;
	size_t i = 0;

	for (; i + 32 <= length; i += 32) {
		uint64_t words[4];

		memcpy(words, text + i, 32);
		high |= words[0] | words[1] | words[2] | words[3];
	}
	for (; i + 8 <= length; i += 8) {
		uint64_t eight;

		memcpy(&eight, text + i, 8);
		high |= eight;
	}
	for (; i < length; i++)
		high |= (unsigned char)text[i];
	return (high & UINT64_C(0x8080808080808080)) == 0;
}

int tr_regex_find(struct tr_regex *regex, const char *text, size_t length, size_t from)
{
	int found;

	TR_DASSERT(regex->is_valid && from <= length);
	regex->used = regex->codes[FORM_ASCII] != NULL && is_ascii(text, length) ? FORM_ASCII : FORM_UTF;
	/* Bytes need no check, so that their JIT code is called directly. */
	if (regex->used == FORM_ASCII && regex->has_jit[FORM_ASCII])
		found = pcre2_jit_match(regex->codes[FORM_ASCII], (PCRE2_SPTR)text, length, from, 0,
					regex->matches[FORM_ASCII], regex->match_context);
	else
		found = pcre2_match(regex->codes[regex->used], (PCRE2_SPTR)text, length, from, 0,
				    regex->matches[regex->used], regex->match_context);
	if (found >= 0)
		return 1;
	return found == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

bool tr_regex_group(const struct tr_regex *regex, int64_t group, size_t *begin, size_t *end)
{
	const pcre2_match_data *match = regex->matches[regex->used];
	PCRE2_SIZE *offsets = pcre2_get_ovector_pointer((pcre2_match_data *)(uintptr_t)match);

	if (group < 0 || group > regex->group_count || offsets[2 * group] == PCRE2_UNSET)
		return false;
	*begin = offsets[2 * group];
	*end = TR_MAX(offsets[2 * group + 1], *begin);
	return true;
}

uint32_t tr_regex_group_count(const struct tr_regex *regex) { return regex->group_count; }
