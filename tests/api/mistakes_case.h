/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of mistakes have in common: a source, a write beyond what there is room for, a job that must fail.
 */
#ifndef TR_TEST_MISTAKES_CASE_H
#define TR_TEST_MISTAKES_CASE_H

#include "api_test.h"

static const int64_t ROWS[][3] = {{1, 10, 1000}, {2, 20, 2000}, {1, 30, 3000}, {3, 5, 4000}};

static const struct tr_batch *batch_of_rows(void)
{
	static struct tr_owned_batch *owned;

	if (owned == NULL)
		owned = api_rows(ROWS, TR_COUNT_OF(ROWS));
	return tr_owned_batch_get(owned);
}

static inline struct tr_stream *source(struct tr_env *env)
{
	const struct tr_batch *batches[1] = {batch_of_rows()};

	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
}

/* Without AddressSanitizer, which would end the process at once. */
__attribute__((no_sanitize("address"), noinline)) static void put_at(int64_t *values, uint32_t i) { values[i] = 7; }

static inline void expect_failure(struct tr_env *env, const char *message)
{
	struct tr_status st = {0};
	const tr_code code = tr_env_execute(env, "job", &st);

	if (code != TR_ERR_USAGE || strstr(st.message, message) == NULL || strstr(st.message, " '") == NULL)
		fail_msg("status %d, '%s' has no '%s'", (int)code, st.message, message);
	tr_env_destroy(&env);
}

#endif
