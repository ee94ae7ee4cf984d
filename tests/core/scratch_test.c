/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory for temporary files: where it is, that it is empty at first, and gone at the end.
 */
#include "tr_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/scratch.h"

static void put_file(const char *directory, const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static void test_life(void **state)
{
	char base[] = "/tmp/scratch_test.XXXXXX", log[64], job_id[] = "0123456789abcdef0123456789abcdef", expected[128];
	struct tr_environment *env = NULL;
	struct tr_status st = {0};
	struct tr_arena arena;
	struct stat info;

	assert_non_null(mkdtemp(base));
	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	tr_arena_init(&arena, 0);
	snprintf(log, sizeof(log), "%s/deep/1", base);
	for (int has_log = 0; has_log < 2; has_log++) {
		struct tr_plan plan = {.scratch = base, .job_id = job_id};
		const char *path = NULL;

		if (has_log)
			plan.checkpoint.directory = log;
		snprintf(expected, sizeof(expected), has_log ? "%s/deep/1.scratch" : "%s/tailrace-%s", base, job_id);
		assert_int_equal(tr_scratch_create(&plan, env->disk, &arena, &path, &st), TR_OK);
		assert_string_equal(path, expected);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 0777, 0700);
		put_file(path, "3-0");
		put_file(path, "3-1");
		assert_int_equal(tr_scratch_create(&plan, env->disk, &arena, &path, &st), TR_OK);
		assert_int_equal(rmdir(path), 0); /* it was empty */
		assert_int_equal(tr_scratch_create(&plan, env->disk, &arena, &path, &st), TR_OK);
		put_file(path, "4-0");
		tr_scratch_remove(env->disk, path);
		assert_int_not_equal(stat(path, &info), 0);
	}
	snprintf(expected, sizeof(expected), "%s/deep", base);
	assert_int_equal(rmdir(expected), 0);
	assert_int_equal(rmdir(base), 0);
	tr_arena_deinit(&arena);
	tr_environment_real_destroy(&env);
}

static void test_refused(void **state)
{
	char base[] = "/tmp/scratch_test.XXXXXX", job_id[] = "x";
	struct tr_environment *env = NULL;
	struct tr_status st = {0};
	struct tr_arena arena;
	struct tr_plan plan = {.scratch = base, .job_id = job_id};
	const char *path;
	const int fd = mkstemp(base);

	assert_true(fd >= 0);
	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	tr_arena_init(&arena, 0);
	assert_int_not_equal(tr_scratch_create(&plan, env->disk, &arena, &path, &st), TR_OK);
	assert_non_null(strstr(st.message, base));
	close(fd);
	unlink(base);
	tr_arena_deinit(&arena);
	tr_environment_real_destroy(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
