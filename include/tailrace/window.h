/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows over keyed streams. Times are milliseconds; a window [start, end) fires when the watermark (or the clock, with
 * processing time) reaches end - 1. Rows that come later are dropped and counted.
 *
 *     tr_stream_window_aggregate(keyed, tr_windows_tumbling(60000), "COUNT(*) AS orders, SUM(amount) AS revenue")
 *
 * is SQL's GROUP BY over that window and runs on the same operators. Columns window_start, window_end and window_time of the stream itself
 * are called input_window_start and so on in the aggregates.
 */
#ifndef TAILRACE_WINDOW_H
#define TAILRACE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tr_windows_kind { TR_WINDOWS_TUMBLING, TR_WINDOWS_SLIDING, TR_WINDOWS_SESSION };

/** Which windows a row is in. */
struct tr_windows {
	enum tr_windows_kind kind;
	int64_t size_ms;  /* session: the gap */
	int64_t slide_ms; /* sliding: the size is a multiple of it */
	int64_t offset_ms;
	bool is_processing_time;
};

static inline struct tr_windows tr_windows_tumbling(int64_t size_ms)
{
	const struct tr_windows windows = {TR_WINDOWS_TUMBLING, size_ms, 0, 0, false};

	return windows;
}

static inline struct tr_windows tr_windows_sliding(int64_t size_ms, int64_t slide_ms)
{
	const struct tr_windows windows = {TR_WINDOWS_SLIDING, size_ms, slide_ms, 0, false};

	return windows;
}

static inline struct tr_windows tr_windows_session(int64_t gap_ms)
{
	const struct tr_windows windows = {TR_WINDOWS_SESSION, gap_ms, 0, 0, false};

	return windows;
}

#ifdef __cplusplus
}
#endif
#endif
