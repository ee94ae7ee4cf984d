/* SPDX-License-Identifier: Apache-2.0
 *
 * The CSV decoder against a naive state machine over generated inputs (csv_naive.h), with random pieces and batch
 * capacities, and against texts by hand: types, errors with their places, options.
 */
#include "tr_test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "csv_naive.h"

/* ---- by hand ---- */

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

static void expect_error(struct format_test_table *t, const char *text, const char *rows, size_t offset, size_t record,
			 const char *field, const char *reason)
{
	static const size_t pieces[] = {0, 1, 9};

	for (size_t p = 0; p < 3; p++) {
		struct decoded d;

		decode_all(&t->spec, text, strlen(text), pieces[p], 100, p, &d);
		assert_true(d.is_failed);
		assert_string_equal(d.rows.data, rows);
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

	table_begin(&t, &tr_format_csv);
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
		"true,-128,32767,-2147483648,9223372036854775807,1.5,1e-3,3.145,text,AQI=,2001-02-03,10:20:30.5,"
		"2001-02-03 04:05:06.789,2001-02-03 04:05:06.123456Z\n"
		"x, 1 , 2 , 3 , 4 , 5 , 6 ,99999999999,\"quoted, \"\"text\"\"\",,2001-2-3,10:20,2001-02-03 04:05:06,"
		"2001-02-03 04:05:06Z\n",
		"+I[true, -128, 32767, -2147483648, 9223372036854775807, 1.5, 0.001, 3.15, text, [1, 2], 2001-02-03, "
		"10:20:30, 2001-02-03T04:05:06.789, 2001-02-03T04:05:06.123456Z]\n"
		"+I[false, 1, 2, 3, 4, 5.0, 6.0, null, quoted, \"text\", [], 2001-02-03, 10:20, "
		"2001-02-03T04:05:06, 2001-02-03T04:05:06Z]\n");
	table_end(&t);
	(void)state;
}

static void two_columns(struct format_test_table *t)
{
	table_begin(t, &tr_format_csv);
	table_column(t, "a", tr_type_of(TR_TYPE_INT));
	table_column(t, "b", tr_type_of(TR_TYPE_VARCHAR));
}

static void line_ends(void **state)
{
	struct format_test_table t;

	two_columns(&t);
	expect_rows(&t, "1,x\r\n2,y\r\n3,z", "+I[1, x]\n+I[2, y]\n+I[3, z]\n");
	expect_rows(&t, "1,x\r2,y\n3,\n", "+I[1, x]\n+I[2, y]\n+I[3, ]\n");
	expect_rows(&t, "1,\"x\r\ny\"\r\n2,\"\n\"\n", "+I[1, x\r\ny]\n+I[2, \n]\n");
	expect_rows(&t, "1,x,\n2,\"y\" \n", "+I[1, x]\n+I[2, y]\n");
	expect_rows(&t, "1,a\"b\"\"c\n", "+I[1, a\"b\"\"c]\n");
	expect_rows(&t, "", "");
	table_end(&t);
	(void)state;
}

static void errors_have_their_place(void **state)
{
	struct format_test_table t;

	two_columns(&t);
	expect_error(&t, "1,x\n2x,y\n3,z\n", "+I[1, x]\n", 4, 4, "a", "'2x' is not a value of INT");
	expect_error(&t, "1,x\n3000000000,y\n", "+I[1, x]\n", 4, 4, "a", "'3000000000' is out of range for INT");
	expect_error(
		&t, "1,x\n,y\n", "+I[1, x]\n", 4, 4, "a",
		"'' is not a value of INT; 'csv.null-literal' = '' in the table's WITH reads empty fields as NULL");
	expect_error(&t, "1,x\n2\n3,z\n", "+I[1, x]\n", 4, 4, "",
		     "the record has 1 fields, but the table has 2 columns");
	expect_error(&t, "1,x\n2,y,z\n3,z\n", "+I[1, x]\n", 4, 4, "", "the record has 3 fields");
	expect_error(&t, "1,x\n\n", "+I[1, x]\n", 4, 4, "", "the record has 1 fields");
	expect_error(&t, "1,x\n2,\"y\"z\n3,z\n", "+I[1, x]\n", 9, 4, "", "missing after a closing quote");
	expect_error(&t, "1,x\n2,\"yz\n3,z\n", "+I[1, x]\n", 6, 4, "", "not closed");
	table_end(&t);
	(void)state;
}

static void parse_errors_can_be_ignored(void **state)
{
	struct format_test_table t;
	struct decoded d;
	const char *text = "1,x\n2x,y\n3\n4,y,z\n5,\"y\"z\n6,ok\n";

	two_columns(&t);
	table_option(&t, "csv.ignore-parse-errors", "true");
	expect_rows(&t, text, "+I[1, x]\n+I[null, y]\n+I[3, null]\n+I[6, ok]\n");
	decode_all(&t.spec, text, strlen(text), 0, 100, 1, &d);
	assert_int_equal(d.rows_bad, 2);
	assert_int_equal(d.fields_bad, 2);
	decoded_free(&d);
	table_end(&t);
	(void)state;
}

static void dialect_options(void **state)
{
	struct format_test_table t;

	two_columns(&t);
	table_option(&t, "csv.field-delimiter", "\\t");
	table_option(&t, "csv.quote-character", "'");
	table_option(&t, "csv.escape-character", "\\");
	table_option(&t, "csv.null-literal", "n/a");
	table_option(&t, "csv.allow-comments", "true");
	expect_rows(&t, "# one\n1\t'it\\'s'\n\n  2\tn/a\n#two\nn/a\t'n/a'\n3\ta\\nb\\\tc\n",
		    "+I[1, it's]\n+I[2, null]\n+I[null, null]\n+I[3, a\nb\tc]\n");
	table_end(&t);
	two_columns(&t);
	table_option(&t, "csv.disable-quote-character", "true");
	expect_rows(&t, "1,\"x\n2,\"\"\n", "+I[1, \"x]\n+I[2, \"\"]\n");
	table_end(&t);
	(void)state;
}

static void arrays_and_rows(void **state)
{
	struct format_test_table t;
	const char *names[2] = {"x", "y"};
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_VARCHAR)};

	table_begin(&t, &tr_format_csv);
	table_column(&t, "a", tr_type_array(&t.arena, tr_type_of(TR_TYPE_INT)));
	table_column(&t, "r", tr_type_row(&t.arena, names, types, 2));
	table_column(&t, "i", tr_type_of(TR_TYPE_INT));
	table_option(&t, "csv.null-literal", "-");
	expect_rows(&t, "1;-;3,5;five,1\n,,2\n-,-;-,3\n7,\"8;a,b\",4\n",
		    "+I[[1, null, 3], +I[5, five], 1]\n+I[[], null, 2]\n+I[null, +I[null, null], 3]\n"
		    "+I[[7], +I[8, a,b], 4]\n");
	expect_error(&t, "1;2,5;five,1\n1;x,5;five,1\n", "+I[[1, 2], +I[5, five], 1]\n", 13, 13, "a",
		     "'x' is not a value of INT");
	expect_error(&t, "1,5;five;6,1\n", "", 2, 0, "r", "a ROW of 2 fields has 3 elements");
	table_end(&t);
	(void)state;
}

static void what_nobody_needs_is_not_parsed(void **state)
{
	struct format_test_table t;

	two_columns(&t);
	table_column(&t, "c", tr_type_of(TR_TYPE_BIGINT));
	t.needs[0] = NULL;
	t.spec.needs = t.needs;
	expect_rows(&t, "bad,x,1\n,\"y\",2\n", "+I[null, x, 1]\n+I[null, y, 2]\n");
	table_end(&t);
	(void)state;
}

static void bad_options_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{"csv.field-delimiter", "ab"},       {"csv.field-delimiter", ""},
		{"csv.quote-character", ","},        {"csv.field-delimiter", "\\n"},
		{"csv.array-element-delimiter", ""}, {"csv.field-delimiter", "\xc2\xa6"}};
	struct tr_decoder *decoder;
	struct tr_status st;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct format_test_table t;

		two_columns(&t);
		table_option(&t, cases[i][0], cases[i][1]);
		tr_status_clear(&st);
		assert_int_equal(tr_format_csv.decoder->create(&t.spec, &decoder, &st), TR_ERR_DATA);
		assert_non_null(strstr(st.message, "table 't'"));
		assert_null(decoder);
		table_end(&t);
	}
	(void)state;
}

static void maps_are_refused(void **state)
{
	struct format_test_table t;
	struct tr_decoder *decoder;
	struct tr_status st = {0};

	table_begin(&t, &tr_format_csv);
	table_column(&t, "m", tr_type_map(&t.arena, tr_type_of(TR_TYPE_VARCHAR), tr_type_of(TR_TYPE_INT)));
	assert_int_equal(tr_format_csv.decoder->create(&t.spec, &decoder, &st), TR_ERR_DATA);
	assert_non_null(strstr(st.message, "column 'm'"));
	table_end(&t);
	(void)state;
}

static void starts_are_guessed_at_line_ends(void **state)
{
	const char *text = "ab\ncd\n";

	assert_int_equal(tr_format_csv.decoder->find_start(text, 6, 1), 3);
	assert_int_equal(tr_format_csv.decoder->find_start(text, 6, 3), 3);
	assert_int_equal(tr_format_csv.decoder->find_start(text, 6, 4), 6);
	assert_int_equal(tr_format_csv.decoder->find_start(text, 5, 4), 5);
	(void)state;
}

static void big_fields(void **state)
{
	struct format_test_table t;
	struct decoded d;
	size_t bytes = 16u << 20;
	char *text = malloc(bytes + 64);

	two_columns(&t);
	memcpy(text, "1,\"", 3);
	memset(text + 3, 'x', bytes);
	memcpy(text + 3 + bytes, "\"\n2,y\n", 6);
	decode_all(&t.spec, text, bytes + 9, 0, 10, 1, &d);
	assert_false(d.is_failed);
	assert_int_equal(d.row_count, 2);
	assert_true(d.rows.length > bytes);
	decoded_free(&d);
	free(text);
	table_end(&t);
	(void)state;
}

/* ---- against the naive decoder ---- */

/** Text that is mostly good CSV: words, numbers, quotes in and out of place, all line ends, any bytes. */
static size_t random_csv(uint64_t *seed, char *out, size_t limit, int columns, const char *special)
{
	static const char *const words[] = {"",
					    "a",
					    "hello",
					    "caf\xc3\xa9",
					    "a longer text than a view holds",
					    "12",
					    "-7",
					    "007",
					    "+5",
					    " 9 ",
					    "123456789012",
					    "9223372036854775807",
					    "9223372036854775808",
					    "N",
					    "\xff",
					    "\xe4\xb8",
					    "x y",
					    "#c",
					    "1234567890123456789"};
	uint32_t mess = tr_test_below(seed, 4); /* how wild: 0 is regular */
	size_t length = 0;

	while (length + 200 < limit && tr_test_below(seed, 200) != 0) {
		int count = mess > 1 && tr_test_below(seed, 10) == 0 ? (int)tr_test_below(seed, 6) + 1 : columns;

		for (int i = 0; i < count; i++) {
			const char *word = words[tr_test_below(seed, sizeof(words) / sizeof(words[0]))];

			if (i > 0)
				out[length++] = special[0];
			if (mess > 0 && tr_test_below(seed, 5) == 0) {
				out[length++] = special[1];
				for (const char *p = word; *p != '\0'; p++)
					out[length++] = *p;
				for (uint32_t k = tr_test_below(seed, 4); k > 0; k--) {
					out[length++] = "\n\r,\"; x"[tr_test_below(seed, 7)];
					if (out[length - 1] == special[1])
						out[length++] = special[1];
				}
				out[length++] = special[1];
				if (mess > 2 && tr_test_below(seed, 8) == 0)
					out[length++] = " x\""[tr_test_below(seed, 3)];
			} else {
				for (const char *p = word; *p != '\0'; p++)
					out[length++] = *p;
				if (mess > 2 && tr_test_below(seed, 20) == 0)
					out[length++] = special[tr_test_below(seed, (uint32_t)strlen(special))];
			}
		}
		if (mess > 1 && tr_test_below(seed, 10) == 0)
			out[length++] = '\r';
		out[length++] = mess > 2 && tr_test_below(seed, 20) == 0 ? '\r' : '\n';
	}
	if (length > 0 && tr_test_below(seed, 3) == 0)
		length--;
	return length;
}

static void follows_the_naive_decoder(void **state)
{
	static const uint32_t capacities[] = {1, 7, 2048};
	uint64_t seed = 77;
	const size_t limit = 30000;
	char *text = malloc(limit);

	for (int round = 0; round < 3000; round++) {
		struct format_test_table t;
		struct naive_csv naive = {.delimiter = ',', .quote = '"'};
		bool is_integer[4];
		char special[8] = ",\"\\#\n\r;";
		struct naive_out expected;
		struct decoded got;
		size_t length, piece;
		uint64_t start = seed;

		table_begin(&t, &tr_format_csv);
		naive.columns = 1 + (int)tr_test_below(&seed, 4);
		naive.is_integer = is_integer;
		for (int i = 0; i < naive.columns; i++) {
			static const char *const names[] = {"a", "b", "c", "d"};

			is_integer[i] = tr_test_below(&seed, 3) == 0;
			table_column(&t, names[i], tr_type_of(is_integer[i] ? TR_TYPE_BIGINT : TR_TYPE_VARCHAR));
		}
		if (tr_test_below(&seed, 4) == 0) {
			naive.delimiter = special[0] = ';';
			table_option(&t, "csv.field-delimiter", ";");
		}
		if (tr_test_below(&seed, 5) == 0) {
			naive.quote = 0;
			table_option(&t, "csv.disable-quote-character", "true");
		}
		if (tr_test_below(&seed, 6) == 0) {
			naive.escape = '\\';
			table_option(&t, "csv.escape-character", "\\");
		}
		if (tr_test_below(&seed, 6) == 0) {
			naive.comments = true;
			table_option(&t, "csv.allow-comments", "true");
		}
		if (tr_test_below(&seed, 3) == 0) {
			naive.null_literal = "N";
			table_option(&t, "csv.null-literal", "N");
		}
		naive.ignore_errors = tr_test_below(&seed, 4) != 0;
		if (naive.ignore_errors)
			table_option(&t, "csv.ignore-parse-errors", "true");
		length = random_csv(&seed, text, limit, naive.columns, special);
		naive_decode(&naive, text, length, &expected);
		piece = tr_test_below(&seed, 3) == 0 ? 0 : 1 + tr_test_below(&seed, 3000);
		decode_all(&t.spec, text, length, piece, capacities[tr_test_below(&seed, 3)], seed, &got);
		if (got.is_failed != expected.is_failed || got.rows_bad != expected.rows_bad ||
		    got.fields_bad != expected.fields_bad || got.rows.length != expected.rows.length ||
		    memcmp(got.rows.data, expected.rows.data, got.rows.length) != 0)
			fail_msg("round %d, seed %llu: failed %d %d, rows %llu %llu, bad %llu %llu, fields %llu %llu "
				 "(%s)",
				 round, (unsigned long long)start, got.is_failed, expected.is_failed,
				 (unsigned long long)got.row_count, (unsigned long long)expected.row_count,
				 (unsigned long long)got.rows_bad, (unsigned long long)expected.rows_bad,
				 (unsigned long long)got.fields_bad, (unsigned long long)expected.fields_bad,
				 got.reason);
		tr_bytes_deinit(&expected.rows);
		decoded_free(&got);
		table_end(&t);
	}
	free(text);
	(void)state;
}

/** Timestamps of the usual form take a shorter way: it must answer as the parser does. */
static void timestamps_agree_with_the_parser(void **state)
{
	uint64_t seed = 31;

	for (int round = 0; round < 300; round++) {
		struct format_test_table t;
		struct tr_bytes text = {0}, expected = {0};
		struct decoded d;

		table_begin(&t, &tr_format_csv);
		table_column(&t, "t", tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP, round % 3 * 3 + 3));
		table_column(&t, "s", tr_type_of(TR_TYPE_VARCHAR));
		table_option(&t, "csv.ignore-parse-errors", "true");
		for (int i = 0; i < 40; i++) {
			char stamp[64], printed[TR_TEXT_TIME_BYTES + 1] = "null";
			const char *trimmed;
			size_t trimmed_length;
			struct tr_text_time time;
			int64_t per_second = round % 3 == 0 ? 1000 : round % 3 == 1 ? 1000000 : 1000000000, ticks;
			int length = snprintf(stamp, sizeof(stamp), "20%02u-%02u-%02u %02u:%02u:%02u",
					      tr_test_below(&seed, 2), 1 + tr_test_below(&seed, 2),
					      1 + tr_test_below(&seed, 30), tr_test_below(&seed, 2),
					      tr_test_below(&seed, 2), tr_test_below(&seed, 62));

			if (tr_test_below(&seed, 3) != 0)
				length += snprintf(stamp + length, sizeof(stamp) - (size_t)length, ".%03u",
						   tr_test_below(&seed, 1000));
			if (tr_test_below(&seed, 10) == 0)
				stamp[tr_test_below(&seed, (uint32_t)length)] = "0x: \0-"[tr_test_below(&seed, 6)];
			trimmed = stamp;
			trimmed_length = (size_t)length;
			tr_bytes_append(&text, stamp, (size_t)length);
			tr_bytes_append_str(&text, ",x\n");
			tr_text_trim(&trimmed, &trimmed_length); /* as Flink does for csv */
			if (tr_text_parse_timestamp(trimmed, trimmed_length, 0, &time) == TR_TEXT_OK &&
			    tr_text_time_to_ticks(&time, per_second, &ticks) == TR_TEXT_OK)
				printed[tr_text_put_timestamp(printed, ticks, per_second, 'T', TR_CLOCK_LOCAL, 0)] =
					'\0';
			tr_bytes_printf(&expected, "+I[%s, x]\n", printed);
		}
		tr_bytes_append_char(&expected, '\0');
		decode_all(&t.spec, text.data, text.length, 0, 100, 1, &d);
		assert_false(d.is_failed);
		assert_string_equal(d.rows.data, expected.data);
		decoded_free(&d);
		tr_bytes_deinit(&text);
		tr_bytes_deinit(&expected);
		table_end(&t);
	}
	(void)state;
}

/* ---- many regular rows: what is parsed in lanes ---- */

enum { COLUMN_I4, COLUMN_I8, COLUMN_TEXT, COLUMN_TIME, COLUMN_I2, COLUMN_LAST, COLUMNS };

struct lanes {
	uint64_t seed;
	uint32_t digits;   /* of integers, at most */
	uint32_t negative; /* one in so many; 0: none */
	uint32_t noise;
	int64_t per_second;
	int64_t time_ms;
	struct tr_bytes text, row;
};

/** An integer of any length, or something else, to `out`; what becomes of it to the row. False: it has no value. */
static bool put_integer(struct lanes *l, int64_t low, int64_t high)
{
	static const char *const others[] = {
		"",           "1x",          "+5",        " 7 ", "99999999999999999999",
		"2147483648", "-2147483649", "12345678-", "--1", "000000000000000000000000012",
		"1 2",        "-",           "1:",        "/1"};
	char field[64], *end;
	const char *trimmed = field;
	size_t length;
	long long value;

	if (l->noise != 0 && tr_test_below(&l->seed, l->noise) == 0) {
		snprintf(field, sizeof(field), "%s", others[tr_test_below(&l->seed, TR_COUNT_OF(others))]);
	} else {
		const uint32_t digits = 1 + tr_test_below(&l->seed, l->digits);
		size_t n = 0;

		if (l->negative != 0 && tr_test_below(&l->seed, l->negative) == 0)
			field[n++] = '-';
		for (uint32_t i = 0; i < digits; i++)
			field[n++] = (char)('0' + tr_test_below(&l->seed, 10));
		field[n] = '\0';
	}
	tr_bytes_append_str(&l->text, field);
	length = strlen(field);
	tr_text_trim(&trimmed, &length);
	errno = 0;
	value = strtoll(trimmed, &end, 10);
	if (length == 0 || end != trimmed + length || errno != 0 || value < low || value > high) {
		tr_bytes_append_str(&l->row, "null");
		return false;
	}
	tr_bytes_printf(&l->row, "%lld", value);
	return true;
}

static bool put_time(struct lanes *l)
{
	static const char *const others[] = {"2001-01-01 00:00:60.000", "2001-01-01 00:00:01",
					     "2001-01-01 00:00:0/.000", "2001-01-01 00:00:10;123",
					     "2001-01-01 00;00:10.123", "",
					     "2001-01-01 00:00:01.1"};
	char field[64], printed[TR_TEXT_TIME_BYTES + 1] = "null";
	struct tr_text_time time;
	int64_t ticks;

	l->time_ms += tr_test_below(&l->seed, 100) == 0 ? 40000 : tr_test_below(&l->seed, 300);
	snprintf(field, sizeof(field), "2001-01-01 %02d:%02d:%02d.%03d", (int)(l->time_ms / 3600000 % 24),
		 (int)(l->time_ms / 60000 % 60), (int)(l->time_ms / 1000 % 60), (int)(l->time_ms % 1000));
	if (l->noise != 0 && tr_test_below(&l->seed, l->noise) == 0)
		snprintf(field, sizeof(field), "%s", others[tr_test_below(&l->seed, TR_COUNT_OF(others))]);
	tr_bytes_append_str(&l->text, field);
	if (tr_text_parse_timestamp(field, strlen(field), 0, &time) == TR_TEXT_OK &&
	    tr_text_time_to_ticks(&time, l->per_second, &ticks) == TR_TEXT_OK)
		printed[tr_text_put_timestamp(printed, ticks, l->per_second, 'T', TR_CLOCK_LOCAL, 0)] = '\0';
	tr_bytes_append_str(&l->row, printed);
	return strcmp(printed, "null") != 0;
}

static bool put_text(struct lanes *l)
{
	char field[40];
	uint32_t length = tr_test_below(&l->seed, tr_test_below(&l->seed, 3) == 0 ? 39 : 13);

	for (uint32_t i = 0; i < length; i++)
		field[i] = (char)('a' + tr_test_below(&l->seed, 26));
	field[length] = '\0';
	tr_bytes_append_str(&l->text, field);
	tr_bytes_append_str(&l->row, field);
	return true;
}

static bool put_column(struct lanes *l, int column)
{
	switch (column) {
	case COLUMN_I4: return put_integer(l, INT32_MIN, INT32_MAX);
	case COLUMN_I8: return put_integer(l, INT64_MIN, INT64_MAX);
	case COLUMN_I2: return put_integer(l, INT16_MIN, INT16_MAX);
	case COLUMN_TIME: return put_time(l);
	default: return put_text(l);
	}
}

/** Shows the first line that differs, of many. */
static void expect_lines(const char *got, const char *expected, uint32_t round)
{
	while (*got == *expected && *got != '\0') {
		size_t length = strcspn(got, "\n");

		if (strncmp(got, expected, length + 1) != 0)
			break;
		got += length + 1;
		expected += length + 1;
	}
	if (strcmp(got, expected) != 0)
		fail_msg("round %u: got %.*s, expected %.*s", round, (int)strcspn(got, "\n"), got,
			 (int)strcspn(expected, "\n"), expected);
}

/** Columns of numbers, times and texts, hundreds of rows: good ones, and some that are not, in any lane. */
static void many_rows_are_read_as_one(void **state)
{
	static const char *const names[COLUMNS] = {"i4", "i8", "s", "t", "i2", "last"};
	static const uint32_t capacities[] = {1, 9, 64, 2048};
	static const uint32_t digits[] = {3, 8, 9, 16, 19};
	const uint32_t rounds = tr_test_cases(400);

	for (uint32_t round = 0; round < rounds; round++) {
		struct lanes l = {.seed = round + 1, .time_ms = 0};
		const uint32_t rows = 1 + tr_test_below(&l.seed, 600);
		const bool ignore = round % 2 == 0;
		struct format_test_table t;
		struct tr_bytes expected = {0};
		struct decoded d;
		size_t bad_record = 0;
		int bad_column = -1;

		l.digits = digits[tr_test_below(&l.seed, TR_COUNT_OF(digits))];
		l.negative = tr_test_below(&l.seed, 3) == 0 ? 2 : 0;
		l.noise = tr_test_below(&l.seed, 3) == 0 ? 0 : 1 + tr_test_below(&l.seed, 2000);
		l.per_second = round % 3 == 0 ? 1000 : round % 3 == 1 ? 1000000 : 1000000000;
		table_begin(&t, &tr_format_csv);
		table_column(&t, names[0], tr_type_of(TR_TYPE_INT));
		table_column(&t, names[1], tr_type_of(TR_TYPE_BIGINT));
		table_column(&t, names[2], tr_type_of(TR_TYPE_VARCHAR));
		table_column(&t, names[3], tr_type_with_precision(&t.arena, TR_TYPE_TIMESTAMP, round % 3 * 3 + 3));
		table_column(&t, names[4], tr_type_of(TR_TYPE_SMALLINT));
		table_column(&t, names[5], tr_type_of(TR_TYPE_VARCHAR));
		if (ignore)
			table_option(&t, "csv.ignore-parse-errors", "true");
		for (uint32_t row = 0; row < rows; row++) {
			const size_t record = l.text.length;

			tr_bytes_clear(&l.row);
			tr_bytes_append_str(&l.row, "+I[");
			for (int column = 0; column < COLUMNS; column++) {
				const bool is_good = put_column(&l, column);

				if (!is_good && bad_column < 0) {
					bad_column = column;
					bad_record = record;
				}
				tr_bytes_append_str(&l.text, column + 1 < COLUMNS ? "," : "\n");
				tr_bytes_append_str(&l.row, column + 1 < COLUMNS ? ", " : "]\n");
			}
			if (ignore || bad_column < 0)
				tr_bytes_append(&expected, l.row.data, l.row.length);
		}
		tr_bytes_append_char(&expected, '\0');
		decode_all(&t.spec, l.text.data, l.text.length, tr_test_below(&l.seed, 2) * 3000,
			   capacities[tr_test_below(&l.seed, TR_COUNT_OF(capacities))], l.seed, &d);
		assert_int_equal(d.is_failed, !ignore && bad_column >= 0);
		expect_lines(d.rows.data, expected.data, round);
		if (d.is_failed) {
			assert_int_equal(d.error_record, bad_record);
			assert_string_equal(d.error_field, names[bad_column]);
		}
		decoded_free(&d);
		tr_bytes_deinit(&l.text);
		tr_bytes_deinit(&l.row);
		tr_bytes_deinit(&expected);
		table_end(&t);
	}
	(void)state;
}

/** More delimiters in 64 bytes than the index takes at once. */
static void short_fields_fill_the_index(void **state)
{
	static const char *const names[FORMAT_TEST_COLUMNS] = {"a", "b", "c", "d", "e", "f", "g", "h",
							       "i", "j", "k", "l", "m", "n", "o", "p"};
	uint64_t seed = 5;

	for (uint32_t round = 0; round < 200; round++) {
		const uint32_t columns = 1 + tr_test_below(&seed, FORMAT_TEST_COLUMNS);
		struct format_test_table t;
		struct tr_bytes text = {0}, expected = {0};
		struct decoded d;

		table_begin(&t, &tr_format_csv);
		for (uint32_t i = 0; i < columns; i++)
			table_column(&t, names[i], tr_type_of(TR_TYPE_VARCHAR));
		for (uint32_t row = 0; row < 300; row++) {
			tr_bytes_append_str(&expected, "+I[");
			for (uint32_t i = 0; i < columns; i++) {
				const bool is_empty = tr_test_below(&seed, 4) != 0;

				tr_bytes_append_str(&text, is_empty ? "" : "x");
				tr_bytes_append_str(&text, i + 1 < columns ? "," : "\n");
				tr_bytes_append_str(&expected, is_empty ? "" : "x");
				tr_bytes_append_str(&expected, i + 1 < columns ? ", " : "]\n");
			}
		}
		tr_bytes_append_char(&expected, '\0');
		decode_all(&t.spec, text.data, text.length, tr_test_below(&seed, 2) * 1000, 100, seed, &d);
		assert_false(d.is_failed);
		expect_lines(d.rows.data, expected.data, round);
		decoded_free(&d);
		tr_bytes_deinit(&text);
		tr_bytes_deinit(&expected);
		table_end(&t);
	}
	(void)state;
}

int main(void)
{
	static const char *const levels[] = {"v2", "v3", "v4"};
	const struct CMUnitTest by_hand[] = {
		cmocka_unit_test(all_scalar_types),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(errors_have_their_place),
		cmocka_unit_test(parse_errors_can_be_ignored),
		cmocka_unit_test(dialect_options),
		cmocka_unit_test(arrays_and_rows),
		cmocka_unit_test(what_nobody_needs_is_not_parsed),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(maps_are_refused),
		cmocka_unit_test(starts_are_guessed_at_line_ends),
		cmocka_unit_test(big_fields),
		cmocka_unit_test(follows_the_naive_decoder),
		cmocka_unit_test(timestamps_agree_with_the_parser),
		cmocka_unit_test(many_rows_are_read_as_one),
		cmocka_unit_test(short_fields_fill_the_index),
	};
	int failures = 0;

	/* The level is chosen once per process: one child for each. */
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		int child_status = 1;
		pid_t child = fork();

		if (child == 0) {
			setenv("TAILRACE_ISA", levels[i], 1);
			printf("kernels: %s\n", levels[i]);
			exit(cmocka_run_group_tests(by_hand, NULL, NULL));
		}
		waitpid(child, &child_status, 0);
		failures += child_status != 0;
	}
	return failures;
}
