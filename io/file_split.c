/* SPDX-License-Identifier: Apache-2.0
 *
 * Splits of the filesystem source: found, begun, dealt, closed. See io/file_split.h.
 */
#include "io/file_split.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/memory.h"

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_seen(const struct tr_file_list *seen, const char *path)
{
	return seen->count > 0 && bsearch(&path, seen->paths, seen->count, sizeof(*seen->paths), compare_names) != NULL;
}

struct tr_file_split *tr_file_split_add(struct tr_source *source, const char *path)
{
	struct tr_file_split *split = tr_io_calloc(1, sizeof(*split));

	if (source->split_count == source->split_capacity) {
		source->split_capacity = TR_MAX(source->split_capacity * 2, 16);
		source->splits = tr_io_realloc(source->splits, source->split_capacity * sizeof(*source->splits));
	}
	split->number = source->split_count;
	split->path = tr_io_strdup(path);
	TR_ASSERT(asprintf(&split->name, "file %s", path) >= 0);
	source->splits[source->split_count++] = split;
	return split;
}

tr_code tr_file_split_scan(struct tr_source *source, struct tr_status *st)
{
	struct tr_file_list found = {0};
	const uint64_t before = source->split_count;
	const tr_code code = tr_file_list_fill(&found, source->env->disk, source->path, st);

	for (uint32_t i = 0; code == TR_OK && i < found.count; i++) {
		if (!is_seen(&source->seen, found.paths[i]))
			(void)tr_file_split_add(source, found.paths[i]);
	}
	tr_file_list_deinit(&found);
	if (code != TR_OK)
		return tr_status_prefix(st, code, "table '%s'", source->spec->name);
	for (uint64_t i = before; i < source->split_count; i++)
		tr_file_list_add(&source->seen, source->splits[i]->path);
	if (source->split_count > before)
		qsort(source->seen.paths, source->seen.count, sizeof(*source->seen.paths), compare_names);
	return TR_OK;
}

/** The path as a whole, from the root. */
static char *whole_path(const char *path)
{
	char *directory = path[0] != '/' ? getcwd(NULL, 0) : NULL;
	const size_t room = strlen(path) + (directory != NULL ? strlen(directory) : 0) + 2;
	char *whole = tr_io_calloc(room, 1);

	(void)snprintf(whole, room, "%s%s%s", directory != NULL ? directory : "", directory != NULL ? "/" : "", path);
	free(directory);
	return whole;
}

static void set_metadata(struct tr_file_split *split, const struct tr_file_info *info)
{
	struct tr_partition_value *values = split->metadata;
	const char *slash;

	tr_file_partition_deinit(values, TR_FILE_METADATA_COUNT);
	values[TR_FILE_METADATA_PATH].text = whole_path(split->path);
	slash = strrchr(values[TR_FILE_METADATA_PATH].text, '/');
	values[TR_FILE_METADATA_NAME].text = tr_io_strdup(slash + 1);
	for (uint32_t i = TR_FILE_METADATA_PATH; i <= TR_FILE_METADATA_NAME; i++)
		values[i].length = (uint32_t)strlen(values[i].text);
	values[TR_FILE_METADATA_SIZE].i64 = info->size_bytes;
	values[TR_FILE_METADATA_TIME].i64 = info->modified_ms;
}

tr_code tr_file_split_open(struct tr_source *source, struct tr_file_split *split, struct tr_status *st)
{
	struct tr_disk *disk = source->env->disk;
	struct tr_file_info info;
	tr_code code;

	TR_ASSERT(split->file == NULL);
	code = tr_decompress_kind_of(split->path, &split->compression, st);
	if (code == TR_OK)
		code = disk->ops->open(disk, split->path, TR_OPEN_READ, &split->file, st);
	if (code == TR_OK)
		code = disk->ops->file_stat(disk, split->file, &info, st);
	if (code == TR_OK && !info.is_regular)
		code = tr_status_set(st, TR_ERR_NO_INPUT, 0, TR_WHERE, "%s is no longer a regular file", split->path);
	if (code != TR_OK) {
		disk->ops->close(disk, &split->file);
		return tr_status_prefix(st, code, "table '%s'", source->spec->name);
	}
	code = tr_file_partition_read(source->spec, split->path, source->default_partition, split->partition, st);
	if (code != TR_OK) {
		tr_file_partition_deinit(split->partition, source->spec->partition_count);
		tr_file_partition_deinit(split->metadata, TR_FILE_METADATA_COUNT);
		disk->ops->close(disk, &split->file);
		return code;
	}
	split->size_bytes = info.size_bytes;
	split->inode = info.inode;
	set_metadata(split, &info);
	return TR_OK;
}

static tr_code begin(struct tr_source *source, struct tr_file_split *split, struct tr_status *st)
{
	TR_ASSERT(!split->is_begun);
	TR_TRY(tr_file_split_open(source, split, st));
	split->is_begun = true;
	source->begun++;
	return TR_OK;
}

static void fill_ticket(struct tr_source *source, struct tr_file_split *split, struct tr_file_ticket *ticket)
{
	const int64_t left = split->size_bytes - split->next_offset;
	const int64_t bytes = split->compression != TR_COMPRESSION_NONE ? left : TR_MIN(left, source->chunk_bytes);

	TR_ASSERT(left >= 0);
	ticket->split = split;
	ticket->chunk = split->next_chunk++;
	ticket->begin = split->next_offset;
	ticket->end = split->next_offset + bytes;
	ticket->is_split_end = ticket->end == split->size_bytes;
	split->next_offset = ticket->end;
	split->is_dealt = ticket->is_split_end;
	split->readers++;
}

static enum tr_flow deal(struct tr_source *source, uint64_t barrier, struct tr_file_ticket *ticket, int64_t *wake_at_ns,
			 struct tr_status *st)
{
	struct tr_file_split *split;

	if (barrier < source->barrier) {
		*wake_at_ns = INT64_MAX;
		return TR_FLOW_BLOCKED;
	}
	if (source->restored_next < source->restored_count) {
		*ticket = source->restored[source->restored_next++];
		return TR_FLOW_MORE;
	}
	for (;;) {
		int64_t now_ns;

		while (source->oldest < source->split_count && source->splits[source->oldest]->is_dealt)
			source->oldest++;
		if (source->oldest < source->split_count)
			break;
		if (source->monitor_ms == 0)
			return TR_FLOW_DONE;
		now_ns = tr_environment_monotonic_ns(source->env);
		if (now_ns < source->next_scan_ns) {
			*wake_at_ns = source->next_scan_ns;
			return TR_FLOW_BLOCKED;
		}
		source->next_scan_ns = now_ns + source->monitor_ms * 1000000;
		if (tr_file_split_scan(source, st) != TR_OK)
			return TR_FLOW_FAILED;
	}
	split = source->splits[source->oldest];
	ticket->split = split;
	if (!split->is_begun && begin(source, split, st) != TR_OK)
		return TR_FLOW_FAILED;
	fill_ticket(source, split, ticket);
	return TR_FLOW_MORE;
}

enum tr_flow tr_file_split_deal(struct tr_source *source, uint64_t barrier, struct tr_file_ticket *ticket,
				int64_t *wake_at_ns, struct tr_status *st)
{
	enum tr_flow flow;

	TR_ASSERT(source != NULL && ticket != NULL);
	memset(ticket, 0, sizeof(*ticket));
	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	flow = deal(source, barrier, ticket, wake_at_ns, st);
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
	return flow;
}

void tr_file_split_done(struct tr_source *source, struct tr_file_ticket *ticket)
{
	struct tr_file_split *split = ticket->split;

	TR_ASSERT(split != NULL);
	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	TR_ASSERT(split->readers > 0);
	split->readers--;
	if (split->readers == 0 && split->is_dealt)
		source->env->disk->ops->close(source->env->disk, &split->file);
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
	memset(ticket, 0, sizeof(*ticket));
}

void tr_file_split_deinit(struct tr_source *source)
{
	for (uint64_t i = source->restored_next; i < source->restored_count; i++)
		source->restored[i].split->readers--;
	free(source->restored);
	for (uint64_t i = 0; i < source->split_count; i++) {
		struct tr_file_split *split = source->splits[i];

		TR_ASSERT(split->readers == 0);
		source->env->disk->ops->close(source->env->disk, &split->file);
		tr_file_partition_deinit(split->partition, source->spec->partition_count);
		tr_file_partition_deinit(split->metadata, TR_FILE_METADATA_COUNT);
		free(split->path);
		free(split->name);
		free(split);
	}
	free(source->splits);
	tr_file_list_deinit(&source->seen);
}
