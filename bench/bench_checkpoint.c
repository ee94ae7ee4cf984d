/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints of whole jobs: compiled from SQL, a table in memory as their source, the log on the disk of /var/tmp.
 *
 *     ckpt-tumble, ckpt-update-*   the job on two workers with checkpoints against the same job without any
 *     ckpt-pause-*                 longest time that a worker stands still for a snapshot, a checkpoint every 100 ms
 *     ckpt-bytes-*                 bytes appended against the bytes of the entries that changed, key and count
 *     ckpt-load-*                  opening a log and giving its state to the operators, against read() of its files
 *     ckpt-load-*-cold             likewise, of files that are not in the page cache
 *     ckpt-load-*-table            the same against a loop that builds the same tables from the same files
 *     ckpt-idle                    a small job: time for a checkpoint, bytes that its directory takes
 *
 * A job with checkpoints ends with one, which is part of its time. The updates go to one window of a day that fires at the end, so that
 * entries stay and each checkpoint writes those that changed since the last one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"
#include "io/disk.h"

#define WORKERS 2
#define START_MS INT64_C(978307200000) /* the beginning of a day */
#define PER_SECOND UINT64_C(10000000)
#define READ_BYTES ((size_t)1 << 20)
#define ENTRY_BYTES 16      /* key and count */
#define WIDE_ENTRY_BYTES 32 /* key, count, MAX of a BIGINT */
#define ENDLESS_ROWS (INT64_C(1) << 45)
#define HOT_ROWS ((size_t)96 << 20)
#define HOT_STEP ((uint64_t)8 << 20) /* rows between two checkpoints, about */
#define HOT_CHECKPOINTS 6
#define LONG_CHECKPOINTS 80
#define IDLE_CHECKPOINTS 21

struct data {
	struct tr_bench_job job;
	struct tr_bench_table table;
	struct tr_bench_sum sum;
	int64_t *time_ms, *key;
	size_t block_rows, distinct;
	double entry_bytes;
	struct tr_checkpoint_plan checkpoint; /* as compiled */
	char directory[64];
	bool is_cold;                /* loading begins without the files in the page cache */
	uint64_t checkpoints, bytes; /* of the last run with checkpoints */
	struct tr_bench_pair *pair;
};

#define TUMBLE_SECOND "TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' SECOND)"
#define TUMBLE_DAY "TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' DAY)"
#define HOP_DAY "HOP(TABLE numbers, DESCRIPTOR(ts), INTERVAL '12' HOUR, INTERVAL '1' DAY)"

static const char script_text[] = "CREATE TABLE numbers (ts TIMESTAMP(3), k BIGINT, WATERMARK FOR ts AS ts)"
				  " WITH ('connector' = 'datagen', 'number-of-rows' = '1');\n"
				  "CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');\n"
				  "INSERT INTO nowhere SELECT k, %s FROM TABLE(%s)"
				  " GROUP BY k, window_start, window_end;";

/** A job over `rows` rows in memory. With `keys` NULL they are drawn from a set of `distinct`. `aggregate` is of BIGINT. */
static struct data *data_create_with(int64_t rows, size_t block_rows, size_t distinct, int64_t *keys,
				     const char *aggregate, const char *window)
{
	struct data *d = calloc(1, sizeof(*d));
	struct tr_node *scan, *sink;
	char script[1024];

	TR_ASSERT(d != NULL);
	snprintf(d->directory, sizeof(d->directory), "/var/tmp/tailrace-bench-%ld", (long)getpid());
	snprintf(script, sizeof(script), script_text, aggregate, window);
	tr_bench_job_init(&d->job, script, WORKERS);
	d->checkpoint = d->job.plan->checkpoint;
	d->block_rows = block_rows;
	d->distinct = distinct;
	d->entry_bytes = ENTRY_BYTES;
	d->time_ms = tr_data_times(block_rows, START_MS, PER_SECOND, 0, 1, 41);
	d->key = keys != NULL ? keys : tr_data_keys(block_rows, distinct, 42);
	scan = tr_bench_job_scan(&d->job);
	sink = tr_bench_job_sink(&d->job);
	d->table = (struct tr_bench_table){.spec = *scan->scan.table,
					   .data = {d->time_ms, d->key},
					   .block_rows = (int64_t)block_rows,
					   .rows = rows};
	d->table.spec.connector = &tr_bench_memory;
	scan->scan.table = &d->table.spec;
	d->sum.spec = *sink->sink.table;
	d->sum.spec.connector = &tr_bench_summing;
	sink->sink.table = &d->sum.spec;
	return d;
}

static struct data *data_create(int64_t rows, size_t block_rows, size_t distinct, int64_t *keys, const char *window)
{
	return data_create_with(rows, block_rows, distinct, keys, "COUNT(*)", window);
}

static void data_destroy(struct data *d)
{
	(void)tr_bench_directory_remove(d->directory);
	tr_harness_free(d->time_ms, d->block_rows * sizeof(int64_t));
	tr_harness_free(d->key, d->block_rows * sizeof(int64_t));
	tr_bench_job_deinit(&d->job);
	free(d);
}

static void data_close(struct tr_bench_pair *pair)
{
	if (pair->data != NULL)
		data_destroy(pair->data);
}

static void fail(const struct tr_status *st)
{
	fprintf(stderr, "bench: the job failed: %s\n", st->message);
	abort();
}

/* A job that another thread watches. */

struct running {
	struct tr_environment *env;
	struct tr_engine *engine;
	pthread_t thread;
	double created_seconds;
};

static void *run_engine(void *context)
{
	struct running *r = context;
	struct tr_status st = {0};

	if (tr_engine_run(r->engine, &st) != TR_OK)
		fail(&st);
	return NULL;
}

static void engine_open(struct running *r, struct tr_plan *plan)
{
	struct tr_status st = {0};
	double begun;

	if (tr_environment_real_create(&r->env, &st) != TR_OK || tr_plan_check(plan, &st) != TR_OK)
		fail(&st);
	begun = tr_harness_seconds();
	if (tr_engine_create(plan, r->env, &r->engine, &st) != TR_OK)
		fail(&st);
	r->created_seconds = tr_harness_seconds() - begun;
}

static void engine_start(struct running *r) { TR_ASSERT(pthread_create(&r->thread, NULL, run_engine, r) == 0); }

static void engine_join(struct running *r) { TR_ASSERT(pthread_join(r->thread, NULL) == 0); }

static void engine_close(struct running *r)
{
	tr_engine_destroy(&r->engine);
	tr_environment_real_destroy(&r->env);
}

static void sleep_ms(long ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

static uint64_t rows_read(struct running *r)
{
	struct tr_engine_progress progress;

	tr_engine_progress(r->engine, &progress);
	return progress.rows_in;
}

static void wait_for_rows(struct running *r, uint64_t rows)
{
	while (rows_read(r) < rows)
		sleep_ms(1);
}

static double take_checkpoint(struct running *r)
{
	struct tr_status st = {0};
	uint64_t number;
	const double begun = tr_harness_seconds();

	if (tr_engine_savepoint(r->engine, "", TR_STOP_NONE, &number, &st) != TR_OK)
		fail(&st);
	return tr_harness_seconds() - begun;
}

/* ---- with against without ---- */

static double run_once(struct data *d, int64_t interval_ms, struct tr_checkpoint_stats *stats)
{
	struct running r = {NULL};
	struct tr_status st = {0};
	double begun, took;

	d->job.plan->checkpoint = d->checkpoint;
	if (interval_ms > 0) {
		(void)tr_bench_directory_remove(d->directory);
		d->job.plan->checkpoint.directory = d->directory;
		d->job.plan->checkpoint.interval_ms = interval_ms;
	}
	engine_open(&r, d->job.plan);
	begun = tr_harness_seconds();
	if (tr_engine_run(r.engine, &st) != TR_OK)
		fail(&st);
	took = tr_harness_seconds() - begun;
	(void)tr_engine_checkpoints(r.engine, stats);
	engine_close(&r);
	return took;
}

/** About how many bytes of entries change between two checkpoints: each key is as likely as the others. */
static double changed_bytes(const struct data *d, double seconds, int64_t interval_ms)
{
	const double rows = (double)d->table.rows / seconds * (double)interval_ms / 1e3, keys = (double)d->distinct;

	return keys * (1 - exp(-rows / keys)) * d->entry_bytes;
}

static uint64_t run_with(struct data *d, uint32_t repeat, double *seconds, int64_t interval_ms)
{
	*seconds = 0;
	for (uint32_t i = 0; i < repeat; i++) {
		struct tr_checkpoint_stats stats = {0};

		*seconds += run_once(d, interval_ms, &stats);
		if (stats.completed > 0)
			snprintf(d->pair->note, sizeof(d->pair->note),
				 "%" PRIu64 " checkpoints of %.1f MB (%.0f MB of entries in memory); %" PRIu64
				 " failed; longest pause %.2f ms",
				 stats.completed, (double)stats.bytes / (double)stats.completed / 1e6,
				 changed_bytes(d, *seconds / (i + 1), interval_ms) / 1e6, stats.failed,
				 (double)stats.pause_ns_max / 1e6);
	}
	return (uint64_t)d->table.rows * repeat;
}

static uint64_t without(void *context, uint32_t repeat, double *seconds)
{
	return run_with(context, repeat, seconds, 0);
}

static uint64_t every_100_ms(void *context, uint32_t repeat, double *seconds)
{
	return run_with(context, repeat, seconds, 100);
}

static uint64_t every_second(void *context, uint32_t repeat, double *seconds)
{
	return run_with(context, repeat, seconds, 1000);
}

static tr_code open_pair(struct tr_bench_pair *pair, struct data *d,
			 uint64_t (*with)(void *context, uint32_t repeat, double *seconds))
{
	pair->data = d;
	d->pair = pair;
	pair->ours = (struct tr_harness_side){with, d};
	pair->bar = (struct tr_harness_side){without, d};
	return TR_OK;
}

static tr_code open_tumble(struct tr_bench_pair *pair, struct tr_status *st)
{
	const size_t rows = (size_t)64 << 20;

	return open_pair(pair, data_create((int64_t)rows, rows, 1000000, NULL, TUMBLE_SECOND), every_100_ms);
}

static tr_code open_update(struct tr_bench_pair *pair, size_t keys, int64_t rows)
{
	struct data *d = data_create_with(rows, (size_t)32 << 20, keys, NULL, "MAX(k)", TUMBLE_DAY);

	d->entry_bytes = WIDE_ENTRY_BYTES;
	return open_pair(pair, d, every_second);
}

static tr_code open_update_8mb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_update(pair, 250000, INT64_C(256) << 20);
}

static tr_code open_update_64mb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_update(pair, 2000000, INT64_C(192) << 20);
}

static tr_code open_update_300mb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_update(pair, 10000000, INT64_C(128) << 20);
}

/* ---- pauses ---- */

static tr_code observe_pauses_of(struct data *d, int64_t interval_ms, double *value, char *note, size_t room)
{
	struct tr_checkpoint_stats stats = {0};

	(void)run_once(d, interval_ms, &stats);
	*value = (double)stats.pause_ns_max / 1e6;
	snprintf(note, room, "%" PRIu64 " pauses, %" PRIu64 " above 1 ms; %" PRIu64 " checkpoints of %.1f MB",
		 stats.pauses, stats.pauses_long, stats.completed, (double)stats.bytes / (double)stats.completed / 1e6);
	data_destroy(d);
	return TR_OK;
}

static tr_code observe_pause(size_t keys, double *value, char *note, size_t room)
{
	struct data *d = data_create(INT64_C(96) << 20, (size_t)32 << 20, keys, NULL, TUMBLE_DAY);

	return observe_pauses_of(d, 100, value, note, room);
}

static tr_code observe_pause_1m(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe_pause(1000000, value, note, room);
}

static tr_code observe_pause_10m(double *value, char *note, size_t room, struct tr_status *st)
{
	return observe_pause(10000000, value, note, room);
}

/** Each key occurs in turn, so that all are there after the first round; two follow. */
static tr_code observe_pause_4gb(double *value, char *note, size_t room, struct tr_status *st)
{
	const size_t count = (size_t)64 << 20;
	int64_t *keys = tr_harness_alloc(count * sizeof(*keys));

	for (size_t i = 0; i < count; i++)
		keys[i] = tr_data_key(i);
	return observe_pauses_of(
		data_create_with((int64_t)(3 * count), count, 0, keys, "MAX(k) + MIN(k) + AVG(k)", TUMBLE_DAY), 500,
		value, note, room);
}

/* ---- bytes ---- */

static size_t count_distinct(const uint32_t *index, uint8_t *seen, size_t keys, uint64_t from, uint64_t to)
{
	size_t count = 0;

	memset(seen, 0, keys);
	for (uint64_t i = from; i < to; i++) {
		uint8_t *at = &seen[index[i % HOT_ROWS]];

		count += !*at;
		*at = 1;
	}
	return count;
}

/** `count` checkpoints while 94 % of the rows have one of the first hundredth of the keys; about `step` rows between two. All
 * keys occur first, before anything is counted. */
static void observe_hot(size_t key_count, uint64_t step, uint32_t count, double *value, char *note, size_t room)
{
	int64_t *keys = tr_data_numbers(HOT_ROWS, (int64_t)key_count, 43);
	uint32_t *index = malloc(HOT_ROWS * sizeof(*index));
	uint8_t *seen = malloc(key_count);
	struct tr_checkpoint_stats before = {0}, after = {0};
	struct running r = {NULL};
	struct data *d;
	uint64_t random = 1, at, changed = 0;

	TR_ASSERT(index != NULL && seen != NULL);
	for (size_t i = 0; i < HOT_ROWS; i++) {
		index[i] = i < key_count                      ? (uint32_t)i
			   : tr_data_next(&random) % 100 < 94 ? (uint32_t)(tr_data_next(&random) % (key_count / 100))
							      : (uint32_t)keys[i];
		keys[i] = tr_data_key(index[i]);
	}
	d = data_create(ENDLESS_ROWS, HOT_ROWS, 0, keys, TUMBLE_DAY);
	d->job.plan->checkpoint.directory = d->directory;
	d->job.plan->checkpoint.interval_ms = 0;
	engine_open(&r, d->job.plan);
	engine_start(&r);
	wait_for_rows(&r, key_count + step / 4);
	at = rows_read(&r); /* what comes while the first one is written belongs to the second */
	(void)take_checkpoint(&r);
	(void)tr_engine_checkpoints(r.engine, &before);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t begun;

		wait_for_rows(&r, at + step);
		begun = rows_read(&r);
		(void)take_checkpoint(&r);
		changed += count_distinct(index, seen, key_count, at, begun);
		at = begun;
	}
	(void)tr_engine_checkpoints(r.engine, &after);
	tr_engine_stop(r.engine);
	engine_join(&r);
	engine_close(&r);
	free(index);
	free(seen);
	after.bytes -= before.bytes;
	*value = (double)after.bytes / (double)(changed * ENTRY_BYTES);
	snprintf(note, room, "%.1f MB for %.2f M changed entries of %d bytes a checkpoint; state %.0f MB, log %.0f MB",
		 (double)after.bytes / count / 1e6, (double)changed / count / 1e6, ENTRY_BYTES,
		 (double)before.bytes / 1e6, (double)tr_bench_directory_remove(d->directory) / 1e6);
	data_destroy(d);
}

static tr_code observe_hot_10m(double *value, char *note, size_t room, struct tr_status *st)
{
	observe_hot(10000000, HOT_STEP, HOT_CHECKPOINTS, value, note, room);
	return TR_OK;
}

/** So many checkpoints that all of the log has been written again more than once. */
static tr_code observe_hot_long(double *value, char *note, size_t room, struct tr_status *st)
{
	observe_hot(2000000, HOT_STEP / 4, LONG_CHECKPOINTS, value, note, room);
	return TR_OK;
}

/* ---- loading ---- */

static void read_file(int fd, char *into)
{
	while (read(fd, into, READ_BYTES) > 0)
		;
}

static void drop_from_cache(int fd, char *unused)
{
	(void)fdatasync(fd); /* else pages stay */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void for_each_file(const struct data *d, void (*visit)(int fd, char *context), char *context)
{
	DIR *directory = opendir(d->directory);
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		const int fd = openat(dirfd(directory), entry->d_name, O_RDONLY);

		if (fd >= 0) {
			visit(fd, context);
			close(fd);
		}
	}
	if (directory != NULL)
		closedir(directory);
}

static uint64_t load(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	*seconds = 0;
	for (uint32_t i = 0; i < repeat; i++) {
		struct running r = {NULL};

		if (d->is_cold)
			for_each_file(d, drop_from_cache, NULL);
		engine_open(&r, d->job.plan);
		*seconds += r.created_seconds;
		engine_close(&r);
	}
	snprintf(d->pair->note, sizeof(d->pair->note), "%.0f MB of checkpoint in %.2f s", (double)d->bytes / 1e6,
		 *seconds / repeat);
	return d->bytes * repeat;
}

static uint64_t read_files(void *context, uint32_t repeat, double *seconds)
{
	const struct data *d = context;
	char *into = malloc(READ_BYTES);

	TR_ASSERT(into != NULL);
	*seconds = 0;
	for (uint32_t i = 0; i < repeat; i++) {
		double begun;

		if (d->is_cold)
			for_each_file(d, drop_from_cache, NULL);
		begun = tr_harness_seconds();
		for_each_file(d, read_file, into);
		*seconds += tr_harness_seconds() - begun;
	}
	free(into);
	return d->bytes * repeat;
}

static uint64_t load_by_hand(void *context, uint32_t repeat, double *seconds)
{
	const struct data *d = context;

	*seconds = 0;
	for (uint32_t i = 0; i < repeat; i++) {
		double took;
		/* Subtasks do not have exactly as many keys each. */
		const uint64_t keys = tr_limit_load_table(d->directory, d->distinct / 2 + d->distinct / 100, &took);

		TR_ASSERT(keys <= d->distinct && keys > d->distinct / 100 * 99); /* not all have occurred */
		*seconds += took;
	}
	return d->bytes * repeat;
}

/** A job of `keys` keys, stopped behind one checkpoint. */
static tr_code open_load_of(struct tr_bench_pair *pair, size_t keys, const char *window,
			    uint64_t (*bar)(void *context, uint32_t repeat, double *seconds), bool is_cold)
{
	struct data *d = data_create(ENDLESS_ROWS, 2 * keys, keys, NULL, window);
	struct tr_checkpoint_stats stats = {0};
	struct running r = {NULL};

	d->job.plan->checkpoint.directory = d->directory;
	d->job.plan->checkpoint.interval_ms = 0;
	d->is_cold = is_cold;
	engine_open(&r, d->job.plan);
	engine_start(&r);
	wait_for_rows(&r, 2 * keys);
	tr_engine_stop(r.engine);
	engine_join(&r);
	(void)tr_engine_checkpoints(r.engine, &stats);
	engine_close(&r);
	d->bytes = stats.bytes;
	d->pair = pair;
	pair->data = d;
	pair->ours = (struct tr_harness_side){load, d};
	pair->bar = (struct tr_harness_side){bar, d};
	return TR_OK;
}

static tr_code open_load_against(struct tr_bench_pair *pair, size_t keys,
				 uint64_t (*bar)(void *context, uint32_t repeat, double *seconds), bool is_cold)
{
	return open_load_of(pair, keys, TUMBLE_DAY, bar, is_cold);
}

static tr_code open_load_256mb_hop(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_of(pair, 16000000, HOP_DAY, read_files, false);
}

static tr_code open_load_256mb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_against(pair, 16000000, read_files, false);
}

static tr_code open_load_1gb(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_against(pair, 64000000, read_files, false);
}

static tr_code open_load_256mb_cold(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_against(pair, 16000000, read_files, true);
}

static tr_code open_load_1gb_cold(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_against(pair, 64000000, read_files, true);
}

static tr_code open_load_256mb_table(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_against(pair, 16000000, load_by_hand, false);
}

static tr_code open_load_1gb_table(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_load_against(pair, 64000000, load_by_hand, false);
}

/* ---- a small job ---- */

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_small(double *ms, uint64_t *disk_bytes)
{
	static const char script[] =
		"CREATE TABLE numbers (k BIGINT, ts AS LOCALTIMESTAMP, WATERMARK FOR ts AS ts) WITH ('connector' = "
		"'datagen', 'rows-per-second' = '100', 'fields.k.min' = '0', 'fields.k.max' = '9');\n"
		"CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');\n"
		"INSERT INTO nowhere SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' "
		"SECOND)) GROUP BY k, window_start, window_end;";
	char directory[64];
	struct tr_bench_job job;
	struct running r = {NULL};

	snprintf(directory, sizeof(directory), "/var/tmp/tailrace-bench-%ld", (long)getpid());
	tr_bench_job_init(&job, script, WORKERS);
	job.plan->checkpoint.directory = directory;
	job.plan->checkpoint.interval_ms = 0;
	engine_open(&r, job.plan);
	engine_start(&r);
	for (int i = 0; i < IDLE_CHECKPOINTS; i++) {
		sleep_ms(50);
		ms[i] = take_checkpoint(&r) * 1e3;
	}
	tr_engine_stop(r.engine);
	engine_join(&r);
	engine_close(&r);
	*disk_bytes = tr_bench_directory_remove(directory);
	tr_bench_job_deinit(&job);
	qsort(ms, IDLE_CHECKPOINTS, sizeof(ms[0]), compare_doubles);
}

static tr_code observe_idle(double *value, char *note, size_t room, struct tr_status *st)
{
	double ms[IDLE_CHECKPOINTS];
	uint64_t disk_bytes;

	run_small(ms, &disk_bytes);
	*value = ms[IDLE_CHECKPOINTS / 2];
	snprintf(note, room, "%d checkpoints asked for, %.1f to %.1f ms; the directory takes %.1f MB", IDLE_CHECKPOINTS,
		 ms[0], ms[IDLE_CHECKPOINTS - 1], (double)disk_bytes / 1e6);
	return TR_OK;
}

const struct tr_bench_case tr_bench_checkpoint_cases[] = {
	{"ckpt-tumble", "checkpoints every 100 ms against none: TUMBLE 1 s by 1M keys", "rows", 0.90, 0, 0, open_tumble,
	 data_close},
	{"ckpt-update-8mb", "checkpoints every 1 s against none: MAX by 250k keys, a window of a day", "rows", 0.98, 0,
	 0, open_update_8mb, data_close},
	{"ckpt-update-64mb", "the same by 2M keys", "rows", 0.97, 0, 0, open_update_64mb, data_close},
	{"ckpt-update-300mb", "the same by 10M keys", "rows", 0.90, 0, 0, open_update_300mb, data_close},
	{"ckpt-load-256mb", "loading a checkpoint of 16M keys against read() of its files", "bytes", 0.50, 0, 0,
	 open_load_256mb, data_close},
	{"ckpt-load-256mb-hop", "the same of a hopping window, whose keys have slots", "bytes", 0, 0, 0,
	 open_load_256mb_hop, data_close},
	{"ckpt-load-1gb", "the same of 64M keys", "bytes", 0.50, 0, 0, open_load_1gb, data_close},
	{"ckpt-load-256mb-cold", "loading 16M keys against read(), both not from the page cache", "bytes", 0.50, 0, 0,
	 open_load_256mb_cold, data_close},
	{"ckpt-load-1gb-cold", "the same of 64M keys", "bytes", 0.50, 0, 0, open_load_1gb_cold, data_close},
	{"ckpt-load-256mb-table", "loading 16M keys against a loop that builds the same tables", "bytes", 0.50, 0, 0,
	 open_load_256mb_table, data_close},
	{"ckpt-load-1gb-table", "the same of 64M keys", "bytes", 0.50, 0, 0, open_load_1gb_table, data_close},
	{.name = "ckpt-pause-1m",
	 .work = "longest pause of a worker for a snapshot, 1M keys",
	 .unit = "ms",
	 .must_at_most = 5,
	 .observe = observe_pause_1m},
	{.name = "ckpt-pause-10m",
	 .work = "the same, 10M keys",
	 .unit = "ms",
	 .must_at_most = 5,
	 .observe = observe_pause_10m},
	{.name = "ckpt-pause-4gb",
	 .work = "the same, 67M keys with entries of 64 bytes, a checkpoint every 500 ms",
	 .unit = "ms",
	 .must_at_most = 5,
	 .observe = observe_pause_4gb},
	{.name = "ckpt-bytes-hot",
	 .work = "bytes appended / bytes of changed entries, 94 % of updates on 1 % of 10M keys",
	 .unit = "x",
	 .must_at_most = 1.5,
	 .observe = observe_hot_10m},
	{.name = "ckpt-bytes-compacted",
	 .work = "the same of 2M keys, over so many checkpoints that the log is compacted meanwhile",
	 .unit = "x",
	 .must_at_most = 3,
	 .observe = observe_hot_long},
	{.name = "ckpt-idle",
	 .work = "time that a checkpoint of a small job takes",
	 .unit = "ms",
	 .must_at_most = 20,
	 .observe = observe_idle},
	{.name = NULL},
};
