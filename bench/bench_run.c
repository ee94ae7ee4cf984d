/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole runs of the program, as its users start it: how long a small job takes from start to end, what an idle job costs,
 * how much memory a large file takes. The program is the `tailrace` beside this one.
 *
 *     start    a file of two rows, printed: fork, exec, run, exit; the median of 21 runs
 *     idle     a folder that is watched for new files, through a window: processor time of parent and child over 5 s
 *     output   a job with 16 million keys in a window is stopped behind a checkpoint; from starting it again to its first row
 *     memory   CSV through a tumbling count by 10,000 keys on all cores: peak memory of parent and child
 *
 * The CSV file has 1 GB; TAILRACE_BENCH_CSV_MB makes it smaller for a quick look.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/engine_run.h"

#define START_RUNS 21
#define IDLE_SECONDS 5.0
#define IDLE_WARM_SECONDS 1.0
#define OUTPUT_RUNS 5
#define OUTPUT_MILLIONS 17.0                   /* of rows: all keys have come */
#define OUTPUT_BYTES_MIN (UINT64_C(130) << 20) /* in the checkpoint */
#define CSV_MB 1024
#define CSV_KEYS 10000
#define PATH_BYTES 512

struct workspace {
	char directory[PATH_BYTES - 64];
	char script[PATH_BYTES];
	char data[PATH_BYTES];
	char program[PATH_MAX];
};

static tr_code workspace_create(struct workspace *w, struct tr_status *st)
{
	const char *tmp = getenv("TMPDIR");
	ssize_t length = readlink("/proc/self/exe", w->program, sizeof(w->program) - 1);
	char *slash;

	TR_ASSERT(length > 0);
	w->program[length] = '\0';
	slash = strrchr(w->program, '/');
	TR_ASSERT(slash != NULL && (size_t)(slash - w->program) + sizeof("/tailrace") <= sizeof(w->program));
	strcpy(slash, "/tailrace");
	if (access(w->program, X_OK) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_NO_INPUT, "%s: build it first (target tailrace)", w->program);
	snprintf(w->directory, sizeof(w->directory), "%s/tailrace-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(w->directory) == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "%s", w->directory);
	snprintf(w->script, sizeof(w->script), "%s/job.sql", w->directory);
	snprintf(w->data, sizeof(w->data), "%s/data", w->directory);
	if (mkdir(w->data, 0700) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "%s", w->data);
	snprintf(w->data, sizeof(w->data), "%s/data/rows.csv", w->directory);
	return TR_OK;
}

static void workspace_destroy(struct workspace *w)
{
	char folder[PATH_BYTES];

	char state[PATH_BYTES];

	snprintf(state, sizeof(state), "%s/state/1", w->directory);
	(void)tr_bench_directory_remove(state);
	snprintf(state, sizeof(state), "%s/state", w->directory);
	(void)rmdir(state);
	(void)unlink(w->data);
	(void)unlink(w->script);
	snprintf(folder, sizeof(folder), "%s/data", w->directory);
	(void)rmdir(folder);
	(void)rmdir(w->directory);
}

static tr_code write_text(const char *path, const char *text, struct tr_status *st)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "%s", path);
	return TR_OK;
}

static tr_code write_script(const struct workspace *w, const char *options, const char *rest, struct tr_status *st)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "CREATE TABLE bids (k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' "
		 "SECOND)\n"
		 "  WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '%s/data'%s);\n%s",
		 w->directory, options, rest);
	return write_text(w->script, text, st);
}

static pid_t start(const struct workspace *w)
{
	const pid_t child = fork();

	if (child == 0) {
		const int null = open("/dev/null", O_RDWR);

		(void)dup2(null, 0);
		(void)dup2(null, 1);
		execl(w->program, "tailrace", "run", "--quiet", w->script, (char *)NULL);
		_exit(127);
	}
	return child;
}

/** With checkpoints that nobody makes but CTRL-C. `out` gets its standard output, or else its progress. */
static pid_t start_with_state(const struct workspace *w, int out, bool is_progress)
{
	char state[PATH_BYTES];
	const pid_t child = fork();

	if (child == 0) {
		const int null = open("/dev/null", O_RDWR);

		snprintf(state, sizeof(state), "%s/state", w->directory);
		(void)dup2(null, 0);
		(void)dup2(is_progress ? null : out, 1);
		(void)dup2(is_progress ? out : null, 2);
		execl(w->program, "tailrace", "run", "--progress", "plain", "--state-dir", state, "-D",
		      "execution.checkpointing.interval=1 h", w->script, (char *)NULL);
		_exit(127);
	}
	return child;
}

/** Waits for the program. `peak_kb`: the largest resident set of it and of its children. */
static tr_code wait_for(pid_t child, long *peak_kb, struct tr_status *st)
{
	struct rusage usage;
	int status = 0;

	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			TR_FAIL_ERRNO(st, TR_ERR_INTERNAL, "wait for tailrace");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		TR_FAIL(st, TR_ERR_FAILED, "tailrace run failed (status %d)", status);
	if (peak_kb != NULL)
		*peak_kb = usage.ru_maxrss;
	return TR_OK;
}

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleep_seconds(double seconds)
{
	struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static tr_code run_start(struct workspace *w, double *value, char *note, size_t room, struct tr_status *st)
{
	double ms[START_RUNS];

	TR_TRY(write_text(w->data, "1,10,2026-01-01 00:00:00\n2,20,2026-01-01 00:00:01\n", st));
	TR_TRY(write_script(w, "",
			    "CREATE TABLE o (k BIGINT, v BIGINT) WITH ('connector' = 'print');\n"
			    "INSERT INTO o SELECT k, v FROM bids;\n",
			    st));
	for (int i = 0; i < START_RUNS; i++) {
		const double began = now_seconds();

		TR_TRY(wait_for(start(w), NULL, st));
		ms[i] = (now_seconds() - began) * 1e3;
	}
	qsort(ms, START_RUNS, sizeof(ms[0]), compare_doubles);
	*value = ms[START_RUNS / 2];
	snprintf(note, room, "%d runs, %.1f to %.1f ms", START_RUNS, ms[0], ms[START_RUNS - 1]);
	return TR_OK;
}

/** Processor time so far of all threads of a process, in seconds; 0 if it is gone. */
static double process_seconds(pid_t process)
{
	char path[64], line[128];
	double sum = 0;
	DIR *tasks;
	struct dirent *task;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
	tasks = opendir(path);
	while (tasks != NULL && (task = readdir(tasks)) != NULL) {
		FILE *file;

		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", (int)process, task->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(line, sizeof(line), file) != NULL)
			sum += strtod(line, NULL) / 1e9; /* nanoseconds on a processor come first */
		fclose(file);
	}
	if (tasks != NULL)
		closedir(tasks);
	return sum;
}

static pid_t child_of(pid_t process)
{
	char path[64], line[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)process, (int)process);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	return (pid_t)strtol(line, NULL, 10);
}

static tr_code run_idle(struct workspace *w, double *value, char *note, size_t room, struct tr_status *st)
{
	pid_t parent, child;
	double before, began, took;
	int status;

	TR_TRY(write_text(w->data, "1,10,2026-01-01 00:00:00\n2,20,2026-01-01 00:00:01\n", st));
	TR_TRY(write_script(w, ", 'source.monitor-interval' = '1 s'",
			    "CREATE TABLE o (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');\n"
			    "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), "
			    "INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;\n",
			    st));
	parent = start(w);
	sleep_seconds(IDLE_WARM_SECONDS);
	child = child_of(parent);
	before = process_seconds(parent) + process_seconds(child);
	began = now_seconds();
	sleep_seconds(IDLE_SECONDS);
	took = process_seconds(parent) + process_seconds(child) - before;
	*value = took / (now_seconds() - began) * 100;
	(void)kill(parent, SIGTERM);
	(void)waitpid(parent, &status, 0);
	if (child <= 0 || before <= 0 || (WIFEXITED(status) && WEXITSTATUS(status) != TR_ERR_CANCELLED))
		TR_FAIL(st, TR_ERR_FAILED, "the idle job did not keep running (status %d)", status);
	snprintf(note, room, "%.2f ms of processor time in %.0f s", took * 1e3, IDLE_SECONDS);
	return TR_OK;
}

/** 16 million keys; all rows are of one day, which the next script ends with its first row. */
static tr_code write_counting(const struct workspace *w, const char *day, struct tr_status *st)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "CREATE TABLE numbers (id BIGINT, n AS CAST(MOD(id, 16000000) AS BIGINT), ts AS "
		 "TO_TIMESTAMP_LTZ(MOD(id, 1000) + %s, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', "
		 "'rows-per-second' = '1000000000000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', "
		 "'fields.id.end' = '1000000000000');\n"
		 "CREATE VIEW keyed AS SELECT n * (n + 1000003) AS k, ts FROM numbers;\n"
		 "CREATE TABLE o (k BIGINT, n BIGINT) WITH ('connector' = 'print');\n"
		 "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE keyed, DESCRIPTOR(ts), INTERVAL '1' "
		 "DAY)) GROUP BY k, window_start, window_end;\n",
		 day);
	return write_text(w->script, text, st);
}

/** Bytes of a directory's files, which may be thrown out of the page cache. */
static uint64_t directory_bytes(const char *path, bool is_dropped)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	uint64_t bytes = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		const int fd = openat(dirfd(directory), entry->d_name, O_RDONLY);
		struct stat info;

		if (fd < 0)
			continue;
		if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
			bytes += (uint64_t)info.st_size;
		if (is_dropped && fdatasync(fd) == 0)
			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	if (directory != NULL)
		closedir(directory);
	return bytes;
}

/** Until the first byte comes out; then it is killed. */
static tr_code run_to_output(const struct workspace *w, double *seconds, struct tr_status *st)
{
	const double began = now_seconds();
	pid_t parent, child;
	int pipes[2], status;
	char byte;
	ssize_t count;

	if (pipe(pipes) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_INTERNAL, "pipe");
	parent = start_with_state(w, pipes[1], false);
	close(pipes[1]);
	count = read(pipes[0], &byte, 1);
	*seconds = now_seconds() - began;
	child = child_of(parent);
	(void)kill(parent, SIGKILL); /* first, or it would start the child again */
	if (child > 0)
		(void)kill(child, SIGKILL);
	(void)waitpid(parent, &status, 0);
	while (count > 0 && read(pipes[0], &byte, 1) > 0) /* until the child is gone, too */
		;
	close(pipes[0]);
	if (count != 1)
		TR_FAIL(st, TR_ERR_FAILED, "tailrace run ended without output");
	return TR_OK;
}

/** Until all keys have come; then it is stopped behind a checkpoint. */
static tr_code run_to_checkpoint(const struct workspace *w, struct tr_status *st)
{
	double rows = 0;
	char line[256], unit = ' ';
	int pipes[2], status;
	pid_t parent;
	FILE *progress;

	if (pipe(pipes) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_INTERNAL, "pipe");
	parent = start_with_state(w, pipes[1], true);
	close(pipes[1]);
	progress = fdopen(pipes[0], "r");
	TR_ASSERT(progress != NULL);
	while ((unit != 'M' || rows < OUTPUT_MILLIONS) && fgets(line, sizeof(line), progress) != NULL)
		(void)sscanf(line, "%*f s in %lf %c", &rows, &unit);
	(void)kill(parent, SIGINT);
	while (fgets(line, sizeof(line), progress) != NULL)
		;
	fclose(progress);
	(void)waitpid(parent, &status, 0);
	return TR_OK;
}

static tr_code run_output(struct workspace *w, bool is_cold, double *value, char *note, size_t room,
			  struct tr_status *st)
{
	char state[PATH_BYTES];
	double ms[OUTPUT_RUNS];
	uint64_t bytes;

	snprintf(state, sizeof(state), "%s/state/1", w->directory);
	TR_TRY(write_counting(w, "0", st));
	TR_TRY(run_to_checkpoint(w, st));
	bytes = directory_bytes(state, false);
	if (bytes < OUTPUT_BYTES_MIN)
		TR_FAIL(st, TR_ERR_FAILED, "the job has only %.0f MB of checkpoint when it is stopped",
			(double)bytes / 1e6);
	TR_TRY(write_counting(w, "864000000", st));
	for (int i = 0; i < OUTPUT_RUNS; i++) {
		(void)directory_bytes(state, is_cold);
		TR_TRY(run_to_output(w, &ms[i], st));
		ms[i] *= 1e3;
	}
	qsort(ms, OUTPUT_RUNS, sizeof(ms[0]), compare_doubles);
	*value = ms[OUTPUT_RUNS / 2];
	snprintf(note, room, "%d runs, %.0f to %.0f ms; %.0f MB on disk", OUTPUT_RUNS, ms[0], ms[OUTPUT_RUNS - 1],
		 (double)bytes / 1e6);
	return TR_OK;
}

static tr_code run_output_warm(struct workspace *w, double *value, char *note, size_t room, struct tr_status *st)
{
	return run_output(w, false, value, note, room, st);
}

static tr_code run_output_cold(struct workspace *w, double *value, char *note, size_t room, struct tr_status *st)
{
	return run_output(w, true, value, note, room, st);
}

static tr_code write_csv(const char *path, size_t megabytes, struct tr_status *st)
{
	FILE *file = fopen(path, "w");
	const size_t bytes = megabytes << 20;
	uint64_t random = 1;

	if (file == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "%s", path);
	for (size_t written = 0, row = 0; written < bytes; row++) {
		const unsigned second = (unsigned)(row / 100000); /* of event time: 100,000 rows each */
		int length;

		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		length = fprintf(file, "%u,%u,2026-01-01 %02u:%02u:%02u.%03u\n", (unsigned)(random >> 33) % CSV_KEYS,
				 (unsigned)(random >> 40), second / 3600 % 24, second / 60 % 60, second % 60,
				 (unsigned)(row / 100 % 1000));
		if (length < 0)
			break;
		written += (size_t)length;
	}
	if (fclose(file) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "write %s", path);
	return TR_OK;
}

static tr_code run_memory(struct workspace *w, double *value, char *note, size_t room, struct tr_status *st)
{
	const char *text = getenv("TAILRACE_BENCH_CSV_MB");
	const size_t megabytes = text != NULL && atoi(text) > 0 ? (size_t)atoi(text) : CSV_MB;
	double began;
	long peak_kb = 0;

	TR_TRY(write_csv(w->data, megabytes, st));
	TR_TRY(write_script(w, "",
			    "CREATE TABLE o (k BIGINT, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');\n"
			    "INSERT INTO o SELECT k, COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), "
			    "INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;\n",
			    st));
	began = now_seconds();
	TR_TRY(wait_for(start(w), &peak_kb, st));
	*value = (double)peak_kb / 1024;
	snprintf(note, room, "%zu MB of csv in %.2f s", megabytes, now_seconds() - began);
	return TR_OK;
}

static tr_code observe(tr_code (*run)(struct workspace *, double *, char *, size_t, struct tr_status *), double *value,
		       char *note, size_t room, struct tr_status *st)
{
	struct workspace w = {.directory = ""};
	tr_code code = workspace_create(&w, st);

	if (code == TR_OK)
		code = run(&w, value, note, room, st);
	if (w.directory[0] != '\0')
		workspace_destroy(&w);
	return code;
}

static tr_code observe_start(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(run_start, value, note, room, st);
}

static tr_code observe_idle(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(run_idle, value, note, room, st);
}

static tr_code observe_memory(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(run_memory, value, note, room, st);
}

static tr_code observe_output(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(run_output_warm, value, note, room, st);
}

static tr_code observe_output_cold(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe(run_output_cold, value, note, room, st);
}

const struct tr_bench_case tr_bench_run_cases[] = {
	{.name = "run-two-rows",
	 .work = "start to end of a job of two rows, as a process",
	 .unit = "ms",
	 .must_at_most = 50,
	 .observe = observe_start},
	{.name = "run-idle",
	 .work = "processor share of a job that waits for new files",
	 .unit = "% of a core",
	 .must_at_most = 1,
	 .observe = observe_idle},
	{.name = "run-output",
	 .work = "start to first row of a job with 16M keys (256 MB) of state, as a process",
	 .unit = "ms",
	 .must_at_most = 1000,
	 .observe = observe_output},
	{.name = "run-output-cold",
	 .work = "the same, its checkpoint not in the page cache",
	 .unit = "ms",
	 .must_at_most = 1000,
	 .observe = observe_output_cold},
	{.name = "run-memory",
	 .work = "peak memory of 1 GB of CSV through a tumbling count by 10,000 keys",
	 .unit = "MB",
	 .must_at_most = 256,
	 .observe = observe_memory},
	{.name = NULL},
};
