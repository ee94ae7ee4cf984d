/* SPDX-License-Identifier: Apache-2.0
 *
 * Both real disks keep the promises of io/disk.h. Each test runs once per disk; where io_uring is not allowed its runs
 * are skipped with the reason. The oracle for bytes is stdio.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "io/disk.h"

struct fixture {
	struct tr_environment *env;
	struct tr_disk *disk;
	struct tr_io_queue *queue;
	char directory[64];
	char path[128];
};

static int set_up(void **state, const char *disk_name)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tr_status st = {0};

	setenv("TAILRACE_IO", disk_name, 1);
	if (tr_environment_real_create(&f->env, &st) != TR_OK) {
		print_message("skipped on %s: %s\n", disk_name, st.message);
		free(f);
		*state = NULL;
		return 0;
	}
	f->disk = f->env->disk;
	assert_string_equal(f->disk->ops->name, disk_name);
	assert_int_equal(f->disk->ops->queue_create(f->disk, 4, &f->queue, &st), TR_OK);
	snprintf(f->directory, sizeof(f->directory), "/tmp/tr_disk_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/data", f->directory);
	*state = f;
	return 0;
}
static int set_up_plain(void **state) { return set_up(state, "plain"); }
static int set_up_uring(void **state) { return set_up(state, "io_uring"); }

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f == NULL)
		return 0;
	f->disk->ops->queue_destroy(f->disk, &f->queue);
	assert_null(f->queue);
	tr_environment_real_destroy(&f->env);
	snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

#define FIXTURE(f)                  \
	struct fixture *f = *state; \
	if (f == NULL)              \
		skip();

static void write_file(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void wait_for(struct fixture *f, const struct tr_io_request *request)
{
	for (int i = 0; i < 1000 && !request->is_done; i++)
		(void)tr_io_wait(f->queue, 1000000000);
	assert_true(request->is_done);
}

static int64_t run_one(struct fixture *f, enum tr_io_op op, struct tr_file *file, void *buffer, size_t length,
		       int64_t offset)
{
	struct tr_io_request request = {.op = op, .file = file, .buffer = buffer, .length = length, .offset = offset};

	tr_io_submit(f->queue, &request);
	wait_for(f, &request);
	assert_int_equal(f->disk->ops->in_flight(f->queue), 0);
	return request.result;
}

static void test_write_sync_read_back(void **state)
{
	FIXTURE(f);
	struct tr_status st = {0};
	struct tr_file *file = NULL;
	struct tr_file_info info;
	char back[32] = {0};

	assert_int_equal(
		f->disk->ops->open(f->disk, f->path, TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE, &file, &st), TR_OK);
	assert_int_equal(run_one(f, TR_IO_WRITE, file, (char[]){"hello, disk"}, 11, 0), 11);
	assert_int_equal(run_one(f, TR_IO_WRITE, file, (char[]){"DISK"}, 4, 7), 4);
	assert_int_equal(run_one(f, TR_IO_SYNC, file, NULL, 0, 0), 0);
	assert_int_equal(run_one(f, TR_IO_READ, file, back, 5, 6), 5);
	assert_string_equal(back, " DISK");
	/* Short at the end of the file, empty beyond it. */
	assert_int_equal(run_one(f, TR_IO_READ, file, back, 32, 6), 5);
	assert_int_equal(run_one(f, TR_IO_READ, file, back, 32, 11), 0);
	assert_int_equal(run_one(f, TR_IO_READ, file, back, 32, 1 << 20), 0);
	assert_int_equal(f->disk->ops->file_stat(f->disk, file, &info, &st), TR_OK);
	assert_int_equal(info.size_bytes, 11);
	assert_true(info.is_regular && !info.is_directory);
	f->disk->ops->close(f->disk, &file);
	assert_null(file);
}

static void test_errors_are_negative_errno(void **state)
{
	FIXTURE(f);
	struct tr_status st = {0};
	struct tr_file *file = NULL;
	char byte = 'x';

	write_file(f->path, "abc", 3);
	assert_int_equal(f->disk->ops->open(f->disk, f->path, TR_OPEN_READ, &file, &st), TR_OK);
	assert_int_equal(run_one(f, TR_IO_WRITE, file, &byte, 1, 0), -EBADF);
	f->disk->ops->close(f->disk, &file);
	assert_int_equal(f->disk->ops->open(f->disk, f->directory, TR_OPEN_READ, &file, &st), TR_OK);
	assert_int_equal(run_one(f, TR_IO_READ, file, &byte, 1, 0), -EISDIR);
	f->disk->ops->close(f->disk, &file);
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(f->disk->ops->open(f->disk, "/dev/full", TR_OPEN_WRITE, &file, &st), TR_OK);
		assert_int_equal(run_one(f, TR_IO_WRITE, file, &byte, 1, 0), -ENOSPC);
		f->disk->ops->close(f->disk, &file);
	}
}

/** Many more requests than the queue is deep, waited for together. */
static void test_more_requests_than_depth(void **state)
{
	FIXTURE(f);
	enum { COUNT = 100, BYTES = 1000 };
	static char content[COUNT * BYTES], back[COUNT * BYTES];
	static struct tr_io_request requests[COUNT];
	struct tr_status st = {0};
	struct tr_file *file = NULL;
	uint32_t done = 0;

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i * 31 + i / 997);
	memset(back, 0, sizeof(back));
	write_file(f->path, content, sizeof(content));
	assert_int_equal(f->disk->ops->open(f->disk, f->path, TR_OPEN_READ, &file, &st), TR_OK);
	for (int i = 0; i < COUNT; i++) {
		requests[i] = (struct tr_io_request){.op = TR_IO_READ,
						     .file = file,
						     .buffer = back + i * BYTES,
						     .length = BYTES,
						     .offset = i * BYTES};
		tr_io_submit(f->queue, &requests[i]);
		assert_false(requests[i].is_done);
	}
	assert_int_equal(f->disk->ops->in_flight(f->queue), COUNT);
	while (f->disk->ops->in_flight(f->queue) > 0)
		done += tr_io_wait(f->queue, 1000000000);
	assert_int_equal(done, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_true(requests[i].is_done && requests[i].result == BYTES);
	assert_memory_equal(content, back, sizeof(content));
	f->disk->ops->close(f->disk, &file);
}

static void test_wait_times_out(void **state)
{
	FIXTURE(f);
	const int64_t before = tr_environment_monotonic_ns(f->env);
	int64_t passed;

	assert_int_equal(tr_io_wait(f->queue, 20000000), 0);
	passed = tr_environment_monotonic_ns(f->env) - before;
	assert_true(passed >= 19000000 && passed < 5000000000);
	assert_int_equal(tr_io_poll(f->queue), 0);
	assert_int_equal(tr_io_wait(f->queue, 0), 0);
}

/** A wake before the wait ends it at once, also when a poll came between; one wake ends one wait. */
static void test_wake_ends_next_wait(void **state)
{
	FIXTURE(f);
	int64_t before;

	for (int i = 0; i < 3; i++) {
		tr_io_wake(f->queue);
		tr_io_wake(f->queue);
		(void)tr_io_poll(f->queue);
		before = tr_environment_monotonic_ns(f->env);
		assert_int_equal(tr_io_wait(f->queue, 10000000000), 0);
		assert_true(tr_environment_monotonic_ns(f->env) - before < 5000000000);
		before = tr_environment_monotonic_ns(f->env);
		assert_int_equal(tr_io_wait(f->queue, 20000000), 0);
		assert_true(tr_environment_monotonic_ns(f->env) - before >= 19000000);
	}
}

enum { WAKES = 2000 };

struct waker {
	struct tr_io_queue *queue;
	uint64_t mail; /* written by the waker; read by the owner */
};

static void *waker_main(void *argument)
{
	struct waker *waker = argument;

	for (uint64_t i = 1; i <= WAKES; i++) {
		__atomic_store_n(&waker->mail, i, __ATOMIC_RELEASE);
		tr_io_wake(waker->queue);
		if (i % 97 == 0)
			usleep(200);
	}
	return NULL;
}

/** No wake is lost: the owner looks at its mail after each wait and must see the last letter without a time-out. */
static void test_wake_from_another_thread(void **state)
{
	FIXTURE(f);
	struct waker waker = {.queue = f->queue};
	const int64_t before = tr_environment_monotonic_ns(f->env);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, waker_main, &waker), 0);
	while (__atomic_load_n(&waker.mail, __ATOMIC_ACQUIRE) < WAKES)
		(void)tr_io_wait(f->queue, 20000000000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(tr_environment_monotonic_ns(f->env) - before < 10000000000);
}

static bool collect(void *context, const char *name)
{
	char *names = context;

	strcat(names, name);
	strcat(names, " ");
	return strlen(names) < 100;
}

static void test_names(void **state)
{
	FIXTURE(f);
	struct tr_status st = {0};
	struct tr_file_info info;
	struct tr_file *file = NULL;
	char deep[160], moved[160], names[256] = "";

	snprintf(deep, sizeof(deep), "%s/a//b/c/", f->directory);
	assert_int_equal(f->disk->ops->make_directory(f->disk, deep, &st), TR_OK);
	assert_int_equal(f->disk->ops->make_directory(f->disk, deep, &st), TR_OK);
	assert_int_equal(f->disk->ops->stat(f->disk, deep, &info, &st), TR_OK);
	assert_true(info.is_directory);
	write_file(f->path, "abc", 3);
	snprintf(moved, sizeof(moved), "%s/a/b/moved", f->directory);
	assert_int_equal(f->disk->ops->rename(f->disk, f->path, moved, &st), TR_OK);
	snprintf(deep, sizeof(deep), "%s/a/b", f->directory);
	assert_int_equal(f->disk->ops->sync_directory(f->disk, deep, &st), TR_OK);
	assert_int_equal(f->disk->ops->list(f->disk, deep, collect, names, &st), TR_OK);
	assert_true(strcmp(names, "c moved ") == 0 || strcmp(names, "moved c ") == 0);
	assert_int_equal(
		f->disk->ops->open(f->disk, moved, TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_EXCLUSIVE, &file, &st),
		TR_ERR_CANT_CREATE);
	assert_int_equal(f->disk->ops->unlink(f->disk, moved, &st), TR_OK);
	assert_int_equal(f->disk->ops->stat(f->disk, moved, &info, &st), TR_ERR_NO_INPUT);
	assert_non_null(strstr(st.message, moved));
	assert_int_equal(st.sys_errno, ENOENT);
	assert_int_equal(f->disk->ops->open(f->disk, moved, TR_OPEN_READ, &file, &st), TR_ERR_NO_INPUT);
	assert_null(file);
	write_file(f->path, "abc", 3);
	snprintf(deep, sizeof(deep), "%s/data/x", f->directory);
	assert_int_equal(f->disk->ops->make_directory(f->disk, deep, &st), TR_ERR_CANT_CREATE);
	assert_int_equal(f->disk->ops->make_directory(f->disk, f->path, &st), TR_ERR_CANT_CREATE);
}

static void test_environment(void **state)
{
	FIXTURE(f);
	const uint64_t a = tr_environment_random(f->env);
	const uint64_t b = tr_environment_random(f->env);

	assert_true(a != b);
	assert_true(tr_environment_wall_ms(f->env) > 1600000000000);
	assert_true(tr_environment_monotonic_ns(f->env) <= tr_environment_monotonic_ns(f->env));
}

static void test_unknown_disk_is_refused(void **state)
{
	struct tr_environment *env = NULL;
	struct tr_status st = {0};

	setenv("TAILRACE_IO", "tape", 1);
	assert_int_equal(tr_environment_real_create(&env, &st), TR_ERR_CONFIG);
	assert_non_null(strstr(st.message, "tape"));
	assert_null(env);
	setenv("TAILRACE_IO", "", 1);
	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	tr_environment_real_destroy(&env);
}

/** Where a policy forbids io_uring, as in many containers, the plain disk steps in; asked for by name, it is an error. */
static void test_forbidden_uring_gives_plain(void **state)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = TR_COUNT_OF(filter), .filter = filter};
	const pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct tr_environment *env = NULL;
		struct tr_status st = {0};

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
			_exit(77);
		setenv("TAILRACE_IO", "", 1);
		if (tr_environment_real_create(&env, &st) != TR_OK || strcmp(env->disk->ops->name, "plain") != 0)
			_exit(1);
		tr_environment_real_destroy(&env);
		setenv("TAILRACE_IO", "io_uring", 1);
		_exit(tr_environment_real_create(&env, &st) == TR_ERR_UNAVAILABLE && st.sys_errno == EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define BOTH(test)                                                     \
	{#test " plain", test, set_up_plain, tear_down, NULL},         \
	{                                                              \
#test " io_uring", test, set_up_uring, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_write_sync_read_back),
		BOTH(test_errors_are_negative_errno),
		BOTH(test_more_requests_than_depth),
		BOTH(test_wait_times_out),
		BOTH(test_wake_ends_next_wait),
		BOTH(test_wake_from_another_thread),
		BOTH(test_names),
		BOTH(test_environment),
		cmocka_unit_test(test_unknown_disk_is_refused),
		cmocka_unit_test(test_forbidden_uring_gives_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
