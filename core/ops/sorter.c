/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorter; see the header. A run is a list of records, and a record a list of rows with their lengths in front, so that what comes
 * back from the disk is read where it lies.
 */
#include "core/ops/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/sort.h"
#include "state/huge.h"

#define BLOCK_BYTES_MIN ((size_t)64 << 10)
#define BLOCK_BYTES_MAX ((size_t)8 << 20)
#define BLOCK_SHARE 16 /* of the limit, at most */
#define ITEMS_AHEAD 16 /* whose rows are on their way to the cache */
#define RECORD_BYTES ((size_t)32 << 10)
#define BUFFER_BYTES_MIN ((size_t)64 << 10)
#define BUFFER_BYTES_MAX ((size_t)1 << 20)
#define RUNS_SHARE 2 /* of the limit, for reading runs */
#define RUNS_MIN 4
#define STREAM_MIN 1024
#define CUT_MIN 4096 /* rows; a limited sort does not bother with fewer */

void tr_sorter_init(struct tr_sorter *sorter, struct tr_op_context *context, uint64_t rows_needed,
		    bool are_streams_sorted)
{
	*sorter = (struct tr_sorter){
		.context = context, .rows_needed = rows_needed, .are_streams_sorted = are_streams_sorted};
}

static void free_list(struct tr_sort_block *block)
{
	while (block != NULL) {
		struct tr_sort_block *next = block->next;

		tr_huge_unmap(block, sizeof(*block) + block->room);
		block = next;
	}
}

static void free_blocks(struct tr_sorter *sorter)
{
	free_list(sorter->blocks);
	sorter->blocks = NULL;
	sorter->block_bytes = sorter->block_at = 0;
}

static void close_sources(struct tr_sorter *sorter)
{
	for (uint32_t i = 0; i < sorter->source_count; i++)
		if (sorter->sources[i].is_run)
			tr_spill_reader_deinit(&sorter->sources[i].reader);
	free(sorter->sources);
	free(sorter->heap);
	sorter->sources = NULL;
	sorter->heap = NULL;
	sorter->source_count = sorter->heap_count = sorter->opened = 0;
	sorter->is_head_taken = false;
}

void tr_sorter_deinit(struct tr_sorter *sorter)
{
	close_sources(sorter);
	if (sorter->writing != NULL)
		tr_spill_drop(sorter->spill, &sorter->writing);
	for (uint32_t i = 0; i < sorter->run_count; i++)
		tr_spill_drop(sorter->spill, &sorter->runs[i]);
	tr_spill_close(&sorter->spill);
	for (uint32_t i = 0; i < sorter->stream_count; i++)
		if (sorter->streams[i].items != NULL)
			tr_huge_unmap(sorter->streams[i].items,
				      sorter->streams[i].capacity * sizeof(struct tr_sort_item));
	free_blocks(sorter);
	free(sorter->streams);
	free(sorter->runs);
	tr_bytes_deinit(&sorter->threshold_bytes);
	tr_bytes_deinit(&sorter->record);
	memset(sorter, 0, sizeof(*sorter));
}

size_t tr_sorter_memory(const struct tr_sorter *sorter)
{
	size_t bytes = sorter->block_bytes + (sorter->spill != NULL ? tr_spill_memory(sorter->spill) : 0);

	for (uint32_t i = 0; i < sorter->stream_count; i++)
		bytes += sorter->streams[i].capacity * sizeof(struct tr_sort_item);
	return bytes;
}

/* -- rows -- */

char *tr_sorter_room(struct tr_sorter *sorter, size_t bytes)
{
	const size_t wanted = bytes + TR_SORT_ROW_BYTES_BEHIND;

	if (sorter->blocks == NULL || sorter->blocks->room - sorter->block_at < wanted) {
		const size_t limit = sorter->context->memory_limit;
		const size_t most = limit == 0 ? BLOCK_BYTES_MAX : TR_MIN(limit / BLOCK_SHARE, BLOCK_BYTES_MAX);
		const size_t usual = TR_MAX(TR_MIN(sorter->block_bytes, most), BLOCK_BYTES_MIN);
		const size_t room = TR_MAX(usual - sizeof(struct tr_sort_block), wanted);
		struct tr_sort_block *block = tr_huge_map(sizeof(*block) + room);

		block->next = sorter->blocks;
		block->room = room;
		sorter->blocks = block;
		sorter->block_at = 0;
		sorter->block_bytes += sizeof(*block) + room;
	}
	return sorter->blocks->bytes + sorter->block_at;
}

void tr_sorter_keep(struct tr_sorter *sorter, size_t used)
{
	sorter->block_at += used;
	memset(sorter->blocks->bytes + sorter->block_at, 0, TR_SORT_ROW_BYTES_BEHIND);
}

static void stream_grow(struct tr_sort_stream *stream)
{
	const size_t old_bytes = stream->capacity * sizeof(*stream->items);
	const size_t bytes = TR_MAX(old_bytes * 2, STREAM_MIN * sizeof(*stream->items));
	struct tr_sort_item *items;

	stream->capacity = bytes / sizeof(*stream->items);
	if (old_bytes >= TR_HUGE_MAP_MIN) {
		stream->items = tr_huge_remap(stream->items, old_bytes, bytes);
		return;
	}
	items = tr_huge_map(bytes);
	if (old_bytes > 0) {
		memcpy(items, stream->items, old_bytes);
		tr_huge_unmap(stream->items, old_bytes);
	}
	stream->items = items;
}

void tr_sorter_add(struct tr_sorter *sorter, const char *row, uint32_t number)
{
	struct tr_sort_stream *stream;

	if (number >= sorter->stream_count) {
		sorter->streams = tr_checked(realloc(sorter->streams, (number + 1) * sizeof(*sorter->streams)));
		memset(sorter->streams + sorter->stream_count, 0,
		       (number + 1 - sorter->stream_count) * sizeof(*sorter->streams));
		sorter->stream_count = number + 1;
	}
	stream = &sorter->streams[number];
	if (stream->count == stream->capacity)
		stream_grow(stream);
	stream->items[stream->count++] = tr_sort_item_of(row);
	sorter->row_count++;
}

static void sort_streams(struct tr_sorter *sorter)
{
	for (uint32_t i = 0; i < sorter->stream_count && !sorter->are_streams_sorted; i++) {
		struct tr_sort_stream *stream = &sorter->streams[i];
		const size_t bytes = (stream->count + 1) * sizeof(*stream->items);
		struct tr_sort_item *spare = tr_huge_map(bytes);

		tr_sort_items(stream->items, spare, stream->count);
		tr_huge_unmap(spare, bytes);
	}
}

/** Keeps the rows that are needed, in new blocks, and what the last of them is. */
static void cut(struct tr_sorter *sorter)
{
	struct tr_sort_stream *stream = &sorter->streams[0];
	struct tr_sort_block *old = sorter->blocks;
	const char *last;

	TR_ASSERT(sorter->stream_count == 1 && !sorter->are_streams_sorted);
	sort_streams(sorter);
	sorter->row_count = stream->count = (size_t)TR_MIN(stream->count, sorter->rows_needed);
	sorter->blocks = NULL;
	sorter->block_bytes = sorter->block_at = 0;
	for (size_t i = 0; i < stream->count; i++) {
		const uint32_t length = tr_sort_row_length(stream->items[i].row);
		const size_t bytes = sizeof(length) + length;
		char *room = tr_sorter_room(sorter, bytes);

		memcpy(room, stream->items[i].row - sizeof(length), bytes);
		tr_sorter_keep(sorter, bytes);
		stream->items[i].row = room + sizeof(length);
	}
	if (stream->count == sorter->rows_needed && stream->count > 0) {
		const uint32_t length = tr_sort_row_length(stream->items[stream->count - 1].row);

		last = stream->items[stream->count - 1].row - sizeof(length);
		tr_bytes_clear(&sorter->threshold_bytes);
		memcpy(tr_bytes_reserve(&sorter->threshold_bytes, sizeof(length) + length + TR_SORT_ROW_BYTES_BEHIND),
		       last, sizeof(length) + length + TR_SORT_ROW_BYTES_BEHIND);
		sorter->threshold = tr_sort_item_of(sorter->threshold_bytes.data + sizeof(length));
		sorter->has_threshold = true;
	}
	free_list(old);
}

/* -- merging -- */

static bool is_less(const struct tr_sort_source *a, const struct tr_sort_source *b)
{
	return tr_sort_item_compare(&a->head, &b->head) < 0;
}

static void heap_down(struct tr_sorter *sorter)
{
	struct tr_sort_source **heap = sorter->heap, *moved = heap[0];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= sorter->heap_count)
			break;
		if (child + 1 < sorter->heap_count && is_less(heap[child + 1], heap[child]))
			child++;
		if (!is_less(heap[child], moved))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void heap_push(struct tr_sorter *sorter, struct tr_sort_source *source)
{
	uint32_t at = sorter->heap_count++;

	for (; at > 0 && is_less(source, sorter->heap[(at - 1) / 2]); at = (at - 1) / 2)
		sorter->heap[at] = sorter->heap[(at - 1) / 2];
	sorter->heap[at] = source;
}

/** The source's next row becomes its head. DONE: it has none. */
static enum tr_flow source_next(struct tr_sorter *sorter, struct tr_sort_source *source)
{
	uint32_t length;

	if (!source->is_run) {
		if (source->item == source->end)
			return TR_FLOW_DONE;
		if (source->end - source->item > ITEMS_AHEAD) /* with its length, which lies before it */
			__builtin_prefetch(source->item[ITEMS_AHEAD].row - sizeof(length));
		source->head = *source->item++;
		return TR_FLOW_MORE;
	}
	if (source->at == source->stop) {
		struct tr_spill_item item;
		const enum tr_flow flow = tr_spill_reader_next(&source->reader, &item, &sorter->context->status);

		if (flow != TR_FLOW_MORE)
			return flow;
		source->at = item.record.bytes;
		source->stop = source->at + item.record.length - TR_SORT_ROW_BYTES_BEHIND;
	}
	memcpy(&length, source->at, sizeof(length));
	source->head = tr_sort_item_of(source->at + sizeof(length));
	source->at += sizeof(length) + length;
	return TR_FLOW_MORE;
}

/** Sources for the streams in memory, or none, and for the first `run_count` runs. */
static void open_sources(struct tr_sorter *sorter, bool has_memory, uint32_t run_count)
{
	const uint32_t streams = has_memory ? sorter->stream_count : 0;

	sorter->sources = tr_checked(calloc(streams + run_count + 1, sizeof(*sorter->sources)));
	sorter->heap = tr_checked(calloc(streams + run_count + 1, sizeof(struct tr_sort_source *)));
	for (uint32_t i = 0; i < streams; i++) {
		sorter->sources[i].item = sorter->streams[i].items;
		sorter->sources[i].end = sorter->streams[i].items + sorter->streams[i].count;
	}
	for (uint32_t i = 0; i < run_count; i++) {
		struct tr_sort_source *source = &sorter->sources[streams + i];

		source->is_run = true;
		tr_spill_reader_add(&source->reader, sorter->spill, sorter->runs[i], 0, UINT8_MAX, 0);
	}
	sorter->source_count = streams + run_count;
}

enum tr_flow tr_sorter_next(struct tr_sorter *sorter, const char **row)
{
	enum tr_flow flow;

	for (; sorter->opened < sorter->source_count; sorter->opened++) {
		struct tr_sort_source *source = &sorter->sources[sorter->opened];

		flow = source_next(sorter, source);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
		if (flow == TR_FLOW_MORE)
			heap_push(sorter, source);
	}
	if (sorter->is_head_taken) {
		flow = source_next(sorter, sorter->heap[0]);
		if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
			return flow;
		if (flow == TR_FLOW_DONE)
			sorter->heap[0] = sorter->heap[--sorter->heap_count];
		sorter->is_head_taken = false;
		if (sorter->heap_count > 0)
			heap_down(sorter);
	}
	if (sorter->heap_count == 0)
		return TR_FLOW_DONE;
	*row = sorter->heap[0]->head.row;
	sorter->is_head_taken = true;
	return TR_FLOW_MORE;
}

/* -- runs -- */

static enum tr_flow open_spill(struct tr_sorter *sorter)
{
	struct tr_op_context *context = sorter->context;
	const size_t limit = context->memory_limit;
	const size_t buffer_bytes = TR_MIN(TR_MAX(limit / 32, BUFFER_BYTES_MIN), BUFFER_BYTES_MAX);

	if (sorter->spill != NULL)
		return TR_FLOW_MORE;
	sorter->runs_max = (uint32_t)TR_MAX(limit / RUNS_SHARE / buffer_bytes, (size_t)RUNS_MIN);
	if (tr_spill_open(context->disk, context->io, context->scratch_path, buffer_bytes, &sorter->spill,
			  &context->status) != TR_OK)
		return TR_FLOW_FAILED;
	return TR_FLOW_MORE;
}

static void put_record(struct tr_sorter *sorter)
{
	if (sorter->record.length == 0)
		return;
	memset(tr_bytes_reserve(&sorter->record, TR_SORT_ROW_BYTES_BEHIND), 0, TR_SORT_ROW_BYTES_BEHIND);
	tr_spill_put(sorter->spill, sorter->writing, 0, sorter->record.data,
		     sorter->record.length + TR_SORT_ROW_BYTES_BEHIND, 0, 0);
	tr_bytes_clear(&sorter->record);
}

static int compare_runs(const void *a, const void *b)
{
	const struct tr_spill_run *one = *(struct tr_spill_run *const *)a, *other = *(struct tr_spill_run *const *)b;

	return (one->bytes > other->bytes) - (one->bytes < other->bytes);
}

/** Begins a run of what is in memory, or of the first `merged_count` runs. */
static void begin_run(struct tr_sorter *sorter, uint32_t merged_count)
{
	sorter->merged_count = merged_count;
	sorter->written = 0;
	sorter->writing = tr_spill_run_begin(sorter->spill);
	if (merged_count == 0)
		sort_streams(sorter);
	open_sources(sorter, merged_count == 0, merged_count);
}

/** The run has all its rows: what it was made of goes. */
static void end_run(struct tr_sorter *sorter)
{
	put_record(sorter);
	close_sources(sorter);
	tr_spill_run_end(sorter->spill, sorter->writing);
	for (uint32_t i = 0; i < sorter->merged_count; i++)
		tr_spill_drop(sorter->spill, &sorter->runs[i]);
	sorter->run_count -= sorter->merged_count;
	if (sorter->run_count > 0)
		memmove(sorter->runs, sorter->runs + sorter->merged_count, sorter->run_count * sizeof(*sorter->runs));
	if (sorter->merged_count == 0) {
		free_blocks(sorter);
		sorter->row_count = 0;
		for (uint32_t i = 0; i < sorter->stream_count; i++)
			sorter->streams[i].count = 0;
	}
	if (sorter->run_count == sorter->run_capacity) {
		sorter->run_capacity = TR_MAX(sorter->run_capacity * 2, 16u);
		sorter->runs = tr_checked(realloc(sorter->runs, sorter->run_capacity * sizeof(*sorter->runs)));
	}
	sorter->runs[sorter->run_count++] = sorter->writing;
	sorter->writing = NULL;
}

static enum tr_flow write_run(struct tr_sorter *sorter)
{
	while (sorter->written < sorter->rows_needed) {
		const char *row;
		enum tr_flow flow = tr_sorter_next(sorter, &row);

		if (flow == TR_FLOW_DONE)
			break;
		if (flow != TR_FLOW_MORE)
			return flow;
		tr_bytes_append(&sorter->record, row - sizeof(uint32_t), sizeof(uint32_t) + tr_sort_row_length(row));
		sorter->written++;
		if (sorter->record.length < RECORD_BYTES)
			continue;
		put_record(sorter);
		flow = tr_spill_poll(sorter->spill);
		if (flow == TR_FLOW_FAILED)
			sorter->context->status = sorter->spill->status;
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	end_run(sorter);
	return TR_FLOW_MORE;
}

/** Whether what is in memory must leave it. */
static bool is_over(const struct tr_sorter *sorter)
{
	const size_t limit = sorter->context->memory_limit;
	const size_t spare = sorter->are_streams_sorted ? 0 : sorter->row_count * sizeof(struct tr_sort_item);

	return limit != 0 && sorter->row_count > 0 && tr_sorter_memory(sorter) + spare > limit - limit / RUNS_SHARE;
}

enum tr_flow tr_sorter_step(struct tr_sorter *sorter)
{
	for (;;) {
		enum tr_flow flow;

		if (sorter->writing != NULL) {
			flow = write_run(sorter);
			if (flow != TR_FLOW_MORE)
				return flow;
		}
		if (sorter->spill != NULL && sorter->run_count >= sorter->runs_max) {
			qsort(sorter->runs, sorter->run_count, sizeof(*sorter->runs), compare_runs);
			begin_run(sorter, sorter->run_count / 2 + 1);
			continue;
		}
		if (sorter->rows_needed < SIZE_MAX / 2 && sorter->row_count >= CUT_MIN &&
		    sorter->row_count / 2 >= sorter->rows_needed)
			cut(sorter);
		if (!is_over(sorter))
			return TR_FLOW_MORE;
		flow = open_spill(sorter);
		if (flow != TR_FLOW_MORE)
			return flow;
		begin_run(sorter, 0);
	}
}

enum tr_flow tr_sorter_finish(struct tr_sorter *sorter)
{
	const enum tr_flow flow = tr_sorter_step(sorter);

	if (flow != TR_FLOW_MORE)
		return flow;
	sort_streams(sorter);
	open_sources(sorter, true, sorter->run_count);
	return TR_FLOW_MORE;
}
