/* SPDX-License-Identifier: Apache-2.0
 *
 * The log against a model: random checkpoints of random blocks, some given up, some rewound, with and without closing in
 * between; and who may open a directory. Damage is in log_damage_test.c, failing I/O in log_fault_test.c.
 */
#include "log_model.h"

#include <fcntl.h>
#include <sys/file.h>

static void check_permissions(const struct model *m)
{
	model_shell(m, "test \"$(stat -c %a .)\" = 700 && test -z \"$(find . -type f ! -perm 600)\"");
}

static void run_model(uint64_t seed, const char *disk)
{
	struct model *m;
	uint64_t number = 0;
	uint32_t steps;

	setenv("TAILRACE_IO", disk, 1);
	m = model_create(seed, (size_t)1 << (12 + seed % 8));
	m->options.retained = 2 + (uint32_t)(seed % 3);
	model_must(m, model_open(m));
	assert_true(m->report.is_new);
	steps = 20 + tr_test_below(&m->seed, 60);
	for (uint32_t i = 0; i < steps; i++) {
		const uint32_t blocks = tr_test_below(&m->seed, 12), what = tr_test_below(&m->seed, 20);
		const uint32_t length_max = 1u << tr_test_below(&m->seed, 16);

		number += 1 + tr_test_below(&m->seed, 2);
		if (what < 13) {
			const enum tr_flow flow = model_commit(m, number, blocks, length_max);

			model_must(m, flow == TR_FLOW_DONE ? TR_OK : m->st.code);
		} else if (what < 16) { /* given up before or after it is sealed; perhaps begun again at once */
			const uint32_t before = m->checkpoint_count;

			tr_log_begin(m->log, number);
			for (uint32_t k = 0; k < blocks; k++)
				assert_true(model_append(m, number, length_max));
			if (tr_test_below(&m->seed, 2) == 0)
				model_seal(m, number);
			tr_log_abort(m->log);
			model_forget(m, before);
			if (tr_test_below(&m->seed, 2) == 0)
				assert_int_equal(model_settle(m), TR_FLOW_DONE);
		} else if (what < 18) {
			model_reopen(m);
			assert_false(m->report.is_new);
			assert_int_equal(m->report.roots_damaged, 0);
		} else if (tr_log_checkpoint_count(m->log) > 1) {
			const uint32_t index = 1 + tr_test_below(&m->seed, tr_log_checkpoint_count(m->log) - 1);

			model_must(m, tr_log_rewind(m->log, index, &m->st));
			model_forget(m, m->checkpoint_count - index);
			number++;
			assert_int_equal(model_commit(m, number, blocks, length_max), TR_FLOW_DONE);
		}
		model_check(m);
	}
	check_permissions(m);
	assert_string_equal(tr_log_job_id(m->log), MODEL_JOB);
	model_destroy(&m);
}

static void test_model(void **state)
{
	for (uint64_t i = tr_test_cases(60); i > 0; i--)
		run_model(i, i % 2 == 0 ? "plain" : "io_uring");
}

/** What is removed, and when: with all streams written anew each time, two checkpoints and what the older root needs remain. */
static void test_space(void **state)
{
	struct model *m = model_create(5, 1 << 16);
	uint64_t most = 0;

	model_must(m, model_open(m));
	for (uint64_t n = 1; n <= 100; n++) {
		memset(m->base, 0, sizeof(m->base));
		assert_int_equal(model_commit(m, n, 20, 8000), TR_FLOW_DONE);
		most = TR_MAX(most, tr_log_disk_bytes(m->log));
	}
	model_check(m);
	/* About 80 KB each; three are kept, and a segment more at either end; 256 KiB for the roots, and what is reserved. */
	assert_true(most < 4 * 100000 + 2 * 65536 + 256 * 1024 + 256 * 1024);
	model_reopen(m);
	assert_string_equal(m->report.note, "");
	model_check(m);
	model_destroy(&m);
}

/** An operator that writes single keys when they change, and groups of keys as a whole when they are to be written again. */
struct writer {
	struct model *m;
	uint64_t base[64];
	uint64_t appended, rewritten;
};

enum { GROUP_KEYS = 16, KEY_BYTES = 2048 };

static void put_keys(struct writer *w, uint64_t number, uint32_t keys)
{
	for (uint32_t k = 0; k < keys; k++) {
		struct tr_state_block *block = calloc(1, sizeof(*block) + KEY_BYTES);

		*block = (struct tr_state_block){.stream = model_streams[0], .checkpoint = number, .length = KEY_BYTES};
		while (!tr_log_append(w->m->log, block)) {
			assert_int_equal(tr_log_step(w->m->log, &w->m->st), TR_FLOW_MORE);
			(void)tr_io_wait(w->m->io, 1000000);
		}
		w->appended += KEY_BYTES + TR_STATE_BLOCK_HEAD;
	}
}

static void write_checkpoint(struct writer *w, uint64_t number, uint32_t changes, uint64_t before)
{
	struct tr_log_part part = {.stream = model_streams[0], .uid = "u", .base = tr_state_age(number)};
	struct tr_log_checkpoint checkpoint = {.number = number, .parts = &part, .part_count = 1};

	w->appended = w->rewritten = 0;
	tr_log_begin(w->m->log, number);
	for (uint32_t g = 0; g < TR_COUNT_OF(w->base); g++) {
		const bool is_first = w->base[g] == 0, is_due = is_first || w->base[g] < before;

		if (is_due) {
			w->base[g] = TR_MAX(tr_log_age(w->m->log), tr_state_age(number));
			put_keys(w, number, GROUP_KEYS);
			w->rewritten += is_first ? 0 : GROUP_KEYS * (KEY_BYTES + TR_STATE_BLOCK_HEAD);
		} else if (changes >= GROUP_KEYS) { /* of those that change, all do */
			w->base[g] = TR_MAX(tr_log_age(w->m->log), tr_state_age(number));
		}
		put_keys(w, number, is_due ? 0 : TR_MIN(changes, GROUP_KEYS));
		changes -= is_due ? 0 : TR_MIN(changes, GROUP_KEYS);
		part.base = TR_MIN(part.base, w->base[g]);
	}
	checkpoint.rewritten = w->rewritten;
	tr_log_seal(w->m->log, &checkpoint);
	assert_int_equal(model_settle(w->m), TR_FLOW_DONE);
}

/** How many keys a checkpoint changes. */
static uint32_t changes_of(uint32_t pattern, uint64_t number, uint64_t *seed)
{
	switch (pattern) {
	case 0: return 10;                                     /* always the same few */
	case 1: return tr_test_below(seed, 40);                /* */
	case 2: return number % 60 < 30 ? 2 : 60;              /* in turn */
	case 3: return tr_test_below(seed, 20) == 0 ? 600 : 5; /* now and then half of the state */
	default: return tr_test_below(seed, 3) == 0 ? 0 : 1 + number / 40;
	}
}

/** The order to write again keeps the log within twice the state and what the retained checkpoints have appended, and what is
 * written again within what changes, whatever changes. */
static void test_rewrite(void **state)
{
	const uint64_t live = 64 * GROUP_KEYS * (KEY_BYTES + TR_STATE_BLOCK_HEAD);
	const uint64_t slack = 4 * (uint64_t)(64 << 10) + 2 * (uint64_t)(64 << 10) + (8 << 10);

	for (uint32_t pattern = 0; pattern < 5; pattern++) {
		struct writer w = {.m = model_create(5, 1 << 16)};
		uint64_t rewritten = 0, changed = 0, most = 0, deltas[4] = {0};

		model_must(w.m, model_open(w.m));
		for (uint64_t n = 1; n <= 600; n++) {
			const uint64_t before = tr_log_rewrite_before(w.m->log, n > 1 ? live : 0);
			const uint32_t changes = changes_of(pattern, n, &w.m->seed);
			uint64_t retained = 0;

			write_checkpoint(&w, n, changes, before);
			deltas[n % 4] = w.appended;
			for (uint32_t i = 0; i < 4; i++)
				retained += deltas[i];
			rewritten += w.rewritten;
			changed += n > 1 ? w.appended - w.rewritten : 0;
			most = TR_MAX(most, tr_log_disk_bytes(w.m->log) - TR_MIN(retained, tr_log_disk_bytes(w.m->log)));
		}
		print_message("changes %u: state %zu KB, log beyond deltas at most %zu KB; %zu KB changed, %zu written "
			      "again\n",
			      pattern, (size_t)live / 1024, (size_t)most / 1024, (size_t)changed / 1024,
			      (size_t)rewritten / 1024);
		assert_true(most <= 2 * live + slack);
		assert_true(rewritten <= changed + live / 2);
		model_destroy(&w.m);
	}
}

static void test_other_job(void **state)
{
	struct model *m = model_create(1, 0);

	model_must(m, model_open(m));
	assert_int_equal(model_commit(m, 1, 3, 100), TR_FLOW_DONE);
	tr_log_close(&m->log);
	m->options.job_name = "another";
	assert_int_equal(model_open(m), TR_ERR_DATA);
	assert_non_null(strstr(m->st.message, "'job', not of 'another'"));
	m->options.job_name = "job";
	m->options.job_id = "ffffffffffffffffffffffffffffffff"; /* an old log keeps its own */
	model_must(m, model_open(m));
	assert_string_equal(tr_log_job_id(m->log), MODEL_JOB);
	model_check(m);
	model_destroy(&m);
}

static void test_locked(void **state)
{
	struct model *m = model_create(1, 0);
	struct tr_log *second = NULL;
	struct tr_log_report report;
	struct tr_status st = {0};
	char path[160];
	int64_t began;
	int fd;

	model_must(m, model_open(m));
	assert_int_equal(model_commit(m, 1, 3, 100), TR_FLOW_DONE);
	began = tr_environment_monotonic_ns(m->env);
	assert_int_equal(tr_log_open(&m->options, &second, &report, &st), TR_ERR_UNAVAILABLE);
	assert_true(tr_environment_monotonic_ns(m->env) - began >= 900000000);
	assert_non_null(strstr(st.message, "in use"));
	assert_int_equal(tr_log_remove(m->disk, m->directory, NULL, &st), TR_ERR_UNAVAILABLE);
	m->options.is_read_only = true; /* needs no lock */
	assert_int_equal(tr_log_open(&m->options, &second, &report, &st), TR_OK);
	assert_int_equal(tr_log_checkpoint(second, 0)->number, 1);
	tr_log_close(&second);
	tr_log_close(&m->log);
	/* A lock that is let go in time. */
	m->options.is_read_only = false;
	snprintf(path, sizeof(path), "%s/lock", m->directory);
	fd = open(path, O_WRONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	if (fork() == 0) {
		usleep(200000);
		_exit(0);
	}
	close(fd); /* the child has it for 200 ms more */
	model_must(m, model_open(m));
	model_check(m);
	model_destroy(&m);
}

static void test_directories(void **state)
{
	struct model *m = model_create(1, 0);
	struct tr_file_info info;
	uint64_t bytes = 1;

	m->options.is_read_only = true;
	assert_int_equal(model_open(m), TR_ERR_NO_INPUT);
	m->options.is_read_only = false;
	assert_int_equal(tr_log_remove(m->disk, m->directory, &bytes, &m->st), TR_OK); /* there is none */
	assert_int_equal(bytes, 0);
	model_must(m, model_open(m));
	assert_int_equal(model_commit(m, 1, 3, 100), TR_FLOW_DONE);
	tr_log_close(&m->log);
	model_must(m, tr_log_remove(m->disk, m->directory, &bytes, &m->st));
	assert_true(bytes > 300); /* the checkpoint's entries, and the roots */
	assert_int_equal(m->disk->ops->stat(m->disk, m->directory, &info, NULL), TR_ERR_NO_INPUT);
	model_forget(m, 0);
	/* Other files stay, and so does their directory. */
	model_must(m, model_open(m));
	assert_int_equal(model_commit(m, 1, 3, 100), TR_FLOW_DONE);
	model_shell(m, "touch other");
	tr_log_close(&m->log);
	model_must(m, tr_log_remove(m->disk, m->directory, NULL, &m->st));
	model_shell(m, "test \"$(ls -A)\" = other");
	/* A removal that was cut off is finished by the next open. */
	model_forget(m, 0);
	model_must(m, model_open(m));
	assert_true(m->report.is_new);
	assert_int_equal(model_commit(m, 1, 3, 100), TR_FLOW_DONE);
	tr_log_close(&m->log);
	model_shell(m, "touch removing && rm root-1");
	model_must(m, model_open(m));
	assert_true(m->report.is_new);
	assert_int_equal(tr_log_checkpoint_count(m->log), 0);
	model_shell(m, "test ! -e removing && test -z \"$(ls | grep segment)\"");
	tr_log_close(&m->log);
	/* A log whose making was cut off is made again. */
	model_shell(m, "rm -f root-1 && cp root-0 root-1.new");
	model_must(m, model_open(m));
	assert_true(m->report.is_new);
	model_destroy(&m);
}

/** What is in flight when the log is closed lands before its memory goes. */
static void test_close_in_the_middle(void **state)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct model *m = model_create(i, 1 << 20);
		const uint32_t before = 1;

		model_must(m, model_open(m));
		assert_int_equal(model_commit(m, 1, 5, 1000), TR_FLOW_DONE);
		tr_log_begin(m->log, 2);
		for (uint32_t k = 0; k < i * 3; k++)
			assert_true(model_append(m, 2, 100000));
		if (i % 2 == 0)
			model_seal(m, 2);
		for (uint32_t k = 0; k < i / 4; k++)
			(void)tr_log_step(m->log, &m->st);
		tr_log_close(&m->log);
		model_must(m, model_open(m));
		if (tr_log_checkpoint(m->log, 0)->number == 1)
			model_forget(m, before);
		model_check(m);
		model_destroy(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_other_job),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_close_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
