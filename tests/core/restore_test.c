/* SPDX-License-Identifier: Apache-2.0
 *
 * Restoring whole jobs, with a thread for each subtask or without any: a job over a sequence is stopped behind checkpoints some
 * times and goes on each time with other numbers of subtasks and key groups. At the end each key must have the count and the
 * sum that arithmetic says. Then logs that are damaged, and logs that are whole but hold what no operator wrote.
 */
#include "tr_test.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "core/engine.h"
#include "io/disk.h"
#include "sql/session.h"
#include "state/log.h"

#define ROWS 300000
#define KEYS 20011
#define LIVES 6

static char top[64]; /* the test's directory */
static struct tr_environment *real;

/* The last one groups by texts, which the other form of key table has. */
static const char *const scripts[] = {
	"CREATE TABLE numbers (id BIGINT, k AS MOD(id, 20011), ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts) "
	"WITH "
	"('connector' = 'datagen', 'rows-per-second' = '600000', 'fields.id.kind' = 'sequence', 'fields.id.start' = "
	"'0', "
	"'fields.id.end' = '299999');\n"
	"CREATE TABLE sink (k BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s/out', "
	"'format' = 'csv');\n"
	"INSERT INTO sink SELECT k, COUNT(*), SUM(id) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' "
	"HOUR)) "
	"GROUP BY k, window_start, window_end;\n",
	"CREATE TABLE numbers (id BIGINT, k AS MOD(id, 20011), ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts) "
	"WITH "
	"('connector' = 'datagen', 'rows-per-second' = '600000', 'fields.id.kind' = 'sequence', 'fields.id.start' = "
	"'0', "
	"'fields.id.end' = '299999');\n"
	"CREATE TABLE sink (k BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s/out', "
	"'format' = 'csv');\n"
	"INSERT INTO sink SELECT k, COUNT(*), SUM(id) FROM TABLE(CUMULATE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' "
	"HOUR, "
	"INTERVAL '1' HOUR)) GROUP BY k, window_start, window_end;\n",
	"CREATE TABLE numbers (id BIGINT, k AS MOD(id, 20011), ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts) "
	"WITH "
	"('connector' = 'datagen', 'rows-per-second' = '600000', 'fields.id.kind' = 'sequence', 'fields.id.start' = "
	"'0', "
	"'fields.id.end' = '299999');\n"
	"CREATE TABLE sink (k STRING, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s/out', "
	"'format' = 'csv');\n"
	"INSERT INTO sink SELECT CAST(k AS STRING), COUNT(*), SUM(id) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), "
	"INTERVAL '1' HOUR)) GROUP BY CAST(k AS STRING), window_start, window_end;\n",
};

/* ---- jobs ---- */

struct life {
	uint32_t parallelism;
	uint32_t key_groups;
	uint64_t threads_bytes;
	uint64_t memory_limit; /* bytes; 0: none */
	uint64_t stop_at;      /* rows that this life reads before it is stopped; 0: it is not */
};

struct stopper {
	struct tr_engine *engine;
	uint64_t rows;
	_Atomic bool is_over;
};

static uint32_t lives_spilled; /* lives that had state on disk when they were stopped */

static void *stop_later(void *context)
{
	struct stopper *stopper = context;
	struct tr_engine_progress progress = {0};

	while (!atomic_load(&stopper->is_over) && progress.rows_in < stopper->rows) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		tr_engine_progress(stopper->engine, &progress);
	}
	lives_spilled += progress.spilled_bytes > 0;
	tr_engine_stop(stopper->engine);
	return NULL;
}

static tr_code live(const char *format, const struct life *life, bool *is_finished, struct tr_status *st)
{
	static uint64_t seed = 1;
	char script[2048], state[128], number[16];
	struct tr_arena arena;
	struct tr_config config;
	struct tr_engine *engine = NULL;
	struct tr_session_options options = {.file = "test.sql",
					     .config = &config,
					     .core_count = 2,
					     .machine_time_zone = "UTC",
					     .job_name = "test",
					     .job_id_seed = {++seed, 1}};
	struct tr_session *session;
	tr_code code = TR_ERR_INTERNAL;

	snprintf(script, sizeof(script), format, top);
	snprintf(state, sizeof(state), "%s/state", top);
	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	snprintf(number, sizeof(number), "%u", life->parallelism);
	assert_int_equal(tr_config_set(&config, "parallelism.default", number, TR_ORIGIN_COMMAND, NULL, st), TR_OK);
	snprintf(number, sizeof(number), "%u", life->key_groups);
	assert_int_equal(tr_config_set(&config, "pipeline.max-parallelism", number, TR_ORIGIN_COMMAND, NULL, st), TR_OK);
	assert_int_equal(
		tr_config_set(&config, "execution.checkpointing.interval", "20 ms", TR_ORIGIN_COMMAND, NULL, st), TR_OK);
	session = tr_session_compile(&options, script, strlen(script));
	if (session->diags.error_count > 0)
		fail_msg("%s", tr_diags_render(&session->diags, false, &session->arena));
	for (uint32_t i = 0; i < session->step_count; i++) {
		struct stopper stopper = {.rows = life->stop_at};
		struct tr_plan *plan = session->steps[i].plan;
		pthread_t thread;

		if (session->steps[i].kind != TR_STEP_JOB)
			continue;
		plan->checkpoint.directory = state;
		plan->checkpoint.load_threads_bytes = life->threads_bytes;
		plan->memory_limit = life->memory_limit; /* less than a script may ask for */
		code = tr_engine_create(plan, real, &engine, st);
		if (code == TR_OK && life->stop_at > 0) {
			stopper.engine = engine;
			assert_int_equal(pthread_create(&thread, NULL, stop_later, &stopper), 0);
			code = tr_engine_run(engine, st);
			atomic_store(&stopper.is_over, true);
			assert_int_equal(pthread_join(thread, NULL), 0);
		} else if (code == TR_OK) {
			code = tr_engine_run(engine, st);
		}
		*is_finished = code == TR_OK && tr_engine_outcome(engine) == TR_OUTCOME_FINISHED;
		tr_engine_destroy(&engine);
	}
	tr_session_destroy(&session);
	tr_arena_deinit(&arena);
	return code;
}

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) { return remove(path); }

static void remove_tree(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void check_results(void)
{
	static int64_t counts[KEYS], totals[KEYS];
	char path[512], line[512];
	struct dirent *entry;
	DIR *directory;
	uint32_t rows = 0;

	snprintf(path, sizeof(path), "%s/out", top);
	directory = opendir(path);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		FILE *file;

		if (strncmp(entry->d_name, "part-", 5) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/out/%s", top, entry->d_name);
		file = fopen(path, "r");
		assert_non_null(file);
		while (fgets(line, sizeof(line), file) != NULL) {
			long long k, n, total;

			assert_int_equal(sscanf(line, "%lld,%lld,%lld", &k, &n, &total), 3);
			assert_in_range(k, 0, KEYS - 1);
			counts[k] = n;
			totals[k] = total;
			rows++;
		}
		fclose(file);
	}
	closedir(directory);
	assert_int_equal(rows, KEYS);
	for (int64_t k = 0; k < KEYS; k++) {
		const int64_t n = (ROWS - k + KEYS - 1) / KEYS;

		if (counts[k] != n || totals[k] != n * k + KEYS * n * (n - 1) / 2)
			fail_msg("key %lld: %lld rows, sum %lld", (long long)k, (long long)counts[k],
				 (long long)totals[k]);
	}
}

/* ---- other numbers ---- */

static void lives(uint32_t script, uint64_t seed, bool has_limits)
{
	static const uint32_t counts[] = {1, 2, 2, 3, 8};
	static const uint64_t limits[] = {0, 200 << 10, 200 << 10, 8 << 20};
	bool is_finished = false;
	struct tr_status st = {0};

	remove_tree("state");
	remove_tree("out");
	for (uint32_t i = 0; !is_finished; i++) {
		const struct life life = {.parallelism = counts[tr_test_below(&seed, 5)],
					  .key_groups = tr_test_below(&seed, 2) != 0 ? 128 : 100,
					  .threads_bytes = tr_test_below(&seed, 4) != 0 ? 1 : UINT64_MAX,
					  .memory_limit = has_limits ? limits[tr_test_below(&seed, 4)] : 0,
					  .stop_at = i < LIVES ? 1 + tr_test_below(&seed, ROWS / LIVES) : 0};

		if (live(scripts[script], &life, &is_finished, &st) != TR_OK)
			fail_msg("life %u: %s", i, st.message);
		assert_true(i <= LIVES);
	}
	check_results();
}

static void test_tumble(void **state) { lives(0, 1, false); }
static void test_cumulate(void **state) { lives(1, 2, false); }
static void test_texts(void **state) { lives(2, 3, false); }

/** What some subtasks had on disk, since their memory was limited, is loaded by others, within another limit or without any. */
static void test_limits(void **state)
{
	const uint64_t seeds = tr_test_cases(3);

	lives_spilled = 0;
	for (uint32_t script = 0; script < TR_COUNT_OF(scripts); script++)
		for (uint64_t seed = 0; seed < seeds; seed++)
			lives(script, 10 * script + seed + 4, true);
	assert_true(lives_spilled > 3 * seeds);
}

/* ---- damage ---- */

/** A state of two subtasks, in pieces of some checkpoints. */
static void make_state(void)
{
	const struct life life = {.parallelism = 2, .key_groups = 128, .threads_bytes = 1, .stop_at = ROWS / 2};
	struct tr_status st = {0};
	bool is_finished;

	remove_tree("state");
	remove_tree("out");
	if (live(scripts[0], &life, &is_finished, &st) != TR_OK)
		fail_msg("%s", st.message);
	assert_false(is_finished);
}

static tr_code go_on(uint32_t parallelism, uint64_t threads_bytes, struct tr_status *st)
{
	const struct life life = {.parallelism = parallelism, .key_groups = 128, .threads_bytes = threads_bytes};
	bool is_finished;

	return live(scripts[0], &life, &is_finished, st);
}

/** A bit of each part of the segment in turn: what was read before it is in tables, and is thrown away. */
static void test_damage(void **state)
{
	char path[128];
	struct tr_status st = {0};
	long length, step;
	FILE *file;

	make_state();
	snprintf(path, sizeof(path), "%s/state/segment-1", top);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	step = length / 9 + 1;
	for (long at = 200; at < length; at += step) {
		unsigned char byte;

		for (int pass = 0; pass < 2; pass++) { /* there, and back */
			assert_int_equal(fseek(file, at, SEEK_SET), 0);
			assert_int_equal(fread(&byte, 1, 1, file), 1);
			byte ^= 4;
			assert_int_equal(fseek(file, at, SEEK_SET), 0);
			assert_int_equal(fwrite(&byte, 1, 1, file), 1);
			assert_int_equal(fflush(file), 0);
			if (pass == 1)
				break;
			for (uint32_t p = 1; p <= 3; p++) {
				const tr_code code = go_on(p, p == 1 ? UINT64_MAX : 1, &st);

				if (code ==
				    TR_OK) { /* no checkpoint needs it any more, and the job has come to its end */
					fclose(file);
					check_results();
					return;
				}
				assert_int_equal(code, TR_ERR_DATA);
				assert_non_null(strstr(st.message, "segment-1: byte "));
			}
		}
	}
	fclose(file);
	assert_int_equal(go_on(3, 1, &st), TR_OK);
	check_results();
}

/* Copies a log and changes a record. */

struct forger {
	struct tr_log *to;
	struct tr_io_queue *io;
	uint32_t subtask; /* of whose stream the first keyed record becomes one that nobody knows */
	bool is_done;
};

static tr_code forge(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
		     size_t length, struct tr_status *st)
{
	struct forger *f = context;
	struct tr_state_block *block = calloc(1, sizeof(*block) + length);
	struct tr_state_record record;
	size_t begin = 0, end = 0;
	tr_code code;

	*block = (struct tr_state_block){
		.stream = *stream, .checkpoint = checkpoint, .length = length, .capacity = length};
	memcpy(block->bytes, bytes, length);
	for (; !f->is_done && tr_block_next(bytes, length, &end, &record, &code, st); begin = end) {
		if (!record.is_keyed || stream->subtask != f->subtask)
			continue;
		block->bytes[begin + 4] = 99; /* its kind */
		f->is_done = true;
	}
	while (!tr_log_append(f->to, block)) {
		assert_int_not_equal(tr_log_step(f->to, st), TR_FLOW_FAILED);
		(void)tr_io_wait(f->io, 1000000);
	}
	return TR_OK;
}

static void forge_log(const char *from, const char *to, uint32_t subtask)
{
	char paths[2][128];
	struct tr_io_queue *io;
	struct tr_log *log;
	struct tr_log_report report;
	struct tr_status st = {0};
	struct forger f = {.subtask = subtask};
	struct tr_log_options options = {.disk = real->disk, .directory = paths[0], .is_read_only = true};
	enum tr_flow flow;

	snprintf(paths[0], sizeof(paths[0]), "%s/%s", top, from);
	snprintf(paths[1], sizeof(paths[1]), "%s/%s", top, to);
	assert_int_equal(real->disk->ops->queue_create(real->disk, 64, &io, &st), TR_OK);
	options.io = f.io = io;
	assert_int_equal(tr_log_open(&options, &log, &report, &st), TR_OK);
	options.directory = paths[1];
	options.is_read_only = false;
	options.job_name = "test";
	options.job_id = tr_log_job_id(log);
	assert_int_equal(tr_log_open(&options, &f.to, &report, &st), TR_OK);
	tr_log_begin(f.to, tr_log_checkpoint(log, 0)->number);
	assert_int_equal(tr_log_read(log, 0, forge, &f, &st), TR_OK);
	tr_log_seal(f.to, tr_log_checkpoint(log, 0));
	while ((flow = tr_log_step(f.to, &st)) == TR_FLOW_MORE)
		(void)tr_io_wait(io, 1000000);
	assert_int_equal(flow, TR_FLOW_DONE);
	assert_true(f.is_done);
	tr_log_close(&f.to);
	tr_log_close(&log);
	real->disk->ops->queue_destroy(real->disk, &io);
}

/** An operator refuses what it is given: the message says whose, whichever thread found it. */
static void test_refused(void **state)
{
	char from[128], to[128];

	make_state();
	snprintf(from, sizeof(from), "%s/state", top);
	snprintf(to, sizeof(to), "%s/whole", top);
	assert_int_equal(rename(from, to), 0);
	for (uint32_t subtask = 0; subtask < 2; subtask++) {
		for (uint32_t p = 1; p <= 3; p++) {
			struct tr_status st = {0};
			char expected[64];

			remove_tree("state");
			forge_log("whole", "state", subtask);
			assert_int_equal(go_on(p, p == 1 ? UINT64_MAX : 1, &st), TR_ERR_DATA);
			snprintf(expected, sizeof(expected), "subtask %u: ", subtask);
			if (strstr(st.message, "state of operator '") == NULL || strstr(st.message, expected) == NULL ||
			    strstr(st.message, "unknown kind 99") == NULL)
				fail_msg("%u subtasks, damage in %u: %s", p, subtask, st.message);
		}
	}
	remove_tree("whole");
}

static int set_up(void **state)
{
	struct tr_status st;

	snprintf(top, sizeof(top), "%s/tailrace-restore-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(top));
	return tr_environment_real_create(&real, &st) == TR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	tr_environment_real_destroy(&real);
	remove_tree("");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tumble), cmocka_unit_test(test_cumulate), cmocka_unit_test(test_texts),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_damage),   cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
