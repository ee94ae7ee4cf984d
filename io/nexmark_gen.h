/* SPDX-License-Identifier: Apache-2.0
 *
 * The Nexmark generator: event n as columns, a pure function of (seed, n).
 *
 * An online auction house: of every 50 events one is a new person, three are new auctions, the others bids. The data
 * rules (proportions, ids, hot keys, prices, times, sizes) are those of the nexmark project
 * (github.com/nexmark/nexmark); its random numbers are not, because it draws them from an unseeded generator.
 *
 *     event_type INT, person ROW<..>, auction ROW<..>, bid ROW<..>     one of the three rows is set, the others are NULL
 *
 * fill() makes a batch of consecutive events column by column: numbers of bids for all rows at once (nine of ten rows
 * are bids; what is written beside them is hidden by the validity bits), people and auctions row by row. Only the
 * columns and fields that somebody needs are made; the others are all NULL. Texts lie in the batch's heap; channels and
 * urls of bids come from a table of 10,000 that the source owns, as in the original.
 *
 * Rules, with e = n / 50 and o = n % 50 (proportions 1:3:46):
 *   ids         last person e; last auction 3 e - 1 (o = 0), 3 e + min(o - 1, 2); ids begin at 1000
 *   time        base + floor(n * 1e6 / rate) us, in ms
 *   bid         auction: 1 of `hot ratio` (2) is uniform over the last 100 and 10 to come, the others are the first of
 *               the latest hundred; bidder: 1 of 4 uniform over the last 1,000 people and 10 to come, else the second
 *               of the latest hundred, plus 1000 once more; price round(10^(6 u) * 100)
 *   auction     seller as bidder (but the first of the hundred, and 1000 once); reserve = initialBid + another price;
 *               expires after 1 .. 2 horizon ms, the horizon being the time in which 100 auctions are opened
 *   extra       letters up to the average size of the row, give or take a fifth
 * With an out-of-order group of g events, event n of a group takes the place of (n / g) g + n * 953 % g.
 *
 * Threads: a generator belongs to its reader; the channel table is shared and read-only.
 */
#ifndef TR_IO_NEXMARK_GEN_H
#define TR_IO_NEXMARK_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/batch.h"
#include "io/connector.h"
#include "tailrace/status.h"

#define TR_NEXMARK_BASE_TIME_MS INT64_C(1436918400000) /* 2015-07-15T00:00:00Z */
#define TR_NEXMARK_PROPORTION_MAX 1000000
#define TR_NEXMARK_SIZE_MAX (64 << 10)

struct tr_nexmark_config {
	uint64_t seed;
	int64_t base_time_ms;
	double events_per_second;
	uint32_t person_proportion;
	uint32_t auction_proportion;
	uint32_t bid_proportion;
	uint32_t person_bytes; /* average sizes */
	uint32_t auction_bytes;
	uint32_t bid_bytes;
	uint32_t hot_auction_ratio;
	uint32_t hot_bidder_ratio;
	uint32_t hot_seller_ratio;
	uint32_t out_of_order_group; /* 1: in order */
};

struct tr_nexmark_gen;
struct tr_nexmark_channels;

/** The project's defaults: 1:3:46, 10,000 events per second, 200/500/100 bytes, hot ratios 2/4/4, in order, seed 0. */
void tr_nexmark_config_init(struct tr_nexmark_config *config);

/** Channels and urls of bids for a seed. Never fails. */
struct tr_nexmark_channels *tr_nexmark_channels_create(uint64_t seed);
void tr_nexmark_channels_destroy(struct tr_nexmark_channels **channels);

/** Checks that the schema's columns and their ROW fields are those of the project, by name and type (any order, any
 * subset). TR_ERR_DATA names the column and what is expected. */
tr_code tr_nexmark_gen_check(const struct tr_schema *schema, struct tr_status *st) TR_MUST_USE;

/** A generator of batches of `schema` (checked before) of up to `rows_max` rows. `needs` may be NULL: everything. All
 * arguments must outlive it. */
struct tr_nexmark_gen *tr_nexmark_gen_create(const struct tr_nexmark_config *config,
					     const struct tr_nexmark_channels *channels, const struct tr_schema *schema,
					     const struct tr_need *const *needs, uint32_t rows_max);
void tr_nexmark_gen_destroy(struct tr_nexmark_gen **gen);

/** Fills the cleared buffer `into` with the events first .. first + count - 1 and seals it. */
void tr_nexmark_gen_fill(struct tr_nexmark_gen *gen, int64_t first, uint32_t count, struct tr_batch_buffer *into);

#endif
