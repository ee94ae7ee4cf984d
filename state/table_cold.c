/* SPDX-License-Identifier: Apache-2.0
 *
 * Zones: what leaves memory, what comes back; see table_cold.h.
 */
#include "state/table_cold.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 256
#define ZONE_SHARE 256 /* of the limit is a zone in memory, about */
#define ZONE_BYTES_MIN ((size_t)16 << 10)
#define ZONE_BYTES_MAX ((size_t)512 << 10)
#define MERGED_ZONES 16   /* so many times a zone's bytes are merged at once, at most */
#define COLLECTED_ZONES 4 /* and are taken out */
#define DEPTH_MAX 28
#define WRITING_SHARE 16 /* of the limit may be on its way to the file */
#define WAVE_SHARE 32    /* and on its way back */
#define WAVE_BYTES_MIN ((size_t)64 << 10)
#define READ_BYTES ((size_t)1536) /* room for a usual block */
#define PASSED_MIN 16             /* zones that the hand passes for a batch, at most; */
#define PASSED_SHARE 8            /* and this part of all */
#define IDLE_SHARE 8              /* fewer idle entries of a zone wait for the next turn */

/* -- zones -- */

/** A zone, which stands in the directory. */
static struct tr_cold_zone *zone_add(struct tr_table *table, uint64_t prefix, uint32_t depth)
{
	struct tr_cold_file *f = table->cold;
	struct tr_cold_zone *zone = tr_checked(calloc(1, sizeof(*zone)));
	const uint32_t spread = f->depth - depth;

	zone->prefix = prefix;
	zone->depth = (uint8_t)depth;
	if (f->zone_count == f->zone_room) {
		f->zone_room = TR_MAX(f->zone_room * 2, 16u);
		f->zones = tr_checked(realloc(f->zones, f->zone_room * sizeof(*f->zones)));
	}
	for (uint64_t i = prefix << spread; i < (prefix + 1) << spread; i++)
		f->directory[i] = f->zone_count;
	f->zones[f->zone_count++] = zone;
	table->bytes += sizeof(*zone) + TR_COLD_RUNS_MAX * sizeof(*zone->runs);
	return zone;
}

static bool zone_can_split(const struct tr_cold_file *f, const struct tr_cold_zone *zone)
{
	/* Keys that are many under few hashes must not make the directory much larger than there are zones. */
	return zone->depth < f->depth ||
	       (f->depth < DEPTH_MAX && UINT64_C(1) << f->depth <= 4096 + (uint64_t)f->zone_count * 64);
}

/** Cuts a zone without runs in two; returns the upper one. */
static struct tr_cold_zone *zone_split(struct tr_table *table, struct tr_cold_zone *zone)
{
	struct tr_cold_file *f = table->cold;

	if (zone->depth == f->depth) {
		const uint64_t count = UINT64_C(1) << f->depth;
		uint32_t *doubled = tr_checked(malloc(count * 2 * sizeof(*doubled)));

		for (uint64_t i = 0; i < count; i++)
			doubled[i * 2] = doubled[i * 2 + 1] = f->directory[i];
		free(f->directory);
		f->directory = doubled;
		f->depth++;
		table->bytes += count * sizeof(*doubled);
	}
	zone->depth++;
	zone->prefix <<= 1;
	return zone_add(table, zone->prefix | 1, zone->depth);
}

/** Frees the runs of which nothing is left. */
static void zone_tidy(struct tr_table *table, struct tr_cold_zone *zone)
{
	uint32_t n = 0;

	for (uint32_t r = 0; r < zone->run_count; r++) {
		struct tr_cold_run *run = zone->runs[r];

		if (run->live == 0 && run->reads == NULL && !run->is_writing && !run->is_loading)
			tr_cold_run_free(table, run);
		else
			zone->runs[n++] = run;
	}
	zone->run_count = n;
}

tr_code tr_cold_open(struct tr_table *table, struct tr_status *st)
{
	struct tr_disk *disk = table->options.queue->disk;
	const size_t limit = table->options.memory_limit;
	struct tr_cold_file *f = table->cold = tr_checked(calloc(1, sizeof(*f)));

	f->zone_bytes = TR_MIN(TR_MAX(limit / ZONE_SHARE, ZONE_BYTES_MIN), ZONE_BYTES_MAX);
	while (f->depth < DEPTH_MAX && f->zone_bytes << f->depth < limit)
		f->depth++;
	f->directory = tr_checked(malloc(sizeof(*f->directory) << f->depth));
	table->bytes += sizeof(*f->directory) << f->depth;
	for (uint64_t prefix = 0; prefix < UINT64_C(1) << f->depth; prefix++)
		(void)zone_add(table, prefix, f->depth);
	TR_TRY(disk->ops->open(disk, table->options.cold_path,
			       TR_OPEN_READ | TR_OPEN_WRITE | TR_OPEN_CREATE | TR_OPEN_TRUNCATE, &f->file, st));
	return disk->ops->unlink(disk, table->options.cold_path, st);
}

/* -- coming back -- */

/** An entry that was read goes into its page again. */
static void entry_return(struct tr_table *table, struct tr_cold_run *run, uint32_t index, char *entry)
{
	struct tr_slot *from = (struct tr_slot *)(void *)entry, *slot;
	const uint64_t hash = tr_slot_hash(table, from);
	struct tr_page *page;

	tr_page_make_room(table, hash);
	page = tr_table_page_of(table, hash);
	slot = tr_page_insert(table, page, hash);
	memcpy(slot, from, table->slot_bytes);
	if (slot->stamp < table->epoch) /* a record may have been written from the file */
		slot->flags &= ~(uint32_t)TR_SLOT_NEW;
	slot->flags |= TR_SLOT_RECENT; /* stays for a turn at least: who looks for more before it is used gets on */
	page->dead += (slot->flags & TR_SLOT_DEAD) != 0;
	if (slot->stamp == table->epoch) {
		tr_page_stamp(table, page, slot);
	} else if (slot->stamp > table->completed) {
		const uint32_t at = tr_page_index(table, page, slot);

		tr_page_marks(page, TR_MARK_BEFORE)[at >> 6] |= UINT64_C(1) << (at & 63);
	}
	if (table->options.has_byte_keys) {
		struct tr_blob *blob = tr_cold_entry_blob(table, entry);
		const struct tr_table_key key = {tr_blob_key(blob), blob->key_length, blob->partition};

		*tr_slot_blob_at(table, slot) = TR_BLOB_NONE;
		*tr_slot_blob_at(table, slot) = tr_page_blob(table, page, &key, blob->value_length);
		memcpy(tr_blob_value(tr_slot_blob(table, page, slot)), tr_blob_value(blob), blob->value_length);
	}
	run->back[index >> 6] |= UINT64_C(1) << (index & 63);
	run->live--;
	table->cold->entries--;
}

static struct tr_cold_read *read_begin(struct tr_table *table, struct tr_cold_run *run, uint32_t block)
{
	struct tr_cold_file *f = table->cold;
	const uint32_t place = run->blocks[block].place, length = run->blocks[block + 1].place - place;
	struct tr_cold_read *read = length > READ_BYTES ? NULL : f->spare;

	if (read != NULL) {
		f->spare = read->next;
	} else {
		const size_t room = TR_MAX((size_t)length, READ_BYTES);

		read = tr_checked(malloc(sizeof(*read) + room));
		read->room = room;
		table->bytes += sizeof(*read) + room;
	}
	read->run = run;
	read->block = block;
	read->length = length;
	read->request = (struct tr_io_request){.op = TR_IO_READ,
					       .file = f->file,
					       .buffer = read->bytes,
					       .length = length,
					       .offset = run->offset + place};
	read->next = f->reads;
	f->reads = f->waiting = read;
	read->next_of_run = run->reads;
	run->reads = read;
	f->wave_bytes += sizeof(*read) + read->room;
	f->reads_total++;
	tr_io_submit(table->options.queue, &read->request);
	return read;
}

/** The block of the wave, which is asked for if it is not in it. */
static struct tr_cold_read *read_of(struct tr_table *table, struct tr_cold_run *run, uint32_t block)
{
	struct tr_cold_read *read = run->reads;

	while (read != NULL && read->block != block)
		read = read->next_of_run;
	return read != NULL ? read : read_begin(table, run, block);
}

/** Looks at the blocks that have come back, up to one that has not. Nobody goes on before all have, and so each is looked at
 * once, not at every completion. */
static tr_code reap_reads(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;

	for (; f->waiting != NULL && f->waiting->request.is_done; f->waiting = f->waiting->next) {
		struct tr_cold_read *read = f->waiting;

		if (tr_cold_goes_on(table, &read->request))
			return TR_OK;
		if (read->request.result <= 0)
			return tr_cold_failed(table, &read->request);
		TR_TRY(tr_cold_run_check(table, read->run, read->block, read->bytes));
	}
	return TR_OK;
}

/** Forgets the blocks that have been read. */
static void wave_end(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;

	while (f->reads != NULL) {
		struct tr_cold_read *read = f->reads;

		f->reads = read->next;
		read->run->reads = NULL;
		if (read->room > READ_BYTES) {
			table->bytes -= sizeof(*read) + read->room;
			free(read);
			continue;
		}
		read->next = f->spare;
		f->spare = read;
	}
	f->wave_bytes = 0;
}

/** Remembers that the entry, which looks like it, has another hash: who has to begin again must not read it again. */
static void miss_add(struct tr_cold_file *f, const struct tr_cold_run *run, uint32_t index, uint64_t hash)
{
	f->misses[f->misses_total++ % TR_COUNT_OF(f->misses)] = (struct tr_cold_miss){run, index, hash};
}

static bool is_missed(const struct tr_cold_file *f, const struct tr_cold_run *run, uint32_t index, uint64_t hash)
{
	for (uint32_t m = 0; m < TR_COUNT_OF(f->misses); m++)
		if (f->misses[m].run == run && f->misses[m].index == index && f->misses[m].hash == hash)
			return true;
	return false;
}

/** The entry goes to its page if it has the hash. `bytes`: its block. */
static void take(struct tr_table *table, struct tr_cold_run *run, uint32_t index, uint64_t hash, uint32_t block,
		 char *bytes)
{
	char *entry = tr_cold_run_entry(table, run, block, bytes, index);

	if (tr_slot_hash(table, (struct tr_slot *)(void *)entry) != hash) {
		miss_add(table->cold, run, index, hash);
		return;
	}
	if (!tr_cold_is_back(run, index)) /* a key may be wanted twice */
		entry_return(table, run, index, entry);
}

static void want(struct tr_table *table, struct tr_cold_read *read, uint32_t index, uint64_t hash)
{
	struct tr_cold_file *f = table->cold;

	if (f->wanted_count == f->wanted_room) {
		const uint32_t room = TR_MAX(f->wanted_room * 2, (uint32_t)ROWS);

		table->bytes += (room - f->wanted_room) * sizeof(*f->wanted);
		f->wanted_room = room;
		f->wanted = tr_checked(realloc(f->wanted, room * sizeof(*f->wanted)));
	}
	f->wanted[f->wanted_count++] = (struct tr_cold_wanted){read, index, hash};
}

/** What looks as if it had the hash goes to its page, or is wanted. */
static void look_in(struct tr_table *table, struct tr_cold_run *run, uint64_t hash)
{
	uint64_t bucket;

	if (run->live == 0 || hash < run->first_hash || hash > run->last_hash)
		return;
	bucket = (hash - run->first_hash) >> run->shift;
	for (uint32_t i = run->begins[bucket]; i < run->begins[bucket + 1]; i++) {
		uint32_t block;

		if (run->prints[i] != (uint16_t)hash || tr_cold_is_back(run, i) || is_missed(table->cold, run, i, hash))
			continue;
		block = tr_cold_run_block(run, i);
		if (run->buffer != NULL && !run->is_loading) {
			take(table, run, i, hash, block, run->buffer + run->blocks[block].place);
			continue;
		}
		want(table, read_of(table, run, block), i, hash);
	}
}

/** The key is not in its page: what has its hash comes back, or a block that may have it is being read. */
static void bring_in(struct tr_table *table, uint64_t hash)
{
	const struct tr_cold_zone *zone = tr_cold_zone_of(table->cold, hash);

	for (uint32_t r = 0; r < zone->run_count; r++)
		look_in(table, zone->runs[r], hash);
}

/* -- leaving -- */

static int compare_sources(const void *a, const void *b)
{
	const uint64_t x = ((const struct tr_cold_source *)a)->hash, y = ((const struct tr_cold_source *)b)->hash;

	return (x > y) - (x < y);
}

/** The next page of a zone, from *hash on, which becomes the first hash behind it. NULL: that were all. */
static struct tr_page *zone_page(const struct tr_table *table, const struct tr_cold_zone *zone, uint64_t *hash,
				 bool *is_last)
{
	struct tr_page *page;
	uint64_t last;

	if (*is_last)
		return NULL;
	page = tr_table_page_of(table, *hash);
	last = tr_cold_last_hash(page->prefix, page->depth);
	*is_last = last >= tr_cold_last_hash(zone->prefix, zone->depth);
	*hash = last + 1;
	return page;
}

struct idle {
	struct tr_cold_source *sources;
	uint32_t count, room;
	uint32_t used; /* entries, idle or not */
	size_t bytes;
};

/** The entries of a zone that have no mark, up to `most` bytes of them; the marks of the others go. */
static void collect_idle(struct tr_table *table, const struct tr_cold_zone *zone, size_t most, struct idle *idle)
{
	const uint64_t first = tr_cold_first_hash(zone->prefix, zone->depth),
		       last = tr_cold_last_hash(zone->prefix, zone->depth);
	uint64_t hash = first;
	bool is_last = false;
	struct tr_page *page;

	while ((page = zone_page(table, zone, &hash, &is_last)) != NULL) {
		for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
			struct tr_slot *slot = tr_slot_at(table, page->slots, i);
			struct tr_cold_source source = {.slot = slot};

			if (slot->stamp == 0)
				continue;
			source.hash = tr_slot_hash(table, slot);
			if (source.hash < first || source.hash > last)
				continue;
			idle->used++;
			if ((slot->flags & TR_SLOT_RECENT) != 0) {
				slot->flags &= ~(uint32_t)TR_SLOT_RECENT;
				continue;
			}
			if (idle->bytes >= most)
				continue;
			if (idle->count == idle->room) {
				idle->room = TR_MAX(idle->room * 2, 256u);
				idle->sources = tr_checked(realloc(idle->sources, idle->room * sizeof(*idle->sources)));
			}
			if (table->options.has_byte_keys)
				source.blob = tr_slot_blob(table, page, slot);
			idle->bytes += tr_cold_entry_bytes(table, source.blob);
			idle->sources[idle->count++] = source;
		}
	}
}

/** Whether a page has something to give back: what has just left, or a heap that is a quarter larger than what it holds. */
static bool is_to_be_shrunk(const struct tr_table *table, const struct tr_page *page)
{
	const uint32_t live = page->heap_used - page->heap_garbage;

	if (page->heap_room - live > live / 4 + 128)
		return true;
	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++)
		if ((tr_slot_at(table, page->slots, i)->flags & TR_SLOT_GONE) != 0)
			return true;
	return false;
}

static void shrink_pages(struct tr_table *table, const struct tr_cold_zone *zone)
{
	uint64_t hash = tr_cold_first_hash(zone->prefix, zone->depth);
	bool is_last = false;
	struct tr_page *page;

	while ((page = zone_page(table, zone, &hash, &is_last)) != NULL)
		if (is_to_be_shrunk(table, page))
			tr_page_shrink(table, page->number);
}

static void evict(struct tr_table *table, struct tr_cold_zone *zone, struct idle *idle)
{
	qsort(idle->sources, idle->count, sizeof(*idle->sources), compare_sources);
	tr_cold_run_create(table, zone, idle->sources, idle->count);
	table->cold->entries += idle->count;
	table->cold->evicted_total += idle->count;
	for (uint32_t i = 0; i < idle->count; i++)
		idle->sources[i].slot->flags |= TR_SLOT_GONE;
}

/** From which run on the runs of a zone are merged: at least the last two, and older ones that are not much larger than those behind
 * them. So an entry is written again when what it lies with has grown by half. */
static uint32_t merge_first(const struct tr_cold_file *f, const struct tr_cold_zone *zone)
{
	uint32_t first = zone->run_count;
	size_t sum = 0, live_sum = 0;

	for (; first > 0; first--) {
		const struct tr_cold_run *run = zone->runs[first - 1];
		const size_t live = (size_t)((uint64_t)run->bytes * run->live / run->count);

		sum += run->bytes;
		if (sum > MERGED_ZONES * f->zone_bytes || (zone->run_count - first >= 2 && live > 2 * live_sum))
			break;
		live_sum += live;
	}
	return first;
}

/** Whether the runs of a zone are too many, or most of them is back. */
static bool is_to_be_merged(const struct tr_cold_file *f, const struct tr_cold_zone *zone)
{
	uint64_t count = 0, live = 0;

	for (uint32_t r = 0; r < zone->run_count; r++) {
		count += zone->runs[r]->count;
		live += zone->runs[r]->live;
	}
	return (zone->run_count >= TR_COLD_RUNS_MAX || count > 4 * live) && merge_first(f, zone) + 1 < zone->run_count;
}

/** The hand has come to this zone. */
static void zone_pass(struct tr_table *table, uint32_t number)
{
	struct tr_cold_file *f = table->cold;
	struct tr_cold_zone *zone = f->zones[number];
	const size_t most = COLLECTED_ZONES * f->zone_bytes;
	struct idle idle = {0};

	f->passed_total++;
	if (f->merging == number + 1)
		return;
	zone_tidy(table, zone);
	if (f->merging == 0 && is_to_be_merged(f, zone)) {
		f->merging = number + 1;
		return;
	}
	collect_idle(table, zone, most, &idle);
	if (idle.count > 0 && (idle.count >= idle.used / IDLE_SHARE || idle.bytes >= most))
		evict(table, zone, &idle);
	free(idle.sources);
	shrink_pages(table, zone);
}

/* -- merging -- */

/** What is left of the runs from `first` on, by hash; what nobody needs any more is left out. */
static struct tr_cold_source *merge_collect(struct tr_table *table, const struct tr_cold_zone *zone, uint32_t first,
					    uint32_t *count, size_t *bytes)
{
	struct tr_cold_source *sources;
	size_t room = 1;

	for (uint32_t r = first; r < zone->run_count; r++)
		room += zone->runs[r]->live;
	sources = tr_checked(malloc(room * sizeof(*sources)));
	*count = 0;
	*bytes = 0;
	for (uint32_t r = first; r < zone->run_count; r++) {
		struct tr_cold_run *run = zone->runs[r];
		char *entry = run->buffer;

		for (uint32_t i = 0; i < run->count; i++) {
			struct tr_slot *slot = (struct tr_slot *)(void *)entry;
			struct tr_blob *blob = tr_cold_entry_blob(table, entry);

			entry += tr_cold_entry_bytes(table, blob);
			if (tr_cold_is_back(run, i))
				continue;
			if (tr_slot_is_needless(table, slot)) {
				table->count--;
				table->cold->entries--;
				continue;
			}
			sources[(*count)++] = (struct tr_cold_source){slot, blob, tr_slot_hash(table, slot)};
			*bytes += tr_cold_entry_bytes(table, blob);
		}
	}
	qsort(sources, *count, sizeof(*sources), compare_sources);
	return sources;
}

/** The runs have been read: makes one of them, or two of two zones. */
static void merge(struct tr_table *table, struct tr_cold_zone *zone, uint32_t first)
{
	struct tr_cold_file *f = table->cold;
	const uint32_t old_count = zone->run_count - first;
	struct tr_cold_run **old = tr_checked(malloc(old_count * sizeof(struct tr_cold_run *)));
	uint32_t count, lower = 0;
	size_t bytes;
	struct tr_cold_source *sources = merge_collect(table, zone, first, &count, &bytes);

	memcpy(old, zone->runs + first, old_count * sizeof(struct tr_cold_run *));
	zone->run_count = first;
	if (first == 0 && bytes > 2 * f->zone_bytes && zone_can_split(f, zone)) {
		struct tr_cold_zone *upper = zone_split(table, zone);

		while (lower < count && sources[lower].hash < tr_cold_first_hash(upper->prefix, upper->depth))
			lower++;
		if (lower < count)
			tr_cold_run_create(table, upper, sources + lower, count - lower);
		count = lower;
	}
	if (count > 0)
		tr_cold_run_create(table, zone, sources, count);
	for (uint32_t r = 0; r < old_count; r++)
		tr_cold_run_free(table, old[r]);
	f->merged_total += count;
	free(sources);
	free(old);
}

static enum tr_flow merge_step(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;
	enum tr_flow flow = TR_FLOW_MORE;
	struct tr_cold_zone *zone;
	uint32_t first;

	if (f->merging == 0)
		return TR_FLOW_MORE;
	zone = f->zones[f->merging - 1];
	first = merge_first(f, zone);
	for (uint32_t r = first; r < zone->run_count; r++)
		if (zone->runs[r]->is_writing)
			return TR_FLOW_MORE; /* not now */
	for (uint32_t r = first; r < zone->run_count && flow != TR_FLOW_FAILED; r++) {
		const enum tr_flow of_run = tr_cold_run_load(table, zone->runs[r]);

		if (of_run != TR_FLOW_MORE)
			flow = of_run;
	}
	if (flow != TR_FLOW_MORE)
		return flow == TR_FLOW_FAILED ? flow : TR_FLOW_MORE;
	if (zone->run_count - first > 1)
		merge(table, zone, first);
	f->merging = 0;
	return TR_FLOW_MORE;
}

/** Brings memory down, by a bounded part of a round: where little can leave, the table goes on above the limit rather than go
 * round and round. BLOCKED: what has left is on its way to the file. */
static enum tr_flow balance(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;
	const size_t limit = table->options.memory_limit / 16 * 15, most = limit / WRITING_SHARE;
	const uint32_t passes = PASSED_MIN + f->zone_count / PASSED_SHARE;

	if (tr_cold_reap_writes(table) != TR_OK || merge_step(table) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	if (tr_table_bytes(table) - f->writing_bytes > limit && !f->has_turned) {
		for (uint32_t n = 0; n < passes && f->writing_bytes <= most &&
				     tr_table_bytes(table) - f->writing_bytes > limit - limit / 32;
		     n++) {
			f->hand = f->hand + 1 < f->zone_count ? f->hand + 1 : 0;
			zone_pass(table, f->hand);
		}
		if (merge_step(table) == TR_FLOW_FAILED)
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

/* -- the keys of a batch -- */

/** One or the other sort of keys. */
struct wanted {
	const int64_t *integers;
	const struct tr_table_key *keys;
	const uint64_t *hashes;
	uint32_t count;
};

static inline struct tr_slot *wanted_slot(const struct tr_table *table, const struct wanted *w, uint32_t i)
{
	return w->integers != NULL ? tr_table_slot_i64(table, w->integers[i])
				   : tr_table_slot(table, &w->keys[i], w->hashes[i]);
}

static inline uint64_t wanted_hash(const struct wanted *w, uint32_t i)
{
	return w->integers != NULL ? tr_hash_u64((uint64_t)w->integers[i]) : w->hashes[i];
}

/** The blocks of the wave have come back, and what was wanted of them goes to the pages. */
static void wave_take(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;

	for (uint32_t i = 0; i < f->wanted_count; i++) {
		struct tr_cold_read *read = f->wanted[i].read;

		take(table, read->run, f->wanted[i].index, f->wanted[i].hash, read->block, read->bytes);
	}
	f->wanted_count = 0;
	wave_end(table);
}

/** Goes on with the keys. True: all are in. */
static inline bool wave_begin(struct tr_table *table, const struct wanted *w)
{
	struct tr_cold_file *f = table->cold;
	const size_t most = TR_MAX(table->options.memory_limit / WAVE_SHARE, WAVE_BYTES_MIN);

	for (; f->prepared < w->count && f->wave_bytes < most; f->prepared++) {
		const uint32_t i = f->prepared;
		struct tr_slot *slot;

		if (w->integers != NULL && i % ROWS == 0 && i + ROWS < w->count)
			tr_table_prefetch_i64(table, w->integers + i + ROWS,
					      TR_MIN(w->count - i - ROWS, (uint32_t)ROWS));
		slot = wanted_slot(table, w, i);
		if (slot != NULL)
			slot->flags |= TR_SLOT_RECENT;
		else
			bring_in(table, wanted_hash(w, i));
	}
	return f->wanted_count == 0;
}

/** Tells whether a call has the keys of the one before. */
static inline uint64_t signature(const struct wanted *w)
{
	uint64_t sum = w->count;

	for (uint32_t i = 0; i < w->count; i++)
		sum = sum * UINT64_C(0x9e3779b97f4a7c15) +
		      (w->integers != NULL ? (uint64_t)w->integers[i] : w->hashes[i]);
	return tr_hash_u64(sum);
}

static inline __attribute__((always_inline)) enum tr_flow prepare(struct tr_table *table, const struct wanted w)
{
	struct tr_cold_file *f = table->cold;
	const uint64_t of_keys = signature(&w);

	if (reap_reads(table) != TR_OK)
		return TR_FLOW_FAILED;
	if (f->waiting != NULL)
		return TR_FLOW_BLOCKED;
	if (!table->is_preparing) {
		const enum tr_flow flow = balance(table);

		if (flow != TR_FLOW_MORE)
			return flow;
	}
	if (!table->is_preparing || f->signature != of_keys)
		f->prepared = 0;
	f->signature = of_keys;
	wave_take(table);
	table->is_preparing = !wave_begin(table, &w);
	return table->is_preparing ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

enum tr_flow tr_cold_prepare_i64(struct tr_table *table, const int64_t *keys, uint32_t count)
{
	return prepare(table, (struct wanted){.integers = keys, .count = count});
}

enum tr_flow tr_cold_prepare(struct tr_table *table, const struct tr_table_key *keys, const uint64_t *hashes,
			     uint32_t count)
{
	return prepare(table, (struct wanted){.keys = keys, .hashes = hashes, .count = count});
}

/* -- the end -- */

static void wait_for(struct tr_table *table, const struct tr_io_request *request)
{
	while (!request->is_done)
		(void)tr_io_wait(table->options.queue, -1);
}

static void zone_free(struct tr_table *table, struct tr_cold_zone *zone)
{
	for (uint32_t r = 0; r < zone->run_count; r++) {
		struct tr_cold_run *run = zone->runs[r];

		if (run->is_writing || run->is_loading)
			wait_for(table, &run->request);
		run->is_writing = run->is_loading = false;
		tr_cold_run_free(table, run);
	}
	free(zone->runs);
	free(zone);
}

void tr_cold_close(struct tr_table *table)
{
	struct tr_cold_file *f = table->cold;
	struct tr_disk *disk;

	if (f == NULL)
		return;
	disk = table->options.queue->disk;
	for (struct tr_cold_read *read = f->reads; read != NULL; read = read->next)
		wait_for(table, &read->request);
	wave_end(table);
	while (f->spare != NULL) {
		struct tr_cold_read *read = f->spare;

		f->spare = read->next;
		free(read);
	}
	for (uint32_t z = 0; z < f->zone_count; z++)
		zone_free(table, f->zones[z]);
	for (uint32_t c = 0; c < TR_COUNT_OF(f->free); c++)
		free(f->free[c]);
	if (f->file != NULL)
		disk->ops->close(disk, &f->file);
	free(f->zones);
	free(f->directory);
	free(f->wanted);
	free(f);
	table->cold = NULL;
}
