/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of the Nexmark table: names, types, and which of them a reader wants.
 */
#ifndef TR_IO_NEXMARK_SCHEMA_H
#define TR_IO_NEXMARK_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/batch.h"
#include "io/connector.h"

#define TR_NEXMARK_FIELDS_MAX 10

/** The value of event_type. */
enum tr_nexmark_kind { TR_NEXMARK_PERSON = 0, TR_NEXMARK_AUCTION = 1, TR_NEXMARK_BID = 2, TR_NEXMARK_KIND_COUNT };

enum tr_nexmark_person_field {
	TR_PERSON_ID,
	TR_PERSON_NAME,
	TR_PERSON_EMAIL,
	TR_PERSON_CARD,
	TR_PERSON_CITY,
	TR_PERSON_STATE,
	TR_PERSON_TIME,
	TR_PERSON_EXTRA,
	TR_PERSON_FIELD_COUNT
};
enum tr_nexmark_auction_field {
	TR_AUCTION_ID,
	TR_AUCTION_NAME,
	TR_AUCTION_DESCRIPTION,
	TR_AUCTION_INITIAL_BID,
	TR_AUCTION_RESERVE,
	TR_AUCTION_TIME,
	TR_AUCTION_EXPIRES,
	TR_AUCTION_SELLER,
	TR_AUCTION_CATEGORY,
	TR_AUCTION_EXTRA,
	TR_AUCTION_FIELD_COUNT
};
enum tr_nexmark_bid_field {
	TR_BID_AUCTION,
	TR_BID_BIDDER,
	TR_BID_PRICE,
	TR_BID_CHANNEL,
	TR_BID_URL,
	TR_BID_TIME,
	TR_BID_EXTRA,
	TR_BID_FIELD_COUNT
};

/** Where one of the three rows goes. */
struct tr_nexmark_row_map {
	int32_t column; /* of the schema, -1: not declared */
	uint32_t needed_count;
	uint8_t field[TR_NEXMARK_FIELDS_MAX];  /* by position in the ROW type: which field it is */
	bool is_needed[TR_NEXMARK_FIELDS_MAX]; /* by position in the ROW type */
};

struct tr_nexmark_map {
	int32_t event_type; /* column, -1: not declared */
	bool is_event_type_needed;
	bool is_random; /* some needed field draws random bits */
	bool is_timed;  /* some needed field is or depends on the event's time */
	struct tr_nexmark_row_map rows[TR_NEXMARK_KIND_COUNT];
};

/** Maps a schema that tr_nexmark_gen_check has accepted. */
void tr_nexmark_map_init(struct tr_nexmark_map *map, const struct tr_schema *schema, const struct tr_need *const *needs);

#endif
