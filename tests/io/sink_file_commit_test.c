/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem sink with checkpoints: what is published is, at any time, what a model says (io/sink_file_job.h), whatever
 * happens. What ends a life of the job: a kill, a power cut (tests/io/fault_disk.h), a failing call, or an orderly close
 * without a last checkpoint; the next life has other counts of subtasks.
 */
#include "io/sink_file_job.h"

/** One job dies again and again. */
static void run_lives(uint64_t seed, const char *disk, bool is_partitioned, uint32_t writers)
{
	struct world *w = world_create(seed, disk, is_partitioned);
	struct job *job = &w->jobs[0];

	job->writer_count = writers;
	for (uint32_t life = 0; life < 8; life++) {
		const uint32_t fate = tr_test_below(&w->seed, 4);

		w->disk.short_percent = tr_test_below(&w->seed, 2) * 30;
		if (fate < 3)
			w->disk.die_at = 1 + tr_test_below(&w->seed, life % 2 == 0 ? 3000 : 300);
		if (job_open(job)) {
			while (tr_test_below(&w->seed, 100) != 0 && job_step(job))
				;
		}
		if (fate < 3) /* whether or not it has got that far */
			w->disk.die_at = 1;
		else if (tr_test_below(&w->seed, 2) == 0)
			job_prepare(job); /* an orderly close knows nothing of what became of it */
		job_close(job);
		if (fate == 2)
			fault_disk_cut_power(&w->disk);
		assert_int_equal(w->disk.synced_again, 0);
		fault_disk_settle(&w->disk);
		expect_published(job, false);
	}
	assert_true(job_open(job));
	assert_true(write_some(job, 0, 0, 10));
	job_end(job);
	assert_int_equal(w->held_count, 0);
	world_destroy(w);
}

static void test_lives(void **state)
{
	const uint64_t cases = tr_test_cases(80);

	for (uint64_t i = 0; i < cases; i++)
		run_lives(1000 + i, i % 3 == 0 ? "plain" : "io_uring", i % 2 == 0, i % 5 == 4 ? 2 : 1);
}

/** A checkpoint whose files all lie in directories where the next ones have none: only recover's own syncs keep them. */
static void test_power_after_recovery(void **state)
{
	const uint64_t cases = tr_test_cases(20);

	for (uint64_t i = 0; i < cases; i++) {
		struct world *w = world_create(700 + i, "plain", i % 2 == 0);
		struct job *job = &w->jobs[0];

		job_begin_prepared(job, 50);
		job_die(job, true);
		assert_true(job_open(job));
		assert_true(job_checkpoint(job, false, true));
		assert_int_equal(job->complete.count, 0);
		job_die(job, true);
		expect_published(job, true);
		world_destroy(w);
	}
}

/** Two jobs write to one table; one of them dies again and again. A third, without checkpoints, tidies up between. */
static void run_two_jobs(uint64_t seed, bool is_partitioned)
{
	struct world *w = world_create(seed, "plain", is_partitioned);
	struct job *living = &w->jobs[0], *dying = &w->jobs[1];
	struct tr_sink_context context = {.env = &w->env, .io = w->io, .subtask_count = 1};
	struct tr_table_spec spec = living->spec;
	struct tr_sink *third = NULL;

	spec.job_id = "ffff";
	assert_true(job_open(living));
	for (uint32_t life = 0; life < 4; life++) {
		bool has_prepared = false;

		assert_true(job_open(dying));
		for (int i = 0; i < 60; i++) {
			assert_true(job_step(tr_test_below(&w->seed, 2) == 0 ? living : dying));
			expect_published(living, true);
			expect_published(dying, true);
		}
		if (tr_test_below(&w->seed, 2) == 0) { /* complete, but the commit does not come */
			job_prepare(dying);
			has_prepared = dying->complete.count > 0;
		}
		w->disk.die_at = 1;
		job_close(dying);
		w->disk.die_at = 0;
		w->disk.calls = 0;
		assert_int_equal(ops_of(living)->open(&spec, &context, &third, &w->st), TR_OK);
		ops_of(living)->close(&third);
		expect_published(dying, false);
		if (has_prepared)
			assert_true(w->held_count > 0);
	}
	assert_true(job_open(dying));
	assert_true(write_some(dying, 0, 0, 10));
	job_end(dying);
	job_end(living);
	assert_int_equal(w->held_count, 0);
	world_destroy(w);
}

static void test_two_jobs(void **state)
{
	const uint64_t cases = tr_test_cases(30);

	for (uint64_t i = 0; i < cases; i++)
		run_two_jobs(5000 + i, i % 2 == 0);
}

/** A short life, always the same. False: it has failed. */
static bool short_life(struct job *job)
{
	bool is_good = job_open(job);

	for (int i = 0; is_good && i < 4; i++)
		is_good = write_some(job, 0, (uint32_t)i % job->subtask_count[0], 150);
	is_good = is_good && job_checkpoint(job, false, false);
	is_good = is_good && write_some(job, 0, 0, 100) && job_checkpoint(job, true, false);
	return is_good && write_some(job, 0, 0, 10) && job_checkpoint(job, false, false);
}

/** Each disk call fails once, or from then on for ever: the job fails with a message, or the call did not matter. Nothing is
 * synced again after its sync has failed; the next life puts all right. */
static void fail_calls(bool is_partitioned, bool fails_for_ever, int error)
{
	for (uint64_t k = 1;; k++) {
		struct world *w = world_create(77, "plain", is_partitioned);
		struct job *job = &w->jobs[0];
		uint64_t calls;

		/* The life before leaves a prepared checkpoint and something that belongs to none. */
		job_begin_prepared(job, 50);
		assert_true(write_some(job, 0, 0, 50));
		job_die(job, false);
		w->disk.fail_at = k;
		w->disk.fails_for_ever = fails_for_ever;
		w->disk.fail_error = error;
		(void)short_life(job);
		calls = w->disk.calls;
		if (!fails_for_ever && job->has_failed && strstr(w->st.message, strerror(error)) == NULL)
			fail_msg("%s", w->st.message);
		job_close(job);
		assert_int_equal(w->disk.synced_again, 0);
		fault_disk_settle(&w->disk);
		w->disk.fails_for_ever = false;
		expect_published(job, false);
		assert_true(job_open(job));
		assert_true(write_some(job, 0, 0, 10));
		job_end(job);
		assert_int_equal(w->held_count, 0);
		world_destroy(w);
		if (k >= calls)
			break;
		if (tr_test_number("TAILRACE_TEST_PERCENT", 100) < 100)
			k += 6; /* a share of the calls, for sanitizers */
	}
}

static void test_failing_calls(void **state)
{
	fail_calls(true, false, EIO);
	fail_calls(false, true, EIO);
	fail_calls(false, false, ENOSPC);
}

/** Hostile records: every cut and many changed bytes are refused or name nothing outside of the table. */
static void test_bad_records(void **state)
{
	struct world *w = world_create(10, "plain", true);
	struct job *job = &w->jobs[0];
	struct tr_sink_context context = {.env = &w->env, .io = w->io, .subtask_count = 1, .has_checkpoints = true};
	const struct tr_state_origin origin = {0, 1, 1};
	struct tr_sink *sink = NULL;
	struct saved saved;
	uint64_t seed = 3;
	uint32_t refused = 0;

	job_begin_prepared(job, 40);
	saved = job->complete.items[0];
	for (size_t i = 0; i < saved.length + 3000; i++) {
		char *bytes = tr_io_calloc(saved.length, 1);
		struct tr_state_record record = {.kind = saved.kind, .bytes = bytes, .length = saved.length};
		tr_code code;

		memcpy(bytes, saved.bytes, saved.length);
		if (i < saved.length)
			record.length = i;
		else
			bytes[tr_test_below(&seed, (uint32_t)saved.length)] = (char)tr_test_below(&seed, 256);
		assert_int_equal(ops_of(job)->open(&job->spec, &context, &sink, &w->st), TR_OK);
		code = ops_of(job)->load(sink, &origin, &record, &w->st);
		if (code != TR_OK) {
			assert_int_equal(code, TR_ERR_DATA);
			assert_non_null(strstr(w->st.message, "can't be read"));
			refused++;
		}
		ops_of(job)->close(&sink);
		free(bytes);
	}
	assert_true(refused >= saved.length / 2);
	job_close(job);
	world_destroy(w);
}

/** Thousands of folders: one sync for each of them at prepare, and one at commit. */
static void test_one_sync_a_directory(void **state)
{
	struct world *w = world_create(11, "io_uring", true);
	struct job *job = &w->jobs[0];
	const int folders = tr_test_cases(100) == 100 ? 2000 : 300;
	uint32_t before;

	job->spec.options.count = 1;
	assert_true(job_create(job));
	while (job->positions[0] < folders * 3) {
		enum tr_flow flow;

		tr_batch_buffer_clear(w->batch);
		for (uint32_t i = 0; i < 500; i++) {
			((int32_t *)w->batch->columns[0].data)[i] = job->positions[0];
			((struct tr_view *)w->batch->columns[1].data)[i] = tr_batch_buffer_view(w->batch, "x", 1);
			((int32_t *)w->batch->columns[2].data)[i] = job->positions[0]++ % folders;
		}
		tr_batch_buffer_seal(w->batch, 500);
		flow = ops_of(job)->write(job->sinks[0][0], &w->batch->batch, &w->st);
		assert_int_equal(settle(job, 0, 0, flow), TR_FLOW_MORE);
	}
	job->number = 1;
	before = w->disk.directory_syncs;
	assert_true(prepare_sink(job, 0, 0));
	assert_int_equal(w->disk.directory_syncs - before, folders + 1);
	before = w->disk.directory_syncs;
	assert_true(commit_sink(job, 0, 0));
	assert_int_equal(w->disk.directory_syncs - before, folders + 1); /* and the epoch's */
	job_close(job);
	world_destroy(w);
}

/** A process that ends at once: real locks, real descriptors. */
static void test_killed_process(void **state)
{
	const uint64_t cases = tr_test_cases(20);

	for (uint64_t i = 0; i < cases; i++) {
		struct world *w = world_create(300 + i, "plain", true);
		struct job *job = &w->jobs[0];
		pid_t child;
		int status;

		job_begin_prepared(job, 50);
		job_die(job, false);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) { /* recovers, writes, prepares, and is gone */
			bool is_good = job_open(job);

			for (uint32_t n = tr_test_below(&w->seed, 20); is_good && n > 0; n--)
				is_good = write_some(job, 0, 0, 50);
			job->number++;
			_exit(is_good && (tr_test_below(&w->seed, 2) == 0 || for_each(job, prepare_sink)) ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_true(job_open(job));
		job_end(job);
		assert_int_equal(w->held_count, 0);
		world_destroy(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives),          cmocka_unit_test(test_power_after_recovery),
		cmocka_unit_test(test_two_jobs),       cmocka_unit_test(test_failing_calls),
		cmocka_unit_test(test_bad_records),    cmocka_unit_test(test_one_sync_a_directory),
		cmocka_unit_test(test_killed_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
