/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON decoder against a naive parser over generated inputs (json_naive.h), with random pieces and batch
 * capacities, and against texts by hand: types, coercions, errors with their places, options.
 */
#include "tr_test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "json_naive.h"

static void expect_rows(struct format_test_table *t, const char *text, const char *rows)
{
	static const uint32_t capacities[] = {1, 7, 2048};
	static const size_t pieces[] = {0, 1, 5, 100};

	for (size_t c = 0; c < 3; c++)
		for (size_t p = 0; p < 4; p++) {
			struct decoded d;

			decode_all(&t->spec, text, strlen(text), pieces[p], capacities[c], p + c, &d);
			if (d.is_failed)
				fail_msg("%s: %s", d.error_field, d.reason);
			assert_string_equal(d.rows.data, rows);
			decoded_free(&d);
		}
}

static void expect_error(struct format_test_table *t, const char *text, size_t offset, size_t record, const char *field,
			 const char *reason)
{
	static const size_t pieces[] = {0, 1, 9};

	for (size_t p = 0; p < 3; p++) {
		struct decoded d;

		decode_all(&t->spec, text, strlen(text), pieces[p], 100, p, &d);
		assert_true(d.is_failed);
		if (strstr(d.reason, reason) == NULL)
			fail_msg("'%s' does not say '%s'", d.reason, reason);
		assert_int_equal(d.error_offset, offset);
		assert_int_equal(d.error_record, record);
		assert_string_equal(d.error_field, field);
		decoded_free(&d);
	}
}

static void all_scalar_types(void **state)
{
	struct format_test_table t;

	table_begin(&t, &tr_format_json);
	table_column(&t, "b", tr_type_of(TR_TYPE_BOOLEAN));
	table_column(&t, "i1", tr_type_of(TR_TYPE_TINYINT));
	table_column(&t, "i2", tr_type_of(TR_TYPE_SMALLINT));
	table_column(&t, "i4", tr_type_of(TR_TYPE_INT));
	table_column(&t, "i8", tr_type_of(TR_TYPE_BIGINT));
	table_column(&t, "f", tr_type_of(TR_TYPE_FLOAT));
	table_column(&t, "d", tr_type_of(TR_TYPE_DOUBLE));
	table_column(&t, "n", tr_type_decimal(&t.arena, 10, 2));
	table_column(&t, "s", tr_type_of(TR_TYPE_VARCHAR));
	table_column(&t, "y", tr_type_of(TR_TYPE_VARBINARY));
	table_column(&t, "da", tr_type_of(TR_TYPE_DATE));
	table_column(&t, "ti", tr_type_of(TR_TYPE_TIME));
	table_column(&t, "ts", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP, 3));
	table_column(&t, "tz", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP_LTZ, 6));
	expect_rows(
		&t,
		"{\"b\":true,\"i1\":-128,\"i2\":32767,\"i4\":-2147483648,\"i8\":9223372036854775807,\"f\":1.5,\"d\":1e-"
		"3,"
		"\"n\":3.145,\"s\":\"text\",\"y\":\"AQI=\",\"da\":\"2001-02-03\",\"ti\":\"10:20:30.5\","
		"\"ts\":\"2001-02-03 04:05:06.789\",\"tz\":\"2001-02-03 04:05:06.123456Z\"}\n"
		"{\"b\":\"TRUE\",\"i1\":\" 1 "
		"\",\"i2\":\"2\",\"i4\":3.99,\"i8\":-4e0,\"f\":\"5\",\"d\":6,\"n\":99999999999,"
		"\"s\":12.50,\"y\":\"\",\"da\":null,\"ti\":\"10:20:30\",\"ts\":\"2001-02-03 04:05:06\","
		"\"tz\":\"2001-02-03 04:05:06Z\"}\n{}\n",
		"+I[true, -128, 32767, -2147483648, 9223372036854775807, 1.5, 0.001, 3.15, text, [1, 2], 2001-02-03, "
		"10:20:30.500, 2001-02-03T04:05:06.789, 2001-02-03T04:05:06.123456Z]\n"
		"+I[true, 1, 2, 3, -4, 5.0, 6.0, null, 12.50, [], null, 10:20:30, 2001-02-03T04:05:06, "
		"2001-02-03T04:05:06Z]\n"
		"+I[null, null, null, null, null, null, null, null, null, null, null, null, null, null]\n");
	table_end(&t);
	(void)state;
}

static void timestamp_standards(void **state)
{
	static const char *const cases[][3] = {
		{"ISO-8601", "{\"a\":\"2001-02-03T04:05\",\"b\":\"2001-02-03T04:05:06.5Z\"}",
		 "+I[2001-02-03T04:05, 2001-02-03T04:05:06.500Z]\n"},
		{"iso-8601-with-offset", "{\"a\":\"2001-02-03T04:05:00+01:00\",\"b\":\"2001-02-03T04:05:06-00:30\"}",
		 "+I[2001-02-03T03:05, 2001-02-03T04:35:06Z]\n"}};

	for (size_t i = 0; i < 2; i++) {
		struct format_test_table t;

		table_begin(&t, &tr_format_json);
		table_column(&t, "a", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP, 3));
		table_column(&t, "b", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP_LTZ, 3));
		table_option(&t, "json.timestamp-format.standard", cases[i][0]);
		expect_rows(&t, cases[i][1], cases[i][2]);
		table_end(&t);
	}
	(void)state;
}

static void nested_values(void **state)
{
	struct format_test_table t;

	naive_json_table(&t);
	expect_rows(
		&t,
		"{\"a\":[1,null,3],\"m\":{\"k\":\"v\",\"n\":null},\"r\":{\"x\":1,\"y\":\"two\",\"z\":[\"a\",\"b\"]}}\n"
		" { \"r\" : { \"z\" : [ ] } , \"a\" : [ ] , \"m\" : { } , \"s\" : { \"q\" : [ 1 , \" \" ] } } \r\n"
		"\n[{\"i\":1},{\"i\":2}]\n[]\n"
		"{\"i\":1,\"i\":2,\"a\":[1,2],\"a\":[3],\"m\":{\"k\":\"1\",\"l\":\"2\",\"k\":\"3\"},\"r\":{\"x\":1},"
		"\"r\":{\"y\":\"2\"}}\n"
		"{\"\\u0069\":7,\"s\":\"\\u00e9\\ud83d\\ude00\\ud800x\\n\\/\"}",
		"+I[null, null, null, [1, null, 3], {k=v, n=null}, +I[1, two, [a, b]]]\n"
		"+I[null, {\"q\":[1,\" \"]}, null, [], {}, +I[null, null, []]]\n"
		"+I[1, null, null, null, null, null]\n+I[2, null, null, null, null, null]\n"
		"+I[2, null, null, [3], {l=2, k=3}, +I[null, 2, null]]\n"
		"+I[7, \xc3\xa9\xf0\x9f\x98\x80?x\n/, null, null, null, null]\n");
	table_end(&t);
	(void)state;
}

static void errors_have_their_place(void **state)
{
	struct format_test_table t;

	naive_json_table(&t);
	expect_error(&t, "{\"i\":1}\n{\"i\":x}\n", 13, 8, "i", "'x' stands where a value should be");
	expect_error(&t, "{\"i\":1}\n{\"i\":\"x\"}\n", 13, 8, "i", "'x' is not a value of BIGINT");
	expect_error(&t, "{\"i\":9223372036854775808}\n", 5, 0, "i", "out of range for BIGINT");
	expect_error(&t, "{\"r\":{\"x\":[]}}\n", 10, 0, "r.x", "'[]' is not a value of INT");
	expect_error(&t, "{\"i\":1,}\n", 7, 0, "", "'}' stands where a key should be");
	expect_error(&t, "{\"i\":1 \"s\":2}\n", 7, 0, "", "'\"' stands where ',' or '}' should be");
	expect_error(&t, "{\"i\":1\n", 6, 0, "", "the record ends where ',' or '}' should be");
	expect_error(&t, "{\"i\":1} x\n", 8, 0, "", "'x' stands where the end of the line should be");
	expect_error(&t, "{\"i\":01}\n", 5, 0, "i", "leading zero");
	expect_error(&t, "{\"q\":[1,2}\n", 9, 0, "", "'}' stands where ',' or ']' should be");
	expect_error(&t, "{\"q\":tru}\n", 5, 0, "", "'t' stands where a value should be");
	expect_error(&t, "{\"s\":\"a\tb\"}\n", 7, 0, "s", "control character");
	expect_error(&t, "{\"s\":\"a\\x\"}\n", 7, 0, "s", "unknown escape");
	expect_error(&t, "{\"s\":\"a\\u12g4\"}\n", 7, 0, "s", "hexadecimal");
	expect_error(&t, "{\"q\":\"\xff\"}\n", 5, 0, "", "not valid UTF-8");
	expect_error(&t, "{\"s\":\"abc\n", 5, 0, "s", "not closed");
	expect_error(&t, "{\"s\":\"abc", 5, 0, "s", "not closed");
	expect_error(&t, "12\n", 0, 0, "", "'1' stands where an object should be");
	table_end(&t);
	(void)state;
}

static void options(void **state)
{
	struct format_test_table t;
	struct tr_decoder *decoder;
	struct tr_status st = {0};

	naive_json_table(&t);
	table_option(&t, "json.ignore-parse-errors", "true");
	expect_rows(&t, "{\"i\":\"x\",\"s\":\"a\",\"a\":[1,\"y\",2]}\n{\"i\":1,\n{\"i\":2,\"r\":5}\n",
		    "+I[null, a, null, [1, null, 2], null, null]\n+I[2, null, null, null, null, null]\n");
	table_option(&t, "json.fail-on-missing-field", "true");
	assert_int_equal(tr_format_json.decoder->create(&t.spec, &decoder, &st), TR_ERR_DATA);
	table_end(&t);

	table_begin(&t, &tr_format_json);
	table_column(&t, "a", tr_type_of(TR_TYPE_INT));
	table_column(&t, "b", tr_type_of(TR_TYPE_INT));
	table_option(&t, "json.fail-on-missing-field", "true");
	expect_rows(&t, "{\"a\":1,\"b\":null}", "+I[1, null]\n");
	expect_error(&t, "{\"a\":1}", 1, 0, "b", "missing");
	t.needs[1] = NULL; /* what nobody needs raises no errors */
	t.spec.needs = t.needs;
	expect_rows(&t, "{\"a\":1}\n{\"b\":\"x\",\"a\":2}\n", "+I[1, null]\n+I[2, null]\n");
	expect_error(&t, "{\"a\":1,\"b\":01}\n", 11, 0, "", "leading zero"); /* but it must be JSON */
	table_end(&t);
	(void)state;
}

static void parts_of_rows(void **state)
{
	struct format_test_table t;
	struct tr_need part = {0};
	const struct tr_need *fields[3] = {NULL, NULL, NULL};

	naive_json_table(&t);
	fields[1] = &t.whole;
	part.children = fields;
	t.needs[5] = &part;
	t.needs[0] = NULL;
	t.spec.needs = t.needs;
	expect_rows(&t, "{\"i\":\"x\",\"r\":{\"x\":\"bad\",\"y\":\"good\",\"z\":1}}\n{\"r\":null}\n",
		    "+I[null, null, null, null, null, +I[null, good, null]]\n+I[null, null, null, null, null, null]\n");
	table_end(&t);
	(void)state;
}

static void unfit_types_are_refused(void **state)
{
	struct format_test_table t;
	struct tr_decoder *decoder;
	struct tr_status st = {0};

	table_begin(&t, &tr_format_json);
	table_column(&t, "m", tr_type_map(&t.arena, tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_INT)));
	assert_int_equal(tr_format_json.decoder->create(&t.spec, &decoder, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "column 'm'"));
	table_end(&t);
	(void)state;
}

static void extremes(void **state)
{
	struct format_test_table t;
	struct decoded d;
	size_t bytes = 16u << 20;
	char *text = malloc(bytes + 100);

	naive_json_table(&t);
	/* nesting of 100,000, where it is skipped and where it is a text */
	memset(text, '[', 100010);
	memcpy(text, "{\"q\":", 5);
	decode_all(&t.spec, text, 100005, 0, 10, 1, &d);
	assert_true(d.is_failed);
	assert_non_null(strstr(d.reason, "nested"));
	decoded_free(&d);
	memcpy(text, "{\"s\":", 5);
	decode_all(&t.spec, text, 100005, 0, 10, 1, &d);
	assert_true(d.is_failed);
	assert_non_null(strstr(d.reason, "nested"));
	decoded_free(&d);
	/* a field of 16 MiB */
	memset(text, 'x', bytes + 10);
	memcpy(text, "{\"s\":\"", 6);
	memcpy(text + bytes, "\"}\n", 3);
	decode_all(&t.spec, text, bytes + 3, 0, 10, 1, &d);
	assert_false(d.is_failed);
	assert_int_equal(d.row_count, 1);
	decoded_free(&d);
	/* an array of more objects than a batch has rows */
	decode_all(&t.spec, "[{}, {} ,{}]", 12, 0, 2, 1, &d);
	assert_false(d.is_failed);
	assert_int_equal(d.row_count, 3);
	decoded_free(&d);
	/* NUL bytes */
	decode_all(&t.spec, "{\"s\":\"a\0b\"}\n", 12, 0, 2, 1, &d);
	assert_true(d.is_failed);
	decoded_free(&d);
	free(text);
	table_end(&t);
	(void)state;
}

static void big_maps_keep_the_last(void **state)
{
	struct format_test_table t;
	struct decoded d;
	struct tr_bytes text = {0}, expected = {0};

	naive_json_table(&t);
	tr_bytes_append_str(&text, "{\"m\":{");
	for (int i = 0; i < 3000; i++)
		tr_bytes_printf(&text, "%s\"key number %d\":\"%d\"", i > 0 ? "," : "", i % 2000, i);
	tr_bytes_append_str(&text, "}}\n");
	tr_bytes_append_str(&expected, "+I[null, null, null, null, {");
	for (int i = 1000; i < 3000; i++)
		tr_bytes_printf(&expected, "%skey number %d=%d", i > 1000 ? ", " : "", i % 2000, i);
	tr_bytes_append_str(&expected, "}, null]\n");
	tr_bytes_append_char(&expected, '\0');
	decode_all(&t.spec, text.data, text.length, 0, 10, 1, &d);
	assert_string_equal(d.rows.data, expected.data);
	decoded_free(&d);
	tr_bytes_deinit(&text);
	tr_bytes_deinit(&expected);
	table_end(&t);
	(void)state;
}

/* ---- against the naive parser ---- */

struct writer {
	uint64_t *seed;
	struct tr_bytes *out;
	int mess; /* 0: only good JSON of the right types */
};

static void blanks(struct writer *w)
{
	while (w->mess > 0 && tr_test_below(w->seed, 6) == 0)
		tr_bytes_append_char(w->out, " \t\r "[tr_test_below(w->seed, 4)]);
}

static void write_string(struct writer *w)
{
	static const char *const words[] = {"",
					    "a",
					    "hello",
					    "caf\xc3\xa9",
					    "a longer text than a view holds",
					    "12",
					    " 7 ",
					    "true",
					    "\\n",
					    "\\u0041",
					    "\\ud83d\\ude00",
					    "\\ud800",
					    "\\udc00\\ud800",
					    "\\\"",
					    "\xf0\x9f\x98\x80",
					    "sixty-four bytes of text that need more than one vector load!!"};
	static const char *const bad[] = {"\xff", "\\x", "\x01", "\xed\xa0\x80", "\\u12", "\xc3"};

	tr_bytes_append_char(w->out, '"');
	for (uint32_t i = tr_test_below(w->seed, 3); i > 0; i--)
		tr_bytes_append_str(w->out, words[tr_test_below(w->seed, sizeof(words) / sizeof(words[0]))]);
	if (w->mess > 1 && tr_test_below(w->seed, 60) == 0)
		tr_bytes_append_str(w->out, bad[tr_test_below(w->seed, sizeof(bad) / sizeof(bad[0]))]);
	tr_bytes_append_char(w->out, '"');
}

static void write_number(struct writer *w)
{
	static const char *const numbers[] = {"0",
					      "-1",
					      "7",
					      "42",
					      "123456789",
					      "12345678",
					      "1234567890123456",
					      "9223372036854775807",
					      "-9223372036854775808",
					      "12345678901234567",
					      "2147483647",
					      "-0"};
	static const char *const odd[] = {"1.5", "-2.99", "1e3",        "1E-2", "9223372036854775808",     "01", "-",
					  "1.",  "1e",    "2147483648", "1e19", "99999999999999999999999", "+1"};

	if (w->mess > 1 && tr_test_below(w->seed, 20) == 0)
		tr_bytes_append_str(w->out, odd[tr_test_below(w->seed, sizeof(odd) / sizeof(odd[0]))]);
	else
		tr_bytes_append_str(w->out, numbers[tr_test_below(w->seed, sizeof(numbers) / sizeof(numbers[0]))]);
}

static void write_any(struct writer *w, const char *type, int depth);

static void write_object(struct writer *w, const char *const *names, const char *const *types, int count, int depth)
{
	bool has_any = false;
	uint32_t start = w->mess > 0 && tr_test_below(w->seed, 3) == 0 ? tr_test_below(w->seed, (uint32_t)count) : 0;

	tr_bytes_append_char(w->out, '{');
	for (int i = 0; i < count; i++) {
		int k = (i + (int)start) % count;

		if (w->mess > 0 && tr_test_below(w->seed, 8) == 0)
			continue;
		if (has_any)
			tr_bytes_append_char(w->out, w->mess > 1 && tr_test_below(w->seed, 300) == 0 ? ' ' : ',');
		has_any = true;
		blanks(w);
		if (w->mess > 0 && tr_test_below(w->seed, 30) == 0 && strlen(names[k]) == 1)
			tr_bytes_printf(w->out, "\"\\u%04x\"", (unsigned)names[k][0]);
		else
			tr_bytes_printf(w->out, "\"%s\"", names[k]);
		blanks(w);
		tr_bytes_append_char(w->out, ':');
		blanks(w);
		write_any(w, types[k], depth + 1);
		blanks(w);
	}
	if (w->mess > 1 && tr_test_below(w->seed, 200) == 0)
		tr_bytes_append_char(w->out, ",}]x"[tr_test_below(w->seed, 4)]);
	tr_bytes_append_char(w->out, '}');
}

static void write_any(struct writer *w, const char *type, int depth)
{
	static const char *const row_names[] = {"x", "y", "z"}, *const row_types[] = {"i", "s", "[s"};
	static const char *const other_names[] = {"k", "l", "k2"}, *const other_types[] = {"s", "?", "s"};

	if (w->mess > 0 && tr_test_below(w->seed, 12) == 0) {
		tr_bytes_append_str(w->out, "null");
		return;
	}
	if (*type == '?' || (w->mess > 1 && tr_test_below(w->seed, 25) == 0)) {
		static const char *const kinds[] = {"i", "s", "b", "[i", "{", "r"};

		type = depth > 6 ? "i" : kinds[tr_test_below(w->seed, 6)];
	}
	switch (*type) {
	case 'i': write_number(w); break;
	case 's': write_string(w); break;
	case 'b': tr_bytes_append_str(w->out, tr_test_below(w->seed, 2) ? "true" : "false"); break;
	case '[':
		tr_bytes_append_char(w->out, '[');
		for (uint32_t i = tr_test_below(w->seed, 4); i > 0; i--) {
			blanks(w);
			write_any(w, type + 1, depth + 1);
			blanks(w);
			if (i > 1)
				tr_bytes_append_char(w->out, ',');
		}
		tr_bytes_append_char(w->out, ']');
		break;
	case '{': write_object(w, other_names, other_types, 1 + (int)tr_test_below(w->seed, 3), depth); break;
	default: write_object(w, row_names, row_types, 3, depth); break;
	}
}

static void write_record(struct writer *w)
{
	static const char *const names[] = {"i",
					    "s",
					    "b",
					    "unknown",
					    "a",
					    "m",
					    "another key with a name that is too long to be learned by the decoder",
					    "r"};
	static const char *const types[] = {"i", "s", "b", "?", "[i", "{", "?", "r"};

	if (w->mess > 0 && tr_test_below(w->seed, 15) == 0) {
		tr_bytes_append_char(w->out, '[');
		for (uint32_t i = tr_test_below(w->seed, 3); i > 0; i--) {
			write_object(w, names, types, 8, 1);
			if (i > 1)
				tr_bytes_append_char(w->out, ',');
		}
		tr_bytes_append_char(w->out, ']');
	} else {
		write_object(w, names, types, 8, 0);
	}
	if (w->mess > 1 && tr_test_below(w->seed, 30) == 0)
		w->out->length -= 1 + tr_test_below(w->seed, (uint32_t)w->out->length);
	tr_bytes_append_char(w->out, '\n');
}

static void follows_the_naive_parser(void **state)
{
	static const uint32_t capacities[] = {1, 7, 2048};
	uint64_t seed = 4242;

	for (int round = 0; round < 3000; round++) {
		struct format_test_table t;
		struct tr_bytes text = {0};
		struct writer w = {&seed, &text, (int)tr_test_below(&seed, 3)};
		struct naive_rows expected = {0};
		struct decoded got;
		size_t piece;

		naive_json_table(&t);
		expected.ignore_errors = tr_test_below(&seed, 2) == 0;
		if (expected.ignore_errors)
			table_option(&t, "json.ignore-parse-errors", "true");
		else if (tr_test_below(&seed, 4) == 0)
			expected.fail_on_missing = true;
		if (expected.fail_on_missing)
			table_option(&t, "json.fail-on-missing-field", "true");
		for (uint32_t i = tr_test_below(&seed, 60); i > 0; i--) {
			struct tr_bytes line = {0};
			struct writer lw = {&seed, &line, w.mess};

			write_record(&lw);
			tr_bytes_append(&text, line.data, line.length);
			tr_bytes_deinit(&line);
		}
		if (text.length > 0 && tr_test_below(&seed, 3) == 0)
			text.length--;
		naive_json_decode(&expected, text.data, text.length);
		piece = tr_test_below(&seed, 3) == 0 ? 0 : 1 + tr_test_below(&seed, 2000);
		decode_all(&t.spec, text.data, text.length, piece, capacities[tr_test_below(&seed, 3)], seed, &got);
		if (!decoded_has_rows(&got, &expected.rows, expected.is_failed) || got.rows_bad != expected.rows_bad)
			fail_msg("round %d: failed %d %d, rows %llu %llu, bad %llu %llu (%s)\n%.*s\n%s\n%s", round,
				 got.is_failed, expected.is_failed, (unsigned long long)got.row_count,
				 (unsigned long long)expected.row_count, (unsigned long long)got.rows_bad,
				 (unsigned long long)expected.rows_bad, got.reason, (int)text.length, text.data,
				 got.rows.data, expected.rows.data);
		assert_true(got.fields_bad >= expected.fields_bad);
		tr_bytes_deinit(&text);
		tr_bytes_deinit(&expected.rows);
		decoded_free(&got);
		table_end(&t);
	}
	(void)state;
}

int main(void)
{
	static const char *const levels[] = {"v2", "v3", "v4"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_scalar_types),
		cmocka_unit_test(timestamp_standards),
		cmocka_unit_test(nested_values),
		cmocka_unit_test(errors_have_their_place),
		cmocka_unit_test(options),
		cmocka_unit_test(parts_of_rows),
		cmocka_unit_test(unfit_types_are_refused),
		cmocka_unit_test(extremes),
		cmocka_unit_test(big_maps_keep_the_last),
		cmocka_unit_test(follows_the_naive_parser),
	};
	int failures = 0;

	/* The level is chosen once per process: one child for each. */
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		int child_status = 1;
		pid_t child = fork();

		if (child == 0) {
			setenv("TAILRACE_ISA", levels[i], 1);
			printf("kernels: %s\n", levels[i]);
			exit(cmocka_run_group_tests(tests, NULL, NULL));
		}
		waitpid(child, &child_status, 0);
		failures += child_status != 0;
	}
	return failures;
}
