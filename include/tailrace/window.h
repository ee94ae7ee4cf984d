/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows: which rows belong together. Times are milliseconds since 1970; a window has the rows of times in [start, end).
 *
 *     tr_windows_tumbling(60000)             each minute
 *     tr_windows_sliding(60000, 10000)       a minute, every ten seconds
 *     tr_windows_session(30000)              of a key, until it is silent for half a minute
 *     tr_windows_global()                    all rows of a key: needs a trigger (trigger.h)
 *     tr_windows_count(100)                  each hundred rows of a key
 *     tr_windows_count_sliding(100, 10)      the last hundred rows of a key, every ten rows
 *
 * tr_stream_window_aggregate takes the first three, with sizes that are multiples of the slide and event time: it is SQL's GROUP BY
 * over that window, on SQL's operators. Columns window_start, window_end and window_time of the stream itself are called
 * input_window_start and so on in its aggregates. tr_stream_window_process (window_function.h) takes all of them.
 *
 * A window fires when the watermark (or the clock, with processing time) reaches end - 1, unless a trigger says otherwise.
 */
#ifndef TAILRACE_WINDOW_H
#define TAILRACE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tr_row;

/** One window; the global one is from INT64_MIN to INT64_MAX. */
struct tr_window {
	int64_t start_ms;
	int64_t end_ms;
};

/** The last time that is in it: the event time of its results. */
static inline int64_t tr_window_last(const struct tr_window *window)
{
	return window->end_ms == INT64_MAX ? INT64_MAX : window->end_ms - 1;
}

enum tr_windows_kind {
	TR_WINDOWS_TUMBLING,
	TR_WINDOWS_SLIDING,
	TR_WINDOWS_SESSION,
	TR_WINDOWS_GLOBAL,
	TR_WINDOWS_COUNT,
	TR_WINDOWS_CUSTOM,
};

#define TR_WINDOWS_OF_ROW_MAX 64 /* that an own assigner may give to a row */

/** Which windows a row is in. */
struct tr_windows {
	enum tr_windows_kind kind;
	int64_t size_ms; /* session: the gap; count: rows */
	int64_t slide_ms; /* sliding: no less than a ten thousandth of the size; count: rows, 0 for windows that follow one another */
	int64_t offset_ms; /* tumbling, sliding: windows begin so long after multiples of the slide; less than it */
	bool is_processing_time;
	/* Session: a row's own gap, more than 0; NULL: size_ms. */
	int64_t (*gap)(void *user, const struct tr_row *row);
	/* Custom: the windows of a row of this time to `windows`; how many. */
	uint32_t (*assign)(void *user, const struct tr_row *row, int64_t time_ms, struct tr_window *windows);
	void *user;
};

static inline struct tr_windows tr_windows_make(enum tr_windows_kind kind, int64_t size, int64_t slide)
{
	const struct tr_windows windows = {kind, size, slide, 0, false, NULL, NULL, NULL};

	return windows;
}

static inline struct tr_windows tr_windows_tumbling(int64_t size_ms)
{
	return tr_windows_make(TR_WINDOWS_TUMBLING, size_ms, 0);
}

static inline struct tr_windows tr_windows_sliding(int64_t size_ms, int64_t slide_ms)
{
	return tr_windows_make(TR_WINDOWS_SLIDING, size_ms, slide_ms);
}

static inline struct tr_windows tr_windows_session(int64_t gap_ms)
{
	return tr_windows_make(TR_WINDOWS_SESSION, gap_ms, 0);
}

/** Each row has a gap of its own. */
static inline struct tr_windows tr_windows_session_by_row(int64_t (*gap)(void *user, const struct tr_row *row),
							  void *user)
{
	struct tr_windows windows = tr_windows_make(TR_WINDOWS_SESSION, 0, 0);

	windows.gap = gap;
	windows.user = user;
	return windows;
}

/** Windows that a function of yours gives to each row. */
static inline struct tr_windows tr_windows_custom(uint32_t (*assign)(void *user, const struct tr_row *row,
								     int64_t time_ms, struct tr_window *windows),
						  void *user)
{
	struct tr_windows windows = tr_windows_make(TR_WINDOWS_CUSTOM, 0, 0);

	windows.assign = assign;
	windows.user = user;
	return windows;
}

static inline struct tr_windows tr_windows_global(void) { return tr_windows_make(TR_WINDOWS_GLOBAL, 0, 0); }

static inline struct tr_windows tr_windows_count(int64_t rows) { return tr_windows_make(TR_WINDOWS_COUNT, rows, 0); }

static inline struct tr_windows tr_windows_count_sliding(int64_t rows, int64_t every)
{
	return tr_windows_make(TR_WINDOWS_COUNT, rows, every);
}

/** The same windows of processing time. */
static inline struct tr_windows tr_windows_processing_time(struct tr_windows windows)
{
	windows.is_processing_time = true;
	return windows;
}

/** The same windows, begun so much later: tumbling days of a time zone have an offset of hours. */
static inline struct tr_windows tr_windows_offset(struct tr_windows windows, int64_t offset_ms)
{
	windows.offset_ms = offset_ms;
	return windows;
}

#ifdef __cplusplus
}
#endif
#endif
