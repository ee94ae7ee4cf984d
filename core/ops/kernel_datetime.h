/* SPDX-License-Identifier: Apache-2.0
 *
 * Java's date patterns ("yyyy-MM-dd HH:mm:ss"): formatting and parsing local times.
 *
 * Letters: y u year, M L month (MMM short, MMMM full name), d day, D day of year, E day of week (EEEE full), e day of
 * week as a number (1 Sunday), w week of the year, W of the month, Y year of the week (from Sunday on; only written), Q q quarter, H 0-23, k 1-24, h 1-12, K 0-11, a AM/PM, m minute, s second, S fraction,
 * n nano-of-second, N of the day, A milli-of-day, G era, Z offset from UTC (+0130), X the same (+01, +0130, +01:30 by the number of letters, Z
 * for none); 'text' and '' are literal, as is every other character that is no letter. Names are English.
 */
#ifndef TR_CORE_OPS_KERNEL_DATETIME_H
#define TR_CORE_OPS_KERNEL_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_DATETIME_TOKENS_MAX 64
#define TR_DATETIME_TEXT_MAX 512 /* bytes that formatting writes at most */

struct tr_datetime_token {
	char letter; /* 0: literal byte `literal` */
	char literal;
	uint8_t count;
};

struct tr_datetime_pattern {
	uint32_t count;
	bool has_offset; /* Z or X */
	struct tr_datetime_token tokens[TR_DATETIME_TOKENS_MAX];
};

/** False: too long, an open quote, or a letter that is not listed above; `bad` receives it (0: the others). */
bool tr_datetime_compile(struct tr_datetime_pattern *pattern, const char *text, size_t length, char *bad);

/** Formats seconds since 1970-01-01T00:00 (local) and nanoseconds; `offset`: seconds from UTC to local. Returns the number of bytes. */
size_t tr_datetime_format(const struct tr_datetime_pattern *pattern, int64_t seconds, int32_t nanos, int64_t offset,
			  char *out);

/** Parses the whole text. Fields that are missing are those of 1970-01-01T00:00. `is_lenient`: numbers may have any
 * number of digits, values wrap over, and with an offset the result is in UTC (SimpleDateFormat); else as DateTimeFormatter,
 * where an offset says nothing of a local time. */
bool tr_datetime_parse(const struct tr_datetime_pattern *pattern, const char *text, size_t length, bool is_lenient,
		       int64_t *seconds, int32_t *nanos);

#endif
