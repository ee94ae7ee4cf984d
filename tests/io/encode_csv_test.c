/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV texts as Flink's Jackson writes them, and a round trip through the decoder.
 */
#include "tr_test.h"

#include "encode_test.h"

static void expect(struct format_test_table *t, const char *json, const char *csv)
{
	struct tr_status st = {0};
	struct tr_bytes out;

	assert_int_equal(encode_text(t, &tr_format_csv, json, NULL, 0, &out, &st), TR_OK);
	assert_string_equal(out.data, csv);
	tr_bytes_deinit(&out);
}

static void all_types(void **state)
{
	struct format_test_table t;

	table_begin(&t, &tr_format_csv);
	table_column(&t, "b", tr_type_of(TR_TYPE_BOOLEAN));
	table_column(&t, "i", tr_type_of(TR_TYPE_BIGINT));
	table_column(&t, "d", tr_type_of(TR_TYPE_DOUBLE));
	table_column(&t, "n", tr_type_decimal(&t.arena, 10, 2));
	table_column(&t, "da", tr_type_of(TR_TYPE_DATE));
	table_column(&t, "ti", tr_type_of(TR_TYPE_TIME));
	table_column(&t, "ts", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP, 3));
	table_column(&t, "tz", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP_LTZ, 3));
	table_column(&t, "y", tr_type_of(TR_TYPE_VARBINARY));
	expect(&t,
	       "{\"b\":true,\"i\":-5,\"d\":1e10,\"n\":1.50,\"da\":\"2001-02-03\",\"ti\":\"10:20:30.5\","
	       "\"ts\":\"2001-02-03 04:05:06\",\"tz\":\"2001-02-03 04:05:06.120Z\",\"y\":\"AQI=\"}\n{}\n"
	       "{\"n\":100.00}\n",
	       "true,-5,1.0E10,1.5,2001-02-03,10:20:30.5,\"2001-02-03 04:05:06\",\"2001-02-03 04:05:06.12Z\",AQI=\n"
	       ",,,,,,,,\n,,,1E+2,,,,,\n");
	table_option(&t, "csv.write-bigdecimal-in-scientific-notation", "false");
	table_option(&t, "csv.null-literal", "NULL");
	table_option(&t, "csv.disable-quote-character", "true");
	expect(&t, "{\"n\":100.00,\"ts\":\"2001-02-03 04:05:06\"}",
	       "NULL,NULL,NULL,100,NULL,NULL,2001-02-03 04:05:06,NULL,NULL\n");
	table_end(&t);
	(void)state;
}

static void texts_are_quoted_as_jackson_does(void **state)
{
	struct format_test_table t;

	table_begin(&t, &tr_format_csv);
	table_column(&t, "s", tr_type_of(TR_TYPE_VARCHAR));
	table_column(&t, "x", tr_type_of(TR_TYPE_INT));
	expect(&t,
	       "{\"s\":\"plain\"}\n{\"s\":\"a b\"}\n{\"s\":\"a,b\"}\n{\"s\":\"say \\\"x\\\"\"}\n{\"s\":\"\"}\n"
	       "{\"s\":\"line\\nend\"}\n{\"s\":\"abcdefghijklmnopqrstuvwx\"}\n{\"s\":\"abcdefghijklmnopqrstuvwxy\"}\n"
	       "{\"s\":\"caf\xc3\xa9\"}\n{\"s\":\"a-b/c\"}\n{\"s\":\"a+b\"}\n",
	       "plain,\n\"a b\",\n\"a,b\",\n\"say \"\"x\"\"\",\n,\n\"line\nend\",\nabcdefghijklmnopqrstuvwx,\n"
	       "\"abcdefghijklmnopqrstuvwxy\",\ncaf\xc3\xa9,\na-b/c,\n\"a+b\",\n");
	table_option(&t, "csv.escape-character", "\\");
	table_option(&t, "csv.field-delimiter", ";");
	expect(&t, "{\"s\":\"x\\\"y\\\\z\",\"x\":1}\n", "\"x\\\"y\\\\z\";1\n");
	table_end(&t);
	(void)state;
}

static void arrays_and_rows(void **state)
{
	struct format_test_table t;
	const char *names[2] = {"x", "y"};
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_VARCHAR)};

	table_begin(&t, &tr_format_csv);
	table_column(&t, "a", tr_type_array(&t.arena, types[0]));
	table_column(&t, "r", tr_type_row(&t.arena, names, types, 2));
	expect(&t, "{\"a\":[1,2,3],\"r\":{\"x\":1,\"y\":\"two\"}}\n{\"a\":[]}\n", "1;2;3,1;two\n,\n");
	table_end(&t);
	(void)state;
}

static void only_the_rows_asked_for(void **state)
{
	const uint32_t rows[2] = {2, 0};
	struct format_test_table t;
	struct tr_bytes out;

	table_begin(&t, &tr_format_csv);
	table_column(&t, "i", tr_type_of(TR_TYPE_INT));
	assert_int_equal(encode_text(&t, &tr_format_csv, "{\"i\":1}\n{\"i\":2}\n{\"i\":3}\n", rows, 2, &out, NULL),
			 TR_OK);
	assert_string_equal(out.data, "3\n1\n");
	tr_bytes_deinit(&out);
	table_end(&t);
	(void)state;
}

/** What was written reads back: random texts of awkward characters, in every dialect. */
static void round_trip(void **state)
{
	static const char *const options[][2] = {{NULL, NULL},
						 {"csv.field-delimiter", "|"},
						 {"csv.quote-character", "'"},
						 {"csv.escape-character", "\\"},
						 {"csv.null-literal", "nil"}};
	static const char *const pieces[] = {"a", " ", ",",    "\\\"",        "'",          "\\n", "\\r",
					     "|", ";", "\\\\", "caf\xc3\xa9", "long text ", "#"};
	uint64_t seed = 5;

	for (int round = 0; round < 500; round++) {
		size_t o = (size_t)round % 5;
		struct format_test_table t;
		struct tr_bytes json = {0}, csv;
		struct decoded from_json, from_csv;
		struct tr_table_spec spec;

		table_begin(&t, &tr_format_csv);
		table_column(&t, "s", tr_type_of(TR_TYPE_VARCHAR));
		table_column(&t, "i", tr_type_of(TR_TYPE_BIGINT));
		table_column(&t, "u", tr_type_of(TR_TYPE_VARCHAR));
		if (options[o][0] != NULL)
			table_option(&t, options[o][0], options[o][1]);
		for (uint32_t r = tr_test_below(&seed, 20) + 1; r > 0; r--) {
			for (int f = 0; f < 2; f++) {
				tr_bytes_append_str(&json, f == 0 ? "{\"s\":\"" : "\",\"i\":5,\"u\":\"");
				for (uint32_t k = tr_test_below(&seed, 6); k > 0; k--)
					tr_bytes_append_str(&json, pieces[tr_test_below(&seed, 13)]);
			}
			tr_bytes_append_str(&json, "\"}\n");
		}
		tr_bytes_append_char(&json, '\0');
		assert_int_equal(encode_text(&t, &tr_format_csv, json.data, NULL, 0, &csv, NULL), TR_OK);
		spec = t.spec;
		spec.options.count = 0;
		spec.format = &tr_format_json;
		decode_all(&spec, json.data, json.length - 1, 0, 100, 1, &from_json);
		decode_all(&t.spec, csv.data, csv.length, 0, 100, 1, &from_csv);
		if (from_csv.is_failed)
			fail_msg("%s\n%s", from_csv.reason, csv.data);
		assert_string_equal(from_csv.rows.data, from_json.rows.data);
		decoded_free(&from_json);
		decoded_free(&from_csv);
		tr_bytes_deinit(&json);
		tr_bytes_deinit(&csv);
		table_end(&t);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types),       cmocka_unit_test(texts_are_quoted_as_jackson_does),
		cmocka_unit_test(arrays_and_rows), cmocka_unit_test(only_the_rows_asked_for),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
