/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: runs a script in this process and gives back the rows of its SELECTs as lines of text, sorted unless run_keeps_order.
 *
 * The sink is a connector of the test's own, which renders each row as `value|value|...` (the texts of the tableau) and
 * appends it to one list under a lock. Include it in one .c file; everything is static.
 */
#ifndef TR_TESTS_SUPPORT_RUN_SQL_H
#define TR_TESTS_SUPPORT_RUN_SQL_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "base/timezone.h"
#include "core/engine.h"
#include "io/disk.h"
#include "io/sink.h"
#include "sql/session.h"

struct run_result {
	tr_code code;       /* of the compilation, or of the first job that failed */
	char message[4096]; /* diagnostics, or the job's message */
	char **lines;       /* sorted bytewise */
	size_t count;
	size_t capacity;
	uint64_t rows_late; /* of the last job */
	uint64_t rows_in;
	uint64_t rows_bad;
};

static struct run_result *run_target; /* the result that collects now; one run at a time */
static bool run_keeps_order;          /* lines stay as they came */
static pthread_mutex_t run_lock = PTHREAD_MUTEX_INITIALIZER;

struct tr_sink {
	const struct tr_table_spec *spec;
	struct tr_timezone *zone;
	struct tr_bytes text;
};

static tr_code run_sink_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			     struct tr_status *st)
{
	*sink = calloc(1, sizeof(**sink));
	(*sink)->spec = spec;
	return tr_timezone_create(spec->time_zone, &(*sink)->zone, st);
}

static enum tr_flow run_sink_write(struct tr_sink *sink, const struct tr_batch *batch, struct tr_status *st)
{
	pthread_mutex_lock(&run_lock);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		uint32_t row = tr_batch_row(batch, i);

		sink->text.length = 0;
		for (uint32_t c = 0; c < sink->spec->schema->column_count; c++) {
			if (c > 0)
				tr_bytes_append(&sink->text, "|", 1);
			tr_text_append_value(&sink->text, &batch->columns[c], row, TR_TEXT_TABLEAU, sink->zone);
		}
		if (run_target->count == run_target->capacity) {
			run_target->capacity = run_target->capacity * 2 + 64;
			run_target->lines = realloc(run_target->lines, run_target->capacity * sizeof(char *));
		}
		run_target->lines[run_target->count++] = strndup(sink->text.data, sink->text.length);
	}
	pthread_mutex_unlock(&run_lock);
	return TR_FLOW_MORE;
}

static enum tr_flow run_sink_more(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow run_sink_finish(struct tr_sink *sink, struct tr_status *st) { return TR_FLOW_DONE; }

static void run_sink_close(struct tr_sink **sink)
{
	if (*sink == NULL)
		return;
	tr_timezone_destroy(&(*sink)->zone);
	free((*sink)->text.data);
	free(*sink);
	*sink = NULL;
}

static const struct tr_sink_ops run_sink_ops = {.open = run_sink_open,
						.write = run_sink_write,
						.resume = run_sink_more,
						.tick = run_sink_more,
						.finish = run_sink_finish,
						.close = run_sink_close};
static const struct tr_option_spec run_sink_options[] = {{.key = NULL}};
static const struct tr_connector run_connector = {
	.name = "test-collect", .doc = "", .options = run_sink_options, .sink = &run_sink_ops};

static int run_compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Runs `script`; `settings` is a NULL-terminated list of key, value, key, value... Free with run_free. */
static inline struct run_result run_sql(const char *script, const char *const *settings)
{
	struct run_result result = {.code = TR_OK};
	struct tr_environment *env = NULL;
	struct tr_arena arena;
	struct tr_config config;
	struct tr_session *session;
	struct tr_status st = {0};
	struct tr_session_options options = {.file = "test.sql",
					     .config = &config,
					     .core_count = 2,
					     .machine_time_zone = "UTC",
					     .job_name = "test",
					     .job_id_seed = {1, 1},
					     .collect = &run_connector};

	TR_ASSERT(tr_environment_real_create(&env, &st) == TR_OK);
	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	for (; settings != NULL && settings[0] != NULL; settings += 2)
		TR_ASSERT(tr_config_set(&config, settings[0], settings[1], TR_ORIGIN_COMMAND, NULL, &st) == TR_OK);
	session = tr_session_compile(&options, script, strlen(script));
	run_target = &result;
	if (session->diags.error_count > 0) {
		result.code = TR_ERR_DATA;
		snprintf(result.message, sizeof(result.message), "%s",
			 tr_diags_render(&session->diags, false, &session->arena));
	}
	for (uint32_t i = 0; i < session->step_count && result.code == TR_OK; i++) {
		struct tr_engine *engine = NULL;
		struct tr_engine_progress progress;

		if (session->steps[i].kind != TR_STEP_JOB)
			continue;
		result.code = tr_engine_create(session->steps[i].plan, env, &engine, &st);
		if (result.code == TR_OK)
			result.code = tr_engine_run(engine, &st);
		if (result.code != TR_OK)
			snprintf(result.message, sizeof(result.message), "%s", st.message);
		if (engine != NULL) {
			tr_engine_progress(engine, &progress);
			result.rows_late = progress.rows_late;
			result.rows_in = progress.rows_in;
			result.rows_bad = progress.rows_bad;
		}
		tr_engine_destroy(&engine);
	}
	if (result.count > 0 && !run_keeps_order)
		qsort(result.lines, result.count, sizeof(char *), run_compare_lines);
	tr_session_destroy(&session);
	tr_arena_deinit(&arena);
	tr_environment_real_destroy(&env);
	return result;
}

static inline void run_free(struct run_result *result)
{
	for (size_t i = 0; i < result->count; i++)
		free(result->lines[i]);
	free(result->lines);
	memset(result, 0, sizeof(*result));
}

#endif
