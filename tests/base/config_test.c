/* SPDX-License-Identifier: Apache-2.0
 *
 * base/config.c and base/units.c: Flink's units, precedence of origins, errors that name the nearest key.
 */
#include "base/config.h"
#include "base/units.h"
#include "tr_test.h"

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: malformed */
	} cases[] = {{"10 s", 10000},
		     {"500ms", 500},
		     {"1 min", 60000},
		     {"2h", 7200000},
		     {" 1 d ", 86400000},
		     {"7", 7},
		     {"1500 us", 1},
		     {"3 minutes", 180000},
		     {"0", 0},
		     {"-1 s", -1},
		     {"1.5 s", -1},
		     {"s", -1},
		     {"", -1},
		     {"1 parsec", -1},
		     {"10 S", 10000},
		     {"9223372036854775807", INT64_MAX},
		     {"9223372036854775808", -1},
		     {"9223372036854775807 s", -1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -1;

		assert_int_equal(tr_units_duration_ms(cases[i].text, &got), cases[i].ms >= 0);
		assert_int_equal(got, cases[i].ms);
	}
}

static void test_memory(void **state)
{
	int64_t got = -1;

	assert_true(tr_units_memory_bytes("128mb", &got));
	assert_int_equal(got, INT64_C(128) << 20);
	assert_true(tr_units_memory_bytes("1 G", &got));
	assert_int_equal(got, INT64_C(1) << 30);
	assert_true(tr_units_memory_bytes("512", &got));
	assert_int_equal(got, 512);
	assert_false(tr_units_memory_bytes("1 mbb", &got));
	assert_false(tr_units_memory_bytes("99999999 tb", &got));
	assert_int_equal(got, 512);
}

static void test_origins(void **state)
{
	struct tr_arena arena;
	struct tr_config config;
	struct tr_status st = {0};
	const char *key = "parallelism.default";

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	assert_int_equal(tr_config_integer(&config, key), 0);
	assert_int_equal(tr_config_set(&config, key, "2", TR_ORIGIN_FILE, NULL, &st), TR_OK);
	assert_int_equal(tr_config_set(&config, key, "3", TR_ORIGIN_COMMAND, NULL, &st), TR_OK);
	assert_int_equal(tr_config_set(&config, key, "4", TR_ORIGIN_SCRIPT, NULL, &st), TR_OK);
	assert_int_equal(tr_config_integer(&config, key), 3); /* the command line is stronger than SET */
	tr_arena_deinit(&arena);
}

static void test_errors(void **state)
{
	struct tr_arena arena;
	struct tr_config config;
	struct tr_status st = {0};

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	assert_int_equal(tr_config_set(&config, "paralelism.default", "2", TR_ORIGIN_FILE, NULL, &st), TR_ERR_CONFIG);
	assert_string_equal(st.message, "unknown configuration key 'paralelism.default'; did you mean "
					"'parallelism.default'?");
	assert_int_equal(tr_config_set(&config, "parallelism.default", "two", TR_ORIGIN_FILE, NULL, &st), TR_ERR_CONFIG);
	assert_int_equal(tr_config_set(&config, "parallelism.default", "65", TR_ORIGIN_FILE, NULL, &st), TR_ERR_CONFIG);
	assert_false(tr_config_is_set(&config, "parallelism.default"));
	tr_arena_deinit(&arena);
}

/* Each default in the table is a value of its own kind. */
static void test_defaults(void **state)
{
	struct tr_arena arena;
	struct tr_config config;
	struct tr_status st = {0};
	uint32_t count = 0;

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	for (const struct tr_config_key *key = tr_config_keys(); key->name != NULL; key++, count++) {
		if (key->default_text[0] != '\0')
			assert_int_equal(
				tr_config_set(&config, key->name, key->default_text, TR_ORIGIN_FILE, NULL, &st), TR_OK);
		assert_true(strlen(key->doc) > 10);
	}
	assert_true(count > 15);
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations), cmocka_unit_test(test_memory),   cmocka_unit_test(test_origins),
		cmocka_unit_test(test_errors),    cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
