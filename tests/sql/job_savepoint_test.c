/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to a running job that come at a bad moment: within the pause between two checkpoints, several at once, with a stop
 * among them. Each is answered, and in time: when the pause is over, not when the interval is.
 */
#include "tr_test.h"

#include <ftw.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "core/engine.h"
#include "io/disk.h"
#include "sql/session.h"

#define PAUSE_MS 300
#define LIMIT_MS 10000 /* much less than the interval */

static const char script[] =
	"CREATE TABLE t (v BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');\n"
	"CREATE TABLE s (v BIGINT) WITH ('connector' = 'blackhole');\nINSERT INTO s SELECT v FROM t;\n";

static struct tr_engine *engine;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) { return remove(path); }

static void *run(void *context)
{
	struct tr_status st = {0};

	if (tr_engine_run(engine, &st) != TR_OK)
		fprintf(stderr, "%s\n", st.message);
	return NULL;
}

static uint64_t ask(const char *directory, enum tr_stop_mode stop)
{
	struct tr_status st = {0};
	uint64_t checkpoint = 0;

	if (tr_engine_savepoint(engine, directory, stop, &checkpoint, &st) != TR_OK)
		fprintf(stderr, "%s\n", st.message);
	return checkpoint;
}

struct request {
	pthread_t thread;
	char directory[128];
	enum tr_stop_mode stop;
	uint64_t checkpoint;
};

static void *ask_one(void *context)
{
	struct request *request = context;

	request->checkpoint = ask(request->directory, request->stop);
	return NULL;
}

static void between_checkpoints(void **state)
{
	char top[] = "/tmp/job-savepoint-XXXXXX", directory[128];
	struct tr_environment *env = NULL;
	struct request requests[3] = {0};
	struct tr_session *session;
	struct tr_config config;
	struct tr_status st = {0};
	struct tr_arena arena;
	struct tr_plan *plan;
	pthread_t thread;
	int64_t begun_ms;
	uint64_t first;

	assert_non_null(mkdtemp(top));
	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	struct tr_session_options options = {.file = "test.sql",
					     .config = &config,
					     .core_count = 2,
					     .machine_time_zone = "UTC",
					     .job_name = "test",
					     .job_id_seed = {1, 2}};

	session = tr_session_compile(&options, script, strlen(script));
	assert_int_equal(session->diags.error_count, 0);
	plan = session->steps[session->step_count - 1].plan;
	snprintf(directory, sizeof(directory), "%s/state", top);
	plan->checkpoint = (struct tr_checkpoint_plan){.directory = directory,
						       .interval_ms = 3600000,
						       .min_pause_ms = PAUSE_MS,
						       .retained = 1,
						       .tolerable_failures = -1};
	assert_int_equal(tr_engine_create(plan, env, &engine, &st), TR_OK);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	first = ask("", TR_STOP_NONE);
	assert_int_not_equal(first, 0);
	begun_ms = now_ms();
	for (int i = 0; i < 3; i++) { /* all of them come within the pause */
		snprintf(requests[i].directory, sizeof(requests[i].directory), "%s/save-%d", top, i);
		requests[i].stop = i == 2 ? TR_STOP_SUSPEND : TR_STOP_NONE;
		assert_int_equal(pthread_create(&requests[i].thread, NULL, ask_one, &requests[i]), 0);
		usleep(PAUSE_MS * 1000 / 10);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(requests[i].thread, NULL), 0);
		assert_true(requests[i].checkpoint > first);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(now_ms() - begun_ms < LIMIT_MS);
	assert_int_equal(tr_engine_outcome(engine), TR_OUTCOME_STOPPED);
	tr_engine_destroy(&engine);
	tr_session_destroy(&session);
	tr_arena_deinit(&arena);
	tr_environment_real_destroy(&env);
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(between_checkpoints)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
