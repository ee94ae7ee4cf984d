/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated disk keeps its promises: what a sync covers survives every power cut, what it does not may be lost, torn
 * or kept, and nothing else ever appears. The oracle is a plain list of what was written and when it was synced.
 */
#include "tr_test.h"

#include <errno.h>
#include <stdbool.h>

#include "sim/sim_disk.h"

struct fixture {
	struct tr_sim_environment env;
	struct tr_sim_disk sim;
	struct tr_disk *disk;
	struct tr_io_queue *queue;
	struct tr_status st;
};

static void set_up(struct fixture *f, uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	tr_sim_environment_init(&f->env, seed);
	tr_sim_disk_init(&f->sim, &f->env, seed);
	f->disk = &f->sim.disk;
	assert_int_equal(f->disk->ops->make_directory(f->disk, "/d", &f->st), TR_OK);
	tr_sim_volume_settle(&f->sim.volume);
	assert_int_equal(f->disk->ops->queue_create(f->disk, 8, &f->queue, &f->st), TR_OK);
}

static void close_all(struct fixture *f, struct tr_file **file)
{
	f->disk->ops->close(f->disk, file);
	f->disk->ops->queue_destroy(f->disk, &f->queue);
}

static void tear_down(struct fixture *f, struct tr_file **file)
{
	close_all(f, file);
	tr_sim_disk_deinit(&f->sim);
}

static struct tr_file *open_file(struct fixture *f, const char *path, unsigned flags)
{
	struct tr_file *file;

	if (f->disk->ops->open(f->disk, path, flags, &file, &f->st) != TR_OK)
		fail_msg("%s", f->st.message);
	return file;
}

static int64_t request(struct fixture *f, enum tr_io_op op, struct tr_file *file, void *buffer, size_t length,
		       int64_t offset)
{
	struct tr_io_request r = {.op = op, .file = file, .buffer = buffer, .length = length, .offset = offset};

	tr_io_submit(f->queue, &r);
	while (!r.is_done)
		(void)tr_io_wait(f->queue, -1);
	return r.result;
}

static int64_t write_text(struct fixture *f, struct tr_file *file, const char *text, int64_t offset)
{
	return request(f, TR_IO_WRITE, file, (void *)(uintptr_t)text, strlen(text), offset);
}

static int64_t sync_file(struct fixture *f, struct tr_file *file) { return request(f, TR_IO_SYNC, file, NULL, 0, 0); }

static void cut_and_restart(struct fixture *f, struct tr_file **file)
{
	tr_sim_disk_cut(&f->sim);
	close_all(f, file);
	tr_sim_disk_restart(&f->sim);
	assert_int_equal(f->disk->ops->queue_create(f->disk, 8, &f->queue, &f->st), TR_OK);
}

static void assert_bytes(const struct tr_sim_content *content, const char *bytes, size_t length)
{
	char *found = malloc(length + 1);

	assert_non_null(found);
	tr_sim_content_get(content, 0, found, length);
	assert_memory_equal(found, bytes, length);
	free(found);
}

static void assert_content(struct fixture *f, const char *path, const char *text)
{
	struct tr_sim_inode *inode;

	assert_int_equal(tr_sim_volume_find(&f->sim.volume, path, &inode), 0);
	assert_int_equal(inode->now.length, strlen(text));
	assert_bytes(&inode->now, text, strlen(text));
}

static void test_reads_and_errors(void **state)
{
	struct fixture f;
	struct tr_file *file, *other;
	struct tr_file_info info;
	char buffer[8] = "";

	set_up(&f, 1);
	assert_int_equal(f.disk->ops->open(f.disk, "/d/a", TR_OPEN_READ, &file, &f.st), TR_ERR_NO_INPUT);
	assert_int_equal(f.st.sys_errno, ENOENT);
	file = open_file(&f, "/d/a", TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_LOCK);
	assert_int_equal(f.disk->ops->open(f.disk, "/d/a", TR_OPEN_WRITE | TR_OPEN_LOCK, &other, &f.st),
			 TR_ERR_UNAVAILABLE);
	assert_int_equal(
		f.disk->ops->open(f.disk, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_EXCLUSIVE, &other, &f.st),
		TR_ERR_CANT_CREATE);
	assert_int_equal(f.st.sys_errno, EEXIST);
	assert_int_equal(write_text(&f, file, "hello", 3), 5);
	assert_int_equal(request(&f, TR_IO_READ, file, buffer, 8, 0), 8);
	assert_memory_equal(buffer, "\0\0\0hello", 8);
	assert_int_equal(request(&f, TR_IO_READ, file, buffer, 8, 8), 0);
	assert_int_equal(f.disk->ops->stat(f.disk, "/d/a", &info, &f.st), TR_OK);
	assert_int_equal(info.size_bytes, 8);
	assert_int_equal(f.disk->ops->rename(f.disk, "/d/a", "/a", &f.st), TR_ERR_IO);
	assert_int_equal(f.st.sys_errno, EXDEV);
	tear_down(&f, &file);
}

static void test_sync_and_names(void **state)
{
	bool was_lost = false, was_kept = false;

	for (uint64_t seed = 1; seed < 40; seed++) {
		struct fixture f;
		struct tr_file *file;
		struct tr_file_info info;

		set_up(&f, seed);
		file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE);
		assert_int_equal(write_text(&f, file, "one", 0), 3);
		assert_int_equal(sync_file(&f, file), 0);
		assert_false(tr_sim_volume_is_durable(&f.sim.volume, "/d/a")); /* its name is not */
		cut_and_restart(&f, &file);
		if (f.disk->ops->stat(f.disk, "/d/a", &info, NULL) != TR_OK) {
			was_lost = true;
		} else {
			was_kept = true;
			assert_content(&f, "/d/a", "one");
		}
		file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE);
		assert_int_equal(write_text(&f, file, "two", 0), 3);
		assert_int_equal(sync_file(&f, file), 0);
		assert_int_equal(f.disk->ops->sync_directory(f.disk, "/d", &f.st), TR_OK);
		assert_true(tr_sim_volume_is_durable(&f.sim.volume, "/d/a"));
		assert_int_equal(f.disk->ops->rename(f.disk, "/d/a", "/d/b", &f.st), TR_OK);
		assert_false(tr_sim_volume_is_durable(&f.sim.volume, "/d/b"));
		cut_and_restart(&f, &file);
		/* Under one of its names, and under one only. */
		if (f.disk->ops->stat(f.disk, "/d/a", &info, NULL) == TR_OK) {
			assert_content(&f, "/d/a", "two");
			assert_int_equal(f.disk->ops->stat(f.disk, "/d/b", &info, NULL), TR_ERR_NO_INPUT);
		} else {
			assert_content(&f, "/d/b", "two");
		}
		file = NULL;
		tear_down(&f, &file);
	}
	assert_true(was_lost && was_kept);
}

static void test_sync_covers_what_came_before(void **state)
{
	bool was_lost = false;

	for (uint64_t seed = 1; seed < 40; seed++) {
		struct tr_io_request sync = {.op = TR_IO_SYNC};
		struct tr_io_request late = {.op = TR_IO_WRITE, .buffer = (char[]){"late"}, .length = 4, .offset = 5};
		struct fixture f;
		struct tr_sim_inode *inode;
		struct tr_file *file;

		set_up(&f, seed);
		file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE);
		tr_sim_volume_settle(&f.sim.volume);
		assert_int_equal(write_text(&f, file, "early", 0), 5);
		sync.file = late.file = file;
		f.sim.faults.delay_ns_max = 1000;
		tr_io_submit(f.queue, &sync); /* does not cover the write that is submitted after it */
		tr_io_submit(f.queue, &late);
		while (!sync.is_done || !late.is_done)
			(void)tr_io_wait(f.queue, -1);
		assert_int_equal(sync.result, 0);
		cut_and_restart(&f, &file);
		assert_int_equal(tr_sim_volume_find(&f.sim.volume, "/d/a", &inode), 0);
		assert_true(inode->now.length >= 5);
		assert_bytes(&inode->now, "early", 5);
		was_lost |= inode->now.length == 5;
		file = NULL;
		tear_down(&f, &file);
	}
	assert_true(was_lost);
}

static void test_failed_sync_loses(void **state)
{
	bool was_lost = false;

	for (uint64_t seed = 1; seed < 20; seed++) {
		struct fixture f;
		struct tr_sim_inode *inode;
		struct tr_file *file;

		set_up(&f, seed);
		file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE);
		tr_sim_volume_settle(&f.sim.volume);
		assert_int_equal(write_text(&f, file, "text", 0), 4);
		f.sim.faults.sync_error_permille = 1000;
		assert_int_equal(sync_file(&f, file), -EIO);
		assert_null(f.sim.violation);
		f.sim.faults.sync_error_permille = 0;
		assert_int_equal(sync_file(&f, file), 0); /* the lie */
		assert_non_null(f.sim.violation);         /* and we say that nobody may ask */
		assert_content(&f, "/d/a", "text");
		cut_and_restart(&f, &file);
		assert_int_equal(tr_sim_volume_find(&f.sim.volume, "/d/a", &inode), 0);
		was_lost |= inode->now.length == 0;
		file = NULL;
		tear_down(&f, &file);
	}
	assert_true(was_lost);
}

/** Random writes, syncs and cuts; each byte after a cut is what the last sync that covers it says, or what was written
 * since, or zero where the file had not reached. */
static void test_cuts_at_random(void **state)
{
	enum { BYTES = 4096 };

	for (uint64_t seed = 1; seed <= tr_test_cases(300); seed++) {
		unsigned char synced[BYTES] = {0}, now[BYTES] = {0};
		bool may_be[BYTES][256];
		uint64_t random = seed;
		struct fixture f;
		struct tr_sim_inode *inode;
		struct tr_file *file;
		size_t synced_length = 0, length = 0;

		memset(may_be, 0, sizeof(may_be));
		set_up(&f, seed);
		f.sim.faults.delay_ns_max = 5000;
		f.sim.faults.short_permille = 200;
		file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE);
		tr_sim_volume_settle(&f.sim.volume);
		for (uint32_t i = 0; i < 30; i++) {
			char bytes[700];
			const uint32_t offset = tr_test_below(&random, BYTES - 700);
			const uint32_t count = 1 + tr_test_below(&random, 700);
			int64_t written;

			if (tr_test_below(&random, 4) == 0) {
				assert_int_equal(sync_file(&f, file), 0);
				memcpy(synced, now, BYTES);
				memset(may_be, 0, sizeof(may_be));
				synced_length = length;
				continue;
			}
			memset(bytes, (int)i + 1, sizeof(bytes));
			written = request(&f, TR_IO_WRITE, file, bytes, count, offset);
			assert_in_range(written, 1, count);
			for (uint32_t b = offset; b < offset + written; b++) {
				now[b] = (unsigned char)(i + 1);
				may_be[b][i + 1] = true;
			}
			length = length > offset + (size_t)written ? length : offset + (size_t)written;
		}
		cut_and_restart(&f, &file);
		assert_int_equal(tr_sim_volume_find(&f.sim.volume, "/d/a", &inode), 0);
		assert_in_range(inode->now.length, synced_length, length);
		for (size_t b = 0; b < inode->now.length; b++) {
			unsigned char byte;

			tr_sim_content_get(&inode->now, b, (char *)&byte, 1);
			if (byte != synced[b] && !may_be[b][byte])
				fail_msg("seed %d: byte %zu is %u, was synced as %u", (int)seed, b, byte, synced[b]);
		}
		file = NULL;
		tear_down(&f, &file);
	}
}

static void test_quota(void **state)
{
	struct fixture f;
	struct tr_file *file;

	set_up(&f, 1);
	file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE);
	f.sim.faults.quota_bytes = 6;
	assert_int_equal(write_text(&f, file, "1234", 0), 4);
	assert_int_equal(write_text(&f, file, "5678", 4), 2);
	assert_int_equal(write_text(&f, file, "78", 6), -ENOSPC);
	assert_int_equal(write_text(&f, file, "ABCD", 0), 4); /* what is there may be written over */
	f.sim.faults.quota_bytes = 0;
	assert_int_equal(write_text(&f, file, "78", 6), 2);
	assert_content(&f, "/d/a", "ABCD5678");
	tear_down(&f, &file);
}

static void test_death_in_a_call(void **state)
{
	struct fixture f;
	struct tr_file *file;
	struct tr_file_info info;

	set_up(&f, 1);
	file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_LOCK);
	f.sim.die_at_call = f.sim.call_count + 2;
	assert_int_equal(write_text(&f, file, "x", 0), 1);
	assert_int_equal(write_text(&f, file, "yy", 1), -EIO); /* the process is dead: nobody hears the answer */
	assert_true(f.sim.is_dead);
	assert_int_not_equal(f.disk->ops->unlink(f.disk, "/d/a", &f.st), TR_OK);
	close_all(&f, &file);
	tr_sim_disk_restart(&f.sim);
	assert_int_equal(f.disk->ops->stat(f.disk, "/d/a", &info, &f.st), TR_OK);
	assert_true(info.size_bytes == 1 || info.size_bytes == 3);  /* killed, not cut */
	file = open_file(&f, "/d/a", TR_OPEN_WRITE | TR_OPEN_LOCK); /* its lock died with it */
	assert_int_equal(f.disk->ops->queue_create(f.disk, 8, &f.queue, &f.st), TR_OK);
	tear_down(&f, &file);
}

static bool allow_second_half(void *context, const char *path, int64_t offset, size_t length) { return offset >= 4; }

static void test_rot_where_allowed(void **state)
{
	struct fixture f;
	struct tr_file *file = NULL;
	struct tr_sim_inode *inode;
	char bytes[8];

	set_up(&f, 1);
	tr_sim_disk_put(&f.sim, "/d/a", "aaaabbbb", 8);
	assert_false(tr_sim_disk_rot(&f.sim, "/d")); /* without an atlas nothing may */
	f.sim.atlas = allow_second_half;
	assert_true(tr_sim_disk_rot(&f.sim, "/d"));
	assert_int_equal(tr_sim_volume_find(&f.sim.volume, "/d/a", &inode), 0);
	assert_bytes(&inode->durable, "aaaa", 4);
	tr_sim_content_get(&inode->durable, 0, bytes, 8);
	assert_memory_not_equal(bytes, "aaaabbbb", 8);
	tear_down(&f, &file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_errors),
		cmocka_unit_test(test_sync_and_names),
		cmocka_unit_test(test_sync_covers_what_came_before),
		cmocka_unit_test(test_failed_sync_loses),
		cmocka_unit_test(test_cuts_at_random),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_death_in_a_call),
		cmocka_unit_test(test_rot_where_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
