/* SPDX-License-Identifier: Apache-2.0
 *
 * Every call of the disk fails: the k-th one once, or all from the k-th on, for each k until a run ends before its k-th
 * call, with each error. A disk of the test lies around the real one and counts calls: names, and requests.
 *
 * After each run the directory is opened with the real disk. What the log had called complete must be there, byte for byte;
 * what it had called failed must not, unless the failure broke the log, after which either may be; and after a sync has failed
 * nothing may have been written any more.
 */
#include "log_model.h"

#include <errno.h>

struct fault_queue {
	struct tr_io_queue queue; /* first */
	struct tr_io_queue *real;
	struct tr_io_request *failed; /* answered at the next poll */
};

struct fault_disk {
	struct tr_disk disk; /* first */
	struct tr_disk *real;
	struct tr_disk_ops ops;
	uint64_t calls;
	uint64_t first; /* this call fails; 0: none */
	bool is_lasting;
	int error; /* 0: a request is carried out in part; names do not fail */
	bool has_hit;
	bool is_sync_failed;
};

static struct fault_disk faults; /* the ops have no context but the disk */

static bool is_hit(void)
{
	const bool is_now = faults.first != 0 &&
			    (++faults.calls == faults.first || (faults.is_lasting && faults.calls > faults.first));

	faults.has_hit = faults.has_hit || is_now;
	return is_now;
}

static tr_code name_fails(struct tr_status *st)
{
	const int error = faults.error;

	if (!is_hit() || error == 0 || error == EINTR || error == EAGAIN)
		return TR_OK;
	return tr_status_set(st, TR_ERR_IO, error, TR_WHERE, "planted");
}

static tr_code fault_open(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			  struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->open(faults.real, path, flags, file, st);
}
static tr_code fault_stat(struct tr_disk *disk, const char *path, struct tr_file_info *info, struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->stat(faults.real, path, info, st);
}
static tr_code fault_list(struct tr_disk *disk, const char *path, tr_disk_list_fn fn, void *context,
			  struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->list(faults.real, path, fn, context, st);
}
static tr_code fault_rename(struct tr_disk *disk, const char *from, const char *to, struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->rename(faults.real, from, to, st);
}
static tr_code fault_unlink(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->unlink(faults.real, path, st);
}
static tr_code fault_sync_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	const tr_code code = name_fails(st);
	/* Those above (io/disk_directory.c names them with a '/' at the end) may be of a kind that can't be synced. */
	const bool is_above = path[strlen(path) - 1] == '/';

	faults.is_sync_failed = faults.is_sync_failed || (code != TR_OK && (!is_above || faults.error == EIO));
	TR_TRY(code);
	return faults.real->ops->sync_directory(faults.real, path, st);
}
static tr_code fault_make_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->make_private_directory(faults.real, path, st);
}
static tr_code fault_allocate(struct tr_disk *disk, struct tr_file *file, int64_t offset, int64_t length,
			      struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->allocate(faults.real, file, offset, length, st);
}
static tr_code fault_truncate(struct tr_disk *disk, struct tr_file *file, int64_t bytes, struct tr_status *st)
{
	TR_TRY(name_fails(st));
	return faults.real->ops->truncate(faults.real, file, bytes, st);
}

static tr_code fault_queue_create(struct tr_disk *disk, uint32_t depth, struct tr_io_queue **queue, struct tr_status *st)
{
	struct fault_queue *q = calloc(1, sizeof(*q));

	q->queue.disk = &faults.disk;
	TR_TRY(faults.real->ops->queue_create(faults.real, depth, &q->real, st));
	*queue = &q->queue;
	return TR_OK;
}
static void fault_queue_destroy(struct tr_disk *disk, struct tr_io_queue **queue)
{
	struct fault_queue *q = (struct fault_queue *)*queue;

	assert_null(q->failed);
	q->real->disk->ops->queue_destroy(q->real->disk, &q->real);
	free(q);
	*queue = NULL;
}
static void fault_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	struct fault_queue *q = (struct fault_queue *)queue;

	assert_false(faults.is_sync_failed && request->op != TR_IO_READ);
	if (is_hit()) {
		if (faults.error == 0 && request->op != TR_IO_SYNC && request->length > 1) {
			request->length = 1 + request->length / 2;
		} else if (faults.error != 0) {
			request->is_done = false;
			request->next = q->failed;
			q->failed = request;
			return;
		}
	}
	tr_io_submit(q->real, request);
}
static uint32_t fail_now(struct fault_queue *q)
{
	uint32_t count = 0;

	for (; q->failed != NULL; count++) {
		struct tr_io_request *request = q->failed;

		q->failed = request->next;
		if (request->op == TR_IO_SYNC && faults.error != EINTR && faults.error != EAGAIN)
			faults.is_sync_failed = true;
		request->result = -faults.error;
		request->is_done = true;
	}
	return count;
}
static uint32_t fault_poll(struct tr_io_queue *queue)
{
	struct fault_queue *q = (struct fault_queue *)queue;

	return fail_now(q) + tr_io_poll(q->real);
}
static uint32_t fault_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct fault_queue *q = (struct fault_queue *)queue;
	const uint32_t count = fail_now(q);

	return count > 0 ? count : tr_io_wait(q->real, timeout_ns);
}
static void fault_wake(struct tr_io_queue *queue) { tr_io_wake(((struct fault_queue *)queue)->real); }
static uint32_t fault_in_flight(const struct tr_io_queue *queue)
{
	const struct fault_queue *q = (const struct fault_queue *)queue;

	return q->real->disk->ops->in_flight(q->real) + (q->failed != NULL);
}

static void faults_begin(struct tr_disk *real, uint64_t first, bool is_lasting, int error)
{
	faults = (struct fault_disk){.real = real, .first = first, .is_lasting = is_lasting, .error = error};
	faults.ops = *real->ops;
	faults.ops.open = fault_open;
	faults.ops.stat = fault_stat;
	faults.ops.list = fault_list;
	faults.ops.rename = fault_rename;
	faults.ops.unlink = fault_unlink;
	faults.ops.sync_directory = fault_sync_directory;
	faults.ops.make_private_directory = fault_make_directory;
	faults.ops.allocate = fault_allocate;
	faults.ops.truncate = fault_truncate;
	faults.ops.queue_create = fault_queue_create;
	faults.ops.queue_destroy = fault_queue_destroy;
	faults.ops.submit = fault_submit;
	faults.ops.poll = fault_poll;
	faults.ops.wait = fault_wait;
	faults.ops.wake = fault_wake;
	faults.ops.in_flight = fault_in_flight;
	faults.disk.ops = &faults.ops;
}

/** What happened in a run. */
struct outcome {
	uint32_t committed;
	uint32_t failed;
	bool is_broken;
	bool was_open;
};

/** Opens with the failing disk, commits and reads some checkpoints, and closes. */
static void run(struct model *m, uint64_t from, uint32_t checkpoints, struct outcome *outcome)
{
	struct tr_io_queue *real = m->io;

	*outcome = (struct outcome){.committed = 0};
	model_must(m, faults.disk.ops->queue_create(&faults.disk, 16, &m->io, &m->st));
	m->options.disk = &faults.disk;
	m->options.io = m->io;
	if (model_open(m) == TR_OK) {
		outcome->was_open = true;
		for (uint64_t n = from; n < from + checkpoints && !outcome->is_broken; n++) {
			const enum tr_flow flow = model_commit(m, n, 5, 3000);

			assert_true(flow == TR_FLOW_DONE || flow == TR_FLOW_FAILED);
			outcome->committed += flow == TR_FLOW_DONE;
			outcome->failed += flow == TR_FLOW_FAILED;
			outcome->is_broken = tr_log_is_broken(m->log);
			if (flow == TR_FLOW_FAILED)
				assert_int_not_equal(m->st.message[0], '\0');
			if (outcome->is_broken)
				assert_int_equal(tr_log_step(m->log, &m->st), TR_FLOW_FAILED);
			else if (tr_log_checkpoint_count(m->log) > 0 && model_read(m, 0) != TR_OK)
				assert_true(faults.has_hit);
		}
		tr_log_close(&m->log);
	} else {
		assert_true(faults.has_hit);
		assert_int_not_equal(m->st.message[0], '\0');
	}
	faults.disk.ops->queue_destroy(&faults.disk, &m->io);
	m->io = real;
	m->options.disk = m->disk;
	m->options.io = m->io;
}

/** After a run: with the real disk all is as it was said to be, and goes on. */
static void check_after(struct model *m, const struct outcome *outcome, uint32_t before)
{
	uint32_t number;

	model_must(m, model_open(m));
	if (outcome->is_broken && m->checkpoint_count > before + outcome->committed &&
	    (tr_log_checkpoint_count(m->log) == 0 ||
	     tr_log_checkpoint(m->log, 0)->number != m->checkpoints[m->checkpoint_count - 1].number))
		model_forget(m, before + outcome->committed);
	else if (outcome->is_broken && m->checkpoint_count == before + outcome->committed)
		model_forget(m, m->checkpoint_count);
	model_check(m);
	assert_int_equal(m->report.roots_damaged == 0 || outcome->is_broken || !outcome->was_open, true);
	number = tr_log_checkpoint_count(m->log) > 0 ? (uint32_t)tr_log_checkpoint(m->log, 0)->number : 0;
	assert_int_equal(model_commit(m, number + 100, 5, 3000), TR_FLOW_DONE);
	model_check(m);
	tr_log_close(&m->log);
}

/** All k of a run over a new or an old directory; with TAILRACE_TEST_PERCENT that part of them, others for other errors. */
static void every_call(int error, bool is_lasting, bool is_old)
{
	const uint64_t stride = 100 / TR_MAX(tr_test_number("TAILRACE_TEST_PERCENT", 100), 1);
	bool has_hit = true;
	uint64_t k;

	for (k = 1 + (uint64_t)error % stride; has_hit; k += stride) {
		struct model *m = model_create(k, 1 << 14);
		struct outcome outcome;
		uint32_t before = 0;

		m->options.retained = 2;
		if (is_old) {
			model_must(m, model_open(m));
			for (uint64_t n = 1; n <= 4; n++)
				assert_int_equal(model_commit(m, n, 5, 3000), TR_FLOW_DONE);
			tr_log_begin(m->log, 5);
			for (int i = 0; i < 9; i++)
				assert_true(model_append(m, 5, 3000));
			tr_log_close(&m->log); /* leaves a tail */
			model_forget(m, 4);
			before = 4;
		}
		faults_begin(m->disk, k, is_lasting, error);
		run(m, 10, 4, &outcome);
		has_hit = faults.has_hit;
		if (!has_hit)
			assert_int_equal(outcome.committed, 4);
		if (!is_lasting && (error == 0 || error == EINTR || error == EAGAIN)) {
			assert_true(outcome.was_open && !outcome.is_broken);
			assert_int_equal(outcome.committed, 4);
		}
		if (!is_lasting && has_hit && outcome.was_open && !outcome.is_broken)
			assert_true(outcome.failed <= 1); /* a full disk costs one checkpoint */
		check_after(m, &outcome, before);
		model_destroy(&m);
	}
	print_message("errno %d %s, %s directory: up to call %d\n", error, is_lasting ? "lasting" : "once",
		      is_old ? "old" : "new", (int)(k - stride) - 1);
	assert_true(k > 40);
}

static void over_all(bool is_lasting)
{
	static const int errors[] = {EIO, ENOSPC, 0, EINTR, EAGAIN};

	setenv("TAILRACE_IO", "plain", 1);
	for (size_t i = 0; i < TR_COUNT_OF(errors); i++) {
		if (is_lasting && (errors[i] == EINTR || errors[i] == EAGAIN))
			continue; /* below */
		every_call(errors[i], is_lasting, false);
		every_call(errors[i], is_lasting, true);
	}
}

static void test_once(void **state) { over_all(false); }
static void test_lasting(void **state) { over_all(true); }

/** A disk that answers EINTR for ever is not waited for for ever. */
static void test_interrupted_for_ever(void **state)
{
	for (uint64_t k = 10; k < 60; k += 7) {
		struct model *m = model_create(k, 1 << 14);
		struct outcome outcome;

		faults_begin(m->disk, k, true, EINTR);
		run(m, 10, 4, &outcome);
		assert_true(!outcome.was_open || outcome.is_broken);
		faults_begin(m->disk, 0, false, 0);
		check_after(m, &outcome, 0);
		model_destroy(&m);
	}
}

/** A disk that is full while one checkpoint is written, and has space again: the next one is as if nothing had been. */
static void test_full_disk(void **state)
{
	struct model *m = model_create(77, 1 << 14);
	struct tr_io_queue *real = m->io;
	uint64_t used;

	faults_begin(m->disk, 0, false, ENOSPC);
	model_must(m, faults.disk.ops->queue_create(&faults.disk, 16, &m->io, &m->st));
	m->options.disk = &faults.disk;
	m->options.io = m->io;
	model_must(m, model_open(m));
	for (uint64_t n = 1; n <= 3; n++)
		assert_int_equal(model_commit(m, n, 20, 3000), TR_FLOW_DONE);
	used = tr_log_disk_bytes(m->log);
	for (uint64_t n = 4; n <= 8; n++) {
		faults.first = 3;
		faults.calls = 0;
		faults.is_lasting = true;
		assert_int_equal(model_commit(m, n, 20, 3000), TR_FLOW_FAILED);
		assert_int_equal(m->st.sys_errno, ENOSPC);
		assert_non_null(strstr(m->st.message, "checkpoint"));
		assert_false(tr_log_is_broken(m->log));
		faults.first = 0;
	}
	assert_int_equal(model_settle(m), TR_FLOW_DONE);
	assert_true(tr_log_disk_bytes(m->log) <= used);
	assert_int_equal(model_commit(m, 9, 20, 3000), TR_FLOW_DONE);
	model_check(m);
	tr_log_close(&m->log);
	faults.disk.ops->queue_destroy(&faults.disk, &m->io);
	m->io = real;
	model_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_lasting),
		cmocka_unit_test(test_interrupted_for_ever),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
