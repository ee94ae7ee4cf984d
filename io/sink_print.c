/* SPDX-License-Identifier: Apache-2.0
 *
 * print: rows as Flink's print sink writes them, on standard output or standard error.
 *
 *     +I[a, null, 2001-01-01T00:47]
 *     2> +I[...]                     more than one subtask: the task's number, from 1
 *     id> -D[...]     id:2> +U[...]  'print-identifier' = 'id'
 *
 * The text of a batch is put together first and goes out by one write, under the lock of the C stream (flockfile), so
 * that lines of different subtasks never mix and nothing of ours has to be global. The stream's own buffer is not
 * used: it is empty, or is flushed first. A pipe that is full stops the worker; that is the reader's backpressure.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "base/timezone.h"
#include "io/connectors.h"
#include "io/memory.h"
#include "io/sink.h"

struct tr_sink {
	FILE *stream;
	const char *stream_name;
	char *prefix; /* "id:2> "; owned */
	struct tr_timezone *zone;
	struct tr_bytes text;
};

static char *make_prefix(const char *identifier, const char *partition, uint32_t subtask, uint32_t subtask_count)
{
	struct tr_bytes prefix = {0};

	if (identifier != NULL)
		tr_bytes_append_str(&prefix, identifier);
	if (partition != NULL)
		tr_bytes_printf(&prefix, "%s%s", prefix.length > 0 ? ":" : "", partition);
	if (subtask_count > 1)
		tr_bytes_printf(&prefix, "%s%u", prefix.length > 0 ? ":" : "", subtask + 1);
	if (prefix.length > 0)
		tr_bytes_append_str(&prefix, "> ");
	tr_bytes_append_char(&prefix, '\0');
	return prefix.data;
}

static tr_code print_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			  struct tr_status *st)
{
	const bool is_error = tr_options_boolean(&spec->options, "standard-error", false);
	struct tr_timezone *zone = NULL;
	struct tr_sink *s;

	TR_ASSERT(sink != NULL && context->subtask < context->subtask_count);
	TR_TRY(tr_timezone_create(spec->time_zone != NULL ? spec->time_zone : "UTC", &zone, st));
	context->wake_at_ns = INT64_MAX;
	s = tr_io_calloc(1, sizeof(*s));
	s->stream = is_error ? stderr : stdout;
	s->stream_name = is_error ? "standard error" : "standard output";
	s->zone = zone;
	s->prefix = make_prefix(tr_options_get(&spec->options, "print-identifier"), spec->static_partition,
				context->subtask, context->subtask_count);
	*sink = s;
	return TR_OK;
}

static tr_code write_out(struct tr_sink *s, struct tr_status *st)
{
	const int fd = fileno(s->stream);
	size_t done = 0;
	int error = 0;

	flockfile(s->stream);
	(void)fflush_unlocked(s->stream);
	while (done < s->text.length && error == 0) {
		const ssize_t written = write(fd, s->text.data + done, s->text.length - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR)
			error = errno;
	}
	funlockfile(s->stream);
	if (error != 0)
		return tr_status_set(st, TR_ERR_IO, error, TR_WHERE, "write to %s", s->stream_name);
	return TR_OK;
}

static enum tr_flow print_write(struct tr_sink *s, const struct tr_batch *batch, struct tr_status *st)
{
	TR_ASSERT(s != NULL && batch != NULL);
	tr_bytes_clear(&s->text);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		tr_bytes_append_str(&s->text, s->prefix);
		tr_text_append_row(&s->text, batch, tr_batch_row(batch, i), s->zone);
		tr_bytes_append_char(&s->text, '\n');
	}
	if (write_out(s, st) != TR_OK)
		return TR_FLOW_FAILED;
	return TR_FLOW_MORE;
}

static enum tr_flow print_more(struct tr_sink *s, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow print_finish(struct tr_sink *s, struct tr_status *st) { return TR_FLOW_DONE; }

static void print_close(struct tr_sink **sink)
{
	struct tr_sink *s = *sink;

	if (s == NULL)
		return;
	tr_timezone_destroy(&s->zone);
	tr_bytes_deinit(&s->text);
	free(s->prefix);
	free(s);
	*sink = NULL;
}

static const struct tr_sink_ops print_ops = {
	.open = print_open,
	.write = print_write,
	.resume = print_more,
	.tick = print_more,
	.finish = print_finish,
	.close = print_close,
};

static const struct tr_option_spec print_options[] = {
	{.key = "print-identifier", .kind = TR_OPTION_STRING, .doc = "A text put before each line."},
	{.key = "standard-error",
	 .kind = TR_OPTION_BOOLEAN,
	 .default_text = "false",
	 .doc = "Write to standard error instead of standard output."},
	TR_SINK_PARALLELISM_OPTION,
	{.key = NULL},
};

const struct tr_connector tr_connector_print = {
	.name = "print",
	.doc = "Writes each row, with its kind, as a line on standard output.",
	.example =
		"CREATE TABLE shown (id BIGINT, name STRING) WITH ('connector' = 'print', 'print-identifier' = 'out');",
	.options = print_options,
	.sink = &print_ops,
};
