/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages: memory, growth, splitting, heaps; see the header. Full pages (2,048 slots) are cut from blocks on huge pages and go
 * to a free list; smaller ones come from malloc. A table with a memory limit uses malloc only, so that what it gives back
 * is given back.
 */
#include "state/table_page.h"

#include <stdlib.h>
#include <string.h>

#include "state/huge.h"

#define BLOCK_BYTES_MIN ((size_t)256 << 10) /* of the first block; each is twice as large as the one before */
#define BLOCK_DOUBLINGS 3
#define EXPECTED_DEPTH_MAX 16
#define HEAP_STEP 64 /* units */

static size_t page_bytes(const struct tr_table *table, uint32_t bits)
{
	const size_t slots = (((size_t)1 << bits) + 1) * table->slot_bytes;

	return (tr_page_head_bytes((uint32_t)1 << bits) + slots + 63) & ~(size_t)63;
}

static bool is_pooled(const struct tr_table *table, uint32_t bits)
{
	return bits == table->full_bits && table->options.memory_limit == 0;
}

static size_t block_bytes(uint32_t number) { return BLOCK_BYTES_MIN << TR_MIN(number, (uint32_t)BLOCK_DOUBLINGS); }

/** Cuts a new block into pages. */
static void block_add(struct tr_table *table, size_t page)
{
	const size_t bytes = TR_MAX(block_bytes(table->block_count), page);
	char *block = tr_huge_map(bytes);

	table->blocks = tr_checked(realloc(table->blocks, (table->block_count + 1) * sizeof(*table->blocks)));
	table->blocks[table->block_count++] = block;
	table->bytes += bytes;
	for (size_t at = 0; at + page <= bytes; at += page) {
		*(char **)(void *)(block + at) = table->free_pages;
		table->free_pages = block + at;
	}
}

static void *memory_get(struct tr_table *table, uint32_t bits)
{
	const size_t bytes = page_bytes(table, bits);
	char *memory;

	if (!is_pooled(table, bits)) {
		memory = tr_checked(aligned_alloc(64, bytes));
		table->bytes += bytes;
		return memset(memory, 0, bytes);
	}
	if (table->free_pages == NULL)
		block_add(table, bytes);
	memory = table->free_pages;
	table->free_pages = *(char **)(void *)memory;
	return memset(memory, 0, bytes);
}

/** Units of a heap with room for so many: with a limit few different sizes, so that one finds room where another was. */
static uint32_t heap_rounded(const struct tr_table *table, uint32_t units)
{
	return table->options.memory_limit > 0 ? (units + HEAP_STEP - 1) / HEAP_STEP * HEAP_STEP : units;
}

/** An empty page with the numbers of another. */
static struct tr_page *page_get(struct tr_table *table, const struct tr_page *like, uint32_t bits, uint32_t heap_room)
{
	struct tr_page *page = memory_get(table, bits);

	heap_room = heap_rounded(table, heap_room);
	*page = (struct tr_page){
		.slots = (char *)page + tr_page_head_bytes((uint32_t)1 << bits),
		.marks = (uint64_t *)(void *)(page + 1),
		.dirty_epoch = like->dirty_epoch,
		.visited = like->visited,
		.number = like->number,
		.prefix = like->prefix,
		.depth = like->depth,
		.slot_bits = (uint8_t)bits,
		.heap = heap_room == 0 ? NULL : tr_checked(malloc((size_t)heap_room * 8)),
		.heap_room = heap_room,
	};
	table->bytes += (size_t)heap_room * 8;
	return page;
}

static void page_put(struct tr_table *table, struct tr_page *page)
{
	const uint32_t bits = page->slot_bits;

	free(page->heap);
	table->bytes -= (size_t)page->heap_room * 8;
	if (!is_pooled(table, bits)) {
		free(page);
		table->bytes -= page_bytes(table, bits);
		return;
	}
	*(char **)(void *)page = table->free_pages;
	table->free_pages = (char *)page;
}

/** The directory entries that the page stands in. */
static void page_publish(struct tr_table *table, uint32_t number)
{
	const struct tr_page *page = table->pages[number];
	const uint32_t spread = table->depth - page->depth;
	const uint64_t first = page->prefix << spread;

	for (uint64_t i = first; i < first + ((uint64_t)1 << spread); i++)
		table->directory[i] =
			(struct tr_table_place){page->slots, ((uint32_t)1 << page->slot_bits) - 1, number};
	table->moves++;
}

static void page_add(struct tr_table *table, struct tr_page *page)
{
	const uint32_t number = table->page_count++;

	if (number == table->page_room) {
		table->page_room = table->page_room == 0 ? 16 : table->page_room * 2;
		table->pages = tr_checked(realloc(table->pages, table->page_room * sizeof(*table->pages)));
		table->base = tr_checked(realloc(table->base, table->page_room * sizeof(*table->base)));
		table->rewritten = tr_checked(realloc(table->rewritten, table->page_room * sizeof(*table->rewritten)));
	}
	table->pages[number] = page;
	page->number = number;
	table->base[number] = table->rewritten[number] = 0;
}

void tr_page_begin(struct tr_table *table)
{
	const uint64_t expected = table->options.expected;
	uint32_t bits = TR_PAGE_BITS_MIN, depth = 0;

	while (((uint64_t)13 << bits >> 4) < expected && bits < table->full_bits)
		bits++;
	while (((uint64_t)11 << (table->full_bits + depth) >> 4) < expected && depth < EXPECTED_DEPTH_MAX)
		depth++;
	table->depth = TR_MAX(depth, 1u);
	table->directory = tr_checked(calloc((size_t)1 << table->depth, sizeof(*table->directory)));
	for (uint64_t prefix = 0; prefix < UINT64_C(1) << depth; prefix++) {
		const struct tr_page like = {.depth = (uint8_t)depth, .prefix = prefix};

		page_add(table, page_get(table, &like, bits, 0));
		page_publish(table, table->page_count - 1);
	}
}

void tr_page_end(struct tr_table *table)
{
	for (uint32_t i = 0; i < table->page_count; i++)
		page_put(table, table->pages[i]);
	for (uint32_t i = 0; i < table->block_count; i++)
		tr_huge_unmap(table->blocks[i], TR_MAX(block_bytes(i), page_bytes(table, table->full_bits)));
	free(table->blocks);
	free(table->pages);
	free(table->base);
	free(table->rewritten);
	free(table->directory);
}

struct tr_slot *tr_page_insert(struct tr_table *table, struct tr_page *page, uint64_t hash)
{
	const uint32_t mask = ((uint32_t)1 << page->slot_bits) - 1;
	uint32_t index = (uint32_t)hash & mask;
	struct tr_slot *slot;

	while ((slot = tr_slot_at(table, page->slots, index))->stamp != 0)
		index = (index + 1) & mask;
	page->used++;
	return slot;
}

/** Slot `to` gets the marks of slot `from`. */
static void marks_copy(struct tr_page *target, uint32_t to, const struct tr_page *source, uint32_t from)
{
	for (enum tr_mark row = 0; row < TR_MARK_COUNT; row++) {
		const uint64_t bit = tr_page_marks(source, row)[from >> 6] >> (from & 63) & 1;
		uint64_t *word = &tr_page_marks(target, row)[to >> 6];

		*word = (*word & ~(UINT64_C(1) << (to & 63))) | bit << (to & 63);
	}
}

void tr_page_remove(struct tr_table *table, struct tr_page *page, struct tr_slot *slot)
{
	const uint32_t mask = ((uint32_t)1 << page->slot_bits) - 1;
	uint32_t hole = tr_page_index(table, page, slot), i = hole;

	TR_ASSERT(slot->stamp != 0 && page->used > 0);
	page->dead -= (slot->flags & TR_SLOT_DEAD) != 0;
	if (table->options.has_byte_keys)
		tr_page_blob_free(page, tr_slot_blob(table, page, slot));
	for (;;) {
		struct tr_slot *next;
		uint32_t home;

		i = (i + 1) & mask;
		next = tr_slot_at(table, page->slots, i);
		if (next->stamp == 0)
			break;
		home = (uint32_t)tr_slot_hash(table, next) & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue; /* its home lies behind the hole */
		memcpy(tr_slot_at(table, page->slots, hole), next, table->slot_bytes);
		marks_copy(page, hole, page, i);
		hole = i;
	}
	memset(tr_slot_at(table, page->slots, hole), 0, table->slot_bytes);
	page->used--;
	table->count--;
	table->moves++;
}

/** Copies a slot (and its blob) to another page with room. */
static void slot_move(struct tr_table *table, struct tr_page *target, const struct tr_page *source, uint32_t index)
{
	struct tr_slot *from = tr_slot_at(table, source->slots, index);
	struct tr_slot *to = tr_page_insert(table, target, tr_slot_hash(table, from));

	memcpy(to, from, table->slot_bytes);
	target->dead += (from->flags & TR_SLOT_DEAD) != 0;
	marks_copy(target, tr_page_index(table, target, to), source, index);
	if (table->options.has_byte_keys) {
		struct tr_blob *blob = tr_slot_blob(table, source, from);
		const struct tr_table_key key = {tr_blob_key(blob), blob->key_length, blob->partition};

		*tr_slot_blob_at(table, to) = TR_BLOB_NONE;
		*tr_slot_blob_at(table, to) = tr_page_blob(table, target, &key, blob->value_length);
		memcpy(tr_blob_value(tr_slot_blob(table, target, to)), tr_blob_value(blob), blob->value_length);
	}
}

static uint32_t heap_live(const struct tr_page *page) { return page->heap_used - page->heap_garbage; }

/** Room for the blobs that will stay, and a quarter more. */
static uint32_t heap_wanted(const struct tr_table *table, const struct tr_page *page)
{
	uint64_t units = 0;

	if (!table->options.has_byte_keys || table->options.memory_limit == 0)
		return heap_live(page) / 4 * 5;
	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);
		struct tr_blob *blob;

		if (slot->stamp == 0 || (slot->flags & TR_SLOT_GONE) != 0)
			continue;
		blob = tr_slot_blob(table, page, slot);
		units += ((size_t)(tr_blob_value(blob) - (char *)blob) + blob->value_length + 7) / 8;
	}
	return (uint32_t)(units / 8 * 9);
}

static void page_resize(struct tr_table *table, uint32_t number, uint32_t bits)
{
	struct tr_page *old = table->pages[number], *page = page_get(table, old, bits, heap_wanted(table, old));

	table->pages[number] = page;
	for (uint32_t i = 0; i < (uint32_t)1 << old->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, old->slots, i);

		if (slot->stamp == 0 || (slot->flags & TR_SLOT_GONE) != 0)
			continue;
		if (tr_slot_is_needless(table, slot))
			table->count--;
		else
			slot_move(table, page, old, i);
	}
	page_put(table, old);
	page_publish(table, number);
}

static void directory_double(struct tr_table *table)
{
	const uint64_t count = (uint64_t)1 << table->depth;
	struct tr_table_place *doubled = tr_checked(malloc(count * 2 * sizeof(*doubled)));

	for (uint64_t i = 0; i < count; i++)
		doubled[i * 2] = doubled[i * 2 + 1] = table->directory[i];
	free(table->directory);
	table->directory = doubled;
	table->depth++;
	table->bytes += count * sizeof(*doubled);
}

static void page_split(struct tr_table *table, uint32_t number)
{
	struct tr_page *old = table->pages[number], *halves[2];

	if (old->depth == table->depth)
		directory_double(table);
	for (uint32_t h = 0; h < 2; h++) {
		halves[h] = page_get(table, old, old->slot_bits, heap_live(old) / 8 * 5);
		halves[h]->prefix = old->prefix << 1 | h;
		halves[h]->depth++;
	}
	table->pages[number] = halves[0];
	page_add(table, halves[1]);
	table->base[halves[1]->number] = table->base[number];
	table->rewritten[halves[1]->number] = table->rewritten[number];
	for (uint32_t i = 0; i < (uint32_t)1 << old->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, old->slots, i);

		if (slot->stamp == 0)
			continue;
		if (tr_slot_is_needless(table, slot))
			table->count--;
		else
			slot_move(table, halves[tr_slot_hash(table, slot) >> (64 - halves[0]->depth) & 1], old, i);
	}
	page_put(table, old);
	page_publish(table, number);
	page_publish(table, halves[1]->number);
}

static uint32_t count_needed(struct tr_table *table, const struct tr_page *page)
{
	uint32_t needed = 0;

	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);

		needed += slot->stamp != 0 && !tr_slot_is_needless(table, slot);
	}
	return needed;
}

/** Whether one of the next bits that a split may look at differs between two slots. Keys that are many under few hashes must
 * not make the directory much larger than there are pages. */
static bool is_splittable(const struct tr_table *table, const struct tr_page *page)
{
	uint64_t all = ~UINT64_C(0), any = 0;

	if (page->depth == table->depth && UINT64_C(1) << table->depth > 4096 + (uint64_t)table->page_count * 64)
		return false;

	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);

		if (slot->stamp == 0)
			continue;
		all &= tr_slot_hash(table, slot);
		any |= tr_slot_hash(table, slot);
	}
	return (all ^ any) >> (64 - TR_PAGE_DEPTH_MAX) != 0;
}

void tr_page_make_room(struct tr_table *table, uint64_t hash)
{
	for (;;) {
		const uint32_t number = tr_table_place_of(table, hash)->page;
		struct tr_page *page = table->pages[number];

		if (tr_page_has_room(page))
			return;
		if (count_needed(table, page) < page->used / 4 * 3)
			page_resize(table, number, page->slot_bits);
		else if (page->slot_bits < table->full_bits || !is_splittable(table, page))
			page_resize(table, number, page->slot_bits + 1u);
		else
			page_split(table, number);
		TR_ASSERT(table->pages[number]->slot_bits <= TR_PAGE_BITS_MAX);
		TR_ASSERT((uint64_t)table->slot_bytes << table->pages[number]->slot_bits < UINT32_MAX);
	}
}

void tr_page_rebuild(struct tr_table *table, uint32_t number)
{
	const struct tr_page *page = table->pages[number];
	const uint32_t needed = count_needed(table, page);
	uint32_t bits = page->slot_bits;

	while (bits > TR_PAGE_BITS_MIN && needed + 1 <= ((uint32_t)6 << (bits - 1) >> 4))
		bits--;
	if (bits < page->slot_bits || needed < page->used)
		page_resize(table, number, bits);
}

/** The page takes the place of page `number`, which is gone. */
static void page_replace(struct tr_table *table, uint32_t number, struct tr_page *page)
{
	table->pages[number] = page;
	page->number = number;
	page_publish(table, number);
}

/** The last page gets the number of one that is gone. */
static void page_drop(struct tr_table *table, uint32_t number)
{
	const uint32_t last = --table->page_count;

	if (number != last) {
		table->base[number] = table->base[last];
		table->rewritten[number] = table->rewritten[last];
		page_replace(table, number, table->pages[last]);
	}
	if (table->sweep_page >= table->page_count)
		table->sweep_page = 0;
}

/** Makes one page of a small page and its other half, if that is small as well and a snapshot has gone as far in both. *number
 * becomes its number. */
static bool page_join(struct tr_table *table, uint32_t *number)
{
	struct tr_page *parts[2] = {table->pages[*number]}, *page;
	struct tr_page like = *parts[0];
	uint32_t other;
	uint64_t bases[2];

	if (like.depth <= 1)
		return false;
	other = table->directory[(like.prefix ^ 1) << (table->depth - like.depth)].page;
	parts[1] = table->pages[other];
	if (parts[1]->depth != like.depth || parts[1]->slot_bits != TR_PAGE_BITS_MIN ||
	    parts[1]->visited != like.visited ||
	    parts[0]->used + parts[1]->used > ((uint32_t)8 << TR_PAGE_BITS_MIN >> 4))
		return false;
	like.dirty_epoch = TR_MAX(like.dirty_epoch, parts[1]->dirty_epoch);
	like.prefix >>= 1;
	like.depth--;
	page = page_get(table, &like, TR_PAGE_BITS_MIN, heap_wanted(table, parts[0]) + heap_wanted(table, parts[1]));
	for (uint32_t p = 0; p < 2; p++) {
		struct tr_page *part = parts[p];

		bases[p] = tr_page_base(table, part->number);
		if (part->dirty_epoch != like.dirty_epoch)
			tr_page_marks_move(part, TR_MARK_DIRTY, TR_MARK_BEFORE);
		for (uint32_t i = 0; i < (uint32_t)1 << part->slot_bits; i++)
			if (tr_slot_at(table, part->slots, i)->stamp != 0)
				slot_move(table, page, part, i);
	}
	table->base[*number] = TR_MIN(bases[0], bases[1]);
	if (table->rewritten[*number] != table->rewritten[other])
		table->rewritten[*number] = 0;
	page_put(table, parts[0]);
	page_put(table, parts[1]);
	page_replace(table, *number, page);
	if (*number == table->page_count - 1)
		*number = other;
	page_drop(table, other);
	return true;
}

void tr_page_shrink(struct tr_table *table, uint32_t number)
{
	const struct tr_page *page = table->pages[number];
	uint32_t left = 0, bits = TR_PAGE_BITS_MIN;

	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);

		left += slot->stamp != 0 && (slot->flags & TR_SLOT_GONE) == 0 && !tr_slot_is_needless(table, slot);
	}
	while (left + 1 > ((uint32_t)12 << bits >> 4))
		bits++;
	page_resize(table, number, bits);
	while (bits == TR_PAGE_BITS_MIN && page_join(table, &number))
		;
}

/** Moves the blobs that are in use to a heap of another size. */
static void heap_resize(struct tr_table *table, struct tr_page *page, uint32_t room)
{
	char *heap;
	uint32_t at = 0;

	room = heap_rounded(table, room);
	heap = tr_checked(malloc((size_t)room * 8));

	for (uint32_t i = 0; i < (uint32_t)1 << page->slot_bits; i++) {
		struct tr_slot *slot = tr_slot_at(table, page->slots, i);
		struct tr_blob *blob;
		size_t bytes;

		if (slot->stamp == 0 || *tr_slot_blob_at(table, slot) == TR_BLOB_NONE)
			continue;
		blob = tr_slot_blob(table, page, slot);
		bytes = (size_t)(tr_blob_value(blob) - (char *)blob) + blob->value_room;
		TR_ASSERT(at + bytes / 8 <= room);
		memcpy(heap + (size_t)at * 8, blob, bytes);
		*tr_slot_blob_at(table, slot) = at;
		at += (uint32_t)(bytes / 8);
	}
	free(page->heap);
	table->bytes += (size_t)room * 8;
	table->bytes -= (size_t)page->heap_room * 8;
	page->heap = heap;
	page->heap_room = room;
	page->heap_used = at;
	page->heap_garbage = 0;
	table->moves++;
}

uint32_t tr_page_blob(struct tr_table *table, struct tr_page *page, const struct tr_table_key *key,
		      uint32_t value_length)
{
	const uint32_t room = (value_length + 7) & ~(uint32_t)7;
	const uint32_t units = (uint32_t)((sizeof(struct tr_blob) + ((key->length + 7) & ~(uint32_t)7) + room) / 8);
	struct tr_blob *blob;
	uint32_t at;

	if (page->heap_room - page->heap_used < units) {
		const uint64_t live = (uint64_t)page->heap_used - page->heap_garbage + units;
		const uint64_t wanted = live + live / (table->options.memory_limit > 0 ? 4 : 2) + 32;

		TR_ASSERT(wanted < UINT32_MAX);
		heap_resize(table, page, (uint32_t)wanted);
	}
	at = page->heap_used;
	page->heap_used += units;
	blob = (struct tr_blob *)(void *)(page->heap + (size_t)at * 8);
	memset(blob, 0, (size_t)units * 8);
	*blob = (struct tr_blob){key->partition, key->length, value_length, room};
	memcpy(tr_blob_key(blob), key->bytes, key->length);
	return at;
}

void tr_page_blob_free(struct tr_page *page, const struct tr_blob *blob)
{
	page->heap_garbage +=
		(uint32_t)((sizeof(*blob) + ((blob->key_length + 7) & ~(uint32_t)7) + blob->value_room) / 8);
}
