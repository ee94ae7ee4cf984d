/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV: the decoder against the naive state machine of the tests, on any bytes. The first three bytes of the input choose
 * the options, the pieces and the batch capacity; the rest is the text. Also with AddressSanitizer over spans of exactly
 * their size.
 */
#include "../io/csv_naive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t capacities[] = {1, 7, 100, 2048};
	struct format_test_table t;
	bool is_integer[3] = {true, false, false};
	struct naive_csv naive = {.delimiter = ',', .quote = '"', .columns = 3, .is_integer = is_integer};
	struct naive_out expected;
	struct decoded got;

	if (size < 3)
		return 0;
	table_begin(&t, &tr_format_csv);
	table_column(&t, "a", tr_type_of(TR_TYPE_BIGINT));
	table_column(&t, "b", tr_type_of(TR_TYPE_VARCHAR));
	is_integer[2] = (data[0] & 32) != 0;
	table_column(&t, "c", tr_type_of(is_integer[2] ? TR_TYPE_BIGINT : TR_TYPE_VARCHAR));
	if (data[0] & 1) {
		naive.ignore_errors = true;
		table_option(&t, "csv.ignore-parse-errors", "true");
	}
	if (data[0] & 2) {
		naive.quote = 0;
		table_option(&t, "csv.disable-quote-character", "true");
	}
	if (data[0] & 4) {
		naive.escape = '\\';
		table_option(&t, "csv.escape-character", "\\");
	}
	if (data[0] & 8) {
		naive.comments = true;
		table_option(&t, "csv.allow-comments", "true");
	}
	if (data[0] & 16) {
		naive.null_literal = "N";
		table_option(&t, "csv.null-literal", "N");
	}
	naive_decode(&naive, (const char *)data + 3, size - 3, &expected);
	decode_all(&t.spec, (const char *)data + 3, size - 3, data[1], capacities[data[2] & 3], data[2], &got);
	if (got.is_failed != expected.is_failed || got.rows_bad != expected.rows_bad ||
	    got.fields_bad != expected.fields_bad || got.rows.length != expected.rows.length ||
	    memcmp(got.rows.data, expected.rows.data, got.rows.length) != 0) {
		fprintf(stderr, "decoder (%s):\n%s\nnaive:\n%s\n", got.reason, got.rows.data, expected.rows.data);
		abort();
	}
	tr_bytes_deinit(&expected.rows);
	decoded_free(&got);
	table_end(&t);
	return 0;
}
