/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON: the decoder against the naive parser of the tests, on any bytes. The first three bytes of the input choose the
 * options, the pieces and the batch capacity; the rest is the text.
 *
 * One thing is left open: an equal key that comes again may have had a bad value the first time, which the decoder
 * reports and the naive parser, who looks at the last one only, does not.
 */
#include "../io/json_naive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Such a line is the rest of an array to the decoder (io/decode_json.c), and broken to the naive parser. */
static bool begins_with_comma(const char *text, size_t length)
{
	bool is_start = true;

	for (size_t i = 0; i < length; i++) {
		if (is_start && text[i] == ',')
			return true;
		is_start = text[i] == '\n' || (is_start && strchr(" \t\r", text[i]) != NULL);
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t capacities[] = {1, 7, 100, 2048};
	struct format_test_table t;
	struct naive_rows expected = {0};
	struct decoded got;
	bool is_same;

	if (size < 3 || begins_with_comma((const char *)data + 3, size - 3))
		return 0;
	naive_json_table(&t);
	if (data[0] & 1) {
		expected.ignore_errors = true;
		table_option(&t, "json.ignore-parse-errors", "true");
	} else if (data[0] & 2) {
		expected.fail_on_missing = true;
		table_option(&t, "json.fail-on-missing-field", "true");
	}
	naive_json_decode(&expected, (const char *)data + 3, size - 3);
	decode_all(&t.spec, (const char *)data + 3, size - 3, data[1], capacities[data[2] & 3], data[2], &got);
	is_same = decoded_has_rows(&got, &expected.rows, expected.is_failed) && got.rows_bad == expected.rows_bad;
	if (!is_same && got.is_failed && (strstr(got.reason, "is not a value") || strstr(got.reason, "out of range")))
		is_same = true; /* perhaps a value that an equal key replaces */
	if (!is_same) {
		fprintf(stderr, "decoder (%s):\n%s\nnaive:\n%s\n", got.reason, got.rows.data, expected.rows.data);
		abort();
	}
	tr_bytes_deinit(&expected.rows);
	decoded_free(&got);
	table_end(&t);
	return 0;
}
