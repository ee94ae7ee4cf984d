/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of cold entries, and the file that they lie in; see table_cold.h.
 *
 * Hashes are spread evenly, so entries are found by counting: the hashes of a run are cut into buckets of some ten entries, and
 * a key that is looked for is compared with the prints of its bucket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "state/table_cold.h"

#define CLASS_MIN 12
#define BLOCK_BYTES 1024
#define BUCKET_ENTRIES 8 /* to twice as many */

/* -- the file -- */

static int64_t space_get(struct tr_cold_file *f, uint8_t class)
{
	int64_t offset = f->end;

	if (f->free_count[class] > 0)
		return f->free[class][--f->free_count[class]];
	f->end += INT64_C(1) << class;
	return offset;
}

static void space_put(struct tr_cold_file *f, int64_t offset, uint8_t class)
{
	if (f->free_count[class] == f->free_room[class]) {
		f->free_room[class] = f->free_room[class] * 2 + 8;
		f->free[class] = tr_checked(realloc(f->free[class], f->free_room[class] * sizeof(int64_t)));
	}
	f->free[class][f->free_count[class]++] = offset;
}

tr_code tr_cold_failed(struct tr_table *table, const struct tr_io_request *request)
{
	return tr_status_set(&table->status, TR_ERR_IO, (int)(request->result < 0 ? -request->result : EIO), TR_WHERE,
			     "%s: %s %zu bytes of cold state at %lld", table->options.cold_path,
			     request->op == TR_IO_WRITE ? "writing" : "reading", request->length,
			     (long long)request->offset);
}

bool tr_cold_goes_on(struct tr_table *table, struct tr_io_request *request)
{
	if (request->result != -EINTR && request->result != -EAGAIN) {
		if (request->result <= 0 || (size_t)request->result >= request->length)
			return false;
		request->buffer = (char *)request->buffer + request->result;
		request->offset += request->result;
		request->length -= (size_t)request->result;
	}
	request->is_done = false;
	tr_io_submit(table->options.queue, request);
	return true;
}

/* -- making -- */

/** Memory of a run beside its entries. */
static size_t run_memory(const struct tr_cold_run *run)
{
	return sizeof(*run) + ((size_t)run->count + 63) / 64 * sizeof(*run->back) +
	       ((size_t)run->block_count + 1) * sizeof(*run->blocks) +
	       ((size_t)run->bucket_count + 1) * sizeof(*run->begins) + (size_t)run->count * sizeof(*run->prints);
}

/** How many blocks there will be; *bytes: of all entries. */
static uint32_t count_blocks(const struct tr_table *table, const struct tr_cold_source *sources, uint32_t count,
			     size_t *bytes)
{
	uint32_t blocks = 0;
	size_t begin = 0;

	*bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || *bytes - begin >= BLOCK_BYTES) {
			begin = *bytes;
			blocks++;
		}
		*bytes += tr_cold_entry_bytes(table, sources[i].blob);
	}
	return blocks;
}

/** An empty run with room for the index of these entries. */
static struct tr_cold_run *run_allocate(const struct tr_table *table, const struct tr_cold_source *sources,
					uint32_t count)
{
	struct tr_cold_run head = {.first_hash = sources[0].hash, .last_hash = sources[count - 1].hash}, *run;
	size_t bytes;
	char *at;

	head.count = head.live = count;
	head.block_count = count_blocks(table, sources, count, &bytes);
	TR_ASSERT(bytes < UINT32_MAX);
	head.bytes = (uint32_t)bytes;
	while ((head.last_hash - head.first_hash) >> head.shift >= count / BUCKET_ENTRIES + 1)
		head.shift++;
	head.bucket_count = (uint32_t)((head.last_hash - head.first_hash) >> head.shift) + 1;
	run = tr_checked(calloc(1, run_memory(&head)));
	*run = head;
	at = (char *)(run + 1);
	run->back = (uint64_t *)(void *)at;
	at += ((size_t)count + 63) / 64 * sizeof(*run->back);
	run->blocks = (struct tr_cold_block *)(void *)at;
	at += ((size_t)run->block_count + 1) * sizeof(*run->blocks);
	run->begins = (uint32_t *)(void *)at;
	at += ((size_t)run->bucket_count + 1) * sizeof(*run->begins);
	run->prints = (uint16_t *)(void *)at;
	return run;
}

/** Puts a slot, and its blob, into a buffer that is large enough; returns the bytes it took. */
static size_t entry_write(const struct tr_table *table, char *to, const struct tr_cold_source *source)
{
	memcpy(to, source->slot, table->slot_bytes);
	if (source->blob != NULL) {
		struct tr_blob *blob = tr_cold_entry_blob(table, to);

		memcpy(blob, source->blob, tr_cold_blob_bytes(source->blob));
		blob->value_room = (blob->value_length + 7) & ~(uint32_t)7;
	}
	return tr_cold_entry_bytes(table, source->blob);
}

/** Entries and index. */
static void run_fill(struct tr_table *table, struct tr_cold_run *run, const struct tr_cold_source *sources)
{
	uint32_t block = 0, bucket = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < run->count; i++) {
		if (i == 0 || at - run->blocks[block - 1].place >= BLOCK_BYTES)
			run->blocks[block++] = (struct tr_cold_block){.place = (uint32_t)at, .first = i};
		for (; bucket <= (sources[i].hash - run->first_hash) >> run->shift; bucket++)
			run->begins[bucket] = i;
		run->prints[i] = (uint16_t)sources[i].hash;
		run->newest = TR_MAX(run->newest, sources[i].slot->stamp);
		at += entry_write(table, run->buffer + at, &sources[i]);
	}
	TR_ASSERT(block == run->block_count && bucket == run->bucket_count && at == run->bytes);
	run->begins[bucket] = run->count;
	run->blocks[block] = (struct tr_cold_block){.place = run->bytes, .first = run->count};
	for (uint32_t b = 0; b < block; b++)
		run->blocks[b].crc = tr_crc32c(0, run->buffer + run->blocks[b].place,
					       run->blocks[b + 1].place - run->blocks[b].place);
}

void tr_cold_run_create(struct tr_table *table, struct tr_cold_zone *zone, const struct tr_cold_source *sources,
			uint32_t count)
{
	struct tr_cold_file *f = table->cold;
	struct tr_cold_run *run = run_allocate(table, sources, count);

	run->buffer = tr_checked(malloc(run->bytes));
	run_fill(table, run, sources);
	for (run->class = CLASS_MIN; UINT64_C(1) << run->class < run->bytes; run->class ++)
		;
	run->offset = space_get(f, run->class);
	table->bytes += run->bytes + run_memory(run);
	run->is_writing = true;
	run->request = (struct tr_io_request){
		.op = TR_IO_WRITE, .file = f->file, .buffer = run->buffer, .length = run->bytes, .offset = run->offset};
	run->next_writing = f->writing;
	f->writing = run;
	f->writing_bytes += run->bytes;
	tr_io_submit(table->options.queue, &run->request);
	if (zone->run_count == zone->run_room) {
		zone->run_room = TR_MAX(zone->run_room * 2, (uint32_t)TR_COLD_RUNS_MAX);
		zone->runs = tr_checked(realloc(zone->runs, zone->run_room * sizeof(*zone->runs)));
	}
	zone->runs[zone->run_count++] = run;
}

void tr_cold_run_unload(struct tr_table *table, struct tr_cold_run *run)
{
	if (run->buffer == NULL || run->is_writing || run->is_loading)
		return;
	table->bytes -= run->bytes;
	free(run->buffer);
	run->buffer = NULL;
}

void tr_cold_run_free(struct tr_table *table, struct tr_cold_run *run)
{
	TR_ASSERT(!run->is_writing && !run->is_loading && run->reads == NULL);
	tr_cold_run_unload(table, run);
	table->bytes -= run_memory(run);
	space_put(table->cold, run->offset, run->class);
	for (uint32_t m = 0; m < TR_COUNT_OF(table->cold->misses); m++)
		if (table->cold->misses[m].run == run)
			table->cold->misses[m].run = NULL;
	free(run);
}

tr_code tr_cold_reap_writes(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;

	for (struct tr_cold_run **at = &f->writing; *at != NULL;) {
		struct tr_cold_run *run = *at;
		struct tr_io_request *request = &run->request;

		if (!request->is_done || tr_cold_goes_on(table, request)) {
			at = &run->next_writing;
			continue;
		}
		if (request->result <= 0)
			return tr_cold_failed(table, request);
		*at = run->next_writing;
		f->writing_bytes -= run->bytes;
		run->is_writing = false;
		tr_cold_run_unload(table, run);
	}
	return TR_OK;
}

/* -- reading -- */

uint32_t tr_cold_run_block(const struct tr_cold_run *run, uint32_t index)
{
	uint32_t low = 0, high = run->block_count;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (run->blocks[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

char *tr_cold_run_entry(const struct tr_table *table, const struct tr_cold_run *run, uint32_t block, char *bytes,
			uint32_t index)
{
	for (uint32_t i = run->blocks[block].first; i < index; i++)
		bytes += tr_cold_entry_bytes(table, tr_cold_entry_blob(table, bytes));
	return bytes;
}

tr_code tr_cold_run_check(struct tr_table *table, const struct tr_cold_run *run, uint32_t block, const char *bytes)
{
	const struct tr_cold_block *of = &run->blocks[block];

	if (tr_crc32c(0, bytes, of[1].place - of->place) == of->crc)
		return TR_OK;
	return tr_status_set(&table->status, TR_ERR_IO, EIO, TR_WHERE,
			     "%s: %u bytes of cold state at %lld are not what was written", table->options.cold_path,
			     of[1].place - of->place, (long long)(run->offset + of->place));
}

/** What was asked for has come back: checks it. */
static enum tr_flow loaded(struct tr_table *table, struct tr_cold_run *run)
{
	run->is_loading = false;
	if (run->request.result <= 0) {
		(void)tr_cold_failed(table, &run->request);
		return TR_FLOW_FAILED;
	}
	for (uint32_t b = 0; b < run->block_count; b++)
		if (tr_cold_run_check(table, run, b, run->buffer + run->blocks[b].place) != TR_OK)
			return TR_FLOW_FAILED;
	return TR_FLOW_MORE;
}

enum tr_flow tr_cold_run_load(struct tr_table *table, struct tr_cold_run *run)
{
	if (run->is_loading) {
		if (!run->request.is_done || tr_cold_goes_on(table, &run->request))
			return TR_FLOW_BLOCKED;
		return loaded(table, run);
	}
	if (run->buffer != NULL)
		return TR_FLOW_MORE;
	run->buffer = tr_checked(malloc(run->bytes));
	table->bytes += run->bytes;
	run->is_loading = true;
	run->request = (struct tr_io_request){.op = TR_IO_READ,
					      .file = table->cold->file,
					      .buffer = run->buffer,
					      .length = run->bytes,
					      .offset = run->offset};
	tr_io_submit(table->options.queue, &run->request);
	return TR_FLOW_BLOCKED;
}
