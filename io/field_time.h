/* SPDX-License-Identifier: Apache-2.0
 *
 * The usual timestamp, quickly: "2001-01-31 10:20:30.123" or without the fraction.
 *
 * Rows of a stream are close in time, so the minute of the last row is kept as text and as a number: most rows compare
 * sixteen bytes and read the seconds. Everything else (another length, an error) is for the general parser.
 */
#ifndef TR_IO_FIELD_TIME_H
#define TR_IO_FIELD_TIME_H

#include <string.h>

#include "base/text.h"

#define TR_FIELD_MINUTE_BYTES 16
#define TR_FIELD_SECOND_BYTES 19
#define TR_FIELD_MS_BYTES 23

/** Zero-initialise it. One per column or decoder. */
struct tr_field_minute {
	char text[TR_FIELD_MINUTE_BYTES]; /* "2001-01-31 10:20" */
	int64_t ms;                       /* since 1970 */
};

/** Whether a column of these flags may use it: no zone, no shorter forms. */
static inline bool tr_field_has_minutes(unsigned timestamp_flags)
{
	return (timestamp_flags & ~(unsigned)(TR_TIME_T | TR_TIME_NO_SECONDS)) == 0;
}

/** Reads a new minute into the cache. */
static __attribute__((noinline)) bool tr_field_read_minute(struct tr_field_minute *minute, const char *text,
							   unsigned flags)
{
	char whole[TR_FIELD_SECOND_BYTES];
	struct tr_text_time time;

	memcpy(whole, text, TR_FIELD_MINUTE_BYTES);
	memcpy(whole + TR_FIELD_MINUTE_BYTES, ":00", 3);
	if (tr_text_parse_timestamp(whole, sizeof(whole), flags, &time) != TR_TEXT_OK || time.nanos != 0)
		return false;
	memcpy(minute->text, text, TR_FIELD_MINUTE_BYTES);
	minute->ms = time.seconds * 1000;
	return true;
}

/** Milliseconds of a text of 19 or 23 bytes; false: ask the general parser. */
static inline bool tr_field_minute_ms(struct tr_field_minute *minute, const char *text, size_t length, unsigned flags,
				      int64_t *ms)
{
	const unsigned tens = (unsigned char)(text[17] - '0'), ones = (unsigned char)(text[18] - '0');
	int64_t value;

	/* The hyphen: a cache that is still all zeros equals no date. */
	if ((length != TR_FIELD_MS_BYTES && length != TR_FIELD_SECOND_BYTES) || text[4] != '-')
		return false;
	if (memcmp(minute->text, text, TR_FIELD_MINUTE_BYTES) != 0 && !tr_field_read_minute(minute, text, flags))
		return false;
	if (text[16] != ':' || tens > 5 || ones > 9)
		return false;
	value = minute->ms + tens * 10000 + ones * 1000;
	if (length == TR_FIELD_MS_BYTES) {
		const unsigned a = (unsigned char)(text[20] - '0'), b = (unsigned char)(text[21] - '0');
		const unsigned c = (unsigned char)(text[22] - '0');

		if (text[19] != '.' || a > 9 || b > 9 || c > 9)
			return false;
		value += a * 100 + b * 10 + c;
	}
	*ms = value;
	return true;
}

#endif
