/* SPDX-License-Identifier: Apache-2.0
 *
 * The cold part of a table: entries that were not used lately, in a file.
 *
 *     page in memory ──not recent──▶ run: entries side by side, written once; in memory stay, by rank in the run, the lower
 *          ▲                         halves of their hashes in order, and a bit for those that are back
 *          └──── read, one by one ──┘
 *
 * A key is either in its page or in one run of the page. Who looks for keys first has them brought in
 * (tr_cold_prepare): what is in memory is marked as recent, for what may be on disk a read is given to the queue, and the answer
 * is BLOCKED. The file is never asked for a key that does not exist, but for one in 2^32.
 *
 * When memory is above the limit a hand goes round the pages like a clock's. It takes the marks off, and entries out that
 * had none, enough of them to halve the page; else the page has a second chance. It passes an eighth of the pages for a batch, at
 * most. A page with RUNS_MAX runs has them
 * merged first: read, put together without those that are back, written as one. A page with runs does not split.
 *
 * An entry in a run is the slot as it was, and its blob; stamps go with it. So a snapshot reads runs that have something due, and
 * that is all it has to do with them.
 *
 * Space in the file is given out in powers of two and reused; it holds at most about twice what is cold. The file is
 * scratch: nothing of it is needed after a restart.
 */
#ifndef TR_STATE_TABLE_COLD_H
#define TR_STATE_TABLE_COLD_H

#include "state/table_page.h"

#define TR_COLD_RUNS_MAX 8

struct tr_cold_run {
	int64_t offset;
	uint32_t bytes; /* of entries */
	uint8_t class;  /* 1 << class bytes of the file */
	bool is_writing;
	bool is_loading;
	uint32_t count, live;
	uint32_t newest;  /* greatest stamp */
	uint32_t reads;   /* of single entries, in flight */
	uint32_t *hashes; /* lower halves, ascending */
	uint32_t *places; /* byte keys: where entry i begins; count + 1 of them. Else NULL */
	uint64_t *back;   /* bit i: entry i is in the page again */
	char *buffer;     /* the entries, while they are being written, or are loaded */
	struct tr_io_request request;
	struct tr_cold_run *next_writing;
};

struct tr_cold {
	struct tr_cold_run *runs[TR_COLD_RUNS_MAX];
	uint32_t run_count;
};

struct tr_cold_read {
	struct tr_io_request request;
	struct tr_cold_read *next;
	struct tr_cold_run *run;
	uint32_t page, index;
	size_t room;
	_Alignas(8) char bytes[];
};

struct tr_cold_file {
	struct tr_file *file;
	int64_t end;
	int64_t *free[48]; /* by class */
	uint32_t free_count[48], free_room[48];
	struct tr_cold_read *reads, *spare;
	struct tr_cold_run *writing;
	size_t writing_bytes;
	uint32_t hand;
	bool has_turned;  /* for the batch that waits */
	uint32_t merging; /* page number plus one; 0: none */
	uint64_t entries; /* in runs, those that are back left out */
	uint64_t reads_total, evicted_total, merged_total;
};

tr_code tr_cold_open(struct tr_table *table, struct tr_status *st) TR_MUST_USE;
/** Waits for what is in flight. */
void tr_cold_close(struct tr_table *table);

/** Brings the keys in, and memory below the limit. BLOCKED: not yet all. */
enum tr_flow tr_cold_prepare_i64(struct tr_table *table, const int64_t *keys, uint32_t count);
enum tr_flow tr_cold_prepare(struct tr_table *table, const struct tr_table_key *keys, const uint64_t *hashes,
			     uint32_t count);

/** Reads all runs of a page whose newest stamp is greater than `after` to memory, where they stay until unload. */
enum tr_flow tr_cold_load(struct tr_table *table, struct tr_page *page, uint32_t after);
void tr_cold_unload(struct tr_table *table, struct tr_page *page);

/** The next entry of loaded runs that is not back, from *cursor (0 at first) on; NULL: that was all. `blob`: its blob. */
struct tr_slot *tr_cold_next(struct tr_table *table, const struct tr_page *page, uint64_t *cursor,
			     struct tr_blob **blob);

#endif
