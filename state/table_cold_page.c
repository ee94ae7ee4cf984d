/* SPDX-License-Identifier: Apache-2.0
 *
 * The cold entries of a page: runs that are read as a whole, for snapshots and for who goes through all entries; see table_cold.h.
 */
#include "state/table_cold.h"

/** The next zone that shares hashes with the page, from *hash on (its first one at first). NULL: that were all. */
static struct tr_cold_zone *page_zone(const struct tr_cold_file *f, const struct tr_page *page, uint64_t *hash,
				      bool *is_last)
{
	struct tr_cold_zone *zone;
	uint64_t last;

	if (*is_last)
		return NULL;
	zone = tr_cold_zone_of(f, *hash);
	last = tr_cold_last_hash(zone->prefix, zone->depth);
	*is_last = last >= tr_cold_last_hash(page->prefix, page->depth);
	*hash = last + 1;
	return zone;
}

static bool is_shared(const struct tr_cold_run *run, const struct tr_page *page)
{
	return run->last_hash >= tr_cold_first_hash(page->prefix, page->depth) &&
	       run->first_hash <= tr_cold_last_hash(page->prefix, page->depth);
}

enum tr_flow tr_cold_load(struct tr_table *table, const struct tr_page *page, uint32_t after)
{
	uint64_t hash = tr_cold_first_hash(page->prefix, page->depth);
	enum tr_flow flow = TR_FLOW_MORE;
	struct tr_cold_zone *zone;
	bool is_last = false;

	while ((zone = page_zone(table->cold, page, &hash, &is_last)) != NULL) {
		for (uint32_t r = 0; r < zone->run_count; r++) {
			struct tr_cold_run *run = zone->runs[r];
			enum tr_flow of_run;

			if (run->newest <= after || run->live == 0 || !is_shared(run, page))
				continue;
			of_run = tr_cold_run_load(table, run);
			if (of_run == TR_FLOW_FAILED)
				return of_run;
			if (of_run == TR_FLOW_BLOCKED)
				flow = of_run;
		}
	}
	return flow;
}

void tr_cold_unload(struct tr_table *table, const struct tr_page *page)
{
	uint64_t hash = tr_cold_first_hash(page->prefix, page->depth);
	struct tr_cold_zone *zone;
	bool is_last = false;

	while ((zone = page_zone(table->cold, page, &hash, &is_last)) != NULL) {
		if (tr_cold_last_hash(zone->prefix, zone->depth) > tr_cold_last_hash(page->prefix, page->depth))
			return; /* the next page needs it, too */
		for (uint32_t r = 0; r < zone->run_count; r++)
			tr_cold_run_unload(table, zone->runs[r]);
	}
}

void tr_cold_unload_all(struct tr_table *table)
{
	for (uint32_t z = 0; z < table->cold->zone_count; z++)
		for (uint32_t r = 0; r < table->cold->zones[z]->run_count; r++)
			tr_cold_run_unload(table, table->cold->zones[z]->runs[r]);
}

/** The cursor's run: its next entry in the page; NULL: there is none. */
static char *next_of_run(struct tr_table *table, const struct tr_page *page, struct tr_cold_run *run,
			 struct tr_cold_cursor *cursor)
{
	const uint64_t first = tr_cold_first_hash(page->prefix, page->depth),
		       last = tr_cold_last_hash(page->prefix, page->depth);

	if (cursor->entry == NULL) {
		uint32_t block;

		cursor->index = first <= run->first_hash ? 0 : run->begins[(first - run->first_hash) >> run->shift];
		block = tr_cold_run_block(run, cursor->index);
		cursor->entry =
			tr_cold_run_entry(table, run, block, run->buffer + run->blocks[block].place, cursor->index);
	}
	while (cursor->index < run->count) {
		char *entry = cursor->entry;
		const uint64_t hash = tr_slot_hash(table, (struct tr_slot *)(void *)entry);

		if (hash > last)
			return NULL;
		cursor->entry += tr_cold_entry_bytes(table, tr_cold_entry_blob(table, entry));
		if (hash >= first && !tr_cold_is_back(run, cursor->index++))
			return entry;
		cursor->index += hash < first;
	}
	return NULL;
}

struct tr_slot *tr_cold_next(struct tr_table *table, const struct tr_page *page, struct tr_cold_cursor *cursor,
			     struct tr_blob **blob)
{
	if (!cursor->is_begun)
		*cursor = (struct tr_cold_cursor){.is_begun = true,
						  .hash = tr_cold_first_hash(page->prefix, page->depth)};
	for (;;) {
		const struct tr_cold_zone *zone = tr_cold_zone_of(table->cold, cursor->hash);
		const uint64_t last = tr_cold_last_hash(zone->prefix, zone->depth);

		for (; cursor->run < zone->run_count; cursor->run++, cursor->entry = NULL) {
			struct tr_cold_run *run = zone->runs[cursor->run];
			char *entry;

			if (run->buffer == NULL || run->is_loading || !is_shared(run, page))
				continue;
			entry = next_of_run(table, page, run, cursor);
			if (entry == NULL)
				continue;
			*blob = tr_cold_entry_blob(table, entry);
			return (struct tr_slot *)(void *)entry;
		}
		if (last >= tr_cold_last_hash(page->prefix, page->depth))
			return NULL;
		cursor->hash = last + 1;
		cursor->run = 0;
	}
}
