/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones: UTC offsets from the system's TZif files (RFC 8536), as java.time answers them.
 *
 * A zone is immutable once made and is shared by all threads. Who asks brings a cursor, which remembers the span
 * between two transitions that the last answer fell into: rows that are close in time cost one comparison.
 *
 * Ids: "UTC", "GMT", "Z", region names ("Europe/Berlin", looked up under $TZDIR or /usr/share/zoneinfo), and offsets
 * as Java writes them: "+8", "+08:00", "-0330", "+01:02:03", each also after "UTC", "GMT" or "UT" ("GMT+08:00").
 */
#ifndef TR_BASE_TIMEZONE_H
#define TR_BASE_TIMEZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "tailrace/status.h"

struct tr_timezone;

/** One per user (an expression's state, a decoder). Zero-initialise it. Not shared between threads or zones. */
struct tr_timezone_cursor {
	int64_t from; /* seconds since 1970: the offset holds in [from, until) */
	int64_t until;
	int32_t offset; /* seconds east of UTC */
};

/** The static zone UTC. */
const struct tr_timezone *tr_timezone_utc(void);

/** Makes a zone; the caller destroys it (also when it is UTC). TR_ERR_DATA: no such zone, or a damaged file. */
tr_code tr_timezone_create(const char *id, struct tr_timezone **zone, struct tr_status *st) TR_MUST_USE;
void tr_timezone_destroy(struct tr_timezone **zone);

/** The id it was made of. */
const char *tr_timezone_id(const struct tr_timezone *zone);

/** Whether its offset is 0 at all times: callers skip the conversion. */
bool tr_timezone_is_utc(const struct tr_timezone *zone);

/** Seconds east of UTC at `utc_seconds` since 1970. */
int32_t tr_timezone_offset(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t utc_seconds);

/** The instant of a local time, in seconds since 1970. As java.time: a time that occurs twice means the earlier
 * instant; a time that does not occur is moved later by the length of the gap. */
int64_t tr_timezone_local_to_utc(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor,
				 int64_t local_seconds);

/** The same two in ticks (of `ticks_per_second`) instead of seconds; local = utc + offset. */
int64_t tr_timezone_to_local_ticks(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t utc,
				   int64_t ticks_per_second);
int64_t tr_timezone_to_utc_ticks(const struct tr_timezone *zone, struct tr_timezone_cursor *cursor, int64_t local,
				 int64_t ticks_per_second);

#endif
