/* SPDX-License-Identifier: Apache-2.0
 *
 * Small tables for tests of the C API: batches written as text, and results as sorted lines.
 */
#ifndef TR_TEST_API_H
#define TR_TEST_API_H

#include "tr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/owned_batch.h"
#include "base/check.h"
#include "base/type.h"
#include "tailrace/tailrace.h"

/** A batch of (BIGINT, BIGINT, TIMESTAMP(3)) rows: key, value, time. */
static inline struct tr_owned_batch *api_rows(const int64_t (*rows)[3], uint32_t count)
{
	static const char *const names[] = {"k", "v", "ts"};
	struct tr_arena arena;
	const struct tr_type *types[3];
	struct tr_schema schema = {3, names, types};
	struct tr_owned_batch *owned;

	tr_arena_init(&arena, 0);
	types[0] = types[1] = tr_type_of(TR_TYPE_BIGINT);
	types[2] = tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP, 3);
	owned = tr_owned_batch_create(&schema, TR_MAX(count, 1u));
	for (uint32_t c = 0; c < 3; c++)
		for (uint32_t i = 0; i < count; i++)
			((int64_t *)owned->buffer->columns[c].data)[i] = rows[i][c];
	tr_batch_buffer_seal(owned->buffer, count);
	tr_arena_deinit(&arena);
	return owned;
}

static inline int api_compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/** What was collected, a line a row, values between commas; sorted unless `is_ordered`. The caller frees it. */
static inline char *api_text(const struct tr_collected *collected, bool is_ordered)
{
	char **lines = calloc(1 << 20, sizeof(*lines));
	size_t count = 0, length = 0;
	char *text;

	for (uint32_t b = 0; b < tr_collected_count(collected); b++) {
		const struct tr_batch *batch = tr_collected_batch(collected, b);

		for (uint32_t i = 0; i < batch->selected_count; i++) {
			const struct tr_row row = {batch, tr_batch_row(batch, i)};
			char line[1024];
			size_t at = 0;

			for (uint32_t c = 0; c < batch->schema->column_count; c++) {
				at += (size_t)snprintf(line + at, sizeof(line) - at, c > 0 ? "," : "");
				if (tr_row_is_null(&row, c))
					at += (size_t)snprintf(line + at, sizeof(line) - at, "NULL");
				else if (batch->columns[c].type->phys == TR_PHYS_VIEW)
					at += (size_t)snprintf(line + at, sizeof(line) - at, "%.*s",
							       (int)tr_row_text(&row, c)->length,
							       tr_view_text(tr_row_text(&row, c)));
				else if (batch->columns[c].type->phys == TR_PHYS_F64)
					at += (size_t)snprintf(line + at, sizeof(line) - at, "%g", tr_row_f64(&row, c));
				else
					at += (size_t)snprintf(line + at, sizeof(line) - at, "%lld",
							       (long long)tr_row_i64(&row, c));
			}
			lines[count++] = strdup(line);
			length += at + 1;
		}
	}
	if (!is_ordered)
		qsort(lines, count, sizeof(*lines), api_compare);
	text = calloc(length + 1, 1);
	for (size_t i = 0, at = 0; i < count; i++) {
		at += (size_t)sprintf(text + at, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return text;
}

static inline int api_compare_lines(const void *a, const void *b) { return strcmp(a, b); }

/** The text that api_text makes of these lines: sorted. The caller frees it. */
static inline char *api_sorted(char (*lines)[64], uint32_t count)
{
	char *text = calloc((size_t)count * 64 + 1, 1), *at = text;

	qsort(lines, count, sizeof(*lines), api_compare_lines);
	for (uint32_t i = 0; i < count; i++)
		at += sprintf(at, "%s\n", lines[i]);
	return text;
}

static inline void api_expect(const struct tr_collected *collected, const char *expected)
{
	char *text = api_text(collected, false);

	assert_string_equal(text, expected);
	free(text);
}

static inline void api_expect_lines(const struct tr_collected *collected, char (*lines)[64], uint32_t count)
{
	char *expected = api_sorted(lines, count);

	api_expect(collected, expected);
	free(expected);
}

static inline struct tr_env *api_env(const char *parallelism)
{
	struct tr_env *env;

	assert_int_equal(tr_env_create(&env, NULL), TR_OK);
	tr_env_set(env, "parallelism.default", parallelism);
	return env;
}

static inline void api_run(struct tr_env *env)
{
	struct tr_status st = {0};

	if (tr_env_execute(env, "test", &st) != TR_OK)
		fail_msg("%s", st.message);
}

#define API_COLUMNS "k BIGINT, v BIGINT, ts TIMESTAMP(3)"
#define API_WATERMARKS (&TR_MAKE(tr_watermark_strategy, .time_column = "ts"))

#endif
