/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables: making them, going through all entries, sweeping; see the header. Batches of keys are in table_integer.c and
 * table_bytes.c, pages in table_page.c, snapshots in table_snapshot.c.
 */
#include "state/table.h"
#include "state/table_slot.h"

#define BYTE_PAGE_BITS 8

tr_code tr_table_create(const struct tr_table_options *options, struct tr_table **result, struct tr_status *st)
{
	struct tr_table *table;

	TR_ASSERT(options->has_byte_keys == (options->value_bytes == 0));
	TR_ASSERT(options->value_bytes + TR_SLOT_BODY + 8 <= TR_SLOT_BYTES_MAX);
	TR_ASSERT(options->group_first < options->group_end && options->group_end <= options->group_count);
	*result = table = tr_checked(calloc(1, sizeof(*table)));
	table->options = *options;
	table->value_offset = TR_SLOT_BODY + (options->ttl_ms > 0 ? 8 : 0);
	table->slot_bytes = table->value_offset + (options->has_byte_keys ? 8 : (options->value_bytes + 7) & ~7u);
	table->full_bits = TR_PAGE_BITS_FULL;
	/* Small units where memory is to be given back. */
	while (table->full_bits > TR_PAGE_BITS_MIN &&
	       (size_t)table->slot_bytes << table->full_bits > TR_PAGE_BYTES_FULL / (options->memory_limit > 0 ? 4 : 1))
		table->full_bits--;
	if (options->has_byte_keys && options->memory_limit > 0)
		table->full_bits = BYTE_PAGE_BITS;
	table->epoch = 1;
	tr_page_begin(table);
	if (options->memory_limit > 0) {
		tr_code code;

		TR_ASSERT(options->memory_limit >= TR_TABLE_LIMIT_MIN && options->queue != NULL);
		code = tr_cold_open(table, st);
		if (code != TR_OK) {
			tr_table_destroy(result);
			return code;
		}
	}
	return TR_OK;
}

void tr_table_destroy(struct tr_table **table)
{
	if (*table == NULL)
		return;
	tr_table_snapshot_end(*table);
	tr_cold_close(*table);
	tr_page_end(*table);
	free((*table)->scratch);
	free(*table);
	*table = NULL;
}

const struct tr_status *tr_table_status(const struct tr_table *table) { return &table->status; }

void tr_table_set_now(struct tr_table *table, int64_t now_ms) { table->now_ms = TR_MAX(table->now_ms, now_ms); }

uint64_t tr_table_count(const struct tr_table *table) { return table->count; }

size_t tr_table_bytes(const struct tr_table *table)
{
	return sizeof(*table) + table->bytes + table->snapshot.bytes + ((size_t)table->scratch_room * 8);
}

void tr_table_hold(struct tr_table *table) { table->is_held = true; }
void tr_table_release(struct tr_table *table) { table->is_held = false; }

/* All entries. */

/** The entry of a slot. False: it does not count, or belongs to another key group. */
static bool entry_of(const struct tr_table *table, struct tr_slot *slot, struct tr_blob *blob, uint32_t group_first,
		     uint32_t group_end, struct tr_table_entry *entry)
{
	uint32_t group;

	if (!tr_slot_is_alive(table, slot))
		return false;
	group = tr_key_group(tr_slot_hash(table, slot), table->options.group_count);
	if (group < group_first || group >= group_end)
		return false;
	*entry = (struct tr_table_entry){.integer = 0};
	if (blob != NULL) {
		entry->key = (struct tr_table_key){tr_blob_key(blob), blob->key_length, blob->partition};
		entry->value = (struct tr_table_value){tr_blob_value(blob), blob->value_length};
	} else {
		entry->integer = (int64_t)slot->word;
		entry->value = (struct tr_table_value){(char *)slot + table->value_offset, table->options.value_bytes};
	}
	return true;
}

#define SCAN_COLD (UINT64_C(1) << 31) /* cursor: slot number, or this and how many cold entries have been passed */

/** Goes on with the cold entries of a page. DONE: that was all of them. */
static enum tr_flow scan_cold(struct tr_table *table, struct tr_page *page, uint32_t group_first, uint32_t group_end,
			      uint64_t *passed, uint32_t max, struct tr_table_entry *entries, uint32_t *count)
{
	const enum tr_flow flow = tr_cold_load(table, page, 0);
	struct tr_cold_cursor cursor = {0};
	uint64_t n = 0;
	struct tr_slot *slot;
	struct tr_blob *blob;

	if (flow != TR_FLOW_MORE)
		return flow == TR_FLOW_BLOCKED && *count > 0 ? TR_FLOW_MORE : flow;
	while (*count < max && (slot = tr_cold_next(table, page, &cursor, &blob)) != NULL) {
		if (n++ < *passed)
			continue;
		++*passed;
		*count += entry_of(table, slot, blob, group_first, group_end, &entries[*count]);
	}
	return *count > 0 ? TR_FLOW_MORE : TR_FLOW_DONE;
}

enum tr_flow tr_table_scan(struct tr_table *table, uint32_t group_first, uint32_t group_end, uint64_t *cursor,
			   uint32_t max, struct tr_table_entry *entries, uint32_t *count)
{
	const uint64_t groups = table->options.group_count;
	/* The hashes of group g begin at the least upper half h with h * groups >> 32 = g. */
	const uint64_t first = (((uint64_t)group_first << 32) + groups - 1) / groups;
	const uint64_t end = (((uint64_t)group_end << 32) + groups - 1) / groups;
	uint64_t place = *cursor >> 32, at = *cursor & UINT32_MAX;
	enum tr_flow flow = TR_FLOW_MORE;

	*count = 0;
	if (*cursor == 0)
		place = (first << 32) >> (64 - table->depth);
	while (place < (uint64_t)1 << table->depth && place << (64 - table->depth) >> 32 < end && *count < max) {
		struct tr_page *page = table->pages[table->directory[place].page];

		for (; at < (uint64_t)1 << page->slot_bits && *count < max; at++) {
			struct tr_slot *slot = tr_slot_at(table, page->slots, (uint32_t)at);

			if (slot->stamp != 0)
				*count +=
					entry_of(table, slot,
						 table->options.has_byte_keys ? tr_slot_blob(table, page, slot) : NULL,
						 group_first, group_end, &entries[*count]);
		}
		if (at < (uint64_t)1 << page->slot_bits)
			break;
		if (table->cold != NULL) {
			uint64_t passed = at < SCAN_COLD ? 0 : at - SCAN_COLD;

			flow = scan_cold(table, page, group_first, group_end, &passed, max, entries, count);
			at = SCAN_COLD + passed;
			if (flow != TR_FLOW_DONE)
				break;
			flow = TR_FLOW_MORE;
			tr_cold_unload(table, page);
		}
		place = (page->prefix + 1) << (table->depth - page->depth);
		at = 0;
	}
	*cursor = place << 32 | at;
	return flow;
}

void tr_table_sweep(struct tr_table *table, size_t budget)
{
	for (uint32_t n = 0; n < table->page_count; n++) {
		const size_t bytes = (size_t)table->slot_bytes << table->pages[table->sweep_page]->slot_bits;

		tr_page_rebuild(table, table->sweep_page);
		table->sweep_page = (table->sweep_page + 1) % table->page_count;
		if (budget <= bytes)
			break;
		budget -= bytes;
	}
}
