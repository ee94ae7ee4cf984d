/* SPDX-License-Identifier: Apache-2.0
 * A failed assertion prints place, condition and stack, and ends the process with SIGABRT.
 */
#include "tr_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

/** Runs `body` in a child whose stderr is caught. Returns the wait status. */
static int run_in_child(void (*body)(void), char *text, size_t size)
{
	int ends[2], status;
	size_t length = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		body();
		_exit(0);
	}
	close(ends[1]);
	while (length + 1 < size && (n = read(ends[0], text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void asserts_something_false(void)
{
	volatile int two = 2;

	TR_ASSERT(two + two == 5);
}

static void asserts_something_true(void)
{
	volatile int two = 2;

	TR_ASSERT(two + two == 4);
	TR_DASSERT(two + two == 4);
}

static void fails_loudly(void **state)
{
	char text[16384];
	const int status = run_in_child(asserts_something_false, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "tests/base/check_test.c:"));
	assert_non_null(strstr(text, "two + two == 5"));
	assert_non_null(strstr(text, "Stack:\n"));
	assert_non_null(strstr(strstr(text, "Stack:\n"), "check_test"));
}

static void passes_silently(void **state)
{
	char text[1024];
	const int status = run_in_child(asserts_something_true, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fails_loudly), cmocka_unit_test(passes_silently)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
