/* SPDX-License-Identifier: Apache-2.0
 * Option texts against Flink's rules, and the messages of a WITH clause that is wrong.
 */
#include "tr_test.h"

#include "base/type.h"
#include "io/options.h"

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"0", 0},
		{"17", 17},
		{"10 s", 10000},
		{"500ms", 500},
		{" 1  MIN ", 60000},
		{"2h", 7200000},
		{"1 d", 86400000},
		{"3 days", 259200000},
		{"1500 us", 1},
		{"2000000 ns", 2},
		{"5 Seconds", 5000},
		{"9223372036854775807", INT64_MAX},
	};
	static const char *const bad[] = {"",
					  " ",
					  "s",
					  "-1 s",
					  "1.5 s",
					  "1 fortnight",
					  "1 s s",
					  "9223372036854775808",
					  "9223372036854775807 s",
					  "1e3",
					  "10s;"};
	int64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(tr_option_parse_duration_ms(good[i].text, &value));
		assert_int_equal(value, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(tr_option_parse_duration_ms(bad[i], &value));
}

static void test_memory(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = {
		{"0", 0},
		{"100", 100},
		{"100 bytes", 100},
		{"128mb", 128 << 20},
		{"64 KB", 64 << 10},
		{"1g", 1 << 30},
		{"2 tebibytes", INT64_C(2) << 40},
		{"3k", 3072},
	};
	static const char *const bad[] = {"", "mb", "-1", "1.5g", "1 pb", "99999999999 tb"};
	int64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(tr_option_parse_memory_bytes(good[i].text, &value));
		assert_int_equal(value, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(tr_option_parse_memory_bytes(bad[i], &value));
}

static void test_scalars(void **state)
{
	int64_t integer;
	double number;
	bool flag;
	uint32_t index;
	const char *name;
	size_t length;

	assert_true(tr_option_parse_boolean("TRUE", &flag) && flag);
	assert_true(tr_option_parse_boolean("false", &flag) && !flag);
	assert_false(tr_option_parse_boolean("yes", &flag));
	assert_true(tr_option_parse_integer("-9223372036854775808", &integer) && integer == INT64_MIN);
	assert_false(tr_option_parse_integer("9223372036854775808", &integer));
	assert_false(tr_option_parse_integer(" 1", &integer));
	assert_false(tr_option_parse_integer("1x", &integer));
	assert_true(tr_option_parse_double("0.25", &number) && number == 0.25);
	assert_false(tr_option_parse_double("nan", &number));
	assert_false(tr_option_parse_double("0x10", &number));
	assert_true(tr_option_parse_enum("drop", "FAIL|DROP|LITERAL", &index) && index == 1);
	assert_true(tr_option_parse_enum("Literal", "FAIL|DROP|LITERAL", &index) && index == 2);
	assert_false(tr_option_parse_enum("DRO", "FAIL|DROP|LITERAL", &index));
	assert_false(tr_option_parse_enum("", "FAIL|DROP", &index));
	assert_true(tr_option_matches("fields.#.min", "fields.a.b.min", &name, &length));
	assert_int_equal(length, 3);
	assert_memory_equal(name, "a.b", 3);
	assert_false(tr_option_matches("fields.#.min", "fields..min", &name, &length));
	assert_false(tr_option_matches("fields.#.min", "fields.min", &name, &length));
}

static const struct tr_option_spec connector_options[] = {
	{.key = "path", .kind = TR_OPTION_STRING, .is_required = true, .doc = "Where the file lies."},
	{.key = "interval", .kind = TR_OPTION_DURATION},
	{.key = "size", .kind = TR_OPTION_MEMORY},
	{.key = "mode", .kind = TR_OPTION_ENUM, .choices = "fast|safe"},
	{.key = "count", .kind = TR_OPTION_INTEGER},
	{.key = "share", .kind = TR_OPTION_DOUBLE},
	{.key = "is-on", .kind = TR_OPTION_BOOLEAN},
	{.key = "fields.#.min", .kind = TR_OPTION_INTEGER},
	{.key = NULL},
};
static const struct tr_option_spec format_options[] = {{.key = "delimiter", .kind = TR_OPTION_STRING}, {.key = NULL}};
static const struct tr_connector connector = {.name = "tape", .options = connector_options, .uses_format = true};
static const struct tr_format format = {.name = "lines", .options = format_options};

static struct tr_status check(const struct tr_option *items, uint32_t count, const struct tr_format *with,
			      const char **bad_key)
{
	static const char *const names[] = {"price", "person"};
	const struct tr_type *types[] = {tr_type_of(TR_TYPE_BIGINT), tr_type_of(TR_TYPE_VARCHAR)};
	const struct tr_schema schema = {.column_count = 2, .names = names, .types = types};
	const struct tr_table_spec spec = {.name = "t",
					   .connector = &connector,
					   .format = with,
					   .schema = &schema,
					   .options = {.items = items, .count = count}};
	struct tr_status st = {0};

	const tr_code code = tr_options_check(&spec, bad_key, &st);

	assert_int_equal(code, st.code);
	return st;
}

#define CHECK(format_, ...)                            \
	check((const struct tr_option[]){__VA_ARGS__}, \
	      sizeof((const struct tr_option[]){__VA_ARGS__}) / sizeof(struct tr_option), format_, &bad_key)

static void test_good_clause(void **state)
{
	const char *bad_key = "x";
	const struct tr_status st =
		CHECK(&format, {"connector", "tape"}, {"format", "lines"}, {"path", "/x"}, {"interval", "1 s"},
		      {"size", "1mb"}, {"mode", "SAFE"}, {"count", "-4"}, {"share", "0.5"}, {"is-on", "true"},
		      {"fields.price.min", "3"}, {"fields.person.name.min", "3"}, {"lines.delimiter", ";"});

	assert_int_equal(st.code, TR_OK);
	assert_null(bad_key);
}

static void expect(struct tr_status st, const char *bad_key, const char *expected_key, const char *text)
{
	assert_int_equal(st.code, TR_ERR_DATA);
	if (strstr(st.message, text) == NULL)
		print_error("message: %s\n", st.message);
	assert_non_null(strstr(st.message, text));
	assert_non_null(strstr(st.message, "table 't'"));
	if (expected_key == NULL)
		assert_null(bad_key);
	else
		assert_string_equal(bad_key, expected_key);
}

static void test_bad_clauses(void **state)
{
	const char *bad_key;
	struct tr_status st;

	st = CHECK(&format, {"path", "/x"}, {"intervall", "1 s"});
	expect(st, bad_key, "intervall", "did you mean 'interval'?");
	st = CHECK(&format, {"path", "/x"}, {"fields.prize.min", "1"});
	expect(st, bad_key, "fields.prize.min", "did you mean 'fields.price.min'?");
	st = CHECK(&format, {"path", "/x"}, {"lines.delimeter", "1"});
	expect(st, bad_key, "lines.delimeter", "did you mean 'lines.delimiter'?");
	st = CHECK(&format, {"path", "/x"}, {"zzzzzzzzz", "1"});
	expect(st, bad_key, "zzzzzzzzz", "lists its options");
	st = CHECK(&format, {"mode", "safe"});
	expect(st, bad_key, NULL, "needs the option 'path': Where the file lies.");
	st = CHECK(&format, {"path", "/x"}, {"interval", "soon"});
	expect(st, bad_key, "interval", "'interval' = 'soon': expected a duration such as '10 s'");
	st = CHECK(&format, {"path", "/x"}, {"mode", "brave"});
	expect(st, bad_key, "mode", "expected one of fast|safe");
	st = CHECK(&format, {"path", "/x"}, {"count", "many"});
	expect(st, bad_key, "count", "expected a whole number");
	st = CHECK(&format, {"path", "/x"}, {"path", "/y"});
	expect(st, bad_key, "path", "is given twice");
	st = CHECK(NULL, {"path", "/x"});
	expect(st, bad_key, NULL, "needs the option 'format'");
	st = CHECK(NULL, {"path", "/x"}, {"format", "morse"});
	expect(st, bad_key, "format", "format 'morse' is unknown");
}

static void test_getters(void **state)
{
	const struct tr_option items[] = {{"i", "5"}, {"d", "2 s"}, {"m", "1k"}, {"b", "true"}, {"e", "DROP"}};
	const struct tr_options options = {.items = items, .count = 5};

	assert_int_equal(tr_options_integer(&options, "i", 1), 5);
	assert_int_equal(tr_options_integer(&options, "j", 1), 1);
	assert_int_equal(tr_options_duration_ms(&options, "d", 1), 2000);
	assert_int_equal(tr_options_memory_bytes(&options, "m", 1), 1024);
	assert_true(tr_options_boolean(&options, "b", false));
	assert_int_equal(tr_options_enum(&options, "e", "FAIL|DROP", 0), 1);
	assert_int_equal(tr_options_enum(&options, "f", "FAIL|DROP", 0), 0);
	assert_null(tr_options_get(&options, "zz"));
}

static void test_registry_is_whole(void **state)
{
	for (const struct tr_connector *const *c = tr_registry_connectors(); *c != NULL; c++) {
		assert_ptr_equal(tr_registry_find_connector((*c)->name), *c);
		assert_non_null((*c)->doc);
		assert_non_null((*c)->example);
		assert_non_null((*c)->options);
		assert_true((*c)->source != NULL || (*c)->sink != NULL);
		for (const struct tr_option_spec *o = (*c)->options; o->key != NULL; o++)
			assert_non_null(o->doc);
	}
	for (const struct tr_format *const *f = tr_registry_formats(); *f != NULL; f++) {
		assert_ptr_equal(tr_registry_find_format((*f)->name), *f);
		assert_non_null((*f)->options);
	}
	assert_null(tr_registry_find_connector("no such"));
	assert_null(tr_registry_find_format("no such"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),         cmocka_unit_test(test_memory),
		cmocka_unit_test(test_scalars),           cmocka_unit_test(test_good_clause),
		cmocka_unit_test(test_bad_clauses),       cmocka_unit_test(test_getters),
		cmocka_unit_test(test_registry_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
