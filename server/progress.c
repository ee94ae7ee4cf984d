/* SPDX-License-Identifier: Apache-2.0
 *
 * See progress.h. The terminal is /dev/tty, so that a redirected stdout or stderr stays clean; at most ten updates a
 * second.
 */
#include "server/progress.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

#define UPDATE_MS 200
#define PLAIN_MS 1000

struct tr_progress {
	struct tr_engine *engine;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping; /* under lock */
	int fd;
	bool is_terminal;
	uint64_t last_rows;
	int64_t last_ns;
};

/* 12, 12.3 K, 4.56 M: three digits or so. */
static void human(char *out, size_t room, double value)
{
	static const char *const units[] = {"", " K", " M", " G", " T"};
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < TR_COUNT_OF(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(out, room, unit == 0 ? "%.0f%s" : value < 10 ? "%.2f%s" : "%.1f%s", value, units[unit]);
}

static void put_watermark(char *out, int64_t watermark_ms)
{
	size_t length;

	if (watermark_ms == TR_WATERMARK_MIN) {
		strcpy(out, "none yet");
	} else if (watermark_ms == TR_WATERMARK_MAX) {
		strcpy(out, "end");
	} else {
		length = tr_text_put_timestamp(out, watermark_ms, 1000, ' ', TR_CLOCK_EXACT, 0);
		out[length] = '\0';
	}
}

/** "" while no checkpoint has failed. */
static void put_failures(char *text, size_t size, const char *before, struct tr_engine *engine)
{
	struct tr_checkpoint_stats stats;

	text[0] = '\0';
	if (tr_engine_checkpoints(engine, &stats) && stats.failed > 0)
		(void)snprintf(text, size, "%s%llu of %llu checkpoints failed", before,
			       (unsigned long long)stats.failed, (unsigned long long)(stats.failed + stats.completed));
}

static void show(struct tr_progress *progress)
{
	char line[512], in[32], out[32], rate[32], spilled[64] = "", watermark[TR_TEXT_TIME_BYTES + 1], failures[64];
	struct tr_engine_progress now;
	double seconds;
	int length;

	tr_engine_progress(progress->engine, &now);
	seconds = (double)(now.elapsed_ns - progress->last_ns) / 1e9;
	human(in, sizeof(in), (double)now.rows_in);
	human(out, sizeof(out), (double)now.rows_out);
	human(rate, sizeof(rate),
	      seconds > 0 ? (double)(now.rows_in - TR_MAX(progress->last_rows, now.rows_before)) / seconds : 0);
	put_watermark(watermark, now.watermark_ms);
	if (now.spilled_bytes != 0)
		snprintf(spilled, sizeof(spilled), "  state on disk %.1f MiB", (double)now.spilled_bytes / (1 << 20));
	put_failures(failures, sizeof(failures), "  ", progress->engine);
	length = snprintf(
		line, sizeof(line), "%s%7.1f s  in %s rows  %s rows/s  out %s rows  late %llu  watermark %s%s%s%s",
		progress->is_terminal ? "\r\x1b[K" : "", (double)now.elapsed_ns / 1e9, in, rate, out,
		(unsigned long long)now.rows_late, watermark, spilled, failures, progress->is_terminal ? "" : "\n");
	progress->last_rows = now.rows_in;
	progress->last_ns = now.elapsed_ns;
	if (write(progress->fd, line, (size_t)TR_MIN(length, (int)sizeof(line) - 1)) < 0)
		return; /* a closed terminal is no reason to stop */
}

static void *progress_main(void *argument)
{
	struct tr_progress *progress = argument;
	int64_t interval_ms = progress->is_terminal ? UPDATE_MS : PLAIN_MS;

	pthread_mutex_lock(&progress->lock);
	while (!progress->is_stopping) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += interval_ms % 1000 * 1000000;
		until.tv_sec += interval_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
		if (!progress->is_stopping)
			show(progress);
	}
	pthread_mutex_unlock(&progress->lock);
	return NULL;
}

struct tr_progress *tr_progress_start(struct tr_engine *engine, const char *mode)
{
	struct tr_progress *progress;
	pthread_condattr_t attributes;
	bool is_terminal = strcmp(mode, "auto") == 0;
	int fd = STDERR_FILENO;

	if (strcmp(mode, "off") == 0 || (is_terminal && !isatty(STDERR_FILENO)))
		return NULL;
	if (is_terminal)
		fd = open("/dev/tty", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	progress = calloc(1, sizeof(*progress));
	TR_ASSERT(progress != NULL);
	progress->engine = engine;
	progress->fd = fd;
	progress->is_terminal = is_terminal;
	pthread_mutex_init(&progress->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	TR_ASSERT(pthread_create(&progress->thread, NULL, progress_main, progress) == 0);
	return progress;
}

void tr_progress_stop(struct tr_progress **pointer)
{
	struct tr_progress *progress = *pointer;

	if (progress == NULL)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->is_stopping = true;
	pthread_cond_signal(&progress->wake);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	if (progress->is_terminal) {
		if (write(progress->fd, "\r\x1b[K", 4) < 0)
			progress->is_terminal = true; /* nothing to be done about it */
		close(progress->fd);
	}
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
	*pointer = NULL;
}

void tr_progress_summary(struct tr_engine *engine, const char *job_name, const char *outcome)
{
	struct tr_engine_progress now;
	struct rusage usage;
	char rate[32], failures[64];
	double seconds;

	tr_engine_progress(engine, &now);
	put_failures(failures, sizeof(failures), ", ", engine);
	getrusage(RUSAGE_SELF, &usage);
	seconds = (double)now.elapsed_ns / 1e9;
	human(rate, sizeof(rate), seconds > 0 ? (double)(now.rows_in - now.rows_before) / seconds : 0);
	fprintf(stderr,
		"job '%s' %s: %llu rows in, %llu rows out, %llu late, %llu bad rows, %llu bad fields, "
		"%.3f s, %s rows/s, %.0f MiB peak memory%s\n",
		job_name, outcome, (unsigned long long)now.rows_in, (unsigned long long)now.rows_out,
		(unsigned long long)now.rows_late, (unsigned long long)now.rows_bad, (unsigned long long)now.fields_bad,
		seconds, rate, (double)usage.ru_maxrss / 1024, failures);
}
