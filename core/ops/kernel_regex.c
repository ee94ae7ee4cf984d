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
#include "core/ops/regex_java.h"

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
	struct tr_bytes translated; /* as PCRE2 reads it, and a NUL */
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

bool tr_regex_compile(struct tr_regex *regex, const char *pattern, size_t length, char *error)
{
	const char *problem;

	if (regex->pattern != NULL && regex->pattern_length == length && memcmp(regex->pattern, pattern, length) == 0)
		return regex->is_valid;
	drop_codes(regex);
	regex->pattern = malloc(length + 1);
	TR_ASSERT(regex->pattern != NULL);
	memcpy(regex->pattern, pattern, length);
	regex->pattern_length = length;
	tr_bytes_clear(&regex->translated);
	problem = tr_regex_java(&regex->translated, pattern, length);
	if (problem != NULL) {
		if (error != NULL)
			snprintf(error, TR_REGEX_ERROR_BYTES, "%s", problem);
		return false;
	}
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
