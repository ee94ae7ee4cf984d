/* SPDX-License-Identifier: Apache-2.0
 *
 * States whose values have columns: what is wrong with a declaration; and what a job that was changed finds in its savepoint: the same, more
 * states, fewer, and values of another sort, size, version, layout or time to live, which are refused with both sides.
 */
#include "api_test.h"

#include <unistd.h>

static const int64_t ROWS[][3] = {{1, 10, 1000}, {2, 20, 2000}, {1, 30, 3000}};

static struct tr_owned_batch *owned;

/* How the job of a case declares its state. */
struct form {
	struct tr_state_descriptor d;
	enum { VALUE, LIST, REDUCING } sort;
	const char *problem; /* NULL: it fits */
};

static void fold(void *user, void *value, const void *added) {}

static tr_code open_state(struct tr_context *context, struct tr_status *st)
{
	const struct form *form = tr_context_user(context);

	switch (form->sort) {
	case VALUE: tr_context_set_own(context, tr_value_state_create(context, &form->d)); break;
	case LIST: tr_list_state_create(context, &form->d); break;
	case REDUCING: tr_reducing_state_create(context, &form->d, fold, NULL); break;
	}
	return TR_OK;
}

struct value {
	int64_t sum;
	int32_t count;
	int16_t flags;
};

static tr_code on_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	const struct form *form = tr_context_user(context);
	struct value *value;

	if (form->sort != VALUE || form->d.value_bytes == 8)
		return TR_OK;
	value = tr_value_state_put(tr_context_own(context));
	value->sum += tr_row_i64(row, 1);
	value->count++;
	tr_collector_set_column(out, 0, row, 0);
	tr_collector_set_i64(out, 1, value->sum);
	tr_collector_set_i64(out, 2, value->count);
	tr_collector_add(out);
	return TR_OK;
}

static struct tr_env *make(struct form *form, const char *directory, struct tr_collected **out, bool is_unbounded)
{
	static const char *const datagen[] = {"connector", "datagen", "rows-per-second", "10", NULL};
	const struct tr_function function = TR_MAKE(tr_function, .user = form, .open = open_state, .on_row = on_row);
	const struct tr_batch *batches[] = {tr_owned_batch_get(owned)};
	struct tr_env *env = api_env("1");
	struct tr_stream *rows[2];

	tr_env_set(env, "execution.checkpointing.interval", "10 ms");
	tr_env_set(env, "execution.checkpointing.dir", directory);
	tr_env_set(env, "restart-strategy.type", "none");
	rows[0] = tr_env_from_batches(env, "rows", API_COLUMNS, batches, 1, NULL);
	if (is_unbounded) { /* so that there is time to stop it */
		rows[1] = tr_stream_select(
			tr_stream_where(tr_env_from_connector(env, "more", "k BIGINT", datagen, NULL), "k IS NULL"),
			"k, k AS v, CAST(NULL AS TIMESTAMP(3)) AS ts");
		rows[0] = tr_stream_union(rows, 2);
	}
	*out = tr_stream_collect(tr_stream_uid(
		tr_stream_process(tr_stream_key_by(rows[0], "k"), "k BIGINT, s BIGINT, n BIGINT", &function), "sums"));
	return env;
}

#define GOOD                                                                                                           \
	{                                                                                                              \
		.struct_size = sizeof(struct tr_state_descriptor), .name = "sum", .value_bytes = sizeof(struct value), \
		.columns = "total BIGINT, n INT, flags SMALLINT"                                                       \
	}

static void save(const char *directory, const char *savepoint)
{
	struct form form = {.d = GOOD};
	struct tr_collected *out;
	struct tr_env *env = make(&form, directory, &out, true);
	struct tr_job_metrics metrics;
	struct tr_status st = {0};
	struct tr_job *job;

	if (tr_env_execute_async(env, "job", &job, &st) != TR_OK)
		fail_msg("%s", st.message);
	do {
		usleep(1000);
		tr_job_metrics(job, &metrics);
	} while ((metrics.rows_out < 3 || metrics.checkpoints_completed < 2) && tr_job_state(job) == TR_JOB_RUNNING);
	if (tr_job_stop(job, savepoint, false, &st) != TR_OK || tr_job_wait(job, &st) != TR_OK)
		fail_msg("%s", st.message);
	api_expect(out, "1,10,1\n1,40,2\n2,20,1\n");
	tr_job_destroy(&job);
	tr_env_destroy(&env);
}

static void test_changes(void **state)
{
	static struct form forms[] = {
		{.d = GOOD},
		{.d = GOOD,
		 .problem = "state 'sum' does not fit\n  saved: total BIGINT, n INT, flags SMALLINT\n  job:   total "
			    "BIGINT, "
			    "flags SMALLINT, n INT"},
		{.d = GOOD,
		 .problem =
			 "saved: value state, version 0, 16 bytes, no time to live\n  job:   value state, version 3"},
		{.d = GOOD, .problem = "job:   value state, version 0, 8 bytes"},
		{.d = GOOD, .problem = "job:   value state, version 0, 16 bytes, with time to live"},
		{.d = GOOD, .sort = LIST, .problem = "job:   list state"},
		{.d = GOOD, .sort = REDUCING, .problem = "job:   reducing state"},
		{.d = GOOD}, /* another name: what was saved is dropped */
		{.d = GOOD}, /* no columns: size and version decide */
	};
	char directory[] = "/tmp/tailrace-layout-XXXXXX", command[128], savepoint[96], first[96];

	assert_non_null(mkdtemp(directory));
	snprintf(first, sizeof(first), "%s/first", directory);
	snprintf(savepoint, sizeof(savepoint), "%s/savepoint", directory);
	save(first, savepoint);
	forms[1].d.columns = "total BIGINT, flags SMALLINT, n INT";
	forms[2].d.version = 3;
	forms[3].d.value_bytes = 8;
	forms[3].d.columns = NULL;
	forms[4].d.ttl_ms = 1000000;
	forms[5].d.columns = forms[8].d.columns = NULL;
	forms[7].d.name = "other";
	for (size_t i = 0; i < TR_COUNT_OF(forms); i++) {
		struct tr_collected *out;
		struct tr_status st = {0};
		struct tr_env *env;
		char second[96];
		tr_code code;

		snprintf(second, sizeof(second), "%s/second-%zu", directory, i);
		env = make(&forms[i], second, &out, true);
		tr_env_restore(env, savepoint, true);
		if (forms[i].problem != NULL) {
			code = tr_env_execute(env, "job", &st);
			if (code != TR_ERR_DATA || strstr(st.message, forms[i].problem) == NULL ||
			    strstr(st.message, "operator 'sums'") == NULL)
				fail_msg("case %zu: status %d, '%s' has no '%s'", i, (int)code, st.message,
					 forms[i].problem);
		} else {
			struct tr_job *job;

			assert_int_equal(tr_env_execute_async(env, "job", &job, &st), TR_OK);
			tr_job_cancel(job);
			assert_int_equal(tr_job_wait(job, &st), TR_ERR_CANCELLED);
			tr_job_destroy(&job);
		}
		tr_env_destroy(&env);
	}
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

static void test_declarations(void **state)
{
	static struct form forms[] = {
		{.d = GOOD, .problem = "state 'sum': a struct of (a BIGINT, b INT) has 16 bytes, and value_bytes is 12"},
		{.d = GOOD, .problem = "state 'sum': 'b' is STRING; a member has a type of 1 to 8 bytes"},
		{.d = GOOD, .problem = "state 'sum', columns: error E0101"},
		{.d = GOOD, .sort = LIST, .problem = "state 'sum': lists and maps have bytes, and no columns"},
		{.d = GOOD}, /* the size follows from the columns */
	};

	forms[0].d.columns = "a BIGINT, b INT";
	forms[0].d.value_bytes = 12;
	forms[1].d.columns = "a BIGINT, b STRING";
	forms[2].d.columns = "a BIGINT,";
	forms[4].d.value_bytes = 0;
	for (size_t i = 0; i < TR_COUNT_OF(forms); i++) {
		struct tr_collected *out;
		struct tr_env *env = make(&forms[i], "/tmp/never", &out, false);
		struct tr_status st = {0};
		tr_code code;

		tr_env_set(env, "execution.checkpointing.interval", "0 ms");
		code = tr_env_execute(env, "job", &st);
		if (forms[i].problem == NULL) {
			if (code != TR_OK)
				fail_msg("%s", st.message);
			api_expect(out, "1,10,1\n1,40,2\n2,20,1\n");
		} else if (code != TR_ERR_USAGE || strstr(st.message, forms[i].problem) == NULL) {
			fail_msg("case %zu: status %d, '%s' has no '%s'", i, (int)code, st.message, forms[i].problem);
		}
		tr_env_destroy(&env);
	}
}

static int make_rows(void **state)
{
	owned = api_rows(ROWS, TR_COUNT_OF(ROWS));
	return 0;
}

static int free_rows(void **state)
{
	tr_owned_batch_release(&owned);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes), cmocka_unit_test(test_declarations)};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
