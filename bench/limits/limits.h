/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits: what a hand-written loop reaches on this machine. The bars that the engine is measured against.
 *
 * Each file holds the fastest loop that we know for one row of the table in README.md, for one query, with everything
 * known at compile time: no types to look up, no plan, no batches but those that help the loop. It does the same work
 * as the engine (same keys, same windows, same output), so that the ratio is honest. They are built with
 * -march=native: with AVX-512 where the machine has it.
 *
 * None of this is part of Tailrace; nothing outside bench/ includes it.
 */
#ifndef TR_BENCH_LIMITS_H
#define TR_BENCH_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- filter_project.c: SELECT auction, price * 89, channel FROM bid WHERE ... ---- */

/** WHERE price > limit. Fills dense output columns and returns their length. Outputs have room for count + 8. */
uint32_t tr_limit_filter_project_i64(const int64_t *auction, const int64_t *price, uint32_t count, int64_t limit,
				     int64_t *out_auction, int64_t *out_price);

/** WHERE price > limit AND channel = `equal`; `equal` has at most 12 bytes. */
uint32_t tr_limit_filter_project_text(const int64_t *auction, const int64_t *price, const struct tr_view *channel,
				      uint32_t count, int64_t limit, const struct tr_view *equal, int64_t *out_auction,
				      int64_t *out_price, struct tr_view *out_channel);

/** SELECT auction, price * 89, bidder: one computed column, the others by reference (nothing to do). */
void tr_limit_convert_i64(const int64_t *price, uint32_t count, int64_t *out);

/** SELECT auction, price * 89 + bidder, bidder: one computed column, the others by reference (nothing to do). */
void tr_limit_project_i64(const int64_t *price, const int64_t *bidder, uint32_t count, int64_t *out);

/* ---- group.c: SELECT key, COUNT(*), SUM(value) GROUP BY key; 64-bit keys ---- */

struct tr_limit_group;

/** `keys` expected; picks the two-pass loop for a table that fits in L2, else entries with prefetch. */
struct tr_limit_group *tr_limit_group_create(size_t keys);
/** Forces one of the two loops. */
struct tr_limit_group *tr_limit_group_create_with(size_t keys, bool is_prefetching);
void tr_limit_group_destroy(struct tr_limit_group **group);
void tr_limit_group_clear(struct tr_limit_group *group);
void tr_limit_group_add(struct tr_limit_group *group, const int64_t *key, const int64_t *value, size_t count);
/** The sum of the sums of keys that are there; only with prefetch. */
int64_t tr_limit_group_read(const struct tr_limit_group *group, const int64_t *key, size_t count);
/** Number of groups, and the sums over all groups of count, and of sum ^ key (to compare with another result). */
size_t tr_limit_group_result(const struct tr_limit_group *group, uint64_t *rows, uint64_t *check);
/** Writes the groups to columns of at least the result's length; returns it. */
size_t tr_limit_group_emit(const struct tr_limit_group *group, int64_t *key, int64_t *counts, int64_t *sums);

/* ---- sort.c: SELECT key, value ORDER BY key ---- */

struct tr_limit_pair {
	int64_t key, value;
};

/** Copies `count` pairs to out[], sorted by key; `spare` has room for as many. */
void tr_limit_sort(const int64_t *key, const int64_t *value, size_t count, struct tr_limit_pair *out,
		   struct tr_limit_pair *spare);

/* ---- window.c: SELECT window_end, key, COUNT(*) GROUP BY HOP(slide, size), key; TUMBLE is slide = size ---- */

struct tr_limit_window;

#define TR_LIMIT_WINDOW_OUT 2048

struct tr_limit_window_out {
	int64_t end_ms[TR_LIMIT_WINDOW_OUT];
	int64_t key[TR_LIMIT_WINDOW_OUT + 8];
	int64_t count[TR_LIMIT_WINDOW_OUT + 8];
	uint64_t rows;  /* emitted so far */
	uint64_t total; /* sum of the counts emitted */
	/* If not NULL: gets each batch of `n` rows before the next overwrites it. */
	void (*take)(struct tr_limit_window_out *out, uint32_t n);
};

struct tr_limit_window *tr_limit_window_create(size_t keys, int64_t slide_ms, int64_t size_ms);
void tr_limit_window_destroy(struct tr_limit_window **window);
void tr_limit_window_clear(struct tr_limit_window *window);
/** Adds rows; windows that end at or before the greatest time seen are emitted to `out`; late rows are dropped. */
void tr_limit_window_add(struct tr_limit_window *window, const int64_t *time_ms, const int64_t *key, size_t count,
			 struct tr_limit_window_out *out);
/** Emits all that is left. */
void tr_limit_window_finish(struct tr_limit_window *window, struct tr_limit_window_out *out);

/* ---- parallel.c, tumble_parallel.c, csv_file.c: the loops on one thread and on two ---- */

/** Runs `work` on `workers` (1 or 2) pinned threads. Seconds from the common start to the end of the last. */
double tr_limit_parallel(uint32_t workers, void (*work)(void *context, uint32_t worker, uint32_t workers),
			 void *context);

/** COUNT by `keys` keys over TUMBLE `size_ms`: threads take chunks of rows in turn, count them in windows of their own,
 * deal what a window holds by the hash of the key, and merge their share. Times must ascend. Seconds; `groups` gets the
 * number of rows emitted, `total` the sum of their counts. */
double tr_limit_tumble_parallel(uint32_t workers, const int64_t *time_ms, const int64_t *key, size_t count, size_t keys,
				int64_t size_ms, uint64_t *groups, uint64_t *total);

/** Reads a file of CSV bids with read() and parses it, each thread a half. Seconds; `rows` gets -1 on an error. */
double tr_limit_csv_file(uint32_t workers, const char *path, int64_t *rows);

/* ---- load_table.c ---- */

/** Loads the entries of both subtasks of a job that counts by one BIGINT key into two tables, on two threads; each has room for
 * `keys_max` keys. Returns how many there are. */
uint64_t tr_limit_load_table(const char *directory, uint64_t keys_max, double *seconds);

/* ---- exchange.c: 4 int64 columns, dealt by hash of the first between 2 threads, handed over, summed ---- */

/** Each of `workers` (1 or 2) threads deals `rows` rows (from a block of its own in cache) to both threads, which sum
 * what they get. Returns the seconds from the common start to the end of the last; `check` gets the sum. */
double tr_limit_exchange(uint32_t workers, uint64_t rows, uint64_t *check);

/* ---- json_bids.cc, csv_bids.c: bids as text to columns ---- */

struct tr_limit_bids {
	int64_t *auction;
	int64_t *bidder;
	int64_t *price;
	struct tr_view *channel;
	int64_t *time_ms;      /* dateTime, 'yyyy-MM-dd HH:mm:ss.SSS' */
	struct tr_view *url;   /* CSV only */
	struct tr_view *extra; /* CSV only */
	size_t capacity;
};

/** JSON lines; 5 of 7 fields (auction, bidder, price, channel, dateTime). 64 bytes after `length` must be readable.
 * Returns the number of rows, or -1 on a malformed line. simdjson on-demand. */
int64_t tr_limit_json_bids(const char *text, size_t length, struct tr_limit_bids *bids);

/** CSV lines of all 7 fields, with optional quotes; same padding. Returns the number of rows, or -1. */
int64_t tr_limit_csv_bids(const char *text, size_t length, struct tr_limit_bids *bids);

/** Offsets of the line ends in [0, length), at most `most` of them, to `index` (room for most + 64). 64 bytes after
 * `length` must be readable. */
size_t tr_limit_index_lines(const char *text, size_t length, size_t most, int32_t *index);

/* ---- lines.c: file from the page cache to an index of line ends ---- */

enum tr_limit_lines_how { TR_LIMIT_LINES_READ, TR_LIMIT_LINES_URING };

/** Reads the whole file in blocks of `block` bytes and writes the offsets in the block of all line ends to an index
 * that is overwritten for each block. Returns the number of lines, or -1. */
int64_t tr_limit_lines(const char *path, size_t block, enum tr_limit_lines_how how);

#ifdef __cplusplus
}
#endif
#endif
