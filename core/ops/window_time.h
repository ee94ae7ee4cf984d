/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of windows: which slices and windows a time belongs to, and when a window fires.
 *
 * Times here are *local*: with TIMESTAMP_LTZ the wall clock of the session time zone, so that a day's window is a day
 * of that zone; with TIMESTAMP they are what they are. Only two places know of the zone: a row's time on its way in
 * (local), and the watermark at which a window fires (timer), which is an instant. As in Flink, a window whose end
 * falls into an hour that occurs twice fires after the second one, and one whose end is skipped fires at once.
 *
 *     TUMBLE     slice = size              a slice is a window
 *     HOP        slice = gcd(size, step)   windows end every step; a slice is in size / step of them
 *     CUMULATE   slice = step              windows [m, m + step), [m, m + 2 step) .. [m, m + size)
 *
 * Every window is a union of slices, and every row is in exactly one slice. `first_end` and `last_end` are the ends of
 * the first and the last window that a slice belongs to.
 */
#ifndef TR_CORE_OPS_WINDOW_TIME_H
#define TR_CORE_OPS_WINDOW_TIME_H

#include "base/timezone.h"
#include "core/ops/window.h"
#include "tailrace/status.h"

/* Times beyond are refused: 73 million years on either side leave room for any sum of a time and a window. */
#define TR_WINDOW_TIME_MAX ((int64_t)1 << 61)

struct tr_window_clock {
	struct tr_window_spec spec;
	int64_t slice_ms;         /* not for SESSION */
	struct tr_timezone *zone; /* NULL: local is UTC */
	struct tr_timezone_cursor to_local;
	struct tr_timezone_cursor to_utc;
};

/** TR_ERR_DATA: sizes that are not positive or don't divide; an unknown time zone. */
tr_code tr_window_clock_init(struct tr_window_clock *clock, const struct tr_window_spec *spec,
			     struct tr_status *st) TR_MUST_USE;
void tr_window_clock_deinit(struct tr_window_clock *clock);

int64_t tr_window_local_slow(struct tr_window_clock *clock, int64_t utc_ms);
int64_t tr_window_timer_slow(struct tr_window_clock *clock, int64_t local_end_ms);
/** The instant of a local time: what window_time of TIMESTAMP_LTZ shows. */
int64_t tr_window_utc(struct tr_window_clock *clock, int64_t local_ms);

static inline int64_t tr_window_local(struct tr_window_clock *clock, int64_t utc_ms)
{
	return clock->zone == NULL ? utc_ms : tr_window_local_slow(clock, utc_ms);
}

/** The watermark (or, less one, the processing time) at which a window with this end fires. */
static inline int64_t tr_window_timer(struct tr_window_clock *clock, int64_t local_end_ms)
{
	return clock->zone == NULL ? local_end_ms - 1 : tr_window_timer_slow(clock, local_end_ms);
}

/** The greatest a + k * step that is not above t, for negative t too. step > 0; |t - a| < 2^62. */
static inline int64_t tr_window_floor(int64_t t, int64_t a, int64_t step)
{
	const int64_t rest = (t - a) % step;

	return t - rest - (rest < 0 ? step : 0);
}

static inline int64_t tr_window_slice_start(const struct tr_window_clock *clock, int64_t t)
{
	return tr_window_floor(t, clock->spec.offset_ms, clock->slice_ms);
}

int64_t tr_window_first_end(const struct tr_window_clock *clock, int64_t slice_start);
int64_t tr_window_last_end(const struct tr_window_clock *clock, int64_t slice_start);

/** The start of the window with this end. */
int64_t tr_window_start_of(const struct tr_window_clock *clock, int64_t end);

/** The end of the first window of the slice that does not fire at `watermark_ms`; INT64_MIN: all do. */
int64_t tr_window_first_open(struct tr_window_clock *clock, int64_t slice_start, int64_t watermark_ms);

#endif
