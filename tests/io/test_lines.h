/* SPDX-License-Identifier: Apache-2.0
 *
 * A small format for the tests of files: each record is `number,text` and a line end (LF or CR LF); a text in double
 * quotes may hold line ends and "" for a quote. Blank lines are skipped. Written as plainly as can be, so that it
 * can be an oracle's half: the other half is the test, which knows the rows that it has written.
 */
#ifndef TR_TEST_LINES_H
#define TR_TEST_LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/column_buffer.h"
#include "base/type.h"
#include "io/format.h"

#define TEST_UNUSED __attribute__((unused))

struct tr_decoder {
	const struct tr_table_spec *spec;
};

static tr_code test_lines_create(const struct tr_table_spec *spec, struct tr_decoder **decoder, struct tr_status *st)
{
	*decoder = calloc(1, sizeof(**decoder));
	(*decoder)->spec = spec;
	return TR_OK;
}

static void test_lines_destroy(struct tr_decoder **decoder)
{
	free(*decoder);
	*decoder = NULL;
}

/** The length of the record at `text` with its line end, or 0 when it is not whole. */
static size_t test_lines_record(const char *text, size_t length, bool is_final)
{
	bool is_quoted = false;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"')
			is_quoted = !is_quoted;
		if (text[i] == '\n' && !is_quoted)
			return i + 1;
	}
	return is_final ? length : 0;
}

static bool test_lines_row(const char *text, size_t length, struct tr_batch_buffer *into, uint32_t row,
			   struct tr_decode_error *error)
{
	const char *comma = memchr(text, ',', length);
	const char *value;
	size_t value_length;
	char *end;
	char digits[32] = "";
	bool is_escaped;

	if (comma == NULL || comma - text > 25 || comma == text) {
		error->offset = 0;
		snprintf(error->reason, sizeof(error->reason), "no number and comma");
		return false;
	}
	memcpy(digits, text, (size_t)(comma - text));
	((int64_t *)into->columns[0].data)[row] = strtoll(digits, &end, 10);
	if (*end != '\0') {
		error->offset = 0;
		error->field = "id";
		snprintf(error->reason, sizeof(error->reason), "'%s' is not a BIGINT", digits);
		return false;
	}
	value = comma + 1;
	value_length = length - (size_t)(value - text);
	if (value_length < 2 || value[0] != '"') {
		((struct tr_view *)into->columns[1].data)[row] = tr_view_make(value, (uint32_t)value_length);
		return true;
	}
	value++;
	value_length -= 2;
	is_escaped = memmem(value, value_length, "\"\"", 2) != NULL;
	if (is_escaped) {
		char *copy = malloc(value_length);
		size_t n = 0;

		for (size_t i = 0; i < value_length; i++) {
			copy[n++] = value[i];
			i += value[i] == '"';
		}
		((struct tr_view *)into->columns[1].data)[row] = tr_batch_buffer_view(into, copy, (uint32_t)n);
		free(copy);
	} else {
		((struct tr_view *)into->columns[1].data)[row] = tr_view_make(value, (uint32_t)value_length);
	}
	return true;
}

static enum tr_flow test_lines_decode(struct tr_decoder *decoder, const char *span, size_t length, bool is_final,
				      struct tr_batch_buffer *into, uint32_t at, struct tr_decode_result *result,
				      struct tr_decode_error *error)
{
	memset(result, 0, sizeof(*result));
	while (at + result->rows < into->capacity && result->consumed < length) {
		const char *text = span + result->consumed;
		const size_t whole = test_lines_record(text, length - result->consumed, is_final);
		size_t body = whole;

		if (whole == 0)
			break;
		if (body > 0 && text[body - 1] == '\n')
			body--;
		if (body > 0 && text[body - 1] == '\r')
			body--;
		if (body > 0) {
			error->field = NULL;
			if (!test_lines_row(text, body, into, at + result->rows, error)) {
				error->offset += result->consumed;
				error->record_offset = result->consumed;
				return TR_FLOW_FAILED;
			}
			result->rows++;
		}
		result->consumed += whole;
	}
	return TR_FLOW_MORE;
}

static size_t test_lines_find_start(const char *span, size_t length, size_t from)
{
	for (size_t i = from - 1; i < length; i++) {
		if (span[i] == '\n')
			return i + 1;
	}
	return length;
}

static const struct tr_decoder_ops test_lines_decoder TEST_UNUSED = {
	.create = test_lines_create,
	.destroy = test_lines_destroy,
	.decode = test_lines_decode,
	.find_start = test_lines_find_start,
};

#endif
