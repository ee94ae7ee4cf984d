/* SPDX-License-Identifier: Apache-2.0
 *
 * The cold part of a table: entries that were not used lately, in a file.
 *
 *     pages of a zone ──not recent──▶ run: entries by hash, in blocks of about a KiB, written once
 *          ▲                              in memory stay, for each entry: 16 bits of its hash and a bit, for each block 12 bytes
 *          └────── a block is read ───────┘
 *
 * A *zone* is a part of the hashes, as a page is, but of many pages: it is what is taken out at once and merged at once, some
 * hundredths of the limit. A key is either in its page or in one run of its zone. Who looks for keys first has them brought
 * in (tr_cold_prepare): what is in memory is marked as recent, for what may be on disk the block is read, and the answer is BLOCKED.
 * Many keys are brought in some at a time, so that blocks never take more than a part of the limit. The file is hardly ever asked for a
 * key that does not exist: one time in some thousand.
 *
 * When memory is above the limit a hand goes round the zones like a clock's. It takes the marks off, and all entries out that
 * had none; few of those wait for the next turn. It passes an eighth of the zones for a batch, at most: where little can leave, the
 * table goes on above its limit. A zone with TR_COLD_RUNS_MAX runs has them merged: read, put together without those that are back, and
 * written as one; or as two, and the zone splits.
 *
 * An entry in a run is the slot as it was, and its blob; stamps go with it. So a snapshot reads runs that have something due, and
 * that is all it has to do with them. Blocks have a CRC32C, which is checked when they come back.
 *
 * Space in the file is given out in powers of two and reused; it holds at most about twice what is cold. The file is
 * scratch, and has no name: nothing of it is needed after a restart.
 *
 * table_cold.c has the zones, what leaves and what comes back; table_cold_run.c the runs and the file; table_cold_page.c what a snapshot
 * looks at.
 */
#ifndef TR_STATE_TABLE_COLD_H
#define TR_STATE_TABLE_COLD_H

#include "state/table_page.h"

#define TR_COLD_RUNS_MAX 6

struct tr_cold_block {
	uint32_t place; /* in the run */
	uint32_t first; /* number of its first entry */
	uint32_t crc;
};

struct tr_cold_run {
	int64_t offset;
	uint64_t first_hash, last_hash;
	uint32_t bytes; /* of entries */
	uint32_t count, live;
	uint32_t newest; /* greatest stamp */
	uint32_t block_count, bucket_count;
	uint8_t class; /* 1 << class bytes of the file */
	uint8_t shift; /* (hash - first_hash) >> shift is the bucket */
	bool is_writing;
	bool is_loading;
	struct tr_cold_read *reads;   /* of its blocks, of this wave */
	uint64_t *back;               /* bit i: entry i is in its page again */
	struct tr_cold_block *blocks; /* and one behind the last */
	uint32_t *begins;             /* by bucket: number of its first entry; and one behind the last */
	uint16_t *prints;             /* by entry: the last bits of its hash */
	char *buffer;                 /* the entries, while they are being written, or are loaded */
	struct tr_io_request request;
	struct tr_cold_run *next_writing;
};

/** The hashes that begin with the `depth` bits of prefix. */
struct tr_cold_zone {
	uint64_t prefix;
	uint8_t depth;
	uint32_t run_count, run_room;
	struct tr_cold_run **runs; /* the oldest first */
};

/** A block that is being read, or has been. */
struct tr_cold_read {
	struct tr_io_request request;
	struct tr_cold_read *next, *next_of_run;
	struct tr_cold_run *run;
	uint32_t block;
	uint32_t length;
	size_t room;
	_Alignas(8) char bytes[];
};

/** An entry that may have the hash, in a block of the wave. */
struct tr_cold_wanted {
	struct tr_cold_read *read;
	uint32_t index;
	uint64_t hash;
};

/** An entry that is not the one that its print made look for. */
struct tr_cold_miss {
	const struct tr_cold_run *run;
	uint32_t index;
	uint64_t hash;
};

struct tr_cold_file {
	struct tr_file *file;
	int64_t end;
	int64_t *free[48]; /* by class */
	uint32_t free_count[48], free_room[48];
	struct tr_cold_zone **zones;
	uint32_t zone_count, zone_room;
	uint32_t *directory; /* 1 << depth numbers of zones */
	uint32_t depth;
	size_t zone_bytes; /* about so much of a zone is in memory, or in a run */
	struct tr_cold_run *writing;
	size_t writing_bytes;
	/* The wave: blocks that are read at once. */
	struct tr_cold_read *reads;   /* all of them, the newest first */
	struct tr_cold_read *waiting; /* from here on not yet seen */
	struct tr_cold_read *spare;
	size_t wave_bytes;
	struct tr_cold_wanted *wanted;
	uint32_t wanted_count, wanted_room;
	uint32_t prepared;  /* keys of the call that waits that have been looked at */
	uint64_t signature; /* of its keys */
	struct tr_cold_miss misses[64];
	uint64_t misses_total;
	uint32_t hand;
	bool has_turned;  /* for the batch that waits */
	uint32_t merging; /* zone number plus one; 0: none */
	uint64_t entries; /* in runs, those that are back left out */
	uint64_t reads_total, evicted_total, merged_total, passed_total;
};

/** The hashes that begin with a prefix of `depth` bits: the last, and the first. */
static inline uint64_t tr_cold_last_hash(uint64_t prefix, uint32_t depth)
{
	return depth == 0 ? UINT64_MAX : (prefix << (64 - depth)) | (UINT64_MAX >> depth);
}
static inline uint64_t tr_cold_first_hash(uint64_t prefix, uint32_t depth)
{
	return depth == 0 ? 0 : prefix << (64 - depth);
}

static inline struct tr_cold_zone *tr_cold_zone_of(const struct tr_cold_file *f, uint64_t hash)
{
	return f->zones[f->directory[hash >> 1 >> (63 - f->depth)]];
}

tr_code tr_cold_open(struct tr_table *table, struct tr_status *st) TR_MUST_USE;
/** Waits for what is in flight. */
void tr_cold_close(struct tr_table *table);

/** Brings the keys in, and memory below the limit. BLOCKED: not yet all. */
enum tr_flow tr_cold_prepare_i64(struct tr_table *table, const int64_t *keys, uint32_t count);
enum tr_flow tr_cold_prepare(struct tr_table *table, const struct tr_table_key *keys, const uint64_t *hashes,
			     uint32_t count);

/** Reads all runs that may have entries of the page and whose newest stamp is greater than `after` to memory, where they stay until
 * unload of the last page of their zone. */
enum tr_flow tr_cold_load(struct tr_table *table, const struct tr_page *page, uint32_t after);
void tr_cold_unload(struct tr_table *table, const struct tr_page *page);
void tr_cold_unload_all(struct tr_table *table);

/** Zero-initialise it. */
struct tr_cold_cursor {
	bool is_begun;
	uint64_t hash; /* in the zone */
	uint32_t run, index;
	char *entry; /* NULL: the run has not been looked at */
};

/** The next entry of the page in loaded runs that is not back; NULL: that was all. `blob`: its blob. */
struct tr_slot *tr_cold_next(struct tr_table *table, const struct tr_page *page, struct tr_cold_cursor *cursor,
			     struct tr_blob **blob);

/* Runs, for table_cold.c. */

/** What goes into a new run. */
struct tr_cold_source {
	struct tr_slot *slot;
	struct tr_blob *blob; /* NULL with int64 keys */
	uint64_t hash;
};

static inline size_t tr_cold_blob_bytes(struct tr_blob *blob)
{
	return (size_t)(tr_blob_value(blob) - (char *)blob) + ((blob->value_length + 7) & ~(uint32_t)7);
}

/** What a slot, and its blob, take in a run. */
static inline size_t tr_cold_entry_bytes(const struct tr_table *table, struct tr_blob *blob)
{
	return table->slot_bytes + (blob != NULL ? tr_cold_blob_bytes(blob) : 0);
}

/** The blob of an entry in a run; NULL with int64 keys. */
static inline struct tr_blob *tr_cold_entry_blob(const struct tr_table *table, char *entry)
{
	return table->options.has_byte_keys ? (struct tr_blob *)(void *)(entry + table->slot_bytes) : NULL;
}

static inline bool tr_cold_is_back(const struct tr_cold_run *run, uint32_t index)
{
	return (run->back[index >> 6] >> (index & 63) & 1) != 0;
}

/** A run of these entries, ordered by hash, for the zone, which is being written from now on. */
void tr_cold_run_create(struct tr_table *table, struct tr_cold_zone *zone, const struct tr_cold_source *sources,
			uint32_t count);
/** The run must be idle. */
void tr_cold_run_free(struct tr_table *table, struct tr_cold_run *run);
/** Notices what has been written. */
tr_code tr_cold_reap_writes(struct tr_table *table);
/** All of the run into memory. MORE: it is there. */
enum tr_flow tr_cold_run_load(struct tr_table *table, struct tr_cold_run *run);
void tr_cold_run_unload(struct tr_table *table, struct tr_cold_run *run);
/** The block that has entry `index`. */
uint32_t tr_cold_run_block(const struct tr_cold_run *run, uint32_t index);
/** Entry `index`, whose block begins at `bytes`. */
char *tr_cold_run_entry(const struct tr_table *table, const struct tr_cold_run *run, uint32_t block, char *bytes,
			uint32_t index);
/** Whether a block is what was written; else the table's status is set. */
tr_code tr_cold_run_check(struct tr_table *table, const struct tr_cold_run *run, uint32_t block, const char *bytes);
/** A request for this run has failed, or has moved nothing. */
tr_code tr_cold_failed(struct tr_table *table, const struct tr_io_request *request);
/** A request that has come back before it has moved everything is sent again. False: it is to be looked at. */
bool tr_cold_goes_on(struct tr_table *table, struct tr_io_request *request);

#endif
