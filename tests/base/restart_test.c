/* SPDX-License-Identifier: Apache-2.0
 *
 * Restart strategies: the delays that Flink's documentation gives for its settings, and which failures are worth it.
 */
#include "tr_test.h"

#include "base/check.h"
#include "base/restart.h"

static struct tr_restart_terms terms_of(const char *const *settings, bool has_checkpoints)
{
	struct tr_restart_terms terms;
	struct tr_arena arena;
	struct tr_config config;
	struct tr_status st = {0};

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	for (; settings[0] != NULL; settings += 2)
		assert_int_equal(tr_config_set(&config, settings[0], settings[1], TR_ORIGIN_COMMAND, NULL, &st), TR_OK);
	assert_int_equal(tr_restart_configure(&config, has_checkpoints, &terms, &st), TR_OK);
	tr_arena_deinit(&arena);
	return terms;
}

static void the_default_depends_on_checkpoints(void **test)
{
	const char *const nothing[] = {NULL};

	assert_int_equal(terms_of(nothing, false).kind, TR_RESTART_NONE);
	assert_int_equal(terms_of(nothing, true).kind, TR_RESTART_EXPONENTIAL);
	assert_int_equal(terms_of(nothing, true).attempts, -1);
}

static void none_never_restarts(void **test)
{
	const char *const settings[] = {"restart-strategy.type", "none", NULL};
	const struct tr_restart_terms terms = terms_of(settings, true);
	struct tr_restart_state state = {0};

	assert_int_equal(tr_restart_after(&terms, &state, 0, 0), -1);
}

static void fixed_delay_restarts_so_many_times(void **test)
{
	const char *const settings[] = {"restart-strategy.type",
					"fixed-delay",
					"restart-strategy.fixed-delay.attempts",
					"3",
					"restart-strategy.fixed-delay.delay",
					"10 s",
					NULL};
	const struct tr_restart_terms terms = terms_of(settings, true);
	struct tr_restart_state state = {0};

	for (int i = 0; i < 3; i++)
		assert_int_equal(tr_restart_after(&terms, &state, i * 100000, 0), 10000);
	assert_int_equal(tr_restart_after(&terms, &state, 400000, 0), -1);
}

static void exponential_delay_grows_and_is_reset(void **test)
{
	const char *const settings[] = {"restart-strategy.type",
					"exponential-delay",
					"restart-strategy.exponential-delay.initial-backoff",
					"1 s",
					"restart-strategy.exponential-delay.max-backoff",
					"10 s",
					"restart-strategy.exponential-delay.backoff-multiplier",
					"2",
					"restart-strategy.exponential-delay.jitter-factor",
					"0",
					"restart-strategy.exponential-delay.reset-backoff-threshold",
					"60 s",
					NULL};
	const struct tr_restart_terms terms = terms_of(settings, true);
	const int64_t expected[] = {1000, 2000, 4000, 8000, 10000, 10000};
	struct tr_restart_state state = {0};
	int64_t now_ms = 5;

	for (size_t i = 0; i < TR_COUNT_OF(expected); i++) {
		assert_int_equal(tr_restart_after(&terms, &state, now_ms, 0.3), expected[i]);
		now_ms += expected[i] + 500;
	}
	now_ms += 60000 + 10000;
	assert_int_equal(tr_restart_after(&terms, &state, now_ms, 0.3), 1000);
}

static void jitter_stays_in_its_range(void **test)
{
	const char *const nothing[] = {NULL};
	const struct tr_restart_terms terms = terms_of(nothing, true);

	for (int i = 0; i < 100; i++) {
		struct tr_restart_state state = {0};
		const int64_t delay_ms = tr_restart_after(&terms, &state, 0, i / 100.0);

		assert_in_range(delay_ms, 900, 1100);
	}
}

static void failure_rate_looks_back_one_interval(void **test)
{
	const char *const settings[] = {"restart-strategy.type",
					"failure-rate",
					"restart-strategy.failure-rate.max-failures-per-interval",
					"2",
					"restart-strategy.failure-rate.failure-rate-interval",
					"10 s",
					"restart-strategy.failure-rate.delay",
					"100 ms",
					NULL};
	const struct tr_restart_terms terms = terms_of(settings, true);
	struct tr_restart_state state = {0};

	assert_int_equal(tr_restart_after(&terms, &state, 0, 0), 100);
	assert_int_equal(tr_restart_after(&terms, &state, 6000, 0), 100);
	assert_int_equal(tr_restart_after(&terms, &state, 11000, 0), 100); /* the one at 0 is forgotten */
	assert_int_equal(tr_restart_after(&terms, &state, 12000, 0), -1);  /* 6000, 11000, 12000 */
}

static void wrong_input_is_not_tried_again(void **test)
{
	const int hopeless[] = {
		0, TR_ERR_USAGE, TR_ERR_DATA, TR_ERR_NO_INPUT, TR_ERR_CONFIG, TR_ERR_PERMISSION, TR_ERR_CANCELLED};
	const int hopeful[] = {TR_ERR_FAILED, TR_ERR_UNAVAILABLE, TR_ERR_INTERNAL, TR_ERR_NO_MEMORY, TR_ERR_IO};

	for (size_t i = 0; i < TR_COUNT_OF(hopeless); i++)
		assert_false(tr_restart_can_help(hopeless[i]));
	for (size_t i = 0; i < TR_COUNT_OF(hopeful); i++)
		assert_true(tr_restart_can_help(hopeful[i]));
}

static void a_factor_must_be_a_number(void **test)
{
	struct tr_restart_terms terms;
	struct tr_arena arena;
	struct tr_config config;
	struct tr_status st = {0};

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	assert_int_equal(tr_config_set(&config, "restart-strategy.exponential-delay.backoff-multiplier", "two",
				       TR_ORIGIN_COMMAND, NULL, &st),
			 TR_OK);
	assert_int_equal(tr_restart_configure(&config, true, &terms, &st), TR_ERR_CONFIG);
	assert_non_null(strstr(st.message, "backoff-multiplier"));
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_depends_on_checkpoints),
		cmocka_unit_test(none_never_restarts),
		cmocka_unit_test(fixed_delay_restarts_so_many_times),
		cmocka_unit_test(exponential_delay_grows_and_is_reset),
		cmocka_unit_test(jitter_stays_in_its_range),
		cmocka_unit_test(failure_rate_looks_back_one_interval),
		cmocka_unit_test(wrong_input_is_not_tried_again),
		cmocka_unit_test(a_factor_must_be_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
