/* SPDX-License-Identifier: Apache-2.0
 *
 * See table_cold.h.
 */
#include "state/table_cold.h"

#include <stdlib.h>
#include <string.h>

#define CLASS_MIN 10
#define ROWS 256
#define WRITING_SHARE 16 /* of the limit may be on its way to the file */
#define VISITED_MIN 256  /* pages that the hand passes for a batch, at most; */
#define VISITED_SHARE 8  /* and this part of all */

/* The file. */

tr_code tr_cold_open(struct tr_table *table, struct tr_status *st)
{
	struct tr_disk *disk = table->options.queue->disk;

	table->cold = tr_checked(calloc(1, sizeof(*table->cold)));
	return disk->ops->open(disk, table->options.cold_path,
			       TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_TRUNCATE, &table->cold->file,
			       st);
}

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

/* Runs. */

static size_t run_memory(const struct tr_cold_run *run)
{
	return sizeof(*run) + (size_t)run->count * 4 + ((size_t)run->count + 63) / 64 * 8 +
	       (run->places != NULL ? ((size_t)run->count + 1) * 4 : 0);
}

static void buffer_free(struct tr_table *table, struct tr_cold_run *run)
{
	if (run->buffer == NULL)
		return;
	table->bytes -= run->bytes;
	free(run->buffer);
	run->buffer = NULL;
}

static void run_free(struct tr_table *table, struct tr_cold_run *run)
{
	TR_ASSERT(!run->is_writing && !run->is_loading && run->reads == 0);
	buffer_free(table, run);
	table->bytes -= run_memory(run);
	space_put(table->cold, run->offset, run->class);
	free(run->hashes);
	free(run->places);
	free(run->back);
	free(run);
}

/** Frees the runs of which nothing is left. */
static void runs_tidy(struct tr_table *table, struct tr_page *page)
{
	struct tr_cold *cold = page->cold;
	uint32_t n = 0;

	for (uint32_t r = 0; r < cold->run_count; r++) {
		struct tr_cold_run *run = cold->runs[r];

		if (run->live == 0 && run->reads == 0 && !run->is_writing && !run->is_loading)
			run_free(table, run);
		else
			cold->runs[n++] = run;
	}
	cold->run_count = n;
	if (n == 0) {
		free(cold);
		page->cold = NULL;
	}
}

static uint32_t entry_place(const struct tr_table *table, const struct tr_cold_run *run, uint32_t index)
{
	return run->places != NULL ? run->places[index] : index * table->slot_bytes;
}

static size_t blob_bytes(struct tr_blob *blob)
{
	return (size_t)(tr_blob_value(blob) - (char *)blob) + ((blob->value_length + 7) & ~(uint32_t)7);
}

/** Puts a slot, and its blob, into a buffer that is large enough; returns the bytes it took. */
static size_t entry_write(const struct tr_table *table, char *to, const struct tr_slot *slot, struct tr_blob *blob)
{
	size_t bytes = table->slot_bytes;

	memcpy(to, slot, bytes);
	if (blob != NULL) {
		memcpy(to + bytes, blob, blob_bytes(blob));
		((struct tr_blob *)(void *)(to + bytes))->value_room = (blob->value_length + 7) & ~(uint32_t)7;
		bytes += blob_bytes(blob);
	}
	return bytes;
}

/** What goes into a new run. */
struct source {
	struct tr_slot *slot;
	struct tr_blob *blob; /* NULL with int64 keys */
	uint32_t hash;
};

static int compare_sources(const void *a, const void *b)
{
	const uint32_t x = ((const struct source *)a)->hash, y = ((const struct source *)b)->hash;

	return (x > y) - (x < y);
}

/** A run of these entries, which is being written from now on. */
static void run_create(struct tr_table *table, struct tr_page *page, struct source *sources, uint32_t count)
{
	struct tr_cold_run *run = tr_checked(calloc(1, sizeof(*run)));
	struct tr_cold_file *f = table->cold;
	size_t bytes = 0;

	qsort(sources, count, sizeof(*sources), compare_sources);
	for (uint32_t i = 0; i < count; i++)
		bytes += table->slot_bytes + (sources[i].blob != NULL ? blob_bytes(sources[i].blob) : 0);
	TR_ASSERT(count > 0 && bytes < UINT32_MAX);
	run->count = run->live = count;
	run->bytes = (uint32_t)bytes;
	run->hashes = tr_checked(malloc(count * sizeof(uint32_t)));
	run->places = table->options.has_byte_keys ? tr_checked(malloc(((size_t)count + 1) * sizeof(uint32_t))) : NULL;
	run->back = tr_checked(calloc(((size_t)count + 63) / 64, sizeof(uint64_t)));
	run->buffer = tr_checked(malloc(bytes));
	bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		run->hashes[i] = sources[i].hash;
		if (run->places != NULL)
			run->places[i] = (uint32_t)bytes;
		run->newest = TR_MAX(run->newest, sources[i].slot->stamp);
		bytes += entry_write(table, run->buffer + bytes, sources[i].slot, sources[i].blob);
	}
	if (run->places != NULL)
		run->places[count] = (uint32_t)bytes;
	for (run->class = CLASS_MIN; UINT64_C(1) << run->class < bytes; run->class ++)
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
	if (page->cold == NULL)
		page->cold = tr_checked(calloc(1, sizeof(*page->cold)));
	TR_ASSERT(page->cold->run_count < TR_COLD_RUNS_MAX);
	page->cold->runs[page->cold->run_count++] = run;
}

/** Notices what has been written. A short write is carried on. */
static tr_code reap_writes(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;

	for (struct tr_cold_run **at = &f->writing; *at != NULL;) {
		struct tr_cold_run *run = *at;
		struct tr_io_request *request = &run->request;

		if (!request->is_done) {
			at = &run->next_writing;
			continue;
		}
		if (request->result <= 0)
			return tr_status_set(&table->status, TR_ERR_IO, (int)-request->result, TR_WHERE,
					     "%s: writing %zu bytes of cold state", table->options.cold_path,
					     request->length);
		if ((size_t)request->result < request->length) {
			request->buffer = (char *)request->buffer + request->result;
			request->offset += request->result;
			request->length -= (size_t)request->result;
			request->is_done = false;
			tr_io_submit(table->options.queue, request);
			at = &run->next_writing;
			continue;
		}
		*at = run->next_writing;
		f->writing_bytes -= run->bytes;
		run->is_writing = false;
		buffer_free(table, run);
	}
	return TR_OK;
}

/* Bringing back. */

/** An entry that was read goes into its page again. */
static void entry_return(struct tr_table *table, uint32_t number, struct tr_cold_run *run, uint32_t index, char *bytes)
{
	struct tr_slot *from = (struct tr_slot *)(void *)bytes, *slot;
	const uint64_t hash = tr_slot_hash(table, from);
	struct tr_page *page;

	if ((run->back[index >> 6] >> (index & 63) & 1) != 0)
		return;
	tr_page_make_room(table, hash);
	page = tr_table_page_of(table, hash);
	TR_ASSERT(page->number == number);
	slot = tr_page_insert(table, page, hash);
	memcpy(slot, from, table->slot_bytes);
	if (slot->stamp < table->epoch) /* a record may have been written from the file */
		slot->flags &= ~(uint32_t)TR_SLOT_NEW;
	slot->flags |= TR_SLOT_RECENT;
	page->dead += (slot->flags & TR_SLOT_DEAD) != 0;
	if (slot->stamp == table->epoch) {
		tr_page_stamp(table, page, slot);
	} else if (slot->stamp > table->completed) {
		const uint32_t at = tr_page_index(table, page, slot);

		tr_page_marks(page, TR_MARK_BEFORE)[at >> 6] |= UINT64_C(1) << (at & 63);
	}
	if (table->options.has_byte_keys) {
		struct tr_blob *blob = (struct tr_blob *)(void *)(bytes + table->slot_bytes);
		const struct tr_table_key key = {tr_blob_key(blob), blob->key_length, blob->partition};

		*tr_slot_blob_at(table, slot) = TR_BLOB_NONE;
		*tr_slot_blob_at(table, slot) = tr_page_blob(table, page, &key, blob->value_length);
		memcpy(tr_blob_value(tr_slot_blob(table, page, slot)), tr_blob_value(blob), blob->value_length);
	}
	run->back[index >> 6] |= UINT64_C(1) << (index & 63);
	run->live--;
	table->cold->entries--;
}

/** Takes in the entries whose reads have completed, the newest first, up to one that has not. Nobody goes on before all have,
 * and so each is looked at once, not at every completion. */
static tr_code reap_reads(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;

	while (f->reads != NULL && f->reads->request.is_done) {
		struct tr_cold_read *read = f->reads;

		if (read->request.result != (int64_t)read->request.length)
			return tr_status_set(&table->status, TR_ERR_IO,
					     read->request.result < 0 ? (int)-read->request.result : 0, TR_WHERE,
					     "%s: reading %zu bytes at %lld", table->options.cold_path,
					     read->request.length, (long long)read->request.offset);
		f->reads = read->next;
		read->run->reads--;
		entry_return(table, read->page, read->run, read->index, read->bytes);
		read->next = f->spare;
		f->spare = read;
	}
	return TR_OK;
}

static void read_begin(struct tr_table *table, const struct tr_page *page, struct tr_cold_run *run, uint32_t index)
{
	struct tr_cold_file *f = table->cold;
	const uint32_t place = entry_place(table, run, index);
	const size_t length = entry_place(table, run, index + 1) - place;
	struct tr_cold_read *read = f->spare;

	for (const struct tr_cold_read *r = run->reads > 0 ? f->reads : NULL; r != NULL; r = r->next)
		if (r->run == run && r->index == index)
			return;
	if (read != NULL)
		f->spare = read->next;
	if (read == NULL || read->room < length) {
		if (read != NULL)
			table->bytes -= sizeof(*read) + read->room;
		free(read);
		table->bytes += sizeof(*read) + TR_MAX(length, (size_t)64);
		read = tr_checked(malloc(sizeof(*read) + TR_MAX(length, (size_t)64)));
		read->room = TR_MAX(length, (size_t)64);
	}
	read->run = run;
	read->page = page->number;
	read->index = index;
	read->request = (struct tr_io_request){.op = TR_IO_READ,
					       .file = f->file,
					       .buffer = read->bytes,
					       .length = length,
					       .offset = run->offset + place};
	read->next = f->reads;
	f->reads = read;
	run->reads++;
	f->reads_total++;
	tr_io_submit(table->options.queue, &read->request);
}

/** The key is not in its page: returns it from what is in memory, or begins to read. False: a read was begun. */
static bool bring_in(struct tr_table *table, uint64_t hash)
{
	struct tr_page *page = tr_table_page_of(table, hash);
	struct tr_cold *cold = page->cold;
	const uint32_t low_hash = (uint32_t)hash;
	bool is_here = true;

	for (uint32_t r = 0; cold != NULL && r < cold->run_count; r++) {
		struct tr_cold_run *run = cold->runs[r];
		/* Hashes are spread evenly: near here. */
		uint32_t low = (uint32_t)((uint64_t)low_hash * run->count >> 32);

		while (low > 0 && run->hashes[low - 1] >= low_hash)
			low--;
		while (low < run->count && run->hashes[low] < low_hash)
			low++;
		for (; low < run->count && run->hashes[low] == low_hash; low++) {
			if ((run->back[low >> 6] >> (low & 63) & 1) != 0)
				continue;
			if (run->buffer != NULL && !run->is_loading) {
				entry_return(table, page->number, run, low, run->buffer + entry_place(table, run, low));
				page = tr_table_page_of(table, hash);
			} else {
				read_begin(table, page, run, low);
				is_here = false;
			}
		}
	}
	return is_here;
}

/* Taking out. */

/** How many entries of the page have no mark; takes the marks off. */
static uint32_t count_idle(struct tr_table *table, struct tr_page *page)
{
	uint32_t idle = 0;

	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);

		idle += slot->stamp != 0 && (slot->flags & TR_SLOT_RECENT) == 0;
	}
	return idle;
}

static void marks_off(struct tr_table *table, struct tr_page *page)
{
	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++)
		tr_slot_at(table, page->slots, i)->flags &= ~(uint32_t)TR_SLOT_RECENT;
}

/** The hand has come to this page. */
static void page_evict(struct tr_table *table, uint32_t number)
{
	struct tr_page *page = table->pages[number];
	const uint32_t wanted = page->slot_bits == TR_PAGE_BITS_MIN ? 0 : ((uint32_t)5 << page->slot_bits) >> 4;
	const uint32_t idle = count_idle(table, page);
	struct source *sources;
	uint32_t count = 0;

	if (page->cold != NULL && page->cold->run_count == TR_COLD_RUNS_MAX) {
		if (table->cold->merging == 0)
			table->cold->merging = number + 1;
		return;
	}
	if (page->used <= 8 || page->used - idle > wanted + (page->slot_bits == TR_PAGE_BITS_MIN ? page->used / 2 : 0)) {
		marks_off(table, page);
		return;
	}
	sources = tr_checked(malloc(idle * sizeof(*sources)));
	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits && page->used - count > wanted; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);

		if (slot->stamp == 0 || (slot->flags & TR_SLOT_RECENT) != 0)
			continue;
		sources[count++] =
			(struct source){slot, table->options.has_byte_keys ? tr_slot_blob(table, page, slot) : NULL,
					(uint32_t)tr_slot_hash(table, slot)};
	}
	if (count > 0) {
		run_create(table, page, sources, count);
		table->cold->entries += count;
		table->cold->evicted_total += count;
		for (uint32_t i = 0; i < count; i++)
			sources[i].slot->flags |= TR_SLOT_GONE;
		tr_page_shrink(table, number);
	}
	free(sources);
	marks_off(table, table->pages[number]);
}

/** Makes one run of all those of the page that is to be merged, once they have been read. */
static enum tr_flow merge_step(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;
	struct tr_page *page;
	struct source *sources;
	struct tr_cold *cold;
	struct tr_slot *slot;
	struct tr_blob *blob;
	struct tr_cold_run *old[TR_COLD_RUNS_MAX];
	uint32_t old_count, count = 0;
	uint64_t cursor = 0, room = 0;

	if (f->merging == 0)
		return TR_FLOW_MORE;
	page = table->pages[f->merging - 1];
	cold = page->cold;
	for (uint32_t r = 0; cold != NULL && r < cold->run_count; r++) {
		room += cold->runs[r]->live;
		if (cold->runs[r]->reads > 0 || cold->runs[r]->is_writing)
			return TR_FLOW_MORE; /* not now */
	}
	if (room == 0) {
		f->merging = 0;
		return TR_FLOW_MORE;
	}
	switch (tr_cold_load(table, page, 0)) {
	case TR_FLOW_BLOCKED: return TR_FLOW_MORE;
	case TR_FLOW_FAILED: return TR_FLOW_FAILED;
	default: break;
	}
	sources = tr_checked(malloc(room * sizeof(*sources)));
	while ((slot = tr_cold_next(table, page, &cursor, &blob)) != NULL)
		sources[count++] = (struct source){slot, blob, (uint32_t)tr_slot_hash(table, slot)};
	TR_ASSERT(count == room);
	memcpy(old, cold->runs, sizeof(old));
	old_count = cold->run_count;
	cold->run_count = 0;
	run_create(table, page, sources, count);
	for (uint32_t r = 0; r < old_count; r++)
		run_free(table, old[r]);
	free(sources);
	f->merged_total += count;
	f->merging = 0;
	return TR_FLOW_MORE;
}

/** Brings memory down, by a bounded part of a round: where little can leave, the table goes on above the limit rather than go
 * round and round. BLOCKED: what has left is on its way to the file. */
static enum tr_flow balance(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;
	const size_t limit = table->options.memory_limit / 16 * 15, most = limit / WRITING_SHARE;
	const uint32_t visits = VISITED_MIN + table->page_count / VISITED_SHARE;

	if (reap_writes(table) != TR_OK || merge_step(table) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	if (tr_table_bytes(table) - f->writing_bytes > limit && !f->has_turned) {
		for (uint32_t n = 0; n < visits && f->writing_bytes <= most &&
				     tr_table_bytes(table) - f->writing_bytes > limit - limit / 32;
		     n++) {
			f->hand = f->hand + 1 < table->page_count ? f->hand + 1 : 0;
			page_evict(table, f->hand);
		}
		if (f->merging != 0 && merge_step(table) == TR_FLOW_FAILED)
			return TR_FLOW_FAILED;
	}
	/* What is on its way ends the caller's wait. */
	f->has_turned = tr_table_bytes(table) > table->options.memory_limit && (f->writing != NULL || f->merging != 0);
	return f->has_turned ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

void tr_table_set_memory_limit(struct tr_table *table, size_t bytes)
{
	TR_ASSERT(table->cold != NULL && bytes >= TR_TABLE_LIMIT_MIN);
	table->options.memory_limit = bytes;
}

uint64_t tr_table_cold_bytes(const struct tr_table *table)
{
	return table->cold == NULL ? 0 : (uint64_t)table->cold->end;
}

static enum tr_flow prepare_begin(struct tr_table *table)
{
	if (reap_reads(table) != TR_OK)
		return TR_FLOW_FAILED;
	if (table->cold->reads != NULL)
		return TR_FLOW_BLOCKED;
	return table->is_preparing ? TR_FLOW_MORE : balance(table);
}

enum tr_flow tr_cold_prepare_i64(struct tr_table *table, const int64_t *keys, uint32_t count)
{
	enum tr_flow flow = prepare_begin(table);

	if (flow != TR_FLOW_MORE)
		return flow;
	tr_table_prefetch_i64(table, keys, TR_MIN(count, (uint32_t)ROWS));
	for (uint32_t i = 0; i < count; i++) {
		struct tr_slot *slot;

		if (i % ROWS == 0 && i + ROWS < count)
			tr_table_prefetch_i64(table, keys + i + ROWS, TR_MIN(count - i - ROWS, (uint32_t)ROWS));
		slot = tr_table_slot_i64(table, keys[i]);
		if (slot != NULL)
			slot->flags |= TR_SLOT_RECENT;
		else if (!bring_in(table, tr_hash_u64((uint64_t)keys[i])))
			flow = TR_FLOW_BLOCKED;
	}
	table->is_preparing = flow == TR_FLOW_BLOCKED;
	return flow;
}

enum tr_flow tr_cold_prepare(struct tr_table *table, const struct tr_table_key *keys, const uint64_t *hashes,
			     uint32_t count)
{
	enum tr_flow flow = prepare_begin(table);

	if (flow != TR_FLOW_MORE)
		return flow;
	for (uint32_t i = 0; i < count; i++) {
		struct tr_slot *slot = tr_table_slot(table, &keys[i], hashes[i]);

		if (slot != NULL)
			slot->flags |= TR_SLOT_RECENT;
		else if (!bring_in(table, hashes[i]))
			flow = TR_FLOW_BLOCKED;
	}
	table->is_preparing = flow == TR_FLOW_BLOCKED;
	return flow;
}

/* Whole runs. */

enum tr_flow tr_cold_load(struct tr_table *table, struct tr_page *page, uint32_t after)
{
	enum tr_flow flow = TR_FLOW_MORE;

	for (uint32_t r = 0; page->cold != NULL && r < page->cold->run_count; r++) {
		struct tr_cold_run *run = page->cold->runs[r];
		struct tr_io_request *request = &run->request;

		if (run->is_loading && request->is_done) {
			if (request->result <= 0) {
				tr_status_set(&table->status, TR_ERR_IO, (int)-request->result, TR_WHERE,
					      "%s: reading %zu bytes at %lld", table->options.cold_path,
					      request->length, (long long)request->offset);
				return TR_FLOW_FAILED;
			}
			request->buffer = (char *)request->buffer + request->result;
			request->offset += request->result;
			request->length -= (size_t)request->result;
			run->is_loading = request->length > 0;
			request->is_done = false;
			if (run->is_loading)
				tr_io_submit(table->options.queue, request);
		}
		if (run->buffer == NULL && run->newest > after) {
			run->buffer = tr_checked(malloc(run->bytes));
			table->bytes += run->bytes;
			run->is_loading = true;
			*request = (struct tr_io_request){.op = TR_IO_READ,
							  .file = table->cold->file,
							  .buffer = run->buffer,
							  .length = run->bytes,
							  .offset = run->offset};
			tr_io_submit(table->options.queue, request);
		}
		if (run->is_loading)
			flow = TR_FLOW_BLOCKED;
	}
	return flow;
}

void tr_cold_unload(struct tr_table *table, struct tr_page *page)
{
	if (page->cold == NULL)
		return;
	for (uint32_t r = 0; r < page->cold->run_count; r++)
		if (!page->cold->runs[r]->is_writing && !page->cold->runs[r]->is_loading)
			buffer_free(table, page->cold->runs[r]);
	runs_tidy(table, page);
}

struct tr_slot *tr_cold_next(struct tr_table *table, const struct tr_page *page, uint64_t *cursor, struct tr_blob **blob)
{
	const struct tr_cold *cold = page->cold;
	uint32_t r = (uint32_t)(*cursor >> 32), i = (uint32_t)*cursor;

	for (; cold != NULL && r < cold->run_count; r++, i = 0) {
		const struct tr_cold_run *run = cold->runs[r];

		for (; run->buffer != NULL && !run->is_loading && i < run->count; i++) {
			char *entry = run->buffer + entry_place(table, run, i);

			if ((run->back[i >> 6] >> (i & 63) & 1) != 0)
				continue;
			*cursor = (uint64_t)r << 32 | (i + 1);
			*blob = table->options.has_byte_keys ? (struct tr_blob *)(void *)(entry + table->slot_bytes)
							     : NULL;
			return (struct tr_slot *)(void *)entry;
		}
	}
	*cursor = (uint64_t)r << 32;
	return NULL;
}

void tr_cold_close(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;
	struct tr_disk *disk;

	if (f == NULL)
		return;
	disk = table->options.queue->disk;
	for (uint32_t p = 0; p < table->page_count; p++) {
		struct tr_page *page = table->pages[p];

		for (uint32_t r = 0; page->cold != NULL && r < page->cold->run_count; r++) {
			struct tr_cold_run *run = page->cold->runs[r];

			while ((run->is_writing || run->is_loading) && !run->request.is_done)
				(void)tr_io_wait(table->options.queue, -1);
			run->is_writing = run->is_loading = false;
			run->live = 0;
		}
	}
	while (f->reads != NULL) {
		struct tr_cold_read *read = f->reads;

		while (!read->request.is_done)
			(void)tr_io_wait(table->options.queue, -1);
		read->run->reads--;
		f->reads = read->next;
		free(read);
	}
	while (f->spare != NULL) {
		struct tr_cold_read *read = f->spare;

		f->spare = read->next;
		free(read);
	}
	for (uint32_t p = 0; p < table->page_count; p++)
		if (table->pages[p]->cold != NULL)
			runs_tidy(table, table->pages[p]);
	for (uint32_t c = 0; c < TR_COUNT_OF(f->free); c++)
		free(f->free[c]);
	if (f->file != NULL) {
		disk->ops->close(disk, &f->file);
		(void)disk->ops->unlink(disk, table->options.cold_path, NULL);
	}
	free(f);
	table->cold = NULL;
}
