/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of async functions have in common: rows, environments, an answer.
 */
#ifndef TR_TEST_ASYNC_CASE_H
#define TR_TEST_ASYNC_CASE_H

#include <time.h>

#include "async_pool.h"

#define OUT "k BIGINT, v BIGINT, ts TIMESTAMP(3), i BIGINT, w BIGINT"

static const int64_t TWO[][3] = {{1, 0, 10}, {1, 1, 20}};

static inline int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** One row for each. */
static inline void answer_one(struct tr_async_request *request)
{
	struct tr_row row = tr_async_row(request);
	struct tr_collector *out = tr_async_out(request);

	for (uint32_t c = 0; c < 3; c++)
		tr_collector_set_column(out, c, &row, c);
	tr_collector_set_i64(out, 3, 0);
	tr_collector_add(out);
	tr_async_complete(request);
}

static inline struct tr_env *env_of(int parallelism, int batch_rows)
{
	struct tr_env *env = api_env((const char *const[]){"1", "2", "3"}[parallelism - 1]);
	char text[16];

	snprintf(text, sizeof(text), "%d", batch_rows);
	tr_env_set(env, "engine.batch-rows", text);
	tr_env_set(env, "pipeline.auto-watermark-interval", "100 ms");
	return env;
}

static inline struct tr_stream *source(struct tr_env *env, const struct tr_owned_batch *owned)
{
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};

	return tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, API_WATERMARKS);
}

static struct tr_async_request *held;

/** Row 0 is held, all others are answered. */
static inline tr_code hold_first(struct tr_context *context, const struct tr_row *row, struct tr_async_request *request,
				 struct tr_status *st)
{
	if (tr_row_i64(row, 1) == 0)
		held = request;
	else
		answer_one(request);
	return TR_OK;
}

#endif
