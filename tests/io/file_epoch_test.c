/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem sink is given a checkpoint that does not fit what lies in its table: files are gone, were changed, or were
 * published for a newer checkpoint. What would lose or double rows is refused, and nothing is changed.
 */
#include "io/sink_file_job.h"

/** Records of a checkpoint with two files in two folders, restored after `change` was done to the table. */
static void expect_refused(const char *change, tr_code code, const char *text)
{
	struct world *w = world_create(9, "plain", true);
	struct job *job = &w->jobs[0];
	char command[600];

	job_begin_prepared(job, 40);
	job_die(job, false);
	snprintf(command, sizeof(command), "cd %s && %s", w->table, change);
	assert_int_equal(system(command), 0);
	if (text == NULL && strstr(change, "rm ") != NULL) {
		assert_true(job_create(job) && for_each(job, recover_sink));
	} else if (text == NULL) {
		assert_true(job_open(job));
	} else {
		assert_false(job_open(job));
		assert_int_equal(w->st.code, code);
		if (strstr(w->st.message, text) == NULL)
			fail_msg("%s", w->st.message);
	}
	job_close(job);
	world_destroy(w);
}

static void test_table_is_not_what_it_was(void **state)
{
	expect_refused("true", TR_OK, NULL);
	expect_refused("for f in k=3/.part*held*; do g=${f#k=3/.}; mv $f k=3/${g%.held.pending}; done", TR_OK, NULL);
	expect_refused("rm k=3/.part*", TR_ERR_DATA, "is gone, and so is its pending name");
	/* Somebody was quick to take what had been published. */
	expect_refused("rm k=3/.part* && touch .part-" JOB_A "-0-1.published", TR_OK, NULL);
	expect_refused("rm -r k=3 && touch .part-" JOB_A "-0-1.published", TR_OK, NULL);
	expect_refused("rm -r k=3", TR_ERR_DATA, "put it back under one of the two names, or start the job anew");
	expect_refused("for f in k=3/.part*held*; do echo >> $f; done", TR_ERR_DATA, "put the right one back");
	expect_refused("for f in k=3/.part*held*; do g=${f#k=3/.}; touch k=3/${g%.held.pending}; done", TR_ERR_DATA,
		       "the name is taken");
}

static void checkpoint_copy(struct checkpoint *to, const struct checkpoint *from)
{
	checkpoint_clear(to);
	*to = *from;
	to->items = calloc(from->count + 1, sizeof(*to->items));
	for (uint32_t i = 0; i < from->count; i++) {
		to->items[i] = from->items[i];
		to->items[i].bytes = malloc(from->items[i].length);
		memcpy(to->items[i].bytes, from->items[i].bytes, from->items[i].length);
	}
}

/** What lies in the table, with the bytes. */
static void hash_table(struct world *w, char sum[64])
{
	char command[512];
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "cd %s && find . -type f ! -name '*.lock' | LC_ALL=C sort | xargs md5sum | md5sum", w->table);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(sum, 64, pipe));
	pclose(pipe);
}

enum newer { NEWER_PUBLISHED, NEWER_MOVED_AWAY, NEWER_BEGUN, NEWER_PREPARED, NEWER_WITHOUT_ROWS };

/** A job goes on from a checkpoint although there was a newer one: allowed as long as nothing of that has been published. */
static void go_back(uint64_t seed, bool is_partitioned, enum newer newer, bool from_nothing)
{
	struct world *w = world_create(seed, "plain", is_partitioned);
	struct job *job = &w->jobs[0];
	struct checkpoint older = {.number = 0};
	char before[64], after[64], command[200];

	job->writer_count = 1 + (uint32_t)(seed % 2);
	assert_true(job_open(job));
	if (!from_nothing) {
		assert_true(write_some(job, 0, 0, 50) && job_checkpoint(job, false, true));
		checkpoint_copy(&older, &job->complete);
	}
	if (newer != NEWER_WITHOUT_ROWS)
		assert_true(write_some(job, job->writer_count - 1, job->subtask_count[job->writer_count - 1] - 1, 50));
	if (newer == NEWER_PUBLISHED || newer == NEWER_MOVED_AWAY || newer == NEWER_WITHOUT_ROWS)
		assert_true(job_checkpoint(job, false, true));
	else
		job_prepare(job);
	if (newer == NEWER_BEGUN) {
		/* Dies while it publishes, the epoch being the first thing to be renamed. */
		w->disk.die_at = w->disk.calls + 4;
		(void)commit_sink(job, job->writer_count - 1, job->subtask_count[job->writer_count - 1] - 1);
	}
	job_die(job, false);
	if (newer == NEWER_MOVED_AWAY) {
		snprintf(command, sizeof(command), "find %s -name 'part-*' -delete", w->table);
		assert_int_equal(system(command), 0);
	}
	checkpoint_copy(&job->complete, &older);
	checkpoint_clear(&older);
	if (newer == NEWER_PREPARED || newer == NEWER_WITHOUT_ROWS) {
		if (!job_open(job))
			fail_msg("%s", w->st.message);
		assert_true(write_some(job, 0, 0, 10));
		job_end(job);
		assert_int_equal(w->held_count, 0);
	} else {
		hash_table(w, before);
		assert_false(job_open(job));
		assert_int_equal(w->st.code, TR_ERR_DATA);
		if (strstr(w->st.message, "has been published") == NULL || strstr(w->st.message, "--fresh") == NULL)
			fail_msg("%s", w->st.message);
		job_close(job);
		hash_table(w, after);
		assert_string_equal(before, after);
		/* What the message says: who accepts rows twice removes the epochs. */
		snprintf(command, sizeof(command), "cd %s && rm .part-*.published%s", w->table,
			 newer == NEWER_MOVED_AWAY ? " && touch .part-" JOB_A "-0-9.published" : "");
		assert_int_equal(system(command), 0);
		if (newer == NEWER_MOVED_AWAY) /* what the message says when files are gone */
			job->complete.number = 9;
		assert_true(job_create(job) && for_each(job, recover_sink));
		job_close(job);
	}
	world_destroy(w);
}

static void test_going_back(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		for (enum newer newer = NEWER_PUBLISHED; newer <= NEWER_WITHOUT_ROWS; newer++)
			go_back(seed, seed % 4 < 2, newer, false);
		go_back(seed, seed % 4 < 2, NEWER_PUBLISHED, true);
		go_back(seed, seed % 4 < 2, NEWER_PREPARED, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_not_what_it_was),
		cmocka_unit_test(test_going_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
