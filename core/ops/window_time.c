/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of windows; see the header. The rule for hours that a zone skips or repeats is that of Flink's
 * TimeWindowUtil.toEpochMillsForTimer, told there in comments.
 */
#include "core/ops/window_time.h"

#include <string.h>

#include "base/check.h"

#define HOUR_MS INT64_C(3600000)

static int64_t gcd(int64_t a, int64_t b)
{
	while (b != 0) {
		const int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static tr_code check_sizes(const struct tr_window_spec *spec, struct tr_status *st)
{
	const bool has_step = spec->kind == TR_WINDOW_HOP || spec->kind == TR_WINDOW_CUMULATE;

	if (spec->size_ms <= 0 || spec->size_ms > TR_WINDOW_TIME_MAX / 4)
		TR_FAIL(st, TR_ERR_DATA, "window: the size must be positive, not %lld ms", (long long)spec->size_ms);
	if (has_step && (spec->step_ms <= 0 || spec->step_ms > TR_WINDOW_TIME_MAX / 4))
		TR_FAIL(st, TR_ERR_DATA, "window: the slide or step must be positive, not %lld ms",
			(long long)spec->step_ms);
	if (spec->offset_ms > TR_WINDOW_TIME_MAX / 4 || spec->offset_ms < -(TR_WINDOW_TIME_MAX / 4))
		TR_FAIL(st, TR_ERR_DATA, "window: the offset %lld ms is too large", (long long)spec->offset_ms);
	if (spec->kind == TR_WINDOW_CUMULATE && spec->size_ms % spec->step_ms != 0)
		TR_FAIL(st, TR_ERR_DATA, "CUMULATE: the size %lld ms is not a multiple of the step %lld ms",
			(long long)spec->size_ms, (long long)spec->step_ms);
	return TR_OK;
}

tr_code tr_window_clock_init(struct tr_window_clock *clock, const struct tr_window_spec *spec, struct tr_status *st)
{
	memset(clock, 0, sizeof(*clock));
	TR_TRY(check_sizes(spec, st));
	clock->spec = *spec;
	switch (spec->kind) {
	case TR_WINDOW_TUMBLE:
	case TR_WINDOW_SESSION: clock->slice_ms = clock->spec.step_ms = spec->size_ms; break;
	case TR_WINDOW_HOP: clock->slice_ms = gcd(spec->size_ms, spec->step_ms); break;
	case TR_WINDOW_CUMULATE: clock->slice_ms = spec->step_ms; break;
	}
	if (!spec->is_local_time)
		return TR_OK;
	TR_ASSERT(spec->time_zone != NULL);
	TR_TRY(tr_timezone_create(spec->time_zone, &clock->zone, st));
	if (tr_timezone_is_utc(clock->zone))
		tr_timezone_destroy(&clock->zone);
	return TR_OK;
}

void tr_window_clock_deinit(struct tr_window_clock *clock)
{
	if (clock->zone != NULL)
		tr_timezone_destroy(&clock->zone);
}

int64_t tr_window_local_slow(struct tr_window_clock *clock, int64_t utc_ms)
{
	return tr_timezone_to_local_ticks(clock->zone, &clock->to_local, utc_ms, 1000);
}

int64_t tr_window_utc(struct tr_window_clock *clock, int64_t local_ms)
{
	return clock->zone == NULL ? local_ms : tr_timezone_to_utc_ticks(clock->zone, &clock->to_utc, local_ms, 1000);
}

int64_t tr_window_timer_slow(struct tr_window_clock *clock, int64_t local_end_ms)
{
	const int64_t now = tr_window_utc(clock, local_end_ms - 1);
	const int64_t later = tr_window_utc(clock, local_end_ms - 1 + HOUR_MS);

	if (now == later) /* skipped: the first instant after the gap */
		return tr_window_floor(now, 0, HOUR_MS);
	return later - now > HOUR_MS ? now + HOUR_MS : now;
}

int64_t tr_window_first_end(const struct tr_window_clock *clock, int64_t slice_start)
{
	const struct tr_window_spec *spec = &clock->spec;
	const int64_t slice_end = slice_start + clock->slice_ms;

	if (spec->kind != TR_WINDOW_HOP)
		return slice_end;
	/* Windows end at offset + size + k * step: the least that is not below the slice's end. */
	return tr_window_floor(slice_end - 1, spec->offset_ms + spec->size_ms, spec->step_ms) + spec->step_ms;
}

int64_t tr_window_last_end(const struct tr_window_clock *clock, int64_t slice_start)
{
	const struct tr_window_spec *spec = &clock->spec;

	if (spec->kind == TR_WINDOW_CUMULATE)
		return tr_window_floor(slice_start, spec->offset_ms, spec->size_ms) + spec->size_ms;
	return tr_window_floor(slice_start, spec->offset_ms, spec->step_ms) + spec->size_ms;
}

int64_t tr_window_start_of(const struct tr_window_clock *clock, int64_t end)
{
	if (clock->spec.kind == TR_WINDOW_CUMULATE)
		return tr_window_floor(end - 1, clock->spec.offset_ms, clock->spec.size_ms);
	return end - clock->spec.size_ms;
}

int64_t tr_window_first_open(struct tr_window_clock *clock, int64_t slice_start, int64_t watermark_ms)
{
	const int64_t step = clock->spec.step_ms;
	const int64_t last = tr_window_last_end(clock, slice_start);
	int64_t end = tr_window_first_end(clock, slice_start);

	if (tr_window_timer(clock, end) > watermark_ms)
		return end <= last ? end : INT64_MIN; /* step > size: some slices are in no window */
	if (end >= last || tr_window_timer(clock, last) <= watermark_ms)
		return INT64_MIN;
	if (clock->zone == NULL) /* the least end above watermark + 1 */
		return end + ((watermark_ms + 1 - end) / step + 1) * step;
	while (tr_window_timer(clock, end) <= watermark_ms)
		end += step;
	return end;
}
