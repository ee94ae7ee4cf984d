/* SPDX-License-Identifier: Apache-2.0
 *
 * Spills against a model that keeps all records in memory: random runs, dropped and read at random, on a disk that moves
 * fewer bytes than it was asked to; then each request fails once, and bytes of the file change.
 */
#include "tr_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "state/spill.h"

#define RUNS_MAX 40

/* -- a disk around the real one -- */

struct bad_queue {
	struct tr_io_queue queue; /* first */
	struct tr_io_queue *real;
	struct tr_io_request *failed; /* answered at the next poll */
};

static struct {
	struct tr_disk disk;
	struct tr_disk *real;
	struct tr_disk_ops ops;
	struct bad_queue queue;
	struct tr_file *file; /* the last one opened */
	bool is_short;
	uint64_t calls, fail_at; /* 0: none */
	int error;
	uint64_t random;
} bad;

static uint64_t below(uint64_t n)
{
	bad.random = bad.random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (bad.random >> 33) % n;
}

static tr_code bad_open(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			struct tr_status *st)
{
	const tr_code code = bad.real->ops->open(bad.real, path, flags, file, st);

	bad.file = *file;
	return code;
}

static void bad_submit(struct tr_io_queue *queue, struct tr_io_request *request)
{
	struct bad_queue *q = (struct bad_queue *)queue;

	if (++bad.calls == bad.fail_at) {
		request->is_done = false;
		request->next = q->failed;
		q->failed = request;
		return;
	}
	if (bad.is_short && request->length > 1 && below(3) == 0)
		request->length = 1 + below(request->length);
	tr_io_submit(q->real, request);
}

static uint32_t fail_now(struct bad_queue *q)
{
	uint32_t count = 0;

	for (; q->failed != NULL; count++) {
		struct tr_io_request *request = q->failed;

		q->failed = request->next;
		request->result = -bad.error;
		request->is_done = true;
	}
	return count;
}

static uint32_t bad_poll(struct tr_io_queue *queue)
{
	struct bad_queue *q = (struct bad_queue *)queue;

	return fail_now(q) + tr_io_poll(q->real);
}

static uint32_t bad_wait(struct tr_io_queue *queue, int64_t timeout_ns)
{
	struct bad_queue *q = (struct bad_queue *)queue;
	const uint32_t count = fail_now(q);

	return count + (count > 0 ? tr_io_poll(q->real) : tr_io_wait(q->real, timeout_ns));
}

/* -- the model -- */

struct item {
	uint16_t kind;
	uint8_t first, last;
	size_t length;
	char *bytes;
};

struct model_run {
	struct tr_spill_run *run;
	struct item *items;
	uint32_t count;
};

struct fixture {
	struct tr_environment *env;
	char folder[32], path[64];
	struct tr_spill *spill;
	struct model_run runs[RUNS_MAX];
	uint32_t run_count;
	struct tr_spill_reader reader;
	struct tr_status st;
};

static void set_up(struct fixture *f, uint64_t seed, size_t buffer_bytes)
{
	memset(f, 0, sizeof(*f));
	memset(&bad, 0, sizeof(bad));
	strcpy(f->folder, "/tmp/spill_test.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/1-0", f->folder);
	assert_int_equal(tr_environment_real_create(&f->env, &f->st), TR_OK);
	bad.random = seed;
	bad.real = f->env->disk;
	bad.ops = *bad.real->ops;
	bad.ops.open = bad_open;
	bad.ops.submit = bad_submit;
	bad.ops.poll = bad_poll;
	bad.ops.wait = bad_wait;
	bad.disk.ops = &bad.ops;
	bad.queue.queue.disk = &bad.disk;
	/* Files are the real disk's own, so only requests and names go through here. */
	assert_int_equal(bad.real->ops->queue_create(bad.real, 16, &bad.queue.real, &f->st), TR_OK);
	bad.ops.close = bad.real->ops->close;
	assert_int_equal(tr_spill_open(&bad.disk, &bad.queue.queue, f->path, buffer_bytes, &f->spill, &f->st), TR_OK);
}

static void run_drop(struct fixture *f, uint32_t at)
{
	struct model_run *run = &f->runs[at];

	tr_spill_drop(f->spill, &run->run);
	assert_null(run->run);
	for (uint32_t i = 0; i < run->count; i++)
		free(run->items[i].bytes);
	free(run->items);
	*run = f->runs[--f->run_count];
}

static void tear_down(struct fixture *f)
{
	tr_spill_reader_deinit(&f->reader);
	while (f->run_count > 0)
		run_drop(f, 0);
	tr_spill_close(&f->spill);
	bad.real->ops->queue_destroy(bad.real, &bad.queue.real);
	tr_environment_real_destroy(&f->env);
	assert_int_equal(rmdir(f->folder), 0); /* nothing was left in it */
}

static enum tr_flow poll_until_room(struct fixture *f)
{
	enum tr_flow flow;

	while ((flow = tr_spill_poll(f->spill)) == TR_FLOW_BLOCKED)
		(void)tr_io_wait(&bad.queue.queue, -1);
	return flow;
}

/** A new run of about `count` records. False: a write has failed. */
static bool run_add(struct fixture *f, uint32_t count, size_t length_max)
{
	struct model_run *run = &f->runs[f->run_count++];
	uint32_t first = 0, last = 0;

	*run = (struct model_run){.run = tr_spill_run_begin(f->spill), .items = calloc(count + 1, sizeof(*run->items))};
	for (uint32_t i = 0; i < count; i++) {
		struct item *item = &run->items[run->count++];

		first += (uint32_t)below(3);
		first = TR_MIN(first, 255u);
		last = TR_MAX(last, first) + (uint32_t)below(3);
		last = TR_MIN(last, 255u);
		*item = (struct item){.kind = (uint16_t)below(5),
				      .first = (uint8_t)first,
				      .last = (uint8_t)last,
				      .length = below(20) == 0 ? 1 + below(length_max * 8) : 1 + below(length_max)};
		item->bytes = malloc(item->length + 1);
		for (size_t b = 0; b < item->length; b++)
			item->bytes[b] = (char)below(256);
		tr_spill_put(f->spill, run->run, item->kind, item->bytes, item->length, item->first, item->last);
		if (poll_until_room(f) == TR_FLOW_FAILED)
			return false;
	}
	tr_spill_run_end(f->spill, run->run);
	return true;
}

/** Reads buckets first .. last of all runs and compares. False: the spill has failed. */
static bool read_all(struct fixture *f, uint8_t first, uint8_t last)
{
	struct tr_spill_item item;
	uint32_t run = 0, at = 0;
	enum tr_flow flow;

	for (uint32_t i = 0; i < f->run_count; i++)
		tr_spill_reader_add(&f->reader, f->spill, f->runs[i].run, first, last, i * 7);
	while ((flow = tr_spill_reader_next(&f->reader, &item, &f->st)) != TR_FLOW_DONE) {
		const struct item *expected;

		if (flow == TR_FLOW_BLOCKED) {
			(void)tr_io_wait(&bad.queue.queue, -1);
			continue;
		}
		if (flow == TR_FLOW_FAILED) {
			tr_spill_reader_clear(&f->reader);
			return false;
		}
		for (;; at++) {
			while (run < f->run_count && at == f->runs[run].count) {
				run++;
				at = 0;
			}
			assert_true(run < f->run_count);
			if (f->runs[run].items[at].first <= last && f->runs[run].items[at].last >= first)
				break;
		}
		expected = &f->runs[run].items[at++];
		assert_int_equal(item.tag, run * 7);
		assert_int_equal(item.record.kind, expected->kind);
		assert_true(item.record.is_keyed);
		assert_int_equal(item.first, expected->first);
		assert_int_equal(item.last, expected->last);
		assert_int_equal(item.record.length, expected->length);
		assert_int_equal((uintptr_t)item.record.bytes % 8, 0);
		assert_memory_equal(item.record.bytes, expected->bytes, expected->length);
	}
	for (; run < f->run_count; run++, at = 0)
		for (; at < f->runs[run].count; at++)
			assert_false(f->runs[run].items[at].first <= last && f->runs[run].items[at].last >= first);
	tr_spill_reader_clear(&f->reader);
	return true;
}

static void test_model(void **state)
{
	const uint32_t seeds = tr_test_cases(40);

	for (uint32_t seed = 1; seed <= seeds; seed++) {
		struct fixture f;
		uint64_t live = 0;

		set_up(&f, seed, seed % 2 == 0 ? 64 << 10 : 2 << 20);
		bad.is_short = seed % 4 < 2;
		for (uint32_t step = 0; step < 60; step++) {
			if (f.run_count < RUNS_MAX && below(2) == 0)
				assert_true(run_add(&f, (uint32_t)below(seed % 3 == 0 ? 500 : 50), 3000));
			else if (f.run_count > 0 && below(2) == 0)
				run_drop(&f, (uint32_t)below(f.run_count));
			else if (below(2) == 0)
				tr_spill_flush(f.spill);
			else
				assert_true(read_all(&f, (uint8_t)below(100), (uint8_t)(100 + below(156))));
		}
		assert_true(read_all(&f, 0, 255));
		for (uint32_t r = 0; r < f.run_count; r++)
			for (uint32_t i = 0; i < f.runs[r].count; i++)
				live += f.runs[r].items[i].length;
		assert_int_equal(f.spill->live_bytes, live);
		tear_down(&f);
	}
}

/** The room of what was dropped is used again, and an empty file has no room. */
static void test_room(void **state)
{
	struct tr_file_info info;
	struct fixture f;
	int64_t most;

	set_up(&f, 5, 1 << 20);
	for (uint32_t i = 0; i < 8; i++)
		assert_true(run_add(&f, 300, 4000));
	tr_spill_flush(f.spill);
	most = f.spill->end;
	for (uint32_t i = 0; i < 200; i++) {
		run_drop(&f, (uint32_t)below(f.run_count));
		assert_true(run_add(&f, 300, 4000));
		tr_spill_flush(f.spill);
		assert_true(f.spill->end < 2 * most);
	}
	assert_true(read_all(&f, 0, 255));
	while (f.run_count > 0)
		run_drop(&f, 0);
	while (f.spill->writing != NULL) {
		(void)tr_spill_poll(f.spill);
		(void)tr_io_wait(&bad.queue.queue, 1000000);
	}
	assert_int_equal(f.spill->end, 0);
	assert_int_equal(f.spill->hole_count, 0);
	assert_int_equal(f.spill->live_bytes, 0);
	assert_int_equal(bad.real->ops->file_stat(bad.real, bad.file, &info, &f.st), TR_OK);
	assert_int_equal(info.size_bytes, 0);
	tear_down(&f);
}

/** What is in memory besides records stays small, and so do the buffers. */
static void test_memory(void **state)
{
	struct fixture f;

	set_up(&f, 9, 256 << 10);
	for (uint32_t i = 0; i < RUNS_MAX; i++)
		assert_true(run_add(&f, 200, 8000));
	assert_true(f.spill->live_bytes > 20 << 20);
	assert_true(tr_spill_memory(f.spill) < (256 << 10) + (128 << 10) + f.spill->live_bytes / 50);
	tear_down(&f);
}

/** Each request fails once: with EINTR nothing is lost, else the failure is told with file and reason. */
static void test_failures(void **state)
{
	static const int errors[] = {EIO, ENOSPC, EINTR, EAGAIN};

	for (size_t e = 0; e < TR_COUNT_OF(errors); e++) {
		for (uint64_t fail_at = 1;; fail_at++) {
			struct fixture f;
			bool is_good = true, is_hit;

			set_up(&f, 3, 64 << 10);
			bad.fail_at = fail_at;
			bad.error = errors[e];
			for (uint32_t i = 0; i < 6 && is_good; i++)
				is_good = run_add(&f, 30, 3000);
			if (is_good)
				is_good = read_all(&f, 0, 255);
			is_hit = bad.calls >= fail_at;
			if (errors[e] == EINTR || errors[e] == EAGAIN || !is_hit) {
				assert_true(is_good);
			} else {
				const struct tr_status *why = f.spill->status.code != TR_OK ? &f.spill->status : &f.st;

				assert_false(is_good);
				assert_int_equal(why->code, TR_ERR_IO);
				assert_int_equal(why->sys_errno, errors[e]);
				assert_non_null(strstr(why->message, f.path));
				if (f.spill->status.code != TR_OK)
					assert_int_equal(tr_spill_poll(f.spill), TR_FLOW_FAILED);
			}
			tear_down(&f);
			if (!is_hit)
				break;
		}
	}
}

/** A byte of the file that has changed is noticed. */
static void test_damage(void **state)
{
	static char byte;
	struct fixture f;
	struct tr_io_request request;

	set_up(&f, 3, 64 << 10);
	assert_true(run_add(&f, 100, 3000));
	assert_true(read_all(&f, 0, 255));
	request = (struct tr_io_request){
		.op = TR_IO_WRITE, .file = bad.file, .buffer = &byte, .length = 1, .offset = f.spill->end / 2};
	byte = 'x';
	tr_io_submit(bad.queue.real, &request);
	while (!request.is_done)
		(void)tr_io_wait(bad.queue.real, -1);
	assert_false(read_all(&f, 0, 255));
	assert_int_equal(f.st.code, TR_ERR_IO);
	assert_non_null(strstr(f.st.message, "are not what was written"));
	tear_down(&f);
}

static void test_no_directory(void **state)
{
	struct tr_environment *env = NULL;
	struct tr_io_queue *queue = NULL;
	struct tr_spill *spill = NULL;
	struct tr_status st = {0};

	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	assert_int_equal(env->disk->ops->queue_create(env->disk, 4, &queue, &st), TR_OK);
	assert_int_not_equal(tr_spill_open(env->disk, queue, "/nowhere/at-all", 1 << 20, &spill, &st), TR_OK);
	assert_null(spill);
	assert_non_null(strstr(st.message, "/nowhere/at-all"));
	env->disk->ops->queue_destroy(env->disk, &queue);
	tr_environment_real_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),    cmocka_unit_test(test_room),   cmocka_unit_test(test_memory),
		cmocka_unit_test(test_failures), cmocka_unit_test(test_damage), cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
