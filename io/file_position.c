/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions of the filesystem source (io/source.h): which files have been begun and how far they have been dealt.
 *
 * A file is found again by its path, and is the same one if inode and size say so: a file that has been replaced or is
 * shorter is refused; bytes that were appended since it was begun are not read, restored or not. Files that had been read to
 * their end are only remembered, so that they are not read again; they may be gone. Names that a checkpoint does not
 * know become new splits behind those that it knows, as if they had just been found.
 *
 *     text of a split      inode=<n> size=<bytes> path=<to its end>
 *
 * A chunk in hand of a plain file is a ticket again. Of a compressed file only the first one is: who gets it reads the file
 * from its beginning, throws away what lies before, and goes on to the end.
 */
#include "io/file_split.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "io/memory.h"

bool tr_file_position_barrier(struct tr_source *source, uint64_t checkpoint, struct tr_position_writer *writer)
{
	struct tr_bytes text = {0};
	bool is_first;

	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	is_first = checkpoint > source->barrier;
	if (is_first)
		source->barrier = checkpoint;
	for (uint64_t i = 0; is_first && i < source->begun; i++) {
		const struct tr_file_split *split = source->splits[i];

		tr_bytes_clear(&text);
		tr_bytes_printf(&text, "inode=%" PRIu64 " size=%" PRId64 " path=%s", split->inode, split->size_bytes,
				split->path);
		tr_bytes_append_char(&text, '\0');
		writer->put_split(writer, &(struct tr_split_position){.split = split->number,
								      .next_chunk = split->next_chunk,
								      .next_start = split->next_offset,
								      .is_dealt = split->is_dealt,
								      .text = text.data});
	}
	for (uint64_t i = source->restored_next; is_first && i < source->restored_count; i++) {
		const struct tr_file_ticket *ticket = &source->restored[i];
		const bool is_plain = ticket->split->compression == TR_COMPRESSION_NONE;

		writer->put_chunk(writer, &(struct tr_chunk_position){
						  .split = ticket->split->number,
						  .chunk = ticket->chunk,
						  .start = ticket->is_start_known ? ticket->start : ticket->begin,
						  .limit = is_plain ? ticket->end : 0,
					  });
	}
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
	tr_bytes_deinit(&text);
	return is_first;
}

bool tr_file_position_is_behind(struct tr_source *source, uint64_t barrier)
{
	bool is_behind;

	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	is_behind = barrier < source->barrier;
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
	return is_behind;
}

static tr_code fail_position(const struct tr_source *source, const char *path, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_DATA, "table '%s': the saved position in %s makes no sense", source->spec->name, path);
}

/** Opens a file that is to be read on, and sees whether it is still the one that was read. */
static tr_code open_again(struct tr_source *source, struct tr_file_split *split, uint64_t inode, int64_t size_bytes,
			  struct tr_status *st)
{
	const char *table = source->spec->name;
	const tr_code code = tr_file_split_open(source, split, st);

	if (code == TR_ERR_NO_INPUT)
		return tr_status_prefix(st, code, "a file that was being read when the checkpoint was taken");
	TR_TRY(code);
	if (split->inode != inode)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': %s has been replaced since the checkpoint (inode %" PRIu64 " then, %" PRIu64
			" now); reading can't go on in it",
			table, split->path, inode, split->inode);
	if (split->size_bytes < size_bytes)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': %s has become shorter since the checkpoint (%" PRId64 " bytes then, %" PRId64
			" now); reading can't go on in it",
			table, split->path, size_bytes, split->size_bytes);
	split->size_bytes = size_bytes;
	return TR_OK;
}

static tr_code restore_split(struct tr_source *source, const struct tr_split_position *position, bool is_in_hand,
			     struct tr_status *st)
{
	struct tr_file_split *split;
	uint64_t inode;
	int64_t size_bytes;
	int length = 0;

	if (sscanf(position->text, "inode=%" SCNu64 " size=%" SCNd64 " path=%n", &inode, &size_bytes, &length) != 2 ||
	    length == 0 || position->text[length] == '\0' || position->split != source->split_count)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': the saved position is not one of a file", source->spec->name);
	split = tr_file_split_add(source, position->text + length);
	split->is_begun = true;
	source->begun++;
	split->next_chunk = position->next_chunk;
	split->next_offset = position->next_start;
	split->is_dealt = position->is_dealt;
	split->size_bytes = size_bytes;
	split->inode = inode;
	if (split->next_offset < 0 || split->next_offset > size_bytes || split->next_chunk == 0 ||
	    split->is_dealt != (split->next_offset == size_bytes))
		return fail_position(source, split->path, st);
	if (split->is_dealt && !is_in_hand)
		return TR_OK;
	return open_again(source, split, inode, size_bytes, st);
}

static tr_code restore_chunk(struct tr_source *source, const struct tr_chunk_position *position, struct tr_status *st)
{
	struct tr_file_split *split = source->splits[position->split];
	const bool is_plain = split->compression == TR_COMPRESSION_NONE;
	const int64_t end = is_plain ? position->limit : split->size_bytes;
	struct tr_file_ticket *ticket = &source->restored[source->restored_count];

	if (source->restored_count > 0 && !is_plain && ticket[-1].split == split)
		return TR_OK; /* comes by itself */
	if (position->start < 0 || (is_plain && (position->start > split->size_bytes || end < 0 ||
						 end > split->next_offset || position->chunk >= split->next_chunk)))
		return fail_position(source, split->path, st);
	*ticket = (struct tr_file_ticket){
		.split = split,
		.chunk = position->chunk,
		.begin = is_plain ? TR_MIN(position->start, end) : 0,
		.end = end,
		.is_split_end = end == split->size_bytes,
		.is_start_known = position->is_confirmed || (!is_plain && position->chunk > 0),
		.start = position->start,
	};
	source->restored_count++;
	split->readers++;
	return TR_OK;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/** Forgets the splits that opening has found, and takes the list of their names out. */
static struct tr_file_list take_found(struct tr_source *source)
{
	struct tr_file_list found = source->seen;

	source->seen = (struct tr_file_list){0};
	tr_file_split_deinit(source);
	source->splits = NULL;
	source->split_count = source->split_capacity = 0;
	return found;
}

/** All names in order: those of the restored splits, and behind them as new splits what else was found. */
static void add_found(struct tr_source *source, const struct tr_file_list *found)
{
	struct tr_file_list *seen = &source->seen;
	const uint64_t restored = source->split_count;

	for (uint64_t i = 0; i < restored; i++)
		tr_file_list_add(seen, source->splits[i]->path);
	if (seen->count > 0)
		qsort(seen->paths, seen->count, sizeof(*seen->paths), compare_names);
	for (uint32_t i = 0; i < found->count; i++) {
		if (restored == 0 || bsearch(&found->paths[i], seen->paths, (size_t)restored, sizeof(*seen->paths),
					     compare_names) == NULL)
			(void)tr_file_split_add(source, found->paths[i]);
	}
	for (uint64_t i = restored; i < source->split_count; i++)
		tr_file_list_add(seen, source->splits[i]->path);
	if (seen->count > 0)
		qsort(seen->paths, seen->count, sizeof(*seen->paths), compare_names);
}

tr_code tr_file_position_restore(struct tr_source *source, const struct tr_source_positions *positions,
				 struct tr_status *st)
{
	struct tr_file_list found = take_found(source);
	tr_code code = TR_OK;
	uint64_t c = 0;

	TR_ASSERT(source->begun == 0 && source->restored == NULL);
	source->restored = tr_io_calloc(positions->chunk_count, sizeof(*source->restored));
	for (uint64_t i = 0; code == TR_OK && i < positions->split_count; i++) {
		const uint64_t first = c;

		while (c < positions->chunk_count && positions->chunks[c].split == positions->splits[i].split)
			c++;
		code = restore_split(source, &positions->splits[i], c > first, st);
		for (uint64_t k = first; code == TR_OK && k < c; k++)
			code = restore_chunk(source, &positions->chunks[k], st);
	}
	if (code == TR_OK && c != positions->chunk_count)
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "table '%s': a chunk in hand is of no file",
				     source->spec->name);
	if (code == TR_OK)
		add_found(source, &found);
	tr_file_list_deinit(&found);
	return code;
}
