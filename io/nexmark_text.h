/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of Nexmark events: channels and urls of bids (a table, made once), and the texts of people and auctions.
 */
#ifndef TR_IO_NEXMARK_TEXT_H
#define TR_IO_NEXMARK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/column.h"
#include "io/nexmark_kernel.h"
#include "io/nexmark_schema.h"

#define TR_NEXMARK_CHANNELS 10000u
#define TR_NEXMARK_CHANNELS_HOT 4u

/** Entry i < TR_NEXMARK_CHANNELS is "channel-i" and its url; the hot ones follow. Immutable once made. */
struct tr_nexmark_channels {
	struct tr_arena arena;
	struct tr_view channel[TR_NEXMARK_CHANNELS + TR_NEXMARK_CHANNELS_HOT];
	struct tr_view url[TR_NEXMARK_CHANNELS + TR_NEXMARK_CHANNELS_HOT];
};

/** Which entry the bid with this hash has: half of them a hot one. */
static inline uint32_t tr_nexmark_channel_of(uint64_t hash)
{
	const uint64_t bits = tr_nexmark_draw(hash, TR_DRAW_CHANNEL);

	if (bits >> 63 != 0)
		return TR_NEXMARK_CHANNELS + (uint32_t)tr_nexmark_below(bits, TR_NEXMARK_CHANNELS_HOT);
	return (uint32_t)tr_nexmark_below(bits, TR_NEXMARK_CHANNELS);
}

struct tr_nexmark_auction_text {
	struct tr_view name;
	struct tr_view description;
	struct tr_view extra; /* only if asked for */
};

struct tr_nexmark_person_text {
	struct tr_view field[TR_PERSON_FIELD_COUNT]; /* id and time are left out; extra only if asked for */
};

/** Most bytes that the texts of one row take for the given average size, without the slack at the end. */
size_t tr_nexmark_auction_bytes_max(uint32_t average);
size_t tr_nexmark_person_bytes_max(uint32_t average);

/** Writes texts to `heap` (room as above plus TR_NEXMARK_TEXT_SLACK once) and returns the end of what was written. The
 * length of `extra` depends on the other texts, so they are made in any case. */
char *tr_nexmark_auction_text(const struct tr_nexmark_kernel *kernel, uint64_t hash, uint32_t average, bool has_extra,
			      char *heap, struct tr_nexmark_auction_text *text);
char *tr_nexmark_person_text(const struct tr_nexmark_kernel *kernel, uint64_t hash, uint32_t average, bool has_extra,
			     char *heap, struct tr_nexmark_person_text *text);

#endif
