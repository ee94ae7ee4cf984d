/* SPDX-License-Identifier: Apache-2.0
 *
 * A source and a sink of one's own, exactly-once from end to end. See README.md.
 *
 *     sensor-0.csv, sensor-1.csv, ..  ──▶  windows of 10 seconds  ──▶  part-CHECKPOINT files
 *     splits; positions are bytes          n, lowest, highest          prepared with a checkpoint, shown when it is complete
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tailrace/tailrace.h>
#include <unistd.h>

#define SENSORS 3
#define LATE_MS 2000 /* rows of a sensor are out of order by so much at most */

struct config {
	const char *in;
	const char *out;
	int64_t pause_ms; /* after a few rows, to have something to interrupt */
};

/* The source. What is read from a position on must be the same each time: rows and watermark depend on the file and the position only. */

struct reader {
	bool has_paused[SENSORS];
};

static tr_code open_reader(void *user, uint32_t subtask, void **reader, struct tr_status *st)
{
	*reader = calloc(1, sizeof(struct reader));
	return *reader != NULL ? TR_OK : tr_status_set(st, TR_ERR_NO_MEMORY, 0, TR_WHERE, "no memory");
}

static void close_reader(void *user, void *reader) { free(reader); }

static const char *sensor_name(void *user, uint32_t split)
{
	static const char *const names[SENSORS] = {"sensor-0.csv", "sensor-1.csv", "sensor-2.csv"};

	return names[split];
}

/** Lines of "time in ms,hundredths of a degree" from the position on. A watermark that is lower than the last one does nothing, so it
 * may go by these lines alone. */
static tr_code read_lines(FILE *file, struct tr_source_reading *reading, uint32_t rows_max, struct tr_collector *out,
			  bool *is_end, struct tr_status *st)
{
	char line[128];

	for (uint32_t n = 0; n < rows_max && reading->position < reading->limit; n++) {
		long long time_ms;
		int value;

		if (fgets(line, sizeof(line), file) == NULL) {
			*is_end = true;
			return TR_OK;
		}
		if (sscanf(line, "%lld,%d", &time_ms, &value) != 2)
			TR_FAIL(st, TR_ERR_DATA, "at byte %lld: no time and value: %.100s",
				(long long)reading->position, line);
		tr_collector_set_i64(out, 0, reading->split);
		tr_collector_set_i64(out, 1, time_ms);
		tr_collector_set_i64(out, 2, value);
		tr_collector_add(out);
		reading->position += (int64_t)strlen(line);
		if (time_ms - LATE_MS - 1 > reading->watermark_ms)
			reading->watermark_ms = time_ms - LATE_MS - 1;
	}
	return TR_OK;
}

static tr_code read_sensor(void *user, void *reader, struct tr_source_reading *reading, struct tr_collector *out,
			   enum tr_read *result, struct tr_status *st)
{
	const struct config *config = user;
	struct reader *r = reader;
	const uint32_t rows_max = config->pause_ms > 0 && reading->rows_max > 5 ? 5 : reading->rows_max;
	bool is_end = false;
	char path[4096];
	tr_code code = TR_OK;
	FILE *file;

	if (config->pause_ms > 0 && !r->has_paused[reading->split]) {
		r->has_paused[reading->split] = true;
		reading->wake_ms = config->pause_ms;
		*result = TR_READ_WAIT;
		return TR_OK;
	}
	r->has_paused[reading->split] = false;
	snprintf(path, sizeof(path), "%s/%s", config->in, sensor_name(user, reading->split));
	file = fopen(path, "r");
	if (file == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_NO_INPUT, "cannot read %s", path);
	if (fseek(file, (long)reading->position, SEEK_SET) != 0)
		code = tr_status_set(st, TR_ERR_NO_INPUT, errno, TR_WHERE, "cannot read %s", path);
	else
		code = read_lines(file, reading, rows_max, out, &is_end, st);
	fclose(file);
	*result = is_end ? TR_READ_END : TR_READ_MORE;
	return code;
}

/* The sink. Rows are written to "pending"; with a checkpoint that becomes "prepared-N", and "part-N" when checkpoint N is complete. */

struct writer {
	const char *directory;
	FILE *pending;
};

static void path_of(const struct writer *w, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", w->directory, name);
}

static tr_code rename_in(const struct writer *w, const char *from, const char *to, struct tr_status *st)
{
	char old[4096], new[4096];
	int directory;

	path_of(w, from, old, sizeof(old));
	path_of(w, to, new, sizeof(new));
	if (rename(old, new) != 0 &&
	    (errno != ENOENT || access(new, F_OK) != 0)) /* it may have been done before a crash */
		TR_FAIL_ERRNO(st, TR_ERR_IO, "cannot rename %s to %s", old, new);
	directory = open(w->directory, O_RDONLY | O_DIRECTORY);
	if (directory < 0 || fsync(directory) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "cannot sync %s", w->directory);
	close(directory);
	return TR_OK;
}

static tr_code open_sink(void *user, const struct tr_schema *schema, uint32_t subtask, void **writer,
			 struct tr_status *st)
{
	const struct config *config = user;
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		TR_FAIL(st, TR_ERR_NO_MEMORY, "no memory");
	w->directory = config->out;
	*writer = w;
	return TR_OK;
}

static tr_code write_rows(void *writer, const struct tr_batch *batch, struct tr_status *st)
{
	struct writer *w = writer;
	char path[4096];

	path_of(w, "pending", path, sizeof(path));
	if (w->pending == NULL && (w->pending = fopen(path, "w")) == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "cannot write %s", path);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const struct tr_row row = {batch, tr_batch_row(batch, i)};

		fprintf(w->pending, "%lld,%lld,%lld,%lld,%lld\n", (long long)tr_row_i64(&row, 0),
			(long long)tr_row_i64(&row, 1), (long long)tr_row_i64(&row, 2), (long long)tr_row_i64(&row, 3),
			(long long)tr_row_i64(&row, 4));
	}
	return TR_OK;
}

static tr_code prepare(void *writer, uint64_t checkpoint, struct tr_sink_handle *handle, struct tr_status *st)
{
	static _Thread_local char name[64]; /* must hold until the next callback */
	struct writer *w = writer;
	FILE *pending = w->pending;

	if (pending == NULL)
		return TR_OK; /* nothing to commit: a handle of no bytes */
	w->pending = NULL;
	if (fflush(pending) != 0 || fsync(fileno(pending)) != 0 || fclose(pending) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "cannot write %s/pending", w->directory);
	snprintf(name, sizeof(name), "prepared-%llu", (unsigned long long)checkpoint);
	TR_TRY(rename_in(w, "pending", name, st));
	*handle = (struct tr_sink_handle){name, (uint32_t)strlen(name) + 1};
	return TR_OK;
}

static tr_code commit(void *writer, const struct tr_sink_handle *handle, struct tr_status *st)
{
	const char *name = handle->bytes;
	char part[64];

	snprintf(part, sizeof(part), "part-%s", name + strlen("prepared-"));
	return rename_in(writer, name, part, st);
}

/** What the restored checkpoint had prepared is shown; what came behind it will be written once more. */
static tr_code recover(void *writer, const struct tr_sink_handle *handles, uint32_t count, struct tr_status *st)
{
	struct writer *w = writer;
	const struct dirent *entry;
	DIR *directory;

	for (uint32_t i = 0; i < count; i++)
		TR_TRY(commit(writer, &handles[i], st));
	directory = opendir(w->directory);
	if (directory == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "cannot read %s", w->directory);
	while ((entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, "pending") == 0 || strncmp(entry->d_name, "prepared-", 9) == 0)
			unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	return TR_OK;
}

static void close_sink(void *writer)
{
	struct writer *w = writer;

	if (w->pending != NULL)
		fclose(w->pending);
	free(w);
}

/* The job. */

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	static struct config config = {.in = "examples/exactly_once", .out = "."};
	const struct tr_source_function source =
		TR_MAKE(tr_source_function, .user = &config, .split_count = SENSORS, .has_watermarks = true,
			.split_name = sensor_name, .open_reader = open_reader, .read = read_sensor,
			.close_reader = close_reader);
	const struct tr_sink_function sink =
		TR_MAKE(tr_sink_function, .user = &config, .open = open_sink, .write = write_rows, .prepare = prepare,
			.commit = commit, .recover = recover, .close = close_sink);
	struct tr_stream *readings, *windows;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "IN=", 3) == 0)
			config.in = argv[i] + 3;
		else if (strncmp(argv[i], "OUT=", 4) == 0)
			config.out = argv[i] + 4;
		else if (strncmp(argv[i], "PAUSE=", 6) == 0)
			config.pause_ms = atoi(argv[i] + 6);
	}
	tr_env_set(env, "execution.checkpointing.interval", "50 ms");
	readings = tr_env_from_source(env, "sensors", "sensor BIGINT, ts TIMESTAMP(3), centidegrees BIGINT", &source,
				      &TR_MAKE(tr_watermark_strategy, .time_column = "ts"));
	windows = tr_stream_window_aggregate(tr_stream_key_by(readings, "sensor"), tr_windows_tumbling(10000),
					     "COUNT(*) AS n, MIN(centidegrees) AS low, MAX(centidegrees) AS high");
	tr_stream_uid(windows, "windows");
	/* One writer, whoever else there is: it alone knows which files are left over. */
	tr_stream_parallelism(
		tr_stream_sink_to(tr_stream_select(windows, "sensor, window_start, n, low, high"), "parts", &sink), 1);
	return TR_OK;
}

TR_PLUGIN(build)
