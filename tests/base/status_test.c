/* SPDX-License-Identifier: Apache-2.0
 * Messages, errno, truncation, prefixes and the macros that pass a failure on.
 */
#include "tr_test.h"

#include <errno.h>

#include "tailrace/status.h"

static tr_code fails(struct tr_status *st) { TR_FAIL(st, TR_ERR_DATA, "row %d is bad", 7); }

static tr_code fails_with_errno(struct tr_status *st)
{
	errno = ENOSPC;
	TR_FAIL_ERRNO(st, TR_ERR_IO, "append %s", "log");
}

static tr_code passes_on(struct tr_status *st)
{
	TR_TRY(fails(st));
	return TR_OK;
}

static void records_code_message_and_place(void **state)
{
	struct tr_status st = {0};

	assert_int_equal(passes_on(&st), TR_ERR_DATA);
	assert_int_equal(st.code, TR_ERR_DATA);
	assert_int_equal(st.sys_errno, 0);
	assert_string_equal(st.message, "row 7 is bad");
	assert_non_null(strstr(st.where, "tests/base/status_test.c:")); /* what comes before is the build's to choose */
	tr_status_clear(&st);
	assert_int_equal(st.code, TR_OK);
	assert_string_equal(st.message, "");
}

static void appends_errno(void **state)
{
	struct tr_status st = {0};

	assert_int_equal(fails_with_errno(&st), TR_ERR_IO);
	assert_int_equal(st.sys_errno, ENOSPC);
	assert_string_equal(st.message, "append log: No space left on device");
}

static void works_without_a_status(void **state)
{
	tr_status_clear(NULL);
	assert_int_equal(passes_on(NULL), TR_ERR_DATA);
	assert_int_equal(tr_status_prefix(NULL, TR_ERR_IO, "x"), TR_ERR_IO);
}

static void truncates_visibly(void **state)
{
	struct tr_status st = {0};
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	tr_status_set(&st, TR_ERR_DATA, EIO, "here", "%s", text);
	assert_int_equal(strlen(st.message), TR_STATUS_MESSAGE_MAX - 1);
	assert_string_equal(st.message + TR_STATUS_MESSAGE_MAX - 4, "...");
	text[TR_STATUS_MESSAGE_MAX - 1] = '\0'; /* fits exactly */
	tr_status_set(&st, TR_ERR_DATA, 0, "here", "%s", text);
	assert_string_equal(st.message, text);
}

static void prefixes(void **state)
{
	struct tr_status st = {0};

	fails(&st);
	assert_int_equal(tr_status_prefix(&st, TR_ERR_IO, "%s:%d", "a.csv", 3), TR_ERR_DATA);
	assert_string_equal(st.message, "a.csv:3: row 7 is bad");
	tr_status_set(&st, TR_ERR_FAILED, 0, "here", "again: %s", st.message); /* its own message as an argument */
	assert_string_equal(st.message, "again: a.csv:3: row 7 is bad");
}

static void an_empty_message_says_something(void **state)
{
	struct tr_status st = {0};

	tr_status_set(&st, TR_ERR_PERMISSION, 0, "here", "%s", "");
	assert_string_equal(st.message, "permission denied");
}

static void names_codes(void **state)
{
	assert_string_equal(tr_code_name(TR_ERR_CANCELLED), "TR_ERR_CANCELLED");
	assert_string_equal(tr_code_name((tr_code)5), "TR_ERR_?");
	assert_string_equal(tr_code_text(TR_OK), "success");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_code_message_and_place),
		cmocka_unit_test(appends_errno),
		cmocka_unit_test(works_without_a_status),
		cmocka_unit_test(truncates_visibly),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(an_empty_message_says_something),
		cmocka_unit_test(names_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
