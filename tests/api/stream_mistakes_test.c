/* SPDX-License-Identifier: Apache-2.0
 *
 * What a user can do wrong while a job runs: each mistake fails the job with a message that names the operator, and what cannot be gone
 * on from (another thread, a call outside of callbacks) ends the process with one. Of sources, sinks and partitions: stream_ends_mistakes_test.c.
 * What is wrong while a graph is built: stream_arguments_test.c.
 */
#include "mistakes_case.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* Mistakes in on_row of a process function with state; the output is (k BIGINT, t STRING, d DOUBLE, b BOOLEAN, a ARRAY<INT>). */

#define COLUMNS "k BIGINT, t STRING, d DOUBLE, b BOOLEAN, a ARRAY<INT>"

struct own {
	struct tr_value_state *fixed, *bytes;
	struct tr_list_state *list;
	struct tr_map_state *map;
};
typedef void (*mistake_fn)(struct tr_context *context, const struct tr_row *row, struct tr_collector *out);

static tr_code open_own(struct tr_context *context, struct tr_status *st)
{
	struct own *own = calloc(1, sizeof(*own));

	own->fixed = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "fixed", .value_bytes = 8));
	own->bytes = tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "bytes"));
	own->list = tr_list_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "list"));
	own->map = tr_map_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "map"));
	tr_context_set_own(context, own);
	return TR_OK;
}

static void close_own(struct tr_context *context) { free(tr_context_own(context)); }

static struct own *own_of(struct tr_context *context) { return tr_context_own(context); }

static tr_code call_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	mistake_fn mistake;

	memcpy(&mistake, tr_context_user(context), sizeof(mistake));
	mistake(context, row, out);
	return TR_OK;
}

static tr_code call_batch(struct tr_context *context, const struct tr_batch *batch, struct tr_collector *out,
			  struct tr_status *st)
{
	const struct tr_row row = {batch, tr_batch_row(batch, 0)};

	return call_row(context, &row, out, st);
}

#define MISTAKE(name) static void name(struct tr_context *context, const struct tr_row *row, struct tr_collector *out)

MISTAKE(read_text) { assert_int_equal(tr_row_text(row, 0)->length, 0); }
MISTAKE(read_double) { assert_true(tr_row_f64(row, 1) == 0); }
MISTAKE(read_beyond) { assert_int_equal(tr_row_i64(row, 3), 0); }
MISTAKE(read_missing) { assert_true(tr_row_is_null(row, (uint32_t)tr_schema_find(row->batch->schema, "nobody"))); }
MISTAKE(set_text) { tr_collector_set_text(out, 0, "a", 1); }
MISTAKE(set_number) { tr_collector_set_i64(out, 1, 1); }
MISTAKE(set_double) { tr_collector_set_f64(out, 3, 1); }
MISTAKE(set_beyond) { tr_collector_set_i64(out, 5, 1); }
MISTAKE(set_column) { tr_collector_set_column(out, 1, row, 0); }
MISTAKE(set_from_beyond) { tr_collector_set_column(out, 0, row, 9); }
MISTAKE(add_row) { tr_collector_add_row(out, row); }
MISTAKE(add_batch) { tr_collector_add_batch(out, row->batch); }

MISTAKE(add_other_types)
{
	struct tr_batch batch = *row->batch;
	const struct tr_column *c = row->batch->columns;
	const struct tr_column columns[5] = {c[0], c[0], c[0], c[0], c[0]};

	batch.schema = tr_context_output(context);
	batch.columns = columns;
	tr_collector_add_batch(out, &batch);
}

MISTAKE(no_reserve)
{
	((int64_t *)tr_collector_data(out, 0))[2047] = 1;
	tr_collector_nulls(out, 0)[31] = 0;
}

MISTAKE(advance_alone) { tr_collector_advance(out, 1); }

MISTAKE(advance_more)
{
	tr_collector_reserve(out, 2);
	tr_collector_advance(out, 3);
}

MISTAKE(vector_beyond)
{
	tr_collector_reserve(out, 1);
	*(int64_t *)tr_collector_data(out, 77) = 1;
}

MISTAKE(vector_of_array)
{
	tr_collector_reserve(out, 1000);
	memset(tr_collector_data(out, 4), 0, 1000 * sizeof(struct tr_view));
}

__attribute__((no_sanitize("address"), noinline)) static void clear_at(uint64_t *bits, uint32_t i)
{
	tr_bit_clear(bits, i);
}

MISTAKE(write_beyond)
{
	tr_collector_reserve(out, 4);
	put_at(tr_collector_data(out, 0), 4);
	tr_collector_advance(out, 4);
}

MISTAKE(write_beyond_later)
{
	tr_collector_reserve(out, 4);
	put_at(tr_collector_data(out, 0), 5);
}

MISTAKE(clear_beyond)
{
	tr_collector_reserve(out, 4);
	clear_at(tr_collector_nulls(out, 0), tr_collector_first(out) + 6);
	tr_collector_advance(out, 1);
}

MISTAKE(choose_beyond) { tr_context_choose(context, row->batch->selected_count); }

MISTAKE(late_state)
{
	struct tr_value_state *state =
		tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "late", .value_bytes = 8));

	*(int64_t *)tr_value_state_put(state) = 1;
	assert_null(tr_value_state_get(state));
	tr_value_state_clear(state);
}

MISTAKE(fixed_as_bytes)
{
	uint32_t length = 1;

	assert_null(tr_value_state_get_bytes(own_of(context)->fixed, &length));
	assert_int_equal(length, 0);
	tr_value_state_set_bytes(own_of(context)->fixed, "a", 1);
}

MISTAKE(bytes_as_fixed)
{
	assert_null(tr_value_state_get(own_of(context)->bytes));
	memset(tr_value_state_put(own_of(context)->bytes), 1, 65536);
}

__attribute__((no_sanitize("address"), noinline)) static void put_byte(char *value, uint32_t i) { value[i] = 1; }

MISTAKE(beyond_value) { put_byte(tr_value_state_put(own_of(context)->fixed), 8); }

MISTAKE(batch_in_row) { *(int64_t *)tr_value_state_batch(own_of(context)->fixed)[0] = 1; }
MISTAKE(long_value) { tr_value_state_set_bytes(own_of(context)->bytes, "", UINT32_C(33) << 20); }
MISTAKE(long_element) { tr_list_state_add(own_of(context)->list, "", UINT32_C(17) << 20); }
MISTAKE(long_key) { tr_map_state_put(own_of(context)->map, "", 1025, "", 0); }
MISTAKE(long_key_get) { assert_null(tr_map_state_get(own_of(context)->map, "", 1025, NULL)); }
MISTAKE(long_key_remove) { tr_map_state_remove(own_of(context)->map, "", 1025); }

MISTAKE(long_key_next)
{
	const void *next, *bytes;
	uint32_t next_length, length;

	assert_false(tr_map_state_next(own_of(context)->map, "", 1025, &next, &next_length, &bytes, &length));
}

MISTAKE(timer_alone) { tr_timer_set_event_time(context, 1); }
MISTAKE(timer_alone_clock) { tr_timer_set_processing_time(context, 1); }

MISTAKE(no_key)
{
	const struct tr_row key = tr_context_key(context);

	assert_int_equal(tr_row_i64(&key, 0), 0);
}

MISTAKE(no_key_state)
{
	*(int64_t *)tr_value_state_put(own_of(context)->fixed) = 1;
	tr_list_state_clear(own_of(context)->list);
}

enum form { ROW = 1, BATCH = 2, NOT_KEYED = 4 };

static void run_mistake(mistake_fn mistake, enum form form, const char *message)
{
	struct tr_function function = TR_MAKE(tr_function, .user = &mistake, .on_row = form & BATCH ? NULL : call_row,
					      .on_batch = form & BATCH ? call_batch : NULL);
	struct tr_env *env = api_env("2");
	struct tr_stream *rows = source(env);

	if (!(form & NOT_KEYED)) {
		function.open = open_own;
		function.close = close_own;
		rows = tr_stream_key_by(rows, "k");
	}
	tr_stream_collect(tr_stream_name(tr_stream_process(rows, COLUMNS, &function), "wrong one"));
	expect_failure(env, message);
}

static void test_mistakes(void **state)
{
	static const char BEHIND[] = "column 'k' was written behind the rows that there was room for";
	static const char KEYED[] = "state and timers need a keyed stream";
	static const char NO_KEY[] = "there is no current key here";
	static const struct {
		mistake_fn mistake;
		enum form form;
		const char *message;
	} mistakes[] = {
		{read_text, ROW, "column 'k' is BIGINT, and was read as a text"},
		{read_double, ROW | NOT_KEYED, "column 'v' is BIGINT, and was read as a FLOAT or DOUBLE"},
		{read_beyond, ROW, "column 3 was read, and there are 3"},
		{read_missing, ROW, "column 4294967295 was read, and there are 3"},
		{set_text, ROW, "column 'k' is BIGINT, and was set as a text"},
		{set_number, ROW | NOT_KEYED, "column 't' is STRING, and was set as a whole number"},
		{set_double, ROW, "column 'b' is BOOLEAN, and was set as a floating-point number"},
		{set_beyond, ROW, "column 5 was set, and there are 5"},
		{set_column, ROW, "column 't' is STRING, and was set as the value of a column of another type"},
		{set_from_beyond, ROW, "column 9 was read, and there are 3"},
		{add_row, ROW, "a row of 3 columns was added, and there are 5"},
		{add_batch, BATCH, "a batch of 3 columns was added, and there are 5"},
		{add_other_types, BATCH, "column 't' is STRING, and was set as the column of a batch of another type"},
		{no_reserve, BATCH, "vectors were asked for without tr_collector_reserve"},
		{advance_alone, BATCH, "1 rows were added where there was room for 0"},
		{advance_more, BATCH, "3 rows were added where there was room for 2"},
		{vector_beyond, BATCH, "column 77 was asked for, and there are 5"},
		{vector_of_array, BATCH, "column 'a' is ARRAY<INT>, and was set as a vector"},
		{write_beyond, BATCH, BEHIND},
		{write_beyond_later, BATCH, BEHIND},
		{clear_beyond, BATCH, BEHIND},
		{choose_beyond, BATCH, "was chosen, and there is no such row at hand"},
		{late_state, ROW, "states are declared in open"},
		{late_state, ROW | NOT_KEYED, "keyed state needs a keyed stream"},
		{fixed_as_bytes, ROW, "state 'fixed' has values of one size"},
		{bytes_as_fixed, ROW, "state 'bytes' has values of any length"},
		{beyond_value, ROW, "state 'fixed': more than the 8 bytes of a value were written"},
		{batch_in_row, ROW, "tr_value_state_batch of state 'fixed' was called outside of on_batch"},
		{long_value, ROW, "state 'bytes': a value of 34603008 bytes"},
		{long_element, ROW, "state 'list': 17825792 bytes; 16777216 are the most"},
		{long_key, ROW, "state 'map': 1025 bytes; 1024 are the most"},
		{long_key_get, ROW, "state 'map': 1025 bytes; 1024 are the most"},
		{long_key_remove, ROW, "state 'map': 1025 bytes; 1024 are the most"},
		{long_key_next, ROW, "state 'map': 1025 bytes; 1024 are the most"},
		{timer_alone, ROW, "a timer was set, and the function has no on_timer"},
		{timer_alone_clock, ROW, "a timer was set, and the function has no on_timer"},
		{timer_alone, ROW | NOT_KEYED, KEYED},
		{timer_alone_clock, ROW | NOT_KEYED, KEYED},
		{no_key, ROW | NOT_KEYED, KEYED},
		{no_key, BATCH, NO_KEY},
		{no_key_state, BATCH, NO_KEY},
	};

#ifndef TR_DEBUG
	skip();
#endif
	for (size_t i = 0; i < TR_COUNT_OF(mistakes); i++)
		run_mistake(mistakes[i].mistake, mistakes[i].form, mistakes[i].message);
}

/* Mistakes in open, and in other callbacks. */

static void fold(void *user, void *value, const void *added) {}
static void add_value(void *user, void *accumulator, const void *value) {}

static tr_code open_wrong(struct tr_context *context, struct tr_status *st)
{
	const struct tr_state_descriptor d = TR_MAKE(tr_state_descriptor, .name = "s", .value_bytes = 8);
	struct tr_state_descriptor other = d;
	const int which = *(const int *)tr_context_user(context);

	switch (which) {
	case 0: tr_value_state_create(context, NULL); break;
	case 1: tr_value_state_create(context, &(struct tr_state_descriptor){.name = "s"}); break;
	case 2:
		other.name = NULL;
		tr_list_state_create(context, &other);
		break;
	case 3:
		other.name = "a b";
		tr_list_state_create(context, &other);
		break;
	case 4:
		tr_list_state_create(context, &d);
		tr_map_state_create(context, &d);
		break;
	case 5:
		other.value_bytes = 65537;
		memset(tr_value_state_put(tr_value_state_create(context, &other)), 1, 65536);
		break;
	case 6:
		other.value_bytes = 0;
		tr_reducing_state_create(context, &other, fold, NULL);
		break;
	case 7: tr_reducing_state_add(tr_reducing_state_create(context, &d, NULL, NULL), "12345678"); break;
	case 8: tr_aggregating_state_create(context, &d, NULL); break;
	case 9:
		tr_aggregating_state_add(
			tr_aggregating_state_create(context, &d, &TR_MAKE(tr_aggregate_function, .add = add_value)),
			"12345678");
		break;
	case 10: tr_value_state_put(tr_value_state_create(context, &d)); break;
	case 11: tr_timer_set_event_time(context, 1); break;
	case 12:
		other.ttl_ms = -1;
		tr_value_state_create(context, &other);
		break;
	default:
		for (int i = 0; i < 65; i++) {
			char name[16];

			snprintf(name, sizeof(name), "s%d", i);
			other.name = name;
			tr_value_state_create(context, &other);
		}
	}
	return TR_OK;
}

static tr_code no_row(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		      struct tr_status *st)
{
	fail_msg("a row came though open has failed");
	return TR_OK;
}

static tr_code add_two(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	tr_collector_add(out);
	return TR_OK;
}

static tr_code nothing(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		       struct tr_status *st)
{
	return TR_OK;
}

static tr_code end_with_state(struct tr_context *context, struct tr_collector *out, struct tr_status *st)
{
	tr_value_state_put(own_of(context)->fixed);
	return TR_OK;
}

static tr_code odd_code(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
			struct tr_status *st)
{
	return (tr_code)4711;
}

static bool keep_text(void *user, const struct tr_row *row) { return tr_row_text(row, 0)->length > 0; }

static tr_code reduce_wrong(void *user, const struct tr_row *so_far, const struct tr_row *row, struct tr_collector *out,
			    struct tr_status *st)
{
	tr_collector_set_text(out, 1, "a", 1);
	return TR_OK;
}

static void test_open(void **state)
{
	static const char *const messages[] = {
		"a state needs a descriptor, made by TR_MAKE(tr_state_descriptor, ..)",
		"a state needs a descriptor, made by TR_MAKE(tr_state_descriptor, ..)",
		"a state needs a name",
		"state 'a b': names are of letters",
		"there are two states of the name 's'",
		"state 's': values of 65537 bytes",
		"state 's': an accumulator has a size",
		"state 's': a reduce function is needed",
		"state 's': an aggregate function needs `add` and `result`",
		"state 's': an aggregate function needs `add` and `result`",
		"there is no current key here",
		"there is no current key here",
		"time to live -1 ms",
		"more than 64 states",
	};

	for (int i = 0; i < (int)TR_COUNT_OF(messages); i++) {
		const struct tr_function function =
			TR_MAKE(tr_function, .user = &i, .open = open_wrong, .on_row = no_row);
		struct tr_env *env = api_env("1");

		tr_stream_collect(tr_stream_process(tr_stream_key_by(source(env), "k"), COLUMNS, &function));
		expect_failure(env, messages[i]);
	}
}

static void test_callbacks(void **state)
{
	struct tr_function function = TR_MAKE(tr_function, .on_row = add_two);
	struct tr_env *env = api_env("1");

	tr_stream_collect(tr_stream_map(source(env), COLUMNS, &function));
	expect_failure(env,
		       "operator 'map 1', subtask 0: a map's on_row sets the columns of one row, and adds none itself");

	env = api_env("1");
	function =
		TR_MAKE(tr_function, .open = open_own, .on_row = nothing, .on_end = end_with_state, .close = close_own);
	tr_stream_collect(tr_stream_process(tr_stream_key_by(source(env), "k"), COLUMNS, &function));
	expect_failure(env, "operator 'process 1', subtask 0: state or a timer was used, and there is no current key");

	env = api_env("1");
	tr_stream_collect(tr_stream_filter(source(env), keep_text, NULL));
	expect_failure(env, "operator 'filter 1', subtask 0: column 'k' is BIGINT, and was read as a text");

	env = api_env("1");
	tr_stream_collect(tr_stream_reduce(tr_stream_key_by(source(env), "k"), reduce_wrong, NULL));
	expect_failure(env, "operator 'reduce 1', subtask 0: column 'v' is BIGINT, and was set as a text");

	env = api_env("1");
	function = TR_MAKE(tr_function, .on_row = odd_code);
	tr_stream_collect(tr_stream_flat_map(source(env), COLUMNS, &function));
	expect_failure(env, "operator 'flat map 1', subtask 0: it has answered with 4711, which is no tr_code");
}

/* What ends the process. */

static struct tr_context *kept_context;
static struct tr_collector *kept_out;
static struct own *kept_own;
static mistake_fn kept_mistake;

static void *run_kept(void *unused)
{
	kept_mistake(kept_context, NULL, kept_out);
	return NULL;
}

MISTAKE(other_thread)
{
	pthread_t thread;

	kept_context = context;
	kept_out = out;
	kept_own = own_of(context);
	assert_int_equal(pthread_create(&thread, NULL, run_kept, NULL), 0);
	pthread_join(thread, NULL);
}

MISTAKE(use_collector) { tr_collector_set_i64(out, 0, 1); }
MISTAKE(use_vector) { tr_collector_reserve(out, 1); }
MISTAKE(use_context) { tr_timer_set_event_time(context, 1); }
MISTAKE(use_own) { tr_context_set_own(context, NULL); }
MISTAKE(use_state) { tr_value_state_put(kept_own->fixed); }
MISTAKE(use_list) { tr_list_state_add(kept_own->list, "a", 1); }
MISTAKE(use_no_state) { tr_value_state_put(NULL); }

MISTAKE(reserve_much) { tr_collector_reserve(out, 65537); }

/** Runs it in a child, which must be ended by abort, with the message on stderr. */
static void expect_death(void (*run)(void), const char *message)
{
	char said[4096] = "";
	int ends[2], status;
	ssize_t n;
	size_t length = 0;
	pid_t child;

	fflush(NULL);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		signal(SIGABRT, SIG_DFL);
		alarm(30);
		run();
		_exit(0);
	}
	close(ends[1]);
	while (length < sizeof(said) - 1 && (n = read(ends[0], said + length, sizeof(said) - 1 - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (strstr(said, message) == NULL || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		fail_msg("status %x, '%s' has no '%s'", status, said, message);
}

static void run_with(mistake_fn mistake)
{
	const struct tr_function function =
		TR_MAKE(tr_function, .user = &mistake, .open = open_own, .on_row = call_row, .close = close_own);
	struct tr_env *env = api_env("1");

	tr_stream_collect(
		tr_stream_name(tr_stream_process(tr_stream_key_by(source(env), "k"), COLUMNS, &function), "wrong one"));
	if (tr_env_execute(env, "job", NULL) != TR_OK)
		_exit(1);
}

static void run_elsewhere(void) { run_with(other_thread); }
static void run_here(void) { run_with(kept_mistake); }

static void destroy_early(void)
{
	struct tr_env *env = api_env("1");
	struct tr_job *job;

	tr_stream_collect(source(env));
	assert_int_equal(tr_env_execute_async(env, "job", &job, NULL), TR_OK);
	tr_env_destroy(&env);
}

static void read_outside(void)
{
	struct tr_owned_batch *owned = api_rows(ROWS, 1);
	const struct tr_row row = {tr_owned_batch_get(owned), 0};

	tr_row_text(&row, 0);
}

static void null_stream(void) { tr_stream_print(NULL); }
static void null_streams(void) { tr_stream_union(NULL, 2); }
static void null_env(void) { tr_env_sql(NULL, "SET 'a' = 'b'"); }

static void test_deaths(void **state)
{
	static const mistake_fn elsewhere[] = {use_collector, use_vector, use_context, use_own, use_state, use_list};

	for (size_t i = 0; i < TR_COUNT_OF(elsewhere); i++) {
		kept_mistake = elsewhere[i];
		expect_death(run_elsewhere,
			     "operator 'wrong one': its context, collector or state was used outside of its "
			     "callbacks, or by another thread");
	}
	kept_mistake = use_no_state;
	expect_death(run_here, "a state is NULL");
	kept_mistake = reserve_much;
	expect_death(run_here,
		     "operator 'wrong one': tr_collector_reserve was asked for 65537 rows; 65536 are the most");
	expect_death(destroy_early, "tr_env_destroy: a job of the environment has not been destroyed");
	expect_death(read_outside, "outside of any operator's callback: column 'k' is BIGINT, and was read as a text");
	expect_death(null_stream, "tr_stream_print: the stream is NULL");
	expect_death(null_streams, "tr_stream_union: the stream is NULL");
	expect_death(null_env, "tr_env_sql: the environment is NULL");
}

#ifdef __SANITIZE_ADDRESS__
MISTAKE(write_seen)
{
	tr_collector_reserve(out, 4);
	((int64_t *)tr_collector_data(out, 0))[4] = 7;
}

MISTAKE(value_seen) { ((char *)tr_value_state_put(own_of(context)->fixed))[8] = 1; }

MISTAKE(keep_value)
{
	static int64_t *kept;

	if (kept != NULL)
		*kept += 1;
	kept = tr_value_state_put(own_of(context)->fixed);
}

static void test_poison(void **state)
{
	kept_mistake = write_seen;
	expect_death(run_here, "use-after-poison");
	kept_mistake = value_seen;
	expect_death(run_here, "use-after-poison");
	kept_mistake = keep_value;
	expect_death(run_here, "heap-use-after-free");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_open),
		cmocka_unit_test(test_callbacks), cmocka_unit_test(test_deaths),
#ifdef __SANITIZE_ADDRESS__
		cmocka_unit_test(test_poison),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
