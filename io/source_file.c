/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem connector's table of options, and its source: opening, progress, names. The parts: file_list.c finds
 * the files, file_split.c deals them, file_reader.c reads and decodes chunks, file_stream.c does so for compressed
 * files, file_locate.c counts lines for messages, file_position.c saves and restores; the sink is sink_file.c.
 */
#include "io/connectors.h"
#include "io/file_split.h"
#include "io/memory.h"
#include "io/sink_file.h"

#define PAGE_BYTES 4096

static bool file_is_bounded(const struct tr_table_spec *spec)
{
	return tr_options_get(&spec->options, "source.monitor-interval") == NULL;
}

/** Whether a column comes from the file's name and not from what is in it. */
static bool is_of_file(const struct tr_table_spec *spec, uint32_t column)
{
	for (uint32_t p = 0; p < spec->partition_count; p++) {
		if (spec->partition_columns[p] == column)
			return true;
	}
	for (uint32_t m = 0; m < spec->metadata_count; m++) {
		if (spec->metadata_columns[m] == column)
			return true;
	}
	return false;
}

/** The decoder sees the table without its partition columns, and without metadata. */
static void make_decoder_spec(struct tr_source *source)
{
	const struct tr_table_spec *spec = source->spec;
	const uint32_t count = spec->schema->column_count;
	const char **names = TR_NEW_ARRAY(&source->arena, count, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(&source->arena, count, const struct tr_type *);
	const struct tr_need **needs = TR_NEW_ARRAY(&source->arena, count, const struct tr_need *);
	uint32_t n = 0;

	source->decoder_columns = TR_NEW_ARRAY(&source->arena, count, uint32_t);
	for (uint32_t c = 0; c < count; c++) {
		if (is_of_file(spec, c))
			continue;
		names[n] = spec->schema->names[c];
		types[n] = spec->schema->types[c];
		needs[n] = spec->needs != NULL ? spec->needs[c] : NULL;
		source->decoder_columns[n++] = c;
	}
	source->decoder_schema = (struct tr_schema){.column_count = n, .names = names, .types = types};
	source->decoder_spec = *spec;
	source->decoder_spec.schema = &source->decoder_schema;
	source->decoder_spec.needs = spec->needs != NULL ? needs : NULL;
	source->decoder_spec.partition_columns = NULL;
	source->decoder_spec.partition_count = 0;
	source->decoder_spec.metadata_count = 0;
}

tr_code tr_source_file_check_partitions(const struct tr_table_spec *spec, struct tr_status *st)
{
	if (spec->partition_count > TR_PARTITION_COLUMNS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': more than %d partition columns", spec->name,
			TR_PARTITION_COLUMNS_MAX);
	if (spec->partition_count == spec->schema->column_count)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': all columns are partition columns; nothing is left for the files",
			spec->name);
	for (uint32_t p = 0; p < spec->partition_count; p++) {
		const uint32_t c = spec->partition_columns[p];

		TR_ASSERT(c < spec->schema->column_count);
		if (!tr_file_partition_is_supported(spec->schema->types[c]))
			TR_FAIL(st, TR_ERR_DATA,
				"table '%s': column '%s' has a type that a partition column can't have", spec->name,
				spec->schema->names[c]);
	}
	return TR_OK;
}

static void file_close(struct tr_source **source)
{
	struct tr_source *s;

	TR_ASSERT(source != NULL);
	s = *source;
	if (s == NULL)
		return;
	tr_file_split_deinit(s);
	TR_ASSERT(pthread_mutex_destroy(&s->lock) == 0);
	tr_arena_deinit(&s->arena);
	free(s);
	*source = NULL;
}

static tr_code file_open(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			 struct tr_source **source, struct tr_status *st)
{
	const char *path = tr_options_get(&spec->options, "path");
	const char *local;
	struct tr_source *s;
	tr_code code;

	TR_ASSERT(spec->format != NULL && path != NULL);
	*source = NULL;
	if (spec->format->decoder == NULL)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': format '%s' can't be read", spec->name, spec->format->name);
	code = tr_file_list_local_path(path, &local, st);
	if (code != TR_OK)
		return tr_status_prefix(st, code, "table '%s'", spec->name);
	TR_TRY(tr_source_file_check_partitions(spec, st));
	s = tr_io_calloc(1, sizeof(*s));
	tr_arena_init(&s->arena, 0);
	TR_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
	s->spec = spec;
	s->env = env;
	s->path = local;
	s->default_partition = tr_options_get(&spec->options, "partition.default-name");
	if (s->default_partition == NULL)
		s->default_partition = TR_PARTITION_DEFAULT_NAME;
	s->chunk_bytes = tr_options_memory_bytes(&spec->options, "source.chunk-size", TR_FILE_CHUNK_BYTES_DEFAULT);
	s->monitor_ms = tr_options_duration_ms(&spec->options, "source.monitor-interval", 0);
	if (s->chunk_bytes >= PAGE_BYTES) /* aligned reads are copied several times faster */
		s->chunk_bytes &= ~(int64_t)(PAGE_BYTES - 1);
	make_decoder_spec(s);
	if (s->chunk_bytes < 1 || s->chunk_bytes > TR_FILE_CHUNK_BYTES_MAX)
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
				     "table '%s': option 'source.chunk-size': expected 1 byte to 1 gb", spec->name);
	else if (!file_is_bounded(spec) && s->monitor_ms < 1)
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
				     "table '%s': option 'source.monitor-interval': expected at least 1 ms",
				     spec->name);
	else
		code = tr_file_split_scan(s, st);
	s->next_scan_ns = tr_environment_monotonic_ns(env) + s->monitor_ms * 1000000;
	if (code != TR_OK) {
		file_close(&s);
		return code;
	}
	*source = s;
	return TR_OK;
}

static void file_progress(struct tr_source *source, uint64_t *known, uint64_t *begun)
{
	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	*known = source->split_count;
	*begun = source->begun;
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
}

static const char *file_split_name(struct tr_source *source, uint64_t split)
{
	const char *name;

	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	TR_ASSERT(split < source->split_count);
	name = source->splits[split]->name;
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
	return name;
}

static const struct tr_source_ops file_source_ops = {
	.is_bounded = file_is_bounded,
	.bounded_hint = "leave out 'source.monitor-interval'",
	.open = file_open,
	.close = file_close,
	.progress = file_progress,
	.split_name = file_split_name,
	.reader_open = tr_file_reader_open,
	.reader_close = tr_file_reader_close,
	.poll = tr_file_reader_poll,
	.rewind = tr_file_reader_rewind,
	.reader_barrier = tr_file_reader_barrier,
	.restore = tr_file_position_restore,
};

static const struct tr_option_spec file_options[] = {
	{.key = "path",
	 .kind = TR_OPTION_STRING,
	 .is_required = true,
	 .doc = "A file, a directory (read with all its folders), or a pattern with * ? [..]; a sink's directory."},
	{.key = "source.monitor-interval",
	 .kind = TR_OPTION_DURATION,
	 .doc = "Look for new files this often; the table is then unbounded. Unset: read what is there, and end."},
	{.key = "source.chunk-size",
	 .kind = TR_OPTION_MEMORY,
	 .default_text = "512 kb",
	 .doc = "How much of a file one reader takes at a time."},
	TR_SOURCE_WATERMARK_OPTIONS,
	{.key = "partition.default-name",
	 .kind = TR_OPTION_STRING,
	 .default_text = TR_PARTITION_DEFAULT_NAME,
	 .doc = "The folder value that stands for NULL and the empty text."},
	TR_SINK_FILE_OPTIONS,
	TR_SINK_PARALLELISM_OPTION,
	{.key = NULL},
};

/* In the order of enum tr_file_metadata_key. */
static const struct tr_metadata_spec file_metadata[] = {{"file.path", TR_TYPE_VARCHAR},
							{"file.name", TR_TYPE_VARCHAR},
							{"file.size", TR_TYPE_BIGINT},
							{"file.modification-time", TR_TYPE_TIMESTAMP_LTZ},
							{NULL, TR_TYPE_NULL}};

const struct tr_connector tr_connector_filesystem = {
	.name = "filesystem",
	.doc = "Files of this machine: reads a file, a directory or a pattern; writes part files into a directory.",
	.example = "CREATE TABLE orders (id BIGINT, price DOUBLE, dt STRING) PARTITIONED BY (dt)\n"
		   "WITH ('connector' = 'filesystem', 'path' = '/data/orders', 'format' = 'csv');",
	.options = file_options,
	.uses_format = true,
	.metadata = file_metadata,
	.source = &file_source_ops,
	.sink = &tr_sink_file_ops,
};
