/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON texts as Flink's Jackson writes them, and a round trip through the decoder.
 */
#include "tr_test.h"

#include "encode_test.h"
#include "json_naive.h"

static void expect(struct format_test_table *t, const char *json, const char *expected)
{
	struct tr_status st = {0};
	struct tr_bytes out;

	assert_int_equal(encode_text(t, &tr_format_json, json, NULL, 0, &out, &st), TR_OK);
	assert_string_equal(out.data, expected);
	tr_bytes_deinit(&out);
}

static void all_types(void **state)
{
	struct format_test_table t;

	table_begin(&t, &tr_format_json);
	table_column(&t, "b", tr_type_of(TR_TYPE_BOOLEAN));
	table_column(&t, "i", tr_type_of(TR_TYPE_TINYINT));
	table_column(&t, "f", tr_type_of(TR_TYPE_FLOAT));
	table_column(&t, "n", tr_type_decimal(&t.arena, 30, 9));
	table_column(&t, "da", tr_type_of(TR_TYPE_DATE));
	table_column(&t, "ti", tr_type_of(TR_TYPE_TIME));
	table_column(&t, "ts", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP, 3));
	table_column(&t, "tz", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP_LTZ, 9));
	table_column(&t, "y", tr_type_of(TR_TYPE_VARBINARY));
	expect(&t,
	       "{\"b\":false,\"i\":-5,\"f\":1.1,\"n\":0.000000027,\"da\":\"2001-02-03\",\"ti\":\"10:20:30\","
	       "\"ts\":\"2001-02-03 04:05:06.5\",\"tz\":\"2001-02-03 "
	       "04:05:06.000000001Z\",\"y\":\"AQI=\"}\n{\"f\":\"NaN\",\"n\":1200}\n",
	       "{\"b\":false,\"i\":-5,\"f\":1.1,\"n\":2.7E-8,\"da\":\"2001-02-03\",\"ti\":\"10:20:30\","
	       "\"ts\":\"2001-02-03 04:05:06.5\",\"tz\":\"2001-02-03 04:05:06.000000001Z\",\"y\":\"AQI=\"}\n"
	       "{\"b\":null,\"i\":null,\"f\":\"NaN\",\"n\":1.2E+3,\"da\":null,\"ti\":null,\"ts\":null,\"tz\":null,"
	       "\"y\":null}\n");
	table_option(&t, "json.encode.decimal-as-plain-number", "true");
	table_option(&t, "json.encode.ignore-null-fields", "true");
	table_option(&t, "json.timestamp-format.standard", "ISO-8601");
	expect(&t,
	       "{\"n\":0.000000027,\"ts\":\"2001-02-03 04:05:00\",\"tz\":\"2001-02-03 04:05:06Z\"}\n{\"n\":-1200}\n",
	       "{\"n\":0.000000027,\"ts\":\"2001-02-03T04:05:00\",\"tz\":\"2001-02-03T04:05:06Z\"}\n{\"n\":-1200}\n");
	table_end(&t);
	(void)state;
}

static void nested_and_escaped(void **state)
{
	struct format_test_table t;
	const char *json = "{\"i\":1,\"s\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001caf\xc3\xa9\",\"b\":null,\"a\":[1,null],"
			   "\"m\":{\"k\":\"v\",\"l\":null},\"r\":{\"x\":1,\"y\":null,\"z\":[]}}\n";

	naive_json_table(&t);
	expect(&t, json, json);
	table_end(&t);
	(void)state;
}

/** A decoded map has no NULL keys, so they are made here. */
static tr_code encode_null_key(const char *mode, struct tr_bytes *out, struct tr_status *st)
{
	struct format_test_table t;
	struct tr_batch_buffer *batch;
	struct tr_encoder *encoder;
	tr_code code;

	table_begin(&t, &tr_format_json);
	table_column(&t, "m", tr_type_map(&t.arena, tr_type_of(TR_TYPE_VARCHAR), tr_type_of(TR_TYPE_INT)));
	if (mode != NULL)
		table_option(&t, "json.map-null-key.mode", mode);
	table_option(&t, "json.map-null-key.literal", "none");
	batch = tr_batch_buffer_create(&t.schema, 4);
	for (uint32_t i = 0; i < 2; i++) {
		((struct tr_view *)batch->columns[0].children[0].data)[i] = tr_view_make("k", 1);
		((int32_t *)batch->columns[0].children[1].data)[i] = (int32_t)i;
	}
	tr_bit_clear(batch->columns[0].children[0].validity, 0);
	batch->columns[0].children[0].has_nulls = true;
	batch->columns[0].offsets[1] = 2;
	tr_batch_buffer_seal(batch, 1);
	memset(out, 0, sizeof(*out));
	assert_int_equal(tr_format_json.encoder->create(&t.spec, &encoder, st), TR_OK);
	code = tr_format_json.encoder->encode(encoder, &batch->batch, NULL, 1, out, st);
	tr_bytes_append_char(out, '\0');
	tr_format_json.encoder->destroy(&encoder);
	tr_batch_buffer_destroy(&batch);
	table_end(&t);
	return code;
}

static void null_keys(void **state)
{
	struct tr_status st = {0};
	struct tr_bytes out;

	assert_int_equal(encode_null_key(NULL, &out, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "json.map-null-key.mode"));
	tr_bytes_deinit(&out);
	assert_int_equal(encode_null_key("DROP", &out, &st), TR_OK);
	assert_string_equal(out.data, "{\"m\":{\"k\":1}}\n");
	tr_bytes_deinit(&out);
	assert_int_equal(encode_null_key("literal", &out, &st), TR_OK);
	assert_string_equal(out.data, "{\"m\":{\"none\":0,\"k\":1}}\n");
	tr_bytes_deinit(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types),
		cmocka_unit_test(nested_and_escaped),
		cmocka_unit_test(null_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
