/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem sink: rows to part files that appear whole or not at all.
 *
 *     batch --by partition--> open part of the folder --encode--> its buffer --1 MiB--> write --roll or end--> publish
 *
 * A part is published (io/file_part.h) when it has reached its size, when it is too old or has been idle, and at the
 * end of input; a job that fails publishes nothing more and removes what is pending. A partitioned table has one open
 * part per folder that rows go to, however many (io/file_part_set.h: few of them have their file open, and their
 * buffers share a bound). Partition columns make the folder's name and are left out of the file.
 *
 * With checkpoints a part that would be published waits as a pending file for the commit (io/file_commit.h), and prepare
 * closes all parts: what is published is what was written before the barrier. So nothing of a file is state but its names
 * and its size, and files are as many as checkpoints, or more.
 *
 * With 'sink.partition-commit.policy.kind' = 'success-file', a folder of which no part is open any more gets an empty
 * file _SUCCESS. Rows that are not inserts can't be written: the planner refuses them, and so does write.
 */
#include "io/sink_file.h"

#include <errno.h>
#include <stdio.h>

#include "base/type.h"
#include "io/connector.h"
#include "io/file_commit.h"
#include "io/file_list.h"
#include "io/file_part_set.h"
#include "io/file_partition.h"
#include "io/format.h"
#include "io/memory.h"
#include "io/options.h"

#define CLOSING_LOOK_NS 10000000
#define FLUSH_BYTES (1 << 20)
#define FLUSH_BYTES_PARTITIONED (128 << 10)

struct tr_sink {
	const struct tr_table_spec *spec;
	struct tr_table_spec encoder_spec; /* without the partition columns */
	struct tr_schema encoder_schema;
	struct tr_arena arena;
	uint32_t *encoder_columns; /* encoder's column -> table's column */
	struct tr_column *columns; /* scratch: what the encoder sees */
	struct tr_encoder *encoder;
	struct tr_sink_context *context;
	struct tr_file_part_set parts;
	struct tr_file_commit commit;
	struct tr_bytes folder;       /* scratch */
	uint32_t *chain;              /* row -> next row of the same part */
	uint32_t *rows;               /* scratch: a part's rows */
	struct tr_file_part *touched; /* list: parts with rows of the current batch */

	const char *default_partition;
	const char *success_name; /* NULL: none */
	int64_t roll_bytes;
	int64_t roll_ns;
	int64_t inactivity_ns;
	int64_t check_ns;
};

/* ---- open ---- */

static void make_encoder_spec(struct tr_sink *s)
{
	const struct tr_table_spec *spec = s->spec;
	const uint32_t count = spec->schema->column_count;
	const char **names = TR_NEW_ARRAY(&s->arena, count, const char *);
	const struct tr_type **types = TR_NEW_ARRAY(&s->arena, count, const struct tr_type *);
	uint32_t n = 0;

	s->encoder_columns = TR_NEW_ARRAY(&s->arena, count, uint32_t);
	s->columns = TR_NEW_ARRAY(&s->arena, count, struct tr_column);
	for (uint32_t c = 0; c < count; c++) {
		bool is_partition = false;

		for (uint32_t p = 0; p < spec->partition_count; p++)
			is_partition |= spec->partition_columns[p] == c;
		if (is_partition)
			continue;
		names[n] = spec->schema->names[c];
		types[n] = spec->schema->types[c];
		s->encoder_columns[n++] = c;
	}
	s->encoder_schema = (struct tr_schema){.column_count = n, .names = names, .types = types};
	s->encoder_spec = *spec;
	s->encoder_spec.schema = &s->encoder_schema;
	s->encoder_spec.partition_columns = NULL;
	s->encoder_spec.partition_count = 0;
}

struct folder_search {
	struct tr_file_list found;
	const char *start; /* "dt=" */
};

static bool collect_folder(void *context, const char *name)
{
	struct folder_search *search = context;

	if (strncmp(name, search->start, strlen(search->start)) == 0)
		tr_file_list_add(&search->found, name);
	return search->found.count < TR_FILE_LIST_MAX;
}

/** Cleans the table's directory and its partition folders, level by level. */
static tr_code clean_folders(struct tr_sink *s, struct tr_status *st)
{
	struct tr_disk *disk = s->parts.owner.disk;
	struct tr_file_list level = {0};
	tr_code code = TR_OK;

	tr_file_list_add(&level, "");
	for (uint32_t p = 0; code == TR_OK && p <= s->spec->partition_count; p++) {
		struct tr_file_list next = {0};

		for (uint32_t i = 0; code == TR_OK && i < level.count; i++) {
			struct folder_search search = {0};
			char *path = NULL;

			code = tr_file_part_clean(&s->parts.owner, level.paths[i], &s->commit.leftovers, st);
			if (code != TR_OK || p == s->spec->partition_count)
				continue;
			search.start = s->spec->schema->names[s->spec->partition_columns[p]];
			TR_ASSERT(asprintf(&path, "%s/%s", s->parts.owner.directory, level.paths[i]) >= 0);
			code = disk->ops->list(disk, path, collect_folder, &search, st);
			for (uint32_t f = 0; f < search.found.count; f++) {
				struct tr_file_info info;
				char *child = NULL;

				TR_ASSERT(asprintf(&child, "%s%s", path, search.found.paths[f]) >= 0);
				if (disk->ops->stat(disk, child, &info, NULL) == TR_OK && info.is_directory) {
					free(child);
					TR_ASSERT(asprintf(&child, "%s%s/", level.paths[i], search.found.paths[f]) >= 0);
					tr_file_list_add(&next, child);
				}
				free(child);
			}
			tr_file_list_deinit(&search.found);
			free(path);
		}
		tr_file_list_deinit(&level);
		level = next;
	}
	tr_file_list_deinit(&level);
	return code;
}

/** Makes a file in the directory, to learn now and not after an hour that it can't be written to. */
static tr_code probe_directory(struct tr_sink *s, struct tr_status *st)
{
	struct tr_disk *disk = s->parts.owner.disk;
	struct tr_file *file = NULL;
	char *path = NULL;
	tr_code code;

	TR_ASSERT(asprintf(&path, "%s/.part-%s-%u-0.probe", s->parts.owner.directory, s->parts.owner.job_id,
			   s->parts.owner.subtask) >= 0);
	code = disk->ops->open(disk, path, TR_OPEN_WRITE | TR_OPEN_CREATE, &file, st);
	if (code == TR_OK) {
		struct tr_status why = {0};

		disk->ops->close(disk, &file);
		code = disk->ops->unlink(disk, path, &why);
		if (why.sys_errno == ENOENT) /* another job that begins has taken it for a leftover */
			code = TR_OK;
		else if (st != NULL)
			*st = why;
	}
	free(path);
	return code;
}

/** With checkpoints the part waits for its commit; else it is published, and a folder of which no part is left gets its
 * empty file. */
static tr_code part_done(void *context, struct tr_file_part *part, struct tr_status *st)
{
	struct tr_sink *s = context;
	struct tr_disk *disk = s->parts.owner.disk;

	if (part->state == TR_PART_DURABLE) {
		tr_file_commit_add(&s->commit, part);
		return TR_OK;
	}
	if (s->success_name == NULL || tr_file_part_set_is_busy(&s->parts, part->folder, part))
		return TR_OK;
	TR_TRY(tr_file_commit_mark(disk, part->directory, s->success_name, st));
	return disk->ops->sync_directory(disk, part->directory, st);
}

static void read_options(struct tr_sink *s, const char *local)
{
	const struct tr_options *o = &s->spec->options;
	struct tr_file_part_owner owner;
	size_t length = strlen(local);
	char *directory;

	while (length > 1 && local[length - 1] == '/')
		length--;
	directory = tr_arena_strndup(&s->arena, local, length);
	owner = (struct tr_file_part_owner){
		.table = s->spec->name,
		.directory = directory,
		.job_id = s->spec->job_id != NULL ? s->spec->job_id : "00000000000000000000000000000000",
		.suffix = s->spec->format->name,
		.subtask = s->context->subtask,
		.subtask_count = s->context->subtask_count,
		.has_checkpoints = s->context->has_checkpoints,
		.flush_bytes = s->spec->partition_count > 0 ? FLUSH_BYTES_PARTITIONED : FLUSH_BYTES,
		.disk = s->context->env->disk,
		.io = s->context->io,
	};
	tr_file_part_set_init(&s->parts, &owner, part_done, s);
	s->default_partition = tr_options_get(o, "partition.default-name");
	if (s->default_partition == NULL)
		s->default_partition = TR_PARTITION_DEFAULT_NAME;
	if (tr_options_get(o, "sink.partition-commit.policy.kind") != NULL && s->spec->partition_count > 0) {
		s->success_name = tr_options_get(o, "sink.partition-commit.success-file.name");
		if (s->success_name == NULL)
			s->success_name = TR_SINK_FILE_SUCCESS_DEFAULT;
	}
	tr_file_commit_init(&s->commit, &s->parts, s->success_name);
	s->roll_bytes = tr_options_memory_bytes(o, "sink.rolling-policy.file-size", INT64_C(128) << 20);
	s->roll_ns = tr_options_duration_ms(o, "sink.rolling-policy.rollover-interval", 1800000) * 1000000;
	s->inactivity_ns = tr_options_duration_ms(o, "sink.rolling-policy.inactivity-interval", 1800000) * 1000000;
	s->check_ns = tr_options_duration_ms(o, "sink.rolling-policy.check-interval", 60000) * 1000000;
}

static void file_close(struct tr_sink **sink)
{
	struct tr_sink *s = *sink;

	if (s == NULL)
		return;
	tr_file_commit_deinit(&s->commit);
	tr_file_part_set_deinit(&s->parts);
	free(s->chain);
	free(s->rows);
	if (s->encoder != NULL)
		s->spec->format->encoder->destroy(&s->encoder);
	tr_bytes_deinit(&s->folder);
	tr_arena_deinit(&s->arena);
	free(s);
	*sink = NULL;
}

static tr_code file_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			 struct tr_status *st)
{
	const char *path = tr_options_get(&spec->options, "path");
	const char *local = path;
	struct tr_sink *s;
	tr_code code;

	TR_ASSERT(spec->format != NULL && path != NULL && sink != NULL);
	*sink = NULL;
	if (spec->format->encoder == NULL)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': format '%s' can't be written", spec->name, spec->format->name);
	TR_TRY(tr_source_file_check_partitions(spec, st));
	s = tr_io_calloc(1, sizeof(*s));
	tr_arena_init(&s->arena, 0);
	s->spec = spec;
	s->context = context;
	context->wake_at_ns = INT64_MAX;
	make_encoder_spec(s);
	code = tr_file_list_local_path(path, &local, st);
	if (code == TR_OK && strpbrk(local, "*?") != NULL)
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
				     "path '%s' is a pattern: it can be read, not written", path);
	read_options(s, local);
	if (spec->partition_count > 0) {
		s->chain = tr_io_calloc(TR_BATCH_ROWS_MAX, sizeof(*s->chain));
		s->rows = tr_io_calloc(TR_BATCH_ROWS_MAX, sizeof(*s->rows));
	}
	if (code == TR_OK)
		code = tr_disk_make_durable_directory(s->parts.owner.disk, s->parts.owner.directory, false, st);
	if (code == TR_OK)
		code = probe_directory(s, st);
	if (code == TR_OK)
		code = clean_folders(s, st);
	if (code == TR_OK && context->has_checkpoints)
		code = tr_file_part_lock(&s->parts.owner, st);
	if (code != TR_OK)
		code = tr_status_prefix(st, code, "table '%s'", spec->name);
	else
		code = spec->format->encoder->create(&s->encoder_spec, &s->encoder, st);
	if (code != TR_OK) {
		file_close(&s);
		return code;
	}
	*sink = s;
	return TR_OK;
}

/* ---- write ---- */

static enum tr_flow flow_now(const struct tr_sink *s)
{
	return tr_file_part_set_is_full(&s->parts) ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static void set_wake(struct tr_sink *s, int64_t now_ns)
{
	if (s->parts.count == 0)
		s->context->wake_at_ns = INT64_MAX;
	else if (s->context->wake_at_ns == INT64_MAX || s->context->wake_at_ns <= now_ns)
		s->context->wake_at_ns = now_ns + s->check_ns;
	if (s->parts.closing_count > 0) /* nobody asks again when the input is quiet */
		s->context->wake_at_ns = TR_MIN(s->context->wake_at_ns, now_ns + CLOSING_LOOK_NS);
}

static void encode_view(struct tr_sink *s, const struct tr_batch *batch, struct tr_batch *view)
{
	*view = *batch;
	for (uint32_t c = 0; c < s->encoder_schema.column_count; c++)
		s->columns[c] = batch->columns[s->encoder_columns[c]];
	view->schema = &s->encoder_schema;
	view->columns = s->columns;
}

static tr_code append(struct tr_sink *s, struct tr_file_part *part, const struct tr_batch *view, const uint32_t *rows,
		      uint32_t count, int64_t now_ns, struct tr_status *st)
{
	TR_TRY(tr_file_part_encode(part, s->spec->format->encoder, s->encoder, view, rows, count, st));
	part->touched_ns = now_ns;
	TR_TRY(tr_file_part_set_appended(&s->parts, part, st));
	if (part->size_bytes >= s->roll_bytes)
		tr_file_part_set_roll(&s->parts, part);
	return TR_OK;
}

static bool is_same_partition(const struct tr_sink *s, const struct tr_batch *batch, uint32_t a, uint32_t b)
{
	for (uint32_t p = 0; p < s->spec->partition_count; p++) {
		const struct tr_column *column = &batch->columns[s->spec->partition_columns[p]];
		const size_t width = tr_phys_bytes(column->type->phys);
		const char *data = column->data;
		const bool is_null = tr_column_is_null(column, a);

		if (is_null != tr_column_is_null(column, b))
			return false;
		if (is_null || column->is_constant)
			continue;
		if (column->type->phys == TR_PHYS_VIEW) {
			if (!tr_view_equals(tr_column_view(column, a), tr_column_view(column, b)))
				return false;
		} else if (memcmp(data + a * width, data + b * width, width) != 0) {
			return false;
		}
	}
	return true;
}

/** Encodes what the touched parts have been given. */
static tr_code encode_rows(struct tr_sink *s, const struct tr_batch *view, int64_t now_ns, struct tr_status *st)
{
	while (s->touched != NULL) {
		struct tr_file_part *part = s->touched;
		const uint32_t count = part->row_count;

		for (uint32_t i = 0, row = part->row_first; i < count; i++, row = s->chain[row])
			s->rows[i] = row;
		s->touched = part->touched_next;
		part->row_count = 0;
		TR_TRY(append(s, part, view, s->rows, count, now_ns, st));
	}
	return TR_OK;
}

static void add_row(struct tr_sink *s, struct tr_file_part *part, uint32_t row)
{
	if (part->row_count++ == 0) {
		part->row_first = row;
		part->touched_next = s->touched;
		s->touched = part;
	} else {
		s->chain[part->row_last] = row;
	}
	part->row_last = row;
}

static tr_code write_partitioned(struct tr_sink *s, const struct tr_batch *batch, const struct tr_batch *view,
				 int64_t now_ns, struct tr_status *st)
{
	struct tr_file_part *part = NULL;
	uint32_t last = 0;

	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t row = tr_batch_row(batch, i);

		if (part == NULL || !is_same_partition(s, batch, row, last)) {
			tr_bytes_clear(&s->folder);
			tr_file_partition_append(&s->folder, s->spec, batch, row, s->default_partition);
			tr_bytes_append_char(&s->folder, '\0');
			TR_TRY(tr_file_part_set_find(&s->parts, s->folder.data, now_ns, &part, st));
		}
		add_row(s, part, row);
		last = row;
	}
	return encode_rows(s, view, now_ns, st);
}

static enum tr_flow file_write(struct tr_sink *s, const struct tr_batch *batch, struct tr_status *st)
{
	const int64_t now_ns = tr_environment_monotonic_ns(s->context->env);
	struct tr_file_part *part;
	struct tr_batch view;

	TR_ASSERT(batch->row_count <= TR_BATCH_ROWS_MAX);
	for (uint32_t i = 0; batch->row_kinds != NULL && i < batch->selected_count; i++) {
		if (batch->row_kinds[tr_batch_row(batch, i)] != TR_ROW_INSERT) {
			(void)tr_status_set(st, TR_ERR_FAILED, 0, TR_WHERE,
					    "table '%s': files can't take updates or deletes, only inserts",
					    s->spec->name);
			return TR_FLOW_FAILED;
		}
	}
	if (batch->selected_count == 0)
		return flow_now(s);
	encode_view(s, batch, &view);
	if (s->spec->partition_count > 0) {
		if (write_partitioned(s, batch, &view, now_ns, st) != TR_OK)
			return TR_FLOW_FAILED;
	} else if (tr_file_part_set_find(&s->parts, "", now_ns, &part, st) != TR_OK ||
		   append(s, part, &view, batch->selection, batch->selected_count, now_ns, st) != TR_OK) {
		return TR_FLOW_FAILED;
	}
	if (tr_file_part_set_step(&s->parts, st) != TR_OK)
		return TR_FLOW_FAILED;
	set_wake(s, now_ns);
	return flow_now(s);
}

static enum tr_flow file_resume(struct tr_sink *s, struct tr_status *st)
{
	if (tr_file_part_set_step(&s->parts, st) != TR_OK)
		return TR_FLOW_FAILED;
	return flow_now(s);
}

static enum tr_flow file_tick(struct tr_sink *s, struct tr_status *st)
{
	const int64_t now_ns = tr_environment_monotonic_ns(s->context->env);

	for (uint32_t i = s->parts.open_count; i-- > 0;) {
		struct tr_file_part *part = s->parts.open[i];

		if (now_ns - part->opened_ns >= s->roll_ns || now_ns - part->touched_ns >= s->inactivity_ns)
			tr_file_part_set_roll(&s->parts, part);
	}
	if (tr_file_part_set_step(&s->parts, st) != TR_OK)
		return TR_FLOW_FAILED;
	set_wake(s, now_ns);
	return flow_now(s);
}

static enum tr_flow file_finish(struct tr_sink *s, struct tr_status *st)
{
	TR_ASSERT(!s->context->has_checkpoints);
	while (s->parts.open_count > 0)
		tr_file_part_set_roll(&s->parts, s->parts.open[s->parts.open_count - 1]);
	s->context->wake_at_ns = INT64_MAX;
	if (tr_file_part_set_step(&s->parts, st) != TR_OK)
		return TR_FLOW_FAILED;
	return s->parts.count == 0 ? TR_FLOW_DONE : TR_FLOW_BLOCKED;
}

/* ---- with checkpoints ---- */

static enum tr_flow file_prepare(struct tr_sink *s, uint64_t checkpoint, struct tr_status *st)
{
	TR_ASSERT(s->context->has_checkpoints);
	if (s->parts.open_count > 0)
		tr_file_part_set_roll_all(&s->parts);
	s->context->wake_at_ns = INT64_MAX;
	if (tr_file_part_set_step(&s->parts, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (s->parts.count > 0)
		return TR_FLOW_BLOCKED;
	return tr_file_commit_prepare(&s->commit, checkpoint, st);
}

static tr_code file_save(struct tr_sink *s, struct tr_state_writer *writer, struct tr_status *st)
{
	return tr_file_commit_save(&s->commit, writer, st);
}

static enum tr_flow file_commit(struct tr_sink *s, uint64_t checkpoint, struct tr_status *st)
{
	return tr_file_commit_publish(&s->commit, checkpoint, st);
}

static tr_code file_load(struct tr_sink *s, const struct tr_state_origin *origin, const struct tr_state_record *record,
			 struct tr_status *st)
{
	return tr_file_commit_load(&s->commit, origin, record, st);
}

static tr_code file_recover(struct tr_sink *s, struct tr_status *st)
{
	return tr_file_commit_recover(&s->commit, s->context->restored_checkpoint, st);
}

const struct tr_sink_ops tr_sink_file_ops = {
	.open = file_open,
	.write = file_write,
	.resume = file_resume,
	.tick = file_tick,
	.finish = file_finish,
	.prepare = file_prepare,
	.save = file_save,
	.commit = file_commit,
	.load = file_load,
	.recover = file_recover,
	.close = file_close,
};
