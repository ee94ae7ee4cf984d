/* SPDX-License-Identifier: Apache-2.0
 *
 * server/config_file.c: nested and dotted keys, and errors with file, line and column.
 */
#include "server/config_file.h"
#include "tr_test.h"

static struct tr_arena arena;
static struct tr_config config;
static struct tr_status st;

static tr_code parse(const char *text)
{
	tr_arena_reset(&arena);
	tr_config_init(&config, &arena);
	tr_status_clear(&st);
	return tr_config_file_parse(&config, "c.yaml", text, strlen(text), &st);
}

static void test_nested_and_dotted(void **state)
{
	assert_int_equal(
		parse("# comment\nparallelism.default: 3\npipeline:\n  name: flights\n  auto-watermark-interval: "
		      "1 s\ntable:\n  exec.source.idle-timeout: '10 s'\n"),
		TR_OK);
	assert_int_equal(tr_config_integer(&config, "parallelism.default"), 3);
	assert_string_equal(tr_config_text(&config, "pipeline.name"), "flights");
	assert_int_equal(tr_config_integer(&config, "pipeline.auto-watermark-interval"), 1000);
	assert_int_equal(tr_config_integer(&config, "table.exec.source.idle-timeout"), 10000);
	assert_int_equal(parse(""), TR_OK);
	assert_int_equal(parse("# nothing\n"), TR_OK);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{"pipeline:\n  nam: x\n", "c.yaml:2:3: unknown configuration key 'pipeline.nam'; did you mean "
					  "'pipeline.name'?"},
		{"parallelism.default: many\n",
		 "c.yaml:1:1: 'many' is not a value for 'parallelism.default': expected a whole number"},
		{"pipeline.name: a\npipeline:\n  name: b\n", "c.yaml:3:3: key 'pipeline.name' is given twice"},
		{"pipeline.name: [a, b]\n", "c.yaml:1:16: a list; no key takes one (write 'a;b')"},
		{"- a\n", "c.yaml:1:1: a list; no key takes one (write 'a;b')"},
		{"just text\n", "c.yaml:1:1: expected `key: value` lines"},
		{"a: &x 1\n", "c.yaml:1:4: anchors are not understood here"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].text), TR_ERR_CONFIG);
		assert_string_equal(st.message, cases[i].message);
	}
	assert_int_equal(parse("pipeline: {name: 'x\n"), TR_ERR_CONFIG);
	assert_non_null(strstr(st.message, "c.yaml:"));
}

static void test_missing_file(void **state)
{
	assert_int_equal(tr_config_file_read(&config, "/nonexistent/c.yaml", &st), TR_ERR_NO_INPUT);
	assert_non_null(strstr(st.message, "/nonexistent/c.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested_and_dotted),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_missing_file),
	};
	int failed;

	tr_arena_init(&arena, 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tr_arena_deinit(&arena);
	return failed;
}
