/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem sink with the csv format: what stands in the directory at each moment, and that the rows of all
 * published files are the rows written, each in the folder of its partition. The shell's find and cat are the oracle.
 */
#include "tr_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "io/disk.h"
#include "io/sink.h"

#define JOB "0123456789abcdef0123456789abcdef"

struct fixture {
	struct tr_environment *env;
	char directory[64];
	char path[128];
	const char *names[3];
	const struct tr_type *types[3];
	struct tr_schema schema;
	uint32_t partition_columns[2];
	struct tr_option options[8];
	struct tr_table_spec spec;
	struct tr_sink_context context;
	const struct tr_sink_ops *ops;
	struct tr_sink *sink;
	struct tr_status st;
	struct tr_batch_buffer *batch;
};

static int set_up(void **state, const char *disk)
{
	struct fixture *f = calloc(1, sizeof(*f));

	setenv("TAILRACE_IO", disk, 1);
	assert_int_equal(tr_environment_real_create(&f->env, NULL), TR_OK);
	snprintf(f->directory, sizeof(f->directory), "/tmp/tr_sink_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/a/out/", f->directory);
	f->names[0] = "id";
	f->names[1] = "text";
	f->names[2] = "k/y";
	f->types[0] = tr_type_of(TR_TYPE_INT);
	f->types[1] = tr_type_of(TR_TYPE_VARCHAR);
	f->types[2] = tr_type_of(TR_TYPE_VARCHAR);
	f->schema = (struct tr_schema){.column_count = 2, .names = f->names, .types = f->types};
	f->options[0] = (struct tr_option){"path", f->path};
	f->spec = (struct tr_table_spec){.name = "t",
					 .connector = tr_registry_find_connector("filesystem"),
					 .format = tr_registry_find_format("csv"),
					 .options = {.items = f->options, .count = 1},
					 .schema = &f->schema,
					 .time_zone = "UTC",
					 .job_id = JOB,
					 .batch_rows = 512};
	f->context = (struct tr_sink_context){.env = f->env, .subtask_count = 2};
	f->ops = f->spec.connector->sink;
	assert_int_equal(f->env->disk->ops->queue_create(f->env->disk, 8, &f->context.io, NULL), TR_OK);
	*state = f;
	return 0;
}
static int set_up_plain(void **state) { return set_up(state, "plain"); }
static int set_up_uring(void **state) { return set_up(state, "io_uring"); }

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[256];

	f->ops->close(&f->sink);
	assert_null(f->sink);
	f->env->disk->ops->queue_destroy(f->env->disk, &f->context.io);
	tr_environment_real_destroy(&f->env);
	snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	assert_int_equal(system(command), 0);
	if (f->batch != NULL)
		tr_batch_buffer_destroy(&f->batch);
	free(f);
	return 0;
}

static void add_option(struct fixture *f, const char *key, const char *value)
{
	f->options[f->spec.options.count++] = (struct tr_option){key, value};
}

static void open_sink(struct fixture *f)
{
	const tr_code code = f->ops->open(&f->spec, &f->context, &f->sink, &f->st);

	if (code != TR_OK)
		print_error("%s\n", f->st.message);
	assert_int_equal(code, TR_OK);
}

/** Rows first .. first + count - 1, with the text "row<id>" and the partition `key` (NULL: NULL). */
static struct tr_batch_buffer *make_batch(struct fixture *f, int first, int count, const char *key)
{
	if (f->batch == NULL)
		f->batch = tr_batch_buffer_create(&f->schema, 512);
	tr_batch_buffer_clear(f->batch);
	for (int i = 0; i < count; i++) {
		char text[32];
		const int length = snprintf(text, sizeof(text), "row%d", first + i);

		((int32_t *)f->batch->columns[0].data)[i] = first + i;
		((struct tr_view *)f->batch->columns[1].data)[i] =
			tr_batch_buffer_view(f->batch, text, (uint32_t)length);
		if (f->schema.column_count < 3)
			continue;
		if (key == NULL)
			tr_column_buffer_set_null(&f->batch->columns[2], (uint32_t)i);
		else
			((struct tr_view *)f->batch->columns[2].data)[i] =
				tr_batch_buffer_view(f->batch, key, (uint32_t)strlen(key));
	}
	tr_batch_buffer_seal(f->batch, (uint32_t)count);
	return f->batch;
}

static enum tr_flow settle(struct fixture *f, enum tr_flow flow)
{
	for (int i = 0; i < 1000 && flow == TR_FLOW_BLOCKED; i++) {
		(void)tr_io_wait(f->context.io, 1000000000);
		flow = f->ops->resume(f->sink, &f->st);
	}
	return flow;
}

static void write_rows(struct fixture *f, int first, int count, const char *key)
{
	const enum tr_flow flow = f->ops->write(f->sink, &make_batch(f, first, count, key)->batch, &f->st);

	assert_int_equal(settle(f, flow), TR_FLOW_MORE);
}

static enum tr_flow finish(struct fixture *f)
{
	enum tr_flow flow;

	while ((flow = f->ops->finish(f->sink, &f->st)) == TR_FLOW_BLOCKED)
		(void)tr_io_wait(f->context.io, 1000000000);
	return flow;
}

/** What a command, run in the table's directory, prints. */
static const char *shell(struct fixture *f, const char *command)
{
	static char text[1 << 20];
	char line[1024];
	FILE *pipe;
	size_t length;

	snprintf(line, sizeof(line), "cd %s && export LC_ALL=C && %s", f->path, command);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	length = fread(text, 1, sizeof(text) - 1, pipe);
	text[length] = '\0';
	assert_int_equal(pclose(pipe), 0);
	return text;
}

static void test_appears_at_the_end(void **state)
{
	struct fixture *f = *state;

	open_sink(f);
	assert_string_equal(shell(f, "find . -type f"), "");
	write_rows(f, 0, 2, NULL);
	write_rows(f, 2, 1, NULL);
	assert_string_equal(shell(f, "find . -type f"), "./.part-" JOB "-0-0.csv.pending\n");
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "find . -type f"), "./part-" JOB "-0-0.csv\n");
	assert_string_equal(shell(f, "cat part*"), "0,row0\n1,row1\n2,row2\n");
}

static void test_selection_is_honoured(void **state)
{
	struct fixture *f = *state;
	const uint32_t selection[] = {1, 3};
	struct tr_batch *batch;

	open_sink(f);
	batch = &make_batch(f, 0, 5, NULL)->batch;
	batch->selection = selection;
	batch->selected_count = 2;
	assert_int_equal(f->ops->write(f->sink, batch, &f->st), TR_FLOW_MORE);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "cat part*"), "1,row1\n3,row3\n");
}

static void test_no_rows_no_files(void **state)
{
	struct fixture *f = *state;

	open_sink(f);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "find . -type f"), "");
}

static void test_failed_job_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	open_sink(f);
	for (int i = 0; i < 600; i++) /* more than one write, so that one is in flight */
		(void)f->ops->write(f->sink, &make_batch(f, i * 512, 512, NULL)->batch, &f->st);
	f->ops->close(&f->sink);
	assert_string_equal(shell(f, "find . -type f"), "");
}

static void test_large_output_is_whole(void **state)
{
	struct fixture *f = *state;

	open_sink(f);
	for (int i = 0; i < 1000; i++)
		write_rows(f, i * 512, 512, NULL);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "seq 0 511999 | sed 's/.*/&,row&/' | cmp - part-*-0-0.csv && echo same"),
			    "same\n");
}

/** What killed runs of this and other jobs have left goes; what a living writer holds open stays. */
static void test_leftovers(void **state)
{
	struct fixture *f = *state;
	struct tr_file *held = NULL, *second = NULL;
	char command[1024], path[256];

	snprintf(command, sizeof(command),
		 "mkdir -p %s && cd %s && touch .part-" JOB "-0-5.csv.pending .part-" JOB "-7-0.csv.pending "
		 ".part-eeee-0-0.csv.pending .part-ffff-0-0.csv.pending .party part-" JOB "-0-3.csv part-" JOB
		 "-1-9.csv",
		 f->path, f->path);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s.part-ffff-0-0.csv.pending", f->path);
	assert_int_equal(f->env->disk->ops->open(f->env->disk, path, TR_OPEN_WRITE | TR_OPEN_LOCK, &held, &f->st),
			 TR_OK);
	assert_int_equal(f->env->disk->ops->open(f->env->disk, path, TR_OPEN_WRITE | TR_OPEN_LOCK, &second, &f->st),
			 TR_ERR_UNAVAILABLE);
	assert_null(second);
	f->context.subtask = 1; /* only subtask 0 removes */
	open_sink(f);
	f->ops->close(&f->sink);
	assert_string_equal(shell(f, "ls -A | grep -c pending"), "4\n");
	f->context.subtask = 0;
	open_sink(f);
	assert_string_equal(shell(f, "ls -A | grep '^[.]'"), ".part-ffff-0-0.csv.pending\n.party\n");
	write_rows(f, 0, 1, NULL);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "cat part-*-0-4.csv"), "0,row0\n");
	assert_string_equal(shell(f, "cat part-*-0-3.csv"), "");
	f->env->disk->ops->close(f->env->disk, &held);
}

static void test_rolls_by_size(void **state)
{
	struct fixture *f = *state;

	add_option(f, "sink.rolling-policy.file-size", "1kb");
	open_sink(f);
	for (int i = 0; i < 50; i++)
		write_rows(f, i * 20, 20, NULL);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "seq 0 999 | sed 's/.*/&,row&/' > ../expected; "
				     "cat $(ls part-* | sort -t- -k4 -n) | cmp - ../expected && echo same"),
			    "same\n");
	assert_true(atoi(shell(f, "ls | wc -l")) >= 10);
	assert_string_equal(shell(f, "find . -type f -size +3k"), "");
	assert_string_equal(shell(f, "find . -name '.*.pending'"), "");
}

static void test_rolls_by_time(void **state)
{
	struct fixture *f = *state;

	add_option(f, "sink.rolling-policy.rollover-interval", "20 ms");
	add_option(f, "sink.rolling-policy.check-interval", "5 ms");
	open_sink(f);
	assert_true(f->context.wake_at_ns == INT64_MAX);
	write_rows(f, 0, 1, NULL);
	assert_true(f->context.wake_at_ns < INT64_MAX);
	for (int i = 0; i < 200 && f->context.wake_at_ns != INT64_MAX; i++) {
		(void)tr_io_wait(f->context.io, 5000000);
		assert_int_equal(settle(f, f->ops->tick(f->sink, &f->st)), TR_FLOW_MORE);
	}
	assert_string_equal(shell(f, "cat part-*-0-0.csv"), "0,row0\n");
	write_rows(f, 1, 1, NULL);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "cat part-*-0-1.csv"), "1,row1\n");
}

static void partition(struct fixture *f)
{
	f->schema.column_count = 3;
	f->partition_columns[0] = 2;
	f->spec.partition_columns = f->partition_columns;
	f->spec.partition_count = 1;
}

static void test_partitions(void **state)
{
	struct fixture *f = *state;

	partition(f);
	add_option(f, "sink.partition-commit.policy.kind", "success-file");
	open_sink(f);
	write_rows(f, 0, 2, "2001-01-01 10:20");
	write_rows(f, 2, 1, NULL);
	write_rows(f, 3, 1, "");
	write_rows(f, 4, 1, "a/b=c%d");
	write_rows(f, 5, 1, "2001-01-01 10:20");
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "find . -type d | sort"),
			    ".\n./k%2Fy=2001-01-01 10%3A20\n"
			    "./k%2Fy=__DEFAULT_PARTITION__\n./k%2Fy=a%2Fb%3Dc%25d\n");
	assert_string_equal(shell(f, "cat *2001*/part*"), "0,row0\n1,row1\n5,row5\n");
	assert_string_equal(shell(f, "cat *DEFAULT*/part*"), "2,row2\n3,row3\n");
	assert_string_equal(shell(f, "cat *a*b*c*d/part*"), "4,row4\n");
	assert_string_equal(shell(f, "find . -name _SUCCESS | wc -l"), "3\n");
	assert_string_equal(shell(f, "find . -name '*.pending'"), "");
}

/** More partitions in one batch, and in all, than may be open. */
static void test_many_partitions(void **state)
{
	struct fixture *f = *state;

	partition(f);
	f->names[2] = "k";
	open_sink(f);
	for (int round = 0; round < 3; round++) {
		struct tr_batch_buffer *batch = make_batch(f, round * 512, 512, "x");
		char key[16];
		enum tr_flow flow;

		for (int i = 0; i < 512; i++) {
			const int length = snprintf(key, sizeof(key), "%d", i * 7 % 400);

			((struct tr_view *)batch->columns[2].data)[i] = tr_view_make(key, (uint32_t)length);
		}
		flow = f->ops->write(f->sink, &batch->batch, &f->st);
		assert_int_equal(settle(f, flow), TR_FLOW_MORE);
	}
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "find . -type d | wc -l"), "401\n");
	assert_string_equal(shell(f, "find . -name '*.pending'"), "");
	/* every row once, in the folder that its number asks for */
	assert_string_equal(shell(f,
				  "for d in k=*; do cat $d/part* | sed \"s/,.*/ ${d#k=}/\"; done | sort -n > ../got; "
				  "seq 0 1535 | awk '{print $1, ($1 % 512) * 7 % 400}' | cmp - ../got && echo same"),
			    "same\n");
}

/** The table in memory where there is such a directory: thousands of files are synced. */
static void use_memory(struct fixture *f)
{
	struct stat info;

	if (stat("/dev/shm", &info) != 0 || access("/dev/shm", W_OK) != 0)
		return;
	assert_int_equal(rmdir(f->directory), 0);
	snprintf(f->directory, sizeof(f->directory), "/dev/shm/tr_sink_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/out", f->directory);
}

/** `count` rows, from row `first`; row i goes to partition i * 7919 % partitions; texts have `width` more bytes. */
static enum tr_flow write_scattered(struct fixture *f, int first, int count, int partitions, int width)
{
	static char text[4096];
	enum tr_flow flow = TR_FLOW_MORE;

	memset(text, 'x', sizeof(text));
	for (int end = first + count; first < end && flow == TR_FLOW_MORE; first += 512) {
		struct tr_batch_buffer *batch = make_batch(f, first, end - first < 512 ? end - first : 512, "x");
		char key[16];

		for (int i = 0; i < 512 && first + i < end; i++) {
			const int length = snprintf(key, sizeof(key), "%d", (first + i) * 7919 % partitions);

			((struct tr_view *)batch->columns[2].data)[i] = tr_view_make(key, (uint32_t)length);
			if (width > 0)
				((struct tr_view *)batch->columns[1].data)[i] = tr_view_make(text, (uint32_t)width);
		}
		flow = settle(f, f->ops->write(f->sink, &batch->batch, &f->st));
	}
	return flow;
}

/** One file for each partition, and every row once, in the folder that its number asks for. */
static void expect_scattered(struct fixture *f, int count, int partitions)
{
	char command[600], files[16];

	snprintf(files, sizeof(files), "%d\n", partitions);
	assert_string_equal(shell(f, "find . -type f | wc -l"), files);
	assert_string_equal(shell(f, "ls | wc -l"), files);
	assert_string_equal(shell(f, "find . -name '.*' -type f"), "");
	snprintf(command, sizeof(command),
		 "find . -name 'part-*' -print0 | xargs -0 awk -F, '{split(FILENAME, p, \"[=/]\"); print $1, p[3]}' | "
		 "sort -n > ../got; seq 0 %d | awk '{print $1, $1 * 7919 %% %d}' | cmp - ../got && echo same",
		 count - 1, partitions);
	assert_string_equal(shell(f, command), "same\n");
}

/** `spare`: so many files may be opened beside those that are open now; 0: no bound. */
static void scatter(struct fixture *f, int count, int partitions, int width, unsigned spare)
{
	struct rlimit old, small;
	enum tr_flow flow;
	int next;

	use_memory(f);
	partition(f);
	f->names[2] = "k";
	open_sink(f);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	small = old;
	next = dup(0);
	assert_true(next >= 0);
	close(next);
	if (spare > 0)
		small.rlim_cur = (rlim_t)next + spare;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	flow = write_scattered(f, 0, count, partitions, width);
	if (flow == TR_FLOW_MORE)
		flow = finish(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	if (flow != TR_FLOW_DONE)
		print_error("%s\n", f->st.message);
	assert_int_equal(flow, TR_FLOW_DONE);
	f->ops->close(&f->sink);
	expect_scattered(f, count, partitions);
}

static void test_300_partitions(void **state) { scatter(*state, 20000, 300, 0, 0); }
static void test_300_partitions_few_files(void **state) { scatter(*state, 20000, 300, 0, 12); }
static void test_3000_partitions(void **state) { scatter(*state, 20000, 3000, 0, 0); }
static void test_3000_partitions_few_files(void **state) { scatter(*state, 20000, 3000, 0, 12); }

/** More bytes than all buffers together may hold: files are written, parked, and written again. */
static void test_3000_partitions_few_files_large(void **state) { scatter(*state, 30000, 3000, 3000, 12); }

/** Parked parts of a sink that lives stay when another job begins; those of a killed one go. */
static void test_parked_parts(void **state)
{
	struct fixture *f = *state;
	struct tr_sink *first;
	pid_t child;
	int status;

	use_memory(f);
	partition(f);
	f->names[2] = "k";
	open_sink(f);
	assert_int_equal(write_scattered(f, 0, 1000, 300, 0), TR_FLOW_MORE);
	first = f->sink;
	assert_string_equal(shell(f, "find . -name '.part-*.pending' | wc -l"), "300\n");
	assert_string_equal(shell(f, "ls -A | grep lock"), ".part-" JOB "-0-0.lock\n");
	f->spec.job_id = "ffff";
	open_sink(f);
	f->ops->close(&f->sink);
	assert_string_equal(shell(f, "find . -name '.part-*.pending' | wc -l"), "300\n");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) { /* a job that dies in the middle */
		struct tr_io_queue *io = NULL;

		if (f->env->disk->ops->queue_create(f->env->disk, 8, &io, NULL) != TR_OK)
			_exit(2);
		f->context.io = io;
		f->sink = NULL;
		if (f->ops->open(&f->spec, &f->context, &f->sink, &f->st) != TR_OK ||
		    write_scattered(f, 0, 1000, 200, 0) != TR_FLOW_MORE)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(shell(f, "find . -name '.part-*.pending' | wc -l"), "500\n");
	assert_string_equal(shell(f, "ls -A | grep -c lock"), "2\n");
	open_sink(f);
	f->ops->close(&f->sink);
	assert_string_equal(shell(f, "find . -name '.part-*.pending' | wc -l"), "300\n");
	assert_string_equal(shell(f, "ls -A | grep lock"), ".part-" JOB "-0-0.lock\n");
	f->sink = first;
	assert_int_equal(finish(f), TR_FLOW_DONE);
	f->ops->close(&f->sink);
	expect_scattered(f, 1000, 300);
}

static void test_leftovers_in_partitions(void **state)
{
	struct fixture *f = *state;
	char command[1024];

	partition(f);
	f->names[2] = "k";
	snprintf(command, sizeof(command),
		 "mkdir -p %s/k=1 %s/other && cd %s && touch k=1/.part-" JOB "-0-5.csv.pending other/.part-" JOB
		 "-0-5.csv.pending k=1/part-" JOB "-0-8.csv",
		 f->path, f->path, f->path);
	assert_int_equal(system(command), 0);
	open_sink(f);
	assert_string_equal(shell(f, "find . -name '.part*'"), "./other/.part-" JOB "-0-5.csv.pending\n");
	write_rows(f, 0, 1, "1");
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "cat k=1/part-*-0-9.csv"), "0,row0\n");
}

static void test_two_sinks_of_one_job(void **state)
{
	struct fixture *f = *state;
	struct tr_sink *first;

	open_sink(f);
	first = f->sink;
	open_sink(f);
	write_rows(f, 0, 1, NULL);
	assert_int_equal(f->ops->write(first, &make_batch(f, 1, 1, NULL)->batch, &f->st), TR_FLOW_MORE);
	assert_int_equal(finish(f), TR_FLOW_DONE);
	f->ops->close(&f->sink);
	f->sink = first;
	assert_int_equal(finish(f), TR_FLOW_DONE);
	assert_string_equal(shell(f, "cat part-* | sort"), "0,row0\n1,row1\n");
}

/** A disk that takes no more: here the limit on a file's size, which the kernel reports in the same way. */
static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	enum tr_flow flow = TR_FLOW_MORE;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100000;
	signal(SIGXFSZ, SIG_IGN);
	open_sink(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 1000 && flow == TR_FLOW_MORE; i++)
		flow = settle(f, f->ops->write(f->sink, &make_batch(f, i * 512, 512, NULL)->batch, &f->st));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(flow, TR_FLOW_FAILED);
	assert_int_equal(f->st.code, TR_ERR_IO);
	assert_non_null(strstr(f->st.message, "table 't': write "));
	assert_non_null(strstr(f->st.message, "byte offset 100000: File too large"));
	f->ops->close(&f->sink);
	assert_string_equal(shell(f, "ls -A"), "");
}

static void expect_refused(struct fixture *f, tr_code code, const char *text)
{
	struct tr_status st = {0};

	assert_int_equal(f->ops->open(&f->spec, &f->context, &f->sink, &st), code);
	assert_null(f->sink);
	if (strstr(st.message, text) == NULL)
		print_error("%s\n", st.message);
	assert_non_null(strstr(st.message, text));
	assert_non_null(strstr(st.message, "table 't'"));
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	const uint8_t kinds[] = {TR_ROW_INSERT, TR_ROW_DELETE};
	struct tr_batch *batch;

	f->options[0].value = "/tmp/*.csv";
	expect_refused(f, TR_ERR_DATA, "is a pattern");
	f->options[0].value = "/dev/null/x";
	expect_refused(f, TR_ERR_CANT_CREATE, "/dev/null");
	f->options[0].value = "hdfs://x/y";
	expect_refused(f, TR_ERR_DATA, "scheme 'hdfs'");
	f->options[0].value = f->path;
	f->partition_columns[0] = 0;
	f->partition_columns[1] = 1;
	f->spec.partition_columns = f->partition_columns;
	f->spec.partition_count = 2;
	expect_refused(f, TR_ERR_DATA, "nothing is left for the files");
	f->spec.partition_count = 0;
	open_sink(f);
	batch = &make_batch(f, 0, 2, NULL)->batch;
	batch->row_kinds = kinds;
	assert_int_equal(f->ops->write(f->sink, batch, &f->st), TR_FLOW_FAILED);
	assert_non_null(strstr(f->st.message, "can't take updates"));
}

#define BOTH(test)                                                     \
	{#test " plain", test, set_up_plain, tear_down, NULL},         \
	{                                                              \
#test " io_uring", test, set_up_uring, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_appears_at_the_end),
		BOTH(test_selection_is_honoured),
		BOTH(test_no_rows_no_files),
		BOTH(test_failed_job_leaves_nothing),
		BOTH(test_large_output_is_whole),
		BOTH(test_leftovers),
		BOTH(test_rolls_by_size),
		BOTH(test_rolls_by_time),
		BOTH(test_partitions),
		BOTH(test_many_partitions),
		BOTH(test_300_partitions),
		BOTH(test_300_partitions_few_files),
		BOTH(test_3000_partitions),
		BOTH(test_3000_partitions_few_files),
		BOTH(test_3000_partitions_few_files_large),
		BOTH(test_parked_parts),
		BOTH(test_leftovers_in_partitions),
		BOTH(test_two_sinks_of_one_job),
		BOTH(test_full_disk),
		BOTH(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
